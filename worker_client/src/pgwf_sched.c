/*
 * pgwf_sched.c
 *		Coroutines of a run, futures they wait for, cancellation scopes, and
 *		signals.
 *
 * The coroutines of a run are run in the order of their creation, each until
 * it blocks, over and over until none can go on.  Which of them can go on
 * depends only on what happened in the run, so a replay runs them in the same
 * order.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

/* ---- coroutines ---- */

static void
coroutine_main(void *arg)
{
	PgwfCoroutine *co = arg;
	PgwfWorkflow *wf = co->wf;
	PgwfFailure *failure = NULL;
	json_t	   *result;

	if (co->fn == NULL)
	{
		result = wf->fn(wf, wf->input, &failure);
		pgwf_workflow_returned(wf, result, failure);
		return;
	}
	result = co->fn(wf, co->arg, &failure);
	if (co->future == NULL)
	{
		pgwf_failure_free(failure);
		return;
	}
	if (failure == NULL)
		pgwf_future_succeed(wf, co->future, result != NULL ?
							json_incref(result) : json_null());
	else if (failure->owned)
		pgwf_future_fail(wf, co->future, failure);
	else
	{
		failure->owned = true;
		failure->next = wf->failures;
		wf->failures = failure;
		pgwf_future_fail(wf, co->future, failure);
	}
}

/* Adds a coroutine behind the others; fn NULL is the workflow function. */
PgwfCoroutine *
pgwf_coroutine_create(PgwfWorkflow *wf, PgwfCoroutineFn fn, void *arg,
					  PgwfScope *scope)
{
	PgwfCoroutine *co = pgwf_arena_alloc(wf, sizeof(PgwfCoroutine));

	co->wf = wf;
	co->fn = fn;
	co->arg = arg;
	co->scopes = pgwf_arena_alloc(wf, sizeof(PgwfScopeEntry));
	co->scopes->scope = scope;
	co->fiber = pgwf_fiber_create(pgwf_registry_stacks(wf->registry),
								  coroutine_main, co);
	if (wf->last_coroutine != NULL)
		wf->last_coroutine->next = co;
	else
		wf->coroutines = co;
	wf->last_coroutine = co;
	return co;
}

/* Takes coroutines that have returned out of the list. */
static void
remove_finished(PgwfWorkflow *wf)
{
	PgwfCoroutine **link = &wf->coroutines;

	wf->last_coroutine = NULL;
	while (*link != NULL)
	{
		PgwfCoroutine *co = *link;

		if (pgwf_fiber_done(co->fiber))
		{
			pgwf_fiber_destroy(co->fiber);
			co->fiber = NULL;
			*link = co->next;
			continue;
		}
		wf->last_coroutine = co;
		link = &co->next;
	}
}

/*
 * Runs all coroutines until each is blocked, has returned, or an error came.
 */
void
pgwf_run_coroutines(PgwfWorkflow *wf)
{
	bool		progress = true;
	bool		finished = false;

	while (progress && wf->error == PGWF_ERROR_NONE)
	{
		PgwfCoroutine *co;

		progress = false;
		for (co = wf->coroutines; co != NULL; co = co->next)
		{
			if (pgwf_fiber_done(co->fiber) ||
				(co->ready != NULL && !co->ready(co)))
				continue;
			co->ready = NULL;
			co->idle = false;
			wf->current = co;
			pgwf_fiber_resume(co->fiber);
			wf->current = NULL;
			if (wf->error != PGWF_ERROR_NONE)
				return;
			if (pgwf_fiber_done(co->fiber))
				finished = true;
			if (!co->idle)
				progress = true;
		}
	}
	if (finished)
		remove_finished(wf);
}

/* Leaves the running coroutine for good, after an error was noted. */
void
pgwf_abandon_coroutine(PgwfWorkflow *wf)
{
	for (;;)
	{
		if (wf->current == NULL)
			abort();			/* called from outside the workflow's code */
		pgwf_fiber_suspend(wf->current->fiber);
	}
}

static void
block(PgwfWorkflow *wf, bool (*ready) (PgwfCoroutine *co), void *wait)
{
	PgwfCoroutine *co = wf->current;

	co->ready = ready;
	co->wait = wait;
	pgwf_fiber_suspend(co->fiber);
}

/* Frees what the run's coroutines hold; their code does not run any more. */
void
pgwf_sched_destroy(PgwfWorkflow *wf)
{
	PgwfCoroutine *co;

	for (co = wf->coroutines; co != NULL; co = co->next)
		pgwf_fiber_destroy(co->fiber);
	wf->coroutines = NULL;
}

PgwfFuture *
pgwf_spawn(PgwfWorkflow *wf, PgwfCoroutineFn fn, void *arg)
{
	PgwfCoroutine *co;

	pgwf_require_coroutine(wf, "pgwf_spawn");
	if (fn == NULL)
		pgwf_panic(wf, "pgwf_spawn was called without a function");
	co = pgwf_coroutine_create(wf, fn, arg, pgwf_scope_current(wf));
	co->future = pgwf_arena_alloc(wf, sizeof(PgwfFuture));
	return co->future;
}

/* ---- futures ---- */

/* A pending future in the current scope, for a machine or for itself. */
PgwfFuture *
pgwf_future_create(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfFuture *future = pgwf_arena_alloc(wf, sizeof(PgwfFuture));
	PgwfScope  *scope = pgwf_scope_current(wf);

	future->machine = machine;
	future->scope = scope;
	future->scope_prev = scope->last;
	if (scope->last != NULL)
		scope->last->scope_next = future;
	else
		scope->first = future;
	scope->last = future;
	return future;
}

static void
finish_future(PgwfFuture *future)
{
	PgwfScope  *scope = future->scope;

	future->done = true;
	if (scope == NULL)
		return;
	if (future->scope_prev != NULL)
		future->scope_prev->scope_next = future->scope_next;
	else
		scope->first = future->scope_next;
	if (future->scope_next != NULL)
		future->scope_next->scope_prev = future->scope_prev;
	else
		scope->last = future->scope_prev;
	future->scope = NULL;
	future->scope_prev = NULL;
	future->scope_next = NULL;
}

/* Resolves a future; takes the result over. */
void
pgwf_future_succeed(PgwfWorkflow *wf, PgwfFuture *future, json_t *result)
{
	if (future == NULL || future->done)
	{
		json_decref(result);
		return;
	}
	future->result = pgwf_arena_json(wf, result);
	finish_future(future);
}

/* Resolves a future with a failure of the workflow's. */
void
pgwf_future_fail(PgwfWorkflow *wf, PgwfFuture *future, PgwfFailure *failure)
{
	(void) wf;
	if (future == NULL || future->done)
		return;
	future->failure = failure;
	finish_future(future);
}

bool
pgwf_future_ready(const PgwfFuture *future)
{
	return future->done;
}

void
pgwf_future_cancel(PgwfWorkflow *wf, PgwfFuture *future)
{
	if (!future->done && future->machine != NULL)
		future->machine->info->cancel(wf, future->machine);
}

typedef struct FutureWait
{
	PgwfFuture *const *futures;
	int			n;
	int			first_done;
} FutureWait;

static bool
any_ready(PgwfCoroutine *co)
{
	FutureWait *wait = co->wait;
	int			i;

	for (i = 0; i < wait->n; i++)
	{
		if (wait->futures[i]->done)
		{
			wait->first_done = i;
			return true;
		}
	}
	return false;
}

static bool
all_ready(PgwfCoroutine *co)
{
	FutureWait *wait = co->wait;
	int			i;

	for (i = 0; i < wait->n; i++)
	{
		if (!wait->futures[i]->done)
			return false;
	}
	return true;
}

bool
pgwf_await(PgwfWorkflow *wf, PgwfFuture *future, json_t **result,
		   PgwfFailure **failure)
{
	PgwfFuture *const futures[1] = {future};
	FutureWait	wait = {futures, 1, 0};

	pgwf_require_coroutine(wf, "pgwf_await");
	if (!future->done)
		block(wf, any_ready, &wait);
	if (future->failure != NULL)
	{
		if (failure != NULL)
			*failure = future->failure;
		return false;
	}
	if (result != NULL)
		*result = future->result;
	return true;
}

int
pgwf_await_any(PgwfWorkflow *wf, PgwfFuture *const *futures, int n)
{
	FutureWait	wait = {futures, n, -1};
	int			i;

	pgwf_require_coroutine(wf, "pgwf_await_any");
	if (n <= 0)
		pgwf_panic(wf, "pgwf_await_any was called with no futures");
	for (i = 0; i < n; i++)
	{
		if (futures[i]->done)
			return i;
	}
	block(wf, any_ready, &wait);
	return wait.first_done;
}

bool
pgwf_await_all(PgwfWorkflow *wf, PgwfFuture *const *futures, int n,
			   PgwfFailure **failure)
{
	FutureWait	wait = {futures, n, -1};
	int			i;

	pgwf_require_coroutine(wf, "pgwf_await_all");
	for (i = 0; i < n && futures[i]->done; i++)
		;
	if (i < n)
		block(wf, all_ready, &wait);
	for (i = 0; i < n; i++)
	{
		if (futures[i]->failure != NULL)
		{
			if (failure != NULL)
				*failure = futures[i]->failure;
			return false;
		}
	}
	return true;
}

/* ---- scopes ---- */

PgwfScope *
pgwf_scope_create(PgwfWorkflow *wf, PgwfScope *parent, bool shielded)
{
	PgwfScope  *scope = pgwf_arena_alloc(wf, sizeof(PgwfScope));

	scope->shielded = shielded;
	scope->parent = parent;
	if (parent != NULL)
	{
		/* what is born in a canceled scope is canceled */
		scope->canceled = parent->canceled && !shielded;
		if (parent->last_child != NULL)
			parent->last_child->sibling = scope;
		else
			parent->first_child = scope;
		parent->last_child = scope;
	}
	return scope;
}

/* The scope of the running coroutine, the root outside of coroutines. */
PgwfScope *
pgwf_scope_current(PgwfWorkflow *wf)
{
	return wf->current != NULL ? wf->current->scopes->scope : wf->root;
}

/* Cancels what is pending in a scope, then the scopes below it. */
void
pgwf_scope_do_cancel(PgwfWorkflow *wf, PgwfScope *scope)
{
	PgwfFuture *future;
	PgwfFuture *next;
	PgwfScope  *child;

	if (scope->canceled)
		return;
	scope->canceled = true;
	for (future = scope->first; future != NULL; future = next)
	{
		next = future->scope_next;
		pgwf_future_cancel(wf, future);
	}
	for (child = scope->first_child; child != NULL; child = child->sibling)
	{
		if (!child->shielded)
			pgwf_scope_do_cancel(wf, child);
	}
}

PgwfScope *
pgwf_scope_new(PgwfWorkflow *wf, bool shielded)
{
	return pgwf_scope_create(wf, pgwf_scope_current(wf), shielded);
}

void
pgwf_scope_enter(PgwfWorkflow *wf, PgwfScope *scope)
{
	PgwfScopeEntry *entry;

	pgwf_require_coroutine(wf, "pgwf_scope_enter");
	entry = pgwf_arena_alloc(wf, sizeof(PgwfScopeEntry));
	entry->scope = scope;
	entry->up = wf->current->scopes;
	wf->current->scopes = entry;
}

void
pgwf_scope_leave(PgwfWorkflow *wf)
{
	pgwf_require_coroutine(wf, "pgwf_scope_leave");
	if (wf->current->scopes->up == NULL)
		pgwf_panic(wf, "pgwf_scope_leave was called without a scope that was "
				   "entered before");
	wf->current->scopes = wf->current->scopes->up;
}

void
pgwf_scope_cancel(PgwfWorkflow *wf, PgwfScope *scope)
{
	pgwf_require_coroutine(wf, "pgwf_scope_cancel");
	pgwf_scope_do_cancel(wf, scope != NULL ? scope : pgwf_scope_current(wf));
}

bool
pgwf_scope_canceled(PgwfWorkflow *wf, PgwfScope *scope)
{
	return (scope != NULL ? scope : pgwf_scope_current(wf))->canceled;
}

/* ---- conditions ---- */

typedef bool (*WaitTest) (PgwfWorkflow *wf, void *arg);

typedef struct UserCondition
{
	PgwfConditionFn fn;
	void	   *arg;
} UserCondition;

static bool
user_condition(PgwfWorkflow *wf, void *arg)
{
	UserCondition *condition = arg;
	bool		holds;

	wf->in_condition = true;
	holds = condition->fn(condition->arg);
	wf->in_condition = false;
	return holds;
}

/*
 * Blocks until test(arg) holds, the scope is canceled, or a timeout passes.
 * The test is evaluated on the coroutine's own stack, because it may be the
 * user's code.
 */
static PgwfWait
wait_for(PgwfWorkflow *wf, WaitTest test, void *arg, int64_t timeout_ms)
{
	PgwfFuture *timer = NULL;
	PgwfWait	outcome;
	bool		first = true;

	for (;;)
	{
		if (test(wf, arg))
		{
			outcome = PGWF_WAIT_DONE;
			break;
		}
		if (pgwf_scope_canceled(wf, NULL))
		{
			outcome = PGWF_WAIT_CANCELED;
			break;
		}
		if (timeout_ms == 0 || (timer != NULL && timer->done))
		{
			outcome = PGWF_WAIT_TIMEOUT;
			break;
		}
		if (timer == NULL && timeout_ms > 0)
			timer = pgwf_start_timer(wf, timeout_ms);
		wf->current->idle = !first;
		first = false;
		block(wf, NULL, NULL);
	}
	if (timer != NULL)
		pgwf_future_cancel(wf, timer);
	return outcome;
}

PgwfWait
pgwf_wait_condition(PgwfWorkflow *wf, PgwfConditionFn condition, void *arg,
					int64_t timeout_ms)
{
	UserCondition user = {condition, arg};

	pgwf_require_coroutine(wf, "pgwf_wait_condition");
	return wait_for(wf, user_condition, &user, timeout_ms);
}

/* ---- signals ---- */

typedef struct HandlerCall
{
	PgwfSignalHandler handler;
	PgwfSignal *signal;
} HandlerCall;

static json_t *
run_handler(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	HandlerCall *call = arg;

	(void) failure;
	call->handler.fn(wf, call->signal->name, call->signal->input,
					 call->handler.arg);
	return NULL;
}

static void
start_handler(PgwfWorkflow *wf, const PgwfSignalHandler *handler,
			  PgwfSignal *signal)
{
	HandlerCall *call = pgwf_arena_alloc(wf, sizeof(HandlerCall));

	call->handler = *handler;
	call->signal = signal;
	pgwf_coroutine_create(wf, run_handler, call, wf->root);
}

/* The handler set for exactly this name (NULL: the one for all others). */
static PgwfSignalHandler *
find_handler(PgwfWorkflow *wf, const char *name)
{
	PgwfSignalHandler *handler;

	for (handler = wf->handlers; handler != NULL; handler = handler->next)
	{
		if (handler->fn == NULL || (handler->name == NULL) != (name == NULL))
			continue;
		if (name == NULL || strcmp(handler->name, name) == 0)
			return handler;
	}
	return NULL;
}

/* A signal came: to its handler, or to those who will ask for it. */
void
pgwf_signal_arrived(PgwfWorkflow *wf, const char *name, json_t *input)
{
	PgwfSignal *signal = pgwf_arena_alloc(wf, sizeof(PgwfSignal));
	PgwfSignalHandler *handler = find_handler(wf, name);

	signal->name = pgwf_arena_strdup(wf, name);
	signal->input = input;
	if (handler == NULL)
		handler = find_handler(wf, NULL);
	if (handler != NULL)
	{
		start_handler(wf, handler, signal);
		return;
	}
	if (wf->last_signal != NULL)
		wf->last_signal->next = signal;
	else
		wf->signals = signal;
	wf->last_signal = signal;
}

/* Unlinks the signal that follows "before" (NULL: the first one). */
static PgwfSignal *
take_signal(PgwfWorkflow *wf, PgwfSignal *before)
{
	PgwfSignal *signal = before != NULL ? before->next : wf->signals;

	if (before != NULL)
		before->next = signal->next;
	else
		wf->signals = signal->next;
	if (wf->last_signal == signal)
		wf->last_signal = before;
	signal->next = NULL;
	return signal;
}

/* Takes the oldest waiting signal of a name; NULL if there is none. */
static PgwfSignal *
take_named(PgwfWorkflow *wf, const char *name)
{
	PgwfSignal *before = NULL;
	PgwfSignal *signal;

	for (signal = wf->signals; signal; before = signal, signal = signal->next)
	{
		if (strcmp(signal->name, name) == 0)
			return take_signal(wf, before);
	}
	return NULL;
}

bool
pgwf_try_receive_signal(PgwfWorkflow *wf, const char *name, json_t **input)
{
	PgwfSignal *signal;

	pgwf_require_coroutine(wf, "pgwf_try_receive_signal");
	signal = take_named(wf, name);
	if (signal != NULL && input != NULL)
		*input = signal->input;
	return signal != NULL;
}

static bool
signal_waits(PgwfWorkflow *wf, void *arg)
{
	return pgwf_signal_count(wf, arg) > 0;
}

PgwfWait
pgwf_receive_signal(PgwfWorkflow *wf, const char *name, int64_t timeout_ms,
					json_t **input)
{
	PgwfWait	outcome;

	pgwf_require_coroutine(wf, "pgwf_receive_signal");
	outcome = wait_for(wf, signal_waits, (void *) name, timeout_ms);
	if (outcome == PGWF_WAIT_DONE)
		pgwf_try_receive_signal(wf, name, input);
	return outcome;
}

int
pgwf_signal_count(PgwfWorkflow *wf, const char *name)
{
	PgwfSignal *signal;
	int			count = 0;

	for (signal = wf->signals; signal != NULL; signal = signal->next)
	{
		if (strcmp(signal->name, name) == 0)
			count++;
	}
	return count;
}

void
pgwf_set_signal_handler(PgwfWorkflow *wf, const char *name, PgwfSignalFn fn,
						void *arg)
{
	PgwfSignalHandler *handler;
	PgwfSignal *before = NULL;
	PgwfSignal *signal;

	pgwf_require_coroutine(wf, "pgwf_set_signal_handler");
	handler = find_handler(wf, name);
	if (handler == NULL)
	{
		handler = pgwf_arena_alloc(wf, sizeof(PgwfSignalHandler));
		if (name != NULL)
			handler->name = pgwf_arena_strdup(wf, name);
		handler->next = wf->handlers;
		wf->handlers = handler;
	}
	handler->fn = fn;
	handler->arg = arg;
	if (fn == NULL)
		return;

	/* those that have been waiting, in their order */
	signal = wf->signals;
	while (signal != NULL)
	{
		PgwfSignal *next = signal->next;

		if (name == NULL || strcmp(signal->name, name) == 0)
			start_handler(wf, handler, take_signal(wf, before));
		else
			before = signal;
		signal = next;
	}
}
