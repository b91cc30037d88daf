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
 * Runs that are locked are skipped, and looked at again after a delay that
 * grows.  When firing fails, runs are fired one at a time; the one that fails
 * is left alone for a while, which grows too, so that the others go on.
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

#define ACTIVITY		"pg_workflow: firing what is due"

typedef enum TurnResult
{
	TURN_DONE,					/* nothing is left that is due */
	TURN_MORE,					/* there is more to fire at once */
	TURN_WAIT,					/* all that is due is locked */
	TURN_FAILED,
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

static volatile sig_atomic_t in_transaction = false;

static int64 locked_delay = 0;
static int64 failed_delay = 0;
static int	careful_turns = 0;
static HTAB *spared = NULL;		/* of Spared */

static char *logged_message = NULL;
static TimestampTz logged_at = 0;

static void cancel_handler(SIGNAL_ARGS);
static void begin_transaction(const char *activity);
static void end_transaction(void);
static bool check_extension(void);
static TurnResult turn(TimestampTz *next);
static void recover(MemoryContext context);
static void spare(int32 namespace_id, int64 run_key);
static TimestampTz next_spared(void);

void
pgwf_scheduler_main(Datum arg)
{
	Oid			dboid = DatumGetObjectId(arg);
	TimestampTz next_due = DT_NOBEGIN;
	TimestampTz next_look = DT_NOEND;
	TimestampTz not_before = DT_NOBEGIN;
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

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
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
		next_due = Min(next_due, published);
		now = GetCurrentTimestamp();
		next_recheck = pgwf_slot_run_rechecks(now);

		if (now >= Min(next_due, next_look) && now >= not_before)
		{
			TurnResult	result = turn(&next_due);

			now = GetCurrentTimestamp();
			next_look = now + pgwf_scheduler_look_interval * INT64CONST(1000);

			if (result != TURN_WAIT)
				locked_delay = 0;
			if (result != TURN_FAILED)
				failed_delay = 0;
			switch (result)
			{
				case TURN_DONE:
					break;
				case TURN_MORE:
					next_due = now;
					continue;
				case TURN_WAIT:
					locked_delay = locked_delay == 0 ? LOCKED_FIRST :
						Min(2 * locked_delay, LOCKED_LAST);
					next_due = Min(next_due, now + locked_delay);
					break;
				case TURN_FAILED:
					failed_delay = failed_delay == 0 ? FAILED_FIRST :
						Min(2 * failed_delay, FAILED_LAST);
					not_before = now + failed_delay;
					next_due = not_before;
					break;
				case TURN_NOT_INSTALLED:
					checked = false;
					continue;
			}
		}

		until = Min(Max(Min(next_due, next_look), not_before), next_recheck);
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

/*
 * Fire what is due, at most a batch of runs, in one transaction.  *next is
 * when the next look is due, as far as the tables know.
 */
static TurnResult
turn(TimestampTz *next)
{
	MemoryContext context = CurrentMemoryContext;
	PgwfDueResult result = {0};
	volatile TurnResult outcome = TURN_DONE;
	int			max_runs = careful_turns > 0 ? 1 : pgwf_scheduler_batch_size;

	if (careful_turns > 0)
		careful_turns--;

	begin_transaction(ACTIVITY);
	PG_TRY();
	{
		TimestampTz now = GetCurrentTimestamp();

		if (!pgwf_is_installed())
			outcome = TURN_NOT_INSTALLED;
		else
		{
			pgwf_due_fire(max_runs, &result);

			if (result.more && result.fired > 0)
				outcome = TURN_MORE;
			else
			{
				TimestampTz spared_until = next_spared();

				if (result.more || result.skipped > 0)
					outcome = TURN_WAIT;
				*next = pgwf_due_next(now);
				*next = Min(*next, spared_until);
			}
		}
		end_transaction();
	}
	PG_CATCH();
	{
		recover(context);
		outcome = TURN_FAILED;
	}
	PG_END_TRY();

	if (outcome == TURN_FAILED)
	{
		careful_turns = CAREFUL_TURNS;
		if (result.run_key != 0)
		{
			spare(result.namespace_id, result.run_key);
			return TURN_MORE;
		}
	}
	return outcome;
}

/*
 * After an error: log it, unless it was the last one logged, and get rid of
 * the transaction.
 */
static void
recover(MemoryContext context)
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
	else if (logged_message == NULL ||
			 strcmp(logged_message, error->message) != 0 ||
			 now - logged_at > LOG_AGAIN)
	{
		EmitErrorReport();
		if (logged_message)
			pfree(logged_message);
		logged_message = pstrdup(error->message ? error->message : "");
		logged_at = now;
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
