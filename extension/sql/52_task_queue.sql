/*
 * Task queues: what administrators set for them.  Describing them is with the
 * views.
 */

CREATE TABLE workflow.task_queue_config (
    namespace_id integer NOT NULL,
    kind "char" NOT NULL,
    begun_workflows_first boolean NOT NULL,
    task_queue text COLLATE "C" NOT NULL,
    queue_rate_limit double precision,
    fairness_key_rate_limit_default double precision,
    fairness_weight_overrides jsonb,
    updates jsonb NOT NULL,
    CONSTRAINT task_queue_config_pkey
        PRIMARY KEY (namespace_id, kind, task_queue)
);

COMMENT ON TABLE workflow.task_queue_config IS
'task queues for which something has been set';
COMMENT ON COLUMN workflow.task_queue_config.kind IS
'w workflow tasks, a activity tasks';
COMMENT ON COLUMN workflow.task_queue_config.queue_rate_limit IS
'tasks handed out per second, 0 none; null: what workers say';
COMMENT ON COLUMN workflow.task_queue_config.fairness_key_rate_limit_default IS
'tasks handed out per second and fairness key of weight 1; null: no limit';
COMMENT ON COLUMN workflow.task_queue_config.fairness_weight_overrides IS
'weights by fairness key, which take the place of those of tasks';
COMMENT ON COLUMN workflow.task_queue_config.begun_workflows_first IS
'whether the first workflow tasks of runs come after those of others';
COMMENT ON COLUMN workflow.task_queue_config.updates IS
'when each limit was set last, by whom and why';

SELECT pg_catalog.pg_extension_config_dump(
    'workflow.task_queue_config', '');

/* Every backend has read the table. */
CREATE TRIGGER task_queue_config_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON workflow.task_queue_config
    FOR EACH STATEMENT EXECUTE FUNCTION workflow.namespace_changed();
ALTER TABLE workflow.task_queue_config
    ENABLE ALWAYS TRIGGER task_queue_config_changed;

CREATE FUNCTION workflow.update_task_queue_config(
    task_queue text,
    task_queue_type text DEFAULT 'TASK_QUEUE_TYPE_WORKFLOW',
    queue_rate_limit double precision DEFAULT NULL,
    unset_queue_rate_limit boolean DEFAULT false,
    fairness_key_rate_limit_default double precision DEFAULT NULL,
    unset_fairness_key_rate_limit_default boolean DEFAULT false,
    set_fairness_weight_overrides jsonb DEFAULT NULL,
    unset_fairness_weight_overrides text[] DEFAULT NULL,
    begun_workflows_first boolean DEFAULT NULL,
    reason text DEFAULT NULL,
    identity text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_update_task_queue_config';

COMMENT ON FUNCTION workflow.update_task_queue_config(
    text, text, double precision, boolean, double precision, boolean, jsonb,
    text[], boolean, text, text, text) IS
'changes what is set for a task queue, its limits, weights and order, and returns it as it is then';
