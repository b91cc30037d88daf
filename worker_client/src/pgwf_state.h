/*
 * pgwf_state.h
 *		What a run is made of: events, commands, machines, coroutines, scopes,
 *		messages, and the run itself.
 *
 * Belongs to pgwf_int.h, which has the functions.
 */
#ifndef PGWF_STATE_H
#define PGWF_STATE_H

#include "pgworkflow.h"
#include "pgwf_instance.h"
#include "pgwf_node.h"

typedef struct PgwfFiber PgwfFiber;

typedef struct PgwfRandom
{
	uint64_t	s[4];
} PgwfRandom;

struct PgwfFailure
{
	json_t	   *json;
	PgwfFailure *cause;			/* made when first asked for, owned */
	json_t	   *no_details;		/* an empty array, made when asked for */
	bool		owned;			/* by a workflow or another failure */
	PgwfFailure *next;			/* list of the owning workflow */
};

/* ---- events and commands (pgwf_types.c) ---- */

/* Numbers as in the service's enum. */
typedef enum PgwfEventType
{
	PGWF_EVENT_NONE = 0,
	PGWF_EVENT_WORKFLOW_STARTED = 1,
	PGWF_EVENT_WORKFLOW_COMPLETED = 2,
	PGWF_EVENT_WORKFLOW_FAILED = 3,
	PGWF_EVENT_WORKFLOW_TIMED_OUT = 4,
	PGWF_EVENT_TASK_SCHEDULED = 5,
	PGWF_EVENT_TASK_STARTED = 6,
	PGWF_EVENT_TASK_COMPLETED = 7,
	PGWF_EVENT_TASK_TIMED_OUT = 8,
	PGWF_EVENT_TASK_FAILED = 9,
	PGWF_EVENT_ACTIVITY_SCHEDULED = 10,
	PGWF_EVENT_ACTIVITY_STARTED = 11,
	PGWF_EVENT_ACTIVITY_COMPLETED = 12,
	PGWF_EVENT_ACTIVITY_FAILED = 13,
	PGWF_EVENT_ACTIVITY_TIMED_OUT = 14,
	PGWF_EVENT_ACTIVITY_CANCEL_REQUESTED = 15,
	PGWF_EVENT_ACTIVITY_CANCELED = 16,
	PGWF_EVENT_TIMER_STARTED = 17,
	PGWF_EVENT_TIMER_FIRED = 18,
	PGWF_EVENT_TIMER_CANCELED = 19,
	PGWF_EVENT_CANCEL_REQUESTED = 20,
	PGWF_EVENT_WORKFLOW_CANCELED = 21,
	PGWF_EVENT_CANCEL_EXTERNAL_INITIATED = 22,
	PGWF_EVENT_CANCEL_EXTERNAL_FAILED = 23,
	PGWF_EVENT_EXTERNAL_CANCEL_REQUESTED = 24,
	PGWF_EVENT_MARKER_RECORDED = 25,
	PGWF_EVENT_SIGNALED = 26,
	PGWF_EVENT_WORKFLOW_TERMINATED = 27,
	PGWF_EVENT_CONTINUED_AS_NEW = 28,
	PGWF_EVENT_START_CHILD_INITIATED = 29,
	PGWF_EVENT_START_CHILD_FAILED = 30,
	PGWF_EVENT_CHILD_STARTED = 31,
	PGWF_EVENT_CHILD_COMPLETED = 32,
	PGWF_EVENT_CHILD_FAILED = 33,
	PGWF_EVENT_CHILD_CANCELED = 34,
	PGWF_EVENT_CHILD_TIMED_OUT = 35,
	PGWF_EVENT_CHILD_TERMINATED = 36,
	PGWF_EVENT_SIGNAL_EXTERNAL_INITIATED = 37,
	PGWF_EVENT_SIGNAL_EXTERNAL_FAILED = 38,
	PGWF_EVENT_EXTERNAL_SIGNALED = 39,
	PGWF_EVENT_UPSERT_SEARCH_ATTRIBUTES = 40,
	PGWF_EVENT_UPDATE_ACCEPTED = 41,
	PGWF_EVENT_UPDATE_COMPLETED = 43,
	PGWF_EVENT_PROPERTIES_MODIFIED = 46,
	PGWF_EVENT_TYPES = 61		/* one past the last number */
} PgwfEventType;

/* Classes of activation jobs, in the order in which they are applied. */
typedef enum PgwfJobClass
{
	PGWF_JOB_NONE = 0,			/* nothing to do for workflow code */
	PGWF_JOB_AT_ONCE,			/* bookkeeping while reading */
	PGWF_JOB_INIT,
	PGWF_JOB_RANDOM_SEED,
	PGWF_JOB_SIGNAL,
	PGWF_JOB_RESOLVE,
	PGWF_JOB_CLASSES
} PgwfJobClass;

typedef struct PgwfEvent
{
	int64_t		id;
	PgwfEventType type;
	int64_t		time_us;
	const PgwfNode *attributes; /* the task's; maybe NULL */
	json_t	   *json;			/* the same, see pgwf_event_json() */
	bool		may_ignore;		/* type may be unknown */
} PgwfEvent;

#define PGWF_EVENT_COMMAND	0x01	/* the 1:1 result of a command */
#define PGWF_EVENT_CLOSE	0x02	/* last event of a run */

typedef struct PgwfEventInfo
{
	const char *name;			/* "TimerFired" */
	unsigned	flags;
	PgwfJobClass job;
	void		(*apply) (PgwfWorkflow *wf, const PgwfEvent *event);
} PgwfEventInfo;

typedef struct PgwfMachine PgwfMachine;
typedef struct PgwfCommand PgwfCommand;

typedef struct PgwfCommandInfo
{
	const char *name;			/* "StartTimer" */
	PgwfEventType event;		/* what it becomes */
	bool		terminal;

	/*
	 * Does this event, whose type fits, fit this command in detail?  NULL:
	 * always.  (The ids and types that have to be equal.)
	 */
	bool		(*matches) (PgwfWorkflow *wf, const PgwfCommand *command,
							const PgwfEvent *event);
	/* Tells the machine that its command became this event; may be NULL. */
	void		(*recorded) (PgwfWorkflow *wf, PgwfCommand *command,
							 const PgwfEvent *event);
} PgwfCommandInfo;

typedef enum PgwfCommandType
{
	PGWF_COMMAND_SCHEDULE_ACTIVITY,
	PGWF_COMMAND_CANCEL_ACTIVITY,
	PGWF_COMMAND_START_TIMER,
	PGWF_COMMAND_CANCEL_TIMER,
	PGWF_COMMAND_RECORD_MARKER,
	PGWF_COMMAND_START_CHILD,
	PGWF_COMMAND_SIGNAL_EXTERNAL,
	PGWF_COMMAND_CANCEL_EXTERNAL,
	PGWF_COMMAND_UPSERT_SEARCH_ATTRIBUTES,
	PGWF_COMMAND_MODIFY_PROPERTIES,
	PGWF_COMMAND_ACCEPT_UPDATE,
	PGWF_COMMAND_COMPLETE_UPDATE,
	PGWF_COMMAND_COMPLETE_WORKFLOW,
	PGWF_COMMAND_FAIL_WORKFLOW,
	PGWF_COMMAND_CANCEL_WORKFLOW,
	PGWF_COMMAND_CONTINUE_AS_NEW,
	PGWF_COMMAND_TYPES
} PgwfCommandType;

extern const PgwfEventInfo pgwf_event_infos[PGWF_EVENT_TYPES];
extern const PgwfCommandInfo pgwf_command_infos[PGWF_COMMAND_TYPES];

extern PgwfEventType pgwf_event_type_of(const char *name);
extern const char *pgwf_event_attributes_key(PgwfEventType type, char *buf,
											 size_t size);
extern char *pgwf_describe_event(const PgwfEvent *event);
extern char *pgwf_describe_command(const PgwfCommand *command);

/* ---- machines ---- */

typedef enum PgwfMarkerKind
{
	PGWF_MARKER_NONE = 0,
	PGWF_MARKER_PATCH,
	PGWF_MARKER_SIDE_EFFECT,
	PGWF_MARKER_LOCAL,
	PGWF_MARKER_VERSION,
	PGWF_MARKER_MUTABLE			/* mutable side effect */
} PgwfMarkerKind;

/* A command that the code asked for and no event has confirmed yet. */
struct PgwfCommand
{
	PgwfCommandType type;
	PgwfMachine *machine;		/* NULL for commands without follow-up */
	json_t	   *attributes;		/* one reference */
	json_t	   *user_metadata;	/* one reference or NULL */
	PgwfMarkerKind marker;		/* of RECORD_MARKER */
	int64_t		marker_id;		/* seq of side effect or local activity */
	const char *patch_id;		/* of patches, versions, mutable side effects;
								 * arena */
	struct PgwfUpdate *update;	/* of answers to one */
	json_t	   *message;		/* one reference, or NULL: goes with it */
	int64_t		activation;		/* in which it was made */
	bool		dropped;		/* canceled before it was sent */
	bool		sent;
	PgwfCommand *next;
};

typedef enum PgwfMachineState
{
	PGWF_STATE_CREATED = 0,		/* command made */
	PGWF_STATE_SCHEDULED,		/* command became an event */
	PGWF_STATE_STARTED,			/* activities: started event seen */
	PGWF_STATE_CLOSED			/* outcome known, or none will come */
} PgwfMachineState;

typedef struct PgwfMachineInfo
{
	const char *noun;			/* "activity" */
	/* cancels what has not closed; resolves the future as its kind does */
	void		(*cancel) (PgwfWorkflow *wf, PgwfMachine *machine);
} PgwfMachineInfo;

/* A local activity's part of its machine. */
typedef struct PgwfLocal
{
	json_t	   *input;			/* one reference */
	int			attempt;
	int64_t		start_to_close_ms;
	int64_t		schedule_to_close_ms;
	int64_t		threshold_ms;
	int64_t		initial_ms;
	double		coefficient;
	int64_t		maximum_ms;
	int			maximum_attempts;
	char	  **non_retryable;	/* NULL-terminated; arena */
	int64_t		scheduled_us;	/* workflow time when it was scheduled */
	int64_t		original_us;	/* the same of attempt 1 */
	int64_t		elapsed_ms;		/* of the attempts delivered */
	int64_t		delay_ms;		/* before the attempt to come */
	bool		requested;		/* the attempt was handed to the worker */
	bool		cancel_wanted;	/* of type WAIT_COMPLETED */
	PgwfMachine *backoff_timer; /* while it waits for another attempt */
	PgwfMachine *next;			/* list of open ones */
} PgwfLocal;

/* A child's part of its machine, and what workflow code holds of it. */
struct PgwfChild
{
	PgwfMachine *machine;
	PgwfFuture *started;
	const char *run_id;			/* NULL before it started; arena */
	PgwfChildCancelType cancel_type;
	bool		cancel_wanted;	/* as soon as it has started */
	const char *cancel_reason;	/* or NULL; arena */
	PgwfMachine *signals;		/* to be sent when it has started */
};

struct PgwfMachine
{
	const PgwfMachineInfo *info;
	PgwfMachineState state;
	int64_t		seq;
	PgwfFuture *future;			/* NULL for what the library needs itself */
	PgwfCommand *command;		/* until it was confirmed */
	PgwfCancelType cancel_type;
	bool		cancel_sent;
	const char *id;				/* activity, timer or workflow id; arena */
	const char *type;			/* activity or workflow type; arena */
	int64_t		scheduled_event_id;
	int64_t		started_event_id;
	PgwfLocal  *local;
	PgwfMachine *backoff_of;	/* timers: the local activity to go on with */
	PgwfScope  *timeout_of;		/* timers: the scope to be canceled */
	PgwfChild  *child;			/* children, their cancellations and signals */
	json_t	   *attributes;		/* of a command to be made later; arena */
	PgwfMachine *next;			/* signals to a child to come; receivers */
};

/* ---- scheduling (pgwf_sched.c) ---- */

struct PgwfFuture
{
	bool		done;
	json_t	   *result;			/* one reference; NULL while not done */
	PgwfFailure *failure;		/* the workflow's */
	PgwfMachine *machine;		/* NULL: a coroutine's */
	bool		cancel_seen;	/* its scope was canceled */
	PgwfScope  *scope;			/* while pending */
	PgwfFuture *scope_prev;
	PgwfFuture *scope_next;
};

struct PgwfScope
{
	bool		shielded;
	bool		canceled;
	PgwfScope  *parent;
	PgwfScope  *first_child;
	PgwfScope  *last_child;
	PgwfScope  *sibling;
	PgwfFuture *first;			/* pending futures, in order of creation */
	PgwfFuture *last;
	int			users;			/* coroutines that are in it */
	PgwfFuture *timer;			/* pending, of its timeout; or NULL */
	bool		timed_out;
	bool		due;			/* in the list of those to be canceled */
	struct PgwfScope *next_due;
	bool		left;			/* in the list of those that something left */
	struct PgwfScope *next_left;
	bool		limited;		/* it or one above it has a timeout */
};

typedef struct PgwfScopeEntry
{
	PgwfScope  *scope;
	struct PgwfScopeEntry *up;
} PgwfScopeEntry;

typedef bool (*PgwfWaitTest) (PgwfWorkflow *wf, void *arg);

typedef struct PgwfCoroutine
{
	PgwfWorkflow *wf;
	PgwfFiber  *fiber;
	PgwfCoroutineFn fn;			/* NULL: the workflow function */
	void	   *arg;
	PgwfFuture *future;			/* NULL: the main one, signal handlers */
	PgwfScopeEntry *scopes;		/* current first; never NULL */
	/* while blocked: may it go on? NULL: it may */
	bool		(*ready) (struct PgwfCoroutine *co);
	void	   *wait;			/* for ready(); on the coroutine's stack */
	bool		idle;			/* it was resumed, but only looked */
	/* for stack traces; the workflow's, or static */
	int			number;			/* in order of creation, from 1 */
	const char *name;			/* NULL: it has only a number */
	const char *name_detail;	/* of what, or NULL */
	const char *call;			/* while blocked: in this function */
	const char *call_detail;	/* for what, or NULL */
	struct PgwfUpdate *update;	/* whose handler started it, or NULL */
	bool		waiting;		/* for a condition, in the list of those */
	PgwfWaitTest test;			/* the condition */
	struct PgwfCoroutine *next;
	struct PgwfCoroutine *waiting_prev;
	struct PgwfCoroutine *waiting_next;
} PgwfCoroutine;

typedef struct PgwfSignal
{
	const char *name;			/* arena */
	json_t	   *input;			/* owned by the workflow */
	struct PgwfSignal *next;
} PgwfSignal;

typedef struct PgwfSignalHandler
{
	const char *name;			/* NULL: all others */
	const char *description;	/* or NULL */
	PgwfSignalFn fn;
	PgwfUnfinished unfinished;
	void	   *arg;
	struct PgwfSignalHandler *next;
} PgwfSignalHandler;

/* A handler of queries or updates. */
typedef struct PgwfHandler
{
	const char *name;			/* NULL: all others */
	const char *description;	/* or NULL */
	PgwfQueryFn query;			/* NULL: of updates, or removed */
	PgwfUpdateFn update;		/* NULL: of queries, or removed */
	PgwfUpdateValidatorFn validator;	/* or NULL */
	PgwfUnfinished unfinished;
	void	   *arg;
	struct PgwfHandler *next;
} PgwfHandler;

/* An update that was asked for. */
typedef struct PgwfUpdate
{
	const char *id;				/* arena, as all strings here */
	const char *message_id;		/* of the request */
	const char *name;
	json_t	   *args;			/* the workflow's */
	json_t	   *meta;			/* the workflow's, or NULL */
	int64_t		sequencing_id;	/* it comes behind this event */
	bool		live;			/* a message brought it, not history */
	PgwfHandler handler;		/* once it was started */
	struct PgwfUpdate *next;
} PgwfUpdate;

typedef struct PgwfUpdateList
{
	PgwfUpdate *first;
	PgwfUpdate *last;
} PgwfUpdateList;

typedef void (*PgwfReadOnlyFn) (PgwfWorkflow *wf, void *arg);

/* A call of user code that must not change anything. */
typedef struct PgwfReadOnly
{
	PgwfWorkflow *wf;
	const char *what;			/* "a query handler" */
	PgwfReadOnlyFn fn;
	void	   *arg;
	char	   *error;			/* why it was abandoned */
} PgwfReadOnly;

typedef struct PgwfPatch
{
	const char *id;
	bool		in_history;		/* a marker was seen ahead */
	bool		answered;		/* the code asked (or deprecated) */
	bool		answer;
	int			version;		/* of a change with versions */
	struct PgwfPatch *next;
} PgwfPatch;

/* A side effect whose value may change. */
typedef struct PgwfMutable
{
	const char *id;
	int			calls;
	json_t	   *value;			/* the workflow's; NULL: none yet */
	struct PgwfMutable *next;
} PgwfMutable;

/* Where the library lists a run's patches, and its limit in bytes. */
#define PGWF_CHANGE_VERSION "TemporalChangeVersion"
#define PGWF_CHANGE_VERSION_MAX 2048

/* Markers that were seen ahead: local activities and side effects. */
typedef struct PgwfSeenMarker
{
	int64_t		event_id;
	int64_t		seq;
	json_t	   *attributes;		/* one reference */
	struct PgwfSeenMarker *next;
} PgwfSeenMarker;

typedef struct PgwfSeenList
{
	PgwfSeenMarker *first;
	PgwfSeenMarker *last;
} PgwfSeenList;

/* An attempt's end that arrived between a heartbeat and the next task. */
typedef struct PgwfStashedResult
{
	PgwfLocalResult result;		/* owns its members */
	struct PgwfStashedResult *next;
} PgwfStashedResult;

/* Map from event id to machine: open addressing, never shrinks. */
typedef struct PgwfIdMap
{
	int64_t    *keys;			/* 0: free */
	PgwfMachine **values;
	size_t		size;			/* power of two, or 0 */
	size_t		used;
} PgwfIdMap;

extern void pgwf_idmap_put(PgwfIdMap *map, int64_t key, PgwfMachine *machine);
extern PgwfMachine *pgwf_idmap_get(const PgwfIdMap *map, int64_t key);
extern void pgwf_idmap_free(PgwfIdMap *map);

/* What belongs to a run, or to one read-only call. */
typedef struct PgwfMemory
{
	struct PgwfChunk *chunks;
	json_t	  **owned;
	size_t		n_owned;
	size_t		cap_owned;
	PgwfFailure *failures;
} PgwfMemory;

typedef enum PgwfErrorKind
{
	PGWF_ERROR_NONE = 0,
	PGWF_ERROR_NONDETERMINISM,
	PGWF_ERROR_PANIC,			/* of the code */
	PGWF_ERROR_UNHANDLED,		/* history cannot be gone on with */
	PGWF_ERROR_STALE
} PgwfErrorKind;

#define PGWF_SEQ_ACTIVITY	0
#define PGWF_SEQ_TIMER		1
#define PGWF_SEQ_LOCAL		2
#define PGWF_SEQ_SIDE_EFFECT	3
#define PGWF_SEQ_KINDS		4

/* Behaviour switches that histories record. */
#define PGWF_FLAG_ID_CHECKS		1
#define PGWF_FLAG_UPSERT_CHECKS 2
#define PGWF_FLAG_TERMINAL_LAST 3
#define PGWF_FLAG_MAX			3

struct PgwfWorkflow
{
	PgwfRegistry *registry;
	PgwfWorkflowFn fn;
	void	   *fn_arg;

	PgwfMemory	memory;
	PgwfWorkflowInfo info;
	json_t	   *input;

	/* position in history */
	int64_t		last_event_id;	/* processed */
	int64_t		last_started_id;	/* WorkflowTaskStarted of the last
									 * activation */
	bool		had_command;	/* its sequence had a command event */
	bool		closed;			/* a terminal event was seen */
	PgwfEvent  *events;			/* of the task being processed */
	int			n_events;

	/* the current activation */
	int64_t		activation;
	int64_t		code_began_ms;	/* monotonic; read by another thread */
	bool		replaying;
	int64_t		now_us;
	PgwfRandom	random;
	PgwfErrorKind error;
	char	   *error_message;
	int64_t		error_event_id;
	json_t	   *error_details;

	/* flags and SDK of the history so far */
	bool		flag[PGWF_FLAG_MAX + 1];
	bool		flag_used[PGWF_FLAG_MAX + 1];	/* to be recorded */
	const char *sdk_name;		/* arena */
	const char *sdk_version;

	/* commands and machines */
	PgwfCommand *first_command;
	PgwfCommand *last_command;
	PgwfCommand *terminal;		/* not in the list yet */
	PgwfCommand *terminal_after;	/* last command when it was made */
	bool		terminal_first; /* there was none */
	bool		finished;
	int64_t		seq[PGWF_SEQ_KINDS];
	PgwfIdMap	machines;		/* by id of the initiating event */

	/* what the look-ahead found */
	PgwfPatch  *patches;
	PgwfPatch  *versions;		/* changes that have versions */
	json_t	   *change_versions;	/* what they are listed as, or NULL */
	bool		marker_skipped; /* its search attribute may follow */
	PgwfSeenList local_markers;
	PgwfSeenList side_effects;
	PgwfSeenList mutable_effects;
	PgwfMutable *mutables;

	/* local activities */
	PgwfMachine *locals;		/* open ones, in order of creation */
	int64_t    *local_cancels;
	int			n_local_cancels;
	bool		heartbeat;		/* a heartbeat is being answered */
	PgwfStashedResult *stashed;
	int64_t		extra_attempts; /* attempts > 1 since the last completion */

	/* coroutines */
	PgwfCoroutine *coroutines;
	PgwfCoroutine *last_coroutine;
	PgwfCoroutine *first_waiting;	/* for conditions, in order of waiting */
	PgwfCoroutine *last_waiting;
	PgwfCoroutine *current;		/* NULL: the engine runs */
	bool		in_condition;	/* a wait condition is being evaluated */
	bool		main_started;
	bool		in_jobs;		/* the jobs of a task are being applied */
	PgwfScope  *first_due;		/* to be canceled after them */
	PgwfScope  *last_due;
	PgwfScope  *first_left;		/* something left them meanwhile */
	PgwfScope  *last_left;
	PgwfScope  *root;
	bool		cancel_requested;
	const char *cancel_reason;
	PgwfSignal *signals;
	PgwfSignal *last_signal;
	PgwfSignalHandler *handlers;
	int			n_coroutines;	/* ever created */
	int			running_signals;	/* handlers that have not returned */
	int			abandonable_signals;	/* of these, PGWF_UNFINISHED_ABANDON */
	bool		in_init;		/* the init function runs */
	PgwfMachine *receivers;		/* futures that wait for signals */

	/* what the run is and is to become */
	const char *own_deployment; /* the worker's; arena, or NULL */
	const char *own_build_id;
	const char *current_details;	/* arena, or NULL */
	bool		own_search_attributes;	/* copies of what history has */
	bool		own_memo;
	json_t	   *next_run;		/* command attributes, one reference */
	PgwfReadOnly *read_only;	/* what runs must not change anything */
	PgwfReadOnly *read_only_wanted; /* by a coroutine that has suspended */
	PgwfInitFn	init;			/* to be run before all else, or NULL */
	unsigned	fail_on;		/* PGWF_FAIL_ON_... */
	void	   *state;			/* the code's */

	/* queries */
	PgwfHandler *query_handlers;
	json_t	   *queries;		/* of the task, one reference, or NULL */
	json_t	   *query_results;	/* answers to those of the task, or NULL */

	/* updates */
	PgwfHandler *update_handlers;
	PgwfUpdateList arrived;		/* with the task, not dispatched */
	PgwfUpdateList requests;	/* of the activation, not dispatched */
	PgwfUpdateList waiting_updates; /* for a handler to be set */
	PgwfUpdate *running_updates;	/* whose handlers have not returned */
	json_t	   *admitted;		/* update id -> Request; NULL: none */
	json_t	   *messages;		/* array to go with the answer, or NULL */
	bool		accepted;		/* the activation accepted one */

	/* going back behind a task that the service has forgotten */
	int64_t		virtual_id;		/* first event of the last task that history
								 * does not have; 0: it has all */
	bool		quiet;			/* the task brought nothing but updates */
	bool		had_command_before; /* had_command before the task */
	bool		rolled_back;	/* the last task was forgotten */
	bool		carried_command;	/* events before it had commands */
};

#endif							/* PGWF_STATE_H */
