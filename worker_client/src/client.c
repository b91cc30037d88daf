/*-------------------------------------------------------------------------
 *
 * client.c
 *	  The client handle: its life, its errors, and how its calls run.
 *
 * A client is used by any number of threads at a time.  Each call is one
 * statement and one round trip, on a connection that it takes for it, see
 * client_conn.c; short writes may share a statement, see client_group.c.
 * Calls that the service recognises when repeated (by request id, or because
 * they only read) are repeated after a lost connection.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_client.h"
#include "pgwf_pool.h"

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

	if (ms != 0)
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

/*
 * How long the server may wait for something.  The call shortens it when other
 * threads need the connection, so the caller must be ready to ask again.
 */
void
pgwf_param_wait(PgwfParams *params, int ms)
{
	params->wait = params->n;
	params->wait_ms = ms;
	pgwf_param_own(params, NULL);
}

void
pgwf_params_free(PgwfParams *params)
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

#define DEFAULT_CONNECTIONS	10

static PgwfClient *
new_client(PgwfConn *lent, const char *conninfo,
		   const PgwfClientOptions *options)
{
	PgwfClient *client = pgwf_xalloc(sizeof(PgwfClient));
	PgwfClientOptions o = PGWF_CLIENT_OPTIONS_INIT;

	pgwf_options_read(&o, sizeof(o), options);
	client->pooled = o.pooled;
	client->codec = pgwf_codec_copy(o.codec);
	client->workflow_namespace = pgwf_strdup(o.workflow_namespace != NULL ?
											 o.workflow_namespace : "default");
	client->identity = o.identity != NULL ? pgwf_strdup(o.identity) :
		pgwf_default_identity(NULL);
	client->connect_timeout_ms = pgwf_option_ms(o.connect_timeout_ms, 10000);
	client->call_timeout_ms = pgwf_option_ms(o.call_timeout_ms, 30000);
	client->retry_timeout_ms = pgwf_option_ms(o.retry_timeout_ms, 10000);
	client->max_connections = o.max_connections > 0 ? o.max_connections :
		DEFAULT_CONNECTIONS;
	if (lent != NULL)
		client->max_connections = 1;
	client->idle = pgwf_xalloc((size_t) client->max_connections *
							   sizeof(PgwfIdleConn));
	client->user = pthread_self();
	client->max_group = PGWF_MAX_GROUP;
	client->last_group = 1;
	pgwf_cond_init(&client->gathered);
	pthread_mutex_init(&client->mutex, NULL);
	if (lent != NULL)
	{
		client->idle[0].conn = lent;
		client->nidle = client->nconns = 1;
	}
	else
		client->conninfo = pgwf_strdup(conninfo != NULL ? conninfo : "");
	return client;
}

PgwfClient *
pgwf_client_new(const char *conninfo, const PgwfClientOptions *options)
{
	return new_client(NULL, conninfo, options);
}

PgwfClient *
pgwf_client_new_on(struct pg_conn *conn, const PgwfClientOptions *options)
{
	return new_client(pgwf_conn_wrap(conn), NULL, options);
}

void
pgwf_client_free(PgwfClient *client)
{
	int			i;

	if (client == NULL)
		return;
	for (i = 0; i < client->nidle; i++)
		pgwf_conn_destroy(client->idle[i].conn);
	free(client->idle);
	pgwf_client_free_errors(client);
	pthread_cond_destroy(&client->gathered);
	pthread_mutex_destroy(&client->mutex);
	free(client->conninfo);
	free(client->workflow_namespace);
	free(client->identity);
	pgwf_codec_free(client->codec);
	free(client);
}

/* Notes a failure of a connection as the thread's error. */
static PgwfResult
conn_failed(PgwfClient *client, const PgwfConn *conn)
{
	pgwf_err_copy(pgwf_client_err(client), &conn->err);
	return conn->err.code;
}

static PgwfResult
no_connection(PgwfClient *client)
{
	return pgwf_err_set(pgwf_client_err(client), PGWF_DEADLINE_EXCEEDED, NULL,
						"no connection of the client came free in time");
}

PgwfResult
pgwf_client_connect(PgwfClient *client)
{
	PgwfConn   *conn = pgwf_client_take_conn(client, false,
											 client->call_timeout_ms);
	PgwfResult	code;

	if (conn == NULL)
		return no_connection(client);
	code = pgwf_conn_open(conn, client->connect_timeout_ms);
	if (code != PGWF_OK)
		conn_failed(client, conn);
	pgwf_client_return_conn(client, conn, false);
	return code;
}

/* ---- running a statement ---- */

bool
pgwf_is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

void
pgwf_retry_begin(PgwfRetry *retry, const PgwfClient *client)
{
	retry->never = client->retry_timeout_ms < 0 || client->conninfo == NULL;
	retry->until_ms = pgwf_clock_ms() + client->retry_timeout_ms;
	pgwf_backoff_init(&retry->backoff,
					  (uint64_t) pgwf_wall_us() ^ (uintptr_t) retry);
}

/* Waits before the next attempt; false: there is none. */
bool
pgwf_retry_wait(PgwfRetry *retry)
{
	int			delay = pgwf_backoff_next(&retry->backoff);

	if (retry->never || pgwf_clock_ms() + delay > retry->until_ms)
		return false;
	poll(NULL, 0, delay);
	return true;
}

/* Calls that wait in the server, or may read a lot */
static bool
is_long(PgwfStmt stmt)
{
	switch (stmt)
	{
		case PGWF_STMT_RESULT:
		case PGWF_STMT_QUERY:
		case PGWF_STMT_UPDATE:
		case PGWF_STMT_UPDATE_WITH_START:
		case PGWF_STMT_POLL_UPDATE:
		case PGWF_STMT_SLEEP:
		case PGWF_STMT_LIST:
		case PGWF_STMT_COUNT:
		case PGWF_STMT_HISTORY:
		case PGWF_STMT_HISTORY_JSON:
			return true;
		default:
			return false;
	}
}

/* Writes how long the server may wait, and returns that. */
static int
set_wait(PgwfClient *client, PgwfParams *params)
{
	char	  **value = &params->values[params->wait];
	char		buf[32];
	int			ms;

	if (params->wait == 0)
		return 0;
	ms = pgwf_client_turn_ms(client, params->wait_ms);
	snprintf(buf, sizeof(buf), "%d ms", ms);
	free(*value);
	*value = pgwf_strdup(buf);
	return ms;
}

/* The call cannot be made; frees its parameters. */
PgwfResult
pgwf_client_unwritable(PgwfClient *client, PgwfParams *params)
{
	pgwf_params_free(params);
	return pgwf_err_set(pgwf_client_err(client), PGWF_INVALID_ARGUMENT, NULL,
						"a value is nested too deeply, or the codec cannot encode it");
}

/*
 * Run a statement, connecting if need be.  A statement that may be repeated
 * is, after a lost connection, until the retry time is over; the others
 * only as long as they cannot have reached the server.  timeout_ms is how
 * long the server may take beyond what it is asked to wait; waiting for a
 * connection counts, connecting does not.  Frees params.
 */
PgwfResult
pgwf_client_call(PgwfClient *client, PgwfStmt stmt, PgwfParams *params,
				 bool repeatable, int timeout_ms, PGresult **result)
{
	bool		long_call = is_long(stmt);
	PgwfRetry	retry;
	PgwfResult	code;
	bool		lost;
	bool		sent;

	*result = NULL;
	if (params->unwritable)
		return pgwf_client_unwritable(client, params);
	pgwf_retry_begin(&retry, client);
	do
	{
		int64_t		begun_at = pgwf_clock_ms();
		PgwfConn   *conn = pgwf_client_take_conn(client, long_call,
												 timeout_ms);
		int			left = -1;
		int			wait_ms;

		if (conn == NULL)
		{
			code = no_connection(client);
			break;
		}
		wait_ms = set_wait(client, params);
		if (timeout_ms >= 0)
		{
			left = timeout_ms - (int) (pgwf_clock_ms() - begun_at);
			left = (left > 0 ? left : 0) + wait_ms;
		}
		sent = false;
		code = pgwf_conn_open(conn, client->connect_timeout_ms);
		if (code == PGWF_OK)
		{
			sent = true;
			code = pgwf_conn_exec(conn, stmt,
								  (const char *const *) params->values,
								  left, result);
		}
		lost = !pgwf_conn_is_open(conn);
		if (code != PGWF_OK)
			conn_failed(client, conn);
		pgwf_client_return_conn(client, conn, long_call);
	} while (code != PGWF_OK && lost && code != PGWF_DEADLINE_EXCEEDED &&
			 (repeatable || !sent) && pgwf_retry_wait(&retry));
	pgwf_params_free(params);
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
