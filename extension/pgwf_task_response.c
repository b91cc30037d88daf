/*-------------------------------------------------------------------------
 *
 * pgwf_task_response.c
 *		What a worker is told of a task that it has been handed: the poll
 *		responses, as JSON text (C&E 7).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_args.h"
#include "pgwf_pack.h"
#include "pgwf_task_response.h"
#include "pgwf_token.h"
#include "pgwf_update.h"
#include "pgwf_workflow_task.h"

/* A history larger than this is read on by get_workflow_execution_history */
#define HISTORY_PAGE_BYTES (4 * 1024 * 1024)

static void
append_event(StringInfo buf, const PgwfEvent *event)
{
	char		time[PGWF_TIME_LEN];

	pgwf_format_time(time, event->time);
	if (buf->data[buf->len - 1] != '[')
		appendStringInfoString(buf, ", ");
	appendStringInfoString(buf, "{\"eventId\": ");
	pgwf_append_integer(buf, event->event_id);
	appendStringInfoString(buf, ", \"eventTime\": \"");
	appendStringInfoString(buf, time);
	appendStringInfoString(buf, "\", \"eventType\": \"");
	appendStringInfoString(buf, pgwf_event_info[event->type].name);
	appendStringInfoChar(buf, '"');
	pgwf_append_event_members(buf, event);
	appendStringInfoChar(buf, '}');
}

/* Events that are stored already, and then those that this call appended */
static void
append_history(StringInfo buf, PgwfRun *run, int64 first_event_id)
{
	int64		next = first_event_id;
	ListCell   *lc;

	pgwf_append_json_member(buf, "history");
	appendStringInfoString(buf, "{\"events\": [");
	if (next < run->stored.next_event_id)
	{
		List	   *events;

		events = pgwf_event_load_packed(run->call, run->state.namespace_id,
										run->state.run_key, first_event_id,
										HISTORY_PAGE_BYTES);
		foreach(lc, events)
		{
			PgwfEvent  *event = lfirst(lc);

			append_event(buf, event);
			next = event->event_id + 1;
		}
	}
	if (next >= run->stored.next_event_id)
	{
		foreach(lc, run->events)
		{
			PgwfEvent  *event = lfirst(lc);

			if (event->event_id >= first_event_id)
				append_event(buf, event);
		}
		next = run->state.next_event_id;
	}
	appendStringInfoString(buf, "]}");
	if (next < run->state.next_event_id)
		pgwf_append_json_int(buf, "nextEventId", next);
}

/* The events of a transient or speculative task, which no history has */
static void
append_transient_events(StringInfo buf, PgwfRun *run)
{
	PgwfEvent	event = {0};

	pgwf_append_json_member(buf, "transientEvents");
	appendStringInfoChar(buf, '[');
	event.type = PGWF_EVENT_WORKFLOW_TASK_SCHEDULED;
	event.event_id = run->state.wft_scheduled_event_id;
	event.time = run->state.wft_scheduled_time;
	event.attributes = pgwf_workflow_task_scheduled_attributes(run);
	append_event(buf, &event);
	event.type = PGWF_EVENT_WORKFLOW_TASK_STARTED;
	event.event_id = run->state.wft_started_event_id;
	event.time = run->state.wft_started_time;
	event.attributes =
		pgwf_workflow_task_started_attributes(run,
											  pgwf_workflow_task_request_id(&run->state));
	append_event(buf, &event);
	appendStringInfoChar(buf, ']');
}

static void
append_execution(StringInfo buf, const PgwfExecution *execution)
{
	pgwf_append_json_member(buf, "workflowExecution");
	appendStringInfoChar(buf, '{');
	pgwf_append_json_text(buf, "workflowId", execution->workflow_id);
	pgwf_append_json_text(buf, "runId", pgwf_uuid_text(&execution->run_id));
	appendStringInfoChar(buf, '}');
	pgwf_append_json_name(buf, "workflowType", execution->workflow_type);
}

static void
append_task_queue(StringInfo buf, const PgwfExecution *execution)
{
	pgwf_append_json_member(buf, "workflowExecutionTaskQueue");
	appendStringInfoChar(buf, '{');
	pgwf_append_json_text(buf, "name", execution->task_queue);
	pgwf_append_json_text(buf, "kind", "TASK_QUEUE_KIND_NORMAL");
	appendStringInfoChar(buf, '}');
}

/*
 * A PollWorkflowTaskQueueResponse for a run whose workflow task has just been
 * started.  A worker that has the run gets the events that it has not seen.
 * "backlog" is how many tasks are left in its queue, 0 if that is not known.
 */
void
pgwf_append_workflow_task(StringInfo buf, PgwfRun *run, bool partial_history,
						  int64 backlog)
{
	const PgwfState *state = &run->state;
	PgwfExecution *execution = pgwf_run_execution(run);

	appendStringInfoChar(buf, '{');
	pgwf_append_json_text(buf, "taskToken", pgwf_token_for_task(state));
	append_execution(buf, execution);
	pgwf_append_json_int(buf, "previousStartedEventId",
						 state->previous_started_event_id);
	pgwf_append_json_int(buf, "startedEventId", state->wft_started_event_id);
	pgwf_append_json_int(buf, "attempt", state->wft_attempt);
	pgwf_append_json_time(buf, "scheduledTime", state->wft_scheduled_time);
	pgwf_append_json_time(buf, "startedTime", state->wft_started_time);
	pgwf_append_json_duration(buf, "workflowTaskTimeout", state->wft_timeout);
	append_task_queue(buf, execution);
	if (backlog > 0)
		pgwf_append_json_int(buf, "backlogCountHint", backlog);
	append_history(buf, run,
				   partial_history ? state->previous_started_event_id + 1 : 1);
	if (pgwf_workflow_task_is_transient(run) ||
		pgwf_workflow_task_is_speculative(run))
		append_transient_events(buf, run);
	pgwf_append_queries(buf, run);
	pgwf_append_update_messages(buf, run);
	appendStringInfoChar(buf, '}');
}

/* startedEventId of the last workflow task that completed; 0 if none did */
static int64
previous_started_event_id(PgwfCall *call, const PgwfQuery *query)
{
	PgwfState	state;
	PgwfEvent  *event;

	if (pgwf_state_load(call, query->namespace_id, query->run_key, &state))
		return state.previous_started_event_id;
	event = pgwf_event_find_last(call, query->namespace_id, query->run_key,
								 PGWF_EVENT_WORKFLOW_TASK_COMPLETED);
	return event ? pgwf_jsonb_get_int(event->attributes, "startedEventId") : 0;
}

/* The history as it is now, for a worker that does not have the run */
static void
append_whole_history(StringInfo buf, PgwfCall *call, const PgwfQuery *query)
{
	List	   *events;
	int64		next = 1;
	ListCell   *lc;

	events = pgwf_event_load_packed(call, query->namespace_id,
									query->run_key, 1, HISTORY_PAGE_BYTES);
	foreach(lc, events)
	{
		PgwfEvent  *event = lfirst(lc);

		append_event(buf, event);
		next = event->event_id + 1;
	}
	appendStringInfoString(buf, "]}");
	if (pgwf_event_load_one(call, query->namespace_id, query->run_key, next))
		pgwf_append_json_int(buf, "nextEventId", next);
}

/*
 * A PollWorkflowTaskQueueResponse for a query that is a task of its own: it
 * has no startedEventId.  A worker that has the run needs no history.
 */
void
pgwf_append_query_task(StringInfo buf, PgwfCall *call, const PgwfQuery *query)
{
	PgwfExecution *execution;

	execution = pgwf_execution_load(call, query->namespace_id,
									query->run_key);
	if (execution == NULL)
		elog(ERROR, "execution of run " INT64_FORMAT " is missing",
			 query->run_key);
	appendStringInfoChar(buf, '{');
	pgwf_append_json_text(buf, "taskToken",
						  pgwf_token_for_query(query->namespace_id,
											   &query->query_id,
											   query->attempt));
	append_execution(buf, execution);
	pgwf_append_json_int(buf, "previousStartedEventId",
						 previous_started_event_id(call, query));
	append_task_queue(buf, execution);
	pgwf_append_json_jsonb(buf, "query", query->query);
	pgwf_append_json_member(buf, "history");
	appendStringInfoString(buf, "{\"events\": [");
	if (query->sticky)
		appendStringInfoString(buf, "]}");
	else
		append_whole_history(buf, call, query);
	appendStringInfoChar(buf, '}');
}

/* As jsonb would be shown, whose members come by their lengths */
static void
append_retry_policy(StringInfo buf, const PgwfActivity *activity)
{
	pgwf_append_json_member(buf, "retryPolicy");
	appendStringInfoChar(buf, '{');
	pgwf_append_json_duration(buf, "initialInterval",
							  activity->initial_interval);
	pgwf_append_json_int(buf, "maximumAttempts", activity->maximum_attempts);
	pgwf_append_json_duration(buf, "maximumInterval",
							  activity->maximum_interval);
	pgwf_append_json_double(buf, "backoffCoefficient",
							activity->backoff_coefficient);
	pgwf_append_json_jsonb(buf, "nonRetryableErrorTypes",
						   activity->non_retryable_error_types);
	appendStringInfoChar(buf, '}');
}

/*
 * A PollActivityTaskQueueResponse for an activity that has been started;
 * "scheduled" is its ActivityTaskScheduled.
 */
void
pgwf_append_activity_task(StringInfo buf, const PgwfActivity *activity,
						  const PgwfExecution *execution,
						  const PgwfEvent *scheduled, const char *namespace)
{
	PgwfReader	attributes;

	pgwf_reader_init(&attributes, scheduled->attributes);
	appendStringInfoChar(buf, '{');
	pgwf_append_json_text(buf, "taskToken",
						  pgwf_token_for_activity(activity));
	pgwf_append_json_text(buf, "workflowNamespace", namespace);
	append_execution(buf, execution);
	pgwf_append_json_name(buf, "activityType", activity->activity_type);
	pgwf_append_json_text(buf, "activityId", activity->activity_id);
	pgwf_append_json_jsonb(buf, "header",
						   pgwf_read_jsonb(&attributes, "header"));
	pgwf_append_json_jsonb(buf, "input",
						   pgwf_read_jsonb(&attributes, "input"));
	pgwf_append_json_jsonb(buf, "heartbeatDetails",
						   activity->heartbeat_details);
	pgwf_append_json_time(buf, "scheduledTime", activity->scheduled_time);
	pgwf_append_json_time(buf, "currentAttemptScheduledTime",
						  activity->attempt_scheduled_time);
	pgwf_append_json_time(buf, "startedTime", activity->started_time);
	pgwf_append_json_int(buf, "attempt", activity->attempt);
	pgwf_append_json_duration(buf, "scheduleToCloseTimeout",
							  activity->schedule_to_close);
	pgwf_append_json_duration(buf, "startToCloseTimeout",
							  activity->start_to_close);
	pgwf_append_json_duration(buf, "heartbeatTimeout", activity->heartbeat);
	append_retry_policy(buf, activity);
	pgwf_append_json_jsonb(buf, "priority",
						   pgwf_read_jsonb(&attributes, "priority"));
	appendStringInfoChar(buf, '}');
}
