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
#include "access/multixact.h"
#include "access/transam.h"
#include "access/xact.h"
#include "storage/bufmgr.h"
#include "storage/procarray.h"

#include "pgwf_dispatch.h"
#include "pgwf_query.h"
#include "pgwf_queue.h"
#include "pgwf_versioning.h"
#include "pgwf_xact.h"

#define OWN		0
#define ROUTED	1

/* A scan that passes more entries of tasks that are gone is slow */
#define MANY_PASSED		100

/*
 * Does a transaction in progress hold or change a row that several
 * transactions, or several subtransactions of one, have locked or changed?
 * Which they are counts only if all of it is read at once.
 */
static bool
shared_row_is_busy(TupleTableSlot *slot, HeapTupleHeader header)
{
	Buffer		buffer = ((BufferHeapTupleTableSlot *) slot)->buffer;
	TransactionId xmax;
	uint16		infomask;

	Assert(TTS_IS_BUFFERTUPLE(slot) && BufferIsValid(buffer));
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	xmax = HeapTupleHeaderGetRawXmax(header);
	infomask = header->t_infomask;
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);

	if ((infomask & HEAP_XMAX_INVALID) != 0 || HEAP_LOCKED_UPGRADED(infomask))
		return false;
	if ((infomask & HEAP_XMAX_IS_MULTI) == 0)
		return TransactionIdIsInProgress(xmax);
	return MultiXactIdIsRunning(xmax, HEAP_XMAX_IS_LOCKED_ONLY(infomask));
}

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
		return shared_row_is_busy(slot, header);
	return TransactionIdIsInProgress(HeapTupleHeaderGetRawXmax(header));
}

static const PgwfQueueView *
view_of(const PgwfQueueReader *reader, int which)
{
	return which == OWN ? &reader->own_view : &reader->view;
}

static uint64
key_of(const PgwfQueueReader *reader, int which)
{
	return which == ROUTED ? reader->key :
		pgwf_shmem_queue_key(reader->namespace_id, reader->kind,
							 reader->queue, reader->version_key);
}

/*
 * Learns where the queue begins.  Searching for that needs a snapshot that
 * shows everything that has been committed, and nothing of this transaction.
 */
static void
look_at_state(PgwfQueueReader *reader, PgwfCall *call)
{
	bool		may_search = !IsolationUsesXactSnapshot() &&
	!TransactionIdIsValid(GetTopTransactionIdIfAny());

	reader->now = call->wall;
	reader->key = pgwf_shmem_queue_key(reader->namespace_id, reader->kind,
									   reader->queue, 0);
	pgwf_queue_state_view(reader->key, call->wall, may_search,
						  &reader->view);
	if (reader->version_key != 0)
		pgwf_queue_state_view(key_of(reader, OWN), call->wall, may_search,
							  &reader->own_view);
	if (reader->view.search != 0 || reader->own_view.search != 0)
		pgwf_call_new_snapshot(call);
}

static PgwfQueuePosition
read_position(const PgwfQueueReader *reader, int which)
{
	TupleTableSlot *slot = reader->scans[which].slot;
	PgwfQueuePosition position = {0, 0};
	PgwfQuery	query;

	if (reader->what == PGWF_QUEUE_WORKFLOW)
		return pgwf_task_position(slot);
	if (reader->what == PGWF_QUEUE_ACTIVITY)
		return pgwf_activity_position(slot);
	pgwf_query_read(slot, &query);
	position.time = query.requested_time;
	return position;
}

/* Says which task a scan has come to first, or that it found none */
static void
note_first(PgwfQueueReader *reader, int which, bool found)
{
	const PgwfQueueView *view = view_of(reader, which);

	reader->noted[which] = true;
	if (view->search != 0)
	{
		PgwfQueuePosition first = PGWF_QUEUE_END;

		if (found)
			first = read_position(reader, which);
		pgwf_queue_state_found(key_of(reader, which), reader->now,
							   view->search, &first);
	}
	else if (reader->scans[which].passed > MANY_PASSED)
		pgwf_queue_state_is_slow(key_of(reader, which));
	if (!found && !reader->is_routed && view->backlog != 0)
		pgwf_queue_state_set_backlog(reader->key, view->changes, 0);
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
								 reader->queue, version_key,
								 &view_of(reader, which)->start);
			break;
		case PGWF_QUEUE_ACTIVITY:
			pgwf_activity_queue_scan(scan, call, reader->namespace_id,
									 reader->queue, version_key,
									 &view_of(reader, which)->start);
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
	if (what == PGWF_QUEUE_QUERY)
		reader->noted[OWN] = reader->noted[ROUTED] = true;
	else
		look_at_state(reader, call);
	if (version_key != 0)
		open_scan(reader, call, OWN);
	open_scan(reader, call, ROUTED);
}

/* Both scans have a row: which comes first? */
static int
first_scan(const PgwfQueueReader *reader)
{
	PgwfQueuePosition own = read_position(reader, OWN);
	PgwfQueuePosition routed = read_position(reader, ROUTED);

	return pgwf_position_is_before(&routed, &own) ? ROUTED : OWN;
}

/* The next row, which need not be one that the reader may have; or NULL */
TupleTableSlot *
pgwf_queue_read_next(PgwfQueueReader *reader)
{
	int			which;

	for (which = OWN; which <= ROUTED; which++)
	{
		bool		found;

		if (!reader->open[which] || reader->ahead[which])
			continue;
		found = pgwf_scan_next(&reader->scans[which]);
		if (!reader->noted[which])
			note_first(reader, which, found);
		if (found)
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

/* Could a poll have the task that was read last, but for limits? */
static bool
is_claimable(PgwfQueueReader *reader, PgwfCall *call, TupleTableSlot *slot,
			 PgwfPlace *place)
{
	if (row_is_busy(slot))
		return false;
	if (reader->what == PGWF_QUEUE_WORKFLOW)
	{
		PgwfTask	task;

		pgwf_task_read(slot, &task);
		*place = task.place;
		return !pgwf_state_is_busy(call, reader->namespace_id, task.run_key,
								   row_is_busy) &&
			pgwf_queue_may_have(reader, slot, &task.route);
	}
	else
	{
		PgwfActivity activity;

		pgwf_activity_read(slot, &activity);
		*place = activity.place;
		return !reader->is_routed ||
			(pgwf_queue_may_have(reader, slot, &activity.route) &&
			 pgwf_activity_dispatchable(call, &activity,
										reader->version_key) !=
			 PGWF_DISPATCH_LATER);
	}
}

/*
 * Is there a task that could be handed out now?  "config" is that of the
 * queue, for the limits of fairness keys; a task that has to wait for its
 * key's lowers *ready.
 */
static bool
has_task(PgwfQueueReader *reader, PgwfCall *call,
		 const PgwfQueueConfig *config, TimestampTz *ready)
{
	TupleTableSlot *slot;
	int			passed_over = 0;

	while (passed_over < PGWF_MAX_PASSED_OVER &&
		   (slot = pgwf_queue_read_next(reader)) != NULL)
	{
		PgwfPlace	place;
		TimestampTz key_ready;

		if (!is_claimable(reader, call, slot, &place))
			continue;
		if (config == NULL || config->fairness_key_rate < 0 ||
			place.fairness_key == NULL)
			return true;
		key_ready = pgwf_fairness_ready(reader->key, place.fairness_key,
										pgwf_fairness_key_rate(config,
															   &place));
		if (key_ready <= GetCurrentTimestamp())
			return true;
		*ready = Min(*ready, key_ready);
		passed_over++;
	}
	return false;
}

/*
 * The same within the limit of the queue.  *limited tells whether there are
 * limits; if they alone keep tasks from being handed out, *ready is when to
 * look again.
 */
static bool
has_task_now(PgwfCall *call, int32 namespace_id, char kind,
			 const char *queue, int32 version_key, bool *limited,
			 TimestampTz *ready)
{
	const PgwfQueueConfig *config = pgwf_queue_config(namespace_id, kind,
													  queue);
	PgwfLimitSource source;
	PgwfQueueReader reader;
	double		rate;
	bool		found;

	pgwf_queue_read_begin(&reader, call, namespace_id, kind, queue,
						  version_key);
	rate = pgwf_queue_limit(config, reader.view.worker_limit, &source);
	*limited = rate >= 0 || (config && config->fairness_key_rate >= 0);
	found = rate != 0 && has_task(&reader, call, config, ready);
	pgwf_queue_read_end(&reader);
	if (found && rate > 0)
	{
		TimestampTz now = GetCurrentTimestamp();
		TimestampTz offered = pgwf_queue_state_offer(reader.key, rate, now);

		found = offered <= now;
		if (!found)
			*ready = Min(*ready, offered);
	}
	return found;
}

/*
 * Is there a task in a queue that a poll by workers of a version, or without
 * one, could claim?  One that another session has locked does not count: the
 * end of that session's transaction wakes a waiter, if the task is still
 * there then.  One that a limit keeps back does not count either: then
 * *ready is when to look again, DT_NOEND if that is not known.  *limited
 * tells whether the queue has limits.
 */
bool
pgwf_queue_has_work(int32 namespace_id, char kind, const char *queue,
					int32 version_key, bool *limited, TimestampTz *ready)
{
	PgwfCall	call;
	bool		found;

	*limited = false;
	*ready = DT_NOEND;
	pgwf_call_begin(&call);
	found = (kind == PGWF_QUEUE_WORKFLOW &&
			 has_query(&call, namespace_id, queue, version_key)) ||
		has_task_now(&call, namespace_id, kind, queue, version_key, limited,
					 ready);
	pgwf_call_end(&call);
	return found;
}

/* Has the queue limits now? */
bool
pgwf_queue_is_limited(int32 namespace_id, char kind, const char *queue)
{
	const PgwfQueueConfig *config = pgwf_queue_config(namespace_id, kind,
													  queue);
	PgwfQueueView view;

	if (config && (config->rate >= 0 || config->fairness_key_rate >= 0))
		return true;
	pgwf_queue_state_view(pgwf_shmem_queue_key(namespace_id, kind, queue, 0),
						  GetCurrentTimestamp(), false, &view);
	return view.worker_limit >= 0;
}
