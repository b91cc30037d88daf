/*-------------------------------------------------------------------------
 *
 * pgwf_store_state.c
 *		Rows of workflow.mutable_state, one per open run.
 *
 * The row is the lock of its run: whoever changes anything of a run holds
 * it, and a change of anything rewrites it.
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
	COL_UPDATE_COUNT,
	COL_RUN_KEY,
	COL_VERSION_KEY,
	COL_OVERRIDE_KEY,
	COL_START_TIME,
	COL_TASK_TIMEOUT_US,
	COL_NEXT_BUFFER_ID,
	COL_BUFFERED_SIZE,
	COL_BUFFERED_EVENTS,
	COL_PENDING_CHILDREN,
	COL_PENDING_SIGNALS,
	COL_PENDING_CANCELS,
	COL_SIGNAL_COUNT,
	COL_OPEN_UPDATES,
	COL_PENDING_TIMERS,
	COL_PENDING_ACTIVITIES,
	COL_FLAGS,
	COL_WFT_STAMP,
	COL_STATE_TRANSITION_COUNT,
	COL_PENDING_SIZE,
	COL_NEXT_EVENT_ID,
	COL_LAST_EVENT_TIME,
	COL_PREVIOUS_STARTED_EVENT_ID,
	COL_HISTORY_SIZE,
	COL_WFT_SCHEDULED_EVENT_ID,
	COL_WFT_STARTED_EVENT_ID,
	COL_WFT_SCHEDULED_TIME,
	COL_WFT_ORIGINAL_SCHEDULED_TIME,
	COL_WFT_STARTED_TIME,
	COL_WFT_TIMEOUT_US,
	COL_STICKY_TIMEOUT_US,
	COL_WFT_ATTEMPT,
	COL_TRANSITION_KEY,
	COL_STICKY_QUEUE,
	COL_WFT_IDENTITY,
	COL_PRIORITY,
	COLUMN_COUNT
};

void
pgwf_state_read(TupleTableSlot *slot, PgwfState *state)
{
	Datum	   *v;

	slot_getallattrs(slot);
	v = slot->tts_values;
	state->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	state->flags = DatumGetInt32(v[COL_FLAGS]);
	state->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	state->next_event_id = DatumGetInt64(v[COL_NEXT_EVENT_ID]);
	state->next_buffer_id = DatumGetInt64(v[COL_NEXT_BUFFER_ID]);
	state->last_event_time = DatumGetTimestampTz(v[COL_LAST_EVENT_TIME]);
	state->previous_started_event_id =
		DatumGetInt64(v[COL_PREVIOUS_STARTED_EVENT_ID]);
	state->history_size = DatumGetInt64(v[COL_HISTORY_SIZE]);
	state->buffered_size = DatumGetInt64(v[COL_BUFFERED_SIZE]);
	state->start_time = DatumGetTimestampTz(v[COL_START_TIME]);
	state->task_timeout = DatumGetInt64(v[COL_TASK_TIMEOUT_US]);
	state->wft_scheduled_event_id =
		DatumGetInt64(v[COL_WFT_SCHEDULED_EVENT_ID]);
	state->wft_started_event_id = DatumGetInt64(v[COL_WFT_STARTED_EVENT_ID]);
	state->wft_scheduled_time =
		DatumGetTimestampTz(v[COL_WFT_SCHEDULED_TIME]);
	state->wft_original_scheduled_time =
		DatumGetTimestampTz(v[COL_WFT_ORIGINAL_SCHEDULED_TIME]);
	state->wft_started_time = DatumGetTimestampTz(v[COL_WFT_STARTED_TIME]);
	state->wft_timeout = DatumGetInt64(v[COL_WFT_TIMEOUT_US]);
	state->sticky_timeout = DatumGetInt64(v[COL_STICKY_TIMEOUT_US]);
	state->wft_attempt = DatumGetInt32(v[COL_WFT_ATTEMPT]);
	state->wft_stamp = DatumGetInt32(v[COL_WFT_STAMP]);
	state->buffered_events = DatumGetInt32(v[COL_BUFFERED_EVENTS]);
	state->pending_activities = DatumGetInt32(v[COL_PENDING_ACTIVITIES]);
	state->pending_timers = DatumGetInt32(v[COL_PENDING_TIMERS]);
	state->pending_children = DatumGetInt32(v[COL_PENDING_CHILDREN]);
	state->pending_signals = DatumGetInt32(v[COL_PENDING_SIGNALS]);
	state->pending_cancels = DatumGetInt32(v[COL_PENDING_CANCELS]);
	state->signal_count = DatumGetInt32(v[COL_SIGNAL_COUNT]);
	state->open_updates = DatumGetInt32(v[COL_OPEN_UPDATES]);
	state->update_count = DatumGetInt32(v[COL_UPDATE_COUNT]);
	state->state_transition_count =
		DatumGetInt64(v[COL_STATE_TRANSITION_COUNT]);
	state->pending_size = DatumGetInt64(v[COL_PENDING_SIZE]);
	state->version_key = DatumGetInt32(v[COL_VERSION_KEY]);
	state->override_key = DatumGetInt32(v[COL_OVERRIDE_KEY]);
	state->transition_key = DatumGetInt32(v[COL_TRANSITION_KEY]);
	state->sticky_queue = slot->tts_isnull[COL_STICKY_QUEUE] ? NULL :
		TextDatumGetCString(v[COL_STICKY_QUEUE]);
	state->wft_identity = slot->tts_isnull[COL_WFT_IDENTITY] ? NULL :
		TextDatumGetCString(v[COL_WFT_IDENTITY]);
	state->priority = slot->tts_isnull[COL_PRIORITY] ? NULL :
		DatumGetJsonbPCopy(v[COL_PRIORITY]);
}

static void
write_row(const PgwfState *state, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(state->namespace_id);
	v[COL_FLAGS] = Int32GetDatum(state->flags);
	v[COL_RUN_KEY] = Int64GetDatum(state->run_key);
	v[COL_NEXT_EVENT_ID] = Int64GetDatum(state->next_event_id);
	v[COL_NEXT_BUFFER_ID] = Int64GetDatum(state->next_buffer_id);
	v[COL_LAST_EVENT_TIME] = TimestampTzGetDatum(state->last_event_time);
	v[COL_PREVIOUS_STARTED_EVENT_ID] =
		Int64GetDatum(state->previous_started_event_id);
	v[COL_HISTORY_SIZE] = Int64GetDatum(state->history_size);
	v[COL_BUFFERED_SIZE] = Int64GetDatum(state->buffered_size);
	v[COL_START_TIME] = TimestampTzGetDatum(state->start_time);
	v[COL_TASK_TIMEOUT_US] = Int64GetDatum(state->task_timeout);
	v[COL_WFT_SCHEDULED_EVENT_ID] =
		Int64GetDatum(state->wft_scheduled_event_id);
	v[COL_WFT_STARTED_EVENT_ID] = Int64GetDatum(state->wft_started_event_id);
	v[COL_WFT_SCHEDULED_TIME] =
		TimestampTzGetDatum(state->wft_scheduled_time);
	v[COL_WFT_ORIGINAL_SCHEDULED_TIME] =
		TimestampTzGetDatum(state->wft_original_scheduled_time);
	v[COL_WFT_STARTED_TIME] = TimestampTzGetDatum(state->wft_started_time);
	v[COL_WFT_TIMEOUT_US] = Int64GetDatum(state->wft_timeout);
	v[COL_STICKY_TIMEOUT_US] = Int64GetDatum(state->sticky_timeout);
	v[COL_WFT_ATTEMPT] = Int32GetDatum(state->wft_attempt);
	v[COL_WFT_STAMP] = Int32GetDatum(state->wft_stamp);
	v[COL_BUFFERED_EVENTS] = Int32GetDatum(state->buffered_events);
	v[COL_PENDING_ACTIVITIES] = Int32GetDatum(state->pending_activities);
	v[COL_PENDING_TIMERS] = Int32GetDatum(state->pending_timers);
	v[COL_PENDING_CHILDREN] = Int32GetDatum(state->pending_children);
	v[COL_PENDING_SIGNALS] = Int32GetDatum(state->pending_signals);
	v[COL_PENDING_CANCELS] = Int32GetDatum(state->pending_cancels);
	v[COL_SIGNAL_COUNT] = Int32GetDatum(state->signal_count);
	v[COL_OPEN_UPDATES] = Int32GetDatum(state->open_updates);
	v[COL_UPDATE_COUNT] = Int32GetDatum(state->update_count);
	v[COL_STATE_TRANSITION_COUNT] =
		Int64GetDatum(state->state_transition_count);
	v[COL_PENDING_SIZE] = Int64GetDatum(state->pending_size);
	v[COL_VERSION_KEY] = Int32GetDatum(state->version_key);
	v[COL_OVERRIDE_KEY] = Int32GetDatum(state->override_key);
	v[COL_TRANSITION_KEY] = Int32GetDatum(state->transition_key);
	if (state->sticky_queue)
		v[COL_STICKY_QUEUE] = CStringGetTextDatum(state->sticky_queue);
	else
		nulls[COL_STICKY_QUEUE] = true;
	if (state->wft_identity)
		v[COL_WFT_IDENTITY] = CStringGetTextDatum(state->wft_identity);
	else
		nulls[COL_WFT_IDENTITY] = true;
	v[COL_PRIORITY] = PointerGetDatum(state->priority);
	nulls[COL_PRIORITY] = (state->priority == NULL);
}

static bool
find_row(PgwfScan *scan, PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	return pgwf_scan_begin_row(scan, call, PGWF_MUTABLE_STATE,
							   PGWF_MUTABLE_STATE_PKEY, keys, lengthof(keys));
}

/*
 * Locks a run and reads its state as it is now.  PGWF_LOCK_GONE means that
 * the run is closed or never was; PGWF_LOCK_BUSY is possible only when the
 * policy is not to wait.
 */
PgwfLockResult
pgwf_state_load_locked(PgwfCall *call, int32 namespace_id, int64 run_key,
					   LockWaitPolicy policy, PgwfState *state,
					   ItemPointer tid)
{
	PgwfScan	scan;
	PgwfLockResult result = PGWF_LOCK_GONE;

	if (find_row(&scan, call, namespace_id, run_key))
		result = pgwf_table_lock(call, PGWF_MUTABLE_STATE,
								 &scan.slot->tts_tid, policy);
	pgwf_scan_end(&scan);
	if (result == PGWF_LOCK_OK)
	{
		TupleTableSlot *slot = pgwf_table(call, PGWF_MUTABLE_STATE)->locked;

		pgwf_state_read(slot, state);
		*tid = slot->tts_tid;
	}
	return result;
}

/* Reads the state of a run without locking it; false if it is not open */
bool
pgwf_state_load(PgwfCall *call, int32 namespace_id, int64 run_key,
				PgwfState *state)
{
	PgwfScan	scan;
	bool		found;

	found = find_row(&scan, call, namespace_id, run_key);
	if (found)
		pgwf_state_read(scan.slot, state);
	pgwf_scan_end(&scan);
	return found;
}

/* The runs of a namespace, by their keys, from one on */
void
pgwf_state_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id,
				int64 from_run_key)
{
	PgwfKey		keys[2];

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = (PgwfKey) {2, BTGreaterEqualStrategyNumber,
						 Int64GetDatum(from_run_key)};
	pgwf_scan_begin(scan, call, PGWF_MUTABLE_STATE, PGWF_MUTABLE_STATE_PKEY,
					keys, lengthof(keys));
}

/* The next namespace that has open runs; 0: there is none */
int32
pgwf_state_next_namespace(PgwfCall *call, int32 after)
{
	PgwfKey		key = {1, BTGreaterEqualStrategyNumber,
	Int32GetDatum(after + 1)};
	PgwfScan	scan;
	int32		next = 0;

	pgwf_scan_begin(&scan, call, PGWF_MUTABLE_STATE, PGWF_MUTABLE_STATE_PKEY,
					&key, 1);
	if (pgwf_scan_next(&scan))
		next = DatumGetInt32(scan.slot->tts_values[COL_NAMESPACE_ID]);
	pgwf_scan_end(&scan);
	return next;
}

/*
 * Applies a test to the row of a run, which it is not to change; true if the
 * run is not open.
 */
bool
pgwf_state_is_busy(PgwfCall *call, int32 namespace_id, int64 run_key,
				   bool (*is_busy) (TupleTableSlot *slot))
{
	PgwfScan	scan;
	bool		result;

	result = !find_row(&scan, call, namespace_id, run_key) ||
		is_busy(scan.slot);
	pgwf_scan_end(&scan);
	return result;
}

void
pgwf_state_insert(PgwfCall *call, const PgwfState *state)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(state, values, nulls);
	pgwf_table_insert(call, PGWF_MUTABLE_STATE, values, nulls);
}

void
pgwf_state_update(PgwfCall *call, ItemPointer tid, const PgwfState *state)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(state, values, nulls);
	pgwf_table_update(call, PGWF_MUTABLE_STATE, tid, values, nulls);
}

void
pgwf_state_delete(PgwfCall *call, ItemPointer tid)
{
	pgwf_table_delete(call, PGWF_MUTABLE_STATE, tid);
}
