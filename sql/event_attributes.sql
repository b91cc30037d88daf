--
-- Events with attributes that no other test gives them: what a command or a
-- call may carry has to arrive, in its event and with whom it is for
--
\a
\t on

-- a signal with a header
SELECT t.start('ea target');
SELECT t.start('ea sender');
SELECT t.step('ea sender', '[{"commandType":
    "SignalExternalWorkflowExecution", "attributes":
        {"execution": {"workflowId": "ea target"}, "signalName": "s",
         "input": [1, {"two": 2}], "header": {"fields": {"trace": "abc"}}}}]');
SELECT t.wait_event('ea sender', 'ExternalWorkflowExecutionSignaled');
SELECT * FROM t.events('ea sender', 5);
SELECT t.mask(attributes - 'requestId')
FROM workflow.get_workflow_execution_history('ea target')
WHERE event_type = 'WorkflowExecutionSignaled';
SELECT attributes -> 'requestId' IS NOT NULL
FROM workflow.get_workflow_execution_history('ea target')
WHERE event_type = 'WorkflowExecutionSignaled';

-- a child with everything, that waits for its cron schedule
SELECT t.start('ea parent');
SELECT t.step('ea parent', '[{"commandType": "StartChildWorkflowExecution",
    "userMetadata": {"summary": "for the child"}, "attributes":
        {"workflowId": "ea child", "workflowType": {"name": "kind"},
         "taskQueue": {"name": "ea child queue"}, "input": ["in"],
         "workflowExecutionTimeout": "9000s", "workflowRunTimeout": "8000s",
         "workflowTaskTimeout": "7s", "parentClosePolicy": "ABANDON",
         "workflowIdReusePolicy": "REJECT_DUPLICATE",
         "retryPolicy": {"initialInterval": "3s", "maximumAttempts": 4,
            "nonRetryableErrorTypes": ["Fatal"]},
         "cronSchedule": "0 0 1 1 *", "header": {"fields": {"h": 1}},
         "memo": {"fields": {"m": 2}}, "namespace": "default",
         "searchAttributes": {"indexedFields": {"CustomerId": 3}},
         "priority": {"priorityKey": 2, "fairnessKey": "f"}}}]');
SELECT t.wait_event('ea parent', 'ChildWorkflowExecutionStarted');
SELECT * FROM t.events('ea parent', 5);
SELECT user_metadata FROM workflow.get_workflow_execution_history('ea parent')
WHERE event_id = 5;
SELECT event, regexp_replace(attributes,
    '("firstWorkflowTaskBackoff": )"\d+s"', '\1"<wait>"')
FROM t.events('ea child');
SELECT user_metadata FROM workflow.get_workflow_execution_history('ea child')
WHERE event_id = 1;

-- continued as new with everything
SELECT t.start('ea chain');
SELECT t.step('ea chain', '[{"commandType": "ContinueAsNewWorkflowExecution",
    "attributes": {"workflowType": {"name": "next kind"},
        "taskQueue": {"name": "ea chain queue"}, "input": ["in"],
        "workflowRunTimeout": "8000s", "workflowTaskTimeout": "7s",
        "backoffStartInterval": "3600s",
        "retryPolicy": {"initialInterval": "3s"},
        "initiator": "CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
        "failure": {"message": "m"}, "lastCompletionResult": ["last"],
        "header": {"fields": {"h": 1}}, "memo": {"fields": {"m": 2}},
        "searchAttributes": {"indexedFields": {"CustomerId": 3}}}}]');
SELECT t.mask(attributes)
FROM workflow.execution AS e, workflow.get_workflow_execution_history(
    'ea chain', e.run_id)
WHERE e.workflow_id = 'ea chain' AND e.new_run_id IS NOT NULL
    AND event_type = 'WorkflowExecutionContinuedAsNew';
SELECT * FROM t.events('ea chain');

-- an accepted update is admitted again by a reset
SELECT t.start('ea update');
CALL workflow.update_workflow_execution('ea update', 'u', 'set', '["a", 1]',
    header => '{"h": 1}', identity => 'client', timeout => '0 s');
SELECT t.mask(workflow.respond_workflow_task_completed(t.poll('ea update'),
    '[{"commandType": "ProtocolMessage",
        "attributes": {"messageId": "u/accept"}}]', 'worker', messages =>
    '[{"id": "u/accept", "protocolInstanceId": "u", "body": {"@type":
        "type.googleapis.com/temporal.api.update.v1.Acceptance",
        "acceptedRequestMessageId": "u/request",
        "acceptedRequestSequencingEventId": 2}}]')::jsonb);
SELECT workflow.reset_workflow_execution('ea update', 'why', 3,
    identity => 'operator') IS NOT NULL;
SELECT * FROM t.events('ea update', 4);

-- the worker's word on its kind
SELECT t.start('ea worker');
SELECT t.mask(workflow.respond_workflow_task_completed(t.poll('ea worker'),
    '[]', 'worker', sdk_metadata => '{"coreUsedFlags": [1],
        "langUsedFlags": [2], "sdkName": "c", "sdkVersion": "1.0"}',
    metering_metadata => '{"nonfirstLocalActivityExecutionAttempts": 3}',
    build_id => 'b1')::jsonb);
SELECT * FROM t.events('ea worker', 4);

SELECT t.cleanup();
