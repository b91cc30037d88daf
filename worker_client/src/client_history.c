/*-------------------------------------------------------------------------
 *
 * client_history.c
 *	  Waiting for results, and reading histories.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_client.h"

/* ---- results ---- */

/*
 * The server waits in slices, so that a dead connection is noticed.
 */
#define RESULT_SLICE_MS		60000

PgwfResult
pgwf_client_result(PgwfClient *client, const PgwfResultOptions *options,
				   PgwfOutcome *outcome)
{
	PgwfResultOptions o = PGWF_RESULT_OPTIONS_INIT;
	int64_t		deadline;

	memset(outcome, 0, sizeof(*outcome));
	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	pgwf_copy_text(outcome->run_id, sizeof(outcome->run_id), o.run_id);
	pgwf_copy_text(outcome->status, sizeof(outcome->status), "Running");
	deadline = pgwf_clock_ms() + (o.timeout_ms > 0 ? o.timeout_ms : 0);

	for (;;)
	{
		PgwfParams	p = {0};
		PGresult   *result;
		PgwfResult	code;
		int64_t		slice = RESULT_SLICE_MS;

		if (o.timeout_ms != 0 && deadline - pgwf_clock_ms() < slice)
		{
			slice = deadline - pgwf_clock_ms();
			if (slice < 0)
				slice = 0;
		}
		pgwf_param_text(&p, o.workflow_id);
		pgwf_param_text(&p, outcome->run_id[0] != '\0' ? outcome->run_id : NULL);
		pgwf_param_wait(&p, (int) slice);
		pgwf_param_text(&p, client->workflow_namespace);
		code = pgwf_client_call(client, PGWF_STMT_RESULT, &p, true,
								client->call_timeout_ms, &result);
		if (code == PGWF_OK)
		{
			const char *run_id = pgwf_result_value(result, 0, 0);
			const char *status = pgwf_result_value(result, 0, 1);

			if (status == NULL)
				code = pgwf_client_bad_answer(client);
			else
			{
				json_t	   *failure;

				failure = pgwf_client_parse(client,
											pgwf_result_value(result, 0, 3));

				if (run_id != NULL)
					pgwf_copy_text(outcome->run_id, sizeof(outcome->run_id),
								   run_id);
				pgwf_copy_text(outcome->status, sizeof(outcome->status), status);
				outcome->result =
					pgwf_client_parse(client, pgwf_result_value(result, 0, 2));
				if (json_is_object(failure))
					outcome->failure = pgwf_failure_from_json(failure);
				json_decref(failure);
				if (outcome->result == NULL && pgwf_result_value(result, 0, 2) != NULL)
					code = pgwf_client_bad_answer(client);
			}
		}
		PQclear(result);
		if (code != PGWF_OK)
			return code;
		if (strcmp(outcome->status, "Running") != 0)
			return PGWF_OK;
		pgwf_outcome_clear(outcome);
		if (o.timeout_ms != 0 && pgwf_clock_ms() >= deadline)
			return pgwf_err_set(pgwf_client_err(client),
								PGWF_DEADLINE_EXCEEDED, NULL,
								"the workflow is still running");
	}
}

void
pgwf_outcome_clear(PgwfOutcome *outcome)
{
	json_decref(outcome->result);
	outcome->result = NULL;
	pgwf_failure_free(outcome->failure);
	outcome->failure = NULL;
}

/* ---- histories ---- */

PgwfResult
pgwf_client_history(PgwfClient *client, const PgwfHistoryOptions *options,
					json_t **events)
{
	PgwfHistoryOptions o = PGWF_HISTORY_OPTIONS_INIT;
	PgwfParams	p = {0};
	PGresult   *result;
	PgwfResult	code;
	int			i;

	*events = NULL;
	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	pgwf_param_text(&p, o.workflow_id);
	pgwf_param_text(&p, o.run_id);
	pgwf_param_int(&p, o.after_event_id);
	pgwf_param_int(&p, o.page_size > 0 ? o.page_size : 1000);
	pgwf_param_text(&p, o.reverse ? "t" : "f");
	pgwf_param_text(&p, o.close_event_only ?
					"HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT" :
					"HISTORY_EVENT_FILTER_TYPE_ALL_EVENT");
	pgwf_param_text(&p, client->workflow_namespace);
	code = pgwf_client_call(client, PGWF_STMT_HISTORY, &p, true, client->call_timeout_ms,
							&result);
	if (code == PGWF_OK)
	{
		*events = json_array();
		for (i = 0; i < PQntuples(result); i++)
		{
			json_t	   *event = pgwf_client_parse(client, pgwf_result_value(result, i, 0));

			if (event == NULL)
			{
				json_decref(*events);
				*events = NULL;
				code = pgwf_client_bad_answer(client);
				break;
			}
			json_array_append_new(*events, event);
		}
	}
	PQclear(result);
	return code;
}

PgwfResult
pgwf_client_history_json(PgwfClient *client, const char *workflow_id,
						 const char *run_id, char **text)
{
	PgwfParams	p = {0};
	PGresult   *result;
	PgwfResult	code;

	*text = NULL;
	if (pgwf_is_empty(workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	pgwf_param_text(&p, workflow_id);
	pgwf_param_text(&p, run_id);
	pgwf_param_text(&p, client->workflow_namespace);
	code = pgwf_client_call(client, PGWF_STMT_HISTORY_JSON, &p, true,
							client->call_timeout_ms, &result);
	if (code == PGWF_OK)
	{
		*text = pgwf_strdup(pgwf_result_value(result, 0, 0));
		if (*text == NULL)
			code = pgwf_client_bad_answer(client);
	}
	PQclear(result);
	return code;
}
