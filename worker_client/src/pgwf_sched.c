/*
 * pgwf_sched.c
 *		Coroutines of a run, and futures they wait for.
 *
 * The coroutines of a run are run in the order of their creation, each until
 * it blocks, over and over until none can go on.  Then those that wait for a
 * condition look at it, in the order in which they began to wait, and if one
 * goes on, all begins anew.  Which of them can go on depends only on what
 * happened in the run, so a replay runs them in the same order.
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
	pgwf_scope_leave_all(wf, co);
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
	pgwf_scope_use(scope);
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

/* Lets a coroutine run until it blocks; false if it only looked. */
static bool
resume(PgwfWorkflow *wf, PgwfCoroutine *co)
{
	co->ready = NULL;
	co->idle = false;
	wf->current = co;
	pgwf_fiber_resume(co->fiber);
	while (wf->read_only_wanted != NULL)
	{
		PgwfReadOnly *call = wf->read_only_wanted;

		wf->read_only_wanted = NULL;
		pgwf_run_read_only(call);
		pgwf_fiber_resume(co->fiber);
	}
	wf->current = NULL;
	return !co->idle;
}

/* Runs those that can go on, once each; false if there are none. */
static bool
run_ready(PgwfWorkflow *wf)
{
	PgwfCoroutine *co;
	bool		progress = false;

	for (co = wf->coroutines; co != NULL && wf->error == PGWF_ERROR_NONE;
		 co = co->next)
	{
		if (co->waiting || pgwf_fiber_done(co->fiber) ||
			(co->ready != NULL && !co->ready(co)))
			continue;
		if (resume(wf, co))
			progress = true;
	}
	return progress;
}

/* Lets those that wait for conditions look; false if all go on waiting. */
static bool
run_waiting(PgwfWorkflow *wf)
{
	PgwfCoroutine *co;
	PgwfCoroutine *next;
	bool		progress = false;

	for (co = wf->first_waiting; co != NULL && wf->error == PGWF_ERROR_NONE;
		 co = next)
	{
		next = co->waiting_next;
		if (resume(wf, co))
			progress = true;
	}
	return progress;
}

/*
 * Runs all coroutines until each is blocked, has returned, or an error came.
 */
void
pgwf_run_coroutines(PgwfWorkflow *wf)
{
	do
	{
		while (run_ready(wf))
			;
	} while (run_waiting(wf));
	if (wf->error == PGWF_ERROR_NONE)
		remove_finished(wf);
}

static json_t *
init_main(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	PgwfInitFn	init = wf->init;

	(void) arg;
	(void) failure;
	wf->init = NULL;
	init(wf, wf->input);
	return NULL;
}

/* Runs the init function, which returns without waiting or fails the task. */
void
pgwf_run_init(PgwfWorkflow *wf)
{
	PgwfCoroutine *co = pgwf_coroutine_create(wf, init_main, NULL, wf->root);

	co->name = "init";
	wf->in_init = true;
	wf->current = co;
	pgwf_fiber_resume(co->fiber);
	wf->current = NULL;
	wf->in_init = false;
	if (pgwf_fiber_done(co->fiber))
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
	co->future = pgwf_future_bare(wf, NULL);
	return co->future;
}

/* ---- futures ---- */

/* A pending future outside of all scopes, for a machine or for itself. */
PgwfFuture *
pgwf_future_bare(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfFuture *future = pgwf_arena_alloc(wf, sizeof(PgwfFuture));

	future->machine = machine;
	return future;
}

/* A pending future in the current scope. */
PgwfFuture *
pgwf_future_create(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfFuture *future = pgwf_future_bare(wf, machine);

	pgwf_scope_add(pgwf_scope_current(wf), future);
	return future;
}

static void
finish_future(PgwfWorkflow *wf, PgwfFuture *future)
{
	future->done = true;
	if (future->scope != NULL)
		pgwf_scope_remove(wf, future);
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
	finish_future(wf, future);
}

/* Resolves a future with a failure of the workflow's. */
void
pgwf_future_fail(PgwfWorkflow *wf, PgwfFuture *future, PgwfFailure *failure)
{
	if (future == NULL || future->done)
		return;
	future->failure = failure;
	finish_future(wf, future);
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
any_done(PgwfWorkflow *wf, void *arg)
{
	FutureWait *wait = arg;
	int			i;

	(void) wf;
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
any_ready(PgwfCoroutine *co)
{
	return any_done(co->wf, co->wait);
}

static bool
all_done(PgwfWorkflow *wf, void *arg)
{
	const FutureWait *wait = arg;
	int			i;

	(void) wf;
	for (i = 0; i < wait->n; i++)
	{
		if (!wait->futures[i]->done)
			return false;
	}
	return true;
}

static bool
all_ready(PgwfCoroutine *co)
{
	return all_done(co->wf, co->wait);
}

/*
 * The futures that a blocked coroutine waits for, and how many: NULL if it
 * waits for something else.
 */
PgwfFuture *const *
pgwf_coroutine_futures(const PgwfCoroutine *co, int *n)
{
	const FutureWait *wait = co->wait;

	if (co->waiting ? co->test != any_done && co->test != all_done :
		co->ready != any_ready && co->ready != all_ready)
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

/* Puts the running coroutine at the end of those that wait. */
static void
begin_waiting(PgwfWorkflow *wf)
{
	PgwfCoroutine *co = wf->current;

	co->waiting = true;
	co->waiting_prev = wf->last_waiting;
	co->waiting_next = NULL;
	if (wf->last_waiting != NULL)
		wf->last_waiting->waiting_next = co;
	else
		wf->first_waiting = co;
	wf->last_waiting = co;
}

static void
end_waiting(PgwfWorkflow *wf)
{
	PgwfCoroutine *co = wf->current;

	if (!co->waiting)
		return;
	co->waiting = false;
	if (co->waiting_prev != NULL)
		co->waiting_prev->waiting_next = co->waiting_next;
	else
		wf->first_waiting = co->waiting_next;
	if (co->waiting_next != NULL)
		co->waiting_next->waiting_prev = co->waiting_prev;
	else
		wf->last_waiting = co->waiting_prev;
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
		wf->current->idle = wf->current->waiting;
		if (!wf->current->waiting)
			begin_waiting(wf);
		wf->current->test = test;
		block(wf, NULL, arg, call, detail);
	}
	end_waiting(wf);
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

/* ---- futures with a timeout ---- */

PgwfWait
pgwf_await_any_timeout(PgwfWorkflow *wf, PgwfFuture *const *futures, int n,
					   int64_t timeout_ms, int *index)
{
	FutureWait	wait = {futures, n, -1};
	PgwfWait	outcome;

	pgwf_require_coroutine(wf, "pgwf_await_any_timeout");
	if (n <= 0)
		pgwf_panic(wf, "pgwf_await_any_timeout was called with no futures");
	outcome = pgwf_wait_for(wf, any_done, &wait, timeout_ms,
							"pgwf_await_any_timeout", NULL);
	if (outcome == PGWF_WAIT_DONE && index != NULL)
		*index = wait.first_done;
	return outcome;
}

PgwfWait
pgwf_await_all_timeout(PgwfWorkflow *wf, PgwfFuture *const *futures, int n,
					   int64_t timeout_ms)
{
	FutureWait	wait = {futures, n, -1};

	pgwf_require_coroutine(wf, "pgwf_await_all_timeout");
	return pgwf_wait_for(wf, all_done, &wait, timeout_ms,
						 "pgwf_await_all_timeout", NULL);
}

PgwfWait
pgwf_await_timeout(PgwfWorkflow *wf, PgwfFuture *future, int64_t timeout_ms)
{
	PgwfFuture *const futures[1] = {future};
	FutureWait	wait = {futures, 1, -1};

	pgwf_require_coroutine(wf, "pgwf_await_timeout");
	return pgwf_wait_for(wf, any_done, &wait, timeout_ms,
						 "pgwf_await_timeout", NULL);
}
