/*-------------------------------------------------------------------------
 *
 * pgwf_execution_options.c
 *		update_workflow_execution_options: what may be changed of an open run
 *		from outside (SS 16).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_errors.h"
#include "pgwf_find.h"
#include "pgwf_namespace.h"
#include "pgwf_priority.h"
#include "pgwf_versioning.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_update_workflow_execution_options);

/* The options as they are to be; those that are not meant stay */
typedef struct OptionsRequest
{
	bool		sets_override;
	Jsonb	   *override;		/* NULL: none any more */
	bool		sets_priority;
	Jsonb	   *priority;		/* NULL: the default */
	char	   *identity;
} OptionsRequest;

/* One path of the mask, in either spelling */
static void
read_path(const char *path, OptionsRequest *request)
{
	if (strcmp(path, "versioningOverride") == 0 ||
		strcmp(path, "versioning_override") == 0)
		request->sets_override = true;
	else if (strcmp(path, "priority") == 0)
		request->sets_priority = true;
	else
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("update_mask has an unknown path \"%s\"", path),
				 errhint("The paths are versioning_override and priority.")));
}

static void
read_mask(FunctionCallInfo fcinfo, int n, OptionsRequest *request)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
	{
		request->sets_override = (request->override != NULL);
		request->sets_priority = (request->priority != NULL);
		return;
	}
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		read_path(nulls[i] ? "" : TextDatumGetCString(elements[i]), request);
}

static void
read_options(FunctionCallInfo fcinfo, int32 namespace_id,
			 OptionsRequest *request)
{
	static const char *const members[] = {
		"versioningOverride", "priority", NULL
	};
	Jsonb	   *options = pgwf_arg_jsonb(fcinfo, 1);
	PgwfReader	reader;
	char	   *error;

	if (options && !pgwf_jsonb_is_object(options))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("workflow_execution_options is not a JSON object")));
	pgwf_reader_init(&reader, options);
	pgwf_read_only(&reader, "workflow_execution_options", members);
	request->override = pgwf_read_object(&reader, "versioningOverride");
	request->priority = pgwf_read_object(&reader, "priority");
	error = reader.error;
	if (error == NULL)
		error = pgwf_override_normalize(namespace_id, &request->override);
	if (error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid workflow_execution_options"),
				 errdetail("%s.", error)));
	pgwf_priority_check(request->priority);
	read_mask(fcinfo, 2, request);
	if (!request->sets_override && !request->sets_priority)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("no option to update"),
				 errhint("Name the options in update_mask.")));
}

static bool
is_same(const Jsonb *a, const Jsonb *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return compareJsonbContainers(unconstify(JsonbContainer *, &a->root),
								  unconstify(JsonbContainer *, &b->root)) == 0;
}

/* Applies the change and notes it in the history, unless there is none */
static void
apply_options(PgwfRun *run, const OptionsRequest *request)
{
	PgwfState  *state = &run->state;
	bool		override = request->sets_override &&
	!is_same(request->override, pgwf_override_jsonb(state));
	bool		priority = request->sets_priority &&
	!is_same(request->priority, state->priority);
	PgwfObject	attributes;

	if (!override && !priority)
		return;
	pgwf_object_begin(&attributes);
	if (override)
	{
		pgwf_override_check(state->namespace_id, request->override,
							pgwf_run_execution(run)->task_queue);
		(void) pgwf_override_read(request->override, state->namespace_id,
								  state);
		pgwf_object_jsonb(&attributes, "versioningOverride",
						  request->override);
		pgwf_object_bool(&attributes, "unsetVersioningOverride",
						 request->override == NULL);
	}
	pgwf_object_text(&attributes, "identity", request->identity);
	if (priority)
	{
		state->priority = request->priority;
		pgwf_object_jsonb(&attributes, "priority", request->priority);
	}
	pgwf_run_arrive(run, PGWF_EVENT_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
					pgwf_object_finish(&attributes), run->call->now);
	pgwf_run_reroute(run);
}

static Jsonb *
make_answer(const PgwfState *state)
{
	PgwfObject	answer;

	pgwf_object_begin(&answer);
	pgwf_object_open(&answer, "workflowExecutionOptions");
	pgwf_object_jsonb(&answer, "versioningOverride",
					  pgwf_override_jsonb(state));
	pgwf_object_jsonb(&answer, "priority", state->priority);
	pgwf_object_close(&answer);
	return pgwf_object_finish(&answer);
}

/*
 * update_workflow_execution_options(workflow_id, workflow_execution_options,
 *		update_mask, run_id, identity, namespace)
 *	returns an UpdateWorkflowExecutionOptionsResponse
 *
 * A workflow task that a worker has goes on; what waits follows the options.
 */
Datum
pgwf_update_workflow_execution_options(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	OptionsRequest request = {0};
	int32		namespace_id;
	char	   *workflow_id;
	Jsonb	   *answer;
	Jsonb	   *result;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 5),
									   PGWF_RIGHT_CLIENT);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	read_options(fcinfo, namespace_id, &request);
	request.identity = pgwf_arg_identity(fcinfo, 4);
	if (pgwf_find_open_run(&run, &call, namespace_id, workflow_id,
						   pgwf_arg_uuid(fcinfo, 3)) == NULL)
		pgwf_report_closed();
	apply_options(&run, &request);
	answer = make_answer(&run.state);
	pgwf_run_finish(&run);
	result = MemoryContextAlloc(call.caller_context, VARSIZE(answer));
	memcpy(result, answer, VARSIZE(answer));
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_JSONB_P(result);
}
