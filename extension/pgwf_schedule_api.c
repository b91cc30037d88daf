/*-------------------------------------------------------------------------
 *
 * pgwf_schedule_api.c
 *		The functions of schedules (SS 14).
 *
 * They change what a schedule is and what waits in its buffer; its actions
 * are taken by the scheduler, which they wake.
 *
 * Locks: the row of the schedule, to the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_schedule.h"
#include "pgwf_search_attribute.h"
#include "pgwf_xact.h"

#define FUTURE_TIMES			10
#define MAX_MATCHING_TIMES		1000

/* Request ids of changes that are remembered, to drop repetitions */
#define MAX_REQUEST_IDS			10

PG_FUNCTION_INFO_V1(pgwf_create_schedule);
PG_FUNCTION_INFO_V1(pgwf_describe_schedule);
PG_FUNCTION_INFO_V1(pgwf_update_schedule);
PG_FUNCTION_INFO_V1(pgwf_patch_schedule);
PG_FUNCTION_INFO_V1(pgwf_delete_schedule);
PG_FUNCTION_INFO_V1(pgwf_list_schedule_matching_times);

static const char *const patch_members[] = {
	"triggerImmediately", "backfillRequest", "pause", "unpause", NULL
};

static const char *const trigger_members[] = {
	"overlapPolicy", "scheduledTime", NULL
};

static const char *const backfill_members[] = {
	"startTime", "endTime", "overlapPolicy", NULL
};

pg_noreturn static void report_not_found(const char *schedule_id);

static void
report_not_found(const char *schedule_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("schedule \"%s\" not found", schedule_id)));
}

static void
check_patch(const PgwfReader *reader)
{
	if (reader->error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid schedule patch"),
				 errdetail("In it, %s.", reader->error)));
}

static Jsonb *
required_jsonb(FunctionCallInfo fcinfo, int n, const char *name)
{
	Jsonb	   *value = pgwf_arg_jsonb(fcinfo, n);

	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s is not set", name)));
	return value;
}

static PgwfSchedule *
load_schedule(PgwfCall *call, int32 namespace_id, const char *schedule_id)
{
	PgwfSchedule *schedule = palloc0(sizeof(PgwfSchedule));
	PgwfScheduleRow *row;

	row = pgwf_schedule_load(call, namespace_id, schedule_id);
	if (row == NULL)
		report_not_found(schedule_id);
	schedule->row = *row;
	pgwf_schedule_read_row(schedule, call);
	return schedule;
}

/* Locks a schedule, and lets the time pass that has gone by as it was */
static PgwfSchedule *
begin_change(PgwfCall *call, int32 namespace_id, const char *schedule_id)
{
	PgwfSchedule *schedule = palloc0(sizeof(PgwfSchedule));

	if (pgwf_schedule_lock(call, namespace_id, schedule_id, LockWaitBlock,
						   &schedule->row) != PGWF_LOCK_OK)
		report_not_found(schedule_id);
	pgwf_schedule_read_row(schedule, call);
	pgwf_schedule_pass_time(schedule);
	return schedule;
}

/* The row as it has to be, and due at once */
static void
fill_row(PgwfSchedule *schedule)
{
	PgwfScheduleRow *row = &schedule->row;

	pgwf_schedule_plan(schedule);
	row->due_at = schedule->call->now;
	row->definition = pgwf_schedule_definition(schedule);
	row->progress = pgwf_schedule_progress(schedule);
	pgwf_xact_look(PGWF_PART_SCHEDULES);
	pgwf_xact_mark_durable();
}

static void
finish_change(PgwfSchedule *schedule)
{
	fill_row(schedule);
	pgwf_schedule_update(schedule->call, &schedule->row);
}

/* Has this request been made already?  If not, it is now. */
static bool
is_repeated(PgwfSchedule *schedule, const char *request_id)
{
	ListCell   *lc;

	if (request_id == NULL || request_id[0] == '\0')
		return false;
	foreach(lc, schedule->request_ids)
	{
		if (strcmp(lfirst(lc), request_id) == 0)
			return true;
	}
	schedule->request_ids = lappend(schedule->request_ids,
									pstrdup(request_id));
	if (list_length(schedule->request_ids) > MAX_REQUEST_IDS)
		schedule->request_ids = list_delete_first(schedule->request_ids);
	return false;
}

/*
 * Patches
 */

static void
trigger(PgwfSchedule *schedule, PgwfReader *patch)
{
	Jsonb	   *request = pgwf_read_object(patch, "triggerImmediately");
	PgwfReader	reader;
	PgwfOverlapPolicy overlap;
	TimestampTz when;

	if (request == NULL)
		return;
	pgwf_reader_init(&reader, request);
	pgwf_read_only(&reader, "triggerImmediately", trigger_members);
	overlap = pgwf_read_overlap_policy(&reader, "overlapPolicy");
	when = pgwf_read_time(&reader, "scheduledTime");
	check_patch(&reader);
	if (when == PGWF_NO_TIME)
		when = schedule->call->now;
	(void) pgwf_schedule_add_start(schedule, when, when, overlap, true);
}

static void
add_backfill(PgwfSchedule *schedule, PgwfReader *reader)
{
	PgwfBackfill *backfill = palloc(sizeof(PgwfBackfill));

	pgwf_read_only(reader, "backfillRequest", backfill_members);
	backfill->start = pgwf_read_time(reader, "startTime");
	backfill->end = pgwf_read_time(reader, "endTime");
	backfill->overlap = pgwf_read_overlap_policy(reader, "overlapPolicy");
	if (reader->error == NULL && (backfill->start == PGWF_NO_TIME ||
								  backfill->end == PGWF_NO_TIME))
		reader->error = pstrdup("backfillRequest needs startTime and endTime");
	if (reader->error == NULL && backfill->end < backfill->start)
		reader->error = pstrdup("backfillRequest ends before it starts");
	check_patch(reader);
	if (list_length(schedule->backfills) < PGWF_SCHEDULE_BUFFER_SIZE)
		schedule->backfills = lappend(schedule->backfills, backfill);
	else
		schedule->buffer_dropped++;
}

static void
set_paused(PgwfSchedule *schedule, bool paused, char *notes)
{
	if (notes == NULL || notes[0] == '\0')
		return;
	schedule->paused = paused;
	schedule->notes = notes;
	schedule->row.conflict_token++;
}

/* Applies a SchedulePatch; NULL is an empty one */
static void
apply_patch(PgwfSchedule *schedule, Jsonb *patch)
{
	PgwfReader	reader;
	ListCell   *lc;

	pgwf_reader_init(&reader, patch);
	if (reader.error)
		reader.error = pstrdup("a patch is not a JSON object");
	check_patch(&reader);
	pgwf_read_only(&reader, "a patch", patch_members);
	trigger(schedule, &reader);
	foreach(lc, pgwf_read_elements(&reader, "backfillRequest"))
		add_backfill(schedule, lfirst(lc));
	set_paused(schedule, true, pgwf_read_text(&reader, "pause"));
	set_paused(schedule, false, pgwf_read_text(&reader, "unpause"));
	check_patch(&reader);
}

/*
 * Changes
 */

/* The memo, and the search attributes if they are among the arguments */
static void
read_fields(FunctionCallInfo fcinfo, PgwfSchedule *schedule, int memo,
			int search_attributes)
{
	PgwfScheduleRow *row = &schedule->row;

	if (!PG_ARGISNULL(memo))
		row->memo = pgwf_wrap_fields(PG_GETARG_JSONB_P(memo), "memo",
									 "fields");
	if (!PG_ARGISNULL(search_attributes))
		row->search_attributes =
			pgwf_wrap_fields(PG_GETARG_JSONB_P(search_attributes),
							 "search_attributes", "indexedFields");
	pgwf_check_payload_size("memo", row->memo, pgwf_memo_size_error);
	if (!PG_ARGISNULL(search_attributes))
		pgwf_search_attributes_check(row->namespace_id,
									 row->search_attributes);
}

/*
 * Takes over a definition that was given.  Its search attributes are checked
 * now and not later: one of them may be removed, and the schedule goes on.
 */
static void
take_definition(PgwfSchedule *schedule, Jsonb *definition)
{
	PgwfReader	reader;
	Jsonb	   *attributes;

	pgwf_schedule_read_definition(schedule, definition, false);
	pgwf_reader_init(&reader, schedule->start_workflow);
	attributes = pgwf_read_jsonb(&reader, "searchAttributes");
	pgwf_search_attributes_check(schedule->row.namespace_id, attributes);
}

/*
 * create_schedule(schedule_id, schedule, initial_patch, memo,
 *		search_attributes, request_id, namespace)
 *
 * Returns its conflict token.  A repetition with the same request id succeeds
 * and changes nothing.
 */
Datum
pgwf_create_schedule(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfSchedule *schedule;
	PgwfScheduleRow *row;
	char	   *request_id;
	int64		token;

	pgwf_call_begin(&call);
	schedule = palloc0(sizeof(PgwfSchedule));
	schedule->call = &call;
	row = &schedule->row;
	row->namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 6),
											PGWF_RIGHT_CLIENT);
	row->schedule_id = pgwf_arg_required_id(fcinfo, 0, "schedule_id");
	request_id = pgwf_arg_id(fcinfo, 5, "request_id");
	row->conflict_token = 1;
	row->last_processed_time = call.now;
	row->create_time = call.now;
	row->update_time = PGWF_NO_TIME;
	take_definition(schedule, required_jsonb(fcinfo, 1, "schedule"));
	pgwf_schedule_read_progress(schedule, NULL);
	schedule->create_request_id = request_id;
	read_fields(fcinfo, schedule, 3, 4);
	apply_patch(schedule, pgwf_arg_jsonb(fcinfo, 2));
	fill_row(schedule);
	token = row->conflict_token;

	if (!pgwf_schedule_insert(&call, row))
	{
		PgwfSchedule *existing;

		pgwf_call_look_again(&call);
		existing = load_schedule(&call, row->namespace_id, row->schedule_id);
		if (request_id == NULL || existing->create_request_id == NULL ||
			strcmp(request_id, existing->create_request_id) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_ALREADY_EXISTS),
					 errmsg("schedule \"%s\" exists already",
							row->schedule_id)));
		token = existing->row.conflict_token;
	}
	pgwf_call_end(&call);
	PG_RETURN_INT64(token);
}

/*
 * update_schedule(schedule_id, schedule, conflict_token, memo,
 *		search_attributes, request_id, namespace)
 *
 * Replaces the definition, and memo or search attributes if they are given.
 * Returns the new conflict token.
 */
Datum
pgwf_update_schedule(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfSchedule *schedule;
	int32		namespace_id;
	char	   *schedule_id;
	Jsonb	   *definition;
	int64		token;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 6),
									   PGWF_RIGHT_CLIENT);
	schedule_id = pgwf_arg_required_id(fcinfo, 0, "schedule_id");
	definition = required_jsonb(fcinfo, 1, "schedule");
	schedule = begin_change(&call, namespace_id, schedule_id);
	if (!is_repeated(schedule, pgwf_arg_id(fcinfo, 5, "request_id")))
	{
		if (!PG_ARGISNULL(2) &&
			PG_GETARG_INT64(2) != schedule->row.conflict_token)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
					 errmsg("mismatched conflict token"),
					 errdetail("The schedule has changed since it was described; its conflict token is now " INT64_FORMAT ".",
							   schedule->row.conflict_token)));
		take_definition(schedule, definition);
		read_fields(fcinfo, schedule, 3, 4);
		schedule->row.update_time = call.now;
		schedule->row.conflict_token++;
		finish_change(schedule);
	}
	token = schedule->row.conflict_token;
	pgwf_call_end(&call);
	PG_RETURN_INT64(token);
}

/*
 * patch_schedule(schedule_id, patch, request_id, namespace)
 */
Datum
pgwf_patch_schedule(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfSchedule *schedule;
	int32		namespace_id;
	char	   *schedule_id;
	Jsonb	   *patch;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 3),
									   PGWF_RIGHT_CLIENT);
	schedule_id = pgwf_arg_required_id(fcinfo, 0, "schedule_id");
	patch = required_jsonb(fcinfo, 1, "patch");
	schedule = begin_change(&call, namespace_id, schedule_id);
	if (!is_repeated(schedule, pgwf_arg_id(fcinfo, 2, "request_id")))
	{
		apply_patch(schedule, patch);
		finish_change(schedule);
	}
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

/*
 * delete_schedule(schedule_id, namespace)
 *
 * The workflows it has started go on.
 */
Datum
pgwf_delete_schedule(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfScheduleRow row;
	int32		namespace_id;
	char	   *schedule_id;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 1),
									   PGWF_RIGHT_CLIENT);
	schedule_id = pgwf_arg_required_id(fcinfo, 0, "schedule_id");
	if (pgwf_schedule_lock(&call, namespace_id, schedule_id, LockWaitBlock,
						   &row) != PGWF_LOCK_OK)
		report_not_found(schedule_id);
	pgwf_schedule_delete(&call, &row);
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

/*
 * Looking
 */

static void
write_info(PgwfObject *object, const PgwfSchedule *schedule)
{
	ListCell   *lc;

	pgwf_object_int(object, "actionCount", schedule->action_count);
	pgwf_object_int(object, "missedCatchupWindow",
					schedule->missed_catchup_window);
	pgwf_object_int(object, "overlapSkipped", schedule->overlap_skipped);
	pgwf_object_int(object, "bufferDropped", schedule->buffer_dropped);
	pgwf_object_int(object, "bufferSize", list_length(schedule->buffer));
	if (schedule->running != NIL)
	{
		pgwf_object_open_array(object, "runningWorkflows");
		foreach(lc, schedule->running)
		{
			PgwfScheduledRun *run = lfirst(lc);

			pgwf_object_open_element(object);
			pgwf_object_text(object, "workflowId", run->workflow_id);
			pgwf_object_text(object, "runId", run->run_id);
			pgwf_object_close(object);
		}
		pgwf_object_close_array(object);
	}
	pgwf_schedule_write_recent(object, schedule, PGWF_SCHEDULE_RECENT);
	pgwf_schedule_write_future(object, schedule, FUTURE_TIMES);
	if (schedule->spec->zone == NULL)
		pgwf_object_text(object, "invalidScheduleError",
						 psprintf("time zone \"%s\" is not known",
								  schedule->spec->zone_name));
	pgwf_object_time(object, "createTime", schedule->row.create_time);
	pgwf_object_time(object, "updateTime", schedule->row.update_time);
}

/*
 * describe_schedule(schedule_id, namespace)
 *
 * A DescribeScheduleResponse, whose conflict token is a number.
 */
Datum
pgwf_describe_schedule(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfSchedule *schedule;
	int32		namespace_id;
	char	   *schedule_id;
	PgwfObject	object;
	Jsonb	   *result;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 1),
									   PGWF_RIGHT_READ);
	schedule_id = pgwf_arg_required_id(fcinfo, 0, "schedule_id");
	schedule = load_schedule(&call, namespace_id, schedule_id);
	pgwf_object_begin(&object);
	pgwf_object_jsonb(&object, "schedule", schedule->row.definition);
	pgwf_object_open(&object, "info");
	write_info(&object, schedule);
	pgwf_object_close(&object);
	pgwf_object_jsonb(&object, "memo", schedule->row.memo);
	pgwf_object_jsonb(&object, "searchAttributes",
					  schedule->row.search_attributes);
	pgwf_object_int(&object, "conflictToken", schedule->row.conflict_token);

	MemoryContextSwitchTo(call.caller_context);
	result = pgwf_object_finish(&object);
	MemoryContextSwitchTo(call.context);
	pgwf_call_end(&call);
	PG_RETURN_JSONB_P(result);
}

/*
 * list_schedule_matching_times(schedule_id, start_time, end_time, namespace)
 *
 * The times of its spec, with jitter, whatever its state is.
 */
Datum
pgwf_list_schedule_matching_times(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PgwfCall	call;
	PgwfSchedule *schedule;
	int32		namespace_id;
	char	   *schedule_id;
	TimestampTz end;
	PgwfScheduleTime next;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 3),
									   PGWF_RIGHT_READ);
	schedule_id = pgwf_arg_required_id(fcinfo, 0, "schedule_id");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("start_time and end_time must be set")));
	end = PG_GETARG_TIMESTAMPTZ(2);
	schedule = load_schedule(&call, namespace_id, schedule_id);
	next.actual = PG_GETARG_TIMESTAMPTZ(1);
	for (int i = 0; i < MAX_MATCHING_TIMES; i++)
	{
		Datum		value;
		bool		isnull = false;

		next = pgwf_schedule_spec_next(schedule->spec, next.actual);
		if (next.actual == DT_NOEND || next.actual > end)
			break;
		value = TimestampTzGetDatum(next.actual);
		tuplestore_putvalues(result->setResult, result->setDesc, &value,
							 &isnull);
	}
	pgwf_call_end(&call);
	return (Datum) 0;
}
