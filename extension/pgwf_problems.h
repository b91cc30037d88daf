/*-------------------------------------------------------------------------
 *
 * pgwf_problems.h
 *		The search attribute of runs whose workflow task keeps failing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_PROBLEMS_H
#define PGWF_PROBLEMS_H

#include "pgwf_run.h"

extern void pgwf_run_note_failed_task(PgwfRun *run, const char *cause);
extern void pgwf_run_note_timed_out_task(PgwfRun *run,
										 const char *timeout_type);
extern void pgwf_run_forget_problems(PgwfRun *run);

#endif							/* PGWF_PROBLEMS_H */
