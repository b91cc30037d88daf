/*-------------------------------------------------------------------------
 *
 * pgwf_store.h
 *		The rows of a run, and the only code that knows how they are reached.
 *
 * There is one store module (pgwf_store_*.c) per table.  Text and jsonb in
 * rows that are read live in the memory context of the call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_STORE_H
#define PGWF_STORE_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "pgwf_queue_state.h"
#include "pgwf_routing.h"
#include "pgwf_table.h"

/* What a flush has to do with a row */
typedef enum PgwfRowChange
{
	PGWF_ROW_UNCHANGED,
	PGWF_ROW_INSERT,
	PGWF_ROW_UPDATE,
	PGWF_ROW_DELETE
} PgwfRowChange;

/* workflow.mutable_state: see the comments on its columns */
typedef struct PgwfState
{
	int32		namespace_id;
	int32		flags;			/* PGWF_RUN_* */
	int64		run_key;
	int64		next_event_id;
	int64		next_buffer_id;
	TimestampTz last_event_time;
	int64		previous_started_event_id;
	int64		history_size;
	int64		buffered_size;
	TimestampTz start_time;
	int64		task_timeout;	/* default of its workflow tasks */
	int64		wft_scheduled_event_id;
	int64		wft_started_event_id;
	TimestampTz wft_scheduled_time;
	TimestampTz wft_original_scheduled_time;
	TimestampTz wft_started_time;
	int64		wft_timeout;
	int64		sticky_timeout;
	int32		wft_attempt;
	int32		wft_stamp;
	int32		buffered_events;
	int32		pending_activities;
	int32		pending_timers;
	int32		pending_children;
	int32		pending_signals;	/* to other workflows */
	int32		pending_cancels;	/* of other workflows */
	int32		signal_count;
	int32		open_updates;	/* admitted or accepted */
	int32		update_count;	/* accepted in all */
	int64		state_transition_count;
	int64		pending_size;	/* see pgwf_run_limits.c */
	int32		version_key;	/* of its last task's worker, or inherited */
	int32		override_key;	/* that an override pins it to, or 0 */
	int32		transition_key; /* see PGWF_RUN_IN_TRANSITION */
	char	   *sticky_queue;	/* NULL if the run is not sticky */
	char	   *wft_identity;	/* holds the workflow task, or held the last */
	Jsonb	   *priority;		/* of its tasks; NULL: the default */
} PgwfState;

#define PGWF_RUN_CANCEL_REQUESTED	0x01
#define PGWF_RUN_CLOSE_ATTEMPTED	0x02	/* a close command failed */
#define PGWF_RUN_TASK_ON_STICKY		0x04	/* scheduled for a sticky queue */
#define PGWF_RUN_AWAITS_FIRST_TASK	0x08	/* its first task is delayed */
#define PGWF_RUN_HAS_RETRY_POLICY	0x10
#define PGWF_RUN_HAS_CRON			0x20
#define PGWF_RUN_HAS_PARENT			0x40
#define PGWF_RUN_HAS_REQUESTS		0x80	/* rows in run_request */
#define PGWF_RUN_PAUSED				0x100
#define PGWF_RUN_HAS_QUERIES		0x200	/* there may be buffered ones */
#define PGWF_RUN_SPECULATIVE		0x400	/* task without events so far */
#define PGWF_RUN_HAS_POLL_REQUEST	0x800	/* a row in poll_request */
#define PGWF_RUN_REPORTED_PROBLEMS	0x1000	/* see pgwf_problems.h */

/* What it has to do with worker deployment versions; none is set if nothing */
#define PGWF_RUN_PINNED				0x10000 /* its behavior, as reported */
#define PGWF_RUN_AUTO_UPGRADE		0x20000 /* or inherited */
#define PGWF_RUN_OVERRIDDEN			0x40000 /* pinned if override_key is set */
#define PGWF_RUN_IN_TRANSITION		0x80000 /* moves to transition_key */
#define PGWF_RUN_ROUTED_ONCE		0x100000	/* which only the end of its
												 * next task changes */
#define PGWF_RUN_VERSIONING \
	(PGWF_RUN_PINNED | PGWF_RUN_AUTO_UPGRADE | PGWF_RUN_OVERRIDDEN | \
	 PGWF_RUN_IN_TRANSITION | PGWF_RUN_ROUTED_ONCE)

/* workflow.execution */
typedef struct PgwfExecution
{
	ItemPointerData tid;
	int32		namespace_id;
	int64		run_key;
	pg_uuid_t	run_id;			/* ends with the run_key */
	int64		previous_run_key;	/* of its workflow id; 0: none */
	char	   *workflow_id;
	char	   *workflow_type;
	char	   *task_queue;
	PgwfStatus	status;
	TimestampTz start_time;
	TimestampTz execution_time;
	TimestampTz close_time;		/* PGWF_NO_TIME while open */
	pg_uuid_t	first_run_id;
	char	   *start_request_id;
	int64		execution_timeout;	/* 0: none */
	int64		run_timeout;	/* 0: none */
	int64		task_timeout;
	int64		history_length; /* once closed */
	int64		history_size;	/* once closed */
	int64		state_transition_count; /* once closed */
	Jsonb	   *memo;
	Jsonb	   *search_attributes;
	int32		attempt;
	TimestampTz expiration_time;	/* of the chain; PGWF_NO_TIME: never */
	pg_uuid_t  *new_run_id;		/* NULL unless it was continued */
	char	   *cron_schedule;	/* NULL if it has none */
	char	   *schedule_id;	/* NULL if no schedule started its chain */
	char	   *parent_workflow_id; /* NULL if it has no parent */
	pg_uuid_t  *parent_run_id;
	int64		parent_run_key;
	int64		parent_initiated_event_id;
	char	   *root_workflow_id;	/* NULL if it is its own root */
	pg_uuid_t  *root_run_id;
	pg_uuid_t  *reset_run_id;	/* NULL unless it was reset */
	Jsonb	   *versioning_info;	/* NULL: nothing to do with versions */
} PgwfExecution;

/* Bytes of workflow.history_batch, see pgwf_pack.c */
typedef struct PgwfPacked
{
	const char *data;
	int			len;
	bool		untrusted;		/* no event of ours: may hold any bytes */
} PgwfPacked;

/* An event of workflow.history_batch or workflow.buffered_event */
typedef struct PgwfEvent
{
	int64		event_id;		/* or buffer_id, while buffered */
	PgwfEventType type;
	TimestampTz time;
	Jsonb	   *attributes;		/* NULL until pgwf_unpack_event() */
	Jsonb	   *user_metadata;
	PgwfPacked	packed;			/* up to the end of this event */
	int			packed_at;		/* offset of its attributes there */
	ItemPointerData tid;		/* of a stored buffered event */
} PgwfEvent;

/* Where a task stands in its queue: see pgwf_priority.h */
typedef struct PgwfPlace
{
	int64		rank;			/* the lowest is handed out first */
	float		fairness_weight;	/* 0: not given */
	char	   *fairness_key;	/* NULL: none */
} PgwfPlace;

/* workflow.workflow_task */
typedef struct PgwfTask
{
	ItemPointerData tid;
	int32		namespace_id;
	int32		stamp;
	int64		run_key;
	TimestampTz scheduled_time;
	PgwfRoute	route;
	bool		sticky;
	char	   *task_queue;
	PgwfPlace	place;
} PgwfTask;

/* workflow.poll_request */
typedef struct PgwfPollRequest
{
	int32		namespace_id;
	int32		stamp;
	int64		run_key;
} PgwfPollRequest;

/* workflow.activity */
typedef enum PgwfActivityState
{
	PGWF_ACTIVITY_SCHEDULED = 1,
	PGWF_ACTIVITY_STARTED = 2,
	PGWF_ACTIVITY_BACKING_OFF = 3,
	PGWF_ACTIVITY_PARKED = 4	/* it, or its workflow, is paused */
} PgwfActivityState;

#define PGWF_ACTIVITY_PAUSED		0x1
#define PGWF_ACTIVITY_RESET			0x2 /* begin with attempt 1 again */
#define PGWF_ACTIVITY_FORGET_HEARTBEAT 0x4	/* and without details */

typedef struct PgwfActivity
{
	ItemPointerData tid;
	PgwfRowChange change;
	bool		locked;			/* by this transaction, so up to date */
	bool		eager;			/* its scheduler asks for it at once */
	char	   *waits_in;		/* queue that its row waits in, or NULL */
	int32		namespace_id;
	PgwfActivityState state;
	int16		flags;
	int64		run_key;
	int64		scheduled_event_id;
	TimestampTz due_at;			/* PGWF_NO_TIME: never */
	int32		attempt;
	int32		stamp;			/* changes with every attempt */
	PgwfPlace	place;
	int32		maximum_attempts;	/* 0: unlimited */
	int32		counted_size;	/* of its run's pending_size */
	int64		cancel_requested_event_id;	/* 0: not requested */
	TimestampTz scheduled_time; /* of the first attempt */
	TimestampTz attempt_scheduled_time;
	TimestampTz started_time;	/* of this attempt */
	TimestampTz last_heartbeat_time;
	int64		schedule_to_close;
	int64		schedule_to_start;
	int64		start_to_close;
	int64		heartbeat;
	int64		initial_interval;
	int64		maximum_interval;
	double		backoff_coefficient;
	PgwfRoute	route;
	char	   *task_queue;
	char	   *activity_id;
	char	   *activity_type;
	char	   *identity;		/* worker of the latest attempt */
	char	   *request_id;		/* of the poll that claimed it, or NULL */
	Jsonb	   *non_retryable_error_types;
	Jsonb	   *last_failure;	/* of the attempt before this one */
	Jsonb	   *heartbeat_details;
} PgwfActivity;

/* workflow.timer */
typedef enum PgwfTimerKind
{
	PGWF_TIMER_USER = 1,
	PGWF_TIMER_RUN_TIMEOUT = 2,
	PGWF_TIMER_EXECUTION_TIMEOUT = 3,
	PGWF_TIMER_FIRST_TASK = 4
} PgwfTimerKind;

typedef struct PgwfTimer
{
	ItemPointerData tid;
	PgwfRowChange change;
	int32		namespace_id;
	PgwfTimerKind kind;
	int64		run_key;
	int64		started_event_id;	/* minus the kind, if not the user's */
	TimestampTz fire_at;
	char	   *timer_id;
} PgwfTimer;

/* workflow.child_execution; policies have the numbers of ParentClosePolicy */
typedef enum PgwfParentClosePolicy
{
	PGWF_PARENT_CLOSE_TERMINATE = 1,
	PGWF_PARENT_CLOSE_ABANDON = 2,
	PGWF_PARENT_CLOSE_REQUEST_CANCEL = 3
} PgwfParentClosePolicy;

typedef struct PgwfChild
{
	ItemPointerData tid;
	PgwfRowChange change;
	int32		namespace_id;
	PgwfParentClosePolicy parent_close_policy;
	int64		run_key;		/* the parent's */
	int64		initiated_event_id;
	int64		started_event_id;	/* 0 until it is in the history */
	char	   *workflow_id;
	char	   *workflow_type;
	pg_uuid_t  *run_id;			/* NULL until it has been started */
} PgwfChild;

/* workflow.outbox */
typedef enum PgwfMessageKind
{
	PGWF_MESSAGE_START_CHILD = 1,
	PGWF_MESSAGE_CHILD_CLOSED = 2,
	PGWF_MESSAGE_PARENT_CLOSED = 3,
	PGWF_MESSAGE_SIGNAL = 4,
	PGWF_MESSAGE_CANCEL = 5,
	PGWF_MESSAGE_DELETE = 6		/* of the sender itself */
} PgwfMessageKind;

typedef struct PgwfMessage
{
	ItemPointerData tid;
	int32		namespace_id;
	PgwfMessageKind kind;
	int64		run_key;		/* of the sender */
	int64		event_id;		/* of the sender's history */
	TimestampTz due_at;
	bool		repeated;		/* it may be on its way already */
} PgwfMessage;

/* pgwf_store_state.c */
extern PgwfLockResult pgwf_state_load_locked(PgwfCall *call,
											 int32 namespace_id,
											 int64 run_key,
											 LockWaitPolicy policy,
											 PgwfState *state,
											 ItemPointer tid);
extern bool pgwf_state_load(PgwfCall *call, int32 namespace_id,
							int64 run_key, PgwfState *state);
extern bool pgwf_state_is_busy(PgwfCall *call, int32 namespace_id,
							   int64 run_key,
							   bool (*is_busy) (TupleTableSlot *slot));
extern void pgwf_state_scan(PgwfScan *scan, PgwfCall *call,
							int32 namespace_id, int64 from_run_key);
extern int32 pgwf_state_next_namespace(PgwfCall *call, int32 after);
extern void pgwf_state_read(TupleTableSlot *slot, PgwfState *state);
extern void pgwf_state_insert(PgwfCall *call, const PgwfState *state);
extern void pgwf_state_update(PgwfCall *call, ItemPointer tid,
							  const PgwfState *state);
extern void pgwf_state_delete(PgwfCall *call, ItemPointer tid);

/* pgwf_store_execution.c */
extern int64 pgwf_execution_next_run_key(void);
extern PgwfExecution *pgwf_execution_load(PgwfCall *call, int32 namespace_id,
										  int64 run_key);
extern PgwfExecution *pgwf_execution_find_run(PgwfCall *call,
											  int32 namespace_id,
											  const pg_uuid_t *run_id);
extern PgwfExecution *pgwf_execution_find_current(PgwfCall *call,
												  int32 namespace_id,
												  const char *workflow_id);
extern bool pgwf_execution_start_is_contended(PgwfCall *call,
											  int32 namespace_id,
											  const char *workflow_id);
extern bool pgwf_execution_insert(PgwfCall *call,
								  const PgwfExecution *execution);
extern void pgwf_execution_update(PgwfCall *call,
								  const PgwfExecution *execution);
extern void pgwf_execution_close(PgwfCall *call,
								 const PgwfExecution *execution);
extern PgwfLockResult pgwf_execution_lock(PgwfCall *call,
										  PgwfExecution *execution,
										  LockWaitPolicy policy);
extern void pgwf_execution_delete(PgwfCall *call,
								  PgwfExecution *execution);

/* pgwf_store_event.c */
extern void pgwf_event_insert(PgwfCall *call, int32 namespace_id,
							  int64 run_key, List *events);
extern List *pgwf_event_load(PgwfCall *call, int32 namespace_id,
							 int64 run_key, int64 first_event_id,
							 int64 max_bytes);
extern List *pgwf_event_load_packed(PgwfCall *call, int32 namespace_id,
									int64 run_key, int64 first_event_id,
									int64 max_bytes);
extern PgwfEvent *pgwf_event_load_last(PgwfCall *call, int32 namespace_id,
									   int64 run_key);
extern PgwfEvent *pgwf_event_find_last(PgwfCall *call, int32 namespace_id,
									   int64 run_key, PgwfEventType type);
extern PgwfEvent *pgwf_event_load_one(PgwfCall *call, int32 namespace_id,
									  int64 run_key, int64 event_id);
extern void pgwf_event_delete_all(PgwfCall *call, int32 namespace_id,
								  int64 run_key);
extern void pgwf_buffered_event_insert(PgwfCall *call, int32 namespace_id,
									   int64 run_key, const PgwfEvent *event);
extern List *pgwf_buffered_event_load(PgwfCall *call, int32 namespace_id,
									  int64 run_key);
extern void pgwf_buffered_event_delete(PgwfCall *call, PgwfEvent *event);
extern int64 pgwf_event_size(const PgwfEvent *event);
extern PgwfEvent *pgwf_event_copy(const PgwfEvent *event);

/* pgwf_store_task.c */
extern PgwfTask *pgwf_task_load(PgwfCall *call, int32 namespace_id,
								int64 run_key);
extern void pgwf_task_insert(PgwfCall *call, const PgwfTask *task);
extern void pgwf_task_update(PgwfCall *call, const PgwfTask *old,
							 const PgwfTask *task);
extern void pgwf_task_delete(PgwfCall *call, PgwfTask *task,
							 bool dispatched);
extern void pgwf_task_queue_scan(PgwfScan *scan, PgwfCall *call,
								 int32 namespace_id, const char *task_queue,
								 int32 version_key,
								 const PgwfQueuePosition *start);
extern int64 pgwf_task_queue_pass(PgwfCall *call, int32 namespace_id,
								  const char *task_queue, int32 version_key,
								  int class_, bool last);
extern void pgwf_task_read(TupleTableSlot *slot, PgwfTask *task);
extern PgwfQueuePosition pgwf_task_position(TupleTableSlot *slot);

/* pgwf_store_poll_request.c */
extern void pgwf_poll_request_insert(PgwfCall *call,
									 const PgwfPollRequest *request,
									 const char *request_id);
extern void pgwf_poll_request_delete(PgwfCall *call, int32 namespace_id,
									 int64 run_key);
extern void pgwf_poll_request_scan(PgwfScan *scan, PgwfCall *call,
								   int32 namespace_id,
								   const char *request_id);
extern void pgwf_poll_request_read(TupleTableSlot *slot,
								   PgwfPollRequest *request);

/* pgwf_store_activity.c */
extern List *pgwf_activity_load_all(PgwfCall *call, int32 namespace_id,
									int64 run_key);
extern PgwfActivity *pgwf_activity_load(PgwfCall *call, int32 namespace_id,
										int64 run_key,
										int64 scheduled_event_id);
extern PgwfLockResult pgwf_activity_lock(PgwfCall *call,
										 PgwfActivity *activity,
										 LockWaitPolicy policy);
extern void pgwf_activity_insert(PgwfCall *call,
								 const PgwfActivity *activity);
extern void pgwf_activity_update(PgwfCall *call, PgwfActivity *activity);
extern void pgwf_activity_delete(PgwfCall *call, PgwfActivity *activity);
extern void pgwf_activity_queue_scan(PgwfScan *scan, PgwfCall *call,
									 int32 namespace_id,
									 const char *task_queue,
									 int32 version_key,
									 const PgwfQueuePosition *start);
extern int64 pgwf_activity_queue_pass(PgwfCall *call, int32 namespace_id,
									  const char *task_queue,
									  int32 version_key, int class_,
									  bool last);
extern void pgwf_activity_request_scan(PgwfScan *scan, PgwfCall *call,
									   int32 namespace_id,
									   const char *request_id);
extern void pgwf_activity_scan(PgwfScan *scan, PgwfCall *call,
							   int32 namespace_id);
extern void pgwf_activity_due_scan(PgwfScan *scan, PgwfCall *call,
								   TimestampTz from, TimestampTz until);
extern void pgwf_activity_read(TupleTableSlot *slot, PgwfActivity *activity);
extern PgwfQueuePosition pgwf_activity_position(TupleTableSlot *slot);

/* pgwf_store_timer.c */
extern List *pgwf_timer_load_all(PgwfCall *call, int32 namespace_id,
								 int64 run_key);
extern void pgwf_timer_insert(PgwfCall *call, const PgwfTimer *timer);
extern void pgwf_timer_delete(PgwfCall *call, PgwfTimer *timer);
extern void pgwf_timer_scan(PgwfScan *scan, PgwfCall *call,
							int32 namespace_id);
extern void pgwf_timer_due_scan(PgwfScan *scan, PgwfCall *call,
								TimestampTz from, TimestampTz until);
extern void pgwf_timer_read(TupleTableSlot *slot, PgwfTimer *timer);

/* pgwf_store_child.c */
extern PgwfChild *pgwf_child_load(PgwfCall *call, int32 namespace_id,
								  int64 run_key, int64 initiated_event_id);
extern List *pgwf_child_load_all(PgwfCall *call, int32 namespace_id,
								 int64 run_key);
extern void pgwf_child_insert(PgwfCall *call, const PgwfChild *child);
extern void pgwf_child_update(PgwfCall *call, PgwfChild *child);
extern void pgwf_child_delete(PgwfCall *call, PgwfChild *child);

/* pgwf_store_outbox.c */
extern void pgwf_message_insert(PgwfCall *call, const PgwfMessage *message);
extern void pgwf_message_delete(PgwfCall *call, PgwfMessage *message);
extern PgwfLockResult pgwf_message_lock(PgwfCall *call, PgwfMessage *message);
extern bool pgwf_message_is_pending(PgwfCall *call, int32 namespace_id,
									int64 run_key, bool deletion);
extern void pgwf_message_scan(PgwfScan *scan, PgwfCall *call,
							  int32 namespace_id);
extern void pgwf_message_due_scan(PgwfScan *scan, PgwfCall *call,
								  TimestampTz from, TimestampTz until);
extern void pgwf_message_read(TupleTableSlot *slot, PgwfMessage *message);

/* pgwf_store_request.c */
typedef enum PgwfRequestKind
{
	PGWF_REQUEST_SIGNAL = 1,
	PGWF_REQUEST_ATTACHED_START = 2,
	PGWF_REQUEST_PAUSE = 3
} PgwfRequestKind;

extern bool pgwf_run_request_exists(PgwfCall *call, int32 namespace_id,
									int64 run_key, PgwfRequestKind kind,
									const char *request_id);
extern void pgwf_run_request_insert(PgwfCall *call, int32 namespace_id,
									int64 run_key, PgwfRequestKind kind,
									const char *request_id);
extern void pgwf_run_request_delete_all(PgwfCall *call, int32 namespace_id,
										int64 run_key, bool keep_starts);

/* pgwf_store_pinned_run.c */
extern void pgwf_pinned_run_insert(PgwfCall *call, int32 namespace_id,
								   int32 version_key, int64 run_key);
extern void pgwf_pinned_run_delete(PgwfCall *call, int32 namespace_id,
								   int32 version_key, int64 run_key);
extern bool pgwf_pinned_run_exists(PgwfCall *call, int32 namespace_id,
								   int32 version_key);

#endif							/* PGWF_STORE_H */
