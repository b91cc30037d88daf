/*
 * pgwf_timer.c
 *		Timers: StartTimer, CancelTimer and their events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static void timer_cancel(PgwfWorkflow *wf, PgwfMachine *machine);
static PgwfFailure *canceled_failure(PgwfWorkflow *wf);

static const PgwfMachineInfo timer_machine = {"timer", timer_cancel};

/* Asks for a timer; future is NULL for one that the library needs itself. */
PgwfMachine *
pgwf_timer_create(PgwfWorkflow *wf, int64_t duration_ms, PgwfFuture *future)
{
	PgwfMachine *machine = pgwf_arena_alloc(wf, sizeof(PgwfMachine));
	json_t	   *attributes = json_object();
	char		id[24];

	machine->info = &timer_machine;
	machine->seq = ++wf->seq[PGWF_SEQ_TIMER];
	machine->future = future;
	if (future != NULL)
		future->machine = machine;
	snprintf(id, sizeof(id), "%lld", (long long) machine->seq);
	machine->id = pgwf_arena_strdup(wf, id);
	pgwf_json_put_str(attributes, "timerId", id);
	pgwf_json_put_ms(attributes, "startToFireTimeout", duration_ms);
	machine->command = pgwf_command_push(wf, PGWF_COMMAND_START_TIMER,
										 machine, attributes);
	return machine;
}

static void
timer_cancel(PgwfWorkflow *wf, PgwfMachine *machine)
{
	if (machine->state == PGWF_STATE_CLOSED)
		return;
	if (pgwf_command_unsent(wf, machine->command))
		machine->command->dropped = true;
	else
	{
		json_t	   *attributes = json_object();

		pgwf_json_put_str(attributes, "timerId", machine->id);
		pgwf_command_push(wf, PGWF_COMMAND_CANCEL_TIMER, NULL, attributes);
	}
	machine->state = PGWF_STATE_CLOSED;
	if (machine->future != NULL)
		pgwf_future_fail(wf, machine->future, canceled_failure(wf));
}

static PgwfFailure *
canceled_failure(PgwfWorkflow *wf)
{
	return pgwf_arena_failure(wf, pgwf_failure_canceled_json("timer canceled",
															 NULL));
}

/* TimerFired */
void
pgwf_apply_timer_fired(PgwfWorkflow *wf, const PgwfEvent *event)
{
	PgwfMachine *machine = pgwf_machine_of(wf, event, "startedEventId",
										   &timer_machine);
	const char *id = pgwf_node_str(event->attributes, "timerId");

	if (machine == NULL)
		return;
	if (id == NULL || strcmp(id, machine->id) != 0)
	{
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, event->id,
						 "event %lld is TimerFired (timer id \"%s\"), but the "
						 "timer that event %lld started for the workflow "
						 "code has id \"%s\"", (long long) event->id,
						 id != NULL ? id : "",
						 (long long) machine->scheduled_event_id,
						 machine->id);
		return;
	}
	if (machine->state == PGWF_STATE_CLOSED)
		return;
	machine->state = PGWF_STATE_CLOSED;
	if (machine->backoff_of != NULL)
		pgwf_local_backoff_over(wf, machine->backoff_of);
	else
		pgwf_future_succeed(wf, machine->future, json_null());
	if (machine->timeout_of != NULL)
		pgwf_scope_time_is_up(wf, machine->timeout_of);
}

/* ---- workflow code ---- */

PgwfFuture *
pgwf_start_timer_with(PgwfWorkflow *wf, int64_t duration_ms,
					  const PgwfTimerOptions *options)
{
	PgwfTimerOptions o;
	PgwfFuture *future;

	pgwf_require_coroutine(wf, "pgwf_start_timer");
	pgwf_options_copy(&o, sizeof(o), options);
	future = pgwf_future_create(wf, NULL);
	if (pgwf_scope_canceled(wf, NULL))
		pgwf_future_fail(wf, future, canceled_failure(wf));
	else if (duration_ms <= 0)
		pgwf_future_succeed(wf, future, json_null());
	else
	{
		PgwfMachine *machine = pgwf_timer_create(wf, duration_ms, future);

		machine->command->user_metadata =
			pgwf_user_metadata_json(o.summary, o.details);
	}
	return future;
}

PgwfFuture *
pgwf_start_timer(PgwfWorkflow *wf, int64_t duration_ms)
{
	return pgwf_start_timer_with(wf, duration_ms, NULL);
}

bool
pgwf_sleep(PgwfWorkflow *wf, int64_t duration_ms, PgwfFailure **failure)
{
	return pgwf_await(wf, pgwf_start_timer(wf, duration_ms), NULL, failure);
}
