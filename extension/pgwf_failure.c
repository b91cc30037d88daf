/*-------------------------------------------------------------------------
 *
 * pgwf_failure.c
 *		Failures: those the service makes, and what may be retried (C&E 5).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "pgwf_errors.h"
#include "pgwf_failure.h"

static const char *const timeout_names[] = {
	[PGWF_TIMEOUT_START_TO_CLOSE] = "StartToClose",
	[PGWF_TIMEOUT_SCHEDULE_TO_START] = "ScheduleToStart",
	[PGWF_TIMEOUT_SCHEDULE_TO_CLOSE] = "ScheduleToClose",
	[PGWF_TIMEOUT_HEARTBEAT] = "Heartbeat"
};

static const char *const timeout_constants[] = {
	[PGWF_TIMEOUT_START_TO_CLOSE] = "TIMEOUT_TYPE_START_TO_CLOSE",
	[PGWF_TIMEOUT_SCHEDULE_TO_START] = "TIMEOUT_TYPE_SCHEDULE_TO_START",
	[PGWF_TIMEOUT_SCHEDULE_TO_CLOSE] = "TIMEOUT_TYPE_SCHEDULE_TO_CLOSE",
	[PGWF_TIMEOUT_HEARTBEAT] = "TIMEOUT_TYPE_HEARTBEAT"
};

/* A failure of the service's own making */
Jsonb *
pgwf_failure_server(const char *message, bool non_retryable)
{
	PgwfObject	failure;

	pgwf_object_begin(&failure);
	pgwf_object_text(&failure, "message", message);
	pgwf_object_text(&failure, "source", "Server");
	pgwf_object_open(&failure, "serverFailureInfo");
	pgwf_object_bool(&failure, "nonRetryable", non_retryable);
	pgwf_object_close(&failure);
	return pgwf_object_finish(&failure);
}

Jsonb *
pgwf_failure_timeout(PgwfTimeoutType type, const char *message,
					 Jsonb *heartbeat_details, Jsonb *cause)
{
	PgwfObject	failure;

	pgwf_object_begin(&failure);
	pgwf_object_text(&failure, "message", message);
	pgwf_object_text(&failure, "source", "Server");
	pgwf_object_jsonb(&failure, "cause", cause);
	pgwf_object_open(&failure, "timeoutFailureInfo");
	pgwf_object_text(&failure, "timeoutType", timeout_constants[type]);
	pgwf_object_jsonb(&failure, "lastHeartbeatDetails", heartbeat_details);
	pgwf_object_close(&failure);
	return pgwf_object_finish(&failure);
}

/* Such as "activity StartToClose timeout" */
char *
pgwf_failure_timeout_message(PgwfTimeoutType type)
{
	return psprintf("activity %s timeout", timeout_names[type]);
}

/* Reads the member "key" of a failure; false if it is not an object */
static bool
read_info(const Jsonb *failure, const char *key, PgwfReader *info)
{
	PgwfReader	reader;
	JsonbValue	value;

	pgwf_reader_init(&reader, failure);
	if (!pgwf_read_value(&reader, key, &value) ||
		value.type != jbvBinary ||
		!JsonContainerIsObject(value.val.binary.data))
		return false;
	info->object = value.val.binary.data;
	info->error = NULL;
	return true;
}

static bool
is_listed(const Jsonb *types, const char *type)
{
	JsonbValue	value;

	if (types == NULL || type == NULL)
		return false;
	value.type = jbvString;
	value.val.string.val = unconstify(char *, type);
	value.val.string.len = strlen(type);
	return findJsonbValueFromContainer(unconstify(JsonbContainer *,
												  &types->root),
									   JB_FARRAY, &value) != NULL;
}

/*
 * May an attempt that ended so be followed by another?  A NULL failure is
 * retryable; causes are not looked at.
 */
bool
pgwf_failure_is_retryable(const Jsonb *failure,
						  const Jsonb *non_retryable_types)
{
	PgwfReader	info;

	if (failure == NULL)
		return true;
	if (read_info(failure, "terminatedFailureInfo", &info) ||
		read_info(failure, "canceledFailureInfo", &info))
		return false;
	if (read_info(failure, "timeoutFailureInfo", &info))
	{
		char	   *type = pgwf_read_text(&info, "timeoutType");

		if (type == NULL)
			return false;
		if (strcmp(type, timeout_constants[PGWF_TIMEOUT_START_TO_CLOSE]) == 0)
			return !is_listed(non_retryable_types,
							  "TemporalTimeout:StartToClose");
		if (strcmp(type, timeout_constants[PGWF_TIMEOUT_HEARTBEAT]) == 0)
			return !is_listed(non_retryable_types,
							  "TemporalTimeout:Heartbeat");
		return false;
	}
	if (read_info(failure, "serverFailureInfo", &info))
		return !pgwf_read_bool(&info, "nonRetryable");
	if (read_info(failure, "applicationFailureInfo", &info))
		return !pgwf_read_bool(&info, "nonRetryable") &&
			!is_listed(non_retryable_types, pgwf_read_text(&info, "type"));
	return true;
}

/* 0 if the failure does not say */
int64
pgwf_failure_next_retry_delay(const Jsonb *failure)
{
	PgwfReader	info;

	if (failure == NULL ||
		!read_info(failure, "applicationFailureInfo", &info))
		return PGWF_NO_DURATION;
	return Max(pgwf_read_duration(&info, "nextRetryDelay"), 0);
}

/*
 * A failure that fits into a size: if it does not as it is, just its message,
 * as much of it as fits, and whether it can be retried are kept.
 */
Jsonb *
pgwf_failure_truncate(Jsonb *failure, int max_size)
{
	PgwfReader	reader;
	char	   *message;

	if (failure == NULL || VARSIZE(failure) <= max_size)
		return failure;
	pgwf_reader_init(&reader, failure);
	message = pgwf_read_text(&reader, "message");
	if (message == NULL)
		message = pstrdup("");
	if (strlen(message) > max_size / 2)
		message[pg_mbcliplen(message, strlen(message), max_size / 2)] = '\0';
	return pgwf_failure_server(message,
							   !pgwf_failure_is_retryable(failure, NULL));
}

/* A reported failure that is too large becomes the cause of a smaller one */
Jsonb *
pgwf_failure_limit_size(Jsonb *failure, int max_size)
{
	PgwfObject	object;

	if (failure == NULL || max_size <= 0 || VARSIZE(failure) <= max_size)
		return failure;
	pgwf_object_begin(&object);
	pgwf_object_text(&object, "message", "Failure exceeds size limit.");
	pgwf_object_text(&object, "source", "Server");
	pgwf_object_jsonb(&object, "cause",
					  pgwf_failure_truncate(failure, max_size / 2));
	pgwf_object_open(&object, "serverFailureInfo");
	pgwf_object_bool(&object, "nonRetryable",
					 !pgwf_failure_is_retryable(failure, NULL));
	pgwf_object_close(&object);
	return pgwf_object_finish(&object);
}

/* Refuses what is not a failure */
void
pgwf_failure_check(const Jsonb *failure)
{
	if (failure != NULL && !pgwf_jsonb_is_object(failure))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("failure is not a JSON object"),
				 errhint("A failure looks like {\"message\": \"...\", \"applicationFailureInfo\": {\"type\": \"...\"}}.")));
}
