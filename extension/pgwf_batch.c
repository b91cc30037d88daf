/*-------------------------------------------------------------------------
 *
 * pgwf_batch.c
 *		Batch operations (SS 17): what the scheduler does of them in a turn.
 *
 * A turn does a few of the operations of each that is due, as many as its
 * rate allows in a moment, and notes how far it came in the same transaction.
 * An operation that fails is undone and counted; one that would have to wait
 * for a lock ends the turn, and is tried again when the others are done.
 *
 * Locks: the row of the batch operation, then the runs it comes to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "pgwf_batch.h"
#include "pgwf_clock.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_filter_sql.h"
#include "pgwf_json.h"
#include "pgwf_store.h"
#include "pgwf_try.h"

/* Operations of a moment, and how many moments a second has */
#define MAX_OPERATIONS		100
#define MOMENTS_PER_SECOND	10

/* What waits for a lock is tried again so much later */
#define LOCKED_DELAY		USECS_PER_SEC

/* So many runs at most are passed over to come back to */
#define MAX_HELD			1000

static PgwfStatement select_due = {
	.sql = "SELECT namespace_id, job_id, due_at, operation, parameters,"
	" query, executions, rate, reason, identity, progress, last_run_key,"
	" held"
	" FROM workflow.batch_operation"
	" WHERE due_at IS NOT NULL AND due_at <= $1"
	" ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
	.nargs = 1,
	.argtypes = {TIMESTAMPTZOID}
};

static PgwfStatement update_progress = {
	.sql = "UPDATE workflow.batch_operation"
	" SET complete = complete + $3, failure = failure + $4,"
	" last_error = coalesce($5, last_error), progress = $6, due_at = $7,"
	" held = $8"
	" WHERE namespace_id = $1 AND job_id = $2",
	.nargs = 8,
	.argtypes = {INT4OID, TEXTOID, INT8OID, INT8OID, TEXTOID, INT8OID,
	TIMESTAMPTZOID, INT8ARRAYOID}
};

static PgwfStatement update_closed = {
	.sql = "UPDATE workflow.batch_operation"
	" SET state = $3, close_time = $4, due_at = NULL,"
	" last_error = coalesce($5, last_error)"
	" WHERE namespace_id = $1 AND job_id = $2",
	.nargs = 5,
	.argtypes = {INT4OID, TEXTOID, INT2OID, TIMESTAMPTZOID, TEXTOID}
};

/* A batch operation, and what this turn does of it */
typedef struct Batch
{
	int32		namespace_id;
	Datum		job_id;
	TimestampTz due_at;
	char	   *operation;
	Datum		parameters;
	char	   *query;			/* NULL: a list */
	Jsonb	   *executions;
	double		rate;
	Datum		reason;
	Datum		identity;
	bool		no_reason;
	bool		no_identity;
	int64		progress;
	int64		last_run_key;
	List	   *held;			/* positions (int64 *) to come back to */
	int64		complete;
	int64		failure;
	char	   *error;
} Batch;

/* One of the runs it is about */
typedef struct Target
{
	int64	   *position;		/* value of "progress" once it is done */
	char	   *workflow_id;	/* NULL: the run is gone */
	pg_uuid_t  *run_id;			/* NULL: the current run */
} Target;

static List *
read_positions(Datum array)
{
	List	   *positions = NIL;
	Datum	   *elements;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), INT8OID, sizeof(int64),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, NULL,
					  &count);
	for (int i = 0; i < count; i++)
	{
		int64	   *position = palloc(sizeof(int64));

		*position = DatumGetInt64(elements[i]);
		positions = lappend(positions, position);
	}
	return positions;
}

static Datum
write_positions(List *positions)
{
	Datum	   *elements = palloc(Max(list_length(positions), 1) *
								  sizeof(Datum));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, positions)
		elements[count++] = Int64GetDatum(*(int64 *) lfirst(lc));
	return PointerGetDatum(construct_array(elements, count, INT8OID,
										   sizeof(int64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

/* Locks and reads the next batch operation that is due */
static bool
load_due(PgwfCall *call, Batch *batch)
{
	PgwfDbScope scope;
	MemoryContext spi_context;
	Datum		value = TimestampTzGetDatum(call->wall);
	bool		found;
	bool		isnull;

	memset(batch, 0, sizeof(Batch));
	pgwf_db_begin(&scope);
	found = pgwf_db_execute(&select_due, &value, NULL) > 0;
	if (found)
	{
		spi_context = MemoryContextSwitchTo(call->context);
		batch->namespace_id = DatumGetInt32(pgwf_db_value(0, 1, &isnull));
		batch->job_id = pgwf_db_copy(0, 2, call->context, &isnull);
		batch->due_at = DatumGetTimestampTz(pgwf_db_value(0, 3, &isnull));
		batch->operation = pgwf_db_text(0, 4);
		batch->parameters = pgwf_db_copy(0, 5, call->context, &isnull);
		batch->query = pgwf_db_text(0, 6);
		value = pgwf_db_copy(0, 7, call->context, &isnull);
		batch->executions = isnull ? NULL : DatumGetJsonbP(value);
		batch->rate = DatumGetFloat8(pgwf_db_value(0, 8, &isnull));
		batch->reason = pgwf_db_copy(0, 9, call->context, &batch->no_reason);
		batch->identity = pgwf_db_copy(0, 10, call->context,
									   &batch->no_identity);
		batch->progress = DatumGetInt64(pgwf_db_value(0, 11, &isnull));
		batch->last_run_key = DatumGetInt64(pgwf_db_value(0, 12, &isnull));
		batch->held = read_positions(pgwf_db_value(0, 13, &isnull));
		MemoryContextSwitchTo(spi_context);
	}
	pgwf_db_end(&scope);
	return found;
}

/* A search for the next runs of a query */
typedef struct RunSearch
{
	const Batch *batch;
	int			count;			/* at most so many */
	int			found;
	int64		run_keys[MAX_OPERATIONS];
} RunSearch;

static void
search_runs(void *arg)
{
	RunSearch  *search = arg;

	search->found = pgwf_filter_select(search->batch->namespace_id,
									   search->batch->query,
									   search->batch->progress,
									   search->count, search->run_keys);
}

static Target *
make_target(int64 position)
{
	Target	   *target = palloc0(sizeof(Target));

	target->position = palloc(sizeof(int64));
	*target->position = position;
	return target;
}

/* The run of a query at a position, which is its key */
static Target *
load_target(PgwfCall *call, const Batch *batch, int64 position)
{
	Target	   *target = make_target(position);
	PgwfExecution *execution;

	execution = pgwf_execution_load(call, batch->namespace_id, position);
	if (execution)
	{
		target->workflow_id = execution->workflow_id;
		target->run_id = &execution->run_id;
	}
	return target;
}

/* What a search has found */
static List *
load_targets(PgwfCall *call, const RunSearch *search)
{
	const Batch *batch = search->batch;
	List	   *targets = NIL;

	for (int i = 0; i < search->found &&
		 search->run_keys[i] <= batch->last_run_key; i++)
		targets = lappend(targets,
						  load_target(call, batch, search->run_keys[i]));
	return targets;
}

/*
 * The run of the list at a position, counted from 1, or NULL; the elements
 * of the list have been checked.
 */
static Target *
find_in_list(const Batch *batch, int64 position)
{
	Target	   *target;
	JsonbValue *element;
	PgwfReader	reader;
	char	   *run_id;

	element = getIthJsonbValueFromContainer(&batch->executions->root,
											(uint32) (position - 1));
	if (element == NULL)
		return NULL;
	target = make_target(position);
	pgwf_reader_init(&reader, JsonbValueToJsonb(element));
	target->workflow_id = pgwf_read_text(&reader, "workflowId");
	run_id = pgwf_read_text(&reader, "runId");
	if (run_id && run_id[0] != '\0')
		target->run_id =
			DatumGetUUIDP(DirectFunctionCall1(uuid_in,
											  CStringGetDatum(run_id)));
	return target;
}

/* The next ones of the list */
static List *
list_targets(const Batch *batch, int count)
{
	List	   *targets = NIL;

	for (int i = 1; i <= count; i++)
	{
		Target	   *target = find_in_list(batch, batch->progress + i);

		if (target == NULL)
			break;
		targets = lappend(targets, target);
	}
	return targets;
}

/* The first ones of those that were held, which are taken off their list */
static List *
held_targets(PgwfCall *call, Batch *batch, int count)
{
	List	   *targets = NIL;

	while (count-- > 0 && batch->held != NIL)
	{
		int64		position = *(int64 *) linitial(batch->held);

		targets = lappend(targets, batch->query ?
						  load_target(call, batch, position) :
						  find_in_list(batch, position));
		batch->held = list_delete_first(batch->held);
	}
	return targets;
}

typedef struct OperationCall
{
	const Batch *batch;
	const Target *target;
} OperationCall;

static void
run_operation(void *arg)
{
	OperationCall *operation = arg;
	const Batch *batch = operation->batch;
	PgwfBatchCall call = {0};

	call.namespace_id = batch->namespace_id;
	call.workflow_id = operation->target->workflow_id;
	call.run_id = operation->target->run_id;
	call.reason = batch->reason;
	call.no_reason = batch->no_reason;
	call.identity = batch->identity;
	call.no_identity = batch->no_identity;
	call.parameters = batch->parameters;
	pgwf_batch_operation_call(batch->operation, &call);
}

/*
 * Does the operation to a run.  What is closed or gone by now needs nothing
 * done.  Returns false if it has to wait for a lock.
 */
static bool
do_operation(Batch *batch, Target *target)
{
	OperationCall operation = {batch, target};
	ErrorData  *error = NULL;

	CHECK_FOR_INTERRUPTS();
	if (target->workflow_id)
		error = pgwf_try(run_operation, &operation);
	if (error == NULL || error->sqlerrcode == ERRCODE_PGWF_NOT_FOUND)
		batch->complete++;
	else if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
			 error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
			 error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE)
		return false;
	else
	{
		batch->failure++;
		batch->error = error->message;
	}
	return true;
}

static void
write_progress(Batch *batch, TimestampTz due_at)
{
	PgwfDbScope scope;
	Datum		values[8];
	char		nulls[] = "        ";

	pgwf_db_begin(&scope);
	values[0] = Int32GetDatum(batch->namespace_id);
	values[1] = batch->job_id;
	values[2] = Int64GetDatum(batch->complete);
	values[3] = Int64GetDatum(batch->failure);
	values[4] = (Datum) 0;
	if (batch->error)
		values[4] = CStringGetTextDatum(batch->error);
	else
		nulls[4] = 'n';
	values[5] = Int64GetDatum(batch->progress);
	values[6] = TimestampTzGetDatum(due_at);
	values[7] = write_positions(batch->held);
	(void) pgwf_db_execute(&update_progress, values, nulls);
	pgwf_db_end(&scope);
}

static void
close_batch(Batch *batch, PgwfBatchState state, const char *error,
			TimestampTz now)
{
	PgwfDbScope scope;
	Datum		values[5];
	char		nulls[] = "     ";

	pgwf_db_begin(&scope);
	values[0] = Int32GetDatum(batch->namespace_id);
	values[1] = batch->job_id;
	values[2] = Int16GetDatum((int16) state);
	values[3] = TimestampTzGetDatum(now);
	values[4] = (Datum) 0;
	if (error)
		values[4] = CStringGetTextDatum(error);
	else
		nulls[4] = 'n';
	(void) pgwf_db_execute(&update_closed, values, nulls);
	pgwf_db_end(&scope);
}

/*
 * The next runs that a batch operation comes to; false if its query is none
 * any more.
 */
static bool
find_targets(PgwfCall *call, Batch *batch, int count, List **targets)
{
	RunSearch	search = {0};
	ErrorData  *error;

	if (batch->query == NULL)
	{
		*targets = list_targets(batch, count);
		return true;
	}
	search.batch = batch;
	search.count = count;
	error = pgwf_try(search_runs, &search);
	if (error)
	{
		/* it has lost its search attribute, as an example */
		close_batch(batch, PGWF_BATCH_FAILED, error->message, call->now);
		return false;
	}
	*targets = load_targets(call, &search);
	return true;
}

/*
 * Does the operations that a batch operation may do in this moment.  Runs
 * that somebody else holds are passed over, and tried again after all
 * others; the first of them ends the turn, so that the scheduler waits once.
 */
static void
run_batch(PgwfCall *call, Batch *batch)
{
	int			count = (int) ceil(batch->rate / MOMENTS_PER_SECOND);
	List	   *targets = NIL;
	bool		come_back;
	int64		delay;
	TimestampTz due_at;
	ListCell   *lc;

	pgwf_clock_use(call, batch->namespace_id, false);
	count = Max(Min(count, MAX_OPERATIONS), 1);
	if (list_length(batch->held) < MAX_HELD &&
		!find_targets(call, batch, count, &targets))
		return;
	come_back = (targets == NIL);
	if (come_back)
		targets = held_targets(call, batch, count);
	if (targets == NIL)
	{
		close_batch(batch, PGWF_BATCH_COMPLETED, NULL, call->now);
		return;
	}

	delay = (int64) Min(count / batch->rate * USECS_PER_SEC,
						(double) PGWF_MAX_DURATION);
	foreach(lc, targets)
	{
		Target	   *target = lfirst(lc);
		bool		done = do_operation(batch, target);

		if (!come_back)
			batch->progress = *target->position;
		if (done)
			continue;
		batch->held = lappend(batch->held, target->position);
		if (come_back)
			delay = LOCKED_DELAY;
		lc = lnext(targets, lc);
		break;
	}
	if (come_back)
	{
		/* those that were not tried */
		for (; lc != NULL; lc = lnext(targets, lc))
		{
			Target	   *target = lfirst(lc);

			batch->held = lappend(batch->held, target->position);
		}
	}
	due_at = Max(batch->due_at, call->wall - USECS_PER_SEC) + delay;
	write_progress(batch, Max(due_at, call->wall + 1));
	if (batch->held == NIL && (come_back || list_length(targets) < count))
		close_batch(batch, PGWF_BATCH_COMPLETED, NULL, call->now);
}

/* When the first batch operation goes on, from one moment to another */
static TimestampTz
first_due(PgwfCall *call, TimestampTz from, TimestampTz until)
{
	PgwfScan	scan;
	TimestampTz result = DT_NOEND;

	pgwf_scan_begin_due(&scan, call, PGWF_BATCH_OPERATION,
						PGWF_BATCH_OPERATION_DUE_IDX, from, until);
	if (pgwf_scan_next(&scan))
	{
		bool		isnull;

		result = DatumGetTimestampTz(slot_getattr(scan.slot, 4, &isnull));
	}
	pgwf_scan_end(&scan);
	return result;
}

/* Goes on with the batch operations that are due */
void
pgwf_batches_run(PgwfCall *call, int *fired)
{
	Batch		batch;

	while (first_due(call, PGWF_NO_TIME, call->wall) != DT_NOEND)
	{
		if (!load_due(call, &batch))
			break;
		run_batch(call, &batch);
		(*fired)++;
		CommandCounterIncrement();
		pgwf_call_new_snapshot(call);
	}
}

/* The first moment after "after" at which one goes on, or DT_NOEND */
TimestampTz
pgwf_batches_next(PgwfCall *call, TimestampTz after)
{
	return first_due(call, after + 1, DT_NOEND);
}
