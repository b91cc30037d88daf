/*-------------------------------------------------------------------------
 *
 * util.c
 *	  Clock, error record, back-off, wake-up pipe and text forms used by the
 *	  connection, client and worker code.
 *
 * No state, no locks.
 *
 *-------------------------------------------------------------------------
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pgwf_util.h"

/* ---- text ---- */

/* NULL for NULL. */
char *
pgwf_strdup(const char *text)
{
	return text != NULL ? pgwf_xstrdup(text) : NULL;
}

/*
 * Copy a text to where there are so many bytes; what is longer is cut, NULL is
 * the empty one.
 */
void
pgwf_copy_text(char *to, size_t size, const char *from)
{
	size_t		len = from != NULL ? strnlen(from, size - 1) : 0;

	if (len > 0)
		memcpy(to, from, len);
	to[len] = '\0';
}

/*
 * Append to a text, which stays NUL-terminated.
 */
void
pgwf_text_append(PgwfText *text, const char *data, size_t len)
{
	if (text->len + len + 1 > text->size)
	{
		size_t		size = text->size > 0 ? text->size : 256;

		while (size < text->len + len + 1)
			size *= 2;
		text->data = pgwf_xrealloc(text->data, size);
		text->size = size;
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

/* ---- errors ---- */

void
pgwf_err_reset(PgwfErr *err)
{
	free(err->message);
	free(err->detail);
	memset(err, 0, sizeof(*err));
}

/*
 * Remember an error and return its code.
 */
PgwfResult
pgwf_err_set(PgwfErr *err, PgwfResult code, const char *sqlstate,
			 const char *fmt,...)
{
	va_list		args;
	char		buf[4096];
	size_t		len = 0;
	char	   *message;
	char	   *p;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);

	/* libpq's messages have several lines and end with a newline */
	for (p = buf; *p != '\0'; p++)
	{
		if (!isspace((unsigned char) *p))
			buf[len++] = *p;
		else if (len > 0 && buf[len - 1] != ' ')
			buf[len++] = ' ';
	}
	while (len > 0 && buf[len - 1] == ' ')
		len--;
	buf[len] = '\0';

	message = pgwf_strdup(buf);
	free(err->message);
	free(err->detail);
	err->message = message;
	err->detail = NULL;
	err->code = code;
	err->call_number = 0;
	memset(err->sqlstate, 0, sizeof(err->sqlstate));
	if (sqlstate != NULL)
		strncpy(err->sqlstate, sqlstate, sizeof(err->sqlstate) - 1);
	return code;
}

void
pgwf_err_copy(PgwfErr *to, const PgwfErr *from)
{
	if (to == from)
		return;
	pgwf_err_set(to, from->code, from->sqlstate, "%s",
				 from->message != NULL ? from->message : "");
	to->detail = pgwf_strdup(from->detail);
}

/*
 * The code for a SQLSTATE that the server reported.
 */
PgwfResult
pgwf_code_of_sqlstate(const char *sqlstate)
{
	static const struct
	{
		const char *prefix;
		PgwfResult	code;
	}			map[] =
	{
		{"PW106", PGWF_WORKFLOW_ALREADY_STARTED},
		{"PW006", PGWF_ALREADY_EXISTS},
		{"PW003", PGWF_INVALID_ARGUMENT},
		{"PW103", PGWF_QUERY_FAILED},
		{"PW004", PGWF_DEADLINE_EXCEEDED},
		{"PW005", PGWF_NOT_FOUND},
		{"PW007", PGWF_PERMISSION_DENIED},
		{"PW008", PGWF_RESOURCE_EXHAUSTED},
		{"PW009", PGWF_FAILED_PRECONDITION},
		{"PW109", PGWF_WORKFLOW_NOT_READY},
		{"PW010", PGWF_ABORTED},
		{"PW014", PGWF_UNAVAILABLE},
		{"26000", PGWF_UNAVAILABLE},	/* see result_error() */
		{"42P05", PGWF_UNAVAILABLE},
		{"42501", PGWF_PERMISSION_DENIED},
		{"57014", PGWF_CANCELED},
		{"57P0", PGWF_UNAVAILABLE}, /* shutdown, crash, starting up */
		{"08", PGWF_UNAVAILABLE},
		{"40", PGWF_UNAVAILABLE},	/* serialization failure, deadlock */
		{"53", PGWF_UNAVAILABLE},	/* disk full, too many connections */
		{"55P03", PGWF_UNAVAILABLE},	/* lock not available */
		{"55000", PGWF_FAILED_PRECONDITION},
		{"25006", PGWF_UNAVAILABLE} /* a standby: wait for promotion */
	};
	size_t		i;

	if (sqlstate == NULL || sqlstate[0] == '\0')
		return PGWF_UNAVAILABLE;
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
	{
		if (strncmp(sqlstate, map[i].prefix, strlen(map[i].prefix)) == 0)
			return map[i].code;
	}
	return PGWF_ERROR;
}

/* ---- time ---- */

int64_t
pgwf_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
pgwf_wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
pgwf_duration_ms(const char *text)
{
	double		seconds;
	char	   *end;

	if (text == NULL)
		return 0;
	seconds = strtod(text, &end);
	if (end == text || strcmp(end, "s") != 0 || !(seconds >= 0) ||
		seconds > 1e12)
		return -1;
	return (int64_t) (seconds * 1000.0 + 0.5);
}

/* Reads n digits, and then one of the characters if there are any to be. */
static bool
read_digits(const char **text, int n, const char *then, int *value)
{
	*value = 0;
	for (; n > 0; n--, (*text)++)
	{
		if (!isdigit((unsigned char) **text))
			return false;
		*value = *value * 10 + (**text - '0');
	}
	if (then == NULL)
		return true;
	if (**text == '\0' || strchr(then, **text) == NULL)
		return false;
	(*text)++;
	return true;
}

/*
 * Days since 1970-01-01 in the Gregorian calendar; years begin in March, so
 * that a leap day is a year's last.
 */
static int64_t
days_since_epoch(int year, int month, int day)
{
	int64_t		y = month <= 2 ? year - 1 : year;
	int64_t		era = y / 400;
	int64_t		year_of_era = y % 400;
	int64_t		day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 +
	day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
		year_of_era / 100 + day_of_year - 719468;
}

int64_t
pgwf_timestamp_us(const char *text)
{
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second;
	int			sign = 0;
	int			off_h = 0;
	int			off_m = 0;
	int64_t		us = 0;
	const char *p = text;

	if (text == NULL || !read_digits(&p, 4, "-", &year) ||
		!read_digits(&p, 2, "-", &month) ||
		!read_digits(&p, 2, "Tt ", &day) ||
		!read_digits(&p, 2, ":", &hour) ||
		!read_digits(&p, 2, ":", &minute) ||
		!read_digits(&p, 2, NULL, &second) || month < 1 || month > 12)
		return -1;
	if (*p == '.')
	{
		int			digits = 0;

		for (p++; isdigit((unsigned char) *p); p++)
		{
			if (digits++ < 6)
				us = us * 10 + (*p - '0');
		}
		for (; digits < 6; digits++)
			us *= 10;
	}
	if (*p == '+' || *p == '-')
	{
		sign = (*p == '+') ? 1 : -1;
		p++;
		if (!read_digits(&p, 2, NULL, &off_h) ||
			(*p == ':' && (p++, !read_digits(&p, 2, NULL, &off_m))))
			return -1;
	}
	else if (*p != 'Z' && *p != 'z')
		return -1;
	return (days_since_epoch(year, month, day) * 86400 +
			(hour - sign * off_h) * 3600 + (minute - sign * off_m) * 60 +
			second) * 1000000 + us;
}

/* ---- back-off ---- */

void
pgwf_backoff_init(PgwfBackoff *backoff, uint64_t seed)
{
	backoff->failures = 0;
	backoff->random = seed ^ UINT64_C(0x9E3779B97F4A7C15);
	if (backoff->random == 0)
		backoff->random = 1;
}

/*
 * Milliseconds to wait before the next try.
 */
int
pgwf_backoff_next(PgwfBackoff *backoff)
{
	uint64_t	x = backoff->random;
	int			delay = PGWF_BACKOFF_FIRST_MS;
	unsigned	i;

	for (i = 0; i < backoff->failures && delay < PGWF_BACKOFF_MAX_MS; i++)
		delay *= 2;
	if (delay > PGWF_BACKOFF_MAX_MS)
		delay = PGWF_BACKOFF_MAX_MS;
	backoff->failures++;

	/* xorshift64 */
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	backoff->random = x;
	return delay / 2 + (int) (x % (uint64_t) (delay - delay / 2 + 1));
}

void
pgwf_backoff_reset(PgwfBackoff *backoff)
{
	backoff->failures = 0;
}

/* ---- wake-up pipe ---- */

/*
 * Returns 0, or -1 with errno set.
 */
int
pgwf_wakeup_open(PgwfWakeup *wakeup)
{
	int			i;

	wakeup->fd[0] = wakeup->fd[1] = -1;
	if (pipe(wakeup->fd) != 0)
		return -1;
	for (i = 0; i < 2; i++)
	{
		if (fcntl(wakeup->fd[i], F_SETFL, O_NONBLOCK) != 0 ||
			fcntl(wakeup->fd[i], F_SETFD, FD_CLOEXEC) != 0)
		{
			pgwf_wakeup_close(wakeup);
			return -1;
		}
	}
	return 0;
}

void
pgwf_wakeup_close(PgwfWakeup *wakeup)
{
	int			i;

	for (i = 0; i < 2; i++)
	{
		if (wakeup->fd[i] >= 0)
			close(wakeup->fd[i]);
		wakeup->fd[i] = -1;
	}
}

/*
 * Make the pipe readable.  Safe in a signal handler; a full pipe is readable
 * already, so that error does not matter.
 */
void
pgwf_wakeup_set(const PgwfWakeup *wakeup)
{
	int			save_errno = errno;
	ssize_t		rc;

	do
		rc = write(wakeup->fd[1], "", 1);
	while (rc < 0 && errno == EINTR);
	errno = save_errno;
}

void
pgwf_wakeup_clear(const PgwfWakeup *wakeup)
{
	char		buf[64];

	while (read(wakeup->fd[0], buf, sizeof(buf)) == (ssize_t) sizeof(buf))
		;
}

/* ---- text[] ---- */

/*
 * Returns a malloc'ed array literal with every element quoted.
 */
char *
pgwf_text_array(const char *const *items, int nitems)
{
	size_t		size = 3;
	char	   *array;
	char	   *p;
	int			i;

	for (i = 0; i < nitems; i++)
		size += 2 * strlen(items[i]) + 3;
	array = pgwf_xalloc(size);
	p = array;
	*p++ = '{';
	for (i = 0; i < nitems; i++)
	{
		const char *s;

		if (i > 0)
			*p++ = ',';
		*p++ = '"';
		for (s = items[i]; *s != '\0'; s++)
		{
			if (*s == '"' || *s == '\\')
				*p++ = '\\';
			*p++ = *s;
		}
		*p++ = '"';
	}
	*p++ = '}';
	*p = '\0';
	return array;
}

/*
 * Is item an element of the array literal?  NULL has no elements.
 */
bool
pgwf_text_array_has(const char *array, const char *item)
{
	const char *p;

	if (array == NULL || array[0] != '{')
		return false;
	p = array + 1;
	while (*p != '\0' && *p != '}')
	{
		bool		quoted = (*p == '"');
		bool		equal = true;
		size_t		pos = 0;
		size_t		len = strlen(item);

		if (quoted)
			p++;
		while (*p != '\0' &&
			   (quoted ? *p != '"' : (*p != ',' && *p != '}')))
		{
			if (*p == '\\' && p[1] != '\0')
				p++;
			if (pos >= len || item[pos] != *p)
				equal = false;
			pos++;
			p++;
		}
		if (equal && pos == len)
			return true;
		if (quoted && *p == '"')
			p++;
		if (*p == ',')
			p++;
	}
	return false;
}

/* ---- JSON ---- */

/* Append a text as a JSON string */
void
pgwf_text_append_string(PgwfText *out, const char *s, size_t len)
{
	size_t		start = 0;
	size_t		i;

	pgwf_text_append(out, "\"", 1);
	for (i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) s[i];
		char		escape[8];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		pgwf_text_append(out, s + start, i - start);
		start = i + 1;
		if (c == '"' || c == '\\')
		{
			escape[0] = '\\';
			escape[1] = (char) c;
			pgwf_text_append(out, escape, 2);
		}
		else
		{
			snprintf(escape, sizeof(escape), "\\u%04x", c);
			pgwf_text_append(out, escape, 6);
		}
	}
	pgwf_text_append(out, s + start, len - start);
	pgwf_text_append(out, "\"", 1);
}

/*
 * The shortest text that reads back as the same double, so that 19.99 is not
 * stored as 19.989999999999998.
 */
static void
write_real(PgwfText *out, double value)
{
	char		buf[40];
	int			digits;
	char	   *p;

	for (digits = 15; digits <= 17; digits++)
	{
		snprintf(buf, sizeof(buf), "%.*g", digits, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	p = strchr(buf, ',');		/* a locale's decimal point */
	if (p != NULL)
		*p = '.';
	pgwf_text_append(out, buf, strlen(buf));
	if (strpbrk(buf, ".en") == NULL)
		pgwf_text_append(out, ".0", 2);
}

static void
write_integer(PgwfText *out, int64_t value)
{
	uint64_t	left = value < 0 ? -(uint64_t) value : (uint64_t) value;
	char		buf[24];
	char	   *p = buf + sizeof(buf);

	do
		*--p = (char) ('0' + left % 10);
	while ((left /= 10) > 0);
	if (value < 0)
		*--p = '-';
	pgwf_text_append(out, p, (size_t) (buf + sizeof(buf) - p));
}

static bool
write_json(PgwfText *out, const json_t *value, int depth)
{
	size_t		i;

	if (depth > PGWF_MAX_JSON_DEPTH)
		return false;
	switch (json_typeof(value))
	{
		case JSON_OBJECT:
			{
				json_t	   *object = (json_t *) value;
				void	   *iter;
				bool		first = true;

				pgwf_text_append(out, "{", 1);
				for (iter = json_object_iter(object); iter != NULL;
					 iter = json_object_iter_next(object, iter))
				{
					const char *key = json_object_iter_key(iter);

					if (!first)
						pgwf_text_append(out, ",", 1);
					first = false;
					pgwf_text_append_string(out, key, strlen(key));
					pgwf_text_append(out, ":", 1);
					if (!write_json(out, json_object_iter_value(iter),
									depth + 1))
						return false;
				}
				pgwf_text_append(out, "}", 1);
				break;
			}
		case JSON_ARRAY:
			pgwf_text_append(out, "[", 1);
			for (i = 0; i < json_array_size(value); i++)
			{
				if (i > 0)
					pgwf_text_append(out, ",", 1);
				if (!write_json(out, json_array_get(value, i), depth + 1))
					return false;
			}
			pgwf_text_append(out, "]", 1);
			break;
		case JSON_STRING:
			pgwf_text_append_string(out, json_string_value(value),
									json_string_length(value));
			break;
		case JSON_INTEGER:
			write_integer(out, json_integer_value(value));
			break;
		case JSON_REAL:
			write_real(out, json_real_value(value));
			break;
		case JSON_TRUE:
			pgwf_text_append(out, "true", 4);
			break;
		case JSON_FALSE:
			pgwf_text_append(out, "false", 5);
			break;
		case JSON_NULL:
			pgwf_text_append(out, "null", 4);
			break;
	}
	return true;
}

static char *
json_text(const char *before, const json_t *value, const char *after)
{
	PgwfText	text = {0};

	if (value == NULL)
		return NULL;
	pgwf_text_append(&text, before, strlen(before));
	if (!write_json(&text, value, 1))
	{
		free(text.data);
		return NULL;
	}
	pgwf_text_append(&text, after, strlen(after));
	return text.data;
}

/*
 * A value as malloc'ed text; NULL for NULL, and for what is nested too deeply,
 * for instance because it contains itself.
 */
char *
pgwf_json_text(const json_t *value)
{
	return json_text("", value, "");
}

/*
 * A list of arguments as text: what is not an array is its one element.
 */
char *
pgwf_json_args_text(const json_t *value)
{
	return json_is_array(value) ? json_text("", value, "") :
		json_text("[", value, "]");
}

/*
 * A value as the text of a list that has it alone; NULL for NULL.
 */
char *
pgwf_json_value_text(const json_t *value)
{
	return json_text("[", value, "]");
}

const char *
pgwf_json_str(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int64_t
pgwf_json_int(const json_t *object, const char *key)
{
	return (int64_t) json_integer_value(json_object_get(object, key));
}

const char *
pgwf_json_str2(const json_t *object, const char *key, const char *key2)
{
	return json_string_value(json_object_get(json_object_get(object, key),
											 key2));
}
