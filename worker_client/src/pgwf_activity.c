/*
 * pgwf_activity.c
 *		Activities: ScheduleActivityTask, RequestCancelActivityTask and their
 *		events; activity options and retry policies in the service's form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static void activity_cancel(PgwfWorkflow *wf, PgwfMachine *machine);

static const PgwfMachineInfo activity_machine = {"activity", activity_cancel};

/* ---- options ---- */

/*
 * Copies an options struct of a caller who may have been compiled with a
 * shorter one; its first member is its size (0: today's).
 */
void
pgwf_options_copy(void *to, size_t to_size, const void *from)
{
	size_t		size = 0;

	memset(to, 0, to_size);
	if (from == NULL)
		return;
	memcpy(&size, from, sizeof(size));
	if (size == 0 || size > to_size)
		size = to_size;
	memcpy(to, from, size);
}

/* A new reference, or NULL for no policy. */
json_t *
pgwf_retry_policy_json(const PgwfRetryPolicy *policy)
{
	PgwfRetryPolicy p;
	json_t	   *json;

	if (policy == NULL)
		return NULL;
	pgwf_options_copy(&p, sizeof(p), policy);
	json = json_object();
	pgwf_json_put_ms(json, "initialInterval", p.initial_interval_ms);
	if (p.backoff_coefficient > 0)
		pgwf_json_put(json, "backoffCoefficient",
					  json_real(p.backoff_coefficient));
	pgwf_json_put_ms(json, "maximumInterval", p.maximum_interval_ms);
	pgwf_json_put_int(json, "maximumAttempts", p.maximum_attempts);
	if (p.non_retryable_error_types != NULL &&
		p.non_retryable_error_types[0] != NULL)
	{
		json_t	   *types = json_array();
		int			i;

		for (i = 0; p.non_retryable_error_types[i] != NULL; i++)
			json_array_append_new(types,
								  json_string(p.non_retryable_error_types[i]));
		pgwf_json_put(json, "nonRetryableErrorTypes", types);
	}
	return json;
}

/* A new reference, or NULL if nothing is set. */
json_t *
pgwf_priority_json(const PgwfPriority *priority)
{
	json_t	   *json = json_object();

	pgwf_json_put_int(json, "priorityKey", priority->priority_key);
	pgwf_json_put_str(json, "fairnessKey", priority->fairness_key);
	if (priority->fairness_weight > 0)
		pgwf_json_put(json, "fairnessWeight",
					  json_real(priority->fairness_weight));
	if (json_object_size(json) > 0)
		return json;
	json_decref(json);
	return NULL;
}

/* The texts for people that come with a command; NULL if there are none. */
json_t *
pgwf_user_metadata_json(const char *summary, const char *details)
{
	json_t	   *json;

	if (summary == NULL && details == NULL)
		return NULL;
	json = json_object();
	pgwf_json_put_str(json, "summary", summary);
	pgwf_json_put_str(json, "details", details);
	return json;
}

/* NULL for no queue of its own. */
json_t *
pgwf_task_queue_json(const char *name)
{
	if (name == NULL || *name == '\0')
		return NULL;
	return json_pack("{s:s, s:s}", "name", name,
					 "kind", "TASK_QUEUE_KIND_NORMAL");
}

/* A header, a memo or search attributes: a copy, or NULL if there are none. */
json_t *
pgwf_fields_json(const char *key, json_t *fields)
{
	return fields != NULL ?
		json_pack("{s:o}", key, json_deep_copy(fields)) : NULL;
}

/* ---- outcomes ---- */

/*
 * What workflow code gets for an activity that did not succeed: a wrapper that
 * names the activity, around the cause, which is taken over.
 */
PgwfFailure *
pgwf_activity_failure(PgwfWorkflow *wf, const PgwfMachine *machine,
					  const char *message, const char *identity,
					  const char *retry_state, json_t *cause)
{
	json_t	   *json = json_object();
	json_t	   *info = json_object();

	pgwf_json_put_str(json, "message", message);
	pgwf_json_put_str(json, "source", PGWF_SDK_NAME);
	pgwf_json_put(json, "cause", cause);
	pgwf_json_put_int(info, "scheduledEventId", machine->scheduled_event_id);
	pgwf_json_put_int(info, "startedEventId", machine->started_event_id);
	pgwf_json_put_str(info, "identity", identity);
	pgwf_json_put(info, "activityType",
				  json_pack("{s:s}", "name", machine->type));
	pgwf_json_put_str(info, "activityId", machine->id);
	pgwf_json_put_str(info, "retryState", retry_state);
	pgwf_json_put(json, "activityFailureInfo", info);
	return pgwf_arena_failure(wf, json);
}

static PgwfFailure *
canceled_failure(PgwfWorkflow *wf, const PgwfMachine *machine,
				 const char *identity, json_t *details)
{
	return pgwf_activity_failure(wf, machine, "activity canceled", identity,
								 "RETRY_STATE_CANCEL_REQUESTED",
								 pgwf_failure_canceled_json("activity canceled",
															details));
}

/* ---- machine ---- */

static void
activity_cancel(PgwfWorkflow *wf, PgwfMachine *machine)
{
	if (machine->state == PGWF_STATE_CLOSED || machine->cancel_sent)
		return;
	if (pgwf_command_unsent(wf, machine->command))
	{
		machine->command->dropped = true;
		machine->state = PGWF_STATE_CLOSED;
		pgwf_future_fail(wf, machine->future,
						 canceled_failure(wf, machine, NULL, NULL));
		return;
	}
	if (machine->cancel_type != PGWF_CANCEL_ABANDON)
	{
		json_t	   *attributes = json_object();

		pgwf_json_put_int(attributes, "scheduledEventId",
						  machine->scheduled_event_id);
		pgwf_command_push(wf, PGWF_COMMAND_CANCEL_ACTIVITY, NULL, attributes);
		machine->cancel_sent = true;
	}
	if (machine->cancel_type != PGWF_CANCEL_WAIT_COMPLETED)
		pgwf_future_fail(wf, machine->future,
						 canceled_failure(wf, machine, NULL, NULL));
}

/* Does ActivityTaskScheduled name the activity that the command names? */
bool
pgwf_activity_matches(PgwfWorkflow *wf, const PgwfCommand *command,
					  const PgwfEvent *event)
{
	return pgwf_machine_is_named(wf, command->machine, event, "activityId",
								 "activityType");
}

/* Can this event follow in the machine's state? */
static bool
follows(const PgwfMachine *machine, PgwfEventType type)
{
	switch (type)
	{
		case PGWF_EVENT_ACTIVITY_STARTED:
			return machine->started_event_id == 0;
		case PGWF_EVENT_ACTIVITY_TIMED_OUT:
			return true;
		case PGWF_EVENT_ACTIVITY_CANCELED:
			return machine->cancel_sent;
		default:
			return machine->started_event_id != 0;
	}
}

/* Everything that happens to an activity after it was scheduled. */
void
pgwf_apply_activity(PgwfWorkflow *wf, const PgwfEvent *event)
{
	PgwfMachine *machine = pgwf_machine_of(wf, event, "scheduledEventId",
										   &activity_machine);
	const PgwfNode *a = event->attributes;
	const char *identity;
	const char *retry_state;
	PgwfFailure *failure;

	if (machine == NULL)
		return;
	if (!follows(machine, event->type) ||
		(machine->state == PGWF_STATE_CLOSED))
	{
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, event->id,
						 "event %lld is %s, which the activity scheduled by "
						 "event %lld (activity id \"%s\", type \"%s\") can "
						 "not have come to in the workflow code",
						 (long long) event->id,
						 pgwf_event_infos[event->type].name,
						 (long long) machine->scheduled_event_id,
						 machine->id, machine->type);
		return;
	}
	if (event->type == PGWF_EVENT_ACTIVITY_STARTED)
	{
		machine->started_event_id = event->id;
		machine->state = PGWF_STATE_STARTED;
		return;
	}
	machine->state = PGWF_STATE_CLOSED;

	/* the outcome of an activity that was given up changes nothing */
	if (machine->future->done)
		return;

	identity = pgwf_node_str(a, "identity");
	retry_state = pgwf_node_str(a, "retryState");
	switch (event->type)
	{
		case PGWF_EVENT_ACTIVITY_COMPLETED:
			pgwf_future_succeed(wf, machine->future,
								pgwf_node_first_value(pgwf_node_get(a,
																	"result")));
			return;
		case PGWF_EVENT_ACTIVITY_FAILED:
			failure = pgwf_activity_failure(wf, machine, "activity failed",
											identity, retry_state,
											pgwf_node_json(pgwf_node_get(a, "failure")));
			break;
		case PGWF_EVENT_ACTIVITY_TIMED_OUT:
			failure = pgwf_activity_failure(wf, machine, "activity timed out",
											identity, retry_state,
											pgwf_node_json(pgwf_node_get(a, "failure")));
			break;
		default:
			failure = canceled_failure(wf, machine, identity,
									   json_object_get(pgwf_event_json(event),
													   "details"));
			break;
	}
	pgwf_future_fail(wf, machine->future, failure);
}

/* ---- workflow code ---- */

PgwfFuture *
pgwf_start_activity(PgwfWorkflow *wf, const char *type, json_t *args,
					const PgwfActivityOptions *options)
{
	PgwfActivityOptions o;
	PgwfMachine *machine;
	json_t	   *a;
	char		id[24];

	pgwf_require_coroutine(wf, "pgwf_start_activity");
	pgwf_options_copy(&o, sizeof(o), options);
	pgwf_require_text(wf, "pgwf_start_activity", "type", type);
	if (o.activity_id != NULL)
		pgwf_require_text(wf, "pgwf_start_activity", "activity id",
						  o.activity_id);
	if (o.start_to_close_timeout_ms <= 0 &&
		o.schedule_to_close_timeout_ms <= 0)
		pgwf_panic(wf, "activity \"%s\" has neither a start-to-close nor a "
				   "schedule-to-close timeout", type);

	machine = pgwf_arena_alloc(wf, sizeof(PgwfMachine));
	machine->info = &activity_machine;
	machine->cancel_type = o.cancel_type;
	machine->type = pgwf_arena_strdup(wf, type);
	machine->future = pgwf_future_create(wf, machine);
	if (pgwf_scope_canceled(wf, NULL))
	{
		machine->id = o.activity_id != NULL ?
			pgwf_arena_strdup(wf, o.activity_id) : "";
		machine->state = PGWF_STATE_CLOSED;
		pgwf_future_fail(wf, machine->future,
						 canceled_failure(wf, machine, NULL, NULL));
		return machine->future;
	}

	machine->seq = ++wf->seq[PGWF_SEQ_ACTIVITY];
	snprintf(id, sizeof(id), "%lld", (long long) machine->seq);
	machine->id = pgwf_arena_strdup(wf, o.activity_id != NULL ?
									o.activity_id : id);

	a = json_object();
	pgwf_json_put_str(a, "activityId", machine->id);
	pgwf_json_put(a, "activityType",
				  json_pack("{s:s}", "name", machine->type));
	pgwf_json_put(a, "taskQueue", pgwf_task_queue_json(o.task_queue));
	pgwf_json_put(a, "header", pgwf_fields_json("fields", o.header));
	pgwf_json_put(a, "input", pgwf_json_args(args));
	pgwf_json_put_ms(a, "scheduleToCloseTimeout",
					 o.schedule_to_close_timeout_ms);
	pgwf_json_put_ms(a, "scheduleToStartTimeout",
					 o.schedule_to_start_timeout_ms);
	pgwf_json_put_ms(a, "startToCloseTimeout", o.start_to_close_timeout_ms);
	pgwf_json_put_ms(a, "heartbeatTimeout", o.heartbeat_timeout_ms);
	pgwf_json_put(a, "retryPolicy", pgwf_retry_policy_json(o.retry_policy));
	pgwf_json_put(a, "priority", pgwf_priority_json(&o.priority));
	machine->command = pgwf_command_push(wf, PGWF_COMMAND_SCHEDULE_ACTIVITY,
										 machine, a);
	machine->command->user_metadata = pgwf_user_metadata_json(o.summary,
															  o.details);
	return machine->future;
}

bool
pgwf_execute_activity(PgwfWorkflow *wf, const char *type, json_t *args,
					  const PgwfActivityOptions *options, json_t **result,
					  PgwfFailure **failure)
{
	return pgwf_await(wf, pgwf_start_activity(wf, type, args, options),
					  result, failure);
}
