/*-------------------------------------------------------------------------
 *
 * pgwf_export_message.c
 *		The messages within the events of Temporal's history files.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_export_schema.h"

const PgwfField pgwf_user_metadata_fields[] = {
	PAYLOAD("summary"),
	PAYLOAD("details"),
	END
};

const PgwfField pgwf_task_queue_fields[] = {
	PLAIN("name"),
	PLAIN("kind"),
	PLAIN("normalName"),
	END
};

const PgwfField pgwf_execution_fields[] = {
	PLAIN("workflowId"),
	PLAIN("runId"),
	END
};

const PgwfField pgwf_sdk_metadata_fields[] = {
	PLAIN("coreUsedFlags"),
	PLAIN("langUsedFlags"),
	PLAIN("sdkName"),
	PLAIN("sdkVersion"),
	END
};

const PgwfField pgwf_header_fields[] = {
	PAYLOAD_MAP("fields"),
	END
};

const PgwfField pgwf_memo_fields[] = {
	PAYLOAD_MAP("fields"),
	END
};

const PgwfField pgwf_search_attributes_fields[] = {
	SEARCH_MAP("indexedFields"),
	END
};

const PgwfField pgwf_retry_policy_fields[] = {
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

const PgwfField pgwf_callback_fields[] = {
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

const PgwfField pgwf_reset_points_fields[] = {
	MESSAGES("points", reset_point),
	END
};

const PgwfField pgwf_auto_upgrade_info_fields[] = {
	PLAIN("sourceDeploymentVersion"),
	INT64("sourceDeploymentRevisionNumber"),
	PLAIN("continueAsNewInitialVersioningBehavior"),
	END
};

const PgwfField pgwf_declined_upgrade_fields[] = {
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
	MESSAGE("workflowExecution", pgwf_execution_fields),
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

const PgwfField pgwf_failure_fields[] = {
	PLAIN("message"),
	PLAIN("source"),
	PLAIN("stackTrace"),
	PAYLOAD("encodedAttributes"),
	MESSAGE("cause", pgwf_failure_fields),
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
	MESSAGE("header", pgwf_header_fields),
	PLAIN("name"),
	PAYLOADS("args"),
	END
};

const PgwfField pgwf_update_request_fields[] = {
	PLAIN("meta"),
	MESSAGE("input", update_input),
	PLAIN("requestId"),
	MESSAGES("completionCallbacks", pgwf_callback_fields),
	MESSAGES("links", link),
	END
};

const PgwfField pgwf_update_outcome_fields[] = {
	PAYLOADS("success"),
	MESSAGE("failure", pgwf_failure_fields),
	END
};

const PgwfField pgwf_update_options_fields[] = {
	PLAIN("updateId"),
	PLAIN("attachedRequestId"),
	MESSAGES("attachedCompletionCallbacks", pgwf_callback_fields),
	END
};
