/*
 * pgwf_external.c
 *		Other workflows: SignalExternalWorkflowExecution,
 *		RequestCancelExternalWorkflowExecution and what becomes of them.
 *
 * Signals to and cancellations of children are the same, aimed at the child
 * only, whichever of its runs is current.  A signal for a child that has not
 * started yet waits in the child's list.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static void external_cancel(PgwfWorkflow *wf, PgwfMachine *machine);

static const PgwfMachineInfo signal_machine = {
	"signal to another workflow", external_cancel
};
static const PgwfMachineInfo cancel_machine = {
	"cancellation of another workflow", external_cancel
};

/* ---- outcomes ---- */

/*
 * A reason of the service, such as "<prefix>NAMESPACE_NOT_FOUND", as an
 * application failure in JSON form with the type "NamespaceNotFound": a new
 * reference.
 */
json_t *
pgwf_failed_cause_json(const char *prefix, const char *cause,
					   const char *message)
{
	char	   *type = pgwf_xstrdup(pgwf_short_enum(cause != NULL ? cause : "",
													prefix));
	char	   *to = type;
	char	   *from;
	bool		capital = true;
	json_t	   *json = json_object();
	json_t	   *info = json_object();
	char	   *text;

	for (from = type; *from != '\0'; from++)
	{
		if (*from == '_')
		{
			capital = true;
			continue;
		}
		*to++ = (char) (capital ? toupper((unsigned char) *from) :
						tolower((unsigned char) *from));
		capital = false;
	}
	*to = '\0';
	text = pgwf_xprintf("%s: %s", message, *type ? type : "no reason given");
	pgwf_json_put_str(json, "message", text);
	pgwf_json_put_str(json, "source", PGWF_SDK_NAME);
	pgwf_json_put_str(info, "type", type);
	pgwf_json_put(json, "applicationFailureInfo", info);
	free(text);
	free(type);
	return json;
}

static PgwfFailure *
canceled_failure(PgwfWorkflow *wf, const PgwfMachine *machine)
{
	const char *message = "cancellation of another workflow canceled";

	if (machine->info == &signal_machine)
		message = "signal to another workflow canceled";
	return pgwf_arena_failure(wf, pgwf_failure_canceled_json(message, NULL));
}

/* ---- machines ---- */

/* Takes back what was not sent yet; nothing can stop the rest. */
static void
external_cancel(PgwfWorkflow *wf, PgwfMachine *machine)
{
	if (machine->state != PGWF_STATE_CREATED)
		return;
	if (machine->command != NULL)
	{
		if (!pgwf_command_unsent(wf, machine->command))
			return;
		machine->command->dropped = true;
	}
	machine->state = PGWF_STATE_CLOSED;
	pgwf_future_fail(wf, machine->future, canceled_failure(wf, machine));
}

/*
 * SignalExternalWorkflowExecutionInitiated,
 * RequestCancelExternalWorkflowExecutionInitiated
 */
void
pgwf_external_recorded(PgwfWorkflow *wf, PgwfCommand *command,
					   const PgwfEvent *event)
{
	PgwfMachine *machine = command->machine;

	machine->scheduled_event_id = event->id;
	machine->state = PGWF_STATE_SCHEDULED;
	pgwf_idmap_put(&wf->machines, event->id, machine);
}

/* How a signal or a cancellation went. */
void
pgwf_apply_external(PgwfWorkflow *wf, const PgwfEvent *event)
{
	bool		signal = event->type == PGWF_EVENT_EXTERNAL_SIGNALED ||
	event->type == PGWF_EVENT_SIGNAL_EXTERNAL_FAILED;
	PgwfMachine *machine = pgwf_machine_of(wf, event, "initiatedEventId",
										   signal ? &signal_machine :
										   &cancel_machine);
	const char *cause = pgwf_node_str(event->attributes, "cause");
	json_t	   *failure;

	if (machine == NULL)
		return;
	if (machine->state != PGWF_STATE_SCHEDULED)
	{
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, event->id,
						 "event %lld is %s of event %lld, which had its "
						 "outcome before", (long long) event->id,
						 pgwf_event_infos[event->type].name,
						 (long long) machine->scheduled_event_id);
		return;
	}
	machine->state = PGWF_STATE_CLOSED;
	switch (event->type)
	{
		case PGWF_EVENT_SIGNAL_EXTERNAL_FAILED:
			failure = pgwf_failed_cause_json("SIGNAL_EXTERNAL_WORKFLOW_"
											 "EXECUTION_FAILED_CAUSE_", cause,
											 "could not signal workflow");
			break;
		case PGWF_EVENT_CANCEL_EXTERNAL_FAILED:
			failure = pgwf_failed_cause_json("CANCEL_EXTERNAL_WORKFLOW_"
											 "EXECUTION_FAILED_CAUSE_", cause,
											 "could not cancel workflow");
			break;
		default:
			if (machine->future != NULL)
				pgwf_future_succeed(wf, machine->future, json_null());
			else
				pgwf_child_cancel_arrived(wf, machine->child);
			return;
	}

	/* a child that could not be canceled has closed: its end is on the way */
	if (machine->future != NULL)
		pgwf_future_fail(wf, machine->future, pgwf_arena_failure(wf, failure));
	else
		json_decref(failure);
}

/* A machine of workflow code's, canceled from the start if its scope is. */
static PgwfMachine *
create(PgwfWorkflow *wf, const PgwfMachineInfo *info, const char *workflow_id)
{
	PgwfMachine *machine = pgwf_arena_alloc(wf, sizeof(PgwfMachine));

	machine->info = info;
	machine->id = pgwf_arena_strdup(wf, workflow_id);
	machine->future = pgwf_future_create(wf, machine);
	if (pgwf_scope_canceled(wf, NULL))
	{
		machine->state = PGWF_STATE_CLOSED;
		pgwf_future_fail(wf, machine->future, canceled_failure(wf, machine));
	}
	return machine;
}

/* ---- children ---- */

static json_t *
cancel_attributes(const char *workflow_id, const char *run_id,
				  const char *reason, bool child_only)
{
	json_t	   *a = json_object();

	pgwf_json_put_str(a, "workflowId", workflow_id);
	pgwf_json_put_str(a, "runId", run_id);
	if (child_only)
		pgwf_json_put(a, "childWorkflowOnly", json_true());
	pgwf_json_put_str(a, "reason", reason);
	return a;
}

/* Asks a child that was started to cancel itself. */
void
pgwf_external_cancel_child(PgwfWorkflow *wf, PgwfChild *child)
{
	PgwfMachine *machine = pgwf_arena_alloc(wf, sizeof(PgwfMachine));

	machine->info = &cancel_machine;
	machine->child = child;
	machine->command =
		pgwf_command_push(wf, PGWF_COMMAND_CANCEL_EXTERNAL, machine,
						  cancel_attributes(child->machine->id, NULL,
											child->cancel_reason, true));
}

/* Sends the signals that waited for a child, in their order. */
void
pgwf_external_child_started(PgwfWorkflow *wf, PgwfChild *child)
{
	PgwfMachine *machine;

	for (machine = child->signals; machine; machine = machine->next)
	{
		if (machine->state != PGWF_STATE_CREATED)
			continue;
		machine->command = pgwf_command_push(wf, PGWF_COMMAND_SIGNAL_EXTERNAL,
											 machine,
											 json_incref(machine->attributes));
	}
	child->signals = NULL;
}

/* There will be no child that signals could reach. */
void
pgwf_external_child_lost(PgwfWorkflow *wf, PgwfChild *child,
						 PgwfFailure *failure)
{
	PgwfMachine *machine;

	for (machine = child->signals; machine; machine = machine->next)
	{
		if (machine->state != PGWF_STATE_CREATED)
			continue;
		machine->state = PGWF_STATE_CLOSED;
		pgwf_future_fail(wf, machine->future, failure);
	}
	child->signals = NULL;
}

/* ---- workflow code ---- */

static json_t *
signal_attributes(const char *workflow_id, bool child_only, const char *name,
				  json_t *args, const PgwfSignalExternalOptions *o)
{
	json_t	   *a = json_object();
	json_t	   *execution = json_object();

	pgwf_json_put_str(execution, "workflowId", workflow_id);
	if (!child_only)
		pgwf_json_put_str(execution, "runId", o->run_id);
	pgwf_json_put(a, "execution", execution);
	pgwf_json_put_str(a, "signalName", name);
	pgwf_json_put(a, "input", pgwf_json_args(args));
	if (child_only)
		pgwf_json_put(a, "childWorkflowOnly", json_true());
	pgwf_json_put(a, "header", pgwf_fields_json("fields", o->header));
	return a;
}

PgwfFuture *
pgwf_signal_external(PgwfWorkflow *wf, const char *workflow_id,
					 const char *signal_name, json_t *args,
					 const PgwfSignalExternalOptions *options)
{
	PgwfSignalExternalOptions o;
	PgwfMachine *machine;

	pgwf_require_coroutine(wf, "pgwf_signal_external");
	pgwf_options_copy(&o, sizeof(o), options);
	if (workflow_id == NULL || *workflow_id == '\0')
		pgwf_panic(wf, "pgwf_signal_external was called without a workflow "
				   "id");
	if (signal_name == NULL || *signal_name == '\0')
		pgwf_panic(wf, "pgwf_signal_external was called without a name");
	machine = create(wf, &signal_machine, workflow_id);
	if (machine->state == PGWF_STATE_CREATED)
		machine->command =
			pgwf_command_push(wf, PGWF_COMMAND_SIGNAL_EXTERNAL, machine,
							  signal_attributes(workflow_id, false,
												signal_name, args, &o));
	return machine->future;
}

PgwfFuture *
pgwf_signal_child(PgwfWorkflow *wf, PgwfChild *child, const char *signal_name,
				  json_t *args, const PgwfSignalExternalOptions *options)
{
	PgwfSignalExternalOptions o;
	PgwfMachine *machine;
	PgwfMachine **link = &child->signals;
	json_t	   *attributes;

	pgwf_require_coroutine(wf, "pgwf_signal_child");
	pgwf_options_copy(&o, sizeof(o), options);
	if (signal_name == NULL || *signal_name == '\0')
		pgwf_panic(wf, "pgwf_signal_child was called without a name");
	machine = create(wf, &signal_machine, child->machine->id);
	machine->child = child;
	if (machine->state != PGWF_STATE_CREATED)
		return machine->future;
	if (child->run_id == NULL && child->machine->state == PGWF_STATE_CLOSED)
	{
		machine->state = PGWF_STATE_CLOSED;
		pgwf_future_fail(wf, machine->future, child->started->failure);
		return machine->future;
	}
	attributes = signal_attributes(child->machine->id, true, signal_name,
								   args, &o);
	if (child->run_id != NULL)
	{
		machine->command = pgwf_command_push(wf, PGWF_COMMAND_SIGNAL_EXTERNAL,
											 machine, attributes);
		return machine->future;
	}
	machine->attributes = pgwf_arena_json(wf, attributes);
	while (*link != NULL)
		link = &(*link)->next;
	*link = machine;
	return machine->future;
}

PgwfFuture *
pgwf_cancel_external(PgwfWorkflow *wf, const char *workflow_id,
					 const char *run_id, const char *reason)
{
	PgwfMachine *machine;

	pgwf_require_coroutine(wf, "pgwf_cancel_external");
	if (workflow_id == NULL || *workflow_id == '\0')
		pgwf_panic(wf, "pgwf_cancel_external was called without a workflow "
				   "id");
	machine = create(wf, &cancel_machine, workflow_id);
	if (machine->state == PGWF_STATE_CREATED)
		machine->command =
			pgwf_command_push(wf, PGWF_COMMAND_CANCEL_EXTERNAL, machine,
							  cancel_attributes(workflow_id, run_id, reason,
												false));
	return machine->future;
}
