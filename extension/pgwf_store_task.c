/*-------------------------------------------------------------------------
 *
 * pgwf_store_task.c
 *		Rows of workflow.workflow_task: the queues of workflow tasks.
 *
 * A task has a row while it waits for a worker.
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
	COL_RANK,
	COL_VERSION_KEY,
	COL_ROUTE_BUCKET,
	COL_STICKY,
	COL_TASK_QUEUE,
	COL_FAIRNESS_WEIGHT,
	COL_FAIRNESS_KEY,
	COLUMN_COUNT
};

void
pgwf_task_read(TupleTableSlot *slot, PgwfTask *task)
{
	Datum	   *v = slot->tts_values;

	task->tid = slot->tts_tid;
	task->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	task->stamp = DatumGetInt32(v[COL_STAMP]);
	task->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	task->scheduled_time = DatumGetTimestampTz(v[COL_SCHEDULED_TIME]);
	task->route.version_key = DatumGetInt32(v[COL_VERSION_KEY]);
	task->route.bucket = DatumGetInt16(v[COL_ROUTE_BUCKET]);
	task->sticky = DatumGetBool(v[COL_STICKY]);
	task->task_queue = TextDatumGetCString(v[COL_TASK_QUEUE]);
	task->place.rank = DatumGetInt64(v[COL_RANK]);
	task->place.fairness_weight = slot->tts_isnull[COL_FAIRNESS_WEIGHT] ? 0 :
		DatumGetFloat4(v[COL_FAIRNESS_WEIGHT]);
	task->place.fairness_key = slot->tts_isnull[COL_FAIRNESS_KEY] ? NULL :
		TextDatumGetCString(v[COL_FAIRNESS_KEY]);
}

static void
write_row(const PgwfTask *task, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(task->namespace_id);
	v[COL_STAMP] = Int32GetDatum(task->stamp);
	v[COL_RUN_KEY] = Int64GetDatum(task->run_key);
	v[COL_SCHEDULED_TIME] = TimestampTzGetDatum(task->scheduled_time);
	v[COL_VERSION_KEY] = Int32GetDatum(task->route.version_key);
	v[COL_ROUTE_BUCKET] = Int16GetDatum(task->route.bucket);
	v[COL_STICKY] = BoolGetDatum(task->sticky);
	v[COL_TASK_QUEUE] = CStringGetTextDatum(task->task_queue);
	v[COL_RANK] = Int64GetDatum(task->place.rank);
	v[COL_FAIRNESS_WEIGHT] = Float4GetDatum(task->place.fairness_weight);
	nulls[COL_FAIRNESS_WEIGHT] = (task->place.fairness_weight == 0);
	if (task->place.fairness_key)
		v[COL_FAIRNESS_KEY] = CStringGetTextDatum(task->place.fairness_key);
	else
		nulls[COL_FAIRNESS_KEY] = true;
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

/* NULL if no workflow task of the run waits */
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

/* Tells those who look for tasks that one waits; "added": not there before */
static void
note_waiting(const PgwfTask *task, bool added)
{
	PgwfQueuePosition position = {task->place.rank, task->scheduled_time};

	pgwf_xact_task_waits(task->namespace_id, PGWF_QUEUE_WORKFLOW,
						 task->task_queue, &task->route, &position, added);
}

/* The same when it waits there no longer */
static void
note_left(const PgwfTask *task, bool dispatched)
{
	pgwf_xact_task_left(task->namespace_id, PGWF_QUEUE_WORKFLOW,
						task->task_queue, dispatched);
	if (!dispatched)
		pgwf_place_left(&task->place, task->namespace_id, PGWF_QUEUE_WORKFLOW,
						task->task_queue, task->route.version_key);
}

void
pgwf_task_insert(PgwfCall *call, const PgwfTask *task)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(task, values, nulls);
	pgwf_table_insert(call, PGWF_WORKFLOW_TASK, values, nulls);
	note_waiting(task, true);
}

/* Puts "task" in the place of the row that was read as "old" */
void
pgwf_task_update(PgwfCall *call, const PgwfTask *old, const PgwfTask *task)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];
	ItemPointerData tid = old->tid;
	bool		stays = strcmp(old->task_queue, task->task_queue) == 0;

	write_row(task, values, nulls);
	pgwf_table_update(call, PGWF_WORKFLOW_TASK, &tid, values, nulls);
	if (!stays)
		note_left(old, false);
	note_waiting(task, !stays);
}

/* A worker has the task now, if it is dispatched, or it is gone */
void
pgwf_task_delete(PgwfCall *call, PgwfTask *task, bool dispatched)
{
	pgwf_table_delete(call, PGWF_WORKFLOW_TASK, &task->tid);
	note_left(task, dispatched);
}

/*
 * The tasks of a queue for a version, or for none: by rank, then
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
