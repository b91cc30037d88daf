--
-- Namespaces with virtual time: clocks that are set forward, and that skip
-- the time in which nothing happens.
--
CREATE SCHEMA vt;
SET statement_timeout = '20 s';

-- What t has, for another namespace.
CREATE FUNCTION vt.start(ns text, id text, run_timeout interval DEFAULT NULL)
RETURNS boolean
LANGUAGE sql AS $$
SELECT started FROM workflow.start_workflow_execution(id, 'type', id,
    workflow_run_timeout => run_timeout, namespace => ns)
$$;

CREATE FUNCTION vt.step(ns text, queue text, commands jsonb DEFAULT '[]',
    sticky text DEFAULT NULL, from_sticky boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_token text;
BEGIN
    FOR i IN 1 .. 1000 LOOP
        SELECT p->>'taskToken' INTO v_token
        FROM workflow.poll_workflow_task_queue(queue, sticky => from_sticky,
            namespace => ns) AS p;
        EXIT WHEN v_token IS NOT NULL;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN workflow.respond_workflow_task_completed(v_token, commands,
        sticky_queue => sticky);
END
$$;

CREATE FUNCTION vt.activity(ns text, queue text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_task jsonb;
BEGIN
    FOR i IN 1 .. 1000 LOOP
        SELECT p::jsonb INTO v_task
        FROM workflow.poll_activity_task_queue(queue, namespace => ns) AS p;
        EXIT WHEN v_task IS NOT NULL;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN v_task;
END
$$;

CREATE FUNCTION vt.has(ns text, id text, kind text, number int DEFAULT 1)
RETURNS text
LANGUAGE sql AS $$
SELECT t.wait_for(format(
    'SELECT count(*) >= %s
     FROM workflow.get_workflow_execution_history(%L, namespace => %L)
     WHERE event_type = %L', number, id, ns, kind))
$$;

-- The events of a workflow, with the time of the namespace that has passed.
CREATE FUNCTION vt.events(ns text, id text, unit text DEFAULT 'minute',
    OUT id bigint, OUT event text, OUT passed interval)
RETURNS SETOF record
LANGUAGE sql AS $$
SELECT e.event_id, e.event_type::text,
    date_trunc(unit, e.event_time - min(e.event_time) OVER ())
FROM workflow.get_workflow_execution_history(id, namespace => ns) AS e
ORDER BY 1
$$;

CREATE FUNCTION vt.ahead(ns text, unit text DEFAULT 'minute')
RETURNS interval
LANGUAGE sql AS $$
SELECT date_trunc(unit, justify_hours(workflow.get_current_time(ns)
    - clock_timestamp() + interval '1 s'))
$$;

-- Ends when the scheduler has looked at what has happened before: it does to
-- all namespaces together.
CREATE PROCEDURE vt.look(id text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM workflow.start_workflow_execution(id, 'type', id,
        workflow_start_delay => '1 day', namespace => 'vt other');
    COMMIT;
    PERFORM vt.has('vt other', id, 'WorkflowTaskScheduled');
    PERFORM workflow.terminate_workflow_execution(id, namespace => 'vt other');
END
$$;

CREATE FUNCTION vt.locks(ns text) RETURNS text
LANGUAGE sql AS $$
SELECT coalesce(d #>> '{virtualTime,skippingLocks}', '0')
FROM workflow.describe_namespace(ns) AS d
$$;

-- A namespace has virtual time if it is registered so.
SELECT workflow.register_namespace('vt', '3 years', virtual_time => true);
SELECT workflow.register_namespace('vt other', virtual_time => true);
SELECT workflow.unlock_time_skipping('vt other');
SELECT workflow.register_namespace('vt plain');
SELECT vt.locks('vt'), vt.ahead('vt'), vt.ahead('vt plain');
SELECT d ? 'virtualTime' AS virtual
FROM workflow.describe_namespace('vt plain') AS d;
SELECT name, skipping_locks, offset_us
FROM workflow.namespace LEFT JOIN workflow.namespace_clock USING (namespace_id)
WHERE name LIKE 'vt%' ORDER BY 1;

-- An ordinary one has no clock to be set.
SELECT t.err($$SELECT workflow.advance_time('vt plain', '1 day')$$);
SELECT t.err($$SELECT workflow.lock_time_skipping('vt plain')$$);
SELECT t.err($$SELECT workflow.unlock_time_skipping('default')$$);
\set VERBOSITY sqlstate
CALL workflow.sleep_with_time_skipping('vt plain', '1 day');
CALL workflow.sleep_with_time_skipping('vt', '-1 day');
CALL workflow.sleep_with_time_skipping('vt', NULL);
BEGIN;
CALL workflow.sleep_with_time_skipping('vt', '1 day');
ROLLBACK;
\set VERBOSITY default

-- Bad input changes nothing.
SELECT t.err($$SELECT workflow.advance_time('vt', '-1 us')$$);
SELECT t.err($$SELECT workflow.advance_time('vt', NULL)$$);
SELECT t.err($$SELECT workflow.advance_time(NULL, '1 day')$$);
SELECT t.err($$SELECT workflow.advance_time('no such', '1 day')$$);
SELECT t.err($$SELECT workflow.get_current_time('no such')$$);
SELECT t.err($$DO 'BEGIN FOR i IN 1 .. 90 LOOP
    PERFORM workflow.advance_time(''vt'', ''100 years''); END LOOP; END'$$);
SELECT vt.ahead('vt');

-- Who may do that.
CREATE ROLE regress_vt_reader;
CREATE ROLE regress_vt_admin;
SELECT workflow.grant_namespace('vt', 'regress_vt_reader', '{client,worker}');
SELECT workflow.grant_namespace('vt', 'regress_vt_admin', '{admin}');
SET ROLE regress_vt_reader;
SELECT workflow.get_current_time('vt') > '2000-01-01' AS may_look;
SELECT workflow.advance_time('vt', '1 day');
SELECT workflow.unlock_time_skipping('vt');
CALL workflow.sleep_with_time_skipping('vt', '1 day');
SET ROLE regress_vt_admin;
SELECT workflow.lock_time_skipping('vt');
SELECT workflow.unlock_time_skipping('vt');
SELECT workflow.advance_time('default', '1 day');
RESET ROLE;

-- Locks are counted, and belong to the transaction that changes them.
SELECT workflow.lock_time_skipping('vt');
SELECT vt.locks('vt');
SELECT workflow.unlock_time_skipping('vt');
SELECT vt.locks('vt');
BEGIN;
SELECT workflow.unlock_time_skipping('vt');
SELECT vt.locks('vt');
ROLLBACK;
SELECT vt.locks('vt');

-- A clock that is set forward goes on from there, for those to come.
BEGIN;
SELECT workflow.advance_time('vt', '1 day') - clock_timestamp()
    > interval '23:59:59' AS advanced;
SELECT vt.ahead('vt');
SAVEPOINT s;
SELECT workflow.advance_time('vt', '1 day') IS NOT NULL AS advanced;
SELECT vt.ahead('vt');
ROLLBACK TO s;
SELECT vt.ahead('vt');
SELECT vt.start('vt', 'in tomorrow');
SELECT start_time - clock_timestamp() > interval '23:59:00' AS tomorrow
FROM workflow.executions WHERE workflow_id = 'in tomorrow';
ROLLBACK;
SELECT vt.ahead('vt');
SELECT workflow.advance_time('vt', '0') IS NOT NULL AS advanced;

-- A timer of 30 days, while somebody sleeps that long.
SELECT vt.start('vt', 'month');
SELECT vt.step('vt', 'month', t.timer('t', '2592000s'));
CALL workflow.sleep_with_time_skipping('vt', '29 days');
SELECT vt.ahead('vt');
SELECT count(*) FROM workflow.pending_timers WHERE namespace = 'vt';
CALL workflow.sleep_with_time_skipping('vt', '1 day');
SELECT vt.has('vt', 'month', 'TimerFired');
SELECT vt.step('vt', 'month', t.close());
SELECT * FROM vt.events('vt', 'month');
SELECT close_time - start_time BETWEEN '30 days' AND '30 days 00:01' AS month,
    close_time > clock_timestamp() + interval '29 days' AS by_its_clock
FROM workflow.executions WHERE workflow_id = 'month';

-- Ordinary namespaces do not notice.
SELECT vt.start('vt plain', 'plain');
SELECT vt.step('vt plain', 'plain', t.timer('t', '2592000s'));
SELECT count(*) FROM workflow.pending_timers WHERE namespace = 'vt plain';
SELECT start_time <= clock_timestamp() AS now
FROM workflow.executions WHERE workflow_id = 'plain';

-- Time passes through each moment at which something is due, in order.
SELECT vt.start('vt', 'steps');
SELECT vt.step('vt', 'steps', t.timer('b', '7200s') || t.timer('a', '3600s'));
CALL workflow.sleep_with_time_skipping('vt', '1 hour');
SELECT vt.step('vt', 'steps');
CALL workflow.sleep_with_time_skipping('vt', '1 hour');
SELECT event_type, attributes->>'timerId' AS timer,
    date_trunc('hour', event_time - first_value(event_time) OVER (ORDER BY event_id))
FROM workflow.get_workflow_execution_history('steps', namespace => 'vt')
WHERE event_type IN ('WorkflowExecutionStarted', 'TimerFired')
ORDER BY event_id;
SELECT vt.step('vt', 'steps', t.close());

-- advance_time() does not: all that is due is due at the new time.
SELECT vt.start('vt', 'jump');
SELECT vt.step('vt', 'jump', t.timer('b', '7200s') || t.timer('a', '3600s'));
SELECT workflow.advance_time('vt', '3 hours') IS NOT NULL AS advanced;
SELECT vt.has('vt', 'jump', 'TimerFired', 2);
SELECT event_type, attributes->>'timerId' AS timer,
    date_trunc('hour', event_time - first_value(event_time) OVER (ORDER BY event_id))
FROM workflow.get_workflow_execution_history('jump', namespace => 'vt')
WHERE event_type IN ('WorkflowExecutionStarted', 'TimerFired')
ORDER BY event_id;
SELECT vt.step('vt', 'jump', t.close());

-- The back-off of an activity, and its timeouts.
SELECT vt.start('vt', 'retry');
SELECT vt.step('vt', 'retry', t.schedule('a',
    '{"startToCloseTimeout": "100000s", "heartbeatTimeout": "1000s",
      "retryPolicy": {"initialInterval": "86400s", "maximumAttempts": 3}}'));
SELECT workflow.respond_activity_task_failed(
    vt.activity('vt', 'retry')->>'taskToken', '{"message": "again"}');
SELECT workflow.unlock_time_skipping('vt');
SELECT vt.activity('vt', 'retry')->>'attempt' AS attempt;
SELECT workflow.lock_time_skipping('vt');
-- its worker never comes back
SELECT workflow.advance_time('vt', '20 minutes') IS NOT NULL AS advanced;
SELECT t.wait_for($$SELECT state = 'BackingOff'
    FROM workflow.pending_activities WHERE workflow_id = 'retry'$$);
SELECT last_failure #>> '{timeoutFailureInfo,timeoutType}' AS timeout
FROM workflow.pending_activities WHERE workflow_id = 'retry';
SELECT workflow.unlock_time_skipping('vt');
SELECT a->>'attempt' AS attempt, date_trunc('day',
    (a->>'startedTime')::timestamptz - (a->>'scheduledTime')::timestamptz)
FROM vt.activity('vt', 'retry') AS a;
SELECT workflow.lock_time_skipping('vt');
SELECT workflow.terminate_workflow_execution('retry', namespace => 'vt');

-- An activity that a worker has is not skipped over.
SELECT vt.start('vt', 'working');
SELECT vt.step('vt', 'working',
    t.schedule('a') || t.timer('t', '10s'));
SELECT vt.activity('vt', 'working')->>'taskToken' AS token \gset
SELECT workflow.unlock_time_skipping('vt');
SELECT vt.ahead('vt', 'hour') AS ahead \gset
CALL vt.look('look 1');
SELECT vt.ahead('vt', 'hour') = :'ahead' AS held;
SELECT count(*) FROM workflow.pending_timers WHERE workflow_id = 'working';
SELECT workflow.respond_activity_task_completed(:'token');
-- nor is the workflow task that follows
SELECT vt.step('vt', 'working');
SELECT vt.has('vt', 'working', 'TimerFired');
SELECT workflow.lock_time_skipping('vt');
SELECT vt.step('vt', 'working', t.close());

-- Timeouts of runs and executions, and the delay of a start.
SELECT vt.start('vt', 'run timeout', '7 days');
SELECT started FROM workflow.start_workflow_execution('delayed', 'type',
    'delayed', workflow_start_delay => '3 days', namespace => 'vt');
SELECT started FROM workflow.start_workflow_execution('execution timeout',
    'type', 'nobody', workflow_execution_timeout => '5 days',
    namespace => 'vt');
-- no worker has them, so time goes by the machine's clock
SELECT vt.step('vt', 'run timeout');
SELECT count(*) FROM workflow.poll_workflow_task_queue('delayed',
    namespace => 'vt');
SELECT workflow.advance_time('vt', '3 days 00:00:01') IS NOT NULL AS advanced;
SELECT vt.step('vt', 'delayed', t.close());
SELECT workflow.advance_time('vt', '2 days') IS NOT NULL AS advanced;
SELECT t.wait_for($$SELECT status = 'TimedOut' FROM workflow.executions
    WHERE workflow_id = 'execution timeout' AND namespace = 'vt'$$);
-- and now it does not wait for anybody
CALL workflow.get_workflow_execution_result('run timeout', NULL, '10 s', 'vt',
    NULL, NULL, NULL, NULL) \gset
SELECT :'status' AS status;
SELECT workflow_id, status, date_trunc('hour', close_time - start_time)
FROM workflow.executions
WHERE workflow_id IN ('run timeout', 'delayed', 'execution timeout')
    AND namespace = 'vt'
ORDER BY 1;

-- Who waits for a result lets time be skipped.
SELECT vt.start('vt', 'result', '100 days');
SELECT vt.step('vt', 'result', t.timer('t', '864000s'));
CALL workflow.get_workflow_execution_result('result', NULL, '1 s', 'vt',
    NULL, NULL, NULL, NULL) \gset
SELECT :'status' AS status;
SELECT * FROM vt.events('vt', 'result') WHERE event = 'TimerFired';
SELECT vt.step('vt', 'result', t.close());
-- unless it is locked more than once
SELECT vt.start('vt', 'no result', '100 days');
SELECT vt.step('vt', 'no result', t.timer('t', '864000s'));
SELECT workflow.lock_time_skipping('vt');
CALL workflow.get_workflow_execution_result('no result', NULL, '300 ms', 'vt',
    NULL, NULL, NULL, NULL) \gset
SELECT :'status' AS status;
SELECT count(*) FROM workflow.pending_timers WHERE namespace = 'vt';
SELECT workflow.unlock_time_skipping('vt');
SELECT workflow.terminate_workflow_execution('no result', namespace => 'vt');

-- Cron.
SELECT started FROM workflow.start_workflow_execution('cron', 'type', 'cron',
    cron_schedule => '0 12 * * *', namespace => 'vt');
SELECT workflow.unlock_time_skipping('vt');
SELECT vt.step('vt', 'cron', t.close());
SELECT vt.step('vt', 'cron', t.close());
SELECT workflow.lock_time_skipping('vt');
SELECT e.status, to_char(h.event_time AT TIME ZONE 'UTC', 'HH24:MI') AS at
FROM workflow.executions AS e,
    workflow.get_workflow_execution_history('cron', e.run_id, namespace => 'vt')
    AS h
WHERE e.namespace = 'vt' AND e.workflow_id = 'cron'
    AND h.event_type = 'WorkflowTaskScheduled'
ORDER BY h.event_time LIMIT 2;
SELECT workflow.terminate_workflow_execution('cron', namespace => 'vt');

-- A schedule, and what it starts.
SELECT workflow.create_schedule('vt daily',
    '{"spec": {"cronString": ["30 6 * * *"]}, "action": {"startWorkflow": {
        "workflowId": "daily", "workflowType": "type", "taskQueue": "daily",
        "workflowRunTimeout": "3600s"}}}', namespace => 'vt');
SELECT workflow.unlock_time_skipping('vt');
SELECT vt.step('vt', 'daily', t.close());
SELECT vt.step('vt', 'daily', t.close());
SELECT workflow.lock_time_skipping('vt');
SELECT to_char(start_time AT TIME ZONE 'UTC', 'HH24:MI') AS at, status
FROM workflow.executions WHERE workflow_id LIKE 'daily-%' ORDER BY start_time LIMIT 2;
-- what is passed over at once is caught up with
SELECT workflow.patch_schedule('vt daily', '{"pause": "x"}', namespace => 'vt');
SELECT workflow.advance_time('vt', '7 days') IS NOT NULL AS advanced;
SELECT workflow.patch_schedule('vt daily', '{"unpause": "x"}', namespace => 'vt');
SELECT next_action_time > workflow.get_current_time('vt') AS ahead
FROM workflow.schedules WHERE schedule_id = 'vt daily';
SELECT workflow.advance_time('vt', '2 days') IS NOT NULL AS advanced;
SELECT t.wait_for($$SELECT count(*) = 1 FROM workflow.executions
    WHERE workflow_id LIKE 'daily-%' AND status = 'Running'
    AND start_time > workflow.get_current_time('vt') - interval '1 hour'$$);
SELECT workflow.delete_schedule('vt daily', namespace => 'vt');
SELECT workflow.terminate_workflow_execution(workflow_id, namespace => 'vt')
FROM workflow.executions WHERE workflow_id LIKE 'daily-%' AND status = 'Running';

-- The timeout of a workflow task, and a sticky queue whose worker is there.
SELECT vt.start('vt', 'sticky');
SELECT count(*) FROM workflow.poll_workflow_task_queue('sticky mine',
    sticky => true, namespace => 'vt');
SELECT vt.step('vt', 'sticky', sticky => 'sticky mine');
SELECT workflow.signal_workflow_execution('sticky', 's', namespace => 'vt');
SELECT task_queue FROM workflow.workflow_task WHERE task_queue LIKE 'sticky%';
SELECT workflow.advance_time('vt', '11 s') IS NOT NULL AS advanced;
SELECT vt.has('vt', 'sticky', 'WorkflowTaskTimedOut');
SELECT count(*) FROM workflow.poll_workflow_task_queue('sticky',
    namespace => 'vt');
SELECT workflow.advance_time('vt', '11 s') IS NOT NULL AS advanced;
SELECT vt.has('vt', 'sticky', 'WorkflowTaskTimedOut', 2);
SELECT vt.step('vt', 'sticky', t.close());

-- Children, and signals to others.
SELECT vt.start('vt', 'parent');
SELECT vt.step('vt', 'parent', '[{"commandType": "StartChildWorkflowExecution",
    "attributes": {"workflowId": "child", "workflowType": {"name": "type"},
        "taskQueue": {"name": "child"}, "workflowRunTimeout": "864000s"}}]');
SELECT vt.has('vt', 'parent', 'ChildWorkflowExecutionStarted');
SELECT vt.step('vt', 'child');
SELECT vt.step('vt', 'parent');
CALL workflow.sleep_with_time_skipping('vt', '10 days');
SELECT vt.has('vt', 'parent', 'ChildWorkflowExecutionTimedOut');
SELECT * FROM vt.events('vt', 'parent', 'hour') WHERE event LIKE 'Child%';
SELECT vt.step('vt', 'parent', t.close());

-- A paused activity and a paused workflow do not keep time from passing.
SELECT vt.start('vt', 'paused');
SELECT vt.step('vt', 'paused', t.schedule('a') || t.timer('t', '3600s'));
SELECT workflow.pause_activity('paused', 'a', namespace => 'vt');
SELECT workflow.pause_workflow_execution('paused', namespace => 'vt');
CALL workflow.sleep_with_time_skipping('vt', '1 hour');
SELECT vt.has('vt', 'paused', 'TimerFired');
SELECT workflow.terminate_workflow_execution('paused', namespace => 'vt');

-- What people look at goes by the clock, too.
SELECT vt.start('vt', 'backlog');
SELECT workflow.advance_time('vt', '1 hour') IS NOT NULL AS advanced;
SELECT date_trunc('minute', backlog_age + '1 s') AS backlog_age
FROM workflow.task_queues WHERE namespace = 'vt';
SELECT workflow.terminate_workflow_execution('backlog', namespace => 'vt');

-- A batch operation.
SELECT vt.start('vt', 'batch');
SELECT workflow.start_batch_operation('TERMINATE',
    executions => '[{"workflowId": "batch"}]', job_id => 'vt batch',
    namespace => 'vt');
SELECT t.wait_for($$SELECT status = 'Terminated' FROM workflow.executions
    WHERE workflow_id = 'batch'$$);
SELECT t.wait_for($$SELECT d->>'state' = 'BATCH_OPERATION_STATE_COMPLETED'
    FROM workflow.describe_batch_operation('vt batch', namespace => 'vt') AS d$$);
SELECT (d->>'startTime')::timestamptz > now() + interval '1 day' AS start_ahead,
    (d->>'closeTime')::timestamptz > now() + interval '1 day' AS close_ahead
FROM workflow.describe_batch_operation('vt batch', namespace => 'vt') AS d;

-- Without anything due, time is not skipped; nor to the end of a retention.
SELECT workflow.unlock_time_skipping('vt');
SELECT vt.ahead('vt', 'hour') AS ahead \gset
CALL vt.look('look 2');
SELECT vt.ahead('vt', 'hour') = :'ahead' AS still;
SELECT count(*) > 10 AS kept FROM workflow.executions WHERE namespace = 'vt';
SELECT workflow.lock_time_skipping('vt');

-- But when time has passed, what is retained no longer goes.
SELECT workflow.advance_time('vt', '4 years') IS NOT NULL AS advanced;
SELECT t.wait_for($$SELECT count(*) = 0 FROM workflow.executions
    WHERE namespace = 'vt'$$);
SELECT count(*) FROM workflow.executions WHERE workflow_id = 'plain';
SELECT workflow.terminate_workflow_execution('plain', namespace => 'vt plain');

SELECT workflow.revoke_namespace('vt', 'regress_vt_reader', '{client,worker}');
SELECT workflow.revoke_namespace('vt', 'regress_vt_admin', '{admin}');
DROP ROLE regress_vt_reader, regress_vt_admin;
SET client_min_messages = warning;
DROP SCHEMA vt CASCADE;

-- A clock goes with its namespace.
SELECT workflow.delete_namespace('vt');
SELECT workflow.delete_namespace('vt other');
SELECT workflow.delete_namespace('vt plain');
SELECT t.err($$SELECT workflow.advance_time('vt', '1 day')$$);
SELECT t.wait_for($$SELECT count(*) = 0 FROM workflow.namespace_clock$$);
SELECT t.wait_for($$SELECT count(*) = 0 FROM workflow.namespace
    WHERE name LIKE '%vt%'$$);
