/*
 * t_select.c
 *		Waiting: for futures with a timeout, for signals together with other
 *		futures, for conditions and in which order; and cancellation scopes,
 *		nested, shielded and with timeouts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"

static PgwfRegistry *registry;

static const PgwfActivityOptions ten_seconds = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 10000
};

static Sim *
start(const char *type, const char *input)
{
	return run_start(registry, type, input);
}

static const char *
name_of(PgwfWait wait)
{
	return wait == PGWF_WAIT_DONE ? "done" :
		wait == PGWF_WAIT_TIMEOUT ? "timeout" : "canceled";
}

/* ---- futures with a timeout ---- */

FLOW_BODY(timed_flow)
{
	PgwfFuture *both[2];
	int			index = 7;

	(void) input;
	(void) failure;
	both[0] = pgwf_start_activity(wf, "a", NULL, &ten_seconds);
	both[1] = pgwf_start_activity(wf, "b", NULL, &ten_seconds);
	run_say("%s ", name_of(pgwf_await_any_timeout(wf, both, 2, 0, &index)));
	run_say("%s ", name_of(pgwf_await_timeout(wf, both[0], 1000)));
	is_int(index, 7, "the index is left alone without one");
	run_say("%s ", name_of(pgwf_await_any_timeout(wf, both, 2, 2000,
												  &index)));
	run_say("%d ", index);
	run_say("%s ", name_of(pgwf_await_all_timeout(wf, both, 2,
												  PGWF_FOREVER)));
	run_say("%s ", name_of(pgwf_await_all_timeout(wf, both, 2, 5)));
	run_say("%s", name_of(pgwf_await_timeout(wf, pgwf_start_timer(wf, 9000),
											 PGWF_FOREVER)));
	return NULL;
}

static void
test_timed(void)
{
	Sim		   *sim = start("timed", "[]");

	sim_task(sim);
	run_asks(sim, "ScheduleActivityTask 1, ScheduleActivityTask 2, "
			 "StartTimer 1", "a timeout is a timer");
	sim_fire(sim, "1");
	sim_task(sim);
	run_asks(sim, "StartTimer 2", "the next timeout");
	sim_complete(sim, "2", "null");
	sim_task(sim);
	run_asks(sim, "CancelTimer 2", "a timeout that was not needed");
	sim_complete(sim, "1", "null");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(run_trace, "timeout timeout done 1 done done done",
		   "waiting with a timeout");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "timed waits");

	/* canceled scopes end it, what is done comes first */
	sim = start("timed", "[]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(run_trace, "timeout done done 0 done done done",
		   "what is canceled is done");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "timed waits, canceled");
}

/* A wait in a scope that is canceled, for something outside of it. */
FLOW_BODY(outside_flow)
{
	PgwfScope  *shield = pgwf_scope_new(wf, true);
	PgwfFuture *timer;

	(void) input;
	(void) failure;
	pgwf_scope_enter(wf, shield);
	timer = pgwf_start_timer(wf, 5000);
	pgwf_scope_leave(wf);
	run_say("%s ", name_of(pgwf_await_timeout(wf, timer, PGWF_FOREVER)));
	run_say("%s", pgwf_await(wf, timer, NULL, NULL) ? "fired" : "?");
	return NULL;
}

static void
test_outside(void)
{
	Sim		   *sim = start("outside", "[]");

	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(run_trace, "canceled ", "a wait ends with its scope");
	sim_fire(sim, "1");
	sim_task(sim);
	is_str(run_trace, "canceled fired", "the future goes on");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "a wait for something outside");
}

/* ---- signals together with other futures ---- */

/* Sums up numbers until a signal, an activity or silence ends it. */
FLOW_BODY(select_flow)
{
	PgwfFuture *sources[3];
	json_int_t	sum = 0;
	json_t	   *value;
	int			which = 0;

	(void) input;
	sources[0] = pgwf_start_receive_signal(wf, "add");
	sources[1] = pgwf_start_receive_signal(wf, "stop");
	sources[2] = pgwf_start_activity(wf, "limit", NULL, &ten_seconds);
	while (pgwf_await_any_timeout(wf, sources, 3, 60000, &which) ==
		   PGWF_WAIT_DONE && which == 0)
	{
		if (!pgwf_await(wf, sources[0], &value, failure))
			return NULL;
		sum += json_integer_value(json_array_get(value, 0));
		sources[0] = pgwf_start_receive_signal(wf, "add");
	}
	pgwf_future_cancel(wf, sources[0]);
	pgwf_future_cancel(wf, sources[1]);
	run_say("%d left ", pgwf_signal_count(wf, "add"));
	return pgwf_pack(wf, "[i, I]", which, sum);
}

static void
test_select(void)
{
	Sim		   *sim = start("select", "[]");
	json_t	   *trace;

	sim_signal(sim, "add", "[1]");
	sim_signal(sim, "add", "[2]");
	sim_task(sim);
	run_asks(sim, "ScheduleActivityTask 1, StartTimer 1",
			 "select: what came before is taken first");
	trace = sim_query(sim, "__stack_trace", "[]");
	is_json(json_object_get(trace, "answer"),
			"[\"main:\\n    pgwf_await_any_timeout(receiver of a signal "
			"\\\"add\\\"; receiver of a signal \\\"stop\\\"; activity "
			"\\\"1\\\" of type \\\"limit\\\")\"]", "select: where it waits");
	json_decref(trace);
	sim_signal(sim, "other", "[100]");
	sim_signal(sim, "add", "[4]");
	sim_task(sim);
	run_asks(sim, "CancelTimer 1, StartTimer 2", "select: a signal wakes");
	sim_evict(sim);
	sim_signal(sim, "add", "[8]");
	sim_signal(sim, "add", "[16]");
	sim_signal(sim, "stop", "[]");
	sim_signal(sim, "add", "[32]");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[1, 63]]",
			 "select, ended by a signal");

	sim = start("select", "[]");
	sim_task(sim);
	sim_complete(sim, "1", "null");
	sim_signal(sim, "add", "[1]");
	sim_signal(sim, "add", "[2]");
	sim_task(sim);
	is_str(run_trace, "0 left ", "select: signals come before results");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[2, 3]]",
			 "select, ended by an activity");

	sim = start("select", "[]");
	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[[0, 0]]",
			 "select, ended by silence");

	sim = start("select", "[]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCanceled", NULL, NULL,
			 "select, canceled with the scope");
}

/* Who gets a signal: handler of the name, receivers, handler for all. */
static void
on_any(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) wf;
	(void) input;
	run_say("%s:%s ", (const char *) arg, name);
}

FLOW_BODY(takers_flow)
{
	PgwfFuture *futures[4];
	json_t	   *value;
	int			i;

	(void) input;
	(void) failure;
	for (i = 0; i < 3; i++)
		futures[i] = pgwf_start_receive_signal(wf, "x");
	futures[3] = pgwf_start_receive_signal(wf, "y");
	pgwf_set_signal_handler(wf, NULL, on_any, "all");
	pgwf_set_signal_handler(wf, "y", on_any, "own");
	pgwf_future_cancel(wf, futures[1]);
	for (i = 0; i < 3; i += 2)
	{
		if (pgwf_await(wf, futures[i], &value, NULL))
			run_say("%d=%d ", i,
					(int) json_integer_value(json_array_get(value, 0)));
	}
	pgwf_sleep(wf, 1000, NULL);
	ok(!pgwf_future_ready(futures[3]), "a handler takes all of its name");
	return NULL;
}

static void
test_takers(void)
{
	Sim		   *sim = start("takers", "[]");

	sim_task(sim);
	sim_signal(sim, "x", "[1]");
	sim_signal(sim, "x", "[2]");
	sim_signal(sim, "x", "[3]");
	sim_signal(sim, "y", "[4]");
	sim_task(sim);
	is_str(run_trace, "0=1 2=2 all:x own:y ", "who gets a signal");
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "takers");
}

/* ---- order ---- */

static int	level;

static bool
at_least(void *arg)
{
	return level >= *(int *) arg;
}

/* Waits for a level, leaves its letter, raises the level. */
typedef struct Step
{
	int			sleep_ms;		/* before it begins to wait */
	int			needs;
	int			raises_to;
	const char *letter;
} Step;

static json_t *
take_step(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	Step	   *step = arg;

	if (step->sleep_ms > 0 && !pgwf_sleep(wf, step->sleep_ms, failure))
		return NULL;
	pgwf_wait_condition(wf, at_least, &step->needs, PGWF_FOREVER);
	run_say("%s", step->letter);
	if (step->raises_to > level)
		level = step->raises_to;
	return NULL;
}

/*
 * a waits last although it was created first: it comes last.  d makes the
 * condition of b hold, which was looked at before: until nothing changes.
 */
FLOW_BODY(order_flow)
{
	static Step steps[] =
	{
		{
			1000, 1, 0, "a"
		},
		{
			0, 2, 0, "b"
		},
		{
			0, 1, 0, "c"
		},
		{
			0, 1, 2, "d"
		}
	};
	PgwfFuture *futures[4];
	int			i;

	(void) input;
	level = 0;
	for (i = 0; i < 4; i++)
		futures[i] = pgwf_spawn(wf, take_step, &steps[i]);
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	run_say("m");
	level = 1;
	pgwf_await_all(wf, futures, 4, failure);
	return NULL;
}

static void
test_order(void)
{
	Sim		   *sim = start("order", "[]");

	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	sim_signal(sim, "go", "[]");
	sim_task(sim);
	is_str(run_trace, "mcdab", "conditions in the order of waiting");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "order");
}

/* ---- scopes ---- */

/* root > outer > (inner, shielded > below): cancelling outer. */
FLOW_BODY(nested_flow)
{
	PgwfScope  *outer = pgwf_scope_new(wf, false);
	PgwfScope  *inner;
	PgwfScope  *shielded;
	PgwfScope  *below;
	PgwfFuture *timers[5];
	int			i;

	(void) input;
	timers[0] = pgwf_start_timer(wf, 1000);
	pgwf_scope_enter(wf, outer);
	timers[1] = pgwf_start_timer(wf, 1000);
	inner = pgwf_scope_new(wf, false);
	pgwf_scope_enter(wf, inner);
	timers[2] = pgwf_start_timer(wf, 1000);
	pgwf_scope_leave(wf);
	shielded = pgwf_scope_new(wf, true);
	pgwf_scope_enter(wf, shielded);
	timers[3] = pgwf_start_timer(wf, 1000);
	below = pgwf_scope_new(wf, false);
	pgwf_scope_enter(wf, below);
	timers[4] = pgwf_start_timer(wf, 1000);
	pgwf_scope_leave(wf);
	pgwf_scope_leave(wf);
	pgwf_scope_leave(wf);
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	pgwf_scope_cancel(wf, outer);
	for (i = 0; i < 5; i++)
		run_say("%c", pgwf_future_ready(timers[i]) ? 'c' : '-');
	run_say(" %d%d%d%d", pgwf_scope_canceled(wf, outer),
			pgwf_scope_canceled(wf, inner), pgwf_scope_canceled(wf, shielded),
			pgwf_scope_canceled(wf, below));
	/* a scope made in a canceled one is canceled, unless shielded */
	pgwf_scope_enter(wf, outer);
	run_say(" %d%d", pgwf_scope_canceled(wf, pgwf_scope_new(wf, false)),
			pgwf_scope_canceled(wf, pgwf_scope_new(wf, true)));
	pgwf_scope_leave(wf);
	pgwf_scope_cancel(wf, shielded);
	run_say(" %d", pgwf_future_ready(timers[4]));
	pgwf_await(wf, timers[0], NULL, failure);
	return NULL;
}

static void
test_nested(void)
{
	Sim		   *sim = start("nested", "[]");

	sim_task(sim);
	sim_signal(sim, "go", "[]");
	sim_task(sim);
	is_str(run_trace, "-cc-- 1100 10 1", "a tree of scopes");
	run_asks(sim, "CancelTimer 2, CancelTimer 3, CancelTimer 4, "
			 "CancelTimer 5", "outer first, then those below it");
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "nested scopes");
}

/* [shielded]: an activity in a scope with a timeout. */
FLOW_BODY(limit_flow)
{
	PgwfActivityOptions o = ten_seconds;
	PgwfScope  *scope;
	PgwfFailure *why = NULL;
	json_t	   *result = NULL;

	(void) failure;
	o.cancel_type = PGWF_CANCEL_WAIT_COMPLETED;
	scope = pgwf_scope_new_timeout(wf, json_is_true(json_array_get(input, 0)),
								   3000);
	pgwf_scope_enter(wf, scope);
	if (pgwf_execute_activity(wf, "a", NULL, &o, &result, &why))
		run_say("result ");
	else
		run_say(pgwf_failure_is_canceled(why) ? "canceled " : "failed ");
	pgwf_scope_leave(wf);
	run_say("%d%d ", pgwf_scope_canceled(wf, scope),
			pgwf_scope_timed_out(wf, scope));
	if (!pgwf_sleep(wf, 1000, NULL))
		run_say("root canceled");
	return result;
}

static void
test_limit(void)
{
	Sim		   *sim = start("limit", "[false]");

	sim_task(sim);
	run_asks(sim, "StartTimer 1, ScheduleActivityTask 1",
			 "limit: a timer and what it limits");
	sim_complete(sim, "1", "5");
	sim_task(sim);
	run_asks(sim, "CancelTimer 1, StartTimer 2", "limit: in time");
	is_str(run_trace, "result 00 ", "limit: in time");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[5]",
			 "limit, in time");

	sim = start("limit", "[false]");
	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	run_asks(sim, "RequestCancelActivityTask", "limit: too late");
	sim_task(sim);
	is_str(run_trace, "canceled 11 ", "limit: too late");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "limit, too late");

	/* canceled from above: the timer goes, too */
	sim = start("limit", "[false]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	run_asks(sim, "CancelTimer 1, RequestCancelActivityTask",
			 "limit: canceled from above");
	sim_task(sim);
	is_str(run_trace, "canceled 10 root canceled",
		   "limit: canceled from above");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "limit, canceled from above");

	/* shielded: only the timer cancels */
	sim = start("limit", "[true]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	run_asks(sim, "", "limit: shielded");
	sim_fire(sim, "1");
	sim_task(sim);
	sim_task(sim);
	is_str(run_trace, "canceled 11 root canceled", "limit: shielded");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "limit, shielded");
}

/*
 * What has ended with the same task as the time of its scope, or as the
 * workflow's cancellation, has ended: to cancel it would be an error.
 */
static void
test_same_task(void)
{
	Sim		   *sim = start("limit", "[false]");

	sim_task(sim);
	sim_fire(sim, "1");
	sim_complete(sim, "1", "5");
	sim_task(sim);
	run_asks(sim, "StartTimer 2", "ended in the task of the timeout");
	is_str(run_trace, "result 11 ", "ended in the task of the timeout");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[5]",
			 "ended in the task of the timeout");

	/* the other way around: the timer is not to be canceled either */
	sim = start("limit", "[false]");
	sim_task(sim);
	sim_complete(sim, "1", "5");
	sim_fire(sim, "1");
	sim_task(sim);
	run_asks(sim, "StartTimer 2", "timed out in the task of the end");
	is_str(run_trace, "result 11 ", "timed out in the task of the end");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[5]",
			 "timed out in the task of the end");

	sim = start("limit", "[false]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_complete(sim, "1", "5");
	sim_task(sim);
	is_str(run_trace, "result 10 root canceled",
		   "ended in the task of the cancellation");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[5]",
			 "ended in the task of the cancellation");
}

/* What is started in a scope and awaited outside of it is limited as well. */
FLOW_BODY(left_flow)
{
	PgwfScope  *scope = pgwf_scope_new_timeout(wf, false, 3000);
	PgwfScope  *nested;
	PgwfScope  *late = pgwf_scope_new_timeout(wf, false, 0);
	PgwfFuture *futures[2];

	(void) input;
	(void) failure;
	ok(pgwf_scope_canceled(wf, late) && pgwf_scope_timed_out(wf, late),
	   "no time is over at once");
	pgwf_scope_enter(wf, scope);
	futures[0] = pgwf_start_activity(wf, "a", NULL, &ten_seconds);
	nested = pgwf_scope_new(wf, false);
	pgwf_scope_enter(wf, nested);
	futures[1] = pgwf_start_activity(wf, "b", NULL, &ten_seconds);
	pgwf_scope_leave(wf);
	pgwf_scope_leave(wf);
	if (pgwf_await_all(wf, futures, 2, NULL))
		run_say("all ");
	run_say("%d%d", pgwf_future_ready(futures[0]),
			pgwf_scope_timed_out(wf, scope));
	pgwf_sleep(wf, 1000, NULL);
	return NULL;
}

/* A coroutine that is in a scope keeps its timeout going. */
static json_t *
waiter(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	(void) arg;
	(void) failure;
	run_say("%s ", name_of(pgwf_receive_signal(wf, "go", PGWF_FOREVER,
											   NULL)));
	return NULL;
}

FLOW_BODY(inhabited_flow)
{
	PgwfScope  *scope = pgwf_scope_new_timeout(wf, false, 3000);
	PgwfFuture *future;

	(void) input;
	pgwf_scope_enter(wf, scope);
	future = pgwf_spawn(wf, waiter, NULL);
	pgwf_scope_leave(wf);
	pgwf_await(wf, future, NULL, failure);
	pgwf_sleep(wf, 1000, NULL);
	return NULL;
}

static void
test_left(void)
{
	Sim		   *sim = start("left", "[]");

	sim_task(sim);
	sim_complete(sim, "1", "null");
	sim_task(sim);
	run_asks(sim, "", "left: the nested one is under way");
	sim_complete(sim, "2", "null");
	sim_task(sim);
	run_asks(sim, "CancelTimer 1, StartTimer 2", "left: the last is done");
	sim_fire(sim, "2");
	sim_task(sim);
	is_str(run_trace, "all 10", "left: in time");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "left, in time");

	sim = start("left", "[]");
	sim_task(sim);
	sim_complete(sim, "1", "null");
	sim_fire(sim, "1");
	sim_task(sim);
	run_asks(sim, "RequestCancelActivityTask, StartTimer 2",
			 "left: too late");
	is_str(run_trace, "11", "left: too late");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "left, too late");

	sim = start("inhabited", "[]");
	sim_task(sim);
	run_asks(sim, "StartTimer 1", "inhabited: the timer goes on");
	sim_fire(sim, "1");
	sim_task(sim);
	is_str(run_trace, "canceled ", "inhabited: too late");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "inhabited, too late");

	sim = start("inhabited", "[]");
	sim_task(sim);
	sim_signal(sim, "go", "[]");
	sim_task(sim);
	run_asks(sim, "CancelTimer 1, StartTimer 2",
			 "inhabited: deserted in time");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "inhabited, in time");
}

/* A cancellation that nobody asked for from outside is a failure. */
FLOW_BODY(gives_up_flow)
{
	PgwfScope  *scope = pgwf_scope_new_timeout(wf, false, 3000);
	PgwfChildOptions o = PGWF_CHILD_OPTIONS_INIT;

	(void) input;
	o.workflow_id = "kid-1";
	o.cancel_type = PGWF_CHILD_CANCEL_TRY;
	pgwf_scope_enter(wf, scope);
	pgwf_execute_child(wf, "kid", NULL, &o, NULL, failure);
	pgwf_scope_leave(wf);
	return NULL;
}

static void
test_gives_up(void)
{
	Sim		   *sim = start("gives up", "[]");

	sim_task(sim);
	sim_child_started(sim, "kid-1");
	sim_fire(sim, "1");
	sim_task(sim);
	run_asks(sim, "RequestCancelExternalWorkflowExecution kid-1, "
			 "FailWorkflowExecution", "a timeout cancels a child");
	run_command_is(sim, 0, "{\"workflowId\": \"kid-1\", "
				   "\"childWorkflowOnly\": true}",
				   "a timeout cancels a child without a reason");
	is_json(json_object_get(json_object_get(sim_last_attributes(sim),
											"failure"), "message"),
			"\"child workflow canceled\"", "gives up: why");
	run_ends(sim, "WorkflowExecutionFailed", NULL, NULL, "gives up");
}

/* Cancelling one ends others of its scope: none is forgotten. */
FLOW_BODY(chain_flow)
{
	PgwfScope  *scope = pgwf_scope_new(wf, false);
	PgwfFuture *futures[4];
	PgwfChild  *child;
	int			i;

	(void) input;
	pgwf_scope_enter(wf, scope);
	child = pgwf_start_child(wf, "kid", NULL, NULL);
	futures[0] = pgwf_child_result(child);
	futures[1] = pgwf_signal_child(wf, child, "a", NULL, NULL);
	futures[2] = pgwf_signal_child(wf, child, "b", NULL, NULL);
	futures[3] = pgwf_start_activity(wf, "a", NULL, &ten_seconds);
	pgwf_scope_leave(wf);
	pgwf_scope_cancel(wf, scope);
	for (i = 0; i < 4; i++)
		ok(pgwf_future_ready(futures[i]), "number %d is canceled", i);
	pgwf_sleep(wf, 1, failure);
	return NULL;
}

static void
test_chain(void)
{
	Sim		   *sim = start("chain", "[]");

	sim_task(sim);
	run_asks(sim, "StartTimer 1", "chain: all were dropped");
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "chain");
}

int
main(void)
{
	static const RunFlow flows[] = {
		{"timed", timed_flow}, {"outside", outside_flow},
		{"select", select_flow}, {"takers", takers_flow},
		{"order", order_flow}, {"nested", nested_flow},
		{"limit", limit_flow}, {"left", left_flow},
		{"inhabited", inhabited_flow}, {"gives up", gives_up_flow},
		{"chain", chain_flow}, {NULL, NULL}
	};

	registry = runs_registry(flows);
	test_timed();
	test_outside();
	test_select();
	test_takers();
	test_order();
	test_nested();
	test_limit();
	test_same_task();
	test_left();
	test_gives_up();
	test_chain();
	pgwf_registry_free(registry);
	return done_testing();
}
