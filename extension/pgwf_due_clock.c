/*-------------------------------------------------------------------------
 *
 * pgwf_due_clock.c
 *		What the scheduler does in namespaces with virtual time: what is due
 *		by their clocks, and setting a clock forward when nothing else is
 *		left to do.
 *
 * What is due is found by reading all that is pending in the namespace: the
 * indexes over due moments are in the order of the machine's clock, and what
 * serves tests is to cost ordinary namespaces nothing.
 *
 * Time is skipped to the next moment at which something is due if nobody has
 * work and nobody is about to make some: there is no workflow task, no
 * activity that waits for a worker or is with one, no query, and no
 * transaction that holds the clock.
 *
 * Locks: clocks, without waiting; whoever holds one lets the scheduler know
 * when his transaction ends.  Then those that firing takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pgwf_clock.h"
#include "pgwf_delete.h"
#include "pgwf_due.h"
#include "pgwf_fire.h"
#include "pgwf_guc.h"
#include "pgwf_query.h"
#include "pgwf_schedule.h"
#include "pgwf_scheduler.h"
#include "pgwf_shmem.h"
#include "pgwf_slot.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

/* Runs, and messages, of a namespace looked at in one transaction */
#define MAX_TRIED	1000

/* What a look at a namespace has found */
typedef struct Look
{
	List	   *runs;			/* of PgwfDueRun, that something is due to */
	List	   *messages;		/* of PgwfMessage, the same */
	bool		due;			/* something is, perhaps of a run spared */
	bool		busy;			/* workers have, or are to get, work */
	bool		only_due;		/* runs and messages are not asked for */
	TimestampTz next;			/* the next moment something is due */
	TimestampTz skip_to;		/* the same, of what time is skipped to */
} Look;

/* What the scheduler's process knows of a namespace */
typedef struct Attended
{
	int32		namespace_id;
	TimestampTz next;			/* when to look, by the machine's clock */
	int64		offset;			/* of its clock, when last looked at */
} Attended;

/* Notes a moment; true if it has passed */
static bool
note_moment(Look *look, TimestampTz moment, TimestampTz now)
{
	if (moment == PGWF_NO_TIME)
		return false;
	if (moment <= now)
	{
		look->due = true;
		return true;
	}
	look->next = Min(look->next, moment);
	look->skip_to = Min(look->skip_to, moment);
	return false;
}

static void
add_run(Look *look, int32 namespace_id, int64 run_key)
{
	if (!look->only_due && list_length(look->runs) < MAX_TRIED)
		pgwf_due_run_add(&look->runs, namespace_id, run_key);
}

static void
look_at_timers(PgwfCall *call, Look *look)
{
	PgwfScan	scan;

	pgwf_timer_scan(&scan, call, call->namespace_id);
	while (pgwf_scan_next(&scan))
	{
		PgwfTimer	timer;

		pgwf_timer_read(scan.slot, &timer);
		if (note_moment(look, timer.fire_at, call->now))
			add_run(look, timer.namespace_id, timer.run_key);
	}
	pgwf_scan_end(&scan);
}

static void
look_at_tasks(PgwfCall *call, Look *look)
{
	PgwfScan	scan;
	MemoryContext context = AllocSetContextCreate(call->context,
												  "pg_workflow state",
												  ALLOCSET_DEFAULT_SIZES);

	pgwf_state_scan(&scan, call, call->namespace_id, PG_INT64_MIN);
	while (pgwf_scan_next(&scan))
	{
		PgwfState	state;

		MemoryContextSwitchTo(context);
		pgwf_state_read(scan.slot, &state);
		MemoryContextSwitchTo(call->context);
		if (state.wft_scheduled_event_id != 0)
			look->busy = true;
		if (note_moment(look, pgwf_workflow_task_deadline(&state), call->now))
			add_run(look, state.namespace_id, state.run_key);
		MemoryContextReset(context);
	}
	pgwf_scan_end(&scan);
	MemoryContextDelete(context);
}

static void
look_at_activities(PgwfCall *call, Look *look)
{
	PgwfScan	scan;
	MemoryContext context = AllocSetContextCreate(call->context,
												  "pg_workflow activity",
												  ALLOCSET_DEFAULT_SIZES);

	pgwf_activity_scan(&scan, call, call->namespace_id);
	while (pgwf_scan_next(&scan))
	{
		PgwfActivity activity;

		MemoryContextSwitchTo(context);
		pgwf_activity_read(scan.slot, &activity);
		MemoryContextSwitchTo(call->context);
		if (activity.state == PGWF_ACTIVITY_SCHEDULED ||
			activity.state == PGWF_ACTIVITY_STARTED)
			look->busy = true;
		if (note_moment(look, activity.due_at, call->now))
			add_run(look, activity.namespace_id, activity.run_key);
		MemoryContextReset(context);
	}
	pgwf_scan_end(&scan);
	MemoryContextDelete(context);
}

static void
look_at_messages(PgwfCall *call, Look *look)
{
	PgwfScan	scan;

	pgwf_message_scan(&scan, call, call->namespace_id);
	while (pgwf_scan_next(&scan))
	{
		PgwfMessage message;

		pgwf_message_read(scan.slot, &message);
		if (note_moment(look, message.due_at, call->now) &&
			!look->only_due && list_length(look->messages) < MAX_TRIED &&
			!pgwf_scheduler_spares(message.namespace_id, message.run_key))
		{
			PgwfMessage *copy = palloc(sizeof(PgwfMessage));

			*copy = message;
			look->messages = lappend(look->messages, copy);
		}
	}
	pgwf_scan_end(&scan);
}

/*
 * Time is not skipped to where a schedule is only removed, because it has
 * nothing to do any more.
 */
static void
look_at_schedules(PgwfCall *call, Look *look)
{
	PgwfScan	scan;

	pgwf_schedule_scan(&scan, call, call->namespace_id);
	while (pgwf_scan_next(&scan))
	{
		PgwfScheduleRow row;

		pgwf_schedule_read(scan.slot, &row);
		if (row.due_at == DT_NOEND)
			continue;
		if (row.next_action_time != DT_NOEND)
			(void) note_moment(look, row.due_at, call->now);
		else if (row.due_at > call->now)
			look->next = Min(look->next, row.due_at);
	}
	pgwf_scan_end(&scan);
}

static void
look_at_queries(PgwfCall *call, Look *look)
{
	PgwfScan	scan;

	pgwf_query_scan(&scan, call, call->namespace_id);
	while (!look->busy && pgwf_scan_next(&scan))
	{
		PgwfQuery	query;

		pgwf_query_read(scan.slot, &query);
		look->busy = query.state != PGWF_QUERY_ANSWERED &&
			pgwf_query_is_awaited(&query);
	}
	pgwf_scan_end(&scan);
}

/* Looks at all that is pending in the namespace of the call */
static void
look_around(PgwfCall *call, Look *look)
{
	look->runs = NIL;
	look->messages = NIL;
	look->due = false;
	look->busy = false;
	look->next = DT_NOEND;
	look->skip_to = DT_NOEND;
	look_at_timers(call, look);
	look_at_tasks(call, look);
	look_at_activities(call, look);
	look_at_messages(call, look);
	look_at_schedules(call, look);
	look_at_queries(call, look);
}

/*
 * Is something of a namespace due that the scheduler has not done yet?  For
 * whoever has waited for the present.
 */
bool
pgwf_due_clock_is_behind(int32 namespace_id)
{
	PgwfCall	call;
	Look		look = {.only_due = true};

	pgwf_call_begin(&call);
	pgwf_clock_use(&call, namespace_id, false);
	look_around(&call, &look);
	pgwf_call_end(&call);
	return look.due;
}

/* What this transaction has done is to be seen by what follows */
static void
see_own_changes(PgwfCall *call)
{
	CommandCounterIncrement();
	pgwf_call_new_snapshot(call);
}

/* Fires what a look has found; the rest is left for the next turn */
static void
fire(PgwfCall *call, const Look *look, PgwfTurn *turn)
{
	ListCell   *lc;

	foreach(lc, look->runs)
	{
		if (turn->fired >= turn->max_runs)
			break;
		pgwf_due_run_fire(call, lfirst(lc), turn);
	}
	see_own_changes(call);
	foreach(lc, look->messages)
	{
		if (turn->fired >= turn->max_runs)
			break;
		(void) pgwf_due_message_deliver(call, lfirst(lc), turn);
	}
	pgwf_schedules_fire(call, turn);
}

/*
 * May the time of a namespace be skipped?  Everybody who waits for a result,
 * or for time to pass, takes one lock away.
 */
static bool
is_unlocked(const PgwfClock *clock, TimestampTz *sleepers_moment)
{
	int			waiters;

	waiters = pgwf_shmem_count_waiters(pgwf_clock_skip_key(clock->namespace_id),
									   sleepers_moment);
	return clock->skipping_locks <= waiters;
}

/*
 * Sets the clock to the next moment at which something is due, if there is
 * one and nothing else is to be done.  The look that says so is repeated when
 * nobody can change anything any more.  Returns whether it has been set.
 */
static bool
skip_time(PgwfCall *call, PgwfClock *clock, const Look *look)
{
	TimestampTz moment;
	Look		again = {0};

	if (look->busy || look->due || !is_unlocked(clock, &moment) ||
		Min(moment, look->skip_to) == DT_NOEND)
		return false;
	if (!pgwf_clock_stop(clock->namespace_id, false))
		return false;
	see_own_changes(call);
	pgwf_clock_use(call, clock->namespace_id, false);
	if (!pgwf_clock_read(clock->namespace_id, clock))
		return false;
	look_around(call, &again);
	if (again.busy || again.due || !is_unlocked(clock, &moment))
		return false;
	moment = Min(moment, again.skip_to);
	if (moment <= call->now || moment > pgwf_clock_end())
		return false;
	pgwf_clock_advance(clock->namespace_id, moment - call->now);
	return true;
}

/*
 * Does what is due in a namespace, or skips time.  Returns when something is
 * due next, by the machine's clock; DT_NOBEGIN: something is left.
 */
static TimestampTz
attend(PgwfCall *call, PgwfClock *clock, PgwfTurn *turn)
{
	int			fired = turn->fired;
	int			skipped = turn->skipped;
	Look		look = {0};

	if (pgwf_namespace_clock(clock->namespace_id) != PGWF_CLOCK_VIRTUAL ||
		!pgwf_clock_try_use(call, clock->namespace_id))
		return DT_NOEND;
	see_own_changes(call);
	look_around(call, &look);
	fire(call, &look, turn);
	if (turn->fired == fired && skip_time(call, clock, &look))
		turn->fired++;
	if (turn->fired > fired)
		turn->more = true;
	if (turn->fired > fired || turn->skipped > skipped || look.due)
		return DT_NOBEGIN;
	return look.next == DT_NOEND ? DT_NOEND :
		look.next - (call->now - call->wall);
}

/*
 * Which namespaces
 */

static HTAB *attended = NULL;	/* of Attended */
static TimestampTz last_look_at_all = 0;

static Attended *
find_attended(int32 namespace_id)
{
	Attended   *entry;
	bool		found;

	if (attended == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(int32);
		control.entrysize = sizeof(Attended);
		attended = hash_create("pg_workflow virtual time", 16, &control,
							   HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(attended, &namespace_id, HASH_ENTER, &found);
	if (!found)
	{
		entry->next = DT_NOBEGIN;
		entry->offset = 0;
	}
	return entry;
}

/* Marks those in which something has happened, all from time to time */
static void
mark_changed(TimestampTz now)
{
	int64		pause = (int64) pgwf_scheduler_look_interval * 900;
	int32		changed[PGWF_SLOT_CLOCKS];
	int			count = pgwf_slot_take_clocks(changed);
	HASH_SEQ_STATUS status;
	Attended   *entry;
	ListCell   *lc;

	for (int i = 0; i < count; i++)
		find_attended(changed[i])->next = DT_NOBEGIN;
	if (count >= 0 && now >= last_look_at_all &&
		now - last_look_at_all < pause)
		return;
	if (attended != NULL)
	{
		/* the extension may have been created anew */
		hash_seq_init(&status, attended);
		while ((entry = hash_seq_search(&status)) != NULL)
			(void) hash_search(attended, &entry->namespace_id, HASH_REMOVE,
							   NULL);
	}
	foreach(lc, pgwf_clock_read_all())
		(void) find_attended(((PgwfClock *) lfirst(lc))->namespace_id);
	last_look_at_all = now;
}

static void
attend_to(PgwfCall *call, Attended *entry, PgwfTurn *turn)
{
	PgwfClock	clock;

	if (!pgwf_clock_read(entry->namespace_id, &clock))
	{
		entry->next = DT_NOEND;
		return;
	}
	entry->next = attend(call, &clock, turn);

	/* its runs may have been closed for long by a clock set forward */
	if (clock.offset != entry->offset)
		pgwf_retention_look_again();
	entry->offset = clock.offset;
}

/* The last turn was undone: what it found has to be found again */
void
pgwf_due_clocks_look_again(void)
{
	last_look_at_all = 0;
}

void
pgwf_due_clocks(PgwfTurn *turn)
{
	PgwfCall	call;
	HASH_SEQ_STATUS status;
	Attended   *entry;
	List	   *due = NIL;
	ListCell   *lc;

	pgwf_call_begin(&call);
	call.impatient = true;
	mark_changed(call.wall);
	if (attended != NULL)
	{
		hash_seq_init(&status, attended);
		while ((entry = hash_seq_search(&status)) != NULL)
		{
			if (entry->next <= call.wall)
				due = lappend(due, entry);
			else
				turn->next = Min(turn->next, entry->next);
		}
	}
	foreach(lc, due)
	{
		entry = lfirst(lc);
		CHECK_FOR_INTERRUPTS();
		attend_to(&call, entry, turn);

		/* what is fired, locked or spared brings the scheduler back */
		if (entry->next != DT_NOBEGIN)
			turn->next = Min(turn->next, entry->next);
	}
	if (turn->fired > 0)
		pgwf_xact_mark_durable();
	pgwf_call_end(&call);
}
