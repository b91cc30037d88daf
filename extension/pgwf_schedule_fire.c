/*-------------------------------------------------------------------------
 *
 * pgwf_schedule_fire.c
 *		Which schedules have something to do (SS 14), and what becomes of
 *		those that fail.
 *
 * A schedule is handled in a subtransaction of its own, so that one that
 * fails keeps nobody else from acting.
 *
 * Locks: the row of the schedule; it is not waited for.  Who closes a run
 * never locks its schedule.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_clock.h"
#include "pgwf_namespace.h"
#include "pgwf_schedule.h"
#include "pgwf_try.h"
#include "pgwf_xact.h"

/* A schedule that fails is left alone for this time */
#define FAILED_DELAY	(10 * USECS_PER_SEC)

/*
 * Each takes a subtransaction; 64 of them still have a place in shared
 * memory, and snapshots of others need not look further
 */
#define MAX_SCHEDULES	50

/* A schedule that has to be looked at, and why */
typedef struct DueSchedule
{
	int32		namespace_id;
	char	   *schedule_id;
	List	   *wakeups;		/* of ItemPointer */
	PgwfLockResult result;		/* of the attempt to lock it */
} DueSchedule;

/* Called in a subtransaction */
static void
fire_schedule(void *arg)
{
	DueSchedule *due = arg;
	PgwfCall	call;
	PgwfSchedule schedule = {0};

	pgwf_call_begin(&call);
	call.impatient = true;
	pgwf_clock_use(&call, due->namespace_id, false);
	schedule.call = &call;
	due->result = pgwf_schedule_lock(&call, due->namespace_id,
									 due->schedule_id, LockWaitSkip,
									 &schedule.row);
	if (due->result == PGWF_LOCK_OK)
		pgwf_schedule_act(&schedule);
	pgwf_call_end(&call);
}

/* A schedule that failed is left alone for a while */
static PgwfLockResult
postpone(const DueSchedule *due)
{
	PgwfCall	call;
	PgwfScheduleRow row;
	PgwfLockResult result;

	pgwf_call_begin(&call);
	pgwf_clock_use(&call, due->namespace_id, false);
	result = pgwf_schedule_lock(&call, due->namespace_id, due->schedule_id,
								LockWaitSkip, &row);
	if (result == PGWF_LOCK_OK)
	{
		row.due_at = call.now + FAILED_DELAY;
		pgwf_schedule_update(&call, &row);
	}
	pgwf_call_end(&call);
	return result;
}

/* Handles a schedule; an error is logged, and what was done is undone */
static PgwfLockResult
try_schedule(DueSchedule *due)
{
	ErrorData  *error = pgwf_try(fire_schedule, due);

	if (error == NULL)
		return due->result;
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("schedule \"%s\" failed: %s", due->schedule_id,
					error->message),
			 error->detail ? errdetail("%s", error->detail) : 0));
	FreeErrorData(error);
	return postpone(due);
}

/*
 * Which schedules
 */

static DueSchedule *
add_due(List **schedules, int32 namespace_id, char *schedule_id)
{
	DueSchedule *due;
	ListCell   *lc;

	foreach(lc, *schedules)
	{
		due = lfirst(lc);
		if (due->namespace_id == namespace_id &&
			strcmp(due->schedule_id, schedule_id) == 0)
			return due;
	}
	due = palloc0(sizeof(DueSchedule));
	due->namespace_id = namespace_id;
	due->schedule_id = schedule_id;
	*schedules = lappend(*schedules, due);
	return due;
}

/*
 * Does this turn do something for the schedules of a namespace?  A call that
 * goes by the clock of one is for it alone, another for those that go by the
 * machine's clock.
 */
static bool
is_meant(const PgwfCall *call, int32 namespace_id)
{
	return call->namespace_id != 0 ? namespace_id == call->namespace_id :
		pgwf_namespace_clock(namespace_id) == PGWF_CLOCK_WALL;
}

/* The schedules of a namespace with virtual time that are due by its clock */
static List *
collect_by_clock(PgwfCall *call, List *schedules, int max)
{
	PgwfScan	scan;

	pgwf_schedule_scan(&scan, call, call->namespace_id);
	while (list_length(schedules) < max && pgwf_scan_next(&scan))
	{
		PgwfScheduleRow row;

		pgwf_schedule_read(scan.slot, &row);
		if (row.due_at <= call->now)
			(void) add_due(&schedules, row.namespace_id, row.schedule_id);
	}
	pgwf_scan_end(&scan);
	return schedules;
}

/* Up to "max" schedules with runs that have closed or something due */
static List *
collect(PgwfCall *call, int max)
{
	PgwfScan	scan;
	List	   *schedules = NIL;

	pgwf_schedule_wakeup_scan(&scan, call);
	while (list_length(schedules) < max && pgwf_scan_next(&scan))
	{
		int32		namespace_id;
		char	   *schedule_id;
		DueSchedule *due;
		ItemPointer tid = palloc(sizeof(ItemPointerData));

		pgwf_schedule_wakeup_read(scan.slot, &namespace_id, &schedule_id,
								  tid);
		if (!is_meant(call, namespace_id))
			continue;
		due = add_due(&schedules, namespace_id, schedule_id);
		due->wakeups = lappend(due->wakeups, tid);
	}
	pgwf_scan_end(&scan);
	if (call->namespace_id != 0)
		return collect_by_clock(call, schedules, max);

	pgwf_schedule_due_scan(&scan, call, PGWF_NO_TIME, call->wall);
	while (list_length(schedules) < max && pgwf_scan_next(&scan))
	{
		PgwfScheduleRow row;

		pgwf_schedule_read(scan.slot, &row);
		if (is_meant(call, row.namespace_id))
			(void) add_due(&schedules, row.namespace_id, row.schedule_id);
	}
	pgwf_scan_end(&scan);
	return schedules;
}

/*
 * Handles schedules that have something to do.  Those that somebody else has
 * locked are counted and left for a later turn.
 */
void
pgwf_schedules_fire(PgwfCall *call, PgwfTurn *turn)
{
	int			max = Min(turn->max_runs, MAX_SCHEDULES);
	List	   *schedules = collect(call, max);
	ListCell   *lc;

	foreach(lc, schedules)
	{
		DueSchedule *due = lfirst(lc);
		ListCell   *lc2;

		CHECK_FOR_INTERRUPTS();
		if (try_schedule(due) == PGWF_LOCK_BUSY)
		{
			turn->skipped++;
			continue;
		}
		turn->fired++;
		foreach(lc2, due->wakeups)
			pgwf_schedule_wakeup_delete(call, lfirst(lc2));
	}
	if (list_length(schedules) >= max)
		turn->more = true;
}

/* The first moment after "after" at which a schedule is due, or DT_NOEND */
TimestampTz
pgwf_schedules_next(PgwfCall *call, TimestampTz after)
{
	PgwfScan	scan;
	TimestampTz next = DT_NOEND;

	pgwf_schedule_due_scan(&scan, call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfScheduleRow row;

		pgwf_schedule_read(scan.slot, &row);
		next = row.due_at;
	}
	pgwf_scan_end(&scan);
	return next;
}

/*
 * A run that a schedule has started has closed, and no run continues it.
 * Called by who holds the run.
 */
void
pgwf_schedule_run_closed(PgwfCall *call, const PgwfExecution *execution)
{
	pgwf_schedule_wakeup_insert(call, execution->namespace_id,
								execution->run_key, execution->schedule_id);
	pgwf_xact_look(PGWF_PART_SCHEDULES);
}
