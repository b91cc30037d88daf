/*
 * t_attribute.c
 *		What a run tells about itself and changes of it: search attributes,
 *		memo, information, texts for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"

static PgwfRegistry *registry;

static const PgwfActivityOptions ten_seconds = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 10000
};

static Sim *
start(const char *type, const char *input)
{
	return run_start(registry, type, input);
}

/* Puts members into WorkflowExecutionStarted. */
static void
started_with(Sim *sim, const char *members)
{
	json_t	   *more = json_loads(members, 0, NULL);

	json_object_update(json_object_get(json_array_get(sim->events, 0),
									   "attributes"), more);
	json_decref(more);
}

/* ---- typed values ---- */

static void
test_types(void)
{
	static const char *const tags[] = {"a", "b", NULL};
	static const char *const none[] = {NULL};
	json_t	   *a = json_object();
	const char *string = "unchanged";
	int64_t		number = 0;
	double		real = 0;
	bool		flag = false;

	pgwf_attribute_set_keyword(a, "Keyword", "k-1");
	pgwf_attribute_set_text(a, "Text", "");
	pgwf_attribute_set_int(a, "Int", INT64_C(-9007199254740993));
	pgwf_attribute_set_double(a, "Double", 0.5);
	pgwf_attribute_set_bool(a, "Bool", true);
	pgwf_attribute_set_datetime(a, "Datetime", INT64_C(1767225600123456));
	pgwf_attribute_set_keyword_list(a, "List", tags);
	pgwf_attribute_set_keyword_list(a, "Empty", none);
	pgwf_attribute_set_int(a, "Gone", 1);
	pgwf_attribute_unset(a, "Gone");
	is_json(a, "{\"Keyword\": \"k-1\", \"Text\": \"\", \"Int\": "
			"-9007199254740993, \"Double\": 0.5, \"Bool\": true, "
			"\"Datetime\": \"2026-01-01T00:00:00.123456Z\", \"List\": "
			"[\"a\", \"b\"], \"Empty\": [], \"Gone\": null}", "values");

	ok(pgwf_attribute_get_string(a, "Keyword", &string) &&
	   strcmp(string, "k-1") == 0, "a keyword is read");
	ok(pgwf_attribute_get_int(a, "Int", &number) &&
	   number == INT64_C(-9007199254740993), "an integer is read");
	ok(pgwf_attribute_get_double(a, "Double", &real) && real == 0.5,
	   "a double is read");
	ok(pgwf_attribute_get_bool(a, "Bool", &flag) && flag, "a bool is read");
	ok(pgwf_attribute_get_datetime(a, "Datetime", &number) &&
	   number == INT64_C(1767225600123456), "a time is read");
	is_json(pgwf_attribute_get_list(a, "List"), "[\"a\", \"b\"]",
			"a list is read");
	ok(!pgwf_attribute_get_string(a, "Int", &string) &&
	   !pgwf_attribute_get_string(a, "Missing", &string) &&
	   !pgwf_attribute_get_string(NULL, "Keyword", &string) &&
	   !pgwf_attribute_get_int(a, "Double", &number) &&
	   !pgwf_attribute_get_double(a, "Text", &real) &&
	   !pgwf_attribute_get_bool(a, "Int", &flag) &&
	   !pgwf_attribute_get_datetime(a, "Keyword", &number) &&
	   !pgwf_attribute_get_datetime(a, "Int", &number) &&
	   pgwf_attribute_get_list(a, "Keyword") == NULL,
	   "values of other types are not read");
	json_decref(a);
}

/* ---- changes ---- */

FLOW_BODY(upsert_flow)
{
	const PgwfWorkflowInfo *info = pgwf_workflow_info(wf);
	json_t	   *changes = pgwf_pack(wf, "{}");
	const json_t *city = json_object_get(info->search_attributes, "City");
	const json_t *note = json_object_get(info->memo, "note");
	int64_t		number = 0;

	(void) input;
	pgwf_attribute_set_int(changes, "Amount", 12);
	pgwf_attribute_unset(changes, "City");
	pgwf_upsert_search_attributes(wf, changes);
	ok(pgwf_attribute_get_int(info->search_attributes, "Amount", &number) &&
	   number == 12, "a change is seen at once");
	/* what was passed is the caller's, what was read stays valid */
	pgwf_attribute_set_int(changes, "Amount", 13);
	ok(pgwf_attribute_get_int(info->search_attributes, "Amount", &number) &&
	   number == 12, "a change is a copy");
	if (city != NULL)
		is_str(json_string_value(city), "Oslo", "an old value stays valid");
	pgwf_upsert_memo(wf, pgwf_pack(wf, "{s:[i, i], s:{}}", "note", 1, 2,
								   "more"));
	if (note != NULL)
		is_json(note, "\"x\"", "an old note stays valid");
	pgwf_upsert_search_attributes(wf, pgwf_pack(wf, "{}"));
	pgwf_upsert_search_attributes(wf, NULL);
	pgwf_upsert_memo(wf, NULL);
	if (!pgwf_sleep(wf, 1000, failure))
		return NULL;
	pgwf_upsert_memo(wf, pgwf_pack(wf, "{s:n}", "more"));
	return pgwf_pack(wf, "[O, O]", info->search_attributes, info->memo);
}

static void
test_upsert(void)
{
	Sim		   *sim = start("upsert", "[]");

	started_with(sim, "{\"searchAttributes\": {\"indexedFields\": {\"City\": "
				 "\"Oslo\", \"Kept\": true}}, \"memo\": {\"fields\": "
				 "{\"note\": \"x\", \"kept\": 1}}}");
	sim_task(sim);
	run_asks(sim, "UpsertWorkflowSearchAttributes, ModifyWorkflowProperties, "
			 "StartTimer 1", "upsert: commands");
	run_command_is(sim, 0, "{\"searchAttributes\": {\"indexedFields\": "
				   "{\"Amount\": 12, \"City\": null}}}",
				   "upsert: search attributes");
	run_command_is(sim, 1, "{\"upsertedMemo\": {\"fields\": {\"note\": "
				   "[1, 2], \"more\": {}}}}", "upsert: memo");
	sim_evict(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result",
			 "[[{\"Amount\": 12, \"Kept\": true}, {\"note\": [1, 2], "
			 "\"kept\": 1}]]", "upsert");

	sim = start("upsert", "[]");
	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result",
			 "[[{\"Amount\": 12}, {\"note\": [1, 2]}]]",
			 "upsert where nothing was");
}

FLOW_BODY(wrong_flow)
{
	(void) failure;
	switch (json_integer_value(json_array_get(input, 0)))
	{
		case 0:
			pgwf_upsert_search_attributes(wf, pgwf_pack(wf, "[]"));
			break;
		case 1:
			pgwf_upsert_memo(wf, pgwf_pack(wf, "s", "x"));
			break;
		default:
			pgwf_upsert_search_attributes(wf,
										  pgwf_pack(wf, "{s:[s]}",
													"TemporalChangeVersion",
													"p"));
			break;
	}
	return NULL;
}

static void
test_wrong(void)
{
	static const char *const messages[] = {
		"pgwf_upsert_search_attributes was called with a value that is no "
		"object",
		"pgwf_upsert_memo was called with a value that is no object",
		"search attribute \"TemporalChangeVersion\" can only be set by the "
		"library"
	};
	int			i;

	for (i = 0; i < 3; i++)
	{
		char		input[20];
		Sim		   *sim;

		snprintf(input, sizeof(input), "[%d]", i);
		sim = start("wrong", input);
		sim_begin(sim);
		run_task_fails(sim, false, messages[i], messages[i]);
	}
}

/* ---- information ---- */

static void
say_worker(const PgwfWorkflowInfo *info)
{
	run_say("%s/%s/%u%s ", info->deployment_name ? info->deployment_name :
			"none", info->build_id ? info->build_id : "none",
			info->continue_as_new_reasons, info->target_version_changed ?
			"!" : "");
}

FLOW_BODY(info_flow)
{
	const PgwfWorkflowInfo *info = pgwf_workflow_info(wf);
	json_t	   *seen;

	(void) input;
	seen = pgwf_pack(wf, "{s:s?, s:s?, s:s?, s:s?, s:s?, s:I, s:I, s:i, "
					 "s:s?, s:f, s:O?}",
					 "parent namespace", info->parent_namespace,
					 "parent", info->parent_workflow_id,
					 "parent run", info->parent_run_id,
					 "root", info->root_workflow_id,
					 "root run", info->root_run_id,
					 "deadline", (json_int_t) info->execution_deadline_ms,
					 "delay", (json_int_t) info->start_delay_ms,
					 "priority", info->priority.priority_key,
					 "fairness", info->priority.fairness_key,
					 "weight", info->priority.fairness_weight,
					 "retry policy", info->retry_policy);
	say_worker(info);
	if (!pgwf_sleep(wf, 1000, failure))
		return NULL;
	say_worker(info);
	return seen;
}

static void
test_info(void)
{
	Sim		   *sim = start("info", "[]");

	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	is_str(run_trace, "none/none/0 none/none/0 ", "info: nothing to tell");
	run_ends(sim, "WorkflowExecutionCompleted", "result",
			 "[{\"parent namespace\": null, \"parent\": null, \"parent run\": "
			 "null, \"root\": \"w\", \"root run\": "
			 "\"0d9e4a5c-6b1f-4c57-9d52-1f0f7f6d3c21\", \"deadline\": 0, "
			 "\"delay\": 0, \"priority\": 0, \"fairness\": null, \"weight\": "
			 "0.0, \"retry policy\": null}]", "info of a plain run");

	sim = start("info", "[]");
	started_with(sim, "{\"parentWorkflowNamespace\": \"default\", "
				 "\"parentWorkflowExecution\": {\"workflowId\": \"mum\", "
				 "\"runId\": \"m-1\"}, \"rootWorkflowExecution\": "
				 "{\"workflowId\": \"granny\", \"runId\": \"g-1\"}, "
				 "\"workflowExecutionExpirationTime\": "
				 "\"2026-01-02T00:00:00Z\", \"firstWorkflowTaskBackoff\": "
				 "\"1.5s\", \"priority\": {\"priorityKey\": 2, "
				 "\"fairnessKey\": \"ann\", \"fairnessWeight\": 1.5}, "
				 "\"retryPolicy\": {\"maximumAttempts\": 3}}");
	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", "result",
			 "[{\"parent namespace\": \"default\", \"parent\": \"mum\", "
			 "\"parent run\": \"m-1\", \"root\": \"granny\", \"root run\": "
			 "\"g-1\", \"deadline\": 1767312000000, \"delay\": 1500, "
			 "\"priority\": 2, \"fairness\": \"ann\", \"weight\": 1.5, "
			 "\"retry policy\": {\"maximumAttempts\": 3}}]",
			 "info of a child");
}

/* The build id is that of who answered the task, then one's own. */
static void
test_worker(void)
{
	Sim		   *sim = start("info", "[]");
	PgwfInstance *instance;
	PgwfTaskOutcome out;
	json_t	   *task;
	json_t	   *a;

	sim_task(sim);
	sim_fire(sim, "1");
	a = json_object_get(json_array_get(sim->events, 3), "attributes");
	pgwf_json_put(a, "workerVersion", json_pack("{s:s}", "buildId", "old"));
	sim_evict(sim);
	sim_begin(sim);
	a = json_object_get(json_array_get(sim->events,
									   json_array_size(sim->events) - 1),
						"attributes");
	pgwf_json_put(a, "suggestContinueAsNew", json_true());
	pgwf_json_put(a, "suggestContinueAsNewReasons",
				  json_pack("[s, s]", "SUGGEST_CONTINUE_AS_NEW_REASON_"
							"HISTORY_SIZE_TOO_LARGE",
							"SUGGEST_CONTINUE_AS_NEW_REASON_"
							"TOO_MANY_UPDATES"));
	run_trace[0] = '\0';
	instance = pgwf_instance_create(registry, "w", "r", "q");
	pgwf_json_put(a, "targetWorkerDeploymentVersionChanged", json_true());
	pgwf_instance_set_worker(instance, "space", "shop", "new");
	task = json_pack("{s:{s:O}}", "history", "events", sim->events);
	sim_process(instance, task, &out);
	is_str(run_trace, "none/old/0 shop/new/5! ", "build ids and reasons");
	pgwf_task_outcome_clear(&out);
	pgwf_instance_destroy(instance);
	json_decref(task);
	sim_free(sim);
}

/* ---- texts for people, priorities ---- */

FLOW_BODY(texts_flow)
{
	PgwfActivityOptions o = ten_seconds;
	PgwfTimerOptions t = PGWF_TIMER_OPTIONS_INIT;
	PgwfFuture *futures[3];

	(void) input;
	o.summary = "short";
	o.details = "long";
	o.priority.priority_key = 1;
	o.priority.fairness_key = "ann";
	t.summary = "tea time";
	t.details = "five o'clock";
	futures[0] = pgwf_start_activity(wf, "a", NULL, &o);
	futures[1] = pgwf_start_timer_with(wf, 1000, &t);
	futures[2] = pgwf_start_timer_with(wf, 2000, NULL);
	pgwf_set_current_details(wf, "waits for tea");
	is_str(pgwf_current_details(wf), "waits for tea", "where it stands");
	pgwf_await_all(wf, futures, 3, failure);
	pgwf_set_current_details(wf, NULL);
	ok(pgwf_current_details(wf) == NULL, "it stands nowhere");
	return NULL;
}

static void
test_texts(void)
{
	Sim		   *sim = start("texts", "[]");

	sim_task(sim);
	is_json(sim->out.commands,
			"[{\"commandType\": \"ScheduleActivityTask\", \"attributes\": "
			"{\"activityId\": \"1\", \"activityType\": {\"name\": \"a\"}, "
			"\"startToCloseTimeout\": \"10s\", \"priority\": "
			"{\"priorityKey\": 1, \"fairnessKey\": \"ann\"}}, "
			"\"userMetadata\": {\"summary\": \"short\", \"details\": "
			"\"long\"}}, {\"commandType\": \"StartTimer\", \"attributes\": "
			"{\"timerId\": \"1\", \"startToFireTimeout\": \"1s\"}, "
			"\"userMetadata\": {\"summary\": \"tea time\", \"details\": "
			"\"five o'clock\"}}, {\"commandType\": \"StartTimer\", "
			"\"attributes\": {\"timerId\": \"2\", \"startToFireTimeout\": "
			"\"2s\"}}]", "texts and priorities");
	sim_complete(sim, "1", "null");
	sim_fire(sim, "1");
	sim_fire(sim, "2");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "texts");
}

int
main(void)
{
	static const RunFlow flows[] = {
		{"upsert", upsert_flow}, {"wrong", wrong_flow}, {"info", info_flow},
		{"texts", texts_flow}, {NULL, NULL}
	};

	registry = runs_registry(flows);
	test_types();
	test_upsert();
	test_wrong();
	test_info();
	test_worker();
	test_texts();
	pgwf_registry_free(registry);
	return done_testing();
}
