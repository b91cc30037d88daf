/*-------------------------------------------------------------------------
 *
 * pgwf_scheduler.h
 *		What the code that fires what is due asks of the scheduler it runs in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_SCHEDULER_H
#define PGWF_SCHEDULER_H

/* Shall this run be left alone for now, because firing it has failed? */
extern bool pgwf_scheduler_spares(int32 namespace_id, int64 run_key);

/* Firing this run has succeeded. */
extern void pgwf_scheduler_fired(int32 namespace_id, int64 run_key);

#endif							/* PGWF_SCHEDULER_H */
