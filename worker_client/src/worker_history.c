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

int64_t
pgwf_worker_event_id(const json_t *event)
{
	return pgwf_json_int(event, "eventId");
}

/*
 * Append to events what the service has after the given event, up to the
 * event before limit.  False: it could not be read.
 */
static bool
fetch_events(PgwfWorker *worker, json_t *task, json_t *events,
			 int64_t after, int64_t limit)
{
	const char *values[7];
	char		after_text[32];
	char		page_text[16];

	snprintf(page_text, sizeof(page_text), "%d", HISTORY_PAGE);
	values[0] = pgwf_json_str2(task, "workflowExecution", "workflowId");
	values[1] = pgwf_json_str2(task, "workflowExecution", "runId");
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
			json_t	   *event = pgwf_worker_parse(worker, PQgetvalue(result, i, 0));

			if (event == NULL || pgwf_worker_event_id(event) != after + 1)
			{
				json_decref(event);
				PQclear(result);
				pgwf_worker_log(worker, PGWF_LOG_ERROR,
								"history of \"%s\" lacks event %" PRId64,
								values[0] != NULL ? values[0] : "", after + 1);
				return false;
			}
			pgwf_worker_pass_mark_on(event, task);
			json_array_append_new(events, event);
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
pgwf_worker_complete_history(PgwfWorker *worker, json_t *task, bool whole)
{
	json_t	   *history = json_object_get(task, "history");
	json_t	   *events = json_object_get(history, "events");
	json_t	   *transient = json_object_get(task, "transientEvents");
	int64_t		limit = pgwf_json_int(task, "startedEventId") + 1;
	int64_t		after;
	size_t		n;

	if (json_object_get(task, "query") != NULL)
		limit = INT64_MAX;
	else if (json_array_size(transient) > 0)
		limit = pgwf_worker_event_id(json_array_get(transient, 0));
	if (!json_is_array(events))
	{
		events = json_array();
		history = json_object();
		json_object_set_new(history, "events", events);
		json_object_set_new(task, "history", history);
	}
	if (whole && pgwf_worker_event_id(json_array_get(events, 0)) != 1)
		json_array_clear(events);
	else if (json_object_get(task, "nextEventId") == NULL)
		return true;
	n = json_array_size(events);
	after = n > 0 ? pgwf_worker_event_id(json_array_get(events, n - 1)) : 0;
	json_object_del(task, "nextEventId");
	return fetch_events(worker, task, events, after, limit);
}
