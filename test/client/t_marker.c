/*
 * t_marker.c
 *		What markers record: patches and their list in the search attributes,
 *		versions of changes, mutable side effects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "tap.h"

#define FLOW_BODY(name) \
	static json_t * \
	name(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)

static PgwfRegistry *registry;
static int	edition;

static void
commands_are(Sim *sim, const char *expected, const char *name)
{
	char	   *got = sim_commands(sim);

	is_str(got, expected, "%s", name);
	free(got);
}

static void
ends(Sim *sim, const char *result, const char *name)
{
	is_str(sim_status(sim), "WorkflowExecutionCompleted", "%s: closed", name);
	is_json(json_object_get(sim_last_attributes(sim), "result"), result,
			"%s: result", name);
	ok(sim_replays(sim), "%s: replays in all splits", name);
	sim_free(sim);
}

/* What replaying with this edition of the code says; free() it. */
static void
replay_says(Sim *sim, int code, const char *expected, const char *name)
{
	PgwfReplayReport *report;

	edition = code;
	pgwf_replay_history(registry, sim->events, &report);
	is_str(report->message, expected, "%s", name);
	if (*expected != '\0')
		ok(report->nondeterminism, "%s: nondeterminism", name);
	pgwf_replay_report_free(report);
}

/* ---- patches ---- */

/* Editions: 0 two patches, 1 without the second, 2 both deprecated, 3 none. */
FLOW_BODY(patched_flow)
{
	bool		second = false;

	(void) input;
	(void) failure;
	if (edition == 2)
	{
		pgwf_deprecate_patch(wf, "one");
		pgwf_deprecate_patch(wf, "two");
	}
	else if (edition != 3)
	{
		pgwf_patched(wf, "one");
		second = edition == 0 && pgwf_patched(wf, "two");
	}
	pgwf_sleep(wf, 1000, NULL);
	return pgwf_pack(wf, "[b, O?]", (int) second,
					 json_object_get(pgwf_workflow_info(wf)->search_attributes,
									 "TemporalChangeVersion"));
}

static void
test_patches(void)
{
	Sim		   *sim;
	json_t	   *upsert;

	edition = 0;
	sim = sim_new(registry, "patched", "[]");
	sim_task(sim);
	commands_are(sim, "RecordMarker core_patch, "
				 "UpsertWorkflowSearchAttributes, RecordMarker core_patch, "
				 "UpsertWorkflowSearchAttributes, StartTimer 1", "two patches");
	is_json(json_object_get(json_array_get(sim->out.commands, 3),
							"attributes"),
			"{\"searchAttributes\": {\"indexedFields\": "
			"{\"TemporalChangeVersion\": [\"one\", \"two\"]}}}",
			"their list");
	is_json(json_object_get(sim->out.sdk_metadata, "coreUsedFlags"),
			"[1, 2, 3]", "the flag of the list");
	sim_fire(sim, "1");
	sim_task(sim);
	is_json(json_object_get(sim_last_attributes(sim), "result"),
			"[[true, [\"one\", \"two\"]]]", "the run sees them");
	replay_says(sim, 0, "", "the same code");
	replay_says(sim, 2, "", "deprecated");
	replay_says(sim, 3, "event 5 is MarkerRecorded (marker \"core_patch\", "
				"patch \"one\"), but the workflow code asked for StartTimer "
				"(timer id \"1\")", "removed");
	replay_says(sim, 1, "event 7 is MarkerRecorded (marker \"core_patch\", "
				"patch \"two\"), but the workflow code asked for StartTimer "
				"(timer id \"1\")", "one removed");

	/* with the flag, the list has to be there */
	upsert = json_object_get(json_array_get(sim->events, 5), "attributes");
	json_object_set_new(upsert, "searchAttributes",
						json_pack("{s:{s:i}}", "indexedFields", "Other", 1));
	replay_says(sim, 0, "event 6 is UpsertWorkflowSearchAttributes, but the "
				"workflow code asked for StartTimer (timer id \"1\")",
				"another search attribute");
	edition = 0;
	sim_free(sim);

	/* what was deprecated may go, with its place in the list */
	edition = 2;
	sim = sim_new(registry, "patched", "[]");
	sim_task(sim);
	sim_fire(sim, "1");
	edition = 3;
	sim_evict(sim);
	sim_task(sim);
	replay_says(sim, 3, "", "deprecated patches removed");
	replay_says(sim, 2, "", "or not");
	sim_free(sim);

	/* histories from before the list */
	edition = 0;
	sim = sim_new(registry, "patched", "[]");
	sim_task(sim);
	json_object_set_new(json_object_get(json_object_get(json_array_get(sim->events,
																	   3),
														"attributes"),
										"sdkMetadata"), "coreUsedFlags",
						json_pack("[i, i]", 1, 3));
	sim_fire(sim, "1");
	sim_evict(sim);
	sim_task(sim);
	is_json(json_object_get(sim_last_attributes(sim), "result"),
			"[[true, null]]", "without the flag there is no list");
	replay_says(sim, 0, "", "and it is not asked for");
	sim_free(sim);
}

/* A list that grows beyond its limit stays as it is. */
FLOW_BODY(many_flow)
{
	int			i;

	(void) input;
	(void) failure;
	for (i = 0; i < 30; i++)
		pgwf_patched(wf, pgwf_sprintf(wf, "%0100d", i));
	pgwf_sleep(wf, 1000, NULL);
	return NULL;
}

static void
test_long_list(void)
{
	Sim		   *sim = sim_new(registry, "many", "[]");
	json_t	   *command;
	size_t		i;
	int			upserts = 0;

	sim_task(sim);
	json_array_foreach(sim->out.commands, i, command)
		upserts += strcmp(pgwf_json_str(command, "commandType"),
						  "UpsertWorkflowSearchAttributes") == 0;
	is_int(upserts, 2048 / 103, "the list of patches has a limit");
	sim_fire(sim, "1");
	sim_task(sim);
	ok(sim_replays(sim), "a long list replays");
	sim_free(sim);
}

/* ---- versions ---- */

/* Editions: -1 before the change, n supports 0 to n, 9 dropped 0 and 1. */
FLOW_BODY(version_flow)
{
	int			version = -9;

	(void) input;
	(void) failure;
	if (edition == 9)
		version = pgwf_get_version(wf, "c", 2, 2);
	else if (edition >= 0)
	{
		version = pgwf_get_version(wf, "c", PGWF_DEFAULT_VERSION, edition);
		pgwf_get_version(wf, "c", PGWF_DEFAULT_VERSION, edition);
	}
	pgwf_sleep(wf, 1000, NULL);
	if (edition >= 0)
		pgwf_get_version(wf, "c", PGWF_DEFAULT_VERSION, edition);
	return pgwf_pack(wf, "i", version);
}

static void
test_versions(void)
{
	Sim		   *sim;

	edition = 1;
	sim = sim_new(registry, "version", "[]");
	sim_task(sim);
	is_json(json_array_get(sim->out.commands, 0),
			"{\"commandType\": \"RecordMarker\", \"attributes\": "
			"{\"markerName\": \"Version\", \"details\": {\"change-id\": "
			"[\"c\"], \"version\": [1], "
			"\"version-search-attribute-updated\": [true]}}}",
			"the marker of a version");
	is_json(json_object_get(json_array_get(sim->out.commands, 1),
							"attributes"),
			"{\"searchAttributes\": {\"indexedFields\": "
			"{\"TemporalChangeVersion\": [\"c-1\"]}}}", "its place in the list");
	edition = 2;
	sim_evict(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	is_json(json_object_get(sim_last_attributes(sim), "result"), "[1]",
			"a run keeps its version");
	replay_says(sim, 1, "", "with the code it began with");
	replay_says(sim, -1, "", "without the call");
	replay_says(sim, 9, "the workflow code supports versions 2 to 2 of change "
				"\"c\", but history has version 1",
				"with code that no longer supports it");
	edition = 2;
	sim_free(sim);

	edition = -1;
	sim = sim_new(registry, "version", "[]");
	sim_task(sim);
	edition = 2;
	sim_evict(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	is_json(json_object_get(sim_last_attributes(sim), "result"), "[-1]",
			"a run from before the change");
	replay_says(sim, 2, "", "which replays");
	sim_free(sim);
	sim = sim_new(registry, "version", "[]");
	sim_task(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	ends(sim, "[2]", "a new run");
}

/* ---- mutable side effects ---- */

static int	outside;

static json_t *
look_outside(void *arg)
{
	++*(int *) arg;
	return json_integer(outside);
}

static bool
close_enough(const json_t *last, const json_t *value, void *arg)
{
	(void) arg;
	return json_integer_value(value) - json_integer_value(last) < 5;
}

FLOW_BODY(mutable_flow)
{
	json_t	   *seen = pgwf_pack(wf, "[]");
	int			calls = 0;
	int			i;

	(void) input;
	(void) failure;
	for (i = 0; i < 4; i++)
	{
		json_array_append(seen, pgwf_mutable_side_effect(wf, "m",
														 look_outside, &calls,
														 NULL));
		json_array_append(seen, pgwf_mutable_side_effect(wf, "rough",
														 look_outside, &calls,
														 close_enough));
		pgwf_receive_signal(wf, "next", PGWF_FOREVER, NULL);
	}
	return seen;
}

static void
test_mutable(void)
{
	Sim		   *sim = sim_new(registry, "mutable", "[]");

	outside = 1;
	sim_task(sim);
	is_json(json_object_get(json_array_get(sim->out.commands, 0),
							"attributes"),
			"{\"markerName\": \"MutableSideEffect\", \"details\": "
			"{\"side-effect-id\": [\"m_1\"], \"data\": [1], "
			"\"mutable-side-effect-call-counter\": [1]}}", "its marker");
	sim_signal(sim, "next", "[]");
	sim_task(sim);
	commands_are(sim, "", "nothing has changed");
	outside = 3;
	sim_signal(sim, "next", "[]");
	sim_evict(sim);
	sim_task(sim);
	commands_are(sim, "RecordMarker MutableSideEffect",
				 "one has changed enough");
	outside = 7;
	sim_signal(sim, "next", "[]");
	sim_task(sim);
	outside = 1000;
	sim_signal(sim, "next", "[]");
	sim_evict(sim);
	sim_task(sim);
	outside = 2000;
	is_str(sim_status(sim), "WorkflowExecutionCompleted", "closed");
	is_json(json_object_get(sim_last_attributes(sim), "result"),
			"[[1, 1, 1, 1, 3, 1, 7, 7]]", "the values in their turn");
	replay_says(sim, 0, "", "replays although the world has changed");
	sim_free(sim);
}

int
main(void)
{
	registry = pgwf_registry_new();
	pgwf_register_workflow(registry, "patched", patched_flow, NULL);
	pgwf_register_workflow(registry, "many", many_flow, NULL);
	pgwf_register_workflow(registry, "version", version_flow, NULL);
	pgwf_register_workflow(registry, "mutable", mutable_flow, NULL);
	test_patches();
	test_long_list();
	test_versions();
	test_mutable();
	pgwf_registry_free(registry);
	return done_testing();
}
