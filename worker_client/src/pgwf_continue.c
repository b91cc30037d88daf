/*
 * pgwf_continue.c
 *		Continuing as new: ContinueAsNewWorkflowExecution.
 *
 * What the code asked for is kept until the workflow function returns; then
 * what it left open is filled with what the run has at that moment, because
 * the service inherits neither memo nor search attributes nor retry policy.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static const char *const versionings[] = {
	NULL,
	"CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_AUTO_UPGRADE",
	"CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_USE_RAMPING_VERSION"
};

json_t *
pgwf_continue_as_new(PgwfWorkflow *wf, json_t *args,
					 const PgwfContinueOptions *options)
{
	PgwfContinueOptions o;
	json_t	   *a = json_object();

	pgwf_require_coroutine(wf, "pgwf_continue_as_new");
	pgwf_options_copy(&o, sizeof(o), options);
	json_decref(wf->next_run);
	wf->next_run = a;
	if ((unsigned) o.initial_versioning >= 3)
		pgwf_panic(wf, "pgwf_continue_as_new was called with a versioning "
				   "behavior that is none");
	pgwf_json_put(a, "workflowType",
				  json_pack("{s:s}", "name", o.workflow_type != NULL ?
							o.workflow_type : wf->info.workflow_type));
	pgwf_json_put(a, "taskQueue", pgwf_task_queue_json(o.task_queue));
	pgwf_json_put(a, "input", pgwf_json_args(args));
	pgwf_json_put_ms(a, "workflowRunTimeout", o.run_timeout_ms);
	pgwf_json_put_ms(a, "workflowTaskTimeout", o.task_timeout_ms);
	pgwf_json_put_ms(a, "backoffStartInterval", o.start_delay_ms);
	pgwf_json_put(a, "retryPolicy", pgwf_retry_policy_json(o.retry_policy));
	pgwf_json_put_str(a, "cronSchedule", o.cron_schedule);
	pgwf_json_put(a, "memo", pgwf_fields_json("fields", o.memo));
	pgwf_json_put(a, "searchAttributes",
				  pgwf_fields_json("indexedFields", o.search_attributes));
	pgwf_json_put(a, "header", pgwf_fields_json("fields", o.header));
	pgwf_json_put_str(a, "initialVersioningBehavior",
					  versionings[o.initial_versioning]);
	return NULL;
}

/* Fills in what the run has, if it has any and the code gave none. */
static void
carry(json_t *attributes, const char *key, const char *subkey,
	  const json_t *value)
{
	if (json_object_get(attributes, key) != NULL ||
		json_object_size(value) == 0)
		return;
	pgwf_json_put(attributes, key, subkey == NULL ? json_deep_copy(value) :
				  json_pack("{s:o}", subkey, json_deep_copy(value)));
}

/*
 * The command's attributes, if the code asked to continue as new: the
 * caller's.  Else NULL.
 */
json_t *
pgwf_continue_attributes(PgwfWorkflow *wf)
{
	json_t	   *a = wf->next_run;

	if (a == NULL)
		return NULL;
	wf->next_run = NULL;
	carry(a, "retryPolicy", NULL, wf->info.retry_policy);
	carry(a, "memo", "fields", wf->info.memo);
	carry(a, "searchAttributes", "indexedFields",
		  wf->info.search_attributes);
	return a;
}
