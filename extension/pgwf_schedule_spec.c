/*-------------------------------------------------------------------------
 *
 * pgwf_schedule_spec.c
 *		When a schedule acts (SS 14): at the times of its calendars and
 *		intervals, less those it excludes.
 *
 * Calendars are given as ranges, as texts or as cron lines, and kept as
 * ranges.
 *
 * Touches no table and takes no lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_compat.h"
#include "pgwf_cron.h"
#include "pgwf_errors.h"
#include "pgwf_schedule_spec.h"

/* A spec that excludes so many times in a row has no next time */
#define MAX_EXCLUDED 1000000

#define MAX_COMMENT_LENGTH 200

static const char *const spec_members[] = {
	"structuredCalendar", "calendar", "cronString", "interval",
	"excludeStructuredCalendar", "excludeCalendar", "startTime", "endTime",
	"jitter", "timezoneName", "timezoneData", NULL
};

static const char *const calendar_members[] = {
	[PGWF_CALENDAR_SECOND] = "second",
	[PGWF_CALENDAR_MINUTE] = "minute",
	[PGWF_CALENDAR_HOUR] = "hour",
	[PGWF_CALENDAR_DAY_OF_MONTH] = "dayOfMonth",
	[PGWF_CALENDAR_MONTH] = "month",
	[PGWF_CALENDAR_YEAR] = "year",
	[PGWF_CALENDAR_DAY_OF_WEEK] = "dayOfWeek",
	"comment",
	NULL
};

static const char *const range_members[] = {"start", "end", "step", NULL};

static const char *const interval_members[] = {"interval", "phase", NULL};

pg_noreturn static void report_invalid(const char *detail);

static void
report_invalid(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("invalid schedule spec"),
			 errdetail("In it, %s.", detail)));
}

static void
check_reader(const PgwfReader *reader)
{
	if (reader->error)
		report_invalid(reader->error);
}

static char *
read_comment(PgwfReader *reader)
{
	char	   *comment = pgwf_read_text(reader, "comment");

	if (comment && strlen(comment) > MAX_COMMENT_LENGTH)
		report_invalid(psprintf("a comment is longer than %d bytes",
								MAX_COMMENT_LENGTH));
	return comment;
}

/* A calendar whose fields are ranges of numbers */
static PgwfScheduleCalendar *
read_structured(PgwfReader *reader)
{
	PgwfScheduleCalendar *result = palloc0(sizeof(PgwfScheduleCalendar));
	char	   *error;

	pgwf_read_only(reader, "structuredCalendar", calendar_members);
	pgwf_calendar_init(&result->calendar);
	for (int field = 0; field < PGWF_CALENDAR_FIELDS; field++)
	{
		ListCell   *lc;

		foreach(lc, pgwf_read_elements(reader, calendar_members[field]))
		{
			PgwfReader *range = lfirst(lc);
			int64		start = pgwf_read_int(range, "start");
			int64		end = pgwf_read_int(range, "end");
			int64		step = pgwf_read_int(range, "step");

			pgwf_read_only(range, "a range", range_members);
			check_reader(range);
			/* what no calendar has is refused below */
			start = Max(Min(start, PG_INT16_MAX), PG_INT16_MIN);
			end = Max(Min(end, PG_INT16_MAX), start);
			step = Max(Min(step, PG_INT16_MAX), PG_INT16_MIN);
			if (!pgwf_calendar_add(&result->calendar, field, start, end,
								   step, &error))
				report_invalid(error);
		}
	}
	result->comment = read_comment(reader);
	check_reader(reader);
	pgwf_calendar_finish(&result->calendar);
	return result;
}

/* A calendar whose fields are texts */
static PgwfScheduleCalendar *
read_calendar(PgwfReader *reader)
{
	PgwfScheduleCalendar *result = palloc0(sizeof(PgwfScheduleCalendar));
	char	   *error;

	pgwf_read_only(reader, "calendar", calendar_members);
	pgwf_calendar_init(&result->calendar);
	for (int field = 0; field < PGWF_CALENDAR_FIELDS; field++)
	{
		char	   *text = pgwf_read_text(reader, calendar_members[field]);

		if (text && !pgwf_calendar_parse(&result->calendar, field, text,
										 &error))
			report_invalid(error);
	}
	result->comment = read_comment(reader);
	check_reader(reader);
	pgwf_calendar_finish(&result->calendar);
	return result;
}

static PgwfScheduleInterval *
make_interval(int64 interval, int64 phase)
{
	PgwfScheduleInterval *result = palloc(sizeof(PgwfScheduleInterval));

	result->interval = interval / USECS_PER_SEC * USECS_PER_SEC;
	result->phase = phase / USECS_PER_SEC * USECS_PER_SEC;
	if (result->interval <= 0)
		report_invalid("an interval is shorter than one second");
	if (phase < 0)
		report_invalid("a phase is negative");
	if (phase >= interval)
		report_invalid("a phase is not shorter than its interval");
	return result;
}

static PgwfScheduleInterval *
read_interval(PgwfReader *reader)
{
	int64		interval = pgwf_read_duration(reader, "interval");
	int64		phase = pgwf_read_duration(reader, "phase");

	pgwf_read_only(reader, "interval", interval_members);
	check_reader(reader);
	return make_interval(interval, phase);
}

/*
 * Adds the cron lines.  Those that name a time zone name it for the whole
 * spec, so they must agree with each other and with what it names itself.
 */
static void
add_cron_strings(PgwfScheduleSpec *spec, List *lines)
{
	const char *zone_name = NULL;
	ListCell   *lc;

	foreach(lc, lines)
	{
		char	   *error;
		PgwfCron   *cron = pgwf_cron_parse(lfirst(lc), true, &error);

		if (cron == NULL)
			report_invalid(error);
		if (lc != list_head(lines) &&
			strcmp(zone_name ? zone_name : "",
				   cron->zone_name ? cron->zone_name : "") != 0)
			report_invalid("cron strings name different time zones");
		zone_name = cron->zone_name;

		if (cron->is_interval)
			spec->intervals = lappend(spec->intervals,
									  make_interval(cron->interval,
													cron->phase));
		else
		{
			PgwfScheduleCalendar *calendar;

			calendar = palloc0(sizeof(PgwfScheduleCalendar));
			calendar->calendar = cron->calendar;
			calendar->comment = cron->comment;
			spec->calendars = lappend(spec->calendars, calendar);
		}
	}
	if (zone_name == NULL)
		return;
	if (spec->zone_name && strcmp(spec->zone_name, zone_name) != 0)
		report_invalid("cron strings and timezoneName name different zones");
	spec->zone_name = pstrdup(zone_name);
}

/* With data for the zone, its name is only a name */
static void
read_zone(PgwfScheduleSpec *spec, PgwfReader *reader, bool is_stored)
{
	char	   *error;

	spec->zone_data = pgwf_read_text(reader, "timezoneData");
	check_reader(reader);
	if (spec->zone_data && spec->zone_data[0] == '\0')
		spec->zone_data = NULL;
	if (spec->zone_data)
	{
		spec->zone = pgwf_zone_from_data(spec->zone_data, &error);
		if (spec->zone == NULL)
			report_invalid(error);
		return;
	}
	spec->zone = pgwf_zone(spec->zone_name);
	if (spec->zone == NULL && !is_stored)
		report_invalid(psprintf("time zone \"%s\" is not known",
								spec->zone_name));
}

static uint64
hash_text(const char *text, uint64 seed)
{
	return DatumGetUInt64(hash_any_extended((const unsigned char *) text,
											strlen(text), seed));
}

/*
 * Reads a ScheduleSpec; NULL is an empty one.  Raises an error if it cannot
 * be; of one that is stored already, the time zone may not be known any more.
 */
PgwfScheduleSpec *
pgwf_schedule_spec_read(Jsonb *jsonb, int32 namespace_id,
						const char *schedule_id, bool is_stored)
{
	PgwfScheduleSpec *spec = palloc0(sizeof(PgwfScheduleSpec));
	PgwfReader	reader;
	ListCell   *lc;

	pgwf_reader_init(&reader, jsonb);
	check_reader(&reader);
	pgwf_read_only(&reader, "spec", spec_members);
	foreach(lc, pgwf_read_elements(&reader, "structuredCalendar"))
		spec->calendars = lappend(spec->calendars,
								  read_structured(lfirst(lc)));
	foreach(lc, pgwf_read_elements(&reader, "calendar"))
		spec->calendars = lappend(spec->calendars,
								  read_calendar(lfirst(lc)));
	foreach(lc, pgwf_read_elements(&reader, "interval"))
		spec->intervals = lappend(spec->intervals,
								  read_interval(lfirst(lc)));
	foreach(lc, pgwf_read_elements(&reader, "excludeStructuredCalendar"))
		spec->exclusions = lappend(spec->exclusions,
								   read_structured(lfirst(lc)));
	foreach(lc, pgwf_read_elements(&reader, "excludeCalendar"))
		spec->exclusions = lappend(spec->exclusions,
								   read_calendar(lfirst(lc)));
	spec->start_time = pgwf_read_time(&reader, "startTime");
	spec->end_time = pgwf_read_time(&reader, "endTime");
	if (spec->end_time == PGWF_NO_TIME)
		spec->end_time = DT_NOEND;
	spec->jitter = pgwf_read_duration(&reader, "jitter");
	if (spec->jitter < 0)
		report_invalid("jitter is negative");
	spec->zone_name = pgwf_read_text(&reader, "timezoneName");
	if (spec->zone_name && spec->zone_name[0] == '\0')
		spec->zone_name = NULL;
	add_cron_strings(spec, pgwf_read_texts(&reader, "cronString"));
	check_reader(&reader);

	read_zone(spec, &reader, is_stored);
	spec->seed = hash_text(schedule_id, namespace_id);
	return spec;
}

static void
write_calendars(PgwfObject *object, const char *key, List *calendars)
{
	ListCell   *lc;

	if (calendars == NIL)
		return;
	pgwf_object_open_array(object, key);
	foreach(lc, calendars)
	{
		PgwfScheduleCalendar *calendar = lfirst(lc);

		pgwf_object_open_element(object);
		for (int field = 0; field < PGWF_CALENDAR_FIELDS; field++)
		{
			ListCell   *lc2;

			if (calendar->calendar.ranges[field] == NIL)
				continue;
			pgwf_object_open_array(object, calendar_members[field]);
			foreach(lc2, calendar->calendar.ranges[field])
			{
				PgwfCalendarRange *range = lfirst(lc2);

				pgwf_object_open_element(object);
				pgwf_object_int(object, "start", range->start);
				pgwf_object_int(object, "end", range->end);
				pgwf_object_int(object, "step", range->step);
				pgwf_object_close(object);
			}
			pgwf_object_close_array(object);
		}
		pgwf_object_text(object, "comment", calendar->comment);
		pgwf_object_close(object);
	}
	pgwf_object_close_array(object);
}

/*
 * Adds the members of a ScheduleSpec to an open object, every calendar as
 * ranges and every line "@every" as an interval.
 */
void
pgwf_schedule_spec_write(PgwfObject *object, const PgwfScheduleSpec *spec)
{
	ListCell   *lc;

	write_calendars(object, "structuredCalendar", spec->calendars);
	write_calendars(object, "excludeStructuredCalendar", spec->exclusions);
	if (spec->intervals != NIL)
	{
		pgwf_object_open_array(object, "interval");
		foreach(lc, spec->intervals)
		{
			PgwfScheduleInterval *interval = lfirst(lc);

			pgwf_object_open_element(object);
			pgwf_object_duration(object, "interval", interval->interval);
			pgwf_object_duration(object, "phase", interval->phase);
			pgwf_object_close(object);
		}
		pgwf_object_close_array(object);
	}
	pgwf_object_time(object, "startTime", spec->start_time);
	pgwf_object_time(object, "endTime", spec->end_time);
	pgwf_object_duration(object, "jitter", spec->jitter);
	pgwf_object_text(object, "timezoneName", spec->zone_name);
	pgwf_object_text(object, "timezoneData", spec->zone_data);
}

/* The first time after a moment, exclusions and limits aside */
static TimestampTz
next_raw(const PgwfScheduleSpec *spec, TimestampTz after)
{
	TimestampTz next = DT_NOEND;
	ListCell   *lc;

	foreach(lc, spec->calendars)
	{
		PgwfScheduleCalendar *calendar = lfirst(lc);

		next = Min(next, pgwf_calendar_next(&calendar->calendar, spec->zone,
											after));
	}
	foreach(lc, spec->intervals)
	{
		PgwfScheduleInterval *interval = lfirst(lc);

		next = Min(next, pgwf_interval_next(interval->interval,
											interval->phase, after));
	}
	return next;
}

static bool
is_excluded(const PgwfScheduleSpec *spec, TimestampTz moment)
{
	ListCell   *lc;

	foreach(lc, spec->exclusions)
	{
		PgwfScheduleCalendar *calendar = lfirst(lc);

		if (pgwf_calendar_matches(&calendar->calendar, spec->zone, moment))
			return true;
	}
	return false;
}

/*
 * The jitter of a time: the same whenever it is asked for, and less than
 * the time to the next one
 */
static int64
jitter(const PgwfScheduleSpec *spec, TimestampTz nominal)
{
	TimestampTz following;
	int64		most = spec->jitter;
	uint64		hash;

	if (most == 0)
		return 0;
	following = next_raw(spec, nominal);
	if (following != DT_NOEND)
		most = Min(most, following - nominal);
	/* milliseconds, so that the product below fits */
	most = Min(most / 1000, PG_UINT32_MAX);
	hash = DatumGetUInt64(hash_any_extended((const unsigned char *) &nominal,
											sizeof(nominal), spec->seed));
	return (int64) (((uint64) most * (hash & PG_UINT32_MAX)) >> 32) * 1000;
}

/* The first time after a moment at which the schedule acts */
PgwfScheduleTime
pgwf_schedule_spec_next(const PgwfScheduleSpec *spec, TimestampTz after)
{
	PgwfScheduleTime none = {DT_NOEND, DT_NOEND};
	PgwfScheduleTime result;

	if (spec->zone == NULL)
		return none;
	if (after < spec->start_time)
		after = spec->start_time - 1;
	for (int i = 0; i < MAX_EXCLUDED; i++)
	{
		CHECK_FOR_INTERRUPTS();
		after = next_raw(spec, after);
		if (after == DT_NOEND || after > spec->end_time)
			return none;
		if (is_excluded(spec, after))
			continue;
		result.nominal = after;
		result.actual = after + jitter(spec, after);
		return result;
	}
	return none;
}
