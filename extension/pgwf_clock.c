/*-------------------------------------------------------------------------
 *
 * pgwf_clock.c
 *		The clocks of namespaces.
 *
 * Owns the rows of workflow.namespace_clock, one for each namespace with
 * virtual time, and the lock of each clock: a lock of an object of that
 * table, whose number is the namespace's.
 * - RowExclusiveLock holds a clock: whoever changes something in its
 *   namespace takes it before any row, and keeps it to the end of the
 *   transaction.
 * - ExclusiveLock stops it: needed to set it.
 * The scheduler waits for neither.
 *
 * The end of a transaction that held a clock may be what the scheduler waits
 * for to skip time, so it looks then, when the lock has gone.
 *
 * A row is read with a snapshot of its own, newer than the lock: a
 * transaction that keeps its snapshot goes by the present time as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "pgwf_catalog.h"
#include "pgwf_clock.h"
#include "pgwf_db.h"
#include "pgwf_shmem.h"
#include "pgwf_slot.h"
#include "pgwf_xact.h"

/* Columns of the table */
#define CLOCK_NAMESPACE_ID		1
#define CLOCK_SKIPPING_LOCKS	2
#define CLOCK_OFFSET			3

/* Event times have four digits for the year where they are JSON */
#define LAST_YEAR				9999

static PgwfStatement advance_clock = {
	.sql = "UPDATE workflow.namespace_clock SET offset_us = offset_us + $2"
	" WHERE namespace_id = $1",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

/* Namespaces that are remembered */
#define MAX_HELD	8

/* The clocks that this transaction has held, waiting for their locks */
static int32 held[MAX_HELD];
static int	nheld = 0;			/* -1: more than that */

/*
 * Called in each phase of the release of resources, of subtransactions and
 * portals, too.
 */
static void
after_release(ResourceReleasePhase phase, bool is_commit, bool is_top_level,
			  void *arg)
{
	if (phase != RESOURCE_RELEASE_AFTER_LOCKS || !is_top_level || nheld == 0)
		return;
	if (nheld < 0)
		pgwf_slot_publish_all();
	for (int i = 0; i < nheld; i++)
		pgwf_slot_publish_clock(held[i]);
	nheld = 0;
}

static void
note_held(int32 namespace_id)
{
	for (int i = 0; i < nheld; i++)
	{
		if (held[i] == namespace_id)
			return;
	}
	if (nheld == MAX_HELD)
		nheld = -1;
	else if (nheld >= 0)
		held[nheld++] = namespace_id;
}

static bool
lock_clock(int32 namespace_id, LOCKMODE mode, bool wait)
{
	static bool registered = false;
	LOCKTAG		tag;

	if (!registered)
	{
		RegisterResourceReleaseCallback(after_release, NULL);
		registered = true;
	}
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId,
					   pgwf_relation_oid(PGWF_NAMESPACE_CLOCK),
					   (uint32) namespace_id, 0);
	return LockAcquire(&tag, mode, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

/* Sets the moment of a call by a clock that is held if it must be */
static bool
set_time(PgwfCall *call, int32 namespace_id)
{
	PgwfClock	clock;

	if (!pgwf_clock_read(namespace_id, &clock))
		return false;
	call->wall = GetCurrentTimestamp();
	call->now = call->wall + clock.offset;
	call->namespace_id = namespace_id;
	return true;
}

static void
set_time_or_fail(PgwfCall *call, int32 namespace_id)
{
	if (!set_time(call, namespace_id))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("clock of namespace \"%s\" is missing",
						pgwf_namespace_name(namespace_id))));
}

void
pgwf_clock_use(PgwfCall *call, int32 namespace_id, bool hold)
{
	call->clock_is_open = false;
	if (pgwf_namespace_clock(namespace_id) != PGWF_CLOCK_VIRTUAL)
	{
		call->now = call->wall;
		call->namespace_id = namespace_id;
		return;
	}
	if (hold)
	{
		(void) lock_clock(namespace_id, RowExclusiveLock, true);
		note_held(namespace_id);
	}
	set_time_or_fail(call, namespace_id);
	call->clock_is_open = !hold;
}

void
pgwf_clock_hold(PgwfCall *call)
{
	if (call->clock_is_open)
		pgwf_clock_use(call, call->namespace_id, true);
}

bool
pgwf_clock_try_use(PgwfCall *call, int32 namespace_id)
{
	return lock_clock(namespace_id, RowExclusiveLock, false) &&
		set_time(call, namespace_id);
}

int32
pgwf_call_namespace(PgwfCall *call, const char *name, PgwfRight right)
{
	int32		namespace_id = pgwf_namespace_check(name, right);

	pgwf_clock_use(call, namespace_id, right != PGWF_RIGHT_READ);
	return namespace_id;
}

void
pgwf_call_namespace_id(PgwfCall *call, int32 namespace_id, PgwfRight right)
{
	pgwf_namespace_check_id(namespace_id, right);
	pgwf_clock_use(call, namespace_id, right != PGWF_RIGHT_READ);
}

bool
pgwf_clock_stop(int32 namespace_id, bool wait)
{
	if (!lock_clock(namespace_id, ExclusiveLock, wait))
		return false;
	if (wait)
		note_held(namespace_id);
	return true;
}

static void
read_row(PgwfClock *clock, HeapTuple tuple, TupleDesc tupdesc)
{
	bool		isnull;

	clock->namespace_id =
		DatumGetInt32(heap_getattr(tuple, CLOCK_NAMESPACE_ID, tupdesc,
								   &isnull));
	clock->skipping_locks =
		DatumGetInt32(heap_getattr(tuple, CLOCK_SKIPPING_LOCKS, tupdesc,
								   &isnull));
	clock->offset = DatumGetInt64(heap_getattr(tuple, CLOCK_OFFSET, tupdesc,
											   &isnull));
}

bool
pgwf_clock_read(int32 namespace_id, PgwfClock *clock)
{
	Relation	relation;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key, CLOCK_NAMESPACE_ID, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(namespace_id));
	relation = table_open(pgwf_relation_oid(PGWF_NAMESPACE_CLOCK),
						  AccessShareLock);
	scan = systable_beginscan(relation,
							  pgwf_relation_oid(PGWF_NAMESPACE_CLOCK_PKEY),
							  true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		read_row(clock, tuple, RelationGetDescr(relation));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

List *
pgwf_clock_read_all(void)
{
	Relation	relation;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *clocks = NIL;

	relation = table_open(pgwf_relation_oid(PGWF_NAMESPACE_CLOCK),
						  AccessShareLock);
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		PgwfClock  *clock = palloc(sizeof(PgwfClock));

		CHECK_FOR_INTERRUPTS();
		read_row(clock, tuple, RelationGetDescr(relation));
		clocks = lappend(clocks, clock);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return clocks;
}

void
pgwf_clock_advance(int32 namespace_id, int64 by)
{
	Datum		values[2];
	PgwfDbScope scope;

	Assert(by >= 0);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int64GetDatum(by);
	pgwf_db_begin(&scope);
	(void) pgwf_db_execute(&advance_clock, values, NULL);
	pgwf_db_end(&scope);
	pgwf_xact_wake_all(pgwf_clock_sleep_key(namespace_id));
	pgwf_xact_mark_durable();
}

TimestampTz
pgwf_clock_end(void)
{
	int64		days = date2j(LAST_YEAR, 12, 31) - POSTGRES_EPOCH_JDATE;

	return days * USECS_PER_DAY;
}

uint64
pgwf_clock_sleep_key(int32 namespace_id)
{
	return pgwf_shmem_queue_key(namespace_id, PGWF_QUEUE_CLOCK, "sleep",
								0);
}

uint64
pgwf_clock_skip_key(int32 namespace_id)
{
	return pgwf_shmem_queue_key(namespace_id, PGWF_QUEUE_CLOCK, "skip", 0);
}
