/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  A worker: its options, its life, the loop of its main thread, stopping.
 *
 * A turn of the loop collects what other threads have finished, looks at the
 * clock, and then either exchanges messages with the service
 * (worker_exchange.c) or, with nothing to say and nothing known to be there,
 * sleeps until a thread, the waiting connection or the clock wakes it.
 *
 * While it sleeps, a thread that has finished something takes a turn itself:
 * when little goes on, that saves waking the main thread, which would have to
 * wake that thread again for what the service answers.  The loop's mutex is
 * held by whoever takes a turn; the main thread lets go of it to sleep alone.
 * It is taken before any other mutex, and other threads only try to have it.
 *
 * Nothing here blocks without a limit: sleeping ends with the wake-up pipe,
 * and every statement has a timeout.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_options.h"
#include "pgwf_worker.h"

/* After the grace period activities have at least so long to notice. */
#define MIN_CANCEL_MS	2000

/* How long ending threads may take that have nothing to do. */
#define THREAD_END_MS	1000

/* How many turns another thread takes, one after the other. */
#define MAX_TURNS		10

static void executor_done(void *arg, bool in_charge);

/* ---- options and life ---- */

static char *
error_text(const char *fmt,...)
{
	va_list		args;
	char		buf[512];

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	return pgwf_strdup(buf);
}

/* 0 is the default, below 0 is none. */
static int
option_count(int value, int default_value)
{
	if (value == 0)
		return default_value;
	return value < 0 ? 0 : value;
}

static bool
is_rate(double value)
{
	return isfinite(value) && value >= 0;
}

/* As a poll says it; NULL for none */
static char *
rate_text(double rate)
{
	return rate == 0 ? NULL : pgwf_number_text(rate);
}

static char *
check_options(const PgwfWorkerOptions *o, PgwfRegistry *registry)
{
	if (registry == NULL)
		return error_text("registry is NULL");
	if (o->task_queue == NULL || o->task_queue[0] == '\0')
		return error_text("task_queue is not set");
	if (o->max_concurrent_activities > 10000 ||
		o->max_concurrent_local_activities > 10000)
		return error_text("more than 10000 concurrent activities");
	if (o->deployment_name != NULL &&
		(o->build_id == NULL || o->build_id[0] == '\0'))
		return error_text("deployment_name is set, and build_id is not");
	if (o->max_batch < 0 || o->max_batch > 1000)
		return error_text("max_batch must be between 1 and 1000");
	if (!is_rate(o->max_queue_activities_per_second) ||
		!is_rate(o->max_queue_workflow_tasks_per_second))
		return error_text("a limit of tasks per second is negative or no number");
	if (o->max_concurrent_local_activities < 0)
		return error_text("max_concurrent_local_activities is negative");
	return NULL;
}

PgwfWorker *
pgwf_worker_new(const PgwfWorkerOptions *options, PgwfRegistry *registry,
				char **error)
{
	return pgwf_worker_new_mocked(options, registry, NULL, error);
}

/*
 * The same with mocks, which may be NULL and are borrowed.
 */
PgwfWorker *
pgwf_worker_new_mocked(const PgwfWorkerOptions *options,
					   PgwfRegistry *registry, PgwfMocks *mocks, char **error)
{
	PgwfWorkerOptions o = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorker *w;
	char	   *problem;
	uint64_t	seed;
	char		uuid[PGWF_RUN_ID_SIZE];
	char		buf[512];

	pgwf_options_read(&o, sizeof(o), options);
	if (error != NULL)
		*error = NULL;
	problem = check_options(&o, registry);
	if (problem != NULL)
	{
		if (error != NULL)
			*error = problem;
		else
			free(problem);
		return NULL;
	}

	w = pgwf_xalloc(sizeof(PgwfWorker));
	w->conninfo = pgwf_strdup(o.conninfo != NULL ? o.conninfo : "");
	w->workflow_namespace = pgwf_strdup(o.workflow_namespace != NULL ?
										o.workflow_namespace : "default");
	w->task_queue = pgwf_strdup(o.task_queue);
	w->identity = o.identity != NULL ? pgwf_strdup(o.identity) :
		pgwf_default_identity(o.task_queue);
	w->build_id = pgwf_strdup(o.build_id);
	w->deployment_name = pgwf_strdup(o.deployment_name);
	w->versioning_behavior = o.versioning_behavior;
	w->registry = registry;
	w->max_cached = option_count(o.max_cached_workflows, 1000);
	w->max_workflow_tasks = option_count(o.max_concurrent_workflow_tasks, 200);
	if (pgwf_registry_workflow_count(registry) == 0)
		w->max_workflow_tasks = 0;
	w->max_activities = option_count(o.max_concurrent_activities, 100);
	if (pgwf_registry_activity_count(registry) == 0 && mocks == NULL)
		w->max_activities = 0;
	w->max_local = option_count(o.max_concurrent_local_activities, 100);
	w->grace_ms = pgwf_option_ms(o.graceful_stop_timeout_ms, 10000);
	if (w->grace_ms < 0)
		w->grace_ms = 0;
	w->deadlock_ms = pgwf_option_ms(o.deadlock_timeout_ms, 1000);
	w->max_batch = o.max_batch > 0 ? o.max_batch : 200;
	w->repeat_workflow_polls = o.repeat_workflow_polls;
	w->rate_limit[PGWF_QUEUE_ACTIVITY] =
		rate_text(o.max_queue_activities_per_second);
	w->rate_limit[PGWF_QUEUE_NORMAL] =
		rate_text(o.max_queue_workflow_tasks_per_second);
	pgwf_request_uuid(uuid);
	snprintf(w->poll_prefix, sizeof(w->poll_prefix), "%.8s%.4s%.4s", uuid,
			 uuid + 9, uuid + 19);
	if (w->max_cached > 0 && w->max_workflow_tasks > 0)
	{
		pgwf_request_uuid(uuid);
		snprintf(buf, sizeof(buf), "%.200s:%s", w->identity, uuid);
		w->sticky_queue = pgwf_strdup(buf);
	}
	snprintf(buf, sizeof(buf), "%d ms",
			 pgwf_option_ms(o.sticky_timeout_ms, 10000));
	w->sticky_timeout = pgwf_strdup(buf);

	pthread_mutex_init(&w->mutex, NULL);
	pthread_mutex_init(&w->loop, NULL);
	w->wakeup.fd[0] = w->wakeup.fd[1] = -1;
	w->stop_pipe = w->wakeup;
	pgwf_cache_init(&w->cache);
	w->pending_tail = &w->pending_tasks;
	w->responses_tail = &w->responses;
	w->taken_tail = &w->taken;
	w->work = pgwf_conn_create(w->conninfo, "pgworkflow worker");
	w->wait = pgwf_conn_create(w->conninfo, "pgworkflow wait");
	w->work->pooled = w->wait->pooled = o.pooled;
	seed = (uint64_t) pgwf_wall_us() ^ ((uintptr_t) w << 20);
	pgwf_backoff_init(&w->work_backoff, seed);
	pgwf_backoff_init(&w->wait_backoff, seed + 1);
	pgwf_backoff_init(&w->respond_backoff, seed + 2);
	w->executor = pgwf_executor_create(registry, executor_done, w,
									   pgwf_activity_cleanup);

	w->host.registry = registry;
	w->host.mocks = mocks;
	w->host.conninfo = w->conninfo;
	w->host.identity = w->identity;
	w->host.workflow_namespace = w->workflow_namespace;
	w->host.task_queue = w->task_queue;
	w->host.pooled = o.pooled;
	w->host.max_heartbeat_ms =
		pgwf_option_ms(o.max_heartbeat_interval_ms, 60000);
	w->host.default_heartbeat_ms =
		pgwf_option_ms(o.default_heartbeat_interval_ms, 30000);
	w->host.notify = pgwf_worker_notify;
	w->host.done = pgwf_worker_activity_done;
	w->host.arg = w;
	if (w->max_activities > 0)
		w->pool = pgwf_pool_create(w->max_activities, pgwf_activity_cleanup);
	w->local_pool = pgwf_pool_create(w->max_local, NULL);

	if (pgwf_wakeup_open(&w->wakeup) != 0 ||
		pgwf_wakeup_open(&w->stop_pipe) != 0)
	{
		if (error != NULL)
			*error = error_text("could not create a pipe: error %d", errno);
		pgwf_worker_free(w);
		return NULL;
	}
	return w;
}

void
pgwf_worker_free(PgwfWorker *worker)
{
	int			q;

	if (worker == NULL)
		return;
	if (!worker->run_called)
	{
		pgwf_executor_destroy(worker->executor, THREAD_END_MS);
		pgwf_pool_destroy(worker->pool, THREAD_END_MS);
		pgwf_pool_destroy(worker->local_pool, THREAD_END_MS);
	}
	if (worker->leaked)
		return;
	pgwf_conn_destroy(worker->work);
	pgwf_conn_destroy(worker->wait);
	pgwf_cache_free(&worker->cache);
	pgwf_wakeup_close(&worker->wakeup);
	pgwf_wakeup_close(&worker->stop_pipe);
	pthread_mutex_destroy(&worker->mutex);
	pthread_mutex_destroy(&worker->loop);
	pgwf_err_reset(&worker->err);
	free(worker->conninfo);
	free(worker->workflow_namespace);
	free(worker->task_queue);
	free(worker->identity);
	free(worker->build_id);
	free(worker->deployment_name);
	free(worker->sticky_queue);
	free(worker->sticky_timeout);
	for (q = 0; q < PGWF_NUM_QUEUES; q++)
		free(worker->rate_limit[q]);
	for (q = 0; q < worker->ncalls; q++)
		free(worker->calls[q].data);
	free(worker->calls);
	free(worker);
}

const char *
pgwf_worker_error(const PgwfWorker *worker)
{
	return worker->err.message != NULL ? worker->err.message : "";
}

void
pgwf_worker_stats(PgwfWorker *worker, PgwfWorkerStats *stats)
{
	const int64_t *from = (const int64_t *) &worker->stats;
	int64_t    *to = (int64_t *) stats;
	size_t		i;

	for (i = 0; i < sizeof(PgwfWorkerStats) / sizeof(int64_t); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* ---- small helpers of the worker's files ---- */

/*
 * Get the main thread's attention, from any thread.
 */
void
pgwf_worker_notify(void *arg)
{
	PgwfWorker *worker = arg;

	__atomic_store_n(&worker->attention, 1, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&worker->sleeping, 0, __ATOMIC_SEQ_CST) != 0)
		pgwf_wakeup_set(&worker->wakeup);
}

/*
 * The run cannot go on.
 */
void
pgwf_worker_fatal(PgwfWorker *worker, const PgwfErr *err)
{
	if (worker->fatal != PGWF_OK)
		return;
	worker->fatal = err->code;
	pgwf_err_copy(&worker->err, err);
}

/*
 * Is it worth trying the same again later?
 */
bool
pgwf_error_is_transient(const PgwfErr *err)
{
	return err->code == PGWF_UNAVAILABLE ||
		err->code == PGWF_RESOURCE_EXHAUSTED ||
		err->code == PGWF_ABORTED ||
		err->code == PGWF_CANCELED ||
		err->code == PGWF_DEADLINE_EXCEEDED;
}

/*
 * As polls and completions say it.
 */
const char *
pgwf_worker_versioning_mode(const PgwfWorker *worker)
{
	return worker->deployment_name != NULL ? "VERSIONED" : NULL;
}

/*
 * How many tasks of a queue can be taken.
 */
int
pgwf_worker_free_slots(const PgwfWorker *worker, PgwfQueue queue)
{
	if (queue == PGWF_QUEUE_ACTIVITY)
		return worker->max_activities - worker->nactivities -
			worker->nreserved;
	if (queue == PGWF_QUEUE_STICKY && worker->sticky_queue == NULL)
		return 0;
	return worker->max_workflow_tasks - worker->busy_runs -
		(int) worker->wait_brings_task;
}

/* ---- stopping ---- */

/*
 * Async-signal-safe: an atomic flag and two writes.
 */
void
pgwf_worker_stop(PgwfWorker *worker)
{
	__atomic_store_n(&worker->stop_wanted, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&worker->attention, 1, __ATOMIC_SEQ_CST);
	pgwf_wakeup_set(&worker->stop_pipe);
	pgwf_wakeup_set(&worker->wakeup);
}

static bool
all_answered(PgwfWorker *worker)
{
	return pgwf_executor_idle(worker->executor) && worker->busy_runs == 0 &&
		worker->nactivities == 0 && worker->nlocal == 0 &&
		worker->pending_tasks == NULL && !worker->wait_busy &&
		worker->responses == NULL && worker->responding_runs == 0;
}

/*
 * Begin to stop: take nothing new and let the service give what would have
 * come here to others.
 */
static void
begin_stop(PgwfWorker *worker, int64_t now)
{
	worker->stopping = true;
	worker->grace_until = now + worker->grace_ms;
	worker->stop_until = worker->grace_until +
		(worker->grace_ms > MIN_CANCEL_MS ? worker->grace_ms : MIN_CANCEL_MS);
	worker->wait_stop_until = now + PGWF_WAIT_STOP_MS;
	worker->wait_cancel_pause = 0;
	if (worker->sticky_queue != NULL && worker->proved &&
		pgwf_conn_is_open(worker->work))
	{
		PgwfRequest *request;

		request = pgwf_request_create(PGWF_STMT_SHUTDOWN_WORKER);
		pgwf_request_bind(request, worker->sticky_queue);
		pgwf_request_bind(request, worker->identity);
		pgwf_request_bind(request, worker->workflow_namespace);
		pgwf_worker_respond(worker, request, "", NULL, worker->stop_until);
	}
}

/*
 * One turn of stopping.  Returns when to look again, or -1 when all is done or
 * the time is over.
 */
static int64_t
stop_step(PgwfWorker *worker, int64_t now)
{
	int64_t		wake;

	if (!worker->stopping)
		begin_stop(worker, now);
	wake = pgwf_worker_wait_stop(worker, now);
	if (all_answered(worker) || now >= worker->stop_until)
		return -1;
	if (now < worker->grace_until)
		return worker->grace_until < wake ? worker->grace_until : wake;
	if (!worker->grace_over)
	{
		worker->grace_over = true;
		pgwf_worker_cancel_activities(worker);
	}
	return worker->stop_until < wake ? worker->stop_until : wake;
}

/*
 * End the threads and empty the cache.
 */
static void
shut_down(PgwfWorker *worker)
{
	bool		clean;

	pgwf_conn_close(worker->wait);
	pgwf_worker_drop_responses(worker);
	pgwf_worker_evict_all(worker, true);
	worker->stop_until = pgwf_clock_ms() + THREAD_END_MS;
	clean = pgwf_executor_destroy(worker->executor, THREAD_END_MS);
	clean = pgwf_pool_destroy(worker->pool, THREAD_END_MS) && clean;
	clean = pgwf_pool_destroy(worker->local_pool, THREAD_END_MS) && clean;
	worker->executor = NULL;
	worker->pool = NULL;
	worker->local_pool = NULL;
	if (!clean)
	{
		worker->leaked = true;
		pgwf_worker_log(worker, PGWF_LOG_WARNING,
						"left threads behind that run user code which does not return");
	}
	else
	{
		/* what ended too late to be answered */
		pgwf_worker_collect_activities(worker);
		while (worker->waiting_local != NULL)
		{
			PgwfActivity *activity = worker->waiting_local;

			worker->waiting_local = activity->next;
			pgwf_activity_free(activity);
		}
		pgwf_worker_drop_responses(worker);
	}
	pgwf_conn_close(worker->work);
}

/* ---- the loop ---- */

/* What threads have finished, and tasks that wait to be begun */
static void
collect(PgwfWorker *worker)
{
	PgwfExec   *exec = pgwf_executor_collect(worker->executor);

	while (exec != NULL)
	{
		PgwfExec   *next = exec->next;

		pgwf_worker_outcome(worker, exec);
		exec = next;
	}
	pgwf_worker_collect_activities(worker);
	if (worker->pending_tasks != NULL)
		pgwf_worker_begin_tasks(worker);
}

/*
 * Watch the code that runs.  Returns when to look again.
 */
static int64_t
watch_executor(PgwfWorker *worker, int64_t now)
{
	int64_t		since;
	PgwfRun    *run;

	if (worker->deadlock_ms < 0)
		return INT64_MAX;
	since = pgwf_executor_running_since(worker->executor);
	if (since < 0)
	{
		/* one may begin the next moment */
		return pgwf_executor_idle(worker->executor) ? INT64_MAX :
			now + worker->deadlock_ms;
	}
	if (now < since + worker->deadlock_ms)
		return since + worker->deadlock_ms;
	run = pgwf_executor_abandon(worker->executor, worker->deadlock_ms);
	if (run != NULL)
		pgwf_worker_deadlock(worker, run);
	return now + worker->deadlock_ms;
}

static void
sleep_until(PgwfWorker *worker, int64_t wake)
{
	struct pollfd fds[2];
	int			nfds = 1;
	int			timeout = -1;
	int			rc;

	/* libpq may have read the whole answer already */
	if (worker->wait_busy && !PQisBusy(worker->wait->pg))
	{
		pgwf_worker_wait_ready(worker);
		return;
	}
	if (wake != INT64_MAX)
	{
		int64_t		left = wake - pgwf_clock_ms();

		if (left <= 0)
			return;
		timeout = left > 3600000 ? 3600000 : (int) left;
	}

	/* from here on notifiers write to the pipe; look again what came before */
	__atomic_store_n(&worker->sleeping, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&worker->attention, __ATOMIC_SEQ_CST) != 0)
	{
		__atomic_store_n(&worker->sleeping, 0, __ATOMIC_SEQ_CST);
		return;
	}
	fds[0].fd = worker->wakeup.fd[0];
	fds[0].events = POLLIN;
	fds[0].revents = 0;
	if (worker->wait_busy)
	{
		fds[1].fd = PQsocket(worker->wait->pg);
		fds[1].events = POLLIN;
		fds[1].revents = 0;
		nfds = 2;
	}
	worker->asleep = true;
	worker->sleeps_until = wake;
	pthread_mutex_unlock(&worker->loop);
	rc = poll(fds, (nfds_t) nfds, timeout);
	__atomic_store_n(&worker->sleeping, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&worker->loop);
	worker->asleep = false;
	if (rc <= 0)
		return;
	if (fds[0].revents != 0)
		pgwf_wakeup_clear(&worker->wakeup);
	if (nfds > 1 && fds[1].revents != 0)
		pgwf_worker_wait_ready(worker);
}

/*
 * What each turn of the loop begins with: taking what has been finished, and
 * looking at the times of activities and workflow code.  Returns the time it
 * is; *wake is when something is due.
 */
static int64_t
look_around(PgwfWorker *worker, int64_t *wake)
{
	int64_t		now;
	int64_t		next;

	collect(worker);
	pgwf_worker_publish_slots(worker);
	now = pgwf_clock_ms();
	*wake = pgwf_worker_tick_activities(worker, now);
	next = watch_executor(worker, now);
	if (next < *wake)
		*wake = next;
	return now;
}

/*
 * A turn of the loop by another thread, while the main thread sleeps.  False
 * if the main thread has to look as well: something is left that only it
 * does, or it sleeps too long.  The caller holds the loop's mutex.
 */
static bool
take_turn(PgwfWorker *worker)
{
	bool		exchanged = false;

	if (!worker->asleep || worker->stopping ||
		__atomic_load_n(&worker->stop_wanted, __ATOMIC_SEQ_CST) != 0)
		return false;
	__atomic_store_n(&worker->attention, 0, __ATOMIC_SEQ_CST);
	for (;;)
	{
		int64_t		now;
		int64_t		wake;

		now = look_around(worker, &wake);
		if (!pgwf_conn_is_open(worker->work) || worker->fatal != PGWF_OK)
			return false;
		if (!pgwf_worker_exchange_due(worker, now, &wake))
			return wake >= worker->sleeps_until &&
				pgwf_worker_wait_stands(worker);
		if (exchanged)
			return false;
		pgwf_worker_exchange(worker);
		exchanged = true;
	}
}

/*
 * Called by a thread that has finished something: it goes on with it itself
 * if the main thread sleeps, which is quicker than waking that.  Workflow code
 * that waits for its thread comes first.
 */
static void
help(PgwfWorker *worker, bool by_executor)
{
	bool		done = false;
	int			turns = 0;

	do
	{
		__atomic_store_n(&worker->attention, 1, __ATOMIC_SEQ_CST);
		if ((by_executor && pgwf_executor_has_work(worker->executor)) ||
			pthread_mutex_trylock(&worker->loop) != 0)
		{
			/* another helper looks again before it leaves */
			done = __atomic_load_n(&worker->helping, __ATOMIC_SEQ_CST) != 0;
			break;
		}
		__atomic_store_n(&worker->helping, 1, __ATOMIC_SEQ_CST);
		worker->by_executor = by_executor;
		done = take_turn(worker);
		worker->by_executor = false;
		__atomic_store_n(&worker->helping, 0, __ATOMIC_SEQ_CST);
		pthread_mutex_unlock(&worker->loop);
		if (!done)
			break;
		done = __atomic_load_n(&worker->attention, __ATOMIC_SEQ_CST) == 0;
	} while (!done && ++turns < MAX_TURNS);
	if (!done)
		pgwf_worker_notify(worker);
}

/*
 * Called by threads of the executor after workflow code, or an activity that
 * was lent to them.
 */
static void
executor_done(void *arg, bool in_charge)
{
	help(arg, in_charge);
}

/*
 * Called by the activity's thread when the function has ended.
 */
void
pgwf_worker_activity_done(PgwfActivity *activity, void *arg)
{
	PgwfWorker *worker = arg;
	bool		lent = activity->lent;

	pthread_mutex_lock(&worker->mutex);
	activity->done_next = worker->done_activities;
	worker->done_activities = activity;
	pthread_mutex_unlock(&worker->mutex);
	if (!lent)
		help(worker, false);
}

PgwfResult
pgwf_worker_run(PgwfWorker *worker)
{
	if (worker->run_called)
		return pgwf_err_set(&worker->err, PGWF_FAILED_PRECONDITION, NULL,
							"the worker has run already");
	worker->run_called = true;

	pthread_mutex_lock(&worker->loop);
	while (worker->fatal == PGWF_OK)
	{
		int64_t		now;
		int64_t		wake;
		int64_t		next;

		__atomic_store_n(&worker->attention, 0, __ATOMIC_SEQ_CST);
		now = look_around(worker, &wake);
		if (__atomic_load_n(&worker->stop_wanted, __ATOMIC_SEQ_CST) != 0)
		{
			next = stop_step(worker, now);
			if (next < 0)
				break;
			if (next < wake)
				wake = next;
		}
		next = pgwf_worker_connect_step(worker, now);
		if (next < wake)
			wake = next;
		if (pgwf_worker_exchange_due(worker, now, &wake))
		{
			pgwf_worker_exchange(worker);
			continue;
		}
		if (pgwf_conn_is_open(worker->work))
		{
			next = pgwf_worker_wait_step(worker, now);
			if (next < wake)
				wake = next;
		}
		sleep_until(worker, wake);
	}
	shut_down(worker);
	pthread_mutex_unlock(&worker->loop);
	return worker->fatal;
}
