--
-- What the tests of workflows share.  A test names each workflow's task queue
-- like the workflow, so that tests do not take each other's tasks.
--
CREATE SCHEMA t;

-- Tests start workflow ids again at once.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I
        SET pg_workflow.workflow_id_reuse_minimal_interval = 0',
        current_database());
END
$$;

-- Tests of several files use these search attributes.
DO $$
BEGIN
    PERFORM workflow.add_search_attributes(
        '{"CustomKeywordField": "Keyword", "CustomerId": "Int"}');
END
$$;

-- Makes a text of JSON the same in every run: ids, times, sizes, dispatches.
CREATE FUNCTION t.mask(value jsonb) RETURNS text
LANGUAGE sql AS $$
SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    regexp_replace(value::text,
    '[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
    '<uuid>', 'g'),
    '\d{4}-\d\d-\d\dT[\d:.]+Z', '<time>', 'g'),
    '("historySizeBytes": )\d+', '\1"<n>"', 'g'),
    '("requestId": )"\d+\.\d+(\.\d+)?"', '\1"<dispatch>"', 'g'),
    '("taskToken": )"[aw][-.\d]+"', '\1"<token>"', 'g')
$$;

CREATE FUNCTION t.events(workflow text, first bigint DEFAULT 1,
    OUT id bigint, OUT event text, OUT attributes text)
RETURNS SETOF record
LANGUAGE sql AS $$
SELECT e.event_id, e.event_type::text, t.mask(e.attributes)
FROM workflow.get_workflow_execution_history(workflow,
    after_event_id => first - 1) AS e
ORDER BY e.event_id
$$;

-- The kinds of a workflow's events, in one line.
CREATE FUNCTION t.types(workflow text, first bigint DEFAULT 1) RETURNS text
LANGUAGE sql AS $$
SELECT string_agg(e.event_id || ' ' || e.event_type, ', ' ORDER BY e.event_id)
FROM workflow.get_workflow_execution_history(workflow,
    after_event_id => first - 1) AS e
$$;

CREATE FUNCTION t.status(workflow text) RETURNS text
LANGUAGE sql AS $$
SELECT workflow.describe_workflow_execution(workflow)
    #>> '{workflowExecutionInfo,status}'
$$;

-- Waits until a query answers true, at most 10 seconds.
CREATE FUNCTION t.wait_for(query text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_done boolean;
BEGIN
    FOR i IN 1 .. 1000 LOOP
        EXECUTE query INTO v_done;
        IF v_done THEN
            RETURN 'ok';
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN 'timed out';
END
$$;

-- Waits until a workflow has an event of a kind, or so many of them.
CREATE FUNCTION t.wait_event(workflow text, kind text, number int DEFAULT 1)
RETURNS text
LANGUAGE sql AS $$
SELECT t.wait_for(format(
    'SELECT count(*) >= %s
     FROM workflow.get_workflow_execution_history(%L)
     WHERE event_type = %L', number, workflow, kind))
$$;

-- Waits until so many events of a workflow are buffered.
CREATE FUNCTION t.wait_buffered(workflow text, number int) RETURNS text
LANGUAGE sql AS $$
SELECT t.wait_for(format(
    'SELECT count(*) >= %s
     FROM workflow.buffered_event
        JOIN workflow.execution USING (namespace_id, run_key)
     WHERE workflow_id = %L AND close_time IS NULL', number, workflow))
$$;

CREATE FUNCTION t.start(workflow text, input jsonb DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$
SELECT workflow.start_workflow_execution(workflow, 'type', workflow, input,
    identity => 'client')
$$;

-- Claims a workflow task, waiting for it at most 10 seconds.
CREATE FUNCTION t.task(queue text, sticky boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_task jsonb;
BEGIN
    FOR i IN 1 .. 1000 LOOP
        SELECT p::jsonb INTO v_task
        FROM workflow.poll_workflow_task_queue(queue, 1, 'worker', sticky)
            AS p;
        EXIT WHEN v_task IS NOT NULL;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN v_task;
END
$$;

CREATE FUNCTION t.poll(queue text, sticky boolean DEFAULT false) RETURNS text
LANGUAGE sql AS $$
SELECT t.task(queue, sticky)->>'taskToken'
$$;

-- Whether a workflow task can be claimed now; claims it.
CREATE FUNCTION t.has_task(queue text, sticky boolean DEFAULT false)
RETURNS boolean
LANGUAGE sql AS $$
SELECT count(*) > 0
FROM workflow.poll_workflow_task_queue(queue, 1, 'worker', sticky)
$$;

-- When the workflow task of the open run times out, as the scheduler knows.
CREATE FUNCTION t.deadline(workflow text) RETURNS timestamptz
LANGUAGE sql AS $$
SELECT max(d.due_at)
FROM workflow.execution AS e
JOIN workflow.mutable_state AS m USING (namespace_id, run_key)
JOIN workflow.task_deadlines() AS d USING (namespace_id, run_key)
WHERE e.workflow_id = workflow AND d.stamp = m.wft_stamp
$$;

CREATE FUNCTION t.complete(token text, commands jsonb DEFAULT '[]',
    sticky text DEFAULT NULL, inline boolean DEFAULT false,
    force boolean DEFAULT false)
RETURNS text
LANGUAGE sql AS $$
SELECT t.mask(workflow.respond_workflow_task_completed(token, commands,
    'worker', sticky_queue => sticky, return_new_workflow_task => inline,
    force_create_new_workflow_task => force)::jsonb)
$$;

-- Claims a workflow task and completes it.
CREATE FUNCTION t.step(queue text, commands jsonb DEFAULT '[]') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_token text := t.poll(queue);
BEGIN
    RETURN t.complete(v_token, commands);
END
$$;

-- Claims an activity, waiting for it at most 10 seconds.
CREATE FUNCTION t.activity_task(queue text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_task jsonb;
BEGIN
    FOR i IN 1 .. 1000 LOOP
        SELECT p::jsonb INTO v_task
        FROM workflow.poll_activity_task_queue(queue, 1, 'activity worker')
            AS p;
        EXIT WHEN v_task IS NOT NULL;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN v_task;
END
$$;

CREATE FUNCTION t.activity(queue text) RETURNS text
LANGUAGE sql AS $$
SELECT t.activity_task(queue)->>'taskToken'
$$;

CREATE FUNCTION t.has_activity(queue text) RETURNS boolean
LANGUAGE sql AS $$
SELECT count(*) > 0
FROM workflow.poll_activity_task_queue(queue, 1, 'activity worker')
$$;

-- Commands, written shortly.
CREATE FUNCTION t.schedule(id text, more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object(
    'commandType', 'ScheduleActivityTask',
    'attributes', jsonb_build_object('activityId', id,
        'activityType', jsonb_build_object('name', 'act'),
        'startToCloseTimeout', '60s') || more))
$$;

CREATE FUNCTION t.cancel_activity(event_id bigint) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object(
    'commandType', 'RequestCancelActivityTask',
    'attributes', jsonb_build_object('scheduledEventId', event_id)))
$$;

CREATE FUNCTION t.timer(id text, timeout text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType', 'StartTimer',
    'attributes', jsonb_build_object('timerId', id,
        'startToFireTimeout', timeout)))
$$;

CREATE FUNCTION t.cancel_timer(id text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType', 'CancelTimer',
    'attributes', jsonb_build_object('timerId', id)))
$$;

CREATE FUNCTION t.marker(name text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType', 'RecordMarker',
    'attributes', jsonb_build_object('markerName', name)))
$$;

CREATE FUNCTION t.close(result jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object(
    'commandType', 'CompleteWorkflowExecution',
    'attributes', jsonb_strip_nulls(jsonb_build_object('result', result))))
$$;

-- What a statement raises.
CREATE FUNCTION t.err(command text) RETURNS text
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

-- Ends what a test has left open.
CREATE FUNCTION t.cleanup() RETURNS void
LANGUAGE sql AS $$
SELECT workflow.terminate_workflow_execution(workflow_id)
FROM workflow.execution
WHERE namespace_id = 1 AND close_time IS NULL
$$;
