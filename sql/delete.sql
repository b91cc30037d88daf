--
-- Deleting runs, on request and by retention
--
\a
\t on

-- rows that a run has anywhere
CREATE FUNCTION pg_temp.rows(key bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_table name;
    v_count bigint;
    v_found text := '';
BEGIN
    FOR v_table IN
        SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a
            ON a.attrelid = c.oid AND a.attname = 'run_key'
        WHERE c.relnamespace = 'workflow'::regnamespace AND c.relkind = 'r'
        ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT count(*) FROM workflow.%I WHERE run_key = $1',
            v_table) INTO v_count USING key;
        IF v_count > 0 THEN
            v_found := concat_ws(' ', nullif(v_found, ''), v_table);
        END IF;
    END LOOP;
    RETURN v_found;
END
$$;
CREATE FUNCTION pg_temp.key(workflow text) RETURNS bigint
LANGUAGE sql AS $$
SELECT max(run_key) FROM workflow.execution WHERE workflow_id = workflow
$$;
CREATE FUNCTION pg_temp.wait_gone(key bigint) RETURNS text
LANGUAGE sql AS $$
SELECT t.wait_for(format('SELECT pg_temp.rows(%s) = ''''', key))
$$;

-- a closed run
SELECT t.start('del');
SELECT t.step('del', t.close());
SELECT pg_temp.key('del') AS key \gset
SELECT pg_temp.rows(:key);
SELECT workflow.delete_workflow_execution('del');
SELECT pg_temp.rows(:key);
SELECT t.err($$ SELECT workflow.describe_workflow_execution('del') $$);
SELECT t.err($$ SELECT workflow.delete_workflow_execution('del') $$);
SELECT t.err($$ SELECT workflow.delete_workflow_execution(NULL) $$);
-- the workflow id is free, and its other runs are not touched
SELECT t.start('del');
SELECT workflow.terminate_workflow_execution('del');
SELECT run_id AS run FROM workflow.execution WHERE workflow_id = 'del' \gset
SELECT t.start('del');
SELECT workflow.delete_workflow_execution('del', :'run');
SELECT t.types('del'), count(*) FROM workflow.execution
WHERE workflow_id = 'del';
SELECT split_part(t.err(format(
    $$ SELECT workflow.delete_workflow_execution('del', %L) $$, :'run')),
    ' |', 1);

-- an open run with all that it may have
SELECT t.step('del', t.schedule('a') || t.timer('t', '3600s')
    || '[{"commandType": "StartChildWorkflowExecution", "attributes":
    {"workflowId": "del child", "workflowType": {"name": "type"}}}]');
SELECT t.wait_event('del', 'ChildWorkflowExecutionStarted');
SELECT t.poll('del') IS NOT NULL;
SELECT workflow.signal_workflow_execution('del', 'sig', request_id => 'r');
SELECT pg_temp.key('del') AS key \gset
SELECT pg_temp.rows(:key);
-- it is terminated first, as a part of the caller's transaction
BEGIN;
SELECT workflow.delete_workflow_execution('del');
SELECT e.attributes
FROM workflow.get_workflow_execution_history('del', reverse => true) AS e
LIMIT 1;
ROLLBACK;
SELECT t.status('del');
SELECT workflow.delete_workflow_execution('del');
SELECT pg_temp.wait_gone(:key);
-- its child has been told
SELECT t.wait_for($$ SELECT t.status('del child') LIKE '%TERMINATED' $$);
-- a child's parent is told before the child is gone
SELECT t.start('del parent');
SELECT t.step('del parent', '[{"commandType": "StartChildWorkflowExecution",
    "attributes": {"workflowId": "del child",
    "workflowType": {"name": "type"}}}]');
SELECT t.wait_event('del parent', 'ChildWorkflowExecutionStarted');
SELECT pg_temp.key('del child') AS key \gset
SELECT workflow.delete_workflow_execution('del child');
SELECT t.wait_event('del parent', 'ChildWorkflowExecutionTerminated');
SELECT pg_temp.wait_gone(:key);
SELECT workflow.delete_workflow_execution('del parent');
SELECT t.wait_for($$ SELECT count(*) = 0 FROM workflow.execution
    WHERE workflow_id = 'del parent' $$);

--
-- Retention
--
SELECT workflow.register_namespace('keep short', '0');
SELECT workflow.register_namespace('keep long', '1 h');
SELECT count(*) FROM generate_series(1, 120) AS n, LATERAL
    workflow.start_workflow_execution('keep ' || n, 'type', 'keep',
        namespace => CASE WHEN n <= 100 THEN 'keep short'
            ELSE 'keep long' END);
SELECT count(workflow.terminate_workflow_execution('keep ' || n,
    namespace => CASE WHEN n <= 100 THEN 'keep short' ELSE 'keep long' END))
FROM generate_series(2, 120) AS n;
ALTER SYSTEM SET pg_workflow.scheduler_look_interval = '1s';
SELECT pg_reload_conf();
-- anything that is due makes the scheduler see it
SELECT 1 FROM workflow.start_workflow_execution('del look', 'type', 'del look',
    workflow_start_delay => '0.01 s');
SELECT t.step('del look', t.close());
-- all that are closed go, and no others
SELECT t.wait_for($$ SELECT count(*) = 1 FROM workflow.execution
    WHERE workflow_id LIKE 'keep %'
        AND namespace_id <> (SELECT namespace_id FROM workflow.namespace
            WHERE name = 'keep long') $$);
SELECT n.name, count(DISTINCT e.run_key), count(DISTINCT e.close_time) > 0,
    count(h.event_id)
FROM workflow.execution AS e JOIN workflow.namespace AS n USING (namespace_id)
    JOIN workflow.history_event AS h USING (namespace_id, run_key)
WHERE n.name LIKE 'keep%'
GROUP BY n.name ORDER BY n.name;
-- a shorter retention holds for the runs that are there
SELECT workflow.update_namespace('keep long', retention => '0');
SELECT t.wait_for($$ SELECT count(*) = 1 FROM workflow.execution
    WHERE workflow_id LIKE 'keep %' $$);
ALTER SYSTEM RESET pg_workflow.scheduler_look_interval;
SELECT pg_reload_conf();
SELECT workflow.delete_workflow_execution('keep 1',
    namespace => 'keep short');
SELECT t.wait_for($$ SELECT count(*) = 0 FROM workflow.execution
    WHERE workflow_id LIKE 'keep %' $$);
DELETE FROM workflow.namespace WHERE name LIKE 'keep %';
-- no history without its run
SELECT count(*) FROM workflow.history_event AS h
WHERE NOT EXISTS (SELECT FROM workflow.execution AS e
    WHERE e.namespace_id = h.namespace_id AND e.run_key = h.run_key);
