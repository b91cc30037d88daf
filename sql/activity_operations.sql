--
-- What operators do to pending activities
--
\a
\t on

CREATE FUNCTION pg_temp.activities(workflow text, OUT id text,
    OUT state text, OUT attempt int, OUT queue text, OUT details jsonb)
RETURNS SETOF record
LANGUAGE sql AS $$
SELECT activity_id, state, attempt, task_queue, heartbeat_details
FROM workflow.pending_activities WHERE workflow_id = workflow
ORDER BY activity_id
$$;
CREATE FUNCTION pg_temp.due(workflow text) RETURNS text
LANGUAGE sql AS $$
SELECT string_agg(format('%s %s', a.activity_id,
    coalesce((a.due_at - a.scheduled_time)::text, 'never')), ', '
    ORDER BY a.activity_id)
FROM workflow.activity AS a JOIN workflow.execution AS e
    USING (namespace_id, run_key)
WHERE e.workflow_id = workflow
$$;
CREATE FUNCTION pg_temp.fail(task text) RETURNS void
LANGUAGE sql AS $$
SELECT workflow.respond_activity_task_failed(task,
    '{"message": "m", "applicationFailureInfo": {}}')
$$;

--
-- Pause: not handed out, and no timeout
--
SELECT t.start('ops');
SELECT t.step('ops', t.schedule('a', '{"scheduleToCloseTimeout": "3600s",
    "scheduleToStartTimeout": "0.02s"}')
    || t.schedule('b', '{"activityType": {"name": "other"},
    "scheduleToCloseTimeout": "0.02s"}') || t.schedule('c'));
SELECT workflow.pause_activity('ops', match_all => true);
SELECT * FROM pg_temp.activities('ops');
SELECT pg_temp.due('ops');
SELECT t.has_activity('ops');
SELECT jsonb_path_query_array(workflow.describe_workflow_execution('ops'),
    '$.pendingActivities[*].state');
SELECT pg_sleep(0.05);
SELECT t.types('ops', 5);
-- again without effect
SELECT workflow.pause_activity('ops', 'c');
SELECT (pg_temp.activities('ops')).state;
-- unpause by id; the others stay
SELECT workflow.unpause_activity('ops', 'c');
SELECT (pg_temp.activities('ops')).*;
SELECT t.activity_task('ops') ->> 'activityId';
-- a worker that has it is told
SELECT workflow.pause_activity('ops', 'c');
SELECT jsonb_path_query_array(workflow.describe_workflow_execution('ops'),
    '$.pendingActivities[*] ? (@.activityId == "c").keyvalue()
     ? (@.key == "state" || @.key == "paused").value');
SELECT workflow.unpause_activity('ops', 'c');
-- an activity that is not paused is left alone
SELECT workflow.unpause_activity('ops', 'c');
SELECT (pg_temp.activities('ops')).state;
-- by type; what has timed out meanwhile does so now
SELECT workflow.unpause_activity('ops', activity_type => 'other');
SELECT t.wait_event('ops', 'ActivityTaskTimedOut');
SELECT e.attributes #> '{failure,timeoutFailureInfo}'
FROM workflow.get_workflow_execution_history('ops') AS e
WHERE event_type = 'ActivityTaskTimedOut';
SELECT (pg_temp.activities('ops')).*;
-- a jitter delays the hand-out at most by itself
SELECT workflow.unpause_activity('ops', 'a', jitter => '0.01 s');
SELECT t.activity_task('ops') ->> 'activityId';
-- no events but that of the timeout
SELECT t.types('ops', 5);
SELECT workflow.terminate_workflow_execution('ops');

--
-- Pause of a running attempt: it goes on, learns it, and its retry waits
--
SELECT t.start('ops run');
SELECT t.step('ops run', t.schedule('a', '{"retryPolicy":
    {"initialInterval": "0.001s"}, "heartbeatTimeout": "3600s"}'));
SELECT t.activity('ops run') AS task \gset
SELECT workflow.pause_activity('ops run', 'a');
SELECT state FROM pg_temp.activities('ops run');
SELECT * FROM workflow.record_activity_task_heartbeat(:'task', '[1]');
SELECT pg_temp.fail(:'task');
SELECT * FROM pg_temp.activities('ops run');
SELECT t.has_activity('ops run');
SELECT workflow.unpause_activity('ops run', 'a');
SELECT t.activity_task('ops run') AS task \gset
SELECT :'task'::jsonb ->> 'attempt', :'task'::jsonb -> 'heartbeatDetails';
-- the running attempt may complete while it is paused
SELECT workflow.pause_activity('ops run', 'a');
SELECT workflow.respond_activity_task_completed(
    :'task'::jsonb ->> 'taskToken', '["ok"]');
SELECT t.types('ops run', 6);
SELECT t.step('ops run', t.close());
-- unpaused with its attempts and details forgotten
SELECT t.start('ops forget');
SELECT t.step('ops forget', t.schedule('a', '{"retryPolicy":
    {"initialInterval": "0.001s"}, "heartbeatTimeout": "3600s"}'));
SELECT t.activity('ops forget') AS task \gset
SELECT 1 FROM workflow.record_activity_task_heartbeat(:'task', '[1]');
SELECT pg_temp.fail(:'task');
SELECT t.activity('ops forget') AS task \gset
SELECT workflow.pause_activity('ops forget', activity_type => 'act');
SELECT pg_temp.fail(:'task');
SELECT * FROM pg_temp.activities('ops forget');
SELECT workflow.unpause_activity('ops forget', 'a', reset_attempts => true,
    reset_heartbeat => true);
SELECT * FROM pg_temp.activities('ops forget');
-- the same, of an attempt that is running: after its failure
SELECT t.activity('ops forget') AS task \gset
SELECT 1 FROM workflow.record_activity_task_heartbeat(:'task', '[2]');
SELECT pg_temp.fail(:'task');
SELECT t.activity('ops forget') AS task \gset
SELECT workflow.pause_activity('ops forget', 'a');
SELECT workflow.unpause_activity('ops forget', 'a', reset_attempts => true,
    reset_heartbeat => true);
SELECT * FROM pg_temp.activities('ops forget');
SELECT pg_temp.fail(:'task');
SELECT attempt, details FROM pg_temp.activities('ops forget');
SELECT workflow.terminate_workflow_execution('ops forget');

--
-- Reset
--
SELECT t.start('ops reset');
SELECT t.step('ops reset', t.schedule('a', '{"retryPolicy":
    {"initialInterval": "3600s"}, "heartbeatTimeout": "3600s"}'));
SELECT t.activity('ops reset') AS task \gset
SELECT 1 FROM workflow.record_activity_task_heartbeat(:'task', '[1]');
SELECT pg_temp.fail(:'task');
SELECT * FROM pg_temp.activities('ops reset');
-- not started: at once, with attempt 1
SELECT workflow.reset_activity('ops reset', 'a');
SELECT * FROM pg_temp.activities('ops reset');
SELECT t.activity('ops reset') AS task \gset
-- started: it is told, and its failure leads to attempt 1 without delay
SELECT workflow.reset_activity('ops reset', 'a', reset_heartbeat => true);
SELECT * FROM workflow.record_activity_task_heartbeat(:'task', '[2]');
SELECT pg_temp.fail(:'task');
SELECT * FROM pg_temp.activities('ops reset');
-- it stays paused if that is wanted
SELECT workflow.pause_activity('ops reset', 'a');
SELECT workflow.reset_activity('ops reset', 'a', keep_paused => true);
SELECT state FROM pg_temp.activities('ops reset');
SELECT workflow.reset_activity('ops reset', match_all => true);
SELECT state FROM pg_temp.activities('ops reset');

--
-- Options
--
SELECT workflow.update_activity_options('ops reset', 'a',
    task_queue => 'ops other', schedule_to_close_timeout => '2 h',
    start_to_close_timeout => '3 min', heartbeat_timeout => '0',
    retry_policy => '{"initialInterval": "2s", "maximumAttempts": 3}');
SELECT task_queue, schedule_to_close_timeout, schedule_to_start_timeout,
    start_to_close_timeout, heartbeat_timeout, maximum_attempts
FROM workflow.pending_activities WHERE workflow_id = 'ops reset';
SELECT pg_temp.due('ops reset');
SELECT t.has_activity('ops reset');
SELECT t.activity_task('ops other') AS task \gset
SELECT jsonb_pretty(:'task'::jsonb -> 'retryPolicy'),
    :'task'::jsonb ->> 'startToCloseTimeout';
-- the original options come back with a reset
SELECT workflow.reset_activity('ops reset', 'a',
    restore_original_options => true);
SELECT task_queue, schedule_to_close_timeout, start_to_close_timeout,
    heartbeat_timeout, maximum_attempts
FROM workflow.pending_activities WHERE workflow_id = 'ops reset';
SELECT workflow.terminate_workflow_execution('ops reset');
-- an attempt that waits for its time waits as the new policy says, unless
-- its failure has said how long
SELECT t.start('ops wait');
SELECT t.step('ops wait', t.schedule('a',
    '{"retryPolicy": {"initialInterval": "3600s"}}')
    || t.schedule('b', '{"retryPolicy": {"initialInterval": "3600s"}}'));
SELECT pg_temp.fail(t.activity('ops wait'));
SELECT workflow.respond_activity_task_failed(t.activity('ops wait'),
    '{"message": "m", "applicationFailureInfo": {"nextRetryDelay": "7200s"}}');
SELECT workflow.update_activity_options('ops wait', match_all => true,
    retry_policy => '{"initialInterval": "60s"}');
SELECT activity_id, attempt,
    date_trunc('minute', attempt_scheduled_time - scheduled_time) AS delay
FROM workflow.pending_activities WHERE workflow_id = 'ops wait'
ORDER BY activity_id;
SELECT workflow.update_activity_options('ops wait', match_all => true,
    retry_policy => '{"initialInterval": "0.01s"}');
SELECT t.activity_task('ops wait')->>'activityId';
SELECT workflow.terminate_workflow_execution('ops wait');
-- a shorter timeout of a running attempt counts at once
SELECT t.start('ops timeout');
SELECT t.step('ops timeout', t.schedule('a'));
SELECT t.activity('ops timeout') IS NOT NULL;
SELECT workflow.update_activity_options('ops timeout', 'a',
    start_to_close_timeout => '0.001 s',
    retry_policy => '{"maximumAttempts": 1}');
SELECT t.wait_event('ops timeout', 'ActivityTaskTimedOut');
SELECT e.attributes - 'failure'
FROM workflow.get_workflow_execution_history('ops timeout') AS e
WHERE event_type = 'ActivityTaskTimedOut';
SELECT workflow.terminate_workflow_execution('ops timeout');
-- and so does one of all attempts, while the next one waits for its time
SELECT t.start('ops late');
SELECT t.step('ops late', t.schedule('a',
    '{"retryPolicy": {"initialInterval": "3600s"}}'));
SELECT pg_temp.fail(t.activity('ops late'));
SELECT workflow.update_activity_options('ops late', 'a',
    schedule_to_close_timeout => '0.001 s');
SELECT t.wait_event('ops late', 'ActivityTaskTimedOut');
SELECT e.attributes #>> '{failure,message}',
    e.attributes #>> '{failure,cause,message}', e.attributes->'retryState'
FROM workflow.get_workflow_execution_history('ops late') AS e
WHERE event_type = 'ActivityTaskTimedOut';
SELECT workflow.terminate_workflow_execution('ops late');

--
-- What is refused
--
SELECT t.start('ops none');
SELECT t.step('ops none', t.schedule('a'));
SELECT t.err(format('SELECT workflow.%s', call))
FROM (VALUES
    ('pause_activity($$nobody$$, $$a$$)'),
    ('pause_activity(NULL, $$a$$)'),
    ('pause_activity($$ops none$$)'),
    ('pause_activity($$ops none$$, $$a$$, $$act$$)'),
    ('pause_activity($$ops none$$, $$a$$, match_all => true)'),
    ('pause_activity($$ops none$$, $$b$$)'),
    ('unpause_activity($$ops none$$, activity_type => $$b$$)'),
    ('unpause_activity($$ops none$$, $$a$$, jitter => $$-1 s$$)'),
    ('reset_activity($$ops none$$, $$b$$)'),
    ('reset_activity($$ops reset$$, $$a$$)'),
    ('update_activity_options($$ops none$$, $$b$$)'),
    ('update_activity_options($$ops none$$, $$a$$, task_queue => $$$$)'),
    ('update_activity_options($$ops none$$, $$a$$,
        start_to_close_timeout => $$0$$)'),
    ('update_activity_options($$ops none$$, $$a$$,
        retry_policy => $${"initialInterval": "-1s"}$$)'),
    ('pause_activity($$ops none$$, $$a$$, namespace => $$nowhere$$)'))
    AS v (call);
SELECT * FROM pg_temp.activities('ops none');
SELECT workflow.terminate_workflow_execution('ops none');

--
-- An activity that was paused itself stays so when its workflow goes on
--
SELECT t.start('ops both');
SELECT t.step('ops both', t.schedule('a') || t.schedule('b'));
SELECT workflow.pause_activity('ops both', 'a');
SELECT workflow.pause_workflow_execution('ops both');
SELECT workflow.unpause_workflow_execution('ops both');
SELECT (pg_temp.activities('ops both')).*;
SELECT workflow.pause_workflow_execution('ops both');
SELECT workflow.unpause_activity('ops both', 'a');
SELECT (pg_temp.activities('ops both')).*;
SELECT workflow.unpause_workflow_execution('ops both');
SELECT (pg_temp.activities('ops both')).*;
-- one that is paused can be canceled
SELECT workflow.pause_activity('ops both', 'a');
SELECT t.step('ops both', t.cancel_activity(5));
SELECT t.types('ops both', 13);
SELECT workflow.terminate_workflow_execution('ops both');
