--
-- The views over a workflow's life: waiting, at work, closed
--
SELECT started FROM workflow.start_workflow_execution('regress views',
    'order', 'regress views', '{"pizza": "capricciosa"}',
    workflow_run_timeout => '1 hour', memo => '{"table": 7}');

SELECT namespace, workflow_id, workflow_type, task_queue, status,
    close_time IS NULL AS open, history_length, workflow_run_timeout, memo
FROM workflow.executions WHERE workflow_id = 'regress views';
SELECT task_queue, kind, sticky, backlog, backlog_age < '1 minute' AS young,
    started, backing_off
FROM workflow.task_queues WHERE task_queue LIKE 'regress views%'
ORDER BY task_queue, kind;
SELECT kind, timer_id, started_event_id, fire_time > now() AS pending
FROM workflow.pending_timers WHERE workflow_id = 'regress views';

-- a worker takes the task
SELECT t ->> 'taskToken' AS token
FROM workflow.poll_workflow_task_queue('regress views', identity => 'w1') AS t \gset
SELECT kind, backlog, backlog_age, started
FROM workflow.task_queues WHERE task_queue = 'regress views';
SELECT kind, task_queue, identity, last_access IS NOT NULL AS seen
FROM workflow.pollers WHERE task_queue LIKE 'regress views%';
SELECT workflow.describe_workflow_execution('regress views')
    -> 'pendingWorkflowTask' ->> 'state' AS state;

-- and answers with two activities and a timer
SELECT workflow.respond_workflow_task_completed(:'token', '[
  {"commandType": "ScheduleActivityTask", "attributes": {"activityId": "near", "activityType": {"name": "get_distance"}, "startToCloseTimeout": "10s"}},
  {"commandType": "ScheduleActivityTask", "attributes": {"activityId": "far", "activityType": {"name": "get_distance"}, "scheduleToCloseTimeout": "60s", "heartbeatTimeout": "5s"}},
  {"commandType": "StartTimer", "attributes": {"timerId": "oven", "startToFireTimeout": "1800s"}}]') IS NOT NULL AS answered;
SELECT activity_id, activity_type, task_queue, state, attempt,
    scheduled_event_id, schedule_to_close_timeout, schedule_to_start_timeout,
    start_to_close_timeout, heartbeat_timeout, worker_identity,
    started_time IS NOT NULL AS was_started
FROM workflow.pending_activities WHERE workflow_id = 'regress views'
ORDER BY scheduled_event_id;
SELECT kind, timer_id, started_event_id
FROM workflow.pending_timers WHERE workflow_id = 'regress views'
ORDER BY kind;
SELECT kind, backlog, started FROM workflow.task_queues
WHERE task_queue = 'regress views' ORDER BY kind;

SELECT t ->> 'taskToken' AS token
FROM workflow.poll_activity_task_queue('regress views', identity => 'w2') AS t \gset
SELECT workflow.record_activity_task_heartbeat(:'token', '{"km": 1}') IS NOT NULL AS heartbeat;
SELECT activity_id, state, worker_identity, heartbeat_details,
    last_heartbeat_time IS NOT NULL AS has_heartbeat
FROM workflow.pending_activities WHERE workflow_id = 'regress views'
ORDER BY scheduled_event_id;
SELECT kind, backlog, started FROM workflow.task_queues
WHERE task_queue = 'regress views' ORDER BY kind;
SELECT a ->> 'activityId' AS activity, a ->> 'state' AS state,
    a -> 'heartbeatDetails' AS details, a ->> 'lastWorkerIdentity' AS worker
FROM jsonb_array_elements(workflow.describe_workflow_execution('regress views')
    -> 'pendingActivities') AS a;

-- ended
SELECT workflow.terminate_workflow_execution('regress views', 'closing time');
SELECT status, close_time IS NOT NULL AS closed, history_length
FROM workflow.executions WHERE workflow_id = 'regress views';
SELECT event_id, event_type FROM workflow.history
WHERE namespace = 'default' AND workflow_id = 'regress views'
ORDER BY event_id;
SELECT (SELECT count(*) FROM workflow.pending_activities
        WHERE workflow_id = 'regress views') AS activities,
    (SELECT count(*) FROM workflow.pending_timers
        WHERE workflow_id = 'regress views') AS timers,
    (SELECT count(*) FROM workflow.task_queues
        WHERE task_queue = 'regress views') AS queues;
SELECT workflow.describe_workflow_execution('regress views')
    - 'executionConfig' - 'workflowExecutionInfo' AS pending;

-- the history's file says the same as its rows
SELECT count(*) AS events, count(*) FILTER (
        WHERE h.event_type = f.event_type AND h.event_time = f.event_time
            AND h.attributes = f.attributes) AS same
FROM workflow.history AS h
LEFT JOIN workflow.history_from_json(
    workflow.history_json('regress views')) AS f USING (event_id)
WHERE h.workflow_id = 'regress views';
SELECT event_id, event_type FROM workflow.get_workflow_execution_history(
    'regress views', filter => 'HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT');
