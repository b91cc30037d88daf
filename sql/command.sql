--
-- Commands: what is understood, what is refused, and what remains of it
--
\a
\t on

-- Completes the workflow task of a new run with commands that are refused,
-- and shows the answer and what was recorded.
CREATE FUNCTION pg_temp.refused(commands jsonb,
    first jsonb DEFAULT NULL) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    v_id text := 'refused ' || gen_random_uuid();
BEGIN
    PERFORM t.start(v_id);
    IF first IS NOT NULL THEN
        PERFORM t.step(v_id, first);
        PERFORM workflow.signal_workflow_execution(v_id, 'next');
    END IF;
    RETURN NEXT t.step(v_id, t.marker('lost') || commands)::jsonb
        #> '{error,message}';
    RETURN QUERY SELECT concat_ws(' ', e.event, e.attributes::jsonb->>'cause')
        FROM t.events(v_id) AS e
        WHERE e.event IN ('WorkflowTaskFailed', 'MarkerRecorded');
    PERFORM workflow.terminate_workflow_execution(v_id);
END
$$;

-- a completion that cannot be understood changes nothing
SELECT t.start('cmd malformed');
SELECT t.poll('cmd malformed') AS task \gset
SELECT t.err(format('SELECT t.complete(%L, %L)', :'task', commands))
FROM (VALUES ('{}'), ('"text"'), ('[1]'), ('[{}]'), ('[{"commandType": 7}]'),
    ('[{"commandType": "BakePizza"}]'),
    ('[{"commandType": "COMMAND_TYPE_STARTTIMER"}]'),
    ('[{"commandType": "startTimer"}]'),
    ('[{"commandType": "RecordMarker", "userMetadata": 1}]'),
    ('[{"commandType": "RecordMarker"}, null]')) AS v (commands);
SELECT t.err(format('SELECT t.complete(%L, %L)', :'task',
    t.close() || t.close()));
SELECT t.err(format('SELECT t.complete(%L, %L)', :'task',
    t.close() || t.marker('after')));
SELECT t.types('cmd malformed');
SELECT t.complete(:'task', NULL);
SELECT t.types('cmd malformed');

-- both spellings of types and of the attributes' key; user metadata
SELECT t.start('cmd spelling');
SELECT t.step('cmd spelling', '[
    {"commandType": "COMMAND_TYPE_START_TIMER",
     "startTimerCommandAttributes":
        {"timerId": "1", "startToFireTimeout": "3600s"},
     "userMetadata": {"summary": "an hour"}},
    {"commandType": "COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK",
     "scheduleActivityTaskCommandAttributes":
        {"activityId": "1", "activityType": {"name": "act"},
         "scheduleToCloseTimeout": "1s"}},
    {"commandType": "COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK",
     "requestCancelActivityTaskCommandAttributes": {"scheduledEventId": "6"}},
    {"commandType": "COMMAND_TYPE_CANCEL_TIMER",
     "cancelTimerCommandAttributes": {"timerId": "1"}},
    {"commandType": "COMMAND_TYPE_RECORD_MARKER",
     "recordMarkerCommandAttributes": {"markerName": "m"}},
    {"commandType": "COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION",
     "cancelWorkflowExecutionCommandAttributes": {}}]');
SELECT * FROM t.events('cmd spelling', 5);
SELECT user_metadata
FROM workflow.get_workflow_execution_history('cmd spelling')
WHERE event_id = 5;

--
-- ScheduleActivityTask
--
SELECT t.start('cmd activity');
SELECT t.step('cmd activity', '[
    {"commandType": "ScheduleActivityTask", "attributes":
        {"activityId": "1", "activityType": {"name": "act"},
         "taskQueue": {"name": "elsewhere"},
         "header": {"fields": {"trace": "abc"}}, "input": "one argument",
         "scheduleToCloseTimeout": "100s", "scheduleToStartTimeout": "7s",
         "startToCloseTimeout": "9.5s", "heartbeatTimeout": "3s",
         "retryPolicy": {"initialInterval": "2s", "backoffCoefficient": 1.5,
            "maximumInterval": "30s", "maximumAttempts": 4,
            "nonRetryableErrorTypes": ["Fatal"]},
         "priority": {"priorityKey": 1, "fairnessKey": "f",
            "fairnessWeight": 2}}},
    {"commandType": "ScheduleActivityTask", "attributes":
        {"activityId": "2", "activityType": {"name": "act"},
         "startToCloseTimeout": "1s",
         "retryPolicy": {"initialInterval": "3s", "maximumAttempts": 1}}}]');
SELECT * FROM t.events('cmd activity', 5);
SELECT t.mask(t.activity_task('elsewhere'));
-- names may also be given without their object
SELECT t.start('cmd names');
SELECT t.step('cmd names', t.schedule('1',
    '{"activityType": "act", "taskQueue": "elsewhere"}'));
SELECT * FROM t.events('cmd names', 5);

-- timeouts as they are recorded: schedule to close, schedule to start, start
-- to close, heartbeat
CREATE FUNCTION pg_temp.timeouts(run interval, to_close text, to_start text,
    start_to_close text, heartbeat text, OUT "StC" text, OUT "StS" text,
    OUT "STC" text, OUT "HB" text) RETURNS record
LANGUAGE plpgsql AS $$
DECLARE
    v_id text := 'timeouts ' || gen_random_uuid();
    v_attributes jsonb;
BEGIN
    PERFORM workflow.start_workflow_execution(v_id, 'type', v_id,
        workflow_run_timeout => run);
    PERFORM t.step(v_id, jsonb_build_array(jsonb_build_object(
        'commandType', 'ScheduleActivityTask',
        'attributes', jsonb_strip_nulls(jsonb_build_object(
            'activityId', '1', 'activityType', '{"name": "act"}'::jsonb,
            'scheduleToCloseTimeout', to_close,
            'scheduleToStartTimeout', to_start,
            'startToCloseTimeout', start_to_close,
            'heartbeatTimeout', heartbeat)))));
    SELECT e.attributes INTO STRICT v_attributes
    FROM t.events(v_id) AS e WHERE e.event = 'ActivityTaskScheduled';
    "StC" := v_attributes->>'scheduleToCloseTimeout';
    "StS" := v_attributes->>'scheduleToStartTimeout';
    "STC" := v_attributes->>'startToCloseTimeout';
    "HB" := v_attributes->>'heartbeatTimeout';
    PERFORM workflow.terminate_workflow_execution(v_id);
END
$$;
\pset null -
-- schedule to close is given
SELECT * FROM pg_temp.timeouts(NULL, '10s', NULL, NULL, NULL);
SELECT * FROM pg_temp.timeouts(NULL, '10s', '3s', '4s', '5s');
SELECT * FROM pg_temp.timeouts(NULL, '10s', '30s', '40s', '50s');
SELECT * FROM pg_temp.timeouts('5 s', '10s', NULL, NULL, NULL);
SELECT * FROM pg_temp.timeouts('5 s', '10s', '30s', '4s', '50s');
-- only start to close is given
SELECT * FROM pg_temp.timeouts(NULL, NULL, NULL, '10s', NULL);
SELECT * FROM pg_temp.timeouts(NULL, NULL, '3s', '10s', '2s');
SELECT * FROM pg_temp.timeouts('1 h', NULL, NULL, '10s', '20s');
SELECT * FROM pg_temp.timeouts('5 s', NULL, NULL, '10s', '20s');
SELECT * FROM pg_temp.timeouts('5 s', NULL, '20s', '10s', NULL);
SELECT * FROM pg_temp.timeouts('5 s', NULL, '2s', '1s', NULL);
-- very long ones are cut
SELECT * FROM pg_temp.timeouts(NULL, '9000000000000s', NULL, NULL, NULL);
\pset null ''

-- bad attributes
SELECT pg_temp.refused(t.schedule('1', attributes::jsonb))
FROM (VALUES
    ('{"activityId": ""}'), ('{"activityId": 7}'),
    ('{"activityType": {}}'), ('{"activityType": {"name": ""}}'),
    ('{"activityType": 1}'), ('{"taskQueue": []}'),
    ('{"taskQueue": {"name": "/_sys/q"}}'),
    ('{"header": 1}'),
    ('{"startToCloseTimeout": null}'), ('{"startToCloseTimeout": "0s"}'),
    ('{"startToCloseTimeout": "-1s"}'), ('{"startToCloseTimeout": "soon"}'),
    ('{"startToCloseTimeout": 5}'), ('{"scheduleToStartTimeout": "-1s"}'),
    ('{"scheduleToCloseTimeout": "-1s"}'), ('{"heartbeatTimeout": "-0.1s"}'),
    ('{"retryPolicy": 1}'), ('{"retryPolicy": {"initialInterval": "-1s"}}'),
    ('{"retryPolicy": {"backoffCoefficient": 0.5}}'),
    ('{"retryPolicy": {"initialInterval": "5s", "maximumInterval": "1s"}}'),
    ('{"retryPolicy": {"maximumInterval": "-1s"}}'),
    ('{"retryPolicy": {"maximumAttempts": -1}}'),
    ('{"retryPolicy": {"nonRetryableErrorTypes": "x"}}'),
    ('{"retryPolicy": {"nonRetryableErrorTypes": [1]}}'),
    ('{"priority": 1}'), ('{"priority": {"priorityKey": -1}}'),
    ('{"priority": {"fairnessWeight": -1}}')) AS v (attributes);
SELECT pg_temp.refused(t.schedule('1', jsonb_build_object('priority',
    jsonb_build_object('fairnessKey', repeat('x', 65)))));
SELECT pg_temp.refused(t.schedule(repeat('x', 1001)));
SELECT pg_temp.refused(t.schedule('1', jsonb_build_object('activityType',
    jsonb_build_object('name', repeat('x', 1001)))));
SELECT pg_temp.refused(t.schedule('1', jsonb_build_object('taskQueue',
    jsonb_build_object('name', repeat('x', 1001)))));
-- a policy of one attempt needs no more
SELECT t.start('cmd one attempt');
SELECT t.step('cmd one attempt', t.schedule('1',
    '{"retryPolicy": {"maximumAttempts": 1, "backoffCoefficient": 0.5}}'));
-- ids of pending activities are taken, those of closed ones are free
SELECT pg_temp.refused(t.schedule('1') || t.schedule('1'));
SELECT pg_temp.refused(t.schedule('1'), t.schedule('1'));
SELECT t.start('cmd same id');
SELECT t.step('cmd same id', t.schedule('1'));
SELECT workflow.respond_activity_task_completed(t.activity('cmd same id'));
SELECT t.step('cmd same id', t.schedule('1'));
SELECT t.types('cmd same id', 10);
-- too many
SET pg_workflow.max_pending_activities = 2;
SELECT pg_temp.refused(t.schedule('1') || t.schedule('2') || t.schedule('3'));
SELECT pg_temp.refused(t.schedule('3'), t.schedule('1') || t.schedule('2'));
RESET pg_workflow.max_pending_activities;

--
-- RequestCancelActivityTask
--
SELECT pg_temp.refused(t.cancel_activity(0));
SELECT pg_temp.refused(t.cancel_activity(-1));
SELECT pg_temp.refused(t.cancel_activity(99));
SELECT pg_temp.refused('[{"commandType": "RequestCancelActivityTask",
    "attributes": {"scheduledEventId": "x"}}]');
SELECT pg_temp.refused(t.cancel_activity(5) || t.cancel_activity(5),
    t.schedule('1'));

--
-- StartTimer, CancelTimer
--
SELECT pg_temp.refused(t.timer('', '1s'));
SELECT pg_temp.refused(t.timer(repeat('x', 1001), '1s'));
SELECT pg_temp.refused(t.timer('1', '-1s'));
SELECT pg_temp.refused(t.timer('1', 'later'));
SELECT pg_temp.refused('[{"commandType": "StartTimer"}]');
SELECT pg_temp.refused('[{"commandType": "StartTimer", "attributes": 1}]');
SELECT pg_temp.refused(t.timer('1', '9s') || t.timer('1', '8s'));
SELECT pg_temp.refused(t.timer('1', '8s'), t.timer('1', '9s'));
SELECT pg_temp.refused(t.cancel_timer(''));
SELECT pg_temp.refused(t.cancel_timer('1'));
SELECT pg_temp.refused(t.cancel_timer('1') || t.cancel_timer('1'),
    t.timer('1', '9s'));

--
-- User metadata of any command
--
SELECT pg_temp.refused(jsonb_set(t.timer('1', '1s'), '{0,userMetadata}',
    jsonb_build_object('summary', repeat('x', 401))));
SELECT pg_temp.refused(jsonb_set(t.timer('1', '1s'), '{0,userMetadata}',
    jsonb_build_object('details', repeat('x', 20001))));

--
-- RecordMarker
--
SELECT pg_temp.refused(t.marker(''));
SELECT pg_temp.refused(t.marker(repeat('x', 1001)));
SELECT pg_temp.refused('[{"commandType": "RecordMarker", "attributes":
    {"markerName": "m", "details": [1]}}]');
SELECT pg_temp.refused('[{"commandType": "RecordMarker", "attributes":
    {"markerName": "m", "failure": "text"}}]');
SELECT t.start('cmd marker');
SELECT t.step('cmd marker', '[{"commandType": "RecordMarker", "attributes":
    {"markerName": "LocalActivity",
     "details": {"data": [{"id": 1}], "result": ["done", 2], "one": 7},
     "header": {"fields": {"a": 1}},
     "failure": {"message": "m", "applicationFailureInfo": {"type": "T"}}}}]');
SELECT * FROM t.events('cmd marker', 5);

--
-- The commands that close the workflow
--
SELECT t.start('cmd complete');
SELECT t.step('cmd complete', t.marker('m') || t.close('[1, {"two": 2}]'));
SELECT * FROM t.events('cmd complete', 5);
SELECT t.status('cmd complete');
SELECT t.start('cmd fail');
SELECT t.step('cmd fail', '[{"commandType": "FailWorkflowExecution",
    "attributes": {"failure": {"message": "broken", "stackTrace": "here",
        "cause": {"message": "inner"},
        "applicationFailureInfo": {"type": "Oven", "nonRetryable": true,
            "details": [1]}}}}]');
SELECT * FROM t.events('cmd fail', 5);
SELECT t.status('cmd fail');
SELECT t.start('cmd cancel');
SELECT t.step('cmd cancel', '[{"commandType": "CancelWorkflowExecution",
    "attributes": {"details": "as asked"}}]');
SELECT * FROM t.events('cmd cancel', 5);
SELECT t.status('cmd cancel');
SELECT pg_temp.refused('[{"commandType": "FailWorkflowExecution"}]');
SELECT pg_temp.refused('[{"commandType": "FailWorkflowExecution",
    "attributes": {"failure": 1}}]');

-- closing drops what is pending
SELECT t.start('cmd close pending');
SELECT t.step('cmd close pending', t.schedule('1') || t.schedule('2')
    || t.timer('1', '0.05s') || t.timer('2', '1800s'));
SELECT t.activity('cmd close pending') AS activity \gset
SELECT workflow.signal_workflow_execution('cmd close pending', 'go',
    request_id => 'r');
SELECT t.step('cmd close pending', t.schedule('3') || t.timer('3', '9s')
    || t.close());
SELECT t.types('cmd close pending', 9);
SELECT t.has_activity('cmd close pending');
SELECT t.err(format('SELECT workflow.respond_activity_task_completed(%L)',
    :'activity'));
SELECT t.err(format('SELECT workflow.record_activity_task_heartbeat(%L)',
    :'activity'));
SELECT count(*) FROM (
    SELECT run_key FROM workflow.mutable_state
    UNION ALL SELECT run_key FROM workflow.workflow_task
    UNION ALL SELECT run_key FROM workflow.activity
    UNION ALL SELECT run_key FROM workflow.timer
    UNION ALL SELECT run_key FROM workflow.buffered_event
    UNION ALL SELECT run_key FROM workflow.run_request) AS pending
    JOIN workflow.execution USING (run_key)
WHERE workflow_id = 'cmd close pending';

--
-- What is too large fails the task and ends the workflow
--
SET pg_workflow.payload_size_error = 1000;
CREATE FUNCTION pg_temp.too_large(command text, attributes jsonb)
RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    v_id text := 'large ' || gen_random_uuid();
BEGIN
    PERFORM t.start(v_id);
    RETURN NEXT t.step(v_id, t.marker('lost') || jsonb_build_object(
        'commandType', command, 'attributes', attributes));
    RETURN QUERY SELECT concat_ws('|', e.event, e.attributes)
        FROM t.events(v_id, 4) AS e;
    RETURN NEXT t.status(v_id);
END
$$;
SELECT repeat('x', 1000) AS x \gset
SELECT pg_temp.too_large('ScheduleActivityTask', jsonb_build_object(
    'activityId', '1', 'activityType', '{"name": "act"}'::jsonb,
    'startToCloseTimeout', '1s', 'input', :'x'::text));
SELECT pg_temp.too_large('RecordMarker', jsonb_build_object(
    'markerName', 'm', 'details', jsonb_build_object('d',
        jsonb_build_array(:'x'::text))));
SELECT pg_temp.too_large('CompleteWorkflowExecution', jsonb_build_object(
    'result', :'x'::text));
SELECT pg_temp.too_large('FailWorkflowExecution', jsonb_build_object(
    'failure', jsonb_build_object('message', :'x'::text)));
SELECT pg_temp.too_large('CancelWorkflowExecution', jsonb_build_object(
    'details', :'x'::text));
-- also in a later attempt, which leaves no event of its own
SELECT t.start('large again');
SELECT workflow.respond_workflow_task_failed(t.poll('large again'),
    identity => 'worker');
SELECT t.step('large again', t.close(to_jsonb(:'x'::text)));
SELECT t.types('large again', 4);
RESET pg_workflow.payload_size_error;

SELECT t.cleanup();
