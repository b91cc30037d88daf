/*
 * worker_flows.c
 *		Workflows and activities of the TAP tests of the worker, as a shared
 *		object for "pgworkflow worker --library".
 */
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pgworkflow.h>

extern PGWF_API PgwfResult pgworkflow_register(PgwfRegistry *registry);

static const char *
text_at(json_t *input, size_t i)
{
	const char *text = json_string_value(json_array_get(input, i));

	return text != NULL ? text : "";
}

static int64_t
int_at(json_t *input, size_t i)
{
	return json_integer_value(json_array_get(input, i));
}

/* Appends a line to a file: what happened outside of histories. */
static void
note(const char *path, const char *line)
{
	FILE	   *file = fopen(path, "a");

	if (file != NULL)
	{
		fprintf(file, "%s\n", line);
		fclose(file);
	}
}

/* ---- workflows ---- */

/* [text, timer milliseconds]: an activity, a timer, a signal. */
static json_t *
basic(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *echoed;
	json_t	   *signal_input;

	options.start_to_close_timeout_ms = 10000;
	if (!pgwf_execute_activity(wf, "echo",
							   pgwf_pack(wf, "[s]", text_at(input, 0)),
							   &options, &echoed, failure) ||
		!pgwf_sleep(wf, int_at(input, 1), failure))
		return NULL;
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, &signal_input);
	return pgwf_pack(wf, "{s:O, s:O}", "echo", echoed, "signal",
					 json_array_get(signal_input, 0));
}

/*
 * [activity, [arguments], {options}]: one activity call.  Options are those
 * of PgwfActivityOptions in short; "wait" waits for the end of a cancelled one.
 */
static json_t *
call(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	json_t	   *given = json_array_get(input, 2);
	json_t	   *result;

	options.start_to_close_timeout_ms =
		json_integer_value(json_object_get(given, "start_to_close"));
	options.schedule_to_close_timeout_ms =
		json_integer_value(json_object_get(given, "schedule_to_close"));
	options.heartbeat_timeout_ms =
		json_integer_value(json_object_get(given, "heartbeat"));
	if (options.start_to_close_timeout_ms == 0)
		options.start_to_close_timeout_ms = 60000;
	if (json_is_true(json_object_get(given, "wait")))
		options.cancel_type = PGWF_CANCEL_WAIT_COMPLETED;
	retry.initial_interval_ms = 20;
	retry.backoff_coefficient = 1;
	retry.maximum_attempts =
		(int) json_integer_value(json_object_get(given, "attempts"));
	options.retry_policy = &retry;
	if (!pgwf_execute_activity(wf, text_at(input, 0),
							   json_array_get(input, 1), &options, &result,
							   failure))
		return NULL;
	return result;
}

/* [n]: n activities, each after a signal "next"; returns the sum. */
static json_t *
steps(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	int64_t		sum = 0;
	int64_t		i;

	options.start_to_close_timeout_ms = 10000;
	for (i = 1; i <= int_at(input, 0); i++)
	{
		json_t	   *result;

		pgwf_receive_signal(wf, "next", PGWF_FOREVER, NULL);
		if (!pgwf_execute_activity(wf, "echo", pgwf_pack(wf, "[I]", i),
								   &options, &result, failure))
			return NULL;
		sum += json_integer_value(result);
	}
	return pgwf_pack(wf, "I", sum);
}

/*
 * [n]: n months, each with an activity that fails at first and is tried again
 * after a day; returns how many days that has taken by the workflow's clock.
 */
static json_t *
months(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	const int64_t day_ms = INT64_C(24) * 3600 * 1000;
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	int64_t		begin = pgwf_now_us(wf);
	int64_t		i;

	options.start_to_close_timeout_ms = 60000;
	retry.initial_interval_ms = day_ms;
	options.retry_policy = &retry;
	for (i = 0; i < int_at(input, 0); i++)
	{
		json_t	   *result;

		if (!pgwf_sleep(wf, 30 * day_ms, failure) ||
			!pgwf_execute_activity(wf, "flaky", pgwf_pack(wf, "[i]", 1),
								   &options, &result, failure))
			return NULL;
	}
	return pgwf_pack(wf, "I",
					 (json_int_t) ((pgwf_now_us(wf) - begin) / 1000 / day_ms));
}

/* [activity, [arguments], n]: n local activity calls; the list of results. */
static json_t *
local(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfLocalOptions options = PGWF_LOCAL_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	json_t	   *results = pgwf_pack(wf, "[]");
	int64_t		i;

	options.start_to_close_timeout_ms = 30000;
	retry.initial_interval_ms = 20;
	retry.backoff_coefficient = 1;
	options.retry_policy = &retry;
	for (i = 0; i < int_at(input, 2); i++)
	{
		json_t	   *result;

		if (!pgwf_execute_local_activity(wf, text_at(input, 0),
										 json_array_get(input, 1), &options,
										 &result, failure))
			return NULL;
		json_array_append(results, result);
	}
	return results;
}

/* [file]: does not yield for a while as long as the file is there. */
static json_t *
spin(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) failure;
	if (access(text_at(input, 0), F_OK) == 0)
	{
		struct timespec begin;
		struct timespec now;

		unlink(text_at(input, 0));
		clock_gettime(CLOCK_MONOTONIC, &begin);
		do
			clock_gettime(CLOCK_MONOTONIC, &now);
		while (now.tv_sec - begin.tv_sec < 4);
	}
	return pgwf_pack(wf, "s", "done");
}

/* ---- activities ---- */

static json_t *
echo(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	return json_incref(json_array_get(input, 0));
}

/* [n]: fails n times, then returns the number of the attempt. */
static json_t *
flaky(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	int			attempt = pgwf_activity_info(activity)->attempt;

	if (attempt <= int_at(input, 0))
	{
		*failure = pgwf_failure_new("Flaky", "attempt %d fails", attempt);
		return NULL;
	}
	return json_integer(attempt);
}

static json_t *
hopeless(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	json_t	   *details = json_pack("[s, i]", "detail", 7);

	(void) activity;
	(void) input;
	*failure = pgwf_failure_new("Hopeless", "never mind");
	pgwf_failure_set_non_retryable(*failure);
	pgwf_failure_set_details(*failure, details);
	pgwf_failure_set_cause(*failure, pgwf_failure_new("Root", "the root"));
	json_decref(details);
	return NULL;
}

/* [file]: heartbeats until it is told to stop; notes why. */
static json_t *
beat(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	char		line[32];
	int			n = 0;

	note(text_at(input, 0), "begun");
	while (pgwf_activity_heartbeat(activity, json_integer(++n)) &&
		   pgwf_activity_wait_canceled(activity, 20) == PGWF_NOT_CANCELED)
		;
	snprintf(line, sizeof(line), "reason %d",
			 (int) pgwf_activity_canceled(activity));
	note(text_at(input, 0), line);
	*failure = pgwf_activity_canceled_failure(activity, NULL);
	return NULL;
}

/*
 * The first attempt leaves details behind and fails; the second returns them.
 */
static json_t *
resume(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const PgwfActivityInfo *info = pgwf_activity_info(activity);

	(void) input;
	if (info->attempt == 1)
	{
		json_t	   *details = json_pack("[{s:i}]", "row", 1);

		pgwf_activity_heartbeat(activity, details);
		json_decref(details);

		/* held back by the throttle, flushed with the failure */
		details = json_pack("[{s:i}]", "row", 42);
		pgwf_activity_heartbeat(activity, details);
		json_decref(details);
		*failure = pgwf_failure_new(NULL, "half way");
		return NULL;
	}
	return json_deep_copy(info->heartbeat_details);
}

/* [milliseconds, file]: works unless it is told to stop; notes both. */
static json_t *
work(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	char		line[32];
	PgwfCancelReason reason;

	note(text_at(input, 1), "begun");
	reason = pgwf_activity_wait_canceled(activity, int_at(input, 0));
	if (reason != PGWF_NOT_CANCELED)
	{
		snprintf(line, sizeof(line), "reason %d", (int) reason);
		note(text_at(input, 1), line);
		*failure = pgwf_activity_canceled_failure(activity, NULL);
		return NULL;
	}
	note(text_at(input, 1), "done");
	return json_string("worked");
}

/* [file]: writes its token there and leaves the rest to a client. */
static json_t *
later(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) failure;
	note(text_at(input, 0), pgwf_activity_info(activity)->task_token);
	pgwf_activity_complete_async(activity);
	return NULL;
}

/*
 * [mode, file]: inserts a row in the transaction of its completion, then as
 * mode says: ok; fail once; die once (SIGKILL); late once, beyond its timeout;
 * break once (a deferred constraint); end once (COMMIT by itself).  Once is
 * while the file is not there.
 */
static json_t *
insert(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const char *mode = text_at(input, 0);
	PGconn	   *conn = pgwf_activity_connection(activity);
	PGresult   *result;
	char		sql[200];
	bool		first = access(text_at(input, 1), F_OK) != 0;

	if (conn == NULL)
	{
		*failure = pgwf_failure_new(NULL, "no connection");
		return NULL;
	}
	snprintf(sql, sizeof(sql),
			 "INSERT INTO public.effect (workflow_id, attempt, parent) "
			 "VALUES ($1, %d, %s)", pgwf_activity_info(activity)->attempt,
			 strcmp(mode, "break") == 0 && first ? "0" : "NULL");
	result = PQexecParams(conn, sql, 1, NULL,
						  &pgwf_activity_info(activity)->workflow_id, NULL,
						  NULL, 0);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		*failure = pgwf_failure_new(NULL, "%s", PQerrorMessage(conn));
	PQclear(result);
	if (*failure != NULL || !first || strcmp(mode, "ok") == 0)
		return NULL;

	note(text_at(input, 1), mode);
	if (strcmp(mode, "fail") == 0)
		*failure = pgwf_failure_new(NULL, "after the insert");
	else if (strcmp(mode, "die") == 0)
		raise(SIGKILL);
	else if (strcmp(mode, "late") == 0)
	{
		/* ends when its time is over by the local clock, then some */
		pgwf_activity_wait_canceled(activity, 30000);
		note(text_at(input, 1), "canceled");
		while (access(text_at(input, 2), F_OK) != 0)
		{
			struct timespec pause = {0, 10000000};

			nanosleep(&pause, NULL);
		}
	}
	else if (strcmp(mode, "end") == 0)
		PQclear(PQexec(conn, "ROLLBACK"));
	return NULL;
}

PgwfResult
pgworkflow_register(PgwfRegistry *registry)
{
	pgwf_register_workflow(registry, "basic", basic, NULL);
	pgwf_register_workflow(registry, "call", call, NULL);
	pgwf_register_workflow(registry, "steps", steps, NULL);
	pgwf_register_workflow(registry, "months", months, NULL);
	pgwf_register_workflow(registry, "local", local, NULL);
	pgwf_register_workflow(registry, "spin", spin, NULL);
	pgwf_register_activity(registry, "echo", echo, NULL);
	pgwf_register_activity(registry, "flaky", flaky, NULL);
	pgwf_register_activity(registry, "hopeless", hopeless, NULL);
	pgwf_register_activity(registry, "beat", beat, NULL);
	pgwf_register_activity(registry, "resume", resume, NULL);
	pgwf_register_activity(registry, "work", work, NULL);
	pgwf_register_activity(registry, "later", later, NULL);
	return pgwf_register_activity(registry, "insert", insert, NULL);
}
