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
send_signals(PGconn *conn, int n)
{
	command(conn, "SELECT workflow.signal_workflow_execution('long', 'step')"
			" FROM generate_series(1, %d)", n);
}

/* A signal, the task it leads to, and its answer, by a sticky worker. */
static void
sticky_step(PGconn *conn)
{
	command(conn, "SELECT workflow.signal_workflow_execution('long', 'step')");
	if (poll_and_answer(conn, "answers", "t") != 1)
		die("step", "there is no task for the sticky worker");
}

static double
measure_steps(PGconn *conn, int n)
{
	double	   *times = calloc((size_t) n, sizeof(double));
	double		median;
	int			i;

	for (i = 0; i < n; i++)
	{
		double		begin = seconds();

		sticky_step(conn);
		times[i] = seconds() - begin;
	}
	median = percentile(times, n, 0.5);
	free(times);
	return median;
}

void
run_history_length(void)
{
	PGconn	   *conn = connect_database();
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	int			steps = (int) (200 * scale) + 1;
	int			length = (int) (50000 * scale);
	double		short_step;
	double		long_step;
	double		begin;
	int			n;

	command(conn, "SET pg_workflow.max_signals_per_execution = 1000000");

	/* who has not polled its sticky queue is taken for gone */
	(void) poll_and_answer(conn, "answers", "t");
	command(conn, "SELECT workflow.start_workflow_execution('long', '%s', '"
			QUEUE "')", RECEIVER);
	(void) poll_and_answer(conn, QUEUE, "f");
	send_signals(conn, 80);
	(void) poll_and_answer(conn, "answers", "t");
	short_step = measure_steps(conn, steps);
	while ((n = (int) number(conn, "SELECT max(event_id) FROM "
							 "workflow.get_workflow_execution_history('long',"
							 " page_size => 1, reverse => true)")) < length)
	{
		if (n % 10000 < 1100)
			progress("history of %d events", n);
		send_signals(conn, 1000);
		(void) poll_and_answer(conn, "answers", "t");
	}
	long_step = measure_steps(conn, steps);
	report("step at 100 events", "ms", short_step * 1000);
	report("step at 50,000 events", "ms", long_step * 1000);
	report("50,000 / 100", "", long_step / short_step);

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
