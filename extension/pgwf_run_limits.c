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

#include "pgwf_close.h"
#include "pgwf_guc.h"
#include "pgwf_run.h"
#include "pgwf_workflow_task.h"

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
 * About how large is what is pending in the run.  Activities and timers that
 * were not loaded count without their texts: the next change that needs them
 * counts them in full.
 */
static int64
pending_size(PgwfRun *run)
{
	int64		size = run->state.buffered_size;
	ListCell   *lc;

	size += run->state.pending_activities * (int64) sizeof(PgwfActivity);
	size += run->state.pending_timers * (int64) sizeof(PgwfTimer);
	foreach(lc, run->arrived)
		size += pgwf_event_size(lfirst(lc));
	foreach(lc, run->activities)
	{
		PgwfActivity *activity = lfirst(lc);

		if (activity->change != PGWF_ROW_DELETE)
			size += strlen(activity->activity_id) +
				strlen(activity->activity_type) +
				jsonb_size(activity->non_retryable_error_types) +
				jsonb_size(activity->last_failure) +
				jsonb_size(activity->heartbeat_details);
	}
	foreach(lc, run->timers)
	{
		PgwfTimer  *timer = lfirst(lc);

		if (timer->change != PGWF_ROW_DELETE)
			size += strlen(timer->timer_id);
	}
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

/* Ends a run that has become too large; says so of one that is large */
void
pgwf_run_check_size(PgwfRun *run)
{
	if (!pgwf_run_is_open(run) || run->is_new)
		return;
	warn_of_size(run);
	run->limit_exceeded = size_limit_exceeded(run);
	if (run->limit_exceeded)
		pgwf_run_terminate(run, run->limit_exceeded, NULL,
						   PGWF_SERVICE_IDENTITY);
}
