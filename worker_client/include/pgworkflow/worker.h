/*
 * pgworkflow/worker.h
 *		Worker: the loop that runs workflows and activities.
 *		Section 9 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_WORKER_H
#define PGWORKFLOW_WORKER_H

#include "registry.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		9. Worker
 *
 * A worker takes tasks from one task queue of one namespace, runs the
 * workflows and activities of its registry and answers the tasks.  It uses two
 * connections: one waits for tasks, one takes and answers them, many at a time
 * when there are many; and one more for each thread whose activity asked
 * for pgwf_activity_connection().  A lost connection is made again, with
 * pauses of 50 ms growing to 5 s.
 *
 * Several workers may run in one process, each with a thread of its own in
 * pgwf_worker_run(), and share a registry: that is the way to use more
 * than one core of the server.
 * ----------------------------------------------------------------
 */
typedef struct PgwfWorker PgwfWorker;

typedef struct PgwfWorkerOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *conninfo;		/* NULL: the PG* environment variables */
	const char *workflow_namespace; /* NULL: "default" */
	const char *task_queue;		/* required */
	const char *identity;		/* NULL: <pid>@<host>@<task queue> */
	const char *build_id;		/* NULL: none */

	/*
	 * Runs kept in memory between their tasks; the least recently used goes
	 * first.  0: 1000.  -1: none, every task replays the whole history and
	 * the sticky queue is not used.
	 */
	int			max_cached_workflows;

	/* Workflow tasks in work at a time; 0: 200.  -1: take none. */
	int			max_concurrent_workflow_tasks;

	/* Activities running at a time, a thread each; 0: 100.  -1: take none. */
	int			max_concurrent_activities;

	/* Local activities running at a time, likewise; 0: 100. */
	int			max_concurrent_local_activities;

	/*
	 * How long a task waits for this worker before any other worker gets it;
	 * 0: 10 s.
	 */
	int64_t		sticky_timeout_ms;

	/*
	 * How long pgwf_worker_stop() lets running activities go on before it
	 * cancels them; 0: 10 s, -1: not at all.
	 */
	int64_t		graceful_stop_timeout_ms;

	/*
	 * Workflow code that does not block for so long fails its workflow task;
	 * 0: 1 s.  -1: no limit (for debuggers).  Its thread and its run are
	 * abandoned until it does block.
	 */
	int64_t		deadlock_timeout_ms;

	/* Longest pause between two heartbeats sent; 0: 60 s. */
	int64_t		max_heartbeat_interval_ms;

	/* Pause for activities without heartbeat timeout; 0: 30 s. */
	int64_t		default_heartbeat_interval_ms;

	/* Most answers in one transaction, 1 to 1000; 0: 200. */
	int			max_batch;

	/*
	 * The worker deployment that the worker belongs to; its build_id is then
	 * its version, and it gets the tasks of that version alone (see
	 * doc/versioning.md).  NULL: none.
	 */
	const char *deployment_name;

	/* Of workflow types that have no other; with a deployment_name. */
	PgwfVersioningBehavior versioning_behavior;

	/* The connections go through a pooler: see PgwfClientOptions. */
	bool		pooled;

	/*
	 * Limits for the task queue, all of its workers together, unless an
	 * administrator has set one: tasks handed out per second, which may be a
	 * fraction (see doc/task-queues.md).  0: none.
	 */
	double		max_queue_activities_per_second;
	double		max_queue_workflow_tasks_per_second;

	/*
	 * When a connection is lost with the answer of a poll, the activities
	 * that it had claimed are asked for again; workflow tasks are with this
	 * option, which costs the service a row for each, and else come back when
	 * their timeout is over (10 s by default).
	 */
	bool		repeat_workflow_polls;
} PgwfWorkerOptions;

#define PGWF_WORKER_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfWorkerOptions)
#define PGWF_WORKER_OPTIONS_INIT PGWF_INIT(PgwfWorkerOptions)

/*
 * pgwf_worker_new: checks the options and starts nothing.  NULL with *error
 *		(may be NULL) set to a text to be free()d if they are wrong.  The
 *		registry is borrowed, must outlive the worker, and must not be changed
 *		any more.
 * pgwf_worker_run: works until pgwf_worker_stop(), in the calling thread and
 *		some of its own, which block all signals.  Returns PGWF_OK after an
 *		orderly stop, or the
 *		reason why it could not begin: a role without rights, no such
 *		namespace, a database without the extension.  A server that is not
 *		there is waited for.  Can be called once.
 * pgwf_worker_stop: asks it to stop and returns at once.  From any thread and
 *		from a signal handler; more than once; also before the run.
 *		No new tasks are taken, running activities get the grace period, then
 *		are canceled, everything is answered, the cache is emptied.
 *		Activities that ignore their cancellation are waited for as long as
 *		the grace period again; then they are left to the service's timeouts,
 *		and with them the memory of the worker.
 * pgwf_worker_free: after run has returned.
 * pgwf_worker_error: what pgwf_worker_run() stumbled on, "" if nothing.
 * pgwf_worker_stats: counters since the start; may be called from any thread
 *		while the worker runs.
 */
typedef struct PgwfWorkerStats
{
	int64_t		round_trips;	/* to the server, waiting included */
	int64_t		transactions;	/* waiting included */
	int64_t		waits;			/* calls of wait_for_task */
	int64_t		polls;
	int64_t		empty_polls;
	int64_t		responses;		/* answers to tasks */
	int64_t		response_batches;	/* transactions they were sent in */
	int64_t		repeated_batches;	/* repeated one by one after an error */
	int64_t		heartbeats;		/* sent for activities */
	int64_t		workflow_tasks;
	int64_t		workflow_tasks_failed;
	int64_t		workflows_closed;	/* by an answer of this worker */
	int64_t		replays;		/* tasks that began at event 1 of a run with a
								 * past */
	int64_t		activities;
	int64_t		local_activities;
	int64_t		evictions;		/* runs that left the cache before their end */
	int64_t		cached_workflows;	/* now */
	int64_t		reconnects;
	int64_t		deadlocks;
	int64_t		queries;		/* that were tasks of their own */
} PgwfWorkerStats;

extern PgwfWorker *pgwf_worker_new(const PgwfWorkerOptions *options,
								   PgwfRegistry *registry,
								   char **error);
extern PgwfResult pgwf_worker_run(PgwfWorker *worker);
extern void pgwf_worker_stop(PgwfWorker *worker);
extern void pgwf_worker_free(PgwfWorker *worker);
extern const char *pgwf_worker_error(const PgwfWorker *worker);
extern void pgwf_worker_stats(PgwfWorker *worker,
							  PgwfWorkerStats *stats);

/*
 * What a shared object for "pgworkflow worker --library" and "pgworkflow
 * replay --library" exports: registers everything it has and returns PGWF_OK.
 */
typedef PgwfResult (*PgwfRegisterFn) (PgwfRegistry *registry);
#define PGWF_REGISTER_SYMBOL	"pgworkflow_register"

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_WORKER_H */
