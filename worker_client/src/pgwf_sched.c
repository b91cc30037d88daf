/*
 * pgwf_sched.c
 *		Coroutines of a run, futures they wait for, and cancellation scopes.
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
	else
		pgwf_future_fail(wf, co->future, pgwf_arena_adopt(wf, failure));
}

/* Adds a coroutine behind the others; fn NULL is the workflow function. */
PgwfCoroutine *
pgwf_coroutine_create(PgwfWorkflow *wf, PgwfCoroutineFn fn, void *arg,
					  PgwfScope *scope)
{
	PgwfCoroutine *co = pgwf_arena_alloc(wf, sizeof(PgwfCoroutine));

	co->wf = wf;
	co->number = ++wf->n_coroutines;
	co->update = wf->current != NULL ? wf->current->update : NULL;
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

void
pgwf_set_coroutine_name(PgwfWorkflow *wf, const char *name)
{
	pgwf_require_coroutine(wf, "pgwf_set_coroutine_name");
	wf->current->name = name != NULL ? pgwf_arena_strdup(wf, name) : NULL;
	wf->current->name_detail = NULL;
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

/*
 * Suspends the running coroutine until ready() holds.  "call" is what it
 * called, "detail" (may be NULL) a name, both for stack traces; they live as
 * long as it is blocked.
 */
static void
block(PgwfWorkflow *wf, bool (*ready) (PgwfCoroutine *co), void *wait,
	  const char *call, const char *detail)
{
	PgwfCoroutine *co = wf->current;

	if (wf->in_init)
		pgwf_panic(wf, "%s was called from an init function, which must not "
				   "wait", call);
	co->ready = ready;
	co->wait = wait;
	co->call = call;
	co->call_detail = detail;
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

/*
 * The futures that a blocked coroutine waits for, and how many: NULL if it
 * waits for something else.
 */
PgwfFuture *const *
pgwf_coroutine_futures(const PgwfCoroutine *co, int *n)
{
	const FutureWait *wait = co->wait;

	if (co->ready != any_ready && co->ready != all_ready)
		return NULL;
	*n = wait->n;
	return wait->futures;
}

bool
pgwf_await(PgwfWorkflow *wf, PgwfFuture *future, json_t **result,
		   PgwfFailure **failure)
{
	PgwfFuture *const futures[1] = {future};
	FutureWait	wait = {futures, 1, 0};

	pgwf_require_coroutine(wf, "pgwf_await");
	if (!future->done)
		block(wf, any_ready, &wait, "pgwf_await", NULL);
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
	block(wf, any_ready, &wait, "pgwf_await_any", NULL);
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
		block(wf, all_ready, &wait, "pgwf_await_all", NULL);
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
 * user's code.  "call" and "detail" say in a stack trace what it waits for.
 */
PgwfWait
pgwf_wait_for(PgwfWorkflow *wf, PgwfWaitTest test, void *arg,
			  int64_t timeout_ms, const char *call, const char *detail)
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
		block(wf, NULL, NULL, call, detail);
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
	return pgwf_wait_for(wf, user_condition, &user, timeout_ms,
						 "pgwf_wait_condition", NULL);
}
