/*-------------------------------------------------------------------------
 *
 * pgwf_token.h
 *		Task tokens: what a worker shows when it answers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_TOKEN_H
#define PGWF_TOKEN_H

#include "pgwf_store.h"

/*
 * A token names one dispatch of a task.  The time tells a claim that was
 * lost in a crash from the one that followed it.
 */
typedef struct PgwfToken
{
	int32		namespace_id;
	int64		run_key;
	int64		scheduled_event_id;
	int32		stamp;			/* of an activity: its attempt */
	TimestampTz started_time;
} PgwfToken;

extern char *pgwf_token_for_task(const PgwfState *state);
extern char *pgwf_token_for_activity(const PgwfActivity *activity);
extern void pgwf_token_parse(const char *text, char kind, PgwfToken *token);
extern char *pgwf_token_for_query(int32 namespace_id,
								  const pg_uuid_t *query_id, int32 attempt);
extern void pgwf_token_parse_query(const char *text, int32 *namespace_id,
								   pg_uuid_t *query_id, int32 *attempt);
extern bool pgwf_token_matches_task(const PgwfToken *token,
									const PgwfState *state);
extern bool pgwf_token_matches_activity(const PgwfToken *token,
										const PgwfActivity *activity);

#endif							/* PGWF_TOKEN_H */
