/*-------------------------------------------------------------------------
 *
 * pgwf_guc.c
 *		Every setting, with the reason it is there.
 *
 * The limits are Temporal's, with its defaults.  They and the other settings
 * of how runs behave are the superuser's: a user must not be able to lift
 * what keeps tenants from harming each other.  They may be set for a single
 * database or role.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "pgwf_guc.h"

/* limits of a history */
int			pgwf_history_size_suggest = 4 * 1024 * 1024;
int			pgwf_history_size_warn = 10 * 1024 * 1024;
int			pgwf_history_size_error = 50 * 1024 * 1024;
int			pgwf_history_count_suggest = 4096;
int			pgwf_history_count_warn = 10240;
int			pgwf_history_count_error = 51200;
int			pgwf_mutable_state_size_error = 8 * 1024 * 1024;

/* limits of what is passed in */
int			pgwf_payload_size_warn = 512 * 1024;
int			pgwf_payload_size_error = 2 * 1024 * 1024;
int			pgwf_memo_size_warn = 2 * 1024;
int			pgwf_memo_size_error = 2 * 1024 * 1024;
int			pgwf_max_search_attributes = 100;
int			pgwf_search_attribute_size_error = 2 * 1024;
int			pgwf_search_attributes_size_error = 40 * 1024;
int			pgwf_max_id_length = 1000;
int			pgwf_workflow_id_reuse_minimal_interval = 1000;

/* limits of what is pending in one run */
int			pgwf_max_pending_activities = 2000;
int			pgwf_max_pending_children = 2000;
int			pgwf_max_deployments = 100;
int			pgwf_max_task_queues_in_version = 100;
int			pgwf_max_versions_in_deployment = 100;
int			pgwf_version_drainage_interval = 60000;
int			pgwf_max_pending_signals = 2000;
int			pgwf_max_pending_cancels = 2000;
int			pgwf_max_signals_per_execution = 10000;
int			pgwf_max_buffered_events = 100;
int			pgwf_max_buffered_size = 2 * 1024 * 1024;
int			pgwf_max_buffered_queries = 1;
int			pgwf_max_in_flight_updates = 10;
int			pgwf_max_in_flight_updates_size = 20 * 1024 * 1024;
int			pgwf_max_total_updates = 2000;

/* workflow tasks */
int			pgwf_default_workflow_task_timeout = 10 * 1000;
int			pgwf_max_workflow_task_timeout = 120 * 1000;
int			pgwf_workflow_task_heartbeat_timeout = 30 * 60 * 1000;
int			pgwf_workflow_task_retry_initial_interval = 5 * 1000;
int			pgwf_workflow_task_retry_maximum_interval = 10 * 60 * 1000;
int			pgwf_workflow_task_retry_free_attempts = 3;
int			pgwf_workflow_task_problems_to_report = 5;
int			pgwf_sticky_poller_ttl = 10 * 1000;

/* the retry policy of activities that leaves something open */
int			pgwf_default_activity_initial_interval = 1000;
double		pgwf_default_activity_backoff_coefficient = 2.0;
double		pgwf_default_activity_maximum_interval_coefficient = 100.0;
int			pgwf_default_activity_maximum_attempts = 0;

/* waiting */
int			pgwf_default_wait_timeout = 60 * 1000;
int			pgwf_max_wait_timeout = 10 * 60 * 1000;
int			pgwf_default_query_timeout = 10 * 1000;
int			pgwf_sticky_query_timeout = 5 * 1000;
int			pgwf_max_update_wait_timeout = 20 * 1000;

/* background workers */
bool		pgwf_scheduler = true;
int			pgwf_scheduler_batch_size = 50;
int			pgwf_scheduler_look_interval = 60 * 1000;

/* shared memory */
int			pgwf_max_databases = 64;
int			pgwf_max_pollers = 2048;
int			pgwf_max_task_queues = 1024;
int			pgwf_max_fairness_keys = 4096;
int			pgwf_max_task_deadlines = 32768;

/*
 * Settings that any backend can define, preloaded or not.
 */
void
pgwf_guc_init(void)
{
	/*
	 * Replaying a history costs its worker time in proportion to its size.
	 * From here on WorkflowTaskStarted carries suggestContinueAsNew. 0 never
	 * suggests it for the size.
	 */
	DefineCustomIntVariable("pg_workflow.history_size_suggest",
							"Size of a history from which its worker is told to continue as new.",
							NULL,
							&pgwf_history_size_suggest,
							4 * 1024 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * Gives an operator time before the run is terminated by
	 * history_size_error. 0 never warns.
	 */
	DefineCustomIntVariable("pg_workflow.history_size_warn",
							"Size of a history from which the server log warns.",
							NULL,
							&pgwf_history_size_warn,
							10 * 1024 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * A workflow that loops without continuing as new would otherwise fill
	 * the disk and could never be replayed. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.history_size_error",
							"Size of a history at which its run is terminated.",
							NULL,
							&pgwf_history_size_error,
							50 * 1024 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * As history_size_suggest, counted in events. 0 never suggests it for the
	 * count.
	 */
	DefineCustomIntVariable("pg_workflow.history_count_suggest",
							"Number of events from which a worker is told to continue as new.",
							NULL,
							&pgwf_history_count_suggest,
							4096, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* As history_size_warn, counted in events. 0 never warns. */
	DefineCustomIntVariable("pg_workflow.history_count_warn",
							"Number of events of a history from which the server log warns.",
							NULL,
							&pgwf_history_count_warn,
							10240, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* As history_size_error, counted in events. 0 is no limit. */
	DefineCustomIntVariable("pg_workflow.history_count_error",
							"Number of events of a history at which its run is terminated.",
							NULL,
							&pgwf_history_count_error,
							51200, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * Every change of a run may have to load what is pending in it:
	 * activities with their heartbeat details and last failures, timers,
	 * buffered events. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.mutable_state_size_error",
							"Size of the pending items of a run at which it is terminated.",
							NULL,
							&pgwf_mutable_state_size_error,
							8 * 1024 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * Payloads are copied into histories and read at every replay. Large ones
	 * belong in tables of the user, with their key as payload. 0 never warns.
	 */
	DefineCustomIntVariable("pg_workflow.payload_size_warn",
							"Size of an input, result or details from which the server log warns.",
							NULL,
							&pgwf_payload_size_warn,
							512 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * As payload_size_warn, but refused: a call fails, and a workflow task
	 * with such a command fails with its run. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.payload_size_error",
							"Size of an input, result or details that is refused.",
							NULL,
							&pgwf_payload_size_error,
							2 * 1024 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/* Memos are returned with every listed execution. 0 never warns. */
	DefineCustomIntVariable("pg_workflow.memo_size_warn",
							"Size of a memo from which the server log warns.",
							NULL,
							&pgwf_memo_size_warn,
							2 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/* As memo_size_warn, but refused. 0 is no limit. */
	DefineCustomIntVariable("pg_workflow.memo_size_error",
							"Size of a memo that is refused.",
							NULL,
							&pgwf_memo_size_error,
							2 * 1024 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * Search attributes are indexed, so each of them costs at every start and
	 * upsert.
	 */
	DefineCustomIntVariable("pg_workflow.max_search_attributes",
							"Number of search attributes of a run.",
							NULL,
							&pgwf_max_search_attributes,
							100, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* Index entries have an upper size that a value must stay under. */
	DefineCustomIntVariable("pg_workflow.search_attribute_size_error",
							"Size of one search attribute that is refused.",
							NULL,
							&pgwf_search_attribute_size_error,
							2 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * Bounds the row of workflow.execution, which is rewritten at every
	 * upsert.
	 */
	DefineCustomIntVariable("pg_workflow.search_attributes_size_error",
							"Size of all search attributes of a run that is refused.",
							NULL,
							&pgwf_search_attributes_size_error,
							40 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * Ids are keys of indexes. The upper limit is what fits into an index
	 * entry with the other columns.
	 */
	DefineCustomIntVariable("pg_workflow.max_id_length",
							"Length in bytes of ids, names of types and names of queues.",
							NULL,
							&pgwf_max_id_length,
							1000, 1, 2000,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * A workflow that starts itself again in a tight loop would fill the
	 * database with runs. A start that comes sooner is refused; a run that
	 * continues another waits. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.workflow_id_reuse_minimal_interval",
							"Time between the starts of two runs of one workflow id.",
							NULL,
							&pgwf_workflow_id_reuse_minimal_interval,
							1000, 0, 3600 * 1000,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * A workflow task with a command beyond it fails, and the workflow sees
	 * its own mistake early instead of a run that grows slow. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.max_pending_activities",
							"Number of activities that may be pending in a run.",
							NULL,
							&pgwf_max_pending_activities,
							2000, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * A workflow task with a command beyond it fails, and the workflow sees
	 * its own mistake early instead of a run that grows slow. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.max_pending_children",
							"Number of child workflows that may be pending in a run.",
							NULL,
							&pgwf_max_pending_children,
							2000, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);
	/* Guards against workers that make a name up at each start. */
	DefineCustomIntVariable("pg_workflow.max_deployments",
							"Number of worker deployments in a namespace.",
							NULL,
							&pgwf_max_deployments,
							100, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* Every backend keeps all versions in memory. 0 is no limit. */
	DefineCustomIntVariable("pg_workflow.max_versions_in_deployment",
							"Number of versions of a worker deployment.",
							NULL,
							&pgwf_max_versions_in_deployment,
							100, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* As max_versions_in_deployment. */
	DefineCustomIntVariable("pg_workflow.max_task_queues_in_version",
							"Number of task queues that a worker deployment version serves.",
							NULL,
							&pgwf_max_task_queues_in_version,
							100, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * Whoever waits for the end of an old version's runs learns of it so much
	 * later, at most.
	 */
	DefineCustomIntVariable("pg_workflow.version_drainage_interval",
							"How often the scheduler looks whether a version is drained.",
							NULL,
							&pgwf_version_drainage_interval,
							60 * 1000, 1, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * A workflow task with a command beyond it fails, and the workflow sees
	 * its own mistake early instead of a run that grows slow. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.max_pending_signals",
							"Number of signals to other workflows that may be pending in a run.",
							NULL,
							&pgwf_max_pending_signals,
							2000, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * A workflow task with a command beyond it fails, and the workflow sees
	 * its own mistake early instead of a run that grows slow. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.max_pending_cancels",
							"Number of cancel requests to other workflows that may be pending in a run.",
							NULL,
							&pgwf_max_pending_cancels,
							2000, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * Signals are the one kind of event that others add to a run without its
	 * doing. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.max_signals_per_execution",
							"Number of signals that a run accepts.",
							NULL,
							&pgwf_max_signals_per_execution,
							10000, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * When a workflow task is running, what happens meanwhile is buffered.
	 * Beyond this number the task is failed and the events are written, so
	 * that a worker that hangs cannot pile them up.
	 */
	DefineCustomIntVariable("pg_workflow.max_buffered_events",
							"Number of events that wait for the end of a workflow task.",
							NULL,
							&pgwf_max_buffered_events,
							100, 1, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* As max_buffered_events, counted in bytes. */
	DefineCustomIntVariable("pg_workflow.max_buffered_size",
							"Size of the events that wait for the end of a workflow task.",
							NULL,
							&pgwf_max_buffered_size,
							2 * 1024 * 1024, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * A query that has to wait for a workflow task is refused when so many
	 * wait already: their askers would all be answered at once, and late. 0
	 * is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.max_buffered_queries",
							"Number of queries of a run that wait for its workflow task.",
							NULL,
							&pgwf_max_buffered_queries,
							1, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * Updates that a run has not completed: a workflow that answers slowly
	 * makes its clients wait rather than pile up work. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.max_in_flight_updates",
							"Number of updates that a run has in flight.",
							NULL,
							&pgwf_max_in_flight_updates,
							10, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* As max_in_flight_updates, counted in bytes of their requests. */
	DefineCustomIntVariable("pg_workflow.max_in_flight_updates_size",
							"Size of the updates that a run has in flight.",
							NULL,
							&pgwf_max_in_flight_updates_size,
							20 * 1024 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	/*
	 * Each leaves two events. Beyond 90 % of the limit workers are told to
	 * continue the workflow as new. 0 is no limit.
	 */
	DefineCustomIntVariable("pg_workflow.max_total_updates",
							"Number of updates that a run accepts.",
							NULL,
							&pgwf_max_total_updates,
							2000, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* Bounds how long a run stands still when its worker dies with a task. */
	DefineCustomIntVariable("pg_workflow.default_workflow_task_timeout",
							"How long a worker may take for a workflow task when the start says nothing.",
							NULL,
							&pgwf_default_workflow_task_timeout,
							10 * 1000, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * Longer values are cut to this one. Workflow code that needs longer must
	 * heartbeat.
	 */
	DefineCustomIntVariable("pg_workflow.max_workflow_task_timeout",
							"Longest time a start may give to workflow tasks.",
							NULL,
							&pgwf_max_workflow_task_timeout,
							120 * 1000, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * A worker with a long local activity completes its task early and asks
	 * for the next one. A worker that does only that is stopped here.
	 */
	DefineCustomIntVariable("pg_workflow.workflow_task_heartbeat_timeout",
							"How long a workflow task may be prolonged by heartbeats.",
							NULL,
							&pgwf_workflow_task_heartbeat_timeout,
							30 * 60 * 1000, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * Workers do not report a task that failed again; its timeout paces the
	 * attempts, and grows by this, doubled from attempt to attempt.
	 */
	DefineCustomIntVariable("pg_workflow.workflow_task_retry_initial_interval",
							"First delay added to the timeout of a workflow task that keeps failing.",
							NULL,
							&pgwf_workflow_task_retry_initial_interval,
							5 * 1000, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * Bounds how long a run waits for its next attempt after its code was
	 * fixed.
	 */
	DefineCustomIntVariable("pg_workflow.workflow_task_retry_maximum_interval",
							"Longest delay added to the timeout of a workflow task that keeps failing.",
							NULL,
							&pgwf_workflow_task_retry_maximum_interval,
							10 * 60 * 1000, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * A passing trouble, as a restart of the worker, should not slow a run
	 * down.
	 */
	DefineCustomIntVariable("pg_workflow.workflow_task_retry_free_attempts",
							"Number of attempts of a workflow task before its timeout grows.",
							NULL,
							&pgwf_workflow_task_retry_free_attempts,
							3, 1, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/* Runs that need somebody's help can be searched for. */
	DefineCustomIntVariable("pg_workflow.workflow_task_problems_to_report",
							"Number of failures of a workflow task in a row from which its run has the search attribute TemporalReportedProblems.",
							"Zero never sets it.",
							&pgwf_workflow_task_problems_to_report,
							5, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * Workflow tasks go to the worker that has the run cached as long as it
	 * has polled within this time, and to any worker after it.
	 */
	DefineCustomIntVariable("pg_workflow.sticky_poller_ttl",
							"How long a worker's private queue counts as served after its last poll.",
							NULL,
							&pgwf_sticky_poller_ttl,
							10 * 1000, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/* Used when a retry policy says nothing about it. */
	DefineCustomIntVariable("pg_workflow.default_activity_initial_interval",
							"Delay before the second attempt of an activity.",
							NULL,
							&pgwf_default_activity_initial_interval,
							1000, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/* Used when a retry policy says nothing about it. */
	DefineCustomRealVariable("pg_workflow.default_activity_backoff_coefficient",
							 "Factor by which the delay grows from attempt to attempt.",
							 NULL,
							 &pgwf_default_activity_backoff_coefficient,
							 2.0, 1.0, 1000000.0,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	/* Used when a retry policy names no longest delay. */
	DefineCustomRealVariable("pg_workflow.default_activity_maximum_interval_coefficient",
							 "Longest delay between attempts, as a multiple of the first.",
							 NULL,
							 &pgwf_default_activity_maximum_interval_coefficient,
							 100.0, 1.0, 1000000.0,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	/*
	 * Used when a retry policy says nothing about it. 0 is no limit: an
	 * activity is retried until its schedule-to-close timeout.
	 */
	DefineCustomIntVariable("pg_workflow.default_activity_maximum_attempts",
							"Number of attempts of an activity.",
							NULL,
							&pgwf_default_activity_maximum_attempts,
							0, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	/*
	 * Long enough that an idle worker makes next to no calls, short enough
	 * that connection poolers and firewalls see some traffic.
	 */
	DefineCustomIntVariable("pg_workflow.default_wait_timeout",
							"How long wait_for_task waits when its call says nothing.",
							NULL,
							&pgwf_default_wait_timeout,
							60 * 1000, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/* Enough for a worker that has to replay a long history first. */
	DefineCustomIntVariable("pg_workflow.default_query_timeout",
							"How long query_workflow waits when its call says nothing.",
							NULL,
							&pgwf_default_query_timeout,
							10 * 1000, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * A worker that has the run answers in milliseconds, or is gone: then
	 * another one, which has to replay the history, needs the rest of the
	 * query's timeout.
	 */
	DefineCustomIntVariable("pg_workflow.sticky_query_timeout",
							"How long a query waits for the worker that has the run.",
							NULL,
							&pgwf_sticky_query_timeout,
							5 * 1000, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * An update may take as long as its workflow likes: a caller that wants
	 * its outcome asks again.
	 */
	DefineCustomIntVariable("pg_workflow.max_update_wait_timeout",
							"Longest time that a call waits for an update.",
							NULL,
							&pgwf_max_update_wait_timeout,
							20 * 1000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * Longer timeouts are cut to this one: the caller sees an empty answer,
	 * and calls again.
	 */
	DefineCustomIntVariable("pg_workflow.max_wait_timeout",
							"Longest time that wait_for_task waits.",
							NULL,
							&pgwf_max_wait_timeout,
							10 * 60 * 1000, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/*
	 * For an operator who must look at the state of runs while nothing moves,
	 * as after a restore that must not act on the world.
	 */
	DefineCustomBoolVariable("pg_workflow.scheduler",
							 "Runs the scheduler of each database that has the extension.",
							 "Without it no timer fires and nothing times out.",
							 &pgwf_scheduler,
							 true,
							 PGC_SIGHUP, 0,
							 NULL, NULL, NULL);

	/*
	 * A larger batch needs fewer commits; a smaller one holds the locks of
	 * its runs for a shorter time.
	 */
	DefineCustomIntVariable("pg_workflow.scheduler_batch_size",
							"Number of runs that the scheduler changes in one transaction.",
							NULL,
							&pgwf_scheduler_batch_size,
							50, 1, 10000,
							PGC_SIGHUP, 0,
							NULL, NULL, NULL);

	/*
	 * What becomes due is published in shared memory, so that an idle
	 * scheduler only sleeps. This is how long something that was not
	 * published, as after COMMIT PREPARED on a restarted server, can be late.
	 */
	DefineCustomIntVariable("pg_workflow.scheduler_look_interval",
							"Longest time between two looks of the scheduler at the tables.",
							NULL,
							&pgwf_scheduler_look_interval,
							60 * 1000, 1000, 3600 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);
}

/*
 * Settings that size shared memory, and so belong to a preloaded library.
 * No other setting of our prefix can be defined after this.
 */
void
pgwf_guc_init_startup(void)
{
	/*
	 * Each has a slot in shared memory, by which its scheduler is started,
	 * woken and asked to leave. Each also needs one of max_worker_processes.
	 */
	DefineCustomIntVariable("pg_workflow.max_databases",
							"Number of databases that can have the extension at the same time.",
							NULL,
							&pgwf_max_databases,
							64, 1, 10000,
							PGC_POSTMASTER, 0,
							NULL, NULL, NULL);

	/*
	 * Who polled which queue lately decides whether a worker's private queue
	 * is still served, and is shown by workflow.pollers(). When there are
	 * more, the oldest is forgotten, which costs its worker a replay from the
	 * start.
	 */
	DefineCustomIntVariable("pg_workflow.max_pollers",
							"Number of workers' queues that are remembered.",
							NULL,
							&pgwf_max_pollers,
							2048, 16, 1000000,
							PGC_POSTMASTER, 0,
							NULL, NULL, NULL);

	/*
	 * Rates, limits and turns of task queues are kept in shared memory. When
	 * there are more, the one that was used longest ago is forgotten: its
	 * limit begins anew, its rates at zero, its turns with what waits in it.
	 */
	DefineCustomIntVariable("pg_workflow.max_task_queues",
							"Number of task queues whose rates, limits and turns are known.",
							NULL,
							&pgwf_max_task_queues,
							1024, 16, 1000000,
							PGC_POSTMASTER, 0,
							NULL, NULL, NULL);

	/*
	 * A fairness key that is forgotten has its next turn with those that have
	 * not been there for long.
	 */
	DefineCustomIntVariable("pg_workflow.max_fairness_keys",
							"Number of fairness keys whose turns and limits are known.",
							NULL,
							&pgwf_max_fairness_keys,
							4096, 16, 10000000,
							PGC_POSTMASTER, 0,
							NULL, NULL, NULL);

	/*
	 * Workflow tasks that workers have, or that wait in the private queue of
	 * one, time out. When there are more, the states of all open runs are
	 * read when the first of those is due that found no place.
	 */
	DefineCustomIntVariable("pg_workflow.max_task_deadlines",
							"Number of workflow tasks of which is known when they time out.",
							NULL,
							&pgwf_max_task_deadlines,
							32768, 16, 10000000,
							PGC_POSTMASTER, 0,
							NULL, NULL, NULL);

	MarkGUCPrefixReserved("pg_workflow");
}
