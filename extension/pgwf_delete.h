/*-------------------------------------------------------------------------
 *
 * pgwf_delete.h
 *		Deleting runs, on request and when their retention is over.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DELETE_H
#define PGWF_DELETE_H

#include "pgwf_store.h"

extern bool pgwf_run_delete(PgwfCall *call, int32 namespace_id,
							int64 run_key);
extern void pgwf_retention_enforce(PgwfCall *call, int max_runs, int *fired,
								   bool *more);
extern TimestampTz pgwf_retention_next(void);

#endif							/* PGWF_DELETE_H */
