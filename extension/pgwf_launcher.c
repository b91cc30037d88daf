/*-------------------------------------------------------------------------
 *
 * pgwf_launcher.c
 *		Main of the launcher: which databases have a scheduler, and when one
 *		that ended is started again.
 *
 * At its start, and when a database was created or altered, the launcher
 * reads the list of databases and starts a scheduler in each that has no
 * slot, one after the other; a scheduler that finds no extension gives its
 * slot back and exits.  Otherwise it only looks at the slots, when its latch
 * is set.  It is connected to no database, so it is in nobody's way.
 *
 * Templates get no scheduler: a copy of a database that others are made of
 * must hold still.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pgwf_bgw.h"
#include "pgwf_compat.h"
#include "pgwf_guc.h"
#include "pgwf_slot.h"

/*
 * A scheduler that ended by itself is started again after the first delay,
 * doubled from time to time up to the last, in ms.
 */
#define RESTART_FIRST		1000
#define RESTART_LAST		60000

/* One that ran this long starts with the first delay again */
#define RAN_WELL			(60 * USECS_PER_SEC)

/* When the postmaster has no place for a worker: delays, in ms */
#define EXHAUSTED_FIRST		5000
#define EXHAUSTED_LAST		300000

/* What the launcher knows of the scheduler of a slot */
typedef struct Charge
{
	Oid			dboid;			/* InvalidOid: nothing */
	BackgroundWorkerHandle *handle; /* of one that was started and has not
									 * ended, as far as is known */
	TimestampTz started_at;
	TimestampTz not_before;		/* the next start */
	int			failures;		/* how often it ended by itself in a row */
} Charge;

static Charge *charges;
static List *candidates = NIL;	/* databases to look into */
static Oid	probed = InvalidOid;	/* the one being looked into */
static int	exhausted_delay = EXHAUSTED_FIRST;
static TimestampTz exhausted_until = DT_NOBEGIN;

static void scan_databases(void);
static void next_candidate(void);
static TimestampTz attend(int position, TimestampTz now);

void
pgwf_launcher_main(Datum arg)
{
	uint32		wait_event;

	pgwf_bgw_signals(SIG_IGN);
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgwf_bgw_pin_settings();
	wait_event = pgwf_wait_event_new("PgWorkflowLauncherMain");

	charges = MemoryContextAllocZero(TopMemoryContext,
									 mul_size(pgwf_max_databases,
											  sizeof(Charge)));
	pgwf_slot_launcher_enter();
	ereport(LOG, (errmsg("pg_workflow launcher started")));

	for (;;)
	{
		TimestampTz now;
		TimestampTz next = DT_NOEND;
		long		timeout = -1;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}

		if (pgwf_slot_must_scan())
			scan_databases();
		if (pgwf_slot_overflowed())
			ereport(LOG,
					(errmsg("no slot is left for a database that uses pg_workflow"),
					 errhint("You might need to increase pg_workflow.max_databases.")));
		next_candidate();

		now = GetCurrentTimestamp();
		for (int i = 0; i < pgwf_max_databases; i++)
		{
			TimestampTz again = attend(i, now);

			next = Min(next, again);
		}

		if (next != DT_NOEND)
			timeout = TimestampDifferenceMilliseconds(now, next) + 1;
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
						 (timeout >= 0 ? WL_TIMEOUT : 0),
						 timeout, wait_event);
	}
}

/*
 * Read the list of databases: those without a slot become candidates, and
 * slots of databases that are gone become free.
 */
static void
scan_databases(void)
{
	Oid		   *known = palloc(pgwf_max_databases * sizeof(Oid));
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;
	MemoryContext context = CurrentMemoryContext;

	/* a slot made from here on is of a database that the scan may not see */
	for (int i = 0; i < pgwf_max_databases; i++)
	{
		PgwfSlotInfo info;

		pgwf_slot_info(i, &info);
		known[i] = info.dboid;
	}

	pgstat_report_activity(STATE_RUNNING, "pg_workflow: reading pg_database");
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();

	list_free(candidates);
	candidates = NIL;

	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old_context;

		for (int i = 0; i < pgwf_max_databases; i++)
		{
			if (known[i] == database->oid)
				known[i] = InvalidOid;
		}

		/* a negative limit below -1 marks what a failed DROP has left */
		if (!database->datallowconn || database->datistemplate ||
			database->datconnlimit < -1)
			continue;
		if (pgwf_slot_exists(database->oid))
			continue;
		old_context = MemoryContextSwitchTo(TopMemoryContext);
		candidates = lappend_oid(candidates, database->oid);
		MemoryContextSwitchTo(old_context);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(true);

	for (int i = 0; i < pgwf_max_databases; i++)
	{
		if (OidIsValid(known[i]))
			pgwf_slot_forget(known[i]);
	}
	pfree(known);
}

/*
 * Have the next candidate looked into, unless the last one still is.  One
 * that keeps failing does not stop the others.
 */
static void
next_candidate(void)
{
	for (int i = 0; OidIsValid(probed) && i < pgwf_max_databases; i++)
	{
		PgwfSlotInfo info;

		pgwf_slot_info(i, &info);
		if (info.dboid == probed && !info.installed &&
			(charges[i].dboid != probed || charges[i].failures == 0))
			return;
	}

	probed = InvalidOid;
	while (candidates != NIL && !OidIsValid(probed))
	{
		Oid			dboid = linitial_oid(candidates);

		candidates = list_delete_first(candidates);
		if (pgwf_slot_exists(dboid))
			continue;
		pgwf_slot_request(dboid, true);
		if (pgwf_slot_exists(dboid))
			probed = dboid;
	}
}

/* A scheduler has ended: its place is for any that could not be started */
static void
note_free_place(void)
{
	exhausted_delay = EXHAUSTED_FIRST;
	if (exhausted_until == DT_NOBEGIN)
		return;
	exhausted_until = DT_NOBEGIN;

	/* those that have been attended to already are to be once more */
	SetLatch(MyLatch);
}

/*
 * Start the scheduler of a slot if it shall run and does not.  Returns when
 * to come back, DT_NOEND when the latch will be set.
 */
static TimestampTz
attend(int position, TimestampTz now)
{
	Charge	   *charge = &charges[position];
	PgwfSlotInfo info;
	pid_t		pid;

	pgwf_slot_info(position, &info);

	if (charge->dboid != info.dboid)
	{
		if (charge->handle)
		{
			pfree(charge->handle);
			note_free_place();
		}
		memset(charge, 0, sizeof(Charge));
		charge->dboid = info.dboid;
		charge->not_before = DT_NOBEGIN;
	}
	if (!OidIsValid(info.dboid) || info.pid != 0)
		return DT_NOEND;

	if (charge->handle)
	{
		/* the postmaster sets our latch when this changes */
		if (GetBackgroundWorkerPid(charge->handle, &pid) != BGWH_STOPPED)
			return DT_NOEND;
		pfree(charge->handle);
		charge->handle = NULL;
		note_free_place();

		if (info.asked_to_leave)
		{
			charge->failures = 0;
			charge->not_before = DT_NOBEGIN;
		}
		else
		{
			int			delay = RESTART_FIRST;

			if (now - charge->started_at > RAN_WELL)
				charge->failures = 0;
			for (int i = 0; i < charge->failures && delay < RESTART_LAST; i++)
				delay *= 2;
			charge->failures++;
			charge->not_before = now + Min(delay, RESTART_LAST) * INT64CONST(1000);

			/* the database may be gone */
			pgwf_slot_databases_changed();
		}
	}

	if (!info.wanted || info.held || !pgwf_scheduler)
		return DT_NOEND;
	if (now < charge->not_before)
		return charge->not_before;
	if (now < exhausted_until)
		return exhausted_until;

	charge->handle = pgwf_bgw_start_scheduler(info.dboid);
	if (charge->handle == NULL)
	{
		ereport(LOG,
				(errmsg("could not start a pg_workflow scheduler: no background worker is left"),
				 errhint("You might need to increase max_worker_processes.")));
		exhausted_until = now + exhausted_delay * INT64CONST(1000);
		exhausted_delay = Min(2 * exhausted_delay, EXHAUSTED_LAST);
		return exhausted_until;
	}
	exhausted_delay = EXHAUSTED_FIRST;
	charge->started_at = now;
	return DT_NOEND;
}
