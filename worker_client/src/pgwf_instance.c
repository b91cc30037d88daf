/*
 * pgwf_instance.c
 *		One workflow run in memory: its life, its activations, and what each
 *		workflow task comes to.
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

static void
free_stashed(PgwfStashedResult *stashed)
{
	json_decref(stashed->result.result);
	pgwf_failure_free(stashed->result.failure);
	free(stashed);
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
		free_stashed(stashed);
	}
	json_decref(wf->messages);
	json_decref(wf->queries);
	json_decref(wf->query_results);
	pgwf_seen_free(&wf->local_markers);
	pgwf_seen_free(&wf->side_effects);
	pgwf_seen_free(&wf->mutable_effects);
	pgwf_idmap_free(&wf->machines);
	free(wf->local_cancels);
	free(wf->sdk_name);
	free(wf->sdk_version);
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
continue_reasons(const json_t *list)
{
	static const char *const reasons[] = {
		"HISTORY_SIZE_TOO_LARGE", "TOO_MANY_HISTORY_EVENTS",
		"TOO_MANY_UPDATES"
	};
	const json_t *reason;
	unsigned	bits = 0;
	size_t		i;
	size_t		j;

	json_array_foreach(list, i, reason)
	{
		const char *name = json_string_value(reason);

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
	const json_t *a = started->attributes;

	if (started->time_us > wf->now_us)
		wf->now_us = started->time_us;
	wf->info.history_length = started->id;
	wf->info.history_size_bytes = pgwf_json_int(a, "historySizeBytes");
	wf->info.continue_as_new_suggested =
		json_is_true(json_object_get(a, "suggestContinueAsNew"));
	wf->info.continue_as_new_reasons =
		continue_reasons(json_object_get(a, "suggestContinueAsNewReasons"));
	wf->info.target_version_changed =
		json_is_true(json_object_get(a,
									 "targetWorkerDeploymentVersionChanged"));
}

/*
 * Which worker's code answers the task of an activation: the one that
 * history names (NULL: none yet), else the one that runs.
 */
static void
note_worker(PgwfWorkflow *wf, const PgwfEvent *completed)
{
	const json_t *a = completed != NULL ? completed->attributes : NULL;
	const char *deployment = wf->own_deployment;
	const char *build_id = wf->own_build_id;

	if (completed != NULL)
	{
		deployment = pgwf_json_str2(a, "deploymentVersion", "deploymentName");
		build_id = pgwf_json_str2(a, "deploymentVersion", "buildId");
		if (build_id == NULL)
			build_id = pgwf_json_str2(a, "workerVersion", "buildId");
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
static void
run_code(PgwfWorkflow *wf)
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
	if (wf->error == PGWF_ERROR_NONE &&
		events[end].type == PGWF_EVENT_TASK_STARTED)
		run_code(wf);
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
read_events(PgwfWorkflow *wf, json_t *array)
{
	size_t		i;
	json_t	   *json;
	int64_t		expected = wf->last_event_id + 1;

	wf->events = pgwf_xalloc(json_array_size(array) * sizeof(PgwfEvent));
	json_array_foreach(array, i, json)
	{
		PgwfEvent  *event = &wf->events[wf->n_events];
		char	   *error = NULL;

		if (!pgwf_event_parse(json, event, &error))
		{
			pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED,
							 pgwf_json_int(json, "eventId"), "%s", error);
			free(error);
			return;
		}
		if (event->id <= wf->last_event_id)
		{
			json_decref(event->json);
			continue;
		}
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
pgwf_instance_events(PgwfWorkflow *wf, json_t *array, bool offline)
{
	int			start = 0;

	read_events(wf, array);
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

/* ---- outcomes ---- */

void
pgwf_task_outcome_clear(PgwfTaskOutcome *out)
{
	json_decref(out->commands);
	json_decref(out->sdk_metadata);
	json_decref(out->metering_metadata);
	json_decref(out->messages);
	json_decref(out->query_results);
	json_decref(out->failure);
	free(out->message);
	free(out->local_requests);
	free(out->local_cancels);
	memset(out, 0, sizeof(*out));
}

/* What history does not know yet about the library that answers. */
static json_t *
sdk_metadata(PgwfWorkflow *wf)
{
	json_t	   *meta = json_object();
	json_t	   *flags = json_array();
	int			flag;

	/* these two are always in use */
	wf->flag_used[PGWF_FLAG_ID_CHECKS] = true;
	wf->flag_used[PGWF_FLAG_TERMINAL_LAST] = true;
	for (flag = 1; flag <= PGWF_FLAG_MAX; flag++)
	{
		if (wf->flag_used[flag] && !wf->flag[flag])
			json_array_append_new(flags, json_integer(flag));
	}
	if (json_array_size(flags) > 0)
		pgwf_json_put(meta, "coreUsedFlags", flags);
	else
		json_decref(flags);
	if (wf->sdk_name == NULL || strcmp(wf->sdk_name, PGWF_SDK_NAME) != 0)
		pgwf_json_put_str(meta, "sdkName", PGWF_SDK_NAME);
	if (wf->sdk_version == NULL ||
		strcmp(wf->sdk_version, PGWF_VERSION) != 0)
		pgwf_json_put_str(meta, "sdkVersion", PGWF_VERSION);
	if (json_object_size(meta) > 0)
		return meta;
	json_decref(meta);
	return NULL;
}

/* The part of an outcome that answers the task. */
static void
answer(PgwfWorkflow *wf, PgwfTaskOutcome *out)
{
	out->commands = pgwf_commands_send(wf);
	out->messages = wf->messages;
	wf->messages = NULL;
	out->query_results = wf->query_results;
	wf->query_results = NULL;
	json_decref(wf->queries);
	wf->queries = NULL;
	out->may_discard = (wf->virtual_id != 0 && wf->quiet);
	out->sdk_metadata = sdk_metadata(wf);
	if (wf->extra_attempts > 0)
		out->metering_metadata =
			json_pack("{s:I}", "nonfirstLocalActivityExecutionAttempts",
					  (json_int_t) wf->extra_attempts);
	wf->extra_attempts = 0;
	out->finished = wf->finished;
}

static void
report_error(PgwfWorkflow *wf, PgwfTaskOutcome *out)
{
	bool		nondeterminism = (wf->error == PGWF_ERROR_NONDETERMINISM);
	json_t	   *info = json_object();

	out->message = pgwf_xstrdup(wf->error_message);
	out->event_id = wf->error_event_id;
	if (wf->error == PGWF_ERROR_STALE)
	{
		json_decref(info);
		out->status = PGWF_TASK_STALE;
		return;
	}
	out->status = PGWF_TASK_FAILED;
	out->cause = nondeterminism ?
		"WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR" :
		"WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE";
	out->failure = json_object();
	pgwf_json_put_str(out->failure, "message", wf->error_message);
	pgwf_json_put_str(out->failure, "source", PGWF_SDK_NAME);
	pgwf_json_put_str(info, "type", nondeterminism ?
					  "NonDeterminismError" : "WorkflowTaskError");
	if (wf->error_details != NULL)
		pgwf_json_put(info, "details", json_pack("[O]", wf->error_details));
	pgwf_json_put(out->failure, "applicationFailureInfo", info);
}

/* Is the error one that is to fail the workflow rather than its task? */
static bool
fails_workflow(const PgwfWorkflow *wf)
{
	return (wf->error == PGWF_ERROR_NONDETERMINISM &&
			(wf->fail_on & PGWF_FAIL_ON_NONDETERMINISM) != 0) ||
		(wf->error == PGWF_ERROR_PANIC &&
		 (wf->fail_on & PGWF_FAIL_ON_PANIC) != 0);
}

/* Turns a failed task into the end of the workflow. */
static void
fail_workflow(PgwfTaskOutcome *out)
{
	out->status = PGWF_TASK_COMPLETED;
	out->commands = json_pack("[{s:s, s:{s:o}}]", "commandType",
							  "FailWorkflowExecution", "attributes",
							  "failure", out->failure);
	out->failure = NULL;
	out->cause = NULL;
	out->finished = true;
}

/*
 * Answers the queries that came with the task, from where the code is now.
 */
static void
answer_queries(PgwfWorkflow *wf)
{
	const char *id;
	json_t	   *query;

	json_decref(wf->query_results);
	wf->query_results = NULL;
	json_object_foreach(wf->queries, id, query)
	{
		if (wf->query_results == NULL)
			wf->query_results = json_object();
		pgwf_json_put(wf->query_results, id, pgwf_query_answer(wf, query));
	}
}

/* Fills an outcome from where the instance has come to. */
static void
conclude(PgwfWorkflow *wf, PgwfTaskOutcome *out)
{
	memset(out, 0, sizeof(*out));
	if (wf->error != PGWF_ERROR_NONE)
	{
		report_error(wf, out);
		if (fails_workflow(wf))
			fail_workflow(out);
		return;
	}
	pgwf_local_requests(wf, out);
	out->local_cancels = wf->local_cancels;
	out->n_local_cancels = wf->n_local_cancels;
	wf->local_cancels = NULL;
	wf->n_local_cancels = 0;
	answer_queries(wf);
	if (out->n_local_running > 0)
	{
		/* the answers may go with a heartbeat, or be made anew */
		out->status = PGWF_TASK_LOCAL;
		return;
	}
	out->status = PGWF_TASK_COMPLETED;
	answer(wf, out);
}

/* Gives one attempt's end to the code. */
static void
deliver(PgwfWorkflow *wf, const PgwfLocalResult *result)
{
	if (wf->error == PGWF_ERROR_NONE && !wf->finished &&
		pgwf_local_deliver(wf, result))
		run_code(wf);
}

void
pgwf_instance_process(PgwfInstance *wf, const json_t *task,
					  PgwfTaskOutcome *out)
{
	json_t	   *history = json_object_get(json_object_get(task, "history"),
										  "events");
	json_t	   *transient = json_object_get(task, "transientEvents");
	json_t	   *events = json_array();

	if (json_is_array(history))
		json_array_extend(events, history);
	if (json_is_array(transient))
		json_array_extend(events, transient);
	wf->heartbeat = false;
	wf->virtual_id = pgwf_json_int(json_array_get(transient, 0), "eventId");
	pgwf_updates_take(wf, json_object_get(task, "messages"));
	json_decref(wf->queries);
	wf->queries = json_incref(json_object_get(task, "queries"));
	pgwf_instance_events(wf, events, false);
	json_decref(events);
	while (wf->stashed != NULL)
	{
		PgwfStashedResult *stashed = wf->stashed;

		wf->stashed = stashed->next;
		deliver(wf, &stashed->result);
		free_stashed(stashed);
	}
	conclude(wf, out);
}

/*
 * The history that a query sees: up to the commands of the last task that was
 * answered.  What came later no code has seen.
 */
static json_t *
answered_part(const json_t *events)
{
	json_t	   *part = json_array();
	size_t		n = json_array_size(events);
	size_t		i;

	for (; n > 0; n--)
	{
		const char *type = pgwf_json_str(json_array_get(events, n - 1),
										 "eventType");

		if (type != NULL &&
			pgwf_event_type_of(type) == PGWF_EVENT_TASK_COMPLETED)
			break;
	}
	for (i = 0; i < json_array_size(events); i++)
	{
		const char *type = pgwf_json_str(json_array_get(events, i),
										 "eventType");
		PgwfEventType t = type != NULL ? pgwf_event_type_of(type) :
		PGWF_EVENT_NONE;

		if (i >= n && (pgwf_event_infos[t].flags & PGWF_EVENT_COMMAND) == 0)
			break;
		json_array_append(part, json_array_get(events, i));
	}
	return part;
}

json_t *
pgwf_instance_query(PgwfInstance *wf, json_t *task)
{
	if (wf->last_event_id == 0)
	{
		json_t	   *events;

		events = answered_part(json_object_get(json_object_get(task,
															   "history"),
											   "events"));
		pgwf_instance_events(wf, events, true);
		json_decref(events);
	}
	if (wf->activation == 0 && wf->error == PGWF_ERROR_NONE)
		return pgwf_query_failed("no workflow task of the workflow has "
								 "completed yet", NULL);
	return pgwf_query_answer(wf, json_object_get(task, "query"));
}

void
pgwf_instance_local_result(PgwfInstance *wf, const PgwfLocalResult *result,
						   PgwfTaskOutcome *out)
{
	PgwfStashedResult **link = &wf->stashed;
	PgwfStashedResult *stashed;

	if (!wf->heartbeat)
	{
		deliver(wf, result);
		conclude(wf, out);
		return;
	}
	/* no task is open that it could be recorded with: keep it */
	stashed = pgwf_xalloc(sizeof(PgwfStashedResult));
	stashed->result = *result;
	stashed->result.result = json_incref(result->result);
	if (result->failure != NULL)
		stashed->result.failure =
			pgwf_failure_from_json(pgwf_failure_json(result->failure));
	while (*link != NULL)
		link = &(*link)->next;
	*link = stashed;
	memset(out, 0, sizeof(*out));
	out->status = PGWF_TASK_LOCAL;
	out->n_local_running = pgwf_instance_local_running(wf);
}

void
pgwf_instance_heartbeat(PgwfInstance *wf, PgwfTaskOutcome *out)
{
	memset(out, 0, sizeof(*out));
	out->status = PGWF_TASK_LOCAL;
	out->n_local_running = pgwf_instance_local_running(wf);
	answer(wf, out);
	wf->heartbeat = true;
}

/*
 * Asking costs the service nothing if it does not want to, so the activity
 * need only be of a kind and a queue that are this worker's.
 */
int
pgwf_instance_ask_eager(const PgwfInstance *wf, json_t *commands,
						int max)
{
	json_t	   *command;
	size_t		i;
	int			n = 0;

	json_array_foreach(commands, i, command)
	{
		json_t	   *attributes = json_object_get(command, "attributes");
		const char *type = pgwf_json_str(command, "commandType");
		const char *activity = pgwf_json_str2(attributes, "activityType",
											  "name");
		const char *queue = pgwf_json_str2(attributes, "taskQueue", "name");
		void	   *arg;

		if (n == max)
			break;
		if (type == NULL || strcmp(type, "ScheduleActivityTask") != 0 ||
			activity == NULL ||
			pgwf_registry_find_activity(wf->registry, activity, &arg) == NULL ||
			(queue != NULL && strcmp(queue, wf->info.task_queue) != 0))
			continue;
		json_object_set_new(attributes, "requestEagerExecution", json_true());
		n++;
	}
	return n;
}
