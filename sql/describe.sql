--
-- Describing runs
--
CREATE FUNCTION pg_temp.fails(command text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

-- a run id ends with the run_key, f00000000001 and so on
BEGIN;
INSERT INTO workflow.execution (namespace_id, run_key, run_id, workflow_id,
    workflow_type, task_queue, status, start_time, execution_time, close_time,
    first_run_id, start_request_id, workflow_execution_timeout,
    workflow_run_timeout, workflow_task_timeout, history_length,
    history_size_bytes, memo, search_attributes)
VALUES
    (1, 263882790666241, '00000000-0000-0000-0000-f00000000001', 'regress open', 'order',
     'orders', 'Running', '2026-01-01Z', '2026-01-01 00:01Z', NULL,
     '00000000-0000-0000-0000-000000000000', 'r', '1 day', '1 hour', '10 s',
     NULL, NULL, '{"fields": {"note": "n"}}',
     '{"indexedFields": {"CustomerId": 7}}'),
    (1, 263882790666242, '00000000-0000-0000-0000-f00000000002', 'regress closed', 'order',
     'orders', 'TimedOut', '2026-01-01Z', '2026-01-01Z',
     '2026-01-01 00:00:01.5Z', '00000000-0000-0000-0000-f00000000002', 'r',
     NULL, NULL, '2.5 s', 12, 3456, NULL, NULL),
    (1, 263882790666243, '00000000-0000-0000-0000-f00000000003', 'regress idle', 'order',
     'orders', 'Running', '2026-01-01Z', '2026-01-01Z', NULL,
     '00000000-0000-0000-0000-f00000000003', 'r', NULL, NULL, '10 s', NULL,
     NULL, NULL, NULL);
UPDATE workflow.execution
SET expiration_time = '2126-01-02Z', attempt = 2, cron_schedule = '@daily',
    parent_workflow_id = 'regress parent',
    parent_run_id = '00000000-0000-0000-0000-00000000000a',
    root_workflow_id = 'regress root',
    root_run_id = '00000000-0000-0000-0000-00000000000b'
WHERE run_key = 263882790666241;
UPDATE workflow.execution
SET new_run_id = '00000000-0000-0000-0000-00000000000c'
WHERE run_key = 263882790666242;
INSERT INTO workflow.mutable_state (namespace_id, flags, run_key,
    next_event_id, next_buffer_id, last_event_time, previous_started_event_id,
    history_size, buffered_size, task_timeout_us, wft_scheduled_event_id,
    wft_started_event_id, wft_scheduled_time, wft_original_scheduled_time,
    wft_started_time, wft_timeout_us, sticky_timeout_us, wft_attempt,
    wft_stamp, buffered_events, pending_activities, pending_timers,
    signal_count, start_time)
VALUES
    (1, 1, 263882790666241, 21, 1, '2026-01-01Z', 3, 4321, 0, 10000000, 19, 20,
     '2026-01-01 00:02Z', '2026-01-01 00:02Z', '2026-01-01 00:02:01Z',
     10000000, 0, 2, 5, 0, 4, 1, 0, '2026-01-01Z'),
    (1, 0, 263882790666243, 5, 1, '2026-01-01Z', 3, 100, 0, 10000000, 0, 0,
     '-infinity', '-infinity', '-infinity', 0, 0, 1, 1, 0, 0, 0, 0,
     '2026-01-01Z');
INSERT INTO workflow.activity (namespace_id, state, flags, run_key,
    scheduled_event_id, due_at, attempt, stamp, rank, maximum_attempts,
    cancel_requested_event_id, scheduled_time, attempt_scheduled_time,
    started_time, last_heartbeat_time, schedule_to_close_us,
    schedule_to_start_us, start_to_close_us, heartbeat_us,
    initial_interval_us, maximum_interval_us, backoff_coefficient, task_queue,
    activity_id, activity_type, identity, request_id,
    non_retryable_error_types, last_failure, heartbeat_details)
VALUES
    (1, 1, 0, 263882790666241, 5, NULL, 1, 1, 3, 0, 0, '2026-01-01 00:03Z',
     '2026-01-01 00:03Z', '-infinity', '-infinity', 0, 0, 60000000, 0,
     1000000, 100000000, 2, 'orders', 'waits', 'send_bill', NULL, NULL, NULL,
     NULL, NULL),
    (1, 2, 0, 263882790666241, 6, NULL, 2, 3, 3, 5, 0, '2026-01-01 00:03Z',
     '2026-01-01 00:03:10Z', '2026-01-01 00:03:11Z', '2026-01-01 00:03:12Z',
     30000000, 0, 5000000, 1000000, 1000000, 100000000, 2, 'orders', 'runs',
     'get_distance', 'worker 1', 'q', NULL,
     '{"message": "no route", "applicationFailureInfo": {"type": "NoRoute"}}',
     '[{"done": 3}]'),
    (1, 3, 0, 263882790666241, 7, NULL, 3, 4, 3, 0, 0, '2026-01-01 00:03Z',
     '2026-01-01 00:04Z', '2026-01-01 00:03:30Z', '-infinity', 0, 0,
     5000000, 0, 1000000, 100000000, 2, 'other', 'backs off', 'send_bill',
     'worker 2', 'q', NULL, '{"message": "busy"}', NULL),
    (1, 2, 0, 263882790666241, 8, NULL, 1, 2, 3, 0, 18, '2026-01-01 00:03Z',
     '2026-01-01 00:03Z', '2026-01-01 00:03:01Z', '-infinity', 0, 0, 5000000,
     0, 1000000, 100000000, 2, 'orders', 'to be canceled', 'send_bill',
     'worker 1', 'q', NULL, NULL, NULL);
INSERT INTO workflow.timer (namespace_id, kind, run_key, started_event_id,
    fire_at, timer_id)
VALUES
    (1, 1, 263882790666241, 9, '2126-01-01 00:30Z', 'oven'),
    (1, 2, 263882790666241, -2, '2126-01-01 01:00Z', ''),
    (1, 3, 263882790666241, -3, '2126-01-02Z', ''),
    (1, 4, 263882790666241, -4, '2126-01-01Z', '');
INSERT INTO workflow.child_execution (namespace_id, parent_close_policy,
    run_key, initiated_event_id, started_event_id, workflow_id, workflow_type,
    run_id)
VALUES
    (1, 1, 263882790666241, 10, 0, 'regress child 1', 'bake', NULL),
    (1, 3, 263882790666241, 11, 12, 'regress child 2', 'bake',
     '00000000-0000-0000-0000-00000000000d');

SELECT jsonb_pretty(workflow.describe_workflow_execution('regress open'));
SELECT jsonb_pretty(workflow.describe_workflow_execution('regress closed'));
SELECT jsonb_pretty(workflow.describe_workflow_execution('regress idle',
    '00000000-0000-0000-0000-f00000000003'));

-- the views tell the same
SET LOCAL TIME ZONE 'UTC';
SET LOCAL intervalstyle = 'iso_8601';
SET LOCAL datestyle = 'ISO';
\x on
SELECT * FROM workflow.executions
WHERE workflow_id IN ('regress open', 'regress closed', 'regress idle')
ORDER BY workflow_id;
SELECT * FROM workflow.pending_activities WHERE workflow_id = 'regress open'
ORDER BY scheduled_event_id;
SELECT * FROM workflow.pending_timers WHERE workflow_id = 'regress open'
ORDER BY kind;
SELECT * FROM workflow.pending_children WHERE workflow_id = 'regress open'
ORDER BY initiated_event_id;
\x off
INSERT INTO workflow.workflow_task (namespace_id, stamp, run_key,
    scheduled_time, rank, sticky, task_queue)
VALUES
    (1, 1, 263882790666243, now() - interval '2 minutes', 3, false, 'orders'),
    (1, 1, 263882790666242, now() - interval '3 minutes', 3, true, 'sticky');
SELECT namespace, task_queue, kind, sticky, backlog,
    CASE WHEN kind = 'workflow' THEN backlog_age END AS backlog_age,
    backlog_age IS NULL AS no_age, started, backing_off
FROM workflow.task_queues
WHERE task_queue IN ('orders', 'other', 'sticky') ORDER BY task_queue, kind;
ROLLBACK;

SELECT pg_temp.fails($$SELECT workflow.describe_workflow_execution('regress open')$$);
SELECT pg_temp.fails($$SELECT workflow.describe_workflow_execution('')$$);
SELECT pg_temp.fails($$SELECT workflow.describe_workflow_execution('regress open', namespace => 'regress none')$$);
