/*-------------------------------------------------------------------------
 *
 * pgwf_schedule.h
 *		Schedules: what they are and what they do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_SCHEDULE_H
#define PGWF_SCHEDULE_H

#include "pgwf_due.h"
#include "pgwf_new_run.h"
#include "pgwf_schedule_spec.h"

/* Numbers are those of Temporal's ScheduleOverlapPolicy */
typedef enum PgwfOverlapPolicy
{
	PGWF_OVERLAP_UNSPECIFIED = 0,	/* that of the schedule */
	PGWF_OVERLAP_SKIP = 1,
	PGWF_OVERLAP_BUFFER_ONE = 2,
	PGWF_OVERLAP_BUFFER_ALL = 3,
	PGWF_OVERLAP_CANCEL_OTHER = 4,
	PGWF_OVERLAP_TERMINATE_OTHER = 5,
	PGWF_OVERLAP_ALLOW_ALL = 6
} PgwfOverlapPolicy;

/* An action that is to be taken */
typedef struct PgwfBufferedStart
{
	TimestampTz nominal;
	TimestampTz actual;
	PgwfOverlapPolicy overlap;
	bool		manual;			/* triggered or backfilled */
} PgwfBufferedStart;

/* Times that are to be acted on now: after "start", up to "end" */
typedef struct PgwfBackfill
{
	TimestampTz start;
	TimestampTz end;
	PgwfOverlapPolicy overlap;
} PgwfBackfill;

/* A workflow that the schedule has started */
typedef struct PgwfScheduledRun
{
	char	   *workflow_id;
	char	   *run_id;			/* the first of its chain */
	bool		overlapping;	/* starts do not wait for it */
} PgwfScheduledRun;

/* An action that was taken */
typedef struct PgwfScheduleAction
{
	TimestampTz schedule_time;
	TimestampTz actual_time;
	char	   *workflow_id;
	char	   *run_id;
	char	   *status;			/* WORKFLOW_EXECUTION_STATUS_* */
} PgwfScheduleAction;

/* workflow.schedule */
typedef struct PgwfScheduleRow
{
	ItemPointerData tid;
	int32		namespace_id;
	char	   *schedule_id;
	int64		conflict_token;
	TimestampTz due_at;			/* DT_NOEND: unset */
	TimestampTz next_action_time;	/* DT_NOEND: unset */
	TimestampTz last_processed_time;
	TimestampTz create_time;
	TimestampTz update_time;	/* PGWF_NO_TIME: never */
	Jsonb	   *definition;
	Jsonb	   *progress;
	Jsonb	   *memo;			/* {"fields": ...} */
	Jsonb	   *search_attributes;	/* {"indexedFields": ...} */
} PgwfScheduleRow;

/* A schedule, taken out of its row */
typedef struct PgwfSchedule
{
	PgwfCall   *call;
	PgwfScheduleRow row;

	/* definition */
	PgwfScheduleSpec *spec;
	Jsonb	   *start_workflow; /* NewWorkflowExecutionInfo */
	PgwfOverlapPolicy overlap;
	int64		catchup_window;
	bool		pause_on_failure;
	bool		keep_workflow_id;
	char	   *notes;
	bool		paused;
	bool		limited;
	int64		remaining;

	/* progress */
	List	   *buffer;			/* of PgwfBufferedStart */
	List	   *backfills;		/* of PgwfBackfill */
	List	   *running;		/* of PgwfScheduledRun */
	List	   *recent;			/* of PgwfScheduleAction, newest last */
	List	   *request_ids;	/* of the latest changes, newest last */
	char	   *create_request_id;
	int64		action_count;
	int64		missed_catchup_window;
	int64		overlap_skipped;
	int64		buffer_dropped;
	Jsonb	   *last_result;	/* payloads of the last success, or NULL */
	Jsonb	   *last_failure;	/* of the last run, or NULL */
	TimestampTz retry_at;		/* of a start that was refused for now */
} PgwfSchedule;

#define PGWF_SCHEDULE_BUFFER_SIZE	1000
#define PGWF_SCHEDULE_RECENT		10

/* pgwf_schedule.c */
extern void pgwf_schedule_read_definition(PgwfSchedule *schedule,
										  Jsonb *definition,
										  bool is_stored);
extern Jsonb *pgwf_schedule_definition(const PgwfSchedule *schedule);
extern void pgwf_schedule_read_progress(PgwfSchedule *schedule,
										Jsonb *progress);
extern Jsonb *pgwf_schedule_progress(const PgwfSchedule *schedule);
extern void pgwf_schedule_read_row(PgwfSchedule *schedule, PgwfCall *call);
extern void pgwf_schedule_fill_run(PgwfNewRun *options,
								   Jsonb *start_workflow);
extern void pgwf_schedule_write_recent(PgwfObject *object,
									   const PgwfSchedule *schedule,
									   int count);
extern PgwfOverlapPolicy pgwf_read_overlap_policy(PgwfReader *reader,
												  const char *key);
extern const char *pgwf_overlap_policy_name(PgwfOverlapPolicy policy);

/* pgwf_schedule_time.c */
extern bool pgwf_schedule_may_act(PgwfSchedule *schedule, bool manual,
								  bool decrement);
extern void pgwf_schedule_pass_time(PgwfSchedule *schedule);
extern bool pgwf_schedule_add_start(PgwfSchedule *schedule,
									TimestampTz nominal, TimestampTz actual,
									PgwfOverlapPolicy overlap, bool manual);
extern void pgwf_schedule_backfill(PgwfSchedule *schedule);
extern bool pgwf_schedule_can_backfill(const PgwfSchedule *schedule);
extern List *pgwf_schedule_future_times(const PgwfSchedule *schedule,
										int count);
extern void pgwf_schedule_write_future(PgwfObject *object,
									   const PgwfSchedule *schedule,
									   int count);
extern TimestampTz pgwf_schedule_expiration(PgwfSchedule *schedule);
extern void pgwf_schedule_plan(PgwfSchedule *schedule);

/* pgwf_schedule_action.c */
extern void pgwf_schedule_act(PgwfSchedule *schedule);

/* pgwf_schedule_fire.c */
extern void pgwf_schedules_fire(PgwfCall *call, PgwfTurn *turn);
extern TimestampTz pgwf_schedules_next(PgwfCall *call, TimestampTz after);
extern void pgwf_schedule_run_closed(PgwfCall *call,
									 const PgwfExecution *execution);

/* pgwf_store_schedule.c */
extern PgwfScheduleRow *pgwf_schedule_load(PgwfCall *call,
										   int32 namespace_id,
										   const char *schedule_id);
extern PgwfLockResult pgwf_schedule_lock(PgwfCall *call, int32 namespace_id,
										 const char *schedule_id,
										 LockWaitPolicy policy,
										 PgwfScheduleRow *row);
extern bool pgwf_schedule_insert(PgwfCall *call, const PgwfScheduleRow *row);
extern void pgwf_schedule_update(PgwfCall *call, const PgwfScheduleRow *row);
extern void pgwf_schedule_delete(PgwfCall *call, PgwfScheduleRow *row);
extern void pgwf_schedule_scan(PgwfScan *scan, PgwfCall *call,
							   int32 namespace_id);
extern void pgwf_schedule_due_scan(PgwfScan *scan, PgwfCall *call,
								   TimestampTz from, TimestampTz until);
extern void pgwf_schedule_read(TupleTableSlot *slot, PgwfScheduleRow *row);
extern void pgwf_schedule_wakeup_insert(PgwfCall *call, int32 namespace_id,
										int64 run_key,
										const char *schedule_id);
extern void pgwf_schedule_wakeup_scan(PgwfScan *scan, PgwfCall *call);
extern void pgwf_schedule_wakeup_read(TupleTableSlot *slot,
									  int32 *namespace_id,
									  char **schedule_id,
									  ItemPointer tid);
extern void pgwf_schedule_wakeup_delete(PgwfCall *call, ItemPointer tid);

#endif							/* PGWF_SCHEDULE_H */
