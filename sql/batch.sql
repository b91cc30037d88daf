--
-- Batch operations
--
\a
\t on

CREATE FUNCTION pg_temp.wait_batch(job text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM t.wait_for(format(
        'SELECT workflow.describe_batch_operation(%L) ? ''closeTime''', job));
    RETURN (workflow.describe_batch_operation(job)
        - '{startTime,closeTime,jobId}'::text[])::text;
END
$$;
CREATE FUNCTION pg_temp.statuses(pattern text) RETURNS text
LANGUAGE sql AS $$
SELECT string_agg(status || ' ' || number, ', ' ORDER BY status)
FROM (SELECT status::text, count(*) AS number FROM workflow.execution
    WHERE workflow_id LIKE pattern GROUP BY status) AS s
$$;
CREATE FUNCTION pg_temp.batch(type text, number int) RETURNS bigint
LANGUAGE sql AS $$
SELECT count(*) FROM generate_series(1, number) AS n, LATERAL
    workflow.start_workflow_execution(type || ' ' || n, type, 'batch')
$$;

--
-- By query
--
SELECT pg_temp.batch('batch a', 25), pg_temp.batch('batch b', 3);
SELECT workflow.start_batch_operation('SIGNAL',
    $$WorkflowType = 'batch a'$$, parameters => '{"signal": "sig",
    "input": ["in"], "header": {"k": 1}}', job_id => 'job 1',
    reason => 'why', identity => 'operator', max_operations_per_second => 500);
SELECT pg_temp.wait_batch('job 1');
SELECT t.mask(e.attributes), count(*)
FROM workflow.execution AS x, LATERAL
    workflow.get_workflow_execution_history(x.workflow_id) AS e
WHERE x.workflow_id LIKE 'batch %'
    AND e.event_type = 'WorkflowExecutionSignaled'
GROUP BY 1;
SELECT workflow.start_batch_operation('BATCH_OPERATION_TYPE_CANCEL',
    $$WorkflowType = 'batch a' AND WorkflowId STARTS_WITH 'batch a 1'$$,
    job_id => 'job 2', reason => 'why', max_operations_per_second => 500);
SELECT pg_temp.wait_batch('job 2');
SELECT count(*) FROM workflow.history_event
    JOIN workflow.execution USING (namespace_id, run_key)
WHERE workflow_id LIKE 'batch a %'
    AND event_type = 'WorkflowExecutionCancelRequested';
-- the operation takes the runs out of the query's result
SELECT workflow.start_batch_operation('TERMINATE',
    $$WorkflowType = 'batch a' AND ExecutionStatus = 'Running'$$,
    job_id => 'job 3', reason => 'enough', max_operations_per_second => 500);
SELECT pg_temp.wait_batch('job 3');
SELECT pg_temp.statuses('batch %');
SELECT t.mask(e.attributes - 'identity')
FROM workflow.get_workflow_execution_history('batch a 7') AS e
WHERE e.event_type = 'WorkflowExecutionTerminated';
SELECT workflow.start_batch_operation('DELETE', $$WorkflowType = 'batch a'$$,
    job_id => 'job 4', max_operations_per_second => 500);
SELECT pg_temp.wait_batch('job 4');
SELECT pg_temp.statuses('batch %');
-- nothing matches
SELECT workflow.start_batch_operation('DELETE', $$WorkflowType = 'batch a'$$,
    job_id => 'job 5');
SELECT pg_temp.wait_batch('job 5');

--
-- By list; some fail
--
SELECT t.start('batch step');
SELECT t.step('batch step');
SELECT run_id AS run FROM workflow.execution
WHERE workflow_id = 'batch b 1' \gset
SELECT workflow.start_batch_operation('RESET', executions =>
    jsonb_build_array('{"workflowId": "batch step"}'::jsonb,
    jsonb_build_object('workflowId', 'batch b 1', 'runId', :'run'),
    '{"workflowId": "batch nobody"}'::jsonb), parameters =>
    '{"resetType": "FIRST_WORKFLOW_TASK"}', job_id => 'job 6');
SELECT pg_temp.wait_batch('job 6');
SELECT t.types('batch step');
SELECT t.types('batch b 1');

--
-- Activities of runs; a run that has none is complete
--
CREATE FUNCTION pg_temp.activities() RETURNS SETOF text
LANGUAGE sql AS $$
SELECT concat_ws(' ', e.workflow_id, a.activity_id, 'state', a.state,
    'attempt', a.attempt, a.task_queue, a.start_to_close_us / 1000000,
    a.heartbeat_us / 1000000, a.maximum_attempts)
FROM workflow.activity AS a JOIN workflow.execution AS e
    USING (namespace_id, run_key)
WHERE e.workflow_id LIKE 'batch act%'
ORDER BY e.workflow_id, a.scheduled_event_id
$$;
CREATE FUNCTION pg_temp.run_batch(operation text, parameters jsonb)
RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    RETURN workflow.start_batch_operation(operation,
        $q$WorkflowId STARTS_WITH 'batch act'$q$, parameters => parameters,
        job_id => operation, max_operations_per_second => 500);
END
$$;
SELECT t.start('batch act 1'), t.start('batch act 2'), t.start('batch act 3');
SELECT t.step('batch act 1', t.schedule('1') || t.schedule('2',
    '{"activityType": {"name": "other"}}'));
SELECT t.step('batch act 2', t.schedule('1'));
SELECT pg_temp.run_batch('PAUSE_ACTIVITY', '{"type": "act"}') AS job \gset
SELECT pg_temp.wait_batch(:'job');
SELECT pg_temp.activities();
SELECT pg_temp.run_batch('BATCH_OPERATION_TYPE_UPDATE_ACTIVITY_OPTIONS',
    '{"matchAll": true, "activityOptions": {"taskQueue": {"name": "batch q"},
    "startToCloseTimeout": "9s", "heartbeatTimeout": "5s",
    "retryPolicy": {"maximumAttempts": 7}}}') AS job \gset
SELECT pg_temp.wait_batch(:'job');
SELECT pg_temp.activities();
SELECT t.activity_task('batch q')->>'activityId';
SELECT workflow.respond_activity_task_failed_by_id('batch act 1', '2',
    '{"message": "again"}');
-- a queue may be given by its name alone, as elsewhere
SELECT pg_temp.run_batch('UPDATE_ACTIVITY_OPTIONS', '{"matchAll": true,
    "activityOptions": {"taskQueue": "batch other q"}}') AS job \gset
SELECT pg_temp.wait_batch(:'job');
SELECT DISTINCT a.task_queue FROM workflow.activity AS a
JOIN workflow.execution AS e USING (namespace_id, run_key)
WHERE e.workflow_id LIKE 'batch act %' ORDER BY 1;
SELECT pg_temp.run_batch('RESET_ACTIVITY', '{"matchAll": true,
    "keepPaused": true, "restoreOriginalOptions": true}') AS job \gset
SELECT pg_temp.wait_batch(:'job');
SELECT pg_temp.activities();
SELECT pg_temp.run_batch('UNPAUSE_ACTIVITY', '{"type": "act",
    "resetAttempts": true, "jitter": "0s"}') AS job \gset
SELECT pg_temp.wait_batch(:'job');
SELECT pg_temp.activities();

--
-- Rate, one at a time, stopping
--
SELECT workflow.start_batch_operation('TERMINATE',
    $$WorkflowType = 'batch b'$$, job_id => 'slow',
    max_operations_per_second => 0.01);
SELECT t.wait_for($$ SELECT workflow.describe_batch_operation('slow')
    ->> 'completeOperationCount' = '1' $$);
SELECT workflow.describe_batch_operation('slow')
    - '{startTime,identity}'::text[];
SELECT t.err($$ SELECT workflow.start_batch_operation('DELETE',
    'WorkflowType = "x"', job_id => 'second') $$);
SELECT t.err($$ SELECT workflow.start_batch_operation('DELETE',
    'WorkflowType = "x"', job_id => 'slow') $$);
SELECT workflow.stop_batch_operation('slow', 'no more', 'stopper');
SELECT workflow.describe_batch_operation('slow')
    - '{startTime,closeTime}'::text[];
SELECT pg_temp.statuses('batch b %');
SELECT t.err($$ SELECT workflow.stop_batch_operation('slow') $$);
SELECT t.err($$ SELECT workflow.stop_batch_operation('nobody') $$);
SELECT t.err($$ SELECT workflow.describe_batch_operation('nobody') $$);
SELECT b ->> 'jobId', b ->> 'state'
FROM workflow.list_batch_operations(3) AS b;
-- the slowest
SELECT workflow.start_batch_operation('TERMINATE', executions =>
    '[{"workflowId": "batch none"}, {"workflowId": "batch none"}]',
    job_id => 'slowest', max_operations_per_second => 1e-300);
SELECT t.wait_for($$ SELECT workflow.describe_batch_operation('slowest')
    ->> 'completeOperationCount' = '1' $$);
SELECT due_at > now() + interval '90 years' FROM workflow.batch_operation
WHERE job_id = 'slowest';
SELECT workflow.stop_batch_operation('slowest', 'no more');
-- what ended longer ago than the retention is forgotten with the next start
UPDATE workflow.batch_operation SET close_time = close_time - CASE job_id
    WHEN 'slow' THEN interval '73 hours' ELSE interval '71 hours' END
WHERE job_id IN ('slow', 'slowest');
SELECT workflow.start_batch_operation('CANCEL', executions =>
    '[{"workflowId": "batch none"}]', job_id => 'last');
SELECT pg_temp.wait_batch('last');
SELECT job_id FROM workflow.batch_operation
WHERE job_id IN ('slow', 'slowest', 'last') ORDER BY 1;

--
-- What is refused
--
SELECT t.err(format('SELECT workflow.start_batch_operation(%s)', arguments))
FROM (VALUES
    ('NULL, $$a = 1$$'), ('$$nothing$$, $$a = 1$$'),
    ('$$DELETE$$'), ('$$DELETE$$, $$WorkflowId = "a"$$, $$[]$$'),
    ('$$DELETE$$, $$$$'),
    ('$$DELETE$$, executions => $$[]$$'),
    ('$$DELETE$$, executions => $${}$$'),
    ('$$DELETE$$, executions => $$[1]$$'),
    ('$$DELETE$$, executions => $$[{"runId": "x"}]$$'),
    ('$$DELETE$$, $$not a query$$'), ('$$DELETE$$, $$Nothing = 1$$'),
    ('$$SIGNAL$$, $$WorkflowId = "a"$$'),
    ('$$RESET$$, $$WorkflowId = "a"$$, parameters => $$[]$$'),
    ('$$RESET$$, $$WorkflowId = "a"$$, parameters => $${}$$'),
    ('$$PAUSE_ACTIVITY$$, $$WorkflowId = "a"$$'),
    ('$$RESET_ACTIVITY$$, $$WorkflowId = "a"$$, parameters =>
        $${"type": "a", "matchAll": true}$$'),
    ('$$UNPAUSE_ACTIVITY$$, $$WorkflowId = "a"$$, parameters =>
        $${"type": "a", "jitter": "soon"}$$'),
    ('$$UNPAUSE_ACTIVITY$$, $$WorkflowId = "a"$$, parameters =>
        $${"type": "a", "resetAttempts": "yes"}$$'),
    ('$$UPDATE_ACTIVITY_OPTIONS$$, $$WorkflowId = "a"$$, parameters =>
        $${"type": "a"}$$'),
    ('$$UPDATE_ACTIVITY_OPTIONS$$, $$WorkflowId = "a"$$, parameters =>
        $${"type": "a", "activityOptions": {"attempts": 1}}$$'),
    ('$$UPDATE_ACTIVITY_OPTIONS$$, $$WorkflowId = "a"$$, parameters =>
        $${"type": "a", "activityOptions":
        {"retryPolicy": {"backoffCoefficient": 0.5}}}$$'),
    ('$$DELETE$$, $$WorkflowId = "a"$$, max_operations_per_second => 0'),
    ('$$DELETE$$, $$WorkflowId = "a"$$, namespace => $$nowhere$$'))
    AS v (arguments);
SELECT count(workflow.terminate_workflow_execution(workflow_id))
FROM workflow.execution
WHERE workflow_id LIKE 'batch %' AND close_time IS NULL;
