--
-- Limits of histories and of what is buffered
--
\a
\t on

-- more events than the buffer holds: the started workflow task fails, what
-- is buffered is written, and a new task is scheduled
SELECT t.start('limit buffer');
SELECT t.poll('limit buffer') AS task \gset
SELECT count(workflow.signal_workflow_execution('limit buffer', 's' || n))
FROM generate_series(1, 100) AS n;
SELECT t.types('limit buffer');
SELECT count(*) FROM workflow.buffered_event;
SELECT workflow.signal_workflow_execution('limit buffer', 's101');
SELECT * FROM t.events('limit buffer', 4) WHERE id = 4 OR id > 105;
SELECT min(id), max(id), min(event), max(event)
FROM t.events('limit buffer', 5) WHERE event = 'WorkflowExecutionSignaled';
SELECT string_agg(attributes->>'signalName', ',' ORDER BY event_id)
    = (SELECT string_agg('s' || n, ',' ORDER BY n)
       FROM generate_series(1, 101) AS n)
FROM workflow.get_workflow_execution_history('limit buffer')
WHERE event_type = 'WorkflowExecutionSignaled';
SELECT count(*) FROM workflow.buffered_event;
SELECT t.err(format('SELECT t.complete(%L)', :'task'));
SELECT t.task('limit buffer')->'attempt';

-- more bytes than it holds
SET pg_workflow.max_buffered_size = 1000;
SELECT t.start('limit buffer size');
SELECT t.poll('limit buffer size') IS NOT NULL;
SELECT workflow.signal_workflow_execution('limit buffer size', 'small');
SELECT t.types('limit buffer size');
SELECT workflow.signal_workflow_execution('limit buffer size', 'large',
    to_jsonb(repeat('x', 1000)));
SELECT t.types('limit buffer size', 4);
RESET pg_workflow.max_buffered_size;

-- continuing as new is suggested for the number of events: that of the
-- WorkflowTaskStarted itself
SET pg_workflow.history_count_suggest = 4;
SELECT t.start('limit suggest');
SELECT t.step('limit suggest');
SELECT workflow.signal_workflow_execution('limit suggest', 'one');
SELECT t.step('limit suggest');
SELECT * FROM t.events('limit suggest', 3)
WHERE event = 'WorkflowTaskStarted';
RESET pg_workflow.history_count_suggest;

-- and for the size before it, which is the size of all events before it
SET pg_workflow.history_size_suggest = 1000;
SELECT t.start('limit suggest size', to_jsonb(repeat('x', 1000)));
SELECT t.poll('limit suggest size') AS task \gset
SELECT * FROM t.events('limit suggest size', 3);
SET pg_workflow.history_count_suggest = 2;
SELECT workflow.respond_workflow_task_failed(:'task', identity => 'worker');
SELECT t.task('limit suggest size') #> '{transientEvents,1}' AS started \gset
SELECT t.mask(:'started'::jsonb);
RESET pg_workflow.history_size_suggest;
RESET pg_workflow.history_count_suggest;

-- a run whose history is too long is terminated
SET pg_workflow.history_count_error = 7;
SELECT t.start('limit count');
SELECT t.step('limit count', t.marker('1') || t.marker('2'));
SELECT workflow.signal_workflow_execution('limit count', 'one',
    identity => 'client');
SELECT * FROM t.events('limit count', 7);
SELECT t.status('limit count');
SELECT t.start('limit count completed');
SELECT t.step('limit count completed', t.marker('1') || t.marker('2')
    || t.marker('3') || t.marker('4'));
SELECT * FROM t.events('limit count completed', 8);
SELECT t.status('limit count completed');
-- but it may close itself
SELECT t.start('limit count closed');
SELECT t.step('limit count closed', t.marker('1') || t.marker('2')
    || t.marker('3') || t.close());
SELECT t.status('limit count closed');
RESET pg_workflow.history_count_error;

-- or too large
SET pg_workflow.history_size_error = 2000;
SELECT t.start('limit size');
SELECT workflow.signal_workflow_execution('limit size', 'large',
    to_jsonb(repeat('x', 2000)), identity => 'client');
SELECT event, regexp_replace(attributes, 'x{100,}', 'xxx')
FROM t.events('limit size', 2);
SELECT t.status('limit size');
RESET pg_workflow.history_size_error;

-- the same for what is pending: details of heartbeats count from the end of
-- their attempt on
CREATE FUNCTION pg_temp.state(workflow text, OUT pending_size bigint)
LANGUAGE sql AS $$
SELECT m.pending_size
FROM workflow.mutable_state AS m JOIN workflow.execution AS e
    USING (namespace_id, run_key)
WHERE e.workflow_id = workflow
$$;
SET pg_workflow.mutable_state_size_error = 2000;
SELECT t.start('limit state');
SELECT t.step('limit state', t.schedule('1'));
SELECT pending_size FROM pg_temp.state('limit state');
SELECT t.status('limit state');
SELECT * FROM workflow.record_activity_task_heartbeat(
    t.activity('limit state'), to_jsonb(repeat('x', 2000)));
SELECT workflow.signal_workflow_execution('limit state', 'go',
    request_id => 'a request');
SELECT pending_size FROM pg_temp.state('limit state');
SELECT workflow.respond_activity_task_failed_by_id('limit state', '1',
    '{"message": "bad"}');
SELECT * FROM t.events('limit state', 5);
SELECT t.status('limit state');
-- of timers and children; what has ended counts no more
SELECT t.start('limit state timers');
SELECT t.step('limit state timers', t.timer('1', '9s') || t.timer('22', '9s'));
SELECT pending_size FROM pg_temp.state('limit state timers');
SELECT workflow.signal_workflow_execution('limit state timers', 'go');
SELECT t.step('limit state timers', '[{"commandType": "CancelTimer",
    "attributes": {"timerId": "22"}}]');
SELECT pending_size FROM pg_temp.state('limit state timers');
SELECT workflow.signal_workflow_execution('limit state timers', 'go');
SELECT t.step('limit state timers', '[{"commandType":
    "StartChildWorkflowExecution", "attributes": {"workflowId": "limit child",
    "workflowType": {"name": "child"},
    "taskQueue": {"name": "nobody"}}}]');
SELECT pending_size FROM pg_temp.state('limit state timers');
-- exactly at the limit, and a byte over it
SELECT t.step('limit state timers', t.timer(repeat('x', 999), '9s'));
SELECT pending_size FROM pg_temp.state('limit state timers');
SELECT workflow.signal_workflow_execution('limit state timers', 'go');
SELECT set_config('pg_workflow.mutable_state_size_error',
    (pending_size + 61)::text, false)
FROM pg_temp.state('limit state timers');
SELECT t.step('limit state timers', t.timer('3', '9s'));
SELECT t.status('limit state timers');
SELECT workflow.signal_workflow_execution('limit state timers', 'go');
SELECT t.step('limit state timers', t.timer('4', '9s'));
SELECT t.status('limit state timers');
RESET pg_workflow.mutable_state_size_error;

-- 0 is no limit
SET pg_workflow.history_count_error = 0;
SET pg_workflow.history_size_error = 0;
SET pg_workflow.mutable_state_size_error = 0;
SET pg_workflow.payload_size_error = 0;
SET pg_workflow.memo_size_error = 0;
SET pg_workflow.max_signals_per_execution = 0;
SET pg_workflow.max_pending_activities = 0;
SELECT started FROM workflow.start_workflow_execution('limit none', 'type',
    'limit none', to_jsonb(repeat('x', 2100000)),
    memo => jsonb_build_object('k', repeat('x', 2100000)));
SELECT workflow.signal_workflow_execution('limit none', 's',
    to_jsonb(repeat('x', 2100000)));
SELECT t.step('limit none', t.schedule('1') || t.close());
SELECT t.status('limit none');
RESET ALL;

-- durations have a limit that is not worth an error
SELECT started FROM workflow.start_workflow_execution('limit years', 'type',
    'limit years', workflow_execution_timeout => '200 years');
SELECT t.step('limit years', t.timer('1', '9999999999s'));
SELECT attributes -> 'workflowExecutionTimeout',
    attributes -> 'startToFireTimeout'
FROM workflow.get_workflow_execution_history('limit years')
WHERE event_type IN ('WorkflowExecutionStarted', 'TimerStarted')
ORDER BY event_id;
SELECT fire_time < now() + interval '101 years' FROM workflow.pending_timers
WHERE workflow_id = 'limit years' ORDER BY fire_time;

-- ids as long as the setting says
SET pg_workflow.max_id_length = 5;
SELECT t.err($$ SELECT workflow.start_workflow_execution('123456', 't', 'q') $$);
SELECT t.err($$ SELECT workflow.start_workflow_execution('é23456', 't', 'q') $$);
RESET pg_workflow.max_id_length;

-- what is large, but accepted, is told once to the server's log
SET client_min_messages = log;
SET pg_workflow.history_count_warn = 4;
SET pg_workflow.history_size_warn = 3000;
SET pg_workflow.payload_size_warn = 1000;
SET pg_workflow.memo_size_warn = 500;
SELECT started FROM workflow.start_workflow_execution('limit warn', 'type',
    'limit warn', memo => jsonb_build_object('k', repeat('x', 600)),
    identity => 'client');
SELECT workflow.signal_workflow_execution('limit warn', 's1', '1',
    identity => 'client');
SELECT workflow.signal_workflow_execution('limit warn', 's2', '2',
    identity => 'client');
SELECT workflow.signal_workflow_execution('limit warn', 's3', '3',
    identity => 'client');
SELECT workflow.signal_workflow_execution('limit warn', 's4',
    to_jsonb(repeat('x', 1500)), identity => 'client');
SELECT t.poll('limit warn') AS task \gset
SELECT t.complete(:'task', t.schedule('1',
    jsonb_build_object('input', repeat('x', 1500))));
SELECT t.activity('limit warn') AS activity \gset
SELECT * FROM workflow.record_activity_task_heartbeat(:'activity',
    to_jsonb(repeat('x', 1500)));
SELECT workflow.respond_activity_task_completed(:'activity',
    to_jsonb(repeat('x', 1500)));
RESET client_min_messages;
RESET pg_workflow.history_count_warn;
RESET pg_workflow.history_size_warn;
RESET pg_workflow.payload_size_warn;
RESET pg_workflow.memo_size_warn;

-- the limits as they are unless somebody sets them
CREATE TEMP VIEW limits AS
SELECT name, boot_val, unit, context FROM pg_settings
WHERE name LIKE ANY (ARRAY['pg_workflow.history\_%',
    'pg_workflow.mutable\_state\_%', 'pg_workflow.payload\_%',
    'pg_workflow.memo\_%', 'pg_workflow.search\_attribute%\_error',
    'pg_workflow.max\_id\_length', 'pg_workflow.max\_search\_attributes',
    'pg_workflow.max\_pending\_activities',
    'pg_workflow.max\_signals\_per\_execution',
    'pg_workflow.max\_buffered\_events', 'pg_workflow.max\_buffered\_size',
    'pg_workflow.default\_workflow\_task\_timeout',
    'pg_workflow.max\_workflow\_task\_timeout',
    'pg_workflow.workflow\_task\_%', 'pg_workflow.default\_activity\_%',
    'pg_workflow.sticky\_poller\_ttl', 'pg_workflow.workflow\_id\_%']);
SELECT name, boot_val, unit FROM limits ORDER BY name COLLATE "C";

-- who may change limits
SELECT name, context FROM limits WHERE context <> 'superuser';

SELECT t.cleanup();
