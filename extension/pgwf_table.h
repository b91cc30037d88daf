/*-------------------------------------------------------------------------
 *
 * pgwf_table.h
 *		Direct access to our tables, for the store modules.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_TABLE_H
#define PGWF_TABLE_H

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "nodes/lockoptions.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapshot.h"

#include "pgwf_catalog.h"

/* One of our tables, open for the time of a call */
typedef struct PgwfTable
{
	PgwfRelationId id;
	Relation	rel;
	ResultRelInfo *result_rel;	/* with its indexes; NULL until needed */
	TupleTableSlot *row;		/* a row to be written; NULL until needed */
	TupleTableSlot *locked;		/* the row last locked; NULL before */
	BlockNumber nblocks;		/* it has at least so many */
} PgwfTable;

/* A scan that has ended and can be begun again; "scan" is NULL: there is none */
typedef struct PgwfIdleScan
{
	IndexScanDesc scan;
	TupleTableSlot *slot;
} PgwfIdleScan;

/*
 * Tables and indexes that are open for one call, or for calls that follow
 * each other in one statement and share them
 */
typedef struct PgwfOpen
{
	MemoryContext context;		/* of what is in here */
	ResourceOwner owner;		/* of calls that may share it */
	bool		in_use;			/* a call has it */
	MemoryContext call_context; /* of one call after the other; or NULL */
	bool		locked_run;		/* a call has locked a run */
	struct PgwfOpen *outer;		/* shared before it; NULL: nothing */
	EState	   *estate;			/* NULL until index entries are made */
	PgwfTable  *tables[PGWF_RELATION_COUNT];
	Relation	indexes[PGWF_RELATION_COUNT];	/* opened for scans */
	PgwfIdleScan idle[PGWF_RELATION_COUNT]; /* of these indexes */
} PgwfOpen;

/*
 * What the execution of one SQL function of ours holds: a memory context, a
 * snapshot, the open tables and the moment it happens.  That moment is the
 * machine's until pgwf_call_namespace() or pgwf_clock_use() makes it that of
 * a namespace, which may have a clock of its own.
 */
typedef struct PgwfCall
{
	MemoryContext context;
	MemoryContext caller_context;
	PgwfOpen   *open;
	TimestampTz now;			/* by the clock of the namespace */
	TimestampTz wall;			/* by the machine's */
	int32		namespace_id;	/* whose clock it is; 0: the machine's */
	bool		clock_is_open;	/* it is a clock of its own, and not held */
	bool		impatient;		/* the scheduler's: it waits for no lock */
} PgwfCall;

/* A condition on a column of an index, counted from 1 */
typedef struct PgwfKey
{
	int			column;
	StrategyNumber strategy;
	Datum		value;
} PgwfKey;

/*
 * The lower bound of a scan in two columns of an index that are compared as
 * a row: a bigint at "column" and a timestamptz after it
 */
typedef struct PgwfRowKey
{
	int			column;
	int64		number;
	TimestampTz time;
} PgwfRowKey;

typedef struct PgwfScan
{
	IndexScanDesc scan;
	PgwfOpen   *open;
	PgwfRelationId index_id;
	Snapshot	snapshot;
	ScanDirection direction;
	TupleTableSlot *slot;		/* the current row */
	ItemPointerData entry_tid;	/* where its entry in the index points to */
	ScanKeyData row[2];			/* if it has a lower bound */
	uint32		passed;			/* entries of rows that were not visible */
} PgwfScan;

typedef enum PgwfLockResult
{
	PGWF_LOCK_OK,				/* the row is in table->locked */
	PGWF_LOCK_GONE,				/* deleted meanwhile */
	PGWF_LOCK_BUSY				/* somebody else has it */
} PgwfLockResult;

#define PGWF_EQUAL_KEY(column_, value_) \
	((PgwfKey) {(column_), BTEqualStrategyNumber, (value_)})

extern void pgwf_open_share(PgwfOpen *open);
extern void pgwf_open_unshare(PgwfOpen *open);
extern void pgwf_open_close(PgwfOpen *open);
extern bool pgwf_call_is_shared(const PgwfCall *call);
extern void pgwf_call_begin(PgwfCall *call);
extern void pgwf_call_end(PgwfCall *call);
extern void pgwf_call_new_snapshot(PgwfCall *call);
extern void pgwf_call_look_again(PgwfCall *call);

extern PgwfTable *pgwf_table(PgwfCall *call, PgwfRelationId id);
extern void pgwf_table_insert(PgwfCall *call, PgwfRelationId id,
							  const Datum *values, const bool *nulls);
extern bool pgwf_table_insert_unless_conflict(PgwfCall *call,
											  PgwfRelationId id,
											  PgwfRelationId arbiter,
											  const Datum *values,
											  const bool *nulls);
extern bool pgwf_table_insert_if_free(PgwfCall *call, PgwfRelationId id,
									  PgwfRelationId unique,
									  const Datum *values,
									  const bool *nulls, ItemPointer tid);
extern void pgwf_table_take_back(PgwfCall *call, PgwfRelationId id,
								 ItemPointer tid);
extern void pgwf_table_insert_many(PgwfCall *call, PgwfRelationId id,
								   int nrows, const Datum *values,
								   const bool *nulls);
extern void pgwf_table_update(PgwfCall *call, PgwfRelationId id,
							  ItemPointer tid, const Datum *values,
							  const bool *nulls);
extern void pgwf_table_delete(PgwfCall *call, PgwfRelationId id,
							  ItemPointer tid);
extern PgwfLockResult pgwf_table_lock(PgwfCall *call, PgwfRelationId id,
									  ItemPointer tid, LockWaitPolicy policy);

extern void pgwf_scans_close(PgwfOpen *open);
extern bool pgwf_scan_begin_row(PgwfScan *scan, PgwfCall *call,
								PgwfRelationId table, PgwfRelationId index,
								const PgwfKey *keys, int nkeys);
extern void pgwf_scan_note_row(PgwfRelationId index, const PgwfKey *keys,
							   int nkeys, ItemPointer tid);
extern void pgwf_scan_begin(PgwfScan *scan, PgwfCall *call,
							PgwfRelationId table, PgwfRelationId index,
							const PgwfKey *keys, int nkeys);
extern void pgwf_scan_begin_due(PgwfScan *scan, PgwfCall *call,
								PgwfRelationId table, PgwfRelationId index,
								TimestampTz from, TimestampTz until);
extern void pgwf_scan_begin_namespace(PgwfScan *scan, PgwfCall *call,
									  PgwfRelationId table,
									  PgwfRelationId index,
									  int32 namespace_id);
extern void pgwf_scan_begin_from(PgwfScan *scan, PgwfCall *call,
								 PgwfRelationId table, PgwfRelationId index,
								 const PgwfKey *keys, int nkeys,
								 const PgwfRowKey *from);
extern void pgwf_scan_begin_last(PgwfScan *scan, PgwfCall *call,
								 PgwfRelationId table, PgwfRelationId index,
								 const PgwfKey *keys, int nkeys);
extern bool pgwf_scan_newest(PgwfCall *call, PgwfRelationId table,
							 PgwfRelationId index, const PgwfKey *keys,
							 int nkeys, int column, int64 *value,
							 int passed_column, const int64 *passed,
							 TransactionId *undecided);
extern bool pgwf_scan_next(PgwfScan *scan);
extern void pgwf_scan_end(PgwfScan *scan);

#endif							/* PGWF_TABLE_H */
