--
-- Child workflows, and signals and cancellations of other workflows
--
\a
\t on

CREATE FUNCTION pg_temp.child(id text, more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object(
    'commandType', 'StartChildWorkflowExecution', 'attributes',
    jsonb_build_object('workflowId', id, 'workflowType', '{"name": "type"}'
        ::jsonb, 'taskQueue', jsonb_build_object('name', id)) || more))
$$;
CREATE FUNCTION pg_temp.command(type text, attributes jsonb) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType', type,
    'attributes', attributes))
$$;
-- starts a workflow and its child
CREATE FUNCTION pg_temp.family(parent text, child text,
    more jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM t.start(parent);
    PERFORM t.step(parent, pg_temp.child(child, more));
    RETURN NULL;
END
$$;
CREATE FUNCTION pg_temp.wait_status(workflow text, status text) RETURNS text
LANGUAGE sql AS $$
SELECT t.wait_for(format('SELECT t.status(%L) LIKE ''%%STATUS_%s''',
    workflow, status))
$$;

--
-- A child that completes
--
SELECT pg_temp.family('mother', 'son', '{"input": ["in"],
    "memo": {"fields": {"m": 1}}, "header": {"fields": {"h": 1}},
    "workflowExecutionTimeout": "3600s"}');
SELECT t.wait_event('mother', 'ChildWorkflowExecutionStarted');
SELECT * FROM t.events('mother', 5);
SELECT * FROM t.events('son');
-- it is its parent's; the root is the first of the family
SELECT c.attributes #>> '{parentWorkflowExecution,runId}' = e.run_id::text,
    c.attributes #>> '{rootWorkflowExecution,runId}' = e.run_id::text,
    c.attributes -> 'parentInitiatedEventId'
FROM workflow.get_workflow_execution_history('son') AS c,
    workflow.execution AS e
WHERE c.event_id = 1 AND e.workflow_id = 'mother';
SELECT t.step('son', pg_temp.child('grandson'));
SELECT t.wait_event('son', 'ChildWorkflowExecutionStarted');
SELECT c.attributes #>> '{rootWorkflowExecution,workflowId}'
FROM workflow.get_workflow_execution_history('grandson') AS c
WHERE c.event_id = 1;
SELECT t.step('grandson', t.close('["result"]'));
SELECT t.wait_event('son', 'ChildWorkflowExecutionCompleted');
SELECT * FROM t.events('son', 8);
SELECT t.step('son', t.close());
SELECT t.wait_event('mother', 'ChildWorkflowExecutionCompleted');
SELECT t.types('mother', 5);
SELECT t.step('mother', t.close());
SELECT t.types('mother', 9);

--
-- The other ends of a child
--
SELECT t.start('parent');
SELECT t.step('parent', pg_temp.child('failed') || pg_temp.child('canceled')
    || pg_temp.child('terminated') || pg_temp.child('timed out',
    '{"workflowRunTimeout": "0.05s"}'));
SELECT t.step('failed', '[{"commandType": "FailWorkflowExecution",
    "attributes": {"failure": {"message": "m", "applicationFailureInfo":
    {"type": "T"}}}}]');
SELECT t.step('canceled', '[{"commandType": "CancelWorkflowExecution",
    "attributes": {"details": ["d"]}}]');
SELECT t.wait_event('parent', 'ChildWorkflowExecutionStarted', 4);
SELECT workflow.terminate_workflow_execution('terminated', 'why');
SELECT t.wait_event('parent', event)
FROM unnest(ARRAY['ChildWorkflowExecutionFailed',
    'ChildWorkflowExecutionCanceled', 'ChildWorkflowExecutionTerminated',
    'ChildWorkflowExecutionTimedOut']) AS event;
SELECT e.event_type, t.mask(e.attributes - '{initiatedEventId,startedEventId,
    namespaceId,workflowType}'::text[])
FROM workflow.get_workflow_execution_history('parent') AS e
WHERE e.event_type IN ('ChildWorkflowExecutionFailed',
    'ChildWorkflowExecutionCanceled', 'ChildWorkflowExecutionTerminated',
    'ChildWorkflowExecutionTimedOut')
ORDER BY 1;
SELECT workflow.terminate_workflow_execution('parent');

--
-- A child's chain is one child to the parent
--
SELECT pg_temp.family('chain parent', 'chain child');
SELECT t.step('chain child', pg_temp.command('ContinueAsNewWorkflowExecution',
    '{}'));
SELECT t.step('chain child', t.close('["last"]'));
SELECT t.wait_event('chain parent', 'ChildWorkflowExecutionCompleted');
SELECT t.types('chain parent', 5);
SELECT e.attributes #>> '{workflowExecution,runId}' = c.run_id::text,
    e.attributes -> 'result'
FROM workflow.get_workflow_execution_history('chain parent') AS e,
    workflow.execution AS c
WHERE e.event_type = 'ChildWorkflowExecutionCompleted'
    AND c.workflow_id = 'chain child' AND c.new_run_id IS NULL;
SELECT workflow.terminate_workflow_execution('chain parent');

--
-- A child that cannot be started
--
SELECT t.start('taken');
SELECT pg_temp.family('taker', 'taken');
SELECT t.wait_event('taker', 'StartChildWorkflowExecutionFailed');
SELECT * FROM t.events('taker', 6);
SELECT t.step('taken', t.close());
SELECT t.step('taker', pg_temp.child('taken',
    '{"workflowIdReusePolicy": "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE"}')
    || pg_temp.child('taken', '{"workflowIdReusePolicy":
    "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY"}'));
SELECT t.wait_event('taker', 'StartChildWorkflowExecutionFailed', 3);
SELECT t.step('taker', pg_temp.child('taken'));
SELECT t.wait_event('taker', 'ChildWorkflowExecutionStarted');
SELECT workflow.terminate_workflow_execution('taker');
SELECT pg_temp.wait_status('taken', 'TERMINATED');

--
-- What the parent's end means to the child
--
SELECT t.start('closer');
SELECT t.step('closer', pg_temp.child('closed')
    || pg_temp.child('left', '{"parentClosePolicy": "ABANDON"}')
    || pg_temp.child('asked',
    '{"parentClosePolicy": "PARENT_CLOSE_POLICY_REQUEST_CANCEL"}'));
SELECT t.wait_event('closer', 'ChildWorkflowExecutionStarted', 3);
SELECT t.step('closer', pg_temp.command('ContinueAsNewWorkflowExecution',
    '{}'));
SELECT pg_temp.wait_status('closed', 'TERMINATED');
SELECT t.wait_event('asked', 'WorkflowExecutionCancelRequested');
SELECT attributes FROM t.events('closed', 3);
SELECT attributes FROM t.events('asked', 3);
SELECT t.types('left'), t.status('left');
SELECT workflow.terminate_workflow_execution(w)
FROM unnest(ARRAY['closer', 'left', 'asked']) AS w;
-- a child that had not been started when the parent closed never is
SELECT t.start('early');
SELECT t.step('early', pg_temp.child('never', '{"parentClosePolicy":
    "ABANDON"}') || t.close());
SELECT t.wait_for('SELECT count(*) = 0 FROM workflow.outbox');
SELECT count(*) FROM workflow.execution WHERE workflow_id = 'never';

--
-- Signals and cancellations of other workflows
--
CREATE FUNCTION pg_temp.signal(id text, more jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE sql AS $$
SELECT pg_temp.command('SignalExternalWorkflowExecution', jsonb_build_object(
    'execution', jsonb_build_object('workflowId', id), 'signalName', 'sig',
    'input', '["in"]'::jsonb) || more)
$$;
CREATE FUNCTION pg_temp.cancel(id text, more jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE sql AS $$
SELECT pg_temp.command('RequestCancelExternalWorkflowExecution',
    jsonb_build_object('workflowId', id, 'reason', 'why') || more)
$$;
SELECT t.start('target');
SELECT t.start('sender');
SELECT t.step('sender', pg_temp.signal('target'));
SELECT t.wait_event('sender', 'ExternalWorkflowExecutionSignaled');
SELECT * FROM t.events('sender', 5);
SELECT t.mask(e.attributes - 'requestId')
FROM workflow.get_workflow_execution_history('target') AS e
WHERE e.event_type = 'WorkflowExecutionSignaled';
SELECT t.step('sender', pg_temp.cancel('target'));
SELECT t.wait_event('sender', 'ExternalWorkflowExecutionCancelRequested');
SELECT * FROM t.events('sender', 10);
SELECT attributes FROM t.events('target')
WHERE event = 'WorkflowExecutionCancelRequested';
-- not a child of the sender
SELECT t.step('sender', pg_temp.signal('target', '{"childWorkflowOnly": true}')
    || pg_temp.cancel('target', '{"childWorkflowOnly": true}'));
SELECT t.wait_event('sender', 'SignalExternalWorkflowExecutionFailed');
SELECT t.wait_event('sender',
    'RequestCancelExternalWorkflowExecutionFailed');
-- closed: a signal fails, a cancellation succeeds
SELECT workflow.terminate_workflow_execution('target');
SELECT t.step('sender', pg_temp.signal('target') || pg_temp.cancel('target'));
SELECT t.wait_event('sender', 'SignalExternalWorkflowExecutionFailed', 2);
SELECT t.wait_event('sender', 'ExternalWorkflowExecutionCancelRequested', 2);
-- unknown, and itself
SELECT t.step('sender', pg_temp.signal('unknown') || pg_temp.cancel('unknown')
    || pg_temp.signal('sender') || pg_temp.cancel('sender'));
SELECT t.wait_event('sender', 'SignalExternalWorkflowExecutionFailed', 4);
SELECT t.wait_event('sender',
    'RequestCancelExternalWorkflowExecutionFailed', 3);
SELECT e.event_type, e.attributes ->> 'cause', count(*)
FROM workflow.get_workflow_execution_history('sender') AS e
WHERE e.event_type::text LIKE '%External%Failed'
GROUP BY 1, 2 ORDER BY 1;
SELECT workflow.terminate_workflow_execution('sender');
