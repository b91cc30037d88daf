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

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "pgwf_args.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_token.h"

/* Room for a token: five numbers, each with what precedes it */
#define TOKEN_LEN (5 * PGWF_INTEGER_LEN)

static char *
write_token(char kind, const PgwfToken *token)
{
	int64		numbers[5];
	char	   *text = palloc(TOKEN_LEN);
	char	   *end = text;

	numbers[0] = token->namespace_id;
	numbers[1] = token->run_key;
	numbers[2] = token->scheduled_event_id;
	numbers[3] = token->stamp;
	numbers[4] = token->started_time;
	for (int i = 0; i < lengthof(numbers); i++)
	{
		*end++ = i == 0 ? kind : '.';
		end += pg_lltoa(numbers[i], end);
	}
	return text;
}

char *
pgwf_token_for_task(const PgwfState *state)
{
	PgwfToken	token;

	token.namespace_id = state->namespace_id;
	token.run_key = state->run_key;
	token.scheduled_event_id = state->wft_scheduled_event_id;
	token.stamp = state->wft_stamp;
	token.started_time = state->wft_started_time;
	return write_token('w', &token);
}

char *
pgwf_token_for_activity(const PgwfActivity *activity)
{
	PgwfToken	token;

	token.namespace_id = activity->namespace_id;
	token.run_key = activity->run_key;
	token.scheduled_event_id = activity->scheduled_event_id;
	token.stamp = activity->attempt;
	token.started_time = activity->started_time;
	return write_token('a', &token);
}

pg_noreturn static void
report_invalid_token(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("invalid task token"),
			 errhint("Pass the taskToken of the task just as it was polled.")));
}

/* Reads a number as they are written; moves *c behind it */
static bool
read_number(const char **c, int64 *number)
{
	bool		negative = (**c == '-');
	const char *first = *c + negative;

	*number = 0;
	for (*c = first; **c >= '0' && **c <= '9'; (*c)++)
	{
		if (pg_mul_s64_overflow(*number, 10, number) ||
			pg_sub_s64_overflow(*number, **c - '0', number))
			return false;
	}
	if (!negative && *number == PG_INT64_MIN)
		return false;
	if (!negative)
		*number = -*number;
	return *c > first;
}

/* Reads a token of a kind, 'w' or 'a', or raises an error */
void
pgwf_token_parse(const char *text, char kind, PgwfToken *token)
{
	int64		numbers[5];
	const char *c = text;

	if (text == NULL)
		report_invalid_token();
	for (int i = 0; i < lengthof(numbers); i++)
	{
		if (*c++ != (i == 0 ? kind : '.') || !read_number(&c, &numbers[i]))
			report_invalid_token();
	}
	token->namespace_id = (int32) numbers[0];
	token->run_key = numbers[1];
	token->scheduled_event_id = numbers[2];
	token->stamp = (int32) numbers[3];
	token->started_time = numbers[4];
	if (*c != '\0' || token->namespace_id != numbers[0] ||
		token->stamp != numbers[3])
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
