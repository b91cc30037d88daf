/*-------------------------------------------------------------------------
 *
 * client_handle.c
 *	  Handles: a client and the names of a workflow, for short calls.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>

#include "pgwf_client.h"

struct PgwfHandle
{
	PgwfClient *client;
	char	   *workflow_id;
	char	   *run_id;			/* NULL: the current one */
	bool		bound_to_chain; /* run_id is the chain's first, as far as the
								 * start knows */
};

static PgwfHandle *
make_handle(PgwfClient *client, const char *workflow_id, const char *run_id,
			bool bound_to_chain)
{
	PgwfHandle *handle = pgwf_xalloc(sizeof(PgwfHandle));

	handle->client = client;
	handle->workflow_id = pgwf_strdup(workflow_id);
	handle->run_id = pgwf_is_empty(run_id) ? NULL : pgwf_strdup(run_id);
	handle->bound_to_chain = bound_to_chain;
	return handle;
}

PgwfResult
pgwf_handle_start(PgwfClient *client, const PgwfStartOptions *options,
				  PgwfHandle **handle)
{
	PgwfStartOptions o = PGWF_START_OPTIONS_INIT;
	PgwfStarted started;
	PgwfResult	code;

	*handle = NULL;
	pgwf_options_read(&o, sizeof(o), options);
	code = pgwf_client_start(client, options, &started);
	if (code == PGWF_OK)

		/*
		 * A run that another start began need not be the first of its chain.
		 */
		*handle = make_handle(client, o.workflow_id, started.run_id,
							  started.started);
	return code;
}

PgwfHandle *
pgwf_handle_new(PgwfClient *client, const char *workflow_id,
				const char *run_id)
{
	return make_handle(client, workflow_id, run_id, false);
}

void
pgwf_handle_free(PgwfHandle *handle)
{
	if (handle == NULL)
		return;
	free(handle->workflow_id);
	free(handle->run_id);
	free(handle);
}

const char *
pgwf_handle_workflow_id(const PgwfHandle *handle)
{
	return handle->workflow_id;
}

const char *
pgwf_handle_run_id(const PgwfHandle *handle)
{
	return handle->run_id;
}

/* The run that a call is for: NULL is the current one. */
static const char *
target_run(const PgwfHandle *handle)
{
	return handle->bound_to_chain ? NULL : handle->run_id;
}

static const char *
target_chain(const PgwfHandle *handle)
{
	return handle->bound_to_chain ? handle->run_id : NULL;
}

/* A list of one value is that value; takes the list over. */
static json_t *
single_value(json_t *values)
{
	json_t	   *value;

	if (json_array_size(values) > 1)
		return values;
	value = json_incref(json_array_get(values, 0));
	json_decref(values);
	return value;
}

PgwfResult
pgwf_handle_signal(PgwfHandle *handle, const char *name, json_t *args)
{
	PgwfSignalOptions o = PGWF_SIGNAL_OPTIONS_INIT;

	o.workflow_id = handle->workflow_id;
	o.run_id = target_run(handle);
	o.signal_name = name;
	o.input = args;
	return pgwf_client_signal(handle->client, &o);
}

PgwfResult
pgwf_handle_query(PgwfHandle *handle, const char *type, json_t *args,
				  json_t **result)
{
	PgwfQueryOptions o = PGWF_QUERY_OPTIONS_INIT;
	PgwfResult	code;

	o.workflow_id = handle->workflow_id;
	o.run_id = target_run(handle);
	o.query_type = type;
	o.args = args;
	code = pgwf_client_query(handle->client, &o, result, NULL);
	if (code == PGWF_OK)
		*result = single_value(*result);
	return code;
}

PgwfResult
pgwf_handle_update(PgwfHandle *handle, const char *name, json_t *args,
				   json_t **result, PgwfFailure **failure)
{
	PgwfUpdateOptions o = PGWF_UPDATE_OPTIONS_INIT;
	PgwfUpdateOutcome outcome;
	PgwfResult	code;

	*result = NULL;
	*failure = NULL;
	o.workflow_id = handle->workflow_id;
	o.run_id = target_run(handle);
	o.first_execution_run_id = target_chain(handle);
	o.update_name = name;
	o.args = args;
	code = pgwf_client_update(handle->client, &o, &outcome);
	if (code == PGWF_OK)
	{
		*failure = outcome.failure;
		*result = single_value(outcome.result);
		outcome.failure = NULL;
		outcome.result = NULL;
	}
	pgwf_update_outcome_clear(&outcome);
	return code;
}

PgwfResult
pgwf_handle_result(PgwfHandle *handle, int64_t timeout_ms,
				   PgwfOutcome *outcome)
{
	PgwfResultOptions o = PGWF_RESULT_OPTIONS_INIT;

	o.workflow_id = handle->workflow_id;
	o.run_id = handle->run_id;
	o.timeout_ms = timeout_ms;
	return pgwf_client_result(handle->client, &o, outcome);
}

PgwfResult
pgwf_handle_cancel(PgwfHandle *handle, const char *reason)
{
	PgwfCancelOptions o = PGWF_CANCEL_OPTIONS_INIT;

	o.workflow_id = handle->workflow_id;
	o.run_id = target_run(handle);
	o.first_execution_run_id = target_chain(handle);
	o.reason = reason;
	return pgwf_client_request_cancel(handle->client, &o);
}

PgwfResult
pgwf_handle_terminate(PgwfHandle *handle, const char *reason)
{
	PgwfTerminateOptions o = PGWF_TERMINATE_OPTIONS_INIT;

	o.workflow_id = handle->workflow_id;
	o.run_id = target_run(handle);
	o.first_execution_run_id = target_chain(handle);
	o.reason = reason;
	return pgwf_client_terminate(handle->client, &o);
}

PgwfResult
pgwf_handle_reset(PgwfHandle *handle, int64_t workflow_task_finish_event_id,
				  const char *reason)
{
	PgwfResetOptions o = PGWF_RESET_OPTIONS_INIT;

	o.workflow_id = handle->workflow_id;
	o.run_id = target_run(handle);
	o.workflow_task_finish_event_id = workflow_task_finish_event_id;
	o.reason = reason;
	return pgwf_client_reset(handle->client, &o, NULL);
}

PgwfResult
pgwf_handle_describe(PgwfHandle *handle, json_t **description)
{
	return pgwf_client_describe(handle->client, handle->workflow_id,
								target_run(handle), description);
}
