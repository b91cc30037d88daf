--
-- Histories as Temporal's files, and back
--
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
BEGIN;
INSERT INTO workflow.execution (namespace_id, run_key, run_id, workflow_id,
    workflow_type, task_queue, status, start_time, execution_time, close_time,
    first_run_id, start_request_id, workflow_task_timeout)
VALUES (1, -1, '00000000-0000-0000-0000-000000000001', 'regress file', 't',
    'q', 'Completed', '2026-01-01Z', '2026-01-01Z', '2026-01-01Z',
    '00000000-0000-0000-0000-000000000001', 'r', '10 s');

CREATE TEMP TABLE event (event_id bigint, event_time timestamptz,
    event_type text, attributes jsonb, user_metadata jsonb);
INSERT INTO event VALUES
(1, '2026-01-01 00:00:00Z', 'WorkflowExecutionStarted', '{
  "workflowType": {"name": "order"},
  "parentWorkflowExecution": {"workflowId": "p", "runId": "r"},
  "parentInitiatedEventId": 7,
  "taskQueue": {"name": "q", "kind": "TASK_QUEUE_KIND_NORMAL"},
  "input": [{"a": [1, [2, 3], {"b": null}], "c": "é\"\n"}, "two", 3.50, true, null, []],
  "workflowRunTimeout": "1800s", "workflowTaskTimeout": "0.500s",
  "firstWorkflowTaskBackoff": "0.000001s",
  "workflowExecutionExpirationTime": "2026-01-01T00:30:00.500000Z",
  "attempt": 1,
  "retryPolicy": {"initialInterval": "1s", "backoffCoefficient": 2.5, "maximumAttempts": 3, "nonRetryableErrorTypes": ["A", "B"]},
  "memo": {"fields": {"note": {"x": 1}, "gone": null}},
  "searchAttributes": {"indexedFields": {"Text": "t", "Int": 5, "Double": 1.5, "Bool": false, "List": ["a", "b"], "Gone": null}},
  "header": {"fields": {"trace": "id"}},
  "prevAutoResetPoints": {"points": [{"buildId": "b", "firstWorkflowTaskCompletedId": 4, "createTime": "2026-01-01T00:00:00.000000Z"}]},
  "continuedFailure": {"message": "outer", "source": "CSDK", "stackTrace": "at x",
    "cause": {"message": "inner", "applicationFailureInfo": {"type": "T", "nonRetryable": true, "details": [1, "x"], "nextRetryDelay": "5s"}},
    "timeoutFailureInfo": {"timeoutType": "TIMEOUT_TYPE_HEARTBEAT", "lastHeartbeatDetails": [{"done": 1}]}},
  "completionCallbacks": [{"nexus": {"url": "u"}, "links": [{"workflowEvent": {"workflowId": "w", "eventRef": {"eventId": 5, "eventType": "EVENT_TYPE_TIMER_FIRED"}}}]}]
}', '{"summary": "an order", "details": "of pizza"}'),
(2, '2026-01-01 00:00:00.1Z', 'WorkflowTaskScheduled', '{"taskQueue": {"name": "private", "kind": "TASK_QUEUE_KIND_STICKY", "normalName": "q"}, "startToCloseTimeout": "10s", "attempt": 1}', NULL),
(3, '2026-01-01 00:00:00.12Z', 'WorkflowTaskStarted', '{"scheduledEventId": 2, "identity": "w", "requestId": "r", "historySizeBytes": 9007199254740993}', NULL),
(4, '2026-01-01 00:00:00.123456Z', 'WorkflowTaskCompleted', '{"scheduledEventId": 2, "startedEventId": 3, "identity": "w", "sdkMetadata": {"langUsedFlags": [1, 2], "sdkName": "c", "sdkVersion": "1"}}', NULL),
(5, '2026-01-01 00:00:01Z', 'ActivityTaskScheduled', '{"activityId": "1", "activityType": {"name": "a"}, "taskQueue": {"name": "q"}, "input": [], "scheduleToCloseTimeout": "31536000s", "startToCloseTimeout": "10s", "workflowTaskCompletedEventId": 4, "retryPolicy": {"initialInterval": "1s"}}', NULL),
(6, '2026-01-01 00:00:01Z', 'ActivityTaskStarted', '{"scheduledEventId": 5, "attempt": 2, "lastFailure": {"message": "m", "serverFailureInfo": {}}}', NULL),
(7, '2026-01-01 00:00:01Z', 'ActivityTaskCompleted', '{"result": [{"@payload": {"metadata": {"encoding": "YmluYXJ5L3BsYWlu", "mine": "eA=="}, "data": "AAEC"}}], "scheduledEventId": 5, "startedEventId": 6}', NULL),
(8, '2026-01-01 00:00:01Z', 'MarkerRecorded', '{"markerName": "v", "details": {"one": [1], "none": [], "two": [1, 2]}, "workflowTaskCompletedEventId": 4, "header": {"fields": {}}}', NULL),
(9, '2026-01-01 00:00:01Z', 'TimerStarted', '{"timerId": "t", "startToFireTimeout": "1800s", "workflowTaskCompletedEventId": 4}', '{"summary": null}'),
(10, '2026-01-01 00:00:01Z', 'NexusOperationScheduled', '{"endpoint": "e", "input": {"one": 1}, "nexusHeader": {"k": "v"}, "startToCloseTimeout": "1s"}', NULL),
(11, '2026-01-01 00:00:01Z', 'WorkflowExecutionUpdateAccepted', '{"protocolInstanceId": "u", "acceptedRequestSequencingEventId": 3, "acceptedRequest": {"meta": {"updateId": "u"}, "input": {"name": "n", "args": [1]}}}', NULL),
(12, '2026-01-01 00:00:01Z', 'WorkflowExecutionUpdateCompleted', '{"meta": {"updateId": "u"}, "acceptedEventId": 11, "outcome": {"success": ["ok"]}}', NULL),
(13, '2026-01-01 00:00:01Z', 'WorkflowExecutionTimeSkippingTransitioned', '{"targetTime": "2026-01-02T00:00:00.000000Z"}', NULL),
(14, '2026-01-01 00:00:01Z', 'WorkflowExecutionCompleted', '{"result": [null], "workflowTaskCompletedEventId": 4, "fromTheFuture": {"x": ["y"]}}', NULL);

INSERT INTO workflow.history_batch
SELECT 1, -1, event_id, workflow.pack_event(event_time,
    event_type::workflow.event_type, attributes, user_metadata)
FROM event;

-- one line an event; the order of members is that of Temporal's tools
SELECT e.value FROM workflow.history_json('regress file') AS h,
    json_array_elements(h -> 'events') WITH ORDINALITY AS e
ORDER BY e.ordinality \g (format=unaligned tuples_only=on)

-- payloads are the text of their JSON
SELECT convert_from(decode(p ->> 'data', 'base64'), 'UTF8') AS data,
    convert_from(decode(p -> 'metadata' ->> 'encoding', 'base64'), 'UTF8') AS encoding
FROM workflow.history_json('regress file') AS h,
    json_array_elements(h -> 'events' -> 0 -> 'workflowExecutionStartedEventAttributes'
        -> 'input' -> 'payloads') AS p;

-- and back: the same events
SELECT e.event_id,
    e.event_time = f.event_time AND e.event_type = f.event_type::text AS same,
    e.attributes = f.attributes AS same_attributes,
    e.user_metadata IS NOT DISTINCT FROM f.user_metadata AS same_metadata
FROM event AS e
FULL JOIN workflow.history_from_json(
    workflow.history_json('regress file')) AS f USING (event_id)
ORDER BY event_id;

-- every type of event has its member in a file
DELETE FROM workflow.history_batch WHERE run_key = -1;
INSERT INTO workflow.history_batch
SELECT 1, -1, row_number() OVER (ORDER BY t),
    workflow.pack_event('2026-01-01Z', t, '{}')
FROM unnest(enum_range(NULL::workflow.event_type)) AS t;
SELECT e ->> 'eventId' AS id, e ->> 'eventType' AS type,
    (SELECT string_agg(k, ' ') FROM json_object_keys(e) AS k
     WHERE k NOT IN ('eventId', 'eventTime', 'eventType', 'taskId')) AS members
FROM json_array_elements(workflow.history_json('regress file') -> 'events') AS e;
SELECT count(*), count(*) FILTER (WHERE h.event_type = f.event_type)
FROM workflow.history_from_json(workflow.history_json('regress file')) AS f
JOIN workflow.get_workflow_execution_history('regress file') AS h
    USING (event_id);
ROLLBACK;

-- a file of other tools: short names, numbers, defaults, more digits
SELECT event_id, event_time, event_type, attributes, user_metadata
FROM workflow.history_from_json('{"events": [
  {"eventId": 1, "eventTime": "2026-01-01T00:00:00.123456789Z", "eventType": "WorkflowExecutionStarted", "version": "0", "taskId": "1048587",
   "workflowExecutionStartedEventAttributes": {"workflowType": {"name": "w"}, "workflowRunTimeout": "0s", "parentInitiatedEventId": "0", "header": {}, "identity": "", "attempt": 1,
     "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "eyJhIjogWzEsIDJdfQ=="}]}}},
  {"eventId": "2", "eventType": 5, "workflowTaskScheduledEventAttributes": {"attempt": 1}},
  {"eventId": "3", "eventTime": "2026-01-01T00:00:00Z", "eventType": "EVENT_TYPE_TIMER_FIRED"}]}');

-- payloads that would not survive as plain values are kept as they are
SELECT attributes -> 'input' AS input FROM workflow.history_from_json('{"events": [
  {"eventId": "1", "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED", "workflowExecutionSignaledEventAttributes": {"input": {"payloads": [
    {"metadata": {"encoding": "anNvbi9wbGFpbg==", "type": "eA=="}, "data": "MQ=="},
    {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "bnVsbA=="},
    {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IlwxMFx1MDAwMCI="},
    {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "eyJAcGF5bG9hZCI6MX0="},
    {"metadata": {"encoding": "anNvbi9wbGFpbg=="}},
    {"metadata": {"encoding": "anNvbi9wcm90b2J1Zg==", "messageType": "eA=="}, "data": "e30="},
    {"metadata": {}}, {}]}}}]}') \g (format=unaligned tuples_only=on)

-- not histories
SELECT workflow.history_from_json('[]');
SELECT workflow.history_from_json('{"events": {}}');
SELECT workflow.history_from_json('{"events": [{"eventId": "1", "eventType": "Nothing"}]}');
SELECT workflow.history_from_json('{"events": [{"eventType": "TimerFired"}]}');
SELECT workflow.history_from_json('{"events": [{"eventId": "x", "eventType": "TimerFired"}]}');
SELECT workflow.history_json('regress file');

-- a user's object with such a key is plain JSON, and stays whole
SELECT t.start('json marked', '[{"@payload": 255, "more": 1},
    {"@payload": {"x": 1}}, {"@payload": {"metadata": 1}}, {"@payload": {}}]');
SELECT h.attributes -> 'input' = f.attributes -> 'input'
FROM workflow.get_workflow_execution_history('json marked') AS h,
    workflow.history_from_json(workflow.history_json('json marked')) AS f
WHERE h.event_id = 1 AND f.event_id = 1;
SELECT convert_from(decode(p -> 'data' #>> '{}', 'base64'), 'UTF8')
FROM jsonb_array_elements(workflow.history_json('json marked')::jsonb
    #> '{events,0,workflowExecutionStartedEventAttributes,input,payloads}')
    AS p;

SELECT t.cleanup();
