/*
 * sim.c
 *		A service small enough for a unit test: its history and its workflow
 *		tasks.  See sim.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "tap.h"

/* ---- writing history ---- */

/* Appends an event; takes the attributes over.  Returns its id. */
int64_t
sim_append(Sim *sim, const char *type, json_t *attributes)
{
	int64_t		id = (int64_t) json_array_size(sim->events) + 1;
	json_t	   *event = json_object();

	sim->now_us += 100003;
	pgwf_json_put_int(event, "eventId", id);
	pgwf_json_put(event, "eventTime", pgwf_json_time(sim->now_us));
	pgwf_json_put_str(event, "eventType", type);
	pgwf_json_put(event, "attributes", attributes);
	json_array_append_new(sim->events, event);
	return id;
}

json_t *
sim_event_at(const Sim *sim, int64_t id)
{
	return json_array_get(sim->events, (size_t) id - 1);
}

/* Writes an event now, or behind the open task; it wants a new task. */
void
sim_happen(Sim *sim, const char *type, json_t *attributes)
{
	if (sim->task_started != 0)
	{
		json_array_append_new(sim->buffered,
							  json_pack("{s:s, s:o}", "type", type,
										"attributes", attributes));
		return;
	}
	sim_append(sim, type, attributes);
	sim->task_wanted = true;
	sim->updates_only = false;
}

Sim *
sim_new(PgwfRegistry *registry, const char *type, const char *input)
{
	Sim		   *sim = pgwf_xalloc(sizeof(Sim));

	sim->registry = registry;
	sim->events = json_array();
	sim->buffered = json_array();
	sim->activities = json_object();
	sim->timers = json_object();
	sim->children = json_object();
	sim->externals = json_array();
	sim->updates = json_object();
	sim->answers = json_array();
	sim->now_us = INT64_C(1767225600000000);
	sim_append(sim, "WorkflowExecutionStarted",
			   json_pack("{s:{s:s}, s:{s:s}, s:o, s:s, s:s, s:s, s:i}",
						 "workflowType", "name", type,
						 "taskQueue", "name", "q",
						 "input", json_loads(input, 0, NULL),
						 "originalExecutionRunId", SIM_RUN_ID,
						 "firstExecutionRunId", SIM_RUN_ID,
						 "workflowTaskTimeout", "10s", "attempt", 1));
	sim->task_wanted = true;
	return sim;
}

static void
free_running(SimRunning *running)
{
	json_decref(running->input);
	free(running->type);
	free(running);
}

void
sim_evict(Sim *sim)
{
	pgwf_instance_destroy(sim->instance);
	sim->instance = NULL;
	while (sim->running != NULL)
	{
		SimRunning *running = sim->running;

		sim->running = running->next;
		free_running(running);
	}
}

void
sim_free(Sim *sim)
{
	sim_evict(sim);
	pgwf_task_outcome_clear(&sim->out);
	json_decref(sim->events);
	json_decref(sim->buffered);
	json_decref(sim->activities);
	json_decref(sim->timers);
	json_decref(sim->children);
	json_decref(sim->externals);
	json_decref(sim->updates);
	json_decref(sim->queries);
	json_decref(sim->answers);
	free(sim);
}

/* ---- updates and queries ---- */

void
sim_update(Sim *sim, const char *id, const char *name, const char *args)
{
	pgwf_json_put(sim->updates, id,
				  json_pack("{s:s, s:{s:{s:s, s:s}, s:{s:s, s:o}}}",
							"state", "admitted", "request",
							"meta", "updateId", id, "identity", "client",
							"input", "name", name, "args",
							json_loads(args, 0, NULL)));
	if (!sim->task_wanted && sim->task_started == 0)
		sim->updates_only = true;
	sim->task_wanted = true;
}

static json_t *
update_of(Sim *sim, const char *id)
{
	return json_object_get(sim->updates, id);
}

const char *
sim_update_state(Sim *sim, const char *id)
{
	return pgwf_json_str(update_of(sim, id), "state");
}

json_t *
sim_update_outcome(Sim *sim, const char *id)
{
	return json_object_get(update_of(sim, id), "outcome");
}

/* The requests that go with the open task: array, or NULL for none. */
static json_t *
update_messages(Sim *sim)
{
	json_t	   *messages = NULL;
	const char *id;
	json_t	   *update;

	json_object_foreach(sim->updates, id, update)
	{
		char	   *message_id;

		if (strcmp(pgwf_json_str(update, "state"), "admitted") != 0)
			continue;
		message_id = pgwf_xprintf("%s/request", id);
		if (messages == NULL)
			messages = json_array();
		json_array_append_new(messages,
							  json_pack("{s:s, s:s, s:I, s:O}",
										"id", message_id,
										"protocolInstanceId", id,
										"eventId",
										(json_int_t) sim->task_started - 1,
										"body",
										json_object_get(update, "request")));
		free(message_id);
	}
	return messages;
}

static void
set_state(json_t *update, const char *from, const char *to)
{
	if (strcmp(pgwf_json_str(update, "state"), from) != 0)
		ok(false, "an update that is %s becomes %s",
		   pgwf_json_str(update, "state"), to);
	json_object_set_new(update, "state", json_string(to));
}

/* A message takes its place in history. */
static void
apply_message(Sim *sim, json_t *message)
{
	json_t	   *body = json_object_get(message, "body");
	const char *type = pgwf_json_str(body, "@type");
	const char *id = pgwf_json_str(message, "protocolInstanceId");
	json_t	   *update = update_of(sim, id);

	type = strrchr(type, '.') + 1;
	if (strcmp(type, "Acceptance") == 0)
	{
		int64_t		event;

		event = sim_append(sim, "WorkflowExecutionUpdateAccepted",
						   json_pack("{s:s, s:O, s:O, s:O}",
									 "protocolInstanceId", id,
									 "acceptedRequestMessageId",
									 json_object_get(body,
													 "acceptedRequestMessageId"),
									 "acceptedRequestSequencingEventId",
									 json_object_get(body,
													 "acceptedRequestSequencingEventId"),
									 "acceptedRequest",
									 json_object_get(update, "request")));
		pgwf_json_put_int(update, "acceptedEventId", event);
		set_state(update, "admitted", "accepted");
	}
	else if (strcmp(type, "Response") == 0)
	{
		sim_append(sim, "WorkflowExecutionUpdateCompleted",
				   json_pack("{s:O, s:O, s:O}",
							 "meta", json_object_get(body, "meta"),
							 "acceptedEventId",
							 json_object_get(update, "acceptedEventId"),
							 "outcome", json_object_get(body, "outcome")));
		json_object_set(update, "outcome", json_object_get(body, "outcome"));
		set_state(update, "accepted", "completed");
	}
	else
	{
		json_object_set(update, "outcome", body);
		set_state(update, "admitted", "rejected");
	}
}

static bool
only_rejections(const json_t *messages)
{
	size_t		i;
	json_t	   *message;

	json_array_foreach(messages, i, message)
	{
		const char *type = pgwf_json_str2(message, "body", "@type");

		if (strstr(type, "Rejection") == NULL)
			return false;
	}
	return json_array_size(messages) > 0;
}

static json_t *
query_json(const char *name, const char *args)
{
	return json_pack("{s:s, s:o}", "queryType", name, "queryArgs",
					 json_loads(args, 0, NULL));
}

/* A task in the form in which the worker has it. */
static PgwfTask *
read_task(const json_t *json)
{
	char	   *text = pgwf_json_text(json);
	PgwfTask   *task = pgwf_task_create(pgwf_node_parse(text));

	free(text);
	return task;
}

void
sim_process(PgwfInstance *instance, const json_t *json, PgwfTaskOutcome *out)
{
	PgwfTask   *task = read_task(json);

	pgwf_instance_process(instance, task, out);
	pgwf_task_free(task);
}

json_t *
sim_ask(PgwfInstance *instance, const json_t *json)
{
	PgwfTask   *task = read_task(json);
	json_t	   *answer = pgwf_instance_query(instance, task);

	pgwf_task_free(task);
	return answer;
}

json_t *
sim_query(Sim *sim, const char *name, const char *args)
{
	json_t	   *task = json_pack("{s:o}", "query", query_json(name, args));
	json_t	   *answer = sim_ask(sim->instance, task);

	json_decref(task);
	return answer;
}

json_t *
sim_query_uncached(Sim *sim, const char *name, const char *args)
{
	json_t	   *task = json_pack("{s:o, s:{s:O}}", "query",
								 query_json(name, args), "history", "events",
								 sim->events);
	PgwfInstance *instance = pgwf_instance_create(sim->registry, "w", SIM_RUN_ID,
												  "q");
	json_t	   *answer = sim_ask(instance, task);

	pgwf_instance_destroy(instance);
	json_decref(task);
	return answer;
}

void
sim_buffer_query(Sim *sim, const char *id, const char *name,
				 const char *args)
{
	if (sim->queries == NULL)
		sim->queries = json_object();
	pgwf_json_put(sim->queries, id, query_json(name, args));
}

/* ---- local activities ---- */

static SimLocalEnd
local_end(Sim *sim, const PgwfLocalRequest *request)
{
	SimLocalEnd end;

	if (sim->local != NULL)
		return sim->local(sim, request);
	memset(&end, 0, sizeof(end));
	end.result = json_incref(request->input);
	end.elapsed_ms = 7;
	return end;
}

static void
take_requests(Sim *sim)
{
	SimRunning **link = &sim->running;
	int			i;

	while (*link != NULL)
		link = &(*link)->next;
	for (i = 0; i < sim->out.n_local_requests; i++)
	{
		PgwfLocalRequest *request = &sim->out.local_requests[i];
		SimRunning *running = pgwf_xalloc(sizeof(SimRunning));

		running->seq = request->seq;
		running->attempt = request->attempt;
		running->type = pgwf_xstrdup(request->activity_type);
		running->input = json_incref(request->input);
		*link = running;
		link = &running->next;
	}
	for (i = 0; i < sim->out.n_local_cancels; i++)
	{
		for (link = &sim->running; *link != NULL; link = &(*link)->next)
		{
			if ((*link)->seq == sim->out.local_cancels[i])
			{
				SimRunning *running = *link;

				*link = running->next;
				free_running(running);
				break;
			}
		}
	}
}

/* Ends attempts until none is left or none wants to end. */
static void
run_locals(Sim *sim)
{
	SimRunning **link;

	take_requests(sim);
	link = &sim->running;
	while (sim->out.status == PGWF_TASK_LOCAL && *link != NULL)
	{
		SimRunning *running = *link;
		PgwfLocalRequest request;
		PgwfLocalResult result;
		SimLocalEnd end;

		memset(&request, 0, sizeof(request));
		request.seq = running->seq;
		request.attempt = running->attempt;
		request.activity_type = running->type;
		request.input = running->input;
		end = local_end(sim, &request);
		if (end.later)
		{
			link = &running->next;
			continue;
		}
		*link = running->next;
		memset(&result, 0, sizeof(result));
		result.seq = running->seq;
		result.attempt = running->attempt;
		result.result = end.result;
		result.failure = end.failure;
		result.elapsed_ms = end.elapsed_ms;
		free_running(running);
		pgwf_task_outcome_clear(&sim->out);
		pgwf_instance_local_result(sim->instance, &result, &sim->out);
		take_requests(sim);
		link = &sim->running;
	}
}

/* ---- workflow tasks ---- */

/* The poll response for the open task. */
static json_t *
make_task(Sim *sim, int64_t from)
{
	json_t	   *events = json_array();
	json_t	   *task;
	size_t		n = json_array_size(sim->events);
	size_t		i;

	/* the events of a speculative task are not in history */
	if (sim->speculative)
		n -= 2;
	for (i = (size_t) from - 1; i < n; i++)
		json_array_append(events, json_array_get(sim->events, i));
	task = json_pack("{s:I, s:I, s:{s:o}}",
					 "previousStartedEventId",
					 (json_int_t) sim->previous_started,
					 "startedEventId", (json_int_t) sim->task_started,
					 "history", "events", events);
	if (sim->speculative)
		pgwf_json_put(task, "transientEvents",
					  json_pack("[O, O]", json_array_get(sim->events, n),
								json_array_get(sim->events, n + 1)));
	pgwf_json_put(task, "messages", update_messages(sim));
	pgwf_json_put(task, "queries", json_incref(sim->queries));
	return task;
}

static void
start_task(Sim *sim)
{
	sim->task_wanted = false;
	sim->speculative = sim->updates_only;
	sim->updates_only = false;
	sim->task_scheduled = sim_append(sim, "WorkflowTaskScheduled",
									 json_pack("{s:s, s:i}",
											   "startToCloseTimeout", "10s",
											   "attempt", 1));
	sim->task_started = sim_append(sim, "WorkflowTaskStarted",
								   json_pack("{s:I}", "scheduledEventId",
											 (json_int_t) sim->task_scheduled));
}

static void
flush_buffered(Sim *sim)
{
	size_t		i;
	json_t	   *item;

	json_array_foreach(sim->buffered, i, item)
	{
		json_t	   *a = json_incref(json_object_get(item, "attributes"));

		if (pgwf_json_int(a, "startedEventId") == -1)
			pgwf_json_put_int(a, "startedEventId",
							  (int64_t) json_array_size(sim->events));
		sim_append(sim, pgwf_json_str(item, "type"), a);
		sim->task_wanted = true;
		sim->updates_only = false;
	}
	json_array_clear(sim->buffered);
}

void
sim_begin(Sim *sim)
{
	json_t	   *task;

	start_task(sim);
	pgwf_task_outcome_clear(&sim->out);
	if (sim->instance == NULL)
		sim->instance = pgwf_instance_create(sim->registry, "w", SIM_RUN_ID, "q");
	task = make_task(sim, pgwf_instance_last_event_id(sim->instance) + 1);
	sim_process(sim->instance, task, &sim->out);
	sim->processed++;
	json_decref(task);
	json_decref(sim->queries);
	sim->queries = NULL;
	sim->failed = false;
	run_locals(sim);
}

static json_t *
task_ids(Sim *sim)
{
	return json_pack("{s:I, s:I}", "scheduledEventId",
					 (json_int_t) sim->task_scheduled, "startedEventId",
					 (json_int_t) sim->task_started);
}

/*
 * The attributes of a command that are named otherwise in its event, and the
 * rules that the service has for them.
 */
static void
adapt(Sim *sim, PgwfEventType event, json_t *a, json_int_t completed)
{
	const char *id = pgwf_json_str(a, "workflowId");
	json_t	   *child = json_object_get(sim->children, id != NULL ? id : "");

	switch (event)
	{
		case PGWF_EVENT_SIGNAL_EXTERNAL_INITIATED:
			pgwf_json_put(a, "workflowExecution",
						  json_incref(json_object_get(a, "execution")));
			json_object_del(a, "execution");
			break;
		case PGWF_EVENT_CANCEL_EXTERNAL_INITIATED:
			if (child != NULL && pgwf_json_int(child, "initiated") > completed)
				ok(false, "child %s is not started and canceled at once", id);
			pgwf_json_put(a, "workflowExecution",
						  json_pack("{s:s}", "workflowId", id));
			json_object_del(a, "workflowId");
			break;
		case PGWF_EVENT_CONTINUED_AS_NEW:
			pgwf_json_put_str(a, "newExecutionRunId",
							  "8c1d1e15-2a1c-4a4c-9f9d-6a3a0f4c7d55");
			break;
		default:
			break;
	}
}

/* One command becomes its event. */
static void
obey(Sim *sim, json_t *command, json_int_t completed)
{
	const char *type = pgwf_json_str(command, "commandType");
	json_t	   *a = json_deep_copy(json_object_get(command, "attributes"));
	const PgwfCommandInfo *info = NULL;
	const char *key;
	json_t	   *value;
	int64_t		id;
	int			i;

	for (i = 0; i < PGWF_COMMAND_TYPES; i++)
	{
		if (strcmp(pgwf_command_infos[i].name, type) == 0)
			info = &pgwf_command_infos[i];
	}
	if (strcmp(type, "ProtocolMessage") == 0)
	{
		const char *message_id = pgwf_json_str(a, "messageId");
		json_t	   *message;
		size_t		at;

		json_array_foreach(sim->out.messages, at, message)
		{
			if (strcmp(pgwf_json_str(message, "id"), message_id) == 0)
				apply_message(sim, message);
		}
		json_decref(a);
		return;
	}
	pgwf_json_put_int(a, "workflowTaskCompletedEventId", completed);
	if (strcmp(type, "CancelTimer") == 0)
	{
		const char *timer = pgwf_json_str(a, "timerId");
		size_t		at;
		json_t	   *item;

		pgwf_json_put(a, "startedEventId",
					  json_incref(json_object_get(sim->timers, timer)));
		json_array_foreach(sim->buffered, at, item)
		{
			value = json_object_get(item, "attributes");
			if (pgwf_json_str(value, "timerId") != NULL &&
				strcmp(pgwf_json_str(value, "timerId"), timer) == 0)
			{
				json_array_remove(sim->buffered, at);
				break;
			}
		}
		json_object_del(sim->timers, timer);
	}
	adapt(sim, info->event, a, completed);
	id = sim_append(sim, pgwf_event_infos[info->event].name, a);
	if (info->event == PGWF_EVENT_START_CHILD_INITIATED)
		pgwf_json_put(sim->children, pgwf_json_str(a, "workflowId"),
					  json_pack("{s:I, s:s}", "initiated", (json_int_t) id,
								"type", pgwf_json_str2(a, "workflowType",
													   "name")));
	else if (info->event == PGWF_EVENT_SIGNAL_EXTERNAL_INITIATED ||
			 info->event == PGWF_EVENT_CANCEL_EXTERNAL_INITIATED)
		json_array_append_new(sim->externals,
							  json_pack("{s:I, s:b, s:s}", "initiated",
										(json_int_t) id, "signal",
										info->event ==
										PGWF_EVENT_SIGNAL_EXTERNAL_INITIATED,
										"id",
										pgwf_json_str2(a, "workflowExecution",
													   "workflowId")));
	else if (strcmp(type, "ScheduleActivityTask") == 0)
	{
		pgwf_json_put(sim->activities, pgwf_json_str(a, "activityId"),
					  json_integer(id));
	}
	else if (strcmp(type, "StartTimer") == 0)
		pgwf_json_put(sim->timers, pgwf_json_str(a, "timerId"),
					  json_integer(id));
	else if (strcmp(type, "RequestCancelActivityTask") == 0)
	{
		/* no simulated worker has started it: it is canceled here */
		json_int_t	scheduled = pgwf_json_int(a, "scheduledEventId");

		json_object_foreach(sim->activities, key, value)
		{
			if (json_integer_value(value) != scheduled)
				continue;
			sim_append(sim, "ActivityTaskCanceled",
					   json_pack("{s:I, s:[s], s:I}", "scheduledEventId",
								 scheduled, "details",
								 "ACTIVITY_ID_NOT_STARTED",
								 "latestCancelRequestedEventId",
								 (json_int_t) id));
			sim->task_wanted = true;
			json_object_del(sim->activities, key);
			break;
		}
	}
	if (info->terminal)
		sim->closed = true;
}

static void
write_rejections(Sim *sim)
{
	size_t		i;
	json_t	   *message;

	json_array_foreach(sim->out.messages, i, message)
	{
		if (strstr(pgwf_json_str2(message, "body", "@type"), "Rejection"))
			apply_message(sim, message);
	}
}

static void
write_completion(Sim *sim)
{
	json_t	   *a = task_ids(sim);
	json_t	   *command;
	json_int_t	completed;
	size_t		i;

	if (sim->speculative && json_array_size(sim->out.commands) == 0 &&
		json_array_size(sim->buffered) == 0 &&
		only_rejections(sim->out.messages) &&
		(sim->out.may_discard ||
		 sim->task_scheduled <= sim->previous_started + 2))
	{
		/* as if the task had never been */
		json_decref(a);
		write_rejections(sim);
		json_array_remove(sim->events, json_array_size(sim->events) - 1);
		json_array_remove(sim->events, json_array_size(sim->events) - 1);
		sim->task_started = 0;
		sim->discarded++;
		if (!pgwf_instance_roll_back(sim->instance, sim->previous_started))
			sim_evict(sim);
		return;
	}
	pgwf_json_put(a, "sdkMetadata", json_incref(sim->out.sdk_metadata));
	sim->previous_started = sim->task_started;
	json_array_append_new(sim->answers,
						  json_pack("{s:I, s:O}", "started",
									(json_int_t) sim->task_started,
									"commands", sim->out.commands));
	sim->task_started = 0;
	completed = sim_append(sim, "WorkflowTaskCompleted", a);
	json_array_foreach(sim->out.commands, i, command)
		obey(sim, command, completed);
	write_rejections(sim);
}

/* The open task failed or timed out; its events stay, and another is due. */
static void
write_failure(Sim *sim, const char *type, json_t *more)
{
	json_t	   *a = task_ids(sim);

	json_object_update(a, more);
	json_decref(more);
	sim->task_started = 0;
	sim_append(sim, type, a);
	sim_evict(sim);
	flush_buffered(sim);
	sim->task_wanted = true;
	sim->updates_only = false;
}

void
sim_end(Sim *sim)
{
	if (sim->out.status == PGWF_TASK_FAILED)
	{
		sim->failed = true;
		write_failure(sim, "WorkflowTaskFailed",
					  json_pack("{s:s, s:O}", "cause", sim->out.cause,
								"failure", sim->out.failure));
		return;
	}
	if (sim->out.status != PGWF_TASK_COMPLETED)
	{
		ok(false, "the task can be answered (status %d: %s)",
		   (int) sim->out.status, sim->out.message ? sim->out.message : "");
		sim->failed = true;
		write_failure(sim, "WorkflowTaskTimedOut", json_object());
		return;
	}
	if (sim->out.finished && json_array_size(sim->buffered) > 0)
	{
		write_failure(sim, "WorkflowTaskFailed",
					  json_pack("{s:s}", "cause",
								"WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND"));
		return;
	}
	write_completion(sim);
	if (sim->closed)
		sim_evict(sim);
	else
		flush_buffered(sim);
}

void
sim_task(Sim *sim)
{
	sim_begin(sim);
	sim_end(sim);
}

void
sim_heartbeat(Sim *sim)
{
	pgwf_task_outcome_clear(&sim->out);
	pgwf_instance_heartbeat(sim->instance, &sim->out);
	write_completion(sim);
	flush_buffered(sim);
	sim->task_wanted = true;
	sim->updates_only = false;
}

void
sim_lose_task(Sim *sim)
{
	write_failure(sim, "WorkflowTaskTimedOut",
				  json_pack("{s:s}", "timeoutType",
							"TIMEOUT_TYPE_START_TO_CLOSE"));
}

/* ---- readings ---- */

const char *
sim_status(Sim *sim)
{
	json_t	   *last = sim_event_at(sim,
									(int64_t) json_array_size(sim->events));

	return sim->closed ? pgwf_json_str(last, "eventType") : "open";
}

json_t *
sim_last_attributes(Sim *sim)
{
	json_t	   *last = sim_event_at(sim,
									(int64_t) json_array_size(sim->events));

	return json_object_get(last, "attributes");
}

char *
sim_commands(Sim *sim)
{
	char	   *str = pgwf_xstrdup("");
	json_t	   *command;
	size_t		i;

	json_array_foreach(sim->out.commands, i, command)
	{
		json_t	   *a = json_object_get(command, "attributes");
		const char *id = pgwf_json_str(a, "activityId");
		char	   *more;

		if (id == NULL)
			id = pgwf_json_str(a, "timerId");
		if (id == NULL)
			id = pgwf_json_str(a, "markerName");
		if (id == NULL)
			id = pgwf_json_str(a, "workflowId");
		if (id == NULL)
			id = pgwf_json_str2(a, "execution", "workflowId");
		more = pgwf_xprintf("%s%s%s%s%s", str, i > 0 ? ", " : "",
							pgwf_json_str(command, "commandType"),
							id ? " " : "", id ? id : "");
		free(str);
		str = more;
	}
	return str;
}
