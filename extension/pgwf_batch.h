/*-------------------------------------------------------------------------
 *
 * pgwf_batch.h
 *		Operations on many runs, done by the scheduler.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_BATCH_H
#define PGWF_BATCH_H

#include "pgwf_table.h"

/* Numbers are those of Temporal's BatchOperationState */
typedef enum PgwfBatchState
{
	PGWF_BATCH_RUNNING = 1,
	PGWF_BATCH_COMPLETED = 2,
	PGWF_BATCH_FAILED = 3
} PgwfBatchState;

extern bool pgwf_batch_operation_is_known(const char *name);
extern void pgwf_batches_run(PgwfCall *call, int *fired);
extern TimestampTz pgwf_batches_next(PgwfCall *call, TimestampTz after);

#endif							/* PGWF_BATCH_H */
