/*
 * Updates: requests to a workflow that it validates, accepts and answers.
 */

CREATE TABLE workflow.update_request (
    namespace_id integer NOT NULL,
    state smallint NOT NULL,
    stamp integer NOT NULL,
    run_key bigint NOT NULL,
    admitted_event_id bigint NOT NULL,
    accepted_event_id bigint NOT NULL,
    completed_event_id bigint NOT NULL,
    requested_time timestamptz NOT NULL,
    due_at timestamptz,
    update_id text COLLATE "C" NOT NULL,
    request jsonb,
    outcome jsonb,
    CONSTRAINT update_request_pkey
        PRIMARY KEY (namespace_id, run_key, update_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX update_request_open_idx
    ON workflow.update_request (namespace_id, run_key, requested_time)
    WHERE state <= 2;
CREATE INDEX update_request_due_idx
    ON workflow.update_request (due_at)
    WHERE due_at IS NOT NULL;

COMMENT ON TABLE workflow.update_request IS
'updates of runs: those in flight, and what became of those that were accepted';
COMMENT ON COLUMN workflow.update_request.state IS
'1 admitted, 2 accepted, 3 completed, 4 rejected';
COMMENT ON COLUMN workflow.update_request.stamp IS
'number of the workflow task it was last sent to a worker with; 0: none';
COMMENT ON COLUMN workflow.update_request.admitted_event_id IS
'WorkflowExecutionUpdateAdmitted of an update that a reset applied again; 0 for others';
COMMENT ON COLUMN workflow.update_request.due_at IS
'when a rejected update, kept for those who wait for it, is forgotten';
COMMENT ON COLUMN workflow.update_request.request IS
'what is asked, until it is accepted: then it is in the history';
COMMENT ON COLUMN workflow.update_request.outcome IS
'failure of a rejected update; the outcome of a completed one is in the history';

SELECT pg_catalog.pg_extension_config_dump(
    'workflow.update_request', '');

CREATE PROCEDURE workflow.update_workflow_execution(
    workflow_id text,
    update_id text,
    update_name text,
    args jsonb DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    first_execution_run_id uuid DEFAULT NULL,
    wait_for_stage text DEFAULT 'COMPLETED',
    header jsonb DEFAULT NULL,
    identity text DEFAULT NULL,
    timeout interval DEFAULT NULL,
    namespace text DEFAULT 'default',
    INOUT stage text DEFAULT NULL,
    INOUT outcome jsonb DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_update_workflow_execution';

COMMENT ON PROCEDURE workflow.update_workflow_execution(
    text, text, text, jsonb, uuid, uuid, text, jsonb, text, interval, text,
    text, jsonb) IS
'sends an update to a workflow and waits until it is accepted or completed, holding no snapshot; repeating an update id finds the update that has it';

CREATE PROCEDURE workflow.poll_workflow_execution_update(
    workflow_id text,
    update_id text,
    run_id uuid DEFAULT NULL,
    wait_for_stage text DEFAULT 'COMPLETED',
    timeout interval DEFAULT NULL,
    namespace text DEFAULT 'default',
    INOUT stage text DEFAULT NULL,
    INOUT outcome jsonb DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_poll_workflow_execution_update';

COMMENT ON PROCEDURE workflow.poll_workflow_execution_update(
    text, text, uuid, text, interval, text, text, jsonb) IS
'waits until an update that was sent before is accepted or completed, holding no snapshot';

CREATE PROCEDURE workflow.update_with_start_workflow_execution(
    workflow_id text,
    workflow_type text,
    task_queue text,
    input jsonb DEFAULT NULL,
    request_id text DEFAULT NULL,
    identity text DEFAULT NULL,
    workflow_execution_timeout interval DEFAULT NULL,
    workflow_run_timeout interval DEFAULT NULL,
    workflow_task_timeout interval DEFAULT NULL,
    memo jsonb DEFAULT NULL,
    search_attributes jsonb DEFAULT NULL,
    header jsonb DEFAULT NULL,
    workflow_id_reuse_policy text DEFAULT NULL,
    workflow_id_conflict_policy text DEFAULT NULL,
    on_conflict_options jsonb DEFAULT NULL,
    retry_policy jsonb DEFAULT NULL,
    cron_schedule text DEFAULT NULL,
    workflow_start_delay interval DEFAULT NULL,
    priority jsonb DEFAULT NULL,
    user_metadata jsonb DEFAULT NULL,
    update_id text DEFAULT NULL,
    update_name text DEFAULT NULL,
    update_args jsonb DEFAULT NULL,
    update_header jsonb DEFAULT NULL,
    wait_for_stage text DEFAULT 'COMPLETED',
    timeout interval DEFAULT NULL,
    versioning_override jsonb DEFAULT NULL,
    namespace text DEFAULT 'default',
    INOUT run_id uuid DEFAULT NULL,
    INOUT started boolean DEFAULT NULL,
    INOUT stage text DEFAULT NULL,
    INOUT outcome jsonb DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_update_with_start_workflow_execution';

COMMENT ON PROCEDURE workflow.update_with_start_workflow_execution(
    text, text, text, jsonb, text, text, interval, interval, interval,
    jsonb, jsonb, jsonb, text, text, jsonb, jsonb, text, interval, jsonb,
    jsonb, text, text, jsonb, jsonb, text, interval, jsonb, text, uuid,
    boolean, text, jsonb) IS
'sends an update to the open run of a workflow id, or starts one that begins with the update, and waits as update_workflow_execution does';
