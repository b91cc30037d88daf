/*-------------------------------------------------------------------------
 *
 * pgwf_history.c
 *		Reading histories page by page.
 *
 * Reads with the caller's snapshot and takes no locks but those of a SELECT.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "pgwf_args.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_history.h"
#include "pgwf_namespace.h"

#define DEFAULT_PAGE_SIZE	1000
#define MAX_PAGE_SIZE		10000
#define HISTORY_COLUMNS		5

static PgwfStatement find_run_by_id = {
	.sql = "SELECT run_key, run_id, close_time IS NOT NULL"
	" FROM workflow.execution"
	" WHERE namespace_id = $1 AND workflow_id = $2 AND run_id = $3",
	.nargs = 3,
	.argtypes = {INT4OID, TEXTOID, UUIDOID}
};

static PgwfStatement find_current_run = {
	.sql = "(SELECT run_key, run_id, false FROM workflow.execution"
	" WHERE namespace_id = $1 AND workflow_id = $2"
	" AND close_time IS NULL)"
	" UNION ALL"
	" (SELECT run_key, run_id, true FROM workflow.execution"
	" WHERE namespace_id = $1 AND workflow_id = $2"
	" ORDER BY run_key DESC LIMIT 1)"
	" LIMIT 1",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

#define SELECT_EVENTS \
	"SELECT event_id, event_time, event_type, attributes, user_metadata" \
	" FROM workflow.history_event" \
	" WHERE namespace_id = $1 AND run_key = $2"

static PgwfStatement read_forward = {
	.sql = SELECT_EVENTS " AND event_id > $3 ORDER BY event_id",
	.nargs = 3,
	.argtypes = {INT4OID, INT8OID, INT8OID}
};

static PgwfStatement read_backward = {
	.sql = SELECT_EVENTS " AND event_id < $3 ORDER BY event_id DESC",
	.nargs = 3,
	.argtypes = {INT4OID, INT8OID, INT8OID}
};

/* which events of a history are asked for */
typedef enum HistoryFilter
{
	ALL_EVENTS,
	CLOSE_EVENT
} HistoryFilter;

static void not_found(FunctionCallInfo fcinfo, int workflow_id_arg,
					  int run_id_arg);
static HistoryFilter parse_filter(const char *name);

PG_FUNCTION_INFO_V1(pgwf_get_workflow_execution_history);

void
pgwf_find_run(FunctionCallInfo fcinfo, int workflow_id_arg, int run_id_arg,
			  int32 namespace_id, PgwfRunRef *run)
{
	Datum		values[3];
	uint64		count;
	bool		isnull;

	if (PG_ARGISNULL(workflow_id_arg) ||
		VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(workflow_id_arg)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("workflow_id is not set")));

	values[0] = Int32GetDatum(namespace_id);
	values[1] = PG_GETARG_DATUM(workflow_id_arg);
	if (PG_ARGISNULL(run_id_arg))
		count = pgwf_db_query(&find_current_run, values, NULL, 1);
	else
	{
		values[2] = PG_GETARG_DATUM(run_id_arg);
		count = pgwf_db_query(&find_run_by_id, values, NULL, 1);
	}
	if (count == 0)
		not_found(fcinfo, workflow_id_arg, run_id_arg);

	run->namespace_id = namespace_id;
	run->run_key = DatumGetInt64(pgwf_db_value(0, 1, &isnull));
	run->run_id = *DatumGetUUIDP(pgwf_db_value(0, 2, &isnull));
	run->closed = DatumGetBool(pgwf_db_value(0, 3, &isnull));
}

static void
not_found(FunctionCallInfo fcinfo, int workflow_id_arg, int run_id_arg)
{
	char	   *run_id = NULL;

	if (!PG_ARGISNULL(run_id_arg))
		run_id = pgwf_uuid_text(PG_GETARG_UUID_P(run_id_arg));
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("workflow execution not found for workflow id \"%s\"",
					TextDatumGetCString(PG_GETARG_DATUM(workflow_id_arg))),
			 run_id ? errdetail("The run id is %s.", run_id) : 0));
}

/*
 * workflow.get_workflow_execution_history(workflow_id, run_id,
 *		after_event_id, page_size, reverse, filter, namespace)
 *
 * One page of a history.  To go on, pass the last event id seen as
 * after_event_id, and the run id: without one, a new run may be the current
 * one by then.  In reverse order 0 means from the end.
 */
Datum
pgwf_get_workflow_execution_history(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		after = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
	int32		page_size;
	bool		reverse = PG_ARGISNULL(4) ? false : PG_GETARG_BOOL(4);
	HistoryFilter filter = ALL_EVENTS;
	int32		namespace_id;
	uint64		count = 0;
	Datum		values[3];
	PgwfRunRef	run;
	PgwfDbScope scope;

	page_size = PG_ARGISNULL(3) ? DEFAULT_PAGE_SIZE : PG_GETARG_INT32(3);
	if (page_size < 1 || page_size > MAX_PAGE_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("page_size must be between 1 and %d",
						MAX_PAGE_SIZE)));
	if (after < 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("after_event_id must not be negative")));
	if (!PG_ARGISNULL(5))
		filter = parse_filter(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 6),
										PGWF_RIGHT_READ);

	InitMaterializedSRF(fcinfo, 0);

	pgwf_db_begin(&scope);
	pgwf_find_run(fcinfo, 0, 1, namespace_id, &run);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int64GetDatum(run.run_key);
	if (filter == CLOSE_EVENT)
	{
		/* the last event of a closed run, once; nothing while it is open */
		values[2] = Int64GetDatum(PG_INT64_MAX);
		if (run.closed && !(reverse && after > 0))
			count = pgwf_db_query(&read_backward, values, NULL, 1);
	}
	else if (reverse)
	{
		values[2] = Int64GetDatum(after > 0 ? after : PG_INT64_MAX);
		count = pgwf_db_query(&read_backward, values, NULL, page_size);
	}
	else
	{
		values[2] = Int64GetDatum(after);
		count = pgwf_db_query(&read_forward, values, NULL, page_size);
	}

	for (uint64 i = 0; i < count; i++)
	{
		Datum		row[HISTORY_COLUMNS];
		bool		nulls[HISTORY_COLUMNS];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
						  row, nulls);
		if (filter == CLOSE_EVENT && DatumGetInt64(row[0]) <= after)
			break;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
	}
	pgwf_db_end(&scope);
	return (Datum) 0;
}

static HistoryFilter
parse_filter(const char *name)
{
	if (strcmp(name, "HISTORY_EVENT_FILTER_TYPE_ALL_EVENT") == 0 ||
		strcmp(name, "HISTORY_EVENT_FILTER_TYPE_UNSPECIFIED") == 0)
		return ALL_EVENTS;
	if (strcmp(name, "HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT") == 0)
		return CLOSE_EVENT;
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("unknown history filter \"%s\"", name),
			 errhint("Filters are HISTORY_EVENT_FILTER_TYPE_ALL_EVENT and HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT.")));
}
