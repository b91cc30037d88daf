/*-------------------------------------------------------------------------
 *
 * pgwf_signal.c
 *		What clients do to a run: signal, cancel, terminate (SS 3.3).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_close.h"
#include "pgwf_errors.h"
#include "pgwf_find.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_new_run.h"
#include "pgwf_signal.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_signal_workflow_execution);
PG_FUNCTION_INFO_V1(pgwf_request_cancel_workflow_execution);
PG_FUNCTION_INFO_V1(pgwf_terminate_workflow_execution);
PG_FUNCTION_INFO_V1(pgwf_reset_sticky_task_queue);

/*
 * Has the workflow tried to close while something was buffered?  It is given
 * the chance to close before more arrives.
 */
bool
pgwf_run_is_closing(const PgwfRun *run)
{
	return (run->state.flags & PGWF_RUN_CLOSE_ATTEMPTED) != 0 &&
		run->state.wft_started_event_id != 0;
}

bool
pgwf_run_signals_exhausted(const PgwfRun *run)
{
	return pgwf_max_signals_per_execution > 0 &&
		run->state.signal_count >= pgwf_max_signals_per_execution;
}

/* Has the run had a signal with this request id? */
bool
pgwf_run_has_signal(PgwfRun *run, const char *request_id)
{
	return request_id != NULL &&
		pgwf_run_request_exists(run->call, run->state.namespace_id,
								run->state.run_key, PGWF_REQUEST_SIGNAL,
								request_id);
}

static void
refuse_signal(const PgwfRun *run)
{
	if (pgwf_run_is_closing(run))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("workflow is closing"),
				 errhint("Try again in a moment.")));
	if (pgwf_run_signals_exhausted(run))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("exceeded workflow execution limit for signal events"),
				 errdetail("The limit is %d.",
						   pgwf_max_signals_per_execution)));
}

/* Adds a signal to a locked run, unless it has it */
void
pgwf_run_signal(PgwfRun *run, const PgwfSignal *signal)
{
	PgwfObject	attributes;

	if (!run->is_new && pgwf_run_has_signal(run, signal->request_id))
		return;
	refuse_signal(run);

	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "signalName", signal->name);
	pgwf_object_jsonb(&attributes, "input", signal->input);
	pgwf_object_text(&attributes, "identity", signal->identity);
	pgwf_object_jsonb(&attributes, "header", signal->header);
	if (signal->from_workflow_id)
	{
		pgwf_object_open(&attributes, "externalWorkflowExecution");
		pgwf_object_text(&attributes, "workflowId",
						 signal->from_workflow_id);
		pgwf_object_text(&attributes, "runId",
						 pgwf_uuid_text(signal->from_run_id));
		pgwf_object_close(&attributes);
	}
	pgwf_object_text(&attributes, "requestId", signal->request_id);
	pgwf_run_arrive(run, PGWF_EVENT_WORKFLOW_EXECUTION_SIGNALED,
					pgwf_object_finish(&attributes), run->call->now);
	run->state.signal_count++;
	if (signal->request_id)
		run->signal_requests = lappend(run->signal_requests,
									   unconstify(char *, signal->request_id));
}

/*
 * signal_workflow_execution(workflow_id, signal_name, input, run_id,
 *		request_id, identity, header, namespace)
 *
 * A repetition of a request id succeeds and adds nothing.
 */
Datum
pgwf_signal_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	int32		namespace_id;
	char	   *workflow_id;
	PgwfSignal	signal = {0};

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 7),
									   PGWF_RIGHT_CLIENT);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	signal.name = pgwf_arg_required_id(fcinfo, 1, "signal_name");
	signal.input = pgwf_arg_payloads(fcinfo, 2, "input");
	signal.request_id = pgwf_arg_id(fcinfo, 4, "request_id");
	signal.identity = pgwf_arg_identity(fcinfo, 5);
	signal.header = pgwf_wrap_fields(pgwf_arg_jsonb(fcinfo, 6), "header",
									 "fields");
	pgwf_check_payload_size("header", signal.header,
							pgwf_payload_size_error);

	if (pgwf_find_open_run(&run, &call, namespace_id, workflow_id,
						   pgwf_arg_uuid(fcinfo, 3)) == NULL)
		pgwf_report_closed();
	pgwf_run_signal(&run, &signal);
	pgwf_run_finish(&run);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

/* The chain that a caller names by its first run must be the run's */
static void
check_first_run(const PgwfExecution *execution, const pg_uuid_t *first_run_id)
{
	if (first_run_id &&
		memcmp(first_run_id, &execution->first_run_id, UUID_LEN) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("workflow execution not found for workflow id \"%s\"",
						execution->workflow_id),
				 errdetail("The first run id of its current run is %s.",
						   pgwf_uuid_text(&execution->first_run_id))));
}

/*
 * Asks a locked run to cancel itself, unless it was asked before; a delay of
 * its first workflow task is cut short.
 */
void
pgwf_run_request_cancel(PgwfRun *run, const PgwfCancelRequest *request)
{
	PgwfObject	attributes;

	if ((run->state.flags & PGWF_RUN_CANCEL_REQUESTED) != 0)
		return;
	run->state.flags |= PGWF_RUN_CANCEL_REQUESTED;
	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "cause", request->cause);
	pgwf_object_int(&attributes, "externalInitiatedEventId",
					request->initiated_event_id);
	if (request->from_workflow_id)
	{
		pgwf_object_open(&attributes, "externalWorkflowExecution");
		pgwf_object_text(&attributes, "workflowId",
						 request->from_workflow_id);
		pgwf_object_text(&attributes, "runId",
						 pgwf_uuid_text(request->from_run_id));
		pgwf_object_close(&attributes);
	}
	pgwf_object_text(&attributes, "identity", request->identity);
	pgwf_run_arrive(run, PGWF_EVENT_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
					pgwf_object_finish(&attributes), run->call->now);
	pgwf_run_end_first_task_delay(run);
}

/*
 * request_cancel_workflow_execution(workflow_id, reason, run_id,
 *		first_execution_run_id, request_id, identity, namespace)
 *
 * A closed run, or one whose cancellation is requested already, is left as
 * it is, and that is a success.
 */
Datum
pgwf_request_cancel_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	int32		namespace_id;
	char	   *workflow_id;
	pg_uuid_t  *run_id;
	pg_uuid_t  *first_run_id;
	PgwfExecution *execution;
	PgwfCancelRequest request = {0};

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 6),
									   PGWF_RIGHT_CLIENT);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	run_id = pgwf_arg_uuid(fcinfo, 2);
	first_run_id = pgwf_arg_uuid(fcinfo, 3);
	if (first_run_id)
		run_id = NULL;

	execution = pgwf_find_open_run(&run, &call, namespace_id, workflow_id,
								   run_id);
	if (execution)
	{
		check_first_run(execution, first_run_id);
		request.cause = pgwf_arg_id(fcinfo, 1, "reason");
		request.identity = pgwf_arg_identity(fcinfo, 5);
		pgwf_run_request_cancel(&run, &request);
		pgwf_run_finish(&run);
	}
	else if (first_run_id)
		check_first_run(pgwf_find_execution(&call, namespace_id, workflow_id,
											NULL), first_run_id);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

/*
 * terminate_workflow_execution(workflow_id, reason, details, run_id,
 *		first_execution_run_id, identity, namespace)
 */
Datum
pgwf_terminate_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	int32		namespace_id;
	char	   *workflow_id;
	char	   *reason;
	Jsonb	   *details;
	pg_uuid_t  *run_id;
	pg_uuid_t  *first_run_id;
	PgwfExecution *execution;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 6),
									   PGWF_RIGHT_CLIENT);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	reason = pgwf_arg_id(fcinfo, 1, "reason");
	details = pgwf_arg_payloads(fcinfo, 2, "details");
	run_id = pgwf_arg_uuid(fcinfo, 3);
	first_run_id = pgwf_arg_uuid(fcinfo, 4);
	if (first_run_id)
		run_id = NULL;

	execution = pgwf_find_open_run(&run, &call, namespace_id, workflow_id,
								   run_id);
	if (execution == NULL)
		pgwf_report_closed();
	check_first_run(execution, first_run_id);
	pgwf_run_terminate(&run, reason, details, pgwf_arg_identity(fcinfo, 5));
	pgwf_run_finish(&run);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

/*
 * reset_sticky_task_queue(workflow_id, run_id, namespace)
 *
 * The next workflow task goes to the normal queue, with the whole history,
 * also if it waits in the sticky queue already.
 */
Datum
pgwf_reset_sticky_task_queue(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	int32		namespace_id;
	char	   *workflow_id;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 2),
									   PGWF_RIGHT_WORKER);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	if (pgwf_find_open_run(&run, &call, namespace_id, workflow_id,
						   pgwf_arg_uuid(fcinfo, 1)) == NULL)
		pgwf_report_closed();
	if (run.state.sticky_queue)
	{
		if ((run.state.flags & PGWF_RUN_TASK_ON_STICKY) != 0 &&
			run.state.wft_started_event_id == 0)
			pgwf_workflow_task_move_to_normal(&run);
		else
		{
			/* a speculative task's event tells where it was scheduled */
			pgwf_workflow_task_make_normal(&run);
			pgwf_run_clear_sticky(&run);
		}
		pgwf_run_finish(&run);
	}
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}
