/*-------------------------------------------------------------------------
 *
 * pgwf_token.c
 *		Task tokens: what a worker shows when it answers.
 *
 * A token is text such as "w1.4711.2.1.815000000000": the kind of task, the
 * namespace, the run, the scheduled event, the stamp or attempt, and when it
 * was started.  It grants nothing by itself: the right of a worker in the
 * namespace is checked as for any other call.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"

#include "pgwf_args.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_token.h"

#define TOKEN_FORMAT "%c%d." INT64_FORMAT "." INT64_FORMAT ".%d." INT64_FORMAT

char *
pgwf_token_for_task(const PgwfState *state)
{
	return psprintf(TOKEN_FORMAT, 'w', state->namespace_id, state->run_key,
					state->wft_scheduled_event_id, state->wft_stamp,
					state->wft_started_time);
}

char *
pgwf_token_for_activity(const PgwfActivity *activity)
{
	return psprintf(TOKEN_FORMAT, 'a', activity->namespace_id,
					activity->run_key, activity->scheduled_event_id,
					activity->attempt, activity->started_time);
}

pg_noreturn static void
report_invalid_token(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("invalid task token"),
			 errhint("Pass the taskToken of the task just as it was polled.")));
}

/* Reads a token of a kind, 'w' or 'a', or raises an error */
void
pgwf_token_parse(const char *text, char kind, PgwfToken *token)
{
	int			length = -1;

	if (text == NULL || text[0] != kind ||
		sscanf(text + 1,
			   "%d." INT64_FORMAT "." INT64_FORMAT ".%d." INT64_FORMAT "%n",
			   &token->namespace_id, &token->run_key,
			   &token->scheduled_event_id, &token->stamp,
			   &token->started_time, &length) != 5 ||
		length < 0 || text[1 + length] != '\0')
		report_invalid_token();
}

char *
pgwf_token_for_query(int32 namespace_id, const pg_uuid_t *query_id,
					 int32 attempt)
{
	return psprintf("q%d.%s.%d", namespace_id, pgwf_uuid_text(query_id),
					attempt);
}

/* Reads the token of a query, or raises an error */
void
pgwf_token_parse_query(const char *text, int32 *namespace_id,
					   pg_uuid_t *query_id, int32 *attempt)
{
	char		uuid[2 * UUID_LEN + 5];
	int			length = -1;

	if (text == NULL ||
		sscanf(text, "q%d.%36[-0-9a-f].%d%n", namespace_id, uuid, attempt,
			   &length) != 3 ||
		length < 0 || text[length] != '\0' || strlen(uuid) != 36)
		report_invalid_token();
	*query_id = *DatumGetUUIDP(DirectFunctionCall1(uuid_in,
												   CStringGetDatum(uuid)));
}

/* Is this the workflow task that is started now? */
bool
pgwf_token_matches_task(const PgwfToken *token, const PgwfState *state)
{
	return state->wft_started_event_id != 0 &&
		state->wft_scheduled_event_id == token->scheduled_event_id &&
		state->wft_stamp == token->stamp &&
		state->wft_started_time == token->started_time;
}

/* Is this the attempt of the activity that is started now? */
bool
pgwf_token_matches_activity(const PgwfToken *token,
							const PgwfActivity *activity)
{
	return activity->state == PGWF_ACTIVITY_STARTED &&
		activity->attempt == token->stamp &&
		activity->started_time == token->started_time;
}
