/*
 * pgworkflow/failure.h
 *		Failures: what went wrong, for workflows and activities.
 *		Section 3 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_FAILURE_H
#define PGWORKFLOW_FAILURE_H

#include "base.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		3. Failures
 *
 * A PgwfFailure tells why an activity or a workflow did not succeed: a
 * message, a kind with its fields, and possibly a cause, which is a failure
 * again.  What workflow code gets from an activity is a failure of kind
 * PGWF_FAILURE_ACTIVITY whose cause is the real one; pgwf_failure_root() goes
 * to the bottom of the chain.
 *
 * Who owns one:
 *	- Made by pgwf_failure_new(): the caller, until he gives it away by storing
 *	  it into the "failure" argument of his workflow, activity or coroutine
 *	  function (then the library frees it), passes it as a cause, or calls
 *	  pgwf_failure_free().  Workflow code should not keep one across a
 *	  blocking call: it would leak if the run is evicted meanwhile.
 *	- Got from a workflow call (pgwf_await() and the like): the workflow; it
 *	  lives as long as the run is in memory.  pgwf_failure_free() ignores it,
 *	  and it may be stored into *failure as it is.
 *	- Got from pgwf_failure_cause()/pgwf_failure_root(): the failure asked.
 *
 * A failure is used by one thread at a time.
 * ----------------------------------------------------------------
 */
typedef struct PgwfFailure PgwfFailure;

typedef enum PgwfFailureKind
{
	PGWF_FAILURE_OTHER = 0,		/* a kind this library has no name for */
	PGWF_FAILURE_APPLICATION,	/* made by user code */
	PGWF_FAILURE_TIMEOUT,
	PGWF_FAILURE_CANCELED,
	PGWF_FAILURE_TERMINATED,
	PGWF_FAILURE_SERVER,		/* made by the service */
	PGWF_FAILURE_ACTIVITY,		/* wraps what happened in an activity */
	PGWF_FAILURE_CHILD_WORKFLOW /* wraps what happened in a child */
} PgwfFailureKind;

/*
 * Makes an application failure.  "type" is the name that a retry policy's
 * non_retryable_error_types is compared with (NULL: none); the message is
 * formatted as by printf.
 */
extern PgwfFailure *pgwf_failure_new(const char *type,
									 const char *fmt,...)
			PGWF_PRINTF(2, 3);

/*
 * Adjust a failure made by pgwf_failure_new(); each returns its first argument
 * so that calls can be nested.  On a failure that somebody else owns they do
 * nothing.
 *
 * _set_non_retryable: the activity or workflow is not tried again.
 * _set_details: a list of values for the receiver; takes a new reference of
 *		"details" (the caller keeps his), an array counts as the list.
 * _set_next_retry_delay: overrides the retry policy's backoff once.
 * _set_cause: takes "cause" over, if the caller owns it.
 */
extern PgwfFailure *pgwf_failure_set_non_retryable(PgwfFailure *failure);
extern PgwfFailure *pgwf_failure_set_details(PgwfFailure *failure,
											 json_t *details);
extern PgwfFailure *pgwf_failure_set_next_retry_delay(PgwfFailure *failure,
													  int64_t delay_ms);
extern PgwfFailure *pgwf_failure_set_cause(PgwfFailure *failure,
										   PgwfFailure *cause);

/*
 * Makes a failure from the service's JSON form (an object with "message",
 * "cause", "applicationFailureInfo" and so on).  "json" is borrowed and
 * copied.  The caller owns the result.
 */
extern PgwfFailure *pgwf_failure_from_json(const json_t *json);

/* Frees a failure that the caller owns, with its causes. */
extern void pgwf_failure_free(PgwfFailure *failure);

/*
 * Reading.  Strings and JSON values are the failure's and live as long as it
 * does.  Functions that return a string never return NULL ("" if absent).
 *
 * _type: the application type of this failure ("" for other kinds).
 * _details: the list of details, never NULL (empty array if absent).
 * _retry_state: e.g. "RETRY_STATE_TIMEOUT", of activities and children.
 * _timeout_type: e.g. "TIMEOUT_TYPE_HEARTBEAT", of timeout failures.
 * _activity_type: name of the activity, of activity failures.
 * _child_type, _child_workflow_id, _child_run_id: of child failures.
 * _cause: NULL at the end of the chain.
 * _root: the last of the chain of causes, the failure itself if it has none.
 * _is_canceled: a cancellation, or the failure of an activity or a child that
 *		one caused.
 * _json: the whole failure in the service's JSON form; borrowed.
 */
extern PgwfFailureKind pgwf_failure_kind(const PgwfFailure *failure);
extern const char *pgwf_failure_message(const PgwfFailure *failure);
extern const char *pgwf_failure_type(const PgwfFailure *failure);
extern bool pgwf_failure_non_retryable(const PgwfFailure *failure);
extern const json_t *pgwf_failure_details(const PgwfFailure *failure);
extern const char *pgwf_failure_retry_state(const PgwfFailure *failure);
extern const char *pgwf_failure_timeout_type(const PgwfFailure *failure);
extern const char *pgwf_failure_activity_type(const PgwfFailure *failure);
extern const char *pgwf_failure_child_type(const PgwfFailure *failure);
extern const char *pgwf_failure_child_workflow_id(const PgwfFailure *failure);
extern const char *pgwf_failure_child_run_id(const PgwfFailure *failure);
extern PgwfFailure *pgwf_failure_cause(PgwfFailure *failure);
extern PgwfFailure *pgwf_failure_root(PgwfFailure *failure);
extern bool pgwf_failure_is_canceled(const PgwfFailure *failure);
extern const json_t *pgwf_failure_json(const PgwfFailure *failure);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_FAILURE_H */
