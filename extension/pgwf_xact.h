/*-------------------------------------------------------------------------
 *
 * pgwf_xact.h
 *		What the current transaction does to others when it commits.
 *
 * Everything noted here takes effect when the top-level transaction has
 * committed and its rows are visible, and is forgotten when the transaction
 * or the subtransaction that noted it rolls back; then others are only told
 * to look at the queues whose tasks it held.  None of it can fail after the
 * commit, and losing it costs latency only: the scheduler looks again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_XACT_H
#define PGWF_XACT_H

#include "datatype/timestamp.h"
#include "pgwf_queue_state.h"
#include "pgwf_routing.h"
#include "pgwf_shmem.h"
#include "pgwf_slot.h"

/*
 * A task is there to be claimed: wake one waiter of its queue, of the version
 * that may have it (0: of none).  Called once per task; N calls wake up to N
 * waiters.
 */
extern void pgwf_xact_wake_queue(int32 namespace_id, char kind,
								 const char *queue, int32 version_key);

/*
 * A task waits in a queue, at this place, and a waiter of the queue is to be
 * woken; "added" if it did not wait there before.
 */
extern void pgwf_xact_task_waits(int32 namespace_id, char kind,
								 const char *queue, const PgwfRoute *route,
								 const PgwfQueuePosition *position,
								 bool added);

/* A task waits no longer in its queue: handed out, or gone otherwise. */
extern void pgwf_xact_task_left(int32 namespace_id, char kind,
								const char *queue, bool dispatched);

/*
 * What may be handed out of a queue, and when, is to change: all waiters look
 * again.
 */
extern void pgwf_xact_limits_changed(void);

/*
 * A task that can be claimed is locked: who looks for work meanwhile passes
 * it over.  If this is rolled back, a waiter of its queue looks again.
 */
extern void pgwf_xact_hold_task(int32 namespace_id, char kind,
								const char *queue, int32 version_key);

/*
 * Tasks may have got other workers: all caches of the routing are out of date
 * with the commit, and all waiters look again.
 */
extern void pgwf_xact_routing_changed(void);

/*
 * A run has closed, or something became of an update: wake everybody who
 * waits for that.
 */
extern void pgwf_xact_run_changed(int32 namespace_id, int64 run_key);

/* The same for another key that is waited for */
extern void pgwf_xact_wake_all(uint64 key);

/* The scheduler is to look at a part of its work. */
extern void pgwf_xact_look(PgwfPart part);

/*
 * Something becomes due to a run at that moment.  Disturbs the scheduler only
 * when it would sleep past it.  DT_NOEND is ignored.
 */
extern void pgwf_xact_due(TimestampTz due);

/*
 * The workflow task of a run times out at that moment, or has none any more.
 */
extern void pgwf_xact_task_deadline(int32 namespace_id, int64 run_key,
									int32 stamp, TimestampTz due);
extern void pgwf_xact_task_deadline_gone(int32 namespace_id, int64 run_key,
										 int32 stamp);

/*
 * This transaction makes a promise to its caller: its commit is flushed
 * before it is reported, whatever synchronous_commit says.
 */
extern void pgwf_xact_mark_durable(void);

/*
 * Bracket the writes of a claim (a poll).  A transaction that writes nothing
 * but claims commits asynchronously: a claim lost in a crash is only
 * delivered again.  A transaction that wrote anything before, between or
 * after the brackets commits as its user wants.
 */
extern void pgwf_xact_claim_begin(void);
extern void pgwf_xact_claim_end(void);

/*
 * The extension may have been created or dropped in this database, or the
 * set of databases may have changed: at commit, make the scheduler of this
 * database, and the launcher, look.
 */
extern void pgwf_xact_extension_changed(void);
extern void pgwf_xact_databases_changed(void);

/* Register the transaction callbacks; called by _PG_init. */
extern void pgwf_xact_init(void);

#endif							/* PGWF_XACT_H */
