/*-------------------------------------------------------------------------
 *
 * pgwf_rebuild.c
 *		The state of a run, rebuilt from its history.
 *
 * Used for the run that a reset makes: what was pending at the end of the
 * copied events is pending again, in the new run.  To teach it a kind of
 * event, add an entry to the table and write its handler.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "pgwf_activity.h"
#include "pgwf_rebuild.h"
#include "pgwf_search_attribute.h"
#include "pgwf_update.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"

typedef void (*ApplyEvent) (PgwfRun *run, const PgwfEvent *event,
							PgwfReader *attributes);

static void
apply_started(PgwfRun *run, const PgwfEvent *event, PgwfReader *attributes)
{
	run->state.priority = pgwf_read_jsonb(attributes, "priority");
}

static void
apply_task_scheduled(PgwfRun *run, const PgwfEvent *event,
					 PgwfReader *attributes)
{
	PgwfState  *state = &run->state;

	state->wft_scheduled_event_id = event->event_id;
	state->wft_scheduled_time = event->time;
	state->wft_original_scheduled_time = event->time;
	state->wft_timeout = pgwf_read_duration(attributes,
											"startToCloseTimeout");
	state->wft_stamp++;
}

static void
apply_task_started(PgwfRun *run, const PgwfEvent *event,
				   PgwfReader *attributes)
{
	run->state.wft_started_event_id = event->event_id;
	run->state.wft_started_time = event->time;
}

static void
apply_task_completed(PgwfRun *run, const PgwfEvent *event,
					 PgwfReader *attributes)
{
	run->state.previous_started_event_id = run->state.wft_started_event_id;
	pgwf_workflow_task_forget(run);
}

static void
apply_task_ended(PgwfRun *run, const PgwfEvent *event,
				 PgwfReader *attributes)
{
	pgwf_workflow_task_forget(run);
}

/* An activity that was open is dispatched again, as if scheduled now */
static void
apply_activity_scheduled(PgwfRun *run, const PgwfEvent *event,
						 PgwfReader *attributes)
{
	PgwfActivity *activity = palloc0(sizeof(PgwfActivity));

	activity->scheduled_event_id = event->event_id;
	activity->scheduled_time = run->call->now;
	activity->activity_id = pgwf_read_text(attributes, "activityId");
	activity->activity_type = pgwf_read_name(attributes, "activityType");
	pgwf_activity_read_options(activity, attributes);
	pgwf_activity_schedule(run, activity);
}

static PgwfActivity *
scheduled_activity(PgwfRun *run, PgwfReader *attributes)
{
	return pgwf_run_find_activity(run, pgwf_read_int(attributes,
													 "scheduledEventId"));
}

static void
apply_activity_cancel_requested(PgwfRun *run, const PgwfEvent *event,
								PgwfReader *attributes)
{
	PgwfActivity *activity = scheduled_activity(run, attributes);

	if (activity)
		activity->cancel_requested_event_id = event->event_id;
}

static void
apply_activity_closed(PgwfRun *run, const PgwfEvent *event,
					  PgwfReader *attributes)
{
	PgwfActivity *activity = scheduled_activity(run, attributes);

	if (activity)
	{
		run->activities = list_delete_ptr(run->activities, activity);
		run->state.pending_activities--;
	}
}

static void
apply_timer_started(PgwfRun *run, const PgwfEvent *event,
					PgwfReader *attributes)
{
	PgwfTimer  *timer = palloc0(sizeof(PgwfTimer));

	timer->change = PGWF_ROW_INSERT;
	timer->namespace_id = run->state.namespace_id;
	timer->kind = PGWF_TIMER_USER;
	timer->run_key = run->state.run_key;
	timer->started_event_id = event->event_id;
	timer->timer_id = pgwf_read_text(attributes, "timerId");
	timer->fire_at = event->time +
		pgwf_read_duration(attributes, "startToFireTimeout");
	run->timers = lappend(run->timers, timer);
	run->state.pending_timers++;
}

static void
apply_timer_ended(PgwfRun *run, const PgwfEvent *event,
				  PgwfReader *attributes)
{
	int64		started_event_id = pgwf_read_int(attributes,
												 "startedEventId");
	ListCell   *lc;

	foreach(lc, run->timers)
	{
		PgwfTimer  *timer = lfirst(lc);

		if (timer->started_event_id == started_event_id)
		{
			run->timers = foreach_delete_current(run->timers, lc);
			run->state.pending_timers--;
		}
	}
}

static void
apply_cancel_requested(PgwfRun *run, const PgwfEvent *event,
					   PgwfReader *attributes)
{
	run->state.flags |= PGWF_RUN_CANCEL_REQUESTED;
}

static void
apply_signaled(PgwfRun *run, const PgwfEvent *event, PgwfReader *attributes)
{
	char	   *request_id = pgwf_read_text(attributes, "requestId");

	run->state.signal_count++;
	if (request_id)
		run->signal_requests = lappend(run->signal_requests, request_id);
}

static void
apply_options_updated(PgwfRun *run, const PgwfEvent *event,
					  PgwfReader *attributes)
{
	char	   *request_id = pgwf_read_text(attributes, "attachedRequestId");
	Jsonb	   *priority = pgwf_read_jsonb(attributes, "priority");

	if (request_id)
		run->attached_requests = lappend(run->attached_requests, request_id);
	if (priority)
		run->state.priority = priority;
}

static void
apply_child_initiated(PgwfRun *run, const PgwfEvent *event,
					  PgwfReader *attributes)
{
	PgwfChild  *child = palloc0(sizeof(PgwfChild));
	char	   *policy = pgwf_read_text(attributes, "parentClosePolicy");

	child->change = PGWF_ROW_INSERT;
	child->namespace_id = run->state.namespace_id;
	child->run_key = run->state.run_key;
	child->initiated_event_id = event->event_id;
	child->workflow_id = pgwf_read_text(attributes, "workflowId");
	child->workflow_type = pgwf_read_name(attributes, "workflowType");
	child->parent_close_policy = PGWF_PARENT_CLOSE_TERMINATE;
	if (policy && strcmp(policy, "PARENT_CLOSE_POLICY_ABANDON") == 0)
		child->parent_close_policy = PGWF_PARENT_CLOSE_ABANDON;
	else if (policy &&
			 strcmp(policy, "PARENT_CLOSE_POLICY_REQUEST_CANCEL") == 0)
		child->parent_close_policy = PGWF_PARENT_CLOSE_REQUEST_CANCEL;
	run->children = lappend(run->children, child);
	run->state.pending_children++;
}

/* The pending child that an event initiated, or NULL */
PgwfChild *
pgwf_run_find_child(PgwfRun *run, int64 initiated_event_id)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_children(run))
	{
		PgwfChild  *child = lfirst(lc);

		if (child->initiated_event_id == initiated_event_id &&
			child->change != PGWF_ROW_DELETE)
			return child;
	}
	return NULL;
}

static void
apply_child_started(PgwfRun *run, const PgwfEvent *event,
					PgwfReader *attributes)
{
	PgwfChild  *child;
	PgwfReader	execution;
	char	   *run_id;

	child = pgwf_run_find_child(run, pgwf_read_int(attributes,
												   "initiatedEventId"));
	if (child == NULL)
		return;
	pgwf_reader_init(&execution,
					 pgwf_read_jsonb(attributes, "workflowExecution"));
	run_id = pgwf_read_text(&execution, "runId");
	child->started_event_id = event->event_id;
	child->run_id = DatumGetUUIDP(DirectFunctionCall1(uuid_in,
													  CStringGetDatum(run_id)));
}

static void
apply_child_ended(PgwfRun *run, const PgwfEvent *event,
				  PgwfReader *attributes)
{
	PgwfChild  *child;

	child = pgwf_run_find_child(run, pgwf_read_int(attributes,
												   "initiatedEventId"));
	if (child)
	{
		run->children = list_delete_ptr(run->children, child);
		run->state.pending_children--;
	}
}

/* Messages are kept until it is known that they have not been delivered */
static void
apply_signal_initiated(PgwfRun *run, const PgwfEvent *event,
					   PgwfReader *attributes)
{
	run->state.pending_signals++;
	pgwf_run_send(run, PGWF_MESSAGE_SIGNAL, event->event_id);
}

static void
apply_cancel_initiated(PgwfRun *run, const PgwfEvent *event,
					   PgwfReader *attributes)
{
	run->state.pending_cancels++;
	pgwf_run_send(run, PGWF_MESSAGE_CANCEL, event->event_id);
}

static PgwfMessage *
find_message(PgwfRun *run, int64 initiated_event_id)
{
	ListCell   *lc;

	foreach(lc, run->messages)
	{
		PgwfMessage *message = lfirst(lc);

		if (message->event_id == initiated_event_id)
			return message;
	}
	return NULL;
}

/* Is a signal or cancellation of another workflow still to be delivered? */
bool
pgwf_run_awaits_external(PgwfRun *run, int64 initiated_event_id)
{
	return find_message(run, initiated_event_id) != NULL;
}

/* It has been delivered, or could not be */
void
pgwf_run_resolve_external(PgwfRun *run, int64 initiated_event_id)
{
	PgwfMessage *message = find_message(run, initiated_event_id);

	if (message == NULL)
		return;
	if (message->kind == PGWF_MESSAGE_SIGNAL)
		run->state.pending_signals--;
	else
		run->state.pending_cancels--;
	run->messages = list_delete_ptr(run->messages, message);
}

static void
apply_external_ended(PgwfRun *run, const PgwfEvent *event,
					 PgwfReader *attributes)
{
	pgwf_run_resolve_external(run, pgwf_read_int(attributes,
												 "initiatedEventId"));
}

static void
apply_update(PgwfRun *run, const PgwfEvent *event, PgwfReader *attributes)
{
	pgwf_update_apply_event(run, event);
}

static const ApplyEvent apply_event[PGWF_EVENT_TYPE_COUNT + 1] = {
	[PGWF_EVENT_WORKFLOW_EXECUTION_STARTED] = apply_started,
	[PGWF_EVENT_WORKFLOW_TASK_SCHEDULED] = apply_task_scheduled,
	[PGWF_EVENT_WORKFLOW_TASK_STARTED] = apply_task_started,
	[PGWF_EVENT_WORKFLOW_TASK_COMPLETED] = apply_task_completed,
	[PGWF_EVENT_WORKFLOW_TASK_TIMED_OUT] = apply_task_ended,
	[PGWF_EVENT_WORKFLOW_TASK_FAILED] = apply_task_ended,
	[PGWF_EVENT_ACTIVITY_TASK_SCHEDULED] = apply_activity_scheduled,
	[PGWF_EVENT_ACTIVITY_TASK_COMPLETED] = apply_activity_closed,
	[PGWF_EVENT_ACTIVITY_TASK_FAILED] = apply_activity_closed,
	[PGWF_EVENT_ACTIVITY_TASK_TIMED_OUT] = apply_activity_closed,
	[PGWF_EVENT_ACTIVITY_TASK_CANCELED] = apply_activity_closed,
	[PGWF_EVENT_ACTIVITY_TASK_CANCEL_REQUESTED] =
	apply_activity_cancel_requested,
	[PGWF_EVENT_TIMER_STARTED] = apply_timer_started,
	[PGWF_EVENT_TIMER_FIRED] = apply_timer_ended,
	[PGWF_EVENT_TIMER_CANCELED] = apply_timer_ended,
	[PGWF_EVENT_WORKFLOW_EXECUTION_CANCEL_REQUESTED] = apply_cancel_requested,
	[PGWF_EVENT_WORKFLOW_EXECUTION_SIGNALED] = apply_signaled,
	[PGWF_EVENT_WORKFLOW_EXECUTION_OPTIONS_UPDATED] = apply_options_updated,
	[PGWF_EVENT_START_CHILD_INITIATED] = apply_child_initiated,
	[PGWF_EVENT_START_CHILD_FAILED] = apply_child_ended,
	[PGWF_EVENT_CHILD_STARTED] = apply_child_started,
	[PGWF_EVENT_CHILD_COMPLETED] = apply_child_ended,
	[PGWF_EVENT_CHILD_FAILED] = apply_child_ended,
	[PGWF_EVENT_CHILD_CANCELED] = apply_child_ended,
	[PGWF_EVENT_CHILD_TIMED_OUT] = apply_child_ended,
	[PGWF_EVENT_CHILD_TERMINATED] = apply_child_ended,
	[PGWF_EVENT_SIGNAL_EXTERNAL_INITIATED] = apply_signal_initiated,
	[PGWF_EVENT_SIGNAL_EXTERNAL_FAILED] = apply_external_ended,
	[PGWF_EVENT_EXTERNAL_SIGNALED] = apply_external_ended,
	[PGWF_EVENT_REQUEST_CANCEL_EXTERNAL_INITIATED] = apply_cancel_initiated,
	[PGWF_EVENT_REQUEST_CANCEL_EXTERNAL_FAILED] = apply_external_ended,
	[PGWF_EVENT_EXTERNAL_CANCEL_REQUESTED] = apply_external_ended,
	[PGWF_EVENT_UPDATE_ADMITTED] = apply_update,
	[PGWF_EVENT_UPDATE_ACCEPTED] = apply_update,
	[PGWF_EVENT_UPDATE_COMPLETED] = apply_update
};

/*
 * Brings memo and search attributes of a run to where events, from the first
 * on, leave them.
 */
void
pgwf_rebuild_properties(PgwfExecution *execution, List *events)
{
	ListCell   *lc;

	foreach(lc, events)
	{
		PgwfEvent  *event = lfirst(lc);
		PgwfReader	attributes;

		pgwf_reader_init(&attributes, event->attributes);
		switch (event->type)
		{
			case PGWF_EVENT_WORKFLOW_EXECUTION_STARTED:
				execution->memo = pgwf_read_jsonb(&attributes, "memo");
				execution->search_attributes =
					pgwf_search_attributes_merge(NULL,
												 pgwf_read_jsonb(&attributes,
																 "searchAttributes"));
				break;
			case PGWF_EVENT_UPSERT_SEARCH_ATTRIBUTES:
				execution->search_attributes =
					pgwf_search_attributes_merge(execution->search_attributes,
												 pgwf_read_jsonb(&attributes,
																 "searchAttributes"));
				break;
			case PGWF_EVENT_WORKFLOW_PROPERTIES_MODIFIED:
				execution->memo =
					pgwf_fields_merge(execution->memo,
									  pgwf_read_jsonb(&attributes,
													  "upsertedMemo"),
									  "fields", false);
				break;
			default:
				break;
		}
	}
}

/*
 * Makes events, from the first on, the history of a new run, with their ids
 * and times, and brings its state to where they leave it.
 */
void
pgwf_run_rebuild(PgwfRun *run, List *events)
{
	ListCell   *lc;

	Assert(run->is_new && run->events == NIL);
	foreach(lc, events)
	{
		PgwfEvent  *event = lfirst(lc);
		PgwfEvent  *copy;

		copy = pgwf_run_append_late(run, event->type, event->attributes,
									event->time);
		copy->user_metadata = event->user_metadata;
		Assert(copy->event_id == event->event_id);
		if (event->time > run->state.last_event_time)
			run->state.last_event_time = event->time;
		pgwf_versions_apply_event(&run->state, event);
		if (apply_event[event->type])
		{
			PgwfReader	attributes;

			pgwf_reader_init(&attributes, event->attributes);
			apply_event[event->type] (run, event, &attributes);
		}
	}
}
