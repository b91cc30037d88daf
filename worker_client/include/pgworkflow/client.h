/*
 * pgworkflow/client.h
 *		Client: starting, signalling, awaiting workflows.
 *		Section 7 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_CLIENT_H
#define PGWORKFLOW_CLIENT_H

#include "failure.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		7. Client
 *
 * A client is a connection that is opened at the first call and reopened when
 * it was lost.  It belongs to one thread at a time: two threads need two
 * clients.  After fork() only one of the processes may use it.
 *
 * Strings and JSON values in options are borrowed during the call.  NULL and 0
 * mean the default.  A run id of NULL is the workflow id's current run,
 * or its last one if none is open.
 * ----------------------------------------------------------------
 */
typedef struct PgwfClient PgwfClient;

typedef struct PgwfClientOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_namespace; /* NULL: "default" */
	const char *identity;		/* NULL: <pid>@<host> */
	int64_t		connect_timeout_ms; /* 0: 10 s */
	int64_t		call_timeout_ms;	/* of one call; 0: 30 s */

	/*
	 * How long a call that is safe to repeat goes on trying when the
	 * connection cannot be made or is lost; 0: 10 s; -1: not at all.
	 */
	int64_t		retry_timeout_ms;
} PgwfClientOptions;

#define PGWF_CLIENT_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfClientOptions)
#define PGWF_CLIENT_OPTIONS_INIT PGWF_INIT(PgwfClientOptions)

/*
 * pgwf_client_new: conninfo is a libpq connection string or URI; NULL or ""
 *		stands for the PG* environment variables.  Does not connect yet.
 * pgwf_client_new_on: a client on the caller's connection, whose calls take
 *		part in the caller's transaction: starting or signalling a workflow
 *		commits with the caller's rows.  The connection must be open, not in
 *		pipeline mode and without a statement under way; it must outlive the
 *		client, which never closes, reconnects or changes it.
 *		pgwf_client_result() fails inside a transaction block.
 * pgwf_client_free: closes the connection, unless it is the caller's.
 * pgwf_client_connect: connects now rather than at the first call.
 * pgwf_client_error: message of the last call that failed, "" if none did.
 * pgwf_client_sqlstate: its SQLSTATE, "" if it was not the server's error.
 *		Both are valid until the next call.
 */
extern PgwfClient *pgwf_client_new(const char *conninfo,
								   const PgwfClientOptions *options);
extern PgwfClient *pgwf_client_new_on(struct pg_conn *conn,
									  const PgwfClientOptions *options);
extern void pgwf_client_free(PgwfClient *client);
extern PgwfResult pgwf_client_connect(PgwfClient *client);
extern const char *pgwf_client_error(const PgwfClient *client);
extern const char *pgwf_client_sqlstate(const PgwfClient *client);

/* A UUID as text. */
#define PGWF_RUN_ID_SIZE	37

/*
 * Starting a workflow.  A second open run of a workflow id is refused with
 * PGWF_WORKFLOW_ALREADY_STARTED; a repeated start with the same request id is
 * the same start.  started (may be NULL) is filled on success.
 */
typedef struct PgwfStartOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *workflow_type;	/* required */
	const char *task_queue;		/* required */
	json_t	   *input;			/* list of arguments */
	const char *request_id;		/* NULL: a random one */
	int64_t		execution_timeout_ms;	/* all runs together; 0: none */
	int64_t		run_timeout_ms; /* one run; 0: none */
	int64_t		task_timeout_ms;	/* one workflow task; 0: 10 s */
	json_t	   *memo;			/* object name -> value */
	json_t	   *search_attributes;	/* object name -> value */
	json_t	   *header;			/* object name -> value */
} PgwfStartOptions;

#define PGWF_START_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfStartOptions)
#define PGWF_START_OPTIONS_INIT PGWF_INIT(PgwfStartOptions)

typedef struct PgwfStarted
{
	char		run_id[PGWF_RUN_ID_SIZE];
	bool		started;		/* false: it is another start's open run */
} PgwfStarted;

extern PgwfResult pgwf_client_start(PgwfClient *client,
									const PgwfStartOptions *options,
									PgwfStarted *started);

/* Signals; the same request id twice is one signal. */
typedef struct PgwfSignalOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *run_id;
	const char *signal_name;	/* required */
	json_t	   *input;			/* list of arguments */
	const char *request_id;		/* NULL: a random one */
} PgwfSignalOptions;

#define PGWF_SIGNAL_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfSignalOptions)
#define PGWF_SIGNAL_OPTIONS_INIT PGWF_INIT(PgwfSignalOptions)

extern PgwfResult pgwf_client_signal(PgwfClient *client,
									 const PgwfSignalOptions *options);

/*
 * Asking a workflow to cancel itself, and ending it without asking.  A request
 * to cancel a closed run is a success, to terminate one is PGWF_NOT_FOUND.
 */
typedef struct PgwfCancelOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *run_id;
	const char *first_execution_run_id; /* of the chain it must belong to */
	const char *reason;
	const char *request_id;		/* NULL: a random one */
} PgwfCancelOptions;

#define PGWF_CANCEL_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfCancelOptions)
#define PGWF_CANCEL_OPTIONS_INIT PGWF_INIT(PgwfCancelOptions)

typedef struct PgwfTerminateOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *run_id;
	const char *first_execution_run_id; /* of the chain it must belong to */
	const char *reason;
	json_t	   *details;		/* list of values */
} PgwfTerminateOptions;

#define PGWF_TERMINATE_OPTIONS_DEFAULTS \
	.struct_size = sizeof(PgwfTerminateOptions)
#define PGWF_TERMINATE_OPTIONS_INIT PGWF_INIT(PgwfTerminateOptions)

extern PgwfResult pgwf_client_request_cancel(PgwfClient *client,
											 const PgwfCancelOptions *options);
extern PgwfResult pgwf_client_terminate(PgwfClient *client,
										const PgwfTerminateOptions *options);

/*
 * Waiting for the end of a run and of those that continue it.  That the
 * timeout passed is PGWF_DEADLINE_EXCEEDED with status "Running"; how the
 * workflow ended is in status, whatever that is the call is PGWF_OK.  Release
 * the outcome with pgwf_outcome_clear() in any case.
 */
typedef struct PgwfResultOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *run_id;
	int64_t		timeout_ms;		/* 0: no limit; -1: do not wait */
} PgwfResultOptions;

#define PGWF_RESULT_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfResultOptions)
#define PGWF_RESULT_OPTIONS_INIT PGWF_INIT(PgwfResultOptions)

typedef struct PgwfOutcome
{
	char		run_id[PGWF_RUN_ID_SIZE];	/* the last run of the chain */
	char		status[32];		/* Running, Completed, Failed, Canceled,
								 * Terminated, TimedOut */
	json_t	   *result;			/* Completed: list of results, or NULL */
	PgwfFailure *failure;		/* otherwise why, or NULL */
} PgwfOutcome;

extern PgwfResult pgwf_client_result(PgwfClient *client,
									 const PgwfResultOptions *options,
									 PgwfOutcome *outcome);
extern void pgwf_outcome_clear(PgwfOutcome *outcome);

/* What the service knows about a run; *description is a new reference. */
extern PgwfResult pgwf_client_describe(PgwfClient *client,
									   const char *workflow_id,
									   const char *run_id,
									   json_t **description);

/*
 * One page of a run's history: *events is a new array of {"eventId",
 * "eventTime", "eventType", "attributes"}, with fewer elements than the page
 * has room for (none perhaps) at the end.
 */
typedef struct PgwfHistoryOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *run_id;
	int64_t		after_event_id; /* last event id of the page before */
	int			page_size;		/* 0: 1000 */
	bool		reverse;		/* newest first */
	bool		close_event_only;
} PgwfHistoryOptions;

#define PGWF_HISTORY_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfHistoryOptions)
#define PGWF_HISTORY_OPTIONS_INIT PGWF_INIT(PgwfHistoryOptions)

extern PgwfResult pgwf_client_history(PgwfClient *client,
									  const PgwfHistoryOptions *options,
									  json_t **events);

/*
 * The whole history in Temporal's file format, as pgwf_replay_history() reads
 * it.  *text is to be free()d.
 */
extern PgwfResult pgwf_client_history_json(PgwfClient *client,
										   const char *workflow_id,
										   const char *run_id,
										   char **text);

/*
 * Ending an activity from outside its worker, after its function called
 * pgwf_activity_complete_async(): by the task token, or by ids.  An activity
 * that is no longer pending is PGWF_NOT_FOUND.
 */
typedef struct PgwfActivityRef
{
	const char *task_token;		/* this one, or */
	const char *workflow_id;	/* these three */
	const char *run_id;			/* may be NULL */
	const char *activity_id;
} PgwfActivityRef;

/* What the service answers to a heartbeat. */
typedef struct PgwfHeartbeatAnswer
{
	bool		cancel_requested;
	bool		paused;
	bool		reset;
} PgwfHeartbeatAnswer;

extern PgwfResult pgwf_client_complete_activity(PgwfClient *client,
												const PgwfActivityRef *ref,
												json_t *result);
extern PgwfResult pgwf_client_fail_activity(PgwfClient *client,
											const PgwfActivityRef *ref,
											const PgwfFailure *failure);
extern PgwfResult pgwf_client_cancel_activity(PgwfClient *client,
											  const PgwfActivityRef *ref,
											  json_t *details);
extern PgwfResult pgwf_client_heartbeat_activity(PgwfClient *client,
												 const PgwfActivityRef *ref,
												 json_t *details,
												 PgwfHeartbeatAnswer *answer);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_CLIENT_H */
