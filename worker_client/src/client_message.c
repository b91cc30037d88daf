/*-------------------------------------------------------------------------
 *
 * client_message.c
 *	  Queries and updates.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_client.h"

/* The server waits in slices, so that a dead connection is noticed. */
#define UPDATE_SLICE_MS		10000

/* What a query waits for by the service's default */
#define QUERY_TIMEOUT_MS	10000

/* ---- queries ---- */

static const char *
reject_condition(PgwfQueryReject condition)
{
	switch (condition)
	{
		case PGWF_QUERY_REJECT_NONE:
			return NULL;
		case PGWF_QUERY_REJECT_NOT_OPEN:
			return "QUERY_REJECT_CONDITION_NOT_OPEN";
		case PGWF_QUERY_REJECT_NOT_COMPLETED_CLEANLY:
			return "QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY";
	}
	return "unknown";			/* which the service refuses */
}

/* WORKFLOW_EXECUTION_STATUS_TIMED_OUT to TimedOut */
static void
short_status(char status[PGWF_STATUS_SIZE], const char *constant)
{
	static const char prefix[] = "WORKFLOW_EXECUTION_STATUS_";
	size_t		n = 0;
	bool		upper = true;

	if (strncmp(constant, prefix, strlen(prefix)) == 0)
		constant += strlen(prefix);
	for (; *constant != '\0' && n < PGWF_STATUS_SIZE - 1; constant++)
	{
		char		c = *constant;

		if (c != '_')
			status[n++] = (!upper && c >= 'A' && c <= 'Z') ?
				(char) (c - 'A' + 'a') : c;
		upper = (c == '_');
	}
	status[n] = '\0';
}

PgwfResult
pgwf_client_query(PgwfClient *client, const PgwfQueryOptions *options,
				  json_t **answer, char status[PGWF_STATUS_SIZE])
{
	PgwfQueryOptions o = PGWF_QUERY_OPTIONS_INIT;
	PgwfParams	p = {0};
	int			timeout_ms;
	PGresult   *result;
	PgwfResult	code;

	*answer = NULL;
	if (status != NULL)
		status[0] = '\0';
	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	if (pgwf_is_empty(o.query_type))
		return pgwf_client_missing(client, "query_type");
	timeout_ms = pgwf_option_ms(o.timeout_ms, QUERY_TIMEOUT_MS);
	pgwf_param_text(&p, o.workflow_id);
	pgwf_param_text(&p, o.query_type);
	pgwf_param_value(client, &p, PGWF_VALUE_ARGS, o.args);
	pgwf_param_text(&p, o.run_id);
	pgwf_param_text(&p, reject_condition(o.reject_condition));
	pgwf_param_value(client, &p, PGWF_VALUE_FIELDS, o.header);
	pgwf_param_interval(&p, o.timeout_ms);
	pgwf_param_text(&p, client->workflow_namespace);
	code = pgwf_client_call(client, PGWF_STMT_QUERY, &p, true,
							client->call_timeout_ms < 0 ? -1 :
							timeout_ms + client->call_timeout_ms, &result);
	if (code == PGWF_OK)
	{
		json_t	   *rejected = pgwf_client_parse(client, pgwf_result_value(result, 0, 1));
		const char *why = pgwf_json_str(rejected, "status");

		if (why != NULL)
		{
			code = pgwf_err_set(pgwf_client_err(client),
								PGWF_FAILED_PRECONDITION, NULL,
								"the query was rejected: the run is %s", why);
			if (status != NULL)
				short_status(status, why);
		}
		else
		{
			*answer = pgwf_client_parse(client, pgwf_result_value(result, 0, 0));
			if (*answer == NULL)
				*answer = json_array();
		}
		json_decref(rejected);
	}
	PQclear(result);
	return code;
}

/* ---- updates ---- */

/* The stage of its constant; PGWF_UPDATE_STAGE_DEFAULT for anything else */
static PgwfUpdateStage
stage_of(const char *constant)
{
	static const char prefix[] = "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_";

	if (constant == NULL ||
		strncmp(constant, prefix, strlen(prefix)) != 0)
		return PGWF_UPDATE_STAGE_DEFAULT;
	constant += strlen(prefix);
	if (strcmp(constant, "ADMITTED") == 0)
		return PGWF_UPDATE_ADMITTED;
	if (strcmp(constant, "ACCEPTED") == 0)
		return PGWF_UPDATE_ACCEPTED;
	if (strcmp(constant, "COMPLETED") == 0)
		return PGWF_UPDATE_COMPLETED;
	return PGWF_UPDATE_STAGE_DEFAULT;
}

static const char *
stage_name(PgwfUpdateStage stage)
{
	return stage == PGWF_UPDATE_ACCEPTED ? "ACCEPTED" : "COMPLETED";
}

/* Reads the columns stage and outcome, the first of which is "column". */
static PgwfResult
read_outcome(PgwfClient *client, const PGresult *result, int column,
			 PgwfUpdateOutcome *outcome)
{
	json_t	   *json = pgwf_client_parse(client, pgwf_result_value(result, 0,
																   column + 1));
	json_t	   *failure = json_object_get(json, "failure");

	outcome->stage = stage_of(pgwf_result_value(result, 0, column));
	outcome->result = json_incref(json_object_get(json, "success"));
	if (json_is_object(failure))
		outcome->failure = pgwf_failure_from_json(failure);
	json_decref(json);
	if (outcome->stage == PGWF_UPDATE_STAGE_DEFAULT)
		return pgwf_client_bad_answer(client);
	return PGWF_OK;
}

static void
begin_outcome(PgwfUpdateOutcome *outcome, PgwfUpdateOptions *o,
			  const PgwfUpdateOptions *options)
{
	char		uuid[PGWF_RUN_ID_SIZE];

	memset(outcome, 0, sizeof(*outcome));
	pgwf_options_read(o, sizeof(*o), options);
	if (pgwf_is_empty(o->update_id))
		pgwf_request_uuid(uuid);
	outcome->update_id = pgwf_strdup(pgwf_is_empty(o->update_id) ? uuid :
									 o->update_id);
	if (o->wait_for_stage == PGWF_UPDATE_STAGE_DEFAULT)
		o->wait_for_stage = PGWF_UPDATE_COMPLETED;
}

/* When an update's wait is over, by the monotonic clock; 0: never */
static int64_t
deadline_of(const PgwfUpdateOptions *o)
{
	return o->timeout_ms > 0 ? pgwf_clock_ms() + o->timeout_ms : 0;
}

/* How long the server may wait in the next call */
static int
next_slice(int64_t deadline)
{
	int64_t		left;

	if (deadline == 0)
		return UPDATE_SLICE_MS;
	left = deadline - pgwf_clock_ms();
	if (left < 1)
		return 1;
	return left < UPDATE_SLICE_MS ? (int) left : UPDATE_SLICE_MS;
}

/*
 * After a call that has come so far: waits on until the stage is there.  The
 * run that has the update may be closed and continued; without a run id the
 * service finds it.
 */
static PgwfResult
wait_for_stage(PgwfClient *client, const PgwfUpdateOptions *o,
			   int64_t deadline, PgwfUpdateOutcome *outcome)
{
	PgwfResult	code = PGWF_OK;

	while (code == PGWF_OK && outcome->stage < o->wait_for_stage)
	{
		int			slice = next_slice(deadline);
		PgwfParams	p = {0};
		PGresult   *result;

		if (deadline != 0 && pgwf_clock_ms() >= deadline &&
			outcome->stage != PGWF_UPDATE_STAGE_DEFAULT)
			return pgwf_err_set(pgwf_client_err(client),
								PGWF_DEADLINE_EXCEEDED, NULL,
								"the update is not yet %s",
								o->wait_for_stage == PGWF_UPDATE_ACCEPTED ?
								"accepted" : "completed");
		pgwf_param_text(&p, o->workflow_id);
		pgwf_param_text(&p, outcome->update_id);
		pgwf_param_text(&p, o->run_id);
		pgwf_param_text(&p, stage_name(o->wait_for_stage));
		pgwf_param_wait(&p, slice);
		pgwf_param_text(&p, client->workflow_namespace);
		code = pgwf_client_call(client, PGWF_STMT_POLL_UPDATE, &p, true,
								client->call_timeout_ms, &result);
		if (code == PGWF_OK)
			code = read_outcome(client, result, 0, outcome);
		PQclear(result);
	}
	return code;
}

PgwfResult
pgwf_client_update(PgwfClient *client, const PgwfUpdateOptions *options,
				   PgwfUpdateOutcome *outcome)
{
	PgwfUpdateOptions o = PGWF_UPDATE_OPTIONS_INIT;
	PgwfParams	p = {0};
	int64_t		deadline;
	int			slice;
	PGresult   *result;
	PgwfResult	code;

	begin_outcome(outcome, &o, options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	if (pgwf_is_empty(o.update_name))
		return pgwf_client_missing(client, "update_name");
	deadline = deadline_of(&o);
	slice = next_slice(deadline);
	pgwf_param_text(&p, o.workflow_id);
	pgwf_param_text(&p, outcome->update_id);
	pgwf_param_text(&p, o.update_name);
	pgwf_param_value(client, &p, PGWF_VALUE_ARGS, o.args);
	pgwf_param_text(&p, o.run_id);
	pgwf_param_text(&p, o.first_execution_run_id);
	pgwf_param_text(&p, stage_name(o.wait_for_stage));
	pgwf_param_value(client, &p, PGWF_VALUE_FIELDS, o.header);
	pgwf_param_text(&p, client->identity);
	pgwf_param_wait(&p, slice);
	pgwf_param_text(&p, client->workflow_namespace);
	code = pgwf_client_call(client, PGWF_STMT_UPDATE, &p, true,
							client->call_timeout_ms, &result);
	if (code == PGWF_OK)
		code = read_outcome(client, result, 0, outcome);
	PQclear(result);
	if (code != PGWF_OK)
		return code;
	return wait_for_stage(client, &o, deadline, outcome);
}

PgwfResult
pgwf_client_poll_update(PgwfClient *client, const PgwfUpdateOptions *options,
						PgwfUpdateOutcome *outcome)
{
	PgwfUpdateOptions o = PGWF_UPDATE_OPTIONS_INIT;

	begin_outcome(outcome, &o, options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	if (pgwf_is_empty(o.update_id))
		return pgwf_client_missing(client, "update_id");
	return wait_for_stage(client, &o, deadline_of(&o), outcome);
}

PgwfResult
pgwf_client_update_with_start(PgwfClient *client,
							  const PgwfStartOptions *start,
							  const PgwfUpdateOptions *update,
							  PgwfStarted *started,
							  PgwfUpdateOutcome *outcome)
{
	PgwfUpdateOptions o = PGWF_UPDATE_OPTIONS_INIT;
	PgwfStartOptions s = PGWF_START_OPTIONS_INIT;
	PgwfParams	p = {0};
	int64_t		deadline;
	int			slice;
	PGresult   *result;
	PgwfResult	code;

	begin_outcome(outcome, &o, update);
	pgwf_options_read(&s, sizeof(s), start);
	if (pgwf_is_empty(o.update_name))
		return pgwf_client_missing(client, "update_name");
	code = pgwf_start_params(client, start, &p);
	if (code != PGWF_OK)
		return code;
	deadline = deadline_of(&o);
	slice = next_slice(deadline);
	pgwf_param_text(&p, outcome->update_id);
	pgwf_param_text(&p, o.update_name);
	pgwf_param_value(client, &p, PGWF_VALUE_ARGS, o.args);
	pgwf_param_value(client, &p, PGWF_VALUE_FIELDS, o.header);
	pgwf_param_text(&p, stage_name(o.wait_for_stage));
	pgwf_param_wait(&p, slice);
	pgwf_param_text(&p, client->workflow_namespace);
	code = pgwf_client_call(client, PGWF_STMT_UPDATE_WITH_START, &p, true,
							client->call_timeout_ms, &result);
	if (code == PGWF_OK)
	{
		pgwf_started_read(result, started);
		code = read_outcome(client, result, 2, outcome);
	}
	PQclear(result);
	if (code != PGWF_OK)
		return code;
	o.workflow_id = s.workflow_id;
	o.run_id = NULL;
	return wait_for_stage(client, &o, deadline, outcome);
}

void
pgwf_update_outcome_clear(PgwfUpdateOutcome *outcome)
{
	free(outcome->update_id);
	json_decref(outcome->result);
	pgwf_failure_free(outcome->failure);
	memset(outcome, 0, sizeof(*outcome));
}
