/*
 * pgwf_failure.c
 *		PgwfFailure: the service's Failure message behind accessors.
 *
 * A failure is a JSON object in readable form plus, made on demand, wrappers
 * of its causes.  Who owns one is written in pgworkflow.h.  No locks.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

/* ---- making ---- */

/* Wraps a failure object, which is taken over; the caller owns the result. */
PgwfFailure *
pgwf_failure_wrap(json_t *json)
{
	PgwfFailure *failure = pgwf_xalloc(sizeof(PgwfFailure));

	failure->json = json;
	return failure;
}

PgwfFailure *
pgwf_failure_new(const char *type, const char *fmt,...)
{
	json_t	   *json = json_object();
	json_t	   *info = json_object();
	va_list		args;
	char	   *message;

	va_start(args, fmt);
	message = pgwf_xvprintf(fmt, args);
	va_end(args);
	pgwf_json_put_str(json, "message", message);
	pgwf_json_put_str(json, "source", PGWF_SDK_NAME);
	pgwf_json_put_str(info, "type", type);
	pgwf_json_put(json, "applicationFailureInfo", info);
	free(message);
	return pgwf_failure_wrap(json);
}

PgwfFailure *
pgwf_failure_from_json(const json_t *json)
{
	return pgwf_failure_wrap(json_is_object(json) ?
							 json_deep_copy(json) : json_object());
}

/* A cancellation in JSON form: a new reference; details borrowed. */
json_t *
pgwf_failure_canceled_json(const char *message, json_t *details)
{
	json_t	   *json = json_object();
	json_t	   *info = json_object();

	pgwf_json_put_str(json, "message", message);
	pgwf_json_put_str(json, "source", PGWF_SDK_NAME);
	pgwf_json_put(info, "details", pgwf_json_args(details));
	pgwf_json_put(json, "canceledFailureInfo", info);
	return json;
}

PgwfFailure *
pgwf_failure_new_canceled(const char *message, json_t *details)
{
	return pgwf_failure_wrap(pgwf_failure_canceled_json(message, details));
}

PgwfFailure *
pgwf_failure_new_timeout(const char *timeout_type, const char *message)
{
	json_t	   *json = json_object();
	json_t	   *info = json_object();

	pgwf_json_put_str(json, "message", message);
	pgwf_json_put_str(json, "source", PGWF_SDK_NAME);
	pgwf_json_put_str(info, "timeoutType", timeout_type);
	pgwf_json_put(json, "timeoutFailureInfo", info);
	return pgwf_failure_wrap(json);
}

/* ---- changing ---- */

static json_t *
application_info(PgwfFailure *failure)
{
	if (failure == NULL || failure->owned)
		return NULL;
	return json_object_get(failure->json, "applicationFailureInfo");
}

PgwfFailure *
pgwf_failure_set_non_retryable(PgwfFailure *failure)
{
	json_t	   *info = application_info(failure);

	if (info != NULL)
		pgwf_json_put(info, "nonRetryable", json_true());
	return failure;
}

PgwfFailure *
pgwf_failure_set_details(PgwfFailure *failure, json_t *details)
{
	json_t	   *info = application_info(failure);

	if (info != NULL)
		pgwf_json_put(info, "details", pgwf_json_args(details));
	return failure;
}

PgwfFailure *
pgwf_failure_set_next_retry_delay(PgwfFailure *failure, int64_t delay_ms)
{
	json_t	   *info = application_info(failure);

	if (info != NULL)
		pgwf_json_put_ms(info, "nextRetryDelay", delay_ms);
	return failure;
}

PgwfFailure *
pgwf_failure_set_cause(PgwfFailure *failure, PgwfFailure *cause)
{
	if (failure != NULL && !failure->owned && cause != NULL)
	{
		pgwf_json_put(failure->json, "cause", json_deep_copy(cause->json));
		if (failure->cause != NULL)
		{
			pgwf_failure_destroy(failure->cause);
			failure->cause = NULL;
		}
	}
	pgwf_failure_free(cause);
	return failure;
}

/* ---- freeing ---- */

/* Frees a failure whoever owns it. */
void
pgwf_failure_destroy(PgwfFailure *failure)
{
	while (failure != NULL)
	{
		PgwfFailure *cause = failure->cause;

		json_decref(failure->json);
		json_decref(failure->no_details);
		free(failure);
		failure = cause;
	}
}

void
pgwf_failure_free(PgwfFailure *failure)
{
	if (failure != NULL && !failure->owned)
		pgwf_failure_destroy(failure);
}

/* ---- reading ---- */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *str = json_string_value(json_object_get(object, key));

	return str != NULL ? str : "";
}

PgwfFailureKind
pgwf_failure_kind(const PgwfFailure *failure)
{
	static const struct
	{
		const char *key;
		PgwfFailureKind kind;
	}			kinds[] =
	{
		{"applicationFailureInfo", PGWF_FAILURE_APPLICATION},
		{"activityFailureInfo", PGWF_FAILURE_ACTIVITY},
		{"canceledFailureInfo", PGWF_FAILURE_CANCELED},
		{"timeoutFailureInfo", PGWF_FAILURE_TIMEOUT},
		{"terminatedFailureInfo", PGWF_FAILURE_TERMINATED},
		{"serverFailureInfo", PGWF_FAILURE_SERVER},
		{"childWorkflowExecutionFailureInfo", PGWF_FAILURE_CHILD_WORKFLOW},
	};
	size_t		i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		if (json_object_get(failure->json, kinds[i].key) != NULL)
			return kinds[i].kind;
	}
	return PGWF_FAILURE_OTHER;
}

const char *
pgwf_failure_message(const PgwfFailure *failure)
{
	return text_of(failure->json, "message");
}

const char *
pgwf_failure_type(const PgwfFailure *failure)
{
	return text_of(json_object_get(failure->json, "applicationFailureInfo"),
				   "type");
}

bool
pgwf_failure_non_retryable(const PgwfFailure *failure)
{
	const char *const keys[] = {"applicationFailureInfo", "serverFailureInfo"};
	size_t		i;

	for (i = 0; i < 2; i++)
	{
		json_t	   *info = json_object_get(failure->json, keys[i]);

		if (json_is_true(json_object_get(info, "nonRetryable")))
			return true;
	}
	return false;
}

const json_t *
pgwf_failure_details(const PgwfFailure *failure)
{
	static const char *const infos[] = {
		"applicationFailureInfo", "canceledFailureInfo", NULL
	};
	PgwfFailure *writable = (PgwfFailure *) failure;
	json_t	   *details;
	int			i;

	for (i = 0; infos[i] != NULL; i++)
	{
		details = json_object_get(json_object_get(failure->json, infos[i]),
								  "details");
		if (json_is_array(details))
			return details;
	}
	details = json_object_get(json_object_get(failure->json,
											  "timeoutFailureInfo"),
							  "lastHeartbeatDetails");
	if (json_is_array(details))
		return details;
	if (writable->no_details == NULL)
		writable->no_details = json_array();
	return writable->no_details;
}

const char *
pgwf_failure_retry_state(const PgwfFailure *failure)
{
	const char *const keys[] = {
		"activityFailureInfo", "childWorkflowExecutionFailureInfo"
	};
	size_t		i;

	for (i = 0; i < 2; i++)
	{
		json_t	   *info = json_object_get(failure->json, keys[i]);

		if (info != NULL)
			return text_of(info, "retryState");
	}
	return "";
}

const char *
pgwf_failure_timeout_type(const PgwfFailure *failure)
{
	return text_of(json_object_get(failure->json, "timeoutFailureInfo"),
				   "timeoutType");
}

const char *
pgwf_failure_activity_type(const PgwfFailure *failure)
{
	json_t	   *info = json_object_get(failure->json, "activityFailureInfo");

	return text_of(json_object_get(info, "activityType"), "name");
}

static const json_t *
child_info(const PgwfFailure *failure)
{
	return json_object_get(failure->json,
						   "childWorkflowExecutionFailureInfo");
}

const char *
pgwf_failure_child_type(const PgwfFailure *failure)
{
	return text_of(json_object_get(child_info(failure), "workflowType"),
				   "name");
}

const char *
pgwf_failure_child_workflow_id(const PgwfFailure *failure)
{
	return text_of(json_object_get(child_info(failure), "workflowExecution"),
				   "workflowId");
}

const char *
pgwf_failure_child_run_id(const PgwfFailure *failure)
{
	return text_of(json_object_get(child_info(failure), "workflowExecution"),
				   "runId");
}

PgwfFailure *
pgwf_failure_cause(PgwfFailure *failure)
{
	json_t	   *cause = json_object_get(failure->json, "cause");

	if (failure->cause == NULL && json_is_object(cause))
	{
		failure->cause = pgwf_failure_wrap(json_incref(cause));
		failure->cause->owned = true;
	}
	return failure->cause;
}

PgwfFailure *
pgwf_failure_root(PgwfFailure *failure)
{
	PgwfFailure *cause;

	while ((cause = pgwf_failure_cause(failure)) != NULL)
		failure = cause;
	return failure;
}

/*
 * A wrapper of an activity or a child counts as canceled if its direct cause
 * does.
 */
bool
pgwf_failure_is_canceled(const PgwfFailure *failure)
{
	const json_t *json = failure->json;

	while (json_object_get(json, "activityFailureInfo") != NULL ||
		   json_object_get(json, "childWorkflowExecutionFailureInfo") != NULL)
		json = json_object_get(json, "cause");
	return json_object_get(json, "canceledFailureInfo") != NULL;
}

const json_t *
pgwf_failure_json(const PgwfFailure *failure)
{
	return failure->json;
}
