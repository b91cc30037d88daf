/*-------------------------------------------------------------------------
 *
 * pgwf_store_pinned_run.c
 *		Rows of workflow.pinned_run: open runs that are pinned to a version.
 *
 * A row is written by whoever holds the lock of its run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_store.h"

enum
{
	COL_NAMESPACE_ID,
	COL_VERSION_KEY,
	COL_RUN_KEY,
	COLUMN_COUNT
};

void
pgwf_pinned_run_insert(PgwfCall *call, int32 namespace_id, int32 version_key,
					   int64 run_key)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT] = {false};

	values[COL_NAMESPACE_ID] = Int32GetDatum(namespace_id);
	values[COL_VERSION_KEY] = Int32GetDatum(version_key);
	values[COL_RUN_KEY] = Int64GetDatum(run_key);
	pgwf_table_insert(call, PGWF_PINNED_RUN, values, nulls);
}

void
pgwf_pinned_run_delete(PgwfCall *call, int32 namespace_id, int32 version_key,
					   int64 run_key)
{
	PgwfKey		keys[3];
	PgwfScan	scan;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int32GetDatum(version_key));
	keys[2] = PGWF_EQUAL_KEY(3, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_PINNED_RUN, PGWF_PINNED_RUN_PKEY, keys,
					lengthof(keys));
	if (pgwf_scan_next(&scan))
	{
		ItemPointerData tid = scan.slot->tts_tid;

		pgwf_table_delete(call, PGWF_PINNED_RUN, &tid);
	}
	pgwf_scan_end(&scan);
}

/* Is any open run pinned to the version? */
bool
pgwf_pinned_run_exists(PgwfCall *call, int32 namespace_id, int32 version_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	bool		found;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int32GetDatum(version_key));
	pgwf_scan_begin(&scan, call, PGWF_PINNED_RUN, PGWF_PINNED_RUN_PKEY, keys,
					lengthof(keys));
	found = pgwf_scan_next(&scan);
	pgwf_scan_end(&scan);
	return found;
}
