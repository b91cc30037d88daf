/*-------------------------------------------------------------------------
 *
 * pgwf_schedule.c
 *		Schedules (SS 14) as JSON: what defines them and how far they are.
 *
 * A definition is a Schedule of Temporal's: spec, action, policies, state.
 *
 * Touches no table and takes no lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_schedule.h"
#include "pgwf_versioning.h"

#define OVERLAP_PREFIX			"SCHEDULE_OVERLAP_POLICY_"
#define REUSE_PREFIX			"WORKFLOW_ID_REUSE_POLICY_"

#define DEFAULT_CATCHUP_WINDOW	(365 * USECS_PER_DAY)
#define MIN_CATCHUP_WINDOW		(10 * USECS_PER_SEC)

/* What is added to the id of a workflow: "-2009-11-10T23:00:00Z" */
#define SUFFIX_LENGTH			21

static const char *const overlap_names[] = {
	[PGWF_OVERLAP_SKIP] = OVERLAP_PREFIX "SKIP",
	[PGWF_OVERLAP_BUFFER_ONE] = OVERLAP_PREFIX "BUFFER_ONE",
	[PGWF_OVERLAP_BUFFER_ALL] = OVERLAP_PREFIX "BUFFER_ALL",
	[PGWF_OVERLAP_CANCEL_OTHER] = OVERLAP_PREFIX "CANCEL_OTHER",
	[PGWF_OVERLAP_TERMINATE_OTHER] = OVERLAP_PREFIX "TERMINATE_OTHER",
	[PGWF_OVERLAP_ALLOW_ALL] = OVERLAP_PREFIX "ALLOW_ALL"
};

static const char *const schedule_members[] = {
	"spec", "action", "policies", "state", NULL
};

static const char *const action_members[] = {"startWorkflow", NULL};

static const char *const start_members[] = {
	"workflowId", "workflowType", "taskQueue", "input",
	"workflowExecutionTimeout", "workflowRunTimeout", "workflowTaskTimeout",
	"workflowIdReusePolicy", "retryPolicy", "cronSchedule", "memo",
	"searchAttributes", "header", "userMetadata", "priority",
	"versioningOverride", NULL
};

static const char *const policy_members[] = {
	"overlapPolicy", "catchupWindow", "pauseOnFailure",
	"keepOriginalWorkflowId", NULL
};

static const char *const state_members[] = {
	"notes", "paused", "limitedActions", "remainingActions", NULL
};

static void
check_reader(const PgwfReader *reader)
{
	if (reader->error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid schedule"),
				 errdetail("In it, %s.", reader->error)));
}

pg_noreturn static void report_invalid(const char *detail);

static void
report_invalid(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("invalid schedule"),
			 errdetail("%s", detail)));
}

/* NULL for PGWF_OVERLAP_UNSPECIFIED */
const char *
pgwf_overlap_policy_name(PgwfOverlapPolicy policy)
{
	return overlap_names[policy];
}

/* A policy, with or without the prefix of its constant */
PgwfOverlapPolicy
pgwf_read_overlap_policy(PgwfReader *reader, const char *key)
{
	const char *name = pgwf_read_text(reader, key);

	if (name == NULL || name[0] == '\0')
		return PGWF_OVERLAP_UNSPECIFIED;
	if (strncmp(name, OVERLAP_PREFIX, strlen(OVERLAP_PREFIX)) == 0)
		name += strlen(OVERLAP_PREFIX);
	if (strcmp(name, "UNSPECIFIED") == 0)
		return PGWF_OVERLAP_UNSPECIFIED;
	for (int i = PGWF_OVERLAP_SKIP; i <= PGWF_OVERLAP_ALLOW_ALL; i++)
	{
		if (strcmp(name, overlap_names[i] + strlen(OVERLAP_PREFIX)) == 0)
			return i;
	}
	if (reader->error == NULL)
		reader->error = psprintf("%s \"%s\" is not known", key, name);
	return PGWF_OVERLAP_UNSPECIFIED;
}

/*
 * The action
 */

static void
refuse_policies(PgwfReader *reader)
{
	const char *reuse = pgwf_read_text(reader, "workflowIdReusePolicy");
	const char *cron = pgwf_read_text(reader, "cronSchedule");

	if (reuse && strncmp(reuse, REUSE_PREFIX, strlen(REUSE_PREFIX)) == 0)
		reuse += strlen(REUSE_PREFIX);
	if (reuse && reuse[0] != '\0' && strcmp(reuse, "UNSPECIFIED") != 0 &&
		strcmp(reuse, "ALLOW_DUPLICATE") != 0)
		report_invalid("The workflow of a schedule cannot have a workflowIdReusePolicy.");
	if (cron && cron[0] != '\0')
		report_invalid("The workflow of a schedule cannot have a cronSchedule.");
}

static const char *
read_required(PgwfReader *reader, const char *key, bool is_message)
{
	const char *value = is_message ? pgwf_read_name(reader, key) :
	pgwf_read_text(reader, key);

	check_reader(reader);
	if (value == NULL || value[0] == '\0')
		report_invalid(psprintf("The workflow's %s is not set.", key));
	pgwf_check_id(key, value);
	return value;
}

static int64
read_timeout(PgwfReader *reader, const char *key)
{
	int64		value = pgwf_read_duration(reader, key);

	if (value < 0)
		report_invalid(psprintf("The workflow's %s is negative.", key));
	return value;
}

/*
 * What a NewWorkflowExecutionInfo asks of a run; options have been
 * initialized.  Raises an error if it cannot be.
 */
void
pgwf_schedule_fill_run(PgwfNewRun *options, Jsonb *start_workflow)
{
	PgwfReader	reader;

	pgwf_reader_init(&reader, start_workflow);
	pgwf_read_only(&reader, "startWorkflow", start_members);
	refuse_policies(&reader);
	options->workflow_id = read_required(&reader, "workflowId", false);
	options->workflow_type = read_required(&reader, "workflowType", true);
	options->task_queue = read_required(&reader, "taskQueue", true);
	pgwf_check_task_queue(options->task_queue);
	options->input = pgwf_read_payloads(&reader, "input");
	options->execution_timeout = read_timeout(&reader,
											  "workflowExecutionTimeout");
	options->run_timeout = read_timeout(&reader, "workflowRunTimeout");
	options->task_timeout = read_timeout(&reader, "workflowTaskTimeout");
	options->retry_policy = pgwf_read_object(&reader, "retryPolicy");
	options->memo = pgwf_wrap_fields(pgwf_read_jsonb(&reader, "memo"),
									 "memo", "fields");
	options->search_attributes =
		pgwf_wrap_fields(pgwf_read_jsonb(&reader, "searchAttributes"),
						 "searchAttributes", "indexedFields");
	options->header = pgwf_wrap_fields(pgwf_read_jsonb(&reader, "header"),
									   "header", "fields");
	options->user_metadata = pgwf_read_object(&reader, "userMetadata");
	options->priority = pgwf_read_object(&reader, "priority");
	options->versioning_override = pgwf_read_object(&reader,
													"versioningOverride");
	check_reader(&reader);
	pgwf_new_run_check(options);
}

/* The action of a definition, checked and in the form it is kept in */
static Jsonb *
read_action(Jsonb *action, int32 namespace_id, bool is_stored)
{
	PgwfReader	reader;
	PgwfObject	object;
	PgwfNewRun	run;
	Jsonb	   *start;

	pgwf_reader_init(&reader, action);
	pgwf_read_only(&reader, "action", action_members);
	start = pgwf_read_object(&reader, "startWorkflow");
	check_reader(&reader);
	if (start == NULL)
		report_invalid("It has no action.");
	if (is_stored)
		return start;

	pgwf_new_run_init(&run, namespace_id);
	pgwf_schedule_fill_run(&run, start);
	pgwf_override_check(namespace_id, run.versioning_override,
						run.task_queue);
	if (strlen(run.workflow_id) + SUFFIX_LENGTH > pgwf_max_id_length)
		report_invalid("The workflow's workflowId leaves no room for the time that is added to it.");

	pgwf_object_begin(&object);
	pgwf_object_text(&object, "workflowId", run.workflow_id);
	pgwf_object_name(&object, "workflowType", run.workflow_type);
	pgwf_object_open(&object, "taskQueue");
	pgwf_object_text(&object, "name", run.task_queue);
	pgwf_object_text(&object, "kind", "TASK_QUEUE_KIND_NORMAL");
	pgwf_object_close(&object);
	pgwf_object_jsonb(&object, "input", run.input);
	pgwf_reader_init(&reader, start);
	pgwf_object_duration(&object, "workflowExecutionTimeout",
						 run.execution_timeout);
	pgwf_object_duration(&object, "workflowRunTimeout",
						 pgwf_read_duration(&reader, "workflowRunTimeout"));
	pgwf_object_duration(&object, "workflowTaskTimeout",
						 pgwf_read_duration(&reader, "workflowTaskTimeout"));
	pgwf_object_jsonb(&object, "retryPolicy", run.retry_policy);
	pgwf_object_jsonb(&object, "memo", run.memo);
	pgwf_object_jsonb(&object, "searchAttributes", run.search_attributes);
	pgwf_object_jsonb(&object, "header", run.header);
	pgwf_object_jsonb(&object, "userMetadata", run.user_metadata);
	pgwf_object_jsonb(&object, "priority", run.priority);
	pgwf_object_jsonb(&object, "versioningOverride",
					  run.versioning_override);
	return pgwf_object_finish(&object);
}

/*
 * The definition
 */

static void
read_policies(PgwfSchedule *schedule, Jsonb *policies)
{
	PgwfReader	reader;
	JsonbValue	value;

	pgwf_reader_init(&reader, policies);
	pgwf_read_only(&reader, "policies", policy_members);
	schedule->overlap = pgwf_read_overlap_policy(&reader, "overlapPolicy");
	if (schedule->overlap == PGWF_OVERLAP_UNSPECIFIED)
		schedule->overlap = PGWF_OVERLAP_SKIP;
	schedule->catchup_window = DEFAULT_CATCHUP_WINDOW;
	if (pgwf_read_value(&reader, "catchupWindow", &value))
		schedule->catchup_window =
			Max(pgwf_read_duration(&reader, "catchupWindow"),
				MIN_CATCHUP_WINDOW);
	schedule->pause_on_failure = pgwf_read_bool(&reader, "pauseOnFailure");
	schedule->keep_workflow_id = pgwf_read_bool(&reader,
												"keepOriginalWorkflowId");
	check_reader(&reader);
}

static void
read_state(PgwfSchedule *schedule, Jsonb *state)
{
	PgwfReader	reader;

	pgwf_reader_init(&reader, state);
	pgwf_read_only(&reader, "state", state_members);
	schedule->notes = pgwf_read_text(&reader, "notes");
	schedule->paused = pgwf_read_bool(&reader, "paused");
	schedule->limited = pgwf_read_bool(&reader, "limitedActions");
	schedule->remaining = pgwf_read_int(&reader, "remainingActions");
	check_reader(&reader);
	if (schedule->remaining < 0)
		report_invalid("Its remainingActions are negative.");
}

/*
 * Takes over a definition, with defaults for what it leaves out.  Raises an
 * error if it cannot be; one that is stored already has been checked.
 */
void
pgwf_schedule_read_definition(PgwfSchedule *schedule, Jsonb *definition,
							  bool is_stored)
{
	PgwfReader	reader;

	if (!pgwf_jsonb_is_object(definition))
		report_invalid("It is not a JSON object.");
	pgwf_reader_init(&reader, definition);
	pgwf_read_only(&reader, "schedule", schedule_members);
	check_reader(&reader);
	schedule->spec =
		pgwf_schedule_spec_read(pgwf_read_object(&reader, "spec"),
								schedule->row.namespace_id,
								schedule->row.schedule_id, is_stored);
	read_policies(schedule, pgwf_read_object(&reader, "policies"));
	read_state(schedule, pgwf_read_object(&reader, "state"));
	schedule->start_workflow =
		read_action(pgwf_read_object(&reader, "action"),
					schedule->row.namespace_id, is_stored);
	check_reader(&reader);
}

Jsonb *
pgwf_schedule_definition(const PgwfSchedule *schedule)
{
	PgwfObject	object;

	pgwf_object_begin(&object);
	pgwf_object_open(&object, "spec");
	pgwf_schedule_spec_write(&object, schedule->spec);
	pgwf_object_close(&object);
	pgwf_object_open(&object, "action");
	pgwf_object_jsonb(&object, "startWorkflow", schedule->start_workflow);
	pgwf_object_close(&object);
	pgwf_object_open(&object, "policies");
	pgwf_object_text(&object, "overlapPolicy",
					 overlap_names[schedule->overlap]);
	pgwf_object_duration(&object, "catchupWindow", schedule->catchup_window);
	pgwf_object_bool(&object, "pauseOnFailure", schedule->pause_on_failure);
	pgwf_object_bool(&object, "keepOriginalWorkflowId",
					 schedule->keep_workflow_id);
	pgwf_object_close(&object);
	pgwf_object_open(&object, "state");
	pgwf_object_text(&object, "notes", schedule->notes);
	pgwf_object_bool(&object, "paused", schedule->paused);
	pgwf_object_bool(&object, "limitedActions", schedule->limited);
	pgwf_object_int(&object, "remainingActions", schedule->remaining);
	pgwf_object_close(&object);
	return pgwf_object_finish(&object);
}

/*
 * Progress
 */

static List *
read_buffer(PgwfReader *reader)
{
	List	   *buffer = NIL;
	ListCell   *lc;

	foreach(lc, pgwf_read_elements(reader, "buffer"))
	{
		PgwfReader *element = lfirst(lc);
		PgwfBufferedStart *start = palloc(sizeof(PgwfBufferedStart));

		start->nominal = pgwf_read_time(element, "nominalTime");
		start->actual = pgwf_read_time(element, "actualTime");
		start->overlap = pgwf_read_overlap_policy(element, "overlapPolicy");
		start->manual = pgwf_read_bool(element, "manual");
		buffer = lappend(buffer, start);
	}
	return buffer;
}

static List *
read_backfills(PgwfReader *reader)
{
	List	   *backfills = NIL;
	ListCell   *lc;

	foreach(lc, pgwf_read_elements(reader, "backfills"))
	{
		PgwfReader *element = lfirst(lc);
		PgwfBackfill *backfill = palloc(sizeof(PgwfBackfill));

		backfill->start = pgwf_read_time(element, "startTime");
		backfill->end = pgwf_read_time(element, "endTime");
		backfill->overlap = pgwf_read_overlap_policy(element,
													 "overlapPolicy");
		backfills = lappend(backfills, backfill);
	}
	return backfills;
}

static List *
read_running(PgwfReader *reader)
{
	List	   *running = NIL;
	ListCell   *lc;

	foreach(lc, pgwf_read_elements(reader, "running"))
	{
		PgwfReader *element = lfirst(lc);
		PgwfScheduledRun *run = palloc(sizeof(PgwfScheduledRun));

		run->workflow_id = pgwf_read_text(element, "workflowId");
		run->run_id = pgwf_read_text(element, "runId");
		run->overlapping = pgwf_read_bool(element, "overlapping");
		running = lappend(running, run);
	}
	return running;
}

static List *
read_recent(PgwfReader *reader)
{
	List	   *recent = NIL;
	ListCell   *lc;

	foreach(lc, pgwf_read_elements(reader, "recentActions"))
	{
		PgwfReader *element = lfirst(lc);
		PgwfReader	result;
		PgwfScheduleAction *action = palloc(sizeof(PgwfScheduleAction));

		action->schedule_time = pgwf_read_time(element, "scheduleTime");
		action->actual_time = pgwf_read_time(element, "actualTime");
		pgwf_reader_init(&result,
						 pgwf_read_object(element, "startWorkflowResult"));
		action->workflow_id = pgwf_read_text(&result, "workflowId");
		action->run_id = pgwf_read_text(&result, "runId");
		action->status = pgwf_read_text(element, "startWorkflowStatus");
		recent = lappend(recent, action);
	}
	return recent;
}

/* Takes over what pgwf_schedule_progress() has made */
void
pgwf_schedule_read_progress(PgwfSchedule *schedule, Jsonb *progress)
{
	PgwfReader	reader;

	pgwf_reader_init(&reader, progress);
	schedule->buffer = read_buffer(&reader);
	schedule->backfills = read_backfills(&reader);
	schedule->running = read_running(&reader);
	schedule->recent = read_recent(&reader);
	schedule->request_ids = pgwf_read_texts(&reader, "requestIds");
	schedule->create_request_id = pgwf_read_text(&reader, "createRequestId");
	schedule->action_count = pgwf_read_int(&reader, "actionCount");
	schedule->missed_catchup_window = pgwf_read_int(&reader,
													"missedCatchupWindow");
	schedule->overlap_skipped = pgwf_read_int(&reader, "overlapSkipped");
	schedule->buffer_dropped = pgwf_read_int(&reader, "bufferDropped");
	schedule->last_result = pgwf_read_jsonb(&reader, "lastCompletionResult");
	schedule->last_failure = pgwf_read_jsonb(&reader, "continuedFailure");
	schedule->retry_at = DT_NOEND;
}

/* The last "count" actions */
void
pgwf_schedule_write_recent(PgwfObject *object, const PgwfSchedule *schedule,
						   int count)
{
	int			length = list_length(schedule->recent);

	if (length == 0)
		return;
	pgwf_object_open_array(object, "recentActions");
	for (int i = Max(length - count, 0); i < length; i++)
	{
		PgwfScheduleAction *action = list_nth(schedule->recent, i);

		pgwf_object_open_element(object);
		pgwf_object_time(object, "scheduleTime", action->schedule_time);
		pgwf_object_time(object, "actualTime", action->actual_time);
		pgwf_object_open(object, "startWorkflowResult");
		pgwf_object_text(object, "workflowId", action->workflow_id);
		pgwf_object_text(object, "runId", action->run_id);
		pgwf_object_close(object);
		pgwf_object_text(object, "startWorkflowStatus", action->status);
		pgwf_object_close(object);
	}
	pgwf_object_close_array(object);
}

static void
write_buffer(PgwfObject *object, List *buffer)
{
	ListCell   *lc;

	if (buffer == NIL)
		return;
	pgwf_object_open_array(object, "buffer");
	foreach(lc, buffer)
	{
		PgwfBufferedStart *start = lfirst(lc);

		pgwf_object_open_element(object);
		pgwf_object_time(object, "nominalTime", start->nominal);
		pgwf_object_time(object, "actualTime", start->actual);
		pgwf_object_text(object, "overlapPolicy",
						 overlap_names[start->overlap]);
		pgwf_object_bool(object, "manual", start->manual);
		pgwf_object_close(object);
	}
	pgwf_object_close_array(object);
}

static void
write_backfills(PgwfObject *object, List *backfills)
{
	ListCell   *lc;

	if (backfills == NIL)
		return;
	pgwf_object_open_array(object, "backfills");
	foreach(lc, backfills)
	{
		PgwfBackfill *backfill = lfirst(lc);

		pgwf_object_open_element(object);
		pgwf_object_time(object, "startTime", backfill->start);
		pgwf_object_time(object, "endTime", backfill->end);
		pgwf_object_text(object, "overlapPolicy",
						 overlap_names[backfill->overlap]);
		pgwf_object_close(object);
	}
	pgwf_object_close_array(object);
}

static void
write_running(PgwfObject *object, List *running)
{
	ListCell   *lc;

	if (running == NIL)
		return;
	pgwf_object_open_array(object, "running");
	foreach(lc, running)
	{
		PgwfScheduledRun *run = lfirst(lc);

		pgwf_object_open_element(object);
		pgwf_object_text(object, "workflowId", run->workflow_id);
		pgwf_object_text(object, "runId", run->run_id);
		pgwf_object_bool(object, "overlapping", run->overlapping);
		pgwf_object_close(object);
	}
	pgwf_object_close_array(object);
}

Jsonb *
pgwf_schedule_progress(const PgwfSchedule *schedule)
{
	PgwfObject	object;
	ListCell   *lc;

	pgwf_object_begin(&object);
	write_buffer(&object, schedule->buffer);
	write_backfills(&object, schedule->backfills);
	write_running(&object, schedule->running);
	pgwf_schedule_write_recent(&object, schedule, PGWF_SCHEDULE_RECENT);
	if (schedule->request_ids != NIL)
	{
		pgwf_object_open_array(&object, "requestIds");
		foreach(lc, schedule->request_ids)
			pgwf_object_text_element(&object, lfirst(lc));
		pgwf_object_close_array(&object);
	}
	pgwf_object_text(&object, "createRequestId",
					 schedule->create_request_id);
	pgwf_object_int(&object, "actionCount", schedule->action_count);
	pgwf_object_int(&object, "missedCatchupWindow",
					schedule->missed_catchup_window);
	pgwf_object_int(&object, "overlapSkipped", schedule->overlap_skipped);
	pgwf_object_int(&object, "bufferDropped", schedule->buffer_dropped);
	pgwf_object_jsonb(&object, "lastCompletionResult",
					  schedule->last_result);
	pgwf_object_jsonb(&object, "continuedFailure", schedule->last_failure);
	return pgwf_object_finish(&object);
}

/* The rest of a schedule whose row has been read */
void
pgwf_schedule_read_row(PgwfSchedule *schedule, PgwfCall *call)
{
	schedule->call = call;
	pgwf_schedule_read_definition(schedule, schedule->row.definition, true);
	pgwf_schedule_read_progress(schedule, schedule->row.progress);
}
