/*-------------------------------------------------------------------------
 *
 * pgwf_close.h
 *		Ending a run from outside: terminated or timed out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CLOSE_H
#define PGWF_CLOSE_H

#include "pgwf_run.h"

extern void pgwf_run_terminate(PgwfRun *run, const char *reason,
							   Jsonb *details, const char *identity);
extern void pgwf_run_time_out(PgwfRun *run, bool may_continue);

#endif							/* PGWF_CLOSE_H */
