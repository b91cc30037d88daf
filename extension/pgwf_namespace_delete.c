/*-------------------------------------------------------------------------
 *
 * pgwf_namespace_delete.c
 *		What is left of a namespace that was deleted: removed by the scheduler,
 *		a few runs at a time.
 *
 * From the commit that deletes a namespace on nobody can name it, but
 * statements that had found it before may still write to it.  So nothing is
 * removed before the oldest snapshot in the database is newer than that
 * commit, and nothing can come after that.
 *
 * The tables are those of the schema that have a column namespace_id; which
 * of them have a row per run shows their column run_key.  closed_execution is
 * not reached by that, but through the runs.
 *
 * Locks: those of a DELETE; nobody else touches the rows any more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "pgwf_catalog.h"
#include "pgwf_db.h"
#include "pgwf_namespace_delete.h"
#include "pgwf_xact.h"

/* Runs that go in one transaction: their histories may be long */
#define MAX_RUNS		20

/* How often to look whether old snapshots are gone */
#define WAIT_DELAY		USECS_PER_SEC

static PgwfStatement select_deleted = {
	.sql = "SELECT namespace_id, deleted_xid FROM workflow.namespace"
	" WHERE deleted_xid IS NOT NULL ORDER BY namespace_id",
	.nargs = 0
};

static PgwfStatement select_runs = {
	.sql = "SELECT run_key FROM workflow.execution"
	" WHERE namespace_id = $1 ORDER BY run_key LIMIT $2",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

/* $1: whether the tables with a row per run are meant, or all the others */
static PgwfStatement select_tables = {
	.sql = "SELECT c.oid::regclass::text FROM pg_class AS c"
	" WHERE c.relnamespace = 'workflow'::regnamespace"
	" AND c.relkind = 'r'"
	" AND c.relname NOT IN ('namespace', 'closed_execution')"
	" AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid"
	" AND a.attname = 'namespace_id' AND NOT a.attisdropped)"
	" AND $1 = EXISTS (SELECT FROM pg_attribute AS a"
	" WHERE a.attrelid = c.oid AND a.attname = 'run_key'"
	" AND NOT a.attisdropped)"
	" ORDER BY c.relname",
	.nargs = 1,
	.argtypes = {BOOLOID}
};

static PgwfStatement delete_namespace = {
	.sql = "DELETE FROM workflow.namespace WHERE namespace_id = $1",
	.nargs = 1,
	.argtypes = {INT4OID}
};

/*
 * Can nobody write any more to what was deleted by that transaction?  Those
 * in other databases have never been able to: the table is of this one.
 */
static bool
has_passed(FullTransactionId deleted, Relation table)
{
	TransactionId xid = XidFromFullTransactionId(deleted);

	/* the number is another server's: the database was restored */
	if (FullTransactionIdFollowsOrEquals(deleted, ReadNextFullTransactionId()))
		return true;
	return TransactionIdPrecedes(xid, GetOldestNonRemovableTransactionId(table));
}

/* The next namespace whose rows may be removed, or 0 */
static int32
find_deleted(bool *waits)
{
	uint64		count = pgwf_db_query(&select_deleted, NULL, NULL, 0);
	Relation	table;
	int32		namespace_id = 0;

	*waits = false;
	if (count == 0)
		return 0;
	table = table_open(pgwf_relation_oid(PGWF_NAMESPACE), AccessShareLock);
	for (uint64 i = 0; i < count && namespace_id == 0; i++)
	{
		bool		isnull;
		Datum		xid = pgwf_db_value(i, 2, &isnull);

		if (has_passed(DatumGetFullTransactionId(xid), table))
			namespace_id = DatumGetInt32(pgwf_db_value(i, 1, &isnull));
		else
			*waits = true;
	}
	table_close(table, AccessShareLock);
	return namespace_id;
}

/* Names of tables, fit for a statement, in the current memory context */
static List *
find_tables(bool of_runs)
{
	List	   *tables = NIL;
	Datum		value = BoolGetDatum(of_runs);
	uint64		count = pgwf_db_query(&select_tables, &value, NULL, 0);

	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;

		tables = lappend(tables,
						 TextDatumGetCString(pgwf_db_value(i, 1, &isnull)));
	}
	return tables;
}

/* Removes up to MAX_RUNS runs; returns how many */
static int
delete_runs(int32 namespace_id)
{
	Datum		values[2];
	uint64		count;
	StringInfoData keys;
	ListCell   *lc;

	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int64GetDatum(MAX_RUNS);
	count = pgwf_db_query(&select_runs, values, NULL, 0);
	if (count == 0)
		return 0;
	initStringInfo(&keys);
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		int64		run_key = DatumGetInt64(pgwf_db_value(i, 1, &isnull));

		appendStringInfo(&keys, "%s" INT64_FORMAT, i > 0 ? ", " : "",
						 run_key);
		pgwf_xact_run_changed(namespace_id, run_key);
	}
	pgwf_db_utility(psprintf("DELETE FROM workflow.closed_execution AS c"
							 " USING workflow.execution AS e"
							 " WHERE e.namespace_id = %d"
							 " AND e.run_key IN (%s)"
							 " AND c.namespace_id = e.namespace_id"
							 " AND c.close_time = e.close_time"
							 " AND c.start_time = e.start_time"
							 " AND c.run_key = e.run_key",
							 namespace_id, keys.data));
	foreach(lc, find_tables(true))
	{
		CHECK_FOR_INTERRUPTS();
		pgwf_db_utility(psprintf("DELETE FROM %s WHERE namespace_id = %d"
								 " AND run_key IN (%s)",
								 (char *) lfirst(lc), namespace_id,
								 keys.data));
	}
	return (int) count;
}

/* Removes all rows of a namespace in the tables */
static void
delete_all(int32 namespace_id, List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
	{
		CHECK_FOR_INTERRUPTS();
		pgwf_db_utility(psprintf("DELETE FROM %s WHERE namespace_id = %d",
								 (char *) lfirst(lc), namespace_id));
	}
}

/*
 * Removes a part of what there is of deleted namespaces: first what starts
 * runs, then the runs, then what is left.
 */
void
pgwf_namespaces_reclaim(PgwfCall *call, PgwfTurn *turn)
{
	PgwfDbScope scope;
	int32		namespace_id;
	bool		waits;
	Datum		value;

	pgwf_db_begin(&scope);
	namespace_id = find_deleted(&waits);
	if (namespace_id != 0)
	{
		delete_all(namespace_id, find_tables(false));
		turn->fired = delete_runs(namespace_id);
		if (turn->fired == 0)
		{
			delete_all(namespace_id, find_tables(true));
			value = Int32GetDatum(namespace_id);
			(void) pgwf_db_execute(&delete_namespace, &value, NULL);
			turn->fired = 1;
		}
		turn->more = true;
	}
	pgwf_db_end(&scope);
	turn->next = waits ? call->wall + WAIT_DELAY : DT_NOEND;
}
