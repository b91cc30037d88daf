/*-------------------------------------------------------------------------
 *
 * pgwf_export.c
 *		Histories as files of Temporal's format, and such files as events.
 *
 * The two formats are the same messages with the same members.  They differ
 * in how a member is written, which pgwf_export_schema.c says for each: the
 * walk over a message is one for both directions, only its leaves are not.
 *
 * Both directions write JSON text: export because the order of its members
 * is to be seen, import because jsonb is made of text in one go.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "common/base64.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "pgwf_catalog.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_export.h"
#include "pgwf_history.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"

/* base64 of the encodings we know, as they stand in a file */
#define ENCODING_JSON	"anNvbi9wbGFpbg=="	/* json/plain */
#define ENCODING_NULL	"YmluYXJ5L251bGw="	/* binary/null */

/*
 * taskId is an internal number of Temporal's service that files have and
 * readers ignore; its numbers start here.
 */
#define FIRST_TASK_ID	INT64CONST(1048576)

#define HISTORY_COLUMNS	5

typedef enum Direction
{
	TO_FILE,
	FROM_FILE
}			Direction;

static PgwfStatement read_history = {
	.sql = "SELECT event_id, event_time, event_type::text, attributes,"
	" user_metadata"
	" FROM workflow.history_event"
	" WHERE namespace_id = $1 AND run_key = $2 ORDER BY event_id",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

static void append_event(StringInfo out, uint64 row);
static void import_event(ReturnSetInfo *rsinfo, JsonbValue *value,
						 int64 position);
static void append_event_type(StringInfo out, const char *name);
static PgwfEventType event_type_of(JsonbValue *value);

static void convert_message(StringInfo out, JsonbValue *value,
							const PgwfField * fields, Direction direction);
static void convert_field(StringInfo out, JsonbValue *value,
						  const PgwfField * field, Direction direction);
static void convert_map(StringInfo out, JsonbValue *value,
						const PgwfField * field, Direction direction);
static void convert_list(StringInfo out, JsonbValue *value,
						 const PgwfField * field, Direction direction);
static void convert_payloads(StringInfo out, JsonbValue *value,
							 Direction direction);
static void convert_payload(StringInfo out, JsonbValue *value, bool typed,
							Direction direction);
static void convert_int64(StringInfo out, JsonbValue *value,
						  Direction direction);
static void convert_time(StringInfo out, JsonbValue *value,
						 Direction direction);
static TimestampTz parse_time(JsonbValue *value);
static void append_payload(StringInfo out, JsonbValue *value, bool typed);
static bool append_plain_value(StringInfo out, JsonbValue *payload,
							   bool typed);
static const char *search_type(JsonbValue *value);

static bool get_member(JsonbValue *object, const char *key,
					   JsonbValue *value);
static bool get_element(JsonbValue *array, uint32 index, JsonbValue *value);
static int	member_count(JsonbValue *object);
static bool is_object(JsonbValue *value);
static bool is_array(JsonbValue *value);
static bool is_text(JsonbValue *value, const char *text);
static bool is_default(JsonbValue *value, const PgwfField * field);
static void root_value(const Jsonb *jsonb, JsonbValue *value);

static void append_separator(StringInfo out);
static void append_key(StringInfo out, const char *key);
static void append_text(StringInfo out, const char *text, int len);
static void append_value(StringInfo out, JsonbValue *value);
static void append_time(StringInfo out, const char *text, int len);
static void append_base64(StringInfo out, const char *data, int len);

PG_FUNCTION_INFO_V1(pgwf_history_json);
PG_FUNCTION_INFO_V1(pgwf_history_from_json);

/*
 * workflow.history_json(workflow_id, run_id, namespace)
 */
Datum
pgwf_history_json(PG_FUNCTION_ARGS)
{
	int32		namespace_id;
	StringInfoData out;
	Datum		values[2];
	uint64		count;
	PgwfRunRef	run;
	PgwfDbScope scope;

	namespace_id = pgwf_namespace_check(PG_ARGISNULL(2) ? NULL :
										text_to_cstring(PG_GETARG_TEXT_PP(2)),
										PGWF_RIGHT_READ);
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"events\":[");

	pgwf_db_begin(&scope);
	pgwf_find_run(fcinfo, 0, 1, namespace_id, &run);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int64GetDatum(run.run_key);
	count = pgwf_db_query(&read_history, values, NULL, 0);
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		append_separator(&out);
		append_event(&out, i);
	}
	pgwf_db_end(&scope);

	appendStringInfoString(&out, "]}");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/*
 * workflow.history_from_json(history): strict.
 */
Datum
pgwf_history_from_json(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb	   *history;
	JsonbValue	root;
	JsonbValue	events;
	JsonbValue	event;

	history = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												 CStringGetDatum(source)));
	root_value(history, &root);
	if (!is_object(&root) || !get_member(&root, "events", &events) ||
		!is_array(&events))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("history has no list \"events\"")));

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; get_element(&events, i, &event); i++)
	{
		CHECK_FOR_INTERRUPTS();
		import_event(rsinfo, &event, (int64) i + 1);
	}
	return (Datum) 0;
}

/*
 * Write an event of the last statement's result, in the order in which
 * Temporal's tools do.
 */
static void
append_event(StringInfo out, uint64 row)
{
	char		time[PGWF_TIME_LEN];
	int64		event_id;
	char	   *type_name;
	PgwfEventType type;
	JsonbValue	value;
	Datum		metadata;
	bool		isnull;

	event_id = DatumGetInt64(pgwf_db_value(row, 1, &isnull));
	pgwf_format_time(time, sizeof(time),
					 DatumGetTimestampTz(pgwf_db_value(row, 2, &isnull)));
	type_name = TextDatumGetCString(pgwf_db_value(row, 3, &isnull));
	type = pgwf_event_type_by_name(type_name);

	appendStringInfo(out, "{\"eventId\":\"" INT64_FORMAT "\",\"eventTime\":",
					 event_id);
	append_time(out, time, (int) strlen(time));
	append_key(out, "eventType");
	append_event_type(out, type_name);
	appendStringInfo(out, ",\"taskId\":\"" INT64_FORMAT "\"",
					 FIRST_TASK_ID + event_id);
	if (type == PGWF_EVENT_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED)
		appendStringInfoString(out, ",\"workerMayIgnore\":true");

	metadata = pgwf_db_value(row, 5, &isnull);
	if (!isnull)
	{
		append_key(out, "userMetadata");
		root_value(DatumGetJsonbP(metadata), &value);
		convert_message(out, &value, pgwf_user_metadata_fields, TO_FILE);
	}

	append_key(out, pgwf_event_info[type].attributes_key);
	root_value(DatumGetJsonbP(pgwf_db_value(row, 4, &isnull)), &value);
	convert_message(out, &value, pgwf_event_fields[type], TO_FILE);
	appendStringInfoChar(out, '}');
}

/*
 * Read an event of a file and add it to the result.
 */
static void
import_event(ReturnSetInfo *rsinfo, JsonbValue *event, int64 position)
{
	Datum		row[HISTORY_COLUMNS] = {0};
	bool		nulls[HISTORY_COLUMNS] = {0};
	StringInfoData out;
	JsonbValue	value;
	PgwfEventType type = 0;

	if (is_object(event) && get_member(event, "eventType", &value))
		type = event_type_of(&value);
	if (type == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("event " INT64_FORMAT " of the history has no known type",
						position)));
	row[2] = ObjectIdGetDatum(pgwf_event_type_oid(type));

	initStringInfo(&out);
	if (get_member(event, "eventId", &value))
		convert_int64(&out, &value, FROM_FILE);
	if (out.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("event " INT64_FORMAT " of the history has no id",
						position)));
	row[0] = DirectFunctionCall1(int8in, CStringGetDatum(out.data));

	nulls[1] = true;
	if (get_member(event, "eventTime", &value) && value.type == jbvString)
	{
		row[1] = TimestampTzGetDatum(parse_time(&value));
		nulls[1] = false;
	}

	resetStringInfo(&out);
	if (get_member(event, pgwf_event_info[type].attributes_key, &value))
		convert_message(&out, &value, pgwf_event_fields[type], FROM_FILE);
	else
		appendStringInfoString(&out, "{}");
	row[3] = DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));

	nulls[4] = true;
	if (get_member(event, "userMetadata", &value))
	{
		resetStringInfo(&out);
		convert_message(&out, &value, pgwf_user_metadata_fields, FROM_FILE);
		row[4] = DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
		nulls[4] = false;
	}

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
}

/* "TimerFired" as "EVENT_TYPE_TIMER_FIRED", with quotes */
static void
append_event_type(StringInfo out, const char *name)
{
	appendStringInfoString(out, "\"EVENT_TYPE");
	for (const char *c = name; *c != '\0'; c++)
	{
		if (isupper((unsigned char) *c))
			appendStringInfoChar(out, '_');
		appendStringInfoChar(out, (char) toupper((unsigned char) *c));
	}
	appendStringInfoChar(out, '"');
}

/*
 * An event type written in full, in short or as its number; 0 when it is
 * none.
 */
static PgwfEventType
event_type_of(JsonbValue *value)
{
	StringInfoData constant;

	initStringInfo(&constant);
	if (value->type == jbvNumeric)
	{
		append_value(&constant, value);
		for (int type = 1; type <= PGWF_EVENT_TYPE_COUNT; type++)
		{
			if (atoi(constant.data) == type)
				return (PgwfEventType) type;
		}
	}
	if (value->type != jbvString)
		return 0;
	for (int type = 1; type <= PGWF_EVENT_TYPE_COUNT; type++)
	{
		if (is_text(value, pgwf_event_info[type].name))
			return (PgwfEventType) type;
		resetStringInfo(&constant);
		append_event_type(&constant, pgwf_event_info[type].name);
		if (constant.len - 2 == value->val.string.len &&
			memcmp(constant.data + 1, value->val.string.val,
				   value->val.string.len) == 0)
			return (PgwfEventType) type;
	}
	return 0;
}

/*
 * The walk.
 */

/*
 * Write the members that a message lists in its order, then those it does
 * not list.  In our tables a member with the default value of its type is
 * absent; files may have it or not.
 */
static void
convert_message(StringInfo out, JsonbValue *value, const PgwfField * fields,
				Direction direction)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	member;
	bool		skip = false;

	check_stack_depth();
	if (!is_object(value))
	{
		append_value(out, value);
		return;
	}

	appendStringInfoChar(out, '{');
	for (const PgwfField * field = fields; field->name != NULL; field++)
	{
		if (!get_member(value, field->name, &member) ||
			(direction == FROM_FILE && is_default(&member, field)))
			continue;
		append_key(out, field->name);
		convert_field(out, &member, field, direction);
	}

	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &member, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			const		PgwfField *field = fields;

			while (field->name != NULL && !is_text(&member, field->name))
				field++;
			skip = field->name != NULL;
			if (!skip)
			{
				append_separator(out);
				append_value(out, &member);
				appendStringInfoChar(out, ':');
			}
		}
		else if (token == WJB_VALUE && !skip)
			append_value(out, &member);
	}
	appendStringInfoChar(out, '}');
}

static void
convert_field(StringInfo out, JsonbValue *value, const PgwfField * field,
			  Direction direction)
{
	int64		duration;
	char text[	PGWF_DURATION_LEN];

	switch (field->kind)
	{
		case PGWF_FIELD_PLAIN:
			append_value(out, value);
			break;
		case PGWF_FIELD_INT64:
			convert_int64(out, value, direction);
			break;
		case PGWF_FIELD_DURATION:
			if (value->type == jbvString &&
				pgwf_parse_duration(value->val.string.val,
									value->val.string.len, &duration))
			{
				pgwf_format_duration(text, sizeof(text), duration);
				append_text(out, text, (int) strlen(text));
			}
			else
				append_value(out, value);
			break;
		case PGWF_FIELD_TIME:
			convert_time(out, value, direction);
			break;
		case PGWF_FIELD_PAYLOAD:
			convert_payload(out, value, false, direction);
			break;
		case PGWF_FIELD_PAYLOADS:
			convert_payloads(out, value, direction);
			break;
		case PGWF_FIELD_PAYLOAD_MAP:
		case PGWF_FIELD_SEARCH_MAP:
		case PGWF_FIELD_PAYLOADS_MAP:
			convert_map(out, value, field, direction);
			break;
		case PGWF_FIELD_MESSAGE:
			convert_message(out, value, field->message, direction);
			break;
		case PGWF_FIELD_MESSAGES:
			convert_list(out, value, field, direction);
			break;
	}
}

static void
convert_map(StringInfo out, JsonbValue *value, const PgwfField * field,
			Direction direction)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	member;

	if (!is_object(value))
	{
		append_value(out, value);
		return;
	}
	appendStringInfoChar(out, '{');
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &member, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			append_separator(out);
			append_value(out, &member);
			appendStringInfoChar(out, ':');
		}
		else if (token == WJB_VALUE)
		{
			if (field->kind == PGWF_FIELD_PAYLOADS_MAP)
				convert_payloads(out, &member, direction);
			else
				convert_payload(out, &member,
								field->kind == PGWF_FIELD_SEARCH_MAP,
								direction);
		}
	}
	appendStringInfoChar(out, '}');
}

static void
convert_list(StringInfo out, JsonbValue *value, const PgwfField * field,
			 Direction direction)
{
	JsonbValue	element;

	if (!is_array(value))
	{
		append_value(out, value);
		return;
	}
	appendStringInfoChar(out, '[');
	for (uint32 i = 0; get_element(value, i, &element); i++)
	{
		append_separator(out);
		convert_message(out, &element, field->message, direction);
	}
	appendStringInfoChar(out, ']');
}

/*
 * Payloads are a list in our tables, and an object around a list in files;
 * an empty one is an empty object there.
 */
static void
convert_payloads(StringInfo out, JsonbValue *value, Direction direction)
{
	JsonbValue	list = *value;
	JsonbValue	element;
	bool		empty;

	if (direction == FROM_FILE)
	{
		if (!is_object(value))
		{
			append_value(out, value);
			return;
		}
		appendStringInfoChar(out, '[');
		empty = !get_member(value, "payloads", &list) || !is_array(&list);
		for (uint32 i = 0; !empty && get_element(&list, i, &element); i++)
		{
			append_separator(out);
			convert_payload(out, &element, false, direction);
		}
		appendStringInfoChar(out, ']');
		return;
	}

	if (!is_array(&list))
	{
		/* one argument, not yet in a list */
		appendStringInfoString(out, "{\"payloads\":[");
		append_payload(out, value, false);
		appendStringInfoString(out, "]}");
		return;
	}
	empty = true;
	appendStringInfoChar(out, '{');
	for (uint32 i = 0; get_element(&list, i, &element); i++)
	{
		if (empty)
			appendStringInfoString(out, "\"payloads\":[");
		empty = false;
		append_separator(out);
		append_payload(out, &element, false);
	}
	appendStringInfoString(out, empty ? "}" : "]}");
}

static void
convert_payload(StringInfo out, JsonbValue *value, bool typed,
				Direction direction)
{
	if (direction == TO_FILE)
		append_payload(out, value, typed);
	else if (!append_plain_value(out, value, typed))
	{
		appendStringInfoString(out, "{\"@payload\":");
		append_value(out, value);
		appendStringInfoChar(out, '}');
	}
}

static void
convert_int64(StringInfo out, JsonbValue *value, Direction direction)
{
	if (direction == TO_FILE && value->type == jbvNumeric)
	{
		appendStringInfoChar(out, '"');
		append_value(out, value);
		appendStringInfoChar(out, '"');
	}
	else if (direction == FROM_FILE && value->type == jbvString)
	{
		char	   *text = pnstrdup(value->val.string.val,
									value->val.string.len);

		/* reading it raises the error if it is no integer */
		appendStringInfo(out, INT64_FORMAT,
						 DatumGetInt64(DirectFunctionCall1(int8in,
														   CStringGetDatum(text))));
	}
	else
		append_value(out, value);
}

/*
 * Times have six digits after the second in our tables.
 */
static void
convert_time(StringInfo out, JsonbValue *value, Direction direction)
{
	char		time[PGWF_TIME_LEN];

	if (value->type != jbvString)
		append_value(out, value);
	else if (direction == TO_FILE)
		append_time(out, value->val.string.val, value->val.string.len);
	else
	{
		pgwf_format_time(time, sizeof(time), parse_time(value));
		append_text(out, time, (int) strlen(time));
	}
}

static TimestampTz
parse_time(JsonbValue *value)
{
	char	   *text = pnstrdup(value->val.string.val,
								value->val.string.len);

	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
												   CStringGetDatum(text),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

/*
 * Write a value as a Payload: null as binary/null, {"@payload": ..} as the
 * payload it holds, everything else as json/plain in UTF-8.
 */
static void
append_payload(StringInfo out, JsonbValue *value, bool typed)
{
	static const PgwfField fields[] = {
		{"metadata", PGWF_FIELD_PLAIN, NULL},
		{"data", PGWF_FIELD_PLAIN, NULL},
		{NULL, PGWF_FIELD_PLAIN, NULL}
	};
	StringInfoData text;
	JsonbValue	payload;
	char	   *utf8;

	if (value->type == jbvNull)
	{
		appendStringInfoString(out, "{\"metadata\":{\"encoding\":\""
							   ENCODING_NULL "\"}}");
		return;
	}
	if (is_object(value) && get_member(value, "@payload", &payload))
	{
		convert_message(out, &payload, fields, TO_FILE);
		return;
	}

	appendStringInfoString(out, "{\"metadata\":{\"encoding\":\""
						   ENCODING_JSON "\"");
	if (typed)
	{
		const char *type = search_type(value);

		append_key(out, "type");
		append_base64(out, type, (int) strlen(type));
	}
	appendStringInfoString(out, "},\"data\":");

	initStringInfo(&text);
	append_value(&text, value);
	utf8 = pg_server_to_any(text.data, text.len, PG_UTF8);
	append_base64(out, utf8,
				  utf8 == text.data ? text.len : (int) strlen(utf8));
	appendStringInfoChar(out, '}');
}

/*
 * Write a Payload of a file as a plain value.  Returns false, with nothing
 * written, when that would lose something: another encoding, metadata of its
 * own, or JSON that jsonb does not take.
 */
static bool
append_plain_value(StringInfo out, JsonbValue *payload, bool typed)
{
	JsonbValue	metadata;
	JsonbValue	member;
	JsonbValue	type;
	char	   *decoded;
	char	   *text;
	int			len;
	Jsonb	   *jsonb;
	JsonbValue	value;
	bool		has_type;

	if (!is_object(payload) ||
		!get_member(payload, "metadata", &metadata) ||
		!is_object(&metadata) ||
		!get_member(&metadata, "encoding", &member))
		return false;
	has_type = typed && get_member(&metadata, "type", &type);
	if (member_count(&metadata) != (has_type ? 2 : 1))
		return false;

	if (is_text(&member, ENCODING_NULL) && !has_type)
	{
		if (member_count(payload) > 1)
			return false;
		appendStringInfoString(out, "null");
		return true;
	}
	if (!is_text(&member, ENCODING_JSON) ||
		member_count(payload) != 2 ||
		!get_member(payload, "data", &member) || member.type != jbvString)
		return false;

	decoded = palloc(pg_b64_dec_len(member.val.string.len) + 1);
	len = pg_b64_decode(member.val.string.val, member.val.string.len,
						(void *) decoded,
						pg_b64_dec_len(member.val.string.len));
	if (len < 0)
		return false;
	decoded[len] = '\0';
	if (strlen(decoded) != (size_t) len || strstr(decoded, "\\u0000") != NULL)
		return false;
	text = pg_any_to_server(decoded, len, PG_UTF8);

	jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											   CStringGetDatum(text)));
	root_value(jsonb, &value);

	/* null in json/plain would come back as binary/null */
	if (value.type == jbvNull)
		return false;
	/* what looks like a payload of ours is not one */
	if (is_object(&value) && get_member(&value, "@payload", &member))
		return false;
	if (has_type)
	{
		StringInfoData expected;

		initStringInfo(&expected);
		append_base64(&expected, search_type(&value),
					  (int) strlen(search_type(&value)));
		if (type.type != jbvString ||
			expected.len - 2 != type.val.string.len ||
			memcmp(expected.data + 1, type.val.string.val,
				   type.val.string.len) != 0)
			return false;
	}
	append_value(out, &value);
	return true;
}

/*
 * The type of a search attribute, as far as its value tells.
 */
static const char *
search_type(JsonbValue *value)
{
	if (value->type == jbvBool)
		return "Bool";
	if (value->type == jbvNumeric)
	{
		StringInfoData text;

		initStringInfo(&text);
		append_value(&text, value);
		return strchr(text.data, '.') == NULL ? "Int" : "Double";
	}
	return is_array(value) ? "KeywordList" : "Keyword";
}

/*
 * Access to jsonb.  An object or array is always a value of type jbvBinary
 * here.
 */

static bool
get_member(JsonbValue *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(object->val.binary.data, key,
										(int) strlen(key), value) != NULL;
}

static bool
get_element(JsonbValue *array, uint32 index, JsonbValue *value)
{
	JsonbValue *element;

	element = getIthJsonbValueFromContainer(array->val.binary.data, index);
	if (element == NULL)
		return false;
	*value = *element;
	pfree(element);
	return true;
}

static int
member_count(JsonbValue *object)
{
	return (int) JsonContainerSize(object->val.binary.data);
}

static bool
is_object(JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data);
}

static bool
is_array(JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data);
}

static bool
is_text(JsonbValue *value, const char *text)
{
	return value->type == jbvString &&
		value->val.string.len == (int) strlen(text) &&
		memcmp(value->val.string.val, text, value->val.string.len) == 0;
}

/*
 * Does a member of a file say no more than its absence would?
 */
static bool
is_default(JsonbValue *value, const PgwfField * field)
{
	int64		duration;

	switch (value->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return !value->val.boolean;
		case jbvNumeric:
			return DatumGetBool(DirectFunctionCall2(numeric_eq,
													NumericGetDatum(value->val.numeric),
													NumericGetDatum(int64_to_numeric(0))));
		case jbvString:
			return value->val.string.len == 0 ||
				(field->kind == PGWF_FIELD_INT64 && is_text(value, "0")) ||
				(field->kind == PGWF_FIELD_DURATION &&
				 pgwf_parse_duration(value->val.string.val,
									 value->val.string.len, &duration) &&
				 duration == 0);
		default:
			/* an empty message may tell which of several it is */
			return false;
	}
}

static void
root_value(const Jsonb *jsonb, JsonbValue *value)
{
	JsonbContainer *root = unconstify(JsonbContainer *, &jsonb->root);

	if (JsonContainerIsScalar(root))
		(void) JsonbExtractScalar(root, value);
	else
	{
		value->type = jbvBinary;
		value->val.binary.data = root;
		value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
}

/*
 * Writing JSON without white space.
 */

static void
append_separator(StringInfo out)
{
	char		last = out->data[out->len - 1];

	if (last != '{' && last != '[')
		appendStringInfoChar(out, ',');
}

static void
append_key(StringInfo out, const char *key)
{
	append_separator(out);
	appendStringInfo(out, "\"%s\":", key);
}

static void
append_text(StringInfo out, const char *text, int len)
{
	char	   *copy = pnstrdup(text, len);

	escape_json(out, copy);
	pfree(copy);
}

static void
append_value(StringInfo out, JsonbValue *value)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	member;

	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(out, "null");
			return;
		case jbvBool:
			appendStringInfoString(out, value->val.boolean ? "true" : "false");
			return;
		case jbvNumeric:
			appendStringInfoString(out,
								   DatumGetCString(DirectFunctionCall1(numeric_out,
																	   NumericGetDatum(value->val.numeric))));
			return;
		case jbvString:
			append_text(out, value->val.string.val, value->val.string.len);
			return;
		default:
			break;
	}

	Assert(value->type == jbvBinary);
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &member, false)) != WJB_DONE)
	{
		switch (token)
		{
			case WJB_BEGIN_OBJECT:
			case WJB_BEGIN_ARRAY:
				if (out->len > 0 && strchr("{[:,", out->data[out->len - 1]) == NULL)
					appendStringInfoChar(out, ',');
				appendStringInfoChar(out, token == WJB_BEGIN_OBJECT ? '{' : '[');
				break;
			case WJB_END_OBJECT:
				appendStringInfoChar(out, '}');
				break;
			case WJB_END_ARRAY:
				appendStringInfoChar(out, ']');
				break;
			case WJB_KEY:
				append_separator(out);
				append_value(out, &member);
				appendStringInfoChar(out, ':');
				break;
			case WJB_ELEM:
				append_separator(out);
				append_value(out, &member);
				break;
			default:
				append_value(out, &member);
				break;
		}
	}
}

/*
 * A time of ours, with none, three or six digits of its second's fraction.
 */
static void
append_time(StringInfo out, const char *text, int len)
{
	char	   *copy = pnstrdup(text, len);
	int			end = len - 1;	/* of what is before the Z */

	if (len > 0 && copy[end] == 'Z' && strchr(copy, '.') != NULL)
	{
		while (end > 3 && strncmp(copy + end - 3, "000", 3) == 0)
			end -= 3;
		if (copy[end - 1] == '.')
			end--;
		strcpy(copy + end, "Z");
	}
	escape_json(out, copy);
	pfree(copy);
}

static void
append_base64(StringInfo out, const char *data, int len)
{
	int			size = pg_b64_enc_len(len);

	appendStringInfoChar(out, '"');
	enlargeStringInfo(out, size + 1);
	size = pg_b64_encode((const void *) data, len, out->data + out->len, size);
	if (size < 0)
		elog(ERROR, "could not encode a payload");
	out->len += size;
	out->data[out->len] = '\0';
	appendStringInfoChar(out, '"');
}
