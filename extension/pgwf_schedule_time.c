/*-------------------------------------------------------------------------
 *
 * pgwf_schedule_time.c
 *		What the passing of time means to a schedule (SS 14): which of its
 *		times become actions, and when it must be looked at next.
 *
 * Works on a schedule in memory; its row is locked by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_schedule.h"

/* A schedule that has nothing to do any more is kept this long */
#define RETENTION				(7 * USECS_PER_DAY)

/* Times of a backfill that become actions in one turn */
#define BACKFILLS_PER_TURN		100

/* Backfills leave the other half of the buffer to the passing of time */
#define BACKFILL_BUFFER_SIZE	(PGWF_SCHEDULE_BUFFER_SIZE / 2)

/*
 * May an action be taken now?  With "decrement", it is.  What a user asks
 * for is always done; it counts neither as paused nor against the limit.
 */
bool
pgwf_schedule_may_act(PgwfSchedule *schedule, bool manual, bool decrement)
{
	if (manual)
		return true;
	if (schedule->paused)
		return false;
	if (!schedule->limited)
		return true;
	if (schedule->remaining <= 0)
		return false;
	if (decrement)
	{
		schedule->remaining--;
		schedule->row.conflict_token++;
	}
	return true;
}

/* Adds an action to the buffer; returns false if it is full */
bool
pgwf_schedule_add_start(PgwfSchedule *schedule, TimestampTz nominal,
						TimestampTz actual, PgwfOverlapPolicy overlap,
						bool manual)
{
	PgwfBufferedStart *start;

	if (list_length(schedule->buffer) >= PGWF_SCHEDULE_BUFFER_SIZE)
	{
		schedule->buffer_dropped++;
		return false;
	}
	start = palloc(sizeof(PgwfBufferedStart));
	start->nominal = nominal;
	start->actual = actual;
	start->overlap = overlap;
	start->manual = manual;
	schedule->buffer = lappend(schedule->buffer, start);
	return true;
}

/* From where on the next times of the spec are looked for */
static TimestampTz
base_time(const PgwfSchedule *schedule)
{
	TimestampTz base = schedule->row.last_processed_time;

	/*
	 * A spec does not act at times before it was set; those that jitter moves
	 * behind that moment it does.
	 */
	if (schedule->row.update_time != PGWF_NO_TIME)
		base = Max(base, schedule->row.update_time -
				   schedule->spec->jitter - 1);
	return base;
}

/* The next time at which the schedule acts by itself */
static PgwfScheduleTime
next_time(const PgwfSchedule *schedule, TimestampTz after)
{
	PgwfScheduleTime next;

	do
	{
		next = pgwf_schedule_spec_next(schedule->spec, after);
		after = next.actual;
	} while (next.actual != DT_NOEND &&
			 next.actual < schedule->row.update_time);
	return next;
}

/*
 * Turns the times that have passed into actions in the buffer.  The time of
 * a pause is passed over.
 */
void
pgwf_schedule_pass_time(PgwfSchedule *schedule)
{
	PgwfScheduleRow *row = &schedule->row;
	TimestampTz now = schedule->call->now;
	PgwfScheduleTime next;

	if (now < row->last_processed_time)
		return;
	if (!pgwf_schedule_may_act(schedule, false, false))
	{
		row->last_processed_time = now;
		return;
	}
	for (next = next_time(schedule, base_time(schedule));
		 next.actual <= now;
		 next = next_time(schedule, next.actual))
	{
		CHECK_FOR_INTERRUPTS();
		row->last_processed_time = next.actual;
		if (now - next.actual > schedule->catchup_window)
			schedule->missed_catchup_window++;
		else
			(void) pgwf_schedule_add_start(schedule, next.nominal,
										   next.actual,
										   PGWF_OVERLAP_UNSPECIFIED, false);
	}
}

bool
pgwf_schedule_can_backfill(const PgwfSchedule *schedule)
{
	return schedule->backfills != NIL &&
		list_length(schedule->buffer) < BACKFILL_BUFFER_SIZE;
}

/* Turns times of the backfills that were asked for into actions */
void
pgwf_schedule_backfill(PgwfSchedule *schedule)
{
	int			limit = BACKFILLS_PER_TURN;

	while (limit > 0 && pgwf_schedule_can_backfill(schedule))
	{
		PgwfBackfill *backfill = linitial(schedule->backfills);
		PgwfScheduleTime next;

		next = pgwf_schedule_spec_next(schedule->spec, backfill->start);
		if (next.actual > backfill->end)
		{
			schedule->backfills = list_delete_first(schedule->backfills);
			continue;
		}
		(void) pgwf_schedule_add_start(schedule, next.nominal, next.actual,
									   backfill->overlap, true);
		backfill->start = next.actual;
		limit--;
	}
}

/* Up to "count" times at which it will act, as TimestampTz allocated */
List *
pgwf_schedule_future_times(const PgwfSchedule *schedule, int count)
{
	List	   *times = NIL;
	TimestampTz after = base_time(schedule);

	if (schedule->limited)
		count = Min(count, schedule->remaining);
	if (schedule->paused)
		after = Max(after, schedule->call->now);
	while (list_length(times) < count)
	{
		PgwfScheduleTime next = next_time(schedule, after);
		TimestampTz *time;

		if (next.actual == DT_NOEND)
			break;
		time = palloc(sizeof(TimestampTz));
		*time = next.actual;
		times = lappend(times, time);
		after = next.actual;
	}
	return times;
}

/* When a schedule that has nothing to do any more is removed, or DT_NOEND */
TimestampTz
pgwf_schedule_expiration(PgwfSchedule *schedule)
{
	TimestampTz last = Max(schedule->row.create_time,
						   schedule->row.update_time);

	if (schedule->paused || schedule->buffer != NIL ||
		schedule->backfills != NIL || schedule->running != NIL)
		return DT_NOEND;
	if (pgwf_schedule_may_act(schedule, false, false) &&
		next_time(schedule, base_time(schedule)).actual != DT_NOEND)
		return DT_NOEND;
	if (schedule->recent != NIL)
	{
		PgwfScheduleAction *action = llast(schedule->recent);

		last = Max(last, action->actual_time);
	}
	return last + RETENTION;
}

/* Sets when it acts next, and when it must be looked at */
void
pgwf_schedule_plan(PgwfSchedule *schedule)
{
	PgwfScheduleRow *row = &schedule->row;

	row->next_action_time = DT_NOEND;
	if (pgwf_schedule_may_act(schedule, false, false))
		row->next_action_time = next_time(schedule,
										  base_time(schedule)).actual;
	row->due_at = Min(row->next_action_time, schedule->retry_at);
	row->due_at = Min(row->due_at, pgwf_schedule_expiration(schedule));
	if (pgwf_schedule_can_backfill(schedule))
		row->due_at = Min(row->due_at, schedule->call->now);
}

/* Member futureActionTimes: the next times */
void
pgwf_schedule_write_future(PgwfObject *object, const PgwfSchedule *schedule,
						   int count)
{
	List	   *times = pgwf_schedule_future_times(schedule, count);
	ListCell   *lc;

	if (times == NIL)
		return;
	pgwf_object_open_array(object, "futureActionTimes");
	foreach(lc, times)
		pgwf_object_time_element(object, *(TimestampTz *) lfirst(lc));
	pgwf_object_close_array(object);
}
