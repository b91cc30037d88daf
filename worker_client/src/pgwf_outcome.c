/*
 * pgwf_outcome.c
 *		What a workflow task comes to: processing one, the results of its local
 *		activities, its queries, and what it is answered with.
 *
 * See pgwf_instance.h for how an instance is driven.  No locks: one thread at
 * a time.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

void
pgwf_task_outcome_drop_values(PgwfTaskOutcome *out)
{
	json_decref(out->commands);
	json_decref(out->sdk_metadata);
	json_decref(out->metering_metadata);
	json_decref(out->messages);
	json_decref(out->query_results);
	out->commands = NULL;
	out->sdk_metadata = NULL;
	out->metering_metadata = NULL;
	out->messages = NULL;
	out->query_results = NULL;
}

void
pgwf_task_outcome_clear(PgwfTaskOutcome *out)
{
	pgwf_task_outcome_drop_values(out);
	json_decref(out->failure);
	free(out->message);
	free(out->local_requests);
	free(out->local_cancels);
	memset(out, 0, sizeof(*out));
}

void
pgwf_local_result_clear(PgwfLocalResult *result)
{
	json_decref(result->result);
	pgwf_failure_free(result->failure);
	result->result = NULL;
	result->failure = NULL;
}

static bool
is_text(const char *text, const char *expected)
{
	return text != NULL && strcmp(text, expected) == 0;
}

/* What history does not know yet about the library that answers, or NULL. */
static json_t *
sdk_metadata(PgwfWorkflow *wf)
{
	json_t	   *meta;
	json_t	   *flags = NULL;
	int			flag;

	/* these two are always in use */
	wf->flag_used[PGWF_FLAG_ID_CHECKS] = true;
	wf->flag_used[PGWF_FLAG_TERMINAL_LAST] = true;
	for (flag = 1; flag <= PGWF_FLAG_MAX; flag++)
	{
		if (!wf->flag_used[flag] || wf->flag[flag])
			continue;
		if (flags == NULL)
			flags = json_array();
		json_array_append_new(flags, json_integer(flag));
	}
	if (flags == NULL && is_text(wf->sdk_name, PGWF_SDK_NAME) &&
		is_text(wf->sdk_version, PGWF_VERSION))
		return NULL;
	meta = json_object();
	pgwf_json_put(meta, "coreUsedFlags", flags);
	if (!is_text(wf->sdk_name, PGWF_SDK_NAME))
		pgwf_json_put_str(meta, "sdkName", PGWF_SDK_NAME);
	if (!is_text(wf->sdk_version, PGWF_VERSION))
		pgwf_json_put_str(meta, "sdkVersion", PGWF_VERSION);
	return meta;
}

/* The part of an outcome that answers the task. */
static void
answer(PgwfWorkflow *wf, PgwfTaskOutcome *out)
{
	out->commands = pgwf_commands_send(wf);
	out->messages = wf->messages;
	wf->messages = NULL;
	out->query_results = wf->query_results;
	wf->query_results = NULL;
	json_decref(wf->queries);
	wf->queries = NULL;
	out->may_discard = (wf->virtual_id != 0 && wf->quiet);
	out->sdk_metadata = sdk_metadata(wf);
	if (wf->extra_attempts > 0)
		out->metering_metadata =
			json_pack("{s:I}", "nonfirstLocalActivityExecutionAttempts",
					  (json_int_t) wf->extra_attempts);
	wf->extra_attempts = 0;
	out->finished = wf->finished;
}

static void
report_error(PgwfWorkflow *wf, PgwfTaskOutcome *out)
{
	bool		nondeterminism = (wf->error == PGWF_ERROR_NONDETERMINISM);
	json_t	   *info = json_object();

	out->message = pgwf_xstrdup(wf->error_message);
	out->event_id = wf->error_event_id;
	if (wf->error == PGWF_ERROR_STALE)
	{
		json_decref(info);
		out->status = PGWF_TASK_STALE;
		return;
	}
	out->status = PGWF_TASK_FAILED;
	out->cause = nondeterminism ?
		"WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR" :
		"WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE";
	out->failure = json_object();
	pgwf_json_put_str(out->failure, "message", wf->error_message);
	pgwf_json_put_str(out->failure, "source", PGWF_SDK_NAME);
	pgwf_json_put_str(info, "type", nondeterminism ?
					  "NonDeterminismError" : "WorkflowTaskError");
	if (wf->error_details != NULL)
		pgwf_json_put(info, "details", json_pack("[O]", wf->error_details));
	pgwf_json_put(out->failure, "applicationFailureInfo", info);
}

/* Is the error one that is to fail the workflow rather than its task? */
static bool
fails_workflow(const PgwfWorkflow *wf)
{
	return (wf->error == PGWF_ERROR_NONDETERMINISM &&
			(wf->fail_on & PGWF_FAIL_ON_NONDETERMINISM) != 0) ||
		(wf->error == PGWF_ERROR_PANIC &&
		 (wf->fail_on & PGWF_FAIL_ON_PANIC) != 0);
}

/* Turns a failed task into the end of the workflow. */
static void
fail_workflow(PgwfTaskOutcome *out)
{
	out->status = PGWF_TASK_COMPLETED;
	out->commands = json_pack("[{s:s, s:{s:o}}]", "commandType",
							  "FailWorkflowExecution", "attributes",
							  "failure", out->failure);
	out->failure = NULL;
	out->cause = NULL;
	out->finished = true;
}

/*
 * Answers the queries that came with the task, from where the code is now.
 */
static void
answer_queries(PgwfWorkflow *wf)
{
	const char *id;
	json_t	   *query;

	json_decref(wf->query_results);
	wf->query_results = NULL;
	json_object_foreach(wf->queries, id, query)
	{
		if (wf->query_results == NULL)
			wf->query_results = json_object();
		pgwf_json_put(wf->query_results, id, pgwf_query_answer(wf, query));
	}
}

/* Fills an outcome from where the instance has come to. */
static void
conclude(PgwfWorkflow *wf, PgwfTaskOutcome *out)
{
	memset(out, 0, sizeof(*out));
	if (wf->error != PGWF_ERROR_NONE)
	{
		report_error(wf, out);
		if (fails_workflow(wf))
			fail_workflow(out);
		return;
	}
	pgwf_local_requests(wf, out);
	out->local_cancels = wf->local_cancels;
	out->n_local_cancels = wf->n_local_cancels;
	wf->local_cancels = NULL;
	wf->n_local_cancels = 0;
	answer_queries(wf);
	if (out->n_local_running > 0)
	{
		/* the answers may go with a heartbeat, or be made anew */
		out->status = PGWF_TASK_LOCAL;
		return;
	}
	out->status = PGWF_TASK_COMPLETED;
	answer(wf, out);
}

/* Gives one attempt's end to the code; takes over what it has. */
static void
deliver(PgwfWorkflow *wf, PgwfLocalResult *result)
{
	if (wf->error == PGWF_ERROR_NONE && !wf->finished &&
		pgwf_local_deliver(wf, result))
		pgwf_instance_run_code(wf);
	pgwf_local_result_clear(result);
}

void
pgwf_instance_process(PgwfInstance *wf, const PgwfTask *task,
					  PgwfTaskOutcome *out)
{
	const PgwfNode *transient = pgwf_node_get(task->node, "transientEvents");
	json_t	   *messages = pgwf_node_json(pgwf_node_get(task->node,
														"messages"));
	size_t		n_events;
	const PgwfNode **events = pgwf_task_events(task, transient, &n_events);

	wf->heartbeat = false;
	wf->virtual_id = pgwf_node_int(pgwf_node_first(transient), "eventId");
	pgwf_updates_take(wf, messages);
	json_decref(messages);
	json_decref(wf->queries);
	wf->queries = pgwf_node_json(pgwf_node_get(task->node, "queries"));
	pgwf_instance_events(wf, events, n_events, false);
	free(events);
	while (wf->stashed != NULL)
	{
		PgwfStashedResult *stashed = wf->stashed;

		wf->stashed = stashed->next;
		deliver(wf, &stashed->result);
		free(stashed);
	}
	conclude(wf, out);
}

static PgwfEventType
type_of(const PgwfNode *event)
{
	const char *type = pgwf_node_str(event, "eventType");

	return type != NULL ? pgwf_event_type_of(type) : PGWF_EVENT_NONE;
}

/*
 * How many events a query sees: up to the commands of the last task that was
 * answered.  What came later no code has seen.
 */
static size_t
answered_part(const PgwfNode *const *events, size_t n_events)
{
	size_t		n = n_events;

	while (n > 0 && type_of(events[n - 1]) != PGWF_EVENT_TASK_COMPLETED)
		n--;
	while (n < n_events &&
		   (pgwf_event_infos[type_of(events[n])].flags &
			PGWF_EVENT_COMMAND) != 0)
		n++;
	return n;
}

json_t *
pgwf_instance_query(PgwfInstance *wf, const PgwfTask *task)
{
	json_t	   *query;
	json_t	   *answer;

	if (wf->last_event_id == 0)
	{
		size_t		n_events;
		const PgwfNode **events = pgwf_task_events(task, NULL, &n_events);

		pgwf_instance_events(wf, events, answered_part(events, n_events),
							 true);
		free(events);
	}
	if (wf->activation == 0 && wf->error == PGWF_ERROR_NONE)
		return pgwf_query_failed("no workflow task of the workflow has "
								 "completed yet", NULL);
	query = pgwf_node_json(pgwf_node_get(task->node, "query"));
	answer = pgwf_query_answer(wf, query);
	json_decref(query);
	return answer;
}

void
pgwf_instance_local_result(PgwfInstance *wf, PgwfLocalResult *result,
						   PgwfTaskOutcome *out)
{
	PgwfStashedResult **link = &wf->stashed;
	PgwfStashedResult *stashed;

	if (!wf->heartbeat)
	{
		deliver(wf, result);
		conclude(wf, out);
		return;
	}
	/* no task is open that it could be recorded with: keep it */
	stashed = pgwf_xalloc(sizeof(PgwfStashedResult));
	stashed->result = *result;
	result->result = NULL;
	result->failure = NULL;
	while (*link != NULL)
		link = &(*link)->next;
	*link = stashed;
	memset(out, 0, sizeof(*out));
	out->status = PGWF_TASK_LOCAL;
	out->n_local_running = pgwf_instance_local_running(wf);
}

void
pgwf_instance_heartbeat(PgwfInstance *wf, PgwfTaskOutcome *out)
{
	memset(out, 0, sizeof(*out));
	out->status = PGWF_TASK_LOCAL;
	out->n_local_running = pgwf_instance_local_running(wf);
	answer(wf, out);
	wf->heartbeat = true;
}

/*
 * Asking costs the service nothing if it does not want to, so the activity
 * need only be of a kind and a queue that are this worker's.
 */
int
pgwf_instance_ask_eager(const PgwfInstance *wf, json_t *commands,
						int max)
{
	json_t	   *command;
	size_t		i;
	int			n = 0;

	json_array_foreach(commands, i, command)
	{
		json_t	   *attributes = json_object_get(command, "attributes");
		const char *type = pgwf_json_str(command, "commandType");
		const char *activity = pgwf_json_str2(attributes, "activityType",
											  "name");
		const char *queue = pgwf_json_str2(attributes, "taskQueue", "name");
		void	   *arg;

		if (n == max)
			break;
		if (type == NULL || strcmp(type, "ScheduleActivityTask") != 0 ||
			activity == NULL ||
			pgwf_registry_find_activity(wf->registry, activity, &arg) == NULL ||
			(queue != NULL && strcmp(queue, wf->info.task_queue) != 0))
			continue;
		json_object_set_new(attributes, "requestEagerExecution", json_true());
		n++;
	}
	return n;
}
