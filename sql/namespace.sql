--
-- Namespaces: registering, changing and describing them
--
CREATE FUNCTION pg_temp.fails(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE command;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL,
        v_hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ': ' || SQLERRM,
        nullif(v_detail, ''), nullif(v_hint, ''));
END
$$;

-- there is one from the start
SELECT namespace, description, retention FROM workflow.namespaces
WHERE namespace = 'default';

SELECT workflow.register_namespace('regress ns', '7 days', 'for tests');
SELECT workflow.register_namespace('regress plain');
SELECT workflow.describe_namespace('regress ns') #- '{namespaceInfo,createTime}';
SELECT workflow.describe_namespace('regress plain') #- '{namespaceInfo,createTime}';
SELECT workflow.describe_namespace() -> 'namespaceInfo' ->> 'name' AS name;

-- what is null stays
SELECT workflow.update_namespace('regress ns', retention => '90 minutes');
SELECT workflow.update_namespace('regress ns', description => 'changed');
SELECT workflow.update_namespace('regress plain', '1 month', '');
SELECT namespace, description, retention FROM workflow.namespaces
WHERE namespace = 'default' OR namespace LIKE 'regress%'
ORDER BY namespace;

-- refusals change nothing
SELECT pg_temp.fails($$SELECT workflow.register_namespace('regress ns')$$);
SELECT pg_temp.fails($$SELECT workflow.register_namespace('default')$$);
SELECT pg_temp.fails($$SELECT workflow.register_namespace('')$$);
SELECT pg_temp.fails($$SELECT workflow.register_namespace(repeat('x', 1001))$$);
SELECT pg_temp.fails($$SELECT workflow.register_namespace('regress x', '-1 second')$$);
SELECT pg_temp.fails($$SELECT workflow.update_namespace('regress ns', '-1 day')$$);
SELECT pg_temp.fails($$SELECT workflow.update_namespace('regress ns', '200000 years')$$);
SELECT pg_temp.fails($$SELECT workflow.update_namespace('regress none')$$);
SELECT pg_temp.fails($$SELECT workflow.update_namespace(NULL)$$);
SELECT pg_temp.fails($$SELECT workflow.describe_namespace('regress none')$$);
SELECT count(*) FROM workflow.namespaces
WHERE namespace = 'default' OR namespace LIKE 'regress%';

-- 1000 bytes are not too many
SELECT workflow.register_namespace(repeat('é', 500), '0');
SELECT length(namespace), retention FROM workflow.namespaces
WHERE namespace LIKE 'é%';

-- a null argument of a strict function does nothing
SELECT workflow.register_namespace(NULL) IS NULL AS is_null;

-- what a transaction registers is there for it, and gone with it
BEGIN;
SELECT workflow.register_namespace('regress undone');
SELECT workflow.describe_namespace('regress undone') -> 'namespaceInfo' ->> 'name' AS name;
SAVEPOINT s;
SELECT workflow.update_namespace('regress undone', description => 'inner');
ROLLBACK TO s;
SELECT workflow.describe_namespace('regress undone') -> 'namespaceInfo' ->> 'description' AS description;
ROLLBACK;
SELECT pg_temp.fails($$SELECT workflow.describe_namespace('regress undone')$$);

-- so is what the cache knows of a name when its row changes
UPDATE workflow.namespace SET name = 'regress renamed'
WHERE name = 'regress plain';
SELECT pg_temp.fails($$SELECT workflow.describe_namespace('regress plain')$$);
SELECT workflow.describe_namespace('regress renamed') -> 'namespaceInfo' ->> 'name' AS name;

-- the caller's search_path, temporary objects and settings do not matter
CREATE TEMP TABLE namespace (namespace_id integer, name text);
CREATE SCHEMA regress_trap;
CREATE FUNCTION regress_trap.equal_trap(integer, integer) RETURNS boolean
LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR regress_trap.= (
    LEFTARG = integer, RIGHTARG = integer,
    FUNCTION = regress_trap.equal_trap);
SET search_path = regress_trap, pg_temp, public, pg_catalog;
SELECT workflow.update_namespace('regress ns', description => 'safe');
SELECT workflow.describe_namespace('regress ns') -> 'namespaceInfo' ->> 'description' AS description;
SHOW search_path;
RESET search_path;
DROP SCHEMA regress_trap CASCADE;
SHOW enable_seqscan;

-- nor does an error on the way leave anything of them
SELECT pg_temp.fails($$SELECT workflow.register_namespace('regress ns')$$);
SHOW search_path;
SELECT current_user = session_user AS same_user;

DELETE FROM workflow.namespace WHERE name LIKE 'regress%' OR name LIKE 'é%';

--
-- Deleting: the name is free at once, the rest goes in the background
--
CREATE FUNCTION pg_temp.left_of(id integer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_table text;
    v_count bigint;
    v_result text := '';
BEGIN
    FOR v_table IN
        SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a
            ON a.attrelid = c.oid
        WHERE c.relnamespace = 'workflow'::regnamespace AND c.relkind = 'r'
            AND a.attname = 'namespace_id' ORDER BY 1
    LOOP
        EXECUTE format('SELECT count(*) FROM workflow.%I'
            ' WHERE namespace_id = $1', v_table) INTO v_count USING id;
        IF v_count > 0 THEN
            v_result := v_result || v_table || ' ';
        END IF;
    END LOOP;
    RETURN v_result;
END
$$;
SELECT workflow.register_namespace('regress gone');
SELECT namespace_id AS gone FROM workflow.namespace
WHERE name = 'regress gone' \gset
CREATE ROLE regress_gone;
SELECT workflow.grant_namespace('regress gone', 'regress_gone', '{client}');
SELECT workflow.add_search_attributes('{"Gone": "Int"}', 'regress gone');
SELECT count(workflow.start_workflow_execution('gone ' || n, 'type', 'gone',
    search_attributes => '{"Gone": 1}', workflow_run_timeout => '1 hour',
    namespace => 'regress gone'))
FROM generate_series(1, 45) AS n;
SELECT workflow.signal_workflow_execution('gone ' || n, 's', request_id => 'r',
    namespace => 'regress gone')
FROM generate_series(1, 2) AS n;
SELECT workflow.terminate_workflow_execution('gone 1',
    namespace => 'regress gone');
SELECT workflow.create_schedule('gone', '{"spec": {"interval":
    [{"interval": "1s"}]}, "action": {"startWorkflow": {"workflowId":
    "gone scheduled", "workflowType": "type", "taskQueue": "gone"}}}',
    namespace => 'regress gone');
SELECT p::jsonb ->> 'taskToken' AS token FROM
    workflow.poll_workflow_task_queue('gone', namespace => 'regress gone')
    AS p \gset
SELECT pg_temp.fails($$SELECT workflow.delete_namespace('default')$$);
SELECT pg_temp.fails($$SELECT workflow.delete_namespace('regress none')$$);
SET ROLE regress_gone;
SELECT pg_temp.fails($$SELECT workflow.delete_namespace('regress gone')$$);
RESET ROLE;
BEGIN;
SELECT workflow.delete_namespace('regress gone');
ROLLBACK;
SELECT count(*) > 40 FROM workflow.executions
WHERE namespace = 'regress gone';
SELECT workflow.delete_namespace('regress gone');
SELECT pg_temp.fails($$SELECT workflow.start_workflow_execution('w', 't', 'q',
    namespace => 'regress gone')$$);
SELECT pg_temp.fails($$SELECT workflow.delete_namespace('regress gone')$$);
SELECT left(pg_temp.fails(format($$SELECT workflow.delete_namespace(%L)$$,
    'regress gone-deleted-' || :gone)), 6);
SELECT pg_temp.fails(format(
    $$SELECT workflow.respond_workflow_task_completed(%L)$$, :'token'));
SELECT count(*) FROM workflow.executions WHERE task_queue = 'gone';
SELECT has_function_privilege('regress_gone',
    'workflow.describe_namespace(text)', 'EXECUTE');
SELECT workflow.register_namespace('regress gone');
SELECT count(*) FROM workflow.executions WHERE namespace = 'regress gone';
DO $$
DECLARE
    v_id integer := (SELECT min(namespace_id) FROM workflow.namespace
        WHERE name LIKE 'regress gone-deleted-%');
BEGIN
    FOR i IN 1 .. 2000 LOOP
        COMMIT;
        EXIT WHEN pg_temp.left_of(v_id) = '';
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;
SELECT pg_temp.left_of(:gone);
SELECT workflow.delete_namespace('regress gone');
DROP ROLE regress_gone;
