/*-------------------------------------------------------------------------
 *
 * pgwf_respond_activity.c
 *		A worker's answers to an activity task, and its heartbeats (SS 5.4 to
 *		5.6), by token or by id.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "pgwf_activity.h"
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_find.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_task_response.h"
#include "pgwf_token.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_respond_activity_task_completed);
PG_FUNCTION_INFO_V1(pgwf_respond_activity_task_completed_by_id);
PG_FUNCTION_INFO_V1(pgwf_respond_activity_task_failed);
PG_FUNCTION_INFO_V1(pgwf_respond_activity_task_failed_by_id);
PG_FUNCTION_INFO_V1(pgwf_respond_activity_task_canceled);
PG_FUNCTION_INFO_V1(pgwf_respond_activity_task_canceled_by_id);
PG_FUNCTION_INFO_V1(pgwf_record_activity_task_heartbeat);
PG_FUNCTION_INFO_V1(pgwf_record_activity_task_heartbeat_by_id);

pg_noreturn static void
report_not_found(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("activity task not found"),
			 errdetail("It has closed or timed out, is not started or being retried, or its workflow has closed.")));
}

/* Locks and loads the run, and locks the started activity, of a token */
static PgwfActivity *
load_by_token(PgwfRun *run, PgwfCall *call, const char *text)
{
	PgwfToken	token;
	PgwfActivity *activity;

	pgwf_token_parse(text, 'a', &token);
	pgwf_call_namespace_id(call, token.namespace_id, PGWF_RIGHT_WORKER);
	if (pgwf_run_load(run, call, token.namespace_id, token.run_key,
					  LockWaitBlock) != PGWF_LOCK_OK)
		report_not_found();
	activity = pgwf_run_find_activity(run, token.scheduled_event_id);
	if (activity == NULL || !pgwf_run_lock_activity(run, activity) ||
		!pgwf_token_matches_activity(&token, activity))
		report_not_found();
	return activity;
}

/* The same for a started activity named by its id, whatever its attempt */
static PgwfActivity *
load_by_id(PgwfRun *run, PgwfCall *call, FunctionCallInfo fcinfo,
		   int run_id_arg, int namespace_arg)
{
	int32		namespace_id;
	char	   *workflow_id;
	char	   *activity_id;
	PgwfActivity *activity;

	namespace_id = pgwf_call_namespace(call, pgwf_arg_namespace(fcinfo,
																namespace_arg),
									   PGWF_RIGHT_WORKER);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	activity_id = pgwf_arg_required_id(fcinfo, 1, "activity_id");
	if (pgwf_find_open_run(run, call, namespace_id, workflow_id,
						   pgwf_arg_uuid(fcinfo, run_id_arg)) == NULL)
		pgwf_report_closed();
	activity = pgwf_run_find_activity_by_id(run, activity_id);
	if (activity == NULL || !pgwf_run_lock_activity(run, activity) ||
		activity->state != PGWF_ACTIVITY_STARTED)
		report_not_found();
	return activity;
}

static void
finish(PgwfRun *run, PgwfCall *call)
{
	pgwf_run_finish(run);
	pgwf_xact_mark_durable();
	pgwf_call_end(call);
}

/*
 * What a worker says of an activity: the arguments from "first" on, and who
 * says it.
 */
typedef void (*Answer) (PgwfRun *run, PgwfActivity *activity,
						FunctionCallInfo fcinfo, int first, int identity);

/* (task_token, "count" arguments of the answer, identity, namespace) */
static Datum
answer_by_token(FunctionCallInfo fcinfo, Answer answer, int count)
{
	PgwfCall	call;
	PgwfRun		run;
	PgwfActivity *activity;

	pgwf_call_begin(&call);
	activity = load_by_token(&run, &call, pgwf_arg_text(fcinfo, 0));
	answer(&run, activity, fcinfo, 1, 1 + count);
	finish(&run, &call);
	PG_RETURN_VOID();
}

/*
 * (workflow_id, activity_id, "count" arguments of the answer, run_id,
 *		identity, namespace)
 */
static Datum
answer_by_id(FunctionCallInfo fcinfo, Answer answer, int count)
{
	PgwfCall	call;
	PgwfRun		run;
	PgwfActivity *activity;

	pgwf_call_begin(&call);
	activity = load_by_id(&run, &call, fcinfo, 2 + count, 4 + count);
	answer(&run, activity, fcinfo, 2, 3 + count);
	finish(&run, &call);
	PG_RETURN_VOID();
}

static bool
is_too_large(const Jsonb *payloads)
{
	return payloads && pgwf_payload_size_error > 0 &&
		VARSIZE(payloads) > pgwf_payload_size_error;
}

/* A result that is too large is recorded as a failure */
static void
complete(PgwfRun *run, PgwfActivity *activity, FunctionCallInfo fcinfo,
		 int result_arg, int identity_arg)
{
	Jsonb	   *result = pgwf_payloads(pgwf_arg_jsonb(fcinfo, result_arg));
	char	   *identity = pgwf_arg_identity(fcinfo, identity_arg);

	if (is_too_large(result))
		pgwf_activity_fail(run, activity,
						   pgwf_failure_server("Complete result exceeds size limit.",
											   true),
						   identity);
	else
	{
		pgwf_warn_payload_size("activity result", result,
							   pgwf_payload_size_warn);
		pgwf_activity_complete(run, activity, result, identity);
	}
}

/*
 * Hands the workflow task that an activity's end leads to at once to the
 * worker that has the run, if that is the one of the sticky queue.  Returns
 * whether it did.
 */
static bool
start_workflow_task(PgwfRun *run, const char *sticky_queue,
					const char *identity)
{
	PgwfState  *state = &run->state;

	if (sticky_queue == NULL || state->sticky_queue == NULL ||
		strcmp(sticky_queue, state->sticky_queue) != 0 ||
		!run->task_needed || state->wft_scheduled_event_id != 0 ||
		(state->flags & PGWF_RUN_AWAITS_FIRST_TASK) != 0 ||
		!pgwf_run_is_open(run) || pgwf_run_is_paused(run))
		return false;
	pgwf_workflow_task_schedule(run);
	if (state->sticky_queue == NULL)
		return false;			/* another version is to go on with it */
	state->flags |= PGWF_RUN_TASK_ON_STICKY;
	pgwf_workflow_task_start(run, identity,
							 pgwf_workflow_task_request_id(state));
	return true;
}

/*
 * respond_activity_task_completed(task_token, result, identity,
 *		sticky_queue, namespace)
 *	returns the PollWorkflowTaskQueueResponse of the workflow task that it
 *	leads to, if the worker of the sticky queue has the run; else null
 */
Datum
pgwf_respond_activity_task_completed(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	PgwfActivity *activity;
	text	   *result = NULL;

	pgwf_call_begin(&call);
	activity = load_by_token(&run, &call, pgwf_arg_text(fcinfo, 0));
	complete(&run, activity, fcinfo, 1, 2);
	if (start_workflow_task(&run, pgwf_arg_sticky_queue(fcinfo, 3),
							pgwf_arg_identity(fcinfo, 2)))
	{
		StringInfoData answer;

		pgwf_run_finish(&run);
		if (pgwf_run_is_open(&run))
		{
			initStringInfo(&answer);
			pgwf_append_workflow_task(&answer, &run, true, 0);
			MemoryContextSwitchTo(call.caller_context);
			result = cstring_to_text_with_len(answer.data, answer.len);
		}
	}
	else
		pgwf_run_finish(&run);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

/*
 * respond_activity_task_completed_by_id(workflow_id, activity_id, result,
 *		run_id, identity, namespace)
 */
Datum
pgwf_respond_activity_task_completed_by_id(PG_FUNCTION_ARGS)
{
	return answer_by_id(fcinfo, complete, 1);
}

static void
note_heartbeat_details(PgwfActivity *activity, Jsonb *details)
{
	if (details == NULL || is_too_large(details))
		return;
	pgwf_warn_payload_size("heartbeat details", details,
						   pgwf_payload_size_warn);
	activity->heartbeat_details = details;
}

static void
fail(PgwfRun *run, PgwfActivity *activity, FunctionCallInfo fcinfo,
	 int failure_arg, int identity_arg)
{
	Jsonb	   *failure = pgwf_arg_jsonb(fcinfo, failure_arg);

	pgwf_failure_check(failure);
	note_heartbeat_details(activity,
						   pgwf_payloads(pgwf_arg_jsonb(fcinfo,
														failure_arg + 1)));
	pgwf_activity_fail(run, activity,
					   pgwf_failure_limit_size(failure,
											   pgwf_payload_size_error),
					   pgwf_arg_identity(fcinfo, identity_arg));
}

/*
 * respond_activity_task_failed(task_token, failure, last_heartbeat_details,
 *		identity, namespace)
 */
Datum
pgwf_respond_activity_task_failed(PG_FUNCTION_ARGS)
{
	return answer_by_token(fcinfo, fail, 2);
}

/*
 * respond_activity_task_failed_by_id(workflow_id, activity_id, failure,
 *		last_heartbeat_details, run_id, identity, namespace)
 */
Datum
pgwf_respond_activity_task_failed_by_id(PG_FUNCTION_ARGS)
{
	return answer_by_id(fcinfo, fail, 2);
}

static void
cancel(PgwfRun *run, PgwfActivity *activity, FunctionCallInfo fcinfo,
	   int details_arg, int identity_arg)
{
	Jsonb	   *details = pgwf_arg_payloads(fcinfo, details_arg, "details");

	if (activity->cancel_requested_event_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("cancellation of activity \"%s\" was not requested",
						activity->activity_id)));
	pgwf_activity_cancel(run, activity, details,
						 pgwf_arg_identity(fcinfo, identity_arg));
}

/*
 * respond_activity_task_canceled(task_token, details, identity, namespace)
 */
Datum
pgwf_respond_activity_task_canceled(PG_FUNCTION_ARGS)
{
	return answer_by_token(fcinfo, cancel, 1);
}

/*
 * respond_activity_task_canceled_by_id(workflow_id, activity_id, details,
 *		run_id, identity, namespace)
 */
Datum
pgwf_respond_activity_task_canceled_by_id(PG_FUNCTION_ARGS)
{
	return answer_by_id(fcinfo, cancel, 1);
}

static Datum
heartbeat_answer(FunctionCallInfo fcinfo, bool cancel_requested, int flags)
{
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	TupleDesc	result_desc;

	if (get_call_result_type(fcinfo, NULL, &result_desc) !=
		TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = BoolGetDatum(cancel_requested);
	values[1] = BoolGetDatum((flags & PGWF_ACTIVITY_PAUSED) != 0);
	values[2] = BoolGetDatum((flags & PGWF_ACTIVITY_RESET) != 0);
	return HeapTupleGetDatum(heap_form_tuple(result_desc, values, nulls));
}

/*
 * Notes a heartbeat of a locked activity, without the lock of its run.  Its
 * due_at stays as it is: it is early now, which costs the scheduler one
 * look, and the row no index entries.
 */
static bool
note_heartbeat(PgwfCall *call, PgwfActivity *activity, Jsonb *details)
{
	note_heartbeat_details(activity, details);
	activity->last_heartbeat_time = call->now;
	pgwf_activity_update(call, activity);
	return activity->cancel_requested_event_id != 0;
}

/* Details that are too large fail the activity; its worker is to stop */
static void
fail_too_large(PgwfRun *run, PgwfActivity *activity, const char *identity)
{
	pgwf_activity_fail(run, activity,
					   pgwf_failure_server("Heartbeat details exceed size limit.",
										   true),
					   identity);
	pgwf_run_finish(run);
	pgwf_xact_mark_durable();
}

/*
 * record_activity_task_heartbeat(task_token, details, identity, namespace)
 *	returns (cancel_requested, activity_paused, activity_reset)
 */
Datum
pgwf_record_activity_task_heartbeat(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	char	   *text = pgwf_arg_text(fcinfo, 0);
	Jsonb	   *details;
	PgwfToken	token;
	PgwfActivity *activity;
	bool		cancel_requested = true;
	int			flags = 0;

	pgwf_call_begin(&call);
	details = pgwf_payloads(pgwf_arg_jsonb(fcinfo, 1));
	if (is_too_large(details))
	{
		PgwfRun		run;

		activity = load_by_token(&run, &call, text);
		fail_too_large(&run, activity, pgwf_arg_identity(fcinfo, 2));
	}
	else
	{
		pgwf_token_parse(text, 'a', &token);
		pgwf_call_namespace_id(&call, token.namespace_id, PGWF_RIGHT_WORKER);
		activity = pgwf_activity_load(&call, token.namespace_id,
									  token.run_key,
									  token.scheduled_event_id);
		if (activity == NULL ||
			pgwf_activity_lock(&call, activity,
							   LockWaitBlock) != PGWF_LOCK_OK ||
			!pgwf_token_matches_activity(&token, activity))
			report_not_found();
		cancel_requested = note_heartbeat(&call, activity, details);
		flags = activity->flags;
	}
	pgwf_call_end(&call);
	PG_RETURN_DATUM(heartbeat_answer(fcinfo, cancel_requested, flags));
}

/*
 * record_activity_task_heartbeat_by_id(workflow_id, activity_id, details,
 *		run_id, identity, namespace)
 *	returns (cancel_requested, activity_paused, activity_reset)
 */
Datum
pgwf_record_activity_task_heartbeat_by_id(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	PgwfActivity *activity;
	Jsonb	   *details;
	bool		cancel_requested = true;
	int			flags = 0;

	pgwf_call_begin(&call);
	details = pgwf_payloads(pgwf_arg_jsonb(fcinfo, 2));
	activity = load_by_id(&run, &call, fcinfo, 3, 5);
	if (is_too_large(details))
		fail_too_large(&run, activity, pgwf_arg_identity(fcinfo, 4));
	else
	{
		cancel_requested = note_heartbeat(&call, activity, details);
		flags = activity->flags;

		/* who looked for its workflow task meanwhile has passed it over */
		pgwf_run_finish(&run);
	}
	pgwf_call_end(&call);
	PG_RETURN_DATUM(heartbeat_answer(fcinfo, cancel_requested, flags));
}
