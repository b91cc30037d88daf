/*-------------------------------------------------------------------------
 *
 * pgwf_describe.c
 *		What a run is and what is pending in it, as one JSON object.
 *
 * The object is Temporal's DescribeWorkflowExecutionResponse, with one member
 * of ours: pendingTimers.  Reads with the caller's snapshot, so its parts
 * belong together, and takes no locks but those of a SELECT.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "pgwf_args.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_history.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_retry_policy.h"
#include "pgwf_store.h"
#include "pgwf_versioning.h"

/* durations as microseconds, -infinity and 0 for what is not set */
static PgwfStatement select_execution = {
	.sql = "SELECT workflow_id, workflow_type, task_queue, status::text,"
	" start_time, execution_time, close_time, first_run_id,"
	" (1000000 * extract(epoch FROM workflow_execution_timeout))::bigint,"
	" (1000000 * extract(epoch FROM workflow_run_timeout))::bigint,"
	" (1000000 * extract(epoch FROM workflow_task_timeout))::bigint,"
	" history_length, history_size_bytes, memo, search_attributes,"
	" parent_workflow_id, parent_run_id, root_workflow_id, root_run_id,"
	" expiration_time, state_transition_count, reset_run_id,"
	" versioning_info"
	" FROM workflow.execution"
	" WHERE namespace_id = $1 AND run_key = $2",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

static PgwfStatement select_state = {
	.sql = "SELECT next_event_id - 1, history_size, flags,"
	" wft_scheduled_event_id, wft_started_event_id, wft_scheduled_time,"
	" wft_original_scheduled_time, wft_started_time, wft_attempt,"
	" state_transition_count, transition_key"
	" FROM workflow.mutable_state"
	" WHERE namespace_id = $1 AND run_key = $2",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

static PgwfStatement select_activities = {
	.sql = "SELECT activity_id, activity_type, state,"
	" cancel_requested_event_id, heartbeat_details, last_heartbeat_time,"
	" started_time, attempt, maximum_attempts, scheduled_time,"
	" attempt_scheduled_time, schedule_to_close_us, last_failure, identity,"
	" task_queue, flags, schedule_to_start_us, start_to_close_us,"
	" heartbeat_us, initial_interval_us, maximum_interval_us,"
	" backoff_coefficient, non_retryable_error_types"
	" FROM workflow.activity"
	" WHERE namespace_id = $1 AND run_key = $2 ORDER BY scheduled_event_id",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

static PgwfStatement select_timers = {
	.sql = "SELECT kind, timer_id, started_event_id, fire_at"
	" FROM workflow.timer"
	" WHERE namespace_id = $1 AND run_key = $2 ORDER BY started_event_id",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

static PgwfStatement select_children = {
	.sql = "SELECT workflow_id, run_id, workflow_type, initiated_event_id,"
	" parent_close_policy"
	" FROM workflow.child_execution"
	" WHERE namespace_id = $1 AND run_key = $2 ORDER BY initiated_event_id",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

/* by the numbers of Temporal's ParentClosePolicy */
static const char *const parent_close_policies[] = {
	"PARENT_CLOSE_POLICY_UNSPECIFIED",
	"PARENT_CLOSE_POLICY_TERMINATE",
	"PARENT_CLOSE_POLICY_ABANDON",
	"PARENT_CLOSE_POLICY_REQUEST_CANCEL"
};

/* What is read before the object is written in the order of its members */
typedef struct Description
{
	Datum		run[2];			/* namespace_id, run_key */
	PgwfObject	object;
	bool		open;
	int64		history_length;
	int64		history_size;
	int64		state_transition_count;
	bool		cancel_requested;
	bool		paused;
	bool		in_transition;
	int32		transition_key;
	PgwfObject	workflow_task;
	bool		has_workflow_task;
	JsonbParseState *timers;
	int			timer_count;
	TimestampTz run_expiration;
} Description;

static void read_state(Description *description);
static void read_timers(Description *description);
static void write_execution(Description *description,
							const PgwfRunRef *run);
static void write_user_metadata(Description *description,
								const PgwfRunRef *run);
static void write_versioning_info(Description *description, Jsonb *info);
static void write_execution_id(PgwfObject *object, const char *key,
							   char *workflow_id, const pg_uuid_t *run_id);
static void write_extended_info(Description *description,
								const PgwfRunRef *run);
static void write_activities(Description *description);
static void write_children(Description *description);
static void write_list(PgwfObject *object, const char *key,
					   JsonbParseState *list, int count);
static void push_object(JsonbParseState **list, int *count,
						PgwfObject *element);

PG_FUNCTION_INFO_V1(pgwf_describe_workflow_execution);

/*
 * workflow.describe_workflow_execution(workflow_id, run_id, namespace)
 */
Datum
pgwf_describe_workflow_execution(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	Description description = {0};
	int32		namespace_id;
	PgwfRunRef	run;
	PgwfDbScope scope;
	Jsonb	   *result;
	Jsonb	   *copy;

	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 2),
										PGWF_RIGHT_READ);

	pgwf_db_begin(&scope);
	pgwf_find_run(fcinfo, 0, 1, namespace_id, &run);
	description.run[0] = Int32GetDatum(namespace_id);
	description.run[1] = Int64GetDatum(run.run_key);
	description.run_expiration = PGWF_NO_TIME;
	read_state(&description);
	read_timers(&description);

	pgwf_object_begin(&description.object);
	write_execution(&description, &run);
	write_activities(&description);
	write_children(&description);
	if (description.has_workflow_task)
		pgwf_object_jsonb(&description.object, "pendingWorkflowTask",
						  pgwf_object_finish(&description.workflow_task));
	write_list(&description.object, "pendingTimers", description.timers,
			   description.timer_count);

	result = pgwf_object_finish(&description.object);
	copy = MemoryContextAlloc(context, VARSIZE(result));
	memcpy(copy, result, VARSIZE(result));
	pgwf_db_end(&scope);
	PG_RETURN_JSONB_P(copy);
}

/*
 * Counters and workflow task of an open run.
 */
static void
read_state(Description *description)
{
	PgwfObject *task = &description->workflow_task;
	int32		flags;

	if (pgwf_db_query(&select_state, description->run, NULL, 1) == 0)
		return;
	description->open = true;
	description->history_length = pgwf_db_int64(0, 1);
	description->history_size = pgwf_db_int64(0, 2);
	description->state_transition_count = pgwf_db_int64(0, 10);
	flags = pgwf_db_int32(0, 3);
	description->cancel_requested = (flags & PGWF_RUN_CANCEL_REQUESTED) != 0;
	description->paused = (flags & PGWF_RUN_PAUSED) != 0;
	description->in_transition = (flags & PGWF_RUN_IN_TRANSITION) != 0;
	description->transition_key = pgwf_db_int32(0, 11);

	if (pgwf_db_int64(0, 4) == 0)
		return;
	description->has_workflow_task = true;
	pgwf_object_begin(task);
	pgwf_object_text(task, "state", pgwf_db_int64(0, 5) == 0 ?
					 "PENDING_WORKFLOW_TASK_STATE_SCHEDULED" :
					 "PENDING_WORKFLOW_TASK_STATE_STARTED");
	pgwf_object_time(task, "scheduledTime", pgwf_db_time(0, 6));
	pgwf_object_time(task, "originalScheduledTime", pgwf_db_time(0, 7));
	pgwf_object_time(task, "startedTime", pgwf_db_time(0, 8));
	pgwf_object_int(task, "attempt", pgwf_db_int32(0, 9));
}

/*
 * Timers of the workflow, and the timeouts that stand among them.
 */
static void
read_timers(Description *description)
{
	uint64		count;

	count = pgwf_db_query(&select_timers, description->run, NULL, 0);
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		int16		kind = DatumGetInt16(pgwf_db_value(i, 1, &isnull));
		PgwfObject	timer;

		if (kind == PGWF_TIMER_RUN_TIMEOUT)
			description->run_expiration = pgwf_db_time(i, 4);
		if (kind != PGWF_TIMER_USER)
			continue;
		pgwf_object_begin(&timer);
		pgwf_object_text(&timer, "timerId", pgwf_db_text(i, 2));
		pgwf_object_int(&timer, "startedEventId", pgwf_db_int64(i, 3));
		pgwf_object_time(&timer, "fireTime", pgwf_db_time(i, 4));
		push_object(&description->timers, &description->timer_count, &timer);
	}
}

/*
 * Member executionConfig.userMetadata, which only the first event has.
 */
static void
write_user_metadata(Description *description, const PgwfRunRef *run)
{
	PgwfCall	call;
	PgwfEvent  *started;
	Jsonb	   *metadata = NULL;

	pgwf_call_begin(&call);
	started = pgwf_event_load_one(&call, DatumGetInt32(description->run[0]),
								  run->run_key, 1);
	if (started != NULL && started->user_metadata != NULL)
	{
		metadata = MemoryContextAlloc(call.caller_context,
									  VARSIZE(started->user_metadata));
		memcpy(metadata, started->user_metadata,
			   VARSIZE(started->user_metadata));
	}
	pgwf_call_end(&call);
	pgwf_object_jsonb(&description->object, "userMetadata", metadata);
}

/*
 * Members executionConfig, workflowExecutionInfo and workflowExtendedInfo.
 */
static void
write_execution(Description *description, const PgwfRunRef *run)
{
	PgwfObject *object = &description->object;
	TimestampTz start_time;
	TimestampTz close_time;
	char	   *task_queue;

	if (pgwf_db_query(&select_execution, description->run, NULL, 1) == 0)
		elog(ERROR, "workflow execution disappeared");

	task_queue = pgwf_db_text(0, 3);
	pgwf_object_open(object, "executionConfig");
	write_user_metadata(description, run);
	pgwf_object_open(object, "taskQueue");
	pgwf_object_text(object, "name", task_queue);
	pgwf_object_text(object, "kind", "TASK_QUEUE_KIND_NORMAL");
	pgwf_object_close(object);
	pgwf_object_duration(object, "workflowExecutionTimeout",
						 pgwf_db_int64(0, 9));
	pgwf_object_duration(object, "workflowRunTimeout", pgwf_db_int64(0, 10));
	pgwf_object_duration(object, "defaultWorkflowTaskTimeout",
						 pgwf_db_int64(0, 11));
	pgwf_object_close(object);

	start_time = pgwf_db_time(0, 5);
	close_time = pgwf_db_time(0, 7);
	pgwf_object_open(object, "workflowExecutionInfo");
	write_execution_id(object, "execution", pgwf_db_text(0, 1), &run->run_id);
	pgwf_object_name(object, "type", pgwf_db_text(0, 2));
	pgwf_object_time(object, "startTime", start_time);
	pgwf_object_time(object, "closeTime", close_time);
	pgwf_object_text(object, "status",
					 pgwf_status_constant(pgwf_db_text(0, 4)));
	pgwf_object_int(object, "historyLength", description->open ?
					description->history_length : pgwf_db_int64(0, 12));
	pgwf_object_time(object, "executionTime", pgwf_db_time(0, 6));
	pgwf_object_jsonb(object, "memo", pgwf_db_jsonb(0, 14));
	pgwf_object_jsonb(object, "searchAttributes", pgwf_db_jsonb(0, 15));
	pgwf_object_text(object, "taskQueue", task_queue);
	pgwf_object_int(object, "historySizeBytes", description->open ?
					description->history_size : pgwf_db_int64(0, 13));
	pgwf_object_int(object, "stateTransitionCount", description->open ?
					description->state_transition_count :
					pgwf_db_int64(0, 21));
	if (!TIMESTAMP_NOT_FINITE(close_time))
		pgwf_object_duration(object, "executionDuration",
							 close_time - start_time);
	write_execution_id(object, "parentExecution", pgwf_db_text(0, 16),
					   pgwf_db_uuid(0, 17));
	write_execution_id(object, "rootExecution", pgwf_db_text(0, 18),
					   pgwf_db_uuid(0, 19));
	pgwf_object_text(object, "firstRunId", pgwf_uuid_text(pgwf_db_uuid(0, 8)));
	write_versioning_info(description, pgwf_db_jsonb(0, 23));
	pgwf_object_close(object);

	write_extended_info(description, run);
}

/*
 * Member pauseInfo: the event that has paused the run, if it is in the
 * history already.
 */
static void
write_pause_info(Description *description, const PgwfRunRef *run)
{
	PgwfObject *object = &description->object;
	PgwfCall	call;
	PgwfEvent  *event;
	char	   *identity = NULL;
	char	   *reason = NULL;
	TimestampTz time = PGWF_NO_TIME;

	pgwf_call_begin(&call);
	event = pgwf_event_find_last(&call, run->namespace_id, run->run_key,
								 PGWF_EVENT_WORKFLOW_EXECUTION_PAUSED);
	if (event)
	{
		PgwfReader	reader;

		pgwf_reader_init(&reader, event->attributes);
		time = event->time;
		MemoryContextSwitchTo(call.caller_context);
		identity = pgwf_read_text(&reader, "identity");
		reason = pgwf_read_text(&reader, "reason");
		MemoryContextSwitchTo(call.context);
	}
	pgwf_call_end(&call);
	pgwf_object_open(object, "pauseInfo");
	pgwf_object_text(object, "identity", identity);
	pgwf_object_time(object, "pausedTime", time);
	pgwf_object_text(object, "reason", reason);
	pgwf_object_close(object);
}

/*
 * Member workflowExtendedInfo; of a closed run, only who a reset has made its
 * successor.
 */
static void
write_extended_info(Description *description, const PgwfRunRef *run)
{
	PgwfObject *object = &description->object;
	pg_uuid_t  *reset_run_id = pgwf_db_uuid(0, 22);

	if (!description->open && reset_run_id == NULL)
		return;
	pgwf_object_open(object, "workflowExtendedInfo");
	if (description->open)
	{
		pgwf_object_time(object, "executionExpirationTime",
						 pgwf_db_time(0, 20));
		pgwf_object_time(object, "runExpirationTime",
						 description->run_expiration);
		pgwf_object_bool(object, "cancelRequested",
						 description->cancel_requested);
	}
	if (reset_run_id)
		pgwf_object_text(object, "resetRunId", pgwf_uuid_text(reset_run_id));
	if (description->paused)
		write_pause_info(description, run);
	pgwf_object_close(object);
}

/*
 * Members versioningInfo and workerDeploymentName.
 */
static void
write_versioning_info(Description *description, Jsonb *info)
{
	PgwfObject *object = &description->object;
	PgwfReader	reader;
	PgwfReader	version;
	Jsonb	   *deployment_version;

	if (info == NULL && !description->in_transition)
		return;
	pgwf_reader_init(&reader, info);
	deployment_version = pgwf_read_jsonb(&reader, "deploymentVersion");
	pgwf_object_open(object, "versioningInfo");
	pgwf_object_text(object, "behavior", pgwf_read_text(&reader, "behavior"));
	pgwf_object_jsonb(object, "deploymentVersion", deployment_version);
	pgwf_object_jsonb(object, "versioningOverride",
					  pgwf_read_jsonb(&reader, "versioningOverride"));
	if (description->in_transition)
	{
		/* without a version: to workers that have none */
		pgwf_object_open(object, "versionTransition");
		pgwf_version_attribute(object, "deploymentVersion",
							   DatumGetInt32(description->run[0]),
							   description->transition_key);
		pgwf_object_close(object);
	}
	pgwf_object_close(object);
	pgwf_reader_init(&version, deployment_version);
	pgwf_object_text(object, "workerDeploymentName",
					 pgwf_read_text(&version, "deploymentName"));
}

/*
 * A workflow id and a run id as one member, left out without the former.
 */
static void
write_execution_id(PgwfObject *object, const char *key, char *workflow_id,
				   const pg_uuid_t *run_id)
{
	if (workflow_id == NULL)
		return;
	pgwf_object_open(object, key);
	pgwf_object_text(object, "workflowId", workflow_id);
	if (run_id != NULL)
		pgwf_object_text(object, "runId", pgwf_uuid_text(run_id));
	pgwf_object_close(object);
}

/*
 * Member activityOptions: what an operator can change of an activity.
 */
static void
write_activity_options(PgwfObject *activity, uint64 row)
{
	PgwfRetryPolicy policy;
	bool		isnull;

	policy.initial_interval = pgwf_db_int64(row, 20);
	policy.maximum_interval = pgwf_db_int64(row, 21);
	policy.backoff_coefficient =
		DatumGetFloat8(pgwf_db_value(row, 22, &isnull));
	policy.maximum_attempts = pgwf_db_int32(row, 9);
	policy.non_retryable_error_types = pgwf_db_jsonb(row, 23);
	pgwf_object_open(activity, "activityOptions");
	pgwf_object_name(activity, "taskQueue", pgwf_db_text(row, 15));
	pgwf_object_duration(activity, "scheduleToCloseTimeout",
						 pgwf_db_int64(row, 12));
	pgwf_object_duration(activity, "scheduleToStartTimeout",
						 pgwf_db_int64(row, 17));
	pgwf_object_duration(activity, "startToCloseTimeout",
						 pgwf_db_int64(row, 18));
	pgwf_object_duration(activity, "heartbeatTimeout", pgwf_db_int64(row, 19));
	pgwf_object_jsonb(activity, "retryPolicy",
					  pgwf_retry_policy_jsonb(&policy));
	pgwf_object_close(activity);
}

/*
 * Member pendingActivities.
 */
static void
write_activities(Description *description)
{
	JsonbParseState *list = NULL;
	int			list_count = 0;
	uint64		count;

	count = pgwf_db_query(&select_activities, description->run, NULL, 0);
	for (uint64 i = 0; i < count; i++)
	{
		PgwfObject	activity;
		bool		isnull;
		int16		state = DatumGetInt16(pgwf_db_value(i, 3, &isnull));
		TimestampTz scheduled_time = pgwf_db_time(i, 10);
		int64		schedule_to_close = pgwf_db_int64(i, 12);
		int16		flags = DatumGetInt16(pgwf_db_value(i, 16, &isnull));
		bool		paused = (flags & PGWF_ACTIVITY_PAUSED) != 0;
		const char *state_name;

		if (pgwf_db_int64(i, 4) != 0)
			state_name = "PENDING_ACTIVITY_STATE_CANCEL_REQUESTED";
		else if (state == PGWF_ACTIVITY_STARTED && paused)
			state_name = "PENDING_ACTIVITY_STATE_PAUSE_REQUESTED";
		else if (state == PGWF_ACTIVITY_PARKED)
			state_name = "PENDING_ACTIVITY_STATE_PAUSED";
		else if (state == PGWF_ACTIVITY_STARTED)
			state_name = "PENDING_ACTIVITY_STATE_STARTED";
		else
			state_name = "PENDING_ACTIVITY_STATE_SCHEDULED";

		pgwf_object_begin(&activity);
		pgwf_object_text(&activity, "activityId", pgwf_db_text(i, 1));
		pgwf_object_name(&activity, "activityType", pgwf_db_text(i, 2));
		pgwf_object_text(&activity, "state", state_name);
		pgwf_object_jsonb(&activity, "heartbeatDetails", pgwf_db_jsonb(i, 5));
		pgwf_object_time(&activity, "lastHeartbeatTime", pgwf_db_time(i, 6));
		pgwf_object_time(&activity, "lastStartedTime", pgwf_db_time(i, 7));
		pgwf_object_int(&activity, "attempt", pgwf_db_int32(i, 8));
		pgwf_object_int(&activity, "maximumAttempts", pgwf_db_int32(i, 9));
		pgwf_object_time(&activity, "scheduledTime", scheduled_time);
		if (schedule_to_close > 0)
			pgwf_object_time(&activity, "expirationTime",
							 scheduled_time + schedule_to_close);
		pgwf_object_jsonb(&activity, "lastFailure", pgwf_db_jsonb(i, 13));
		pgwf_object_text(&activity, "lastWorkerIdentity", pgwf_db_text(i, 14));
		if (state == PGWF_ACTIVITY_BACKING_OFF)
			pgwf_object_time(&activity, "nextAttemptScheduleTime",
							 pgwf_db_time(i, 11));
		pgwf_object_bool(&activity, "paused", paused);
		write_activity_options(&activity, i);
		push_object(&list, &list_count, &activity);
	}
	write_list(&description->object, "pendingActivities", list, list_count);
}

/*
 * Member pendingChildren.
 */
static void
write_children(Description *description)
{
	JsonbParseState *list = NULL;
	int			list_count = 0;
	uint64		count;

	count = pgwf_db_query(&select_children, description->run, NULL, 0);
	for (uint64 i = 0; i < count; i++)
	{
		PgwfObject	child;
		pg_uuid_t  *run_id = pgwf_db_uuid(i, 2);
		bool		isnull;
		int			policy = DatumGetInt16(pgwf_db_value(i, 5, &isnull));

		if (policy < 0 || policy >= lengthof(parent_close_policies))
			policy = 0;
		pgwf_object_begin(&child);
		pgwf_object_text(&child, "workflowId", pgwf_db_text(i, 1));
		if (run_id != NULL)
			pgwf_object_text(&child, "runId", pgwf_uuid_text(run_id));
		pgwf_object_text(&child, "workflowTypeName", pgwf_db_text(i, 3));
		pgwf_object_int(&child, "initiatedId", pgwf_db_int64(i, 4));
		pgwf_object_text(&child, "parentClosePolicy",
						 parent_close_policies[policy]);
		push_object(&list, &list_count, &child);
	}
	write_list(&description->object, "pendingChildren", list, list_count);
}

/*
 * Lists of objects; an empty one is left out.
 */
static void
push_object(JsonbParseState **list, int *count, PgwfObject *element)
{
	JsonbValue	value;

	if (*count == 0)
		pushJsonbValue(list, WJB_BEGIN_ARRAY, NULL);
	(*count)++;
	JsonbToJsonbValue(pgwf_object_finish(element), &value);
	pushJsonbValue(list, WJB_ELEM, &value);
}

static void
write_list(PgwfObject *object, const char *key, JsonbParseState *list,
		   int count)
{
	if (count > 0)
		pgwf_object_jsonb(object, key,
						  JsonbValueToJsonb(pushJsonbValue(&list,
														   WJB_END_ARRAY,
														   NULL)));
}
