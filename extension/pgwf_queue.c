/*-------------------------------------------------------------------------
 *
 * pgwf_queue.c
 *		Task queues as their readers see them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "storage/procarray.h"

#include "pgwf_query.h"
#include "pgwf_queue.h"
#include "pgwf_shmem.h"
#include "pgwf_store.h"

/*
 * Does a transaction in progress hold or change the row?  Looked up without
 * locking it; the answer may be out of date at once.
 */
static bool
row_is_busy(TupleTableSlot *slot)
{
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, NULL);
	HeapTupleHeader header = tuple->t_data;

	if (header->t_infomask & HEAP_XMAX_INVALID)
		return false;
	if (header->t_infomask & HEAP_XMAX_IS_MULTI)
		return true;
	return TransactionIdIsInProgress(HeapTupleHeaderGetRawXmax(header));
}

static bool
has_workflow_task(PgwfCall *call, int32 namespace_id, const char *queue)
{
	PgwfScan	scan;
	bool		found = false;

	pgwf_task_queue_scan(&scan, call, namespace_id, queue);
	while (!found && pgwf_scan_next(&scan))
	{
		PgwfTask	task;

		pgwf_task_read(scan.slot, &task);
		found = !row_is_busy(scan.slot) &&
			!pgwf_state_is_busy(call, namespace_id, task.run_key,
								row_is_busy);
	}
	pgwf_scan_end(&scan);
	return found;
}

static bool
has_query(PgwfCall *call, int32 namespace_id, const char *queue)
{
	PgwfScan	scan;
	bool		found = false;

	pgwf_query_queue_scan(&scan, call, namespace_id, queue);
	while (!found && pgwf_scan_next(&scan))
	{
		PgwfQuery	query;

		pgwf_query_read(scan.slot, &query);
		found = !row_is_busy(scan.slot) && pgwf_query_is_awaited(&query);
	}
	pgwf_scan_end(&scan);
	return found;
}

static bool
has_activity(PgwfCall *call, int32 namespace_id, const char *queue)
{
	PgwfScan	scan;
	bool		found = false;

	pgwf_activity_queue_scan(&scan, call, namespace_id, queue);
	while (!found && pgwf_scan_next(&scan))
		found = !row_is_busy(scan.slot);
	pgwf_scan_end(&scan);
	return found;
}

/*
 * Is there a task in a queue that a poll could claim?  One that another
 * session has locked does not count: the end of that session's transaction
 * wakes a waiter, if the task is still there then.
 */
bool
pgwf_queue_has_work(int32 namespace_id, char kind, const char *queue)
{
	PgwfCall	call;
	bool		found;

	pgwf_call_begin(&call);
	if (kind == PGWF_QUEUE_WORKFLOW)
		found = has_query(&call, namespace_id, queue) ||
			has_workflow_task(&call, namespace_id, queue);
	else
		found = has_activity(&call, namespace_id, queue);
	pgwf_call_end(&call);
	return found;
}
