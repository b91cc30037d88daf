/*-------------------------------------------------------------------------
 *
 * pgwf_schedule_list.c
 *		SQL functions that list and count the schedules a filter matches.
 *
 * Takes no locks but those of a SELECT.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_compat.h"
#include "pgwf_db.h"
#include "pgwf_filter_sql.h"
#include "pgwf_namespace.h"
#include "pgwf_schedule.h"

#define LISTED_TIMES			5
#define LISTED_RECENT			5
#define MAX_PAGE_SIZE			10000

PG_FUNCTION_INFO_V1(pgwf_list_schedules);
PG_FUNCTION_INFO_V1(pgwf_count_schedules);

static void
compile(PgwfFilter *filter, int32 namespace_id, const char *query)
{
	pgwf_filter_compile(filter, PGWF_FILTER_SCHEDULES, namespace_id, query);
	if (filter->tree->group_by)
		pgwf_filter_error(filter->tree->text, filter->tree->group_by_position,
						  "count_workflow_executions() can group.",
						  "GROUP BY is not supported here");
}

/* The ids of a page of schedules, in their order */
static List *
select_ids(PgwfCall *call, PgwfFilter *filter, const char *after,
		   int page_size)
{
	List	   *ids = NIL;
	PgwfDbScope scope;
	int			from;
	int			most;
	uint64		count;

	from = pgwf_filter_param(filter, TEXTOID,
							 CStringGetTextDatum(after ? after : ""));
	most = pgwf_filter_param(filter, INT8OID, Int64GetDatum(page_size));
	pgwf_db_begin(&scope);
	count = pgwf_db_search(psprintf("SELECT e.schedule_id"
									PGWF_FILTER_FROM_SCHEDULES
									"%s AND e.schedule_id > $%d"
									" ORDER BY e.schedule_id LIMIT $%d",
									filter->sql.data, from, most),
						   filter->nargs, filter->types, filter->values, NULL,
						   page_size);
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		id = pgwf_db_copy(i, 1, call->context, &isnull);
		MemoryContext old_context = MemoryContextSwitchTo(call->context);

		ids = lappend(ids, TextDatumGetCString(id));
		MemoryContextSwitchTo(old_context);
	}
	pgwf_db_end(&scope);
	return ids;
}

/* A ScheduleListEntry */
static Jsonb *
list_entry(const PgwfSchedule *schedule)
{
	PgwfObject	object;
	PgwfReader	reader;

	pgwf_object_begin(&object);
	pgwf_object_text(&object, "scheduleId", schedule->row.schedule_id);
	pgwf_object_jsonb(&object, "memo", schedule->row.memo);
	pgwf_object_jsonb(&object, "searchAttributes",
					  schedule->row.search_attributes);
	pgwf_object_open(&object, "info");
	pgwf_object_open(&object, "spec");
	pgwf_schedule_spec_write(&object, schedule->spec);
	pgwf_object_close(&object);
	pgwf_reader_init(&reader, schedule->start_workflow);
	pgwf_object_name(&object, "workflowType",
					 pgwf_read_name(&reader, "workflowType"));
	pgwf_object_text(&object, "notes", schedule->notes);
	pgwf_object_bool(&object, "paused", schedule->paused);
	pgwf_schedule_write_recent(&object, schedule, LISTED_RECENT);
	pgwf_schedule_write_future(&object, schedule, LISTED_TIMES);
	pgwf_object_close(&object);
	return pgwf_object_finish(&object);
}

/*
 * list_schedules(query, page_size, after_schedule_id, namespace)
 */
Datum
pgwf_list_schedules(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PgwfCall	call;
	PgwfFilter	filter;
	int32		namespace_id;
	int			page_size;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 3),
									   PGWF_RIGHT_READ);
	page_size = pgwf_arg_int(fcinfo, 1, "page_size", 1000, 1, MAX_PAGE_SIZE);
	compile(&filter, namespace_id, pgwf_arg_text(fcinfo, 0));
	foreach(lc, select_ids(&call, &filter, pgwf_arg_text(fcinfo, 2),
						   page_size))
	{
		PgwfSchedule schedule = {0};
		PgwfScheduleRow *row = pgwf_schedule_load(&call, namespace_id,
												  lfirst(lc));
		Datum		value;
		bool		isnull = false;

		if (row == NULL)
			continue;
		schedule.row = *row;
		pgwf_schedule_read_row(&schedule, &call);
		value = JsonbPGetDatum(list_entry(&schedule));
		tuplestore_putvalues(result->setResult, result->setDesc, &value,
							 &isnull);
	}
	pgwf_call_end(&call);
	return (Datum) 0;
}

/*
 * count_schedules(query, namespace)
 */
Datum
pgwf_count_schedules(PG_FUNCTION_ARGS)
{
	PgwfFilter	filter;
	PgwfDbScope scope;
	int32		namespace_id;
	bool		isnull;
	int64		count;

	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 1),
										PGWF_RIGHT_READ);
	compile(&filter, namespace_id, pgwf_arg_text(fcinfo, 0));
	pgwf_db_begin(&scope);
	(void) pgwf_db_search(psprintf("SELECT count(*)"
								   PGWF_FILTER_FROM_SCHEDULES "%s",
								   filter.sql.data),
						  filter.nargs, filter.types, filter.values, NULL, 1);
	count = DatumGetInt64(pgwf_db_value(0, 1, &isnull));
	pgwf_db_end(&scope);
	PG_RETURN_INT64(count);
}
