/*-------------------------------------------------------------------------
 *
 * pgwf_args.c
 *		Arguments of our SQL functions, checked.
 *
 * A NULL argument means "not given" everywhere; arguments count from 0.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_json.h"

/* Of a run_key in a run id: enough for 280 trillion runs */
#define RUN_KEY_BYTES 6

char *
pgwf_arg_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* Names and ids have a maximum length */
void
pgwf_check_id(const char *name, const char *value)
{
	if (value != NULL && strlen(value) > pgwf_max_id_length)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s exceeds length limit", name),
				 errdetail("It is %zu bytes long, the limit is %d.",
						   strlen(value), pgwf_max_id_length)));
}

char *
pgwf_arg_id(FunctionCallInfo fcinfo, int n, const char *name)
{
	char	   *value = pgwf_arg_text(fcinfo, n);

	pgwf_check_id(name, value);
	return value;
}

char *
pgwf_arg_required_id(FunctionCallInfo fcinfo, int n, const char *name)
{
	char	   *value = pgwf_arg_id(fcinfo, n, name);

	if (value == NULL || value[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s is not set", name)));
	return value;
}

/* Names that no user's task queue has */
bool
pgwf_is_reserved_queue(const char *name)
{
	return strncmp(name, PGWF_RESERVED_QUEUE_PREFIX,
				   strlen(PGWF_RESERVED_QUEUE_PREFIX)) == 0;
}

void
pgwf_check_task_queue(const char *name)
{
	if (name != NULL && pgwf_is_reserved_queue(name))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("task queue name starts with reserved prefix \"%s\"",
						PGWF_RESERVED_QUEUE_PREFIX)));
}

/* The name of a task queue that has to be given */
char *
pgwf_arg_task_queue(FunctionCallInfo fcinfo, int n)
{
	char	   *value = pgwf_arg_required_id(fcinfo, n, "task_queue");

	pgwf_check_task_queue(value);
	return value;
}

/* The private queue of a worker that has one */
char *
pgwf_arg_sticky_queue(FunctionCallInfo fcinfo, int n)
{
	char	   *value = pgwf_arg_id(fcinfo, n, "sticky_queue");

	pgwf_check_task_queue(value);
	return value;
}

Jsonb *
pgwf_arg_jsonb(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_JSONB_P(n);
}

void
pgwf_check_payload_size(const char *name, const Jsonb *value, int limit)
{
	if (value != NULL && limit > 0 && VARSIZE(value) > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s exceeds size limit", name),
				 errdetail("It is %u bytes large, the limit is %d.",
						   (unsigned int) VARSIZE(value), limit)));
}

/* Tells the operator of a large value that is accepted */
void
pgwf_warn_payload_size(const char *name, const Jsonb *value, int limit)
{
	if (value != NULL && limit > 0 && VARSIZE(value) > limit)
		ereport(LOG,
				(errmsg("large payload: %s of %u bytes", name,
						(unsigned int) VARSIZE(value)),
				 errhint("Keep large values in a table, and pass their keys.")));
}

/* Payloads: an array with one element per argument */
Jsonb *
pgwf_arg_payloads(FunctionCallInfo fcinfo, int n, const char *name)
{
	Jsonb	   *value = pgwf_payloads(pgwf_arg_jsonb(fcinfo, n));

	pgwf_check_payload_size(name, value, pgwf_payload_size_error);
	pgwf_warn_payload_size(name, value, pgwf_payload_size_warn);
	return value;
}

/* NULL if not given */
pg_uuid_t *
pgwf_arg_uuid(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_UUID_P(n);
}

/* In microseconds, months counting 30 days; capped at 100 years */
int64
pgwf_arg_duration(FunctionCallInfo fcinfo, int n, const char *name)
{
	Interval   *interval;
	double		days;

	if (PG_ARGISNULL(n))
		return PGWF_NO_DURATION;
	interval = PG_GETARG_INTERVAL_P(n);
	days = (double) interval->month * DAYS_PER_MONTH + interval->day;
	if (days * USECS_PER_DAY + interval->time < 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s is negative", name)));
	if (days * USECS_PER_DAY + interval->time > PGWF_MAX_DURATION)
		return PGWF_MAX_DURATION;
	return (int64) days * USECS_PER_DAY + interval->time;
}

char *
pgwf_arg_namespace(FunctionCallInfo fcinfo, int n)
{
	char	   *value = pgwf_arg_text(fcinfo, n);

	return value ? value : pstrdup("default");
}

/* Who calls: as given, or else the name of the role */
char *
pgwf_arg_identity(FunctionCallInfo fcinfo, int n)
{
	char	   *value = pgwf_arg_id(fcinfo, n, "identity");

	return value ? value : GetUserNameFromId(GetUserId(), false);
}

bool
pgwf_arg_bool(FunctionCallInfo fcinfo, int n)
{
	return !PG_ARGISNULL(n) && PG_GETARG_BOOL(n);
}

int
pgwf_arg_int(FunctionCallInfo fcinfo, int n, const char *name,
			 int default_value, int min, int max)
{
	int			value = PG_ARGISNULL(n) ? default_value : PG_GETARG_INT32(n);

	if (value < min || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s must be between %d and %d", name, min, max)));
	return value;
}

/* Is the text a UUID in its usual form? */
bool
pgwf_is_uuid(const char *value)
{
	if (strlen(value) != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		bool		dash = (i == 8 || i == 13 || i == 18 || i == 23);

		if (dash ? value[i] != '-' : !isxdigit((unsigned char) value[i]))
			return false;
	}
	return true;
}

/* A random UUID of version 4; random bytes are cheaper by the dozen */
void
pgwf_new_uuid(pg_uuid_t *uuid)
{
	static unsigned char random_bytes[16 * UUID_LEN];
	static int	left = 0;

	if (left == 0)
	{
		if (!pg_strong_random(random_bytes, sizeof(random_bytes)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random values")));
		left = sizeof(random_bytes);
	}
	left -= UUID_LEN;
	memcpy(uuid->data, random_bytes + left, UUID_LEN);
	uuid->data[6] = (uuid->data[6] & 0x0f) | 0x40;
	uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;
}

/*
 * The id of a run: a UUID of version 7, which begins with the time in
 * milliseconds.  It ends with the run_key, so that the run is found by it
 * without an index of ids; what is between them is random.
 */
void
pgwf_new_run_id(pg_uuid_t *uuid, int64 run_key)
{
	int64		ms = GetCurrentTimestamp() / 1000 +
	(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;

	if (run_key < 0 || (run_key >> (8 * RUN_KEY_BYTES)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("there are no more run keys")));
	pgwf_new_uuid(uuid);
	for (int i = 0; i < 6; i++)
		uuid->data[i] = (unsigned char) (ms >> (8 * (5 - i)));
	uuid->data[6] = (uuid->data[6] & 0x0f) | 0x70;
	for (int i = 0; i < RUN_KEY_BYTES; i++)
		uuid->data[UUID_LEN - 1 - i] = (unsigned char) (run_key >> (8 * i));
}

/* The run_key that a run id ends with: whose run, if any, has that run id */
int64
pgwf_run_id_key(const pg_uuid_t *uuid)
{
	int64		run_key = 0;

	for (int i = UUID_LEN - RUN_KEY_BYTES; i < UUID_LEN; i++)
		run_key = (run_key << 8) | uuid->data[i];
	return run_key;
}

char *
pgwf_uuid_text(const pg_uuid_t *uuid)
{
	char	   *text = palloc(2 * UUID_LEN + 5);
	char	   *end = text;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*end++ = '-';
		end += hex_encode((const char *) &uuid->data[i], 1, end);
	}
	*end = '\0';
	return text;
}
