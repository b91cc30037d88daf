/*-------------------------------------------------------------------------
 *
 * pgwf_activity_operations.c
 *		What operators do to pending activities: pause, unpause, reset, change
 *		options (SS 5.7).  None of it leaves an event.
 *
 * Locks: the run, then the rows of the activities that are meant.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "fmgr.h"

#include "pgwf_activity.h"
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_errors.h"
#include "pgwf_failure.h"
#include "pgwf_find.h"
#include "pgwf_namespace.h"
#include "pgwf_retry_policy.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_pause_activity);
PG_FUNCTION_INFO_V1(pgwf_unpause_activity);
PG_FUNCTION_INFO_V1(pgwf_reset_activity);
PG_FUNCTION_INFO_V1(pgwf_update_activity_options);

/*
 * All functions begin with (workflow_id, activity_id, activity_type,
 * match_all, run_id, namespace): the activities that are meant are those of
 * an id, of a type, or all that are pending.  Locks and returns them.
 */
static List *
select_activities(FunctionCallInfo fcinfo, PgwfRun *run, PgwfCall *call)
{
	int32		namespace_id;
	char	   *workflow_id;
	char	   *id;
	char	   *type;
	bool		all = pgwf_arg_bool(fcinfo, 3);
	List	   *selected = NIL;
	ListCell   *lc;

	namespace_id = pgwf_call_namespace(call, pgwf_arg_namespace(fcinfo, 5),
									   PGWF_RIGHT_CLIENT);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	id = pgwf_arg_id(fcinfo, 1, "activity_id");
	type = pgwf_arg_id(fcinfo, 2, "activity_type");
	if ((id != NULL) + (type != NULL) + all != 1)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("one of activity_id, activity_type and match_all must be set")));
	if (pgwf_find_open_run(run, call, namespace_id, workflow_id,
						   pgwf_arg_uuid(fcinfo, 4)) == NULL)
		pgwf_report_closed();

	foreach(lc, pgwf_run_activities(run))
	{
		PgwfActivity *activity = lfirst(lc);

		if (all || (id && strcmp(activity->activity_id, id) == 0) ||
			(type && strcmp(activity->activity_type, type) == 0))
		{
			if (pgwf_run_lock_activity(run, activity))
				selected = lappend(selected, activity);
		}
	}
	if (selected == NIL && !all)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("no pending activity of %s \"%s\"",
						id ? "id" : "type", id ? id : type)));
	return selected;
}

static void
finish(PgwfRun *run, PgwfCall *call)
{
	pgwf_run_finish(run);
	pgwf_xact_mark_durable();
	pgwf_call_end(call);
}

/* A random part of a duration, so that not all are handed out at once */
static int64
random_delay(int64 jitter)
{
	if (jitter <= 0)
		return 0;
	return (int64) pg_prng_uint64_range(&pg_global_prng_state, 0,
										(uint64) jitter);
}

/*
 * pause_activity(workflow_id, activity_id, activity_type, match_all, run_id,
 *		namespace)
 *
 * An attempt that is running goes on, and learns it by its heartbeat.
 */
Datum
pgwf_pause_activity(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	ListCell   *lc;

	pgwf_call_begin(&call);
	foreach(lc, select_activities(fcinfo, &run, &call))
	{
		PgwfActivity *activity = lfirst(lc);

		activity->flags |= PGWF_ACTIVITY_PAUSED;
		if (activity->state == PGWF_ACTIVITY_STARTED)
			activity->change = PGWF_ROW_UPDATE;
		else
			pgwf_activity_park(activity);
	}
	finish(&run, &call);
	PG_RETURN_VOID();
}

/*
 * unpause_activity(workflow_id, activity_id, activity_type, match_all,
 *		run_id, namespace, reset_attempts, reset_heartbeat, jitter)
 */
Datum
pgwf_unpause_activity(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	bool		reset_attempts = pgwf_arg_bool(fcinfo, 6);
	bool		reset_heartbeat = pgwf_arg_bool(fcinfo, 7);
	int64		jitter;
	ListCell   *lc;

	pgwf_call_begin(&call);
	jitter = pgwf_arg_duration(fcinfo, 8, "jitter");
	foreach(lc, select_activities(fcinfo, &run, &call))
	{
		PgwfActivity *activity = lfirst(lc);

		if ((activity->flags & PGWF_ACTIVITY_PAUSED) == 0)
			continue;
		activity->flags &= ~PGWF_ACTIVITY_PAUSED;
		if (activity->state == PGWF_ACTIVITY_STARTED)
		{
			if (reset_attempts)
				activity->flags |= PGWF_ACTIVITY_RESET;
			if (reset_heartbeat)
				activity->flags |= PGWF_ACTIVITY_FORGET_HEARTBEAT;
			activity->due_at = pgwf_activity_deadline(activity);
			activity->change = PGWF_ROW_UPDATE;
			continue;
		}
		if (reset_attempts)
			activity->attempt = 1;
		if (reset_heartbeat)
			activity->heartbeat_details = NULL;
		pgwf_activity_dispatch(&run, activity, random_delay(jitter));
	}
	finish(&run, &call);
	PG_RETURN_VOID();
}

static void
restore_options(PgwfRun *run, PgwfActivity *activity)
{
	PgwfEvent  *scheduled;
	PgwfReader	attributes;

	scheduled = pgwf_event_load_one(run->call, run->state.namespace_id,
									run->state.run_key,
									activity->scheduled_event_id);
	if (scheduled == NULL)
		elog(ERROR, "event " INT64_FORMAT " of run " INT64_FORMAT " is missing",
			 activity->scheduled_event_id, run->state.run_key);
	pgwf_reader_init(&attributes, scheduled->attributes);
	pgwf_activity_read_options(activity, &attributes);
}

/*
 * reset_activity(workflow_id, activity_id, activity_type, match_all, run_id,
 *		namespace, reset_heartbeat, keep_paused, jitter,
 *		restore_original_options)
 *
 * Begins with attempt 1 again: at once if no worker has the activity, else
 * when the running attempt has failed.
 */
Datum
pgwf_reset_activity(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	bool		reset_heartbeat = pgwf_arg_bool(fcinfo, 6);
	bool		keep_paused = pgwf_arg_bool(fcinfo, 7);
	int64		jitter;
	bool		restore = pgwf_arg_bool(fcinfo, 9);
	ListCell   *lc;

	pgwf_call_begin(&call);
	jitter = pgwf_arg_duration(fcinfo, 8, "jitter");
	foreach(lc, select_activities(fcinfo, &run, &call))
	{
		PgwfActivity *activity = lfirst(lc);

		if (restore)
			restore_options(&run, activity);
		if (!keep_paused)
			activity->flags &= ~PGWF_ACTIVITY_PAUSED;
		if (activity->state == PGWF_ACTIVITY_STARTED)
		{
			activity->flags |= PGWF_ACTIVITY_RESET;
			if (reset_heartbeat)
				activity->flags |= PGWF_ACTIVITY_FORGET_HEARTBEAT;
			activity->due_at = pgwf_activity_deadline(activity);
			activity->change = PGWF_ROW_UPDATE;
			continue;
		}
		activity->attempt = 1;
		if (reset_heartbeat)
			activity->heartbeat_details = NULL;
		pgwf_activity_dispatch(&run, activity, random_delay(jitter));
	}
	finish(&run, &call);
	PG_RETURN_VOID();
}

/* A duration argument that replaces an option, unless it is not given */
static void
replace_duration(FunctionCallInfo fcinfo, int n, const char *name,
				 int64 *option)
{
	if (!PG_ARGISNULL(n))
		*option = pgwf_arg_duration(fcinfo, n, name);
}

static void
replace_options(FunctionCallInfo fcinfo, PgwfActivity *activity)
{
	PgwfRetryPolicy policy;
	char	   *error;
	bool		waits;
	TimestampTz failed_time = 0;

	if (!PG_ARGISNULL(6))
		activity->task_queue = pgwf_arg_task_queue(fcinfo, 6);
	replace_duration(fcinfo, 7, "schedule_to_close_timeout",
					 &activity->schedule_to_close);
	replace_duration(fcinfo, 8, "schedule_to_start_timeout",
					 &activity->schedule_to_start);
	replace_duration(fcinfo, 9, "start_to_close_timeout",
					 &activity->start_to_close);
	replace_duration(fcinfo, 10, "heartbeat_timeout", &activity->heartbeat);
	if (activity->schedule_to_close == PGWF_NO_DURATION &&
		activity->start_to_close == PGWF_NO_DURATION)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("one of schedule_to_close_timeout and start_to_close_timeout must be set")));
	if (PG_ARGISNULL(11))
		return;
	error = pgwf_retry_policy_read(&policy, pgwf_arg_jsonb(fcinfo, 11));
	if (error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid retry policy"),
				 errdetail("%s.", error)));
	waits = (activity->state == PGWF_ACTIVITY_BACKING_OFF &&
			 activity->attempt > 1 &&
			 pgwf_failure_next_retry_delay(activity->last_failure) ==
			 PGWF_NO_DURATION);
	if (waits)
		failed_time = activity->attempt_scheduled_time -
			pgwf_activity_retry_interval(activity, activity->attempt - 1);
	activity->initial_interval = policy.initial_interval;
	activity->maximum_interval = policy.maximum_interval;
	activity->backoff_coefficient = policy.backoff_coefficient;
	activity->maximum_attempts = policy.maximum_attempts;
	activity->non_retryable_error_types = policy.non_retryable_error_types;
	if (waits)
		activity->attempt_scheduled_time = failed_time +
			pgwf_activity_retry_interval(activity, activity->attempt - 1);
}

/*
 * update_activity_options(workflow_id, activity_id, activity_type, match_all,
 *		run_id, namespace, task_queue, schedule_to_close_timeout,
 *		schedule_to_start_timeout, start_to_close_timeout, heartbeat_timeout,
 *		retry_policy)
 *
 * Options that are not given stay; they count from the next attempt on, the
 * timeouts and the delay that an attempt waits for at once.
 */
Datum
pgwf_update_activity_options(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	ListCell   *lc;

	pgwf_call_begin(&call);
	foreach(lc, select_activities(fcinfo, &run, &call))
	{
		PgwfActivity *activity = lfirst(lc);

		replace_options(fcinfo, activity);
		activity->due_at = pgwf_activity_deadline(activity);
		activity->change = PGWF_ROW_UPDATE;
	}
	finish(&run, &call);
	PG_RETURN_VOID();
}
