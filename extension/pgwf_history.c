/*-------------------------------------------------------------------------
 *
 * pgwf_history.c
 *		Reading histories page by page, and their rows by hand.
 *
 * Reads with the caller's snapshot and takes no locks but those of a SELECT.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "pgwf_args.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_history.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"

#define DEFAULT_PAGE_SIZE	1000
#define MAX_PAGE_SIZE		10000
#define HISTORY_COLUMNS		5

static PgwfStatement find_run_by_id = {
	.sql = "SELECT run_key, run_id, close_time IS NOT NULL"
	" FROM workflow.execution"
	" WHERE namespace_id = $1 AND workflow_id = $2 AND run_id = $3"
	" AND run_key = $4",
	.nargs = 4,
	.argtypes = {INT4OID, TEXTOID, UUIDOID, INT8OID}
};

static PgwfStatement find_current_run = {
	.sql = "SELECT run_key, run_id, close_time IS NOT NULL"
	" FROM workflow.execution"
	" WHERE namespace_id = $1 AND workflow_id = $2"
	" ORDER BY namespace_id DESC, workflow_id DESC, previous_run_key DESC"
	" LIMIT 1",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

#define SELECT_BATCHES \
	"SELECT first_event_id, events FROM workflow.history_batch" \
	" WHERE namespace_id = $1 AND run_key = $2"

/* From the batch on that the event is in */
static PgwfStatement read_forward = {
	.sql = SELECT_BATCHES " AND first_event_id >= coalesce("
	"(SELECT max(first_event_id) FROM workflow.history_batch"
	" WHERE namespace_id = $1 AND run_key = $2 AND first_event_id <= $3), 0)"
	" ORDER BY first_event_id",
	.nargs = 3,
	.argtypes = {INT4OID, INT8OID, INT8OID}
};

static PgwfStatement read_backward = {
	.sql = SELECT_BATCHES " AND first_event_id < $3"
	" ORDER BY first_event_id DESC",
	.nargs = 3,
	.argtypes = {INT4OID, INT8OID, INT8OID}
};

/* which events of a history are asked for */
typedef enum HistoryFilter
{
	ALL_EVENTS,
	CLOSE_EVENT
} HistoryFilter;

/* A page under construction */
typedef struct HistoryPage
{
	ReturnSetInfo *rsinfo;
	int			room;			/* for so many more events */
} HistoryPage;

static void not_found(FunctionCallInfo fcinfo, int workflow_id_arg,
					  int run_id_arg);
static HistoryFilter parse_filter(const char *name);
static void put_events_after(HistoryPage *page, const PgwfRunRef *run,
							 int64 after);
static void put_events_before(HistoryPage *page, const PgwfRunRef *run,
							  int64 before, int64 after);

PG_FUNCTION_INFO_V1(pgwf_get_workflow_execution_history);
PG_FUNCTION_INFO_V1(pgwf_unpack_events);
PG_FUNCTION_INFO_V1(pgwf_pack_event_row);

void
pgwf_find_run(FunctionCallInfo fcinfo, int workflow_id_arg, int run_id_arg,
			  int32 namespace_id, PgwfRunRef *run)
{
	Datum		values[4];
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
		values[3] =
			Int64GetDatum(pgwf_run_id_key(PG_GETARG_UUID_P(run_id_arg)));
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
	int64		after = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
	int32		page_size;
	bool		reverse = PG_ARGISNULL(4) ? false : PG_GETARG_BOOL(4);
	HistoryFilter filter = ALL_EVENTS;
	int32		namespace_id;
	HistoryPage page;
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
	page.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	page.room = page_size;

	pgwf_db_begin(&scope);
	pgwf_find_run(fcinfo, 0, 1, namespace_id, &run);
	if (filter == CLOSE_EVENT)
	{
		/* the last event of a closed run, once; nothing while it is open */
		page.room = 1;
		if (run.closed && !(reverse && after > 0))
			put_events_before(&page, &run, PG_INT64_MAX, after);
	}
	else if (reverse)
		put_events_before(&page, &run, after > 0 ? after : PG_INT64_MAX, 0);
	else
		put_events_after(&page, &run, after);
	pgwf_db_end(&scope);
	return (Datum) 0;
}

/* Adds an event to a result set */
static void
put_event(ReturnSetInfo *rsinfo, PgwfEvent *event)
{
	Datum		row[HISTORY_COLUMNS];
	bool		nulls[HISTORY_COLUMNS] = {0};

	pgwf_unpack_event(event);
	row[0] = Int64GetDatum(event->event_id);
	row[1] = TimestampTzGetDatum(event->time);
	row[2] = ObjectIdGetDatum(pgwf_event_type_oid(event->type));
	row[3] = JsonbPGetDatum(event->attributes);
	nulls[4] = (event->user_metadata == NULL);
	row[4] = nulls[4] ? (Datum) 0 : JsonbPGetDatum(event->user_metadata);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
}

void
pgwf_history_unpack_row(uint64 row, PgwfUnpacker *unpacker)
{
	bool		isnull;
	int64		first_event_id;

	CHECK_FOR_INTERRUPTS();
	first_event_id = DatumGetInt64(pgwf_db_value(row, 1, &isnull));
	pgwf_unpack_begin(unpacker,
					  DatumGetByteaPP(pgwf_db_value(row, 2, &isnull)),
					  first_event_id);
}

static void
put_events_after(HistoryPage *page, const PgwfRunRef *run, int64 after)
{
	Datum		values[3];
	uint64		count;

	values[0] = Int32GetDatum(run->namespace_id);
	values[1] = Int64GetDatum(run->run_key);
	values[2] = Int64GetDatum(after < PG_INT64_MAX ? after + 1 : after);
	count = pgwf_db_query(&read_forward, values, NULL, page->room);
	for (uint64 i = 0; i < count && page->room > 0; i++)
	{
		PgwfUnpacker unpacker;
		PgwfEvent	event;

		pgwf_history_unpack_row(i, &unpacker);
		while (page->room > 0 && pgwf_unpack_next(&unpacker, &event))
		{
			if (event.event_id <= after)
				continue;
			put_event(page->rsinfo, &event);
			page->room--;
		}
	}
}

/* From the last one on; those up to "after" are left out */
static void
put_events_before(HistoryPage *page, const PgwfRunRef *run, int64 before,
				  int64 after)
{
	Datum		values[3];
	uint64		count;

	values[0] = Int32GetDatum(run->namespace_id);
	values[1] = Int64GetDatum(run->run_key);
	values[2] = Int64GetDatum(before);
	count = pgwf_db_query(&read_backward, values, NULL, page->room);
	for (uint64 i = 0; i < count && page->room > 0; i++)
	{
		PgwfUnpacker unpacker;
		PgwfEvent	event;
		List	   *events = NIL;

		pgwf_history_unpack_row(i, &unpacker);
		while (pgwf_unpack_next(&unpacker, &event))
		{
			if (event.event_id < before)
				events = lcons(pgwf_event_copy(&event), events);
		}
		for (int j = 0; j < list_length(events) && page->room > 0; j++)
		{
			PgwfEvent  *found = list_nth(events, j);

			page->room--;
			if (found->event_id > after)
				put_event(page->rsinfo, found);
		}
	}
}

/*
 * workflow.unpack_events(first_event_id, events)
 */
Datum
pgwf_unpack_events(PG_FUNCTION_ARGS)
{
	PgwfUnpacker unpacker;
	PgwfEvent	event;

	InitMaterializedSRF(fcinfo, 0);
	pgwf_unpack_begin(&unpacker, PG_GETARG_BYTEA_PP(1), PG_GETARG_INT64(0));
	unpacker.packed.untrusted = true;
	while (pgwf_unpack_next(&unpacker, &event))
	{
		if (!IS_VALID_TIMESTAMP(event.time))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("packed events are corrupted")));
		put_event((ReturnSetInfo *) fcinfo->resultinfo, &event);
	}
	return (Datum) 0;
}

/*
 * workflow.pack_event(event_time, event_type, attributes, user_metadata)
 */
Datum
pgwf_pack_event_row(PG_FUNCTION_ARGS)
{
	PgwfEvent	event = {0};
	PgwfPacker	packer;

	for (int i = 0; i < 3; i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	}
	event.time = PG_GETARG_TIMESTAMPTZ(0);
	event.type = pgwf_event_type_number(PG_GETARG_OID(1));
	event.attributes = PG_GETARG_JSONB_P(2);
	if (!PG_ARGISNULL(3))
		event.user_metadata = PG_GETARG_JSONB_P(3);
	if (!pgwf_jsonb_is_object(event.attributes) ||
		(event.user_metadata && !pgwf_jsonb_is_object(event.user_metadata)))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("attributes and user metadata must be JSON objects")));
	pgwf_pack_begin(&packer);
	pgwf_pack_event(&packer, &event);
	PG_RETURN_BYTEA_P(pgwf_pack_finish(&packer));
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
