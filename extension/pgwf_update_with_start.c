/*-------------------------------------------------------------------------
 *
 * pgwf_update_with_start.c
 *		update_with_start_workflow_execution: an update for the open run of a
 *		workflow id, or for one that is started for it (SS 9).
 *
 * Both are done in one transaction, or none; the wait for the update follows.
 *
 * Locks: the run, while the update is admitted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_errors.h"
#include "pgwf_find.h"
#include "pgwf_namespace.h"
#include "pgwf_start.h"
#include "pgwf_update.h"
#include "pgwf_update_api.h"

PG_FUNCTION_INFO_V1(pgwf_update_with_start_workflow_execution);

#define ABORTED_MESSAGE "operation was aborted"

/* The parts, one of which may fail */
typedef enum Part
{
	PART_START,
	PART_UPDATE,
	PART_WAIT					/* for the update, when both are committed */
} Part;

typedef struct StartingCall
{
	PgwfUpdateCall call;		/* first, so that it is this one's as well */
	PgwfNewRun *start;
	PgwfStartPolicies policies;
	Part		part;			/* the one under way */
} StartingCall;

/*
 * Gives the update to the run that has it, or that was started by this
 * request, if there is one.
 */
static bool
find_and_admit(PgwfUpdateCall *request, PgwfCall *call,
			   const char *request_id)
{
	for (;;)
	{
		PgwfExecution *existing;
		PgwfUpdate *known;
		PgwfRun		run;

		existing = pgwf_execution_find_current(call, request->namespace_id,
											   request->workflow_id);
		if (existing == NULL)
			return false;
		known = pgwf_update_load(call, request->namespace_id,
								 existing->run_key, request->update_id);
		if (known && known->state == PGWF_UPDATE_REJECTED)
			known = NULL;
		if (known && (existing->close_time != PGWF_NO_TIME ||
					  known->state == PGWF_UPDATE_COMPLETED))
		{
			pgwf_update_find(request, call, existing);
			return true;
		}
		if (existing->close_time != PGWF_NO_TIME ||
			(known == NULL &&
			 strcmp(existing->start_request_id, request_id) != 0))
			return false;
		if (pgwf_find_open_run(&run, call, request->namespace_id,
							   request->workflow_id,
							   &existing->run_id) != NULL)
		{
			pgwf_update_admit_to_run(request, &run);
			return true;
		}
		/* it has closed since it was looked up */
		pgwf_call_look_again(call);
	}
}

/*
 * Starts a run with the update, unless the workflow id has one that takes it.
 */
static void
start_and_admit(PgwfUpdateCall *request, PgwfCall *call)
{
	StartingCall *starting = (StartingCall *) request;
	PgwfExecution *existing;
	PgwfRun		run;
	PgwfStartOutcome outcome;

	starting->part = PART_UPDATE;
	if (find_and_admit(request, call, starting->start->request_id))
		return;

	starting->part = PART_START;
	outcome = pgwf_start_run(&run, call, starting->start, &starting->policies,
							 &existing);
	starting->part = PART_UPDATE;
	if (outcome == PGWF_START_REPEATED || outcome == PGWF_START_ATTACHED)
	{
		pgwf_update_find(request, call, existing);
		return;
	}
	request->started = (outcome == PGWF_START_NEW);
	pgwf_update_admit_to_run(request, &run);
}

/* A copy of what a start is to be that outlives transactions */
static void
read_start(FunctionCallInfo fcinfo, StartingCall *starting)
{
	PgwfNewRun *start = palloc(sizeof(PgwfNewRun));

	pgwf_new_run_init(start, starting->call.namespace_id);
	pgwf_start_read_options(fcinfo, GetCurrentTimestamp(), 26, start,
							&starting->policies);
	if (start->cron_schedule || start->first_task_backoff != PGWF_NO_DURATION)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("update-with-start cannot be combined with %s",
						start->cron_schedule ? "cron_schedule" :
						"workflow_start_delay")));
	if (starting->policies.conflict == PGWF_CONFLICT_TERMINATE_EXISTING)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("update-with-start cannot be combined with conflict policy %s",
						"TERMINATE_EXISTING")));
	starting->start = start;
	starting->call.workflow_id = unconstify(char *, start->workflow_id);
}

static void
add_part_status(PgwfObject *object, int sqlstate, const char *message)
{
	pgwf_object_open_element(object);
	pgwf_object_text(object, "code", pstrdup(unpack_sql_state(sqlstate)));
	pgwf_object_text(object, "message", message);
	pgwf_object_close(object);
}

/*
 * Raises the error of an update-with-start again, with what became of each of
 * its parts as detail (SS 18).  What is no error of ours stays as it is.
 */
static void
report_parts(Part failed, MemoryContext context)
{
	ErrorData  *error;
	PgwfObject	object;
	Jsonb	   *statuses;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) !=
		ERRCODE_TO_CATEGORY(ERRCODE_PGWF_ABORTED))
		ReThrowError(error);
	FlushErrorState();

	pgwf_object_begin(&object);
	pgwf_object_open_array(&object, "statuses");
	if (failed == PART_START)
		add_part_status(&object, error->sqlerrcode, error->message);
	else if (failed == PART_UPDATE)
		add_part_status(&object, ERRCODE_PGWF_ABORTED, ABORTED_MESSAGE);
	else
		add_part_status(&object, ERRCODE_SUCCESSFUL_COMPLETION, NULL);
	if (failed == PART_START)
		add_part_status(&object, ERRCODE_PGWF_ABORTED, ABORTED_MESSAGE);
	else
		add_part_status(&object, error->sqlerrcode, error->message);
	pgwf_object_close_array(&object);
	statuses = pgwf_object_finish(&object);
	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg("%s", error->message),
			 errdetail_internal("%s",
								JsonbToCString(NULL, &statuses->root,
											   VARSIZE(statuses))),
			 error->hint ? errhint("%s", error->hint) : 0));
}

/*
 * CALL workflow.update_with_start_workflow_execution(workflow_id, ...
 *		user_metadata as start_workflow_execution has them, update_id,
 *		update_name, update_args, update_header, wait_for_stage, timeout,
 *		versioning_override, namespace, INOUT run_id, INOUT started,
 *		INOUT stage, INOUT outcome)
 */
Datum
pgwf_update_with_start_workflow_execution(PG_FUNCTION_ARGS)
{
	MemoryContext caller_context = CurrentMemoryContext;
	StartingCall *starting;
	PgwfUpdateCall *request;
	pg_uuid_t  *run_id;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	pgwf_update_check_call(fcinfo, "update_with_start_workflow_execution");

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	starting = palloc0(sizeof(StartingCall));
	request = &starting->call;
	request->start = start_and_admit;
	pgwf_update_read_deadline(fcinfo, 25, request);
	request->namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 27),
												 PGWF_RIGHT_CLIENT);
	PG_TRY();
	{
		starting->part = PART_START;
		read_start(fcinfo, starting);
		starting->part = PART_UPDATE;
		request->wait_for = pgwf_update_read_stage(pgwf_arg_text(fcinfo, 24));
		pgwf_update_read_args(fcinfo, request, 20, 21, 22, 23, 5);
		pgwf_update_call_run(request);
	}
	PG_CATCH();
	{
		report_parts(request->committed ? PART_WAIT : starting->part,
					 caller_context);
	}
	PG_END_TRY();

	MemoryContextSwitchTo(caller_context);
	run_id = palloc(sizeof(pg_uuid_t));
	*run_id = request->at_run_id;
	values[0] = UUIDPGetDatum(run_id);
	values[1] = BoolGetDatum(request->started);
	values[2] = CStringGetTextDatum(pgwf_update_stage_names[request->stage]);
	values[3] = pgwf_update_outcome_copy(request, &nulls[3]);
	SPI_finish();
	PG_RETURN_DATUM(pgwf_update_make_row(fcinfo, values, nulls));
}
