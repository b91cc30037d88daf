/*-------------------------------------------------------------------------
 *
 * pgwf_run_write.c
 *		What has changed in a run, put into the tables.
 *
 * Each table's part of the run is written once, from the lists of the run:
 * rows to insert, update and delete are marked as such.  Whoever waits for
 * what has become ready is woken at commit.
 *
 * Locks: the caller holds the run.  Activities of a run that is closed are
 * locked here before they are deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_clock.h"
#include "pgwf_dispatch.h"
#include "pgwf_new_run.h"
#include "pgwf_priority.h"
#include "pgwf_query.h"
#include "pgwf_run.h"
#include "pgwf_schedule.h"
#include "pgwf_update.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

/* Has a workflow task been completed, of this run or one it continues? */
static bool
has_begun(PgwfRun *run)
{
	const PgwfExecution *execution = pgwf_run_execution(run);

	return run->state.previous_started_event_id != 0 ||
		memcmp(&execution->first_run_id, &execution->run_id,
			   sizeof(pg_uuid_t)) != 0;
}

/* The row of the waiting workflow task as it has to be */
static void
fill_task(PgwfRun *run, PgwfTask *task)
{
	PgwfState  *state = &run->state;

	task->namespace_id = state->namespace_id;
	task->run_key = state->run_key;
	task->stamp = state->wft_stamp;
	task->scheduled_time = state->wft_scheduled_time;
	task->sticky = (state->flags & PGWF_RUN_TASK_ON_STICKY) != 0;
	task->task_queue = pgwf_run_task_queue(run);
	if (task->sticky)
		task->route = (PgwfRoute) {state->version_key, 0};
	else
		pgwf_run_route(run, &task->route);
	pgwf_place_init(&task->place, state->priority);
	pgwf_place_workflow_task(run->call, task,
							 !task->sticky && !has_begun(run));
}

/* Does the run's workflow task wait for a worker? */
static bool
task_waits(const PgwfState *state)
{
	return state->wft_scheduled_event_id != 0 &&
		state->wft_started_event_id == 0;
}

static void
write_task(PgwfRun *run)
{
	bool		had = task_waits(&run->stored);
	bool		has = task_waits(&run->state) && pgwf_run_is_open(run);
	PgwfTask	task;

	if (!had && !has)
		return;
	if (had && has && run->state.wft_stamp == run->stored.wft_stamp)
	{
		/* who looked for work while we held the lock has passed it over */
		pgwf_xact_wake_queue(run->state.namespace_id, PGWF_QUEUE_WORKFLOW,
							 pgwf_run_task_queue(run),
							 pgwf_run_task_version(run));
		return;
	}
	if (had && run->task == NULL)
	{
		run->task = pgwf_task_load(run->call, run->state.namespace_id,
								   run->state.run_key);
		if (run->task == NULL)
			elog(ERROR, "workflow task of run " INT64_FORMAT " is missing",
				 run->state.run_key);
	}
	if (!has)
	{
		pgwf_task_delete(run->call, run->task,
						 pgwf_run_is_open(run) &&
						 run->state.wft_started_event_id != 0 &&
						 run->state.wft_stamp == run->stored.wft_stamp);
		return;
	}

	fill_task(run, &task);
	if (had)
		pgwf_task_update(run->call, run->task, &task);
	else
		pgwf_task_insert(run->call, &task);
}

/*
 * Lets the scheduler know when the workflow task times out.  In a namespace
 * with virtual time it finds out by itself.
 */
static void
note_deadline(PgwfRun *run)
{
	const PgwfState *state = &run->state;
	TimestampTz old = pgwf_workflow_task_deadline(&run->stored);
	TimestampTz new = pgwf_run_is_open(run) ?
	pgwf_workflow_task_deadline(state) : PGWF_NO_TIME;
	bool		same = state->wft_stamp == run->stored.wft_stamp;

	if ((same && old == new) ||
		pgwf_namespace_clock(state->namespace_id) == PGWF_CLOCK_VIRTUAL)
		return;
	if (old != PGWF_NO_TIME && (!same || new == PGWF_NO_TIME))
		pgwf_xact_task_deadline_gone(state->namespace_id, state->run_key,
									 run->stored.wft_stamp);
	if (new != PGWF_NO_TIME)
		pgwf_xact_task_deadline(state->namespace_id, state->run_key,
								state->wft_stamp, new);
}

/* A poll that can be repeated gets its task again, while it is the same */
static void
write_poll_request(PgwfRun *run)
{
	PgwfState  *state = &run->state;
	bool		started = state->wft_started_event_id != 0 &&
	pgwf_run_is_open(run);

	if ((run->stored.flags & PGWF_RUN_HAS_POLL_REQUEST) != 0 &&
		(!started || state->wft_stamp != run->stored.wft_stamp))
	{
		pgwf_poll_request_delete(run->call, state->namespace_id,
								 state->run_key);
		state->flags &= ~PGWF_RUN_HAS_POLL_REQUEST;
	}
	if (run->poll_request_id && started)
	{
		PgwfPollRequest request;

		request.namespace_id = state->namespace_id;
		request.stamp = state->wft_stamp;
		request.run_key = state->run_key;
		pgwf_poll_request_insert(run->call, &request, run->poll_request_id);
		state->flags |= PGWF_RUN_HAS_POLL_REQUEST;
	}
}

static void
write_activities(PgwfRun *run)
{
	ListCell   *lc;

	/* those of a closed run all go */
	if (!pgwf_run_is_open(run))
		(void) pgwf_run_activities(run);

	foreach(lc, run->activities)
	{
		PgwfActivity *activity = lfirst(lc);

		if (!pgwf_run_is_open(run))
		{
			if (activity->change == PGWF_ROW_INSERT)
				continue;
			if (pgwf_activity_lock(run->call, activity,
								   LockWaitBlock) == PGWF_LOCK_OK)
				pgwf_activity_delete(run->call, activity);
			continue;
		}
		if (activity->change != PGWF_ROW_UNCHANGED &&
			activity->state == PGWF_ACTIVITY_SCHEDULED &&
			(activity->waits_in == NULL ||
			 strcmp(activity->waits_in, activity->task_queue) != 0))
			pgwf_place_activity(run->call, activity);
		switch (activity->change)
		{
			case PGWF_ROW_UNCHANGED:
				continue;
			case PGWF_ROW_INSERT:
				pgwf_activity_insert(run->call, activity);
				break;
			case PGWF_ROW_UPDATE:
				pgwf_activity_update(run->call, activity);
				break;
			case PGWF_ROW_DELETE:
				pgwf_activity_delete(run->call, activity);
				continue;
		}
		if (activity->due_at != PGWF_NO_TIME)
			pgwf_xact_due(activity->due_at);
	}
}

static void
write_timers(PgwfRun *run)
{
	ListCell   *lc;

	if (!pgwf_run_is_open(run))
		(void) pgwf_run_timers(run);

	foreach(lc, run->timers)
	{
		PgwfTimer  *timer = lfirst(lc);

		if (timer->change == PGWF_ROW_INSERT)
		{
			if (!pgwf_run_is_open(run))
				continue;
			pgwf_timer_insert(run->call, timer);
			pgwf_xact_due(timer->fire_at);
		}
		else if (timer->change == PGWF_ROW_DELETE || !pgwf_run_is_open(run))
			pgwf_timer_delete(run->call, timer);
	}
}

/* Those of a closed run go, and what its close means to them is sent */
static void
write_children(PgwfRun *run)
{
	ListCell   *lc;

	if (!pgwf_run_is_open(run))
		(void) pgwf_run_children(run);

	foreach(lc, run->children)
	{
		PgwfChild  *child = lfirst(lc);

		if (!pgwf_run_is_open(run))
		{
			if (child->change != PGWF_ROW_DELETE && child->run_id &&
				(run->reset_event_id == 0 ?
				 child->parent_close_policy != PGWF_PARENT_CLOSE_ABANDON :
				 child->initiated_event_id >= run->reset_event_id))
				pgwf_run_send(run, PGWF_MESSAGE_PARENT_CLOSED,
							  child->initiated_event_id);
			if (child->change != PGWF_ROW_INSERT)
				pgwf_child_delete(run->call, child);
			continue;
		}
		switch (child->change)
		{
			case PGWF_ROW_UNCHANGED:
				break;
			case PGWF_ROW_INSERT:
				pgwf_child_insert(run->call, child);
				break;
			case PGWF_ROW_UPDATE:
				pgwf_child_update(run->call, child);
				break;
			case PGWF_ROW_DELETE:
				pgwf_child_delete(run->call, child);
				break;
		}
	}
}

static void
write_messages(PgwfRun *run)
{
	ListCell   *lc;

	foreach(lc, run->messages)
	{
		PgwfMessage *message = lfirst(lc);

		pgwf_message_insert(run->call, message);
		pgwf_xact_due(message->due_at);
	}
}

static void
write_buffer(PgwfRun *run)
{
	ListCell   *lc;

	if (!pgwf_run_is_open(run))
		run->unbuffered = list_concat(run->unbuffered,
									  pgwf_run_buffered(run));
	foreach(lc, run->unbuffered)
		pgwf_buffered_event_delete(run->call, lfirst(lc));
	if (!pgwf_run_is_open(run))
		return;
	foreach(lc, run->arrived)
	{
		PgwfEvent  *event = lfirst(lc);

		event->event_id = run->state.next_buffer_id++;
		run->state.buffered_events++;
		run->state.buffered_size += pgwf_event_size(event);
		pgwf_buffered_event_insert(run->call, run->state.namespace_id,
								   run->state.run_key, event);
	}
}

static void
write_close(PgwfRun *run)
{
	PgwfExecution *execution = pgwf_run_execution(run);

	execution->status = run->close_status;
	execution->close_time = run->state.last_event_time;
	execution->history_length = run->state.next_event_id - 1;
	execution->history_size = run->state.history_size;
	execution->state_transition_count = run->state.state_transition_count;
	if (run->successor)
		execution->new_run_id = &run->successor->run_id;
	pgwf_execution_close(run->call, execution);
	if (execution->schedule_id && run->successor == NULL)
		pgwf_schedule_run_closed(run->call, execution);
	if (run->stored.flags & PGWF_RUN_HAS_REQUESTS)
		pgwf_run_request_delete_all(run->call, run->state.namespace_id,
									run->state.run_key, true);
	pgwf_state_delete(run->call, &run->state_tid);
}

/* Starts the run that continues this one, which has been written as closed */
static void
start_successor(PgwfRun *run)
{
	PgwfRun		successor;

	if (!pgwf_new_run_begin(&successor, run->call, run->successor))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not continue run " INT64_FORMAT " due to concurrent start",
						run->state.run_key)));
	pgwf_run_finish(&successor);
}

/*
 * Writes everything that has changed in the run, and starts the run that
 * continues it.
 */
void
pgwf_run_write(PgwfRun *run)
{
	ListCell   *lc;

	run->state.state_transition_count++;
	if (run->events != NIL)
	{
		pgwf_event_insert(run->call, run->state.namespace_id,
						  run->state.run_key, run->events);
		if (!run->is_new)
			pgwf_xact_wake_all(pgwf_shmem_history_key(run->state.namespace_id,
													  run->state.run_key));
	}
	write_task(run);
	note_deadline(run);
	write_poll_request(run);
	write_activities(run);
	write_timers(run);
	write_children(run);
	write_messages(run);
	write_buffer(run);
	pgwf_run_write_queries(run);
	pgwf_run_write_updates(run);
	pgwf_run_write_versions(run);
	if (pgwf_run_is_open(run))
	{
		if (run->execution_changed)
			pgwf_execution_update(run->call, run->execution);
		if (run->signal_requests != NIL || run->attached_requests != NIL ||
			run->pause_request)
			run->state.flags |= PGWF_RUN_HAS_REQUESTS;
		foreach(lc, run->signal_requests)
			pgwf_run_request_insert(run->call, run->state.namespace_id,
									run->state.run_key, PGWF_REQUEST_SIGNAL,
									lfirst(lc));
		foreach(lc, run->attached_requests)
			pgwf_run_request_insert(run->call, run->state.namespace_id,
									run->state.run_key,
									PGWF_REQUEST_ATTACHED_START,
									lfirst(lc));
		if (run->pause_request)
			pgwf_run_request_insert(run->call, run->state.namespace_id,
									run->state.run_key, PGWF_REQUEST_PAUSE,
									run->pause_request);
		if (run->is_new)
			pgwf_state_insert(run->call, &run->state);
		else
			pgwf_state_update(run->call, &run->state_tid, &run->state);
	}
	else
	{
		write_close(run);
		pgwf_xact_run_changed(run->state.namespace_id, run->state.run_key);
	}
	if (run->successor)
		start_successor(run);
}
