/*-------------------------------------------------------------------------
 *
 * pgwf_store_timer.c
 *		Rows of workflow.timer: pending timers, run and execution timeouts.
 *
 * A row is written by whoever holds the lock of its run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_store.h"

enum
{
	COL_NAMESPACE_ID,
	COL_KIND,
	COL_RUN_KEY,
	COL_STARTED_EVENT_ID,
	COL_FIRE_AT,
	COL_TIMER_ID,
	COLUMN_COUNT
};

void
pgwf_timer_read(TupleTableSlot *slot, PgwfTimer *timer)
{
	Datum	   *v = slot->tts_values;

	timer->tid = slot->tts_tid;
	timer->change = PGWF_ROW_UNCHANGED;
	timer->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	timer->kind = (PgwfTimerKind) DatumGetInt16(v[COL_KIND]);
	timer->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	timer->started_event_id = DatumGetInt64(v[COL_STARTED_EVENT_ID]);
	timer->fire_at = DatumGetTimestampTz(v[COL_FIRE_AT]);
	timer->timer_id = TextDatumGetCString(v[COL_TIMER_ID]);
}

/* The timers of a run in the order of their TimerStarted events */
List *
pgwf_timer_load_all(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	List	   *timers = NIL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_TIMER, PGWF_TIMER_PKEY, keys,
					lengthof(keys));
	while (pgwf_scan_next(&scan))
	{
		PgwfTimer  *timer = palloc(sizeof(PgwfTimer));

		pgwf_timer_read(scan.slot, timer);
		timers = lappend(timers, timer);
	}
	pgwf_scan_end(&scan);
	return timers;
}

void
pgwf_timer_insert(PgwfCall *call, const PgwfTimer *timer)
{
	Datum		v[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT] = {0};

	v[COL_NAMESPACE_ID] = Int32GetDatum(timer->namespace_id);
	v[COL_KIND] = Int16GetDatum((int16) timer->kind);
	v[COL_RUN_KEY] = Int64GetDatum(timer->run_key);
	v[COL_STARTED_EVENT_ID] = Int64GetDatum(timer->started_event_id);
	v[COL_FIRE_AT] = TimestampTzGetDatum(timer->fire_at);
	v[COL_TIMER_ID] = CStringGetTextDatum(timer->timer_id);
	pgwf_table_insert(call, PGWF_TIMER, v, nulls);
}

void
pgwf_timer_delete(PgwfCall *call, PgwfTimer *timer)
{
	pgwf_table_delete(call, PGWF_TIMER, &timer->tid);
}

/* The timers due from one moment to another, earliest first */
void
pgwf_timer_due_scan(PgwfScan *scan, PgwfCall *call, TimestampTz from,
					TimestampTz until)
{
	pgwf_scan_begin_due(scan, call, PGWF_TIMER, PGWF_TIMER_FIRE_AT_IDX,
						from, until);
}

/* All of a namespace */
void
pgwf_timer_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id)
{
	pgwf_scan_begin_namespace(scan, call, PGWF_TIMER, PGWF_TIMER_PKEY,
							  namespace_id);
}
