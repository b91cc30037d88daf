/*-------------------------------------------------------------------------
 *
 * pgwf_convert.c
 *		Messages between our tables and the files of Temporal's format.
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

#include "common/base64.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "pgwf_compact.h"
#include "pgwf_convert.h"
#include "pgwf_json.h"

/* base64 of the encodings we know, as they stand in a file */
#define ENCODING_JSON	"anNvbi9wbGFpbg=="	/* json/plain */
#define ENCODING_NULL	"YmluYXJ5L251bGw="	/* binary/null */

static void convert_field(StringInfo out, JsonbValue *value,
						  const PgwfField *field, PgwfDirection direction);
static void convert_map(StringInfo out, JsonbValue *value,
						const PgwfField *field, PgwfDirection direction);
static void convert_list(StringInfo out, JsonbValue *value,
						 const PgwfField *field, PgwfDirection direction);
static void convert_payloads(StringInfo out, JsonbValue *value,
							 PgwfDirection direction);
static void convert_payload(StringInfo out, JsonbValue *value, bool typed,
							PgwfDirection direction);
static void convert_time(StringInfo out, JsonbValue *value,
						 PgwfDirection direction);
static void append_payload(StringInfo out, JsonbValue *value, bool typed);
static bool append_plain_value(StringInfo out, JsonbValue *payload,
							   bool typed);
static const char *search_type(JsonbValue *value);
static bool is_default(JsonbValue *value, const PgwfField *field);

/*
 * Write the members that a message lists in its order, then those it does
 * not list.  In our tables a member with the default value of its type is
 * absent; files may have it or not.
 */
void
pgwf_convert_message(StringInfo out, JsonbValue *value,
					 const PgwfField *fields, PgwfDirection direction)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	member;
	bool		skip = false;

	check_stack_depth();
	if (!pgwf_value_is_object(value))
	{
		pgwf_put_value(out, value);
		return;
	}

	appendStringInfoChar(out, '{');
	for (const PgwfField *field = fields; field->name != NULL; field++)
	{
		if (!pgwf_get_member(value, field->name, &member) ||
			(direction == PGWF_FROM_FILE && is_default(&member, field)))
			continue;
		pgwf_put_key(out, field->name);
		convert_field(out, &member, field, direction);
	}

	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &member, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			const PgwfField *field = fields;

			while (field->name != NULL &&
				   !pgwf_value_is_text(&member, field->name))
				field++;
			skip = field->name != NULL;
			if (!skip)
			{
				pgwf_put_separator(out);
				pgwf_put_value(out, &member);
				appendStringInfoChar(out, ':');
			}
		}
		else if (token == WJB_VALUE && !skip)
			pgwf_put_value(out, &member);
	}
	appendStringInfoChar(out, '}');
}

static void
convert_field(StringInfo out, JsonbValue *value, const PgwfField *field,
			  PgwfDirection direction)
{
	int64		duration;
	char		formatted[PGWF_DURATION_LEN];

	switch (field->kind)
	{
		case PGWF_FIELD_PLAIN:
			pgwf_put_value(out, value);
			break;
		case PGWF_FIELD_INT64:
			pgwf_convert_int64(out, value, direction);
			break;
		case PGWF_FIELD_DURATION:
			if (value->type == jbvString &&
				pgwf_parse_duration(value->val.string.val,
									value->val.string.len, &duration))
			{
				pgwf_format_duration(formatted, duration);
				pgwf_put_text(out, formatted, (int) strlen(formatted));
			}
			else
				pgwf_put_value(out, value);
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
			pgwf_convert_message(out, value, field->message, direction);
			break;
		case PGWF_FIELD_MESSAGES:
			convert_list(out, value, field, direction);
			break;
	}
}

static void
convert_map(StringInfo out, JsonbValue *value, const PgwfField *field,
			PgwfDirection direction)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	member;

	if (!pgwf_value_is_object(value))
	{
		pgwf_put_value(out, value);
		return;
	}
	appendStringInfoChar(out, '{');
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &member, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			pgwf_put_separator(out);
			pgwf_put_value(out, &member);
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
convert_list(StringInfo out, JsonbValue *value, const PgwfField *field,
			 PgwfDirection direction)
{
	JsonbValue	element;

	if (!pgwf_value_is_array(value))
	{
		pgwf_put_value(out, value);
		return;
	}
	appendStringInfoChar(out, '[');
	for (uint32 i = 0; pgwf_get_element(value, i, &element); i++)
	{
		pgwf_put_separator(out);
		pgwf_convert_message(out, &element, field->message, direction);
	}
	appendStringInfoChar(out, ']');
}

/*
 * Payloads are a list in our tables, and an object around a list in files;
 * an empty one is an empty object there.
 */
static void
convert_payloads(StringInfo out, JsonbValue *value, PgwfDirection direction)
{
	JsonbValue	list = *value;
	JsonbValue	element;
	bool		empty;

	if (direction == PGWF_FROM_FILE)
	{
		if (!pgwf_value_is_object(value))
		{
			pgwf_put_value(out, value);
			return;
		}
		appendStringInfoChar(out, '[');
		empty = !pgwf_get_member(value, "payloads", &list) ||
			!pgwf_value_is_array(&list);
		for (uint32 i = 0; !empty && pgwf_get_element(&list, i, &element); i++)
		{
			pgwf_put_separator(out);
			convert_payload(out, &element, false, direction);
		}
		appendStringInfoChar(out, ']');
		return;
	}

	if (!pgwf_value_is_array(&list))
	{
		/* one argument, not yet in a list */
		appendStringInfoString(out, "{\"payloads\":[");
		append_payload(out, value, false);
		appendStringInfoString(out, "]}");
		return;
	}
	empty = true;
	appendStringInfoChar(out, '{');
	for (uint32 i = 0; pgwf_get_element(&list, i, &element); i++)
	{
		if (empty)
			appendStringInfoString(out, "\"payloads\":[");
		empty = false;
		pgwf_put_separator(out);
		append_payload(out, &element, false);
	}
	appendStringInfoString(out, empty ? "}" : "]}");
}

static void
convert_payload(StringInfo out, JsonbValue *value, bool typed,
				PgwfDirection direction)
{
	if (direction == PGWF_TO_FILE)
		append_payload(out, value, typed);
	else if (!append_plain_value(out, value, typed))
	{
		appendStringInfoString(out, "{\"@payload\":");
		pgwf_put_value(out, value);
		appendStringInfoChar(out, '}');
	}
}

void
pgwf_convert_int64(StringInfo out, JsonbValue *value, PgwfDirection direction)
{
	if (direction == PGWF_TO_FILE && value->type == jbvNumeric)
	{
		appendStringInfoChar(out, '"');
		pgwf_put_value(out, value);
		appendStringInfoChar(out, '"');
	}
	else if (direction == PGWF_FROM_FILE && value->type == jbvString)
	{
		char	   *text = pnstrdup(value->val.string.val,
									value->val.string.len);

		/* reading it raises the error if it is no integer */
		appendStringInfo(out, INT64_FORMAT,
						 DatumGetInt64(DirectFunctionCall1(int8in,
														   CStringGetDatum(text))));
	}
	else
		pgwf_put_value(out, value);
}

/*
 * Times have six digits after the second in our tables.
 */
static void
convert_time(StringInfo out, JsonbValue *value, PgwfDirection direction)
{
	char		time[PGWF_TIME_LEN];

	if (value->type != jbvString)
		pgwf_put_value(out, value);
	else if (direction == PGWF_TO_FILE)
		pgwf_put_time(out, value->val.string.val, value->val.string.len);
	else
	{
		pgwf_format_time(time, pgwf_parse_time(value));
		pgwf_put_text(out, time, (int) strlen(time));
	}
}

TimestampTz
pgwf_parse_time(JsonbValue *value)
{
	char	   *text = pnstrdup(value->val.string.val,
								value->val.string.len);

	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
												   CStringGetDatum(text),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

/*
 * Is a value {"@payload": {"metadata": {..}, "data": ".."}}, and no object of
 * a user's that happens to have such a key?
 */
static bool
is_marked_payload(JsonbValue *value, JsonbValue *payload)
{
	JsonbValue	member;
	int			known = 0;

	if (!pgwf_value_is_object(value) || pgwf_member_count(value) != 1 ||
		!pgwf_get_member(value, "@payload", payload) ||
		!pgwf_value_is_object(payload))
		return false;
	if (pgwf_get_member(payload, "metadata", &member))
	{
		if (!pgwf_value_is_object(&member))
			return false;
		known++;
	}
	if (pgwf_get_member(payload, "data", &member))
	{
		if (member.type != jbvString)
			return false;
		known++;
	}
	return pgwf_member_count(payload) == known;
}

/* Is a value {"@payload": ..} of the encoding that null has? */
bool
pgwf_is_null_payload(JsonbValue *value)
{
	JsonbValue	payload;
	JsonbValue	metadata;
	JsonbValue	encoding;

	return is_marked_payload(value, &payload) &&
		pgwf_get_member(&payload, "metadata", &metadata) &&
		pgwf_get_member(&metadata, "encoding", &encoding) &&
		pgwf_value_is_text(&encoding, ENCODING_NULL);
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
	if (is_marked_payload(value, &payload))
	{
		pgwf_convert_message(out, &payload, fields, PGWF_TO_FILE);
		return;
	}

	appendStringInfoString(out, "{\"metadata\":{\"encoding\":\""
						   ENCODING_JSON "\"");
	if (typed)
	{
		const char *type = search_type(value);

		pgwf_put_key(out, "type");
		pgwf_put_base64(out, type, (int) strlen(type));
	}
	appendStringInfoString(out, "},\"data\":");

	initStringInfo(&text);
	pgwf_put_value(&text, value);
	utf8 = pg_server_to_any(text.data, text.len, PG_UTF8);
	pgwf_put_base64(out, utf8,
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

	if (!pgwf_value_is_object(payload) ||
		!pgwf_get_member(payload, "metadata", &metadata) ||
		!pgwf_value_is_object(&metadata) ||
		!pgwf_get_member(&metadata, "encoding", &member))
		return false;
	has_type = typed && pgwf_get_member(&metadata, "type", &type);
	if (pgwf_member_count(&metadata) != (has_type ? 2 : 1))
		return false;

	if (pgwf_value_is_text(&member, ENCODING_NULL) && !has_type)
	{
		if (pgwf_member_count(payload) > 1)
			return false;
		appendStringInfoString(out, "null");
		return true;
	}
	if (!pgwf_value_is_text(&member, ENCODING_JSON) ||
		pgwf_member_count(payload) != 2 ||
		!pgwf_get_member(payload, "data", &member) || member.type != jbvString)
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
	pgwf_root_value(jsonb, &value);

	/* null in json/plain would come back as binary/null */
	if (value.type == jbvNull)
		return false;
	/* what looks like a payload of ours is not one */
	if (is_marked_payload(&value, &member))
		return false;
	if (has_type)
	{
		StringInfoData expected;

		initStringInfo(&expected);
		pgwf_put_base64(&expected, search_type(&value),
						(int) strlen(search_type(&value)));
		if (type.type != jbvString ||
			expected.len - 2 != type.val.string.len ||
			memcmp(expected.data + 1, type.val.string.val,
				   type.val.string.len) != 0)
			return false;
	}
	pgwf_put_value(out, &value);
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
		pgwf_put_value(&text, value);
		return strchr(text.data, '.') == NULL ? "Int" : "Double";
	}
	return pgwf_value_is_array(value) ? "KeywordList" : "Keyword";
}

/*
 * Does a member of a file say no more than its absence would?
 */
static bool
is_default(JsonbValue *value, const PgwfField *field)
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
				(field->kind == PGWF_FIELD_INT64 && pgwf_value_is_text(value, "0")) ||
				(field->kind == PGWF_FIELD_DURATION &&
				 pgwf_parse_duration(value->val.string.val,
									 value->val.string.len, &duration) &&
				 duration == 0);
		default:
			/* an empty message may tell which of several it is */
			return false;
	}
}
