/*-------------------------------------------------------------------------
 *
 * worker_activity.c
 *	  Activities and local activities of a worker: from the task or request
 *	  to the answer.
 *
 * The main thread keeps a list of the attempts that the pools have.  A local
 * attempt refers to its run until it has ended, timed out, or the run has left
 * memory; after that its function may go on, but nobody listens.
 *
 * For the thread that takes a turn of the worker's loop.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_codec.h"
#include "pgwf_worker.h"

static void
link_activity(PgwfActivity **list, PgwfActivity *activity)
{
	activity->prev = NULL;
	activity->next = *list;
	if (*list != NULL)
		(*list)->prev = activity;
	*list = activity;
}

static void
unlink_activity(PgwfActivity **list, PgwfActivity *activity)
{
	if (activity->prev != NULL)
		activity->prev->next = activity->next;
	else
		*list = activity->next;
	if (activity->next != NULL)
		activity->next->prev = activity->prev;
}

static PgwfFailure *
not_registered(const PgwfActivity *activity)
{
	return pgwf_failure_new("NotFoundError",
							"activity type \"%s\" is not registered on this worker",
							activity->info.activity_type);
}

/* ---- answering ---- */

static void
respond(PgwfWorker *worker, PgwfActivity *activity)
{
	PgwfRequest *request = NULL;
	const char *token = activity->info.task_token;
	const PgwfCodec *codec = pgwf_registry_codec(worker->registry);
	const json_t *json;
	char	   *details;

	switch (activity->end)
	{
		case PGWF_END_COMPLETED:
			request = pgwf_request_create(PGWF_STMT_ACTIVITY_COMPLETED);
			pgwf_request_bind(request, token);
			pgwf_request_bind_own(request, activity->result_text);
			activity->result_text = NULL;
			break;

		case PGWF_END_FAILED:
			request = pgwf_request_create(PGWF_STMT_ACTIVITY_FAILED);
			pgwf_request_bind(request, token);
			pgwf_request_bind_own(request,
								  pgwf_codec_text(codec, PGWF_VALUE_TREE,
												  pgwf_failure_json(activity->failure)));
			pgwf_request_bind_own(request,
								  pgwf_activity_last_details(activity));
			break;

		case PGWF_END_CANCELED:
			request = pgwf_request_create(PGWF_STMT_ACTIVITY_CANCELED);
			pgwf_request_bind(request, token);
			json = json_object_get(pgwf_failure_json(activity->failure),
								   "canceledFailureInfo");
			pgwf_request_bind_own(request,
								  pgwf_codec_text(codec, PGWF_VALUE_ARGS,
												  json_object_get(json,
																  "details")));
			break;

		case PGWF_END_ASYNC:
			details = pgwf_activity_last_details(activity);
			if (details == NULL)
				return;
			request = pgwf_request_create(PGWF_STMT_HEARTBEAT);
			pgwf_request_bind(request, token);
			pgwf_request_bind_own(request, details);
			break;

		case PGWF_END_REPORTED:
			PGWF_COUNT(worker, responses, 1);
			PGWF_COUNT(worker, response_batches, 1);
			PGWF_COUNT(worker, transactions, 1);
			PGWF_COUNT(worker, round_trips, 3);
			return;

		case PGWF_END_DROPPED:
			return;
	}
	pgwf_request_bind_static(request, worker->identity);
	pgwf_request_bind_static(request, worker->workflow_namespace);
	if (activity->end == PGWF_END_COMPLETED)
		pgwf_request_bind(request, NULL);	/* see ask_for_next_task() */
	pgwf_worker_respond(worker, request, activity->info.run_id, NULL,
						activity->deadline_ms);
}

/* ---- activities of the service ---- */

/* The attempt, which is freed, fails without having run. */
static void
refuse(PgwfWorker *worker, PgwfActivity *activity)
{
	activity->end = PGWF_END_FAILED;
	respond(worker, activity);
	pgwf_activity_free(activity);
}

/*
 * Take an activity task, which is taken over; pgwf_worker_run_activities()
 * begins it.
 */
void
pgwf_worker_take_activity(PgwfWorker *worker, PgwfNode *task)
{
	PgwfActivity *activity = pgwf_activity_create(&worker->host, task);
	const char *unreadable = pgwf_worker_unreadable(task);

	PGWF_COUNT(worker, activities, 1);
	PGWF_TOOK(worker, PGWF_LATENCY_ACTIVITY_WAIT,
			  pgwf_timestamp_us(pgwf_node_str(task, "startedTime")) -
			  pgwf_timestamp_us(pgwf_node_str(task,
											  "currentAttemptScheduledTime")));
	if (unreadable != NULL && strcmp(unreadable, PGWF_UNDECODABLE) == 0)
		activity->failure = pgwf_failure_new(PGWF_CODEC_FAILURE_TYPE,
											 "the task cannot be read: %s",
											 unreadable);
	else if (unreadable != NULL)
	{
		activity->failure = pgwf_failure_new("InputTooDeep",
											 "the task cannot be read: %s",
											 unreadable);
		pgwf_failure_set_non_retryable(activity->failure);
	}
	else if (activity->fn == NULL)
		activity->failure = not_registered(activity);
	else
	{
		link_activity(&worker->activities, activity);
		worker->nactivities++;
		*worker->taken_tail = &activity->job;
		worker->taken_tail = &activity->job.next;
		return;
	}
	refuse(worker, activity);
}

/*
 * Find threads for activities: this one for a single one, if it runs workflow
 * code and nothing else goes on, which saves waking another.
 */
static bool
hand_out(PgwfWorker *worker, PgwfJob *jobs)
{
	PgwfActivity *first = (PgwfActivity *) jobs;

	if (worker->by_executor && worker->nactivities == 1)
	{
		first->lent = true;
		if (pgwf_executor_lend(worker->executor, jobs))
			return true;
		first->lent = false;
	}
	return pgwf_pool_submit(worker->pool, jobs);
}

/*
 * Begin all that were taken.
 */
void
pgwf_worker_run_activities(PgwfWorker *worker)
{
	PgwfJob    *jobs = worker->taken;

	worker->taken = NULL;
	worker->taken_tail = &worker->taken;
	if (jobs == NULL || hand_out(worker, jobs))
		return;
	while (jobs != NULL)
	{
		PgwfActivity *activity = (PgwfActivity *) jobs;

		jobs = jobs->next;
		unlink_activity(&worker->activities, activity);
		worker->nactivities--;
		activity->failure = pgwf_failure_new("WorkerOverloaded",
											 "could not start a thread");
		refuse(worker, activity);
	}
}

/* ---- local activities ---- */

/*
 * Tell the run how an attempt ended; result and failure are taken over.
 */
static void
report_local(PgwfWorker *worker, PgwfActivity *activity, json_t *result,
			 PgwfFailure *failure)
{
	PgwfRun    *run = activity->run;
	PgwfExec   *exec;

	activity->run = NULL;
	if (run == NULL)
	{
		json_decref(result);
		pgwf_failure_free(failure);
		return;
	}
	run->nlocal--;
	exec = pgwf_xalloc(sizeof(PgwfExec));
	exec->local.seq = activity->local_seq;
	exec->local.attempt = activity->info.attempt;
	exec->local.result = result;
	exec->local.failure = failure;
	exec->local.elapsed_ms = pgwf_clock_ms() - activity->requested_ms;
	pgwf_worker_local_done(worker, run, exec);
}

/*
 * Give attempts whose delay is over to the pool.  Returns when the next is.
 */
static int64_t
launch_local(PgwfWorker *worker, int64_t now)
{
	PgwfActivity *activity = worker->waiting_local;
	PgwfActivity *next;
	int64_t		wake = INT64_MAX;

	for (; activity != NULL; activity = next)
	{
		next = activity->next;

		/* nothing is to be waited for if nobody wants it any more */
		if (activity->run != NULL &&
			pgwf_activity_canceled(activity) == PGWF_NOT_CANCELED)
		{
			if (activity->begin_ms > now)
			{
				if (activity->begin_ms < wake)
					wake = activity->begin_ms;
				continue;
			}
			if (worker->nlocal >= worker->max_local)
				continue;
		}
		unlink_activity(&worker->waiting_local, activity);
		if (activity->run == NULL)
		{
			pgwf_activity_free(activity);
			continue;
		}
		if (pgwf_activity_canceled(activity) != PGWF_NOT_CANCELED)
		{
			report_local(worker, activity, NULL,
						 pgwf_activity_canceled_failure(activity, NULL));
			pgwf_activity_free(activity);
			continue;
		}
		if (activity->fn == NULL)
			report_local(worker, activity, NULL, not_registered(activity));
		else if (pgwf_pool_submit(worker->local_pool, &activity->job))
		{
			PGWF_COUNT(worker, local_activities, 1);
			link_activity(&worker->activities, activity);
			worker->nlocal++;
			continue;
		}
		else
			report_local(worker, activity, NULL,
						 pgwf_failure_new("WorkerOverloaded",
										  "could not start a thread"));
		pgwf_activity_free(activity);
	}
	return wake;
}

void
pgwf_worker_start_local(PgwfWorker *worker, PgwfRun *run,
						const PgwfLocalRequest *request)
{
	PgwfActivity *activity;

	activity = pgwf_activity_create_local(&worker->host, request,
										  run->workflow_id, run->entry.run_id,
										  run->workflow_type);
	activity->run = run;
	run->nlocal++;
	link_activity(&worker->waiting_local, activity);
}

static void
forget(PgwfActivity *list, PgwfRun *run, const int64_t *seq)
{
	for (; list != NULL; list = list->next)
	{
		if (list->run != run || (seq != NULL && list->local_seq != *seq))
			continue;
		pgwf_activity_cancel(list, PGWF_CANCEL_REQUESTED);

		/* one that is only cancelled still reports its end */
		if (seq == NULL)
		{
			list->run = NULL;
			run->nlocal--;
		}
	}
}

/* Tell a local activity of the run to stop. */
void
pgwf_worker_cancel_local(PgwfWorker *worker, PgwfRun *run, int64_t seq)
{
	forget(worker->activities, run, &seq);
	forget(worker->waiting_local, run, &seq);
}

/* The run leaves memory: stop its local activities, nobody waits for them. */
void
pgwf_worker_forget_local(PgwfWorker *worker, PgwfRun *run)
{
	if (run->nlocal == 0)
		return;
	forget(worker->activities, run, NULL);
	forget(worker->waiting_local, run, NULL);
}

/* ---- the loop's part ---- */

/*
 * Answer what the threads have finished.
 */
void
pgwf_worker_collect_activities(PgwfWorker *worker)
{
	PgwfActivity *list;
	PgwfActivity *done = NULL;

	pthread_mutex_lock(&worker->mutex);
	list = worker->done_activities;
	worker->done_activities = NULL;
	pthread_mutex_unlock(&worker->mutex);

	/* back into the order in which they ended */
	while (list != NULL)
	{
		PgwfActivity *next = list->done_next;

		list->done_next = done;
		done = list;
		list = next;
	}
	while (done != NULL)
	{
		PgwfActivity *activity = done;

		done = activity->done_next;
		unlink_activity(&worker->activities, activity);
		PGWF_TOOK(worker, activity->info.is_local ?
				  PGWF_LATENCY_LOCAL_ACTIVITY : PGWF_LATENCY_ACTIVITY,
				  (pgwf_clock_ms() - activity->requested_ms) * 1000);
		if (activity->info.is_local)
		{
			worker->nlocal--;
			report_local(worker, activity, activity->result,
						 activity->failure);
			activity->result = NULL;
			activity->failure = NULL;
		}
		else
		{
			worker->nactivities--;
			respond(worker, activity);
		}
		pgwf_activity_free(activity);
	}
}

/*
 * Time limits, heartbeats and delays.  Returns when to look again.
 */
int64_t
pgwf_worker_tick_activities(PgwfWorker *worker, int64_t now)
{
	PgwfActivity *activity;
	int64_t		wake = launch_local(worker, now);
	int			list;

	for (list = 0; list < 2; list++)
	{
		activity = list == 0 ? worker->activities : worker->waiting_local;
		for (; activity != NULL; activity = activity->next)
		{
			PgwfRun    *run = activity->run;
			int64_t		next;
			bool		send;

			next = pgwf_activity_tick(activity, now, &send);
			if (next < wake)
				wake = next;
			if (!activity->info.is_local)
			{
				worker->heartbeat_wanted = worker->heartbeat_wanted || send;
				continue;
			}
			if (run == NULL)
				continue;
			if (pgwf_activity_canceled(activity) == PGWF_CANCEL_TIMED_OUT)
			{
				report_local(worker, activity, NULL,
							 activity->local_s2c ?
							 pgwf_failure_new_timeout("TIMEOUT_TYPE_SCHEDULE_TO_CLOSE",
													  "activity ScheduleToClose timeout") :
							 pgwf_failure_new_timeout("TIMEOUT_TYPE_START_TO_CLOSE",
													  "activity StartToClose timeout"));
				continue;
			}
			if (run->state != PGWF_RUN_LOCAL || run->heartbeat_at == 0)
				continue;
			if (now >= run->heartbeat_at)
				pgwf_worker_local_heartbeat(worker, run);
			else if (run->heartbeat_at < wake)
				wake = run->heartbeat_at;
		}
	}
	return wake;
}

/*
 * The grace period of a stopping worker is over.
 */
void
pgwf_worker_cancel_activities(PgwfWorker *worker)
{
	PgwfActivity *activity;

	for (activity = worker->activities; activity != NULL;
		 activity = activity->next)
		pgwf_activity_cancel(activity, PGWF_CANCEL_WORKER_SHUTDOWN);
}
