/*-------------------------------------------------------------------------
 *
 * client.c
 *	  The client handle: its life, its errors, and how its calls run.
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

#include "pgwf_client.h"

/* ---- parameters ---- */

void
pgwf_param_own(PgwfParams *params, char *value)
{
	params->values[params->n++] = value;
}

void
pgwf_param_text(PgwfParams *params, const char *value)
{
	pgwf_param_own(params, pgwf_strdup(value));
}

void
pgwf_param_json(PgwfParams *params, const json_t *value)
{
	pgwf_param_own(params, pgwf_json_text(value));
}

/* A value of the user's, through the client's codec */
void
pgwf_param_value(PgwfClient *client, PgwfParams *params, PgwfValueKind kind,
				 const json_t *value)
{
	char	   *text = pgwf_codec_text(client->codec, kind, value);

	if (value != NULL && text == NULL)
		params->unwritable = true;
	pgwf_param_own(params, text);
}

/* An interval in milliseconds; 0 is null. */
void
pgwf_param_interval(PgwfParams *params, int64_t ms)
{
	char		buf[48];

	snprintf(buf, sizeof(buf), "%" PRId64 " ms", ms);
	pgwf_param_text(params, ms != 0 ? buf : NULL);
}

void
pgwf_param_int(PgwfParams *params, int64_t value)
{
	char		buf[32];

	snprintf(buf, sizeof(buf), "%" PRId64, value);
	pgwf_param_text(params, buf);
}

static void
free_params(PgwfParams *params)
{
	int			i;

	for (i = 0; i < params->n; i++)
		free(params->values[i]);
}

/* Adds the given request id or a random one. */
void
pgwf_param_request_id(PgwfParams *params, const char *request_id)
{
	char		uuid[PGWF_RUN_ID_SIZE];

	if (pgwf_is_empty(request_id))
	{
		pgwf_request_uuid(uuid);
		request_id = uuid;
	}
	pgwf_param_text(params, request_id);
}

/* ---- life ---- */

static PgwfClient *
new_client(PgwfConn *conn, const PgwfClientOptions *options)
{
	PgwfClient *client = pgwf_xalloc(sizeof(PgwfClient));
	PgwfClientOptions o = PGWF_CLIENT_OPTIONS_INIT;

	pgwf_options_read(&o, sizeof(o), options);
	client->conn = conn;
	conn->pooled = o.pooled;
	client->codec = pgwf_codec_copy(o.codec);
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
	pgwf_failure_free(client->failure);
	pgwf_codec_free(client->codec);
	pgwf_err_reset(&client->err);
	free(client);
}

/* The error of the last call, until the next one */
static void
set_error(PgwfClient *client, const PgwfErr *err)
{
	pgwf_failure_free(client->failure);
	client->failure = NULL;
	pgwf_err_copy(&client->err, err);
}

PgwfResult
pgwf_client_connect(PgwfClient *client)
{
	PgwfResult	code;

	code = pgwf_conn_open(client->conn, client->connect_timeout_ms);
	if (code != PGWF_OK)
		set_error(client, &client->conn->err);
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

PgwfFailure *
pgwf_client_failure(PgwfClient *client)
{
	if (client->failure == NULL && client->err.detail != NULL)
	{
		json_t	   *json = pgwf_client_parse(client, client->err.detail);

		if (json_is_object(json))
			client->failure = pgwf_failure_from_json(json);
		json_decref(json);
	}
	return client->failure;
}

/* ---- running a statement ---- */

PgwfResult
pgwf_client_missing(PgwfClient *client, const char *what)
{
	pgwf_failure_free(client->failure);
	client->failure = NULL;
	return pgwf_err_set(&client->err, PGWF_INVALID_ARGUMENT, NULL,
						"%s is not set", what);
}

bool
pgwf_is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/*
 * Run a statement, connecting if need be.  A statement that may be repeated
 * is, after a lost connection, until the retry time is over; the others
 * only as long as they cannot have reached the server.  Frees params.
 */
PgwfResult
pgwf_client_call(PgwfClient *client, PgwfStmt stmt, PgwfParams *params, bool repeatable,
				 int timeout_ms, PGresult **result)
{
	PgwfConn   *conn = client->conn;
	int64_t		retry_until = pgwf_clock_ms() + client->retry_timeout_ms;
	PgwfResult	code;

	*result = NULL;
	if (params->unwritable)
	{
		free_params(params);
		return pgwf_err_set(&client->err, PGWF_INVALID_ARGUMENT, NULL,
							"a value is nested too deeply, or the codec cannot encode it");
	}
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
		set_error(client, &conn->err);
	free_params(params);
	return code;
}

/* The same for statements whose result does not matter. */
PgwfResult
pgwf_client_call_void(PgwfClient *client, PgwfStmt stmt, PgwfParams *params, bool repeatable)
{
	PGresult   *result;
	PgwfResult	code;

	code = pgwf_client_call(client, stmt, params, repeatable, client->call_timeout_ms,
							&result);
	PQclear(result);
	return code;
}

const char *
pgwf_result_value(const PGresult *result, int row, int column)
{
	if (row >= PQntuples(result) || column >= PQnfields(result) ||
		PQgetisnull(result, row, column))
		return NULL;
	return PQgetvalue(result, row, column);
}

void
pgwf_copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

PgwfResult
pgwf_client_bad_answer(PgwfClient *client)
{
	return pgwf_err_set(&client->err, PGWF_ERROR, NULL,
						"could not understand the server's answer");
}

/*
 * JSON with its values decoded; NULL for NULL, and if it cannot be understood
 * or decoded.
 */
json_t *
pgwf_client_parse(PgwfClient *client, const char *text)
{
	json_t	   *json = pgwf_json_parse(text);

	if (json != NULL && !pgwf_codec_decode(client->codec, json))
	{
		json_decref(json);
		return NULL;
	}
	return json;
}

/* The same for reads whose answer is one JSON value, a new reference. */
PgwfResult
pgwf_client_call_json(PgwfClient *client, PgwfStmt stmt, PgwfParams *params,
					  json_t **value)
{
	PGresult   *result;
	PgwfResult	code;

	*value = NULL;
	code = pgwf_client_call(client, stmt, params, true,
							client->call_timeout_ms, &result);
	if (code == PGWF_OK)
	{
		*value = pgwf_client_parse(client, pgwf_result_value(result, 0, 0));
		if (*value == NULL)
			code = pgwf_client_bad_answer(client);
	}
	PQclear(result);
	return code;
}

/*
 * The same for reads whose rows have one column each, JSON or text; *rows is a
 * new array.
 */
PgwfResult
pgwf_client_call_rows(PgwfClient *client, PgwfStmt stmt, PgwfParams *params,
					  bool is_json, json_t **rows)
{
	PGresult   *result;
	PgwfResult	code;
	int			i;

	*rows = NULL;
	code = pgwf_client_call(client, stmt, params, true,
							client->call_timeout_ms, &result);
	if (code == PGWF_OK)
	{
		*rows = json_array();
		for (i = 0; i < PQntuples(result); i++)
		{
			const char *text = pgwf_result_value(result, i, 0);

			json_array_append_new(*rows, is_json ? pgwf_client_parse(client, text) :
								  json_string(text));
		}
		if ((int) json_array_size(*rows) < PQntuples(result))
		{
			json_decref(*rows);
			*rows = NULL;
			code = pgwf_client_bad_answer(client);
		}
	}
	PQclear(result);
	return code;
}

/* The same for repeatable calls whose answer is a number (may be NULL). */
PgwfResult
pgwf_client_call_int(PgwfClient *client, PgwfStmt stmt, PgwfParams *params,
					 int64_t *value)
{
	PGresult   *result;
	PgwfResult	code;

	code = pgwf_client_call(client, stmt, params, true,
							client->call_timeout_ms, &result);
	if (code == PGWF_OK && value != NULL)
	{
		const char *text = pgwf_result_value(result, 0, 0);

		if (text == NULL)
			code = pgwf_client_bad_answer(client);
		else
			*value = strtoll(text, NULL, 10);
	}
	PQclear(result);
	return code;
}
