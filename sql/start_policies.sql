--
-- Workflow id policies, signal-with-start, start delay, eager start
--
\a
\t on

-- "new", "same" as the run before, or the error; and whether it started
CREATE TABLE pg_temp.last (run uuid);
CREATE FUNCTION pg_temp.start(workflow text, reuse text, conflict text,
    request text DEFAULT NULL, options jsonb DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_run uuid;
    v_started boolean;
    v_last uuid := (SELECT run FROM pg_temp.last);
BEGIN
    SELECT run_id, started INTO v_run, v_started
    FROM workflow.start_workflow_execution(workflow, 'type', workflow,
        request_id => request, identity => 'starter',
        workflow_id_reuse_policy => reuse,
        workflow_id_conflict_policy => conflict,
        on_conflict_options => options);
    DELETE FROM pg_temp.last;
    INSERT INTO pg_temp.last VALUES (v_run);
    RETURN concat_ws(' ', CASE WHEN v_run = v_last THEN 'same' ELSE 'new' END,
        CASE WHEN v_started THEN 'started' END);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

--
-- An open run
--
SELECT pg_temp.start('policy', NULL, NULL, 'first');
SELECT policy, pg_temp.start('policy', NULL, policy, 'other')
FROM unnest(ARRAY[NULL, '', 'FAIL', 'WORKFLOW_ID_CONFLICT_POLICY_FAIL',
    'WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED', 'USE_EXISTING',
    'nothing']) AS policy;
-- the same request id
SELECT pg_temp.start('policy', NULL, policy, 'first')
FROM unnest(ARRAY['FAIL', 'USE_EXISTING', 'TERMINATE_EXISTING']) AS policy;
SELECT t.types('policy');
-- what the error says
SELECT t.mask(to_jsonb(t.err($$ SELECT workflow.start_workflow_execution(
    'policy', 'type', 'policy') $$)));
-- the request is attached, once, without a workflow task
SELECT pg_temp.start('policy', NULL, 'USE_EXISTING', 'attached',
    '{"attachRequestId": true}');
SELECT pg_temp.start('policy', NULL, 'USE_EXISTING', 'attached',
    '{"attachRequestId": true}');
-- an attached request is found whatever the policy is
SELECT pg_temp.start('policy', NULL, 'FAIL', 'attached');
SELECT * FROM t.events('policy', 3);
SELECT pg_temp.start('policy', NULL, 'USE_EXISTING', 'x',
    '{"attachRequestId": 1}');
-- while a workflow task is started it waits in the buffer
SELECT t.poll('policy') AS task \gset
SELECT pg_temp.start('policy', NULL, 'USE_EXISTING', 'attached 2',
    '{"attachRequestId": true}');
SELECT t.types('policy', 4);
SELECT t.complete(:'task');
SELECT t.types('policy', 5);
-- terminated by the new one
SELECT run AS old FROM pg_temp.last \gset
SELECT pg_temp.start('policy', NULL, 'TERMINATE_EXISTING', 'second');
SELECT e.attributes - 'details',
    e.attributes #>> '{details,0}' = 'terminated by new runID: ' || run
FROM pg_temp.last, workflow.get_workflow_execution_history('policy', :'old')
    AS e
WHERE e.event_type = 'WorkflowExecutionTerminated';
SELECT t.types('policy');
-- the reuse policy that does the same
SELECT run AS old FROM pg_temp.last \gset
SELECT pg_temp.start('policy', 'TERMINATE_IF_RUNNING', NULL, 'third');
SELECT status FROM workflow.executions WHERE run_id = :'old';
-- not too soon after the start of the old one
SET pg_workflow.workflow_id_reuse_minimal_interval = '1 h';
SELECT pg_temp.start('policy', NULL, 'TERMINATE_EXISTING');
RESET pg_workflow.workflow_id_reuse_minimal_interval;
-- an open run does not mind the reuse policy
SELECT pg_temp.start('policy', policy, 'USE_EXISTING')
FROM unnest(ARRAY['ALLOW_DUPLICATE', 'ALLOW_DUPLICATE_FAILED_ONLY',
    'REJECT_DUPLICATE']) AS policy;

--
-- A closed run
--
SELECT t.step('policy', t.close());
SELECT pg_temp.start('policy', policy, NULL)
FROM unnest(ARRAY['ALLOW_DUPLICATE_FAILED_ONLY', 'REJECT_DUPLICATE',
    'WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE', 'nothing']) AS policy;
-- the same request id succeeds also now
SELECT pg_temp.start('policy', 'REJECT_DUPLICATE', NULL, 'third');
SET pg_workflow.workflow_id_reuse_minimal_interval = '1 h';
SELECT pg_temp.start('policy', NULL, NULL, 'fourth');
RESET pg_workflow.workflow_id_reuse_minimal_interval;
SELECT pg_temp.start('policy', NULL, NULL, 'fourth');

-- by how it ended
CREATE FUNCTION pg_temp.ended(workflow text, OUT status text,
    OUT failed_only text, OUT reject text) RETURNS record
LANGUAGE sql AS $$
SELECT t.status(workflow),
    pg_temp.start(workflow, 'ALLOW_DUPLICATE_FAILED_ONLY', NULL),
    pg_temp.start(workflow, 'REJECT_DUPLICATE', 'USE_EXISTING')
$$;
SELECT t.start('ended');
SELECT t.step('ended', '[{"commandType": "FailWorkflowExecution",
    "attributes": {"failure": {"message": "m"}}}]');
SELECT * FROM pg_temp.ended('ended');
SELECT workflow.terminate_workflow_execution('ended');
SELECT * FROM pg_temp.ended('ended');
SELECT t.step('ended', '[{"commandType": "CancelWorkflowExecution"}]');
SELECT * FROM pg_temp.ended('ended');
SELECT workflow.terminate_workflow_execution('ended');
SELECT 1 FROM workflow.start_workflow_execution('ended', 'type', 'ended',
    workflow_run_timeout => '0.001 s');
SELECT t.wait_event('ended', 'WorkflowExecutionTimedOut');
SELECT * FROM pg_temp.ended('ended');
-- a run that has a successor is not the one that counts
SELECT t.step('ended', '[{"commandType": "ContinueAsNewWorkflowExecution"}]');
SELECT t.status('ended');
SELECT pg_temp.start('ended', 'REJECT_DUPLICATE', NULL);

-- what contradicts itself
SELECT reuse, conflict, pg_temp.start('contradiction', reuse, conflict)
FROM (VALUES ('REJECT_DUPLICATE', 'TERMINATE_EXISTING'),
    ('TERMINATE_IF_RUNNING', 'FAIL'),
    ('TERMINATE_IF_RUNNING', 'USE_EXISTING'),
    ('TERMINATE_IF_RUNNING', 'TERMINATE_EXISTING')) AS v (reuse, conflict);

--
-- Signal with start
--
CREATE FUNCTION pg_temp.signal(workflow text, request text,
    reuse text DEFAULT NULL, conflict text DEFAULT NULL) RETURNS boolean
LANGUAGE sql AS $$
SELECT started FROM workflow.signal_with_start_workflow_execution(workflow,
    'type', workflow, '["input"]', request, 'starter',
    workflow_id_reuse_policy => reuse,
    workflow_id_conflict_policy => conflict, signal_name => 'sig',
    signal_input => '["signal"]', signal_header => '{"k": 1}')
$$;
SELECT pg_temp.signal('signal start', 'r1');
SELECT t.types('signal start');
SELECT attributes FROM t.events('signal start') WHERE id = 2;
SELECT pg_temp.signal('signal start', 'r2');
SELECT t.types('signal start', 4);
-- repeated requests send nothing
SELECT pg_temp.signal('signal start', 'r1');
SELECT pg_temp.signal('signal start', 'r2');
SELECT t.types('signal start', 4);
SELECT pg_temp.signal('signal start', 'r3', conflict => 'USE_EXISTING');
SELECT t.err($$ SELECT pg_temp.signal('signal start', 'r4',
    conflict => 'FAIL') $$);
SELECT pg_temp.signal('signal start', 'r5',
    conflict => 'TERMINATE_EXISTING');
SELECT t.types('signal start');
SELECT t.step('signal start', t.close());
SELECT split_part(t.err($$ SELECT pg_temp.signal('signal start', 'r6',
    'REJECT_DUPLICATE') $$), ' |', 1);
SELECT pg_temp.signal('signal start', 'r6');
SELECT t.err($$ SELECT workflow.signal_with_start_workflow_execution('s', 't',
    'q') $$);
-- with a delay the signal does not bring the workflow task
SELECT started FROM workflow.signal_with_start_workflow_execution('delayed',
    'type', 'delayed', workflow_start_delay => '1 h', signal_name => 's');
SELECT t.types('delayed');
SELECT workflow.terminate_workflow_execution('delayed');
SELECT started FROM workflow.signal_with_start_workflow_execution('delayed',
    'type', 'delayed', cron_schedule => '0 0 1 1 *', signal_name => 's');
SELECT t.types('delayed');
SELECT workflow.terminate_workflow_execution('delayed');

--
-- Start delay
--
SELECT 1 FROM workflow.start_workflow_execution('delayed', 'type', 'delayed',
    workflow_start_delay => '1 h', workflow_run_timeout => '10 s');
SELECT t.types('delayed'), attributes::jsonb ->> 'firstWorkflowTaskBackoff'
FROM t.events('delayed') WHERE id = 1;
SELECT execution_time - start_time FROM workflow.execution
WHERE workflow_id = 'delayed' AND close_time IS NULL;
-- the run's timeout counts from its end
SELECT kind, fire_at - start_time FROM workflow.timer
    JOIN workflow.execution USING (namespace_id, run_key)
WHERE workflow_id = 'delayed' AND close_time IS NULL ORDER BY kind;
-- a signal does not cut it short, a cancellation does
SELECT workflow.signal_workflow_execution('delayed', 'sig');
SELECT t.types('delayed'), t.has_task('delayed');
SELECT workflow.request_cancel_workflow_execution('delayed');
SELECT t.types('delayed', 3), t.has_task('delayed');
SELECT workflow.terminate_workflow_execution('delayed');
SELECT 1 FROM workflow.start_workflow_execution('delayed', 'type', 'delayed',
    workflow_start_delay => '0.02 s');
SELECT t.step('delayed', t.close());
SELECT t.types('delayed');
SELECT t.err($$ SELECT workflow.start_workflow_execution('delayed', 't', 'q',
    workflow_start_delay => '1 s', cron_schedule => '* * * * *') $$);

--
-- Eager start
--
SELECT started, t.mask(workflow_task::jsonb #- '{history}'),
    jsonb_path_query_array(workflow_task::jsonb,
        '$.history.events[*].eventType'),
    workflow_task ->> 'taskToken' AS task
FROM workflow.start_workflow_execution('eager', 'type', 'eager',
    identity => 'starter', request_eager_execution => true) \gset eager_
\echo :eager_started :eager_mask
\echo :eager_jsonb_path_query_array
SELECT t.has_task('eager'), t.types('eager');
SELECT attributes::jsonb -> 'eagerExecutionAccepted'
FROM t.events('eager') WHERE id = 1;
SELECT t.complete(:'eager_task', t.close());
SELECT t.types('eager');
-- refused silently with a delay; none for a run that is there already
SELECT started, workflow_task FROM workflow.start_workflow_execution('eager',
    'type', 'eager', request_eager_execution => true,
    workflow_start_delay => '1 h', request_id => 'e');
SELECT attributes::jsonb ? 'eagerExecutionAccepted'
FROM t.events('eager') WHERE id = 1;
SELECT started, workflow_task FROM workflow.start_workflow_execution('eager',
    'type', 'eager', request_eager_execution => true, request_id => 'e');
SELECT started, workflow_task FROM workflow.start_workflow_execution('eager',
    'type', 'eager', request_eager_execution => true,
    workflow_id_conflict_policy => 'USE_EXISTING');
SELECT workflow.terminate_workflow_execution('eager');

--
-- A start that was attached to a run is repeated after its close as well
--
SELECT pg_temp.start('policy kept', NULL, NULL, 'first');
SELECT pg_temp.start('policy kept', NULL, 'USE_EXISTING', 'kept',
    '{"attachRequestId": true}');
SELECT workflow.terminate_workflow_execution('policy kept');
SELECT pg_temp.start('policy kept', NULL, 'USE_EXISTING', 'kept');
SELECT pg_temp.start('policy kept', 'REJECT_DUPLICATE', NULL, 'kept');
SELECT pg_temp.start('policy kept', 'REJECT_DUPLICATE', NULL, 'another');
SELECT run_key FROM workflow.execution WHERE workflow_id = 'policy kept' \gset
SELECT request_id FROM workflow.run_request WHERE run_key = :run_key;
SELECT workflow.delete_workflow_execution('policy kept');
SELECT request_id FROM workflow.run_request WHERE run_key = :run_key;
SELECT pg_temp.start('policy kept', NULL, NULL, 'kept');
SELECT workflow.terminate_workflow_execution('policy kept');
