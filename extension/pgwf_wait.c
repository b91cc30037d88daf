/*-------------------------------------------------------------------------
 *
 * pgwf_wait.c
 *		The procedures that wait: wait_for_task and
 *		get_workflow_execution_result.
 *
 * A wait must not hold back vacuum, so it happens between transactions: the
 * procedures commit, which ends the snapshot of their CALL, and sleep in a
 * transaction that has neither a snapshot nor an xid.  That is why they are
 * procedures, and refuse to run in a transaction block.
 *
 * The order of steps that loses no wake-up: become a waiter, look at the
 * tables, sleep.  A commit that comes before the look is seen by it; one that
 * comes later finds the waiter.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "pg_workflow.h"
#include "pgwf_clock.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_queue.h"
#include "pgwf_queue_config.h"
#include "pgwf_shmem.h"
#include "pgwf_sleep.h"
#include "pgwf_slot.h"
#include "pgwf_store.h"
#include "pgwf_version.h"

/* The queues of a wait_for_task */
typedef struct WaitedQueue
{
	char		kind;
	char	   *name;
	bool		has_work;
	bool		limited;		/* when tasks are handed out is limited */
} WaitedQueue;

typedef struct WaitedQueues
{
	int			count;
	PgwfVersion version;		/* of the worker; key 0: none */
	WaitedQueue queues[PGWF_MAX_WAIT_QUEUES];
	uint64		keys[PGWF_MAX_WAIT_QUEUES];
} WaitedQueues;

/* A run and, once it has closed, how */
typedef struct Outcome
{
	int64		run_key;
	pg_uuid_t	run_id;
	PgwfStatus	status;
	pg_uuid_t	next_run_id;	/* if has_next: where its chain goes on */
	bool		has_next;
	Jsonb	   *result;
	Jsonb	   *failure;
} Outcome;

PG_FUNCTION_INFO_V1(pgwf_wait_for_task);
PG_FUNCTION_INFO_V1(pgwf_get_workflow_execution_result);

/* ---- wait_for_task ---- */

/*
 * Add the queues of an argument.  Their names live in the current memory
 * context.
 */
static void
add_queues(WaitedQueues *waited, int32 namespace_id, char kind,
		   ArrayType *array)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		WaitedQueue *queue;

		if (waited->count == PGWF_MAX_WAIT_QUEUES)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("cannot wait on more than %d queues",
							PGWF_MAX_WAIT_QUEUES)));
		queue = &waited->queues[waited->count];
		queue->kind = kind;
		queue->name = nulls[i] ? NULL : TextDatumGetCString(names[i]);
		queue->has_work = false;
		queue->limited = false;
		if (queue->name == NULL || queue->name[0] == '\0' ||
			strlen(queue->name) > pgwf_max_id_length)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("name of a task queue is missing or too long")));
		waited->keys[waited->count++] =
			pgwf_shmem_queue_key(namespace_id, kind, queue->name,
								 waited->version.key);
	}
}

/*
 * The version of the worker serves its queues, its own one aside.
 */
static void
register_queues(WaitedQueues *waited, int32 namespace_id,
				const char *sticky_queue)
{
	for (int i = 0; i < waited->count; i++)
	{
		WaitedQueue *queue = &waited->queues[i];

		if (queue->kind == PGWF_QUEUE_ACTIVITY || sticky_queue == NULL ||
			strcmp(queue->name, sticky_queue) != 0)
			pgwf_version_register(namespace_id, &waited->version,
								  queue->kind, queue->name);
	}
}

/*
 * Look at the tables.  True when any of the queues has work.  Otherwise
 * *again is when to look again, because a limit lets tasks be handed out
 * then; DT_NOEND if that is never.
 */
static bool
look_for_work(WaitedQueues *waited, int32 namespace_id, TimestampTz *again)
{
	bool		found = false;

	*again = DT_NOEND;
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < waited->count; i++)
	{
		WaitedQueue *queue = &waited->queues[i];
		TimestampTz ready;

		queue->has_work = pgwf_queue_has_work(namespace_id, queue->kind,
											  queue->name,
											  waited->version.key,
											  &queue->limited, &ready);
		found = found || queue->has_work;
		*again = Min(*again, ready);
	}
	PopActiveSnapshot();
	return found;
}

/* The deadline, or the moment if that is earlier */
static PgwfDeadline
earlier_deadline(const PgwfDeadline *deadline, TimestampTz moment)
{
	PgwfDeadline earlier = *deadline;
	long		remaining;

	if (moment == DT_NOEND)
		return earlier;
	remaining = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
												moment);
	if (remaining < pgwf_remaining_ms(deadline))
		pgwf_set_deadline(&earlier, false, remaining);
	return earlier;
}

static void
wait_for_work(WaitedQueues *waited, int32 namespace_id,
			  const PgwfDeadline *deadline)
{
	static uint32 wait_event = 0;
	bool		rechecking = false;

	if (wait_event == 0)
		wait_event = pgwf_wait_event_new("PgWorkflowWaitForTask");

	for (;;)
	{
		PgwfWake	wake;
		PgwfDeadline look_again;
		TimestampTz again;
		bool		found;
		int			index = 0;

		pgwf_shmem_wait_begin(waited->keys, waited->count);
		found = look_for_work(waited, namespace_id, &again);
		pgwf_commit();
		if (found)
		{
			pgwf_shmem_wait_abort();

			/* as long as there is a backlog, one more waiter each second */
			for (int i = 0; rechecking && i < waited->count; i++)
			{
				if (waited->queues[i].has_work)
					pgwf_slot_recheck_later(waited->keys[i]);
			}
			return;
		}

		look_again = earlier_deadline(deadline, again);
		wake = pgwf_sleep_until_woken(&look_again, wait_event, &index);
		if (wake == PGWF_WAKE_KEY && !waited->queues[index].limited &&
			!pgwf_queue_is_limited(namespace_id, waited->queues[index].kind,
								   waited->queues[index].name))
		{
			waited->queues[index].has_work = true;
			return;
		}
		if (wake == PGWF_WAKE_NONE && pgwf_remaining_ms(deadline) == 0)
			return;
		if (wake == PGWF_WAKE_RECHECK)
			rechecking = true;

		/* those who change limits wake us before they tell all backends */
		pgwf_queue_config_forget();
	}
}

static Datum
queue_array(WaitedQueues *waited, char kind)
{
	Datum		names[PGWF_MAX_WAIT_QUEUES];
	int			count = 0;

	for (int i = 0; i < waited->count; i++)
	{
		if (waited->queues[i].has_work && waited->queues[i].kind == kind)
			names[count++] = CStringGetTextDatum(waited->queues[i].name);
	}
	return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/*
 * CALL workflow.wait_for_task(INOUT workflow_queues, INOUT activity_queues,
 *							   timeout, identity, sticky_queue,
 *							   deployment_name, build_id, versioning_mode,
 *							   namespace)
 *
 * "sticky_queue" tells which of the workflow queues is the worker's own: a
 * version is not known by it.
 */
Datum
pgwf_wait_for_task(PG_FUNCTION_ARGS)
{
	MemoryContext caller_context = CurrentMemoryContext;
	int64		timeout = pgwf_default_wait_timeout;
	const char *volatile identity = NULL;
	const char *namespace = "default";
	int32		namespace_id;
	WaitedQueues waited = {0};
	PgwfDeadline deadline;
	bool		versioned;
	TupleDesc	tupdesc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	pgwf_require_preloaded();
	PreventCommandDuringRecovery("CALL workflow.wait_for_task()");
	pgwf_require_commit(fcinfo, "wait_for_task");

	if (!PG_ARGISNULL(2))
		timeout = pgwf_interval_ms(PG_GETARG_INTERVAL_P(2));
	pgwf_set_deadline(&deadline, false, Min(timeout, pgwf_max_wait_timeout));

	/* from here on in a context that outlives transactions */
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	identity = PG_ARGISNULL(3) ? GetUserNameFromId(GetUserId(), false) :
		text_to_cstring(PG_GETARG_TEXT_PP(3));
	if (!PG_ARGISNULL(8))
		namespace = text_to_cstring(PG_GETARG_TEXT_PP(8));
	namespace_id = pgwf_namespace_check(namespace, PGWF_RIGHT_WORKER);
	versioned = pgwf_arg_version(fcinfo, 5, 6, 7, &waited.version);
	if (versioned)
		pgwf_version_register(namespace_id, &waited.version,
							  PGWF_QUEUE_WORKFLOW, NULL);
	if (!PG_ARGISNULL(0))
		add_queues(&waited, namespace_id, PGWF_QUEUE_WORKFLOW,
				   PG_GETARG_ARRAYTYPE_P_COPY(0));
	if (!PG_ARGISNULL(1))
		add_queues(&waited, namespace_id, PGWF_QUEUE_ACTIVITY,
				   PG_GETARG_ARRAYTYPE_P_COPY(1));
	if (waited.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("no task queue to wait on")));
	if (versioned)
		register_queues(&waited, namespace_id, PG_ARGISNULL(4) ? NULL :
						text_to_cstring(PG_GETARG_TEXT_PP(4)));

	for (int i = 0; i < waited.count; i++)
		pgwf_shmem_note_poller(namespace_id, waited.queues[i].kind,
							   waited.queues[i].name, identity,
							   waited.version.key);
	pgwf_commit();

	PG_TRY();
	{
		wait_for_work(&waited, namespace_id, &deadline);
	}
	PG_CATCH();
	{
		pgwf_shmem_wait_abort();
		PG_RE_THROW();
	}
	PG_END_TRY();

	for (int i = 0; i < waited.count; i++)
		pgwf_shmem_note_poller(namespace_id, waited.queues[i].kind,
							   waited.queues[i].name, identity,
							   waited.version.key);

	MemoryContextSwitchTo(caller_context);
	values[0] = queue_array(&waited, PGWF_QUEUE_WORKFLOW);
	values[1] = queue_array(&waited, PGWF_QUEUE_ACTIVITY);
	SPI_finish();

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "wait_for_task must return a row");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}

/* ---- get_workflow_execution_result ---- */

pg_noreturn static void
not_found(const char *workflow_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("workflow execution not found"),
			 errdetail("There is no run of workflow ID \"%s\", or not the one asked for.",
					   workflow_id)));
}

/*
 * The failure of a run that closed without one of its own: a message and
 * the member that tells its kind.
 */
static void
begin_failure(PgwfObject *failure, const char *message, const char *kind)
{
	pgwf_object_begin(failure);
	pgwf_object_text(failure, "message", message);
	pgwf_object_open(failure, kind);
}

static Jsonb *
end_failure(PgwfObject *failure)
{
	pgwf_object_close(failure);
	return pgwf_object_finish(failure);
}

/*
 * Fill in what the close event says.
 */
static void
read_close_event(Outcome *outcome, const Jsonb *attributes)
{
	PgwfReader	reader;
	PgwfObject	failure;
	char	   *next;
	char	   *reason;

	pgwf_reader_init(&reader, attributes);
	next = pgwf_read_text(&reader, "newExecutionRunId");
	if (next != NULL && next[0] != '\0')
	{
		outcome->has_next = true;
		outcome->next_run_id =
			*DatumGetUUIDP(DirectFunctionCall1(uuid_in,
											   CStringGetDatum(next)));
		return;
	}

	switch (outcome->status)
	{
		case PGWF_STATUS_COMPLETED:
			outcome->result = pgwf_read_jsonb(&reader, "result");
			break;
		case PGWF_STATUS_FAILED:
			outcome->failure = pgwf_read_jsonb(&reader, "failure");
			break;
		case PGWF_STATUS_CANCELED:
			begin_failure(&failure, "Workflow canceled",
						  "canceledFailureInfo");
			pgwf_object_jsonb(&failure, "details",
							  pgwf_read_jsonb(&reader, "details"));
			outcome->failure = end_failure(&failure);
			break;
		case PGWF_STATUS_TERMINATED:
			reason = pgwf_read_text(&reader, "reason");
			begin_failure(&failure,
						  reason && reason[0] ? reason : "Workflow terminated",
						  "terminatedFailureInfo");
			outcome->failure = end_failure(&failure);
			break;
		case PGWF_STATUS_TIMED_OUT:
			begin_failure(&failure, "Workflow timed out",
						  "timeoutFailureInfo");
			pgwf_object_text(&failure, "timeoutType",
							 "TIMEOUT_TYPE_START_TO_CLOSE");
			outcome->failure = end_failure(&failure);
			break;
		default:
			break;
	}
}

/*
 * Read a run, of that id or the current one of the workflow id.  True when it
 * has closed.  Values are made in the current memory context.
 */
static bool
read_run(Outcome *outcome, int32 namespace_id, const char *workflow_id,
		 const pg_uuid_t *run_id)
{
	MemoryContext context = CurrentMemoryContext;
	PgwfCall	call;
	PgwfExecution *execution;
	bool		closed;

	memset(outcome, 0, sizeof(Outcome));
	pgwf_call_begin(&call);
	execution = run_id ?
		pgwf_execution_find_run(&call, namespace_id, run_id) :
		pgwf_execution_find_current(&call, namespace_id, workflow_id);
	if (execution == NULL ||
		strcmp(execution->workflow_id, workflow_id) != 0)
		not_found(workflow_id);

	outcome->run_key = execution->run_key;
	outcome->run_id = execution->run_id;
	outcome->status = execution->status;
	closed = execution->close_time != PGWF_NO_TIME;
	if (closed)
	{
		PgwfEvent  *event = pgwf_event_load_one(&call, namespace_id,
												execution->run_key,
												execution->history_length);
		MemoryContext call_context;

		if (event == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("history of a closed run has lost its last event")));
		call_context = MemoryContextSwitchTo(context);
		read_close_event(outcome, event->attributes);
		MemoryContextSwitchTo(call_context);
	}
	pgwf_call_end(&call);
	return closed;
}

/*
 * Follow the chain of runs to its end, or to the run that is open at the
 * deadline.  Where time is virtual it can be skipped meanwhile.
 */
static void
wait_for_close(Outcome *outcome, FunctionCallInfo fcinfo,
			   int32 namespace_id, const char *workflow_id,
			   pg_uuid_t *run_id, const PgwfDeadline *deadline)
{
	static uint32 wait_event = 0;
	bool		skips = pgwf_namespace_clock(namespace_id) == PGWF_CLOCK_VIRTUAL;
	pg_uuid_t	pinned;
	bool		closed;

	if (wait_event == 0)
		wait_event = pgwf_wait_event_new("PgWorkflowWaitForResult");

	closed = read_run(outcome, namespace_id, workflow_id, run_id);
	for (;;)
	{
		uint64		keys[2];
		int			index;

		/* from the first look on it is this run, whatever starts meanwhile */
		pinned = outcome->has_next ? outcome->next_run_id : outcome->run_id;
		if (closed && !outcome->has_next)
			return;
		if (closed)
		{
			closed = read_run(outcome, namespace_id, workflow_id, &pinned);
			continue;
		}
		if (pgwf_remaining_ms(deadline) == 0)
			return;

		pgwf_require_commit(fcinfo, "get_workflow_execution_result");
		keys[0] = pgwf_shmem_run_key(namespace_id, outcome->run_key);
		keys[1] = pgwf_clock_skip_key(namespace_id);
		pgwf_shmem_wait_begin(keys, skips ? 2 : 1);

		/* commits only after the waiter is there count as later */
		closed = read_run(outcome, namespace_id, workflow_id, &pinned);
		pgwf_commit();
		if (!closed)
		{
			if (skips)
				pgwf_slot_publish_clock(namespace_id);
			(void) pgwf_sleep_until_woken(deadline, wait_event, &index);
			closed = read_run(outcome, namespace_id, workflow_id, &pinned);
		}
		pgwf_shmem_wait_end();
	}
}

/*
 * CALL workflow.get_workflow_execution_result(workflow_id, run_id, timeout,
 *		namespace, INOUT final_run_id, INOUT status, INOUT result,
 *		INOUT failure)
 */
Datum
pgwf_get_workflow_execution_result(PG_FUNCTION_ARGS)
{
	MemoryContext caller_context = CurrentMemoryContext;
	const char *workflow_id;
	const char *namespace = "default";
	pg_uuid_t	run_id;
	int32		namespace_id;
	PgwfDeadline deadline;
	Outcome		outcome;
	TupleDesc	tupdesc;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};
	pg_uuid_t  *final_run_id;

	pgwf_require_preloaded();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("workflow_id is missing")));
	pgwf_set_deadline(&deadline, PG_ARGISNULL(2),
					  PG_ARGISNULL(2) ? 0 : pgwf_interval_ms(PG_GETARG_INTERVAL_P(2)));
	if (!PG_ARGISNULL(1))
		run_id = *PG_GETARG_UUID_P(1);

	SPI_connect_ext(pgwf_may_commit(fcinfo) ? SPI_OPT_NONATOMIC : 0);
	workflow_id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(3))
		namespace = text_to_cstring(PG_GETARG_TEXT_PP(3));
	namespace_id = pgwf_namespace_check(namespace, PGWF_RIGHT_READ);

	PG_TRY();
	{
		wait_for_close(&outcome, fcinfo, namespace_id, workflow_id,
					   PG_ARGISNULL(1) ? NULL : &run_id, &deadline);
	}
	PG_CATCH();
	{
		pgwf_shmem_wait_abort();
		PG_RE_THROW();
	}
	PG_END_TRY();

	MemoryContextSwitchTo(caller_context);
	final_run_id = palloc(sizeof(pg_uuid_t));
	*final_run_id = outcome.run_id;
	values[0] = UUIDPGetDatum(final_run_id);
	values[1] = CStringGetTextDatum(pgwf_status_name(outcome.status));
	nulls[2] = outcome.result == NULL;
	values[2] = nulls[2] ? (Datum) 0 :
		PointerGetDatum(PG_DETOAST_DATUM_COPY(JsonbPGetDatum(outcome.result)));
	nulls[3] = outcome.failure == NULL;
	values[3] = nulls[3] ? (Datum) 0 :
		PointerGetDatum(PG_DETOAST_DATUM_COPY(JsonbPGetDatum(outcome.failure)));
	SPI_finish();

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "get_workflow_execution_result must return a row");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}
