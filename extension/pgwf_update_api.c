/*-------------------------------------------------------------------------
 *
 * pgwf_update_api.c
 *		update_workflow_execution, update_with_start_workflow_execution and
 *		poll_workflow_execution_update: send updates and wait for them (SS 9).
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
#include "pgwf_sleep.h"
#include "pgwf_start.h"
#include "pgwf_update.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_update_workflow_execution);
PG_FUNCTION_INFO_V1(pgwf_update_with_start_workflow_execution);
PG_FUNCTION_INFO_V1(pgwf_poll_workflow_execution_update);

#define ABORTED_MESSAGE "operation was aborted"
#define STAGE_PREFIX "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_"

/* How far an update has got; numbers are Temporal's */
typedef enum Stage
{
	STAGE_ADMITTED = 1,
	STAGE_ACCEPTED = 2,
	STAGE_COMPLETED = 3
} Stage;

static const char *const stage_names[] = {
	[STAGE_ADMITTED] = STAGE_PREFIX "ADMITTED",
	[STAGE_ACCEPTED] = STAGE_PREFIX "ACCEPTED",
	[STAGE_COMPLETED] = STAGE_PREFIX "COMPLETED"
};

/* The parts of an update-with-start, one of which may fail */
typedef enum Part
{
	PART_START,
	PART_UPDATE,
	PART_WAIT					/* for the update, when both are committed */
} Part;

/* What is sent or asked for; lives as long as the CALL */
typedef struct Request
{
	int32		namespace_id;
	char	   *workflow_id;
	pg_uuid_t  *run_id;			/* NULL: the current one */
	pg_uuid_t  *first_run_id;	/* NULL: any chain */
	char	   *update_id;
	Jsonb	   *update;			/* NULL: only asked for */
	Stage		wait_for;
	PgwfDeadline deadline;

	/* the start that goes with it, or NULL */
	PgwfNewRun *start;
	PgwfStartPolicies policies;
	Part		part;			/* of the two, the one under way */

	/* what became of it */
	bool		admitted;		/* it is known which run has it */
	bool		started;		/* a run was started */
	int64		run_key;
	pg_uuid_t	at_run_id;
	Stage		stage;
	Jsonb	   *outcome;
} Request;

static Stage
read_stage(const char *text)
{
	const char *name = text;

	if (name == NULL)
		return STAGE_COMPLETED;
	if (strncmp(name, STAGE_PREFIX, strlen(STAGE_PREFIX)) == 0)
		name += strlen(STAGE_PREFIX);
	if (strcmp(name, "UNSPECIFIED") == 0 || strcmp(name, "COMPLETED") == 0)
		return STAGE_COMPLETED;
	if (strcmp(name, "ACCEPTED") == 0)
		return STAGE_ACCEPTED;
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("cannot wait for stage \"%s\" of an update", text),
			 errhint("It is ACCEPTED or COMPLETED.")));
	return STAGE_COMPLETED;
}

pg_noreturn static void
report_unknown(const Request *request)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("update \"%s\" not found", request->update_id)));
}

pg_noreturn static void
report_aborted(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("workflow update was aborted by closing workflow")));
}

static void
check_first_run(const Request *request, const PgwfExecution *execution)
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
note_run(Request *request, const PgwfExecution *execution)
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
take_stage(Request *request, PgwfCall *call, const PgwfUpdate *update,
		   bool open)
{
	Jsonb	   *outcome = NULL;

	request->stage = STAGE_COMPLETED;
	switch (update->state)
	{
		case PGWF_UPDATE_ADMITTED:
			request->stage = STAGE_ADMITTED;
			break;
		case PGWF_UPDATE_ACCEPTED:
			if (open)
				request->stage = STAGE_ACCEPTED;
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
static void
find_update(Request *request, PgwfCall *call, const PgwfExecution *execution)
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

static void
admit_to_run(Request *request, PgwfRun *run)
{
	note_run(request, run->execution);
	take_stage(request, run->call,
			   pgwf_run_admit_update(run, request->update_id,
									 request->update),
			   true);
	pgwf_run_finish(run);
}

/*
 * Starts a run with the update, unless the workflow id has one that takes it.
 */
static void
start_and_admit(Request *request, PgwfCall *call)
{
	PgwfExecution *existing;
	PgwfUpdate *known = NULL;
	PgwfRun		run;
	PgwfStartOutcome outcome;

	request->part = PART_UPDATE;
	existing = pgwf_execution_find_current(call, request->namespace_id,
										   request->workflow_id);
	if (existing)
		known = pgwf_update_load(call, request->namespace_id,
								 existing->run_key, request->update_id);
	if (known && known->state == PGWF_UPDATE_REJECTED)
		known = NULL;
	if (known && (existing->close_time != PGWF_NO_TIME ||
				  known->state == PGWF_UPDATE_COMPLETED))
	{
		find_update(request, call, existing);
		return;
	}
	if (existing && existing->close_time == PGWF_NO_TIME &&
		(known || strcmp(existing->start_request_id,
						 request->start->request_id) == 0))
	{
		if (pgwf_find_open_run(&run, call, request->namespace_id,
							   request->workflow_id,
							   &existing->run_id) == NULL)
			report_aborted();
		admit_to_run(request, &run);
		return;
	}

	request->part = PART_START;
	outcome = pgwf_start_run(&run, call, request->start, &request->policies,
							 &existing);
	request->part = PART_UPDATE;
	if (outcome == PGWF_START_REPEATED || outcome == PGWF_START_ATTACHED)
	{
		find_update(request, call, existing);
		return;
	}
	request->started = (outcome == PGWF_START_NEW);
	admit_to_run(request, &run);
}

/* The first look: the update is admitted, or found */
static void
begin(Request *request)
{
	PgwfCall	call;

	pgwf_call_begin(&call);
	pgwf_clock_use(&call, request->namespace_id, true);
	if (request->start)
		start_and_admit(request, &call);
	else if (request->update == NULL)
		find_update(request, &call,
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
			admit_to_run(request, &run);
		}
		else
		{
			execution = pgwf_find_execution(&call, request->namespace_id,
											request->workflow_id,
											request->run_id);
			check_first_run(request, execution);
			find_update(request, &call, execution);
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
look(Request *request)
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
is_done(const Request *request)
{
	return request->admitted &&
		(request->stage >= request->wait_for ||
		 pgwf_remaining_ms(&request->deadline) == 0);
}

static void
wait_for_stage(Request *request)
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
		request->part = PART_WAIT;
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
static void
run_request(Request *request)
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

static void
check_call(FunctionCallInfo fcinfo, const char *procedure)
{
	pgwf_require_preloaded();
	PreventCommandDuringRecovery(psprintf("CALL workflow.%s()", procedure));
	pgwf_require_commit(fcinfo, procedure);
}

static void
read_deadline(FunctionCallInfo fcinfo, int n, Request *request)
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

/* The Request of an update, from its arguments by their numbers */
static void
read_update(FunctionCallInfo fcinfo, Request *request, int id, int name,
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

static Datum
outcome_copy(const Request *request, bool *isnull)
{
	*isnull = (request->outcome == NULL);
	return *isnull ? (Datum) 0 :
		PointerGetDatum(PG_DETOAST_DATUM_COPY(JsonbPGetDatum(request->outcome)));
}

static Datum
make_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values,
											 nulls));
}

/* The answer (stage, outcome), made outside of the SPI context */
static Datum
answer(FunctionCallInfo fcinfo, const Request *request, MemoryContext context)
{
	Datum		values[2];
	bool		nulls[2] = {false, false};

	MemoryContextSwitchTo(context);
	values[0] = CStringGetTextDatum(stage_names[request->stage]);
	values[1] = outcome_copy(request, &nulls[1]);
	SPI_finish();
	return make_row(fcinfo, values, nulls);
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
	Request    *request;

	check_call(fcinfo, "update_workflow_execution");

	/* from here on in a context that outlives transactions */
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	request = palloc0(sizeof(Request));
	read_deadline(fcinfo, 9, request);
	request->namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 10),
												 PGWF_RIGHT_CLIENT);
	request->workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	request->run_id = read_uuid(fcinfo, 4);
	request->first_run_id = read_uuid(fcinfo, 5);
	request->wait_for = read_stage(pgwf_arg_text(fcinfo, 6));
	read_update(fcinfo, request, 1, 2, 3, 7, 8);
	run_request(request);
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
	Request    *request;

	check_call(fcinfo, "poll_workflow_execution_update");

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	request = palloc0(sizeof(Request));
	read_deadline(fcinfo, 4, request);
	request->namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 5),
												 PGWF_RIGHT_READ);
	request->workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	request->update_id = pgwf_arg_required_id(fcinfo, 1, "update_id");
	request->run_id = read_uuid(fcinfo, 2);
	request->wait_for = read_stage(pgwf_arg_text(fcinfo, 3));
	run_request(request);
	PG_RETURN_DATUM(answer(fcinfo, request, caller_context));
}

/* A copy of what a start is to be that outlives transactions */
static void
read_start(FunctionCallInfo fcinfo, Request *request)
{
	PgwfNewRun *start = palloc(sizeof(PgwfNewRun));

	pgwf_new_run_init(start, request->namespace_id);
	pgwf_start_read_options(fcinfo, GetCurrentTimestamp(), 26, start,
							&request->policies);
	if (start->cron_schedule || start->first_task_backoff != PGWF_NO_DURATION)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("update-with-start cannot be combined with %s",
						start->cron_schedule ? "cron_schedule" :
						"workflow_start_delay")));
	if (request->policies.conflict == PGWF_CONFLICT_TERMINATE_EXISTING)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("update-with-start cannot be combined with conflict policy %s",
						"TERMINATE_EXISTING")));
	request->start = start;
	request->workflow_id = unconstify(char *, start->workflow_id);
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
	Request    *request;
	pg_uuid_t  *run_id;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	check_call(fcinfo, "update_with_start_workflow_execution");

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	request = palloc0(sizeof(Request));
	read_deadline(fcinfo, 25, request);
	request->namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 27),
												 PGWF_RIGHT_CLIENT);
	PG_TRY();
	{
		request->part = PART_START;
		read_start(fcinfo, request);
		request->part = PART_UPDATE;
		request->wait_for = read_stage(pgwf_arg_text(fcinfo, 24));
		read_update(fcinfo, request, 20, 21, 22, 23, 5);
		run_request(request);
	}
	PG_CATCH();
	{
		report_parts(request->part, caller_context);
	}
	PG_END_TRY();

	MemoryContextSwitchTo(caller_context);
	run_id = palloc(sizeof(pg_uuid_t));
	*run_id = request->at_run_id;
	values[0] = UUIDPGetDatum(run_id);
	values[1] = BoolGetDatum(request->started);
	values[2] = CStringGetTextDatum(stage_names[request->stage]);
	values[3] = outcome_copy(request, &nulls[3]);
	SPI_finish();
	PG_RETURN_DATUM(make_row(fcinfo, values, nulls));
}
