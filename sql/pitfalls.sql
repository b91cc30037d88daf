--
-- The rules that are most often implemented wrongly, by their number in the
-- specification of the service (SS 20)
--
\a
\t on

CREATE FUNCTION pg_temp.child(id text, more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object(
    'commandType', 'StartChildWorkflowExecution', 'attributes',
    jsonb_build_object('workflowId', id, 'workflowType', '{"name": "type"}'
        ::jsonb, 'taskQueue', jsonb_build_object('name', id)) || more))
$$;
CREATE FUNCTION pg_temp.command(type text, attributes jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType', type,
    'attributes', attributes))
$$;
-- an attribute of all events of a type
CREATE FUNCTION pg_temp.attribute(workflow text, kind text, path text)
RETURNS SETOF text
LANGUAGE sql AS $$
SELECT e.attributes #>> path::text[]
FROM workflow.get_workflow_execution_history(workflow) AS e
WHERE e.event_type = kind::workflow.event_type
ORDER BY e.event_id
$$;

-- 1. Buffered events are flushed as a stable partition: closes of activities
-- and children come last, each group in its order of arrival
SELECT t.start('pitfall 1');
SELECT t.step('pitfall 1', t.schedule('1') || t.schedule('2')
    || pg_temp.child('pitfall 1 child'));
SELECT t.wait_event('pitfall 1', 'ChildWorkflowExecutionStarted');
SELECT t.activity('pitfall 1') AS first \gset
SELECT t.activity('pitfall 1') AS second \gset
SELECT t.poll('pitfall 1') AS task \gset
SELECT workflow.respond_activity_task_completed(:'second');
SELECT workflow.signal_workflow_execution('pitfall 1', 's');
SELECT t.step('pitfall 1 child', t.close());
SELECT t.wait_buffered('pitfall 1', 4);
SELECT workflow.respond_activity_task_failed(:'first', '{"message": "m",
    "applicationFailureInfo": {"nonRetryable": true}}');
SELECT workflow.request_cancel_workflow_execution('pitfall 1');
SELECT t.complete(:'task');
SELECT t.types('pitfall 1', 10);
SELECT pg_temp.attribute('pitfall 1', 'ActivityTaskStarted',
    '{scheduledEventId}');
SELECT pg_temp.attribute('pitfall 1', kind, '{startedEventId}')
FROM unnest(ARRAY['ActivityTaskCompleted', 'ActivityTaskFailed',
    'ChildWorkflowExecutionCompleted']) AS kind;

-- 2. ActivityTaskStarted is written with the close: it has the time of the
-- last attempt's start, its number, and the failure of the one before
SELECT t.start('pitfall 2');
SELECT t.step('pitfall 2', t.schedule('1',
    '{"retryPolicy": {"initialInterval": "0.001s"}}'));
SELECT workflow.respond_activity_task_failed(t.activity('pitfall 2'),
    '{"message": "failure 1"}');
SELECT workflow.respond_activity_task_failed(t.activity('pitfall 2'),
    '{"message": "failure 2"}');
SELECT t.activity('pitfall 2') AS activity \gset
SELECT t.types('pitfall 2', 6) IS NULL;
SELECT clock_timestamp() AS later \gset
SELECT workflow.respond_activity_task_completed(:'activity');
SELECT * FROM t.events('pitfall 2', 6);
SELECT s.event_time < :'later' AND c.event_time >= :'later'
FROM workflow.get_workflow_execution_history('pitfall 2') AS s,
    workflow.get_workflow_execution_history('pitfall 2') AS c
WHERE s.event_type = 'ActivityTaskStarted'
    AND c.event_type = 'ActivityTaskCompleted';

-- 3. A failure on a sticky queue does not raise the attempt: two failures
-- are visible before attempts are
SELECT t.start('pitfall 3');
SELECT t.has_task('pitfall 3 sticky', true);
SELECT t.complete(t.poll('pitfall 3'), sticky => 'pitfall 3 sticky');
SELECT workflow.signal_workflow_execution('pitfall 3', 's');
SELECT workflow.respond_workflow_task_failed(t.poll('pitfall 3 sticky', true));
SELECT workflow.respond_workflow_task_failed(t.poll('pitfall 3'));
SELECT workflow.respond_workflow_task_failed(t.poll('pitfall 3'));
SELECT t.types('pitfall 3', 5), t.task('pitfall 3') -> 'attempt';

-- 4. Failures and timeouts of later attempts add nothing; a new event makes
-- the next attempt a first one, with events of its own
SELECT started FROM workflow.start_workflow_execution('pitfall 4', 'type',
    'pitfall 4', workflow_task_timeout => '50 ms');
SELECT workflow.respond_workflow_task_failed(t.poll('pitfall 4'));
SELECT t.task('pitfall 4') -> 'attempt';
SELECT t.task('pitfall 4') -> 'attempt';
SELECT t.types('pitfall 4', 4);
SELECT t.wait_for($$ SELECT count(*) = 1 FROM workflow.workflow_task
    WHERE task_queue = 'pitfall 4' $$);
SELECT workflow.signal_workflow_execution('pitfall 4', 's');
SELECT t.task('pitfall 4') -> 'attempt';
SELECT t.types('pitfall 4', 4);

-- 5. A refused completion leaves nothing but WorkflowTaskFailed, and with a
-- later attempt nothing at all
SELECT t.start('pitfall 5');
SELECT t.step('pitfall 5', t.marker('m') || t.schedule('1') || t.timer('', '1s'));
SELECT t.types('pitfall 5', 4);
SELECT t.poll('pitfall 5') AS task \gset
SELECT t.err(format('SELECT t.complete(%L, %L)', :'task',
    t.marker('m') || t.timer('', '1s')));
SELECT t.types('pitfall 5', 4);
SELECT t.complete(:'task', t.marker('m'));
SELECT t.types('pitfall 5', 5);

-- 6. What was buffered keeps a workflow open, unless it was a timer that the
-- same completion cancels; updates that were only admitted do not
SELECT t.start('pitfall 6');
SELECT t.step('pitfall 6', t.timer('t', '0.01s'));
SELECT workflow.signal_workflow_execution('pitfall 6', 's');
SELECT t.poll('pitfall 6') AS task \gset
SELECT t.wait_buffered('pitfall 6', 1);
SELECT t.complete(:'task', t.close());
SELECT t.types('pitfall 6', 9);
SELECT t.start('pitfall 6 timer');
SELECT t.step('pitfall 6 timer', t.timer('t', '0.01s'));
SELECT workflow.signal_workflow_execution('pitfall 6 timer', 's');
SELECT t.poll('pitfall 6 timer') AS task \gset
SELECT t.wait_buffered('pitfall 6 timer', 1);
SELECT t.complete(:'task', t.cancel_timer('t') || t.close());
SELECT t.types('pitfall 6 timer', 9);
SELECT t.start('pitfall 6 update');
SELECT t.poll('pitfall 6 update') AS task \gset
CALL workflow.update_workflow_execution('pitfall 6 update', 'u', 'n',
    timeout => '0 s');
SELECT t.complete(:'task', t.close());
SELECT t.types('pitfall 6 update', 4);

-- 7. What happens while a workflow task is scheduled comes behind it, and
-- needs no other
SELECT t.start('pitfall 7');
SELECT workflow.signal_workflow_execution('pitfall 7', 's')
FROM generate_series(1, 2);
SELECT workflow.request_cancel_workflow_execution('pitfall 7');
SELECT t.step('pitfall 7');
SELECT t.types('pitfall 7');

-- 8. Only on a sticky queue is there a limit to how long a workflow task
-- waits
SELECT t.start('pitfall 8');
SELECT t.deadline('pitfall 8') IS NULL;
SELECT t.has_task('pitfall 8 sticky', true);
SELECT t.complete(t.poll('pitfall 8'), sticky => 'pitfall 8 sticky',
    force => true);
SELECT t.deadline('pitfall 8') - scheduled_time FROM workflow.workflow_task
WHERE task_queue = 'pitfall 8 sticky';

-- 9. A queued activity is canceled behind all commands, and then there is a
-- workflow task; a running one is not tried again once that was requested
SELECT t.start('pitfall 9');
SELECT t.step('pitfall 9', t.schedule('1'));
SELECT workflow.signal_workflow_execution('pitfall 9', 's');
SELECT t.step('pitfall 9', t.cancel_activity(5) || t.marker('m')
    || t.timer('t', '1800s'));
SELECT t.types('pitfall 9', 8);
SELECT t.step('pitfall 9', t.schedule('2',
    '{"retryPolicy": {"initialInterval": "0.001s"}}'));
SELECT t.activity('pitfall 9') AS activity \gset
SELECT workflow.signal_workflow_execution('pitfall 9', 's');
SELECT t.step('pitfall 9', t.cancel_activity(17));
SELECT workflow.respond_activity_task_failed(:'activity',
    '{"message": "m"}');
SELECT t.types('pitfall 9', 17);
SELECT pg_temp.attribute('pitfall 9', 'ActivityTaskFailed', '{retryState}');

-- 10. A delay that a failure names goes over the longest interval of an
-- activity's policy, but not over that of a workflow's
SELECT t.start('pitfall 10');
SELECT t.step('pitfall 10', t.schedule('1', '{"retryPolicy":
    {"initialInterval": "1s", "maximumInterval": "2s"}}'));
SELECT workflow.respond_activity_task_failed(t.activity('pitfall 10'),
    '{"message": "m", "applicationFailureInfo": {"nextRetryDelay": "500s"}}');
SELECT attempt_scheduled_time - now() > interval '400 s'
FROM workflow.activity WHERE task_queue = 'pitfall 10';
SELECT started FROM workflow.start_workflow_execution('pitfall 10 w', 'type',
    'pitfall 10 w', retry_policy =>
    '{"initialInterval": "5s", "maximumInterval": "20s"}');
SELECT t.step('pitfall 10 w', pg_temp.command('FailWorkflowExecution',
    '{"failure": {"message": "m",
        "applicationFailureInfo": {"nextRetryDelay": "500s"}}}'));
SELECT pg_temp.attribute('pitfall 10 w', 'WorkflowExecutionStarted',
    '{firstWorkflowTaskBackoff}');

-- 11. An attempt that times out when there is no time for another is told as
-- the timeout of the whole activity; one that fails then is told as failed
SELECT t.start('pitfall 11');
SELECT t.step('pitfall 11', t.schedule('1', '{"startToCloseTimeout": "0.02s",
    "scheduleToCloseTimeout": "60s",
    "retryPolicy": {"initialInterval": "61s"}}') || t.schedule('2',
    '{"scheduleToCloseTimeout": "60s", "taskQueue": "pitfall 11 b",
    "retryPolicy": {"initialInterval": "61s"}}'));
SELECT t.activity('pitfall 11') IS NOT NULL;
SELECT workflow.respond_activity_task_failed(t.activity('pitfall 11 b'),
    '{"message": "m"}');
SELECT t.wait_event('pitfall 11', 'ActivityTaskTimedOut');
SELECT event_type, attributes -> 'retryState', attributes -> 'failure'
FROM workflow.get_workflow_execution_history('pitfall 11')
WHERE event_type IN ('ActivityTaskTimedOut', 'ActivityTaskFailed')
ORDER BY 1;

-- 12. A closed workflow can be canceled by another, but not signaled; none
-- can do either to itself
SELECT t.start('pitfall 12 closed');
SELECT workflow.terminate_workflow_execution('pitfall 12 closed');
SELECT t.start('pitfall 12');
SELECT t.step('pitfall 12', pg_temp.command(
        'RequestCancelExternalWorkflowExecution',
        '{"workflowId": "pitfall 12 closed"}')
    || pg_temp.command('SignalExternalWorkflowExecution',
        '{"signalName": "s",
          "execution": {"workflowId": "pitfall 12 closed"}}'));
SELECT t.wait_event('pitfall 12', 'SignalExternalWorkflowExecutionFailed');
SELECT t.wait_event('pitfall 12', 'ExternalWorkflowExecutionCancelRequested');
SELECT t.step('pitfall 12', pg_temp.command(
        'RequestCancelExternalWorkflowExecution',
        '{"workflowId": "pitfall 12"}')
    || pg_temp.command('SignalExternalWorkflowExecution',
        '{"signalName": "s", "execution": {"workflowId": "pitfall 12"}}'));
SELECT t.wait_event('pitfall 12', 'SignalExternalWorkflowExecutionFailed', 2);
SELECT t.wait_event('pitfall 12',
    'RequestCancelExternalWorkflowExecutionFailed');
SELECT event, count(*) FROM t.events('pitfall 12')
WHERE event ~ 'External' AND event !~ 'Initiated'
GROUP BY 1 ORDER BY 1;

-- 13. A child gets its first workflow task once its parent knows that it has
-- started; if that closes before, whatever its policy, there is no child.
-- Continuing as new is a close, too
SELECT t.start('pitfall 13');
SELECT t.step('pitfall 13', pg_temp.child('pitfall 13 child'));
SELECT t.wait_event('pitfall 13', 'ChildWorkflowExecutionStarted');
SELECT t.wait_event('pitfall 13 child', 'WorkflowTaskScheduled');
SELECT c.event_time >= p.event_time
FROM workflow.get_workflow_execution_history('pitfall 13 child') AS c,
    workflow.get_workflow_execution_history('pitfall 13') AS p
WHERE c.event_type = 'WorkflowTaskScheduled'
    AND p.event_type = 'ChildWorkflowExecutionStarted';
SELECT t.start('pitfall 13 ' || policy) FROM
    unnest(ARRAY['ABANDON', 'TERMINATE', 'REQUEST_CANCEL']) AS policy;
SELECT t.step('pitfall 13 ' || policy, pg_temp.child('pitfall 13 never',
    jsonb_build_object('parentClosePolicy', policy)) || t.close())
FROM unnest(ARRAY['ABANDON', 'TERMINATE', 'REQUEST_CANCEL']) AS policy;
SELECT t.wait_for('SELECT count(*) = 0 FROM workflow.outbox');
SELECT count(*) FROM workflow.execution
WHERE workflow_id = 'pitfall 13 never';
SELECT t.step('pitfall 13', pg_temp.command('ContinueAsNewWorkflowExecution'));
SELECT t.wait_event('pitfall 13 child', 'WorkflowExecutionTerminated');
SELECT t.types('pitfall 13 child');

-- 14. The next run of a retry begins with what the start had; a run that
-- continues another as new has only what the command says
SELECT started FROM workflow.start_workflow_execution('pitfall 14', 'type',
    'pitfall 14', '["in"]', memo => '{"m": 1}',
    search_attributes => '{"CustomerId": 1}', header => '{"fields": {"h": 1}}',
    retry_policy => '{"initialInterval": "3600s"}');
SELECT t.step('pitfall 14', pg_temp.command('ModifyWorkflowProperties',
    '{"upsertedMemo": {"fields": {"m": 2}}}')
    || pg_temp.command('UpsertWorkflowSearchAttributes',
    '{"searchAttributes": {"indexedFields": {"CustomerId": 2}}}')
    || pg_temp.command('FailWorkflowExecution',
    '{"failure": {"message": "m"}}'));
SELECT e.event, a.key, a.value FROM t.events('pitfall 14') AS e,
    jsonb_each(e.attributes::jsonb) AS a
WHERE a.key IN ('input', 'memo', 'searchAttributes', 'header', 'attempt')
ORDER BY a.key;
SELECT started FROM workflow.start_workflow_execution('pitfall 14 can',
    'type', 'pitfall 14 can', '["in"]', memo => '{"m": 1}',
    search_attributes => '{"CustomerId": 1}', header => '{"fields": {"h": 1}}',
    retry_policy => '{"initialInterval": "3600s"}');
SELECT t.step('pitfall 14 can',
    pg_temp.command('ContinueAsNewWorkflowExecution'));
SELECT jsonb_object_agg(a.key, true) FROM t.events('pitfall 14 can') AS e,
    jsonb_each(e.attributes::jsonb) AS a
WHERE e.id = 1 AND a.key IN ('input', 'memo', 'searchAttributes', 'header',
    'retryPolicy', 'attempt', 'cronSchedule');

-- 15. A reset keeps the first run id of its events, repeats signals but not
-- requests to cancel, hands open activities out again, and lets timeouts
-- begin anew
SELECT run_id AS base FROM workflow.start_workflow_execution('pitfall 15',
    'type', 'pitfall 15', workflow_execution_timeout => '1 h') \gset
SELECT t.step('pitfall 15', t.schedule('queued') || t.schedule('started',
    '{"taskQueue": "pitfall 15 b"}') || t.timer('t', '1800s'));
SELECT t.activity('pitfall 15 b') AS activity \gset
SELECT workflow.signal_workflow_execution('pitfall 15', 's');
SELECT workflow.request_cancel_workflow_execution('pitfall 15');
SELECT t.step('pitfall 15', t.marker('m'));
SELECT expiration_time AS expires FROM workflow.execution
WHERE workflow_id = 'pitfall 15' AND close_time IS NULL \gset
SELECT workflow.reset_workflow_execution('pitfall 15', 'why',
    (SELECT max(event_id)
     FROM workflow.get_workflow_execution_history('pitfall 15')
     WHERE event_type = 'WorkflowTaskCompleted')) IS NOT NULL;
SELECT t.types('pitfall 15', 8);
SELECT pg_temp.attribute('pitfall 15', 'WorkflowExecutionStarted',
    '{originalExecutionRunId}') = :'base';
SELECT e.run_id::text <> :'base', e.expiration_time > :'expires'
FROM workflow.execution AS e
WHERE e.workflow_id = 'pitfall 15' AND e.close_time IS NULL;
SELECT t.err(format('SELECT workflow.respond_activity_task_completed(%L)',
    :'activity'));
SELECT t.has_activity('pitfall 15'), t.has_activity('pitfall 15 b');
SELECT count(*) FROM workflow.timer JOIN workflow.execution
    USING (namespace_id, run_key)
WHERE workflow_id = 'pitfall 15' AND timer_id = 't';

-- 16. A request that was made before succeeds again, and does nothing
SELECT run_id AS first FROM workflow.start_workflow_execution('pitfall 16',
    'type', 'pitfall 16', request_id => 'start') \gset
SELECT workflow.signal_workflow_execution('pitfall 16', 's',
    request_id => 'signal') FROM generate_series(1, 2);
SELECT workflow.request_cancel_workflow_execution('pitfall 16')
FROM generate_series(1, 2);
SELECT t.step('pitfall 16');
SELECT t.types('pitfall 16');
SELECT workflow.reset_workflow_execution('pitfall 16', 'why', 6,
        request_id => 'reset')
    = workflow.reset_workflow_execution('pitfall 16', 'why', 6,
        request_id => 'reset');
SELECT count(*) FROM workflow.execution WHERE workflow_id = 'pitfall 16';
SELECT workflow.terminate_workflow_execution('pitfall 16');
SELECT workflow.request_cancel_workflow_execution('pitfall 16');
SELECT run_id AS second FROM workflow.start_workflow_execution('pitfall 16',
    'type', 'pitfall 16', request_id => 'again') \gset
SELECT workflow.terminate_workflow_execution('pitfall 16');
SELECT run_id = :'second', started
FROM workflow.start_workflow_execution('pitfall 16', 'type', 'pitfall 16',
    request_id => 'again');
SELECT count(*) FROM workflow.execution WHERE workflow_id = 'pitfall 16';

-- 17. The first run of a cron schedule waits, too, and all for whole seconds;
-- the two day fields are alternatives, but for schedules both must fit
SELECT started FROM workflow.start_workflow_execution('pitfall 17', 'type',
    'pitfall 17', cron_schedule => '0 0 1 1 *');
SELECT t.types('pitfall 17');
SELECT pg_temp.attribute('pitfall 17', 'WorkflowExecutionStarted',
    '{firstWorkflowTaskBackoff}') ~ '^\d+s$',
    pg_temp.attribute('pitfall 17', 'WorkflowExecutionStarted',
    '{initiator}');
SELECT extract(second FROM execution_time) < 1
    AND execution_time >= date_trunc('year', now() AT TIME ZONE 'UTC'
        + interval '1 year') AT TIME ZONE 'UTC'
FROM workflow.execution WHERE workflow_id = 'pitfall 17';
SELECT workflow.cron_next('0 0 13 * fri', '2026-01-03', false)
        AT TIME ZONE 'UTC',
    workflow.cron_next('0 0 13 * fri', '2026-01-03', true)
        AT TIME ZONE 'UTC';

SELECT t.cleanup();
