--
-- Search attributes: their registry, their values, and the commands that
-- change them and the memo
--
\a
\t on
-- the registry: names, types, what is there already
SELECT t.err(format('SELECT workflow.add_search_attributes(%L)', a))
FROM unnest(ARRAY[NULL, '[]', '{}', '1', '{"": "Int"}', '{"1x": "Int"}',
    '{"a b": "Int"}', '{"a\"; --": "Int"}', '{"ä": "Int"}',
    format('{"%s": "Int"}', repeat('x', 129)),
    '{"TemporalMine": "Int"}', '{"WorkflowId": "Keyword"}',
    '{"BuildIds": "KeywordList"}', '{"RegressX": "int"}', '{"RegressX": 3}',
    '{"RegressX": null}', '{"RegressX": "INDEXED_VALUE_TYPE_UNSPECIFIED"}'])
    AS a;
SELECT workflow.add_search_attributes(format('{"%s": "Int"}',
    repeat('x', 128))::jsonb);
SELECT workflow.remove_search_attributes(ARRAY[repeat('x', 128), NULL]);
SELECT workflow.add_search_attributes('{"RegressText": "Text",
    "RegressKeyword": "Keyword", "RegressInt": "INDEXED_VALUE_TYPE_INT",
    "RegressDouble": "Double", "RegressBool": "Bool",
    "RegressDatetime": "Datetime",
    "RegressList": "INDEXED_VALUE_TYPE_KEYWORD_LIST",
    "regress-with.more_1": "Keyword"}');
SELECT name, type, kind FROM workflow.search_attributes
WHERE namespace = 'default' AND name ILIKE 'regress%'
ORDER BY name COLLATE "C";
-- again: the same type is fine, another is not, and then nothing is added
SELECT workflow.add_search_attributes('{"RegressInt": "Int"}');
SELECT t.err($$SELECT workflow.add_search_attributes(
    '{"RegressAlso": "Int", "RegressInt": "Double"}')$$);
SELECT count(*) FROM workflow.search_attributes WHERE name = 'RegressAlso';
SELECT t.err($$SELECT workflow.remove_search_attributes('{NoSuch}')$$);
SELECT t.err($$SELECT workflow.remove_search_attributes('{WorkflowId}')$$);
SELECT t.err($$SELECT workflow.remove_search_attributes(NULL)$$);
-- every namespace has its own, and all have those of the system
SELECT workflow.register_namespace('regress sa');
SELECT kind, count(*) FROM workflow.search_attributes
WHERE namespace = 'regress sa' GROUP BY 1 ORDER BY 1;
SELECT t.err($$SELECT workflow.start_workflow_execution('sa', 't', 'q',
    search_attributes => '{"RegressInt": 1}', namespace => 'regress sa')$$);
-- a change is seen at once, and undone by a rollback
BEGIN;
SELECT workflow.add_search_attributes('{"RegressInt": "Keyword"}',
    'regress sa');
SELECT t.err($$SELECT workflow.start_workflow_execution('sa', 't', 'q',
    search_attributes => '{"RegressInt": 1}', namespace => 'regress sa')$$);
SELECT t.err($$SELECT workflow.start_workflow_execution('sa', 't', 'q',
    search_attributes => '{"RegressInt": "1"}', namespace => 'regress sa')$$);
ROLLBACK;
SELECT t.err($$SELECT workflow.start_workflow_execution('sa', 't', 'q',
    search_attributes => '{"RegressInt": "1"}', namespace => 'regress sa')$$);

-- rights: admins register, readers see
CREATE ROLE regress_sa_client;
CREATE ROLE regress_sa_admin;
SELECT workflow.grant_namespace('regress sa', 'regress_sa_client', '{client}');
SELECT workflow.grant_namespace('regress sa', 'regress_sa_admin', '{admin}');
GRANT USAGE ON SCHEMA t TO regress_sa_client, regress_sa_admin;
SET ROLE regress_sa_client;
SELECT t.err($$SELECT workflow.add_search_attributes('{"A": "Int"}',
    'regress sa')$$);
SELECT t.err($$SELECT workflow.remove_search_attributes('{A}',
    'regress sa')$$);
SELECT DISTINCT namespace FROM workflow.search_attributes;
SET ROLE regress_sa_admin;
SELECT workflow.add_search_attributes('{"A": "Int"}', 'regress sa');
SELECT t.err($$SELECT workflow.add_search_attributes('{"A": "Int"}')$$);
SELECT workflow.remove_search_attributes('{A}', 'regress sa');
RESET ROLE;

-- values at the start: each type and what it refuses
CREATE FUNCTION pg_temp.start(attributes jsonb) RETURNS text
LANGUAGE sql AS $$
SELECT t.err(format('SELECT workflow.start_workflow_execution(%L, %L, %L,
    search_attributes => %L)', 'sa ' || md5(attributes::text), 't', 'q',
    attributes))
$$;
SELECT a, pg_temp.start(a::jsonb) FROM unnest(ARRAY[
    '{"RegressText": "some words"}', '{"RegressText": 1}',
    '{"RegressKeyword": "k"}', '{"RegressKeyword": ["k"]}',
    '{"RegressKeyword": true}', '{"RegressKeyword": {"a": 1}}',
    '{"RegressInt": 0}', '{"RegressInt": 1.0}', '{"RegressInt": 1.5}',
    '{"RegressInt": "1"}', '{"RegressInt": 9223372036854775807}',
    '{"RegressInt": -9223372036854775808}',
    '{"RegressInt": 9223372036854775808}',
    '{"RegressDouble": 1}', '{"RegressDouble": -1.5e30}',
    '{"RegressDouble": "NaN"}',
    '{"RegressBool": false}', '{"RegressBool": "true"}', '{"RegressBool": 1}',
    '{"RegressDatetime": "2026-01-31T08:00:00Z"}',
    '{"RegressDatetime": "2026-01-31t08:00:00.123456789+05:30"}',
    '{"RegressDatetime": "2024-02-29T23:59:60z"}',
    '{"RegressDatetime": "2026-02-29T08:00:00Z"}',
    '{"RegressDatetime": "2026-01-31 08:00:00Z"}',
    '{"RegressDatetime": "2026-01-31T08:00:00"}',
    '{"RegressDatetime": "2026-01-31T08:00:00.Z"}',
    '{"RegressDatetime": "2026-01-31"}', '{"RegressDatetime": "tomorrow"}',
    '{"RegressDatetime": 1}',
    '{"RegressList": ["a", "b"]}', '{"RegressList": "a"}',
    '{"RegressList": ["a", 1]}', '{"RegressList": [["a"]]}',
    '{"RegressInt": null, "RegressList": []}', '{"NoSuch": null}',
    '{"NoSuch": 1}', '{"regressint": 1}', '{"WorkflowId": "w"}',
    '{"CloseTime": null}', '{"TemporalScheduledById": "s"}',
    '{"TemporalChangeVersion": ["a-1"]}', '{"TemporalChangeVersion": "a-1"}',
    '{"BuildIds": ["b"]}', '{"TemporalSchedulePaused": true}',
    '{"RegressKeyword": {"@payload": {"metadata": {}, "data": ""}}}',
    '{"indexedFields": {"RegressInt": 2}}',
    '{"indexedFields": {"RegressInt": "2"}}']) AS a;
-- null removes, an empty array does too: the run has none, its event has them
SELECT search_attributes IS NULL FROM workflow.executions
WHERE workflow_id = 'sa ' || md5('{"RegressInt": null, "RegressList": []}'
    ::jsonb::text);
SELECT count(*) FROM workflow.executions
WHERE workflow_id LIKE 'sa %' AND search_attributes IS NOT NULL;
-- limits
SELECT pg_temp.start(jsonb_build_object('RegressKeyword', repeat('x', 2047)));
SELECT pg_temp.start(jsonb_build_object('RegressKeyword', repeat('x', 2046)));
-- 512 strings of 1 character are 2049 bytes of JSON without spaces
SELECT pg_temp.start(jsonb_build_object('RegressList', array_fill('x'::text, ARRAY[512])));
SELECT pg_temp.start(jsonb_build_object('RegressList', array_fill('x'::text, ARRAY[511])));
SELECT pg_temp.start((SELECT jsonb_object_agg('k' || k, 1)
    FROM generate_series(1, 101) AS k));
SET pg_workflow.search_attributes_size_error = 200;
SELECT pg_temp.start(jsonb_build_object('RegressKeyword', repeat('x', 200)));
RESET pg_workflow.search_attributes_size_error;

--
-- UpsertWorkflowSearchAttributes
--
CREATE FUNCTION pg_temp.upsert(fields jsonb) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType',
    'UpsertWorkflowSearchAttributes', 'attributes', jsonb_build_object(
        'searchAttributes', jsonb_build_object('indexedFields', fields))))
$$;
CREATE FUNCTION pg_temp.modify(fields jsonb) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType',
    'COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES',
    'modifyWorkflowPropertiesCommandAttributes', jsonb_build_object(
        'upsertedMemo', jsonb_build_object('fields', fields))))
$$;
CREATE FUNCTION pg_temp.has(workflow text, OUT search jsonb, OUT memo jsonb)
LANGUAGE sql AS $$
SELECT e.search_attributes -> 'indexedFields', e.memo -> 'fields'
FROM workflow.executions AS e WHERE e.workflow_id = workflow
ORDER BY e.start_time DESC LIMIT 1
$$;
-- values are merged, at once and while the run is open; null removes
SELECT started FROM workflow.start_workflow_execution('search upsert', 'type', 'search upsert',
    search_attributes => '{"RegressInt": 1, "RegressKeyword": "k"}',
    memo => '{"a": 1, "b": {"c": 2}}');
SELECT t.step('search upsert', pg_temp.upsert('{"RegressInt": 2,
    "RegressList": ["a"], "RegressKeyword": null,
    "TemporalChangeVersion": ["change-1"]}')
    || pg_temp.modify('{"b": [3], "a": null, "d": "x"}')
    || t.timer('t', '3600s'));
SELECT * FROM t.events('search upsert', 4);
SELECT * FROM pg_temp.has('search upsert');
SELECT workflow.describe_workflow_execution('search upsert')
    #> '{workflowExecutionInfo,searchAttributes}';
-- two in one completion, and one that removes all
SELECT workflow.signal_workflow_execution('search upsert', 's');
SELECT t.step('search upsert', pg_temp.upsert('{"RegressBool": true}')
    || pg_temp.upsert('{"RegressBool": false, "RegressInt": 3}'));
SELECT * FROM pg_temp.has('search upsert');
SELECT workflow.signal_workflow_execution('search upsert', 's');
SELECT t.step('search upsert', pg_temp.upsert('{"RegressBool": null,
    "RegressInt": null, "RegressList": [], "TemporalChangeVersion": null}')
    || pg_temp.modify('{"b": null, "d": null}'));
SELECT * FROM pg_temp.has('search upsert');
-- with the close
SELECT workflow.signal_workflow_execution('search upsert', 's');
SELECT t.step('search upsert', pg_temp.upsert('{"RegressInt": 4}')
    || pg_temp.modify('{"last": true}') || t.close());
SELECT * FROM pg_temp.has('search upsert');
SELECT t.status('search upsert');

-- a payload that is null removes as well; an empty list is a value of a memo
SELECT started FROM workflow.start_workflow_execution('search null', 'type',
    'search null', memo => '{"a": 1, "b": 2, "c": []}',
    search_attributes => '{"RegressInt": 4, "RegressBool": true}');
SELECT t.step('search null', pg_temp.upsert('{"RegressBool":
    {"@payload": {"metadata": {"encoding": "YmluYXJ5L251bGw="}}}}')
    || pg_temp.modify('{"b":
    {"@payload": {"metadata": {"encoding": "YmluYXJ5L251bGw="}, "data": ""}},
    "c": {"@payload": {"metadata": {"encoding": "YmluYXJ5L3BsYWlu"}}},
    "d": {"@payload": {"metadata": {"encoding": "YmluYXJ5L251bGw="}}}}'));
SELECT * FROM pg_temp.has('search null');
SELECT workflow.signal_workflow_execution('search null', 's');
SELECT t.step('search null', pg_temp.modify('{"a": [], "c": null}'));
SELECT * FROM pg_temp.has('search null');
SELECT workflow.terminate_workflow_execution('search null');

-- failed causes; nothing of the completion stays
CREATE FUNCTION pg_temp.refused(commands jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_answer text;
BEGIN
    PERFORM workflow.start_workflow_execution('search refused', 'type', 'search refused',
        search_attributes => '{"RegressInt": 1}');
    v_answer := t.step('search refused', pg_temp.upsert('{"RegressInt": 7}')
        || commands);
    IF (SELECT h.search FROM pg_temp.has('search refused') AS h)
        IS DISTINCT FROM '{"RegressInt": 1}' THEN
        v_answer := v_answer || ' and it was kept';
    END IF;
    IF t.status('search refused') = 'WORKFLOW_EXECUTION_STATUS_RUNNING' THEN
        PERFORM workflow.terminate_workflow_execution('search refused');
    ELSE
        v_answer := v_answer || ' ' || t.status('search refused');
    END IF;
    RETURN v_answer;
END
$$;
SELECT pg_temp.refused(c) FROM unnest(ARRAY[
    '[{"commandType": "UpsertWorkflowSearchAttributes"}]',
    '[{"commandType": "UpsertWorkflowSearchAttributes",
       "attributes": {"searchAttributes": 3}}]',
    '[{"commandType": "UpsertWorkflowSearchAttributes",
       "attributes": {"searchAttributes": {"indexedFields": [1]}}}]',
    pg_temp.upsert('{}'), pg_temp.upsert('{"NoSuch": 1}'),
    pg_temp.upsert('{"RegressInt": "x"}'), pg_temp.upsert('{"RunId": "x"}'),
    pg_temp.upsert(jsonb_build_object('RegressKeyword', repeat('x', 2048))),
    '[{"commandType": "ModifyWorkflowProperties"}]', pg_temp.modify('{}'),
    '[{"commandType": "ModifyWorkflowProperties",
       "attributes": {"upsertedMemo": {"fields": 1}}}]',
    '[{"commandType": "ContinueAsNewWorkflowExecution", "attributes":
        {"searchAttributes": {"indexedFields": {"NoSuch": 1}}}}]',
    '[{"commandType": "StartChildWorkflowExecution", "attributes":
        {"workflowId": "c", "workflowType": {"name": "c"},
         "searchAttributes": {"indexedFields": {"RegressInt": true}}}}]'
    ]::jsonb[]) AS c;
-- a memo that is too large ends the run, also when it grows to that
SET pg_workflow.memo_size_error = 1000;
SELECT pg_temp.refused(pg_temp.modify(jsonb_build_object('a',
    repeat('x', 600))) || pg_temp.modify(jsonb_build_object('b',
    repeat('x', 600))));
RESET pg_workflow.memo_size_error;
-- the limits hold for what is there together
SET pg_workflow.max_search_attributes = 2;
SELECT pg_temp.refused(pg_temp.upsert(
    '{"RegressBool": true, "RegressDouble": 1}'));
SET pg_workflow.max_search_attributes = 0;
SELECT pg_temp.refused(pg_temp.upsert(
    '{"RegressBool": true, "RegressDouble": 1}'));
RESET pg_workflow.max_search_attributes;

-- continue-as-new and children take the command's own
SELECT started FROM workflow.start_workflow_execution('search chain', 'type', 'search chain',
    search_attributes => '{"RegressInt": 1}', memo => '{"m": 1}');
SELECT t.step('search chain', pg_temp.upsert('{"RegressInt": 2}')
    || '[{"commandType": "ContinueAsNewWorkflowExecution", "attributes":
        {"searchAttributes": {"indexedFields": {"RegressInt": 4}}}}]');
SELECT * FROM pg_temp.has('search chain');
SELECT status, search_attributes FROM workflow.executions
WHERE workflow_id = 'search chain' ORDER BY start_time;
SELECT started FROM workflow.start_workflow_execution('search parent', 'type', 'search parent');
SELECT t.step('search parent',
    '[{"commandType": "StartChildWorkflowExecution", "attributes":
        {"workflowId": "search child", "workflowType": {"name": "c"},
         "searchAttributes": {"indexedFields": {"RegressInt": 3,
            "RegressBool": null}}}}]');
SELECT t.wait_event('search parent', 'ChildWorkflowExecutionStarted');
SELECT * FROM pg_temp.has('search child');

-- a retry begins with those of the start
SELECT started FROM workflow.start_workflow_execution('search again', 'type', 'search again',
    search_attributes => '{"RegressInt": 1}', memo => '{"m": 1}',
    retry_policy => '{"initialInterval": "0.001s", "maximumAttempts": 2}');
SELECT t.step('search again', pg_temp.upsert('{"RegressInt": 2}')
    || pg_temp.modify('{"m": 2}')
    || '[{"commandType": "FailWorkflowExecution", "attributes":
        {"failure": {"message": "no", "applicationFailureInfo": {}}}}]');
SELECT * FROM pg_temp.has('search again');

-- a reset takes back what was changed after its point
SELECT started FROM workflow.start_workflow_execution('search back', 'type', 'search back',
    search_attributes => '{"RegressInt": 1, "RegressBool": true}',
    memo => '{"m": 1}');
SELECT t.step('search back', pg_temp.upsert('{"RegressInt": 2, "RegressBool": null}')
    || pg_temp.modify('{"n": 2}'));
SELECT workflow.signal_workflow_execution('search back', 's');
SELECT t.step('search back', pg_temp.upsert('{"RegressInt": 3}')
    || pg_temp.modify('{"m": 3}'));
SELECT * FROM pg_temp.has('search back');
SELECT event_id AS second_task FROM workflow.get_workflow_execution_history(
    'search back') WHERE event_type = 'WorkflowTaskCompleted'
ORDER BY 1 DESC LIMIT 1 \gset
SELECT workflow.reset_workflow_execution('search back', 'r',
    workflow_task_finish_event_id => :second_task) IS NOT NULL;
SELECT * FROM pg_temp.has('search back');
SELECT workflow.reset_workflow_execution('search back', 'r',
    workflow_task_finish_event_id => 4) IS NOT NULL;
SELECT * FROM pg_temp.has('search back');

-- what is removed from the registry stays on the runs that have it
SELECT workflow.remove_search_attributes('{RegressBool}');
SELECT * FROM pg_temp.has('search back');
SELECT t.err($$SELECT * FROM workflow.count_workflow_executions(
    'RegressBool = true')$$);
-- with another type, values of the old one are as if not there
SELECT workflow.add_search_attributes('{"RegressBool": "Datetime"}');
SELECT count FROM workflow.count_workflow_executions(
    'RegressBool > ''2000-01-01T00:00:00Z'' OR
    RegressBool <= ''2000-01-01T00:00:00Z''');
SELECT workflow.remove_search_attributes('{RegressBool}');
SELECT workflow.add_search_attributes('{"RegressBool": "Int"}');
SELECT count FROM workflow.count_workflow_executions(
    'RegressBool > 0 OR RegressBool <= 0');

SELECT workflow.search_attribute_time(v::jsonb) AT TIME ZONE 'UTC'
FROM unnest(ARRAY['"2026-01-31T08:00:00.5+01:00"', '"x"', '3', 'null',
    '["2026-01-31T08:00:00Z"]', '{}', '"0000-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59.9999999Z"']) AS v;

SELECT t.cleanup();
SELECT workflow.revoke_namespace('regress sa', 'regress_sa_client', '{client}');
SELECT workflow.revoke_namespace('regress sa', 'regress_sa_admin', '{admin}');
REVOKE USAGE ON SCHEMA t FROM regress_sa_client, regress_sa_admin;
DROP ROLE regress_sa_client, regress_sa_admin;
DELETE FROM workflow.search_attribute WHERE name ~* '^regress';
DELETE FROM workflow.namespace WHERE name = 'regress sa';
