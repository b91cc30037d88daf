/*-------------------------------------------------------------------------
 *
 * latency.c
 *	  How long one thing takes when nothing else goes on, and whether it takes
 *	  longer in a long history: W3 and W7.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define WARM_UP		20

/* A step makes four events. */
#define STEPS_OF_A_RUN	10

/*
 * How long the long run is before its steps: with them it has 50,000 events,
 * and no more than are allowed.
 */
#define LONG_EVENTS		48000

static void
report_times(const char *what, double *times, int n, bool with_p99)
{
	char		name[64];

	snprintf(name, sizeof(name), "%s, p50", what);
	report(name, "ms", percentile(times, n, 0.5) * 1000);
	if (!with_p99)
		return;
	snprintf(name, sizeof(name), "%s, p99", what);
	report(name, "ms", percentile(times, n, 0.99) * 1000);
}

/* Start to result. */
static void
measure_workflows(PgwfClient *client, const char *what, const char *type,
				  int n)
{
	double	   *times = calloc((size_t) n, sizeof(double));
	int			i;

	progress("%s", what);
	for (i = -WARM_UP; i < n; i++)
	{
		double		begin = seconds();
		char		id[64];

		snprintf(id, sizeof(id), "%s-%d", type, i);
		start_workflow(client, type, id, i);
		wait_closed(client, id);
		if (i >= 0)
			times[i] = seconds() - begin;
	}
	report_times(what, times, n, true);
	free(times);
}

/* From the call that signals to the result that it leads to. */
static void
measure_signals(PgwfClient *client, int n)
{
	double	   *times = calloc((size_t) n, sizeof(double));
	PGconn	   *conn = connect_database();
	int			i;

	progress("signals");
	for (i = -WARM_UP; i < n; i++)
	{
		PgwfSignalOptions options = PGWF_SIGNAL_OPTIONS_INIT;
		double		begin;
		char		id[64];

		snprintf(id, sizeof(id), "signal-%d", i);
		start_workflow(client, RECEIVER, id, 0);
		while (number(conn, "SELECT count(*) FROM workflow.history "
					  "WHERE workflow_id = '%s' AND "
					  "event_type = 'WorkflowTaskCompleted'", id) == 0)
			pause_ms(1);
		options.workflow_id = id;
		options.signal_name = "end";
		begin = seconds();
		if (pgwf_client_signal(client, &options) != PGWF_OK)
			die("signal", pgwf_client_error(client));
		wait_closed(client, id);
		if (i >= 0)
			times[i] = seconds() - begin;
	}
	report_times("signal to result", times, n, true);
	PQfinish(conn);
	free(times);
}

/* ---- a worker of bare SQL, for what is asked of a run ---- */

static int	answering;			/* atomic */

static char *
text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return strdup(text ? text : "");
}

/* Accepts and completes the update that a task carries. */
static char *
update_messages(json_t *messages)
{
	json_t	   *request = json_array_get(messages, 0);
	char	   *id = text_of(request, "protocolInstanceId");
	char	   *message_id = text_of(request, "id");
	char		buf[2048];

	snprintf(buf, sizeof(buf),
			 "[{\"id\": \"%s/accept\", \"protocolInstanceId\": \"%s\","
			 " \"body\": {\"@type\": \"type.googleapis.com/temporal.api.update.v1.Acceptance\","
			 " \"acceptedRequestMessageId\": \"%s\"}},"
			 " {\"id\": \"%s/complete\", \"protocolInstanceId\": \"%s\","
			 " \"body\": {\"@type\": \"type.googleapis.com/temporal.api.update.v1.Response\","
			 " \"meta\": {\"updateId\": \"%s\"},"
			 " \"outcome\": {\"success\": [1]}}}]",
			 id, id, message_id, id, id, id);
	free(id);
	free(message_id);
	return strdup(buf);
}

static void
answer_task(PGconn *conn, json_t *task)
{
	char	   *token = text_of(task, "taskToken");
	json_t	   *messages = json_object_get(task, "messages");
	const char *values[2] = {token, NULL};
	char	   *answer = NULL;
	PGresult   *result;

	if (json_object_get(task, "query") != NULL)
		result = PQexecParams(conn, "SELECT workflow.respond_query_task_completed("
							  "$1, query_result => '[1]')", 1, NULL, values,
							  NULL, NULL, 0);
	else
	{
		answer = json_array_size(messages) > 0 ? update_messages(messages) :
			strdup("[]");
		values[1] = answer;
		result = PQexecParams(conn, "SELECT workflow.respond_workflow_task_completed("
							  "$1, sticky_queue => 'answers', messages => $2)",
							  2, NULL, values, NULL, NULL, 0);
	}
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die("answer", PQerrorMessage(conn));
	PQclear(result);
	free(answer);
	free(token);
}

/* Returns how many tasks there were. */
static int
poll_and_answer(PGconn *conn, const char *queue, const char *sticky)
{
	const char *values[2] = {queue, sticky};
	PGresult   *result;
	int			n;
	int			i;

	result = PQexecParams(conn, "SELECT workflow.poll_workflow_task_queue("
						  "$1, sticky => $2)", 2, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die("poll", PQerrorMessage(conn));
	n = PQntuples(result);
	for (i = 0; i < n; i++)
	{
		json_t	   *task = json_loads(PQgetvalue(result, i, 0), 0, NULL);

		answer_task(conn, task);
		json_decref(task);
	}
	PQclear(result);
	return n;
}

static void *
answer_main(void *arg)
{
	PGconn	   *conn = connect_database();

	(void) arg;
	while (__atomic_load_n(&answering, __ATOMIC_RELAXED) != 0)
	{
		(void) poll_and_answer(conn, "answers", "t");
		(void) poll_and_answer(conn, "asked", "f");
		command(conn, "CALL workflow.wait_for_task('{asked,answers}', "
				"timeout => '0.5 s')");
	}
	PQfinish(conn);
	return NULL;
}

static void
measure_calls(PGconn *conn, const char *what, const char *sql, int n)
{
	double	   *times = calloc((size_t) n, sizeof(double));
	int			i;

	progress("%s", what);
	for (i = -WARM_UP; i < n; i++)
	{
		double		begin = seconds();

		command(conn, "%s", sql);
		if (i >= 0)
			times[i] = seconds() - begin;
	}
	report_times(what, times, n, true);
	free(times);
}

static void
measure_questions(int n)
{
	PGconn	   *conn = connect_database();
	pthread_t	thread;

	__atomic_store_n(&answering, 1, __ATOMIC_RELAXED);
	pthread_create(&thread, NULL, answer_main, NULL);
	command(conn, "SELECT workflow.start_workflow_execution('asked', 'w', "
			"'asked')");
	measure_calls(conn, "query", "CALL workflow.query_workflow('asked', 'q')",
				  n);
	measure_calls(conn, "update",
				  "CALL workflow.update_workflow_execution('asked', NULL, 'u')",
				  n);
	__atomic_store_n(&answering, 0, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	PQfinish(conn);
}

void
run_latency(void)
{
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	int			n = (int) (500 * scale);

	start_workers(1, 0);
	measure_workflows(client, "one activity", ONE_ACTIVITY, n);
	measure_workflows(client, "ten activities", TEN_ACTIVITIES, n / 2);
	measure_signals(client, n / 2);
	stop_workers();
	pgwf_client_free(client);
	measure_questions(n);
}

/* ---- histories ---- */

static void
send_signals(PGconn *conn, const char *id, int n)
{
	command(conn, "SELECT workflow.signal_workflow_execution('%s', 'step')"
			" FROM generate_series(1, %d)", id, n);
}

/* Starts a run that waits for the last signal, and has had so many others. */
static void
start_run(PGconn *conn, const char *id, int nsignals)
{
	command(conn, "SELECT workflow.start_workflow_execution('%s', '%s', '"
			QUEUE "')", id, RECEIVER);
	(void) poll_and_answer(conn, QUEUE, "f");
	send_signals(conn, id, nsignals);
	(void) poll_and_answer(conn, "answers", "t");
}

/* A signal, the task it leads to, and its answer, by a sticky worker. */
static double
sticky_step(PGconn *conn, const char *id)
{
	double		begin = seconds();

	command(conn, "SELECT workflow.signal_workflow_execution('%s', 'step')",
			id);
	if (poll_and_answer(conn, "answers", "t") != 1)
		die("step", "there is no task for the sticky worker");
	return seconds() - begin;
}

/*
 * Steps of the long run and of short ones in turn: what else the machine does
 * meanwhile meets both.  A short run has 100 events in the middle of its
 * steps; then another takes its place.
 */
static void
compare_steps(PGconn *conn)
{
	int			n = (int) (500 * scale) + 1;
	double	   *longs = calloc((size_t) n, sizeof(double));
	double	   *shorts = calloc((size_t) n, sizeof(double));
	char		id[64] = "";
	double		long_step;
	double		short_step;
	int			i;

	progress("steps");
	for (i = -WARM_UP; i < n; i++)
	{
		double		times[2];
		int			first = i & 1;

		if (i % STEPS_OF_A_RUN == 0)
		{
			snprintf(id, sizeof(id), "short-%d", i);
			start_run(conn, id, 93 - 2 * STEPS_OF_A_RUN);
		}
		times[first] = sticky_step(conn, first == 0 ? id : "long");
		times[!first] = sticky_step(conn, first == 0 ? "long" : id);
		if (i < 0)
			continue;
		shorts[i] = times[0];
		longs[i] = times[1];
	}
	short_step = percentile(shorts, n, 0.5);
	long_step = percentile(longs, n, 0.5);
	report("step at 100 events", "ms", short_step * 1000);
	report("step at 50,000 events", "ms", long_step * 1000);
	report("50,000 / 100", "", long_step / short_step);
	free(longs);
	free(shorts);
}

void
run_history_length(void)
{
	PGconn	   *conn = connect_database();
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	int			length = (int) (LONG_EVENTS * scale);
	double		begin;
	int			n;

	command(conn, "SET pg_workflow.max_signals_per_execution = 1000000");

	/* who has not polled its sticky queue is taken for gone */
	(void) poll_and_answer(conn, "answers", "t");
	start_run(conn, "long", 1000);
	while ((n = (int) number(conn, "SELECT max(event_id) FROM "
							 "workflow.get_workflow_execution_history('long',"
							 " page_size => 1, reverse => true)")) < length)
	{
		if (n % 10000 < 1100)
			progress("history of %d events", n);
		send_signals(conn, "long", 1000);
		(void) poll_and_answer(conn, "answers", "t");
	}
	compare_steps(conn);

	/* the whole history, for a worker that does not know the run */
	command(conn, "SELECT workflow.reset_sticky_task_queue('long')");
	start_workers(1, 0);
	start_workflow(client, ONE_ACTIVITY, "warm", 1);
	wait_closed(client, "warm");
	begin = seconds();
	command(conn, "SELECT workflow.signal_workflow_execution('long', 'end')");
	wait_closed(client, "long");
	report("replay of 50,000 events", "s", seconds() - begin);
	stop_workers();
	pgwf_client_free(client);
	PQfinish(conn);
}
