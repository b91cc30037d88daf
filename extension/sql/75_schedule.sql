/*
 * Schedules, and the cron lines they share with workflows.
 */

CREATE FUNCTION workflow.cron_next(
    spec text,
    after timestamptz DEFAULT pg_catalog.now(),
    for_schedule boolean DEFAULT false)
RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgwf_cron_next_sql';

COMMENT ON FUNCTION workflow.cron_next(text, timestamptz, boolean) IS
'first moment of a cron line after another, in UTC unless it names a time zone; with the rules of workflows, or those of schedules';

CREATE FUNCTION workflow.create_schedule(
    schedule_id text,
    schedule jsonb,
    initial_patch jsonb DEFAULT NULL,
    memo jsonb DEFAULT NULL,
    search_attributes jsonb DEFAULT NULL,
    request_id text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_create_schedule';

COMMENT ON FUNCTION workflow.create_schedule(
    text, jsonb, jsonb, jsonb, jsonb, text, text) IS
'makes a schedule out of a Schedule (spec, action, policies, state), and returns its conflict token; repeating its request id succeeds and changes nothing';

CREATE FUNCTION workflow.describe_schedule(
    schedule_id text,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_describe_schedule';

COMMENT ON FUNCTION workflow.describe_schedule(text, text) IS
'describes a schedule as a DescribeScheduleResponse';

CREATE FUNCTION workflow.update_schedule(
    schedule_id text,
    schedule jsonb,
    conflict_token bigint DEFAULT NULL,
    memo jsonb DEFAULT NULL,
    search_attributes jsonb DEFAULT NULL,
    request_id text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_update_schedule';

COMMENT ON FUNCTION workflow.update_schedule(
    text, jsonb, bigint, jsonb, jsonb, text, text) IS
'replaces what defines a schedule, if its conflict token is still the given one, and returns the new token';

CREATE FUNCTION workflow.patch_schedule(
    schedule_id text,
    patch jsonb,
    request_id text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_patch_schedule';

COMMENT ON FUNCTION workflow.patch_schedule(text, jsonb, text, text) IS
'applies a SchedulePatch: pause or unpause with a note, trigger an action, act on times of the past';

CREATE FUNCTION workflow.delete_schedule(
    schedule_id text,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_delete_schedule';

COMMENT ON FUNCTION workflow.delete_schedule(text, text) IS
'removes a schedule; the workflows it has started go on';

CREATE FUNCTION workflow.list_schedules(
    query text DEFAULT '',
    page_size integer DEFAULT 1000,
    after_schedule_id text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS SETOF jsonb
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'pgwf_list_schedules';

COMMENT ON FUNCTION workflow.list_schedules(text, integer, text, text) IS
'schedules that match a query as ScheduleListEntry, in the order of their ids, a page at a time';

CREATE FUNCTION workflow.count_schedules(
    query text DEFAULT '',
    namespace text DEFAULT 'default')
RETURNS bigint
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_count_schedules';

COMMENT ON FUNCTION workflow.count_schedules(text, text) IS
'number of the schedules that match a query';

CREATE FUNCTION workflow.list_schedule_matching_times(
    schedule_id text,
    start_time timestamptz,
    end_time timestamptz,
    namespace text DEFAULT 'default')
RETURNS SETOF timestamptz
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'pgwf_list_schedule_matching_times';

COMMENT ON FUNCTION workflow.list_schedule_matching_times(
    text, timestamptz, timestamptz, text) IS
'times at which a schedule acts by its spec, after one moment and up to another, with jitter; at most 1000';

CREATE VIEW workflow.schedules WITH (security_barrier) AS
SELECT
    n.name AS namespace,
    s.schedule_id,
    s.definition #>> '{action,startWorkflow,workflowType,name}'
        AS workflow_type,
    s.definition #>> '{action,startWorkflow,taskQueue,name}' AS task_queue,
    coalesce((s.definition #>> '{state,paused}')::boolean, false) AS paused,
    s.definition #>> '{state,notes}' AS notes,
    s.next_action_time,
    (s.progress #>> '{recentActions,-1,actualTime}')::timestamptz
        AS last_action_time,
    coalesce((s.progress ->> 'actionCount')::bigint, 0) AS action_count,
    CASE WHEN (s.definition #>> '{state,limitedActions}')::boolean
        THEN coalesce(
            (s.definition #>> '{state,remainingActions}')::bigint, 0)
    END AS remaining_actions,
    coalesce(jsonb_array_length(s.progress -> 'running'), 0)
        AS running_workflows,
    coalesce(jsonb_array_length(s.progress -> 'buffer'), 0)
        AS buffered_actions,
    s.definition #>> '{policies,overlapPolicy}' AS overlap_policy,
    s.create_time,
    s.update_time,
    s.conflict_token,
    s.definition -> 'spec' AS spec,
    s.memo,
    s.search_attributes
FROM workflow.namespace AS n
JOIN workflow.schedule AS s ON s.namespace_id = n.namespace_id
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.schedules IS
'schedules, with what they did last and do next';
COMMENT ON COLUMN workflow.schedules.namespace IS
'namespace of the schedule';
COMMENT ON COLUMN workflow.schedules.schedule_id IS
'id of the schedule';
COMMENT ON COLUMN workflow.schedules.workflow_type IS
'name of the code of the workflow it starts';
COMMENT ON COLUMN workflow.schedules.task_queue IS
'queue of the workflow it starts';
COMMENT ON COLUMN workflow.schedules.paused IS
'whether it acts only when it is told to';
COMMENT ON COLUMN workflow.schedules.notes IS
'what was noted when it was made, paused or unpaused';
COMMENT ON COLUMN workflow.schedules.next_action_time IS
'when it acts next by itself; null: never, or not while it is paused or out of actions';
COMMENT ON COLUMN workflow.schedules.last_action_time IS
'when it last started a workflow';
COMMENT ON COLUMN workflow.schedules.action_count IS
'how many workflows it has started';
COMMENT ON COLUMN workflow.schedules.remaining_actions IS
'how often it still acts by itself; null: without limit';
COMMENT ON COLUMN workflow.schedules.running_workflows IS
'how many of its workflows run';
COMMENT ON COLUMN workflow.schedules.buffered_actions IS
'how many actions wait for a workflow to end';
COMMENT ON COLUMN workflow.schedules.overlap_policy IS
'what happens to an action while a workflow of the schedule runs';
COMMENT ON COLUMN workflow.schedules.create_time IS
'when it was made';
COMMENT ON COLUMN workflow.schedules.update_time IS
'when it was last updated; null: never';
COMMENT ON COLUMN workflow.schedules.conflict_token IS
'counts its changes; update_schedule() can be told the one it is based on';
COMMENT ON COLUMN workflow.schedules.spec IS
'when it acts, a ScheduleSpec';
COMMENT ON COLUMN workflow.schedules.memo IS
'what was noted about it, not indexed';
COMMENT ON COLUMN workflow.schedules.search_attributes IS
'search attributes of the schedule itself';
