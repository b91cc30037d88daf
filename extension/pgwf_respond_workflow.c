/*-------------------------------------------------------------------------
 *
 * pgwf_respond_workflow.c
 *		A worker's answer to a workflow task: completed or failed (SS 2.4,
 *		2.5, 2.8).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "pgwf_activity.h"
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_close.h"
#include "pgwf_command.h"
#include "pgwf_errors.h"
#include "pgwf_failure.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_query.h"
#include "pgwf_task_response.h"
#include "pgwf_token.h"
#include "pgwf_update.h"
#include "pgwf_version.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_respond_workflow_task_completed);
PG_FUNCTION_INFO_V1(pgwf_respond_workflow_task_failed);

/* Most events that a worker goes back by */
#define MAX_DISCARDED_EVENTS 10

#define CAUSE_PREFIX "WORKFLOW_TASK_FAILED_CAUSE_"

/* The causes that a worker may give for a failure, without their prefix */
static const char *const worker_causes[] = {
	"UNSPECIFIED",
	"RESET_STICKY_TASK_QUEUE",
	"WORKFLOW_WORKER_UNHANDLED_FAILURE",
	"NON_DETERMINISTIC_ERROR",
	"GRPC_MESSAGE_TOO_LARGE",
	"PAYLOADS_TOO_LARGE",
	"EXTERNAL_STORAGE_FAILURE"
};

/* A completion as it was asked for */
typedef struct CompletionRequest
{
	PgwfToken	token;
	List	   *commands;
	PgwfCompletion completion;
	Jsonb	   *query_results;	/* by id of the query, or NULL */
	List	   *messages;		/* PgwfProtocolMessage */
	bool		discard_with_events;
	char	   *sticky_queue;
	int64		sticky_timeout;
	bool		return_new_task;
	bool		force_new_task;
} CompletionRequest;

/* Locks and loads the run whose workflow task a worker answers */
static void
load_task(PgwfRun *run, PgwfCall *call, const PgwfToken *token)
{
	if (pgwf_run_load(run, call, token->namespace_id, token->run_key,
					  LockWaitBlock) != PGWF_LOCK_OK ||
		!pgwf_token_matches_task(token, &run->state))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("workflow task not found"),
				 errdetail("It has timed out, was answered before, or its workflow has closed.")));
}

/* versioning_behavior, deployment_name, build_id, versioning_mode */
static void
read_version(FunctionCallInfo fcinfo, CompletionRequest *request)
{
	PgwfCompletion *completion = &request->completion;
	char	   *behavior = pgwf_arg_text(fcinfo, 13);
	bool		versioned;

	if (!pgwf_behavior_read(behavior, &completion->behavior))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("unknown versioning_behavior \"%s\"", behavior),
				 errhint("The behaviors are PINNED and AUTO_UPGRADE.")));
	versioned = pgwf_arg_version(fcinfo, 14, 12, 15, &completion->version);
	if (versioned !=
		(completion->behavior != PGWF_BEHAVIOR_UNSPECIFIED))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 versioned ?
				 errmsg("versioning_behavior is not set") :
				 errmsg("versioning_behavior is set, and versioning_mode is not VERSIONED")));
	if (!versioned)
		return;
	completion->build_id = NULL;
	pgwf_version_register(request->token.namespace_id, &completion->version,
						  PGWF_QUEUE_WORKFLOW, NULL);
}

static void
read_completion(FunctionCallInfo fcinfo, PgwfCall *call,
				CompletionRequest *request)
{
	pgwf_token_parse(pgwf_arg_text(fcinfo, 0), 'w', &request->token);
	pgwf_call_namespace_id(call, request->token.namespace_id, PGWF_RIGHT_WORKER);
	request->commands = pgwf_commands_parse(pgwf_arg_jsonb(fcinfo, 1));
	request->completion.identity = pgwf_arg_identity(fcinfo, 2);
	request->sticky_queue = pgwf_arg_sticky_queue(fcinfo, 3);
	request->sticky_timeout =
		pgwf_arg_duration(fcinfo, 4, "sticky_schedule_to_start_timeout");
	if (request->sticky_queue && request->sticky_queue[0] == '\0')
		request->sticky_queue = NULL;
	if (request->sticky_queue && request->sticky_timeout == PGWF_NO_DURATION)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("sticky_schedule_to_start_timeout is not set")));
	request->return_new_task = pgwf_arg_bool(fcinfo, 5);
	request->force_new_task = pgwf_arg_bool(fcinfo, 6);
	request->completion.sdk_metadata = pgwf_arg_jsonb(fcinfo, 7);
	request->completion.metering_metadata = pgwf_arg_jsonb(fcinfo, 8);
	request->query_results = pgwf_arg_jsonb(fcinfo, 9);
	request->messages = pgwf_protocol_messages_parse(pgwf_arg_jsonb(fcinfo,
																	10));
	request->discard_with_events = pgwf_arg_bool(fcinfo, 11);
	request->completion.build_id = pgwf_arg_id(fcinfo, 12, "build_id");
	read_version(fcinfo, request);
}

/* A completion that only asks for more time, by way of a new task */
static bool
is_heartbeat(const CompletionRequest *request)
{
	return request->force_new_task && request->commands == NIL &&
		request->messages == NIL;
}

static void
append_error(StringInfo answer, const char *code, const char *cause,
			 const char *message)
{
	pgwf_append_json_member(answer, "error");
	appendStringInfoChar(answer, '{');
	pgwf_append_json_text(answer, "code", code);
	pgwf_append_json_text(answer, "cause", cause);
	pgwf_append_json_text(answer, "message", message);
	appendStringInfoChar(answer, '}');
}

/* "BAD_START_TIMER_ATTRIBUTES: timerId is not set", as its failure says */
static char *
rejection_message(const PgwfCommandContext *context)
{
	return psprintf("%s: %s", context->failed_cause + strlen(CAUSE_PREFIX),
					context->failed_message);
}

/*
 * A command was refused: discards what the completion has done and fails the
 * task.  That has to be committed, so the caller learns it as an answer;
 * but a transient task is left to time out, and the caller gets an error.
 */
static void
reject_completion(PgwfRun *run, const PgwfCommandContext *context,
				  StringInfo answer)
{
	const char *cause = context->failed_cause;
	char	   *message = rejection_message(context);
	bool		unhandled;

	unhandled = strcmp(cause,
					   CAUSE_PREFIX "UNHANDLED_COMMAND") == 0;
	if (run->stored.wft_attempt > 1 && !unhandled && !context->too_large)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s", message)));

	pgwf_run_start_over(run);
	pgwf_workflow_task_fail(run, cause, pgwf_failure_server(message, false),
							PGWF_SERVICE_IDENTITY);
	if (context->too_large)
		pgwf_run_terminate(run, context->failed_message, NULL,
						   PGWF_SERVICE_IDENTITY);
	else if (unhandled)
		run->state.flags |= PGWF_RUN_CLOSE_ATTEMPTED;
	pgwf_run_finish(run);
	append_error(answer, "PW003", cause, message);
}

/*
 * Schedules the next workflow task if there is a reason, and hands it out at
 * once if the worker wants it.  Returns whether it did.
 */
static bool
schedule_next_task(PgwfRun *run, const CompletionRequest *request,
				   TimestampTz heartbeat_since)
{
	PgwfState  *state = &run->state;
	int32		stamp = state->wft_stamp;
	bool		needed;

	if (!pgwf_run_is_open(run) || pgwf_run_is_paused(run))
		return false;
	needed = request->force_new_task || run->task_needed ||
		pgwf_run_has_buffered(run);
	if (!needed && !pgwf_run_has_unsent_updates(run))
		return false;
	state->wft_original_scheduled_time = heartbeat_since;
	if (needed)
		pgwf_workflow_task_schedule(run);
	else
		pgwf_workflow_task_schedule_speculative(run);
	if (is_heartbeat(request))
		pgwf_run_keep_updates_sent(run, stamp);
	if (!request->return_new_task || pgwf_run_has_left_version(run))
		return false;
	if (state->sticky_queue)
		state->flags |= PGWF_RUN_TASK_ON_STICKY;
	pgwf_workflow_task_start(run, request->completion.identity,
							 PGWF_INLINE_START_REQUEST_ID);
	return true;
}

/*
 * Activities that the worker wants to do itself are started at once, without
 * passing through their queue (SS 5.1).
 */
static List *
start_eager_activities(PgwfRun *run, const char *identity)
{
	List	   *started = NIL;
	ListCell   *lc;

	if (!pgwf_run_is_open(run) || pgwf_run_is_paused(run))
		return NIL;
	foreach(lc, run->activities)
	{
		PgwfActivity *activity = lfirst(lc);

		if (!activity->eager ||
			pgwf_route_target(activity->namespace_id, PGWF_QUEUE_ACTIVITY,
							  activity->task_queue, &activity->route) !=
			run->state.version_key)
			continue;
		pgwf_activity_start(activity, run->call->now, identity, NULL);
		started = lappend(started, activity);
	}
	return started;
}

static void
append_activity_tasks(StringInfo answer, PgwfRun *run, List *activities)
{
	const char *namespace;
	ListCell   *lc;

	if (activities == NIL)
		return;
	namespace = pgwf_namespace_name(run->state.namespace_id);
	pgwf_append_json_member(answer, "activityTasks");
	appendStringInfoChar(answer, '[');
	foreach(lc, activities)
	{
		PgwfActivity *activity = lfirst(lc);
		ListCell   *event_cell;

		if (answer->data[answer->len - 1] != '[')
			appendStringInfoString(answer, ", ");
		foreach(event_cell, run->events)
		{
			PgwfEvent  *event = lfirst(event_cell);

			if (event->event_id == activity->scheduled_event_id)
				pgwf_append_activity_task(answer, activity,
										  pgwf_run_execution(run), event,
										  namespace);
		}
	}
	appendStringInfoChar(answer, ']');
}

/*
 * May a speculative task be forgotten, as if it had never been?  It must have
 * only rejected updates, and its worker must not have seen events for the
 * first time, or few if it can go back.  A worker without any message does
 * not know of updates, and so not of going back.
 */
static bool
may_discard(const PgwfRun *run, const CompletionRequest *request)
{
	const PgwfState *state = &run->state;

	if (!pgwf_workflow_task_is_speculative(run) ||
		request->commands != NIL || request->force_new_task ||
		request->messages == NIL ||
		!pgwf_protocol_only_rejections(request->messages))
		return false;
	if (request->discard_with_events)
		return state->wft_started_event_id -
			state->previous_started_event_id <= MAX_DISCARDED_EVENTS;
	/* WorkflowTaskCompleted is the worker's own */
	return state->wft_scheduled_event_id <=
		state->previous_started_event_id + 2;
}

static void
complete_task(PgwfRun *run, CompletionRequest *request, StringInfo answer)
{
	PgwfState  *state = &run->state;
	PgwfCommandContext context = {0};
	TimestampTz heartbeat_since = PGWF_NO_TIME;
	List	   *eager;
	bool		discarded;
	bool		started;

	if (is_heartbeat(request))
	{
		if (pgwf_run_is_paused(run))
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
					 errmsg("workflow is paused"),
					 errdetail("A workflow task cannot be extended meanwhile.")));
		heartbeat_since = state->wft_original_scheduled_time;
		if (run->call->now > heartbeat_since +
			(int64) pgwf_workflow_task_heartbeat_timeout * 1000)
		{
			pgwf_workflow_task_time_out(run);
			pgwf_run_finish(run);
			append_error(answer, "PW005", NULL,
						 "workflow task heartbeat timeout");
			return;
		}
	}

	context.run = run;
	context.identity = request->completion.identity;
	context.messages = request->messages;
	discarded = may_discard(run, request);
	if (discarded)
		pgwf_workflow_task_forget(run);
	else
		pgwf_workflow_task_complete(run, &request->completion);
	context.completed_event_id = state->next_event_id - 1;
	pgwf_commands_handle(&context, request->commands);
	if (!pgwf_command_failed(&context))
		pgwf_protocol_messages_handle(&context);
	if (pgwf_command_failed(&context))
	{
		reject_completion(run, &context, answer);
		return;
	}
	if (!is_heartbeat(request))
		pgwf_run_reject_unprocessed(run);

	state->sticky_queue = request->sticky_queue;
	state->sticky_timeout = request->sticky_queue ?
		request->sticky_timeout : PGWF_NO_DURATION;
	pgwf_run_answer_queries(run, request->query_results);
	eager = start_eager_activities(run, request->completion.identity);
	started = schedule_next_task(run, request, heartbeat_since);
	pgwf_run_finish(run);
	if (discarded)
		pgwf_append_json_int(answer, "resetHistoryEventId",
							 state->previous_started_event_id);
	if (run->limit_exceeded)
	{
		append_error(answer, "PW003", NULL, run->limit_exceeded);
		return;
	}
	if (started)
	{
		pgwf_append_json_member(answer, "workflowTask");
		pgwf_append_workflow_task(answer, run, true, 0);
	}
	append_activity_tasks(answer, run, eager);
}

/*
 * respond_workflow_task_completed(task_token, commands, identity,
 *		sticky_queue, sticky_schedule_to_start_timeout,
 *		return_new_workflow_task, force_create_new_workflow_task,
 *		sdk_metadata, metering_metadata, query_results, messages,
 *		discard_speculative_workflow_task_with_events, build_id,
 *		versioning_behavior, deployment_name, versioning_mode, namespace)
 *	returns a RespondWorkflowTaskCompletedResponse
 *
 * The answer has "workflowTask" if the next one was asked for and there is
 * one, "activityTasks" if commands asked for eager execution, and "error" if
 * the completion was refused and that is recorded.
 */
Datum
pgwf_respond_workflow_task_completed(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	CompletionRequest request;
	StringInfoData answer;
	text	   *result;

	pgwf_call_begin(&call);
	read_completion(fcinfo, &call, &request);
	load_task(&run, &call, &request.token);
	initStringInfo(&answer);
	appendStringInfoChar(&answer, '{');
	complete_task(&run, &request, &answer);
	appendStringInfoChar(&answer, '}');
	pgwf_xact_mark_durable();

	MemoryContextSwitchTo(call.caller_context);
	result = cstring_to_text_with_len(answer.data, answer.len);
	pgwf_call_end(&call);
	PG_RETURN_TEXT_P(result);
}

/* The cause of a failure as a worker gives it, with or without its prefix */
static char *
read_cause(char *cause)
{
	if (cause == NULL)
		cause = pstrdup(worker_causes[0]);
	if (strncmp(cause, CAUSE_PREFIX, strlen(CAUSE_PREFIX)) == 0)
		cause += strlen(CAUSE_PREFIX);
	for (int i = 0; i < lengthof(worker_causes); i++)
	{
		if (strcmp(cause, worker_causes[i]) == 0)
			return psprintf(CAUSE_PREFIX "%s", cause);
	}
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("a worker cannot give \"%s\" as the cause of a failure",
					cause)));
}

/*
 * respond_workflow_task_failed(task_token, cause, failure, identity,
 *		namespace)
 */
Datum
pgwf_respond_workflow_task_failed(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	PgwfToken	token;
	char	   *cause;
	Jsonb	   *failure;
	char	   *identity;

	pgwf_call_begin(&call);
	pgwf_token_parse(pgwf_arg_text(fcinfo, 0), 'w', &token);
	pgwf_call_namespace_id(&call, token.namespace_id, PGWF_RIGHT_WORKER);
	cause = read_cause(pgwf_arg_text(fcinfo, 1));
	failure = pgwf_arg_jsonb(fcinfo, 2);
	pgwf_failure_check(failure);
	identity = pgwf_arg_identity(fcinfo, 3);

	load_task(&run, &call, &token);
	if (strcmp(cause, CAUSE_PREFIX "GRPC_MESSAGE_TOO_LARGE") == 0)
		pgwf_run_terminate(&run, cause, NULL, PGWF_SERVICE_IDENTITY);
	else
		pgwf_workflow_task_fail(&run, cause,
								pgwf_failure_limit_size(failure,
														pgwf_payload_size_error),
								identity);
	pgwf_run_finish(&run);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}
