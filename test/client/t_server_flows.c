/*
 * t_server_flows.c
 *		The workflow runtime against a real service: workers, clients, and the
 *		histories that come of it, which must replay in every split.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flows.h"
#include "sim.h"
#include "tap.h"

#define WAIT_MS 30000

static PgwfRegistry *registry;
static PgwfClient *client;
static char queue[64];

static const PgwfActivityOptions ten_seconds = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 10000
};

static void
sleep_ms(long ms)
{
	struct timespec delay = {ms / 1000, (ms % 1000) * 1000000};

	nanosleep(&delay, NULL);
}

/* ---- activities ---- */

static json_t *
echo(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	return json_incref(input);
}

/* Runs until it is told to stop. */
static json_t *
endless(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) input;
	while (pgwf_activity_heartbeat(activity, NULL))
		pgwf_activity_wait_canceled(activity, 50);
	*failure = pgwf_activity_canceled_failure(activity, NULL);
	return NULL;
}

/* [milliseconds]: takes its time. */
static json_t *
slow(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	sleep_ms((long) json_integer_value(json_array_get(input, 0)));
	return json_integer(pgwf_activity_info(activity)->attempt);
}

/* ---- workflows ---- */

static json_t *
effect(void *arg)
{
	(void) arg;
	return json_integer((json_int_t) getpid());
}

/* A bit of everything: [rounds]. */
static json_t *
mixture(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_int_t	n = json_integer_value(json_array_get(input, 0));
	json_int_t	i;

	for (i = 0; i < n; i++)
	{
		PgwfScope  *scope = pgwf_scope_new(wf, false);
		PgwfFuture *race[3];
		PgwfFuture *both[2];

		pgwf_side_effect(wf, effect, NULL);
		if (pgwf_patched(wf, "p"))
			both[0] = pgwf_start_activity(wf, "echo",
										  pgwf_pack(wf, "[s]", pgwf_uuid(wf)),
										  &ten_seconds);
		else
			both[0] = pgwf_start_timer(wf, 10);
		both[1] = pgwf_start_timer(wf, 1 + (int64_t) (pgwf_random(wf) % 40));
		if (!pgwf_await_all(wf, both, 2, failure))
			return NULL;
		pgwf_scope_enter(wf, scope);
		race[0] = pgwf_start_timer(wf, 60000);
		race[1] = pgwf_start_activity(wf, "echo", NULL, &ten_seconds);
		race[2] = pgwf_start_timer(wf, 5);
		pgwf_scope_leave(wf);
		pgwf_await_any(wf, race, 3);
		pgwf_scope_cancel(wf, scope);
	}
	return pgwf_pack(wf, "I", n);
}

/* An activity that is canceled, then a clean-up. */
static json_t *
cancelable(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = ten_seconds;
	PgwfScope  *shield;

	(void) input;
	options.heartbeat_timeout_ms = 1000;
	options.cancel_type = PGWF_CANCEL_WAIT_COMPLETED;
	if (pgwf_execute_activity(wf, "endless", NULL, &options, NULL, failure))
		return NULL;
	shield = pgwf_scope_new(wf, true);
	pgwf_scope_enter(wf, shield);
	pgwf_execute_activity(wf, "echo", NULL, &ten_seconds, NULL, NULL);
	pgwf_scope_leave(wf);
	return NULL;
}

/* A local activity that outlives its workflow task several times over. */
static json_t *
patient(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfLocalOptions options = PGWF_LOCAL_OPTIONS_INIT;
	json_t	   *result;

	options.start_to_close_timeout_ms = 20000;
	if (!pgwf_execute_local_activity(wf, "slow", input, &options, &result,
									 failure))
		return NULL;
	return pgwf_execute_activity(wf, "echo", NULL, &ten_seconds, NULL,
								 failure) ? result : NULL;
}

static json_t *
collect(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *all = pgwf_pack(wf, "[]");
	json_t	   *args;

	(void) input;
	(void) failure;
	while (json_array_size(all) < 20 &&
		   pgwf_receive_signal(wf, "add", 20000, &args) == PGWF_WAIT_DONE)
		json_array_append(all, json_array_get(args, 0));
	return all;
}

/* An activity, then the decision that the edition makes. */
static int	branch_edition;

static json_t *
branch(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) input;
	if (!pgwf_execute_activity(wf, "echo", NULL, &ten_seconds, NULL, failure))
		return NULL;
	if (branch_edition == 0 && !pgwf_sleep(wf, 10, failure))
		return NULL;
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	if (!pgwf_execute_activity(wf, "echo", NULL, &ten_seconds, NULL, failure))
		return NULL;
	return NULL;
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
start_worker(Running *running, int cached)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;

	options.task_queue = queue;
	options.max_cached_workflows = cached;
	options.max_concurrent_activities = 8;
	running->worker = pgwf_worker_new(&options, registry, NULL);
	pthread_create(&running->thread, NULL, run_worker, running->worker);
}

static void
stop_worker(Running *running)
{
	pgwf_worker_stop(running->worker);
	pthread_join(running->thread, NULL);
	pgwf_worker_free(running->worker);
}

static void
start_flow(const char *id, const char *type, const char *input,
		   int64_t task_timeout_ms)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;

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
signal_flow(const char *id, const char *name, json_t *input)
{
	PgwfSignalOptions options = PGWF_SIGNAL_OPTIONS_INIT;

	options.workflow_id = id;
	options.signal_name = name;
	options.input = input;
	if (pgwf_client_signal(client, &options) != PGWF_OK)
		ok(false, "%s: signal: %s", id, pgwf_client_error(client));
	json_decref(input);
}

static int
count_events(const char *id, const char *type)
{
	PgwfHistoryOptions options = PGWF_HISTORY_OPTIONS_INIT;
	json_t	   *events = NULL;
	json_t	   *event;
	size_t		i;
	int			n = 0;

	options.workflow_id = id;
	if (pgwf_client_history(client, &options, &events) != PGWF_OK)
		return -1;
	json_array_foreach(events, i, event)
		n += strcmp(pgwf_json_str(event, "eventType"), type) == 0;
	json_decref(events);
	return n;
}

/* Waits until a run has an event of a type. */
static bool
wait_for_event(const char *id, const char *type)
{
	int			left;

	for (left = WAIT_MS; left > 0; left -= 20)
	{
		if (count_events(id, type) > 0)
			return true;
		sleep_ms(20);
	}
	return false;
}

/* Waits for a run's end and checks its outcome and its history. */
static void
flow_ends(const char *id, const char *status, const char *result,
		  bool splits)
{
	PgwfResultOptions options = PGWF_RESULT_OPTIONS_INIT;
	PgwfReplayReport *report;
	PgwfOutcome outcome;
	json_t	   *history;
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
	history = json_loads(file != NULL ? file : "", 0, NULL);
	pgwf_replay_history(registry, history, &report);
	if (!ok(report->ok, "%s: replays", id))
		note("%s", report->message);
	pgwf_replay_report_free(report);
	events = pgwf_history_import(history, NULL);
	if (splits && !ok(replays_in_all_splits(registry, events, &why),
					  "%s: in all splits", id))
		note("%s", why);
	free(why);
	json_decref(events);
	json_decref(history);
	free(file);
}

/* ---- tests ---- */

/* Many runs at once, with a cache, without one, and with one too small. */
static void
test_mixture(int cached)
{
	Running		running;
	char		id[64];
	int			i;

	start_worker(&running, cached);
	for (i = 0; i < 10; i++)
	{
		snprintf(id, sizeof(id), "mixture-%d-%d-%d", (int) getpid(), cached,
				 i);
		start_flow(id, "mixture", "[5]", 0);
	}
	for (i = 0; i < 10; i++)
	{
		snprintf(id, sizeof(id), "mixture-%d-%d-%d", (int) getpid(), cached,
				 i);
		/* a first task that runs anew draws its side effect again */
		flow_ends(id, "Completed", "[5]", true);
	}
	stop_worker(&running);
}

static void
test_single(void)
{
	PgwfCancelOptions cancel = PGWF_CANCEL_OPTIONS_INIT;
	Running		running;
	char		id[64];
	int			i;

	start_worker(&running, 0);
	snprintf(id, sizeof(id), "cancelable-%d", (int) getpid());
	start_flow(id, "cancelable", "[]", 0);
	sleep_ms(100);
	cancel.workflow_id = id;
	cancel.reason = "enough";
	is_int(pgwf_client_request_cancel(client, &cancel), PGWF_OK,
		   "%s: cancel", id);
	flow_ends(id, "Canceled", NULL, true);

	snprintf(id, sizeof(id), "collect-%d", (int) getpid());
	start_flow(id, "collect", "[]", 0);
	for (i = 0; i < 20; i++)
		signal_flow(id, "add", json_pack("[i]", i));
	flow_ends(id, "Completed", "[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
			  "13, 14, 15, 16, 17, 18, 19]]", true);

	snprintf(id, sizeof(id), "patient-%d", (int) getpid());
	start_flow(id, "patient", "[2500]", 1000);
	flow_ends(id, "Completed", "[1]", true);
	ok(count_events(id, "WorkflowTaskStarted") >= 4, "%s: heartbeats", id);
	is_int(count_events(id, "MarkerRecorded"), 1, "%s: one marker", id);
	is_int(count_events(id, "WorkflowTaskTimedOut"), 0,
		   "%s: no task timed out", id);
	stop_worker(&running);
}

/* Changed code is refused, fixed code goes on. */
static void
test_branch(void)
{
	Running		running;
	char		id[64];

	snprintf(id, sizeof(id), "branch-%d", (int) getpid());
	branch_edition = 0;
	start_worker(&running, 0);
	start_flow(id, "branch", "[]", 0);
	ok(wait_for_event(id, "TimerFired"), "%s: gets to its timer", id);
	sleep_ms(200);
	stop_worker(&running);

	branch_edition = 1;
	start_worker(&running, 0);
	signal_flow(id, "go", json_array());
	ok(wait_for_event(id, "WorkflowTaskFailed"), "%s: is refused", id);
	stop_worker(&running);

	branch_edition = 0;
	start_worker(&running, 0);
	flow_ends(id, "Completed", NULL, true);
	stop_worker(&running);
}

int
main(void)
{
	snprintf(queue, sizeof(queue), "flows-%d", (int) getpid());
	registry = pgwf_registry_new();
	pgwf_register_workflow(registry, "mixture", mixture, NULL);
	pgwf_register_workflow(registry, "cancelable", cancelable, NULL);
	pgwf_register_workflow(registry, "patient", patient, NULL);
	pgwf_register_workflow(registry, "collect", collect, NULL);
	pgwf_register_workflow(registry, "branch", branch, NULL);
	pgwf_register_activity(registry, "echo", echo, NULL);
	pgwf_register_activity(registry, "endless", endless, NULL);
	pgwf_register_activity(registry, "slow", slow, NULL);
	client = pgwf_client_new(NULL, NULL);

	test_mixture(0);
	test_mixture(-1);
	test_mixture(2);
	test_single();
	test_branch();

	pgwf_client_free(client);
	pgwf_registry_free(registry);
	return done_testing();
}
