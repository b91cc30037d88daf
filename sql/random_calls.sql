--
-- Random calls: whatever is called in whatever order, errors are those that
-- are documented, and the histories stay whole
--
\a
\t on
SET client_min_messages = warning;
CREATE TABLE t.token (kind text, token text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE t.surprise (call int, state text, message text);

CREATE FUNCTION t.random_commands() RETURNS jsonb
LANGUAGE sql VOLATILE AS $$
SELECT coalesce(jsonb_agg(c), '[]') FROM (
    SELECT CASE (random() * 11)::int
        WHEN 0 THEN t.schedule('a' || (random() * 5)::int,
            '{"startToCloseTimeout": "0.01s", "retryPolicy":
                {"initialInterval": "0.001s", "maximumAttempts": 3}}')
        WHEN 1 THEN t.schedule('a' || (random() * 5)::int,
            '{"scheduleToCloseTimeout": "0.02s"}')
        WHEN 2 THEN t.schedule('b' || (random() * 5)::int,
            '{"heartbeatTimeout": "0.01s"}')
        WHEN 3 THEN t.timer('t' || (random() * 4)::int,
            round((random() * 0.02)::numeric, 3) || 's')
        WHEN 4 THEN t.timer('u' || (random() * 4)::int, '60s')
        WHEN 5 THEN t.cancel_timer('t' || (random() * 4)::int)
        WHEN 6 THEN t.cancel_timer('u' || (random() * 4)::int)
        WHEN 7 THEN t.cancel_activity(5 + (random() * 15)::int)
        WHEN 8 THEN t.timer('', '1s')
        ELSE t.marker('m')
        END -> 0 AS c
    FROM generate_series(1, (random() * 3)::int) AS n) AS s
$$;

CREATE FUNCTION t.random_call(call int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_id text := 'random ' || (random() * 4)::int;
    v_token text;
    v_kind text;
    v_answer jsonb;
BEGIN
    CASE (random() * 17)::int
    WHEN 0, 1 THEN
        PERFORM workflow.start_workflow_execution(v_id, 'type', 'random',
            identity => 'client', request_id => 'r' || (random() * 9)::int,
            workflow_task_timeout => '30 ms',
            workflow_run_timeout => CASE WHEN random() < 0.3
                THEN interval '200 ms' END);
    WHEN 2, 3 THEN
        PERFORM workflow.signal_workflow_execution(v_id, 's',
            request_id => CASE WHEN random() < 0.5
                THEN 'r' || (random() * 9)::int END);
    WHEN 4 THEN
        PERFORM workflow.request_cancel_workflow_execution(v_id);
    WHEN 5 THEN
        IF random() < 0.1 THEN
            PERFORM workflow.terminate_workflow_execution(v_id);
        END IF;
    WHEN 6 THEN
        PERFORM workflow.reset_sticky_task_queue(v_id);
    WHEN 7 THEN
        IF random() < 0.2 THEN
            PERFORM workflow.shutdown_worker('random sticky');
        END IF;
    WHEN 8, 9 THEN
        INSERT INTO t.token SELECT 'task', p->>'taskToken'
        FROM workflow.poll_workflow_task_queue('random', 2) AS p;
        INSERT INTO t.token SELECT 'task', p->>'taskToken'
        FROM workflow.poll_workflow_task_queue('random sticky', 2,
            sticky => true) AS p;
    WHEN 10 THEN
        INSERT INTO t.token SELECT 'activity', p->>'taskToken'
        FROM workflow.poll_activity_task_queue('random', 2) AS p;
    ELSE
        SELECT k.kind, k.token INTO v_kind, v_token
        FROM t.token AS k ORDER BY k.at DESC OFFSET (random() * 2)::int LIMIT 1;
        IF v_kind = 'task' THEN
            IF random() < 0.15 THEN
                PERFORM workflow.respond_workflow_task_failed(v_token);
            ELSE
                v_answer := workflow.respond_workflow_task_completed(v_token,
                    CASE WHEN random() < 0.1 THEN t.close()
                        ELSE t.random_commands() END,
                    sticky_queue => CASE WHEN random() < 0.6
                        THEN 'random sticky' END,
                    return_new_workflow_task => random() < 0.5,
                    force_create_new_workflow_task => random() < 0.2,
                    sticky_schedule_to_start_timeout => '30 ms');
                INSERT INTO t.token
                SELECT 'task', v_answer #>> '{workflowTask,taskToken}'
                WHERE v_answer ? 'workflowTask';
            END IF;
        ELSIF v_kind = 'activity' THEN
            CASE (random() * 4)::int
            WHEN 0 THEN
                PERFORM workflow.respond_activity_task_completed(v_token, '1');
            WHEN 1 THEN
                PERFORM workflow.respond_activity_task_failed(v_token);
            WHEN 2 THEN
                PERFORM workflow.respond_activity_task_canceled(v_token);
            WHEN 3 THEN
                PERFORM workflow.respond_activity_task_completed_by_id(v_id,
                    'a' || (random() * 5)::int);
            ELSE
                PERFORM workflow.record_activity_task_heartbeat(v_token, '1');
            END CASE;
        END IF;
    END CASE;
    IF random() < 0.1 THEN
        RAISE EXCEPTION 'rolled back' USING ERRCODE = 'PW999';
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE NOT LIKE 'PW%' THEN
        INSERT INTO t.surprise VALUES (call, SQLSTATE, SQLERRM);
    END IF;
END
$$;

DO $$
BEGIN
    FOR i IN 1 .. 3000 LOOP
        PERFORM t.random_call(i);
        IF i % 4 <> 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END
$$;
SELECT * FROM t.surprise;
SELECT count(*) > 5 AS many_runs, sum(history_length) > 100 AS many_events
FROM workflow.execution WHERE workflow_id LIKE 'random %';

-- events are numbered without gaps
SELECT run_key, count(*), min(event_id), max(event_id)
FROM workflow.history_event JOIN workflow.execution
    USING (namespace_id, run_key)
WHERE workflow_id LIKE 'random %'
GROUP BY run_key
HAVING min(event_id) <> 1 OR max(event_id) <> count(*);

-- each workflow task and each activity is answered once, each timer ends once
SELECT h.run_key, ref.member, h.attributes->>ref.member AS event, count(*)
FROM workflow.history_event AS h JOIN workflow.execution AS e
    USING (namespace_id, run_key),
    (VALUES ('WorkflowTask', 'startedEventId',
            '{WorkflowTaskCompleted,WorkflowTaskFailed,WorkflowTaskTimedOut}'),
        ('Activity', 'scheduledEventId', '{ActivityTaskCompleted,
            ActivityTaskFailed,ActivityTaskTimedOut,ActivityTaskCanceled}'),
        ('Activity', 'scheduledEventId', '{ActivityTaskStarted}'),
        ('Activity', 'scheduledEventId', '{ActivityTaskCancelRequested}'),
        ('Timer', 'startedEventId', '{TimerFired,TimerCanceled}'))
        AS ref (kind, member, types)
WHERE e.workflow_id LIKE 'random %'
    AND h.event_type = ANY (ref.types::workflow.event_type[])
    AND h.attributes ? ref.member
GROUP BY h.run_key, ref.types, ref.member, h.attributes->>ref.member
HAVING count(*) > 1;

-- times do not go backwards but for late events
SELECT e.run_key, h.event_id, h.event_type
FROM (SELECT *, lag(event_time) OVER (PARTITION BY run_key ORDER BY event_id)
          AS before
      FROM workflow.history_event
      WHERE event_type NOT IN ('ActivityTaskStarted', 'WorkflowTaskStarted',
          'WorkflowTaskScheduled')) AS h
    JOIN workflow.execution AS e USING (namespace_id, run_key)
WHERE e.workflow_id LIKE 'random %' AND h.event_time < h.before;

-- nothing is stuck: once workers answer everything, every run closes
DO $$
DECLARE
    v_task record;
BEGIN
    FOR i IN 1 .. 2000 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM workflow.execution
            WHERE workflow_id LIKE 'random %' AND close_time IS NULL);
        PERFORM workflow.signal_workflow_execution(workflow_id, 'end')
        FROM workflow.execution
        WHERE workflow_id LIKE 'random %' AND close_time IS NULL AND i = 1;
        COMMIT;
        FOR v_task IN
            SELECT p->>'taskToken' AS token
            FROM workflow.poll_workflow_task_queue('random', 1) AS p
        LOOP
            PERFORM workflow.respond_workflow_task_completed(v_task.token,
                t.close());
        END LOOP;
        COMMIT;
        PERFORM pg_sleep(0.005);
    END LOOP;
END
$$;
SELECT count(*) FROM workflow.execution
WHERE workflow_id LIKE 'random %' AND close_time IS NULL;

DROP TABLE t.token, t.surprise;
SELECT t.cleanup();
