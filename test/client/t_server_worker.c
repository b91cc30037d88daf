/*
 * t_server_worker.c
 *		Pipelines, clients and workers inside one process, against a server.
 *
 * Looks at what the TAP tests cannot see from outside: the counters of a
 * worker, batches that fail, calls within the caller's transaction.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pgwf_conn.h"
#include "tap.h"

/* How long anything may take. */
#define LIMIT_MS	30000

static PgwfRegistry *registry;
static PgwfClient *client;
static char queue[64];

/* An id of this run of the test. */
static const char *
id_of(const char *name)
{
	static char ids[8][128];
	static int	next;
	char	   *id = ids[next++ % 8];

	snprintf(id, sizeof(ids[0]), "%s-%s", name, queue);
	return id;
}

/* ---- workflows and activities ---- */

static json_t *
one(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *result;

	options.start_to_close_timeout_ms = 60000;
	if (!pgwf_execute_activity(wf, "echo", input, &options, &result, failure))
		return NULL;
	return result;
}

/* Waits for signal "end" after one activity. */
static json_t *
hold(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *result = one(wf, input, failure);

	pgwf_receive_signal(wf, "end", PGWF_FOREVER, NULL);
	return result;
}

static json_t *
outside(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *result;

	(void) input;
	options.start_to_close_timeout_ms = 60000;
	options.cancel_type = PGWF_CANCEL_WAIT_COMPLETED;
	if (!pgwf_execute_activity(wf, "later", NULL, &options, &result, failure))
		return NULL;
	return result;
}

/* Its code takes a while each time, as does a replay of all of it. */
static json_t *
slow(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	int			i;

	for (i = 0; i < 8; i++)
	{
		poll(NULL, 0, 100);
		if (!pgwf_sleep(wf, 1, failure))
			return NULL;
	}
	return json_array_get(input, 0);
}

static json_t *
echo(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	return json_incref(json_array_get(input, 0));
}

static pthread_mutex_t token_mutex = PTHREAD_MUTEX_INITIALIZER;
static char token[2000];

static json_t *
later(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) input;
	(void) failure;
	pthread_mutex_lock(&token_mutex);
	snprintf(token, sizeof(token), "%s",
			 pgwf_activity_info(activity)->task_token);
	pthread_mutex_unlock(&token_mutex);
	pgwf_activity_complete_async(activity);
	return NULL;
}

/* ---- helpers ---- */

static long worker_sleeps;		/* of the main thread of the last worker */

static void *
worker_main(void *arg)
{
	struct rusage usage;

	pgwf_worker_run(arg);
	getrusage(RUSAGE_THREAD, &usage);
	worker_sleeps = usage.ru_nvcsw;
	return NULL;
}

static PgwfWorker *
begin_worker(PgwfWorkerOptions *options, pthread_t *thread)
{
	PgwfWorker *worker;

	options->task_queue = queue;
	worker = pgwf_worker_new(options, registry, NULL);
	pthread_create(thread, NULL, worker_main, worker);
	return worker;
}

static void
end_worker(PgwfWorker *worker, pthread_t thread, PgwfWorkerStats *stats)
{
	pgwf_worker_stop(worker);
	pthread_join(thread, NULL);
	is_str(pgwf_worker_error(worker), "", "the worker ends without an error");
	if (stats != NULL)
		pgwf_worker_stats(worker, stats);
	pgwf_worker_free(worker);
}

static bool
start(PgwfClient *by, const char *id, const char *type, int n)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfResult	code;

	options.workflow_id = id;
	options.workflow_type = type;
	options.task_queue = queue;
	options.input = json_pack("[i]", n);
	code = pgwf_client_start(by, &options, NULL);
	json_decref(options.input);
	if (code != PGWF_OK)
		note("start of %s: %s", id, pgwf_client_error(by));
	return code == PGWF_OK;
}

static bool
completes(const char *id, int n)
{
	PgwfResultOptions options = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;
	bool		good;

	options.workflow_id = id;
	options.timeout_ms = LIMIT_MS;
	good = pgwf_client_result(client, &options, &outcome) == PGWF_OK &&
		strcmp(outcome.status, "Completed") == 0 &&
		json_integer_value(json_array_get(outcome.result, 0)) == n;
	if (!good)
		note("%s: %s %s", id, outcome.status, pgwf_client_error(client));
	pgwf_outcome_clear(&outcome);
	return good;
}

static void
signal_end(const char *id)
{
	PgwfSignalOptions options = PGWF_SIGNAL_OPTIONS_INIT;

	options.workflow_id = id;
	options.signal_name = "end";
	pgwf_client_signal(client, &options);
}

/* ---- pipelines ---- */

static PgwfRequest *
describe_request(const char *workflow_id, int group)
{
	PgwfRequest *request = pgwf_request_create(PGWF_STMT_DESCRIBE);

	request->group = group;
	pgwf_request_bind(request, workflow_id);
	pgwf_request_bind(request, NULL);
	pgwf_request_bind(request, "default");
	return request;
}

static void
test_pipeline(void)
{
	PgwfConn   *conn = pgwf_conn_create("", "pgworkflow test");
	const char *id = id_of("pipeline");
	PgwfRequest *requests[6];
	PgwfResult	code;
	int			i;

	start(client, id, "one", 1);
	is_int(pgwf_conn_open(conn, 10000), PGWF_OK, "a connection");
	requests[0] = describe_request(id, 0);
	requests[1] = describe_request(id, 0);
	requests[2] = describe_request(id, 1);
	requests[3] = describe_request("no such workflow", 1);
	requests[4] = describe_request(id, 1);
	requests[5] = describe_request(id, 2);
	code = pgwf_conn_pipeline(conn, requests, 6, 10000);
	is_int(code, PGWF_OK, "a pipeline of three transactions");
	ok(requests[0]->result != NULL && requests[1]->result != NULL,
	   "the first succeeds");
	is_int(requests[3]->err.code, PGWF_NOT_FOUND,
		   "in the second one request fails");
	is_str(requests[3]->err.sqlstate, "PW005", "with its SQLSTATE");
	ok(requests[2]->err.code == PGWF_ABORTED && requests[2]->result == NULL &&
	   requests[4]->err.code == PGWF_ABORTED,
	   "and the others, before and after it, are undone");
	ok(requests[5]->result != NULL, "the third succeeds");
	ok(pgwf_conn_is_open(conn), "the connection is fine");
	for (i = 0; i < 6; i++)
		pgwf_request_clear(requests[i]);
	PQfinish(conn->pg);
	conn->pg = PQconnectdb("");
	memset(conn->prepared, 0, sizeof(conn->prepared));
	code = pgwf_conn_pipeline(conn, requests, 6, 10000);
	is_int(code, PGWF_OK, "the same again on another connection");
	for (i = 0; i < 6; i++)
		pgwf_request_destroy(requests[i]);

	is_int(pgwf_conn_command(conn, "SELECT pg_sleep(60)", 50),
		   PGWF_DEADLINE_EXCEEDED, "a statement that takes too long");
	ok(!pgwf_conn_is_open(conn), "closes the connection");
	is_int(pgwf_conn_open(conn, 10000), PGWF_OK, "which opens again");
	pgwf_conn_destroy(conn);
}

/* ---- clients ---- */

static void
test_client(void)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfHistoryOptions history = PGWF_HISTORY_OPTIONS_INIT;
	PgwfStarted first;
	PgwfStarted again;
	PgwfClient *other;
	PGconn	   *conn;
	json_t	   *value;
	PgwfTerminateOptions terminate = PGWF_TERMINATE_OPTIONS_INIT;
	PgwfResultOptions result = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;

	options.workflow_id = id_of("client");
	options.workflow_type = "one";
	options.task_queue = "nobody";
	options.request_id = "the request";
	is_int(pgwf_client_start(client, &options, &first), PGWF_OK, "a start");
	ok(first.started && strlen(first.run_id) == 36, "with a run id");
	is_int(pgwf_client_start(client, &options, &again), PGWF_OK,
		   "the same request again");
	ok(again.started && strcmp(first.run_id, again.run_id) == 0,
	   "is the same start");
	options.request_id = NULL;
	is_int(pgwf_client_start(client, &options, NULL),
		   PGWF_WORKFLOW_ALREADY_STARTED, "another request is refused");
	is_str(pgwf_client_sqlstate(client), "PW106", "with its SQLSTATE");

	history.workflow_id = options.workflow_id;
	history.page_size = 1;
	is_int(pgwf_client_history(client, &history, &value), PGWF_OK,
		   "a page of history");
	is_int((long long) json_array_size(value), 1, "has one event");
	json_decref(value);
	history.reverse = true;
	pgwf_client_history(client, &history, &value);
	is_str(json_string_value(json_object_get(json_array_get(value, 0),
											 "eventType")),
		   "WorkflowTaskScheduled", "the last in reverse");
	json_decref(value);

	result.workflow_id = options.workflow_id;
	result.timeout_ms = 20;
	is_int(pgwf_client_result(client, &result, &outcome),
		   PGWF_DEADLINE_EXCEEDED, "waiting for a result has a limit");
	is_str(outcome.status, "Running", "and says that it is running");
	pgwf_outcome_clear(&outcome);
	terminate.workflow_id = options.workflow_id;
	terminate.reason = "enough";
	is_int(pgwf_client_terminate(client, &terminate), PGWF_OK, "terminated");
	is_int(pgwf_client_terminate(client, &terminate), PGWF_NOT_FOUND,
		   "once only");
	result.timeout_ms = LIMIT_MS;
	is_int(pgwf_client_result(client, &result, &outcome), PGWF_OK,
		   "a terminated workflow has an outcome");
	is_str(outcome.status, "Terminated", "which says so");
	pgwf_outcome_clear(&outcome);

	/* in the caller's transaction */
	conn = PQconnectdb("");
	other = pgwf_client_new_on(conn, NULL);
	PQclear(PQexec(conn, "BEGIN"));
	ok(start(other, id_of("undone"), "one", 1), "a start in a transaction");
	PQclear(PQexec(conn, "ROLLBACK"));
	is_int(pgwf_client_describe(client, id_of("undone"), NULL, &value),
		   PGWF_NOT_FOUND, "is undone with it");
	PQclear(PQexec(conn, "BEGIN"));
	result.workflow_id = id_of("pipeline");
	is_int(pgwf_client_result(other, &result, &outcome), PGWF_ERROR,
		   "a result cannot be waited for in a transaction");
	is_str(pgwf_client_sqlstate(other), "25001", "as its SQLSTATE says");
	PQclear(PQexec(conn, "ROLLBACK"));
	PQclear(PQexec(conn, "BEGIN"));
	start(other, id_of("done"), "one", 1);
	PQclear(PQexec(conn, "COMMIT"));
	is_int(pgwf_client_describe(client, id_of("done"), NULL, &value), PGWF_OK,
		   "or is there after the commit");
	json_decref(value);
	is_int(PQisnonblocking(conn), 0, "the connection is as it was");
	pgwf_client_free(other);
	ok(PQstatus(conn) == CONNECTION_OK, "and open");
	PQfinish(conn);
}

/* ---- workers ---- */

static void
test_batches(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorkerStats stats;
	PgwfWorker *worker;
	pthread_t	thread;
	bool		good = true;
	char		name[32];
	int			i;

	for (i = 0; i < 400; i++)
	{
		snprintf(name, sizeof(name), "batch%d", i);
		good = good && start(client, id_of(name), "one", i);
	}
	ok(good, "400 workflows are started");
	worker = begin_worker(&options, &thread);
	for (i = 0; i < 400; i++)
	{
		snprintf(name, sizeof(name), "batch%d", i);
		good = completes(id_of(name), i) && good;
	}
	ok(good, "400 workflows complete");
	end_worker(worker, thread, &stats);
	ok(stats.workflows_closed >= 400, "all by this worker");
	is_int(stats.replays, 0, "nothing was replayed");
	is_int(stats.workflow_tasks_failed, 0, "no task failed");
	ok(stats.responses >= 1200, "1200 answers");
	ok(stats.response_batches * 5 < stats.responses,
	   "in batches: %lld transactions", (long long) stats.response_batches);
	ok(stats.waits < 200, "without waiting in between: %lld waits",
	   (long long) stats.waits);
	is_int(stats.repeated_batches, 0, "no batch had to be repeated");
}

static void
test_stale_in_batch(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfTerminateOptions terminate = PGWF_TERMINATE_OPTIONS_INIT;
	PgwfWorkerStats stats;
	PgwfWorker *worker;
	pthread_t	thread;
	bool		good = true;
	char		name[32];
	int			i;

	/* while they run, half of them are terminated */
	worker = begin_worker(&options, &thread);
	for (i = 0; i < 200; i++)
	{
		snprintf(name, sizeof(name), "stale%d", i);
		start(client, id_of(name), i % 2 == 0 ? "one" : "hold", i);
		if (i % 2 != 0)
		{
			terminate.workflow_id = id_of(name);
			pgwf_client_terminate(client, &terminate);
		}
	}
	for (i = 0; i < 200; i += 2)
	{
		snprintf(name, sizeof(name), "stale%d", i);
		good = completes(id_of(name), i) && good;
	}
	ok(good, "runs complete while others are terminated beneath the worker");
	end_worker(worker, thread, &stats);
	note("batches repeated one by one: %lld",
		 (long long) stats.repeated_batches);
}

static void
test_cache(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorkerStats stats;
	PgwfWorker *worker;
	pthread_t	thread;
	bool		good = true;
	char		name[32];
	int			i;

	options.max_cached_workflows = 2;
	worker = begin_worker(&options, &thread);
	for (i = 0; i < 6; i++)
	{
		snprintf(name, sizeof(name), "cache%d", i);
		start(client, id_of(name), "hold", i);
	}
	do
	{
		pgwf_worker_stats(worker, &stats);
		poll(NULL, 0, 5);
	} while (stats.workflow_tasks < 12);
	for (i = 0; i < 6; i++)
	{
		snprintf(name, sizeof(name), "cache%d", i);
		signal_end(id_of(name));
	}
	for (i = 0; i < 6; i++)
	{
		snprintf(name, sizeof(name), "cache%d", i);
		good = completes(id_of(name), i) && good;
	}
	ok(good, "6 runs with a cache of 2");
	end_worker(worker, thread, &stats);
	ok(stats.evictions >= 4, "some were evicted: %lld",
	   (long long) stats.evictions);
	ok(stats.replays >= 4, "and replayed: %lld", (long long) stats.replays);
	is_int(stats.cached_workflows, 0, "none is left");
	is_int(stats.workflow_tasks_failed, 0, "no task failed");
}

/* The waiting call must cover what a slot that became free can take. */
static void
test_single_slots(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorkerStats stats;
	PgwfWorker *worker;
	pthread_t	thread;
	bool		good = true;
	char		name[32];
	int			i;

	options.max_concurrent_activities = 1;
	options.max_concurrent_workflow_tasks = 1;
	worker = begin_worker(&options, &thread);
	for (i = 0; i < 20; i++)
	{
		snprintf(name, sizeof(name), "single%d", i);
		start(client, id_of(name), "one", i);
		good = completes(id_of(name), i) && good;
	}
	for (i = 20; i < 40; i++)
	{
		snprintf(name, sizeof(name), "single%d", i);
		start(client, id_of(name), "one", i);
	}
	for (i = 20; i < 40; i++)
	{
		snprintf(name, sizeof(name), "single%d", i);
		good = completes(id_of(name), i) && good;
	}
	ok(good, "40 runs with one slot of each kind");
	end_worker(worker, thread, &stats);
	ok(stats.waits < 400, "with %lld waits", (long long) stats.waits);
}

/*
 * A wait brings the task that it has found: no poll is needed for it.  Other
 * threads go on with what they have finished while the main thread sleeps: it
 * would have to sleep seven times for each of these workflows.
 */
static void
test_wait_brings_task(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorkerStats before;
	PgwfWorkerStats stats;
	PgwfWorker *worker;
	pthread_t	thread;
	char		name[32];
	bool		good = true;
	int			waited = 0;
	int			i;

	worker = begin_worker(&options, &thread);
	do
	{
		poll(NULL, 0, 10);
		pgwf_worker_stats(worker, &before);
	} while (before.waits == 0 && waited++ < LIMIT_MS / 10);
	for (i = 0; i < 20; i++)
	{
		snprintf(name, sizeof(name), "brought%d", i);
		start(client, id_of(name), "one", i);
		good = completes(id_of(name), i) && good;
	}
	ok(good, "20 runs, one after the other");
	end_worker(worker, thread, &stats);
	ok(stats.polls - before.polls < 10, "with %lld polls",
	   (long long) (stats.polls - before.polls));
	ok(stats.waits - before.waits >= 10, "but %lld waits",
	   (long long) (stats.waits - before.waits));
	ok(worker_sleeps < 20 * 4, "the main thread sleeps %ld times",
	   worker_sleeps);
}

static void
test_async(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfActivityRef ref;
	PgwfHeartbeatAnswer answer;
	PgwfCancelOptions cancel = PGWF_CANCEL_OPTIONS_INIT;
	PgwfResultOptions result = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;
	PgwfWorker *worker;
	PgwfFailure *failure;
	pthread_t	thread;
	json_t	   *value = json_integer(7);
	int			waited;

	worker = begin_worker(&options, &thread);
	memset(&ref, 0, sizeof(ref));
	is_int(pgwf_client_complete_activity(client, &ref, NULL),
		   PGWF_INVALID_ARGUMENT, "an activity must be named");

	/* by token */
	start(client, id_of("token"), "outside", 0);
	for (waited = 0; waited < LIMIT_MS && ref.task_token == NULL; waited += 5)
	{
		poll(NULL, 0, 5);
		pthread_mutex_lock(&token_mutex);
		if (token[0] != '\0')
			ref.task_token = token;
		pthread_mutex_unlock(&token_mutex);
	}
	is_int(pgwf_client_heartbeat_activity(client, &ref, value, &answer),
		   PGWF_OK, "a heartbeat by token");
	ok(!answer.cancel_requested && !answer.paused && !answer.reset,
	   "is answered");
	is_int(pgwf_client_complete_activity(client, &ref, value), PGWF_OK,
		   "completed by token");
	ok(completes(id_of("token"), 7), "and the workflow has the result");
	is_int(pgwf_client_complete_activity(client, &ref, value),
		   PGWF_NOT_FOUND, "it is over then");

	/* by ids: fail */
	memset(&ref, 0, sizeof(ref));
	ref.workflow_id = id_of("ids");
	ref.activity_id = "1";
	start(client, ref.workflow_id, "outside", 0);
	for (waited = 0; waited < LIMIT_MS; waited += 5)
	{
		if (pgwf_client_heartbeat_activity(client, &ref, NULL,
										   NULL) == PGWF_OK)
			break;
		poll(NULL, 0, 5);
	}
	failure = pgwf_failure_new("Outside", "it broke");
	pgwf_failure_set_non_retryable(failure);
	is_int(pgwf_client_fail_activity(client, &ref, failure), PGWF_OK,
		   "failed by ids");
	pgwf_failure_free(failure);
	result.workflow_id = ref.workflow_id;
	result.timeout_ms = LIMIT_MS;
	pgwf_client_result(client, &result, &outcome);
	is_str(outcome.status, "Failed", "and so has the workflow");
	is_str(outcome.failure != NULL ?
		   pgwf_failure_type(pgwf_failure_root(outcome.failure)) : "",
		   "Outside", "with the failure");
	pgwf_outcome_clear(&outcome);

	/* by ids: cancel */
	ref.workflow_id = result.workflow_id = cancel.workflow_id =
		id_of("cancel");
	start(client, ref.workflow_id, "outside", 0);
	for (waited = 0; waited < LIMIT_MS; waited += 5)
	{
		if (pgwf_client_heartbeat_activity(client, &ref, NULL,
										   NULL) == PGWF_OK)
			break;
		poll(NULL, 0, 5);
	}
	is_int(pgwf_client_cancel_activity(client, &ref, NULL),
		   PGWF_INVALID_ARGUMENT,
		   "a cancellation that nobody asked for is refused");
	pgwf_client_request_cancel(client, &cancel);
	for (waited = 0; waited < LIMIT_MS; waited += 5)
	{
		if (pgwf_client_heartbeat_activity(client, &ref, NULL,
										   &answer) == PGWF_OK &&
			answer.cancel_requested)
			break;
		poll(NULL, 0, 5);
	}
	ok(answer.cancel_requested, "a heartbeat says that it is canceled");
	is_int(pgwf_client_cancel_activity(client, &ref, value), PGWF_OK,
		   "then it can be canceled by ids");
	pgwf_client_result(client, &result, &outcome);
	is_str(outcome.status, "Canceled", "and the workflow is");
	pgwf_outcome_clear(&outcome);
	json_decref(value);
	end_worker(worker, thread, NULL);
}

/* Only code that does not block is a deadlock, not a history that is long. */
static void
test_long_replay(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorkerStats stats;
	PgwfWorker *worker;
	pthread_t	thread;

	options.max_cached_workflows = -1;
	options.deadlock_timeout_ms = 500;
	worker = begin_worker(&options, &thread);
	start(client, id_of("slow"), "slow", 1);
	ok(completes(id_of("slow"), 1), "a run whose replay takes long completes");
	end_worker(worker, thread, &stats);
	ok(stats.replays >= 8, "after replays");
	is_int(stats.deadlocks, 0, "none of which was taken for a deadlock");
}

/* A history of several pages: the first task, and one after an eviction. */
static void
test_many_events(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorkerStats stats;
	PgwfWorker *worker;
	PGconn	   *conn = PQconnectdb("");
	PGresult   *result;
	pthread_t	thread;
	const char *id = id_of("many");
	char		sql[300];

	options.max_cached_workflows = -1;
	start(client, id, "hold", 9);
	snprintf(sql, sizeof(sql), "SELECT workflow.signal_workflow_execution("
			 "'%s', 'other', to_jsonb(i)) FROM generate_series(1, 3500) i",
			 id);
	result = PQexec(conn, sql);
	is_int(PQntuples(result), 3500, "3500 signals");
	PQclear(result);
	PQfinish(conn);
	worker = begin_worker(&options, &thread);
	signal_end(id);
	ok(completes(id, 9), "a run with a history of several pages completes");
	end_worker(worker, thread, &stats);
	is_int(stats.workflow_tasks_failed, 0, "no task failed");
}

/* How far a run has come, until it has more events than given. */
static json_t *
events_after(const char *id, int64_t after)
{
	PgwfHistoryOptions options = PGWF_HISTORY_OPTIONS_INIT;
	json_t	   *events = NULL;
	int			waited;

	options.workflow_id = id;
	options.after_event_id = after;
	for (waited = 0; waited < LIMIT_MS; waited += 5)
	{
		pgwf_client_history(client, &options, &events);
		if (json_array_size(events) > 0)
			break;
		json_decref(events);
		events = NULL;
		poll(NULL, 0, 5);
	}
	return events;
}

/* Starts a workflow whose input is 3000 arrays in each other. */
static void
start_deep(const char *workflow_id)
{
	PGconn	   *conn = PQconnectdb("");
	const char *values[] = {workflow_id, queue};
	PGresult   *result;

	result = PQexecParams(conn,
						  "SELECT workflow.start_workflow_execution("
						  "workflow_id => $1, workflow_type => 'one', "
						  "task_queue => $2, input => (repeat('[', 3000) || "
						  "'1' || repeat(']', 3000))::jsonb)",
						  2, NULL, values, NULL, NULL, 0);
	ok(PQresultStatus(result) == PGRES_TUPLES_OK, "the server takes them: %s",
	   PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

/* JSON that the server takes and the library cannot read. */
static void
test_deep_json(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfStartOptions begin = PGWF_START_OPTIONS_INIT;
	PgwfTerminateOptions terminate = PGWF_TERMINATE_OPTIONS_INIT;
	PgwfWorker *worker;
	pthread_t	thread;
	json_t	   *events;
	char	   *text;
	int			i;

	begin.workflow_id = terminate.workflow_id = id_of("deep");
	begin.workflow_type = "one";
	begin.task_queue = queue;
	begin.input = json_integer(1);
	for (i = 0; i < 3000; i++)
		begin.input = json_pack("[o]", begin.input);
	is_int(pgwf_client_start(client, &begin, NULL), PGWF_INVALID_ARGUMENT,
		   "the client does not send 3000 arrays in each other");
	start_deep(begin.workflow_id);
	json_decref(begin.input);
	worker = begin_worker(&options, &thread);
	events = events_after(terminate.workflow_id, 3);
	text = json_dumps(events, 0);
	has_str(text, "WorkflowTaskFailed", "its task fails");
	has_str(text, "nested too deeply", "and tells why");
	free(text);
	json_decref(events);
	pgwf_client_terminate(client, &terminate);
	start(client, id_of("shallow"), "one", 5);
	ok(completes(id_of("shallow"), 5), "others are not concerned");
	end_worker(worker, thread, NULL);
}

int
main(void)
{
	snprintf(queue, sizeof(queue), "t%ld-%lld", (long) getpid(),
			 (long long) time(NULL));
	registry = pgwf_registry_new();
	pgwf_register_workflow(registry, "one", one, NULL);
	pgwf_register_workflow(registry, "hold", hold, NULL);
	pgwf_register_workflow(registry, "outside", outside, NULL);
	pgwf_register_workflow(registry, "slow", slow, NULL);
	pgwf_register_activity(registry, "echo", echo, NULL);
	pgwf_register_activity(registry, "later", later, NULL);
	client = pgwf_client_new(NULL, NULL);
	test_pipeline();
	test_client();
	test_batches();
	test_stale_in_batch();
	test_cache();
	test_single_slots();
	test_wait_brings_task();
	test_async();
	test_long_replay();
	test_deep_json();
	test_many_events();
	pgwf_client_free(client);
	pgwf_registry_free(registry);
	return done_testing();
}
