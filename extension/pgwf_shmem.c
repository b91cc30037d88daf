/*-------------------------------------------------------------------------
 *
 * pgwf_shmem.c
 *		The one struct in shared memory: request, layout, keys.
 *
 * The struct has six parts, each in a file of its own: waiters
 * (pgwf_waiter.c), pollers (pgwf_poller.c), the slots of databases
 * (pgwf_slot.c), the generation of the routing (pgwf_routing.c), the state of
 * task queues (pgwf_queue_state.c) and the deadlines of workflow tasks
 * (pgwf_deadline.c).  Their locks are of one tranche, "pg_workflow"; the
 * routing needs none.
 *
 * Lock order: there is none to keep, because no code holds two of these
 * locks at a time, and nothing that can raise an error, wait or allocate is
 * done under one of them.  Spinlocks of queues come after them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "pgwf_routing.h"
#include "pgwf_shmem.h"

#define PGWF_TRANCHE	"pg_workflow"
#define PGWF_LOCKS \
	(PGWF_WAITER_LOCKS + PGWF_POLLER_LOCKS + PGWF_SLOT_LOCKS + \
	 PGWF_QUEUE_LOCKS + PGWF_DEADLINE_LOCKS)

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static bool attached = false;

static void shmem_request(void);
static void shmem_startup(void);

/*
 * Install the hooks.
 */
void
pgwf_shmem_init(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = shmem_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
}

static void
shmem_request(void)
{
	Size		size;

	if (prev_shmem_request_hook)
		prev_shmem_request_hook();

	size = MAXALIGN(pgwf_waiter_shmem_size());
	size = add_size(size, MAXALIGN(pgwf_poller_shmem_size()));
	size = add_size(size, MAXALIGN(pgwf_slot_shmem_size()));
	size = add_size(size, MAXALIGN(pgwf_routing_shmem_size()));
	size = add_size(size, MAXALIGN(pgwf_queue_state_shmem_size()));
	size = add_size(size, MAXALIGN(pgwf_deadline_shmem_size()));
	RequestAddinShmemSpace(size);
	RequestNamedLWLockTranche(PGWF_TRANCHE, PGWF_LOCKS);
}

/*
 * Runs in the postmaster at start and after a crash, and again in each child
 * of servers that do not fork.
 */
static void
shmem_startup(void)
{
	Size		waiters = MAXALIGN(pgwf_waiter_shmem_size());
	Size		pollers = MAXALIGN(pgwf_poller_shmem_size());
	Size		slots = MAXALIGN(pgwf_slot_shmem_size());
	Size		routing = MAXALIGN(pgwf_routing_shmem_size());
	Size		states = MAXALIGN(pgwf_queue_state_shmem_size());
	Size		deadlines = MAXALIGN(pgwf_deadline_shmem_size());
	LWLockPadded *locks;
	char	   *memory;
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	memory = ShmemInitStruct("pg_workflow",
							 add_size(add_size(add_size(waiters, pollers),
											   add_size(slots, routing)),
									  add_size(states, deadlines)),
							 &found);
	locks = GetNamedLWLockTranche(PGWF_TRANCHE);
	pgwf_waiter_shmem_attach(memory, locks, !found);
	memory += waiters;
	locks += PGWF_WAITER_LOCKS;
	pgwf_poller_shmem_attach(memory, locks, !found);
	memory += pollers;
	locks += PGWF_POLLER_LOCKS;
	pgwf_slot_shmem_attach(memory, locks, !found);
	memory += slots;
	pgwf_routing_shmem_attach(memory, !found);
	memory += routing;
	locks += PGWF_SLOT_LOCKS;
	pgwf_queue_state_shmem_attach(memory, locks, !found);
	memory += states;
	locks += PGWF_QUEUE_LOCKS;
	pgwf_deadline_shmem_attach(memory, locks, !found);
	LWLockRelease(AddinShmemInitLock);

	attached = true;
}

bool
pgwf_shmem_available(void)
{
	return attached;
}

/*
 * The key of a queue of workers in this database.  Keys that collide cost a
 * wake-up for nothing, which the scheduler's second look makes up for.
 */
uint64
pgwf_shmem_queue_key(int32 namespace_id, char kind, const char *queue,
					 int32 version_key)
{
	uint32		prefix[4];
	uint64		seed;

	prefix[0] = MyDatabaseId;
	prefix[1] = (uint32) namespace_id;
	prefix[2] = (unsigned char) kind;
	prefix[3] = (uint32) version_key;
	seed = hash_bytes_extended((const unsigned char *) prefix,
							   sizeof(prefix), 0);
	return hash_bytes_extended((const unsigned char *) queue,
							   (int) strlen(queue), seed);
}

static uint64
key_of_run(char kind, int32 namespace_id, int64 run_key)
{
	uint32		parts[5];

	parts[0] = MyDatabaseId;
	parts[1] = (uint32) namespace_id;
	parts[2] = (uint32) kind;
	parts[3] = (uint32) ((uint64) run_key >> 32);
	parts[4] = (uint32) run_key;
	return hash_bytes_extended((const unsigned char *) parts,
							   sizeof(parts), 0);
}

/*
 * The key of a run in this database, and of its history.
 */
uint64
pgwf_shmem_run_key(int32 namespace_id, int64 run_key)
{
	return key_of_run(PGWF_QUEUE_RUN, namespace_id, run_key);
}

uint64
pgwf_shmem_history_key(int32 namespace_id, int64 run_key)
{
	return key_of_run(PGWF_QUEUE_HISTORY, namespace_id, run_key);
}
