/*-------------------------------------------------------------------------
 *
 * pgwf_calendar.h
 *		Moments described by the fields of a calendar.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CALENDAR_H
#define PGWF_CALENDAR_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "pgwf_zone.h"

typedef enum PgwfCalendarField
{
	PGWF_CALENDAR_SECOND,
	PGWF_CALENDAR_MINUTE,
	PGWF_CALENDAR_HOUR,
	PGWF_CALENDAR_DAY_OF_MONTH,
	PGWF_CALENDAR_MONTH,
	PGWF_CALENDAR_YEAR,
	PGWF_CALENDAR_DAY_OF_WEEK	/* 0 and 7 are Sunday */
} PgwfCalendarField;

#define PGWF_CALENDAR_FIELDS (PGWF_CALENDAR_DAY_OF_WEEK + 1)

/* start, start + step, and so on up to end */
typedef struct PgwfCalendarRange
{
	int			start;
	int			end;
	int			step;
} PgwfCalendarRange;

/*
 * The wall-clock times at which every field has one of its values.  With
 * "either_day", a day that has one of the values of day of month or one of
 * those of day of week is enough, unless one of the two is given as "*".
 */
typedef struct PgwfCalendar
{
	List	   *ranges[PGWF_CALENDAR_FIELDS];	/* of PgwfCalendarRange; an
												 * empty year is every year */
	uint64		values[PGWF_CALENDAR_FIELDS];	/* as sets, but the year */
	bool		star[PGWF_CALENDAR_FIELDS]; /* given as "*" */
	bool		either_day;
} PgwfCalendar;

extern void pgwf_calendar_init(PgwfCalendar *calendar);
extern bool pgwf_calendar_parse(PgwfCalendar *calendar,
								PgwfCalendarField field, const char *text,
								char **error);
extern bool pgwf_calendar_add(PgwfCalendar *calendar,
							  PgwfCalendarField field, int start, int end,
							  int step, char **error);
extern void pgwf_calendar_finish(PgwfCalendar *calendar);

extern TimestampTz pgwf_calendar_next(const PgwfCalendar *calendar,
									  const PgwfZone *zone,
									  TimestampTz after);
extern bool pgwf_calendar_matches(const PgwfCalendar *calendar,
								  const PgwfZone *zone, TimestampTz moment);

#endif							/* PGWF_CALENDAR_H */
