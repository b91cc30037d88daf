/*
 * Batch operations: the same done to many runs, in the background.
 */

CREATE TABLE workflow.batch_operation (
    namespace_id integer NOT NULL,
    state smallint NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    due_at timestamptz,
    operation text COLLATE "C" NOT NULL,
    parameters jsonb NOT NULL,
    query text,
    executions jsonb,
    rate double precision NOT NULL,
    reason text,
    identity text,
    start_time timestamptz NOT NULL,
    close_time timestamptz,
    total bigint NOT NULL,
    complete bigint NOT NULL DEFAULT 0,
    failure bigint NOT NULL DEFAULT 0,
    progress bigint NOT NULL DEFAULT 0,
    last_run_key bigint NOT NULL,
    held bigint[] NOT NULL DEFAULT '{}',
    last_error text,
    CONSTRAINT batch_operation_pkey PRIMARY KEY (namespace_id, job_id),
    CONSTRAINT batch_operation_runs_check
        CHECK (num_nonnulls(query, executions) = 1)
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX batch_operation_running_key
    ON workflow.batch_operation (namespace_id)
    WHERE state = 1;
CREATE INDEX batch_operation_due_idx ON workflow.batch_operation (due_at)
    WHERE due_at IS NOT NULL;

COMMENT ON TABLE workflow.batch_operation IS
'batch operations and how far they are';
COMMENT ON COLUMN workflow.batch_operation.state IS
'1 running, 2 completed, 3 failed, which a stopped one is too';
COMMENT ON COLUMN workflow.batch_operation.due_at IS
'when it goes on; null once it is closed';
COMMENT ON COLUMN workflow.batch_operation.rate IS
'operations in a second, at most';
COMMENT ON COLUMN workflow.batch_operation.progress IS
'run_key of the last run of its query, or number of the last one of its list, that it has come to';
COMMENT ON COLUMN workflow.batch_operation.last_run_key IS
'runs that started later are none of its query''s';
COMMENT ON COLUMN workflow.batch_operation.held IS
'of those, the ones that somebody else held, to come back to';
COMMENT ON COLUMN workflow.batch_operation.last_error IS
'what the last operation that failed has raised';

SELECT pg_catalog.pg_extension_config_dump('workflow.batch_operation', '');

CREATE FUNCTION workflow.start_batch_operation(
    operation text,
    query text DEFAULT NULL,
    executions jsonb DEFAULT NULL,
    parameters jsonb DEFAULT NULL,
    job_id text DEFAULT NULL,
    reason text DEFAULT NULL,
    max_operations_per_second double precision DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_start_batch_operation';

COMMENT ON FUNCTION workflow.start_batch_operation(
    text, text, jsonb, jsonb, text, text, double precision, text, text) IS
'begins to do the same to the runs of a query or a list, or to their activities, and returns the job id';

CREATE FUNCTION workflow.stop_batch_operation(
    job_id text,
    reason text DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_stop_batch_operation';

COMMENT ON FUNCTION workflow.stop_batch_operation(text, text, text, text) IS
'ends a batch operation; what it has done stays';

CREATE FUNCTION workflow.describe_batch_operation(
    job_id text,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_describe_batch_operation';

COMMENT ON FUNCTION workflow.describe_batch_operation(text, text) IS
'describes a batch operation and its progress as a DescribeBatchOperationResponse';

CREATE FUNCTION workflow.list_batch_operations(
    page_size integer DEFAULT 100,
    namespace text DEFAULT 'default')
RETURNS SETOF jsonb
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'pgwf_list_batch_operations';

COMMENT ON FUNCTION workflow.list_batch_operations(integer, text) IS
'describes the batch operations of a namespace, the latest first';
