/*-------------------------------------------------------------------------
 *
 * pgwf_queue_state.h
 *		What shared memory knows of task queues: where their tasks begin, how
 *		many wait, how fast they come and go, whose turn it is, and when the
 *		next may be handed out.
 *
 * "now" is the machine's time, whatever clock a namespace has.
 *
 * A queue is known by its key (pgwf_shmem_queue_key).  Only as many queues
 * and fairness keys are known as there is room for; the one that was used
 * longest ago is forgotten.  That costs time or accuracy, never a task.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_QUEUE_STATE_H
#define PGWF_QUEUE_STATE_H

#include "datatype/timestamp.h"

/* A place in the index of a queue */
typedef struct PgwfQueuePosition
{
	int64		rank;
	TimestampTz time;
} PgwfQueuePosition;

#define PGWF_QUEUE_BEGIN	((PgwfQueuePosition) {PG_INT64_MIN, DT_NOBEGIN})
#define PGWF_QUEUE_END		((PgwfQueuePosition) {PG_INT64_MAX, DT_NOEND})

static inline bool
pgwf_position_is_before(const PgwfQueuePosition *a, const PgwfQueuePosition *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->time < b->time;
}

/* ---- commits ---- */

/* What a transaction has done to a queue */
typedef struct PgwfQueueChange
{
	int32		added;			/* tasks that wait in it now */
	int32		dispatched;		/* tasks that were handed out */
	int32		removed;		/* tasks that left it otherwise */
	PgwfQueuePosition first;	/* of those that can be claimed now */
} PgwfQueueChange;

/* Called when the rows are visible, before anybody is woken; cannot fail. */
extern void pgwf_queue_state_apply(uint64 key, const PgwfQueueChange *change,
								   TimestampTz now);

/* Rows have come by ways that note nothing: forget where queues begin. */
extern void pgwf_queue_state_forget_starts(Oid dboid);

/* ---- polls ---- */

/* A queue, as somebody sees it who is about to look for tasks */
typedef struct PgwfQueueView
{
	PgwfQueuePosition start;	/* no task that can be claimed is before it */
	uint32		search;			/* to be passed to pgwf_queue_state_found() */
	uint64		changes;
	int64		backlog;		/* -1: unknown */
	double		worker_limit;	/* tasks per second; -1: none */
} PgwfQueueView;

/*
 * With "may_search", and when it is time to, this caller is asked to find out
 * where the queue begins: search is not 0 then.  It must take a new snapshot
 * after this call, and begin at "start".
 */
extern void pgwf_queue_state_view(uint64 key, TimestampTz now,
								  bool may_search, PgwfQueueView *view);
extern void pgwf_queue_state_found(uint64 key, TimestampTz now, uint32 search,
								   const PgwfQueuePosition *first);

/* Many index entries of tasks that are gone had to be passed. */
extern void pgwf_queue_state_is_slow(uint64 key);

/*
 * So many tasks wait: counted, or none because a look found none.  Ignored if
 * the queue has changed since "changes".
 */
extern void pgwf_queue_state_set_backlog(uint64 key, uint64 changes,
										 int64 backlog);

/* ---- rates ---- */

typedef struct PgwfQueueRates
{
	double		added;			/* tasks per second */
	double		dispatched;
} PgwfQueueRates;

extern void pgwf_queue_state_rates(uint64 key, PgwfQueueRates *rates);

/* ---- limits; rates are tasks per second, 0 stops the queue ---- */

/*
 * A worker's limit, which holds until another worker gives one, or none gives
 * one for five minutes.  Returns whether it differs from the one before.
 */
extern bool pgwf_queue_state_limit(uint64 key, TimestampTz now, double rate);

/*
 * May a task be handed out now?  Then it counts as handed out, until it is
 * given back.
 */
extern bool pgwf_queue_state_take(uint64 key, double rate);
extern void pgwf_queue_state_give_back(uint64 key, double rate);

/*
 * When a waiter may come for a task: now or earlier, if one may be handed
 * out that no other waiter has been told of a moment ago.
 */
extern TimestampTz pgwf_queue_state_offer(uint64 key, double rate,
										  TimestampTz now);

/* The same for the tasks of a fairness key. */
extern bool pgwf_fairness_take(uint64 key, const char *fairness_key,
							   double rate);
extern TimestampTz pgwf_fairness_ready(uint64 key, const char *fairness_key,
									   double rate);
extern void pgwf_fairness_give_back(uint64 key, const char *fairness_key,
									double rate);

/* ---- fairness ---- */

/* How tasks of a class are shared out */
typedef enum PgwfFairness
{
	PGWF_FAIRNESS_UNKNOWN,		/* look at the tasks that wait */
	PGWF_FAIRNESS_NONE,			/* by age */
	PGWF_FAIRNESS_PASSES		/* by the passes of their fairness keys */
} PgwfFairness;

extern PgwfFairness pgwf_queue_state_fairness(uint64 key, int class_);

/*
 * What was found in the queue: the first and the last pass that its tasks of
 * the class have, 0 if there are none.
 */
extern void pgwf_queue_state_learn_passes(uint64 key, int class_,
										  int64 first, int64 last);

/* The pass of a task that is put into the queue; "" is a fairness key. */
extern int64 pgwf_queue_state_next_pass(uint64 key, int class_,
										const char *fairness_key,
										double weight);

/* A task that got a pass left the queue before it was handed out. */
extern void pgwf_queue_state_return_pass(uint64 key, int class_,
										 const char *fairness_key,
										 double weight);

/* A task with this pass has been handed out. */
extern void pgwf_queue_state_passed(uint64 key, int class_, int64 pass);

#endif							/* PGWF_QUEUE_STATE_H */
