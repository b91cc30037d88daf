/*-------------------------------------------------------------------------
 *
 * worker_task.c
 *	  Runs in memory and their workflow tasks: from the poll to the answer.
 *
 * A run is idle, or has one task in work: its instance is with the executor,
 * or waits for local activities, or its answer is on its way.  Whatever goes
 * wrong with a task, the run leaves memory, and the next task replays it from
 * the first event.
 *
 * Main thread only.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_codec.h"
#include "pgwf_interceptor.h"
#include "pgwf_worker.h"

static void start_task(PgwfWorker *worker, PgwfRun *run, PgwfTask *task);

/* ---- tasks that wait to be begun ---- */

/* Begin this task in the turn to come; it is taken over. */
void
pgwf_worker_pend(PgwfWorker *worker, PgwfTask *task)
{
	task->next = NULL;
	*worker->pending_tail = task;
	worker->pending_tail = &task->next;
}

static PgwfTask *
next_pending(PgwfWorker *worker)
{
	PgwfTask   *task = worker->pending_tasks;

	if (task == NULL)
		return NULL;
	worker->pending_tasks = task->next;
	if (worker->pending_tasks == NULL)
		worker->pending_tail = &worker->pending_tasks;
	task->next = NULL;
	return task;
}

static void
drop_pending(PgwfWorker *worker)
{
	PgwfTask   *task;

	while ((task = next_pending(worker)) != NULL)
		pgwf_task_free(task);
}

/* ---- runs ---- */

void
pgwf_worker_set_state(PgwfWorker *worker, PgwfRun *run, PgwfRunState state)
{
	bool		was_busy = run->state == PGWF_RUN_EXECUTING ||
	run->state == PGWF_RUN_LOCAL;
	bool		busy = state == PGWF_RUN_EXECUTING || state == PGWF_RUN_LOCAL;

	worker->busy_runs += (int) busy - (int) was_busy;
	worker->responding_runs += (int) (state == PGWF_RUN_RESPONDING) -
		(int) (run->state == PGWF_RUN_RESPONDING);
	run->state = state;
}

/* Keep slots free for activities that come with the answer to a task */
static void
reserve(PgwfWorker *worker, PgwfRun *run, int slots)
{
	worker->nreserved += slots - run->reserved;
	run->reserved = slots;
}

PgwfRun *
pgwf_worker_create_run(PgwfWorker *worker, const PgwfNode *task,
					   const char *run_id)
{
	PgwfRun    *run = pgwf_xalloc(sizeof(PgwfRun));
	const char *workflow_id = pgwf_node_str2(task, "workflowExecution",
											 "workflowId");
	const char *workflow_type = pgwf_node_str2(task, "workflowType", "name");

	run->workflow_id = pgwf_strdup(workflow_id != NULL ? workflow_id : "");
	run->workflow_type = pgwf_strdup(workflow_type != NULL ?
									 workflow_type : "");
	run->instance = pgwf_instance_create(worker->registry, run->workflow_id,
										 run_id, worker->task_queue);
	pgwf_instance_set_worker(run->instance, worker->workflow_namespace,
							 worker->deployment_name, worker->build_id);
	pgwf_cache_add(&worker->cache, &run->entry, run_id);
	PGWF_COUNT(worker, cached_workflows, 1);
	return run;
}

static void
free_results(PgwfRun *run)
{
	while (run->results != NULL)
	{
		PgwfExec   *result = run->results;

		run->results = result->next;
		pgwf_exec_free(result);
	}
}

/*
 * Take a run out of memory.  The caller has seen to it that the executor does
 * not have its instance.  A task that arrived meanwhile is begun afresh.
 */
void
pgwf_worker_drop_run(PgwfWorker *worker, PgwfRun *run)
{
	pgwf_worker_set_state(worker, run, PGWF_RUN_IDLE);
	reserve(worker, run, 0);
	pgwf_worker_forget_local(worker, run);
	pgwf_worker_give_queries_back(worker, run);
	pgwf_cache_remove(&worker->cache, &run->entry);
	PGWF_COUNT(worker, cached_workflows, -1);
	if (run->next_task != NULL)
		pgwf_worker_pend(worker, run->next_task);
	free_results(run);
	pgwf_instance_destroy(run->instance);
	free(run->workflow_id);
	free(run->workflow_type);
	free(run->token);
	free(run->query_token);
	free(run);
}

void
pgwf_worker_evict(PgwfWorker *worker, PgwfRun *run)
{
	PGWF_COUNT(worker, evictions, 1);
	pgwf_worker_drop_run(worker, run);
}

/*
 * The run has answered its task: keep it for the next one if there is room.
 */
static void
retire(PgwfWorker *worker, PgwfRun *run)
{
	PgwfCacheEntry *entry;

	free(run->token);
	run->token = NULL;
	if (pgwf_instance_local_running(run->instance) == 0)
		free_results(run);
	pgwf_worker_set_state(worker, run, PGWF_RUN_IDLE);
	pgwf_worker_give_queries_back(worker, run);
	pgwf_cache_touch(&worker->cache, &run->entry);
	if (run->next_task != NULL)
	{
		pgwf_worker_pend(worker, run->next_task);
		run->next_task = NULL;
	}
	entry = worker->cache.oldest;
	while (entry != NULL && worker->cache.count > worker->max_cached)
	{
		PgwfRun    *old = (PgwfRun *) entry;

		entry = entry->newer;
		if (old->state == PGWF_RUN_IDLE)
			pgwf_worker_evict(worker, old);
	}
}

/*
 * Empty the cache.  busy_too leaves their tasks to the service's timeouts;
 * instances with the executor stay with it for good.
 */
void
pgwf_worker_evict_all(PgwfWorker *worker, bool busy_too)
{
	PgwfCacheEntry *entry = worker->cache.oldest;

	while (entry != NULL)
	{
		PgwfRun    *run = (PgwfRun *) entry;

		entry = entry->newer;
		if (run->state == PGWF_RUN_IDLE)
			pgwf_worker_evict(worker, run);
		else if (busy_too)
		{
			if (run->state == PGWF_RUN_EXECUTING)
				run->instance = NULL;
			pgwf_worker_drop_run(worker, run);
		}
	}
	drop_pending(worker);
}

/* ---- answering ---- */

/* The same with its payloads decoded.  Takes the node over. */
static PgwfNode *
decode(const PgwfCodec *codec, PgwfNode *node)
{
	json_t	   *value = pgwf_node_json(node);
	char	   *text = pgwf_codec_decode(codec, value) ?
	pgwf_json_text(value) : NULL;
	PgwfNode   *decoded = pgwf_node_parse(text);

	json_decref(value);
	free(text);
	if (decoded == NULL)
	{
		pgwf_node_mark_undecodable(node);
		return node;
	}
	pgwf_node_release(node);
	return decoded;
}

/*
 * Read a task, an answer or an event: one reference of its node, or NULL.
 */
PgwfNode *
pgwf_worker_parse(const PgwfWorker *worker, const char *text)
{
	const PgwfCodec *codec = pgwf_registry_codec(worker->registry);
	PgwfNode   *node = pgwf_node_parse(text);

	if (codec != NULL && node != NULL && !pgwf_node_too_deep(node))
		node = decode(codec, node);
	return node;
}

/* Why a part of what was read could not be read in full; NULL if it could. */
const char *
pgwf_worker_unreadable(const PgwfNode *node)
{
	if (pgwf_node_too_deep(node))
		return "it has JSON that is nested too deeply";
	return pgwf_node_undecodable(node) ? PGWF_UNDECODABLE : NULL;
}

/* The same of a task with its history. */
const char *
pgwf_worker_task_unreadable(const PgwfTask *task)
{
	const char *why = pgwf_worker_unreadable(task->node);
	size_t		i;

	for (i = 0; why == NULL && i < task->n_events; i++)
		why = pgwf_worker_unreadable(task->events[i]);
	return why;
}

/* What a run of a worker with a version does when that changes, or NULL */
static const char *
versioning_behavior(const PgwfWorker *worker, const PgwfRun *run)
{
	PgwfVersioningBehavior behavior = PGWF_VERSIONING_DEFAULT;

	if (worker->deployment_name == NULL)
		return NULL;
	if (run->workflow_type != NULL)
		behavior = pgwf_registry_versioning(worker->registry,
											run->workflow_type);
	if (behavior == PGWF_VERSIONING_DEFAULT)
		behavior = worker->versioning_behavior;
	return behavior == PGWF_VERSIONING_PINNED ? "PINNED" :
		behavior == PGWF_VERSIONING_AUTO_UPGRADE ? "AUTO_UPGRADE" : NULL;
}

/* Bind a text of an answer, which is taken out of it. */
static void
bind_text(PgwfRequest *request, char **text)
{
	pgwf_request_bind_own(request, *text);
	*text = NULL;
}

/*
 * The completion of the run's task with what its code has come to; takes the
 * texts out of the answer.
 */
static PgwfRequest *
completion(PgwfWorker *worker, PgwfRun *run, PgwfAnswerTexts *answer,
		   bool force_new, bool sticky, bool return_new)
{
	PgwfRequest *request;

	request = pgwf_request_create(PGWF_STMT_WORKFLOW_COMPLETED);
	pgwf_request_bind(request, run->token);
	if (answer->commands != NULL)
		bind_text(request, &answer->commands);
	else
		pgwf_request_bind_static(request, "[]");
	pgwf_request_bind_static(request, worker->identity);
	pgwf_request_bind_static(request, sticky ? worker->sticky_queue : NULL);
	pgwf_request_bind_static(request, worker->sticky_timeout);
	pgwf_request_bind_static(request, return_new ? "t" : "f");
	pgwf_request_bind_static(request, force_new ? "t" : "f");
	bind_text(request, &answer->sdk_metadata);
	bind_text(request, &answer->metering_metadata);
	bind_text(request, &answer->query_results);
	bind_text(request, &answer->messages);
	pgwf_request_bind_static(request, answer->may_discard ? "t" : "f");
	pgwf_request_bind_static(request, worker->build_id);
	pgwf_request_bind_static(request, worker->deployment_name);
	pgwf_request_bind_static(request, pgwf_worker_versioning_mode(worker));
	pgwf_request_bind_static(request, versioning_behavior(worker, run));
	pgwf_request_bind_static(request, worker->workflow_namespace);
	return request;
}

/*
 * Complete the run's task.  The next task is taken over at once if there is
 * one and the run stays in memory.
 */
static void
complete_task(PgwfWorker *worker, PgwfRun *run, PgwfAnswerTexts *answer)
{
	bool		keep = worker->sticky_queue != NULL && !worker->stopping;

	pgwf_worker_set_state(worker, run, PGWF_RUN_RESPONDING);
	run->heartbeat_at = 0;
	pgwf_worker_respond(worker,
						completion(worker, run, answer, false, keep,
								   keep && !run->finished),
						run->entry.run_id, run, 0);
}

/*
 * Give a task up and drop its run.  The service is told at the first attempt
 * only; later ones it paces by their timeout.  Takes failure over.
 */
static void
fail_task(PgwfWorker *worker, PgwfRun *run, const char *cause,
		  json_t *failure, const char *message)
{
	PGWF_COUNT(worker, workflow_tasks_failed, 1);
	pgwf_worker_log(worker, PGWF_LOG_WARNING,
					"workflow task failed: workflow \"%s\" run %s attempt %d: %s",
					run->workflow_id, run->entry.run_id, run->attempt,
					message != NULL ? message : cause);
	if (run->attempt <= 1)
	{
		PgwfRequest *request;

		if (failure == NULL)
			failure = json_pack("{s:s, s:{s:s}}", "message",
								message != NULL ? message : cause,
								"applicationFailureInfo", "type",
								"WorkflowTaskFailure");
		request = pgwf_request_create(PGWF_STMT_WORKFLOW_FAILED);
		pgwf_request_bind(request, run->token);
		pgwf_request_bind(request, cause);
		pgwf_request_bind_own(request, pgwf_codec_text(pgwf_registry_codec(worker->registry),
													   PGWF_VALUE_TREE, failure));
		pgwf_request_bind(request, worker->identity);
		pgwf_request_bind(request, worker->workflow_namespace);
		pgwf_worker_respond(worker, request, run->entry.run_id, NULL, 0);
	}
	json_decref(failure);
	pgwf_worker_evict(worker, run);
}

/*
 * The service may have forgotten the task, if it had nothing but updates that
 * the code has rejected.  False if the run cannot go back behind it.
 */
static bool
roll_back(PgwfRun *run, const PgwfNode *answer)
{
	int64_t		reset = pgwf_node_int(answer, "resetHistoryEventId");

	return reset == 0 || pgwf_instance_roll_back(run->instance, reset);
}

static const PgwfNode *
object_in(const PgwfNode *answer, const char *key)
{
	const PgwfNode *node = pgwf_node_get(answer, key);

	return node != NULL && node->type == PGWF_NODE_OBJECT ? node : NULL;
}

/*
 * The service has answered a completion: with an error, or a text.
 */
void
pgwf_worker_task_answered(PgwfWorker *worker, PgwfRun *run,
						  const PgwfErr *err, const char *text)
{
	PgwfNode   *answer;
	const PgwfNode *error;
	const PgwfNode *next;
	const PgwfNode *activity;

	reserve(worker, run, 0);
	if (err->code != PGWF_OK)
	{
		pgwf_worker_log(worker,
						err->code == PGWF_NOT_FOUND ?
						PGWF_LOG_INFO : PGWF_LOG_WARNING,
						"workflow task of \"%s\" run %s was not accepted: %s",
						run->workflow_id, run->entry.run_id, err->message);
		pgwf_worker_evict(worker, run);
		return;
	}
	answer = text != NULL ? pgwf_worker_parse(worker, text) : NULL;
	error = object_in(answer, "error");
	next = object_in(answer, "workflowTask");
	pgwf_node_foreach(pgwf_node_get(answer, "activityTasks"), activity)
		pgwf_worker_take_activity(worker, pgwf_node_keep(activity));
	if (error != NULL)
	{
		const char *message = pgwf_node_str(error, "message");

		pgwf_worker_log(worker, PGWF_LOG_WARNING,
						"workflow task of \"%s\" run %s was rejected: %s",
						run->workflow_id, run->entry.run_id,
						message != NULL ? message : "no reason given");
		pgwf_worker_evict(worker, run);
	}
	else if (run->finished)
	{
		PGWF_COUNT(worker, workflows_closed, 1);
		pgwf_worker_drop_run(worker, run);
	}
	else if (!roll_back(run, answer))
	{
		if (next != NULL)
			pgwf_worker_pend(worker, pgwf_task_create(pgwf_node_keep(next)));
		pgwf_worker_evict(worker, run);
	}
	else if (next != NULL)
	{
		if (worker->stopping && run->nlocal == 0)
		{
			/* not for us any more: its timeout hands it on */
			pgwf_worker_evict(worker, run);
		}
		else
		{
			PGWF_COUNT(worker, workflow_tasks, 1);
			start_task(worker, run, pgwf_task_create(pgwf_node_keep(next)));
		}
	}
	else if (worker->sticky_queue == NULL && run->nlocal == 0)
		pgwf_worker_drop_run(worker, run);
	else
		retire(worker, run);
	pgwf_node_release(answer);
}

/* ---- tasks ---- */

/* Hand an activation of a run to the executor. */
void
pgwf_worker_execute(PgwfWorker *worker, PgwfRun *run, PgwfExec *exec)
{
	exec->instance = run->instance;
	exec->owner = run;
	if (pgwf_registry_interceptors(worker->registry)->n > 0)
	{
		exec->info.workflow_id = pgwf_strdup(run->workflow_id);
		exec->info.run_id = pgwf_strdup(run->entry.run_id);
		exec->info.workflow_type = pgwf_strdup(run->workflow_type != NULL ?
											   run->workflow_type : "");
		exec->info.attempt = run->attempt;
	}
	pgwf_worker_set_state(worker, run, PGWF_RUN_EXECUTING);
	if (!pgwf_executor_submit(worker->executor, exec))
	{
		pgwf_worker_log(worker, PGWF_LOG_ERROR,
						"could not start a thread for workflow code");
		pgwf_exec_free(exec);
		pgwf_worker_evict(worker, run);
	}
}

/*
 * Give a task, which is taken over, to the run's instance; run is NULL if the
 * run is not in memory, and must have no other task in work.
 */
static void
start_task(PgwfWorker *worker, PgwfRun *run, PgwfTask *task)
{
	const PgwfNode *node = task->node;
	const char *unreadable;
	const char *run_id = pgwf_node_str2(node, "workflowExecution", "runId");
	const char *token = pgwf_node_str(node, "taskToken");
	int64_t		first = pgwf_worker_event_id(pgwf_task_first_event(task));
	int64_t		timeout;
	PgwfExec   *exec;
	bool		whole;

	if (run_id == NULL || token == NULL)
	{
		pgwf_worker_log(worker, PGWF_LOG_ERROR,
						"could not understand a workflow task");
		pgwf_task_free(task);
		return;
	}

	/* events that the instance cannot go on from: start over */
	if (run != NULL && first > 1 &&
		first > pgwf_instance_last_event_id(run->instance) + 1)
	{
		pgwf_worker_evict(worker, run);
		run = NULL;
	}
	whole = (run == NULL);
	if (!pgwf_worker_complete_history(worker, task, whole))
	{
		if (run != NULL)
			pgwf_worker_evict(worker, run);
		pgwf_task_free(task);
		return;
	}
	if (run == NULL)
	{
		run = pgwf_worker_create_run(worker, node, run_id);
		if (pgwf_node_int(node, "previousStartedEventId") > 0)
			PGWF_COUNT(worker, replays, 1);
	}
	free(run->token);
	run->token = pgwf_strdup(token);
	run->attempt = (int) pgwf_node_int(node, "attempt");
	run->from_start = whole;
	run->finished = false;
	timeout = pgwf_duration_ms(pgwf_node_str(node, "workflowTaskTimeout"));
	if (timeout <= 0)
		timeout = 10000;
	run->heartbeat_at = pgwf_clock_ms() + timeout * 8 / 10;
	unreadable = pgwf_worker_task_unreadable(task);
	if (unreadable != NULL)
	{
		char		message[200];

		snprintf(message, sizeof(message), "the history cannot be read: %s",
				 unreadable);
		pgwf_task_free(task);
		fail_task(worker, run,
				  "WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE",
				  NULL, message);
		return;
	}

	exec = pgwf_xalloc(sizeof(PgwfExec));
	exec->task = task;
	pgwf_worker_execute(worker, run, exec);
}

/*
 * A task was polled; it is taken over and begun by pgwf_worker_begin_tasks().
 */
void
pgwf_worker_take_task(PgwfWorker *worker, PgwfNode *task)
{
	PGWF_COUNT(worker, workflow_tasks, 1);
	PGWF_TOOK(worker, PGWF_LATENCY_WORKFLOW_TASK_WAIT,
			  pgwf_timestamp_us(pgwf_node_str(task, "startedTime")) -
			  pgwf_timestamp_us(pgwf_node_str(task, "scheduledTime")));
	pgwf_worker_pend(worker, pgwf_task_create(task));
}

void
pgwf_worker_begin_tasks(PgwfWorker *worker)
{
	PgwfTask   *task;

	pgwf_executor_set_room(worker->executor, worker->stopping ? 0 :
						   pgwf_worker_free_slots(worker,
												  PGWF_QUEUE_ACTIVITY));

	/* the list may grow meanwhile */
	while ((task = next_pending(worker)) != NULL)
	{
		const char *run_id = pgwf_node_str2(task->node, "workflowExecution",
											"runId");
		PgwfRun    *run = NULL;

		if (run_id != NULL)
			run = (PgwfRun *) pgwf_cache_find(&worker->cache, run_id);
		if (pgwf_node_get(task->node, "query") != NULL)
		{
			pgwf_worker_take_query(worker, run, task);
			continue;
		}
		if (run != NULL && run->state == PGWF_RUN_LOCAL)
		{
			/* the service has given up the task that waits */
			pgwf_worker_evict(worker, run);
			run = NULL;
		}
		if (run != NULL && run->state != PGWF_RUN_IDLE)
		{
			/* likewise, but it cannot be interrupted now */
			pgwf_task_free(run->next_task);
			run->next_task = task;
		}
		else
			start_task(worker, run, task);
	}
}

/*
 * Deliver the next result of a local activity to a run that waits for some.
 */
void
pgwf_worker_deliver_local(PgwfWorker *worker, PgwfRun *run)
{
	PgwfExec   *result = run->results;

	if (result == NULL || run->state != PGWF_RUN_LOCAL)
		return;
	run->results = result->next;
	pgwf_worker_execute(worker, run, result);
}

static void
apply_local(PgwfWorker *worker, PgwfRun *run, const PgwfTaskOutcome *outcome)
{
	int			i;

	for (i = 0; i < outcome->n_local_cancels; i++)
		pgwf_worker_cancel_local(worker, run, outcome->local_cancels[i]);
	for (i = 0; i < outcome->n_local_requests; i++)
		pgwf_worker_start_local(worker, run, &outcome->local_requests[i]);
}

/*
 * The executor has finished an activation, which is freed here.
 */
void
pgwf_worker_outcome(PgwfWorker *worker, PgwfExec *exec)
{
	PgwfRun    *run = exec->owner;
	PgwfTaskOutcome *outcome = &exec->outcome;

	if (exec->query_result != NULL)
	{
		pgwf_worker_query_answered(worker, run, exec);
		return;
	}
	PGWF_TOOK(worker, PGWF_LATENCY_WORKFLOW_TASK, exec->elapsed_us);
	reserve(worker, run, exec->neager);
	switch (outcome->status)
	{
		case PGWF_TASK_COMPLETED:
			run->finished = outcome->finished;
			apply_local(worker, run, outcome);
			complete_task(worker, run, &exec->texts);
			break;

		case PGWF_TASK_LOCAL:
			pgwf_worker_set_state(worker, run, PGWF_RUN_LOCAL);
			apply_local(worker, run, outcome);

			/* before the instance goes back to the executor */
			pgwf_exec_free(exec);
			pgwf_worker_deliver_local(worker, run);
			return;

		case PGWF_TASK_FAILED:
			fail_task(worker, run, outcome->cause,
					  json_incref(outcome->failure), outcome->message);
			break;

		case PGWF_TASK_STALE:
			if (run->from_start || exec->task == NULL)
				fail_task(worker, run,
						  "WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE",
						  NULL, outcome->message);
			else
			{
				PgwfTask   *task = exec->task;

				exec->task = NULL;
				pgwf_worker_log(worker, PGWF_LOG_DEBUG,
								"run %s is read again: %s", run->entry.run_id,
								outcome->message != NULL ?
								outcome->message : "stale");
				pgwf_worker_evict(worker, run);
				pgwf_worker_pend(worker, task);
			}
			break;
	}
	pgwf_exec_free(exec);
}

/*
 * The run's code did not yield in time; its instance is lost to the thread
 * it blocks.
 */
void
pgwf_worker_deadlock(PgwfWorker *worker, PgwfRun *run)
{
	char		message[200];

	PGWF_COUNT(worker, deadlocks, 1);
	snprintf(message, sizeof(message),
			 "potential deadlock: workflow code did not yield within %d ms",
			 worker->deadlock_ms);
	run->instance = NULL;
	if (pgwf_worker_query_deadlock(worker, run, message))
		return;
	fail_task(worker, run,
			  "WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE",
			  json_pack("{s:s, s:{s:s}}", "message", message,
						"applicationFailureInfo", "type",
						"DeadlockDetected"),
			  message);
}

/* ---- local activities ---- */

/*
 * An attempt has ended; result is taken over.
 */
void
pgwf_worker_local_done(PgwfWorker *worker, PgwfRun *run, PgwfExec *result)
{
	PgwfExec  **link = &run->results;

	while (*link != NULL)
		link = &(*link)->next;
	result->next = NULL;
	*link = result;
	pgwf_worker_deliver_local(worker, run);
}

/*
 * The time of the run's task is nearly over while local activities go on:
 * answer what there is and ask for another task.
 */
void
pgwf_worker_local_heartbeat(PgwfWorker *worker, PgwfRun *run)
{
	PgwfTaskOutcome outcome;
	PgwfAnswerTexts texts;

	memset(&outcome, 0, sizeof(outcome));
	run->heartbeat_at = 0;
	pgwf_instance_heartbeat(run->instance, &outcome);
	pgwf_answer_texts_make(&texts, &outcome,
						   pgwf_registry_codec(worker->registry));
	pgwf_worker_set_state(worker, run, PGWF_RUN_RESPONDING);
	pgwf_worker_respond(worker,
						completion(worker, run, &texts, true,
								   worker->sticky_queue != NULL &&
								   !worker->stopping, true),
						run->entry.run_id, run, 0);
	pgwf_answer_texts_free(&texts);
	pgwf_task_outcome_clear(&outcome);
}
