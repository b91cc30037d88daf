/*-------------------------------------------------------------------------
 *
 * worker_exchange.c
 *	  The working connection: answers to tasks, heartbeats and polls go out
 *	  in one pipeline, which costs one round trip.
 *
 * Its transactions are, in this order: the answers, sorted by run (every
 * worker locks runs in the same order) and cut into batches, each of which is
 * one statement; the heartbeats; and one poll for each queue that may have
 * something.  When a batch fails because of one of its answers, all of them
 * are sent again, each by itself.  Answers whose fate is unknown because the
 * connection was lost are kept and sent again: if they had arrived, their
 * tokens are stale by then and the service says so.  A poll for activities
 * whose answer was lost with the connection is repeated under the same id,
 * which brings what it had claimed; so is one for workflow tasks, if the
 * options say so.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_worker.h"

/* How long the main thread waits for workflow code before it goes on. */
#define SETTLE_MS	5

/* Polls of one queue take at most so many tasks. */
#define MAX_POLL	200

/*
 * Values of the answers in a batch have at most so many bytes together, unless
 * it is one answer.
 */
#define MAX_BATCH_BYTES		(4 * 1024 * 1024)

/* So much memory is kept for the next batch. */
#define MAX_KEPT_BYTES		(256 * 1024)

/* What one exchange sends. */
typedef struct Exchange
{
	PgwfRequest **requests;
	int			nrequests;
	PgwfResponse **responses;
	int			nresponses;
	PgwfRequest **batches;		/* the first requests; NULL: one answer's */
	int			nbatches;
	PgwfActivity **beating;		/* the next are their heartbeats */
	int			nbeating;
	PgwfRequest *polls[PGWF_NUM_QUEUES];
	int			asked[PGWF_NUM_QUEUES];
	int			group;
} Exchange;

/* ---- connecting ---- */

/*
 * Keep the connection open.  Returns when to try again if it is not, else
 * INT64_MAX.
 */
int64_t
pgwf_worker_connect_step(PgwfWorker *worker, int64_t now)
{
	if (pgwf_conn_is_open(worker->work))
		return INT64_MAX;
	if (now < worker->work_retry_at)
		return worker->work_retry_at;
	worker->work->interrupt_fd = worker->stopping ? -1 :
		worker->stop_pipe.fd[0];
	if (pgwf_conn_open(worker->work, PGWF_CONNECT_TIMEOUT_MS) != PGWF_OK)
	{
		if (worker->work_backoff.failures == 0)
			pgwf_worker_log(worker, PGWF_LOG_WARNING,
							"could not connect: %s",
							worker->work->err.message);
		worker->work_retry_at = pgwf_clock_ms() +
			pgwf_backoff_next(&worker->work_backoff);
		return worker->work_retry_at;
	}
	worker->work->interrupt_fd = -1;
	if (worker->was_connected)
	{
		PGWF_COUNT(worker, reconnects, 1);
		pgwf_worker_log(worker, PGWF_LOG_INFO, "connected again");
	}
	worker->was_connected = true;
	pgwf_backoff_reset(&worker->work_backoff);
	worker->hint[PGWF_QUEUE_STICKY] = worker->sticky_queue != NULL;
	worker->hint[PGWF_QUEUE_NORMAL] = true;
	worker->hint[PGWF_QUEUE_ACTIVITY] = true;
	return INT64_MAX;
}

/* ---- answers ---- */

/*
 * Queue an answer; takes the request over.
 */
void
pgwf_worker_respond(PgwfWorker *worker, PgwfRequest *request,
					const char *run_id, PgwfRun *run, int64_t give_up_ms)
{
	PgwfResponse *response = pgwf_xalloc(sizeof(PgwfResponse));

	response->request = request;
	pgwf_copy_text(response->run_id, sizeof(response->run_id), run_id);
	response->run = run;
	response->give_up_ms = give_up_ms;
	*worker->responses_tail = response;
	worker->responses_tail = &response->next;
	worker->nresponses++;
}

static void
free_response(PgwfResponse *response)
{
	pgwf_request_destroy(response->request);
	free(response);
}

/* Forget the answers that could not be delivered. */
void
pgwf_worker_drop_responses(PgwfWorker *worker)
{
	while (worker->responses != NULL)
	{
		PgwfResponse *response = worker->responses;

		worker->responses = response->next;
		free_response(response);
	}
	worker->responses_tail = &worker->responses;
	worker->nresponses = 0;
}

static int
compare_responses(const void *a, const void *b)
{
	const PgwfResponse *ra = *(PgwfResponse *const *) a;
	const PgwfResponse *rb = *(PgwfResponse *const *) b;

	return strcmp(ra->run_id, rb->run_id);
}

/*
 * Is there something to send now?  *next is lowered to the time at which there
 * will be.
 */
bool
pgwf_worker_exchange_due(PgwfWorker *worker, int64_t now, int64_t *next)
{
	int			q;

	if (!pgwf_conn_is_open(worker->work))
		return false;
	if (worker->responses != NULL)
	{
		if (now >= worker->respond_at)
			return true;
		if (worker->respond_at < *next)
			*next = worker->respond_at;
	}
	if (worker->heartbeat_wanted)
		return true;
	if (worker->stopping)
		return false;
	for (q = 0; q < PGWF_NUM_QUEUES; q++)
	{
		if (!worker->hint[q] ||
			pgwf_worker_free_slots(worker, (PgwfQueue) q) <= 0)
			continue;
		if (now >= worker->poll_at)
			return true;
		if (worker->poll_at < *next)
			*next = worker->poll_at;
	}
	return false;
}

/* ---- collecting what is to be sent ---- */

/*
 * The last answer of a run that waits in memory brings its next workflow task
 * back.  An earlier one must not: what the others tell would have to wait
 * until that task is done.
 */
static void
ask_for_next_task(PgwfWorker *worker, PgwfResponse *response,
				  const PgwfResponse *next)
{
	PgwfRequest *request = response->request;
	char	  **sticky_queue = &request->values[request->nvalues - 1];
	PgwfRun    *run;

	if (request->stmt != PGWF_STMT_ACTIVITY_COMPLETED || worker->stopping ||
		(next != NULL && strcmp(next->run_id, response->run_id) == 0))
		return;
	run = (PgwfRun *) pgwf_cache_find(&worker->cache, response->run_id);
	if (run == NULL || run->state != PGWF_RUN_IDLE)
		return;
	free(*sticky_queue);
	*sticky_queue = pgwf_strdup(worker->sticky_queue);
}

static size_t
value_bytes(const PgwfRequest *request)
{
	size_t		bytes = 0;
	int			i;

	for (i = 0; i < request->nvalues; i++)
	{
		if (request->values[i] != NULL)
			bytes += strlen(request->values[i]);
	}
	return bytes;
}

/* How many of the responses, from the first on, make a batch */
static int
batch_size(const PgwfWorker *worker, PgwfResponse *const *responses,
		   int nresponses)
{
	size_t		bytes = 0;
	int			n;

	for (n = 0; n < nresponses && n < worker->max_batch; n++)
	{
		bytes += value_bytes(responses[n]->request);
		if (n > 0 && bytes > MAX_BATCH_BYTES)
			break;
	}
	return n;
}

/* What a worker says in all of its answers */
static int
common_arguments(const PgwfWorker *worker, PgwfCommonArgument *common)
{
	const PgwfCommonArgument all[] = {
		pgwf_common_argument("identity", worker->identity),
		pgwf_common_argument("namespace", worker->workflow_namespace),
		pgwf_common_argument("sticky_queue", worker->sticky_queue),
		pgwf_common_argument("sticky_schedule_to_start_timeout",
							 worker->sticky_timeout),
		pgwf_common_argument("build_id", worker->build_id),
		pgwf_common_argument("deployment_name", worker->deployment_name),
		pgwf_common_argument("versioning_mode",
							 pgwf_worker_versioning_mode(worker))
	};
	int			n = 0;
	size_t		i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
	{
		if (all[i].value != NULL)
			common[n++] = all[i];
	}
	return n;
}

/*
 * The statement that gives several answers; the calls are written to a text
 * that lives as long.
 */
static PgwfRequest *
batch_request(const PgwfWorker *worker, PgwfResponse *const *responses, int n,
			  PgwfText *calls)
{
	PgwfCommonArgument common[PGWF_MAX_PARAMS];
	int			ncommon = common_arguments(worker, common);
	PgwfText	arguments = {0};
	PgwfRequest *batch;
	int			i;

	calls->len = 0;
	for (i = 0; i < n; i++)
	{
		const PgwfRequest *request = responses[i]->request;

		pgwf_text_append(calls, i == 0 ? "[" : ",", 1);
		pgwf_stmt_append_call(calls, request->stmt,
							  (const char *const *) request->values,
							  common, ncommon);
	}
	pgwf_text_append(calls, "]", 1);
	pgwf_stmt_append_common(&arguments, common, ncommon);
	batch = pgwf_request_create(PGWF_STMT_EXECUTE_CALLS);
	pgwf_request_bind_static(batch, calls->data);
	pgwf_request_bind_own(batch, arguments.data);
	return batch;
}

/* The memory for the calls of a batch, which is kept between exchanges */
static PgwfText *
calls_text(PgwfWorker *worker, int number)
{
	while (number >= worker->ncalls)
	{
		worker->calls = pgwf_xrealloc(worker->calls,
									  (size_t) (worker->ncalls + 1) *
									  sizeof(PgwfText));
		memset(&worker->calls[worker->ncalls++], 0, sizeof(PgwfText));
	}
	return &worker->calls[number];
}

/* Give back what is more than an exchange needs as a rule. */
static void
trim_calls(PgwfWorker *worker)
{
	int			i;

	for (i = 0; i < worker->ncalls; i++)
	{
		if (worker->calls[i].size <= MAX_KEPT_BYTES)
			continue;
		free(worker->calls[i].data);
		memset(&worker->calls[i], 0, sizeof(PgwfText));
	}
}

static void
add_batches(PgwfWorker *worker, Exchange *x)
{
	int			first = 0;

	while (first < x->nresponses)
	{
		PgwfResponse **responses = &x->responses[first];
		int			n = batch_size(worker, responses, x->nresponses - first);
		PgwfRequest *batch = n == 1 ? responses[0]->request :
		batch_request(worker, responses, n, calls_text(worker, x->nbatches));
		int			i;

		for (i = 0; i < n; i++)
		{
			responses[i]->sent = batch;
			responses[i]->row = i;
		}
		batch->group = x->group++;
		x->requests[x->nrequests++] = batch;
		x->batches[x->nbatches++] = n > 1 ? batch : NULL;
		first += n;
	}
	PGWF_COUNT(worker, response_batches, x->nbatches);
	PGWF_COUNT(worker, responses, x->nresponses);
}

static void
add_responses(PgwfWorker *worker, Exchange *x, int64_t now)
{
	PgwfResponse *response;
	PgwfResponse *next;
	int			i;

	if (worker->responses == NULL || now < worker->respond_at)
		return;
	x->responses = pgwf_xalloc((size_t) worker->nresponses *
							   sizeof(PgwfResponse *));
	x->batches = pgwf_xalloc((size_t) worker->nresponses *
							 sizeof(PgwfRequest *));
	for (response = worker->responses; response != NULL; response = next)
	{
		next = response->next;
		if (response->give_up_ms > 0 && now > response->give_up_ms)
			free_response(response);
		else
			x->responses[x->nresponses++] = response;
	}
	worker->responses = NULL;
	worker->responses_tail = &worker->responses;
	worker->nresponses = 0;
	qsort(x->responses, (size_t) x->nresponses, sizeof(PgwfResponse *),
		  compare_responses);
	for (i = 0; i < x->nresponses; i++)
		ask_for_next_task(worker, x->responses[i], i + 1 < x->nresponses ?
						  x->responses[i + 1] : NULL);
	add_batches(worker, x);
}

static void
add_heartbeats(PgwfWorker *worker, Exchange *x, int64_t now)
{
	PgwfActivity *activity;

	worker->heartbeat_wanted = false;
	for (activity = worker->activities; activity != NULL;
		 activity = activity->next)
	{
		PgwfRequest *request;
		bool		send;

		if (activity->info.is_local)
			continue;
		pgwf_activity_tick(activity, now, &send);
		if (!send)
			continue;
		request = pgwf_request_create(PGWF_STMT_HEARTBEAT);
		pgwf_request_bind(request, activity->info.task_token);
		pgwf_request_bind_own(request,
							  pgwf_activity_take_details(activity, now));
		pgwf_request_bind(request, worker->identity);
		pgwf_request_bind(request, worker->workflow_namespace);
		request->group = x->group++;
		x->beating[x->nbeating++] = activity;
		x->requests[x->nrequests++] = request;
	}
	PGWF_COUNT(worker, heartbeats, x->nbeating);
}

/* The id of a poll that is repeated, or of a new one; NULL: it has none */
static const char *
poll_id(PgwfWorker *worker, PgwfQueue queue)
{
	char	   *id = worker->poll_id[queue];

	if (queue != PGWF_QUEUE_ACTIVITY && !worker->repeat_workflow_polls)
		return NULL;
	if (id[0] == '\0')
		snprintf(id, sizeof(worker->poll_id[queue]), "%s.%" PRIx64,
				 worker->poll_prefix, ++worker->poll_count);
	return id;
}

static void
add_poll(PgwfWorker *worker, Exchange *x, PgwfQueue queue, int max_tasks)
{
	PgwfRequest *request;
	char		buf[16];

	if (max_tasks <= 0)
		return;
	if (max_tasks > MAX_POLL)
		max_tasks = MAX_POLL;
	snprintf(buf, sizeof(buf), "%d", max_tasks);
	request = pgwf_request_create(queue == PGWF_QUEUE_ACTIVITY ?
								  PGWF_STMT_POLL_ACTIVITY :
								  PGWF_STMT_POLL_WORKFLOW);
	pgwf_request_bind(request, queue == PGWF_QUEUE_STICKY ?
					  worker->sticky_queue : worker->task_queue);
	pgwf_request_bind(request, buf);
	pgwf_request_bind(request, worker->identity);
	if (queue != PGWF_QUEUE_ACTIVITY)
		pgwf_request_bind(request, queue == PGWF_QUEUE_STICKY ? "t" : "f");
	pgwf_request_bind(request, poll_id(worker, queue));
	pgwf_request_bind(request, worker->build_id);
	pgwf_request_bind(request, worker->deployment_name);
	pgwf_request_bind(request, pgwf_worker_versioning_mode(worker));
	pgwf_request_bind(request, worker->rate_limit[queue]);
	pgwf_request_bind(request, worker->workflow_namespace);
	request->group = x->group++;
	x->polls[queue] = request;
	x->asked[queue] = max_tasks;
	x->requests[x->nrequests++] = request;
	PGWF_COUNT(worker, polls, 1);
}

static void
add_polls(PgwfWorker *worker, Exchange *x, int64_t now)
{
	int			slots = pgwf_worker_free_slots(worker, PGWF_QUEUE_NORMAL);
	bool		sticky = worker->hint[PGWF_QUEUE_STICKY];
	bool		normal = worker->hint[PGWF_QUEUE_NORMAL];
	int			nsticky = 0;

	if (worker->stopping || now < worker->poll_at)
		return;
	if (sticky && normal)
	{
		/* half each; a single slot to both in turn */
		nsticky = slots / 2;
		if (slots % 2 != 0 && worker->sticky_first)
			nsticky++;
		worker->sticky_first = !worker->sticky_first;
	}
	else if (sticky)
		nsticky = slots;
	add_poll(worker, x, PGWF_QUEUE_STICKY, nsticky);
	if (normal)
		add_poll(worker, x, PGWF_QUEUE_NORMAL, slots - nsticky);
	if (worker->hint[PGWF_QUEUE_ACTIVITY])
		add_poll(worker, x, PGWF_QUEUE_ACTIVITY,
				 pgwf_worker_free_slots(worker, PGWF_QUEUE_ACTIVITY));
}

/* ---- sending ---- */

static bool
unanswered(const PgwfRequest *request)
{
	return request->result == NULL && request->err.code == PGWF_OK;
}

static void
count_groups(PgwfWorker *worker, PgwfRequest *const *requests, int nrequests)
{
	int			groups = 0;
	int			i;

	for (i = 0; i < nrequests; i++)
	{
		if (i == 0 || requests[i]->group != requests[i - 1]->group)
			groups++;
	}
	PGWF_COUNT(worker, transactions, groups);
	PGWF_COUNT(worker, round_trips, 1);
}

/*
 * Send the answers of failed batches again, one by one.
 */
static void
repeat_failed(PgwfWorker *worker, Exchange *x)
{
	PgwfRequest **again = pgwf_xalloc((size_t) (x->nresponses + 1) *
									  sizeof(PgwfRequest *));
	int			n = 0;
	int			i;

	for (i = 0; i < x->nresponses; i++)
	{
		PgwfResponse *response = x->responses[i];

		if (response->sent == response->request ||
			response->sent->err.code == PGWF_OK)
			continue;
		response->sent = response->request;
		response->row = 0;
		response->request->group = n;
		again[n++] = response->request;
	}
	if (n > 0)
	{
		PGWF_COUNT(worker, repeated_batches, 1);
		count_groups(worker, again, n);
		if (pgwf_conn_is_open(worker->work))
			pgwf_conn_pipeline(worker->work, again, n,
							   PGWF_REQUEST_TIMEOUT_MS);
	}
	free(again);
}

/* ---- taking the answers in ---- */

/* What the service returned, if anything */
static const char *
answer_text(const PgwfResponse *response)
{
	const PGresult *result = response->sent->result;

	if (result == NULL || PQntuples(result) <= response->row ||
		PQgetisnull(result, response->row, 0))
		return NULL;
	return PQgetvalue(result, response->row, 0);
}

/* The workflow task that an activity's result has led to, if any */
static void
take_next_task(PgwfWorker *worker, const char *text)
{
	PgwfNode   *task;

	if (text == NULL)
		return;
	task = pgwf_worker_parse(worker, text);
	if (task == NULL)
		pgwf_worker_log(worker, PGWF_LOG_ERROR,
						"could not understand a task");
	else
		pgwf_worker_take_task(worker, task);
}

/*
 * What the service said to the answers.  Those that met a passing trouble are
 * queued again.
 */
static void
finish_responses(PgwfWorker *worker, Exchange *x, int64_t now)
{
	bool		trouble = false;
	int			i;

	for (i = 0; i < x->nresponses; i++)
	{
		PgwfResponse *response = x->responses[i];
		const PgwfErr *err = &response->sent->err;
		PgwfStmt	stmt = response->request->stmt;

		if (unanswered(response->sent) || pgwf_error_is_transient(err))
		{
			if (err->code != PGWF_OK)
			{
				trouble = true;
				pgwf_worker_log(worker, PGWF_LOG_WARNING,
								"could not answer a task yet: %s",
								err->message);
			}
			if (stmt == PGWF_STMT_SHUTDOWN_WORKER)
			{
				/* a courtesy: not worth waiting for the server */
				free_response(response);
				continue;
			}
			pgwf_request_clear(response->request);
			response->next = NULL;
			*worker->responses_tail = response;
			worker->responses_tail = &response->next;
			worker->nresponses++;
			continue;
		}
		if (response->run != NULL)
			pgwf_worker_task_answered(worker, response->run, err,
									  answer_text(response));
		else if (err->code == PGWF_NOT_FOUND)
			pgwf_worker_log(worker, PGWF_LOG_DEBUG,
							"an answer came too late: %s", err->message);
		else if (err->code != PGWF_OK)
			pgwf_worker_log(worker, PGWF_LOG_WARNING,
							"an answer was refused: %s", err->message);
		else if (stmt == PGWF_STMT_ACTIVITY_COMPLETED)
			take_next_task(worker, answer_text(response));
		free_response(response);
	}
	for (i = 0; i < x->nbatches; i++)
		pgwf_request_destroy(x->batches[i]);
	trim_calls(worker);
	if (trouble)
		worker->respond_at = now + pgwf_backoff_next(&worker->respond_backoff);
	else
	{
		worker->respond_at = 0;
		pgwf_backoff_reset(&worker->respond_backoff);
	}
}

static void
finish_heartbeats(PgwfWorker *worker, Exchange *x, int64_t now)
{
	int			i;

	for (i = 0; i < x->nbeating; i++)
	{
		PgwfRequest *request = x->requests[x->nbatches + i];
		PgwfActivity *activity = x->beating[i];

		if (request->err.code == PGWF_NOT_FOUND)
			pgwf_activity_cancel(activity, PGWF_CANCEL_NOT_FOUND);
		else if (unanswered(request))
			pgwf_activity_heartbeat_lost(activity, now);
		else if (request->err.code != PGWF_OK)
		{
			pgwf_worker_log(worker, PGWF_LOG_WARNING,
							"could not send a heartbeat: %s",
							request->err.message);
			if (pgwf_error_is_transient(&request->err))
				pgwf_activity_heartbeat_lost(activity, now);
		}
		else if (request->result != NULL && PQntuples(request->result) == 1)
		{
			if (PQgetvalue(request->result, 0, 0)[0] == 't')
				pgwf_activity_cancel(activity, PGWF_CANCEL_REQUESTED);
			else if (PQgetvalue(request->result, 0, 1)[0] == 't')
				pgwf_activity_cancel(activity, PGWF_CANCEL_PAUSED);
			else if (PQgetvalue(request->result, 0, 2)[0] == 't')
				pgwf_activity_cancel(activity, PGWF_CANCEL_RESET);
		}
		pgwf_request_destroy(request);
	}
}

static void
finish_poll(PgwfWorker *worker, Exchange *x, PgwfQueue queue, int64_t now)
{
	PgwfRequest *request = x->polls[queue];
	int			n;
	int			i;

	if (request == NULL)
		return;
	if (!unanswered(request))
		worker->poll_id[queue][0] = '\0';
	if (request->err.code != PGWF_OK)
	{
		if (!worker->proved && !pgwf_error_is_transient(&request->err))
			pgwf_worker_fatal(worker, &request->err);
		else
		{
			pgwf_worker_log(worker, PGWF_LOG_WARNING,
							"could not poll: %s", request->err.message);
			worker->poll_at = now + pgwf_backoff_next(&worker->respond_backoff);
		}
	}
	else if (request->result != NULL)
	{
		worker->proved = true;
		n = PQntuples(request->result);
		if (n == 0)
			PGWF_COUNT(worker, empty_polls, 1);

		/*
		 * One task alone was probably all there was: waiting then costs less
		 * than another poll.
		 */
		worker->hint[queue] = n > 1 || n == x->asked[queue];
		for (i = 0; i < n; i++)
		{
			PgwfNode   *task = pgwf_worker_parse(worker, PQgetvalue(request->result,
																	i, 0));

			if (task == NULL)
				pgwf_worker_log(worker, PGWF_LOG_ERROR,
								"could not understand a task");
			else if (queue == PGWF_QUEUE_ACTIVITY)
				pgwf_worker_take_activity(worker, task);
			else
				pgwf_worker_take_task(worker, task);
		}
	}
	pgwf_request_destroy(request);
}

/*
 * Do everything that is due in one round trip, perhaps two.
 */
void
pgwf_worker_exchange(PgwfWorker *worker)
{
	Exchange	x = {0};
	PgwfExec   *exec;
	int64_t		began;
	int64_t		now;
	int			q;

	/*
	 * Workflow code is quick as a rule: what it is about to say goes out with
	 * the rest.
	 */
	if (!worker->by_executor && !pgwf_executor_idle(worker->executor))
	{
		pgwf_executor_wait(worker->executor, SETTLE_MS);
		exec = pgwf_executor_collect(worker->executor);
		while (exec != NULL)
		{
			PgwfExec   *next = exec->next;

			pgwf_worker_outcome(worker, exec);
			exec = next;
		}
		if (!pgwf_conn_is_open(worker->work))
			return;
	}
	pgwf_worker_collect_activities(worker);

	now = pgwf_clock_ms();
	x.requests = pgwf_xalloc((size_t) (worker->nresponses +
									   worker->nactivities +
									   PGWF_NUM_QUEUES) *
							 sizeof(PgwfRequest *));
	x.beating = pgwf_xalloc((size_t) (worker->nactivities + 1) *
							sizeof(PgwfActivity *));
	add_responses(worker, &x, now);
	add_heartbeats(worker, &x, now);
	add_polls(worker, &x, now);

	if (x.nrequests > 0)
	{
		count_groups(worker, x.requests, x.nrequests);
		began = pgwf_wall_us();
		pgwf_conn_pipeline(worker->work, x.requests, x.nrequests,
						   PGWF_REQUEST_TIMEOUT_MS);
		PGWF_TOOK(worker, PGWF_LATENCY_ROUND_TRIP, pgwf_wall_us() - began);
		repeat_failed(worker, &x);
		if (!pgwf_conn_is_open(worker->work))
		{
			pgwf_worker_log(worker, PGWF_LOG_WARNING, "connection lost: %s",
							worker->work->err.message);
			worker->work_retry_at = pgwf_clock_ms() +
				pgwf_backoff_next(&worker->work_backoff);
		}
		finish_responses(worker, &x, now);
		finish_heartbeats(worker, &x, now);
		for (q = 0; q < PGWF_NUM_QUEUES; q++)
			finish_poll(worker, &x, (PgwfQueue) q, now);
	}
	free(x.responses);
	free(x.batches);
	free(x.beating);
	free(x.requests);
	pgwf_worker_run_activities(worker);
	pgwf_worker_begin_tasks(worker);
}
