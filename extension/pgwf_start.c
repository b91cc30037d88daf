/*-------------------------------------------------------------------------
 *
 * pgwf_start.c
 *		start_workflow_execution and signal_with_start_workflow_execution:
 *		what a start does when the workflow id has been used (SS 3.2, 3.3).
 *
 * Locks: a run that is to be terminated, attached to or signaled is locked;
 * which of two new runs wins is decided by the insertion of their rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_close.h"
#include "pgwf_cron.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_new_run.h"
#include "pgwf_search_attribute.h"
#include "pgwf_signal.h"
#include "pgwf_start.h"
#include "pgwf_task_response.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_start_workflow_execution);
PG_FUNCTION_INFO_V1(pgwf_signal_with_start_workflow_execution);

static const char *const reuse_policies[] = {
	[PGWF_REUSE_ALLOW_DUPLICATE] = "ALLOW_DUPLICATE",
	[PGWF_REUSE_ALLOW_DUPLICATE_FAILED_ONLY] = "ALLOW_DUPLICATE_FAILED_ONLY",
	[PGWF_REUSE_REJECT_DUPLICATE] = "REJECT_DUPLICATE",
	[PGWF_REUSE_TERMINATE_IF_RUNNING] = "TERMINATE_IF_RUNNING"
};

static const char *const conflict_policies[] = {
	[PGWF_CONFLICT_FAIL] = "FAIL",
	[PGWF_CONFLICT_USE_EXISTING] = "USE_EXISTING",
	[PGWF_CONFLICT_TERMINATE_EXISTING] = "TERMINATE_EXISTING"
};

/* The number of a policy by its name, with or without prefix; 0 if not set */
static int
read_policy(const char *text, const char *name, const char *prefix,
			const char *const *names, int count)
{
	const char *label = text;

	if (text == NULL || text[0] == '\0')
		return 0;
	if (strncmp(label, prefix, strlen(prefix)) == 0)
		label += strlen(prefix);
	if (strcmp(label, "UNSPECIFIED") == 0)
		return 0;
	for (int i = 1; i < count; i++)
	{
		if (strcmp(label, names[i]) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("unknown %s \"%s\"", name, text)));
	return 0;
}

/*
 * Reads the policies of a start by their names, as Temporal's enums have
 * them, and refuses combinations that contradict themselves.
 */
void
pgwf_start_policies_read(PgwfStartPolicies *policies, const char *reuse,
						 const char *conflict)
{
	policies->reuse = (PgwfReusePolicy)
		read_policy(reuse, "workflow_id_reuse_policy",
					"WORKFLOW_ID_REUSE_POLICY_", reuse_policies,
					lengthof(reuse_policies));
	policies->conflict = (PgwfConflictPolicy)
		read_policy(conflict, "workflow_id_conflict_policy",
					"WORKFLOW_ID_CONFLICT_POLICY_", conflict_policies,
					lengthof(conflict_policies));
	policies->on_conflict = NULL;

	if (policies->reuse == PGWF_REUSE_TERMINATE_IF_RUNNING)
	{
		if (policies->conflict != 0)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("workflow_id_conflict_policy cannot be combined with reuse policy %s",
							"TERMINATE_IF_RUNNING")));
		policies->reuse = PGWF_REUSE_ALLOW_DUPLICATE;
		policies->conflict = PGWF_CONFLICT_TERMINATE_EXISTING;
	}
	if (policies->reuse == PGWF_REUSE_REJECT_DUPLICATE &&
		policies->conflict == PGWF_CONFLICT_TERMINATE_EXISTING)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("conflict policy %s cannot be combined with reuse policy %s",
						"TERMINATE_EXISTING", "REJECT_DUPLICATE")));
	if (policies->reuse == 0)
		policies->reuse = PGWF_REUSE_ALLOW_DUPLICATE;
	if (policies->conflict == 0)
		policies->conflict = PGWF_CONFLICT_FAIL;
}

static void
report_already_started(const PgwfExecution *existing, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_WORKFLOW_EXECUTION_ALREADY_STARTED),
			 errmsg("workflow execution %s for workflow id \"%s\"",
					what, existing->workflow_id),
			 errdetail("The run id is %s, the first run id %s, the request id of its start \"%s\".",
					   pgwf_uuid_text(&existing->run_id),
					   pgwf_uuid_text(&existing->first_run_id),
					   existing->start_request_id)));
}

/*
 * Runs of one workflow id must not start too fast after each other.  The
 * existing one may have started while this call waited for another session,
 * so after "now"; that is no matter when there is no minimum.
 */
static void
check_minimal_interval(PgwfCall *call, const PgwfExecution *existing)
{
	if (pgwf_workflow_id_reuse_minimal_interval > 0 &&
		call->now - existing->start_time <
		(int64) pgwf_workflow_id_reuse_minimal_interval * 1000)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("too many workflow restarts"),
				 errdetail("The current run of workflow id \"%s\" started less than %d ms ago.",
						   existing->workflow_id,
						   pgwf_workflow_id_reuse_minimal_interval),
				 errhint("Try again in a moment.")));
}

/* A member of on_conflict_options; they are false by default */
static bool
on_conflict_option(Jsonb *options, const char *key)
{
	PgwfReader	reader;
	bool		result;

	pgwf_reader_init(&reader, options);
	result = pgwf_read_bool(&reader, key);
	if (reader.error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid on_conflict_options"),
				 errdetail("%s.", reader.error)));
	return result;
}

/* Notes the request on the open run that is used instead of a new one */
static void
attach_to_run(PgwfRun *run, const PgwfNewRun *options, Jsonb *on_conflict)
{
	PgwfObject	attributes;

	if (!on_conflict_option(on_conflict, "attachRequestId"))
		return;
	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "attachedRequestId", options->request_id);
	pgwf_object_text(&attributes, "identity", options->identity);
	pgwf_run_arrive(run, PGWF_EVENT_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
					pgwf_object_finish(&attributes), run->call->now);
	run->attached_requests = lappend(run->attached_requests,
									 unconstify(char *, options->request_id));
}

static void
terminate_existing(PgwfRun *run, const PgwfNewRun *options)
{
	char	   *text;
	JsonbValue	value;

	text = psprintf("terminated by new runID: %s",
					pgwf_uuid_text(&options->run_id));
	value.type = jbvString;
	value.val.string.val = text;
	value.val.string.len = strlen(text);
	pgwf_run_terminate(run,
					   "TerminateIfRunning WorkflowIdReusePolicy",
					   pgwf_payloads(JsonbValueToJsonb(&value)),
					   PGWF_SERVICE_IDENTITY);
}

static PgwfStartOutcome
resolve_open(PgwfRun *run, PgwfCall *call, PgwfNewRun *options,
			 const PgwfStartPolicies *policies, PgwfExecution *existing)
{
	if (pgwf_run_load_named(run, call, existing->namespace_id,
							existing->run_key) != PGWF_LOCK_OK)
		return PGWF_START_AGAIN;
	(void) pgwf_run_execution(run); /* as it is now that it is locked */
	if (pgwf_run_request_exists(call, existing->namespace_id,
								existing->run_key,
								PGWF_REQUEST_ATTACHED_START,
								options->request_id))
		return PGWF_START_EXISTING;

	switch (policies->conflict)
	{
		case PGWF_CONFLICT_USE_EXISTING:
			attach_to_run(run, options, policies->on_conflict);
			return PGWF_START_EXISTING;
		case PGWF_CONFLICT_TERMINATE_EXISTING:
			check_minimal_interval(call, existing);
			pgwf_new_run_follow(options, existing->run_key);
			terminate_existing(run, options);
			pgwf_run_finish(run);
			return PGWF_START_NEW;
		default:
			report_already_started(existing, "is already running");
	}
	return PGWF_START_NEW;
}

static void
check_closed(PgwfCall *call, const PgwfStartPolicies *policies,
			 const PgwfExecution *existing)
{
	switch (policies->reuse)
	{
		case PGWF_REUSE_ALLOW_DUPLICATE_FAILED_ONLY:
			if (existing->status == PGWF_STATUS_COMPLETED ||
				existing->status == PGWF_STATUS_CONTINUED_AS_NEW)
				report_already_started(existing,
									   "has finished successfully");
			break;
		case PGWF_REUSE_REJECT_DUPLICATE:
			report_already_started(existing, "has finished");
			break;
		default:
			break;
	}
	check_minimal_interval(call, existing);
}

/*
 * Starts a run, or finds the one that its workflow id already has, as the
 * policies say; the options have been checked.
 *
 * PGWF_START_NEW: "run" is new; the caller must finish it.
 * PGWF_START_EXISTING: "run" is open, locked and to be finished.
 * PGWF_START_REPEATED: the start was made before, with the same request id;
 * *existing is its run, open or closed, and "run" is not set.
 * PGWF_START_ATTACHED: it was attached to *existing, which has closed since.
 */
PgwfStartOutcome
pgwf_start_run(PgwfRun *run, PgwfCall *call, PgwfNewRun *options,
			   const PgwfStartPolicies *policies, PgwfExecution **existing)
{
	for (;;)
	{
		PgwfStartOutcome outcome = PGWF_START_NEW;

		*existing = pgwf_execution_find_current(call, options->namespace_id,
												options->workflow_id);
		if (*existing &&
			strcmp((*existing)->start_request_id, options->request_id) == 0)
			return PGWF_START_REPEATED;
		if (*existing && (*existing)->close_time == PGWF_NO_TIME)
			outcome = resolve_open(run, call, options, policies, *existing);
		else if (*existing)
		{
			if (pgwf_run_request_exists(call, (*existing)->namespace_id,
										(*existing)->run_key,
										PGWF_REQUEST_ATTACHED_START,
										options->request_id))
				return PGWF_START_ATTACHED;
			check_closed(call, policies, *existing);
			pgwf_new_run_follow(options, (*existing)->run_key);
		}
		else
			pgwf_new_run_follow(options, 0);

		if (outcome == PGWF_START_EXISTING)
			return outcome;
		if (outcome == PGWF_START_NEW &&
			pgwf_new_run_begin(run, call, options))
			return outcome;
		pgwf_call_look_again(call);
	}
}

/*
 * The first 20 arguments of all functions that start a run, at that moment,
 * and one that has another place in each of them
 */
void
pgwf_start_read_options(FunctionCallInfo fcinfo, TimestampTz now,
						int versioning_override,
						PgwfNewRun *options, PgwfStartPolicies *policies)
{
	int64		delay = pgwf_arg_duration(fcinfo, 17, "workflow_start_delay");
	char	   *error;

	pgwf_start_policies_read(policies, pgwf_arg_text(fcinfo, 12),
							 pgwf_arg_text(fcinfo, 13));
	policies->on_conflict = pgwf_arg_jsonb(fcinfo, 14);
	options->workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	options->workflow_type = pgwf_arg_required_id(fcinfo, 1,
												  "workflow_type");
	options->task_queue = pgwf_arg_task_queue(fcinfo, 2);
	options->input = pgwf_arg_payloads(fcinfo, 3, "input");
	options->request_id = pgwf_arg_id(fcinfo, 4, "request_id");
	options->identity = pgwf_arg_identity(fcinfo, 5);
	options->execution_timeout =
		pgwf_arg_duration(fcinfo, 6, "workflow_execution_timeout");
	options->run_timeout = pgwf_arg_duration(fcinfo, 7,
											 "workflow_run_timeout");
	options->task_timeout = pgwf_arg_duration(fcinfo, 8,
											  "workflow_task_timeout");
	options->memo = pgwf_wrap_fields(pgwf_arg_jsonb(fcinfo, 9), "memo",
									 "fields");
	options->search_attributes =
		pgwf_wrap_fields(pgwf_arg_jsonb(fcinfo, 10), "search_attributes",
						 "indexedFields");
	options->header = pgwf_wrap_fields(pgwf_arg_jsonb(fcinfo, 11), "header",
									   "fields");
	options->retry_policy = pgwf_arg_jsonb(fcinfo, 15);
	options->cron_schedule = pgwf_arg_text(fcinfo, 16);
	options->priority = pgwf_arg_jsonb(fcinfo, 18);
	options->user_metadata = pgwf_arg_jsonb(fcinfo, 19);
	options->versioning_override = pgwf_arg_jsonb(fcinfo,
												  versioning_override);
	pgwf_new_run_check(options);
	pgwf_override_check(options->namespace_id, options->versioning_override,
						options->task_queue);
	pgwf_search_attributes_check(options->namespace_id,
								 options->search_attributes);

	if (options->cron_schedule && delay != PGWF_NO_DURATION)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("cron_schedule and workflow_start_delay cannot be combined")));
	options->first_task_backoff = delay;
	if (options->cron_schedule)
	{
		options->initiator = "CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE";
		options->first_task_backoff =
			pgwf_cron_backoff(pgwf_cron_parse(options->cron_schedule, false,
											  &error), now, now);
		if (options->first_task_backoff < 0)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("cron schedule \"%s\" has no next time",
							options->cron_schedule)));
	}
}

/* Made by the first call of a function, for those that follow */
static TupleDesc
answer_desc(FmgrInfo *flinfo)
{
	MemoryContext old;
	TupleDesc	desc;

	if (flinfo->fn_extra == NULL)
	{
		old = MemoryContextSwitchTo(flinfo->fn_mcxt);
		if (get_func_result_type(flinfo->fn_oid, NULL, &desc) !=
			TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		flinfo->fn_extra = BlessTupleDesc(desc);
		MemoryContextSwitchTo(old);
	}
	return flinfo->fn_extra;
}

static Datum
start_answer(FunctionCallInfo fcinfo, const pg_uuid_t *run_id, bool started,
			 text *workflow_task)
{
	TupleDesc	result_desc = answer_desc(fcinfo->flinfo);
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	values[0] = UUIDPGetDatum(run_id);
	values[1] = BoolGetDatum(started);
	values[2] = PointerGetDatum(workflow_task);
	nulls[2] = (workflow_task == NULL);
	return HeapTupleGetDatum(heap_form_tuple(result_desc, values, nulls));
}

/* Was the run made by this start, now or when it was asked for first? */
static bool
is_started(PgwfStartOutcome outcome)
{
	return outcome == PGWF_START_NEW || outcome == PGWF_START_REPEATED;
}

/* The starter takes the first workflow task of a new run */
static text *
start_eagerly(PgwfRun *run, const PgwfNewRun *options, MemoryContext context)
{
	StringInfoData buf;
	text	   *result;

	pgwf_workflow_task_schedule(run);
	pgwf_workflow_task_start(run, options->identity,
							 pgwf_workflow_task_request_id(&run->state));
	pgwf_run_finish(run);
	initStringInfo(&buf);
	pgwf_append_workflow_task(&buf, run, false, 0);
	MemoryContextSwitchTo(context);
	result = cstring_to_text_with_len(buf.data, buf.len);
	MemoryContextSwitchTo(run->call->context);
	return result;
}

/* Would workers without a version get the first workflow task of a new run? */
static bool
is_unversioned(const PgwfNewRun *options)
{
	PgwfRoute	route = {0, pgwf_route_bucket(options->workflow_id)};

	return options->versioning_override == NULL &&
		pgwf_route_target(options->namespace_id, PGWF_QUEUE_WORKFLOW,
						  options->task_queue, &route) == 0;
}

/*
 * start_workflow_execution(workflow_id, workflow_type, task_queue, input,
 *		request_id, identity, workflow_execution_timeout,
 *		workflow_run_timeout, workflow_task_timeout, memo, search_attributes,
 *		header, workflow_id_reuse_policy, workflow_id_conflict_policy,
 *		on_conflict_options, retry_policy, cron_schedule,
 *		workflow_start_delay, priority, user_metadata,
 *		request_eager_execution, versioning_override, namespace)
 *	returns (run_id, started, workflow_task)
 *
 * "started" is false when an open run is used that another start has made.
 */
Datum
pgwf_start_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfNewRun	options;
	PgwfStartPolicies policies;
	PgwfRun		run;
	PgwfExecution *execution;
	PgwfStartOutcome outcome;
	pg_uuid_t	run_id;
	text	   *workflow_task = NULL;

	pgwf_call_begin(&call);
	pgwf_new_run_init(&options,
					  pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 22),
										  PGWF_RIGHT_CLIENT));
	pgwf_start_read_options(fcinfo, call.now, 21, &options,
							&policies);
	options.eager = pgwf_arg_bool(fcinfo, 20) &&
		options.first_task_backoff == PGWF_NO_DURATION &&
		is_unversioned(&options);

	outcome = pgwf_start_run(&run, &call, &options, &policies, &execution);
	if (outcome == PGWF_START_REPEATED || outcome == PGWF_START_ATTACHED)
		run_id = execution->run_id;
	else
	{
		run_id = run.execution->run_id;
		if (outcome == PGWF_START_NEW && options.eager)
			workflow_task = start_eagerly(&run, &options,
										  call.caller_context);
		else
			pgwf_run_finish(&run);
	}
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_DATUM(start_answer(fcinfo, &run_id,
								 is_started(outcome),
								 workflow_task));
}

/*
 * signal_with_start_workflow_execution(workflow_id, workflow_type,
 *		task_queue, input, request_id, ... user_metadata as above,
 *		signal_name, signal_input, signal_header, versioning_override,
 *		namespace)
 *	returns (run_id, started)
 *
 * An open run gets the signal; otherwise a run is started whose first
 * workflow task comes with it.
 */
Datum
pgwf_signal_with_start_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfNewRun	options;
	PgwfStartPolicies policies;
	PgwfRun		run;
	PgwfExecution *execution;
	PgwfStartOutcome outcome;
	PgwfSignal	signal = {0};
	pg_uuid_t	run_id;

	pgwf_call_begin(&call);
	pgwf_new_run_init(&options,
					  pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 24),
										  PGWF_RIGHT_CLIENT));
	pgwf_start_read_options(fcinfo, call.now, 23, &options,
							&policies);
	if (PG_ARGISNULL(13))
		policies.conflict = PGWF_CONFLICT_USE_EXISTING;
	else if (policies.conflict == PGWF_CONFLICT_FAIL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("conflict policy FAIL cannot be combined with signal-with-start")));
	signal.name = pgwf_arg_required_id(fcinfo, 20, "signal_name");
	signal.input = pgwf_arg_payloads(fcinfo, 21, "signal_input");
	signal.header = pgwf_wrap_fields(pgwf_arg_jsonb(fcinfo, 22),
									 "signal_header", "fields");
	pgwf_check_payload_size("signal_header", signal.header,
							pgwf_payload_size_error);
	signal.identity = options.identity;
	signal.request_id = options.request_id;

	outcome = pgwf_start_run(&run, &call, &options, &policies, &execution);
	if (outcome == PGWF_START_REPEATED || outcome == PGWF_START_ATTACHED)
		run_id = execution->run_id;
	else
	{
		run_id = run.execution->run_id;
		pgwf_run_signal(&run, &signal);
		pgwf_run_finish(&run);
	}
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_DATUM(start_answer(fcinfo, &run_id,
								 is_started(outcome), NULL));
}
