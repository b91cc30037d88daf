/*-------------------------------------------------------------------------
 *
 * pgwf_deadline.c
 *		When workflow tasks time out, in shared memory.
 *
 * A fixed number of entries, hashed by run and stamp, in partitions with a
 * lock each.  A transaction that gives a workflow task a deadline puts it
 * here when it has committed, and takes it out when the task has ended.  Two
 * commits of a run may come here in the other order than they committed in:
 * then an entry stays that is not true any more, or one is too early.  So the
 * scheduler asks the state of the run before it does anything.  No entry is
 * too late: of two for one task, the earlier one stays.
 *
 * A deadline for which there is no place is noted as missed, with those of
 * its database that are.  When the first of them is reached, the scheduler
 * looks at the states of all runs.  It does so, too, when it starts: then
 * shared memory may be new, and the database from another server.
 *
 * "first" is lowered after an entry was made.  The scheduler sets it to
 * DT_NOEND before it reads the entries, and lowers it to the earliest it has
 * found: no entry can be made behind its back without lowering it again.
 *
 * Transactions that were prepared bring their deadlines when somebody ends
 * them, and that process does not know them: it has the scheduler look at all
 * runs, if any may have had some.
 *
 * Locks: that of one partition, for a few instructions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "pg_workflow.h"
#include "pgwf_deadline.h"
#include "pgwf_guc.h"
#include "pgwf_shmem.h"
#include "pgwf_slot.h"

#define PARTITIONS		PGWF_DEADLINE_LOCKS
#define NO_ENTRY		(-1)

PG_FUNCTION_INFO_V1(pgwf_task_deadlines);

/* An entry that is free is in the list of those */
typedef struct Entry
{
	PgwfDeadline deadline;
	Oid			dboid;			/* InvalidOid: free */
	int32		next;			/* in its bucket, or of the free ones */
} Entry;

/* Belongs to the lock of the partition, as do its buckets and entries */
typedef struct Partition
{
	int32		free;
	int32		used;
} Partition;

static Partition *partitions = NULL;
static int32 *buckets = NULL;
static Entry *entries = NULL;
static LWLockPadded *partition_locks = NULL;

/* Entries of a partition, and also its buckets */
static int
partition_size(void)
{
	return (pgwf_max_task_deadlines + PARTITIONS - 1) / PARTITIONS;
}

Size
pgwf_deadline_shmem_size(void)
{
	Size		count = mul_size(partition_size(), PARTITIONS);
	Size		size = MAXALIGN(PARTITIONS * sizeof(Partition));

	size = add_size(size, MAXALIGN(mul_size(count, sizeof(int32))));
	return add_size(size, mul_size(count, sizeof(Entry)));
}

void
pgwf_deadline_shmem_attach(char *memory, LWLockPadded *locks, bool initialize)
{
	int			size = partition_size();

	partitions = (Partition *) memory;
	memory += MAXALIGN(PARTITIONS * sizeof(Partition));
	buckets = (int32 *) memory;
	memory += MAXALIGN((Size) size * PARTITIONS * sizeof(int32));
	entries = (Entry *) memory;
	partition_locks = locks;

	if (!initialize)
		return;
	for (int i = 0; i < size * PARTITIONS; i++)
	{
		buckets[i] = NO_ENTRY;
		entries[i].dboid = InvalidOid;
		entries[i].next = (i + 1) % size == 0 ? NO_ENTRY : i + 1;
	}
	for (int i = 0; i < PARTITIONS; i++)
	{
		partitions[i].free = i * size;
		partitions[i].used = 0;
	}
}

static void
write_time(pg_atomic_uint64 *target, TimestampTz value)
{
	pg_atomic_write_u64(target, (uint64) value);
}

static TimestampTz
read_time(pg_atomic_uint64 *source)
{
	return (TimestampTz) pg_atomic_read_u64(source);
}

static TimestampTz
take_time(pg_atomic_uint64 *source)
{
	return (TimestampTz) pg_atomic_exchange_u64(source, (uint64) DT_NOEND);
}

static void
lower_time(pg_atomic_uint64 *target, TimestampTz value)
{
	uint64		current = pg_atomic_read_u64(target);

	while (value < (TimestampTz) current &&
		   !pg_atomic_compare_exchange_u64(target, &current, (uint64) value))
		 /* somebody else has changed it */ ;
}

void
pgwf_deadlines_init(PgwfDeadlines *deadlines)
{
	pg_atomic_init_u64(&deadlines->first, 0);
	pg_atomic_init_u64(&deadlines->missed, 0);
	pg_atomic_init_u64(&deadlines->scan_at, 0);
	pg_atomic_init_u32(&deadlines->prepared, 0);
}

void
pgwf_deadlines_reset(PgwfDeadlines *deadlines)
{
	write_time(&deadlines->first, DT_NOBEGIN);
	write_time(&deadlines->missed, DT_NOEND);
	write_time(&deadlines->scan_at, DT_NOBEGIN);
	pg_atomic_write_u32(&deadlines->prepared, 1);
}

/* The partition of a deadline, and its bucket */
static int
find_place(const PgwfDeadline *deadline, int *bucket)
{
	uint32		key[5];
	uint32		hash;
	int			partition;

	key[0] = MyDatabaseId;
	key[1] = (uint32) deadline->namespace_id;
	key[2] = (uint32) deadline->stamp;
	key[3] = (uint32) deadline->run_key;
	key[4] = (uint32) ((uint64) deadline->run_key >> 32);
	hash = hash_bytes((const unsigned char *) key, sizeof(key));
	partition = (int) (hash % PARTITIONS);
	*bucket = partition * partition_size() +
		(int) (hash / PARTITIONS % (uint32) partition_size());
	return partition;
}

/* Where the number of the entry is to be found; NO_ENTRY: there is none */
static int32 *
find_entry(int bucket, const PgwfDeadline *deadline)
{
	int32	   *link = &buckets[bucket];

	while (*link != NO_ENTRY)
	{
		Entry	   *entry = &entries[*link];

		if (entry->deadline.run_key == deadline->run_key &&
			entry->deadline.stamp == deadline->stamp &&
			entry->deadline.namespace_id == deadline->namespace_id &&
			entry->dboid == MyDatabaseId)
			break;
		link = &entry->next;
	}
	return link;
}

static void
free_entry(int32 *link, Partition *partition)
{
	int32		number = *link;

	*link = entries[number].next;
	entries[number].dboid = InvalidOid;
	entries[number].next = partition->free;
	partition->free = number;
	partition->used--;
}

/* False if there is no place */
static bool
put_entry(const PgwfDeadline *deadline)
{
	int			bucket;
	int			number = find_place(deadline, &bucket);
	Partition  *partition = &partitions[number];
	int32	   *link;
	bool		done = true;

	LWLockAcquire(&partition_locks[number].lock, LW_EXCLUSIVE);
	link = find_entry(bucket, deadline);
	if (*link != NO_ENTRY)
	{
		Entry	   *entry = &entries[*link];

		entry->deadline.due = Min(entry->deadline.due, deadline->due);
	}
	else if (partition->free != NO_ENTRY)
	{
		Entry	   *entry = &entries[partition->free];

		*link = partition->free;
		partition->free = entry->next;
		partition->used++;
		entry->deadline = *deadline;
		entry->dboid = MyDatabaseId;
		entry->next = NO_ENTRY;
	}
	else
		done = false;
	LWLockRelease(&partition_locks[number].lock);
	return done;
}

/*
 * Without a slot, the scheduler that is asked for finds the deadline when it
 * looks at all runs.
 */
void
pgwf_deadline_set(const PgwfDeadline *deadline)
{
	PgwfDeadlines *mine;
	bool		done;

	if (entries == NULL)
		return;
	done = put_entry(deadline);
	mine = pgwf_slot_deadlines();
	if (mine)
		lower_time(done ? &mine->first : &mine->missed, deadline->due);
	pgwf_slot_publish_due(deadline->due);
}

void
pgwf_deadline_remove(const PgwfDeadline *deadline)
{
	int			bucket;
	int			number;
	int32	   *link;

	if (entries == NULL)
		return;
	number = find_place(deadline, &bucket);
	LWLockAcquire(&partition_locks[number].lock, LW_EXCLUSIVE);
	link = find_entry(bucket, deadline);
	if (*link != NO_ENTRY)
		free_entry(link, &partitions[number]);
	LWLockRelease(&partition_locks[number].lock);
}

void
pgwf_deadlines_forget(Oid dboid)
{
	int			size = partition_size();

	if (entries == NULL)
		return;
	for (int i = 0; i < PARTITIONS; i++)
	{
		LWLockAcquire(&partition_locks[i].lock, LW_EXCLUSIVE);
		for (int b = i * size; b < (i + 1) * size; b++)
		{
			int32	   *link = &buckets[b];

			while (*link != NO_ENTRY)
			{
				if (entries[*link].dboid == dboid)
					free_entry(link, &partitions[i]);
				else
					link = &entries[*link].next;
			}
		}
		LWLockRelease(&partition_locks[i].lock);
	}
}

void
pgwf_deadlines_prepared(void)
{
	PgwfDeadlines *mine = entries ? pgwf_slot_deadlines() : NULL;

	if (mine)
		pg_atomic_write_u32(&mine->prepared, 1);
}

void
pgwf_deadlines_prepared_ended(void)
{
	PgwfDeadlines *mine = entries ? pgwf_slot_deadlines() : NULL;

	if (mine == NULL || pg_atomic_read_u32(&mine->prepared) == 0)
		return;
	lower_time(&mine->missed, DT_NOBEGIN);
	pgwf_slot_publish_due(GetCurrentTimestamp());
}

/* ---- for the scheduler ---- */

TimestampTz
pgwf_deadlines_first(void)
{
	PgwfDeadlines *mine = pgwf_slot_deadlines();

	return mine ? read_time(&mine->first) : DT_NOEND;
}

/* The entries of this database, as many as fit into "list" */
static int
read_entries(PgwfDeadline *list, int max, TimestampTz until,
			 TimestampTz *first, TimestampTz *next)
{
	int			size = partition_size();
	int			count = 0;

	*first = DT_NOEND;
	*next = DT_NOEND;
	for (int i = 0; i < PARTITIONS; i++)
	{
		LWLockAcquire(&partition_locks[i].lock, LW_SHARED);
		for (int n = i * size; partitions[i].used > 0 && n < (i + 1) * size; n++)
		{
			Entry	   *entry = &entries[n];

			if (entry->dboid != MyDatabaseId)
				continue;
			*first = Min(*first, entry->deadline.due);
			if (entry->deadline.due > until)
				*next = Min(*next, entry->deadline.due);
			else if (count < max)
				list[count++] = entry->deadline;
		}
		LWLockRelease(&partition_locks[i].lock);
	}
	return count;
}

PgwfDeadline *
pgwf_deadlines_collect(TimestampTz until, int *count, TimestampTz *next)
{
	PgwfDeadlines *mine = pgwf_slot_deadlines();
	int			max = partition_size() * PARTITIONS;
	PgwfDeadline *list;
	TimestampTz first;

	list = palloc_extended(mul_size(max, sizeof(PgwfDeadline)),
						   MCXT_ALLOC_HUGE);
	if (mine)
		write_time(&mine->first, DT_NOEND);
	pg_memory_barrier();
	*count = read_entries(list, max, until, &first, next);
	if (mine)
		lower_time(&mine->first, first);
	return list;
}

void
pgwf_deadline_correct(const PgwfDeadline *deadline, TimestampTz due)
{
	PgwfDeadlines *mine = pgwf_slot_deadlines();
	int			bucket;
	int			number = find_place(deadline, &bucket);
	int32	   *link;

	LWLockAcquire(&partition_locks[number].lock, LW_EXCLUSIVE);
	link = find_entry(bucket, deadline);
	if (*link != NO_ENTRY &&
		entries[*link].deadline.due == deadline->due)
		entries[*link].deadline.due = due;
	LWLockRelease(&partition_locks[number].lock);
	if (mine)
		lower_time(&mine->first, due);
}

bool
pgwf_deadline_add(const PgwfDeadline *deadline)
{
	PgwfDeadlines *mine = pgwf_slot_deadlines();

	if (!put_entry(deadline))
		return false;
	if (mine)
		lower_time(&mine->first, deadline->due);
	pgwf_slot_publish_due(deadline->due);
	return true;
}

TimestampTz
pgwf_deadlines_scan_at(void)
{
	PgwfDeadlines *mine = pgwf_slot_deadlines();

	if (mine == NULL)
		return DT_NOBEGIN;
	return Min(read_time(&mine->scan_at), read_time(&mine->missed));
}

/*
 * What was missed up to now is seen by a snapshot that is taken after this.
 * Until the end of the look, "scan_at" tells that it is under way.
 */
void
pgwf_deadlines_scan_begin(bool (*has_prepared) (void))
{
	PgwfDeadlines *mine = pgwf_slot_deadlines();

	if (mine == NULL)
		return;
	if (pg_atomic_exchange_u32(&mine->prepared, 0) != 0 && has_prepared())
		pg_atomic_write_u32(&mine->prepared, 1);
	write_time(&mine->scan_at, DT_NOBEGIN);
	pg_memory_barrier();
	(void) take_time(&mine->missed);
}

void
pgwf_deadlines_scan_end(TimestampTz missed)
{
	PgwfDeadlines *mine = pgwf_slot_deadlines();

	if (mine)
		write_time(&mine->scan_at, missed);
}

/*
 * workflow.task_deadlines(): what is known of this database's deadlines, and
 * in a row without a run when all runs are looked at.
 */
Datum
pgwf_task_deadlines(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			max = partition_size() * PARTITIONS;
	PgwfDeadline *list;
	TimestampTz first;
	TimestampTz next;
	TimestampTz scan_at;
	int			count;
	Datum		values[4];
	bool		nulls[4] = {false};

	pgwf_require_preloaded();
	InitMaterializedSRF(fcinfo, 0);

	/* before the entries: a look that ends meanwhile has made them */
	scan_at = pgwf_deadlines_scan_at();
	list = palloc_extended(mul_size(max, sizeof(PgwfDeadline)),
						   MCXT_ALLOC_HUGE);
	count = read_entries(list, max, DT_NOEND, &first, &next);
	for (int i = 0; i < count; i++)
	{
		values[0] = Int32GetDatum(list[i].namespace_id);
		values[1] = Int64GetDatum(list[i].run_key);
		values[2] = Int32GetDatum(list[i].stamp);
		values[3] = TimestampTzGetDatum(list[i].due);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc,
							 values, nulls);
	}
	pfree(list);
	if (scan_at == DT_NOEND)
		return (Datum) 0;
	nulls[0] = nulls[1] = nulls[2] = true;
	values[3] = TimestampTzGetDatum(scan_at);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	return (Datum) 0;
}
