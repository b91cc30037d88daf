/*
 * Reading runs: histories page by page, as a file, and what is pending.
 */

CREATE FUNCTION workflow.get_workflow_execution_history(
    workflow_id text,
    run_id uuid DEFAULT NULL,
    after_event_id bigint DEFAULT 0,
    page_size integer DEFAULT 1000,
    reverse boolean DEFAULT false,
    filter text DEFAULT 'HISTORY_EVENT_FILTER_TYPE_ALL_EVENT',
    namespace text DEFAULT 'default')
RETURNS TABLE (
    event_id bigint,
    event_time timestamptz,
    event_type workflow.event_type,
    attributes jsonb,
    user_metadata jsonb)
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100
AS 'MODULE_PATHNAME', 'pgwf_get_workflow_execution_history';

COMMENT ON FUNCTION workflow.get_workflow_execution_history(
    text, uuid, bigint, integer, boolean, text, text) IS
'one page of a run''s history, from the event after after_event_id on';

CREATE FUNCTION workflow.history_json(
    workflow_id text,
    run_id uuid DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS json
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'pgwf_history_json';

COMMENT ON FUNCTION workflow.history_json(text, uuid, text) IS
'a run''s history in the format of Temporal''s history files';

CREATE FUNCTION workflow.history_from_json(history json)
RETURNS TABLE (
    event_id bigint,
    event_time timestamptz,
    event_type workflow.event_type,
    attributes jsonb,
    user_metadata jsonb)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'pgwf_history_from_json';

COMMENT ON FUNCTION workflow.history_from_json(json) IS
'the events of a history file of Temporal''s format, as get_workflow_execution_history() shows them';

CREATE FUNCTION workflow.describe_workflow_execution(
    workflow_id text,
    run_id uuid DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'pgwf_describe_workflow_execution';

COMMENT ON FUNCTION workflow.describe_workflow_execution(text, uuid, text) IS
'describes a run and what is pending in it as a DescribeWorkflowExecutionResponse';
