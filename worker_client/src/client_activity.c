/*-------------------------------------------------------------------------
 *
 * client_activity.c
 *	  Ending activities, and reporting that they are alive, from outside their
 *	  worker.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>

#include "pgwf_client.h"

/*
 * Run one of the activity calls in its form by token or by ids.
 */
static PgwfResult
activity_call(PgwfClient *client, const PgwfActivityRef *activity,
			  PgwfStmt by_token, PgwfStmt by_id, char *value,
			  PGresult **result)
{
	PgwfParams	p = {0};
	bool		token = !pgwf_is_empty(activity->task_token);

	*result = NULL;
	if (!token && (pgwf_is_empty(activity->workflow_id) ||
				   pgwf_is_empty(activity->activity_id)))
	{
		free(value);
		return pgwf_client_missing(client, "task_token, or workflow_id and activity_id,");
	}
	if (token)
	{
		pgwf_param_text(&p, activity->task_token);
		pgwf_param_own(&p, value);
		if (by_token == PGWF_STMT_ACTIVITY_FAILED)
			pgwf_param_text(&p, NULL);
	}
	else
	{
		pgwf_param_text(&p, activity->workflow_id);
		pgwf_param_text(&p, activity->activity_id);
		pgwf_param_own(&p, value);
		pgwf_param_text(&p, activity->run_id);
	}
	pgwf_param_text(&p, client->identity);
	pgwf_param_text(&p, client->workflow_namespace);
	if (token && by_token == PGWF_STMT_ACTIVITY_COMPLETED)
		pgwf_param_text(&p, NULL);	/* not a worker with a sticky queue */

	/* a heartbeat can be repeated; an outcome would be found stale */
	return pgwf_client_call(client, token ? by_token : by_id, &p,
							by_token == PGWF_STMT_HEARTBEAT, client->call_timeout_ms,
							result);
}

PgwfResult
pgwf_client_complete_activity(PgwfClient *client,
							  const PgwfActivityRef *activity,
							  json_t *result)
{
	PGresult   *res;
	PgwfResult	code;

	code = activity_call(client, activity, PGWF_STMT_ACTIVITY_COMPLETED,
						 PGWF_STMT_ACTIVITY_COMPLETED_BY_ID,
						 pgwf_codec_text(client->codec, PGWF_VALUE_SINGLE,
										 result), &res);
	PQclear(res);
	return code;
}

PgwfResult
pgwf_client_fail_activity(PgwfClient *client, const PgwfActivityRef *activity,
						  const PgwfFailure *failure)
{
	PGresult   *res;
	PgwfResult	code;

	if (failure == NULL)
		return pgwf_client_missing(client, "failure");
	code = activity_call(client, activity, PGWF_STMT_ACTIVITY_FAILED,
						 PGWF_STMT_ACTIVITY_FAILED_BY_ID,
						 pgwf_codec_text(client->codec, PGWF_VALUE_TREE,
										 pgwf_failure_json(failure)), &res);
	PQclear(res);
	return code;
}

PgwfResult
pgwf_client_cancel_activity(PgwfClient *client,
							const PgwfActivityRef *activity, json_t *details)
{
	PGresult   *res;
	PgwfResult	code;

	code = activity_call(client, activity, PGWF_STMT_ACTIVITY_CANCELED,
						 PGWF_STMT_ACTIVITY_CANCELED_BY_ID,
						 pgwf_codec_text(client->codec, PGWF_VALUE_ARGS,
										 details), &res);
	PQclear(res);
	return code;
}

PgwfResult
pgwf_client_heartbeat_activity(PgwfClient *client,
							   const PgwfActivityRef *activity,
							   json_t *details, PgwfHeartbeatAnswer *answer)
{
	PGresult   *res;
	PgwfResult	code;

	code = activity_call(client, activity, PGWF_STMT_HEARTBEAT,
						 PGWF_STMT_HEARTBEAT_BY_ID,
						 pgwf_codec_text(client->codec, PGWF_VALUE_ARGS,
										 details), &res);
	if (code == PGWF_OK && answer != NULL)
	{
		const char *flag[3];
		int			i;

		for (i = 0; i < 3; i++)
			flag[i] = pgwf_result_value(res, 0, i);
		answer->cancel_requested = flag[0] != NULL && flag[0][0] == 't';
		answer->paused = flag[1] != NULL && flag[1][0] == 't';
		answer->reset = flag[2] != NULL && flag[2][0] == 't';
	}
	PQclear(res);
	return code;
}
