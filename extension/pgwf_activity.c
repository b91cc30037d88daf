/*-------------------------------------------------------------------------
 *
 * pgwf_activity.c
 *		The life of an activity: scheduled, started, retried, closed (SS 5).
 *
 * Only the last attempt leaves events: ActivityTaskStarted is written
 * together with the event that closes the activity, with its real time.
 *
 * Locks: the caller holds the run's lock, and for an activity that is in the
 * table its row's lock as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/timestamp.h"

#include "pgwf_activity.h"
#include "pgwf_guc.h"
#include "pgwf_priority.h"
#include "pgwf_retry_policy.h"
#include "pgwf_versioning.h"

/* Failures kept from one attempt to the next are cut to this size */
#define MAX_LAST_FAILURE_SIZE 4096

#define NO_TIME_LEFT_MESSAGE \
	"Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying"

/* NULL if it is not pending */
PgwfActivity *
pgwf_run_find_activity(PgwfRun *run, int64 scheduled_event_id)
{
	ListCell   *lc;
	PgwfActivity *activity;

	foreach(lc, run->activities)
	{
		activity = lfirst(lc);
		if (activity->scheduled_event_id == scheduled_event_id)
			return activity->change == PGWF_ROW_DELETE ? NULL : activity;
	}
	if (run->activities_loaded || run->stored.pending_activities == 0)
		return NULL;
	activity = pgwf_activity_load(run->call, run->state.namespace_id,
								  run->state.run_key, scheduled_event_id);
	if (activity)
		run->activities = lappend(run->activities, activity);
	return activity;
}

PgwfActivity *
pgwf_run_find_activity_by_id(PgwfRun *run, const char *activity_id)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_activities(run))
	{
		PgwfActivity *activity = lfirst(lc);

		if (activity->change != PGWF_ROW_DELETE &&
			strcmp(activity->activity_id, activity_id) == 0)
			return activity;
	}
	return NULL;
}

/* Locks an activity for a change, waiting for a claim or a heartbeat */
bool
pgwf_run_lock_activity(PgwfRun *run, PgwfActivity *activity)
{
	return pgwf_activity_lock(run->call, activity,
							  LockWaitBlock) == PGWF_LOCK_OK;
}

/*
 * Locks the pending activities of a run that is to be ended, without
 * waiting; false if a worker's transaction has one of them.
 */
bool
pgwf_run_lock_all_activities(PgwfRun *run)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_activities(run))
	{
		if (pgwf_activity_lock(run->call, lfirst(lc),
							   LockWaitSkip) == PGWF_LOCK_BUSY)
			return false;
	}
	return true;
}

static void
note_change(PgwfActivity *activity)
{
	if (activity->change == PGWF_ROW_UNCHANGED)
		activity->change = PGWF_ROW_UPDATE;
}

/*
 * Deadlines
 */

static TimestampTz
earlier(TimestampTz a, TimestampTz b)
{
	if (a == PGWF_NO_TIME)
		return b;
	if (b == PGWF_NO_TIME)
		return a;
	return Min(a, b);
}

static TimestampTz
after(TimestampTz start, int64 timeout)
{
	return timeout == PGWF_NO_DURATION ? PGWF_NO_TIME : start + timeout;
}

static TimestampTz
heartbeat_deadline(const PgwfActivity *activity)
{
	return after(Max(activity->started_time, activity->last_heartbeat_time),
				 activity->heartbeat);
}

/*
 * When something has to be done about an activity in its present state, or
 * PGWF_NO_TIME.
 */
TimestampTz
pgwf_activity_deadline(const PgwfActivity *activity)
{
	TimestampTz deadline = after(activity->scheduled_time,
								 activity->schedule_to_close);

	/* the clocks of a paused activity stand still until an attempt runs */
	if (activity->flags & PGWF_ACTIVITY_PAUSED)
		deadline = PGWF_NO_TIME;

	switch (activity->state)
	{
		case PGWF_ACTIVITY_PARKED:
			return PGWF_NO_TIME;
		case PGWF_ACTIVITY_BACKING_OFF:
			return earlier(deadline, activity->attempt_scheduled_time);
		case PGWF_ACTIVITY_SCHEDULED:
			return earlier(deadline,
						   after(activity->attempt_scheduled_time,
								 activity->schedule_to_start));
		case PGWF_ACTIVITY_STARTED:
			deadline = earlier(deadline, after(activity->started_time,
											   activity->start_to_close));
			return earlier(deadline, heartbeat_deadline(activity));
	}
	pg_unreachable();
}

/*
 * Scheduling and starting
 */

/* Adds an activity with its options filled in; ActivityTaskScheduled exists */
void
pgwf_activity_schedule(PgwfRun *run, PgwfActivity *activity)
{
	activity->change = PGWF_ROW_INSERT;
	activity->namespace_id = run->state.namespace_id;
	activity->run_key = run->state.run_key;
	activity->state = PGWF_ACTIVITY_SCHEDULED;
	activity->attempt = 1;
	activity->stamp = 1;
	activity->attempt_scheduled_time = activity->scheduled_time;
	activity->started_time = PGWF_NO_TIME;
	activity->last_heartbeat_time = PGWF_NO_TIME;
	activity->due_at = pgwf_activity_deadline(activity);
	pgwf_activity_route(run, activity);
	run->activities = lappend(run->activities, activity);
	run->state.pending_activities++;
	if (pgwf_run_is_paused(run))
		pgwf_activity_park(activity);
}

/* Keeps an activity that no worker has from being handed out */
void
pgwf_activity_park(PgwfActivity *activity)
{
	activity->state = PGWF_ACTIVITY_PARKED;
	activity->due_at = pgwf_activity_deadline(activity);
	note_change(activity);
}

/* Hands an activity that no worker has out, after a delay or at once */
void
pgwf_activity_dispatch(PgwfRun *run, PgwfActivity *activity, int64 delay)
{
	activity->attempt_scheduled_time = run->call->now + delay;
	activity->request_id = NULL;
	activity->state = delay > 0 ? PGWF_ACTIVITY_BACKING_OFF :
		PGWF_ACTIVITY_SCHEDULED;
	activity->stamp++;
	if (pgwf_run_is_paused(run) ||
		(activity->flags & PGWF_ACTIVITY_PAUSED) != 0)
		activity->state = PGWF_ACTIVITY_PARKED;
	activity->due_at = pgwf_activity_deadline(activity);
	note_change(activity);
}

/* Takes the options of an activity from its ActivityTaskScheduled */
void
pgwf_activity_read_options(PgwfActivity *activity, PgwfReader *scheduled)
{
	PgwfRetryPolicy policy;
	char	   *error;

	error = pgwf_retry_policy_read(&policy,
								   pgwf_read_jsonb(scheduled, "retryPolicy"));
	if (error)
		elog(ERROR, "invalid retry policy in the history: %s", error);
	activity->task_queue = pgwf_read_name(scheduled, "taskQueue");
	activity->schedule_to_close =
		pgwf_read_duration(scheduled, "scheduleToCloseTimeout");
	activity->schedule_to_start =
		pgwf_read_duration(scheduled, "scheduleToStartTimeout");
	activity->start_to_close = pgwf_read_duration(scheduled,
												  "startToCloseTimeout");
	activity->heartbeat = pgwf_read_duration(scheduled, "heartbeatTimeout");
	pgwf_place_init(&activity->place,
					pgwf_read_jsonb(scheduled, "priority"));
	activity->initial_interval = policy.initial_interval;
	activity->maximum_interval = policy.maximum_interval;
	activity->backoff_coefficient = policy.backoff_coefficient;
	activity->maximum_attempts = policy.maximum_attempts;
	activity->non_retryable_error_types = policy.non_retryable_error_types;
}

/* Identifies a dispatch of an activity: each attempt has a stamp of its own */
static char *
dispatch_id(const PgwfActivity *activity)
{
	return psprintf(INT64_FORMAT "." INT64_FORMAT ".%d", activity->run_key,
					activity->scheduled_event_id, activity->stamp);
}

/*
 * Hands an activity to a worker; the caller writes the row.  "request_id" is
 * that of the poll, NULL if it has none.
 */
void
pgwf_activity_start(PgwfActivity *activity, TimestampTz now,
					const char *identity, const char *request_id)
{
	activity->state = PGWF_ACTIVITY_STARTED;
	activity->started_time = now;
	activity->last_heartbeat_time = PGWF_NO_TIME;
	activity->identity = unconstify(char *, identity);
	activity->request_id = unconstify(char *, request_id);
	activity->due_at = pgwf_activity_deadline(activity);
	note_change(activity);
}

/*
 * Closing
 */

/* The activity is over: its last attempt's Started event, and no row */
static void
close_activity(PgwfRun *run, PgwfActivity *activity)
{
	PgwfObject	attributes;

	if (activity->state == PGWF_ACTIVITY_STARTED)
	{
		pgwf_object_begin(&attributes);
		pgwf_object_int(&attributes, "scheduledEventId",
						activity->scheduled_event_id);
		pgwf_object_text(&attributes, "identity", activity->identity);
		pgwf_object_text(&attributes, "requestId", dispatch_id(activity));
		pgwf_object_int(&attributes, "attempt", activity->attempt);
		pgwf_object_jsonb(&attributes, "lastFailure", activity->last_failure);
		pgwf_run_arrive(run, PGWF_EVENT_ACTIVITY_TASK_STARTED,
						pgwf_object_finish(&attributes),
						activity->started_time);
	}
	if (activity->change == PGWF_ROW_INSERT)
		run->activities = list_delete_ptr(run->activities, activity);
	else
		activity->change = PGWF_ROW_DELETE;
	run->state.pending_activities--;
}

void
pgwf_activity_complete(PgwfRun *run, PgwfActivity *activity, Jsonb *result,
					   const char *identity)
{
	PgwfObject	attributes;

	close_activity(run, activity);
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "result", result);
	pgwf_object_int(&attributes, "scheduledEventId",
					activity->scheduled_event_id);
	pgwf_object_text(&attributes, "identity", identity);
	pgwf_run_arrive(run, PGWF_EVENT_ACTIVITY_TASK_COMPLETED,
					pgwf_object_finish(&attributes), run->call->now);
}

/* A cancellation that the worker, or the service in its place, grants */
void
pgwf_activity_cancel(PgwfRun *run, PgwfActivity *activity, Jsonb *details,
					 const char *identity)
{
	PgwfObject	attributes;

	close_activity(run, activity);
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "details", details);
	pgwf_object_int(&attributes, "latestCancelRequestedEventId",
					activity->cancel_requested_event_id);
	pgwf_object_int(&attributes, "scheduledEventId",
					activity->scheduled_event_id);
	pgwf_object_text(&attributes, "identity", identity);
	pgwf_run_arrive(run, PGWF_EVENT_ACTIVITY_TASK_CANCELED,
					pgwf_object_finish(&attributes), run->call->now);
}

/*
 * Retries
 */

/* The delay after an attempt has failed, by the retry policy */
int64
pgwf_activity_retry_interval(const PgwfActivity *activity, int32 attempt)
{
	double		factor = pow(activity->backoff_coefficient, attempt - 1);
	double		maximum = activity->maximum_interval > 0 ?
	activity->maximum_interval : PGWF_MAX_DURATION;

	return (int64) Min(activity->initial_interval * factor, maximum);
}

/*
 * Decides what follows a failed attempt.  Returns NULL if another attempt
 * does, after *delay; otherwise the RetryState that says why none does.
 */
static const char *
decide_retry(PgwfRun *run, const PgwfActivity *activity, Jsonb *failure,
			 int64 *delay)
{
	TimestampTz deadline = after(activity->scheduled_time,
								 activity->schedule_to_close);
	int64		interval;

	if (activity->cancel_requested_event_id != 0)
		return "RETRY_STATE_CANCEL_REQUESTED";
	if (!pgwf_failure_is_retryable(failure,
								   activity->non_retryable_error_types))
		return "RETRY_STATE_NON_RETRYABLE_FAILURE";
	*delay = 0;
	if (activity->flags & (PGWF_ACTIVITY_PAUSED | PGWF_ACTIVITY_RESET))
		return NULL;
	if (activity->maximum_attempts > 0 &&
		activity->attempt >= activity->maximum_attempts)
		return "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED";

	interval = pgwf_failure_next_retry_delay(failure);
	if (interval == PGWF_NO_DURATION)
		interval = pgwf_activity_retry_interval(activity, activity->attempt);
	if (deadline != PGWF_NO_TIME && run->call->now + interval > deadline)
		return "RETRY_STATE_TIMEOUT";
	*delay = interval;
	return NULL;
}

static void
retry_after(PgwfRun *run, PgwfActivity *activity, Jsonb *failure, int64 delay)
{
	activity->attempt++;
	if (activity->flags & PGWF_ACTIVITY_RESET)
		activity->attempt = 1;
	if (activity->flags & PGWF_ACTIVITY_FORGET_HEARTBEAT)
		activity->heartbeat_details = NULL;
	activity->flags &= ~(PGWF_ACTIVITY_RESET | PGWF_ACTIVITY_FORGET_HEARTBEAT);
	activity->started_time = PGWF_NO_TIME;
	activity->last_failure = pgwf_failure_truncate(failure,
												   MAX_LAST_FAILURE_SIZE);
	pgwf_activity_dispatch(run, activity, delay);
}

/* A failure that a worker reported: another attempt, or the end */
void
pgwf_activity_fail(PgwfRun *run, PgwfActivity *activity, Jsonb *failure,
				   const char *identity)
{
	const char *retry_state;
	int64		delay;
	PgwfObject	attributes;

	retry_state = decide_retry(run, activity, failure, &delay);
	if (retry_state == NULL)
	{
		retry_after(run, activity, failure, delay);
		return;
	}

	close_activity(run, activity);
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "failure", failure);
	pgwf_object_int(&attributes, "scheduledEventId",
					activity->scheduled_event_id);
	pgwf_object_text(&attributes, "identity", identity);
	pgwf_object_text(&attributes, "retryState", retry_state);
	pgwf_run_arrive(run, PGWF_EVENT_ACTIVITY_TASK_FAILED,
					pgwf_object_finish(&attributes), run->call->now);
}

/*
 * Timeouts
 */

static void
time_out(PgwfRun *run, PgwfActivity *activity, PgwfTimeoutType type)
{
	const char *retry_state = "RETRY_STATE_TIMEOUT";
	char	   *message = pgwf_failure_timeout_message(type);
	PgwfObject	attributes;

	if (type == PGWF_TIMEOUT_START_TO_CLOSE || type == PGWF_TIMEOUT_HEARTBEAT)
	{
		Jsonb	   *failure = pgwf_failure_timeout(type, message, NULL, NULL);
		int64		delay;

		retry_state = decide_retry(run, activity, failure, &delay);
		if (retry_state == NULL)
		{
			retry_after(run, activity, failure, delay);
			return;
		}
		if (strcmp(retry_state, "RETRY_STATE_TIMEOUT") == 0)
		{
			type = PGWF_TIMEOUT_SCHEDULE_TO_CLOSE;
			message = pstrdup(NO_TIME_LEFT_MESSAGE);
		}
	}

	close_activity(run, activity);
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "failure",
					  pgwf_failure_timeout(type, message,
										   activity->heartbeat_details,
										   activity->last_failure));
	pgwf_object_int(&attributes, "scheduledEventId",
					activity->scheduled_event_id);
	pgwf_object_text(&attributes, "retryState", retry_state);
	pgwf_run_arrive(run, PGWF_EVENT_ACTIVITY_TASK_TIMED_OUT,
					pgwf_object_finish(&attributes), run->call->now);
}

/*
 * The activity's due_at has passed: starts its next attempt, times it out,
 * or finds that there is time left after all.
 */
void
pgwf_activity_handle_due(PgwfRun *run, PgwfActivity *activity)
{
	TimestampTz deadline = pgwf_activity_deadline(activity);

	if (deadline == PGWF_NO_TIME || deadline > run->call->now)
		activity->due_at = deadline;
	else if (activity->state == PGWF_ACTIVITY_BACKING_OFF &&
			 deadline == activity->attempt_scheduled_time)
	{
		activity->state = PGWF_ACTIVITY_SCHEDULED;
		activity->due_at = pgwf_activity_deadline(activity);
	}
	else
	{
		if (deadline == after(activity->scheduled_time,
							  activity->schedule_to_close))
			time_out(run, activity, PGWF_TIMEOUT_SCHEDULE_TO_CLOSE);
		else if (activity->state == PGWF_ACTIVITY_SCHEDULED)
			time_out(run, activity, PGWF_TIMEOUT_SCHEDULE_TO_START);
		else if (deadline == heartbeat_deadline(activity))
			time_out(run, activity, PGWF_TIMEOUT_HEARTBEAT);
		else
			time_out(run, activity, PGWF_TIMEOUT_START_TO_CLOSE);
		return;
	}
	note_change(activity);
}
