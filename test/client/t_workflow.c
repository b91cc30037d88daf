/*
 * t_workflow.c
 *		What workflow code can do, run against the simulated service: commands,
 *		outcomes, cancellation, signals, conditions, coroutines.  Each run is
 *		also replayed in every split.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "flows.h"
#include "tap.h"

/* ---- the walkthrough ---- */

static void
test_pizza(void)
{
	Sim		   *sim = start("pizza",
							"[{\"customer\": \"Ann\", \"pizzas\": [1]}]");

	sim_task(sim);
	run_asks(sim, "ScheduleActivityTask 1", "pizza: first command");
	is_json(json_object_get(json_array_get(sim->out.commands, 0),
							"attributes"),
			"{\"activityId\": \"1\", \"activityType\": {\"name\": "
			"\"get_distance\"}, \"input\": [{\"customer\": \"Ann\", "
			"\"pizzas\": [1]}], \"startToCloseTimeout\": \"10s\"}",
			"pizza: its attributes");
	is_json(sim->out.sdk_metadata, "{\"coreUsedFlags\": [1, 3], \"sdkName\": "
			"\"pgworkflow-c\", \"sdkVersion\": \"" PGWF_VERSION "\"}",
			"pizza: what the library tells about itself");
	sim_complete(sim, "1", "15");
	sim_task(sim);
	run_asks(sim, "StartTimer 1", "pizza: timer");
	is_json(json_object_get(json_array_get(sim->out.commands, 0),
							"attributes"),
			"{\"timerId\": \"1\", \"startToFireTimeout\": \"1800s\"}",
			"pizza: its attributes");
	ok(sim->out.sdk_metadata == NULL, "pizza: nothing new to tell");
	sim_fire(sim, "1");
	sim_begin(sim);
	sim_lose_task(sim);
	sim_task(sim);
	run_asks(sim, "ScheduleActivityTask 2", "pizza: bill after a crash");
	sim_complete(sim, "2", "{\"total\": 12}");
	sim_task(sim);
	is_int((long long) json_array_size(sim->events), 22 + 3,
		   "pizza: number of events");
	run_ends(sim, "WorkflowExecutionCompleted", "result",
			 "[{\"status\": \"billed\", \"bill\": {\"total\": 12}}]", "pizza");

	sim = start("pizza", "[{}]");
	sim_task(sim);
	sim_complete(sim, "1", "26");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionFailed", "failure",
			 "{\"message\": \"customer lives too far away (26 km)\", \"source\": "
			 "\"pgworkflow-c\", \"applicationFailureInfo\": {\"type\": "
			 "\"TooFarAway\"}}", "pizza too far");
}

/* ---- activities ---- */

static const char *const no_retry[] = {"Fatal", NULL};
static const PgwfRetryPolicy retry_policy = {
	PGWF_RETRY_POLICY_DEFAULTS,
	.initial_interval_ms = 500,
	.backoff_coefficient = 1.5,
	.maximum_attempts = 3,
	.non_retryable_error_types = no_retry
};

FLOW_BODY(options_flow)
{
	PgwfActivityOptions o = PGWF_ACTIVITY_OPTIONS_INIT;

	o.schedule_to_close_timeout_ms = 60000;
	o.schedule_to_start_timeout_ms = 1000;
	o.heartbeat_timeout_ms = 1500;
	o.activity_id = "my-id";
	o.task_queue = "other";
	o.retry_policy = &retry_policy;
	o.summary = "what it does";
	o.header = pgwf_pack(wf, "{s:i}", "run_trace", 7);
	(void) input;
	pgwf_execute_activity(wf, "a", pgwf_pack(wf, "[i, s]", 1, "x"), &o, NULL,
						  failure);
	return NULL;
}

static void
test_options(void)
{
	Sim		   *sim = start("options", "[]");

	sim_task(sim);
	is_json(json_array_get(sim->out.commands, 0),
			"{\"commandType\": \"ScheduleActivityTask\", \"attributes\": "
			"{\"activityId\": \"my-id\", \"activityType\": {\"name\": "
			"\"a\"}, \"taskQueue\": {\"name\": \"other\", \"kind\": "
			"\"TASK_QUEUE_KIND_NORMAL\"}, \"header\": {\"fields\": "
			"{\"run_trace\": 7}}, \"input\": [1, \"x\"], "
			"\"scheduleToCloseTimeout\": \"60s\", "
			"\"scheduleToStartTimeout\": \"1s\", \"heartbeatTimeout\": "
			"\"1.500s\", \"retryPolicy\": {\"initialInterval\": \"0.500s\", "
			"\"backoffCoefficient\": 1.5, \"maximumAttempts\": 3, "
			"\"nonRetryableErrorTypes\": [\"Fatal\"]}}, \"userMetadata\": "
			"{\"summary\": \"what it does\"}}", "all options of an activity");
	sim_activity(sim, "my-id", "ActivityTaskFailed",
				 "{\"retryState\": \"RETRY_STATE_NON_RETRYABLE_FAILURE\", "
				 "\"failure\": {\"message\": \"no\", "
				 "\"applicationFailureInfo\": {\"type\": \"Fatal\"}}}");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionFailed", "failure",
			 "{\"message\": \"activity failed\", \"source\": \"pgworkflow-c\", "
			 "\"cause\": {\"message\": \"no\", \"applicationFailureInfo\": "
			 "{\"type\": \"Fatal\"}}, \"activityFailureInfo\": "
			 "{\"scheduledEventId\": 5, \"startedEventId\": 6, \"identity\": "
			 "\"activity worker\", \"activityType\": {\"name\": \"a\"}, "
			 "\"activityId\": \"my-id\", \"retryState\": "
			 "\"RETRY_STATE_NON_RETRYABLE_FAILURE\"}}", "a failed activity");

	sim = start("options", "[]");
	sim_task(sim);
	sim_activity(sim, "my-id", "ActivityTaskTimedOut",
				 "{\"retryState\": \"RETRY_STATE_TIMEOUT\", \"failure\": "
				 "{\"message\": \"activity ScheduleToStart timeout\", "
				 "\"timeoutFailureInfo\": {\"timeoutType\": "
				 "\"TIMEOUT_TYPE_SCHEDULE_TO_START\"}}}");
	sim_task(sim);
	is_json(json_object_get(json_object_get(sim_last_attributes(sim),
											"failure"), "message"),
			"\"activity timed out\"", "an activity that timed out");
	run_ends(sim, "WorkflowExecutionFailed", NULL, NULL, "timed out");
}

/* ---- cancelling activities ---- */

FLOW_BODY(cancel_flow)
{
	PgwfActivityOptions o = ten_seconds;
	PgwfFailure *why = NULL;
	json_t	   *result = NULL;
	PgwfScope  *shield;

	o.cancel_type = (PgwfCancelType)
		json_integer_value(json_array_get(input, 0));
	if (pgwf_execute_activity(wf, "a", NULL, &o, &result, &why))
		return pgwf_pack(wf, "{s:O}", "done", result);
	run_say("%s", pgwf_failure_is_canceled(why) ? "canceled " : "failed ");
	ok(pgwf_cancel_requested(wf) || pgwf_is_replaying(wf),
	   "cancellation was requested");
	/* nothing can be started here any more */
	if (!pgwf_execute_activity(wf, "b", NULL, &o, NULL, NULL))
		run_say("refused ");
	if (!pgwf_sleep(wf, 1000, NULL))
		run_say("awake ");
	/* but clean-up can, in a shielded scope */
	shield = pgwf_scope_new(wf, true);
	pgwf_scope_enter(wf, shield);
	pgwf_execute_activity(wf, "clean_up", NULL, &ten_seconds, NULL, NULL);
	pgwf_scope_leave(wf);
	*failure = why;
	return NULL;
}

static void
test_cancel(void)
{
	Sim		   *sim;

	sim = start("cancel", "[0]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(run_trace, "canceled refused awake ", "try-cancel: resolved at once");
	run_asks(sim, "RequestCancelActivityTask, ScheduleActivityTask 2",
			 "try-cancel: asks, then cleans up");
	is_json(json_object_get(json_array_get(sim->out.commands, 0),
							"attributes"), "{\"scheduledEventId\": 5}",
			"try-cancel: names the activity");
	sim_complete(sim, "2", "null");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCanceled", NULL, NULL, "try-cancel");

	sim = start("cancel", "[1]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(run_trace, "", "wait-completed: waits");
	run_asks(sim, "RequestCancelActivityTask", "wait-completed: asks");
	sim_task(sim);
	is_str(run_trace, "canceled refused awake ", "wait-completed: resolved");
	sim_complete(sim, "2", "null");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCanceled", "details",
			 "[\"ACTIVITY_ID_NOT_STARTED\"]", "wait-completed");

	/* the activity completes although it was asked to stop */
	sim = start("cancel", "[1]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_begin(sim);
	sim_complete(sim, "1", "5");
	sim_end(sim);
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[{\"done\": 5}]",
			 "wait-completed, completed");

	sim = start("cancel", "[2]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(run_trace, "canceled refused awake ", "abandon: resolved at once");
	run_asks(sim, "ScheduleActivityTask 2", "abandon: does not ask");
	sim_complete(sim, "1", "1");
	sim_task(sim);
	sim_complete(sim, "2", "null");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCanceled", NULL, NULL, "abandon");

	/* canceled before the first task: the first call fails */
	sim = start("cancel", "[0]");
	sim_cancel(sim, "early");
	sim_task(sim);
	is_str(run_trace, "canceled refused awake ", "early cancellation");
	run_asks(sim, "ScheduleActivityTask 1", "early: only the clean-up");
	sim_complete(sim, "1", "null");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCanceled", NULL, NULL, "early cancellation");
}

/* ---- scopes and coroutines ---- */

typedef struct Legs
{
	PgwfScope  *scope;
	bool		go;
} Legs;

static json_t *
leg(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	json_t	   *result = NULL;

	if (!pgwf_execute_activity(wf, arg, NULL, &ten_seconds, &result, failure))
		return NULL;
	return result;
}

/* The faster of two legs wins; the other is canceled. */
FLOW_BODY(race_flow)
{
	PgwfScope  *scope = pgwf_scope_new(wf, false);
	PgwfFuture *legs[3];
	json_t	   *result = NULL;
	PgwfFailure *why = NULL;
	int			first;

	UNUSED;
	pgwf_scope_enter(wf, scope);
	legs[0] = pgwf_spawn(wf, leg, "left");
	legs[1] = pgwf_spawn(wf, leg, "right");
	legs[2] = pgwf_start_timer(wf, 60000);
	pgwf_scope_leave(wf);
	first = pgwf_await_any(wf, legs, 3);
	pgwf_scope_cancel(wf, scope);
	ok(pgwf_scope_canceled(wf, scope) && !pgwf_scope_canceled(wf, NULL),
	   "only the scope of the race is canceled");
	if (pgwf_await_all(wf, legs, 3, &why))
		run_say("all succeeded");
	else
		run_say("%s", pgwf_failure_is_canceled(why) ? "loser canceled" : "failed");
	if (!pgwf_await(wf, legs[first], &result, failure))
		return NULL;
	return pgwf_pack(wf, "[i, O]", first, result);
}

static void
test_race(void)
{
	Sim		   *sim = start("race", "[]");

	sim_task(sim);
	run_asks(sim, "StartTimer 1, ScheduleActivityTask 1, "
			 "ScheduleActivityTask 2", "race: start");
	sim_complete(sim, "2", "\"won\"");
	sim_task(sim);
	is_str(run_trace, "loser canceled", "race: the loser");
	run_asks(sim, "CancelTimer 1, RequestCancelActivityTask, "
			 "CompleteWorkflowExecution",
			 "race: the rest is canceled, then the end");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[1, \"won\"]]",
			 "race");
}

/* What is canceled in the task that made it leaves no run_trace. */
FLOW_BODY(drop_flow)
{
	PgwfScope  *scope = pgwf_scope_new(wf, false);
	PgwfFuture *futures[2];
	PgwfFuture *timer;
	PgwfFailure *why = NULL;

	UNUSED;
	pgwf_scope_enter(wf, scope);
	futures[0] = pgwf_start_timer(wf, 5000);
	futures[1] = pgwf_start_activity(wf, "a", NULL, &ten_seconds);
	pgwf_scope_leave(wf);
	pgwf_scope_cancel(wf, scope);
	ok(pgwf_future_ready(futures[0]) && pgwf_future_ready(futures[1]),
	   "canceled before sent: resolved at once");
	ok(!pgwf_await_all(wf, futures, 2, &why) && pgwf_failure_is_canceled(why),
	   "canceled before sent: failed");
	timer = pgwf_start_timer(wf, 0);
	ok(pgwf_future_ready(timer), "a timer of no time is over at once");
	timer = pgwf_start_timer(wf, 1000);
	pgwf_future_cancel(wf, timer);
	timer = pgwf_start_timer(wf, 2000);
	pgwf_await(wf, timer, NULL, NULL);
	return NULL;
}

static void
test_drop(void)
{
	Sim		   *sim = start("drop", "[]");

	sim_task(sim);
	run_asks(sim, "StartTimer 3", "canceled before sent: no commands");
	sim_fire(sim, "3");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "canceled before sent");
}

static json_t *
order_leg(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	run_say("%s", (const char *) arg);
	pgwf_sleep(wf, 1000, failure);
	run_say("%s", (const char *) arg);
	return NULL;
}

FLOW_BODY(order_flow)
{
	PgwfFuture *legs[3];

	UNUSED;
	legs[0] = pgwf_spawn(wf, order_leg, "a");
	legs[1] = pgwf_spawn(wf, order_leg, "b");
	legs[2] = pgwf_spawn(wf, order_leg, "c");
	run_say("m");
	pgwf_await_all(wf, legs, 3, failure);
	return NULL;
}

static void
test_order(void)
{
	Sim		   *sim = start("order", "[]");

	sim_task(sim);
	sim_fire(sim, "3");
	sim_fire(sim, "1");
	sim_fire(sim, "2");
	sim_task(sim);
	is_str(run_trace, "mabcabc", "coroutines run in the order of their creation");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "order");
}

static json_t *
failing_leg(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	(void) wf;
	*failure = pgwf_failure_new("Leg", "%s", (char *) arg);
	return NULL;
}

/* Coroutines that are still waiting end with the workflow function. */
FLOW_BODY(leftover_flow)
{
	PgwfFuture *bad = pgwf_spawn(wf, failing_leg, "broken");
	PgwfFailure *why = NULL;

	UNUSED;
	pgwf_spawn(wf, leg, "late");
	pgwf_await(wf, bad, NULL, &why);
	*failure = why;
	return NULL;
}

static void
test_leftover(void)
{
	Sim		   *sim = start("leftover", "[]");

	sim_task(sim);
	run_asks(sim, "ScheduleActivityTask 1, FailWorkflowExecution",
			 "the closing command goes last");
	run_ends(sim, "WorkflowExecutionFailed", "failure",
			 "{\"message\": \"broken\", \"source\": \"pgworkflow-c\", "
			 "\"applicationFailureInfo\": {\"type\": \"Leg\"}}",
			 "a failure of a coroutine");
}

/* ---- signals and conditions ---- */

FLOW_BODY(signals_flow)
{
	json_t	   *sum = pgwf_pack(wf, "[]");
	json_t	   *args = NULL;
	PgwfWait	wait;

	(void) input;
	(void) failure;
	run_say("%s", pgwf_signal_count(wf, "add") == 2 ? "two early " : "?");
	while (pgwf_try_receive_signal(wf, "add", &args))
		json_array_append(sum, json_array_get(args, 0));
	wait = pgwf_receive_signal(wf, "add", 5000, &args);
	run_say("%s", wait == PGWF_WAIT_TIMEOUT ? "timeout " : "?");
	wait = pgwf_receive_signal(wf, "add", 60000, &args);
	run_say("%s", wait == PGWF_WAIT_DONE ? "got " : "?");
	json_array_append(sum, json_array_get(args, 0));
	wait = pgwf_receive_signal(wf, "end", PGWF_FOREVER, NULL);
	run_say("%s", wait == PGWF_WAIT_DONE ? "end" : "canceled");
	return sum;
}

static void
test_signals(void)
{
	Sim		   *sim = start("signals", "[]");

	sim_signal(sim, "add", "[1]");
	sim_signal(sim, "noise", "[]");
	sim_signal(sim, "add", "[2]");
	sim_task(sim);
	run_asks(sim, "StartTimer 1", "signals: waits with a timeout");
	sim_fire(sim, "1");
	sim_task(sim);
	run_asks(sim, "StartTimer 2", "signals: waits again");
	sim_begin(sim);
	sim_signal(sim, "add", "[3]");
	sim_end(sim);
	sim_task(sim);
	run_asks(sim, "CancelTimer 2", "signals: the timeout is canceled");
	sim_signal(sim, "end", "[]");
	sim_task(sim);
	is_str(run_trace, "two early timeout got end", "signals: what was seen");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 2, 3]]",
			 "signals");

	sim = start("signals", "[]");
	sim_signal(sim, "add", "[1]");
	sim_signal(sim, "add", "[2]");
	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	sim_signal(sim, "add", "[3]");
	sim_task(sim);
	sim_cancel(sim, "");
	sim_task(sim);
	has_str(run_trace, "canceled", "a cancellation ends waiting for a signal");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "signals, canceled");
}

typedef struct Counter
{
	int			n;
	int			others;
} Counter;

static void
on_add(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) name;
	pgwf_execute_activity(wf, "store", input, &ten_seconds, NULL, NULL);
	((Counter *) arg)->n += (int) json_integer_value(json_array_get(input, 0));
}

static void
on_other(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) wf;
	(void) input;
	((Counter *) arg)->others++;
	run_say("%s", name);
}

static bool
enough(void *arg)
{
	return ((Counter *) arg)->n >= 5;
}

FLOW_BODY(handlers_flow)
{
	Counter    *counter = pgwf_alloc(wf, sizeof(Counter));
	PgwfWait	wait;

	UNUSED;
	pgwf_set_signal_handler(wf, "add", on_add, counter);
	pgwf_set_signal_handler(wf, NULL, on_other, counter);
	wait = pgwf_wait_condition(wf, enough, counter, 3600000);
	return pgwf_pack(wf, "[i, i, i]", (int) wait, counter->n,
					 counter->others);
}

static void
test_handlers(void)
{
	Sim		   *sim = start("handlers", "[]");

	sim_signal(sim, "zzz", "[]");
	sim_signal(sim, "add", "[2]");
	sim_task(sim);
	run_asks(sim, "StartTimer 1, ScheduleActivityTask 1",
			 "handlers: signals that came before they were set");
	is_str(run_trace, "zzz", "handlers: the one for all other names");
	sim_signal(sim, "add", "[3]");
	sim_complete(sim, "1", "null");
	sim_task(sim);
	sim_complete(sim, "2", "null");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[0, 5, 1]]",
			 "handlers and condition");

	sim = start("handlers", "[]");
	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 0, 0]]",
			 "a condition that times out");

	sim = start("handlers", "[]");
	sim_task(sim);
	sim_cancel(sim, "x");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[2, 0, 0]]",
			 "a condition in a canceled scope");
}

/* ---- panics ---- */

static int	panic_edition;

static bool
blocking_condition(void *arg)
{
	pgwf_sleep(arg, 1, NULL);
	return true;
}

FLOW_BODY(panic_flow)
{
	UNUSED;
	switch (panic_edition)
	{
		case 1:
			pgwf_panic(wf, "cannot go on with %d", 7);
		case 2:
			pgwf_execute_activity(wf, "a", NULL, NULL, NULL, failure);
			break;
		case 3:
			pgwf_wait_condition(wf, blocking_condition, wf, PGWF_FOREVER);
			break;
		case 4:
			pgwf_scope_leave(wf);
			break;
		case 5:
			pgwf_pack(wf, "{s:", "x");
			break;
		case 6:
			pgwf_execute_local_activity(wf, "a", NULL, NULL, NULL, failure);
			break;
		case 7:
			pgwf_await_any(wf, NULL, 0);
			break;
	}
	return NULL;
}

static void
test_panics(void)
{
	static const char *const messages[] = {
		NULL, "cannot go on with 7",
		"activity \"a\" has neither a start-to-close nor a "
		"schedule-to-close timeout",
		"pgwf_start_timer was called from a wait condition",
		"pgwf_scope_leave was called without a scope that was entered before",
		"pgwf_pack could not make a value of format \"{s:\"",
		"local activity \"a\" has neither a start-to-close nor a "
		"schedule-to-close timeout",
		"pgwf_await_any was called with no futures"
	};
	Sim		   *sim = start("panic", "[]");

	for (panic_edition = 1; panic_edition <= 7; panic_edition++)
	{
		sim_begin(sim);
		is_int(sim->out.status, PGWF_TASK_FAILED, "panic %d fails the task",
			   panic_edition);
		is_str(sim->out.cause, "WORKFLOW_TASK_FAILED_CAUSE_"
			   "WORKFLOW_WORKER_UNHANDLED_FAILURE", "panic %d: cause",
			   panic_edition);
		has_str(pgwf_json_str(sim->out.failure, "message"),
				messages[panic_edition], "panic %d: message", panic_edition);
		sim_end(sim);
	}
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "the workflow recovers with fixed code");

	sim = start("unknown", "[]");
	sim_begin(sim);
	is_str(sim->out.cause, "WORKFLOW_TASK_FAILED_CAUSE_"
		   "WORKFLOW_WORKER_UNHANDLED_FAILURE", "an unknown type: cause");
	has_str(sim->out.message, "workflow type \"unknown\" is not registered "
			"on this worker", "an unknown type: message");
	sim_free(sim);
}

/* ---- eviction ---- */

static void
test_eviction(void)
{
	Sim		   *sim = start("handlers", "[]");

	sim_signal(sim, "add", "[2]");
	sim_task(sim);
	sim_evict(sim);
	sim_free(sim);
	ok(true, "a run is evicted between two tasks");
}

/* ---- stale tasks ---- */

static void
stale(int skip_to, const char *events, const char *message, const char *name)
{
	PgwfInstance *instance = pgwf_instance_create(registry, "w", "r", "q");
	PgwfTaskOutcome out;
	json_t	   *task;
	json_t	   *list;
	json_t	   *first;

	if (skip_to == 0)
	{
		first = json_loads("{\"history\": {\"events\": [{\"eventId\": 1, "
						   "\"eventType\": \"WorkflowExecutionStarted\", "
						   "\"attributes\": {\"workflowType\": {\"name\": "
						   "\"signals\"}}}, {\"eventId\": 2, \"eventType\": "
						   "\"WorkflowTaskScheduled\"}]}, "
						   "\"transientEvents\": [{\"eventId\": 3, "
						   "\"eventType\": \"WorkflowTaskStarted\"}]}", 0,
						   NULL);
		sim_process(instance, first, &out);
		is_int(out.status, PGWF_TASK_COMPLETED, "%s: first task", name);
		pgwf_task_outcome_clear(&out);
		json_decref(first);
	}
	list = json_loads(events, 0, NULL);
	task = json_pack("{s:{s:o}}", "history", "events", list);
	sim_process(instance, task, &out);
	is_int(out.status, message != NULL && strstr(message, "due") == NULL &&
		   strstr(message, "know") == NULL && strstr(message, "end") == NULL
		   ? PGWF_TASK_STALE : message != NULL ? PGWF_TASK_FAILED :
		   PGWF_TASK_COMPLETED, "%s: status", name);
	if (message != NULL)
		has_str(out.message, message, "%s: message", name);
	pgwf_task_outcome_clear(&out);
	pgwf_instance_destroy(instance);
	json_decref(task);
}

static void
test_stale(void)
{
	stale(1, "[{\"eventId\": 7, \"eventType\": \"WorkflowTaskStarted\"}]",
		  "begins with event 7, but event 1 is needed",
		  "partial history for a new instance");
	stale(0, "[{\"eventId\": 9, \"eventType\": \"WorkflowTaskStarted\"}]",
		  "begins with event 9, but event 4 is needed",
		  "partial history that is too late");
	stale(0, "[{\"eventId\": 4, \"eventType\": \"WorkflowTaskTimedOut\"}, "
		  "{\"eventId\": 5, \"eventType\": \"WorkflowTaskScheduled\"}, "
		  "{\"eventId\": 6, \"eventType\": \"WorkflowTaskStarted\"}]",
		  "the last workflow task led to nothing", "a task that was lost");
	stale(0, "[{\"eventId\": 4, \"eventType\": \"WorkflowTaskCompleted\"}, "
		  "{\"eventId\": 5, \"eventType\": \"WorkflowTaskScheduled\"}, "
		  "{\"eventId\": 6, \"eventType\": \"WorkflowTaskStarted\"}, "
		  "{\"eventId\": 7, \"eventType\": \"WorkflowTaskTimedOut\"}, "
		  "{\"eventId\": 8, \"eventType\": \"WorkflowTaskScheduled\"}, "
		  "{\"eventId\": 9, \"eventType\": \"WorkflowTaskStarted\"}]",
		  "more than one workflow task was missed", "a heartbeat and more");
	stale(0, "[{\"eventId\": 4, \"eventType\": \"WorkflowTaskCompleted\"}, "
		  "{\"eventId\": 6, \"eventType\": \"WorkflowTaskStarted\"}]",
		  "history has event 6 where event 5 is due", "a gap");
	stale(0, "[{\"eventId\": 4, \"eventType\": \"WorkflowTaskCompleted\"}, "
		  "{\"eventId\": 5, \"eventType\": \"SomethingNew\"}]",
		  "event 5 has a type this worker does not know: SomethingNew",
		  "an unknown type");
	stale(0, "[{\"eventId\": 4, \"eventType\": \"WorkflowTaskCompleted\"}, "
		  "{\"eventId\": 5, \"eventType\": \"SomethingNew\", "
		  "\"workerMayIgnore\": true}, {\"eventId\": 6, \"eventType\": "
		  "\"WorkflowTaskStarted\"}]", NULL, "an unknown type to ignore");
	stale(0, "[{\"eventId\": 4, \"eventType\": \"WorkflowTaskCompleted\"}]",
		  "history ends with event 4, which is no WorkflowTaskStarted",
		  "history without a task");
	stale(0, "[{\"eventId\": 2, \"eventType\": \"WorkflowTaskScheduled\"}, "
		  "{\"eventId\": 3, \"eventType\": \"WorkflowTaskStarted\"}, "
		  "{\"eventId\": 4, \"eventType\": \"WorkflowTaskCompleted\"}, "
		  "{\"eventId\": 5, \"eventType\": \"WorkflowTaskScheduled\"}, "
		  "{\"eventId\": 6, \"eventType\": \"WorkflowTaskStarted\"}]",
		  NULL, "events that were seen before are skipped");
}

int
main(void)
{
	static const RunFlow flows[] = {
		{"pizza", pizza},
		{"options", options_flow},
		{"cancel", cancel_flow},
		{"race", race_flow},
		{"drop", drop_flow},
		{"order", order_flow},
		{"leftover", leftover_flow},
		{"signals", signals_flow},
		{"handlers", handlers_flow},
		{"panic", panic_flow},
		{NULL, NULL}
	};

	registry = runs_registry(flows);

	test_pizza();
	test_options();
	test_cancel();
	test_race();
	test_drop();
	test_order();
	test_leftover();
	test_signals();
	test_handlers();
	test_panics();
	test_eviction();
	test_stale();
	pgwf_registry_free(registry);
	return done_testing();
}
