/*-------------------------------------------------------------------------
 *
 * pgwf_run_limits.c
 *		How large a run may become (SS 2.3, 11).
 *
 * Locks: the caller holds the run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_activity.h"
#include "pgwf_close.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_run.h"
#include "pgwf_workflow_task.h"

/* What a row counts besides its texts and documents */
#define ACTIVITY_SIZE	200
#define TIMER_SIZE		60
#define CHILD_SIZE		80
#define REQUEST_SIZE	40

/* More events or bytes wait in the buffer than it may hold */
bool
pgwf_run_buffer_is_full(PgwfRun *run)
{
	int			count = run->state.buffered_events +
	list_length(run->arrived);
	int64		size = run->state.buffered_size;
	ListCell   *lc;

	foreach(lc, run->arrived)
		size += pgwf_event_size(lfirst(lc));
	return count > pgwf_max_buffered_events || size > pgwf_max_buffered_size;
}

static int64
jsonb_size(const Jsonb *value)
{
	return value ? VARSIZE(value) : 0;
}

/*
 * Brings state.pending_size to what will be pending when the changes of the
 * run are written: activities, timers, children and remembered request ids.
 * An activity's heartbeats are written without its run, so their details
 * count from the next change of the activity on.  Buffered events have a
 * counter of their own, and updates in flight a limit.
 */
static void
count_pending(PgwfRun *run)
{
	int64		size = run->stored.pending_size;
	ListCell   *lc;

	foreach(lc, run->activities)
	{
		PgwfActivity *activity = lfirst(lc);

		if (activity->change == PGWF_ROW_UNCHANGED)
			continue;
		size -= activity->counted_size;
		if (activity->change == PGWF_ROW_DELETE)
			continue;
		activity->counted_size = ACTIVITY_SIZE +
			strlen(activity->activity_id) + strlen(activity->activity_type) +
			strlen(activity->task_queue) +
			jsonb_size(activity->non_retryable_error_types) +
			jsonb_size(activity->last_failure) +
			jsonb_size(activity->heartbeat_details);
		size += activity->counted_size;
	}
	foreach(lc, run->timers)
	{
		PgwfTimer  *timer = lfirst(lc);

		if (timer->change == PGWF_ROW_INSERT)
			size += TIMER_SIZE + strlen(timer->timer_id);
		else if (timer->change == PGWF_ROW_DELETE)
			size -= TIMER_SIZE + strlen(timer->timer_id);
	}
	foreach(lc, run->children)
	{
		PgwfChild  *child = lfirst(lc);
		int64		child_size = CHILD_SIZE + strlen(child->workflow_id) +
		strlen(child->workflow_type);

		if (child->change == PGWF_ROW_INSERT)
			size += child_size;
		else if (child->change == PGWF_ROW_DELETE)
			size -= child_size;
	}
	foreach(lc, run->signal_requests)
		size += REQUEST_SIZE + strlen(lfirst(lc));
	foreach(lc, run->attached_requests)
		size += REQUEST_SIZE + strlen(lfirst(lc));
	if (run->pause_request)
		size += REQUEST_SIZE + strlen(run->pause_request);
	run->state.pending_size = size;
}

/* All that is pending, buffered events included */
static int64
pending_size(PgwfRun *run)
{
	int64		size = run->state.pending_size + run->state.buffered_size;
	ListCell   *lc;

	foreach(lc, run->arrived)
		size += pgwf_event_size(lfirst(lc));
	return size;
}

/* Why a run has become too large to go on with, or NULL */
static const char *
size_limit_exceeded(PgwfRun *run)
{
	if (pgwf_history_size_error > 0 &&
		run->state.history_size > pgwf_history_size_error)
		return "Workflow history size exceeds limit.";
	if (pgwf_history_count_error > 0 &&
		run->state.next_event_id - 1 > pgwf_history_count_error)
		return "Workflow history count exceeds limit.";
	if (pgwf_mutable_state_size_error > 0 &&
		pending_size(run) > pgwf_mutable_state_size_error)
		return "Workflow mutable state size exceeds limit.";
	return NULL;
}

/* Tells the operator, once, of a history that has become large */
static void
warn_of_size(PgwfRun *run)
{
	int64		size = run->state.history_size;
	int64		count = run->state.next_event_id - 1;

	if (pgwf_history_size_warn > 0 && size > pgwf_history_size_warn &&
		run->stored.history_size <= pgwf_history_size_warn)
		ereport(LOG,
				(errmsg("history of workflow \"%s\" is " INT64_FORMAT " bytes large",
						pgwf_run_execution(run)->workflow_id, size)));
	if (pgwf_history_count_warn > 0 && count > pgwf_history_count_warn &&
		run->stored.next_event_id - 1 <= pgwf_history_count_warn)
		ereport(LOG,
				(errmsg("history of workflow \"%s\" has " INT64_FORMAT " events",
						pgwf_run_execution(run)->workflow_id, count)));
}

/*
 * May a run be ended now?  The scheduler does not wait for a worker that has
 * one of its activities: the next change, as by that worker's answer, ends
 * the run.
 */
static bool
may_end(PgwfRun *run)
{
	return !run->call->impatient || pgwf_run_lock_all_activities(run);
}

/*
 * Counts what will be pending in the run; ends one that has become too large,
 * and says so of one that is large.
 */
void
pgwf_run_check_size(PgwfRun *run)
{
	if (!pgwf_run_is_open(run))
		return;
	count_pending(run);
	if (run->is_new)
		return;
	warn_of_size(run);
	run->limit_exceeded = size_limit_exceeded(run);
	if (run->limit_exceeded == NULL || !may_end(run))
		return;
	pgwf_run_terminate(run, run->limit_exceeded, NULL, PGWF_SERVICE_IDENTITY);

	/* an error would undo it; who called must know nevertheless */
	ereport(WARNING,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("workflow \"%s\" has been terminated",
					pgwf_run_execution(run)->workflow_id),
			 errdetail("%s", run->limit_exceeded)));
}
