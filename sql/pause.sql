--
-- Pausing and unpausing workflows
--
\a
\t on

--
-- a workflow task that no worker has is withdrawn
--
SELECT t.start('pause');
SELECT workflow.pause_workflow_execution('pause', 'wait', request_id => 'p1',
    identity => 'operator');
SELECT * FROM t.events('pause', 3);
SELECT t.status('pause');
SELECT t.mask(workflow.describe_workflow_execution('pause')
    #> '{workflowExtendedInfo,pauseInfo}');
SELECT t.has_task('pause');
-- again: an error, unless it is the same request
SELECT t.err($$ SELECT workflow.pause_workflow_execution('pause') $$);
SELECT t.err($$ SELECT workflow.pause_workflow_execution('pause',
    request_id => 'p2') $$);
SELECT workflow.pause_workflow_execution('pause', 'other',
    request_id => 'p1');
SELECT t.types('pause');
-- what happens is recorded, and leads to no workflow task
SELECT workflow.signal_workflow_execution('pause', 'sig', '[1]',
    request_id => 's1');
SELECT workflow.request_cancel_workflow_execution('pause', 'why');
SELECT t.types('pause', 5);
SELECT t.has_task('pause');
SELECT workflow.unpause_workflow_execution('pause', 'go on',
    request_id => 'u1', identity => 'operator');
SELECT * FROM t.events('pause', 7);
SELECT t.status('pause');
SELECT workflow.describe_workflow_execution('pause')
    #> '{workflowExtendedInfo,pauseInfo}';
SELECT t.err($$ SELECT workflow.unpause_workflow_execution('pause') $$);
SELECT t.step('pause', t.close());
SELECT t.types('pause', 9);
-- closed, unknown and missing
SELECT t.err($$ SELECT workflow.pause_workflow_execution('pause') $$);
SELECT t.err($$ SELECT workflow.unpause_workflow_execution('pause') $$);
SELECT t.err($$ SELECT workflow.pause_workflow_execution('nobody') $$);
SELECT t.err($$ SELECT workflow.unpause_workflow_execution('nobody') $$);
SELECT t.err($$ SELECT workflow.pause_workflow_execution(NULL) $$);
SELECT t.err($$ SELECT workflow.pause_workflow_execution('pause',
    run_id => '00000000-0000-4000-8000-000000000000') $$);

--
-- a started workflow task may complete; nothing follows it
--
SELECT t.start('pause started');
SELECT t.poll('pause started') AS task \gset
SELECT workflow.pause_workflow_execution('pause started', 'hold');
SELECT t.types('pause started');
SELECT t.status('pause started');
SELECT workflow.signal_workflow_execution('pause started', 'sig');
SELECT t.err(format($$ SELECT t.complete(%L, force => true) $$, :'task'));
SELECT t.complete(:'task', t.schedule('a') || t.timer('t', '0.01s'),
    inline => true, force => true);
-- timers fire, activities are not handed out
SELECT t.wait_event('pause started', 'TimerFired');
SELECT t.types('pause started', 4);
SELECT t.has_activity('pause started'), t.has_task('pause started');
SELECT activity_id, state FROM workflow.pending_activities
WHERE workflow_id = 'pause started';
SELECT workflow.unpause_workflow_execution('pause started');
SELECT t.types('pause started', 9);
SELECT t.has_activity('pause started'), t.has_task('pause started');
SELECT workflow.terminate_workflow_execution('pause started');

--
-- a close attempt was that of the task that the pause has withdrawn: what
-- arrives while the next one is with a worker is taken
--
SELECT t.start('pause closing');
SELECT t.poll('pause closing') AS task \gset
SELECT workflow.signal_workflow_execution('pause closing', 'one');
SELECT t.complete(:'task', t.close());
SELECT workflow.pause_workflow_execution('pause closing');
SELECT workflow.unpause_workflow_execution('pause closing');
SELECT t.poll('pause closing') AS task \gset
SELECT workflow.signal_workflow_execution('pause closing', 'two');
CALL workflow.update_workflow_execution('pause closing', 'u', 'name',
    timeout => '0 s');
SELECT t.complete(:'task');
SELECT t.types('pause closing', 4);
SELECT workflow.terminate_workflow_execution('pause closing');

--
-- activities: a running attempt goes on, its retry waits
--
SELECT t.start('pause activity');
SELECT t.step('pause activity', t.schedule('a', '{"retryPolicy":
    {"initialInterval": "0.001s"}}'));
SELECT t.activity('pause activity') AS activity \gset
SELECT workflow.pause_workflow_execution('pause activity');
SELECT workflow.respond_activity_task_failed(:'activity',
    '{"message": "m", "applicationFailureInfo": {}}');
SELECT t.has_activity('pause activity');
SELECT a.state, a.attempt FROM workflow.activity AS a
    JOIN workflow.execution USING (namespace_id, run_key)
WHERE workflow_id = 'pause activity';
SELECT workflow.unpause_workflow_execution('pause activity');
SELECT t.activity_task('pause activity')->>'attempt';
SELECT workflow.terminate_workflow_execution('pause activity');

-- a result that comes while the workflow is paused waits for the unpausing
SELECT t.start('pause result');
SELECT t.step('pause result', t.schedule('a'));
SELECT t.activity('pause result') AS activity \gset
SELECT workflow.pause_workflow_execution('pause result');
SELECT workflow.respond_activity_task_completed(:'activity', '["done"]');
SELECT t.types('pause result', 5), t.has_task('pause result');
SELECT workflow.unpause_workflow_execution('pause result');
SELECT t.types('pause result', 9), t.has_task('pause result');
SELECT workflow.terminate_workflow_execution('pause result');

--
-- a failed workflow task is not scheduled again before the unpausing
--
SELECT t.start('pause failed');
SELECT t.poll('pause failed') AS task \gset
SELECT workflow.pause_workflow_execution('pause failed');
SELECT workflow.respond_workflow_task_failed(:'task');
SELECT t.types('pause failed', 4), t.has_task('pause failed');
SELECT workflow.unpause_workflow_execution('pause failed');
SELECT t.types('pause failed', 6), t.has_task('pause failed');
SELECT workflow.terminate_workflow_execution('pause failed');

-- a close that was on its way meets the pause, and is repeated after it
SELECT t.start('pause close');
SELECT t.poll('pause close') AS task \gset
SELECT workflow.pause_workflow_execution('pause close');
SELECT t.complete(:'task', t.close());
SELECT t.types('pause close', 4), t.status('pause close');
SELECT workflow.unpause_workflow_execution('pause close');
SELECT t.step('pause close', t.close());
SELECT t.types('pause close', 6), t.status('pause close');

--
-- the delay of the first workflow task goes on while it is paused
--
SELECT 1 FROM workflow.start_workflow_execution('pause delay', 'type',
    'pause delay', workflow_start_delay => '0.01 s');
SELECT workflow.pause_workflow_execution('pause delay');
SELECT t.wait_for($$ SELECT count(*) = 0 FROM workflow.timer
    JOIN workflow.execution USING (namespace_id, run_key)
    WHERE workflow_id = 'pause delay' $$);
SELECT t.types('pause delay');
SELECT workflow.unpause_workflow_execution('pause delay');
SELECT t.types('pause delay');
SELECT workflow.terminate_workflow_execution('pause delay');
-- and is not cut short by the unpausing
SELECT 1 FROM workflow.start_workflow_execution('pause delay', 'type',
    'pause delay', workflow_start_delay => '1 h');
SELECT workflow.pause_workflow_execution('pause delay');
SELECT workflow.unpause_workflow_execution('pause delay');
SELECT t.types('pause delay');

-- a paused workflow can be ended, and times out
SELECT workflow.pause_workflow_execution('pause delay');
SELECT workflow.terminate_workflow_execution('pause delay');
SELECT t.types('pause delay', 4), t.status('pause delay');
SELECT 1 FROM workflow.start_workflow_execution('pause timeout', 'type',
    'pause timeout', workflow_run_timeout => '0.01 s');
SELECT workflow.pause_workflow_execution('pause timeout');
SELECT t.wait_event('pause timeout', 'WorkflowExecutionTimedOut');
SELECT t.status('pause timeout');
-- the request id may come again after the unpausing
SELECT t.start('pause again');
SELECT workflow.pause_workflow_execution('pause again', request_id => 'p');
SELECT workflow.unpause_workflow_execution('pause again');
SELECT workflow.pause_workflow_execution('pause again', request_id => 'p');
SELECT t.types('pause again', 5), t.status('pause again');
SELECT workflow.terminate_workflow_execution('pause again');
-- nothing of what is pending in an open run is left behind
SELECT count(*) FROM workflow.run_request JOIN workflow.execution
    USING (namespace_id, run_key)
WHERE workflow_id LIKE 'pause%' AND close_time IS NOT NULL;
