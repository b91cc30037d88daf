/*-------------------------------------------------------------------------
 *
 * pgwf_fire.c
 *		What the passing of time does to one run: timers fire, activities are
 *		retried, tasks, activities and runs time out.
 *
 * Called by the scheduler in transactions of its own.  Locks are taken
 * without waiting: a run that somebody else holds is left for a later turn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_activity.h"
#include "pgwf_clock.h"
#include "pgwf_close.h"
#include "pgwf_fire.h"
#include "pgwf_new_run.h"
#include "pgwf_outbox.h"
#include "pgwf_run.h"
#include "pgwf_scheduler.h"
#include "pgwf_workflow_task.h"

/* Adds a run to a list, once, unless the scheduler spares it */
void
pgwf_due_run_add(List **runs, int32 namespace_id, int64 run_key)
{
	ListCell   *lc;
	PgwfDueRun *run;

	if (pgwf_scheduler_spares(namespace_id, run_key))
		return;
	foreach(lc, *runs)
	{
		run = lfirst(lc);
		if (run->run_key == run_key && run->namespace_id == namespace_id)
			return;
	}
	run = palloc(sizeof(PgwfDueRun));
	run->namespace_id = namespace_id;
	run->run_key = run_key;
	*runs = lappend(*runs, run);
}

static int
compare_timers(const ListCell *a, const ListCell *b)
{
	const PgwfTimer *x = lfirst(a);
	const PgwfTimer *y = lfirst(b);

	if (x->fire_at != y->fire_at)
		return x->fire_at < y->fire_at ? -1 : 1;
	if (x->started_event_id != y->started_event_id)
		return x->started_event_id < y->started_event_id ? -1 : 1;
	return 0;
}

/* Has a timeout of this kind passed? */
static bool
timeout_has_passed(PgwfRun *run, PgwfTimerKind kind)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_timers(run))
	{
		PgwfTimer  *timer = lfirst(lc);

		if (timer->kind == kind && timer->fire_at <= run->call->now)
			return true;
	}
	return false;
}

static bool
run_is_timed_out(PgwfRun *run)
{
	return timeout_has_passed(run, PGWF_TIMER_RUN_TIMEOUT) ||
		timeout_has_passed(run, PGWF_TIMER_EXECUTION_TIMEOUT);
}

/* Ends the run; if both timeouts have passed, it is the execution's */
static void
time_out_run(PgwfRun *run)
{
	pgwf_run_time_out(run,
					  !timeout_has_passed(run, PGWF_TIMER_EXECUTION_TIMEOUT));
}

/* Fires the due timers of a run, in the order of their expiry (SS 4) */
static void
fire_timers(PgwfRun *run)
{
	List	   *timers = list_copy(pgwf_run_timers(run));
	ListCell   *lc;

	list_sort(timers, compare_timers);
	foreach(lc, timers)
	{
		PgwfTimer  *timer = lfirst(lc);
		PgwfObject	attributes;

		if (timer->fire_at > run->call->now)
			continue;
		if (timer->kind == PGWF_TIMER_FIRST_TASK)
			pgwf_run_end_first_task_delay(run);
		if (timer->kind != PGWF_TIMER_USER)
			continue;
		pgwf_object_begin(&attributes);
		pgwf_object_text(&attributes, "timerId", timer->timer_id);
		pgwf_object_int(&attributes, "startedEventId",
						timer->started_event_id);
		pgwf_run_arrive(run, PGWF_EVENT_TIMER_FIRED,
						pgwf_object_finish(&attributes), run->call->now);
		timer->change = PGWF_ROW_DELETE;
		run->state.pending_timers--;
	}
}

/* Those that a worker's transaction has locked are left for a later turn */
static void
handle_due_activities(PgwfRun *run, PgwfTurn *turn)
{
	List	   *activities = list_copy(pgwf_run_activities(run));
	ListCell   *lc;

	foreach(lc, activities)
	{
		PgwfActivity *activity = lfirst(lc);

		if (activity->due_at == PGWF_NO_TIME ||
			activity->due_at > run->call->now)
			continue;
		switch (pgwf_activity_lock(run->call, activity, LockWaitSkip))
		{
			case PGWF_LOCK_OK:
				break;
			case PGWF_LOCK_BUSY:
				turn->skipped++;
				continue;
			case PGWF_LOCK_GONE:
				continue;
		}
		if (activity->due_at != PGWF_NO_TIME &&
			activity->due_at <= run->call->now)
			pgwf_activity_handle_due(run, activity);
	}
}

/* Has the pending workflow task's deadline passed? */
static bool
task_is_due(const PgwfRun *run)
{
	TimestampTz deadline = pgwf_workflow_task_deadline(&run->state);

	return deadline != PGWF_NO_TIME && deadline <= run->call->now;
}

/*
 * Does to a locked run everything that is due by now.  Returns false, and
 * has done nothing, if the run is to end and somebody holds its activities.
 */
static bool
handle_run(PgwfRun *run, PgwfTurn *turn)
{
	if (run_is_timed_out(run))
	{
		if (!pgwf_run_lock_all_activities(run))
			return false;
		time_out_run(run);
	}
	else
	{
		if (task_is_due(run))
			pgwf_workflow_task_time_out(run);
		fire_timers(run);
		handle_due_activities(run, turn);
	}
	pgwf_run_finish(run);
	return true;
}

/*
 * Does what is due to one run, unless somebody else holds it.  If an error is
 * raised, the turn tells which run it came from.
 */
void
pgwf_due_run_fire(PgwfCall *call, const PgwfDueRun *due, PgwfTurn *turn)
{
	PgwfRun		run;

	CHECK_FOR_INTERRUPTS();
	turn->namespace_id = due->namespace_id;
	turn->run_key = due->run_key;
	pgwf_clock_use(call, due->namespace_id, false);
	switch (pgwf_run_load(&run, call, due->namespace_id, due->run_key,
						  LockWaitSkip))
	{
		case PGWF_LOCK_OK:
			if (handle_run(&run, turn))
			{
				pgwf_scheduler_fired(due->namespace_id, due->run_key);
				turn->fired++;
			}
			else
				turn->skipped++;
			break;
		case PGWF_LOCK_BUSY:
			turn->skipped++;
			break;
		case PGWF_LOCK_GONE:
			break;
	}
	turn->namespace_id = 0;
	turn->run_key = 0;
}

/*
 * Delivers a message between runs; false if somebody else's lock keeps it
 * from being delivered.
 */
bool
pgwf_due_message_deliver(PgwfCall *call, PgwfMessage *message,
						 PgwfTurn *turn)
{
	bool		delivered;

	turn->namespace_id = message->namespace_id;
	turn->run_key = message->run_key;
	pgwf_clock_use(call, message->namespace_id, false);
	delivered = pgwf_message_lock(call, message) == PGWF_LOCK_OK &&
		pgwf_message_deliver(call, message);
	if (delivered)
	{
		pgwf_scheduler_fired(message->namespace_id, message->run_key);
		turn->fired++;
	}
	else
		turn->skipped++;
	turn->namespace_id = 0;
	turn->run_key = 0;
	return delivered;
}
