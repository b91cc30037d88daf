/*
 * greeting.c
 *		The smallest worker: one workflow with one activity.
 *
 * Build, with the library installed:
 *
 *	cc greeting.c -o greeting $(pkg-config --cflags --libs pgworkflow)
 *
 * Run it beside a server whose database has the extension, with the usual PG*
 * variables; "greeting start NAME" starts a workflow and prints its result,
 * "greeting" alone is the worker that does the work, until Control-C.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pgworkflow.h>

#define TASK_QUEUE "greetings"

/* An activity: ordinary code that may do anything. */
static json_t *
compose(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const char *name = json_string_value(json_array_get(input, 0));

	(void) activity;
	if (name == NULL)
	{
		*failure = pgwf_failure_set_non_retryable(
												  pgwf_failure_new("BadName", "a name must be text"));
		return NULL;
	}
	return json_sprintf("Hello, %s!", name);
}

/* A workflow: it says what is to happen, and survives crashes. */
static json_t *
greet(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *greeting;

	options.start_to_close_timeout_ms = 10000;
	if (!pgwf_execute_activity(wf, "compose", input, &options, &greeting,
							   failure))
		return NULL;
	return greeting;
}

static PgwfWorker *worker;

static void
stop(int signo)
{
	(void) signo;
	pgwf_worker_stop(worker);
}

static int
run_worker(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfResult	result;
	char	   *error;

	pgwf_register_workflow(registry, "greet", greet, NULL);
	pgwf_register_activity(registry, "compose", compose, NULL);
	options.task_queue = TASK_QUEUE;
	worker = pgwf_worker_new(&options, registry, &error);
	if (worker == NULL)
	{
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	result = pgwf_worker_run(worker);
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_worker_error(worker));
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
	return result == PGWF_OK ? 0 : 1;
}

static int
start(const char *name)
{
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfResultOptions wait = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;
	PgwfResult	result;
	char		id[64];

	snprintf(id, sizeof(id), "greeting-%lld", (long long) time(NULL));
	options.workflow_id = wait.workflow_id = id;
	options.workflow_type = "greet";
	options.task_queue = TASK_QUEUE;
	options.input = json_pack("[s]", name);
	result = pgwf_client_start(client, &options, NULL);
	json_decref(options.input);
	if (result == PGWF_OK)
	{
		result = pgwf_client_result(client, &wait, &outcome);
		if (result == PGWF_OK && strcmp(outcome.status, "Completed") == 0)
			puts(json_string_value(json_array_get(outcome.result, 0)));
		else if (result == PGWF_OK)
			puts(outcome.status);
		pgwf_outcome_clear(&outcome);
	}
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_client_error(client));
	pgwf_client_free(client);
	return result == PGWF_OK ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "start") == 0)
		return start(argv[2]);
	return run_worker();
}
