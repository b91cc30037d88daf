/*-------------------------------------------------------------------------
 *
 * pgwf_words.c
 *		Numbers for the words that histories are full of.
 *
 * The numbers are stored in histories: the list may only be added to at its
 * end.  The first 31 words take one byte each, the others two.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "pgwf_words.h"

static const char *const words[] = {
	"identity",
	"scheduledEventId",
	"startedEventId",
	"workflowTaskCompletedEventId",
	"attempt",
	"name",
	"taskQueue",
	"kind",
	"TASK_QUEUE_KIND_NORMAL",
	"requestId",
	"historySizeBytes",
	"startToCloseTimeout",
	"10s",
	"TASK_QUEUE_KIND_STICKY",
	"normalName",
	"activityId",
	"activityType",
	"input",
	"result",
	"retryPolicy",
	"initialInterval",
	"1s",
	"maximumInterval",
	"100s",
	"backoffCoefficient",
	"workflowType",
	"workflowId",
	"firstExecutionRunId",
	"originalExecutionRunId",
	"workflowTaskTimeout",
	"sdkMetadata",
	"coreUsedFlags",
	"langUsedFlags",
	"sdkName",
	"sdkVersion",
	"workerVersion",
	"buildId",
	"deploymentName",
	"timerId",
	"startToFireTimeout",
	"signalName",
	"header",
	"fields",
	"heartbeatTimeout",
	"scheduleToCloseTimeout",
	"scheduleToStartTimeout",
	"maximumAttempts",
	"nonRetryableErrorTypes",
	"markerName",
	"details",
	"workflowExecution",
	"runId",
	"initiatedEventId",
	"namespace",
	"parentClosePolicy",
	"workflowIdReusePolicy",
	"workflowRunTimeout",
	"workflowExecutionTimeout",
	"memo",
	"searchAttributes",
	"indexedFields",
	"failure",
	"message",
	"source",
	"stackTrace",
	"applicationFailureInfo",
	"type",
	"nonRetryable",
	"cause",
	"activityFailureInfo",
	"timeoutFailureInfo",
	"timeoutType",
	"lastHeartbeatDetails",
	"canceledFailureInfo",
	"retryState",
	"acceptedRequest",
	"acceptedRequestMessageId",
	"acceptedRequestSequencingEventId",
	"meta",
	"updateId",
	"request",
	"args",
	"protocolInstanceId",
	"outcome",
	"success",
	"acceptedEventId",
	"parentWorkflowExecution",
	"parentInitiatedEventId",
	"parentWorkflowNamespace",
	"rootWorkflowExecution",
	"newExecutionRunId",
	"suggestContinueAsNew",
	"suggestContinueAsNewReasons",
	"lastFailure",
	"control",
	"priority",
	"priorityKey",
	"fairnessKey",
	"fairnessWeight",
	"deploymentVersion",
	"versioningBehavior",
	"workerDeploymentName",
	"reason",
	"@payload",
	"metadata",
	"data",
	"encoding",
	"summary",
	"id",
	"attachedCompletionCallbacks",
	"attachedRequestId",
	"backoffStartInterval",
	"baseRunId",
	"binaryChecksum",
	"buildIdRedirectCounter",
	"childWorkflowOnly",
	"completionCallbacks",
	"continuedExecutionRunId",
	"continuedFailure",
	"cronSchedule",
	"declinedTargetVersionUpgrade",
	"deployment",
	"disabledAfterFastForward",
	"eagerExecutionAccepted",
	"endpoint",
	"endpointId",
	"externalInitiatedEventId",
	"externalWorkflowExecution",
	"firstWorkflowTaskBackoff",
	"forkEventVersion",
	"inheritBuildId",
	"inheritedAutoUpgradeInfo",
	"inheritedBuildId",
	"inheritedPinnedVersion",
	"initialVersioningBehavior",
	"initiator",
	"lastCompletionResult",
	"latestCancelRequestedEventId",
	"meteringMetadata",
	"namespaceId",
	"newRetryPolicy",
	"newRunId",
	"newTaskQueue",
	"newWorkflowExecutionTimeout",
	"newWorkflowRunTimeout",
	"newWorkflowTaskTimeout",
	"nexusHeader",
	"operation",
	"operationId",
	"operationToken",
	"origin",
	"parentInitiatedEventVersion",
	"parentPinnedWorkerDeploymentVersion",
	"parentWorkflowNamespaceId",
	"prevAutoResetPoints",
	"rejectedRequest",
	"rejectedRequestMessageId",
	"rejectedRequestSequencingEventId",
	"requestedEventId",
	"service",
	"skipGenerateWorkflowTask",
	"sourceVersionStamp",
	"targetTime",
	"targetWorkerDeploymentVersionChanged",
	"timeSkippingConfig",
	"timeSkippingConfigUpdated",
	"timeSkippingStatePropagation",
	"unsetVersioningOverride",
	"upsertedMemo",
	"useWorkflowBuildId",
	"versioningOverride",
	"wallClockTime",
	"workerDeploymentVersion",
	"workflowExecutionExpirationTime",
	"workflowUpdateOptions",
	"CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND",
	"CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE",
	"CONTINUE_AS_NEW_INITIATOR_RETRY",
	"CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED",
	"CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
	"PARENT_CLOSE_POLICY_ABANDON",
	"PARENT_CLOSE_POLICY_REQUEST_CANCEL",
	"PARENT_CLOSE_POLICY_TERMINATE",
	"PARENT_CLOSE_POLICY_UNSPECIFIED",
	"RETRY_STATE_CANCEL_REQUESTED",
	"RETRY_STATE_IN_PROGRESS",
	"RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED",
	"RETRY_STATE_NON_RETRYABLE_FAILURE",
	"RETRY_STATE_RETRY_POLICY_NOT_SET",
	"RETRY_STATE_TIMEOUT",
	"SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND",
	"SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_SIGNAL_COUNT_LIMIT_EXCEEDED",
	"START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS",
	"SUGGEST_CONTINUE_AS_NEW_REASON_HISTORY_SIZE_TOO_LARGE",
	"SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_HISTORY_EVENTS",
	"SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_UPDATES",
	"TIMEOUT_TYPE_HEARTBEAT",
	"TIMEOUT_TYPE_SCHEDULE_TO_CLOSE",
	"TIMEOUT_TYPE_SCHEDULE_TO_START",
	"TIMEOUT_TYPE_START_TO_CLOSE",
	"UPDATE_ADMITTED_EVENT_ORIGIN_REAPPLY",
	"WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY",
	"WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_TIMER_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_WORKFLOW_EXECUTION_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_COMPLETE_WORKFLOW_EXECUTION_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_RECORD_MARKER_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES",
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE",
	"WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND",
	"WORKFLOW_TASK_FAILED_CAUSE_PENDING_ACTIVITIES_LIMIT_EXCEEDED",
	"WORKFLOW_TASK_FAILED_CAUSE_PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED",
	"WORKFLOW_TASK_FAILED_CAUSE_PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED",
	"WORKFLOW_TASK_FAILED_CAUSE_PENDING_SIGNALS_LIMIT_EXCEEDED",
	"WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW",
	"WORKFLOW_TASK_FAILED_CAUSE_SCHEDULE_ACTIVITY_DUPLICATE_ID",
	"WORKFLOW_TASK_FAILED_CAUSE_START_TIMER_DUPLICATE_ID",
	"WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND",
	"WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_PAUSE_REQUESTED_BEFORE_TASK_STARTED",
	"0s",
	"2s",
	"5s",
	"30s",
	"60s",
	"300s",
	"600s",
	"3600s",
	"pgworkflow-c",
};

#define WORD_COUNT	((int) lengthof(words))

/* A power of two, a few times as large as the list */
#define SLOT_COUNT	1024

static bool prepared = false;
static uint8 lengths[lengthof(words)];
static int16 slots[SLOT_COUNT]; /* number of a word plus 1; 0 is free */

StaticAssertDecl(lengthof(words) * 2 < SLOT_COUNT, "too few slots");

static uint32
first_slot(const char *text, int len)
{
	return hash_bytes((const unsigned char *) text, len) % SLOT_COUNT;
}

static void
prepare(void)
{
	for (int i = 0; i < WORD_COUNT; i++)
	{
		uint32		slot;

		lengths[i] = (uint8) strlen(words[i]);
		slot = first_slot(words[i], lengths[i]);
		while (slots[slot] != 0)
			slot = (slot + 1) % SLOT_COUNT;
		slots[slot] = (int16) (i + 1);
	}
	prepared = true;
}

/* The number of a word, or -1 if the text is none */
int
pgwf_word_find(const char *text, int len)
{
	if (!prepared)
		prepare();
	for (uint32 slot = first_slot(text, len); slots[slot] != 0;
		 slot = (slot + 1) % SLOT_COUNT)
	{
		int			number = slots[slot] - 1;

		if (lengths[number] == len && memcmp(words[number], text, len) == 0)
			return number;
	}
	return -1;
}

/* The word of a number, or NULL if there is none */
const char *
pgwf_word(uint64 number, int *len)
{
	if (!prepared)
		prepare();
	if (number >= WORD_COUNT)
		return NULL;
	*len = lengths[number];
	return words[number];
}
