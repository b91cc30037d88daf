/*-------------------------------------------------------------------------
 *
 * pgwf_filter_sql.c
 *		Filters over runs and schedules, turned into SQL.
 *
 * Nothing of a filter's text gets into the SQL: columns come from a table of
 * pgwf_filter_value.c, and values, names of search attributes included, are
 * parameters.
 *
 * A comparison with an attribute that a run does not have is unknown, as in
 * SQL, whatever NOT stands before it.  NOT is carried down to the comparisons
 * (which is right in three-valued logic), so an equality never stands below
 * a NOT, and can be the containment of jsonb that an index serves, although
 * that is false where equality is unknown.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "pgwf_args.h"
#include "pgwf_compat.h"
#include "pgwf_db.h"
#include "pgwf_filter_value.h"

/* Up to so many values, IN is a chain of containments, for an index */
#define MAX_CONTAINMENTS 32

/*
 * Comparisons
 */

/* {"indexedFields": {name: value}}; of a list, [value] */
static Jsonb *
containment(const PgwfFilterNode *node, const PgwfSubject *subject, Datum value)
{
	JsonbParseState *state = NULL;
	JsonbValue	key;
	JsonbValue	json;
	bool		list = (subject->type == PGWF_SEARCH_KEYWORD_LIST);

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	key.type = jbvString;
	key.val.string.val = "indexedFields";
	key.val.string.len = strlen("indexedFields");
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	key.val.string.val = node->name;
	key.val.string.len = strlen(node->name);
	pushJsonbValue(&state, WJB_KEY, &key);
	if (list)
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	switch (subject->param_type)
	{
		case TEXTOID:
			json.type = jbvString;
			json.val.string.val = TextDatumGetCString(value);
			json.val.string.len = strlen(json.val.string.val);
			break;
		case NUMERICOID:
			json.type = jbvNumeric;
			json.val.numeric = DatumGetNumeric(value);
			break;
		default:
			Assert(subject->param_type == BOOLOID);
			json.type = jbvBool;
			json.val.boolean = DatumGetBool(value);
			break;
	}
	pushJsonbValue(&state, list ? WJB_ELEM : WJB_VALUE, &json);
	if (list)
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* Is equality the containment of jsonb? */
static bool
is_contained(const PgwfSubject *subject)
{
	return subject->column == NULL &&
		subject->type != PGWF_SEARCH_TEXT &&
		subject->type != PGWF_SEARCH_DATETIME;
}

static void
append_containments(PgwfFilter *filter, const PgwfFilterNode *node,
					const PgwfSubject *subject)
{
	ListCell   *lc;

	appendStringInfoChar(&filter->sql, '(');
	foreach(lc, node->values)
	{
		Datum		value = pgwf_filter_convert(filter, node, lfirst(lc), subject);
		Jsonb	   *json = containment(node, subject, value);

		appendStringInfo(&filter->sql, "%se.search_attributes @> $%d",
						 lc == list_head(node->values) ? "" : " OR ",
						 pgwf_filter_param(filter, JSONBOID,
										   JsonbPGetDatum(json)));
	}
	appendStringInfoChar(&filter->sql, ')');
}

/* Does a list have one of the values? */
static void
append_list(PgwfFilter *filter, const PgwfFilterNode *node,
			const PgwfSubject *subject, bool negated)
{
	appendStringInfo(&filter->sql, "%s(%s ?| $%d)", negated ? "NOT " : "",
					 subject->sql, pgwf_filter_param_of_array(filter, node, subject));
}

/* Does a text have one of the words? */
static void
append_text(PgwfFilter *filter, const PgwfFilterNode *node,
			const PgwfSubject *subject, bool negated)
{
	appendStringInfo(&filter->sql,
					 "%s(tsvector_to_array(to_tsvector('simple'::regconfig, %s))"
					 " && tsvector_to_array(to_tsvector('simple'::regconfig, $%d)))",
					 negated ? "NOT " : "", subject->sql,
					 pgwf_filter_param_of_value(filter, node, 0, subject));
}

/* Says too which runs do not match because they are open, or closed */
static void
append_status(PgwfFilter *filter, const PgwfFilterNode *node,
			  const PgwfSubject *subject, bool negated, bool required)
{
	bool		open = false;
	bool		closed = false;
	ListCell   *lc;

	foreach(lc, node->values)
	{
		const char *status = pgwf_filter_status(lfirst(lc));

		if (status && (strcmp(status, "Running") == 0 ||
					   strcmp(status, "Paused") == 0))
			open = true;
		else
			closed = true;
	}
	appendStringInfo(&filter->sql,
					 "(e.status %s ($%d::workflow.execution_status[])",
					 negated ? "<> ALL" : "= ANY",
					 pgwf_filter_param_of_array(filter, node, subject));
	if (!negated && open != closed)
	{
		if (filter->scope == (open ? PGWF_FILTER_CLOSED_RUNS :
							  PGWF_FILTER_OPEN_RUNS))
			appendStringInfoString(&filter->sql, " AND false");
		if (required && open)
			filter->never_closed = true;
		else if (required)
			filter->never_open = true;
	}
	appendStringInfoChar(&filter->sql, ')');
}

static bool
is_uuid(const char *text)
{
	if (strlen(text) != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		bool		hyphen = (i == 8 || i == 13 || i == 18 || i == 23);

		if (hyphen ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return true;
}

/* What is no UUID equals none; a run is found by what its id ends with */
static void
append_uuid(PgwfFilter *filter, const PgwfFilterNode *node,
			const PgwfSubject *subject, bool negated)
{
	int			most = list_length(node->values);
	Datum	   *elements = palloc(most * sizeof(Datum));
	Datum	   *run_keys = palloc(most * sizeof(Datum));
	int			count = 0;
	ListCell   *lc;
	ArrayType  *array;

	foreach(lc, node->values)
	{
		PgwfFilterValue *value = lfirst(lc);

		(void) pgwf_filter_convert(filter, node, value, subject);
		if (is_uuid(value->text))
		{
			elements[count] =
				DirectFunctionCall1(uuid_in, CStringGetDatum(value->text));
			run_keys[count] =
				Int64GetDatum(pgwf_run_id_key(DatumGetUUIDP(elements[count])));
			count++;
		}
	}
	array = construct_array(elements, count, UUIDOID, UUID_LEN, false,
							TYPALIGN_CHAR);
	appendStringInfo(&filter->sql, "(%s IS NOT NULL AND %s %s ($%d)",
					 subject->sql, subject->sql,
					 negated ? "<> ALL" : "= ANY",
					 pgwf_filter_param(filter, UUIDARRAYOID,
									   PointerGetDatum(array)));
	if (!negated && strcmp(subject->column->name, "RunId") == 0)
	{
		array = construct_array(run_keys, count, INT8OID, sizeof(int64),
								FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
		appendStringInfo(&filter->sql, " AND e.run_key = ANY ($%d)",
						 pgwf_filter_param(filter, INT8ARRAYOID,
										   PointerGetDatum(array)));
	}
	appendStringInfoChar(&filter->sql, ')');
}

/* = != IN NOT IN; returns whether it was one of them, and special */
static bool
append_equality(PgwfFilter *filter, const PgwfFilterNode *node,
				const PgwfSubject *subject, PgwfFilterOperator operator,
				bool required)
{
	bool		negated = (operator == PGWF_FILTER_NE ||
						   operator == PGWF_FILTER_NOT_IN);

	if (!negated && operator != PGWF_FILTER_EQ && operator != PGWF_FILTER_IN)
		return false;
	if (subject->type == PGWF_SEARCH_TEXT)
		append_text(filter, node, subject, negated);
	else if (subject->column && subject->column->kind == PGWF_COLUMN_STATUS)
		append_status(filter, node, subject, negated, required);
	else if (subject->column && subject->column->kind == PGWF_COLUMN_UUID)
		append_uuid(filter, node, subject, negated);
	else if (!negated && is_contained(subject) &&
			 list_length(node->values) <= MAX_CONTAINMENTS)
		append_containments(filter, node, subject);
	else if (subject->type == PGWF_SEARCH_KEYWORD_LIST)
		append_list(filter, node, subject, negated);
	else
		return false;
	return true;
}

static PgwfFilterOperator
opposite(PgwfFilterOperator operator)
{
	switch (operator)
	{
		case PGWF_FILTER_EQ:
			return PGWF_FILTER_NE;
		case PGWF_FILTER_NE:
			return PGWF_FILTER_EQ;
		case PGWF_FILTER_LT:
			return PGWF_FILTER_GE;
		case PGWF_FILTER_GE:
			return PGWF_FILTER_LT;
		case PGWF_FILTER_GT:
			return PGWF_FILTER_LE;
		case PGWF_FILTER_LE:
			return PGWF_FILTER_GT;
		case PGWF_FILTER_IN:
			return PGWF_FILTER_NOT_IN;
		case PGWF_FILTER_NOT_IN:
			return PGWF_FILTER_IN;
		case PGWF_FILTER_STARTS_WITH:
			return PGWF_FILTER_NOT_STARTS_WITH;
		case PGWF_FILTER_NOT_STARTS_WITH:
			return PGWF_FILTER_STARTS_WITH;
		case PGWF_FILTER_BETWEEN:
			return PGWF_FILTER_NOT_BETWEEN;
		case PGWF_FILTER_NOT_BETWEEN:
			return PGWF_FILTER_BETWEEN;
		case PGWF_FILTER_IS_NULL:
			return PGWF_FILTER_IS_NOT_NULL;
		case PGWF_FILTER_IS_NOT_NULL:
			return PGWF_FILTER_IS_NULL;
	}
	pg_unreachable();
}

/* Only closed runs have a close time */
static void
note_close_time(PgwfFilter *filter, const PgwfSubject *subject,
				PgwfFilterOperator operator)
{
	if (subject->column == NULL ||
		(subject->column->kind != PGWF_COLUMN_DURATION &&
		 strcmp(subject->column->name, "CloseTime") != 0))
		return;
	if (operator == PGWF_FILTER_IS_NULL)
		filter->never_closed = true;
	else
	{
		filter->never_open = true;
		if (operator != PGWF_FILTER_IS_NOT_NULL &&
			subject->column->kind == PGWF_COLUMN_TIME)
			filter->by_close_time = true;
	}
}

/* "required": no run matches for which the comparison is not true */
static void
append_comparison(PgwfFilter *filter, const PgwfFilterNode *node,
				  bool negated, bool required)
{
	StringInfo	sql = &filter->sql;
	PgwfSubject subject;
	PgwfFilterOperator operator;
	const char *value;
	int			param;

	pgwf_filter_subject(filter, node, &subject);
	pgwf_filter_check_operator(filter, node, &subject);
	operator = negated ? opposite(node->operator) : node->operator;
	if (required)
		note_close_time(filter, &subject, operator);
	if (append_equality(filter, node, &subject, operator, required))
		return;

	/* what is left of a UUID is compared as text */
	value = subject.sql;
	if (subject.column && subject.column->kind == PGWF_COLUMN_UUID &&
		operator != PGWF_FILTER_IS_NULL &&
		operator != PGWF_FILTER_IS_NOT_NULL)
		value = psprintf("(%s::text COLLATE \"C\")", subject.sql);
	switch (operator)
	{
		case PGWF_FILTER_EQ:
		case PGWF_FILTER_LT:
		case PGWF_FILTER_GT:
		case PGWF_FILTER_LE:
		case PGWF_FILTER_GE:
			appendStringInfo(sql, "%s %s $%d", value,
							 pgwf_filter_operator_name(operator),
							 pgwf_filter_param_of_value(filter, node, 0, &subject));
			break;
		case PGWF_FILTER_NE:
			appendStringInfo(sql, "%s <> $%d", value,
							 pgwf_filter_param_of_value(filter, node, 0, &subject));
			break;
		case PGWF_FILTER_IN:
			appendStringInfo(sql, "%s = ANY ($%d)", value,
							 pgwf_filter_param_of_array(filter, node, &subject));
			break;
		case PGWF_FILTER_NOT_IN:
			appendStringInfo(sql, "%s <> ALL ($%d)", value,
							 pgwf_filter_param_of_array(filter, node, &subject));
			break;
		case PGWF_FILTER_STARTS_WITH:
		case PGWF_FILTER_NOT_STARTS_WITH:
			appendStringInfo(sql, "%s(%s ^@ $%d)",
							 operator == PGWF_FILTER_STARTS_WITH ? "" :
							 "NOT ", value,
							 pgwf_filter_param_of_value(filter, node, 0, &subject));
			break;
		case PGWF_FILTER_BETWEEN:
		case PGWF_FILTER_NOT_BETWEEN:
			param = pgwf_filter_param_of_value(filter, node, 0, &subject);
			appendStringInfo(sql, "(%s %s $%d AND $%d)", value,
							 pgwf_filter_operator_name(operator), param,
							 pgwf_filter_param_of_value(filter, node, 1, &subject));
			break;
		case PGWF_FILTER_IS_NULL:
		case PGWF_FILTER_IS_NOT_NULL:
			appendStringInfo(sql, "%s %s", value,
							 pgwf_filter_operator_name(operator));
			break;
	}
}

static void
append_node(PgwfFilter *filter, const PgwfFilterNode *node, bool negated,
			bool required)
{
	PgwfFilterNodeKind kind = node->kind;
	bool		is_and = (kind == PGWF_FILTER_AND) != negated;
	ListCell   *lc;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (kind == PGWF_FILTER_COMPARE)
	{
		append_comparison(filter, node, negated, required);
		return;
	}
	if (kind == PGWF_FILTER_NOT)
	{
		append_node(filter, linitial(node->args), !negated, required);
		return;
	}
	appendStringInfoChar(&filter->sql, '(');
	foreach(lc, node->args)
	{
		if (lc != list_head(node->args))
			appendStringInfoString(&filter->sql, is_and ? " AND " : " OR ");
		append_node(filter, lfirst(lc), negated, required && is_and);
	}
	appendStringInfoChar(&filter->sql, ')');
}

static void
check_group_by(PgwfFilter *filter)
{
	const PgwfFilterTree *tree = filter->tree;

	if (tree->group_by && strcmp(tree->group_by, "ExecutionStatus") != 0)
		pgwf_filter_error(tree->text, tree->group_by_position,
						  "Only ExecutionStatus can be grouped by.",
						  "GROUP BY \"%s\" is not supported",
						  tree->group_by);
}

/* FROM and WHERE, for a condition to follow */
const char *
pgwf_filter_from(PgwfFilterScope scope)
{
	switch (scope)
	{
		case PGWF_FILTER_RUNS:
			return " FROM workflow.execution AS e"
				" WHERE e.namespace_id = $1 AND ";
		case PGWF_FILTER_OPEN_RUNS:
			return " FROM workflow.mutable_state AS o"
				" JOIN workflow.execution AS e"
				" ON e.namespace_id = o.namespace_id"
				" AND e.run_key = o.run_key"
				" WHERE o.namespace_id = $1 AND ";
		case PGWF_FILTER_CLOSED_RUNS:
			return " FROM workflow.closed_execution AS c"
				" JOIN workflow.execution AS e"
				" ON e.namespace_id = c.namespace_id"
				" AND e.close_time = c.close_time"
				" AND e.start_time = c.start_time"
				" AND e.run_key = c.run_key"
				" WHERE c.namespace_id = $1 AND ";
		case PGWF_FILTER_SCHEDULES:
			return PGWF_FILTER_FROM_SCHEDULES;
	}
	pg_unreachable();
}

/* Everything of "filter" lives in the current memory context */
void
pgwf_filter_compile(PgwfFilter *filter, PgwfFilterScope scope,
					int32 namespace_id, const char *query)
{
	memset(filter, 0, sizeof(PgwfFilter));
	filter->scope = scope;
	filter->namespace_id = namespace_id;
	filter->tree = pgwf_filter_parse(query ? query : "");
	filter->max_args = 16;
	filter->types = palloc(filter->max_args * sizeof(Oid));
	filter->values = palloc(filter->max_args * sizeof(Datum));
	(void) pgwf_filter_param(filter, INT4OID, Int32GetDatum(namespace_id));
	initStringInfo(&filter->sql);
	if (filter->tree->condition == NULL)
		appendStringInfoString(&filter->sql, "(true)");
	else
	{
		appendStringInfoChar(&filter->sql, '(');
		append_node(filter, filter->tree->condition, false, true);
		appendStringInfoChar(&filter->sql, ')');
	}
	check_group_by(filter);
}

/* The same for runs, open or closed, looked for where they can be */
void
pgwf_filter_compile_runs(PgwfFilter *filter, int32 namespace_id,
						 const char *query)
{
	pgwf_filter_compile(filter, PGWF_FILTER_RUNS, namespace_id, query);
	if (filter->never_closed)
		pgwf_filter_compile(filter, PGWF_FILTER_OPEN_RUNS, namespace_id,
							query);
	else if (filter->by_close_time)
		pgwf_filter_compile(filter, PGWF_FILTER_CLOSED_RUNS, namespace_id,
							query);
}

/*
 * For operations on all runs that match
 */

static void
compile_plain(PgwfFilter *filter, int32 namespace_id, const char *query)
{
	pgwf_filter_compile_runs(filter, namespace_id, query);
	if (filter->tree->group_by)
		pgwf_filter_error(filter->tree->text,
						  filter->tree->group_by_position,
						  "count_workflow_executions() can group.",
						  "GROUP BY is not supported here");
}

void
pgwf_filter_check(int32 namespace_id, const char *query)
{
	PgwfFilter	filter;

	compile_plain(&filter, namespace_id, query);
}

int64
pgwf_filter_count(int32 namespace_id, const char *query)
{
	PgwfFilter	filter;
	PgwfDbScope scope;
	bool		isnull;
	int64		count;

	compile_plain(&filter, namespace_id, query);
	pgwf_db_begin(&scope);
	(void) pgwf_db_search(psprintf("SELECT count(*)%s%s",
								   pgwf_filter_from(filter.scope),
								   filter.sql.data),
						  filter.nargs, filter.types, filter.values, NULL, 1);
	count = DatumGetInt64(pgwf_db_value(0, 1, &isnull));
	pgwf_db_end(&scope);
	return count;
}

int
pgwf_filter_select(int32 namespace_id, const char *query,
				   int64 after_run_key, int limit, int64 *run_keys)
{
	PgwfFilter	filter;
	PgwfDbScope scope;
	int			after;
	int			most;
	uint64		count;

	compile_plain(&filter, namespace_id, query);
	after = pgwf_filter_param(&filter, INT8OID, Int64GetDatum(after_run_key));
	most = pgwf_filter_param(&filter, INT8OID, Int64GetDatum(limit));
	pgwf_db_begin(&scope);
	count = pgwf_db_search(psprintf("SELECT e.run_key%s%s AND e.run_key > $%d"
									" ORDER BY e.run_key LIMIT $%d",
									pgwf_filter_from(filter.scope),
									filter.sql.data, after, most),
						   filter.nargs, filter.types, filter.values, NULL,
						   limit);
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;

		run_keys[i] = DatumGetInt64(pgwf_db_value(i, 1, &isnull));
	}
	pgwf_db_end(&scope);
	return (int) count;
}
