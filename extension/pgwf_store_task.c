/*-------------------------------------------------------------------------
 *
 * pgwf_store_task.c
 *		Rows of workflow.workflow_task: the queues of workflow tasks.
 *
 * A row is written by whoever holds the lock of its run.  Readers of a queue
 * see candidates only; what counts is the locked state of the run, whose
 * wft_stamp must be that of the row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_dispatch.h"
#include "pgwf_json.h"
#include "pgwf_priority.h"
#include "pgwf_store.h"
#include "pgwf_xact.h"

enum
{
	COL_NAMESPACE_ID,
	COL_STAMP,
	COL_RUN_KEY,
	COL_SCHEDULED_TIME,
	COL_DUE_AT,
	COL_RANK,
	COL_VERSION_KEY,
	COL_ROUTE_BUCKET,
	COL_CLAIMED,
	COL_STICKY,
	COL_TASK_QUEUE,
	COL_FAIRNESS_WEIGHT,
	COL_FAIRNESS_KEY,
	COL_REQUEST_ID,
	COLUMN_COUNT
};

static char *
read_text(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? NULL :
		TextDatumGetCString(slot->tts_values[column]);
}

void
pgwf_task_read(TupleTableSlot *slot, PgwfTask *task)
{
	Datum	   *v = slot->tts_values;

	task->tid = slot->tts_tid;
	task->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	task->stamp = DatumGetInt32(v[COL_STAMP]);
	task->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	task->scheduled_time = DatumGetTimestampTz(v[COL_SCHEDULED_TIME]);
	task->due_at = slot->tts_isnull[COL_DUE_AT] ? PGWF_NO_TIME :
		DatumGetTimestampTz(v[COL_DUE_AT]);
	task->route.version_key = DatumGetInt32(v[COL_VERSION_KEY]);
	task->route.bucket = DatumGetInt16(v[COL_ROUTE_BUCKET]);
	task->claimed = DatumGetBool(v[COL_CLAIMED]);
	task->sticky = DatumGetBool(v[COL_STICKY]);
	task->task_queue = TextDatumGetCString(v[COL_TASK_QUEUE]);
	task->place.rank = DatumGetInt64(v[COL_RANK]);
	task->place.fairness_weight = slot->tts_isnull[COL_FAIRNESS_WEIGHT] ? 0 :
		DatumGetFloat4(v[COL_FAIRNESS_WEIGHT]);
	task->place.fairness_key = read_text(slot, COL_FAIRNESS_KEY);
	task->request_id = read_text(slot, COL_REQUEST_ID);
}

static void
write_text(Datum *v, bool *nulls, int column, const char *value)
{
	if (value)
		v[column] = CStringGetTextDatum(value);
	else
		nulls[column] = true;
}

static void
write_row(const PgwfTask *task, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(task->namespace_id);
	v[COL_STAMP] = Int32GetDatum(task->stamp);
	v[COL_RUN_KEY] = Int64GetDatum(task->run_key);
	v[COL_SCHEDULED_TIME] = TimestampTzGetDatum(task->scheduled_time);
	v[COL_DUE_AT] = TimestampTzGetDatum(task->due_at);
	nulls[COL_DUE_AT] = (task->due_at == PGWF_NO_TIME);
	v[COL_VERSION_KEY] = Int32GetDatum(task->route.version_key);
	v[COL_ROUTE_BUCKET] = Int16GetDatum(task->route.bucket);
	v[COL_CLAIMED] = BoolGetDatum(task->claimed);
	v[COL_STICKY] = BoolGetDatum(task->sticky);
	v[COL_TASK_QUEUE] = CStringGetTextDatum(task->task_queue);
	v[COL_RANK] = Int64GetDatum(task->place.rank);
	v[COL_FAIRNESS_WEIGHT] = Float4GetDatum(task->place.fairness_weight);
	nulls[COL_FAIRNESS_WEIGHT] = (task->place.fairness_weight == 0);
	write_text(v, nulls, COL_FAIRNESS_KEY, task->place.fairness_key);
	write_text(v, nulls, COL_REQUEST_ID, task->request_id);
}

/* Where a task that was read is in the index of its queue */
PgwfQueuePosition
pgwf_task_position(TupleTableSlot *slot)
{
	PgwfQueuePosition position;

	position.rank = DatumGetInt64(slot->tts_values[COL_RANK]);
	position.time = DatumGetTimestampTz(slot->tts_values[COL_SCHEDULED_TIME]);
	return position;
}

/* NULL if the run has no workflow task */
PgwfTask *
pgwf_task_load(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	PgwfTask   *task = NULL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_WORKFLOW_TASK,
					PGWF_WORKFLOW_TASK_PKEY, keys, lengthof(keys));
	if (pgwf_scan_next(&scan))
	{
		task = palloc(sizeof(PgwfTask));
		pgwf_task_read(scan.slot, task);
	}
	pgwf_scan_end(&scan);
	return task;
}

/*
 * Tells those who look for tasks what becomes of the one that was "old" and
 * is "new"; NULL: there was, or is, none.
 */
static void
note_change(const PgwfTask *old, const PgwfTask *new)
{
	bool		waited = old && !old->claimed;
	bool		waits = new && !new->claimed;
	bool		stays = waited && waits &&
	strcmp(old->task_queue, new->task_queue) == 0;

	if (waited && !stays)
	{
		bool		dispatched = new && new->claimed;

		pgwf_xact_task_left(old->namespace_id, PGWF_QUEUE_WORKFLOW,
							old->task_queue, dispatched);
		if (!dispatched)
			pgwf_place_left(&old->place, old->namespace_id,
							PGWF_QUEUE_WORKFLOW, old->task_queue,
							old->route.version_key);
	}
	if (waits)
	{
		PgwfQueuePosition position = {new->place.rank, new->scheduled_time};

		pgwf_xact_task_waits(new->namespace_id, PGWF_QUEUE_WORKFLOW,
							 new->task_queue, &new->route, &position,
							 !stays);
	}
}

void
pgwf_task_insert(PgwfCall *call, const PgwfTask *task)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(task, values, nulls);
	pgwf_table_insert(call, PGWF_WORKFLOW_TASK, values, nulls);
	note_change(NULL, task);
}

/* Puts "task" in the place of the row that was read as "old" */
void
pgwf_task_update(PgwfCall *call, const PgwfTask *old, const PgwfTask *task)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];
	ItemPointerData tid = old->tid;

	write_row(task, values, nulls);
	pgwf_table_update(call, PGWF_WORKFLOW_TASK, &tid, values, nulls);
	note_change(old, task);
}

void
pgwf_task_delete(PgwfCall *call, PgwfTask *task)
{
	pgwf_table_delete(call, PGWF_WORKFLOW_TASK, &task->tid);
	note_change(task, NULL);
}

/*
 * The unclaimed tasks of a queue for a version, or for none: by rank, then
 * oldest first; those before "start" are left out
 */
void
pgwf_task_queue_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id,
					 const char *task_queue, int32 version_key,
					 const PgwfQueuePosition *start)
{
	PgwfKey		keys[3];
	PgwfRowKey	from = {4, start->rank, start->time};

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(task_queue));
	keys[2] = PGWF_EQUAL_KEY(3, Int32GetDatum(version_key));
	pgwf_scan_begin_from(scan, call, PGWF_WORKFLOW_TASK,
						 PGWF_WORKFLOW_TASK_QUEUE_IDX, keys,
						 version_key == PGWF_ANY_VERSION ? 2 : 3,
						 start->rank == PG_INT64_MIN ? NULL : &from);
}

/*
 * The first or the last pass of the tasks of a version and a class; 0 if
 * there are none
 */
int64
pgwf_task_queue_pass(PgwfCall *call, int32 namespace_id,
					 const char *task_queue, int32 version_key, int class_,
					 bool last)
{
	PgwfKey		keys[5];
	PgwfScan	scan;
	int64		pass = 0;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(task_queue));
	keys[2] = PGWF_EQUAL_KEY(3, Int32GetDatum(version_key));
	keys[3] = (PgwfKey) {4, BTGreaterEqualStrategyNumber,
						 Int64GetDatum(PGWF_RANK(class_, 0))};
	keys[4] = (PgwfKey) {4, BTLessEqualStrategyNumber,
						 Int64GetDatum(PGWF_RANK(class_, PGWF_MAX_PASS))};
	if (last)
		pgwf_scan_begin_last(&scan, call, PGWF_WORKFLOW_TASK,
							 PGWF_WORKFLOW_TASK_QUEUE_IDX, keys,
							 lengthof(keys));
	else
		pgwf_scan_begin(&scan, call, PGWF_WORKFLOW_TASK,
						PGWF_WORKFLOW_TASK_QUEUE_IDX, keys, lengthof(keys));
	if (pgwf_scan_next(&scan))
		pass = PGWF_RANK_PASS(DatumGetInt64(scan.slot->tts_values[COL_RANK]));
	pgwf_scan_end(&scan);
	return pass;
}

/* The tasks that polls of a request id have claimed */
void
pgwf_task_request_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id,
					   const char *request_id)
{
	PgwfKey		keys[2];

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(request_id));
	pgwf_scan_begin(scan, call, PGWF_WORKFLOW_TASK,
					PGWF_WORKFLOW_TASK_REQUEST_IDX, keys, lengthof(keys));
}

/* The tasks due from one moment to another, earliest first */
void
pgwf_task_due_scan(PgwfScan *scan, PgwfCall *call, TimestampTz from,
				   TimestampTz until)
{
	pgwf_scan_begin_due(scan, call, PGWF_WORKFLOW_TASK, PGWF_WORKFLOW_TASK_DUE_IDX,
						from, until);
}

/* All of a namespace */
void
pgwf_task_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id)
{
	pgwf_scan_begin_namespace(scan, call, PGWF_WORKFLOW_TASK, PGWF_WORKFLOW_TASK_PKEY,
							  namespace_id);
}
