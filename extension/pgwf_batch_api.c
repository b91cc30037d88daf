/*-------------------------------------------------------------------------
 *
 * pgwf_batch_api.c
 *		The functions of batch operations (SS 17).
 *
 * They write what is to be done; the scheduler does it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_batch.h"
#include "pgwf_clock.h"
#include "pgwf_compat.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_filter_sql.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_store.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_start_batch_operation);
PG_FUNCTION_INFO_V1(pgwf_stop_batch_operation);
PG_FUNCTION_INFO_V1(pgwf_describe_batch_operation);
PG_FUNCTION_INFO_V1(pgwf_list_batch_operations);

#define OPERATION_PREFIX	"BATCH_OPERATION_TYPE_"
#define DEFAULT_RATE		50.0
#define MAX_RATE			1000.0
#define MAX_LIST			1000
#define MAX_PAGE_SIZE		10000

#define DESCRIBED_COLUMNS \
	" job_id, state, operation, reason, identity, start_time, close_time," \
	" total, complete, failure, last_error"

static PgwfStatement delete_expired = {
	.sql = "DELETE FROM workflow.batch_operation AS b"
	" USING workflow.namespace AS n"
	" WHERE b.namespace_id = $1 AND b.state <> 1"
	" AND n.namespace_id = b.namespace_id"
	" AND b.close_time <= $2 - n.retention",
	.nargs = 2,
	.argtypes = {INT4OID, TIMESTAMPTZOID}
};

static PgwfStatement insert_batch = {
	.sql = "INSERT INTO workflow.batch_operation (namespace_id, state, job_id,"
	" due_at, operation, parameters, query, executions, rate, reason,"
	" identity, start_time, total, last_run_key)"
	" SELECT $1, 1, v.job_id, v.due, v.operation, v.parameters, v.query,"
	" v.executions, v.rate, v.reason, v.identity, v.now,"
	" coalesce(v.total, 0), v.last_run_key"
	" FROM pg_catalog.jsonb_to_record($2) AS v (job_id text, operation text,"
	" parameters jsonb, query text, executions jsonb, rate double precision,"
	" reason text, identity text, total bigint, last_run_key bigint,"
	" now timestamptz, due timestamptz)"
	" ON CONFLICT DO NOTHING",
	.nargs = 2,
	.argtypes = {INT4OID, JSONBOID}
};

static PgwfStatement select_one = {
	.sql = "SELECT" DESCRIBED_COLUMNS
	" FROM workflow.batch_operation WHERE namespace_id = $1 AND job_id = $2",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

static PgwfStatement select_all = {
	.sql = "SELECT" DESCRIBED_COLUMNS
	" FROM workflow.batch_operation WHERE namespace_id = $1"
	" ORDER BY start_time DESC, job_id LIMIT $2",
	.nargs = 2,
	.argtypes = {INT4OID, INT4OID}
};

static PgwfStatement update_stopped = {
	.sql = "UPDATE workflow.batch_operation"
	" SET state = 3, close_time = $3, due_at = NULL,"
	" reason = coalesce($4, reason), identity = $5"
	" WHERE namespace_id = $1 AND job_id = $2 AND state = 1",
	.nargs = 5,
	.argtypes = {INT4OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID}
};

static void
report_invalid(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("%s", message)));
}

/* Checks a list of {"workflowId", "runId"}; returns its length */
static int64
check_executions(Jsonb *executions)
{
	int64		count;

	if (!JB_ROOT_IS_ARRAY(executions) || JB_ROOT_IS_SCALAR(executions))
		report_invalid("executions is not a JSON array");
	count = JB_ROOT_COUNT(executions);
	if (count == 0 || count > MAX_LIST)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("executions must have 1 to %d elements", MAX_LIST)));
	for (int64 i = 0; i < count; i++)
	{
		JsonbValue *element;
		PgwfReader	reader;
		char	   *workflow_id;
		char	   *run_id;

		element = getIthJsonbValueFromContainer(&executions->root,
												(uint32) i);
		if (element->type != jbvBinary)
			report_invalid("an element of executions is not an object");
		pgwf_reader_init(&reader, JsonbValueToJsonb(element));
		workflow_id = pgwf_read_text(&reader, "workflowId");
		run_id = pgwf_read_text(&reader, "runId");
		if (reader.error || workflow_id == NULL || workflow_id[0] == '\0')
			report_invalid("an element of executions has no workflowId");
		if (run_id && run_id[0] != '\0' && !pgwf_is_uuid(run_id))
			report_invalid("the runId of an element of executions is not a UUID");
	}
	return count;
}

static double
read_rate(FunctionCallInfo fcinfo, int n)
{
	double		rate;

	if (PG_ARGISNULL(n))
		return DEFAULT_RATE;
	rate = PG_GETARG_FLOAT8(n);
	if (isnan(rate) || rate <= 0)
		report_invalid("max_operations_per_second must be greater than 0");
	return Min(rate, MAX_RATE);
}

static void
report_conflict(int32 namespace_id, const char *job_id)
{
	Datum		values[2];

	values[0] = Int32GetDatum(namespace_id);
	values[1] = CStringGetTextDatum(job_id);
	if (pgwf_db_query(&select_one, values, NULL, 1) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_ALREADY_EXISTS),
				 errmsg("batch operation \"%s\" already exists", job_id)));
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
			 errmsg("a batch operation is running already"),
			 errdetail("There is one at a time in a namespace.")));
}

/*
 * start_batch_operation(operation, query, executions, parameters, job_id,
 *		reason, max_operations_per_second, identity, namespace)
 *	returns the job id
 *
 * The runs are those that match the query, of those that have started by
 * now, or those of the list.  Batch operations that ended longer ago than the
 * retention of the namespace are forgotten.
 */
Datum
pgwf_start_batch_operation(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	char	   *operation;
	char	   *query;
	Jsonb	   *executions;
	Jsonb	   *parameters;
	char	   *job_id;
	pg_uuid_t	uuid;
	PgwfObject	row;
	PgwfDbScope scope;
	Datum		values[2];
	text	   *result;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 8),
									   PGWF_RIGHT_CLIENT);
	query = pgwf_arg_text(fcinfo, 1);
	executions = pgwf_arg_jsonb(fcinfo, 2);
	parameters = pgwf_arg_jsonb(fcinfo, 3);
	job_id = pgwf_arg_id(fcinfo, 4, "job_id");
	if (query && query[0] == '\0')
		query = NULL;
	if ((query == NULL) == (executions == NULL))
		report_invalid("one of query and executions must be set");
	operation = pgwf_batch_operation_check(pgwf_arg_text(fcinfo, 0),
										   parameters);
	if (job_id == NULL || job_id[0] == '\0')
	{
		pgwf_new_uuid(&uuid);
		job_id = pgwf_uuid_text(&uuid);
	}

	pgwf_object_begin(&row);
	pgwf_object_text(&row, "job_id", job_id);
	pgwf_object_text(&row, "operation", operation);
	if (parameters)
		pgwf_object_jsonb(&row, "parameters", parameters);
	else
	{
		pgwf_object_open(&row, "parameters");
		pgwf_object_close(&row);
	}
	pgwf_object_text(&row, "query", query);
	pgwf_object_jsonb(&row, "executions", executions);
	pgwf_object_double(&row, "rate", read_rate(fcinfo, 6));
	pgwf_object_text(&row, "reason", pgwf_arg_id(fcinfo, 5, "reason"));
	pgwf_object_text(&row, "identity", pgwf_arg_identity(fcinfo, 7));
	pgwf_object_int(&row, "total", query ?
					pgwf_filter_count(namespace_id, query) :
					check_executions(executions));
	pgwf_object_int(&row, "last_run_key", pgwf_execution_next_run_key());
	pgwf_object_time(&row, "now", call.now);
	pgwf_object_time(&row, "due", call.wall);

	pgwf_db_begin(&scope);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = TimestampTzGetDatum(call.now);
	(void) pgwf_db_execute(&delete_expired, values, NULL);
	values[1] = JsonbPGetDatum(pgwf_object_finish(&row));
	if (pgwf_db_execute(&insert_batch, values, NULL) == 0)
		report_conflict(namespace_id, job_id);
	pgwf_db_end(&scope);
	pgwf_xact_look(PGWF_PART_BATCHES);
	pgwf_xact_mark_durable();

	MemoryContextSwitchTo(call.caller_context);
	result = cstring_to_text(job_id);
	pgwf_call_end(&call);
	PG_RETURN_TEXT_P(result);
}

static void
report_unknown(const char *job_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("batch operation \"%s\" not found", job_id)));
}

/* stop_batch_operation(job_id, reason, identity, namespace) */
Datum
pgwf_stop_batch_operation(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	char	   *job_id;
	char	   *reason;
	PgwfDbScope scope;
	Datum		values[5];
	char		nulls[] = "     ";

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 3),
									   PGWF_RIGHT_CLIENT);
	job_id = pgwf_arg_required_id(fcinfo, 0, "job_id");
	reason = pgwf_arg_id(fcinfo, 1, "reason");
	values[0] = Int32GetDatum(namespace_id);
	values[1] = CStringGetTextDatum(job_id);
	values[2] = TimestampTzGetDatum(call.now);
	values[3] = (Datum) 0;
	if (reason)
		values[3] = CStringGetTextDatum(reason);
	else
		nulls[3] = 'n';
	values[4] = CStringGetTextDatum(pgwf_arg_identity(fcinfo, 2));
	pgwf_db_begin(&scope);
	if (pgwf_db_execute(&update_stopped, values, nulls) == 0)
		report_unknown(job_id);
	pgwf_db_end(&scope);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

static void
describe_time(PgwfObject *object, const char *key, uint64 row, int column)
{
	bool		isnull;
	Datum		value = pgwf_db_value(row, column, &isnull);

	if (!isnull)
		pgwf_object_time(object, key, DatumGetTimestampTz(value));
}

/* A row of DESCRIBED_COLUMNS as a DescribeBatchOperationResponse */
static Jsonb *
describe_row(uint64 row)
{
	static const char *const states[] = {
		[PGWF_BATCH_RUNNING] = "BATCH_OPERATION_STATE_RUNNING",
		[PGWF_BATCH_COMPLETED] = "BATCH_OPERATION_STATE_COMPLETED",
		[PGWF_BATCH_FAILED] = "BATCH_OPERATION_STATE_FAILED"
	};
	PgwfObject	object;
	bool		isnull;

	pgwf_object_begin(&object);
	pgwf_object_text(&object, "operationType",
					 psprintf(OPERATION_PREFIX "%s", pgwf_db_text(row, 3)));
	pgwf_object_text(&object, "jobId", pgwf_db_text(row, 1));
	pgwf_object_text(&object, "state",
					 states[DatumGetInt16(pgwf_db_value(row, 2, &isnull))]);
	describe_time(&object, "startTime", row, 6);
	describe_time(&object, "closeTime", row, 7);
	pgwf_object_int(&object, "totalOperationCount",
					DatumGetInt64(pgwf_db_value(row, 8, &isnull)));
	pgwf_object_int(&object, "completeOperationCount",
					DatumGetInt64(pgwf_db_value(row, 9, &isnull)));
	pgwf_object_int(&object, "failureOperationCount",
					DatumGetInt64(pgwf_db_value(row, 10, &isnull)));
	pgwf_object_text(&object, "identity", pgwf_db_text(row, 5));
	pgwf_object_text(&object, "reason", pgwf_db_text(row, 4));
	pgwf_object_text(&object, "lastError", pgwf_db_text(row, 11));
	return pgwf_object_finish(&object);
}

/* describe_batch_operation(job_id, namespace) */
Datum
pgwf_describe_batch_operation(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	char	   *job_id;
	PgwfDbScope scope;
	Datum		values[2];
	Jsonb	   *description;
	Jsonb	   *result;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 1),
									   PGWF_RIGHT_READ);
	job_id = pgwf_arg_required_id(fcinfo, 0, "job_id");
	values[0] = Int32GetDatum(namespace_id);
	values[1] = CStringGetTextDatum(job_id);
	pgwf_db_begin(&scope);
	if (pgwf_db_query(&select_one, values, NULL, 1) == 0)
		report_unknown(job_id);
	description = describe_row(0);
	result = MemoryContextAlloc(call.caller_context, VARSIZE(description));
	memcpy(result, description, VARSIZE(description));
	pgwf_db_end(&scope);
	pgwf_call_end(&call);
	PG_RETURN_JSONB_P(result);
}

/* list_batch_operations(page_size, namespace) */
Datum
pgwf_list_batch_operations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PgwfCall	call;
	int32		namespace_id;
	PgwfDbScope scope;
	Datum		values[2];
	uint64		count;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 1),
									   PGWF_RIGHT_READ);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int32GetDatum(pgwf_arg_int(fcinfo, 0, "page_size", 100, 1,
										   MAX_PAGE_SIZE));
	pgwf_db_begin(&scope);
	count = pgwf_db_query(&select_all, values, NULL, 0);
	for (uint64 i = 0; i < count; i++)
	{
		Datum		value = JsonbPGetDatum(describe_row(i));
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value,
							 &isnull);
	}
	pgwf_db_end(&scope);
	pgwf_call_end(&call);
	return (Datum) 0;
}
