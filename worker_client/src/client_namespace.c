/*-------------------------------------------------------------------------
 *
 * client_namespace.c
 *	  Task queues and namespaces.
 *
 *-------------------------------------------------------------------------
 */
#include "pgwf_client.h"

static const char *
queue_type(bool activities)
{
	return activities ? "TASK_QUEUE_TYPE_ACTIVITY" :
		"TASK_QUEUE_TYPE_WORKFLOW";
}

PgwfResult
pgwf_client_describe_task_queue(PgwfClient *client, const char *task_queue,
								bool activities, json_t **description)
{
	PgwfParams	p = {0};

	*description = NULL;
	if (pgwf_is_empty(task_queue))
		return pgwf_client_missing(client, "task_queue");
	pgwf_param_text(&p, task_queue);
	pgwf_param_text(&p, queue_type(activities));
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_json(client, PGWF_STMT_DESCRIBE_TASK_QUEUE, &p,
								 description);
}

PgwfResult
pgwf_client_list_task_queues(PgwfClient *client, json_t **queues)
{
	PgwfParams	p = {0};

	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_rows(client, PGWF_STMT_LIST_TASK_QUEUES, &p, true,
								 queues);
}

/* A limit that is set, and whether it is to be unset */
static void
param_limit(PgwfParams *params, bool set, double value, bool unset)
{
	pgwf_param_own(params, set ? pgwf_number_text(value) : NULL);
	pgwf_param_text(params, unset ? "t" : "f");
}

PgwfResult
pgwf_client_update_task_queue(PgwfClient *client,
							  const PgwfTaskQueueOptions *options,
							  json_t **config)
{
	PgwfTaskQueueOptions o = PGWF_TASK_QUEUE_OPTIONS_INIT;
	PgwfParams	p = {0};
	PgwfResult	code;
	json_t	   *value;

	if (config != NULL)
		*config = NULL;
	pgwf_options_read(&o, sizeof(o), options);
	if (pgwf_is_empty(o.task_queue))
		return pgwf_client_missing(client, "task_queue");
	pgwf_param_text(&p, o.task_queue);
	pgwf_param_text(&p, queue_type(o.activities));
	param_limit(&p, o.set_rate, o.rate, o.unset_rate);
	param_limit(&p, o.set_key_rate, o.key_rate, o.unset_key_rate);
	pgwf_param_text(&p, o.reason);
	pgwf_param_text(&p, client->identity);
	pgwf_param_text(&p, client->workflow_namespace);
	code = pgwf_client_call_json(client, PGWF_STMT_UPDATE_TASK_QUEUE, &p,
								 &value);
	if (config != NULL)
		*config = value;
	else
		json_decref(value);
	return code;
}

/* What it takes for a namespace that is not told how long to keep runs */
#define DEFAULT_RETENTION_MS	(INT64_C(72) * 3600 * 1000)

PgwfResult
pgwf_client_register_namespace(PgwfClient *client, const char *name,
							   int64_t retention_ms, const char *description,
							   bool virtual_time)
{
	PgwfParams	p = {0};

	if (pgwf_is_empty(name))
		return pgwf_client_missing(client, "name");
	pgwf_param_text(&p, name);
	pgwf_param_interval(&p, retention_ms != 0 ? retention_ms :
						DEFAULT_RETENTION_MS);
	pgwf_param_text(&p, description != NULL ? description : "");
	pgwf_param_text(&p, virtual_time ? "t" : "f");
	return pgwf_client_call_void(client, PGWF_STMT_REGISTER_NAMESPACE, &p,
								 false);
}

PgwfResult
pgwf_client_update_namespace(PgwfClient *client, const char *name,
							 int64_t retention_ms, const char *description)
{
	PgwfParams	p = {0};

	if (pgwf_is_empty(name))
		return pgwf_client_missing(client, "name");
	pgwf_param_text(&p, name);
	pgwf_param_interval(&p, retention_ms);
	pgwf_param_text(&p, description);
	return pgwf_client_call_void(client, PGWF_STMT_UPDATE_NAMESPACE, &p,
								 true);
}

PgwfResult
pgwf_client_describe_namespace(PgwfClient *client, const char *name,
							   json_t **description)
{
	PgwfParams	p = {0};

	pgwf_param_text(&p, pgwf_is_empty(name) ? client->workflow_namespace :
					name);
	return pgwf_client_call_json(client, PGWF_STMT_DESCRIBE_NAMESPACE, &p,
								 description);
}

PgwfResult
pgwf_client_list_namespaces(PgwfClient *client, json_t **namespaces)
{
	PgwfParams	p = {0};

	return pgwf_client_call_rows(client, PGWF_STMT_LIST_NAMESPACES, &p, true,
								 namespaces);
}

PgwfResult
pgwf_client_delete_namespace(PgwfClient *client, const char *name)
{
	PgwfParams	p = {0};

	if (pgwf_is_empty(name))
		return pgwf_client_missing(client, "name");
	pgwf_param_text(&p, name);
	return pgwf_client_call_void(client, PGWF_STMT_DELETE_NAMESPACE, &p,
								 false);
}

PgwfResult
pgwf_client_current_time(PgwfClient *client, int64_t *now_us)
{
	PgwfParams	p = {0};

	*now_us = 0;
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_int(client, PGWF_STMT_CURRENT_TIME, &p, now_us);
}
