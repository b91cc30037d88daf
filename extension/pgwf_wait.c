/*-------------------------------------------------------------------------
 *
 * pgwf_wait.c
 *		Waiting for tasks and for results: wait_for_task, wait_and_poll and
 *		get_workflow_execution_result.
 *
 * They sleep between transactions, as pgwf_sleep.c says; wait_and_poll claims
 * what it has found in a transaction of its own.
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
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_poll.h"
#include "pgwf_queue.h"
#include "pgwf_queue_config.h"
#include "pgwf_shmem.h"
#include "pgwf_sleep.h"
#include "pgwf_slot.h"
#include "pgwf_store.h"
#include "pgwf_version.h"

/* A queue of a wait for tasks */
typedef struct WaitedQueue
{
	char		kind;
	char	   *name;
	bool		own;			/* the worker's, of no version */
	bool		has_work;
	bool		limited;		/* when tasks are handed out is limited */
} WaitedQueue;

/*
 * A wait for tasks, which perhaps claims some, with all it needs in the
 * context of the procedure
 */
typedef struct WaitedQueues
{
	int			count;
	const char *namespace;
	int32		namespace_id;
	char	   *identity;
	PgwfVersion version;		/* of the worker; key 0: none */
	int			max_workflow_tasks; /* to be claimed, still */
	int			max_activity_tasks;
	StringInfoData workflow_tasks;	/* claimed, without brackets */
	StringInfoData activity_tasks;
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
PG_FUNCTION_INFO_V1(pgwf_wait_and_poll);
PG_FUNCTION_INFO_V1(pgwf_get_workflow_execution_result);

/* ---- wait_for_task ---- */

/*
 * Add the queues of an argument.  Their names live in the current memory
 * context.
 */
static void
add_queues(WaitedQueues *waited, char kind, ArrayType *array,
		   const char *sticky_queue)
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
		pgwf_check_task_queue(queue->name);
		queue->own = kind == PGWF_QUEUE_WORKFLOW && sticky_queue != NULL &&
			strcmp(queue->name, sticky_queue) == 0;
		waited->keys[waited->count++] =
			pgwf_shmem_queue_key(waited->namespace_id, kind, queue->name,
								 waited->version.key);
	}
}

/*
 * The version of the worker serves its queues, its own one aside.
 */
static void
register_queues(WaitedQueues *waited)
{
	for (int i = 0; i < waited->count; i++)
	{
		WaitedQueue *queue = &waited->queues[i];

		if (!queue->own)
			pgwf_version_register(waited->namespace_id, &waited->version,
								  queue->kind, queue->name);
	}
}

/*
 * The worker is there, for all its queues.  At the end of the wait its own
 * queue is left alone: the worker may have been shut down meanwhile.
 */
static void
note_pollers(WaitedQueues *waited, bool at_end)
{
	for (int i = 0; i < waited->count; i++)
	{
		WaitedQueue *queue = &waited->queues[i];

		if (queue->own && !at_end)
			pgwf_shmem_own_queue(waited->namespace_id, queue->name);
		if (!queue->own || !at_end)
			pgwf_shmem_note_poller(waited->namespace_id, queue->kind,
								   queue->name, waited->identity,
								   waited->version.key);
		else
			(void) pgwf_shmem_touch_poller(waited->namespace_id, queue->kind,
										   queue->name, waited->identity,
										   waited->version.key);
	}
}

/*
 * Look at the tables.  True when any of the queues has work.  Otherwise
 * *again is when to look again, because a limit lets tasks be handed out
 * then; DT_NOEND if that is never.
 */
static bool
look_for_work(WaitedQueues *waited, TimestampTz *again)
{
	bool		found = false;

	*again = DT_NOEND;
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < waited->count; i++)
	{
		WaitedQueue *queue = &waited->queues[i];
		TimestampTz ready;

		queue->has_work = pgwf_queue_has_work(waited->namespace_id,
											  queue->kind, queue->name,
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

/*
 * Claim from the queues that are believed to have work, as far as that is
 * wanted; those that have more of it keep being believed to.
 */
static bool
claim_work(WaitedQueues *waited)
{
	bool		claimed = false;

	for (int i = 0; i < waited->count; i++)
	{
		WaitedQueue *queue = &waited->queues[i];
		bool		is_activity = queue->kind == PGWF_QUEUE_ACTIVITY;
		int		   *left = is_activity ? &waited->max_activity_tasks :
		&waited->max_workflow_tasks;
		PgwfClaim	claim;
		int			n;

		if (!queue->has_work || *left == 0)
			continue;
		claim.namespace = waited->namespace;
		claim.kind = queue->kind;
		claim.task_queue = queue->name;
		claim.sticky = queue->own;
		claim.max_tasks = *left;
		claim.identity = waited->identity;
		claim.version = waited->version;
		n = pgwf_poll_claim(&claim, is_activity ? &waited->activity_tasks :
							&waited->workflow_tasks, &queue->has_work);
		*left -= n;
		claimed = claimed || n > 0;
	}
	return claimed;
}

static bool
any_has_work(const WaitedQueues *waited)
{
	for (int i = 0; i < waited->count; i++)
	{
		if (waited->queues[i].has_work)
			return true;
	}
	return false;
}

/* Has the worker been shut down since it began to wait? */
static bool
is_shut_down(const WaitedQueues *waited)
{
	for (int i = 0; i < waited->count; i++)
	{
		const WaitedQueue *queue = &waited->queues[i];

		if (queue->own &&
			!pgwf_shmem_touch_poller(waited->namespace_id, queue->kind,
									 queue->name, waited->identity,
									 waited->version.key))
			return true;
	}
	return false;
}

/*
 * Wait until there is work, and claim it if that is wanted.  When others were
 * faster, go on waiting.
 */
static void
wait_for_work(WaitedQueues *waited, const PgwfDeadline *deadline)
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
		found = look_for_work(waited, &again);
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
			(void) claim_work(waited);
			return;
		}

		look_again = earlier_deadline(deadline, again);
		wake = pgwf_sleep_until_woken(&look_again, wait_event, &index);
		if (wake == PGWF_WAKE_KEY && !waited->queues[index].limited &&
			!pgwf_queue_is_limited(waited->namespace_id,
								   waited->queues[index].kind,
								   waited->queues[index].name))
		{
			waited->queues[index].has_work = true;
			if (claim_work(waited) || any_has_work(waited) ||
				is_shut_down(waited))
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

/* Tasks claimed as a JSON array, NULL if there are none */
static Datum
task_array(const StringInfo tasks, bool *isnull)
{
	StringInfoData array;

	*isnull = tasks->len == 0;
	if (*isnull)
		return (Datum) 0;
	initStringInfo(&array);
	appendStringInfoChar(&array, '[');
	appendBinaryStringInfo(&array, tasks->data, tasks->len);
	appendStringInfoChar(&array, ']');
	return PointerGetDatum(cstring_to_text_with_len(array.data, array.len));
}

/*
 * What both procedures that wait for tasks do.  Their first eight arguments
 * are the same, and the last one is the namespace.
 */
static Datum
wait_for_tasks(FunctionCallInfo fcinfo, const char *procedure,
			   int max_workflow_tasks, int max_activity_tasks)
{
	MemoryContext caller_context = CurrentMemoryContext;
	int64		timeout = pgwf_default_wait_timeout;
	int			namespace = PG_NARGS() - 1;
	const char *sticky_queue;
	WaitedQueues waited = {0};
	PgwfDeadline deadline;
	bool		versioned;
	TupleDesc	tupdesc;
	Datum		values[4];
	bool		nulls[4] = {false};

	pgwf_require_preloaded();
	PreventCommandDuringRecovery(psprintf("CALL workflow.%s()", procedure));
	pgwf_require_commit(fcinfo, procedure);

	if (!PG_ARGISNULL(2))
		timeout = pgwf_interval_ms(PG_GETARG_INTERVAL_P(2));
	pgwf_set_deadline(&deadline, false, Min(timeout, pgwf_max_wait_timeout));

	/* from here on in a context that outlives transactions */
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	waited.identity = PG_ARGISNULL(3) ?
		pstrdup(GetUserNameFromId(GetUserId(), false)) :
		text_to_cstring(PG_GETARG_TEXT_PP(3));
	waited.namespace = PG_ARGISNULL(namespace) ? "default" :
		text_to_cstring(PG_GETARG_TEXT_PP(namespace));
	waited.namespace_id = pgwf_namespace_check(waited.namespace,
											   PGWF_RIGHT_WORKER);
	waited.max_workflow_tasks = max_workflow_tasks;
	waited.max_activity_tasks = max_activity_tasks;
	initStringInfo(&waited.workflow_tasks);
	initStringInfo(&waited.activity_tasks);
	versioned = pgwf_arg_version(fcinfo, 5, 6, 7, &waited.version);
	if (versioned)
		pgwf_version_register(waited.namespace_id, &waited.version,
							  PGWF_QUEUE_WORKFLOW, NULL);
	sticky_queue = PG_ARGISNULL(4) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(4));
	if (!PG_ARGISNULL(0))
		add_queues(&waited, PGWF_QUEUE_WORKFLOW,
				   PG_GETARG_ARRAYTYPE_P_COPY(0), sticky_queue);
	if (!PG_ARGISNULL(1))
		add_queues(&waited, PGWF_QUEUE_ACTIVITY,
				   PG_GETARG_ARRAYTYPE_P_COPY(1), NULL);
	if (waited.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("no task queue to wait on")));
	if (versioned)
		register_queues(&waited);
	note_pollers(&waited, false);
	pgwf_commit();

	PG_TRY();
	{
		wait_for_work(&waited, &deadline);
	}
	PG_CATCH();
	{
		pgwf_shmem_wait_abort();
		PG_RE_THROW();
	}
	PG_END_TRY();

	note_pollers(&waited, true);

	/*
	 * Before the client gets its tasks: it may answer others first, on
	 * another connection, and must not wait there for runs that are locked
	 * here until it has read them.
	 */
	pgwf_commit();

	MemoryContextSwitchTo(caller_context);
	values[0] = queue_array(&waited, PGWF_QUEUE_WORKFLOW);
	values[1] = queue_array(&waited, PGWF_QUEUE_ACTIVITY);
	values[2] = task_array(&waited.workflow_tasks, &nulls[2]);
	values[3] = task_array(&waited.activity_tasks, &nulls[3]);
	SPI_finish();

	/* wait_for_task has but the first two columns */
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "%s must return a row", procedure);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
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
	return wait_for_tasks(fcinfo, "wait_for_task", 0, 0);
}

/*
 * CALL workflow.wait_and_poll(INOUT workflow_queues, INOUT activity_queues,
 *							   timeout, identity, sticky_queue,
 *							   deployment_name, build_id, versioning_mode,
 *							   max_workflow_tasks, max_activity_tasks,
 *							   INOUT workflow_tasks, INOUT activity_tasks,
 *							   namespace)
 *
 * The same, and claims what it finds.
 */
Datum
pgwf_wait_and_poll(PG_FUNCTION_ARGS)
{
	int			max_workflow_tasks;
	int			max_activity_tasks;

	max_workflow_tasks = pgwf_arg_int(fcinfo, 8, "max_workflow_tasks", 1, 0,
									  PGWF_MAX_TASKS_PER_POLL);
	max_activity_tasks = pgwf_arg_int(fcinfo, 9, "max_activity_tasks", 1, 0,
									  PGWF_MAX_TASKS_PER_POLL);
	return wait_for_tasks(fcinfo, "wait_and_poll", max_workflow_tasks,
						  max_activity_tasks);
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
