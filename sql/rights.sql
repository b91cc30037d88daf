--
-- Rights: who may do what in which namespace
--
CREATE FUNCTION pg_temp.try(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE || ': ' || SQLERRM,
        nullif(v_detail, ''));
END
$$;

CREATE ROLE regress_none;
CREATE ROLE regress_read;
CREATE ROLE regress_client;
CREATE ROLE regress_worker;
CREATE ROLE regress_admin;
CREATE ROLE regress_team;
CREATE ROLE regress_member IN ROLE regress_team;
CREATE ROLE regress_outsider NOINHERIT IN ROLE regress_team;

SELECT workflow.register_namespace('regress a');
SELECT workflow.register_namespace('regress b');

SELECT workflow.grant_namespace('regress a', 'regress_read', '{read}');
SELECT workflow.grant_namespace('regress a', 'regress_client', '{client}');
SELECT workflow.grant_namespace('regress a', 'regress_worker', '{worker}');
SELECT workflow.grant_namespace('regress a', 'regress_admin', '{admin}');
SELECT workflow.grant_namespace('regress b', 'regress_team', '{worker,client,worker}');

SELECT namespace, grantee, rights FROM workflow.namespace_grants
ORDER BY namespace, grantee::text;

-- one namespace each, and what is in it
INSERT INTO workflow.execution (namespace_id, run_key, run_id, workflow_id,
    workflow_type, task_queue, status, start_time, execution_time, close_time,
    first_run_id, start_request_id, workflow_task_timeout, history_length)
SELECT namespace_id, -namespace_id, gen_random_uuid(), 'regress in ' || name,
    't', 'q', 'Completed', now(), now(), now(), gen_random_uuid(), 'r', '10 s', 1
FROM workflow.namespace WHERE name LIKE 'regress%';
INSERT INTO workflow.history_batch
SELECT namespace_id, -namespace_id, 1,
    workflow.pack_event(now(), 'WorkflowExecutionStarted', '{}')
FROM workflow.namespace WHERE name LIKE 'regress%';

-- every function that needs a right, for every role: the first error tells
-- what is missing, and PW005 that nothing is
CREATE TEMP TABLE command (rank serial, name text, command text);
INSERT INTO command (name, command) VALUES
    ('history', $$SELECT workflow.get_workflow_execution_history('none', namespace => 'regress a')$$),
    ('file', $$SELECT workflow.history_json('none', namespace => 'regress a')$$),
    ('describe', $$SELECT workflow.describe_workflow_execution('none', namespace => 'regress a')$$),
    ('namespace', $$SELECT workflow.describe_namespace('regress a')$$),
    ('start', $$SELECT workflow.start_workflow_execution('', 't', 'q', namespace => 'regress a')$$),
    ('signal', $$SELECT workflow.signal_workflow_execution('none', 's', namespace => 'regress a')$$),
    ('cancel', $$SELECT workflow.request_cancel_workflow_execution('none', namespace => 'regress a')$$),
    ('terminate', $$SELECT workflow.terminate_workflow_execution('none', namespace => 'regress a')$$),
    ('poll', $$SELECT workflow.poll_workflow_task_queue('none', namespace => 'regress a')$$),
    ('poll activity', $$SELECT workflow.poll_activity_task_queue('none', namespace => 'regress a')$$),
    ('complete by id', $$SELECT workflow.respond_activity_task_completed_by_id('none', 'a', namespace => 'regress a')$$),
    ('heartbeat by id', $$SELECT workflow.record_activity_task_heartbeat_by_id('none', 'a', namespace => 'regress a')$$),
    ('reset sticky', $$SELECT workflow.reset_sticky_task_queue('none', namespace => 'regress a')$$),
    ('shutdown', $$SELECT workflow.shutdown_worker('none', namespace => 'regress a')$$),
    ('update', $$SELECT workflow.update_namespace('regress a', description => 'by ' || current_user)$$),
    ('grant', $$SELECT workflow.grant_namespace('regress a', 'regress_read', '{read}')$$),
    ('register', $$SELECT workflow.register_namespace('regress c')$$),
    ('refresh', $$SELECT workflow.refresh_grants()$$),
    ('execution', $$SELECT FROM workflow.executions$$),
    ('table', $$SELECT FROM workflow.execution$$),
    ('sequence', $$SELECT nextval('workflow.run_key_seq')$$),
    ('type', $$CREATE TEMP TABLE t (e workflow.event_type)$$);
GRANT SELECT ON command TO PUBLIC;

SET ROLE regress_none;
SELECT name, pg_temp.try(command) FROM command ORDER BY rank;
SET ROLE regress_read;
SELECT name, pg_temp.try(command) FROM command ORDER BY rank;
SET ROLE regress_client;
SELECT name, pg_temp.try(command) FROM command ORDER BY rank;
SET ROLE regress_worker;
SELECT name, pg_temp.try(command) FROM command ORDER BY rank;
SET ROLE regress_admin;
SELECT name, pg_temp.try(command) FROM command ORDER BY rank;

-- rights in one namespace are none in another, nor tell of one
SET ROLE regress_admin;
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress b')$$);
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress none')$$);
SELECT pg_temp.try($$SELECT workflow.grant_namespace('regress b', 'regress_admin', '{read}')$$);
SELECT namespace, workflow_id FROM workflow.executions ORDER BY 1, 2;
SELECT namespace, workflow_id, event_id FROM workflow.history ORDER BY 1, 2;
SELECT namespace FROM workflow.namespaces ORDER BY 1;
SELECT namespace, grantee FROM workflow.namespace_grants
ORDER BY 1, grantee::text;

-- conditions of a query see no rows of another namespace
CREATE FUNCTION pg_temp.leak(text) RETURNS boolean
LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    RAISE NOTICE 'seen: %', $1;
    RETURN true;
END
$$;
SELECT workflow_id FROM workflow.executions WHERE pg_temp.leak(workflow_id);
RESET ROLE;

-- a task's token is of no use to a worker of another namespace
SET ROLE regress_client;
SELECT started FROM workflow.start_workflow_execution('regress task', 't',
    'regress queue', namespace => 'regress a');
SELECT pg_temp.try($$SELECT workflow.start_workflow_execution('w', 't', 'q', namespace => 'regress b')$$);
SET ROLE regress_worker;
SELECT t ->> 'taskToken' AS token
FROM workflow.poll_workflow_task_queue('regress queue', namespace => 'regress a') AS t \gset
SELECT pg_temp.try($$SELECT workflow.poll_workflow_task_queue('q', namespace => 'regress b')$$);
SELECT pg_temp.try($$SELECT workflow.terminate_workflow_execution('regress task', namespace => 'regress a')$$);
RESET ROLE;
SET ROLE regress_member;
SELECT pg_temp.try(format($$SELECT workflow.respond_workflow_task_completed(%L, namespace => 'regress b')$$, :'token'));
SELECT pg_temp.try(format($$SELECT workflow.respond_workflow_task_completed(%L, namespace => 'regress a')$$, :'token'));
RESET ROLE;
SET ROLE regress_client;
SELECT pg_temp.try(format($$SELECT workflow.respond_workflow_task_failed(%L, namespace => 'regress a')$$, :'token'));
SET ROLE regress_worker;
SELECT pg_temp.try(format($$SELECT workflow.respond_workflow_task_completed(%L, '[{"commandType": "CompleteWorkflowExecution", "attributes": {}}]', namespace => 'regress a')$$, :'token'));
SELECT workflow_id, status FROM workflow.executions ORDER BY 1;
RESET ROLE;

-- members have the rights of their role, unless they do not inherit
SET ROLE regress_member;
SELECT namespace, workflow_id FROM workflow.executions;
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress b')$$);
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress a')$$);
RESET ROLE;
SET ROLE regress_outsider;
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress b')$$);
RESET ROLE;

-- a change of membership is seen at once
GRANT regress_read TO regress_member;
SET ROLE regress_member;
SELECT namespace FROM workflow.namespaces ORDER BY 1;
RESET ROLE;
REVOKE regress_read FROM regress_member;
SET ROLE regress_member;
SELECT namespace FROM workflow.namespaces ORDER BY 1;
RESET ROLE;

-- client and worker do not include each other; both include read
SELECT grantee::regrole, count(*) FILTER (WHERE o.object_right = 'read') > 0 AS read,
    count(*) FILTER (WHERE o.object_right = 'client') > 0 AS client,
    count(*) FILTER (WHERE o.object_right = 'worker') > 0 AS worker,
    count(*) FILTER (WHERE o.object_right = 'admin') > 0 AS admin,
    count(*) FILTER (WHERE o.object_right = 'owner') > 0 AS owner
FROM workflow.object_rights AS o
JOIN pg_proc AS p ON p.proname = o.object_name
    AND p.pronamespace = 'workflow'::regnamespace
CROSS JOIN aclexplode(p.proacl) AS a
WHERE o.object_kind = 'routine' AND a.grantee <> p.proowner
GROUP BY grantee ORDER BY grantee::regrole::text;

-- revoking: of one right of two, of the last one, of none
SELECT workflow.revoke_namespace('regress b', 'regress_team', '{client}');
SELECT rights FROM workflow.namespace_grants WHERE grantee = 'regress_team'::regrole;
SELECT workflow.revoke_namespace('regress b', 'regress_team', '{worker,admin}');
SELECT workflow.revoke_namespace('regress b', 'regress_team', '{worker}');
SELECT count(*) FROM workflow.namespace_grants WHERE grantee = 'regress_team'::regrole;
SET ROLE regress_member;
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress b')$$);
RESET ROLE;
SELECT count(*) AS privileges_left
FROM pg_shdepend
WHERE refclassid = 'pg_authid'::regclass
    AND refobjid = 'regress_team'::regrole AND deptype = 'a';

-- a right left in one namespace keeps the privileges, not the other namespace
SELECT workflow.grant_namespace('regress b', 'regress_client', '{client}');
SELECT workflow.revoke_namespace('regress a', 'regress_client', '{client}');
SET ROLE regress_client;
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress a')$$);
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress b')$$);
RESET ROLE;

-- an admin gives what he has, for his namespace
SET ROLE regress_admin;
SELECT workflow.grant_namespace('regress a', 'regress_none', '{worker}');
SET ROLE regress_none;
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress a')$$);
RESET ROLE;

-- undone with the transaction
BEGIN;
SELECT workflow.revoke_namespace('regress a', 'regress_none', '{worker}');
SET LOCAL ROLE regress_none;
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress a')$$);
ROLLBACK;
SET ROLE regress_none;
SELECT pg_temp.try($$SELECT workflow.describe_namespace('regress a')$$);
RESET ROLE;

-- refused
SELECT pg_temp.try($$SELECT workflow.grant_namespace('regress a', 'regress_none', '{write}')$$);
SELECT pg_temp.try($$SELECT workflow.grant_namespace('regress a', 'regress_none', '{}')$$);
SELECT pg_temp.try($$SELECT workflow.grant_namespace('regress a', 'regress_none', '{read,NULL}')$$);
SELECT pg_temp.try($$SELECT workflow.grant_namespace('regress a', 1, '{read}')$$);
SELECT pg_temp.try($$SELECT workflow.grant_namespace('regress none', 'regress_none', '{read}')$$);

-- a dropped role leaves a row that is nobody's, until the next change
DROP OWNED BY regress_worker;
DROP ROLE regress_worker;
SELECT count(*) FROM workflow.namespace_role AS r
WHERE NOT EXISTS (SELECT FROM pg_roles AS p WHERE p.oid = r.grantee);
SELECT grantee, rights FROM workflow.namespace_grants
WHERE namespace = 'regress a' ORDER BY grantee::text;
SELECT workflow.grant_namespace('regress a', 'regress_read', '{read}');
SELECT count(*) FROM workflow.namespace_role AS r
WHERE NOT EXISTS (SELECT FROM pg_roles AS p WHERE p.oid = r.grantee);

-- privileges that were lost come back
REVOKE USAGE ON SCHEMA workflow FROM regress_read;
REVOKE ALL ON ALL TABLES IN SCHEMA workflow FROM regress_read;
SET ROLE regress_read;
SELECT pg_temp.try($$SELECT FROM workflow.executions$$);
RESET ROLE;
SELECT workflow.refresh_grants();
SET ROLE regress_read;
SELECT pg_temp.try($$SELECT FROM workflow.executions$$);
RESET ROLE;

DELETE FROM workflow.history_batch WHERE namespace_id IN (
    SELECT namespace_id FROM workflow.namespace WHERE name LIKE 'regress%');
DELETE FROM workflow.closed_execution WHERE namespace_id IN (
    SELECT namespace_id FROM workflow.namespace WHERE name LIKE 'regress%');
DELETE FROM workflow.execution WHERE namespace_id IN (
    SELECT namespace_id FROM workflow.namespace WHERE name LIKE 'regress%');
DELETE FROM workflow.namespace_role;
DELETE FROM workflow.namespace WHERE name LIKE 'regress%';
DROP OWNED BY regress_none, regress_read, regress_client, regress_admin,
    regress_team, regress_member, regress_outsider;
DROP ROLE regress_none, regress_read, regress_client, regress_admin,
    regress_team, regress_member, regress_outsider;
