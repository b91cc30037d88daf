--
-- The sequences of events that every Temporal service produces
--
\a
\t on

-- one activity
SELECT t.start('seq one activity', '["Ada"]');
SELECT t.step('seq one activity',
    t.schedule('1', '{"input": ["Ada", 7]}'));
SELECT t.activity('seq one activity') AS activity \gset
SELECT workflow.respond_activity_task_completed(:'activity', '{"km": 3}',
    'activity worker');
SELECT t.step('seq one activity', t.close('"done"'));
SELECT * FROM t.events('seq one activity');
SELECT t.status('seq one activity');

-- an activity and a timer in one workflow task
SELECT t.start('seq activity and timer');
SELECT t.step('seq activity and timer',
    t.schedule('1') || t.timer('2', '1800s'));
SELECT * FROM t.events('seq activity and timer', 4);

-- a timer fires
SELECT t.start('seq timer');
SELECT t.step('seq timer', t.timer('1', '0.02s'));
SELECT t.step('seq timer', t.close());
SELECT * FROM t.events('seq timer', 5);
SELECT timer.event_time + interval '20 ms' <= fired.event_time
FROM workflow.get_workflow_execution_history('seq timer') AS timer,
    workflow.get_workflow_execution_history('seq timer') AS fired
WHERE timer.event_type = 'TimerStarted' AND fired.event_type = 'TimerFired';

-- a signal before the first poll
SELECT t.start('seq early signal');
SELECT workflow.signal_workflow_execution('seq early signal', 'go', '[1]',
    identity => 'client');
SELECT t.poll('seq early signal') IS NOT NULL;
SELECT * FROM t.events('seq early signal', 2);

-- a signal while the workflow task is started, then an attempt to close
SELECT t.start('seq signal and close');
SELECT t.poll('seq signal and close') AS task \gset
SELECT workflow.signal_workflow_execution('seq signal and close', 'wait',
    identity => 'client');
SELECT t.types('seq signal and close');
SELECT t.complete(:'task', t.marker('lost') || t.close());
SELECT * FROM t.events('seq signal and close', 3);

-- the workflow sees the signal, and closes
SELECT t.step('seq signal and close', t.close());
SELECT t.types('seq signal and close', 6);

-- a signal while the workflow task is started, and no attempt to close
SELECT t.start('seq signal');
SELECT t.poll('seq signal') AS task \gset
SELECT workflow.signal_workflow_execution('seq signal', 'wait',
    identity => 'client');
SELECT t.complete(:'task', t.marker('kept'));
SELECT * FROM t.events('seq signal', 3);

-- an activity completes while a workflow task is started
SELECT t.start('seq activity buffered');
SELECT t.step('seq activity buffered', t.schedule('1'));
SELECT t.activity('seq activity buffered') AS activity \gset
SELECT workflow.signal_workflow_execution('seq activity buffered', 'go',
    identity => 'client');
SELECT t.poll('seq activity buffered') AS task \gset
SELECT workflow.respond_activity_task_completed(:'activity', '1',
    'activity worker');
SELECT t.types('seq activity buffered');
SELECT t.complete(:'task', t.marker('between'));
SELECT * FROM t.events('seq activity buffered', 8);

-- what closes an activity is flushed last, whatever the order of arrival
SELECT t.start('seq flush order');
SELECT t.step('seq flush order', t.schedule('1') || t.schedule('2'));
SELECT t.activity('seq flush order') AS first \gset
SELECT t.activity('seq flush order') AS second \gset
SELECT workflow.signal_workflow_execution('seq flush order', 'start');
SELECT t.poll('seq flush order') AS task \gset
SELECT workflow.respond_activity_task_completed(:'second', '2', 'w2');
SELECT workflow.signal_workflow_execution('seq flush order', 'one', '1',
    identity => 'client');
SELECT workflow.respond_activity_task_failed(:'first',
    '{"message": "no", "applicationFailureInfo": {"nonRetryable": true}}',
    identity => 'w1');
SELECT workflow.request_cancel_workflow_execution('seq flush order', 'stop',
    identity => 'client');
SELECT t.complete(:'task');
SELECT * FROM t.events('seq flush order', 10);

-- an activity completes and then a signal arrives during a workflow task
SELECT t.start('seq activity first');
SELECT t.step('seq activity first', t.schedule('1'));
SELECT t.activity('seq activity first') AS activity \gset
SELECT workflow.signal_workflow_execution('seq activity first', 'go');
SELECT t.poll('seq activity first') AS task \gset
SELECT workflow.respond_activity_task_completed(:'activity', '1');
SELECT workflow.signal_workflow_execution('seq activity first', 'one');
SELECT t.complete(:'task');
SELECT t.types('seq activity first', 8);

-- a workflow task that fails three times, and then works
SELECT t.start('seq task fails');
SELECT workflow.respond_workflow_task_failed(t.poll('seq task fails'),
    'WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR',
    '{"message": "no such step"}', 'worker')
FROM generate_series(1, 3);
SELECT t.types('seq task fails');
SELECT t.task('seq task fails') AS task \gset
SELECT t.mask(:'task'::jsonb - 'history');
SELECT t.complete(:'task'::jsonb->>'taskToken', t.timer('1', '1800s'));
SELECT * FROM t.events('seq task fails', 2);

-- a queued activity is canceled
SELECT t.start('seq cancel queued');
SELECT t.step('seq cancel queued', t.schedule('1'));
SELECT workflow.signal_workflow_execution('seq cancel queued', 'go');
SELECT t.step('seq cancel queued', t.cancel_activity(5) || t.marker('m'));
SELECT * FROM t.events('seq cancel queued', 8);
SELECT t.has_activity('seq cancel queued');

-- terminated while the workflow task is started
SELECT t.start('seq terminate');
SELECT t.poll('seq terminate') AS task \gset
SELECT workflow.signal_workflow_execution('seq terminate', 'late',
    identity => 'client');
SELECT workflow.terminate_workflow_execution('seq terminate', 'enough',
    '{"by": "operator"}', identity => 'client');
SELECT * FROM t.events('seq terminate', 3);
SELECT t.status('seq terminate');
SELECT t.err(format('SELECT t.complete(%L)', :'task'));

-- started with a signal
SELECT started FROM workflow.signal_with_start_workflow_execution(
    'seq start signal', 'type', 'seq start signal', signal_name => 'go',
    identity => 'client');
SELECT t.types('seq start signal');

-- the parent of a child that completes
SELECT t.start('seq parent');
SELECT t.step('seq parent', '[{"commandType": "StartChildWorkflowExecution",
    "attributes": {"workflowId": "seq child", "workflowType": {"name": "c"},
        "taskQueue": {"name": "seq child"}}}]');
SELECT t.wait_event('seq parent', 'ChildWorkflowExecutionStarted');
SELECT t.step('seq parent');
SELECT t.step('seq child', t.close('["result"]'));
SELECT t.wait_event('seq parent', 'ChildWorkflowExecutionCompleted');
SELECT t.types('seq parent', 5);
SELECT t.types('seq child');

-- reset to the first workflow task
SELECT t.start('seq reset');
SELECT t.step('seq reset', t.timer('1', '1800s'));
SELECT workflow.reset_workflow_execution('seq reset', 'why', 4) IS NOT NULL;
SELECT t.types('seq reset');
SELECT attributes::jsonb ->> 'cause' FROM t.events('seq reset')
WHERE event = 'WorkflowTaskFailed';

SELECT t.cleanup();
