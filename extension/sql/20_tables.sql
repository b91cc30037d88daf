/*
 * The tables.
 *
 * namespace_id leads every key: it serves tenancy and distribution.  There
 * are no foreign keys: a run's rows are only ever reached under the lock of
 * its mutable_state row, and the hot rows must stay cheap.
 *
 * The C side knows each table's columns by position, in one store module per
 * table (extension/pgwf_store_*.c); column order here and there must agree.
 */

CREATE SEQUENCE workflow.namespace_id_seq AS integer START 2;

COMMENT ON SEQUENCE workflow.namespace_id_seq IS
'source of namespace.namespace_id; 1 is the default namespace';

CREATE TABLE workflow.namespace (
    namespace_id integer NOT NULL
        DEFAULT pg_catalog.nextval('workflow.namespace_id_seq'),
    name text COLLATE "C" NOT NULL,
    description text NOT NULL DEFAULT '',
    retention interval NOT NULL DEFAULT '72 hours',
    created_time timestamptz NOT NULL DEFAULT pg_catalog.now(),
    virtual_time boolean NOT NULL DEFAULT false,
    deleted_xid xid8,
    CONSTRAINT namespace_pkey PRIMARY KEY (namespace_id),
    CONSTRAINT namespace_name_key UNIQUE (name)
);

COMMENT ON TABLE workflow.namespace IS
'tenants: every run, task and right belongs to one namespace';
COMMENT ON COLUMN workflow.namespace.retention IS
'how long closed runs are kept';

COMMENT ON COLUMN workflow.namespace.deleted_xid IS
'transaction that has deleted it; null: none has';
COMMENT ON COLUMN workflow.namespace.virtual_time IS
'whether it has a clock of its own, in namespace_clock; never changes';

INSERT INTO workflow.namespace (namespace_id, name, description)
VALUES (1, 'default', 'the namespace used when none is named');

CREATE TABLE workflow.namespace_role (
    namespace_id integer NOT NULL,
    grantee regrole NOT NULL,
    rights text[] COLLATE "C" NOT NULL,
    CONSTRAINT namespace_role_pkey PRIMARY KEY (namespace_id, grantee),
    CONSTRAINT namespace_role_rights_check
        CHECK (rights OPERATOR(pg_catalog.<@)
               '{read,client,worker,admin}'::text[])
);

COMMENT ON TABLE workflow.namespace_role IS
'what a role, and every member of it, may do in a namespace';

CREATE TABLE workflow.namespace_clock (
    namespace_id integer NOT NULL,
    skipping_locks integer NOT NULL DEFAULT 1,
    offset_us bigint NOT NULL DEFAULT 0,
    CONSTRAINT namespace_clock_pkey PRIMARY KEY (namespace_id),
    CONSTRAINT namespace_clock_skipping_locks_check
        CHECK (skipping_locks >= 0),
    CONSTRAINT namespace_clock_offset_us_check CHECK (offset_us >= 0)
) WITH (fillfactor = 50);

COMMENT ON TABLE workflow.namespace_clock IS
'the clocks of namespaces with virtual time';
COMMENT ON COLUMN workflow.namespace_clock.skipping_locks IS
'how many locks keep time from being skipped; 0: none';
COMMENT ON COLUMN workflow.namespace_clock.offset_us IS
'how far the clock is ahead of the machine''s, in microseconds; never less than before';

CREATE SEQUENCE workflow.run_key_seq;

COMMENT ON SEQUENCE workflow.run_key_seq IS
'source of run_key, the internal number of a run';

/*
 * What users list and search: written at start and at close, not per step.
 * The close changes no column that is in an index, and finds room on the
 * page: it makes no index entries.  What it changes stands together, as the
 * log holds what lies between the first and the last byte that changed.
 */
CREATE TABLE workflow.execution (
    namespace_id integer NOT NULL,
    attempt integer NOT NULL DEFAULT 1,
    run_key bigint NOT NULL,
    run_id uuid NOT NULL,
    previous_run_key bigint NOT NULL DEFAULT 0,
    start_time timestamptz NOT NULL,
    execution_time timestamptz NOT NULL,
    first_run_id uuid NOT NULL,
    workflow_task_timeout interval NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    task_queue text COLLATE "C" NOT NULL,
    start_request_id text COLLATE "C" NOT NULL,
    status workflow.execution_status NOT NULL,
    close_time timestamptz,
    history_length bigint,
    history_size_bytes bigint,
    state_transition_count bigint,
    new_run_id uuid,
    reset_run_id uuid,
    workflow_execution_timeout interval,
    workflow_run_timeout interval,
    expiration_time timestamptz,
    memo jsonb,
    search_attributes jsonb,
    cron_schedule text COLLATE "C",
    schedule_id text COLLATE "C",
    parent_workflow_id text COLLATE "C",
    parent_run_id uuid,
    parent_run_key bigint,
    parent_initiated_event_id bigint,
    root_workflow_id text COLLATE "C",
    root_run_id uuid,
    versioning_info jsonb,
    CONSTRAINT execution_pkey PRIMARY KEY (namespace_id, run_key),
    CONSTRAINT execution_workflow_id_key
        UNIQUE (namespace_id, workflow_id, previous_run_key)
) WITH (fillfactor = 45);

/*
 * For list_workflow_executions(): one kind of workflow, and whatever search
 * attributes are equal to.  Every start opens all of these, so there are no
 * more; lists in order go by closed_execution and mutable_state.
 */
CREATE INDEX execution_type_idx
    ON workflow.execution (namespace_id, workflow_type, start_time);
CREATE INDEX execution_search_attributes_idx
    ON workflow.execution USING gin (search_attributes jsonb_path_ops)
    WHERE search_attributes IS NOT NULL;

COMMENT ON TABLE workflow.execution IS
'one row per workflow run, open or closed, until its retention is over';
COMMENT ON COLUMN workflow.execution.run_key IS
'internal number of the run; keeps the keys of its rows small and local';
COMMENT ON COLUMN workflow.execution.run_id IS
'ends with the run_key, by which it is found';
COMMENT ON COLUMN workflow.execution.previous_run_key IS
'run of the same workflow id that was the last one when this one started; 0: there was none';
COMMENT ON COLUMN workflow.execution.execution_time IS
'start_time plus the delay before the first workflow task';
COMMENT ON COLUMN workflow.execution.close_time IS
'when the run closed; null while it is open';
COMMENT ON COLUMN workflow.execution.start_request_id IS
'request id of the start: a repeated start with it succeeds';
COMMENT ON COLUMN workflow.execution.attempt IS
'how often the workflow was tried: more than 1 after retries of the workflow';
COMMENT ON COLUMN workflow.execution.expiration_time IS
'when the execution timeout of the whole chain of runs ends; null: never';
COMMENT ON COLUMN workflow.execution.new_run_id IS
'run that continued this one: as new, by a retry or by its cron schedule';
COMMENT ON COLUMN workflow.execution.reset_run_id IS
'run that a reset of this one has made, the latest of them';
COMMENT ON COLUMN workflow.execution.parent_run_key IS
'run that started this one as its child; null for any other';
COMMENT ON COLUMN workflow.execution.state_transition_count IS
'how often a closed run was changed; null while it is open';
COMMENT ON COLUMN workflow.execution.history_length IS
'number of events of a closed run; null while it is open';
COMMENT ON COLUMN workflow.execution.versioning_info IS
'behavior, version and override of a run that has to do with worker deployment versions; null for any other';

COMMENT ON COLUMN workflow.execution.schedule_id IS
'schedule that started the chain of the run; null if none did';

/*
 * The closed runs in the order of lists, read backwards.  Joins with execution
 * are by all columns, of which run_key alone decides: the planner, which
 * takes each of them to narrow the result, is told that the times do not.
 */
CREATE TABLE workflow.closed_execution (
    namespace_id integer NOT NULL,
    close_time timestamptz NOT NULL,
    start_time timestamptz NOT NULL,
    run_key bigint NOT NULL,
    CONSTRAINT closed_execution_pkey
        PRIMARY KEY (namespace_id, close_time, start_time, run_key)
);

ALTER TABLE workflow.closed_execution
    ALTER COLUMN close_time SET (n_distinct = 1),
    ALTER COLUMN start_time SET (n_distinct = 1);
ALTER TABLE workflow.execution
    ALTER COLUMN close_time SET (n_distinct = 1),
    ALTER COLUMN start_time SET (n_distinct = 1);

COMMENT ON TABLE workflow.closed_execution IS
'one row per closed run, for lists and for the end of its retention';
COMMENT ON COLUMN workflow.closed_execution.close_time IS
'that of its run, and so is start_time';

/*
 * The lock and the counters of an open run: one fixed-width row, rewritten
 * by every change of the run.  Times and ids that do not apply are zero or
 * -infinity, never null.
 *
 * The log of an update holds what lies between the first and the last byte
 * that changed: so what rarely changes stands before and after the rest.
 */
CREATE TABLE workflow.mutable_state (
    namespace_id integer NOT NULL,
    update_count integer NOT NULL DEFAULT 0,
    run_key bigint NOT NULL,
    version_key integer NOT NULL DEFAULT 0,
    override_key integer NOT NULL DEFAULT 0,
    start_time timestamptz NOT NULL,
    task_timeout_us bigint NOT NULL,
    next_buffer_id bigint NOT NULL,
    buffered_size bigint NOT NULL,
    buffered_events integer NOT NULL,
    pending_children integer NOT NULL DEFAULT 0,
    pending_signals integer NOT NULL DEFAULT 0,
    pending_cancels integer NOT NULL DEFAULT 0,
    signal_count integer NOT NULL,
    open_updates integer NOT NULL DEFAULT 0,
    pending_timers integer NOT NULL,
    pending_activities integer NOT NULL,
    flags integer NOT NULL,
    wft_stamp integer NOT NULL,
    state_transition_count bigint NOT NULL DEFAULT 0,
    pending_size bigint NOT NULL DEFAULT 0,
    next_event_id bigint NOT NULL,
    last_event_time timestamptz NOT NULL,
    previous_started_event_id bigint NOT NULL,
    history_size bigint NOT NULL,
    wft_scheduled_event_id bigint NOT NULL,
    wft_started_event_id bigint NOT NULL,
    wft_scheduled_time timestamptz NOT NULL,
    wft_original_scheduled_time timestamptz NOT NULL,
    wft_started_time timestamptz NOT NULL,
    wft_timeout_us bigint NOT NULL,
    sticky_timeout_us bigint NOT NULL,
    wft_attempt integer NOT NULL,
    transition_key integer NOT NULL DEFAULT 0,
    sticky_queue text COLLATE "C",
    wft_identity text COLLATE "C",
    priority jsonb,
    CONSTRAINT mutable_state_pkey PRIMARY KEY (namespace_id, run_key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

/* The open runs in the order of lists, read backwards. */
CREATE INDEX mutable_state_list_idx
    ON workflow.mutable_state (namespace_id, start_time, run_key);

COMMENT ON TABLE workflow.mutable_state IS
'one row per open run: its lock, its counters and its workflow task';
COMMENT ON COLUMN workflow.mutable_state.start_time IS
'that of its run';
COMMENT ON COLUMN workflow.mutable_state.state_transition_count IS
'how often the run was changed';
COMMENT ON COLUMN workflow.mutable_state.pending_size IS
'bytes of its activities, timers, children and request ids; details of a heartbeat count from the next change of their activity on';
COMMENT ON COLUMN workflow.mutable_state.wft_scheduled_event_id IS
'WorkflowTaskScheduled of the pending workflow task; 0 when none is pending';
COMMENT ON COLUMN workflow.mutable_state.wft_started_event_id IS
'WorkflowTaskStarted of the pending workflow task; 0 when it is not started';
COMMENT ON COLUMN workflow.mutable_state.wft_identity IS
'worker that holds the pending workflow task if it is started, else who held the last one';
COMMENT ON COLUMN workflow.mutable_state.wft_stamp IS
'number of the workflow task within the run, counted at every scheduling';
COMMENT ON COLUMN workflow.mutable_state.version_key IS
'worker deployment version that completed the last workflow task, or was inherited; 0: none';
COMMENT ON COLUMN workflow.mutable_state.override_key IS
'worker deployment version that the run is pinned to by an override; 0: none';
COMMENT ON COLUMN workflow.mutable_state.transition_key IS
'worker deployment version that the run moves to with its next workflow task';

COMMENT ON COLUMN workflow.mutable_state.priority IS
'priority of the run''s tasks; null: the default';

/*
 * Insert-only.  Nobody reads it by hand: history_event shows its events one
 * by one.
 */
CREATE TABLE workflow.history_batch (
    namespace_id integer NOT NULL,
    run_key bigint NOT NULL,
    first_event_id bigint NOT NULL,
    events bytea NOT NULL,
    CONSTRAINT history_batch_pkey
        PRIMARY KEY (namespace_id, run_key, first_event_id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

COMMENT ON TABLE workflow.history_batch IS
'the histories: one row for the events that a transaction has appended';
COMMENT ON COLUMN workflow.history_batch.events IS
'consecutive events as unpack_events() shows them';

CREATE FUNCTION workflow.unpack_events(
    first_event_id bigint,
    events bytea)
RETURNS TABLE (
    event_id bigint,
    event_time timestamptz,
    event_type workflow.event_type,
    attributes jsonb,
    user_metadata jsonb)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 3
AS 'MODULE_PATHNAME', 'pgwf_unpack_events';

COMMENT ON FUNCTION workflow.unpack_events(bigint, bytea) IS
'the events of a row of history_batch; the views ask it';

CREATE FUNCTION workflow.pack_event(
    event_time timestamptz,
    event_type workflow.event_type,
    attributes jsonb,
    user_metadata jsonb DEFAULT NULL)
RETURNS bytea
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgwf_pack_event_row';

COMMENT ON FUNCTION workflow.pack_event(
    timestamptz, workflow.event_type, jsonb, jsonb) IS
'an event as history_batch holds it, for repairs by hand';

CREATE VIEW workflow.history_event AS
SELECT
    b.namespace_id,
    e.event_type,
    b.run_key,
    e.event_id,
    e.event_time,
    e.attributes,
    e.user_metadata
FROM workflow.history_batch AS b
CROSS JOIN LATERAL workflow.unpack_events(b.first_event_id, b.events) AS e;

COMMENT ON VIEW workflow.history_event IS
'the histories: one row per event, numbered from 1 without gaps in each run';
COMMENT ON COLUMN workflow.history_event.namespace_id IS
'namespace of the run';
COMMENT ON COLUMN workflow.history_event.event_type IS
'kind of the event';
COMMENT ON COLUMN workflow.history_event.run_key IS
'internal number of the run';
COMMENT ON COLUMN workflow.history_event.event_id IS
'number of the event within the run';
COMMENT ON COLUMN workflow.history_event.event_time IS
'when it happened';
COMMENT ON COLUMN workflow.history_event.attributes IS
'what happened';
COMMENT ON COLUMN workflow.history_event.user_metadata IS
'summary and details that came with the start or the command';

CREATE TABLE workflow.buffered_event (
    namespace_id integer NOT NULL,
    event_type workflow.event_type NOT NULL,
    run_key bigint NOT NULL,
    buffer_id bigint NOT NULL,
    event_time timestamptz NOT NULL,
    attributes jsonb NOT NULL,
    CONSTRAINT buffered_event_pkey
        PRIMARY KEY (namespace_id, run_key, buffer_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

COMMENT ON TABLE workflow.buffered_event IS
'events that happened while a workflow task was running and wait for its end';

CREATE TABLE workflow.workflow_task (
    namespace_id integer NOT NULL,
    stamp integer NOT NULL,
    run_key bigint NOT NULL,
    scheduled_time timestamptz NOT NULL,
    rank bigint NOT NULL,
    version_key integer NOT NULL DEFAULT 0,
    route_bucket smallint NOT NULL DEFAULT 0,
    sticky boolean NOT NULL,
    task_queue text COLLATE "C" NOT NULL,
    fairness_weight real,
    fairness_key text COLLATE "C",
    CONSTRAINT workflow_task_pkey PRIMARY KEY (namespace_id, run_key)
) WITH (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX workflow_task_queue_idx
    ON workflow.workflow_task
       (namespace_id, task_queue, version_key, rank, scheduled_time, run_key);

COMMENT ON TABLE workflow.workflow_task IS
'the workflow tasks that wait for a worker; one that a worker has stands in mutable_state alone';
COMMENT ON COLUMN workflow.workflow_task.version_key IS
'the only worker deployment version that may have it; 0: as the queue is routed';
COMMENT ON COLUMN workflow.workflow_task.route_bucket IS
'hash of the workflow id, from 0 to 9999: whether a ramping version gets it';

/*
 * Kept apart from the queue, because few polls can be repeated.
 */
CREATE TABLE workflow.poll_request (
    namespace_id integer NOT NULL,
    stamp integer NOT NULL,
    run_key bigint NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    CONSTRAINT poll_request_pkey PRIMARY KEY (namespace_id, run_key)
) WITH (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX poll_request_request_idx
    ON workflow.poll_request (namespace_id, request_id);

COMMENT ON TABLE workflow.poll_request IS
'the workflow tasks that workers have by polls that can be repeated';
COMMENT ON COLUMN workflow.poll_request.stamp IS
'number of the workflow task within the run';
COMMENT ON COLUMN workflow.poll_request.request_id IS
'request id of the poll';

CREATE TABLE workflow.activity (
    namespace_id integer NOT NULL,
    state smallint NOT NULL,
    flags smallint NOT NULL,
    run_key bigint NOT NULL,
    scheduled_event_id bigint NOT NULL,
    due_at timestamptz,
    attempt integer NOT NULL,
    stamp integer NOT NULL,
    rank bigint NOT NULL,
    maximum_attempts integer NOT NULL,
    counted_size integer NOT NULL DEFAULT 0,
    cancel_requested_event_id bigint NOT NULL,
    scheduled_time timestamptz NOT NULL,
    attempt_scheduled_time timestamptz NOT NULL,
    started_time timestamptz NOT NULL,
    last_heartbeat_time timestamptz NOT NULL,
    schedule_to_close_us bigint NOT NULL,
    schedule_to_start_us bigint NOT NULL,
    start_to_close_us bigint NOT NULL,
    heartbeat_us bigint NOT NULL,
    initial_interval_us bigint NOT NULL,
    maximum_interval_us bigint NOT NULL,
    backoff_coefficient double precision NOT NULL,
    version_key integer NOT NULL DEFAULT 0,
    route_bucket smallint NOT NULL DEFAULT 0,
    task_queue text COLLATE "C" NOT NULL,
    activity_id text COLLATE "C" NOT NULL,
    activity_type text COLLATE "C" NOT NULL,
    fairness_weight real,
    fairness_key text COLLATE "C",
    identity text COLLATE "C",
    request_id text COLLATE "C",
    non_retryable_error_types jsonb,
    last_failure jsonb,
    heartbeat_details jsonb,
    CONSTRAINT activity_pkey
        PRIMARY KEY (namespace_id, run_key, scheduled_event_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX activity_queue_idx
    ON workflow.activity
       (namespace_id, task_queue, version_key, rank,
        attempt_scheduled_time, run_key)
    WHERE state = 1;
CREATE INDEX activity_due_idx
    ON workflow.activity (due_at)
    WHERE due_at IS NOT NULL;
CREATE INDEX activity_request_idx
    ON workflow.activity (namespace_id, request_id)
    WHERE request_id IS NOT NULL;

COMMENT ON COLUMN workflow.workflow_task.rank IS
'place in the queue: twice the priority, plus 1 for the first task of a run where others go first, times 2^59, plus what fairness adds';
COMMENT ON COLUMN workflow.workflow_task.fairness_key IS
'whose turn the task is, among those of its priority; null: nobody''s';
COMMENT ON COLUMN workflow.workflow_task.fairness_weight IS
'how often it is the turn of its key, compared with others; null: 1';

COMMENT ON TABLE workflow.activity IS
'one row per pending activity: its options, its attempt and its state';
COMMENT ON COLUMN workflow.activity.state IS
'1 waiting for a worker, 2 started, 3 waiting for its next attempt, 4 parked while it or its workflow is paused';
COMMENT ON COLUMN workflow.activity.counted_size IS
'its part of its run''s pending_size';
COMMENT ON COLUMN workflow.activity.due_at IS
'when a retry or a timeout may be due: it may be early, never late';
COMMENT ON COLUMN workflow.activity.version_key IS
'the only worker deployment version that may have it; 0: as the queue is routed';
COMMENT ON COLUMN workflow.activity.route_bucket IS
'hash of the workflow id, from 0 to 9999: whether a ramping version gets it';

COMMENT ON COLUMN workflow.activity.rank IS
'place in the queue: twice the priority times 2^59, plus what fairness adds';
COMMENT ON COLUMN workflow.activity.fairness_key IS
'whose turn the task is, among those of its priority; null: nobody''s';
COMMENT ON COLUMN workflow.activity.fairness_weight IS
'how often it is the turn of its key, compared with others; null: 1';
COMMENT ON COLUMN workflow.activity.request_id IS
'request id of the poll that claimed the latest attempt, if it had one';

CREATE TABLE workflow.timer (
    namespace_id integer NOT NULL,
    kind smallint NOT NULL,
    run_key bigint NOT NULL,
    started_event_id bigint NOT NULL,
    fire_at timestamptz NOT NULL,
    timer_id text COLLATE "C" NOT NULL,
    CONSTRAINT timer_pkey
        PRIMARY KEY (namespace_id, run_key, started_event_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX timer_fire_at_idx ON workflow.timer (fire_at);

COMMENT ON TABLE workflow.timer IS
'one row per pending timer and per run or execution timeout';
COMMENT ON COLUMN workflow.timer.kind IS
'1 timer of the workflow, 2 run timeout, 3 execution timeout, 4 delay of the first workflow task';
COMMENT ON COLUMN workflow.timer.started_event_id IS
'TimerStarted of a workflow''s timer; minus the kind for the others';

CREATE TABLE workflow.child_execution (
    namespace_id integer NOT NULL,
    parent_close_policy smallint NOT NULL,
    run_key bigint NOT NULL,
    initiated_event_id bigint NOT NULL,
    started_event_id bigint NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    workflow_type text COLLATE "C" NOT NULL,
    run_id uuid,
    CONSTRAINT child_execution_pkey
        PRIMARY KEY (namespace_id, run_key, initiated_event_id)
);

COMMENT ON TABLE workflow.child_execution IS
'one row per pending child workflow of an open run';
COMMENT ON COLUMN workflow.child_execution.run_key IS
'the parent''s run';
COMMENT ON COLUMN workflow.child_execution.run_id IS
'the first run of the child; null until it has been started';
COMMENT ON COLUMN workflow.child_execution.parent_close_policy IS
'what the parent''s close means to the child: 1 terminate, 2 abandon, 3 request cancel';

/* What one run has to tell another; the scheduler delivers it. */
CREATE TABLE workflow.outbox (
    namespace_id integer NOT NULL,
    kind smallint NOT NULL,
    run_key bigint NOT NULL,
    event_id bigint NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT outbox_pkey
        PRIMARY KEY (namespace_id, run_key, kind, event_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX outbox_due_idx ON workflow.outbox (due_at);

COMMENT ON TABLE workflow.outbox IS
'messages of runs to other runs that are still to be delivered';
COMMENT ON COLUMN workflow.outbox.kind IS
'1 start a child, 2 tell the parent of the close, 3 tell a child of the close, 4 signal, 5 request cancel, 6 delete run_key itself';
COMMENT ON COLUMN workflow.outbox.event_id IS
'the event of run_key that the message comes from';

CREATE TABLE workflow.run_request (
    namespace_id integer NOT NULL,
    kind smallint NOT NULL,
    run_key bigint NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    CONSTRAINT run_request_pkey
        PRIMARY KEY (namespace_id, run_key, kind, request_id)
);

COMMENT ON TABLE workflow.run_request IS
'request ids that an open run has seen, so that repetitions have no effect; those of attached starts until it is deleted';
COMMENT ON COLUMN workflow.run_request.kind IS
'1 signal, 2 start that was attached to the run, 3 pause';

/*
 * pg_dump takes the rows of all of them; one statement each, because every
 * one changes the same row of pg_extension.  The number of a role that was
 * dropped must not become another role's right elsewhere.
 */
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.namespace_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.run_key_seq', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.namespace', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.namespace_clock', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.namespace_role',
    'WHERE grantee IN (SELECT oid FROM pg_catalog.pg_roles)');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.execution', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.closed_execution', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.mutable_state', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.history_batch', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.buffered_event', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.workflow_task', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.poll_request', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.activity', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.timer', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.child_execution', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.outbox', '');
SELECT pg_catalog.pg_extension_config_dump(
    'workflow.run_request', '');
