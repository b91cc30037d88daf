/*-------------------------------------------------------------------------
 *
 * pgwf_store_outbox.c
 *		Rows of workflow.outbox: messages between runs.
 *
 * A row is inserted by whoever holds the lock of the sender's run, and
 * deleted by the scheduler, which holds the row's own lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "pgwf_store.h"

enum
{
	COL_NAMESPACE_ID,
	COL_KIND,
	COL_RUN_KEY,
	COL_EVENT_ID,
	COL_DUE_AT,
	COLUMN_COUNT
};

void
pgwf_message_read(TupleTableSlot *slot, PgwfMessage *message)
{
	Datum	   *v = slot->tts_values;

	message->tid = slot->tts_tid;
	message->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	message->kind = (PgwfMessageKind) DatumGetInt16(v[COL_KIND]);
	message->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	message->event_id = DatumGetInt64(v[COL_EVENT_ID]);
	message->due_at = DatumGetTimestampTz(v[COL_DUE_AT]);
}

void
pgwf_message_insert(PgwfCall *call, const PgwfMessage *message)
{
	Datum		v[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT] = {0};

	v[COL_NAMESPACE_ID] = Int32GetDatum(message->namespace_id);
	v[COL_KIND] = Int16GetDatum((int16) message->kind);
	v[COL_RUN_KEY] = Int64GetDatum(message->run_key);
	v[COL_EVENT_ID] = Int64GetDatum(message->event_id);
	v[COL_DUE_AT] = TimestampTzGetDatum(message->due_at);
	if (message->repeated)
		(void) pgwf_table_insert_unless_conflict(call, PGWF_OUTBOX,
												 PGWF_OUTBOX_PKEY, v, nulls);
	else
		pgwf_table_insert(call, PGWF_OUTBOX, v, nulls);
}

void
pgwf_message_delete(PgwfCall *call, PgwfMessage *message)
{
	pgwf_table_delete(call, PGWF_OUTBOX, &message->tid);
}

/* Locks a message for its delivery, without waiting */
PgwfLockResult
pgwf_message_lock(PgwfCall *call, PgwfMessage *message)
{
	return pgwf_table_lock(call, PGWF_OUTBOX, &message->tid, LockWaitSkip);
}

/*
 * Is there a message of a run: one to delete it, or one of any other kind?
 */
bool
pgwf_message_is_pending(PgwfCall *call, int32 namespace_id, int64 run_key,
						bool deletion)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	bool		found = false;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_OUTBOX, PGWF_OUTBOX_PKEY, keys,
					lengthof(keys));
	while (!found && pgwf_scan_next(&scan))
	{
		PgwfMessage message;

		pgwf_message_read(scan.slot, &message);
		found = (message.kind == PGWF_MESSAGE_DELETE) == deletion;
	}
	pgwf_scan_end(&scan);
	return found;
}

/* The messages due from one moment to another, earliest first */
void
pgwf_message_due_scan(PgwfScan *scan, PgwfCall *call, TimestampTz from,
					  TimestampTz until)
{
	pgwf_scan_begin_due(scan, call, PGWF_OUTBOX, PGWF_OUTBOX_DUE_IDX,
						from, until);
}

/* All of a namespace */
void
pgwf_message_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id)
{
	pgwf_scan_begin_namespace(scan, call, PGWF_OUTBOX, PGWF_OUTBOX_PKEY,
							  namespace_id);
}
