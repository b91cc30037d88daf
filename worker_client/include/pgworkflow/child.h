/*
 * pgworkflow/child.h
 *		Children, other workflows and continuing as new: what a workflow
 *		function may call about other runs.
 *		Part of section 5 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_CHILD_H
#define PGWORKFLOW_CHILD_H

#include "workflow.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ---- Children ---- */

/* What becomes of a child that is open when its parent closes. */
typedef enum PgwfParentClosePolicy
{
	PGWF_PARENT_CLOSE_DEFAULT = 0,	/* the service's: TERMINATE */
	PGWF_PARENT_CLOSE_TERMINATE = 1,
	PGWF_PARENT_CLOSE_ABANDON = 2,	/* it goes on */
	PGWF_PARENT_CLOSE_REQUEST_CANCEL = 3
} PgwfParentClosePolicy;

/* What cancelling a scope does to a child in it whose start was sent. */
typedef enum PgwfChildCancelType
{
	/* ask it to cancel itself, and wait for how it ends */
	PGWF_CHILD_CANCEL_WAIT_COMPLETED = 0,
	/* ask it, and be canceled as soon as it has the request */
	PGWF_CHILD_CANCEL_WAIT_REQUESTED = 1,
	/* ask it, and be canceled at once */
	PGWF_CHILD_CANCEL_TRY = 2,
	/* let it run; be canceled at once */
	PGWF_CHILD_CANCEL_ABANDON = 3
} PgwfChildCancelType;

/*
 * Options of a child.  Zero fields take defaults.  The struct and all it
 * points to are only read during the call.
 */
typedef struct PgwfChildOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* NULL: a random UUID, the same on replay */
	const char *task_queue;		/* NULL: the parent's */
	int64_t		execution_timeout_ms;	/* all its runs together; 0: none */
	int64_t		run_timeout_ms; /* one run; 0: the execution timeout */
	int64_t		task_timeout_ms;	/* one workflow task; 0: 10 s */
	PgwfParentClosePolicy parent_close_policy;
	PgwfChildCancelType cancel_type;
	PgwfIdReusePolicy id_reuse_policy;	/* the id's last run is closed */
	const PgwfRetryPolicy *retry_policy;	/* NULL: not tried again */
	const char *cron_schedule;	/* "0 12 * * *", NULL: none */
	PgwfPriority priority;
	json_t	   *memo;			/* object name -> value */
	json_t	   *search_attributes;	/* object name -> value, see attribute.h */
	json_t	   *header;			/* object name -> value */
	const char *summary;		/* one line for people, or NULL */
	const char *details;		/* more of it, or NULL */
} PgwfChildOptions;

#define PGWF_CHILD_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfChildOptions)
#define PGWF_CHILD_OPTIONS_INIT PGWF_INIT(PgwfChildOptions)

/* A child of this run.  Belongs to the workflow. */
typedef struct PgwfChild PgwfChild;

/*
 * pgwf_start_child: asks the service for a child and returns at once.  In a
 *		canceled scope nothing is started and the outcome is a cancellation.
 * pgwf_child_started: a future that succeeds with the run id (a JSON string)
 *		when the child was started.  It fails if there is no child: with a
 *		cause of the application type "WorkflowAlreadyExists" if the workflow
 *		id has an open run, or a closed one that id_reuse_policy does not let
 *		be followed.
 * pgwf_child_result: the child's end, and that of the runs that continue it:
 *		its first result, or a failure of kind PGWF_FAILURE_CHILD_WORKFLOW
 *		whose cause tells why (application, canceled, terminated, timeout ...).
 *		A child that could not be started fails here too.  To cancel the child
 *		alone, pgwf_future_cancel() this future; or, with a reason that the
 *		child is told (NULL for none), call
 * pgwf_cancel_child: as cancelling its scope would.
 * pgwf_child_workflow_id: its workflow id.
 * pgwf_child_run_id: the run id it was started with, NULL before that.
 * pgwf_execute_child: starts a child, waits for its end and answers like
 *		pgwf_await().
 *
 * A child that has to outlive its parent must have been started when the
 * parent closes: choose PGWF_PARENT_CLOSE_ABANDON and await
 * pgwf_child_started().
 */
extern PgwfChild *pgwf_start_child(PgwfWorkflow *wf,
								   const char *type,
								   json_t *args,
								   const PgwfChildOptions *options);
extern PgwfFuture *pgwf_child_started(PgwfChild *child);
extern PgwfFuture *pgwf_child_result(PgwfChild *child);
extern void pgwf_cancel_child(PgwfWorkflow *wf, PgwfChild *child,
							  const char *reason);
extern const char *pgwf_child_workflow_id(const PgwfChild *child);
extern const char *pgwf_child_run_id(const PgwfChild *child);
extern bool pgwf_execute_child(PgwfWorkflow *wf, const char *type,
							   json_t *args,
							   const PgwfChildOptions *options,
							   json_t **result,
							   PgwfFailure **failure);

/* ---- Other workflows ---- */

typedef struct PgwfSignalExternalOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *run_id;			/* NULL: the current run; not of children */
	json_t	   *header;			/* object name -> value */
} PgwfSignalExternalOptions;

#define PGWF_SIGNAL_EXTERNAL_OPTIONS_DEFAULTS \
	.struct_size = sizeof(PgwfSignalExternalOptions)
#define PGWF_SIGNAL_EXTERNAL_OPTIONS_INIT \
	PGWF_INIT(PgwfSignalExternalOptions)

/*
 * Signals and requests to cancel for other workflows of the namespace.  Each
 * call returns a future that succeeds (with null) when the other workflow has
 * the signal or request in its history.  It fails with an application failure
 * whose type is the service's reason: "ExternalWorkflowExecutionNotFound" (no
 * such workflow, or it is closed; itself), "SignalCountLimitExceeded".
 * Cancelling its scope takes back what was not sent yet; after that its
 * outcome is waited for.  In a canceled scope nothing is sent.  What is still
 * under way when the workflow closes may be lost: await the future.
 *
 * pgwf_signal_external: options may be NULL.
 * pgwf_signal_child: reaches only the child, and whichever run of it is
 *		current; it waits until the child has started, and fails if that
 *		fails.
 * pgwf_cancel_external: run_id NULL is the current run; reason may be NULL.
 *		It succeeds even if the workflow is closed.
 */
extern PgwfFuture *pgwf_signal_external(PgwfWorkflow *wf,
										const char *workflow_id,
										const char *signal_name,
										json_t *args,
										const PgwfSignalExternalOptions *options);
extern PgwfFuture *pgwf_signal_child(PgwfWorkflow *wf, PgwfChild *child,
									 const char *signal_name,
									 json_t *args,
									 const PgwfSignalExternalOptions *options);
extern PgwfFuture *pgwf_cancel_external(PgwfWorkflow *wf,
										const char *workflow_id,
										const char *run_id,
										const char *reason);

/* ---- Continuing as new ---- */

/* Which version of the workers a pinned workflow continues on. */
typedef enum PgwfContinueVersioning
{
	PGWF_CONTINUE_SAME_VERSION = 0,
	PGWF_CONTINUE_AUTO_UPGRADE = 1, /* the task queue's current one */
	PGWF_CONTINUE_RAMPING_VERSION = 2
} PgwfContinueVersioning;

/*
 * What the next run is to be.  Zero fields mean as this run, or none where
 * that is said.  Memo and search attributes that are given replace all of this
 * run's, which include what it changed.
 */
typedef struct PgwfContinueOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_type;
	const char *task_queue;
	int64_t		run_timeout_ms;
	int64_t		task_timeout_ms;
	int64_t		start_delay_ms; /* before its first workflow task; 0: none */
	const PgwfRetryPolicy *retry_policy;
	const char *cron_schedule;	/* NULL: none */
	json_t	   *memo;			/* object name -> value */
	json_t	   *search_attributes;	/* object name -> value */
	json_t	   *header;			/* object name -> value; NULL: none */
	PgwfContinueVersioning initial_versioning;
} PgwfContinueOptions;

#define PGWF_CONTINUE_OPTIONS_DEFAULTS \
	.struct_size = sizeof(PgwfContinueOptions)
#define PGWF_CONTINUE_OPTIONS_INIT PGWF_INIT(PgwfContinueOptions)

/*
 * Asks that this run be followed by a new one with the same workflow id, these
 * arguments and an empty history.  It happens when the workflow function
 * returns without a failure; its result is then ignored.  Returns NULL, so
 * that it can be written
 *		return pgwf_continue_as_new(wf, args, NULL);
 * A second call takes the place of the first.  Options may be NULL.  Signals
 * that were received but not handled are not carried over: handle them, or
 * pass them on in the arguments.  Children are treated by their parent close
 * policy.
 */
extern json_t *pgwf_continue_as_new(PgwfWorkflow *wf, json_t *args,
									const PgwfContinueOptions *options);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_CHILD_H */
