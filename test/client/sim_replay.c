/*
 * sim_replay.c
 *		Replays a history in every way a worker can come to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "tap.h"

/* ---- replaying in every split ---- */

/*
 * The requests that came with the task that was started by the event before
 * this index, as far as they were accepted.
 */
static json_t *
accepted_messages(json_t *events, size_t at)
{
	json_t	   *messages = json_array();
	json_t	   *event;

	for (; (event = json_array_get(events, at)) != NULL; at++)
	{
		const char *type = pgwf_json_str(event, "eventType");
		json_t	   *a = json_object_get(event, "attributes");

		if (strcmp(type, "WorkflowTaskScheduled") == 0)
			break;
		if (strcmp(type, "WorkflowExecutionUpdateAccepted") != 0)
			continue;
		json_array_append_new(messages,
							  json_pack("{s:O, s:O, s:O, s:O}",
										"id", json_object_get(a,
															  "acceptedRequestMessageId"),
										"protocolInstanceId",
										json_object_get(a,
														"protocolInstanceId"),
										"eventId",
										json_object_get(a,
														"acceptedRequestSequencingEventId"),
										"body", json_object_get(a,
																"acceptedRequest")));
	}
	return messages;
}

/* Processes history up to an event on an instance; true if it went well. */
static bool
feed(PgwfInstance *instance, json_t *events, int64_t from, int64_t to,
	 PgwfTaskOutcome *out, char **why)
{
	json_t	   *part = json_array();
	json_t	   *task;
	int64_t		i;

	for (i = from; i <= to; i++)
		json_array_append(part, json_array_get(events, (size_t) i - 1));
	task = json_pack("{s:{s:o}, s:o}", "history", "events", part,
					 "messages", accepted_messages(events, (size_t) to));
	sim_process(instance, task, out);
	json_decref(task);
	if (out->status == PGWF_TASK_COMPLETED || out->status == PGWF_TASK_LOCAL)
		return true;
	*why = pgwf_xprintf("events %lld to %lld: %s", (long long) from,
						(long long) to, out->message);
	return false;
}

/*
 * Do a command and an event agree in an attribute, if the command has it?
 * How many attempts a local activity had when the code gave it up is not known
 * on replay.
 */
static bool
attribute_agrees(const json_t *command, const json_t *event, const char *key)
{
	json_t	   *want = json_deep_copy(json_object_get(command, key));
	json_t	   *have = json_deep_copy(json_object_get(event, key));
	bool		same;

	json_object_del(json_array_get(json_object_get(want, "data"), 0),
					"attempt");
	json_object_del(json_array_get(json_object_get(have, "data"), 0),
					"attempt");
	same = want == NULL || json_equal(want, have);
	json_decref(want);
	json_decref(have);
	return same;
}

/* Do the commands agree with the events from this index on? */
static bool
commands_agree(json_t *commands, json_t *events, size_t at, int64_t started,
			   char **why)
{
	json_t	   *command;
	size_t		i;

	json_array_foreach(commands, i, command)
	{
		const char *type = pgwf_json_str(command, "commandType");
		json_t	   *a = json_object_get(command, "attributes");
		json_t	   *event;
		json_t	   *ea;
		PgwfEventType event_type = PGWF_EVENT_NONE;
		int			c;

		/* events that are no command's may stand between */
		for (;; at++)
		{
			event = json_array_get(events, at);
			if (event == NULL)
				break;
			event_type = pgwf_event_type_of(pgwf_json_str(event,
														  "eventType"));
			if (pgwf_event_infos[event_type].flags & PGWF_EVENT_COMMAND)
				break;
		}
		for (c = 0; c < PGWF_COMMAND_TYPES; c++)
		{
			if (strcmp(pgwf_command_infos[c].name, type) == 0 &&
				pgwf_command_infos[c].event == event_type)
				break;
		}
		ea = json_object_get(event, "attributes");
		if (event == NULL || c == PGWF_COMMAND_TYPES ||
			!attribute_agrees(a, ea, "activityId") ||
			!attribute_agrees(a, ea, "timerId") ||
			!attribute_agrees(a, ea, "workflowType") ||
			!attribute_agrees(a, ea, "signalName") ||
			!attribute_agrees(a, ea, "searchAttributes") ||
			!attribute_agrees(a, ea, "upsertedMemo") ||
			!attribute_agrees(a, ea, "input") ||
			!attribute_agrees(a, ea, "details"))
		{
			char	   *have = json_dumps(event, JSON_ENCODE_ANY);
			char	   *want = json_dumps(command, JSON_ENCODE_ANY);

			*why = pgwf_xprintf("task of event %lld: command %s, but "
								"history has %s", (long long) started,
								want, have ? have : "nothing");
			free(have);
			free(want);
			return false;
		}
		at++;
	}
	return true;
}

/*
 * Runs a worker that evicts the run before task "evict" (counted from 0; -1:
 * never).  Tasks with local activities answer with what history recorded, so
 * they are only checked where no attempt is left to run.
 */
static bool
replay_with_eviction(PgwfRegistry *registry, json_t *events, int evict,
					 int *n_tasks, char **why)
{
	PgwfInstance *instance = NULL;
	PgwfTaskOutcome out;
	bool		good = true;
	size_t		n = json_array_size(events);
	size_t		i;

	*n_tasks = 0;
	memset(&out, 0, sizeof(out));
	for (i = 0; good && i + 1 < n; i++)
	{
		const char *type = pgwf_json_str(json_array_get(events, i),
										 "eventType");
		const char *next = pgwf_json_str(json_array_get(events, i + 1),
										 "eventType");

		if (strcmp(type, "WorkflowTaskStarted") != 0)
			continue;
		if (strcmp(next, "WorkflowTaskCompleted") != 0)
		{
			/* the run is replayed from scratch after a failure */
			pgwf_instance_destroy(instance);
			instance = NULL;
			continue;
		}
		if (*n_tasks == evict || instance == NULL)
		{
			pgwf_instance_destroy(instance);
			instance = pgwf_instance_create(registry, "w", SIM_RUN_ID, "q");
		}
		(*n_tasks)++;
		good = feed(instance, events,
					pgwf_instance_last_event_id(instance) + 1,
					(int64_t) i + 1, &out, why);
		if (good && out.status == PGWF_TASK_COMPLETED)
			good = commands_agree(out.commands, events, i + 2,
								  (int64_t) i + 1, why);
		if (good && out.status == PGWF_TASK_LOCAL)
		{
			/* what it runs now was recorded: only a fresh one can go on */
			pgwf_instance_destroy(instance);
			instance = NULL;
		}
		pgwf_task_outcome_clear(&out);
	}
	pgwf_instance_destroy(instance);
	return good;
}

bool
replays_in_all_splits(PgwfRegistry *registry, json_t *events, char **why)
{
	PgwfReplayReport *report;
	bool		good;
	int			n_tasks = 0;
	int			n;
	int			evict;

	*why = NULL;
	pgwf_replay_history(registry, events, &report);
	good = report->ok;
	if (!good)
		*why = pgwf_xprintf("at once: %s", report->message);
	pgwf_replay_report_free(report);
	for (evict = -1; good && evict < (n_tasks > 60 ? 60 : n_tasks); evict++)
	{
		good = replay_with_eviction(registry, events, evict, &n, why);
		n_tasks = n;
	}
	return good;
}

bool
sim_replays(Sim *sim)
{
	char	   *why;
	bool		good = replays_in_all_splits(sim->registry, sim->events,
											 &why);

	if (!good)
		note("%s", why);
	free(why);
	return good;
}
