/*
 * t_workflow.c
 *		What workflow code can do, run against the simulated service: commands,
 *		outcomes, cancellation, signals, conditions, coroutines, local
 *		activities, markers.  Each run is also replayed in every split.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"
#include "sim.h"
#include "tap.h"

#define FLOW_BODY(name) \
	static json_t * \
	name(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)

#define UNUSED (void) wf, (void) input, (void) failure

static PgwfRegistry *registry;
static char trace[2000];

static const PgwfActivityOptions ten_seconds = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 10000
};
static const PgwfLocalOptions local_options = {
	PGWF_LOCAL_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 1000
};

static void
commands_are(Sim *sim, const char *expected, const char *name)
{
	char	   *got = sim_commands(sim);

	is_str(got, expected, "%s", name);
	free(got);
}

/* Checks how the run ended, that it replays, and frees it. */
static void
ends(Sim *sim, const char *status, const char *key, const char *value,
	 const char *name)
{
	is_str(sim_status(sim), status, "%s: closed by", name);
	if (key != NULL)
		is_json(json_object_get(sim_last_attributes(sim), key), value,
				"%s: %s", name, key);
	ok(sim_replays(sim), "%s: replays in all splits", name);
	sim_free(sim);
}

/* The same for a run whose code was changed on the way. */
static void
ends_changed(Sim *sim, const char *status, const char *key,
			 const char *value, const char *name)
{
	PgwfReplayReport *report;

	is_str(sim_status(sim), status, "%s: closed by", name);
	is_json(json_object_get(sim_last_attributes(sim), key), value,
			"%s: %s", name, key);
	pgwf_replay_history(registry, sim->events, &report);
	is_str(report->message, "", "%s: replays", name);
	ok(report->ok && report->finished, "%s: to its end", name);
	pgwf_replay_report_free(report);
	sim_free(sim);
}

static Sim *
start(const char *type, const char *input)
{
	trace[0] = '\0';
	return sim_new(registry, type, input);
}

static void
tracef(const char *str)
{
	strncat(trace, str, sizeof(trace) - strlen(trace) - 1);
}

/* ---- the walkthrough ---- */

static void
test_pizza(void)
{
	Sim		   *sim = start("pizza",
							"[{\"customer\": \"Ann\", \"pizzas\": [1]}]");

	sim_task(sim);
	commands_are(sim, "ScheduleActivityTask 1", "pizza: first command");
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
	commands_are(sim, "StartTimer 1", "pizza: timer");
	is_json(json_object_get(json_array_get(sim->out.commands, 0),
							"attributes"),
			"{\"timerId\": \"1\", \"startToFireTimeout\": \"1800s\"}",
			"pizza: its attributes");
	ok(sim->out.sdk_metadata == NULL, "pizza: nothing new to tell");
	sim_fire(sim, "1");
	sim_begin(sim);
	sim_lose_task(sim);
	sim_task(sim);
	commands_are(sim, "ScheduleActivityTask 2", "pizza: bill after a crash");
	sim_complete(sim, "2", "{\"total\": 12}");
	sim_task(sim);
	is_int((long long) json_array_size(sim->events), 22 + 3,
		   "pizza: number of events");
	ends(sim, "WorkflowExecutionCompleted", "result",
		 "[{\"status\": \"billed\", \"bill\": {\"total\": 12}}]", "pizza");

	sim = start("pizza", "[{}]");
	sim_task(sim);
	sim_complete(sim, "1", "26");
	sim_task(sim);
	ends(sim, "WorkflowExecutionFailed", "failure",
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
	o.header = pgwf_pack(wf, "{s:i}", "trace", 7);
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
			"{\"trace\": 7}}, \"input\": [1, \"x\"], "
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
	ends(sim, "WorkflowExecutionFailed", "failure",
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
	ends(sim, "WorkflowExecutionFailed", NULL, NULL, "timed out");
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
	tracef(pgwf_failure_is_canceled(why) ? "canceled " : "failed ");
	ok(pgwf_cancel_requested(wf) || pgwf_is_replaying(wf),
	   "cancellation was requested");
	/* nothing can be started here any more */
	if (!pgwf_execute_activity(wf, "b", NULL, &o, NULL, NULL))
		tracef("refused ");
	if (!pgwf_sleep(wf, 1000, NULL))
		tracef("awake ");
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
	is_str(trace, "canceled refused awake ", "try-cancel: resolved at once");
	commands_are(sim, "RequestCancelActivityTask, ScheduleActivityTask 2",
				 "try-cancel: asks, then cleans up");
	is_json(json_object_get(json_array_get(sim->out.commands, 0),
							"attributes"), "{\"scheduledEventId\": 5}",
			"try-cancel: names the activity");
	sim_complete(sim, "2", "null");
	sim_task(sim);
	ends(sim, "WorkflowExecutionCanceled", NULL, NULL, "try-cancel");

	sim = start("cancel", "[1]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(trace, "", "wait-completed: waits");
	commands_are(sim, "RequestCancelActivityTask", "wait-completed: asks");
	sim_task(sim);
	is_str(trace, "canceled refused awake ", "wait-completed: resolved");
	sim_complete(sim, "2", "null");
	sim_task(sim);
	ends(sim, "WorkflowExecutionCanceled", "details",
		 "[\"ACTIVITY_ID_NOT_STARTED\"]", "wait-completed");

	/* the activity completes although it was asked to stop */
	sim = start("cancel", "[1]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_begin(sim);
	sim_complete(sim, "1", "5");
	sim_end(sim);
	sim_task(sim);
	ends(sim, "WorkflowExecutionCompleted", "result", "[{\"done\": 5}]",
		 "wait-completed, completed");

	sim = start("cancel", "[2]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(trace, "canceled refused awake ", "abandon: resolved at once");
	commands_are(sim, "ScheduleActivityTask 2", "abandon: does not ask");
	sim_complete(sim, "1", "1");
	sim_task(sim);
	sim_complete(sim, "2", "null");
	sim_task(sim);
	ends(sim, "WorkflowExecutionCanceled", NULL, NULL, "abandon");

	/* canceled before the first task: the first call fails */
	sim = start("cancel", "[0]");
	sim_cancel(sim, "early");
	sim_task(sim);
	is_str(trace, "canceled refused awake ", "early cancellation");
	commands_are(sim, "ScheduleActivityTask 1", "early: only the clean-up");
	sim_complete(sim, "1", "null");
	sim_task(sim);
	ends(sim, "WorkflowExecutionCanceled", NULL, NULL, "early cancellation");
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
		tracef("all succeeded");
	else
		tracef(pgwf_failure_is_canceled(why) ? "loser canceled" : "failed");
	if (!pgwf_await(wf, legs[first], &result, failure))
		return NULL;
	return pgwf_pack(wf, "[i, O]", first, result);
}

static void
test_race(void)
{
	Sim		   *sim = start("race", "[]");

	sim_task(sim);
	commands_are(sim, "StartTimer 1, ScheduleActivityTask 1, "
				 "ScheduleActivityTask 2", "race: start");
	sim_complete(sim, "2", "\"won\"");
	sim_task(sim);
	is_str(trace, "loser canceled", "race: the loser");
	commands_are(sim, "CancelTimer 1, RequestCancelActivityTask, "
				 "CompleteWorkflowExecution",
				 "race: the rest is canceled, then the end");
	ends(sim, "WorkflowExecutionCompleted", "result", "[[1, \"won\"]]",
		 "race");
}

/* What is canceled in the task that made it leaves no trace. */
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
	commands_are(sim, "StartTimer 3", "canceled before sent: no commands");
	sim_fire(sim, "3");
	sim_task(sim);
	ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
		 "canceled before sent");
}

static json_t *
order_leg(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	tracef(arg);
	pgwf_sleep(wf, 1000, failure);
	tracef(arg);
	return NULL;
}

FLOW_BODY(order_flow)
{
	PgwfFuture *legs[3];

	UNUSED;
	legs[0] = pgwf_spawn(wf, order_leg, "a");
	legs[1] = pgwf_spawn(wf, order_leg, "b");
	legs[2] = pgwf_spawn(wf, order_leg, "c");
	tracef("m");
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
	is_str(trace, "mabcabc", "coroutines run in the order of their creation");
	ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "order");
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
	commands_are(sim, "ScheduleActivityTask 1, FailWorkflowExecution",
				 "the closing command goes last");
	ends(sim, "WorkflowExecutionFailed", "failure",
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
	tracef(pgwf_signal_count(wf, "add") == 2 ? "two early " : "?");
	while (pgwf_try_receive_signal(wf, "add", &args))
		json_array_append(sum, json_array_get(args, 0));
	wait = pgwf_receive_signal(wf, "add", 5000, &args);
	tracef(wait == PGWF_WAIT_TIMEOUT ? "timeout " : "?");
	wait = pgwf_receive_signal(wf, "add", 60000, &args);
	tracef(wait == PGWF_WAIT_DONE ? "got " : "?");
	json_array_append(sum, json_array_get(args, 0));
	wait = pgwf_receive_signal(wf, "end", PGWF_FOREVER, NULL);
	tracef(wait == PGWF_WAIT_DONE ? "end" : "canceled");
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
	commands_are(sim, "StartTimer 1", "signals: waits with a timeout");
	sim_fire(sim, "1");
	sim_task(sim);
	commands_are(sim, "StartTimer 2", "signals: waits again");
	sim_begin(sim);
	sim_signal(sim, "add", "[3]");
	sim_end(sim);
	sim_task(sim);
	commands_are(sim, "CancelTimer 2", "signals: the timeout is canceled");
	sim_signal(sim, "end", "[]");
	sim_task(sim);
	is_str(trace, "two early timeout got end", "signals: what was seen");
	ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 2, 3]]",
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
	has_str(trace, "canceled", "a cancellation ends waiting for a signal");
	ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "signals, canceled");
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
	tracef(name);
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
	commands_are(sim, "StartTimer 1, ScheduleActivityTask 1",
				 "handlers: signals that came before they were set");
	is_str(trace, "zzz", "handlers: the one for all other names");
	sim_signal(sim, "add", "[3]");
	sim_complete(sim, "1", "null");
	sim_task(sim);
	sim_complete(sim, "2", "null");
	sim_task(sim);
	ends(sim, "WorkflowExecutionCompleted", "result", "[[0, 5, 1]]",
		 "handlers and condition");

	sim = start("handlers", "[]");
	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 0, 0]]",
		 "a condition that times out");

	sim = start("handlers", "[]");
	sim_task(sim);
	sim_cancel(sim, "x");
	sim_task(sim);
	ends(sim, "WorkflowExecutionCompleted", "result", "[[2, 0, 0]]",
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
	ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
		 "the workflow recovers with fixed code");

	sim = start("unknown", "[]");
	sim_begin(sim);
	is_str(sim->out.cause, "WORKFLOW_TASK_FAILED_CAUSE_"
		   "WORKFLOW_WORKER_UNHANDLED_FAILURE", "an unknown type: cause");
	has_str(sim->out.message, "workflow type \"unknown\" is not registered "
			"on this worker", "an unknown type: message");
	sim_free(sim);
}

/* ---- deterministic services ---- */

static int	effects;
static char seen_uuid[40];

static json_t *
effect(void *arg)
{
	effects++;
	return json_pack("[s, i]", (char *) arg, effects > 2 ? 99 : effects);
}

FLOW_BODY(services_flow)
{
	int64_t		t0 = pgwf_now(wf);
	uint64_t	random = pgwf_random(wf);
	const char *uuid = pgwf_uuid(wf);
	double		x = pgwf_random_double(wf);
	json_t	   *one = pgwf_side_effect(wf, effect, "a");
	json_t	   *two = pgwf_side_effect(wf, effect, "b");

	(void) input;
	ok(pgwf_now(wf) == t0 && x >= 0 && x < 1, "time stands still");
	if (seen_uuid[0] == '\0')
		strcpy(seen_uuid, uuid);
	is_str(uuid, seen_uuid, "the same UUID");
	if (!pgwf_sleep(wf, 1000, failure))
		return NULL;
	ok(pgwf_now(wf) > t0, "time goes on");
	pgwf_execute_activity(wf, "a", pgwf_pack(wf, "[I, I, s, O, O]",
											 (json_int_t) t0,
											 (json_int_t) (random >> 1),
											 uuid, one, two),
						  &ten_seconds, NULL, failure);
	return pgwf_pack(wf, "[O, O, i]", one, two,
					 (int) pgwf_workflow_info(wf)->history_length);
}

static void
test_services(void)
{
	Sim		   *sim = start("services", "[]");

	seen_uuid[0] = '\0';
	effects = 0;
	sim_task(sim);
	commands_are(sim, "RecordMarker SideEffect, RecordMarker SideEffect, "
				 "StartTimer 1", "side effects make markers");
	is_json(json_object_get(json_array_get(sim->out.commands, 1),
							"attributes"),
			"{\"markerName\": \"SideEffect\", \"details\": "
			"{\"side-effect-id\": [2], \"data\": [[\"b\", 2]]}}",
			"a side effect's marker");
	sim_evict(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	sim_complete(sim, "1", "null");
	sim_task(sim);
	is_int(effects, 2, "side effects run once");
	ends_changed(sim, "WorkflowExecutionCompleted", "result",
				 "[[[\"a\", 1], [\"b\", 2], 16]]",
				 "deterministic services");
	is_int(effects, 2, "and not on replay");
}

FLOW_BODY(info_flow)
{
	const PgwfWorkflowInfo *info = pgwf_workflow_info(wf);

	UNUSED;
	is_str(info->workflow_id, "w", "info: workflow id");
	is_str(info->workflow_type, "info", "info: type");
	is_str(info->task_queue, "q", "info: task queue");
	ok(info->run_id != NULL &&
	   strcmp(info->run_id, info->original_execution_run_id) == 0,
	   "info: run id");
	is_int(info->attempt, 1, "info: attempt");
	is_int(info->task_timeout_ms, 10000, "info: task timeout");
	is_int(info->history_length, 3, "info: history length");
	ok(info->parent_workflow_id == NULL && info->memo == NULL,
	   "info: what is not there");
	ok(pgwf_workflow_arg(wf) == &effects, "info: argument");
	ok(!pgwf_is_replaying(wf), "info: not replaying");
	return NULL;
}

static void
test_info(void)
{
	Sim		   *sim = start("info", "[]");

	sim_task(sim);
	is_str(sim_status(sim), "WorkflowExecutionCompleted", "info");
	sim_free(sim);
}

/* ---- log ---- */

static void
on_log(PgwfLogLevel level, const char *message, void *arg)
{
	(void) arg;
	tracef(level == PGWF_LOG_WARNING ? "W:" : "?:");
	tracef(message);
	tracef(" ");
}

FLOW_BODY(log_flow)
{
	UNUSED;
	pgwf_log(wf, PGWF_LOG_WARNING, "one %d", 1);
	pgwf_sleep(wf, 1000, failure);
	pgwf_log(wf, PGWF_LOG_WARNING, "two");
	return NULL;
}

static void
test_log(void)
{
	Sim		   *sim = start("log", "[]");

	pgwf_registry_set_log(registry, on_log, NULL);
	sim_task(sim);
	sim_evict(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	is_str(trace, "W:one 1 W:two ", "log lines are not repeated on replay");
	pgwf_registry_set_log(registry, NULL, NULL);
	ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "log");
}

/* ---- patches ---- */

static int	patch_edition;

FLOW_BODY(patch_flow)
{
	bool		patched = false;

	UNUSED;
	switch (patch_edition)
	{
		case 0:					/* before the patch */
			break;
		case 1:
			patched = pgwf_patched(wf, "p");
			break;
		case 2:
			pgwf_deprecate_patch(wf, "p");
			patched = true;
			break;
		case 3:					/* the call is removed */
			patched = true;
			break;
	}
	if (!pgwf_execute_activity(wf, patched ? "new" : "old", NULL,
							   &ten_seconds, NULL, failure))
		return NULL;
	if (patch_edition == 1)
		ok(pgwf_patched(wf, "p") == patched, "a patch's answer stays");
	return pgwf_pack(wf, "b", patched);
}

/* Starts with one edition of the code and goes on with another. */
static void
patch_case(int first, int then, const char *commands, const char *outcome,
		   const char *name)
{
	Sim		   *sim = start("patch", "[]");

	patch_edition = first;
	sim_task(sim);
	commands_are(sim, commands, name);
	sim_complete(sim, "1", "null");
	patch_edition = then;
	sim_evict(sim);
	sim_begin(sim);
	if (outcome == NULL)
	{
		is_str(sim->out.cause, "WORKFLOW_TASK_FAILED_CAUSE_"
			   "NON_DETERMINISTIC_ERROR", "%s: disagrees", name);
		has_str(sim->out.message, "event 5 is MarkerRecorded (marker "
				"\"core_patch\", patch \"p\"), but the workflow code asked "
				"for ScheduleActivityTask", "%s: message", name);
		sim_free(sim);
		return;
	}
	sim_end(sim);
	ends_changed(sim, "WorkflowExecutionCompleted", "result", outcome, name);
}

static void
test_patches(void)
{
	const char *old = "ScheduleActivityTask 1";
	const char *marked = "RecordMarker core_patch, "
	"UpsertWorkflowSearchAttributes, ScheduleActivityTask 1";

	patch_case(0, 1, old, "[false]", "no marker, patched");
	patch_case(1, 1, marked, "[true]", "marker, patched");
	patch_case(1, 2, marked, "[true]", "marker, deprecated");
	patch_case(1, 3, marked, NULL, "marker, call removed");
	patch_case(2, 2, marked, "[true]", "deprecated marker, deprecated");
	patch_case(2, 1, marked, "[true]", "deprecated marker, patched");
	patch_case(2, 3, marked, "[true]", "deprecated marker, call removed");
}

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
		tracef("fast first ");
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
	is_str(trace, "fast first ", "local: in the order in which they end");
	commands_are(sim, "RecordMarker core_local_activity, RecordMarker "
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
	ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 2, 900]]",
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
	is_str(trace, "fast first ", "heartbeat: order");
	ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 2, 900]]",
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
	ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
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
	ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 2, 900]]",
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
	tracef(pgwf_failure_retry_state(why));
	retry.maximum_attempts = 2;
	pgwf_execute_local_activity(wf, "flaky", NULL, &o, NULL, &why);
	tracef(" ");
	tracef(pgwf_failure_retry_state(why));
	tracef(" ");
	tracef(pgwf_failure_message(pgwf_failure_root(why)));
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
	is_str(trace, "RETRY_STATE_NON_RETRYABLE_FAILURE "
		   "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED attempt 2",
		   "local retries: why they ended");
	is_json(sim->out.metering_metadata,
			"{\"nonfirstLocalActivityExecutionAttempts\": 3}",
			"local retries: metering");
	ends(sim, "WorkflowExecutionCompleted", "result", "[3]",
		 "local retries");

	sim = start("local_backoff", "[]");
	attempts = 0;
	sim->local = fail_twice;
	sim_task(sim);
	commands_are(sim, "RecordMarker core_local_activity, StartTimer 1",
				 "local backoff: a marker and a timer");
	sim_fire(sim, "1");
	sim_task(sim);
	commands_are(sim, "RecordMarker core_local_activity, StartTimer 2",
				 "local backoff: again");
	is_json(json_object_get(json_object_get(json_array_get(sim->out.commands,
														   1), "attributes"),
							"startToFireTimeout"), "\"180s\"",
			"local backoff: longer");
	sim_evict(sim);
	sim_fire(sim, "2");
	sim_task(sim);
	is_int(attempts, 3, "local backoff: attempts");
	ends(sim, "WorkflowExecutionCompleted", "result", "[3]",
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
		tracef("canceled");
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
	commands_are(sim, "StartTimer 1", "a heartbeat sends what there is");
	sim_fire(sim, "1");
	sim_task(sim);
	is_str(trace, "canceled", "local cancel: try");
	is_int(sim->out.n_local_cancels, 1, "local cancel: the attempt is named");
	commands_are(sim, "RecordMarker core_local_activity, "
				 "CompleteWorkflowExecution", "local cancel: a marker");
	ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "local cancel: try");

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
	is_str(trace, "canceled", "local cancel: wait");
	ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "local cancel: wait");
}

/* A run that is evicted while local activities run, values held and all. */
static void
test_eviction(void)
{
	Sim		   *sim = start("handlers", "[]");

	sim_signal(sim, "add", "[2]");
	sim_task(sim);
	sim_evict(sim);
	sim_free(sim);
	sim = start("local", "[]");
	sim->local = never;
	sim_begin(sim);
	sim_evict(sim);
	sim_free(sim);
	ok(true, "runs are evicted in any state");
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
	static const struct
	{
		const char *name;
		PgwfWorkflowFn fn;
	}			flows[] =
	{
		{"pizza", pizza}, {"options", options_flow}, {"cancel", cancel_flow},
		{"race", race_flow}, {"drop", drop_flow}, {"order", order_flow},
		{"leftover", leftover_flow}, {"signals", signals_flow},
		{"handlers", handlers_flow}, {"panic", panic_flow},
		{"services", services_flow}, {"log", log_flow},
		{"patch", patch_flow}, {"local", local_flow},
		{"local_retry", local_retry_flow},
		{"local_backoff", local_backoff_flow},
		{"local_cancel", local_cancel_flow}
	};
	size_t		i;

	registry = pgwf_registry_new();
	for (i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		pgwf_register_workflow(registry, flows[i].name, flows[i].fn, NULL);
	pgwf_register_workflow(registry, "info", info_flow, &effects);

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
	test_services();
	test_info();
	test_log();
	test_patches();
	test_local();
	test_local_retries();
	test_local_cancel();
	test_eviction();
	test_stale();
	pgwf_registry_free(registry);
	return done_testing();
}
