/*
 * pgworkflow.h
 *		Public interface and manual of libpgworkflow, the worker and client
 *		library of pg_workflow (durable execution inside PostgreSQL).
 *
 * The sections of this file, in order:
 *
 *	 1	Version, export and attribute macros
 *	 2	Result codes
 *	 3	Failures				what went wrong, for workflows and activities
 *	 4	Registry				which functions implement which names
 *	 5	Workflow code			what a workflow function may call
 *	 6	Replaying a history		checking code against recorded histories
 *	 7	Client					starting, signalling, awaiting workflows
 *	 8	Activities				what an activity function may call
 *	 9	Worker					the loop that runs workflows and activities
 *
 * Rules that hold everywhere unless a function says otherwise:
 *
 *	- Durations are int64_t milliseconds.  Points in time are int64_t since
 *	  1970-01-01 00:00 UTC; the name of a function or field says whether in
 *	  milliseconds or microseconds (_us).
 *	- Strings are UTF-8 and NUL-terminated.  Strings that are passed in are
 *	  copied; the caller keeps his.
 *	- JSON values are jansson's json_t.  "Borrowed" means that somebody else
 *	  holds the reference: do not json_decref() it; json_incref() it to keep it
 *	  longer than is promised.  "New" means that the receiver must
 *	  json_decref() it.
 *	- A list of arguments (a workflow's or an activity's input, a signal's
 *	  input) is a JSON array with one element per argument.  Where the caller
 *	  passes arguments, a value that is not an array stands for a single
 *	  argument, and NULL for none.
 *	- Every _free/_destroy function accepts NULL.
 *	- The library installs no signal handler, never prints and never exits.
 *	  The one exception: it calls abort() when malloc() fails.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_H
#define PGWORKFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/*
 * PGWF_INIT(type) initializes an options struct: its size, and zeroes.  It is
 * what the INIT macros below are, in C and in C++.
 */
#ifdef __cplusplus
template < typename T > static inline T
pgwf_init_options()
{
	T			options = T();

	options.struct_size = sizeof(T);
	return options;
}
#define PGWF_INIT(type) pgwf_init_options<type>()
#else
#define PGWF_INIT(type) \
	{.struct_size = sizeof(type)}
#endif

#ifdef __cplusplus
extern "C"
{
#endif

/* everything declared below is exported */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		1. Version, export and attribute macros
 * ----------------------------------------------------------------
 */

#define PGWF_VERSION_MAJOR 0
#define PGWF_VERSION_MINOR 1
#define PGWF_VERSION_PATCH 0
#define PGWF_VERSION "0.1.0"

/* PGWF_API exports a function where others are hidden */
#if defined(__GNUC__)
#define PGWF_API __attribute__((visibility("default")))
#define PGWF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PGWF_NORETURN __attribute__((noreturn))
#else
#define PGWF_API
#define PGWF_PRINTF(fmt, args)
#define PGWF_NORETURN
#endif

/* The version of the library at run time, a static string such as "0.1.0". */
extern const char *pgwf_version(void);

/* ----------------------------------------------------------------
 *		2. Result codes
 *
 * What functions return that talk to the service or check their arguments.
 * The numbers are those of the service's SQLSTATE class PW (its last two
 * digits), so PW005 is PGWF_NOT_FOUND; 100 and above are finer kinds.  Values
 * are never renumbered or removed.
 * ----------------------------------------------------------------
 */
typedef enum PgwfResult
{
	PGWF_OK = 0,
	PGWF_CANCELED = 1,			/* stopped on request */
	PGWF_ERROR = 2,				/* anything without a code of its own */
	PGWF_INVALID_ARGUMENT = 3,
	PGWF_DEADLINE_EXCEEDED = 4, /* the caller's own time limit passed */
	PGWF_NOT_FOUND = 5,
	PGWF_ALREADY_EXISTS = 6,
	PGWF_PERMISSION_DENIED = 7,
	PGWF_RESOURCE_EXHAUSTED = 8,
	PGWF_FAILED_PRECONDITION = 9,
	PGWF_ABORTED = 10,
	PGWF_UNAVAILABLE = 14,		/* no connection, or lost */
	PGWF_QUERY_FAILED = 103,
	PGWF_WORKFLOW_ALREADY_STARTED = 106,
	PGWF_WORKFLOW_NOT_READY = 109
} PgwfResult;

/* A static text for a result code, e.g. "not found". Never NULL. */
extern const char *pgwf_result_text(PgwfResult result);

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
	PGWF_FAILURE_CHILD_WORKFLOW
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
 * _retry_state: e.g. "RETRY_STATE_TIMEOUT", of activity failures.
 * _timeout_type: e.g. "TIMEOUT_TYPE_HEARTBEAT", of timeout failures.
 * _activity_type: name of the activity, of activity failures.
 * _cause: NULL at the end of the chain.
 * _root: the last of the chain of causes, the failure itself if it has none.
 * _is_canceled: a cancellation, or an activity failure caused by one.
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
extern PgwfFailure *pgwf_failure_cause(PgwfFailure *failure);
extern PgwfFailure *pgwf_failure_root(PgwfFailure *failure);
extern bool pgwf_failure_is_canceled(const PgwfFailure *failure);
extern const json_t *pgwf_failure_json(const PgwfFailure *failure);

/* ----------------------------------------------------------------
 *		4. Registry
 *
 * Maps names of workflow and activity types to functions.  Fill it first,
 * then give it to a worker or a replayer; several may share one.  Registering
 * is not thread-safe and must be over before the registry is used; after that
 * it is read-only and may be used by any number of threads.  It must outlive
 * every worker and replayer that uses it.
 * ----------------------------------------------------------------
 */
typedef struct PgwfRegistry PgwfRegistry;
typedef struct PgwfWorkflow PgwfWorkflow;
typedef struct PgwfActivity PgwfActivity;

/*
 * A workflow function.  "input" is the borrowed list of arguments (an array,
 * never NULL).  It ends the workflow
 *	- completed: by returning with *failure left NULL; the value returned
 *	  (borrowed from the workflow, see section 5; may be NULL) is the result;
 *	- failed: by setting *failure (the return value is then ignored);
 *	- canceled: by setting *failure to a failure for which
 *	  pgwf_failure_is_canceled() holds after cancellation was requested.
 */
typedef json_t *(*PgwfWorkflowFn) (PgwfWorkflow *wf, json_t *input,
								   PgwfFailure **failure);

/*
 * An activity function; runs on a thread of the worker's pool and may do
 * anything.  "input" is the borrowed list of arguments.  On success it returns
 * a new reference (or NULL for no result) and leaves *failure NULL; else it
 * sets *failure.
 */
typedef json_t *(*PgwfActivityFn) (PgwfActivity *activity, json_t *input,
								   PgwfFailure **failure);

typedef enum PgwfLogLevel
{
	PGWF_LOG_DEBUG,
	PGWF_LOG_INFO,
	PGWF_LOG_WARNING,
	PGWF_LOG_ERROR
} PgwfLogLevel;

/*
 * Where log lines go: the message has no newline and is valid during the call
 * only.  May be called by any thread, also by several at once.
 */
typedef void (*PgwfLogFn) (PgwfLogLevel level, const char *message, void *arg);

extern PgwfRegistry *pgwf_registry_new(void);
extern void pgwf_registry_free(PgwfRegistry *registry);

/*
 * Registers a function under a name.  "arg" is the caller's and comes back
 * from pgwf_workflow_arg() / pgwf_activity_arg().  Returns
 * PGWF_INVALID_ARGUMENT if name is empty or longer than 1000 bytes or fn is
 * NULL, PGWF_ALREADY_EXISTS if the name is taken.
 */
extern PgwfResult pgwf_register_workflow(PgwfRegistry *registry,
										 const char *name,
										 PgwfWorkflowFn fn, void *arg);
extern PgwfResult pgwf_register_activity(PgwfRegistry *registry,
										 const char *name,
										 PgwfActivityFn fn, void *arg);

/* Sets where log lines go; by default (and with NULL) nowhere. */
extern void pgwf_registry_set_log(PgwfRegistry *registry,
								  PgwfLogFn fn, void *arg);

/*
 * Sets the stack size of workflow coroutines in bytes (default 256 kB,
 * at least 32 kB; rounded up to pages).  Only pages that were touched take
 * memory.  256 kB below it are not accessible: overflowing the stack kills the
 * process with SIGSEGV rather than corrupting it.
 */
extern PgwfResult pgwf_registry_set_stack_size(PgwfRegistry *registry,
											   size_t bytes);

/* ----------------------------------------------------------------
 *		5. Workflow code
 *
 * A workflow function is ordinary C that runs on a stack of its own.  Calls
 * that wait (marked "blocks") suspend the coroutine, not the thread; between
 * two tasks of the service the run stays cached, and after a crash or an
 * eviction the library runs the function again from the top and answers its
 * calls from the recorded history.  So the function must be deterministic:
 * given the same answers it must make the same calls in the same order.  No
 * clocks, random numbers, threads, I/O or changing global variables; use the
 * calls below, and activities for everything else.
 *
 * Memory: workflow code never frees.  Everything it gets from the calls below
 * (JSON values, futures, failures, scopes, strings) belongs to the workflow
 * and lives until the run leaves memory.  Everything it passes is borrowed by
 * the library, its return value included.  Values and memory it makes itself
 * should be the workflow's too, because a suspended run can be evicted at any
 * blocking call without the function going on: make them with pgwf_pack(),
 * pgwf_alloc() and pgwf_sprintf(), or hand over what jansson made with
 * pgwf_own().  For the same reason hold no locks, files or other resources
 * across a blocking call.
 *
 * Threads: a run is executed by one thread at a time but may go on in another
 * thread after each blocking call, so thread-local variables (errno among
 * them) do not survive it.  The calls of this section may only be made from
 * the workflow's own coroutines.  Do not longjmp() out of one or across a
 * blocking call.
 * ----------------------------------------------------------------
 */

/* ---- Memory and JSON ---- */

/*
 * pgwf_pack: json_pack() whose result belongs to the workflow.  A bad format
 *		fails the workflow task.
 * pgwf_own: hands one reference of "value" over to the workflow; returns
 * value.
 * pgwf_alloc: zeroed memory.
 * pgwf_sprintf: a formatted string.
 */
extern json_t *pgwf_pack(PgwfWorkflow *wf, const char *fmt,...);
extern json_t *pgwf_own(PgwfWorkflow *wf, json_t *value);
extern void *pgwf_alloc(PgwfWorkflow *wf, size_t size);
extern char *pgwf_sprintf(PgwfWorkflow *wf, const char *fmt,...)
			PGWF_PRINTF(2, 3);

/* The "arg" of pgwf_register_workflow(). */
extern void *pgwf_workflow_arg(PgwfWorkflow *wf);

/* ---- Futures ---- */

/*
 * The outcome to come of an activity, timer or coroutine.  Belongs to the
 * workflow.  May be awaited any number of times, by any coroutine of its run.
 */
typedef struct PgwfFuture PgwfFuture;

/*
 * pgwf_await: blocks until the future is done.  Returns true and sets *result
 *		(never NULL on success: JSON null if there is none), or returns false
 *		and sets *failure.  result and failure may be NULL.  Cancellation
 *		reaches it through the future: what it stands for is canceled with the
 *		scope it was created in.
 * pgwf_await_any: blocks until one of n (> 0) is done; returns its index, the
 *		lowest if several are.
 * pgwf_await_all: blocks until all n are done.  Returns true if all succeeded,
 *		else false and sets *failure to that of the lowest failed index.
 * pgwf_future_ready: is it done?  Then pgwf_await() does not block.
 * pgwf_future_cancel: cancels what a future stands for, as its scope would.
 *		No effect on one that is done, and none on a coroutine (cancel its
 *		scope instead).
 */
extern bool pgwf_await(PgwfWorkflow *wf, PgwfFuture *future,
					   json_t **result, PgwfFailure **failure);
extern int	pgwf_await_any(PgwfWorkflow *wf,
						   PgwfFuture *const *futures, int n);
extern bool pgwf_await_all(PgwfWorkflow *wf,
						   PgwfFuture *const *futures, int n,
						   PgwfFailure **failure);
extern bool pgwf_future_ready(const PgwfFuture *future);
extern void pgwf_future_cancel(PgwfWorkflow *wf, PgwfFuture *future);

/* ---- Activities ---- */

/*
 * When and how often a failed activity is tried again.  Zero fields take the
 * service's defaults: 1 s, 2.0, 100 times the initial interval, no limit.
 */
typedef struct PgwfRetryPolicy
{
	size_t		struct_size;	/* set by the INIT macro */
	int64_t		initial_interval_ms;
	double		backoff_coefficient;	/* >= 1 */
	int64_t		maximum_interval_ms;
	int			maximum_attempts;	/* 0: no limit; 1: never again */

	/* NULL-terminated list of application failure types, or NULL */
	const char *const *non_retryable_error_types;
} PgwfRetryPolicy;

#define PGWF_RETRY_POLICY_DEFAULTS .struct_size = sizeof(PgwfRetryPolicy)
#define PGWF_RETRY_POLICY_INIT PGWF_INIT(PgwfRetryPolicy)

/* What cancelling a scope does to an activity in it that was scheduled. */
typedef enum PgwfCancelType
{
	/* ask the service to cancel it, and the future is canceled at once */
	PGWF_CANCEL_TRY = 0,
	/* ask the service to cancel it, and wait for how it ends */
	PGWF_CANCEL_WAIT_COMPLETED = 1,
	/* let it run; the future is canceled at once */
	PGWF_CANCEL_ABANDON = 2
} PgwfCancelType;

/*
 * Options of an activity.  At least one of start_to_close_timeout_ms and
 * schedule_to_close_timeout_ms must be positive, otherwise the workflow task
 * fails.  Use as
 *		PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
 * or	&(PgwfActivityOptions) {PGWF_ACTIVITY_OPTIONS_DEFAULTS,
 *								.start_to_close_timeout_ms = 10000}
 * The struct and all it points to are only read during the call.
 */
typedef struct PgwfActivityOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	int64_t		start_to_close_timeout_ms;	/* one attempt */
	int64_t		schedule_to_close_timeout_ms;	/* all attempts */
	int64_t		schedule_to_start_timeout_ms;	/* waiting for a worker */
	int64_t		heartbeat_timeout_ms;	/* between two heartbeats */
	const char *activity_id;	/* NULL: "1", "2", ... in order */
	const char *task_queue;		/* NULL: the workflow's */
	const PgwfRetryPolicy *retry_policy;	/* NULL: the service's default */
	PgwfCancelType cancel_type;
	const char *summary;		/* one line for people, or NULL */
	json_t	   *header;			/* object name -> value, or NULL; borrowed */
} PgwfActivityOptions;

#define PGWF_ACTIVITY_OPTIONS_DEFAULTS \
	.struct_size = sizeof(PgwfActivityOptions)
#define PGWF_ACTIVITY_OPTIONS_INIT PGWF_INIT(PgwfActivityOptions)

/*
 * Schedules an activity on the service.  _start_ returns at once, _execute_
 * blocks and answers like pgwf_await().  In a canceled scope nothing is
 * scheduled and the outcome is a cancellation.
 */
extern PgwfFuture *pgwf_start_activity(PgwfWorkflow *wf,
									   const char *type,
									   json_t *args,
									   const PgwfActivityOptions *options);
extern bool pgwf_execute_activity(PgwfWorkflow *wf, const char *type,
								  json_t *args,
								  const PgwfActivityOptions *options,
								  json_t **result,
								  PgwfFailure **failure);

/*
 * Local activities run in the worker that runs the workflow, within its
 * workflow task: cheap for short work, no task queue, no heartbeats, and run
 * again if the worker dies before the task was answered.  The result is
 * recorded with the task.  Options as above; at least one of the two timeouts
 * must be positive.
 */
typedef struct PgwfLocalOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	int64_t		start_to_close_timeout_ms;	/* one attempt */
	int64_t		schedule_to_close_timeout_ms;	/* all attempts */

	/*
	 * A pause between attempts longer than this becomes a timer of the
	 * workflow instead of holding the task open; 0: one minute.
	 */
	int64_t		local_retry_threshold_ms;
	const char *activity_id;	/* NULL: its number */
	const PgwfRetryPolicy *retry_policy;	/* NULL: 1 s, 2.0, no limit */
	PgwfCancelType cancel_type;
} PgwfLocalOptions;

#define PGWF_LOCAL_OPTIONS_DEFAULTS \
	.struct_size = sizeof(PgwfLocalOptions)
#define PGWF_LOCAL_OPTIONS_INIT PGWF_INIT(PgwfLocalOptions)

extern PgwfFuture *pgwf_start_local_activity(PgwfWorkflow *wf,
											 const char *type,
											 json_t *args,
											 const PgwfLocalOptions *options);
extern bool pgwf_execute_local_activity(PgwfWorkflow *wf,
										const char *type,
										json_t *args,
										const PgwfLocalOptions *options,
										json_t **result,
										PgwfFailure **failure);

/* ---- Timers ---- */

/*
 * pgwf_start_timer: a durable timer; its future succeeds when it fires.  A
 *		duration of zero or less is over at once and leaves no trace in
 *		history.
 * pgwf_sleep: blocks for a duration; false with *failure set (if not NULL) if
 *		the scope was canceled.
 */
extern PgwfFuture *pgwf_start_timer(PgwfWorkflow *wf,
									int64_t duration_ms);
extern bool pgwf_sleep(PgwfWorkflow *wf, int64_t duration_ms,
					   PgwfFailure **failure);

/* ---- Conditions and signals ---- */

#define PGWF_FOREVER INT64_C(-1)

typedef enum PgwfWait
{
	PGWF_WAIT_DONE = 0,			/* what was waited for is there */
	PGWF_WAIT_TIMEOUT = 1,
	PGWF_WAIT_CANCELED = 2		/* the current scope was canceled */
} PgwfWait;

/*
 * Blocks until condition(arg) is true, a timeout (PGWF_FOREVER for none)
 * passes, or the current scope is canceled.  The condition is evaluated
 * whenever something happened in the workflow; it must only look at the
 * workflow's own data and not block.  The timeout is a timer of the workflow.
 */
typedef bool (*PgwfConditionFn) (void *arg);
extern PgwfWait pgwf_wait_condition(PgwfWorkflow *wf,
									PgwfConditionFn condition,
									void *arg, int64_t timeout_ms);

/*
 * Signals that nobody has received wait, in order of arrival, per name.
 *
 * pgwf_receive_signal: takes the oldest of a name; blocks while there is none.
 *		*input (may be NULL) is set to its list of arguments, borrowed, when
 *		PGWF_WAIT_DONE is returned.
 * pgwf_try_receive_signal: the same without waiting; false if there is none.
 * pgwf_signal_count: how many wait.
 * pgwf_set_signal_handler: from now on (and for those that wait) fn is run in
 *		a coroutine of its own for each signal of this name; name NULL is for
 *		all names without a handler of their own.  fn NULL removes the
 *		handler.
 */
typedef void (*PgwfSignalFn) (PgwfWorkflow *wf, const char *name,
							  json_t *input, void *arg);
extern PgwfWait pgwf_receive_signal(PgwfWorkflow *wf,
									const char *name,
									int64_t timeout_ms,
									json_t **input);
extern bool pgwf_try_receive_signal(PgwfWorkflow *wf,
									const char *name,
									json_t **input);
extern int	pgwf_signal_count(PgwfWorkflow *wf, const char *name);
extern void pgwf_set_signal_handler(PgwfWorkflow *wf,
									const char *name,
									PgwfSignalFn fn, void *arg);

/* ---- Coroutines ---- */

/*
 * Runs fn(wf, arg) in an additional coroutine of the same run, in the scope
 * that is current now.  It starts when the caller blocks.  Coroutines run one
 * at a time, in the order they were created, each until it blocks.  The
 * future gets what fn returns (borrowed from the workflow) or the *failure it
 * sets.  When the workflow function returns, the others end with the task.
 */
typedef json_t *(*PgwfCoroutineFn) (PgwfWorkflow *wf, void *arg,
									PgwfFailure **failure);
extern PgwfFuture *pgwf_spawn(PgwfWorkflow *wf, PgwfCoroutineFn fn,
							  void *arg);

/* ---- Cancellation ---- */

/*
 * Scopes form a tree.  Each coroutine has a current scope, the workflow's root
 * at first; what is started belongs to the scope current at that moment and is
 * canceled with it, and so are calls that block in it.  Cancelling a scope
 * cancels those below it, except shielded ones.  A request to cancel the
 * workflow cancels the root scope.  Workflow code may clean up in a shielded
 * scope and end as it likes; it ends Canceled only if it returns the
 * cancellation as its failure.
 *
 * pgwf_scope_new: a scope below the current one.
 * pgwf_scope_enter: makes it current in this coroutine; pgwf_scope_leave goes
 *		back to the one that was current before.
 * pgwf_scope_cancel: cancels it; NULL stands for the current one.
 * pgwf_scope_canceled: was it (or one above it, unless shielded) canceled?
 *		NULL stands for the current one.
 * pgwf_cancel_requested: was cancellation of the workflow requested?
 * pgwf_cancel_reason: the reason given, or NULL if not requested.
 */
typedef struct PgwfScope PgwfScope;
extern PgwfScope *pgwf_scope_new(PgwfWorkflow *wf, bool shielded);
extern void pgwf_scope_enter(PgwfWorkflow *wf, PgwfScope *scope);
extern void pgwf_scope_leave(PgwfWorkflow *wf);
extern void pgwf_scope_cancel(PgwfWorkflow *wf, PgwfScope *scope);
extern bool pgwf_scope_canceled(PgwfWorkflow *wf, PgwfScope *scope);
extern bool pgwf_cancel_requested(PgwfWorkflow *wf);
extern const char *pgwf_cancel_reason(PgwfWorkflow *wf);

/* ---- Deterministic time, random numbers, side effects, versions ---- */

/*
 * pgwf_now, pgwf_now_us: the time of the current workflow task (milliseconds,
 *		microseconds since 1970), the same on replay; it stands still between
 *		two blocking calls and never goes back.
 * pgwf_random: 64 random bits, the same on replay.  pgwf_random_double: in
 *		[0, 1).  pgwf_uuid: a random (version 4) UUID in text form.
 *		None of this is for secrets.
 * pgwf_side_effect: runs fn(arg) once, records the value it returns (a new
 *		reference, or NULL for null) in history, and returns it, on replay the
 *		recorded one without calling fn.  For short work that cannot fail.
 */
extern int64_t pgwf_now(PgwfWorkflow *wf);
extern int64_t pgwf_now_us(PgwfWorkflow *wf);
extern uint64_t pgwf_random(PgwfWorkflow *wf);
extern double pgwf_random_double(PgwfWorkflow *wf);
extern const char *pgwf_uuid(PgwfWorkflow *wf);

typedef json_t *(*PgwfSideEffectFn) (void *arg);
extern json_t *pgwf_side_effect(PgwfWorkflow *wf,
								PgwfSideEffectFn fn, void *arg);

/*
 * Guards a change to workflow code that runs in flight must not see.
 *
 * pgwf_patched: true for new runs (recorded in history) and on replay of runs
 *		that recorded it, false on replay of older ones.  The answer for one id
 *		never changes within a run.
 * pgwf_deprecate_patch: when no run without the patch is left, replace the
 *		if by this call; when no run with an un-deprecated record is left,
 *		remove the call.
 */
extern bool pgwf_patched(PgwfWorkflow *wf, const char *patch_id);
extern void pgwf_deprecate_patch(PgwfWorkflow *wf,
								 const char *patch_id);

/* ---- Information, logging, panic ---- */

/*
 * What is known about the run.  The struct and its pointers are the workflow's
 * and live as long as it; the last group changes from task to task.  Strings
 * and JSON values that history has not are NULL, numbers 0.
 */
typedef struct PgwfWorkflowInfo
{
	const char *workflow_id;
	const char *run_id;
	const char *first_execution_run_id;
	const char *original_execution_run_id;
	const char *continued_execution_run_id;
	const char *workflow_type;
	const char *task_queue;
	const char *cron_schedule;
	const char *parent_workflow_id;
	const char *parent_run_id;
	int			attempt;		/* of the workflow, from 1 */
	int64_t		start_time_ms;
	int64_t		execution_timeout_ms;	/* 0: none */
	int64_t		run_timeout_ms;
	int64_t		task_timeout_ms;
	const json_t *memo;			/* object name -> value */
	const json_t *search_attributes;	/* object name -> value */
	const json_t *header;		/* object name -> value */
	const json_t *last_completion_result;	/* list of values */
	const json_t *continued_failure;	/* a failure in JSON form */

	int64_t		history_length; /* events up to the current task */
	int64_t		history_size_bytes;
	bool		continue_as_new_suggested;
} PgwfWorkflowInfo;

extern const PgwfWorkflowInfo *pgwf_workflow_info(PgwfWorkflow *wf);

/* Is recorded history being replayed? Only for deciding what to print. */
extern bool pgwf_is_replaying(PgwfWorkflow *wf);

/* Writes a line to the registry's log, except during replay. */
extern void pgwf_log(PgwfWorkflow *wf, PgwfLogLevel level,
					 const char *fmt,...) PGWF_PRINTF(3, 4);

/*
 * Fails the workflow task, not the workflow: for states that only a
 * correction of the code can resolve.  The service tries the task again until
 * fixed code is deployed.  Does not return; the function's locals are
 * abandoned.
 */
extern void pgwf_panic(PgwfWorkflow *wf, const char *fmt,...)
			PGWF_PRINTF(2, 3) PGWF_NORETURN;

/* ----------------------------------------------------------------
 *		6. Replaying a history
 *
 * Runs a recorded history through the registered workflow function without a
 * server and reports the first disagreement.
 * ----------------------------------------------------------------
 */
typedef struct PgwfReplayReport
{
	bool		ok;				/* the code agrees with history */
	bool		nondeterminism; /* !ok: it asked for something else */
	int64_t		event_id;		/* !ok: where; 0 if no event is to blame */
	const char *message;		/* !ok: what history has and what the code
								 * asked for; "" if ok */
	const char *workflow_type;	/* "" if not known */
	int64_t		events;			/* events that were read */
	int			workflow_tasks; /* that were replayed */
	bool		finished;		/* the workflow function returned */

	/*
	 * What the code asked for in a last workflow task that history has no
	 * answer to yet: array of commands, borrowed from the report.
	 */
	json_t	   *commands;
} PgwfReplayReport;

/*
 * "history" is {"events": [...]} or the array of events, in Temporal's file
 * format or in the service's readable format; it is borrowed.  Returns PGWF_OK
 * with *report set (also if the code disagrees: look at report->ok), or
 * PGWF_INVALID_ARGUMENT if history cannot be understood, again with a report
 * whose message says why.  Free the report with pgwf_replay_report_free(),
 * which frees everything it points to.
 */
extern PgwfResult pgwf_replay_history(PgwfRegistry *registry,
									  const json_t *history,
									  PgwfReplayReport **report);

/* The same with a file; PGWF_NOT_FOUND if it cannot be read. */
extern PgwfResult pgwf_replay_history_file(PgwfRegistry *registry,
										   const char *path,
										   PgwfReplayReport **report);
extern void pgwf_replay_report_free(PgwfReplayReport *report);

/*
 * Turns a history of either format into the readable one: a new array of
 * events {"eventId", "eventTime", "eventType", "attributes"}.  Returns NULL if
 * it cannot be understood; *error (if not NULL) is then a string to free().
 */
extern json_t *pgwf_history_import(const json_t *history,
								   char **error);

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

/* libpq's PGconn, so that this header does not need libpq-fe.h. */
struct pg_conn;

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

#endif							/* PGWORKFLOW_H */
