/*-------------------------------------------------------------------------
 *
 * pgwf_drainage.c
 *		Whether versions that get no new runs have old ones left (SS 16).
 *
 * A version that was current or ramping and is not any more is draining as
 * long as open runs are pinned to it, and drained then.  The scheduler looks
 * from time to time: at pinned_run, which has a row per such run.
 *
 * Locks: rows of worker_version_drainage, none of which is waited for by the
 * scheduler.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_db.h"
#include "pgwf_drainage.h"
#include "pgwf_guc.h"
#include "pgwf_json.h"
#include "pgwf_store.h"
#include "pgwf_xact.h"

/* Versions that are looked at in a turn */
#define MAX_VERSIONS	100

static PgwfStatement insert_draining = {
	.sql = "INSERT INTO workflow.worker_version_drainage (namespace_id,"
	" version_key, drained, last_changed_time, last_checked_time, check_at)"
	" VALUES ($1, $2, false, $3, $3, $4)"
	" ON CONFLICT (namespace_id, version_key) DO UPDATE SET drained = false,"
	" last_changed_time = $3, last_checked_time = $3, check_at = $4",
	.nargs = 4,
	.argtypes = {INT4OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

static PgwfStatement update_drained = {
	.sql = "UPDATE workflow.worker_version_drainage SET drained = false,"
	" last_changed_time = $3, last_checked_time = $3, check_at = $4"
	" WHERE namespace_id = $1 AND version_key = $2 AND drained",
	.nargs = 4,
	.argtypes = {INT4OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

static PgwfStatement delete_row = {
	.sql = "DELETE FROM workflow.worker_version_drainage"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 2,
	.argtypes = {INT4OID, INT4OID}
};

static PgwfStatement select_due = {
	.sql = "SELECT namespace_id, version_key"
	" FROM workflow.worker_version_drainage WHERE check_at <= $1"
	" ORDER BY check_at LIMIT $2 FOR UPDATE SKIP LOCKED",
	.nargs = 2,
	.argtypes = {TIMESTAMPTZOID, INT4OID}
};

static PgwfStatement update_checked = {
	.sql = "UPDATE workflow.worker_version_drainage SET drained = $5,"
	" last_changed_time = CASE WHEN $5 THEN $3 ELSE last_changed_time END,"
	" last_checked_time = $3, check_at = CASE WHEN $5 THEN NULL ELSE $4 END"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 5,
	.argtypes = {INT4OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID}
};

static uint64
execute(PgwfStatement *statement, int32 namespace_id, int32 version_key,
		TimestampTz now, bool drained)
{
	Datum		values[5];
	PgwfDbScope scope;
	uint64		count;

	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int32GetDatum(version_key);
	values[2] = TimestampTzGetDatum(now);
	values[3] = TimestampTzGetDatum(now +
									(int64) pgwf_version_drainage_interval *
									1000);
	values[4] = BoolGetDatum(drained);
	pgwf_db_begin(&scope);
	count = pgwf_db_execute(statement, values, NULL);
	pgwf_db_end(&scope);
	return count;
}

/* The version is not current or ramping any more */
void
pgwf_drainage_begin(PgwfCall *call, int32 namespace_id, int32 version_key)
{
	(void) execute(&insert_draining, namespace_id, version_key, call->wall,
				   false);
	pgwf_xact_look(PGWF_PART_DRAINAGE);
}

/* It is again, or it is deleted */
void
pgwf_drainage_end(int32 namespace_id, int32 version_key)
{
	Datum		values[2];
	PgwfDbScope scope;

	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int32GetDatum(version_key);
	pgwf_db_begin(&scope);
	(void) pgwf_db_execute(&delete_row, values, NULL);
	pgwf_db_end(&scope);
}

/* A run is pinned to the version, which may have been drained */
void
pgwf_drainage_reopen(PgwfCall *call, int32 namespace_id, int32 version_key)
{
	if (execute(&update_drained, namespace_id, version_key, call->wall,
				false) > 0)
		pgwf_xact_look(PGWF_PART_DRAINAGE);
}

/* When the first version is to be looked at, from one moment to another */
static TimestampTz
first_due(PgwfCall *call, TimestampTz from, TimestampTz until)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	TimestampTz result = DT_NOEND;

	keys[0] = (PgwfKey) {1, BTGreaterEqualStrategyNumber,
						 TimestampTzGetDatum(from)};
	keys[1] = (PgwfKey) {1, BTLessEqualStrategyNumber,
						 TimestampTzGetDatum(until)};
	pgwf_scan_begin(&scan, call, PGWF_WORKER_VERSION_DRAINAGE,
					PGWF_WORKER_VERSION_DRAINAGE_CHECK_IDX, keys,
					lengthof(keys));
	if (pgwf_scan_next(&scan))
	{
		bool		isnull;

		/* check_at is the last column */
		result = DatumGetTimestampTz(slot_getattr(scan.slot, 6, &isnull));
	}
	pgwf_scan_end(&scan);
	return result;
}

/* The versions that are due, locked: pairs of their numbers */
static int
select_versions(PgwfCall *call, int32 *keys)
{
	Datum		values[2];
	PgwfDbScope scope;
	int			count;
	bool		isnull;

	values[0] = TimestampTzGetDatum(call->wall);
	values[1] = Int32GetDatum(MAX_VERSIONS);
	pgwf_db_begin(&scope);
	count = (int) pgwf_db_execute(&select_due, values, NULL);
	for (int i = 0; i < count; i++)
	{
		keys[2 * i] = DatumGetInt32(pgwf_db_value(i, 1, &isnull));
		keys[2 * i + 1] = DatumGetInt32(pgwf_db_value(i, 2, &isnull));
	}
	pgwf_db_end(&scope);
	return count;
}

/* Looks at the versions that are due */
void
pgwf_drainage_run(PgwfCall *call, int *fired)
{
	int32		keys[2 * MAX_VERSIONS];
	int			count;

	if (first_due(call, PGWF_NO_TIME, call->wall) == DT_NOEND)
		return;
	count = select_versions(call, keys);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) execute(&update_checked, keys[2 * i], keys[2 * i + 1], call->wall,
					   !pgwf_pinned_run_exists(call, keys[2 * i], keys[2 * i + 1]));
		(*fired)++;
	}
	CommandCounterIncrement();
	pgwf_call_new_snapshot(call);
}

/* The first moment after "after" at which one is due, or DT_NOEND */
TimestampTz
pgwf_drainage_next(PgwfCall *call, TimestampTz after)
{
	return first_due(call, after + 1, DT_NOEND);
}
