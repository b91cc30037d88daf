/*-------------------------------------------------------------------------
 *
 * pgwf_filter_value.c
 *		What one comparison of a filter compares: a search attribute, and
 *		values of its type as parameters.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "pgwf_catalog.h"
#include "pgwf_compat.h"
#include "pgwf_filter_value.h"
#include "pgwf_json.h"

#define DURATION(difference) \
	"(extract(epoch FROM " difference ") * 1000000000)::bigint"

/*
 * Counters that open runs have elsewhere: looked up by key, one by one, and
 * only for them, whatever is known of the size of that table.
 */
#define OF_OPEN(closed, open) \
	"coalesce(" closed ", (SELECT " open \
	" FROM workflow.mutable_state AS m" \
	" WHERE m.namespace_id = e.namespace_id AND m.run_key = e.run_key))"

static const PgwfColumn run_columns[] = {
	{"WorkflowId", PGWF_COLUMN_TEXT, "e.workflow_id"},
	{"RunId", PGWF_COLUMN_UUID, "e.run_id"},
	{"WorkflowType", PGWF_COLUMN_TEXT, "e.workflow_type"},
	{"ExecutionStatus", PGWF_COLUMN_STATUS, "e.status"},
	{"TaskQueue", PGWF_COLUMN_TEXT, "e.task_queue"},
	{"ParentWorkflowId", PGWF_COLUMN_TEXT, "e.parent_workflow_id"},
	{"ParentRunId", PGWF_COLUMN_UUID, "e.parent_run_id"},
	{"RootWorkflowId", PGWF_COLUMN_TEXT,
	"coalesce(e.root_workflow_id, e.workflow_id)"},
	{"RootRunId", PGWF_COLUMN_UUID, "coalesce(e.root_run_id, e.run_id)"},
	{"StartTime", PGWF_COLUMN_TIME, "e.start_time", "o.start_time",
	"c.start_time"},
	{"ExecutionTime", PGWF_COLUMN_TIME, "e.execution_time"},
	{"CloseTime", PGWF_COLUMN_TIME, "e.close_time", "NULL::timestamptz",
	"c.close_time"},
	{"ExecutionDuration", PGWF_COLUMN_DURATION,
		DURATION("e.close_time - e.start_time"), "NULL::bigint",
	DURATION("c.close_time - c.start_time")},
	{"HistoryLength", PGWF_COLUMN_INT,
		OF_OPEN("e.history_length", "m.next_event_id - 1"),
	"(o.next_event_id - 1)", "e.history_length"},
	{"HistorySizeBytes", PGWF_COLUMN_INT,
		OF_OPEN("e.history_size_bytes", "m.history_size"),
	"o.history_size", "e.history_size_bytes"},
	{"StateTransitionCount", PGWF_COLUMN_INT,
		OF_OPEN("e.state_transition_count", "m.state_transition_count"),
	"o.state_transition_count", "e.state_transition_count"}
};

static const PgwfColumn schedule_columns[] = {
	{"ScheduleId", PGWF_COLUMN_TEXT, "e.schedule_id"},
	{"TemporalSchedulePaused", PGWF_COLUMN_BOOL,
	"coalesce((e.definition #>> '{state,paused}')::boolean, false)"}
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

pg_noreturn static void wrong_value(PgwfFilter *filter,
									const PgwfFilterNode *node,
									const PgwfFilterValue *value,
									const PgwfSubject *subject,
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

static const PgwfColumn *
find_column(PgwfFilterScope scope, const char *name)
{
	const PgwfColumn *columns = run_columns;
	int			count = lengthof(run_columns);

	if (scope == PGWF_FILTER_SCHEDULES)
	{
		columns = schedule_columns;
		count = lengthof(schedule_columns);
	}
	for (int i = 0; i < count; i++)
	{
		if (strcmp(name, columns[i].name) == 0)
			return &columns[i];
	}
	return NULL;
}

const char *
pgwf_filter_column_sql(PgwfFilterScope scope, const PgwfColumn *column)
{
	if (scope == PGWF_FILTER_OPEN_RUNS && column->open_sql)
		return column->open_sql;
	if (scope == PGWF_FILTER_CLOSED_RUNS && column->closed_sql)
		return column->closed_sql;
	return column->sql;
}

static PgwfSearchType
column_type(PgwfColumnKind kind)
{
	switch (kind)
	{
		case PGWF_COLUMN_TEXT:
		case PGWF_COLUMN_STATUS:
		case PGWF_COLUMN_UUID:
			return PGWF_SEARCH_KEYWORD;
		case PGWF_COLUMN_TIME:
			return PGWF_SEARCH_DATETIME;
		case PGWF_COLUMN_INT:
		case PGWF_COLUMN_DURATION:
			return PGWF_SEARCH_INT;
		case PGWF_COLUMN_BOOL:
			return PGWF_SEARCH_BOOL;
	}
	pg_unreachable();
}

static Oid
column_param_type(PgwfColumnKind kind)
{
	switch (kind)
	{
		case PGWF_COLUMN_TEXT:
		case PGWF_COLUMN_STATUS:
		case PGWF_COLUMN_UUID:
			return TEXTOID;
		case PGWF_COLUMN_TIME:
			return TIMESTAMPTZOID;
		case PGWF_COLUMN_INT:
		case PGWF_COLUMN_DURATION:
			return INT8OID;
		case PGWF_COLUMN_BOOL:
			return BOOLOID;
	}
	pg_unreachable();
}

/* The value of a search attribute that a run may have, by its type */
static void
describe_custom(PgwfFilter *filter, const char *name, PgwfSubject *subject)
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

void
pgwf_filter_subject(PgwfFilter *filter, const PgwfFilterNode *node,
					PgwfSubject *subject)
{
	PgwfSearchKind kind;

	memset(subject, 0, sizeof(PgwfSubject));
	subject->column = find_column(filter->scope, node->name);
	if (subject->column)
	{
		subject->type = column_type(subject->column->kind);
		subject->sql = pgwf_filter_column_sql(filter->scope, subject->column);
		subject->param_type = column_param_type(subject->column->kind);
		return;
	}
	subject->type = pgwf_search_attribute_find(filter->namespace_id,
											   node->name, &kind);
	if (subject->type == PGWF_SEARCH_NONE)
		pgwf_filter_error(filter->tree->text, node->name_position,
						  "The view workflow.search_attributes lists those there are; names are case-sensitive.",
						  "unknown search attribute \"%s\"", node->name);
	if (kind == PGWF_SEARCH_SYSTEM)
		pgwf_filter_error(filter->tree->text, node->name_position,
						  "They have ScheduleId, TemporalSchedulePaused, and the search attributes that they were given.",
						  "schedules have no search attribute \"%s\"",
						  node->name);
	describe_custom(filter, node->name, subject);
}

void
pgwf_filter_check_operator(PgwfFilter *filter, const PgwfFilterNode *node,
						   const PgwfSubject *subject)
{
	int			operators = allowed[subject->type].operators;
	const char *hint = allowed[subject->type].hint;

	if (subject->column && subject->column->kind == PGWF_COLUMN_STATUS)
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
			const PgwfFilterValue *value, const PgwfSubject *subject,
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

const char *
pgwf_filter_status(const PgwfFilterValue *value)
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
			const PgwfFilterValue *value, const PgwfSubject *subject)
{
	bool		is_duration = subject->column &&
	subject->column->kind == PGWF_COLUMN_DURATION;
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
			 const PgwfFilterValue *value, const PgwfSubject *subject)
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
Datum
pgwf_filter_convert(PgwfFilter *filter, const PgwfFilterNode *node,
					const PgwfFilterValue *value, const PgwfSubject *subject)
{
	const char *status;

	if (subject->column && subject->column->kind == PGWF_COLUMN_STATUS)
	{
		status = pgwf_filter_status(value);
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

int
pgwf_filter_param_of_value(PgwfFilter *filter, const PgwfFilterNode *node, int n,
						   const PgwfSubject *subject)
{
	return pgwf_filter_param(filter, subject->param_type,
							 pgwf_filter_convert(filter, node,
												 list_nth(node->values, n),
												 subject));
}

/* All values as one array */
int
pgwf_filter_param_of_array(PgwfFilter *filter, const PgwfFilterNode *node,
						   const PgwfSubject *subject)
{
	int			count = list_length(node->values);
	Datum	   *elements = palloc(count * sizeof(Datum));
	int16		typlen;
	bool		typbyval;
	char		typalign;
	ArrayType  *array;

	for (int i = 0; i < count; i++)
		elements[i] = pgwf_filter_convert(filter, node, list_nth(node->values, i),
										  subject);
	get_typlenbyvalalign(subject->param_type, &typlen, &typbyval, &typalign);
	array = construct_array(elements, count, subject->param_type, typlen,
							typbyval, typalign);
	return pgwf_filter_param(filter, get_array_type(subject->param_type),
							 PointerGetDatum(array));
}
