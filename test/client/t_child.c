/*
 * t_child.c
 *		Children, signals to and cancellation of other workflows, and
 *		continuing as new, against the simulated service.
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

/* ---- options and outcomes ---- */

FLOW_BODY(options_flow)
{
	static const char *const fatal[] = {"Fatal", NULL};
	PgwfChildOptions o = PGWF_CHILD_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	json_t	   *attributes = pgwf_pack(wf, "{}");
	json_t	   *result = NULL;

	retry.maximum_attempts = 3;
	retry.non_retryable_error_types = fatal;
	pgwf_attribute_set_int(attributes, "Amount", 12);
	o.workflow_id = "baby";
	o.task_queue = "nursery";
	o.execution_timeout_ms = 60000;
	o.run_timeout_ms = 30000;
	o.task_timeout_ms = 5000;
	o.parent_close_policy = PGWF_PARENT_CLOSE_REQUEST_CANCEL;
	o.id_reuse_policy = PGWF_ID_REUSE_REJECT_DUPLICATE;
	o.retry_policy = &retry;
	o.cron_schedule = "0 12 * * *";
	o.priority.priority_key = 2;
	o.priority.fairness_key = "ann";
	o.priority.fairness_weight = 1.5;
	o.memo = pgwf_pack(wf, "{s:s}", "note", "mine");
	o.search_attributes = attributes;
	o.header = pgwf_pack(wf, "{s:i}", "trace", 7);
	o.summary = "a child";
	o.details = "with all options";
	if (!pgwf_execute_child(wf, "kid", json_array_get(input, 0), &o, &result,
							failure))
		return NULL;
	return result;
}

static void
test_options(void)
{
	Sim		   *sim = start("options", "[[1, 2]]");

	sim_task(sim);
	is_json(json_array_get(sim->out.commands, 0),
			"{\"commandType\": \"StartChildWorkflowExecution\", "
			"\"attributes\": {\"workflowId\": \"baby\", \"workflowType\": "
			"{\"name\": \"kid\"}, \"taskQueue\": {\"name\": \"nursery\", "
			"\"kind\": \"TASK_QUEUE_KIND_NORMAL\"}, \"input\": [1, 2], "
			"\"workflowExecutionTimeout\": \"60s\", \"workflowRunTimeout\": "
			"\"30s\", \"workflowTaskTimeout\": \"5s\", "
			"\"parentClosePolicy\": \"PARENT_CLOSE_POLICY_REQUEST_CANCEL\", "
			"\"workflowIdReusePolicy\": "
			"\"WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE\", \"retryPolicy\": "
			"{\"maximumAttempts\": 3, \"nonRetryableErrorTypes\": "
			"[\"Fatal\"]}, \"cronSchedule\": \"0 12 * * *\", \"memo\": "
			"{\"fields\": {\"note\": \"mine\"}}, \"searchAttributes\": "
			"{\"indexedFields\": {\"Amount\": 12}}, \"header\": {\"fields\": "
			"{\"trace\": 7}}, \"priority\": {\"priorityKey\": 2, "
			"\"fairnessKey\": \"ann\", \"fairnessWeight\": 1.5}}, "
			"\"userMetadata\": {\"summary\": \"a child\", \"details\": "
			"\"with all options\"}}", "all options of a child");
	sim_child_started(sim, "baby");
	sim_task(sim);
	run_asks(sim, "", "a start changes nothing for who awaits the result");
	sim_child(sim, "baby", "ChildWorkflowExecutionCompleted",
			  "{\"result\": [{\"size\": 50}]}");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[{\"size\": 50}]",
			 "a child with options");
}

/* [policy number or null]: starts a child, tells how it goes. */
FLOW_BODY(family_flow)
{
	PgwfChildOptions o = PGWF_CHILD_OPTIONS_INIT;
	PgwfChild  *child;
	PgwfFailure *why = NULL;
	json_t	   *value = NULL;

	(void) input;
	o.workflow_id = "kid-1";
	child = pgwf_start_child(wf, "kid", NULL, &o);
	ok(pgwf_child_run_id(child) == NULL, "no run id before the start");
	if (!pgwf_await(wf, pgwf_child_started(child), &value, &why))
	{
		run_say("not started: %s (%s); ", pgwf_failure_message(why),
				pgwf_failure_type(pgwf_failure_root(why)));
		ok(!pgwf_await(wf, pgwf_child_result(child), NULL, failure),
		   "what was not started has no result");
		return NULL;
	}
	is_str(json_string_value(value), pgwf_child_run_id(child),
		   "the run id is the value of the start");
	run_say("started %s; ", pgwf_child_workflow_id(child));
	if (!pgwf_await(wf, pgwf_child_result(child), &value, failure))
		return NULL;
	return value;
}

static void
closes(const char *type, const char *attributes, const char *failure,
	   const char *name)
{
	Sim		   *sim = start("family", "[]");

	sim_task(sim);
	sim_child_started(sim, "kid-1");
	sim_task(sim);
	is_str(run_trace, "started kid-1; ", "%s: started", name);
	sim_child(sim, "kid-1", type, attributes);
	sim_task(sim);
	if (failure == NULL)
		run_ends(sim, "WorkflowExecutionCompleted", "result", "[7]", name);
	else
		run_ends(sim, "WorkflowExecutionFailed", "failure", failure, name);
}

#define WRAPPED(message, retry_state, cause) \
	"{\"message\": \"child workflow " message "\", \"source\": " \
	"\"pgworkflow-c\", " cause "\"childWorkflowExecutionFailureInfo\": " \
	"{\"workflowExecution\": {\"workflowId\": \"kid-1\", \"runId\": " \
	"\"e7a1c8ee-53d8-4b1a-8a0e-1f3d7a4f4f11\"}, \"workflowType\": " \
	"{\"name\": \"kid\"}, \"initiatedEventId\": 5, \"startedEventId\": 6" \
	retry_state "}}"

static void
test_closes(void)
{
	Sim		   *sim;

	closes("ChildWorkflowExecutionCompleted", "{\"result\": [7]}", NULL,
		   "a child completes");
	closes("ChildWorkflowExecutionFailed",
		   "{\"retryState\": \"RETRY_STATE_RETRY_POLICY_NOT_SET\", "
		   "\"failure\": {\"message\": \"no\", \"applicationFailureInfo\": "
		   "{\"type\": \"Bad\"}}}",
		   WRAPPED("failed", ", \"retryState\": "
				   "\"RETRY_STATE_RETRY_POLICY_NOT_SET\"",
				   "\"cause\": {\"message\": \"no\", "
				   "\"applicationFailureInfo\": {\"type\": \"Bad\"}}, "),
		   "a child fails");
	closes("ChildWorkflowExecutionTimedOut",
		   "{\"retryState\": \"RETRY_STATE_TIMEOUT\"}",
		   WRAPPED("timed out", ", \"retryState\": \"RETRY_STATE_TIMEOUT\"",
				   "\"cause\": {\"message\": \"workflow timeout\", "
				   "\"source\": \"pgworkflow-c\", \"timeoutFailureInfo\": "
				   "{\"timeoutType\": \"TIMEOUT_TYPE_START_TO_CLOSE\"}}, "),
		   "a child times out");
	closes("ChildWorkflowExecutionTerminated", "{}",
		   WRAPPED("terminated", "", "\"cause\": {\"message\": "
				   "\"terminated\", \"source\": \"pgworkflow-c\", "
				   "\"terminatedFailureInfo\": {}}, "),
		   "a child is terminated");
	closes("ChildWorkflowExecutionCanceled", "{\"details\": [\"bye\"]}",
		   WRAPPED("canceled", ", \"retryState\": "
				   "\"RETRY_STATE_CANCEL_REQUESTED\"",
				   "\"cause\": {\"message\": \"child workflow canceled\", "
				   "\"source\": \"pgworkflow-c\", \"canceledFailureInfo\": "
				   "{\"details\": [\"bye\"]}}, "),
		   "a child is canceled by others");

	sim = start("family", "[]");
	sim_task(sim);
	sim_child_refused(sim, "kid-1", "START_CHILD_WORKFLOW_EXECUTION_FAILED_"
					  "CAUSE_WORKFLOW_ALREADY_EXISTS");
	sim_task(sim);
	is_str(run_trace, "not started: child workflow failed to start "
		   "(WorkflowAlreadyExists); ", "a child that exists already");
	run_ends(sim, "WorkflowExecutionFailed", NULL, NULL,
			 "a child that is refused");
}

/* Ids that are made up are the same on replay. */
FLOW_BODY(ids_flow)
{
	PgwfChild  *a = pgwf_start_child(wf, "kid", NULL, NULL);
	PgwfChild  *b = pgwf_start_child(wf, "kid", NULL, NULL);

	(void) input;
	is_int((long long) strlen(pgwf_child_workflow_id(a)), 36, "a UUID");
	ok(strcmp(pgwf_child_workflow_id(a), pgwf_child_workflow_id(b)) != 0,
	   "another for each child");
	run_say("%s ", pgwf_child_workflow_id(b));
	pgwf_sleep(wf, 1000, failure);
	return NULL;
}

static void
test_ids(void)
{
	Sim		   *sim = start("ids", "[]");
	char		first[sizeof(run_trace)];

	sim_task(sim);
	snprintf(first, sizeof(first), "%s", run_trace);
	run_trace[0] = '\0';
	sim_evict(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	is_str(run_trace, first, "the same id on replay");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "made up ids");
}

/* ---- cancelling children ---- */

/* [cancel type]: a child, canceled with the workflow. */
FLOW_BODY(cancel_flow)
{
	PgwfChildOptions o = PGWF_CHILD_OPTIONS_INIT;
	PgwfChild  *child;
	PgwfFailure *why = NULL;
	PgwfScope  *shield;
	json_t	   *result = NULL;

	o.workflow_id = "kid-1";
	o.cancel_type = (PgwfChildCancelType)
		json_integer_value(json_array_get(input, 0));
	child = pgwf_start_child(wf, "kid", NULL, &o);
	if (!pgwf_await(wf, pgwf_child_started(child), NULL, &why))
		run_say("start %s ", pgwf_failure_is_canceled(why) ? "canceled" :
				"failed");
	if (pgwf_await(wf, pgwf_child_result(child), &result, &why))
		return result;
	run_say(pgwf_failure_is_canceled(why) ? "canceled " : "failed ");
	if (!pgwf_execute_child(wf, "kid", NULL, NULL, NULL, NULL))
		run_say("refused ");
	shield = pgwf_scope_new(wf, true);
	pgwf_scope_enter(wf, shield);
	pgwf_sleep(wf, 1000, NULL);
	pgwf_scope_leave(wf);
	*failure = why;
	return NULL;
}

#define REQUEST "{\"workflowId\": \"kid-1\", \"childWorkflowOnly\": true, " \
	"\"reason\": \"enough\"}"

static Sim *
cancel_started(const char *input)
{
	Sim		   *sim = start("cancel", input);

	sim_task(sim);
	sim_child_started(sim, "kid-1");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	return sim;
}

static void
finish_canceled(Sim *sim, const char *name)
{
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCanceled", NULL, NULL, name);
}

static void
test_cancel(void)
{
	Sim		   *sim;

	sim = cancel_started("[0]");
	run_asks(sim, "RequestCancelExternalWorkflowExecution kid-1",
			 "wait-completed: asks the child");
	run_command_is(sim, 0, REQUEST, "wait-completed: with the reason");
	is_str(run_trace, "", "wait-completed: waits");
	sim_canceled(sim, "kid-1", NULL);
	sim_task(sim);
	is_str(run_trace, "", "wait-completed: although it has the request");
	sim_child(sim, "kid-1", "ChildWorkflowExecutionCanceled", "{}");
	sim_task(sim);
	is_str(run_trace, "canceled refused ", "wait-completed: it ended");
	finish_canceled(sim, "wait-completed");

	sim = cancel_started("[0]");
	sim_canceled(sim, "kid-1", "CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_"
				 "CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND");
	sim_child(sim, "kid-1", "ChildWorkflowExecutionCompleted",
			  "{\"result\": [5]}");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[5]",
			 "wait-completed, but the child has completed");

	sim = cancel_started("[1]");
	run_asks(sim, "RequestCancelExternalWorkflowExecution kid-1",
			 "wait-requested: asks the child");
	is_str(run_trace, "", "wait-requested: waits");
	sim_canceled(sim, "kid-1", NULL);
	sim_task(sim);
	is_str(run_trace, "canceled refused ", "wait-requested: it knows");
	sim_child(sim, "kid-1", "ChildWorkflowExecutionFailed", "{}");
	sim_task(sim);
	finish_canceled(sim, "wait-requested");

	sim = cancel_started("[2]");
	run_asks(sim, "RequestCancelExternalWorkflowExecution kid-1, "
			 "StartTimer 1", "try: asks the child");
	is_str(run_trace, "canceled refused ", "try: resolved at once");
	sim_canceled(sim, "kid-1", NULL);
	sim_child(sim, "kid-1", "ChildWorkflowExecutionCompleted",
			  "{\"result\": [5]}");
	sim_task(sim);
	finish_canceled(sim, "try");

	sim = cancel_started("[3]");
	run_asks(sim, "StartTimer 1", "abandon: does not ask");
	is_str(run_trace, "canceled refused ", "abandon: resolved at once");
	sim_child(sim, "kid-1", "ChildWorkflowExecutionTerminated", "{}");
	sim_task(sim);
	finish_canceled(sim, "abandon");

	/* canceled while the service starts it: asked for when it has started */
	sim = start("cancel", "[0]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	run_asks(sim, "", "canceled before it started: waits");
	sim_child_started(sim, "kid-1");
	sim_task(sim);
	run_asks(sim, "RequestCancelExternalWorkflowExecution kid-1",
			 "canceled before it started: asks then");
	sim_evict(sim);
	sim_canceled(sim, "kid-1", NULL);
	sim_child(sim, "kid-1", "ChildWorkflowExecutionCanceled", "{}");
	sim_task(sim);
	finish_canceled(sim, "canceled before it started");

	sim = start("cancel", "[2]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(run_trace, "start canceled canceled refused ",
		   "try before it started: resolved at once");
	sim_child_started(sim, "kid-1");
	sim_task(sim);
	run_asks(sim, "RequestCancelExternalWorkflowExecution kid-1",
			 "try before it started: asks when it has");
	finish_canceled(sim, "try before it started");

	sim = start("cancel", "[0]");
	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	sim_child_refused(sim, "kid-1", "START_CHILD_WORKFLOW_EXECUTION_FAILED_"
					  "CAUSE_WORKFLOW_ALREADY_EXISTS");
	sim_task(sim);
	is_str(run_trace, "start failed failed refused ",
		   "canceled before it was refused");
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionFailed", NULL, NULL,
			 "canceled before it was refused");
}

/* Canceled in the task that asked for it: there is no trace of it. */
FLOW_BODY(drop_flow)
{
	PgwfScope  *scope = pgwf_scope_new(wf, false);
	PgwfFuture *futures[5];
	PgwfChild  *child;
	PgwfFailure *why = NULL;
	int			i;

	(void) input;
	pgwf_scope_enter(wf, scope);
	child = pgwf_start_child(wf, "kid", NULL, NULL);
	futures[0] = pgwf_signal_child(wf, child, "hello", NULL, NULL);
	futures[1] = pgwf_child_result(child);
	futures[2] = pgwf_signal_external(wf, "other", "hello", NULL, NULL);
	futures[3] = pgwf_cancel_external(wf, "other", NULL, NULL);
	futures[4] = pgwf_start_timer(wf, 1000);
	pgwf_scope_leave(wf);
	pgwf_scope_cancel(wf, scope);
	for (i = 0; i < 5; i++)
	{
		ok(pgwf_future_ready(futures[i]) &&
		   !pgwf_await(wf, futures[i], NULL, &why) &&
		   pgwf_failure_is_canceled(why), "operation %d is canceled", i);
	}
	ok(pgwf_future_ready(pgwf_child_started(child)),
	   "the start is canceled, too");

	/* in a canceled scope nothing begins */
	pgwf_scope_enter(wf, scope);
	child = pgwf_start_child(wf, "kid", NULL, NULL);
	futures[0] = pgwf_signal_child(wf, child, "hello", NULL, NULL);
	futures[1] = pgwf_child_result(child);
	futures[2] = pgwf_signal_external(wf, "other", "hello", NULL, NULL);
	futures[3] = pgwf_cancel_external(wf, "other", NULL, NULL);
	futures[4] = pgwf_start_receive_signal(wf, "hello");
	for (i = 0; i < 5; i++)
	{
		ok(pgwf_future_ready(futures[i]) &&
		   !pgwf_await(wf, futures[i], NULL, &why) &&
		   pgwf_failure_is_canceled(why), "operation %d does not begin", i);
	}
	pgwf_scope_leave(wf);
	pgwf_sleep(wf, 1000, failure);
	return NULL;
}

static void
test_drop(void)
{
	Sim		   *sim = start("drop", "[]");

	sim_task(sim);
	run_asks(sim, "StartTimer 2", "canceled before sent: no commands");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "canceled before sent");
}

/* A child is canceled alone, with a reason. */
FLOW_BODY(alone_flow)
{
	PgwfChildOptions o = PGWF_CHILD_OPTIONS_INIT;
	PgwfChild  *children[2];
	PgwfFailure *why = NULL;
	int			i;

	(void) input;
	for (i = 0; i < 2; i++)
	{
		o.workflow_id = i == 0 ? "one" : "two";
		children[i] = pgwf_start_child(wf, "kid", NULL, &o);
	}
	for (i = 0; i < 2; i++)
	{
		if (!pgwf_await(wf, pgwf_child_started(children[i]), NULL, failure))
			return NULL;
	}
	pgwf_cancel_child(wf, children[1], "not needed");
	pgwf_cancel_child(wf, children[1], "again");
	pgwf_future_cancel(wf, pgwf_child_result(children[1]));
	pgwf_await(wf, pgwf_child_result(children[1]), NULL, &why);
	run_say("%s of %s, %s ", pgwf_failure_message(why),
			pgwf_failure_child_workflow_id(why),
			pgwf_failure_child_type(why));
	if (!pgwf_await(wf, pgwf_child_result(children[0]), NULL, failure))
		return NULL;
	return NULL;
}

static void
test_alone(void)
{
	Sim		   *sim = start("alone", "[]");

	sim_task(sim);
	sim_child_started(sim, "one");
	sim_child_started(sim, "two");
	sim_task(sim);
	run_asks(sim, "RequestCancelExternalWorkflowExecution two",
			 "one of two: asked once");
	run_command_is(sim, 0, "{\"workflowId\": \"two\", "
				   "\"childWorkflowOnly\": true, \"reason\": "
				   "\"not needed\"}", "one of two: the reason");
	sim_canceled(sim, "two", NULL);
	sim_child(sim, "two", "ChildWorkflowExecutionCanceled", "{}");
	sim_task(sim);
	is_str(run_trace, "child workflow canceled of two, kid ",
		   "one of two: canceled");
	sim_child(sim, "one", "ChildWorkflowExecutionCompleted", "{}");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "one of two is canceled");
}

/* ---- other workflows ---- */

FLOW_BODY(external_flow)
{
	PgwfSignalExternalOptions o = PGWF_SIGNAL_EXTERNAL_OPTIONS_INIT;
	PgwfFuture *futures[4];
	PgwfFailure *why = NULL;
	int			i;

	(void) input;
	(void) failure;
	o.run_id = "0d9e4a5c-6b1f-4c57-9d52-1f0f7f6d3c29";
	o.header = pgwf_pack(wf, "{s:i}", "trace", 7);
	futures[0] = pgwf_signal_external(wf, "other", "add",
									  pgwf_pack(wf, "[i, i]", 1, 2), &o);
	futures[1] = pgwf_signal_external(wf, "nobody", "add", NULL, NULL);
	futures[2] = pgwf_cancel_external(wf, "other", o.run_id, "please");
	futures[3] = pgwf_cancel_external(wf, "nobody", NULL, NULL);
	for (i = 0; i < 4; i++)
	{
		if (pgwf_await(wf, futures[i], NULL, &why))
			run_say("ok ");
		else
			run_say("%s (%s) ", pgwf_failure_message(why),
					pgwf_failure_type(why));
	}
	return NULL;
}

static void
test_external(void)
{
	Sim		   *sim = start("external", "[]");

	sim_task(sim);
	run_asks(sim, "SignalExternalWorkflowExecution other, "
			 "SignalExternalWorkflowExecution nobody, "
			 "RequestCancelExternalWorkflowExecution other, "
			 "RequestCancelExternalWorkflowExecution nobody",
			 "external: commands");
	run_command_is(sim, 0, "{\"execution\": {\"workflowId\": \"other\", "
				   "\"runId\": \"0d9e4a5c-6b1f-4c57-9d52-1f0f7f6d3c29\"}, "
				   "\"signalName\": \"add\", \"input\": [1, 2], \"header\": "
				   "{\"fields\": {\"trace\": 7}}}", "external: a signal");
	run_command_is(sim, 1, "{\"execution\": {\"workflowId\": \"nobody\"}, "
				   "\"signalName\": \"add\"}", "external: a plain signal");
	run_command_is(sim, 2, "{\"workflowId\": \"other\", \"runId\": "
				   "\"0d9e4a5c-6b1f-4c57-9d52-1f0f7f6d3c29\", \"reason\": "
				   "\"please\"}", "external: a cancellation");
	sim_signaled(sim, "nobody", "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_"
				 "CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND");
	sim_canceled(sim, "nobody", "CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_"
				 "CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND");
	sim_begin(sim);
	sim_signaled(sim, "other", NULL);
	sim_end(sim);
	sim_canceled(sim, "other", NULL);
	sim_task(sim);
	is_str(run_trace, "ok could not signal workflow: "
		   "ExternalWorkflowExecutionNotFound "
		   "(ExternalWorkflowExecutionNotFound) ok could not cancel "
		   "workflow: ExternalWorkflowExecutionNotFound "
		   "(ExternalWorkflowExecutionNotFound) ", "external: outcomes");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "external");
}

/* A cancellation finds a signal sent: its outcome is waited for. */
FLOW_BODY(late_flow)
{
	PgwfFuture *future = pgwf_signal_external(wf, "other", "add", NULL, NULL);

	(void) input;
	if (pgwf_await(wf, future, NULL, failure))
		run_say("arrived ");
	return NULL;
}

/* Signals for a child wait until it has started, in their order. */
FLOW_BODY(greetings_flow)
{
	PgwfChildOptions o = PGWF_CHILD_OPTIONS_INIT;
	PgwfFuture *futures[3];
	PgwfChild  *child;
	PgwfFailure *why = NULL;

	(void) input;
	o.workflow_id = "kid-1";
	child = pgwf_start_child(wf, "kid", NULL, &o);
	futures[0] = pgwf_signal_child(wf, child, "first", pgwf_pack(wf, "i", 1),
								   NULL);
	futures[1] = pgwf_signal_child(wf, child, "not sent", NULL, NULL);
	futures[2] = pgwf_signal_child(wf, child, "second", NULL, NULL);
	pgwf_future_cancel(wf, futures[1]);
	if (!pgwf_await(wf, futures[0], NULL, &why) ||
		!pgwf_await(wf, futures[2], NULL, &why))
	{
		run_say("%s ", pgwf_failure_message(why));
		if (!pgwf_await(wf, pgwf_signal_child(wf, child, "x", NULL, NULL),
						NULL, &why))
			run_say("%s", pgwf_failure_message(why));
		*failure = why;
		return NULL;
	}
	pgwf_await(wf, pgwf_signal_child(wf, child, "third", NULL, NULL), NULL,
			   &why);
	run_say("%s", pgwf_failure_type(why));
	return NULL;
}

static void
test_child_signals(void)
{
	Sim		   *sim = start("late", "[]");

	sim_task(sim);
	sim_cancel(sim, "enough");
	sim_task(sim);
	is_str(run_trace, "", "a signal that was sent is waited for");
	sim_signaled(sim, "other", NULL);
	sim_task(sim);
	is_str(run_trace, "arrived ", "a signal that was sent arrives");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "a signal that was sent");

	sim = start("greetings", "[]");
	sim_task(sim);
	run_asks(sim, "StartChildWorkflowExecution kid-1",
			 "signals wait for the child");
	sim_child_started(sim, "kid-1");
	sim_task(sim);
	run_asks(sim, "SignalExternalWorkflowExecution kid-1, "
			 "SignalExternalWorkflowExecution kid-1",
			 "signals are sent when it has started");
	run_command_is(sim, 0, "{\"execution\": {\"workflowId\": \"kid-1\"}, "
				   "\"signalName\": \"first\", \"input\": [1], "
				   "\"childWorkflowOnly\": true}", "a signal to a child");
	sim_signaled(sim, "kid-1", NULL);
	sim_signaled(sim, "kid-1", NULL);
	sim_task(sim);
	sim_signaled(sim, "kid-1", "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_"
				 "CAUSE_SIGNAL_COUNT_LIMIT_EXCEEDED");
	sim_task(sim);
	is_str(run_trace, "SignalCountLimitExceeded", "a signal too many");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL,
			 "signals to a child");

	sim = start("greetings", "[]");
	sim_task(sim);
	sim_child_refused(sim, "kid-1", "START_CHILD_WORKFLOW_EXECUTION_FAILED_"
					  "CAUSE_WORKFLOW_ALREADY_EXISTS");
	sim_task(sim);
	is_str(run_trace, "child workflow failed to start child workflow failed "
		   "to start", "signals to a child that there is not");
	run_ends(sim, "WorkflowExecutionFailed", NULL, NULL,
			 "signals to a child that there is not");
}

/* ---- continuing as new ---- */

/* [what]: continues in several ways. */
FLOW_BODY(continue_flow)
{
	PgwfContinueOptions o = PGWF_CONTINUE_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	json_int_t	what = json_integer_value(json_array_get(input, 0));

	if (what == 0)
		return pgwf_continue_as_new(wf, pgwf_pack(wf, "[i]", 1), NULL);
	if (what == 1)
	{
		json_t	   *attributes = pgwf_pack(wf, "{s:s}", "City", "Rome");

		pgwf_upsert_search_attributes(wf, attributes);
		pgwf_continue_as_new(wf, NULL, NULL);
		/* what changes until the function returns counts */
		pgwf_upsert_memo(wf, pgwf_pack(wf, "{s:i}", "count", 2));
		return attributes;
	}
	if (what == 2)
	{
		retry.maximum_attempts = 2;
		o.workflow_type = "next";
		o.task_queue = "elsewhere";
		o.run_timeout_ms = 60000;
		o.task_timeout_ms = 5000;
		o.start_delay_ms = 1500;
		o.retry_policy = &retry;
		o.cron_schedule = "@daily";
		o.memo = pgwf_pack(wf, "{}");
		o.search_attributes = pgwf_pack(wf, "{s:s}", "City", "Bonn");
		o.header = pgwf_pack(wf, "{s:i}", "trace", 7);
		o.initial_versioning = PGWF_CONTINUE_AUTO_UPGRADE;
		pgwf_continue_as_new(wf, NULL, NULL);
		return pgwf_continue_as_new(wf, pgwf_pack(wf, "[[], {}]"), &o);
	}
	/* a failure comes before it */
	pgwf_continue_as_new(wf, NULL, NULL);
	*failure = pgwf_failure_new("Late", "no");
	return NULL;
}

/* A run that carries something. */
static Sim *
start_laden(const char *input)
{
	Sim		   *sim = start("continue", input);
	json_t	   *a = json_object_get(json_array_get(sim->events, 0),
									"attributes");

	pgwf_json_put(a, "memo", json_pack("{s:{s:s}}", "fields", "note", "x"));
	pgwf_json_put(a, "searchAttributes",
				  json_pack("{s:{s:s}}", "indexedFields", "City", "Oslo"));
	pgwf_json_put(a, "retryPolicy", json_pack("{s:i}", "maximumAttempts", 5));
	pgwf_json_put(a, "header", json_pack("{s:{s:i}}", "fields", "trace", 1));
	return sim;
}

static void
test_continue(void)
{
	Sim		   *sim = start_laden("[0]");

	sim_task(sim);
	run_command_is(sim, 0, "{\"workflowType\": {\"name\": \"continue\"}, "
				   "\"input\": [1], \"retryPolicy\": {\"maximumAttempts\": "
				   "5}, \"memo\": {\"fields\": {\"note\": \"x\"}}, "
				   "\"searchAttributes\": {\"indexedFields\": {\"City\": "
				   "\"Oslo\"}}}", "continue: what a run has is carried on");
	ok(sim->out.finished, "continue: the run is finished");
	run_ends(sim, "WorkflowExecutionContinuedAsNew", "input", "[1]",
			 "continue");

	sim = start_laden("[1]");
	sim_task(sim);
	run_asks(sim, "UpsertWorkflowSearchAttributes, "
			 "ModifyWorkflowProperties, ContinueAsNewWorkflowExecution",
			 "continue, changed: commands");
	run_command_is(sim, 2, "{\"workflowType\": {\"name\": \"continue\"}, "
				   "\"retryPolicy\": {\"maximumAttempts\": 5}, \"memo\": "
				   "{\"fields\": {\"note\": \"x\", \"count\": 2}}, "
				   "\"searchAttributes\": {\"indexedFields\": {\"City\": "
				   "\"Rome\"}}}", "continue, changed: with the changes");
	run_ends(sim, "WorkflowExecutionContinuedAsNew", NULL, NULL,
			 "continue, changed");

	sim = start_laden("[2]");
	sim_task(sim);
	run_asks(sim, "ContinueAsNewWorkflowExecution",
			 "continue, options: the last call counts");
	run_command_is(sim, 0, "{\"workflowType\": {\"name\": \"next\"}, "
				   "\"taskQueue\": {\"name\": \"elsewhere\", \"kind\": "
				   "\"TASK_QUEUE_KIND_NORMAL\"}, \"input\": [[], {}], "
				   "\"workflowRunTimeout\": \"60s\", "
				   "\"workflowTaskTimeout\": \"5s\", "
				   "\"backoffStartInterval\": \"1.500s\", \"retryPolicy\": "
				   "{\"maximumAttempts\": 2}, \"cronSchedule\": \"@daily\", "
				   "\"memo\": {\"fields\": {}}, \"searchAttributes\": "
				   "{\"indexedFields\": {\"City\": \"Bonn\"}}, \"header\": "
				   "{\"fields\": {\"trace\": 7}}, "
				   "\"initialVersioningBehavior\": "
				   "\"CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_AUTO_UPGRADE\"}",
				   "continue, options: all of them");
	run_ends(sim, "WorkflowExecutionContinuedAsNew", NULL, NULL,
			 "continue, options");

	sim = start_laden("[3]");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionFailed", NULL, NULL,
			 "a failure comes before continuing");

	/* an event that came meanwhile is not lost: the run tries again */
	sim = start_laden("[0]");
	sim_begin(sim);
	sim_signal(sim, "wait", "[]");
	sim_end(sim);
	is_str(sim_status(sim), "open", "continue, unhandled: not yet");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionContinuedAsNew", NULL, NULL,
			 "continue, unhandled event");
}

/* ---- panics ---- */

/* [what]: calls that only a correction of the code can help. */
FLOW_BODY(panic_flow)
{
	PgwfChildOptions child = PGWF_CHILD_OPTIONS_INIT;
	PgwfContinueOptions next = PGWF_CONTINUE_OPTIONS_INIT;

	(void) failure;
	switch (json_integer_value(json_array_get(input, 0)))
	{
		case 0:
			pgwf_start_child(wf, NULL, NULL, NULL);
			break;
		case 1:
			child.cancel_type = (PgwfChildCancelType) 9;
			pgwf_start_child(wf, "kid", NULL, &child);
			break;
		case 2:
			pgwf_signal_external(wf, "", "x", NULL, NULL);
			break;
		case 3:
			pgwf_signal_external(wf, "w", NULL, NULL, NULL);
			break;
		case 4:
			pgwf_cancel_external(wf, NULL, NULL, NULL);
			break;
		case 5:
			next.initial_versioning = (PgwfContinueVersioning) 9;
			pgwf_continue_as_new(wf, NULL, &next);
			break;
		case 6:
			pgwf_signal_child(wf, pgwf_start_child(wf, "kid", NULL, NULL), "",
							  NULL, NULL);
			break;
	}
	pgwf_execute_activity(wf, "not reached", NULL, &ten_seconds, NULL, NULL);
	return NULL;
}

static void
test_panics(void)
{
	static const char *const messages[] = {
		"pgwf_start_child was called without a type",
		"child \"kid\" has a policy that is none",
		"pgwf_signal_external was called without a workflow id",
		"pgwf_signal_external was called without a name",
		"pgwf_cancel_external was called without a workflow id",
		"pgwf_continue_as_new was called with a versioning behavior",
		"pgwf_signal_child was called without a name"
	};
	int			i;

	for (i = 0; i < 7; i++)
	{
		char		input[20];
		Sim		   *sim;

		snprintf(input, sizeof(input), "[%d]", i);
		sim = start("panic", input);
		sim_begin(sim);
		run_task_fails(sim, false, messages[i], messages[i]);
	}
}

int
main(void)
{
	static const RunFlow flows[] = {
		{"options", options_flow}, {"family", family_flow},
		{"ids", ids_flow}, {"cancel", cancel_flow}, {"drop", drop_flow},
		{"alone", alone_flow}, {"external", external_flow},
		{"late", late_flow}, {"greetings", greetings_flow},
		{"continue", continue_flow}, {"panic", panic_flow}, {NULL, NULL}
	};

	registry = runs_registry(flows);
	test_options();
	test_closes();
	test_ids();
	test_cancel();
	test_drop();
	test_alone();
	test_external();
	test_child_signals();
	test_continue();
	test_panics();
	pgwf_registry_free(registry);
	return done_testing();
}
