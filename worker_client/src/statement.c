/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  The statements the library runs: calls of the service's functions and
 *	  procedures with named arguments.
 *
 * Everything is qualified: search_path, which connections through a pooler
 * cannot pin, does not matter.
 *
 *-------------------------------------------------------------------------
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_statement.h"
#include "pgwf_util.h"

/* A time as what the library has for it */
#define MICROSECONDS(column) \
	"(EXTRACT(epoch FROM " column ") OPERATOR(pg_catalog.*) 1000000)::bigint"

/* What a start has in common with signal-with-start and update-with-start */
#define START_PARAMS \
	"workflow_id text, workflow_type text, task_queue text, " \
	"input jsonb, request_id text, identity text, " \
	"workflow_execution_timeout interval, " \
	"workflow_run_timeout interval, workflow_task_timeout interval, " \
	"memo jsonb, search_attributes jsonb, header jsonb, " \
	"workflow_id_reuse_policy text, " \
	"workflow_id_conflict_policy text, retry_policy jsonb, " \
	"cron_schedule text, workflow_start_delay interval, " \
	"priority jsonb, user_metadata jsonb"

/*
 * "head workflow.function(name => $1::type, ...)"; params is "name type, ...".
 * A query of views is head alone, with nparams parameters and a name.
 */
static const struct
{
	const char *head;
	const char *function;
	const char *params;			/* NULL: a query of views */
	int			nparams;
}			statements[PGWF_NUM_STMTS] =

{
	[PGWF_STMT_START] = {
		"SELECT run_id, started FROM", "start_workflow_execution",
		START_PARAMS
		", namespace text"
	},
	[PGWF_STMT_SIGNAL_WITH_START] = {
		"SELECT run_id, started FROM",
		"signal_with_start_workflow_execution",
		START_PARAMS
		", signal_name text, signal_input jsonb, signal_header jsonb, "
		"namespace text"
	},
	[PGWF_STMT_UPDATE_WITH_START] = {
		"CALL", "update_with_start_workflow_execution",
		START_PARAMS
		", update_id text, update_name text, update_args jsonb, "
		"update_header jsonb, wait_for_stage text, timeout interval, "
		"namespace text"
	},
	[PGWF_STMT_SIGNAL] = {
		"SELECT", "signal_workflow_execution",
		"workflow_id text, signal_name text, input jsonb, run_id uuid, "
		"request_id text, identity text, header jsonb, namespace text"
	},
	[PGWF_STMT_REQUEST_CANCEL] = {
		"SELECT", "request_cancel_workflow_execution",
		"workflow_id text, reason text, run_id uuid, "
		"first_execution_run_id uuid, request_id text, identity text, "
		"namespace text"
	},
	[PGWF_STMT_TERMINATE] = {
		"SELECT", "terminate_workflow_execution",
		"workflow_id text, reason text, details jsonb, run_id uuid, "
		"first_execution_run_id uuid, identity text, namespace text"
	},
	[PGWF_STMT_RESET] = {
		"SELECT", "reset_workflow_execution",
		"workflow_id text, reason text, "
		"workflow_task_finish_event_id bigint, reset_type text, "
		"run_id uuid, request_id text, "
		"reset_reapply_exclude_types text[], identity text, "
		"namespace text"
	},
	[PGWF_STMT_DELETE] = {
		"SELECT", "delete_workflow_execution",
		"workflow_id text, run_id uuid, namespace text"
	},
	[PGWF_STMT_PAUSE] = {
		"SELECT", "pause_workflow_execution",
		"workflow_id text, reason text, run_id uuid, request_id text, "
		"identity text, namespace text"
	},
	[PGWF_STMT_UNPAUSE] = {
		"SELECT", "unpause_workflow_execution",
		"workflow_id text, reason text, run_id uuid, request_id text, "
		"identity text, namespace text"
	},
	[PGWF_STMT_DESCRIBE] = {
		"SELECT", "describe_workflow_execution",
		"workflow_id text, run_id uuid, namespace text"
	},
	[PGWF_STMT_QUERY] = {
		"CALL", "query_workflow",
		"workflow_id text, query_type text, query_args jsonb, "
		"run_id uuid, query_reject_condition text, header jsonb, "
		"timeout interval, namespace text"
	},
	[PGWF_STMT_UPDATE] = {
		"CALL", "update_workflow_execution",
		"workflow_id text, update_id text, update_name text, args jsonb, "
		"run_id uuid, first_execution_run_id uuid, wait_for_stage text, "
		"header jsonb, identity text, timeout interval, namespace text"
	},
	[PGWF_STMT_POLL_UPDATE] = {
		"CALL", "poll_workflow_execution_update",
		"workflow_id text, update_id text, run_id uuid, "
		"wait_for_stage text, timeout interval, namespace text"
	},
	[PGWF_STMT_LIST] = {
		"SELECT page_token, workflow_id, run_id, workflow_type, status, "
		"task_queue, " MICROSECONDS("start_time") ", "
		MICROSECONDS("execution_time") ", " MICROSECONDS("close_time") ", "
		"history_length, history_size_bytes, memo, search_attributes, "
		"parent_workflow_id, parent_run_id, root_workflow_id, root_run_id "
		"FROM", "list_workflow_executions",
		"query text, page_size integer, next_page_token text, "
		"namespace text"
	},
	[PGWF_STMT_COUNT] = {
		"SELECT count, groups FROM", "count_workflow_executions",
		"query text, namespace text"
	},
	[PGWF_STMT_HISTORY] = {
		"SELECT pg_catalog.json_build_object('eventId', event_id, "
		"'eventTime', pg_catalog.to_char(event_time AT TIME ZONE 'UTC', "
		"'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
		"'eventType', event_type, 'attributes', attributes) FROM",
		"get_workflow_execution_history",
		"workflow_id text, run_id uuid, after_event_id bigint, "
		"page_size integer, reverse boolean, filter text, namespace text"
	},
	[PGWF_STMT_HISTORY_JSON] = {
		"SELECT", "history_json",
		"workflow_id text, run_id uuid, namespace text"
	},
	[PGWF_STMT_RESULT] = {
		"CALL", "get_workflow_execution_result",
		"workflow_id text, run_id uuid, timeout interval, namespace text"
	},
	[PGWF_STMT_CREATE_SCHEDULE] = {
		"SELECT", "create_schedule",
		"schedule_id text, schedule jsonb, initial_patch jsonb, "
		"memo jsonb, search_attributes jsonb, request_id text, "
		"namespace text"
	},
	[PGWF_STMT_DESCRIBE_SCHEDULE] = {
		"SELECT", "describe_schedule",
		"schedule_id text, namespace text"
	},
	[PGWF_STMT_UPDATE_SCHEDULE] = {
		"SELECT", "update_schedule",
		"schedule_id text, schedule jsonb, conflict_token bigint, "
		"memo jsonb, search_attributes jsonb, request_id text, "
		"namespace text"
	},
	[PGWF_STMT_PATCH_SCHEDULE] = {
		"SELECT", "patch_schedule",
		"schedule_id text, patch jsonb, request_id text, namespace text"
	},
	[PGWF_STMT_DELETE_SCHEDULE] = {
		"SELECT", "delete_schedule",
		"schedule_id text, namespace text"
	},
	[PGWF_STMT_LIST_SCHEDULES] = {
		"SELECT", "list_schedules",
		"query text, page_size integer, after_schedule_id text, "
		"namespace text"
	},
	[PGWF_STMT_SCHEDULE_TIMES] = {
		"SELECT pg_catalog.to_char("
		"list_schedule_matching_times AT TIME ZONE 'UTC', "
		"'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM",
		"list_schedule_matching_times",
		"schedule_id text, start_time timestamptz, end_time timestamptz, "
		"namespace text"
	},
	[PGWF_STMT_DESCRIBE_TASK_QUEUE] = {
		"SELECT", "describe_task_queue",
		"task_queue text, task_queue_type text, namespace text"
	},
	[PGWF_STMT_LIST_TASK_QUEUES] = {
		"SELECT pg_catalog.to_jsonb(q.*) FROM workflow.task_queues AS q "
		"WHERE q.namespace OPERATOR(pg_catalog.=) $1::pg_catalog.text "
		"ORDER BY q.task_queue, q.kind, q.sticky",
		"list_task_queues", NULL, 1
	},
	[PGWF_STMT_UPDATE_TASK_QUEUE] = {
		"SELECT", "update_task_queue_config",
		"task_queue text, task_queue_type text, "
		"queue_rate_limit double precision, unset_queue_rate_limit boolean, "
		"fairness_key_rate_limit_default double precision, "
		"unset_fairness_key_rate_limit_default boolean, reason text, "
		"identity text, namespace text"
	},
	[PGWF_STMT_REGISTER_NAMESPACE] = {
		"SELECT", "register_namespace",
		"namespace text, retention interval, description text, "
		"virtual_time boolean"
	},
	[PGWF_STMT_UPDATE_NAMESPACE] = {
		"SELECT", "update_namespace",
		"namespace text, retention interval, description text"
	},
	[PGWF_STMT_DESCRIBE_NAMESPACE] = {
		"SELECT", "describe_namespace",
		"namespace text"
	},
	[PGWF_STMT_LIST_NAMESPACES] = {
		"SELECT workflow.describe_namespace(n.namespace) "
		"FROM workflow.namespaces AS n ORDER BY n.namespace",
		"list_namespaces", NULL, 0
	},
	[PGWF_STMT_DELETE_NAMESPACE] = {
		"SELECT", "delete_namespace", "namespace text"
	},
	[PGWF_STMT_CURRENT_TIME] = {
		"SELECT " MICROSECONDS("get_current_time") " FROM",
		"get_current_time", "namespace text"
	},
	[PGWF_STMT_SLEEP] = {
		"CALL", "sleep_with_time_skipping",
		"namespace text, duration interval"
	},
	[PGWF_STMT_WAIT] = {
		"CALL", "wait_and_poll",
		"workflow_queues text[], activity_queues text[], "
		"timeout interval, identity text, sticky_queue text, "
		"build_id text, deployment_name text, versioning_mode text, "
		"max_workflow_tasks integer, max_activity_tasks integer, "
		"namespace text"
	},
	[PGWF_STMT_POLL_WORKFLOW] = {
		"SELECT", "poll_workflow_task_queue",
		"task_queue text, max_tasks integer, identity text, "
		"sticky boolean, request_id text, build_id text, "
		"deployment_name text, versioning_mode text, "
		"max_tasks_per_second double precision, namespace text"
	},
	[PGWF_STMT_POLL_ACTIVITY] = {
		"SELECT", "poll_activity_task_queue",
		"task_queue text, max_tasks integer, identity text, "
		"request_id text, build_id text, deployment_name text, "
		"versioning_mode text, max_tasks_per_second double precision, "
		"namespace text"
	},
	[PGWF_STMT_WORKFLOW_COMPLETED] = {
		"SELECT", "respond_workflow_task_completed",
		"task_token text, commands jsonb, identity text, "
		"sticky_queue text, sticky_schedule_to_start_timeout interval, "
		"return_new_workflow_task boolean, "
		"force_create_new_workflow_task boolean, sdk_metadata jsonb, "
		"metering_metadata jsonb, query_results jsonb, messages jsonb, "
		"discard_speculative_workflow_task_with_events boolean, "
		"build_id text, deployment_name text, versioning_mode text, "
		"versioning_behavior text, namespace text"
	},
	[PGWF_STMT_QUERY_COMPLETED] = {
		"SELECT", "respond_query_task_completed",
		"task_token text, completed_type text, query_result jsonb, "
		"error_message text, failure jsonb, namespace text"
	},
	[PGWF_STMT_WORKFLOW_FAILED] = {
		"SELECT", "respond_workflow_task_failed",
		"task_token text, cause text, failure jsonb, identity text, "
		"namespace text"
	},
	[PGWF_STMT_ACTIVITY_COMPLETED] = {
		"SELECT", "respond_activity_task_completed",
		"task_token text, result jsonb, identity text, namespace text, "
		"sticky_queue text"
	},
	[PGWF_STMT_ACTIVITY_FAILED] = {
		"SELECT", "respond_activity_task_failed",
		"task_token text, failure jsonb, last_heartbeat_details jsonb, "
		"identity text, namespace text"
	},
	[PGWF_STMT_ACTIVITY_CANCELED] = {
		"SELECT", "respond_activity_task_canceled",
		"task_token text, details jsonb, identity text, namespace text"
	},
	[PGWF_STMT_HEARTBEAT] = {
		"SELECT cancel_requested, activity_paused, activity_reset FROM",
		"record_activity_task_heartbeat",
		"task_token text, details jsonb, identity text, namespace text"
	},
	[PGWF_STMT_ACTIVITY_COMPLETED_BY_ID] = {
		"SELECT", "respond_activity_task_completed_by_id",
		"workflow_id text, activity_id text, result jsonb, run_id uuid, "
		"identity text, namespace text"
	},
	[PGWF_STMT_ACTIVITY_FAILED_BY_ID] = {
		"SELECT", "respond_activity_task_failed_by_id",
		"workflow_id text, activity_id text, failure jsonb, run_id uuid, "
		"identity text, namespace text"
	},
	[PGWF_STMT_ACTIVITY_CANCELED_BY_ID] = {
		"SELECT", "respond_activity_task_canceled_by_id",
		"workflow_id text, activity_id text, details jsonb, run_id uuid, "
		"identity text, namespace text"
	},
	[PGWF_STMT_HEARTBEAT_BY_ID] = {
		"SELECT cancel_requested, activity_paused, activity_reset FROM",
		"record_activity_task_heartbeat_by_id",
		"workflow_id text, activity_id text, details jsonb, run_id uuid, "
		"identity text, namespace text"
	},
	[PGWF_STMT_SHUTDOWN_WORKER] = {
		"SELECT", "shutdown_worker",
		"sticky_task_queue text, identity text, namespace text"
	},
	[PGWF_STMT_EXECUTE_CALLS] = {
		"SELECT", "execute_calls", "calls jsonb, arguments jsonb"
	}
};

const char *
pgwf_stmt_name(PgwfStmt stmt)
{
	return statements[stmt].function;
}

/* ---- parameters ---- */

/* A parameter, as it is written in the table above */
typedef struct PgwfParam
{
	const char *name;
	const char *type;
	int			name_length;
	int			type_length;
	bool		is_boolean;
	bool		is_jsonb;
} PgwfParam;

/* Those of each statement, taken apart once and for all threads */
static PgwfParam stmt_params[PGWF_NUM_STMTS][PGWF_MAX_PARAMS];
static int	stmt_nparams[PGWF_NUM_STMTS];
static pthread_once_t params_once = PTHREAD_ONCE_INIT;

static bool
is_type(const PgwfParam *param, const char *name)
{
	return strlen(name) == (size_t) param->type_length &&
		strncmp(param->type, name, (size_t) param->type_length) == 0;
}

static void
read_params(void)
{
	int			stmt;

	for (stmt = 0; stmt < PGWF_NUM_STMTS; stmt++)
	{
		const char *p = statements[stmt].params;
		int			n = 0;

		if (p == NULL)
		{
			stmt_nparams[stmt] = statements[stmt].nparams;
			continue;
		}
		while (*p != '\0')
		{
			PgwfParam  *param = &stmt_params[stmt][n++];

			param->name = p;
			param->name_length = (int) strcspn(p, " ");
			param->type = p + param->name_length + 1;
			param->type_length = (int) strcspn(param->type, ",");
			param->is_boolean = is_type(param, "boolean");
			param->is_jsonb = is_type(param, "jsonb");
			p = param->type + param->type_length;
			p += strspn(p, ", ");
		}
		stmt_nparams[stmt] = n;
	}
}

/* The parameters of a statement that calls a function. */
static const PgwfParam *
params_of(PgwfStmt stmt)
{
	pthread_once(&params_once, read_params);
	return stmt_params[stmt];
}

int
pgwf_stmt_nparams(PgwfStmt stmt)
{
	pthread_once(&params_once, read_params);
	return stmt_nparams[stmt];
}

/* The types whose names are SQL's own, which no search_path changes */
static const char *
schema_of(const char *type)
{
	static const char *const keywords[] = {
		"bigint", "boolean", "double precision", "integer", "interval"
	};
	size_t		i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
	{
		if (strncmp(type, keywords[i], strlen(keywords[i])) == 0)
			return "";
	}
	return "pg_catalog.";
}

char *
pgwf_stmt_sql(PgwfStmt stmt)
{
	const PgwfParam *params = params_of(stmt);
	char	   *sql;
	size_t		size;
	FILE	   *out;
	int			n;

	if (statements[stmt].params == NULL)
		return pgwf_strdup(statements[stmt].head);
	out = open_memstream(&sql, &size);
	if (out == NULL)
		abort();
	fprintf(out, "%s workflow.%s(", statements[stmt].head,
			statements[stmt].function);
	for (n = 0; n < stmt_nparams[stmt]; n++)
		fprintf(out, "%s%.*s => $%d::%s%.*s", n > 0 ? ", " : "",
				params[n].name_length, params[n].name, n + 1,
				schema_of(params[n].type), params[n].type_length,
				params[n].type);
	fputc(')', out);
	if (fclose(out) != 0)
		abort();
	return sql;
}

/* ---- as a call among others ---- */

static void
append_text(PgwfText *out, const char *text)
{
	pgwf_text_append(out, text, strlen(text));
}

static void
append_name(PgwfText *out, const char *name, size_t length)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		append_text(out, ",");
	append_text(out, "\"");
	pgwf_text_append(out, name, length);
	append_text(out, "\":");
}

static bool
is_named(const PgwfParam *param, const PgwfCommonArgument *common)
{
	return param->name_length == common->name_length &&
		memcmp(param->name, common->name, (size_t) common->name_length) == 0;
}

/* An argument that calls may have in common. */
PgwfCommonArgument
pgwf_common_argument(const char *name, const char *value)
{
	PgwfCommonArgument common = {name, (int) strlen(name), value, false};

	return common;
}

static void
append_value(PgwfText *out, const PgwfParam *param, const char *value)
{
	if (value == NULL)
		append_text(out, "null");
	else if (param->is_boolean)
		append_text(out, *value == 't' ? "true" : "false");
	else if (param->is_jsonb)
		append_text(out, value);
	else
		pgwf_text_append_string(out, value, strlen(value));
}

/*
 * Append the statement, with its values, as one of the calls of
 * PGWF_STMT_EXECUTE_CALLS.  What it has in common with the others is left out,
 * and what is null or false: that is the default of all arguments for which
 * it is ever passed.
 */
void
pgwf_stmt_append_call(PgwfText *out, PgwfStmt stmt,
					  const char *const *values, PgwfCommonArgument *common,
					  int ncommon)
{
	const PgwfParam *params = params_of(stmt);
	int			n;

	append_text(out, "{\"call\":\"");
	append_text(out, statements[stmt].function);
	append_text(out, "\",\"arguments\":{");
	for (n = 0; n < stmt_nparams[stmt]; n++)
	{
		const PgwfParam *param = &params[n];
		const char *value = values[n];
		bool		left_out = value == NULL ||
		(param->is_boolean && *value == 'f');
		int			i;

		for (i = 0; i < ncommon; i++)
		{
			if (!is_named(param, &common[i]))
				continue;
			common[i].used = true;
			left_out = value != NULL && strcmp(value, common[i].value) == 0;
		}
		if (left_out)
			continue;
		append_name(out, param->name, (size_t) param->name_length);
		append_value(out, param, value);
	}
	append_text(out, "}}");
}

/* Append what the calls have in common, all of it texts */
void
pgwf_stmt_append_common(PgwfText *out, const PgwfCommonArgument *common,
						int ncommon)
{
	int			i;

	append_text(out, "{");
	for (i = 0; i < ncommon; i++)
	{
		if (!common[i].used)
			continue;
		append_name(out, common[i].name, (size_t) common[i].name_length);
		pgwf_text_append_string(out, common[i].value,
								strlen(common[i].value));
	}
	append_text(out, "}");
}
