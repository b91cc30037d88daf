--
-- For what reasons a workflow task fails, command by command: what
-- sql/command.sql, sql/search_attributes.sql and sql/update.sql leave out.
-- sql/zz_coverage.sql says if a reason is nowhere tested.
--
\a
\t on

-- What a command is refused with: as the worker learns it, and as it is
-- recorded.  Nothing else may be left of the completion.
CREATE FUNCTION pg_temp.refused(command text, attributes jsonb,
    before jsonb DEFAULT '[]') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_id text := 'cause ' || gen_random_uuid();
    v_answer jsonb;
    v_recorded jsonb;
    v_types text;
    v_message text;
BEGIN
    PERFORM t.start(v_id);
    v_answer := t.step(v_id, t.marker('lost') || before || jsonb_build_object(
        'commandType', command, 'attributes', attributes))::jsonb -> 'error';
    SELECT e.attributes INTO v_recorded
    FROM workflow.get_workflow_execution_history(v_id) AS e
    WHERE e.event_type = 'WorkflowTaskFailed';
    v_types := t.types(v_id, 5);
    v_message := v_answer ->> 'message';
    IF v_recorded ->> 'cause' IS DISTINCT FROM v_answer ->> 'cause'
        OR v_recorded ->> 'identity' IS DISTINCT FROM 'history-service'
        OR v_recorded #>> '{failure,message}' IS DISTINCT FROM v_message
        OR v_recorded #> '{failure,serverFailureInfo}' IS NULL
        OR v_answer ->> 'cause' IS DISTINCT FROM 'WORKFLOW_TASK_FAILED_CAUSE_'
            || split_part(v_message, ':', 1)
    THEN
        RETURN concat_ws(' | ', 'answered', v_answer, 'recorded', v_recorded);
    END IF;
    IF v_types IS NULL THEN
        PERFORM workflow.terminate_workflow_execution(v_id);
        RETURN v_message;
    END IF;
    RETURN v_message || ' -> ' || v_types;
END
$$;

--
-- StartChildWorkflowExecution
--
CREATE FUNCTION pg_temp.child(more jsonb) RETURNS text
LANGUAGE sql AS $$
SELECT pg_temp.refused('StartChildWorkflowExecution',
    '{"workflowId": "c", "workflowType": {"name": "c"}}' || more)
$$;
SELECT pg_temp.child(a::jsonb) FROM (VALUES ('{"workflowId": ""}'),
    ('{"workflowId": 1}'), ('{"workflowType": {}}'), ('{"workflowType": 1}'),
    ('{"taskQueue": []}'), ('{"workflowRunTimeout": "-1s"}'),
    ('{"workflowExecutionTimeout": "-1s"}'),
    ('{"workflowTaskTimeout": "-1s"}'), ('{"workflowTaskTimeout": "soon"}'),
    ('{"parentClosePolicy": "FORGET"}'), ('{"parentClosePolicy": 1}'),
    ('{"workflowIdReusePolicy": "NEVER"}'),
    ('{"workflowIdReusePolicy":
        "WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING"}'),
    ('{"retryPolicy": {"backoffCoefficient": 0.5}}'),
    ('{"retryPolicy": {"backoffCoefficient": 1e400}}'),
    ('{"retryPolicy": 1}'), ('{"cronSchedule": "60 * * * *"}'),
    ('{"memo": 1}'), ('{"header": 1}'), ('{"priority": 1}'),
    ('{"taskQueue": {"name": "/_sys/q"}}'),
    ('{"namespace": "elsewhere"}')) AS v (a);
SELECT pg_temp.child(jsonb_build_object('workflowId', repeat('x', 1001)));
SELECT pg_temp.child(jsonb_build_object('workflowType',
    jsonb_build_object('name', repeat('x', 1001))));
SELECT pg_temp.child(jsonb_build_object('taskQueue',
    jsonb_build_object('name', repeat('x', 1001))));
SET pg_workflow.max_pending_children = 2;
SELECT pg_temp.refused('StartChildWorkflowExecution',
    '{"workflowId": "c", "workflowType": {"name": "c"}}', (
        SELECT jsonb_agg(jsonb_build_object(
            'commandType', 'StartChildWorkflowExecution', 'attributes',
            jsonb_build_object('workflowId', 'c' || n, 'workflowType', 'c')))
        FROM generate_series(1, 2) AS n));
RESET pg_workflow.max_pending_children;

--
-- SignalExternalWorkflowExecution
--
CREATE FUNCTION pg_temp.signal(more jsonb) RETURNS text
LANGUAGE sql AS $$
SELECT pg_temp.refused('SignalExternalWorkflowExecution',
    '{"execution": {"workflowId": "target"}, "signalName": "s"}' || more)
$$;
SELECT pg_temp.signal(a::jsonb) FROM (VALUES ('{"execution": {}}'),
    ('{"execution": 1}'), ('{"execution": {"workflowId": 1}}'),
    ('{"execution": {"workflowId": "target", "runId": "1"}}'),
    ('{"signalName": ""}'), ('{"signalName": 1}'), ('{"header": 1}'),
    ('{"childWorkflowOnly": "yes"}'),
    ('{"namespace": "elsewhere"}')) AS v (a);
SELECT pg_temp.signal(jsonb_build_object('execution',
    jsonb_build_object('workflowId', repeat('x', 1001))));
SELECT pg_temp.signal(jsonb_build_object('signalName', repeat('x', 1001)));
SET pg_workflow.max_pending_signals = 2;
SELECT pg_temp.refused('SignalExternalWorkflowExecution',
    '{"execution": {"workflowId": "c"}, "signalName": "s"}', (
        SELECT jsonb_agg('{"commandType": "SignalExternalWorkflowExecution",
            "attributes": {"execution": {"workflowId": "c"},
                "signalName": "s"}}'::jsonb)
        FROM generate_series(1, 2)));
RESET pg_workflow.max_pending_signals;

--
-- RequestCancelExternalWorkflowExecution
--
CREATE FUNCTION pg_temp.cancel(more jsonb) RETURNS text
LANGUAGE sql AS $$
SELECT pg_temp.refused('RequestCancelExternalWorkflowExecution',
    '{"workflowId": "target"}' || more)
$$;
SELECT pg_temp.cancel(a::jsonb) FROM (VALUES ('{"workflowId": ""}'),
    ('{"workflowId": 1}'), ('{"runId": "1"}'), ('{"reason": 1}'),
    ('{"childWorkflowOnly": 1}'), ('{"namespace": "elsewhere"}')) AS v (a);
SELECT pg_temp.cancel(jsonb_build_object('workflowId', repeat('x', 1001)));
SELECT pg_temp.cancel(jsonb_build_object('reason', repeat('x', 1001)));
-- a child that the same completion starts
SELECT pg_temp.refused('RequestCancelExternalWorkflowExecution',
    '{"workflowId": "c"}', '[{"commandType": "StartChildWorkflowExecution",
        "attributes": {"workflowId": "c", "workflowType": "c"}}]');
SET pg_workflow.max_pending_cancels = 2;
SELECT pg_temp.refused('RequestCancelExternalWorkflowExecution',
    '{"workflowId": "c"}', (
        SELECT jsonb_agg('{"commandType":
            "RequestCancelExternalWorkflowExecution",
            "attributes": {"workflowId": "c"}}'::jsonb)
        FROM generate_series(1, 2)));
RESET pg_workflow.max_pending_cancels;

--
-- ContinueAsNewWorkflowExecution
--
SELECT pg_temp.refused('ContinueAsNewWorkflowExecution', a::jsonb)
FROM (VALUES ('{"workflowType": 1}'), ('{"taskQueue": []}'),
    ('{"workflowRunTimeout": "-1s"}'), ('{"workflowTaskTimeout": "-1s"}'),
    ('{"backoffStartInterval": "-1s"}'), ('{"backoffStartInterval": 1}'),
    ('{"retryPolicy": {"maximumAttempts": -1}}'),
    ('{"cronSchedule": "yearly"}'), ('{"memo": 1}'), ('{"header": 1}'),
    ('{"searchAttributes": 1}'), ('{"failure": 1}'),
    ('{"taskQueue": {"name": "/_sys/q"}}'),
    ('{"initiator": "NOBODY"}')) AS v (a);
SELECT pg_temp.refused('ContinueAsNewWorkflowExecution', jsonb_build_object(
    'workflowType', jsonb_build_object('name', repeat('x', 1001))));
SELECT pg_temp.refused('ContinueAsNewWorkflowExecution', jsonb_build_object(
    'taskQueue', jsonb_build_object('name', repeat('x', 1001))));

--
-- The others, where sql/command.sql leaves something out
--
SELECT pg_temp.refused('CancelTimer', jsonb_build_object('timerId',
    repeat('x', 1001)));
SELECT pg_temp.refused('CancelTimer', '{"timerId": 1}');
SELECT pg_temp.refused('CompleteWorkflowExecution', '[1]');
SELECT pg_temp.refused('CancelWorkflowExecution', '[1]');
SELECT pg_temp.refused('ProtocolMessage', '{}');
SELECT pg_temp.refused('ProtocolMessage', '{"messageId": 1}');
SELECT pg_temp.refused('ProtocolMessage', '{"messageId": "none"}');
SELECT pg_temp.refused('ProtocolMessage', jsonb_build_object('messageId',
    repeat('x', 1001)));

--
-- Something that the workflow has not seen keeps it from closing, however
--
SELECT t.start('cause ' || c) FROM unnest(ARRAY['CompleteWorkflowExecution',
    'FailWorkflowExecution', 'CancelWorkflowExecution',
    'ContinueAsNewWorkflowExecution']) AS c;
CREATE TEMP TABLE closing AS
SELECT c, t.poll('cause ' || c) AS token
FROM unnest(ARRAY['CompleteWorkflowExecution', 'FailWorkflowExecution',
    'CancelWorkflowExecution', 'ContinueAsNewWorkflowExecution']) AS c;
SELECT workflow.signal_workflow_execution('cause ' || c, 's') FROM closing;
SELECT c, t.complete(token, jsonb_build_array(jsonb_build_object(
    'commandType', c, 'attributes', '{"failure": {"message": "m"}}'::jsonb)))
FROM closing ORDER BY c;
SELECT c, t.types('cause ' || c, 4) FROM closing ORDER BY c;

--
-- What is too large ends the workflow
--
SET pg_workflow.payload_size_error = 1000;
SET pg_workflow.memo_size_error = 500;
SELECT jsonb_build_array(repeat('x', 1000)) AS x \gset
SELECT pg_temp.child(jsonb_build_object('input', :'x'::jsonb));
SELECT pg_temp.child(jsonb_build_object('memo', jsonb_build_object('fields',
    jsonb_build_object('m', repeat('x', 500)))));
SELECT pg_temp.signal(jsonb_build_object('input', :'x'::jsonb));
SELECT pg_temp.refused('ContinueAsNewWorkflowExecution',
    jsonb_build_object('input', :'x'::jsonb));
SELECT pg_temp.refused('ContinueAsNewWorkflowExecution',
    jsonb_build_object('memo', jsonb_build_object('fields',
        jsonb_build_object('m', repeat('x', 500)))));
RESET pg_workflow.memo_size_error;
RESET pg_workflow.payload_size_error;
-- so do search attributes, one or all of them
SET pg_workflow.search_attribute_size_error = 100;
SET pg_workflow.search_attributes_size_error = 150;
SELECT pg_temp.refused(command, '{"workflowId": "c", "workflowType": "c"}'
    || jsonb_build_object('searchAttributes', jsonb_build_object(
        'indexedFields', jsonb_build_object('CustomKeywordField',
            repeat('x', 100)))))
FROM unnest(ARRAY['UpsertWorkflowSearchAttributes',
    'ContinueAsNewWorkflowExecution', 'StartChildWorkflowExecution'])
    AS command;
SELECT started FROM workflow.start_workflow_execution('cause both', 'type',
    'cause both', search_attributes => jsonb_build_object(
        'CustomKeywordField', repeat('x', 90)));
SELECT t.step('cause both', jsonb_build_array(jsonb_build_object(
    'commandType', 'UpsertWorkflowSearchAttributes', 'attributes',
    jsonb_build_object('searchAttributes', jsonb_build_object(
        'indexedFields', jsonb_build_object('BinaryChecksums',
            array_fill('x'::text, ARRAY[20])))))));
SELECT t.types('cause both', 4), t.status('cause both');
RESET pg_workflow.search_attribute_size_error;
RESET pg_workflow.search_attributes_size_error;
-- their number does not
SET pg_workflow.max_search_attributes = 1;
SELECT pg_temp.refused('UpsertWorkflowSearchAttributes',
    '{"searchAttributes": {"indexedFields": {"CustomKeywordField": "a",
        "CustomerId": 1}}}');
RESET pg_workflow.max_search_attributes;

--
-- Causes that a worker gives; one of them ends the workflow
--
CREATE FUNCTION pg_temp.failed(cause text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_id text := 'cause of ' || cause;
    v_error text;
BEGIN
    PERFORM t.start(v_id);
    v_error := t.err(format(
        'SELECT workflow.respond_workflow_task_failed(%L, %L,
            ''{"message": "m"}'', ''worker'')', t.poll(v_id), cause));
    RETURN concat_ws(' | ', cause, v_error, t.types(v_id, 4), t.status(v_id),
        (SELECT e.attributes FROM t.events(v_id) AS e WHERE e.id = 4));
END
$$;
SELECT pg_temp.failed(cause) FROM unnest(ARRAY['UNSPECIFIED',
    'RESET_STICKY_TASK_QUEUE', 'WORKFLOW_WORKER_UNHANDLED_FAILURE',
    'WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR',
    'GRPC_MESSAGE_TOO_LARGE', 'PAYLOADS_TOO_LARGE',
    'EXTERNAL_STORAGE_FAILURE', 'UNHANDLED_COMMAND', 'RESET_WORKFLOW', '',
    'nonsense']) AS cause;

--
-- What became of a signal or a cancellation of another workflow
--
SELECT t.start('cause many');
SELECT count(workflow.signal_workflow_execution('cause many', 's'))
FROM generate_series(1, 10000);
SELECT t.err($$ SELECT workflow.signal_workflow_execution('cause many', 's') $$);
SELECT t.start('cause sender');
SELECT t.step('cause sender',
    '[{"commandType": "SignalExternalWorkflowExecution", "attributes":
        {"execution": {"workflowId": "cause many"}, "signalName": "s"}},
      {"commandType": "SignalExternalWorkflowExecution", "attributes":
        {"execution": {"workflowId": "cause none"}, "signalName": "s"}},
      {"commandType": "RequestCancelExternalWorkflowExecution", "attributes":
        {"workflowId": "cause none"}}]');
SELECT t.wait_event('cause sender', 'SignalExternalWorkflowExecutionFailed',
    2);
SELECT t.wait_event('cause sender',
    'RequestCancelExternalWorkflowExecutionFailed');
SELECT attributes ->> 'cause'
FROM workflow.get_workflow_execution_history('cause sender')
WHERE attributes ? 'cause' ORDER BY 1;

SELECT t.cleanup();
