/*
 * What people look at: tables joined and named, for the namespaces in which
 * the current user may read.
 *
 * They are security barriers: no condition of a query sees a row of another
 * namespace.  A sequence of joins starts at namespace, so that the names in a
 * query become the leading key of every index.
 */

CREATE VIEW workflow.namespaces WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    n.description,
    n.retention,
    n.created_time
FROM workflow.namespace AS n
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.namespaces IS
'the namespaces in which the current user may read';
COMMENT ON COLUMN workflow.namespaces.namespace IS
'name of the namespace';
COMMENT ON COLUMN workflow.namespaces.description IS
'what the namespace is for';
COMMENT ON COLUMN workflow.namespaces.retention IS
'how long closed runs are kept';
COMMENT ON COLUMN workflow.namespaces.created_time IS
'when the namespace was registered';

CREATE VIEW workflow.namespace_grants WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    r.grantee,
    r.rights
FROM workflow.namespace AS n
JOIN workflow.namespace_role AS r ON r.namespace_id = n.namespace_id
JOIN pg_catalog.pg_roles AS p ON p.oid = r.grantee
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.namespace_grants IS
'who may do what in the namespaces in which the current user may read';
COMMENT ON COLUMN workflow.namespace_grants.namespace IS
'name of the namespace';
COMMENT ON COLUMN workflow.namespace_grants.grantee IS
'role that has the rights, and with it all its members';
COMMENT ON COLUMN workflow.namespace_grants.rights IS
'read, client, worker, admin';

CREATE VIEW workflow.executions WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    e.workflow_id,
    e.run_id,
    e.workflow_type,
    e.task_queue,
    e.status,
    e.start_time,
    e.execution_time,
    e.close_time,
    coalesce(e.history_length, m.next_event_id - 1) AS history_length,
    coalesce(e.history_size_bytes, m.history_size) AS history_size_bytes,
    coalesce(e.state_transition_count, m.state_transition_count)
        AS state_transition_count,
    e.first_run_id,
    e.new_run_id AS next_run_id,
    e.attempt,
    e.cron_schedule,
    e.parent_workflow_id,
    e.parent_run_id,
    e.root_workflow_id,
    e.root_run_id,
    e.workflow_execution_timeout,
    e.expiration_time AS execution_expiration_time,
    e.workflow_run_timeout,
    e.workflow_task_timeout,
    e.memo,
    e.search_attributes
FROM workflow.namespace AS n
JOIN workflow.execution AS e ON e.namespace_id = n.namespace_id
LEFT JOIN workflow.mutable_state AS m
    ON m.namespace_id = e.namespace_id AND m.run_key = e.run_key
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.executions IS
'workflow runs, open and closed, until their retention is over';
COMMENT ON COLUMN workflow.executions.namespace IS
'namespace of the run';
COMMENT ON COLUMN workflow.executions.workflow_id IS
'workflow id, which one open run at a time has';
COMMENT ON COLUMN workflow.executions.run_id IS
'id of this run';
COMMENT ON COLUMN workflow.executions.workflow_type IS
'name of the workflow''s code';
COMMENT ON COLUMN workflow.executions.task_queue IS
'queue of its workflow tasks';
COMMENT ON COLUMN workflow.executions.status IS
'Running or Paused until it closes, then how it closed';
COMMENT ON COLUMN workflow.executions.start_time IS
'when the run started';
COMMENT ON COLUMN workflow.executions.execution_time IS
'start_time plus the delay before the first workflow task';
COMMENT ON COLUMN workflow.executions.close_time IS
'when the run closed; null while it is open';
COMMENT ON COLUMN workflow.executions.history_length IS
'number of events in its history';
COMMENT ON COLUMN workflow.executions.history_size_bytes IS
'size of its history';
COMMENT ON COLUMN workflow.executions.state_transition_count IS
'how often it was changed';
COMMENT ON COLUMN workflow.executions.first_run_id IS
'first run of the chain this run belongs to';
COMMENT ON COLUMN workflow.executions.next_run_id IS
'run that continued it: as new, by a retry or by its cron schedule';
COMMENT ON COLUMN workflow.executions.attempt IS
'number of this try of the workflow, from 1';
COMMENT ON COLUMN workflow.executions.cron_schedule IS
'when the workflow runs again; null: once';
COMMENT ON COLUMN workflow.executions.parent_workflow_id IS
'workflow id of the run that started it as a child';
COMMENT ON COLUMN workflow.executions.parent_run_id IS
'run that started it as a child';
COMMENT ON COLUMN workflow.executions.root_workflow_id IS
'workflow id of the run at the top of its parents';
COMMENT ON COLUMN workflow.executions.root_run_id IS
'run at the top of its parents';
COMMENT ON COLUMN workflow.executions.workflow_execution_timeout IS
'time limit of the whole chain; null is none';
COMMENT ON COLUMN workflow.executions.execution_expiration_time IS
'when the time limit of the whole chain ends';
COMMENT ON COLUMN workflow.executions.workflow_run_timeout IS
'time limit of this run; null is none';
COMMENT ON COLUMN workflow.executions.workflow_task_timeout IS
'time limit of each workflow task';
COMMENT ON COLUMN workflow.executions.memo IS
'what the starter noted about it, not indexed';
COMMENT ON COLUMN workflow.executions.search_attributes IS
'what it can be searched by';

CREATE VIEW workflow.history WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    e.workflow_id,
    e.run_id,
    h.event_id,
    h.event_time,
    h.event_type,
    h.attributes,
    h.user_metadata
FROM workflow.namespace AS n
JOIN workflow.execution AS e ON e.namespace_id = n.namespace_id
JOIN workflow.history_event AS h
    ON h.namespace_id = e.namespace_id AND h.run_key = e.run_key
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.history IS
'histories, one row per event';
COMMENT ON COLUMN workflow.history.namespace IS
'namespace of the run';
COMMENT ON COLUMN workflow.history.workflow_id IS
'workflow id of the run';
COMMENT ON COLUMN workflow.history.run_id IS
'run id';
COMMENT ON COLUMN workflow.history.event_id IS
'number of the event within the run, from 1 without gaps';
COMMENT ON COLUMN workflow.history.event_time IS
'when it happened';
COMMENT ON COLUMN workflow.history.event_type IS
'kind of the event';
COMMENT ON COLUMN workflow.history.attributes IS
'what happened, with the members Temporal gives this kind of event';
COMMENT ON COLUMN workflow.history.user_metadata IS
'summary and details that came with the start or the command';

CREATE VIEW workflow.pending_activities WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    e.workflow_id,
    e.run_id,
    a.activity_id,
    a.activity_type,
    a.task_queue,
    CASE a.state WHEN 1 THEN 'Scheduled' WHEN 2 THEN 'Started'
        WHEN 3 THEN 'BackingOff' ELSE 'Paused' END AS state,
    a.cancel_requested_event_id <> 0 AS cancel_requested,
    a.attempt,
    nullif(a.maximum_attempts, 0) AS maximum_attempts,
    a.scheduled_event_id,
    nullif(a.scheduled_time, '-infinity') AS scheduled_time,
    nullif(a.attempt_scheduled_time, '-infinity') AS attempt_scheduled_time,
    nullif(a.started_time, '-infinity') AS started_time,
    nullif(a.last_heartbeat_time, '-infinity') AS last_heartbeat_time,
    make_interval(secs => nullif(a.schedule_to_close_us, 0) / 1000000.0) AS schedule_to_close_timeout,
    make_interval(secs => nullif(a.schedule_to_start_us, 0) / 1000000.0) AS schedule_to_start_timeout,
    make_interval(secs => nullif(a.start_to_close_us, 0) / 1000000.0) AS start_to_close_timeout,
    make_interval(secs => nullif(a.heartbeat_us, 0) / 1000000.0) AS heartbeat_timeout,
    a.identity AS worker_identity,
    a.last_failure,
    a.heartbeat_details
FROM workflow.namespace AS n
JOIN workflow.execution AS e ON e.namespace_id = n.namespace_id
JOIN workflow.activity AS a
    ON a.namespace_id = e.namespace_id AND a.run_key = e.run_key
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.pending_activities IS
'activities of open runs that have not closed';
COMMENT ON COLUMN workflow.pending_activities.namespace IS
'namespace of the run';
COMMENT ON COLUMN workflow.pending_activities.workflow_id IS
'workflow id of the run';
COMMENT ON COLUMN workflow.pending_activities.run_id IS
'run id';
COMMENT ON COLUMN workflow.pending_activities.activity_id IS
'id of the activity, unique among the pending ones of a run';
COMMENT ON COLUMN workflow.pending_activities.activity_type IS
'name of the activity''s code';
COMMENT ON COLUMN workflow.pending_activities.task_queue IS
'queue of its tasks';
COMMENT ON COLUMN workflow.pending_activities.state IS
'Scheduled: waits for a worker; Started: a worker has it; BackingOff: waits for its next attempt; Paused: waits until it, or its workflow, is unpaused';
COMMENT ON COLUMN workflow.pending_activities.cancel_requested IS
'whether the workflow asked to cancel it';
COMMENT ON COLUMN workflow.pending_activities.attempt IS
'number of the current or next attempt, from 1';
COMMENT ON COLUMN workflow.pending_activities.maximum_attempts IS
'most attempts its retry policy allows; null is unlimited';
COMMENT ON COLUMN workflow.pending_activities.scheduled_event_id IS
'its ActivityTaskScheduled event';
COMMENT ON COLUMN workflow.pending_activities.scheduled_time IS
'when its first attempt was scheduled';
COMMENT ON COLUMN workflow.pending_activities.attempt_scheduled_time IS
'when its current attempt was, or its next attempt is, scheduled';
COMMENT ON COLUMN workflow.pending_activities.started_time IS
'when a worker started the latest attempt';
COMMENT ON COLUMN workflow.pending_activities.last_heartbeat_time IS
'when a worker last reported progress';
COMMENT ON COLUMN workflow.pending_activities.schedule_to_close_timeout IS
'time limit over all attempts; null is none';
COMMENT ON COLUMN workflow.pending_activities.schedule_to_start_timeout IS
'longest wait of an attempt for a worker; null is none';
COMMENT ON COLUMN workflow.pending_activities.start_to_close_timeout IS
'time limit of one attempt; null is none';
COMMENT ON COLUMN workflow.pending_activities.heartbeat_timeout IS
'longest time between reports of progress; null is none';
COMMENT ON COLUMN workflow.pending_activities.worker_identity IS
'worker of the latest attempt';
COMMENT ON COLUMN workflow.pending_activities.last_failure IS
'why the attempt before this one failed';
COMMENT ON COLUMN workflow.pending_activities.heartbeat_details IS
'what the worker last reported';

CREATE VIEW workflow.pending_timers WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    e.workflow_id,
    e.run_id,
    CASE WHEN t.kind = 1 THEN t.timer_id END AS timer_id,
    CASE t.kind WHEN 1 THEN 'Timer' WHEN 2 THEN 'RunTimeout'
        WHEN 3 THEN 'ExecutionTimeout' WHEN 4 THEN 'StartDelay' END AS kind,
    CASE WHEN t.kind = 1 THEN t.started_event_id END AS started_event_id,
    t.fire_at AS fire_time
FROM workflow.namespace AS n
JOIN workflow.execution AS e ON e.namespace_id = n.namespace_id
JOIN workflow.timer AS t
    ON t.namespace_id = e.namespace_id AND t.run_key = e.run_key
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.pending_timers IS
'timers and timeouts of open runs that have not fired';
COMMENT ON COLUMN workflow.pending_timers.namespace IS
'namespace of the run';
COMMENT ON COLUMN workflow.pending_timers.workflow_id IS
'workflow id of the run';
COMMENT ON COLUMN workflow.pending_timers.run_id IS
'run id';
COMMENT ON COLUMN workflow.pending_timers.timer_id IS
'id the workflow gave its timer; null for timeouts of the run';
COMMENT ON COLUMN workflow.pending_timers.kind IS
'Timer, RunTimeout, ExecutionTimeout or StartDelay: the wait before the first workflow task';
COMMENT ON COLUMN workflow.pending_timers.started_event_id IS
'its TimerStarted event; null for timeouts of the run';
COMMENT ON COLUMN workflow.pending_timers.fire_time IS
'when it fires';

CREATE VIEW workflow.pending_children WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    e.workflow_id,
    e.run_id,
    c.workflow_id AS child_workflow_id,
    c.run_id AS child_run_id,
    c.workflow_type AS child_workflow_type,
    c.initiated_event_id,
    nullif(c.started_event_id, 0) AS started_event_id,
    CASE c.parent_close_policy WHEN 1 THEN 'Terminate'
        WHEN 2 THEN 'Abandon' WHEN 3 THEN 'RequestCancel' END AS parent_close_policy
FROM workflow.namespace AS n
JOIN workflow.execution AS e ON e.namespace_id = n.namespace_id
JOIN workflow.child_execution AS c
    ON c.namespace_id = e.namespace_id AND c.run_key = e.run_key
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.pending_children IS
'child workflows of open runs that have not closed';
COMMENT ON COLUMN workflow.pending_children.namespace IS
'namespace of the run';
COMMENT ON COLUMN workflow.pending_children.workflow_id IS
'workflow id of the parent';
COMMENT ON COLUMN workflow.pending_children.run_id IS
'run of the parent';
COMMENT ON COLUMN workflow.pending_children.child_workflow_id IS
'workflow id of the child';
COMMENT ON COLUMN workflow.pending_children.child_run_id IS
'first run of the child; null until it has started';
COMMENT ON COLUMN workflow.pending_children.child_workflow_type IS
'name of the child''s code';
COMMENT ON COLUMN workflow.pending_children.initiated_event_id IS
'its StartChildWorkflowExecutionInitiated event';
COMMENT ON COLUMN workflow.pending_children.started_event_id IS
'its ChildWorkflowExecutionStarted event; null until it has started';
COMMENT ON COLUMN workflow.pending_children.parent_close_policy IS
'what happens to the child when the parent closes: Terminate, Abandon or RequestCancel';

CREATE VIEW workflow.task_queues WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    q.task_queue,
    q.kind,
    q.sticky,
    q.backlog,
    now() + coalesce(c.offset_us, 0) * interval '1 us' - q.oldest_time
        AS backlog_age,
    q.started,
    q.backing_off
FROM workflow.namespace AS n
LEFT JOIN workflow.namespace_clock AS c
    ON c.namespace_id = n.namespace_id
CROSS JOIN LATERAL (
    SELECT t.task_queue, 'workflow' AS kind, t.sticky,
        count(t.scheduled_time) AS backlog,
        min(t.scheduled_time) AS oldest_time,
        count(*) FILTER (WHERE t.scheduled_time IS NULL) AS started,
        0::bigint AS backing_off
    FROM (
        SELECT w.task_queue, w.sticky, w.scheduled_time
        FROM workflow.workflow_task AS w
        WHERE w.namespace_id = n.namespace_id
        UNION ALL
        /* workers have them: from the run's queue or a private one */
        SELECT CASE WHEN m.flags & 4 = 0 THEN e.task_queue
                ELSE m.sticky_queue END,
            m.flags & 4 <> 0, NULL
        FROM workflow.mutable_state AS m
        JOIN workflow.execution AS e USING (namespace_id, run_key)
        WHERE m.namespace_id = n.namespace_id
            AND m.wft_started_event_id <> 0) AS t
    GROUP BY t.task_queue, t.sticky
    UNION ALL
    SELECT a.task_queue, 'activity', false,
        count(*) FILTER (WHERE a.state = 1),
        min(a.attempt_scheduled_time) FILTER (WHERE a.state = 1),
        count(*) FILTER (WHERE a.state = 2),
        count(*) FILTER (WHERE a.state = 3)
    FROM workflow.activity AS a
    WHERE a.namespace_id = n.namespace_id
    GROUP BY a.task_queue
) AS q
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.task_queues IS
'task queues that hold tasks, with their backlog';
COMMENT ON COLUMN workflow.task_queues.namespace IS
'namespace of the queue';
COMMENT ON COLUMN workflow.task_queues.task_queue IS
'name of the queue';
COMMENT ON COLUMN workflow.task_queues.kind IS
'workflow or activity';
COMMENT ON COLUMN workflow.task_queues.sticky IS
'whether it is the private queue of one worker';
COMMENT ON COLUMN workflow.task_queues.backlog IS
'tasks that wait for a worker';
COMMENT ON COLUMN workflow.task_queues.backlog_age IS
'how long the oldest of them has waited; null without backlog';
COMMENT ON COLUMN workflow.task_queues.started IS
'tasks that a worker has';
COMMENT ON COLUMN workflow.task_queues.backing_off IS
'activities that wait for their next attempt';

/* The view pollers stands with its function. */
COMMENT ON COLUMN workflow.pollers.namespace IS
'namespace of the queue';
COMMENT ON COLUMN workflow.pollers.kind IS
'workflow or activity';
COMMENT ON COLUMN workflow.pollers.task_queue IS
'name of the queue';
COMMENT ON COLUMN workflow.pollers.identity IS
'what the worker calls itself';
COMMENT ON COLUMN workflow.pollers.last_access IS
'when it last polled or began to wait';
COMMENT ON COLUMN workflow.pollers.deployment_name IS
'worker deployment of the worker; null if it has no version';
COMMENT ON COLUMN workflow.pollers.build_id IS
'its build id';
