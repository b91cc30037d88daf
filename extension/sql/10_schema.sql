/*
 * The schema and the types of history.
 *
 * The labels of workflow.event_type stand in the order of their numbers in
 * the event table of extension/pgwf_event.c; the two must agree.
 */

CREATE SCHEMA workflow;

COMMENT ON SCHEMA workflow IS
'durable execution: event histories, task queues and the functions of pg_workflow';

CREATE TYPE workflow.event_type AS ENUM (
    'WorkflowExecutionStarted',
    'WorkflowExecutionCompleted',
    'WorkflowExecutionFailed',
    'WorkflowExecutionTimedOut',
    'WorkflowTaskScheduled',
    'WorkflowTaskStarted',
    'WorkflowTaskCompleted',
    'WorkflowTaskTimedOut',
    'WorkflowTaskFailed',
    'ActivityTaskScheduled',
    'ActivityTaskStarted',
    'ActivityTaskCompleted',
    'ActivityTaskFailed',
    'ActivityTaskTimedOut',
    'ActivityTaskCancelRequested',
    'ActivityTaskCanceled',
    'TimerStarted',
    'TimerFired',
    'TimerCanceled',
    'WorkflowExecutionCancelRequested',
    'WorkflowExecutionCanceled',
    'RequestCancelExternalWorkflowExecutionInitiated',
    'RequestCancelExternalWorkflowExecutionFailed',
    'ExternalWorkflowExecutionCancelRequested',
    'MarkerRecorded',
    'WorkflowExecutionSignaled',
    'WorkflowExecutionTerminated',
    'WorkflowExecutionContinuedAsNew',
    'StartChildWorkflowExecutionInitiated',
    'StartChildWorkflowExecutionFailed',
    'ChildWorkflowExecutionStarted',
    'ChildWorkflowExecutionCompleted',
    'ChildWorkflowExecutionFailed',
    'ChildWorkflowExecutionCanceled',
    'ChildWorkflowExecutionTimedOut',
    'ChildWorkflowExecutionTerminated',
    'SignalExternalWorkflowExecutionInitiated',
    'SignalExternalWorkflowExecutionFailed',
    'ExternalWorkflowExecutionSignaled',
    'UpsertWorkflowSearchAttributes',
    'WorkflowExecutionUpdateAccepted',
    'WorkflowExecutionUpdateRejected',
    'WorkflowExecutionUpdateCompleted',
    'WorkflowPropertiesModifiedExternally',
    'ActivityPropertiesModifiedExternally',
    'WorkflowPropertiesModified',
    'WorkflowExecutionUpdateAdmitted',
    'NexusOperationScheduled',
    'NexusOperationStarted',
    'NexusOperationCompleted',
    'NexusOperationFailed',
    'NexusOperationCanceled',
    'NexusOperationTimedOut',
    'NexusOperationCancelRequested',
    'WorkflowExecutionOptionsUpdated',
    'NexusOperationCancelRequestCompleted',
    'NexusOperationCancelRequestFailed',
    'WorkflowExecutionPaused',
    'WorkflowExecutionUnpaused',
    'WorkflowExecutionTimeSkippingTransitioned'
);

COMMENT ON TYPE workflow.event_type IS
'kind of a history event, named as in Temporal''s EventType without its prefix';

CREATE TYPE workflow.execution_status AS ENUM (
    'Running',
    'Completed',
    'Failed',
    'Canceled',
    'Terminated',
    'ContinuedAsNew',
    'TimedOut',
    'Paused'
);

COMMENT ON TYPE workflow.execution_status IS
'status of a workflow run, named as in Temporal''s WorkflowExecutionStatus';
