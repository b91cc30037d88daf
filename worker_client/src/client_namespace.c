/*-------------------------------------------------------------------------
 *
 * client_namespace.c
 *	  Task queues and namespaces.
 *
 *-------------------------------------------------------------------------
 */
#include "pgwf_client.h"

PgwfResult
pgwf_client_describe_task_queue(PgwfClient *client, const char *task_queue,
								bool activities, json_t **description)
{
	PgwfParams	p = {0};

	*description = NULL;
	if (pgwf_is_empty(task_queue))
		return pgwf_client_missing(client, "task_queue");
	pgwf_param_text(&p, task_queue);
	pgwf_param_text(&p, activities ? "TASK_QUEUE_TYPE_ACTIVITY" :
					"TASK_QUEUE_TYPE_WORKFLOW");
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_json(client, PGWF_STMT_DESCRIBE_TASK_QUEUE, &p,
								 description);
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
pgwf_client_delete_namespace(PgwfClient *client, const char *name)
{
	PgwfParams	p = {0};

	if (pgwf_is_empty(name))
		return pgwf_client_missing(client, "name");
	pgwf_param_text(&p, name);
	return pgwf_client_call_void(client, PGWF_STMT_DELETE_NAMESPACE, &p,
								 false);
}
