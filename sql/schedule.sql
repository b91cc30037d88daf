--
-- Schedules: make, describe, update, patch, list, delete
--
\a
\t on
SET timezone = 'UTC';

-- one that never acts by itself
SELECT workflow.create_schedule('basic', '{
    "spec": {"calendar": [{"year": "9000", "month": "1", "dayOfMonth": "1"}]},
    "action": {"startWorkflow": {
        "workflowId": "basic", "workflowType": {"name": "type"},
        "taskQueue": {"name": "basic"}, "input": [1, "two"],
        "workflowExecutionTimeout": "3600s", "workflowRunTimeout": "60s",
        "workflowTaskTimeout": "5s",
        "retryPolicy": {"maximumAttempts": 3}, "memo": {"why": "test"},
        "header": {"h": 1}, "userMetadata": {"summary": "a summary"},
        "priority": {"priorityKey": 2}}},
    "policies": {"overlapPolicy": "BUFFER_ONE", "catchupWindow": "1s",
        "pauseOnFailure": true},
    "state": {"notes": "new", "limitedActions": true, "remainingActions": 7}}',
    memo => '{"of": "schedule"}', request_id => 'create 1');
SELECT jsonb_pretty(t.mask(workflow.describe_schedule('basic'))::jsonb);

-- defaults
SELECT workflow.create_schedule('small', '{"action": {"startWorkflow": {
    "workflowId": "small", "workflowType": "type", "taskQueue": "small"}}}');
SELECT t.mask(workflow.describe_schedule('small'));

-- a repetition with the same request id, and without
SELECT workflow.create_schedule('basic', '{"action": {"startWorkflow": {
    "workflowId": "other", "workflowType": "type", "taskQueue": "other"}}}',
    request_id => 'create 1');
SELECT workflow.describe_schedule('basic')
    #>> '{schedule,action,startWorkflow,workflowId}';
SELECT t.err(format('SELECT workflow.create_schedule(''basic'', %L, request_id => %L)',
    workflow.describe_schedule('basic')->'schedule', request_id))
FROM (VALUES ('create 2'), (NULL)) AS v (request_id);

-- what is described can be given back
SELECT workflow.update_schedule('basic',
    workflow.describe_schedule('basic')->'schedule');
SELECT workflow.describe_schedule('basic') ? 'memo',
    workflow.describe_schedule('basic') #> '{info,updateTime}' IS NOT NULL;

-- an update based on an old state
SELECT t.err($$SELECT workflow.update_schedule('basic', '{}', 1)$$);
SELECT t.err($$SELECT workflow.update_schedule('basic', '{}', 2)$$);
SELECT workflow.update_schedule('basic', '{"action": {"startWorkflow": {
    "workflowId": "basic 2", "workflowType": "type", "taskQueue": "basic"}}}',
    2, memo => '{"fields": {"of": "update"}}',
    search_attributes => '{"CustomKeywordField": "x"}',
    request_id => 'update 1');
SELECT t.mask(workflow.describe_schedule('basic'));
-- once per request id
SELECT workflow.update_schedule('basic', '{}', request_id => 'update 1');

-- pause and unpause
SELECT workflow.patch_schedule('basic', '{"pause": "for the night"}');
SELECT workflow.describe_schedule('basic') #> '{schedule,state}',
    workflow.describe_schedule('basic') #> '{conflictToken}';
SELECT workflow.patch_schedule('basic', '{"unpause": "good morning"}');
SELECT workflow.describe_schedule('basic') #> '{schedule,state}',
    workflow.describe_schedule('basic') #> '{conflictToken}';
SELECT workflow.patch_schedule('basic', '{}');

-- patched when it is made
SELECT workflow.create_schedule('patched', '{"action": {"startWorkflow": {
    "workflowId": "patched", "workflowType": "type",
    "taskQueue": "patched"}}}', '{"pause": "not yet"}');
SELECT workflow.describe_schedule('patched') #> '{schedule,state}';

-- future times, no more than actions remain
SELECT workflow.create_schedule('future', '{
    "spec": {"calendar": [{"year": "8000-9000"}]},
    "action": {"startWorkflow": {"workflowId": "future",
        "workflowType": "type", "taskQueue": "future"}},
    "state": {"limitedActions": true, "remainingActions": 2}}');
SELECT workflow.describe_schedule('future') #> '{info,futureActionTimes}';
SELECT workflow.update_schedule('future',
    jsonb_set(workflow.describe_schedule('future')->'schedule', '{state}',
        '{"paused": true}'));
SELECT jsonb_array_length(workflow.describe_schedule('future')
    #> '{info,futureActionTimes}');

-- lists
SELECT t.mask(s) FROM workflow.list_schedules() AS s;
SELECT s->>'scheduleId' FROM workflow.list_schedules(page_size => 2) AS s;
SELECT s->>'scheduleId' FROM workflow.list_schedules('', 2, 'future') AS s;
SELECT s->>'scheduleId' FROM workflow.list_schedules('', 2, 'patched') AS s;
SELECT workflow.count_schedules();
SELECT namespace, schedule_id, workflow_type, task_queue, paused, notes,
    next_action_time, last_action_time, action_count, remaining_actions,
    running_workflows, buffered_actions, overlap_policy,
    update_time IS NULL, conflict_token, spec, memo, search_attributes
FROM workflow.schedules ORDER BY schedule_id;

-- by their search attributes, their ids, and whether they are paused
SELECT workflow.add_search_attributes('{"ScheduleTeam": "Keyword",
    "ScheduleRank": "Int"}');
CREATE FUNCTION pg_temp.found(query text) RETURNS text
LANGUAGE sql AS $$
SELECT concat_ws(' ', workflow.count_schedules(query) || ':',
    string_agg(s->>'scheduleId', ', '))
FROM workflow.list_schedules(query) AS s
$$;
SELECT workflow.create_schedule('searched ' || n, jsonb_build_object('action',
    '{"startWorkflow": {"workflowId": "w", "workflowType": "type",
        "taskQueue": "q"}}'::jsonb, 'state', jsonb_build_object('paused',
        n = 2)), search_attributes => jsonb_build_object('ScheduleTeam',
        'team ' || n % 2, 'ScheduleRank', n))
FROM generate_series(1, 4) AS n;
SELECT query, pg_temp.found(query) FROM (VALUES
    ('ScheduleTeam = "team 1"'), ('ScheduleRank > 2'),
    ('NOT ScheduleRank BETWEEN 2 AND 3'), ('ScheduleRank IN (1, 4)'),
    ('TemporalSchedulePaused = true AND ScheduleRank IS NOT NULL'),
    ('ScheduleId STARTS_WITH "searched" AND TemporalSchedulePaused != true'),
    ('ScheduleTeam = "team 0" OR ScheduleId = "searched 3"'),
    ('ScheduleTeam = "nobody"')) AS v (query);
SELECT s->>'scheduleId' FROM workflow.list_schedules('ScheduleRank > 0', 2,
    'searched 1') AS s;
SELECT t.err(format('SELECT workflow.%s(%L)', f, query))
FROM (VALUES ('WorkflowId = "a"'), ('Nothing = 1'), ('ScheduleRank = "x"'),
    ('ScheduleTeam <'), ('TemporalSchedulePaused > true'),
    ('GROUP BY ExecutionStatus')) AS v (query),
    unnest('{count_schedules,list_schedules}'::text[]) AS f;
SELECT workflow.delete_schedule('searched ' || n)
FROM generate_series(1, 4) AS n;
SELECT workflow.remove_search_attributes('{ScheduleTeam,ScheduleRank}');

-- a namespace of its own
SELECT workflow.register_namespace('schedules');
SELECT workflow.create_schedule('basic', '{"action": {"startWorkflow": {
    "workflowId": "basic", "workflowType": "type", "taskQueue": "basic"}}}',
    namespace => 'schedules');
SELECT workflow.count_schedules(namespace => 'schedules');
SELECT t.err($$SELECT workflow.describe_schedule('small', 'schedules')$$);
SELECT t.err($$SELECT workflow.describe_schedule('small', 'nowhere')$$);

-- rights
CREATE ROLE regress_schedule_reader;
CREATE ROLE regress_schedule_client;
SELECT workflow.grant_namespace('schedules', 'regress_schedule_reader',
    '{read}');
SELECT workflow.grant_namespace('schedules', 'regress_schedule_client',
    '{client}');
GRANT USAGE ON SCHEMA t TO regress_schedule_reader, regress_schedule_client;
SET ROLE regress_schedule_reader;
SELECT workflow.count_schedules(namespace => 'schedules');
SELECT count(*) FROM workflow.schedules;
SELECT t.err($$SELECT workflow.count_schedules()$$);
SELECT t.err($$SELECT workflow.delete_schedule('basic', 'schedules')$$);
SELECT t.err($$SELECT count(*) FROM workflow.schedule$$);
SET ROLE regress_schedule_client;
SELECT workflow.patch_schedule('basic', '{"pause": "by client"}',
    namespace => 'schedules');
SELECT notes FROM workflow.schedules;
SELECT t.err($$SELECT workflow.patch_schedule('basic', '{}')$$);
SELECT workflow.delete_schedule('basic', 'schedules');
RESET ROLE;

-- in a read-only transaction
BEGIN READ ONLY;
SELECT workflow.describe_schedule('small') IS NOT NULL;
SELECT count(*) FROM workflow.list_schedules();
SELECT workflow.patch_schedule('small', '{}');
ROLLBACK;

-- a rollback takes everything back
BEGIN;
SELECT workflow.patch_schedule('small', '{"triggerImmediately": {}}');
SELECT workflow.delete_schedule('small');
ROLLBACK;
SELECT workflow.describe_schedule('small') #> '{info,bufferSize}' IS NULL;

-- what cannot be
SELECT t.err(format('SELECT workflow.create_schedule(%L, %L)', id, schedule))
FROM (VALUES ('', '{}'::text), (NULL, '{}'), (repeat('x', 1001), '{}'),
    ('bad', NULL), ('bad', '[]'), ('bad', '{}'),
    ('bad', '{"action": {}}'),
    ('bad', '{"action": {"startWorkflow": {}}}'),
    ('bad', '{"action": {"startWorkflow": {"workflowId": "w"}}}'),
    ('bad', '{"action": {"startWorkflow": {"workflowId": "w",
        "workflowType": "type"}}}'),
    ('bad', '{"action": {"stopWorkflow": {}}}'),
    ('bad', '{"actions": {}}')) AS v (id, schedule);
SELECT t.err(format('SELECT workflow.create_schedule(''bad'', %L)',
    '{"action": {"startWorkflow": {"workflowId": "w",
    "workflowType": "type", "taskQueue": "q"}}}'::jsonb || more))
FROM unnest('{
    "{\"policies\": {\"overlapPolicy\": \"SOMETIMES\"}}",
    "{\"policies\": {\"catchupWindow\": 60}}",
    "{\"policies\": {\"catchup\": \"60s\"}}",
    "{\"policies\": {\"pauseOnFailure\": \"yes\"}}",
    "{\"state\": {\"remainingActions\": -1}}",
    "{\"state\": {\"pause\": true}}",
    "{\"state\": []}"}'::jsonb[]) AS more;
SELECT t.err(format('SELECT workflow.create_schedule(''bad'', %L)',
    jsonb_build_object('action', jsonb_build_object('startWorkflow',
    '{"workflowId": "w", "workflowType": "type", "taskQueue": "q"}'::jsonb ||
    more))))
FROM unnest(ARRAY['{"cronSchedule": "@daily"}',
    '{"workflowIdReusePolicy": "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE"}',
    '{"workflowRunTimeout": "-1s"}', '{"retryPolicy": {"maximumAttempts": -1}}',
    '{"memo": 1}', '{"something": 1}',
    jsonb_build_object('workflowId', repeat('w', 990))]::jsonb[]) AS more;
SELECT t.err(format('SELECT workflow.patch_schedule(''small'', %L)', patch))
FROM unnest('{"[]", "{\"stop\": \"now\"}", "{\"pause\": true}",
    "{\"triggerImmediately\": true}",
    "{\"triggerImmediately\": {\"overlapPolicy\": \"NEVER\"}}",
    "{\"backfillRequest\": {}}", "{\"backfillRequest\": [{}]}",
    "{\"backfillRequest\": [{\"startTime\": \"2026-01-02T00:00:00Z\",
        \"endTime\": \"2026-01-01T00:00:00Z\"}]}"}'::jsonb[]) AS patch;
SELECT t.err($$SELECT workflow.patch_schedule('small', NULL)$$);
SELECT t.err($$SELECT workflow.patch_schedule('nobody', '{}')$$);
SELECT t.err($$SELECT workflow.update_schedule('nobody', '{}')$$);
SELECT t.err($$SELECT workflow.describe_schedule('nobody')$$);
SELECT t.err($$SELECT workflow.delete_schedule('nobody')$$);
SELECT t.err($$SELECT workflow.list_schedule_matching_times('nobody',
    now(), now())$$);
SELECT t.err($$SELECT workflow.list_schedule_matching_times('small',
    NULL, now())$$);
SELECT t.err($$SELECT workflow.list_schedules('', 0)$$);

SELECT workflow.delete_schedule(schedule_id) FROM workflow.schedules;
SELECT workflow.count_schedules();
SELECT workflow.revoke_namespace('schedules', 'regress_schedule_reader',
    '{read}');
SELECT workflow.revoke_namespace('schedules', 'regress_schedule_client',
    '{client}');
REVOKE USAGE ON SCHEMA t FROM regress_schedule_reader, regress_schedule_client;
DROP ROLE regress_schedule_reader;
DROP ROLE regress_schedule_client;
