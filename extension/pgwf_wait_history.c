/*-------------------------------------------------------------------------
 *
 * pgwf_wait_history.c
 *		wait_for_new_event: waiting for a history to grow (SS 12).
 *
 * Like the other procedures that wait it sleeps between transactions, and
 * becomes a waiter before it looks: a commit that comes before the look is
 * seen by it, one that comes later finds the waiter.
 *
 * Takes no locks but those of a SELECT.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg_workflow.h"
#include "pgwf_args.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_shmem.h"
#include "pgwf_sleep.h"
#include "pgwf_store.h"

/* A run and how far its history has got */
typedef struct Progress
{
	int64		run_key;
	pg_uuid_t	run_id;
	int64		last_event_id;
	bool		closed;
} Progress;

PG_FUNCTION_INFO_V1(pgwf_wait_for_new_event);

/* Looks at a run, of that id or the current one of the workflow id */
static void
look(Progress *progress, int32 namespace_id, const char *workflow_id,
	 const pg_uuid_t *run_id)
{
	PgwfCall	call;
	PgwfExecution *execution;
	PgwfState	state;

	pgwf_call_begin(&call);
	execution = run_id ?
		pgwf_execution_find_run(&call, namespace_id, run_id) :
		pgwf_execution_find_current(&call, namespace_id, workflow_id);
	if (execution == NULL ||
		strcmp(execution->workflow_id, workflow_id) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("workflow execution not found for workflow id \"%s\"",
						workflow_id)));
	progress->run_key = execution->run_key;
	progress->run_id = execution->run_id;
	progress->closed = (execution->close_time != PGWF_NO_TIME);
	if (progress->closed)
		progress->last_event_id = execution->history_length;
	else
	{
		if (!pgwf_state_load(&call, namespace_id, execution->run_key, &state))
			elog(ERROR, "state of run " INT64_FORMAT " is missing",
				 execution->run_key);
		progress->last_event_id = state.next_event_id - 1;
	}
	pgwf_call_end(&call);
}

static void
wait_for_growth(Progress *progress, int32 namespace_id,
				const char *workflow_id, const pg_uuid_t *run_id,
				int64 after, const PgwfDeadline *deadline)
{
	static uint32 wait_event = 0;
	pg_uuid_t	pinned;

	if (wait_event == 0)
		wait_event = pgwf_wait_event_new("PgWorkflowWaitForNewEvent");

	look(progress, namespace_id, workflow_id, run_id);

	/* from the first look on it is this run, whatever starts meanwhile */
	pinned = progress->run_id;
	while (progress->last_event_id <= after && !progress->closed &&
		   pgwf_remaining_ms(deadline) > 0)
	{
		uint64		key = pgwf_shmem_history_key(namespace_id,
												 progress->run_key);
		int			index;

		pgwf_commit();
		pgwf_shmem_wait_begin(&key, 1);
		look(progress, namespace_id, workflow_id, &pinned);
		pgwf_commit();
		if (progress->last_event_id <= after && !progress->closed)
		{
			(void) pgwf_sleep_until_woken(deadline, wait_event, &index);
			look(progress, namespace_id, workflow_id, &pinned);
		}
		pgwf_shmem_wait_end();
	}
}

/*
 * CALL workflow.wait_for_new_event(workflow_id, run_id, after_event_id,
 *		timeout, namespace, INOUT found_run_id, INOUT last_event_id,
 *		INOUT closed)
 */
Datum
pgwf_wait_for_new_event(PG_FUNCTION_ARGS)
{
	MemoryContext caller_context = CurrentMemoryContext;
	int64		timeout = pgwf_default_wait_timeout;
	int64		after = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
	char	   *workflow_id;
	pg_uuid_t	run_id;
	int32		namespace_id;
	PgwfDeadline deadline;
	Progress	progress = {0};
	TupleDesc	tupdesc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	pg_uuid_t  *found_run_id;

	pgwf_require_preloaded();
	pgwf_require_commit(fcinfo, "wait_for_new_event");
	if (!PG_ARGISNULL(3))
		timeout = pgwf_interval_ms(PG_GETARG_INTERVAL_P(3));
	pgwf_set_deadline(&deadline, false, Min(timeout, pgwf_max_wait_timeout));
	if (!PG_ARGISNULL(1))
		run_id = *PG_GETARG_UUID_P(1);

	/* from here on in a context that outlives transactions */
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 4),
										PGWF_RIGHT_READ);
	PG_TRY();
	{
		wait_for_growth(&progress, namespace_id, workflow_id,
						PG_ARGISNULL(1) ? NULL : &run_id, after, &deadline);
	}
	PG_CATCH();
	{
		pgwf_shmem_wait_abort();
		PG_RE_THROW();
	}
	PG_END_TRY();

	MemoryContextSwitchTo(caller_context);
	found_run_id = palloc(sizeof(pg_uuid_t));
	*found_run_id = progress.run_id;
	values[0] = UUIDPGetDatum(found_run_id);
	values[1] = Int64GetDatum(progress.last_event_id);
	values[2] = BoolGetDatum(progress.closed);
	SPI_finish();

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "wait_for_new_event must return a row");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}
