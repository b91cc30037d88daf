/*
 * pgwf_scope.c
 *		Cancellation scopes: the tree of them, what is pending in each, and
 *		their timeouts.
 *
 * A scope with a timeout is a scope with a timer in it, which cancels it when
 * it fires and is canceled itself when nothing is left that it could cancel.
 */
#include <stdlib.h>

#include "pgwf_int.h"

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
		scope->limited = parent->limited && !shielded;
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

/* ---- what is in a scope ---- */

/* Is there anything that the scope's timeout could cancel? */
static bool
busy(const PgwfScope *scope)
{
	const PgwfFuture *future;
	const PgwfScope *child;

	if (scope->users > 0)
		return true;
	for (future = scope->first; future; future = future->scope_next)
	{
		if (future != scope->timer)
			return true;
	}
	for (child = scope->first_child; child != NULL; child = child->sibling)
	{
		if (!child->shielded && busy(child))
			return true;
	}
	return false;
}

/*
 * Something left a scope: ends the timeouts that have become pointless.  One
 * that has fired with the same task is no more to be ended, so while the jobs
 * of a task are applied this waits.
 */
static void
something_left(PgwfWorkflow *wf, PgwfScope *scope)
{
	if (wf->in_jobs)
	{
		if (scope->left)
			return;
		scope->left = true;
		if (wf->last_left != NULL)
			wf->last_left->next_left = scope;
		else
			wf->first_left = scope;
		wf->last_left = scope;
		return;
	}
	while (scope != NULL && scope->limited)
	{
		if (scope->timer != NULL && !busy(scope))
		{
			PgwfFuture *timer = scope->timer;

			scope->timer = NULL;
			pgwf_future_cancel(wf, timer);
		}
		scope = scope->shielded ? NULL : scope->parent;
	}
}

/* Puts a pending future into a scope. */
void
pgwf_scope_add(PgwfScope *scope, PgwfFuture *future)
{
	future->scope = scope;
	future->scope_prev = scope->last;
	if (scope->last != NULL)
		scope->last->scope_next = future;
	else
		scope->first = future;
	scope->last = future;
}

/* Takes a future that is done out of its scope. */
void
pgwf_scope_remove(PgwfWorkflow *wf, PgwfFuture *future)
{
	PgwfScope  *scope = future->scope;

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
	if (scope->timer == future)
		scope->timer = NULL;
	something_left(wf, scope);
}

/* A coroutine enters a scope. */
void
pgwf_scope_use(PgwfScope *scope)
{
	scope->users++;
}

static void
leave(PgwfWorkflow *wf, PgwfScope *scope)
{
	scope->users--;
	something_left(wf, scope);
}

/* A coroutine has ended: it leaves all scopes it is in. */
void
pgwf_scope_leave_all(PgwfWorkflow *wf, PgwfCoroutine *co)
{
	PgwfScopeEntry *entry;

	for (entry = co->scopes; entry != NULL; entry = entry->up)
		leave(wf, entry->scope);
}

/* ---- cancelling ---- */

/* Cancels what is pending in a scope, then the scopes below it. */
static void
do_cancel(PgwfWorkflow *wf, PgwfScope *scope)
{
	PgwfFuture *future;
	PgwfFuture *next;
	PgwfScope  *child;

	if (scope->canceled)
		return;
	scope->canceled = true;

	/* first, as it would go anyway with the last of the others */
	if (scope->timer != NULL)
		pgwf_future_cancel(wf, scope->timer);
	for (future = scope->first; future != NULL; future = next)
	{
		next = future->scope_next;
		if (future->cancel_seen)
			continue;
		future->cancel_seen = true;
		pgwf_future_cancel(wf, future);
		/* that may have been the end of others, too */
		if (next != NULL && next->scope != scope)
			next = scope->first;
	}
	for (child = scope->first_child; child != NULL; child = child->sibling)
	{
		if (!child->shielded)
			do_cancel(wf, child);
	}
}

/* The timer of a scope has fired. */
void
pgwf_scope_time_is_up(PgwfWorkflow *wf, PgwfScope *scope)
{
	scope->timed_out = true;
	pgwf_scope_cancel_later(wf, scope);
}

/*
 * Cancels a scope once all jobs of the task are applied: what has ended with
 * the same task has ended, and to cancel it would be an error.
 */
void
pgwf_scope_cancel_later(PgwfWorkflow *wf, PgwfScope *scope)
{
	if (scope->due)
		return;
	scope->due = true;
	if (wf->last_due != NULL)
		wf->last_due->next_due = scope;
	else
		wf->first_due = scope;
	wf->last_due = scope;
}

/*
 * Before the jobs of a task are applied, and after: what has happened to the
 * scopes meanwhile has its consequences now.
 */
void
pgwf_scopes_begin_jobs(PgwfWorkflow *wf)
{
	wf->in_jobs = true;
}

void
pgwf_scopes_end_jobs(PgwfWorkflow *wf)
{
	wf->in_jobs = false;
	while (wf->first_due != NULL)
	{
		PgwfScope  *scope = wf->first_due;

		wf->first_due = scope->next_due;
		scope->next_due = NULL;
		scope->due = false;
		do_cancel(wf, scope);
	}
	wf->last_due = NULL;
	while (wf->first_left != NULL)
	{
		PgwfScope  *scope = wf->first_left;

		wf->first_left = scope->next_left;
		scope->next_left = NULL;
		scope->left = false;
		something_left(wf, scope);
	}
	wf->last_left = NULL;
}

/* ---- workflow code ---- */

PgwfScope *
pgwf_scope_new(PgwfWorkflow *wf, bool shielded)
{
	return pgwf_scope_create(wf, pgwf_scope_current(wf), shielded);
}

PgwfScope *
pgwf_scope_new_timeout(PgwfWorkflow *wf, bool shielded, int64_t timeout_ms)
{
	PgwfScope  *scope;

	pgwf_require_coroutine(wf, "pgwf_scope_new_timeout");
	scope = pgwf_scope_new(wf, shielded);
	if (scope->canceled)
		return scope;
	if (timeout_ms <= 0)
	{
		scope->timed_out = true;
		do_cancel(wf, scope);
		return scope;
	}
	scope->limited = true;
	scope->timer = pgwf_future_bare(wf, NULL);
	pgwf_scope_add(scope, scope->timer);
	pgwf_timer_create(wf, timeout_ms, scope->timer)->timeout_of = scope;
	return scope;
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
	pgwf_scope_use(scope);
}

void
pgwf_scope_leave(PgwfWorkflow *wf)
{
	PgwfScope  *scope;

	pgwf_require_coroutine(wf, "pgwf_scope_leave");
	if (wf->current->scopes->up == NULL)
		pgwf_panic(wf, "pgwf_scope_leave was called without a scope that was "
				   "entered before");
	scope = wf->current->scopes->scope;
	wf->current->scopes = wf->current->scopes->up;
	leave(wf, scope);
}

void
pgwf_scope_cancel(PgwfWorkflow *wf, PgwfScope *scope)
{
	pgwf_require_coroutine(wf, "pgwf_scope_cancel");
	do_cancel(wf, scope != NULL ? scope : pgwf_scope_current(wf));
}

bool
pgwf_scope_canceled(PgwfWorkflow *wf, PgwfScope *scope)
{
	return (scope != NULL ? scope : pgwf_scope_current(wf))->canceled;
}

bool
pgwf_scope_timed_out(PgwfWorkflow *wf, PgwfScope *scope)
{
	return (scope != NULL ? scope : pgwf_scope_current(wf))->timed_out;
}
