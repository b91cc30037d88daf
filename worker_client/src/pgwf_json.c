/*
 * pgwf_json.c
 *		Memory that cannot fail, and small helpers for the service's JSON:
 *		omitted zero fields, durations, times, lists of arguments.
 *
 * No state, no locks.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pgwf_int.h"

/* ---- memory ---- */

/* Beyond this size calloc() knows memory that is zero already. */
#define SMALL_SIZE	((size_t) 1024)

/*
 * calloc() of older C libraries passes the thread's own free pieces over and
 * takes a lock.
 */
void *
pgwf_xalloc(size_t size)
{
	void	   *ptr;

	if (size > SMALL_SIZE)
		ptr = calloc(1, size);
	else
	{
		size += (size == 0);
		ptr = malloc(size);
		if (ptr != NULL)
			memset(ptr, 0, size);
	}
	if (ptr == NULL)
		abort();
	return ptr;
}

void *
pgwf_xrealloc(void *ptr, size_t size)
{
	ptr = realloc(ptr, size > 0 ? size : 1);
	if (ptr == NULL)
		abort();
	return ptr;
}

char *
pgwf_xstrdup(const char *str)
{
	size_t		size = strlen(str) + 1;
	char	   *copy = malloc(size);

	if (copy == NULL)
		abort();
	return memcpy(copy, str, size);
}

char *
pgwf_xvprintf(const char *fmt, va_list args)
{
	va_list		copy;
	int			len;
	char	   *str;

	va_copy(copy, args);
	len = vsnprintf(NULL, 0, fmt, copy);
	va_end(copy);
	if (len < 0)
		return pgwf_xstrdup(fmt);
	str = pgwf_xalloc((size_t) len + 1);
	vsnprintf(str, (size_t) len + 1, fmt, args);
	return str;
}

char *
pgwf_xprintf(const char *fmt,...)
{
	va_list		args;
	char	   *str;

	va_start(args, fmt);
	str = pgwf_xvprintf(fmt, args);
	va_end(args);
	return str;
}

/* ---- building objects ---- */

/* Sets a member and takes the value over; NULL leaves the member out. */
void
pgwf_json_put(json_t *object, const char *key, json_t *value)
{
	if (value != NULL && json_object_set_new_nocheck(object, key, value) != 0)
		abort();
}

/* Leaves out NULL and empty strings; text that is not UTF-8 is escaped. */
void
pgwf_json_put_str(json_t *object, const char *key, const char *value)
{
	json_t	   *string;

	if (value == NULL || *value == '\0')
		return;
	string = json_string(value);
	if (string == NULL)
	{
		char	   *clean = pgwf_xstrdup(value);
		char	   *p;

		for (p = clean; *p; p++)
		{
			if ((unsigned char) *p >= 0x80)
				*p = '?';
		}
		string = json_string(clean);
		free(clean);
	}
	pgwf_json_put(object, key, string);
}

void
pgwf_json_put_int(json_t *object, const char *key, int64_t value)
{
	if (value != 0)
		pgwf_json_put(object, key, json_integer(value));
}

/* A duration such as "10s" or "0.250s"; left out if not positive. */
void
pgwf_json_put_ms(json_t *object, const char *key, int64_t ms)
{
	char		buf[40];

	if (ms <= 0)
		return;
	if (ms % 1000 == 0)
		snprintf(buf, sizeof(buf), "%llds", (long long) (ms / 1000));
	else
		snprintf(buf, sizeof(buf), "%lld.%03ds", (long long) (ms / 1000),
				 (int) (ms % 1000));
	pgwf_json_put(object, key, json_string(buf));
}

/*
 * What a caller passed as arguments, as a list of his own: a copy, because he
 * may go on changing his value; NULL if there are none.
 */
json_t *
pgwf_json_args(json_t *args)
{
	if (args == NULL)
		return NULL;
	if (json_is_array(args))
		return json_array_size(args) > 0 ? json_deep_copy(args) : NULL;
	return json_pack("[o]", json_deep_copy(args));
}

/* The first value of a list, or JSON null: a new reference. */
json_t *
pgwf_json_first(const json_t *payloads)
{
	json_t	   *value;

	if (payloads != NULL && !json_is_array(payloads))
		return json_incref((json_t *) payloads);
	value = json_array_get(payloads, 0);
	return value != NULL ? json_incref(value) : json_null();
}

/* The same of the service's JSON. */
json_t *
pgwf_node_first_value(const PgwfNode *payloads)
{
	if (payloads != NULL && payloads->type == PGWF_NODE_ARRAY)
		payloads = pgwf_node_first(payloads);
	return payloads != NULL ? pgwf_node_json(payloads) : json_null();
}

/* ---- times ---- */

/* Microseconds since 1970 as RFC 3339 in UTC. */
json_t *
pgwf_json_time(int64_t us)
{
	time_t		seconds = (time_t) (us / 1000000);
	int			fraction = (int) (us % 1000000);
	struct tm	tm;
	char		buf[80];

	if (fraction < 0)
	{
		fraction += 1000000;
		seconds--;
	}
	if (gmtime_r(&seconds, &tm) == NULL)
		return json_null();
	snprintf(buf, sizeof(buf), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
	return json_string(buf);
}

static int64_t
as_int(const json_t *value)
{
	if (json_is_string(value))
		return strtoll(json_string_value(value), NULL, 10);
	return json_is_number(value) ? (int64_t) json_number_value(value) : 0;
}

static int64_t
text_time_us(const char *text)
{
	int64_t		us = pgwf_timestamp_us(text);

	return us > 0 ? us : 0;
}

static int64_t
text_duration_ms(const char *text)
{
	int64_t		ms = pgwf_duration_ms(text);

	return ms > 0 ? ms : 0;
}

/* A time as text or as {"seconds", "nanos"}; 0 if there is none. */
int64_t
pgwf_json_get_time_us(const json_t *value)
{
	if (json_is_object(value))
		return as_int(json_object_get(value, "seconds")) * 1000000 +
			as_int(json_object_get(value, "nanos")) / 1000;
	return text_time_us(json_string_value(value));
}

/* A duration as text or as {"seconds", "nanos"}; 0 if there is none. */
int64_t
pgwf_json_get_duration_ms(const json_t *value)
{
	if (json_is_object(value))
		return as_int(json_object_get(value, "seconds")) * 1000 +
			as_int(json_object_get(value, "nanos")) / 1000000;
	return text_duration_ms(json_string_value(value));
}

/* The same two of the service's JSON. */
int64_t
pgwf_node_time_us(const PgwfNode *node)
{
	json_t	   *value;
	int64_t		us;

	if (node == NULL || node->type == PGWF_NODE_STRING)
		return text_time_us(pgwf_node_text(node));
	value = pgwf_node_json(node);
	us = pgwf_json_get_time_us(value);
	json_decref(value);
	return us;
}

int64_t
pgwf_node_duration_ms(const PgwfNode *node)
{
	json_t	   *value;
	int64_t		ms;

	if (node == NULL || node->type == PGWF_NODE_STRING)
		return text_duration_ms(pgwf_node_text(node));
	value = pgwf_node_json(node);
	ms = pgwf_json_get_duration_ms(value);
	json_decref(value);
	return ms;
}

/* Skips the prefix of an enum constant, if it is there. */
const char *
pgwf_short_enum(const char *constant, const char *prefix)
{
	size_t		len = strlen(prefix);

	return strncmp(constant, prefix, len) == 0 ? constant + len : constant;
}
