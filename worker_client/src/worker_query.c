/*-------------------------------------------------------------------------
 *
 * worker_query.c
 *	  Queries that come as tasks of their own: no workflow task, no effect,
 *	  only an answer.
 *
 * A run in memory answers between two activations.  For a run that is not, or
 * that another worker has taken further, an instance is made from the whole
 * history, which answers the queries that are there and is dropped: it has
 * seen less than a workflow task would bring.
 *
 * Main thread only.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_codec.h"
#include "pgwf_worker.h"

/* Send an answer, a WorkflowQueryResult, which is borrowed. */
static void
respond(PgwfWorker *worker, const PgwfRun *run, const char *token,
		const json_t *result)
{
	PgwfRequest *request = pgwf_request_create(PGWF_STMT_QUERY_COMPLETED);
	json_t	   *answer = json_object_get(result, "answer");
	const PgwfCodec *codec = pgwf_registry_codec(worker->registry);
	char	   *text = pgwf_codec_text(codec, PGWF_VALUE_ARGS, answer);
	bool		too_deep = answer != NULL && text == NULL;

	pgwf_request_bind(request, token);
	pgwf_request_bind(request, too_deep ? "QUERY_RESULT_TYPE_FAILED" :
					  pgwf_json_str(result, "resultType"));
	pgwf_request_bind_own(request, text);
	pgwf_request_bind(request, too_deep ? "the answer cannot be written: nested too deeply, or not encoded" :
					  pgwf_json_str(result, "errorMessage"));
	pgwf_request_bind_own(request,
						  pgwf_codec_text(codec, PGWF_VALUE_TREE,
										  json_object_get(result, "failure")));
	pgwf_request_bind(request, worker->workflow_namespace);
	pgwf_worker_respond(worker, request, run->entry.run_id, NULL, 0);
}

static void
respond_failed(PgwfWorker *worker, const PgwfRun *run, const char *token,
			   const char *message)
{
	json_t	   *result = json_pack("{s:s, s:s}", "resultType",
								   "QUERY_RESULT_TYPE_FAILED",
								   "errorMessage", message);

	respond(worker, run, token, result);
	json_decref(result);
}

/* Give a query, which is taken over, to a run whose instance is here. */
static void
start_query(PgwfWorker *worker, PgwfRun *run, PgwfTask *task)
{
	PgwfExec   *exec = pgwf_xalloc(sizeof(PgwfExec));

	free(run->query_token);
	run->query_token = pgwf_strdup(pgwf_node_str(task->node, "taskToken"));
	run->before_query = run->state;
	exec->task = task;
	exec->query = true;
	PGWF_COUNT(worker, queries, 1);
	pgwf_worker_execute(worker, run, exec);
}

/*
 * A query was polled; it is taken over.  run is NULL if its run is not in
 * memory.
 */
void
pgwf_worker_take_query(PgwfWorker *worker, PgwfRun *run, PgwfTask *task)
{
	const char *unreadable;
	const char *run_id = pgwf_node_str2(task->node, "workflowExecution", "runId");

	if (run_id == NULL || pgwf_node_str(task->node, "taskToken") == NULL)
	{
		pgwf_worker_log(worker, PGWF_LOG_ERROR,
						"could not understand a query");
		pgwf_task_free(task);
		return;
	}
	if (run != NULL && run->state == PGWF_RUN_IDLE &&
		pgwf_instance_last_started_id(run->instance) <
		pgwf_node_int(task->node, "previousStartedEventId"))
	{
		/* it has gone on elsewhere */
		pgwf_worker_evict(worker, run);
		run = NULL;
	}
	if (run != NULL && (run->state == PGWF_RUN_IDLE ||
						run->state == PGWF_RUN_LOCAL))
	{
		start_query(worker, run, task);
		return;
	}
	if (run != NULL)
	{
		PgwfTask  **link = &run->queries;

		while (*link != NULL)
			link = &(*link)->next;
		*link = task;
		return;
	}
	if (!pgwf_worker_complete_history(worker, task, true))
	{
		pgwf_task_free(task);
		return;
	}
	run = pgwf_worker_create_run(worker, task->node, run_id);
	run->query_only = true;
	unreadable = pgwf_worker_task_unreadable(task);
	if (unreadable != NULL)
	{
		char		message[200];

		snprintf(message, sizeof(message), "the history cannot be read: %s",
				 unreadable);
		respond_failed(worker, run, pgwf_node_str(task->node, "taskToken"), message);
		pgwf_worker_drop_run(worker, run);
		pgwf_task_free(task);
		return;
	}
	PGWF_COUNT(worker, replays, 1);
	start_query(worker, run, task);
}

/* Let the queries that wait for a run come again. */
void
pgwf_worker_give_queries_back(PgwfWorker *worker, PgwfRun *run)
{
	while (run->queries != NULL)
	{
		PgwfTask   *query = run->queries;

		run->queries = query->next;
		pgwf_worker_pend(worker, query);
	}
}

/*
 * The executor has answered a query.  exec is freed here.
 */
void
pgwf_worker_query_answered(PgwfWorker *worker, PgwfRun *run, PgwfExec *exec)
{
	respond(worker, run, run->query_token, exec->query_result);
	pgwf_exec_free(exec);
	free(run->query_token);
	run->query_token = NULL;
	if (run->query_only)
	{
		PgwfTask   *next = run->queries;

		if (next == NULL)
		{
			pgwf_worker_drop_run(worker, run);
			return;
		}
		run->queries = next->next;
		next->next = NULL;
		run->before_query = PGWF_RUN_IDLE;
		start_query(worker, run, next);
		return;
	}
	pgwf_worker_set_state(worker, run, run->before_query);
	pgwf_worker_give_queries_back(worker, run);
	if (run->state == PGWF_RUN_LOCAL && run->next_task != NULL)
		pgwf_worker_evict(worker, run); /* its task has been given up */
	else if (run->state == PGWF_RUN_LOCAL)
		pgwf_worker_deliver_local(worker, run);
	else if (run->next_task != NULL)
	{
		pgwf_worker_pend(worker, run->next_task);
		run->next_task = NULL;
	}
}

/*
 * The run's code, now lost, did not yield.  If it was answering a query, that
 * has failed.  True if there is no workflow task to be failed: then the run is
 * gone.
 */
bool
pgwf_worker_query_deadlock(PgwfWorker *worker, PgwfRun *run,
						   const char *message)
{
	bool		query = run->query_token != NULL;

	if (!query)
		return false;
	respond_failed(worker, run, run->query_token, message);
	free(run->query_token);
	run->query_token = NULL;
	pgwf_worker_log(worker, PGWF_LOG_WARNING,
					"query of workflow \"%s\" run %s failed: %s",
					run->workflow_id, run->entry.run_id, message);
	if (run->before_query == PGWF_RUN_LOCAL)
		return false;
	pgwf_worker_evict(worker, run);
	return true;
}
