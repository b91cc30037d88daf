/*-------------------------------------------------------------------------
 *
 * pgwf_command_timer.c
 *		StartTimer and CancelTimer (SS 4).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "pgwf_command.h"

#define BAD_START "WORKFLOW_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES"
#define DUPLICATE "WORKFLOW_TASK_FAILED_CAUSE_START_TIMER_DUPLICATE_ID"
#define BAD_CANCEL "WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_TIMER_ATTRIBUTES"

/* Runs with more pending timers than this have a table of them by their ids */
#define FEW_TIMERS	32

typedef struct TimerId
{
	const char *timer_id;
	PgwfTimer  *timer;
	char		status;
} TimerId;

#define SH_PREFIX pgwf_timer_ids
#define SH_ELEMENT_TYPE TimerId
#define SH_KEY_TYPE const char *
#define SH_KEY timer_id
#define SH_HASH_KEY(table, key) \
	hash_bytes((const unsigned char *) (key), (int) strlen(key))
#define SH_EQUAL(table, a, b) (strcmp(a, b) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static bool
is_pending(const PgwfTimer *timer)
{
	return timer->kind == PGWF_TIMER_USER && timer->change != PGWF_ROW_DELETE;
}

/* Puts a pending timer into the table, if there is one */
static void
note_timer(PgwfRun *run, PgwfTimer *timer)
{
	bool		found;

	if (run->timer_ids)
		pgwf_timer_ids_insert(run->timer_ids, timer->timer_id,
							  &found)->timer = timer;
}

static PgwfTimer *
find_timer(PgwfRun *run, const char *timer_id)
{
	List	   *timers = pgwf_run_timers(run);
	TimerId    *known;
	ListCell   *lc;

	if (run->timer_ids == NULL && list_length(timers) > FEW_TIMERS)
	{
		run->timer_ids = pgwf_timer_ids_create(run->call->context,
											   2 * list_length(timers), NULL);
		foreach(lc, timers)
		{
			if (is_pending(lfirst(lc)))
				note_timer(run, lfirst(lc));
		}
	}
	if (run->timer_ids)
	{
		known = pgwf_timer_ids_lookup(run->timer_ids, timer_id);
		return known ? known->timer : NULL;
	}
	foreach(lc, timers)
	{
		PgwfTimer  *timer = lfirst(lc);

		if (is_pending(timer) && strcmp(timer->timer_id, timer_id) == 0)
			return timer;
	}
	return NULL;
}

/* timerId: text; startToFireTimeout: duration, 0 fires at once */
void
pgwf_command_start_timer(PgwfCommandContext *context, PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	char	   *timer_id = pgwf_read_text(reader, "timerId");
	int64		timeout = pgwf_read_duration(reader, "startToFireTimeout");
	PgwfObject	attributes;
	PgwfEvent  *event;
	PgwfTimer  *timer;

	if (!pgwf_command_check_read(context, BAD_START, reader) ||
		!pgwf_command_check_id(context, BAD_START, "timerId", timer_id, true))
		return;
	if (timeout < 0)
	{
		pgwf_command_fail(context, BAD_START,
						  "startToFireTimeout is negative");
		return;
	}
	if (find_timer(run, timer_id))
	{
		pgwf_command_fail(context, DUPLICATE,
						  "timer \"%s\" is already pending", timer_id);
		return;
	}

	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "timerId", timer_id);
	pgwf_object_duration(&attributes, "startToFireTimeout", timeout);
	event = pgwf_command_event(context, PGWF_EVENT_TIMER_STARTED,
							   &attributes);

	timer = palloc0(sizeof(PgwfTimer));
	timer->change = PGWF_ROW_INSERT;
	timer->namespace_id = run->state.namespace_id;
	timer->kind = PGWF_TIMER_USER;
	timer->run_key = run->state.run_key;
	timer->started_event_id = event->event_id;
	timer->fire_at = event->time + timeout;
	timer->timer_id = timer_id;
	run->timers = lappend(run->timers, timer);
	note_timer(run, timer);
	run->state.pending_timers++;
}

/* The TimerStarted of a timer whose TimerFired is buffered */
static int64
buffered_timer_started_event(PgwfRun *run, const char *timer_id)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_buffered(run))
	{
		PgwfEvent  *event = lfirst(lc);
		PgwfReader	reader;
		char	   *fired_id;

		if (event->type != PGWF_EVENT_TIMER_FIRED)
			continue;
		pgwf_reader_init(&reader, event->attributes);
		fired_id = pgwf_read_text(&reader, "timerId");
		if (fired_id != NULL && strcmp(fired_id, timer_id) == 0)
			return pgwf_read_int(&reader, "startedEventId");
	}
	return 0;
}

/* timerId: text; a TimerFired that the workflow has not seen is withdrawn */
void
pgwf_command_cancel_timer(PgwfCommandContext *context, PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	char	   *timer_id = pgwf_read_text(reader, "timerId");
	PgwfTimer  *timer;
	int64		started_event_id;
	PgwfObject	attributes;

	if (!pgwf_command_check_read(context, BAD_CANCEL, reader) ||
		!pgwf_command_check_id(context, BAD_CANCEL, "timerId", timer_id,
							   true))
		return;

	timer = find_timer(run, timer_id);
	if (timer)
	{
		started_event_id = timer->started_event_id;
		if (run->timer_ids)
			(void) pgwf_timer_ids_delete(run->timer_ids, timer_id);
		if (timer->change == PGWF_ROW_INSERT)
			run->timers = list_delete_ptr(run->timers, timer);
		else
			timer->change = PGWF_ROW_DELETE;
		run->state.pending_timers--;
	}
	else
	{
		started_event_id = buffered_timer_started_event(run, timer_id);
		if (!pgwf_run_remove_buffered_timer_fired(run, timer_id))
		{
			pgwf_command_fail(context, BAD_CANCEL,
							  "timer \"%s\" is not pending", timer_id);
			return;
		}
	}

	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "timerId", timer_id);
	pgwf_object_int(&attributes, "startedEventId", started_event_id);
	pgwf_object_text(&attributes, "identity", context->identity);
	(void) pgwf_command_event(context, PGWF_EVENT_TIMER_CANCELED,
							  &attributes);
}
