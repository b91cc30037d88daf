/*
 * Who may reach what: the whole of it.
 *
 * Nothing is granted to PUBLIC, and nothing to any role at installation.
 * grant_namespace() grants what object_rights lists for the rights it gives.
 * A new function or view needs a line here; an object without one stays
 * closed, and the catalog test complains.
 */

CREATE VIEW workflow.object_rights (object_kind, object_name, object_right) AS
VALUES
    /* installation */
    ('routine', 'check_preloaded', 'owner'),
    /* namespaces */
    ('routine', 'register_namespace', 'owner'),
    ('routine', 'delete_namespace', 'owner'),
    ('routine', 'update_namespace', 'admin'),
    ('routine', 'describe_namespace', 'read'),
    ('routine', 'grant_namespace', 'admin'),
    ('routine', 'revoke_namespace', 'admin'),
    ('routine', 'refresh_grants', 'owner'),
    ('routine', 'namespace_readable', 'read'),
    ('routine', 'namespace_changed', 'owner'),
    ('routine', 'namespace_restored', 'owner'),
    /* worker deployments */
    ('routine', 'worker_routing_changed', 'owner'),
    ('routine', 'route_target', 'owner'),
    ('routine', 'describe_worker_deployment', 'read'),
    ('routine', 'describe_worker_deployment_version', 'read'),
    ('routine', 'list_worker_deployments', 'read'),
    ('routine', 'set_worker_deployment_current_version', 'admin'),
    ('routine', 'set_worker_deployment_ramping_version', 'admin'),
    ('routine', 'delete_worker_deployment_version', 'admin'),
    ('routine', 'delete_worker_deployment', 'admin'),
    ('routine', 'update_worker_deployment_version_metadata', 'admin'),
    /* virtual time */
    ('routine', 'get_current_time', 'read'),
    ('routine', 'advance_time', 'admin'),
    ('routine', 'lock_time_skipping', 'admin'),
    ('routine', 'unlock_time_skipping', 'admin'),
    ('routine', 'sleep_with_time_skipping', 'admin'),
    /* runs, as their clients see them */
    ('routine', 'start_workflow_execution', 'client'),
    ('routine', 'signal_with_start_workflow_execution', 'client'),
    ('routine', 'signal_workflow_execution', 'client'),
    ('routine', 'request_cancel_workflow_execution', 'client'),
    ('routine', 'terminate_workflow_execution', 'client'),
    ('routine', 'delete_workflow_execution', 'client'),
    ('routine', 'reset_workflow_execution', 'client'),
    ('routine', 'update_workflow_execution_options', 'client'),
    ('routine', 'pause_workflow_execution', 'client'),
    ('routine', 'unpause_workflow_execution', 'client'),
    ('routine', 'pause_activity', 'client'),
    ('routine', 'unpause_activity', 'client'),
    ('routine', 'reset_activity', 'client'),
    ('routine', 'update_activity_options', 'client'),
    ('routine', 'get_workflow_execution_result', 'read'),
    ('routine', 'wait_for_new_event', 'read'),
    ('routine', 'query_workflow', 'read'),
    ('routine', 'update_workflow_execution', 'client'),
    ('routine', 'update_with_start_workflow_execution', 'client'),
    ('routine', 'poll_workflow_execution_update', 'read'),
    ('routine', 'describe_workflow_execution', 'read'),
    ('routine', 'get_workflow_execution_history', 'read'),
    ('routine', 'history_json', 'read'),
    ('routine', 'history_from_json', 'read'),
    ('routine', 'unpack_events', 'read'),
    ('routine', 'pack_event', 'owner'),
    ('view', 'history_event', 'owner'),
    /* tasks, as workers see them */
    ('routine', 'wait_for_task', 'worker'),
    ('routine', 'wait_and_poll', 'worker'),
    ('routine', 'poll_workflow_task_queue', 'worker'),
    ('routine', 'respond_workflow_task_completed', 'worker'),
    ('routine', 'respond_workflow_task_failed', 'worker'),
    ('routine', 'respond_query_task_completed', 'worker'),
    ('routine', 'poll_activity_task_queue', 'worker'),
    ('routine', 'respond_activity_task_completed', 'worker'),
    ('routine', 'respond_activity_task_completed_by_id', 'worker'),
    ('routine', 'respond_activity_task_failed', 'worker'),
    ('routine', 'respond_activity_task_failed_by_id', 'worker'),
    ('routine', 'respond_activity_task_canceled', 'worker'),
    ('routine', 'respond_activity_task_canceled_by_id', 'worker'),
    ('routine', 'record_activity_task_heartbeat', 'worker'),
    ('routine', 'record_activity_task_heartbeat_by_id', 'worker'),
    ('routine', 'reset_sticky_task_queue', 'worker'),
    ('routine', 'shutdown_worker', 'worker'),
    /* many calls in one statement, each of which needs its own right */
    ('routine', 'execute_calls', 'read'),
    /* schedules */
    ('routine', 'cron_next', 'read'),
    ('routine', 'create_schedule', 'client'),
    ('routine', 'describe_schedule', 'read'),
    ('routine', 'update_schedule', 'client'),
    ('routine', 'patch_schedule', 'client'),
    ('routine', 'delete_schedule', 'client'),
    ('routine', 'list_schedules', 'read'),
    ('routine', 'count_schedules', 'read'),
    ('routine', 'list_schedule_matching_times', 'read'),
    /* search attributes and finding runs */
    ('routine', 'add_search_attributes', 'admin'),
    ('routine', 'remove_search_attributes', 'admin'),
    ('routine', 'builtin_search_attributes', 'read'),
    ('routine', 'search_attribute_time', 'read'),
    ('routine', 'list_workflow_executions', 'read'),
    ('routine', 'count_workflow_executions', 'read'),
    /* batch operations */
    ('routine', 'start_batch_operation', 'client'),
    ('routine', 'stop_batch_operation', 'client'),
    ('routine', 'describe_batch_operation', 'read'),
    ('routine', 'list_batch_operations', 'read'),
    /* what people look at */
    ('routine', 'pollers', 'read'),
    ('routine', 'task_deadlines', 'owner'),
    ('routine', 'describe_task_queue', 'read'),
    ('routine', 'update_task_queue_config', 'admin'),
    ('view', 'namespaces', 'read'),
    ('view', 'namespace_grants', 'read'),
    ('view', 'executions', 'read'),
    ('view', 'search_attributes', 'read'),
    ('view', 'history', 'read'),
    ('view', 'pending_activities', 'read'),
    ('view', 'pending_timers', 'read'),
    ('view', 'pending_children', 'read'),
    ('view', 'task_queues', 'read'),
    ('view', 'pollers', 'read'),
    ('view', 'schedules', 'read'),
    ('view', 'object_rights', 'owner');

COMMENT ON VIEW workflow.object_rights IS
'the right each function and view needs; what grant_namespace() goes by';
COMMENT ON COLUMN workflow.object_rights.object_kind IS
'routine or view';
COMMENT ON COLUMN workflow.object_rights.object_name IS
'name in schema workflow; of a routine, all its overloads';
COMMENT ON COLUMN workflow.object_rights.object_right IS
'read, client, worker or admin; owner: no grant opens it';

REVOKE ALL ON SCHEMA workflow FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA workflow FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA workflow FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA workflow FROM PUBLIC;
REVOKE ALL ON TYPE workflow.event_type FROM PUBLIC;
REVOKE ALL ON TYPE workflow.execution_status FROM PUBLIC;
