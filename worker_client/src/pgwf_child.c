/*
 * pgwf_child.c
 *		Children: StartChildWorkflowExecution and the events that follow.
 *
 * A child has two futures: that it was started, and how it ended.  Cancelling
 * one is a request like that to any other workflow (pgwf_external.c); the
 * service takes it only for children that were started, so it waits for that.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static void child_cancel(PgwfWorkflow *wf, PgwfMachine *machine);

static const PgwfMachineInfo child_machine = {"child", child_cancel};

/* ---- outcomes ---- */

/*
 * What workflow code gets for a child that did not complete: a wrapper that
 * names the child, around the cause, which is taken over.  "execution" and
 * "retry_state" may be NULL.
 */
static PgwfFailure *
child_failure(PgwfWorkflow *wf, const PgwfChild *child, const char *message,
			  json_t *execution, const char *retry_state, json_t *cause)
{
	const PgwfMachine *machine = child->machine;
	json_t	   *json = json_object();
	json_t	   *info = json_object();

	pgwf_json_put_str(json, "message", message);
	pgwf_json_put_str(json, "source", PGWF_SDK_NAME);
	pgwf_json_put(json, "cause", cause);
	if (execution != NULL)
		pgwf_json_put(info, "workflowExecution", json_incref(execution));
	else
	{
		execution = json_object();
		pgwf_json_put_str(execution, "workflowId", machine->id);
		pgwf_json_put_str(execution, "runId", child->run_id);
		pgwf_json_put(info, "workflowExecution", execution);
	}
	pgwf_json_put_str(info, "namespace", wf->info.workflow_namespace);
	pgwf_json_put(info, "workflowType",
				  json_pack("{s:s}", "name", machine->type));
	pgwf_json_put_int(info, "initiatedEventId", machine->scheduled_event_id);
	pgwf_json_put_int(info, "startedEventId", machine->started_event_id);
	pgwf_json_put_str(info, "retryState", retry_state);
	pgwf_json_put(json, "childWorkflowExecutionFailureInfo", info);
	return pgwf_arena_failure(wf, json);
}

/* details and execution may be NULL; both borrowed. */
static PgwfFailure *
canceled_failure(PgwfWorkflow *wf, const PgwfChild *child, json_t *execution,
				 json_t *details)
{
	static const char message[] = "child workflow canceled";

	return child_failure(wf, child, message, execution,
						 "RETRY_STATE_CANCEL_REQUESTED",
						 pgwf_failure_canceled_json(message, details));
}

/* A failure of the service's that only has a message and a kind. */
static json_t *
plain_cause(const char *message, const char *kind, json_t *info)
{
	return json_pack("{s:s, s:s, s:o}", "message", message,
					 "source", PGWF_SDK_NAME, kind, info);
}

/* There will be no child, or nobody waits for it any more. */
static void
give_up(PgwfWorkflow *wf, PgwfChild *child, PgwfFailure *failure)
{
	pgwf_future_fail(wf, child->started, failure);
	pgwf_future_fail(wf, child->machine->future, failure);
}

/* ---- machine ---- */

static void
child_cancel(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfChild  *child = machine->child;

	if (machine->state == PGWF_STATE_CLOSED || machine->cancel_sent)
		return;
	if (pgwf_command_unsent(wf, machine->command))
	{
		PgwfFailure *failure = canceled_failure(wf, child, NULL, NULL);

		machine->command->dropped = true;
		machine->state = PGWF_STATE_CLOSED;
		give_up(wf, child, failure);
		pgwf_external_child_lost(wf, child, failure);
		return;
	}
	machine->cancel_sent = true;
	if (child->cancel_reason == NULL && wf->current == NULL &&
		wf->cancel_requested)
		child->cancel_reason = wf->cancel_reason;
	if (child->cancel_type != PGWF_CHILD_CANCEL_ABANDON)
	{
		if (machine->state == PGWF_STATE_STARTED)
			pgwf_external_cancel_child(wf, child);
		else
			child->cancel_wanted = true;
	}
	if (child->cancel_type == PGWF_CHILD_CANCEL_TRY ||
		child->cancel_type == PGWF_CHILD_CANCEL_ABANDON)
		give_up(wf, child, canceled_failure(wf, child, NULL, NULL));
}

/* The child has the request to cancel itself. */
void
pgwf_child_cancel_arrived(PgwfWorkflow *wf, PgwfChild *child)
{
	if (child->cancel_type == PGWF_CHILD_CANCEL_WAIT_REQUESTED)
		pgwf_future_fail(wf, child->machine->future,
						 canceled_failure(wf, child, NULL, NULL));
}

/*
 * Does StartChildWorkflowExecutionInitiated name the child that the command
 * names?
 */
bool
pgwf_child_matches(PgwfWorkflow *wf, const PgwfCommand *command,
				   const PgwfEvent *event)
{
	return pgwf_machine_is_named(wf, command->machine, event, "workflowId",
								 "workflowType");
}

/* ChildWorkflowExecutionStarted */
static void
child_started(PgwfWorkflow *wf, PgwfChild *child, const PgwfEvent *event)
{
	const char *run_id = pgwf_node_str2(event->attributes,
										"workflowExecution", "runId");

	child->machine->state = PGWF_STATE_STARTED;
	child->machine->started_event_id = event->id;
	child->run_id = pgwf_arena_strdup(wf, run_id != NULL ? run_id : "");
	pgwf_future_succeed(wf, child->started, json_string(child->run_id));
	pgwf_external_child_started(wf, child);
	if (child->cancel_wanted)
		pgwf_external_cancel_child(wf, child);
}

/* StartChildWorkflowExecutionFailed */
static void
start_failed(PgwfWorkflow *wf, PgwfChild *child, const PgwfEvent *event)
{
	PgwfFailure *failure;
	json_t	   *cause;

	child->machine->state = PGWF_STATE_CLOSED;
	cause = pgwf_failed_cause_json("START_CHILD_WORKFLOW_EXECUTION_FAILED_"
								   "CAUSE_",
								   pgwf_node_str(event->attributes, "cause"),
								   "the service refused to start it");
	failure = child_failure(wf, child, "child workflow failed to start", NULL,
							NULL, cause);
	give_up(wf, child, failure);
	pgwf_external_child_lost(wf, child, failure);
}

static void
child_closed(PgwfWorkflow *wf, PgwfChild *child, const PgwfEvent *event)
{
	json_t	   *a = pgwf_event_json(event);
	json_t	   *execution = json_object_get(a, "workflowExecution");
	const char *retry_state = pgwf_json_str(a, "retryState");
	PgwfFuture *future = child->machine->future;
	PgwfFailure *failure = NULL;

	child->machine->state = PGWF_STATE_CLOSED;

	/* the end of a child that was given up changes nothing */
	if (future->done)
		return;
	switch (event->type)
	{
		case PGWF_EVENT_CHILD_COMPLETED:
			pgwf_future_succeed(wf, future,
								pgwf_json_first(json_object_get(a, "result")));
			return;
		case PGWF_EVENT_CHILD_FAILED:
			failure = child_failure(wf, child, "child workflow failed",
									execution, retry_state,
									json_incref(json_object_get(a,
																"failure")));
			break;
		case PGWF_EVENT_CHILD_CANCELED:
			failure = canceled_failure(wf, child, execution,
									   json_object_get(a, "details"));
			break;
		case PGWF_EVENT_CHILD_TIMED_OUT:
			failure = child_failure(wf, child, "child workflow timed out",
									execution, retry_state,
									plain_cause("workflow timeout",
												"timeoutFailureInfo",
												json_pack("{s:s}",
														  "timeoutType",
														  "TIMEOUT_TYPE_START_"
														  "TO_CLOSE")));
			break;
		default:
			failure = child_failure(wf, child, "child workflow terminated",
									execution, retry_state,
									plain_cause("terminated",
												"terminatedFailureInfo",
												json_object()));
			break;
	}
	pgwf_future_fail(wf, future, failure);
}

/* Everything that happens to a child after it was asked for. */
void
pgwf_apply_child(PgwfWorkflow *wf, const PgwfEvent *event)
{
	PgwfMachine *machine = pgwf_machine_of(wf, event, "initiatedEventId",
										   &child_machine);
	PgwfMachineState due = PGWF_STATE_STARTED;

	if (machine == NULL)
		return;
	if (event->type == PGWF_EVENT_CHILD_STARTED ||
		event->type == PGWF_EVENT_START_CHILD_FAILED)
		due = PGWF_STATE_SCHEDULED;
	if (machine->state != due)
	{
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, event->id,
						 "event %lld is %s, which the child initiated by "
						 "event %lld (workflow id \"%s\", type \"%s\") can "
						 "not have come to in the workflow code",
						 (long long) event->id,
						 pgwf_event_infos[event->type].name,
						 (long long) machine->scheduled_event_id,
						 machine->id, machine->type);
		return;
	}
	switch (event->type)
	{
		case PGWF_EVENT_CHILD_STARTED:
			child_started(wf, machine->child, event);
			break;
		case PGWF_EVENT_START_CHILD_FAILED:
			start_failed(wf, machine->child, event);
			break;
		default:
			child_closed(wf, machine->child, event);
			break;
	}
}

/* ---- workflow code ---- */

static const char *const close_policies[] = {
	NULL,
	"PARENT_CLOSE_POLICY_TERMINATE",
	"PARENT_CLOSE_POLICY_ABANDON",
	"PARENT_CLOSE_POLICY_REQUEST_CANCEL"
};

static const char *const reuse_policies[] = {
	NULL,
	"WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE",
	"WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY",
	"WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE"
};

/* What the service is told; args and options are the caller's. */
static json_t *
start_attributes(const PgwfMachine *machine, json_t *args,
				 const PgwfChildOptions *o)
{
	json_t	   *a = json_object();

	pgwf_json_put_str(a, "workflowId", machine->id);
	pgwf_json_put(a, "workflowType",
				  json_pack("{s:s}", "name", machine->type));
	pgwf_json_put(a, "taskQueue", pgwf_task_queue_json(o->task_queue));
	pgwf_json_put(a, "input", pgwf_json_args(args));
	pgwf_json_put_ms(a, "workflowExecutionTimeout", o->execution_timeout_ms);
	pgwf_json_put_ms(a, "workflowRunTimeout", o->run_timeout_ms);
	pgwf_json_put_ms(a, "workflowTaskTimeout", o->task_timeout_ms);
	pgwf_json_put_str(a, "parentClosePolicy",
					  close_policies[o->parent_close_policy]);
	pgwf_json_put_str(a, "workflowIdReusePolicy",
					  reuse_policies[o->id_reuse_policy]);
	pgwf_json_put(a, "retryPolicy", pgwf_retry_policy_json(o->retry_policy));
	pgwf_json_put_str(a, "cronSchedule", o->cron_schedule);
	pgwf_json_put(a, "memo", pgwf_fields_json("fields", o->memo));
	pgwf_json_put(a, "searchAttributes",
				  pgwf_fields_json("indexedFields", o->search_attributes));
	pgwf_json_put(a, "header", pgwf_fields_json("fields", o->header));
	pgwf_json_put(a, "priority", pgwf_priority_json(&o->priority));
	return a;
}

PgwfChild *
pgwf_start_child(PgwfWorkflow *wf, const char *type, json_t *args,
				 const PgwfChildOptions *options)
{
	PgwfChildOptions o;
	PgwfMachine *machine;
	PgwfChild  *child;

	pgwf_require_coroutine(wf, "pgwf_start_child");
	pgwf_options_copy(&o, sizeof(o), options);
	pgwf_require_text(wf, "pgwf_start_child", "type", type);
	if ((unsigned) o.parent_close_policy >= 4 ||
		(unsigned) o.id_reuse_policy >= 4 || (unsigned) o.cancel_type >= 4)
		pgwf_panic(wf, "child \"%s\" has a policy that is none", type);

	machine = pgwf_arena_alloc(wf, sizeof(PgwfMachine));
	child = pgwf_arena_alloc(wf, sizeof(PgwfChild));
	child->machine = machine;
	child->cancel_type = o.cancel_type;
	child->started = pgwf_future_bare(wf, machine);
	machine->info = &child_machine;
	machine->child = child;
	machine->type = pgwf_arena_strdup(wf, type);
	machine->id = o.workflow_id != NULL && *o.workflow_id != '\0' ?
		pgwf_arena_strdup(wf, o.workflow_id) : pgwf_uuid(wf);
	machine->future = pgwf_future_create(wf, machine);
	if (pgwf_scope_canceled(wf, NULL))
	{
		machine->state = PGWF_STATE_CLOSED;
		give_up(wf, child, canceled_failure(wf, child, NULL, NULL));
		return child;
	}
	machine->command = pgwf_command_push(wf, PGWF_COMMAND_START_CHILD, machine,
										 start_attributes(machine, args, &o));
	machine->command->user_metadata = pgwf_user_metadata_json(o.summary,
															  o.details);
	return child;
}

PgwfFuture *
pgwf_child_started(PgwfChild *child)
{
	return child->started;
}

PgwfFuture *
pgwf_child_result(PgwfChild *child)
{
	return child->machine->future;
}

void
pgwf_cancel_child(PgwfWorkflow *wf, PgwfChild *child, const char *reason)
{
	pgwf_require_coroutine(wf, "pgwf_cancel_child");
	if (child->cancel_reason == NULL && reason != NULL)
		child->cancel_reason = pgwf_arena_strdup(wf, reason);
	child_cancel(wf, child->machine);
}

const char *
pgwf_child_workflow_id(const PgwfChild *child)
{
	return child->machine->id;
}

const char *
pgwf_child_run_id(const PgwfChild *child)
{
	return child->run_id;
}

bool
pgwf_execute_child(PgwfWorkflow *wf, const char *type, json_t *args,
				   const PgwfChildOptions *options, json_t **result,
				   PgwfFailure **failure)
{
	PgwfChild  *child = pgwf_start_child(wf, type, args, options);

	return pgwf_await(wf, pgwf_child_result(child), result, failure);
}
