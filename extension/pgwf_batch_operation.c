/*-------------------------------------------------------------------------
 *
 * pgwf_batch_operation.c
 *		The kinds of batch operations (SS 17): what each does to one run, and
 *		which parameters it takes.
 *
 * Each calls the SQL function that does it to a single run, and so has its
 * checks, its events and its locks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "pgwf_args.h"
#include "pgwf_batch.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_retry_policy.h"

#define OPERATION_PREFIX	"BATCH_OPERATION_TYPE_"

/* How long an operation may wait for a lock */
#define LOCK_TIMEOUT		"100ms"

/* (workflow id, run id, reason, identity, namespace, parameters) */
#define OPERATION_ARGS	\
	.nargs = 6, \
	.argtypes = {TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID}

/* Arguments that all functions for activities have */
#define ACTIVITY_SELECTION \
	"workflow_id => $1, run_id => $2, activity_type => $6 ->> 'type'," \
	" match_all => ($6 ->> 'matchAll')::boolean, namespace => $5"

static PgwfStatement terminate = {
	.sql = "SELECT workflow.terminate_workflow_execution(workflow_id => $1,"
	" run_id => $2, reason => $3, identity => $4, namespace => $5)",
	OPERATION_ARGS
};

static PgwfStatement cancel = {
	.sql = "SELECT workflow.request_cancel_workflow_execution("
	"workflow_id => $1, run_id => $2, reason => $3, identity => $4,"
	" namespace => $5)",
	OPERATION_ARGS
};

static PgwfStatement signal_run = {
	.sql = "SELECT workflow.signal_workflow_execution(workflow_id => $1,"
	" signal_name => $6 ->> 'signal', input => $6 -> 'input',"
	" run_id => $2, identity => $4, header => $6 -> 'header',"
	" namespace => $5)",
	OPERATION_ARGS
};

static PgwfStatement delete_run = {
	.sql = "SELECT workflow.delete_workflow_execution(workflow_id => $1,"
	" run_id => $2, namespace => $5)",
	OPERATION_ARGS
};

static PgwfStatement reset = {
	.sql = "SELECT workflow.reset_workflow_execution(workflow_id => $1,"
	" reason => $3, reset_type => $6 ->> 'resetType',"
	" build_id => $6 ->> 'buildId', run_id => $2,"
	" reset_reapply_exclude_types => (SELECT pg_catalog.array_agg(x.type)"
	" FROM pg_catalog.jsonb_array_elements_text("
	"$6 -> 'resetReapplyExcludeTypes') AS x (type)),"
	" identity => $4, namespace => $5)",
	OPERATION_ARGS
};

static PgwfStatement pause_activity = {
	.sql = "SELECT workflow.pause_activity(" ACTIVITY_SELECTION ")",
	OPERATION_ARGS
};

static PgwfStatement unpause_activity = {
	.sql = "SELECT workflow.unpause_activity(" ACTIVITY_SELECTION ","
	" reset_attempts => ($6 ->> 'resetAttempts')::boolean,"
	" reset_heartbeat => ($6 ->> 'resetHeartbeat')::boolean,"
	" jitter => ($6 ->> 'jitter')::interval)",
	OPERATION_ARGS
};

static PgwfStatement reset_activity = {
	.sql = "SELECT workflow.reset_activity(" ACTIVITY_SELECTION ","
	" reset_heartbeat => ($6 ->> 'resetHeartbeat')::boolean,"
	" keep_paused => ($6 ->> 'keepPaused')::boolean,"
	" jitter => ($6 ->> 'jitter')::interval,"
	" restore_original_options =>"
	" ($6 ->> 'restoreOriginalOptions')::boolean)",
	OPERATION_ARGS
};

static PgwfStatement update_options = {
	.sql = "SELECT workflow.update_workflow_execution_options("
	"workflow_id => $1,"
	" workflow_execution_options => $6 -> 'workflowExecutionOptions',"
	" update_mask => (SELECT pg_catalog.array_agg(x.path)"
	" FROM pg_catalog.jsonb_array_elements_text("
	"NULLIF($6 -> 'updateMask', 'null')) AS x (path)), run_id => $2, identity => $4, namespace => $5)",
	OPERATION_ARGS
};

#define ACTIVITY_TIMEOUT(name) \
	"($6 #>> '{activityOptions," name "}')::interval"

static PgwfStatement update_activity_options = {
	.sql = "SELECT workflow.update_activity_options(" ACTIVITY_SELECTION ","
	" task_queue => CASE"
	" jsonb_typeof($6 #> '{activityOptions,taskQueue}') WHEN 'string'"
	" THEN $6 #>> '{activityOptions,taskQueue}'"
	" ELSE $6 #>> '{activityOptions,taskQueue,name}' END,"
	" schedule_to_close_timeout =>"
	" " ACTIVITY_TIMEOUT("scheduleToCloseTimeout") ","
	" schedule_to_start_timeout =>"
	" " ACTIVITY_TIMEOUT("scheduleToStartTimeout") ","
	" start_to_close_timeout => " ACTIVITY_TIMEOUT("startToCloseTimeout") ","
	" heartbeat_timeout => " ACTIVITY_TIMEOUT("heartbeatTimeout") ","
	" retry_policy => $6 #> '{activityOptions,retryPolicy}')",
	OPERATION_ARGS
};

static void check_signal(PgwfReader *parameters);
static void check_reset(PgwfReader *parameters);
static void check_options(PgwfReader *parameters);
static void check_activity(PgwfReader *parameters);
static void check_activity_options(PgwfReader *parameters);

static const struct
{
	const char *name;
	PgwfStatement *statement;
	void		(*check) (PgwfReader *parameters);
}			operations[] =

{
	{"TERMINATE", &terminate, NULL},
	{"CANCEL", &cancel, NULL},
	{"SIGNAL", &signal_run, check_signal},
	{"DELETE", &delete_run, NULL},
	{"RESET", &reset, check_reset},
	{"UPDATE_WORKFLOW_EXECUTION_OPTIONS", &update_options, check_options},
	{"PAUSE_ACTIVITY", &pause_activity, check_activity},
	{"UNPAUSE_ACTIVITY", &unpause_activity, check_activity},
	{"RESET_ACTIVITY", &reset_activity, check_activity},
	{"UPDATE_ACTIVITY_OPTIONS", &update_activity_options,
	check_activity_options}
};

static void
report_invalid(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("%s", message)));
}

/* A parameter that an operation cannot do without */
static void
require(PgwfReader *parameters, const char *name)
{
	char	   *value = pgwf_read_text(parameters, name);

	if (value == NULL || value[0] == '\0')
		report_invalid(psprintf("parameters must have \"%s\"", name));
}

static void
check_signal(PgwfReader *parameters)
{
	require(parameters, "signal");
}

static void
check_reset(PgwfReader *parameters)
{
	require(parameters, "resetType");
}

/* The options are checked where they are set: a version must be there then */
static void
check_options(PgwfReader *parameters)
{
	bool		options = pgwf_read_object(parameters,
										   "workflowExecutionOptions") != NULL;
	bool		mask = pgwf_read_texts(parameters, "updateMask") != NIL;

	if (parameters->error == NULL && !options && !mask)
		report_invalid("parameters must have \"workflowExecutionOptions\" or \"updateMask\"");
}

/* Which activities of a run are meant, and what all their operations take */
static void
check_activity(PgwfReader *parameters)
{
	char	   *type = pgwf_read_text(parameters, "type");
	bool		all = pgwf_read_bool(parameters, "matchAll");

	if (parameters->error == NULL && (type != NULL) == all)
		report_invalid("parameters must have one of \"type\" and \"matchAll\"");
	(void) pgwf_read_bool(parameters, "resetAttempts");
	(void) pgwf_read_bool(parameters, "resetHeartbeat");
	(void) pgwf_read_bool(parameters, "keepPaused");
	(void) pgwf_read_bool(parameters, "restoreOriginalOptions");
	if (pgwf_read_duration(parameters, "jitter") < 0)
		report_invalid("jitter is negative");
}

static void
check_activity_options(PgwfReader *parameters)
{
	static const char *const timeouts[] = {
		"scheduleToCloseTimeout", "scheduleToStartTimeout",
		"startToCloseTimeout", "heartbeatTimeout"
	};
	static const char *const members[] = {
		"taskQueue", "scheduleToCloseTimeout", "scheduleToStartTimeout",
		"startToCloseTimeout", "heartbeatTimeout", "retryPolicy", NULL
	};
	Jsonb	   *jsonb = pgwf_read_object(parameters, "activityOptions");
	Jsonb	   *retry_policy;
	PgwfReader	options;
	PgwfRetryPolicy policy;

	check_activity(parameters);
	if (parameters->error == NULL && jsonb == NULL)
		report_invalid("parameters must have \"activityOptions\"");
	pgwf_reader_init(&options, jsonb);
	pgwf_read_only(&options, "activityOptions", members);
	for (int i = 0; i < lengthof(timeouts); i++)
	{
		if (pgwf_read_duration(&options, timeouts[i]) < 0)
			report_invalid(psprintf("%s is negative", timeouts[i]));
	}
	pgwf_check_task_queue(pgwf_read_name(&options, "taskQueue"));
	retry_policy = pgwf_read_object(&options, "retryPolicy");
	if (options.error == NULL && retry_policy)
		options.error = pgwf_retry_policy_read(&policy, retry_policy);
	if (parameters->error == NULL)
		parameters->error = options.error;
}

/*
 * Checks the kind of a batch operation and its parameters, which may be
 * NULL; returns its name without the prefix of Temporal's.
 */
char *
pgwf_batch_operation_check(char *name, Jsonb *parameters)
{
	PgwfReader	reader;

	if (name && strncmp(name, OPERATION_PREFIX,
						strlen(OPERATION_PREFIX)) == 0)
		name += strlen(OPERATION_PREFIX);
	for (int i = 0; name && i < lengthof(operations); i++)
	{
		if (strcmp(name, operations[i].name) != 0)
			continue;
		pgwf_reader_init(&reader, parameters);
		if (reader.error)
			report_invalid("parameters is not a JSON object");
		if (operations[i].check)
			operations[i].check(&reader);
		if (reader.error)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("invalid parameters of batch operation %s", name),
					 errdetail("In them, %s.", reader.error)));
		return name;
	}
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("unknown batch operation \"%s\"", name ? name : ""),
			 errhint("The operations are TERMINATE, CANCEL, SIGNAL, DELETE, RESET, UPDATE_WORKFLOW_EXECUTION_OPTIONS, PAUSE_ACTIVITY, UNPAUSE_ACTIVITY, RESET_ACTIVITY and UPDATE_ACTIVITY_OPTIONS.")));
	return NULL;
}

/* Does an operation to a run; raises the errors of the function that does */
void
pgwf_batch_operation_call(const char *name, const PgwfBatchCall *call)
{
	PgwfDbScope scope;
	Datum		values[6];
	char		nulls[] = "      ";

	pgwf_db_begin(&scope);
	(void) set_config_option("lock_timeout", LOCK_TIMEOUT, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	values[0] = CStringGetTextDatum(call->workflow_id);
	values[1] = UUIDPGetDatum(call->run_id);
	nulls[1] = call->run_id ? ' ' : 'n';
	values[2] = call->reason;
	nulls[2] = call->no_reason ? 'n' : ' ';
	values[3] = call->identity;
	nulls[3] = call->no_identity ? 'n' : ' ';
	values[4] = CStringGetTextDatum(pgwf_namespace_name(call->namespace_id));
	values[5] = call->parameters;
	for (int i = 0; i < lengthof(operations); i++)
	{
		if (strcmp(name, operations[i].name) == 0)
			(void) pgwf_db_execute(operations[i].statement, values, nulls);
	}
	pgwf_db_end(&scope);
}
