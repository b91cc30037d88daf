/*-------------------------------------------------------------------------
 *
 * pgwf_cron.h
 *		Cron lines, of workflows and of schedules.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CRON_H
#define PGWF_CRON_H

#include "pgwf_calendar.h"

typedef struct PgwfCron
{
	bool		for_schedule;
	bool		is_interval;	/* "@every" */
	int64		interval;		/* of "@every", in microseconds */
	int64		phase;			/* of a schedule's "@every" */
	PgwfCalendar calendar;		/* of any other line */
	char	   *zone_name;		/* as given in the line, or NULL */
	PgwfZone   *zone;			/* that one, or UTC */
	char	   *comment;		/* of a schedule's line, or NULL */
} PgwfCron;

extern PgwfCron *pgwf_cron_parse(const char *spec, bool days_are_anded,
								 char **error);
extern TimestampTz pgwf_cron_next(const PgwfCron *cron, TimestampTz after);
extern int64 pgwf_cron_backoff(const PgwfCron *cron,
							   TimestampTz execution_time, TimestampTz now);

extern TimestampTz pgwf_interval_next(int64 interval, int64 phase,
									  TimestampTz after);

#endif							/* PGWF_CRON_H */
