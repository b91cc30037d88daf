/*-------------------------------------------------------------------------
 *
 * pgwf_priority.c
 *		Priorities of runs and activities: read, checked, inherited (SS 15).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_errors.h"
#include "pgwf_priority.h"

/*
 * Reads {priorityKey, fairnessKey, fairnessWeight}.  Returns what is wrong
 * with it, or NULL.
 */
char *
pgwf_priority_read(PgwfPriority *priority, const Jsonb *value)
{
	PgwfReader	reader;
	int64		key;

	memset(priority, 0, sizeof(PgwfPriority));
	if (value == NULL)
		return NULL;
	if (!pgwf_jsonb_is_object(value))
		return pstrdup("priority is not a JSON object");
	pgwf_reader_init(&reader, value);
	key = pgwf_read_int(&reader, "priorityKey");
	priority->fairness_key = pgwf_read_text(&reader, "fairnessKey");
	priority->fairness_weight = pgwf_read_double(&reader, "fairnessWeight");
	if (reader.error)
		return reader.error;
	if (key < 0 || key > 5)
		return pstrdup("priorityKey is not between 1 and 5");
	priority->key = (int) key;
	if (!(priority->fairness_weight >= 0))
		return pstrdup("fairnessWeight is negative");
	if (priority->fairness_key && priority->fairness_key[0] == '\0')
		priority->fairness_key = NULL;
	if (priority->fairness_key &&
		strlen(priority->fairness_key) > PGWF_MAX_FAIRNESS_KEY_LENGTH)
		return pstrdup("fairnessKey exceeds length limit");
	return NULL;
}

/* Raises an error if a caller's priority is none; NULL is one */
void
pgwf_priority_check(const Jsonb *value)
{
	PgwfPriority priority;
	char	   *error = pgwf_priority_read(&priority, value);

	if (error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid priority"),
				 errdetail("%s.", error)));
}

/*
 * The priority of an activity or a child: its own, completed by that of its
 * run.  Either may be NULL; both have been checked.
 */
Jsonb *
pgwf_priority_inherit(Jsonb *own, const Jsonb *inherited)
{
	PgwfPriority mine;
	PgwfPriority base;
	PgwfObject	result;

	if (inherited == NULL)
		return own;
	(void) pgwf_priority_read(&mine, own);
	(void) pgwf_priority_read(&base, inherited);

	pgwf_object_begin(&result);
	pgwf_object_int(&result, "priorityKey", mine.key ? mine.key : base.key);
	pgwf_object_text(&result, "fairnessKey", mine.fairness_key ?
					 mine.fairness_key : base.fairness_key);
	pgwf_object_double(&result, "fairnessWeight", mine.fairness_weight > 0 ?
					   mine.fairness_weight : base.fairness_weight);
	return pgwf_object_finish(&result);
}

/*
 * The place that a priority, NULL for none, gives a task before it is put
 * into its queue.
 */
void
pgwf_place_init(PgwfPlace *place, const Jsonb *priority)
{
	PgwfPriority read;
	int			key = PGWF_DEFAULT_PRIORITY;

	place->fairness_key = NULL;
	place->fairness_weight = 0;
	if (priority)
	{
		(void) pgwf_priority_read(&read, priority);
		if (read.key > 0)
			key = read.key;
		place->fairness_key = read.fairness_key;
		place->fairness_weight = (float) read.fairness_weight;
	}
	place->rank = PGWF_RANK(PGWF_CLASS(key, false), 0);
}
