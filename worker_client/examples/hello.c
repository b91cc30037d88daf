/* hello.c: a first worker, on task queue "hello", until it is killed. */
#include <stdio.h>
#include <pgworkflow.h>

/* An activity does things: ordinary code, tried again when it fails. */
static json_t *
say_hello(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	return json_sprintf("Hello, %s!",
						json_string_value(json_array_get(input, 0)));
}

/* A workflow says what is to be done, and goes on where a crash cut it off. */
static json_t *
hello(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *greeting = NULL;

	options.start_to_close_timeout_ms = 10000;
	pgwf_execute_activity(wf, "say_hello", input, &options, &greeting, failure);
	return greeting;
}

int
main(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorker *worker;

	pgwf_register_workflow(registry, "hello", hello, NULL);
	pgwf_register_activity(registry, "say_hello", say_hello, NULL);
	options.task_queue = "hello";
	worker = pgwf_worker_new(&options, registry, NULL);
	if (pgwf_worker_run(worker) != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_worker_error(worker));
	return 1;
}
