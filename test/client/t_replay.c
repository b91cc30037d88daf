/*
 * t_replay.c
 *		The offline replayer on recorded history files, and what a change of
 *		the code does to a replay.
 *
 * The files in histories/ are in Temporal's format, as history_json() and
 * Temporal's own tools write it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"
#include "sim.h"
#include "tap.h"

static PgwfRegistry *registry;

/* Where the history files are: beside this source file. */
static char *
path_of(const char *name)
{
	const char *slash = strrchr(__FILE__, '/');

	return pgwf_xprintf("%.*shistories/%s.json",
						slash != NULL ? (int) (slash - __FILE__) + 1 : 0,
						__FILE__, name);
}

/* Replays a file; message NULL: it agrees. */
static void
replay(const char *file, const char *message, int64_t event_id,
	   bool nondeterminism, const char *name)
{
	char	   *path = path_of(file);
	PgwfReplayReport *report;

	is_int(pgwf_replay_history_file(registry, path, &report), PGWF_OK,
		   "%s: history is read", name);
	if (message == NULL)
	{
		is_str(report->message, "", "%s: agrees", name);
		ok(report->ok, "%s: ok", name);
	}
	else
	{
		ok(!report->ok, "%s: disagrees", name);
		is_str(report->message, message, "%s: message", name);
		is_int(report->event_id, event_id, "%s: event", name);
		ok(report->nondeterminism == nondeterminism, "%s: kind", name);
	}
	pgwf_replay_report_free(report);
	free(path);
}

static PgwfReplayReport *
report_of(const char *file)
{
	char	   *path = path_of(file);
	PgwfReplayReport *report;

	pgwf_replay_history_file(registry, path, &report);
	free(path);
	return report;
}

/* ---- the walkthrough ---- */

static void
test_pizza(void)
{
	PgwfReplayReport *report;

	replay("pizza", NULL, 0, false, "pizza");
	replay("pizza-crash", NULL, 0, false, "pizza with a crash");
	replay("pizza-short-names", NULL, 0, false,
		   "pizza with short event names");
	replay("pizza-too-far", NULL, 0, false, "pizza too far away");
	replay("activity-timed-out", NULL, 0, false, "an activity timed out");
	replay("family", NULL, 0, false, "children");
	replay("continued", NULL, 0, false, "a run that continued as new");
	replay("collector", NULL, 0, false, "signals, and a scope in time");

	report = report_of("pizza");
	ok(report->finished, "pizza: the function returned");
	is_int(report->workflow_tasks, 4, "pizza: workflow tasks");
	is_int(report->events, 22, "pizza: events");
	is_str(report->workflow_type, "pizza", "pizza: type");
	is_json(report->commands, "[]", "pizza: nothing more to do");
	pgwf_replay_report_free(report);

	report = report_of("pizza-open");
	ok(!report->finished, "open pizza: the function waits");
	is_json(report->commands,
			"[{\"commandType\": \"ScheduleActivityTask\", \"attributes\": "
			"{\"activityId\": \"2\", \"activityType\": {\"name\": "
			"\"send_bill\"}, \"input\": [{\"customer\": \"Ann\", "
			"\"distance\": 15}], \"startToCloseTimeout\": \"10s\"}}]",
			"open pizza: distance comes from history");
	pgwf_replay_report_free(report);
}

static void
test_splits(void)
{
	static const char *const files[] = {
		"pizza", "pizza-crash", "pizza-too-far", "report", "failed-tasks",
		"activity-timed-out", "pizza-short-names", "family", "continued",
		"collector", NULL
	};
	int			i;

	for (i = 0; files[i] != NULL; i++)
	{
		char	   *path = path_of(files[i]);
		json_t	   *history = json_load_file(path, 0, NULL);
		json_t	   *events = pgwf_history_import(history, NULL);
		char	   *why = NULL;

		ok(replays_in_all_splits(registry, events, &why),
		   "%s: the same commands in all splits", files[i]);
		if (why != NULL)
			note("%s", why);
		free(why);
		json_decref(events);
		json_decref(history);
		free(path);
	}
}

/* ---- changes of the code ---- */

static void
edition(int number, const char *file, const char *message, int64_t event_id,
		const char *name)
{
	report_edition = number;
	replay(file, message, event_id, true, name);
	report_edition = 0;
}

static void
test_changes(void)
{
	PgwfReplayReport *report;

	edition(0, "report", NULL, 0, "no change");
	edition(1, "report", "event 11 is TimerStarted (timer id \"1\"), but the "
			"workflow code asked for ScheduleActivityTask (activity id "
			"\"2\", type \"send_report\")", 11, "a timer removed");
	edition(2, "report", "event 5 is ActivityTaskScheduled (activity id "
			"\"1\", type \"import_sales_data\"), but the workflow code asked "
			"for ScheduleActivityTask (activity id \"1\", type \"check\")", 5,
			"an activity added in front");
	edition(3, "report", "event 16 is ActivityTaskScheduled (activity id "
			"\"2\", type \"send_report\"), but the workflow code asked for "
			"ScheduleActivityTask (activity id \"2\", type "
			"\"mail_report\")", 16, "an activity of another type");
	edition(4, "report", "event 5 is ActivityTaskScheduled (activity id "
			"\"1\", type \"import_sales_data\"), but the workflow code asked "
			"for ScheduleActivityTask (activity id \"1\", type "
			"\"send_report\")", 5, "activities swapped");
	edition(5, "report", NULL, 0, "another timer duration");
	edition(6, "report", NULL, 0, "other arguments and options");
	edition(7, "report", "event 22 is WorkflowExecutionCompleted, but the "
			"workflow code asked for ScheduleActivityTask (activity id "
			"\"3\", type \"archive\")", 22,
			"an activity added where history is closed");
	edition(7, "report-open", NULL, 0, "an activity added at the end");
	edition(8, "report", "event 16 is ActivityTaskScheduled (activity id "
			"\"2\", type \"send_report\"), but the workflow code asked for "
			"CompleteWorkflowExecution", 16, "returning too early");
	edition(9, "report", NULL, 0, "a timer removed, guarded by a patch");
	edition(10, "report", NULL, 0, "an activity added, guarded by a patch");
	edition(11, "report", "event 22 is WorkflowExecutionCompleted, but the "
			"workflow code asked for FailWorkflowExecution", 22,
			"failing where it completed");
	edition(12, "report", NULL, 0, "logging added");
	edition(13, "report", "event 5 is ActivityTaskScheduled (activity id "
			"\"1\", type \"import_sales_data\"), but the workflow code asked "
			"for StartTimer (timer id \"1\")", 5,
			"a timer instead of an activity");

	/* histories without the flag: ids and types are not compared */
	edition(3, "report-no-flags", NULL, 0,
			"another type, history without flags");
	edition(1, "report-no-flags", "event 11 is TimerStarted (timer id "
			"\"1\"), but the workflow code asked for ScheduleActivityTask "
			"(activity id \"2\", type \"send_report\")", 11,
			"a timer removed, history without flags");

	report_edition = 7;
	report = report_of("report-open");
	is_json(json_object_get(json_array_get(report->commands, 0),
							"commandType"), "\"ScheduleActivityTask\"",
			"what was added becomes a new command");
	pgwf_replay_report_free(report);
	report_edition = 0;
}

/* ---- odd histories ---- */

static void
test_odd(void)
{
	replay("failed-tasks", NULL, 0, false, "failed and timed out tasks");
	replay("terminated", NULL, 0, false, "a terminated run");
	replay("run-timed-out", NULL, 0, false, "a run that timed out");
	replay("after-end", "event 23 comes after the end of the run", 23, false,
		   "an event after the end");
	replay("gap", "history has event 12 where event 11 is due", 12, false,
		   "a gap");
	replay("child", "event 5 is StartChildWorkflowExecutionInitiated "
		   "(workflow id \"c1\", type \"oven\"), but the workflow code asked "
		   "for ScheduleActivityTask (activity id \"1\", type "
		   "\"get_distance\")", 5, true, "a command of a kind not known here");
	replay("unknown-timer", "event 6 is TimerFired of event 3, but the "
		   "workflow code asked for no timer there", 6, true,
		   "a timer that nobody started");
	replay("unknown-flag", "event 4 was made with behaviour flag 99, which "
		   "this version of the library does not know", 4, false,
		   "an unknown flag");
}

/* ---- randomness across a reset ---- */

static json_t *
draws(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *before = pgwf_pack(wf, "s", pgwf_uuid(wf));
	json_t	   *after;

	(void) input;
	if (!pgwf_sleep(wf, 1000, failure))
		return NULL;
	after = pgwf_pack(wf, "s", pgwf_uuid(wf));
	return pgwf_pack(wf, "[O, O]", before, after);
}

static void
test_reset(void)
{
	PgwfReplayReport *report = report_of("reset");
	json_t	   *result;
	PgwfRandom	random;
	char		before[37];
	char		after[37];

	pgwf_random_seed(&random,
					 pgwf_run_seed("8f3ad9f2-1d0c-4c8f-9d75-3b7f6a0c1a11"));
	pgwf_random_uuid(&random, before);
	pgwf_random_seed(&random,
					 pgwf_run_seed("77777777-1d0c-4c8f-9d75-3b7f6a0c1a11"));
	pgwf_random_uuid(&random, after);
	is_str(report->message, "", "reset: replays");
	result = json_object_get(json_array_get(report->commands, 0),
							 "attributes");
	result = json_array_get(json_object_get(result, "result"), 0);
	is_str(json_string_value(json_array_get(result, 0)), before,
		   "before the reset: the original run's numbers");
	is_str(json_string_value(json_array_get(result, 1)), after,
		   "after it: the new run's");
	pgwf_replay_report_free(report);
}

/* ---- histories of another library ---- */

static int	patched_edition;

static json_t *
patched(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = {
		PGWF_ACTIVITY_OPTIONS_DEFAULTS,
		.start_to_close_timeout_ms = 10000
	};

	(void) input;
	if (patched_edition == 0 ? pgwf_patched(wf, "check-first") : true)
		pgwf_execute_activity(wf, "check", NULL, &options, NULL, failure);
	if (patched_edition == 2)
		pgwf_deprecate_patch(wf, "gone");
	return NULL;
}

static int	local_edition;

static json_t *
local(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfLocalOptions options = {
		PGWF_LOCAL_OPTIONS_DEFAULTS,
		.start_to_close_timeout_ms = 10000
	};
	json_t	   *result = NULL;
	int64_t		start = pgwf_now(wf);
	int64_t		used;

	(void) input;
	if (local_edition == 0 &&
		!pgwf_execute_local_activity(wf, "lookup", NULL, &options, &result,
									 failure))
		return NULL;
	used = pgwf_now(wf) - start;
	if (!pgwf_sleep(wf, 1000, failure))
		return NULL;
	is_int(used, 3000, "local activity: time it took");
	return pgwf_pack(wf, "[O, I]", result, (json_int_t) used);
}

static void
test_foreign(void)
{
	replay("patches", NULL, 0, false, "patches with search attributes");
	patched_edition = 2;
	replay("patches", "event 5 is MarkerRecorded (marker \"core_patch\", "
		   "patch \"check-first\"), but the workflow code asked for "
		   "ScheduleActivityTask (activity id \"1\", type \"check\")", 5,
		   true, "a patch whose call was removed");
	patched_edition = 0;

	replay("local-heartbeats", NULL, 0, false,
		   "a local activity across heartbeats");
	replay("local-other-type", "event 5 is MarkerRecorded (local activity 1, "
		   "activity id \"1\", type \"other\"), but the workflow code asked "
		   "for activity id \"1\", type \"lookup\"", 5, true,
		   "a local activity of another type");
	local_edition = 1;
	replay("local-heartbeats", "event 11 is MarkerRecorded (marker "
		   "\"core_local_activity\", number 1, activity id \"1\", type "
		   "\"lookup\"), but the workflow code asked for StartTimer (timer "
		   "id \"1\")", 11, true, "a local activity removed");
	local_edition = 0;
}

/* ---- what cannot be read ---- */

static void
test_unreadable(void)
{
	PgwfReplayReport *report;
	json_t	   *history;
	char	   *path = path_of("no-such-file");

	is_int(pgwf_replay_history_file(registry, path, &report), PGWF_NOT_FOUND,
		   "no file");
	has_str(report->message, "could not read", "no file: message");
	pgwf_replay_report_free(report);
	free(path);

	history = json_loads("{\"events\": {}}", 0, NULL);
	is_int(pgwf_replay_history(registry, history, &report),
		   PGWF_INVALID_ARGUMENT, "no history");
	is_str(report->message, "history has no events", "no history: message");
	pgwf_replay_report_free(report);
	json_decref(history);

	history = json_loads("[{\"eventId\": 1, \"eventType\": "
						 "\"WorkflowExecutionStarted\"}]", 0, NULL);
	is_int(pgwf_replay_history(registry, history, &report), PGWF_OK,
		   "no type");
	has_str(report->message, "names no workflow type", "no type: message");
	pgwf_replay_report_free(report);
	json_decref(history);
	pgwf_replay_report_free(NULL);
}

int
main(void)
{
	registry = pgwf_registry_new();
	pgwf_register_workflow(registry, "pizza", pizza, NULL);
	pgwf_register_workflow(registry, "report", report, NULL);
	pgwf_register_workflow(registry, "family", family, NULL);
	pgwf_register_workflow(registry, "counter", counter, NULL);
	pgwf_register_workflow(registry, "collector", collector, NULL);
	pgwf_register_workflow(registry, "draws", draws, NULL);
	pgwf_register_workflow(registry, "patched", patched, NULL);
	pgwf_register_workflow(registry, "local", local, NULL);
	test_pizza();
	test_splits();
	test_changes();
	test_odd();
	test_reset();
	test_foreign();
	test_unreadable();
	pgwf_registry_free(registry);
	return done_testing();
}
