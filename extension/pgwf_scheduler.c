/*-------------------------------------------------------------------------
 *
 * pgwf_scheduler.c
 *		Main of the scheduler of a database: when to look, and what to do
 *		when that fails.  What a look fires is pgwf_due.c's.
 *
 * The scheduler sleeps until the earliest due moment, without a transaction,
 * a snapshot or a lock.  Commits that create an earlier one set its latch
 * (pgwf_slot.c).  It looks at the tables when it starts, when something is
 * due, and once in pg_workflow.scheduler_look_interval.
 *
 * The work has parts, each with transactions and delays of its own, so that
 * one that fails keeps none of the others from going on.  What is locked is
 * skipped, and looked at again after a delay that grows.  When firing fails,
 * runs are fired one at a time; the one that fails is left alone for a while,
 * which grows too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pgwf_bgw.h"
#include "pgwf_catalog.h"
#include "pgwf_compat.h"
#include "pgwf_due.h"
#include "pgwf_guc.h"
#include "pgwf_scheduler.h"
#include "pgwf_slot.h"

/* Delays before runs that were locked are looked at again */
#define LOCKED_FIRST	INT64CONST(2000)
#define LOCKED_LAST		USECS_PER_SEC

/* Delays after an error, of the run that failed or of everything */
#define FAILED_FIRST	INT64CONST(100000)
#define FAILED_LAST		(60 * USECS_PER_SEC)

/*
 * Locks of runs are not waited for.  What cannot be done without waiting for
 * a lock that somebody keeps is an error, so that the others go on.
 */
#define LOCK_TIMEOUT_SETTING	"500ms"

/* The same error is logged again after this time */
#define LOG_AGAIN		(5 * 60 * USECS_PER_SEC)

/* After an error, this many turns fire one run each */
#define CAREFUL_TURNS	100

typedef enum TurnResult
{
	TURN_DONE,					/* nothing is left that is due */
	TURN_MORE,					/* there is more to fire at once */
	TURN_WAIT,					/* all that is due is locked */
	TURN_FAILED,				/* not because of a run, which is spared */
	TURN_NOT_INSTALLED			/* the extension is gone */
} TurnResult;

/* A run whose firing failed, and how long it is left alone for */
typedef struct SparedKey
{
	int64		run_key;
	int32		namespace_id;
	int32		unused;			/* always 0: the struct is hashed as bytes */
} SparedKey;

typedef struct Spared
{
	SparedKey	key;
	TimestampTz until;
	int64		delay;
} Spared;

/* A part of the work, and when it has its next turn */
typedef struct Part
{
	const char *activity;
	void		(*run) (PgwfTurn *turn);
	bool		fires_runs;		/* some of which it may have to spare */
	TimestampTz next;			/* something is due, as far as is known */
	TimestampTz next_look;		/* even if nothing is */
	TimestampTz not_before;		/* it has failed */
	int64		locked_delay;
	int64		failed_delay;
	int			careful_turns;
	char	   *logged_message;
	TimestampTz logged_at;
} Part;

static Part parts[PGWF_PART_COUNT] = {
	[PGWF_PART_RUNS] = {"pg_workflow: firing what is due",
	pgwf_due_runs, true},
	[PGWF_PART_DEADLINES] = {"pg_workflow: looking for workflow tasks that time out",
	pgwf_due_deadlines, true},
	[PGWF_PART_CLOCKS] = {"pg_workflow: attending to virtual time",
	pgwf_due_clocks, true},
	[PGWF_PART_SCHEDULES] = {"pg_workflow: attending to schedules",
	pgwf_due_schedules},
	[PGWF_PART_RETENTION] = {"pg_workflow: deleting what has expired",
	pgwf_due_retention},
	[PGWF_PART_BATCHES] = {"pg_workflow: running batch operations",
	pgwf_due_batches},
	[PGWF_PART_DRAINAGE] = {"pg_workflow: looking for drained versions",
	pgwf_due_drainage},
	[PGWF_PART_QUERIES] = {"pg_workflow: removing queries",
	pgwf_due_queries},
	[PGWF_PART_UPDATES] = {"pg_workflow: removing updates",
	pgwf_due_updates},
	[PGWF_PART_NAMESPACES] = {"pg_workflow: removing deleted namespaces",
	pgwf_due_namespaces}
};

static volatile sig_atomic_t in_transaction = false;

static HTAB *spared = NULL;		/* of Spared */

static void cancel_handler(SIGNAL_ARGS);
static void begin_transaction(const char *activity);
static void end_transaction(void);
static bool check_extension(void);
static TimestampTz next_turn(const Part *part);
static bool take_turns(void);
static TurnResult turn(Part *part);
static void recover(Part *part, MemoryContext context);
static void spare(int32 namespace_id, int64 run_key);
static TimestampTz next_spared(void);

void
pgwf_scheduler_main(Datum arg)
{
	Oid			dboid = DatumGetObjectId(arg);
	bool		checked = false;
	uint32		wait_event;

	pgwf_bgw_signals(cancel_handler);

	/* before connecting: see pgwf_slot_enter() */
	if (!pgwf_slot_enter(dboid))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(dboid, InvalidOid, 0);
	pgwf_bgw_pin_settings();
	SetConfigOption("lock_timeout", LOCK_TIMEOUT_SETTING, PGC_SUSET,
					PGC_S_OVERRIDE);
	wait_event = pgwf_wait_event_new("PgWorkflowSchedulerMain");

	for (;;)
	{
		TimestampTz now;
		TimestampTz published;
		TimestampTz next_recheck;
		TimestampTz until;
		uint32		looks;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);

			/* the interval may have become shorter */
			for (int i = 0; i < lengthof(parts); i++)
				parts[i].next_look = DT_NOBEGIN;
		}
		if (pgwf_slot_must_leave() || !pgwf_scheduler)
			proc_exit(0);

		/* not short-circuited: asking clears the flag */
		if (pgwf_slot_must_check() || !checked)
		{
			if (check_extension())
			{
				if (!checked)
					pgwf_slot_installed();
				checked = true;
			}
			else
			{
				if (pgwf_slot_not_installed())
					proc_exit(0);
				continue;
			}
		}

		published = pgwf_slot_take_due();
		looks = pgwf_slot_take_looks();
		now = GetCurrentTimestamp();
		next_recheck = pgwf_slot_run_rechecks(now);

		parts[PGWF_PART_RUNS].next = Min(parts[PGWF_PART_RUNS].next, published);
		parts[PGWF_PART_DEADLINES].next =
			Min(parts[PGWF_PART_DEADLINES].next, pgwf_due_deadlines_next());
		until = DT_NOEND;
		for (int i = 0; i < lengthof(parts); i++)
		{
			Part	   *part = &parts[i];

			if ((looks & ((uint32) 1 << i)) != 0)
				part->next = DT_NOBEGIN;
			until = Min(until, next_turn(part));
		}
		if (now >= until)
		{
			if (!take_turns())
				checked = false;
			continue;
		}

		until = Min(until, next_recheck);
		if (!pgwf_slot_sleep(until))
			continue;
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 TimestampDifferenceMilliseconds(now, until),
						 wait_event);
	}
}

/*
 * SIGINT cancels a transaction, and is only a wake-up when there is none.
 */
static void
cancel_handler(SIGNAL_ARGS)
{
	int			save_errno = errno;

	if (in_transaction)
		StatementCancelHandler(postgres_signal_arg);
	else
		SetLatch(MyLatch);
	errno = save_errno;
}

static void
begin_transaction(const char *activity)
{
	debug_query_string = activity;
	pgstat_report_activity(STATE_RUNNING, activity);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	in_transaction = true;
}

static void
end_transaction(void)
{
	in_transaction = false;
	QueryCancelPending = false;
	CommitTransactionCommand();
	debug_query_string = NULL;
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Is the extension in this database, all of it?
 */
static bool
check_extension(void)
{
	bool		installed;

	begin_transaction("pg_workflow: looking for the extension");
	installed = OidIsValid(get_extension_oid("pg_workflow", true)) &&
		pgwf_is_installed();
	end_transaction();
	return installed;
}

static TimestampTz
next_turn(const Part *part)
{
	return Max(Min(part->next, part->next_look), part->not_before);
}

/*
 * Give a turn to each part that is due.  False when the extension is gone.
 */
static bool
take_turns(void)
{
	for (int i = 0; i < lengthof(parts); i++)
	{
		Part	   *part = &parts[i];
		TimestampTz now = GetCurrentTimestamp();
		TurnResult	result;

		if (now < next_turn(part))
			continue;
		CHECK_FOR_INTERRUPTS();
		if (pgwf_slot_must_leave())
			return true;
		result = turn(part);
		now = GetCurrentTimestamp();
		part->next_look = now +
			pgwf_scheduler_look_interval * INT64CONST(1000);
		if (result != TURN_WAIT)
			part->locked_delay = 0;
		if (result != TURN_FAILED)
			part->failed_delay = 0;
		switch (result)
		{
			case TURN_DONE:
				break;
			case TURN_MORE:
				part->next = now;
				break;
			case TURN_WAIT:
				part->locked_delay = part->locked_delay == 0 ? LOCKED_FIRST :
					Min(2 * part->locked_delay, LOCKED_LAST);
				part->next = Min(part->next, now + part->locked_delay);
				break;
			case TURN_FAILED:
				part->failed_delay = part->failed_delay == 0 ? FAILED_FIRST :
					Min(2 * part->failed_delay, FAILED_LAST);
				part->not_before = now + part->failed_delay;
				part->next = part->not_before;
				break;
			case TURN_NOT_INSTALLED:
				return false;
		}
	}
	return true;
}

/*
 * Have a part do what is due, at most a batch, in one transaction, and set
 * when it is due next, as far as the tables know.
 */
static TurnResult
turn(Part *part)
{
	MemoryContext context = CurrentMemoryContext;
	PgwfTurn	work = {0};
	volatile TurnResult outcome = TURN_DONE;

	work.max_runs = part->careful_turns > 0 ? 1 : pgwf_scheduler_batch_size;
	work.next = DT_NOEND;
	if (part->careful_turns > 0)
		part->careful_turns--;

	begin_transaction(part->activity);
	PG_TRY();
	{
		if (!pgwf_is_installed())
			outcome = TURN_NOT_INSTALLED;
		else
		{
			part->run(&work);
			if (work.more && work.fired > 0)
				outcome = TURN_MORE;
			else if (work.more || work.skipped > 0)
				outcome = TURN_WAIT;
		}
		end_transaction();
	}
	PG_CATCH();
	{
		recover(part, context);
		outcome = TURN_FAILED;
	}
	PG_END_TRY();

	part->next = work.next;
	if (part->fires_runs)
	{
		TimestampTz spared_until = next_spared();

		part->next = Min(part->next, spared_until);
	}
	if (outcome == TURN_FAILED)
	{
		pgwf_due_clocks_look_again();
		if (part->run == pgwf_due_deadlines)
			pgwf_due_deadlines_look_again();
		part->careful_turns = CAREFUL_TURNS;
		if (work.run_key != 0)
		{
			spare(work.namespace_id, work.run_key);
			return TURN_MORE;
		}
	}
	return outcome;
}

/*
 * After an error: log it, unless it was the last one of the part that was
 * logged, and get rid of the transaction.
 */
static void
recover(Part *part, MemoryContext context)
{
	ErrorData  *error;
	TimestampTz now = GetCurrentTimestamp();

	HOLD_INTERRUPTS();
	in_transaction = false;
	QueryCancelPending = false;

	MemoryContextSwitchTo(TopMemoryContext);
	error = CopyErrorData();
	if (pgwf_slot_must_leave() &&
		error->sqlerrcode == ERRCODE_QUERY_CANCELED)
	{
		/* as asked */
	}
	else if (part->logged_message == NULL ||
			 strcmp(part->logged_message, error->message) != 0 ||
			 now - part->logged_at > LOG_AGAIN)
	{
		EmitErrorReport();
		if (part->logged_message)
			pfree(part->logged_message);
		part->logged_message = pstrdup(error->message ? error->message : "");
		part->logged_at = now;
	}
	FreeErrorData(error);
	FlushErrorState();
	AbortCurrentTransaction();
	MemoryContextSwitchTo(context);

	debug_query_string = NULL;
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	RESUME_INTERRUPTS();
}

/*
 * Leave a run alone for a while, which doubles when it fails again.
 */
static void
spare(int32 namespace_id, int64 run_key)
{
	SparedKey	key = {run_key, namespace_id, 0};
	Spared	   *run;
	bool		found;

	if (spared == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(SparedKey);
		control.entrysize = sizeof(Spared);
		spared = hash_create("pg_workflow spared runs", 16, &control,
							 HASH_ELEM | HASH_BLOBS);
	}

	run = hash_search(spared, &key, HASH_ENTER, &found);
	run->delay = found ? Min(2 * run->delay, FAILED_LAST) : FAILED_FIRST;
	run->until = GetCurrentTimestamp() + run->delay;
}

bool
pgwf_scheduler_spares(int32 namespace_id, int64 run_key)
{
	SparedKey	key = {run_key, namespace_id, 0};
	Spared	   *run;

	if (spared == NULL || hash_get_num_entries(spared) == 0)
		return false;
	run = hash_search(spared, &key, HASH_FIND, NULL);
	return run != NULL && GetCurrentTimestamp() < run->until;
}

void
pgwf_scheduler_fired(int32 namespace_id, int64 run_key)
{
	SparedKey	key = {run_key, namespace_id, 0};

	if (spared != NULL && hash_get_num_entries(spared) > 0)
		(void) hash_search(spared, &key, HASH_REMOVE, NULL);
}

/*
 * When the next spared run may be tried again; DT_NOEND when there is none.
 * Runs that have closed or been fired otherwise are forgotten after a while.
 */
static TimestampTz
next_spared(void)
{
	HASH_SEQ_STATUS status;
	Spared	   *run;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next = DT_NOEND;

	if (spared == NULL)
		return DT_NOEND;
	hash_seq_init(&status, spared);
	while ((run = hash_seq_search(&status)) != NULL)
	{
		if (now < run->until)
			next = Min(next, run->until);
		else if (now - run->until > 2 * FAILED_LAST)
			(void) hash_search(spared, &run->key, HASH_REMOVE, NULL);
	}
	return next;
}
