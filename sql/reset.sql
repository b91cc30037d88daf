--
-- Resetting a run to an earlier workflow task
--
\a
\t on

CREATE FUNCTION pg_temp.runs(workflow text, OUT status text,
    OUT events text, OUT reset_by text) RETURNS SETOF record
LANGUAGE sql AS $$
SELECT e.status::text,
    (SELECT string_agg(h.event_id || ' ' || h.event_type, ', '
        ORDER BY h.event_id)
     FROM workflow.get_workflow_execution_history(workflow, e.run_id) AS h),
    (SELECT 'run ' || r.number FROM (SELECT run_id, row_number() OVER
        (ORDER BY run_key) AS number FROM workflow.execution
        WHERE workflow_id = workflow) AS r WHERE r.run_id = e.reset_run_id)
FROM workflow.execution AS e WHERE e.workflow_id = workflow
ORDER BY e.run_key
$$;
CREATE FUNCTION pg_temp.reset(workflow text, event_id bigint DEFAULT NULL,
    type text DEFAULT NULL, run uuid DEFAULT NULL, request text DEFAULT NULL,
    exclude text[] DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_run uuid := workflow.reset_workflow_execution(workflow, 'because',
        event_id, type, run, request, exclude, 'operator');
BEGIN
    RETURN (SELECT 'run ' || count(*) || CASE WHEN v_run = (array_agg(run_id
            ORDER BY run_key DESC))[1] THEN ', the newest' ELSE '' END
        FROM workflow.execution WHERE workflow_id = workflow);
END
$$;
CREATE FUNCTION pg_temp.continue() RETURNS jsonb
LANGUAGE sql AS $$
SELECT '[{"commandType": "ContinueAsNewWorkflowExecution"}]'::jsonb
$$;

--
-- To the first workflow task; what it leaves behind
--
SELECT run_id AS first FROM workflow.start_workflow_execution('reset', 'type',
    'reset', '["in"]', memo => '{"m": 1}', identity => 'client') \gset
SELECT t.step('reset', t.schedule('a'));
SELECT workflow.signal_workflow_execution('reset', 'sig', '[1]',
    request_id => 's1');
SELECT workflow.request_cancel_workflow_execution('reset');
SELECT t.step('reset', t.marker('m'));
SELECT t.types('reset');
SELECT pg_temp.reset('reset', type => 'FIRST_WORKFLOW_TASK');
SELECT * FROM pg_temp.runs('reset');
SELECT * FROM t.events('reset', 4);
SELECT e.attributes
FROM workflow.get_workflow_execution_history('reset', :'first') AS e
WHERE e.event_type = 'WorkflowExecutionTerminated';
-- the first event is copied as it was; the run has a new id
SELECT a.attributes = b.attributes,
    a.attributes ->> 'originalExecutionRunId' = :'first',
    b.event_time = a.event_time
FROM workflow.get_workflow_execution_history('reset', :'first') AS a,
    workflow.get_workflow_execution_history('reset') AS b
WHERE a.event_id = 1 AND b.event_id = 1;
SELECT e.attributes ->> 'baseRunId' = :'first',
    (e.attributes ->> 'newRunId')::uuid = x.run_id,
    x.first_run_id = :'first', x.memo
FROM workflow.get_workflow_execution_history('reset') AS e,
    workflow.execution AS x
WHERE e.event_type = 'WorkflowTaskFailed'
    AND x.workflow_id = 'reset' AND x.close_time IS NULL;
-- the signal's request id is remembered, the cancel request is not repeated
SELECT workflow.signal_workflow_execution('reset', 'sig', request_id => 's1');
SELECT t.types('reset', 5);
SELECT t.has_activity('reset');
SELECT t.step('reset', t.close('["done"]'));
SELECT t.types('reset', 7), t.status('reset');

--
-- A closed run, to its last workflow task; and once more
--
SELECT pg_temp.reset('reset', type => 'RESET_TYPE_LAST_WORKFLOW_TASK');
SELECT t.types('reset'), t.status('reset');
SELECT t.step('reset', t.close());
SELECT pg_temp.reset('reset', 4, run => :'first');
SELECT reset_by FROM pg_temp.runs('reset');
SELECT workflow.terminate_workflow_execution('reset');

--
-- To an event: the end of a workflow task, or its start
--
SELECT run_id AS first FROM workflow.start_workflow_execution('point', 'type',
    'point') \gset
SELECT t.step('point', t.timer('t', '3600s'));
SELECT workflow.signal_workflow_execution('point', 'sig');
SELECT t.poll('point') AS task \gset
SELECT t.types('point');
SELECT n, t.err(format($$ SELECT workflow.reset_workflow_execution('point',
    workflow_task_finish_event_id => %s) $$, n))
FROM unnest(ARRAY[-1, 0, 1, 2, 5, 6, 7, 9, 10, 100]) AS n;
SELECT t.err($$ SELECT workflow.reset_workflow_execution('point',
    reset_type => 'FIRST_WORKFLOW_TASK',
    workflow_task_finish_event_id => 4) $$);
SELECT t.err($$ SELECT workflow.reset_workflow_execution('point') $$);
SELECT t.err($$ SELECT workflow.reset_workflow_execution('point',
    reset_type => 'x') $$);
SELECT t.err($$ SELECT workflow.reset_workflow_execution('point',
    reset_type => 'FIRST_WORKFLOW_TASK',
    reset_reapply_exclude_types => '{x}') $$);
SELECT t.err($$ SELECT workflow.reset_workflow_execution('nobody',
    reset_type => 'FIRST_WORKFLOW_TASK') $$);
SELECT t.err($$ SELECT workflow.reset_workflow_execution('point',
    reset_type => 'FIRST_WORKFLOW_TASK',
    run_id => '00000000-0000-4000-8000-000000000000') $$);
-- 8 is the start of a workflow task: one is started in its place
SELECT pg_temp.reset('point', 8);
SELECT t.types('point'), t.err(format('SELECT t.complete(%L)', :'task'));
SELECT attributes FROM t.events('point', 8) LIMIT 1;
-- the timer fires when it would have
SELECT t.fire_at - e.event_time, count(*) OVER ()
FROM workflow.timer AS t JOIN workflow.execution AS x
    USING (namespace_id, run_key),
    workflow.get_workflow_execution_history('point', :'first') AS e
WHERE x.workflow_id = 'point' AND e.event_type = 'TimerStarted';
SELECT t.step('point', t.cancel_timer('t') || t.close());
SELECT t.types('point', 10);
-- before any completed workflow task there is nothing to reset to
SELECT t.start('point none');
SELECT t.err($$ SELECT workflow.reset_workflow_execution('point none',
    reset_type => 'LAST_WORKFLOW_TASK') $$);

-- back to before a build has worked on it
SELECT t.start('reset build');
SELECT workflow.respond_workflow_task_completed(t.poll('reset build'),
    build_id => build)
FROM (SELECT build, CASE n WHEN 1 THEN NULL ELSE
        workflow.signal_workflow_execution('reset build', build || n) END
    FROM unnest('{good,good,bad,bad}'::text[]) WITH ORDINALITY AS b (build, n)
    ORDER BY n) AS s;
SELECT t.types('reset build');
SELECT t.err($$ SELECT workflow.reset_workflow_execution('reset build',
    reset_type => 'BUILD_ID', build_id => 'none') $$);
SELECT t.err($$ SELECT workflow.reset_workflow_execution('reset build',
    reset_type => 'BUILD_ID') $$);
SELECT t.err($$ SELECT workflow.reset_workflow_execution('reset build',
    reset_type => 'FIRST_WORKFLOW_TASK', build_id => 'bad') $$);
SELECT workflow.reset_workflow_execution('reset build',
    reset_type => 'RESET_TYPE_BUILD_ID', build_id => 'bad') IS NOT NULL;
SELECT t.types('reset build');
SELECT workflow.describe_workflow_execution('reset build', old.run_id)
    #>> '{workflowExtendedInfo,resetRunId}' = new.run_id::text
FROM workflow.execution AS old, workflow.execution AS new
WHERE old.workflow_id = 'reset build' AND old.close_time IS NOT NULL
    AND new.workflow_id = 'reset build' AND new.close_time IS NULL;
SELECT string_agg(attributes #>> '{workerVersion,buildId}', ', '
    ORDER BY event_id)
FROM workflow.get_workflow_execution_history('reset build')
WHERE event_type = 'WorkflowTaskCompleted';
SELECT t.err($$ SELECT pg_temp.reset('point none', 3) $$);
SELECT * FROM pg_temp.runs('point none');
SELECT workflow.terminate_workflow_execution('point none');

--
-- Activities that were open are handed out again, others stay closed
--
SELECT t.start('reset act');
SELECT t.step('reset act', t.schedule('a') || t.schedule('b',
    '{"scheduleToCloseTimeout": "3600s"}'));
SELECT p ->> 'taskToken' AS a
FROM workflow.poll_activity_task_queue('reset act', 1) AS p \gset
SELECT workflow.respond_activity_task_completed(:'a', '["a"]');
SELECT t.activity('reset act') AS b \gset
SELECT t.step('reset act', t.schedule('c'));
SELECT workflow.respond_activity_task_completed(:'b', '["b"]');
SELECT t.types('reset act');
SELECT pg_temp.reset('reset act', 11);
SELECT t.types('reset act', 11);
SELECT activity_id, state, attempt, scheduled_event_id
FROM workflow.pending_activities WHERE workflow_id = 'reset act';
SELECT t.err(format($$ SELECT workflow.respond_activity_task_completed(
    %L) $$, :'b'));
SELECT t.activity('reset act') AS b \gset
SELECT workflow.respond_activity_task_completed(:'b', '["again"]');
SELECT * FROM t.events('reset act', 13);
SELECT workflow.terminate_workflow_execution('reset act');

--
-- The same request id
--
SELECT t.start('reset twice');
SELECT t.step('reset twice');
SELECT pg_temp.reset('reset twice', 4, request => 'r');
SELECT pg_temp.reset('reset twice', 4, request => 'r');
SELECT pg_temp.reset('reset twice', 4, request => 'r2');
SELECT workflow.terminate_workflow_execution('reset twice');

--
-- Signals of the runs that followed, and of the buffer
--
SELECT run_id AS first FROM workflow.start_workflow_execution('chain', 'type',
    'chain') \gset
SELECT workflow.signal_workflow_execution('chain', 'before');
SELECT t.step('chain');
SELECT workflow.signal_workflow_execution('chain', 'one', request_id => 's');
SELECT t.step('chain', pg_temp.continue());
SELECT workflow.signal_workflow_execution('chain', 'two', request_id => 's');
SELECT t.step('chain', pg_temp.continue());
SELECT t.poll('chain') AS task \gset
SELECT workflow.signal_workflow_execution('chain', 'buffered');
SELECT pg_temp.reset('chain', type => 'FIRST_WORKFLOW_TASK',
    run => :'first');
SELECT * FROM pg_temp.runs('chain');
SELECT id, attributes::jsonb ->> 'signalName' FROM t.events('chain')
WHERE event = 'WorkflowExecutionSignaled';
-- none of them
SELECT pg_temp.reset('chain', type => 'FIRST_WORKFLOW_TASK',
    run => :'first', exclude => '{SIGNAL,UPDATE}');
SELECT t.types('chain');
SELECT pg_temp.reset('chain', type => 'FIRST_WORKFLOW_TASK',
    run => :'first', exclude => '{RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL}');
SELECT t.types('chain');
SELECT workflow.terminate_workflow_execution('chain');

--
-- Timeouts begin anew
--
SELECT run_id AS first FROM workflow.start_workflow_execution('late', 'type',
    'late', workflow_execution_timeout => '2 h',
    workflow_run_timeout => '1 h') \gset
SELECT t.step('late');
SELECT pg_temp.reset('late', 4);
SELECT t.kind, t.fire_at - x.start_time, x.start_time > f.start_time
FROM workflow.timer AS t JOIN workflow.execution AS x
    USING (namespace_id, run_key), workflow.execution AS f
WHERE x.workflow_id = 'late' AND f.run_id = :'first' ORDER BY t.kind;
SELECT workflow.terminate_workflow_execution('late');

--
-- Children
--
CREATE FUNCTION pg_temp.child(id text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object(
    'commandType', 'StartChildWorkflowExecution', 'attributes',
    jsonb_build_object('workflowId', id, 'workflowType', '{"name": "type"}'
        ::jsonb, 'taskQueue', jsonb_build_object('name', id))))
$$;
SELECT t.start('reset parent');
SELECT t.step('reset parent', pg_temp.child('reset child 1'));
SELECT t.wait_event('reset parent', 'ChildWorkflowExecutionStarted');
SELECT t.step('reset parent', pg_temp.child('reset child 2'));
SELECT t.wait_event('reset parent', 'ChildWorkflowExecutionStarted', 2);
SELECT t.types('reset parent', 4);
SELECT run_id AS child FROM workflow.execution
WHERE workflow_id = 'reset child 1' \gset
-- the first lives on, the second, started after the point, is terminated
SELECT pg_temp.reset('reset parent', 9);
SELECT t.wait_for($$ SELECT t.status('reset child 2') LIKE '%TERMINATED' $$);
SELECT t.status('reset child 1'), t.types('reset parent', 5);
SELECT initiated_event_id, child_run_id = :'child'
FROM workflow.pending_children WHERE workflow_id = 'reset parent';
-- it is started again when the workflow says so again
SELECT t.step('reset parent', pg_temp.child('reset child 2'));
SELECT t.wait_event('reset parent', 'ChildWorkflowExecutionStarted', 2);
SELECT count(*) FROM workflow.execution WHERE workflow_id = 'reset child 2';
-- and the first tells the new run of its end
SELECT t.step('reset child 1', t.close('["one"]'));
SELECT t.wait_event('reset parent', 'ChildWorkflowExecutionCompleted');
SELECT t.types('reset parent', 9);
-- a result that came after the point is told again
SELECT pg_temp.reset('reset parent', 9);
SELECT t.types('reset parent', 8);
SELECT count(*) FROM workflow.pending_children
WHERE workflow_id = 'reset parent';

-- a child that ended after its parent: the new run is told of its end
SELECT t.start('reset late');
SELECT t.step('reset late', pg_temp.child('reset late child'));
SELECT t.wait_event('reset late', 'ChildWorkflowExecutionStarted');
SELECT t.step('reset late', t.close());
SELECT t.wait_for($$ SELECT t.status('reset late child') LIKE '%TERMINATED'
$$);
SELECT workflow.reset_workflow_execution('reset late', 'again',
    reset_type => 'LAST_WORKFLOW_TASK') IS NOT NULL AS reset;
SELECT t.wait_event('reset late', 'ChildWorkflowExecutionTerminated');
SELECT t.types('reset late', 9);
SELECT workflow.terminate_workflow_execution('reset late');
SELECT workflow.terminate_workflow_execution('reset parent');

--
-- A pause that is part of what is copied holds
--
SELECT t.start('reset pause');
SELECT workflow.pause_workflow_execution('reset pause');
SELECT t.types('reset pause');
SELECT pg_temp.reset('reset pause', 4);
SELECT t.types('reset pause', 3), t.status('reset pause');
SELECT t.has_task('reset pause');
SELECT workflow.unpause_workflow_execution('reset pause');
SELECT t.types('reset pause', 6), t.status('reset pause');
SELECT t.step('reset pause', t.timer('t', '3600s'));
-- one that is not, does not
SELECT workflow.pause_workflow_execution('reset pause');
SELECT pg_temp.reset('reset pause', type => 'LAST_WORKFLOW_TASK');
SELECT t.types('reset pause', 6), t.status('reset pause');
SELECT workflow.terminate_workflow_execution('reset pause');

--
-- Starts that were attached to the run, before and after the point, are
-- attached to the new one: repeating them succeeds
--
CREATE FUNCTION pg_temp.attach(request text) RETURNS boolean
LANGUAGE sql AS $$
SELECT started FROM workflow.start_workflow_execution('reset attached', 'type',
    'reset attached', request_id => request, identity => 'client',
    workflow_id_conflict_policy => 'WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING',
    on_conflict_options => '{"attachRequestId": true}')
$$;
SELECT t.start('reset attached');
SELECT pg_temp.attach('before');
SELECT t.step('reset attached');
SELECT pg_temp.attach('after');
SELECT pg_temp.reset('reset attached', 5);
SELECT t.types('reset attached');
SELECT pg_temp.attach('before'), pg_temp.attach('after');
SELECT t.types('reset attached', 6);
SELECT workflow.terminate_workflow_execution('reset attached');
