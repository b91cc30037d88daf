/*
 * t_server_codec.c
 *		Payload codecs: all values pass through one, on every way there is, and
 *		none stays readable in the database.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pgworkflow.h>

#include "server.h"
#include "tap.h"

#define WAIT_MS 30000

/* In every value; names and types do not have it. */
#define SECRET "xyzzy"

static char queue[64];
static PgwfClient *client;

/* ---- a codec ---- */

static bool
refuse(const unsigned char *data, size_t size, unsigned char **out,
	   size_t *out_size, void *arg)
{
	(void) data;
	(void) size;
	(void) out;
	(void) out_size;
	(void) arg;
	return false;
}

static PgwfCodec
make_codec(void)
{
	PgwfCodec	codec = PGWF_CODEC_INIT;

	codec.encoding = "binary/turned";
	codec.encode = codec.decode = turn_bits;
	codec.encode_failures = true;
	return codec;
}

/* ---- code that uses values in all places ---- */

static json_t *
echo(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	json_t	   *details = json_pack("[s]", SECRET " details");

	pgwf_activity_heartbeat(activity, details);
	json_decref(details);
	if (pgwf_activity_info(activity)->attempt == 1)
	{
		*failure = pgwf_failure_new("Once", SECRET " message");
		return NULL;
	}
	if (pgwf_activity_info(activity)->heartbeat_details == NULL)
	{
		*failure = pgwf_failure_set_non_retryable(
												  pgwf_failure_new("NoDetails", "no details"));
		return NULL;
	}
	return json_incref(json_array_get(input, 0));
}

static json_t *
fails(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	json_t	   *details = json_pack("[s]", SECRET " of failure");

	(void) activity;
	(void) input;
	*failure = pgwf_failure_new("Bad", SECRET " why");
	pgwf_failure_set_details(*failure, details);
	pgwf_failure_set_non_retryable(*failure);
	json_decref(details);
	return NULL;
}

static json_t *
effect(void *arg)
{
	(void) arg;
	return json_string(SECRET " effect");
}

static json_t *
answer(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
	   PgwfFailure **failure)
{
	(void) name;
	(void) failure;
	(void) arg;
	return pgwf_pack(wf, "s+",
					 json_string_value(json_array_get(args, 0)), " back");
}

static json_t *
secretive(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	json_t	   *echoed;
	json_t	   *signal;
	json_t	   *side;

	pgwf_set_query_handler(wf, "ask", answer, NULL);
	pgwf_set_update_handler(wf, "change", answer, NULL, NULL);
	retry.initial_interval_ms = 1;
	options.start_to_close_timeout_ms = 10000;
	options.heartbeat_timeout_ms = 5000;
	options.retry_policy = &retry;
	side = pgwf_side_effect(wf, effect, NULL);
	if (!pgwf_execute_activity(wf, "echo", input, &options, &echoed, failure))
		return NULL;
	pgwf_execute_activity(wf, "fails", NULL, &options, NULL, failure);
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, &signal);
	echoed = pgwf_pack(wf, "[O, O, s, O, O]", echoed,
					   json_array_get(signal, 0),
					   pgwf_failure_message(pgwf_failure_root(*failure)),
					   json_array_get(pgwf_failure_details(pgwf_failure_root(*failure)),
									  0), side);
	*failure = NULL;
	return echoed;
}

/* ---- the test ---- */

static void *
run_worker(void *worker)
{
	pgwf_worker_run(worker);
	return NULL;
}

static PgwfRegistry *
make_registry(void)
{
	PgwfRegistry *registry = pgwf_registry_new();

	pgwf_register_workflow(registry, "secretive", secretive, NULL);
	pgwf_register_activity(registry, "echo", echo, NULL);
	pgwf_register_activity(registry, "fails", fails, NULL);
	return registry;
}

/* How many events have a text */
static long long
events_with(const char *text)
{
	PGconn	   *conn = PQconnectdb("");
	const char *values[] = {queue, text};
	PGresult   *result = PQexecParams(conn,
									  "SELECT count(*) FROM workflow.history "
									  "WHERE workflow_id LIKE $1 || '%' AND "
									  "attributes::text LIKE '%' || $2 || '%'",
									  2, NULL, values, NULL, NULL, 0);
	long long	n = -1;

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		n = atoll(PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(conn);
	return n;
}

static PgwfHandle *
start(PgwfClient *by, const char *name)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfHandle *handle = NULL;
	char		id[100];

	snprintf(id, sizeof(id), "%s-%s", queue, name);
	options.workflow_id = id;
	options.workflow_type = "secretive";
	options.task_queue = queue;
	options.input = json_pack("[s]", SECRET " input");
	options.memo = json_pack("{s:s}", "note", SECRET " memo");
	options.header = json_pack("{s:s}", "trace", SECRET " header");
	pgwf_handle_start(by, &options, &handle);
	json_decref(options.input);
	json_decref(options.memo);
	json_decref(options.header);
	return handle;
}

/* All ways of a value, by a client with the codec. */
static void
test_ways(PgwfRegistry *registry)
{
	PgwfHandle *handle = start(client, "ways");
	json_t	   *args = json_pack("[s]", SECRET " asked");
	json_t	   *result;
	json_t	   *events;
	PgwfFailure *failure;
	PgwfOutcome outcome;
	PgwfReplayReport *report;
	PgwfHistoryOptions options = PGWF_HISTORY_OPTIONS_INIT;

	is_str(pgwf_result_text(pgwf_handle_update(handle, "change", args,
											   &result, &failure)), "ok",
		   "update");
	is_json(result, "\"" SECRET " asked back\"", "its result");
	json_decref(result);
	is_str(pgwf_result_text(pgwf_handle_query(handle, "ask", args, &result)),
		   "ok", "query");
	is_json(result, "\"" SECRET " asked back\"", "its answer");
	json_decref(result);
	pgwf_handle_signal(handle, "go", args);
	is_str(pgwf_result_text(pgwf_handle_result(handle, WAIT_MS, &outcome)),
		   "ok", "result");
	is_json(outcome.result,
			"[[\"" SECRET " input\", \"" SECRET " asked\", \"" SECRET
			" why\", \"" SECRET " of failure\", \"" SECRET " effect\"]]",
			"it has what went through");
	pgwf_outcome_clear(&outcome);

	is_int(events_with(SECRET), 0, "no event has it in readable form");
	ok(events_with("Encoded failure") > 0, "failures are encoded too");
	options.workflow_id = pgwf_handle_workflow_id(handle);
	pgwf_client_history(client, &options, &events);
	is_json(json_object_get(json_object_get(json_array_get(events, 0),
											"attributes"), "input"),
			"[\"" SECRET " input\"]", "a client with the codec reads histories");
	pgwf_replay_history(registry, events, &report);
	ok(report->ok, "which replay: %s", report->message);
	pgwf_replay_report_free(report);
	json_decref(events);
	json_decref(args);
	pgwf_handle_free(handle);
}

/* A client without the codec, and one that cannot encode. */
static void
test_others(void)
{
	PgwfClientOptions options = PGWF_CLIENT_OPTIONS_INIT;
	PgwfCodec	codec = make_codec();
	PgwfClient *other = pgwf_client_new(NULL, NULL);
	PgwfHandle *handle = start(other, "plain");
	json_t	   *args = json_pack("[s]", "plain");
	PgwfOutcome outcome;
	json_t	   *value;
	void	   *bytes;
	size_t		size;

	pgwf_handle_signal(handle, "go", args);
	pgwf_handle_result(handle, WAIT_MS, &outcome);
	is_str(outcome.status, "Completed", "plain values are taken as they are");
	ok(json_object_get(json_array_get(outcome.result, 0), "@payload") != NULL,
	   "and what comes back is not plain");
	pgwf_outcome_clear(&outcome);
	pgwf_handle_free(handle);
	pgwf_client_free(other);

	codec.encode = refuse;
	options.codec = &codec;
	other = pgwf_client_new(NULL, &options);
	ok(start(other, "refused") == NULL, "a codec that cannot encode");
	has_str(pgwf_client_error(other), "the codec cannot encode it",
			"is an error of the call");
	pgwf_client_free(other);
	json_decref(args);

	value = pgwf_bytes("a\0b", 3);
	ok(pgwf_get_bytes(value, &bytes, &size) && size == 3 &&
	   memcmp(bytes, "a\0b", 4) == 0, "bytes are a value");
	free(bytes);
	json_decref(value);
	ok(!pgwf_get_bytes(json_null(), &bytes, &size), "null is no bytes");
}

/* A worker whose codec cannot decode. */
static void
test_cannot_decode(void)
{
	PgwfRegistry *registry = make_registry();
	PgwfCodec	codec = make_codec();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorkerStats stats;
	PgwfWorker *worker;
	PgwfHandle *handle;
	pthread_t	thread;
	int			i;

	codec.decode = refuse;
	pgwf_registry_set_codec(registry, &codec);
	options.task_queue = queue;
	worker = pgwf_worker_new(&options, registry, NULL);
	pthread_create(&thread, NULL, run_worker, worker);
	handle = start(client, "undecodable");
	for (i = 0; i < WAIT_MS / 10; i++)
	{
		pgwf_worker_stats(worker, &stats);
		if (stats.workflow_tasks_failed > 0)
			break;
		usleep(10000);
	}
	ok(stats.workflow_tasks_failed > 0,
	   "a task that cannot be decoded fails");
	pgwf_handle_terminate(handle, NULL);
	pgwf_handle_free(handle);
	pgwf_worker_stop(worker);
	pthread_join(thread, NULL);
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
}

int
main(void)
{
	PgwfRegistry *registry = make_registry();
	PgwfCodec	codec = make_codec();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfClientOptions client_options = PGWF_CLIENT_OPTIONS_INIT;
	PgwfWorker *worker;
	pthread_t	thread;

	snprintf(queue, sizeof(queue), "codec-%ld", (long) getpid());
	client_options.codec = &codec;
	client = pgwf_client_new(NULL, &client_options);
	pgwf_registry_set_codec(registry, &codec);
	options.task_queue = queue;
	worker = pgwf_worker_new(&options, registry, NULL);
	pthread_create(&thread, NULL, run_worker, worker);

	test_ways(registry);
	test_others();

	pgwf_worker_stop(worker);
	pthread_join(thread, NULL);
	pgwf_worker_free(worker);
	test_cannot_decode();
	pgwf_registry_free(registry);
	pgwf_client_free(client);
	return done_testing();
}
