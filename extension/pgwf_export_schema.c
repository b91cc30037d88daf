/*-------------------------------------------------------------------------
 *
 * pgwf_export_schema.c
 *		The attributes of events in Temporal's history files, in the order of
 *		event types.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_export_schema.h"

static const PgwfField workflow_execution_started[] = {
	PLAIN("workflowType"),
	PLAIN("parentWorkflowNamespace"),
	PLAIN("parentWorkflowNamespaceId"),
	MESSAGE("parentWorkflowExecution", pgwf_execution_fields),
	INT64("parentInitiatedEventId"),
	MESSAGE("taskQueue", pgwf_task_queue_fields),
	PAYLOADS("input"),
	DURATION("workflowExecutionTimeout"),
	DURATION("workflowRunTimeout"),
	DURATION("workflowTaskTimeout"),
	PLAIN("continuedExecutionRunId"),
	PLAIN("initiator"),
	MESSAGE("continuedFailure", pgwf_failure_fields),
	PAYLOADS("lastCompletionResult"),
	PLAIN("originalExecutionRunId"),
	PLAIN("identity"),
	PLAIN("firstExecutionRunId"),
	MESSAGE("retryPolicy", pgwf_retry_policy_fields),
	PLAIN("attempt"),
	TIME("workflowExecutionExpirationTime"),
	PLAIN("cronSchedule"),
	DURATION("firstWorkflowTaskBackoff"),
	MESSAGE("memo", pgwf_memo_fields),
	MESSAGE("searchAttributes", pgwf_search_attributes_fields),
	MESSAGE("prevAutoResetPoints", pgwf_reset_points_fields),
	MESSAGE("header", pgwf_header_fields),
	INT64("parentInitiatedEventVersion"),
	PLAIN("workflowId"),
	PLAIN("sourceVersionStamp"),
	MESSAGES("completionCallbacks", pgwf_callback_fields),
	MESSAGE("rootWorkflowExecution", pgwf_execution_fields),
	PLAIN("inheritedBuildId"),
	PLAIN("versioningOverride"),
	PLAIN("parentPinnedWorkerDeploymentVersion"),
	PLAIN("priority"),
	PLAIN("inheritedPinnedVersion"),
	MESSAGE("inheritedAutoUpgradeInfo", pgwf_auto_upgrade_info_fields),
	PLAIN("eagerExecutionAccepted"),
	MESSAGE("declinedTargetVersionUpgrade", pgwf_declined_upgrade_fields),
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
	MESSAGE("failure", pgwf_failure_fields),
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
	MESSAGE("taskQueue", pgwf_task_queue_fields),
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
	MESSAGE("sdkMetadata", pgwf_sdk_metadata_fields),
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
	MESSAGE("failure", pgwf_failure_fields),
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
	MESSAGE("taskQueue", pgwf_task_queue_fields),
	MESSAGE("header", pgwf_header_fields),
	PAYLOADS("input"),
	DURATION("scheduleToCloseTimeout"),
	DURATION("scheduleToStartTimeout"),
	DURATION("startToCloseTimeout"),
	DURATION("heartbeatTimeout"),
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("retryPolicy", pgwf_retry_policy_fields),
	PLAIN("useWorkflowBuildId"),
	PLAIN("priority"),
	END
};

static const PgwfField activity_task_started[] = {
	INT64("scheduledEventId"),
	PLAIN("identity"),
	PLAIN("requestId"),
	PLAIN("attempt"),
	MESSAGE("lastFailure", pgwf_failure_fields),
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
	MESSAGE("failure", pgwf_failure_fields),
	INT64("scheduledEventId"),
	INT64("startedEventId"),
	PLAIN("identity"),
	PLAIN("retryState"),
	PLAIN("workerVersion"),
	END
};

static const PgwfField activity_task_timed_out[] = {
	MESSAGE("failure", pgwf_failure_fields),
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
	MESSAGE("externalWorkflowExecution", pgwf_execution_fields),
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
	MESSAGE("workflowExecution", pgwf_execution_fields),
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
	MESSAGE("workflowExecution", pgwf_execution_fields),
	INT64("initiatedEventId"),
	PLAIN("control"),
	END
};

static const PgwfField external_cancel_requested[] = {
	INT64("initiatedEventId"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", pgwf_execution_fields),
	END
};

static const PgwfField marker_recorded[] = {
	PLAIN("markerName"),
	PAYLOADS_MAP("details"),
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("header", pgwf_header_fields),
	MESSAGE("failure", pgwf_failure_fields),
	END
};

static const PgwfField workflow_execution_signaled[] = {
	PLAIN("signalName"),
	PAYLOADS("input"),
	PLAIN("identity"),
	MESSAGE("header", pgwf_header_fields),
	PLAIN("skipGenerateWorkflowTask"),
	MESSAGE("externalWorkflowExecution", pgwf_execution_fields),
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
	MESSAGE("taskQueue", pgwf_task_queue_fields),
	PAYLOADS("input"),
	DURATION("workflowRunTimeout"),
	DURATION("workflowTaskTimeout"),
	INT64("workflowTaskCompletedEventId"),
	DURATION("backoffStartInterval"),
	PLAIN("initiator"),
	MESSAGE("failure", pgwf_failure_fields),
	PAYLOADS("lastCompletionResult"),
	MESSAGE("header", pgwf_header_fields),
	MESSAGE("memo", pgwf_memo_fields),
	MESSAGE("searchAttributes", pgwf_search_attributes_fields),
	PLAIN("inheritBuildId"),
	PLAIN("initialVersioningBehavior"),
	END
};

static const PgwfField start_child_initiated[] = {
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	PLAIN("workflowId"),
	PLAIN("workflowType"),
	MESSAGE("taskQueue", pgwf_task_queue_fields),
	PAYLOADS("input"),
	DURATION("workflowExecutionTimeout"),
	DURATION("workflowRunTimeout"),
	DURATION("workflowTaskTimeout"),
	PLAIN("parentClosePolicy"),
	PLAIN("control"),
	INT64("workflowTaskCompletedEventId"),
	PLAIN("workflowIdReusePolicy"),
	MESSAGE("retryPolicy", pgwf_retry_policy_fields),
	PLAIN("cronSchedule"),
	MESSAGE("header", pgwf_header_fields),
	MESSAGE("memo", pgwf_memo_fields),
	MESSAGE("searchAttributes", pgwf_search_attributes_fields),
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
	MESSAGE("workflowExecution", pgwf_execution_fields),
	PLAIN("workflowType"),
	MESSAGE("header", pgwf_header_fields),
	END
};

static const PgwfField child_completed[] = {
	PAYLOADS("result"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", pgwf_execution_fields),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	END
};

static const PgwfField child_failed[] = {
	MESSAGE("failure", pgwf_failure_fields),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", pgwf_execution_fields),
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
	MESSAGE("workflowExecution", pgwf_execution_fields),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	END
};

static const PgwfField child_timed_out[] = {
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", pgwf_execution_fields),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	PLAIN("retryState"),
	END
};

static const PgwfField child_terminated[] = {
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", pgwf_execution_fields),
	PLAIN("workflowType"),
	INT64("initiatedEventId"),
	INT64("startedEventId"),
	END
};

static const PgwfField signal_external_initiated[] = {
	INT64("workflowTaskCompletedEventId"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", pgwf_execution_fields),
	PLAIN("signalName"),
	PAYLOADS("input"),
	PLAIN("control"),
	PLAIN("childWorkflowOnly"),
	MESSAGE("header", pgwf_header_fields),
	END
};

static const PgwfField external_signaled[] = {
	INT64("initiatedEventId"),
	PLAIN("namespace"),
	PLAIN("namespaceId"),
	MESSAGE("workflowExecution", pgwf_execution_fields),
	PLAIN("control"),
	END
};

static const PgwfField upsert_search_attributes[] = {
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("searchAttributes", pgwf_search_attributes_fields),
	END
};

static const PgwfField update_accepted[] = {
	PLAIN("protocolInstanceId"),
	PLAIN("acceptedRequestMessageId"),
	INT64("acceptedRequestSequencingEventId"),
	MESSAGE("acceptedRequest", pgwf_update_request_fields),
	END
};

static const PgwfField update_rejected[] = {
	PLAIN("protocolInstanceId"),
	PLAIN("rejectedRequestMessageId"),
	INT64("rejectedRequestSequencingEventId"),
	MESSAGE("rejectedRequest", pgwf_update_request_fields),
	MESSAGE("failure", pgwf_failure_fields),
	END
};

static const PgwfField update_completed[] = {
	PLAIN("meta"),
	INT64("acceptedEventId"),
	MESSAGE("outcome", pgwf_update_outcome_fields),
	END
};

static const PgwfField workflow_properties_modified_externally[] = {
	MESSAGE("newTaskQueue", pgwf_task_queue_fields),
	DURATION("newWorkflowTaskTimeout"),
	DURATION("newWorkflowRunTimeout"),
	DURATION("newWorkflowExecutionTimeout"),
	MESSAGE("upsertedMemo", pgwf_memo_fields),
	END
};

static const PgwfField activity_properties_modified_externally[] = {
	INT64("scheduledEventId"),
	MESSAGE("newRetryPolicy", pgwf_retry_policy_fields),
	END
};

static const PgwfField workflow_properties_modified[] = {
	INT64("workflowTaskCompletedEventId"),
	MESSAGE("upsertedMemo", pgwf_memo_fields),
	END
};

static const PgwfField update_admitted[] = {
	MESSAGE("request", pgwf_update_request_fields),
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
	MESSAGE("failure", pgwf_failure_fields),
	PLAIN("requestId"),
	END
};

static const PgwfField workflow_execution_options_updated[] = {
	PLAIN("versioningOverride"),
	PLAIN("unsetVersioningOverride"),
	PLAIN("attachedRequestId"),
	MESSAGES("attachedCompletionCallbacks", pgwf_callback_fields),
	PLAIN("identity"),
	PLAIN("priority"),
	PLAIN("timeSkippingConfig"),
	PLAIN("timeSkippingConfigUpdated"),
	MESSAGES("workflowUpdateOptions", pgwf_update_options_fields),
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
	MESSAGE("failure", pgwf_failure_fields),
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
