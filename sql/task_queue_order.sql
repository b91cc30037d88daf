--
-- The order of a task queue: priorities, and polls that are repeated
--
\a
\t on

CREATE FUNCTION pg_temp.start(workflow text, queue text,
    priority jsonb DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$
SELECT workflow.start_workflow_execution(workflow, 'type', queue,
    priority => priority)
$$;

-- The workflows whose tasks a poll is given, in their order
CREATE FUNCTION pg_temp.polled(queue text, number int DEFAULT 1)
RETURNS text
LANGUAGE sql AS $$
SELECT string_agg(p #>> '{workflowExecution,workflowId}', ' ' ORDER BY n)
FROM workflow.poll_workflow_task_queue(queue, number)
    WITH ORDINALITY AS p (p, n)
$$;

--
-- The first priority first, then the oldest
--
SELECT pg_temp.start('a', 'order');
SELECT pg_temp.start('b', 'order', '{"priorityKey": 5}');
SELECT pg_temp.start('c', 'order', '{"priorityKey": 1}');
SELECT pg_temp.start('d', 'order', '{"priorityKey": 3}');
SELECT pg_temp.start('e', 'order', '{}');
SELECT pg_temp.start('f', 'order', '{"priorityKey": 1}');
SELECT (d -> 'stats') - '{approximateBacklogAge,tasksAddRate,tasksDispatchRate}'::text[],
    (SELECT jsonb_object_agg(key, value -> 'approximateBacklogCount')
     FROM jsonb_each(d -> 'statsByPriorityKey'))
FROM workflow.describe_task_queue('order') AS d;
SELECT pg_temp.polled('order', 2);
SELECT pg_temp.polled('order', 3);
SELECT pg_temp.polled('order', 3);
-- what runs later has its run's priority, too, and a run that continues it
SELECT pg_temp.start('late 5', 'late', '{"priorityKey": 5}');
SELECT t.step('late', t.timer('t', '3600s'));
SELECT pg_temp.start('late 1', 'late', '{"priorityKey": 1}');
SELECT t.step('late', '[{"commandType": "ContinueAsNewWorkflowExecution"}]');
SELECT workflow.signal_workflow_execution('late 5', 's');
SELECT pg_temp.start('late 3', 'late');
SELECT pg_temp.polled('late', 9);
SELECT t.cleanup();

SELECT t.err(format($$ SELECT workflow.start_workflow_execution('bad', 'type',
    'q', priority => %L) $$, bad))
FROM (VALUES ('1'), ('{"priorityKey": 6}'), ('{"priorityKey": -1}'),
    ('{"priorityKey": "x"}'), ('{"fairnessWeight": -1}'),
    ('{"fairnessKey": 1}'),
    (format('{"fairnessKey": "%s"}', repeat('x', 65)))) AS v (bad);
SELECT t.start('bad child');
SELECT t.step('bad child', '[{"commandType": "StartChildWorkflowExecution",
    "attributes": {"workflowId": "c", "workflowType": {"name": "type"},
    "priority": {"priorityKey": 6}}}]');
SELECT t.cleanup();

-- an activity's worker is told its priority
SELECT pg_temp.start('told', 'told', '{"priorityKey": 2}');
SELECT t.step('told', t.schedule('a', '{"priority": {"fairnessKey": "k"}}'));
SELECT p -> 'priority' FROM workflow.poll_activity_task_queue('told') AS p;
SELECT t.cleanup();

--
-- A poll that is repeated with its request id
--
SELECT pg_temp.start('once ' || n, 'once') FROM generate_series(1, 3) AS n;
CREATE TABLE answer AS
SELECT 1 AS poll, p::jsonb AS task
FROM workflow.poll_workflow_task_queue('once', 2, 'w', request_id => 'r') AS p;
INSERT INTO answer
SELECT 2, p
FROM workflow.poll_workflow_task_queue('once', 2, 'w', request_id => 'r') AS p;
SELECT (SELECT count(*) FROM answer),
    (SELECT count(DISTINCT task - 'backlogCountHint') FROM answer);
-- only of this queue, and not for another request
SELECT count(*)
FROM workflow.poll_workflow_task_queue('twice', 2, request_id => 'r') AS p;
SELECT count(*)
FROM workflow.poll_workflow_task_queue('once', 2, request_id => 'x') AS p;
-- what has been answered is not repeated; when all is, there is more
SELECT t.complete(min(task ->> 'taskToken'), t.timer('t', '3600s'))
FROM answer;
SELECT count(*)
FROM workflow.poll_workflow_task_queue('once', 2, request_id => 'r') AS p;
SELECT t.complete(max(task ->> 'taskToken'), t.schedule('a', '{"taskQueue":
    {"name": "once"}, "heartbeatTimeout": "60s"}')
    || t.schedule('b', '{"taskQueue": {"name": "once"}}'))
FROM answer;
SELECT count(*)
FROM workflow.poll_workflow_task_queue('once', 2, request_id => 'r') AS p;
SELECT pg_temp.start('once 4', 'once');
SELECT p #>> '{workflowExecution,workflowId}'
FROM workflow.poll_workflow_task_queue('once', 2, request_id => 'r') AS p;
-- of an attempt after a failure, and with its updates' state as it was
SELECT workflow.respond_workflow_task_failed(p ->> 'taskToken')
FROM workflow.poll_workflow_task_queue('once', 2, request_id => 'r') AS p;
SELECT count(DISTINCT p::text), max(p ->> 'attempt')
FROM generate_series(1, 2), LATERAL
    workflow.poll_workflow_task_queue('once', 1, request_id => 'r2') AS p;

TRUNCATE answer;
INSERT INTO answer
SELECT n, p FROM generate_series(1, 2) AS n, LATERAL
    workflow.poll_activity_task_queue('once', 1, request_id => 'r') AS p;
SELECT count(*), count(DISTINCT task) FROM answer;
SELECT 1 FROM workflow.record_activity_task_heartbeat(
    (SELECT min(task ->> 'taskToken') FROM answer), '[1]');
SELECT p -> 'activityId', p -> 'heartbeatDetails'
FROM workflow.poll_activity_task_queue('once', 1, request_id => 'r') AS p;
SELECT workflow.respond_activity_task_completed(min(task ->> 'taskToken'))
FROM answer;
SELECT p -> 'activityId'
FROM workflow.poll_activity_task_queue('once', 1, request_id => 'r') AS p;
-- a retry is not the task that was claimed
SELECT workflow.respond_activity_task_failed(p ->> 'taskToken',
    '{"applicationFailureInfo": {"nextRetryDelay": "3600s"}}')
FROM workflow.poll_activity_task_queue('once', 1, request_id => 'r') AS p;
SELECT count(*)
FROM workflow.poll_activity_task_queue('once', 1, request_id => 'r') AS p;
SELECT t.err($$ SELECT workflow.poll_activity_task_queue('once',
    request_id => repeat('x', 1001)) $$);
DROP TABLE answer;
SELECT t.cleanup();
