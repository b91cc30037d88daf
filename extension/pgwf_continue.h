/*-------------------------------------------------------------------------
 *
 * pgwf_continue.h
 *		The run that continues a run that closes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CONTINUE_H
#define PGWF_CONTINUE_H

#include "pgwf_new_run.h"

extern const char *pgwf_run_continue(PgwfRun *run, Jsonb *failure,
									 Jsonb *result);
extern void pgwf_read_started_event(PgwfRun *run, PgwfReader *started);
extern PgwfNewRun *pgwf_successor_init(PgwfRun *run);
extern int64 pgwf_successor_backoff(PgwfRun *run, int64 backoff);
extern void pgwf_run_successor_attribute(PgwfRun *run, PgwfObject *attributes);

#endif							/* PGWF_CONTINUE_H */
