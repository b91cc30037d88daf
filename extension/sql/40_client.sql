/*
 * What clients call: start, signal, cancel and terminate workflows.
 */

CREATE FUNCTION workflow.start_workflow_execution(
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
    request_eager_execution boolean DEFAULT false,
    versioning_override jsonb DEFAULT NULL,
    namespace text DEFAULT 'default',
    OUT run_id uuid,
    OUT started boolean,
    OUT workflow_task json)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_start_workflow_execution';

COMMENT ON FUNCTION workflow.start_workflow_execution(
    text, text, text, jsonb, text, text, interval, interval, interval,
    jsonb, jsonb, jsonb, text, text, jsonb, jsonb, text, interval, jsonb,
    jsonb, boolean, jsonb, text) IS
'starts a workflow; repeating the request id of the current run''s start succeeds and starts nothing';

CREATE FUNCTION workflow.signal_with_start_workflow_execution(
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
    signal_name text DEFAULT NULL,
    signal_input jsonb DEFAULT NULL,
    signal_header jsonb DEFAULT NULL,
    versioning_override jsonb DEFAULT NULL,
    namespace text DEFAULT 'default',
    OUT run_id uuid,
    OUT started boolean)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_signal_with_start_workflow_execution';

COMMENT ON FUNCTION workflow.signal_with_start_workflow_execution(
    text, text, text, jsonb, text, text, interval, interval, interval,
    jsonb, jsonb, jsonb, text, text, jsonb, jsonb, text, interval, jsonb,
    jsonb, text, jsonb, jsonb, jsonb, text) IS
'signals the open run of a workflow id, or starts one that begins with the signal';

CREATE FUNCTION workflow.signal_workflow_execution(
    workflow_id text,
    signal_name text,
    input jsonb DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    request_id text DEFAULT NULL,
    identity text DEFAULT NULL,
    header jsonb DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_signal_workflow_execution';

COMMENT ON FUNCTION workflow.signal_workflow_execution(
    text, text, jsonb, uuid, text, text, jsonb, text) IS
'sends a signal to an open run; repeating a request id succeeds and sends nothing';

CREATE FUNCTION workflow.request_cancel_workflow_execution(
    workflow_id text,
    reason text DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    first_execution_run_id uuid DEFAULT NULL,
    request_id text DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_request_cancel_workflow_execution';

COMMENT ON FUNCTION workflow.request_cancel_workflow_execution(
    text, text, uuid, uuid, text, text, text) IS
'asks a workflow to cancel itself; succeeds without effect if it is closed or was asked before';

CREATE FUNCTION workflow.terminate_workflow_execution(
    workflow_id text,
    reason text DEFAULT NULL,
    details jsonb DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    first_execution_run_id uuid DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_terminate_workflow_execution';

COMMENT ON FUNCTION workflow.terminate_workflow_execution(
    text, text, jsonb, uuid, uuid, text, text) IS
'closes an open run at once, without asking its workflow';

CREATE FUNCTION workflow.delete_workflow_execution(
    workflow_id text,
    run_id uuid DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_delete_workflow_execution';

COMMENT ON FUNCTION workflow.delete_workflow_execution(text, uuid, text) IS
'deletes a run with its history; an open one is terminated first';

CREATE FUNCTION workflow.reset_workflow_execution(
    workflow_id text,
    reason text DEFAULT NULL,
    workflow_task_finish_event_id bigint DEFAULT NULL,
    reset_type text DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    request_id text DEFAULT NULL,
    reset_reapply_exclude_types text[] DEFAULT NULL,
    identity text DEFAULT NULL,
    build_id text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_reset_workflow_execution';

COMMENT ON FUNCTION workflow.reset_workflow_execution(
    text, text, bigint, text, uuid, text, text[], text, text, text) IS
'ends the current run and starts one that goes on from an earlier workflow task of a run; signals and updates since then are sent again';

CREATE FUNCTION workflow.update_workflow_execution_options(
    workflow_id text,
    workflow_execution_options jsonb DEFAULT NULL,
    update_mask text[] DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_update_workflow_execution_options';

COMMENT ON FUNCTION workflow.update_workflow_execution_options(
    text, jsonb, text[], uuid, text, text) IS
'changes the versioning override or the priority of an open run, and returns both as they are then';

CREATE FUNCTION workflow.pause_workflow_execution(
    workflow_id text,
    reason text DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    request_id text DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_pause_workflow_execution';

COMMENT ON FUNCTION workflow.pause_workflow_execution(
    text, text, uuid, text, text, text) IS
'holds an open run: it gets no workflow tasks and hands out no activities until it is unpaused';

CREATE FUNCTION workflow.unpause_workflow_execution(
    workflow_id text,
    reason text DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    request_id text DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_unpause_workflow_execution';

COMMENT ON FUNCTION workflow.unpause_workflow_execution(
    text, text, uuid, text, text, text) IS
'lets a paused run go on';

CREATE FUNCTION workflow.pause_activity(
    workflow_id text,
    activity_id text DEFAULT NULL,
    activity_type text DEFAULT NULL,
    match_all boolean DEFAULT false,
    run_id uuid DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_pause_activity';

COMMENT ON FUNCTION workflow.pause_activity(
    text, text, text, boolean, uuid, text) IS
'keeps pending activities from being handed out to workers; a running attempt goes on';

CREATE FUNCTION workflow.unpause_activity(
    workflow_id text,
    activity_id text DEFAULT NULL,
    activity_type text DEFAULT NULL,
    match_all boolean DEFAULT false,
    run_id uuid DEFAULT NULL,
    namespace text DEFAULT 'default',
    reset_attempts boolean DEFAULT false,
    reset_heartbeat boolean DEFAULT false,
    jitter interval DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_unpause_activity';

COMMENT ON FUNCTION workflow.unpause_activity(
    text, text, text, boolean, uuid, text, boolean, boolean, interval) IS
'lets paused activities be handed out again';

CREATE FUNCTION workflow.reset_activity(
    workflow_id text,
    activity_id text DEFAULT NULL,
    activity_type text DEFAULT NULL,
    match_all boolean DEFAULT false,
    run_id uuid DEFAULT NULL,
    namespace text DEFAULT 'default',
    reset_heartbeat boolean DEFAULT false,
    keep_paused boolean DEFAULT false,
    jitter interval DEFAULT NULL,
    restore_original_options boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_reset_activity';

COMMENT ON FUNCTION workflow.reset_activity(
    text, text, text, boolean, uuid, text, boolean, boolean, interval,
    boolean) IS
'lets pending activities begin with their first attempt again';

CREATE FUNCTION workflow.update_activity_options(
    workflow_id text,
    activity_id text DEFAULT NULL,
    activity_type text DEFAULT NULL,
    match_all boolean DEFAULT false,
    run_id uuid DEFAULT NULL,
    namespace text DEFAULT 'default',
    task_queue text DEFAULT NULL,
    schedule_to_close_timeout interval DEFAULT NULL,
    schedule_to_start_timeout interval DEFAULT NULL,
    start_to_close_timeout interval DEFAULT NULL,
    heartbeat_timeout interval DEFAULT NULL,
    retry_policy jsonb DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_update_activity_options';

COMMENT ON FUNCTION workflow.update_activity_options(
    text, text, text, boolean, uuid, text, text, interval, interval,
    interval, interval, jsonb) IS
'changes the queue, the timeouts or the retry policy of pending activities';
