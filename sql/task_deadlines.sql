--
-- When workflow tasks time out, as shared memory knows it
--
\a
\t on

-- those of a workflow, and how long after the beginning of the task they are
CREATE FUNCTION pg_temp.deadlines(workflow text)
RETURNS TABLE (stamp int, after interval)
LANGUAGE sql AS $$
SELECT d.stamp, d.due_at - CASE WHEN m.wft_started_event_id <> 0
    THEN m.wft_started_time ELSE m.wft_scheduled_time END
FROM workflow.execution AS e
JOIN workflow.task_deadlines() AS d USING (namespace_id, run_key)
LEFT JOIN workflow.mutable_state AS m USING (namespace_id, run_key)
WHERE e.workflow_id = workflow
ORDER BY 1
$$;

-- a task that waits in a normal queue has none; one that a worker has does
SELECT t.start('deadline');
SELECT * FROM pg_temp.deadlines('deadline');
SELECT t.poll('deadline') AS task \gset
SELECT * FROM pg_temp.deadlines('deadline');
SELECT count(*) FROM workflow.workflow_task WHERE task_queue = 'deadline';
SELECT backlog, started FROM workflow.task_queues
WHERE task_queue = 'deadline';

-- that of the next task, which is given out at once, takes its place
SELECT workflow.signal_workflow_execution('deadline', 's');
SELECT workflow.respond_workflow_task_completed(:'task',
    return_new_workflow_task => true) #>> '{workflowTask,taskToken}' AS task \gset
SELECT * FROM pg_temp.deadlines('deadline');

-- nothing of it is left when the answer ends the run
SELECT t.complete(:'task', t.close());
SELECT * FROM pg_temp.deadlines('deadline');

-- a claim that is taken back leaves none
SELECT t.start('deadline rolled back');
BEGIN;
SELECT t.poll('deadline rolled back') IS NOT NULL;
ROLLBACK;
SELECT * FROM pg_temp.deadlines('deadline rolled back');
BEGIN;
SAVEPOINT s;
SELECT t.poll('deadline rolled back') IS NOT NULL;
ROLLBACK TO s;
COMMIT;
SELECT * FROM pg_temp.deadlines('deadline rolled back');

-- one of a subtransaction stays with it
BEGIN;
SAVEPOINT s;
SELECT t.poll('deadline rolled back') AS task \gset
RELEASE s;
COMMIT;
SELECT * FROM pg_temp.deadlines('deadline rolled back');

-- and so does one whose answer is taken back
BEGIN;
SELECT t.complete(:'task', t.close());
ROLLBACK;
SELECT * FROM pg_temp.deadlines('deadline rolled back');
SELECT t.complete(:'task');

-- a claim and its answer in one transaction
SELECT workflow.signal_workflow_execution('deadline rolled back', 's');
BEGIN;
SELECT t.step('deadline rolled back');
COMMIT;
SELECT * FROM pg_temp.deadlines('deadline rolled back');

-- a task in the queue of its worker has the time to be picked up
SELECT t.start('deadline sticky');
SELECT t.has_task('deadline sticky of worker', true);
SELECT workflow.respond_workflow_task_completed(t.poll('deadline sticky'),
    force_create_new_workflow_task => true,
    sticky_queue => 'deadline sticky of worker',
    sticky_schedule_to_start_timeout => '7 s');
SELECT * FROM pg_temp.deadlines('deadline sticky');
-- it has none any more in the normal queue
SELECT workflow.shutdown_worker('deadline sticky of worker');
SELECT * FROM pg_temp.deadlines('deadline sticky');
SELECT sticky FROM workflow.workflow_task WHERE task_queue = 'deadline sticky';

-- and when it was picked up, the time to be answered; of both the earlier one
-- is known until it is over
SELECT t.start('deadline picked up');
SELECT workflow.respond_workflow_task_completed(t.poll('deadline picked up'),
    force_create_new_workflow_task => true,
    sticky_queue => 'deadline sticky of worker',
    sticky_schedule_to_start_timeout => '0.3 s')
FROM t.has_task('deadline sticky of worker', true);
SELECT t.poll('deadline sticky of worker', true) AS task \gset
SELECT t.wait_for($$SELECT after = '10 s' FROM pg_temp.deadlines('deadline picked up')$$);
SELECT t.types('deadline picked up', 6);
SELECT t.complete(:'task');
SELECT * FROM pg_temp.deadlines('deadline picked up');

-- one that fails or times out has none until it is claimed again
SELECT t.start('deadline failed');
SELECT workflow.respond_workflow_task_failed(t.poll('deadline failed'));
SELECT * FROM pg_temp.deadlines('deadline failed');
SELECT started FROM workflow.start_workflow_execution('deadline short', 'type',
    'deadline short', workflow_task_timeout => '0.3 s');
SELECT t.poll('deadline short') IS NOT NULL;
SELECT t.wait_event('deadline short', 'WorkflowTaskTimedOut');
SELECT * FROM pg_temp.deadlines('deadline short');

-- from outside: terminated, reset
SELECT t.start('deadline terminated');
SELECT t.poll('deadline terminated') IS NOT NULL;
SELECT workflow.terminate_workflow_execution('deadline terminated');
SELECT * FROM pg_temp.deadlines('deadline terminated');
SELECT t.start('deadline reset');
SELECT t.step('deadline reset', t.timer('1', '1800s'));
SELECT workflow.signal_workflow_execution('deadline reset', 's');
SELECT t.poll('deadline reset') IS NOT NULL;
SELECT workflow.reset_workflow_execution('deadline reset',
    workflow_task_finish_event_id => 4) IS NOT NULL;
SELECT * FROM pg_temp.deadlines('deadline reset');

-- a poll that can be repeated gives its tasks again, until they have ended
SELECT t.start('deadline asked');
SELECT p ->> 'taskToken' AS task
FROM workflow.poll_workflow_task_queue('deadline asked', request_id => 'deadline') AS p \gset
SELECT p ->> 'taskToken' = :'task' AS same
FROM workflow.poll_workflow_task_queue('deadline asked', request_id => 'deadline') AS p;
SELECT count(*) FROM workflow.poll_workflow_task_queue('deadline other',
    request_id => 'deadline');
SELECT count(*) FROM workflow.poll_workflow_task_queue('deadline asked',
    sticky => true, request_id => 'deadline');
SELECT * FROM pg_temp.deadlines('deadline asked');
SELECT count(*) FROM workflow.poll_request
WHERE request_id = 'deadline';
SELECT workflow.signal_workflow_execution('deadline asked', 's');
SELECT workflow.respond_workflow_task_completed(:'task',
    return_new_workflow_task => true) #>> '{workflowTask,taskToken}' AS task \gset
SELECT count(*) FROM workflow.poll_request
WHERE request_id = 'deadline';
SELECT count(*) FROM workflow.poll_workflow_task_queue('deadline asked',
    request_id => 'deadline');
SELECT t.complete(:'task');

SELECT t.cleanup();
SELECT count(*) FROM workflow.task_deadlines() WHERE namespace_id = 1;

-- what shared memory knows is nobody's business
CREATE ROLE regress_deadlines;
GRANT USAGE ON SCHEMA workflow TO regress_deadlines;
SET ROLE regress_deadlines;
SELECT count(*) FROM workflow.task_deadlines();
RESET ROLE;
REVOKE USAGE ON SCHEMA workflow FROM regress_deadlines;
DROP ROLE regress_deadlines;
