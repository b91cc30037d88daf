/*-------------------------------------------------------------------------
 *
 * pgwf_sleep.c
 *		What procedures that wait have in common: committing, deadlines and
 *		sleeping on the latch.
 *
 * A wait must not hold back vacuum, so it happens between transactions: the
 * procedures commit, which ends the snapshot of their CALL, and sleep in a
 * transaction that has neither a snapshot nor an xid.  That is why they are
 * procedures, and refuse to run in a transaction block.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_sleep.h"

/* The longest single sleep; longer waits take several */
#define MAX_SLEEP	INT64CONST(3600000)

/*
 * May this CALL commit?  In a pipeline it would commit the statements before
 * it, whose client has not asked for that.
 */
bool
pgwf_may_commit(FunctionCallInfo fcinfo)
{
	return fcinfo->context && IsA(fcinfo->context, CallContext) &&
		!((CallContext *) fcinfo->context)->atomic &&
		(MyXactFlags & XACT_FLAGS_PIPELINING) == 0;
}

void
pgwf_require_commit(FunctionCallInfo fcinfo, const char *procedure)
{
	if (!pgwf_may_commit(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot wait inside a transaction block",
						procedure),
				 errhint("Call it as a statement of its own, outside of BEGIN and COMMIT, functions and pipelines: a wait inside a transaction would keep vacuum from cleaning up.")));
}

/*
 * Commit, and be left with a transaction that has no snapshot.
 */
void
pgwf_commit(void)
{
	SPI_commit();
	InvalidateCatalogSnapshot();
}

/* ---- time ---- */

/*
 * An interval in milliseconds; months have 30 days, as elsewhere.
 */
int64
pgwf_interval_ms(const Interval *interval)
{
	double		ms = interval->time / 1000.0 +
	(interval->day + 30.0 * interval->month) * SECS_PER_DAY * 1000.0;

	if (ms < 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("timeout must not be negative")));
	return (int64) Min(ms, (double) PGWF_MAX_DURATION / 1000.0);
}

void
pgwf_set_deadline(PgwfDeadline *deadline, bool never, int64 timeout)
{
	deadline->never = never;
	deadline->timeout = timeout;
	INSTR_TIME_SET_CURRENT(deadline->start);
}

/*
 * How long to sleep at most: 0 when the deadline has passed.
 */
long
pgwf_remaining_ms(const PgwfDeadline *deadline)
{
	instr_time	now;
	int64		remaining;

	if (deadline->never)
		return (long) MAX_SLEEP;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, deadline->start);
	remaining = deadline->timeout - (int64) INSTR_TIME_GET_MILLISEC(now);
	return (long) Max(Min(remaining, MAX_SLEEP), 0);
}

/* ---- sleeping ---- */

/*
 * Sleep until the latch is set or the time is over.  A client that has closed
 * its connection ends the session at once, where the platform can tell.
 */
static void
sleep_on_latch(long timeout, uint32 wait_event)
{
	WaitEvent	events[FeBeWaitSetNEvents];
	int			nevents;

	if (MyProcPort == NULL || FeBeWaitSet == NULL ||
		whereToSendOutput != DestRemote || !WaitEventSetCanReportClosed())
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 timeout, wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		return;
	}

	/* all users of this set choose the socket's events before they wait */
	ModifyWaitEvent(FeBeWaitSet, FeBeWaitSetSocketPos, WL_SOCKET_CLOSED, NULL);
	nevents = WaitEventSetWait(FeBeWaitSet, timeout, events, lengthof(events),
							   wait_event);
	ResetLatch(MyLatch);
	for (int i = 0; i < nevents; i++)
	{
		if (events[i].events & WL_POSTMASTER_DEATH)
			ereport(FATAL,
					(errcode(ERRCODE_ADMIN_SHUTDOWN),
					 errmsg("terminating connection due to unexpected postmaster exit")));
		if (events[i].events & WL_SOCKET_CLOSED)
		{
			ClientConnectionLost = true;
			InterruptPending = true;
		}
	}
	CHECK_FOR_INTERRUPTS();
}

/*
 * Sleep until this waiter is woken or the deadline has passed, and stop being
 * one.
 */
PgwfWake
pgwf_sleep_until_woken(const PgwfDeadline *deadline, uint32 wait_event, int *index)
{
	long		remaining;

	while (pgwf_shmem_wait_result(index) == PGWF_WAKE_NONE &&
		   (remaining = pgwf_remaining_ms(deadline)) > 0)
		sleep_on_latch(remaining, wait_event);

	pgwf_shmem_wait_end();
	return pgwf_shmem_wait_result(index);
}
