/*-------------------------------------------------------------------------
 *
 * pgwf_pack.c
 *		Events as they are stored: several in a row, in few bytes.
 *
 * The events that a transaction appends to a history are one row, of one
 * value.  It begins with a byte for its format.  An event is
 *
 *		length	of what follows
 *		type	a byte
 *		time	microseconds since the event before, or since 2000-01-01
 *		attributes
 *		user metadata, if anything is left
 *
 * Lengths and numbers have 7 bits a byte, the lowest first; differences of
 * times have the sign in the lowest bit.  A JSON value begins with a byte of
 * its kind (3 bits) and a count (5 bits; 31: a number follows, to be added):
 *
 *		simple	null, false, true, or a text that stands earlier in the row:
 *				its offset follows
 *		text	of so many bytes, which follow
 *		word	one of pgwf_words.c
 *		integer	the number itself
 *		minus	the number, negated, minus one
 *		number	any other, as so many bytes of text
 *		object	of so many members: a text or word, and a value
 *		array	of so many values
 *
 * So a member of an event takes a byte or two besides its value, where jsonb
 * has its name and 8 bytes.  What is stored is trusted to be well formed no
 * further than that nothing outside the row is read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "pgwf_catalog.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_pack.h"
#include "pgwf_words.h"

#define FORMAT			1

#define KIND_SIMPLE		0
#define KIND_TEXT		1
#define KIND_WORD		2
#define KIND_INTEGER	3
#define KIND_MINUS		4
#define KIND_NUMBER		5
#define KIND_OBJECT		6
#define KIND_ARRAY		7

#define SIMPLE_NULL		0
#define SIMPLE_FALSE	1
#define SIMPLE_TRUE		2
#define SIMPLE_EARLIER	3

/* Larger counts follow the byte */
#define COUNT_FOLLOWS	31

/* Shorter texts are not worth referring to */
#define MIN_EARLIER_TEXT	6

/* Lengths below take two bytes, others five */
#define SHORT_LENGTH_LIMIT	(1 << 14)

/* An event whose readable form, with all its escapes, can still be sent */
#define MAX_LENGTH			(64 * 1024 * 1024)

/* The most digits that fit any int64 */
#define MAX_INTEGER_DIGITS	18

/*
 * Packing
 */

static void
put_number(StringInfo buf, uint64 number)
{
	while (number >= 0x80)
	{
		appendStringInfoCharMacro(buf, (char) (number | 0x80));
		number >>= 7;
	}
	appendStringInfoCharMacro(buf, (char) number);
}

static void
put_kind(StringInfo buf, int kind, uint64 count)
{
	appendStringInfoCharMacro(buf, (char) (kind << 5 |
										   Min(count, COUNT_FOLLOWS)));
	if (count >= COUNT_FOLLOWS)
		put_number(buf, count - COUNT_FOLLOWS);
}

/* Where a text stands already in the row, or -1; a new one is noted */
static int
find_text(PgwfPacker *packer, const char *text, int len)
{
	if (len < MIN_EARLIER_TEXT)
		return -1;
	for (int i = 0; i < packer->ntexts; i++)
	{
		if (packer->lengths[i] == len &&
			memcmp(packer->buf.data + packer->texts[i] + 1 +
				   (len >= COUNT_FOLLOWS ? 1 : 0), text, len) == 0)
			return packer->texts[i];
	}

	/* those whose length takes more than a byte or two are no names */
	if (packer->ntexts < PGWF_MAX_PACKED_TEXTS && len < COUNT_FOLLOWS + 0x80)
	{
		packer->texts[packer->ntexts] = packer->buf.len;
		packer->lengths[packer->ntexts++] = len;
	}
	return -1;
}

static void
put_text(PgwfPacker *packer, const char *text, int len)
{
	StringInfo	buf = &packer->buf;
	int			word = pgwf_word_find(text, len);
	int			earlier;

	if (word >= 0)
	{
		put_kind(buf, KIND_WORD, word);
		return;
	}
	earlier = find_text(packer, text, len);
	if (earlier >= 0)
	{
		put_kind(buf, KIND_SIMPLE, SIMPLE_EARLIER);
		put_number(buf, earlier - VARHDRSZ);
		return;
	}
	put_kind(buf, KIND_TEXT, len);
	pgwf_append_bytes(buf, text, len);
}

/* An integer is one only if its text is the usual one: 1, but not 1.0 */
static void
put_numeric(StringInfo buf, Numeric value)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out,
														   NumericGetDatum(value)));
	char	   *digits = text[0] == '-' ? text + 1 : text;
	int			len = (int) strlen(digits);

	if (len <= MAX_INTEGER_DIGITS && strspn(digits, "0123456789") == len)
	{
		uint64		number = strtou64(digits, NULL, 10);

		if (digits == text)
			put_kind(buf, KIND_INTEGER, number);
		else
			put_kind(buf, KIND_MINUS, number - 1);
	}
	else
	{
		len = (int) strlen(text);
		put_kind(buf, KIND_NUMBER, len);
		appendBinaryStringInfo(buf, text, len);
	}
	pfree(text);
}

static void
put_scalar(PgwfPacker *packer, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			put_kind(&packer->buf, KIND_SIMPLE, SIMPLE_NULL);
			break;
		case jbvBool:
			put_kind(&packer->buf, KIND_SIMPLE,
					 value->val.boolean ? SIMPLE_TRUE : SIMPLE_FALSE);
			break;
		case jbvString:
			put_text(packer, value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			put_numeric(&packer->buf, value->val.numeric);
			break;
		default:
			elog(ERROR, "unexpected type of JSON value: %d", value->type);
	}
}

/* An object, as attributes and user metadata are */
static void
put_object(PgwfPacker *packer, const Jsonb *object)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	it = JsonbIteratorInit(unconstify(JsonbContainer *, &object->root));
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		switch (token)
		{
			case WJB_BEGIN_OBJECT:
				put_kind(&packer->buf, KIND_OBJECT, value.val.object.nPairs);
				break;
			case WJB_BEGIN_ARRAY:
				put_kind(&packer->buf, KIND_ARRAY, value.val.array.nElems);
				break;
			case WJB_KEY:
			case WJB_VALUE:
			case WJB_ELEM:
				put_scalar(packer, &value);
				break;
			default:
				break;
		}
	}
}

/* Writes a number over bytes that were left for it, with leading zeros */
static void
fill_number(char *bytes, int size, uint64 number)
{
	for (int i = 0; i < size; i++)
	{
		bytes[i] = (char) ((number & 0x7f) | (i < size - 1 ? 0x80 : 0));
		number >>= 7;
	}
	Assert(number == 0);
}

void
pgwf_pack_begin(PgwfPacker *packer)
{
	initStringInfo(&packer->buf);
	appendStringInfoSpaces(&packer->buf, VARHDRSZ);
	appendStringInfoChar(&packer->buf, FORMAT);
	packer->last_time = 0;
	packer->ntexts = 0;
}

/* Packs what follows the length of an event, which takes "size" bytes */
static int64
put_event(PgwfPacker *packer, const PgwfEvent *event, int size)
{
	StringInfo	buf = &packer->buf;
	int64		elapsed = event->time - packer->last_time;
	int			begin = buf->len;

	appendStringInfoSpaces(buf, size);
	appendStringInfoChar(buf, (char) event->type);
	put_number(buf, ((uint64) elapsed << 1) ^
			   (elapsed < 0 ? ~UINT64CONST(0) : 0));
	put_object(packer, event->attributes);
	if (event->user_metadata)
		put_object(packer, event->user_metadata);
	return buf->len - begin - size;
}

/*
 * Adds an event; its id must be that of the event before plus one.  Numbers
 * such as 1e20000 take many more bytes than in jsonb: an event that turns out
 * larger than was to be expected is packed again, or refused.
 */
void
pgwf_pack_event(PgwfPacker *packer, const PgwfEvent *event)
{
	StringInfo	buf = &packer->buf;
	int			begin = buf->len;
	int			ntexts = packer->ntexts;
	int64		expected;
	int64		length;
	int			size;

	expected = 32 + 2 * (int64) VARSIZE(event->attributes);
	if (event->user_metadata)
		expected += 2 * (int64) VARSIZE(event->user_metadata);
	size = expected < SHORT_LENGTH_LIMIT ? 2 : 5;
	length = put_event(packer, event, size);
	if (size == 2 && length >= SHORT_LENGTH_LIMIT)
	{
		buf->len = begin;
		packer->ntexts = ntexts;
		size = 5;
		length = put_event(packer, event, size);
	}
	if (length > MAX_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("event exceeds size limit"),
				 errdetail("With its numbers written out it has " INT64_FORMAT " bytes, the limit is %d.",
						   length, MAX_LENGTH)));
	packer->last_time = event->time;
	fill_number(buf->data + begin, size, length);
}

/* Bytes so far */
int
pgwf_pack_size(const PgwfPacker *packer)
{
	return packer->buf.len;
}

bytea *
pgwf_pack_finish(PgwfPacker *packer)
{
	SET_VARSIZE(packer->buf.data, packer->buf.len);
	return (bytea *) packer->buf.data;
}

/*
 * Reading
 */

pg_noreturn static void
report_corrupted(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("packed events are corrupted")));
}

static int
get_byte(const PgwfPacked *packed, int *offset)
{
	if (*offset >= packed->len)
		report_corrupted();
	return (unsigned char) packed->data[(*offset)++];
}

static uint64
get_number(const PgwfPacked *packed, int *offset)
{
	uint64		number = 0;
	int			shift = 0;
	int			byte;

	do
	{
		byte = get_byte(packed, offset);
		number |= (uint64) (byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) != 0 && shift < 64);
	return number;
}

static int
get_kind(const PgwfPacked *packed, int *offset, uint64 *count)
{
	int			byte = get_byte(packed, offset);

	*count = byte & 0x1f;
	if (*count == COUNT_FOLLOWS)
		*count += get_number(packed, offset);
	return byte >> 5;
}

static const char *
get_bytes(const PgwfPacked *packed, int *offset, uint64 len)
{
	const char *bytes = packed->data + *offset;

	if (len > (uint64) (packed->len - *offset))
		report_corrupted();
	*offset += (int) len;
	return bytes;
}

/* Bytes of a text, which other functions take for text of the database */
static const char *
get_chars(const PgwfPacked *packed, int *offset, uint64 count)
{
	const char *text = get_bytes(packed, offset, count);

	if (packed->untrusted && !pg_verifymbstr(text, (int) count, true))
		report_corrupted();
	return text;
}

/* The text that a kind and a count have announced; false if they have not */
static bool
get_text(const PgwfPacked *packed, int *offset, int kind, uint64 count,
		 const char **text, int *len)
{
	if (kind == KIND_SIMPLE && count == SIMPLE_EARLIER)
	{
		uint64		where = get_number(packed, offset);
		int			earlier;

		if (where >= (uint64) packed->len)
			report_corrupted();
		earlier = (int) where;
		kind = get_kind(packed, &earlier, &count);
		if (kind != KIND_TEXT)
			report_corrupted();
		offset = &earlier;
		*text = get_chars(packed, offset, count);
		*len = (int) count;
		return true;
	}
	if (kind == KIND_TEXT)
	{
		*text = get_chars(packed, offset, count);
		*len = (int) count;
		return true;
	}
	if (kind == KIND_WORD)
	{
		*text = pgwf_word(count, len);
		if (*text == NULL)
			report_corrupted();
		return true;
	}
	return false;
}

static void
get_key(const PgwfPacked *packed, int *offset, const char **text, int *len)
{
	uint64		count;
	int			kind = get_kind(packed, offset, &count);

	if (!get_text(packed, offset, kind, count, text, len))
		report_corrupted();
}

static Numeric
make_number(int kind, uint64 count, const PgwfPacked *packed, int *offset)
{
	char	   *text;
	Numeric		number;

	if (kind == KIND_INTEGER)
		return int64_to_numeric((int64) count);
	if (kind == KIND_MINUS)
		return int64_to_numeric(-1 - (int64) count);
	text = pnstrdup(get_chars(packed, offset, count), count);
	number = DatumGetNumeric(DirectFunctionCall3(numeric_in,
												 CStringGetDatum(text),
												 ObjectIdGetDatum(InvalidOid),
												 Int32GetDatum(-1)));
	if (numeric_is_nan(number) || numeric_is_inf(number))
		report_corrupted();
	return number;
}

/* Adds the next value to a jsonb; "token" tells what it is there */
static JsonbValue *
push_value(const PgwfPacked *packed, int *offset, JsonbParseState **state,
		   JsonbIteratorToken token)
{
	JsonbValue	value;
	uint64		count;
	const char *text;
	int			len;
	int			kind;

	check_stack_depth();
	kind = get_kind(packed, offset, &count);
	if (kind == KIND_OBJECT)
	{
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		for (uint64 i = 0; i < count; i++)
		{
			get_key(packed, offset, &text, &len);
			value.type = jbvString;
			value.val.string.val = unconstify(char *, text);
			value.val.string.len = len;
			pushJsonbValue(state, WJB_KEY, &value);
			push_value(packed, offset, state, WJB_VALUE);
		}
		return pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
	if (kind == KIND_ARRAY)
	{
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		for (uint64 i = 0; i < count; i++)
			push_value(packed, offset, state, WJB_ELEM);
		return pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}

	if (*state == NULL)
		report_corrupted();
	if (get_text(packed, offset, kind, count, &text, &len))
	{
		value.type = jbvString;
		value.val.string.val = unconstify(char *, text);
		value.val.string.len = len;
	}
	else if (kind == KIND_SIMPLE)
	{
		value.type = count == SIMPLE_NULL ? jbvNull : jbvBool;
		value.val.boolean = (count == SIMPLE_TRUE);
	}
	else
	{
		value.type = jbvNumeric;
		value.val.numeric = make_number(kind, count, packed, offset);
	}
	return pushJsonbValue(state, token, &value);
}

static Jsonb *
get_jsonb(const PgwfPacked *packed, int *offset)
{
	JsonbParseState *state = NULL;

	return JsonbValueToJsonb(push_value(packed, offset, &state, WJB_VALUE));
}

/* Appends the next value as jsonb would be shown */
static void
append_value(StringInfo buf, const PgwfPacked *packed, int *offset)
{
	uint64		count;
	const char *text;
	int			len;
	int			kind;
	char		digits[PGWF_INTEGER_LEN];

	check_stack_depth();
	kind = get_kind(packed, offset, &count);
	switch (kind)
	{
		case KIND_OBJECT:
			appendStringInfoChar(buf, '{');
			for (uint64 i = 0; i < count; i++)
			{
				if (i > 0)
					pgwf_append_bytes(buf, ", ", 2);
				get_key(packed, offset, &text, &len);
				pgwf_append_json_string(buf, text, len);
				pgwf_append_bytes(buf, ": ", 2);
				append_value(buf, packed, offset);
			}
			appendStringInfoChar(buf, '}');
			break;
		case KIND_ARRAY:
			appendStringInfoChar(buf, '[');
			for (uint64 i = 0; i < count; i++)
			{
				if (i > 0)
					pgwf_append_bytes(buf, ", ", 2);
				append_value(buf, packed, offset);
			}
			appendStringInfoChar(buf, ']');
			break;
		case KIND_INTEGER:
			pgwf_append_bytes(buf, digits,
							  pg_ulltoa_n(count, digits));
			break;
		case KIND_MINUS:
			pgwf_append_integer(buf, -1 - (int64) count);
			break;
		case KIND_NUMBER:
			pgwf_append_bytes(buf, get_bytes(packed, offset, count),
							  (int) count);
			break;
		default:
			if (get_text(packed, offset, kind, count, &text, &len))
				pgwf_append_json_string(buf, text, len);
			else
				appendStringInfoString(buf, count == SIMPLE_NULL ? "null" :
									   count == SIMPLE_TRUE ? "true" :
									   "false");
			break;
	}
}

/* "packed" is what pgwf_pack_finish() has made, not toasted */
void
pgwf_unpack_begin(PgwfUnpacker *unpacker, const bytea *packed,
				  int64 first_event_id)
{
	unpacker->packed.data = VARDATA_ANY(packed);
	unpacker->packed.len = VARSIZE_ANY_EXHDR(packed);
	unpacker->packed.untrusted = false;
	unpacker->next = 0;
	unpacker->next_event_id = first_event_id;
	unpacker->last_time = 0;
	if (get_byte(&unpacker->packed, &unpacker->next) != FORMAT)
		report_corrupted();
}

/*
 * Reads the next event but for its attributes and its user metadata, which
 * pgwf_unpack_event() reads as long as the packed events are there.  Returns
 * false if there is none.
 */
bool
pgwf_unpack_next(PgwfUnpacker *unpacker, PgwfEvent *event)
{
	const PgwfPacked *packed = &unpacker->packed;
	uint64		length;
	uint64		elapsed;
	int			end;

	if (unpacker->next == packed->len)
		return false;
	memset(event, 0, sizeof(PgwfEvent));
	length = get_number(packed, &unpacker->next);
	end = unpacker->next;
	(void) get_bytes(packed, &end, length);
	event->event_id = unpacker->next_event_id++;
	event->type = (PgwfEventType) get_byte(packed, &unpacker->next);
	if (event->type < 1 || event->type > PGWF_EVENT_TYPE_COUNT)
		report_corrupted();
	elapsed = get_number(packed, &unpacker->next);
	unpacker->last_time += (int64) ((elapsed >> 1) ^ (0 - (elapsed & 1)));
	event->time = unpacker->last_time;
	event->packed.data = packed->data;
	event->packed.len = end;
	event->packed.untrusted = packed->untrusted;
	event->packed_at = unpacker->next;
	unpacker->next = end;
	return true;
}

/* Reads the attributes and user metadata of an event, unless that was done */
void
pgwf_unpack_event(PgwfEvent *event)
{
	int			offset = event->packed_at;

	if (event->attributes)
		return;
	event->attributes = get_jsonb(&event->packed, &offset);
	if (offset < event->packed.len)
		event->user_metadata = get_jsonb(&event->packed, &offset);
}

/* Appends the attributes and user metadata of an event, as members of JSON */
void
pgwf_append_event_members(StringInfo buf, const PgwfEvent *event)
{
	int			offset = event->packed_at;

	pgwf_append_json_member(buf, "attributes");
	if (event->attributes)
	{
		pgwf_append_jsonb(buf, event->attributes);
		pgwf_append_json_jsonb(buf, "userMetadata", event->user_metadata);
		return;
	}
	append_value(buf, &event->packed, &offset);
	if (offset < event->packed.len)
	{
		pgwf_append_json_member(buf, "userMetadata");
		append_value(buf, &event->packed, &offset);
	}
}
