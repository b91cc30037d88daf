/*-------------------------------------------------------------------------
 *
 * conn.c
 *	  The connection layer: connecting, running statements, prepared once
 *	  per connection, and pipelines of them.
 *
 * Only this file, and conn_cancel.c in a thread of its own, call libpq's
 * network functions.  This one never blocks in libpq: sockets are
 * non-blocking, and waits are poll() calls with a deadline that end early when
 * the connection's interrupt descriptor is readable.  When a wait ends without
 * an answer the connection is closed, because the answer may still be under
 * way on it; a connection that the caller lent us is left to the caller.
 *
 * No locks: a PgwfConn is used by one thread at a time.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_conn.h"

/* ---- life ---- */

/*
 * A connection that is opened later, with pgwf_conn_open.
 */
PgwfConn *
pgwf_conn_create(const char *conninfo, const char *application_name)
{
	PgwfConn   *conn = pgwf_xalloc(sizeof(PgwfConn));

	conn->interrupt_fd = -1;
	conn->conninfo = pgwf_strdup(conninfo != NULL ? conninfo : "");
	conn->application_name = pgwf_strdup(application_name);
	return conn;
}

/*
 * Use the caller's open connection.  Its settings and prepared statements
 * are left alone, and it is never closed or reopened.
 */
PgwfConn *
pgwf_conn_wrap(PGconn *pg)
{
	PgwfConn   *conn = pgwf_xalloc(sizeof(PgwfConn));

	conn->interrupt_fd = -1;
	conn->pg = pg;
	return conn;
}

void
pgwf_conn_destroy(PgwfConn *conn)
{
	if (conn == NULL)
		return;
	pgwf_conn_close(conn);
	pgwf_conn_wait_for_cancels(conn);
	pgwf_err_reset(&conn->err);
	free(conn->conninfo);
	free(conn->application_name);
	free(conn);
}

void
pgwf_conn_close(PgwfConn *conn)
{
	if (conn->conninfo == NULL)
		return;
	if (conn->pg != NULL)
		PQfinish(conn->pg);
	conn->pg = NULL;
	memset(conn->prepared, 0, sizeof(conn->prepared));
}

bool
pgwf_conn_is_open(const PgwfConn *conn)
{
	return conn->pg != NULL && PQstatus(conn->pg) == CONNECTION_OK;
}

/* ---- waiting ---- */

/*
 * Wait until the socket is ready for one of events.  Returns PGWF_OK,
 * PGWF_DEADLINE_EXCEEDED, PGWF_CANCELED or PGWF_UNAVAILABLE.
 */
static PgwfResult
wait_socket(PgwfConn *conn, short events, int64_t deadline)
{
	for (;;)
	{
		struct pollfd fds[2];
		int			nfds = 1;
		int			timeout = -1;
		int			rc;

		if (deadline >= 0)
		{
			int64_t		left = deadline - pgwf_clock_ms();

			if (left <= 0)
				return pgwf_err_set(&conn->err, PGWF_DEADLINE_EXCEEDED, NULL,
									"no answer from the server in time");
			timeout = left > 60000 ? 60000 : (int) left;
		}
		fds[0].fd = PQsocket(conn->pg);
		fds[0].events = events;
		fds[0].revents = 0;
		if (fds[0].fd < 0)
			return pgwf_err_set(&conn->err, PGWF_UNAVAILABLE, NULL,
								"connection to the server is closed");
		if (conn->interrupt_fd >= 0)
		{
			fds[1].fd = conn->interrupt_fd;
			fds[1].events = POLLIN;
			fds[1].revents = 0;
			nfds = 2;
		}
		rc = poll(fds, nfds, timeout);
		if (rc < 0 && errno != EINTR)
			return pgwf_err_set(&conn->err, PGWF_UNAVAILABLE, NULL,
								"poll() failed: error %d", errno);
		if (rc <= 0)
			continue;
		if (fds[0].revents != 0)
			return PGWF_OK;
		if (nfds > 1 && fds[1].revents != 0)
			return pgwf_err_set(&conn->err, PGWF_CANCELED, NULL,
								"interrupted while waiting for the server");
	}
}

static int64_t
deadline_after(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : pgwf_clock_ms() + timeout_ms;
}

/*
 * Note libpq's error and close the connection when it is lost.
 */
static PgwfResult
connection_failed(PgwfConn *conn)
{
	pgwf_err_set(&conn->err, PGWF_UNAVAILABLE, NULL, "%s",
				 conn->pg != NULL ? PQerrorMessage(conn->pg) :
				 "not connected");
	pgwf_conn_close(conn);
	return PGWF_UNAVAILABLE;
}

/*
 * Which call of execute_calls() an error comes from, by its context; 0: none
 */
static int
call_number(const char *context)
{
	int			number = 0;

	while (context != NULL && sscanf(context, "call %d", &number) != 1)
	{
		context = strchr(context, '\n');
		if (context != NULL)
			context++;
	}
	return number;
}

/*
 * Note the error of a result.  Takes no ownership.
 */
static PgwfResult
result_error(PgwfConn *conn, const PGresult *result, PgwfErr *err)
{
	const char *sqlstate = NULL;
	const char *message = NULL;
	const char *detail = NULL;
	PgwfResult	code;

	if (result != NULL)
	{
		sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	}
	if (message == NULL)
		message = PQerrorMessage(conn->pg);
	code = pgwf_code_of_sqlstate(sqlstate);

	/*
	 * What was prepared is gone, or there already: a pooler sends every
	 * transaction to another server process.
	 */
	if (sqlstate != NULL && (strcmp(sqlstate, "26000") == 0 ||
							 strcmp(sqlstate, "42P05") == 0))
		conn->pooled = true;
	if (code == PGWF_QUERY_FAILED)
	{
		pgwf_err_set(err, code, sqlstate, "%s", message);
		err->detail = pgwf_strdup(detail);
	}
	else
		pgwf_err_set(err, code, sqlstate, "%s%s%s", message,
					 detail != NULL ? ": " : "",
					 detail != NULL ? detail : "");
	err->call_number =
		call_number(PQresultErrorField(result, PG_DIAG_CONTEXT));
	return code;
}

static bool
result_ok(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/*
 * Send what libpq holds back, reading meanwhile so that neither side blocks.
 */
static PgwfResult
flush_output(PgwfConn *conn, int64_t deadline)
{
	for (;;)
	{
		int			rc = PQflush(conn->pg);
		PgwfResult	code;

		if (rc == 0)
			return PGWF_OK;
		if (rc < 0)
			return connection_failed(conn);
		code = wait_socket(conn, POLLIN | POLLOUT, deadline);
		if (code != PGWF_OK)
		{
			pgwf_conn_close(conn);
			return code;
		}
		if (!PQconsumeInput(conn->pg))
			return connection_failed(conn);
	}
}

/*
 * The next PQgetResult, without blocking.  *result is NULL at the end of a
 * statement's results.
 */
static PgwfResult
next_result(PgwfConn *conn, int64_t deadline, PGresult **result)
{
	while (PQisBusy(conn->pg))
	{
		PgwfResult	code = wait_socket(conn, POLLIN, deadline);

		if (code != PGWF_OK)
		{
			pgwf_conn_close(conn);
			return code;
		}
		if (!PQconsumeInput(conn->pg))
			return connection_failed(conn);
	}
	*result = PQgetResult(conn->pg);
	return PGWF_OK;
}

/*
 * Read to the end of one statement outside a pipeline.  On success *result
 * is the last result, for the caller to clear.
 */
static PgwfResult
finish_statement(PgwfConn *conn, int64_t deadline, PGresult **result)
{
	PGresult   *last = NULL;
	PgwfResult	code;

	*result = NULL;
	for (;;)
	{
		PGresult   *res;

		code = next_result(conn, deadline, &res);
		if (code != PGWF_OK)
		{
			PQclear(last);
			return code;
		}
		if (res == NULL)
			break;
		PQclear(last);
		last = res;
	}
	if (last != NULL && result_ok(last))
	{
		*result = last;
		return PGWF_OK;
	}
	code = result_error(conn, last, &conn->err);
	PQclear(last);
	if (PQstatus(conn->pg) != CONNECTION_OK)
	{
		/* whatever the last words were, the connection is lost */
		conn->err.code = code = PGWF_UNAVAILABLE;
		pgwf_conn_close(conn);
	}
	return code;
}

/* ---- connecting ---- */

/* libpq's default prints notices, which is not for a library to do. */
static void
ignore_notice(void *arg, const PGresult *result)
{
	(void) arg;
	(void) result;
}

/*
 * Connect if not connected.  timeout_ms bounds the whole attempt.
 */
PgwfResult
pgwf_conn_open(PgwfConn *conn, int timeout_ms)
{
	const char *keywords[5];
	const char *values[5];
	int64_t		deadline = deadline_after(timeout_ms);
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	if (conn->conninfo == NULL)
	{
		if (!pgwf_conn_is_open(conn))
			return pgwf_err_set(&conn->err, PGWF_UNAVAILABLE, NULL,
								"the connection lent to the client is lost");
		return PGWF_OK;
	}
	if (pgwf_conn_is_open(conn))
		return PGWF_OK;
	pgwf_conn_close(conn);

	keywords[0] = "dbname";
	values[0] = conn->conninfo;
	keywords[1] = "application_name";
	values[1] = conn->application_name;
	keywords[2] = "client_encoding";
	values[2] = "UTF8";
	keywords[3] = NULL;
	values[3] = NULL;

	conn->pg = PQconnectStartParams(keywords, values, 1);
	if (conn->pg == NULL)
		abort();
	if (PQstatus(conn->pg) == CONNECTION_BAD)
		return connection_failed(conn);
	while (state != PGRES_POLLING_OK)
	{
		PgwfResult	code;

		code = wait_socket(conn, state == PGRES_POLLING_READING ?
						   POLLIN : POLLOUT, deadline);
		if (code != PGWF_OK)
		{
			pgwf_conn_close(conn);
			return code;
		}
		state = PQconnectPoll(conn->pg);
		if (state == PGRES_POLLING_FAILED)
			return connection_failed(conn);
	}
	if (PQsetnonblocking(conn->pg, 1) != 0)
		return connection_failed(conn);
	PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
	return PGWF_OK;
}

/* ---- single statements ---- */

/*
 * Run a parameterless command, such as BEGIN.
 */
PgwfResult
pgwf_conn_command(PgwfConn *conn, const char *sql, int timeout_ms)
{
	int64_t		deadline = deadline_after(timeout_ms);
	PGresult   *result;
	PgwfResult	code;

	if (!pgwf_conn_is_open(conn) || !PQsendQuery(conn->pg, sql))
		return connection_failed(conn);
	code = flush_output(conn, deadline);
	if (code == PGWF_OK)
		code = finish_statement(conn, deadline, &result);
	if (code == PGWF_OK)
		PQclear(result);
	return code;
}

/*
 * Prepare a statement unless this connection has it.
 */
static PgwfResult
prepare(PgwfConn *conn, PgwfStmt stmt, int64_t deadline)
{
	PGresult   *result;
	PgwfResult	code;
	char	   *sql;
	bool		sent;

	if (conn->conninfo == NULL || conn->pooled || conn->prepared[stmt])
		return PGWF_OK;
	sql = pgwf_stmt_sql(stmt);
	sent = PQsendPrepare(conn->pg, pgwf_stmt_name(stmt), sql, 0, NULL) == 1;
	free(sql);
	if (!sent)
		return connection_failed(conn);
	code = flush_output(conn, deadline);
	if (code == PGWF_OK)
		code = finish_statement(conn, deadline, &result);
	if (code == PGWF_OK)
	{
		PQclear(result);
		conn->prepared[stmt] = true;
	}
	return code;
}

static bool
send_statement(PgwfConn *conn, PgwfStmt stmt, const char *const *values)
{
	int			nparams = pgwf_stmt_nparams(stmt);

	/* a lent connection's prepared statements are its owner's business */
	if (conn->conninfo == NULL || conn->pooled)
	{
		char	   *sql = pgwf_stmt_sql(stmt);
		bool		sent;

		sent = PQsendQueryParams(conn->pg, sql, nparams, NULL, values, NULL,
								 NULL, 0) == 1;
		free(sql);
		return sent;
	}
	return PQsendQueryPrepared(conn->pg, pgwf_stmt_name(stmt), nparams,
							   values, NULL, NULL, 0) == 1;
}

/*
 * Start a statement; read its answer with pgwf_conn_receive.
 */
PgwfResult
pgwf_conn_send(PgwfConn *conn, PgwfStmt stmt, const char *const *values,
			   int timeout_ms)
{
	int64_t		deadline = deadline_after(timeout_ms);
	PgwfResult	code;

	if (!pgwf_conn_is_open(conn))
		return connection_failed(conn);
	code = prepare(conn, stmt, deadline);
	if (code != PGWF_OK)
		return code;
	if (!send_statement(conn, stmt, values))
		return connection_failed(conn);
	return flush_output(conn, deadline);
}

/*
 * Take in what has arrived for the statement that pgwf_conn_send started.
 * *busy stays true while there is no complete answer.
 */
PgwfResult
pgwf_conn_receive(PgwfConn *conn, bool *busy, PGresult **result)
{
	*busy = false;
	*result = NULL;
	if (!pgwf_conn_is_open(conn) || !PQconsumeInput(conn->pg))
		return connection_failed(conn);
	if (PQisBusy(conn->pg))
	{
		*busy = true;
		return PGWF_OK;
	}
	/* the answers are short: what is missing is on its way */
	return finish_statement(conn, deadline_after(10000), result);
}

/*
 * Run one statement.  On success *result is the caller's to clear.
 */
PgwfResult
pgwf_conn_exec(PgwfConn *conn, PgwfStmt stmt, const char *const *values,
			   int timeout_ms, PGresult **result)
{
	int64_t		deadline = deadline_after(timeout_ms);
	bool		nonblocking;
	bool		pooled;
	PgwfResult	code;

	*result = NULL;
	if (!pgwf_conn_is_open(conn))
		return connection_failed(conn);
	nonblocking = PQisnonblocking(conn->pg);
	if (!nonblocking)
		PQsetnonblocking(conn->pg, 1);
	pooled = conn->pooled;
	code = pgwf_conn_send(conn, stmt, values, timeout_ms);
	if (code == PGWF_OK)
		code = finish_statement(conn, deadline, result);
	if (code == PGWF_UNAVAILABLE && conn->pooled && !pooled &&
		pgwf_conn_is_open(conn))
	{
		/* it was refused because of its name alone */
		code = pgwf_conn_send(conn, stmt, values, timeout_ms);
		if (code == PGWF_OK)
			code = finish_statement(conn, deadline, result);
	}
	if (!nonblocking && conn->pg != NULL)
		PQsetnonblocking(conn->pg, 0);
	return code;
}

/* ---- pipelines ---- */

PgwfRequest *
pgwf_request_create(PgwfStmt stmt)
{
	PgwfRequest *request = pgwf_xalloc(sizeof(PgwfRequest));

	request->stmt = stmt;
	return request;
}

/*
 * Append a parameter value, which is copied; NULL binds a null.
 */
void
pgwf_request_bind(PgwfRequest *request, const char *value)
{
	request->values[request->nvalues++] = pgwf_strdup(value);
}

/*
 * The same with a value that lives longer than the request.
 */
void
pgwf_request_bind_static(PgwfRequest *request, const char *value)
{
	request->borrowed |= UINT64_C(1) << request->nvalues;
	request->values[request->nvalues++] = (char *) value;
}

/*
 * The same with a malloc'ed value that the request takes over.
 */
void
pgwf_request_bind_own(PgwfRequest *request, char *value)
{
	request->values[request->nvalues++] = value;
}

/* Forget the answer, so that the request can be sent again. */
void
pgwf_request_clear(PgwfRequest *request)
{
	PQclear(request->result);
	request->result = NULL;
	pgwf_err_reset(&request->err);
}

void
pgwf_request_destroy(PgwfRequest *request)
{
	int			i;

	if (request == NULL)
		return;
	pgwf_request_clear(request);
	for (i = 0; i < request->nvalues; i++)
	{
		if ((request->borrowed & UINT64_C(1) << i) == 0)
			free(request->values[i]);
	}
	free(request);
}

static PgwfResult
send_pipeline(PgwfConn *conn, PgwfRequest *const *requests, int nrequests,
			  int64_t deadline)
{
	int			i;

	for (i = 0; i < nrequests; i++)
	{
		if (!send_statement(conn, requests[i]->stmt,
							(const char *const *) requests[i]->values))
			return connection_failed(conn);
		if ((i + 1 == nrequests || requests[i + 1]->group !=
			 requests[i]->group) && !PQpipelineSync(conn->pg))
			return connection_failed(conn);
	}
	return flush_output(conn, deadline);
}

/*
 * *known is how many requests belong to groups whose end was seen; of the
 * others it is not known whether they were committed, whatever was answered.
 */
static PgwfResult
read_pipeline(PgwfConn *conn, PgwfRequest *const *requests, int nrequests,
			  int64_t deadline, int *known)
{
	PGresult   *res;
	PgwfResult	code;
	int			first = 0;		/* of the current group */
	int			i;

	for (i = 0; i < nrequests; i++)
	{
		PgwfRequest *request = requests[i];
		bool		last = i + 1 == nrequests ||
		requests[i + 1]->group != request->group;

		/* the answer, then the NULL that ends it */
		code = next_result(conn, deadline, &res);
		if (code != PGWF_OK)
			return code;
		if (res == NULL)
			return connection_failed(conn);
		if (result_ok(res))
			request->result = res;
		else
		{
			if (PQresultStatus(res) == PGRES_PIPELINE_ABORTED)
				pgwf_err_set(&request->err, PGWF_ABORTED, NULL,
							 "another response of the batch failed");
			else
				result_error(conn, res, &request->err);
			PQclear(res);
			if (PQstatus(conn->pg) != CONNECTION_OK)
				return connection_failed(conn);
		}
		code = next_result(conn, deadline, &res);
		if (code != PGWF_OK)
			return code;
		PQclear(res);

		if (last)
		{
			/*
			 * The commit happens at the Sync; what fails there is reported as
			 * an extra error before the Sync's own result.
			 */
			for (;;)
			{
				ExecStatusType status;

				code = next_result(conn, deadline, &res);
				if (code != PGWF_OK)
					return code;
				if (res == NULL)
				{
					if (PQstatus(conn->pg) != CONNECTION_OK)
						return connection_failed(conn);
					continue;
				}
				status = PQresultStatus(res);
				if (status == PGRES_PIPELINE_SYNC)
				{
					PQclear(res);
					break;
				}
				result_error(conn, res, &conn->err);
				PQclear(res);
				if (PQstatus(conn->pg) != CONNECTION_OK)
					return connection_failed(conn);
				for (; first <= i; first++)
				{
					pgwf_request_clear(requests[first]);
					pgwf_err_copy(&requests[first]->err, &conn->err);
				}
			}
			/* one failed, so none of the group happened */
			{
				int			j;
				bool		failed = false;

				for (j = first; j <= i; j++)
					failed = failed || requests[j]->err.code != PGWF_OK;
				for (j = first; failed && j <= i; j++)
				{
					if (requests[j]->err.code == PGWF_OK)
					{
						pgwf_request_clear(requests[j]);
						pgwf_err_set(&requests[j]->err,
									 PGWF_ABORTED, NULL,
									 "another response of the batch failed");
					}
				}
			}
			first = i + 1;
			*known = first;
		}
	}
	return PGWF_OK;
}

/*
 * Run the requests in one network round trip, each group a transaction.
 * Returns PGWF_OK when every request got its answer, a good one or an error
 * of its own; in a group in which one failed, the others carry
 * PGWF_ABORTED and nothing of it happened.  Any other code means
 * that the connection is lost: requests without result and error have an
 * unknown outcome.
 */
PgwfResult
pgwf_conn_pipeline(PgwfConn *conn, PgwfRequest *const *requests,
				   int nrequests, int timeout_ms)
{
	int64_t		deadline = deadline_after(timeout_ms);
	PgwfResult	code;
	int			known = 0;
	int			i;

	if (nrequests == 0)
		return PGWF_OK;
	if (!pgwf_conn_is_open(conn))
		return connection_failed(conn);
	for (i = 0; i < nrequests; i++)
	{
		code = prepare(conn, requests[i]->stmt, deadline);
		if (code != PGWF_OK)
		{
			if (!pgwf_conn_is_open(conn))
				return code;

			/* such as a missing function: everybody's error */
			for (i = 0; i < nrequests; i++)
				pgwf_err_copy(&requests[i]->err, &conn->err);
			return PGWF_OK;
		}
	}
	if (!PQenterPipelineMode(conn->pg))
		return connection_failed(conn);
	code = send_pipeline(conn, requests, nrequests, deadline);
	if (code == PGWF_OK)
		code = read_pipeline(conn, requests, nrequests, deadline, &known);
	if (code != PGWF_OK)
	{
		for (i = known; i < nrequests; i++)
			pgwf_request_clear(requests[i]);
	}
	else if (!PQexitPipelineMode(conn->pg))
		code = connection_failed(conn);
	return code;
}
