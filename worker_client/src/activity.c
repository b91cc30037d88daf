/*-------------------------------------------------------------------------
 *
 * activity.c
 *	  Activity attempts: their context, heartbeats, cancellation, and the
 *	  database transaction some of them take part in.
 *
 * The worker's main thread creates an attempt, gives it to the pool, ticks it
 * while it runs, and frees it after the host's done callback.  The thread of
 * the pool runs the function and decides how the attempt is reported.  An
 * attempt's mutex guards what both touch; no other lock is taken while it is
 * held.
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_activity.h"
#include "pgwf_codec.h"
#include "pgwf_interceptor.h"

/* Allowed beyond the heartbeat timeout before the attempt is given up here. */
#define HEARTBEAT_BUFFER_MS		5000

/* For connecting and for statements of an activity's own transaction. */
#define TRANSACTION_TIMEOUT_MS	30000

/* ---- life ---- */

static const char *
text_or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static PgwfActivity *
new_activity(const PgwfActivityHost *host)
{
	PgwfActivity *activity = pgwf_xalloc(sizeof(PgwfActivity));

	pthread_mutex_init(&activity->mutex, NULL);
	pgwf_cond_init(&activity->changed);
	activity->job.run = pgwf_activity_job;
	activity->host = host;
	activity->requested_ms = pgwf_clock_ms();
	activity->last_beat_ms = activity->requested_ms;
	activity->info.workflow_namespace = host->workflow_namespace;
	activity->info.task_queue = host->task_queue;
	return activity;
}

static const PgwfCodec *
codec_of(const PgwfActivity *activity)
{
	return pgwf_registry_codec(activity->host->registry);
}

static void
find_function(PgwfActivity *activity)
{
	if (activity->host->mocks != NULL)
		activity->fn = pgwf_mocks_find(activity->host->mocks,
									   activity->info.activity_type,
									   &activity->fn_arg);
	if (activity->fn == NULL)
		activity->fn = pgwf_registry_find_activity(activity->host->registry,
												   activity->info.activity_type,
												   &activity->fn_arg);
}

static json_t *
array_of(const PgwfNode *input)
{
	return input != NULL && input->type == PGWF_NODE_ARRAY ?
		pgwf_node_json(input) : json_array();
}

/*
 * An attempt for a polled task, which is taken over.
 */
PgwfActivity *
pgwf_activity_create(const PgwfActivityHost *host, PgwfNode *task)
{
	PgwfActivity *activity = new_activity(host);
	PgwfActivityInfo *info = &activity->info;
	int64_t		left = 0;

	activity->task = task;
	info->task_token = text_or_empty(pgwf_node_str(task, "taskToken"));
	info->workflow_id =
		text_or_empty(pgwf_node_str2(task, "workflowExecution", "workflowId"));
	info->run_id =
		text_or_empty(pgwf_node_str2(task, "workflowExecution", "runId"));
	info->workflow_type =
		text_or_empty(pgwf_node_str2(task, "workflowType", "name"));
	info->activity_id = text_or_empty(pgwf_node_str(task, "activityId"));
	info->activity_type =
		text_or_empty(pgwf_node_str2(task, "activityType", "name"));
	info->attempt = (int) pgwf_node_int(task, "attempt");
	if (info->attempt < 1)
		info->attempt = 1;
	info->scheduled_time_ms =
		pgwf_timestamp_us(pgwf_node_str(task, "scheduledTime")) / 1000;
	info->started_time_ms =
		pgwf_timestamp_us(pgwf_node_str(task, "startedTime")) / 1000;
	info->start_to_close_timeout_ms =
		pgwf_duration_ms(pgwf_node_str(task, "startToCloseTimeout"));
	info->schedule_to_close_timeout_ms =
		pgwf_duration_ms(pgwf_node_str(task, "scheduleToCloseTimeout"));
	info->heartbeat_timeout_ms =
		pgwf_duration_ms(pgwf_node_str(task, "heartbeatTimeout"));
	info->heartbeat_details = activity->heartbeat_details =
		pgwf_node_json(pgwf_node_get(task, "heartbeatDetails"));
	info->header = activity->header =
		pgwf_node_json(pgwf_node_get(pgwf_node_get(task, "header"), "fields"));
	activity->input = array_of(pgwf_node_get(task, "input"));

	/* what is left by the server's clock counts from now by ours */
	if (info->start_to_close_timeout_ms > 0)
		left = info->start_to_close_timeout_ms;
	if (info->schedule_to_close_timeout_ms > 0)
	{
		int64_t		rest = info->schedule_to_close_timeout_ms -
		(info->started_time_ms - info->scheduled_time_ms);

		if (rest < 1)
			rest = 1;
		if (left == 0 || rest < left)
			left = rest;
	}
	if (left > 0)
	{
		activity->deadline_ms = activity->requested_ms + left;
		info->deadline_ms = info->started_time_ms + left;
	}

	if (info->heartbeat_timeout_ms > 0)
	{
		int64_t		throttle = info->heartbeat_timeout_ms * 8 / 10;

		activity->throttle_ms = throttle < host->max_heartbeat_ms ?
			(int) throttle : host->max_heartbeat_ms;
	}
	else
		activity->throttle_ms =
			host->default_heartbeat_ms < host->max_heartbeat_ms ?
			host->default_heartbeat_ms : host->max_heartbeat_ms;
	find_function(activity);
	return activity;
}

/*
 * An attempt of a local activity.  Its deadline counts from when its delay is
 * over.
 */
PgwfActivity *
pgwf_activity_create_local(const PgwfActivityHost *host,
						   const PgwfLocalRequest *request,
						   const char *workflow_id, const char *run_id,
						   const char *workflow_type)
{
	PgwfActivity *activity = new_activity(host);
	PgwfActivityInfo *info = &activity->info;
	int64_t		now_ms = pgwf_wall_us() / 1000;

	info->task_token = "";
	info->workflow_id = activity->texts[0] = pgwf_xstrdup(text_or_empty(workflow_id));
	info->run_id = activity->texts[1] = pgwf_xstrdup(text_or_empty(run_id));
	info->workflow_type = activity->texts[2] = pgwf_xstrdup(text_or_empty(workflow_type));
	info->activity_id = activity->texts[3] =
		pgwf_xstrdup(text_or_empty(request->activity_id));
	info->activity_type = activity->texts[4] =
		pgwf_xstrdup(text_or_empty(request->activity_type));
	info->attempt = request->attempt;
	info->is_local = true;
	info->scheduled_time_ms = request->scheduled_time_ms;
	info->started_time_ms = now_ms + request->delay_ms;
	info->deadline_ms = info->started_time_ms + request->timeout_ms;
	if (request->timeout_is_schedule_to_close)
		info->schedule_to_close_timeout_ms = request->timeout_ms;
	else
		info->start_to_close_timeout_ms = request->timeout_ms;
	activity->input = json_is_array(request->input) ?
		json_deep_copy(request->input) : json_array();
	activity->local_seq = request->seq;
	activity->local_s2c = request->timeout_is_schedule_to_close;
	activity->begin_ms = activity->requested_ms + request->delay_ms;
	activity->deadline_ms = activity->begin_ms + request->timeout_ms;
	find_function(activity);
	return activity;
}

/*
 * Only when no thread runs it.
 */
void
pgwf_activity_free(PgwfActivity *activity)
{
	int			i;

	if (activity == NULL)
		return;
	pgwf_node_release(activity->task);
	for (i = 0; i < PGWF_ACTIVITY_TEXTS; i++)
		free(activity->texts[i]);
	json_decref(activity->input);
	json_decref(activity->heartbeat_details);
	json_decref(activity->header);
	json_decref(activity->details);
	json_decref(activity->result);
	free(activity->result_text);
	pgwf_failure_free(activity->failure);
	pthread_cond_destroy(&activity->changed);
	pthread_mutex_destroy(&activity->mutex);
	free(activity);
}

/* ---- what the function may call ---- */

const PgwfActivityInfo *
pgwf_activity_info(PgwfActivity *activity)
{
	return &activity->info;
}

void *
pgwf_activity_arg(PgwfActivity *activity)
{
	return activity->fn_arg;
}

void
pgwf_activity_log(PgwfActivity *activity, PgwfLogLevel level,
				  const char *fmt,...)
{
	va_list		args;
	char		buf[2048];

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	pgwf_registry_log(activity->host->registry, level, "%s", buf);
}

bool
pgwf_activity_heartbeat(PgwfActivity *activity, json_t *details)
{
	int64_t		now = pgwf_clock_ms();
	json_t	   *copy = NULL;
	bool		notify = false;
	bool		go_on;

	/* a copy: the caller may change his, and the main thread reads ours */
	if (json_is_array(details))
		copy = json_deep_copy(details);
	else if (details != NULL)
	{
		copy = json_array();
		json_array_append_new(copy, json_deep_copy(details));
	}
	pthread_mutex_lock(&activity->mutex);
	go_on = activity->canceled == PGWF_NOT_CANCELED;
	if (activity->info.is_local)
		json_decref(copy);
	else
	{
		json_decref(activity->details);
		activity->details = copy;
		activity->last_beat_ms = now;

		/* later ones are found by the main thread's tick */
		notify = !activity->details_unsent;
		activity->details_unsent = true;
	}
	pthread_mutex_unlock(&activity->mutex);
	if (notify)
		activity->host->notify(activity->host->arg);
	return go_on;
}

PgwfCancelReason
pgwf_activity_canceled(PgwfActivity *activity)
{
	PgwfCancelReason reason;

	pthread_mutex_lock(&activity->mutex);
	reason = activity->canceled;
	pthread_mutex_unlock(&activity->mutex);
	return reason;
}

PgwfCancelReason
pgwf_activity_wait_canceled(PgwfActivity *activity, int64_t timeout_ms)
{
	int64_t		deadline = pgwf_clock_ms() + timeout_ms;
	PgwfCancelReason reason;

	pthread_mutex_lock(&activity->mutex);
	while (activity->canceled == PGWF_NOT_CANCELED)
	{
		int64_t		left = 60000;

		if (timeout_ms >= 0)
		{
			left = deadline - pgwf_clock_ms();
			if (left <= 0)
				break;
			if (left > 60000)
				left = 60000;
		}
		pgwf_cond_wait(&activity->changed, &activity->mutex, (int) left);
	}
	reason = activity->canceled;
	pthread_mutex_unlock(&activity->mutex);
	return reason;
}

PgwfFailure *
pgwf_activity_canceled_failure(PgwfActivity *activity, json_t *details)
{
	static const char *const messages[] =
	{
		[PGWF_NOT_CANCELED] = "activity canceled itself",
		[PGWF_CANCEL_REQUESTED] = "activity canceled",
		[PGWF_CANCEL_NOT_FOUND] = "activity is no longer pending",
		[PGWF_CANCEL_TIMED_OUT] = "activity timed out",
		[PGWF_CANCEL_PAUSED] = "activity paused",
		[PGWF_CANCEL_RESET] = "activity reset",
		[PGWF_CANCEL_WORKER_SHUTDOWN] = "worker is shutting down"
	};

	return pgwf_failure_new_canceled(messages[pgwf_activity_canceled(activity)],
									 details);
}

void
pgwf_activity_complete_async(PgwfActivity *activity)
{
	if (activity->info.is_local)
		return;
	pthread_mutex_lock(&activity->mutex);
	activity->async = true;
	pthread_mutex_unlock(&activity->mutex);
}

/* ---- the activity's own transaction ---- */

struct pg_conn *
pgwf_activity_connection(PgwfActivity *activity)
{
	PgwfConn   *conn = *activity->thread_data;
	int			try;

	if (activity->info.is_local)
		return NULL;
	if (activity->in_transaction)
		return conn->pg;
	if (conn == NULL)
	{
		conn = pgwf_conn_create(activity->host->conninfo,
								"pgworkflow activity");
		conn->pooled = activity->host->pooled;
		*activity->thread_data = conn;
	}

	/* a connection of an earlier activity may have been lost meanwhile */
	for (try = 0; try < 2; try++)
	{
		if (pgwf_conn_open(conn, TRANSACTION_TIMEOUT_MS) == PGWF_OK &&
			pgwf_conn_command(conn, "BEGIN ISOLATION LEVEL READ COMMITTED; "
							  "SET LOCAL search_path = pg_catalog, pg_temp",
							  TRANSACTION_TIMEOUT_MS) == PGWF_OK)
		{
			PQsetnonblocking(conn->pg, 0);
			activity->in_transaction = true;
			return conn->pg;
		}
	}
	pgwf_activity_log(activity, PGWF_LOG_WARNING,
					  "could not open a transaction for activity \"%s\": %s",
					  activity->info.activity_type,
					  text_or_empty(conn->err.message));
	return NULL;
}

/* The worker's pool calls it when a thread ends. */
void
pgwf_activity_cleanup(void *thread_data)
{
	pgwf_conn_destroy(thread_data);
}

static void
roll_back(PgwfConn *conn)
{
	if (!pgwf_conn_is_open(conn))
		return;
	PQsetnonblocking(conn->pg, 1);
	if (PQtransactionStatus(conn->pg) != PQTRANS_IDLE &&
		pgwf_conn_command(conn, "ROLLBACK", TRANSACTION_TIMEOUT_MS) != PGWF_OK)
		pgwf_conn_close(conn);
}

/*
 * Report success in the activity's transaction and commit.  Where that fails,
 * the attempt fails, unless it is no longer ours to report.
 */
static void
commit_completion(PgwfActivity *activity)
{
	PgwfConn   *conn = *activity->thread_data;
	const char *values[5];
	PGresult   *result = NULL;
	PgwfResult	code;
	const char *what = "";

	if (!pgwf_conn_is_open(conn) ||
		PQtransactionStatus(conn->pg) == PQTRANS_UNKNOWN)
	{
		what = "connection lost";
		code = PGWF_UNAVAILABLE;
		pgwf_conn_close(conn);
	}
	else if (PQtransactionStatus(conn->pg) != PQTRANS_INTRANS)
	{
		what = PQtransactionStatus(conn->pg) == PQTRANS_IDLE ?
			"the activity ended the transaction itself" :
			"the activity left the transaction unusable";
		code = PGWF_FAILED_PRECONDITION;
	}
	else
	{
		PQsetnonblocking(conn->pg, 1);
		values[0] = activity->info.task_token;
		values[1] = activity->result_text;
		values[2] = activity->host->identity;
		values[3] = activity->host->workflow_namespace;
		values[4] = NULL;
		code = pgwf_conn_exec(conn, PGWF_STMT_ACTIVITY_COMPLETED, values,
							  TRANSACTION_TIMEOUT_MS, &result);
		PQclear(result);
		if (code == PGWF_OK)
		{
			code = pgwf_conn_command(conn, "COMMIT", TRANSACTION_TIMEOUT_MS);
			if (code == PGWF_OK)
			{
				activity->end = PGWF_END_REPORTED;
				return;
			}
		}
		what = text_or_empty(conn->err.message);
	}
	if (code == PGWF_NOT_FOUND)
	{
		pgwf_activity_log(activity, PGWF_LOG_WARNING,
						  "activity \"%s\" finished too late, its transaction is rolled back",
						  activity->info.activity_type);
		activity->end = PGWF_END_DROPPED;
	}
	else
	{
		activity->end = PGWF_END_FAILED;
		activity->failure = pgwf_failure_new("TransactionError",
											 "could not commit the activity's transaction: %s",
											 what);
	}
	roll_back(conn);
}

/* ---- running ---- */

/*
 * Decide how the outcome of the function is to be reported.
 */
static void
classify(PgwfActivity *activity)
{
	PgwfCancelReason reason = pgwf_activity_canceled(activity);
	const char *type = NULL;

	if (activity->async)
	{
		activity->end = PGWF_END_ASYNC;
		return;
	}
	if (activity->failure == NULL && !activity->info.is_local)
	{
		activity->result_text =
			pgwf_codec_text(codec_of(activity), PGWF_VALUE_SINGLE,
							activity->result);
		if (activity->result != NULL && activity->result_text == NULL)
			activity->failure = pgwf_failure_new("InvalidResult",
												 "the result of the activity "
												 "is nested too deeply, or the "
												 "codec cannot encode it");
	}
	if (activity->failure == NULL)
	{
		activity->end = PGWF_END_COMPLETED;
		return;
	}
	activity->end = PGWF_END_FAILED;
	if (activity->info.is_local ||
		!pgwf_failure_is_canceled(activity->failure))
		return;

	switch (reason)
	{
		case PGWF_NOT_CANCELED:
			return;
		case PGWF_CANCEL_REQUESTED:
			activity->end = PGWF_END_CANCELED;
			return;
		case PGWF_CANCEL_NOT_FOUND:
		case PGWF_CANCEL_TIMED_OUT:
			/* the service knows, or finds out by itself */
			activity->end = PGWF_END_DROPPED;
			return;
		case PGWF_CANCEL_PAUSED:
			type = "ActivityPaused";
			break;
		case PGWF_CANCEL_RESET:
			type = "ActivityReset";
			break;
		case PGWF_CANCEL_WORKER_SHUTDOWN:
			type = "WorkerShutdown";
			break;
	}

	/* to be tried again, which a cancellation would not be */
	{
		PgwfFailure *failure;

		failure = pgwf_failure_new(type, "%s",
								   pgwf_failure_message(activity->failure));
		pgwf_failure_free(activity->failure);
		activity->failure = failure;
	}
}

/*
 * The function is over, and the attempt goes to another thread.  What was
 * given to the function may be part of what it has returned, so all of it
 * stays behind here, but for a copy of a local activity's result.
 */
static void
let_go(PgwfActivity *activity)
{
	json_t	   *result = activity->result;

	activity->result = NULL;
	if (activity->info.is_local && activity->end == PGWF_END_COMPLETED &&
		result != NULL)
	{
		activity->result = json_deep_copy(result);
		if (activity->result == NULL)
		{
			activity->end = PGWF_END_FAILED;
			activity->failure = pgwf_failure_new("InvalidResult",
												 "the result of the activity "
												 "contains itself");
		}
	}
	json_decref(result);
	json_decref(activity->input);
	json_decref(activity->heartbeat_details);
	json_decref(activity->header);
	activity->input = activity->heartbeat_details = activity->header = NULL;
}

/*
 * The job of a pool's thread.
 */
void
pgwf_activity_job(PgwfJob *job, void **thread_data)
{
	PgwfActivity *activity = (PgwfActivity *) job;

	activity->thread_data = thread_data;
	activity->result =
		pgwf_intercept_activity(pgwf_registry_interceptors(activity->host->registry),
								activity->fn, activity, activity->input,
								&activity->failure);
	classify(activity);
	if (activity->in_transaction)
	{
		if (activity->end == PGWF_END_COMPLETED)
			commit_completion(activity);
		else
			roll_back(*thread_data);
	}
	activity->thread_data = NULL;
	let_go(activity);
	activity->host->done(activity, activity->host->arg);
}

/* ---- the main thread's side ---- */

/*
 * Tell the function to stop.  The first reason stays.
 */
void
pgwf_activity_cancel(PgwfActivity *activity, PgwfCancelReason reason)
{
	pthread_mutex_lock(&activity->mutex);
	if (activity->canceled == PGWF_NOT_CANCELED)
	{
		activity->canceled = reason;
		pthread_cond_broadcast(&activity->changed);
	}
	pthread_mutex_unlock(&activity->mutex);
}

/*
 * Apply the local timeouts.  *send is set if a heartbeat is due.  Returns when
 * to look again, INT64_MAX for never.
 */
int64_t
pgwf_activity_tick(PgwfActivity *activity, int64_t now, bool *send)
{
	int64_t		next = INT64_MAX;

	*send = false;
	pthread_mutex_lock(&activity->mutex);
	if (activity->canceled == PGWF_NOT_CANCELED)
	{
		int64_t		limit = activity->deadline_ms > 0 ?
		activity->deadline_ms : INT64_MAX;

		if (activity->info.heartbeat_timeout_ms > 0)
		{
			int64_t		beat = activity->last_beat_ms +
			activity->info.heartbeat_timeout_ms + HEARTBEAT_BUFFER_MS;

			if (beat < limit)
				limit = beat;
		}
		if (now >= limit)
		{
			activity->canceled = PGWF_CANCEL_TIMED_OUT;
			pthread_cond_broadcast(&activity->changed);
		}
		else
			next = limit;
	}
	if (activity->details_unsent &&
		(activity->canceled == PGWF_NOT_CANCELED ||
		 activity->canceled == PGWF_CANCEL_REQUESTED))
	{
		if (now >= activity->next_send_ms)
			*send = true;
		else if (activity->next_send_ms < next)
			next = activity->next_send_ms;
	}
	pthread_mutex_unlock(&activity->mutex);
	return next;
}

/*
 * The details of the heartbeat that is now sent; malloc'ed, or NULL.
 */
char *
pgwf_activity_take_details(PgwfActivity *activity, int64_t now)
{
	char	   *text;

	pthread_mutex_lock(&activity->mutex);
	text = pgwf_codec_text(codec_of(activity), PGWF_VALUE_ARGS,
						   activity->details);
	activity->details_unsent = false;
	activity->next_send_ms = now + activity->throttle_ms;
	pthread_mutex_unlock(&activity->mutex);
	return text;
}

/*
 * The heartbeat that was taken may not have arrived: it counts as unsent, and
 * is due after a tenth of the heartbeat timeout, which is still in time.
 */
void
pgwf_activity_heartbeat_lost(PgwfActivity *activity, int64_t now)
{
	pthread_mutex_lock(&activity->mutex);
	activity->details_unsent = true;
	activity->next_send_ms = now + activity->throttle_ms / 8;
	pthread_mutex_unlock(&activity->mutex);
}

/*
 * The last heartbeat's details if they were not sent yet, else NULL.
 */
char *
pgwf_activity_last_details(PgwfActivity *activity)
{
	char	   *text = NULL;

	pthread_mutex_lock(&activity->mutex);
	if (activity->details_unsent)
		text = pgwf_codec_text(codec_of(activity), PGWF_VALUE_ARGS,
							   activity->details);
	pthread_mutex_unlock(&activity->mutex);
	return text;
}
