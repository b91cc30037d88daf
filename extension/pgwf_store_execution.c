/*-------------------------------------------------------------------------
 *
 * pgwf_store_execution.c
 *		Rows of workflow.execution, one per run, open or closed.
 *
 * A row is written at the start and at the close of its run, by whoever
 * holds the run's lock.  Closed runs have a row in workflow.closed_execution
 * besides, which never changes.  The runs of a workflow id follow each other;
 * the unique index over what each follows decides which of two starts wins.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/sequence.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_json.h"
#include "pgwf_store.h"

enum
{
	COL_NAMESPACE_ID,
	COL_ATTEMPT,
	COL_RUN_KEY,
	COL_RUN_ID,
	COL_PREVIOUS_RUN_KEY,
	COL_START_TIME,
	COL_EXECUTION_TIME,
	COL_FIRST_RUN_ID,
	COL_TASK_TIMEOUT,
	COL_WORKFLOW_ID,
	COL_WORKFLOW_TYPE,
	COL_TASK_QUEUE,
	COL_START_REQUEST_ID,
	COL_STATUS,
	COL_CLOSE_TIME,
	COL_HISTORY_LENGTH,
	COL_HISTORY_SIZE_BYTES,
	COL_STATE_TRANSITION_COUNT,
	COL_NEW_RUN_ID,
	COL_RESET_RUN_ID,
	COL_EXECUTION_TIMEOUT,
	COL_RUN_TIMEOUT,
	COL_EXPIRATION_TIME,
	COL_MEMO,
	COL_SEARCH_ATTRIBUTES,
	COL_CRON_SCHEDULE,
	COL_SCHEDULE_ID,
	COL_PARENT_WORKFLOW_ID,
	COL_PARENT_RUN_ID,
	COL_PARENT_RUN_KEY,
	COL_PARENT_INITIATED_EVENT_ID,
	COL_ROOT_WORKFLOW_ID,
	COL_ROOT_RUN_ID,
	COL_VERSIONING_INFO,
	COLUMN_COUNT
};

static int64
duration_from_datum(Datum value, bool isnull)
{
	return isnull ? PGWF_NO_DURATION : DatumGetIntervalP(value)->time;
}

static Datum
duration_to_datum(int64 value, bool *isnull)
{
	Interval   *interval;

	if (value == PGWF_NO_DURATION)
	{
		*isnull = true;
		return (Datum) 0;
	}
	interval = palloc0(sizeof(Interval));
	interval->time = value;
	return IntervalPGetDatum(interval);
}

static Jsonb *
jsonb_copy(Datum value, bool isnull)
{
	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

static char *
text_copy(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

static pg_uuid_t *
uuid_copy(Datum value, bool isnull)
{
	pg_uuid_t  *copy;

	if (isnull)
		return NULL;
	copy = palloc(sizeof(pg_uuid_t));
	*copy = *DatumGetUUIDP(value);
	return copy;
}

static PgwfExecution *
read_row(TupleTableSlot *slot)
{
	PgwfExecution *row = palloc0(sizeof(PgwfExecution));
	Datum	   *v = slot->tts_values;
	bool	   *nulls = slot->tts_isnull;

	row->tid = slot->tts_tid;
	row->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	row->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	row->run_id = *DatumGetUUIDP(v[COL_RUN_ID]);
	row->previous_run_key = DatumGetInt64(v[COL_PREVIOUS_RUN_KEY]);
	row->workflow_id = TextDatumGetCString(v[COL_WORKFLOW_ID]);
	row->workflow_type = TextDatumGetCString(v[COL_WORKFLOW_TYPE]);
	row->task_queue = TextDatumGetCString(v[COL_TASK_QUEUE]);
	row->status = pgwf_status_number(DatumGetObjectId(v[COL_STATUS]));
	row->start_time = DatumGetTimestampTz(v[COL_START_TIME]);
	row->execution_time = DatumGetTimestampTz(v[COL_EXECUTION_TIME]);
	row->close_time = nulls[COL_CLOSE_TIME] ? PGWF_NO_TIME :
		DatumGetTimestampTz(v[COL_CLOSE_TIME]);
	row->first_run_id = *DatumGetUUIDP(v[COL_FIRST_RUN_ID]);
	row->start_request_id = TextDatumGetCString(v[COL_START_REQUEST_ID]);
	row->execution_timeout = duration_from_datum(v[COL_EXECUTION_TIMEOUT],
												 nulls[COL_EXECUTION_TIMEOUT]);
	row->run_timeout = duration_from_datum(v[COL_RUN_TIMEOUT],
										   nulls[COL_RUN_TIMEOUT]);
	row->task_timeout = duration_from_datum(v[COL_TASK_TIMEOUT], false);
	row->history_length = nulls[COL_HISTORY_LENGTH] ? 0 :
		DatumGetInt64(v[COL_HISTORY_LENGTH]);
	row->history_size = nulls[COL_HISTORY_SIZE_BYTES] ? 0 :
		DatumGetInt64(v[COL_HISTORY_SIZE_BYTES]);
	row->state_transition_count = nulls[COL_STATE_TRANSITION_COUNT] ? 0 :
		DatumGetInt64(v[COL_STATE_TRANSITION_COUNT]);
	row->memo = jsonb_copy(v[COL_MEMO], nulls[COL_MEMO]);
	row->search_attributes = jsonb_copy(v[COL_SEARCH_ATTRIBUTES],
										nulls[COL_SEARCH_ATTRIBUTES]);
	row->attempt = DatumGetInt32(v[COL_ATTEMPT]);
	row->expiration_time = nulls[COL_EXPIRATION_TIME] ? PGWF_NO_TIME :
		DatumGetTimestampTz(v[COL_EXPIRATION_TIME]);
	row->new_run_id = uuid_copy(v[COL_NEW_RUN_ID], nulls[COL_NEW_RUN_ID]);
	row->cron_schedule = text_copy(v[COL_CRON_SCHEDULE],
								   nulls[COL_CRON_SCHEDULE]);
	row->schedule_id = text_copy(v[COL_SCHEDULE_ID], nulls[COL_SCHEDULE_ID]);
	row->parent_workflow_id = text_copy(v[COL_PARENT_WORKFLOW_ID],
										nulls[COL_PARENT_WORKFLOW_ID]);
	row->parent_run_id = uuid_copy(v[COL_PARENT_RUN_ID],
								   nulls[COL_PARENT_RUN_ID]);
	if (row->parent_run_id)
	{
		row->parent_run_key = DatumGetInt64(v[COL_PARENT_RUN_KEY]);
		row->parent_initiated_event_id =
			DatumGetInt64(v[COL_PARENT_INITIATED_EVENT_ID]);
	}
	row->root_workflow_id = text_copy(v[COL_ROOT_WORKFLOW_ID],
									  nulls[COL_ROOT_WORKFLOW_ID]);
	row->root_run_id = uuid_copy(v[COL_ROOT_RUN_ID], nulls[COL_ROOT_RUN_ID]);
	row->reset_run_id = uuid_copy(v[COL_RESET_RUN_ID],
								  nulls[COL_RESET_RUN_ID]);
	row->versioning_info = jsonb_copy(v[COL_VERSIONING_INFO],
									  nulls[COL_VERSIONING_INFO]);
	return row;
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
write_uuid(Datum *v, bool *nulls, int column, const pg_uuid_t *value)
{
	v[column] = UUIDPGetDatum(value);
	nulls[column] = (value == NULL);
}

static void
write_row(const PgwfExecution *row, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(row->namespace_id);
	v[COL_RUN_KEY] = Int64GetDatum(row->run_key);
	v[COL_RUN_ID] = UUIDPGetDatum(&row->run_id);
	v[COL_PREVIOUS_RUN_KEY] = Int64GetDatum(row->previous_run_key);
	v[COL_WORKFLOW_ID] = CStringGetTextDatum(row->workflow_id);
	v[COL_WORKFLOW_TYPE] = CStringGetTextDatum(row->workflow_type);
	v[COL_TASK_QUEUE] = CStringGetTextDatum(row->task_queue);
	v[COL_STATUS] = ObjectIdGetDatum(pgwf_status_oid(row->status));
	v[COL_START_TIME] = TimestampTzGetDatum(row->start_time);
	v[COL_EXECUTION_TIME] = TimestampTzGetDatum(row->execution_time);
	v[COL_CLOSE_TIME] = TimestampTzGetDatum(row->close_time);
	nulls[COL_CLOSE_TIME] = (row->close_time == PGWF_NO_TIME);
	v[COL_FIRST_RUN_ID] = UUIDPGetDatum(&row->first_run_id);
	v[COL_START_REQUEST_ID] = CStringGetTextDatum(row->start_request_id);
	v[COL_EXECUTION_TIMEOUT] =
		duration_to_datum(row->execution_timeout,
						  &nulls[COL_EXECUTION_TIMEOUT]);
	v[COL_RUN_TIMEOUT] = duration_to_datum(row->run_timeout,
										   &nulls[COL_RUN_TIMEOUT]);
	v[COL_TASK_TIMEOUT] = duration_to_datum(row->task_timeout,
											&nulls[COL_TASK_TIMEOUT]);
	v[COL_HISTORY_LENGTH] = Int64GetDatum(row->history_length);
	nulls[COL_HISTORY_LENGTH] = (row->history_length == 0);
	v[COL_HISTORY_SIZE_BYTES] = Int64GetDatum(row->history_size);
	nulls[COL_HISTORY_SIZE_BYTES] = (row->history_length == 0);
	v[COL_STATE_TRANSITION_COUNT] =
		Int64GetDatum(row->state_transition_count);
	nulls[COL_STATE_TRANSITION_COUNT] = (row->history_length == 0);
	v[COL_MEMO] = PointerGetDatum(row->memo);
	nulls[COL_MEMO] = (row->memo == NULL);
	v[COL_SEARCH_ATTRIBUTES] = PointerGetDatum(row->search_attributes);
	nulls[COL_SEARCH_ATTRIBUTES] = (row->search_attributes == NULL);
	v[COL_ATTEMPT] = Int32GetDatum(row->attempt);
	v[COL_EXPIRATION_TIME] = TimestampTzGetDatum(row->expiration_time);
	nulls[COL_EXPIRATION_TIME] = (row->expiration_time == PGWF_NO_TIME);
	write_uuid(v, nulls, COL_NEW_RUN_ID, row->new_run_id);
	write_text(v, nulls, COL_CRON_SCHEDULE, row->cron_schedule);
	write_text(v, nulls, COL_SCHEDULE_ID, row->schedule_id);
	write_text(v, nulls, COL_PARENT_WORKFLOW_ID, row->parent_workflow_id);
	write_uuid(v, nulls, COL_PARENT_RUN_ID, row->parent_run_id);
	v[COL_PARENT_RUN_KEY] = Int64GetDatum(row->parent_run_key);
	nulls[COL_PARENT_RUN_KEY] = (row->parent_run_id == NULL);
	v[COL_PARENT_INITIATED_EVENT_ID] =
		Int64GetDatum(row->parent_initiated_event_id);
	nulls[COL_PARENT_INITIATED_EVENT_ID] = (row->parent_run_id == NULL);
	write_text(v, nulls, COL_ROOT_WORKFLOW_ID, row->root_workflow_id);
	write_uuid(v, nulls, COL_ROOT_RUN_ID, row->root_run_id);
	write_uuid(v, nulls, COL_RESET_RUN_ID, row->reset_run_id);
	v[COL_VERSIONING_INFO] = PointerGetDatum(row->versioning_info);
	nulls[COL_VERSIONING_INFO] = (row->versioning_info == NULL);
}

/* A new run_key, larger than that of every run started before */
int64
pgwf_execution_next_run_key(void)
{
	return nextval_internal(pgwf_relation_oid(PGWF_RUN_KEY_SEQ), false);
}

/* NULL if there is no such run */
PgwfExecution *
pgwf_execution_load(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	PgwfExecution *row = NULL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	if (pgwf_scan_begin_row(&scan, call, PGWF_EXECUTION, PGWF_EXECUTION_PKEY,
							keys, lengthof(keys)))
		row = read_row(scan.slot);
	pgwf_scan_end(&scan);
	return row;
}

/* NULL if there is no such run; the key that the id ends with finds it */
PgwfExecution *
pgwf_execution_find_run(PgwfCall *call, int32 namespace_id,
						const pg_uuid_t *run_id)
{
	PgwfExecution *row = pgwf_execution_load(call, namespace_id,
											 pgwf_run_id_key(run_id));

	if (row && memcmp(&row->run_id, run_id, UUID_LEN) != 0)
		return NULL;
	return row;
}

static void
workflow_id_keys(PgwfKey *keys, int32 namespace_id, const char *workflow_id)
{
	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(workflow_id));
}

/*
 * The current run of a workflow id, which is the last one: the open one, if
 * there is one
 */
PgwfExecution *
pgwf_execution_find_current(PgwfCall *call, int32 namespace_id,
							const char *workflow_id)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	PgwfExecution *row = NULL;

	workflow_id_keys(keys, namespace_id, workflow_id);
	pgwf_scan_begin_last(&scan, call, PGWF_EXECUTION,
						 PGWF_EXECUTION_WORKFLOW_ID_KEY, keys,
						 lengthof(keys));
	if (pgwf_scan_next(&scan))
		row = read_row(scan.slot);
	pgwf_scan_end(&scan);
	return row;
}

/*
 * The run_key of a workflow id's last run at this moment, whatever the
 * snapshot shows; 0 if there is none.  Those that follow *passed (or NULL)
 * are passed over.  If another transaction is about to start, close or delete
 * it, *undecided is its id.
 */
static int64
last_run_key(PgwfCall *call, int32 namespace_id, const char *workflow_id,
			 const int64 *passed, TransactionId *undecided)
{
	PgwfKey		keys[2];
	int64		run_key;

	workflow_id_keys(keys, namespace_id, workflow_id);
	if (!pgwf_scan_newest(call, PGWF_EXECUTION,
						  PGWF_EXECUTION_WORKFLOW_ID_KEY, keys,
						  lengthof(keys), COL_RUN_KEY, &run_key,
						  COL_PREVIOUS_RUN_KEY, passed, undecided))
		return 0;
	return run_key;
}

/*
 * Is another transaction about to start, or to close, a run of the workflow
 * id?  Who must not wait for it looks here before pgwf_execution_insert().
 */
bool
pgwf_execution_start_is_contended(PgwfCall *call, int32 namespace_id,
								  const char *workflow_id)
{
	TransactionId undecided;

	(void) last_run_key(call, namespace_id, workflow_id, NULL, &undecided);
	return TransactionIdIsValid(undecided);
}

/* The last run once no other transaction is about to change it */
static int64
decided_last_run_key(PgwfCall *call, int32 namespace_id,
					 const char *workflow_id)
{
	for (;;)
	{
		TransactionId undecided;
		int64		last = last_run_key(call, namespace_id, workflow_id, NULL,
										&undecided);

		if (!TransactionIdIsValid(undecided))
			return last;
		XactLockTableWait(undecided, NULL, NULL, XLTW_None);
	}
}

/*
 * Inserts an open run.  The caller has seen that the last run of the workflow
 * id is closed, or that there is none, which execution->previous_run_key
 * says.  Returns false, and has inserted nothing, if that is no longer so:
 * the caller must look again.  Waits for a transaction in progress that
 * may be about to change it.
 *
 * This is why a workflow id has one open run at most: two transactions that
 * follow the same run meet in the unique index, and the second gives up.  But
 * a run that has followed may be closed and deleted again since the caller
 * looked, and its successor be open: so we look once more when our row is
 * there for others to see.  Whoever inserts after that sees our row, and
 * whoever did before is seen by us, or the run that he follows is.
 *
 * We wait after our row was taken back: of two who meet, one at most sees a
 * row of the other that is still there.
 */
bool
pgwf_execution_insert(PgwfCall *call, const PgwfExecution *execution)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];
	int64		last;

	write_row(execution, values, nulls);
	do
	{
		ItemPointerData tid;
		TransactionId undecided;

		CHECK_FOR_INTERRUPTS();
		if (pgwf_table_insert_if_free(call, PGWF_EXECUTION,
									  PGWF_EXECUTION_WORKFLOW_ID_KEY, values,
									  nulls, &tid))
		{
			last = last_run_key(call, execution->namespace_id,
								execution->workflow_id,
								&execution->previous_run_key, &undecided);
			if (!TransactionIdIsValid(undecided) &&
				last == execution->previous_run_key)
				return true;
			pgwf_table_take_back(call, PGWF_EXECUTION, &tid);
		}
		last = decided_last_run_key(call, execution->namespace_id,
									execution->workflow_id);
	} while (last == execution->previous_run_key);
	return false;
}

void
pgwf_execution_update(PgwfCall *call, const PgwfExecution *execution)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];
	ItemPointerData tid = execution->tid;

	write_row(execution, values, nulls);
	pgwf_table_update(call, PGWF_EXECUTION, &tid, values, nulls);
}

enum
{
	CLOSED_NAMESPACE_ID,
	CLOSED_CLOSE_TIME,
	CLOSED_START_TIME,
	CLOSED_RUN_KEY,
	CLOSED_COLUMN_COUNT
};

static void
write_closed_row(const PgwfExecution *execution, Datum *v)
{
	v[CLOSED_NAMESPACE_ID] = Int32GetDatum(execution->namespace_id);
	v[CLOSED_CLOSE_TIME] = TimestampTzGetDatum(execution->close_time);
	v[CLOSED_START_TIME] = TimestampTzGetDatum(execution->start_time);
	v[CLOSED_RUN_KEY] = Int64GetDatum(execution->run_key);
}

/* The same for a run that closes with it */
void
pgwf_execution_close(PgwfCall *call, const PgwfExecution *execution)
{
	Datum		values[CLOSED_COLUMN_COUNT];
	bool		nulls[CLOSED_COLUMN_COUNT] = {false};

	pgwf_execution_update(call, execution);
	write_closed_row(execution, values);
	pgwf_table_insert(call, PGWF_CLOSED_EXECUTION, values, nulls);
}

/* Locks the row of a run, which the caller goes on to delete */
PgwfLockResult
pgwf_execution_lock(PgwfCall *call, PgwfExecution *execution,
					LockWaitPolicy policy)
{
	PgwfLockResult result;

	result = pgwf_table_lock(call, PGWF_EXECUTION, &execution->tid, policy);
	if (result == PGWF_LOCK_OK)
		execution->tid = pgwf_table(call, PGWF_EXECUTION)->locked->tts_tid;
	return result;
}

/* Deletes a closed run */
void
pgwf_execution_delete(PgwfCall *call, PgwfExecution *execution)
{
	Datum		values[CLOSED_COLUMN_COUNT];
	PgwfKey		keys[CLOSED_COLUMN_COUNT];
	PgwfScan	scan;

	write_closed_row(execution, values);
	for (int i = 0; i < CLOSED_COLUMN_COUNT; i++)
		keys[i] = PGWF_EQUAL_KEY(i + 1, values[i]);
	pgwf_scan_begin(&scan, call, PGWF_CLOSED_EXECUTION,
					PGWF_CLOSED_EXECUTION_PKEY, keys, lengthof(keys));
	if (!pgwf_scan_next(&scan))
		elog(ERROR, "run " INT64_FORMAT " is not among the closed ones",
			 execution->run_key);
	pgwf_table_delete(call, PGWF_CLOSED_EXECUTION, &scan.slot->tts_tid);
	pgwf_scan_end(&scan);
	pgwf_table_delete(call, PGWF_EXECUTION, &execution->tid);
}
