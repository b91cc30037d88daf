/*-------------------------------------------------------------------------
 *
 * pgwf_command_close.c
 *		The commands that close the run they come from.
 *
 * That nothing is buffered has been checked by the dispatcher.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_command.h"
#include "pgwf_continue.h"

#define BAD_COMPLETE \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_COMPLETE_WORKFLOW_EXECUTION_ATTRIBUTES"
#define BAD_FAIL \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES"
#define BAD_CANCEL \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_WORKFLOW_EXECUTION_ATTRIBUTES"

/* result: payloads */
void
pgwf_command_complete_execution(PgwfCommandContext *context,
								PgwfReader *reader)
{
	Jsonb	   *result = pgwf_read_payloads(reader, "result");
	PgwfObject	attributes;

	if (!pgwf_command_check_size(context, BAD_COMPLETE,
								 "CompleteWorkflowExecutionCommandAttributes.Result",
								 result))
		return;
	(void) pgwf_run_continue(context->run, NULL, result);
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "result", result);
	pgwf_run_successor_attribute(context->run, &attributes);
	(void) pgwf_command_event(context, PGWF_EVENT_WORKFLOW_EXECUTION_COMPLETED,
							  &attributes);
	pgwf_run_close(context->run, PGWF_STATUS_COMPLETED);
}

/* failure: a failure, required */
void
pgwf_command_fail_execution(PgwfCommandContext *context, PgwfReader *reader)
{
	Jsonb	   *failure = pgwf_read_object(reader, "failure");
	PgwfObject	attributes;

	if (!pgwf_command_check_read(context, BAD_FAIL, reader))
		return;
	if (failure == NULL)
	{
		pgwf_command_fail(context, BAD_FAIL, "failure is not set");
		return;
	}
	if (!pgwf_command_check_size(context, BAD_FAIL,
								 "FailWorkflowExecutionCommandAttributes.Failure",
								 failure))
		return;
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "failure", failure);
	pgwf_object_text(&attributes, "retryState",
					 pgwf_run_continue(context->run, failure, NULL));
	pgwf_run_successor_attribute(context->run, &attributes);
	(void) pgwf_command_event(context, PGWF_EVENT_WORKFLOW_EXECUTION_FAILED,
							  &attributes);
	pgwf_run_close(context->run, PGWF_STATUS_FAILED);
}

/* details: payloads */
void
pgwf_command_cancel_execution(PgwfCommandContext *context, PgwfReader *reader)
{
	Jsonb	   *details = pgwf_read_payloads(reader, "details");
	PgwfObject	attributes;

	if (!pgwf_command_check_size(context, BAD_CANCEL,
								 "CancelWorkflowExecutionCommandAttributes.Details",
								 details))
		return;
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "details", details);
	(void) pgwf_command_event(context, PGWF_EVENT_WORKFLOW_EXECUTION_CANCELED,
							  &attributes);
	pgwf_run_close(context->run, PGWF_STATUS_CANCELED);
}
