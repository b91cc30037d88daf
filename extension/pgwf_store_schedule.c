/*-------------------------------------------------------------------------
 *
 * pgwf_store_schedule.c
 *		Rows of workflow.schedule and workflow.schedule_wakeup.
 *
 * A schedule is written by whoever has locked its row.  Whoever closes a run
 * of it holds that run's lock and does not wait for the schedule's: it
 * leaves a wakeup, which is deleted under the lock of the schedule.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_schedule.h"

enum
{
	COL_NAMESPACE_ID,
	COL_SCHEDULE_ID,
	COL_CONFLICT_TOKEN,
	COL_DUE_AT,
	COL_NEXT_ACTION_TIME,
	COL_LAST_PROCESSED_TIME,
	COL_CREATE_TIME,
	COL_UPDATE_TIME,
	COL_DEFINITION,
	COL_PROGRESS,
	COL_MEMO,
	COL_SEARCH_ATTRIBUTES,
	COLUMN_COUNT
};

enum
{
	COL_WAKEUP_NAMESPACE_ID,
	COL_WAKEUP_RUN_KEY,
	COL_WAKEUP_SCHEDULE_ID,
	WAKEUP_COLUMN_COUNT
};

static TimestampTz
time_or(Datum value, bool isnull, TimestampTz absent)
{
	return isnull ? absent : DatumGetTimestampTz(value);
}

static Jsonb *
jsonb_copy(Datum value, bool isnull)
{
	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

void
pgwf_schedule_read(TupleTableSlot *slot, PgwfScheduleRow *row)
{
	Datum	   *v = slot->tts_values;
	bool	   *nulls = slot->tts_isnull;

	row->tid = slot->tts_tid;
	row->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	row->schedule_id = TextDatumGetCString(v[COL_SCHEDULE_ID]);
	row->conflict_token = DatumGetInt64(v[COL_CONFLICT_TOKEN]);
	row->due_at = time_or(v[COL_DUE_AT], nulls[COL_DUE_AT], DT_NOEND);
	row->next_action_time = time_or(v[COL_NEXT_ACTION_TIME],
									nulls[COL_NEXT_ACTION_TIME], DT_NOEND);
	row->last_processed_time =
		DatumGetTimestampTz(v[COL_LAST_PROCESSED_TIME]);
	row->create_time = DatumGetTimestampTz(v[COL_CREATE_TIME]);
	row->update_time = time_or(v[COL_UPDATE_TIME], nulls[COL_UPDATE_TIME],
							   PGWF_NO_TIME);
	row->definition = DatumGetJsonbPCopy(v[COL_DEFINITION]);
	row->progress = DatumGetJsonbPCopy(v[COL_PROGRESS]);
	row->memo = jsonb_copy(v[COL_MEMO], nulls[COL_MEMO]);
	row->search_attributes = jsonb_copy(v[COL_SEARCH_ATTRIBUTES],
										nulls[COL_SEARCH_ATTRIBUTES]);
}

static void
write_row(const PgwfScheduleRow *row, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(row->namespace_id);
	v[COL_SCHEDULE_ID] = CStringGetTextDatum(row->schedule_id);
	v[COL_CONFLICT_TOKEN] = Int64GetDatum(row->conflict_token);
	v[COL_DUE_AT] = TimestampTzGetDatum(row->due_at);
	nulls[COL_DUE_AT] = (row->due_at == DT_NOEND);
	v[COL_NEXT_ACTION_TIME] = TimestampTzGetDatum(row->next_action_time);
	nulls[COL_NEXT_ACTION_TIME] = (row->next_action_time == DT_NOEND);
	v[COL_LAST_PROCESSED_TIME] =
		TimestampTzGetDatum(row->last_processed_time);
	v[COL_CREATE_TIME] = TimestampTzGetDatum(row->create_time);
	v[COL_UPDATE_TIME] = TimestampTzGetDatum(row->update_time);
	nulls[COL_UPDATE_TIME] = (row->update_time == PGWF_NO_TIME);
	v[COL_DEFINITION] = JsonbPGetDatum(row->definition);
	v[COL_PROGRESS] = JsonbPGetDatum(row->progress);
	v[COL_MEMO] = JsonbPGetDatum(row->memo);
	nulls[COL_MEMO] = (row->memo == NULL);
	v[COL_SEARCH_ATTRIBUTES] = JsonbPGetDatum(row->search_attributes);
	nulls[COL_SEARCH_ATTRIBUTES] = (row->search_attributes == NULL);
}

static bool
find(PgwfCall *call, int32 namespace_id, const char *schedule_id,
	 PgwfScheduleRow *row)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	bool		found;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(schedule_id));
	pgwf_scan_begin(&scan, call, PGWF_SCHEDULE, PGWF_SCHEDULE_PKEY, keys,
					lengthof(keys));
	found = pgwf_scan_next(&scan);
	if (found)
		pgwf_schedule_read(scan.slot, row);
	pgwf_scan_end(&scan);
	return found;
}

/* NULL if there is no such schedule */
PgwfScheduleRow *
pgwf_schedule_load(PgwfCall *call, int32 namespace_id,
				   const char *schedule_id)
{
	PgwfScheduleRow *row = palloc(sizeof(PgwfScheduleRow));

	return find(call, namespace_id, schedule_id, row) ? row : NULL;
}

/* PGWF_LOCK_GONE: there is no such schedule */
PgwfLockResult
pgwf_schedule_lock(PgwfCall *call, int32 namespace_id,
				   const char *schedule_id, LockWaitPolicy policy,
				   PgwfScheduleRow *row)
{
	PgwfLockResult result = PGWF_LOCK_GONE;

	if (find(call, namespace_id, schedule_id, row))
		result = pgwf_table_lock(call, PGWF_SCHEDULE, &row->tid, policy);
	if (result == PGWF_LOCK_OK)
	{
		TupleTableSlot *slot = pgwf_table(call, PGWF_SCHEDULE)->locked;

		slot_getallattrs(slot);
		pgwf_schedule_read(slot, row);
	}
	return result;
}

/* Returns false if there is one of that id */
bool
pgwf_schedule_insert(PgwfCall *call, const PgwfScheduleRow *row)
{
	Datum		v[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(row, v, nulls);
	return pgwf_table_insert_unless_conflict(call, PGWF_SCHEDULE,
											 PGWF_SCHEDULE_PKEY, v, nulls);
}

void
pgwf_schedule_update(PgwfCall *call, const PgwfScheduleRow *row)
{
	Datum		v[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];
	ItemPointerData tid = row->tid;

	write_row(row, v, nulls);
	pgwf_table_update(call, PGWF_SCHEDULE, &tid, v, nulls);
}

void
pgwf_schedule_delete(PgwfCall *call, PgwfScheduleRow *row)
{
	pgwf_table_delete(call, PGWF_SCHEDULE, &row->tid);
}

/* All of a namespace */
void
pgwf_schedule_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id)
{
	pgwf_scan_begin_namespace(scan, call, PGWF_SCHEDULE, PGWF_SCHEDULE_PKEY,
							  namespace_id);
}

/* The schedules due from one moment to another, earliest first */
void
pgwf_schedule_due_scan(PgwfScan *scan, PgwfCall *call, TimestampTz from,
					   TimestampTz until)
{
	pgwf_scan_begin_due(scan, call, PGWF_SCHEDULE, PGWF_SCHEDULE_DUE_AT_IDX,
						from, until);
}

void
pgwf_schedule_wakeup_insert(PgwfCall *call, int32 namespace_id,
							int64 run_key, const char *schedule_id)
{
	Datum		v[WAKEUP_COLUMN_COUNT];
	bool		nulls[WAKEUP_COLUMN_COUNT] = {0};

	v[COL_WAKEUP_NAMESPACE_ID] = Int32GetDatum(namespace_id);
	v[COL_WAKEUP_RUN_KEY] = Int64GetDatum(run_key);
	v[COL_WAKEUP_SCHEDULE_ID] = CStringGetTextDatum(schedule_id);
	pgwf_table_insert(call, PGWF_SCHEDULE_WAKEUP, v, nulls);
}

/* All of them */
void
pgwf_schedule_wakeup_scan(PgwfScan *scan, PgwfCall *call)
{
	pgwf_scan_begin(scan, call, PGWF_SCHEDULE_WAKEUP,
					PGWF_SCHEDULE_WAKEUP_PKEY, NULL, 0);
}

void
pgwf_schedule_wakeup_read(TupleTableSlot *slot, int32 *namespace_id,
						  char **schedule_id, ItemPointer tid)
{
	*tid = slot->tts_tid;
	*namespace_id = DatumGetInt32(slot->tts_values[COL_WAKEUP_NAMESPACE_ID]);
	*schedule_id =
		TextDatumGetCString(slot->tts_values[COL_WAKEUP_SCHEDULE_ID]);
}

void
pgwf_schedule_wakeup_delete(PgwfCall *call, ItemPointer tid)
{
	pgwf_table_delete(call, PGWF_SCHEDULE_WAKEUP, tid);
}
