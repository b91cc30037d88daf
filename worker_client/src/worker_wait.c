/*-------------------------------------------------------------------------
 *
 * worker_wait.c
 *	  The waiting connection: one CALL of wait_and_poll for all queues from
 *	  which the worker could take something.
 *
 * The call brings back the first workflow task that it finds, which saves a
 * round trip when there is but one.  The slot for it is kept free meanwhile,
 * so a worker that has only one slot left is told of the task and polls for
 * it.  So it is when what it polls has to be repeated after a lost answer, as
 * activities have, or when polls set a limit to the queue.
 *
 * The call is sent only when the main thread has nothing to do and goes to
 * sleep, so under load there are none.  It names the queues for which there
 * are free slots at that moment.  When a slot of another kind has become free
 * and a poll has shown that nothing is there, the call is cancelled and sent
 * again.  A request to cancel that reaches the server before the call has
 * begun there is lost, so it is repeated until the call has ended.  So it is
 * when the worker stops: a task that is on its way must not be lost.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_worker.h"

#define WAIT_TIMEOUT_TEXT	"60 s"
#define WAIT_TIMEOUT_MS		60000

/* Beyond its timeout the server has this long to answer. */
#define WAIT_SLACK_MS		15000

/* The first pause between two requests to cancel; it doubles, to a second. */
#define CANCEL_PAUSE_MS		20
#define MAX_CANCEL_PAUSE_MS	1000

static void
call_ended(PgwfWorker *worker)
{
	worker->wait_busy = false;
	worker->wait_brings_task = false;
}

/*
 * Note a failure: reconnect or wait again after a pause, or give up the run
 * if nothing has ever worked.
 */
static void
wait_failed(PgwfWorker *worker, int64_t now)
{
	const PgwfErr *err = &worker->wait->err;
	int			delay = pgwf_backoff_next(&worker->wait_backoff);

	call_ended(worker);
	worker->wait_retry_at = now + delay;
	if (pgwf_conn_is_open(worker->wait))
	{
		if (!worker->proved && !pgwf_error_is_transient(err))
		{
			pgwf_worker_fatal(worker, err);
			return;
		}
		pgwf_worker_log(worker, PGWF_LOG_WARNING,
						"could not wait for tasks: %s", err->message);
	}
	else if (worker->wait_backoff.failures == 1)
		pgwf_worker_log(worker, PGWF_LOG_WARNING,
						"waiting connection failed: %s", err->message);
}

static void
send_wait(PgwfWorker *worker, int64_t now, const bool *wanted)
{
	const char *names[2];
	const char *values[11];
	char	   *workflow_queues;
	char	   *activity_queues;
	bool		brings_task;
	int			n = 0;
	PgwfResult	code;

	brings_task = (wanted[PGWF_QUEUE_NORMAL] || wanted[PGWF_QUEUE_STICKY]) &&
		pgwf_worker_free_slots(worker, PGWF_QUEUE_NORMAL) > 1 &&
		!worker->repeat_workflow_polls &&
		worker->rate_limit[PGWF_QUEUE_NORMAL] == NULL;
	if (wanted[PGWF_QUEUE_NORMAL])
		names[n++] = worker->task_queue;
	if (wanted[PGWF_QUEUE_STICKY])
		names[n++] = worker->sticky_queue;
	workflow_queues = pgwf_text_array(names, n);
	names[0] = worker->task_queue;
	activity_queues = pgwf_text_array(names,
									  wanted[PGWF_QUEUE_ACTIVITY] ? 1 : 0);
	values[0] = workflow_queues;
	values[1] = activity_queues;
	values[2] = WAIT_TIMEOUT_TEXT;
	values[3] = worker->identity;
	values[4] = worker->sticky_queue;
	values[5] = worker->build_id;
	values[6] = worker->deployment_name;
	values[7] = pgwf_worker_versioning_mode(worker);
	values[8] = brings_task ? "1" : "0";
	values[9] = "0";
	values[10] = worker->workflow_namespace;
	code = pgwf_conn_send(worker->wait, PGWF_STMT_WAIT, values,
						  PGWF_CONNECT_TIMEOUT_MS);
	free(workflow_queues);
	free(activity_queues);
	if (code != PGWF_OK)
	{
		wait_failed(worker, now);
		return;
	}
	PGWF_COUNT(worker, waits, 1);
	PGWF_COUNT(worker, round_trips, 1);
	PGWF_COUNT(worker, transactions, 1);
	memcpy(worker->wait_covers, wanted, sizeof(worker->wait_covers));
	worker->wait_busy = true;
	worker->wait_brings_task = brings_task;
	worker->wait_cancel_pause = 0;
	worker->wait_limit = now + WAIT_TIMEOUT_MS + WAIT_SLACK_MS;
}

/*
 * Ask for the call to end, again after a while.  Returns when.
 */
static int64_t
cancel_call(PgwfWorker *worker, int64_t now)
{
	if (worker->wait_cancel_pause == 0 || now >= worker->wait_cancel_at)
	{
		pgwf_conn_cancel(worker->wait);
		worker->wait_cancel_pause = worker->wait_cancel_pause == 0 ?
			CANCEL_PAUSE_MS : worker->wait_cancel_pause * 2;
		if (worker->wait_cancel_pause > MAX_CANCEL_PAUSE_MS)
			worker->wait_cancel_pause = MAX_CANCEL_PAUSE_MS;
		worker->wait_cancel_at = now + worker->wait_cancel_pause;
	}
	return worker->wait_cancel_at;
}

/*
 * The worker stops: end the call, and take a task that it brings.  Returns
 * when to look again.
 */
int64_t
pgwf_worker_wait_stop(PgwfWorker *worker, int64_t now)
{
	int64_t		next;

	if (worker->wait_brings_task && now < worker->wait_stop_until)
	{
		next = cancel_call(worker, now);
		return next < worker->wait_stop_until ? next :
			worker->wait_stop_until;
	}
	pgwf_conn_close(worker->wait);
	call_ended(worker);
	return INT64_MAX;
}

/* The queues to be waited for, and whether the call is for them all */
static void
look(const PgwfWorker *worker, bool *wanted, bool *any, bool *uncovered)
{
	int			q;

	*any = false;
	*uncovered = false;
	for (q = 0; q < PGWF_NUM_QUEUES; q++)
	{
		wanted[q] = !worker->hint[q] &&
			pgwf_worker_free_slots(worker, (PgwfQueue) q) > 0;
		*any = *any || wanted[q];
		*uncovered = *uncovered || (wanted[q] && !worker->wait_covers[q]);
	}
}

/*
 * Is there nothing to be done about waiting?
 */
bool
pgwf_worker_wait_stands(const PgwfWorker *worker)
{
	bool		wanted[PGWF_NUM_QUEUES];
	bool		any;
	bool		uncovered;

	look(worker, wanted, &any, &uncovered);
	return worker->wait_busy ? !uncovered : !any;
}

/*
 * Before the main thread sleeps: see to it that the service wakes us when one
 * of the queues has something for us.  Returns when to look again.
 */
int64_t
pgwf_worker_wait_step(PgwfWorker *worker, int64_t now)
{
	bool		wanted[PGWF_NUM_QUEUES];
	bool		any;
	bool		uncovered;

	if (worker->stopping || worker->fatal != PGWF_OK)
		return INT64_MAX;
	if (worker->wait_busy && now >= worker->wait_limit)
	{
		pgwf_err_set(&worker->wait->err, PGWF_UNAVAILABLE, NULL,
					 "no answer in time");
		pgwf_conn_close(worker->wait);
		wait_failed(worker, now);
	}
	look(worker, wanted, &any, &uncovered);
	if (worker->wait_busy)
	{
		if (!uncovered)
			return worker->wait_limit;
		return cancel_call(worker, now);
	}
	if (!any)
		return INT64_MAX;
	if (now < worker->wait_retry_at)
		return worker->wait_retry_at;
	if (!pgwf_conn_is_open(worker->wait))
	{
		bool		again = worker->wait_backoff.failures > 0;

		worker->wait->interrupt_fd = worker->stop_pipe.fd[0];
		if (pgwf_conn_open(worker->wait, PGWF_CONNECT_TIMEOUT_MS) != PGWF_OK)
		{
			wait_failed(worker, now);
			return worker->wait_retry_at;
		}
		worker->wait->interrupt_fd = -1;
		if (again)
			PGWF_COUNT(worker, reconnects, 1);
	}
	send_wait(worker, now, wanted);
	return worker->wait_busy ? worker->wait_limit : worker->wait_retry_at;
}

/*
 * Take the task in an array of one, if there is one.
 */
static void
take_task(PgwfWorker *worker, char *array)
{
	size_t		length = strlen(array);
	PgwfNode   *task;

	if (length < 2)
		return;
	array[length - 1] = '\0';
	task = pgwf_worker_parse(worker, array + 1);
	if (task == NULL)
		pgwf_worker_log(worker, PGWF_LOG_ERROR,
						"could not understand a task");
	else
		pgwf_worker_take_task(worker, task);
}

/*
 * The waiting connection has something to read.
 */
void
pgwf_worker_wait_ready(PgwfWorker *worker)
{
	PGresult   *result;
	PgwfResult	code;
	bool		busy;

	code = pgwf_conn_receive(worker->wait, &busy, &result);
	if (busy)
		return;
	call_ended(worker);
	if (code == PGWF_OK)
	{
		pgwf_backoff_reset(&worker->wait_backoff);
		worker->proved = true;
		if (PQntuples(result) == 1 && PQnfields(result) == 4)
		{
			const char *workflow = PQgetvalue(result, 0, 0);
			const char *activity = PQgetvalue(result, 0, 1);

			if (pgwf_text_array_has(workflow, worker->task_queue))
				worker->hint[PGWF_QUEUE_NORMAL] = true;
			if (worker->sticky_queue != NULL &&
				pgwf_text_array_has(workflow, worker->sticky_queue))
				worker->hint[PGWF_QUEUE_STICKY] = true;
			if (pgwf_text_array_has(activity, worker->task_queue))
				worker->hint[PGWF_QUEUE_ACTIVITY] = true;
			take_task(worker, PQgetvalue(result, 0, 2));
		}
	}
	else if (code != PGWF_CANCELED || !pgwf_conn_is_open(worker->wait))
		wait_failed(worker, pgwf_clock_ms());
	PQclear(result);
}
