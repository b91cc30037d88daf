/*
 * Queries: questions to a workflow that leave no trace in its history.
 */

/* Not logged: after a crash nobody waits for an answer. */
CREATE UNLOGGED TABLE workflow.query_request (
    namespace_id integer NOT NULL,
    state smallint NOT NULL,
    sticky boolean NOT NULL,
    attempt integer NOT NULL,
    run_key bigint NOT NULL,
    query_id uuid NOT NULL,
    requested_time timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    version_key integer NOT NULL DEFAULT 0,
    route_bucket smallint NOT NULL DEFAULT 0,
    task_queue text COLLATE "C" NOT NULL,
    query jsonb NOT NULL,
    answer jsonb,
    CONSTRAINT query_request_pkey PRIMARY KEY (namespace_id, query_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX query_request_queue_idx
    ON workflow.query_request
       (namespace_id, task_queue, version_key, requested_time)
    WHERE state = 1;
CREATE INDEX query_request_buffered_idx
    ON workflow.query_request (namespace_id, run_key, requested_time)
    WHERE state = 2;
CREATE INDEX query_request_due_idx
    ON workflow.query_request (due_at);

COMMENT ON TABLE workflow.query_request IS
'queries whose askers wait for an answer';
COMMENT ON COLUMN workflow.query_request.state IS
'1 waiting in its task queue, 2 goes with the next workflow task, 3 a worker has it, 4 answered';
COMMENT ON COLUMN workflow.query_request.attempt IS
'how often it was handed to a worker as a task of its own';
COMMENT ON COLUMN workflow.query_request.due_at IS
'when its asker has given up, and the row may go if it is still there';

CREATE PROCEDURE workflow.query_workflow(
    workflow_id text,
    query_type text,
    query_args jsonb DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    query_reject_condition text DEFAULT NULL,
    header jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    namespace text DEFAULT 'default',
    INOUT query_result jsonb DEFAULT NULL,
    INOUT query_rejected jsonb DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_query_workflow';

COMMENT ON PROCEDURE workflow.query_workflow(
    text, text, jsonb, uuid, text, jsonb, interval, text, jsonb, jsonb) IS
'asks a workflow, open or closed, and waits for its worker''s answer, holding no snapshot';

CREATE FUNCTION workflow.respond_query_task_completed(
    task_token text,
    completed_type text DEFAULT 'QUERY_RESULT_TYPE_ANSWERED',
    query_result jsonb DEFAULT NULL,
    error_message text DEFAULT NULL,
    failure jsonb DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_query_task_completed';

COMMENT ON FUNCTION workflow.respond_query_task_completed(
    text, text, jsonb, text, jsonb, text) IS
'answers a query that was polled as a task of its own';
