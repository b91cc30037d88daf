/*-------------------------------------------------------------------------
 *
 * pgwf_rebuild.h
 *		The state of a run, rebuilt from its history.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_REBUILD_H
#define PGWF_REBUILD_H

#include "pgwf_run.h"

extern void pgwf_rebuild_properties(PgwfExecution *execution, List *events);
extern void pgwf_run_rebuild(PgwfRun *run, List *events);
extern PgwfChild *pgwf_run_find_child(PgwfRun *run, int64 initiated_event_id);
extern bool pgwf_run_awaits_external(PgwfRun *run, int64 initiated_event_id);
extern void pgwf_run_resolve_external(PgwfRun *run, int64 initiated_event_id);

#endif							/* PGWF_REBUILD_H */
