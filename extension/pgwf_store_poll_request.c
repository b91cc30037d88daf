/*-------------------------------------------------------------------------
 *
 * pgwf_store_poll_request.c
 *		Rows of workflow.poll_request: workflow tasks that workers have by
 *		polls that can be repeated.
 *
 * A row is written and deleted by whoever holds the lock of its run, whose
 * flags tell that it has one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "pgwf_store.h"

enum
{
	COL_NAMESPACE_ID,
	COL_STAMP,
	COL_RUN_KEY,
	COL_REQUEST_ID,
	COLUMN_COUNT
};

void
pgwf_poll_request_insert(PgwfCall *call, const PgwfPollRequest *request,
						 const char *request_id)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT] = {false};

	values[COL_NAMESPACE_ID] = Int32GetDatum(request->namespace_id);
	values[COL_STAMP] = Int32GetDatum(request->stamp);
	values[COL_RUN_KEY] = Int64GetDatum(request->run_key);
	values[COL_REQUEST_ID] = CStringGetTextDatum(request_id);
	pgwf_table_insert(call, PGWF_POLL_REQUEST, values, nulls);
}

void
pgwf_poll_request_delete(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_POLL_REQUEST, PGWF_POLL_REQUEST_PKEY,
					keys, lengthof(keys));
	if (pgwf_scan_next(&scan))
	{
		ItemPointerData tid = scan.slot->tts_tid;

		pgwf_table_delete(call, PGWF_POLL_REQUEST, &tid);
	}
	pgwf_scan_end(&scan);
}

/* The workflow tasks that polls of a request id have claimed */
void
pgwf_poll_request_scan(PgwfScan *scan, PgwfCall *call, int32 namespace_id,
					   const char *request_id)
{
	PgwfKey		keys[2];

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, CStringGetTextDatum(request_id));
	pgwf_scan_begin(scan, call, PGWF_POLL_REQUEST,
					PGWF_POLL_REQUEST_REQUEST_IDX, keys, lengthof(keys));
}

void
pgwf_poll_request_read(TupleTableSlot *slot, PgwfPollRequest *request)
{
	Datum	   *v = slot->tts_values;

	request->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	request->stamp = DatumGetInt32(v[COL_STAMP]);
	request->run_key = DatumGetInt64(v[COL_RUN_KEY]);
}
