/*-------------------------------------------------------------------------
 *
 * pgwf_activity.h
 *		The life of an activity: scheduled, started, retried, closed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_ACTIVITY_H
#define PGWF_ACTIVITY_H

#include "pgwf_failure.h"
#include "pgwf_run.h"

extern int64 pgwf_activity_retry_interval(const PgwfActivity *activity,
										  int32 attempt);
extern PgwfActivity *pgwf_run_find_activity(PgwfRun *run,
											int64 scheduled_event_id);
extern PgwfActivity *pgwf_run_find_activity_by_id(PgwfRun *run,
												  const char *activity_id);
extern bool pgwf_run_lock_activity(PgwfRun *run, PgwfActivity *activity);
extern bool pgwf_run_lock_all_activities(PgwfRun *run);

extern void pgwf_activity_schedule(PgwfRun *run, PgwfActivity *activity);
extern void pgwf_activity_start(PgwfActivity *activity, TimestampTz now,
								const char *identity,
								const char *request_id);
extern void pgwf_activity_complete(PgwfRun *run, PgwfActivity *activity,
								   Jsonb *result, const char *identity);
extern void pgwf_activity_fail(PgwfRun *run, PgwfActivity *activity,
							   Jsonb *failure, const char *identity);
extern void pgwf_activity_cancel(PgwfRun *run, PgwfActivity *activity,
								 Jsonb *details, const char *identity);
extern void pgwf_activity_park(PgwfActivity *activity);
extern void pgwf_activity_dispatch(PgwfRun *run, PgwfActivity *activity,
								   int64 delay);
extern void pgwf_activity_read_options(PgwfActivity *activity,
									   PgwfReader *scheduled);
extern void pgwf_activity_handle_due(PgwfRun *run, PgwfActivity *activity);
extern TimestampTz pgwf_activity_deadline(const PgwfActivity *activity);

#endif							/* PGWF_ACTIVITY_H */
