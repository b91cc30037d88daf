/*-------------------------------------------------------------------------
 *
 * pgwf_new_run.c
 *		Creating a run, for whatever reason (SS 3.1).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_args.h"
#include "pgwf_cron.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_new_run.h"
#include "pgwf_priority.h"
#include "pgwf_retry_policy.h"
#include "pgwf_search_attribute.h"
#include "pgwf_versioning.h"

void
pgwf_new_run_init(PgwfNewRun *options, int32 namespace_id)
{
	memset(options, 0, sizeof(PgwfNewRun));
	options->namespace_id = namespace_id;
	options->attempt = 1;
	options->expiration_time = PGWF_NO_TIME;
}

/*
 * Gives the run its ids.  It is to follow a run of its workflow id, the last
 * one and closed; 0: there is none.  Its key is larger than that run's.
 */
void
pgwf_new_run_follow(PgwfNewRun *options, int64 previous_run_key)
{
	options->previous_run_key = previous_run_key;
	options->run_key = pgwf_execution_next_run_key();
	pgwf_new_run_id(&options->run_id, options->run_key);
}

/* A map of payloads may be given as {"fields": {...}} or just {...} */
Jsonb *
pgwf_wrap_fields(Jsonb *value, const char *name, const char *member)
{
	PgwfObject	object;
	PgwfReader	reader;
	JsonbValue	inner;

	if (value == NULL)
		return NULL;
	if (!pgwf_jsonb_is_object(value))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s is not a JSON object", name)));
	pgwf_reader_init(&reader, value);
	if (pgwf_read_value(&reader, member, &inner) &&
		inner.type == jbvBinary &&
		JsonContainerIsObject(inner.val.binary.data) &&
		JB_ROOT_COUNT(value) == 1)
		return value;
	pgwf_object_begin(&object);
	pgwf_object_jsonb(&object, member, value);
	return pgwf_object_finish(&object);
}

/* The shorter of two timeouts, where 0 stands for none */
int64
pgwf_shorter_timeout(int64 a, int64 b)
{
	if (a == PGWF_NO_DURATION)
		return b;
	if (b == PGWF_NO_DURATION)
		return a;
	return Min(a, b);
}

static void
check_user_metadata(Jsonb *metadata)
{
	PgwfReader	reader;
	Jsonb	   *summary;
	Jsonb	   *details;

	if (metadata == NULL)
		return;
	pgwf_reader_init(&reader, metadata);
	summary = pgwf_read_jsonb(&reader, "summary");
	details = pgwf_read_jsonb(&reader, "details");
	if (reader.error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("user_metadata is not a JSON object")));
	pgwf_check_payload_size("summary", summary, PGWF_MAX_SUMMARY_SIZE);
	pgwf_check_payload_size("details", details, PGWF_MAX_DETAILS_SIZE);
}

/* How many there may be, and how large */
static void
check_search_attributes(Jsonb *attributes)
{
	char	   *detail;
	char	   *message = pgwf_search_attributes_too_many(attributes, &detail);

	if (message == NULL)
		message = pgwf_search_attributes_oversize(attributes, &detail);
	if (message)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s", message),
				 errdetail("%s", detail)));
}

static void
check_retry_policy(PgwfNewRun *options)
{
	PgwfRetryPolicy policy;
	char	   *error;

	if (options->retry_policy == NULL)
		return;
	error = pgwf_retry_policy_read(&policy, options->retry_policy);
	if (error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid retry policy"),
				 errdetail("%s.", error)));
	options->retry_policy = pgwf_retry_policy_jsonb(&policy);
}

static void
check_cron_schedule(PgwfNewRun *options)
{
	char	   *error;

	if (options->cron_schedule && options->cron_schedule[0] == '\0')
		options->cron_schedule = NULL;
	if (options->cron_schedule &&
		pgwf_cron_parse(options->cron_schedule, false, &error) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid cron schedule \"%s\"",
						options->cron_schedule),
				 errdetail("%s.", error)));
}

static void
check_versioning_override(PgwfNewRun *options)
{
	char	   *error;

	error = pgwf_override_normalize(options->namespace_id,
									&options->versioning_override);
	if (error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid versioning_override"),
				 errdetail("%s.", error)));
}

/*
 * Checks what a caller has asked for, fills in the defaults and applies the
 * caps.  Raises an error for what cannot be.  Whether the namespace knows the
 * search attributes, and whether a version serves the task queue, is for the
 * caller to check: that may change between the making of a schedule and the
 * starts of its workflows.
 */
void
pgwf_new_run_check(PgwfNewRun *options)
{
	pgwf_check_payload_size("input", options->input,
							pgwf_payload_size_error);
	pgwf_check_payload_size("memo", options->memo, pgwf_memo_size_error);
	pgwf_warn_payload_size("memo", options->memo, pgwf_memo_size_warn);
	check_search_attributes(options->search_attributes);
	pgwf_check_payload_size("header", options->header,
							pgwf_payload_size_error);
	check_user_metadata(options->user_metadata);
	pgwf_priority_check(options->priority);
	check_versioning_override(options);
	check_retry_policy(options);
	check_cron_schedule(options);

	options->run_timeout = pgwf_shorter_timeout(options->run_timeout,
												options->execution_timeout);
	if (options->task_timeout == PGWF_NO_DURATION)
		options->task_timeout =
			(int64) pgwf_default_workflow_task_timeout * 1000;
	options->task_timeout =
		pgwf_shorter_timeout(options->task_timeout,
							 (int64) pgwf_max_workflow_task_timeout * 1000);
	options->task_timeout = pgwf_shorter_timeout(options->task_timeout,
												 options->run_timeout);
	if (options->request_id == NULL || options->request_id[0] == '\0')
	{
		pg_uuid_t	uuid;

		pgwf_new_uuid(&uuid);
		options->request_id = pgwf_uuid_text(&uuid);
	}
}

static void
execution_attribute(PgwfObject *attributes, const char *key,
					const char *workflow_id, const pg_uuid_t *run_id)
{
	pgwf_object_open(attributes, key);
	pgwf_object_text(attributes, "workflowId", workflow_id);
	pgwf_object_text(attributes, "runId", pgwf_uuid_text(run_id));
	pgwf_object_close(attributes);
}

static void
parent_attributes(PgwfObject *attributes, const PgwfParent *parent,
				  int32 namespace_id)
{
	pgwf_object_text(attributes, "parentWorkflowNamespace",
					 parent->namespace);
	pgwf_object_text(attributes, "parentWorkflowNamespaceId",
					 psprintf("%d", namespace_id));
	execution_attribute(attributes, "parentWorkflowExecution",
						parent->workflow_id, &parent->run_id);
	pgwf_object_int(attributes, "parentInitiatedEventId",
					parent->initiated_event_id);
	execution_attribute(attributes, "rootWorkflowExecution",
						parent->root_workflow_id, &parent->root_run_id);
}

/* The version of the run that starts this one, or that it continues */
static void
inherited_version(PgwfObject *attributes, const PgwfNewRun *options)
{
	int32		key = options->inherited_auto_upgrade_key;
	PgwfVersion version;

	pgwf_version_attribute(attributes, "inheritedPinnedVersion",
						   options->namespace_id,
						   options->inherited_pinned_key);
	if (key == 0 ||
		!pgwf_version_lookup(options->namespace_id, key, &version))
		return;
	pgwf_object_open(attributes, "inheritedAutoUpgradeInfo");
	pgwf_version_attribute(attributes, "sourceDeploymentVersion",
						   options->namespace_id, key);
	pgwf_object_int(attributes, "sourceDeploymentRevisionNumber",
					pgwf_deployment_revision(options->namespace_id,
											 version.deployment_name));
	pgwf_object_text(attributes, "continueAsNewInitialVersioningBehavior",
					 options->initial_versioning_behavior);
	pgwf_object_close(attributes);
}

static Jsonb *
started_attributes(const PgwfNewRun *options, const PgwfExecution *execution)
{
	PgwfObject	attributes;
	char	   *run_id = pgwf_uuid_text(&execution->run_id);

	pgwf_object_begin(&attributes);
	pgwf_object_name(&attributes, "workflowType", options->workflow_type);
	if (options->parent)
		parent_attributes(&attributes, options->parent,
						  options->namespace_id);
	pgwf_object_open(&attributes, "taskQueue");
	pgwf_object_text(&attributes, "name", options->task_queue);
	pgwf_object_text(&attributes, "kind", "TASK_QUEUE_KIND_NORMAL");
	pgwf_object_close(&attributes);
	pgwf_object_jsonb(&attributes, "input", options->input);
	pgwf_object_duration(&attributes, "workflowExecutionTimeout",
						 options->execution_timeout);
	pgwf_object_duration(&attributes, "workflowRunTimeout",
						 options->run_timeout);
	pgwf_object_duration(&attributes, "workflowTaskTimeout",
						 options->task_timeout);
	if (options->continued_run_id)
		pgwf_object_text(&attributes, "continuedExecutionRunId",
						 pgwf_uuid_text(options->continued_run_id));
	pgwf_object_text(&attributes, "initiator", options->initiator);
	pgwf_object_jsonb(&attributes, "continuedFailure",
					  options->continued_failure);
	pgwf_object_jsonb(&attributes, "lastCompletionResult",
					  options->last_completion_result);
	pgwf_object_text(&attributes, "originalExecutionRunId", run_id);
	pgwf_object_text(&attributes, "identity", options->identity);
	pgwf_object_text(&attributes, "firstExecutionRunId",
					 pgwf_uuid_text(&execution->first_run_id));
	pgwf_object_jsonb(&attributes, "retryPolicy", options->retry_policy);
	pgwf_object_int(&attributes, "attempt", options->attempt);
	pgwf_object_time(&attributes, "workflowExecutionExpirationTime",
					 execution->expiration_time);
	pgwf_object_text(&attributes, "cronSchedule", options->cron_schedule);
	pgwf_object_duration(&attributes, "firstWorkflowTaskBackoff",
						 options->first_task_backoff);
	pgwf_object_jsonb(&attributes, "memo", options->memo);
	pgwf_object_jsonb(&attributes, "searchAttributes",
					  options->search_attributes);
	pgwf_object_jsonb(&attributes, "header", options->header);
	pgwf_object_text(&attributes, "workflowId", options->workflow_id);
	pgwf_object_jsonb(&attributes, "versioningOverride",
					  options->versioning_override);
	inherited_version(&attributes, options);
	pgwf_object_jsonb(&attributes, "priority", options->priority);
	pgwf_object_bool(&attributes, "eagerExecutionAccepted", options->eager);
	return pgwf_object_finish(&attributes);
}

static void
add_timer(PgwfRun *run, PgwfTimerKind kind, TimestampTz fire_at)
{
	PgwfTimer  *timer;

	if (fire_at == PGWF_NO_TIME)
		return;
	timer = palloc0(sizeof(PgwfTimer));
	timer->change = PGWF_ROW_INSERT;
	timer->namespace_id = run->state.namespace_id;
	timer->kind = kind;
	timer->run_key = run->state.run_key;
	timer->started_event_id = -(int64) kind;
	timer->fire_at = fire_at;
	timer->timer_id = pstrdup("");
	run->timers = lappend(run->timers, timer);
	run->state.pending_timers++;
}

/* The timeouts of a new run, and of its chain */
void
pgwf_new_run_add_timeouts(PgwfRun *run)
{
	const PgwfExecution *execution = run->execution;
	TimestampTz run_expires = PGWF_NO_TIME;

	if (execution->run_timeout != PGWF_NO_DURATION)
	{
		run_expires = execution->execution_time + execution->run_timeout;
		if (execution->expiration_time != PGWF_NO_TIME)
			run_expires = Min(run_expires, execution->expiration_time);
	}
	add_timer(run, PGWF_TIMER_EXECUTION_TIMEOUT, execution->expiration_time);
	add_timer(run, PGWF_TIMER_RUN_TIMEOUT, run_expires);
}

static PgwfExecution *
make_execution(PgwfCall *call, const PgwfNewRun *options)
{
	PgwfExecution *execution = palloc0(sizeof(PgwfExecution));

	Assert(options->run_key > options->previous_run_key);

	execution->namespace_id = options->namespace_id;
	execution->run_key = options->run_key;
	execution->previous_run_key = options->previous_run_key;
	execution->run_id = options->run_id;
	execution->first_run_id = options->first_run_id ?
		*options->first_run_id : options->run_id;
	execution->workflow_id = unconstify(char *, options->workflow_id);
	execution->workflow_type = unconstify(char *, options->workflow_type);
	execution->task_queue = unconstify(char *, options->task_queue);
	execution->status = PGWF_STATUS_RUNNING;
	execution->start_time = call->now;
	execution->execution_time = call->now + options->first_task_backoff;
	execution->close_time = PGWF_NO_TIME;
	execution->start_request_id = unconstify(char *, options->request_id);
	execution->execution_timeout = options->execution_timeout;
	execution->run_timeout = options->run_timeout;
	execution->task_timeout = options->task_timeout;
	execution->memo = options->memo;
	execution->search_attributes =
		pgwf_search_attributes_merge(NULL, options->search_attributes);
	execution->attempt = options->attempt;
	execution->expiration_time = options->expiration_time;
	if (execution->expiration_time == PGWF_NO_TIME &&
		options->execution_timeout != PGWF_NO_DURATION)
		execution->expiration_time = call->now + options->execution_timeout;
	execution->cron_schedule = unconstify(char *, options->cron_schedule);
	execution->schedule_id = unconstify(char *, options->schedule_id);
	if (options->parent)
	{
		const PgwfParent *parent = options->parent;

		execution->parent_workflow_id = unconstify(char *,
												   parent->workflow_id);
		execution->parent_run_id = unconstify(pg_uuid_t *, &parent->run_id);
		execution->parent_run_key = parent->run_key;
		execution->parent_initiated_event_id = parent->initiated_event_id;
		execution->root_workflow_id = unconstify(char *,
												 parent->root_workflow_id);
		execution->root_run_id = unconstify(pg_uuid_t *,
											&parent->root_run_id);
	}
	return execution;
}

/*
 * Creates a run with its WorkflowExecutionStarted and its timeouts; the
 * options have been checked, and know what the run follows.  The caller adds
 * what else happens at the start and calls pgwf_run_finish(), which schedules
 * the first workflow task unless it is delayed.  Returns false, and has done
 * nothing, if another run is the last of the workflow id now.
 */
bool
pgwf_new_run_begin(PgwfRun *run, PgwfCall *call, const PgwfNewRun *options)
{
	PgwfExecution *execution = make_execution(call, options);
	PgwfState	versions;
	PgwfEvent  *started;

	pgwf_versions_of_new_run(options, &versions);
	if (versions.flags != 0)
		pgwf_execution_set_versions(execution, &versions);
	if (!pgwf_execution_insert(call, execution))
		return false;

	pgwf_run_init_new(run, call, execution);
	pgwf_run_take_versions(run, &versions);
	if (options->retry_policy)
		run->state.flags |= PGWF_RUN_HAS_RETRY_POLICY;
	if (options->cron_schedule)
		run->state.flags |= PGWF_RUN_HAS_CRON;
	if (options->parent)
		run->state.flags |= PGWF_RUN_HAS_PARENT;
	run->state.priority = options->priority;
	if (options->first_task_backoff != PGWF_NO_DURATION)
		run->state.flags |= PGWF_RUN_AWAITS_FIRST_TASK;
	started = pgwf_run_append(run, PGWF_EVENT_WORKFLOW_EXECUTION_STARTED,
							  started_attributes(options, execution));
	started->user_metadata = options->user_metadata;
	pgwf_new_run_add_timeouts(run);
	if (options->first_task_backoff != PGWF_NO_DURATION)
		add_timer(run, PGWF_TIMER_FIRST_TASK, execution->execution_time);
	run->task_needed = true;
	return true;
}

/* The delay of the first workflow task is over, or cut short */
void
pgwf_run_end_first_task_delay(PgwfRun *run)
{
	ListCell   *lc;

	if ((run->state.flags & PGWF_RUN_AWAITS_FIRST_TASK) == 0)
		return;
	run->state.flags &= ~PGWF_RUN_AWAITS_FIRST_TASK;
	run->task_needed = true;
	foreach(lc, pgwf_run_timers(run))
	{
		PgwfTimer  *timer = lfirst(lc);

		if (timer->kind == PGWF_TIMER_FIRST_TASK)
		{
			timer->change = PGWF_ROW_DELETE;
			run->state.pending_timers--;
		}
	}
}
