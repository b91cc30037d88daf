/*-------------------------------------------------------------------------
 *
 * client_workflow.c
 *	  Starting, signalling, ending and describing workflows.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "pgwf_client.h"
#include "pgwf_int.h"

/* The constant of a policy; what the service refuses if there is no such. */
static const char *
policy_name(const char *const *names, int count, int policy)
{
	return policy < 0 || policy >= count ? "unknown" : names[policy];
}

static const char *const reuse_policies[] = {
	NULL,
	"WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE",
	"WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY",
	"WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE"
};

static const char *const conflict_policies[] = {
	NULL,
	"WORKFLOW_ID_CONFLICT_POLICY_FAIL",
	"WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING",
	"WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING"
};

/* Adds a JSON object that was made for the call; NULL if it is empty. */
static void
param_object(PgwfParams *params, json_t *object)
{
	pgwf_param_json(params, json_object_size(object) > 0 ? object : NULL);
	json_decref(object);
}

static json_t *
priority_json(const PgwfPriority *priority)
{
	json_t	   *json = json_object();

	if (priority->priority_key != 0)
		json_object_set_new(json, "priorityKey",
							json_integer(priority->priority_key));
	if (priority->fairness_key != NULL)
		json_object_set_new(json, "fairnessKey",
							json_string(priority->fairness_key));
	if (priority->fairness_weight != 0)
		json_object_set_new(json, "fairnessWeight",
							json_real(priority->fairness_weight));
	return json;
}

static json_t *
user_metadata_json(const char *summary, const char *details)
{
	json_t	   *json = json_object();

	if (summary != NULL)
		json_object_set_new(json, "summary", json_string(summary));
	if (details != NULL)
		json_object_set_new(json, "details", json_string(details));
	return json;
}

/* Adds what starts of all kinds have in common, see statement.c. */
PgwfResult
pgwf_start_params(PgwfClient *client, const PgwfStartOptions *options,
				  PgwfParams *params)
{
	PgwfStartOptions o = PGWF_START_OPTIONS_INIT;

	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	if (pgwf_is_empty(o.workflow_type))
		return pgwf_client_missing(client, "workflow_type");
	if (pgwf_is_empty(o.task_queue))
		return pgwf_client_missing(client, "task_queue");
	pgwf_param_text(params, o.workflow_id);
	pgwf_param_text(params, o.workflow_type);
	pgwf_param_text(params, o.task_queue);
	pgwf_param_value(client, params, PGWF_VALUE_ARGS, o.input);
	pgwf_param_request_id(params, o.request_id);
	pgwf_param_text(params, client->identity);
	pgwf_param_interval(params, o.execution_timeout_ms);
	pgwf_param_interval(params, o.run_timeout_ms);
	pgwf_param_interval(params, o.task_timeout_ms);
	pgwf_param_value(client, params, PGWF_VALUE_FIELDS, o.memo);
	pgwf_param_json(params, o.search_attributes);
	pgwf_param_value(client, params, PGWF_VALUE_FIELDS, o.header);
	pgwf_param_text(params, policy_name(reuse_policies, 4,
										o.id_reuse_policy));
	pgwf_param_text(params, policy_name(conflict_policies, 4,
										o.id_conflict_policy));
	param_object(params, pgwf_retry_policy_json(o.retry_policy));
	pgwf_param_text(params, o.cron_schedule);
	pgwf_param_interval(params, o.start_delay_ms);
	param_object(params, priority_json(&o.priority));
	param_object(params, user_metadata_json(o.static_summary,
											o.static_details));
	return PGWF_OK;
}

/* Columns run_id and started; started may be NULL. */
void
pgwf_started_read(const PGresult *result, PgwfStarted *started)
{
	const char *flag = pgwf_result_value(result, 0, 1);

	if (started == NULL)
		return;
	pgwf_copy_text(started->run_id, sizeof(started->run_id),
				   pgwf_result_value(result, 0, 0));
	started->started = flag != NULL && flag[0] == 't';
}

PgwfResult
pgwf_client_start(PgwfClient *client, const PgwfStartOptions *options,
				  PgwfStarted *started)
{
	PgwfParams	p = {0};
	PgwfResult	code;

	code = pgwf_start_params(client, options, &p);
	if (code != PGWF_OK)
		return code;
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_write(client, PGWF_STMT_START, &p, true, started);
}

PgwfResult
pgwf_client_signal_with_start(PgwfClient *client,
							  const PgwfStartOptions *start_options,
							  const PgwfSignalOptions *options,
							  PgwfStarted *started)
{
	PgwfSignalOptions o = PGWF_SIGNAL_OPTIONS_INIT;
	PgwfParams	p = {0};
	PgwfResult	code;

	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.signal_name))
		return pgwf_client_missing(client, "signal_name");
	code = pgwf_start_params(client, start_options, &p);
	if (code != PGWF_OK)
		return code;
	pgwf_param_text(&p, o.signal_name);
	pgwf_param_value(client, &p, PGWF_VALUE_ARGS, o.input);
	pgwf_param_value(client, &p, PGWF_VALUE_FIELDS, o.header);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_write(client, PGWF_STMT_SIGNAL_WITH_START, &p, true,
							 started);
}

PgwfResult
pgwf_client_signal(PgwfClient *client, const PgwfSignalOptions *options)
{
	PgwfSignalOptions o = PGWF_SIGNAL_OPTIONS_INIT;
	PgwfParams	p = {0};

	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	if (pgwf_is_empty(o.signal_name))
		return pgwf_client_missing(client, "signal_name");
	pgwf_param_text(&p, o.workflow_id);
	pgwf_param_text(&p, o.signal_name);
	pgwf_param_value(client, &p, PGWF_VALUE_ARGS, o.input);
	pgwf_param_text(&p, o.run_id);
	pgwf_param_request_id(&p, o.request_id);
	pgwf_param_text(&p, client->identity);
	pgwf_param_value(client, &p, PGWF_VALUE_FIELDS, o.header);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_write(client, PGWF_STMT_SIGNAL, &p, true, NULL);
}

PgwfResult
pgwf_client_request_cancel(PgwfClient *client,
						   const PgwfCancelOptions *options)
{
	PgwfCancelOptions o = PGWF_CANCEL_OPTIONS_INIT;
	PgwfParams	p = {0};

	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	pgwf_param_text(&p, o.workflow_id);
	pgwf_param_text(&p, o.reason);
	pgwf_param_text(&p, o.run_id);
	pgwf_param_text(&p, o.first_execution_run_id);
	pgwf_param_request_id(&p, o.request_id);
	pgwf_param_text(&p, client->identity);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_write(client, PGWF_STMT_REQUEST_CANCEL, &p, true,
							 NULL);
}

PgwfResult
pgwf_client_terminate(PgwfClient *client,
					  const PgwfTerminateOptions *options)
{
	PgwfTerminateOptions o = PGWF_TERMINATE_OPTIONS_INIT;
	PgwfParams	p = {0};

	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	pgwf_param_text(&p, o.workflow_id);
	pgwf_param_text(&p, o.reason);
	pgwf_param_value(client, &p, PGWF_VALUE_ARGS, o.details);
	pgwf_param_text(&p, o.run_id);
	pgwf_param_text(&p, o.first_execution_run_id);
	pgwf_param_text(&p, client->identity);
	pgwf_param_text(&p, client->workflow_namespace);

	/* repeated, it would report that the run is closed, or end the next */
	return pgwf_client_write(client, PGWF_STMT_TERMINATE, &p, false, NULL);
}

PgwfResult
pgwf_client_describe(PgwfClient *client, const char *workflow_id,
					 const char *run_id, json_t **description)
{
	PgwfParams	p = {0};

	*description = NULL;
	if (pgwf_is_empty(workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	pgwf_param_text(&p, workflow_id);
	pgwf_param_text(&p, run_id);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_json(client, PGWF_STMT_DESCRIBE, &p, description);
}

/* ---- operators' calls ---- */

PgwfResult
pgwf_client_reset(PgwfClient *client, const PgwfResetOptions *options,
				  char new_run_id[PGWF_RUN_ID_SIZE])
{
	PgwfResetOptions o = PGWF_RESET_OPTIONS_INIT;
	PgwfParams	p = {0};
	const char *excluded[2];
	int			nexcluded = 0;
	PGresult   *result;
	PgwfResult	code;

	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	if (o.exclude_signals)
		excluded[nexcluded++] = "SIGNAL";
	if (o.exclude_updates)
		excluded[nexcluded++] = "UPDATE";
	pgwf_param_text(&p, o.workflow_id);
	pgwf_param_text(&p, o.reason);
	if (o.workflow_task_finish_event_id != 0)
		pgwf_param_int(&p, o.workflow_task_finish_event_id);
	else
		pgwf_param_text(&p, NULL);
	pgwf_param_text(&p, o.reset_type);
	pgwf_param_text(&p, o.run_id);
	pgwf_param_request_id(&p, o.request_id);
	pgwf_param_own(&p, pgwf_text_array(excluded, nexcluded));
	pgwf_param_text(&p, client->identity);
	pgwf_param_text(&p, client->workflow_namespace);
	code = pgwf_client_call(client, PGWF_STMT_RESET, &p, true,
							client->call_timeout_ms, &result);
	if (code == PGWF_OK && new_run_id != NULL)
		pgwf_copy_text(new_run_id, PGWF_RUN_ID_SIZE,
					   pgwf_result_value(result, 0, 0));
	PQclear(result);
	return code;
}

PgwfResult
pgwf_client_delete(PgwfClient *client, const char *workflow_id,
				   const char *run_id)
{
	PgwfParams	p = {0};

	if (pgwf_is_empty(workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	pgwf_param_text(&p, workflow_id);
	pgwf_param_text(&p, run_id);
	pgwf_param_text(&p, client->workflow_namespace);

	/* repeated, it would delete the run before */
	return pgwf_client_call_void(client, PGWF_STMT_DELETE, &p, false);
}

static PgwfResult
pause_or_unpause(PgwfClient *client, PgwfStmt stmt, const char *workflow_id,
				 const char *run_id, const char *reason)
{
	PgwfParams	p = {0};

	if (pgwf_is_empty(workflow_id))
		return pgwf_client_missing(client, "workflow_id");
	pgwf_param_text(&p, workflow_id);
	pgwf_param_text(&p, reason);
	pgwf_param_text(&p, run_id);
	pgwf_param_request_id(&p, NULL);
	pgwf_param_text(&p, client->identity);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_void(client, stmt, &p, true);
}

PgwfResult
pgwf_client_pause(PgwfClient *client, const char *workflow_id,
				  const char *run_id, const char *reason)
{
	return pause_or_unpause(client, PGWF_STMT_PAUSE, workflow_id, run_id,
							reason);
}

PgwfResult
pgwf_client_unpause(PgwfClient *client, const char *workflow_id,
					const char *run_id, const char *reason)
{
	return pause_or_unpause(client, PGWF_STMT_UNPAUSE, workflow_id, run_id,
							reason);
}
