--
-- What clients do: start, signal, cancel, terminate, and time limits of runs
--
\a
\t on

--
-- Start
--
SELECT run_id AS run, started FROM workflow.start_workflow_execution(
    'start all', 'type', 'start all', '[{"a": 1}, 2]', 'request', 'client',
    '1 day', '1 hour', '20 s', '{"note": "n"}', '{"CustomerId": 7}',
    '{"trace": "abc"}') \gset
SELECT * FROM t.events('start all');
SELECT t.mask((workflow.describe_workflow_execution('start all')
    ->'workflowExecutionInfo') - 'historySizeBytes');
SELECT (e.attributes->>'workflowExecutionExpirationTime')::timestamptz
        - e.event_time,
    e.attributes->>'originalExecutionRunId' = :'run',
    e.attributes->>'firstExecutionRunId' = :'run'
FROM workflow.get_workflow_execution_history('start all') AS e
WHERE e.event_id = 1;

-- timeouts: the run's is at most the execution's, the task's at most 2
-- minutes and the run's
CREATE FUNCTION pg_temp.timeouts(execution interval, run interval,
    task interval, OUT execution_timeout text, OUT run_timeout text,
    OUT task_timeout text) RETURNS record
LANGUAGE plpgsql AS $$
DECLARE
    v_id text := 'start ' || gen_random_uuid();
BEGIN
    PERFORM workflow.start_workflow_execution(v_id, 'type', v_id,
        workflow_execution_timeout => execution, workflow_run_timeout => run,
        workflow_task_timeout => task);
    SELECT e.attributes->>'workflowExecutionTimeout',
        e.attributes->>'workflowRunTimeout',
        e.attributes->>'workflowTaskTimeout'
    INTO execution_timeout, run_timeout, task_timeout
    FROM workflow.get_workflow_execution_history(v_id) AS e
    WHERE e.event_id = 1;
    PERFORM workflow.terminate_workflow_execution(v_id);
END
$$;
\pset null -
SELECT * FROM pg_temp.timeouts(NULL, NULL, NULL);
SELECT * FROM pg_temp.timeouts('0', '0', '0');
SELECT * FROM pg_temp.timeouts('1 hour', NULL, NULL);
SELECT * FROM pg_temp.timeouts(NULL, '1 hour', NULL);
SELECT * FROM pg_temp.timeouts('1 hour', '2 hours', '3 hours');
SELECT * FROM pg_temp.timeouts('2 hours', '1 hour', '1 min');
SELECT * FROM pg_temp.timeouts(NULL, '5 s', NULL);
SELECT * FROM pg_temp.timeouts(NULL, '5 s', '7 s');
SELECT * FROM pg_temp.timeouts('1000 years', '1 month', '0.5 s');
\pset null ''

-- a repeated request succeeds and starts nothing, also after the close
SELECT run_id = :'run', started FROM workflow.start_workflow_execution(
    'start all', 'other', 'other', request_id => 'request');
SELECT t.types('start all');
SELECT workflow.terminate_workflow_execution('start all');
SELECT run_id = :'run', started FROM workflow.start_workflow_execution(
    'start all', 'type', 'start all', request_id => 'request');
SELECT t.status('start all');

-- another request is refused while the run is open, and starts the next one
-- when it is closed
SELECT run_id <> :'run', started FROM workflow.start_workflow_execution(
    'start all', 'type', 'start all', request_id => 'second');
SELECT regexp_replace(t.err($$ SELECT workflow.start_workflow_execution(
    'start all', 'type', 'start all', request_id => 'third') $$),
    '[0-9a-f-]{36}', '<uuid>', 'g');
SELECT split_part(t.err($$ SELECT workflow.start_workflow_execution(
    'start all', 'type', 'start all', request_id => 'request') $$), ' |', 1);
SELECT split_part(t.err($$ SELECT workflow.start_workflow_execution(
    'start all', 'type', 'start all') $$), ' |', 1);
-- not too soon after the last start
SELECT t.start('start again');
SELECT workflow.terminate_workflow_execution('start again');
SET pg_workflow.workflow_id_reuse_minimal_interval = '1 h';
SELECT t.err($$ SELECT t.start('start again') $$);
RESET pg_workflow.workflow_id_reuse_minimal_interval;
SELECT count(*), count(*) FILTER (WHERE close_time IS NULL)
FROM workflow.execution WHERE workflow_id = 'start all';

-- what is refused
SELECT t.err(format('SELECT workflow.start_workflow_execution(%s)', arguments))
FROM (VALUES
    ('NULL, $$t$$, $$q$$'), ('$$$$, $$t$$, $$q$$'), ('$$refused$$, NULL, $$q$$'),
    ('$$refused$$, $$$$, $$q$$'), ('$$refused$$, $$t$$, NULL'), ('$$refused$$, $$t$$, $$$$'),
    ('repeat($$x$$, 1001), $$t$$, $$q$$'),
    ('$$refused$$, repeat($$x$$, 1001), $$q$$'),
    ('$$refused$$, $$t$$, repeat($$x$$, 1001)'),
    ('$$refused$$, $$t$$, $$q$$, request_id => repeat($$x$$, 1001)'),
    ('$$refused$$, $$t$$, $$q$$, identity => repeat($$x$$, 1001)'),
    ('$$refused$$, $$t$$, $$q$$, workflow_run_timeout => $$-1 s$$'),
    ('$$refused$$, $$t$$, $$q$$, workflow_execution_timeout => $$-1 day$$'),
    ('$$refused$$, $$t$$, $$q$$, workflow_task_timeout => $$-1 month$$'),
    ('$$refused$$, $$t$$, $$q$$, memo => $$1$$'),
    ('$$refused$$, $$t$$, $$q$$, search_attributes => $$[]$$'),
    ('$$refused$$, $$t$$, $$q$$, header => $$"x"$$'),
    ('$$refused$$, $$t$$, $$q$$, namespace => $$nowhere$$'),
    ('$$refused$$, $$t$$, $$q$$, to_jsonb(repeat($$x$$, 2100000))'),
    ('$$refused$$, $$t$$, $$q$$, memo => to_jsonb(ARRAY[1])'),
    ('$$refused$$, $$t$$, $$q$$,
        memo => jsonb_build_object($$k$$, repeat($$x$$, 2100000))'),
    ('$$refused$$, $$t$$, $$q$$,
        search_attributes => jsonb_build_object($$k$$, repeat($$x$$, 3000))'),
    ('$$refused$$, $$t$$, $$q$$, search_attributes =>
        (SELECT jsonb_object_agg(n, n) FROM generate_series(1, 101) AS n)'),
    ('$$refused$$, $$t$$, $$q$$, search_attributes =>
        (SELECT jsonb_object_agg(n, repeat($$x$$, 1000))
         FROM generate_series(1, 50) AS n)'))
    AS v (arguments);
SELECT count(*) FROM workflow.execution WHERE workflow_id = 'refused';
-- just not too long; other bytes than ASCII
SELECT started FROM workflow.start_workflow_execution(repeat('é', 500),
    repeat('t', 1000), repeat('q', 1000));

--
-- Signal
--
SELECT t.start('signal');
SELECT workflow.signal_workflow_execution('signal', 'full', '{"a": [1]}',
    request_id => 'r1', identity => 'client', header => '{"trace": "abc"}');
SELECT workflow.signal_workflow_execution('signal', 'full', '{"a": [2]}',
    request_id => 'r1', identity => 'client');
SELECT workflow.signal_workflow_execution('signal', 'bare',
    request_id => 'r2', identity => 'client');
SELECT * FROM t.events('signal', 3);
-- repetitions while a workflow task is started
SELECT t.poll('signal') AS task \gset
SELECT workflow.signal_workflow_execution('signal', 'full', request_id => 'r1');
SELECT workflow.signal_workflow_execution('signal', 'new', request_id => 'r3',
    identity => 'client');
SELECT workflow.signal_workflow_execution('signal', 'new', request_id => 'r3');
SELECT t.complete(:'task');
SELECT t.types('signal', 5);
-- which run
SELECT run_id AS run FROM workflow.execution WHERE workflow_id = 'signal' \gset
SELECT workflow.signal_workflow_execution('signal', 's', run_id => :'run');
SELECT regexp_replace(t.err(format(
    'SELECT workflow.signal_workflow_execution(%s)', arguments)),
    :'run', '<uuid>')
FROM (VALUES
    ('NULL, $$s$$'), ('$$signal$$, NULL'), ('$$signal$$, $$$$'),
    ('$$nobody$$, $$s$$'), ('$$signal$$, repeat($$x$$, 1001)'),
    ('$$signal$$, $$s$$, run_id => $$00000000-0000-4000-8000-000000000000$$'),
    ('$$start all$$, $$s$$, run_id => ' || quote_literal(:'run')),
    ('$$signal$$, $$s$$, header => $$1$$'),
    ('$$signal$$, $$s$$, to_jsonb(repeat($$x$$, 2100000))'),
    ('$$signal$$, $$s$$, namespace => $$nowhere$$')) AS v (arguments);
-- a limit
SET pg_workflow.max_signals_per_execution = 5;
SELECT workflow.signal_workflow_execution('signal', 's5', request_id => 'r5');
SELECT t.err($$ SELECT workflow.signal_workflow_execution('signal', 's6') $$);
SELECT workflow.signal_workflow_execution('signal', 's5', request_id => 'r5');
RESET pg_workflow.max_signals_per_execution;
-- closed
SELECT t.step('signal', t.close());
SELECT t.err($$ SELECT workflow.signal_workflow_execution('signal', 's') $$);
SELECT t.err($$ SELECT workflow.signal_workflow_execution('signal', 's',
    request_id => 'r1') $$);
SELECT t.err(format('SELECT workflow.signal_workflow_execution(%L, %L,
    run_id => %L)', 'signal', 's', :'run'));

-- after a close attempt, no more until the next workflow task ends
SELECT t.start('closing');
SELECT t.poll('closing') AS task \gset
SELECT workflow.signal_workflow_execution('closing', 'one');
SELECT t.complete(:'task', t.close());
SELECT workflow.signal_workflow_execution('closing', 'two');
SELECT t.poll('closing') AS task \gset
SELECT t.err($$ SELECT workflow.signal_workflow_execution('closing', 'no') $$);
SELECT workflow.request_cancel_workflow_execution('closing');
SELECT t.complete(:'task');
SELECT workflow.signal_workflow_execution('closing', 'three');
SELECT t.types('closing', 4);
-- and no further than that
SELECT t.poll('closing') IS NOT NULL;
SELECT t.err($$ SELECT workflow.signal_workflow_execution('closing', 'x') $$);

--
-- Cancel
--
SELECT t.start('cancel');
SELECT workflow.request_cancel_workflow_execution('cancel', 'because',
    identity => 'client');
SELECT workflow.request_cancel_workflow_execution('cancel', 'again');
SELECT t.step('cancel');
SELECT workflow.request_cancel_workflow_execution('cancel', 'again');
SELECT * FROM t.events('cancel', 3);
SELECT t.start('cancel waiting');
SELECT t.step('cancel waiting');
SELECT workflow.request_cancel_workflow_execution('cancel waiting',
    identity => 'client');
SELECT * FROM t.events('cancel waiting', 5);
SELECT t.step('cancel waiting', '[{"commandType": "CancelWorkflowExecution"}]');
SELECT t.status('cancel waiting');
-- a closed workflow: success
SELECT workflow.request_cancel_workflow_execution('cancel waiting');
SELECT t.types('cancel waiting', 5);
SELECT first_run_id AS run FROM workflow.execution
WHERE workflow_id = 'cancel' \gset
SELECT workflow.request_cancel_workflow_execution('cancel',
    first_execution_run_id => :'run',
    run_id => '00000000-0000-4000-8000-000000000000');
SELECT regexp_replace(t.err(format(
    'SELECT workflow.request_cancel_workflow_execution(%s)', arguments)),
    :'run', '<uuid>')
FROM (VALUES ('NULL'), ('$$$$'), ('$$nobody$$'),
    ('$$cancel$$, run_id => $$00000000-0000-4000-8000-000000000000$$'),
    ('$$cancel$$, first_execution_run_id =>
        $$00000000-0000-4000-8000-000000000000$$'),
    ('$$cancel$$, namespace => $$nowhere$$')) AS v (arguments);

--
-- Terminate
--
SELECT t.start('terminate');
SELECT workflow.terminate_workflow_execution('terminate', 'reason',
    '["details"]', identity => 'client');
SELECT * FROM t.events('terminate', 2);
SELECT t.has_task('terminate');
SELECT t.err($$ SELECT workflow.terminate_workflow_execution('terminate') $$);
SELECT first_run_id AS run FROM workflow.execution
WHERE workflow_id = 'cancel' \gset
SELECT regexp_replace(t.err(format(
    'SELECT workflow.terminate_workflow_execution(%s)', arguments)),
    :'run', '<uuid>')
FROM (VALUES ('NULL'), ('$$$$'), ('$$nobody$$'),
    ('$$cancel$$, run_id => $$00000000-0000-4000-8000-000000000000$$'),
    ('$$cancel$$, first_execution_run_id =>
        $$00000000-0000-4000-8000-000000000000$$')) AS v (arguments);
SELECT workflow.terminate_workflow_execution('cancel',
    first_execution_run_id => :'run');
SELECT t.types('cancel', 6);

--
-- Time limits of the run and of the execution
--
SELECT started FROM workflow.start_workflow_execution('run timeout', 'type',
    'run timeout', workflow_run_timeout => '20 ms');
SELECT t.wait_event('run timeout', 'WorkflowExecutionTimedOut');
SELECT * FROM t.events('run timeout', 2);
SELECT t.status('run timeout');
SELECT t.has_task('run timeout');

SELECT started FROM workflow.start_workflow_execution('execution timeout',
    'type', 'execution timeout', workflow_execution_timeout => '700 ms');
SELECT t.step('execution timeout', t.timer('1', '1800s') || t.schedule('1'));
SELECT workflow.signal_workflow_execution('execution timeout', 'one');
SELECT t.poll('execution timeout') AS task \gset
SELECT workflow.signal_workflow_execution('execution timeout', 'two',
    identity => 'client');
SELECT t.wait_event('execution timeout', 'WorkflowExecutionTimedOut');
SELECT * FROM t.events('execution timeout', 9);
SELECT t.status('execution timeout');
SELECT t.has_activity('execution timeout');
SELECT t.err(format('SELECT t.complete(%L)', :'task'));

SELECT t.cleanup();
