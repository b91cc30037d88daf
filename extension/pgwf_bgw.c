/*-------------------------------------------------------------------------
 *
 * pgwf_bgw.c
 *		Registers and starts the background workers; the only file that fills
 *		a BackgroundWorker.
 *
 * There are two: the launcher, one for the server, registered at preload,
 * and the scheduler of a database, started by the launcher.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "pgwf_bgw.h"

/* Seconds after which the postmaster starts a launcher that has ended */
#define LAUNCHER_RESTART	5

static void
fill(BackgroundWorker *worker, const char *function, const char *type)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker->bgw_library_name, "pg_workflow", BGW_MAXLEN);
	strlcpy(worker->bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker->bgw_type, type, BGW_MAXLEN);
}

/*
 * Register the launcher.  pg_upgrade must find nobody connected.
 */
void
pgwf_bgw_init(void)
{
	BackgroundWorker worker;

	if (IsBinaryUpgrade)
		return;

	fill(&worker, "pgwf_launcher_main", "pg_workflow launcher");
	strlcpy(worker.bgw_name, "pg_workflow launcher", BGW_MAXLEN);
	worker.bgw_restart_time = LAUNCHER_RESTART;
	RegisterBackgroundWorker(&worker);
}

BackgroundWorkerHandle *
pgwf_bgw_start_scheduler(Oid dboid)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	MemoryContext old_context;
	bool		registered;

	fill(&worker, "pgwf_scheduler_main", "pg_workflow scheduler");
	snprintf(worker.bgw_name, BGW_MAXLEN,
			 "pg_workflow scheduler for database %u", dboid);
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(dboid);
	worker.bgw_notify_pid = MyProcPid;

	old_context = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&worker, &handle);
	MemoryContextSwitchTo(old_context);
	return registered ? handle : NULL;
}

/*
 * Install the handlers and let signals in: SIGTERM ends the worker at its
 * next check for interrupts, SIGHUP has it read the settings again, SIGINT is
 * the caller's affair.
 */
void
pgwf_bgw_signals(pqsigfunc sigint_handler)
{
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, sigint_handler);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGUSR1, procsignal_sigusr1_handler);
	BackgroundWorkerUnblockSignals();
}

/*
 * Settings of the database or the role must not change how a worker's own
 * transactions behave.
 */
void
pgwf_bgw_pin_settings(void)
{
	static const char *const pinned[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"statement_timeout", "0"},
		{"lock_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"row_security", "off"},
		{"jit", "off"},
	};

	for (int i = 0; i < lengthof(pinned); i++)
		SetConfigOption(pinned[i][0], pinned[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		SetConfigOption("transaction_timeout", "0", PGC_SUSET,
						PGC_S_OVERRIDE);
}
