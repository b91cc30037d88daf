--
-- What schedules do: overlap policies, results handed on, pause on failure,
-- limits, catch-up, backfill
--
\a
\t on
SET timezone = 'UTC';

-- A schedule without times; it acts when it is triggered.
CREATE FUNCTION pg_temp.make(id text, policies jsonb DEFAULT '{}',
    more jsonb DEFAULT '{}', start jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE sql AS $$
SELECT workflow.create_schedule(id, jsonb_build_object(
    'action', jsonb_build_object('startWorkflow', jsonb_build_object(
        'workflowId', id, 'workflowType', 'type', 'taskQueue', id) || start),
    'policies', policies) || more)
$$;

-- Triggers an action with the time of a second.
CREATE FUNCTION pg_temp.trigger(id text, second int, overlap text DEFAULT NULL)
RETURNS void
LANGUAGE sql AS $$
SELECT workflow.patch_schedule(id, jsonb_build_object('triggerImmediately',
    jsonb_strip_nulls(jsonb_build_object('scheduledTime',
        '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => second),
        'overlapPolicy', overlap))))
$$;

CREATE FUNCTION pg_temp.info(id text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT workflow.describe_schedule(id)->'info'
$$;

-- Waits until a member of the info of a schedule has a value.
CREATE FUNCTION pg_temp.wait(id text, member text, value text) RETURNS text
LANGUAGE sql AS $$
SELECT t.wait_for(format(
    'SELECT coalesce(pg_temp.info(%L)->>%L, ''0'') = %L', id, member, value))
$$;

-- Waits until the scheduler has done all it has to for a schedule.
CREATE FUNCTION pg_temp.settle(id text) RETURNS text
LANGUAGE sql AS $$
SELECT t.wait_for(format('SELECT due_at IS NULL OR due_at > now()
    FROM workflow.schedule WHERE namespace_id = 1 AND schedule_id = %L', id))
$$;

-- The recent actions: time and status.
CREATE FUNCTION pg_temp.recent(id text) RETURNS text
LANGUAGE sql AS $$
SELECT string_agg(concat_ws(' ',
    right(a #>> '{startWorkflowResult,workflowId}', 3),
    substr(a->>'startWorkflowStatus', 27)), ', ' ORDER BY n)
FROM jsonb_array_elements(pg_temp.info(id)->'recentActions')
    WITH ORDINALITY AS x (a, n)
$$;

CREATE FUNCTION pg_temp.wait_recent(id text, recent text) RETURNS text
LANGUAGE sql AS $$
SELECT t.wait_for(format('SELECT pg_temp.recent(%L) IS NOT DISTINCT FROM %L',
    id, recent)) || ': ' || pg_temp.recent(id)
$$;

CREATE FUNCTION pg_temp.fail(message text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object(
    'commandType', 'FailWorkflowExecution', 'attributes',
    jsonb_build_object('failure', jsonb_build_object('message', message))))
$$;

-- a trigger, and what it starts
SELECT pg_temp.make('act', '{}', '{}', '{"input": ["in"],
    "workflowExecutionTimeout": "3600s", "workflowRunTimeout": "600s",
    "workflowTaskTimeout": "5s", "retryPolicy": {"maximumAttempts": 1},
    "memo": {"m": 1}, "searchAttributes": {"CustomKeywordField": "k"},
    "header": {"h": 1}, "priority": {"priorityKey": 1},
    "userMetadata": {"summary": "s"}}');
SELECT pg_temp.trigger('act', 1);
SELECT pg_temp.wait_recent('act', '01Z RUNNING');
SELECT t.mask(pg_temp.info('act'));
SELECT t.mask(attributes), user_metadata
FROM workflow.get_workflow_execution_history('act-2026-01-01T00:00:01Z')
WHERE event_id = 1;
SELECT t.step('act', t.close('["out"]'));
SELECT pg_temp.wait_recent('act', '01Z COMPLETED');
SELECT pg_temp.info('act') ? 'runningWorkflows';

-- the result goes to the next run, a failure as well, and the result stays
SELECT pg_temp.trigger('act', 2);
SELECT t.mask(t.task('act')) ~ '"lastCompletionResult": \["out"\]' AS result;
SELECT workflow.terminate_workflow_execution('act-2026-01-01T00:00:02Z');
SELECT pg_temp.wait_recent('act', '01Z COMPLETED, 02Z TERMINATED');
SELECT pg_temp.trigger('act', 3);
SELECT t.step('act', pg_temp.fail('broken'));
SELECT pg_temp.wait_recent('act',
    '01Z COMPLETED, 02Z TERMINATED, 03Z FAILED');
SELECT pg_temp.trigger('act', 4);
SELECT t.task('act') #> '{history,events,0,attributes}' AS started \gset
SELECT :'started'::jsonb->'lastCompletionResult',
    :'started'::jsonb #> '{continuedFailure,message}';
-- not with ALLOW_ALL
SELECT pg_temp.trigger('act', 5, 'ALLOW_ALL');
SELECT t.task('act') #> '{history,events,0,attributes}' AS started \gset
SELECT :'started'::jsonb ? 'lastCompletionResult',
    :'started'::jsonb ? 'continuedFailure';
SELECT count(*) FROM jsonb_array_elements(
    pg_temp.info('act')->'runningWorkflows');

-- once per request id
SELECT workflow.patch_schedule('act', '{"triggerImmediately":
    {"overlapPolicy": "ALLOW_ALL"}}', 'again')
FROM generate_series(1, 2);
SELECT pg_temp.wait('act', 'actionCount', '6');

-- a workflow id that is taken: nothing is started
SELECT (workflow.start_workflow_execution('act-2026-01-01T00:00:07Z', 'type',
    'act')).started;
SELECT pg_temp.trigger('act', 7, 'ALLOW_ALL');
SELECT pg_temp.wait('act', 'bufferSize', '0');
SELECT pg_temp.info('act')->'actionCount';

-- SKIP: nothing while one runs, and its whole chain counts
SELECT pg_temp.make('skip');
SELECT pg_temp.trigger('skip', 1);
SELECT pg_temp.wait_recent('skip', '01Z RUNNING');
SELECT pg_temp.trigger('skip', 2);
SELECT pg_temp.wait('skip', 'overlapSkipped', '1');
SELECT t.step('skip', '[{"commandType": "ContinueAsNewWorkflowExecution",
    "attributes": {"workflowType": {"name": "type"},
    "taskQueue": {"name": "skip"}}}]');
SELECT pg_temp.trigger('skip', 3);
SELECT pg_temp.wait('skip', 'overlapSkipped', '2');
SELECT pg_temp.recent('skip');
SELECT t.step('skip', t.close());
SELECT pg_temp.wait_recent('skip', '01Z COMPLETED');
SELECT pg_temp.trigger('skip', 4);
SELECT pg_temp.wait_recent('skip', '01Z COMPLETED, 04Z RUNNING');

-- so does what a reset makes of it
SELECT t.step('skip', t.marker('here'));
SELECT workflow.reset_workflow_execution('skip-2026-01-01T00:00:04Z', 'again',
    reset_type => 'FIRST_WORKFLOW_TASK') IS NOT NULL;
SELECT pg_temp.trigger('skip', 5);
SELECT pg_temp.wait('skip', 'overlapSkipped', '3');
SELECT t.step('skip', t.close());
SELECT pg_temp.wait_recent('skip', '01Z COMPLETED, 04Z COMPLETED');
SELECT pg_temp.trigger('skip', 6);
SELECT pg_temp.wait_recent('skip',
    '01Z COMPLETED, 04Z COMPLETED, 06Z RUNNING');

-- BUFFER_ONE: the first waits
SELECT pg_temp.make('one', '{"overlapPolicy": "BUFFER_ONE"}');
SELECT pg_temp.trigger('one', n) FROM generate_series(1, 4) AS n;
SELECT pg_temp.wait('one', 'overlapSkipped', '2');
SELECT pg_temp.info('one')->'bufferSize', pg_temp.recent('one');
SELECT t.step('one', t.close());
SELECT pg_temp.wait_recent('one', '01Z COMPLETED, 02Z RUNNING');
SELECT pg_temp.info('one')->'bufferSize';

-- BUFFER_ALL: all wait
SELECT pg_temp.make('all', '{"overlapPolicy": "BUFFER_ALL"}');
SELECT pg_temp.trigger('all', n) FROM generate_series(1, 3) AS n;
SELECT pg_temp.wait('all', 'bufferSize', '2');
SELECT t.step('all', t.close());
SELECT t.step('all', t.close());
SELECT t.step('all', t.close());
SELECT pg_temp.wait_recent('all',
    '01Z COMPLETED, 02Z COMPLETED, 03Z COMPLETED');
SELECT pg_temp.info('all') ? 'bufferSize', pg_temp.info('all')->'actionCount';

-- CANCEL_OTHER: starts when what runs has ended
SELECT pg_temp.make('cancel', '{"overlapPolicy": "CANCEL_OTHER"}');
SELECT pg_temp.trigger('cancel', 1);
SELECT pg_temp.wait_recent('cancel', '01Z RUNNING');
SELECT pg_temp.trigger('cancel', 2);
SELECT t.wait_event('cancel-2026-01-01T00:00:01Z',
    'WorkflowExecutionCancelRequested');
SELECT attributes FROM workflow.get_workflow_execution_history(
    'cancel-2026-01-01T00:00:01Z')
WHERE event_type = 'WorkflowExecutionCancelRequested';
SELECT pg_temp.info('cancel')->'bufferSize', pg_temp.recent('cancel');
SELECT t.step('cancel', '[{"commandType": "CancelWorkflowExecution"}]');
SELECT pg_temp.wait_recent('cancel', '01Z CANCELED, 02Z RUNNING');

-- TERMINATE_OTHER
SELECT pg_temp.make('terminate', '{"overlapPolicy": "TERMINATE_OTHER"}');
SELECT pg_temp.trigger('terminate', 1);
SELECT pg_temp.wait_recent('terminate', '01Z RUNNING');
SELECT pg_temp.trigger('terminate', 2);
SELECT pg_temp.wait_recent('terminate', '01Z TERMINATED, 02Z RUNNING');
SELECT attributes FROM workflow.get_workflow_execution_history(
    'terminate-2026-01-01T00:00:01Z')
WHERE event_type = 'WorkflowExecutionTerminated';

-- ALLOW_ALL
SELECT pg_temp.make('allow', '{"overlapPolicy": "ALLOW_ALL"}');
SELECT pg_temp.trigger('allow', n) FROM generate_series(1, 3) AS n;
SELECT pg_temp.wait_recent('allow', '01Z RUNNING, 02Z RUNNING, 03Z RUNNING');
SELECT t.step('allow', t.close());
SELECT pg_temp.wait_recent('allow',
    '01Z COMPLETED, 02Z RUNNING, 03Z RUNNING');

-- one request may have a policy of its own
SELECT pg_temp.trigger('allow', 4, 'SKIP');
SELECT pg_temp.trigger('allow', 5, 'BUFFER_ONE');
SELECT pg_temp.wait('allow', 'bufferSize', '1');
SELECT pg_temp.recent('allow');

-- pause on failure: of a run, of the last try of a retried one, by a timeout
SELECT pg_temp.make('failing', '{"pauseOnFailure": true}', '{}',
    '{"retryPolicy": {"initialInterval": "0.01s", "maximumAttempts": 2}}');
SELECT pg_temp.trigger('failing', 1);
SELECT t.step('failing', pg_temp.fail('first'));
SELECT pg_temp.trigger('failing', 2);
SELECT pg_temp.wait('failing', 'overlapSkipped', '1');
SELECT workflow.describe_schedule('failing') #> '{schedule,state}';
SELECT t.step('failing', pg_temp.fail('second'));
SELECT pg_temp.wait_recent('failing', '01Z FAILED');
SELECT workflow.describe_schedule('failing') #> '{schedule,state}',
    workflow.describe_schedule('failing')->'conflictToken';
-- a trigger acts while it is paused
SELECT pg_temp.trigger('failing', 3);
SELECT pg_temp.wait_recent('failing', '01Z FAILED, 03Z RUNNING');

SELECT pg_temp.make('slow', '{"pauseOnFailure": true}', '{}',
    '{"workflowRunTimeout": "0.05s"}');
SELECT pg_temp.trigger('slow', 1);
SELECT pg_temp.wait_recent('slow', '01Z TIMED_OUT');
SELECT workflow.describe_schedule('slow') #> '{schedule,state}';

SELECT pg_temp.make('no pause', '{"pauseOnFailure": true}');
SELECT pg_temp.trigger('no pause', 1);
SELECT pg_temp.wait_recent('no pause', '01Z RUNNING');
SELECT workflow.terminate_workflow_execution(
    'no pause-2026-01-01T00:00:01Z');
SELECT pg_temp.wait_recent('no pause', '01Z TERMINATED');
SELECT workflow.describe_schedule('no pause') #> '{schedule,state}';

-- the same workflow id every time
SELECT pg_temp.make('keep', '{"keepOriginalWorkflowId": true}');
SELECT pg_temp.trigger('keep', 1);
SELECT t.step('keep', t.close());
SELECT pg_temp.wait('keep', 'runningWorkflows', '0');
SELECT pg_temp.trigger('keep', 2);
SELECT pg_temp.wait('keep', 'actionCount', '2');
SELECT workflow_id, status FROM workflow.executions
WHERE workflow_id = 'keep' ORDER BY start_time;

-- it acts by itself
SELECT pg_temp.make('clock', '{"overlapPolicy": "ALLOW_ALL"}',
    '{"spec": {"interval": [{"interval": "1s"}]}}');
SELECT t.wait_for($$SELECT pg_temp.info('clock') ? 'actionCount'$$);
SELECT workflow.patch_schedule('clock', '{"pause": "enough"}');
SELECT e.workflow_id = format('clock-%s', to_char(nominal,
        'YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS id,
    nominal = date_trunc('second', nominal) AS nominal,
    e.start_time >= nominal AS late,
    e.search_attributes #> '{indexedFields,TemporalScheduledById}'
FROM workflow.executions AS e, CAST(e.search_attributes
    #>> '{indexedFields,TemporalScheduledStartTime}' AS timestamptz) AS nominal
WHERE e.workflow_id ~ '^clock-\d' ORDER BY start_time LIMIT 1;
SELECT next_action_time FROM workflow.schedules WHERE schedule_id = 'clock';

-- Makes a schedule believe that nobody looked at it for a while: its times
-- are every day, the last of them an hour ago.
CREATE FUNCTION pg_temp.make_daily(id text, policies jsonb, state jsonb,
    down interval)
RETURNS void
LANGUAGE sql AS $$
SELECT pg_temp.make(id, policies, jsonb_build_object(
    'state', '{"paused": true}'::jsonb,
    'spec', jsonb_build_object('interval', jsonb_build_array(
        jsonb_build_object('interval', '86400s', 'phase',
        (extract(epoch FROM now())::bigint - 3600) % 86400 || 's')))));
UPDATE workflow.schedule
SET last_processed_time = now() - down, create_time = now() - down,
    definition = jsonb_set(definition, '{state}', state)
WHERE schedule_id = id;
SELECT workflow.patch_schedule(id, '{}');
$$;

-- catch-up: what is too late is counted, the rest is done
SELECT pg_temp.make_daily('late', '{"catchupWindow": "216000s",
    "overlapPolicy": "ALLOW_ALL"}', '{}', '5 days');
SELECT pg_temp.wait('late', 'actionCount', '3');
SELECT pg_temp.info('late')->'missedCatchupWindow';
SELECT now() - e.start_time < '1 min', nominal < now() - interval '1 hour'
FROM workflow.executions AS e, CAST(e.search_attributes
    #>> '{indexedFields,TemporalScheduledStartTime}' AS timestamptz) AS nominal
WHERE e.workflow_id ~ '^late-\d' ORDER BY nominal;
-- not again
SELECT workflow.patch_schedule('late', '{}');
SELECT pg_temp.settle('late');
SELECT pg_temp.info('late')->'actionCount',
    pg_temp.info('late')->'missedCatchupWindow';

-- SKIP: the first of them
SELECT pg_temp.make_daily('late skip', '{}', '{}', '5 days');
SELECT pg_temp.wait('late skip', 'overlapSkipped', '4');
SELECT pg_temp.info('late skip')->'actionCount';

-- limited actions: what is skipped does not count
SELECT pg_temp.make_daily('limited', '{"overlapPolicy": "ALLOW_ALL"}',
    '{"limitedActions": true, "remainingActions": 2}', '5 days');
SELECT pg_temp.settle('limited');
SELECT pg_temp.info('limited')->'actionCount';
SELECT workflow.describe_schedule('limited') #> '{schedule,state}',
    pg_temp.info('limited') ? 'futureActionTimes';
SELECT remaining_actions, next_action_time FROM workflow.schedules
WHERE schedule_id = 'limited';
SELECT pg_temp.trigger('limited', 1);
SELECT pg_temp.wait('limited', 'actionCount', '3');
SELECT pg_temp.make_daily('limited skip', '{}',
    '{"limitedActions": true, "remainingActions": 3}', '5 days');
SELECT pg_temp.wait('limited skip', 'overlapSkipped', '4');
SELECT workflow.describe_schedule('limited skip')
    #> '{schedule,state,remainingActions}';

-- a pause is not caught up
SELECT pg_temp.make_daily('paused', '{}', '{"paused": true}', '5 days');
SELECT workflow.patch_schedule('paused', '{"unpause": "on"}');
SELECT pg_temp.settle('paused');
SELECT next_action_time > now() FROM workflow.schedules
WHERE schedule_id = 'paused';
SELECT pg_temp.info('paused') ? 'actionCount',
    pg_temp.info('paused') ? 'missedCatchupWindow';

-- nor is what a new spec would have done before it was set
SELECT pg_temp.make_daily('updated', '{}', '{"paused": true}', '0.1 s');
SELECT workflow.update_schedule('updated', jsonb_set(jsonb_set(
    workflow.describe_schedule('updated')->'schedule', '{state}', '{}'),
    '{spec}', '{"interval": [{"interval": "31536000s"}]}'));
UPDATE workflow.schedule SET last_processed_time = now() - interval '5 years'
WHERE schedule_id = 'updated';
SELECT workflow.patch_schedule('updated', '{}');
SELECT pg_temp.settle('updated');
SELECT next_action_time > now() FROM workflow.schedules
WHERE schedule_id = 'updated';
SELECT pg_temp.info('updated') ? 'actionCount',
    pg_temp.info('updated') ? 'missedCatchupWindow';

-- a full buffer drops what comes
SELECT pg_temp.make('full', '{"overlapPolicy": "BUFFER_ALL"}',
    '{"state": {"paused": true},
    "spec": {"interval": [{"interval": "60s"}]}}');
UPDATE workflow.schedule
SET last_processed_time = now() - interval '1 day',
    definition = jsonb_set(definition, '{state}', '{}')
WHERE schedule_id = 'full';
SELECT workflow.patch_schedule('full', '{}');
SELECT workflow.patch_schedule('full', '{"pause": "too much"}');
SELECT (pg_temp.info('full')->>'bufferDropped')::int BETWEEN 439 AND 442;
SELECT workflow.delete_schedule('full');

-- backfill: after one moment, up to another, and paused or not
SELECT pg_temp.make('back', '{}', '{"state": {"paused": true},
    "spec": {"interval": [{"interval": "3600s"}]}}');
SELECT workflow.patch_schedule('back', '{"backfillRequest": [
    {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T03:00:00Z",
     "overlapPolicy": "ALLOW_ALL"},
    {"startTime": "2026-02-01T00:00:01Z", "endTime": "2026-02-01T01:59:59Z",
     "overlapPolicy": "SCHEDULE_OVERLAP_POLICY_ALLOW_ALL"}]}');
SELECT pg_temp.wait('back', 'actionCount', '4');
SELECT workflow_id FROM workflow.executions
WHERE workflow_id ~ '^back-\d' ORDER BY 1;
-- with the policy of the schedule
SELECT workflow.patch_schedule('back', '{"backfillRequest": [
    {"startTime": "2026-03-01T00:00:00Z",
     "endTime": "2026-03-01T03:00:00Z"}]}');
SELECT pg_temp.wait('back', 'overlapSkipped', '2');
SELECT pg_temp.info('back')->'actionCount';
-- more than is done in one turn
SELECT workflow.patch_schedule('back', '{"backfillRequest": [
    {"startTime": "2025-01-01T00:00:00Z", "endTime": "2025-01-11T00:00:00Z",
     "overlapPolicy": "ALLOW_ALL"}]}');
SELECT pg_temp.wait('back', 'actionCount', '245');
SELECT count(*) FROM workflow.executions WHERE workflow_id ~ '^back-\d';
-- more than the buffer holds: the rest waits
SELECT workflow.patch_schedule('back', '{"backfillRequest": [
    {"startTime": "2024-01-01T00:00:00Z", "endTime": "2024-12-31T00:00:00Z",
     "overlapPolicy": "BUFFER_ALL"}]}');
SELECT pg_temp.wait('back', 'bufferSize', '500');
SELECT pg_temp.info('back') ? 'bufferDropped';

-- deleting it leaves its workflows alone
SELECT workflow.delete_schedule('skip');
SELECT t.step('skip', t.close());
SELECT t.status('skip-2026-01-01T00:00:06Z');
SELECT t.wait_for('SELECT count(*) = 0 FROM workflow.schedule_wakeup');

-- one that has nothing to do any more is removed after a week
BEGIN;
SELECT pg_temp.make('old');
SELECT pg_temp.make('old but paused', '{}', '{"state": {"paused": true}}');
UPDATE workflow.schedule SET create_time = now() - interval '8 days'
WHERE schedule_id ~ '^old';
COMMIT;
SELECT t.wait_for($$SELECT count(*) = 1 FROM workflow.schedules
    WHERE schedule_id ~ '^old'$$);
SELECT schedule_id FROM workflow.schedules WHERE schedule_id ~ '^old';

-- one that fails keeps no other from acting, and acts when it is mended
SELECT pg_temp.make('broken');
BEGIN;
SELECT pg_temp.trigger('broken', 1);
UPDATE workflow.schedule SET definition = jsonb_set(definition,
    '{spec,timezoneName}', '"Mars/Olympus"')
WHERE schedule_id = 'broken';
COMMIT;
SELECT pg_temp.make('sound');
SELECT pg_temp.trigger('sound', 1);
SELECT pg_temp.wait_recent('sound', '01Z RUNNING');
SELECT t.wait_for($$SELECT due_at > now() + interval '1 s'
    FROM workflow.schedule WHERE schedule_id = 'broken'$$);
SELECT pg_temp.info('broken')->'invalidScheduleError',
    pg_temp.info('broken')->'bufferSize';
SELECT count(*) > 1 FROM workflow.list_schedules();
SELECT workflow.patch_schedule('broken', '{"pause": "out of order"}');
SELECT workflow.update_schedule('broken', (d->'schedule') #-
    '{spec,timezoneName}') FROM workflow.describe_schedule('broken') AS d;
SELECT pg_temp.wait_recent('broken', '01Z RUNNING');

SELECT workflow.delete_schedule(schedule_id) FROM workflow.schedules;
SELECT t.cleanup() \g /dev/null
SELECT t.wait_for('SELECT count(*) = 0 FROM workflow.schedule_wakeup');
