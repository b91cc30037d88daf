/*-------------------------------------------------------------------------
 *
 * pgwf_retry_policy.h
 *		Retry policies: read, checked and defaulted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_RETRY_POLICY_H
#define PGWF_RETRY_POLICY_H

#include "pgwf_json.h"

typedef struct PgwfRetryPolicy
{
	int64		initial_interval;
	double		backoff_coefficient;
	int64		maximum_interval;
	int32		maximum_attempts;	/* 0: unlimited */
	Jsonb	   *non_retryable_error_types;	/* array of text, or NULL */
} PgwfRetryPolicy;

extern char *pgwf_retry_policy_read(PgwfRetryPolicy *policy, Jsonb *jsonb);
extern Jsonb *pgwf_retry_policy_jsonb(const PgwfRetryPolicy *policy);

#endif							/* PGWF_RETRY_POLICY_H */
