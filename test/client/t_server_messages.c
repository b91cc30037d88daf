/*
 * t_server_messages.c
 *		Queries and updates through a real service: from a client to a handler
 *		in workflow code and back, with a cache, without one, across workers.
 *		The histories that come of it must replay in every split.
 *
 * Needs a database with the extension, found by the PG* variables.  With
 * MESSAGES_HISTORIES set to a folder, the histories are written there.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "messages.h"
#include "sim.h"
#include "tap.h"

#define WAIT_MS 30000

static PgwfRegistry *registry;
static PgwfClient *client;
static char queue[64];
static char id[64];

static void
sleep_ms(long ms)
{
	struct timespec delay = {ms / 1000, (ms % 1000) * 1000000};

	nanosleep(&delay, NULL);
}

/* [milliseconds]: takes its time; returns what follows. */
static json_t *
slow(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	json_t	   *value = json_array_get(input, 1);

	(void) activity;
	(void) failure;
	sleep_ms((long) json_integer_value(json_array_get(input, 0)));
	return value != NULL ? json_incref(value) : NULL;
}

/* ---- helpers ---- */

typedef struct Running
{
	PgwfWorker *worker;
	pthread_t	thread;
} Running;

static void *
run_worker(void *arg)
{
	PgwfWorker *worker = arg;

	if (pgwf_worker_run(worker) != PGWF_OK)
		note("worker: %s", pgwf_worker_error(worker));
	return NULL;
}

static void
start_worker(Running *running, int cached, PgwfRegistry *code)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;

	options.task_queue = queue;
	options.max_cached_workflows = cached;
	options.deadlock_timeout_ms = 500;
	running->worker = pgwf_worker_new(&options, code, NULL);
	pthread_create(&running->thread, NULL, run_worker, running->worker);
}

static void
stop_worker(Running *running)
{
	pgwf_worker_stop(running->worker);
	pthread_join(running->thread, NULL);
	pgwf_worker_free(running->worker);
}

static int64_t
queries_of(Running *running)
{
	PgwfWorkerStats stats;

	pgwf_worker_stats(running->worker, &stats);
	return stats.queries;
}

static void
start_flow(const char *name, const char *type, const char *input,
		   int64_t task_timeout_ms)
{
	static int	n = 0;
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;

	snprintf(id, sizeof(id), "%s-%d-%d", name, (int) getpid(), n++);
	options.workflow_id = id;
	options.workflow_type = type;
	options.task_queue = queue;
	options.input = json_loads(input, 0, NULL);
	options.task_timeout_ms = task_timeout_ms;
	is_int(pgwf_client_start(client, &options, NULL), PGWF_OK, "%s: start",
		   id);
	json_decref(options.input);
}

static void
signal_flow(const char *name, const char *input)
{
	PgwfSignalOptions options = PGWF_SIGNAL_OPTIONS_INIT;

	options.workflow_id = id;
	options.signal_name = name;
	options.input = json_loads(input, 0, NULL);
	if (pgwf_client_signal(client, &options) != PGWF_OK)
		ok(false, "%s: signal: %s", id, pgwf_client_error(client));
	json_decref(options.input);
}

static PgwfResult
query(const char *name, const char *args, json_t **result)
{
	PgwfQueryOptions options = PGWF_QUERY_OPTIONS_INIT;
	PgwfResult	code;

	options.workflow_id = id;
	options.query_type = name;
	options.args = json_loads(args, 0, NULL);
	*result = NULL;
	code = pgwf_client_query(client, &options, result, NULL);
	json_decref(options.args);
	return code;
}

/* The query's answer; a run that no worker has worked on yet is waited for. */
static void
query_is(const char *name, const char *args, const char *expected,
		 const char *what)
{
	json_t	   *result = NULL;
	PgwfResult	code;
	int			left;

	for (left = WAIT_MS; left > 0; left -= 20)
	{
		code = query(name, args, &result);
		if (code != PGWF_WORKFLOW_NOT_READY)
			break;
		sleep_ms(20);
	}
	if (!is_int(code, PGWF_OK, "%s: %s", id, what))
		note("%s", pgwf_client_error(client));
	is_json(result, expected, "%s: %s: answer", id, what);
	json_decref(result);
}

static void
query_fails(const char *name, const char *args, const char *part,
			const char *what)
{
	json_t	   *result = NULL;

	is_int(query(name, args, &result), PGWF_QUERY_FAILED, "%s: %s", id, what);
	has_str(pgwf_client_error(client), part, "%s: %s: error", id, what);
	json_decref(result);
}

/* The outcome as JSON: [stage, result or failure's message]; new. */
static json_t *
outcome_json(PgwfResult code, PgwfUpdateOutcome *outcome)
{
	json_t	   *json;

	if (code != PGWF_OK)
		json = json_pack("[s, s]", pgwf_result_text(code),
						 pgwf_client_error(client));
	else if (outcome->failure != NULL)
		json = json_pack("[i, s]", (int) outcome->stage,
						 pgwf_failure_message(outcome->failure));
	else
		json = json_pack("[i, O?]", (int) outcome->stage, outcome->result);
	pgwf_update_outcome_clear(outcome);
	return json;
}

static void
update_is(const char *update_id, const char *name, const char *args,
		  PgwfUpdateStage stage, const char *expected)
{
	PgwfUpdateOptions options = PGWF_UPDATE_OPTIONS_INIT;
	PgwfUpdateOutcome outcome;
	PgwfResult	code;
	json_t	   *got;

	memset(&outcome, 0, sizeof(outcome));
	options.workflow_id = id;
	options.update_id = update_id;
	options.update_name = name;
	options.args = args != NULL ? json_loads(args, 0, NULL) : NULL;
	options.wait_for_stage = stage;
	options.timeout_ms = WAIT_MS;
	if (name != NULL)
		code = pgwf_client_update(client, &options, &outcome);
	else
		code = pgwf_client_poll_update(client, &options, &outcome);
	got = outcome_json(code, &outcome);
	is_json(got, expected, "%s: update %s", id, update_id);
	json_decref(got);
	json_decref(options.args);
}

static json_t *
history(void)
{
	PgwfHistoryOptions options = PGWF_HISTORY_OPTIONS_INIT;
	json_t	   *events = NULL;

	options.workflow_id = id;
	if (pgwf_client_history(client, &options, &events) != PGWF_OK)
		note("%s", pgwf_client_error(client));
	return events;
}

static int
count_events(const char *type)
{
	json_t	   *events = history();
	json_t	   *event;
	size_t		i;
	int			n = 0;

	json_array_foreach(events, i, event)
		n += type == NULL ||
		strcmp(pgwf_json_str(event, "eventType"), type) == 0;
	json_decref(events);
	return n;
}

static void
save_history(const char *name, json_t *json)
{
	const char *folder = getenv("MESSAGES_HISTORIES");
	char		path[300];

	if (folder == NULL || name == NULL)
		return;
	snprintf(path, sizeof(path), "%s/%s.json", folder, name);
	json_dump_file(json, path, JSON_INDENT(1));
}

/* Waits for the run's end and checks its outcome and its history. */
static void
flow_ends(const char *status, const char *result, const char *save)
{
	PgwfResultOptions options = PGWF_RESULT_OPTIONS_INIT;
	PgwfReplayReport *report;
	PgwfOutcome outcome;
	json_t	   *json;
	json_t	   *events;
	char	   *file = NULL;
	char	   *why = NULL;

	options.workflow_id = id;
	options.timeout_ms = WAIT_MS;
	is_int(pgwf_client_result(client, &options, &outcome), PGWF_OK,
		   "%s: ends", id);
	is_str(outcome.status, status, "%s: status", id);
	if (result != NULL)
		is_json(outcome.result, result, "%s: result", id);
	pgwf_outcome_clear(&outcome);

	is_int(pgwf_client_history_json(client, id, NULL, &file), PGWF_OK,
		   "%s: history", id);
	json = json_loads(file != NULL ? file : "", 0, NULL);
	save_history(save, json);
	pgwf_replay_history(registry, json, &report);
	if (!ok(report->ok && report->finished, "%s: replays", id))
		note("%s", report->message);
	pgwf_replay_report_free(report);
	events = pgwf_history_import(json, NULL);
	if (!ok(replays_in_all_splits(registry, events, &why),
			"%s: in all splits", id))
		note("%s", why);
	free(why);
	json_decref(events);
	json_decref(json);
	free(file);
}

/* ---- tests ---- */

static void
test_basket(int cached)
{
	Running		running;
	int			n;

	start_worker(&running, cached, registry);
	start_flow("basket", "basket", "[100]", 0);
	query_is("get", "[\"x\"]", "[{\"value\": 0, \"limit\": 100, \"args\": "
			 "[\"x\"]}]", "query");
	update_is("u1", "add", "[30]", PGWF_UPDATE_COMPLETED, "[3, [30]]");
	n = count_events(NULL);
	update_is("u2", "add", "[71]", PGWF_UPDATE_COMPLETED,
			  "[3, \"over the limit of 100\"]");
	update_is("u3", "nothing", "[71]", PGWF_UPDATE_COMPLETED,
			  "[3, \"unknown update \\\"nothing\\\": this workflow knows "
			  "add, add slowly, add locally\"]");
	if (cached >= 0)
		is_int(count_events(NULL), n, "%s: rejections leave no trace", id);
	signal_flow("limit", "[200]");
	update_is("u2", "add", "[71]", PGWF_UPDATE_COMPLETED, "[3, [101]]");
	update_is("u4", "add slowly", "[200, 1]", PGWF_UPDATE_ACCEPTED,
			  "[2, null]");
	query_is("get", "[]", "[{\"value\": 101, \"limit\": 200, \"args\": []}]",
			 "query while a handler waits");
	update_is("u4", NULL, NULL, PGWF_UPDATE_COMPLETED, "[3, [102]]");
	update_is("u5", "add locally", "[20, 8]", PGWF_UPDATE_COMPLETED,
			  "[3, [110]]");
	query_fails("sleep", "[]", "pgwf_start_timer was called from a query "
				"handler", "a query that waits");
	query_fails("none", "[]", "unknown query \"none\": this workflow knows "
				"__stack_trace", "an unknown query");
	query_is("__stack_trace", "[]", "[\"main:\\n    pgwf_wait_condition()\"]",
			 "where it waits");
	update_is("u6", "add slowly", "[1000, 1]", PGWF_UPDATE_ACCEPTED,
			  "[2, null]");
	signal_flow("close", "[]");
	update_is("u6", NULL, NULL, PGWF_UPDATE_COMPLETED, "[3, [111]]");
	flow_ends("Completed", "[111]", cached == 0 ? "basket" : NULL);
	query_is("get", "[]", "[{\"value\": 111, \"limit\": 200, \"args\": []}]",
			 "query of a closed run");
	ok(queries_of(&running) > 0, "%s: queries were tasks of their own", id);
	stop_worker(&running);
}

/* An update that starts its workflow, one that outlives it. */
static void
test_ends(void)
{
	PgwfStartOptions start = PGWF_START_OPTIONS_INIT;
	PgwfUpdateOptions update = PGWF_UPDATE_OPTIONS_INIT;
	PgwfUpdateOutcome outcome;
	PgwfStarted started;
	PgwfResult	code;
	Running		running;
	json_t	   *got;

	start_worker(&running, 0, registry);
	snprintf(id, sizeof(id), "with-start-%d", (int) getpid());
	start.workflow_id = id;
	start.workflow_type = "basket";
	start.task_queue = queue;
	start.input = json_pack("[i]", 10);
	start.id_conflict_policy = PGWF_ID_CONFLICT_USE_EXISTING;
	update.workflow_id = id;
	update.update_id = "first";
	update.update_name = "add";
	update.args = json_pack("[i]", 7);
	update.timeout_ms = WAIT_MS;
	memset(&outcome, 0, sizeof(outcome));
	code = pgwf_client_update_with_start(client, &start, &update, &started,
										 &outcome);
	got = outcome_json(code, &outcome);
	is_json(got, "[3, [7]]", "%s: the update that started it", id);
	json_decref(got);
	json_decref(start.input);
	json_decref(update.args);

	update_is("second", "add slowly", "[1500, 1]", PGWF_UPDATE_ACCEPTED,
			  "[2, null]");
	signal_flow("abort", "[]");
	flow_ends("Completed", "[7]", "basket-abort");
	update_is("second", NULL, NULL, PGWF_UPDATE_COMPLETED,
			  "[3, \"Workflow Update failed because the Workflow completed "
			  "before the Update completed.\"]");
	stop_worker(&running);
}

/* Updates and queries of a task that a local activity holds open. */
static void
test_held(bool cached)
{
	Running		running;

	start_worker(&running, cached ? 0 : -1, registry);
	start_flow("held", "held", "[2500]", 1000);
	update_is("u1", "add", "[1]", PGWF_UPDATE_COMPLETED, "[3, [1]]");
	update_is("u2", "add", "[1000]", PGWF_UPDATE_COMPLETED,
			  "[3, \"over the limit of 100\"]");
	query_is("get", "[]", "[{\"value\": 1, \"limit\": 100, \"args\": []}]",
			 "query");
	update_is("u3", "add", "[2]", PGWF_UPDATE_COMPLETED, "[3, [3]]");
	signal_flow("close", "[]");
	flow_ends("Completed", "[3]", cached ? "held" : NULL);
	is_int(count_events("WorkflowTaskTimedOut"), 0, "%s: no task timed out",
		   id);
	stop_worker(&running);
}

/* The worker dies between messages; another goes on. */
static void
test_other_worker(void)
{
	Running		running;

	start_worker(&running, 0, registry);
	start_flow("moved", "basket", "[50]", 0);
	update_is("u1", "add", "[5]", PGWF_UPDATE_COMPLETED, "[3, [5]]");
	stop_worker(&running);
	start_worker(&running, 0, registry);
	query_is("get", "[]", "[{\"value\": 5, \"limit\": 50, \"args\": []}]",
			 "query at a worker that does not have it");
	update_is("u2", "add", "[6]", PGWF_UPDATE_COMPLETED, "[3, [11]]");
	query_is("get", "[]", "[{\"value\": 11, \"limit\": 50, \"args\": []}]",
			 "and at one that has");
	signal_flow("close", "[]");
	flow_ends("Completed", "[11]", NULL);
	stop_worker(&running);
}

/* A query handler that does not come back takes nothing else with it. */
static void
test_stuck(void)
{
	Running		running;

	start_worker(&running, 0, registry);
	start_flow("stuck", "basket", "[50]", 0);
	update_is("u1", "add", "[5]", PGWF_UPDATE_COMPLETED, "[3, [5]]");
	query_fails("spin", "[]", "potential deadlock", "a query that loops");
	stop_spin();
	update_is("u2", "add", "[6]", PGWF_UPDATE_COMPLETED, "[3, [11]]");
	is_int(count_events("WorkflowTaskFailed"), 0, "%s: no task failed", id);
	signal_flow("close", "[]");
	flow_ends("Completed", "[11]", NULL);
	stop_worker(&running);
}

/* What cannot be written fails its task; the worker goes on. */
static void
test_poison(void)
{
	Running		running;
	int			left;

	start_worker(&running, 0, registry);
	start_flow("poison", "poison", "[\"result\"]", 1000);
	for (left = WAIT_MS; left > 0; left -= 20)
	{
		if (count_events("WorkflowTaskFailed") > 0)
			break;
		sleep_ms(20);
	}
	ok(left > 0, "%s: a result that contains itself fails the task", id);
	stop_poison();
	signal_flow("go", "[]");
	flow_ends("Completed", NULL, NULL);
	start_flow("poison", "poison", "[]", 0);
	query_is("__stack_trace", "[]", "[\"main:\\n    "
			 "pgwf_receive_signal(\\\"go\\\")\"]", "a query");
	query_fails("knot", "[]", "nested too deeply",
				"an answer that contains itself");
	signal_flow("go", "[]");
	flow_ends("Completed", NULL, NULL);
	stop_worker(&running);
}

/* Many at once. */
typedef struct Sender
{
	pthread_t	thread;
	int			number;
	int			good;
} Sender;

static void *
send_updates(void *arg)
{
	Sender	   *sender = arg;
	PgwfClient *own = pgwf_client_new(NULL, NULL);
	int			i;

	for (i = 0; i < 10; i++)
	{
		PgwfUpdateOptions options = PGWF_UPDATE_OPTIONS_INIT;
		PgwfQueryOptions ask = PGWF_QUERY_OPTIONS_INIT;
		PgwfUpdateOutcome outcome;
		json_t	   *result = NULL;

		memset(&outcome, 0, sizeof(outcome));
		options.workflow_id = id;
		options.update_name = i % 3 == 2 ? "add slowly" : "add";
		options.args = i % 3 == 2 ? json_pack("[i, i]", 5, 1) :
			json_pack("[i]", i % 3 == 1 ? 100000 : 1);
		options.timeout_ms = WAIT_MS;
		if (pgwf_client_update(own, &options, &outcome) == PGWF_OK)
			sender->good += outcome.failure == NULL ? 1 : 100;
		else
			note("%s", pgwf_client_error(own));
		json_decref(options.args);
		pgwf_update_outcome_clear(&outcome);
		ask.workflow_id = id;
		ask.query_type = "get";
		if (sender->number == 0 &&
			pgwf_client_query(own, &ask, &result, NULL) != PGWF_OK)
		{
			note("%s", pgwf_client_error(own));
			sender->good = -1000;
		}
		json_decref(result);
	}
	pgwf_client_free(own);
	return NULL;
}

static void
test_many(int cached)
{
	Running		running;
	Sender		senders[3];
	int			i;

	start_worker(&running, cached, registry);
	start_flow("many", "basket", "[1000]", 0);
	update_is("u", "add", "[0]", PGWF_UPDATE_COMPLETED, "[3, [0]]");
	for (i = 0; i < 3; i++)
	{
		senders[i].number = i;
		senders[i].good = 0;
		pthread_create(&senders[i].thread, NULL, send_updates, &senders[i]);
	}
	for (i = 0; i < 3; i++)
	{
		pthread_join(senders[i].thread, NULL);
		is_int(senders[i].good, 7 + 300, "%s: sender %d: accepted, rejected",
			   id, i);
	}
	query_is("get", "[]", "[{\"value\": 21, \"limit\": 1000, \"args\": []}]",
			 "sum");
	signal_flow("close", "[]");
	flow_ends("Completed", "[21]", NULL);
	stop_worker(&running);
}

int
main(void)
{
	snprintf(queue, sizeof(queue), "messages-%d", (int) getpid());
	registry = pgwf_registry_new();
	register_messages(registry);
	pgwf_register_activity(registry, "slow", slow, NULL);
	client = pgwf_client_new(NULL, NULL);

	test_basket(0);
	test_basket(-1);
	test_ends();
	test_held(true);
	test_held(false);
	test_other_worker();
	test_stuck();
	test_poison();
	test_many(0);
	test_many(-1);

	pgwf_client_free(client);
	pgwf_registry_free(registry);
	return done_testing();
}
