/*
 * t_server_client.c
 *		The client's calls against a real service.  The test is the worker
 *		too, with plain SQL, so that it knows what was asked.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pgworkflow.h>

#include "tap.h"

#define WAIT_MS 30000

static PgwfClient *client;
static char queue[64];

static char *
unique(const char *name)
{
	static char buf[8][64];
	static int	next;
	char	   *id = buf[next++ % 8];

	snprintf(id, sizeof(buf[0]), "%s-%ld-%d", name, (long) getpid(), next);
	return id;
}

static bool
is_result(PgwfResult got, PgwfResult expected, const char *name)
{
	return is_str(pgwf_result_text(got), pgwf_result_text(expected),
				  "%s%s%s", name, got != expected ? ": " : "",
				  got != expected ? pgwf_client_error(client) : "");
}

/* ---- a worker of SQL ---- */

static PGconn *
connect_db(void)
{
	PGconn	   *conn = PQconnectdb("");

	if (PQstatus(conn) != CONNECTION_OK)
	{
		note("%s", PQerrorMessage(conn));
		exit(1);
	}
	return conn;
}

/* First column of the first row as JSON, NULL if there is no row. */
static json_t *
sql_json(PGconn *conn, const char *sql, const char *p1, const char *p2,
		 const char *p3)
{
	const char *values[] = {p1, p2, p3};
	int			n = p3 != NULL ? 3 : p2 != NULL ? 2 : p1 != NULL ? 1 : 0;
	PGresult   *result = PQexecParams(conn, sql, n, NULL, values, NULL, NULL,
									  0);
	json_t	   *json = NULL;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		note("%s", PQerrorMessage(conn));
	else if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
		json = json_loads(PQgetvalue(result, 0, 0), JSON_DECODE_ANY, NULL);
	PQclear(result);
	return json;
}

/* Polls the queue until there is a workflow task or query. */
static json_t *
poll_task(PGconn *conn)
{
	struct timespec delay = {0, 2000000};
	int			i;

	for (i = 0; i < WAIT_MS / 2; i++)
	{
		json_t	   *task = sql_json(conn,
									"SELECT workflow.poll_workflow_task_queue($1)",
									queue, NULL, NULL);

		if (task != NULL)
			return task;
		nanosleep(&delay, NULL);
	}
	return NULL;
}

static void
complete_task(PGconn *conn, const json_t *task, const char *commands,
			  const char *messages)
{
	const char *token = json_string_value(json_object_get(task, "taskToken"));

	json_decref(sql_json(conn,
						 "SELECT workflow.respond_workflow_task_completed("
						 "$1, $2::jsonb, messages => $3::jsonb)",
						 token, commands, messages));
}

/* Takes one task and answers it with commands. */
static void
work_once(const char *commands)
{
	PGconn	   *conn = connect_db();
	json_t	   *task = poll_task(conn);

	complete_task(conn, task, commands, "[]");
	json_decref(task);
	PQfinish(conn);
}

/* What the thread below makes of the next task */
typedef struct Answer
{
	const char *failure;		/* of a query, or NULL */
	const char *outcome;		/* of an update */
} Answer;

#define UPDATE_TYPE "type.googleapis.com/temporal.api.update.v1."

/* Takes one query or update and answers it. */
static void *
answer_once(void *arg)
{
	const Answer *answer = arg;
	PGconn	   *conn = connect_db();
	json_t	   *task = poll_task(conn);
	const char *token = json_string_value(json_object_get(task, "taskToken"));
	json_t	   *message = json_array_get(json_object_get(task, "messages"), 0);

	if (json_object_get(task, "query") != NULL && answer->failure != NULL)
		json_decref(sql_json(conn,
							 "SELECT workflow.respond_query_task_completed($1,"
							 " 'QUERY_RESULT_TYPE_FAILED', NULL, 'no such thing',"
							 " $2::jsonb)",
							 token, answer->failure, NULL));
	else if (json_object_get(task, "query") != NULL)
	{
		json_t	   *args = json_object_get(json_object_get(task, "query"),
										   "queryArgs");
		char	   *text = json_dumps(args, 0);

		json_decref(sql_json(conn,
							 "SELECT workflow.respond_query_task_completed($1,"
							 " query_result => $2::jsonb)", token, text, NULL));
		free(text);
	}
	else
	{
		char		messages[2000];
		const char *id = json_string_value(json_object_get(message, "id"));
		const char *update =
		json_string_value(json_object_get(message, "protocolInstanceId"));

		snprintf(messages, sizeof(messages),
				 "[{\"id\": \"%s/accept\", \"protocolInstanceId\": \"%s\","
				 " \"body\": {\"@type\": \"" UPDATE_TYPE "Acceptance\","
				 " \"acceptedRequestMessageId\": \"%s\"}},"
				 " {\"id\": \"%s/complete\", \"protocolInstanceId\": \"%s\","
				 " \"body\": {\"@type\": \"" UPDATE_TYPE "Response\","
				 " \"outcome\": %s}}]",
				 id, update, id, id, update, answer->outcome);
		complete_task(conn, task, "[]", messages);
	}
	json_decref(task);
	PQfinish(conn);
	return NULL;
}

/* ---- the tests ---- */

static PgwfStartOptions
start_options(const char *id)
{
	PgwfStartOptions o = PGWF_START_OPTIONS_INIT;

	o.workflow_id = id;
	o.workflow_type = "client";
	o.task_queue = queue;
	return o;
}

static void
test_start_options(void)
{
	const char *id = unique("options");
	PgwfStartOptions o = start_options(id);
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	PgwfStarted first;
	PgwfStarted second;
	json_t	   *events;
	json_t	   *attributes;
	PgwfHistoryOptions h = PGWF_HISTORY_OPTIONS_INIT;

	retry.maximum_attempts = 3;
	o.retry_policy = &retry;
	o.start_delay_ms = 3600000;
	o.priority.priority_key = 2;
	o.priority.fairness_key = "blue";
	o.static_summary = "a summary";
	is_result(pgwf_client_start(client, &o, &first), PGWF_OK, "start");
	ok(first.started, "it is a new run");
	h.workflow_id = id;
	is_result(pgwf_client_history(client, &h, &events), PGWF_OK, "history");
	attributes = json_object_get(json_array_get(events, 0), "attributes");
	is_json(json_object_get(json_object_get(attributes, "retryPolicy"),
							"maximumAttempts"), "3", "retry policy");
	is_json(json_object_get(attributes, "firstWorkflowTaskBackoff"),
			"\"3600s\"", "start delay");
	is_json(json_object_get(attributes, "priority"),
			"{\"fairnessKey\": \"blue\", \"priorityKey\": 2}", "priority");
	json_decref(events);

	is_result(pgwf_client_start(client, &o, NULL),
			  PGWF_WORKFLOW_ALREADY_STARTED, "the id is in use");
	o.id_conflict_policy = PGWF_ID_CONFLICT_USE_EXISTING;
	is_result(pgwf_client_start(client, &o, &second), PGWF_OK,
			  "use the existing");
	ok(!second.started && strcmp(first.run_id, second.run_id) == 0,
	   "it is the same run");
	o.id_conflict_policy = PGWF_ID_CONFLICT_TERMINATE_EXISTING;
	is_result(pgwf_client_start(client, &o, &second), PGWF_OK,
			  "terminate the existing");
	ok(second.started && strcmp(first.run_id, second.run_id) != 0,
	   "it is another run");
	o.id_conflict_policy = (PgwfIdConflictPolicy) 17;
	is_result(pgwf_client_start(client, &o, NULL), PGWF_INVALID_ARGUMENT,
			  "a policy that there is not");
	is_result(pgwf_client_delete(client, id, first.run_id), PGWF_OK,
			  "delete");
	h.run_id = first.run_id;
	is_result(pgwf_client_history(client, &h, &events), PGWF_NOT_FOUND,
			  "deleted");
	o = start_options("");
	is_result(pgwf_client_start(client, &o, NULL), PGWF_INVALID_ARGUMENT,
			  "no workflow id");
	is_str(pgwf_client_error(client), "workflow_id is not set",
		   "the error says so");
}

static void
test_handle(void)
{
	PgwfStartOptions o = start_options(unique("handle"));
	PgwfHandle *handle;
	PgwfHandle *other;
	PgwfOutcome outcome;
	json_t	   *description;
	json_t	   *args = json_pack("[i]", 42);

	is_result(pgwf_handle_start(client, &o, &handle), PGWF_OK, "a handle");
	is_str(pgwf_handle_workflow_id(handle), o.workflow_id, "its workflow id");
	is_result(pgwf_handle_signal(handle, "hello", args), PGWF_OK, "signal");
	is_result(pgwf_handle_cancel(handle, "why not"), PGWF_OK, "cancel");
	is_result(pgwf_handle_describe(handle, &description), PGWF_OK, "describe");
	is_json(json_object_get(json_object_get(description,
											"workflowExecutionInfo"),
							"historyLength"), "4", "history length");
	json_decref(description);
	is_result(pgwf_handle_result(handle, -1, &outcome),
			  PGWF_DEADLINE_EXCEEDED, "no result yet");
	pgwf_outcome_clear(&outcome);
	work_once("[{\"commandType\": \"CompleteWorkflowExecution\","
			  " \"attributes\": {\"result\": [\"done\"]}}]");
	is_result(pgwf_handle_result(handle, WAIT_MS, &outcome), PGWF_OK,
			  "a result");
	is_json(outcome.result, "[\"done\"]", "it is the workflow's");
	pgwf_outcome_clear(&outcome);

	/* the handle belongs to the chain that it started, and to no later one */
	is_result(pgwf_client_start(client, &o, NULL), PGWF_OK, "start again");
	is_result(pgwf_handle_terminate(handle, NULL), PGWF_NOT_FOUND,
			  "the handle of the first chain does not terminate the second");
	other = pgwf_handle_new(client, o.workflow_id, NULL);
	ok(pgwf_handle_run_id(other) == NULL, "a handle without a run");
	work_once("[]");
	is_result(pgwf_handle_reset(other, 3, "again"), PGWF_OK, "reset");
	is_result(pgwf_handle_terminate(other, "enough"), PGWF_OK, "terminate");
	pgwf_handle_free(handle);
	pgwf_handle_free(other);
	json_decref(args);
}

static void
test_query(void)
{
	PgwfStartOptions o = start_options(unique("query"));
	PgwfQueryOptions q = PGWF_QUERY_OPTIONS_INIT;
	char		status[PGWF_STATUS_SIZE];
	PgwfHandle *handle;
	Answer		answer = {NULL, NULL};
	pthread_t	thread;
	json_t	   *result;
	json_t	   *args = json_pack("[s]", "pizza");

	pgwf_handle_start(client, &o, &handle);
	work_once("[]");
	pthread_create(&thread, NULL, answer_once, &answer);
	is_result(pgwf_handle_query(handle, "echo", args, &result), PGWF_OK,
			  "query");
	pthread_join(thread, NULL);
	is_json(result, "\"pizza\"", "its answer");
	json_decref(result);

	answer.failure = "{\"message\": \"no such thing\","
		" \"applicationFailureInfo\": {\"type\": \"Nothing\"}}";
	pthread_create(&thread, NULL, answer_once, &answer);
	is_result(pgwf_handle_query(handle, "echo", args, &result),
			  PGWF_QUERY_FAILED, "a query that fails");
	pthread_join(thread, NULL);
	is_str(pgwf_client_error(client), "no such thing", "its message");
	is_str(pgwf_failure_type(pgwf_client_failure(client)), "Nothing",
		   "its failure");

	q.workflow_id = o.workflow_id;
	q.query_type = "echo";
	q.timeout_ms = 20;
	is_result(pgwf_client_query(client, &q, &result, NULL),
			  PGWF_DEADLINE_EXCEEDED, "nobody answers");
	ok(pgwf_client_failure(client) == NULL, "that has no failure");
	pgwf_handle_terminate(handle, NULL);
	q.reject_condition = PGWF_QUERY_REJECT_NOT_COMPLETED_CLEANLY;
	is_result(pgwf_client_query(client, &q, &result, status),
			  PGWF_FAILED_PRECONDITION, "a query that is rejected");
	is_str(status, "Terminated", "because of the status");
	q.reject_condition = (PgwfQueryReject) 9;
	is_result(pgwf_client_query(client, &q, &result, NULL),
			  PGWF_INVALID_ARGUMENT, "a condition that there is not");
	pgwf_handle_free(handle);
	json_decref(args);
}

static void
test_update(void)
{
	PgwfStartOptions o = start_options(unique("update"));
	PgwfUpdateOptions u = PGWF_UPDATE_OPTIONS_INIT;
	PgwfUpdateOutcome outcome;
	PgwfHandle *handle;
	PgwfFailure *failure;
	PgwfStarted started;
	Answer		answer = {NULL, "{\"success\": [7]}"};
	pthread_t	thread;
	json_t	   *result;

	pgwf_handle_start(client, &o, &handle);
	work_once("[]");
	pthread_create(&thread, NULL, answer_once, &answer);
	is_result(pgwf_handle_update(handle, "add", NULL, &result, &failure),
			  PGWF_OK, "update");
	pthread_join(thread, NULL);
	is_json(result, "7", "its result");
	ok(failure == NULL, "no failure");
	json_decref(result);

	answer.outcome = "{\"failure\": {\"message\": \"too much\"}}";
	pthread_create(&thread, NULL, answer_once, &answer);
	is_result(pgwf_handle_update(handle, "add", NULL, &result, &failure),
			  PGWF_OK, "an update that fails");
	pthread_join(thread, NULL);
	is_str(pgwf_failure_message(failure), "too much", "its failure");
	pgwf_failure_free(failure);

	u.workflow_id = o.workflow_id;
	u.update_id = "the-one";
	u.update_name = "add";
	u.timeout_ms = 20;
	is_result(pgwf_client_update(client, &u, &outcome),
			  PGWF_DEADLINE_EXCEEDED, "nobody answers");
	is_int(outcome.stage, PGWF_UPDATE_ADMITTED, "it is admitted");
	is_str(outcome.update_id, "the-one", "its id");
	pgwf_update_outcome_clear(&outcome);
	answer.outcome = "{\"success\": [8]}";
	answer_once(&answer);
	u.timeout_ms = WAIT_MS;
	is_result(pgwf_client_poll_update(client, &u, &outcome), PGWF_OK,
			  "poll for the update");
	is_json(outcome.result, "[8]", "its result");
	is_int(outcome.stage, PGWF_UPDATE_COMPLETED, "it is completed");
	pgwf_update_outcome_clear(&outcome);
	u.update_id = "another";
	is_result(pgwf_client_poll_update(client, &u, &outcome), PGWF_NOT_FOUND,
			  "poll for an update that there is not");
	pgwf_update_outcome_clear(&outcome);
	pgwf_handle_terminate(handle, NULL);
	pgwf_handle_free(handle);

	o = start_options(unique("update-with-start"));
	o.id_conflict_policy = PGWF_ID_CONFLICT_USE_EXISTING;
	u.update_id = NULL;
	pthread_create(&thread, NULL, answer_once, &answer);
	is_result(pgwf_client_update_with_start(client, &o, &u, &started,
											&outcome), PGWF_OK,
			  "update with start");
	pthread_join(thread, NULL);
	ok(started.started, "it was started");
	is_json(outcome.result, "[8]", "and updated");
	pgwf_update_outcome_clear(&outcome);
	handle = pgwf_handle_new(client, o.workflow_id, NULL);
	pgwf_handle_terminate(handle, NULL);
	pgwf_handle_free(handle);
}

static void
test_signal_with_start(void)
{
	PgwfStartOptions o = start_options(unique("signal-with-start"));
	PgwfSignalOptions s = PGWF_SIGNAL_OPTIONS_INIT;
	PgwfStarted started;

	is_result(pgwf_client_signal_with_start(client, &o, &s, &started),
			  PGWF_INVALID_ARGUMENT, "signal with start without a name");
	s.signal_name = "hello";
	is_result(pgwf_client_signal_with_start(client, &o, &s, &started),
			  PGWF_OK, "signal with start");
	ok(started.started, "it was started");
	is_result(pgwf_client_signal_with_start(client, &o, &s, &started),
			  PGWF_OK, "once more");
	ok(!started.started, "it was signalled");
	is_result(pgwf_client_pause(client, o.workflow_id, NULL, "lunch"),
			  PGWF_OK, "pause");
	is_result(pgwf_client_unpause(client, o.workflow_id, NULL, NULL),
			  PGWF_OK, "unpause");
}

/* Enough runs for more than one page */
#define RUNS	450

static void
test_list(void)
{
	char		query[200];
	char		type[64];
	PgwfList   *list;
	const PgwfExecution *run;
	int64_t		count = 0;
	int64_t		last_start = INT64_MAX;
	bool		ordered = true;
	json_t	   *groups;
	int			i;
	int			n = 0;

	snprintf(type, sizeof(type), "%s", unique("type"));
	for (i = 0; i < RUNS; i++)
	{
		PgwfStartOptions o = start_options(unique("list"));

		o.workflow_type = type;
		o.task_queue = "nobody";
		o.memo = json_pack("{s:i}", "number", i);
		pgwf_client_start(client, &o, NULL);
		json_decref(o.memo);
	}
	snprintf(query, sizeof(query), "WorkflowType = '%s'", type);
	list = pgwf_client_list(client, query);
	while ((run = pgwf_list_next(list)) != NULL)
	{
		if (n == 0)
		{
			is_str(run->status, "Running", "status");
			is_str(run->task_queue, "nobody", "task queue");
			is_json(run->memo, "{\"number\": 449}", "memo");
			ok(run->close_time_us == 0, "it is open");
		}
		ordered = ordered && run->start_time_us <= last_start;
		last_start = run->start_time_us;
		n++;
	}
	is_result(pgwf_list_result(list), PGWF_OK, "list");
	is_int(n, RUNS, "all of them");
	ok(ordered, "the latest first");
	ok(pgwf_list_next(list) == NULL, "after the end is nothing");
	pgwf_list_free(list);
	is_result(pgwf_client_count(client, query, &count, NULL), PGWF_OK,
			  "count");
	is_int(count, RUNS, "all of them");
	strcat(query, " GROUP BY ExecutionStatus");
	is_result(pgwf_client_count(client, query, &count, &groups), PGWF_OK,
			  "count groups");
	is_json(groups, "[{\"count\": 450, \"groupValues\": [\"Running\"]}]",
			"one group");
	json_decref(groups);

	list = pgwf_client_list(client, "nonsense ===");
	ok(pgwf_list_next(list) == NULL, "a bad query finds nothing");
	is_result(pgwf_list_result(list), PGWF_INVALID_ARGUMENT,
			  "and says that it is bad");
	pgwf_list_free(list);
}

static void
test_schedule(void)
{
	PgwfScheduleOptions o = PGWF_SCHEDULE_OPTIONS_INIT;
	char		id[64];
	json_t	   *json;
	int64_t		token;
	int64_t		token2;

	snprintf(id, sizeof(id), "%s", unique("schedule"));
	o.schedule_id = id;
	is_result(pgwf_client_create_schedule(client, &o, &token),
			  PGWF_INVALID_ARGUMENT, "a schedule must be given");
	o.schedule = json_pack("{s:{s:[{s:s}]}, s:{s:{s:s, s:{s:s}, s:{s:s}}}}",
						   "spec", "interval", "interval", "3600s",
						   "action", "startWorkflow", "workflowId", id,
						   "workflowType", "name", "client",
						   "taskQueue", "name", "nobody");
	is_result(pgwf_client_create_schedule(client, &o, &token), PGWF_OK,
			  "create a schedule");
	o.conflict_token = token;
	is_result(pgwf_client_update_schedule(client, &o, &token2), PGWF_OK,
			  "update it");
	is_result(pgwf_client_update_schedule(client, &o, NULL),
			  PGWF_FAILED_PRECONDITION, "the token is an old one");
	is_result(pgwf_client_pause_schedule(client, id, "no more"), PGWF_OK,
			  "pause it");
	is_result(pgwf_client_describe_schedule(client, id, &json), PGWF_OK,
			  "describe it");
	is_json(json_object_get(json_object_get(json_object_get(json, "schedule"),
											"state"), "notes"),
			"\"no more\"", "it is paused with a note");
	json_decref(json);
	is_result(pgwf_client_unpause_schedule(client, id, NULL), PGWF_OK,
			  "unpause it");
	is_result(pgwf_client_trigger_schedule(client, id, "ALLOW_ALL"), PGWF_OK,
			  "trigger it");
	is_result(pgwf_client_backfill_schedule(client, id,
											"2026-01-01T00:00:00Z",
											"2026-01-01T02:00:00Z", NULL),
			  PGWF_OK, "backfill");
	is_result(pgwf_client_trigger_schedule(client, id, "SOMEHOW"),
			  PGWF_INVALID_ARGUMENT, "a policy that there is not");
	is_result(pgwf_client_schedule_times(client, id, "2026-01-01T00:00:00Z",
										 "2026-01-01T02:00:00Z", &json),
			  PGWF_OK, "its times");
	is_json(json, "[\"2026-01-01T01:00:00.000000Z\","
			" \"2026-01-01T02:00:00.000000Z\"]", "two of them");
	json_decref(json);
	is_result(pgwf_client_list_schedules(client, NULL, NULL, 0, &json),
			  PGWF_OK, "list");
	ok(json_array_size(json) > 0, "there is one");
	json_decref(json);
	is_result(pgwf_client_list_schedules(client, "ScheduleId = \"none\"", NULL,
										 0, &json), PGWF_OK, "by a query");
	ok(json_array_size(json) == 0, "that none matches");
	json_decref(json);
	is_result(pgwf_client_delete_schedule(client, id), PGWF_OK, "delete it");
	is_result(pgwf_client_describe_schedule(client, id, &json),
			  PGWF_NOT_FOUND, "it is not there any more");
	json_decref(o.schedule);
}

static void
test_namespace(void)
{
	char		name[64];
	json_t	   *json;

	snprintf(name, sizeof(name), "%s", unique("namespace"));
	is_result(pgwf_client_register_namespace(client, name, 86400000, "a test",
											 false),
			  PGWF_OK, "register a namespace");
	is_result(pgwf_client_register_namespace(client, name, 0, NULL, false),
			  PGWF_ALREADY_EXISTS, "only once");
	is_result(pgwf_client_update_namespace(client, name, 0, "changed"),
			  PGWF_OK, "update it");
	is_result(pgwf_client_describe_namespace(client, name, &json), PGWF_OK,
			  "describe it");
	is_json(json_object_get(json_object_get(json, "namespaceInfo"),
							"description"), "\"changed\"", "its description");
	is_json(json_object_get(json_object_get(json, "config"),
							"workflowExecutionRetentionTtl"), "\"86400s\"",
			"its retention");
	json_decref(json);
	is_result(pgwf_client_delete_namespace(client, name), PGWF_OK,
			  "delete it");
	is_result(pgwf_client_describe_task_queue(client, queue, false, &json),
			  PGWF_OK, "describe a task queue");
	ok(json_object_get(json, "stats") != NULL, "it has statistics");
	json_decref(json);
}

int
main(void)
{
	snprintf(queue, sizeof(queue), "%s", unique("client"));
	client = pgwf_client_new(NULL, NULL);
	test_start_options();
	test_handle();
	test_query();
	test_update();
	test_signal_with_start();
	test_list();
	test_schedule();
	test_namespace();
	pgwf_client_free(client);
	return done_testing();
}
