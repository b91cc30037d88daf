/*-------------------------------------------------------------------------
 *
 * pgwf_calendar.c
 *		Moments described by the fields of a calendar.
 *
 * Wall-clock times are matched literally: those that a change of the zone's
 * offset skips never come, those that it repeats come twice.
 *
 * Touches no table and takes no lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/string.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "pgwf_calendar.h"

/* A calendar without a match in this time has none */
#define MAX_SEARCH		(INT64CONST(100) * 366 * SECS_PER_DAY)

#define FIRST_YEAR		1970
#define LAST_YEAR		9999

/* The names of a value begin with at least this many of its letters */
#define MIN_NAME_LENGTH	3

/* A set with one value, which is less than 64 */
#define MEMBER(value)	(UINT64CONST(1) << ((value) % 64U))

typedef struct FieldInfo
{
	const char *name;
	int			min;
	int			max;
	const char *const *value_names; /* of min and those after it */
} FieldInfo;

static const char *const month_names[] = {
	"january", "february", "march", "april", "may", "june", "july", "august",
	"september", "october", "november", "december", NULL
};

static const char *const day_names[] = {
	"sunday", "monday", "tuesday", "wednesday", "thursday", "friday",
	"saturday", NULL
};

static const FieldInfo field_info[PGWF_CALENDAR_FIELDS] = {
	[PGWF_CALENDAR_SECOND] = {"second", 0, 59, NULL},
	[PGWF_CALENDAR_MINUTE] = {"minute", 0, 59, NULL},
	[PGWF_CALENDAR_HOUR] = {"hour", 0, 23, NULL},
	[PGWF_CALENDAR_DAY_OF_MONTH] = {"day of month", 1, 31, NULL},
	[PGWF_CALENDAR_MONTH] = {"month", 1, 12, month_names},
	[PGWF_CALENDAR_YEAR] = {"year", FIRST_YEAR, LAST_YEAR, NULL},
	[PGWF_CALENDAR_DAY_OF_WEEK] = {"day of week", 0, 7, day_names}
};

/* Every field is empty; pgwf_calendar_finish() gives those their meaning */
void
pgwf_calendar_init(PgwfCalendar *calendar)
{
	memset(calendar, 0, sizeof(PgwfCalendar));
}

/*
 * Adds values to a field.  A "step" of 0 is 1.  Returns false and sets
 * *error, a sentence without period, if they cannot be.
 */
bool
pgwf_calendar_add(PgwfCalendar *calendar, PgwfCalendarField field, int start,
				  int end, int step, char **error)
{
	const FieldInfo *info = &field_info[field];
	PgwfCalendarRange *range;

	if (step == 0)
		step = 1;
	if (start < info->min || start > info->max ||
		end < info->min || end > info->max)
	{
		*error = psprintf("%s must be between %d and %d",
						  info->name, info->min, info->max);
		return false;
	}
	if (end < start)
	{
		*error = psprintf("%s has a range that ends before it starts",
						  info->name);
		return false;
	}
	if (step < 0)
	{
		*error = psprintf("%s has a step that is not positive", info->name);
		return false;
	}

	range = palloc(sizeof(PgwfCalendarRange));
	range->start = start;
	range->end = end;
	range->step = step;
	calendar->ranges[field] = lappend(calendar->ranges[field], range);
	if (field != PGWF_CALENDAR_YEAR)
	{
		Assert(start >= 0 && end < 64);
		for (int value = start; value <= end; value += step)
			calendar->values[field] |=
				MEMBER(field == PGWF_CALENDAR_DAY_OF_WEEK ? value % 7 : value);
	}
	return true;
}

/* A number or the name of a value; advances *text behind it */
static bool
parse_value(const FieldInfo *info, const char **text, int *value)
{
	const char *p = *text;
	size_t		len;

	if (isdigit((unsigned char) *p))
	{
		*value = 0;
		while (isdigit((unsigned char) *p) && p - *text < 5)
			*value = *value * 10 + (*p++ - '0');
		*text = p;
		return true;
	}

	while (isalpha((unsigned char) *p))
		p++;
	len = p - *text;
	if (len < MIN_NAME_LENGTH || info->value_names == NULL)
		return false;
	for (int i = 0; info->value_names[i]; i++)
	{
		if (pg_strncasecmp(info->value_names[i], *text, len) == 0)
		{
			*value = info->min + i;
			*text = p;
			return true;
		}
	}
	return false;
}

/*
 * One element of a field: "*", "?", a value or a range of values, each with
 * or without a step
 */
static bool
parse_element(PgwfCalendar *calendar, PgwfCalendarField field,
			  const char **text, char **error)
{
	const FieldInfo *info = &field_info[field];
	const char *p = *text;
	bool		star = (*p == '*' || *p == '?');
	bool		has_end = star;
	int			start = info->min;
	int			end = info->max;
	int			step = 1;

	if (field == PGWF_CALENDAR_DAY_OF_WEEK)
		end = 6;
	if (star)
		p++;
	else
	{
		if (!parse_value(info, &p, &start))
			return false;
		if (*p == '-')
		{
			p++;
			if (!parse_value(info, &p, &end))
				return false;
			has_end = true;
		}
	}
	if (*p == '/')
	{
		p++;
		if (!isdigit((unsigned char) *p) ||
			!parse_value(info, &p, &step) || step == 0)
			return false;
	}
	else if (!has_end)
		end = start;
	if (field == PGWF_CALENDAR_DAY_OF_WEEK && start > end && end == 0)
		end = 7;				/* such as Friday to Sunday */
	if (start > end && !has_end)
		end = start;

	*text = p;
	if (star && step == 1)
		calendar->star[field] = true;
	if (star && step == 1 && field == PGWF_CALENDAR_YEAR)
		return true;
	return pgwf_calendar_add(calendar, field, start, end, step, error);
}

/*
 * Adds the values of a field of a cron line or a calendar: a list of
 * elements separated by commas.  An empty text adds nothing.  Returns false
 * and sets *error, a sentence without period, if it is not understood.
 */
bool
pgwf_calendar_parse(PgwfCalendar *calendar, PgwfCalendarField field,
					const char *text, char **error)
{
	const char *p = text;

	*error = NULL;
	if (text[0] == '\0')
		return true;
	for (;;)
	{
		if (!parse_element(calendar, field, &p, error))
			break;
		if (*p == '\0')
			return true;
		if (*p++ != ',')
			break;
	}
	if (*error == NULL)
		*error = psprintf("%s \"%s\" is not understood",
						  field_info[field].name, text);
	return false;
}

/*
 * After the last field: an empty time field is 0, an empty day, month or
 * year is any.
 */
void
pgwf_calendar_finish(PgwfCalendar *calendar)
{
	char	   *error;

	for (int i = 0; i < PGWF_CALENDAR_FIELDS; i++)
	{
		if (calendar->ranges[i] == NIL)
			(void) pgwf_calendar_parse(calendar, i,
									   i <= PGWF_CALENDAR_HOUR ? "0" : "*",
									   &error);
	}
}

/*
 * Matching
 */

static bool
has_value(const PgwfCalendar *calendar, PgwfCalendarField field, int value)
{
	return (calendar->values[field] & MEMBER(value)) != 0;
}

/* The first year of the calendar from "year" on, or 0 */
static int
next_year(const PgwfCalendar *calendar, int year)
{
	int			result = 0;
	ListCell   *lc;

	if (calendar->ranges[PGWF_CALENDAR_YEAR] == NIL ||
		calendar->star[PGWF_CALENDAR_YEAR])
		return year;
	foreach(lc, calendar->ranges[PGWF_CALENDAR_YEAR])
	{
		PgwfCalendarRange *range = lfirst(lc);
		int			candidate = range->start;

		if (year > candidate)
			candidate += (year - candidate + range->step - 1) /
				range->step * range->step;
		if (candidate <= range->end && (result == 0 || candidate < result))
			result = candidate;
	}
	return result;
}

static bool
day_matches(const PgwfCalendar *calendar, int day_of_month, int day_of_week)
{
	bool		month_matches;
	bool		week_matches;

	month_matches = has_value(calendar, PGWF_CALENDAR_DAY_OF_MONTH,
							  day_of_month);
	week_matches = has_value(calendar, PGWF_CALENDAR_DAY_OF_WEEK,
							 day_of_week);
	if (calendar->either_day &&
		!calendar->star[PGWF_CALENDAR_DAY_OF_MONTH] &&
		!calendar->star[PGWF_CALENDAR_DAY_OF_WEEK])
		return month_matches || week_matches;
	return month_matches && week_matches;
}

/* The first value of a field from "value" on, or -1 */
static int
next_value(const PgwfCalendar *calendar, PgwfCalendarField field, int value)
{
	for (; value <= field_info[field].max; value++)
	{
		if (has_value(calendar, field, value))
			return value;
	}
	return -1;
}

/* The first matching second of a day from "second" on, or -1 */
static int
next_second_of_day(const PgwfCalendar *calendar, int second)
{
	int			from_hour = second / SECS_PER_HOUR;
	int			from_minute = second / SECS_PER_MINUTE % MINS_PER_HOUR;
	int			hour;

	second %= SECS_PER_MINUTE;
	for (hour = next_value(calendar, PGWF_CALENDAR_HOUR, from_hour);
		 hour >= 0;
		 hour = next_value(calendar, PGWF_CALENDAR_HOUR, hour + 1))
	{
		bool		first_hour = (hour == from_hour);
		int			minute;

		for (minute = next_value(calendar, PGWF_CALENDAR_MINUTE,
								 first_hour ? from_minute : 0);
			 minute >= 0;
			 minute = next_value(calendar, PGWF_CALENDAR_MINUTE, minute + 1))
		{
			bool		first_minute = first_hour && minute == from_minute;
			int			result;

			result = next_value(calendar, PGWF_CALENDAR_SECOND,
								first_minute ? second : 0);
			if (result >= 0)
				return (hour * MINS_PER_HOUR + minute) * SECS_PER_MINUTE +
					result;
		}
	}
	return -1;
}

/*
 * The first match from one wall-clock time on and before another, both in
 * seconds since 1970.  Returns false if there is none.
 */
static bool
next_local(const PgwfCalendar *calendar, int64 from, int64 before,
		   int64 *result)
{
	int64		day = from / SECS_PER_DAY;
	int			second = from % SECS_PER_DAY;

	if (second < 0)
	{
		second += SECS_PER_DAY;
		day--;
	}
	while (day * SECS_PER_DAY < before)
	{
		int			year;
		int			month;
		int			day_of_month;
		int			matching_year;
		int			found = -1;

		j2date(day + UNIX_EPOCH_JDATE, &year, &month, &day_of_month);
		matching_year = next_year(calendar, year);
		if (matching_year == 0)
			return false;
		if (matching_year != year)
			day = date2j(matching_year, 1, 1) - UNIX_EPOCH_JDATE;
		else if (!has_value(calendar, PGWF_CALENDAR_MONTH, month))
			day = (month == 12 ? date2j(year + 1, 1, 1) :
				   date2j(year, month + 1, 1)) - UNIX_EPOCH_JDATE;
		else
		{
			if (day_matches(calendar, day_of_month,
							j2day(day + UNIX_EPOCH_JDATE)))
				found = next_second_of_day(calendar, second);
			if (found >= 0)
			{
				*result = day * SECS_PER_DAY + found;
				return *result < before;
			}
			day++;
		}
		second = 0;
	}
	return false;
}

/* Seconds since 1970, rounded down */
static pg_time_t
whole_seconds(TimestampTz moment)
{
	int64		seconds = moment / USECS_PER_SEC;

	if (moment % USECS_PER_SEC < 0)
		seconds--;
	return seconds +
		((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY);
}

/*
 * Advances to shortly before the first year of the calendar, in any zone.
 * Returns false if all its years have passed.
 */
static bool
skip_years(const PgwfCalendar *calendar, pg_time_t *from)
{
	int			year;
	int			month;
	int			day_of_month;
	int			first_year;

	j2date(*from / SECS_PER_DAY - 1 + UNIX_EPOCH_JDATE,
		   &year, &month, &day_of_month);
	first_year = next_year(calendar, year);
	if (first_year > year + 1)
		*from = (date2j(first_year, 1, 1) - UNIX_EPOCH_JDATE - 2) *
			(pg_time_t) SECS_PER_DAY;
	return first_year != 0;
}

/*
 * The first match after a moment, or DT_NOEND.  Time is searched in
 * stretches in which the zone's offset stays the same.
 */
TimestampTz
pgwf_calendar_next(const PgwfCalendar *calendar, const PgwfZone *zone,
				   TimestampTz after)
{
	pg_time_t	from;
	pg_time_t	end;

	if (TIMESTAMP_NOT_FINITE(after))
		return DT_NOEND;
	from = whole_seconds(after) + 1;
	if (!skip_years(calendar, &from))
		return DT_NOEND;
	end = from + MAX_SEARCH;
	while (from < end)
	{
		int64		offset;
		pg_time_t	boundary;
		int64		found;

		if (!pgwf_zone_offset(zone, from, &offset, &boundary))
			return DT_NOEND;
		boundary = Min(boundary, end);
		if (next_local(calendar, from + offset, boundary + offset, &found))
			return time_t_to_timestamptz(found - offset);
		from = boundary;
	}
	return DT_NOEND;
}

/* Does the second in which a moment lies match? */
bool
pgwf_calendar_matches(const PgwfCalendar *calendar, const PgwfZone *zone,
					  TimestampTz moment)
{
	pg_time_t	seconds = whole_seconds(moment);
	pg_time_t	boundary;
	int64		offset;
	int64		found;

	return pgwf_zone_offset(zone, seconds, &offset, &boundary) &&
		next_local(calendar, seconds + offset, seconds + offset + 1, &found);
}
