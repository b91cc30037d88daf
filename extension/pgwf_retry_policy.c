/*-------------------------------------------------------------------------
 *
 * pgwf_retry_policy.c
 *		Retry policies: read, checked and defaulted (C&E 7).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_guc.h"
#include "pgwf_retry_policy.h"

static bool
is_array_of_text(Jsonb *array)
{
	JsonbIterator *it = JsonbIteratorInit(&array->root);
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &value, false);
	while (JsonbIteratorNext(&it, &value, true) == WJB_ELEM)
	{
		if (value.type != jbvString)
			return false;
	}
	return true;
}

/*
 * Reads a policy and fills in what it leaves open; NULL is the default
 * policy.  Returns what is wrong with it, or NULL.
 */
char *
pgwf_retry_policy_read(PgwfRetryPolicy *policy, Jsonb *jsonb)
{
	PgwfReader	reader;
	int64		attempts;
	double		maximum;

	pgwf_reader_init(&reader, jsonb);
	policy->initial_interval = pgwf_read_duration(&reader, "initialInterval");
	policy->backoff_coefficient = pgwf_read_double(&reader,
												   "backoffCoefficient");
	policy->maximum_interval = pgwf_read_duration(&reader, "maximumInterval");
	attempts = pgwf_read_int(&reader, "maximumAttempts");
	policy->non_retryable_error_types =
		pgwf_read_array(&reader, "nonRetryableErrorTypes");
	if (reader.error)
		return reader.error;
	if (attempts < 0 || attempts > PG_INT32_MAX)
		return pstrdup("maximumAttempts is negative or too large");
	policy->maximum_attempts = (int32) attempts;
	if (policy->non_retryable_error_types &&
		!is_array_of_text(policy->non_retryable_error_types))
		return pstrdup("nonRetryableErrorTypes is not an array of strings");

	if (policy->initial_interval == PGWF_NO_DURATION)
		policy->initial_interval =
			(int64) pgwf_default_activity_initial_interval * 1000;
	if (policy->backoff_coefficient == 0)
		policy->backoff_coefficient =
			pgwf_default_activity_backoff_coefficient;
	if (policy->maximum_interval == PGWF_NO_DURATION)
	{
		maximum = policy->initial_interval *
			pgwf_default_activity_maximum_interval_coefficient;
		policy->maximum_interval = (int64) Min(maximum, PGWF_MAX_DURATION);
	}
	if (policy->maximum_attempts == 0)
		policy->maximum_attempts = pgwf_default_activity_maximum_attempts;

	/* a policy of one attempt needs nothing else */
	if (policy->maximum_attempts == 1)
		return NULL;
	if (policy->initial_interval < 0)
		return pstrdup("initialInterval is negative");
	if (policy->backoff_coefficient < 1)
		return pstrdup("backoffCoefficient is less than 1");
	if (policy->maximum_interval < policy->initial_interval)
		return pstrdup("maximumInterval is less than initialInterval");
	return NULL;
}

Jsonb *
pgwf_retry_policy_jsonb(const PgwfRetryPolicy *policy)
{
	PgwfObject	object;

	pgwf_object_begin(&object);
	pgwf_object_duration(&object, "initialInterval",
						 policy->initial_interval);
	pgwf_object_double(&object, "backoffCoefficient",
					   policy->backoff_coefficient);
	pgwf_object_duration(&object, "maximumInterval",
						 policy->maximum_interval);
	pgwf_object_int(&object, "maximumAttempts", policy->maximum_attempts);
	pgwf_object_jsonb(&object, "nonRetryableErrorTypes",
					  policy->non_retryable_error_types);
	return pgwf_object_finish(&object);
}
