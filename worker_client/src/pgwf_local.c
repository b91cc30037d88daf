/*
 * pgwf_local.c
 *		Local activities: attempts that the worker runs within a workflow task,
 *		and the markers that record their outcome.
 *
 * Nothing is written when one is scheduled.  On replay its outcome is taken
 * from the marker that the look-ahead found; outcomes are applied one by one
 * in the order of the markers, each followed by a run of the coroutines, just
 * as they were applied when the attempts ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

#define DEFAULT_INITIAL_MS		1000
#define DEFAULT_COEFFICIENT		2.0
#define DEFAULT_THRESHOLD_MS	60000
#define MAX_BACKOFF_MS			(INT64_C(365) * 24 * 3600 * 1000)

static void local_cancel(PgwfWorkflow *wf, PgwfMachine *machine);

static const PgwfMachineInfo local_machine = {"local activity", local_cancel};

/* The bookkeeping value in a marker's details. */
json_t *
pgwf_local_marker_data(const json_t *attributes)
{
	json_t	   *data = json_object_get(json_object_get(attributes, "details"),
									   "data");

	return json_is_array(data) ? json_array_get(data, 0) : data;
}

/* ---- the list of open ones ---- */

static void
open_add(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfMachine **link = &wf->locals;

	while (*link != NULL)
		link = &(*link)->local->next;
	*link = machine;
}

static void
open_remove(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfMachine **link = &wf->locals;

	while (*link != NULL && *link != machine)
		link = &(*link)->local->next;
	if (*link != NULL)
		*link = machine->local->next;
	machine->local->next = NULL;
}

static PgwfMachine *
open_find(PgwfWorkflow *wf, int64_t seq)
{
	PgwfMachine *machine = wf->locals;

	while (machine != NULL && machine->seq != seq)
		machine = machine->local->next;
	return machine;
}

/* Tells the worker that it need not go on with an attempt. */
static void
stop_attempt(PgwfWorkflow *wf, PgwfMachine *machine)
{
	if (!machine->local->requested)
		return;
	wf->local_cancels =
		pgwf_xrealloc(wf->local_cancels,
					  (size_t) (wf->n_local_cancels + 1) * sizeof(int64_t));
	wf->local_cancels[wf->n_local_cancels++] = machine->seq;
}

/* The workflow is over: nobody waits for the attempts any more. */
void
pgwf_local_stop_all(PgwfWorkflow *wf)
{
	while (wf->locals != NULL)
	{
		PgwfMachine *machine = wf->locals;

		stop_attempt(wf, machine);
		machine->state = PGWF_STATE_CLOSED;
		open_remove(wf, machine);
	}
}

/* ---- outcomes ---- */

/* Fails the future as an activity's; the cause is borrowed. */
static void
deliver_failure(PgwfWorkflow *wf, PgwfMachine *machine, json_t *cause,
				const char *retry_state)
{
	bool		canceled;

	canceled = json_object_get(cause, "canceledFailureInfo") != NULL;
	pgwf_future_fail(wf, machine->future,
					 pgwf_activity_failure(wf, machine, canceled ?
										   "activity canceled" :
										   "activity failed", NULL,
										   retry_state, json_incref(cause)));
}

/*
 * Records an outcome with a marker and gives it to the code: a result or a
 * failure, or, with backoff_ms > 0, a failure after which a timer comes.
 * Everything is borrowed.
 */
static void
resolve(PgwfWorkflow *wf, PgwfMachine *machine, json_t *result,
		json_t *failure, const char *retry_state, int64_t backoff_ms,
		int64_t complete_us)
{
	PgwfLocal  *local = machine->local;
	json_t	   *data = json_object();
	json_t	   *details = json_object();
	json_t	   *attributes = json_object();
	PgwfCommand *command;

	pgwf_json_put(data, "seq", json_integer(machine->seq));
	pgwf_json_put(data, "attempt", json_integer(local->attempt));
	pgwf_json_put(data, "activity_id", json_string(machine->id));
	pgwf_json_put(data, "activity_type", json_string(machine->type));
	pgwf_json_put(data, "complete_time", pgwf_json_time(complete_us));
	pgwf_json_put_ms(data, "backoff", backoff_ms);
	pgwf_json_put(data, "original_schedule_time",
				  pgwf_json_time(local->original_us));
	pgwf_json_put_str(data, "retry_state", retry_state);
	pgwf_json_put(details, "data", json_pack("[o]", data));
	if (failure == NULL)
		pgwf_json_put(details, "result", json_pack("[O]", result));
	pgwf_json_put_str(attributes, "markerName", "core_local_activity");
	pgwf_json_put(attributes, "details", details);
	pgwf_json_put(attributes, "failure", json_incref(failure));
	command = pgwf_command_push(wf, PGWF_COMMAND_RECORD_MARKER, NULL,
								attributes);
	command->marker = PGWF_MARKER_LOCAL;
	command->marker_id = machine->seq;

	if (complete_us > wf->now_us)
		wf->now_us = complete_us;
	open_remove(wf, machine);
	if (backoff_ms > 0)
	{
		local->backoff_timer = pgwf_timer_create(wf, backoff_ms, NULL);
		local->backoff_timer->backoff_of = machine;
		return;
	}
	machine->state = PGWF_STATE_CLOSED;
	if (failure != NULL)
		deliver_failure(wf, machine, failure, retry_state);
	else
		pgwf_future_succeed(wf, machine->future, json_incref(result));
}

/*
 * The timer of a long backoff fired: the next attempt is a local activity of
 * its own, with the same future.
 */
void
pgwf_local_backoff_over(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfMachine *again = pgwf_arena_alloc(wf, sizeof(PgwfMachine));
	PgwfLocal  *local = pgwf_arena_alloc(wf, sizeof(PgwfLocal));

	*again = *machine;
	*local = *machine->local;
	again->local = local;
	again->seq = ++wf->seq[PGWF_SEQ_LOCAL];
	local->attempt++;
	local->requested = false;
	local->delay_ms = 0;
	local->elapsed_ms = 0;
	local->scheduled_us = wf->now_us;
	local->backoff_timer = NULL;
	local->next = NULL;
	machine->state = PGWF_STATE_CLOSED;
	again->future->machine = again;
	open_add(wf, again);
}

static void
local_cancel(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfLocal  *local = machine->local;
	json_t	   *cause;

	if (machine->state == PGWF_STATE_CLOSED)
		return;
	if (local->backoff_timer == NULL &&
		machine->cancel_type == PGWF_CANCEL_WAIT_COMPLETED)
	{
		if (!local->cancel_wanted)
			stop_attempt(wf, machine);
		local->cancel_wanted = true;
		return;
	}
	cause = pgwf_failure_canceled_json("activity canceled", NULL);
	if (local->backoff_timer != NULL)
	{
		local->backoff_timer->info->cancel(wf, local->backoff_timer);
		machine->state = PGWF_STATE_CLOSED;
		deliver_failure(wf, machine, cause, "RETRY_STATE_CANCEL_REQUESTED");
	}
	else
	{
		stop_attempt(wf, machine);
		resolve(wf, machine, NULL, cause, "RETRY_STATE_CANCEL_REQUESTED", 0,
				wf->now_us);
	}
	json_decref(cause);
}

/* ---- replay ---- */

/*
 * Applies the next outcome that history recorded, if the code has asked for
 * its local activity.  Returns false if there is nothing to apply.
 */
bool
pgwf_local_replay_next(PgwfWorkflow *wf)
{
	PgwfSeenMarker *seen;
	PgwfMachine *machine;
	json_t	   *data;
	json_t	   *failure;
	json_t	   *result;
	const char *id;
	const char *type;

	for (;;)
	{
		seen = wf->local_markers.first;
		if (seen == NULL || seen->seq > wf->seq[PGWF_SEQ_LOCAL])
			return false;
		wf->local_markers.first = seen->next;
		if (seen->next == NULL)
			wf->local_markers.last = NULL;
		machine = open_find(wf, seen->seq);
		if (machine != NULL)
			break;
		/* the code canceled it, and so recorded the outcome itself */
		json_decref(seen->attributes);
		free(seen);
	}

	data = pgwf_local_marker_data(seen->attributes);
	id = pgwf_json_str(data, "activity_id");
	type = pgwf_json_str(data, "activity_type");
	if (wf->flag[PGWF_FLAG_ID_CHECKS] &&
		(id == NULL || type == NULL || strcmp(id, machine->id) != 0 ||
		 strcmp(type, machine->type) != 0))
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, seen->event_id,
						 "event %lld is MarkerRecorded (local activity %lld, "
						 "activity id \"%s\", type \"%s\"), but the workflow "
						 "code asked for activity id \"%s\", type \"%s\"",
						 (long long) seen->event_id, (long long) seen->seq,
						 id != NULL ? id : "", type != NULL ? type : "",
						 machine->id, machine->type);
	else
	{
		failure = json_object_get(seen->attributes, "failure");
		result = json_object_get(seen->attributes, "details");
		result = pgwf_json_first(json_object_get(result, "result"));
		if (json_is_integer(json_object_get(data, "attempt")))
			machine->local->attempt = (int) pgwf_json_int(data, "attempt");
		resolve(wf, machine, result, failure,
				pgwf_json_str(data, "retry_state"),
				pgwf_json_get_duration_ms(json_object_get(data, "backoff")),
				pgwf_json_get_time_us(json_object_get(data,
													  "complete_time")));
		json_decref(result);
	}
	json_decref(seen->attributes);
	free(seen);
	return wf->error == PGWF_ERROR_NONE;
}

/* Does the marker in history tell of the same activity and outcome? */
bool
pgwf_local_matches(PgwfWorkflow *wf, const PgwfCommand *command,
				   const PgwfEvent *event)
{
	json_t	   *ours = pgwf_local_marker_data(command->attributes);
	json_t	   *theirs = pgwf_local_marker_data(pgwf_event_json(event));
	bool		failed;
	bool		failed_there;

	failed = json_object_get(command->attributes, "failure") != NULL;
	failed_there = json_object_get(pgwf_event_json(event), "failure") != NULL;
	if (failed != failed_there)
		return false;
	return !wf->flag[PGWF_FLAG_ID_CHECKS] ||
		(json_equal(json_object_get(ours, "activity_id"),
					json_object_get(theirs, "activity_id")) &&
		 json_equal(json_object_get(ours, "activity_type"),
					json_object_get(theirs, "activity_type")));
}

/* ---- live ---- */

/*
 * What is left of the schedule-to-close timeout after so much of this
 * machine.
 */
static int64_t
time_left_ms(const PgwfLocal *local, int64_t after_ms)
{
	if (local->schedule_to_close_ms <= 0)
		return INT64_MAX;
	return local->schedule_to_close_ms - after_ms -
		(local->scheduled_us - local->original_us) / 1000;
}

/* Puts the attempts that nobody runs yet into the outcome. */
void
pgwf_local_requests(PgwfWorkflow *wf, PgwfTaskOutcome *out)
{
	PgwfMachine *machine;
	int			n = 0;

	for (machine = wf->locals; machine; machine = machine->local->next)
	{
		out->n_local_running++;
		if (!machine->local->requested)
			n++;
	}
	if (n == 0)
		return;
	out->local_requests = pgwf_xalloc((size_t) n * sizeof(PgwfLocalRequest));
	for (machine = wf->locals; machine; machine = machine->local->next)
	{
		PgwfLocal  *local = machine->local;
		PgwfLocalRequest *request;
		int64_t		left;

		if (local->requested)
			continue;
		local->requested = true;
		left = time_left_ms(local, local->elapsed_ms + local->delay_ms);
		request = &out->local_requests[out->n_local_requests++];
		request->seq = machine->seq;
		request->attempt = local->attempt;
		request->activity_type = machine->type;
		request->activity_id = machine->id;
		request->input = local->input;
		request->delay_ms = local->delay_ms;
		request->timeout_ms = local->start_to_close_ms;
		if (request->timeout_ms <= 0 || left < request->timeout_ms)
		{
			request->timeout_ms = left > 0 ? left : 1;
			request->timeout_is_schedule_to_close = true;
		}
		request->scheduled_time_ms = local->original_us / 1000;
	}
}

/* May the attempt be repeated after this failure? */
static bool
retryable(const PgwfLocal *local, const PgwfFailure *failure)
{
	PgwfFailureKind kind = pgwf_failure_kind(failure);
	const char *type = pgwf_failure_type(failure);
	int			i;

	if (kind == PGWF_FAILURE_CANCELED || kind == PGWF_FAILURE_TERMINATED ||
		pgwf_failure_non_retryable(failure))
		return false;
	if (kind == PGWF_FAILURE_TIMEOUT)
	{
		const char *timeout =
		pgwf_short_enum(pgwf_failure_timeout_type(failure),
						"TIMEOUT_TYPE_");

		if (strcmp(timeout, "START_TO_CLOSE") != 0)
			return false;
		type = "TemporalTimeout:StartToClose";
	}
	for (i = 0; local->non_retryable != NULL && local->non_retryable[i]; i++)
	{
		if (strcmp(local->non_retryable[i], type) == 0)
			return false;
	}
	return true;
}

/* The pause before the next attempt. */
static int64_t
backoff_of(const PgwfLocal *local, const PgwfFailure *failure)
{
	json_t	   *info = json_object_get(pgwf_failure_json(failure),
									   "applicationFailureInfo");
	json_t	   *next = json_object_get(info, "nextRetryDelay");
	double		backoff;
	int			i;

	if (next != NULL)
		return pgwf_json_get_duration_ms(next);
	backoff = (double) local->initial_ms;
	for (i = 1; i < local->attempt && backoff < (double) MAX_BACKOFF_MS; i++)
		backoff *= local->coefficient;
	if (backoff > (double) local->maximum_ms)
		backoff = (double) local->maximum_ms;
	return (int64_t) backoff;
}

/*
 * Takes the end of an attempt.  Returns true if the code got an outcome, false
 * if there will be another attempt or the result came too late.  What the
 * result has is still the caller's to clear.
 */
bool
pgwf_local_deliver(PgwfWorkflow *wf, PgwfLocalResult *result)
{
	PgwfMachine *machine = open_find(wf, result->seq);
	const char *retry_state = NULL;
	int64_t		backoff_ms = 0;
	json_t	   *failure = NULL;
	json_t	   *value = NULL;
	PgwfLocal  *local;

	if (machine == NULL || !machine->local->requested ||
		machine->local->attempt != result->attempt)
		return false;
	local = machine->local;
	if (result->elapsed_ms > 0)
		local->elapsed_ms += result->elapsed_ms;
	if (local->attempt > 1)
		wf->extra_attempts++;

	if (result->failure != NULL)
	{
		failure = json_deep_copy(pgwf_failure_json(result->failure));
		backoff_ms = backoff_of(local, result->failure);
		if (pgwf_failure_kind(result->failure) == PGWF_FAILURE_CANCELED ||
			local->cancel_wanted)
			retry_state = "RETRY_STATE_CANCEL_REQUESTED";
		else if (!retryable(local, result->failure))
			retry_state = "RETRY_STATE_NON_RETRYABLE_FAILURE";
		else if (local->maximum_attempts > 0 &&
				 local->attempt >= local->maximum_attempts)
			retry_state = "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED";
		else if (time_left_ms(local, local->elapsed_ms + backoff_ms) <= 0)
			retry_state = "RETRY_STATE_TIMEOUT";

		if (retry_state != NULL)
			backoff_ms = 0;
		else if (backoff_ms <= local->threshold_ms)
		{
			local->attempt++;
			local->delay_ms = backoff_ms;
			local->requested = false;
			json_decref(failure);
			return false;
		}
	}
	else if (result->result != NULL)
	{
		value = result->result;
		result->result = NULL;
	}
	else
		value = json_null();

	resolve(wf, machine, value, failure, retry_state, backoff_ms,
			local->scheduled_us + local->elapsed_ms * 1000);
	json_decref(value);
	json_decref(failure);
	return true;
}

/* ---- workflow code ---- */

static char **
copy_types(PgwfWorkflow *wf, const char *const *types)
{
	char	  **copy;
	size_t		n = 0;
	size_t		i;

	if (types == NULL)
		return NULL;
	while (types[n] != NULL)
		n++;
	copy = pgwf_arena_alloc(wf, (n + 1) * sizeof(char *));
	for (i = 0; i < n; i++)
		copy[i] = pgwf_arena_strdup(wf, types[i]);
	return copy;
}

PgwfFuture *
pgwf_start_local_activity(PgwfWorkflow *wf, const char *type, json_t *args,
						  const PgwfLocalOptions *options)
{
	PgwfLocalOptions o;
	PgwfRetryPolicy retry;
	PgwfMachine *machine;
	PgwfLocal  *local;
	json_t	   *input;
	char		id[24];

	pgwf_require_coroutine(wf, "pgwf_start_local_activity");
	pgwf_options_copy(&o, sizeof(o), options);
	pgwf_options_copy(&retry, sizeof(retry), o.retry_policy);
	pgwf_require_text(wf, "pgwf_start_local_activity", "type", type);
	if (o.activity_id != NULL)
		pgwf_require_text(wf, "pgwf_start_local_activity", "activity id",
						  o.activity_id);
	if (o.start_to_close_timeout_ms <= 0 &&
		o.schedule_to_close_timeout_ms <= 0)
		pgwf_panic(wf, "local activity \"%s\" has neither a start-to-close "
				   "nor a schedule-to-close timeout", type);

	machine = pgwf_arena_alloc(wf, sizeof(PgwfMachine));
	local = pgwf_arena_alloc(wf, sizeof(PgwfLocal));
	machine->info = &local_machine;
	machine->local = local;
	machine->cancel_type = o.cancel_type;
	machine->type = pgwf_arena_strdup(wf, type);
	machine->id = o.activity_id != NULL ?
		pgwf_arena_strdup(wf, o.activity_id) : "";
	machine->future = pgwf_future_create(wf, machine);
	if (pgwf_scope_canceled(wf, NULL))
	{
		json_t	   *cause = pgwf_failure_canceled_json("activity canceled",
													   NULL);

		machine->state = PGWF_STATE_CLOSED;
		deliver_failure(wf, machine, cause, "RETRY_STATE_CANCEL_REQUESTED");
		json_decref(cause);
		return machine->future;
	}

	machine->seq = ++wf->seq[PGWF_SEQ_LOCAL];
	snprintf(id, sizeof(id), "%lld", (long long) machine->seq);
	if (o.activity_id == NULL)
		machine->id = pgwf_arena_strdup(wf, id);
	input = pgwf_json_args(args);
	local->input = pgwf_arena_json(wf, input != NULL ? input : json_array());
	local->attempt = 1;
	local->start_to_close_ms = o.start_to_close_timeout_ms;
	local->schedule_to_close_ms = o.schedule_to_close_timeout_ms;
	local->threshold_ms = o.local_retry_threshold_ms > 0 ?
		o.local_retry_threshold_ms : DEFAULT_THRESHOLD_MS;
	local->initial_ms = retry.initial_interval_ms > 0 ?
		retry.initial_interval_ms : DEFAULT_INITIAL_MS;
	local->coefficient = retry.backoff_coefficient >= 1 ?
		retry.backoff_coefficient : DEFAULT_COEFFICIENT;
	local->maximum_ms = retry.maximum_interval_ms > 0 ?
		retry.maximum_interval_ms : local->initial_ms * 100;
	local->maximum_attempts = retry.maximum_attempts;
	local->non_retryable = copy_types(wf, retry.non_retryable_error_types);
	local->scheduled_us = wf->now_us;
	local->original_us = wf->now_us;
	open_add(wf, machine);
	return machine->future;
}

bool
pgwf_execute_local_activity(PgwfWorkflow *wf, const char *type, json_t *args,
							const PgwfLocalOptions *options,
							json_t **result, PgwfFailure **failure)
{
	return pgwf_await(wf, pgwf_start_local_activity(wf, type, args, options),
					  result, failure);
}
