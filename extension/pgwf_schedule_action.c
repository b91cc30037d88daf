/*-------------------------------------------------------------------------
 *
 * pgwf_schedule_action.c
 *		What a schedule does when it is due (SS 14): starts its workflows, and
 *		sees to those that run already.
 *
 * Only the scheduler takes actions; the functions of clients leave them in
 * the buffer.
 *
 * Locks: the caller holds the row of the schedule.  Then runs it cancels or
 * terminates, one after the other; none is waited for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "pgwf_activity.h"
#include "pgwf_args.h"
#include "pgwf_close.h"
#include "pgwf_errors.h"
#include "pgwf_failure.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_schedule.h"
#include "pgwf_signal.h"

/* What somebody else has locked is tried again after this time */
#define LOCKED_DELAY	(50 * INT64CONST(1000))

#define REASON_CANCELED		"canceled by schedule overlap policy"
#define REASON_TERMINATED	"terminated by schedule overlap policy"

/* What a look at its buffer has decided */
typedef struct BufferPlan
{
	List	   *starts;			/* of PgwfBufferedStart, to be made now */
	PgwfBufferedStart *exclusive;	/* of those, the one others wait for */
	bool		cancel;
	bool		terminate;
} BufferPlan;

typedef enum StartResult
{
	START_DONE,
	START_REFUSED,				/* the workflow id is taken */
	START_LATER					/* schedule->retry_at is set */
} StartResult;

/* What this transaction has done is to be seen by what follows */
static void
see_own_changes(PgwfCall *call)
{
	CommandCounterIncrement();
	pgwf_call_new_snapshot(call);
}

static char *
status_constant(PgwfStatus status)
{
	return pgwf_status_constant(pgwf_status_name(status));
}

static char *
identity(const PgwfSchedule *schedule)
{
	return psprintf("temporal-scheduler-%s-%s",
					pgwf_namespace_name(schedule->row.namespace_id),
					schedule->row.schedule_id);
}

/*
 * The runs it has started
 */

/*
 * The run that a chain has come to, or NULL if it is not kept any more.  A
 * reset continues a chain under its workflow id; later chains may have taken
 * that id over.
 */
static PgwfExecution *
latest_run(PgwfSchedule *schedule, const PgwfScheduledRun *run)
{
	PgwfCall   *call = schedule->call;
	int32		namespace_id = schedule->row.namespace_id;
	PgwfExecution *execution;
	Datum		text = CStringGetDatum(run->run_id);
	pg_uuid_t  *first_run_id;

	first_run_id = DatumGetUUIDP(DirectFunctionCall1(uuid_in, text));
	execution = pgwf_execution_find_current(call, namespace_id,
											run->workflow_id);
	if (execution && memcmp(&execution->first_run_id, first_run_id,
							UUID_LEN) == 0)
		return execution;
	execution = pgwf_execution_find_run(call, namespace_id, first_run_id);
	while (execution && execution->new_run_id)
		execution = pgwf_execution_find_run(call, namespace_id,
											execution->new_run_id);
	return execution;
}

/* The result or failure of a chain that the next start is given */
static void
keep_outcome(PgwfSchedule *schedule, const PgwfExecution *execution,
			 Jsonb *result, Jsonb *failure)
{
	switch (execution->status)
	{
		case PGWF_STATUS_COMPLETED:
			if (result)
				schedule->last_result = result;
			schedule->last_failure = NULL;
			break;
		case PGWF_STATUS_FAILED:
			schedule->last_failure = failure;
			break;
		case PGWF_STATUS_TIMED_OUT:
			schedule->last_failure =
				pgwf_failure_timeout(PGWF_TIMEOUT_START_TO_CLOSE,
									 "workflow timeout", NULL, NULL);
			break;
		default:
			break;
	}
}

static void
pause_on_failure(PgwfSchedule *schedule, const PgwfExecution *execution,
				 Jsonb *failure)
{
	if (!schedule->pause_on_failure || schedule->paused)
		return;
	if (execution->status == PGWF_STATUS_FAILED)
	{
		PgwfReader	reader;
		char	   *message;

		pgwf_reader_init(&reader, failure);
		message = pgwf_read_text(&reader, "message");
		schedule->notes = psprintf("paused due to workflow failure: %s: %s",
								   execution->workflow_id,
								   message ? message : "");
	}
	else if (execution->status == PGWF_STATUS_TIMED_OUT)
		schedule->notes = psprintf("paused due to workflow timeout: %s",
								   execution->workflow_id);
	else
		return;
	schedule->paused = true;
	schedule->row.conflict_token++;
}

/*
 * A chain has ended; "execution" is its last run, or NULL if it is not kept
 * any more
 */
static void
note_end(PgwfSchedule *schedule, const PgwfScheduledRun *run,
		 const PgwfExecution *execution)
{
	PgwfEvent  *event;
	PgwfReader	reader;
	Jsonb	   *result;
	Jsonb	   *failure;
	ListCell   *lc;

	foreach(lc, schedule->recent)
	{
		PgwfScheduleAction *action = lfirst(lc);

		if (strcmp(action->run_id, run->run_id) == 0)
			action->status = execution ?
				status_constant(execution->status) : NULL;
	}
	if (execution == NULL)
		return;
	event = pgwf_event_load_last(schedule->call, execution->namespace_id,
								 execution->run_key);
	pgwf_reader_init(&reader, event ? event->attributes : NULL);
	result = pgwf_read_jsonb(&reader, "result");
	failure = pgwf_read_jsonb(&reader, "failure");
	if (!run->overlapping)
		keep_outcome(schedule, execution, result, failure);
	pause_on_failure(schedule, execution, failure);
}

/* Forgets the chains that have ended */
static void
refresh_running(PgwfSchedule *schedule)
{
	List	   *running = NIL;
	ListCell   *lc;

	foreach(lc, schedule->running)
	{
		PgwfScheduledRun *run = lfirst(lc);
		PgwfExecution *execution = latest_run(schedule, run);

		if (execution && execution->close_time == PGWF_NO_TIME)
			running = lappend(running, run);
		else
			note_end(schedule, run, execution);
	}
	schedule->running = running;
}

static bool
is_running(const PgwfSchedule *schedule)
{
	ListCell   *lc;

	foreach(lc, schedule->running)
	{
		PgwfScheduledRun *run = lfirst(lc);

		if (!run->overlapping)
			return true;
	}
	return false;
}

static void
retry_at(PgwfSchedule *schedule, TimestampTz when)
{
	schedule->retry_at = Min(schedule->retry_at, when);
}

/* Cancels or terminates what runs; returns whether anything was terminated */
static bool
stop_running(PgwfSchedule *schedule, bool terminate)
{
	PgwfCancelRequest request = {0};
	bool		terminated = false;
	ListCell   *lc;

	request.cause = REASON_CANCELED;
	request.identity = identity(schedule);
	foreach(lc, schedule->running)
	{
		PgwfScheduledRun *scheduled = lfirst(lc);
		PgwfExecution *execution;
		PgwfRun		run;

		if (scheduled->overlapping)
			continue;
		execution = latest_run(schedule, scheduled);
		if (execution == NULL || execution->close_time != PGWF_NO_TIME)
			continue;
		switch (pgwf_run_load(&run, schedule->call, execution->namespace_id,
							  execution->run_key, LockWaitSkip))
		{
			case PGWF_LOCK_OK:
				(void) pgwf_run_execution(&run);
				if (terminate && !pgwf_run_lock_all_activities(&run))
				{
					retry_at(schedule, schedule->call->now + LOCKED_DELAY);
					break;
				}
				if (terminate)
				{
					pgwf_run_terminate(&run, REASON_TERMINATED, NULL,
									   request.identity);
					terminated = true;
				}
				else
					pgwf_run_request_cancel(&run, &request);
				pgwf_run_finish(&run);
				break;
			case PGWF_LOCK_BUSY:
				retry_at(schedule, schedule->call->now + LOCKED_DELAY);
				break;
			case PGWF_LOCK_GONE:
				break;
		}
	}
	return terminated;
}

/*
 * Starting
 */

/* The time of an action as it stands in ids: whole seconds */
static char *
time_suffix(TimestampTz nominal)
{
	char		buf[PGWF_TIME_LEN];

	pgwf_format_time(buf, nominal);
	strcpy(strchr(buf, '.'), "Z");
	return pstrdup(buf);
}

/* The search attributes of the action, and those that name the schedule */
static Jsonb *
add_search_attributes(const PgwfSchedule *schedule, Jsonb *given,
					  const char *time)
{
	PgwfReader	reader;
	PgwfObject	object;
	Jsonb	   *fields;

	pgwf_object_begin(&object);
	pgwf_object_text(&object, "TemporalScheduledById",
					 schedule->row.schedule_id);
	pgwf_object_text(&object, "TemporalScheduledStartTime", time);
	fields = pgwf_object_finish(&object);
	pgwf_reader_init(&reader, given);
	given = pgwf_read_jsonb(&reader, "indexedFields");
	if (given)
		fields = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
													JsonbPGetDatum(given),
													JsonbPGetDatum(fields)));
	pgwf_object_begin(&object);
	pgwf_object_jsonb(&object, "indexedFields", fields);
	return pgwf_object_finish(&object);
}

static void
note_start(PgwfSchedule *schedule, const PgwfBufferedStart *start,
		   const PgwfNewRun *options, bool overlapping)
{
	PgwfScheduleAction *action = palloc(sizeof(PgwfScheduleAction));
	PgwfScheduledRun *run = palloc(sizeof(PgwfScheduledRun));

	action->schedule_time = start->actual;
	action->actual_time = schedule->call->now;
	action->workflow_id = pstrdup(options->workflow_id);
	action->run_id = pgwf_uuid_text(&options->run_id);
	action->status = status_constant(PGWF_STATUS_RUNNING);
	schedule->recent = lappend(schedule->recent, action);
	if (list_length(schedule->recent) > PGWF_SCHEDULE_RECENT)
		schedule->recent = list_delete_first(schedule->recent);
	schedule->action_count++;

	run->workflow_id = action->workflow_id;
	run->run_id = action->run_id;
	run->overlapping = overlapping;
	schedule->running = lappend(schedule->running, run);
	if (list_length(schedule->running) > PGWF_SCHEDULE_BUFFER_SIZE)
		schedule->running = list_delete_first(schedule->running);
}

/*
 * What the run that the workflow id has already means to a start: a time of
 * the schedule is acted on once, and what the user asks for does not replace
 * what runs.
 */
static StartResult
check_existing(PgwfSchedule *schedule, const PgwfBufferedStart *start,
			   PgwfNewRun *options)
{
	PgwfCall   *call = schedule->call;
	int32		namespace_id = schedule->row.namespace_id;
	const char *workflow_id = options->workflow_id;
	PgwfExecution *existing;
	TimestampTz earliest;

	if (pgwf_execution_start_is_contended(call, namespace_id, workflow_id))
	{
		retry_at(schedule, call->now + LOCKED_DELAY);
		return START_LATER;
	}
	existing = pgwf_execution_find_current(call, namespace_id, workflow_id);
	if (existing == NULL)
	{
		pgwf_new_run_follow(options, 0);
		return START_DONE;
	}
	if (existing->close_time == PGWF_NO_TIME ||
		!(start->manual || schedule->keep_workflow_id))
		return START_REFUSED;
	earliest = existing->start_time +
		(int64) pgwf_workflow_id_reuse_minimal_interval * 1000;
	if (earliest > call->now)
	{
		retry_at(schedule, earliest);
		return START_LATER;
	}
	pgwf_new_run_follow(options, existing->run_key);
	return START_DONE;
}

static StartResult
start_workflow(PgwfSchedule *schedule, const PgwfBufferedStart *start,
			   bool overlapping)
{
	char	   *time = time_suffix(start->nominal);
	PgwfNewRun	options;
	PgwfRun		run;
	StartResult result;

	pgwf_new_run_init(&options, schedule->row.namespace_id);
	pgwf_schedule_fill_run(&options, schedule->start_workflow);
	if (!schedule->keep_workflow_id)
		options.workflow_id = psprintf("%s-%s", options.workflow_id, time);
	options.identity = identity(schedule);
	options.search_attributes =
		add_search_attributes(schedule, options.search_attributes, time);
	options.schedule_id = schedule->row.schedule_id;
	if (!overlapping)
	{
		options.last_completion_result = schedule->last_result;
		options.continued_failure = schedule->last_failure;
	}

	result = check_existing(schedule, start, &options);
	if (result != START_DONE)
		return result;
	if (!pgwf_new_run_begin(&run, schedule->call, &options))
	{
		retry_at(schedule, schedule->call->now + LOCKED_DELAY);
		return START_LATER;
	}
	pgwf_run_finish(&run);
	note_start(schedule, start, &options, overlapping);
	return START_DONE;
}

/*
 * Decides what becomes of the actions in the buffer: those that are to be
 * taken now, those that go on waiting, and those that are skipped.
 */
static void
plan_buffer(PgwfSchedule *schedule, BufferPlan *plan)
{
	bool		running = is_running(schedule);
	List	   *waiting = NIL;
	List	   *overlapping = NIL;
	ListCell   *lc;

	memset(plan, 0, sizeof(BufferPlan));
	foreach(lc, schedule->buffer)
	{
		PgwfBufferedStart *start = lfirst(lc);
		PgwfOverlapPolicy policy = start->overlap;

		if (policy == PGWF_OVERLAP_UNSPECIFIED)
			policy = schedule->overlap;
		if (policy == PGWF_OVERLAP_ALLOW_ALL)
		{
			overlapping = lappend(overlapping, start);
			continue;
		}
		if (!running && plan->exclusive == NULL)
		{
			plan->exclusive = start;
			continue;
		}
		switch (policy)
		{
			case PGWF_OVERLAP_BUFFER_ONE:
				if (waiting == NIL)
					waiting = lappend(waiting, start);
				else
					schedule->overlap_skipped++;
				break;
			case PGWF_OVERLAP_BUFFER_ALL:
				waiting = lappend(waiting, start);
				break;
			case PGWF_OVERLAP_CANCEL_OTHER:
			case PGWF_OVERLAP_TERMINATE_OTHER:
				if (!running)
				{
					/* takes the place of what was not started yet */
					plan->exclusive = start;
					break;
				}
				if (policy == PGWF_OVERLAP_CANCEL_OTHER)
					plan->cancel = true;
				else
					plan->terminate = true;
				waiting = lappend(waiting, start);
				break;
			default:
				schedule->overlap_skipped++;
				break;
		}
	}
	schedule->buffer = waiting;
	plan->starts = overlapping;
	if (plan->exclusive)
		plan->starts = lappend(plan->starts, plan->exclusive);
}

/* Takes actions of the buffer; returns whether there may be more to do */
static bool
process_buffer(PgwfSchedule *schedule)
{
	BufferPlan	plan;
	List	   *again = NIL;
	bool		more = false;
	ListCell   *lc;

	if (schedule->buffer == NIL)
		return false;
	plan_buffer(schedule, &plan);
	foreach(lc, plan.starts)
	{
		PgwfBufferedStart *start = lfirst(lc);
		bool		overlapping = (start != plan.exclusive);

		CHECK_FOR_INTERRUPTS();
		if (!pgwf_schedule_may_act(schedule, start->manual, false))
		{
			more = true;
			continue;
		}
		switch (start_workflow(schedule, start, overlapping))
		{
			case START_DONE:
				(void) pgwf_schedule_may_act(schedule, start->manual, true);
				break;
			case START_REFUSED:
				ereport(LOG,
						(errmsg("schedule \"%s\" could not start its workflow: the workflow id is in use",
								schedule->row.schedule_id)));
				more = true;
				break;
			case START_LATER:
				again = lappend(again, start);
				break;
		}
	}
	see_own_changes(schedule->call);

	if ((plan.cancel || plan.terminate) &&
		stop_running(schedule, plan.terminate))
	{
		see_own_changes(schedule->call);
		refresh_running(schedule);
		more = true;
	}
	/* what must wait for another reason than a running workflow */
	if (again != NIL)
	{
		schedule->buffer = list_concat(again, schedule->buffer);
		more = false;
	}
	return more && schedule->buffer != NIL;
}

/* Does what is due to a locked schedule, and writes it */
void
pgwf_schedule_act(PgwfSchedule *schedule)
{
	PgwfScheduleRow *row = &schedule->row;

	pgwf_schedule_read_definition(schedule, row->definition, true);
	if (schedule->spec->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("time zone \"%s\" is not known",
						schedule->spec->zone_name)));
	pgwf_schedule_read_progress(schedule, row->progress);
	refresh_running(schedule);
	pgwf_schedule_pass_time(schedule);
	pgwf_schedule_backfill(schedule);
	while (process_buffer(schedule))
		CHECK_FOR_INTERRUPTS();

	if (pgwf_schedule_expiration(schedule) <= schedule->call->now)
	{
		pgwf_schedule_delete(schedule->call, row);
		return;
	}
	pgwf_schedule_plan(schedule);
	row->definition = pgwf_schedule_definition(schedule);
	row->progress = pgwf_schedule_progress(schedule);
	pgwf_schedule_update(schedule->call, row);
}
