/*-------------------------------------------------------------------------
 *
 * pgwf_start.h
 *		Starting a run under a workflow id that may have been used.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_START_H
#define PGWF_START_H

#include "fmgr.h"

#include "pgwf_new_run.h"

/* What a closed run of the workflow id means; numbers are Temporal's */
typedef enum PgwfReusePolicy
{
	PGWF_REUSE_ALLOW_DUPLICATE = 1,
	PGWF_REUSE_ALLOW_DUPLICATE_FAILED_ONLY = 2,
	PGWF_REUSE_REJECT_DUPLICATE = 3,
	PGWF_REUSE_TERMINATE_IF_RUNNING = 4
} PgwfReusePolicy;

/* What an open run of the workflow id means; numbers are Temporal's */
typedef enum PgwfConflictPolicy
{
	PGWF_CONFLICT_FAIL = 1,
	PGWF_CONFLICT_USE_EXISTING = 2,
	PGWF_CONFLICT_TERMINATE_EXISTING = 3
} PgwfConflictPolicy;

typedef struct PgwfStartPolicies
{
	PgwfReusePolicy reuse;
	PgwfConflictPolicy conflict;
	Jsonb	   *on_conflict;	/* {"attachRequestId": true}, or NULL */
} PgwfStartPolicies;

typedef enum PgwfStartOutcome
{
	PGWF_START_NEW,
	PGWF_START_EXISTING,
	PGWF_START_REPEATED,
	PGWF_START_ATTACHED,
	PGWF_START_AGAIN			/* internal: look again */
} PgwfStartOutcome;

extern void pgwf_start_policies_read(PgwfStartPolicies *policies,
									 const char *reuse, const char *conflict);
extern void pgwf_start_read_options(FunctionCallInfo fcinfo, TimestampTz now,
									int versioning_override,
									PgwfNewRun *options,
									PgwfStartPolicies *policies);
extern PgwfStartOutcome pgwf_start_run(PgwfRun *run, PgwfCall *call,
									   PgwfNewRun *options,
									   const PgwfStartPolicies *policies,
									   PgwfExecution **existing);

#endif							/* PGWF_START_H */
