/*
 * t_services.c
 *		What workflow code gets in place of clocks, random numbers and logs,
 *		and how it is changed: side effects, information on the run, patches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "tap.h"

/* ---- deterministic services ---- */

static int	effects;
static char seen_uuid[40];

static json_t *
effect(void *arg)
{
	effects++;
	return json_pack("[s, i]", (char *) arg, effects > 2 ? 99 : effects);
}

FLOW_BODY(services_flow)
{
	int64_t		t0 = pgwf_now(wf);
	uint64_t	random = pgwf_random(wf);
	const char *uuid = pgwf_uuid(wf);
	double		x = pgwf_random_double(wf);
	json_t	   *one = pgwf_side_effect(wf, effect, "a");
	json_t	   *two = pgwf_side_effect(wf, effect, "b");

	(void) input;
	ok(pgwf_now(wf) == t0 && x >= 0 && x < 1, "time stands still");
	if (seen_uuid[0] == '\0')
		strcpy(seen_uuid, uuid);
	is_str(uuid, seen_uuid, "the same UUID");
	if (!pgwf_sleep(wf, 1000, failure))
		return NULL;
	ok(pgwf_now(wf) > t0, "time goes on");
	pgwf_execute_activity(wf, "a", pgwf_pack(wf, "[I, I, s, O, O]",
											 (json_int_t) t0,
											 (json_int_t) (random >> 1),
											 uuid, one, two),
						  &ten_seconds, NULL, failure);
	return pgwf_pack(wf, "[O, O, i]", one, two,
					 (int) pgwf_workflow_info(wf)->history_length);
}

static void
test_services(void)
{
	Sim		   *sim = start("services", "[]");

	seen_uuid[0] = '\0';
	effects = 0;
	sim_task(sim);
	run_asks(sim, "RecordMarker SideEffect, RecordMarker SideEffect, "
			 "StartTimer 1", "side effects make markers");
	is_json(json_object_get(json_array_get(sim->out.commands, 1),
							"attributes"),
			"{\"markerName\": \"SideEffect\", \"details\": "
			"{\"side-effect-id\": [2], \"data\": [[\"b\", 2]]}}",
			"a side effect's marker");
	sim_evict(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	sim_complete(sim, "1", "null");
	sim_task(sim);
	is_int(effects, 2, "side effects run once");
	ends_changed(sim, "WorkflowExecutionCompleted", "result",
				 "[[[\"a\", 1], [\"b\", 2], 16]]",
				 "deterministic services");
	is_int(effects, 2, "and not on replay");
}

FLOW_BODY(info_flow)
{
	const PgwfWorkflowInfo *info = pgwf_workflow_info(wf);

	UNUSED;
	is_str(info->workflow_id, "w", "info: workflow id");
	is_str(info->workflow_type, "info", "info: type");
	is_str(info->task_queue, "q", "info: task queue");
	ok(info->run_id != NULL &&
	   strcmp(info->run_id, info->original_execution_run_id) == 0,
	   "info: run id");
	is_int(info->attempt, 1, "info: attempt");
	is_int(info->task_timeout_ms, 10000, "info: task timeout");
	is_int(info->history_length, 3, "info: history length");
	ok(info->parent_workflow_id == NULL && info->memo == NULL,
	   "info: what is not there");
	ok(pgwf_workflow_arg(wf) == &effects, "info: argument");
	ok(!pgwf_is_replaying(wf), "info: not replaying");
	return NULL;
}

static void
test_info(void)
{
	Sim		   *sim = start("info", "[]");

	sim_task(sim);
	is_str(sim_status(sim), "WorkflowExecutionCompleted", "info");
	sim_free(sim);
}

/* ---- log ---- */

static void
on_log(PgwfLogLevel level, const char *message, void *arg)
{
	(void) arg;
	run_say("%s", level == PGWF_LOG_WARNING ? "W:" : "?:");
	run_say("%s", message);
	run_say(" ");
}

FLOW_BODY(log_flow)
{
	UNUSED;
	pgwf_log(wf, PGWF_LOG_WARNING, "one %d", 1);
	pgwf_sleep(wf, 1000, failure);
	pgwf_log(wf, PGWF_LOG_WARNING, "two");
	return NULL;
}

static void
test_log(void)
{
	Sim		   *sim = start("log", "[]");

	pgwf_registry_set_log(registry, on_log, NULL);
	sim_task(sim);
	sim_evict(sim);
	sim_fire(sim, "1");
	sim_task(sim);
	is_str(run_trace, "W:one 1 W:two ", "log lines are not repeated on replay");
	pgwf_registry_set_log(registry, NULL, NULL);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "log");
}

/* ---- patches ---- */

static int	patch_edition;

FLOW_BODY(patch_flow)
{
	bool		patched = false;

	UNUSED;
	switch (patch_edition)
	{
		case 0:					/* before the patch */
			break;
		case 1:
			patched = pgwf_patched(wf, "p");
			break;
		case 2:
			pgwf_deprecate_patch(wf, "p");
			patched = true;
			break;
		case 3:					/* the call is removed */
			patched = true;
			break;
	}
	if (!pgwf_execute_activity(wf, patched ? "new" : "old", NULL,
							   &ten_seconds, NULL, failure))
		return NULL;
	if (patch_edition == 1)
		ok(pgwf_patched(wf, "p") == patched, "a patch's answer stays");
	return pgwf_pack(wf, "b", patched);
}

/* Starts with one edition of the code and goes on with another. */
static void
patch_case(int first, int then, const char *commands, const char *outcome,
		   const char *name)
{
	Sim		   *sim = start("patch", "[]");

	patch_edition = first;
	sim_task(sim);
	run_asks(sim, commands, name);
	sim_complete(sim, "1", "null");
	patch_edition = then;
	sim_evict(sim);
	sim_begin(sim);
	if (outcome == NULL)
	{
		is_str(sim->out.cause, "WORKFLOW_TASK_FAILED_CAUSE_"
			   "NON_DETERMINISTIC_ERROR", "%s: disagrees", name);
		has_str(sim->out.message, "event 5 is MarkerRecorded (marker "
				"\"core_patch\", patch \"p\"), but the workflow code asked "
				"for ScheduleActivityTask", "%s: message", name);
		sim_free(sim);
		return;
	}
	sim_end(sim);
	ends_changed(sim, "WorkflowExecutionCompleted", "result", outcome, name);
}

static void
test_patches(void)
{
	const char *old = "ScheduleActivityTask 1";
	const char *marked = "RecordMarker core_patch, "
	"UpsertWorkflowSearchAttributes, ScheduleActivityTask 1";

	patch_case(0, 1, old, "[false]", "no marker, patched");
	patch_case(1, 1, marked, "[true]", "marker, patched");
	patch_case(1, 2, marked, "[true]", "marker, deprecated");
	patch_case(1, 3, marked, NULL, "marker, call removed");
	patch_case(2, 2, marked, "[true]", "deprecated marker, deprecated");
	patch_case(2, 1, marked, "[true]", "deprecated marker, patched");
	patch_case(2, 3, marked, "[true]", "deprecated marker, call removed");
}

int
main(void)
{
	static const RunFlow flows[] = {
		{"services", services_flow},
		{"log", log_flow},
		{"patch", patch_flow},
		{NULL, NULL}
	};

	registry = runs_registry(flows);
	pgwf_register_workflow(registry, "info", info_flow, &effects);

	test_services();
	test_info();
	test_log();
	test_patches();
	pgwf_registry_free(registry);
	return done_testing();
}
