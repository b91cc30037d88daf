/*-------------------------------------------------------------------------
 *
 * pgwf_store_event.c
 *		Rows of workflow.history_event and workflow.buffered_event.
 *
 * Histories are only ever added to.  Both tables are written by whoever
 * holds the lock of the run.
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
	COL_EVENT_TYPE,
	COL_RUN_KEY,
	COL_EVENT_ID,				/* buffer_id in buffered_event */
	COL_EVENT_TIME,
	COL_ATTRIBUTES,
	BUFFERED_COLUMN_COUNT,
	COL_USER_METADATA = BUFFERED_COLUMN_COUNT,
	HISTORY_COLUMN_COUNT
};

/* What an event adds to the size of its history, in bytes */
int64
pgwf_event_size(const PgwfEvent *event)
{
	return 40 + VARSIZE(event->attributes) +
		(event->user_metadata ? VARSIZE(event->user_metadata) : 0);
}

static PgwfEvent *
read_row(TupleTableSlot *slot)
{
	PgwfEvent  *event = palloc0(sizeof(PgwfEvent));
	Datum	   *v = slot->tts_values;

	event->event_id = DatumGetInt64(v[COL_EVENT_ID]);
	event->type = pgwf_event_type_number(DatumGetObjectId(v[COL_EVENT_TYPE]));
	event->time = DatumGetTimestampTz(v[COL_EVENT_TIME]);
	event->attributes = DatumGetJsonbPCopy(v[COL_ATTRIBUTES]);
	if (slot->tts_tupleDescriptor->natts > COL_USER_METADATA &&
		!slot->tts_isnull[COL_USER_METADATA])
		event->user_metadata = DatumGetJsonbPCopy(v[COL_USER_METADATA]);
	event->tid = slot->tts_tid;
	return event;
}

static void
write_row(int32 namespace_id, int64 run_key, const PgwfEvent *event,
		  Datum *v)
{
	v[COL_NAMESPACE_ID] = Int32GetDatum(namespace_id);
	v[COL_EVENT_TYPE] = ObjectIdGetDatum(pgwf_event_type_oid(event->type));
	v[COL_RUN_KEY] = Int64GetDatum(run_key);
	v[COL_EVENT_ID] = Int64GetDatum(event->event_id);
	v[COL_EVENT_TIME] = TimestampTzGetDatum(event->time);
	v[COL_ATTRIBUTES] = PointerGetDatum(event->attributes);
}

/* Appends events, which have their ids, to a history */
void
pgwf_event_insert(PgwfCall *call, int32 namespace_id, int64 run_key,
				  List *events)
{
	int			n = list_length(events);
	Datum	   *values = palloc0(n * HISTORY_COLUMN_COUNT * sizeof(Datum));
	bool	   *nulls = palloc0(n * HISTORY_COLUMN_COUNT * sizeof(bool));

	for (int i = 0; i < n; i++)
	{
		PgwfEvent  *event = list_nth(events, i);
		int			row = i * HISTORY_COLUMN_COUNT;

		write_row(namespace_id, run_key, event, values + row);
		if (event->user_metadata)
			values[row + COL_USER_METADATA] =
				PointerGetDatum(event->user_metadata);
		else
			nulls[row + COL_USER_METADATA] = true;
	}
	pgwf_table_insert_many(call, PGWF_HISTORY_EVENT, n, values, nulls);
	pfree(values);
	pfree(nulls);
}

static void
history_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id,
			 int64 run_key, StrategyNumber strategy, int64 event_id)
{
	PgwfKey		keys[3];

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	keys[2] = (PgwfKey) {3, strategy, Int64GetDatum(event_id)};
	pgwf_scan_begin(scan, call, PGWF_HISTORY_EVENT, PGWF_HISTORY_EVENT_PKEY,
					keys, lengthof(keys));
}

/*
 * Reads a history from an event on, stopping at the event that exceeds
 * "max_bytes"; at least one event is returned if there is one.
 */
List *
pgwf_event_load(PgwfCall *call, int32 namespace_id, int64 run_key,
				int64 first_event_id, int64 max_bytes)
{
	PgwfScan	scan;
	List	   *events = NIL;
	int64		bytes = 0;

	history_scan(&scan, call, namespace_id, run_key,
				 BTGreaterEqualStrategyNumber, first_event_id);
	while (bytes < max_bytes && pgwf_scan_next(&scan))
	{
		PgwfEvent  *event = read_row(scan.slot);

		bytes += pgwf_event_size(event);
		events = lappend(events, event);
	}
	pgwf_scan_end(&scan);
	return events;
}

/* NULL if there is no such event */
PgwfEvent *
pgwf_event_load_one(PgwfCall *call, int32 namespace_id, int64 run_key,
					int64 event_id)
{
	PgwfScan	scan;
	PgwfEvent  *event = NULL;

	history_scan(&scan, call, namespace_id, run_key,
				 BTEqualStrategyNumber, event_id);
	if (pgwf_scan_next(&scan))
		event = read_row(scan.slot);
	pgwf_scan_end(&scan);
	return event;
}

/* The last event of a history, which closes it if the run is closed */
PgwfEvent *
pgwf_event_load_last(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	PgwfEvent  *event = NULL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin_last(&scan, call, PGWF_HISTORY_EVENT,
						 PGWF_HISTORY_EVENT_PKEY, keys, lengthof(keys));
	if (pgwf_scan_next(&scan))
		event = read_row(scan.slot);
	pgwf_scan_end(&scan);
	return event;
}

/* The last event of a kind in a history, or NULL */
PgwfEvent *
pgwf_event_find_last(PgwfCall *call, int32 namespace_id, int64 run_key,
					 PgwfEventType type)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	PgwfEvent  *event = NULL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin_last(&scan, call, PGWF_HISTORY_EVENT,
						 PGWF_HISTORY_EVENT_PKEY, keys, lengthof(keys));
	while (pgwf_scan_next(&scan))
	{
		event = read_row(scan.slot);
		if (event->type == type)
			break;
		event = NULL;
	}
	pgwf_scan_end(&scan);
	return event;
}

/* Deletes a history */
void
pgwf_event_delete_all(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfScan	scan;

	history_scan(&scan, call, namespace_id, run_key,
				 BTGreaterEqualStrategyNumber, 1);
	while (pgwf_scan_next(&scan))
	{
		ItemPointerData tid = scan.slot->tts_tid;

		pgwf_table_delete(call, PGWF_HISTORY_EVENT, &tid);
	}
	pgwf_scan_end(&scan);
}

void
pgwf_buffered_event_insert(PgwfCall *call, int32 namespace_id, int64 run_key,
						   const PgwfEvent *event)
{
	Datum		values[BUFFERED_COLUMN_COUNT];
	bool		nulls[BUFFERED_COLUMN_COUNT] = {0};

	write_row(namespace_id, run_key, event, values);
	pgwf_table_insert(call, PGWF_BUFFERED_EVENT, values, nulls);
}

/* In the order of their arrival */
List *
pgwf_buffered_event_load(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	List	   *events = NIL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_BUFFERED_EVENT,
					PGWF_BUFFERED_EVENT_PKEY, keys, lengthof(keys));
	while (pgwf_scan_next(&scan))
		events = lappend(events, read_row(scan.slot));
	pgwf_scan_end(&scan);
	return events;
}

void
pgwf_buffered_event_delete(PgwfCall *call, PgwfEvent *event)
{
	pgwf_table_delete(call, PGWF_BUFFERED_EVENT, &event->tid);
}
