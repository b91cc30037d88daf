/*-------------------------------------------------------------------------
 *
 * pgwf_reset.c
 *		reset_workflow_execution: a new run that begins with a part of the
 *		history of another and goes on from there (SS 10).
 *
 * Locks: the current run, if it is open, then the runs of the children that
 * live on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_close.h"
#include "pgwf_errors.h"
#include "pgwf_find.h"
#include "pgwf_namespace.h"
#include "pgwf_new_run.h"
#include "pgwf_rebuild.h"
#include "pgwf_update.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_reset_workflow_execution);

#define RESETTER_IDENTITY "history-resetter"
#define EXCLUDE_PREFIX "RESET_REAPPLY_EXCLUDE_TYPE_"

/* What to do, and what it is done to */
typedef struct Reset
{
	PgwfExecution *base;
	List	   *history;		/* of the base run, all of it */
	int64		event_id;		/* the first event that is not copied */
	const char *reason;
	const char *identity;
	bool		exclude_signals;
	bool		exclude_updates;
	int64		new_run_key;
	pg_uuid_t	new_run_id;
	List	   *ended_events;	/* of the current run, from its end */
} Reset;

static List *
load_history(PgwfCall *call, const PgwfExecution *execution)
{
	return pgwf_event_load(call, execution->namespace_id, execution->run_key,
						   1, PG_INT64_MAX);
}

/*
 * Where to reset to
 */

static bool
ends_task(PgwfEventType type)
{
	return type == PGWF_EVENT_WORKFLOW_TASK_COMPLETED ||
		type == PGWF_EVENT_WORKFLOW_TASK_FAILED ||
		type == PGWF_EVENT_WORKFLOW_TASK_TIMED_OUT;
}

/* The events before this one must leave a workflow task pending */
static void
check_event_id(const Reset *reset)
{
	bool		pending = false;
	ListCell   *lc;

	if (reset->event_id > 1 &&
		reset->event_id <= list_length(reset->history))
	{
		foreach(lc, reset->history)
		{
			PgwfEvent  *event = lfirst(lc);

			if (event->event_id >= reset->event_id)
				break;
			if (event->type == PGWF_EVENT_WORKFLOW_TASK_SCHEDULED)
				pending = true;
			else if (ends_task(event->type))
				pending = false;
		}
	}
	if (!pending)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("cannot reset to event " INT64_FORMAT,
						reset->event_id),
				 errhint("Give the id of a WorkflowTaskStarted, WorkflowTaskCompleted, WorkflowTaskFailed or WorkflowTaskTimedOut event.")));
}

/* Was a workflow task completed by a worker of this build? */
static bool
is_of_build(const PgwfEvent *event, const char *build_id)
{
	static const char *const members[] = {"workerVersion", "deploymentVersion"};

	for (int i = 0; i < lengthof(members); i++)
	{
		PgwfReader	attributes;
		PgwfReader	version;
		char	   *found;

		pgwf_reader_init(&attributes, event->attributes);
		pgwf_reader_init(&version, pgwf_read_jsonb(&attributes, members[i]));
		found = pgwf_read_text(&version, "buildId");
		if (found && strcmp(found, build_id) == 0)
			return true;
	}
	return false;
}

/*
 * The first or the last completed workflow task, or the first that a build
 * has completed
 */
static int64
find_reset_point(List *history, const char *type, const char *build_id)
{
	bool		first = false;
	bool		by_build = false;
	int64		found = 0;
	ListCell   *lc;

	if (strncmp(type, "RESET_TYPE_", strlen("RESET_TYPE_")) == 0)
		type += strlen("RESET_TYPE_");
	if (strcmp(type, "FIRST_WORKFLOW_TASK") == 0)
		first = true;
	else if (strcmp(type, "BUILD_ID") == 0)
		first = by_build = true;
	else if (strcmp(type, "LAST_WORKFLOW_TASK") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("unknown reset_type \"%s\"", type),
				 errhint("The types are FIRST_WORKFLOW_TASK, LAST_WORKFLOW_TASK and BUILD_ID.")));
	if (by_build != (build_id != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("build_id must be set with reset_type BUILD_ID, and only then")));
	foreach(lc, history)
	{
		PgwfEvent  *event = lfirst(lc);

		if (event->type != PGWF_EVENT_WORKFLOW_TASK_COMPLETED ||
			(by_build && !is_of_build(event, build_id)))
			continue;
		found = event->event_id;
		if (first)
			break;
	}
	if (found == 0 && by_build)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("build \"%s\" has completed no workflow task of the run",
						build_id)));
	if (found == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("no workflow task has been completed yet")));
	return found;
}

/*
 * The new run
 */

/* Do the events that are copied leave the workflow paused? */
static bool
is_paused_at_reset(const Reset *reset)
{
	bool		paused = false;
	ListCell   *lc;

	foreach(lc, reset->history)
	{
		PgwfEvent  *event = lfirst(lc);

		if (event->event_id >= reset->event_id)
			break;
		if (event->type == PGWF_EVENT_WORKFLOW_EXECUTION_PAUSED)
			paused = true;
		else if (event->type == PGWF_EVENT_WORKFLOW_EXECUTION_UNPAUSED)
			paused = false;
	}
	return paused;
}

/* What the events that are copied say of versions */
static void
rebuild_versions(PgwfExecution *execution, const Reset *reset)
{
	PgwfState	state = {0};
	ListCell   *lc;

	state.namespace_id = execution->namespace_id;
	execution->versioning_info = NULL;
	foreach(lc, reset->history)
	{
		PgwfEvent  *event = lfirst(lc);

		if (event->event_id >= reset->event_id)
			break;
		pgwf_versions_apply_event(&state, event);
		if (event->type == PGWF_EVENT_WORKFLOW_TASK_COMPLETED &&
			state.flags != 0)
			pgwf_execution_set_versions(execution, &state);
	}
	if (state.flags != 0)
		pgwf_execution_set_versions(execution, &state);
}

static bool
has_same_override(const PgwfState *a, const PgwfState *b)
{
	return ((a->flags ^ b->flags) & PGWF_RUN_VERSIONING) == 0 &&
		a->override_key == b->override_key &&
		a->transition_key == b->transition_key;
}

/*
 * What has been reapplied may have changed the override.  The row of the new
 * run is there already.
 */
static void
settle_versions(PgwfRun *run, const PgwfState *before)
{
	PgwfExecution *stored;

	pgwf_run_route_activities(run);
	if (has_same_override(&run->state, before))
		return;
	CommandCounterIncrement();
	pgwf_call_new_snapshot(run->call);
	stored = pgwf_execution_load(run->call, run->state.namespace_id,
								 run->state.run_key);
	run->execution->tid = stored->tid;
	pgwf_execution_set_versions(run->execution, &run->state);
	run->execution_changed = true;
}

/* A row for the new run; its timeouts begin anew */
static PgwfExecution *
make_execution(PgwfCall *call, const Reset *reset,
			   const PgwfExecution *current, const char *request_id)
{
	PgwfExecution *execution = palloc(sizeof(PgwfExecution));

	*execution = *reset->base;
	execution->run_key = reset->new_run_key;
	execution->run_id = reset->new_run_id;
	execution->previous_run_key = current->run_key;
	execution->status = is_paused_at_reset(reset) ? PGWF_STATUS_PAUSED :
		PGWF_STATUS_RUNNING;
	execution->start_time = call->now;
	execution->execution_time = call->now;
	execution->close_time = PGWF_NO_TIME;
	execution->history_length = 0;
	execution->history_size = 0;
	execution->state_transition_count = 0;
	execution->start_request_id = unconstify(char *, request_id);
	execution->new_run_id = NULL;
	execution->reset_run_id = NULL;
	if (execution->expiration_time != PGWF_NO_TIME)
		execution->expiration_time = call->now + execution->execution_timeout;
	pgwf_rebuild_properties(execution, list_copy_head(reset->history,
													  reset->event_id - 1));
	rebuild_versions(execution, reset);
	return execution;
}

/* Flags that stand for members of WorkflowExecutionStarted */
static void
set_start_flags(PgwfRun *run, PgwfReader *started)
{
	if (pgwf_read_jsonb(started, "retryPolicy"))
		run->state.flags |= PGWF_RUN_HAS_RETRY_POLICY;
	if (run->execution->cron_schedule)
		run->state.flags |= PGWF_RUN_HAS_CRON;
	if (run->execution->parent_run_id)
		run->state.flags |= PGWF_RUN_HAS_PARENT;
}

static Jsonb *
reset_failure(const Reset *reset)
{
	PgwfObject	failure;

	pgwf_object_begin(&failure);
	pgwf_object_text(&failure, "message", reset->reason);
	pgwf_object_text(&failure, "source", "Server");
	pgwf_object_open(&failure, "resetWorkflowFailureInfo");
	pgwf_object_close(&failure);
	return pgwf_object_finish(&failure);
}

/* Fails the copied workflow task, which is started first if it was not */
static void
fail_copied_task(PgwfRun *run, const Reset *reset)
{
	PgwfState  *state = &run->state;
	PgwfObject	attributes;

	if (state->wft_started_event_id == 0)
		pgwf_workflow_task_start(run, PGWF_SERVICE_IDENTITY,
								 pgwf_workflow_task_request_id(state));
	pgwf_object_begin(&attributes);
	pgwf_object_int(&attributes, "scheduledEventId",
					state->wft_scheduled_event_id);
	pgwf_object_int(&attributes, "startedEventId",
					state->wft_started_event_id);
	pgwf_object_text(&attributes, "cause",
					 "WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW");
	pgwf_object_jsonb(&attributes, "failure", reset_failure(reset));
	pgwf_object_text(&attributes, "identity", reset->identity);
	pgwf_object_text(&attributes, "baseRunId",
					 pgwf_uuid_text(&reset->base->run_id));
	pgwf_object_text(&attributes, "newRunId",
					 pgwf_uuid_text(&reset->new_run_id));
	pgwf_run_append(run, PGWF_EVENT_WORKFLOW_TASK_FAILED,
					pgwf_object_finish(&attributes));
	pgwf_workflow_task_forget(run);
	state->wft_attempt = 1;
	run->task_needed = true;
}

/*
 * Reapplying
 */

/* The child's row learns what the event that is reapplied says of it */
static void
reapply_child_event(PgwfRun *run, const PgwfEvent *event)
{
	PgwfReader	attributes;
	PgwfChild  *child;

	pgwf_reader_init(&attributes, event->attributes);
	child = pgwf_run_find_child(run, pgwf_read_int(&attributes,
												   "initiatedEventId"));
	if (child == NULL)
		return;
	pgwf_run_arrive(run, event->type, event->attributes, run->call->now);
	if (event->type == PGWF_EVENT_CHILD_STARTED)
	{
		PgwfReader	execution;
		char	   *run_id;

		pgwf_reader_init(&execution,
						 pgwf_read_jsonb(&attributes, "workflowExecution"));
		run_id = pgwf_read_text(&execution, "runId");
		child->run_id = DatumGetUUIDP(DirectFunctionCall1(uuid_in,
														  CStringGetDatum(run_id)));
		return;
	}
	run->children = list_delete_ptr(run->children, child);
	run->state.pending_children--;
}

static void
reapply_external_event(PgwfRun *run, const PgwfEvent *event)
{
	int64		initiated_event_id;

	initiated_event_id = pgwf_jsonb_get_int(event->attributes,
											"initiatedEventId");
	if (!pgwf_run_awaits_external(run, initiated_event_id))
		return;
	pgwf_run_arrive(run, event->type, event->attributes, run->call->now);
	pgwf_run_resolve_external(run, initiated_event_id);
}

/* Runs of a chain may have seen the same request id: it is noted once */
static List *
note_request(List *requests, char *request_id)
{
	ListCell   *lc;

	foreach(lc, requests)
	{
		if (strcmp(lfirst(lc), request_id) == 0)
			return requests;
	}
	return lappend(requests, request_id);
}

static void
reapply_signal(PgwfRun *run, const PgwfEvent *event)
{
	PgwfReader	attributes;
	char	   *request_id;

	pgwf_reader_init(&attributes, event->attributes);
	request_id = pgwf_read_text(&attributes, "requestId");
	pgwf_run_arrive(run, event->type, event->attributes, run->call->now);
	run->state.signal_count++;
	if (request_id)
		run->signal_requests = note_request(run->signal_requests, request_id);
}

static void
reapply_options_updated(PgwfRun *run, const PgwfEvent *event)
{
	PgwfReader	attributes;
	char	   *request_id;

	pgwf_reader_init(&attributes, event->attributes);
	request_id = pgwf_read_text(&attributes, "attachedRequestId");
	pgwf_run_arrive(run, event->type, event->attributes, run->call->now);
	pgwf_versions_apply_event(&run->state, event);
	if (pgwf_read_jsonb(&attributes, "priority"))
		run->state.priority = pgwf_read_jsonb(&attributes, "priority");
	if (request_id)
		run->attached_requests = note_request(run->attached_requests,
											  request_id);
}

/*
 * Reapplies what came from outside in events of the base run, or of a run
 * that continued it.
 */
static void
reapply_events(PgwfRun *run, const Reset *reset, List *events, bool is_base)
{
	ListCell   *lc;

	foreach(lc, events)
	{
		PgwfEvent  *event = lfirst(lc);

		if (is_base && event->event_id < reset->event_id)
			continue;
		switch (event->type)
		{
			case PGWF_EVENT_WORKFLOW_EXECUTION_SIGNALED:
				if (!reset->exclude_signals)
					reapply_signal(run, event);
				break;
			case PGWF_EVENT_UPDATE_ADMITTED:
			case PGWF_EVENT_UPDATE_ACCEPTED:
				if (!reset->exclude_updates)
					pgwf_update_reapply(run, event);
				break;
			case PGWF_EVENT_WORKFLOW_EXECUTION_OPTIONS_UPDATED:
				reapply_options_updated(run, event);
				break;
			case PGWF_EVENT_START_CHILD_FAILED:
			case PGWF_EVENT_CHILD_STARTED:
			case PGWF_EVENT_CHILD_COMPLETED:
			case PGWF_EVENT_CHILD_FAILED:
			case PGWF_EVENT_CHILD_CANCELED:
			case PGWF_EVENT_CHILD_TIMED_OUT:
			case PGWF_EVENT_CHILD_TERMINATED:
				if (is_base)
					reapply_child_event(run, event);
				break;
			case PGWF_EVENT_SIGNAL_EXTERNAL_FAILED:
			case PGWF_EVENT_EXTERNAL_SIGNALED:
			case PGWF_EVENT_REQUEST_CANCEL_EXTERNAL_FAILED:
			case PGWF_EVENT_EXTERNAL_CANCEL_REQUESTED:
				if (is_base)
					reapply_external_event(run, event);
				break;
			default:
				break;
		}
	}
}

/* The base run's events from the reset point on, then those that follow it */
static void
reapply_chain(PgwfRun *run, const Reset *reset, const PgwfExecution *current)
{
	const PgwfExecution *execution = reset->base;
	List	   *events = reset->history;

	for (;;)
	{
		bool		is_base = (execution == reset->base);

		reapply_events(run, reset, events, is_base);
		/* the base run's history was loaded before its end */
		if (is_base && execution->run_key == current->run_key)
			reapply_events(run, reset, reset->ended_events, is_base);
		if (execution->new_run_id == NULL)
			break;
		execution = pgwf_execution_find_run(run->call,
											execution->namespace_id,
											execution->new_run_id);
		if (execution == NULL)
			break;
		events = load_history(run->call, execution);
	}
}

/*
 * Children
 */

static void
adopt_run(PgwfExecution *child, const PgwfRun *run, const Reset *reset)
{
	child->parent_run_id = unconstify(pg_uuid_t *, &reset->new_run_id);
	child->parent_run_key = run->state.run_key;
}

/* The end of a closed child, which the base run did not see, is to be told */
static void
tell_end_of_child(PgwfRun *run, const PgwfExecution *child)
{
	PgwfMessage *message = palloc0(sizeof(PgwfMessage));

	if (child->status == PGWF_STATUS_CONTINUED_AS_NEW)
		return;
	message->namespace_id = child->namespace_id;
	message->kind = PGWF_MESSAGE_CHILD_CLOSED;
	message->run_key = child->run_key;
	message->event_id = child->history_length;
	message->due_at = run->call->now;
	message->repeated = true;
	run->messages = lappend(run->messages, message);
}

/* Was the execution started by the base run as this child? */
static bool
is_child(const PgwfExecution *execution, const PgwfChild *child,
		 const Reset *reset)
{
	return execution->parent_run_id != NULL &&
		strcmp(execution->parent_workflow_id,
			   reset->base->workflow_id) == 0 &&
		execution->parent_initiated_event_id == child->initiated_event_id;
}

/* The last run of a child, or NULL if it is not kept any more */
static PgwfExecution *
find_last_run(PgwfCall *call, const PgwfChild *child, const Reset *reset)
{
	PgwfExecution *execution;

	execution = pgwf_execution_find_current(call, child->namespace_id,
											child->workflow_id);
	if (execution && is_child(execution, child, reset))
		return execution;

	/* others may have used its workflow id since */
	execution = pgwf_execution_find_run(call, child->namespace_id,
										child->run_id);
	while (execution && execution->new_run_id)
		execution = pgwf_execution_find_run(call, child->namespace_id,
											execution->new_run_id);
	return execution && is_child(execution, child, reset) ? execution : NULL;
}

/* Children that live on belong to the new run; others are started again */
static void
adopt_children(PgwfRun *run, const Reset *reset)
{
	ListCell   *lc;

	foreach(lc, run->children)
	{
		PgwfChild  *child = lfirst(lc);
		PgwfExecution *execution;
		PgwfRun		child_run;

		if (child->run_id == NULL)
		{
			pgwf_run_send(run, PGWF_MESSAGE_START_CHILD,
						  child->initiated_event_id);
			continue;
		}
		execution = find_last_run(run->call, child, reset);
		if (execution == NULL)
			continue;
		if (execution->close_time == PGWF_NO_TIME)
		{
			if (pgwf_run_load(&child_run, run->call, child->namespace_id,
							  execution->run_key,
							  LockWaitBlock) == PGWF_LOCK_OK)
			{
				adopt_run(pgwf_run_execution(&child_run), run, reset);
				child_run.execution_changed = true;
				pgwf_run_finish(&child_run);
				continue;
			}
			pgwf_call_look_again(run->call);
			execution = pgwf_execution_load(run->call, child->namespace_id,
											execution->run_key);
			if (execution == NULL)
				continue;
		}
		adopt_run(execution, run, reset);
		pgwf_execution_update(run->call, execution);
		tell_end_of_child(run, execution);
	}
}

/*
 * The whole
 */

/* The current run of a workflow id, locked if it is open */
static PgwfExecution *
lock_current_run(PgwfCall *call, int32 namespace_id, const char *workflow_id)
{
	for (;;)
	{
		PgwfExecution *current;
		PgwfRun		run;

		current = pgwf_find_execution(call, namespace_id, workflow_id, NULL);
		if (current->close_time != PGWF_NO_TIME)
			return current;
		if (pgwf_run_load(&run, call, namespace_id, current->run_key,
						  LockWaitBlock) == PGWF_LOCK_OK)
			return pgwf_run_execution(&run);
		pgwf_call_look_again(call);
	}
}

/* Ends the current run; what it had buffered is in reset->ended_events */
static void
end_current_run(PgwfCall *call, Reset *reset, PgwfExecution *current)
{
	PgwfRun		run;

	if (current->close_time != PGWF_NO_TIME ||
		pgwf_run_load(&run, call, current->namespace_id, current->run_key,
					  LockWaitBlock) != PGWF_LOCK_OK)
		return;
	run.execution = current;
	run.reset_event_id = reset->event_id;
	if (current->run_key != reset->base->run_key)
		run.reset_event_id = 1;
	current->reset_run_id = &reset->new_run_id;
	pgwf_run_terminate(&run, reset->reason, NULL, RESETTER_IDENTITY);
	reset->ended_events = run.events;
	pgwf_run_finish(&run);
}

/* A base run that was closed already learns of its reset */
static void
note_reset(PgwfCall *call, const Reset *reset)
{
	PgwfExecution *base;

	base = pgwf_execution_load(call, reset->base->namespace_id,
							   reset->base->run_key);
	base->reset_run_id = unconstify(pg_uuid_t *, &reset->new_run_id);
	pgwf_execution_update(call, base);
}

static void
perform_reset(PgwfCall *call, Reset *reset, PgwfExecution *current,
			  const char *request_id)
{
	PgwfRun		run;
	PgwfExecution *execution;
	PgwfReader	started;
	PgwfState	versions;
	bool		was_open = (current->close_time == PGWF_NO_TIME);

	end_current_run(call, reset, current);
	if (!was_open || current->run_key != reset->base->run_key)
		note_reset(call, reset);
	CommandCounterIncrement();
	pgwf_call_new_snapshot(call);

	execution = make_execution(call, reset, current, request_id);
	if (!pgwf_execution_insert(call, execution))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not reset workflow \"%s\" due to concurrent start",
						execution->workflow_id)));
	pgwf_run_init_new(&run, call, execution);
	if (execution->status == PGWF_STATUS_PAUSED)
		run.state.flags |= PGWF_RUN_PAUSED;
	pgwf_run_rebuild(&run, list_copy_head(reset->history,
										  reset->event_id - 1));
	pgwf_reader_init(&started,
					 ((PgwfEvent *) linitial(reset->history))->attributes);
	set_start_flags(&run, &started);
	pgwf_new_run_add_timeouts(&run);
	fail_copied_task(&run, reset);
	versions = run.state;
	reapply_chain(&run, reset, current);
	settle_versions(&run, &versions);
	adopt_children(&run, reset);
	pgwf_run_finish(&run);
}

static void
read_exclusions(FunctionCallInfo fcinfo, int n, Reset *reset)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
		return;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *type = nulls[i] ? pstrdup("") :
		TextDatumGetCString(elements[i]);
		char	   *name = type;

		if (strncmp(name, EXCLUDE_PREFIX, strlen(EXCLUDE_PREFIX)) == 0)
			name += strlen(EXCLUDE_PREFIX);
		if (strcmp(name, "SIGNAL") == 0)
			reset->exclude_signals = true;
		else if (strcmp(name, "UPDATE") == 0)
			reset->exclude_updates = true;
		else if (strcmp(name, "NEXUS") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("unknown reset_reapply_exclude_type \"%s\"",
							type)));
	}
}

/*
 * reset_workflow_execution(workflow_id, reason,
 *		workflow_task_finish_event_id, reset_type, run_id, request_id,
 *		reset_reapply_exclude_types, identity, build_id, namespace)
 *	returns the id of the new run
 *
 * A repetition of the request id that made the current run returns that run.
 */
Datum
pgwf_reset_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	Reset		reset = {0};
	int32		namespace_id;
	char	   *workflow_id;
	char	   *request_id;
	PgwfExecution *current;
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 9),
									   PGWF_RIGHT_CLIENT);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	reset.reason = pgwf_arg_id(fcinfo, 1, "reason");
	request_id = pgwf_arg_id(fcinfo, 5, "request_id");
	read_exclusions(fcinfo, 6, &reset);
	reset.identity = pgwf_arg_identity(fcinfo, 7);
	if (PG_ARGISNULL(2) == PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("one of workflow_task_finish_event_id and reset_type must be set")));

	current = lock_current_run(&call, namespace_id, workflow_id);
	reset.new_run_key = pgwf_execution_next_run_key();
	pgwf_new_run_id(&reset.new_run_id, reset.new_run_key);
	if (request_id == NULL)
		request_id = pgwf_uuid_text(&reset.new_run_id);
	if (strcmp(current->start_request_id, request_id) == 0)
		*result = current->run_id;
	else
	{
		reset.base = pgwf_find_execution(&call, namespace_id, workflow_id,
										 pgwf_arg_uuid(fcinfo, 4));
		reset.history = load_history(&call, reset.base);
		reset.event_id = PG_ARGISNULL(2) ?
			find_reset_point(reset.history, pgwf_arg_text(fcinfo, 3),
							 pgwf_arg_id(fcinfo, 8, "build_id")) :
			PG_GETARG_INT64(2);
		check_event_id(&reset);
		perform_reset(&call, &reset, current, request_id);
		*result = reset.new_run_id;
	}
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_UUID_P(result);
}
