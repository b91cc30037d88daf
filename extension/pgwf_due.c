/*-------------------------------------------------------------------------
 *
 * pgwf_due.c
 *		What the scheduler does in ordinary namespaces when the machine's
 *		clock says so: what is due to runs, schedules, batch operations,
 *		retention, and what nobody waits for any more.
 *
 * Each part has transactions of its own, so that what fails in one undoes
 * nothing of another.  What is due is found by time alone; rows of
 * namespaces with virtual time are passed over, as are those of namespaces
 * that are not known yet because a dump is being restored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_batch.h"
#include "pgwf_clock.h"
#include "pgwf_deadline.h"
#include "pgwf_delete.h"
#include "pgwf_drainage.h"
#include "pgwf_due.h"
#include "pgwf_fire.h"
#include "pgwf_namespace_delete.h"
#include "pgwf_query.h"
#include "pgwf_schedule.h"
#include "pgwf_scheduler.h"
#include "pgwf_update.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

/* Runs looked at in one transaction, most of them locked by others */
#define MAX_TRIED_RUNS	1000

/* The same for messages */
#define MAX_TRIED_MESSAGES	1000

/* The workflow tasks whose deadlines have passed, for one turn */
typedef struct DueTasks
{
	PgwfDeadline *list;
	int			count;
	int			looked_at;
	TimestampTz next;			/* the first deadline that has not */
} DueTasks;

static void
begin_turn(PgwfCall *call)
{
	pgwf_call_begin(call);
	call->impatient = true;
}

/* What a turn has done is not to be lost */
static void
end_turn(PgwfCall *call, PgwfTurn *turn)
{
	if (turn->fired > 0)
		pgwf_xact_mark_durable();
	pgwf_call_end(call);
}

static void
add_run(List **runs, int32 namespace_id, int64 run_key)
{
	if (pgwf_namespace_clock(namespace_id) == PGWF_CLOCK_WALL)
		pgwf_due_run_add(runs, namespace_id, run_key);
}

static void
find_due_tasks(PgwfCall *call, DueTasks *tasks)
{
	memset(tasks, 0, sizeof(DueTasks));
	tasks->next = pgwf_deadlines_first();
	if (tasks->next > call->wall)
		return;
	tasks->list = pgwf_deadlines_collect(call->wall, &tasks->count,
										 &tasks->next);

	/* who has set them has committed */
	pgwf_call_new_snapshot(call);
}

/* When a workflow task times out, or PGWF_NO_TIME */
static TimestampTz
task_deadline(PgwfCall *call, const PgwfDeadline *deadline)
{
	PgwfState	state;

	if (pgwf_namespace_clock(deadline->namespace_id) != PGWF_CLOCK_WALL ||
		!pgwf_state_load(call, deadline->namespace_id, deadline->run_key,
						 &state) ||
		state.wft_stamp != deadline->stamp)
		return PGWF_NO_TIME;
	return pgwf_workflow_task_deadline(&state);
}

/*
 * Adds the run of a workflow task if it is as due as it is said to be.  A
 * deadline that is true no longer is removed; who has set it again meanwhile
 * had committed, so that a second look sees it.
 */
static void
check_due_task(PgwfCall *call, List **runs, const PgwfDeadline *deadline,
			   DueTasks *tasks)
{
	TimestampTz due = task_deadline(call, deadline);

	if (due == PGWF_NO_TIME)
	{
		PgwfDeadline again = *deadline;

		pgwf_deadline_remove(deadline);
		pgwf_call_new_snapshot(call);
		again.due = task_deadline(call, deadline);
		if (again.due != PGWF_NO_TIME)
			pgwf_deadline_set(&again);
	}
	else if (due > call->wall)
	{
		pgwf_deadline_correct(deadline, due);
		tasks->next = Min(tasks->next, due);
	}
	else
		add_run(runs, deadline->namespace_id, deadline->run_key);
}

/*
 * Adds the first runs that have a timer, a task or an activity due, and are
 * not in the list yet, until it has "max_runs".
 */
static List *
collect_due_runs(PgwfCall *call, List *runs, int max_runs, DueTasks *tasks)
{
	PgwfScan	scan;

	while (list_length(runs) < max_runs && tasks->looked_at < tasks->count)
		check_due_task(call, &runs, &tasks->list[tasks->looked_at++], tasks);

	pgwf_timer_due_scan(&scan, call, PGWF_NO_TIME, call->wall);
	while (list_length(runs) < max_runs && pgwf_scan_next(&scan))
	{
		PgwfTimer	timer;

		pgwf_timer_read(scan.slot, &timer);
		add_run(&runs, timer.namespace_id, timer.run_key);
	}
	pgwf_scan_end(&scan);

	pgwf_activity_due_scan(&scan, call, PGWF_NO_TIME, call->wall);
	while (list_length(runs) < max_runs && pgwf_scan_next(&scan))
	{
		PgwfActivity activity;

		pgwf_activity_read(scan.slot, &activity);
		add_run(&runs, activity.namespace_id, activity.run_key);
	}
	pgwf_scan_end(&scan);
	return runs;
}

/*
 * Delivers up to "max_messages" messages between runs.  Those that somebody
 * else's lock keeps from being delivered do not keep those behind them from
 * being delivered.
 */
static void
deliver_messages(PgwfCall *call, int max_messages, PgwfTurn *turn)
{
	PgwfScan	scan;
	int			delivered = 0;
	int			tried = 0;

	pgwf_message_due_scan(&scan, call, PGWF_NO_TIME, call->wall);
	while (delivered < max_messages && tried < MAX_TRIED_MESSAGES &&
		   pgwf_scan_next(&scan))
	{
		PgwfMessage message;

		pgwf_message_read(scan.slot, &message);
		if (pgwf_scheduler_spares(message.namespace_id, message.run_key) ||
			pgwf_namespace_clock(message.namespace_id) != PGWF_CLOCK_WALL)
			continue;
		tried++;
		if (pgwf_due_message_deliver(call, &message, turn))
			delivered++;
	}
	pgwf_scan_end(&scan);
}

/* The first moment after "after" at which something is due, or DT_NOEND */
static TimestampTz
next_due(PgwfCall *call, TimestampTz after)
{
	PgwfScan	scan;
	TimestampTz next = DT_NOEND;

	pgwf_timer_due_scan(&scan, call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfTimer	timer;

		pgwf_timer_read(scan.slot, &timer);
		next = Min(next, timer.fire_at);
	}
	pgwf_scan_end(&scan);

	pgwf_activity_due_scan(&scan, call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfActivity activity;

		pgwf_activity_read(scan.slot, &activity);
		next = Min(next, activity.due_at);
	}
	pgwf_scan_end(&scan);

	pgwf_message_due_scan(&scan, call, after + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfMessage message;

		pgwf_message_read(scan.slot, &message);
		next = Min(next, message.due_at);
	}
	pgwf_scan_end(&scan);
	return next;
}

/*
 * Fires what is due to up to "max_runs" runs.  Runs that are locked by others
 * do not keep those behind them from being fired; those that the scheduler
 * spares are left alone.
 */
void
pgwf_due_runs(PgwfTurn *turn)
{
	PgwfCall	call;
	TimestampTz now;
	List	   *runs = NIL;
	DueTasks	tasks;

	begin_turn(&call);
	now = call.wall;
	find_due_tasks(&call, &tasks);
	while (turn->fired < turn->max_runs && list_length(runs) < MAX_TRIED_RUNS)
	{
		int			tried = list_length(runs);
		int			wanted = tried + turn->max_runs - turn->fired;

		runs = collect_due_runs(&call, runs, wanted, &tasks);
		for (int i = tried; i < list_length(runs); i++)
			pgwf_due_run_fire(&call, list_nth(runs, i), turn);
		if (list_length(runs) < wanted)
			break;
	}
	CommandCounterIncrement();
	pgwf_call_new_snapshot(&call);
	deliver_messages(&call, Max(turn->max_runs - turn->fired, 1), turn);
	turn->more = (turn->fired >= turn->max_runs);
	if (!turn->more)
	{
		CommandCounterIncrement();
		pgwf_call_new_snapshot(&call);
		turn->next = Min(next_due(&call, now), tasks.next);
	}
	end_turn(&call, turn);
}

void
pgwf_due_schedules(PgwfTurn *turn)
{
	PgwfCall	call;

	begin_turn(&call);
	pgwf_schedules_fire(&call, turn);
	CommandCounterIncrement();
	pgwf_call_new_snapshot(&call);
	turn->next = pgwf_schedules_next(&call, call.wall);
	end_turn(&call, turn);
}

void
pgwf_due_retention(PgwfTurn *turn)
{
	PgwfCall	call;

	begin_turn(&call);
	pgwf_retention_enforce(&call, turn);
	end_turn(&call, turn);
}

void
pgwf_due_batches(PgwfTurn *turn)
{
	PgwfCall	call;

	begin_turn(&call);
	pgwf_batches_run(&call, &turn->fired);
	turn->next = pgwf_batches_next(&call, call.wall);
	end_turn(&call, turn);
}

void
pgwf_due_drainage(PgwfTurn *turn)
{
	PgwfCall	call;

	begin_turn(&call);
	pgwf_drainage_run(&call, &turn->fired);
	turn->next = pgwf_drainage_next(&call, call.wall);
	end_turn(&call, turn);
}

/*
 * Nobody is told that a query or an update has expired, so that need not be
 * durable.
 */
void
pgwf_due_queries(PgwfTurn *turn)
{
	PgwfCall	call;
	PgwfScan	scan;

	begin_turn(&call);
	turn->more = pgwf_queries_expire(&call, turn->max_runs) == turn->max_runs;
	pgwf_query_due_scan(&scan, &call, call.wall + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfQuery	query;

		pgwf_query_read(scan.slot, &query);
		turn->next = query.due_at;
	}
	pgwf_scan_end(&scan);
	pgwf_call_end(&call);
}

void
pgwf_due_updates(PgwfTurn *turn)
{
	PgwfCall	call;
	PgwfScan	scan;

	begin_turn(&call);
	turn->more = pgwf_updates_expire(&call, turn->max_runs) == turn->max_runs;
	pgwf_update_due_scan(&scan, &call, call.wall + 1, DT_NOEND);
	if (pgwf_scan_next(&scan))
	{
		PgwfUpdate	update;

		pgwf_update_read(scan.slot, &update);
		turn->next = update.due_at;
	}
	pgwf_scan_end(&scan);
	pgwf_call_end(&call);
}

void
pgwf_due_namespaces(PgwfTurn *turn)
{
	PgwfCall	call;

	begin_turn(&call);
	pgwf_namespaces_reclaim(&call, turn);
	end_turn(&call, turn);
}
