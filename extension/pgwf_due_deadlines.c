/*-------------------------------------------------------------------------
 *
 * pgwf_due_deadlines.c
 *		A look of the scheduler at the states of all open runs, for the
 *		deadlines of workflow tasks that shared memory does not know.
 *
 * It is due when the scheduler starts, when a deadline is reached for which
 * there was no place, and from time to time, because a restore brings runs
 * without saying so.  It is made in parts, each in a transaction of its own,
 * in the order of the runs' keys, which do not change.  Between two looks
 * there is a pause, so that they never take more than a small share of the
 * time.
 *
 * Workflow tasks that are due, and for which there is still no place, are
 * fired at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pgwf_clock.h"
#include "pgwf_db.h"
#include "pgwf_deadline.h"
#include "pgwf_due.h"
#include "pgwf_fire.h"
#include "pgwf_guc.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

/* Runs looked at in one transaction */
#define MAX_STATES		10000

/* Pauses after a look that is needed again, and after one that may not be */
#define SHORTEST_PAUSE	USECS_PER_SEC
#define PAUSE_FACTOR	10
#define LONG_PAUSE_FACTOR	100

/* What could not be done now is tried again after this */
#define RETRY_AFTER		USECS_PER_SEC

static PgwfStatement select_prepared = {
	.sql = "SELECT FROM pg_catalog.pg_prepared_xacts"
	" WHERE database = pg_catalog.current_database() LIMIT 1",
	.nargs = 0
};

/* The look under way */
static bool looking = false;
static int32 at_namespace = 0;
static int64 at_run_key = 0;	/* the first that has not been looked at */
static TimestampTz began = 0;
static TimestampTz missed = DT_NOEND;

/* That there are too many is logged again after this time */
#define LOG_AGAIN		(60 * 60 * USECS_PER_SEC)

static TimestampTz logged_at = 0;

/* The last one, and when the next one may begin */
static TimestampTz ended = DT_NOBEGIN;
static int64 taken = 0;
static TimestampTz not_before = DT_NOBEGIN;

/* When to call pgwf_due_deadlines() */
TimestampTz
pgwf_due_deadlines_next(void)
{
	if (looking)
		return DT_NOBEGIN;
	return Max(pgwf_deadlines_scan_at(), not_before);
}

static bool
has_prepared(void)
{
	PgwfDbScope scope;
	bool		found;

	if (max_prepared_xacts == 0)
		return false;
	pgwf_db_begin(&scope);
	found = pgwf_db_query(&select_prepared, NULL, NULL, 1) > 0;
	pgwf_db_end(&scope);
	return found;
}

static void
begin_look(PgwfCall *call)
{
	pgwf_deadlines_scan_begin(has_prepared);
	pgwf_call_new_snapshot(call);
	looking = true;
	at_namespace = 0;
	at_run_key = PG_INT64_MIN;
	began = call->wall;
	missed = DT_NOEND;
}

/* A turn was undone: what it has fired has to be found again */
void
pgwf_due_deadlines_look_again(void)
{
	looking = false;
	not_before = DT_NOBEGIN;
	pgwf_deadlines_scan_end(DT_NOBEGIN);
}

static void
log_missed(TimestampTz now)
{
	if (now - logged_at < LOG_AGAIN && now >= logged_at)
		return;
	logged_at = now;
	ereport(LOG,
			(errmsg("more than %d workflow tasks have a deadline",
					pgwf_max_task_deadlines),
			 errdetail("The states of all open runs are read whenever one of the others is due."),
			 errhint("Increase pg_workflow.max_task_deadlines.")));
}

static void
end_look(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (missed != DT_NOEND)
		log_missed(now);
	pgwf_deadlines_scan_end(missed);
	looking = false;
	ended = now;
	taken = Max(now - began, 0);
	not_before = now + Max(SHORTEST_PAUSE, PAUSE_FACTOR * taken);
}

/* Is it time for a look although nobody asks for it? */
static bool
look_interval_is_over(TimestampTz now)
{
	int64		pause = Max((int64) pgwf_scheduler_look_interval * 900,
							LONG_PAUSE_FACTOR * taken);

	/* the clock may have been set back */
	return now < ended || now - ended >= pause;
}

/* Puts a deadline to the others; if there is no place, notes the run */
static void
note_deadline(PgwfCall *call, const PgwfState *state, TimestampTz due,
			  List **runs)
{
	PgwfDeadline deadline = {0};
	int			count = list_length(*runs);

	deadline.namespace_id = state->namespace_id;
	deadline.run_key = state->run_key;
	deadline.stamp = state->wft_stamp;
	deadline.due = due;
	if (pgwf_deadline_add(&deadline))
		return;
	if (due > call->wall)
	{
		missed = Min(missed, due);
		return;
	}
	pgwf_due_run_add(runs, state->namespace_id, state->run_key);
	if (list_length(*runs) == count)
		missed = Min(missed, call->wall + RETRY_AFTER);
}

/*
 * Looks at runs of a namespace from the place on where the last turn stopped.
 * Returns false if there may be more.
 */
static bool
look_at_namespace(PgwfCall *call, int *states, List **runs, int max_runs)
{
	MemoryContext context = AllocSetContextCreate(call->context,
												  "pg_workflow state",
												  ALLOCSET_DEFAULT_SIZES);
	PgwfScan	scan;
	bool		all = true;

	pgwf_state_scan(&scan, call, at_namespace, at_run_key);
	while (pgwf_scan_next(&scan))
	{
		PgwfState	state;
		TimestampTz due;

		MemoryContextSwitchTo(context);
		pgwf_state_read(scan.slot, &state);
		MemoryContextSwitchTo(call->context);
		due = pgwf_workflow_task_deadline(&state);
		if (due != PGWF_NO_TIME)
			note_deadline(call, &state, due, runs);
		MemoryContextReset(context);
		at_run_key = state.run_key + 1;
		if (++*states >= MAX_STATES || list_length(*runs) >= max_runs)
		{
			all = false;
			break;
		}
	}
	pgwf_scan_end(&scan);
	MemoryContextDelete(context);
	return all;
}

/* Goes on with the look; ends it if there is nothing more to look at */
static void
look(PgwfCall *call, PgwfTurn *turn)
{
	List	   *runs = NIL;
	ListCell   *lc;
	int			states = 0;

	for (;;)
	{
		if (pgwf_namespace_clock(at_namespace) == PGWF_CLOCK_WALL &&
			!look_at_namespace(call, &states, &runs, turn->max_runs))
			break;
		at_namespace = pgwf_state_next_namespace(call, at_namespace);
		at_run_key = PG_INT64_MIN;
		if (at_namespace == 0)
			break;
	}
	foreach(lc, runs)
	{
		int			skipped = turn->skipped;

		pgwf_due_run_fire(call, lfirst(lc), turn);
		if (turn->skipped > skipped)
			missed = Min(missed, call->wall + RETRY_AFTER);
	}
	if (at_namespace == 0)
		end_look();
}

void
pgwf_due_deadlines(PgwfTurn *turn)
{
	PgwfCall	call;

	pgwf_call_begin(&call);
	call.impatient = true;
	if (!looking && (call.wall >= pgwf_due_deadlines_next() ||
					 look_interval_is_over(call.wall)))
		begin_look(&call);
	if (looking)
		look(&call, turn);

	/* when to come back is asked for at every turn of the scheduler */
	turn->skipped = 0;
	if (turn->fired > 0)
		pgwf_xact_mark_durable();
	pgwf_call_end(&call);
}
