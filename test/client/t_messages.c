/*
 * t_messages.c
 *		Queries and updates, and the handlers of messages when a workflow ends,
 *		against the simulated service.  Each run is also replayed in every
 *		split.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "tap.h"

/* ---- a counter that understands everything ---- */

typedef struct Counter
{
	json_int_t	value;
	json_int_t	limit;
	bool		closing;
} Counter;

static json_t *
get(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
	PgwfFailure **failure)
{
	Counter    *counter = arg;

	(void) failure;
	pgwf_log(wf, PGWF_LOG_INFO, "asked for %s", name);
	return pgwf_pack(wf, "{s:s, s:I, s:O, s:b}", "name", name, "value",
					 counter->value, "args", args, "replaying",
					 (int) pgwf_is_replaying(wf));
}

static json_t *
complain(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		 PgwfFailure **failure)
{
	(void) wf;
	(void) name;
	(void) args;
	(void) arg;
	*failure = pgwf_failure_new("Complaint", "do not ask");
	return NULL;
}

/* A query handler that does what it must not. */
static json_t *
misbehave(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		  PgwfFailure **failure)
{
	const char *how = json_string_value(json_array_get(args, 0));

	(void) name;
	(void) arg;
	if (strcmp(how, "sleep") == 0)
		pgwf_sleep(wf, 1000, failure);
	else if (strcmp(how, "activity") == 0)
		pgwf_start_activity(wf, "a", NULL, &ten_seconds);
	else if (strcmp(how, "wait") == 0)
		pgwf_receive_signal(wf, "never", PGWF_FOREVER, NULL);
	else if (strcmp(how, "random") == 0)
		pgwf_random(wf);
	else if (strcmp(how, "spawn") == 0)
		pgwf_spawn(wf, NULL, NULL);
	else if (strcmp(how, "patch") == 0)
		pgwf_patched(wf, "p");
	else if (strcmp(how, "handler") == 0)
		pgwf_set_query_handler(wf, "x", get, NULL);
	else
		pgwf_panic(wf, "no way");
	return NULL;
}

static json_t *
add(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
	PgwfFailure **failure)
{
	Counter    *counter = arg;
	json_int_t	n = json_integer_value(json_array_get(args, 0));

	(void) name;
	run_say("[add]");
	if (n == 13)
	{
		*failure = pgwf_failure_new("Unlucky", "%d", (int) n);
		return NULL;
	}
	counter->value += n;
	return pgwf_pack(wf, "[I, s, s]", counter->value, pgwf_update_id(wf),
					 pgwf_update_name(wf));
}

static void
check_add(PgwfWorkflow *wf, const char *name, const json_t *args, void *arg,
		  PgwfFailure **failure)
{
	Counter    *counter = arg;
	json_int_t	n = json_integer_value(json_array_get(args, 0));

	(void) name;
	run_say("[check]");
	pgwf_alloc(wf, 10000);
	if (n == 666)
		pgwf_sleep(wf, 1000, NULL);
	if (counter->value + n > counter->limit)
		*failure = pgwf_failure_new("TooMuch", "over the limit of %d",
									(int) counter->limit);
}

/* Takes its time: an activity first. */
static json_t *
add_slowly(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		   PgwfFailure **failure)
{
	json_t	   *result;

	if (!pgwf_execute_activity(wf, "slow", args, &ten_seconds, &result,
							   failure))
		return NULL;
	return add(wf, name, pgwf_pack(wf, "[O]", result), arg, failure);
}

static json_t *
any_update(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		   PgwfFailure **failure)
{
	(void) arg;
	(void) failure;
	if (strcmp(name, "panic") == 0)
		pgwf_panic(wf, "an update too many");
	return pgwf_pack(wf, "{s:s, s:O}", "any", name, "args", args);
}

static void
set_limit(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) wf;
	(void) name;
	run_say("[limit]");
	((Counter *) arg)->limit = json_integer_value(json_array_get(input, 0));
}

static void
close_counter(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) wf;
	(void) name;
	(void) input;
	((Counter *) arg)->closing = true;
}

static void
counter_init(PgwfWorkflow *wf, json_t *input)
{
	static const PgwfUpdateHandlerOptions checked = {
		PGWF_UPDATE_HANDLER_OPTIONS_DEFAULTS,
		.validator = check_add
	};
	Counter    *counter = pgwf_alloc(wf, sizeof(Counter));

	run_say("[init]");
	counter->value = json_integer_value(json_array_get(input, 0));
	counter->limit = 100;
	pgwf_set_state(wf, counter);
	pgwf_set_query_handler(wf, "get", get, counter);
	pgwf_set_query_handler(wf, "complain", complain, NULL);
	pgwf_set_query_handler(wf, "misbehave", misbehave, NULL);
	pgwf_set_update_handler(wf, "add", add, counter, &checked);
	pgwf_set_update_handler(wf, "add slowly", add_slowly, counter, NULL);
	pgwf_set_signal_handler(wf, "limit", set_limit, counter);
	pgwf_set_signal_handler(wf, "close", close_counter, counter);
}

static bool
is_closing(void *arg)
{
	return ((Counter *) arg)->closing;
}

FLOW_BODY(counter_flow)
{
	Counter    *counter = pgwf_state(wf);

	(void) input;
	(void) failure;
	run_say("[main]");
	pgwf_set_current_details(wf, "counting");
	pgwf_wait_condition(wf, is_closing, counter, PGWF_FOREVER);
	pgwf_wait_handlers(wf, PGWF_FOREVER);
	return pgwf_pack(wf, "I", counter->value);
}

/* ---- queries ---- */

static void
test_queries(void)
{
	static const struct
	{
		const char *how;
		const char *message;
	}			bad[] =
	{
		{"[\"sleep\"]", "pgwf_start_timer was called from a query handler, "
		"which must not change anything"},
		{"[\"activity\"]", "pgwf_start_activity was called from"},
		{"[\"wait\"]", "pgwf_receive_signal was called from"},
		{"[\"random\"]", "pgwf_random was called from"},
		{"[\"spawn\"]", "pgwf_spawn was called from"},
		{"[\"patch\"]", "pgwf_patched was called from"},
		{"[\"handler\"]", "pgwf_set_query_handler was called from"},
		{"[\"panic\"]", "no way"},
	};
	Sim		   *sim = start("counter", "[5]");
	json_t	   *answer;
	size_t		owned;
	size_t		i;

	sim_buffer_query(sim, "q1", "get", "[1, \"x\"]");
	sim_buffer_query(sim, "q2", "complain", "[]");
	sim_task(sim);
	is_json(sim->out.query_results,
			"{\"q1\": {\"resultType\": \"QUERY_RESULT_TYPE_ANSWERED\", "
			"\"answer\": [{\"name\": \"get\", \"value\": 5, \"args\": "
			"[1, \"x\"], \"replaying\": true}]}, \"q2\": {\"resultType\": "
			"\"QUERY_RESULT_TYPE_FAILED\", \"errorMessage\": \"do not ask\", "
			"\"failure\": {\"message\": \"do not ask\", \"source\": "
			"\"pgworkflow-c\", \"applicationFailureInfo\": {\"type\": "
			"\"Complaint\"}}}}", "queries that came with a task");
	is_str(logged, "", "they do not write to the log");

	owned = sim->instance->memory.n_owned;
	answer_is(sim_query(sim, "get", "[]"), "[{\"name\": \"get\", \"value\": 5, "
			  "\"args\": [], \"replaying\": true}]", "a query of a cached run");
	answer_is(sim_query_uncached(sim, "get", "[2]"),
			  "[{\"name\": \"get\", \"value\": 5, \"args\": [2], "
			  "\"replaying\": true}]", "of one that is not");
	answer_fails(sim_query(sim, "nothing", "[]"),
				 "unknown query \"nothing\": this workflow knows "
				 "__stack_trace, __enhanced_stack_trace, "
				 "__temporal_workflow_metadata, get, complain, misbehave",
				 "an unknown query");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		answer_fails(sim_query(sim, "misbehave", bad[i].how), bad[i].message,
					 bad[i].how);
		answer_fails(sim_query_uncached(sim, "misbehave", bad[i].how),
					 bad[i].message, bad[i].how);
	}
	is_int((long long) sim->instance->memory.n_owned, (long long) owned,
		   "queries leave nothing in the run's memory");

	/* nothing of that has reached the run */
	sim_signal(sim, "limit", "[7]");
	sim_buffer_query(sim, "q3", "misbehave", "[\"activity\"]");
	sim_task(sim);
	run_asks(sim, "", "a query leaves no command");
	answer = json_object_get(sim->out.query_results, "q3");
	answer_fails(json_incref(answer), "pgwf_start_activity", "with a task");
	sim_signal(sim, "close", "[]");
	sim_task(sim);
	answer_is(sim_query_uncached(sim, "get", "[]"),
			  "[{\"name\": \"get\", \"value\": 5, \"args\": [], "
			  "\"replaying\": true}]", "a query of a closed run");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[5]", "queries");
}

/* A query sees what the last task that was answered has come to, no more. */
static void
test_query_history(void)
{
	Sim		   *sim = start("counter", "[1]");
	json_t	   *answer;

	answer_fails(sim_query_uncached(sim, "get", "[]"),
				 "no workflow task of the workflow has completed",
				 "a query before the first task");
	sim_task(sim);
	sim_signal(sim, "close", "[]");
	answer = sim_query_uncached(sim, "get", "[]");
	is_json(json_object_get(json_array_get(json_object_get(answer, "answer"),
										   0), "value"), "1",
			"a signal came that no task has seen");
	json_decref(answer);
	sim_begin(sim);
	answer = sim_query_uncached(sim, "get", "[]");
	is_json(json_object_get(json_array_get(json_object_get(answer, "answer"),
										   0), "value"), "1",
			"a task is open elsewhere");
	json_decref(answer);
	sim_end(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[1]", "query history");
}

static json_t *
any_query(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		  PgwfFailure **failure)
{
	(void) args;
	(void) arg;
	(void) failure;
	return pgwf_pack(wf, "s", name);
}

static void
any_signal(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) wf;
	(void) input;
	(void) arg;
	run_say("%s", name);
}

/* Waits in several ways, with handlers for all names. */
static json_t *
wait_long(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	(void) arg;
	pgwf_set_coroutine_name(wf, "the patient one");
	pgwf_sleep(wf, 3600000, failure);
	return NULL;
}

FLOW_BODY(waiting_flow)
{
	PgwfFuture *futures[2];

	(void) input;
	pgwf_set_query_handler(wf, NULL, any_query, NULL);
	pgwf_set_update_handler(wf, NULL, any_update, NULL, NULL);
	pgwf_set_signal_handler(wf, NULL, any_signal, NULL);
	pgwf_set_signal_handler(wf, "go", NULL, NULL);
	pgwf_set_current_details(wf, "waiting for **go**");
	pgwf_spawn(wf, wait_long, NULL);
	futures[0] = pgwf_start_activity(wf, "paint", NULL, &ten_seconds);
	futures[1] = pgwf_start_timer(wf, 60000);
	pgwf_await_any(wf, futures, 2);
	pgwf_set_signal_handler(wf, NULL, NULL, NULL);
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	*failure = NULL;
	return NULL;
}

static void
test_builtins(void)
{
	Sim		   *sim = start("waiting", "[]");

	sim_task(sim);
	answer_is(sim_query(sim, "__stack_trace", "[]"),
			  "[\"main:\\n    pgwf_await_any(activity \\\"1\\\" of type "
			  "\\\"paint\\\"; timer \\\"1\\\")\\n\\nthe patient one:\\n    "
			  "pgwf_await(timer \\\"2\\\")\"]", "where it waits");
	answer_is(sim_query(sim, "__temporal_workflow_metadata", "[]"),
			  "[{\"definition\": {\"type\": \"waiting\", "
			  "\"queryDefinitions\": [{\"name\": \"__stack_trace\"}, "
			  "{\"name\": \"__enhanced_stack_trace\"}, {\"name\": "
			  "\"__temporal_workflow_metadata\"}, {}], "
			  "\"signalDefinitions\": [{}], \"updateDefinitions\": [{}]}, "
			  "\"currentDetails\": \"waiting for **go**\"}]", "its names");
	answer_is(sim_query(sim, "anything", "[]"), "[\"anything\"]",
			  "a query for the handler of all others");
	answer_fails(sim_query(sim, "__something", "[]"), "unknown query",
				 "it does not get reserved names");
	sim_signal(sim, "hello", "[]");
	sim_update(sim, "u", "whatever", "[3]");
	sim_task(sim);
	is_json(sim_update_outcome(sim, "u"), "{\"success\": [{\"any\": "
			"\"whatever\", \"args\": [3]}]}", "an update likewise");
	is_str(run_trace, "hello", "a signal likewise");
	sim_complete(sim, "1", "1");
	sim_task(sim);
	answer_is(sim_query(sim, "__stack_trace", "[]"),
			  "[\"main:\\n    pgwf_receive_signal(\\\"go\\\")\\n\\n"
			  "the patient one:\\n    pgwf_await(timer \\\"2\\\")\"]",
			  "where it waits now");
	answer_is(sim_query_uncached(sim, "__enhanced_stack_trace", "[]"),
			  "[{\"sdk\": {\"name\": \"pgworkflow-c\", \"version\": \""
			  PGWF_VERSION "\"}, \"sources\": {}, \"stacks\": "
			  "[{\"locations\": [{\"functionName\": "
			  "\"pgwf_receive_signal(\\\"go\\\")\", \"internalCode\": true}, "
			  "{\"functionName\": \"main\", \"internalCode\": false}]}, "
			  "{\"locations\": [{\"functionName\": "
			  "\"pgwf_await(timer \\\"2\\\")\", \"internalCode\": true}, "
			  "{\"functionName\": \"the patient one\", \"internalCode\": "
			  "false}]}]}]", "the same as JSON");
	sim_signal(sim, "go", "[]");
	sim_task(sim);
	answer_is(sim_query_uncached(sim, "__stack_trace", "[]"),
			  "[\"the patient one:\\n    pgwf_await(timer \\\"2\\\")\"]",
			  "of a closed run");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "waiting");
}

/* ---- updates ---- */

static void
test_updates(void)
{
	Sim		   *sim = start("counter", "[5]");

	sim_task(sim);
	is_str(run_trace, "[init][main]", "init comes before main");

	run_trace[0] = '\0';
	sim_update(sim, "u1", "add", "[2]");
	sim_task(sim);
	is_str(run_trace, "[check][add]", "a validator, then the handler");
	is_json(sim->out.messages,
			"[{\"id\": \"u1/request/accept\", \"protocolInstanceId\": \"u1\", "
			"\"body\": {\"@type\": "
			"\"type.googleapis.com/temporal.api.update.v1.Acceptance\", "
			"\"acceptedRequestMessageId\": \"u1/request\", "
			"\"acceptedRequestSequencingEventId\": 5}}, {\"id\": "
			"\"u1/request/complete\", \"protocolInstanceId\": \"u1\", "
			"\"body\": {\"@type\": "
			"\"type.googleapis.com/temporal.api.update.v1.Response\", "
			"\"meta\": {\"updateId\": \"u1\", \"identity\": \"client\"}, "
			"\"outcome\": {\"success\": [[7, \"u1\", \"add\"]]}}}]",
			"the messages of an update");
	is_json(sim->out.commands,
			"[{\"commandType\": \"ProtocolMessage\", \"attributes\": "
			"{\"messageId\": \"u1/request/accept\"}}, {\"commandType\": "
			"\"ProtocolMessage\", \"attributes\": {\"messageId\": "
			"\"u1/request/complete\"}}]", "their places");

	sim_update(sim, "u2", "add", "[1000]");
	sim_task(sim);
	is_str(sim_update_state(sim, "u2"), "rejected", "a rejected update");
	is_json(json_object_get(json_object_get(sim_update_outcome(sim, "u2"),
											"failure"), "message"),
			"\"over the limit of 100\"", "why");
	is_int(sim->discarded, 1, "leaves no run_trace");
	run_asks(sim, "", "nor a command");

	sim_update(sim, "u3", "add", "[13]");
	sim_update(sim, "u4", "add slowly", "[4]");
	sim_update(sim, "u5", "nothing", "[4]");
	sim_update(sim, "u6", "add", "[666]");
	sim_task(sim);
	run_asks(sim, "ProtocolMessage, ProtocolMessage, ProtocolMessage, "
			 "ScheduleActivityTask 1", "four at once");
	is_json(json_object_get(json_object_get(sim_update_outcome(sim, "u3"),
											"failure"), "message"),
			"\"13\"", "a handler fails");
	is_str(sim_update_state(sim, "u4"), "accepted", "one goes on");
	is_json(json_object_get(json_object_get(sim_update_outcome(sim, "u5"),
											"failure"), "message"),
			"\"unknown update \\\"nothing\\\": this workflow knows add, "
			"add slowly\"", "one is unknown");
	is_json(json_object_get(json_object_get(sim_update_outcome(sim, "u6"),
											"failure"), "message"),
			"\"pgwf_start_timer was called from a validator, which must not "
			"change anything\"", "one's validator breaks the rules");
	sim_signal(sim, "close", "[]");
	sim_task(sim);
	is_str(sim_status(sim), "open", "the handler is waited for");
	answer_is(sim_query(sim, "__stack_trace", "[]"),
			  "[\"main:\\n    pgwf_wait_handlers()\\n\\nupdate handler "
			  "\\\"add slowly\\\":\\n    pgwf_await(activity \\\"1\\\" of "
			  "type \\\"slow\\\")\"]", "and shown");
	sim_complete(sim, "1", "4");
	sim_task(sim);
	is_json(sim_update_outcome(sim, "u4"),
			"{\"success\": [[11, \"u4\", \"add slowly\"]]}", "its outcome");
	is_str(logged, "", "nothing is left unfinished");
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[11]", "updates");
}

/* Messages that are there before the workflow function. */
static void
test_early_messages(void)
{
	Sim		   *sim = start("counter", "[50]");

	sim_signal(sim, "limit", "[60]");
	sim_update(sim, "u1", "add", "[20]");
	sim_update(sim, "u2", "add", "[10]");
	sim_signal(sim, "limit", "[70]");
	sim_update(sim, "u3", "nothing", "[10]");
	sim_task(sim);
	is_str(run_trace, "[init][limit][limit][check][add][check][main]",
		   "init, signals, updates, then main");
	is_str(sim_update_state(sim, "u1"), "completed",
		   "a validator sees what signals before it did");
	is_str(sim_update_state(sim, "u2"), "rejected", "and updates");
	is_str(sim_update_state(sim, "u3"), "rejected", "unknown");
	sim_signal(sim, "close", "[]");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[70]", "early");

	/* without an init function they wait for their handlers */
	sim = start("waiting", "[]");
	sim_update(sim, "u1", "x", "[]");
	sim_task(sim);
	is_str(sim_update_state(sim, "u1"), "completed",
		   "an update waits for its handler");
	sim_fire(sim, "1");
	sim_task(sim);
	sim_signal(sim, "go", "[]");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "late handlers");
}

/* A handler that the code no longer sets. */
static bool without_handler;

FLOW_BODY(handler_flow)
{
	(void) input;
	(void) failure;
	if (!without_handler)
		pgwf_set_update_handler(wf, "x", any_update, NULL, NULL);
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	return NULL;
}

static void
test_changed_handlers(void)
{
	Sim		   *sim = start("handler", "[]");
	PgwfReplayReport *report;

	sim_task(sim);
	sim_update(sim, "u1", "x", "[]");
	sim_task(sim);
	without_handler = true;
	pgwf_replay_history(registry, sim->events, &report);
	is_str(report->message, "event 8 is WorkflowExecutionUpdateAccepted "
		   "(update id \"u1\"), but the workflow code asked for nothing more",
		   "a recorded update without handler");
	ok(report->nondeterminism, "is nondeterminism");
	pgwf_replay_report_free(report);
	without_handler = false;

	/* the id is compared */
	json_object_set_new(json_object_get(json_array_get(sim->events, 8),
										"attributes"), "meta",
						json_pack("{s:s}", "updateId", "u2"));
	pgwf_replay_history(registry, sim->events, &report);
	is_str(report->message, "event 9 is WorkflowExecutionUpdateCompleted "
		   "(update id \"u2\"), but the workflow code asked for "
		   "ProtocolMessage (message \"u1/request/complete\")",
		   "the outcome of another update");
	pgwf_replay_report_free(report);
	sim_free(sim);

	sim = start("waiting", "[]");
	sim_task(sim);
	sim_update(sim, "u1", "panic", "[]");
	sim_begin(sim);
	is_int(sim->out.status, PGWF_TASK_FAILED, "a panic in a handler");
	is_str(sim->out.message, "an update too many", "fails the task");
	sim_free(sim);
}

/* Code that disagrees with history can be told to fail the workflow. */
static void
test_disagreement(void)
{
	Sim		   *sim = start("handler", "[]");

	sim_task(sim);
	sim_update(sim, "u1", "x", "[]");
	sim_task(sim);
	sim_evict(sim);
	sim_signal(sim, "go", "[]");
	without_handler = true;
	pgwf_registry_fail_on(registry, PGWF_FAIL_ON_NONDETERMINISM);
	sim_task(sim);
	pgwf_registry_fail_on(registry, 0);
	without_handler = false;
	is_str(sim_status(sim), "WorkflowExecutionFailed",
		   "nondeterminism fails the workflow, if it is to");
	is_json(json_object_get(json_object_get(json_object_get(sim_last_attributes(sim),
															"failure"),
											"applicationFailureInfo"),
							"type"),
			"\"NonDeterminismError\"", "with its type");
	sim_free(sim);
}

/* An update reapplied by a reset: its request is in UpdateAdmitted. */
static void
test_admitted(void)
{
	Sim		   *sim = start("counter", "[1]");
	json_t	   *accepted;
	json_t	   *request;
	PgwfReplayReport *report;

	sim_task(sim);
	sim_signal(sim, "limit", "[50]");
	sim_update(sim, "u1", "add", "[2]");
	sim_task(sim);
	sim_signal(sim, "close", "[]");
	sim_task(sim);
	is_str(sim_status(sim), "WorkflowExecutionCompleted", "closed");
	accepted = json_object_get(json_array_get(sim->events, 8), "attributes");
	request = json_incref(json_object_get(accepted, "acceptedRequest"));
	json_object_del(accepted, "acceptedRequest");
	pgwf_replay_history(registry, sim->events, &report);
	is_str(report->message, "event 9 accepts an update without its request",
		   "an acceptance without a request");
	pgwf_replay_report_free(report);

	/* the signal becomes the admission: the same ids */
	json_object_set_new(json_array_get(sim->events, 4), "eventType",
						json_string("WorkflowExecutionUpdateAdmitted"));
	json_object_set_new(json_array_get(sim->events, 4), "attributes",
						json_pack("{s:o, s:s}", "request", request, "origin",
								  "UPDATE_ADMITTED_EVENT_ORIGIN_REAPPLY"));
	pgwf_replay_history(registry, sim->events, &report);
	is_str(report->message, "", "an update that was admitted before");
	ok(report->finished, "replays to the end");
	pgwf_replay_report_free(report);
	sim_free(sim);
}

static void
test_discarded(bool evict)
{
	Sim		   *sim = start("counter", "[5]");
	int			i;

	sim_task(sim);
	for (i = 0; i < 3; i++)
	{
		sim_update(sim, "r", "add", "[1000]");
		if (evict)
			sim_evict(sim);
		sim_task(sim);
	}
	is_int(sim->discarded, 3, "tasks of rejected updates are forgotten");
	sim_update(sim, "s", "add slowly", "[1]");
	sim_task(sim);
	is_str(sim_update_state(sim, "s"), "accepted", "the next is accepted");
	sim_update(sim, "r", "add", "[1000]");
	sim_task(sim);
	is_int(sim->discarded, 4, "behind commands as well");
	sim_complete(sim, "1", "1");
	sim_update(sim, "r", "add", "[1000]");
	sim_task(sim);
	is_int(sim->discarded, 4, "not if something happened");
	sim_update(sim, "r", "add", "[1000]");
	sim_task(sim);
	sim_update(sim, "t", "add", "[2]");
	sim_task(sim);
	is_int(sim->discarded, 5, "once more");
	sim_signal(sim, "close", "[]");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[8]", "discarded");
}

/* ---- the end of the workflow ---- */

static json_t *
never_ends(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		   PgwfFailure **failure)
{
	(void) name;
	(void) args;
	(void) arg;
	pgwf_sleep(wf, 1000000, failure);
	return NULL;
}

static void
endless_signal(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) name;
	(void) input;
	(void) arg;
	pgwf_sleep(wf, 1000000, NULL);
}

FLOW_BODY(careless_flow)
{
	PgwfUpdateHandlerOptions options = PGWF_UPDATE_HANDLER_OPTIONS_INIT;
	PgwfSignalHandlerOptions signal = PGWF_SIGNAL_HANDLER_OPTIONS_INIT;
	PgwfQueryHandlerOptions query = PGWF_QUERY_HANDLER_OPTIONS_INIT;

	(void) input;
	(void) failure;
	pgwf_set_update_handler(wf, "warn", never_ends, NULL, &options);
	options.unfinished = PGWF_UNFINISHED_ABANDON;
	options.description = "never returns";
	pgwf_set_update_handler(wf, "abandon", never_ends, NULL, &options);
	pgwf_set_signal_handler(wf, "endless", endless_signal, NULL);
	signal.unfinished = PGWF_UNFINISHED_ABANDON;
	signal.description = "sleeps on";
	pgwf_set_signal_handler_with(wf, "background", endless_signal, NULL,
								 &signal);
	query.description = "whatever you like";
	pgwf_set_query_handler_with(wf, "any", any_query, NULL, &query);
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	return NULL;
}

static void
test_unfinished(void)
{
	Sim		   *sim = start("careless", "[]");
	PgwfReplayReport *report;

	sim_task(sim);
	answer_is(sim_query(sim, "__temporal_workflow_metadata", "[]"),
			  "[{\"definition\": {\"type\": \"careless\", "
			  "\"queryDefinitions\": [{\"name\": \"__stack_trace\"}, "
			  "{\"name\": \"__enhanced_stack_trace\"}, {\"name\": "
			  "\"__temporal_workflow_metadata\"}, {\"name\": \"any\", "
			  "\"description\": \"whatever you like\"}], "
			  "\"signalDefinitions\": [{\"name\": \"background\", "
			  "\"description\": \"sleeps on\"}, {\"name\": \"endless\"}], "
			  "\"updateDefinitions\": [{\"name\": \"warn\"}, {\"name\": "
			  "\"abandon\", \"description\": \"never returns\"}]}}]",
			  "what handlers say of themselves");
	sim_update(sim, "u1", "abandon", "[]");
	sim_signal(sim, "background", "[]");
	sim_task(sim);
	sim_signal(sim, "go", "[]");
	sim_task(sim);
	is_str(logged, "", "handlers that may be abandoned");
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "abandoned");

	sim = start("careless", "[]");
	sim_task(sim);
	sim_update(sim, "u1", "warn", "[]");
	sim_signal(sim, "endless", "[]");
	sim_signal(sim, "background", "[]");
	sim_task(sim);
	sim_signal(sim, "go", "[]");
	sim_task(sim);
	is_str(logged, "workflow \"w\" closes while the handler of update \"warn\" "
		   "(id \"u1\") has not returned\nworkflow \"w\" closes while 1 "
		   "handlers of signals have not returned\n",
		   "handlers that may not");
	logged[0] = '\0';
	pgwf_replay_history(registry, sim->events, &report);
	ok(report->finished, "the same on replay");
	is_str(logged, "", "says nothing");
	pgwf_replay_report_free(report);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "warned");
}

int
main(void)
{
	static const RunFlow flows[] = {
		{"waiting", waiting_flow},
		{"handler", handler_flow},
		{"careless", careless_flow},
		{NULL, NULL}
	};
	PgwfTypeOptions options = PGWF_TYPE_OPTIONS_INIT;

	registry = runs_registry(flows);
	pgwf_registry_set_log(registry, log_line, NULL);
	options.init = counter_init;
	pgwf_register_workflow_with(registry, "counter", counter_flow, NULL,
								&options);

	test_queries();
	test_query_history();
	test_builtins();
	test_updates();
	test_early_messages();
	test_changed_handlers();
	test_disagreement();
	test_admitted();
	test_discarded(false);
	test_discarded(true);
	test_unfinished();
	pgwf_registry_free(registry);
	return done_testing();
}
