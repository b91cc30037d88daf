/*-------------------------------------------------------------------------
 *
 * pgwf_continue.c
 *		The run that continues a run that closes: by the retry policy of the
 *		workflow, or by its cron schedule (SS 3.5).
 *
 * The successor is made from what stands in WorkflowExecutionStarted, not
 * from what the run changed since.  It is created when the closed run has
 * been written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "pgwf_args.h"
#include "pgwf_continue.h"
#include "pgwf_cron.h"
#include "pgwf_failure.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_retry_policy.h"
#include "pgwf_versioning.h"

/* The run's WorkflowExecutionStarted */
void
pgwf_read_started_event(PgwfRun *run, PgwfReader *started)
{
	PgwfEvent  *event;

	event = pgwf_event_load_one(run->call, run->state.namespace_id,
								run->state.run_key, 1);
	if (event == NULL)
		elog(ERROR, "first event of run " INT64_FORMAT " is missing",
			 run->state.run_key);
	pgwf_reader_init(started, event->attributes);
}

/*
 * A successor with what every continuation carries over: its place in the
 * chain, timeouts of the chain, parent and priority.  The rest is unset.
 */
PgwfNewRun *
pgwf_successor_init(PgwfRun *run)
{
	PgwfExecution *execution = pgwf_run_execution(run);
	PgwfNewRun *next = palloc(sizeof(PgwfNewRun));
	pg_uuid_t	request_id;

	pgwf_new_run_init(next, execution->namespace_id);
	pgwf_new_run_follow(next, execution->run_key);
	next->workflow_id = execution->workflow_id;
	next->workflow_type = execution->workflow_type;
	next->task_queue = execution->task_queue;
	pgwf_new_uuid(&request_id);
	next->request_id = pgwf_uuid_text(&request_id);
	next->execution_timeout = execution->execution_timeout;
	next->expiration_time = execution->expiration_time;
	next->run_timeout = execution->run_timeout;
	next->task_timeout = execution->task_timeout;
	next->continued_run_id = &execution->run_id;
	next->first_run_id = &execution->first_run_id;
	next->schedule_id = execution->schedule_id;
	next->priority = run->state.priority;
	if (execution->parent_workflow_id)
	{
		PgwfParent *parent = palloc0(sizeof(PgwfParent));

		parent->namespace = pgwf_namespace_name(execution->namespace_id);
		parent->workflow_id = execution->parent_workflow_id;
		parent->run_id = *execution->parent_run_id;
		parent->run_key = execution->parent_run_key;
		parent->initiated_event_id = execution->parent_initiated_event_id;
		parent->root_workflow_id = execution->root_workflow_id;
		parent->root_run_id = *execution->root_run_id;
		next->parent = parent;
	}
	return next;
}

/* A successor that does the same again */
static PgwfNewRun *
make_repetition(PgwfRun *run, PgwfReader *started)
{
	PgwfNewRun *next = pgwf_successor_init(run);

	next->identity = pgwf_read_text(started, "identity");
	next->input = pgwf_read_jsonb(started, "input");
	next->memo = pgwf_read_jsonb(started, "memo");
	next->search_attributes = pgwf_read_jsonb(started, "searchAttributes");
	next->header = pgwf_read_jsonb(started, "header");
	next->retry_policy = pgwf_read_jsonb(started, "retryPolicy");
	next->cron_schedule = pgwf_read_text(started, "cronSchedule");
	next->last_completion_result = pgwf_read_jsonb(started,
												   "lastCompletionResult");
	return next;
}

/*
 * Two runs of one workflow id do not start sooner after each other than this
 */
int64
pgwf_successor_backoff(PgwfRun *run, int64 backoff)
{
	int64		minimum =
	(int64) pgwf_workflow_id_reuse_minimal_interval * 1000;
	int64		lifetime = run->call->now -
	pgwf_run_execution(run)->start_time;

	if (lifetime < 0)
		lifetime = 0;
	return Max(backoff, minimum - lifetime);
}

/*
 * Decides whether the workflow is tried again after a failure.  Returns the
 * RetryState; with RETRY_STATE_IN_PROGRESS, *interval is the delay.
 */
static const char *
decide_retry(PgwfRun *run, PgwfReader *started, Jsonb *failure,
			 int64 *interval)
{
	PgwfExecution *execution = pgwf_run_execution(run);
	Jsonb	   *jsonb = pgwf_read_jsonb(started, "retryPolicy");
	PgwfRetryPolicy policy;
	double		delay;

	if (jsonb == NULL)
		return "RETRY_STATE_RETRY_POLICY_NOT_SET";
	if (pgwf_retry_policy_read(&policy, jsonb) != NULL)
		elog(ERROR, "invalid retry policy of run " INT64_FORMAT,
			 run->state.run_key);
	if (!pgwf_failure_is_retryable(failure,
								   policy.non_retryable_error_types))
		return "RETRY_STATE_NON_RETRYABLE_FAILURE";
	if (policy.maximum_attempts > 0 &&
		execution->attempt >= policy.maximum_attempts)
		return "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED";

	delay = pgwf_failure_next_retry_delay(failure);
	if (delay == 0)
		delay = policy.initial_interval * pow(policy.backoff_coefficient,
											  execution->attempt - 1);
	if (policy.maximum_interval > 0)
		delay = Min(delay, (double) policy.maximum_interval);
	*interval = (int64) Min(delay, (double) PGWF_MAX_DURATION);
	if (execution->expiration_time != PGWF_NO_TIME &&
		run->call->now + *interval > execution->expiration_time)
		return "RETRY_STATE_TIMEOUT";
	return "RETRY_STATE_IN_PROGRESS";
}

/*
 * The delay until a run is due again by its cron schedule; false if it never
 * is.
 */
static bool
next_cron_delay(PgwfRun *run, const char *schedule, int64 *delay)
{
	PgwfCron   *cron;
	char	   *error;

	cron = pgwf_cron_parse(schedule, false, &error);
	if (cron == NULL)
		elog(ERROR, "invalid cron schedule \"%s\": %s", schedule, error);
	*delay = pgwf_cron_backoff(cron, pgwf_run_execution(run)->execution_time,
							   run->call->now);
	return *delay >= 0;
}

/* A run that was given a version when it started hands it on to its retries */
static bool
has_inherited(PgwfReader *started)
{
	return pgwf_read_jsonb(started, "inheritedPinnedVersion") ||
		pgwf_read_jsonb(started, "inheritedAutoUpgradeInfo");
}

/*
 * Called for a run that closes: with the failure it failed or timed out
 * with, or with its result.  Sets run->successor if a run is to follow, and
 * returns the RetryState of the close event.
 */
const char *
pgwf_run_continue(PgwfRun *run, Jsonb *failure, Jsonb *result)
{
	const char *retry_state = "RETRY_STATE_RETRY_POLICY_NOT_SET";
	PgwfReader	started;
	char	   *cron_schedule;
	int64		delay;
	PgwfNewRun *next;

	if ((run->state.flags &
		 (PGWF_RUN_HAS_RETRY_POLICY | PGWF_RUN_HAS_CRON)) == 0)
		return retry_state;

	pgwf_read_started_event(run, &started);
	if (failure)
	{
		retry_state = decide_retry(run, &started, failure, &delay);
		if (strcmp(retry_state, "RETRY_STATE_IN_PROGRESS") == 0)
		{
			next = make_repetition(run, &started);
			next->initiator = "CONTINUE_AS_NEW_INITIATOR_RETRY";
			next->attempt = pgwf_run_execution(run)->attempt + 1;
			next->continued_failure = failure;
			next->first_task_backoff = pgwf_successor_backoff(run, delay);
			pgwf_successor_inherit(run, next, has_inherited(&started));
			run->successor = next;
			return retry_state;
		}
	}

	cron_schedule = pgwf_read_text(&started, "cronSchedule");
	if (cron_schedule && next_cron_delay(run, cron_schedule, &delay))
	{
		next = make_repetition(run, &started);
		next->initiator = "CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE";
		next->continued_failure = failure;
		if (failure == NULL)
			next->last_completion_result = result;
		next->first_task_backoff = pgwf_successor_backoff(run, delay);
		pgwf_successor_inherit(run, next, false);
		run->successor = next;
	}
	return retry_state;
}

/* newExecutionRunId, if the run is continued */
void
pgwf_run_successor_attribute(PgwfRun *run, PgwfObject *attributes)
{
	if (run->successor)
		pgwf_object_text(attributes, "newExecutionRunId",
						 pgwf_uuid_text(&run->successor->run_id));
}
