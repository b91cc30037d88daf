/*
 * pgwf_instance.h
 *		One workflow run in memory, as the worker loop and the replayer drive
 *		it.
 *
 * An instance holds the coroutines of a run, its state machines and its
 * position in history.  It does no I/O.  It is used by one thread at a time
 * but may move to another thread between two calls.
 *
 * Values of jansson's count their references without a lock, and user code
 * keeps what it likes of those that it sees.  So no value is reachable by two
 * threads.  What an outcome or the answer to a query has may be the instance's
 * as well: it goes where the instance goes, and is cleared before another
 * thread may have that.  What comes from elsewhere, as results of local
 * activities, is taken over and shares nothing with what stays there.  Between
 * threads that work at the same time go texts, nodes (pgwf_node.h), and values
 * that have been copied for it.
 *
 * The life of a workflow task:
 *
 *	pgwf_instance_process(task)			-> outcome
 *	while outcome.status == PGWF_TASK_LOCAL:
 *		run outcome.local_requests in the thread pool, stop those named in
 *		local_cancels; then, per attempt that ended,
 *		pgwf_instance_local_result()	-> outcome
 *		and when 80 % of the workflow task timeout has passed
 *		pgwf_instance_heartbeat()		-> outcome with status PGWF_TASK_LOCAL
 *			and commands: answer the task with them and
 *			force_create_new_workflow_task, go on when the new task was
 *			processed (attempts keep running meanwhile)
 *	PGWF_TASK_COMPLETED: answer with outcome.commands
 *	PGWF_TASK_FAILED:	 answer with a workflow task failure (attempt 1 only),
 *						 destroy the instance
 *	PGWF_TASK_STALE:	 the instance cannot go on from its position with these
 *						 events: destroy it, fetch the whole history, create
 *						 another one and process that
 */
#ifndef PGWF_INSTANCE_H
#define PGWF_INSTANCE_H

#include "pgworkflow.h"
#include "pgwf_node.h"

typedef struct PgwfWorkflow PgwfInstance;

/*
 * A polled task: the poll response in readable form, and the events of its
 * history that were read on top of it.
 */
typedef struct PgwfTask
{
	PgwfNode   *node;			/* one reference */
	bool		no_history;		/* all events are those read since */
	bool		complete;		/* no more are to be read */
	PgwfNode  **events;			/* read since, one reference each */
	size_t		n_events;
	size_t		cap_events;
	struct PgwfTask *next;		/* for lists of the owner's */
} PgwfTask;

typedef enum PgwfTaskStatus
{
	PGWF_TASK_COMPLETED,		/* answer with commands */
	PGWF_TASK_LOCAL,			/* local activities are under way */
	PGWF_TASK_FAILED,			/* fail the workflow task, destroy */
	PGWF_TASK_STALE				/* destroy, start over from event 1 */
} PgwfTaskStatus;

/* One attempt of a local activity that the worker is to run. */
typedef struct PgwfLocalRequest
{
	int64_t		seq;			/* its name in results and cancels */
	int			attempt;		/* from 1 */
	const char *activity_type;
	const char *activity_id;
	json_t	   *input;			/* array; borrowed from the outcome */
	int64_t		delay_ms;		/* wait so long before starting it */
	int64_t		timeout_ms;		/* for this attempt, > 0 */
	/* the limit is what is left of the schedule-to-close timeout */
	bool		timeout_is_schedule_to_close;
	int64_t		scheduled_time_ms;	/* first attempt, workflow time */
} PgwfLocalRequest;

typedef struct PgwfTaskOutcome
{
	PgwfTaskStatus status;

	/* COMPLETED, and after pgwf_instance_heartbeat() */
	json_t	   *commands;		/* array, maybe empty */
	json_t	   *sdk_metadata;	/* object, or NULL if there is nothing new */
	json_t	   *metering_metadata;	/* object or NULL */
	json_t	   *messages;		/* array, or NULL if there are none */
	json_t	   *query_results;	/* object id -> WorkflowQueryResult, or NULL */
	bool		may_discard;	/* pgwf_instance_roll_back() would do */
	bool		finished;		/* commands close the workflow */

	/* FAILED */
	const char *cause;			/* "WORKFLOW_TASK_FAILED_CAUSE_..."; static */
	json_t	   *failure;		/* Failure in JSON form */

	/* FAILED, STALE */
	char	   *message;		/* for the log */
	int64_t		event_id;		/* where, or 0 */

	/* LOCAL: new requests since the last outcome */
	PgwfLocalRequest *local_requests;
	int			n_local_requests;

	/*
	 * LOCAL and COMPLETED: attempts no longer wanted (seq).  If the instance
	 * still waits for one (its result is delivered like any other, late ones
	 * are ignored), one that only waits out its delay has to be delivered as
	 * canceled.
	 */
	int64_t    *local_cancels;
	int			n_local_cancels;
	int			n_local_running;	/* attempts the instance waits for */
} PgwfTaskOutcome;

/* How an attempt of a local activity ended. */
typedef struct PgwfLocalResult
{
	int64_t		seq;
	int			attempt;
	json_t	   *result;			/* success: a value, or NULL */
	PgwfFailure *failure;		/* else; canceled kind: canceled */
	int64_t		elapsed_ms;		/* since the request, delay_ms included */
} PgwfLocalResult;

extern void pgwf_local_result_clear(PgwfLocalResult *result);

/* A task of a poll response, which is taken over. */
extern PgwfTask *pgwf_task_create(PgwfNode *node);
extern void pgwf_task_free(PgwfTask *task);

/* Appends an event to the history; takes it over. */
extern void pgwf_task_add_event(PgwfTask *task, PgwfNode *event);

/* Forgets the history, to be read from its first event. */
extern void pgwf_task_drop_history(PgwfTask *task);

/* The events, and those of a list (or NULL) behind them: to be free()d. */
extern const PgwfNode **pgwf_task_events(const PgwfTask *task,
										 const PgwfNode *behind,
										 size_t *n_events);

/* The first and the last event of the history; NULL if it has none. */
extern const PgwfNode *pgwf_task_first_event(const PgwfTask *task);
extern const PgwfNode *pgwf_task_last_event(const PgwfTask *task);

/*
 * Creates the instance of a run.  Nothing is looked up yet: a workflow type
 * that is not registered fails the first task.  The strings are copied.  The
 * registry must outlive it.
 */
extern PgwfInstance *pgwf_instance_create(PgwfRegistry *registry,
										  const char *workflow_id,
										  const char *run_id,
										  const char *task_queue);

/*
 * Tells the instance where it runs; all may be NULL, and are copied.  To be
 * called before the first task.
 */
extern void pgwf_instance_set_worker(PgwfInstance *instance,
									 const char *workflow_namespace,
									 const char *deployment_name,
									 const char *build_id);

/*
 * Takes one polled workflow task, whose history must be complete up to
 * startedEventId (from event 1, or from any event not later than the one after
 * the last processed), with transientEvents if there are any.  "task" is
 * borrowed and not kept.  "out" is filled; release it with
 * pgwf_task_outcome_clear() before the next call.
 */
extern void pgwf_instance_process(PgwfInstance *instance,
								  const PgwfTask *task, PgwfTaskOutcome *out);

/*
 * Delivers the end of a local activity attempt, whose value or failure is
 * taken over; late ones are ignored.
 */
extern void pgwf_instance_local_result(PgwfInstance *instance,
									   PgwfLocalResult *result,
									   PgwfTaskOutcome *out);

/*
 * Asks, in up to "max" of the commands, for the activity to be handed out with
 * the answer: those that this worker can do.  Returns how many.
 */
extern int	pgwf_instance_ask_eager(const PgwfInstance *instance,
									json_t *commands, int max);

/* Hands out the commands so far, while local activities go on. */
extern void pgwf_instance_heartbeat(PgwfInstance *instance,
									PgwfTaskOutcome *out);

/*
 * Answers a query that is a task of its own: a new WorkflowQueryResult.  "task"
 * is the poll response, borrowed.  An instance that has processed nothing
 * replays the task's history first, which must be complete; it can answer
 * further queries, but must not be given workflow tasks.
 */
extern json_t *pgwf_instance_query(PgwfInstance *instance,
								   const PgwfTask *task);

/*
 * The service has forgotten the task that was answered last, because nothing
 * came of it, and went back to this WorkflowTaskStarted.  Goes back as well;
 * false if the instance cannot, and has to be destroyed.
 */
extern bool pgwf_instance_roll_back(PgwfInstance *instance,
									int64_t started_event_id);

/* Local activities under way (attempts running or to be run)? */
extern int	pgwf_instance_local_running(const PgwfInstance *instance);

/*
 * When the code was last run, by the monotonic clock; 0 if never.  From any
 * thread.
 */
extern int64_t pgwf_instance_code_began(const PgwfInstance *instance);

/* Id of the last event processed; 0 before the first task. */
extern int64_t pgwf_instance_last_event_id(const PgwfInstance *instance);

/* The WorkflowTaskStarted that the code has run for last; 0 if none. */
extern int64_t pgwf_instance_last_started_id(const PgwfInstance *instance);

/* Destroys coroutines without running user code, and frees everything. */
extern void pgwf_instance_destroy(PgwfInstance *instance);

/* Forgets what a task is to be answered with, once it was written down. */
extern void pgwf_task_outcome_drop_values(PgwfTaskOutcome *out);

/* Frees what an outcome holds and zeroes it. */
extern void pgwf_task_outcome_clear(PgwfTaskOutcome *out);

/*
 * Registry look-ups; NULL if the name is not registered.  *arg is set on
 * success.
 */
extern PgwfActivityFn pgwf_registry_find_activity(PgwfRegistry *registry,
												  const char *name,
												  void **arg);
extern PgwfVersioningBehavior pgwf_registry_versioning(const PgwfRegistry *registry,
													   const char *name);
extern PgwfWorkflowFn pgwf_registry_find_workflow(PgwfRegistry *registry,
												  const char *name,
												  void **arg);

/* Writes a line to the registry's log; fmt as printf. */
extern void pgwf_registry_log(PgwfRegistry *registry, PgwfLogLevel level,
							  const char *fmt,...) PGWF_PRINTF(3, 4);
extern int	pgwf_registry_workflow_count(const PgwfRegistry *registry);
extern int	pgwf_registry_activity_count(const PgwfRegistry *registry);

/*
 * A cancellation as a failure owned by the caller; details may be NULL
 * (borrowed).  A timeout likewise; timeout_type is the full enum constant.
 */
extern PgwfFailure *pgwf_failure_new_canceled(const char *message,
											  json_t *details);
extern PgwfFailure *pgwf_failure_new_timeout(const char *timeout_type,
											 const char *message);

#endif							/* PGWF_INSTANCE_H */
