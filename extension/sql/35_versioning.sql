/*
 * Worker deployments: versions of workers, and which of them gets what.
 *
 * The tables are small and change seldom: every backend keeps what it needs
 * of them in memory, and forgets it when one of them changes.
 */

CREATE SEQUENCE workflow.version_key_seq AS integer;

COMMENT ON SEQUENCE workflow.version_key_seq IS
'source of version_key, the internal number of a worker deployment version';

CREATE TABLE workflow.worker_deployment (
    namespace_id integer NOT NULL,
    current_key integer NOT NULL DEFAULT 0,
    ramping_key integer NOT NULL DEFAULT 0,
    is_ramping boolean NOT NULL DEFAULT false,
    ramping_percentage real NOT NULL DEFAULT 0,
    revision bigint NOT NULL DEFAULT 0,
    create_time timestamptz NOT NULL,
    current_changed_time timestamptz,
    ramping_changed_time timestamptz,
    percentage_changed_time timestamptz,
    name text COLLATE "C" NOT NULL,
    last_modifier_identity text,
    CONSTRAINT worker_deployment_pkey PRIMARY KEY (namespace_id, name),
    CONSTRAINT worker_deployment_percentage_check
        CHECK (ramping_percentage OPERATOR(pg_catalog.>=) 0
               AND ramping_percentage OPERATOR(pg_catalog.<=) 100)
);

COMMENT ON TABLE workflow.worker_deployment IS
'worker deployments, and which of their versions are current and ramping';
COMMENT ON COLUMN workflow.worker_deployment.current_key IS
'version_key of the current version; 0: workers without a version';
COMMENT ON COLUMN workflow.worker_deployment.ramping_key IS
'if is_ramping: version_key of the ramping version; 0: workers without a version';
COMMENT ON COLUMN workflow.worker_deployment.revision IS
'counts the changes of the routing; also its conflict token';

CREATE TABLE workflow.worker_version (
    namespace_id integer NOT NULL,
    version_key integer NOT NULL
        DEFAULT pg_catalog.nextval('workflow.version_key_seq'),
    deleted boolean NOT NULL DEFAULT false,
    polled boolean NOT NULL DEFAULT true,
    create_time timestamptz NOT NULL,
    routing_changed_time timestamptz,
    current_since_time timestamptz,
    ramping_since_time timestamptz,
    first_activation_time timestamptz,
    last_current_time timestamptz,
    last_deactivation_time timestamptz,
    deployment_name text COLLATE "C" NOT NULL,
    build_id text COLLATE "C" NOT NULL,
    metadata jsonb,
    last_modifier_identity text,
    CONSTRAINT worker_version_pkey PRIMARY KEY (namespace_id, version_key),
    CONSTRAINT worker_version_name_key
        UNIQUE (namespace_id, deployment_name, build_id)
);

COMMENT ON TABLE workflow.worker_version IS
'worker deployment versions: a deployment and a build id each';
COMMENT ON COLUMN workflow.worker_version.version_key IS
'internal number of the version; stands in the rows of runs and tasks';
COMMENT ON COLUMN workflow.worker_version.deleted IS
'gone for everybody but the runs that know its number; a poll brings it back';
COMMENT ON COLUMN workflow.worker_version.polled IS
'false: made by making it current or ramping, before any of its workers came';
COMMENT ON COLUMN workflow.worker_version.metadata IS
'payloads by key, as its users have set them';

CREATE TABLE workflow.worker_version_queue (
    namespace_id integer NOT NULL,
    version_key integer NOT NULL,
    kind text COLLATE "C" NOT NULL,
    task_queue text COLLATE "C" NOT NULL,
    CONSTRAINT worker_version_queue_pkey
        PRIMARY KEY (namespace_id, version_key, kind, task_queue),
    CONSTRAINT worker_version_queue_kind_check
        CHECK (kind OPERATOR(pg_catalog.=)
               ANY ('{workflow,activity}'::text[]))
);

COMMENT ON TABLE workflow.worker_version_queue IS
'the task queues that workers of a version have polled';

/* Not kept in memory: the scheduler changes it again and again. */
CREATE TABLE workflow.worker_version_drainage (
    namespace_id integer NOT NULL,
    version_key integer NOT NULL,
    drained boolean NOT NULL,
    last_changed_time timestamptz NOT NULL,
    last_checked_time timestamptz NOT NULL,
    check_at timestamptz,
    CONSTRAINT worker_version_drainage_pkey
        PRIMARY KEY (namespace_id, version_key)
) WITH (fillfactor = 70);

CREATE INDEX worker_version_drainage_check_idx
    ON workflow.worker_version_drainage (check_at)
    WHERE check_at IS NOT NULL;

COMMENT ON TABLE workflow.worker_version_drainage IS
'versions that were current or ramping and are not any more: whether open runs are pinned to them';
COMMENT ON COLUMN workflow.worker_version_drainage.check_at IS
'when the scheduler looks again; null once it is drained';

CREATE TABLE workflow.pinned_run (
    namespace_id integer NOT NULL,
    version_key integer NOT NULL,
    run_key bigint NOT NULL,
    CONSTRAINT pinned_run_pkey
        PRIMARY KEY (namespace_id, version_key, run_key)
) WITH (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

COMMENT ON TABLE workflow.pinned_run IS
'one row per open run that is pinned to a version';

SELECT pg_catalog.pg_extension_config_dump(
    'workflow.version_key_seq', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.worker_deployment', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.worker_version', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.worker_version_queue', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.worker_version_drainage', '');
SELECT pg_catalog.pg_extension_config_dump('workflow.pinned_run', '');

CREATE FUNCTION workflow.worker_routing_changed()
RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_worker_routing_changed';

COMMENT ON FUNCTION workflow.worker_routing_changed() IS
'makes all backends forget what they know of worker deployments, and lets waiting workers look again';

CREATE TRIGGER worker_deployment_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON workflow.worker_deployment
    FOR EACH STATEMENT EXECUTE FUNCTION workflow.worker_routing_changed();
ALTER TABLE workflow.worker_deployment
    ENABLE ALWAYS TRIGGER worker_deployment_changed;

CREATE TRIGGER worker_version_changed
    AFTER INSERT OR UPDATE OF deleted, polled OR DELETE OR TRUNCATE
    ON workflow.worker_version
    FOR EACH STATEMENT EXECUTE FUNCTION workflow.worker_routing_changed();
ALTER TABLE workflow.worker_version
    ENABLE ALWAYS TRIGGER worker_version_changed;

CREATE TRIGGER worker_version_queue_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON workflow.worker_version_queue
    FOR EACH STATEMENT EXECUTE FUNCTION workflow.worker_routing_changed();
ALTER TABLE workflow.worker_version_queue
    ENABLE ALWAYS TRIGGER worker_version_queue_changed;

CREATE FUNCTION workflow.route_target(
    namespace_id integer,
    kind text,
    task_queue text,
    route_bucket smallint)
RETURNS integer
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'pgwf_route_target_sql';

COMMENT ON FUNCTION workflow.route_target(integer, text, text, smallint) IS
'the version_key whose workers get a task that follows the routing of its queue; descriptions ask it';

CREATE FUNCTION workflow.describe_worker_deployment(
    deployment_name text,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_describe_worker_deployment';

COMMENT ON FUNCTION workflow.describe_worker_deployment(text, text) IS
'describes a worker deployment, its routing and its versions, as a DescribeWorkerDeploymentResponse';

CREATE FUNCTION workflow.describe_worker_deployment_version(
    deployment_name text,
    build_id text,
    report_task_queue_stats boolean DEFAULT false,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_describe_worker_deployment_version';

COMMENT ON FUNCTION workflow.describe_worker_deployment_version(
    text, text, boolean, text) IS
'describes a version of a worker deployment, its task queues and its drainage, as a DescribeWorkerDeploymentVersionResponse';

CREATE FUNCTION workflow.list_worker_deployments(
    page_size integer DEFAULT 100,
    namespace text DEFAULT 'default')
RETURNS SETOF jsonb
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'pgwf_list_worker_deployments';

COMMENT ON FUNCTION workflow.list_worker_deployments(integer, text) IS
'summarizes the worker deployments of a namespace, by name';

CREATE FUNCTION workflow.set_worker_deployment_current_version(
    deployment_name text,
    build_id text DEFAULT NULL,
    conflict_token bigint DEFAULT NULL,
    identity text DEFAULT NULL,
    ignore_missing_task_queues boolean DEFAULT false,
    allow_no_pollers boolean DEFAULT false,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_set_worker_deployment_current_version';

COMMENT ON FUNCTION workflow.set_worker_deployment_current_version(
    text, text, bigint, text, boolean, boolean, text) IS
'gives new workflows, and those that upgrade automatically, to a version; without a build id to workers without one';

CREATE FUNCTION workflow.set_worker_deployment_ramping_version(
    deployment_name text,
    build_id text DEFAULT NULL,
    percentage real DEFAULT 0,
    conflict_token bigint DEFAULT NULL,
    identity text DEFAULT NULL,
    ignore_missing_task_queues boolean DEFAULT false,
    allow_no_pollers boolean DEFAULT false,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_set_worker_deployment_ramping_version';

COMMENT ON FUNCTION workflow.set_worker_deployment_ramping_version(
    text, text, real, bigint, text, boolean, boolean, text) IS
'gives a version the workflows of a share of all workflow ids; without a build id and a percentage, no version any more';

CREATE FUNCTION workflow.delete_worker_deployment_version(
    deployment_name text,
    build_id text,
    skip_drainage boolean DEFAULT false,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_delete_worker_deployment_version';

COMMENT ON FUNCTION workflow.delete_worker_deployment_version(
    text, text, boolean, text, text) IS
'deletes a version that is neither current nor ramping, whose workers have gone and to which no open run is pinned';

CREATE FUNCTION workflow.delete_worker_deployment(
    deployment_name text,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_delete_worker_deployment';

COMMENT ON FUNCTION workflow.delete_worker_deployment(text, text, text) IS
'deletes a worker deployment that has no versions any more';

CREATE FUNCTION workflow.update_worker_deployment_version_metadata(
    deployment_name text,
    build_id text,
    upsert_entries jsonb DEFAULT NULL,
    remove_entries text[] DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_update_worker_deployment_version_metadata';

COMMENT ON FUNCTION workflow.update_worker_deployment_version_metadata(
    text, text, jsonb, text[], text, text) IS
'sets and removes metadata of a version, and returns what it has then';
