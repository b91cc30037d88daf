/*
 * t_types.c
 *		Workflow types and their options: init functions, functions for all
 *		types, what a failure of the code fails; and recorded histories with
 *		messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "messages.h"
#include "tap.h"

/* ---- init functions, types, failures ---- */

static json_t *
any_query(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		  PgwfFailure **failure)
{
	(void) args;
	(void) arg;
	(void) failure;
	return pgwf_pack(wf, "s", name);
}

static void
blocking_init(PgwfWorkflow *wf, json_t *input)
{
	(void) input;
	pgwf_sleep(wf, 1000, NULL);
}

static json_t *
say_hello(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	(void) wf;
	(void) arg;
	(void) failure;
	run_say("[spawned]");
	return NULL;
}

static void
busy_init(PgwfWorkflow *wf, json_t *input)
{
	(void) input;
	pgwf_spawn(wf, say_hello, NULL);
	pgwf_set_state(wf, pgwf_start_activity(wf, "a", NULL, &ten_seconds));
	run_say("%s", pgwf_patched(wf, "p") ? "[patched]" : "[not patched]");
}

FLOW_BODY(busy_flow)
{
	json_t	   *result;

	(void) input;
	run_say("[main]");
	if (!pgwf_await(wf, pgwf_state(wf), &result, failure))
		return NULL;
	return result;
}

FLOW_BODY(any_flow)
{
	(void) input;
	if (pgwf_workflow_arg(wf) != NULL)
		pgwf_panic(wf, "enough");
	if (strcmp(pgwf_workflow_info(wf)->workflow_type, "reserved") == 0)
		pgwf_set_query_handler(wf, "__mine", any_query, NULL);
	if (strcmp(pgwf_workflow_info(wf)->workflow_type, "not UTF-8") == 0)
		pgwf_start_activity(wf, "caf\xe9", NULL, &ten_seconds);
	*failure = NULL;
	return pgwf_pack(wf, "s", pgwf_workflow_info(wf)->workflow_type);
}

static void
test_types(void)
{
	Sim		   *sim = start("blocking init", "[]");

	sim_begin(sim);
	is_int(sim->out.status, PGWF_TASK_FAILED, "an init function that waits");
	is_str(sim->out.message, "pgwf_await was called from an init function, "
		   "which must not wait", "fails the task");
	sim_free(sim);

	sim = start("busy init", "[]");
	sim_task(sim);
	is_str(run_trace, "[patched][spawned][main]",
		   "an init function may do the rest");
	run_asks(sim, "ScheduleActivityTask 1, RecordMarker core_patch, "
			 "UpsertWorkflowSearchAttributes",
			 "its commands");
	sim_complete(sim, "1", "7");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[7]", "busy init");

	sim = start("some type", "[]");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result", "[\"some type\"]",
			 "the function for all types");
	sim = start("reserved", "[]");
	sim_begin(sim);
	has_str(sim->out.message, "names that begin with \"__\" are reserved",
			"a handler with a reserved name");
	sim_free(sim);

	sim = start("panics", "[]");
	sim_begin(sim);
	is_int(sim->out.status, PGWF_TASK_FAILED, "a panic fails the task");
	sim_free(sim);
	sim = start("gives up", "[]");
	sim_task(sim);
	is_json(json_object_get(sim_last_attributes(sim), "failure"),
			"{\"message\": \"enough\", \"source\": \"pgworkflow-c\", "
			"\"applicationFailureInfo\": {\"type\": \"WorkflowTaskError\"}}",
			"or the workflow, if it is to");
	is_str(sim_status(sim), "WorkflowExecutionFailed", "by its type");
	sim_free(sim);

	/* names that cannot be JSON */
	sim = start("not UTF-8", "[]");
	sim_begin(sim);
	is_str(sim->out.message, "pgwf_start_activity was called with a type that "
		   "is not UTF-8", "a type that is not UTF-8");
	sim_free(sim);
}

/* Histories that a real service recorded (t_server_messages.c). */
static void
test_recorded(void)
{
	static const char *const names[] = {
		"messages-basket", "messages-basket-abort", "messages-held"
	};
	PgwfRegistry *code = pgwf_registry_new();
	size_t		i;

	register_messages(code);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		char	   *path = pgwf_xprintf("histories/%s.json", names[i]);
		json_t	   *history = json_load_file(path, 0, NULL);
		json_t	   *events = pgwf_history_import(history, NULL);
		PgwfReplayReport *report;
		char	   *why = NULL;

		pgwf_replay_history_file(code, path, &report);
		is_str(report->message, "", "%s: replays", names[i]);
		ok(report->finished, "%s: to its end", names[i]);
		pgwf_replay_report_free(report);
		if (!ok(replays_in_all_splits(code, events, &why),
				"%s: in all splits", names[i]))
			note("%s", why);
		free(why);
		json_decref(events);
		json_decref(history);
		free(path);
	}
	pgwf_registry_free(code);
}

int
main(void)
{
	static const struct
	{
		const char *name;
		PgwfWorkflowFn fn;
		PgwfInitFn	init;
		unsigned	fail_on;
		void	   *arg;
	}			types[] =
	{
		{"blocking init", any_flow, blocking_init, 0, NULL},
		{"busy init", busy_flow, busy_init, 0, NULL},
		{"panics", any_flow, NULL, PGWF_FAIL_ON_NONDETERMINISM, run_trace},
		{"gives up", any_flow, NULL, PGWF_FAIL_ON_PANIC, run_trace},
		{NULL, any_flow, NULL, 0, NULL},
	};
	size_t		i;

	registry = pgwf_registry_new();
	pgwf_registry_set_log(registry, log_line, NULL);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
	{
		PgwfTypeOptions options = PGWF_TYPE_OPTIONS_INIT;

		options.init = types[i].init;
		options.fail_on = types[i].fail_on;
		is_int(pgwf_register_workflow_with(registry, types[i].name,
										   types[i].fn, types[i].arg,
										   &options), PGWF_OK, "registered");
	}
	is_int(pgwf_register_workflow(registry, NULL, any_flow, NULL),
		   PGWF_ALREADY_EXISTS, "only one function is for all types");
	is_int(pgwf_register_workflow(registry, "\xff", any_flow, NULL),
		   PGWF_INVALID_ARGUMENT, "a name that is not UTF-8");

	test_types();
	test_recorded();
	pgwf_registry_free(registry);
	return done_testing();
}
