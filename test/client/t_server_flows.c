/*
 * t_server_flows.c
 *		The workflow runtime against a real service: workers, clients, and the
 *		histories that come of it, which must replay in every split.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flows.h"
#include "server.h"

static PgwfRegistry *registry;
static char queue[64];

static const PgwfActivityOptions ten_seconds = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 10000
};

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
	server_sleep((long) json_integer_value(json_array_get(input, 0)));
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

/* ---- tests ---- */

/* Many runs at once, with a cache, without one, and with one too small. */
static void
test_mixture(int cached)
{
	ServerWorker running;
	char		id[64];
	int			i;

	server_work(&running, registry, queue, cached);
	for (i = 0; i < 10; i++)
	{
		snprintf(id, sizeof(id), "mixture-%d-%d-%d", (int) getpid(), cached,
				 i);
		server_start(queue, id, "mixture", "[5]", 0);
	}
	for (i = 0; i < 10; i++)
	{
		snprintf(id, sizeof(id), "mixture-%d-%d-%d", (int) getpid(), cached,
				 i);
		/* a first task that runs anew draws its side effect again */
		server_ends(registry, id, "Completed", "[5]", true);
	}
	server_stop(&running);
}

static void
test_single(void)
{
	PgwfCancelOptions cancel = PGWF_CANCEL_OPTIONS_INIT;
	ServerWorker running;
	char		id[64];
	int			i;

	server_work(&running, registry, queue, 0);
	snprintf(id, sizeof(id), "cancelable-%d", (int) getpid());
	server_start(queue, id, "cancelable", "[]", 0);
	server_sleep(100);
	cancel.workflow_id = id;
	cancel.reason = "enough";
	is_int(pgwf_client_request_cancel(server_client, &cancel), PGWF_OK,
		   "%s: cancel", id);
	server_ends(registry, id, "Canceled", NULL, true);

	snprintf(id, sizeof(id), "collect-%d", (int) getpid());
	server_start(queue, id, "collect", "[]", 0);
	for (i = 0; i < 20; i++)
		server_signal(id, "add", json_pack("[i]", i));
	server_ends(registry, id, "Completed", "[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
				"13, 14, 15, 16, 17, 18, 19]]", true);

	snprintf(id, sizeof(id), "patient-%d", (int) getpid());
	server_start(queue, id, "patient", "[2500]", 1000);
	server_ends(registry, id, "Completed", "[1]", true);
	ok(server_count(id, "WorkflowTaskStarted") >= 4, "%s: heartbeats", id);
	is_int(server_count(id, "MarkerRecorded"), 1, "%s: one marker", id);
	is_int(server_count(id, "WorkflowTaskTimedOut"), 0,
		   "%s: no task timed out", id);
	server_stop(&running);
}

/* Changed code is refused, fixed code goes on. */
static void
test_branch(void)
{
	ServerWorker running;
	char		id[64];

	snprintf(id, sizeof(id), "branch-%d", (int) getpid());
	branch_edition = 0;
	server_work(&running, registry, queue, 0);
	server_start(queue, id, "branch", "[]", 0);
	ok(server_wait(id, "TimerFired"), "%s: gets to its timer", id);
	server_sleep(200);
	server_stop(&running);

	branch_edition = 1;
	server_work(&running, registry, queue, 0);
	server_signal(id, "go", json_array());
	ok(server_wait(id, "WorkflowTaskFailed"), "%s: is refused", id);
	server_stop(&running);

	branch_edition = 0;
	server_work(&running, registry, queue, 0);
	server_ends(registry, id, "Completed", NULL, true);
	server_stop(&running);
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
	server_connect();

	test_mixture(0);
	test_mixture(-1);
	test_mixture(2);
	test_single();
	test_branch();

	server_disconnect();
	pgwf_registry_free(registry);
	return done_testing();
}
