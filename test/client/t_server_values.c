/*
 * t_server_values.c
 *		Values that go from one thread to another: activities that return what
 *		they were given, many at a time, and a worker that stops meanwhile.
 *
 * A value that two threads can reach shows under ThreadSanitizer; without it,
 * the results are checked.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgwf_util.h"
#include "server.h"

#define WAIT_MS		30000
#define RUNS		6
#define LOCALS		60
#define ALONE		20			/* of them are begun one after the other */
#define STOPPED_AT	180			/* of RUNS * LOCALS */

static int	calls;				/* atomic */
static json_t *knot;			/* of the value that contains itself */

/* ---- activities ---- */

/* Returns its list of arguments itself. */
static json_t *
all_of(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	__atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST);
	return json_incref(input);
}

/* Returns something made of its arguments. */
static json_t *
part_of(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	__atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST);
	return json_pack("{s:O, s:O}", "first", json_array_get(input, 0),
					 "second", json_array_get(input, 1));
}

/* Fails with a part of its arguments. */
static json_t *
fails_with(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	__atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST);
	*failure = pgwf_failure_new("Echo", "with details");
	pgwf_failure_set_details(*failure, json_array_get(input, 0));
	pgwf_failure_set_non_retryable(*failure);
	return NULL;
}

/* Returns a value that is in itself. */
static json_t *
endless(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	json_t	   *outer = json_array();
	json_t	   *inner = json_array();

	(void) activity;
	(void) input;
	(void) failure;
	json_array_append_new(outer, inner);
	json_array_append(inner, outer);
	knot = outer;
	return outer;
}

/* ---- workflows ---- */

static json_t *
how_many(PgwfWorkflow *wf, const char *type, json_t *args, void *arg,
		 PgwfFailure **failure)
{
	(void) wf;
	(void) type;
	(void) args;
	(void) failure;
	return json_array_get(arg, 0);
}

static PgwfFuture *
begin(PgwfWorkflow *wf, int number)
{
	static const char *const types[] = {"all_of", "part_of", "fails_with"};
	PgwfLocalOptions options = PGWF_LOCAL_OPTIONS_INIT;

	options.start_to_close_timeout_ms = 20000;
	return pgwf_start_local_activity(wf, types[number % 3],
									 pgwf_pack(wf, "[{s:i}, s]", "n", number,
											   "text"),
									 &options);
}

/* Does it come to what it has to? */
static bool
is_right(PgwfWorkflow *wf, PgwfFuture *future, int number)
{
	PgwfFailure *failure = NULL;
	json_t	   *result = NULL;
	json_t	   *one;

	pgwf_await(wf, future, &result, &failure);
	if (failure != NULL)
		one = json_array_get(pgwf_failure_details(pgwf_failure_root(failure)),
							 0);
	else
		one = number % 3 == 0 ? json_array_get(result, 0) :
			json_object_get(result, "first");
	return pgwf_json_int(one, "n") == number &&
		(failure != NULL) == (number % 3 == 2);
}

/*
 * Local activities of all kinds, one after the other, which are delivered at
 * once, and then many together; says how many returned the right.
 */
static json_t *
crowd(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfFuture *futures[LOCALS];
	json_t	   *state = pgwf_pack(wf, "[i]", 0);
	int			right = 0;
	int			i;

	(void) input;
	(void) failure;
	pgwf_set_query_handler(wf, "how_many", how_many, state);
	for (i = 0; i < ALONE; i++)
	{
		right += is_right(wf, begin(wf, i), i);
		json_array_set_new(state, 0, json_integer(right));
	}
	for (i = ALONE; i < LOCALS; i++)
		futures[i] = begin(wf, i);
	for (i = ALONE; i < LOCALS; i++)
		right += is_right(wf, futures[i], i);
	return pgwf_pack(wf, "i", right);
}

/* The same of an activity of the service, and of one that cannot return. */
static json_t *
single(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfLocalOptions local = PGWF_LOCAL_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	PgwfFailure *failed = NULL;
	json_t	   *result;

	options.start_to_close_timeout_ms = 20000;
	local.start_to_close_timeout_ms = 20000;
	retry.maximum_attempts = 1;
	local.retry_policy = &retry;
	if (!pgwf_execute_activity(wf, "part_of", input, &options, &result,
							   failure) ||
		pgwf_execute_local_activity(wf, "endless", NULL, &local, NULL,
									&failed))
		return NULL;
	return pgwf_pack(wf, "[O, s]", result,
					 pgwf_failure_type(pgwf_failure_root(failed)));
}

/* ---- the test ---- */

int
main(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	ServerWorker running;
	char		queue[64];
	char		id[RUNS][80];
	char		expected[16];
	int64_t		until;
	int			i;

	snprintf(queue, sizeof(queue), "values-%ld", (long) getpid());
	snprintf(expected, sizeof(expected), "[%d]", LOCALS);
	pgwf_register_workflow(registry, "crowd", crowd, NULL);
	pgwf_register_workflow(registry, "single", single, NULL);
	pgwf_register_activity(registry, "all_of", all_of, NULL);
	pgwf_register_activity(registry, "part_of", part_of, NULL);
	pgwf_register_activity(registry, "fails_with", fails_with, NULL);
	pgwf_register_activity(registry, "endless", endless, NULL);
	server_connect();

	server_work(&running, registry, queue, 100);
	for (i = 0; i < RUNS; i++)
	{
		snprintf(id[i], sizeof(id[i]), "%s-%d", queue, i);
		server_start(queue, id[i], "crowd", "[]", 2000);
	}
	until = pgwf_clock_ms() + WAIT_MS;
	while (__atomic_load_n(&calls, __ATOMIC_SEQ_CST) < STOPPED_AT &&
		   pgwf_clock_ms() < until)
	{
		PgwfQueryOptions query = PGWF_QUERY_OPTIONS_INIT;
		json_t	   *answer = NULL;

		query.workflow_id = id[0];
		query.query_type = "how_many";
		query.timeout_ms = 1000;
		pgwf_client_query(server_client, &query, &answer, NULL);
		json_decref(answer);
	}
	server_stop(&running);

	server_work(&running, registry, queue, 100);
	for (i = 0; i < RUNS; i++)
		server_ends(registry, id[i], "Completed", expected, false);
	server_start(queue, queue, "single", "[[1, 2], \"b\"]", 0);
	server_ends(registry, queue, "Completed",
				"[[{\"first\": [1, 2], \"second\": \"b\"}, "
				"\"InvalidResult\"]]", false);
	server_stop(&running);
	json_incref(knot);
	json_array_clear(knot);
	json_decref(knot);
	server_disconnect();
	pgwf_registry_free(registry);
	return done_testing();
}
