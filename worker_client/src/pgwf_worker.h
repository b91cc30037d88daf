/*-------------------------------------------------------------------------
 *
 * pgwf_worker.h
 *	  The worker's state, shared by the files of its main thread:
 *
 *	  worker.c			options, life, the loop, stopping
 *	  worker_wait.c		the waiting connection
 *	  worker_exchange.c	answers, heartbeats and polls, one pipeline at a time
 *	  worker_task.c		runs and their workflow tasks
 *	  worker_query.c	queries that are tasks of their own
 *	  worker_history.c	histories that did not come with their task
 *	  worker_activity.c	activities and local activities
 *	  worker_metrics.c	what was counted, for others
 *
 * Everything belongs to the main thread, the one in pgwf_worker_run(), or to
 * the thread that takes its place while it sleeps (see worker.c), except what
 * is marked otherwise.  The threads that run workflow code (executor.c) and
 * activities (pool.c, activity.c) hand over their outcomes, and then take the
 * place of the main thread or wake it through pgwf_worker_notify().
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_WORKER_H
#define PGWF_WORKER_H

#include "pgwf_activity.h"
#include "pgwf_cache.h"
#include "pgwf_executor.h"
#include "pgwf_metrics.h"

/* Limit for a statement or a pipeline on the working connection. */
#define PGWF_REQUEST_TIMEOUT_MS	60000
#define PGWF_CONNECT_TIMEOUT_MS	10000

/* How long a stopping worker waits for a wait to end. */
#define PGWF_WAIT_STOP_MS		1000

/* The queues a worker looks at. */
typedef enum PgwfQueue
{
	PGWF_QUEUE_STICKY,
	PGWF_QUEUE_NORMAL,
	PGWF_QUEUE_ACTIVITY,
	PGWF_NUM_QUEUES
} PgwfQueue;

/* What slots are for. */
typedef enum PgwfSlot
{
	PGWF_SLOT_WORKFLOW_TASK,
	PGWF_SLOT_ACTIVITY,
	PGWF_SLOT_LOCAL_ACTIVITY,
	PGWF_NUM_SLOTS
} PgwfSlot;

typedef enum PgwfRunState
{
	PGWF_RUN_IDLE,				/* no task */
	PGWF_RUN_EXECUTING,			/* with the executor */
	PGWF_RUN_LOCAL,				/* waiting for local activities */
	PGWF_RUN_RESPONDING			/* its answer is not acknowledged yet */
} PgwfRunState;

/* A run in memory. */
typedef struct PgwfRun
{
	PgwfCacheEntry entry;		/* first: cast back from it */
	PgwfRunState state;
	PgwfInstance *instance;
	char	   *workflow_id;
	char	   *workflow_type;

	/* the task in work */
	char	   *token;
	int			attempt;
	int64_t		heartbeat_at;	/* when 80 % of its timeout are over */
	bool		from_start;		/* it began at event 1 */
	bool		finished;		/* the answer closes the workflow */

	PgwfTask   *next_task;		/* arrived while this one is in work */

	/* queries that are tasks of their own */
	char	   *query_token;	/* of the one with the executor, or NULL */
	PgwfRunState before_query;	/* state to go back to */
	PgwfTask   *queries;		/* list of those that wait */
	bool		query_only;		/* made for them alone */
	PgwfExec   *results;		/* of local activities, to be delivered */
	int			nlocal;			/* local activities that refer to the run */
	int			reserved;		/* slots of activities that may come with the
								 * answer */
} PgwfRun;

/* An answer that the service has not acknowledged. */
typedef struct PgwfResponse
{
	struct PgwfResponse *next;
	PgwfRequest *request;
	PgwfRequest *sent;			/* the request, or one that has it as a call */
	int			row;			/* of the answer to it */
	char		run_id[PGWF_RUN_ID_SIZE];
	PgwfRun    *run;			/* of a workflow task completion */
	int64_t		give_up_ms;		/* pointless afterwards; 0: never */
} PgwfResponse;

struct PgwfWorker
{
	/* options */
	char	   *conninfo;
	char	   *workflow_namespace;
	char	   *task_queue;
	char	   *identity;
	char	   *build_id;
	char	   *deployment_name;	/* NULL: the worker has no version */
	PgwfVersioningBehavior versioning_behavior;
	char	   *sticky_queue;	/* NULL: no cache, no stickiness */
	char	   *sticky_timeout; /* as an interval */
	PgwfRegistry *registry;
	int			max_cached;
	int			max_workflow_tasks;
	int			max_activities;
	int			max_local;
	int			grace_ms;
	int			deadlock_ms;	/* -1: no limit */
	int			max_batch;
	bool		repeat_workflow_polls;
	char	   *rate_limit[PGWF_NUM_QUEUES];	/* as a number; NULL: none */

	/* any thread */
	PgwfWakeup	wakeup;			/* the main thread is wanted */
	PgwfWakeup	stop_pipe;		/* readable once a stop was asked for */
	int			stop_wanted;	/* atomic */
	int			attention;		/* atomic: something has happened */
	int			sleeping;		/* atomic: the main thread is, or will be */
	int			helping;		/* atomic: another thread takes a turn */
	pthread_mutex_t loop;		/* guards what is the main thread's */
	pthread_mutex_t mutex;		/* guards done_activities */
	PgwfActivity *done_activities;
	PgwfWorkerStats stats;		/* written by the main thread, atomically */
	PgwfHistogram latencies[PGWF_NUM_LATENCIES];	/* likewise */
	int			slots_used[PGWF_NUM_SLOTS]; /* likewise, once a turn */

	/* the loop */
	PgwfErr		err;
	PgwfResult	fatal;			/* why the run cannot go on */
	bool		proved;			/* a poll or a wait has worked once */
	bool		run_called;
	bool		leaked;			/* threads of ours live on */
	bool		asleep;			/* the main thread is, until: */
	int64_t		sleeps_until;
	bool		by_executor;	/* the executor's thread takes this turn */

	/* the working connection */
	PgwfConn   *work;
	PgwfBackoff work_backoff;
	int64_t		work_retry_at;
	bool		was_connected;
	bool		hint[PGWF_NUM_QUEUES];	/* poll it */
	int64_t		poll_at;		/* not before, after an error */
	bool		sticky_first;	/* when there is but one free slot */
	char		poll_prefix[17];	/* of the ids of polls, unique */
	uint64_t	poll_count;
	char		poll_id[PGWF_NUM_QUEUES][40];	/* of the poll whose answer is
												 * not known; "": none */

	/* the waiting connection */
	PgwfConn   *wait;
	PgwfBackoff wait_backoff;
	int64_t		wait_retry_at;
	bool		wait_busy;
	int			wait_cancel_pause;	/* 0: no cancel was sent yet */
	int64_t		wait_cancel_at; /* send the next then */
	bool		wait_covers[PGWF_NUM_QUEUES];
	int64_t		wait_limit;
	bool		wait_brings_task;	/* a slot is kept for it */
	int64_t		wait_stop_until;

	/* workflows */
	PgwfExecutor *executor;
	PgwfCache	cache;			/* all runs, busy ones as well */
	int			busy_runs;		/* executing or waiting for local ones */
	int			responding_runs;
	PgwfTask   *pending_tasks;	/* list: taken, not begun */
	PgwfTask  **pending_tail;

	/* activities */
	PgwfActivityHost host;
	PgwfPool   *pool;
	PgwfPool   *local_pool;
	PgwfJob    *taken;			/* list: in activities, not in a pool yet */
	PgwfJob   **taken_tail;
	PgwfActivity *activities;	/* with a pool */
	int			nactivities;	/* of these, not local */
	int			nreserved;		/* slots for those that come with an answer */
	int			nlocal;			/* of these, local */
	PgwfActivity *waiting_local;	/* for their delay or for a thread */
	bool		heartbeat_wanted;

	/* answers */
	PgwfText   *calls;			/* of batches, memory to be reused */
	int			ncalls;
	PgwfResponse *responses;
	PgwfResponse **responses_tail;
	int			nresponses;
	int64_t		respond_at;		/* not before, after an error */
	PgwfBackoff respond_backoff;

	/* stopping */
	bool		stopping;
	bool		grace_over;
	int64_t		grace_until;
	int64_t		stop_until;
};

/* Statistics: one writer, any readers. */
#define PGWF_COUNT(worker, field, n) \
	__atomic_fetch_add(&(worker)->stats.field, (int64_t) (n), __ATOMIC_RELAXED)

#define PGWF_TOOK(worker, latency, us) \
	pgwf_histogram_add(&(worker)->latencies[latency], us)

#define pgwf_worker_log(worker, level, ...) \
	pgwf_registry_log((worker)->registry, level, __VA_ARGS__)

/* worker.c */
extern PgwfWorker *pgwf_worker_new_mocked(const PgwfWorkerOptions *options,
										  PgwfRegistry *registry,
										  PgwfMocks *mocks, char **error);
extern void pgwf_worker_notify(void *worker);
extern void pgwf_worker_activity_done(PgwfActivity *activity, void *worker);
extern void pgwf_worker_fatal(PgwfWorker *worker, const PgwfErr *err);
extern bool pgwf_error_is_transient(const PgwfErr *err);
extern const char *pgwf_worker_versioning_mode(const PgwfWorker *worker);
extern int	pgwf_worker_free_slots(const PgwfWorker *worker, PgwfQueue queue);

/* worker_metrics.c */
extern void pgwf_worker_publish_slots(PgwfWorker *worker);

/* worker_wait.c */
extern int64_t pgwf_worker_wait_step(PgwfWorker *worker, int64_t now);
extern bool pgwf_worker_wait_stands(const PgwfWorker *worker);
extern int64_t pgwf_worker_wait_stop(PgwfWorker *worker, int64_t now);
extern void pgwf_worker_wait_ready(PgwfWorker *worker);

/* worker_exchange.c */
extern int64_t pgwf_worker_connect_step(PgwfWorker *worker, int64_t now);
extern bool pgwf_worker_exchange_due(PgwfWorker *worker, int64_t now,
									 int64_t *next);
extern void pgwf_worker_exchange(PgwfWorker *worker);
extern void pgwf_worker_respond(PgwfWorker *worker, PgwfRequest *request,
								const char *run_id, PgwfRun *run,
								int64_t give_up_ms);
extern void pgwf_worker_drop_responses(PgwfWorker *worker);

/* why a task could not be read in full, see pgwf_worker_unreadable() */
#define PGWF_UNDECODABLE	"the codec cannot decode a payload"

/* worker_history.c */
extern int64_t pgwf_worker_event_id(const PgwfNode *event);
extern bool pgwf_worker_complete_history(PgwfWorker *worker, PgwfTask *task,
										 bool whole);

/* worker_query.c */
extern void pgwf_worker_take_query(PgwfWorker *worker, PgwfRun *run,
								   PgwfTask *task);
extern void pgwf_worker_query_answered(PgwfWorker *worker, PgwfRun *run,
									   PgwfExec *exec);
extern bool pgwf_worker_query_deadlock(PgwfWorker *worker, PgwfRun *run,
									   const char *message);
extern void pgwf_worker_give_queries_back(PgwfWorker *worker, PgwfRun *run);

/* worker_task.c */
extern PgwfRun *pgwf_worker_create_run(PgwfWorker *worker,
									   const PgwfNode *task,
									   const char *run_id);
extern void pgwf_worker_drop_run(PgwfWorker *worker, PgwfRun *run);
extern void pgwf_worker_evict(PgwfWorker *worker, PgwfRun *run);
extern void pgwf_worker_set_state(PgwfWorker *worker, PgwfRun *run,
								  PgwfRunState state);
extern void pgwf_worker_execute(PgwfWorker *worker, PgwfRun *run,
								PgwfExec *exec);
extern void pgwf_worker_deliver_local(PgwfWorker *worker, PgwfRun *run);
extern PgwfNode *pgwf_worker_parse(const PgwfWorker *worker, const char *text);
extern const char *pgwf_worker_unreadable(const PgwfNode *node);
extern const char *pgwf_worker_task_unreadable(const PgwfTask *task);
extern void pgwf_worker_take_task(PgwfWorker *worker, PgwfNode *task);
extern void pgwf_worker_pend(PgwfWorker *worker, PgwfTask *task);
extern void pgwf_worker_begin_tasks(PgwfWorker *worker);
extern void pgwf_worker_outcome(PgwfWorker *worker, PgwfExec *exec);
extern void pgwf_worker_task_answered(PgwfWorker *worker, PgwfRun *run,
									  const PgwfErr *err, const char *text);
extern void pgwf_worker_deadlock(PgwfWorker *worker, PgwfRun *run);
extern void pgwf_worker_local_done(PgwfWorker *worker, PgwfRun *run,
								   PgwfExec *result);
extern void pgwf_worker_local_heartbeat(PgwfWorker *worker, PgwfRun *run);
extern void pgwf_worker_evict_all(PgwfWorker *worker, bool busy_too);

/* worker_activity.c */
extern void pgwf_worker_take_activity(PgwfWorker *worker, PgwfNode *task);
extern void pgwf_worker_run_activities(PgwfWorker *worker);
extern void pgwf_worker_start_local(PgwfWorker *worker, PgwfRun *run,
									const PgwfLocalRequest *request);
extern void pgwf_worker_cancel_local(PgwfWorker *worker, PgwfRun *run,
									 int64_t seq);
extern void pgwf_worker_forget_local(PgwfWorker *worker, PgwfRun *run);
extern void pgwf_worker_collect_activities(PgwfWorker *worker);
extern int64_t pgwf_worker_tick_activities(PgwfWorker *worker, int64_t now);
extern void pgwf_worker_cancel_activities(PgwfWorker *worker);

#endif							/* PGWF_WORKER_H */
