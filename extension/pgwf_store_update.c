/*-------------------------------------------------------------------------
 *
 * pgwf_store_update.c
 *		Rows of workflow.update_request: the updates of runs.
 *
 * A row of an open run is written by whoever holds the lock of the run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_update.h"

enum
{
	COL_NAMESPACE_ID,
	COL_STATE,
	COL_STAMP,
	COL_RUN_KEY,
	COL_ADMITTED_EVENT_ID,
	COL_ACCEPTED_EVENT_ID,
	COL_COMPLETED_EVENT_ID,
	COL_REQUESTED_TIME,
	COL_DUE_AT,
	COL_UPDATE_ID,
	COL_REQUEST,
	COL_OUTCOME,
	COLUMN_COUNT
};

void
pgwf_update_read(TupleTableSlot *slot, PgwfUpdate *update)
{
	Datum	   *v = slot->tts_values;

	slot_getallattrs(slot);
	memset(update, 0, sizeof(PgwfUpdate));
	update->tid = slot->tts_tid;
	update->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	update->state = (PgwfUpdateState) DatumGetInt16(v[COL_STATE]);
	update->stamp = DatumGetInt32(v[COL_STAMP]);
	update->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	update->admitted_event_id = DatumGetInt64(v[COL_ADMITTED_EVENT_ID]);
	update->accepted_event_id = DatumGetInt64(v[COL_ACCEPTED_EVENT_ID]);
	update->completed_event_id = DatumGetInt64(v[COL_COMPLETED_EVENT_ID]);
	update->requested_time = DatumGetTimestampTz(v[COL_REQUESTED_TIME]);
	update->due_at = slot->tts_isnull[COL_DUE_AT] ? PGWF_NO_TIME :
		DatumGetTimestampTz(v[COL_DUE_AT]);
	update->update_id = TextDatumGetCString(v[COL_UPDATE_ID]);
	update->request = slot->tts_isnull[COL_REQUEST] ? NULL :
		DatumGetJsonbPCopy(v[COL_REQUEST]);
	update->outcome = slot->tts_isnull[COL_OUTCOME] ? NULL :
		DatumGetJsonbPCopy(v[COL_OUTCOME]);
}

static void
write_row(const PgwfUpdate *update, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(update->namespace_id);
	v[COL_STATE] = Int16GetDatum((int16) update->state);
	v[COL_STAMP] = Int32GetDatum(update->stamp);
	v[COL_RUN_KEY] = Int64GetDatum(update->run_key);
	v[COL_ADMITTED_EVENT_ID] = Int64GetDatum(update->admitted_event_id);
	v[COL_ACCEPTED_EVENT_ID] = Int64GetDatum(update->accepted_event_id);
	v[COL_COMPLETED_EVENT_ID] = Int64GetDatum(update->completed_event_id);
	v[COL_REQUESTED_TIME] = TimestampTzGetDatum(update->requested_time);
	v[COL_DUE_AT] = TimestampTzGetDatum(update->due_at);
	nulls[COL_DUE_AT] = (update->due_at == PGWF_NO_TIME);
	v[COL_UPDATE_ID] = CStringGetTextDatum(update->update_id);
	v[COL_REQUEST] = PointerGetDatum(update->request);
	nulls[COL_REQUEST] = (update->request == NULL);
	v[COL_OUTCOME] = PointerGetDatum(update->outcome);
	nulls[COL_OUTCOME] = (update->outcome == NULL);
}

/* NULL if the run does not know it */
PgwfUpdate *
pgwf_update_load(PgwfCall *call, int32 namespace_id, int64 run_key,
				 const char *update_id)
{
	PgwfKey		keys[3];
	PgwfScan	scan;
	PgwfUpdate *update = NULL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	keys[2] = PGWF_EQUAL_KEY(3, CStringGetTextDatum(update_id));
	pgwf_scan_begin(&scan, call, PGWF_UPDATE_REQUEST,
					PGWF_UPDATE_REQUEST_PKEY, keys, lengthof(keys));
	if (pgwf_scan_next(&scan))
	{
		update = palloc(sizeof(PgwfUpdate));
		pgwf_update_read(scan.slot, update);
	}
	pgwf_scan_end(&scan);
	return update;
}

/* Those that are admitted or accepted, oldest first */
List *
pgwf_update_load_open(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	List	   *updates = NIL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_UPDATE_REQUEST,
					PGWF_UPDATE_REQUEST_OPEN_IDX, keys, lengthof(keys));
	while (pgwf_scan_next(&scan))
	{
		PgwfUpdate *update = palloc(sizeof(PgwfUpdate));

		pgwf_update_read(scan.slot, update);
		updates = lappend(updates, update);
	}
	pgwf_scan_end(&scan);
	return updates;
}

void
pgwf_update_insert(PgwfCall *call, const PgwfUpdate *update)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(update, values, nulls);
	pgwf_table_insert(call, PGWF_UPDATE_REQUEST, values, nulls);
}

void
pgwf_update_update(PgwfCall *call, PgwfUpdate *update)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(update, values, nulls);
	pgwf_table_update(call, PGWF_UPDATE_REQUEST, &update->tid, values, nulls);
}

void
pgwf_update_delete(PgwfCall *call, PgwfUpdate *update)
{
	pgwf_table_delete(call, PGWF_UPDATE_REQUEST, &update->tid);
}

/* Locks the row and brings "update" up to date */
PgwfLockResult
pgwf_update_lock(PgwfCall *call, PgwfUpdate *update, LockWaitPolicy policy)
{
	PgwfLockResult result;

	result = pgwf_table_lock(call, PGWF_UPDATE_REQUEST, &update->tid, policy);
	if (result == PGWF_LOCK_OK)
		pgwf_update_read(pgwf_table(call, PGWF_UPDATE_REQUEST)->locked,
						 update);
	return result;
}

/* Forgets the updates of a run that is deleted */
void
pgwf_update_delete_all(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_UPDATE_REQUEST,
					PGWF_UPDATE_REQUEST_PKEY, keys, lengthof(keys));
	while (pgwf_scan_next(&scan))
	{
		PgwfUpdate	update;

		pgwf_update_read(scan.slot, &update);
		if (pgwf_update_lock(call, &update, LockWaitBlock) == PGWF_LOCK_OK)
			pgwf_update_delete(call, &update);
	}
	pgwf_scan_end(&scan);
}

/* Rejected ones to be forgotten from one moment to another */
void
pgwf_update_due_scan(PgwfScan *scan, PgwfCall *call, TimestampTz from,
					 TimestampTz until)
{
	pgwf_scan_begin_due(scan, call, PGWF_UPDATE_REQUEST, PGWF_UPDATE_REQUEST_DUE_IDX,
						from, until);
}
