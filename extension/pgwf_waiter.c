/*-------------------------------------------------------------------------
 *
 * pgwf_waiter.c
 *		Backends that wait for a key, and how they are woken.
 *
 * Each backend has one waiter, at the position of its PGPROC.  While it waits
 * it is linked into the list of each of its keys; the lists are hashed into
 * buckets, and the buckets are shared out to PGWF_WAITER_LOCKS locks.
 *
 * Whoever wakes a waiter swaps its state from WAITING to something else,
 * with the lock of the bucket in which he found it.  The swap decides between
 * wakers that find it in different buckets, so nobody needs two locks.  The
 * waiter's other links are left to itself: pgwf_shmem_wait_end() takes each
 * of its locks in turn.  Links belong to whoever holds their bucket's lock;
 * the rest of a waiter is written by its backend alone, while the state is
 * not WAITING.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "pgwf_compat.h"
#include "pgwf_shmem.h"

#define BUCKETS		1024

/* States of a waiter; from STATE_KEY on: woken for key (state - STATE_KEY) */
#define STATE_IDLE		0
#define STATE_WAITING	1
#define STATE_RECHECK	2
#define STATE_KEY		3

typedef struct WaitLink
{
	dlist_node	node;			/* in the list of its bucket, if linked */
	uint64		key;
	int			waiter;			/* position of the waiter it belongs to */
	int			index;			/* position of the key in the waiter's keys */
	bool		linked;
} WaitLink;

typedef struct Waiter
{
	pg_atomic_uint32 state;
	pg_atomic_uint32 dboid;		/* database of the keys */
	TimestampTz moment;			/* what it waits for, besides its keys */
	int			nlinks;
	WaitLink	links[PGWF_MAX_WAIT_QUEUES];
} Waiter;

static dlist_head *buckets = NULL;
static Waiter *waiters = NULL;
static LWLockPadded *bucket_locks = NULL;

static Waiter *my_waiter = NULL;

static void waiter_exit(int code, Datum arg);
static bool wake_first(uint64 key, uint32 state);

static inline dlist_head *
bucket_of(uint64 key)
{
	return &buckets[key % BUCKETS];
}

static inline LWLock *
lock_of(uint64 key)
{
	return &bucket_locks[key % BUCKETS % PGWF_WAITER_LOCKS].lock;
}

static inline void
set_latch_of(int position)
{
	SetLatch(&GetPGProcByNumber(position)->procLatch);
}

Size
pgwf_waiter_shmem_size(void)
{
	return add_size(MAXALIGN(mul_size(BUCKETS, sizeof(dlist_head))),
					mul_size(MaxBackends, sizeof(Waiter)));
}

void
pgwf_waiter_shmem_attach(char *memory, LWLockPadded *locks, bool initialize)
{
	buckets = (dlist_head *) memory;
	waiters = (Waiter *) (memory + MAXALIGN(BUCKETS * sizeof(dlist_head)));
	bucket_locks = locks;

	if (!initialize)
		return;
	for (int i = 0; i < BUCKETS; i++)
		dlist_init(&buckets[i]);
	for (int i = 0; i < MaxBackends; i++)
	{
		Waiter	   *waiter = &waiters[i];

		memset(waiter, 0, sizeof(Waiter));
		pg_atomic_init_u32(&waiter->state, STATE_IDLE);
		pg_atomic_init_u32(&waiter->dboid, InvalidOid);
		for (int j = 0; j < PGWF_MAX_WAIT_QUEUES; j++)
		{
			waiter->links[j].waiter = i;
			waiter->links[j].index = j;
		}
	}
}

/*
 * Become a waiter of the keys.
 */
void
pgwf_shmem_wait_begin(const uint64 *keys, int nkeys)
{
	pgwf_shmem_wait_until(keys, nkeys, DT_NOEND);
}

void
pgwf_shmem_wait_until(const uint64 *keys, int nkeys, TimestampTz moment)
{
	Assert(nkeys <= PGWF_MAX_WAIT_QUEUES);

	if (my_waiter == NULL)
	{
		Assert(pgwf_my_proc_number() < MaxBackends);
		before_shmem_exit(waiter_exit, 0);
		my_waiter = &waiters[pgwf_my_proc_number()];
	}
	pgwf_shmem_wait_end();

	my_waiter->nlinks = nkeys;
	my_waiter->moment = moment;
	pg_atomic_write_u32(&my_waiter->dboid, MyDatabaseId);
	pg_atomic_write_u32(&my_waiter->state, STATE_WAITING);
	pg_write_barrier();
	for (int i = 0; i < nkeys; i++)
	{
		WaitLink   *link = &my_waiter->links[i];

		LWLockAcquire(lock_of(keys[i]), LW_EXCLUSIVE);
		link->key = keys[i];
		link->linked = true;
		dlist_push_tail(bucket_of(keys[i]), &link->node);
		LWLockRelease(lock_of(keys[i]));
	}
}

/*
 * Stop being a waiter.  How it was woken can be asked until the next wait.
 */
void
pgwf_shmem_wait_end(void)
{
	uint32		expected = STATE_WAITING;

	if (my_waiter == NULL || my_waiter->nlinks == 0)
		return;

	for (int i = 0; i < my_waiter->nlinks; i++)
	{
		WaitLink   *link = &my_waiter->links[i];
		LWLock	   *lock = lock_of(link->key);

		LWLockAcquire(lock, LW_EXCLUSIVE);
		if (link->linked)
		{
			dlist_delete(&link->node);
			link->linked = false;
		}
		LWLockRelease(lock);
	}
	my_waiter->nlinks = 0;
	(void) pg_atomic_compare_exchange_u32(&my_waiter->state, &expected,
										  STATE_IDLE);
}

/*
 * Stop being a waiter without an answer: if it has been woken, somebody else
 * must be.
 */
void
pgwf_shmem_wait_abort(void)
{
	int			index;

	if (my_waiter == NULL || my_waiter->nlinks == 0)
		return;
	pgwf_shmem_wait_end();
	if (pgwf_shmem_wait_result(&index) == PGWF_WAKE_KEY)
		(void) pgwf_shmem_wake_one(my_waiter->links[index].key);
}

/*
 * FATAL leaves the waiting function without passing its clean-up.
 */
static void
waiter_exit(int code, Datum arg)
{
	pgwf_shmem_wait_abort();
}

PgwfWake
pgwf_shmem_wait_result(int *index)
{
	uint32		state = pg_atomic_read_u32(&my_waiter->state);

	if (state == STATE_WAITING || state == STATE_IDLE)
		return PGWF_WAKE_NONE;
	if (state == STATE_RECHECK)
		return PGWF_WAKE_RECHECK;
	*index = (int) (state - STATE_KEY);
	return PGWF_WAKE_KEY;
}

/*
 * Swap the state of the longest waiting waiter of a key, unlink it and set
 * its latch.  False when there is none.
 */
static bool
wake_first(uint64 key, uint32 state)
{
	dlist_mutable_iter iter;
	int			woken = -1;

	if (waiters == NULL)
		return false;

	LWLockAcquire(lock_of(key), LW_EXCLUSIVE);
	dlist_foreach_modify(iter, bucket_of(key))
	{
		WaitLink   *link = dlist_container(WaitLink, node, iter.cur);
		uint32		expected = STATE_WAITING;

		if (link->key != key)
			continue;

		/* one that another bucket's waker was faster with is done here too */
		dlist_delete(&link->node);
		link->linked = false;
		if (pg_atomic_compare_exchange_u32(&waiters[link->waiter].state,
										   &expected,
										   state == STATE_KEY ?
										   STATE_KEY + link->index : state))
		{
			woken = link->waiter;
			break;
		}
	}
	LWLockRelease(lock_of(key));

	if (woken < 0)
		return false;
	set_latch_of(woken);
	return true;
}

bool
pgwf_shmem_wake_one(uint64 key)
{
	return wake_first(key, STATE_KEY);
}

bool
pgwf_shmem_recheck_one(uint64 key)
{
	return wake_first(key, STATE_RECHECK);
}

void
pgwf_shmem_wake_all(uint64 key)
{
	dlist_iter	iter;
	int			woken[32];
	int			nwoken;

	/*
	 * Mostly nobody waits.  A waiter whose snapshot does not see our commit
	 * was linked before that, and so before we look.
	 */
	if (waiters == NULL || dlist_is_empty(bucket_of(key)))
		return;

	/* who is woken wants the lock at once */
	do
	{
		nwoken = 0;
		LWLockAcquire(lock_of(key), LW_SHARED);
		dlist_foreach(iter, bucket_of(key))
		{
			WaitLink   *link = dlist_container(WaitLink, node, iter.cur);
			uint32		expected = STATE_WAITING;

			if (link->key == key &&
				pg_atomic_compare_exchange_u32(&waiters[link->waiter].state,
											   &expected,
											   STATE_KEY + link->index))
				woken[nwoken++] = link->waiter;
			if (nwoken == lengthof(woken))
				break;
		}
		LWLockRelease(lock_of(key));
		for (int i = 0; i < nwoken; i++)
			set_latch_of(woken[i]);
	} while (nwoken == lengthof(woken));
}

void
pgwf_shmem_recheck_all(Oid dboid)
{
	for (int i = 0; i < MaxBackends; i++)
	{
		uint32		expected = STATE_WAITING;

		if (pg_atomic_read_u32(&waiters[i].dboid) == dboid &&
			pg_atomic_compare_exchange_u32(&waiters[i].state, &expected,
										   STATE_RECHECK))
			set_latch_of(i);
	}
}

bool
pgwf_shmem_is_awaited(uint64 key)
{
	dlist_iter	iter;
	bool		found = false;

	if (waiters == NULL)
		return false;

	LWLockAcquire(lock_of(key), LW_SHARED);
	dlist_foreach(iter, bucket_of(key))
	{
		WaitLink   *link = dlist_container(WaitLink, node, iter.cur);

		if (link->key == key &&
			pg_atomic_read_u32(&waiters[link->waiter].state) == STATE_WAITING)
		{
			found = true;
			break;
		}
	}
	LWLockRelease(lock_of(key));
	return found;
}

int
pgwf_shmem_count_waiters(uint64 key, TimestampTz *moment)
{
	dlist_iter	iter;
	int			count = 0;

	*moment = DT_NOEND;
	if (waiters == NULL)
		return 0;

	/* a moment was written before its link, under this lock */
	LWLockAcquire(lock_of(key), LW_SHARED);
	dlist_foreach(iter, bucket_of(key))
	{
		WaitLink   *link = dlist_container(WaitLink, node, iter.cur);
		Waiter	   *waiter = &waiters[link->waiter];

		if (link->key != key ||
			pg_atomic_read_u32(&waiter->state) != STATE_WAITING)
			continue;
		count++;
		*moment = Min(*moment, waiter->moment);
	}
	LWLockRelease(lock_of(key));
	return count;
}
