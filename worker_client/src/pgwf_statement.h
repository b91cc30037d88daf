/*-------------------------------------------------------------------------
 *
 * pgwf_statement.h
 *	  The statements the library runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_STATEMENT_H
#define PGWF_STATEMENT_H

#include "pgwf_util.h"

/* Every statement the library knows; what they are is in statement.c. */
typedef enum PgwfStmt
{
	PGWF_STMT_START,
	PGWF_STMT_SIGNAL_WITH_START,
	PGWF_STMT_UPDATE_WITH_START,
	PGWF_STMT_SIGNAL,
	PGWF_STMT_REQUEST_CANCEL,
	PGWF_STMT_TERMINATE,
	PGWF_STMT_RESET,
	PGWF_STMT_DELETE,
	PGWF_STMT_PAUSE,
	PGWF_STMT_UNPAUSE,
	PGWF_STMT_DESCRIBE,
	PGWF_STMT_QUERY,
	PGWF_STMT_UPDATE,
	PGWF_STMT_POLL_UPDATE,
	PGWF_STMT_LIST,
	PGWF_STMT_COUNT,
	PGWF_STMT_HISTORY,
	PGWF_STMT_HISTORY_JSON,
	PGWF_STMT_RESULT,
	PGWF_STMT_CREATE_SCHEDULE,
	PGWF_STMT_DESCRIBE_SCHEDULE,
	PGWF_STMT_UPDATE_SCHEDULE,
	PGWF_STMT_PATCH_SCHEDULE,
	PGWF_STMT_DELETE_SCHEDULE,
	PGWF_STMT_LIST_SCHEDULES,
	PGWF_STMT_SCHEDULE_TIMES,
	PGWF_STMT_DESCRIBE_TASK_QUEUE,
	PGWF_STMT_LIST_TASK_QUEUES,
	PGWF_STMT_UPDATE_TASK_QUEUE,
	PGWF_STMT_REGISTER_NAMESPACE,
	PGWF_STMT_UPDATE_NAMESPACE,
	PGWF_STMT_DESCRIBE_NAMESPACE,
	PGWF_STMT_LIST_NAMESPACES,
	PGWF_STMT_DELETE_NAMESPACE,
	PGWF_STMT_CURRENT_TIME,
	PGWF_STMT_SLEEP,
	PGWF_STMT_WAIT,
	PGWF_STMT_POLL_WORKFLOW,
	PGWF_STMT_POLL_ACTIVITY,
	PGWF_STMT_WORKFLOW_COMPLETED,
	PGWF_STMT_QUERY_COMPLETED,
	PGWF_STMT_WORKFLOW_FAILED,
	PGWF_STMT_ACTIVITY_COMPLETED,
	PGWF_STMT_ACTIVITY_FAILED,
	PGWF_STMT_ACTIVITY_CANCELED,
	PGWF_STMT_HEARTBEAT,
	PGWF_STMT_ACTIVITY_COMPLETED_BY_ID,
	PGWF_STMT_ACTIVITY_FAILED_BY_ID,
	PGWF_STMT_ACTIVITY_CANCELED_BY_ID,
	PGWF_STMT_HEARTBEAT_BY_ID,
	PGWF_STMT_SHUTDOWN_WORKER,
	PGWF_STMT_EXECUTE_CALLS,
	PGWF_NUM_STMTS
} PgwfStmt;

#define PGWF_MAX_PARAMS		27

/* Name of the function or procedure it calls. */
extern const char *pgwf_stmt_name(PgwfStmt stmt);

extern int	pgwf_stmt_nparams(PgwfStmt stmt);

/* Its text, to be free()d. */
extern char *pgwf_stmt_sql(PgwfStmt stmt);

/* An argument of several calls; it is used if one of them has it. */
typedef struct PgwfCommonArgument
{
	const char *name;
	int			name_length;
	const char *value;
	bool		used;
} PgwfCommonArgument;

extern PgwfCommonArgument pgwf_common_argument(const char *name,
											   const char *value);
extern void pgwf_stmt_append_call(PgwfText *out, PgwfStmt stmt,
								  const char *const *values,
								  PgwfCommonArgument *common, int ncommon);
extern void pgwf_stmt_append_common(PgwfText *out,
									const PgwfCommonArgument *common,
									int ncommon);

#endif							/* PGWF_STATEMENT_H */
