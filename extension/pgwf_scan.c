/*-------------------------------------------------------------------------
 *
 * pgwf_scan.c
 *		Scans of our indexes, and rows looked up by their keys, for the store
 *		modules.
 *
 * Most of what it costs to look up a row is to begin a scan and to go down
 * the index.  So a scan that has ended is kept for the next one in the index,
 * as long as that is open; and the backend remembers where it has seen rows.
 * That is a hint: what is found there must be visible and have the key, or
 * the index is asked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pgwf_compat.h"
#include "pgwf_table.h"

#define MAX_SCAN_KEYS	5

/* Rows whose places a backend remembers, a power of two */
#define PLACE_COUNT		4096

/*
 * Where a row of an index was: what the index points to, which stays when
 * the row is updated without new entries.
 */
typedef struct Place
{
	uint32		hash;			/* of its index and key */
	ItemPointerData tid;
} Place;

static Place *places = NULL;

static RegProcedure
comparison(Oid type, StrategyNumber strategy)
{
	switch (type)
	{
		case INT2OID:
			return F_INT2EQ;
		case INT4OID:
			return strategy == BTGreaterEqualStrategyNumber ? F_INT4GE :
				F_INT4EQ;
		case INT8OID:
			return strategy == BTLessEqualStrategyNumber ? F_INT8LE :
				strategy == BTGreaterEqualStrategyNumber ? F_INT8GE : F_INT8EQ;
		case TIMESTAMPTZOID:
			return strategy == BTLessEqualStrategyNumber ? F_TIMESTAMPTZ_LE :
				strategy == BTGreaterEqualStrategyNumber ? F_TIMESTAMPTZ_GE :
				F_TIMESTAMPTZ_EQ;
		case UUIDOID:
			return F_UUID_EQ;
		case TEXTOID:
			return strategy == BTGreaterEqualStrategyNumber ? F_TEXT_GE :
				F_TEXTEQ;
		default:
			elog(ERROR, "no comparison for index column type %u", type);
	}
	pg_unreachable();
}

/* The members of the key must live as long as the scan */
static void
init_row_key(ScanKey key, ScanKey members, const PgwfRowKey *from)
{
	ScanKeyEntryInitialize(&members[0], SK_ROW_MEMBER, from->column,
						   BTGreaterEqualStrategyNumber, InvalidOid,
						   InvalidOid, F_BTINT8CMP,
						   Int64GetDatum(from->number));
	ScanKeyEntryInitialize(&members[1], SK_ROW_MEMBER | SK_ROW_END,
						   from->column + 1, BTGreaterEqualStrategyNumber,
						   InvalidOid, InvalidOid, F_TIMESTAMPTZ_CMP,
						   TimestampTzGetDatum(from->time));
	memset(key, 0, sizeof(ScanKeyData));
	key->sk_flags = SK_ROW_HEADER;
	key->sk_attno = from->column;
	key->sk_strategy = BTGreaterEqualStrategyNumber;
	key->sk_argument = PointerGetDatum(members);
}

static void
end_idle_scan(PgwfIdleScan *idle)
{
	index_endscan(idle->scan);
	ExecDropSingleTupleTableSlot(idle->slot);
	idle->scan = NULL;
}

/* Closes the indexes that scans have opened; none is under way */
void
pgwf_scans_close(PgwfOpen *open)
{
	for (int i = 0; i < PGWF_RELATION_COUNT; i++)
	{
		if (open->idle[i].scan)
			end_idle_scan(&open->idle[i]);
		if (open->indexes[i])
			index_close(open->indexes[i], NoLock);
	}
}

/* Takes a scan that is idle, or makes one */
static void
take_scan(PgwfScan *scan, PgwfTable *table, Relation index, int nkeys)
{
	PgwfIdleScan *idle = &scan->open->idle[scan->index_id];
	MemoryContext old;

	if (idle->scan && idle->scan->numberOfKeys == nkeys)
	{
		scan->scan = idle->scan;
		scan->slot = idle->slot;
		scan->scan->xs_snapshot = scan->snapshot;
		idle->scan = NULL;
		return;
	}
	old = MemoryContextSwitchTo(scan->open->context);
	scan->slot = table_slot_create(table->rel, NULL);
	scan->scan = pgwf_index_beginscan(table->rel, index, scan->snapshot,
									  nkeys, 0);
	memset(scan->scan->keyData, 0, nkeys * sizeof(ScanKeyData));
	MemoryContextSwitchTo(old);
}

/* Lets go of all that a scan holds, and leaves it to the next one */
static void
leave_scan(PgwfScan *scan)
{
	PgwfIdleScan *idle = &scan->open->idle[scan->index_id];

	if (idle->scan)
		end_idle_scan(idle);
	index_rescan(scan->scan, NULL, scan->scan->numberOfKeys, NULL, 0);
	scan->scan->xs_snapshot = InvalidSnapshot;
	ExecClearTuple(scan->slot);
	idle->scan = scan->scan;
	idle->slot = scan->slot;
}

/* Takes a scan for so many keys, which are still to be given to it */
static Relation
scan_open(PgwfScan *scan, PgwfCall *call, PgwfRelationId table_id,
		  PgwfRelationId index_id, int nkeys, ScanDirection direction,
		  Snapshot snapshot)
{
	PgwfTable  *table = pgwf_table(call, table_id);
	Relation	index = call->open->indexes[index_id];

	if (index == NULL)
		index = call->open->indexes[index_id] =
			index_open(pgwf_relation_oid(index_id), AccessShareLock);
	Assert(index->rd_index->indrelid == RelationGetRelid(table->rel));
	scan->open = call->open;
	scan->index_id = index_id;
	scan->passed = 0;
	scan->snapshot = snapshot;
	scan->direction = direction;
	take_scan(scan, table, index, nkeys);
	return index;
}

static void
scan_start(PgwfScan *scan, Relation index, const PgwfKey *keys, int nkeys,
		   const PgwfRowKey *from)
{
	ScanKeyData scan_keys[MAX_SCAN_KEYS];

	Assert(nkeys + (from ? 1 : 0) <= MAX_SCAN_KEYS);
	for (int i = 0; i < nkeys; i++)
		ScanKeyInit(&scan_keys[i], keys[i].column, keys[i].strategy,
					comparison(index->rd_opcintype[keys[i].column - 1],
							   keys[i].strategy),
					keys[i].value);
	if (from)
		init_row_key(&scan_keys[nkeys++], scan->row, from);
	index_rescan(scan->scan, scan_keys, nkeys, NULL, 0);
}

static void
scan_begin(PgwfScan *scan, PgwfCall *call, PgwfRelationId table_id,
		   PgwfRelationId index_id, const PgwfKey *keys, int nkeys,
		   const PgwfRowKey *from, ScanDirection direction,
		   Snapshot snapshot)
{
	Relation	index = scan_open(scan, call, table_id, index_id,
								  nkeys + (from ? 1 : 0), direction, snapshot);

	scan_start(scan, index, keys, nkeys, from);
}

/* Puts the next row that the snapshot shows into the slot */
static bool
next_row(PgwfScan *scan)
{
	for (;;)
	{
		if (!scan->scan->xs_heap_continue)
		{
			/* what the index keeps to itself is there for the next scan */
			MemoryContext old = MemoryContextSwitchTo(scan->open->context);
			ItemPointer tid = index_getnext_tid(scan->scan, scan->direction);

			MemoryContextSwitchTo(old);
			if (tid == NULL)
				return false;
			scan->entry_tid = *tid;
		}
		if (index_fetch_heap(scan->scan, scan->slot))
			return true;
		scan->passed++;
	}
}

/* Rows come in the order of the index */
void
pgwf_scan_begin(PgwfScan *scan, PgwfCall *call, PgwfRelationId table,
				PgwfRelationId index, const PgwfKey *keys, int nkeys)
{
	scan_begin(scan, call, table, index, keys, nkeys, NULL,
			   ForwardScanDirection, RegisterSnapshot(GetActiveSnapshot()));
}

/* Rows whose time, the first column of the index, is in [from, until] */
void
pgwf_scan_begin_due(PgwfScan *scan, PgwfCall *call, PgwfRelationId table,
					PgwfRelationId index, TimestampTz from, TimestampTz until)
{
	PgwfKey		keys[2];

	keys[0] = (PgwfKey) {1, BTGreaterEqualStrategyNumber,
						 TimestampTzGetDatum(from)};
	keys[1] = (PgwfKey) {1, BTLessEqualStrategyNumber,
						 TimestampTzGetDatum(until)};
	pgwf_scan_begin(scan, call, table, index, keys, lengthof(keys));
}

/* Rows of a namespace, which is the first column of the index */
void
pgwf_scan_begin_namespace(PgwfScan *scan, PgwfCall *call,
						  PgwfRelationId table, PgwfRelationId index,
						  int32 namespace_id)
{
	PgwfKey		key = PGWF_EQUAL_KEY(1, Int32GetDatum(namespace_id));

	pgwf_scan_begin(scan, call, table, index, &key, 1);
}

/* The same as pgwf_scan_begin() from a place in the index on, unless NULL */
void
pgwf_scan_begin_from(PgwfScan *scan, PgwfCall *call, PgwfRelationId table,
					 PgwfRelationId index, const PgwfKey *keys, int nkeys,
					 const PgwfRowKey *from)
{
	scan_begin(scan, call, table, index, keys, nkeys, from,
			   ForwardScanDirection, RegisterSnapshot(GetActiveSnapshot()));
}

/* Rows come in the reverse order of the index */
void
pgwf_scan_begin_last(PgwfScan *scan, PgwfCall *call, PgwfRelationId table,
					 PgwfRelationId index, const PgwfKey *keys, int nkeys)
{
	scan_begin(scan, call, table, index, keys, nkeys, NULL,
			   BackwardScanDirection, RegisterSnapshot(GetActiveSnapshot()));
}

/*
 * Has the transaction that inserted the version of a row, and may be in
 * progress, replaced or deleted it as well?
 */
static bool
is_taken_back(TupleTableSlot *slot)
{
	HeapTupleHeader header = ExecFetchSlotHeapTuple(slot, false,
													NULL)->t_data;

	return (header->t_infomask & (HEAP_XMAX_INVALID |
								  HEAP_XMAX_IS_MULTI)) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		HeapTupleHeaderGetRawXmax(header) ==
		HeapTupleHeaderGetRawXmin(header);
}

static int64
slot_bigint(TupleTableSlot *slot, int column)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(slot, column + 1, &isnull));
}

/*
 * Reads a bigint column of the last row with these keys, in the order of the
 * index, as things are at this moment, whatever the snapshot shows.  Rows
 * that have *passed (or NULL) in another column are passed over.  Returns
 * false if there is none.
 *
 * If another transaction in progress has inserted, changed or deleted that
 * row, *undecided is its id; otherwise it is invalid.  What it has inserted
 * and deleted does not count.
 */
bool
pgwf_scan_newest(PgwfCall *call, PgwfRelationId table, PgwfRelationId index,
				 const PgwfKey *keys, int nkeys, int column, int64 *value,
				 int passed_column, const int64 *passed,
				 TransactionId *undecided)
{
	SnapshotData dirty;
	PgwfScan	scan;
	bool		found;

	InitDirtySnapshot(dirty);
	scan_begin(&scan, call, table, index, keys, nkeys, NULL,
			   BackwardScanDirection, &dirty);
	do
		found = next_row(&scan);
	while (found && (is_taken_back(scan.slot) ||
					 (passed && slot_bigint(scan.slot,
											passed_column) == *passed)));
	*undecided = InvalidTransactionId;
	if (found)
	{
		*undecided = TransactionIdIsValid(dirty.xmin) ? dirty.xmin :
			dirty.xmax;
		*value = slot_bigint(scan.slot, column);
	}
	leave_scan(&scan);
	return found;
}

static Place *
find_place(PgwfRelationId index, const PgwfKey *keys, int nkeys, uint32 *hash)
{
	*hash = murmurhash32((uint32) index);
	for (int i = 0; i < nkeys; i++)
	{
		uint64		value = (uint64) keys[i].value;

		*hash = hash_combine(*hash,
							 murmurhash32((uint32) (value ^ value >> 32)));
	}
	if (places == NULL)
		places = MemoryContextAllocZero(TopMemoryContext,
										PLACE_COUNT * sizeof(Place));
	return &places[*hash % PLACE_COUNT];
}

/* Is it still a place in the table, which may have been truncated? */
static bool
place_exists(PgwfTable *table, ItemPointer tid)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);

	if (block >= table->nblocks)
		table->nblocks = RelationGetNumberOfBlocks(table->rel);
	return block < table->nblocks;
}

/* The keys are equal if they are the same bits */
static bool
has_key(TupleTableSlot *slot, Relation index, const PgwfKey *keys, int nkeys)
{
	slot_getallattrs(slot);
	for (int i = 0; i < nkeys; i++)
	{
		int			column = index->rd_index->indkey.values[i] - 1;

		Assert(TupleDescAttr(slot->tts_tupleDescriptor, column)->attbyval);
		if (slot->tts_isnull[column] ||
			slot->tts_values[column] != keys[i].value)
			return false;
	}
	return true;
}

/*
 * Begins a scan for the row of a unique key and goes to it; false if there is
 * none.  The key is all columns of the index, which are integers.
 */
bool
pgwf_scan_begin_row(PgwfScan *scan, PgwfCall *call, PgwfRelationId table_id,
					PgwfRelationId index_id, const PgwfKey *keys, int nkeys)
{
	PgwfTable  *table = pgwf_table(call, table_id);
	uint32		hash;
	Place	   *place = find_place(index_id, keys, nkeys, &hash);
	Relation	index = scan_open(scan, call, table_id, index_id, nkeys,
								  ForwardScanDirection,
								  RegisterSnapshot(GetActiveSnapshot()));
	ItemPointerData tid = place->tid;
	bool		again = false;

	if (place->hash == hash && ItemPointerIsValid(&tid) &&
		place_exists(table, &tid) &&
		table_index_fetch_tuple(scan->scan->xs_heapfetch, &tid,
								scan->snapshot, scan->slot, &again, NULL) &&
		has_key(scan->slot, index, keys, nkeys))
		return true;

	scan_start(scan, index, keys, nkeys, NULL);
	if (!pgwf_scan_next(scan))
		return false;
	place->hash = hash;
	place->tid = scan->entry_tid;
	return true;
}

/* Remembers where the row of such a key has just been inserted */
void
pgwf_scan_note_row(PgwfRelationId index_id, const PgwfKey *keys, int nkeys,
				   ItemPointer tid)
{
	uint32		hash;
	Place	   *place = find_place(index_id, keys, nkeys, &hash);

	place->hash = hash;
	place->tid = *tid;
}

bool
pgwf_scan_next(PgwfScan *scan)
{
	CHECK_FOR_INTERRUPTS();
	if (!next_row(scan))
	{
		ExecClearTuple(scan->slot);
		return false;
	}
	slot_getallattrs(scan->slot);
	return true;
}

void
pgwf_scan_end(PgwfScan *scan)
{
	leave_scan(scan);
	UnregisterSnapshot(scan->snapshot);
}
