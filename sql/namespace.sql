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
SELECT namespace, description, retention FROM workflow.namespaces;

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
SELECT count(*) FROM workflow.namespaces;

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

DELETE FROM workflow.namespace WHERE name <> 'default';
