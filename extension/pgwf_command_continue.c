/*-------------------------------------------------------------------------
 *
 * pgwf_command_continue.c
 *		ContinueAsNewWorkflowExecution (SS 3.6).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_args.h"
#include "pgwf_command.h"
#include "pgwf_continue.h"
#include "pgwf_cron.h"
#include "pgwf_guc.h"
#include "pgwf_retry_policy.h"
#include "pgwf_versioning.h"

#define BAD_CONTINUE \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES"

static const char *const initiators[] = {
	"CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
	"CONTINUE_AS_NEW_INITIATOR_RETRY",
	"CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE"
};

static const char *const versioning_behaviors[] = {
	"CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_UNSPECIFIED",
	"CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_AUTO_UPGRADE",
	"CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_USE_RAMPING_VERSION"
};

static const char *
read_initiator(PgwfCommandContext *context, PgwfReader *reader)
{
	char	   *text = pgwf_read_text(reader, "initiator");

	if (text == NULL ||
		strcmp(text, "CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED") == 0)
		return initiators[0];
	for (int i = 0; i < lengthof(initiators); i++)
	{
		if (strcmp(text, initiators[i]) == 0)
			return initiators[i];
	}
	pgwf_command_fail(context, BAD_CONTINUE, "unknown initiator \"%s\"",
					  text);
	return NULL;
}

/* CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_*, or NULL */
static const char *
read_versioning_behavior(PgwfCommandContext *context, PgwfReader *reader)
{
	char	   *text = pgwf_read_text(reader, "initialVersioningBehavior");

	if (text == NULL || strcmp(text, versioning_behaviors[0]) == 0)
		return NULL;
	for (int i = 1; i < lengthof(versioning_behaviors); i++)
	{
		if (strcmp(text, versioning_behaviors[i]) == 0)
			return versioning_behaviors[i];
	}
	pgwf_command_fail(context, BAD_CONTINUE,
					  "unknown initialVersioningBehavior \"%s\"", text);
	return NULL;
}

static bool
check_policies(PgwfCommandContext *context, PgwfNewRun *next)
{
	PgwfRetryPolicy policy;
	char	   *error;

	if (next->retry_policy)
	{
		error = pgwf_retry_policy_read(&policy, next->retry_policy);
		if (error)
			pgwf_command_fail(context, BAD_CONTINUE, "%s", error);
		else
			next->retry_policy = pgwf_retry_policy_jsonb(&policy);
	}
	if (next->cron_schedule && next->cron_schedule[0] == '\0')
		next->cron_schedule = NULL;
	if (!pgwf_command_failed(context) && next->cron_schedule &&
		pgwf_cron_parse(next->cron_schedule, false, &error) == NULL)
		pgwf_command_fail(context, BAD_CONTINUE,
						  "invalid cron schedule \"%s\": %s",
						  next->cron_schedule, error);
	return !pgwf_command_failed(context);
}

/* What the new run is to be: the command's own, and what the chain carries */
static PgwfNewRun *
read_successor(PgwfCommandContext *context, PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	PgwfNewRun *next;
	char	   *workflow_type = pgwf_read_name(reader, "workflowType");
	char	   *task_queue = pgwf_read_name(reader, "taskQueue");
	int64		run_timeout = pgwf_read_duration(reader,
												 "workflowRunTimeout");
	int64		task_timeout = pgwf_read_duration(reader,
												  "workflowTaskTimeout");
	int64		backoff = pgwf_read_duration(reader, "backoffStartInterval");

	next = pgwf_successor_init(run);
	next->identity = context->identity;
	next->input = pgwf_read_payloads(reader, "input");
	next->memo = pgwf_read_object(reader, "memo");
	next->search_attributes = pgwf_read_object(reader, "searchAttributes");
	next->header = pgwf_read_object(reader, "header");
	next->retry_policy = pgwf_read_object(reader, "retryPolicy");
	next->cron_schedule = pgwf_read_text(reader, "cronSchedule");
	next->continued_failure = pgwf_read_object(reader, "failure");
	next->last_completion_result = pgwf_read_payloads(reader,
													  "lastCompletionResult");
	next->initiator = read_initiator(context, reader);
	if (pgwf_command_failed(context))
		return NULL;
	next->initial_versioning_behavior =
		read_versioning_behavior(context, reader);
	if (pgwf_command_failed(context) ||
		!pgwf_command_check_read(context, BAD_CONTINUE, reader) ||
		!pgwf_command_check_id(context, BAD_CONTINUE, "workflowType",
							   workflow_type, false) ||
		!pgwf_command_check_task_queue(context, BAD_CONTINUE, task_queue))
		return NULL;
	if (run_timeout < 0 || task_timeout < 0 || backoff < 0)
	{
		pgwf_command_fail(context, BAD_CONTINUE, "a duration is negative");
		return NULL;
	}
	if (!check_policies(context, next) ||
		!pgwf_command_check_search_attributes(context,
											  next->search_attributes))
		return NULL;

	if (workflow_type && workflow_type[0] != '\0')
		next->workflow_type = workflow_type;
	if (task_queue && task_queue[0] != '\0')
		next->task_queue = task_queue;
	if (run_timeout != PGWF_NO_DURATION)
		next->run_timeout = run_timeout;
	next->run_timeout = pgwf_shorter_timeout(next->run_timeout,
											 next->execution_timeout);
	if (task_timeout != PGWF_NO_DURATION)
		next->task_timeout =
			pgwf_shorter_timeout(task_timeout,
								 (int64) pgwf_max_workflow_task_timeout * 1000);
	next->task_timeout = pgwf_shorter_timeout(next->task_timeout,
											  next->run_timeout);
	next->first_task_backoff = pgwf_successor_backoff(run, backoff);
	pgwf_successor_inherit(run, next, true);
	return next;
}

/*
 * workflowType, taskQueue, workflowRunTimeout, workflowTaskTimeout: default
 * those of this run; input, lastCompletionResult: payloads;
 * backoffStartInterval: duration; retryPolicy, cronSchedule, memo,
 * searchAttributes, header: as given, not inherited; initiator; failure;
 * initialVersioningBehavior
 */
void
pgwf_command_continue_as_new(PgwfCommandContext *context, PgwfReader *reader)
{
	PgwfNewRun *next = read_successor(context, reader);
	PgwfObject	attributes;

	if (next == NULL ||
		!pgwf_command_check_size(context, BAD_CONTINUE,
								 "ContinueAsNewWorkflowExecutionCommandAttributes.Input",
								 next->input) ||
		!pgwf_command_check_memo(context, BAD_CONTINUE,
								 "ContinueAsNewWorkflowExecutionCommandAttributes.Memo",
								 next->memo))
		return;

	context->run->successor = next;
	pgwf_object_begin(&attributes);
	pgwf_run_successor_attribute(context->run, &attributes);
	pgwf_object_name(&attributes, "workflowType", next->workflow_type);
	pgwf_object_open(&attributes, "taskQueue");
	pgwf_object_text(&attributes, "name", next->task_queue);
	pgwf_object_text(&attributes, "kind", "TASK_QUEUE_KIND_NORMAL");
	pgwf_object_close(&attributes);
	pgwf_object_jsonb(&attributes, "input", next->input);
	pgwf_object_duration(&attributes, "workflowRunTimeout",
						 next->run_timeout);
	pgwf_object_duration(&attributes, "workflowTaskTimeout",
						 next->task_timeout);
	pgwf_object_duration(&attributes, "backoffStartInterval",
						 next->first_task_backoff);
	pgwf_object_text(&attributes, "initiator", next->initiator);
	pgwf_object_jsonb(&attributes, "failure", next->continued_failure);
	pgwf_object_jsonb(&attributes, "lastCompletionResult",
					  next->last_completion_result);
	pgwf_object_jsonb(&attributes, "header", next->header);
	pgwf_object_jsonb(&attributes, "memo", next->memo);
	pgwf_object_jsonb(&attributes, "searchAttributes",
					  next->search_attributes);
	pgwf_object_text(&attributes, "initialVersioningBehavior",
					 next->initial_versioning_behavior);
	(void) pgwf_command_event(context,
							  PGWF_EVENT_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
							  &attributes);
	pgwf_run_close(context->run, PGWF_STATUS_CONTINUED_AS_NEW);
}
