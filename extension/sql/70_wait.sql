/*
 * Waiting, and who waits.
 *
 * The procedures commit, so they can have neither SECURITY DEFINER nor a SET
 * clause.
 */

CREATE PROCEDURE workflow.wait_for_task(
    INOUT workflow_queues text[] DEFAULT NULL,
    INOUT activity_queues text[] DEFAULT NULL,
    timeout interval DEFAULT NULL,
    identity text DEFAULT NULL,
    sticky_queue text DEFAULT NULL,
    deployment_name text DEFAULT NULL,
    build_id text DEFAULT NULL,
    versioning_mode text DEFAULT NULL,
    namespace text DEFAULT 'default')
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_wait_for_task';

COMMENT ON PROCEDURE workflow.wait_for_task(
    text[], text[], interval, text, text, text, text, text, text) IS
'waits until one of the queues has a task, holding no snapshot; returns the queues that are believed to have one';

CREATE PROCEDURE workflow.wait_and_poll(
    INOUT workflow_queues text[] DEFAULT NULL,
    INOUT activity_queues text[] DEFAULT NULL,
    timeout interval DEFAULT NULL,
    identity text DEFAULT NULL,
    sticky_queue text DEFAULT NULL,
    deployment_name text DEFAULT NULL,
    build_id text DEFAULT NULL,
    versioning_mode text DEFAULT NULL,
    max_workflow_tasks integer DEFAULT 1,
    max_activity_tasks integer DEFAULT 1,
    INOUT workflow_tasks json DEFAULT NULL,
    INOUT activity_tasks json DEFAULT NULL,
    namespace text DEFAULT 'default')
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_wait_and_poll';

COMMENT ON PROCEDURE workflow.wait_and_poll(
    text[], text[], interval, text, text, text, text, text, integer, integer,
    json, json, text) IS
'waits until one of the queues has a task, holding no snapshot, and claims it; returns the tasks and the queues that may have more';

CREATE PROCEDURE workflow.get_workflow_execution_result(
    workflow_id text,
    run_id uuid DEFAULT NULL,
    timeout interval DEFAULT NULL,
    namespace text DEFAULT 'default',
    INOUT final_run_id uuid DEFAULT NULL,
    INOUT status text DEFAULT NULL,
    INOUT result jsonb DEFAULT NULL,
    INOUT failure jsonb DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_get_workflow_execution_result';

COMMENT ON PROCEDURE workflow.get_workflow_execution_result(
    text, uuid, interval, text, uuid, text, jsonb, jsonb) IS
'waits until a run and those that follow it have closed, holding no snapshot; returns how the last one ended';

CREATE PROCEDURE workflow.wait_for_new_event(
    workflow_id text,
    run_id uuid DEFAULT NULL,
    after_event_id bigint DEFAULT 0,
    timeout interval DEFAULT NULL,
    namespace text DEFAULT 'default',
    INOUT found_run_id uuid DEFAULT NULL,
    INOUT last_event_id bigint DEFAULT NULL,
    INOUT closed boolean DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_wait_for_new_event';

COMMENT ON PROCEDURE workflow.wait_for_new_event(
    text, uuid, bigint, interval, text, uuid, bigint, boolean) IS
'waits until a run has an event after the given one, or has closed, holding no snapshot';

CREATE FUNCTION workflow.pollers(
    OUT namespace_id integer,
    OUT kind text,
    OUT queue text,
    OUT identity text,
    OUT last_access timestamptz,
    OUT version_key integer)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
AS 'MODULE_PATHNAME', 'pgwf_pollers';

COMMENT ON FUNCTION workflow.pollers() IS
'who has polled or waited on which queue in the last five minutes, in the namespaces the caller may read';

CREATE VIEW workflow.pollers WITH (security_barrier) AS
SELECT n.name AS namespace, p.kind, p.queue AS task_queue, p.identity,
       p.last_access, v.deployment_name, v.build_id
FROM workflow.pollers() AS p
JOIN workflow.namespace AS n USING (namespace_id)
LEFT JOIN workflow.worker_version AS v USING (namespace_id, version_key);

COMMENT ON VIEW workflow.pollers IS
'workers that have polled or waited in the last five minutes, by queue';

CREATE FUNCTION workflow.task_deadlines(
    OUT namespace_id integer,
    OUT run_key bigint,
    OUT stamp integer,
    OUT due_at timestamptz)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
AS 'MODULE_PATHNAME', 'pgwf_task_deadlines';

COMMENT ON FUNCTION workflow.task_deadlines() IS
'when the workflow tasks of this database time out, as far as shared memory knows; a row without a run tells when all runs are looked at';

CREATE FUNCTION workflow.describe_task_queue(
    task_queue text,
    task_queue_type text DEFAULT 'TASK_QUEUE_TYPE_WORKFLOW',
    report_config boolean DEFAULT false,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_describe_task_queue';

COMMENT ON FUNCTION workflow.describe_task_queue(
    text, text, boolean, text) IS
'describes a task queue, its backlog and its pollers of the last five minutes, as a DescribeTaskQueueResponse';
