--
-- Reading histories: pages, directions, filters, runs
--
CREATE FUNCTION pg_temp.fails(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
BEGIN
    EXECUTE command;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE || ': ' || SQLERRM,
        nullif(v_detail, ''));
END
$$;

-- three runs of one workflow: two closed, the last one open; a run id ends
-- with the run_key, f00000000009 less 1 to 5
\set runs 263882790666249
BEGIN;
INSERT INTO workflow.execution (namespace_id, run_key, run_id, workflow_id,
    workflow_type, task_queue, status, start_time, execution_time, close_time,
    first_run_id, start_request_id, workflow_task_timeout, previous_run_key)
SELECT 1, :runs - n, ('00000000-0000-0000-0000-f0000000000' || 9 - n)::uuid,
    CASE WHEN n < 4 THEN 'regress many' ELSE 'regress closed' END, 't', 'q',
    CASE WHEN n = 1 THEN 'Running' ELSE 'Completed' END::workflow.execution_status,
    '2026-01-01Z', '2026-01-01Z',
    CASE WHEN n > 1 THEN timestamptz '2026-01-02Z' END,
    gen_random_uuid(), 'r', '10 s',
    CASE WHEN n IN (3, 5) THEN 0 ELSE :runs - n - 1 END
FROM generate_series(1, 5) AS n;
INSERT INTO workflow.history_batch
SELECT 1, :runs - n, e, workflow.pack_event(
    timestamptz '2026-01-01Z' + e * interval '1 second',
    CASE WHEN e = 1 THEN 'WorkflowExecutionStarted'
        WHEN e = 7 AND n > 1 THEN 'WorkflowExecutionCompleted'
        ELSE 'WorkflowExecutionSignaled' END::workflow.event_type,
    jsonb_build_object('run', n),
    CASE WHEN e = 1 THEN '{"summary": "first"}'::jsonb END)
FROM generate_series(1, 5) AS n, generate_series(1, 7) AS e;

-- a whole history
SELECT event_id, event_time AT TIME ZONE 'UTC' AS time, event_type,
    attributes, user_metadata
FROM workflow.get_workflow_execution_history('regress many');

-- page by page, forward and backward
SELECT array_agg(event_id) FROM workflow.get_workflow_execution_history(
    'regress many', page_size => 3);
SELECT array_agg(event_id) FROM workflow.get_workflow_execution_history(
    'regress many', after_event_id => 3, page_size => 3);
SELECT array_agg(event_id) FROM workflow.get_workflow_execution_history(
    'regress many', after_event_id => 6, page_size => 3);
SELECT array_agg(event_id) FROM workflow.get_workflow_execution_history(
    'regress many', after_event_id => 7, page_size => 3);
SELECT array_agg(event_id) FROM workflow.get_workflow_execution_history(
    'regress many', page_size => 3, reverse => true);
SELECT array_agg(event_id) FROM workflow.get_workflow_execution_history(
    'regress many', after_event_id => 5, page_size => 3, reverse => true);
SELECT array_agg(event_id) FROM workflow.get_workflow_execution_history(
    'regress many', after_event_id => 2, page_size => 3, reverse => true);
SELECT array_agg(event_id) FROM workflow.get_workflow_execution_history(
    'regress many', after_event_id => 1, page_size => 3, reverse => true);

-- the close event: of a closed run only, and only once
SELECT event_id, event_type FROM workflow.get_workflow_execution_history(
    'regress many', filter => 'HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT');
SELECT event_id, event_type FROM workflow.get_workflow_execution_history(
    'regress closed', filter => 'HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT');
SELECT event_id, event_type FROM workflow.get_workflow_execution_history(
    'regress closed', filter => 'HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT',
    reverse => true);
SELECT event_id, event_type FROM workflow.get_workflow_execution_history(
    'regress closed', filter => 'HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT',
    after_event_id => 7);
SELECT event_id, event_type FROM workflow.get_workflow_execution_history(
    'regress closed', filter => 'HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT',
    after_event_id => 6, page_size => 1);

-- which run: the open one, else the newest, or the one that is named
SELECT DISTINCT attributes FROM workflow.get_workflow_execution_history(
    'regress many');
SELECT DISTINCT attributes FROM workflow.get_workflow_execution_history(
    'regress closed');
SELECT DISTINCT attributes FROM workflow.get_workflow_execution_history(
    'regress many', '00000000-0000-0000-0000-f00000000006');

-- nulls are defaults
SELECT count(*) FROM workflow.get_workflow_execution_history(
    'regress many', NULL, NULL, NULL, NULL, NULL);

-- refused
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress none')$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many',
    '00000000-0000-0000-0000-000000000009')$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress closed',
    '00000000-0000-0000-0000-f00000000008')$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many',
    '00000000-0000-0000-0001-f00000000008')$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('')$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history(NULL)$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many', page_size => 0)$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many', page_size => 10001)$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many', after_event_id => -1)$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many', filter => 'ALL')$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many', namespace => 'regress none')$$);
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many', namespace => NULL)$$);

ROLLBACK;

-- plans survive the extension they were made for
BEGIN;
DROP EXTENSION pg_workflow;
CREATE EXTENSION pg_workflow;
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many')$$);
ROLLBACK;
SELECT pg_temp.fails($$SELECT workflow.get_workflow_execution_history('regress many')$$);
