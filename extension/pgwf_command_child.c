/*-------------------------------------------------------------------------
 *
 * pgwf_command_child.c
 *		StartChildWorkflowExecution (SS 6).
 *
 * The command records what is wanted; the child itself is started by the
 * delivery of a message (pgwf_outbox.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_command.h"
#include "pgwf_continue.h"
#include "pgwf_cron.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_new_run.h"
#include "pgwf_retry_policy.h"
#include "pgwf_versioning.h"

#define BAD_CHILD \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES"
#define TOO_MANY \
	"WORKFLOW_TASK_FAILED_CAUSE_PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED"

#define POLICY_PREFIX "PARENT_CLOSE_POLICY_"
#define REUSE_PREFIX "WORKFLOW_ID_REUSE_POLICY_"

static const char *const close_policies[] = {
	[PGWF_PARENT_CLOSE_TERMINATE] = POLICY_PREFIX "TERMINATE",
	[PGWF_PARENT_CLOSE_ABANDON] = POLICY_PREFIX "ABANDON",
	[PGWF_PARENT_CLOSE_REQUEST_CANCEL] = POLICY_PREFIX "REQUEST_CANCEL"
};

static const char *const reuse_policies[] = {
	REUSE_PREFIX "ALLOW_DUPLICATE",
	REUSE_PREFIX "ALLOW_DUPLICATE_FAILED_ONLY",
	REUSE_PREFIX "REJECT_DUPLICATE"
};

/* The position of a constant in a list that may leave out its prefix, or -1 */
static int
find_constant(const char *text, const char *prefix,
			  const char *const *constants, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (constants[i] != NULL &&
			(strcmp(text, constants[i]) == 0 ||
			 strcmp(text, constants[i] + strlen(prefix)) == 0))
			return i;
	}
	return -1;
}

static PgwfParentClosePolicy
read_close_policy(PgwfCommandContext *context, PgwfReader *reader)
{
	char	   *text = pgwf_read_text(reader, "parentClosePolicy");
	int			policy;

	if (text == NULL || strcmp(text, POLICY_PREFIX "UNSPECIFIED") == 0)
		return PGWF_PARENT_CLOSE_TERMINATE;
	policy = find_constant(text, POLICY_PREFIX, close_policies,
						   lengthof(close_policies));
	if (policy < 0)
		pgwf_command_fail(context, BAD_CHILD,
						  "unknown parentClosePolicy \"%s\"", text);
	return (PgwfParentClosePolicy) policy;
}

static const char *
read_reuse_policy(PgwfCommandContext *context, PgwfReader *reader)
{
	char	   *text = pgwf_read_text(reader, "workflowIdReusePolicy");
	int			policy;

	if (text == NULL || strcmp(text, REUSE_PREFIX "UNSPECIFIED") == 0)
		return reuse_policies[0];
	policy = find_constant(text, REUSE_PREFIX, reuse_policies,
						   lengthof(reuse_policies));
	if (policy < 0)
	{
		pgwf_command_fail(context, BAD_CHILD,
						  "unknown workflowIdReusePolicy \"%s\"", text);
		return NULL;
	}
	return reuse_policies[policy];
}

/* Retry policy with its defaults, and cron schedule, checked */
static void
check_policies(PgwfCommandContext *context, PgwfNewRun *child)
{
	PgwfRetryPolicy policy;
	char	   *error;

	if (child->retry_policy)
	{
		error = pgwf_retry_policy_read(&policy, child->retry_policy);
		if (error)
			pgwf_command_fail(context, BAD_CHILD, "%s", error);
		else
			child->retry_policy = pgwf_retry_policy_jsonb(&policy);
	}
	if (child->cron_schedule && child->cron_schedule[0] == '\0')
		child->cron_schedule = NULL;
	if (!pgwf_command_failed(context) && child->cron_schedule &&
		pgwf_cron_parse(child->cron_schedule, false, &error) == NULL)
		pgwf_command_fail(context, BAD_CHILD,
						  "invalid cron schedule \"%s\": %s",
						  child->cron_schedule, error);
}

static void
check_versioning_override(PgwfCommandContext *context, PgwfNewRun *child)
{
	char	   *error;

	if (pgwf_command_failed(context))
		return;
	error = pgwf_override_normalize(context->run->state.namespace_id,
									&child->versioning_override);
	if (error)
		pgwf_command_fail(context, BAD_CHILD,
						  "invalid versioningOverride: %s", error);
}

static void
read_timeouts(PgwfCommandContext *context, PgwfReader *reader,
			  PgwfNewRun *child)
{
	child->execution_timeout =
		pgwf_read_duration(reader, "workflowExecutionTimeout");
	child->run_timeout = pgwf_read_duration(reader, "workflowRunTimeout");
	child->task_timeout = pgwf_read_duration(reader, "workflowTaskTimeout");
	if (child->execution_timeout < 0 || child->run_timeout < 0 ||
		child->task_timeout < 0)
	{
		pgwf_command_fail(context, BAD_CHILD, "a timeout is negative");
		return;
	}
	child->run_timeout = pgwf_shorter_timeout(child->run_timeout,
											  child->execution_timeout);
	if (child->task_timeout == PGWF_NO_DURATION)
		child->task_timeout =
			(int64) pgwf_default_workflow_task_timeout * 1000;
	child->task_timeout =
		pgwf_shorter_timeout(child->task_timeout,
							 (int64) pgwf_max_workflow_task_timeout * 1000);
	child->task_timeout = pgwf_shorter_timeout(child->task_timeout,
											   child->run_timeout);
}

static bool
read_child(PgwfCommandContext *context, PgwfReader *reader,
		   PgwfNewRun *child)
{
	PgwfRun    *run = context->run;

	memset(child, 0, sizeof(PgwfNewRun));
	child->workflow_id = pgwf_read_text(reader, "workflowId");
	child->workflow_type = pgwf_read_name(reader, "workflowType");
	child->task_queue = pgwf_read_name(reader, "taskQueue");
	child->input = pgwf_read_payloads(reader, "input");
	child->memo = pgwf_read_object(reader, "memo");
	child->search_attributes = pgwf_read_object(reader, "searchAttributes");
	child->header = pgwf_read_object(reader, "header");
	child->retry_policy = pgwf_read_object(reader, "retryPolicy");
	child->cron_schedule = pgwf_read_text(reader, "cronSchedule");
	child->versioning_override = pgwf_read_object(reader,
												  "versioningOverride");
	child->priority = pgwf_command_read_priority(context, BAD_CHILD, reader);
	read_timeouts(context, reader, child);
	if (pgwf_command_failed(context) ||
		!pgwf_command_check_read(context, BAD_CHILD, reader) ||
		!pgwf_command_check_namespace(context, BAD_CHILD, reader) ||
		!pgwf_command_check_id(context, BAD_CHILD, "workflowId",
							   child->workflow_id, true) ||
		!pgwf_command_check_id(context, BAD_CHILD, "workflowType",
							   child->workflow_type, true) ||
		!pgwf_command_check_task_queue(context, BAD_CHILD, child->task_queue))
		return false;
	if (child->task_queue == NULL || child->task_queue[0] == '\0')
		child->task_queue = pgwf_run_execution(run)->task_queue;
	check_policies(context, child);
	check_versioning_override(context, child);
	return !pgwf_command_failed(context) &&
		pgwf_command_check_search_attributes(context,
											 child->search_attributes) &&
		pgwf_command_check_size(context, BAD_CHILD,
								"StartChildWorkflowExecutionCommandAttributes.Input",
								child->input) &&
		pgwf_command_check_memo(context, BAD_CHILD,
								"StartChildWorkflowExecutionCommandAttributes.Memo",
								child->memo);
}

static void
add_child(PgwfRun *run, const PgwfNewRun *options,
		  PgwfParentClosePolicy policy, int64 initiated_event_id)
{
	PgwfChild  *child = palloc0(sizeof(PgwfChild));

	child->change = PGWF_ROW_INSERT;
	child->namespace_id = run->state.namespace_id;
	child->parent_close_policy = policy;
	child->run_key = run->state.run_key;
	child->initiated_event_id = initiated_event_id;
	child->workflow_id = unconstify(char *, options->workflow_id);
	child->workflow_type = unconstify(char *, options->workflow_type);
	run->children = lappend(run->children, child);
	run->state.pending_children++;
	pgwf_run_send(run, PGWF_MESSAGE_START_CHILD, initiated_event_id);
}

/*
 * workflowId: text; workflowType: {"name"}; taskQueue: {"name"}, default the
 * parent's; input: payloads; the three timeouts: durations;
 * parentClosePolicy, workflowIdReusePolicy: constants; retryPolicy;
 * cronSchedule: text; memo, searchAttributes, header: objects; priority;
 * versioningOverride
 */
void
pgwf_command_start_child(PgwfCommandContext *context, PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	PgwfNewRun	child;
	PgwfParentClosePolicy close_policy = read_close_policy(context, reader);
	const char *reuse_policy;
	PgwfObject	attributes;
	PgwfEvent  *event;

	if (pgwf_command_failed(context))
		return;
	reuse_policy = read_reuse_policy(context, reader);
	if (pgwf_command_failed(context) || !read_child(context, reader, &child))
		return;
	if (pgwf_max_pending_children > 0 &&
		run->state.pending_children >= pgwf_max_pending_children)
	{
		pgwf_command_fail(context, TOO_MANY,
						  "the workflow has %d pending children already, the limit is %d",
						  run->state.pending_children,
						  pgwf_max_pending_children);
		return;
	}

	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "namespace",
					 pgwf_namespace_name(run->state.namespace_id));
	pgwf_object_text(&attributes, "namespaceId",
					 psprintf("%d", run->state.namespace_id));
	pgwf_object_text(&attributes, "workflowId", child.workflow_id);
	pgwf_object_name(&attributes, "workflowType", child.workflow_type);
	pgwf_object_open(&attributes, "taskQueue");
	pgwf_object_text(&attributes, "name", child.task_queue);
	pgwf_object_text(&attributes, "kind", "TASK_QUEUE_KIND_NORMAL");
	pgwf_object_close(&attributes);
	pgwf_object_jsonb(&attributes, "input", child.input);
	pgwf_object_duration(&attributes, "workflowExecutionTimeout",
						 child.execution_timeout);
	pgwf_object_duration(&attributes, "workflowRunTimeout",
						 child.run_timeout);
	pgwf_object_duration(&attributes, "workflowTaskTimeout",
						 child.task_timeout);
	pgwf_object_text(&attributes, "parentClosePolicy",
					 close_policies[close_policy]);
	pgwf_object_text(&attributes, "workflowIdReusePolicy", reuse_policy);
	pgwf_object_jsonb(&attributes, "retryPolicy", child.retry_policy);
	pgwf_object_text(&attributes, "cronSchedule", child.cron_schedule);
	pgwf_object_jsonb(&attributes, "header", child.header);
	pgwf_object_jsonb(&attributes, "memo", child.memo);
	pgwf_object_jsonb(&attributes, "searchAttributes",
					  child.search_attributes);
	pgwf_object_jsonb(&attributes, "priority", child.priority);
	pgwf_object_jsonb(&attributes, "versioningOverride",
					  child.versioning_override);
	event = pgwf_command_event(context, PGWF_EVENT_START_CHILD_INITIATED,
							   &attributes);
	add_child(run, &child, close_policy, event->event_id);
}
