/*-------------------------------------------------------------------------
 *
 * pgwf_queue.c
 *		Task queues as their readers see them.
 *
 * Who finds a task that is for workers of another version wakes one of them:
 * the routing may have changed after whoever put it there looked it up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "storage/procarray.h"

#include "pgwf_query.h"
#include "pgwf_queue.h"
#include "pgwf_versioning.h"
#include "pgwf_xact.h"

#define OWN		0
#define ROUTED	1

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

static void
open_scan(PgwfQueueReader *reader, PgwfCall *call, int which)
{
	int32		version_key = which == OWN ? reader->version_key : 0;
	PgwfScan   *scan = &reader->scans[which];

	switch (reader->what)
	{
		case PGWF_QUEUE_WORKFLOW:
			pgwf_task_queue_scan(scan, call, reader->namespace_id,
								 reader->queue, version_key);
			break;
		case PGWF_QUEUE_ACTIVITY:
			pgwf_activity_queue_scan(scan, call, reader->namespace_id,
									 reader->queue, version_key);
			break;
		default:
			pgwf_query_queue_scan(scan, call, reader->namespace_id,
								  reader->queue, version_key);
	}
	reader->open[which] = true;
}

static void
close_scan(PgwfQueueReader *reader, int which)
{
	if (reader->open[which])
		pgwf_scan_end(&reader->scans[which]);
	reader->open[which] = false;
	reader->ahead[which] = false;
}

/*
 * Begins to read what waits in a queue.
 */
void
pgwf_queue_read_begin(PgwfQueueReader *reader, PgwfCall *call,
					  int32 namespace_id, char what, const char *queue,
					  int32 version_key)
{
	memset(reader, 0, sizeof(PgwfQueueReader));
	reader->namespace_id = namespace_id;
	reader->what = what;
	reader->kind = what == PGWF_QUEUE_QUERY ? PGWF_QUEUE_WORKFLOW : what;
	reader->queue = queue;
	reader->version_key = version_key;
	reader->is_routed = pgwf_namespace_has_versions(namespace_id);
	reader->has_share = true;
	if (reader->is_routed)
	{
		PgwfQueueRouting *routing = &reader->routing;

		pgwf_queue_routing(namespace_id, reader->kind, queue, routing);
		reader->has_share =
			(routing->current_key == version_key &&
			 routing->ramping_share < PGWF_ROUTE_BUCKETS) ||
			(routing->ramping_key == version_key &&
			 routing->ramping_share > 0);
	}
	if (version_key != 0)
		open_scan(reader, call, OWN);
	open_scan(reader, call, ROUTED);
}

/* Where the row of a scan stands in the queue */
static void
read_place(const PgwfQueueReader *reader, int which, int64 *rank,
		   TimestampTz *time)
{
	TupleTableSlot *slot = reader->scans[which].slot;

	if (reader->what == PGWF_QUEUE_WORKFLOW)
	{
		PgwfTask	task;

		pgwf_task_read(slot, &task);
		*rank = task.place.rank;
		*time = task.scheduled_time;
	}
	else if (reader->what == PGWF_QUEUE_ACTIVITY)
	{
		PgwfActivity activity;

		pgwf_activity_read(slot, &activity);
		*rank = activity.place.rank;
		*time = activity.attempt_scheduled_time;
	}
	else
	{
		PgwfQuery	query;

		pgwf_query_read(slot, &query);
		*rank = 0;
		*time = query.requested_time;
	}
}

/* Both scans have a row: which comes first? */
static int
first_scan(const PgwfQueueReader *reader)
{
	int64		own_rank;
	int64		routed_rank;
	TimestampTz own_time;
	TimestampTz routed_time;

	read_place(reader, OWN, &own_rank, &own_time);
	read_place(reader, ROUTED, &routed_rank, &routed_time);
	if (own_rank != routed_rank)
		return own_rank < routed_rank ? OWN : ROUTED;
	return own_time <= routed_time ? OWN : ROUTED;
}

/* The next row, which need not be one that the reader may have; or NULL */
TupleTableSlot *
pgwf_queue_read_next(PgwfQueueReader *reader)
{
	int			which;

	for (which = OWN; which <= ROUTED; which++)
	{
		if (!reader->open[which] || reader->ahead[which])
			continue;
		if (pgwf_scan_next(&reader->scans[which]))
			reader->ahead[which] = true;
		else
			close_scan(reader, which);
	}
	if (reader->ahead[OWN] && reader->ahead[ROUTED])
		which = first_scan(reader);
	else if (reader->ahead[OWN] || reader->ahead[ROUTED])
		which = reader->ahead[OWN] ? OWN : ROUTED;
	else
		return NULL;
	reader->ahead[which] = false;
	return reader->scans[which].slot;
}

/*
 * May the reader have the task, which is in the row read last?
 */
bool
pgwf_queue_may_have(PgwfQueueReader *reader, TupleTableSlot *slot,
					const PgwfRoute *route)
{
	const PgwfQueueRouting *routing = &reader->routing;
	int32		target;

	if (!reader->is_routed || route->version_key != 0)
		return true;
	target = route->bucket < routing->ramping_share ?
		routing->ramping_key : routing->current_key;
	if (target == reader->version_key)
		return true;
	if (!reader->passed_on && !row_is_busy(slot))
	{
		pgwf_xact_wake_queue(reader->namespace_id, reader->kind,
							 reader->queue, target);
		reader->passed_on = true;
	}
	if (!reader->has_share && reader->passed_on)
		close_scan(reader, ROUTED);
	return false;
}

void
pgwf_queue_read_end(PgwfQueueReader *reader)
{
	close_scan(reader, OWN);
	close_scan(reader, ROUTED);
}

static bool
has_workflow_task(PgwfCall *call, int32 namespace_id, const char *queue,
				  int32 version_key)
{
	PgwfQueueReader reader;
	TupleTableSlot *slot;
	bool		found = false;

	pgwf_queue_read_begin(&reader, call, namespace_id, PGWF_QUEUE_WORKFLOW,
						  queue, version_key);
	while (!found && (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfTask	task;

		pgwf_task_read(slot, &task);
		found = !row_is_busy(slot) &&
			!pgwf_state_is_busy(call, namespace_id, task.run_key,
								row_is_busy) &&
			pgwf_queue_may_have(&reader, slot, &task.route);
	}
	pgwf_queue_read_end(&reader);
	return found;
}

static bool
has_query(PgwfCall *call, int32 namespace_id, const char *queue,
		  int32 version_key)
{
	PgwfQueueReader reader;
	TupleTableSlot *slot;
	bool		found = false;

	pgwf_queue_read_begin(&reader, call, namespace_id, PGWF_QUEUE_QUERY,
						  queue, version_key);
	while (!found && (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfQuery	query;

		pgwf_query_read(slot, &query);
		found = !row_is_busy(slot) && pgwf_query_is_awaited(&query) &&
			pgwf_queue_may_have(&reader, slot, &query.route);
	}
	pgwf_queue_read_end(&reader);
	return found;
}

static bool
has_activity(PgwfCall *call, int32 namespace_id, const char *queue,
			 int32 version_key)
{
	PgwfQueueReader reader;
	TupleTableSlot *slot;
	bool		found = false;

	pgwf_queue_read_begin(&reader, call, namespace_id, PGWF_QUEUE_ACTIVITY,
						  queue, version_key);
	while (!found && (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfActivity activity;

		if (row_is_busy(slot))
			continue;
		found = true;
		if (reader.is_routed)
		{
			pgwf_activity_read(slot, &activity);
			found = pgwf_queue_may_have(&reader, slot, &activity.route) &&
				pgwf_activity_dispatchable(call, &activity, version_key) !=
				PGWF_DISPATCH_LATER;
		}
	}
	pgwf_queue_read_end(&reader);
	return found;
}

/*
 * Is there a task in a queue that a poll by workers of a version, or without
 * one, could claim?  One that another session has locked does not count: the
 * end of that session's transaction wakes a waiter, if the task is still
 * there then.
 */
bool
pgwf_queue_has_work(int32 namespace_id, char kind, const char *queue,
					int32 version_key)
{
	PgwfCall	call;
	bool		found;

	pgwf_call_begin(&call);
	if (kind == PGWF_QUEUE_WORKFLOW)
		found = has_query(&call, namespace_id, queue, version_key) ||
			has_workflow_task(&call, namespace_id, queue, version_key);
	else
		found = has_activity(&call, namespace_id, queue, version_key);
	pgwf_call_end(&call);
	return found;
}
