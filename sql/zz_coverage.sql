--
-- What the tests before have produced, against what Temporal's specification
-- of commands and events lists (C&E 1, 2, 4): every event type with every
-- attribute, every constant, every reason for refusing a command.  What no
-- test produces must be listed below, with the reason.
--
\a
\t on

-- (calls at random do not count: what they reach is left to chance)
CREATE TEMP VIEW event AS
SELECT h.event_type::text AS event, h.attributes
FROM workflow.history_event AS h
JOIN workflow.execution AS e USING (namespace_id, run_key)
WHERE e.workflow_id NOT LIKE 'random %';

--
-- Events and their attributes
--
CREATE TEMP TABLE specified (event text, attribute text);
INSERT INTO specified
SELECT event, regexp_split_to_table(attributes, '\s+') FROM (VALUES
    ('WorkflowExecutionStarted', 'workflowType parentWorkflowNamespace
parentWorkflowNamespaceId parentWorkflowExecution parentInitiatedEventId
parentInitiatedEventVersion taskQueue input workflowExecutionTimeout
workflowRunTimeout workflowTaskTimeout continuedExecutionRunId initiator
continuedFailure lastCompletionResult originalExecutionRunId identity
firstExecutionRunId retryPolicy attempt workflowExecutionExpirationTime
cronSchedule firstWorkflowTaskBackoff memo searchAttributes
prevAutoResetPoints header workflowId completionCallbacks
rootWorkflowExecution versioningOverride inheritedPinnedVersion
inheritedAutoUpgradeInfo declinedTargetVersionUpgrade priority
eagerExecutionAccepted timeSkippingConfig timeSkippingStatePropagation'),
    ('WorkflowExecutionCompleted',
        'result workflowTaskCompletedEventId newExecutionRunId'),
    ('WorkflowExecutionFailed',
        'failure retryState workflowTaskCompletedEventId newExecutionRunId'),
    ('WorkflowExecutionTimedOut', 'retryState newExecutionRunId'),
    ('WorkflowExecutionCanceled', 'workflowTaskCompletedEventId details'),
    ('WorkflowExecutionTerminated', 'reason details identity'),
    ('WorkflowExecutionContinuedAsNew', 'newExecutionRunId workflowType
taskQueue input workflowRunTimeout workflowTaskTimeout
workflowTaskCompletedEventId backoffStartInterval initiator failure
lastCompletionResult header memo searchAttributes
initialVersioningBehavior'),
    ('WorkflowExecutionCancelRequested',
        'cause externalInitiatedEventId externalWorkflowExecution identity'),
    ('WorkflowExecutionSignaled', 'signalName input identity header
externalWorkflowExecution requestId'),
    ('WorkflowExecutionOptionsUpdated', 'versioningOverride
unsetVersioningOverride attachedRequestId attachedCompletionCallbacks identity
priority timeSkippingConfig timeSkippingConfigUpdated workflowUpdateOptions'),
    ('WorkflowExecutionPaused', 'identity reason requestId'),
    ('WorkflowExecutionUnpaused', 'identity reason requestId'),
    ('WorkflowExecutionTimeSkippingTransitioned',
        'targetTime disabledAfterFastForward wallClockTime'),
    ('UpsertWorkflowSearchAttributes',
        'workflowTaskCompletedEventId searchAttributes'),
    ('WorkflowPropertiesModified',
        'workflowTaskCompletedEventId upsertedMemo'),
    ('WorkflowTaskScheduled', 'taskQueue startToCloseTimeout attempt'),
    ('WorkflowTaskStarted', 'scheduledEventId identity requestId
suggestContinueAsNew suggestContinueAsNewReasons
targetWorkerDeploymentVersionChanged historySizeBytes'),
    ('WorkflowTaskCompleted', 'scheduledEventId startedEventId identity
workerVersion sdkMetadata meteringMetadata versioningBehavior
workerDeploymentName deploymentVersion'),
    ('WorkflowTaskTimedOut', 'scheduledEventId startedEventId timeoutType'),
    ('WorkflowTaskFailed', 'scheduledEventId startedEventId cause failure
identity baseRunId newRunId forkEventVersion'),
    ('ActivityTaskScheduled', 'activityId activityType taskQueue header input
scheduleToCloseTimeout scheduleToStartTimeout startToCloseTimeout
heartbeatTimeout workflowTaskCompletedEventId retryPolicy priority'),
    ('ActivityTaskStarted',
        'scheduledEventId identity requestId attempt lastFailure'),
    ('ActivityTaskCompleted',
        'result scheduledEventId startedEventId identity'),
    ('ActivityTaskFailed',
        'failure scheduledEventId startedEventId identity retryState'),
    ('ActivityTaskTimedOut',
        'failure scheduledEventId startedEventId retryState'),
    ('ActivityTaskCancelRequested',
        'scheduledEventId workflowTaskCompletedEventId'),
    ('ActivityTaskCanceled', 'details latestCancelRequestedEventId
scheduledEventId startedEventId identity'),
    ('ActivityPropertiesModifiedExternally',
        'scheduledEventId newRetryPolicy'),
    ('TimerStarted', 'timerId startToFireTimeout workflowTaskCompletedEventId'),
    ('TimerFired', 'timerId startedEventId'),
    ('TimerCanceled',
        'timerId startedEventId workflowTaskCompletedEventId identity'),
    ('MarkerRecorded',
        'markerName details workflowTaskCompletedEventId header failure'),
    ('RequestCancelExternalWorkflowExecutionInitiated',
        'workflowTaskCompletedEventId namespace namespaceId workflowExecution
childWorkflowOnly reason'),
    ('RequestCancelExternalWorkflowExecutionFailed', 'cause
workflowTaskCompletedEventId namespace namespaceId workflowExecution
initiatedEventId'),
    ('ExternalWorkflowExecutionCancelRequested',
        'initiatedEventId namespace namespaceId workflowExecution'),
    ('SignalExternalWorkflowExecutionInitiated', 'workflowTaskCompletedEventId
namespace namespaceId workflowExecution signalName input control
childWorkflowOnly header'),
    ('SignalExternalWorkflowExecutionFailed', 'cause
workflowTaskCompletedEventId namespace namespaceId workflowExecution
initiatedEventId control'),
    ('ExternalWorkflowExecutionSignaled',
        'initiatedEventId namespace namespaceId workflowExecution control'),
    ('StartChildWorkflowExecutionInitiated', 'namespace namespaceId workflowId
workflowType taskQueue input workflowExecutionTimeout workflowRunTimeout
workflowTaskTimeout parentClosePolicy control workflowTaskCompletedEventId
workflowIdReusePolicy retryPolicy cronSchedule header memo searchAttributes
priority timeSkippingConfig timeSkippingStatePropagation versioningOverride'),
    ('StartChildWorkflowExecutionFailed', 'namespace namespaceId workflowId
workflowType cause control initiatedEventId workflowTaskCompletedEventId'),
    ('ChildWorkflowExecutionStarted', 'namespace namespaceId initiatedEventId
workflowExecution workflowType header'),
    ('ChildWorkflowExecutionCompleted', 'result namespace namespaceId
workflowExecution workflowType initiatedEventId startedEventId'),
    ('ChildWorkflowExecutionFailed', 'failure namespace namespaceId
workflowExecution workflowType initiatedEventId startedEventId retryState'),
    ('ChildWorkflowExecutionCanceled', 'details namespace namespaceId
workflowExecution workflowType initiatedEventId startedEventId'),
    ('ChildWorkflowExecutionTimedOut', 'namespace namespaceId
workflowExecution workflowType initiatedEventId startedEventId retryState'),
    ('ChildWorkflowExecutionTerminated', 'namespace namespaceId
workflowExecution workflowType initiatedEventId startedEventId'),
    ('WorkflowExecutionUpdateAdmitted', 'request origin'),
    ('WorkflowExecutionUpdateAccepted', 'protocolInstanceId
acceptedRequestMessageId acceptedRequestSequencingEventId acceptedRequest'),
    ('WorkflowExecutionUpdateCompleted', 'meta acceptedEventId outcome'),
    ('WorkflowExecutionUpdateRejected', 'protocolInstanceId
rejectedRequestMessageId rejectedRequestSequencingEventId rejectedRequest
failure'),
    ('WorkflowPropertiesModifiedExternally', '*'),
    ('NexusOperationScheduled', '*'), ('NexusOperationStarted', '*'),
    ('NexusOperationCompleted', '*'), ('NexusOperationFailed', '*'),
    ('NexusOperationCanceled', '*'), ('NexusOperationTimedOut', '*'),
    ('NexusOperationCancelRequested', '*'),
    ('NexusOperationCancelRequestCompleted', '*'),
    ('NexusOperationCancelRequestFailed', '*'))
    AS v (event, attributes);

-- what no test produces, and why; % stands for any attribute
CREATE TEMP TABLE unproduced (event text, attribute text, reason text);
INSERT INTO unproduced VALUES
    ('WorkflowExecutionUpdateRejected', '%',
        'is never written: a rejected update leaves no trace'),
    ('WorkflowPropertiesModifiedExternally', '%', 'reserved'),
    ('ActivityPropertiesModifiedExternally', '%', 'reserved'),
    ('NexusOperation%', '%', 'Nexus'),
    ('WorkflowExecutionTimeSkippingTransitioned', '%', 'time skipping'),
    ('%', 'timeSkipping%', 'time skipping'),
    ('WorkflowExecutionStarted', 'parentInitiatedEventVersion',
        'versions of events belong to replication'),
    ('WorkflowTaskFailed', 'forkEventVersion',
        'versions of events belong to replication'),
    ('WorkflowExecutionStarted', 'completionCallbacks', 'Nexus'),
    ('WorkflowExecutionOptionsUpdated', 'attachedCompletionCallbacks',
        'Nexus'),
    ('WorkflowExecutionOptionsUpdated', 'workflowUpdateOptions',
        'callbacks of updates are Nexus, too'),
    ('WorkflowExecutionStarted', 'prevAutoResetPoints',
        'reset points are found in the histories of the chain'),
    ('SignalExternalWorkflowExecutionFailed', 'workflowTaskCompletedEventId',
        'is 0, which is left out'),
    ('RequestCancelExternalWorkflowExecutionFailed',
        'workflowTaskCompletedEventId', 'is 0, which is left out'),
    ('StartChildWorkflowExecutionFailed', 'workflowTaskCompletedEventId',
        'is 0, which is left out'),
    ('%', 'control', 'deprecated'),
    ('%', 'declinedTargetVersionUpgrade', 'of Temporal''s own service');

CREATE TEMP VIEW seen AS
SELECT DISTINCT event, attribute
FROM event, jsonb_object_keys(attributes) AS attribute;

-- missing from the tests
SELECT event, attribute FROM specified
EXCEPT SELECT event, attribute FROM seen
EXCEPT SELECT s.event, s.attribute FROM specified AS s, unproduced AS u
    WHERE s.event LIKE u.event AND s.attribute LIKE u.attribute
ORDER BY 1, 2;
-- not specified, and yet produced
SELECT event, attribute FROM seen
EXCEPT SELECT event, attribute FROM specified
ORDER BY 1, 2;
-- produced after all
SELECT u.event, u.attribute FROM unproduced AS u, seen AS s
WHERE s.event LIKE u.event AND s.attribute LIKE u.attribute
ORDER BY 1, 2;
-- a type that the specification above does not know
SELECT unnest(enum_range(NULL::workflow.event_type))::text COLLATE "C" AS event
EXCEPT SELECT event FROM specified
ORDER BY 1;

--
-- Constants: reasons for failures among them
--
CREATE TEMP TABLE constant (name text);
INSERT INTO constant SELECT prefix || '_' || name
FROM (VALUES
    ('WORKFLOW_TASK_FAILED_CAUSE', 'UNSPECIFIED UNHANDLED_COMMAND
BAD_SCHEDULE_ACTIVITY_ATTRIBUTES BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES
BAD_START_TIMER_ATTRIBUTES BAD_CANCEL_TIMER_ATTRIBUTES
BAD_RECORD_MARKER_ATTRIBUTES BAD_COMPLETE_WORKFLOW_EXECUTION_ATTRIBUTES
BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES
BAD_CANCEL_WORKFLOW_EXECUTION_ATTRIBUTES
BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES
BAD_CONTINUE_AS_NEW_ATTRIBUTES START_TIMER_DUPLICATE_ID
RESET_STICKY_TASK_QUEUE WORKFLOW_WORKER_UNHANDLED_FAILURE
BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES BAD_START_CHILD_EXECUTION_ATTRIBUTES
FORCE_CLOSE_COMMAND FAILOVER_CLOSE_COMMAND BAD_SIGNAL_INPUT_SIZE
RESET_WORKFLOW BAD_BINARY SCHEDULE_ACTIVITY_DUPLICATE_ID
BAD_SEARCH_ATTRIBUTES NON_DETERMINISTIC_ERROR
BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES
PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED PENDING_ACTIVITIES_LIMIT_EXCEEDED
PENDING_SIGNALS_LIMIT_EXCEEDED PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED
BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE UNHANDLED_UPDATE
BAD_SCHEDULE_NEXUS_OPERATION_ATTRIBUTES
PENDING_NEXUS_OPERATIONS_LIMIT_EXCEEDED
BAD_REQUEST_CANCEL_NEXUS_OPERATION_ATTRIBUTES FEATURE_DISABLED
GRPC_MESSAGE_TOO_LARGE PAYLOADS_TOO_LARGE EXTERNAL_STORAGE_FAILURE
WORKFLOW_PAUSE_REQUESTED_BEFORE_TASK_STARTED'),
    ('START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE', 'WORKFLOW_ALREADY_EXISTS
NAMESPACE_NOT_FOUND INVALID_VERSIONING_OVERRIDE'),
    ('CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE',
        'EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND NAMESPACE_NOT_FOUND'),
    ('SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE',
        'EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND NAMESPACE_NOT_FOUND
SIGNAL_COUNT_LIMIT_EXCEEDED'),
    ('TIMEOUT_TYPE',
        'START_TO_CLOSE SCHEDULE_TO_START SCHEDULE_TO_CLOSE HEARTBEAT'),
    ('RETRY_STATE', 'IN_PROGRESS NON_RETRYABLE_FAILURE TIMEOUT
MAXIMUM_ATTEMPTS_REACHED RETRY_POLICY_NOT_SET INTERNAL_SERVER_ERROR
CANCEL_REQUESTED'),
    ('CONTINUE_AS_NEW_INITIATOR', 'WORKFLOW RETRY CRON_SCHEDULE'),
    ('PARENT_CLOSE_POLICY', 'TERMINATE ABANDON REQUEST_CANCEL'),
    ('WORKFLOW_ID_REUSE_POLICY', 'ALLOW_DUPLICATE
ALLOW_DUPLICATE_FAILED_ONLY REJECT_DUPLICATE'),
    ('TASK_QUEUE_KIND', 'NORMAL STICKY'),
    ('SUGGEST_CONTINUE_AS_NEW_REASON', 'HISTORY_SIZE_TOO_LARGE
TOO_MANY_HISTORY_EVENTS TOO_MANY_UPDATES'),
    ('UPDATE_ADMITTED_EVENT_ORIGIN', 'REAPPLY'),
    ('VERSIONING_BEHAVIOR', 'PINNED AUTO_UPGRADE'),
    ('CONTINUE_AS_NEW_VERSIONING_BEHAVIOR', 'AUTO_UPGRADE
USE_RAMPING_VERSION'))
    AS v (prefix, names),
    regexp_split_to_table(names, '\s+') AS name;
CREATE TEMP TABLE unused (name text, reason text);
INSERT INTO unused VALUES
    ('WORKFLOW_TASK_FAILED_CAUSE_FAILOVER_CLOSE_COMMAND', 'replication'),
    ('WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_INPUT_SIZE',
        'no service uses it any more'),
    ('WORKFLOW_TASK_FAILED_CAUSE_BAD_BINARY',
        'binary checksums came before versions of workers'),
    ('WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_UPDATE',
        'an update that nobody has seen does not keep a workflow open'),
    ('WORKFLOW_TASK_FAILED_CAUSE_%NEXUS%', 'Nexus'),
    ('WORKFLOW_TASK_FAILED_CAUSE_FEATURE_DISABLED', 'Nexus'),
    ('%_CAUSE_NAMESPACE_NOT_FOUND',
        'a workflow reaches its own namespace only'),
    ('RETRY_STATE_INTERNAL_SERVER_ERROR', 'the transaction fails instead');

CREATE TEMP TABLE used AS
SELECT DISTINCT s #>> '{}' AS name
FROM event, jsonb_path_query(attributes, 'strict $.**') AS s
WHERE jsonb_typeof(s) = 'string' AND s #>> '{}' ~ '^[A-Z]+(_[A-Z]+)+$';

SELECT name FROM constant EXCEPT SELECT name FROM used
EXCEPT SELECT c.name FROM constant AS c, unused AS u WHERE c.name LIKE u.name
ORDER BY 1;
SELECT name FROM used AS u
WHERE EXISTS (SELECT FROM constant AS c
        WHERE u.name LIKE regexp_replace(c.name, '^([A-Z]+_[A-Z]+_).*', '\1%'))
    AND u.name NOT IN (SELECT name FROM constant)
ORDER BY 1;
SELECT u.name FROM unused AS u, used AS s WHERE s.name LIKE u.name ORDER BY 1;

--
-- Each command: what it requires, what it limits, what it refuses else
--
CREATE TEMP TABLE requirement (command text, cause text, message text);
INSERT INTO requirement
SELECT command, cause, message
FROM (VALUES
    ('ScheduleActivityTask', 'BAD_SCHEDULE_ACTIVITY_ATTRIBUTES', ARRAY[
        'activityId is not set', 'activityType is not set',
        'activityId exceeds length limit',
        'activityType exceeds length limit', 'taskQueue exceeds length limit',
        'neither scheduleToCloseTimeout nor startToCloseTimeout is set',
        'a timeout is negative', 'backoffCoefficient is less than 1',
        'initialInterval is negative',
        'maximumInterval is less than initialInterval',
        'maximumAttempts is negative%',
        'task queue name starts with reserved prefix%',
        'fairnessKey exceeds length limit', 'fairnessWeight is negative',
        'priorityKey is not between 1 and 5',
        'ScheduleActivityTaskCommandAttributes.Input exceeds size limit.']),
    ('ScheduleActivityTask', 'SCHEDULE_ACTIVITY_DUPLICATE_ID',
        ARRAY['activity % is already pending']),
    ('ScheduleActivityTask', 'PENDING_ACTIVITIES_LIMIT_EXCEEDED',
        ARRAY['%the limit is %']),
    ('RequestCancelActivityTask', 'BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES',
        ARRAY['scheduledEventId is not set', 'activity % is not pending',
        'cancellation of activity % is already requested']),
    ('StartTimer', 'BAD_START_TIMER_ATTRIBUTES', ARRAY['timerId is not set',
        'timerId exceeds length limit', 'startToFireTimeout is negative',
        'userMetadata.summary exceeds size limit',
        'userMetadata.details exceeds size limit']),
    ('StartTimer', 'START_TIMER_DUPLICATE_ID',
        ARRAY['timer % is already pending']),
    ('CancelTimer', 'BAD_CANCEL_TIMER_ATTRIBUTES', ARRAY[
        'timerId is not set', 'timerId exceeds length limit',
        'timer % is not pending']),
    ('CompleteWorkflowExecution',
        'BAD_COMPLETE_WORKFLOW_EXECUTION_ATTRIBUTES', ARRAY[
        'attributes are not a JSON object',
        'CompleteWorkflowExecutionCommandAttributes.Result exceeds size limit.']),
    ('FailWorkflowExecution', 'BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES', ARRAY[
        'failure is not set',
        'FailWorkflowExecutionCommandAttributes.Failure exceeds size limit.']),
    ('CancelWorkflowExecution', 'BAD_CANCEL_WORKFLOW_EXECUTION_ATTRIBUTES',
        ARRAY['attributes are not a JSON object',
        'CancelWorkflowExecutionCommandAttributes.Details exceeds size limit.']),
    ('RequestCancelExternalWorkflowExecution',
        'BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES', ARRAY[
        'workflowId is not set', 'workflowId exceeds length limit',
        'runId is not a UUID', 'namespace is not that of the workflow',
        'child % is started in the same completion']),
    ('RequestCancelExternalWorkflowExecution',
        'PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED', ARRAY['%the limit is %']),
    ('RecordMarker', 'BAD_RECORD_MARKER_ATTRIBUTES', ARRAY[
        'markerName is not set', 'markerName exceeds length limit',
        'RecordMarkerCommandAttributes.Details exceeds size limit.']),
    ('ContinueAsNewWorkflowExecution', 'BAD_CONTINUE_AS_NEW_ATTRIBUTES',
        ARRAY['workflowType exceeds length limit',
        'taskQueue exceeds length limit',
        'task queue name starts with reserved prefix%',
        'a duration is negative',
        'maximumAttempts is negative%', 'invalid cron schedule%',
        'unknown initiator%',
        'ContinueAsNewWorkflowExecutionCommandAttributes.Input exceeds size limit.',
        'ContinueAsNewWorkflowExecutionCommandAttributes.Memo exceeds size limit.']),
    ('StartChildWorkflowExecution', 'BAD_START_CHILD_EXECUTION_ATTRIBUTES',
        ARRAY['workflowId is not set', 'workflowType is not set',
        'workflowId exceeds length limit',
        'workflowType exceeds length limit', 'taskQueue exceeds length limit',
        'task queue name starts with reserved prefix%',
        'a timeout is negative', 'unknown parentClosePolicy%',
        'unknown workflowIdReusePolicy%', 'backoffCoefficient is less than 1',
        'invalid cron schedule%', 'namespace is not that of the workflow',
        'StartChildWorkflowExecutionCommandAttributes.Input exceeds size limit.',
        'StartChildWorkflowExecutionCommandAttributes.Memo exceeds size limit.']),
    ('StartChildWorkflowExecution', 'PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED',
        ARRAY['%the limit is %']),
    ('SignalExternalWorkflowExecution',
        'BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES', ARRAY[
        'workflowId is not set', 'workflowId exceeds length limit',
        'signalName is not set', 'signalName exceeds length limit',
        'runId is not a UUID', 'namespace is not that of the workflow',
        'SignalExternalWorkflowExecutionCommandAttributes.Input exceeds size limit.']),
    ('SignalExternalWorkflowExecution', 'PENDING_SIGNALS_LIMIT_EXCEEDED',
        ARRAY['%the limit is %']),
    ('UpsertWorkflowSearchAttributes', 'BAD_SEARCH_ATTRIBUTES', ARRAY[
        'searchAttributes.indexedFields is not set',
        'search attribute % is not registered',
        'value of search attribute % is not of type %',
        'search attribute % cannot be set', 'too many search attributes',
        'search attribute % exceeds size limit',
        'search_attributes exceeds size limit']),
    ('ProtocolMessage', 'BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE', ARRAY[
        'messageId is not set', 'messageId exceeds length limit',
        'ProtocolMessage refers to message %, which is not there']),
    ('ModifyWorkflowProperties', 'BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES',
        ARRAY['upsertedMemo.fields is not set',
        'ModifyWorkflowPropertiesCommandAttributes.UpsertedMemo exceeds size limit.']))
    AS v (command, cause, messages), unnest(messages) AS message;

SELECT command, cause, message FROM requirement AS r
WHERE NOT EXISTS (
    SELECT FROM event AS e
    WHERE e.event = 'WorkflowTaskFailed'
        AND e.attributes ->> 'identity' = 'history-service'
        AND e.attributes ->> 'cause' = 'WORKFLOW_TASK_FAILED_CAUSE_' || r.cause
        AND e.attributes #>> '{failure,message}'
            LIKE r.cause || ': ' || r.message)
ORDER BY 1, 2, 3;
-- the commands are all there
SELECT count(DISTINCT command) FROM requirement;
