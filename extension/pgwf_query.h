/*-------------------------------------------------------------------------
 *
 * pgwf_query.h
 *		Queries: questions to a workflow that leave no trace in its history.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_QUERY_H
#define PGWF_QUERY_H

#include "lib/stringinfo.h"

#include "pgwf_run.h"

typedef enum PgwfQueryState
{
	PGWF_QUERY_WAITING = 1,		/* in a task queue, as a task of its own */
	PGWF_QUERY_BUFFERED = 2,	/* goes with the run's next workflow task */
	PGWF_QUERY_CLAIMED = 3,		/* a worker has it, as a task of its own */
	PGWF_QUERY_ANSWERED = 4
} PgwfQueryState;

/* workflow.query_request */
typedef struct PgwfQuery
{
	ItemPointerData tid;
	bool		changed;		/* to be written when the run is */
	int32		namespace_id;
	PgwfQueryState state;
	bool		sticky;			/* task_queue is a worker's own */
	int32		attempt;		/* counts how often it was handed out */
	int64		run_key;
	pg_uuid_t	query_id;
	TimestampTz requested_time;
	TimestampTz due_at;			/* its asker has surely gone by then */
	PgwfRoute	route;
	char	   *task_queue;
	Jsonb	   *query;			/* a WorkflowQuery */
	Jsonb	   *answer;			/* a WorkflowQueryResult, or NULL */
} PgwfQuery;

/* An answer that says that the run cannot be queried any more */
#define PGWF_QUERY_NOT_READY "QUERY_RESULT_TYPE_UNSPECIFIED"

/* pgwf_store_query.c */
extern void pgwf_query_read(TupleTableSlot *slot, PgwfQuery *query);
extern PgwfQuery *pgwf_query_load(PgwfCall *call, int32 namespace_id,
								  const pg_uuid_t *query_id);
extern List *pgwf_query_load_buffered(PgwfCall *call, int32 namespace_id,
									  int64 run_key);
extern PgwfLockResult pgwf_query_lock(PgwfCall *call, PgwfQuery *query,
									  LockWaitPolicy policy);
extern void pgwf_query_insert(PgwfCall *call, const PgwfQuery *query);
extern void pgwf_query_update(PgwfCall *call, PgwfQuery *query);
extern void pgwf_query_delete(PgwfCall *call, PgwfQuery *query);
extern void pgwf_query_queue_scan(PgwfScan *scan, PgwfCall *call,
								  int32 namespace_id, const char *task_queue,
								  int32 version_key);
extern void pgwf_query_scan(PgwfScan *scan, PgwfCall *call,
							int32 namespace_id);
extern void pgwf_query_due_scan(PgwfScan *scan, PgwfCall *call,
								TimestampTz from, TimestampTz until);

/* pgwf_query.c: queries on their way to a worker and back */
extern uint64 pgwf_query_key(const PgwfQuery *query);
extern bool pgwf_query_is_awaited(const PgwfQuery *query);
extern void pgwf_query_wake_worker(const PgwfQuery *query);
extern void pgwf_query_dispatch(PgwfRun *run, PgwfQuery *query);
extern bool pgwf_query_claim(PgwfCall *call, PgwfQuery *query);
extern List *pgwf_run_queries(PgwfRun *run);
extern void pgwf_run_answer_queries(PgwfRun *run, Jsonb *results);
extern void pgwf_run_settle_queries(PgwfRun *run);
extern void pgwf_run_write_queries(PgwfRun *run);
extern void pgwf_append_queries(StringInfo buf, PgwfRun *run);
extern int	pgwf_queries_expire(PgwfCall *call, int max_queries);

#endif							/* PGWF_QUERY_H */
