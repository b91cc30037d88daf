/*
 * t_server_child.c
 *		Children, other workflows, continuing as new, search attributes and
 *		scopes with timeouts against a real service.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flows.h"
#include "server.h"

static PgwfRegistry *registry;
static char queue[64];

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

/* [child's id, cancel type, close policy]: waits for a child's end. */
static json_t *
parent(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfChildOptions options = PGWF_CHILD_OPTIONS_INIT;
	PgwfChild  *child;
	json_t	   *result;

	options.workflow_id = json_string_value(json_array_get(input, 0));
	options.cancel_type = (PgwfChildCancelType)
		json_integer_value(json_array_get(input, 1));
	options.parent_close_policy = (PgwfParentClosePolicy)
		json_integer_value(json_array_get(input, 2));
	child = pgwf_start_child(wf, "kid", pgwf_pack(wf, "[s]", "wait"),
							 &options);
	if (!pgwf_await(wf, pgwf_child_result(child), &result, failure))
		return NULL;
	return result;
}

/* [id]: tells another workflow something, then cancels yet another. */
static json_t *
neighbour(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	const char *listener = json_string_value(json_array_get(input, 0));
	const char *waiter = json_string_value(json_array_get(input, 1));

	if (!pgwf_await(wf, pgwf_signal_external(wf, listener, "tell",
											 pgwf_pack(wf, "[i]", 42), NULL),
					NULL, failure) ||
		!pgwf_await(wf, pgwf_cancel_external(wf, waiter, NULL, "too loud"),
					NULL, failure))
		return NULL;
	return NULL;
}

/* Tells what it knows about its family. */
static json_t *
relative(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	const PgwfWorkflowInfo *info = pgwf_workflow_info(wf);
	json_int_t	depth = json_integer_value(json_array_get(input, 0));
	PgwfChildOptions options = PGWF_CHILD_OPTIONS_INIT;
	json_t	   *below = NULL;

	options.priority.fairness_key = "young";
	options.memo = pgwf_pack(wf, "{s:I}", "depth", depth);
	if (depth > 0 &&
		!pgwf_execute_child(wf, "relative", pgwf_pack(wf, "[I]", depth - 1),
							&options, &below, failure))
		return NULL;
	if (depth > 0)
		return below;
	return pgwf_pack(wf, "[b, b, s, s, O, s]",
					 info->parent_workflow_id != NULL &&
					 strcmp(info->parent_workflow_id,
							info->root_workflow_id) != 0,
					 info->root_run_id != NULL, info->root_workflow_id,
					 info->workflow_namespace, info->memo,
					 info->priority.fairness_key);
}

/* A child that continues as new, then one that is tried again. */
static json_t *
chains(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfChildOptions options = PGWF_CHILD_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	PgwfChild  *child;
	json_t	   *first = NULL;
	json_t	   *second = NULL;

	(void) input;
	child = pgwf_start_child(wf, "counter", pgwf_pack(wf, "[i]", 2), NULL);
	if (!pgwf_await(wf, pgwf_child_result(child), &first, failure))
		return NULL;
	retry.initial_interval_ms = 10;
	retry.maximum_attempts = 3;
	options.retry_policy = &retry;
	if (!pgwf_execute_child(wf, "stubborn", NULL, &options, &second, failure))
		return NULL;
	return pgwf_pack(wf, "[O, O]", first, second);
}

/* Fails once. */
static json_t *
stubborn(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	int			attempt = pgwf_workflow_info(wf)->attempt;

	(void) input;
	if (attempt == 1)
		*failure = pgwf_failure_new("NotYet", "attempt %d", attempt);
	return pgwf_pack(wf, "i", attempt);
}

/* Search attributes of all types; [name]: then one of that name. */
static json_t *
typed(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	static const char *const tags[] = {"a", "b", NULL};
	const char *name = json_string_value(json_array_get(input, 0));
	json_t	   *attributes = pgwf_pack(wf, "{}");

	(void) failure;
	pgwf_attribute_set_keyword(attributes, "FlowsKeyword", "k");
	pgwf_attribute_set_text(attributes, "FlowsText", "some words");
	pgwf_attribute_set_int(attributes, "FlowsLeft", INT64_C(1) << 60);
	pgwf_attribute_set_double(attributes, "FlowsDouble", 2.5);
	pgwf_attribute_set_bool(attributes, "FlowsBool", true);
	pgwf_attribute_set_datetime(attributes, "FlowsTime",
								INT64_C(1767225600000000));
	pgwf_attribute_set_keyword_list(attributes, "FlowsTags", tags);
	pgwf_upsert_search_attributes(wf, attributes);
	json_object_clear(attributes);
	pgwf_attribute_unset(attributes, "FlowsBool");
	if (name != NULL)
		pgwf_attribute_set_keyword(attributes, name, "x");
	pgwf_upsert_search_attributes(wf, attributes);
	return NULL;
}

/*
 * [how to continue]: waits until it is to go on, continues as new, and tells
 * which versions it has seen.
 */
static json_t *
mover(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	const PgwfWorkflowInfo *info = pgwf_workflow_info(wf);
	json_t	   *before = json_array_get(input, 1);
	PgwfContinueOptions options = PGWF_CONTINUE_OPTIONS_INIT;

	(void) failure;
	if (before != NULL)
		return pgwf_pack(wf, "[O, s?, s?]", before, info->deployment_name,
						 info->build_id);
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	options.initial_versioning = (PgwfContinueVersioning)
		json_integer_value(json_array_get(input, 0));
	return pgwf_continue_as_new(wf, pgwf_pack(wf, "[i, [s?, b]]", 0,
											  info->build_id,
											  info->target_version_changed),
								&options);
}

/* ---- tests ---- */

static char *
named(const char *name)
{
	static char ids[8][64];
	static int	next = 0;

	next = (next + 1) % 8;
	snprintf(ids[next], sizeof(ids[next]), "%s-%d", name, (int) getpid());
	return ids[next];
}

static void
start_with(const char *id, const char *type, json_t *input)
{
	char	   *text = json_dumps(input, 0);

	server_start(queue, id, type, text, 0);
	free(text);
	json_decref(input);
}

/* Several families at once. */
static void
test_family(int cached)
{
	ServerWorker running;
	char		id[64];
	char		child[80];
	int			i;

	server_work(&running, registry, queue, cached);
	for (i = 0; i < 5; i++)
	{
		snprintf(id, sizeof(id), "family%d-%d-%d", cached, i, (int) getpid());
		start_with(id, "family", json_pack("[s]", id));
	}
	for (i = 0; i < 5; i++)
	{
		snprintf(id, sizeof(id), "family%d-%d-%d", cached, i, (int) getpid());
		server_ends(registry, id, "Completed",
					"[[\"child workflow failed\", \"child workflow canceled\", "
					"\"hello\", \"child workflow failed to start\", 7, "
					"\"ExternalWorkflowExecutionNotFound\", "
					"\"ExternalWorkflowExecutionNotFound\"]]", true);
		is_int(server_count(id, "StartChildWorkflowExecutionInitiated"), 5,
			   "%s: children", id);
		snprintf(child, sizeof(child), "%s-wait", id);
		server_ends(registry, child, "Canceled", NULL, true);
	}
	server_stop(&running);
}

/* Cancels a parent; checks what becomes of both. */
static void
cancel_case(const char *name, int cancel_type, int close_policy,
			const char *child_status, int requests)
{
	char	   *id = named(name);
	char		child[100];

	snprintf(child, sizeof(child), "%s-child", id);
	start_with(id, "parent", json_pack("[s, i, i]", child, cancel_type,
									   close_policy));
	ok(server_wait(id, "ChildWorkflowExecutionStarted"), "%s: has a child",
	   id);
	server_cancel(id, "enough");
	server_ends(registry, id, "Canceled", NULL, true);
	is_int(server_count(id,
						"RequestCancelExternalWorkflowExecutionInitiated"),
		   requests, "%s: requests to cancel", id);
	if (strcmp(child_status, "Running") == 0)
	{
		is_int(server_count(child, "WorkflowExecutionCancelRequested"), 0,
			   "%s: is not asked", child);
		server_cancel(child, "clean up");
		child_status = "Canceled";
	}
	server_ends(registry, child, child_status, NULL, false);
}

static void
test_cancel(void)
{
	ServerWorker running;

	server_work(&running, registry, queue, 0);
	cancel_case("wait-completed", PGWF_CHILD_CANCEL_WAIT_COMPLETED,
				PGWF_PARENT_CLOSE_DEFAULT, "Canceled", 1);
	cancel_case("wait-requested", PGWF_CHILD_CANCEL_WAIT_REQUESTED,
				PGWF_PARENT_CLOSE_ABANDON, "Canceled", 1);
	cancel_case("try", PGWF_CHILD_CANCEL_TRY, PGWF_PARENT_CLOSE_REQUEST_CANCEL,
				"Canceled", 1);
	cancel_case("abandon", PGWF_CHILD_CANCEL_ABANDON,
				PGWF_PARENT_CLOSE_TERMINATE, "Terminated", 0);
	cancel_case("leave", PGWF_CHILD_CANCEL_ABANDON, PGWF_PARENT_CLOSE_ABANDON,
				"Running", 0);
	server_stop(&running);
}

static void
test_external(void)
{
	ServerWorker running;
	char	   *listener = named("listener");
	char	   *waiter = named("waiter");
	char	   *id = named("neighbour");
	json_t	   *a;

	server_work(&running, registry, queue, 0);
	start_with(listener, "kid", json_pack("[s]", "listen"));
	start_with(waiter, "kid", json_pack("[s]", "wait"));
	start_with(id, "neighbour", json_pack("[s, s]", listener, waiter));
	server_ends(registry, id, "Completed", NULL, true);
	server_ends(registry, listener, "Completed", "[42]", true);
	server_ends(registry, waiter, "Canceled", NULL, true);
	a = server_event(waiter, "WorkflowExecutionCancelRequested");
	is_str(pgwf_json_str(a, "cause"), "too loud", "the reason arrives");
	json_decref(a);
	server_stop(&running);
}

static void
test_continue(int cached)
{
	ServerWorker running;
	char	   *id = named(cached < 0 ? "counter-uncached" : "counter");
	json_t	   *a;

	server_work(&running, registry, queue, cached);
	start_with(id, "counter", json_pack("[i]", 3));
	server_ends(registry, id, "Completed", "[[{\"path\": [3, 2, 1, 0]}, "
				"{\"FlowsLeft\": 0}]]", true);
	a = server_event(id, "WorkflowExecutionStarted");
	is_str(pgwf_json_str(a, "initiator"), "CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
		   "%s: continued", id);
	json_decref(a);
	server_stop(&running);
}

static void
test_relatives(void)
{
	ServerWorker running;
	char	   *id = named("relative");
	char		expected[200];

	server_work(&running, registry, queue, 0);
	start_with(id, "relative", json_pack("[i]", 2));
	snprintf(expected, sizeof(expected), "[[true, true, \"%s\", \"default\", "
			 "{\"depth\": 1}, \"young\"]]", id);
	server_ends(registry, id, "Completed", expected, true);
	server_stop(&running);
}

static void
test_collector(void)
{
	ServerWorker running;
	char	   *id = named("collector");
	int			i;

	server_work(&running, registry, queue, 0);
	start_with(id, "collector", json_array());
	for (i = 1; i <= 5; i++)
		server_signal(id, "add", json_pack("[i]", i));
	ok(server_wait(id, "ActivityTaskCanceled"), "%s: is stopped", id);
	for (i = 6; i <= 10; i++)
		server_signal(id, "add", json_pack("[i]", i));
	server_signal(id, "stop", json_array());
	server_ends(registry, id, "Completed", "[[true, 55]]", true);
	server_stop(&running);
}

static void
test_chains(void)
{
	ServerWorker running;
	char	   *id = named("chains");

	server_work(&running, registry, queue, 0);
	start_with(id, "chains", json_array());
	server_ends(registry, id, "Completed", "[[[{\"path\": [2, 1, 0]}, "
				"{\"FlowsLeft\": 0}], 2]]", true);
	server_stop(&running);
}

static void
test_typed(void)
{
	ServerWorker running;
	char	   *id = named("typed");
	char	   *bad = named("typed-badly");
	json_t	   *description = NULL;
	json_t	   *a;

	server_work(&running, registry, queue, 0);
	start_with(id, "typed", json_array());
	server_ends(registry, id, "Completed", NULL, true);
	is_int(pgwf_client_describe(server_client, id, NULL, &description),
		   PGWF_OK, "%s: description", id);
	a = json_object_get(json_object_get(description, "workflowExecutionInfo"),
						"searchAttributes");
	is_json(json_object_get(a, "indexedFields"),
			"{\"FlowsKeyword\": \"k\", \"FlowsText\": \"some words\", "
			"\"FlowsLeft\": 1152921504606846976, \"FlowsDouble\": 2.5, "
			"\"FlowsTime\": \"2026-01-01T00:00:00.000000Z\", \"FlowsTags\": "
			"[\"a\", \"b\"]}", "%s: search attributes", id);
	json_decref(description);

	start_with(bad, "typed", json_pack("[s]", "FlowsNobodyKnows"));
	ok(server_wait(bad, "WorkflowTaskFailed"), "%s: the task fails", bad);
	a = server_event(bad, "WorkflowTaskFailed");
	is_str(pgwf_json_str(a, "cause"), "WORKFLOW_TASK_FAILED_CAUSE_"
		   "BAD_SEARCH_ATTRIBUTES", "%s: cause", bad);
	json_decref(a);
	server_stop(&running);
}

static void
set_current(const char *deployment, const char *build_id)
{
	char		statement[300];

	snprintf(statement, sizeof(statement),
			 "SELECT workflow.set_worker_deployment_current_version('%s', "
			 "'%s', allow_no_pollers => true)", deployment, build_id);
	server_sql(statement);
}

/* A pinned workflow moves to a new version, or stays, by continuing. */
static void
test_versions(void)
{
	ServerWorker one;
	ServerWorker two;
	char	   *deployment = named("children");
	char	   *moves = named("moves");
	char	   *stays = named("stays");
	char		expected[200];

	server_work_as(&one, registry, queue, deployment, "one");
	set_current(deployment, "one");
	start_with(moves, "mover", json_pack("[i]", PGWF_CONTINUE_AUTO_UPGRADE));
	start_with(stays, "mover", json_pack("[i]", PGWF_CONTINUE_SAME_VERSION));
	ok(server_wait(moves, "WorkflowTaskCompleted") &&
	   server_wait(stays, "WorkflowTaskCompleted"), "two runs are pinned");
	server_work_as(&two, registry, queue, deployment, "two");
	set_current(deployment, "two");
	server_signal(moves, "go", json_array());
	server_signal(stays, "go", json_array());
	snprintf(expected, sizeof(expected), "[[[\"one\", true], \"%s\", "
			 "\"two\"]]", deployment);
	server_ends(registry, moves, "Completed", expected, true);
	snprintf(expected, sizeof(expected), "[[[\"one\", true], \"%s\", "
			 "\"one\"]]", deployment);
	server_ends(registry, stays, "Completed", expected, true);
	server_stop(&one);
	server_stop(&two);
}

int
main(void)
{
	snprintf(queue, sizeof(queue), "children-%d", (int) getpid());
	registry = pgwf_registry_new();
	pgwf_register_workflow(registry, "family", family, NULL);
	pgwf_register_workflow(registry, "kid", kid, NULL);
	pgwf_register_workflow(registry, "counter", counter, NULL);
	pgwf_register_workflow(registry, "collector", collector, NULL);
	pgwf_register_workflow(registry, "parent", parent, NULL);
	pgwf_register_workflow(registry, "neighbour", neighbour, NULL);
	pgwf_register_workflow(registry, "relative", relative, NULL);
	pgwf_register_workflow(registry, "chains", chains, NULL);
	pgwf_register_workflow(registry, "stubborn", stubborn, NULL);
	pgwf_register_workflow(registry, "typed", typed, NULL);
	pgwf_register_workflow(registry, "mover", mover, NULL);
	pgwf_register_activity(registry, "endless", endless, NULL);
	server_connect();
	/* nothing happens if it is there */
	server_sql("SELECT workflow.add_search_attributes("
			   "'{\"FlowsLeft\": \"Int\", \"FlowsKeyword\": \"Keyword\", "
			   "\"FlowsText\": \"Text\", \"FlowsDouble\": \"Double\", "
			   "\"FlowsBool\": \"Bool\", \"FlowsTime\": \"Datetime\", "
			   "\"FlowsTags\": \"KeywordList\"}')");

	test_family(0);
	test_family(-1);
	test_family(3);
	test_cancel();
	test_external();
	test_continue(0);
	test_continue(-1);
	test_relatives();
	test_collector();
	test_chains();
	test_typed();
	test_versions();

	server_disconnect();
	pgwf_registry_free(registry);
	return done_testing();
}
