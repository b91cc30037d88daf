/*-------------------------------------------------------------------------
 *
 * pgwf_table.c
 *		Direct access to our tables, for the store modules.
 *
 * An SPI statement costs an executor start-up per row; these functions do
 * what the executor does for one row of a table without triggers, foreign
 * keys, row security or generated columns, which ours never have.
 *
 * Locks: a call opens its tables with RowExclusiveLock and leaves the locks
 * to the end of the transaction.  Row locks are taken by pgwf_table_lock
 * only; the order is a run's mutable_state row first, then its other rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pgwf_compat.h"
#include "pgwf_table.h"

/* What a call that changes a run needs, with some room */
#define SHARED_CALL_CONTEXT_SIZE	(32 * 1024)

/* What calls share at the moment; NULL: each opens its own */
static PgwfOpen *shared = NULL;

/*
 * The calls that follow in this statement share what they open, until
 * pgwf_open_unshare(), which must come also if one of them raises an error.
 * What is opened is in the current memory context.
 */
void
pgwf_open_share(PgwfOpen *open)
{
	memset(open, 0, sizeof(PgwfOpen));
	open->context = CurrentMemoryContext;
	open->owner = CurrentResourceOwner;
	open->outer = shared;
	shared = open;
}

/* Leaves closing to pgwf_open_close(), or to the end of the transaction */
void
pgwf_open_unshare(PgwfOpen *open)
{
	shared = open->outer;
}

void
pgwf_open_close(PgwfOpen *open)
{
	pgwf_scans_close(open);
	for (int i = 0; i < PGWF_RELATION_COUNT; i++)
	{
		PgwfTable  *table = open->tables[i];

		if (table == NULL)
			continue;
		if (table->row)
			ExecDropSingleTupleTableSlot(table->row);
		if (table->locked)
			ExecDropSingleTupleTableSlot(table->locked);
		if (table->result_rel)
			ExecCloseIndices(table->result_rel);
		table_close(table->rel, NoLock);
	}
	if (open->estate)
		FreeExecutorState(open->estate);
}

/* The next call finds no row of this one, and nothing keeps its buffers */
static void
clear_slots(PgwfOpen *open)
{
	for (int i = 0; i < PGWF_RELATION_COUNT; i++)
	{
		PgwfTable  *table = open->tables[i];

		if (table && table->row)
			ExecClearTuple(table->row);
		if (table && table->locked)
			ExecClearTuple(table->locked);
	}
}

/*
 * Begins the work of one SQL function: everything it allocates goes to a
 * context of its own, and it sees what was done before it, in this
 * transaction and in those that committed (under REPEATABLE READ: that had
 * committed when the transaction began).
 *
 * A call inside another one, or in a subtransaction of the statement, shares
 * nothing: its relations would be closed too early, or too late.
 */
void
pgwf_call_begin(PgwfCall *call)
{
	memset(call, 0, sizeof(PgwfCall));
	if (shared && !shared->in_use && shared->owner == CurrentResourceOwner)
	{
		if (shared->call_context == NULL)
			shared->call_context =
				AllocSetContextCreate(shared->context,
									  "pg_workflow shared call",
									  ALLOCSET_DEFAULT_MINSIZE,
									  SHARED_CALL_CONTEXT_SIZE,
									  ALLOCSET_DEFAULT_MAXSIZE);
		call->open = shared;
		call->context = shared->call_context;
		call->caller_context = MemoryContextSwitchTo(call->context);
	}
	else
	{
		call->context = AllocSetContextCreate(CurrentMemoryContext,
											  "pg_workflow call",
											  ALLOCSET_DEFAULT_SIZES);
		call->caller_context = MemoryContextSwitchTo(call->context);
		call->open = palloc0(sizeof(PgwfOpen));
		call->open->context = call->context;
	}
	call->open->in_use = true;
	call->wall = GetCurrentTimestamp();
	call->now = call->wall;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Is it one of a list of calls, which share what they open? */
bool
pgwf_call_is_shared(const PgwfCall *call)
{
	return call->open->context != call->context;
}

/* Ends it: what it did is visible to the next command */
void
pgwf_call_end(PgwfCall *call)
{
	bool		is_shared = pgwf_call_is_shared(call);

	if (is_shared)
		clear_slots(call->open);
	else
		pgwf_open_close(call->open);
	PopActiveSnapshot();
	CommandCounterIncrement();
	MemoryContextSwitchTo(call->caller_context);
	if (is_shared)
	{
		MemoryContextReset(call->context);
		call->open->in_use = false;
	}
	else
		MemoryContextDelete(call->context);
}

/*
 * Sees what has committed meanwhile; needed after a lock was waited for,
 * before other rows that it protects are read.
 */
void
pgwf_call_new_snapshot(PgwfCall *call)
{
	PopActiveSnapshot();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/*
 * The same when another transaction has changed what this one has read.  A
 * transaction that keeps its snapshot cannot see that, and must be repeated.
 */
void
pgwf_call_look_again(PgwfCall *call)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
	pgwf_call_new_snapshot(call);
}

PgwfTable *
pgwf_table(PgwfCall *call, PgwfRelationId id)
{
	PgwfTable  *table = call->open->tables[id];

	if (table == NULL)
	{
		table = MemoryContextAllocZero(call->open->context, sizeof(PgwfTable));
		table->id = id;
		table->rel = table_open(pgwf_relation_oid(id), RowExclusiveLock);
		call->open->tables[id] = table;
	}
	return table;
}

/* Opens the indexes of a table, which only a row that needs entries does */
static void
open_indexes(PgwfCall *call, PgwfTable *table)
{
	MemoryContext old;

	if (table->result_rel)
		return;
	old = MemoryContextSwitchTo(call->open->context);
	if (call->open->estate == NULL)
		call->open->estate = CreateExecutorState();
	table->result_rel = makeNode(ResultRelInfo);
	InitResultRelInfo(table->result_rel, table->rel, 0, NULL, 0);
	ExecOpenIndices(table->result_rel,
					table->id == PGWF_SCHEDULE || table->id == PGWF_OUTBOX);
	MemoryContextSwitchTo(old);
}

/* The same for a change, which a read-only transaction must not make */
static PgwfTable *
table_to_change(PgwfCall *call, PgwfRelationId id)
{
	if (XactReadOnly)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot change workflows in a read-only transaction")));
	return pgwf_table(call, id);
}

static void
fill_slot(TupleTableSlot *slot, const Datum *values, const bool *nulls)
{
	int			natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, nulls, natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
}

/* Puts a row that is to be written into table->row */
static void
store_row(PgwfCall *call, PgwfTable *table, const Datum *values,
		  const bool *nulls)
{
	if (table->row == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(call->open->context);

		table->row = MakeSingleTupleTableSlot(RelationGetDescr(table->rel),
											  &TTSOpsVirtual);
		MemoryContextSwitchTo(old);
	}
	fill_slot(table->row, values, nulls);
}

static void
insert_index_entries(PgwfCall *call, PgwfTable *table, TupleTableSlot *slot)
{
	open_indexes(call, table);
	if (table->result_rel->ri_NumIndices > 0)
		(void) pgwf_insert_index_tuples(table->result_rel, slot,
										call->open->estate, false, false, NULL, NIL,
										false);
	ResetPerTupleExprContext(call->open->estate);
}

void
pgwf_table_insert(PgwfCall *call, PgwfRelationId id,
				  const Datum *values, const bool *nulls)
{
	PgwfTable  *table = table_to_change(call, id);

	store_row(call, table, values, nulls);
	table_tuple_insert(table->rel, table->row, GetCurrentCommandId(true), 0,
					   NULL);
	insert_index_entries(call, table, table->row);
}

/*
 * Inserts a row unless another one has its key in the unique index
 * "arbiter"; waits for a transaction that may be about to decide that.
 * Returns whether the row was inserted.
 */
bool
pgwf_table_insert_unless_conflict(PgwfCall *call, PgwfRelationId id,
								  PgwfRelationId arbiter,
								  const Datum *values, const bool *nulls)
{
	PgwfTable  *table = table_to_change(call, id);
	List	   *arbiters = list_make1_oid(pgwf_relation_oid(arbiter));
	bool		conflict;

	open_indexes(call, table);
	store_row(call, table, values, nulls);
	do
	{
		TransactionId xid = GetCurrentTransactionId();
		ItemPointerData conflict_tid;
		uint32		token;

		CHECK_FOR_INTERRUPTS();
		if (!pgwf_check_index_constraints(table->result_rel, table->row,
										  call->open->estate, &conflict_tid,
										  arbiters))
			return false;

		conflict = false;
		token = SpeculativeInsertionLockAcquire(xid);
		table_tuple_insert_speculative(table->rel, table->row,
									   GetCurrentCommandId(true), 0, NULL,
									   token);
		(void) pgwf_insert_index_tuples(table->result_rel, table->row,
										call->open->estate, false, true, &conflict,
										arbiters, false);
		table_tuple_complete_speculative(table->rel, table->row, token,
										 !conflict);
		SpeculativeInsertionLockRelease(xid);
	} while (conflict);
	ResetPerTupleExprContext(call->open->estate);
	return true;
}

/*
 * The same for a key that is as good as free: it does not wait, and a row
 * that turns out to be in the way, of a transaction in progress as well,
 * costs more.  *tid is the new row's.
 */
bool
pgwf_table_insert_if_free(PgwfCall *call, PgwfRelationId id,
						  PgwfRelationId unique, const Datum *values,
						  const bool *nulls, ItemPointer tid)
{
	PgwfTable  *table = table_to_change(call, id);
	bool		conflict = false;

	open_indexes(call, table);
	store_row(call, table, values, nulls);
	table_tuple_insert(table->rel, table->row, GetCurrentCommandId(true), 0,
					   NULL);
	*tid = table->row->tts_tid;
	(void) pgwf_insert_index_tuples(table->result_rel, table->row,
									call->open->estate, false, true, &conflict,
									list_make1_oid(pgwf_relation_oid(unique)),
									false);
	ResetPerTupleExprContext(call->open->estate);
	if (conflict)
		pgwf_table_take_back(call, id, tid);
	return !conflict;
}

/* Deletes a row that this very command has inserted; what follows sees none */
void
pgwf_table_take_back(PgwfCall *call, PgwfRelationId id, ItemPointer tid)
{
	CommandCounterIncrement();
	pgwf_table_delete(call, id, tid);
	CommandCounterIncrement();
}

/* "values" and "nulls" hold the rows one after the other */
void
pgwf_table_insert_many(PgwfCall *call, PgwfRelationId id, int nrows,
					   const Datum *values, const bool *nulls)
{
	PgwfTable  *table = table_to_change(call, id);
	TupleDesc	desc = RelationGetDescr(table->rel);
	TupleTableSlot **slots;

	if (nrows == 1)
	{
		pgwf_table_insert(call, id, values, nulls);
		return;
	}
	slots = palloc(nrows * sizeof(TupleTableSlot *));
	for (int i = 0; i < nrows; i++)
	{
		slots[i] = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
		fill_slot(slots[i], values + i * desc->natts,
				  nulls + i * desc->natts);
	}
	table_multi_insert(table->rel, slots, nrows, GetCurrentCommandId(true),
					   0, NULL);
	for (int i = 0; i < nrows; i++)
	{
		insert_index_entries(call, table, slots[i]);
		ExecDropSingleTupleTableSlot(slots[i]);
	}
	pfree(slots);
}

/*
 * Replaces a row that this transaction has locked, or that is protected by
 * the lock of its run.
 */
void
pgwf_table_update(PgwfCall *call, PgwfRelationId id, ItemPointer tid,
				  const Datum *values, const bool *nulls)
{
	PgwfTable  *table = table_to_change(call, id);
	TM_FailureData failure;
	LockTupleMode lock_mode;
	PgwfUpdateIndexes update_indexes;
	TM_Result	result;

	store_row(call, table, values, nulls);
	result = table_tuple_update(table->rel, tid, table->row,
								GetCurrentCommandId(true),
								GetActiveSnapshot(), InvalidSnapshot, true,
								&failure, &lock_mode, &update_indexes);
	if (result != TM_Ok)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
	if (!pgwf_must_update_indexes(update_indexes))
		return;
	open_indexes(call, table);
	if (table->result_rel->ri_NumIndices > 0)
		(void) pgwf_insert_index_tuples(table->result_rel, table->row,
										call->open->estate, true, false, NULL, NIL,
										pgwf_only_summarizing(update_indexes));
	ResetPerTupleExprContext(call->open->estate);
}

void
pgwf_table_delete(PgwfCall *call, PgwfRelationId id, ItemPointer tid)
{
	PgwfTable  *table = table_to_change(call, id);
	TM_FailureData failure;
	TM_Result	result;

	result = table_tuple_delete(table->rel, tid, GetCurrentCommandId(true),
								GetActiveSnapshot(), InvalidSnapshot, true,
								&failure, false);
	if (result != TM_Ok)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
}

/*
 * Locks the newest version of a row and leaves it in table->locked.  If that
 * is not the version the snapshot shows, the snapshot is renewed, so that
 * the rows it protects are read as they are now.
 */
PgwfLockResult
pgwf_table_lock(PgwfCall *call, PgwfRelationId id, ItemPointer tid,
				LockWaitPolicy policy)
{
	PgwfTable  *table = table_to_change(call, id);
	ItemPointerData target = *tid;
	TM_FailureData failure;
	TM_Result	result;

	if (table->locked == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(call->open->context);

		table->locked = table_slot_create(table->rel, NULL);
		MemoryContextSwitchTo(old);
	}
	ExecClearTuple(table->locked);
	result = table_tuple_lock(table->rel, &target, GetActiveSnapshot(),
							  table->locked, GetCurrentCommandId(false),
							  LockTupleNoKeyExclusive, policy,
							  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	switch (result)
	{
		case TM_Ok:
			if (failure.traversed)
				pgwf_call_look_again(call);
			return PGWF_LOCK_OK;
		case TM_WouldBlock:
			return PGWF_LOCK_BUSY;
		case TM_Deleted:
			return PGWF_LOCK_GONE;
		default:
			elog(ERROR, "unexpected table_tuple_lock status: %u", result);
	}
	pg_unreachable();
}
