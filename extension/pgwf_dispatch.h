/*-------------------------------------------------------------------------
 *
 * pgwf_dispatch.h
 *		The order in which tasks are handed out, and when.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DISPATCH_H
#define PGWF_DISPATCH_H

#include "pgwf_queue.h"
#include "pgwf_queue_config.h"
#include "pgwf_store.h"

/* ---- tasks that are put into a queue ---- */

extern void pgwf_place_workflow_task(PgwfCall *call, PgwfTask *task,
									 bool not_begun);
extern void pgwf_place_activity(PgwfCall *call, PgwfActivity *activity);
extern void pgwf_place_left(const PgwfPlace *place, int32 namespace_id,
							char kind, const char *queue, int32 version_key);

/* ---- handing tasks out ---- */

/* Where the limit of a queue comes from */
typedef enum PgwfLimitSource
{
	PGWF_LIMIT_NONE,
	PGWF_LIMIT_API,
	PGWF_LIMIT_WORKER
} PgwfLimitSource;

/*
 * The limit of a queue and where it comes from; -1 and PGWF_LIMIT_NONE if it
 * has none.  "worker_limit" is that of the queue's view.
 */
extern double pgwf_queue_limit(const PgwfQueueConfig *config,
							   double worker_limit, PgwfLimitSource *source);

/* The limit of a fairness key in a queue that has such limits */
extern double pgwf_fairness_key_rate(const PgwfQueueConfig *config,
									 const PgwfPlace *place);

/* A look passes over so many tasks whose fairness keys are over their limit */
#define PGWF_MAX_PASSED_OVER	10000

/* A poll, as far as it matters for what may be handed out */
typedef struct PgwfDispatch
{
	const PgwfQueueReader *reader;
	double		rate;			/* -1: no limit */
	int			passed_over;	/* tasks whose fairness keys are over theirs */
	bool		token;			/* a task may be handed out */
	bool		key_token;		/* one of this fairness key may */
	double		key_rate;
	const char *fairness_key;
} PgwfDispatch;

/* May the poller have the task that is next in its queue? */
typedef enum PgwfVerdict
{
	PGWF_DISPATCH_TASK,
	PGWF_DISPATCH_OTHER,		/* not this one, perhaps one after it */
	PGWF_DISPATCH_NONE			/* nothing now */
} PgwfVerdict;

extern void pgwf_dispatch_begin(PgwfDispatch *dispatch,
								const PgwfQueueReader *reader);
extern PgwfVerdict pgwf_dispatch_may(PgwfDispatch *dispatch,
									 const PgwfPlace *place);
extern void pgwf_dispatch_done(PgwfDispatch *dispatch,
							   const PgwfPlace *place, int32 version_key);
extern void pgwf_dispatch_failed(PgwfDispatch *dispatch);
extern void pgwf_dispatch_end(PgwfDispatch *dispatch);

#endif							/* PGWF_DISPATCH_H */
