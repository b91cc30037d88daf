/*-------------------------------------------------------------------------
 *
 * pgwf_query_api.c
 *		query_workflow: asks, and waits for the answer (SS 8).
 *
 * Each step is a transaction of its own: the question is committed, so that
 * a worker finds it, and between the steps the asker sleeps without a
 * snapshot.  It is a waiter in shared memory from before the question is
 * visible until it has looked for the last time.
 *
 * Locks: the run, to decide between direct and buffered; the query's row.
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
#include "utils/snapmgr.h"
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
#include "pgwf_query.h"
#include "pgwf_sleep.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_query_workflow);

/* A row outlives its asker's patience by this, in case its session dies */
#define GRACE		(5 * USECS_PER_SEC)

/* From this attempt of its workflow task on a run is taken for broken */
#define FAILED_ATTEMPTS 3

typedef enum RejectCondition
{
	REJECT_NONE = 1,
	REJECT_NOT_OPEN = 2,
	REJECT_NOT_COMPLETED_CLEANLY = 3
} RejectCondition;

/* What is asked, and how far it has got; lives as long as the CALL */
typedef struct Question
{
	int32		namespace_id;
	char	   *workflow_id;
	pg_uuid_t  *run_id;			/* NULL: the current one */
	RejectCondition condition;
	Jsonb	   *query;
	PgwfDeadline deadline;
	pg_uuid_t	query_id;
	bool		asked;			/* the row is there */
	bool		committed;		/* at least once */
	PgwfDeadline sticky_deadline;	/* if waits_for_sticky */
	bool		waits_for_sticky;
	bool		done;
	PgwfStatus	rejected_status;	/* 0: it was not rejected */
	Jsonb	   *answer;			/* a WorkflowQueryResult, if it was answered */
} Question;

static RejectCondition
read_condition(const char *text)
{
	static const char prefix[] = "QUERY_REJECT_CONDITION_";
	const char *name = text;

	if (name == NULL)
		return REJECT_NONE;
	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		name += sizeof(prefix) - 1;
	if (strcmp(name, "UNSPECIFIED") == 0 || strcmp(name, "NONE") == 0)
		return REJECT_NONE;
	if (strcmp(name, "NOT_OPEN") == 0)
		return REJECT_NOT_OPEN;
	if (strcmp(name, "NOT_COMPLETED_CLEANLY") == 0)
		return REJECT_NOT_COMPLETED_CLEANLY;
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("unknown query_reject_condition \"%s\"", text)));
	return REJECT_NONE;
}

/* A paused run answers nobody, whatever the asker wants */
static bool
is_rejected(const Question *question, PgwfStatus status, bool open)
{
	if (status == PGWF_STATUS_PAUSED)
		return true;
	if (question->condition == REJECT_NOT_OPEN)
		return !open;
	if (question->condition == REJECT_NOT_COMPLETED_CLEANLY)
		return !open && status != PGWF_STATUS_COMPLETED;
	return false;
}

pg_noreturn static void
report_not_ready(const char *message, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_WORKFLOW_NOT_READY),
			 errmsg("%s", message),
			 errdetail("%s", detail)));
}

static int
count_awaited(List *queries)
{
	int			count = 0;
	ListCell   *lc;

	foreach(lc, queries)
	{
		if (pgwf_query_is_awaited(lfirst(lc)))
			count++;
	}
	return count;
}

/* Lets the question go with the next workflow task of a locked run */
static void
buffer_query(PgwfRun *run, PgwfQuery *query)
{
	if (pgwf_max_buffered_queries > 0 &&
		count_awaited(pgwf_run_queries(run)) >= pgwf_max_buffered_queries)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("consistent query buffer is full, cannot accept new consistent queries"),
				 errdetail("The limit is %d per run.",
						   pgwf_max_buffered_queries),
				 errhint("Try again in a moment.")));
	query->state = PGWF_QUERY_BUFFERED;
	query->task_queue = "";
	run->state.flags |= PGWF_RUN_HAS_QUERIES;
}

static void
ask_open_run(PgwfRun *run, Question *question, PgwfQuery *query)
{
	PgwfState  *state = &run->state;

	if (state->wft_scheduled_event_id != 0 &&
		state->wft_attempt >= FAILED_ATTEMPTS)
		report_not_ready("cannot query workflow due to Workflow Task in failed state",
						 "Its workflow task fails again and again.");
	if (state->previous_started_event_id == 0 &&
		(state->flags & PGWF_RUN_AWAITS_FIRST_TASK) != 0 &&
		run->execution->execution_time > run->call->now +
		(int64) pgwf_remaining_ms(&question->deadline) * 1000)
		report_not_ready("cannot query workflow before its first workflow task",
						 "The delay of its first workflow task is longer than the timeout of the query.");

	if (state->previous_started_event_id == 0 ||
		state->wft_scheduled_event_id != 0)
		buffer_query(run, query);
	else
		pgwf_query_dispatch(run, query);
	pgwf_run_finish(run);
}

/* A closed run is asked through its normal queue */
static void
ask_closed_run(PgwfCall *call, const PgwfExecution *execution,
			   PgwfQuery *query)
{
	if (pgwf_event_find_last(call, execution->namespace_id,
							 execution->run_key,
							 PGWF_EVENT_WORKFLOW_TASK_COMPLETED) == NULL)
		report_not_ready("cannot query workflow that has closed before its first workflow task completed",
						 "No worker has ever worked on it.");
	query->state = PGWF_QUERY_WAITING;
	query->task_queue = execution->task_queue;
	pgwf_execution_route(execution, &query->route);
	pgwf_query_wake_worker(query);
}

/* How long the worker that has the run is waited for */
static void
note_sticky(Question *question, const PgwfQuery *query,
			const PgwfState *state)
{
	bool		sticky;

	sticky = query->sticky && (query->state == PGWF_QUERY_WAITING ||
							   query->state == PGWF_QUERY_CLAIMED);
	if (sticky && !question->waits_for_sticky)
		pgwf_set_deadline(&question->sticky_deadline, false,
						  Min(state->sticky_timeout / 1000,
							  pgwf_sticky_query_timeout));
	question->waits_for_sticky = sticky;
}

/*
 * The first step: puts the question, or rejects it.
 */
static void
ask(Question *question)
{
	PgwfCall	call;
	PgwfRun		run;
	PgwfExecution *execution;
	PgwfQuery	query = {0};
	bool		open;

	pgwf_call_begin(&call);
	pgwf_clock_use(&call, question->namespace_id, true);
	pgwf_xact_claim_begin();
	execution = pgwf_find_open_run(&run, &call, question->namespace_id,
								   question->workflow_id, question->run_id);
	open = (execution != NULL);
	if (!open)
		execution = pgwf_find_execution(&call, question->namespace_id,
										question->workflow_id,
										question->run_id);
	if (is_rejected(question, execution->status, open))
	{
		question->rejected_status = execution->status;
		question->done = true;
	}
	else
	{
		query.namespace_id = question->namespace_id;
		query.run_key = execution->run_key;
		query.query_id = question->query_id;
		query.requested_time = call.now;
		query.due_at = call.wall + GRACE +
			(int64) pgwf_remaining_ms(&question->deadline) * 1000;
		query.query = question->query;
		if (open)
			ask_open_run(&run, question, &query);
		else
			ask_closed_run(&call, execution, &query);
		pgwf_query_insert(&call, &query);
		if (open)
			note_sticky(question, &query, &run.state);
		question->asked = true;
	}
	pgwf_xact_claim_end();
	pgwf_call_end(&call);
}

/*
 * The worker that has the run does not answer: from now on the run, and the
 * question, are for any worker.  Returns the query, locked, or NULL if it or
 * the run is gone.
 */
static PgwfQuery *
leave_sticky(PgwfCall *call, PgwfQuery *query)
{
	PgwfRun		run;
	PgwfExecution *execution;
	bool		open;

	open = pgwf_run_load(&run, call, query->namespace_id, query->run_key,
						 LockWaitBlock) == PGWF_LOCK_OK;
	if (pgwf_query_lock(call, query, LockWaitBlock) != PGWF_LOCK_OK)
		return NULL;
	if (!query->sticky || query->state == PGWF_QUERY_ANSWERED)
		return query;
	execution = pgwf_execution_load(call, query->namespace_id,
									query->run_key);
	if (execution == NULL)
		return NULL;			/* the run has been deleted */
	if (open)
	{
		pgwf_run_route(&run, &query->route);
		if (run.state.wft_scheduled_event_id == 0)
			pgwf_run_clear_sticky(&run);
		pgwf_run_finish(&run);
	}
	query->sticky = false;
	query->state = PGWF_QUERY_WAITING;
	query->task_queue = execution->task_queue;
	if (!open)
		pgwf_execution_route(execution, &query->route);
	pgwf_query_update(call, query);
	return query;
}

/*
 * Another step: looks for the answer; gives up when the time is over, and
 * turns to other workers when the one that has the run takes too long.
 */
static void
look(Question *question)
{
	PgwfCall	call;
	PgwfQuery  *query;

	pgwf_call_begin(&call);
	pgwf_clock_use(&call, question->namespace_id, true);
	pgwf_xact_claim_begin();
	query = pgwf_query_load(&call, question->namespace_id,
							&question->query_id);
	if (query && question->waits_for_sticky &&
		query->state != PGWF_QUERY_ANSWERED &&
		pgwf_remaining_ms(&question->sticky_deadline) == 0)
		query = leave_sticky(&call, query);
	else if (query &&
			 pgwf_query_lock(&call, query, LockWaitBlock) != PGWF_LOCK_OK)
		query = NULL;
	if (query == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_UNAVAILABLE),
				 errmsg("query was lost"),
				 errhint("Ask again.")));

	if (query->state == PGWF_QUERY_ANSWERED)
	{
		MemoryContext context = MemoryContextSwitchTo(call.caller_context);

		question->answer = (Jsonb *)
			PG_DETOAST_DATUM_COPY(JsonbPGetDatum(query->answer));
		MemoryContextSwitchTo(context);
	}
	if (question->answer || pgwf_remaining_ms(&question->deadline) == 0)
	{
		pgwf_query_delete(&call, query);
		question->asked = false;
		question->done = true;
	}
	else
	{
		PgwfState	state = {0};

		(void) pgwf_state_load(&call, query->namespace_id, query->run_key,
							   &state);
		note_sticky(question, query, &state);
		if (query->state == PGWF_QUERY_WAITING)
			pgwf_query_wake_worker(query);
	}
	pgwf_xact_claim_end();
	pgwf_call_end(&call);
}

static void
wait_for_answer(Question *question)
{
	static uint32 wait_event = 0;
	PgwfQuery	query = {0};
	uint64		key;

	if (wait_event == 0)
		wait_event = pgwf_wait_event_new("PgWorkflowQuery");
	query.namespace_id = question->namespace_id;
	query.query_id = question->query_id;
	key = pgwf_query_key(&query);

	for (;;)
	{
		const PgwfDeadline *deadline = &question->deadline;
		int			index;

		pgwf_shmem_wait_begin(&key, 1);
		if (question->asked)
			look(question);
		else
			ask(question);
		pgwf_commit();
		question->committed = true;
		if (question->done)
		{
			pgwf_shmem_wait_end();
			return;
		}
		if (question->waits_for_sticky &&
			pgwf_remaining_ms(&question->sticky_deadline) <
			pgwf_remaining_ms(deadline))
			deadline = &question->sticky_deadline;
		(void) pgwf_sleep_until_woken(deadline, wait_event, &index);
	}
}

/* Takes back a question whose asker was interrupted */
static void
withdraw(Question *question)
{
	PgwfCall	call;
	PgwfQuery  *query;

	pgwf_call_begin(&call);
	pgwf_clock_use(&call, question->namespace_id, true);
	query = pgwf_query_load(&call, question->namespace_id,
							&question->query_id);
	if (query &&
		pgwf_query_lock(&call, query, LockWaitBlock) == PGWF_LOCK_OK)
		pgwf_query_delete(&call, query);
	pgwf_call_end(&call);
}

/* The answer of a handler that failed is an error */
static void
report_failure(const Jsonb *answer)
{
	PgwfReader	reader;
	char	   *type;
	char	   *message;
	Jsonb	   *failure;

	pgwf_reader_init(&reader, answer);
	type = pgwf_read_text(&reader, "resultType");
	message = pgwf_read_text(&reader, "errorMessage");
	failure = pgwf_read_object(&reader, "failure");
	if (type && strcmp(type, PGWF_QUERY_NOT_READY) == 0)
		report_not_ready("cannot query workflow that has closed before its first workflow task completed",
						 "No worker has ever worked on it.");
	if (type && strcmp(type, "QUERY_RESULT_TYPE_ANSWERED") == 0)
		return;
	if (message == NULL && failure)
	{
		PgwfReader	members;

		pgwf_reader_init(&members, failure);
		message = pgwf_read_text(&members, "message");
	}
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_QUERY_FAILED),
			 errmsg("%s", message ? message : "query failed"),
			 failure ? errdetail("%s",
								 JsonbToCString(NULL,
												&failure->root,
												VARSIZE(failure))) : 0));
}

static Jsonb *
rejection(PgwfStatus status)
{
	PgwfObject	object;

	pgwf_object_begin(&object);
	pgwf_object_text(&object, "status",
					 pgwf_status_constant(pgwf_status_name(status)));
	return pgwf_object_finish(&object);
}

static void
read_question(FunctionCallInfo fcinfo, Question *question)
{
	PgwfObject	query;
	Jsonb	   *header;
	int64		timeout = pgwf_default_query_timeout;

	memset(question, 0, sizeof(Question));
	if (!PG_ARGISNULL(6))
		timeout = pgwf_interval_ms(PG_GETARG_INTERVAL_P(6));
	pgwf_set_deadline(&question->deadline, false,
					  Min(timeout, pgwf_max_wait_timeout));
	question->namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 7),
												  PGWF_RIGHT_READ);
	question->workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	if (!PG_ARGISNULL(3))
	{
		question->run_id = palloc(sizeof(pg_uuid_t));
		*question->run_id = *PG_GETARG_UUID_P(3);
	}
	question->condition = read_condition(pgwf_arg_text(fcinfo, 4));
	header = pgwf_wrap_fields(pgwf_arg_jsonb(fcinfo, 5), "header", "fields");
	pgwf_check_payload_size("header", header, pgwf_payload_size_error);
	pgwf_object_begin(&query);
	pgwf_object_text(&query, "queryType",
					 pgwf_arg_required_id(fcinfo, 1, "query_type"));
	pgwf_object_jsonb(&query, "queryArgs",
					  pgwf_arg_payloads(fcinfo, 2, "query_args"));
	pgwf_object_jsonb(&query, "header", header);
	question->query = pgwf_object_finish(&query);
	pgwf_new_uuid(&question->query_id);
}

/*
 * CALL workflow.query_workflow(workflow_id, query_type, query_args, run_id,
 *		query_reject_condition, header, timeout, namespace,
 *		INOUT query_result, INOUT query_rejected)
 */
Datum
pgwf_query_workflow(PG_FUNCTION_ARGS)
{
	MemoryContext caller_context = CurrentMemoryContext;
	MemoryContext context;
	Question   *question;
	PgwfReader	reader;
	Jsonb	   *result = NULL;
	Jsonb	   *rejected = NULL;
	TupleDesc	tupdesc;
	Datum		values[2];
	bool		nulls[2];

	pgwf_require_preloaded();
	PreventCommandDuringRecovery("CALL workflow.query_workflow()");
	pgwf_require_commit(fcinfo, "query_workflow");

	/* from here on in a context that outlives transactions */
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	context = CurrentMemoryContext;
	question = palloc(sizeof(Question));
	read_question(fcinfo, question);

	PG_TRY();
	{
		wait_for_answer(question);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		pgwf_shmem_wait_abort();
		if (!question->asked)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();

		/* that of a look which has failed; those of portals are gone */
		while (question->committed && ActiveSnapshotSet())
			PopActiveSnapshot();
		SPI_rollback();
		withdraw(question);
		SPI_commit();
		ReThrowError(error);
	}
	PG_END_TRY();

	if (question->answer)
		report_failure(question->answer);
	else if (question->rejected_status == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_DEADLINE_EXCEEDED),
				 errmsg("query was not answered in time"),
				 errhint("Is there a worker that polls the task queue of the workflow?")));

	MemoryContextSwitchTo(caller_context);
	if (question->answer)
	{
		pgwf_reader_init(&reader, question->answer);
		result = pgwf_read_jsonb(&reader, "answer");
	}
	else
		rejected = rejection(question->rejected_status);
	values[0] = PointerGetDatum(result);
	nulls[0] = (result == NULL);
	values[1] = PointerGetDatum(rejected);
	nulls[1] = (rejected == NULL);
	SPI_finish();

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "query_workflow must return a row");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}
