/*-------------------------------------------------------------------------
 *
 * client_schedule.c
 *	  Schedules.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <string.h>

#include "pgwf_client.h"

#define DEFAULT_PAGE_SIZE	1000

static PgwfResult
check_schedule(PgwfClient *client, const PgwfScheduleOptions *o)
{
	if (pgwf_is_empty(o->schedule_id))
		return pgwf_client_missing(client, "schedule_id");
	if (o->schedule == NULL)
		return pgwf_client_missing(client, "schedule");
	return PGWF_OK;
}

PgwfResult
pgwf_client_create_schedule(PgwfClient *client,
							const PgwfScheduleOptions *options,
							int64_t *conflict_token)
{
	PgwfScheduleOptions o = PGWF_SCHEDULE_OPTIONS_INIT;
	PgwfParams	p = {0};
	PgwfResult	code;

	pgwf_options_read(&o, sizeof(o), options);
	code = check_schedule(client, &o);
	if (code != PGWF_OK)
		return code;
	pgwf_param_text(&p, o.schedule_id);
	pgwf_param_value(client, &p, PGWF_VALUE_TREE, o.schedule);
	pgwf_param_json(&p, o.initial_patch);
	pgwf_param_value(client, &p, PGWF_VALUE_FIELDS, o.memo);
	pgwf_param_json(&p, o.search_attributes);
	pgwf_param_request_id(&p, o.request_id);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_int(client, PGWF_STMT_CREATE_SCHEDULE, &p,
								conflict_token);
}

PgwfResult
pgwf_client_update_schedule(PgwfClient *client,
							const PgwfScheduleOptions *options,
							int64_t *conflict_token)
{
	PgwfScheduleOptions o = PGWF_SCHEDULE_OPTIONS_INIT;
	PgwfParams	p = {0};
	PgwfResult	code;

	pgwf_options_read(&o, sizeof(o), options);
	code = check_schedule(client, &o);
	if (code != PGWF_OK)
		return code;
	pgwf_param_text(&p, o.schedule_id);
	pgwf_param_value(client, &p, PGWF_VALUE_TREE, o.schedule);
	if (o.conflict_token != 0)
		pgwf_param_int(&p, o.conflict_token);
	else
		pgwf_param_text(&p, NULL);
	pgwf_param_value(client, &p, PGWF_VALUE_FIELDS, o.memo);
	pgwf_param_json(&p, o.search_attributes);
	pgwf_param_request_id(&p, o.request_id);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_int(client, PGWF_STMT_UPDATE_SCHEDULE, &p,
								conflict_token);
}

PgwfResult
pgwf_client_describe_schedule(PgwfClient *client, const char *schedule_id,
							  json_t **description)
{
	PgwfParams	p = {0};

	*description = NULL;
	if (pgwf_is_empty(schedule_id))
		return pgwf_client_missing(client, "schedule_id");
	pgwf_param_text(&p, schedule_id);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_json(client, PGWF_STMT_DESCRIBE_SCHEDULE, &p,
								 description);
}

/* Applies a SchedulePatch, which is freed. */
static PgwfResult
patch_schedule(PgwfClient *client, const char *schedule_id, json_t *patch)
{
	PgwfParams	p = {0};

	if (pgwf_is_empty(schedule_id))
	{
		json_decref(patch);
		return pgwf_client_missing(client, "schedule_id");
	}
	pgwf_param_text(&p, schedule_id);
	pgwf_param_json(&p, patch);
	json_decref(patch);
	pgwf_param_request_id(&p, NULL);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_void(client, PGWF_STMT_PATCH_SCHEDULE, &p, true);
}

PgwfResult
pgwf_client_pause_schedule(PgwfClient *client, const char *schedule_id,
						   const char *note)
{
	return patch_schedule(client, schedule_id,
						  json_pack("{s:s}", "pause",
									note != NULL ? note : "paused"));
}

PgwfResult
pgwf_client_unpause_schedule(PgwfClient *client, const char *schedule_id,
							 const char *note)
{
	return patch_schedule(client, schedule_id,
						  json_pack("{s:s}", "unpause",
									note != NULL ? note : "unpaused"));
}

/* "SKIP" as the constant; "object" gets it if there is one. */
static void
set_overlap_policy(json_t *object, const char *overlap_policy)
{
	if (overlap_policy != NULL)
		json_object_set_new(object, "overlapPolicy",
							json_sprintf("SCHEDULE_OVERLAP_POLICY_%s",
										 overlap_policy));
}

PgwfResult
pgwf_client_trigger_schedule(PgwfClient *client, const char *schedule_id,
							 const char *overlap_policy)
{
	json_t	   *trigger = json_object();

	set_overlap_policy(trigger, overlap_policy);
	return patch_schedule(client, schedule_id,
						  json_pack("{s:o}", "triggerImmediately", trigger));
}

PgwfResult
pgwf_client_backfill_schedule(PgwfClient *client, const char *schedule_id,
							  const char *start, const char *end,
							  const char *overlap_policy)
{
	json_t	   *request;

	if (pgwf_is_empty(start) || pgwf_is_empty(end))
		return pgwf_client_missing(client, "start or end");
	request = json_pack("{s:s, s:s}", "startTime", start, "endTime", end);
	set_overlap_policy(request, overlap_policy);
	return patch_schedule(client, schedule_id,
						  json_pack("{s:[o]}", "backfillRequest", request));
}

PgwfResult
pgwf_client_delete_schedule(PgwfClient *client, const char *schedule_id)
{
	PgwfParams	p = {0};

	if (pgwf_is_empty(schedule_id))
		return pgwf_client_missing(client, "schedule_id");
	pgwf_param_text(&p, schedule_id);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_void(client, PGWF_STMT_DELETE_SCHEDULE, &p,
								 false);
}

PgwfResult
pgwf_client_list_schedules(PgwfClient *client, const char *query,
						   const char *after_schedule_id, int page_size,
						   json_t **schedules)
{
	PgwfParams	p = {0};

	pgwf_param_text(&p, query);
	pgwf_param_int(&p, page_size > 0 ? page_size : DEFAULT_PAGE_SIZE);
	pgwf_param_text(&p, after_schedule_id);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_rows(client, PGWF_STMT_LIST_SCHEDULES, &p, true, schedules);
}

PgwfResult
pgwf_client_schedule_times(PgwfClient *client, const char *schedule_id,
						   const char *start, const char *end,
						   json_t **times)
{
	PgwfParams	p = {0};

	*times = NULL;
	if (pgwf_is_empty(schedule_id))
		return pgwf_client_missing(client, "schedule_id");
	pgwf_param_text(&p, schedule_id);
	pgwf_param_text(&p, start);
	pgwf_param_text(&p, end);
	pgwf_param_text(&p, client->workflow_namespace);
	return pgwf_client_call_rows(client, PGWF_STMT_SCHEDULE_TIMES, &p, false, times);
}
