/*-------------------------------------------------------------------------
 *
 * pgwf_shmem.h
 *		Shared memory: who waits for what, who polls what, and the slots by
 *		which backends, schedulers and the launcher talk to each other; the
 *		state of task queues is in pgwf_queue_state.h.
 *
 * Shared memory only wakes people up.  Nothing in it is needed to find work:
 * that is in the tables, and whoever waits or fires looks there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_SHMEM_H
#define PGWF_SHMEM_H

#include "datatype/timestamp.h"
#include "storage/lwlock.h"

/* What can be waited for */
#define PGWF_QUEUE_WORKFLOW		'w' /* a workflow task queue */
#define PGWF_QUEUE_ACTIVITY		'a' /* an activity task queue */
#define PGWF_QUEUE_RUN			'r' /* the end of a run, its updates */
#define PGWF_QUEUE_HISTORY		'h' /* events of a run */
#define PGWF_QUEUE_QUERY		'q' /* the answer to a query, by its id */
#define PGWF_QUEUE_CLOCK		'c' /* the clock of a namespace */

/* The most queues one call can wait on */
#define PGWF_MAX_WAIT_QUEUES	16

/* ---- start-up ---- */

/* Install the hooks that request and lay out shared memory; by _PG_init. */
extern void pgwf_shmem_init(void);

/* Is the library preloaded, and so its shared memory there? */
extern bool pgwf_shmem_available(void);

/* ---- keys: one number for what is waited for in this database ---- */

/* "version_key": of the workers the queue is for; 0 if they have none */
extern uint64 pgwf_shmem_queue_key(int32 namespace_id, char kind,
								   const char *queue, int32 version_key);
extern uint64 pgwf_shmem_run_key(int32 namespace_id, int64 run_key);
extern uint64 pgwf_shmem_history_key(int32 namespace_id, int64 run_key);

/* ---- waiters ---- */

/* Why a waiter woke */
typedef enum PgwfWake
{
	PGWF_WAKE_NONE,				/* it has not been woken */
	PGWF_WAKE_KEY,				/* there is something under one of its keys */
	PGWF_WAKE_RECHECK			/* look at the tables to be sure */
} PgwfWake;

/*
 * Make this backend a waiter of the keys.  From here on a wake-up sets its
 * latch once.  The caller looks at the tables after this call, so that no
 * task falls between the two.  Must be undone by pgwf_shmem_wait_end(), or on
 * error by pgwf_shmem_wait_abort(), which passes a wake-up on to another
 * waiter; they do nothing when there is nothing to undo.
 */
extern void pgwf_shmem_wait_begin(const uint64 *keys, int nkeys);

/* The same, and others can ask for the moment that it waits for */
extern void pgwf_shmem_wait_until(const uint64 *keys, int nkeys,
								  TimestampTz moment);
extern void pgwf_shmem_wait_end(void);
extern void pgwf_shmem_wait_abort(void);

/*
 * Has this waiter been woken?  With PGWF_WAKE_KEY, *index is the position of
 * the key.  Still answered after pgwf_shmem_wait_end().
 */
extern PgwfWake pgwf_shmem_wait_result(int *index);

/*
 * Wake one waiter, or all waiters, of a key.  They cannot fail.  Whoever
 * wakes one waiter also calls pgwf_slot_recheck_later(), because that waiter
 * may die before it claims anything.
 */
extern bool pgwf_shmem_wake_one(uint64 key);
extern void pgwf_shmem_wake_all(uint64 key);

/* Have one waiter of a key, or all waiters of a database, look again. */
extern bool pgwf_shmem_recheck_one(uint64 key);
extern void pgwf_shmem_recheck_all(Oid dboid);

/*
 * How many wait for a key now, and the earliest moment any of them waits for
 * (DT_NOEND: none does)
 */
extern int	pgwf_shmem_count_waiters(uint64 key, TimestampTz *moment);

/* Does anybody wait for the key now? */
extern bool pgwf_shmem_is_awaited(uint64 key);

/* ---- pollers ---- */

/*
 * Note a poll or a wait of a worker of a version, or of none (0), on a queue
 * of this database.  "identity" may be NULL.
 */
extern void pgwf_shmem_note_poller(int32 namespace_id, char kind,
								   const char *queue, const char *identity,
								   int32 version_key);

/*
 * Has the queue been polled by such a worker since that moment, or does one
 * wait on it now?
 */
extern bool pgwf_shmem_poller_seen(int32 namespace_id, char kind,
								   const char *queue, int32 version_key,
								   TimestampTz since);

/* The same, if the poller is still known; false if it is not. */
extern bool pgwf_shmem_touch_poller(int32 namespace_id, char kind,
									const char *queue, const char *identity,
									int32 version_key);

/*
 * The queue of workflow tasks is that of this backend's client alone: forget
 * its pollers if the client is lost without a farewell.
 */
extern void pgwf_shmem_own_queue(int32 namespace_id, const char *queue);

/*
 * Forget all pollers of a queue: its worker has shut down.  Waits for it end.
 */
extern void pgwf_shmem_forget_poller(int32 namespace_id, char kind,
									 const char *queue);

/* ---- layout: the parts of the struct, for pgwf_shmem.c alone ---- */

extern Size pgwf_waiter_shmem_size(void);
extern void pgwf_waiter_shmem_attach(char *memory, LWLockPadded *locks,
									 bool initialize);
extern Size pgwf_poller_shmem_size(void);
extern void pgwf_poller_shmem_attach(char *memory, LWLockPadded *locks,
									 bool initialize);
extern Size pgwf_slot_shmem_size(void);
extern void pgwf_slot_shmem_attach(char *memory, LWLockPadded *locks,
								   bool initialize);
extern Size pgwf_queue_state_shmem_size(void);
extern void pgwf_queue_state_shmem_attach(char *memory, LWLockPadded *locks,
										  bool initialize);
extern Size pgwf_deadline_shmem_size(void);
extern void pgwf_deadline_shmem_attach(char *memory, LWLockPadded *locks,
									   bool initialize);

/* Locks of each part */
#define PGWF_WAITER_LOCKS		16
#define PGWF_POLLER_LOCKS		1
#define PGWF_SLOT_LOCKS			1
#define PGWF_QUEUE_LOCKS		16
#define PGWF_DEADLINE_LOCKS		16

#endif							/* PGWF_SHMEM_H */
