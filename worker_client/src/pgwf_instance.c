/*
 * pgwf_instance.c
 *		One workflow run in memory: its life and its activations.
 *
 * See pgwf_instance.h for how it is driven.  No locks: one thread at a time.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

/* ---- errors ---- */

/* Notes what the task fails with; only the first counts. */
void
pgwf_engine_fail(PgwfWorkflow *wf, PgwfErrorKind kind, int64_t event_id,
				 const char *fmt,...)
{
	va_list		args;

	if (wf->read_only != NULL)
	{
		/* it is only the call that fails */
		if (wf->read_only->error != NULL)
			return;
		va_start(args, fmt);
		wf->read_only->error = pgwf_xvprintf(fmt, args);
		va_end(args);
		return;
	}
	if (wf->error != PGWF_ERROR_NONE)
		return;
	wf->error = kind;
	wf->error_event_id = event_id;
	va_start(args, fmt);
	wf->error_message = pgwf_xvprintf(fmt, args);
	va_end(args);
}

/*
 * History has a command event that the command at the front (NULL: none) is
 * not to become.
 */
void
pgwf_engine_disagree(PgwfWorkflow *wf, const PgwfEvent *event,
					 const PgwfCommand *command)
{
	char	   *has = pgwf_describe_event(event);
	char	   *asked = command != NULL ? pgwf_describe_command(command) :
	pgwf_xstrdup("nothing more");

	pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, event->id,
					 "event %lld is %s, but the workflow code asked for %s",
					 (long long) event->id, has, asked);
	if (wf->error_details == NULL)
	{
		wf->error_details = json_object();
		pgwf_json_put_int(wf->error_details, "eventId", event->id);
		pgwf_json_put_str(wf->error_details, "history", has);
		pgwf_json_put_str(wf->error_details, "code", asked);
	}
	free(has);
	free(asked);
}

/* ---- life ---- */

PgwfInstance *
pgwf_instance_create(PgwfRegistry *registry, const char *workflow_id,
					 const char *run_id, const char *task_queue)
{
	PgwfWorkflow *wf = pgwf_xalloc(sizeof(PgwfWorkflow));

	wf->registry = registry;
	wf->info.workflow_id = workflow_id != NULL ?
		pgwf_arena_strdup(wf, workflow_id) : NULL;
	wf->info.run_id = run_id != NULL ? pgwf_arena_strdup(wf, run_id) : NULL;
	wf->info.task_queue = task_queue != NULL ?
		pgwf_arena_strdup(wf, task_queue) : NULL;
	wf->root = pgwf_scope_create(wf, NULL, false);
	wf->replaying = true;
	return wf;
}

/* One string of the workflow's as long as it stays the same. */
static void
note_text(PgwfWorkflow *wf, const char **text, const char *now)
{
	if (now == NULL)
		*text = NULL;
	else if (*text == NULL || strcmp(*text, now) != 0)
		*text = pgwf_arena_strdup(wf, now);
}

void
pgwf_instance_set_worker(PgwfInstance *wf, const char *workflow_namespace,
						 const char *deployment_name, const char *build_id)
{
	note_text(wf, &wf->info.workflow_namespace, workflow_namespace);
	note_text(wf, &wf->own_deployment, deployment_name);
	note_text(wf, &wf->own_build_id, build_id);
}

static void
free_events(PgwfWorkflow *wf)
{
	int			i;

	for (i = 0; i < wf->n_events; i++)
		json_decref(wf->events[i].json);
	free(wf->events);
	wf->events = NULL;
	wf->n_events = 0;
}

void
pgwf_instance_destroy(PgwfInstance *wf)
{
	if (wf == NULL)
		return;
	pgwf_sched_destroy(wf);
	free_events(wf);
	while (wf->first_command != NULL)
	{
		PgwfCommand *command = wf->first_command;

		wf->first_command = command->next;
		pgwf_command_free(command);
	}
	pgwf_command_free(wf->terminal);
	json_decref(wf->next_run);
	while (wf->stashed != NULL)
	{
		PgwfStashedResult *stashed = wf->stashed;

		wf->stashed = stashed->next;
		pgwf_local_result_clear(&stashed->result);
		free(stashed);
	}
	json_decref(wf->messages);
	json_decref(wf->queries);
	json_decref(wf->query_results);
	pgwf_seen_free(&wf->local_markers);
	pgwf_seen_free(&wf->side_effects);
	pgwf_seen_free(&wf->mutable_effects);
	pgwf_idmap_free(&wf->machines);
	free(wf->local_cancels);
	free(wf->error_message);
	json_decref(wf->error_details);
	pgwf_memory_free(&wf->memory);
	free(wf);
}

int64_t
pgwf_instance_last_event_id(const PgwfInstance *wf)
{
	return wf->last_event_id;
}

int64_t
pgwf_instance_last_started_id(const PgwfInstance *wf)
{
	return wf->last_started_id;
}

int64_t
pgwf_instance_code_began(const PgwfInstance *wf)
{
	return __atomic_load_n(&wf->code_began_ms, __ATOMIC_RELAXED);
}

int
pgwf_instance_local_running(const PgwfInstance *wf)
{
	PgwfMachine *machine;
	int			n = 0;

	for (machine = wf->locals; machine; machine = machine->local->next)
		n++;
	return n;
}

/* ---- activations ---- */

/* Why the service suggests to continue as new, as bits. */
static unsigned
continue_reasons(const PgwfNode *list)
{
	static const char *const reasons[] = {
		"HISTORY_SIZE_TOO_LARGE", "TOO_MANY_HISTORY_EVENTS",
		"TOO_MANY_UPDATES"
	};
	const PgwfNode *reason;
	unsigned	bits = 0;
	size_t		j;

	pgwf_node_foreach(list, reason)
	{
		const char *name = pgwf_node_text(reason);

		for (j = 0; name != NULL && j < 3; j++)
		{
			if (strcmp(pgwf_short_enum(name,
									   "SUGGEST_CONTINUE_AS_NEW_REASON_"),
					   reasons[j]) == 0)
				bits |= 1u << j;
		}
	}
	return bits;
}

/* Takes over what the WorkflowTaskStarted of an activation tells. */
static void
note_started(PgwfWorkflow *wf, const PgwfEvent *started)
{
	const PgwfNode *a = started->attributes;

	if (started->time_us > wf->now_us)
		wf->now_us = started->time_us;
	wf->info.history_length = started->id;
	wf->info.history_size_bytes = pgwf_node_int(a, "historySizeBytes");
	wf->info.continue_as_new_suggested =
		pgwf_node_true(a, "suggestContinueAsNew");
	wf->info.continue_as_new_reasons =
		continue_reasons(pgwf_node_get(a, "suggestContinueAsNewReasons"));
	wf->info.target_version_changed =
		pgwf_node_true(a, "targetWorkerDeploymentVersionChanged");
}

/*
 * Which worker's code answers the task of an activation: the one that
 * history names (NULL: none yet), else the one that runs.
 */
static void
note_worker(PgwfWorkflow *wf, const PgwfEvent *completed)
{
	const PgwfNode *a = completed != NULL ? completed->attributes : NULL;
	const PgwfNode *version;
	const char *deployment = wf->own_deployment;
	const char *build_id = wf->own_build_id;

	if (completed != NULL)
	{
		version = pgwf_node_get(a, "deploymentVersion");
		deployment = pgwf_node_str(version, "deploymentName");
		build_id = pgwf_node_str(version, "buildId");
		if (build_id == NULL)
			build_id = pgwf_node_str2(a, "workerVersion", "buildId");
	}
	note_text(wf, &wf->info.deployment_name, deployment);
	note_text(wf, &wf->info.build_id, build_id);
}

/* Notes for other threads that user code has the thread from now on. */
void
pgwf_instance_code_begins(PgwfWorkflow *wf)
{
	__atomic_store_n(&wf->code_began_ms, pgwf_clock_ms(), __ATOMIC_RELAXED);
}

/*
 * Runs the code, and gives it the local activities' outcomes that history
 * recorded for this task.
 */
void
pgwf_instance_run_code(PgwfWorkflow *wf)
{
	pgwf_instance_code_begins(wf);
	if (!wf->main_started && wf->fn != NULL)
	{
		wf->main_started = true;
		pgwf_coroutine_create(wf, NULL, NULL, wf->root)->name = "main";
	}
	do
	{
		if (!wf->finished)
			pgwf_run_coroutines(wf);
	} while (wf->error == PGWF_ERROR_NONE && wf->terminal == NULL &&
			 !wf->finished && pgwf_local_replay_next(wf));
	if (wf->error != PGWF_ERROR_NONE)
		return;
	pgwf_updates_reject_waiting(wf);
	if (wf->terminal != NULL)
		pgwf_updates_warn_unfinished(wf);
	pgwf_commands_settle(wf);
	if (wf->finished)
		pgwf_local_stop_all(wf);
}

/* Begins the activation of the task whose sequence is start..end. */
static void
begin_activation(PgwfWorkflow *wf, int start, int end)
{
	PgwfEvent  *events = wf->events;
	int			n = wf->n_events;

	wf->activation++;
	wf->accepted = false;
	wf->replaying = (end + 1 < n);
	note_started(wf, &events[pgwf_sequence_task(events, n, start, end)]);
	note_worker(wf, end + 1 < n &&
				events[end + 1].type == PGWF_EVENT_TASK_COMPLETED ?
				&events[end + 1] : NULL);
	pgwf_markers_look_ahead(wf, events, n, end);
	if (!wf->replaying)
	{
		/* none was seen ahead */
		wf->requests = wf->arrived;
		memset(&wf->arrived, 0, sizeof(wf->arrived));
	}
	if (wf->init != NULL && wf->error == PGWF_ERROR_NONE)
	{
		pgwf_instance_code_begins(wf);
		pgwf_run_init(wf);
	}
}

/*
 * Applies one sequence of events: gives command events to their commands,
 * then applies what else happened as the jobs of one activation.
 */
static void
apply_sequence(PgwfWorkflow *wf, int start, int end)
{
	PgwfEvent  *events = wf->events;
	int			n = wf->n_events;
	int			job;
	int			i;

	/* behaviour switches count from the completion that ends the sequence */
	if (end + 1 < n && events[end + 1].type == PGWF_EVENT_TASK_COMPLETED)
		pgwf_apply_task_completed(wf, &events[end + 1]);
	for (i = start; i <= end && wf->error == PGWF_ERROR_NONE; i++)
	{
		const PgwfEventInfo *info = &pgwf_event_infos[events[i].type];

		if (info->flags & PGWF_EVENT_COMMAND)
			pgwf_command_event(wf, &events[i]);
		else if (info->job == PGWF_JOB_AT_ONCE)
			info->apply(wf, &events[i]);
		if (info->flags & PGWF_EVENT_CLOSE)
			wf->closed = true;
	}
	wf->quiet = true;
	pgwf_scopes_begin_jobs(wf);
	for (job = PGWF_JOB_INIT; job < PGWF_JOB_CLASSES; job++)
	{
		for (i = start; i <= end && wf->error == PGWF_ERROR_NONE; i++)
		{
			const PgwfEventInfo *info = &pgwf_event_infos[events[i].type];

			if ((int) info->job != job)
				continue;
			wf->quiet = false;
			if (job == PGWF_JOB_SIGNAL)
				pgwf_updates_dispatch(wf, events[i].id);
			info->apply(wf, &events[i]);
		}
		if (job == PGWF_JOB_SIGNAL)
			pgwf_updates_dispatch(wf, INT64_MAX);
		if (job == PGWF_JOB_INIT && wf->error == PGWF_ERROR_NONE &&
			events[end].type == PGWF_EVENT_TASK_STARTED)
			begin_activation(wf, start, end);
	}
	pgwf_scopes_end_jobs(wf);
	if (wf->error == PGWF_ERROR_NONE &&
		events[end].type == PGWF_EVENT_TASK_STARTED)
		pgwf_instance_run_code(wf);
}

/*
 * Is what was applied last still what these events would make of it?  An
 * instance that took a task for the end of history can learn later that the
 * task counted for nothing, and then other events join its activation.
 */
static bool
still_holds(PgwfWorkflow *wf)
{
	PgwfEventType next = wf->n_events > 0 ? wf->events[0].type :
	PGWF_EVENT_NONE;

	if (wf->last_started_id == 0)
		return true;
	return next != PGWF_EVENT_TASK_FAILED && next != PGWF_EVENT_TASK_TIMED_OUT;
}

/*
 * Do the events from this index on begin with no more than the next task,
 * after one that was answered without a command?  Then the activation goes
 * on: *end is where.
 */
static bool
goes_on(const PgwfWorkflow *wf, int start, int *end)
{
	const PgwfEvent *e = &wf->events[start];

	*end = start + 1;
	/* behind a task that was forgotten, the answer is known already */
	if (!wf->rolled_back)
	{
		if (e->type != PGWF_EVENT_TASK_COMPLETED)
			return false;
		e++;
		(*end)++;
	}
	return wf->last_started_id != 0 && !wf->had_command &&
		!wf->carried_command && *end < wf->n_events &&
		e[0].type == PGWF_EVENT_TASK_SCHEDULED &&
		e[1].type == PGWF_EVENT_TASK_STARTED;
}

/*
 * Takes the next task into an activation that goes on.  The task may bring
 * updates.  If one is accepted, that is an activation of its own; history will
 * show it.  If all are rejected there was none: what the code is told of the
 * current task stays as it was.
 */
static void
go_on(PgwfWorkflow *wf, int start, int end)
{
	int64_t		now_us = wf->now_us;
	int64_t		activation = wf->activation;
	PgwfWorkflowInfo info = wf->info;

	if (pgwf_updates_arrived(wf) == 0)
	{
		if (!wf->rolled_back)
			pgwf_apply_task_completed(wf, &wf->events[start]);
		return;
	}
	apply_sequence(wf, start, end);
	if (wf->accepted || wf->error != PGWF_ERROR_NONE)
		return;
	wf->now_us = now_us;
	wf->activation = activation;
	wf->info = info;
}

/* Reads the events that are new into wf->events. */
static void
read_events(PgwfWorkflow *wf, const PgwfNode *const *events, size_t n_events)
{
	size_t		i;
	int64_t		expected = wf->last_event_id + 1;

	wf->events = pgwf_xalloc(n_events * sizeof(PgwfEvent));
	for (i = 0; i < n_events; i++)
	{
		PgwfEvent  *event = &wf->events[wf->n_events];
		char	   *error = NULL;

		if (!pgwf_event_read(events[i], event, &error))
		{
			pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED,
							 pgwf_node_int(events[i], "eventId"), "%s",
							 error);
			free(error);
			return;
		}
		if (event->id <= wf->last_event_id)
			continue;
		wf->n_events++;
		if (event->id == expected)
		{
			expected++;
			continue;
		}
		if (wf->n_events == 1)
			pgwf_engine_fail(wf, PGWF_ERROR_STALE, event->id,
							 "the task's history begins with event %lld, "
							 "but event %lld is needed",
							 (long long) event->id, (long long) expected);
		else
			pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, event->id,
							 "history has event %lld where event %lld is "
							 "due", (long long) event->id,
							 (long long) expected);
		return;
	}
}

/*
 * Applies all events that are new.  "offline": nothing is live, and history
 * may end anywhere.
 */
void
pgwf_instance_events(PgwfWorkflow *wf, const PgwfNode *const *events,
					 size_t n_events, bool offline)
{
	int			start = 0;

	read_events(wf, events, n_events);
	if (wf->error == PGWF_ERROR_NONE && !still_holds(wf))
		pgwf_engine_fail(wf, PGWF_ERROR_STALE, wf->events[0].id,
						 "event %lld says that the last workflow task led "
						 "to nothing", (long long) wf->events[0].id);

	while (wf->error == PGWF_ERROR_NONE && start < wf->n_events)
	{
		bool		has_command = wf->carried_command;
		bool		same_activation;
		int			end;

		if (wf->closed)
		{
			pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, wf->events[start].id,
							 "event %lld comes after the end of the run",
							 (long long) wf->events[start].id);
			break;
		}
		same_activation = goes_on(wf, start, &end);
		if (same_activation && end + 1 < wf->n_events)
		{
			if (start == 0)
			{
				pgwf_engine_fail(wf, PGWF_ERROR_STALE, wf->events[0].id,
								 "more than one workflow task was missed");
				break;
			}
			same_activation = false;
		}
		if (!same_activation)
			end = pgwf_sequence_end(wf->events, wf->n_events, start,
									pgwf_updates_arrived(wf), &has_command);
		if (end < 0)
		{
			if (!offline)
			{
				pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, 0,
								 "the task's history ends with event %lld, "
								 "which is no WorkflowTaskStarted",
								 (long long) wf->events[wf->n_events - 1].id);
				break;
			}
			end = wf->n_events - 1;
		}
		if (same_activation)
			go_on(wf, start, end);
		else
			apply_sequence(wf, start, end);
		wf->last_started_id = wf->events[end].id;
		wf->had_command_before = wf->had_command;
		wf->had_command = has_command;
		wf->carried_command = false;
		wf->rolled_back = false;
		start = end + 1;
	}
	if (wf->n_events > 0)
		wf->last_event_id = wf->events[wf->n_events - 1].id;
	free_events(wf);
}

/*
 * Forgets the task that was answered last: its two events, which history does
 * not have.  Those before it stay; they had nothing for the code to do.
 */
bool
pgwf_instance_roll_back(PgwfInstance *wf, int64_t started_event_id)
{
	if (wf->virtual_id == 0 || !wf->quiet || wf->error != PGWF_ERROR_NONE ||
		started_event_id <= 0)
		return false;
	wf->last_event_id = wf->virtual_id - 1;
	wf->last_started_id = started_event_id;
	wf->carried_command = wf->had_command;
	wf->had_command = wf->had_command_before;
	wf->rolled_back = true;
	wf->virtual_id = 0;
	return true;
}
