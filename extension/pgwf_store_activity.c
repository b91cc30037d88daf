/*-------------------------------------------------------------------------
 *
 * pgwf_store_activity.c
 *		Rows of workflow.activity: pending activities and their queues.
 *
 * Rows come and go under the lock of their run.  A claim and a heartbeat
 * lock just the activity's own row, so whoever holds the run's lock must
 * lock a row that exists before changing it.
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
	COL_STATE,
	COL_FLAGS,
	COL_RUN_KEY,
	COL_SCHEDULED_EVENT_ID,
	COL_DUE_AT,
	COL_ATTEMPT,
	COL_STAMP,
	COL_RANK,
	COL_MAXIMUM_ATTEMPTS,
	COL_COUNTED_SIZE,
	COL_CANCEL_REQUESTED_EVENT_ID,
	COL_SCHEDULED_TIME,
	COL_ATTEMPT_SCHEDULED_TIME,
	COL_STARTED_TIME,
	COL_LAST_HEARTBEAT_TIME,
	COL_SCHEDULE_TO_CLOSE_US,
	COL_SCHEDULE_TO_START_US,
	COL_START_TO_CLOSE_US,
	COL_HEARTBEAT_US,
	COL_INITIAL_INTERVAL_US,
	COL_MAXIMUM_INTERVAL_US,
	COL_BACKOFF_COEFFICIENT,
	COL_VERSION_KEY,
	COL_ROUTE_BUCKET,
	COL_TASK_QUEUE,
	COL_ACTIVITY_ID,
	COL_ACTIVITY_TYPE,
	COL_FAIRNESS_WEIGHT,
	COL_FAIRNESS_KEY,
	COL_IDENTITY,
	COL_REQUEST_ID,
	COL_NON_RETRYABLE_ERROR_TYPES,
	COL_LAST_FAILURE,
	COL_HEARTBEAT_DETAILS,
	COLUMN_COUNT
};

static Jsonb *
read_jsonb(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? NULL :
		DatumGetJsonbPCopy(slot->tts_values[column]);
}

static char *
read_text(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? NULL :
		TextDatumGetCString(slot->tts_values[column]);
}

void
pgwf_activity_read(TupleTableSlot *slot, PgwfActivity *row)
{
	Datum	   *v;

	slot_getallattrs(slot);
	v = slot->tts_values;
	row->tid = slot->tts_tid;
	row->change = PGWF_ROW_UNCHANGED;
	row->locked = false;
	row->eager = false;
	row->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	row->state = (PgwfActivityState) DatumGetInt16(v[COL_STATE]);
	row->flags = DatumGetInt16(v[COL_FLAGS]);
	row->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	row->scheduled_event_id = DatumGetInt64(v[COL_SCHEDULED_EVENT_ID]);
	row->due_at = slot->tts_isnull[COL_DUE_AT] ? PGWF_NO_TIME :
		DatumGetTimestampTz(v[COL_DUE_AT]);
	row->attempt = DatumGetInt32(v[COL_ATTEMPT]);
	row->stamp = DatumGetInt32(v[COL_STAMP]);
	row->place.rank = DatumGetInt64(v[COL_RANK]);
	row->maximum_attempts = DatumGetInt32(v[COL_MAXIMUM_ATTEMPTS]);
	row->counted_size = DatumGetInt32(v[COL_COUNTED_SIZE]);
	row->cancel_requested_event_id =
		DatumGetInt64(v[COL_CANCEL_REQUESTED_EVENT_ID]);
	row->scheduled_time = DatumGetTimestampTz(v[COL_SCHEDULED_TIME]);
	row->attempt_scheduled_time =
		DatumGetTimestampTz(v[COL_ATTEMPT_SCHEDULED_TIME]);
	row->started_time = DatumGetTimestampTz(v[COL_STARTED_TIME]);
	row->last_heartbeat_time =
		DatumGetTimestampTz(v[COL_LAST_HEARTBEAT_TIME]);
	row->schedule_to_close = DatumGetInt64(v[COL_SCHEDULE_TO_CLOSE_US]);
	row->schedule_to_start = DatumGetInt64(v[COL_SCHEDULE_TO_START_US]);
	row->start_to_close = DatumGetInt64(v[COL_START_TO_CLOSE_US]);
	row->heartbeat = DatumGetInt64(v[COL_HEARTBEAT_US]);
	row->initial_interval = DatumGetInt64(v[COL_INITIAL_INTERVAL_US]);
	row->maximum_interval = DatumGetInt64(v[COL_MAXIMUM_INTERVAL_US]);
	row->backoff_coefficient = DatumGetFloat8(v[COL_BACKOFF_COEFFICIENT]);
	row->route.version_key = DatumGetInt32(v[COL_VERSION_KEY]);
	row->route.bucket = DatumGetInt16(v[COL_ROUTE_BUCKET]);
	row->task_queue = read_text(slot, COL_TASK_QUEUE);
	row->waits_in = row->state == PGWF_ACTIVITY_SCHEDULED ?
		row->task_queue : NULL;
	row->activity_id = read_text(slot, COL_ACTIVITY_ID);
	row->activity_type = read_text(slot, COL_ACTIVITY_TYPE);
	row->place.fairness_weight = slot->tts_isnull[COL_FAIRNESS_WEIGHT] ? 0 :
		DatumGetFloat4(v[COL_FAIRNESS_WEIGHT]);
	row->place.fairness_key = read_text(slot, COL_FAIRNESS_KEY);
	row->identity = read_text(slot, COL_IDENTITY);
	row->request_id = read_text(slot, COL_REQUEST_ID);
	row->non_retryable_error_types =
		read_jsonb(slot, COL_NON_RETRYABLE_ERROR_TYPES);
	row->last_failure = read_jsonb(slot, COL_LAST_FAILURE);
	row->heartbeat_details = read_jsonb(slot, COL_HEARTBEAT_DETAILS);
}

/* Where an activity that was read is in the index of its queue */
PgwfQueuePosition
pgwf_activity_position(TupleTableSlot *slot)
{
	PgwfQueuePosition position;

	position.rank = DatumGetInt64(slot->tts_values[COL_RANK]);
	position.time =
		DatumGetTimestampTz(slot->tts_values[COL_ATTEMPT_SCHEDULED_TIME]);
	return position;
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
write_jsonb(Datum *v, bool *nulls, int column, Jsonb *value)
{
	v[column] = PointerGetDatum(value);
	nulls[column] = (value == NULL);
}

static void
write_row(const PgwfActivity *row, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(row->namespace_id);
	v[COL_STATE] = Int16GetDatum((int16) row->state);
	v[COL_FLAGS] = Int16GetDatum(row->flags);
	v[COL_RUN_KEY] = Int64GetDatum(row->run_key);
	v[COL_SCHEDULED_EVENT_ID] = Int64GetDatum(row->scheduled_event_id);
	v[COL_DUE_AT] = TimestampTzGetDatum(row->due_at);
	nulls[COL_DUE_AT] = (row->due_at == PGWF_NO_TIME);
	v[COL_ATTEMPT] = Int32GetDatum(row->attempt);
	v[COL_STAMP] = Int32GetDatum(row->stamp);
	v[COL_RANK] = Int64GetDatum(row->place.rank);
	v[COL_MAXIMUM_ATTEMPTS] = Int32GetDatum(row->maximum_attempts);
	v[COL_COUNTED_SIZE] = Int32GetDatum(row->counted_size);
	v[COL_CANCEL_REQUESTED_EVENT_ID] =
		Int64GetDatum(row->cancel_requested_event_id);
	v[COL_SCHEDULED_TIME] = TimestampTzGetDatum(row->scheduled_time);
	v[COL_ATTEMPT_SCHEDULED_TIME] =
		TimestampTzGetDatum(row->attempt_scheduled_time);
	v[COL_STARTED_TIME] = TimestampTzGetDatum(row->started_time);
	v[COL_LAST_HEARTBEAT_TIME] =
		TimestampTzGetDatum(row->last_heartbeat_time);
	v[COL_SCHEDULE_TO_CLOSE_US] = Int64GetDatum(row->schedule_to_close);
	v[COL_SCHEDULE_TO_START_US] = Int64GetDatum(row->schedule_to_start);
	v[COL_START_TO_CLOSE_US] = Int64GetDatum(row->start_to_close);
	v[COL_HEARTBEAT_US] = Int64GetDatum(row->heartbeat);
	v[COL_INITIAL_INTERVAL_US] = Int64GetDatum(row->initial_interval);
	v[COL_MAXIMUM_INTERVAL_US] = Int64GetDatum(row->maximum_interval);
	v[COL_BACKOFF_COEFFICIENT] = Float8GetDatum(row->backoff_coefficient);
	v[COL_VERSION_KEY] = Int32GetDatum(row->route.version_key);
	v[COL_ROUTE_BUCKET] = Int16GetDatum(row->route.bucket);
	write_text(v, nulls, COL_TASK_QUEUE, row->task_queue);
	write_text(v, nulls, COL_ACTIVITY_ID, row->activity_id);
	write_text(v, nulls, COL_ACTIVITY_TYPE, row->activity_type);
	v[COL_FAIRNESS_WEIGHT] = Float4GetDatum(row->place.fairness_weight);
	nulls[COL_FAIRNESS_WEIGHT] = (row->place.fairness_weight == 0);
	write_text(v, nulls, COL_FAIRNESS_KEY, row->place.fairness_key);
	write_text(v, nulls, COL_IDENTITY, row->identity);
	write_text(v, nulls, COL_REQUEST_ID, row->request_id);
	write_jsonb(v, nulls, COL_NON_RETRYABLE_ERROR_TYPES,
				row->non_retryable_error_types);
	write_jsonb(v, nulls, COL_LAST_FAILURE, row->last_failure);
	write_jsonb(v, nulls, COL_HEARTBEAT_DETAILS, row->heartbeat_details);
}

#define ROW_KEYS 3

static void
row_keys(PgwfKey *keys, int32 namespace_id, int64 run_key,
		 int64 scheduled_event_id)
{
	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	keys[2] = PGWF_EQUAL_KEY(3, Int64GetDatum(scheduled_event_id));
}

/* The pending activities of a run in the order of their scheduling */
List *
pgwf_activity_load_all(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[ROW_KEYS];
	PgwfScan	scan;
	List	   *activities = NIL;

	row_keys(keys, namespace_id, run_key, 0);
	pgwf_scan_begin(&scan, call, PGWF_ACTIVITY, PGWF_ACTIVITY_PKEY, keys,
					ROW_KEYS - 1);
	while (pgwf_scan_next(&scan))
	{
		PgwfActivity *activity = palloc(sizeof(PgwfActivity));

		pgwf_activity_read(scan.slot, activity);
		activities = lappend(activities, activity);
	}
	pgwf_scan_end(&scan);
	return activities;
}

/* NULL if it is not pending */
PgwfActivity *
pgwf_activity_load(PgwfCall *call, int32 namespace_id, int64 run_key,
				   int64 scheduled_event_id)
{
	PgwfKey		keys[ROW_KEYS];
	PgwfScan	scan;
	PgwfActivity *activity = NULL;

	row_keys(keys, namespace_id, run_key, scheduled_event_id);
	if (pgwf_scan_begin_row(&scan, call, PGWF_ACTIVITY, PGWF_ACTIVITY_PKEY,
							keys, ROW_KEYS))
	{
		activity = palloc(sizeof(PgwfActivity));
		pgwf_activity_read(scan.slot, activity);
	}
	pgwf_scan_end(&scan);
	return activity;
}

/* Locks an activity and reads it again as it is now */
PgwfLockResult
pgwf_activity_lock(PgwfCall *call, PgwfActivity *activity,
				   LockWaitPolicy policy)
{
	PgwfLockResult result;

	if (activity->locked || activity->change == PGWF_ROW_INSERT)
		return PGWF_LOCK_OK;
	result = pgwf_table_lock(call, PGWF_ACTIVITY, &activity->tid, policy);
	if (result == PGWF_LOCK_OK)
	{
		pgwf_activity_read(pgwf_table(call, PGWF_ACTIVITY)->locked, activity);
		activity->locked = true;
	}
	return result;
}

/*
 * Tells those who look for tasks what becomes of an activity that has been
 * written: the queue that it waits in, or NULL.
 */
static void
note_change(const PgwfActivity *activity, const char *queue)
{
	const char *old = activity->waits_in;
	bool		stays = old && queue && strcmp(old, queue) == 0;

	if (old && !stays)
	{
		bool		dispatched = activity->state == PGWF_ACTIVITY_STARTED;

		pgwf_xact_task_left(activity->namespace_id, PGWF_QUEUE_ACTIVITY, old,
							dispatched);
		if (!dispatched)
			pgwf_place_left(&activity->place, activity->namespace_id,
							PGWF_QUEUE_ACTIVITY, old,
							activity->route.version_key);
	}
	if (queue)
	{
		PgwfQueuePosition position =
		{activity->place.rank, activity->attempt_scheduled_time};

		pgwf_xact_task_waits(activity->namespace_id, PGWF_QUEUE_ACTIVITY,
							 queue, &activity->route, &position, !stays);
	}
}

static const char *
queue_of(const PgwfActivity *activity)
{
	return activity->state == PGWF_ACTIVITY_SCHEDULED ?
		activity->task_queue : NULL;
}

void
pgwf_activity_insert(PgwfCall *call, const PgwfActivity *activity)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];
	PgwfKey		keys[ROW_KEYS];

	write_row(activity, values, nulls);
	pgwf_table_insert(call, PGWF_ACTIVITY, values, nulls);
	row_keys(keys, activity->namespace_id, activity->run_key,
			 activity->scheduled_event_id);
	pgwf_scan_note_row(PGWF_ACTIVITY_PKEY, keys, ROW_KEYS,
					   &pgwf_table(call, PGWF_ACTIVITY)->row->tts_tid);
	note_change(activity, queue_of(activity));
}

void
pgwf_activity_update(PgwfCall *call, PgwfActivity *activity)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	Assert(activity->locked);
	write_row(activity, values, nulls);
	pgwf_table_update(call, PGWF_ACTIVITY, &activity->tid, values, nulls);
	note_change(activity, queue_of(activity));
}

void
pgwf_activity_delete(PgwfCall *call, PgwfActivity *activity)
{
	Assert(activity->locked);
	pgwf_table_delete(call, PGWF_ACTIVITY, &activity->tid);
	note_change(activity, NULL);
}

/*
 * The activities that wait in a queue for a version, or for none: by rank,
 * then oldest first; those before "start" are left out
 */
void
pgwf_activity_queue_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id,
						 const char *task_queue, int32 version_key,
						 const PgwfQueuePosition *start)
{
	PgwfKey		keys[3];
	PgwfRowKey	from = {4, start->rank, start->time};

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(task_queue));
	keys[2] = PGWF_EQUAL_KEY(3, Int32GetDatum(version_key));
	pgwf_scan_begin_from(scan, call, PGWF_ACTIVITY,
						 PGWF_ACTIVITY_QUEUE_IDX, keys,
						 version_key == PGWF_ANY_VERSION ? 2 : 3,
						 start->rank == PG_INT64_MIN ? NULL : &from);
}

/*
 * The first or the last pass of the tasks of a version and a class; 0 if
 * there are none
 */
int64
pgwf_activity_queue_pass(PgwfCall *call, int32 namespace_id,
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
		pgwf_scan_begin_last(&scan, call, PGWF_ACTIVITY,
							 PGWF_ACTIVITY_QUEUE_IDX, keys,
							 lengthof(keys));
	else
		pgwf_scan_begin(&scan, call, PGWF_ACTIVITY,
						PGWF_ACTIVITY_QUEUE_IDX, keys, lengthof(keys));
	if (pgwf_scan_next(&scan))
		pass = PGWF_RANK_PASS(DatumGetInt64(scan.slot->tts_values[COL_RANK]));
	pgwf_scan_end(&scan);
	return pass;
}

/* The activities that polls of a request id have claimed */
void
pgwf_activity_request_scan(PgwfScan *scan, PgwfCall *call,
						   int32 namespace_id, const char *request_id)
{
	PgwfKey		keys[2];

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(request_id));
	pgwf_scan_begin(scan, call, PGWF_ACTIVITY, PGWF_ACTIVITY_REQUEST_IDX,
					keys, lengthof(keys));
}

/* The activities that may be due from one moment to another, earliest first */
void
pgwf_activity_due_scan(PgwfScan *scan, PgwfCall *call, TimestampTz from,
					   TimestampTz until)
{
	pgwf_scan_begin_due(scan, call, PGWF_ACTIVITY, PGWF_ACTIVITY_DUE_IDX,
						from, until);
}

/* All of a namespace */
void
pgwf_activity_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id)
{
	pgwf_scan_begin_namespace(scan, call, PGWF_ACTIVITY, PGWF_ACTIVITY_PKEY,
							  namespace_id);
}
