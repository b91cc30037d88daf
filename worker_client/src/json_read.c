/*-------------------------------------------------------------------------
 *
 * json_read.c
 *	  Reads the server's JSON.
 *
 * A text becomes an array of nodes, see pgwf_node.h: two pieces of memory,
 * however much is in it.  jansson's values, of which each member takes
 * several, are made of what user code is to see.
 *
 * The reader knows that the server checked the encoding, and reads integers
 * beyond 64 bits, which jsonb has, as reals.  Otherwise it is as strict as
 * jansson: what is not JSON is refused.
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

#include "pgwf_node.h"
#include "pgwf_util.h"

typedef struct PgwfJsonReader
{
	char	   *p;				/* in the document's own text */
	PgwfDocument *document;
	uint32_t	used;			/* of its nodes */
} PgwfJsonReader;

static bool read_value(PgwfJsonReader *r, char *key, int depth);

/* The next node; it moves when more are added. */
static PgwfNode *
add_node(PgwfJsonReader *r, PgwfNodeType type, char *key)
{
	PgwfNode   *node;

	if (r->used == r->document->room)
		pgwf_document_grow(r->document);
	node = &r->document->nodes[r->used];
	node->key = key;
	node->value.integer = 0;
	node->size = 0;
	node->span = 1;
	node->number = r->used++;
	node->type = type;
	return node;
}

/* The node of an array or object is complete. */
static void
close_node(PgwfJsonReader *r, uint32_t number, uint32_t size)
{
	PgwfNode   *node = &r->document->nodes[number];

	node->size = size;
	node->span = r->used - number;
}

static void
skip_space(PgwfJsonReader *r)
{
	char	   *p = r->p;

	while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
		p++;
	r->p = p;
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

static char *
write_utf8(char *to, unsigned c)
{
	if (c < 0x80)
		*to++ = (char) c;
	else if (c < 0x800)
	{
		*to++ = (char) (0xC0 | (c >> 6));
		*to++ = (char) (0x80 | (c & 0x3F));
	}
	else if (c < 0x10000)
	{
		*to++ = (char) (0xE0 | (c >> 12));
		*to++ = (char) (0x80 | ((c >> 6) & 0x3F));
		*to++ = (char) (0x80 | (c & 0x3F));
	}
	else
	{
		*to++ = (char) (0xF0 | (c >> 18));
		*to++ = (char) (0x80 | ((c >> 12) & 0x3F));
		*to++ = (char) (0x80 | ((c >> 6) & 0x3F));
		*to++ = (char) (0x80 | (c & 0x3F));
	}
	return to;
}

/*
 * One escape sequence, p at the backslash.  What it stands for, which is
 * shorter, is written to *to.
 */
static bool
read_escape(PgwfJsonReader *r, char **to)
{
	static const char from[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *found;
	int			c;

	r->p++;
	if (*r->p != 'u')
	{
		found = *r->p != '\0' ? strchr(from, *r->p) : NULL;
		if (found == NULL)
			return false;
		*(*to)++ = meant[found - from];
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
	*to = write_utf8(*to, (unsigned) c);
	return true;
}

/*
 * A string, p at the opening quote.  It stays where it is in the text, without
 * its escapes and with a zero byte behind.
 */
static bool
read_string(PgwfJsonReader *r, char **data, uint32_t *size)
{
	char	   *p = r->p + 1;
	char	   *to;

	*data = p;
	while (*p != '"' && *p != '\\')
	{
		if ((unsigned char) *p < 0x20)
			return false;
		p++;
	}
	to = r->p = p;
	while (*r->p != '"')
	{
		if (*r->p == '\\')
		{
			if (!read_escape(r, &to))
				return false;
			continue;
		}
		if ((unsigned char) *r->p < 0x20)
			return false;
		*to++ = *r->p++;
	}
	r->p++;
	*to = '\0';
	*size = (uint32_t) (to - *data);
	return true;
}

static bool
skip_digits(char **p)
{
	char	   *start = *p;

	while (**p >= '0' && **p <= '9')
		(*p)++;
	return *p > start;
}

static double
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
	return value;
}

static bool
read_number(PgwfJsonReader *r, char *key)
{
	char	   *start = r->p;
	char	   *p = start;
	bool		real = false;
	PgwfNode   *node;

	if (*p == '-')
		p++;
	if (*p == '0')
		p++;
	else if (!skip_digits(&p))
		return false;
	if (*p == '.')
	{
		real = true;
		p++;
		if (!skip_digits(&p))
			return false;
	}
	if (*p == 'e' || *p == 'E')
	{
		real = true;
		p++;
		if (*p == '+' || *p == '-')
			p++;
		if (!skip_digits(&p))
			return false;
	}
	r->p = p;
	node = add_node(r, PGWF_NODE_INTEGER, key);
	if (!real)
	{
		errno = 0;
		node->value.integer = strtoll(start, NULL, 10);
		if (errno == 0)
			return true;
	}
	node->type = PGWF_NODE_REAL;
	node->value.real = read_real(start, (size_t) (p - start));
	return true;
}

static bool
read_object(PgwfJsonReader *r, char *key, int depth)
{
	uint32_t	number = add_node(r, PGWF_NODE_OBJECT, key)->number;
	uint32_t	members = 0;

	r->p++;
	skip_space(r);
	while (*r->p != '}')
	{
		char	   *name;
		uint32_t	size;

		if (members > 0)
		{
			if (*r->p != ',')
				return false;
			r->p++;
			skip_space(r);
		}
		if (*r->p != '"' || !read_string(r, &name, &size))
			return false;
		/* only an escape, which makes it shorter, can be a zero byte */
		if (size < (size_t) (r->p - 1 - name) &&
			memchr(name, '\0', size) != NULL)
			return false;
		skip_space(r);
		if (*r->p != ':')
			return false;
		r->p++;
		if (!read_value(r, name, depth))
			return false;
		members++;
		skip_space(r);
	}
	r->p++;
	close_node(r, number, members);
	return true;
}

static bool
read_array(PgwfJsonReader *r, char *key, int depth)
{
	uint32_t	number = add_node(r, PGWF_NODE_ARRAY, key)->number;
	uint32_t	elements = 0;

	r->p++;
	skip_space(r);
	while (*r->p != ']')
	{
		if (elements > 0)
		{
			if (*r->p != ',')
				return false;
			r->p++;
		}
		if (!read_value(r, NULL, depth))
			return false;
		elements++;
		skip_space(r);
	}
	r->p++;
	close_node(r, number, elements);
	return true;
}

/*
 * Pass over an array or object that is nested too deeply; a node tells that it
 * was there.
 */
static bool
skip_deep(PgwfJsonReader *r, char *key)
{
	char	   *data;
	uint32_t	size;
	long		open = 0;

	r->document->too_deep = true;
	add_node(r, PGWF_NODE_TOO_DEEP, key);
	do
	{
		if (*r->p == '\0')
			return false;
		if (*r->p == '"')
		{
			if (!read_string(r, &data, &size))
				return false;
			continue;
		}
		if (*r->p == '[' || *r->p == '{')
			open++;
		else if (*r->p == ']' || *r->p == '}')
			open--;
		r->p++;
	} while (open > 0);
	return true;
}

/* A word without quotes. */
static bool
read_word(PgwfJsonReader *r, const char *word, PgwfNodeType type, char *key)
{
	size_t		len = strlen(word);

	if (strncmp(r->p, word, len) != 0)
		return false;
	r->p += len;
	add_node(r, type, key);
	return true;
}

/* Any value; key is its name in an object, or NULL. */
static bool
read_value(PgwfJsonReader *r, char *key, int depth)
{
	PgwfNode   *node;

	skip_space(r);
	if (depth >= PGWF_MAX_JSON_DEPTH && (*r->p == '{' || *r->p == '['))
		return skip_deep(r, key);
	switch (*r->p)
	{
		case '{':
			return read_object(r, key, depth + 1);
		case '[':
			return read_array(r, key, depth + 1);
		case '"':
			node = add_node(r, PGWF_NODE_STRING, key);
			return read_string(r, &node->value.text, &node->size);
		case 't':
			return read_word(r, "true", PGWF_NODE_TRUE, key);
		case 'f':
			return read_word(r, "false", PGWF_NODE_FALSE, key);
		case 'n':
			return read_word(r, "null", PGWF_NODE_NULL, key);
		default:
			return read_number(r, key);
	}
}

/*
 * Read any JSON value.  Returns one reference of its node, or NULL if the text
 * is NULL or not JSON.  What is nested too deeply is left out.
 */
PgwfNode *
pgwf_node_parse(const char *text)
{
	PgwfJsonReader reader = {0};
	PgwfDocument *document;
	size_t		len;
	bool		ok;

	if (text == NULL)
		return NULL;
	len = strlen(text);
	if (len >= UINT32_MAX)
		return NULL;
	document = pgwf_document_create(text, len);
	reader.document = document;
	reader.p = document->text;
	add_node(&reader, PGWF_NODE_DOCUMENT, NULL);
	ok = read_value(&reader, NULL, 0);
	if (ok)
	{
		skip_space(&reader);
		ok = *reader.p == '\0';
	}
	if (!ok)
	{
		pgwf_document_free(document);
		return NULL;
	}
	document->nodes[0].value.document = document;
	return &document->nodes[1];
}

/*
 * Read any JSON value into jansson's.  Returns a new reference, or NULL if the
 * text is NULL or not JSON, or nested too deeply.
 */
json_t *
pgwf_json_parse(const char *text)
{
	PgwfNode   *node = pgwf_node_parse(text);
	json_t	   *value = NULL;

	if (!pgwf_node_too_deep(node))
		value = pgwf_node_json(node);
	pgwf_node_release(node);
	return value;
}
