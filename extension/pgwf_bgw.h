/*-------------------------------------------------------------------------
 *
 * pgwf_bgw.h
 *		The background workers: the launcher of the server and the scheduler
 *		of a database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_BGW_H
#define PGWF_BGW_H

#include "postmaster/bgworker.h"

/* Register the launcher; called by _PG_init. */
extern void pgwf_bgw_init(void);

/*
 * Ask the postmaster for the scheduler of a database.  Returns NULL when
 * max_worker_processes is exhausted.
 */
extern BackgroundWorkerHandle *pgwf_bgw_start_scheduler(Oid dboid);

/* Common start of our workers: signals, settings. */
extern void pgwf_bgw_signals(pqsigfunc sigint_handler);
extern void pgwf_bgw_pin_settings(void);

extern PGDLLEXPORT void pgwf_launcher_main(Datum arg);
extern PGDLLEXPORT void pgwf_scheduler_main(Datum arg);

#endif							/* PGWF_BGW_H */
