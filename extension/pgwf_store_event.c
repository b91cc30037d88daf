/*-------------------------------------------------------------------------
 *
 * pgwf_store_event.c
 *		Rows of workflow.history_batch and workflow.buffered_event.
 *
 * Histories are only ever added to: the events that a transaction appends are
 * one row, or several of a size that needs no TOAST.  Both tables are written
 * by whoever holds the lock of the run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_pack.h"
#include "pgwf_store.h"

/* history_batch */
enum
{
	COL_BATCH_NAMESPACE_ID,
	COL_BATCH_RUN_KEY,
	COL_FIRST_EVENT_ID,
	COL_EVENTS,
	BATCH_COLUMN_COUNT
};

/* buffered_event */
enum
{
	COL_NAMESPACE_ID,
	COL_EVENT_TYPE,
	COL_RUN_KEY,
	COL_BUFFER_ID,
	COL_EVENT_TIME,
	COL_ATTRIBUTES,
	BUFFERED_COLUMN_COUNT
};

/* Events that would make a batch larger begin another one */
#define BATCH_BYTES		1800

/* What an event adds to the size of its history, in bytes */
int64
pgwf_event_size(const PgwfEvent *event)
{
	return 40 + VARSIZE(event->attributes) +
		(event->user_metadata ? VARSIZE(event->user_metadata) : 0);
}

static int64
first_of_batch(TupleTableSlot *slot)
{
	return DatumGetInt64(slot->tts_values[COL_FIRST_EVENT_ID]);
}

/* Begins to read a batch, in memory of the call */
static void
read_batch(TupleTableSlot *slot, PgwfUnpacker *unpacker)
{
	Datum	   *v = slot->tts_values;

	pgwf_unpack_begin(unpacker, DatumGetByteaPCopy(v[COL_EVENTS]),
					  first_of_batch(slot));
}

/* What it points to is not copied */
PgwfEvent *
pgwf_event_copy(const PgwfEvent *event)
{
	PgwfEvent  *copy = palloc(sizeof(PgwfEvent));

	*copy = *event;
	return copy;
}

/* Appends events, which have consecutive ids, to a history */
void
pgwf_event_insert(PgwfCall *call, int32 namespace_id, int64 run_key,
				  List *events)
{
	int			n = list_length(events);
	Datum	   *values = palloc(n * BATCH_COLUMN_COUNT * sizeof(Datum));
	bool	   *nulls = palloc0(n * BATCH_COLUMN_COUNT * sizeof(bool));
	int			nbatches = 0;

	for (int i = 0; i < n; nbatches++)
	{
		Datum	   *v = values + nbatches * BATCH_COLUMN_COUNT;
		PgwfEvent  *event = list_nth(events, i);
		PgwfPacker	packer;

		v[COL_BATCH_NAMESPACE_ID] = Int32GetDatum(namespace_id);
		v[COL_BATCH_RUN_KEY] = Int64GetDatum(run_key);
		v[COL_FIRST_EVENT_ID] = Int64GetDatum(event->event_id);
		pgwf_pack_begin(&packer);
		do
		{
			pgwf_pack_event(&packer, event);
			if (++i == n)
				break;
			event = list_nth(events, i);
		} while (pgwf_pack_size(&packer) + pgwf_event_size(event) <=
				 BATCH_BYTES);
		v[COL_EVENTS] = PointerGetDatum(pgwf_pack_finish(&packer));
	}
	pgwf_table_insert_many(call, PGWF_HISTORY_BATCH, nbatches, values, nulls);
	pfree(values);
	pfree(nulls);
}

static void
history_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id,
			 int64 run_key, StrategyNumber strategy, int64 first_event_id,
			 bool backward)
{
	PgwfKey		keys[3];

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	keys[2] = (PgwfKey) {3, strategy, Int64GetDatum(first_event_id)};
	if (backward)
		pgwf_scan_begin_last(scan, call, PGWF_HISTORY_BATCH,
							 PGWF_HISTORY_BATCH_PKEY, keys, lengthof(keys));
	else
		pgwf_scan_begin(scan, call, PGWF_HISTORY_BATCH,
						PGWF_HISTORY_BATCH_PKEY, keys, lengthof(keys));
}

/* The first event id of the batch that an event is in, if it exists */
static int64
find_batch(PgwfCall *call, int32 namespace_id, int64 run_key, int64 event_id)
{
	PgwfScan	scan;
	int64		first_event_id = event_id;

	history_scan(&scan, call, namespace_id, run_key,
				 BTLessEqualStrategyNumber, event_id, true);
	if (pgwf_scan_next(&scan))
		first_event_id = first_of_batch(scan.slot);
	pgwf_scan_end(&scan);
	return first_event_id;
}

/*
 * Reads a history from an event on, stopping at the event that exceeds
 * "max_bytes" as they are stored; at least one event is returned if there is
 * one.  Attributes and user metadata are not unpacked.
 */
List *
pgwf_event_load_packed(PgwfCall *call, int32 namespace_id, int64 run_key,
					   int64 first_event_id, int64 max_bytes)
{
	PgwfScan	scan;
	List	   *events = NIL;
	int64		bytes = 0;
	bool		found;

	history_scan(&scan, call, namespace_id, run_key,
				 BTGreaterEqualStrategyNumber, first_event_id, false);
	found = pgwf_scan_next(&scan);
	if (first_event_id > 1 &&
		(!found || first_of_batch(scan.slot) != first_event_id))
	{
		/* the event is inside a batch, or is none */
		pgwf_scan_end(&scan);
		history_scan(&scan, call, namespace_id, run_key,
					 BTGreaterEqualStrategyNumber,
					 find_batch(call, namespace_id, run_key, first_event_id),
					 false);
		found = pgwf_scan_next(&scan);
	}
	while (found)
	{
		PgwfUnpacker unpacker;
		PgwfEvent	event;

		read_batch(scan.slot, &unpacker);
		while (bytes < max_bytes && pgwf_unpack_next(&unpacker, &event))
		{
			if (event.event_id < first_event_id)
				continue;
			bytes += event.packed.len - event.packed_at;
			events = lappend(events, pgwf_event_copy(&event));
		}
		found = bytes < max_bytes && pgwf_scan_next(&scan);
	}
	pgwf_scan_end(&scan);
	return events;
}

/* The same with attributes and user metadata */
List *
pgwf_event_load(PgwfCall *call, int32 namespace_id, int64 run_key,
				int64 first_event_id, int64 max_bytes)
{
	List	   *events;
	ListCell   *lc;

	events = pgwf_event_load_packed(call, namespace_id, run_key,
									first_event_id, max_bytes);
	foreach(lc, events)
		pgwf_unpack_event(lfirst(lc));
	return events;
}

/* NULL if there is no such event */
PgwfEvent *
pgwf_event_load_one(PgwfCall *call, int32 namespace_id, int64 run_key,
					int64 event_id)
{
	PgwfScan	scan;
	PgwfEvent  *found = NULL;

	history_scan(&scan, call, namespace_id, run_key,
				 BTLessEqualStrategyNumber, event_id, true);
	if (pgwf_scan_next(&scan))
	{
		PgwfUnpacker unpacker;
		PgwfEvent	event;

		read_batch(scan.slot, &unpacker);
		while (found == NULL && pgwf_unpack_next(&unpacker, &event))
		{
			if (event.event_id == event_id)
				found = pgwf_event_copy(&event);
		}
	}
	pgwf_scan_end(&scan);
	if (found)
		pgwf_unpack_event(found);
	return found;
}

/*
 * The last event of a history, or the last one of a kind if "type" is not 0;
 * NULL if there is none.
 */
static PgwfEvent *
find_last(PgwfCall *call, int32 namespace_id, int64 run_key,
		  PgwfEventType type)
{
	PgwfScan	scan;
	PgwfEvent  *found = NULL;

	history_scan(&scan, call, namespace_id, run_key,
				 BTLessEqualStrategyNumber, PG_INT64_MAX, true);
	while (found == NULL && pgwf_scan_next(&scan))
	{
		PgwfUnpacker unpacker;
		PgwfEvent	event;

		read_batch(scan.slot, &unpacker);
		while (pgwf_unpack_next(&unpacker, &event))
		{
			if (type == 0 || event.type == type)
				found = pgwf_event_copy(&event);
		}
	}
	pgwf_scan_end(&scan);
	if (found)
		pgwf_unpack_event(found);
	return found;
}

/* The last event of a history, which closes it if the run is closed */
PgwfEvent *
pgwf_event_load_last(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	return find_last(call, namespace_id, run_key, 0);
}

/* The last event of a kind in a history, or NULL */
PgwfEvent *
pgwf_event_find_last(PgwfCall *call, int32 namespace_id, int64 run_key,
					 PgwfEventType type)
{
	return find_last(call, namespace_id, run_key, type);
}

/* Deletes a history */
void
pgwf_event_delete_all(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfScan	scan;

	history_scan(&scan, call, namespace_id, run_key,
				 BTGreaterEqualStrategyNumber, 1, false);
	while (pgwf_scan_next(&scan))
	{
		ItemPointerData tid = scan.slot->tts_tid;

		pgwf_table_delete(call, PGWF_HISTORY_BATCH, &tid);
	}
	pgwf_scan_end(&scan);
}

static PgwfEvent *
read_buffered(TupleTableSlot *slot)
{
	PgwfEvent  *event = palloc0(sizeof(PgwfEvent));
	Datum	   *v = slot->tts_values;

	event->event_id = DatumGetInt64(v[COL_BUFFER_ID]);
	event->type = pgwf_event_type_number(DatumGetObjectId(v[COL_EVENT_TYPE]));
	event->time = DatumGetTimestampTz(v[COL_EVENT_TIME]);
	event->attributes = DatumGetJsonbPCopy(v[COL_ATTRIBUTES]);
	event->tid = slot->tts_tid;
	return event;
}

void
pgwf_buffered_event_insert(PgwfCall *call, int32 namespace_id, int64 run_key,
						   const PgwfEvent *event)
{
	Datum		v[BUFFERED_COLUMN_COUNT];
	bool		nulls[BUFFERED_COLUMN_COUNT] = {0};

	v[COL_NAMESPACE_ID] = Int32GetDatum(namespace_id);
	v[COL_EVENT_TYPE] = ObjectIdGetDatum(pgwf_event_type_oid(event->type));
	v[COL_RUN_KEY] = Int64GetDatum(run_key);
	v[COL_BUFFER_ID] = Int64GetDatum(event->event_id);
	v[COL_EVENT_TIME] = TimestampTzGetDatum(event->time);
	v[COL_ATTRIBUTES] = PointerGetDatum(event->attributes);
	pgwf_table_insert(call, PGWF_BUFFERED_EVENT, v, nulls);
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
		events = lappend(events, read_buffered(scan.slot));
	pgwf_scan_end(&scan);
	return events;
}

void
pgwf_buffered_event_delete(PgwfCall *call, PgwfEvent *event)
{
	pgwf_table_delete(call, PGWF_BUFFERED_EVENT, &event->tid);
}
