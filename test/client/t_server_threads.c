/*
 * t_server_threads.c
 *		A client that threads share, against a real service: calls that go
 *		together, their errors, lost connections, time limits, and calls that
 *		hold a connection for long.
 *
 * What goes together is made certain: a first call waits in the server for a
 * run that another session has locked, until the others are in the queue.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgwf_client.h"
#include "pgwf_pool.h"
#include "server.h"
#include "tap.h"

#define WAIT_MS		30000
#define THREADS		16

static char prefix[64];
static char queue[80];

static char *
unique(const char *name, int number)
{
	static char buf[64][128];
	static int	next;
	char	   *id = buf[next++ % 64];

	snprintf(id, sizeof(buf[0]), "%s-%s-%d", prefix, name, number);
	return id;
}

/* ---- other sessions ---- */

static PGconn *
connect_db(void)
{
	PGconn	   *conn = PQconnectdb("application_name=test");

	if (PQstatus(conn) != CONNECTION_OK)
	{
		note("%s", PQerrorMessage(conn));
		exit(1);
	}
	return conn;
}

/* The value of a query, which is the caller's; "" if there is none */
static char *
sql(PGconn *conn, const char *statement, const char *p1, const char *p2)
{
	const char *values[] = {p1, p2};
	int			n = p2 != NULL ? 2 : p1 != NULL ? 1 : 0;
	PGresult   *result = PQexecParams(conn, statement, n, NULL, values, NULL,
									  NULL, 0);
	char	   *value;

	if (PQresultStatus(result) != PGRES_TUPLES_OK &&
		PQresultStatus(result) != PGRES_COMMAND_OK)
		note("%s: %s", statement, PQerrorMessage(conn));
	value = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return value;
}

static long
sql_number(PGconn *conn, const char *statement, const char *p1,
		   const char *p2)
{
	char	   *value = sql(conn, statement, p1, p2);
	long		number = strtol(value, NULL, 10);

	free(value);
	return number;
}

static void
sql_do(PGconn *conn, const char *statement, const char *p1, const char *p2)
{
	free(sql(conn, statement, p1, p2));
}

/* Waits until a query gives a number, or a greater one. */
static bool
wait_for_number(PGconn *conn, const char *statement, const char *p1,
				long number)
{
	int64_t		until = pgwf_clock_ms() + WAIT_MS;

	while (sql_number(conn, statement, p1, NULL) < number)
	{
		if (pgwf_clock_ms() > until)
			return false;
		usleep(2000);
	}
	return true;
}

/* The client's connections, which have this test's namespace of names */
#define CONNECTIONS \
	"SELECT count(*) FROM pg_stat_activity " \
	"WHERE application_name = 'pgworkflow client' AND backend_type = 'client backend'"

/* Connections of a client that wait for a lock in a statement */
#define WAITING CONNECTIONS " AND wait_event_type = 'Lock' AND query LIKE $1"

#define KILL \
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity " \
	"WHERE application_name = 'pgworkflow client'"

#define START \
	"SELECT run_id FROM workflow.start_workflow_execution($1, 'threads', $2)"

/* A session that has locked a run, so that calls for it wait */
static PGconn *
hold_run(const char *id)
{
	PGconn	   *conn = connect_db();

	sql_do(conn, START, id, queue);
	sql_do(conn, "BEGIN", NULL, NULL);
	sql_do(conn, "SELECT workflow.signal_workflow_execution($1, 'hold')", id,
		   NULL);
	return conn;
}

static void
let_go(PGconn *conn)
{
	sql_do(conn, "COMMIT", NULL, NULL);
	PQfinish(conn);
}

/* ---- calls in threads ---- */

typedef enum Kind
{
	START_RUN, SIGNAL, CANCEL, TERMINATE, SIGNAL_WITH_START, RESULT
} Kind;

typedef struct Call
{
	PgwfClient *client;
	Kind		kind;
	const char *id;
	const char *type;			/* of a start, if not the usual one */
	json_t	   *input;
	pthread_t	thread;
	PgwfResult	code;
	PgwfStarted started;
	char		error[500];
	char		sqlstate[6];
	char		status[PGWF_STATUS_SIZE];
} Call;

static void *
call_main(void *arg)
{
	Call	   *call = arg;
	PgwfStartOptions start = PGWF_START_OPTIONS_INIT;
	PgwfSignalOptions signal = PGWF_SIGNAL_OPTIONS_INIT;
	PgwfCancelOptions cancel = PGWF_CANCEL_OPTIONS_INIT;
	PgwfTerminateOptions terminate = PGWF_TERMINATE_OPTIONS_INIT;
	PgwfResultOptions result = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;

	start.workflow_id = signal.workflow_id = cancel.workflow_id =
		terminate.workflow_id = result.workflow_id = call->id;
	start.workflow_type = call->type != NULL ? call->type : "threads";
	start.task_queue = queue;
	start.input = signal.input = call->input;
	signal.signal_name = "go";
	result.timeout_ms = WAIT_MS;
	switch (call->kind)
	{
		case START_RUN:
			call->code = pgwf_client_start(call->client, &start,
										   &call->started);
			break;
		case SIGNAL:
			call->code = pgwf_client_signal(call->client, &signal);
			break;
		case CANCEL:
			call->code = pgwf_client_request_cancel(call->client, &cancel);
			break;
		case TERMINATE:
			call->code = pgwf_client_terminate(call->client, &terminate);
			break;
		case SIGNAL_WITH_START:
			call->code = pgwf_client_signal_with_start(call->client, &start,
													   &signal,
													   &call->started);
			break;
		case RESULT:
			call->code = pgwf_client_result(call->client, &result, &outcome);
			snprintf(call->status, sizeof(call->status), "%s",
					 outcome.status);
			pgwf_outcome_clear(&outcome);
			break;
	}
	snprintf(call->error, sizeof(call->error), "%s",
			 pgwf_client_error(call->client));
	snprintf(call->sqlstate, sizeof(call->sqlstate), "%s",
			 pgwf_client_sqlstate(call->client));
	return NULL;
}

static void
begin_call(Call *call, PgwfClient *client, Kind kind, const char *id)
{
	call->client = client;
	call->kind = kind;
	call->id = id;
	pthread_create(&call->thread, NULL, call_main, call);
}

static void
end_calls(Call *calls, int n)
{
	int			i;

	for (i = 0; i < n; i++)
		pthread_join(calls[i].thread, NULL);
}

static void
call_is(const Call *call, PgwfResult expected, const char *name)
{
	is_str(pgwf_result_text(call->code), pgwf_result_text(expected),
		   "%s%s%s", name, call->code != expected ? ": " : "",
		   call->code != expected ? call->error : "");
}

/* Waits until so many calls are in the queue for the next exchange. */
static bool
wait_for_queue(PgwfClient *client, int n)
{
	int64_t		until = pgwf_clock_ms() + WAIT_MS;

	for (;;)
	{
		int			queued;

		pthread_mutex_lock(&client->mutex);
		queued = client->nwrites;
		pthread_mutex_unlock(&client->mutex);
		if (queued == n)
			return true;
		if (pgwf_clock_ms() > until)
			return false;
		usleep(1000);
	}
}

/* Begins a call that waits for the run that is held, alone. */
static void
begin_waiting(Call *call, PgwfClient *client, PGconn *conn, const char *id)
{
	begin_call(call, client, SIGNAL, id);
	if (!wait_for_number(conn, WAITING, "%signal_workflow_execution%", 1))
		note("the first call does not wait");
}

/* In how many transactions the runs of a prefix were started */
#define TRANSACTIONS \
	"SELECT count(DISTINCT xmin::text) FROM workflow.execution " \
	"WHERE starts_with(workflow_id, $1)"
#define RUNS \
	"SELECT count(*) FROM workflow.execution " \
	"WHERE starts_with(workflow_id, $1)"

/* ---- the tests ---- */

/*
 * One group of calls of all kinds, three of which fail: each gets the answer
 * that it would get alone, and the others are one transaction.
 */
static void
test_group(PGconn *conn)
{
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	const char *held = unique("held", 0);
	const char *target = unique("target", 0);
	PGconn	   *holder = hold_run(held);
	Call		calls[THREADS] = {{0}};
	const char *odd = "\"odd\"\\ \t\001 \303\251";
	char		odd_type[100];
	int			started = 0;
	int			i;
	char	   *text;

	snprintf(odd_type, sizeof(odd_type), "%s", odd);
	sql_do(conn, START, target, queue);
	sql_do(conn, START, unique("used", 0), queue);
	begin_waiting(&calls[0], client, conn, held);
	for (i = 1; i < 10; i++)
	{
		calls[i].type = i == 1 ? odd_type : NULL;
		calls[i].input = i == 1 ? json_pack("[s, f, n]", odd, 0.5) : NULL;
		begin_call(&calls[i], client, START_RUN, unique("group", i));
	}
	begin_call(&calls[10], client, START_RUN, unique("used", 0));
	begin_call(&calls[11], client, SIGNAL, unique("missing", 0));
	begin_call(&calls[12], client, SIGNAL, target);
	begin_call(&calls[13], client, SIGNAL_WITH_START, unique("group", 13));
	begin_call(&calls[14], client, CANCEL, target);
	begin_call(&calls[15], client, TERMINATE, unique("missing", 1));
	ok(wait_for_queue(client, THREADS - 1), "the others wait in the queue");
	is_int(sql_number(conn, CONNECTIONS, NULL, NULL), 1, "one connection");
	let_go(holder);
	end_calls(calls, THREADS);

	for (i = 0; i < THREADS; i++)
	{
		bool		is_start = i > 0 && (i < 10 || i == 13);
		char		expected[200];

		if (i != 10 && i != 11 && i != 15)
			call_is(&calls[i], PGWF_OK, "a call that succeeds");
		if (!is_start)
			continue;
		text = sql(conn, "SELECT run_id FROM workflow.execution "
				   "WHERE workflow_id = $1", calls[i].id, NULL);
		snprintf(expected, sizeof(expected), "%s", calls[i].started.run_id);
		started += calls[i].started.started && strcmp(text, expected) == 0;
		free(text);
	}
	is_int(started, 10, "every start has its own run");
	call_is(&calls[10], PGWF_WORKFLOW_ALREADY_STARTED, "an id in use");
	is_str(calls[10].sqlstate, "PW106", "its SQLSTATE");
	has_str(calls[10].error, calls[10].id, "its error is its own");
	call_is(&calls[11], PGWF_NOT_FOUND, "a signal to nobody");
	has_str(calls[11].error, calls[11].id, "its error is its own");
	call_is(&calls[15], PGWF_NOT_FOUND, "nobody to terminate");
	has_str(calls[15].error, calls[15].id, "its error is its own");
	text = unique("group", 0);
	*strrchr(text, '-') = '\0';
	is_int(sql_number(conn, RUNS, text, NULL), 10, "all were started");
	is_int(sql_number(conn, TRANSACTIONS, text, NULL), 1,
		   "in one transaction");
	text = sql(conn, "SELECT attributes -> 'input' FROM "
			   "workflow.get_workflow_execution_history($1, page_size => 1)",
			   calls[1].id, NULL);
	{
		json_t	   *input = json_loads(text, 0, NULL);

		ok(json_equal(input, calls[1].input), "odd values arrive");
		json_decref(input);
	}
	free(text);
	text = sql(conn, "SELECT workflow_type FROM workflow.executions "
			   "WHERE workflow_id = $1", calls[1].id, NULL);
	is_str(text, odd, "and odd names");
	free(text);
	json_decref(calls[1].input);
	is_str(pgwf_client_error(client), "", "this thread has no error");
	pgwf_client_free(client);
}

/* ---- a codec ---- */

/* Values of calls in a group go through the client's codec. */
static void
test_codec(PGconn *conn)
{
	PgwfCodec	codec = PGWF_CODEC_INIT;
	PgwfClientOptions options = PGWF_CLIENT_OPTIONS_INIT;
	PgwfHistoryOptions h = PGWF_HISTORY_OPTIONS_INIT;
	PgwfClient *client;
	const char *held = unique("held-codec", 0);
	PGconn	   *holder = hold_run(held);
	Call		calls[4] = {{0}};
	char	   *text;
	int			i;

	codec.encoding = "binary/turned";
	codec.encode = codec.decode = turn_bits;
	options.codec = &codec;
	client = pgwf_client_new(NULL, &options);
	begin_waiting(&calls[0], client, conn, held);
	for (i = 1; i < 4; i++)
	{
		calls[i].input = json_pack("[s]", i == 1 ? "secret" : "null");
		begin_call(&calls[i], client, START_RUN, unique("codec", i));
	}
	ok(wait_for_queue(client, 3), "the others wait in the queue");
	let_go(holder);
	end_calls(calls, 4);
	h.workflow_id = unique("codec", 1);
	h.page_size = 1;
	text = sql(conn, "SELECT position('secret' IN attributes::text) FROM "
			   "workflow.get_workflow_execution_history($1, page_size => 1)",
			   h.workflow_id, NULL);
	is_str(text, "0", "a value is encoded");
	free(text);
	for (i = 1; i < 4; i++)
	{
		json_t	   *events = NULL;

		call_is(&calls[i], PGWF_OK, "a start with a codec");
		h.workflow_id = calls[i].id;
		pgwf_client_history(client, &h, &events);
		ok(json_equal(json_object_get(json_object_get(json_array_get(events, 0),
													  "attributes"), "input"),
					  calls[i].input), "and is decoded");
		json_decref(events);
		json_decref(calls[i].input);
	}
	pgwf_client_free(client);
}

/*
 * The connection is lost while a group waits in the server: all but one can be
 * repeated, and happen once.
 */
static void
test_lost(PGconn *conn)
{
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	const char *held = unique("held-lost", 0);
	const char *taken = unique("lost", 7);
	PGconn	   *holder = hold_run(held);
	PGconn	   *starter = connect_db();
	Call		calls[THREADS] = {{0}};
	int			good = 0;
	int			i;
	char	   *name;

	sql_do(conn, START, unique("target-lost", 0), queue);
	sql_do(starter, "BEGIN", NULL, NULL);
	sql_do(starter, START, taken, queue);
	begin_waiting(&calls[0], client, conn, held);
	for (i = 1; i < THREADS - 1; i++)
		begin_call(&calls[i], client, START_RUN, unique("lost", i));
	begin_call(&calls[i], client, TERMINATE, unique("target-lost", 0));
	ok(wait_for_queue(client, THREADS - 1), "the others wait in the queue");
	let_go(holder);
	ok(wait_for_number(conn, WAITING, "%execute_calls%", 1),
	   "the group waits for one of its calls");
	sql_do(conn, KILL, NULL, NULL);
	let_go(starter);
	end_calls(calls, THREADS);
	for (i = 1; i < THREADS - 1; i++)
		good += i != 7 && calls[i].code == PGWF_OK && calls[i].started.started;
	is_int(good, THREADS - 3, "the starts were repeated");
	call_is(&calls[0], PGWF_OK, "the first call");
	call_is(&calls[7], PGWF_WORKFLOW_ALREADY_STARTED,
			"the id that was taken meanwhile");
	call_is(&calls[i], PGWF_UNAVAILABLE, "a termination is not repeated");
	name = unique("lost", 0);
	name[strlen(name) - 1] = '\0';
	is_int(sql_number(conn, RUNS, name, NULL), THREADS - 2,
		   "each run is there once");
	pgwf_client_free(client);
}

/* A call in the queue, and one that was sent, whose time is over */
static void
test_deadline(PGconn *conn)
{
	PgwfClientOptions options = PGWF_CLIENT_OPTIONS_INIT;
	PgwfClient *client;
	const char *held = unique("late-held", 0);
	PGconn	   *holder = hold_run(held);
	Call		calls[4] = {{0}};
	int			i;

	options.call_timeout_ms = 400;
	options.connect_timeout_ms = 2000;
	client = pgwf_client_new(NULL, &options);
	for (i = 0; i < 3; i++)
		begin_call(&calls[i], client, SIGNAL, held);
	end_calls(calls, 3);
	for (i = 0; i < 3; i++)
		call_is(&calls[i], PGWF_DEADLINE_EXCEEDED, "no answer in time");
	begin_call(&calls[3], client, START_RUN, unique("late", 0));
	end_calls(&calls[3], 1);
	call_is(&calls[3], PGWF_OK, "the next call is served");
	let_go(holder);
	pgwf_client_free(client);
	ok(wait_for_number(conn, "SELECT (count(*) = 0)::int FROM "
					   "pg_stat_activity WHERE application_name = $1",
					   "pgworkflow client", 1), "no connection is left");
}

/*
 * More calls wait for results than there are connections; short calls are
 * served meanwhile, and each gets its result soon.
 */
static void
test_long(PGconn *conn)
{
	PgwfClientOptions options = PGWF_CLIENT_OPTIONS_INIT;
	PgwfClient *client;
	Call		calls[8] = {{0}};
	int64_t		begin;
	int			good = 0;
	int			i;

	options.max_connections = 3;
	client = pgwf_client_new(NULL, &options);
	for (i = 0; i < 8; i++)
	{
		sql_do(conn, START, unique("long", i), queue);
		begin_call(&calls[i], client, RESULT, unique("long", i));
	}
	ok(wait_for_number(conn, CONNECTIONS " AND query LIKE $1",
					   "%get_workflow_execution_result%", 2),
	   "some wait at a time");
	begin = pgwf_clock_ms();
	for (i = 7; i >= 0; i--)
	{
		PgwfTerminateOptions o = PGWF_TERMINATE_OPTIONS_INIT;

		o.workflow_id = unique("long", i);
		good += pgwf_client_terminate(client, &o) == PGWF_OK;
	}
	is_int(good, 8, "short calls need not wait for them");
	end_calls(calls, 8);
	ok(pgwf_clock_ms() - begin < 20000, "all have their results soon");
	good = 0;
	for (i = 0; i < 8; i++)
		good += calls[i].code == PGWF_OK &&
			strcmp(calls[i].status, "Terminated") == 0;
	is_int(good, 8, "the right ones");
	ok(sql_number(conn, CONNECTIONS, NULL, NULL) <= 3,
	   "with no more connections than may be");
	pgwf_client_free(client);
}

/* Errors of two threads with two clients */
static void *
fail_once(void *arg)
{
	PgwfClient *client = arg;
	PgwfSignalOptions o = PGWF_SIGNAL_OPTIONS_INIT;

	is_str(pgwf_client_error(client), "", "a thread without an error");
	o.signal_name = "x";
	is_int(pgwf_client_signal(client, &o), PGWF_INVALID_ARGUMENT,
		   "a call without an id");
	is_str(pgwf_client_error(client), "workflow_id is not set", "its error");
	return NULL;
}

static void
test_errors(void)
{
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	PgwfClient *other = pgwf_client_new(NULL, NULL);
	PgwfSignalOptions o = PGWF_SIGNAL_OPTIONS_INIT;
	pthread_t	thread;

	o.workflow_id = unique("nobody", 0);
	o.signal_name = "x";
	is_int(pgwf_client_signal(client, &o), PGWF_NOT_FOUND, "nobody there");
	is_str(pgwf_client_sqlstate(client), "PW005", "its SQLSTATE");
	is_str(pgwf_client_error(other), "", "that is not the other client's");
	pthread_create(&thread, NULL, fail_once, client);
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, fail_once, other);
	pthread_join(thread, NULL);
	is_str(pgwf_client_sqlstate(client), "PW005",
		   "another thread's error changes nothing");
	pgwf_client_free(other);
	has_str(pgwf_client_error(client), o.workflow_id, "nor its client's end");
	pgwf_client_free(client);
}

/* ---- all at once, with a connection that is killed again and again ---- */

#define ROUNDS	40

typedef struct Runner
{
	PgwfClient *client;
	int			number;
	int			wrong;
	pthread_t	thread;
} Runner;

static bool
expect(Runner *runner, PgwfResult got, PgwfResult expected, const char *what)
{
	if (got != expected)
	{
		runner->wrong++;
		fprintf(stderr, "# %s: %s: %s\n", what, pgwf_result_text(got),
				pgwf_client_error(runner->client));
	}
	return got == expected;
}

static void *
runner_main(void *arg)
{
	Runner	   *runner = arg;
	PgwfClient *client = runner->client;
	int			i;

	for (i = 0; i < ROUNDS; i++)
	{
		PgwfStartOptions start = PGWF_START_OPTIONS_INIT;
		PgwfSignalOptions signal = PGWF_SIGNAL_OPTIONS_INIT;
		PgwfStarted started;
		char		id[128];
		char		nobody[128];
		json_t	   *description;

		snprintf(id, sizeof(id), "%s-all-%d-%d", prefix, runner->number, i);
		snprintf(nobody, sizeof(nobody), "%s-none-%d", prefix,
				 runner->number);
		start.workflow_id = signal.workflow_id = id;
		start.workflow_type = "threads";
		start.task_queue = queue;
		signal.signal_name = "go";
		if (expect(runner, pgwf_client_start(client, &start, &started),
				   PGWF_OK, "start"))
			runner->wrong += !started.started;
		expect(runner, pgwf_client_signal(client, &signal), PGWF_OK,
			   "signal");
		if (expect(runner, pgwf_client_start(client, &start, NULL),
				   PGWF_WORKFLOW_ALREADY_STARTED, "start again"))
			runner->wrong += strstr(pgwf_client_error(client), id) == NULL;
		signal.workflow_id = nobody;
		if (expect(runner, pgwf_client_signal(client, &signal),
				   PGWF_NOT_FOUND, "signal to nobody"))
			runner->wrong +=
				strstr(pgwf_client_error(client), nobody) == NULL;
		if (i % 8 == 0 &&
			expect(runner, pgwf_client_describe(client, id, NULL,
												&description), PGWF_OK,
				   "describe"))
		{
			const char *run_id;

			run_id = pgwf_json_str2(json_object_get(description,
													"workflowExecutionInfo"),
									"execution", "runId");
			runner->wrong += strcmp(run_id, started.run_id) != 0;
			json_decref(description);
		}
	}
	return NULL;
}

static void
test_all(PGconn *conn, bool killed)
{
	PgwfClientOptions options = PGWF_CLIENT_OPTIONS_INIT;
	PgwfClient *client;
	Runner		runners[THREADS] = {{0}};
	const char *how = killed ? "with lost connections" : "in peace, unprepared";
	int			kills = 0;
	int			wrong = 0;
	int			i;
	char		name[128];

	options.pooled = !killed;
	client = pgwf_client_new(NULL, &options);
	snprintf(prefix + strlen(prefix), 8, "%c", killed ? 'k' : 'p');
	snprintf(name, sizeof(name), "%s-all-", prefix);
	for (i = 0; i < THREADS; i++)
	{
		runners[i].client = client;
		runners[i].number = i;
		pthread_create(&runners[i].thread, NULL, runner_main, &runners[i]);
	}
	while (killed && kills < 8)
	{
		/* as often as there is something to lose */
		if (!wait_for_number(conn, RUNS, name, kills * 60 + 1))
			break;
		sql_do(conn, KILL, NULL, NULL);
		kills++;
	}
	for (i = 0; i < THREADS; i++)
	{
		pthread_join(runners[i].thread, NULL);
		wrong += runners[i].wrong;
	}
	is_int(wrong, 0, "all calls are answered %s", how);
	is_int(kills, killed ? 8 : 0, "killed %s", how);
	is_int(sql_number(conn, RUNS, name, NULL), THREADS * ROUNDS,
		   "every run is there once %s", how);
	is_int(sql_number(conn, "SELECT count(*) FROM workflow.execution AS e, "
					  "workflow.get_workflow_execution_history("
					  "e.workflow_id, e.run_id) AS h "
					  "WHERE starts_with(e.workflow_id, $1) AND "
					  "h.event_type = 'WorkflowExecutionSignaled'", name,
					  NULL), THREADS * ROUNDS, "and every signal %s", how);
	pgwf_client_free(client);
}

int
main(void)
{
	PGconn	   *conn = connect_db();

	snprintf(prefix, sizeof(prefix), "threads-%ld", (long) getpid());
	snprintf(queue, sizeof(queue), "%s", prefix);
	test_group(conn);
	test_codec(conn);
	test_lost(conn);
	test_deadline(conn);
	test_long(conn);
	test_errors();
	test_all(conn, false);
	test_all(conn, true);
	PQfinish(conn);
	return done_testing();
}
