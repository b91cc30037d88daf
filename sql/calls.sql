--
-- Many calls in one statement
--
\a
\t on

-- A call, and all of a JSON array in their order.
CREATE FUNCTION pg_temp.call(name text, VARIADIC arguments text[])
RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_object('call', name, 'arguments',
    jsonb_object(arguments))
$$;

-- The error of a statement, with which call it was.
CREATE FUNCTION pg_temp.try(calls jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_context text;
BEGIN
    RETURN (SELECT string_agg(t.mask(r::jsonb), E'\n')
            FROM workflow.execute_calls(calls) AS r);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL,
        v_context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(' | ', SQLSTATE || ': ' || SQLERRM,
        nullif(v_detail, ''), substring(v_context from '^call [^\n]*'));
END
$$;

--
-- A workflow from its start to its end, everybody in one statement
--
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    jsonb_build_object('call', 'start_workflow_execution', 'arguments',
        '{"workflow_id": "calls", "workflow_type": "type",
          "task_queue": "calls", "input": [1, {"a": [2, "x"]}],
          "request_id": "request", "identity": "client",
          "workflow_run_timeout": "1 hour", "memo": {"note": "n"}}'::jsonb),
    jsonb_build_object('call', 'signal_workflow_execution', 'arguments',
        '{"workflow_id": "calls", "signal_name": "go", "input": "now",
          "identity": "client", "run_id": null}'::jsonb))) AS r;
SELECT * FROM t.events('calls');

-- a call sees what those before it have done
SELECT t.start('calls two');
SELECT t.poll('calls') AS token \gset
SELECT t.poll('calls two') AS token2 \gset
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    jsonb_build_object('call', 'respond_workflow_task_completed',
        'arguments', jsonb_build_object('task_token', :'token',
            'commands', t.schedule('a') || t.schedule('b')
                || t.schedule('c'),
            'identity', 'worker')),
    jsonb_build_object('call', 'respond_workflow_task_completed',
        'arguments', jsonb_build_object('task_token', :'token2',
            'commands', t.marker('m'), 'sticky_queue', 'calls sticky',
            'sticky_schedule_to_start_timeout', '20 s',
            'force_create_new_workflow_task', true,
            'return_new_workflow_task', true, 'identity', 'worker')),
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls two',
        'signal_name', 'more'),
    pg_temp.call('terminate_workflow_execution', 'workflow_id', 'calls two',
        'reason', 'enough', 'identity', 'client'))) AS r;
SELECT * FROM t.events('calls two', 4);
SELECT t.activity('calls') AS a \gset
SELECT t.activity('calls') AS b \gset
SELECT t.activity('calls') AS c \gset
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    pg_temp.call('record_activity_task_heartbeat', 'task_token', :'a'),
    jsonb_build_object('call', 'respond_activity_task_completed',
        'arguments', jsonb_build_object('task_token', :'a', 'result',
            '[null]'::jsonb,
            'identity', 'worker')),
    jsonb_build_object('call', 'respond_activity_task_failed', 'arguments',
        jsonb_build_object('task_token', :'b', 'failure',
            '{"message": "no", "applicationFailureInfo":
                {"nonRetryable": true}}'::jsonb, 'identity', 'worker')),
    pg_temp.call('request_cancel_workflow_execution', 'workflow_id', 'calls',
        'identity', 'client'))) AS r;
SELECT t.step('calls', t.cancel_activity(8));
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    pg_temp.call('record_activity_task_heartbeat', 'task_token', :'c'),
    pg_temp.call('respond_activity_task_canceled', 'task_token', :'c',
        'identity', 'worker'))) AS r;
SELECT t.poll('calls') AS token \gset
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    pg_temp.call('respond_workflow_task_failed', 'task_token', :'token',
        'cause', 'NON_DETERMINISTIC_ERROR', 'identity', 'worker'))) AS r;
SELECT t.poll('calls') AS token \gset
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    jsonb_build_object('call', 'respond_workflow_task_completed',
        'arguments', jsonb_build_object('task_token', :'token',
            'commands', t.close('["done"]'), 'identity', 'worker')))) AS r;
SELECT * FROM t.events('calls', 5);

-- none at all
SELECT count(*) FROM workflow.execute_calls('[]');

-- a completion that is refused, which is recorded, is an answer
SELECT t.start('calls refused');
SELECT t.start('calls heard');
SELECT t.poll('calls refused') AS token \gset
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    jsonb_build_object('call', 'respond_workflow_task_completed',
        'arguments', jsonb_build_object('task_token', :'token',
            'commands', '[{"commandType": "StartTimer"}]'::jsonb)),
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls heard',
        'signal_name', 's'))) AS r;
SELECT t.types('calls refused'), t.types('calls heard');

--
-- All or nothing, and which call it was
--
SELECT pg_temp.try(jsonb_build_array(
    pg_temp.call('start_workflow_execution', 'workflow_id', 'calls undone',
        'workflow_type', 'type', 'task_queue', 'calls undone'),
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls heard',
        'signal_name', 'undone'),
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls none',
        'signal_name', 's'),
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls heard',
        'signal_name', 'undone')));
SELECT t.types('calls heard');
SELECT t.err($$SELECT workflow.describe_workflow_execution('calls undone')$$);

-- what was open in a failed statement is none of the next one's business,
-- in the same transaction, before and after a subtransaction that failed
BEGIN;
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls heard',
        'signal_name', 'first'))) AS r;
SAVEPOINT s;
\set VERBOSITY terse
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls heard',
        'signal_name', 'second'),
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls none',
        'signal_name', 'second'))) AS r;
\set VERBOSITY default
ROLLBACK TO s;
SELECT workflow.signal_workflow_execution('calls heard', 'third');
SELECT t.mask(r::jsonb) FROM workflow.execute_calls(jsonb_build_array(
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls heard',
        'signal_name', 'fourth'),
    pg_temp.call('start_workflow_execution', 'workflow_id', 'calls kept',
        'workflow_type', 'type', 'task_queue', 'calls kept'),
    pg_temp.call('signal_workflow_execution', 'workflow_id', 'calls kept',
        'signal_name', 'fifth'))) AS r;
COMMIT;
SELECT string_agg(attributes->>'signalName', ' ' ORDER BY event_id)
FROM workflow.get_workflow_execution_history('calls heard')
WHERE event_type = 'WorkflowExecutionSignaled';
SELECT t.types('calls kept');

--
-- Refusals
--
SELECT pg_temp.try(calls::jsonb) FROM (VALUES
    (NULL),
    ('null'),
    ('{}'),
    ('"x"'),
    ('[1]'),
    ('[[]]'),
    ('[{}]'),
    ('[{"call": 1}]'),
    ('[{"call": "nothing"}]'),
    ('[{"call": ""}]'),
    ('[{"call": "signal_workflow"}]'),
    ('[{"call": "poll_workflow_task_queue"}]'),
    ('[{"call": "execute_calls", "arguments": {"calls": []}}]'),
    ('[{"call": "shutdown_worker", "arguments": []}]'),
    ('[{"call": "shutdown_worker", "arguments": null}]'),
    ('[{"call": "shutdown_worker", "more": {}}]'),
    ('[{"call": "shutdown_worker", "arguments": {"sticky_task_queue": "q"},
        "more": {}}]'),
    ('[{"call": "shutdown_worker"}]'),
    ('[{"call": "shutdown_worker", "arguments": {"sticky_task_queue": 1}}]'),
    ('[{"call": "shutdown_worker", "arguments": {"sticky_task_queue": {}}}]'),
    ('[{"call": "shutdown_worker", "arguments": {"sticky_task_queue": null}}]'),
    ('[{"call": "shutdown_worker", "arguments": {"sticky_task_queue": "q",
        "task_queue": "q"}}]'),
    ('[{"call": "shutdown_worker", "arguments": {"sticky_task_queue": "q",
        "namespace": "nowhere"}}]'),
    ('[{"call": "start_workflow_execution", "arguments": {"workflow_id": "w",
        "workflow_type": "t", "task_queue": "q",
        "workflow_run_timeout": "long"}}]'),
    ('[{"call": "start_workflow_execution", "arguments": {"workflow_id": "w",
        "workflow_type": "t", "task_queue": "q", "workflow_run_timeout": 1}}]'),
    ('[{"call": "start_workflow_execution", "arguments": {"workflow_id": "w",
        "workflow_type": "t", "task_queue": "q",
        "request_eager_execution": "yes"}}]'),
    ('[{"call": "signal_workflow_execution", "arguments": {"workflow_id": "w",
        "signal_name": "s", "run_id": "x"}}]'),
    ('[{"call": "start_workflow_execution", "arguments": {"run_id": "x"}}]'))
    AS v (calls);
SELECT pg_temp.try(jsonb_agg(pg_temp.call('shutdown_worker',
    'sticky_task_queue', 'q'))) IS NULL FROM generate_series(1, 1000);
SELECT pg_temp.try(jsonb_agg(pg_temp.call('shutdown_worker',
    'sticky_task_queue', 'q'))) FROM generate_series(1, 1001);

--
-- What is not given has the function's own default, whatever that is
--
SELECT p.proname, pg_temp.try(jsonb_build_array(jsonb_build_object('call',
    p.proname))) FROM pg_proc AS p
WHERE p.pronamespace = 'workflow'::regnamespace
    AND pg_temp.try(jsonb_build_array(jsonb_build_object('call', p.proname)))
        NOT LIKE '%is not a function that can be called.%'
ORDER BY p.proname;
BEGIN;
CREATE OR REPLACE FUNCTION workflow.shutdown_worker(
    sticky_task_queue text DEFAULT 'x', identity text DEFAULT NULL,
    namespace text DEFAULT 'nowhere')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS '$libdir/pg_workflow', 'pgwf_shutdown_worker';
SELECT pg_temp.try('[{"call": "shutdown_worker"}]');
ROLLBACK;
SELECT pg_temp.try('[{"call": "shutdown_worker"}]');

--
-- What the calls have in common
--
SELECT t.mask(r::jsonb) FROM workflow.execute_calls('[
    {"call": "start_workflow_execution",
        "arguments": {"workflow_id": "calls common 1"}},
    {"call": "start_workflow_execution",
        "arguments": {"workflow_id": "calls common 2", "identity": "own"}},
    {"call": "start_workflow_execution",
        "arguments": {"workflow_id": "calls common 3",
            "workflow_run_timeout": null}},
    {"call": "signal_workflow_execution",
        "arguments": {"workflow_id": "calls common 1", "signal_name": "s"}}]',
    '{"workflow_type": "type", "task_queue": "calls common",
      "identity": "all", "workflow_run_timeout": "1 hour", "input": [1]}')
    AS r;
SELECT e.attributes->'identity', e.attributes->'input',
    e.attributes->'workflowRunTimeout'
FROM generate_series(1, 3) AS n,
    workflow.get_workflow_execution_history('calls common ' || n) AS e
WHERE e.event_type IN ('WorkflowExecutionStarted',
    'WorkflowExecutionSignaled')
ORDER BY n, e.event_id;
SELECT count(*) FROM workflow.execute_calls('[]', '{"anything": 1}');
\set shutdown '[{"call": "shutdown_worker", "arguments": {"sticky_task_queue": "q"}}]'
SELECT t.err(format('SELECT workflow.execute_calls(%L, %L)', :'shutdown',
    arguments)) FROM (VALUES
    ('null'), ('[]'), ('1'), ('{"identity": 1}'), ('{"identity": {}}'),
    ('{"identity": "i", "identify": "i"}'), ('{"call": "x"}'),
    ((SELECT jsonb_object_agg(n, n) FROM generate_series(1, 33) AS n)::text))
    AS v (arguments);

--
-- Rights: those of the calls
--
CREATE ROLE regress_calls_none;
CREATE ROLE regress_calls_read;
CREATE ROLE regress_calls_client;
CREATE ROLE regress_calls_worker;
SELECT workflow.register_namespace('calls other');
SELECT workflow.grant_namespace('default', 'regress_calls_read', '{read}');
SELECT workflow.grant_namespace('default', 'regress_calls_client', '{client}');
SELECT workflow.grant_namespace('default', 'regress_calls_worker', '{worker}');
CREATE TABLE t.rights_call (name text, call jsonb);
INSERT INTO t.rights_call VALUES
    ('client', pg_temp.call('signal_workflow_execution', 'workflow_id',
        'calls heard', 'signal_name', 'right')),
    ('other', pg_temp.call('signal_workflow_execution', 'workflow_id',
        'calls heard', 'signal_name', 'right', 'namespace', 'calls other')),
    ('worker', pg_temp.call('shutdown_worker', 'sticky_task_queue', 'q')),
    ('both', pg_temp.call('terminate_workflow_execution', 'workflow_id',
        'calls none'));
GRANT USAGE ON SCHEMA t TO PUBLIC;
GRANT SELECT ON t.rights_call TO PUBLIC;
SET ROLE regress_calls_none;
SELECT name, pg_temp.try(jsonb_build_array(call)) FROM t.rights_call
ORDER BY name;
SET ROLE regress_calls_read;
SELECT name, pg_temp.try(jsonb_build_array(call)) FROM t.rights_call
ORDER BY name;
SET ROLE regress_calls_client;
SELECT name, pg_temp.try(jsonb_build_array(call)) FROM t.rights_call
ORDER BY name;
SET ROLE regress_calls_worker;
SELECT name, pg_temp.try(jsonb_build_array(call)) FROM t.rights_call
ORDER BY name;
-- the right is looked at before anything is told of the arguments
SELECT pg_temp.try('[{"call": "shutdown_worker", "arguments":
    {"sticky_task_queue": "q"}}, {"call": "signal_workflow_execution"}]');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION workflow.shutdown_worker FROM regress_calls_worker;
SET ROLE regress_calls_worker;
SELECT name, pg_temp.try(jsonb_build_array(call)) FROM t.rights_call
WHERE name = 'worker';
RESET ROLE;
DROP TABLE t.rights_call;
REVOKE USAGE ON SCHEMA t FROM PUBLIC;
SELECT workflow.revoke_namespace('default', 'regress_calls_read', '{read}');
SELECT workflow.revoke_namespace('default', 'regress_calls_client', '{client}');
SELECT workflow.revoke_namespace('default', 'regress_calls_worker', '{worker}');
SELECT workflow.delete_namespace('calls other');
DROP ROLE regress_calls_none, regress_calls_read, regress_calls_client,
    regress_calls_worker;

SELECT t.cleanup();
