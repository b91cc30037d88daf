/*-------------------------------------------------------------------------
 *
 * pgwf_deadline.h
 *		When workflow tasks time out, in shared memory.
 *
 * What counts is the state of the run: the deadline of its workflow task
 * follows from it (pgwf_workflow_task_deadline()).  Here are the deadlines of
 * those that have one, so that the scheduler need not look at all runs to
 * find those that are due.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DEADLINE_H
#define PGWF_DEADLINE_H

#include "datatype/timestamp.h"
#include "port/atomics.h"

/* A workflow task of this database, and when it times out */
typedef struct PgwfDeadline
{
	int64		run_key;
	int32		namespace_id;
	int32		stamp;
	TimestampTz due;
} PgwfDeadline;

/*
 * What is known of the deadlines of a database: a part of its slot.  The
 * states of all runs are looked at when "missed" or "scan_at" is reached.
 */
typedef struct PgwfDeadlines
{
	pg_atomic_uint64 first;		/* no deadline here is earlier */
	pg_atomic_uint64 missed;	/* earliest for which there was no place */
	pg_atomic_uint64 scan_at;	/* the same, as the scheduler has noted it */
	pg_atomic_uint32 prepared;	/* prepared transactions may have some */
} PgwfDeadlines;

/* ---- for pgwf_slot.c: a slot as it begins; nothing is known ---- */

extern void pgwf_deadlines_init(PgwfDeadlines *deadlines);
extern void pgwf_deadlines_reset(PgwfDeadlines *deadlines);

/* Forget those of a database that was dropped, or has no extension. */
extern void pgwf_deadlines_forget(Oid dboid);

/* ---- for pgwf_xact.c, after a commit; they cannot fail ---- */

extern void pgwf_deadline_set(const PgwfDeadline *deadline);
extern void pgwf_deadline_remove(const PgwfDeadline *deadline);

/*
 * A transaction that sets deadlines was prepared: when one that was prepared
 * ends, the scheduler looks at all runs.
 */
extern void pgwf_deadlines_prepared(void);
extern void pgwf_deadlines_prepared_ended(void);

/* ---- for the scheduler ---- */

/* No deadline is earlier. */
extern TimestampTz pgwf_deadlines_first(void);

/*
 * The deadlines up to a moment, of which there are *count; *next is the first
 * after that.  They stay until they are removed or corrected.
 */
extern PgwfDeadline *pgwf_deadlines_collect(TimestampTz until, int *count,
											TimestampTz *next);

/* A deadline that was collected is in truth later. */
extern void pgwf_deadline_correct(const PgwfDeadline *deadline,
								  TimestampTz due);

/* Adds a deadline that was found by a look; false if there is no place. */
extern bool pgwf_deadline_add(const PgwfDeadline *deadline);

/*
 * When all runs are to be looked at, and brackets around that: what the look
 * finds no place for is due at "missed".
 */
extern TimestampTz pgwf_deadlines_scan_at(void);
extern void pgwf_deadlines_scan_begin(bool (*has_prepared) (void));
extern void pgwf_deadlines_scan_end(TimestampTz missed);

#endif							/* PGWF_DEADLINE_H */
