/*-------------------------------------------------------------------------
 *
 * output.c
 *	  What the commands print with: errors, JSON, times, tables.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE				/* strptime(), wcwidth() */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "cli.h"

/* Longest cell of a table, in columns of the terminal */
#define MAX_CELL	60

/* How often a history is looked at that may grow */
#define LOOK_INTERVAL_MS	200

/* ---- errors ---- */

void
cli_error(const char *fmt,...)
{
	va_list		args;

	fputs("pgworkflow: error: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

PgwfClient *
cli_client(const CliOptions *o)
{
	PgwfClientOptions options = PGWF_CLIENT_OPTIONS_INIT;

	options.workflow_namespace = o->workflow_namespace;
	options.identity = o->identity;
	options.pooled = o->pooled;
	options.retry_timeout_ms = -1;
	return pgwf_client_new(o->dbname, &options);
}

/* Says what went wrong; returns the exit code. */
int
cli_failed(PgwfClient *client, PgwfResult code)
{
	const char *sqlstate = pgwf_client_sqlstate(client);

	if (sqlstate[0] != '\0')
		cli_error("%s (%s, SQLSTATE %s)", pgwf_client_error(client),
				  pgwf_result_text(code), sqlstate);
	else
		cli_error("%s", pgwf_client_error(client));
	return EXIT_ERROR;
}

/* The end of a command that prints nothing; frees the client. */
int
cli_done(PgwfClient *client, PgwfResult code)
{
	int			rc = code == PGWF_OK ? EXIT_OK : cli_failed(client, code);

	pgwf_client_free(client);
	return rc;
}

void
cli_print_failure(FILE *to, PgwfFailure *failure)
{
	int			depth = 0;

	for (; failure != NULL; failure = pgwf_failure_cause(failure))
	{
		const char *type = pgwf_failure_type(failure);

		fprintf(to, "%*s%s%s%s%s\n", 2 * depth, "",
				depth > 0 ? "caused by: " : "", type,
				type[0] != '\0' ? ": " : "", pgwf_failure_message(failure));
		depth++;
	}
}

/* ---- JSON ---- */

void
cli_print_json(const json_t *value)
{
	char	   *text = NULL;

	if (value != NULL)
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_INDENT(2) |
						  JSON_REAL_PRECISION(15));
	puts(text != NULL ? text : "null");
	free(text);
}

/* A list of values: the usual single one without the list around it */
void
cli_print_value(const json_t *values)
{
	if (json_array_size(values) == 1)
		cli_print_json(json_array_get(values, 0));
	else if (json_array_size(values) > 1)
		cli_print_json(values);
}

/* A value in one line, to be freed; strings without quotes */
char *
cli_value_text(const json_t *value)
{
	if (value == NULL)
		return strdup("");
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
					  JSON_REAL_PRECISION(15));
}

/* What "@FILE" names; exits if it cannot be read. */
static json_t *
read_json_file(const char *path, const char *what)
{
	json_error_t error;
	json_t	   *value = json_load_file(path, JSON_DECODE_ANY, &error);

	if (value == NULL)
	{
		cli_error("could not read %s from \"%s\": %s", what, path,
				  error.text);
		exit(EXIT_USAGE);
	}
	return value;
}

/* NULL for NULL; exits when the text is not JSON. */
json_t *
cli_parse_json(const char *text, const char *what)
{
	json_error_t error;
	json_t	   *value;

	if (text == NULL)
		return NULL;
	if (text[0] == '@')
		return read_json_file(text + 1, what);
	value = json_loads(text, JSON_DECODE_ANY, &error);
	if (value == NULL)
	{
		cli_error("%s is not valid JSON: %s", what, error.text);
		exit(EXIT_USAGE);
	}
	return value;
}

/* The text at a path "a.b.c" of an object; "" if there is none */
const char *
cli_text(const json_t *object, const char *path)
{
	while (object != NULL)
	{
		char		key[64];
		size_t		len = strcspn(path, ".");

		if (len >= sizeof(key))
			break;
		memcpy(key, path, len);
		key[len] = '\0';
		object = json_object_get(object, key);
		if (path[len] == '\0')
			return json_is_string(object) ? json_string_value(object) : "";
		path += len + 1;
	}
	return "";
}

/* "WORKFLOW_EXECUTION_STATUS_TIMED_OUT" to "TimedOut" */
const char *
cli_enum_text(const char *constant, const char *prefix, char buf[64])
{
	size_t		n = 0;
	bool		upper = true;

	if (strncmp(constant, prefix, strlen(prefix)) == 0)
		constant += strlen(prefix);
	for (; *constant != '\0' && n < 63; constant++)
	{
		char		c = *constant;

		if (c != '_')
			buf[n++] = (!upper && c >= 'A' && c <= 'Z') ?
				(char) (c - 'A' + 'a') : c;
		upper = (c == '_');
	}
	buf[n] = '\0';
	return buf;
}

/* ---- times ---- */

/* 2026-01-31 12:00:00.123, in UTC */
const char *
cli_time_text(int64_t us, char buf[32])
{
	time_t		seconds = (time_t) (us / 1000000);
	struct tm	tm;
	size_t		n;

	gmtime_r(&seconds, &tm);
	n = strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buf + n, 32 - n, ".%03d", (int) (us % 1000000 / 1000));
	return buf;
}

/* The same as JSON has it: 2026-01-31T12:00:00.123456Z */
json_t *
cli_time_json(int64_t us)
{
	char		buf[32];

	cli_time_text(us, buf);
	buf[10] = 'T';
	buf[19] = '\0';
	return json_sprintf("%s.%06dZ", buf, (int) (us % 1000000));
}

/* The same of an RFC 3339 time in UTC; "" for "" */
const char *
cli_time_short(const char *time, char buf[32])
{
	snprintf(buf, 32, "%.23s", time);
	if (strlen(buf) > 10 && buf[10] == 'T')
		buf[10] = ' ';
	if (buf[0] != '\0' && buf[strlen(buf) - 1] == 'Z')
		buf[strlen(buf) - 1] = '\0';
	return buf;
}

/* Microseconds since 1970 of an RFC 3339 time in UTC; -1 if it is not one */
int64_t
cli_time_us(const char *time)
{
	struct tm	tm;
	const char *rest;
	int64_t		us = 0;
	int64_t		unit = 100000;

	memset(&tm, 0, sizeof(tm));
	rest = strptime(time, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL)
		return -1;
	if (*rest == '.')
	{
		for (rest++; *rest >= '0' && *rest <= '9'; rest++)
		{
			us += (*rest - '0') * unit;
			unit /= 10;
		}
	}
	return (int64_t) timegm(&tm) * 1000000 + us;
}

/* 250 ms, 5.3 s, 12 m 05 s, 3 h 20 m, 4 d 07 h */
const char *
cli_duration_text(int64_t us, char buf[32])
{
	int64_t		s = us / 1000000;

	if (us < 1000000)
		snprintf(buf, 32, "%" PRId64 " ms", us / 1000);
	else if (s < 60)
		snprintf(buf, 32, "%" PRId64 ".%" PRId64 " s", s,
				 us % 1000000 / 100000);
	else if (s < 3600)
		snprintf(buf, 32, "%" PRId64 " m %02" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, 32, "%" PRId64 " h %02" PRId64 " m", s / 3600,
				 s / 60 % 60);
	else
		snprintf(buf, 32, "%" PRId64 " d %02" PRId64 " h", s / 86400,
				 s / 3600 % 24);
	return buf;
}

void
cli_pause(void)
{
	struct timespec delay = {0, LOOK_INTERVAL_MS * 1000000};

	fflush(stdout);
	nanosleep(&delay, NULL);
}

/* ---- tables ---- */

struct CliTable
{
	int			ncolumns;
	int			nrows;
	int			size;
	char	  **cells;			/* row by row; the first row is the titles */
};

/*
 * Columns of the terminal that a text takes.  Bytes that are no characters
 * count as one.
 */
int
cli_text_width(const char *text)
{
	mbstate_t	state;
	int			width = 0;

	memset(&state, 0, sizeof(state));
	while (*text != '\0')
	{
		wchar_t		c;
		size_t		n = mbrtowc(&c, text, strlen(text), &state);

		if (n == (size_t) -1 || n == (size_t) -2)
		{
			memset(&state, 0, sizeof(state));
			n = 1;
			width++;
		}
		else
		{
			int			w = wcwidth(c);

			width += w > 0 ? w : 0;
		}
		text += n;
	}
	return width;
}

/* Prints a text and spaces after it; one that is longer is cut. */
void
cli_print_padded(const char *text, int width)
{
	int			left = width;
	mbstate_t	state;

	memset(&state, 0, sizeof(state));
	if (cli_text_width(text) > width)
		left -= 3;				/* for the dots */
	while (*text != '\0' && left > 0)
	{
		wchar_t		c;
		size_t		n = mbrtowc(&c, text, strlen(text), &state);
		int			w = 1;

		if (n == (size_t) -1 || n == (size_t) -2)
		{
			memset(&state, 0, sizeof(state));
			n = 1;
			putchar('?');
		}
		else
		{
			w = wcwidth(c);
			if (w > left)
				break;
			/* what moves the cursor would break the table */
			if (w < 0)
				putchar(' ');
			else
				fwrite(text, 1, n, stdout);
			w = w < 0 ? 1 : w;
		}
		left -= w;
		text += n;
	}
	if (*text != '\0')
		fputs("...", stdout);
	printf("%*s", left, "");
}

CliTable *
cli_table_new(int ncolumns, const char *const *titles)
{
	CliTable   *table = calloc(1, sizeof(CliTable));

	if (table == NULL)
		abort();
	table->ncolumns = ncolumns;
	cli_table_add(table, titles);
	return table;
}

void
cli_table_add(CliTable *table, const char *const *cells)
{
	int			i;

	if (table->nrows == table->size)
	{
		table->size = table->size * 2 + 16;
		table->cells = realloc(table->cells, sizeof(char *) *
							   (size_t) (table->size * table->ncolumns));
		if (table->cells == NULL)
			abort();
	}
	for (i = 0; i < table->ncolumns; i++)
	{
		table->cells[table->nrows * table->ncolumns + i] =
			strdup(cells[i] != NULL ? cells[i] : "");
	}
	table->nrows++;
}

void
cli_table_print(const CliTable *table)
{
	int			row;
	int			column;
	int		   *widths = calloc((size_t) table->ncolumns, sizeof(int));

	if (widths == NULL)
		abort();
	for (row = 0; row < table->nrows; row++)
	{
		for (column = 0; column < table->ncolumns; column++)
		{
			int			width = cli_text_width(
											   table->cells[row * table->ncolumns + column]);

			if (width > MAX_CELL)
				width = MAX_CELL;
			if (width > widths[column])
				widths[column] = width;
		}
	}
	for (row = 0; row < table->nrows; row++)
	{
		char	  **cells = table->cells + row * table->ncolumns;
		int			last = table->ncolumns - 1;

		/* no spaces at the end of a line */
		while (last > 0 && cells[last][0] == '\0')
			last--;
		for (column = 0; column <= last; column++)
		{
			int			width = cli_text_width(cells[column]);

			cli_print_padded(cells[column],
							 column < last || width > widths[column] ?
							 widths[column] : width);
			fputs(column < last ? "  " : "\n", stdout);
		}
	}
	free(widths);
}

void
cli_table_free(CliTable *table)
{
	int			i;

	for (i = 0; i < table->nrows * table->ncolumns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}
