/*-------------------------------------------------------------------------
 *
 * pgwf_command_activity.c
 *		ScheduleActivityTask and RequestCancelActivityTask.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_activity.h"
#include "pgwf_command.h"
#include "pgwf_continue.h"
#include "pgwf_guc.h"
#include "pgwf_priority.h"
#include "pgwf_retry_policy.h"

#define BAD_SCHEDULE \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES"
#define DUPLICATE \
	"WORKFLOW_TASK_FAILED_CAUSE_SCHEDULE_ACTIVITY_DUPLICATE_ID"
#define TOO_MANY \
	"WORKFLOW_TASK_FAILED_CAUSE_PENDING_ACTIVITIES_LIMIT_EXCEEDED"
#define BAD_CANCEL \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES"

/* The smaller of two timeouts, where 0 stands for none */
static int64
cap(int64 timeout, int64 limit)
{
	if (limit == PGWF_NO_DURATION)
		return timeout;
	if (timeout == PGWF_NO_DURATION)
		return limit;
	return Min(timeout, limit);
}

/* SS 5.2; "run_timeout" is 0 if the run has none */
static bool
normalize_timeouts(PgwfActivity *activity, int64 run_timeout)
{
	if (activity->schedule_to_close != PGWF_NO_DURATION)
	{
		activity->schedule_to_start = cap(activity->schedule_to_start,
										  activity->schedule_to_close);
		activity->start_to_close = cap(activity->start_to_close,
									   activity->schedule_to_close);
	}
	else if (activity->start_to_close != PGWF_NO_DURATION)
	{
		activity->schedule_to_close = run_timeout;
		if (activity->schedule_to_start == PGWF_NO_DURATION)
			activity->schedule_to_start = run_timeout;
	}
	else
		return false;

	if (run_timeout != PGWF_NO_DURATION)
	{
		activity->schedule_to_close = cap(activity->schedule_to_close,
										  run_timeout);
		activity->schedule_to_start = cap(activity->schedule_to_start,
										  run_timeout);
		activity->start_to_close = cap(activity->start_to_close,
									   run_timeout);
	}
	if (activity->heartbeat != PGWF_NO_DURATION)
		activity->heartbeat = cap(activity->heartbeat,
								  activity->start_to_close);
	return true;
}

static void
read_timeouts(PgwfCommandContext *context, PgwfReader *reader,
			  PgwfActivity *activity)
{
	activity->schedule_to_close = pgwf_read_duration(reader,
													 "scheduleToCloseTimeout");
	activity->schedule_to_start = pgwf_read_duration(reader,
													 "scheduleToStartTimeout");
	activity->start_to_close = pgwf_read_duration(reader,
												  "startToCloseTimeout");
	activity->heartbeat = pgwf_read_duration(reader, "heartbeatTimeout");
	if (!pgwf_command_check_read(context, BAD_SCHEDULE, reader))
		return;
	if (activity->schedule_to_close < 0 || activity->schedule_to_start < 0 ||
		activity->start_to_close < 0 || activity->heartbeat < 0)
		pgwf_command_fail(context, BAD_SCHEDULE, "a timeout is negative");
	else if (!normalize_timeouts(activity,
								 pgwf_run_execution(context->run)->run_timeout))
		pgwf_command_fail(context, BAD_SCHEDULE,
						  "neither scheduleToCloseTimeout nor startToCloseTimeout is set");
}

/*
 * priority: {priorityKey, fairnessKey, fairnessWeight}; what is left out is
 * the workflow's
 */
static Jsonb *
read_priority(PgwfCommandContext *context, PgwfReader *reader,
			  PgwfActivity *activity)
{
	Jsonb	   *priority = pgwf_command_read_priority(context, BAD_SCHEDULE,
													  reader);

	if (!pgwf_command_failed(context))
		pgwf_place_init(&activity->place, priority);
	return priority;
}

/* Refuses a retry policy that is none; else it becomes the activity's */
static void
read_retry_policy(PgwfCommandContext *context, PgwfReader *reader,
				  PgwfActivity *activity, PgwfRetryPolicy *policy)
{
	char	   *error;

	error = pgwf_retry_policy_read(policy,
								   pgwf_read_object(reader, "retryPolicy"));
	if (error)
	{
		pgwf_command_fail(context, BAD_SCHEDULE, "%s", error);
		return;
	}
	activity->initial_interval = policy->initial_interval;
	activity->maximum_interval = policy->maximum_interval;
	activity->backoff_coefficient = policy->backoff_coefficient;
	activity->maximum_attempts = policy->maximum_attempts;
	activity->non_retryable_error_types = policy->non_retryable_error_types;
}

/* Refuses one activity too many, and one of an id that is pending */
static bool
check_pending(PgwfCommandContext *context, const PgwfActivity *activity)
{
	PgwfRun    *run = context->run;

	if (pgwf_max_pending_activities > 0 &&
		run->state.pending_activities >= pgwf_max_pending_activities)
		pgwf_command_fail(context, TOO_MANY,
						  "the workflow has %d pending activities already, the limit is %d",
						  run->state.pending_activities,
						  pgwf_max_pending_activities);
	else if (pgwf_run_find_activity_by_id(run, activity->activity_id))
		pgwf_command_fail(context, DUPLICATE,
						  "activity \"%s\" is already pending",
						  activity->activity_id);
	return !pgwf_command_failed(context);
}

/* The attributes of ActivityTaskScheduled */
static void
write_scheduled(PgwfObject *attributes, const PgwfActivity *activity,
				const PgwfRetryPolicy *policy, Jsonb *header, Jsonb *input,
				Jsonb *priority)
{
	pgwf_object_begin(attributes);
	pgwf_object_text(attributes, "activityId", activity->activity_id);
	pgwf_object_name(attributes, "activityType", activity->activity_type);
	pgwf_object_open(attributes, "taskQueue");
	pgwf_object_text(attributes, "name", activity->task_queue);
	pgwf_object_text(attributes, "kind", "TASK_QUEUE_KIND_NORMAL");
	pgwf_object_close(attributes);
	pgwf_object_jsonb(attributes, "header", header);
	pgwf_object_jsonb(attributes, "input", input);
	pgwf_object_duration(attributes, "scheduleToCloseTimeout",
						 activity->schedule_to_close);
	pgwf_object_duration(attributes, "scheduleToStartTimeout",
						 activity->schedule_to_start);
	pgwf_object_duration(attributes, "startToCloseTimeout",
						 activity->start_to_close);
	pgwf_object_duration(attributes, "heartbeatTimeout",
						 activity->heartbeat);
	pgwf_object_jsonb(attributes, "retryPolicy",
					  pgwf_retry_policy_jsonb(policy));
	pgwf_object_jsonb(attributes, "priority", priority);
}

/*
 * activityId: text; activityType: {"name"}; taskQueue: {"name"}, default the
 * workflow's; header: object; input: payloads; the four timeouts: durations;
 * retryPolicy; priority; requestEagerExecution: boolean
 */
void
pgwf_command_schedule_activity(PgwfCommandContext *context,
							   PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	PgwfActivity *activity = palloc0(sizeof(PgwfActivity));
	PgwfRetryPolicy policy;
	Jsonb	   *input;
	Jsonb	   *header;
	Jsonb	   *priority;
	PgwfObject	attributes;
	PgwfEvent  *event;

	activity->activity_id = pgwf_read_text(reader, "activityId");
	activity->activity_type = pgwf_read_name(reader, "activityType");
	activity->task_queue = pgwf_read_name(reader, "taskQueue");
	input = pgwf_read_payloads(reader, "input");
	header = pgwf_read_object(reader, "header");
	activity->eager = pgwf_read_bool(reader, "requestEagerExecution");
	if (!pgwf_command_check_read(context, BAD_SCHEDULE, reader) ||
		!pgwf_command_check_id(context, BAD_SCHEDULE, "activityId",
							   activity->activity_id, true) ||
		!pgwf_command_check_id(context, BAD_SCHEDULE, "activityType",
							   activity->activity_type, true) ||
		!pgwf_command_check_task_queue(context, BAD_SCHEDULE,
									   activity->task_queue))
		return;
	if (activity->task_queue == NULL || activity->task_queue[0] == '\0')
		activity->task_queue = pgwf_run_execution(run)->task_queue;
	read_timeouts(context, reader, activity);
	if (pgwf_command_failed(context))
		return;
	read_retry_policy(context, reader, activity, &policy);
	if (pgwf_command_failed(context))
		return;
	priority = read_priority(context, reader, activity);
	if (pgwf_command_failed(context) ||
		!pgwf_command_check_read(context, BAD_SCHEDULE, reader) ||
		!pgwf_command_check_size(context, BAD_SCHEDULE,
								 "ScheduleActivityTaskCommandAttributes.Input",
								 input) ||
		!check_pending(context, activity))
		return;

	write_scheduled(&attributes, activity, &policy, header, input, priority);
	event = pgwf_command_event(context, PGWF_EVENT_ACTIVITY_TASK_SCHEDULED,
							   &attributes);
	activity->scheduled_event_id = event->event_id;
	activity->scheduled_time = event->time;
	pgwf_activity_schedule(run, activity);
}

/* Has the activity closed with an event that the workflow has not seen? */
static bool
close_event_is_buffered(PgwfRun *run, int64 scheduled_event_id)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_buffered(run))
	{
		PgwfEvent  *event = lfirst(lc);

		if ((pgwf_event_info[event->type].flags &
			 PGWF_EVENT_FLUSHED_LAST) != 0 &&
			pgwf_jsonb_get_int(event->attributes,
							   "scheduledEventId") == scheduled_event_id)
			return true;
	}
	return false;
}

static bool
has_cancel_request(List *events, int64 scheduled_event_id)
{
	ListCell   *lc;

	foreach(lc, events)
	{
		PgwfEvent  *event = lfirst(lc);

		if (event->type == PGWF_EVENT_ACTIVITY_TASK_CANCEL_REQUESTED &&
			pgwf_jsonb_get_int(event->attributes,
							   "scheduledEventId") == scheduled_event_id)
			return true;
	}
	return false;
}

/*
 * Has cancellation been asked for of an activity that has closed since?  Its
 * row is gone, so that the history has to tell.
 */
static bool
closed_after_cancel_request(PgwfRun *run, int64 scheduled_event_id)
{
	return has_cancel_request(run->events, scheduled_event_id) ||
		has_cancel_request(pgwf_event_load(run->call,
										   run->state.namespace_id,
										   run->state.run_key,
										   scheduled_event_id + 1,
										   PG_INT64_MAX),
						   scheduled_event_id);
}

/* The details of an activity that was canceled before any worker had it */
static Jsonb *
not_started_details(void)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = pstrdup("ACTIVITY_ID_NOT_STARTED");
	value.val.string.len = strlen(value.val.string.val);
	return pgwf_payloads(JsonbValueToJsonb(&value));
}

/*
 * scheduledEventId: integer.  An activity that no worker has is canceled
 * after all other commands; one that is started learns it by its heartbeat.
 */
void
pgwf_command_cancel_activity(PgwfCommandContext *context, PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	int64		scheduled_event_id = pgwf_read_int(reader,
												   "scheduledEventId");
	PgwfActivity *activity;
	PgwfObject	attributes;
	PgwfEvent  *event;
	bool		requested;

	if (!pgwf_command_check_read(context, BAD_CANCEL, reader))
		return;
	if (scheduled_event_id <= 0)
	{
		pgwf_command_fail(context, BAD_CANCEL, "scheduledEventId is not set");
		return;
	}
	activity = pgwf_run_find_activity(run, scheduled_event_id);
	if (activity && !pgwf_run_lock_activity(run, activity))
		elog(ERROR, "activity " INT64_FORMAT " of run " INT64_FORMAT " is missing",
			 scheduled_event_id, run->state.run_key);
	if (activity == NULL && !close_event_is_buffered(run, scheduled_event_id))
	{
		pgwf_command_fail(context, BAD_CANCEL,
						  "activity " INT64_FORMAT " is not pending",
						  scheduled_event_id);
		return;
	}
	requested = activity ? activity->cancel_requested_event_id != 0 :
		closed_after_cancel_request(run, scheduled_event_id);
	if (requested)
	{
		pgwf_command_fail(context, BAD_CANCEL,
						  "cancellation of activity " INT64_FORMAT " is already requested",
						  scheduled_event_id);
		return;
	}

	pgwf_object_begin(&attributes);
	pgwf_object_int(&attributes, "scheduledEventId", scheduled_event_id);
	event = pgwf_command_event(context,
							   PGWF_EVENT_ACTIVITY_TASK_CANCEL_REQUESTED,
							   &attributes);
	if (activity == NULL)
		return;
	activity->cancel_requested_event_id = event->event_id;
	if (activity->state == PGWF_ACTIVITY_STARTED)
		activity->change = PGWF_ROW_UPDATE;
	else
		pgwf_activity_cancel(run, activity, not_started_details(),
							 context->identity);
}
