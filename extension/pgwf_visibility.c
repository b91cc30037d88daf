/*-------------------------------------------------------------------------
 *
 * pgwf_visibility.c
 *		SQL functions that list and count the runs a filter matches.
 *
 * A list has open runs, the latest first, then closed ones, the last closed
 * first.  Each half is a statement, over execution and a table that has its
 * order in an index: mutable_state, where the open runs are, and
 * closed_execution.  A page continues from the place of a row in that order,
 * which its token tells, so runs that start or close meanwhile do not shift
 * the pages.
 *
 * Takes no locks but those of a SELECT.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_filter_sql.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"

#define MAX_PAGE_SIZE 1000

/* Columns that are answered, and after them those that only tell the place */
#define ANSWER_COLUMNS 18
#define COL_CLOSE_TIME 7
#define COL_START_TIME 5
#define COL_RUN_KEY (ANSWER_COLUMNS + 1)
#define LIST_COLUMNS(counters) \
	"SELECT e.workflow_id, e.run_id, e.workflow_type, e.status," \
	" e.start_time, e.execution_time, e.close_time, e.task_queue," counters \
	" e.memo, e.search_attributes, e.parent_workflow_id, e.parent_run_id," \
	" coalesce(e.root_workflow_id, e.workflow_id)," \
	" coalesce(e.root_run_id, e.run_id), e.first_run_id, e.run_key"

/* What differs between the halves of a list; columns are in their order */
static const struct
{
	PgwfFilterScope scope;
	const char *select;
	const char *from_place;		/* a condition, up to its values */
	const char *order;
}			halves[] = {

	{
		PGWF_FILTER_OPEN_RUNS,
		LIST_COLUMNS(" o.next_event_id - 1, o.history_size,"
					 " o.state_transition_count,"),
		" AND (o.start_time, o.run_key) < (",
		" ORDER BY o.start_time DESC, o.run_key DESC"
	},
	{
		PGWF_FILTER_CLOSED_RUNS,
		LIST_COLUMNS(" e.history_length, e.history_size_bytes,"
					 " e.state_transition_count,"),
		" AND (c.close_time, c.start_time, c.run_key) < (",
		" ORDER BY c.close_time DESC, c.start_time DESC, c.run_key DESC"
	}
};

/* The place of a run in the order of a list */
typedef struct Place
{
	bool		is_start;		/* before every run */
	bool		is_closed;
	TimestampTz close_time;		/* if it is closed */
	TimestampTz start_time;
	int64		run_key;
} Place;

PG_FUNCTION_INFO_V1(pgwf_list_workflow_executions);
PG_FUNCTION_INFO_V1(pgwf_count_workflow_executions);

static char *
token_of_place(const Place *place)
{
	if (place->is_closed)
		return psprintf("c" INT64_FORMAT "." INT64_FORMAT "." INT64_FORMAT,
						place->close_time, place->start_time, place->run_key);
	return psprintf("o" INT64_FORMAT "." INT64_FORMAT, place->start_time,
					place->run_key);
}

/* A number, and the character that follows it */
static bool
read_number(const char **c, char follows, int64 *result)
{
	char	   *end;

	errno = 0;
	*result = strtoi64(*c, &end, 10);
	if (errno != 0 || end == *c || *end != follows)
		return false;
	*c = end + 1;
	return true;
}

static void
read_token(const char *token, Place *place)
{
	const char *c = token;
	bool		valid;

	memset(place, 0, sizeof(Place));
	if (token == NULL || token[0] == '\0')
	{
		place->is_start = true;
		return;
	}
	place->is_closed = (*c == 'c');
	valid = (*c == 'c' || *c == 'o');
	c++;
	if (valid && place->is_closed)
		valid = read_number(&c, '.', &place->close_time);
	valid = valid && read_number(&c, '.', &place->start_time) &&
		read_number(&c, '\0', &place->run_key);
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid next_page_token"),
				 errhint("Pass the page_token of the last row of the page before.")));
}

/* The runs of one half of the list, from a place on; returns their number */
static uint64
select_half(int32 namespace_id, const char *query, const Place *place,
			bool closed, int limit)
{
	PgwfFilter	filter;
	StringInfoData sql;

	pgwf_filter_compile(&filter, halves[closed].scope, namespace_id, query);
	initStringInfo(&sql);
	appendStringInfo(&sql, "%s%s%s", halves[closed].select,
					 pgwf_filter_from(filter.scope), filter.sql.data);
	if (!place->is_start && place->is_closed == closed)
	{
		appendStringInfoString(&sql, halves[closed].from_place);
		if (closed)
			appendStringInfo(&sql, "$%d, ",
							 pgwf_filter_param(&filter, TIMESTAMPTZOID,
											   TimestampTzGetDatum(place->close_time)));
		appendStringInfo(&sql, "$%d, ",
						 pgwf_filter_param(&filter, TIMESTAMPTZOID,
										   TimestampTzGetDatum(place->start_time)));
		appendStringInfo(&sql, "$%d)",
						 pgwf_filter_param(&filter, INT8OID,
										   Int64GetDatum(place->run_key)));
	}
	appendStringInfo(&sql, "%s LIMIT $%d", halves[closed].order,
					 pgwf_filter_param(&filter, INT8OID,
									   Int64GetDatum(limit)));
	return pgwf_db_search(sql.data, filter.nargs, filter.types,
						  filter.values, NULL, limit);
}

/* Puts the rows of the last statement into the answer */
static void
put_rows(ReturnSetInfo *result, uint64 count, bool closed)
{
	Datum		values[ANSWER_COLUMNS + 1];
	bool		nulls[ANSWER_COLUMNS + 1];

	for (uint64 i = 0; i < count; i++)
	{
		Place		place = {0};
		bool		isnull;

		for (int column = 0; column < ANSWER_COLUMNS; column++)
			values[column] = pgwf_db_value(i, column + 1, &nulls[column]);
		place.is_closed = closed;
		if (closed)
			place.close_time =
				DatumGetTimestampTz(pgwf_db_value(i, COL_CLOSE_TIME,
												  &isnull));
		place.start_time =
			DatumGetTimestampTz(pgwf_db_value(i, COL_START_TIME, &isnull));
		place.run_key = DatumGetInt64(pgwf_db_value(i, COL_RUN_KEY, &isnull));
		values[ANSWER_COLUMNS] = CStringGetTextDatum(token_of_place(&place));
		nulls[ANSWER_COLUMNS] = false;
		tuplestore_putvalues(result->setResult, result->setDesc, values,
							 nulls);
	}
}

/*
 * list_workflow_executions(query, page_size, next_page_token, namespace)
 */
Datum
pgwf_list_workflow_executions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PgwfFilter	filter;
	PgwfDbScope scope;
	Place		place;
	char	   *query = pgwf_arg_text(fcinfo, 0);
	int32		namespace_id;
	int			page_size;
	uint64		count = 0;

	InitMaterializedSRF(fcinfo, 0);
	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 3),
										PGWF_RIGHT_READ);
	page_size = pgwf_arg_int(fcinfo, 1, "page_size", MAX_PAGE_SIZE, 1,
							 MAX_PAGE_SIZE);
	read_token(pgwf_arg_text(fcinfo, 2), &place);
	pgwf_filter_compile(&filter, PGWF_FILTER_RUNS, namespace_id, query);
	if (filter.tree->group_by)
		pgwf_filter_error(filter.tree->text, filter.tree->group_by_position,
						  "count_workflow_executions() can group.",
						  "GROUP BY is not supported here");

	pgwf_db_begin(&scope);
	if (!place.is_closed && !filter.never_open)
	{
		count = select_half(namespace_id, query, &place, false,
							page_size);
		put_rows(result, count, false);
	}
	if (count < page_size && !filter.never_closed)
	{
		count = select_half(namespace_id, query, &place, true,
							page_size - (int) count);
		put_rows(result, count, true);
	}
	pgwf_db_end(&scope);
	return (Datum) 0;
}

/* The groups as Temporal has them, and the sum of their numbers */
static Jsonb *
read_groups(uint64 count, int64 *total)
{
	JsonbParseState *state = NULL;
	JsonbValue	value;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		PgwfObject	group;
		bool		isnull;
		int64		number = DatumGetInt64(pgwf_db_value(i, 2, &isnull));

		pgwf_object_begin(&group);
		pgwf_object_open_array(&group, "groupValues");
		pgwf_object_text_element(&group,
								 TextDatumGetCString(pgwf_db_value(i, 1,
																   &isnull)));
		pgwf_object_close_array(&group);
		pgwf_object_int(&group, "count", number);
		JsonbToJsonbValue(pgwf_object_finish(&group), &value);
		pushJsonbValue(&state, WJB_ELEM, &value);
		*total += number;
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/*
 * count_workflow_executions(query, namespace) returns (count, groups)
 */
Datum
pgwf_count_workflow_executions(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	TupleDesc	result_desc;
	PgwfFilter	filter;
	PgwfDbScope scope;
	int32		namespace_id;
	int64		total = 0;
	Jsonb	   *groups = NULL;
	uint64		count;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &result_desc) !=
		TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 1),
										PGWF_RIGHT_READ);
	pgwf_filter_compile_runs(&filter, namespace_id, pgwf_arg_text(fcinfo, 0));

	pgwf_db_begin(&scope);
	if (filter.tree->group_by)
	{
		MemoryContext old_context;

		count = pgwf_db_search(psprintf("SELECT e.status::text, count(*)"
										"%s%s GROUP BY e.status"
										" ORDER BY e.status",
										pgwf_filter_from(filter.scope),
										filter.sql.data),
							   filter.nargs, filter.types, filter.values,
							   NULL, 0);
		old_context = MemoryContextSwitchTo(context);
		groups = read_groups(count, &total);
		MemoryContextSwitchTo(old_context);
	}
	else
	{
		bool		isnull;

		(void) pgwf_db_search(psprintf("SELECT count(*)%s%s",
									   pgwf_filter_from(filter.scope),
									   filter.sql.data),
							  filter.nargs, filter.types, filter.values,
							  NULL, 1);
		total = DatumGetInt64(pgwf_db_value(0, 1, &isnull));
	}
	pgwf_db_end(&scope);

	values[0] = Int64GetDatum(total);
	values[1] = PointerGetDatum(groups);
	nulls[1] = (groups == NULL);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_desc, values,
													  nulls)));
}
