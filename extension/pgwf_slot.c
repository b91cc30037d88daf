/*-------------------------------------------------------------------------
 *
 * pgwf_slot.c
 *		Slots of databases in shared memory.
 *
 * A slot belongs to a database that has the extension, or may have it: the
 * launcher has a scheduler look, and the scheduler gives the slot back when
 * there is no extension.
 *
 * One lock covers who owns which slot, who its scheduler is, and what is to
 * be looked at again.  The moments that are published and slept for are
 * atomics, because every commit that creates a deadline passes here; so are
 * the fields of the slot that these commits read.
 *
 * How no deadline is slept through: a publisher lowers "due", then reads
 * "sleep_until" and sets the latch when that is later.  The scheduler writes
 * "sleep_until", then reads "due" before it sleeps.  With a barrier between
 * the two steps on both sides, one of them sees the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "pgwf_compat.h"
#include "pgwf_deadline.h"
#include "pgwf_guc.h"
#include "pgwf_shmem.h"
#include "pgwf_slot.h"

/* Keys to be looked at again, per database */
#define RECHECKS		256
#define RECHECK_PROBES	8
#define RECHECK_AFTER	USECS_PER_SEC

/* How long a command waits for the scheduler to leave, in milliseconds */
#define LEAVE_CANCEL_AFTER		100
#define LEAVE_TERMINATE_AFTER	3000
#define LEAVE_GIVE_UP_AFTER		10000

#define NO_PROCESS		PG_UINT32_MAX

typedef struct Recheck
{
	uint64		key;
	TimestampTz at;				/* 0: the entry is free */
} Recheck;

typedef struct Slot
{
	/* written under slot_lock, read by publishers without it */
	pg_atomic_uint32 dboid;		/* InvalidOid: free */
	pg_atomic_uint32 pid;		/* of the scheduler, 0: none */
	pg_atomic_uint32 procno;	/* its PGPROC, while pid is not 0 */
	pg_atomic_uint32 wanted;	/* a scheduler should be started */

	/* set by anybody, cleared by the scheduler */
	pg_atomic_uint32 leave;
	pg_atomic_uint32 check;
	pg_atomic_uint32 looks;		/* a bit per part to be looked at */

	/* written and read under slot_lock */
	bool		installed;		/* its scheduler has found the extension */
	bool		free_on_exit;	/* its scheduler has found no extension */
	bool		asked_to_leave; /* its last scheduler was */

	/* see above */
	pg_atomic_uint64 due;
	pg_atomic_uint64 sleep_until;
	pg_atomic_uint64 recheck_at;	/* written under slot_lock */
	PgwfDeadlines deadlines;

	/* under slot_lock */
	int32		clocks[PGWF_SLOT_CLOCKS];	/* namespaces to be looked at */
	int			nclocks;		/* -1: all */
	bool		recheck_all;	/* there were too many keys */
	Recheck		rechecks[RECHECKS];
} Slot;

/* Databases that a backend keeps schedulers away from; written by itself */
typedef struct Hold
{
	pg_atomic_uint32 dboid[2];
} Hold;

typedef struct SlotHeader
{
	pg_atomic_uint32 launcher;	/* its PGPROC, or NO_PROCESS */
	pg_atomic_uint32 must_scan;
	pg_atomic_uint32 overflowed;
} SlotHeader;

static SlotHeader *header = NULL;
static Hold *holds = NULL;
static Slot *slots = NULL;
static LWLock *slot_lock = NULL;

static Slot *my_slot = NULL;	/* of this scheduler */
static Slot *cached_slot = NULL;	/* of this backend's database */
static bool hold_exit_registered = false;

/* What this backend noted for a second look, and when */
static uint64 noted_key = 0;
static TimestampTz noted_at = 0;

static void scheduler_exit(int code, Datum arg);
static void launcher_exit(int code, Datum arg);
static void hold_exit(int code, Datum arg);

static inline void
write_time(pg_atomic_uint64 *target, TimestampTz value)
{
	pg_atomic_write_u64(target, (uint64) value);
}

static inline TimestampTz
read_time(pg_atomic_uint64 *source)
{
	return (TimestampTz) pg_atomic_read_u64(source);
}

static inline void
set_latch_of(uint32 procno)
{
	if (procno != NO_PROCESS)
		SetLatch(&GetPGProcByNumber(procno)->procLatch);
}

static inline void
wake_launcher(void)
{
	set_latch_of(pg_atomic_read_u32(&header->launcher));
}

Size
pgwf_slot_shmem_size(void)
{
	Size		size = MAXALIGN(sizeof(SlotHeader));

	size = add_size(size, MAXALIGN(mul_size(MaxBackends, sizeof(Hold))));
	return add_size(size, mul_size(pgwf_max_databases, sizeof(Slot)));
}

/*
 * Make a slot that of a database, or a free one.
 */
static void
reset_slot(Slot *slot, Oid dboid)
{
	pg_atomic_write_u32(&slot->pid, 0);
	pg_atomic_write_u32(&slot->procno, NO_PROCESS);
	pg_atomic_write_u32(&slot->wanted, 0);
	pg_atomic_write_u32(&slot->leave, 0);
	pg_atomic_write_u32(&slot->check, 0);
	pg_atomic_write_u32(&slot->looks, 0);
	slot->installed = false;
	slot->free_on_exit = false;
	slot->asked_to_leave = false;
	write_time(&slot->due, DT_NOEND);
	write_time(&slot->sleep_until, DT_NOBEGIN);
	write_time(&slot->recheck_at, DT_NOEND);
	pgwf_deadlines_reset(&slot->deadlines);
	slot->nclocks = 0;
	slot->recheck_all = false;
	memset(slot->rechecks, 0, sizeof(slot->rechecks));
	pg_write_barrier();
	pg_atomic_write_u32(&slot->dboid, dboid);
}

void
pgwf_slot_shmem_attach(char *memory, LWLockPadded *locks, bool initialize)
{
	header = (SlotHeader *) memory;
	memory += MAXALIGN(sizeof(SlotHeader));
	holds = (Hold *) memory;
	memory += MAXALIGN(MaxBackends * sizeof(Hold));
	slots = (Slot *) memory;
	slot_lock = &locks->lock;

	if (!initialize)
		return;
	pg_atomic_init_u32(&header->launcher, NO_PROCESS);
	pg_atomic_init_u32(&header->must_scan, 0);
	pg_atomic_init_u32(&header->overflowed, 0);
	for (int i = 0; i < MaxBackends; i++)
	{
		pg_atomic_init_u32(&holds[i].dboid[PGWF_HOLD_COMMAND], InvalidOid);
		pg_atomic_init_u32(&holds[i].dboid[PGWF_HOLD_TRANSACTION], InvalidOid);
	}
	for (int i = 0; i < pgwf_max_databases; i++)
	{
		Slot	   *slot = &slots[i];

		pg_atomic_init_u32(&slot->dboid, InvalidOid);
		pg_atomic_init_u32(&slot->pid, 0);
		pg_atomic_init_u32(&slot->procno, NO_PROCESS);
		pg_atomic_init_u32(&slot->wanted, 0);
		pg_atomic_init_u32(&slot->leave, 0);
		pg_atomic_init_u32(&slot->check, 0);
		pg_atomic_init_u32(&slot->looks, 0);
		pg_atomic_init_u64(&slot->due, 0);
		pg_atomic_init_u64(&slot->sleep_until, 0);
		pg_atomic_init_u64(&slot->recheck_at, 0);
		pgwf_deadlines_init(&slot->deadlines);
		reset_slot(slot, InvalidOid);
	}
}

static Slot *
find_slot(Oid dboid)
{
	for (int i = 0; i < pgwf_max_databases; i++)
	{
		if (pg_atomic_read_u32(&slots[i].dboid) == dboid)
			return &slots[i];
	}
	return NULL;
}

/*
 * The slot of this backend's database, NULL when it has none.  It may become
 * another database's at any moment, which costs that one a wake-up.
 */
static Slot *
own_slot(void)
{
	if (cached_slot == NULL ||
		pg_atomic_read_u32(&cached_slot->dboid) != MyDatabaseId)
		cached_slot = find_slot(MyDatabaseId);
	return cached_slot;
}

/*
 * Does somebody keep schedulers away from the database?
 */
static bool
is_held(Oid dboid)
{
	for (int i = 0; i < MaxBackends; i++)
	{
		if (pg_atomic_read_u32(&holds[i].dboid[PGWF_HOLD_COMMAND]) == dboid ||
			pg_atomic_read_u32(&holds[i].dboid[PGWF_HOLD_TRANSACTION]) == dboid)
			return true;
	}
	return false;
}

/* ---- for backends ---- */

void
pgwf_slot_publish_due(TimestampTz due)
{
	Slot	   *slot;
	uint64		current;

	if (slots == NULL)
		return;

	slot = own_slot();
	if (slot == NULL || pg_atomic_read_u32(&slot->pid) == 0)
	{
		/* the tables are looked at by every scheduler that starts */
		if (slot == NULL || pg_atomic_read_u32(&slot->wanted) == 0)
			pgwf_slot_request(MyDatabaseId, true);
		return;
	}

	current = pg_atomic_read_u64(&slot->due);
	while (due < (TimestampTz) current)
	{
		if (pg_atomic_compare_exchange_u64(&slot->due, &current, (uint64) due))
		{
			if (due < read_time(&slot->sleep_until))
				set_latch_of(pg_atomic_read_u32(&slot->procno));
			break;
		}
	}
}

PgwfDeadlines *
pgwf_slot_deadlines(void)
{
	Slot	   *slot = slots ? own_slot() : NULL;

	return slot ? &slot->deadlines : NULL;
}

void
pgwf_slot_publish_look(PgwfPart part)
{
	Slot	   *slot;

	if (slots == NULL)
		return;
	slot = own_slot();
	if (slot != NULL)
		pg_atomic_fetch_or_u32(&slot->looks, (uint32) 1 << part);
	pgwf_slot_publish_due(GetCurrentTimestamp());
}

void
pgwf_slot_publish_clock(int32 namespace_id)
{
	Slot	   *slot;
	bool		known = false;

	if (slots == NULL)
		return;
	slot = own_slot();
	if (slot != NULL)
	{
		LWLockAcquire(slot_lock, LW_EXCLUSIVE);
		for (int i = 0; i < slot->nclocks; i++)
			known = known || slot->clocks[i] == namespace_id;
		if (slot->nclocks == PGWF_SLOT_CLOCKS && !known)
			slot->nclocks = -1;
		else if (slot->nclocks >= 0 && !known)
			slot->clocks[slot->nclocks++] = namespace_id;
		LWLockRelease(slot_lock);
	}
	pgwf_slot_publish_look(PGWF_PART_CLOCKS);
}

void
pgwf_slot_publish_all(void)
{
	Slot	   *slot;

	if (slots == NULL)
		return;
	slot = own_slot();
	if (slot != NULL)
	{
		LWLockAcquire(slot_lock, LW_EXCLUSIVE);
		slot->nclocks = -1;
		LWLockRelease(slot_lock);
	}
	for (int part = 0; part < PGWF_PART_COUNT; part++)
		pgwf_slot_publish_look((PgwfPart) part);
}

void
pgwf_slot_recheck_later(uint64 key)
{
	Slot	   *slot;
	TimestampTz now = GetCurrentTimestamp();
	bool		first = false;
	bool		done = false;

	if (slots == NULL || (slot = own_slot()) == NULL)
		return;

	/* an entry stays for a second, so it must be there still */
	if (key == noted_key && now >= noted_at &&
		now - noted_at < RECHECK_AFTER / 2)
		return;

	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	for (int i = 0; i < RECHECK_PROBES && !done; i++)
	{
		Recheck    *recheck = &slot->rechecks[(key + i) % RECHECKS];

		if (recheck->at == 0)
		{
			recheck->key = key;
			recheck->at = now + RECHECK_AFTER;
			done = true;
		}
		else if (recheck->key == key)
			done = true;
	}
	if (!done)
		slot->recheck_all = true;
	if (read_time(&slot->recheck_at) == DT_NOEND)
	{
		write_time(&slot->recheck_at, now + RECHECK_AFTER);
		first = true;
	}
	LWLockRelease(slot_lock);

	noted_key = key;
	noted_at = now;

	pg_memory_barrier();
	if (first && now + RECHECK_AFTER < read_time(&slot->sleep_until))
		set_latch_of(pg_atomic_read_u32(&slot->procno));
}

void
pgwf_slot_request(Oid dboid, bool create)
{
	Slot	   *slot;
	uint32		scheduler = NO_PROCESS;

	if (slots == NULL)
		return;

	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	slot = find_slot(dboid);
	if (slot == NULL && create)
	{
		slot = find_slot(InvalidOid);
		if (slot != NULL)
			reset_slot(slot, dboid);
		else
			pg_atomic_write_u32(&header->overflowed, 1);
	}
	if (slot != NULL)
	{
		pg_atomic_write_u32(&slot->check, 1);
		if (pg_atomic_read_u32(&slot->pid) != 0)
			scheduler = pg_atomic_read_u32(&slot->procno);
		if (create)
		{
			pg_atomic_write_u32(&slot->wanted, 1);
			slot->free_on_exit = false;
		}
	}
	LWLockRelease(slot_lock);

	set_latch_of(scheduler);
	if (create)
		wake_launcher();
}

void
pgwf_slot_databases_changed(void)
{
	if (header == NULL)
		return;
	pg_atomic_write_u32(&header->must_scan, 1);
	pg_memory_barrier();
	wake_launcher();
}

void
pgwf_slot_forget(Oid dboid)
{
	Slot	   *slot;

	if (slots == NULL)
		return;
	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	slot = find_slot(dboid);
	if (slot != NULL && pg_atomic_read_u32(&slot->pid) == 0)
		reset_slot(slot, InvalidOid);
	LWLockRelease(slot_lock);
	pgwf_deadlines_forget(dboid);
}

/*
 * The exit of the scheduler clears its pid and sets our latch.  A scheduler
 * that stands in a lock queue, perhaps behind this very transaction, is
 * cancelled first and terminated later.
 */
void
pgwf_slot_hold(PgwfHold which, Oid dboid)
{
	TimestampTz start = GetCurrentTimestamp();
	Slot	   *slot;
	int			sent = 0;

	if (slots == NULL)
		return;
	if (!hold_exit_registered)
	{
		before_shmem_exit(hold_exit, 0);
		hold_exit_registered = true;
	}

	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	pg_atomic_write_u32(&holds[pgwf_my_proc_number()].dboid[which], dboid);
	slot = find_slot(dboid);
	if (slot != NULL)
		pg_atomic_write_u32(&slot->leave, 1);
	LWLockRelease(slot_lock);

	while (slot != NULL)
	{
		long		waited = 0;
		uint32		pid = 0;

		LWLockAcquire(slot_lock, LW_SHARED);
		if (pg_atomic_read_u32(&slot->dboid) == dboid)
			pid = pg_atomic_read_u32(&slot->pid);
		if (pid != 0)
		{
			waited = (long) ((GetCurrentTimestamp() - start) / 1000);
			if (sent == 0)
				set_latch_of(pg_atomic_read_u32(&slot->procno));
			if (sent == 1 && waited >= LEAVE_CANCEL_AFTER)
				kill(pid, SIGINT);
			if (sent == 2 && waited >= LEAVE_TERMINATE_AFTER)
				kill(pid, SIGTERM);
			if (sent == 0 ||
				(sent == 1 && waited >= LEAVE_CANCEL_AFTER) ||
				(sent == 2 && waited >= LEAVE_TERMINATE_AFTER))
				sent++;
		}
		LWLockRelease(slot_lock);

		if (pid == 0)
			break;
		if (waited >= LEAVE_GIVE_UP_AFTER)
		{
			ereport(WARNING,
					(errmsg("the pg_workflow scheduler of the database with OID %u has not left",
							dboid)));
			break;
		}
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 50, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
pgwf_slot_release(PgwfHold which)
{
	pg_atomic_uint32 *hold;

	if (slots == NULL || !hold_exit_registered)
		return;
	hold = &holds[pgwf_my_proc_number()].dboid[which];
	if (pg_atomic_read_u32(hold) == InvalidOid)
		return;
	pg_atomic_write_u32(hold, InvalidOid);
	pg_memory_barrier();
	wake_launcher();
}

static void
hold_exit(int code, Datum arg)
{
	pgwf_slot_release(PGWF_HOLD_COMMAND);
	pgwf_slot_release(PGWF_HOLD_TRANSACTION);
}

/* ---- for schedulers ---- */

bool
pgwf_slot_enter(Oid dboid)
{
	Slot	   *slot;
	bool		entered = false;

	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	slot = find_slot(dboid);
	if (slot != NULL && pg_atomic_read_u32(&slot->pid) == 0)
	{
		if (is_held(dboid))
			slot->asked_to_leave = true;
		else
		{
			pg_atomic_write_u32(&slot->wanted, 0);
			pg_atomic_write_u32(&slot->leave, 0);
			slot->asked_to_leave = false;
			slot->free_on_exit = false;
			write_time(&slot->sleep_until, DT_NOBEGIN);
			write_time(&slot->deadlines.scan_at, DT_NOBEGIN);
			pg_atomic_write_u32(&slot->procno, pgwf_my_proc_number());
			pg_atomic_write_u32(&slot->pid, MyProcPid);
			entered = true;
		}
	}
	LWLockRelease(slot_lock);

	if (entered)
	{
		my_slot = slot;
		on_shmem_exit(scheduler_exit, 0);
	}
	return entered;
}

/*
 * Give the slot back.  Registered before the database was connected to, this
 * runs after the process has left the list of those connected to it.
 */
static void
scheduler_exit(int code, Datum arg)
{
	Oid			dboid;
	bool		no_extension;

	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	dboid = pg_atomic_read_u32(&my_slot->dboid);
	my_slot->asked_to_leave = pg_atomic_read_u32(&my_slot->leave) != 0 ||
		!pgwf_scheduler;
	no_extension = my_slot->free_on_exit;
	if (no_extension)
		reset_slot(my_slot, InvalidOid);
	else
	{
		pg_atomic_write_u32(&my_slot->pid, 0);
		pg_atomic_write_u32(&my_slot->procno, NO_PROCESS);
		pg_atomic_write_u32(&my_slot->wanted, 1);
	}
	LWLockRelease(slot_lock);
	if (no_extension)
		pgwf_deadlines_forget(dboid);

	wake_launcher();
	for (int i = 0; i < MaxBackends; i++)
	{
		if (pg_atomic_read_u32(&holds[i].dboid[PGWF_HOLD_COMMAND]) == dboid ||
			pg_atomic_read_u32(&holds[i].dboid[PGWF_HOLD_TRANSACTION]) == dboid)
			set_latch_of(i);
	}
}

bool
pgwf_slot_must_leave(void)
{
	return pg_atomic_read_u32(&my_slot->leave) != 0;
}

bool
pgwf_slot_must_check(void)
{
	return pg_atomic_exchange_u32(&my_slot->check, 0) != 0;
}

void
pgwf_slot_installed(void)
{
	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	my_slot->installed = true;
	LWLockRelease(slot_lock);
	wake_launcher();
}

bool
pgwf_slot_not_installed(void)
{
	bool		leave;

	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	leave = pg_atomic_read_u32(&my_slot->check) == 0;
	my_slot->free_on_exit = leave;
	LWLockRelease(slot_lock);
	return leave;
}

TimestampTz
pgwf_slot_take_due(void)
{
	write_time(&my_slot->sleep_until, DT_NOBEGIN);
	pg_memory_barrier();
	return (TimestampTz) pg_atomic_exchange_u64(&my_slot->due,
												(uint64) DT_NOEND);
}

uint32
pgwf_slot_take_looks(void)
{
	return pg_atomic_exchange_u32(&my_slot->looks, 0);
}

int
pgwf_slot_take_clocks(int32 *namespace_ids)
{
	int			count;

	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	count = my_slot->nclocks;
	if (count > 0)
		memcpy(namespace_ids, my_slot->clocks, count * sizeof(int32));
	my_slot->nclocks = 0;
	LWLockRelease(slot_lock);
	return count;
}

bool
pgwf_slot_sleep(TimestampTz until)
{
	write_time(&my_slot->sleep_until, until);
	pg_memory_barrier();
	return read_time(&my_slot->due) >= until &&
		read_time(&my_slot->recheck_at) >= until;
}

TimestampTz
pgwf_slot_run_rechecks(TimestampTz now)
{
	uint64		keys[RECHECKS];
	int			nkeys = 0;
	bool		all;
	TimestampTz next = DT_NOEND;

	if (now < read_time(&my_slot->recheck_at))
		return read_time(&my_slot->recheck_at);

	LWLockAcquire(slot_lock, LW_EXCLUSIVE);
	for (int i = 0; i < RECHECKS; i++)
	{
		Recheck    *recheck = &my_slot->rechecks[i];

		if (recheck->at == 0)
			continue;
		/* the clock may have been set back */
		if (recheck->at <= now || recheck->at > now + RECHECK_AFTER)
		{
			keys[nkeys++] = recheck->key;
			recheck->at = 0;
		}
		else
			next = Min(next, recheck->at);
	}
	all = my_slot->recheck_all;
	my_slot->recheck_all = false;
	write_time(&my_slot->recheck_at, next);
	LWLockRelease(slot_lock);

	if (all)
		pgwf_shmem_recheck_all(pg_atomic_read_u32(&my_slot->dboid));
	else
	{
		for (int i = 0; i < nkeys; i++)
			(void) pgwf_shmem_recheck_one(keys[i]);
	}
	return next;
}

/* ---- for the launcher ---- */

void
pgwf_slot_launcher_enter(void)
{
	on_shmem_exit(launcher_exit, 0);
	pg_atomic_write_u32(&header->launcher, pgwf_my_proc_number());
	pg_atomic_write_u32(&header->must_scan, 1);
}

static void
launcher_exit(int code, Datum arg)
{
	uint32		me = pgwf_my_proc_number();

	(void) pg_atomic_compare_exchange_u32(&header->launcher, &me, NO_PROCESS);
}

bool
pgwf_slot_must_scan(void)
{
	return pg_atomic_exchange_u32(&header->must_scan, 0) != 0;
}

bool
pgwf_slot_overflowed(void)
{
	return pg_atomic_exchange_u32(&header->overflowed, 0) != 0;
}

void
pgwf_slot_info(int position, PgwfSlotInfo *info)
{
	Slot	   *slot = &slots[position];

	LWLockAcquire(slot_lock, LW_SHARED);
	info->dboid = pg_atomic_read_u32(&slot->dboid);
	info->pid = (int) pg_atomic_read_u32(&slot->pid);
	info->wanted = pg_atomic_read_u32(&slot->wanted) != 0;
	info->held = OidIsValid(info->dboid) && is_held(info->dboid);
	info->installed = slot->installed;
	info->asked_to_leave = slot->asked_to_leave;
	LWLockRelease(slot_lock);
}

bool
pgwf_slot_exists(Oid dboid)
{
	bool		exists;

	LWLockAcquire(slot_lock, LW_SHARED);
	exists = find_slot(dboid) != NULL;
	LWLockRelease(slot_lock);
	return exists;
}
