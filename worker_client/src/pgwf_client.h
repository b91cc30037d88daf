/*-------------------------------------------------------------------------
 *
 * pgwf_client.h
 *	  What the files of the client share: the handle, parameters, calls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CLIENT_H
#define PGWF_CLIENT_H

#include <pthread.h>

#include "pgwf_codec.h"
#include "pgwf_conn.h"
#include "pgwf_options.h"

/* Calls that go together at most */
#define PGWF_MAX_GROUP		200

typedef struct PgwfClientError PgwfClientError;
typedef struct PgwfConnWaiter PgwfConnWaiter;
typedef struct PgwfWrite PgwfWrite;

/* A connection that no call has */
typedef struct PgwfIdleConn
{
	PgwfConn   *conn;
	int64_t		since_ms;
} PgwfIdleConn;

struct PgwfClient
{
	/* never changed */
	char	   *conninfo;		/* NULL: the connection is the caller's */
	char	   *workflow_namespace;
	char	   *identity;
	int			connect_timeout_ms;
	int			call_timeout_ms;
	int			retry_timeout_ms;
	int			max_connections;
	PgwfCodec  *codec;			/* NULL: none */
	pthread_t	user;			/* the thread that made it */

	PgwfClientError *errors;	/* of its threads: see client_error.c */

	pthread_mutex_t mutex;		/* guards the rest */

	/* client_conn.c */
	bool		shared;			/* another thread has used it */
	bool		pooled;			/* connections prepare nothing */
	int			nconns;			/* made */
	int			nlong;			/* that long calls have */
	int			nidle;
	PgwfIdleConn *idle;			/* [max_connections], the last used is last */
	PgwfConnWaiter *waiters;	/* in the order of coming */

	/* client_group.c */
	bool		exchanging;		/* somebody leads an exchange, or will */
	PgwfWrite  *writes;			/* those that wait for the next one */
	int			nwrites;
	int			max_group;		/* so many go together, if they do not fail */
	int			last_group;		/* so many did in the last exchange */
	int64_t		last_us;		/* which took so long */
	pthread_cond_t gathered;	/* so many wait again */
};

/* Parameters being collected for one statement; the call frees them. */
typedef struct PgwfParams
{
	int			n;
	bool		unwritable;		/* a value could not be written */
	int			wait;			/* the one that is wait_ms, or 0 */
	int			wait_ms;		/* how long the server may wait */
	char	   *values[PGWF_MAX_PARAMS];
} PgwfParams;

extern void pgwf_param_own(PgwfParams *params, char *value);
extern void pgwf_param_text(PgwfParams *params, const char *value);
extern void pgwf_param_json(PgwfParams *params, const json_t *value);
extern void pgwf_param_value(PgwfClient *client, PgwfParams *params,
							 PgwfValueKind kind, const json_t *value);
extern void pgwf_param_interval(PgwfParams *params, int64_t ms);
extern void pgwf_param_wait(PgwfParams *params, int ms);
extern void pgwf_param_int(PgwfParams *params, int64_t value);
extern void pgwf_param_request_id(PgwfParams *params, const char *request_id);
extern void pgwf_params_free(PgwfParams *params);

/* ---- errors (client_error.c) ---- */

extern PgwfErr *pgwf_client_err(PgwfClient *client);
extern void pgwf_client_free_errors(PgwfClient *client);
extern PgwfResult pgwf_client_missing(PgwfClient *client, const char *what);
extern PgwfResult pgwf_client_bad_answer(PgwfClient *client);

/* ---- connections (client_conn.c) ---- */

extern PgwfConn *pgwf_client_take_conn(PgwfClient *client, bool is_long,
									   int timeout_ms);
extern void pgwf_client_return_conn(PgwfClient *client, PgwfConn *conn,
									bool is_long);
extern int	pgwf_client_turn_ms(PgwfClient *client, int wait_ms);

/* ---- calls (client.c, client_group.c) ---- */

/* How long a call that can be repeated goes on */
typedef struct PgwfRetry
{
	bool		never;
	int64_t		until_ms;
	PgwfBackoff backoff;
} PgwfRetry;

extern void pgwf_retry_begin(PgwfRetry *retry, const PgwfClient *client);
extern bool pgwf_retry_wait(PgwfRetry *retry);

extern json_t *pgwf_client_parse(PgwfClient *client, const char *text);
extern PgwfResult pgwf_client_unwritable(PgwfClient *client,
										 PgwfParams *params);
extern PgwfResult pgwf_client_call(PgwfClient *client, PgwfStmt stmt,
								   PgwfParams *params, bool repeatable,
								   int timeout_ms, PGresult **result);
extern PgwfResult pgwf_client_call_void(PgwfClient *client, PgwfStmt stmt,
										PgwfParams *params, bool repeatable);
extern PgwfResult pgwf_client_call_json(PgwfClient *client, PgwfStmt stmt,
										PgwfParams *params, json_t **value);
extern PgwfResult pgwf_client_call_rows(PgwfClient *client, PgwfStmt stmt,
										PgwfParams *params, bool is_json,
										json_t **rows);
extern PgwfResult pgwf_client_call_int(PgwfClient *client, PgwfStmt stmt,
									   PgwfParams *params, int64_t *value);
extern PgwfResult pgwf_client_write(PgwfClient *client, PgwfStmt stmt,
									PgwfParams *params, bool repeatable,
									PgwfStarted *started);

extern bool pgwf_is_empty(const char *text);
extern const char *pgwf_result_value(const PGresult *result, int row,
									 int column);

/* ---- shared by starts of all kinds (client_workflow.c) ---- */

extern PgwfResult pgwf_start_params(PgwfClient *client,
									const PgwfStartOptions *options,
									PgwfParams *params);
extern void pgwf_started_read(const PGresult *result, PgwfStarted *started);

#endif							/* PGWF_CLIENT_H */
