/*
 * header.cc
 *		The public header in C++: every options struct, without a warning.
 */
#include <pgworkflow.h>
#include <pgworkflow/testing.h>
#include <pgworkflow.h>

static json_t *
greet(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	PgwfLocalOptions local = PGWF_LOCAL_OPTIONS_INIT;
	PgwfChildOptions child = PGWF_CHILD_OPTIONS_INIT;
	PgwfTimerOptions timer = PGWF_TIMER_OPTIONS_INIT;
	PgwfSignalExternalOptions signal = PGWF_SIGNAL_EXTERNAL_OPTIONS_INIT;
	PgwfContinueOptions next = PGWF_CONTINUE_OPTIONS_INIT;
	json_t	   *result;

	child.cancel_type = PGWF_CHILD_CANCEL_TRY;
	timer.summary = "tea";
	next.initial_versioning = PGWF_CONTINUE_SAME_VERSION;
	if (!pgwf_execute_child(wf, "c", input, &child, &result, failure) ||
		!pgwf_await(wf, pgwf_start_timer_with(wf, 1, &timer), NULL,
					failure) ||
		!pgwf_await(wf, pgwf_signal_external(wf, "w", "s", result, &signal),
					NULL, failure))
		return pgwf_continue_as_new(wf, input, &next);
	options.start_to_close_timeout_ms = 1000;
	options.retry_policy = &retry;
	local.start_to_close_timeout_ms = 1000;
	if (!pgwf_execute_activity(wf, "a", input, &options, &result, failure) ||
		!pgwf_execute_local_activity(wf, "b", input, &local, &result, failure))
		return NULL;
	return result;
}

static json_t *
answer(PgwfWorkflow *, const char *, json_t *args, void *, PgwfFailure **)
{
	return args;
}

static void
prepare(PgwfWorkflow *wf, json_t *)
{
	PgwfUpdateHandlerOptions update = PGWF_UPDATE_HANDLER_OPTIONS_INIT;

	update.unfinished = PGWF_UNFINISHED_ABANDON;
	pgwf_set_query_handler(wf, "q", answer, NULL);
	pgwf_set_update_handler(wf, NULL, answer, NULL, &update);
}

int
main()
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfTypeOptions type = PGWF_TYPE_OPTIONS_INIT;
	PgwfWorkerOptions worker = PGWF_WORKER_OPTIONS_INIT;
	PgwfClientOptions client = PGWF_CLIENT_OPTIONS_INIT;
	PgwfStartOptions start = PGWF_START_OPTIONS_INIT;
	PgwfSignalOptions signal = PGWF_SIGNAL_OPTIONS_INIT;
	PgwfCancelOptions cancel = PGWF_CANCEL_OPTIONS_INIT;
	PgwfTerminateOptions terminate = PGWF_TERMINATE_OPTIONS_INIT;
	PgwfResultOptions result = PGWF_RESULT_OPTIONS_INIT;
	PgwfHistoryOptions history = PGWF_HISTORY_OPTIONS_INIT;
	bool		good;

	type.init = prepare;
	good = pgwf_register_workflow_with(registry, NULL, greet, NULL, &type) ==
		PGWF_OK &&
		worker.struct_size == sizeof(worker) && worker.conninfo == NULL &&
		client.struct_size == sizeof(client) &&
		start.struct_size == sizeof(start) && start.input == NULL &&
		signal.struct_size == sizeof(signal) &&
		cancel.struct_size == sizeof(cancel) &&
		terminate.struct_size == sizeof(terminate) &&
		result.struct_size == sizeof(result) &&
		history.struct_size == sizeof(history) &&
		pgwf_register_workflow(registry, "greet", greet, NULL) == PGWF_OK;
	pgwf_registry_free(registry);
	return good ? 0 : 1;
}
