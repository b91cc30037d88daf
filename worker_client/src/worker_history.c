/*-------------------------------------------------------------------------
 *
 * worker_history.c
 *	  Histories that did not come with their task: read page by page on the
 *	  working connection.
 *
 * Main thread only.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_worker.h"

#define HISTORY_PAGE	1000

/* The id of an event; 0 of NULL. */
int64_t
pgwf_worker_event_id(const PgwfNode *event)
{
	return pgwf_node_int(event, "eventId");
}

/*
 * Append to the task's history what the service has after the given event, up
 * to the event before limit.  False: it could not be read.
 */
static bool
fetch_events(PgwfWorker *worker, PgwfTask *task, int64_t after, int64_t limit)
{
	const char *values[7];
	char		after_text[32];
	char		page_text[16];

	snprintf(page_text, sizeof(page_text), "%d", HISTORY_PAGE);
	values[0] = pgwf_node_str2(task->node, "workflowExecution", "workflowId");
	values[1] = pgwf_node_str2(task->node, "workflowExecution", "runId");
	values[2] = after_text;
	values[3] = page_text;
	values[4] = "f";
	values[5] = "HISTORY_EVENT_FILTER_TYPE_ALL_EVENT";
	values[6] = worker->workflow_namespace;
	while (after + 1 < limit)
	{
		PGresult   *result;
		int			n;
		int			i;

		snprintf(after_text, sizeof(after_text), "%" PRId64, after);
		PGWF_COUNT(worker, round_trips, 1);
		PGWF_COUNT(worker, transactions, 1);
		if (pgwf_conn_exec(worker->work, PGWF_STMT_HISTORY, values,
						   PGWF_REQUEST_TIMEOUT_MS, &result) != PGWF_OK)
		{
			pgwf_worker_log(worker, PGWF_LOG_WARNING,
							"could not read the history of \"%s\": %s",
							values[0] != NULL ? values[0] : "",
							worker->work->err.message);
			return false;
		}
		n = PQntuples(result);
		for (i = 0; i < n && after + 1 < limit; i++)
		{
			PgwfNode   *event = pgwf_worker_parse(worker, PQgetvalue(result,
																	 i, 0));

			if (event == NULL || pgwf_worker_event_id(event) != after + 1)
			{
				pgwf_node_release(event);
				PQclear(result);
				pgwf_worker_log(worker, PGWF_LOG_ERROR,
								"history of \"%s\" lacks event %" PRId64,
								values[0] != NULL ? values[0] : "", after + 1);
				return false;
			}
			pgwf_task_add_event(task, event);
			after++;
		}
		PQclear(result);
		if (n < HISTORY_PAGE)
			break;
	}
	return true;
}

/*
 * See to it that the task's history reaches from event 1 (whole), or from
 * where it begins, up to the task's started event; that of a query, which has
 * none, up to the end.
 */
bool
pgwf_worker_complete_history(PgwfWorker *worker, PgwfTask *task, bool whole)
{
	const PgwfNode *transient = pgwf_node_get(task->node, "transientEvents");
	int64_t		limit = pgwf_node_int(task->node, "startedEventId") + 1;

	if (pgwf_node_get(task->node, "query") != NULL)
		limit = INT64_MAX;
	else if (pgwf_node_count(transient) > 0)
		limit = pgwf_worker_event_id(pgwf_node_first(transient));
	if (whole && pgwf_worker_event_id(pgwf_task_first_event(task)) != 1)
		pgwf_task_drop_history(task);
	else if (task->complete ||
			 pgwf_node_get(task->node, "nextEventId") == NULL)
		return true;
	task->complete = true;
	return fetch_events(worker, task,
						pgwf_worker_event_id(pgwf_task_last_event(task)),
						limit);
}
