/*-------------------------------------------------------------------------
 *
 * pgwf_client.h
 *	  What the files of the client share: the handle, parameters, calls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CLIENT_H
#define PGWF_CLIENT_H

#include "pgwf_codec.h"
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
	PgwfCodec  *codec;			/* NULL: none */
	PgwfErr		err;
	PgwfFailure *failure;		/* of err, made when asked for */
};

/* Parameters being collected for one statement; the call frees them. */
typedef struct PgwfParams
{
	int			n;
	bool		unwritable;		/* a value could not be written */
	char	   *values[PGWF_MAX_PARAMS];
} PgwfParams;

extern void pgwf_param_own(PgwfParams *params, char *value);
extern void pgwf_param_text(PgwfParams *params, const char *value);
extern void pgwf_param_json(PgwfParams *params, const json_t *value);
extern void pgwf_param_value(PgwfClient *client, PgwfParams *params,
							 PgwfValueKind kind, const json_t *value);
extern void pgwf_param_interval(PgwfParams *params, int64_t ms);
extern void pgwf_param_int(PgwfParams *params, int64_t value);
extern void pgwf_param_request_id(PgwfParams *params, const char *request_id);

extern PgwfResult pgwf_client_missing(PgwfClient *client, const char *what);
extern PgwfResult pgwf_client_bad_answer(PgwfClient *client);
extern json_t *pgwf_client_parse(PgwfClient *client, const char *text);
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

extern bool pgwf_is_empty(const char *text);
extern const char *pgwf_result_value(const PGresult *result, int row,
									 int column);
extern void pgwf_copy_text(char *to, size_t size, const char *from);

/* ---- shared by starts of all kinds (client_workflow.c) ---- */

extern PgwfResult pgwf_start_params(PgwfClient *client,
									const PgwfStartOptions *options,
									PgwfParams *params);
extern void pgwf_started_read(const PGresult *result, PgwfStarted *started);

#endif							/* PGWF_CLIENT_H */
