/*-------------------------------------------------------------------------
 *
 * pgwf_failure.h
 *		Failures: those the service makes, and what may be retried.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_FAILURE_H
#define PGWF_FAILURE_H

#include "pgwf_json.h"

/* Numbers are those of Temporal's TimeoutType */
typedef enum PgwfTimeoutType
{
	PGWF_TIMEOUT_START_TO_CLOSE = 1,
	PGWF_TIMEOUT_SCHEDULE_TO_START = 2,
	PGWF_TIMEOUT_SCHEDULE_TO_CLOSE = 3,
	PGWF_TIMEOUT_HEARTBEAT = 4
} PgwfTimeoutType;

extern Jsonb *pgwf_failure_server(const char *message, bool non_retryable);
extern Jsonb *pgwf_failure_timeout(PgwfTimeoutType type, const char *message,
								   Jsonb *heartbeat_details, Jsonb *cause);
extern char *pgwf_failure_timeout_message(PgwfTimeoutType type);
extern bool pgwf_failure_is_retryable(const Jsonb *failure,
									  const Jsonb *non_retryable_types);
extern int64 pgwf_failure_next_retry_delay(const Jsonb *failure);
extern Jsonb *pgwf_failure_truncate(Jsonb *failure, int max_size);
extern Jsonb *pgwf_failure_limit_size(Jsonb *failure, int max_size);
extern void pgwf_failure_check(const Jsonb *failure);

#endif							/* PGWF_FAILURE_H */
