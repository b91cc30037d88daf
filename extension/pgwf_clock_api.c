/*-------------------------------------------------------------------------
 *
 * pgwf_clock_api.c
 *		SQL functions about the time of a namespace: what it is, setting it
 *		forward, and letting it be skipped.
 *
 * They have the names and the meaning of Temporal's test service, but for
 * advance_time(), which it does not have.
 *
 * Locks: advance_time() stops the clock, and so waits for all transactions
 * that have changed something in the namespace.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg_workflow.h"
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_compat.h"
#include "pgwf_db.h"
#include "pgwf_due.h"
#include "pgwf_errors.h"
#include "pgwf_shmem.h"
#include "pgwf_sleep.h"
#include "pgwf_slot.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_get_current_time);
PG_FUNCTION_INFO_V1(pgwf_advance_time);
PG_FUNCTION_INFO_V1(pgwf_lock_time_skipping);
PG_FUNCTION_INFO_V1(pgwf_unlock_time_skipping);
PG_FUNCTION_INFO_V1(pgwf_sleep_with_time_skipping);

static PgwfStatement change_locks = {
	.sql = "UPDATE workflow.namespace_clock"
	" SET skipping_locks = skipping_locks + $2"
	" WHERE namespace_id = $1 AND skipping_locks + $2 BETWEEN 0 AND 1000",
	.nargs = 2,
	.argtypes = {INT4OID, INT4OID}
};

/*
 * The namespace named by the first argument, in which the current user must
 * have the right "admin", and which must have a clock of its own.
 */
static int32
check_namespace(const char *name)
{
	int32		namespace_id = pgwf_namespace_check(name, PGWF_RIGHT_ADMIN);

	if (pgwf_namespace_clock(namespace_id) != PGWF_CLOCK_VIRTUAL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("namespace \"%s\" has no virtual time", name),
				 errhint("Tests of workflows use a namespace registered with virtual_time => true.")));
	return namespace_id;
}

/* The second argument: how far the clock is to go on */
static int64
read_duration(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("duration is missing")));
	return Max(pgwf_arg_duration(fcinfo, 1, "duration"), 0);
}

/* The machine's clock and that of a namespace are at most this far apart */
static void
check_time(TimestampTz now, int64 by)
{
	if (by > pgwf_clock_end() - now)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("time cannot be set beyond the year 9999")));
}

/*
 * get_current_time(namespace)
 */
Datum
pgwf_get_current_time(PG_FUNCTION_ARGS)
{
	int32		namespace_id;
	PgwfClock	clock = {0};

	namespace_id = pgwf_namespace_check(pgwf_arg_text(fcinfo, 0),
										PGWF_RIGHT_READ);
	if (pgwf_namespace_clock(namespace_id) == PGWF_CLOCK_VIRTUAL)
		(void) pgwf_clock_read(namespace_id, &clock);
	PG_RETURN_TIMESTAMPTZ(GetCurrentTimestamp() + clock.offset);
}

/*
 * advance_time(namespace, duration)
 *
 * What that makes due is done by the scheduler once this has committed.
 */
Datum
pgwf_advance_time(PG_FUNCTION_ARGS)
{
	int32		namespace_id;
	int64		by;
	PgwfClock	clock = {0};
	TimestampTz now;

	PreventCommandDuringRecovery("workflow.advance_time()");
	namespace_id = check_namespace(pgwf_arg_text(fcinfo, 0));
	by = read_duration(fcinfo);
	(void) pgwf_clock_stop(namespace_id, true);
	(void) pgwf_clock_read(namespace_id, &clock);
	now = GetCurrentTimestamp() + clock.offset;
	check_time(now, by);
	pgwf_clock_advance(namespace_id, by);
	PG_RETURN_TIMESTAMPTZ(now + by);
}

static uint64
add_to_locks(FunctionCallInfo fcinfo, int32 number)
{
	PgwfCall	call;
	int32		namespace_id;
	Datum		values[2];
	PgwfDbScope scope;
	uint64		count;

	pgwf_call_begin(&call);
	namespace_id = check_namespace(pgwf_arg_text(fcinfo, 0));
	pgwf_clock_use(&call, namespace_id, true);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int32GetDatum(number);
	pgwf_db_begin(&scope);
	count = pgwf_db_execute(&change_locks, values, NULL);
	pgwf_db_end(&scope);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	return count;
}

/*
 * lock_time_skipping(namespace)
 */
Datum
pgwf_lock_time_skipping(PG_FUNCTION_ARGS)
{
	if (add_to_locks(fcinfo, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("too many locks of time skipping")));
	PG_RETURN_VOID();
}

/*
 * unlock_time_skipping(namespace)
 */
Datum
pgwf_unlock_time_skipping(PG_FUNCTION_ARGS)
{
	if (add_to_locks(fcinfo, -1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("time skipping is not locked")));
	PG_RETURN_VOID();
}

/* What the clock shows, read in a transaction that ends here */
static TimestampTz
look_at_clock(int32 namespace_id)
{
	PgwfClock	clock = {0};

	(void) pgwf_clock_read(namespace_id, &clock);
	pgwf_commit();
	return GetCurrentTimestamp() + clock.offset;
}

/*
 * Waits until a clock shows a time.  As long as it does, time can be skipped
 * up to there although it is locked once.
 */
static void
sleep_until(int32 namespace_id, TimestampTz until)
{
	static uint32 wait_event = 0;
	uint64		keys[2];

	if (wait_event == 0)
		wait_event = pgwf_wait_event_new("PgWorkflowSleep");
	keys[0] = pgwf_clock_sleep_key(namespace_id);
	keys[1] = pgwf_clock_skip_key(namespace_id);
	for (;;)
	{
		PgwfDeadline deadline;
		TimestampTz now;
		int			index;

		pgwf_shmem_wait_until(keys, lengthof(keys), until);
		now = look_at_clock(namespace_id);
		if (now >= until)
		{
			pgwf_shmem_wait_end();
			return;
		}
		pgwf_slot_publish_clock(namespace_id);
		pgwf_set_deadline(&deadline, false, (until - now) / 1000 + 1);
		(void) pgwf_sleep_until_woken(&deadline, wait_event, &index);
	}
}

/* How often, and how long, to look whether the scheduler has caught up */
#define CATCH_UP_INTERVAL_MS	2
#define CATCH_UP_LIMIT_MS		10000

/*
 * What was due until now is done when the caller goes on: the scheduler may
 * still be at it.  Something that it puts off is not waited for endlessly.
 */
static void
wait_for_scheduler(int32 namespace_id)
{
	static uint32 wait_event = 0;

	if (wait_event == 0)
		wait_event = pgwf_wait_event_new("PgWorkflowSleep");
	for (int i = 0; i < CATCH_UP_LIMIT_MS / CATCH_UP_INTERVAL_MS; i++)
	{
		bool		behind = pgwf_due_clock_is_behind(namespace_id);

		pgwf_commit();
		if (!behind)
			return;
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 CATCH_UP_INTERVAL_MS, wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * CALL workflow.sleep_with_time_skipping(namespace, duration)
 */
Datum
pgwf_sleep_with_time_skipping(PG_FUNCTION_ARGS)
{
	int32		namespace_id;
	int64		duration;
	TimestampTz now;

	pgwf_require_preloaded();
	PreventCommandDuringRecovery("CALL workflow.sleep_with_time_skipping()");
	pgwf_require_commit(fcinfo, "sleep_with_time_skipping");

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	namespace_id = check_namespace(pgwf_arg_text(fcinfo, 0));
	duration = read_duration(fcinfo);
	now = look_at_clock(namespace_id);
	check_time(now, duration);
	PG_TRY();
	{
		sleep_until(namespace_id, now + duration);
		wait_for_scheduler(namespace_id);
	}
	PG_CATCH();
	{
		pgwf_shmem_wait_abort();
		PG_RE_THROW();
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}
