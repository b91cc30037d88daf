/*-------------------------------------------------------------------------
 *
 * pgwf_filter_sql.c
 *		Filters over runs, checked against the search attributes of a
 *		namespace and turned into SQL.
 *
 * Nothing of a filter's text gets into the SQL: columns come from a table
 * here, and values, names of search attributes included, are parameters.
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

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "pgwf_catalog.h"
#include "pgwf_compat.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_filter_sql.h"
#include "pgwf_json.h"
#include "pgwf_search_attribute.h"

/* Up to so many values, IN is a chain of containments, for an index */
#define MAX_CONTAINMENTS 32

/* How a system attribute is kept and compared */
typedef enum ColumnKind
{
	COLUMN_TEXT,
	COLUMN_UUID,
	COLUMN_STATUS,
	COLUMN_TIME,
	COLUMN_INT,
	COLUMN_DURATION				/* in nanoseconds */
} ColumnKind;

typedef struct Column
{
	const char *name;
	ColumnKind	kind;
	const char *sql;
} Column;

static const Column columns[] = {
	{"WorkflowId", COLUMN_TEXT, "e.workflow_id"},
	{"RunId", COLUMN_UUID, "e.run_id"},
	{"WorkflowType", COLUMN_TEXT, "e.workflow_type"},
	{"ExecutionStatus", COLUMN_STATUS, "e.status"},
	{"TaskQueue", COLUMN_TEXT, "e.task_queue"},
	{"ParentWorkflowId", COLUMN_TEXT, "e.parent_workflow_id"},
	{"ParentRunId", COLUMN_UUID, "e.parent_run_id"},
	{"RootWorkflowId", COLUMN_TEXT,
	"coalesce(e.root_workflow_id, e.workflow_id)"},
	{"RootRunId", COLUMN_UUID, "coalesce(e.root_run_id, e.run_id)"},
	{"StartTime", COLUMN_TIME, "e.start_time"},
	{"ExecutionTime", COLUMN_TIME, "e.execution_time"},
	{"CloseTime", COLUMN_TIME, "e.close_time"},
	{"ExecutionDuration", COLUMN_DURATION,
		"(extract(epoch FROM e.close_time - e.start_time)"
	" * 1000000000)::bigint"},
	{"HistoryLength", COLUMN_INT, PGWF_FILTER_HISTORY_LENGTH},
	{"HistorySizeBytes", COLUMN_INT, PGWF_FILTER_HISTORY_SIZE},
	{"StateTransitionCount", COLUMN_INT, "NULL::bigint"}	/* not counted */
};

#define OPERATOR(op) (1 << PGWF_FILTER_##op)
#define NULL_OPERATORS (OPERATOR(IS_NULL) | OPERATOR(IS_NOT_NULL))
#define EQUALITY (OPERATOR(EQ) | OPERATOR(NE) | NULL_OPERATORS)
#define MEMBERSHIP (EQUALITY | OPERATOR(IN) | OPERATOR(NOT_IN))
#define ORDERING (MEMBERSHIP | OPERATOR(LT) | OPERATOR(GT) | OPERATOR(LE) | \
				  OPERATOR(GE) | OPERATOR(BETWEEN) | OPERATOR(NOT_BETWEEN))

static const struct
{
	int			operators;
	const char *hint;
}			allowed[] = {
	[PGWF_SEARCH_NONE] = {0, NULL},
	[PGWF_SEARCH_TEXT] = {EQUALITY, "Its operators are =, != and IS NULL."},
	[PGWF_SEARCH_KEYWORD] = {ORDERING | OPERATOR(STARTS_WITH) |
	OPERATOR(NOT_STARTS_WITH), NULL},
	[PGWF_SEARCH_INT] = {ORDERING,
	"Its operators are =, !=, <, >, <=, >=, IN, BETWEEN and IS NULL."},
	[PGWF_SEARCH_DOUBLE] = {ORDERING,
	"Its operators are =, !=, <, >, <=, >=, IN, BETWEEN and IS NULL."},
	[PGWF_SEARCH_BOOL] = {MEMBERSHIP,
	"Its operators are =, !=, IN and IS NULL."},
	[PGWF_SEARCH_DATETIME] = {ORDERING,
	"Its operators are =, !=, <, >, <=, >=, IN, BETWEEN and IS NULL."},
	[PGWF_SEARCH_KEYWORD_LIST] = {MEMBERSHIP,
	"Its operators are =, !=, IN and IS NULL."}
};

/* The search attribute of one comparison */
typedef struct Subject
{
	PgwfSearchType type;
	const Column *column;		/* NULL: it is among search_attributes */
	const char *sql;			/* the value to be compared */
	Oid			param_type;		/* of what it is compared with */
} Subject;

pg_noreturn static void wrong_value(PgwfFilter *filter,
									const PgwfFilterNode *node,
									const PgwfFilterValue *value,
									const Subject *subject,
									const char *hint);

int
pgwf_filter_param(PgwfFilter *filter, Oid type, Datum value)
{
	if (filter->nargs == filter->max_args)
	{
		filter->max_args *= 2;
		filter->types = repalloc(filter->types,
								 filter->max_args * sizeof(Oid));
		filter->values = repalloc(filter->values,
								  filter->max_args * sizeof(Datum));
	}
	filter->types[filter->nargs] = type;
	filter->values[filter->nargs] = value;
	return ++filter->nargs;
}

/*
 * What is compared
 */

static const Column *
find_column(const char *name)
{
	for (int i = 0; i < lengthof(columns); i++)
	{
		if (strcmp(name, columns[i].name) == 0)
			return &columns[i];
	}
	return NULL;
}

static Oid
column_param_type(ColumnKind kind)
{
	switch (kind)
	{
		case COLUMN_TEXT:
		case COLUMN_STATUS:
		case COLUMN_UUID:
			return TEXTOID;
		case COLUMN_TIME:
			return TIMESTAMPTZOID;
		case COLUMN_INT:
		case COLUMN_DURATION:
			return INT8OID;
	}
	pg_unreachable();
}

/* The value of a search attribute that a run may have, by its type */
static void
describe_custom(PgwfFilter *filter, const char *name, Subject *subject)
{
	char	   *json;

	json = psprintf("(e.search_attributes->'indexedFields'->$%d)",
					pgwf_filter_param(filter, TEXTOID,
									  CStringGetTextDatum(name)));
	switch (subject->type)
	{
		case PGWF_SEARCH_TEXT:
		case PGWF_SEARCH_KEYWORD:
			subject->sql = psprintf("(%s #>> '{}' COLLATE \"C\")", json);
			subject->param_type = TEXTOID;
			break;
		case PGWF_SEARCH_INT:
		case PGWF_SEARCH_DOUBLE:
			subject->sql = psprintf("(CASE WHEN jsonb_typeof(%s) = 'number'"
									" THEN %s::numeric END)", json, json);
			subject->param_type = NUMERICOID;
			break;
		case PGWF_SEARCH_BOOL:
			subject->sql = psprintf("(CASE WHEN jsonb_typeof(%s) = 'boolean'"
									" THEN %s::boolean END)", json, json);
			subject->param_type = BOOLOID;
			break;
		case PGWF_SEARCH_DATETIME:
			subject->sql = psprintf("workflow.search_attribute_time(%s)",
									json);
			subject->param_type = TIMESTAMPTZOID;
			break;
		case PGWF_SEARCH_KEYWORD_LIST:
			subject->sql = psprintf("(CASE WHEN jsonb_typeof(%s) = 'array'"
									" THEN %s END)", json, json);
			subject->param_type = TEXTOID;
			break;
		case PGWF_SEARCH_NONE:
			break;
	}
	if (subject->sql == NULL)
		elog(ERROR, "unknown type of search attribute: %d", subject->type);
}

static void
find_subject(PgwfFilter *filter, const PgwfFilterNode *node,
			 Subject *subject)
{
	PgwfSearchKind kind;

	memset(subject, 0, sizeof(Subject));
	subject->type = pgwf_search_attribute_find(filter->namespace_id,
											   node->name, &kind);
	if (subject->type == PGWF_SEARCH_NONE)
		pgwf_filter_error(filter->tree->text, node->name_position,
						  "The view workflow.search_attributes lists those there are; names are case-sensitive.",
						  "unknown search attribute \"%s\"", node->name);
	subject->column = find_column(node->name);
	if (subject->column)
	{
		subject->sql = subject->column->sql;
		subject->param_type = column_param_type(subject->column->kind);
	}
	else
		describe_custom(filter, node->name, subject);
}

static void
check_operator(PgwfFilter *filter, const PgwfFilterNode *node,
			   const Subject *subject)
{
	int			operators = allowed[subject->type].operators;
	const char *hint = allowed[subject->type].hint;

	if (subject->column && subject->column->kind == COLUMN_STATUS)
	{
		operators = MEMBERSHIP;
		hint = "Its operators are =, !=, IN and IS NULL.";
	}
	if ((operators & (1 << node->operator)) == 0)
		pgwf_filter_error(filter->tree->text, node->operator_position, hint,
						  "operator %s is not supported for search attribute \"%s\" of type %s",
						  pgwf_filter_operator_name(node->operator),
						  node->name, pgwf_search_type_name(subject->type));
}

/*
 * Values
 */

static void
wrong_value(PgwfFilter *filter, const PgwfFilterNode *node,
			const PgwfFilterValue *value, const Subject *subject,
			const char *hint)
{
	pgwf_filter_error(filter->tree->text, value->position, hint,
					  "invalid value for search attribute \"%s\" of type %s",
					  node->name, pgwf_search_type_name(subject->type));
}

static bool
parse_int64(const char *text, int64 *result)
{
	char	   *end;

	errno = 0;
	*result = strtoi64(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

/* "1h30m", "1.5s", "2d", with a sign or without: nanoseconds */
static bool
parse_unit_duration(const char *text, int64 *result)
{
	static const struct
	{
		const char *name;
		double		nanoseconds;
	}			units[] = {
		{"ns", 1}, {"us", 1e3}, {"\302\265s", 1e3}, {"\316\274s", 1e3},
		{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}
	};
	bool		negative = (*text == '-');
	double		total = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (*text == '\0')
		return false;
	while (*text != '\0')
	{
		size_t		digits = strspn(text, "0123456789.");
		char	   *end;
		double		number;
		int			i;

		if (digits == 0 || digits > 30)
			return false;
		number = strtod(pnstrdup(text, digits), &end);
		if (*end != '\0' || strspn(text, ".") == digits)
			return false;
		text += digits;
		for (i = 0; i < lengthof(units); i++)
		{
			size_t		len = strlen(units[i].name);

			/* the longer of two units that begin alike stands first */
			if (strncmp(text, units[i].name, len) == 0)
			{
				total += number * units[i].nanoseconds;
				text += len;
				break;
			}
		}
		if (i == lengthof(units))
			return false;
	}
	if (total > (double) PG_INT64_MAX / 2)
		return false;
	*result = (int64) rint(negative ? -total : total);
	return true;
}

/* "hh:mm:ss": nanoseconds */
static bool
parse_clock_duration(const char *text, int64 *result)
{
	int			hours;
	int			minutes;
	int			seconds;
	int			end = -1;

	if (strspn(text, "0123456789:") != strlen(text) || strlen(text) > 12 ||
		sscanf(text, "%6d:%2d:%2d%n", &hours, &minutes, &seconds, &end) != 3 ||
		text[end] != '\0' || minutes > 59 || seconds > 59)
		return false;
	*result = ((int64) hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE +
			   seconds) * INT64CONST(1000000000);
	return true;
}

/* Nanoseconds since 1970, rounded down */
static TimestampTz
time_from_nanoseconds(int64 value)
{
	int64		microseconds = value / 1000;

	if (value < 0 && value % 1000 != 0)
		microseconds--;
	return microseconds -
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

static const char *
status_of_value(const PgwfFilterValue *value)
{
	int64		number;

	if (value->kind == PGWF_FILTER_INTEGER)
	{
		if (parse_int64(value->text, &number) && number >= 1 &&
			number <= PGWF_STATUS_COUNT)
			return pgwf_status_name((PgwfStatus) number);
		return NULL;
	}
	if (value->kind != PGWF_FILTER_STRING)
		return NULL;
	for (int i = 1; i <= PGWF_STATUS_COUNT; i++)
	{
		if (strcmp(value->text, pgwf_status_name((PgwfStatus) i)) == 0)
			return pgwf_status_name((PgwfStatus) i);
	}
	return NULL;
}

static Datum
numeric_of_text(const char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							   ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

static Datum
convert_int(PgwfFilter *filter, const PgwfFilterNode *node,
			const PgwfFilterValue *value, const Subject *subject)
{
	bool		is_duration = subject->column &&
	subject->column->kind == COLUMN_DURATION;
	int64		number;

	if (is_duration && value->kind == PGWF_FILTER_STRING)
	{
		if (!parse_clock_duration(value->text, &number) &&
			!parse_unit_duration(value->text, &number))
			wrong_value(filter, node, value, subject,
						"Durations look like '1h30m', '01:30:00', or are a number of nanoseconds.");
	}
	else if (value->kind != PGWF_FILTER_INTEGER ||
			 !parse_int64(value->text, &number))
		wrong_value(filter, node, value, subject,
					"It must be an integer of 64 bits, without quotes.");
	return subject->param_type == INT8OID ? Int64GetDatum(number) :
		NumericGetDatum(int64_to_numeric(number));
}

static Datum
convert_time(PgwfFilter *filter, const PgwfFilterNode *node,
			 const PgwfFilterValue *value, const Subject *subject)
{
	TimestampTz time;
	int64		number;

	if (value->kind == PGWF_FILTER_STRING &&
		pgwf_parse_rfc3339(value->text, strlen(value->text), &time))
		return TimestampTzGetDatum(time);
	if (value->kind != PGWF_FILTER_INTEGER ||
		!parse_int64(value->text, &number))
		wrong_value(filter, node, value, subject,
					"Times look like '2026-01-31T08:00:00Z', or are a number of nanoseconds since 1970.");
	return TimestampTzGetDatum(time_from_nanoseconds(number));
}

static bool
has_word(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (IS_HIGHBIT_SET(*text) || isalnum((unsigned char) *text))
			return true;
	}
	return false;
}

/* A value as what the subject is compared with */
static Datum
convert_value(PgwfFilter *filter, const PgwfFilterNode *node,
			  const PgwfFilterValue *value, const Subject *subject)
{
	const char *status;

	if (subject->column && subject->column->kind == COLUMN_STATUS)
	{
		status = status_of_value(value);
		if (status == NULL)
			wrong_value(filter, node, value, subject,
						"It must be one of 'Running', 'Completed', 'Failed', 'Canceled', 'Terminated', 'ContinuedAsNew', 'TimedOut' and 'Paused', or its number.");
		return CStringGetTextDatum(status);
	}
	switch (subject->type)
	{
		case PGWF_SEARCH_TEXT:
		case PGWF_SEARCH_KEYWORD:
		case PGWF_SEARCH_KEYWORD_LIST:
			if (value->kind != PGWF_FILTER_STRING)
				wrong_value(filter, node, value, subject,
							"It must be a string in quotes.");
			if (subject->type == PGWF_SEARCH_TEXT && !has_word(value->text))
				wrong_value(filter, node, value, subject,
							"It must have a word in it.");
			return CStringGetTextDatum(value->text);
		case PGWF_SEARCH_INT:
			return convert_int(filter, node, value, subject);
		case PGWF_SEARCH_DOUBLE:
			if (value->kind != PGWF_FILTER_INTEGER &&
				value->kind != PGWF_FILTER_DECIMAL)
				wrong_value(filter, node, value, subject,
							"It must be a number, without quotes.");
			return numeric_of_text(value->text);
		case PGWF_SEARCH_BOOL:
			if (value->kind != PGWF_FILTER_BOOL)
				wrong_value(filter, node, value, subject,
							"It must be TRUE or FALSE, without quotes.");
			return BoolGetDatum(strcmp(value->text, "true") == 0);
		case PGWF_SEARCH_DATETIME:
			return convert_time(filter, node, value, subject);
		case PGWF_SEARCH_NONE:
			break;
	}
	pg_unreachable();
}

static int
param_of_value(PgwfFilter *filter, const PgwfFilterNode *node, int n,
			   const Subject *subject)
{
	return pgwf_filter_param(filter, subject->param_type,
							 convert_value(filter, node,
										   list_nth(node->values, n),
										   subject));
}

/* All values as one array */
static int
param_of_array(PgwfFilter *filter, const PgwfFilterNode *node,
			   const Subject *subject)
{
	int			count = list_length(node->values);
	Datum	   *elements = palloc(count * sizeof(Datum));
	int16		typlen;
	bool		typbyval;
	char		typalign;
	ArrayType  *array;

	for (int i = 0; i < count; i++)
		elements[i] = convert_value(filter, node, list_nth(node->values, i),
									subject);
	get_typlenbyvalalign(subject->param_type, &typlen, &typbyval, &typalign);
	array = construct_array(elements, count, subject->param_type, typlen,
							typbyval, typalign);
	return pgwf_filter_param(filter, get_array_type(subject->param_type),
							 PointerGetDatum(array));
}

/*
 * Comparisons
 */

/* {"indexedFields": {name: value}}; of a list, [value] */
static Jsonb *
containment(const PgwfFilterNode *node, const Subject *subject, Datum value)
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
is_contained(const Subject *subject)
{
	return subject->column == NULL &&
		subject->type != PGWF_SEARCH_TEXT &&
		subject->type != PGWF_SEARCH_DATETIME;
}

static void
append_containments(PgwfFilter *filter, const PgwfFilterNode *node,
					const Subject *subject)
{
	ListCell   *lc;

	appendStringInfoChar(&filter->sql, '(');
	foreach(lc, node->values)
	{
		Datum		value = convert_value(filter, node, lfirst(lc), subject);
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
			const Subject *subject, bool negated)
{
	appendStringInfo(&filter->sql, "%s(%s ?| $%d)", negated ? "NOT " : "",
					 subject->sql, param_of_array(filter, node, subject));
}

/* Does a text have one of the words? */
static void
append_text(PgwfFilter *filter, const PgwfFilterNode *node,
			const Subject *subject, bool negated)
{
	appendStringInfo(&filter->sql,
					 "%s(tsvector_to_array(to_tsvector('simple'::regconfig, %s))"
					 " && tsvector_to_array(to_tsvector('simple'::regconfig, $%d)))",
					 negated ? "NOT " : "", subject->sql,
					 param_of_value(filter, node, 0, subject));
}

/*
 * Says too that open runs have no close time, for the sake of an index, and
 * if no run matches for which this is not true, that it is so.
 */
static void
append_status(PgwfFilter *filter, const PgwfFilterNode *node,
			  const Subject *subject, bool negated, bool required)
{
	bool		open = false;
	bool		closed = false;
	ListCell   *lc;

	foreach(lc, node->values)
	{
		const char *status = status_of_value(lfirst(lc));

		if (status && (strcmp(status, "Running") == 0 ||
					   strcmp(status, "Paused") == 0))
			open = true;
		else
			closed = true;
	}
	appendStringInfo(&filter->sql,
					 "(e.status %s ($%d::workflow.execution_status[])",
					 negated ? "<> ALL" : "= ANY",
					 param_of_array(filter, node, subject));
	if (!negated && open != closed)
	{
		appendStringInfo(&filter->sql, " AND e.close_time IS %sNULL",
						 open ? "" : "NOT ");
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

/* What is no UUID equals none */
static void
append_uuid(PgwfFilter *filter, const PgwfFilterNode *node,
			const Subject *subject, bool negated)
{
	Datum	   *elements = palloc(list_length(node->values) * sizeof(Datum));
	int			count = 0;
	ListCell   *lc;
	ArrayType  *array;

	foreach(lc, node->values)
	{
		PgwfFilterValue *value = lfirst(lc);

		(void) convert_value(filter, node, value, subject);
		if (is_uuid(value->text))
			elements[count++] =
				DirectFunctionCall1(uuid_in, CStringGetDatum(value->text));
	}
	array = construct_array(elements, count, UUIDOID, UUID_LEN, false,
							TYPALIGN_CHAR);
	appendStringInfo(&filter->sql, "(%s IS NOT NULL AND %s %s ($%d))",
					 subject->sql, subject->sql,
					 negated ? "<> ALL" : "= ANY",
					 pgwf_filter_param(filter, UUIDARRAYOID,
									   PointerGetDatum(array)));
}

/* = != IN NOT IN; returns whether it was one of them, and special */
static bool
append_equality(PgwfFilter *filter, const PgwfFilterNode *node,
				const Subject *subject, PgwfFilterOperator operator,
				bool required)
{
	bool		negated = (operator == PGWF_FILTER_NE ||
						   operator == PGWF_FILTER_NOT_IN);

	if (!negated && operator != PGWF_FILTER_EQ && operator != PGWF_FILTER_IN)
		return false;
	if (subject->type == PGWF_SEARCH_TEXT)
		append_text(filter, node, subject, negated);
	else if (subject->column && subject->column->kind == COLUMN_STATUS)
		append_status(filter, node, subject, negated, required);
	else if (subject->column && subject->column->kind == COLUMN_UUID)
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
note_close_time(PgwfFilter *filter, const Subject *subject,
				PgwfFilterOperator operator)
{
	if (subject->column == NULL ||
		(subject->column->kind != COLUMN_DURATION &&
		 strcmp(subject->column->name, "CloseTime") != 0))
		return;
	if (operator == PGWF_FILTER_IS_NULL)
		filter->never_closed = true;
	else
		filter->never_open = true;
}

/* "required": no run matches for which the comparison is not true */
static void
append_comparison(PgwfFilter *filter, const PgwfFilterNode *node,
				  bool negated, bool required)
{
	StringInfo	sql = &filter->sql;
	Subject		subject;
	PgwfFilterOperator operator;
	const char *value;
	int			param;

	find_subject(filter, node, &subject);
	check_operator(filter, node, &subject);
	operator = negated ? opposite(node->operator) : node->operator;
	if (required)
		note_close_time(filter, &subject, operator);
	if (append_equality(filter, node, &subject, operator, required))
		return;

	/* what is left of a UUID is compared as text */
	value = subject.sql;
	if (subject.column && subject.column->kind == COLUMN_UUID &&
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
							 param_of_value(filter, node, 0, &subject));
			break;
		case PGWF_FILTER_NE:
			appendStringInfo(sql, "%s <> $%d", value,
							 param_of_value(filter, node, 0, &subject));
			break;
		case PGWF_FILTER_IN:
			appendStringInfo(sql, "%s = ANY ($%d)", value,
							 param_of_array(filter, node, &subject));
			break;
		case PGWF_FILTER_NOT_IN:
			appendStringInfo(sql, "%s <> ALL ($%d)", value,
							 param_of_array(filter, node, &subject));
			break;
		case PGWF_FILTER_STARTS_WITH:
		case PGWF_FILTER_NOT_STARTS_WITH:
			appendStringInfo(sql, "%s(%s ^@ $%d)",
							 operator == PGWF_FILTER_STARTS_WITH ? "" :
							 "NOT ", value,
							 param_of_value(filter, node, 0, &subject));
			break;
		case PGWF_FILTER_BETWEEN:
		case PGWF_FILTER_NOT_BETWEEN:
			param = param_of_value(filter, node, 0, &subject);
			appendStringInfo(sql, "(%s %s $%d AND $%d)", value,
							 pgwf_filter_operator_name(operator), param,
							 param_of_value(filter, node, 1, &subject));
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

/* Everything of "filter" lives in the current memory context */
void
pgwf_filter_compile(PgwfFilter *filter, int32 namespace_id,
					const char *query)
{
	memset(filter, 0, sizeof(PgwfFilter));
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

/*
 * For operations on all runs that match
 */

static void
compile_plain(PgwfFilter *filter, int32 namespace_id, const char *query)
{
	pgwf_filter_compile(filter, namespace_id, query);
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
	(void) pgwf_db_search(psprintf("SELECT count(*)" PGWF_FILTER_FROM "%s",
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
	count = pgwf_db_search(psprintf("SELECT e.run_key" PGWF_FILTER_FROM
									"%s AND e.run_key > $%d"
									" ORDER BY e.run_key LIMIT $%d",
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
