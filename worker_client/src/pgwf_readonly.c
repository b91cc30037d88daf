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

typedef struct Call
{
	PgwfWorkflow *wf;
	PgwfReadOnlyFn fn;
	void	   *arg;
} Call;

static void
call_main(void *arg)
{
	Call	   *call = arg;

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

/*
 * Runs fn(wf, arg).  "what" names it in messages, such as "a query handler".
 * Returns NULL if it returned, else why it could not, to free().  May be
 * called on a coroutine's stack or on the engine's.
 */
char *
pgwf_call_read_only(PgwfWorkflow *wf, const char *what, PgwfReadOnlyFn fn,
					void *arg)
{
	PgwfReadOnly read_only = {what, NULL};
	PgwfReadOnly *outer = wf->read_only;
	PgwfCoroutine *current = wf->current;
	PgwfScopeEntry scopes = {wf->root, NULL};
	PgwfCoroutine co;
	Call		call = {wf, fn, arg};

	memset(&co, 0, sizeof(co));
	co.wf = wf;
	co.scopes = &scopes;
	co.update = current != NULL ? current->update : NULL;
	co.fiber = pgwf_fiber_create(pgwf_registry_stacks(wf->registry),
								 call_main, &call);
	wf->read_only = &read_only;
	wf->current = &co;
	pgwf_fiber_resume(co.fiber);
	wf->current = current;
	wf->read_only = outer;
	pgwf_fiber_destroy(co.fiber);
	return read_only.error;
}
