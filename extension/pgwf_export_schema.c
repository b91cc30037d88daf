/*-------------------------------------------------------------------------
 *
 * pgwf_export_schema.c
 *		The messages of Temporal's history files.
 *
 * Members stand in the order of Temporal's own definitions, which is the
 * order in which its tools write them.  A member that is not listed is
 * carried over as it is, so only what looks different in a file and in our
 * tables must be here; the rest is listed for its place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_export.h"

#define PLAIN(name)				{name, PGWF_FIELD_PLAIN, NULL}
#define INT64(name)				{name, PGWF_FIELD_INT64, NULL}
#define DURATION(name)			{name, PGWF_FIELD_DURATION, NULL}
#define TIME(name)				{name, PGWF_FIELD_TIME, NULL}
#define PAYLOAD(name)			{name, PGWF_FIELD_PAYLOAD, NULL}
#define PAYLOADS(name)			{name, PGWF_FIELD_PAYLOADS, NULL}
#define PAYLOAD_MAP(name)		{name, PGWF_FIELD_PAYLOAD_MAP, NULL}
#define SEARCH_MAP(name)		{name, PGWF_FIELD_SEARCH_MAP, NULL}
#define PAYLOADS_MAP(name)		{name, PGWF_FIELD_PAYLOADS_MAP, NULL}
#define MESSAGE(name, fields)	{name, PGWF_FIELD_MESSAGE, fields}
#define MESSAGES(name, fields)	{name, PGWF_FIELD_MESSAGES, fields}
#define END						{NULL, PGWF_FIELD_PLAIN, NULL}

/* ---- messages within messages ---- */

const PgwfField pgwf_user_metadata_fields[] = {
	PAYLOAD("summary"),
	PAYLOAD("details"),
	END
};

/* a failure has its cause within it */
#define FAILURE_FIELDS 16
static const PgwfField failure[FAILURE_FIELDS];

static const PgwfField task_queue[] = {
	PLAIN("name"),
	PLAIN("kind"),
	PLAIN("normalName"),
	END
};

static const PgwfField execution[] = {
	PLAIN("workflowId"),
	PLAIN("runId"),
	END
};

static const PgwfField sdk_metadata[] = {
	PLAIN("coreUsedFlags"),
	PLAIN("langUsedFlags"),
	PLAIN("sdkName"),
	PLAIN("sdkVersion"),
	END
};

static const PgwfField header[] = {
	PAYLOAD_MAP("fields"),
	END
};

static const PgwfField memo[] = {
	PAYLOAD_MAP("fields"),
	END
};

static const PgwfField search_attributes[] = {
	SEARCH_MAP("indexedFields"),
	END
};

static const PgwfField retry_policy[] = {
	DURATION("initialInterval"),
	PLAIN("backoffCoefficient"),
	DURATION("maximumInterval"),
	PLAIN("maximumAttempts"),
	PLAIN("nonRetryableErrorTypes"),
	END
};

static const PgwfField event_reference[] = {
	INT64("eventId"),
	PLAIN("eventType"),
	END
};

static const PgwfField workflow_event_link[] = {
	PLAIN("namespace"),
	PLAIN("workflowId"),
	PLAIN("runId"),
	MESSAGE("eventRef", event_reference),
	PLAIN("requestIdRef"),
	END
};

static const PgwfField link[] = {
	MESSAGE("workflowEvent", workflow_event_link),
	PLAIN("batchJob"),
	PLAIN("activity"),
	PLAIN("nexusOperation"),
	PLAIN("workflow"),
	END
};

static const PgwfField callback[] = {
	PLAIN("nexus"),
	PLAIN("internal"),
	MESSAGES("links", link),
	END
};

static const PgwfField reset_point[] = {
	PLAIN("buildId"),
	PLAIN("binaryChecksum"),
	PLAIN("runId"),
	INT64("firstWorkflowTaskCompletedId"),
	TIME("createTime"),
	TIME("expireTime"),
	PLAIN("resettable"),
	END
};

static const PgwfField reset_points[] = {
	MESSAGES("points", reset_point),
	END
};

static const PgwfField auto_upgrade_info[] = {
	PLAIN("sourceDeploymentVersion"),
	INT64("sourceDeploymentRevisionNumber"),
	PLAIN("continueAsNewInitialVersioningBehavior"),
	END
};

static const PgwfField declined_upgrade[] = {
	PLAIN("deploymentVersion"),
	INT64("revisionNumber"),
	END
};

static const PgwfField application_failure[] = {
	PLAIN("type"),
	PLAIN("nonRetryable"),
	PAYLOADS("details"),
	DURATION("nextRetryDelay"),
	PLAIN("category"),
	END
};

static const PgwfField timeout_failure[] = {
	PLAIN("timeoutType"),
	PAYLOADS("lastHeartbeatDetails"),
	END
};

static const PgwfField canceled_failure[] = {
	PAYLOADS("details"),
	PLAIN("identity"),
	END
};

static const PgwfField reset_failure[] = {
	PAYLOADS("lastHeartbeatDetails"),
	END
};

static const PgwfField activity_failure[] = {
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("identity"),
	PLAIN("activityType"),
	PLAIN("activityId"),
	PLAIN("retryState"),
	END
};

static const PgwfField child_failure[] = {
	PLAIN("namespace"),
	MESSAGE("workflowExecution", execution),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	PLAIN("retryState"),
	END
};

static const PgwfField nexus_failure[] = {
	INT64("scheduledEventId"),
	PLAIN("endpoint"),
	PLAIN("service"),
	PLAIN("operation"),
	PLAIN("operationId"),
	PLAIN("operationToken"),
	END
};

static const PgwfField failure[FAILURE_FIELDS] = {
	PLAIN("message"),
	PLAIN("source"),
	PLAIN("stackTrace"),
	PAYLOAD("encodedAttributes"),
	MESSAGE("cause", failure),
	MESSAGE("applicationFailureInfo", application_failure),
	MESSAGE("timeoutFailureInfo", timeout_failure),
	MESSAGE("canceledFailureInfo", canceled_failure),
	PLAIN("terminatedFailureInfo"),
	PLAIN("serverFailureInfo"),
	MESSAGE("resetWorkflowFailureInfo", reset_failure),
	MESSAGE("activityFailureInfo", activity_failure),
	MESSAGE("childWorkflowExecutionFailureInfo", child_failure),
	MESSAGE("nexusOperationExecutionFailureInfo", nexus_failure),
	PLAIN("nexusHandlerFailureInfo"),
	END
};

static const PgwfField update_input[] = {
	MESSAGE("header", header),
	PLAIN("name"),
	PAYLOADS("args"),
	END
};

static const PgwfField update_request[] = {
	PLAIN("meta"),
	MESSAGE("input", update_input),
	PLAIN("requestId"),
	MESSAGES("completionCallbacks", callback),
	MESSAGES("links", link),
	END
};

static const PgwfField update_outcome[] = {
	PAYLOADS("success"),
	MESSAGE("failure", failure),
	END
};

static const PgwfField update_options[] = {
	PLAIN("updateId"),
	PLAIN("attachedRequestId"),
	MESSAGES("attachedCompletionCallbacks", callback),
	END
};

/* ---- attributes of events, in the order of event types ---- */

static const PgwfField workflow_execution_started[] = {
	PLAIN("workflowType"),
	PLAIN("parentWorkflowNamespace"),
	PLAIN("parentWorkflowNamespaceId"),
	MESSAGE("parentWorkflowExecution", execution),
	INT64("parentInitiatedEventId"),
	MESSAGE("taskQueue", task_queue),
	PAYLOADS("input"),
	DURATION("workflowExecutionTimeout"),
	DURATION("workflowRunTimeout"),
	DURATION("workflowTaskTimeout"),
	PLAIN("continuedExecutionRunId"),
	PLAIN("initiator"),
	MESSAGE("continuedFailure", failure),
	PAYLOADS("lastCompletionResult"),
	PLAIN("originalExecutionRunId"),
	PLAIN("identity"),
	PLAIN("firstExecutionRunId"),
	MESSAGE("retryPolicy", retry_policy),
	PLAIN("attempt"),
	TIME("workflowExecutionExpirationTime"),
	PLAIN("cronSchedule"),
	DURATION("firstWorkflowTaskBackoff"),
	MESSAGE("memo", memo),
	MESSAGE("searchAttributes", search_attributes),
	MESSAGE("prevAutoResetPoints", reset_points),
	MESSAGE("header", header),
	INT64("parentInitiatedEventVersion"),
	PLAIN("workflowId"),
	PLAIN("sourceVersionStamp"),
	MESSAGES("completionCallbacks", callback),
	MESSAGE("rootWorkflowExecution", execution),
	PLAIN("inheritedBuildId"),
	PLAIN("versioningOverride"),
	PLAIN("parentPinnedWorkerDeploymentVersion"),
	PLAIN("priority"),
	PLAIN("inheritedPinnedVersion"),
	MESSAGE("inheritedAutoUpgradeInfo", auto_upgrade_info),
	PLAIN("eagerExecutionAccepted"),
	MESSAGE("declinedTargetVersionUpgrade", declined_upgrade),
	PLAIN("timeSkippingConfig"),
	PLAIN("timeSkippingStatePropagation"),
	END
};

static const PgwfField workflow_execution_completed[] = {
	PAYLOADS("result"),
	INT64("workflowTaskCompletedEventId"),
	PLAIN("newExecutionRunId"),
	END
};

static const PgwfField workflow_execution_failed[] = {
	MESSAGE("failure", failure),
	PLAIN("retryState"),
	INT64("workflowTaskCompletedEventId"),
	PLAIN("newExecutionRunId"),
	END
};

static const PgwfField workflow_execution_timed_out[] = {
	PLAIN("retryState"),
	PLAIN("newExecutionRunId"),
	END
};

static const PgwfField workflow_task_scheduled[] = {
	MESSAGE("taskQueue", task_queue),
	DURATION("startToCloseTimeout"),
	PLAIN("attempt"),
	END
};

static const PgwfField workflow_task_started[] = {
	INT64("scheduledEventId"),
	PLAIN("identity"),
	PLAIN("requestId"),
	PLAIN("suggestContinueAsNew"),
	PLAIN("suggestContinueAsNewReasons"),
	PLAIN("targetWorkerDeploymentVersionChanged"),
	INT64("historySizeBytes"),
	PLAIN("workerVersion"),
	INT64("buildIdRedirectCounter"),
	END
};

static const PgwfField workflow_task_completed[] = {
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("identity"),
	PLAIN("binaryChecksum"),
	PLAIN("workerVersion"),
	MESSAGE("sdkMetadata", sdk_metadata),
	PLAIN("meteringMetadata"),
	PLAIN("deployment"),
	PLAIN("versioningBehavior"),
	PLAIN("workerDeploymentVersion"),
	PLAIN("workerDeploymentName"),
	PLAIN("deploymentVersion"),
	END
};

static const PgwfField workflow_task_timed_out[] = {
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("timeoutType"),
	END
};

static const PgwfField workflow_task_failed[] = {
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("cause"),
	MESSAGE("failure", failure),
	PLAIN("identity"),
	PLAIN("baseRunId"),
	PLAIN("newRunId"),
	INT64("forkEventVersion"),
	PLAIN("binaryChecksum"),
	PLAIN("workerVersion"),
	END
};

static const PgwfField activity_task_scheduled[] = {
	PLAIN("activityId"),
	PLAIN("activityType"),
	MESSAGE("taskQueue", task_queue),
	MESSAGE("header", header),
	PAYLOADS("input"),
	DURATION("scheduleToCloseTimeout"),
	DURATION("scheduleToStartTimeout"),
	DURATION("startToCloseTimeout"),
	DURATION("heartbeatTimeout"),
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("retryPolicy", retry_policy),
	PLAIN("useWorkflowBuildId"),
	PLAIN("priority"),
	END
};

static const PgwfField activity_task_started[] = {
	INT64("scheduledEventId"),
	PLAIN("identity"),
	PLAIN("requestId"),
	PLAIN("attempt"),
	MESSAGE("lastFailure", failure),
	PLAIN("workerVersion"),
	INT64("buildIdRedirectCounter"),
	END
};

static const PgwfField activity_task_completed[] = {
	PAYLOADS("result"),
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("identity"),
	PLAIN("workerVersion"),
	END
};

static const PgwfField activity_task_failed[] = {
	MESSAGE("failure", failure),
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("identity"),
	PLAIN("retryState"),
	PLAIN("workerVersion"),
	END
};

static const PgwfField activity_task_timed_out[] = {
	MESSAGE("failure", failure),
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("retryState"),
	END
};

static const PgwfField activity_task_cancel_requested[] = {
	INT64("scheduledEventId"),
	INT64("workflowTaskCompletedEventId"),
	END
};

static const PgwfField activity_task_canceled[] = {
	PAYLOADS("details"),
	INT64("latestCancelRequestedEventId"),
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("identity"),
	PLAIN("workerVersion"),
	END
};

static const PgwfField timer_started[] = {
	PLAIN("timerId"),
	DURATION("startToFireTimeout"),
	INT64("workflowTaskCompletedEventId"),
	END
};

static const PgwfField timer_fired[] = {
	PLAIN("timerId"),
	INT64("startedEventId"),
	END
};

static const PgwfField timer_canceled[] = {
	PLAIN("timerId"),
	INT64("startedEventId"),
	INT64("workflowTaskCompletedEventId"),
	PLAIN("identity"),
	END
};

static const PgwfField workflow_execution_cancel_requested[] = {
	PLAIN("cause"),
	INT64("externalInitiatedEventId"),
	MESSAGE("externalWorkflowExecution", execution),
	PLAIN("identity"),
	END
};

static const PgwfField workflow_execution_canceled[] = {
	INT64("workflowTaskCompletedEventId"),
	PAYLOADS("details"),
	END
};

static const PgwfField request_cancel_external_initiated[] = {
	INT64("workflowTaskCompletedEventId"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("control"),
	PLAIN("childWorkflowOnly"),
	PLAIN("reason"),
	END
};

static const PgwfField request_cancel_external_failed[] = {
	PLAIN("cause"),
	INT64("workflowTaskCompletedEventId"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	INT64("initiatedEventId"),
	PLAIN("control"),
	END
};

static const PgwfField external_cancel_requested[] = {
	INT64("initiatedEventId"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	END
};

static const PgwfField marker_recorded[] = {
	PLAIN("markerName"),
	PAYLOADS_MAP("details"),
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("header", header),
	MESSAGE("failure", failure),
	END
};

static const PgwfField workflow_execution_signaled[] = {
	PLAIN("signalName"),
	PAYLOADS("input"),
	PLAIN("identity"),
	MESSAGE("header", header),
	PLAIN("skipGenerateWorkflowTask"),
	MESSAGE("externalWorkflowExecution", execution),
	PLAIN("requestId"),
	END
};

static const PgwfField workflow_execution_terminated[] = {
	PLAIN("reason"),
	PAYLOADS("details"),
	PLAIN("identity"),
	END
};

static const PgwfField workflow_execution_continued_as_new[] = {
	PLAIN("newExecutionRunId"),
	PLAIN("workflowType"),
	MESSAGE("taskQueue", task_queue),
	PAYLOADS("input"),
	DURATION("workflowRunTimeout"),
	DURATION("workflowTaskTimeout"),
	INT64("workflowTaskCompletedEventId"),
	DURATION("backoffStartInterval"),
	PLAIN("initiator"),
	MESSAGE("failure", failure),
	PAYLOADS("lastCompletionResult"),
	MESSAGE("header", header),
	MESSAGE("memo", memo),
	MESSAGE("searchAttributes", search_attributes),
	PLAIN("inheritBuildId"),
	PLAIN("initialVersioningBehavior"),
	END
};

static const PgwfField start_child_initiated[] = {
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	PLAIN("workflowId"),
	PLAIN("workflowType"),
	MESSAGE("taskQueue", task_queue),
	PAYLOADS("input"),
	DURATION("workflowExecutionTimeout"),
	DURATION("workflowRunTimeout"),
	DURATION("workflowTaskTimeout"),
	PLAIN("parentClosePolicy"),
	PLAIN("control"),
	INT64("workflowTaskCompletedEventId"),
	PLAIN("workflowIdReusePolicy"),
	MESSAGE("retryPolicy", retry_policy),
	PLAIN("cronSchedule"),
	MESSAGE("header", header),
	MESSAGE("memo", memo),
	MESSAGE("searchAttributes", search_attributes),
	PLAIN("inheritBuildId"),
	PLAIN("priority"),
	PLAIN("timeSkippingConfig"),
	PLAIN("timeSkippingStatePropagation"),
	PLAIN("versioningOverride"),
	END
};

static const PgwfField start_child_failed[] = {
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	PLAIN("workflowId"),
	PLAIN("workflowType"),
	PLAIN("cause"),
	PLAIN("control"),
	INT64("initiatedEventId"),
	INT64("workflowTaskCompletedEventId"),
	END
};

static const PgwfField child_started[] = {
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	INT64("initiatedEventId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("workflowType"),
	MESSAGE("header", header),
	END
};

static const PgwfField child_completed[] = {
	PAYLOADS("result"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	END
};

static const PgwfField child_failed[] = {
	MESSAGE("failure", failure),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	PLAIN("retryState"),
	END
};

static const PgwfField child_canceled[] = {
	PAYLOADS("details"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	END
};

static const PgwfField child_timed_out[] = {
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	PLAIN("retryState"),
	END
};

static const PgwfField child_terminated[] = {
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	END
};

static const PgwfField signal_external_initiated[] = {
	INT64("workflowTaskCompletedEventId"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("signalName"),
	PAYLOADS("input"),
	PLAIN("control"),
	PLAIN("childWorkflowOnly"),
	MESSAGE("header", header),
	END
};

static const PgwfField external_signaled[] = {
	INT64("initiatedEventId"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", execution),
	PLAIN("control"),
	END
};

static const PgwfField upsert_search_attributes[] = {
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("searchAttributes", search_attributes),
	END
};

static const PgwfField update_accepted[] = {
	PLAIN("protocolInstanceId"),
	PLAIN("acceptedRequestMessageId"),
	INT64("acceptedRequestSequencingEventId"),
	MESSAGE("acceptedRequest", update_request),
	END
};

static const PgwfField update_rejected[] = {
	PLAIN("protocolInstanceId"),
	PLAIN("rejectedRequestMessageId"),
	INT64("rejectedRequestSequencingEventId"),
	MESSAGE("rejectedRequest", update_request),
	MESSAGE("failure", failure),
	END
};

static const PgwfField update_completed[] = {
	PLAIN("meta"),
	INT64("acceptedEventId"),
	MESSAGE("outcome", update_outcome),
	END
};

static const PgwfField workflow_properties_modified_externally[] = {
	MESSAGE("newTaskQueue", task_queue),
	DURATION("newWorkflowTaskTimeout"),
	DURATION("newWorkflowRunTimeout"),
	DURATION("newWorkflowExecutionTimeout"),
	MESSAGE("upsertedMemo", memo),
	END
};

static const PgwfField activity_properties_modified_externally[] = {
	INT64("scheduledEventId"),
	MESSAGE("newRetryPolicy", retry_policy),
	END
};

static const PgwfField workflow_properties_modified[] = {
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("upsertedMemo", memo),
	END
};

static const PgwfField update_admitted[] = {
	MESSAGE("request", update_request),
	PLAIN("origin"),
	END
};

static const PgwfField nexus_operation_scheduled[] = {
	PLAIN("endpoint"),
	PLAIN("service"),
	PLAIN("operation"),
	PAYLOAD("input"),
	DURATION("scheduleToCloseTimeout"),
	PLAIN("nexusHeader"),
	INT64("workflowTaskCompletedEventId"),
	PLAIN("requestId"),
	PLAIN("endpointId"),
	DURATION("scheduleToStartTimeout"),
	DURATION("startToCloseTimeout"),
	END
};

static const PgwfField nexus_operation_started[] = {
	INT64("scheduledEventId"),
	PLAIN("operationId"),
	PLAIN("requestId"),
	PLAIN("operationToken"),
	END
};

static const PgwfField nexus_operation_completed[] = {
	INT64("scheduledEventId"),
	PAYLOAD("result"),
	PLAIN("requestId"),
	END
};

static const PgwfField nexus_operation_failed[] = {
	INT64("scheduledEventId"),
	MESSAGE("failure", failure),
	PLAIN("requestId"),
	END
};

static const PgwfField workflow_execution_options_updated[] = {
	PLAIN("versioningOverride"),
	PLAIN("unsetVersioningOverride"),
	PLAIN("attachedRequestId"),
	MESSAGES("attachedCompletionCallbacks", callback),
	PLAIN("identity"),
	PLAIN("priority"),
	PLAIN("timeSkippingConfig"),
	PLAIN("timeSkippingConfigUpdated"),
	MESSAGES("workflowUpdateOptions", update_options),
	END
};

static const PgwfField nexus_operation_cancel_request_completed[] = {
	INT64("requestedEventId"),
	INT64("workflowTaskCompletedEventId"),
	INT64("scheduledEventId"),
	END
};

static const PgwfField nexus_operation_cancel_request_failed[] = {
	INT64("requestedEventId"),
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("failure", failure),
	INT64("scheduledEventId"),
	END
};

static const PgwfField workflow_execution_paused[] = {
	PLAIN("identity"),
	PLAIN("reason"),
	PLAIN("requestId"),
	END
};

static const PgwfField workflow_execution_time_skipping_transitioned[] = {
	TIME("targetTime"),
	PLAIN("disabledAfterFastForward"),
	TIME("wallClockTime"),
	END
};

const PgwfField *const pgwf_event_fields[PGWF_EVENT_TYPE_COUNT + 1] = {
	[PGWF_EVENT_WORKFLOW_EXECUTION_STARTED] =
	workflow_execution_started,
	[PGWF_EVENT_WORKFLOW_EXECUTION_COMPLETED] =
	workflow_execution_completed,
	[PGWF_EVENT_WORKFLOW_EXECUTION_FAILED] =
	workflow_execution_failed,
	[PGWF_EVENT_WORKFLOW_EXECUTION_TIMED_OUT] =
	workflow_execution_timed_out,
	[PGWF_EVENT_WORKFLOW_TASK_SCHEDULED] =
	workflow_task_scheduled,
	[PGWF_EVENT_WORKFLOW_TASK_STARTED] =
	workflow_task_started,
	[PGWF_EVENT_WORKFLOW_TASK_COMPLETED] =
	workflow_task_completed,
	[PGWF_EVENT_WORKFLOW_TASK_TIMED_OUT] =
	workflow_task_timed_out,
	[PGWF_EVENT_WORKFLOW_TASK_FAILED] =
	workflow_task_failed,
	[PGWF_EVENT_ACTIVITY_TASK_SCHEDULED] =
	activity_task_scheduled,
	[PGWF_EVENT_ACTIVITY_TASK_STARTED] =
	activity_task_started,
	[PGWF_EVENT_ACTIVITY_TASK_COMPLETED] =
	activity_task_completed,
	[PGWF_EVENT_ACTIVITY_TASK_FAILED] =
	activity_task_failed,
	[PGWF_EVENT_ACTIVITY_TASK_TIMED_OUT] =
	activity_task_timed_out,
	[PGWF_EVENT_ACTIVITY_TASK_CANCEL_REQUESTED] =
	activity_task_cancel_requested,
	[PGWF_EVENT_ACTIVITY_TASK_CANCELED] =
	activity_task_canceled,
	[PGWF_EVENT_TIMER_STARTED] =
	timer_started,
	[PGWF_EVENT_TIMER_FIRED] =
	timer_fired,
	[PGWF_EVENT_TIMER_CANCELED] =
	timer_canceled,
	[PGWF_EVENT_WORKFLOW_EXECUTION_CANCEL_REQUESTED] =
	workflow_execution_cancel_requested,
	[PGWF_EVENT_WORKFLOW_EXECUTION_CANCELED] =
	workflow_execution_canceled,
	[PGWF_EVENT_REQUEST_CANCEL_EXTERNAL_INITIATED] =
	request_cancel_external_initiated,
	[PGWF_EVENT_REQUEST_CANCEL_EXTERNAL_FAILED] =
	request_cancel_external_failed,
	[PGWF_EVENT_EXTERNAL_CANCEL_REQUESTED] =
	external_cancel_requested,
	[PGWF_EVENT_MARKER_RECORDED] =
	marker_recorded,
	[PGWF_EVENT_WORKFLOW_EXECUTION_SIGNALED] =
	workflow_execution_signaled,
	[PGWF_EVENT_WORKFLOW_EXECUTION_TERMINATED] =
	workflow_execution_terminated,
	[PGWF_EVENT_WORKFLOW_EXECUTION_CONTINUED_AS_NEW] =
	workflow_execution_continued_as_new,
	[PGWF_EVENT_START_CHILD_INITIATED] =
	start_child_initiated,
	[PGWF_EVENT_START_CHILD_FAILED] =
	start_child_failed,
	[PGWF_EVENT_CHILD_STARTED] =
	child_started,
	[PGWF_EVENT_CHILD_COMPLETED] =
	child_completed,
	[PGWF_EVENT_CHILD_FAILED] =
	child_failed,
	[PGWF_EVENT_CHILD_CANCELED] =
	child_canceled,
	[PGWF_EVENT_CHILD_TIMED_OUT] =
	child_timed_out,
	[PGWF_EVENT_CHILD_TERMINATED] =
	child_terminated,
	[PGWF_EVENT_SIGNAL_EXTERNAL_INITIATED] =
	signal_external_initiated,
	[PGWF_EVENT_SIGNAL_EXTERNAL_FAILED] =
	request_cancel_external_failed,
	[PGWF_EVENT_EXTERNAL_SIGNALED] =
	external_signaled,
	[PGWF_EVENT_UPSERT_SEARCH_ATTRIBUTES] =
	upsert_search_attributes,
	[PGWF_EVENT_UPDATE_ACCEPTED] =
	update_accepted,
	[PGWF_EVENT_UPDATE_REJECTED] =
	update_rejected,
	[PGWF_EVENT_UPDATE_COMPLETED] =
	update_completed,
	[PGWF_EVENT_WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY] =
	workflow_properties_modified_externally,
	[PGWF_EVENT_ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY] =
	activity_properties_modified_externally,
	[PGWF_EVENT_WORKFLOW_PROPERTIES_MODIFIED] =
	workflow_properties_modified,
	[PGWF_EVENT_UPDATE_ADMITTED] =
	update_admitted,
	[PGWF_EVENT_NEXUS_OPERATION_SCHEDULED] =
	nexus_operation_scheduled,
	[PGWF_EVENT_NEXUS_OPERATION_STARTED] =
	nexus_operation_started,
	[PGWF_EVENT_NEXUS_OPERATION_COMPLETED] =
	nexus_operation_completed,
	[PGWF_EVENT_NEXUS_OPERATION_FAILED] =
	nexus_operation_failed,
	[PGWF_EVENT_NEXUS_OPERATION_CANCELED] =
	nexus_operation_failed,
	[PGWF_EVENT_NEXUS_OPERATION_TIMED_OUT] =
	nexus_operation_failed,
	[PGWF_EVENT_NEXUS_OPERATION_CANCEL_REQUESTED] =
	activity_task_cancel_requested,
	[PGWF_EVENT_WORKFLOW_EXECUTION_OPTIONS_UPDATED] =
	workflow_execution_options_updated,
	[PGWF_EVENT_NEXUS_OPERATION_CANCEL_REQUEST_COMPLETED] =
	nexus_operation_cancel_request_completed,
	[PGWF_EVENT_NEXUS_OPERATION_CANCEL_REQUEST_FAILED] =
	nexus_operation_cancel_request_failed,
	[PGWF_EVENT_WORKFLOW_EXECUTION_PAUSED] =
	workflow_execution_paused,
	[PGWF_EVENT_WORKFLOW_EXECUTION_UNPAUSED] =
	workflow_execution_paused,
	[PGWF_EVENT_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED] =
	workflow_execution_time_skipping_transitioned
};
