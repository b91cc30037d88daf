/*-------------------------------------------------------------------------
 *
 * pgwf_store_query.c
 *		Rows of workflow.query_request: queries on their way.
 *
 * The table is not logged: after a crash nobody waits for an answer.  A row
 * is locked before it is changed; the lock of its run, if that is taken too,
 * comes first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_query.h"

enum
{
	COL_NAMESPACE_ID,
	COL_STATE,
	COL_STICKY,
	COL_ATTEMPT,
	COL_RUN_KEY,
	COL_QUERY_ID,
	COL_REQUESTED_TIME,
	COL_DUE_AT,
	COL_VERSION_KEY,
	COL_ROUTE_BUCKET,
	COL_TASK_QUEUE,
	COL_QUERY,
	COL_ANSWER,
	COLUMN_COUNT
};

void
pgwf_query_read(TupleTableSlot *slot, PgwfQuery *query)
{
	Datum	   *v = slot->tts_values;

	slot_getallattrs(slot);
	query->tid = slot->tts_tid;
	query->changed = false;
	query->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	query->state = (PgwfQueryState) DatumGetInt16(v[COL_STATE]);
	query->sticky = DatumGetBool(v[COL_STICKY]);
	query->attempt = DatumGetInt32(v[COL_ATTEMPT]);
	query->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	query->query_id = *DatumGetUUIDP(v[COL_QUERY_ID]);
	query->requested_time = DatumGetTimestampTz(v[COL_REQUESTED_TIME]);
	query->due_at = DatumGetTimestampTz(v[COL_DUE_AT]);
	query->route.version_key = DatumGetInt32(v[COL_VERSION_KEY]);
	query->route.bucket = DatumGetInt16(v[COL_ROUTE_BUCKET]);
	query->task_queue = TextDatumGetCString(v[COL_TASK_QUEUE]);
	query->query = DatumGetJsonbPCopy(v[COL_QUERY]);
	query->answer = slot->tts_isnull[COL_ANSWER] ? NULL :
		DatumGetJsonbPCopy(v[COL_ANSWER]);
}

static void
write_row(const PgwfQuery *query, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(query->namespace_id);
	v[COL_STATE] = Int16GetDatum((int16) query->state);
	v[COL_STICKY] = BoolGetDatum(query->sticky);
	v[COL_ATTEMPT] = Int32GetDatum(query->attempt);
	v[COL_RUN_KEY] = Int64GetDatum(query->run_key);
	v[COL_QUERY_ID] = UUIDPGetDatum(&query->query_id);
	v[COL_REQUESTED_TIME] = TimestampTzGetDatum(query->requested_time);
	v[COL_DUE_AT] = TimestampTzGetDatum(query->due_at);
	v[COL_VERSION_KEY] = Int32GetDatum(query->route.version_key);
	v[COL_ROUTE_BUCKET] = Int16GetDatum(query->route.bucket);
	v[COL_TASK_QUEUE] = CStringGetTextDatum(query->task_queue);
	v[COL_QUERY] = PointerGetDatum(query->query);
	v[COL_ANSWER] = PointerGetDatum(query->answer);
	nulls[COL_ANSWER] = (query->answer == NULL);
}

/* NULL if there is none, or not any more */
PgwfQuery *
pgwf_query_load(PgwfCall *call, int32 namespace_id, const pg_uuid_t *query_id)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	PgwfQuery  *query = NULL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, UUIDPGetDatum(query_id));
	pgwf_scan_begin(&scan, call, PGWF_QUERY_REQUEST,
					PGWF_QUERY_REQUEST_PKEY, keys, lengthof(keys));
	if (pgwf_scan_next(&scan))
	{
		query = palloc(sizeof(PgwfQuery));
		pgwf_query_read(scan.slot, query);
	}
	pgwf_scan_end(&scan);
	return query;
}

/* Those that go with the run's next workflow task, oldest first */
List *
pgwf_query_load_buffered(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	List	   *queries = NIL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_QUERY_REQUEST,
					PGWF_QUERY_REQUEST_BUFFERED_IDX, keys, lengthof(keys));
	while (pgwf_scan_next(&scan))
	{
		PgwfQuery  *query = palloc(sizeof(PgwfQuery));

		pgwf_query_read(scan.slot, query);
		queries = lappend(queries, query);
	}
	pgwf_scan_end(&scan);
	return queries;
}

/* Locks the row and brings "query" up to date */
PgwfLockResult
pgwf_query_lock(PgwfCall *call, PgwfQuery *query, LockWaitPolicy policy)
{
	PgwfLockResult result;

	result = pgwf_table_lock(call, PGWF_QUERY_REQUEST, &query->tid, policy);
	if (result == PGWF_LOCK_OK)
		pgwf_query_read(pgwf_table(call, PGWF_QUERY_REQUEST)->locked, query);
	return result;
}

void
pgwf_query_insert(PgwfCall *call, const PgwfQuery *query)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(query, values, nulls);
	pgwf_table_insert(call, PGWF_QUERY_REQUEST, values, nulls);
}

void
pgwf_query_update(PgwfCall *call, PgwfQuery *query)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(query, values, nulls);
	pgwf_table_update(call, PGWF_QUERY_REQUEST, &query->tid, values, nulls);
}

void
pgwf_query_delete(PgwfCall *call, PgwfQuery *query)
{
	pgwf_table_delete(call, PGWF_QUERY_REQUEST, &query->tid);
}

/* The queries that wait in a queue for a version, or none: oldest first */
void
pgwf_query_queue_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id,
					  const char *task_queue, int32 version_key)
{
	PgwfKey		keys[3];

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(task_queue));
	keys[2] = PGWF_EQUAL_KEY(3, Int32GetDatum(version_key));
	pgwf_scan_begin(scan, call, PGWF_QUERY_REQUEST,
					PGWF_QUERY_REQUEST_QUEUE_IDX, keys, lengthof(keys));
}

/* Those whose askers are gone from one moment to another */
void
pgwf_query_due_scan(PgwfScan *scan, PgwfCall *call, TimestampTz from,
					TimestampTz until)
{
	pgwf_scan_begin_due(scan, call, PGWF_QUERY_REQUEST, PGWF_QUERY_REQUEST_DUE_IDX,
						from, until);
}

/* All of a namespace */
void
pgwf_query_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id)
{
	pgwf_scan_begin_namespace(scan, call, PGWF_QUERY_REQUEST, PGWF_QUERY_REQUEST_PKEY,
							  namespace_id);
}
