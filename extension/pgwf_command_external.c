/*-------------------------------------------------------------------------
 *
 * pgwf_command_external.c
 *		SignalExternalWorkflowExecution and
 *		RequestCancelExternalWorkflowExecution (SS 7).
 *
 * The commands record what is wanted; it is done by the delivery of a
 * message (pgwf_outbox.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_args.h"
#include "pgwf_command.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"

#define BAD_SIGNAL \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES"
#define TOO_MANY_SIGNALS \
	"WORKFLOW_TASK_FAILED_CAUSE_PENDING_SIGNALS_LIMIT_EXCEEDED"
#define BAD_CANCEL \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES"
#define TOO_MANY_CANCELS \
	"WORKFLOW_TASK_FAILED_CAUSE_PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED"

static bool
check_target(PgwfCommandContext *context, const char *cause,
			 const char *workflow_id, const char *run_id)
{
	if (!pgwf_command_check_id(context, cause, "workflowId", workflow_id,
							   true))
		return false;
	if (run_id && run_id[0] != '\0' && !pgwf_is_uuid(run_id))
		pgwf_command_fail(context, cause, "runId is not a UUID");
	return !pgwf_command_failed(context);
}

static void
target_attributes(PgwfObject *attributes, PgwfRun *run,
				  const char *workflow_id, const char *run_id)
{
	pgwf_object_text(attributes, "namespace",
					 pgwf_namespace_name(run->state.namespace_id));
	pgwf_object_text(attributes, "namespaceId",
					 psprintf("%d", run->state.namespace_id));
	pgwf_object_open(attributes, "workflowExecution");
	pgwf_object_text(attributes, "workflowId", workflow_id);
	pgwf_object_text(attributes, "runId", run_id);
	pgwf_object_close(attributes);
}

/*
 * execution: {"workflowId", "runId"}, the latter may be empty; signalName:
 * text; input: payloads; header: object; childWorkflowOnly: boolean
 */
void
pgwf_command_signal_external(PgwfCommandContext *context, PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	PgwfReader	target;
	char	   *workflow_id;
	char	   *run_id;
	char	   *signal_name = pgwf_read_text(reader, "signalName");
	Jsonb	   *input = pgwf_read_payloads(reader, "input");
	Jsonb	   *header = pgwf_read_object(reader, "header");
	bool		child_only = pgwf_read_bool(reader, "childWorkflowOnly");
	PgwfObject	attributes;
	PgwfEvent  *event;

	pgwf_reader_init(&target, pgwf_read_object(reader, "execution"));
	workflow_id = pgwf_read_text(&target, "workflowId");
	run_id = pgwf_read_text(&target, "runId");
	if (!pgwf_command_check_read(context, BAD_SIGNAL, reader) ||
		!pgwf_command_check_read(context, BAD_SIGNAL, &target) ||
		!pgwf_command_check_namespace(context, BAD_SIGNAL, reader) ||
		!check_target(context, BAD_SIGNAL, workflow_id, run_id) ||
		!pgwf_command_check_id(context, BAD_SIGNAL, "signalName",
							   signal_name, true) ||
		!pgwf_command_check_size(context, BAD_SIGNAL,
								 "SignalExternalWorkflowExecutionCommandAttributes.Input",
								 input))
		return;
	if (pgwf_max_pending_signals > 0 &&
		run->state.pending_signals >= pgwf_max_pending_signals)
	{
		pgwf_command_fail(context, TOO_MANY_SIGNALS,
						  "the workflow has %d pending signals already, the limit is %d",
						  run->state.pending_signals,
						  pgwf_max_pending_signals);
		return;
	}

	pgwf_object_begin(&attributes);
	target_attributes(&attributes, run, workflow_id, run_id);
	pgwf_object_text(&attributes, "signalName", signal_name);
	pgwf_object_jsonb(&attributes, "input", input);
	pgwf_object_bool(&attributes, "childWorkflowOnly", child_only);
	pgwf_object_jsonb(&attributes, "header", header);
	event = pgwf_command_event(context, PGWF_EVENT_SIGNAL_EXTERNAL_INITIATED,
							   &attributes);
	run->state.pending_signals++;
	pgwf_run_send(run, PGWF_MESSAGE_SIGNAL, event->event_id);
}

/* Does this completion start a child of that id? */
static bool
starts_child(PgwfRun *run, const char *workflow_id)
{
	ListCell   *lc;

	foreach(lc, run->children)
	{
		PgwfChild  *child = lfirst(lc);

		if (child->change == PGWF_ROW_INSERT &&
			strcmp(child->workflow_id, workflow_id) == 0)
			return true;
	}
	return false;
}

/*
 * workflowId: text; runId: text, may be empty; childWorkflowOnly: boolean;
 * reason: text
 */
void
pgwf_command_cancel_external(PgwfCommandContext *context, PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	char	   *workflow_id = pgwf_read_text(reader, "workflowId");
	char	   *run_id = pgwf_read_text(reader, "runId");
	bool		child_only = pgwf_read_bool(reader, "childWorkflowOnly");
	char	   *reason = pgwf_read_text(reader, "reason");
	PgwfObject	attributes;
	PgwfEvent  *event;

	if (!pgwf_command_check_read(context, BAD_CANCEL, reader) ||
		!pgwf_command_check_namespace(context, BAD_CANCEL, reader) ||
		!check_target(context, BAD_CANCEL, workflow_id, run_id) ||
		!pgwf_command_check_id(context, BAD_CANCEL, "reason", reason, false))
		return;
	if (starts_child(run, workflow_id))
	{
		pgwf_command_fail(context, BAD_CANCEL,
						  "child \"%s\" is started in the same completion",
						  workflow_id);
		return;
	}
	if (pgwf_max_pending_cancels > 0 &&
		run->state.pending_cancels >= pgwf_max_pending_cancels)
	{
		pgwf_command_fail(context, TOO_MANY_CANCELS,
						  "the workflow has %d pending cancel requests already, the limit is %d",
						  run->state.pending_cancels,
						  pgwf_max_pending_cancels);
		return;
	}

	pgwf_object_begin(&attributes);
	target_attributes(&attributes, run, workflow_id, run_id);
	pgwf_object_bool(&attributes, "childWorkflowOnly", child_only);
	pgwf_object_text(&attributes, "reason", reason);
	event = pgwf_command_event(context,
							   PGWF_EVENT_REQUEST_CANCEL_EXTERNAL_INITIATED,
							   &attributes);
	run->state.pending_cancels++;
	pgwf_run_send(run, PGWF_MESSAGE_CANCEL, event->event_id);
}
