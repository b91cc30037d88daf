/*
 * pgworkflow/workflow.h
 *		Workflow code: what a workflow function may call.
 *		Section 5 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_WORKFLOW_H
#define PGWORKFLOW_WORKFLOW_H

#include "registry.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

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
	const char *details;		/* more for people, or NULL */
	PgwfPriority priority;
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

typedef struct PgwfTimerOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *summary;		/* one line for people, or NULL */
	const char *details;		/* more of it, or NULL */
} PgwfTimerOptions;

#define PGWF_TIMER_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfTimerOptions)
#define PGWF_TIMER_OPTIONS_INIT PGWF_INIT(PgwfTimerOptions)

/*
 * pgwf_start_timer: a durable timer; its future succeeds when it fires.  A
 *		duration of zero or less is over at once and leaves no trace in
 *		history.
 * pgwf_start_timer_with: the same with options, which may be NULL.
 * pgwf_sleep: blocks for a duration; false with *failure set (if not NULL) if
 *		the scope was canceled.
 */
extern PgwfFuture *pgwf_start_timer(PgwfWorkflow *wf,
									int64_t duration_ms);
extern PgwfFuture *pgwf_start_timer_with(PgwfWorkflow *wf,
										 int64_t duration_ms,
										 const PgwfTimerOptions *options);
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
 * workflow's own data and not block.  Coroutines that wait for conditions look
 * at them in the order in which they began to wait, until none can go on.  The
 * timeout is a timer of the workflow.
 */
typedef bool (*PgwfConditionFn) (void *arg);
extern PgwfWait pgwf_wait_condition(PgwfWorkflow *wf,
									PgwfConditionFn condition,
									void *arg, int64_t timeout_ms);

/*
 * Await futures like pgwf_await_any(), _all() and pgwf_await(), but not longer
 * than a timeout, and not beyond the cancellation of the current scope.  When
 * PGWF_WAIT_DONE is returned, pgwf_await() does not block; *index (may be
 * NULL) is then the lowest that is done.  Nothing is canceled by the timeout:
 * use a scope with a timeout for that.
 */
extern PgwfWait pgwf_await_any_timeout(PgwfWorkflow *wf,
									   PgwfFuture *const *futures, int n,
									   int64_t timeout_ms, int *index);
extern PgwfWait pgwf_await_all_timeout(PgwfWorkflow *wf,
									   PgwfFuture *const *futures, int n,
									   int64_t timeout_ms);
extern PgwfWait pgwf_await_timeout(PgwfWorkflow *wf, PgwfFuture *future,
								   int64_t timeout_ms);

/*
 * Signals that nobody has received wait, in order of arrival, per name.
 *
 * pgwf_receive_signal: takes the oldest of a name; blocks while there is none.
 *		*input (may be NULL) is set to its list of arguments, borrowed, when
 *		PGWF_WAIT_DONE is returned.
 * pgwf_try_receive_signal: the same without waiting; false if there is none.
 * pgwf_start_receive_signal: a future for the oldest of a name, or the next
 *		one to come, that succeeds with its list of arguments; to be awaited
 *		together with others.  Nobody else gets that signal, so cancel a
 *		future that is no longer wanted, or it takes one.  Several for a name
 *		are served in the order in which they were made.
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
extern PgwfFuture *pgwf_start_receive_signal(PgwfWorkflow *wf,
											 const char *name);
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

/* Names the calling coroutine in stack traces. */
extern void pgwf_set_coroutine_name(PgwfWorkflow *wf, const char *name);

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
 * pgwf_scope_new_timeout: one that is canceled when a time has passed.  Its
 *		timer ends early when the scope is empty: no coroutine is in it, and
 *		nothing that was started in it (or in scopes below it that are not
 *		shielded) is under way.  A time of zero or less has passed already.
 * pgwf_scope_timed_out: was it canceled by its own timeout?  NULL stands for
 *		the current one.
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
extern PgwfScope *pgwf_scope_new_timeout(PgwfWorkflow *wf, bool shielded,
										 int64_t timeout_ms);
extern bool pgwf_scope_timed_out(PgwfWorkflow *wf, PgwfScope *scope);
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
 * A side effect whose value may change: fn(arg) is run at each call outside of
 * replay, and its value recorded only if it is not equal to the last one of
 * this id; then, as in all other cases, the last one is returned.  "equal" gets
 * "arg" as well; NULL: they are compared as JSON.
 */
typedef bool (*PgwfEqualFn) (const json_t *last, const json_t *value,
							 void *arg);
extern json_t *pgwf_mutable_side_effect(PgwfWorkflow *wf, const char *id,
										PgwfSideEffectFn fn, void *arg,
										PgwfEqualFn equal);

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

/*
 * The same for changes that come in several steps: the version of a change
 * that this run has seen.  New runs get max_supported, which is recorded;
 * runs from before the change PGWF_DEFAULT_VERSION.  The answer for one id
 * never changes within a run.  One outside of min_supported to max_supported
 * fails the workflow task as nondeterminism.  The call may be removed when no
 * run needs it any more.
 *
 * Patches and versions are listed in the run's search attribute
 * TemporalChangeVersion, as "<id>" and "<id>-<version>", up to 2 kB.
 */
#define PGWF_DEFAULT_VERSION	(-1)
extern int	pgwf_get_version(PgwfWorkflow *wf, const char *change_id,
							 int min_supported, int max_supported);

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
	const char *workflow_namespace;
	const char *parent_namespace;
	const char *parent_workflow_id;
	const char *parent_run_id;
	const char *root_workflow_id;	/* the run itself if it has no parent */
	const char *root_run_id;
	int			attempt;		/* of the workflow, from 1 */
	int64_t		start_time_ms;
	int64_t		execution_timeout_ms;	/* 0: none */
	int64_t		execution_deadline_ms;	/* end of all runs; 0: none */
	int64_t		run_timeout_ms;
	int64_t		task_timeout_ms;
	int64_t		start_delay_ms; /* before the first workflow task */
	PgwfPriority priority;		/* zero fields: the service's defaults */
	const json_t *retry_policy; /* in JSON form: {"initialInterval": ...} */
	const json_t *memo;			/* object name -> value */
	const json_t *search_attributes;	/* object name -> value */
	const json_t *header;		/* object name -> value */
	const json_t *last_completion_result;	/* list of values */
	const json_t *continued_failure;	/* a failure in JSON form */

	int64_t		history_length; /* events up to the current task */
	int64_t		history_size_bytes;
	bool		continue_as_new_suggested;
	unsigned	continue_as_new_reasons;	/* PGWF_CONTINUE_... */

	/*
	 * The deployment and build id of the worker that answered the current
	 * task, or of this one if nobody has yet.
	 */
	const char *deployment_name;
	const char *build_id;

	/*
	 * The task queue's version is another one now: a run that is bound to its
	 * version moves on by continuing as new.
	 */
	bool		target_version_changed;
} PgwfWorkflowInfo;

/* Why the service suggests to continue as new: bits. */
#define PGWF_CONTINUE_HISTORY_SIZE		0x01	/* too many bytes */
#define PGWF_CONTINUE_HISTORY_EVENTS	0x02	/* too many events */
#define PGWF_CONTINUE_UPDATES			0x04	/* too many updates */

extern const PgwfWorkflowInfo *pgwf_workflow_info(PgwfWorkflow *wf);

/*
 * A text about where the workflow stands, for people, who read it with the
 * query __temporal_workflow_metadata.  It is not kept in history.  NULL
 * removes it.
 *
 * pgwf_current_details: the text, or NULL.
 */
extern void pgwf_set_current_details(PgwfWorkflow *wf, const char *details);
extern const char *pgwf_current_details(PgwfWorkflow *wf);

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

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_WORKFLOW_H */
