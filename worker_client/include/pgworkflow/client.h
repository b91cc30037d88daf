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
#include "payload.h"

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
 * A program needs one client for each database and namespace: any number of
 * threads may call a client's functions at a time, those of handles included.
 * Only pgwf_client_free() must be the last call of all, and a PgwfList belongs
 * to one thread at a time.  After fork() only one of the processes may use a
 * client.
 *
 * Connections are opened when they are needed and reopened when they were
 * lost.  A call has one to itself until it is answered:
 *	- Calls that the server answers at once share one connection and wait for
 *	  each other.  Short writes (start, signal, signal with start, request to
 *	  cancel, terminate) that come while one is under way are sent together,
 *	  as one transaction, when it is answered or, after such a group, up to a
 *	  millisecond later; what a thread sends alone is sent at once.  Each
 *	  returns when its transaction has committed, with its
 *	  own result or error, as if it had been sent by itself.
 *	- Calls that may last (result, query, update, list, count, history) have
 *	  another connection each, up to max_connections less one, and leave that
 *	  one to the short calls.  If there are more, they take turns: waiting for
 *	  a result or an update then notices it up to a second late; queries, lists
 *	  and histories wait for those before them.
 * A call's time limits count the waiting for a connection and for other calls.
 * Codecs are called in the threads of the calls.
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

	/*
	 * The connection goes through a pooler, such as PgBouncer in transaction
	 * mode, that gives each transaction another server process: statements
	 * are not prepared.  Without it this is found out by an error that the
	 * library repairs, unless the pooler's other users prepare statements of
	 * the same names.
	 */
	bool		pooled;

	const PgwfCodec *codec;		/* of payloads (payload.h), copied; or NULL */

	int			max_connections;	/* at a time, see above; 0: 10 */
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
 *		pgwf_client_result() fails inside a transaction block.  Calls of
 *		several threads wait for each other; none are sent together.
 * pgwf_client_free: closes the connections, unless it is the caller's.
 * pgwf_client_connect: connects now rather than at the first call.
 * pgwf_client_error: message of this thread's last call that failed, "" if
 *		none did.  Each thread has its own errors with each client.
 * pgwf_client_sqlstate: its SQLSTATE, "" if it was not the server's error.
 * pgwf_client_failure: the failure that came with PGWF_QUERY_FAILED, or NULL;
 *		the client's.  All three are valid until this thread's next call.
 */
extern PgwfClient *pgwf_client_new(const char *conninfo,
								   const PgwfClientOptions *options);
extern PgwfClient *pgwf_client_new_on(struct pg_conn *conn,
									  const PgwfClientOptions *options);
extern void pgwf_client_free(PgwfClient *client);
extern PgwfResult pgwf_client_connect(PgwfClient *client);
extern const char *pgwf_client_error(const PgwfClient *client);
extern const char *pgwf_client_sqlstate(const PgwfClient *client);
extern PgwfFailure *pgwf_client_failure(PgwfClient *client);

/* A UUID as text. */
#define PGWF_RUN_ID_SIZE	37

/* What a start does if the workflow id has an open run. */
typedef enum PgwfIdConflictPolicy
{
	PGWF_ID_CONFLICT_DEFAULT = 0,	/* FAIL; USE_EXISTING in calls that signal
									 * or update too */
	PGWF_ID_CONFLICT_FAIL = 1,	/* PGWF_WORKFLOW_ALREADY_STARTED */
	PGWF_ID_CONFLICT_USE_EXISTING = 2,
	PGWF_ID_CONFLICT_TERMINATE_EXISTING = 3
} PgwfIdConflictPolicy;

/*
 * Starting a workflow.  A second open run of a workflow id is refused with
 * PGWF_WORKFLOW_ALREADY_STARTED unless id_conflict_policy says otherwise; a
 * repeated start with the same request id is the same start.  started (may be
 * NULL) is filled on success.
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
	PgwfIdReusePolicy id_reuse_policy;	/* the id's last run is closed */
	PgwfIdConflictPolicy id_conflict_policy;	/* the id has an open run */
	const PgwfRetryPolicy *retry_policy;	/* of the workflow; NULL: none */
	const char *cron_schedule;	/* "0 12 * * *", NULL: none */
	int64_t		start_delay_ms; /* before the first workflow task */
	PgwfPriority priority;
	const char *static_summary; /* one line for people, or NULL */
	const char *static_details; /* more of it, or NULL */
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
	json_t	   *header;			/* object name -> value */
} PgwfSignalOptions;

#define PGWF_SIGNAL_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfSignalOptions)
#define PGWF_SIGNAL_OPTIONS_INIT PGWF_INIT(PgwfSignalOptions)

extern PgwfResult pgwf_client_signal(PgwfClient *client,
									 const PgwfSignalOptions *options);

/*
 * Signals the open run of start->workflow_id, or starts one that begins with
 * the signal: one transaction.  Of the signal's options, the name, input and
 * header count.
 */
extern PgwfResult pgwf_client_signal_with_start(PgwfClient *client,
												const PgwfStartOptions *start,
												const PgwfSignalOptions *signal,
												PgwfStarted *started);

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
 * Operators' calls.
 *
 * pgwf_client_reset: ends the current run and starts one, whose id goes to
 *		new_run_id (may be NULL), that has the history of a run up to a
 *		workflow task and goes on from there.
 * pgwf_client_delete: deletes a run and its history; an open one is
 *		terminated first.
 * pgwf_client_pause, _unpause: hold a run, let it go on.  "reason" may be
 *		NULL.
 */
typedef struct PgwfResetOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *run_id;			/* whose history it is */
	const char *reason;

	/* the end of a workflow task, or 0 and ... */
	int64_t		workflow_task_finish_event_id;
	/* ... "FIRST_WORKFLOW_TASK" or "LAST_WORKFLOW_TASK" */
	const char *reset_type;
	bool		exclude_signals;	/* do not send again those after it */
	bool		exclude_updates;
	const char *request_id;		/* NULL: a random one */
} PgwfResetOptions;

#define PGWF_RESET_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfResetOptions)
#define PGWF_RESET_OPTIONS_INIT PGWF_INIT(PgwfResetOptions)

extern PgwfResult pgwf_client_reset(PgwfClient *client,
									const PgwfResetOptions *options,
									char new_run_id[PGWF_RUN_ID_SIZE]);
extern PgwfResult pgwf_client_delete(PgwfClient *client,
									 const char *workflow_id,
									 const char *run_id);
extern PgwfResult pgwf_client_pause(PgwfClient *client,
									const char *workflow_id,
									const char *run_id, const char *reason);
extern PgwfResult pgwf_client_unpause(PgwfClient *client,
									  const char *workflow_id,
									  const char *run_id,
									  const char *reason);

/* ---- Queries and updates ---- */

/*
 * Asks the workflow's code for something; open or closed, a worker must be
 * there.  *result is a new reference to the list of values it answered.
 *	- PGWF_QUERY_FAILED: the code refused; see pgwf_client_failure().
 *	- PGWF_FAILED_PRECONDITION: reject_condition holds; status (may be NULL)
 *	  says what the run is: Completed, Failed, ...
 *	- PGWF_DEADLINE_EXCEEDED: no worker answered in time.
 */
typedef enum PgwfQueryReject
{
	PGWF_QUERY_REJECT_NONE = 0,
	PGWF_QUERY_REJECT_NOT_OPEN, /* the run is closed */
	PGWF_QUERY_REJECT_NOT_COMPLETED_CLEANLY /* closed, but not Completed */
} PgwfQueryReject;

#define PGWF_STATUS_SIZE	32

typedef struct PgwfQueryOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *run_id;
	const char *query_type;		/* required */
	json_t	   *args;			/* list of arguments */
	PgwfQueryReject reject_condition;
	int64_t		timeout_ms;		/* 0: the service's, 10 s */
	json_t	   *header;			/* object name -> value */
} PgwfQueryOptions;

#define PGWF_QUERY_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfQueryOptions)
#define PGWF_QUERY_OPTIONS_INIT PGWF_INIT(PgwfQueryOptions)

extern PgwfResult pgwf_client_query(PgwfClient *client,
									const PgwfQueryOptions *options,
									json_t **result,
									char status[PGWF_STATUS_SIZE]);

/*
 * Sends an update and waits until it has come to a stage.  An update id names
 * the update in its run: a call that is repeated with it finds the same.
 *
 * The call is PGWF_OK when the stage is reached, and PGWF_DEADLINE_EXCEEDED
 * when the time is over first (outcome->stage tells how far it is; go on with
 * pgwf_client_poll_update()).  An update that is completed has a result, or a
 * failure if its handler failed or its validator rejected it.  Clear the
 * outcome with pgwf_update_outcome_clear() in any case.
 */
typedef enum PgwfUpdateStage
{
	PGWF_UPDATE_STAGE_DEFAULT = 0,	/* completed */
	PGWF_UPDATE_ADMITTED = 1,
	PGWF_UPDATE_ACCEPTED = 2,
	PGWF_UPDATE_COMPLETED = 3
} PgwfUpdateStage;

typedef struct PgwfUpdateOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *workflow_id;	/* required */
	const char *run_id;
	const char *first_execution_run_id; /* of the chain it must belong to */
	const char *update_id;		/* NULL: a random one */
	const char *update_name;	/* required; not when polling */
	json_t	   *args;			/* list of arguments */
	PgwfUpdateStage wait_for_stage; /* accepted or completed */
	int64_t		timeout_ms;		/* 0: no limit */
	json_t	   *header;			/* object name -> value */
} PgwfUpdateOptions;

#define PGWF_UPDATE_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfUpdateOptions)
#define PGWF_UPDATE_OPTIONS_INIT PGWF_INIT(PgwfUpdateOptions)

typedef struct PgwfUpdateOutcome
{
	char	   *update_id;		/* never NULL after a call that succeeded */
	PgwfUpdateStage stage;
	json_t	   *result;			/* completed: list of results, or NULL */
	PgwfFailure *failure;		/* completed otherwise: why */
} PgwfUpdateOutcome;

extern PgwfResult pgwf_client_update(PgwfClient *client,
									 const PgwfUpdateOptions *options,
									 PgwfUpdateOutcome *outcome);

/* Waits for an update that was sent before; update_id is required. */
extern PgwfResult pgwf_client_poll_update(PgwfClient *client,
										  const PgwfUpdateOptions *options,
										  PgwfUpdateOutcome *outcome);

/*
 * Sends an update to the open run of start->workflow_id, or starts one that
 * begins with it; both or neither.  start->id_conflict_policy must be FAIL or
 * USE_EXISTING.
 */
extern PgwfResult pgwf_client_update_with_start(PgwfClient *client,
												const PgwfStartOptions *start,
												const PgwfUpdateOptions *update,
												PgwfStarted *started,
												PgwfUpdateOutcome *outcome);
extern void pgwf_update_outcome_clear(PgwfUpdateOutcome *outcome);

/* ---- Results ---- */

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

	/* Running, Completed, Failed, Canceled, Terminated, TimedOut */
	char		status[PGWF_STATUS_SIZE];
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

/* ---- Finding runs ---- */

/*
 * Lists the runs that match a query of Temporal's filter language ("" or NULL:
 * all), open ones first, the latest first.
 *
 *		PgwfList   *list = pgwf_client_list(client, "WorkflowType = 'order'");
 *		const PgwfExecution *run;
 *
 *		while ((run = pgwf_list_next(list)) != NULL)
 *			puts(run->workflow_id);
 *		if (pgwf_list_result(list) != PGWF_OK)
 *			fputs(pgwf_client_error(client), stderr);
 *		pgwf_list_free(list);
 *
 * Pages are fetched as they are needed.  What pgwf_list_next() returns is the
 * list's and valid until its next call.  Free the list before the client.
 */
typedef struct PgwfList PgwfList;

typedef struct PgwfExecution
{
	const char *workflow_id;
	const char *run_id;
	const char *workflow_type;
	const char *status;			/* Running, Completed, ... */
	const char *task_queue;
	int64_t		start_time_us;
	int64_t		execution_time_us;	/* its first workflow task, about */
	int64_t		close_time_us;	/* 0: open */
	int64_t		history_length; /* in events */
	int64_t		history_size_bytes;
	const json_t *memo;			/* object name -> value, or NULL */
	const json_t *search_attributes;	/* likewise */
	const char *parent_workflow_id; /* NULL: none; so the others */
	const char *parent_run_id;
	const char *root_workflow_id;
	const char *root_run_id;
} PgwfExecution;

extern PgwfList *pgwf_client_list(PgwfClient *client, const char *query);
extern const PgwfExecution *pgwf_list_next(PgwfList *list);
extern PgwfResult pgwf_list_result(const PgwfList *list);
extern void pgwf_list_free(PgwfList *list);

/*
 * How many match.  With "GROUP BY ExecutionStatus" in the query *groups (may
 * be NULL) is a new array of {"groupValues": [...], "count": n}, else NULL.
 */
extern PgwfResult pgwf_client_count(PgwfClient *client, const char *query,
									int64_t *count, json_t **groups);

/* ---- Schedules ---- */

/*
 * "schedule" is a Schedule as in doc/schedules.md: {"spec": ..., "action":
 * ..., "policies": ..., "state": ...}.  A conflict token says which version of
 * a schedule was read; an update that comes with an old one is
 * PGWF_FAILED_PRECONDITION, with 0 it replaces whatever is there.
 */
typedef struct PgwfScheduleOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *schedule_id;	/* required */
	json_t	   *schedule;		/* required */
	json_t	   *initial_patch;	/* of a new one: a SchedulePatch, or NULL */
	json_t	   *memo;			/* object name -> value */
	json_t	   *search_attributes;	/* object name -> value */
	int64_t		conflict_token; /* of an update */
	const char *request_id;		/* NULL: a random one */
} PgwfScheduleOptions;

#define PGWF_SCHEDULE_OPTIONS_DEFAULTS \
	.struct_size = sizeof(PgwfScheduleOptions)
#define PGWF_SCHEDULE_OPTIONS_INIT PGWF_INIT(PgwfScheduleOptions)

/*
 * _create, _update: *conflict_token (may be NULL) gets the new token.
 * _describe: *description is a new reference to a DescribeScheduleResponse.
 * _pause, _unpause: "note" says why (may be NULL).
 * _trigger: acts now; overlap_policy is "SKIP", "BUFFER_ONE", "BUFFER_ALL",
 *		"CANCEL_OTHER", "TERMINATE_OTHER", "ALLOW_ALL" or NULL for the
 *		schedule's own.
 * _backfill: acts for its times in (start, end], RFC 3339 texts.
 * _delete: the workflows it has started go on.
 * _list: one page of ScheduleListEntry that match a query over search
 *		attributes of schedules (NULL: all) after an id (NULL: from the
 *		first), a new array, with fewer elements than page_size (0: 1000) at
 *		the end.
 * _times: when it acts in (start, end], by its spec: a new array of texts.
 */
extern PgwfResult pgwf_client_create_schedule(PgwfClient *client,
											  const PgwfScheduleOptions *options,
											  int64_t *conflict_token);
extern PgwfResult pgwf_client_update_schedule(PgwfClient *client,
											  const PgwfScheduleOptions *options,
											  int64_t *conflict_token);
extern PgwfResult pgwf_client_describe_schedule(PgwfClient *client,
												const char *schedule_id,
												json_t **description);
extern PgwfResult pgwf_client_pause_schedule(PgwfClient *client,
											 const char *schedule_id,
											 const char *note);
extern PgwfResult pgwf_client_unpause_schedule(PgwfClient *client,
											   const char *schedule_id,
											   const char *note);
extern PgwfResult pgwf_client_trigger_schedule(PgwfClient *client,
											   const char *schedule_id,
											   const char *overlap_policy);
extern PgwfResult pgwf_client_backfill_schedule(PgwfClient *client,
												const char *schedule_id,
												const char *start,
												const char *end,
												const char *overlap_policy);
extern PgwfResult pgwf_client_delete_schedule(PgwfClient *client,
											  const char *schedule_id);
extern PgwfResult pgwf_client_list_schedules(PgwfClient *client,
											 const char *query,
											 const char *after_schedule_id,
											 int page_size,
											 json_t **schedules);
extern PgwfResult pgwf_client_schedule_times(PgwfClient *client,
											 const char *schedule_id,
											 const char *start,
											 const char *end,
											 json_t **times);

/* ---- Queues and namespaces ---- */

/*
 * _describe_task_queue: what waits in a queue and who asks for it, a new
 *		reference to a DescribeTaskQueueResponse.
 * _list_task_queues: the queues that hold tasks, a new array of rows of the
 *		view workflow.task_queues.
 * _update_task_queue: limits of a queue, as an administrator sets them;
 *		*config (may be NULL) is a new reference to all that is set for it
 *		then.
 * _register_namespace, _update_namespace: retention_ms is how long closed runs
 *		stay (0: 72 hours, or as it was); "description" may be NULL.  With
 *		virtual_time it is for tests, see doc/virtual-time.md.
 * _delete_namespace: with all its runs, in the background.
 * _describe_namespace: NULL is the client's own.
 * _list_namespaces: those in which the role may read, a new array of
 *		DescribeNamespaceResponses.
 */
typedef struct PgwfTaskQueueOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *task_queue;		/* required */
	bool		activities;		/* the queue of activity tasks */
	bool		set_rate;
	double		rate;			/* tasks per second; 0 stops the queue */
	bool		unset_rate;
	bool		set_key_rate;
	double		key_rate;		/* the same for each fairness key */
	bool		unset_key_rate;
	const char *reason;
} PgwfTaskQueueOptions;

#define PGWF_TASK_QUEUE_OPTIONS_DEFAULTS \
	.struct_size = sizeof(PgwfTaskQueueOptions)
#define PGWF_TASK_QUEUE_OPTIONS_INIT PGWF_INIT(PgwfTaskQueueOptions)

extern PgwfResult pgwf_client_describe_task_queue(PgwfClient *client,
												  const char *task_queue,
												  bool activities,
												  json_t **description);
extern PgwfResult pgwf_client_list_task_queues(PgwfClient *client,
											   json_t **queues);
extern PgwfResult pgwf_client_update_task_queue(PgwfClient *client,
												const PgwfTaskQueueOptions *options,
												json_t **config);
extern PgwfResult pgwf_client_register_namespace(PgwfClient *client,
												 const char *name,
												 int64_t retention_ms,
												 const char *description,
												 bool virtual_time);
extern PgwfResult pgwf_client_update_namespace(PgwfClient *client,
											   const char *name,
											   int64_t retention_ms,
											   const char *description);
extern PgwfResult pgwf_client_delete_namespace(PgwfClient *client,
											   const char *name);
extern PgwfResult pgwf_client_describe_namespace(PgwfClient *client,
												 const char *name,
												 json_t **description);
extern PgwfResult pgwf_client_list_namespaces(PgwfClient *client,
											  json_t **namespaces);

/*
 * What the clock of the client's namespace shows, in microseconds since 1970.
 */
extern PgwfResult pgwf_client_current_time(PgwfClient *client,
										   int64_t *now_us);

/* ---- Activities from outside ---- */

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

/* ---- Handles ---- */

/*
 * A handle is a client and the names of a workflow, for the calls above in
 * their short form.
 *
 * pgwf_handle_start: starts a workflow; *handle is NULL if that fails.
 * pgwf_handle_new: a workflow that is there; run_id may be NULL.
 * pgwf_handle_free: the handle, not the client, which must live longer.
 * pgwf_handle_workflow_id: its workflow id.
 * pgwf_handle_run_id: the run that was started, or the given one, or NULL.
 *
 * With the handle of a start, signals, queries and updates go to the
 * workflow's current run; cancellation and termination too, but only while
 * that belongs to the chain of the run that was started; the result is that
 * chain's.  With a handle made of a run id everything goes to that run.
 *
 * _query: *result is a new reference to the one value of the answer (NULL if
 *		it has none; the list if it has more).
 * _update: waits for the end; *result likewise.  PGWF_OK with *failure set
 *		(to be freed by the caller) if the update was rejected or failed.
 * _result: timeout_ms as in PgwfResultOptions.
 */
typedef struct PgwfHandle PgwfHandle;

extern PgwfResult pgwf_handle_start(PgwfClient *client,
									const PgwfStartOptions *options,
									PgwfHandle **handle);
extern PgwfHandle *pgwf_handle_new(PgwfClient *client,
								   const char *workflow_id,
								   const char *run_id);
extern void pgwf_handle_free(PgwfHandle *handle);
extern const char *pgwf_handle_workflow_id(const PgwfHandle *handle);
extern const char *pgwf_handle_run_id(const PgwfHandle *handle);
extern PgwfResult pgwf_handle_signal(PgwfHandle *handle, const char *name,
									 json_t *args);
extern PgwfResult pgwf_handle_query(PgwfHandle *handle, const char *type,
									json_t *args, json_t **result);
extern PgwfResult pgwf_handle_update(PgwfHandle *handle, const char *name,
									 json_t *args, json_t **result,
									 PgwfFailure **failure);
extern PgwfResult pgwf_handle_result(PgwfHandle *handle, int64_t timeout_ms,
									 PgwfOutcome *outcome);
extern PgwfResult pgwf_handle_cancel(PgwfHandle *handle, const char *reason);
extern PgwfResult pgwf_handle_terminate(PgwfHandle *handle,
										const char *reason);
extern PgwfResult pgwf_handle_reset(PgwfHandle *handle,
									int64_t workflow_task_finish_event_id,
									const char *reason);
extern PgwfResult pgwf_handle_describe(PgwfHandle *handle,
									   json_t **description);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_CLIENT_H */
