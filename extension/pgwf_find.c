/*-------------------------------------------------------------------------
 *
 * pgwf_find.c
 *		Finding the run that a caller means.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_args.h"
#include "pgwf_errors.h"
#include "pgwf_find.h"

/*
 * The run of a workflow id: the given one, or the current one.  Raises an
 * error if there is none.
 */
PgwfExecution *
pgwf_find_execution(PgwfCall *call, int32 namespace_id,
					const char *workflow_id, const pg_uuid_t *run_id)
{
	PgwfExecution *execution;

	if (run_id)
		execution = pgwf_execution_find_run(call, namespace_id, run_id);
	else
		execution = pgwf_execution_find_current(call, namespace_id,
												workflow_id);
	if (execution == NULL ||
		strcmp(execution->workflow_id, workflow_id) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("workflow execution not found for workflow id \"%s\"",
						workflow_id),
				 run_id ? errdetail("The run id is %s.",
									pgwf_uuid_text(run_id)) : 0));
	return execution;
}

void
pgwf_report_closed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("workflow execution already completed")));
}

/*
 * Locks and loads the open run that is meant.  Returns NULL if it is closed.
 * A run that closes while its lock is waited for may have a successor, which
 * is then the current one.
 */
PgwfExecution *
pgwf_find_open_run(PgwfRun *run, PgwfCall *call, int32 namespace_id,
				   const char *workflow_id, const pg_uuid_t *run_id)
{
	for (;;)
	{
		PgwfExecution *execution;

		execution = pgwf_find_execution(call, namespace_id, workflow_id,
										run_id);
		if (execution->close_time != PGWF_NO_TIME)
			return NULL;
		if (pgwf_run_load_named(run, call, namespace_id,
								execution->run_key) == PGWF_LOCK_OK)
			return pgwf_run_execution(run); /* as it is once locked */
		pgwf_call_look_again(call);
	}
}
