/*-------------------------------------------------------------------------
 *
 * pgwf_update_api.c
 *		update_workflow_execution and poll_workflow_execution_update: send
 *		updates and wait for them (SS 9).
 *
 * The update is committed, so that a worker finds it; between the looks at
 * what became of it the caller sleeps without a snapshot, as a waiter of the
 * run.
 *
 * Locks: the run, while an update is admitted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg_workflow.h"
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_find.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_new_run.h"
#include "pgwf_sleep.h"
#include "pgwf_update.h"
#include "pgwf_update_api.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_update_workflow_execution);
PG_FUNCTION_INFO_V1(pgwf_poll_workflow_execution_update);

#define STAGE_PREFIX "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_"

const char *const pgwf_update_stage_names[] = {
	[PGWF_STAGE_ADMITTED] = STAGE_PREFIX "ADMITTED",
	[PGWF_STAGE_ACCEPTED] = STAGE_PREFIX "ACCEPTED",
	[PGWF_STAGE_COMPLETED] = STAGE_PREFIX "COMPLETED"
};

PgwfUpdateStage
pgwf_update_read_stage(const char *text)
{
	const char *name = text;

	if (name == NULL)
		return PGWF_STAGE_COMPLETED;
	if (strncmp(name, STAGE_PREFIX, strlen(STAGE_PREFIX)) == 0)
		name += strlen(STAGE_PREFIX);
	if (strcmp(name, "UNSPECIFIED") == 0 || strcmp(name, "COMPLETED") == 0)
		return PGWF_STAGE_COMPLETED;
	if (strcmp(name, "ACCEPTED") == 0)
		return PGWF_STAGE_ACCEPTED;
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("cannot wait for stage \"%s\" of an update", text),
			 errhint("It is ACCEPTED or COMPLETED.")));
	return PGWF_STAGE_COMPLETED;
}

pg_noreturn static void
report_unknown(const PgwfUpdateCall *request)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("update \"%s\" not found", request->update_id)));
}

static void
report_aborted(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("workflow update was aborted by closing workflow")));
}

static void
check_first_run(const PgwfUpdateCall *request, const PgwfExecution *execution)
{
	if (request->first_run_id &&
		memcmp(request->first_run_id, &execution->first_run_id,
			   UUID_LEN) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("workflow execution not found for workflow id \"%s\"",
						execution->workflow_id),
				 errdetail("The first run id of its current run is %s.",
						   pgwf_uuid_text(&execution->first_run_id))));
}

static void
note_run(PgwfUpdateCall *request, const PgwfExecution *execution)
{
	request->admitted = true;
	request->run_key = execution->run_key;
	request->at_run_id = execution->run_id;
}

/* The outcome, as WorkflowExecutionUpdateCompleted has it */
static Jsonb *
load_outcome(PgwfCall *call, const PgwfUpdate *update)
{
	PgwfEvent  *event;
	PgwfReader	reader;

	event = pgwf_event_load_one(call, update->namespace_id, update->run_key,
								update->completed_event_id);
	if (event == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("history has lost the completion of an update")));
	pgwf_reader_init(&reader, event->attributes);
	return pgwf_read_jsonb(&reader, "outcome");
}

static Jsonb *
never_completed(void)
{
	PgwfObject	outcome;

	pgwf_object_begin(&outcome);
	pgwf_object_jsonb(&outcome, "failure",
					  pgwf_update_failure("Workflow Update failed because the Workflow completed before the Update completed.",
										  "AcceptedUpdateCompletedWorkflow"));
	return pgwf_object_finish(&outcome);
}

/* Takes over how far an update has got; the outcome outlives the call */
static void
take_stage(PgwfUpdateCall *request, PgwfCall *call, const PgwfUpdate *update,
		   bool open)
{
	Jsonb	   *outcome = NULL;

	request->stage = PGWF_STAGE_COMPLETED;
	switch (update->state)
	{
		case PGWF_UPDATE_ADMITTED:
			request->stage = PGWF_STAGE_ADMITTED;
			break;
		case PGWF_UPDATE_ACCEPTED:
			if (open)
				request->stage = PGWF_STAGE_ACCEPTED;
			else
				outcome = never_completed();
			break;
		case PGWF_UPDATE_COMPLETED:
			outcome = load_outcome(call, update);
			break;
		case PGWF_UPDATE_REJECTED:
			outcome = update->outcome;
			break;
	}
	if (outcome)
	{
		MemoryContext context = MemoryContextSwitchTo(call->caller_context);

		request->outcome = (Jsonb *)
			PG_DETOAST_DATUM_COPY(JsonbPGetDatum(outcome));
		MemoryContextSwitchTo(context);
	}
}

/* What a closed run, or one that is only asked, knows of an update */
void
pgwf_update_find(PgwfUpdateCall *request, PgwfCall *call, const PgwfExecution *execution)
{
	PgwfUpdate *update;
	bool		open = execution->close_time == PGWF_NO_TIME;

	update = pgwf_update_load(call, request->namespace_id,
							  execution->run_key, request->update_id);
	if (update && update->state == PGWF_UPDATE_REJECTED)
		update = NULL;
	if (update == NULL && request->update)
		pgwf_report_closed();
	if (update == NULL)
		report_unknown(request);
	else
	{
		note_run(request, execution);
		take_stage(request, call, update, open);
	}
}

void
pgwf_update_admit_to_run(PgwfUpdateCall *request, PgwfRun *run)
{
	note_run(request, run->execution);
	take_stage(request, run->call,
			   pgwf_run_admit_update(run, request->update_id,
									 request->update),
			   true);
	pgwf_run_finish(run);
}

/* The first look: the update is admitted, or found */
static void
begin(PgwfUpdateCall *request)
{
	PgwfCall	call;

	pgwf_call_begin(&call);
	pgwf_clock_use(&call, request->namespace_id, true);
	if (request->start)
		request->start(request, &call);
	else if (request->update == NULL)
		pgwf_update_find(request, &call,
						 pgwf_find_execution(&call, request->namespace_id,
											 request->workflow_id,
											 request->run_id));
	else
	{
		PgwfRun		run;
		PgwfExecution *execution;

		execution = pgwf_find_open_run(&run, &call, request->namespace_id,
									   request->workflow_id,
									   request->run_id);
		if (execution)
		{
			check_first_run(request, execution);
			pgwf_update_admit_to_run(request, &run);
		}
		else
		{
			execution = pgwf_find_execution(&call, request->namespace_id,
											request->workflow_id,
											request->run_id);
			check_first_run(request, execution);
			pgwf_update_find(request, &call, execution);
		}
	}
	if (request->update)
		pgwf_xact_mark_durable();
	pgwf_call_end(&call);
}

/*
 * A later look.  An update that a run did not decide about before it was
 * continued goes to the next run, unless its sender meant that one alone.
 */
static void
look(PgwfUpdateCall *request)
{
	PgwfCall	call;
	PgwfExecution *execution;
	PgwfUpdate *update;

	pgwf_call_begin(&call);
	pgwf_clock_use(&call, request->namespace_id, false);
	execution = pgwf_execution_load(&call, request->namespace_id,
									request->run_key);
	if (execution == NULL)
		report_unknown(request);
	update = pgwf_update_load(&call, request->namespace_id, request->run_key,
							  request->update_id);
	if (update)
		take_stage(request, &call, update,
				   execution->close_time == PGWF_NO_TIME);
	else if (execution->close_time == PGWF_NO_TIME)
		report_unknown(request);
	else if (execution->new_run_id && request->update && !request->run_id)
	{
		request->start = NULL;
		request->admitted = false;
	}
	else
		report_aborted();
	pgwf_call_end(&call);
}

static bool
is_done(const PgwfUpdateCall *request)
{
	return request->admitted &&
		(request->stage >= request->wait_for ||
		 pgwf_remaining_ms(&request->deadline) == 0);
}

static void
wait_for_stage(PgwfUpdateCall *request)
{
	static uint32 wait_event = 0;

	if (wait_event == 0)
		wait_event = pgwf_wait_event_new("PgWorkflowUpdate");

	for (;;)
	{
		uint64		key;
		int			index;

		if (!request->admitted)
			begin(request);
		pgwf_commit();
		request->committed = true;
		if (is_done(request))
			return;

		/* commits only after the waiter is there count as later */
		key = pgwf_shmem_run_key(request->namespace_id, request->run_key);
		pgwf_shmem_wait_begin(&key, 1);
		look(request);
		pgwf_commit();
		if (request->admitted && !is_done(request))
		{
			(void) pgwf_sleep_until_woken(&request->deadline, wait_event,
										  &index);
			look(request);
		}
		pgwf_shmem_wait_end();
	}
}

/* Does what a request asks for, and waits */
void
pgwf_update_call_run(PgwfUpdateCall *request)
{
	PG_TRY();
	{
		wait_for_stage(request);
	}
	PG_CATCH();
	{
		pgwf_shmem_wait_abort();
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void
pgwf_update_check_call(FunctionCallInfo fcinfo, const char *procedure)
{
	pgwf_require_preloaded();
	PreventCommandDuringRecovery(psprintf("CALL workflow.%s()", procedure));
	pgwf_require_commit(fcinfo, procedure);
}

void
pgwf_update_read_deadline(FunctionCallInfo fcinfo, int n, PgwfUpdateCall *request)
{
	int64		timeout = pgwf_max_update_wait_timeout;

	if (!PG_ARGISNULL(n))
		timeout = Min(timeout, pgwf_interval_ms(PG_GETARG_INTERVAL_P(n)));
	pgwf_set_deadline(&request->deadline, false, timeout);
}

static pg_uuid_t *
read_uuid(FunctionCallInfo fcinfo, int n)
{
	pg_uuid_t  *result;

	if (PG_ARGISNULL(n))
		return NULL;
	result = palloc(sizeof(pg_uuid_t));
	*result = *PG_GETARG_UUID_P(n);
	return result;
}

/* The PgwfUpdateCall of an update, from its arguments by their numbers */
void
pgwf_update_read_args(FunctionCallInfo fcinfo, PgwfUpdateCall *request, int id, int name,
					  int args, int header, int identity)
{
	PgwfObject	update;
	Jsonb	   *fields;
	pg_uuid_t	uuid;

	request->update_id = pgwf_arg_id(fcinfo, id, "update_id");
	if (request->update_id == NULL || request->update_id[0] == '\0')
	{
		pgwf_new_uuid(&uuid);
		request->update_id = pgwf_uuid_text(&uuid);
	}
	fields = pgwf_wrap_fields(pgwf_arg_jsonb(fcinfo, header), "header",
							  "fields");
	pgwf_check_payload_size("header", fields, pgwf_payload_size_error);
	pgwf_object_begin(&update);
	pgwf_object_open(&update, "meta");
	pgwf_object_text(&update, "updateId", request->update_id);
	pgwf_object_text(&update, "identity", pgwf_arg_identity(fcinfo, identity));
	pgwf_object_close(&update);
	pgwf_object_open(&update, "input");
	pgwf_object_jsonb(&update, "header", fields);
	pgwf_object_text(&update, "name",
					 pgwf_arg_required_id(fcinfo, name, "update_name"));
	pgwf_object_jsonb(&update, "args",
					  pgwf_arg_payloads(fcinfo, args, "args"));
	pgwf_object_close(&update);
	request->update = pgwf_object_finish(&update);
}

Datum
pgwf_update_outcome_copy(const PgwfUpdateCall *request, bool *isnull)
{
	*isnull = (request->outcome == NULL);
	return *isnull ? (Datum) 0 :
		PointerGetDatum(PG_DETOAST_DATUM_COPY(JsonbPGetDatum(request->outcome)));
}

Datum
pgwf_update_make_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values,
											 nulls));
}

/* The answer (stage, outcome), made outside of the SPI context */
static Datum
answer(FunctionCallInfo fcinfo, const PgwfUpdateCall *request, MemoryContext context)
{
	Datum		values[2];
	bool		nulls[2] = {false, false};

	MemoryContextSwitchTo(context);
	values[0] = CStringGetTextDatum(pgwf_update_stage_names[request->stage]);
	values[1] = pgwf_update_outcome_copy(request, &nulls[1]);
	SPI_finish();
	return pgwf_update_make_row(fcinfo, values, nulls);
}

/*
 * CALL workflow.update_workflow_execution(workflow_id, update_id,
 *		update_name, args, run_id, first_execution_run_id, wait_for_stage,
 *		header, identity, timeout, namespace, INOUT stage, INOUT outcome)
 */
Datum
pgwf_update_workflow_execution(PG_FUNCTION_ARGS)
{
	MemoryContext caller_context = CurrentMemoryContext;
	PgwfUpdateCall *request;

	pgwf_update_check_call(fcinfo, "update_workflow_execution");

	/* from here on in a context that outlives transactions */
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	request = palloc0(sizeof(PgwfUpdateCall));
	pgwf_update_read_deadline(fcinfo, 9, request);
	request->namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 10),
												 PGWF_RIGHT_CLIENT);
	request->workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	request->run_id = read_uuid(fcinfo, 4);
	request->first_run_id = read_uuid(fcinfo, 5);
	request->wait_for = pgwf_update_read_stage(pgwf_arg_text(fcinfo, 6));
	pgwf_update_read_args(fcinfo, request, 1, 2, 3, 7, 8);
	pgwf_update_call_run(request);
	PG_RETURN_DATUM(answer(fcinfo, request, caller_context));
}

/*
 * CALL workflow.poll_workflow_execution_update(workflow_id, update_id,
 *		run_id, wait_for_stage, timeout, namespace, INOUT stage,
 *		INOUT outcome)
 */
Datum
pgwf_poll_workflow_execution_update(PG_FUNCTION_ARGS)
{
	MemoryContext caller_context = CurrentMemoryContext;
	PgwfUpdateCall *request;

	pgwf_update_check_call(fcinfo, "poll_workflow_execution_update");

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	request = palloc0(sizeof(PgwfUpdateCall));
	pgwf_update_read_deadline(fcinfo, 4, request);
	request->namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 5),
												 PGWF_RIGHT_READ);
	request->workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	request->update_id = pgwf_arg_required_id(fcinfo, 1, "update_id");
	request->run_id = read_uuid(fcinfo, 2);
	request->wait_for = pgwf_update_read_stage(pgwf_arg_text(fcinfo, 3));
	pgwf_update_call_run(request);
	PG_RETURN_DATUM(answer(fcinfo, request, caller_context));
}
