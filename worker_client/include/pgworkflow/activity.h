/*
 * pgworkflow/activity.h
 *		Activities: what an activity function may call.
 *		Section 8 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_ACTIVITY_H
#define PGWORKFLOW_ACTIVITY_H

#include "registry.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		8. Activities
 *
 * What an activity function (PgwfActivityFn, section 4) may call.  It runs on
 * a thread of the worker's pool and may block, use threads, files, networks
 * and clocks.  It may run more than once for one call of the workflow: when it
 * failed, timed out, or its worker died.  The calls below may be made from
 * any thread that the function waits for before it returns; the context dies
 * with the return.
 * ----------------------------------------------------------------
 */

/*
 * What is known about this attempt.  The struct and its pointers live until
 * the function returns.
 */
typedef struct PgwfActivityInfo
{
	const char *task_token;		/* for async completion; "" if local */
	const char *workflow_namespace;
	const char *workflow_id;
	const char *run_id;
	const char *workflow_type;
	const char *activity_id;
	const char *activity_type;
	const char *task_queue;
	int			attempt;		/* from 1 */
	bool		is_local;
	int64_t		scheduled_time_ms;	/* first attempt */
	int64_t		started_time_ms;	/* this attempt */
	int64_t		deadline_ms;	/* this attempt's end; 0: none */
	int64_t		start_to_close_timeout_ms;
	int64_t		schedule_to_close_timeout_ms;
	int64_t		heartbeat_timeout_ms;	/* 0: none */
	const json_t *heartbeat_details;	/* list: last values recorded by an
										 * earlier attempt; NULL if none */
	const json_t *header;		/* object name -> value, or NULL */
} PgwfActivityInfo;

extern const PgwfActivityInfo *pgwf_activity_info(PgwfActivity *activity);

/* The "arg" of pgwf_register_activity(). */
extern void *pgwf_activity_arg(PgwfActivity *activity);

/* Writes a line to the registry's log. */
extern void pgwf_activity_log(PgwfActivity *activity,
							  PgwfLogLevel level,
							  const char *fmt,...) PGWF_PRINTF(3, 4);

/* Why an activity should stop.  The first reason stays. */
typedef enum PgwfCancelReason
{
	PGWF_NOT_CANCELED = 0,
	PGWF_CANCEL_REQUESTED,		/* the workflow or a client asked for it */
	PGWF_CANCEL_NOT_FOUND,		/* the service does not know it any more: the
								 * workflow closed, or the attempt timed out */
	PGWF_CANCEL_TIMED_OUT,		/* a timeout has passed by the local clock */
	PGWF_CANCEL_PAUSED,
	PGWF_CANCEL_RESET,
	PGWF_CANCEL_WORKER_SHUTDOWN /* the worker's grace period is over */
} PgwfCancelReason;

/*
 * pgwf_activity_heartbeat: tells the service that this attempt is alive, and
 *		keeps "details" (a list of values, borrowed, NULL for none) for the
 *		next attempt.  Call it as often as you like: it never waits, and sends
 *		the latest value at most once in 80 % of the heartbeat timeout (30 s
 *		without one, at most 60 s), the first at once, the last when the
 *		attempt fails.  Returns false when the activity should stop.
 * pgwf_activity_canceled: should it stop, and why?  A request to cancel comes
 *		with the answer to a heartbeat, so an activity that never sends one
 *		never learns of it.
 * pgwf_activity_wait_canceled: blocks until it should stop or the time has
 *		passed (PGWF_FOREVER: no limit).  An interruptible sleep.
 * pgwf_activity_canceled_failure: a failure that acknowledges the
 *		cancellation, to be stored into *failure and returned with.  Details
 *		may be NULL (borrowed).  An activity may as well finish its work and
 *		succeed.
 */
extern bool pgwf_activity_heartbeat(PgwfActivity *activity,
									json_t *details);
extern PgwfCancelReason pgwf_activity_canceled(PgwfActivity *activity);
extern PgwfCancelReason pgwf_activity_wait_canceled(PgwfActivity *activity,
													int64_t timeout_ms);
extern PgwfFailure *pgwf_activity_canceled_failure(PgwfActivity *activity,
												   json_t *details);

/*
 * Says that the outcome comes later, from a client (section 7) that was given
 * the task token or knows the ids.  What the function returns is then ignored.
 * No effect in a local activity.
 */
extern void pgwf_activity_complete_async(PgwfActivity *activity);

/*
 * A libpq connection (PGconn) in the database of the worker, with its role and
 * in an open transaction: the one that will record this activity's completion.
 * When the function succeeds, its own SQL and the completion
 * commit together; when it fails, is canceled, is too late (the attempt timed
 * out and is another worker's now) or the process dies, neither does.  So its
 * effect happens exactly once.
 *
 * The connection is the library's: run statements on it with libpq's blocking
 * calls, do not COMMIT, ROLL BACK (savepoints are yours), close or keep it.
 * search_path is pg_catalog, pg_temp: qualify names, or SET LOCAL
 * search_path.  The connection is opened at the first call, and further calls
 * return the same; NULL
 * if it cannot be opened or in a local activity: fail then, the retry policy
 * does the rest.
 *
 * Errors of deferred constraints and of the commit itself fail the attempt
 * with an application failure of type "TransactionError".
 */
extern struct pg_conn *pgwf_activity_connection(PgwfActivity *activity);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_ACTIVITY_H */
