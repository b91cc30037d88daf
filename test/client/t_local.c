/*
 * t_local.c
 *		Local activities, run by the simulated service: their markers, retries
 *		and cancellation, heartbeats of the task that they hold open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "tap.h"

static const char *const no_retry[] = {"Fatal", NULL};

/* ---- local activities ---- */

static SimLocalEnd
no_end(void)
{
	SimLocalEnd end;

	memset(&end, 0, sizeof(end));
	return end;
}

FLOW_BODY(local_flow)
{
	PgwfFuture *futures[2];
	json_t	   *a = NULL;
	json_t	   *b = NULL;
	int64_t		t0 = pgwf_now(wf);

	(void) input;
	futures[0] = pgwf_start_local_activity(wf, "slow", pgwf_pack(wf, "i", 1),
										   &local_options);
	futures[1] = pgwf_start_local_activity(wf, "fast", pgwf_pack(wf, "i", 2),
										   &local_options);
	if (pgwf_await_any(wf, futures, 2) == 1)
		run_say("fast first ");
	if (!pgwf_await_all(wf, futures, 2, failure))
		return NULL;
	pgwf_await(wf, futures[0], &a, NULL);
	pgwf_await(wf, futures[1], &b, NULL);
	return pgwf_pack(wf, "[O, O, I]", a, b,
					 (json_int_t) (pgwf_now(wf) - t0));
}

static bool slow_may_end;

static SimLocalEnd
slow_later(Sim *sim, const PgwfLocalRequest *request)
{
	SimLocalEnd end = no_end();

	(void) sim;
	if (strcmp(request->activity_type, "slow") == 0 && !slow_may_end)
	{
		end.later = true;
		slow_may_end = true;
		return end;
	}
	end.elapsed_ms = strcmp(request->activity_type, "slow") == 0 ? 900 : 100;
	end.result = json_array_get(request->input, 0);
	json_incref(end.result);
	return end;
}

static SimLocalEnd
never(Sim *sim, const PgwfLocalRequest *request)
{
	SimLocalEnd end = no_end();

	(void) sim;
	(void) request;
	end.later = true;
	return end;
}

static void
test_local(void)
{
	Sim		   *sim = start("local", "[]");

	slow_may_end = false;
	sim->local = slow_later;
	sim_task(sim);
	is_str(run_trace, "fast first ", "local: in the order in which they end");
	run_asks(sim, "RecordMarker core_local_activity, RecordMarker "
			 "core_local_activity, CompleteWorkflowExecution",
			 "local: markers");
	is_json(json_object_get(json_array_get(sim->out.commands, 0),
							"attributes"),
			"{\"markerName\": \"core_local_activity\", \"details\": "
			"{\"data\": [{\"seq\": 2, \"attempt\": 1, \"activity_id\": "
			"\"2\", \"activity_type\": \"fast\", \"complete_time\": "
			"\"2026-01-01T00:00:00.400009Z\", \"original_schedule_time\": "
			"\"2026-01-01T00:00:00.300009Z\"}], \"result\": [2]}}",
			"local: a marker");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 2, 900]]",
			 "local");

	/* the slow one outlives three tasks */
	sim = start("local", "[]");
	slow_may_end = false;
	sim->local = slow_later;
	sim->local = never;
	sim_begin(sim);
	is_int(sim->out.status, PGWF_TASK_LOCAL, "heartbeat: under way");
	is_int(sim->out.n_local_running, 2, "heartbeat: two run");
	sim_heartbeat(sim);
	is_int((long long) json_array_size(sim->out.commands), 0,
		   "heartbeat: nothing to say");
	sim_begin(sim);
	sim_heartbeat(sim);
	slow_may_end = false;
	sim->local = slow_later;
	sim_task(sim);
	is_str(run_trace, "fast first ", "heartbeat: order");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 2, 900]]",
			 "heartbeats");

	/* one is done before the heartbeat, and an event comes between */
	sim = start("local", "[]");
	slow_may_end = false;
	sim->local = slow_later;
	sim_begin(sim);
	sim_free(sim);
	sim = start("local", "[]");
	sim->local = never;
	sim_begin(sim);
	sim_signal(sim, "x", "[]");
	sim_heartbeat(sim);
	slow_may_end = true;
	sim->local = slow_later;
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "a signal between heartbeats");

	/* a crash: attempts start again */
	sim = start("local", "[]");
	sim->local = never;
	sim_begin(sim);
	sim_heartbeat(sim);
	sim_begin(sim);
	sim_lose_task(sim);
	sim->local = slow_later;
	slow_may_end = false;
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 2, 900]]",
			 "a crash after a heartbeat");
}

static int	attempts;

static SimLocalEnd
fail_twice(Sim *sim, const PgwfLocalRequest *request)
{
	SimLocalEnd end = no_end();

	(void) sim;
	attempts++;
	if (strcmp(request->activity_type, "fatal") == 0)
		end.failure = pgwf_failure_new("Fatal", "never");
	else if (request->attempt <= 2)
		end.failure = pgwf_failure_new("Flaky", "attempt %d",
									   request->attempt);
	else
		end.result = json_integer(request->attempt);
	end.elapsed_ms = 20;
	return end;
}

FLOW_BODY(local_retry_flow)
{
	PgwfLocalOptions o = local_options;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	PgwfFailure *why = NULL;
	json_t	   *result = NULL;

	(void) input;
	retry.initial_interval_ms = 100;
	retry.non_retryable_error_types = no_retry;
	o.retry_policy = &retry;
	if (!pgwf_execute_local_activity(wf, "flaky", NULL, &o, &result, failure))
		return NULL;
	pgwf_execute_local_activity(wf, "fatal", NULL, &o, NULL, &why);
	run_say("%s", pgwf_failure_retry_state(why));
	retry.maximum_attempts = 2;
	pgwf_execute_local_activity(wf, "flaky", NULL, &o, NULL, &why);
	run_say(" ");
	run_say("%s", pgwf_failure_retry_state(why));
	run_say(" ");
	run_say("%s", pgwf_failure_message(pgwf_failure_root(why)));
	return result;
}

/* A long pause between attempts is a timer of the workflow. */
FLOW_BODY(local_backoff_flow)
{
	PgwfLocalOptions o = local_options;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	json_t	   *result = NULL;

	(void) input;
	retry.initial_interval_ms = 90000;
	o.retry_policy = &retry;
	if (!pgwf_execute_local_activity(wf, "flaky", NULL, &o, &result, failure))
		return NULL;
	return result;
}

static void
test_local_retries(void)
{
	Sim		   *sim = start("local_retry", "[]");

	attempts = 0;
	sim->local = fail_twice;
	sim_task(sim);
	is_int(attempts, 3 + 1 + 2, "local retries: attempts");
	is_str(run_trace, "RETRY_STATE_NON_RETRYABLE_FAILURE "
		   "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED attempt 2",
		   "local retries: why they ended");
	is_json(sim->out.metering_metadata,
			"{\"nonfirstLocalActivityExecutionAttempts\": 3}",
			"local retries: metering");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[3]",
			 "local retries");

	sim = start("local_backoff", "[]");
	attempts = 0;
	sim->local = fail_twice;
	sim_task(sim);
	run_asks(sim, "RecordMarker core_local_activity, StartTimer 1",
			 "local backoff: a marker and a timer");
	sim_fire(sim, "1");
	sim_task(sim);
	run_asks(sim, "RecordMarker core_local_activity, StartTimer 2",
			 "local backoff: again");
	is_json(json_object_get(json_object_get(json_array_get(sim->out.commands,
														   1), "attributes"),
							"startToFireTimeout"), "\"180s\"",
			"local backoff: longer");
	sim_evict(sim);
	sim_fire(sim, "2");
	sim_task(sim);
	is_int(attempts, 3, "local backoff: attempts");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[3]",
			 "local backoff");
}

FLOW_BODY(local_cancel_flow)
{
	PgwfLocalOptions o = local_options;
	PgwfScope  *scope = pgwf_scope_new(wf, false);
	PgwfFuture *future;
	PgwfFailure *why = NULL;

	o.cancel_type = (PgwfCancelType)
		json_integer_value(json_array_get(input, 0));
	pgwf_scope_enter(wf, scope);
	future = pgwf_start_local_activity(wf, "endless", NULL, &o);
	pgwf_scope_leave(wf);
	if (!pgwf_sleep(wf, 1000, failure))
		return NULL;
	pgwf_scope_cancel(wf, scope);
	if (!pgwf_await(wf, future, NULL, &why) && pgwf_failure_is_canceled(why))
		run_say("canceled");
	return NULL;
}

static SimLocalEnd
canceled_end(Sim *sim, const PgwfLocalRequest *request)
{
	SimLocalEnd end = no_end();

	(void) sim;
	(void) request;
	end.failure = pgwf_failure_new_canceled("stopped", NULL);
	end.elapsed_ms = 5;
	return end;
}

static void
test_local_cancel(void)
{
	Sim		   *sim = start("local_cancel", "[0]");

	sim->local = never;
	sim_begin(sim);
	sim_heartbeat(sim);
	run_asks(sim, "StartTimer 1", "a heartbeat sends what there is");
	sim_fire(sim, "1");
	sim_task(sim);
	is_str(run_trace, "canceled", "local cancel: try");
	is_int(sim->out.n_local_cancels, 1, "local cancel: the attempt is named");
	run_asks(sim, "RecordMarker core_local_activity, "
			 "CompleteWorkflowExecution", "local cancel: a marker");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "local cancel: try");

	sim = start("local_cancel", "[1]");
	sim->local = never;
	sim_begin(sim);
	sim_heartbeat(sim);
	sim_fire(sim, "1");
	sim_begin(sim);
	is_int(sim->out.status, PGWF_TASK_LOCAL, "local cancel: waits");
	sim_free(sim);

	sim = start("local_cancel", "[1]");
	sim->local = never;
	sim_begin(sim);
	sim_heartbeat(sim);
	sim_evict(sim);
	sim_fire(sim, "1");
	sim->local = canceled_end;
	sim_task(sim);
	is_str(run_trace, "canceled", "local cancel: wait");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "local cancel: wait");
}

/* A run that is evicted while local activities run, values held and all. */

static void
test_local_eviction(void)
{
	Sim		   *sim = start("local", "[]");

	sim->local = never;
	sim_begin(sim);
	sim_evict(sim);
	sim_free(sim);
	ok(true, "a run is evicted while its local activities run");
}

int
main(void)
{
	static const RunFlow flows[] = {
		{"local", local_flow},
		{"local_retry", local_retry_flow},
		{"local_backoff", local_backoff_flow},
		{"local_cancel", local_cancel_flow},
		{NULL, NULL}
	};

	registry = runs_registry(flows);

	test_local();
	test_local_retries();
	test_local_cancel();
	test_local_eviction();
	pgwf_registry_free(registry);
	return done_testing();
}
