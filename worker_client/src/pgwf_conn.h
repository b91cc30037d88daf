/*-------------------------------------------------------------------------
 *
 * pgwf_conn.h
 *	  A libpq connection that is set up for the service's functions.
 *
 * A PgwfConn belongs to one thread at a time; nothing in it is locked.
 * libpq is never allowed to block: every wait is a poll() with a deadline
 * that also watches the interrupt descriptor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CONN_H
#define PGWF_CONN_H

#include <libpq-fe.h>

#include "pgwf_statement.h"
#include "pgwf_util.h"

/* Requests to cancel that are on their way; see conn_cancel.c */
typedef struct PgwfCancels PgwfCancels;

typedef struct PgwfConn
{
	PGconn	   *pg;				/* NULL when not connected */
	char	   *conninfo;		/* NULL when the PGconn is the caller's */
	char	   *application_name;
	int			interrupt_fd;	/* readable: give up waiting; -1: none */
	bool		pooled;			/* prepare nothing: see pgworkflow/client.h */
	bool		prepared[PGWF_NUM_STMTS];
	PgwfErr		err;			/* what the last call that failed met */
	PgwfCancels *cancels;		/* NULL: nothing was ever cancelled */
} PgwfConn;

/*
 * One statement of a pipeline.  Neighbours of the same group are one
 * transaction.  The values are malloc'ed and freed with the request, NULL
 * is SQL's NULL.  After the run, result is the server's answer or NULL when
 * there was none, and err.code is PGWF_OK or says what is wrong.
 */
typedef struct PgwfRequest
{
	PgwfStmt	stmt;
	int			group;
	int			nvalues;
	char	   *values[PGWF_MAX_PARAMS];
	uint64_t	borrowed;		/* those values that are not ours, as bits */
	PGresult   *result;
	PgwfErr		err;
} PgwfRequest;

extern PgwfConn *pgwf_conn_create(const char *conninfo,
								  const char *application_name);
extern PgwfConn *pgwf_conn_wrap(PGconn *pg);
extern void pgwf_conn_destroy(PgwfConn *conn);
extern PgwfResult pgwf_conn_open(PgwfConn *conn, int timeout_ms);
extern void pgwf_conn_close(PgwfConn *conn);
extern bool pgwf_conn_is_open(const PgwfConn *conn);

extern PgwfResult pgwf_conn_exec(PgwfConn *conn, PgwfStmt stmt,
								 const char *const *values, int timeout_ms,
								 PGresult **result);
extern PgwfResult pgwf_conn_command(PgwfConn *conn, const char *sql,
									int timeout_ms);
extern PgwfResult pgwf_conn_send(PgwfConn *conn, PgwfStmt stmt,
								 const char *const *values, int timeout_ms);
extern PgwfResult pgwf_conn_receive(PgwfConn *conn, bool *busy,
									PGresult **result);
extern void pgwf_conn_cancel(PgwfConn *conn);
extern void pgwf_conn_wait_for_cancels(PgwfConn *conn);
extern PgwfResult pgwf_conn_pipeline(PgwfConn *conn, PgwfRequest *const *requests,
									 int nrequests, int timeout_ms);

extern PgwfRequest *pgwf_request_create(PgwfStmt stmt);
extern void pgwf_request_bind(PgwfRequest *request, const char *value);
extern void pgwf_request_bind_static(PgwfRequest *request, const char *value);
extern void pgwf_request_bind_own(PgwfRequest *request, char *value);
extern void pgwf_request_clear(PgwfRequest *request);
extern void pgwf_request_destroy(PgwfRequest *request);

#endif							/* PGWF_CONN_H */
