--
-- What a worker is told of a workflow task
--
\a
\t on

-- the whole history for a worker that has not got the run
SELECT t.start('response', '[1]');
SELECT t.task('response') AS task \gset
SELECT t.mask(:'task'::jsonb);
SELECT r.run_id::text = :'task'::jsonb #>> '{workflowExecution,runId}',
    (:'task'::jsonb->>'scheduledTime')::timestamptz = s.event_time,
    (:'task'::jsonb->>'startedTime')::timestamptz = e.event_time
FROM workflow.execution AS r,
    workflow.get_workflow_execution_history('response') AS s,
    workflow.get_workflow_execution_history('response') AS e
WHERE r.workflow_id = 'response' AND s.event_id = 2 AND e.event_id = 3;

-- the events are those that get_workflow_execution_history() shows
SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('eventId', event_id,
        'eventType', event_type, 'attributes', attributes)) ORDER BY event_id)
    = (SELECT jsonb_agg(e - 'eventTime')
       FROM jsonb_array_elements(:'task'::jsonb #> '{history,events}') AS e)
FROM workflow.get_workflow_execution_history('response');

-- what was seen, and what comes now
SELECT t.complete(:'task'::jsonb->>'taskToken', t.marker('m'));
SELECT workflow.signal_workflow_execution('response', 'one');
SELECT t.task('response') AS task \gset
SELECT :'task'::jsonb->'previousStartedEventId',
    :'task'::jsonb->'startedEventId', :'task'::jsonb ? 'nextEventId',
    (SELECT string_agg(e->>'eventId', ' ')
     FROM jsonb_array_elements(:'task'::jsonb #> '{history,events}') AS e);
-- a failed task was not seen
SELECT workflow.respond_workflow_task_failed(:'task'::jsonb->>'taskToken');
SELECT t.task('response') AS task \gset
SELECT :'task'::jsonb->'previousStartedEventId',
    :'task'::jsonb->'startedEventId',
    (SELECT string_agg(e->>'eventId', ' ')
     FROM jsonb_array_elements(:'task'::jsonb #> '{history,events}') AS e),
    (SELECT string_agg(e->>'eventId', ' ')
     FROM jsonb_array_elements(:'task'::jsonb->'transientEvents') AS e);

-- user metadata
SELECT t.start('response metadata');
SELECT t.step('response metadata', '[{"commandType": "StartTimer",
    "attributes": {"timerId": "1", "startToFireTimeout": "0s"},
    "userMetadata": {"summary": "wait", "details": ["a", 1]}}]');
SELECT t.task('response metadata') #> '{history,events,4,userMetadata}';

-- a history too large for one answer is read on by pages
SELECT t.start('response pages');
SELECT count(workflow.signal_workflow_execution('response pages', 's' || n,
    to_jsonb(repeat('x', 1000000)))) FROM generate_series(1, 6) AS n;
SELECT t.task('response pages') AS task \gset
SELECT :'task'::jsonb->'nextEventId' AS next,
    (SELECT string_agg(e->>'eventId', ' ')
     FROM jsonb_array_elements(:'task'::jsonb #> '{history,events}') AS e),
    :'task'::jsonb->'startedEventId';
SELECT string_agg(event_id || ' ' || event_type, ', ' ORDER BY event_id)
FROM workflow.get_workflow_execution_history('response pages',
    after_event_id => (:'task'::jsonb->>'nextEventId')::bigint - 1);

-- several tasks at once, those that wait longest first
SELECT started FROM generate_series(1, 4) AS n,
    workflow.start_workflow_execution('response many ' || n, 'type',
        'response many');
SELECT p #>> '{workflowExecution,workflowId}'
FROM workflow.poll_workflow_task_queue('response many', 3) AS p;
SELECT p #>> '{workflowExecution,workflowId}'
FROM workflow.poll_workflow_task_queue('response many', 3) AS p;
SELECT count(*) FROM workflow.poll_workflow_task_queue('response many', 3);
SELECT t.err(format('SELECT workflow.poll_workflow_task_queue(%s)', arguments))
FROM (VALUES ('NULL'), ('$$$$'), ('$$q$$, 0'), ('$$q$$, -1'),
    ('$$q$$, 1001'), ('$$q$$, NULL'), ('repeat($$x$$, 1001)'),
    ('$$q$$, identity => repeat($$x$$, 1001)'),
    ('$$q$$, namespace => $$nowhere$$')) AS v (arguments);

-- a closed workflow's task is gone
SELECT t.start('response closed');
SELECT workflow.terminate_workflow_execution('response closed');
SELECT t.has_task('response closed');

-- build id, SDK and metering are recorded
SELECT t.start('response sdk');
SELECT workflow.respond_workflow_task_completed(t.poll('response sdk'),
    identity => 'worker', build_id => 'v1',
    sdk_metadata => '{"sdkName": "c", "langUsedFlags": [1, 2]}',
    metering_metadata => '{"nonfirstLocalActivityExecutionAttempts": 3}');
SELECT * FROM t.events('response sdk', 4);

SELECT t.cleanup();
