/*
 * pgwf_jobs.c
 *		What events without a command do to a run: start, workflow tasks,
 *		signals, cancellation; and finding the machine of a follow-up event.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static int64_t
ms_of(const PgwfNode *attributes, const char *key)
{
	return pgwf_node_duration_ms(pgwf_node_get(attributes, key));
}

/* What the run keeps of an event's text or value; NULL of NULL. */
static const char *
keep(PgwfWorkflow *wf, const char *text)
{
	return text != NULL ? pgwf_arena_strdup(wf, text) : NULL;
}

static json_t *
keep_json(PgwfWorkflow *wf, const PgwfNode *node)
{
	return node != NULL ? pgwf_arena_json(wf, pgwf_node_json(node)) : NULL;
}

/* Arguments, of which there may be none: a list, a new reference. */
static json_t *
list_of(const PgwfNode *input)
{
	json_t	   *value;

	if (input == NULL)
		return json_array();
	value = pgwf_node_json(input);
	return json_is_array(value) ? value : json_pack("[o]", value);
}

/* A text that the run may know already; NULL changes nothing. */
static void
note(PgwfWorkflow *wf, const char **known, const char *text)
{
	if (text != NULL && (*known == NULL || strcmp(*known, text) != 0))
		*known = pgwf_arena_strdup(wf, text);
}

static void
read_priority(PgwfWorkflow *wf, const PgwfNode *node, PgwfPriority *priority)
{
	priority->priority_key = (int) pgwf_node_int(node, "priorityKey");
	priority->fairness_key = keep(wf, pgwf_node_str(node, "fairnessKey"));
	priority->fairness_weight = pgwf_node_number(node, "fairnessWeight");
}

/* WorkflowExecutionStarted: everything the run knows about itself. */
void
pgwf_apply_started(PgwfWorkflow *wf, const PgwfEvent *event)
{
	const PgwfNode *a = event->attributes;
	const PgwfNode *parent = pgwf_node_get(a, "parentWorkflowExecution");
	const PgwfNode *root = pgwf_node_get(a, "rootWorkflowExecution");
	const PgwfNode *input = pgwf_node_get(a, "input");
	PgwfWorkflowInfo *info = &wf->info;
	const char *str;

	info->workflow_type = keep(wf, pgwf_node_str2(a, "workflowType", "name"));
	note(wf, &info->workflow_id, pgwf_node_str(a, "workflowId"));
	note(wf, &info->task_queue, pgwf_node_str2(a, "taskQueue", "name"));
	info->first_execution_run_id =
		keep(wf, pgwf_node_str(a, "firstExecutionRunId"));
	info->original_execution_run_id =
		keep(wf, pgwf_node_str(a, "originalExecutionRunId"));
	info->continued_execution_run_id =
		keep(wf, pgwf_node_str(a, "continuedExecutionRunId"));
	info->cron_schedule = keep(wf, pgwf_node_str(a, "cronSchedule"));
	info->parent_namespace =
		keep(wf, pgwf_node_str(a, "parentWorkflowNamespace"));
	info->parent_workflow_id = keep(wf, pgwf_node_str(parent, "workflowId"));
	info->parent_run_id = keep(wf, pgwf_node_str(parent, "runId"));
	info->root_workflow_id = keep(wf, pgwf_node_str(root, "workflowId"));
	info->root_run_id = keep(wf, pgwf_node_str(root, "runId"));
	if (info->root_workflow_id == NULL)
	{
		info->root_workflow_id = info->workflow_id;
		info->root_run_id = info->run_id;
	}
	info->attempt = (int) pgwf_node_int(a, "attempt");
	if (info->attempt < 1)
		info->attempt = 1;
	info->start_time_ms = event->time_us / 1000;
	info->execution_timeout_ms = ms_of(a, "workflowExecutionTimeout");
	info->run_timeout_ms = ms_of(a, "workflowRunTimeout");
	info->task_timeout_ms = ms_of(a, "workflowTaskTimeout");
	info->execution_deadline_ms =
		pgwf_node_time_us(pgwf_node_get(a, "workflowExecutionExpirationTime"))
		/ 1000;
	info->start_delay_ms = ms_of(a, "firstWorkflowTaskBackoff");
	info->retry_policy = keep_json(wf, pgwf_node_get(a, "retryPolicy"));
	read_priority(wf, pgwf_node_get(a, "priority"), &info->priority);
	info->memo =
		keep_json(wf, pgwf_node_get(pgwf_node_get(a, "memo"), "fields"));
	info->search_attributes =
		keep_json(wf, pgwf_node_get(pgwf_node_get(a, "searchAttributes"),
									"indexedFields"));
	info->header =
		keep_json(wf, pgwf_node_get(pgwf_node_get(a, "header"), "fields"));
	info->last_completion_result =
		keep_json(wf, pgwf_node_get(a, "lastCompletionResult"));
	info->continued_failure =
		keep_json(wf, pgwf_node_get(a, "continuedFailure"));

	if (event->time_us > wf->now_us)
		wf->now_us = event->time_us;

	str = info->original_execution_run_id;
	if (str == NULL)
		str = info->run_id;
	pgwf_random_seed(&wf->random, pgwf_run_seed(str != NULL ? str : ""));

	wf->input = pgwf_arena_json(wf, list_of(input));

	if (info->workflow_type == NULL)
	{
		pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, event->id,
						 "event %lld (WorkflowExecutionStarted) names no "
						 "workflow type", (long long) event->id);
		return;
	}
	wf->fn = pgwf_registry_find_workflow(wf->registry, info->workflow_type,
										 &wf->fn_arg);
	if (wf->fn == NULL)
	{
		char	   *names = pgwf_registry_workflow_names(wf->registry);

		pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, 0,
						 "workflow type \"%s\" is not registered on this "
						 "worker, which knows: %s", info->workflow_type,
						 *names ? names : "none");
		free(names);
		return;
	}
	wf->fail_on = pgwf_registry_type_options(wf->registry,
											 info->workflow_type, &wf->init);
}

/* WorkflowTaskCompleted: the library that answered, and its switches. */
void
pgwf_apply_task_completed(PgwfWorkflow *wf, const PgwfEvent *event)
{
	const PgwfNode *meta = pgwf_node_get(event->attributes, "sdkMetadata");
	const char *name = pgwf_node_str(meta, "sdkName");
	const char *version = pgwf_node_str(meta, "sdkVersion");
	const PgwfNode *flag;

	note(wf, &wf->sdk_name, name);
	note(wf, &wf->sdk_version, version);
	pgwf_node_foreach(pgwf_node_get(meta, "coreUsedFlags"), flag)
	{
		int64_t		number = flag->type == PGWF_NODE_INTEGER ?
		flag->value.integer : 0;

		if (number < 1 || number > PGWF_FLAG_MAX)
		{
			pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, event->id,
							 "event %lld was made with behaviour flag %lld, "
							 "which this version of the library does not "
							 "know", (long long) event->id,
							 (long long) number);
			return;
		}
		wf->flag[number] = true;
	}
	/* this library has no flags of its own: only foreign ones may be there */
	flag = pgwf_node_first(pgwf_node_get(meta, "langUsedFlags"));
	if (flag != NULL &&
		(wf->sdk_name == NULL || strcmp(wf->sdk_name, PGWF_SDK_NAME) == 0))
		pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, event->id,
						 "event %lld was made with language flag %lld, which "
						 "this version of the library does not know",
						 (long long) event->id,
						 (long long) (flag->type == PGWF_NODE_INTEGER ?
									  flag->value.integer : 0));
}

/* WorkflowTaskFailed: a reset changes the random numbers from here on. */
void
pgwf_apply_task_failed(PgwfWorkflow *wf, const PgwfEvent *event)
{
	const char *cause = pgwf_node_str(event->attributes, "cause");
	const char *run_id = pgwf_node_str(event->attributes, "newRunId");

	if (cause == NULL || run_id == NULL)
		return;
	cause = pgwf_short_enum(cause, "WORKFLOW_TASK_FAILED_CAUSE_");
	if (strcmp(cause, "RESET_WORKFLOW") == 0 ||
		strcmp(cause, "ResetWorkflow") == 0)
		pgwf_random_seed(&wf->random, pgwf_run_seed(run_id));
}

void
pgwf_apply_signaled(PgwfWorkflow *wf, const PgwfEvent *event)
{
	const char *name = pgwf_node_str(event->attributes, "signalName");
	const PgwfNode *input = pgwf_node_get(event->attributes, "input");

	pgwf_signal_arrived(wf, name != NULL ? name : "",
						pgwf_arena_json(wf, list_of(input)));
}

void
pgwf_apply_cancel_requested(PgwfWorkflow *wf, const PgwfEvent *event)
{
	const char *reason = pgwf_node_str(event->attributes, "cause");

	if (wf->cancel_requested)
		return;
	wf->cancel_requested = true;
	wf->cancel_reason = pgwf_arena_strdup(wf, reason != NULL ? reason : "");
	pgwf_scope_cancel_later(wf, wf->root);
}

/* A follow-up to something this library can not have asked for. */
void
pgwf_apply_unknown_initiator(PgwfWorkflow *wf, const PgwfEvent *event)
{
	char	   *what = pgwf_describe_event(event);

	pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, event->id,
					 "event %lld is %s, but the workflow code asked for "
					 "nothing that could lead to it", (long long) event->id,
					 what);
	free(what);
}

/*
 * The machine that a follow-up event belongs to, found by the id of its
 * initiating event in attribute "key".  NULL after reporting the
 * disagreement if there is none of this kind.
 */
PgwfMachine *
pgwf_machine_of(PgwfWorkflow *wf, const PgwfEvent *event, const char *key,
				const PgwfMachineInfo *info)
{
	int64_t		id = pgwf_node_int(event->attributes, key);
	PgwfMachine *machine = pgwf_idmap_get(&wf->machines, id);

	if (machine == NULL || machine->info != info)
	{
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, event->id,
						 "event %lld is %s of event %lld, but the workflow "
						 "code asked for no %s there", (long long) event->id,
						 pgwf_event_infos[event->type].name, (long long) id,
						 info->noun);
		return NULL;
	}
	return machine;
}

/* Does a command event name the id and the type that the code asked for? */
bool
pgwf_machine_is_named(PgwfWorkflow *wf, const PgwfMachine *machine,
					  const PgwfEvent *event, const char *id_key,
					  const char *type_key)
{
	const char *id = pgwf_node_str(event->attributes, id_key);
	const char *type = pgwf_node_str2(event->attributes, type_key, "name");

	if (!wf->flag[PGWF_FLAG_ID_CHECKS])
		return true;
	return id != NULL && strcmp(id, machine->id) == 0 &&
		type != NULL && strcmp(type, machine->type) == 0;
}

/* The event that the command of an activity, a timer or a child has become */
void
pgwf_machine_recorded(PgwfWorkflow *wf, PgwfCommand *command,
					  const PgwfEvent *event)
{
	PgwfMachine *machine = command->machine;

	machine->scheduled_event_id = event->id;
	if (machine->state == PGWF_STATE_CREATED)
		machine->state = PGWF_STATE_SCHEDULED;
	pgwf_idmap_put(&wf->machines, event->id, machine);
}
