/*-------------------------------------------------------------------------
 *
 * pgwf_workflow_task.c
 *		The life of a workflow task: scheduled, started, completed, failed or
 *		timed out (SS 2).
 *
 * A task of attempt 1 has its WorkflowTaskScheduled and WorkflowTaskStarted
 * in the history.  A task of a later attempt is transient: its two events
 * exist only in what its worker is given, with the ids they would have, and
 * are written if it completes.  The same holds for a speculative task, which
 * exists only for updates: it becomes a normal one as soon as anything is
 * written to the history, and leaves no trace if it only rejects updates.
 *
 * All functions work on a loaded run; the caller holds its lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "pgwf_guc.h"
#include "pgwf_problems.h"
#include "pgwf_shmem.h"
#include "pgwf_update.h"
#include "pgwf_workflow_task.h"

/* Why a workflow is told to continue as new */
static const char *const suggest_reasons[] = {
	"SUGGEST_CONTINUE_AS_NEW_REASON_HISTORY_SIZE_TOO_LARGE",
	"SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_HISTORY_EVENTS",
	"SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_UPDATES"
};

#define MILLISECONDS(ms) ((int64) (ms) * 1000)

static void
task_queue_attribute(PgwfObject *attributes, PgwfRun *run, bool sticky)
{
	const char *normal_name = pgwf_run_execution(run)->task_queue;

	pgwf_object_open(attributes, "taskQueue");
	if (sticky)
	{
		pgwf_object_text(attributes, "name", run->state.sticky_queue);
		pgwf_object_text(attributes, "kind", "TASK_QUEUE_KIND_STICKY");
		pgwf_object_text(attributes, "normalName", normal_name);
	}
	else
	{
		pgwf_object_text(attributes, "name", normal_name);
		pgwf_object_text(attributes, "kind", "TASK_QUEUE_KIND_NORMAL");
	}
	pgwf_object_close(attributes);
}

/* Attributes of the pending task's WorkflowTaskScheduled */
Jsonb *
pgwf_workflow_task_scheduled_attributes(PgwfRun *run)
{
	PgwfObject	attributes;

	pgwf_object_begin(&attributes);
	task_queue_attribute(&attributes, run, run->state.sticky_queue != NULL);
	pgwf_object_duration(&attributes, "startToCloseTimeout",
						 run->state.wft_timeout);
	pgwf_object_int(&attributes, "attempt", run->state.wft_attempt);
	return pgwf_object_finish(&attributes);
}

/*
 * Identifies the dispatch of a task: a run hands out each of its workflow
 * tasks, counted by the stamp, once.
 */
char *
pgwf_workflow_task_request_id(const PgwfState *state)
{
	return psprintf(INT64_FORMAT ".%d", state->run_key, state->wft_stamp);
}

/* Attributes of the pending task's WorkflowTaskStarted */
Jsonb *
pgwf_workflow_task_started_attributes(PgwfRun *run, const char *request_id)
{
	PgwfState  *state = &run->state;
	PgwfObject	attributes;
	bool		too_large;
	bool		too_many;
	bool		too_many_updates;

	too_many_updates = pgwf_max_total_updates > 0 &&
		state->update_count >= pgwf_max_total_updates * 0.9;
	too_large = pgwf_history_size_suggest > 0 &&
		state->history_size > pgwf_history_size_suggest;
	too_many = pgwf_history_count_suggest > 0 &&
		state->wft_scheduled_event_id + 1 > pgwf_history_count_suggest;

	pgwf_object_begin(&attributes);
	pgwf_object_int(&attributes, "scheduledEventId",
					state->wft_scheduled_event_id);
	pgwf_object_text(&attributes, "identity", state->wft_identity);
	pgwf_object_text(&attributes, "requestId", request_id);
	pgwf_object_bool(&attributes, "suggestContinueAsNew",
					 too_large || too_many || too_many_updates);
	if (too_large || too_many || too_many_updates)
	{
		bool		apply[] = {too_large, too_many, too_many_updates};
		JsonbParseState *reasons = NULL;
		JsonbValue	reason;

		pushJsonbValue(&reasons, WJB_BEGIN_ARRAY, NULL);
		reason.type = jbvString;
		for (int i = 0; i < lengthof(suggest_reasons); i++)
		{
			if (!apply[i])
				continue;
			reason.val.string.val = unconstify(char *, suggest_reasons[i]);
			reason.val.string.len = strlen(suggest_reasons[i]);
			pushJsonbValue(&reasons, WJB_ELEM, &reason);
		}
		pgwf_object_jsonb(&attributes, "suggestContinueAsNewReasons",
						  JsonbValueToJsonb(pushJsonbValue(&reasons,
														   WJB_END_ARRAY,
														   NULL)));
	}
	pgwf_object_bool(&attributes, "targetWorkerDeploymentVersionChanged",
					 pgwf_run_target_changed(run));
	pgwf_object_int(&attributes, "historySizeBytes", state->history_size);
	return pgwf_object_finish(&attributes);
}

/*
 * Later attempts are paced by their timeout, since workers do not report
 * their failures.
 */
static int64
task_timeout(const PgwfState *state)
{
	int			doublings = state->wft_attempt -
	pgwf_workflow_task_retry_free_attempts - 1;
	int64		maximum =
	MILLISECONDS(pgwf_workflow_task_retry_maximum_interval);
	int64		delay =
	MILLISECONDS(pgwf_workflow_task_retry_initial_interval);

	if (doublings < 0)
		return state->task_timeout;
	while (doublings-- > 0 && delay < maximum)
		delay *= 2;
	return state->task_timeout + Min(delay, maximum);
}

/* Is the worker of the sticky queue still there? */
bool
pgwf_sticky_worker_is_alive(PgwfRun *run)
{
	TimestampTz since = run->call->wall - MILLISECONDS(pgwf_sticky_poller_ttl);

	return pgwf_shmem_poller_seen(run->state.namespace_id,
								  PGWF_QUEUE_WORKFLOW,
								  run->state.sticky_queue,
								  run->state.version_key, since);
}

/* Do the task's events exist only in what its worker is given? */
static bool
is_virtual(const PgwfRun *run)
{
	return pgwf_workflow_task_is_transient(run) ||
		pgwf_workflow_task_is_speculative(run);
}

/*
 * Schedules a workflow task; none may be pending.  What is buffered is
 * appended first, and makes it a first attempt again.  A task for a sticky
 * queue whose worker has gone is put into the normal queue at once, without
 * an event.
 */
static void
schedule(PgwfRun *run, bool speculative)
{
	PgwfState  *state = &run->state;

	Assert(state->wft_scheduled_event_id == 0);
	if (pgwf_run_flush_buffer(run))
	{
		state->wft_attempt = 1;
		speculative = false;
	}
	if (state->sticky_queue && pgwf_run_has_left_version(run))
		pgwf_run_clear_sticky(run);
	if (speculative)
		state->flags |= PGWF_RUN_SPECULATIVE;

	state->wft_timeout = task_timeout(state);
	state->wft_scheduled_time = run->call->now;
	if (state->wft_original_scheduled_time == PGWF_NO_TIME)
		state->wft_original_scheduled_time = run->call->now;
	state->wft_stamp++;
	if (is_virtual(run))
		state->wft_scheduled_event_id = state->next_event_id;
	else
	{
		PgwfEvent  *event;

		event = pgwf_run_append(run, PGWF_EVENT_WORKFLOW_TASK_SCHEDULED,
								pgwf_workflow_task_scheduled_attributes(run));
		state->wft_scheduled_event_id = event->event_id;
		state->wft_scheduled_time = event->time;
	}

	state->flags &= ~PGWF_RUN_TASK_ON_STICKY;
	if (state->sticky_queue && pgwf_sticky_worker_is_alive(run))
		state->flags |= PGWF_RUN_TASK_ON_STICKY;
	run->task_needed = false;
	run->update_admitted = false;
}

void
pgwf_workflow_task_schedule(PgwfRun *run)
{
	schedule(run, false);
}

/* The same for a task whose only reason is an update */
void
pgwf_workflow_task_schedule_speculative(PgwfRun *run)
{
	Assert(run->state.wft_attempt == 1);
	schedule(run, true);
}

/*
 * Writes the events of a speculative task, before anything else is written.
 * Does nothing if the task is not speculative.
 */
void
pgwf_workflow_task_make_normal(PgwfRun *run)
{
	PgwfState  *state = &run->state;
	Jsonb	   *started;

	if (!pgwf_workflow_task_is_speculative(run))
		return;
	state->flags &= ~PGWF_RUN_SPECULATIVE;
	Assert(state->wft_scheduled_event_id == state->next_event_id);
	started = pgwf_workflow_task_started_attributes(run,
													pgwf_workflow_task_request_id(state));
	pgwf_run_append_late(run, PGWF_EVENT_WORKFLOW_TASK_SCHEDULED,
						 pgwf_workflow_task_scheduled_attributes(run),
						 state->wft_scheduled_time);
	if (state->wft_started_event_id != 0)
		pgwf_run_append_late(run, PGWF_EVENT_WORKFLOW_TASK_STARTED, started,
							 state->wft_started_time);
}

/*
 * Hands the scheduled task to a worker.  A transient task becomes a first
 * attempt if events were appended since it was scheduled.
 */
void
pgwf_workflow_task_start(PgwfRun *run, const char *identity,
						 const char *request_id)
{
	PgwfState  *state = &run->state;

	Assert(state->wft_scheduled_event_id != 0);
	Assert(state->wft_started_event_id == 0);

	/* a worker of the normal queue knows nothing of the run */
	if ((state->flags & PGWF_RUN_TASK_ON_STICKY) == 0)
		pgwf_run_clear_sticky(run);

	state->wft_identity = unconstify(char *, identity);
	if (pgwf_workflow_task_is_transient(run) &&
		state->wft_scheduled_event_id != state->next_event_id)
	{
		state->wft_attempt = 1;
		state->wft_timeout = task_timeout(state);
		state->wft_scheduled_event_id =
			pgwf_run_append(run, PGWF_EVENT_WORKFLOW_TASK_SCHEDULED,
							pgwf_workflow_task_scheduled_attributes(run))->event_id;
	}
	if (is_virtual(run))
	{
		state->wft_started_event_id = state->wft_scheduled_event_id + 1;
		state->wft_started_time = run->call->now;
	}
	else
	{
		PgwfEvent  *event;

		event = pgwf_run_append(run, PGWF_EVENT_WORKFLOW_TASK_STARTED,
								pgwf_workflow_task_started_attributes(run,
																	  request_id));
		state->wft_started_event_id = event->event_id;
		state->wft_started_time = event->time;
	}
	pgwf_run_send_updates(run);
}

/*
 * Nothing is pending any more.  Timeout and identity stay, as they are likely
 * to be the next task's: what does not change needs no log.
 */
void
pgwf_workflow_task_forget(PgwfRun *run)
{
	PgwfState  *state = &run->state;

	state->wft_scheduled_event_id = 0;
	state->wft_started_event_id = 0;
	state->wft_scheduled_time = PGWF_NO_TIME;
	state->wft_original_scheduled_time = PGWF_NO_TIME;
	state->wft_started_time = PGWF_NO_TIME;
	state->flags &= ~(PGWF_RUN_TASK_ON_STICKY | PGWF_RUN_CLOSE_ATTEMPTED |
					  PGWF_RUN_SPECULATIVE);
}

/* After a failure or a timeout: who shall try next, and how often it was */
static void
count_attempt(PgwfRun *run)
{
	if (run->state.sticky_queue)
	{
		pgwf_run_clear_sticky(run);
		run->state.wft_attempt = 1;
	}
	else
		run->state.wft_attempt++;
	pgwf_workflow_task_forget(run);
	run->task_needed = true;
}

static void
task_event_ids(PgwfObject *attributes, const PgwfState *state)
{
	pgwf_object_int(attributes, "scheduledEventId",
					state->wft_scheduled_event_id);
	pgwf_object_int(attributes, "startedEventId",
					state->wft_started_event_id);
}

/*
 * Appends WorkflowTaskCompleted, and before it the two events of a transient
 * task.  The ids of the events of its commands follow.
 */
void
pgwf_workflow_task_complete(PgwfRun *run, const PgwfCompletion *completion)
{
	PgwfState  *state = &run->state;
	PgwfObject	attributes;

	Assert(state->wft_started_event_id != 0);
	pgwf_workflow_task_make_normal(run);
	if (pgwf_workflow_task_is_transient(run))
	{
		Jsonb	   *started;

		started = pgwf_workflow_task_started_attributes(run,
														pgwf_workflow_task_request_id(state));
		Assert(state->next_event_id == state->wft_scheduled_event_id);
		pgwf_run_append_late(run, PGWF_EVENT_WORKFLOW_TASK_SCHEDULED,
							 pgwf_workflow_task_scheduled_attributes(run),
							 state->wft_scheduled_time);
		pgwf_run_append_late(run, PGWF_EVENT_WORKFLOW_TASK_STARTED, started,
							 state->wft_started_time);
	}

	pgwf_object_begin(&attributes);
	task_event_ids(&attributes, state);
	pgwf_object_text(&attributes, "identity", completion->identity);
	if (completion->build_id)
	{
		pgwf_object_open(&attributes, "workerVersion");
		pgwf_object_text(&attributes, "buildId", completion->build_id);
		pgwf_object_close(&attributes);
	}
	pgwf_object_jsonb(&attributes, "sdkMetadata", completion->sdk_metadata);
	pgwf_object_jsonb(&attributes, "meteringMetadata",
					  completion->metering_metadata);
	if (completion->version.key != 0)
	{
		pgwf_object_text(&attributes, "versioningBehavior",
						 pgwf_behavior_name(completion->behavior));
		pgwf_object_text(&attributes, "workerDeploymentName",
						 completion->version.deployment_name);
		pgwf_version_attribute(&attributes, "deploymentVersion",
							   state->namespace_id, completion->version.key);
	}
	pgwf_run_append(run, PGWF_EVENT_WORKFLOW_TASK_COMPLETED,
					pgwf_object_finish(&attributes));

	state->previous_started_event_id = state->wft_started_event_id;
	state->wft_attempt = 1;
	pgwf_run_forget_problems(run);
	pgwf_workflow_task_forget(run);
	pgwf_run_complete_by(run, completion->version.key, completion->behavior);
}

/*
 * Fails the started task; a new one will be scheduled.  Failures of
 * transient tasks leave no event.
 */
void
pgwf_workflow_task_fail(PgwfRun *run, const char *cause, Jsonb *failure,
						const char *identity)
{
	Assert(run->state.wft_started_event_id != 0);
	if (!pgwf_workflow_task_is_transient(run))
	{
		PgwfObject	attributes;

		pgwf_object_begin(&attributes);
		task_event_ids(&attributes, &run->state);
		pgwf_object_text(&attributes, "cause", cause);
		pgwf_object_jsonb(&attributes, "failure", failure);
		pgwf_object_text(&attributes, "identity", identity);
		pgwf_run_append(run, PGWF_EVENT_WORKFLOW_TASK_FAILED,
						pgwf_object_finish(&attributes));
	}
	count_attempt(run);
	pgwf_run_note_failed_task(run, cause);
}

/* Takes back a task that no worker has, leaving its failure in the history */
void
pgwf_workflow_task_withdraw(PgwfRun *run, const char *cause)
{
	Assert(run->state.wft_started_event_id == 0);
	if (!pgwf_workflow_task_is_transient(run))
	{
		PgwfObject	attributes;

		pgwf_object_begin(&attributes);
		task_event_ids(&attributes, &run->state);
		pgwf_object_text(&attributes, "cause", cause);
		pgwf_object_text(&attributes, "identity", PGWF_SERVICE_IDENTITY);
		pgwf_run_append(run, PGWF_EVENT_WORKFLOW_TASK_FAILED,
						pgwf_object_finish(&attributes));
	}
	pgwf_workflow_task_forget(run);
}

static void
append_timed_out(PgwfRun *run, const char *timeout_type)
{
	PgwfObject	attributes;

	pgwf_object_begin(&attributes);
	task_event_ids(&attributes, &run->state);
	pgwf_object_text(&attributes, "timeoutType", timeout_type);
	pgwf_run_append(run, PGWF_EVENT_WORKFLOW_TASK_TIMED_OUT,
					pgwf_object_finish(&attributes));
}

/*
 * The task's deadline has passed: its worker did not answer, or has put it
 * off by heartbeats for too long, or the worker of a sticky queue did not
 * pick it up.
 */
void
pgwf_workflow_task_time_out(PgwfRun *run)
{
	PgwfState  *state = &run->state;

	if (state->wft_started_event_id != 0)
	{
		if (!pgwf_workflow_task_is_transient(run))
			append_timed_out(run, "TIMEOUT_TYPE_START_TO_CLOSE");
		count_attempt(run);
		pgwf_run_note_timed_out_task(run, "TIMEOUT_TYPE_START_TO_CLOSE");
	}
	else
	{
		append_timed_out(run, "TIMEOUT_TYPE_SCHEDULE_TO_START");
		pgwf_run_clear_sticky(run);
		pgwf_workflow_task_forget(run);
		run->task_needed = true;
	}
}

/*
 * When the run's workflow task times out: its worker has to answer, or the
 * worker of a sticky queue to pick it up.  PGWF_NO_TIME: never, or it has
 * none.
 */
TimestampTz
pgwf_workflow_task_deadline(const PgwfState *state)
{
	if (state->wft_scheduled_event_id == 0)
		return PGWF_NO_TIME;
	if (state->wft_started_event_id != 0)
		return state->wft_started_time + state->wft_timeout;
	if (state->flags & PGWF_RUN_TASK_ON_STICKY)
		return state->wft_scheduled_time + state->sticky_timeout;
	if (state->flags & PGWF_RUN_SPECULATIVE)
		return state->wft_scheduled_time + PGWF_SPECULATIVE_SCHEDULE_TO_START;
	return PGWF_NO_TIME;
}

/*
 * The run is about to be ended from outside: fails a started task and
 * appends what is buffered.
 */
void
pgwf_workflow_task_force_close(PgwfRun *run)
{
	if (run->state.wft_started_event_id != 0)
		pgwf_workflow_task_fail(run,
								"WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND",
								NULL, PGWF_SERVICE_IDENTITY);
	(void) pgwf_run_flush_buffer(run);
}

/* The next workflow task goes to any worker, with the whole history */
void
pgwf_run_clear_sticky(PgwfRun *run)
{
	run->state.sticky_queue = NULL;
	run->state.sticky_timeout = PGWF_NO_DURATION;
	run->state.flags &= ~PGWF_RUN_TASK_ON_STICKY;
}

/* A task that waits for a sticky worker is put into the normal queue */
void
pgwf_workflow_task_move_to_normal(PgwfRun *run)
{
	Assert(run->state.wft_started_event_id == 0);
	pgwf_workflow_task_make_normal(run);
	pgwf_run_clear_sticky(run);
	run->state.wft_stamp++;
}
