/*-------------------------------------------------------------------------
 *
 * pgwf_store_child.c
 *		Rows of workflow.child_execution: pending children of open runs.
 *
 * A row is written by whoever holds the lock of the parent's run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "pgwf_store.h"

enum
{
	COL_NAMESPACE_ID,
	COL_PARENT_CLOSE_POLICY,
	COL_RUN_KEY,
	COL_INITIATED_EVENT_ID,
	COL_STARTED_EVENT_ID,
	COL_WORKFLOW_ID,
	COL_WORKFLOW_TYPE,
	COL_RUN_ID,
	COLUMN_COUNT
};

static PgwfChild *
read_row(TupleTableSlot *slot)
{
	PgwfChild  *child = palloc0(sizeof(PgwfChild));
	Datum	   *v = slot->tts_values;

	child->tid = slot->tts_tid;
	child->change = PGWF_ROW_UNCHANGED;
	child->namespace_id = DatumGetInt32(v[COL_NAMESPACE_ID]);
	child->parent_close_policy =
		(PgwfParentClosePolicy) DatumGetInt16(v[COL_PARENT_CLOSE_POLICY]);
	child->run_key = DatumGetInt64(v[COL_RUN_KEY]);
	child->initiated_event_id = DatumGetInt64(v[COL_INITIATED_EVENT_ID]);
	child->started_event_id = DatumGetInt64(v[COL_STARTED_EVENT_ID]);
	child->workflow_id = TextDatumGetCString(v[COL_WORKFLOW_ID]);
	child->workflow_type = TextDatumGetCString(v[COL_WORKFLOW_TYPE]);
	if (!slot->tts_isnull[COL_RUN_ID])
	{
		child->run_id = palloc(sizeof(pg_uuid_t));
		*child->run_id = *DatumGetUUIDP(v[COL_RUN_ID]);
	}
	return child;
}

static void
write_row(const PgwfChild *child, Datum *v, bool *nulls)
{
	memset(nulls, 0, COLUMN_COUNT * sizeof(bool));
	v[COL_NAMESPACE_ID] = Int32GetDatum(child->namespace_id);
	v[COL_PARENT_CLOSE_POLICY] =
		Int16GetDatum((int16) child->parent_close_policy);
	v[COL_RUN_KEY] = Int64GetDatum(child->run_key);
	v[COL_INITIATED_EVENT_ID] = Int64GetDatum(child->initiated_event_id);
	v[COL_STARTED_EVENT_ID] = Int64GetDatum(child->started_event_id);
	v[COL_WORKFLOW_ID] = CStringGetTextDatum(child->workflow_id);
	v[COL_WORKFLOW_TYPE] = CStringGetTextDatum(child->workflow_type);
	v[COL_RUN_ID] = UUIDPGetDatum(child->run_id);
	nulls[COL_RUN_ID] = (child->run_id == NULL);
}

/* A pending child of a run, or NULL */
PgwfChild *
pgwf_child_load(PgwfCall *call, int32 namespace_id, int64 run_key,
				int64 initiated_event_id)
{
	PgwfKey		keys[3];
	PgwfScan	scan;
	PgwfChild  *child = NULL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	keys[2] = PGWF_EQUAL_KEY(3, Int64GetDatum(initiated_event_id));
	pgwf_scan_begin(&scan, call, PGWF_CHILD_EXECUTION,
					PGWF_CHILD_EXECUTION_PKEY, keys, lengthof(keys));
	if (pgwf_scan_next(&scan))
		child = read_row(scan.slot);
	pgwf_scan_end(&scan);
	return child;
}

/* The pending children of a run in the order of their initiation */
List *
pgwf_child_load_all(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	PgwfKey		keys[2];
	PgwfScan	scan;
	List	   *children = NIL;

	keys[0] = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));
	keys[1] = PGWF_EQUAL_KEY(2, Int64GetDatum(run_key));
	pgwf_scan_begin(&scan, call, PGWF_CHILD_EXECUTION,
					PGWF_CHILD_EXECUTION_PKEY, keys, lengthof(keys));
	while (pgwf_scan_next(&scan))
		children = lappend(children, read_row(scan.slot));
	pgwf_scan_end(&scan);
	return children;
}

void
pgwf_child_insert(PgwfCall *call, const PgwfChild *child)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(child, values, nulls);
	pgwf_table_insert(call, PGWF_CHILD_EXECUTION, values, nulls);
}

void
pgwf_child_update(PgwfCall *call, PgwfChild *child)
{
	Datum		values[COLUMN_COUNT];
	bool		nulls[COLUMN_COUNT];

	write_row(child, values, nulls);
	pgwf_table_update(call, PGWF_CHILD_EXECUTION, &child->tid, values, nulls);
}

void
pgwf_child_delete(PgwfCall *call, PgwfChild *child)
{
	pgwf_table_delete(call, PGWF_CHILD_EXECUTION, &child->tid);
}
