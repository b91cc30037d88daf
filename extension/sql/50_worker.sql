/*
 * What workers call: claim tasks, answer them, tell that they are alive.
 */

CREATE FUNCTION workflow.poll_workflow_task_queue(
    task_queue text,
    max_tasks integer DEFAULT 1,
    identity text DEFAULT NULL,
    sticky boolean DEFAULT false,
    request_id text DEFAULT NULL,
    build_id text DEFAULT NULL,
    deployment_name text DEFAULT NULL,
    versioning_mode text DEFAULT NULL,
    max_tasks_per_second double precision DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS SETOF json
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'pgwf_poll_workflow_task_queue';

COMMENT ON FUNCTION workflow.poll_workflow_task_queue(
    text, integer, text, boolean, text, text, text, text, double precision, text) IS
'claims workflow tasks, by priority, and returns each with its history; returns none if there is nothing to claim now';

CREATE FUNCTION workflow.respond_workflow_task_completed(
    task_token text,
    commands jsonb DEFAULT '[]',
    identity text DEFAULT NULL,
    sticky_queue text DEFAULT NULL,
    sticky_schedule_to_start_timeout interval DEFAULT '10 s',
    return_new_workflow_task boolean DEFAULT false,
    force_create_new_workflow_task boolean DEFAULT false,
    sdk_metadata jsonb DEFAULT NULL,
    metering_metadata jsonb DEFAULT NULL,
    query_results jsonb DEFAULT NULL,
    messages jsonb DEFAULT NULL,
    discard_speculative_workflow_task_with_events boolean DEFAULT false,
    build_id text DEFAULT NULL,
    versioning_behavior text DEFAULT NULL,
    deployment_name text DEFAULT NULL,
    versioning_mode text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_workflow_task_completed';

COMMENT ON FUNCTION workflow.respond_workflow_task_completed(
    text, jsonb, text, text, interval, boolean, boolean, jsonb, jsonb, jsonb,
    jsonb, boolean, text, text, text, text, text) IS
'completes a workflow task with the commands of its workflow; a refusal that is recorded is answered with "error"';

CREATE FUNCTION workflow.respond_workflow_task_failed(
    task_token text,
    cause text DEFAULT 'WORKFLOW_TASK_FAILED_CAUSE_UNSPECIFIED',
    failure jsonb DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_workflow_task_failed';

COMMENT ON FUNCTION workflow.respond_workflow_task_failed(
    text, text, jsonb, text, text) IS
'reports that a workflow task could not be worked on; it is scheduled again';

CREATE FUNCTION workflow.poll_activity_task_queue(
    task_queue text,
    max_tasks integer DEFAULT 1,
    identity text DEFAULT NULL,
    request_id text DEFAULT NULL,
    build_id text DEFAULT NULL,
    deployment_name text DEFAULT NULL,
    versioning_mode text DEFAULT NULL,
    max_tasks_per_second double precision DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS SETOF json
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'pgwf_poll_activity_task_queue';

COMMENT ON FUNCTION workflow.poll_activity_task_queue(
    text, integer, text, text, text, text, text, double precision, text) IS
'claims activity tasks and returns each with its input; returns none if there is nothing to claim now';

CREATE FUNCTION workflow.respond_activity_task_completed(
    task_token text,
    result jsonb DEFAULT NULL,
    identity text DEFAULT NULL,
    sticky_queue text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_activity_task_completed';

COMMENT ON FUNCTION workflow.respond_activity_task_completed(
    text, jsonb, text, text, text) IS
'completes an activity task with its result';

CREATE FUNCTION workflow.respond_activity_task_completed_by_id(
    workflow_id text,
    activity_id text,
    result jsonb DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_activity_task_completed_by_id';

COMMENT ON FUNCTION workflow.respond_activity_task_completed_by_id(
    text, text, jsonb, uuid, text, text) IS
'completes a started activity, named by its id, with its result';

CREATE FUNCTION workflow.respond_activity_task_failed(
    task_token text,
    failure jsonb DEFAULT NULL,
    last_heartbeat_details jsonb DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_activity_task_failed';

COMMENT ON FUNCTION workflow.respond_activity_task_failed(
    text, jsonb, jsonb, text, text) IS
'reports the failure of an activity task; it is retried as its retry policy says';

CREATE FUNCTION workflow.respond_activity_task_failed_by_id(
    workflow_id text,
    activity_id text,
    failure jsonb DEFAULT NULL,
    last_heartbeat_details jsonb DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_activity_task_failed_by_id';

COMMENT ON FUNCTION workflow.respond_activity_task_failed_by_id(
    text, text, jsonb, jsonb, uuid, text, text) IS
'reports the failure of a started activity named by its id';

CREATE FUNCTION workflow.respond_activity_task_canceled(
    task_token text,
    details jsonb DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_activity_task_canceled';

COMMENT ON FUNCTION workflow.respond_activity_task_canceled(
    text, jsonb, text, text) IS
'reports that an activity has canceled itself, as it was asked to';

CREATE FUNCTION workflow.respond_activity_task_canceled_by_id(
    workflow_id text,
    activity_id text,
    details jsonb DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_respond_activity_task_canceled_by_id';

COMMENT ON FUNCTION workflow.respond_activity_task_canceled_by_id(
    text, text, jsonb, uuid, text, text) IS
'reports that a started activity, named by its id, has canceled itself';

CREATE FUNCTION workflow.record_activity_task_heartbeat(
    task_token text,
    details jsonb DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default',
    OUT cancel_requested boolean,
    OUT activity_paused boolean,
    OUT activity_reset boolean)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_record_activity_task_heartbeat';

COMMENT ON FUNCTION workflow.record_activity_task_heartbeat(
    text, jsonb, text, text) IS
'tells that an activity is being worked on, keeps details for its next attempt, and answers whether it should go on';

CREATE FUNCTION workflow.record_activity_task_heartbeat_by_id(
    workflow_id text,
    activity_id text,
    details jsonb DEFAULT NULL,
    run_id uuid DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default',
    OUT cancel_requested boolean,
    OUT activity_paused boolean,
    OUT activity_reset boolean)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_record_activity_task_heartbeat_by_id';

COMMENT ON FUNCTION workflow.record_activity_task_heartbeat_by_id(
    text, text, jsonb, uuid, text, text) IS
'tells that a started activity, named by its id, is being worked on';

CREATE FUNCTION workflow.reset_sticky_task_queue(
    workflow_id text,
    run_id uuid DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_reset_sticky_task_queue';

COMMENT ON FUNCTION workflow.reset_sticky_task_queue(text, uuid, text) IS
'lets the next workflow task of a run go to any worker, with the whole history';

CREATE FUNCTION workflow.shutdown_worker(
    sticky_task_queue text,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_shutdown_worker';

COMMENT ON FUNCTION workflow.shutdown_worker(text, text, text) IS
'gives the workflow tasks of a worker that stops to other workers';
