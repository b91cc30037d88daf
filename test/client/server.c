/*
 * server.c
 *		Workers and clients of a real service, for the tests that need one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "server.h"

#define WAIT_MS 30000

PgwfClient *server_client;

void
server_connect(void)
{
	server_client = pgwf_client_new(NULL, NULL);
	if (pgwf_client_connect(server_client) != PGWF_OK)
	{
		note("no server: %s", pgwf_client_error(server_client));
		exit(1);
	}
}

void
server_disconnect(void)
{
	pgwf_client_free(server_client);
}

void
server_sql(const char *statement)
{
	PGconn	   *conn = PQconnectdb("");
	PGresult   *result = PQexec(conn, statement);

	if (PQresultStatus(result) != PGRES_COMMAND_OK &&
		PQresultStatus(result) != PGRES_TUPLES_OK)
		ok(false, "%s: %s", statement, PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

void
server_sleep(long ms)
{
	struct timespec delay = {ms / 1000, (ms % 1000) * 1000000};

	nanosleep(&delay, NULL);
}

static void *
run_worker(void *arg)
{
	PgwfWorker *worker = arg;

	if (pgwf_worker_run(worker) != PGWF_OK)
		note("worker: %s", pgwf_worker_error(worker));
	return NULL;
}

static void
begin_work(ServerWorker *running, PgwfRegistry *registry,
		   PgwfWorkerOptions *options)
{
	char	   *error = NULL;

	options->max_concurrent_activities = 8;
	running->worker = pgwf_worker_new(options, registry, &error);
	if (running->worker == NULL)
	{
		note("worker: %s", error);
		exit(1);
	}
	pthread_create(&running->thread, NULL, run_worker, running->worker);
}

void
server_work(ServerWorker *running, PgwfRegistry *registry, const char *queue,
			int cached)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;

	options.task_queue = queue;
	options.max_cached_workflows = cached;
	begin_work(running, registry, &options);
}

void
server_work_as(ServerWorker *running, PgwfRegistry *registry,
			   const char *queue, const char *deployment,
			   const char *build_id)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;

	options.task_queue = queue;
	options.deployment_name = deployment;
	options.build_id = build_id;
	options.versioning_behavior = PGWF_VERSIONING_PINNED;
	begin_work(running, registry, &options);
}

void
server_stop(ServerWorker *running)
{
	pgwf_worker_stop(running->worker);
	pthread_join(running->thread, NULL);
	pgwf_worker_free(running->worker);
}

void
server_start(const char *queue, const char *id, const char *type,
			 const char *input,
			 int64_t task_timeout_ms)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;

	options.workflow_id = id;
	options.workflow_type = type;
	options.task_queue = queue;
	options.input = json_loads(input, 0, NULL);
	options.task_timeout_ms = task_timeout_ms;
	is_int(pgwf_client_start(server_client, &options, NULL), PGWF_OK, "%s: start",
		   id);
	json_decref(options.input);
}

void
server_signal(const char *id, const char *name, json_t *input)
{
	PgwfSignalOptions options = PGWF_SIGNAL_OPTIONS_INIT;

	options.workflow_id = id;
	options.signal_name = name;
	options.input = input;
	if (pgwf_client_signal(server_client, &options) != PGWF_OK)
		ok(false, "%s: signal: %s", id, pgwf_client_error(server_client));
	json_decref(input);
}

void
server_cancel(const char *id, const char *reason)
{
	PgwfCancelOptions options = PGWF_CANCEL_OPTIONS_INIT;

	options.workflow_id = id;
	options.reason = reason;
	is_int(pgwf_client_request_cancel(server_client, &options), PGWF_OK,
		   "%s: cancel", id);
}

json_t *
server_events(const char *id)
{
	PgwfHistoryOptions options = PGWF_HISTORY_OPTIONS_INIT;
	json_t	   *events = NULL;

	options.workflow_id = id;
	if (pgwf_client_history(server_client, &options, &events) != PGWF_OK)
		return NULL;
	return events;
}

int
server_count(const char *id, const char *type)
{
	json_t	   *events = server_events(id);
	json_t	   *event;
	size_t		i;
	int			n = events != NULL ? 0 : -1;

	json_array_foreach(events, i, event)
		n += strcmp(pgwf_json_str(event, "eventType"), type) == 0;
	json_decref(events);
	return n;
}

json_t *
server_event(const char *id, const char *type)
{
	json_t	   *events = server_events(id);
	json_t	   *event;
	json_t	   *found = NULL;
	size_t		i;

	json_array_foreach(events, i, event)
	{
		if (found == NULL &&
			strcmp(pgwf_json_str(event, "eventType"), type) == 0)
			found = json_incref(json_object_get(event, "attributes"));
	}
	json_decref(events);
	return found;
}

/* Waits until a run has an event of a type. */
bool
server_wait(const char *id, const char *type)
{
	int			left;

	for (left = WAIT_MS; left > 0; left -= 20)
	{
		if (server_count(id, type) > 0)
			return true;
		server_sleep(20);
	}
	return false;
}

/* Waits for a run's end and checks its outcome and its history. */
void
server_ends(PgwfRegistry *registry, const char *id, const char *status,
			const char *result,
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
	is_int(pgwf_client_result(server_client, &options, &outcome), PGWF_OK,
		   "%s: ends", id);
	is_str(outcome.status, status, "%s: status", id);
	if (result != NULL)
		is_json(outcome.result, result, "%s: result", id);
	pgwf_outcome_clear(&outcome);

	is_int(pgwf_client_history_json(server_client, id, NULL, &file), PGWF_OK,
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

bool
turn_bits(const unsigned char *data, size_t size, unsigned char **out,
		  size_t *out_size, void *arg)
{
	size_t		i;

	(void) arg;
	*out = malloc(size + 1);
	for (i = 0; i < size; i++)
		(*out)[i] = data[i] ^ 0xff;
	*out_size = size;
	return true;
}
