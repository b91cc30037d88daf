/*-------------------------------------------------------------------------
 *
 * pgwf_clock.h
 *		The clocks of namespaces.
 *
 * An ordinary namespace has the machine's time.  One with virtual time has a
 * clock that goes as fast, but can be set forward: its offset to the
 * machine's stands in workflow.namespace_clock.
 *
 * Whoever changes anything in such a namespace holds its clock until the end
 * of the transaction, and nobody sets a clock that is held: so the moment at
 * which a transaction happens is the same for all that sees it, and no clock
 * is set while somebody is about to create work.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CLOCK_H
#define PGWF_CLOCK_H

#include "pgwf_namespace.h"
#include "pgwf_table.h"

/* workflow.namespace_clock */
typedef struct PgwfClock
{
	int32		namespace_id;
	int32		skipping_locks; /* 0: time may be skipped */
	int64		offset;			/* to the machine's clock, never negative */
} PgwfClock;

/*
 * pgwf_namespace_check() and pgwf_namespace_check_id() for a call, which
 * from then on happens at the time of the namespace.  Unless the right is
 * only to read, the clock is held.
 */
extern int32 pgwf_call_namespace(PgwfCall *call, const char *name,
								 PgwfRight right);
extern void pgwf_call_namespace_id(PgwfCall *call, int32 namespace_id,
								   PgwfRight right);

/*
 * Makes the moment of a call that of a namespace whose right was checked
 * before.  Waits while its clock is being set if "hold".
 */
extern void pgwf_clock_use(PgwfCall *call, int32 namespace_id, bool hold);

/*
 * Holds the clock of a call that was not meant to.  A worker that finds
 * nothing to do keeps nobody from setting it.
 */
extern void pgwf_clock_hold(PgwfCall *call);

/* pgwf_clock_use() for the scheduler: false if it would have to wait */
extern bool pgwf_clock_try_use(PgwfCall *call, int32 namespace_id);

/*
 * Keeps everybody else from using the clock until the end of the
 * transaction; false if somebody does, and it is not to wait.
 */
extern bool pgwf_clock_stop(int32 namespace_id, bool wait);

/* The newest row of a clock; false if there is none */
extern bool pgwf_clock_read(int32 namespace_id, PgwfClock *clock);

/* All clocks, as a list of PgwfClock */
extern List *pgwf_clock_read_all(void);

/*
 * Sets a stopped clock forward.  Its sleepers and the scheduler learn of it
 * when the transaction commits.
 */
extern void pgwf_clock_advance(int32 namespace_id, int64 by);

/* The latest time that a clock shows */
extern TimestampTz pgwf_clock_end(void);

/* What those wait for who sleep until a clock shows a time */
extern uint64 pgwf_clock_sleep_key(int32 namespace_id);

/* Whoever waits for this lets time be skipped while he does */
extern uint64 pgwf_clock_skip_key(int32 namespace_id);

#endif							/* PGWF_CLOCK_H */
