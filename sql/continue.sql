--
-- Continue-as-new, workflow retries and cron
--
\a
\t on

-- the runs of a workflow id, oldest first
CREATE FUNCTION pg_temp.runs(workflow text, OUT status text, OUT attempt int,
    OUT events text, OUT followed boolean) RETURNS SETOF record
LANGUAGE sql AS $$
SELECT e.status::text, e.attempt,
    (SELECT string_agg(h.event_type::text, ', ' ORDER BY h.event_id)
     FROM workflow.get_workflow_execution_history(workflow, e.run_id) AS h),
    e.new_run_id = lead(e.run_id) OVER (ORDER BY e.run_key)
FROM workflow.execution AS e WHERE e.workflow_id = workflow
ORDER BY e.run_key
$$;
CREATE FUNCTION pg_temp.started(workflow text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT e.attributes
FROM workflow.get_workflow_execution_history(workflow) AS e
WHERE e.event_id = 1
$$;
CREATE FUNCTION pg_temp.continue(attributes jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType',
    'ContinueAsNewWorkflowExecution', 'attributes', attributes))
$$;
CREATE FUNCTION pg_temp.fail(failure jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType',
    'FailWorkflowExecution', 'attributes', jsonb_build_object('failure',
        jsonb_build_object('message', 'm', 'applicationFailureInfo',
            jsonb_build_object('type', 'T') || failure))))
$$;

--
-- Continue-as-new
--
SELECT run_id AS first FROM workflow.start_workflow_execution('can', 'type',
    'can', '["old"]', identity => 'starter',
    workflow_execution_timeout => '1 h', workflow_run_timeout => '10 min',
    workflow_task_timeout => '7 s', memo => '{"m": 1}',
    header => '{"h": 1}',
    retry_policy => '{"maximumAttempts": 2}', priority => '{"priorityKey": 2}')
    \gset
SELECT workflow.signal_workflow_execution('can', 'sig', request_id => 's');
SELECT t.step('can', t.timer('t', '3600s') || t.schedule('a')
    || pg_temp.continue());
SELECT * FROM pg_temp.runs('can');
SELECT attributes FROM t.events('can') WHERE id = 1;
SELECT s ->> 'firstExecutionRunId' = :'first',
    s ->> 'continuedExecutionRunId' = :'first',
    s ->> 'originalExecutionRunId' <> :'first',
    (s ->> 'workflowExecutionExpirationTime')::timestamptz - e.start_time
FROM pg_temp.started('can') AS s, workflow.execution AS e
WHERE e.run_id = :'first';
SELECT t.mask(e.attributes)
FROM workflow.get_workflow_execution_history('can', :'first') AS e
WHERE e.event_type = 'WorkflowExecutionContinuedAsNew';
-- what was pending is gone
SELECT (SELECT count(*) FROM workflow.pending_activities
        WHERE workflow_id = 'can'),
    (SELECT count(*) FROM workflow.pending_timers
     WHERE workflow_id = 'can' AND kind = 'Timer');
-- request ids of signals are not remembered by the next run
SELECT workflow.signal_workflow_execution('can', 'sig', request_id => 's');
SELECT t.types('can');
-- all that the command can say
SELECT t.step('can', pg_temp.continue('{"workflowType": {"name": "other"},
    "taskQueue": {"name": "can 2"}, "input": [1], "workflowRunTimeout": "90s",
    "workflowTaskTimeout": "200s", "backoffStartInterval": "0.01s",
    "retryPolicy": {"maximumAttempts": 3},
    "header": {"fields": {"h": 2}}, "memo": {"fields": {"m": 2}},
    "lastCompletionResult": ["r"]}'));
SELECT attributes FROM t.events('can') WHERE id = 1;
SELECT t.step('can 2', t.close('["done"]'));
SELECT * FROM pg_temp.runs('can');
-- the result of the chain
CALL workflow.get_workflow_execution_result('can', :'first', '5 s',
    final_run_id => NULL, status => NULL, result => NULL, failure => NULL) \gset end_
\echo :end_status :end_result

-- a buffered signal keeps the run from closing: nothing is lost
SELECT t.start('can signal');
SELECT t.poll('can signal') AS task \gset
SELECT workflow.signal_workflow_execution('can signal', 'sig');
SELECT t.complete(:'task', pg_temp.continue());
SELECT t.types('can signal', 4);
SELECT t.step('can signal', pg_temp.continue());
SELECT * FROM pg_temp.runs('can signal');
SELECT workflow.terminate_workflow_execution('can signal');

-- what is refused
SELECT t.start('can bad');
SELECT t.step('can bad', pg_temp.continue(a))::jsonb #>> '{error,message}'
FROM (VALUES ('{"initiator": "x"}'::jsonb), ('{"workflowRunTimeout": "-1s"}'),
    ('{"cronSchedule": "x"}'), ('{"retryPolicy": {"maximumAttempts": -1}}'),
    ('{"taskQueue": 1}')) AS v (a) LIMIT 1;
SELECT t.err(format($$ SELECT t.step('can bad', %L) $$, pg_temp.continue(a)))
FROM (VALUES ('{"workflowRunTimeout": "-1s"}'::jsonb)) AS v (a);
SELECT workflow.terminate_workflow_execution('can bad');

-- runs do not follow each other faster than the minimal interval
SET pg_workflow.workflow_id_reuse_minimal_interval = '1 h';
SELECT t.start('can fast');
SELECT t.step('can fast', pg_temp.continue());
SELECT (s ->> 'firstWorkflowTaskBackoff')::interval BETWEEN '59 min' AND '1 h',
    t.types('can fast')
FROM pg_temp.started('can fast') AS s;
RESET pg_workflow.workflow_id_reuse_minimal_interval;
SELECT workflow.terminate_workflow_execution('can fast');

--
-- Workflow retry
--
SELECT run_id AS first FROM workflow.start_workflow_execution('retry', 'type',
    'retry', '["in"]', identity => 'starter', memo => '{"m": 1}',
    header => '{"h": 1}',
    workflow_run_timeout => '60 s',
    retry_policy => '{"initialInterval": "0.01s", "maximumAttempts": 3,
        "maximumInterval": "0.02s", "backoffCoefficient": 3}') \gset
-- the memo begins as the first run's did
SELECT t.step('retry', '[{"commandType": "ModifyWorkflowProperties",
    "attributes": {"upsertedMemo": {"fields": {"m": 2}}}}]'
    || pg_temp.fail());
SELECT attributes FROM t.events('retry') WHERE id = 1;
-- the delay that the failure asks for is capped by the maximum interval
SELECT t.step('retry', pg_temp.fail('{"nextRetryDelay": "3600s"}'));
SELECT pg_temp.started('retry') ->> 'firstWorkflowTaskBackoff',
    pg_temp.started('retry') ->> 'attempt';
SELECT t.step('retry', pg_temp.fail());
SELECT * FROM pg_temp.runs('retry');
SELECT e.run_key - min(e.run_key) OVER (), h.attributes ->> 'retryState',
    h.attributes ? 'newExecutionRunId'
FROM workflow.execution AS e, LATERAL
    workflow.get_workflow_execution_history('retry', e.run_id) AS h
WHERE e.workflow_id = 'retry' AND h.event_type = 'WorkflowExecutionFailed'
ORDER BY 1;
-- other reasons not to be tried again
CREATE FUNCTION pg_temp.retry_state(workflow text, policy jsonb,
    failure jsonb DEFAULT '{}', timeout interval DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_run uuid;
BEGIN
    SELECT run_id INTO v_run
    FROM workflow.start_workflow_execution(workflow, 'type', workflow,
        workflow_execution_timeout => timeout, retry_policy => policy);
    PERFORM t.step(workflow, pg_temp.fail(failure));
    RETURN (SELECT h.attributes ->> 'retryState'
        FROM workflow.get_workflow_execution_history(workflow, v_run) AS h
        WHERE h.event_type = 'WorkflowExecutionFailed');
END
$$;
SELECT pg_temp.retry_state('retry not', NULL);
SELECT pg_temp.retry_state('retry not', '{}', '{"nonRetryable": true}');
SELECT pg_temp.retry_state('retry not',
    '{"nonRetryableErrorTypes": ["T"]}');
SELECT pg_temp.retry_state('retry not', '{"maximumAttempts": 1}');
SELECT pg_temp.retry_state('retry not', '{"initialInterval": "3600s"}',
    '{}', '10 min');
-- a run that times out is tried again; the end of the execution timeout is
-- the end of the chain
SELECT 1 FROM workflow.start_workflow_execution('retry timeout', 'type',
    'retry timeout', workflow_run_timeout => '0.02 s',
    retry_policy => '{"initialInterval": "0.01s", "maximumAttempts": 2}');
SELECT t.wait_for($$ SELECT count(*) = 2 FROM workflow.execution
    WHERE workflow_id = 'retry timeout' AND close_time IS NOT NULL $$);
SELECT e.attempt, h.attributes ->> 'retryState',
    h.attributes ? 'newExecutionRunId'
FROM workflow.execution AS e, LATERAL
    workflow.get_workflow_execution_history('retry timeout', e.run_id) AS h
WHERE e.workflow_id = 'retry timeout'
    AND h.event_type = 'WorkflowExecutionTimedOut'
ORDER BY 1;
SELECT t.mask(pg_temp.started('retry timeout') -> 'continuedFailure');
SELECT 1 FROM workflow.start_workflow_execution('retry expired', 'type',
    'retry expired', workflow_execution_timeout => '0.02 s',
    retry_policy => '{"initialInterval": "0.01s"}');
SELECT t.wait_for($$ SELECT count(*) = 1 FROM workflow.execution
    WHERE workflow_id = 'retry expired' AND close_time IS NOT NULL $$);
SELECT * FROM pg_temp.runs('retry expired');
-- no retry after a cancellation or a termination
SELECT 1 FROM workflow.start_workflow_execution('retry cancel', 'type',
    'retry cancel', retry_policy => '{"initialInterval": "0.01s"}');
SELECT t.step('retry cancel', '[{"commandType": "CancelWorkflowExecution"}]');
SELECT 1 FROM workflow.start_workflow_execution('retry cancel', 'type',
    'retry cancel', retry_policy => '{"initialInterval": "0.01s"}');
SELECT workflow.terminate_workflow_execution('retry cancel');
SELECT * FROM pg_temp.runs('retry cancel');

--
-- Cron
--
-- the first run waits too, for whole seconds
SELECT run_id AS first FROM workflow.start_workflow_execution('cron', 'type',
    'cron', '["in"]', memo => '{"m": 1}', cron_schedule => '0 0 1 1 *') \gset
SELECT t.types('cron'), s ->> 'initiator', s ->> 'attempt',
    s ->> 'firstWorkflowTaskBackoff' ~ '^[0-9]+s$',
    date_trunc('second', e.execution_time) AT TIME ZONE 'UTC'
        = date_trunc('year', e.start_time AT TIME ZONE 'UTC') + interval '1 year'
FROM pg_temp.started('cron') AS s, workflow.execution AS e
WHERE e.run_id = :'first';
SELECT workflow.terminate_workflow_execution('cron');
SELECT count(*), count(close_time) FROM workflow.execution
WHERE workflow_id = 'cron';
-- every run leads to the next, with the last result, until one is canceled
SELECT run_id AS first FROM workflow.start_workflow_execution('cron', 'type',
    'cron', '["in"]', identity => 'starter', memo => '{"m": 1}',
    cron_schedule => '@every 1s') \gset
SELECT t.step('cron', t.close('["one"]'));
SELECT attributes::jsonb - 'firstWorkflowTaskBackoff' FROM t.events('cron')
WHERE id = 1;
SELECT t.types('cron'),
    pg_temp.started('cron') ->> 'firstWorkflowTaskBackoff';
SELECT t.step('cron', pg_temp.fail());
SELECT pg_temp.started('cron') -> 'lastCompletionResult',
    pg_temp.started('cron') #>> '{continuedFailure,message}',
    pg_temp.started('cron') ->> 'initiator';
SELECT workflow.request_cancel_workflow_execution('cron');
SELECT t.step('cron', '[{"commandType": "CancelWorkflowExecution"}]');
SELECT status, attempt, followed FROM pg_temp.runs('cron');
-- a retry comes first, without waiting for the next time
SELECT 1 FROM workflow.start_workflow_execution('cron retry', 'type',
    'cron retry', cron_schedule => '@every 1s',
    retry_policy => '{"initialInterval": "0.01s", "maximumAttempts": 2}');
SELECT t.step('cron retry', pg_temp.fail());
SELECT pg_temp.started('cron retry') ->> 'initiator',
    pg_temp.started('cron retry') ->> 'attempt';
SELECT t.step('cron retry', pg_temp.fail());
SELECT pg_temp.started('cron retry') ->> 'initiator',
    pg_temp.started('cron retry') ->> 'attempt';
SELECT workflow.terminate_workflow_execution('cron retry');
SELECT t.err($$ SELECT workflow.start_workflow_execution('cron', 't', 'q',
    cron_schedule => 'x') $$);
