/*-------------------------------------------------------------------------
 *
 * pgwf_json.c
 *		Reading and building jsonb in the shapes of proto3 JSON.
 *
 * Durations are "1.5s" outside and microseconds inside, times RFC 3339 in
 * UTC outside and TimestampTz inside, payloads plain JSON: an array with one
 * element per argument.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "pgwf_json.h"

/* Members of an object, up to which they are sorted one by one */
#define MAX_SORTED_PAIRS	24

/*
 * Building
 */

static void
push_key(PgwfObject *object, const char *key)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, key);
	value.val.string.len = strlen(key);
	pushJsonbValue(&object->state, WJB_KEY, &value);
}

static void
push_string(PgwfObject *object, const char *text)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	pushJsonbValue(&object->state, WJB_VALUE, &value);
}

static void
push_numeric(PgwfObject *object, Numeric number)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = number;
	pushJsonbValue(&object->state, WJB_VALUE, &value);
}

/* Does a member come before another one in jsonb? */
static inline bool
key_is_before(const JsonbPair *a, const JsonbPair *b)
{
	int			len = a->key.val.string.len;

	return len != b->key.val.string.len ? len < b->key.val.string.len :
		memcmp(a->key.val.string.val, b->key.val.string.val, len) < 0;
}

/*
 * Ends the innermost object.  What jsonb would sort is cheaper to sort here
 * when it is little.
 */
static JsonbValue *
end_object(PgwfObject *object)
{
	JsonbValue *value = &object->state->contVal;
	JsonbPair  *pairs = value->val.object.pairs;
	int			count = value->val.object.nPairs;

	for (int i = 1; i < count && count <= MAX_SORTED_PAIRS; i++)
	{
		JsonbPair	pair = pairs[i];
		int			j = i;

		for (; j > 0 && key_is_before(&pair, &pairs[j - 1]); j--)
			pairs[j] = pairs[j - 1];
		if (j < i)
			pairs[j] = pair;
	}
	return pushJsonbValue(&object->state, WJB_END_OBJECT, NULL);
}

void
pgwf_object_begin(PgwfObject *object)
{
	object->state = NULL;
	object->result = pushJsonbValue(&object->state, WJB_BEGIN_OBJECT, NULL);
}

Jsonb *
pgwf_object_finish(PgwfObject *object)
{
	object->result = end_object(object);
	return JsonbValueToJsonb(object->result);
}

void
pgwf_object_text(PgwfObject *object, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	push_key(object, key);
	push_string(object, value);
}

void
pgwf_object_int(PgwfObject *object, const char *key, int64 value)
{
	if (value == 0)
		return;
	push_key(object, key);
	push_numeric(object, int64_to_numeric(value));
}

void
pgwf_object_double(PgwfObject *object, const char *key, double value)
{
	if (value == 0)
		return;
	push_key(object, key);
	push_numeric(object,
				 DatumGetNumeric(DirectFunctionCall1(float8_numeric,
													 Float8GetDatum(value))));
}

void
pgwf_object_bool(PgwfObject *object, const char *key, bool value)
{
	JsonbValue	jbv;

	if (!value)
		return;
	push_key(object, key);
	jbv.type = jbvBool;
	jbv.val.boolean = true;
	pushJsonbValue(&object->state, WJB_VALUE, &jbv);
}

void
pgwf_object_duration(PgwfObject *object, const char *key, int64 value)
{
	char		buf[PGWF_DURATION_LEN];

	if (value == PGWF_NO_DURATION)
		return;
	pgwf_format_duration(buf, value);
	push_key(object, key);
	push_string(object, pstrdup(buf));
}

void
pgwf_object_time(PgwfObject *object, const char *key, TimestampTz value)
{
	char		buf[PGWF_TIME_LEN];

	if (TIMESTAMP_NOT_FINITE(value))
		return;
	pgwf_format_time(buf, value);
	push_key(object, key);
	push_string(object, pstrdup(buf));
}

/* "value" must live until the object is finished; NULL is left out */
void
pgwf_object_jsonb(PgwfObject *object, const char *key, const Jsonb *value)
{
	JsonbValue	jbv;

	if (value == NULL)
		return;
	push_key(object, key);
	if (JB_ROOT_IS_SCALAR(value))
	{
		(void) JsonbExtractScalar(unconstify(JsonbContainer *, &value->root),
								  &jbv);
		pushJsonbValue(&object->state, WJB_VALUE, &jbv);
	}
	else
	{
		JsonbToJsonbValue(unconstify(Jsonb *, value), &jbv);
		pushJsonbValue(&object->state, WJB_VALUE, &jbv);
	}
}

/* A message with just a name, such as {"name": "send_bill"} */
void
pgwf_object_name(PgwfObject *object, const char *key, const char *name)
{
	if (name == NULL || name[0] == '\0')
		return;
	pgwf_object_open(object, key);
	pgwf_object_text(object, "name", name);
	pgwf_object_close(object);
}

/* Opens a nested object, which is kept even if it stays empty */
void
pgwf_object_open(PgwfObject *object, const char *key)
{
	push_key(object, key);
	pushJsonbValue(&object->state, WJB_BEGIN_OBJECT, NULL);
}

void
pgwf_object_close(PgwfObject *object)
{
	(void) end_object(object);
}

/* Opens an array, which is kept even if it stays empty */
void
pgwf_object_open_array(PgwfObject *object, const char *key)
{
	push_key(object, key);
	pushJsonbValue(&object->state, WJB_BEGIN_ARRAY, NULL);
}

/* Opens an object as the next element; pgwf_object_close() closes it */
void
pgwf_object_open_element(PgwfObject *object)
{
	pushJsonbValue(&object->state, WJB_BEGIN_OBJECT, NULL);
}

void
pgwf_object_text_element(PgwfObject *object, const char *value)
{
	JsonbValue	jbv;

	jbv.type = jbvString;
	jbv.val.string.val = unconstify(char *, value);
	jbv.val.string.len = strlen(value);
	pushJsonbValue(&object->state, WJB_ELEM, &jbv);
}

void
pgwf_object_time_element(PgwfObject *object, TimestampTz value)
{
	char		buf[PGWF_TIME_LEN];

	pgwf_format_time(buf, value);
	pgwf_object_text_element(object, pstrdup(buf));
}

void
pgwf_object_close_array(PgwfObject *object)
{
	pushJsonbValue(&object->state, WJB_END_ARRAY, NULL);
}

/*
 * Reading
 */

/* A NULL or JSON null reads as an empty object, any other type is an error */
void
pgwf_reader_init(PgwfReader *reader, const Jsonb *jsonb)
{
	reader->object = NULL;
	reader->error = NULL;
	if (jsonb == NULL)
		return;
	if (JB_ROOT_IS_OBJECT(jsonb))
		reader->object = unconstify(JsonbContainer *, &jsonb->root);
	else
		reader->error = pstrdup("attributes are not a JSON object");
}

static void
wrong_type(PgwfReader *reader, const char *key, const char *expected)
{
	if (reader->error == NULL)
		reader->error = psprintf("%s is not %s", key, expected);
}

/* Returns false for an absent or null member */
bool
pgwf_read_value(PgwfReader *reader, const char *key, JsonbValue *value)
{
	if (reader->object == NULL ||
		getKeyJsonValueFromContainer(reader->object, key, strlen(key),
									 value) == NULL)
		return false;
	return value->type != jbvNull;
}

/* NULL when absent */
char *
pgwf_read_text(PgwfReader *reader, const char *key)
{
	JsonbValue	value;

	if (!pgwf_read_value(reader, key, &value))
		return NULL;
	if (value.type != jbvString)
	{
		wrong_type(reader, key, "a string");
		return NULL;
	}
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* The name of {"name": "..."}; a plain string is taken as the name */
char *
pgwf_read_name(PgwfReader *reader, const char *key)
{
	JsonbValue	value;
	PgwfReader	inner;
	char	   *name;

	if (!pgwf_read_value(reader, key, &value))
		return NULL;
	if (value.type == jbvString)
		return pnstrdup(value.val.string.val, value.val.string.len);
	if (value.type != jbvBinary ||
		!JsonContainerIsObject(value.val.binary.data))
	{
		wrong_type(reader, key, "an object with a name");
		return NULL;
	}
	inner.object = value.val.binary.data;
	inner.error = NULL;
	name = pgwf_read_text(&inner, "name");
	if (inner.error != NULL && reader->error == NULL)
		reader->error = psprintf("%s of %s", inner.error, key);
	return name;
}

/* 0 when absent; a decimal string is taken as well, as proto3 JSON has it */
int64
pgwf_read_int(PgwfReader *reader, const char *key)
{
	JsonbValue	value;
	char	   *text;
	char	   *end;
	int64		result;

	if (!pgwf_read_value(reader, key, &value))
		return 0;
	if (value.type == jbvNumeric)
		text = DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(value.val.numeric)));
	else if (value.type == jbvString)
		text = pnstrdup(value.val.string.val, value.val.string.len);
	else
	{
		wrong_type(reader, key, "an integer");
		return 0;
	}
	errno = 0;
	result = strtoi64(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
	{
		wrong_type(reader, key, "an integer");
		return 0;
	}
	return result;
}

/* 0 when absent */
double
pgwf_read_double(PgwfReader *reader, const char *key)
{
	JsonbValue	value;
	double		result;

	if (!pgwf_read_value(reader, key, &value))
		return 0;
	if (value.type != jbvNumeric)
	{
		wrong_type(reader, key, "a number");
		return 0;
	}
	result = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value.val.numeric)));
	if (isinf(result))
	{
		wrong_type(reader, key, "a number of double precision");
		return 0;
	}
	return result;
}

bool
pgwf_read_bool(PgwfReader *reader, const char *key)
{
	JsonbValue	value;

	if (!pgwf_read_value(reader, key, &value))
		return false;
	if (value.type != jbvBool)
	{
		wrong_type(reader, key, "true or false");
		return false;
	}
	return value.val.boolean;
}

/* 0 when absent; may be negative, and is capped at 100 years */
int64
pgwf_read_duration(PgwfReader *reader, const char *key)
{
	JsonbValue	value;
	int64		result;

	if (!pgwf_read_value(reader, key, &value))
		return PGWF_NO_DURATION;
	if (value.type != jbvString ||
		!pgwf_parse_duration(value.val.string.val, value.val.string.len,
							 &result))
	{
		wrong_type(reader, key, "a duration such as \"1.5s\"");
		return PGWF_NO_DURATION;
	}
	return result;
}

/* PGWF_NO_TIME when absent */
TimestampTz
pgwf_read_time(PgwfReader *reader, const char *key)
{
	JsonbValue	value;
	TimestampTz result;

	if (!pgwf_read_value(reader, key, &value))
		return PGWF_NO_TIME;
	if (value.type != jbvString ||
		!pgwf_parse_rfc3339(value.val.string.val, value.val.string.len,
							&result))
	{
		wrong_type(reader, key, "a time such as \"2026-01-31T08:00:00Z\"");
		return PGWF_NO_TIME;
	}
	return result;
}

/* NULL when absent */
Jsonb *
pgwf_read_jsonb(PgwfReader *reader, const char *key)
{
	JsonbValue	value;

	if (!pgwf_read_value(reader, key, &value))
		return NULL;
	return JsonbValueToJsonb(&value);
}

Jsonb *
pgwf_read_object(PgwfReader *reader, const char *key)
{
	Jsonb	   *value = pgwf_read_jsonb(reader, key);

	if (value == NULL || JB_ROOT_IS_OBJECT(value))
		return value;
	wrong_type(reader, key, "a JSON object");
	return NULL;
}

Jsonb *
pgwf_read_array(PgwfReader *reader, const char *key)
{
	Jsonb	   *value = pgwf_read_jsonb(reader, key);

	if (value == NULL ||
		(JB_ROOT_IS_ARRAY(value) && !JB_ROOT_IS_SCALAR(value)))
		return value;
	wrong_type(reader, key, "a JSON array");
	return NULL;
}

Jsonb *
pgwf_read_payloads(PgwfReader *reader, const char *key)
{
	return pgwf_payloads(pgwf_read_jsonb(reader, key));
}

/* The objects of an array, a PgwfReader each; NIL when absent */
List *
pgwf_read_elements(PgwfReader *reader, const char *key)
{
	Jsonb	   *array = pgwf_read_array(reader, key);
	List	   *result = NIL;

	for (int i = 0; array != NULL && i < JB_ROOT_COUNT(array); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(&array->root, i);
		PgwfReader *element;

		if (value->type != jbvBinary ||
			!JsonContainerIsObject(value->val.binary.data))
		{
			wrong_type(reader, key, "an array of objects");
			return NIL;
		}
		element = palloc(sizeof(PgwfReader));
		element->object = value->val.binary.data;
		element->error = NULL;
		result = lappend(result, element);
	}
	return result;
}

/* The strings of an array; NIL when absent */
List *
pgwf_read_texts(PgwfReader *reader, const char *key)
{
	Jsonb	   *array = pgwf_read_array(reader, key);
	List	   *result = NIL;

	for (int i = 0; array != NULL && i < JB_ROOT_COUNT(array); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(&array->root, i);

		if (value->type != jbvString)
		{
			wrong_type(reader, key, "an array of strings");
			return NIL;
		}
		result = lappend(result, pnstrdup(value->val.string.val,
										  value->val.string.len));
	}
	return result;
}

/* It is an error if the object has members that are not among "keys" */
void
pgwf_read_only(PgwfReader *reader, const char *what, const char *const *keys)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (reader->object == NULL)
		return;
	it = JsonbIteratorInit(reader->object);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		bool		known = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; keys[i] && !known; i++)
			known = (strlen(keys[i]) == value.val.string.len &&
					 memcmp(keys[i], value.val.string.val,
							value.val.string.len) == 0);
		if (!known && reader->error == NULL)
			reader->error = psprintf("%s has no member \"%.*s\"", what,
									 value.val.string.len,
									 value.val.string.val);
	}
}

/*
 * Payloads in the form we store: an array with one element per argument.  A
 * value that is not an array is one argument; NULL stays NULL.
 */
Jsonb *
pgwf_payloads(const Jsonb *value)
{
	JsonbParseState *state = NULL;
	JsonbValue	jbv;
	JsonbValue *result;

	if (value == NULL ||
		(JB_ROOT_IS_ARRAY(value) && !JB_ROOT_IS_SCALAR(value)))
		return unconstify(Jsonb *, value);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	if (JB_ROOT_IS_SCALAR(value))
		(void) JsonbExtractScalar(unconstify(JsonbContainer *, &value->root),
								  &jbv);
	else
		JsonbToJsonbValue(unconstify(Jsonb *, value), &jbv);
	pushJsonbValue(&state, WJB_ELEM, &jbv);
	result = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(result);
}

Jsonb *
pgwf_value_to_jsonb(JsonbValue *value)
{
	return JsonbValueToJsonb(value);
}

bool
pgwf_jsonb_is_object(const Jsonb *value)
{
	return value != NULL && JB_ROOT_IS_OBJECT(value);
}

/* The object with one integer member added or replaced */
Jsonb *
pgwf_jsonb_set_int(const Jsonb *object, const char *key, int64 value)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	jbv;
	PgwfObject	copy;

	pgwf_object_begin(&copy);
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &object->root));
	while ((token = JsonbIteratorNext(&it, &jbv, true)) != WJB_DONE)
	{
		if (token == WJB_KEY || token == WJB_VALUE)
			pushJsonbValue(&copy.state, token, &jbv);
	}
	/* of two equal keys the last one counts */
	push_key(&copy, key);
	push_numeric(&copy, int64_to_numeric(value));
	return pgwf_object_finish(&copy);
}

/* 0 when absent or not an integer */
int64
pgwf_jsonb_get_int(const Jsonb *object, const char *key)
{
	PgwfReader	reader;

	pgwf_reader_init(&reader, object);
	return pgwf_read_int(&reader, key);
}

/*
 * Durations and times
 */

/*
 * Parses seconds with an "s" suffix and up to nine decimals into
 * microseconds, rounding down, capped at 100 years.
 */
bool
pgwf_parse_duration(const char *text, int len, int64 *result)
{
	int			i = 0;
	bool		negative = false;
	int64		seconds = 0;
	int64		micros = 0;
	int			digits = 0;
	int			decimals = 0;

	if (i < len && text[i] == '-')
	{
		negative = true;
		i++;
	}
	for (; i < len && isdigit((unsigned char) text[i]); i++, digits++)
	{
		if (seconds <= PGWF_MAX_DURATION / USECS_PER_SEC)
			seconds = seconds * 10 + (text[i] - '0');
	}
	if (i < len && text[i] == '.')
	{
		for (i++; i < len && isdigit((unsigned char) text[i]); i++)
		{
			if (decimals++ < 6)
				micros = micros * 10 + (text[i] - '0');
		}
		if (decimals == 0 || decimals > 9)
			return false;
		for (; decimals < 6; decimals++)
			micros *= 10;
	}
	if (digits == 0 || i != len - 1 || text[i] != 's')
		return false;

	if (seconds >= PGWF_MAX_DURATION / USECS_PER_SEC)
		*result = PGWF_MAX_DURATION;
	else
		*result = seconds * USECS_PER_SEC + micros;
	if (negative)
		*result = -*result;
	return true;
}

/* "10s", "0.500s", "0.000001s": whole, milli- or microseconds */
void
pgwf_format_duration(char *buf, int64 duration)
{
	uint64		abs = duration < 0 ? -(uint64) duration : (uint64) duration;
	uint32		micros = (uint32) (abs % USECS_PER_SEC);

	if (duration < 0)
		*buf++ = '-';
	buf += pg_ulltoa_n(abs / USECS_PER_SEC, buf);
	if (micros != 0)
	{
		*buf++ = '.';
		buf = micros % 1000 == 0 ?
			pg_ultostr_zeropad(buf, micros / 1000, 3) :
			pg_ultostr_zeropad(buf, micros, 6);
	}
	*buf++ = 's';
	*buf = '\0';
}

/* Reads so many digits; returns false if they are not there */
static bool
read_digits(const char **c, const char *end, int count, int *result)
{
	*result = 0;
	for (int i = 0; i < count; i++, (*c)++)
	{
		if (*c >= end || **c < '0' || **c > '9')
			return false;
		*result = *result * 10 + (**c - '0');
	}
	return true;
}

static bool
read_char(const char **c, const char *end, char expected)
{
	if (*c >= end || pg_ascii_toupper((unsigned char) **c) != (unsigned char) expected)
		return false;
	(*c)++;
	return true;
}

/*
 * A time of RFC 3339, such as 2026-01-31T08:00:00.5+01:00.  What is finer
 * than a microsecond is cut off.  Returns false for anything else.
 */
bool
pgwf_parse_rfc3339(const char *text, int len, TimestampTz *result)
{
	const char *c = text;
	const char *end = text + len;
	struct pg_tm tm = {0};
	fsec_t		fraction = 0;
	int			offset = 0;

	if (!read_digits(&c, end, 4, &tm.tm_year) || !read_char(&c, end, '-') ||
		!read_digits(&c, end, 2, &tm.tm_mon) || !read_char(&c, end, '-') ||
		!read_digits(&c, end, 2, &tm.tm_mday) || !read_char(&c, end, 'T') ||
		!read_digits(&c, end, 2, &tm.tm_hour) || !read_char(&c, end, ':') ||
		!read_digits(&c, end, 2, &tm.tm_min) || !read_char(&c, end, ':') ||
		!read_digits(&c, end, 2, &tm.tm_sec))
		return false;
	if (read_char(&c, end, '.'))
	{
		int			unit = USECS_PER_SEC;

		if (c >= end || *c < '0' || *c > '9')
			return false;
		for (; c < end && *c >= '0' && *c <= '9'; c++)
		{
			unit /= 10;
			fraction += (*c - '0') * unit;
		}
	}
	if (!read_char(&c, end, 'Z'))
	{
		int			sign;
		int			hours;
		int			minutes;

		if (read_char(&c, end, '+'))
			sign = -1;			/* as PostgreSQL counts: west is positive */
		else if (read_char(&c, end, '-'))
			sign = 1;
		else
			return false;
		if (!read_digits(&c, end, 2, &hours) || !read_char(&c, end, ':') ||
			!read_digits(&c, end, 2, &minutes) || hours > 23 || minutes > 59)
			return false;
		offset = sign * (hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE);
	}
	if (c != end || tm.tm_year < 1 || tm.tm_mon < 1 || tm.tm_mon > 12 ||
		tm.tm_mday < 1 ||
		tm.tm_mday > day_tab[isleap(tm.tm_year)][tm.tm_mon - 1] ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	return tm2timestamp(&tm, fraction, &offset, result) == 0;
}

/* A second as RFC 3339 has it, but for what follows the dot; its length */
static int
format_second(char *buf, TimestampTz time)
{
	char	   *begin = buf;
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	if (tm.tm_year < 0)
		*buf++ = '-';
	buf = pg_ultostr_zeropad(buf, (uint32) abs(tm.tm_year),
							 tm.tm_year < 0 ? 3 : 4);
	*buf++ = '-';
	buf = pg_ultostr_zeropad(buf, (uint32) tm.tm_mon, 2);
	*buf++ = '-';
	buf = pg_ultostr_zeropad(buf, (uint32) tm.tm_mday, 2);
	*buf++ = 'T';
	buf = pg_ultostr_zeropad(buf, (uint32) tm.tm_hour, 2);
	*buf++ = ':';
	buf = pg_ultostr_zeropad(buf, (uint32) tm.tm_min, 2);
	*buf++ = ':';
	buf = pg_ultostr_zeropad(buf, (uint32) tm.tm_sec, 2);
	*buf++ = '.';
	return (int) (buf - begin);
}

/*
 * RFC 3339 in UTC with microseconds; "buf" has PGWF_TIME_LEN bytes.  The
 * times of a history are close together, so the last second is kept.
 */
void
pgwf_format_time(char *buf, TimestampTz time)
{
	static char known[PGWF_TIME_LEN];
	static int	known_len = 0;
	static TimestampTz known_time;
	int32		micros = (int32) (time % USECS_PER_SEC);

	if (TIMESTAMP_NOT_FINITE(time))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	if (micros < 0)
		micros += USECS_PER_SEC;
	time -= micros;
	if (known_len == 0 || known_time != time)
	{
		known_len = 0;
		known_len = format_second(known, time);
		known_time = time;
	}
	memcpy(buf, known, known_len);
	buf = pg_ultostr_zeropad(buf + known_len, (uint32) micros, 6);
	*buf++ = 'Z';
	*buf = '\0';
}
