/*-------------------------------------------------------------------------
 *
 * pgwf_due.c
 *		What the passing of time does to runs: timers fire, activities are
 *		retried, tasks, activities and runs time out.
 *
 * Called by the scheduler in transactions of its own.  Locks are taken
 * without waiting: a run that somebody else holds is left for a later turn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_activity.h"
#include "pgwf_batch.h"
#include "pgwf_close.h"
#include "pgwf_delete.h"
#include "pgwf_due.h"
#include "pgwf_new_run.h"
#include "pgwf_outbox.h"
#include "pgwf_query.h"
#include "pgwf_run.h"
#include "pgwf_schedule.h"
#include "pgwf_scheduler.h"
#include "pgwf_update.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

/* Runs looked at in one transaction, most of them locked by others */
#define MAX_TRIED_RUNS	1000

/* The same for messages */
#define MAX_TRIED_MESSAGES	1000

/* A run that has something due */
typedef struct DueRun
{
	int32		namespace_id;
	int64		run_key;
} DueRun;

static void
add_due_run(List **runs, int32 namespace_id, int64 run_key)
{
	ListCell   *lc;
	DueRun	   *run;

	if (pgwf_scheduler_spares(namespace_id, run_key))
		return;
	foreach(lc, *runs)
	{
		run = lfirst(lc);
		if (run->run_key == run_key && run->namespace_id == namespace_id)
			return;
	}
	run = palloc(sizeof(DueRun));
	run->namespace_id = namespace_id;
	run->run_key = run_key;
	*runs = lappend(*runs, run);
}

/*
 * Adds the first runs that have a timer, a task or an activity due, and are
 * not in the list yet, until it has "max_runs".
 */
static List *
collect_due_runs(PgwfCall *call, List *runs, int max_runs)
{
	PgwfScan	scan;

	pgwf_timer_due_scan(&scan, call, PGWF_NO_TIME, call->now);
	while (list_length(runs) < max_runs && pgwf_scan_next(&scan))
	{
		PgwfTimer	timer;

		pgwf_timer_read(scan.slot, &timer);
		add_due_run(&runs, timer.namespace_id, timer.run_key);
	}
	pgwf_scan_end(&scan);

	pgwf_task_due_scan(&scan, call, PGWF_NO_TIME, call->now);
	while (list_length(runs) < max_runs && pgwf_scan_next(&scan))
	{
		PgwfTask	task;

		pgwf_task_read(scan.slot, &task);
		add_due_run(&runs, task.namespace_id, task.run_key);
	}
	pgwf_scan_end(&scan);

	pgwf_activity_due_scan(&scan, call, PGWF_NO_TIME, call->now);
	while (list_length(runs) < max_runs && pgwf_scan_next(&scan))
	{
		PgwfActivity activity;

		pgwf_activity_read(scan.slot, &activity);
		add_due_run(&runs, activity.namespace_id, activity.run_key);
	}
	pgwf_scan_end(&scan);
	return runs;
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
handle_due_activities(PgwfRun *run, PgwfDueResult *result)
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
				result->skipped++;
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
	const PgwfState *state = &run->state;

	if (state->wft_started_event_id != 0)
		return state->wft_started_time + state->wft_timeout <= run->call->now;
	if (state->flags & PGWF_RUN_TASK_ON_STICKY)
		return state->wft_scheduled_time + state->sticky_timeout <=
			run->call->now;
	return (state->flags & PGWF_RUN_SPECULATIVE) != 0 &&
		state->wft_scheduled_time + PGWF_SPECULATIVE_SCHEDULE_TO_START <=
		run->call->now;
}

/*
 * Does to a locked run everything that is due by now.  Returns false, and
 * has done nothing, if the run is to end and somebody holds its activities.
 */
static bool
handle_run(PgwfRun *run, PgwfDueResult *result)
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
		handle_due_activities(run, result);
	}
	pgwf_run_finish(run);
	return true;
}

/* Does what is due to one run, unless somebody else holds it */
static void
fire_run(PgwfCall *call, const DueRun *due, PgwfDueResult *result)
{
	PgwfRun		run;

	CHECK_FOR_INTERRUPTS();
	result->namespace_id = due->namespace_id;
	result->run_key = due->run_key;
	switch (pgwf_run_load(&run, call, due->namespace_id, due->run_key,
						  LockWaitSkip))
	{
		case PGWF_LOCK_OK:
			if (handle_run(&run, result))
			{
				pgwf_scheduler_fired(due->namespace_id, due->run_key);
				result->fired++;
			}
			else
				result->skipped++;
			break;
		case PGWF_LOCK_BUSY:
			result->skipped++;
			break;
		case PGWF_LOCK_GONE:
			break;
	}
	result->namespace_id = 0;
	result->run_key = 0;
}

/*
 * Delivers up to "max_messages" messages between runs.  Those that somebody
 * else's lock keeps from being delivered are counted and left for a later
 * turn, and do not keep those behind them from being delivered.
 */
static void
deliver_messages(PgwfCall *call, int max_messages, PgwfDueResult *result)
{
	PgwfScan	scan;
	int			delivered = 0;
	int			tried = 0;

	pgwf_message_due_scan(&scan, call, PGWF_NO_TIME, call->now);
	while (delivered < max_messages && tried < MAX_TRIED_MESSAGES &&
		   pgwf_scan_next(&scan))
	{
		PgwfMessage message;

		pgwf_message_read(scan.slot, &message);
		if (pgwf_scheduler_spares(message.namespace_id, message.run_key))
			continue;
		tried++;
		result->namespace_id = message.namespace_id;
		result->run_key = message.run_key;
		if (pgwf_message_lock(call, &message) == PGWF_LOCK_OK &&
			pgwf_message_deliver(call, &message))
		{
			pgwf_scheduler_fired(message.namespace_id, message.run_key);
			result->fired++;
			delivered++;
		}
		else
			result->skipped++;
	}
	pgwf_scan_end(&scan);
	result->namespace_id = 0;
	result->run_key = 0;
}

/*
 * Fires everything that is due, for up to "max_runs" runs, in the current
 * transaction.  Runs that are locked by others are counted and skipped, and
 * do not keep those behind them from being fired; those that the scheduler
 * spares are left alone.  If an error is raised, "result" tells which run it
 * came from.
 */
void
pgwf_due_fire(int max_runs, PgwfDueResult *result)
{
	PgwfCall	call;
	List	   *runs = NIL;

	memset(result, 0, sizeof(PgwfDueResult));
	pgwf_call_begin(&call);
	while (result->fired < max_runs && list_length(runs) < MAX_TRIED_RUNS)
	{
		int			tried = list_length(runs);
		int			wanted = tried + max_runs - result->fired;

		runs = collect_due_runs(&call, runs, wanted);
		for (int i = tried; i < list_length(runs); i++)
			fire_run(&call, list_nth(runs, i), result);
		if (list_length(runs) < wanted)
			break;
	}
	CommandCounterIncrement();
	pgwf_call_new_snapshot(&call);
	deliver_messages(&call, Max(max_runs - result->fired, 1), result);
	result->more = (result->fired >= max_runs);
	pgwf_schedules_fire(&call, max_runs, &result->fired, &result->skipped,
						&result->more);
	pgwf_retention_enforce(&call, max_runs, &result->fired, &result->more);
	pgwf_batches_run(&call, &result->fired);
	if (result->fired > 0)
		pgwf_xact_mark_durable();
	if (pgwf_queries_expire(&call, max_runs) == max_runs ||
		pgwf_updates_expire(&call, max_runs) == max_runs)
		result->more = true;
	pgwf_call_end(&call);
}

/* The first moment after "after" at which something is due, or DT_NOEND */
TimestampTz
pgwf_due_next(TimestampTz after)
{
	PgwfCall	call;
	PgwfScan	scan;
	TimestampTz next = DT_NOEND;

	pgwf_call_begin(&call);
	pgwf_timer_due_scan(&scan, &call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfTimer	timer;

		pgwf_timer_read(scan.slot, &timer);
		next = Min(next, timer.fire_at);
	}
	pgwf_scan_end(&scan);

	pgwf_task_due_scan(&scan, &call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfTask	task;

		pgwf_task_read(scan.slot, &task);
		next = Min(next, task.due_at);
	}
	pgwf_scan_end(&scan);

	pgwf_activity_due_scan(&scan, &call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfActivity activity;

		pgwf_activity_read(scan.slot, &activity);
		next = Min(next, activity.due_at);
	}
	pgwf_scan_end(&scan);

	pgwf_message_due_scan(&scan, &call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfMessage message;

		pgwf_message_read(scan.slot, &message);
		next = Min(next, message.due_at);
	}
	pgwf_scan_end(&scan);
	next = Min(next, pgwf_schedules_next(&call, after));
	next = Min(next, pgwf_retention_next());
	next = Min(next, pgwf_batches_next(&call, after));

	pgwf_query_due_scan(&scan, &call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfQuery	query;

		pgwf_query_read(scan.slot, &query);
		next = Min(next, query.due_at);
	}
	pgwf_scan_end(&scan);

	pgwf_update_due_scan(&scan, &call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfUpdate	update;

		pgwf_update_read(scan.slot, &update);
		next = Min(next, update.due_at);
	}
	pgwf_scan_end(&scan);
	pgwf_call_end(&call);
	return next;
}
