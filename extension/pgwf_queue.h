/*-------------------------------------------------------------------------
 *
 * pgwf_queue.h
 *		Task queues as their readers see them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_QUEUE_H
#define PGWF_QUEUE_H

#include "pgwf_queue_state.h"
#include "pgwf_routing.h"
#include "pgwf_shmem.h"
#include "pgwf_table.h"

/*
 * Who reads a queue: workers of a version, or workers without one.  They come
 * to the tasks of their version and to those that follow the routing of the
 * queue, in the order of the queue.
 */
typedef struct PgwfQueueReader
{
	int32		namespace_id;
	char		what;			/* that is read, see pgwf_queue_read_begin() */
	char		kind;			/* PGWF_QUEUE_WORKFLOW or _ACTIVITY */
	const char *queue;
	int32		version_key;	/* 0: workers without a version */
	bool		is_routed;		/* there are versions to be told apart */
	bool		has_share;		/* in what follows the routing */
	bool		passed_on;		/* somebody else was woken */
	PgwfQueueRouting routing;
	TimestampTz now;			/* by the machine's clock */
	uint64		key;			/* of the queue as a whole */
	PgwfQueueView view;
	PgwfQueueView own_view;		/* of its version's own tasks */
	bool		noted[2];		/* what the scan found has been noted */
	PgwfScan	scans[2];		/* its version's own; routed */
	bool		open[2];
	bool		ahead[2];		/* its row has not been handed out yet */
} PgwfQueueReader;

/* What is read: PGWF_QUEUE_WORKFLOW, PGWF_QUEUE_ACTIVITY, PGWF_QUEUE_QUERY */
extern void pgwf_queue_read_begin(PgwfQueueReader *reader, PgwfCall *call,
								  int32 namespace_id, char what,
								  const char *queue, int32 version_key);
extern TupleTableSlot *pgwf_queue_read_next(PgwfQueueReader *reader);
extern bool pgwf_queue_may_have(PgwfQueueReader *reader,
								TupleTableSlot *slot,
								const PgwfRoute *route);
extern void pgwf_queue_read_end(PgwfQueueReader *reader);

extern bool pgwf_queue_has_work(int32 namespace_id, char kind,
								const char *queue, int32 version_key,
								bool *limited, TimestampTz *ready);
extern bool pgwf_queue_is_limited(int32 namespace_id, char kind,
								  const char *queue);

#endif							/* PGWF_QUEUE_H */
