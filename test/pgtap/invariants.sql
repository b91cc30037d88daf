/*
 * What must hold of the tables at any moment between transactions, whatever
 * has happened before.  Run it as superuser after any suite:
 *
 *   pg_prove --dbname DATABASE test/pgtap/invariants.sql
 *
 * It changes nothing.  It sees one snapshot, so runs may be under way.
 */
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset pager off

/* When workflow tasks time out, as the states of their runs tell. */
CREATE TEMP VIEW task_deadline AS
SELECT * FROM (
    SELECT m.namespace_id, m.run_key, m.wft_stamp AS stamp,
        CASE WHEN m.wft_started_event_id <> 0
            THEN m.wft_started_time + m.wft_timeout_us * interval '1 us'
        WHEN m.flags & 4 <> 0
            THEN m.wft_scheduled_time + m.sticky_timeout_us * interval '1 us'
        WHEN m.flags & x'400'::int <> 0
            THEN m.wft_scheduled_time + interval '5 s' END AS due_at
    FROM workflow.mutable_state AS m
    WHERE m.wft_scheduled_event_id <> 0) AS t
WHERE due_at IS NOT NULL;

/*
 * The same as the scheduler knows it, which is no matter of a snapshot.  Who
 * answers his task meanwhile takes it away from both, but not at the same
 * moment.  So what seems to be unknown is asked for again.
 */
CREATE TEMP TABLE known_deadline AS
SELECT t.*, NULL::timestamptz AS known_at
FROM task_deadline AS t
JOIN workflow.namespace AS n USING (namespace_id)
WHERE NOT n.virtual_time AND n.deleted_xid IS NULL;
DO $$
BEGIN
    FOR i IN 1 .. 3
    LOOP
        DELETE FROM known_deadline
        WHERE (known_at <= due_at) IS NOT TRUE
            AND (namespace_id, run_key, stamp, due_at) NOT IN (
                SELECT namespace_id, run_key, stamp, due_at
                FROM task_deadline);
        UPDATE known_deadline AS k
        SET known_at = (
            SELECT min(d.due_at) FROM workflow.task_deadlines() AS d
            WHERE d.run_key IS NULL OR d.namespace_id = k.namespace_id
                AND d.run_key = k.run_key AND d.stamp = k.stamp)
        WHERE (known_at <= due_at) IS NOT TRUE;
    END LOOP;
END
$$;

BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;

/* Histories are unpacked once; the checks look at them many times. */
CREATE TEMP TABLE recorded AS
SELECT namespace_id, run_key, event_id, event_type, event_time, attributes
FROM workflow.history_event;
CREATE INDEX ON recorded (namespace_id, run_key, event_id);
ANALYZE recorded;

CREATE TEMP VIEW event AS
SELECT h.namespace_id, h.run_key, h.event_id, h.event_type::text AS type,
    h.event_time, h.attributes AS a
FROM recorded AS h;

/* Which member of which event refers to an event of which types. */
CREATE TEMP VIEW reference (type, member, referred, required) AS
VALUES
    ('WorkflowTaskStarted', 'scheduledEventId', '{WorkflowTaskScheduled}'::text[], true),
    ('WorkflowTaskCompleted', 'scheduledEventId', '{WorkflowTaskScheduled}', true),
    ('WorkflowTaskCompleted', 'startedEventId', '{WorkflowTaskStarted}', true),
    ('WorkflowTaskTimedOut', 'scheduledEventId', '{WorkflowTaskScheduled}', true),
    ('WorkflowTaskTimedOut', 'startedEventId', '{WorkflowTaskStarted}', false),
    ('WorkflowTaskFailed', 'scheduledEventId', '{WorkflowTaskScheduled}', true),
    ('WorkflowTaskFailed', 'startedEventId', '{WorkflowTaskStarted}', false),
    ('ActivityTaskScheduled', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('ActivityTaskStarted', 'scheduledEventId', '{ActivityTaskScheduled}', true),
    ('ActivityTaskCompleted', 'scheduledEventId', '{ActivityTaskScheduled}', true),
    ('ActivityTaskCompleted', 'startedEventId', '{ActivityTaskStarted}', true),
    ('ActivityTaskFailed', 'scheduledEventId', '{ActivityTaskScheduled}', true),
    ('ActivityTaskFailed', 'startedEventId', '{ActivityTaskStarted}', true),
    ('ActivityTaskTimedOut', 'scheduledEventId', '{ActivityTaskScheduled}', true),
    ('ActivityTaskTimedOut', 'startedEventId', '{ActivityTaskStarted}', false),
    ('ActivityTaskCancelRequested', 'scheduledEventId', '{ActivityTaskScheduled}', true),
    ('ActivityTaskCancelRequested', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('ActivityTaskCanceled', 'scheduledEventId', '{ActivityTaskScheduled}', true),
    ('ActivityTaskCanceled', 'startedEventId', '{ActivityTaskStarted}', false),
    ('ActivityTaskCanceled', 'latestCancelRequestedEventId', '{ActivityTaskCancelRequested}', true),
    ('TimerStarted', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('TimerFired', 'startedEventId', '{TimerStarted}', true),
    ('TimerCanceled', 'startedEventId', '{TimerStarted}', true),
    ('TimerCanceled', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('MarkerRecorded', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('WorkflowExecutionCompleted', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('WorkflowExecutionFailed', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('WorkflowExecutionCanceled', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('WorkflowExecutionContinuedAsNew', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('StartChildWorkflowExecutionInitiated', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('SignalExternalWorkflowExecutionInitiated', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('RequestCancelExternalWorkflowExecutionInitiated', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('UpsertWorkflowSearchAttributes', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('WorkflowPropertiesModified', 'workflowTaskCompletedEventId', '{WorkflowTaskCompleted}', true),
    ('StartChildWorkflowExecutionFailed', 'initiatedEventId', '{StartChildWorkflowExecutionInitiated}', true),
    ('ChildWorkflowExecutionStarted', 'initiatedEventId', '{StartChildWorkflowExecutionInitiated}', true),
    ('ChildWorkflowExecutionCompleted', 'initiatedEventId', '{StartChildWorkflowExecutionInitiated}', true),
    ('ChildWorkflowExecutionCompleted', 'startedEventId', '{ChildWorkflowExecutionStarted}', true),
    ('ChildWorkflowExecutionFailed', 'initiatedEventId', '{StartChildWorkflowExecutionInitiated}', true),
    ('ChildWorkflowExecutionFailed', 'startedEventId', '{ChildWorkflowExecutionStarted}', true),
    ('ChildWorkflowExecutionCanceled', 'initiatedEventId', '{StartChildWorkflowExecutionInitiated}', true),
    ('ChildWorkflowExecutionCanceled', 'startedEventId', '{ChildWorkflowExecutionStarted}', true),
    ('ChildWorkflowExecutionTimedOut', 'initiatedEventId', '{StartChildWorkflowExecutionInitiated}', true),
    ('ChildWorkflowExecutionTimedOut', 'startedEventId', '{ChildWorkflowExecutionStarted}', true),
    ('ChildWorkflowExecutionTerminated', 'initiatedEventId', '{StartChildWorkflowExecutionInitiated}', true),
    ('ChildWorkflowExecutionTerminated', 'startedEventId', '{ChildWorkflowExecutionStarted}', true),
    ('SignalExternalWorkflowExecutionFailed', 'initiatedEventId', '{SignalExternalWorkflowExecutionInitiated}', true),
    ('ExternalWorkflowExecutionSignaled', 'initiatedEventId', '{SignalExternalWorkflowExecutionInitiated}', true),
    ('RequestCancelExternalWorkflowExecutionFailed', 'initiatedEventId', '{RequestCancelExternalWorkflowExecutionInitiated}', true),
    ('ExternalWorkflowExecutionCancelRequested', 'initiatedEventId', '{RequestCancelExternalWorkflowExecutionInitiated}', true),
    ('WorkflowExecutionUpdateCompleted', 'acceptedEventId', '{WorkflowExecutionUpdateAccepted}', true);

/* The version that an open run is pinned to: flags of pgwf_store.h. */
CREATE TEMP VIEW pinned (namespace_id, run_key, version_key) AS
SELECT namespace_id, run_key, CASE
    WHEN flags & x'140000'::int = x'40000'::int THEN override_key
    WHEN flags & x'10000'::int <> 0 THEN version_key ELSE 0 END
FROM workflow.mutable_state;

/* What a run shows of versions of workers, which no event sets. */
CREATE TEMP VIEW constants (version_attributes) AS
VALUES ('{BuildIds,TemporalWorkerDeployment,TemporalWorkerDeploymentVersion,TemporalWorkflowVersioningBehavior,TemporalUsedWorkerDeploymentVersions}'::text[]);

CREATE TEMP VIEW close_event (type, status) AS
VALUES
    ('WorkflowExecutionCompleted', 'Completed'),
    ('WorkflowExecutionFailed', 'Failed'),
    ('WorkflowExecutionCanceled', 'Canceled'),
    ('WorkflowExecutionTerminated', 'Terminated'),
    ('WorkflowExecutionContinuedAsNew', 'ContinuedAsNew'),
    ('WorkflowExecutionTimedOut', 'TimedOut');

/* Events that make the service schedule a workflow task. */
CREATE TEMP VIEW trigger_event (type) AS
VALUES ('WorkflowTaskTimedOut'), ('WorkflowTaskFailed'),
    ('ActivityTaskCompleted'), ('ActivityTaskFailed'),
    ('ActivityTaskTimedOut'), ('ActivityTaskCanceled'), ('TimerFired'),
    ('WorkflowExecutionCancelRequested'), ('WorkflowExecutionSignaled'),
    ('RequestCancelExternalWorkflowExecutionFailed'),
    ('ExternalWorkflowExecutionCancelRequested'),
    ('StartChildWorkflowExecutionFailed'), ('ChildWorkflowExecutionStarted'),
    ('ChildWorkflowExecutionCompleted'), ('ChildWorkflowExecutionFailed'),
    ('ChildWorkflowExecutionCanceled'), ('ChildWorkflowExecutionTimedOut'),
    ('ChildWorkflowExecutionTerminated'),
    ('SignalExternalWorkflowExecutionFailed'),
    ('ExternalWorkflowExecutionSignaled');

/* What is pending according to the history: opened by one event, not closed. */
CREATE TEMP VIEW buffered AS
SELECT b.namespace_id, b.run_key, b.event_type::text AS type,
    b.attributes AS a
FROM workflow.buffered_event AS b;

CREATE TEMP VIEW activity_close AS
SELECT namespace_id, run_key, (a ->> 'scheduledEventId')::bigint AS scheduled
FROM (SELECT namespace_id, run_key, type, a FROM event
      UNION ALL SELECT namespace_id, run_key, type, a FROM buffered) AS e
WHERE type IN ('ActivityTaskCompleted', 'ActivityTaskFailed',
    'ActivityTaskTimedOut', 'ActivityTaskCanceled');

CREATE TEMP VIEW timer_close AS
SELECT namespace_id, run_key, (a ->> 'startedEventId')::bigint AS started
FROM (SELECT namespace_id, run_key, type, a FROM event
      UNION ALL SELECT namespace_id, run_key, type, a FROM buffered) AS e
WHERE type IN ('TimerFired', 'TimerCanceled');

CREATE TEMP VIEW child_close AS
SELECT namespace_id, run_key, (a ->> 'initiatedEventId')::bigint AS initiated
FROM (SELECT namespace_id, run_key, type, a FROM event
      UNION ALL SELECT namespace_id, run_key, type, a FROM buffered) AS e
WHERE type IN ('StartChildWorkflowExecutionFailed',
    'ChildWorkflowExecutionCompleted', 'ChildWorkflowExecutionFailed',
    'ChildWorkflowExecutionCanceled', 'ChildWorkflowExecutionTimedOut',
    'ChildWorkflowExecutionTerminated');

CREATE TEMP VIEW open_run AS
SELECT namespace_id, run_key FROM workflow.execution
WHERE close_time IS NULL;

SELECT plan(63);

/* ---- histories ---- */

SELECT is_empty($$
    SELECT namespace_id, run_key FROM event
    GROUP BY namespace_id, run_key
    HAVING min(event_id) <> 1 OR max(event_id) <> count(*) $$,
    'event ids start at 1 and have no gaps');

SELECT is_empty($$
    SELECT namespace_id, run_key FROM event
    EXCEPT SELECT namespace_id, run_key FROM workflow.execution $$,
    'every history belongs to a run');

SELECT is_empty($$
    SELECT namespace_id, run_key FROM workflow.execution
    EXCEPT SELECT namespace_id, run_key FROM event
    WHERE event_id = 1 AND type = 'WorkflowExecutionStarted' $$,
    'every history starts with WorkflowExecutionStarted');

SELECT is_empty($$
    SELECT namespace_id, run_key, event_id FROM event
    WHERE type = 'WorkflowExecutionStarted' AND event_id <> 1 $$,
    'and starts once');

SELECT is_empty($$
    SELECT e.namespace_id, e.run_key, e.event_id, e.type, r.member,
        e.a -> r.member
    FROM event AS e
    JOIN reference AS r USING (type)
    LEFT JOIN event AS t ON t.namespace_id = e.namespace_id
        AND t.run_key = e.run_key
        AND t.event_id = (e.a ->> r.member)::bigint
    WHERE CASE WHEN e.a ? r.member
        THEN t.event_id IS NULL OR t.event_id >= e.event_id
            OR t.type <> ALL (r.referred)
        ELSE r.required END $$,
    'references lead to earlier events of the right kind');

SELECT is_empty($$
    SELECT namespace_id, run_key, scheduled FROM activity_close
    GROUP BY 1, 2, 3 HAVING count(*) > 1 $$,
    'an activity closes once');

SELECT is_empty($$
    SELECT namespace_id, run_key, started FROM timer_close
    GROUP BY 1, 2, 3 HAVING count(*) > 1 $$,
    'a timer ends once');

SELECT is_empty($$
    SELECT namespace_id, run_key, initiated FROM child_close
    GROUP BY 1, 2, 3 HAVING count(*) > 1 $$,
    'a child closes once');

SELECT is_empty($$
    SELECT namespace_id, run_key, a -> 'scheduledEventId', type FROM event
    WHERE type IN ('ActivityTaskStarted', 'WorkflowTaskStarted',
        'ActivityTaskCancelRequested')
    GROUP BY 1, 2, 3, 4 HAVING count(*) > 1 $$,
    'a task starts once, and is asked to cancel once');

SELECT is_empty($$
    SELECT namespace_id, run_key, a -> 'scheduledEventId' FROM event
    WHERE type IN ('WorkflowTaskCompleted', 'WorkflowTaskFailed',
        'WorkflowTaskTimedOut')
    GROUP BY 1, 2, 3 HAVING count(*) > 1 $$,
    'a workflow task ends once');

SELECT is_empty($$
    SELECT s.namespace_id, s.run_key, s.event_id FROM event AS s
    JOIN event AS n ON n.namespace_id = s.namespace_id
        AND n.run_key = s.run_key AND n.event_id = s.event_id + 1
    WHERE s.type = 'ActivityTaskStarted' AND (
        n.type IN ('ActivityTaskCompleted', 'ActivityTaskFailed',
            'ActivityTaskTimedOut', 'ActivityTaskCanceled')
        AND n.a -> 'startedEventId' = to_jsonb(s.event_id)) IS NOT TRUE
        AND NOT EXISTS (
            SELECT FROM event AS c
            WHERE c.namespace_id = s.namespace_id AND c.run_key = s.run_key
                AND c.a -> 'startedEventId' = to_jsonb(s.event_id)) $$,
    'ActivityTaskStarted is written when the activity closes');

SELECT is_empty($$
    SELECT s.namespace_id, s.run_key, s.event_id FROM event AS s
    JOIN event AS n ON n.namespace_id = s.namespace_id
        AND n.run_key = s.run_key AND n.event_id = s.event_id + 1
    WHERE s.type = 'WorkflowTaskStarted' AND n.type NOT IN (
        'WorkflowTaskCompleted', 'WorkflowTaskFailed', 'WorkflowTaskTimedOut')
    $$,
    'nothing is appended while a workflow task is started');

SELECT is_empty($$
    SELECT namespace_id, run_key, event_id FROM (
        SELECT *, lag(event_time) OVER (PARTITION BY namespace_id, run_key
            ORDER BY event_id) AS before
        FROM event
        WHERE type NOT IN ('ActivityTaskStarted', 'WorkflowTaskScheduled',
            'WorkflowTaskStarted')) AS e
    WHERE event_time < before $$,
    'times do not go backwards, those of late events aside');

SELECT is_empty($$
    SELECT namespace_id, run_key, event_id, key, value
    FROM event, jsonb_each(a)
    WHERE value IN ('null', '0', 'false', '""')
        OR jsonb_typeof(a) <> 'object' $$,
    'members with default values are left out');

/* ---- closed runs ---- */

SELECT is_empty($$
    SELECT e.namespace_id, e.run_key, e.status, l.type
    FROM workflow.execution AS e
    JOIN LATERAL (
        SELECT type, event_id, event_time FROM event AS h
        WHERE h.namespace_id = e.namespace_id AND h.run_key = e.run_key
        ORDER BY event_id DESC LIMIT 1) AS l ON true
    LEFT JOIN close_event AS c USING (type)
    WHERE e.close_time IS NOT NULL
        AND (c.status IS DISTINCT FROM e.status::text
            OR e.history_length IS DISTINCT FROM l.event_id
            OR e.close_time <> l.event_time) $$,
    'a closed run ends with the event of its status, time and length');

SELECT is_empty($$
    SELECT h.namespace_id, h.run_key, h.event_id FROM event AS h
    JOIN close_event USING (type)
    JOIN open_run USING (namespace_id, run_key) $$,
    'an open run has no closing event');

SELECT is_empty($$
    SELECT h.namespace_id, h.run_key FROM event AS h
    JOIN close_event USING (type)
    GROUP BY 1, 2 HAVING count(*) > 1 $$,
    'a run closes once');

SELECT is_empty($$
    SELECT e.run_id, e.status FROM workflow.execution AS e
    WHERE (e.status IN ('Running', 'Paused')) <> (e.close_time IS NULL)
        OR e.close_time < e.start_time $$,
    'status and close time agree');

SELECT set_eq($$
    SELECT namespace_id, close_time, start_time, run_key
    FROM workflow.closed_execution $$, $$
    SELECT namespace_id, close_time, start_time, run_key
    FROM workflow.execution WHERE close_time IS NOT NULL $$,
    'the list of closed runs has each of them in its place');

SELECT is_empty($$
    (SELECT 'mutable_state', namespace_id, run_key FROM workflow.mutable_state
     UNION ALL SELECT 'activity', namespace_id, run_key FROM workflow.activity
     UNION ALL SELECT 'timer', namespace_id, run_key FROM workflow.timer
     UNION ALL SELECT 'workflow_task', namespace_id, run_key
     FROM workflow.workflow_task
     UNION ALL SELECT 'poll_request', namespace_id, run_key
     FROM workflow.poll_request
     UNION ALL SELECT 'buffered_event', namespace_id, run_key
     FROM workflow.buffered_event
     UNION ALL SELECT 'run_request', namespace_id, run_key
     FROM workflow.run_request WHERE kind <> 2)
    EXCEPT SELECT t, namespace_id, run_key FROM open_run,
        unnest('{mutable_state,activity,timer,workflow_task,poll_request,buffered_event,run_request}'::text[]) AS t $$,
    'nothing is pending in a closed run');

SELECT is_empty($$
    (SELECT 'execution', namespace_id FROM workflow.execution
     UNION SELECT 'closed_execution', namespace_id
     FROM workflow.closed_execution
     UNION SELECT 'mutable_state', namespace_id FROM workflow.mutable_state
     UNION SELECT 'history_batch', namespace_id FROM workflow.history_batch
     UNION SELECT 'schedule', namespace_id FROM workflow.schedule
     UNION SELECT 'batch_operation', namespace_id
     FROM workflow.batch_operation
     UNION SELECT 'search_attribute', namespace_id
     FROM workflow.search_attribute
     UNION SELECT 'namespace_role', namespace_id
     FROM workflow.namespace_role)
    EXCEPT SELECT t, namespace_id FROM workflow.namespace,
        unnest('{execution,closed_execution,mutable_state,history_batch,schedule,batch_operation,search_attribute,namespace_role}'::text[]) AS t $$,
    'what there is belongs to a namespace');

/* ---- open runs ---- */

SELECT is_empty($$
    SELECT namespace_id, run_key FROM open_run
    EXCEPT SELECT namespace_id, run_key FROM workflow.mutable_state $$,
    'every open run has its state');

SELECT is_empty($$
    SELECT namespace_id, workflow_id FROM workflow.execution
    WHERE close_time IS NULL GROUP BY 1, 2 HAVING count(*) > 1 $$,
    'a workflow id has one open run');

SELECT is_empty($$
    SELECT e.namespace_id, e.run_key FROM workflow.execution AS e
    JOIN open_run USING (namespace_id, run_key)
    JOIN workflow.execution AS l USING (namespace_id, workflow_id)
    WHERE l.run_key > e.run_key $$,
    'it is the last one');

SELECT is_empty($$
    SELECT namespace_id, run_key, previous_run_key FROM workflow.execution
    WHERE previous_run_key >= run_key OR previous_run_key < (
        SELECT max(b.run_key) FROM workflow.execution AS b
        WHERE b.namespace_id = execution.namespace_id
            AND b.workflow_id = execution.workflow_id
            AND b.run_key < execution.run_key) $$,
    'runs of a workflow id follow each other');

SELECT is_empty($$
    SELECT namespace_id, run_key, run_id FROM workflow.execution
    WHERE ('x' || right(run_id::text, 12))::bit(48)::bigint <> run_key
        OR substr(run_id::text, 15, 1) <> '7' $$,
    'a run id leads to its run, so that no two are equal');

SELECT is_empty($$
    SELECT namespace_id, run_key FROM workflow.mutable_state
    JOIN workflow.execution AS e USING (namespace_id, run_key)
    WHERE mutable_state.start_time <> e.start_time $$,
    'a state knows the start of its run');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.next_event_id
    FROM workflow.mutable_state AS m
    WHERE m.next_event_id IS DISTINCT FROM 1 + (
        SELECT max(event_id) FROM event AS h
        WHERE h.namespace_id = m.namespace_id AND h.run_key = m.run_key) $$,
    'the next event id follows the last one');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.pending_activities, m.pending_timers,
        m.buffered_events
    FROM workflow.mutable_state AS m
    WHERE m.pending_activities <> (
            SELECT count(*) FROM workflow.activity AS a
            WHERE a.namespace_id = m.namespace_id AND a.run_key = m.run_key)
        OR m.pending_timers <> (
            SELECT count(*) FROM workflow.timer AS t
            WHERE t.namespace_id = m.namespace_id AND t.run_key = m.run_key)
        OR m.buffered_events <> (
            SELECT count(*) FROM workflow.buffered_event AS b
            WHERE b.namespace_id = m.namespace_id AND b.run_key = m.run_key)
    $$,
    'counters equal the number of rows');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.pending_size
    FROM workflow.mutable_state AS m
    WHERE m.pending_size <> (
        SELECT coalesce(sum(size), 0) FROM (
            SELECT namespace_id, run_key, counted_size AS size
            FROM workflow.activity
            UNION ALL
            SELECT namespace_id, run_key, 60 + octet_length(timer_id)
            FROM workflow.timer
            UNION ALL
            SELECT namespace_id, run_key,
                80 + octet_length(workflow_id) + octet_length(workflow_type)
            FROM workflow.child_execution
            UNION ALL
            SELECT namespace_id, run_key, 40 + octet_length(request_id)
            FROM workflow.run_request) AS p
        WHERE p.namespace_id = m.namespace_id AND p.run_key = m.run_key) $$,
    'the size of what is pending is right');

SELECT is_empty($$
    SELECT namespace_id, run_key FROM workflow.mutable_state
    WHERE state_transition_count < 1
    UNION ALL
    SELECT namespace_id, run_key FROM workflow.execution
    WHERE close_time IS NOT NULL AND state_transition_count < 1 $$,
    'every run has been changed at least once');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.signal_count
    FROM workflow.mutable_state AS m
    WHERE m.signal_count <> (
        SELECT count(*) FROM (
            SELECT namespace_id, run_key, type FROM event
            UNION ALL SELECT namespace_id, run_key, type FROM buffered) AS e
        WHERE e.namespace_id = m.namespace_id AND e.run_key = m.run_key
            AND e.type = 'WorkflowExecutionSignaled') $$,
    'the number of signals is right');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.pending_children
    FROM workflow.mutable_state AS m
    WHERE m.pending_children <> (
        SELECT count(*) FROM workflow.child_execution AS c
        WHERE c.namespace_id = m.namespace_id AND c.run_key = m.run_key) $$,
    'the number of children is right');

SELECT set_eq($$
    SELECT namespace_id, run_key, initiated_event_id, workflow_id
    FROM workflow.child_execution JOIN open_run USING (namespace_id, run_key) $$, $$
    SELECT s.namespace_id, s.run_key, s.event_id, s.a ->> 'workflowId'
    FROM event AS s JOIN open_run USING (namespace_id, run_key)
    WHERE s.type = 'StartChildWorkflowExecutionInitiated' AND NOT EXISTS (
        SELECT FROM child_close AS c
        WHERE c.namespace_id = s.namespace_id AND c.run_key = s.run_key
            AND c.initiated = s.event_id) $$,
    'the pending children are those that were started and have not closed');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.wft_scheduled_event_id,
        m.wft_started_event_id, t.stamp, m.wft_stamp, t.sticky, m.flags
    FROM workflow.mutable_state AS m
    LEFT JOIN workflow.workflow_task AS t USING (namespace_id, run_key)
    WHERE (m.wft_scheduled_event_id <> 0 AND m.wft_started_event_id = 0)
            <> (t.run_key IS NOT NULL)
        OR m.wft_started_event_id <> 0 AND m.wft_scheduled_event_id = 0
        OR t.stamp <> m.wft_stamp
        OR t.scheduled_time <> m.wft_scheduled_time
        OR t.sticky <> (m.flags & 4 <> 0) $$,
    'the state and its workflow task agree');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.open_updates, m.update_count
    FROM workflow.mutable_state AS m
    WHERE m.open_updates <> (
            SELECT count(*) FROM workflow.update_request AS u
            WHERE u.namespace_id = m.namespace_id AND u.run_key = m.run_key
                AND u.state IN (1, 2))
        OR m.update_count <> (
            SELECT count(*) FROM event AS e
            WHERE e.namespace_id = m.namespace_id AND e.run_key = m.run_key
                AND e.type = 'WorkflowExecutionUpdateAccepted') $$,
    'a run counts its updates right');

SELECT is_empty($$
    SELECT u.namespace_id, u.run_key, u.update_id
    FROM workflow.update_request AS u
    WHERE u.state = 1 AND (u.namespace_id, u.run_key) NOT IN (
        SELECT namespace_id, run_key FROM open_run) $$,
    'no update waits for a closed run');

SELECT is_empty($$
    SELECT u.namespace_id, u.run_key, u.update_id
    FROM workflow.update_request AS u
    WHERE u.state IN (2, 3) AND NOT EXISTS (
            SELECT FROM event AS e
            WHERE e.namespace_id = u.namespace_id AND e.run_key = u.run_key
                AND e.event_id = u.accepted_event_id
                AND e.type = 'WorkflowExecutionUpdateAccepted'
                AND e.a ->> 'protocolInstanceId' = u.update_id)
        OR u.state = 3 AND NOT EXISTS (
            SELECT FROM event AS e
            WHERE e.namespace_id = u.namespace_id AND e.run_key = u.run_key
                AND e.event_id = u.completed_event_id
                AND e.type = 'WorkflowExecutionUpdateCompleted') $$,
    'an update knows its events');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.wft_scheduled_event_id,
        m.wft_started_event_id
    FROM workflow.mutable_state AS m
    LEFT JOIN event AS s ON s.namespace_id = m.namespace_id
        AND s.run_key = m.run_key AND s.event_id = m.wft_scheduled_event_id
    LEFT JOIN event AS b ON b.namespace_id = m.namespace_id
        AND b.run_key = m.run_key AND b.event_id = m.wft_started_event_id
    WHERE m.wft_scheduled_event_id <> 0 AND m.wft_attempt = 1
        AND m.flags & 1024 = 0
        AND (s.type IS DISTINCT FROM 'WorkflowTaskScheduled'
            OR (m.wft_started_event_id <> 0 AND (
                b.type IS DISTINCT FROM 'WorkflowTaskStarted'
                OR m.wft_started_event_id <> m.next_event_id - 1))) $$,
    'a workflow task of the first attempt stands in the history');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key FROM workflow.mutable_state AS m
    WHERE m.buffered_events > 0 AND m.wft_started_event_id = 0 $$,
    'events are buffered only while a workflow task is started');

SELECT is_empty($$
    SELECT r.namespace_id, r.run_key FROM open_run AS r
    CROSS JOIN LATERAL (
        SELECT max(event_id) FILTER (WHERE type = 'WorkflowTaskStarted') AS started,
            max(event_id) FILTER (WHERE type = 'WorkflowTaskCompleted') AS completed,
            max(event_id) FILTER (WHERE type IN (
                SELECT t.type FROM trigger_event AS t)) AS triggered
        FROM event AS h
        WHERE h.namespace_id = r.namespace_id AND h.run_key = r.run_key) AS l
    WHERE NOT EXISTS (
            SELECT FROM workflow.workflow_task AS t
            WHERE t.namespace_id = r.namespace_id AND t.run_key = r.run_key)
        AND NOT EXISTS (
            SELECT FROM workflow.mutable_state AS m
            WHERE m.namespace_id = r.namespace_id AND m.run_key = r.run_key
                AND m.wft_started_event_id <> 0)
        /* a paused run waits for an operator */
        AND NOT EXISTS (
            SELECT FROM workflow.execution AS e
            WHERE e.namespace_id = r.namespace_id AND e.run_key = r.run_key
                AND e.status = 'Paused')
        /* before its first task, a run may wait for its time */
        AND NOT EXISTS (
            SELECT FROM workflow.timer AS t
            WHERE t.namespace_id = r.namespace_id AND t.run_key = r.run_key
                AND t.kind = 4)
        AND (l.started IS NULL OR l.completed IS NULL
            OR l.completed < l.started OR l.triggered > l.started) $$,
    'an open run without a workflow task has seen everything');

SELECT is_empty($$
    (SELECT s.namespace_id, s.run_key, s.event_id, s.a ->> 'activityId'
     FROM event AS s JOIN open_run USING (namespace_id, run_key)
     WHERE s.type = 'ActivityTaskScheduled'
     EXCEPT
     SELECT c.namespace_id, c.run_key, c.scheduled, s.a ->> 'activityId'
     FROM activity_close AS c
     JOIN event AS s ON s.namespace_id = c.namespace_id
         AND s.run_key = c.run_key AND s.event_id = c.scheduled)
    EXCEPT
    SELECT namespace_id, run_key, scheduled_event_id, activity_id
    FROM workflow.activity $$,
    'every activity that has not closed is pending');

SELECT is_empty($$
    SELECT namespace_id, run_key, scheduled_event_id, activity_id
    FROM workflow.activity
    EXCEPT
    (SELECT s.namespace_id, s.run_key, s.event_id, s.a ->> 'activityId'
     FROM event AS s WHERE s.type = 'ActivityTaskScheduled'
         AND NOT EXISTS (
             SELECT FROM activity_close AS c
             WHERE c.namespace_id = s.namespace_id
                 AND c.run_key = s.run_key AND c.scheduled = s.event_id)) $$,
    'every pending activity has been scheduled and has not closed');

SELECT set_eq($$
    SELECT namespace_id, run_key, started_event_id, timer_id
    FROM workflow.timer WHERE kind = 1 $$, $$
    SELECT s.namespace_id, s.run_key, s.event_id, s.a ->> 'timerId'
    FROM event AS s JOIN open_run USING (namespace_id, run_key)
    WHERE s.type = 'TimerStarted' AND NOT EXISTS (
        SELECT FROM timer_close AS c
        WHERE c.namespace_id = s.namespace_id AND c.run_key = s.run_key
            AND c.started = s.event_id) $$,
    'the pending timers are those that were started and have not ended');

/* ---- a way forward: nothing waits for what nobody will bring ---- */

SELECT is_empty($$
    SELECT namespace_id, run_key, stamp, due_at, known_at
    FROM known_deadline WHERE (known_at <= due_at) IS NOT TRUE $$,
    'the scheduler knows when a task times out that a worker has, or its queue');

SELECT is_empty($$
    SELECT a.namespace_id, a.run_key, a.scheduled_event_id, a.state
    FROM workflow.activity AS a
    JOIN workflow.execution AS e USING (namespace_id, run_key)
    WHERE CASE a.state
        WHEN 1 THEN false
        WHEN 4 THEN a.flags & 1 = 0 AND e.status <> 'Paused'
        ELSE a.due_at IS NULL END $$,
    'an activity waits for a worker, for its time, or for an operator');

SELECT is_empty($$
    SELECT t.namespace_id, t.run_key, t.rank, t.fairness_key
    FROM (SELECT namespace_id, run_key, rank, fairness_key,
            NOT sticky AS has_turn
        FROM workflow.workflow_task
        UNION ALL
        SELECT namespace_id, run_key, rank, fairness_key, state = 1
        FROM workflow.activity) AS t
    WHERE t.rank >> 60 NOT BETWEEN 1 AND 5 OR t.has_turn
        AND t.fairness_key IS NOT NULL
        AND t.rank & ((1::bigint << 59) - 1) = 0 $$,
    'a task has a priority, and one with a fairness key a turn');

SELECT is_empty($$
    SELECT coalesce(r.namespace_id, m.namespace_id),
        coalesce(r.run_key, m.run_key), r.request_id
    FROM workflow.poll_request AS r
    FULL JOIN (
        SELECT * FROM workflow.mutable_state WHERE flags & x'800'::int <> 0)
        AS m USING (namespace_id, run_key)
    WHERE (m.wft_started_event_id <> 0 AND m.wft_stamp = r.stamp) IS NOT TRUE
    UNION ALL
    SELECT namespace_id, run_key, request_id
    FROM workflow.activity WHERE request_id IS NOT NULL AND state <> 2 $$,
    'a request id is that of a task that a worker has');

SELECT is_empty($$
    SELECT e.namespace_id, e.run_key, k.kind
    FROM workflow.execution AS e, unnest('{2,3}'::int[]) AS k (kind)
    WHERE e.close_time IS NULL
        AND CASE k.kind WHEN 2 THEN e.workflow_run_timeout > '0'
            ELSE e.expiration_time < 'infinity' END
        AND NOT EXISTS (
            SELECT FROM workflow.timer AS t
            WHERE t.namespace_id = e.namespace_id AND t.run_key = e.run_key
                AND t.kind = k.kind) $$,
    'the timeouts of a run have their timers');

SELECT is_empty($$
    SELECT u.namespace_id, u.run_key, u.update_id
    FROM workflow.update_request AS u
    JOIN workflow.execution AS e USING (namespace_id, run_key)
    WHERE u.state = 1 AND e.status = 'Running' AND NOT EXISTS (
        SELECT FROM workflow.workflow_task AS t
        WHERE t.namespace_id = u.namespace_id AND t.run_key = u.run_key)
        AND NOT EXISTS (
            SELECT FROM workflow.mutable_state AS m
            WHERE m.namespace_id = u.namespace_id AND m.run_key = u.run_key
                AND m.wft_started_event_id <> 0)
        AND NOT EXISTS (
            SELECT FROM workflow.timer AS t
            WHERE t.namespace_id = u.namespace_id AND t.run_key = u.run_key
                AND t.kind = 4) $$,
    'an update that nobody has decided about has a workflow task to go with');

SELECT is_empty($$
    SELECT i.namespace_id, i.run_key, i.event_id, i.type
    FROM event AS i JOIN open_run USING (namespace_id, run_key)
    JOIN (VALUES
        ('StartChildWorkflowExecutionInitiated', 1,
            '{StartChildWorkflowExecutionFailed,ChildWorkflowExecutionStarted}'
            ::text[]),
        ('SignalExternalWorkflowExecutionInitiated', 4,
            '{SignalExternalWorkflowExecutionFailed,ExternalWorkflowExecutionSignaled}'),
        ('RequestCancelExternalWorkflowExecutionInitiated', 5,
            '{RequestCancelExternalWorkflowExecutionFailed,ExternalWorkflowExecutionCancelRequested}'))
        AS k (type, kind, told) USING (type)
    WHERE NOT EXISTS (
        SELECT FROM workflow.outbox AS o
        WHERE o.namespace_id = i.namespace_id AND o.run_key = i.run_key
            AND o.kind = k.kind AND o.event_id = i.event_id)
        AND NOT EXISTS (
            SELECT FROM (
                SELECT namespace_id, run_key, type, a FROM event
                UNION ALL SELECT namespace_id, run_key, type, a FROM buffered)
                AS b
            WHERE b.namespace_id = i.namespace_id AND b.run_key = i.run_key
                AND b.type = ANY (k.told)
                AND (b.a ->> 'initiatedEventId')::bigint = i.event_id) $$,
    'what is asked of another workflow is on its way, or was answered');

SELECT is_empty($$
    SELECT c.namespace_id, c.run_key, c.initiated_event_id, c.workflow_id
    FROM workflow.child_execution AS c
    WHERE c.run_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM workflow.execution AS e
        WHERE e.namespace_id = c.namespace_id
            AND e.workflow_id = c.workflow_id
            AND e.parent_run_key = c.run_key
            AND e.parent_initiated_event_id = c.initiated_event_id
            AND (e.close_time IS NULL OR EXISTS (
                SELECT FROM workflow.outbox AS o
                WHERE o.namespace_id = e.namespace_id
                    AND o.run_key = e.run_key AND o.kind = 2))) $$,
    'a pending child is open, or its end is on its way to the parent');

SELECT is_empty($$
    SELECT m.namespace_id, m.run_key, m.pending_signals, m.pending_cancels
    FROM workflow.mutable_state AS m
    WHERE m.pending_signals <> (
            SELECT count(*) FROM workflow.outbox AS o
            WHERE o.namespace_id = m.namespace_id AND o.run_key = m.run_key
                AND o.kind = 4)
        OR m.pending_cancels <> (
            SELECT count(*) FROM workflow.outbox AS o
            WHERE o.namespace_id = m.namespace_id AND o.run_key = m.run_key
                AND o.kind = 5) $$,
    'the numbers of undelivered signals and cancellations are right');

/* ---- what runs are found by ---- */

SELECT is_empty($$
    WITH change AS (
        SELECT v.namespace_id, v.run_key, v.event_id, k.key, k.value
        FROM event AS v, jsonb_each(CASE v.type
            WHEN 'WorkflowExecutionStarted'
                THEN coalesce(v.a #> '{searchAttributes,indexedFields}', '{}')
            WHEN 'UpsertWorkflowSearchAttributes'
                THEN v.a #> '{searchAttributes,indexedFields}'
            ELSE '{}' END) AS k
    ), latest AS (
        SELECT DISTINCT ON (namespace_id, run_key, key) *
        FROM change ORDER BY namespace_id, run_key, key, event_id DESC
    )
    SELECT e.namespace_id, e.run_key, e.search_attributes
    FROM workflow.execution AS e
    WHERE EXISTS (SELECT FROM event AS v WHERE v.namespace_id = e.namespace_id
            AND v.run_key = e.run_key AND v.event_id = 1)
        AND nullif((e.search_attributes -> 'indexedFields')
                - (SELECT version_attributes FROM constants)
                - 'TemporalReportedProblems', '{}')
            IS DISTINCT FROM (
            SELECT jsonb_object_agg(l.key, l.value) FROM latest AS l
            WHERE l.namespace_id = e.namespace_id AND l.run_key = e.run_key
                AND l.value NOT IN ('null', '[]')
                AND l.value #>> '{@payload,metadata,encoding}'
                    IS DISTINCT FROM 'YmluYXJ5L251bGw='
                AND l.key <> ALL (SELECT unnest(version_attributes)
                    FROM constants)) $$,
    'the search attributes of a run are what its events have set');

/* ---- the scheduler keeps up ---- */

SELECT is_empty($$
    SELECT 'timer', namespace_id, run_key, fire_at FROM workflow.timer
    WHERE fire_at < now() - interval '1 minute'
    UNION ALL
    SELECT 'activity', namespace_id, run_key, due_at FROM workflow.activity
    WHERE due_at < now() - interval '1 minute'
    UNION ALL
    SELECT 'workflow_task', namespace_id, run_key, due_at
    FROM task_deadline WHERE due_at < now() - interval '1 minute'
    UNION ALL
    SELECT 'outbox', namespace_id, run_key, due_at
    FROM workflow.outbox WHERE due_at < now() - interval '1 minute'
    UNION ALL
    SELECT 'schedule', namespace_id, 0, due_at
    FROM workflow.schedule WHERE due_at < now() - interval '1 minute'
    UNION ALL
    SELECT 'schedule_wakeup', w.namespace_id, w.run_key, e.close_time
    FROM workflow.schedule_wakeup AS w
    JOIN workflow.execution AS e USING (namespace_id, run_key)
    WHERE e.close_time < now() - interval '1 minute' $$,
    'nothing has been due for more than a minute');

/* ---- clocks ---- */

SELECT is_empty($$
    SELECT n.name, c.namespace_id
    FROM workflow.namespace AS n
    FULL JOIN workflow.namespace_clock AS c USING (namespace_id)
    WHERE n.virtual_time IS DISTINCT FROM (c.namespace_id IS NOT NULL) $$,
    'namespaces with virtual time have a clock, and no others');

/* ---- schedules ---- */

SELECT is_empty($$
    SELECT w.namespace_id, w.run_key
    FROM workflow.schedule_wakeup AS w
    JOIN workflow.execution AS e USING (namespace_id, run_key)
    WHERE e.close_time IS NULL OR e.schedule_id <> w.schedule_id $$,
    'only runs that have closed wake their schedule');

SELECT is_empty($$
    SELECT s.namespace_id, s.schedule_id, r ->> 'runId'
    FROM workflow.schedule AS s,
        jsonb_array_elements(s.progress -> 'running') AS r
    JOIN workflow.execution AS e
        ON e.first_run_id = (r ->> 'runId')::uuid
    WHERE e.namespace_id = s.namespace_id
    GROUP BY 1, 2, 3
    HAVING bool_and(e.close_time IS NOT NULL)
        AND max(e.close_time) < now() - interval '1 minute' $$,
    'no schedule waits for a workflow that has ended');

/* ---- versions of workers ---- */

SELECT set_eq($$
    SELECT namespace_id, run_key, version_key FROM workflow.pinned_run $$, $$
    SELECT namespace_id, run_key, version_key FROM pinned
    WHERE version_key <> 0 $$,
    'the pinned runs are those whose states say so');

SELECT is_empty($$
    SELECT t.namespace_id, t.run_key, t.version_key
    FROM workflow.workflow_task AS t
    JOIN workflow.mutable_state AS m USING (namespace_id, run_key)
    JOIN pinned AS p USING (namespace_id, run_key)
    JOIN workflow.execution AS e USING (namespace_id, run_key)
    WHERE (t.version_key <> CASE
            WHEN t.sticky THEN m.version_key
            WHEN m.flags & x'100000'::int <> 0 THEN m.transition_key
            ELSE p.version_key END
        OR NOT t.route_bucket BETWEEN 0 AND 9999) $$,
    'a workflow task goes where its run says');

SELECT is_empty($$
    SELECT a.namespace_id, a.run_key, a.version_key
    FROM workflow.activity AS a
    JOIN pinned AS p USING (namespace_id, run_key)
    WHERE a.state = 1 AND (a.version_key NOT IN (0, p.version_key)
        OR NOT a.route_bucket BETWEEN 0 AND 9999) $$,
    'an activity goes to the version of its run or by the routing');

SELECT is_empty($$
    SELECT k.namespace_id, k.version_key FROM (
        SELECT namespace_id, version_key FROM workflow.mutable_state
        UNION SELECT namespace_id, override_key FROM workflow.mutable_state
        UNION SELECT namespace_id, transition_key
        FROM workflow.mutable_state
        UNION SELECT namespace_id, version_key
        FROM workflow.worker_version_queue
        UNION SELECT namespace_id, version_key
        FROM workflow.worker_version_drainage) AS k
    WHERE k.version_key <> 0 AND NOT EXISTS (
        SELECT FROM workflow.worker_version AS v
        WHERE v.namespace_id = k.namespace_id
            AND v.version_key = k.version_key) $$,
    'every version that is spoken of exists');

SELECT is_empty($$
    SELECT d.namespace_id, d.name
    FROM workflow.worker_deployment AS d,
        unnest(ARRAY[d.current_key,
            CASE WHEN d.is_ramping THEN d.ramping_key ELSE 0 END]) AS k
    WHERE k <> 0 AND (NOT EXISTS (
            SELECT FROM workflow.worker_version AS v
            WHERE v.namespace_id = d.namespace_id AND v.version_key = k
                AND v.deployment_name = d.name AND NOT v.deleted)
        OR EXISTS (
            SELECT FROM workflow.worker_version_drainage AS n
            WHERE n.namespace_id = d.namespace_id AND n.version_key = k))
        OR (d.is_ramping AND d.ramping_key = d.current_key) $$,
    'current and ramping versions are there, and neither drains');

SELECT * FROM finish();
ROLLBACK;
