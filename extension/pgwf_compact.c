/*-------------------------------------------------------------------------
 *
 * pgwf_compact.c
 *		Members of jsonb values, and JSON text without white space.
 *
 * Works on JsonbValue, in which an object or an array is of type jbvBinary:
 * so they come out of a jsonb, and no copy of what they hold is made.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/base64.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "pgwf_compact.h"
#include "pgwf_json.h"

/*
 * Access to jsonb.  An object or array is always a value of type jbvBinary
 * here.
 */

bool
pgwf_get_member(JsonbValue *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(object->val.binary.data, key,
										(int) strlen(key), value) != NULL;
}

bool
pgwf_get_element(JsonbValue *array, uint32 index, JsonbValue *value)
{
	JsonbValue *element;

	element = getIthJsonbValueFromContainer(array->val.binary.data, index);
	if (element == NULL)
		return false;
	*value = *element;
	pfree(element);
	return true;
}

int
pgwf_member_count(JsonbValue *object)
{
	return (int) JsonContainerSize(object->val.binary.data);
}

bool
pgwf_value_is_object(JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data);
}

bool
pgwf_value_is_array(JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data);
}

bool
pgwf_value_is_text(JsonbValue *value, const char *text)
{
	return value->type == jbvString &&
		value->val.string.len == (int) strlen(text) &&
		memcmp(value->val.string.val, text, value->val.string.len) == 0;
}

void
pgwf_root_value(const Jsonb *jsonb, JsonbValue *value)
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

void
pgwf_put_separator(StringInfo out)
{
	char		last = out->data[out->len - 1];

	if (last != '{' && last != '[')
		appendStringInfoChar(out, ',');
}

void
pgwf_put_key(StringInfo out, const char *key)
{
	pgwf_put_separator(out);
	appendStringInfo(out, "\"%s\":", key);
}

void
pgwf_put_text(StringInfo out, const char *text, int len)
{
	pgwf_append_json_string(out, text, len);
}

void
pgwf_put_value(StringInfo out, JsonbValue *value)
{
	Datum		number;
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
			number = DirectFunctionCall1(numeric_out,
										 NumericGetDatum(value->val.numeric));
			appendStringInfoString(out, DatumGetCString(number));
			return;
		case jbvString:
			pgwf_put_text(out, value->val.string.val, value->val.string.len);
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
				pgwf_put_separator(out);
				pgwf_put_value(out, &member);
				appendStringInfoChar(out, ':');
				break;
			case WJB_ELEM:
				pgwf_put_separator(out);
				pgwf_put_value(out, &member);
				break;
			default:
				pgwf_put_value(out, &member);
				break;
		}
	}
}

/*
 * A time of ours, with none, three or six digits of its second's fraction.
 */
void
pgwf_put_time(StringInfo out, const char *text, int len)
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

void
pgwf_put_base64(StringInfo out, const char *data, int len)
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
