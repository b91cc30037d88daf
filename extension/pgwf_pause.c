/*-------------------------------------------------------------------------
 *
 * pgwf_pause.c
 *		Pausing a workflow: pause_workflow_execution and
 *		unpause_workflow_execution (SS 3.8).
 *
 * A paused run gets no workflow task and hands out no activity; what happens
 * to it is recorded.  Timers and timeouts of the run go on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "pgwf_activity.h"
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_errors.h"
#include "pgwf_find.h"
#include "pgwf_namespace.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_pause_workflow_execution);
PG_FUNCTION_INFO_V1(pgwf_unpause_workflow_execution);

#define PAUSED_BEFORE_STARTED \
	"WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_PAUSE_REQUESTED_BEFORE_TASK_STARTED"

/* The arguments that both functions have */
typedef struct PauseRequest
{
	char	   *reason;
	char	   *request_id;
	char	   *identity;
} PauseRequest;

/* (workflow_id, reason, run_id, request_id, identity, namespace) */
static void
load_run(FunctionCallInfo fcinfo, PgwfRun *run, PgwfCall *call,
		 PauseRequest *request)
{
	int32		namespace_id;
	char	   *workflow_id;

	namespace_id = pgwf_call_namespace(call, pgwf_arg_namespace(fcinfo, 5),
									   PGWF_RIGHT_CLIENT);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	request->reason = pgwf_arg_id(fcinfo, 1, "reason");
	request->request_id = pgwf_arg_id(fcinfo, 3, "request_id");
	request->identity = pgwf_arg_identity(fcinfo, 4);
	if (pgwf_find_open_run(run, call, namespace_id, workflow_id,
						   pgwf_arg_uuid(fcinfo, 2)) == NULL)
		pgwf_report_closed();
}

static void
set_status(PgwfRun *run, PgwfStatus status)
{
	pgwf_run_execution(run)->status = status;
	run->execution_changed = true;
}

static void
append_event(PgwfRun *run, PgwfEventType type, const PauseRequest *request)
{
	PgwfObject	attributes;

	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "identity", request->identity);
	pgwf_object_text(&attributes, "reason", request->reason);
	pgwf_object_text(&attributes, "requestId", request->request_id);
	pgwf_run_arrive(run, type, pgwf_object_finish(&attributes),
					run->call->now);
}

/* Applies a change to each activity that no worker has */
static void
change_waiting_activities(PgwfRun *run, bool park)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_activities(run))
	{
		PgwfActivity *activity = lfirst(lc);

		if (!pgwf_run_lock_activity(run, activity) ||
			activity->state == PGWF_ACTIVITY_STARTED)
			continue;
		if (park)
			pgwf_activity_park(activity);
		else if ((activity->flags & PGWF_ACTIVITY_PAUSED) == 0)
			pgwf_activity_dispatch(run, activity, 0);
	}
}

/* Has the run been paused by this request, now or earlier? */
static bool
is_repeated(PgwfRun *run, const PauseRequest *request)
{
	return pgwf_run_request_exists(run->call, run->state.namespace_id,
								   run->state.run_key, PGWF_REQUEST_PAUSE,
								   request->request_id);
}

static void
pause_run(PgwfRun *run, const PauseRequest *request)
{
	append_event(run, PGWF_EVENT_WORKFLOW_EXECUTION_PAUSED, request);
	run->state.flags |= PGWF_RUN_PAUSED;
	if (request->request_id && !is_repeated(run, request))
		run->pause_request = request->request_id;
	set_status(run, PGWF_STATUS_PAUSED);
	if (run->state.wft_started_event_id == 0)
	{
		(void) pgwf_run_flush_buffer(run);
		if (run->state.wft_scheduled_event_id != 0)
			pgwf_workflow_task_withdraw(run, PAUSED_BEFORE_STARTED);
	}
	change_waiting_activities(run, true);
}

/*
 * pause_workflow_execution(workflow_id, reason, run_id, request_id, identity,
 *		namespace)
 *
 * A repetition of the request id that paused the run succeeds.
 */
Datum
pgwf_pause_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	PauseRequest request;

	pgwf_call_begin(&call);
	load_run(fcinfo, &run, &call, &request);
	if (!pgwf_run_is_paused(&run))
	{
		pause_run(&run, &request);
		pgwf_run_finish(&run);
	}
	else if (request.request_id == NULL || !is_repeated(&run, &request))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("workflow is already paused")));
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

/*
 * unpause_workflow_execution(workflow_id, reason, run_id, request_id,
 *		identity, namespace)
 */
Datum
pgwf_unpause_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	PauseRequest request;

	pgwf_call_begin(&call);
	load_run(fcinfo, &run, &call, &request);
	if (!pgwf_run_is_paused(&run))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("workflow is not paused")));
	append_event(&run, PGWF_EVENT_WORKFLOW_EXECUTION_UNPAUSED, &request);
	run.state.flags &= ~PGWF_RUN_PAUSED;
	set_status(&run, PGWF_STATUS_RUNNING);
	change_waiting_activities(&run, false);
	pgwf_run_finish(&run);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}
