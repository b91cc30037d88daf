/*-------------------------------------------------------------------------
 *
 * pgwf_json_text.c
 *		Writing JSON text, as jsonb would be shown: what workers are
 *		answered.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "pgwf_json.h"

static void
append_escape(StringInfo buf, unsigned char c)
{
	switch (c)
	{
		case '\b':
			pgwf_append_bytes(buf, "\\b", 2);
			break;
		case '\f':
			pgwf_append_bytes(buf, "\\f", 2);
			break;
		case '\n':
			pgwf_append_bytes(buf, "\\n", 2);
			break;
		case '\r':
			pgwf_append_bytes(buf, "\\r", 2);
			break;
		case '\t':
			pgwf_append_bytes(buf, "\\t", 2);
			break;
		case '"':
			pgwf_append_bytes(buf, "\\\"", 2);
			break;
		case '\\':
			pgwf_append_bytes(buf, "\\\\", 2);
			break;
		default:
			appendStringInfo(buf, "\\u%04x", c);
			break;
	}
}

/* Whether one of eight characters must be escaped */
static inline bool
is_special(uint64 chars)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	uint64		quotes = chars ^ (ones * '"');
	uint64		backslashes = chars ^ (ones * '\\');

	/* in each byte the highest bit: it is less than ' ', or 0 */
	return ((((chars - ones * ' ') & ~chars) |
			 ((quotes - ones) & ~quotes) |
			 ((backslashes - ones) & ~backslashes)) & (ones * 0x80)) != 0;
}

/* How many characters from one on need no escape */
static int
plain_length(const char *text, int len)
{
	int			i = 0;

	for (; i + (int) sizeof(uint64) <= len; i += sizeof(uint64))
	{
		uint64		chars;

		memcpy(&chars, text + i, sizeof(chars));
		if (is_special(chars))
			break;
	}
	while (i < len && (unsigned char) text[i] >= ' ' && text[i] != '"' &&
		   text[i] != '\\')
		i++;
	return i;
}

/*
 * What escape_json() does, which goes from character to character; this
 * copies what lies between those that must be escaped.
 */
void
pgwf_append_json_string(StringInfo buf, const char *text, int len)
{
	int			plain = plain_length(text, len);

	pgwf_append_bytes(buf, "\"", 1);
	while (plain < len)
	{
		pgwf_append_bytes(buf, text, plain);
		append_escape(buf, (unsigned char) text[plain]);
		text += plain + 1;
		len -= plain + 1;
		plain = plain_length(text, len);
	}
	pgwf_append_bytes(buf, text, len);
	pgwf_append_bytes(buf, "\"", 1);
}

static void
append_scalar(StringInfo buf, const JsonbValue *value)
{
	Datum		number;

	switch (value->type)
	{
		case jbvNull:
			pgwf_append_bytes(buf, "null", 4);
			break;
		case jbvBool:
			appendStringInfoString(buf, value->val.boolean ? "true" : "false");
			break;
		case jbvString:
			pgwf_append_json_string(buf, value->val.string.val,
									value->val.string.len);
			break;
		case jbvNumeric:
			number = DirectFunctionCall1(numeric_out,
										 NumericGetDatum(value->val.numeric));
			appendStringInfoString(buf, DatumGetCString(number));
			break;
		default:
			elog(ERROR, "unexpected type of JSON value: %d", value->type);
	}
}

void
pgwf_append_jsonb(StringInfo buf, const Jsonb *value)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	item;
	bool		comma = false;	/* before what comes next */

	enlargeStringInfo(buf, VARSIZE(value));
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &value->root));
	while ((token = JsonbIteratorNext(&it, &item, false)) != WJB_DONE)
	{
		bool		ends = token == WJB_END_OBJECT || token == WJB_END_ARRAY;

		/* a scalar is kept as an array, which is not shown */
		if (JB_ROOT_IS_SCALAR(value) && token != WJB_ELEM)
			continue;
		if (comma && !ends)
			pgwf_append_bytes(buf, ", ", 2);
		comma = true;
		switch (token)
		{
			case WJB_BEGIN_OBJECT:
				appendStringInfoCharMacro(buf, '{');
				comma = false;
				break;
			case WJB_BEGIN_ARRAY:
				appendStringInfoCharMacro(buf, '[');
				comma = false;
				break;
			case WJB_END_OBJECT:
				appendStringInfoCharMacro(buf, '}');
				break;
			case WJB_END_ARRAY:
				appendStringInfoCharMacro(buf, ']');
				break;
			case WJB_KEY:
				append_scalar(buf, &item);
				pgwf_append_bytes(buf, ": ", 2);
				comma = false;
				break;
			default:
				append_scalar(buf, &item);
				break;
		}
	}
}

/*
 * The members of an object whose opening brace is the last character of the
 * buffer or that has members already
 */

void
pgwf_append_json_member(StringInfo buf, const char *key)
{
	if (buf->len > 0 && buf->data[buf->len - 1] != '{')
		pgwf_append_bytes(buf, ", ", 2);
	pgwf_append_json_string(buf, key, (int) strlen(key));
	pgwf_append_bytes(buf, ": ", 2);
}

void
pgwf_append_json_text(StringInfo buf, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	pgwf_append_json_member(buf, key);
	pgwf_append_json_string(buf, value, (int) strlen(value));
}

/* Much cheaper than a format */
void
pgwf_append_integer(StringInfo buf, int64 value)
{
	char		digits[PGWF_INTEGER_LEN];

	pgwf_append_bytes(buf, digits, pg_lltoa(value, digits));
}

void
pgwf_append_json_int(StringInfo buf, const char *key, int64 value)
{
	if (value == 0)
		return;
	pgwf_append_json_member(buf, key);
	pgwf_append_integer(buf, value);
}

void
pgwf_append_json_double(StringInfo buf, const char *key, double value)
{
	Datum		number;

	if (value == 0)
		return;
	number = DirectFunctionCall1(float8_numeric, Float8GetDatum(value));
	pgwf_append_json_member(buf, key);
	appendStringInfoString(buf,
						   DatumGetCString(DirectFunctionCall1(numeric_out,
															   number)));
}

void
pgwf_append_json_duration(StringInfo buf, const char *key, int64 value)
{
	char		text[PGWF_DURATION_LEN];

	if (value == PGWF_NO_DURATION)
		return;
	pgwf_format_duration(text, value);
	pgwf_append_json_text(buf, key, text);
}

void
pgwf_append_json_time(StringInfo buf, const char *key, TimestampTz value)
{
	char		text[PGWF_TIME_LEN];

	if (TIMESTAMP_NOT_FINITE(value))
		return;
	pgwf_format_time(text, value);
	pgwf_append_json_text(buf, key, text);
}

void
pgwf_append_json_jsonb(StringInfo buf, const char *key, const Jsonb *value)
{
	if (value == NULL)
		return;
	pgwf_append_json_member(buf, key);
	pgwf_append_jsonb(buf, value);
}

void
pgwf_append_json_name(StringInfo buf, const char *key, const char *name)
{
	if (name == NULL || name[0] == '\0')
		return;
	pgwf_append_json_member(buf, key);
	appendStringInfoChar(buf, '{');
	pgwf_append_json_text(buf, "name", name);
	appendStringInfoChar(buf, '}');
}
