--
-- Activities: outcomes, retries, timeouts, cancellation, heartbeats
--
\a
\t on

-- Starts a workflow with one activity.
CREATE FUNCTION pg_temp.begin(workflow text, more jsonb DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM t.start(workflow);
    PERFORM t.step(workflow, t.schedule('1', more));
END
$$;

-- a retry policy that loses no time
\set fast '{"initialInterval": "0.001s", "maximumInterval": "0.002s"}'

--
-- Outcomes
--
SELECT pg_temp.begin('act failed');
SELECT workflow.respond_activity_task_failed(t.activity('act failed'),
    '{"message": "no", "applicationFailureInfo": {"type": "T",
        "nonRetryable": true, "details": [1]}}', identity => 'w');
SELECT * FROM t.events('act failed', 6);

-- no result, a result that is an array, one that is not
SELECT t.start('act results');
SELECT t.step('act results', t.schedule('1') || t.schedule('2')
    || t.schedule('3'));
SELECT workflow.respond_activity_task_completed(t.activity('act results'),
    identity => 'w');
SELECT workflow.respond_activity_task_completed(t.activity('act results'),
    '[1, 2]', 'w');
SELECT workflow.respond_activity_task_completed(t.activity('act results'),
    'null', 'w');
SELECT * FROM t.events('act results', 8);

-- a token is good for one answer
SELECT pg_temp.begin('act twice');
SELECT t.activity('act twice') AS activity \gset
SELECT workflow.respond_activity_task_completed(:'activity');
SELECT t.err(format('SELECT workflow.respond_activity_task_completed(%L)',
    :'activity'));
SELECT t.err(format('SELECT workflow.respond_activity_task_failed(%L)',
    :'activity'));
SELECT t.err(format('SELECT workflow.respond_activity_task_canceled(%L)',
    :'activity'));
SELECT t.err(format('SELECT workflow.record_activity_task_heartbeat(%L)',
    :'activity'));
SELECT t.err(format('SELECT %s', call)) FROM (VALUES
    ('workflow.respond_activity_task_completed(NULL)'),
    ('workflow.respond_activity_task_completed($$$$)'),
    ('workflow.respond_activity_task_completed($$w1.1.1.1.1$$)'),
    ('workflow.respond_activity_task_completed($$a1.1.1.1.1x$$)'),
    ('workflow.respond_activity_task_completed($$a1.1.1.1$$)'),
    ('workflow.respond_activity_task_completed($$a1.1.-.1.1$$)'),
    ('workflow.respond_activity_task_completed($$a4294967297.1.1.1.1$$)'),
    ('workflow.respond_activity_task_completed($$a1.1.1.4294967297.1$$)'),
    ('workflow.respond_activity_task_completed($$a1.9223372036854775808.1.1.1$$)'),
    ('workflow.respond_activity_task_completed($$a1.9223372036854775807.1.1.-9223372036854775808$$)'),
    ('workflow.respond_activity_task_completed($$a1.999999999.1.1.1$$)'),
    ('workflow.record_activity_task_heartbeat($$a1.999999999.1.1.1$$)'),
    ('workflow.record_activity_task_heartbeat($$a$$)')) AS v (call);

--
-- Retries
--

-- attempts leave no events; the last one's Started has the previous failure
SELECT pg_temp.begin('act retried',
    jsonb_build_object('retryPolicy', :'fast'::jsonb));
SELECT workflow.respond_activity_task_failed(t.activity('act retried'),
    '{"message": "one"}');
SELECT workflow.respond_activity_task_failed(t.activity('act retried'),
    '{"message": "two"}', last_heartbeat_details => '["half"]');
SELECT t.types('act retried', 6);
SELECT t.activity_task('act retried') AS task \gset
SELECT :'task'::jsonb->'attempt', :'task'::jsonb->'heartbeatDetails',
    :'task'::jsonb->>'currentAttemptScheduledTime' >
        :'task'::jsonb->>'scheduledTime';
SELECT workflow.respond_activity_task_completed(:'task'::jsonb->>'taskToken',
    '3', 'w');
SELECT * FROM t.events('act retried', 6);
SELECT started.event_time = (:'task'::jsonb->>'startedTime')::timestamptz,
    started.event_time <= completed.event_time
FROM workflow.get_workflow_execution_history('act retried') AS started,
    workflow.get_workflow_execution_history('act retried') AS completed
WHERE started.event_id = 6 AND completed.event_id = 7;

-- the token of an earlier attempt is stale
SELECT pg_temp.begin('act stale',
    jsonb_build_object('retryPolicy', :'fast'::jsonb));
SELECT t.activity('act stale') AS first \gset
SELECT workflow.respond_activity_task_failed(:'first', '{"message": "one"}');
SELECT t.err(format('SELECT workflow.respond_activity_task_completed(%L)',
    :'first'));
SELECT t.activity('act stale') IS NOT NULL;
SELECT t.err(format('SELECT workflow.respond_activity_task_completed(%L)',
    :'first'));

-- maximum attempts
SELECT pg_temp.begin('act attempts', jsonb_build_object('retryPolicy',
    :'fast'::jsonb || '{"maximumAttempts": 2}'));
SELECT workflow.respond_activity_task_failed(t.activity('act attempts'),
    '{"message": "one"}', identity => 'w');
SELECT workflow.respond_activity_task_failed(t.activity('act attempts'),
    '{"message": "two"}', identity => 'w');
SELECT * FROM t.events('act attempts', 6);

-- the delays, from the state of the activity
CREATE FUNCTION pg_temp.delays(workflow text, policy jsonb, failures int,
    failure jsonb DEFAULT NULL) RETURNS SETOF numeric
LANGUAGE plpgsql AS $$
DECLARE
    v_before timestamptz;
BEGIN
    PERFORM pg_temp.begin(workflow, jsonb_build_object('retryPolicy', policy));
    FOR i IN 1 .. failures LOOP
        v_before := clock_timestamp();
        PERFORM workflow.respond_activity_task_failed(t.activity(workflow),
            failure);
        RETURN QUERY SELECT round(round(2 * extract(epoch FROM
                a.attempt_scheduled_time - v_before)) / 2, 1)
            FROM workflow.activity AS a JOIN workflow.execution AS e
                USING (namespace_id, run_key)
            WHERE e.workflow_id = workflow;
        UPDATE workflow.activity AS a SET state = 1, due_at = NULL
        FROM workflow.execution AS e
        WHERE e.run_key = a.run_key AND e.workflow_id = workflow;
    END LOOP;
    PERFORM workflow.terminate_workflow_execution(workflow);
END
$$;
SELECT * FROM pg_temp.delays('act delays', '{}', 9);
SELECT * FROM pg_temp.delays('act delays 2',
    '{"initialInterval": "2s", "backoffCoefficient": 3,
      "maximumInterval": "20s"}', 5);
SELECT * FROM pg_temp.delays('act delays 3',
    '{"initialInterval": "2s", "backoffCoefficient": 1}', 3);
-- nextRetryDelay replaces the interval and its cap
SELECT * FROM pg_temp.delays('act delays 4', '{"maximumInterval": "2s"}', 2,
    '{"applicationFailureInfo": {"nextRetryDelay": "7.5s"}}');

-- which failures are retried
CREATE FUNCTION pg_temp.outcome(failure jsonb, types jsonb DEFAULT '[]')
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_id text := 'outcome ' || gen_random_uuid();
    v_outcome text;
BEGIN
    PERFORM pg_temp.begin(v_id, jsonb_build_object('retryPolicy',
        jsonb_build_object('nonRetryableErrorTypes', types)));
    PERFORM workflow.respond_activity_task_failed(t.activity(v_id), failure);
    SELECT e.attributes::jsonb->>'retryState' INTO v_outcome
    FROM t.events(v_id) AS e WHERE e.event = 'ActivityTaskFailed';
    PERFORM workflow.terminate_workflow_execution(v_id);
    RETURN coalesce(v_outcome, 'retried');
END
$$;
SELECT pg_temp.outcome(failure::jsonb, types::jsonb), failure, types
FROM (VALUES
    (NULL, '[]'), ('{"message": "m"}', '["m"]'),
    ('{"applicationFailureInfo": {}}', '[]'),
    ('{"applicationFailureInfo": {"type": "A"}}', '["B", "a", "AA"]'),
    ('{"applicationFailureInfo": {"type": "A"}}', '["B", "A"]'),
    ('{"applicationFailureInfo": {"type": "A", "nonRetryable": true}}', '[]'),
    ('{"canceledFailureInfo": {}}', '[]'),
    ('{"terminatedFailureInfo": {}}', '[]'),
    ('{"serverFailureInfo": {}}', '[]'),
    ('{"serverFailureInfo": {"nonRetryable": true}}', '[]'),
    ('{"timeoutFailureInfo": {"timeoutType": "TIMEOUT_TYPE_START_TO_CLOSE"}}',
        '["TemporalTimeout:Heartbeat"]'),
    ('{"timeoutFailureInfo": {"timeoutType": "TIMEOUT_TYPE_START_TO_CLOSE"}}',
        '["TemporalTimeout:StartToClose"]'),
    ('{"timeoutFailureInfo": {"timeoutType": "TIMEOUT_TYPE_HEARTBEAT"}}',
        '["TemporalTimeout:StartToClose"]'),
    ('{"timeoutFailureInfo": {"timeoutType": "TIMEOUT_TYPE_HEARTBEAT"}}',
        '["TemporalTimeout:Heartbeat"]'),
    ('{"timeoutFailureInfo": {"timeoutType": "TIMEOUT_TYPE_SCHEDULE_TO_START"}}',
        '[]'),
    ('{"timeoutFailureInfo": {"timeoutType": "TIMEOUT_TYPE_SCHEDULE_TO_CLOSE"}}',
        '[]'),
    ('{"timeoutFailureInfo": {}}', '[]'),
    ('{"activityFailureInfo": {}, "cause":
        {"applicationFailureInfo": {"nonRetryable": true}}}', '[]'),
    ('{"childWorkflowExecutionFailureInfo": {}}', '[]'))
    AS v (failure, types);

-- a reported failure with no time left for another attempt stays a failure
SELECT pg_temp.begin('act no time', '{"scheduleToCloseTimeout": "10s",
    "retryPolicy": {"initialInterval": "20s"}}');
SELECT workflow.respond_activity_task_failed(t.activity('act no time'),
    '{"message": "one"}', identity => 'w');
SELECT * FROM t.events('act no time', 6);

-- failures that are kept for the next attempt are cut
SELECT pg_temp.begin('act long failure',
    jsonb_build_object('retryPolicy', :'fast'::jsonb));
SELECT workflow.respond_activity_task_failed(t.activity('act long failure'),
    jsonb_build_object('message', repeat('m', 9000), 'stackTrace', 'here'));
SELECT length(last_failure->>'message') BETWEEN 1000 AND 4096,
    pg_column_size(last_failure) <= 4096,
    last_failure - 'message'
FROM workflow.activity JOIN workflow.execution USING (namespace_id, run_key)
WHERE workflow_id = 'act long failure';

--
-- Timeouts
--

-- schedule to start
SELECT pg_temp.begin('act schedule to start',
    '{"scheduleToStartTimeout": "0.01s"}');
SELECT t.wait_event('act schedule to start', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act schedule to start', 6);
SELECT t.has_activity('act schedule to start');

-- schedule to close, never started
SELECT pg_temp.begin('act schedule to close',
    '{"scheduleToCloseTimeout": "0.01s"}');
SELECT t.wait_event('act schedule to close', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act schedule to close', 6);

-- schedule to close, while started
SELECT pg_temp.begin('act close started',
    '{"scheduleToCloseTimeout": "0.4s", "startToCloseTimeout": "1s"}');
SELECT t.activity('act close started') AS activity \gset
SELECT t.wait_event('act close started', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act close started', 6);
SELECT t.err(format('SELECT workflow.respond_activity_task_completed(%L)',
    :'activity'));

-- schedule to close, between attempts: nothing was started
SELECT pg_temp.begin('act close between', '{"scheduleToCloseTimeout": "0.5s",
    "retryPolicy": {"initialInterval": "0.001s"}}');
SELECT workflow.respond_activity_task_failed(t.activity('act close between'),
    '{"message": "one"}', '["details"]');
SELECT t.wait_event('act close between', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act close between', 6);

-- start to close: the only attempt
SELECT pg_temp.begin('act start to close', '{"startToCloseTimeout": "0.01s",
    "retryPolicy": {"maximumAttempts": 1}}');
SELECT t.activity('act start to close') IS NOT NULL;
SELECT t.wait_event('act start to close', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act start to close', 6);

-- start to close: retried; the cause is the failure of the attempt before
SELECT pg_temp.begin('act start retried', jsonb_build_object(
    'startToCloseTimeout', '0.01s',
    'retryPolicy', :'fast'::jsonb || '{"maximumAttempts": 3}'));
SELECT t.activity_task('act start retried')->'attempt';
SELECT t.activity_task('act start retried')->'attempt';
SELECT t.activity_task('act start retried')->'attempt';
SELECT t.wait_event('act start retried', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act start retried', 6);

-- start to close with no time left for another attempt
SELECT pg_temp.begin('act start no time', '{"startToCloseTimeout": "0.01s",
    "scheduleToCloseTimeout": "10s", "retryPolicy": {"initialInterval": "20s"}}');
SELECT t.activity('act start no time') IS NOT NULL;
SELECT t.wait_event('act start no time', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act start no time', 6);

-- types of timeouts that are not to be retried
SELECT pg_temp.begin('act timeout type', '{"startToCloseTimeout": "0.01s",
    "retryPolicy": {"nonRetryableErrorTypes": ["TemporalTimeout:StartToClose"]}}');
SELECT t.activity('act timeout type') IS NOT NULL;
SELECT t.wait_event('act timeout type', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act timeout type', 7);

-- heartbeat: details reach the failure
SELECT pg_temp.begin('act heartbeat', '{"heartbeatTimeout": "0.05s",
    "retryPolicy": {"maximumAttempts": 1}}');
SELECT * FROM workflow.record_activity_task_heartbeat(
    t.activity('act heartbeat'), '{"at": 1}');
SELECT t.wait_event('act heartbeat', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act heartbeat', 6);

-- heartbeat: each one moves the deadline, none moves start to close
SELECT pg_temp.begin('act alive', '{"heartbeatTimeout": "0.4s",
    "startToCloseTimeout": "0.8s", "retryPolicy": {"maximumAttempts": 1}}');
DO $$
DECLARE
    v_token text := t.activity('act alive');
    v_alive boolean := true;
BEGIN
    COMMIT;
    WHILE v_alive LOOP
        BEGIN
            PERFORM workflow.record_activity_task_heartbeat(v_token,
                to_jsonb('alive'::text));
        EXCEPTION WHEN SQLSTATE 'PW005' THEN
            v_alive := false;
        END;
        COMMIT;
        PERFORM pg_sleep(0.02);
    END LOOP;
END
$$;
SELECT * FROM t.events('act alive', 7);

-- heartbeat: retried, and the next attempt is given the details
SELECT pg_temp.begin('act heartbeat retried', jsonb_build_object(
    'heartbeatTimeout', '0.05s', 'retryPolicy', :'fast'::jsonb));
SELECT activity, beat.*
FROM (SELECT t.activity('act heartbeat retried') AS activity OFFSET 0) AS a,
    workflow.record_activity_task_heartbeat(activity, '[1, 2]') AS beat \gset
SELECT t.activity_task('act heartbeat retried') AS task \gset
SELECT :'task'::jsonb->'attempt', :'task'::jsonb->'heartbeatDetails';
SELECT t.err(format('SELECT workflow.record_activity_task_heartbeat(%L)',
    :'activity'));
SELECT workflow.respond_activity_task_completed(:'task'::jsonb->>'taskToken',
    identity => 'w');
SELECT * FROM t.events('act heartbeat retried', 6);

--
-- Cancellation
--

-- started: told by the heartbeat, granted by the worker
SELECT pg_temp.begin('act cancel');
SELECT t.activity('act cancel') AS activity \gset
SELECT * FROM workflow.record_activity_task_heartbeat(:'activity');
SELECT t.err(format('SELECT workflow.respond_activity_task_canceled(%L)',
    :'activity'));
SELECT workflow.signal_workflow_execution('act cancel', 'go');
SELECT t.step('act cancel', t.cancel_activity(5));
SELECT t.types('act cancel', 9);
SELECT * FROM workflow.record_activity_task_heartbeat(:'activity', '1');
SELECT workflow.respond_activity_task_canceled(:'activity', '["bye"]', 'w');
SELECT * FROM t.events('act cancel', 10);

-- started, and the cancellation asked for twice
SELECT pg_temp.begin('act cancel twice');
SELECT t.activity('act cancel twice') AS activity \gset
SELECT workflow.signal_workflow_execution('act cancel twice', 'go');
SELECT t.step('act cancel twice', t.cancel_activity(5));
SELECT workflow.signal_workflow_execution('act cancel twice', 'go');
SELECT t.step('act cancel twice', t.cancel_activity(5));

-- started: it may complete all the same
SELECT pg_temp.begin('act cancel completes');
SELECT t.activity('act cancel completes') AS activity \gset
SELECT workflow.signal_workflow_execution('act cancel completes', 'go');
SELECT t.step('act cancel completes', t.cancel_activity(5));
SELECT workflow.respond_activity_task_completed(:'activity', '1', 'w');
SELECT * FROM t.events('act cancel completes', 10);

-- started: no more retries
SELECT pg_temp.begin('act cancel fails');
SELECT t.activity('act cancel fails') AS activity \gset
SELECT workflow.signal_workflow_execution('act cancel fails', 'go');
SELECT t.step('act cancel fails', t.cancel_activity(5));
SELECT workflow.respond_activity_task_failed(:'activity',
    '{"message": "m", "applicationFailureInfo": {"nonRetryable": true}}',
    identity => 'w');
SELECT * FROM t.events('act cancel fails', 10);

-- started: the same for timeouts
SELECT pg_temp.begin('act cancel times out',
    '{"startToCloseTimeout": "0.7s"}');
SELECT t.activity('act cancel times out') IS NOT NULL;
SELECT workflow.signal_workflow_execution('act cancel times out', 'go');
SELECT t.step('act cancel times out', t.cancel_activity(5));
SELECT t.wait_event('act cancel times out', 'ActivityTaskTimedOut');
SELECT * FROM t.events('act cancel times out', 10);

-- waiting for its next attempt: canceled at once
SELECT pg_temp.begin('act cancel backoff',
    '{"retryPolicy": {"initialInterval": "100s"}}');
SELECT workflow.respond_activity_task_failed(t.activity('act cancel backoff'),
    '{"message": "one"}');
SELECT workflow.signal_workflow_execution('act cancel backoff', 'go');
SELECT t.step('act cancel backoff', t.cancel_activity(5));
SELECT * FROM t.events('act cancel backoff', 10);

-- scheduled and canceled in one workflow task; its id is free again
SELECT t.start('act cancel same');
SELECT t.step('act cancel same', t.schedule('1') || t.cancel_activity(5)
    || t.schedule('1') || t.marker('m'));
SELECT * FROM t.events('act cancel same', 5);
SELECT t.activity_task('act cancel same')->>'activityId',
    t.has_activity('act cancel same');

-- closed, but the workflow has not seen it: only the request is recorded
SELECT pg_temp.begin('act cancel closed');
SELECT t.activity('act cancel closed') AS activity \gset
SELECT workflow.signal_workflow_execution('act cancel closed', 'go');
SELECT t.poll('act cancel closed') AS task \gset
SELECT workflow.respond_activity_task_completed(:'activity', '1', 'w');
SELECT t.complete(:'task', t.cancel_activity(5));
SELECT * FROM t.events('act cancel closed', 9);

--
-- By id
--
SELECT pg_temp.begin('act by id');
SELECT t.err($$ SELECT workflow.respond_activity_task_completed_by_id(
    'act by id', '1') $$);
SELECT t.activity('act by id') IS NOT NULL;
SELECT t.err(format('SELECT %s', call)) FROM (VALUES
    ('workflow.respond_activity_task_completed_by_id($$act by id$$, $$2$$)'),
    ('workflow.respond_activity_task_completed_by_id($$act by id$$, $$$$)'),
    ('workflow.respond_activity_task_completed_by_id($$$$, $$1$$)'),
    ('workflow.respond_activity_task_completed_by_id($$nobody$$, $$1$$)'),
    ('workflow.respond_activity_task_canceled_by_id($$act by id$$, $$1$$)'),
    ('workflow.respond_activity_task_completed_by_id($$act by id$$, $$1$$,
        run_id => $$00000000-0000-4000-8000-000000000000$$)'))
    AS v (call);
SELECT * FROM workflow.record_activity_task_heartbeat_by_id('act by id', '1',
    '["x"]');
SELECT workflow.respond_activity_task_completed_by_id('act by id', '1', '7',
    identity => 'w');
SELECT * FROM t.events('act by id', 6);
SELECT t.err($$ SELECT workflow.record_activity_task_heartbeat_by_id(
    'act by id', '1') $$);

SELECT pg_temp.begin('act fail by id',
    jsonb_build_object('retryPolicy', :'fast'::jsonb));
SELECT t.activity('act fail by id') IS NOT NULL;
SELECT workflow.respond_activity_task_failed_by_id('act fail by id', '1',
    '{"message": "again"}', '["kept"]', identity => 'w');
SELECT t.activity_task('act fail by id')->'heartbeatDetails';
SELECT workflow.signal_workflow_execution('act fail by id', 'go');
SELECT t.step('act fail by id', t.cancel_activity(5));
SELECT workflow.respond_activity_task_canceled_by_id('act fail by id', '1',
    '["bye"]', identity => 'w');
SELECT * FROM t.events('act fail by id', 9);

SELECT t.step('act fail by id', t.close());
SELECT t.err(format('SELECT %s', call)) FROM (VALUES
    ('workflow.respond_activity_task_completed_by_id($$act fail by id$$, $$1$$)'),
    ('workflow.record_activity_task_heartbeat_by_id($$act fail by id$$, $$1$$)'))
    AS v (call);

--
-- What is too large
--
SET pg_workflow.payload_size_error = 1000;
SELECT repeat('x', 1000) AS x \gset
SELECT pg_temp.begin('act large result');
SELECT workflow.respond_activity_task_completed(
    t.activity('act large result'), to_jsonb(:'x'::text), 'w');
SELECT * FROM t.events('act large result', 6);
SELECT pg_temp.begin('act large heartbeat');
SELECT t.activity('act large heartbeat') AS activity \gset
SELECT * FROM workflow.record_activity_task_heartbeat(:'activity',
    to_jsonb(:'x'::text), 'w');
SELECT * FROM t.events('act large heartbeat', 6);
SELECT pg_temp.begin('act large failure');
SELECT workflow.respond_activity_task_failed(t.activity('act large failure'),
    jsonb_build_object('message', :'x'::text, 'applicationFailureInfo',
        '{"nonRetryable": true}'::jsonb), identity => 'w');
SELECT event, regexp_replace(attributes, 'x{100,}', 'xxx')
FROM t.events('act large failure', 6);
RESET pg_workflow.payload_size_error;

--
-- Dispatch
--

-- by priority, then first come first served
SELECT t.start('act order');
SELECT t.step('act order', t.schedule('a')
    || t.schedule('b', '{"priority": {"priorityKey": 5}}')
    || t.schedule('c', '{"priority": {"priorityKey": 1}}')
    || t.schedule('d') || t.schedule('e', '{"priority": {"priorityKey": 3}}'));
SELECT p->>'activityId'
FROM workflow.poll_activity_task_queue('act order', 3) AS p;
SELECT p->>'activityId'
FROM workflow.poll_activity_task_queue('act order', 10) AS p;
SELECT t.err(format('SELECT workflow.poll_activity_task_queue(%s)', arguments))
FROM (VALUES ('NULL'), ('$$$$'), ('$$q$$, 0'), ('$$q$$, 1001'),
    ('repeat($$x$$, 1001)'), ('$$q$$, namespace => $$nowhere$$'))
    AS v (arguments);

-- eagerly, by the worker that schedules them, unless the workflow closes
SELECT t.start('act eager');
SELECT t.mask(workflow.respond_workflow_task_completed(t.poll('act eager'),
    t.schedule('1', '{"requestEagerExecution": true, "input": ["x"]}')
    || t.schedule('2'), 'worker')::jsonb->'activityTasks');
SELECT p->>'activityId' FROM workflow.poll_activity_task_queue('act eager') AS p;
SELECT workflow.respond_activity_task_completed_by_id('act eager', '1', '"y"',
    identity => 'worker');
SELECT * FROM t.events('act eager', 5);
SELECT workflow.respond_workflow_task_completed(t.poll('act eager'),
    t.schedule('3', '{"requestEagerExecution": true}') || t.close(), 'worker')
    ->'activityTasks' IS NULL AS none;

-- cancellation is asked for once, also of an activity that has closed with
-- an event that the workflow has not seen: in one completion, or in two
SELECT t.start('act cancel again');
SELECT t.step('act cancel again', t.schedule('1') || t.schedule('2'));
SELECT t.activity('act cancel again') AS first \gset
SELECT t.activity('act cancel again') AS second \gset
SELECT workflow.signal_workflow_execution('act cancel again', 's');
SELECT t.poll('act cancel again') AS task \gset
SELECT workflow.respond_activity_task_completed(:'first');
SELECT t.complete(:'task', t.cancel_activity(5) || t.cancel_activity(5));
SELECT t.step('act cancel again', t.cancel_activity(6));
SELECT workflow.signal_workflow_execution('act cancel again', 's');
SELECT t.poll('act cancel again') AS task \gset
SELECT workflow.respond_activity_task_completed(:'second');
SELECT t.complete(:'task', t.cancel_activity(6));
SELECT t.types('act cancel again', 10);

SELECT t.cleanup();
