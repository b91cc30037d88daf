/*-------------------------------------------------------------------------
 *
 * pgwf_schedule_spec.h
 *		When a schedule acts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_SCHEDULE_SPEC_H
#define PGWF_SCHEDULE_SPEC_H

#include "pgwf_calendar.h"
#include "pgwf_json.h"

typedef struct PgwfScheduleSpec
{
	List	   *calendars;		/* of PgwfScheduleCalendar */
	List	   *exclusions;		/* of PgwfScheduleCalendar */
	List	   *intervals;		/* of PgwfScheduleInterval */
	TimestampTz start_time;		/* DT_NOBEGIN: none */
	TimestampTz end_time;		/* DT_NOEND: none */
	int64		jitter;
	char	   *zone_name;		/* NULL: UTC */
	char	   *zone_data;		/* in base64, or NULL */
	PgwfZone   *zone;			/* NULL: not known to the server any more */
	uint64		seed;			/* of the jitter */
} PgwfScheduleSpec;

typedef struct PgwfScheduleCalendar
{
	PgwfCalendar calendar;
	char	   *comment;
} PgwfScheduleCalendar;

typedef struct PgwfScheduleInterval
{
	int64		interval;		/* whole seconds */
	int64		phase;
} PgwfScheduleInterval;

/* A moment at which a schedule acts; both are DT_NOEND if there is none */
typedef struct PgwfScheduleTime
{
	TimestampTz nominal;		/* as the spec has it */
	TimestampTz actual;			/* with jitter */
} PgwfScheduleTime;

extern PgwfScheduleSpec *pgwf_schedule_spec_read(Jsonb *jsonb,
												 int32 namespace_id,
												 const char *schedule_id,
												 bool is_stored);
extern void pgwf_schedule_spec_write(PgwfObject *object,
									 const PgwfScheduleSpec *spec);
extern PgwfScheduleTime pgwf_schedule_spec_next(const PgwfScheduleSpec *spec,
												TimestampTz after);

#endif							/* PGWF_SCHEDULE_SPEC_H */
