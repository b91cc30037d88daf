/*
 * pgwf_readonly.c
 *		Calls of workflow code that must not change anything: query handlers
 *		and validators of updates.
 *
 * Such a call runs on a fiber of its own, to its end or to the first thing
 * that it must not do, where it is abandoned.  What goes wrong in it is the
 * caller's to tell; the run does not get to know of it.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static void
call_main(void *arg)
{
	PgwfReadOnly *call = arg;

	call->fn(call->wf, call->arg);
}

/*
 * Memory that is made from now on is freed by pgwf_scratch_end().
 */
void
pgwf_scratch_begin(PgwfWorkflow *wf, PgwfMemory *saved)
{
	*saved = wf->memory;
	memset(&wf->memory, 0, sizeof(wf->memory));
}

void
pgwf_scratch_end(PgwfWorkflow *wf, const PgwfMemory *saved)
{
	pgwf_memory_free(&wf->memory);
	wf->memory = *saved;
}

/* Runs a call, on the engine's stack. */
void
pgwf_run_read_only(PgwfReadOnly *call)
{
	PgwfWorkflow *wf = call->wf;
	PgwfCoroutine *current = wf->current;
	PgwfScopeEntry scopes = {wf->root, NULL};
	PgwfCoroutine co;

	memset(&co, 0, sizeof(co));
	co.wf = wf;
	co.scopes = &scopes;
	co.update = current != NULL ? current->update : NULL;
	co.fiber = pgwf_fiber_create(pgwf_registry_stacks(wf->registry),
								 call_main, call);
	wf->read_only = call;
	wf->current = &co;
	pgwf_fiber_resume(co.fiber);
	wf->current = current;
	wf->read_only = NULL;
	pgwf_fiber_destroy(co.fiber);
}

/*
 * Runs fn(wf, arg).  "what" names it in messages, such as "a query handler".
 * Returns NULL if it returned, else why it could not, to free().  On a
 * coroutine's stack the engine is asked to do it.
 */
char *
pgwf_call_read_only(PgwfWorkflow *wf, const char *what, PgwfReadOnlyFn fn,
					void *arg)
{
	PgwfReadOnly call = {wf, what, fn, arg, NULL};

	if (wf->current == NULL)
		pgwf_run_read_only(&call);
	else
	{
		/* cppcheck-suppress autoVariables ; taken before we go on */
		wf->read_only_wanted = &call;
		pgwf_fiber_suspend(wf->current->fiber);
	}
	return call.error;
}
