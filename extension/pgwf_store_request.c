/*-------------------------------------------------------------------------
 *
 * pgwf_store_request.c
 *		Rows of workflow.run_request: request ids that a run has seen.
 *
 * A row is written by whoever holds the lock of its run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "pgwf_store.h"

enum
{
	COL_NAMESPACE_ID,
	COL_KIND,
	COL_RUN_KEY,
	COL_REQUEST_ID,
	COLUMN_COUNT
};

bool
pgwf_run_request_exists(PgwfCall *call, int32 namespace_id, int64 run_key,
						PgwfRequestKind kind, const char *request_id)
{
	PgwfKey		keys[4];
	PgwfScan	scan;
	bool		found;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	keys[2] = PGWF_EQUAL_KEY(3, Int16GetDatum((int16) kind));
	keys[3] = PGWF_EQUAL_KEY(4, CStringGetTextDatum(request_id));
	pgwf_scan_begin(&scan, call, PGWF_RUN_REQUEST,
					PGWF_RUN_REQUEST_PKEY, keys, lengthof(keys));
	found = pgwf_scan_next(&scan);
	pgwf_scan_end(&scan);
	return found;
}

void
pgwf_run_request_insert(PgwfCall *call, int32 namespace_id, int64 run_key,
						PgwfRequestKind kind, const char *request_id)
{
	Datum		v[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT] = {0};

	v[COL_NAMESPACE_ID] = Int32GetDatum(namespace_id);
	v[COL_KIND] = Int16GetDatum((int16) kind);
	v[COL_RUN_KEY] = Int64GetDatum(run_key);
	v[COL_REQUEST_ID] = CStringGetTextDatum(request_id);
	pgwf_table_insert(call, PGWF_RUN_REQUEST, v, nulls);
}

/*
 * Forgets the requests of a run that is deleted; of one that closes, all but
 * the starts that were attached to it, which may be repeated.
 */
void
pgwf_run_request_delete_all(PgwfCall *call, int32 namespace_id,
							int64 run_key, bool keep_starts)
{
	PgwfKey		keys[2];
	PgwfScan	scan;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_RUN_REQUEST,
					PGWF_RUN_REQUEST_PKEY, keys, lengthof(keys));
	while (pgwf_scan_next(&scan))
	{
		ItemPointerData tid = scan.slot->tts_tid;
		bool		isnull;
		int16		kind = DatumGetInt16(slot_getattr(scan.slot,
													  COL_KIND + 1, &isnull));

		if (keep_starts && kind == PGWF_REQUEST_ATTACHED_START)
			continue;
		pgwf_table_delete(call, PGWF_RUN_REQUEST, &tid);
	}
	pgwf_scan_end(&scan);
}
