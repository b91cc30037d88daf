/*-------------------------------------------------------------------------
 *
 * json_read.c
 *	  Reads the server's JSON into jansson's values.
 *
 * jansson's own reader takes a callback per character and refuses integers
 * beyond 64 bits, which jsonb has.  This one reads memory, knows that the
 * server checked the encoding, and reads such integers as reals.  Otherwise
 * it is as strict: what is not JSON is refused.
 *
 * No state, no locks.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_util.h"

typedef struct PgwfJsonReader
{
	const char *p;
	PgwfText	text;			/* room for strings with escapes */
	bool		too_deep;		/* something was left out */
} PgwfJsonReader;

static json_t *read_value(PgwfJsonReader *r, int depth);

static void
skip_space(PgwfJsonReader *r)
{
	while (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r')
		r->p++;
}

/* Four hexadecimal digits, or -1. */
static int
read_hex4(const char *p)
{
	int			value = 0;
	int			i;

	for (i = 0; i < 4; i++)
	{
		char		c = p[i];

		value *= 16;
		if (c >= '0' && c <= '9')
			value += c - '0';
		else if (c >= 'a' && c <= 'f')
			value += c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			value += c - 'A' + 10;
		else
			return -1;
	}
	return value;
}

static void
append_utf8(PgwfText *text, unsigned c)
{
	char		buf[4];
	size_t		len;

	if (c < 0x80)
	{
		buf[0] = (char) c;
		len = 1;
	}
	else if (c < 0x800)
	{
		buf[0] = (char) (0xC0 | (c >> 6));
		buf[1] = (char) (0x80 | (c & 0x3F));
		len = 2;
	}
	else if (c < 0x10000)
	{
		buf[0] = (char) (0xE0 | (c >> 12));
		buf[1] = (char) (0x80 | ((c >> 6) & 0x3F));
		buf[2] = (char) (0x80 | (c & 0x3F));
		len = 3;
	}
	else
	{
		buf[0] = (char) (0xF0 | (c >> 18));
		buf[1] = (char) (0x80 | ((c >> 12) & 0x3F));
		buf[2] = (char) (0x80 | ((c >> 6) & 0x3F));
		buf[3] = (char) (0x80 | (c & 0x3F));
		len = 4;
	}
	pgwf_text_append(text, buf, len);
}

/* One escape sequence, p at the backslash. */
static bool
read_escape(PgwfJsonReader *r)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	int			c;

	r->p++;
	if (*r->p != 'u')
	{
		found = *r->p != '\0' ? strchr(from, *r->p) : NULL;
		if (found == NULL)
			return false;
		pgwf_text_append(&r->text, &to[found - from], 1);
		r->p++;
		return true;
	}
	c = read_hex4(r->p + 1);
	if (c < 0)
		return false;
	r->p += 5;
	if (c >= 0xDC00 && c <= 0xDFFF)
		return false;
	if (c >= 0xD800 && c <= 0xDBFF)
	{
		int			low;

		if (r->p[0] != '\\' || r->p[1] != 'u')
			return false;
		low = read_hex4(r->p + 2);
		if (low < 0xDC00 || low > 0xDFFF)
			return false;
		r->p += 6;
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
	}
	append_utf8(&r->text, (unsigned) c);
	return true;
}

/*
 * A string, p at the opening quote.  The result is in the input, or in the
 * reader's room if it had escapes, and valid until the next string.
 */
static bool
read_string(PgwfJsonReader *r, const char **data, size_t *len)
{
	const char *start = ++r->p;

	while (*r->p != '"' && *r->p != '\\')
	{
		if ((unsigned char) *r->p < 0x20)
			return false;
		r->p++;
	}
	if (*r->p == '"')
	{
		*data = start;
		*len = (size_t) (r->p - start);
		r->p++;
		return true;
	}
	r->text.len = 0;
	pgwf_text_append(&r->text, start, (size_t) (r->p - start));
	while (*r->p != '"')
	{
		if (*r->p == '\\')
		{
			if (!read_escape(r))
				return false;
			continue;
		}
		start = r->p;
		while (*r->p != '"' && *r->p != '\\')
		{
			if ((unsigned char) *r->p < 0x20)
				return false;
			r->p++;
		}
		pgwf_text_append(&r->text, start, (size_t) (r->p - start));
	}
	r->p++;
	*data = r->text.data;
	*len = r->text.len;
	return true;
}

static bool
skip_digits(const char **p)
{
	const char *start = *p;

	while (**p >= '0' && **p <= '9')
		(*p)++;
	return *p > start;
}

static json_t *
read_real(const char *start, size_t len)
{
	const char *point = localeconv()->decimal_point;
	char		room[64];
	char	   *copy = len < sizeof(room) ? room : pgwf_xalloc(len + 1);
	char	   *dot;
	double		value;

	memcpy(copy, start, len);
	copy[len] = '\0';
	dot = strchr(copy, '.');
	if (dot != NULL && point[0] != '\0' && point[1] == '\0')
		*dot = point[0];
	value = strtod(copy, NULL);
	if (copy != room)
		free(copy);
	if (isinf(value))
		value = value > 0 ? DBL_MAX : -DBL_MAX;
	return json_real(value);
}

static json_t *
read_number(PgwfJsonReader *r)
{
	const char *start = r->p;
	const char *p = start;
	bool		real = false;

	if (*p == '-')
		p++;
	if (*p == '0')
		p++;
	else if (!skip_digits(&p))
		return NULL;
	if (*p == '.')
	{
		real = true;
		p++;
		if (!skip_digits(&p))
			return NULL;
	}
	if (*p == 'e' || *p == 'E')
	{
		real = true;
		p++;
		if (*p == '+' || *p == '-')
			p++;
		if (!skip_digits(&p))
			return NULL;
	}
	r->p = p;
	if (!real)
	{
		long long	value;

		errno = 0;
		value = strtoll(start, NULL, 10);
		if (errno == 0)
			return json_integer(value);
	}
	return read_real(start, (size_t) (p - start));
}

static json_t *
read_object(PgwfJsonReader *r, int depth)
{
	json_t	   *object = json_object();
	char		room[128];

	r->p++;
	skip_space(r);
	if (*r->p == '}')
	{
		r->p++;
		return object;
	}
	for (;;)
	{
		const char *data;
		size_t		len;
		char	   *key;
		json_t	   *value = NULL;

		if (*r->p != '"' || !read_string(r, &data, &len) ||
			memchr(data, '\0', len) != NULL)
			break;
		key = len < sizeof(room) ? room : pgwf_xalloc(len + 1);
		memcpy(key, data, len);
		key[len] = '\0';
		skip_space(r);
		if (*r->p == ':')
		{
			r->p++;
			value = read_value(r, depth);
		}
		if (value != NULL)
			json_object_set_new_nocheck(object, key, value);
		if (key != room)
			free(key);
		if (value == NULL)
			break;
		skip_space(r);
		if (*r->p == '}')
		{
			r->p++;
			return object;
		}
		if (*r->p != ',')
			break;
		r->p++;
		skip_space(r);
	}
	json_decref(object);
	return NULL;
}

static json_t *
read_array(PgwfJsonReader *r, int depth)
{
	json_t	   *array = json_array();

	r->p++;
	skip_space(r);
	if (*r->p == ']')
	{
		r->p++;
		return array;
	}
	for (;;)
	{
		json_t	   *value = read_value(r, depth);

		if (value == NULL)
			break;
		json_array_append_new(array, value);
		skip_space(r);
		if (*r->p == ']')
		{
			r->p++;
			return array;
		}
		if (*r->p != ',')
			break;
		r->p++;
	}
	json_decref(array);
	return NULL;
}

/*
 * Pass over an array or object that is nested too deeply; a null stands for
 * it.
 */
static json_t *
skip_deep(PgwfJsonReader *r)
{
	const char *data;
	size_t		len;
	long		open = 0;

	r->too_deep = true;
	do
	{
		if (*r->p == '\0')
			return NULL;
		if (*r->p == '"')
		{
			if (!read_string(r, &data, &len))
				return NULL;
			continue;
		}
		if (*r->p == '[' || *r->p == '{')
			open++;
		else if (*r->p == ']' || *r->p == '}')
			open--;
		r->p++;
	} while (open > 0);
	return json_null();
}

static json_t *
read_value(PgwfJsonReader *r, int depth)
{
	const char *data;
	size_t		len;

	skip_space(r);
	if (depth >= PGWF_MAX_JSON_DEPTH && (*r->p == '{' || *r->p == '['))
		return skip_deep(r);
	switch (*r->p)
	{
		case '{':
			return read_object(r, depth + 1);
		case '[':
			return read_array(r, depth + 1);
		case '"':
			if (!read_string(r, &data, &len))
				return NULL;
			return json_stringn_nocheck(data, len);
		case 't':
			if (strncmp(r->p, "true", 4) != 0)
				return NULL;
			r->p += 4;
			return json_true();
		case 'f':
			if (strncmp(r->p, "false", 5) != 0)
				return NULL;
			r->p += 5;
			return json_false();
		case 'n':
			if (strncmp(r->p, "null", 4) != 0)
				return NULL;
			r->p += 4;
			return json_null();
		default:
			return read_number(r);
	}
}

/*
 * Read any JSON value.  Returns a new reference, or NULL if the text is NULL
 * or not JSON.  What is nested too deeply is left out, and *too_deep tells.
 */
json_t *
pgwf_json_parse_partly(const char *text, bool *too_deep)
{
	PgwfJsonReader reader = {text, {NULL, 0, 0}, false};
	json_t	   *value;

	*too_deep = false;

	if (text == NULL)
		return NULL;
	value = read_value(&reader, 0);
	if (value != NULL)
	{
		skip_space(&reader);
		if (*reader.p != '\0')
		{
			json_decref(value);
			value = NULL;
		}
	}
	free(reader.text.data);
	*too_deep = reader.too_deep;
	return value;
}

/* The same, all or nothing. */
json_t *
pgwf_json_parse(const char *text)
{
	bool		too_deep;
	json_t	   *value = pgwf_json_parse_partly(text, &too_deep);

	if (too_deep)
	{
		json_decref(value);
		value = NULL;
	}
	return value;
}
