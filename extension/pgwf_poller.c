/*-------------------------------------------------------------------------
 *
 * pgwf_poller.c
 *		Which queues were polled lately, by whom.
 *
 * A fixed number of entries, hashed by the key of their queue, whatever the
 * version of its workers; one entry per queue, identity and version.  When
 * all are in use the one polled longest ago is taken over.  One lock: shared
 * to search and to move the time of an entry forward (an atomic), exclusive
 * to add, replace and remove.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/ilist.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "pg_workflow.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_shmem.h"

/* How much of a name is kept, with its terminating zero */
#define QUEUE_LEN		256
#define IDENTITY_LEN	128

/* How long an entry is shown, and may be taken over by none but a newer */
#define SHOWN_FOR		(5 * 60 * USECS_PER_SEC)

/* A backend notes the same poller at most this often */
#define NOTE_INTERVAL	USECS_PER_SEC
#define NOTES			16

/* A private queue has one worker, so one version */
#define MAX_VERSIONS	4

typedef struct Poller
{
	dlist_node	node;			/* in a bucket, or in the list of free ones */
	uint64		key;			/* of the queue */
	uint64		identity_hash;	/* and of the version */
	Oid			dboid;
	int32		namespace_id;
	int32		version_key;	/* worker deployment version, or 0 */
	char		kind;
	bool		used;
	pg_atomic_uint64 last_access;
	char		queue[QUEUE_LEN];
	char		identity[IDENTITY_LEN];
} Poller;

typedef struct PollerTable
{
	dlist_head	free;
	int			nbuckets;
	dlist_head	buckets[FLEXIBLE_ARRAY_MEMBER];
} PollerTable;

/* What this backend noted last, so that not every poll takes the lock */
typedef struct Note
{
	uint64		key;
	uint64		identity_hash;
	TimestampTz at;
} Note;

static PollerTable *table = NULL;
static Poller *pollers = NULL;
static LWLock *poller_lock = NULL;
static Note notes[NOTES];

/* The private queue that this backend's client has used last, or 0 */
static uint64 own_key = 0;

PG_FUNCTION_INFO_V1(pgwf_pollers);

static Size
table_size(void)
{
	return add_size(offsetof(PollerTable, buckets),
					mul_size(pgwf_max_pollers, sizeof(dlist_head)));
}

Size
pgwf_poller_shmem_size(void)
{
	return add_size(MAXALIGN(table_size()),
					mul_size(pgwf_max_pollers, sizeof(Poller)));
}

void
pgwf_poller_shmem_attach(char *memory, LWLockPadded *locks, bool initialize)
{
	table = (PollerTable *) memory;
	pollers = (Poller *) (memory + MAXALIGN(table_size()));
	poller_lock = &locks->lock;

	if (!initialize)
		return;
	dlist_init(&table->free);
	table->nbuckets = pgwf_max_pollers;
	for (int i = 0; i < table->nbuckets; i++)
		dlist_init(&table->buckets[i]);
	for (int i = 0; i < pgwf_max_pollers; i++)
	{
		pollers[i].used = false;
		pg_atomic_init_u64(&pollers[i].last_access, 0);
		dlist_push_tail(&table->free, &pollers[i].node);
	}
}

static uint64
hash_identity(const char *identity, int32 version_key)
{
	return hash_bytes_extended((const unsigned char *) identity,
							   (int) strlen(identity), (uint32) version_key);
}

static Poller *
find(uint64 key, uint64 identity_hash)
{
	dlist_iter	iter;

	dlist_foreach(iter, &table->buckets[key % table->nbuckets])
	{
		Poller	   *poller = dlist_container(Poller, node, iter.cur);

		if (poller->key == key && poller->identity_hash == identity_hash)
			return poller;
	}
	return NULL;
}

/*
 * An entry to fill, unlinked: a free one, or the one polled longest ago.
 */
static Poller *
take(void)
{
	Poller	   *oldest = &pollers[0];

	if (!dlist_is_empty(&table->free))
		return dlist_container(Poller, node, dlist_pop_head_node(&table->free));

	for (int i = 1; i < pgwf_max_pollers; i++)
	{
		if (pg_atomic_read_u64(&pollers[i].last_access) <
			pg_atomic_read_u64(&oldest->last_access))
			oldest = &pollers[i];
	}
	dlist_delete(&oldest->node);
	return oldest;
}

/*
 * Copy a name, cut at a whole character.
 */
static void
copy_name(char *target, const char *name, int size)
{
	int			len = pg_mbcliplen(name, strlen(name), size - 1);

	memcpy(target, name, len);
	target[len] = '\0';
}

void
pgwf_shmem_note_poller(int32 namespace_id, char kind, const char *queue,
					   const char *identity, int32 version_key)
{
	uint64		key;
	uint64		identity_hash;
	TimestampTz now = GetCurrentTimestamp();
	Poller	   *poller;
	Note	   *note;
	char		queue_name[QUEUE_LEN];
	char		identity_name[IDENTITY_LEN];

	if (table == NULL)
		return;
	if (identity == NULL)
		identity = "";

	key = pgwf_shmem_queue_key(namespace_id, kind, queue, 0);
	identity_hash = hash_identity(identity, version_key);

	note = &notes[(key ^ identity_hash) % NOTES];
	if (note->key == key && note->identity_hash == identity_hash &&
		now >= note->at && now - note->at < NOTE_INTERVAL)
		return;

	LWLockAcquire(poller_lock, LW_SHARED);
	poller = find(key, identity_hash);
	if (poller)
		pg_atomic_write_u64(&poller->last_access, (uint64) now);
	LWLockRelease(poller_lock);

	if (poller == NULL)
	{
		copy_name(queue_name, queue, QUEUE_LEN);
		copy_name(identity_name, identity, IDENTITY_LEN);

		LWLockAcquire(poller_lock, LW_EXCLUSIVE);
		poller = find(key, identity_hash);
		if (poller == NULL)
		{
			poller = take();
			poller->used = true;
			poller->key = key;
			poller->identity_hash = identity_hash;
			poller->dboid = MyDatabaseId;
			poller->namespace_id = namespace_id;
			poller->version_key = version_key;
			poller->kind = kind;
			strlcpy(poller->queue, queue_name, QUEUE_LEN);
			strlcpy(poller->identity, identity_name, IDENTITY_LEN);
			dlist_push_head(&table->buckets[key % table->nbuckets],
							&poller->node);
		}
		pg_atomic_write_u64(&poller->last_access, (uint64) now);
		LWLockRelease(poller_lock);
	}

	note->key = key;
	note->identity_hash = identity_hash;
	note->at = now;
}

/*
 * A poller that is still known is there now.  False if it is not.
 */
bool
pgwf_shmem_touch_poller(int32 namespace_id, char kind, const char *queue,
						const char *identity, int32 version_key)
{
	TimestampTz now = GetCurrentTimestamp();
	Poller	   *poller;

	if (table == NULL)
		return false;
	LWLockAcquire(poller_lock, LW_SHARED);
	poller = find(pgwf_shmem_queue_key(namespace_id, kind, queue, 0),
				  hash_identity(identity, version_key));
	if (poller)
		pg_atomic_write_u64(&poller->last_access, (uint64) now);
	LWLockRelease(poller_lock);
	return poller != NULL;
}

bool
pgwf_shmem_poller_seen(int32 namespace_id, char kind, const char *queue,
					   int32 version_key, TimestampTz since)
{
	uint64		key;
	dlist_iter	iter;
	bool		seen = false;

	if (table == NULL)
		return false;

	key = pgwf_shmem_queue_key(namespace_id, kind, queue, 0);

	LWLockAcquire(poller_lock, LW_SHARED);
	dlist_foreach(iter, &table->buckets[key % table->nbuckets])
	{
		Poller	   *poller = dlist_container(Poller, node, iter.cur);

		if (poller->key == key && poller->version_key == version_key &&
			(TimestampTz) pg_atomic_read_u64(&poller->last_access) >= since)
		{
			seen = true;
			break;
		}
	}
	LWLockRelease(poller_lock);

	return seen ||
		pgwf_shmem_is_awaited(pgwf_shmem_queue_key(namespace_id, kind, queue,
												   version_key));
}

/*
 * Forget the pollers of a queue.  Returns how many versions they had, at most
 * MAX_VERSIONS.
 */
static int
forget(uint64 key, int32 *version_keys)
{
	dlist_mutable_iter iter;
	int			nversions = 0;

	for (int i = 0; i < NOTES; i++)
	{
		if (notes[i].key == key)
			notes[i].at = 0;
	}

	LWLockAcquire(poller_lock, LW_EXCLUSIVE);
	dlist_foreach_modify(iter, &table->buckets[key % table->nbuckets])
	{
		Poller	   *poller = dlist_container(Poller, node, iter.cur);

		if (poller->key != key)
			continue;
		if (nversions < MAX_VERSIONS)
			version_keys[nversions++] = poller->version_key;
		dlist_delete(&poller->node);
		poller->used = false;
		dlist_push_head(&table->free, &poller->node);
	}
	LWLockRelease(poller_lock);
	return nversions;
}

void
pgwf_shmem_forget_poller(int32 namespace_id, char kind, const char *queue)
{
	int32		version_keys[MAX_VERSIONS];
	int			nversions;

	if (table == NULL)
		return;
	nversions = forget(pgwf_shmem_queue_key(namespace_id, kind, queue, 0),
					   version_keys);

	/* whoever waits counts as a poller */
	for (int i = 0; i < nversions; i++)
		pgwf_shmem_wake_all(pgwf_shmem_queue_key(namespace_id, kind, queue,
												 version_keys[i]));
}

/*
 * A client that ends its session in order may be back with another one.  One
 * that was lost has left nobody behind who knows the runs of its queue.
 */
static void
owner_exit(int code, Datum arg)
{
	int32		version_keys[MAX_VERSIONS];

	if (pgStatSessionEndCause != DISCONNECT_NORMAL)
		(void) forget(own_key, version_keys);
}

void
pgwf_shmem_own_queue(int32 namespace_id, const char *queue)
{
	if (table == NULL)
		return;
	if (own_key == 0)
		before_shmem_exit(owner_exit, 0);
	own_key = pgwf_shmem_queue_key(namespace_id, PGWF_QUEUE_WORKFLOW, queue,
								   0);
}

/*
 * workflow.pollers(): the pollers of the last five minutes in this database,
 * of the namespaces that the caller may read.
 */
Datum
pgwf_pollers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz since = GetCurrentTimestamp() - SHOWN_FOR;
	Poller	   *copies;
	int			ncopies = 0;

	pgwf_require_preloaded();
	InitMaterializedSRF(fcinfo, 0);

	/* rows cannot be made under the lock */
	copies = palloc_extended(mul_size(pgwf_max_pollers, sizeof(Poller)),
							 MCXT_ALLOC_HUGE);
	LWLockAcquire(poller_lock, LW_SHARED);
	for (int i = 0; i < pgwf_max_pollers; i++)
	{
		if (pollers[i].used && pollers[i].dboid == MyDatabaseId &&
			(TimestampTz) pg_atomic_read_u64(&pollers[i].last_access) >= since)
			memcpy(&copies[ncopies++], &pollers[i], sizeof(Poller));
	}
	LWLockRelease(poller_lock);

	for (int i = 0; i < ncopies; i++)
	{
		Poller	   *poller = &copies[i];
		Datum		values[6];
		bool		nulls[6] = {false};

		if (!pgwf_namespace_has_right(poller->namespace_id, PGWF_RIGHT_READ))
			continue;
		values[0] = Int32GetDatum(poller->namespace_id);
		values[1] = CStringGetTextDatum(poller->kind == PGWF_QUEUE_WORKFLOW ?
										"workflow" : "activity");
		values[2] = CStringGetTextDatum(poller->queue);
		nulls[3] = poller->identity[0] == '\0';
		values[3] = nulls[3] ? (Datum) 0 :
			CStringGetTextDatum(poller->identity);
		values[4] = TimestampTzGetDatum((TimestampTz)
										pg_atomic_read_u64(&poller->last_access));
		values[5] = Int32GetDatum(poller->version_key);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc,
							 values, nulls);
	}
	pfree(copies);

	return (Datum) 0;
}
