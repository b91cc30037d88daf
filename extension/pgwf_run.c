/*-------------------------------------------------------------------------
 *
 * pgwf_run.c
 *		One run of a workflow, loaded, changed in memory and written once.
 *
 * The history of a run is written here and nowhere else: events get their
 * ids, wait in the buffer while a workflow task is started (SS 2.3), and
 * lead to a workflow task when the workflow must see them (SS 2.1).
 *
 * pgwf_run_write.c puts what has changed into the tables, pgwf_run_limits.c
 * says what has become too large.
 *
 * Locks: the run's mutable_state row is locked from loading to the end of
 * the transaction.  Activity rows are locked before they are changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_query.h"
#include "pgwf_run.h"
#include "pgwf_update.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

/* Begins a run that is not in the tables yet */
void
pgwf_run_init_new(PgwfRun *run, PgwfCall *call, PgwfExecution *execution)
{
	Assert(call->namespace_id == execution->namespace_id);
	memset(run, 0, sizeof(PgwfRun));
	run->call = call;
	run->is_new = true;
	run->execution = execution;
	run->buffered_loaded = true;
	run->activities_loaded = true;
	run->timers_loaded = true;
	run->children_loaded = true;
	run->updates_loaded = true;
	run->state.namespace_id = execution->namespace_id;
	run->state.run_key = execution->run_key;
	run->state.next_event_id = 1;
	run->state.next_buffer_id = 1;
	run->state.last_event_time = PGWF_NO_TIME;
	run->state.start_time = execution->start_time;
	run->state.task_timeout = execution->task_timeout;
	run->state.wft_scheduled_time = PGWF_NO_TIME;
	run->state.wft_original_scheduled_time = PGWF_NO_TIME;
	run->state.wft_started_time = PGWF_NO_TIME;
	run->state.wft_attempt = 1;
	run->stored = run->state;
}

/* The queue that the pending workflow task waits in */
char *
pgwf_run_task_queue(PgwfRun *run)
{
	return (run->state.flags & PGWF_RUN_TASK_ON_STICKY) != 0 ?
		run->state.sticky_queue : pgwf_run_execution(run)->task_queue;
}

/* The workflow task of a run that is locked cannot be claimed by others */
static void
hold_task(PgwfRun *run)
{
	const PgwfState *state = &run->state;

	if (state->wft_scheduled_event_id == 0 ||
		state->wft_started_event_id != 0)
		return;
	pgwf_xact_hold_task(state->namespace_id, PGWF_QUEUE_WORKFLOW,
						pgwf_run_task_queue(run),
						pgwf_run_task_version(run));
}

/*
 * Locks a run and loads it.  PGWF_LOCK_GONE: it is closed, or never was;
 * PGWF_LOCK_BUSY: only if the policy is not to wait.
 */
PgwfLockResult
pgwf_run_load(PgwfRun *run, PgwfCall *call, int32 namespace_id,
			  int64 run_key, LockWaitPolicy policy)
{
	PgwfLockResult result;

	Assert(call->namespace_id == namespace_id);
	memset(run, 0, sizeof(PgwfRun));
	run->call = call;
	result = pgwf_state_load_locked(call, namespace_id, run_key, policy,
									&run->state, &run->state_tid);
	run->stored = run->state;
	if (result == PGWF_LOCK_OK)
	{
		call->open->locked_run = true;
		hold_task(run);
	}
	return result;
}

/*
 * The same for a client's call, which waits for the lock.  In a list of calls
 * that has locked a run, it is an error to have to wait: workers lock runs
 * in the order of their ids, clients do not know that order.
 */
PgwfLockResult
pgwf_run_load_named(PgwfRun *run, PgwfCall *call, int32 namespace_id,
					int64 run_key)
{
	LockWaitPolicy policy = LockWaitBlock;
	PgwfLockResult result;

	if (pgwf_call_is_shared(call) && call->open->locked_run)
		policy = LockWaitSkip;
	result = pgwf_run_load(run, call, namespace_id, run_key, policy);
	if (result == PGWF_LOCK_BUSY)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("workflow execution is being changed by another transaction"),
				 errhint("A call for it that is not in a list of calls would wait.")));
	return result;
}

/* Takes back every change since the run was loaded */
void
pgwf_run_start_over(PgwfRun *run)
{
	PgwfRun		fresh;

	Assert(!run->is_new);
	memset(&fresh, 0, sizeof(PgwfRun));
	fresh.call = run->call;
	fresh.state = run->stored;
	fresh.stored = run->stored;
	fresh.state_tid = run->state_tid;
	*run = fresh;
}

/* The run's row in workflow.execution; the caller may change it in closing */
PgwfExecution *
pgwf_run_execution(PgwfRun *run)
{
	if (run->execution == NULL)
	{
		run->execution = pgwf_execution_load(run->call,
											 run->state.namespace_id,
											 run->state.run_key);
		if (run->execution == NULL)
			elog(ERROR, "execution of open run " INT64_FORMAT " is missing",
				 run->state.run_key);
	}
	return run->execution;
}

/* Is an activity of the list, which is short, this one? */
static bool
has_activity(List *activities, int64 scheduled_event_id)
{
	ListCell   *lc;

	foreach(lc, activities)
	{
		PgwfActivity *activity = lfirst(lc);

		if (activity->scheduled_event_id == scheduled_event_id)
			return true;
	}
	return false;
}

/* The pending activities, including those that this call added or closed */
List *
pgwf_run_activities(PgwfRun *run)
{
	List	   *known = run->activities;
	List	   *stored;
	ListCell   *lc;

	if (run->activities_loaded)
		return run->activities;
	run->activities_loaded = true;
	if (run->stored.pending_activities == 0)
		return run->activities;

	stored = pgwf_activity_load_all(run->call, run->state.namespace_id,
									run->state.run_key);
	run->activities = NIL;
	foreach(lc, stored)
	{
		PgwfActivity *activity = lfirst(lc);

		if (!has_activity(known, activity->scheduled_event_id))
			run->activities = lappend(run->activities, activity);
	}
	run->activities = list_concat(run->activities, known);
	return run->activities;
}

/* The pending timers, including those that this call added or removed */
List *
pgwf_run_timers(PgwfRun *run)
{
	if (!run->timers_loaded)
	{
		if (run->stored.pending_timers > 0)
			run->timers =
				list_concat(pgwf_timer_load_all(run->call,
												run->state.namespace_id,
												run->state.run_key),
							run->timers);
		run->timers_loaded = true;
	}
	return run->timers;
}

/* One of those that are loaded, or NULL */
static PgwfChild *
find_child(const PgwfRun *run, int64 initiated_event_id)
{
	ListCell   *lc;

	foreach(lc, run->children)
	{
		PgwfChild  *child = lfirst(lc);

		if (child->initiated_event_id == initiated_event_id)
			return child;
	}
	return NULL;
}

/*
 * A pending child, or one that this call added or closed; NULL if there is
 * none.  Of many children it loads only this one.
 */
PgwfChild *
pgwf_run_child(PgwfRun *run, int64 initiated_event_id)
{
	PgwfChild  *child = find_child(run, initiated_event_id);

	if (child == NULL && !run->children_loaded &&
		run->stored.pending_children > 0)
	{
		child = pgwf_child_load(run->call, run->state.namespace_id,
								run->state.run_key, initiated_event_id);
		if (child)
			run->children = lappend(run->children, child);
	}
	return child;
}

/* The pending children, including those that this call added or closed */
List *
pgwf_run_children(PgwfRun *run)
{
	List	   *children = NIL;
	ListCell   *lc;

	if (run->children_loaded)
		return run->children;

	/* those that are loaded stay as they are, in their places */
	if (run->stored.pending_children > 0)
		children = pgwf_child_load_all(run->call, run->state.namespace_id,
									   run->state.run_key);
	foreach(lc, children)
	{
		PgwfChild  *child = lfirst(lc);
		PgwfChild  *loaded = find_child(run, child->initiated_event_id);

		if (loaded)
			lfirst(lc) = loaded;
	}
	foreach(lc, run->children)
	{
		PgwfChild  *child = lfirst(lc);

		if (child->change == PGWF_ROW_INSERT)
			children = lappend(children, child);
	}
	run->children = children;
	run->children_loaded = true;
	return children;
}

/* Puts a message of this run, about one of its events, into the outbox */
void
pgwf_run_send(PgwfRun *run, PgwfMessageKind kind, int64 event_id)
{
	PgwfMessage *message = palloc0(sizeof(PgwfMessage));

	message->namespace_id = run->state.namespace_id;
	message->kind = kind;
	message->run_key = run->state.run_key;
	message->event_id = event_id;
	message->due_at = run->call->now;
	run->messages = lappend(run->messages, message);
}

/* The events that waited in the buffer when the run was loaded */
List *
pgwf_run_buffered(PgwfRun *run)
{
	if (!run->buffered_loaded)
	{
		if (run->stored.buffered_events > 0)
			run->buffered = pgwf_buffered_event_load(run->call,
													 run->state.namespace_id,
													 run->state.run_key);
		run->buffered_loaded = true;
	}
	return run->buffered;
}

bool
pgwf_run_has_buffered(PgwfRun *run)
{
	return run->state.buffered_events > 0 || run->arrived != NIL;
}

/*
 * Events
 */

static PgwfEvent *
append_event(PgwfRun *run, PgwfEvent *event)
{
	pgwf_workflow_task_make_normal(run);
	event->event_id = run->state.next_event_id++;
	run->state.history_size += pgwf_event_size(event);
	run->events = lappend(run->events, event);
	return event;
}

static PgwfEvent *
make_event(PgwfEventType type, Jsonb *attributes, TimestampTz time)
{
	PgwfEvent  *event = palloc0(sizeof(PgwfEvent));

	event->type = type;
	event->attributes = attributes;
	event->time = time;
	return event;
}

/* Times do not go backwards within a run, even if the clock does */
static TimestampTz
next_event_time(PgwfRun *run, TimestampTz time)
{
	if (time > run->state.last_event_time)
		run->state.last_event_time = time;
	return run->state.last_event_time;
}

/* Appends an event that happens now and is never buffered */
PgwfEvent *
pgwf_run_append(PgwfRun *run, PgwfEventType type, Jsonb *attributes)
{
	Assert((pgwf_event_info[type].flags & PGWF_EVENT_BUFFERED) == 0);
	return append_event(run,
						make_event(type, attributes,
								   next_event_time(run, run->call->now)));
}

/* Appends an event that happened earlier and keeps its time */
PgwfEvent *
pgwf_run_append_late(PgwfRun *run, PgwfEventType type, Jsonb *attributes,
					 TimestampTz time)
{
	return append_event(run, make_event(type, attributes, time));
}

/*
 * Notes an event from outside the workflow's own commands: it is appended
 * when the call ends, or waits in the buffer while a workflow task is
 * started.  A close event of an activity is wired to its ActivityTaskStarted
 * when it is appended, so its startedEventId is left out here.
 */
void
pgwf_run_arrive(PgwfRun *run, PgwfEventType type, Jsonb *attributes,
				TimestampTz time)
{
	Assert((pgwf_event_info[type].flags & PGWF_EVENT_BUFFERED) != 0);
	run->arrived = lappend(run->arrived, make_event(type, attributes, time));
	if (pgwf_event_info[type].flags & PGWF_EVENT_TRIGGERS_TASK)
		run->task_needed = true;
}

/*
 * A timer that is canceled while its TimerFired waits in the buffer: removes
 * that event.  Returns false if there is none.
 */
bool
pgwf_run_remove_buffered_timer_fired(PgwfRun *run, const char *timer_id)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_buffered(run))
	{
		PgwfEvent  *event = lfirst(lc);
		PgwfReader	reader;
		char	   *fired_id;

		if (event->type != PGWF_EVENT_TIMER_FIRED)
			continue;
		pgwf_reader_init(&reader, event->attributes);
		fired_id = pgwf_read_text(&reader, "timerId");
		if (fired_id == NULL || strcmp(fired_id, timer_id) != 0)
			continue;
		run->buffered = foreach_delete_current(run->buffered, lc);
		run->unbuffered = lappend(run->unbuffered, event);
		run->state.buffered_events--;
		run->state.buffered_size -= pgwf_event_size(event);
		return true;
	}
	return false;
}

/* Wires a close event to the Started event appended just before */
static void
wire_started_event(PgwfEvent *event, List *appended)
{
	PgwfEventType started_type = PGWF_EVENT_ACTIVITY_TASK_STARTED;
	const char *key = "scheduledEventId";
	int64		id;
	ListCell   *lc;

	if (event->type >= PGWF_EVENT_CHILD_COMPLETED &&
		event->type <= PGWF_EVENT_CHILD_TERMINATED)
	{
		started_type = PGWF_EVENT_CHILD_STARTED;
		key = "initiatedEventId";
	}
	id = pgwf_jsonb_get_int(event->attributes, key);
	foreach(lc, appended)
	{
		PgwfEvent  *started = lfirst(lc);

		if (started->type == started_type &&
			pgwf_jsonb_get_int(started->attributes, key) == id)
		{
			event->attributes = pgwf_jsonb_set_int(event->attributes,
												   "startedEventId",
												   started->event_id);
			return;
		}
	}
}

/* A child knows its ChildWorkflowExecutionStarted once that has its id */
static void
note_child_started(PgwfRun *run, const PgwfEvent *event)
{
	PgwfChild  *child;

	child = pgwf_run_child(run, pgwf_jsonb_get_int(event->attributes,
												   "initiatedEventId"));
	if (child == NULL)
		return;
	child->started_event_id = event->event_id;
	if (child->change == PGWF_ROW_UNCHANGED)
		child->change = PGWF_ROW_UPDATE;
}

/*
 * Appends the buffered events and those that arrived: first all that do not
 * close an activity or child, then those that do, each in the order of their
 * arrival.  Returns whether there were any.
 */
bool
pgwf_run_flush_buffer(PgwfRun *run)
{
	List	   *events;
	List	   *appended = NIL;
	ListCell   *lc;

	run->unbuffered = list_concat(run->unbuffered, pgwf_run_buffered(run));
	events = list_concat_copy(run->buffered, run->arrived);
	run->buffered = NIL;
	run->arrived = NIL;
	run->state.buffered_events = 0;
	run->state.buffered_size = 0;
	if (events == NIL)
		return false;

	for (int last = 0; last <= 1; last++)
	{
		foreach(lc, events)
		{
			PgwfEvent  *event = lfirst(lc);
			int			flags = pgwf_event_info[event->type].flags;

			if (((flags & PGWF_EVENT_FLUSHED_LAST) != 0) != (last != 0))
				continue;
			if (event->type != PGWF_EVENT_ACTIVITY_TASK_STARTED)
				event->time = next_event_time(run, event->time);
			if (flags & PGWF_EVENT_FLUSHED_LAST)
				wire_started_event(event, appended);
			appended = lappend(appended, append_event(run, event));
			if (event->type == PGWF_EVENT_CHILD_STARTED)
				note_child_started(run, event);
			else if (event->type == PGWF_EVENT_UPDATE_ADMITTED)
				pgwf_update_note_admitted(run, event);
		}
	}
	return true;
}

/*
 * Marks the run as closed; its close event has been appended.  What is left
 * in the buffer is dropped.
 */
void
pgwf_run_close(PgwfRun *run, PgwfStatus status)
{
	Assert(pgwf_run_is_open(run));
	run->close_status = status;
	if ((run->state.flags & PGWF_RUN_HAS_PARENT) != 0 &&
		run->successor == NULL && run->reset_event_id == 0)
		pgwf_run_send(run, PGWF_MESSAGE_CHILD_CLOSED,
					  run->state.next_event_id - 1);
}

/*
 * Ends the change of a run: events that arrived are appended or buffered, a
 * workflow task is scheduled if the workflow has something to see, and all
 * of it is written.  The run must not be used any more.
 */
void
pgwf_run_finish(PgwfRun *run)
{
	PgwfState  *state = &run->state;

	if (pgwf_run_is_open(run) && state->wft_started_event_id != 0 &&
		run->arrived != NIL && pgwf_run_buffer_is_full(run))
		pgwf_workflow_task_fail(run,
								"WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND",
								NULL, PGWF_SERVICE_IDENTITY);

	if (pgwf_run_is_open(run) && state->wft_started_event_id == 0)
	{
		if (state->wft_scheduled_event_id == 0 && run->task_needed &&
			(state->flags & (PGWF_RUN_AWAITS_FIRST_TASK |
							 PGWF_RUN_PAUSED)) == 0)
			pgwf_workflow_task_schedule(run);
		else if (state->wft_scheduled_event_id == 0 && run->update_admitted &&
				 (state->flags & (PGWF_RUN_AWAITS_FIRST_TASK |
								  PGWF_RUN_PAUSED)) == 0)
			pgwf_workflow_task_schedule_speculative(run);
		else
			(void) pgwf_run_flush_buffer(run);
	}
	else if (pgwf_run_is_open(run) && run->arrived != NIL)
		pgwf_workflow_task_make_normal(run);

	pgwf_run_check_size(run);
	pgwf_run_settle_queries(run);
	pgwf_run_write(run);
}
