/*-------------------------------------------------------------------------
 *
 * pgwf_cron.c
 *		Cron lines, of workflows (SS 3.5) and of schedules (SS 14).
 *
 * A workflow's line has five fields, and of its two day fields either may
 * match, as in every cron.  A schedule's line has five, six (with the year)
 * or seven (with the second as well), a comment, and both day fields must
 * match.  "@every" counts from the time before in the one, from 1970 in the
 * other.
 *
 * Touches no table and takes no lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_cron.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"

PG_FUNCTION_INFO_V1(pgwf_cron_next_sql);

#define MAX_FIELDS 7

#define UNIX_EPOCH \
	(-((int64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

static const struct
{
	const char *name;
	const char *fields;
}			nicknames[] = {
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"}
};

static const struct
{
	const char *name;
	double		microseconds;
}			units[] = {
	{"ns", 0.001},
	{"us", 1},
	{"\302\265s", 1},			/* micro sign */
	{"\316\274s", 1},			/* Greek mu */
	{"ms", 1000},
	{"s", USECS_PER_SEC},
	{"m", USECS_PER_MINUTE},
	{"h", USECS_PER_HOUR},
	{"d", USECS_PER_DAY}
};

/* A duration such as "1h30m" or "1.5d", in microseconds */
static bool
parse_duration(const char *text, int64 *result)
{
	double		total = 0;

	if (text[0] == '0' && text[1] == '\0')
	{
		*result = 0;
		return true;
	}
	if (text[0] == '\0')
		return false;
	while (*text)
	{
		char	   *end;
		double		number;
		size_t		unit_len;
		bool		found = false;

		if (!isdigit((unsigned char) *text) && *text != '.')
			return false;
		unit_len = strspn(text, "0123456789.");
		number = strtod(text, &end);
		if (end != text + unit_len)
			return false;
		text = end;

		unit_len = strcspn(text, "0123456789.");
		for (int i = 0; i < lengthof(units) && !found; i++)
		{
			if (strlen(units[i].name) == unit_len &&
				strncmp(units[i].name, text, unit_len) == 0)
			{
				total += number * units[i].microseconds;
				found = true;
			}
		}
		if (!found)
			return false;
		text += unit_len;
	}
	if (total > PGWF_MAX_DURATION)
		return false;
	*result = (int64) (total + 0.5);
	return true;
}

/* Removes white space at both ends of a string, in place */
static char *
trim(char *text)
{
	char	   *end;

	while (isspace((unsigned char) *text))
		text++;
	end = text + strlen(text);

	while (end > text && isspace((unsigned char) end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* "@every 1h", of a schedule also "@every 1h/5m" with the phase */
static bool
parse_every(PgwfCron *cron, char *text, char **error)
{
	char	   *phase = cron->for_schedule ? strchr(text, '/') : NULL;

	cron->is_interval = true;
	if (phase)
		*phase++ = '\0';
	if (!parse_duration(trim(text), &cron->interval) ||
		(phase && !parse_duration(trim(phase), &cron->phase)))
	{
		*error = pstrdup("duration of @every is not understood");
		return false;
	}
	if (!cron->for_schedule)
		cron->interval = Max(cron->interval / USECS_PER_SEC, 1) *
			USECS_PER_SEC;
	else if (cron->interval < USECS_PER_SEC)
	{
		*error = pstrdup("interval of @every is shorter than one second");
		return false;
	}
	else if (cron->phase >= cron->interval)
	{
		*error = pstrdup("phase of @every is not shorter than its interval");
		return false;
	}
	return true;
}

/* Splits at white space; returns the number of fields, at most one too many */
static int
split_fields(char *text, char **fields)
{
	int			count = 0;

	for (;;)
	{
		while (isspace((unsigned char) *text))
			text++;

		if (*text == '\0' || count > MAX_FIELDS)
			return count;
		if (count < MAX_FIELDS)
			fields[count] = text;

		count++;
		while (*text && !isspace((unsigned char) *text))
			text++;

		if (*text)
			*text++ = '\0';
	}
}

static bool
parse_fields(PgwfCron *cron, char *text, char **error)
{
	static const PgwfCalendarField order[MAX_FIELDS] = {
		PGWF_CALENDAR_SECOND, PGWF_CALENDAR_MINUTE, PGWF_CALENDAR_HOUR,
		PGWF_CALENDAR_DAY_OF_MONTH, PGWF_CALENDAR_MONTH,
		PGWF_CALENDAR_DAY_OF_WEEK, PGWF_CALENDAR_YEAR
	};
	char	   *fields[MAX_FIELDS];
	int			count = split_fields(text, fields);
	int			first = (count == MAX_FIELDS) ? 0 : 1;

	if (count < 5 || count > (cron->for_schedule ? MAX_FIELDS : 5))
	{
		*error = pstrdup(cron->for_schedule ?
						 "there must be 5, 6 or 7 fields" :
						 "there must be 5 fields");
		return false;
	}
	pgwf_calendar_init(&cron->calendar);
	cron->calendar.either_day = !cron->for_schedule;
	for (int i = 0; i < count; i++)
	{
		if (!pgwf_calendar_parse(&cron->calendar, order[first + i],
								 fields[i], error))
			return false;
	}
	pgwf_calendar_finish(&cron->calendar);
	return true;
}

/* "CRON_TZ=" or "TZ=" before the rest; returns the rest, or NULL */
static char *
parse_zone(PgwfCron *cron, char *text, char **error)
{
	char	   *name;
	char	   *rest;

	if (strncmp(text, "TZ=", 3) == 0)
		name = text + 3;

	else if (strncmp(text, "CRON_TZ=", 8) == 0)
		name = text + 8;

	else
	{
		cron->zone = pgwf_zone(NULL);
		return text;
	}
	rest = name + strcspn(name, " \t");
	if (*rest)
		*rest++ = '\0';
	cron->zone_name = name;
	cron->zone = pgwf_zone(name);
	if (cron->zone == NULL)
	{
		*error = psprintf("time zone \"%s\" is not known", name);
		return NULL;
	}
	return trim(rest);
}

/*
 * Reads a cron line: of a schedule if "days_are_anded", else of a workflow.
 * The result is allocated in the current memory context.  Returns NULL and
 * sets *error, a sentence without period, if the line is not understood.
 */
PgwfCron *
pgwf_cron_parse(const char *spec, bool days_are_anded, char **error)
{
	PgwfCron   *cron = palloc0(sizeof(PgwfCron));
	char	   *text = trim(pstrdup(spec));

	*error = NULL;
	cron->for_schedule = days_are_anded;
	text = parse_zone(cron, text, error);

	if (text == NULL)
		return NULL;
	if (cron->for_schedule)
	{
		char	   *comment = strchr(text, '#');

		if (comment)
		{
			*comment++ = '\0';
			cron->comment = trim(comment);
			text = trim(text);
		}
	}
	if (strncmp(text, "@every", 6) == 0 && isspace((unsigned char) text[6]))
		return parse_every(cron, text + 6, error) ? cron : NULL;
	if (text[0] == '@')
	{
		const char *fields = NULL;

		for (int i = 0; i < lengthof(nicknames); i++)
		{
			if (pg_strcasecmp(text, nicknames[i].name) == 0)
				fields = nicknames[i].fields;
		}
		if (fields == NULL)
		{
			*error = psprintf("\"%s\" is not known", text);
			return NULL;
		}
		text = pstrdup(fields);
	}
	return parse_fields(cron, text, error) ? cron : NULL;
}

/* The first moment after "after" that is a whole number of intervals and a
 * phase away from 1970 */
TimestampTz
pgwf_interval_next(int64 interval, int64 phase, TimestampTz after)
{
	int64		since;
	int64		count;

	if (TIMESTAMP_NOT_FINITE(after))
		return DT_NOEND;
	since = after - UNIX_EPOCH - phase;
	count = since / interval;
	if (since % interval < 0)
		count--;
	return UNIX_EPOCH + phase + (count + 1) * interval;
}

/* The first moment after "after", or DT_NOEND if there is none */
TimestampTz
pgwf_cron_next(const PgwfCron *cron, TimestampTz after)
{
	if (TIMESTAMP_NOT_FINITE(after))
		return DT_NOEND;
	if (!cron->is_interval)
		return pgwf_calendar_next(&cron->calendar, cron->zone, after);
	if (cron->for_schedule)
		return pgwf_interval_next(cron->interval, cron->phase, after);
	/* from the second before, but not the same moment again */
	return pgwf_interval_next(USECS_PER_SEC, 0, after - USECS_PER_SEC) +
		cron->interval;
}

/*
 * How long a run of a workflow with this cron line waits before its first
 * task: until the first of its moments after "execution_time", when the run
 * before it began to execute, that is not before "now", in whole seconds,
 * rounded up.  -1 if there is no such moment.
 */
int64
pgwf_cron_backoff(const PgwfCron *cron, TimestampTz execution_time,
				  TimestampTz now)
{
	TimestampTz next = pgwf_cron_next(cron, execution_time);

	if (next < now && cron->is_interval)
		next += (now - next + cron->interval - 1) / cron->interval *
			cron->interval;
	else if (next < now)
		next = pgwf_cron_next(cron, now - 1);
	if (next == DT_NOEND)
		return -1;
	return (next - now + USECS_PER_SEC - 1) / USECS_PER_SEC * USECS_PER_SEC;
}

/*
 * cron_next(spec, after, for_schedule)
 *
 * NULL if the line has no moment after that one.
 */
Datum
pgwf_cron_next_sql(PG_FUNCTION_ARGS)
{
	char	   *spec = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *error;
	PgwfCron   *cron = pgwf_cron_parse(spec, PG_GETARG_BOOL(2), &error);
	TimestampTz next;

	if (cron == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid cron line \"%s\"", spec),
				 errdetail("In it, %s.", error)));
	next = pgwf_cron_next(cron, PG_GETARG_TIMESTAMPTZ(1));
	if (next == DT_NOEND)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(next);
}
