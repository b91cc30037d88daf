/*-------------------------------------------------------------------------
 *
 * pgwf_guc.h
 *		The settings, pg_workflow.*: what each is for stands in pgwf_guc.c.
 *
 * Sizes are bytes.  Durations are milliseconds.  0 switches a limit off
 * where pgwf_guc.c says so.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_GUC_H
#define PGWF_GUC_H

/* limits of a history */
extern int	pgwf_history_size_suggest;
extern int	pgwf_history_size_warn;
extern int	pgwf_history_size_error;
extern int	pgwf_history_count_suggest;
extern int	pgwf_history_count_warn;
extern int	pgwf_history_count_error;
extern int	pgwf_mutable_state_size_error;

/* limits of what is passed in */
extern int	pgwf_payload_size_warn;
extern int	pgwf_payload_size_error;
extern int	pgwf_memo_size_warn;
extern int	pgwf_memo_size_error;
extern int	pgwf_max_search_attributes;
extern int	pgwf_search_attribute_size_error;
extern int	pgwf_search_attributes_size_error;
extern int	pgwf_max_id_length;
extern int	pgwf_workflow_id_reuse_minimal_interval;

/* limits of what is pending in one run */
extern int	pgwf_max_pending_activities;
extern int	pgwf_max_pending_children;
extern int	pgwf_max_deployments;
extern int	pgwf_max_task_queues_in_version;
extern int	pgwf_max_versions_in_deployment;
extern int	pgwf_version_drainage_interval; /* milliseconds */
extern int	pgwf_max_pending_signals;
extern int	pgwf_max_pending_cancels;
extern int	pgwf_max_signals_per_execution;
extern int	pgwf_max_buffered_events;
extern int	pgwf_max_buffered_size;
extern int	pgwf_max_buffered_queries;
extern int	pgwf_max_in_flight_updates;
extern int	pgwf_max_in_flight_updates_size;
extern int	pgwf_max_total_updates;

/* workflow tasks */
extern int	pgwf_default_workflow_task_timeout;
extern int	pgwf_max_workflow_task_timeout;
extern int	pgwf_workflow_task_heartbeat_timeout;
extern int	pgwf_workflow_task_retry_initial_interval;
extern int	pgwf_workflow_task_retry_maximum_interval;
extern int	pgwf_workflow_task_retry_free_attempts;
extern int	pgwf_workflow_task_problems_to_report;
extern int	pgwf_sticky_poller_ttl;

/* the retry policy of activities that leaves something open */
extern int	pgwf_default_activity_initial_interval;
extern double pgwf_default_activity_backoff_coefficient;
extern double pgwf_default_activity_maximum_interval_coefficient;
extern int	pgwf_default_activity_maximum_attempts;

/* waiting */
extern int	pgwf_default_wait_timeout;
extern int	pgwf_max_wait_timeout;
extern int	pgwf_default_query_timeout;
extern int	pgwf_sticky_query_timeout;
extern int	pgwf_max_update_wait_timeout;

/* background workers */
extern bool pgwf_scheduler;
extern int	pgwf_scheduler_batch_size;
extern int	pgwf_scheduler_look_interval;

/* shared memory */
extern int	pgwf_max_databases;
extern int	pgwf_max_pollers;
extern int	pgwf_max_task_queues;
extern int	pgwf_max_fairness_keys;
extern int	pgwf_max_task_deadlines;

/* Define the settings of any backend, and those of a preloaded library. */
extern void pgwf_guc_init(void);
extern void pgwf_guc_init_startup(void);

#endif							/* PGWF_GUC_H */
