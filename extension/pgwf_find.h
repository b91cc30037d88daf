/*-------------------------------------------------------------------------
 *
 * pgwf_find.h
 *		Finding the run that a caller means.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_FIND_H
#define PGWF_FIND_H

#include "pgwf_compat.h"
#include "pgwf_run.h"

extern PgwfExecution *pgwf_find_execution(PgwfCall *call, int32 namespace_id,
										  const char *workflow_id,
										  const pg_uuid_t *run_id);
extern PgwfExecution *pgwf_find_open_run(PgwfRun *run, PgwfCall *call,
										 int32 namespace_id,
										 const char *workflow_id,
										 const pg_uuid_t *run_id);
pg_noreturn extern void pgwf_report_closed(void);

#endif							/* PGWF_FIND_H */
