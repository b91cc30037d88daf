/*-------------------------------------------------------------------------
 *
 * pgwf_batch.h
 *		Operations on many runs, done by the scheduler.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_BATCH_H
#define PGWF_BATCH_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "pgwf_table.h"

/* Numbers are those of Temporal's BatchOperationState */
typedef enum PgwfBatchState
{
	PGWF_BATCH_RUNNING = 1,
	PGWF_BATCH_COMPLETED = 2,
	PGWF_BATCH_FAILED = 3
} PgwfBatchState;

/* What is done to one run */
typedef struct PgwfBatchCall
{
	int32		namespace_id;
	char	   *workflow_id;
	pg_uuid_t  *run_id;			/* NULL: the current run */
	Datum		reason;			/* texts, and whether they are not given */
	Datum		identity;
	bool		no_reason;
	bool		no_identity;
	Datum		parameters;		/* jsonb */
} PgwfBatchCall;

/* pgwf_batch_operation.c */
extern char *pgwf_batch_operation_check(char *name, Jsonb *parameters);
extern void pgwf_batch_operation_call(const char *name,
									  const PgwfBatchCall *call);

/* pgwf_batch.c */
extern void pgwf_batches_run(PgwfCall *call, int *fired);
extern TimestampTz pgwf_batches_next(PgwfCall *call, TimestampTz after);

#endif							/* PGWF_BATCH_H */
