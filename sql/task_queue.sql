--
-- Describing task queues
--
\a
\t on

CREATE FUNCTION pg_temp.queue(queue text, type text DEFAULT NULL,
    OUT stats jsonb, OUT priorities jsonb, OUT pollers jsonb)
RETURNS record
LANGUAGE sql AS $$
SELECT (d -> 'stats') - '{approximateBacklogAge,tasksAddRate,tasksDispatchRate}'::text[],
    (SELECT jsonb_object_agg(key, value -> 'approximateBacklogCount')
     FROM jsonb_each(d -> 'statsByPriorityKey')),
    jsonb_path_query_array(d, '$.pollers[*].identity')
FROM workflow.describe_task_queue(queue, type) AS d
$$;

-- one that nobody has used
SELECT workflow.describe_task_queue('nobody''s');
SELECT workflow.describe_task_queue('nobody''s', 'ACTIVITY');

SELECT count(*) FROM generate_series(1, 3) AS n, LATERAL
    workflow.start_workflow_execution('queued ' || n, 'type', 'queued');
SELECT * FROM pg_temp.queue('queued');
SELECT (d #>> '{stats,approximateBacklogAge}')::interval
    BETWEEN '0 s' AND '1 min',
    (d #>> '{stats,approximateBacklogAge}')::interval
    <= clock_timestamp() - x.start_time
FROM workflow.execution AS x,
    workflow.describe_task_queue('queued') AS d
WHERE x.workflow_id = 'queued 1';
-- tasks that a worker has are not in it
SELECT t.step('queued', t.schedule('a')
    || t.schedule('b', '{"priority": {"priorityKey": 1}}')
    || t.schedule('c', '{"priority": {"priorityKey": 5}}')
    || t.schedule('d'));
SELECT p ->> 'workflowType' IS NOT NULL
FROM workflow.poll_workflow_task_queue('queued', 1, 'second') AS p;
SELECT * FROM pg_temp.queue('queued', 'TASK_QUEUE_TYPE_WORKFLOW');
SELECT * FROM pg_temp.queue('queued', 'TASK_QUEUE_TYPE_ACTIVITY');
-- the first priority is handed out first
SELECT p ->> 'activityId'
FROM workflow.poll_activity_task_queue('queued', 2, 'third') AS p;
SELECT * FROM pg_temp.queue('queued', 'ACTIVITY');
-- an activity that waits for its retry, or is paused, is not in it
SELECT workflow.pause_activity(workflow_id, 'c')
FROM workflow.pending_activities WHERE activity_id = 'c'
    AND task_queue = 'queued';
SELECT stats, priorities FROM pg_temp.queue('queued', 'ACTIVITY');
SELECT d #> '{pollers,0}' ? 'lastAccessTime'
FROM workflow.describe_task_queue('queued', 'ACTIVITY') AS d;

SELECT t.err($$ SELECT workflow.describe_task_queue(NULL) $$);
SELECT t.err($$ SELECT workflow.describe_task_queue('queued', 'x') $$);
SELECT t.err($$ SELECT workflow.describe_task_queue('queued',
    namespace => 'nowhere') $$);
-- names that are reserved are refused wherever a queue is named
SELECT DISTINCT t.err(call)
FROM (VALUES
    ('SELECT workflow.start_workflow_execution($$x$$, $$x$$, $$/_sys/q$$)'),
    ('SELECT workflow.signal_with_start_workflow_execution($$x$$, $$x$$,
        $$/_sys/q$$, signal_name => $$x$$)'),
    ('SELECT workflow.create_schedule($$x$$, $${"action": {"startWorkflow":
        {"workflowId": "x", "workflowType": {"name": "x"},
        "taskQueue": {"name": "/_sys/q"}}}}$$)'),
    ('SELECT workflow.update_activity_options(workflow_id, match_all => true,
        task_queue => $$/_sys/q$$)
        FROM workflow.pending_activities WHERE task_queue = $$queued$$'),
    ('SELECT workflow.start_batch_operation($$UPDATE_ACTIVITY_OPTIONS$$,
        executions => $$[{"workflowId": "x"}]$$,
        parameters => $${"matchAll": true, "activityOptions":
        {"taskQueue": {"name": "/_sys/q"}}}$$)'),
    ('SELECT workflow.update_task_queue_config($$/_sys/q$$)'),
    ('SELECT workflow.describe_task_queue($$/_sys/q$$)'),
    ('SELECT workflow.poll_workflow_task_queue($$/_sys/q$$)'),
    ('SELECT workflow.poll_activity_task_queue($$/_sys/q$$)')) AS v (call);
CALL workflow.wait_for_task('{/_sys/q}', '{}');
SELECT count(workflow.terminate_workflow_execution(workflow_id))
FROM workflow.execution WHERE task_queue = 'queued';

--
-- Priorities: activities and children have what they leave out from their
-- workflow
--
SELECT 1 FROM workflow.start_workflow_execution('urgent', 'type', 'urgent',
    priority => '{"priorityKey": 1, "fairnessKey": "k",
        "fairnessWeight": 2.5}');
SELECT t.step('urgent', t.schedule('a')
    || t.schedule('b', '{"priority": {"priorityKey": 5}}')
    || t.schedule('c', '{"priority": {"fairnessKey": "c"}}')
    || '[{"commandType": "StartChildWorkflowExecution", "attributes":
    {"workflowId": "urgent child", "workflowType": {"name": "type"},
    "taskQueue": {"name": "urgent child"},
    "priority": {"fairnessWeight": 1}}}]');
SELECT e.event_id, e.attributes -> 'priority'
FROM workflow.get_workflow_execution_history('urgent') AS e
WHERE e.event_id BETWEEN 5 AND 8 ORDER BY e.event_id;
SELECT a.activity_id, a.rank >> 60 FROM workflow.activity AS a
WHERE a.task_queue = 'urgent' ORDER BY a.activity_id;
SELECT t.wait_event('urgent', 'ChildWorkflowExecutionStarted');
SELECT e.attributes -> 'priority'
FROM workflow.get_workflow_execution_history('urgent child') AS e
WHERE e.event_id = 1;
-- also in the runs that follow, and after a reset
SELECT t.step('urgent',
    '[{"commandType": "ContinueAsNewWorkflowExecution"}]');
SELECT t.step('urgent', t.schedule('a'));
SELECT a.activity_id, a.rank >> 60 FROM workflow.activity AS a
WHERE a.task_queue = 'urgent';
SELECT 1 FROM workflow.reset_workflow_execution('urgent',
    reset_type => 'FIRST_WORKFLOW_TASK');
SELECT t.step('urgent', t.schedule('a', '{"priority": {}}'));
SELECT a.activity_id, a.rank >> 60 FROM workflow.activity AS a
WHERE a.task_queue = 'urgent';
SELECT workflow.terminate_workflow_execution('urgent');
