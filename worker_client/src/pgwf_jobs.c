/*
 * pgwf_jobs.c
 *		What events without a command do to a run: start, workflow tasks,
 *		signals, cancellation; and finding the machine of a follow-up event.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static int64_t
ms_of(const json_t *attributes, const char *key)
{
	return pgwf_json_get_duration_ms(json_object_get(attributes, key));
}

/* The strings live as long as the JSON. */
static void
read_priority(const json_t *json, PgwfPriority *priority)
{
	priority->priority_key = (int) pgwf_json_int(json, "priorityKey");
	priority->fairness_key = pgwf_json_str(json, "fairnessKey");
	priority->fairness_weight =
		json_number_value(json_object_get(json, "fairnessWeight"));
}

/* WorkflowExecutionStarted: everything the run knows about itself. */
void
pgwf_apply_started(PgwfWorkflow *wf, const PgwfEvent *event)
{
	json_t	   *a = event->attributes;
	PgwfWorkflowInfo *info = &wf->info;
	const char *str;
	json_t	   *input;

	/* the strings below live as long as the attributes do */
	if (a != NULL)
		pgwf_arena_json(wf, json_incref(a));
	info->workflow_type = pgwf_json_str2(a, "workflowType", "name");
	if ((str = pgwf_json_str(a, "workflowId")) != NULL)
		info->workflow_id = str;
	if ((str = pgwf_json_str2(a, "taskQueue", "name")) != NULL)
		info->task_queue = str;
	info->first_execution_run_id = pgwf_json_str(a, "firstExecutionRunId");
	info->original_execution_run_id =
		pgwf_json_str(a, "originalExecutionRunId");
	info->continued_execution_run_id =
		pgwf_json_str(a, "continuedExecutionRunId");
	info->cron_schedule = pgwf_json_str(a, "cronSchedule");
	info->parent_namespace = pgwf_json_str(a, "parentWorkflowNamespace");
	info->parent_workflow_id =
		pgwf_json_str2(a, "parentWorkflowExecution", "workflowId");
	info->parent_run_id =
		pgwf_json_str2(a, "parentWorkflowExecution", "runId");
	info->root_workflow_id =
		pgwf_json_str2(a, "rootWorkflowExecution", "workflowId");
	info->root_run_id =
		pgwf_json_str2(a, "rootWorkflowExecution", "runId");
	if (info->root_workflow_id == NULL)
	{
		info->root_workflow_id = info->workflow_id;
		info->root_run_id = info->run_id;
	}
	info->attempt = (int) pgwf_json_int(a, "attempt");
	if (info->attempt < 1)
		info->attempt = 1;
	info->start_time_ms = event->time_us / 1000;
	info->execution_timeout_ms = ms_of(a, "workflowExecutionTimeout");
	info->run_timeout_ms = ms_of(a, "workflowRunTimeout");
	info->task_timeout_ms = ms_of(a, "workflowTaskTimeout");
	info->execution_deadline_ms =
		pgwf_json_get_time_us(json_object_get(a,
											  "workflowExecutionExpirationTime"))
		/ 1000;
	info->start_delay_ms = ms_of(a, "firstWorkflowTaskBackoff");
	info->retry_policy = json_object_get(a, "retryPolicy");
	read_priority(json_object_get(a, "priority"), &info->priority);
	info->memo = json_object_get(json_object_get(a, "memo"), "fields");
	info->search_attributes =
		json_object_get(json_object_get(a, "searchAttributes"),
						"indexedFields");
	info->header = json_object_get(json_object_get(a, "header"), "fields");
	info->last_completion_result = json_object_get(a, "lastCompletionResult");
	info->continued_failure = json_object_get(a, "continuedFailure");

	if (event->time_us > wf->now_us)
		wf->now_us = event->time_us;

	str = info->original_execution_run_id;
	if (str == NULL)
		str = info->run_id;
	pgwf_random_seed(&wf->random, pgwf_run_seed(str != NULL ? str : ""));

	input = json_object_get(a, "input");
	if (input == NULL)
		input = pgwf_arena_json(wf, json_array());
	else if (!json_is_array(input))
		input = pgwf_arena_json(wf, json_pack("[O]", input));
	wf->input = input;

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
	json_t	   *meta = json_object_get(event->attributes, "sdkMetadata");
	const char *name = pgwf_json_str(meta, "sdkName");
	const char *version = pgwf_json_str(meta, "sdkVersion");
	json_t	   *flags;
	json_t	   *flag;
	size_t		i;

	if (name != NULL)
	{
		free(wf->sdk_name);
		wf->sdk_name = pgwf_xstrdup(name);
	}
	if (version != NULL)
	{
		free(wf->sdk_version);
		wf->sdk_version = pgwf_xstrdup(version);
	}
	flags = json_object_get(meta, "coreUsedFlags");
	json_array_foreach(flags, i, flag)
	{
		int64_t		number = (int64_t) json_integer_value(flag);

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
	flags = json_object_get(meta, "langUsedFlags");
	flag = json_array_get(flags, 0);
	if (flag != NULL &&
		(wf->sdk_name == NULL || strcmp(wf->sdk_name, PGWF_SDK_NAME) == 0))
		pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, event->id,
						 "event %lld was made with language flag %lld, which "
						 "this version of the library does not know",
						 (long long) event->id,
						 (long long) json_integer_value(flag));
}

/* WorkflowTaskFailed: a reset changes the random numbers from here on. */
void
pgwf_apply_task_failed(PgwfWorkflow *wf, const PgwfEvent *event)
{
	const char *cause = pgwf_json_str(event->attributes, "cause");
	const char *run_id = pgwf_json_str(event->attributes, "newRunId");

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
	const char *name = pgwf_json_str(event->attributes, "signalName");
	json_t	   *input = json_object_get(event->attributes, "input");

	if (input == NULL)
		input = json_array();
	else
		input = json_is_array(input) ? json_incref(input) :
			json_pack("[O]", input);
	pgwf_signal_arrived(wf, name != NULL ? name : "",
						pgwf_arena_json(wf, input));
}

void
pgwf_apply_cancel_requested(PgwfWorkflow *wf, const PgwfEvent *event)
{
	const char *reason = pgwf_json_str(event->attributes, "cause");

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
	int64_t		id = pgwf_json_int(event->attributes, key);
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
