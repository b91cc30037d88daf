/*-------------------------------------------------------------------------
 *
 * pgwf_queue_state.c
 *		What shared memory knows of task queues.
 *
 * Queues are kept in sets of WAYS entries; which set follows from the key.
 * When a set is full, the entry used longest ago is taken over.  Entries
 * enter and leave a set under the lock of the set; everything in an entry,
 * its key included, belongs to the spinlock of the entry, which is held for
 * a few instructions.  A backend remembers where it found its queues, so that
 * it needs the lock of a set for queues that are new to it only.
 *
 * Fairness keys are kept in sets likewise, wholly under the locks of the
 * sets: only tasks that have fairness keys come here.
 *
 * Where a queue begins.  Tasks that were handed out leave entries in the
 * index, which cannot be removed as long as an old snapshot might need them.
 * A poll should not pass thousands of them to find out that nothing waits. So
 * whoever has met many is followed by one who searches: it notes that it
 * does, takes a new snapshot, and says which task came first in it.  Tasks
 * that become visible later are not in that snapshot; but every commit that
 * brings tasks says so here, after they are visible, and moves the start back
 * before them, for a search under way as well.  Between the two moments a
 * poll may miss a task; those who wait are woken after the second.  Starts
 * are forgotten from time to time, because a restore brings tasks without
 * saying so.
 *
 * Limits.  "ready" is when the next task would be due if tasks were handed
 * out evenly; it may lie in the past by at most one second, which is how many
 * may be handed out at once.  It is cut to what one task takes when somebody
 * looks, so neither a clock that is set back nor a limit that is raised keeps
 * tasks back for longer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "pgwf_guc.h"
#include "pgwf_priority.h"
#include "pgwf_queue_state.h"
#include "pgwf_shmem.h"

#define WAYS			8

/* Rates are counted in slots of so many seconds */
#define SLOTS			8
#define SLOT_USECS		(5 * USECS_PER_SEC)
#define RATE_USECS		(30 * USECS_PER_SEC)

/* How long the start of a queue is believed */
#define START_VALID		(30 * USECS_PER_SEC)

/* How long a worker's limit holds when no worker repeats it */
#define WORKER_LIMIT_VALID	(5 * 60 * USECS_PER_SEC)

/* How many tasks a limited queue may hand out at once: those of this time */
#define BURST			USECS_PER_SEC

/* How long a waiter that was told of a task has to come for it */
#define OFFER_VALID		(USECS_PER_SEC / 4)

/* The pass of a task of weight 1 is so much after the one before it */
#define STRIDE			(INT64CONST(1) << 20)

/* Classes of entries of fairness keys: those of tasks, and one for limits */
#define LIMIT_CLASS		PGWF_CLASSES

#define SEEN			64

typedef struct Window
{
	int64		number[SLOTS];	/* of the slot, counted from the epoch */
	int32		count[SLOTS];
} Window;

/* All of it belongs to the mutex */
typedef struct Queue
{
	slock_t		mutex;
	uint64		key;			/* 0: free */
	Oid			dboid;
	TimestampTz used;
	TimestampTz since;

	PgwfQueuePosition start;
	TimestampTz start_at;		/* when it was found */
	bool		slow;			/* somebody should search for the start */
	uint32		search;			/* number of the latest search */
	PgwfQueuePosition brought;	/* first task brought since that began */

	uint64		changes;
	int64		backlog;		/* -1: unknown */
	Window		added;
	Window		dispatched;

	double		worker_limit;
	TimestampTz worker_limit_at;
	TimestampTz ready;
	int			offered;		/* tasks that waiters were told of */
	TimestampTz offered_at;

	uint16		classes_known;	/* bits of classes whose passes are known */
	bool		fair;			/* it has had fairness keys */
	int64		pass[PGWF_CLASSES]; /* of the task handed out last */
} Queue;

typedef struct FairnessKey
{
	uint64		key;			/* of queue, class and fairness key; 0: free */
	TimestampTz used;
	int64		pass;			/* of its task put into the queue last */
	TimestampTz ready;
} FairnessKey;

/* Where this backend found queues */
typedef struct Seen
{
	uint64		key;
	int			position;
} Seen;

static Queue *queues = NULL;
static FairnessKey *fairness_keys = NULL;
static LWLockPadded *set_locks = NULL;
static Seen seen[SEEN];

static int
queue_sets(void)
{
	return (pgwf_max_task_queues + WAYS - 1) / WAYS;
}

static int
fairness_sets(void)
{
	return (pgwf_max_fairness_keys + WAYS - 1) / WAYS;
}

Size
pgwf_queue_state_shmem_size(void)
{
	Size		size = MAXALIGN(mul_size(queue_sets() * WAYS, sizeof(Queue)));

	return add_size(size, mul_size(fairness_sets() * WAYS,
								   sizeof(FairnessKey)));
}

/* Make an entry that of a queue, which nothing is known of */
static void
reset_queue(Queue *queue, uint64 key, TimestampTz now)
{
	queue->key = key;
	queue->dboid = MyDatabaseId;
	queue->used = now;
	queue->since = now;
	queue->start = PGWF_QUEUE_BEGIN;
	queue->slow = false;
	queue->search++;
	queue->brought = PGWF_QUEUE_BEGIN;
	queue->changes++;
	queue->backlog = -1;
	memset(&queue->added, 0, sizeof(Window));
	memset(&queue->dispatched, 0, sizeof(Window));
	queue->worker_limit = -1;
	queue->ready = now;
	queue->offered = 0;
	queue->classes_known = 0;
	queue->fair = false;
	memset(queue->pass, 0, sizeof(queue->pass));
}

void
pgwf_queue_state_shmem_attach(char *memory, LWLockPadded *locks,
							  bool initialize)
{
	queues = (Queue *) memory;
	fairness_keys = (FairnessKey *)
		(memory + MAXALIGN(queue_sets() * WAYS * sizeof(Queue)));
	set_locks = locks;

	if (!initialize)
		return;
	memset(queues, 0, queue_sets() * WAYS * sizeof(Queue));
	memset(fairness_keys, 0, fairness_sets() * WAYS * sizeof(FairnessKey));
	for (int i = 0; i < queue_sets() * WAYS; i++)
		SpinLockInit(&queues[i].mutex);
}

static inline LWLock *
lock_of_set(int set)
{
	return &set_locks[set % PGWF_QUEUE_LOCKS].lock;
}

/*
 * Looks a queue up, and takes an entry over for it if it has none.
 */
static int
find_queue(uint64 key, TimestampTz now)
{
	int			set = (int) (key % queue_sets());
	LWLock	   *lock = lock_of_set(set);
	int			first = set * WAYS;
	int			oldest = first;

	LWLockAcquire(lock, LW_SHARED);
	for (int i = first; i < first + WAYS; i++)
	{
		if (queues[i].key == key)
		{
			LWLockRelease(lock);
			return i;
		}
	}
	LWLockRelease(lock);

	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = first; i < first + WAYS; i++)
	{
		if (queues[i].key == key)
		{
			LWLockRelease(lock);
			return i;
		}
		if (queues[oldest].key != 0 &&
			(queues[i].key == 0 || queues[i].used < queues[oldest].used))
			oldest = i;
	}
	SpinLockAcquire(&queues[oldest].mutex);
	reset_queue(&queues[oldest], key, now);
	SpinLockRelease(&queues[oldest].mutex);
	LWLockRelease(lock);
	return oldest;
}

/*
 * The entry of a queue, with its mutex, or NULL if there is no shared memory.
 */
static Queue *
acquire(uint64 key)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	Seen	   *place = &seen[key % SEEN];

	if (queues == NULL)
		return NULL;
	for (;;)
	{
		Queue	   *queue;

		if (place->key != key)
		{
			place->position = find_queue(key, now);
			place->key = key;
		}
		queue = &queues[place->position];
		SpinLockAcquire(&queue->mutex);
		if (queue->key == key)
		{
			queue->used = now;
			return queue;
		}
		SpinLockRelease(&queue->mutex);
		place->key = 0;
	}
}

static inline void
release(Queue *queue)
{
	SpinLockRelease(&queue->mutex);
}

/* ---- commits ---- */

static void
count(Window *window, TimestampTz now, int32 number)
{
	int64		slot = now / SLOT_USECS;
	int			i = (int) (slot & (SLOTS - 1));

	if (number == 0)
		return;
	if (window->number[i] != slot)
	{
		window->number[i] = slot;
		window->count[i] = 0;
	}
	window->count[i] += number;
}

static void
lower(PgwfQueuePosition *position, const PgwfQueuePosition *to)
{
	if (pgwf_position_is_before(to, position))
		*position = *to;
}

void
pgwf_queue_state_apply(uint64 key, const PgwfQueueChange *change,
					   TimestampTz now)
{
	Queue	   *queue = acquire(key);

	if (queue == NULL)
		return;
	queue->changes++;
	lower(&queue->start, &change->first);
	lower(&queue->brought, &change->first);
	if (queue->backlog >= 0)
	{
		queue->backlog += change->added - change->dispatched - change->removed;
		queue->backlog = Max(queue->backlog, 0);
	}
	count(&queue->added, now, change->added);
	count(&queue->dispatched, now, change->dispatched);
	release(queue);
}

void
pgwf_queue_state_forget_starts(Oid dboid)
{
	if (queues == NULL)
		return;
	for (int i = 0; i < queue_sets() * WAYS; i++)
	{
		SpinLockAcquire(&queues[i].mutex);
		if (queues[i].dboid == dboid)
		{
			queues[i].start = PGWF_QUEUE_BEGIN;
			queues[i].brought = PGWF_QUEUE_BEGIN;
			queues[i].backlog = -1;
			queues[i].changes++;
		}
		SpinLockRelease(&queues[i].mutex);
	}
}

/* ---- polls ---- */

void
pgwf_queue_state_view(uint64 key, TimestampTz now, bool may_search,
					  PgwfQueueView *view)
{
	Queue	   *queue = acquire(key);

	view->start = PGWF_QUEUE_BEGIN;
	view->search = 0;
	view->changes = 0;
	view->backlog = -1;
	view->worker_limit = -1;
	if (queue == NULL)
		return;
	if (queue->start.rank != PG_INT64_MIN &&
		(queue->start_at - now > START_VALID ||
		 now - queue->start_at > START_VALID))
		queue->start = PGWF_QUEUE_BEGIN;
	if (queue->slow && may_search)
	{
		queue->slow = false;
		if (++queue->search == 0)
			queue->search = 1;
		queue->brought = PGWF_QUEUE_END;
		view->search = queue->search;
	}
	view->start = queue->start;
	view->changes = queue->changes;
	view->backlog = queue->backlog;
	if (queue->worker_limit >= 0 &&
		now - queue->worker_limit_at <= WORKER_LIMIT_VALID)
		view->worker_limit = queue->worker_limit;
	release(queue);
}

void
pgwf_queue_state_found(uint64 key, TimestampTz now, uint32 search,
					   const PgwfQueuePosition *first)
{
	Queue	   *queue = acquire(key);

	if (queue == NULL)
		return;
	if (queue->search == search)
	{
		if (queue->start.rank == PG_INT64_MIN)
			queue->start_at = now;
		queue->start = *first;
		lower(&queue->start, &queue->brought);
	}
	release(queue);
}

void
pgwf_queue_state_is_slow(uint64 key)
{
	Queue	   *queue = acquire(key);

	if (queue == NULL)
		return;
	queue->slow = true;
	release(queue);
}

void
pgwf_queue_state_set_backlog(uint64 key, uint64 changes, int64 backlog)
{
	Queue	   *queue = acquire(key);

	if (queue == NULL)
		return;
	if (queue->changes == changes)
		queue->backlog = backlog;
	release(queue);
}

/* ---- rates ---- */

static int64
recent(const Window *window, int64 slot)
{
	int64		sum = 0;

	for (int i = 0; i < SLOTS; i++)
	{
		if (window->number[i] > slot - RATE_USECS / SLOT_USECS - 1 &&
			window->number[i] <= slot)
			sum += window->count[i];
	}
	return sum;
}

void
pgwf_queue_state_rates(uint64 key, PgwfQueueRates *rates)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		slot = now / SLOT_USECS;
	double		seconds;
	int64		added;
	int64		dispatched;
	TimestampTz since;
	Queue	   *queue = acquire(key);

	rates->added = 0;
	rates->dispatched = 0;
	if (queue == NULL)
		return;
	added = recent(&queue->added, slot);
	dispatched = recent(&queue->dispatched, slot);
	since = queue->since;
	release(queue);

	since = Max(since, slot * SLOT_USECS - RATE_USECS);
	seconds = Max((double) (now - since) / USECS_PER_SEC, 1);
	rates->added = added / seconds;
	rates->dispatched = dispatched / seconds;
}

/* ---- limits ---- */

static int64
interval_of(double rate)
{
	double		interval = USECS_PER_SEC / rate;

	return (int64) Min(Max(interval, 1), (double) USECS_PER_DAY * 365);
}

/*
 * When the next task may be handed out.  What a lower limit, or a clock that
 * was set back, has left is cut.
 */
static TimestampTz
next_ready(TimestampTz *ready, double rate, TimestampTz now)
{
	int64		interval = interval_of(rate);

	*ready = Min(*ready, now + interval);
	return Max(*ready, now - BURST + Min(interval, BURST));
}

/* Takes what may be handed out now, if there is something */
static bool
take(TimestampTz *ready, double rate, TimestampTz now)
{
	TimestampTz next;

	if (rate <= 0)
		return false;
	next = next_ready(ready, rate, now);
	if (next > now)
		return false;
	*ready = next + interval_of(rate);
	return true;
}

bool
pgwf_queue_state_limit(uint64 key, TimestampTz now, double rate)
{
	Queue	   *queue = acquire(key);
	bool		changed;

	if (queue == NULL)
		return false;
	changed = queue->worker_limit != rate;
	queue->worker_limit = rate;
	queue->worker_limit_at = now;
	release(queue);
	return changed;
}

bool
pgwf_queue_state_take(uint64 key, double rate)
{
	TimestampTz now = GetCurrentTimestamp();
	Queue	   *queue = acquire(key);
	bool		taken;

	if (queue == NULL)
		return true;
	taken = take(&queue->ready, rate, now);
	if (taken && queue->offered > 0)
		queue->offered--;
	release(queue);
	return taken;
}

void
pgwf_queue_state_give_back(uint64 key, double rate)
{
	Queue	   *queue = acquire(key);

	if (queue == NULL)
		return;
	queue->ready -= interval_of(rate);
	release(queue);
}

TimestampTz
pgwf_queue_state_offer(uint64 key, double rate, TimestampTz now)
{
	Queue	   *queue;
	TimestampTz ready;

	if (rate <= 0)
		return DT_NOEND;
	queue = acquire(key);
	if (queue == NULL)
		return now;
	if (now < queue->offered_at || now - queue->offered_at > OFFER_VALID)
		queue->offered = 0;
	ready = next_ready(&queue->ready, rate, now) +
		queue->offered * interval_of(rate);
	if (ready <= now)
	{
		queue->offered++;
		queue->offered_at = now;
	}
	else if (queue->offered > 0)
		ready = Min(ready, queue->offered_at + OFFER_VALID + 1);
	release(queue);
	return ready;
}

/* ---- fairness ---- */

/*
 * The entry of a fairness key, made if need be, with the lock of its set in
 * exclusive mode.
 */
static FairnessKey *
acquire_fairness_key(uint64 queue, int class_, const char *fairness_key,
					 LWLock **lock)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	uint64		key;
	int			set;
	FairnessKey *oldest;

	key = hash_bytes_extended((const unsigned char *) fairness_key,
							  (int) strlen(fairness_key),
							  hash_combine64(queue, class_));
	if (key == 0)
		key = 1;
	set = (int) (key % fairness_sets());
	*lock = lock_of_set(set);
	oldest = &fairness_keys[set * WAYS];
	LWLockAcquire(*lock, LW_EXCLUSIVE);
	for (int i = set * WAYS; i < (set + 1) * WAYS; i++)
	{
		FairnessKey *entry = &fairness_keys[i];

		if (entry->key == key)
		{
			entry->used = now;
			return entry;
		}
		if (entry->used < oldest->used)
			oldest = entry;
	}
	oldest->key = key;
	oldest->used = now;
	oldest->pass = 0;
	oldest->ready = now;
	return oldest;
}

bool
pgwf_fairness_take(uint64 key, const char *fairness_key, double rate)
{
	TimestampTz now = GetCurrentTimestamp();
	LWLock	   *lock;
	FairnessKey *entry;
	bool		taken;

	if (fairness_keys == NULL)
		return true;
	entry = acquire_fairness_key(key, LIMIT_CLASS, fairness_key, &lock);
	taken = take(&entry->ready, rate, now);
	LWLockRelease(lock);
	return taken;
}

/* When a task of the key may be handed out */
TimestampTz
pgwf_fairness_ready(uint64 key, const char *fairness_key, double rate)
{
	TimestampTz now = GetCurrentTimestamp();
	LWLock	   *lock;
	FairnessKey *entry;
	TimestampTz ready;

	if (rate <= 0)
		return DT_NOEND;
	if (fairness_keys == NULL)
		return now;
	entry = acquire_fairness_key(key, LIMIT_CLASS, fairness_key, &lock);
	ready = next_ready(&entry->ready, rate, now);
	LWLockRelease(lock);
	return ready;
}

void
pgwf_fairness_give_back(uint64 key, const char *fairness_key, double rate)
{
	LWLock	   *lock;
	FairnessKey *entry;

	if (fairness_keys == NULL)
		return;
	entry = acquire_fairness_key(key, LIMIT_CLASS, fairness_key, &lock);
	entry->ready -= interval_of(rate);
	LWLockRelease(lock);
}

static int64
stride(double weight)
{
	return (int64) rint(STRIDE / weight);
}

PgwfFairness
pgwf_queue_state_fairness(uint64 key, int class_)
{
	Queue	   *queue = acquire(key);
	PgwfFairness fairness;

	if (queue == NULL)
		return PGWF_FAIRNESS_NONE;
	if ((queue->classes_known & (1 << class_)) == 0)
		fairness = PGWF_FAIRNESS_UNKNOWN;
	else if (queue->fair)
		fairness = PGWF_FAIRNESS_PASSES;
	else
		fairness = PGWF_FAIRNESS_NONE;
	release(queue);
	return fairness;
}

void
pgwf_queue_state_learn_passes(uint64 key, int class_, int64 first, int64 last)
{
	Queue	   *queue = acquire(key);

	if (queue == NULL)
		return;
	queue->classes_known |= 1 << class_;
	queue->pass[class_] = Max(queue->pass[class_], first);
	if (last > 0)
		queue->fair = true;
	release(queue);
}

int64
pgwf_queue_state_next_pass(uint64 key, int class_, const char *fairness_key,
						   double weight)
{
	Queue	   *queue = acquire(key);
	int64		pass;
	LWLock	   *lock;
	FairnessKey *entry;

	if (queue == NULL)
		return 0;
	queue->fair = true;
	pass = queue->pass[class_];
	release(queue);

	entry = acquire_fairness_key(key, class_, fairness_key, &lock);
	pass = Max(pass, entry->pass);
	pass += stride(weight);
	pass = Min(pass, PGWF_MAX_PASS);
	entry->pass = pass;
	LWLockRelease(lock);
	return pass;
}

void
pgwf_queue_state_return_pass(uint64 key, int class_,
							 const char *fairness_key, double weight)
{
	LWLock	   *lock;
	FairnessKey *entry;

	if (fairness_keys == NULL)
		return;
	entry = acquire_fairness_key(key, class_, fairness_key, &lock);
	entry->pass = Max(entry->pass - stride(weight), 0);
	LWLockRelease(lock);
}

void
pgwf_queue_state_passed(uint64 key, int class_, int64 pass)
{
	Queue	   *queue = acquire(key);

	if (queue == NULL)
		return;
	queue->pass[class_] = Max(queue->pass[class_], pass);
	release(queue);
}
