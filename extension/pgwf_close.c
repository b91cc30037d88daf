/*-------------------------------------------------------------------------
 *
 * pgwf_close.c
 *		Ending a run from outside: terminated or timed out (SS 3.3, 3.4).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_close.h"
#include "pgwf_continue.h"
#include "pgwf_failure.h"
#include "pgwf_workflow_task.h"

/*
 * Appends [WorkflowTaskFailed], what is buffered, WorkflowExecutionTerminated
 */
void
pgwf_run_terminate(PgwfRun *run, const char *reason, Jsonb *details,
				   const char *identity)
{
	PgwfObject	attributes;

	pgwf_workflow_task_force_close(run);
	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "reason", reason);
	pgwf_object_jsonb(&attributes, "details", details);
	pgwf_object_text(&attributes, "identity", identity);
	pgwf_run_append(run, PGWF_EVENT_WORKFLOW_EXECUTION_TERMINATED,
					pgwf_object_finish(&attributes));
	pgwf_run_close(run, PGWF_STATUS_TERMINATED);
}

/*
 * Appends [WorkflowTaskFailed], what is buffered, WorkflowExecutionTimedOut.
 * A run may be continued by a retry or by its cron schedule; the end of the
 * execution timeout ends the whole chain.
 */
void
pgwf_run_time_out(PgwfRun *run, bool may_continue)
{
	const char *retry_state = "RETRY_STATE_TIMEOUT";
	PgwfObject	attributes;

	pgwf_workflow_task_force_close(run);
	if (may_continue)
		retry_state =
			pgwf_run_continue(run,
							  pgwf_failure_timeout(PGWF_TIMEOUT_START_TO_CLOSE,
												   "workflow timeout",
												   NULL, NULL), NULL);
	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "retryState", retry_state);
	pgwf_run_successor_attribute(run, &attributes);
	pgwf_run_append(run, PGWF_EVENT_WORKFLOW_EXECUTION_TIMED_OUT,
					pgwf_object_finish(&attributes));
	pgwf_run_close(run, PGWF_STATUS_TIMED_OUT);
}
