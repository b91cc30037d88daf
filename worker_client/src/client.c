/*-------------------------------------------------------------------------
 *
 * client.c
 *	  Client handles: starting, signalling, cancelling, describing workflows,
 *	  waiting for results, reading histories, finishing activities.
 *
 * A handle is one connection and belongs to one thread at a time; there are
 * no locks.  Each call is one statement and one round trip.  Calls that the
 * service recognises when repeated (by request id, or because they only read)
 * are repeated after a lost connection.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_conn.h"
#include "pgwf_options.h"

struct PgwfClient
{
	PgwfConn   *conn;
	char	   *workflow_namespace;
	char	   *identity;
	int			connect_timeout_ms;
	int			call_timeout_ms;
	int			retry_timeout_ms;
	PgwfBackoff backoff;
	PgwfErr		err;
};

/* Parameters being collected for one statement. */
typedef struct Params
{
	int			n;
	char	   *values[PGWF_MAX_PARAMS];
} Params;

static void
add_own(Params *params, char *value)
{
	params->values[params->n++] = value;
}

static void
add_text(Params *params, const char *value)
{
	add_own(params, pgwf_strdup(value));
}

static void
add_json(Params *params, const json_t *value)
{
	add_own(params, pgwf_json_text(value));
}

static void
add_args(Params *params, const json_t *value)
{
	add_own(params, pgwf_json_args_text(value));
}

/* An interval in milliseconds; 0 is null. */
static void
add_interval(Params *params, int64_t ms)
{
	char		buf[48];

	snprintf(buf, sizeof(buf), "%" PRId64 " ms", ms);
	add_text(params, ms != 0 ? buf : NULL);
}

static void
add_int(Params *params, int64_t value)
{
	char		buf[32];

	snprintf(buf, sizeof(buf), "%" PRId64, value);
	add_text(params, buf);
}

static void
free_params(Params *params)
{
	int			i;

	for (i = 0; i < params->n; i++)
		free(params->values[i]);
}

/* ---- life ---- */

static PgwfClient *
new_client(PgwfConn *conn, const PgwfClientOptions *options)
{
	PgwfClient *client = pgwf_xalloc(sizeof(PgwfClient));
	PgwfClientOptions o = PGWF_CLIENT_OPTIONS_INIT;

	pgwf_options_read(&o, sizeof(o), options);
	client->conn = conn;
	client->workflow_namespace = pgwf_strdup(o.workflow_namespace != NULL ?
											 o.workflow_namespace : "default");
	client->identity = o.identity != NULL ? pgwf_strdup(o.identity) :
		pgwf_default_identity(NULL);
	client->connect_timeout_ms = pgwf_option_ms(o.connect_timeout_ms, 10000);
	client->call_timeout_ms = pgwf_option_ms(o.call_timeout_ms, 30000);
	client->retry_timeout_ms = pgwf_option_ms(o.retry_timeout_ms, 10000);
	pgwf_backoff_init(&client->backoff,
					  (uint64_t) pgwf_wall_us() ^ (uintptr_t) client);
	return client;
}

PgwfClient *
pgwf_client_new(const char *conninfo, const PgwfClientOptions *options)
{
	return new_client(pgwf_conn_create(conninfo, "pgworkflow client"),
					  options);
}

PgwfClient *
pgwf_client_new_on(struct pg_conn *conn, const PgwfClientOptions *options)
{
	return new_client(pgwf_conn_wrap(conn), options);
}

void
pgwf_client_free(PgwfClient *client)
{
	if (client == NULL)
		return;
	pgwf_conn_destroy(client->conn);
	free(client->workflow_namespace);
	free(client->identity);
	pgwf_err_reset(&client->err);
	free(client);
}

PgwfResult
pgwf_client_connect(PgwfClient *client)
{
	PgwfResult	code;

	code = pgwf_conn_open(client->conn, client->connect_timeout_ms);
	if (code != PGWF_OK)
		pgwf_err_copy(&client->err, &client->conn->err);
	return code;
}

const char *
pgwf_client_error(const PgwfClient *client)
{
	return client->err.message != NULL ? client->err.message : "";
}

const char *
pgwf_client_sqlstate(const PgwfClient *client)
{
	return client->err.sqlstate;
}

/* ---- running a statement ---- */

static PgwfResult
missing(PgwfClient *client, const char *what)
{
	return pgwf_err_set(&client->err, PGWF_INVALID_ARGUMENT, NULL,
						"%s is not set", what);
}

static bool
is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/*
 * Run a statement, connecting if need be.  A statement that may be repeated
 * is, after a lost connection, until the retry time is over; the others
 * only as long as they cannot have reached the server.  Frees params.
 */
static PgwfResult
call(PgwfClient *client, PgwfStmt stmt, Params *params, bool repeatable,
	 int timeout_ms, PGresult **result)
{
	PgwfConn   *conn = client->conn;
	int64_t		retry_until = pgwf_clock_ms() + client->retry_timeout_ms;
	PgwfResult	code;

	*result = NULL;
	pgwf_backoff_reset(&client->backoff);
	for (;;)
	{
		bool		sent = false;
		int			delay;

		code = pgwf_conn_open(conn, client->connect_timeout_ms);
		if (code == PGWF_OK)
		{
			sent = true;
			code = pgwf_conn_exec(conn, stmt,
								  (const char *const *) params->values,
								  timeout_ms, result);
		}
		if (code == PGWF_OK || pgwf_conn_is_open(conn) ||
			conn->conninfo == NULL || code == PGWF_DEADLINE_EXCEEDED ||
			client->retry_timeout_ms < 0 || (sent && !repeatable))
			break;
		delay = pgwf_backoff_next(&client->backoff);
		if (pgwf_clock_ms() + delay > retry_until)
			break;
		poll(NULL, 0, delay);
	}
	if (code != PGWF_OK)
		pgwf_err_copy(&client->err, &conn->err);
	free_params(params);
	return code;
}

/* The same for statements whose result does not matter. */
static PgwfResult
call_void(PgwfClient *client, PgwfStmt stmt, Params *params, bool repeatable)
{
	PGresult   *result;
	PgwfResult	code;

	code = call(client, stmt, params, repeatable, client->call_timeout_ms,
				&result);
	PQclear(result);
	return code;
}

static const char *
value_of(const PGresult *result, int row, int column)
{
	if (row >= PQntuples(result) || column >= PQnfields(result) ||
		PQgetisnull(result, row, column))
		return NULL;
	return PQgetvalue(result, row, column);
}

static void
copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

static PgwfResult
bad_answer(PgwfClient *client)
{
	return pgwf_err_set(&client->err, PGWF_ERROR, NULL,
						"could not understand the server's answer");
}

/* Adds the given request id or a random one. */
static void
add_request_id(Params *params, const char *request_id)
{
	char		uuid[PGWF_RUN_ID_SIZE];

	if (is_empty(request_id))
	{
		pgwf_request_uuid(uuid);
		request_id = uuid;
	}
	add_text(params, request_id);
}

/* ---- workflows ---- */

PgwfResult
pgwf_client_start(PgwfClient *client, const PgwfStartOptions *options,
				  PgwfStarted *started)
{
	PgwfStartOptions o = PGWF_START_OPTIONS_INIT;
	Params		p = {0};
	PGresult   *result;
	PgwfResult	code;

	pgwf_options_read(&o, sizeof(o), options);
	if (is_empty(o.workflow_id))
		return missing(client, "workflow_id");
	if (is_empty(o.workflow_type))
		return missing(client, "workflow_type");
	if (is_empty(o.task_queue))
		return missing(client, "task_queue");
	add_text(&p, o.workflow_id);
	add_text(&p, o.workflow_type);
	add_text(&p, o.task_queue);
	add_args(&p, o.input);
	add_request_id(&p, o.request_id);
	add_text(&p, client->identity);
	add_interval(&p, o.execution_timeout_ms);
	add_interval(&p, o.run_timeout_ms);
	add_interval(&p, o.task_timeout_ms);
	add_json(&p, o.memo);
	add_json(&p, o.search_attributes);
	add_json(&p, o.header);
	while (p.n < pgwf_stmt_nparams(PGWF_STMT_START) - 1)
		add_text(&p, NULL);
	add_text(&p, client->workflow_namespace);
	code = call(client, PGWF_STMT_START, &p, true, client->call_timeout_ms,
				&result);
	if (code == PGWF_OK && started != NULL)
	{
		const char *flag = value_of(result, 0, 1);

		copy_text(started->run_id, sizeof(started->run_id),
				  value_of(result, 0, 0));
		started->started = flag != NULL && flag[0] == 't';
	}
	PQclear(result);
	return code;
}

PgwfResult
pgwf_client_signal(PgwfClient *client, const PgwfSignalOptions *options)
{
	PgwfSignalOptions o = PGWF_SIGNAL_OPTIONS_INIT;
	Params		p = {0};

	pgwf_options_read(&o, sizeof(o), options);
	if (is_empty(o.workflow_id))
		return missing(client, "workflow_id");
	if (is_empty(o.signal_name))
		return missing(client, "signal_name");
	add_text(&p, o.workflow_id);
	add_text(&p, o.signal_name);
	add_args(&p, o.input);
	add_text(&p, o.run_id);
	add_request_id(&p, o.request_id);
	add_text(&p, client->identity);
	add_json(&p, NULL);
	add_text(&p, client->workflow_namespace);
	return call_void(client, PGWF_STMT_SIGNAL, &p, true);
}

PgwfResult
pgwf_client_request_cancel(PgwfClient *client,
						   const PgwfCancelOptions *options)
{
	PgwfCancelOptions o = PGWF_CANCEL_OPTIONS_INIT;
	Params		p = {0};

	pgwf_options_read(&o, sizeof(o), options);
	if (is_empty(o.workflow_id))
		return missing(client, "workflow_id");
	add_text(&p, o.workflow_id);
	add_text(&p, o.reason);
	add_text(&p, o.run_id);
	add_text(&p, o.first_execution_run_id);
	add_request_id(&p, o.request_id);
	add_text(&p, client->identity);
	add_text(&p, client->workflow_namespace);
	return call_void(client, PGWF_STMT_REQUEST_CANCEL, &p, true);
}

PgwfResult
pgwf_client_terminate(PgwfClient *client,
					  const PgwfTerminateOptions *options)
{
	PgwfTerminateOptions o = PGWF_TERMINATE_OPTIONS_INIT;
	Params		p = {0};

	pgwf_options_read(&o, sizeof(o), options);
	if (is_empty(o.workflow_id))
		return missing(client, "workflow_id");
	add_text(&p, o.workflow_id);
	add_text(&p, o.reason);
	add_args(&p, o.details);
	add_text(&p, o.run_id);
	add_text(&p, o.first_execution_run_id);
	add_text(&p, client->identity);
	add_text(&p, client->workflow_namespace);

	/* repeated, it would report that the run is closed, or end the next */
	return call_void(client, PGWF_STMT_TERMINATE, &p, false);
}

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
	if (is_empty(o.workflow_id))
		return missing(client, "workflow_id");
	copy_text(outcome->run_id, sizeof(outcome->run_id), o.run_id);
	copy_text(outcome->status, sizeof(outcome->status), "Running");
	deadline = pgwf_clock_ms() + (o.timeout_ms > 0 ? o.timeout_ms : 0);

	for (;;)
	{
		Params		p = {0};
		PGresult   *result;
		PgwfResult	code;
		int64_t		slice = RESULT_SLICE_MS;
		char		buf[48];

		if (o.timeout_ms != 0 && deadline - pgwf_clock_ms() < slice)
		{
			slice = deadline - pgwf_clock_ms();
			if (slice < 0)
				slice = 0;
		}
		snprintf(buf, sizeof(buf), "%" PRId64 " ms", slice);
		add_text(&p, o.workflow_id);
		add_text(&p, outcome->run_id[0] != '\0' ? outcome->run_id : NULL);
		add_text(&p, buf);
		add_text(&p, client->workflow_namespace);
		code = call(client, PGWF_STMT_RESULT, &p, true,
					(int) slice + client->call_timeout_ms, &result);
		if (code == PGWF_OK)
		{
			const char *run_id = value_of(result, 0, 0);
			const char *status = value_of(result, 0, 1);

			if (status == NULL)
				code = bad_answer(client);
			else
			{
				json_t	   *failure = pgwf_json_parse(value_of(result, 0, 3));

				if (run_id != NULL)
					copy_text(outcome->run_id, sizeof(outcome->run_id),
							  run_id);
				copy_text(outcome->status, sizeof(outcome->status), status);
				outcome->result = pgwf_json_parse(value_of(result, 0, 2));
				if (json_is_object(failure))
					outcome->failure = pgwf_failure_from_json(failure);
				json_decref(failure);
				if (outcome->result == NULL && value_of(result, 0, 2) != NULL)
					code = bad_answer(client);
			}
		}
		PQclear(result);
		if (code != PGWF_OK)
			return code;
		if (strcmp(outcome->status, "Running") != 0)
			return PGWF_OK;
		pgwf_outcome_clear(outcome);
		if (o.timeout_ms != 0 && pgwf_clock_ms() >= deadline)
			return pgwf_err_set(&client->err, PGWF_DEADLINE_EXCEEDED, NULL,
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

PgwfResult
pgwf_client_describe(PgwfClient *client, const char *workflow_id,
					 const char *run_id, json_t **description)
{
	Params		p = {0};
	PGresult   *result;
	PgwfResult	code;

	*description = NULL;
	if (is_empty(workflow_id))
		return missing(client, "workflow_id");
	add_text(&p, workflow_id);
	add_text(&p, run_id);
	add_text(&p, client->workflow_namespace);
	code = call(client, PGWF_STMT_DESCRIBE, &p, true,
				client->call_timeout_ms, &result);
	if (code == PGWF_OK)
	{
		*description = pgwf_json_parse(value_of(result, 0, 0));
		if (*description == NULL)
			code = bad_answer(client);
	}
	PQclear(result);
	return code;
}

/* ---- histories ---- */

PgwfResult
pgwf_client_history(PgwfClient *client, const PgwfHistoryOptions *options,
					json_t **events)
{
	PgwfHistoryOptions o = PGWF_HISTORY_OPTIONS_INIT;
	Params		p = {0};
	PGresult   *result;
	PgwfResult	code;
	int			i;

	*events = NULL;
	pgwf_options_read(&o, sizeof(o), options);
	if (is_empty(o.workflow_id))
		return missing(client, "workflow_id");
	add_text(&p, o.workflow_id);
	add_text(&p, o.run_id);
	add_int(&p, o.after_event_id);
	add_int(&p, o.page_size > 0 ? o.page_size : 1000);
	add_text(&p, o.reverse ? "t" : "f");
	add_text(&p, o.close_event_only ?
			 "HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT" :
			 "HISTORY_EVENT_FILTER_TYPE_ALL_EVENT");
	add_text(&p, client->workflow_namespace);
	code = call(client, PGWF_STMT_HISTORY, &p, true, client->call_timeout_ms,
				&result);
	if (code == PGWF_OK)
	{
		*events = json_array();
		for (i = 0; i < PQntuples(result); i++)
		{
			json_t	   *event = pgwf_json_parse(value_of(result, i, 0));

			if (event == NULL)
			{
				json_decref(*events);
				*events = NULL;
				code = bad_answer(client);
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
	Params		p = {0};
	PGresult   *result;
	PgwfResult	code;

	*text = NULL;
	if (is_empty(workflow_id))
		return missing(client, "workflow_id");
	add_text(&p, workflow_id);
	add_text(&p, run_id);
	add_text(&p, client->workflow_namespace);
	code = call(client, PGWF_STMT_HISTORY_JSON, &p, true,
				client->call_timeout_ms, &result);
	if (code == PGWF_OK)
	{
		*text = pgwf_strdup(value_of(result, 0, 0));
		if (*text == NULL)
			code = bad_answer(client);
	}
	PQclear(result);
	return code;
}

/* ---- activities from outside ---- */

/*
 * Run one of the activity calls in its form by token or by ids.
 */
static PgwfResult
activity_call(PgwfClient *client, const PgwfActivityRef *activity,
			  PgwfStmt by_token, PgwfStmt by_id, char *value,
			  PGresult **result)
{
	Params		p = {0};
	bool		token = !is_empty(activity->task_token);

	*result = NULL;
	if (!token && (is_empty(activity->workflow_id) ||
				   is_empty(activity->activity_id)))
	{
		free(value);
		return missing(client, "task_token, or workflow_id and activity_id,");
	}
	if (token)
	{
		add_text(&p, activity->task_token);
		add_own(&p, value);
		if (by_token == PGWF_STMT_ACTIVITY_FAILED)
			add_text(&p, NULL);
	}
	else
	{
		add_text(&p, activity->workflow_id);
		add_text(&p, activity->activity_id);
		add_own(&p, value);
		add_text(&p, activity->run_id);
	}
	add_text(&p, client->identity);
	add_text(&p, client->workflow_namespace);

	/* a heartbeat can be repeated; an outcome would be found stale */
	return call(client, token ? by_token : by_id, &p,
				by_token == PGWF_STMT_HEARTBEAT, client->call_timeout_ms,
				result);
}

PgwfResult
pgwf_client_complete_activity(PgwfClient *client,
							  const PgwfActivityRef *activity,
							  json_t *result)
{
	PGresult   *res;
	PgwfResult	code;

	code = activity_call(client, activity, PGWF_STMT_ACTIVITY_COMPLETED,
						 PGWF_STMT_ACTIVITY_COMPLETED_BY_ID,
						 pgwf_json_value_text(result), &res);
	PQclear(res);
	return code;
}

PgwfResult
pgwf_client_fail_activity(PgwfClient *client, const PgwfActivityRef *activity,
						  const PgwfFailure *failure)
{
	PGresult   *res;
	PgwfResult	code;

	if (failure == NULL)
		return missing(client, "failure");
	code = activity_call(client, activity, PGWF_STMT_ACTIVITY_FAILED,
						 PGWF_STMT_ACTIVITY_FAILED_BY_ID,
						 pgwf_json_text(pgwf_failure_json(failure)), &res);
	PQclear(res);
	return code;
}

PgwfResult
pgwf_client_cancel_activity(PgwfClient *client,
							const PgwfActivityRef *activity, json_t *details)
{
	PGresult   *res;
	PgwfResult	code;

	code = activity_call(client, activity, PGWF_STMT_ACTIVITY_CANCELED,
						 PGWF_STMT_ACTIVITY_CANCELED_BY_ID,
						 pgwf_json_args_text(details), &res);
	PQclear(res);
	return code;
}

PgwfResult
pgwf_client_heartbeat_activity(PgwfClient *client,
							   const PgwfActivityRef *activity,
							   json_t *details, PgwfHeartbeatAnswer *answer)
{
	PGresult   *res;
	PgwfResult	code;

	code = activity_call(client, activity, PGWF_STMT_HEARTBEAT,
						 PGWF_STMT_HEARTBEAT_BY_ID,
						 pgwf_json_args_text(details), &res);
	if (code == PGWF_OK && answer != NULL)
	{
		const char *flag[3];
		int			i;

		for (i = 0; i < 3; i++)
			flag[i] = value_of(res, 0, i);
		answer->cancel_requested = flag[0] != NULL && flag[0][0] == 't';
		answer->paused = flag[1] != NULL && flag[1][0] == 't';
		answer->reset = flag[2] != NULL && flag[2][0] == 't';
	}
	PQclear(res);
	return code;
}
