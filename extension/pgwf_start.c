/*-------------------------------------------------------------------------
 *
 * pgwf_start.c
 *		start_workflow_execution (SS 3.1, 3.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "pgwf_args.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_run.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_start_workflow_execution);

/* The arguments of a start, checked and defaulted */
typedef struct StartRequest
{
	int32		namespace_id;
	char	   *workflow_id;
	char	   *workflow_type;
	char	   *task_queue;
	Jsonb	   *input;
	char	   *request_id;
	char	   *identity;
	int64		execution_timeout;
	int64		run_timeout;
	int64		task_timeout;
	Jsonb	   *memo;
	Jsonb	   *search_attributes;
	Jsonb	   *header;
} StartRequest;

/* A map of payloads may be given as {"fields": {...}} or just {...} */
static Jsonb *
wrap_fields(Jsonb *value, const char *name, const char *member)
{
	PgwfObject	object;
	PgwfReader	reader;
	JsonbValue	inner;

	if (value == NULL)
		return NULL;
	if (!pgwf_jsonb_is_object(value))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s is not a JSON object", name)));
	pgwf_reader_init(&reader, value);
	if (pgwf_read_value(&reader, member, &inner) &&
		inner.type == jbvBinary &&
		JsonContainerIsObject(inner.val.binary.data) &&
		JB_ROOT_COUNT(value) == 1)
		return value;
	pgwf_object_begin(&object);
	pgwf_object_jsonb(&object, member, value);
	return pgwf_object_finish(&object);
}

/* The smaller of two timeouts, where 0 stands for none */
static int64
shorter(int64 a, int64 b)
{
	if (a == PGWF_NO_DURATION)
		return b;
	if (b == PGWF_NO_DURATION)
		return a;
	return Min(a, b);
}

static void
read_request(FunctionCallInfo fcinfo, StartRequest *request)
{
	char	   *namespace = pgwf_arg_namespace(fcinfo, 12);
	int64		limit;

	request->namespace_id = pgwf_namespace_check(namespace,
												 PGWF_RIGHT_CLIENT);
	request->workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	request->workflow_type = pgwf_arg_required_id(fcinfo, 1, "workflow_type");
	request->task_queue = pgwf_arg_required_id(fcinfo, 2, "task_queue");
	request->input = pgwf_arg_payloads(fcinfo, 3, "input");
	request->request_id = pgwf_arg_id(fcinfo, 4, "request_id");
	if (request->request_id == NULL || request->request_id[0] == '\0')
	{
		pg_uuid_t	uuid;

		pgwf_new_uuid(&uuid);
		request->request_id = pgwf_uuid_text(&uuid);
	}
	request->identity = pgwf_arg_identity(fcinfo, 5);
	request->execution_timeout =
		pgwf_arg_duration(fcinfo, 6, "workflow_execution_timeout");
	request->run_timeout =
		shorter(pgwf_arg_duration(fcinfo, 7, "workflow_run_timeout"),
				request->execution_timeout);
	request->task_timeout =
		pgwf_arg_duration(fcinfo, 8, "workflow_task_timeout");
	if (request->task_timeout == PGWF_NO_DURATION)
		request->task_timeout =
			(int64) pgwf_default_workflow_task_timeout * 1000;
	limit = (int64) pgwf_max_workflow_task_timeout * 1000;
	request->task_timeout = shorter(request->task_timeout,
									shorter(limit, request->run_timeout));
	request->memo = wrap_fields(pgwf_arg_jsonb(fcinfo, 9), "memo", "fields");
	pgwf_check_payload_size("memo", request->memo, pgwf_memo_size_error);
	request->search_attributes = wrap_fields(pgwf_arg_jsonb(fcinfo, 10),
											 "search_attributes",
											 "indexedFields");
	pgwf_check_payload_size("search_attributes", request->search_attributes,
							pgwf_search_attributes_size_error);
	request->header = wrap_fields(pgwf_arg_jsonb(fcinfo, 11), "header",
								  "fields");
	pgwf_check_payload_size("header", request->header,
							pgwf_payload_size_error);
}

static Jsonb *
started_attributes(const StartRequest *request, const PgwfExecution *execution)
{
	PgwfObject	attributes;
	char	   *run_id = pgwf_uuid_text(&execution->run_id);

	pgwf_object_begin(&attributes);
	pgwf_object_name(&attributes, "workflowType", request->workflow_type);
	pgwf_object_open(&attributes, "taskQueue");
	pgwf_object_text(&attributes, "name", request->task_queue);
	pgwf_object_text(&attributes, "kind", "TASK_QUEUE_KIND_NORMAL");
	pgwf_object_close(&attributes);
	pgwf_object_jsonb(&attributes, "input", request->input);
	pgwf_object_duration(&attributes, "workflowExecutionTimeout",
						 request->execution_timeout);
	pgwf_object_duration(&attributes, "workflowRunTimeout",
						 request->run_timeout);
	pgwf_object_duration(&attributes, "workflowTaskTimeout",
						 request->task_timeout);
	pgwf_object_text(&attributes, "originalExecutionRunId", run_id);
	pgwf_object_text(&attributes, "identity", request->identity);
	pgwf_object_text(&attributes, "firstExecutionRunId", run_id);
	pgwf_object_int(&attributes, "attempt", 1);
	if (request->execution_timeout != PGWF_NO_DURATION)
		pgwf_object_time(&attributes, "workflowExecutionExpirationTime",
						 execution->start_time + request->execution_timeout);
	pgwf_object_jsonb(&attributes, "memo", request->memo);
	pgwf_object_jsonb(&attributes, "searchAttributes",
					  request->search_attributes);
	pgwf_object_jsonb(&attributes, "header", request->header);
	pgwf_object_text(&attributes, "workflowId", request->workflow_id);
	return pgwf_object_finish(&attributes);
}

static void
add_timeout(PgwfRun *run, PgwfTimerKind kind, int64 timeout)
{
	PgwfTimer  *timer;

	if (timeout == PGWF_NO_DURATION)
		return;
	timer = palloc0(sizeof(PgwfTimer));
	timer->change = PGWF_ROW_INSERT;
	timer->namespace_id = run->state.namespace_id;
	timer->kind = kind;
	timer->run_key = run->state.run_key;
	timer->started_event_id = -(int64) kind;
	timer->fire_at = run->execution->start_time + timeout;
	timer->timer_id = pstrdup("");
	run->timers = lappend(run->timers, timer);
	run->state.pending_timers++;
}

/*
 * Creates the run, unless its workflow id has an open one meanwhile: then
 * returns NULL.
 */
static PgwfExecution *
create_run(PgwfCall *call, const StartRequest *request)
{
	PgwfExecution *execution = palloc0(sizeof(PgwfExecution));
	PgwfRun		run;

	execution->namespace_id = request->namespace_id;
	execution->run_key = pgwf_execution_next_run_key();
	pgwf_new_uuid(&execution->run_id);
	execution->first_run_id = execution->run_id;
	execution->workflow_id = request->workflow_id;
	execution->workflow_type = request->workflow_type;
	execution->task_queue = request->task_queue;
	execution->status = PGWF_STATUS_RUNNING;
	execution->start_time = call->now;
	execution->execution_time = call->now;
	execution->close_time = PGWF_NO_TIME;
	execution->start_request_id = request->request_id;
	execution->execution_timeout = request->execution_timeout;
	execution->run_timeout = request->run_timeout;
	execution->task_timeout = request->task_timeout;
	execution->memo = request->memo;
	execution->search_attributes = request->search_attributes;
	if (!pgwf_execution_insert(call, execution))
		return NULL;

	pgwf_run_init_new(&run, call, execution);
	if (request->execution_timeout != PGWF_NO_DURATION)
		run.state.flags |= PGWF_RUN_HAS_EXECUTION_TIMEOUT;
	pgwf_run_append(&run, PGWF_EVENT_WORKFLOW_EXECUTION_STARTED,
					started_attributes(request, execution));
	add_timeout(&run, PGWF_TIMER_EXECUTION_TIMEOUT,
				request->execution_timeout);
	add_timeout(&run, PGWF_TIMER_RUN_TIMEOUT, request->run_timeout);
	run.task_needed = true;
	pgwf_run_finish(&run);
	return execution;
}

/* The run that makes this start a repetition or a conflict, or NULL */
static PgwfExecution *
find_existing(PgwfCall *call, const StartRequest *request)
{
	PgwfExecution *existing;

	existing = pgwf_execution_find_current(call, request->namespace_id,
										   request->workflow_id);
	if (existing == NULL ||
		strcmp(existing->start_request_id, request->request_id) == 0)
		return existing;
	if (existing->close_time == PGWF_NO_TIME)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_WORKFLOW_EXECUTION_ALREADY_STARTED),
				 errmsg("workflow execution is already running for workflow id \"%s\"",
						request->workflow_id),
				 errdetail("The run id is %s, the first run id %s, the request id of its start \"%s\".",
						   pgwf_uuid_text(&existing->run_id),
						   pgwf_uuid_text(&existing->first_run_id),
						   existing->start_request_id)));
	return NULL;
}

/*
 * start_workflow_execution(workflow_id, workflow_type, task_queue, input,
 *		request_id, identity, workflow_execution_timeout,
 *		workflow_run_timeout, workflow_task_timeout, memo, search_attributes,
 *		header, namespace)
 *	returns (run_id, started)
 *
 * A repetition with the request id of the current run's start succeeds, also
 * when that run has closed; "started" is true then as well.
 */
Datum
pgwf_start_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	StartRequest request;
	PgwfExecution *execution;
	TupleDesc	result_desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	pg_uuid_t	run_id;

	if (get_call_result_type(fcinfo, NULL, &result_desc) !=
		TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	pgwf_call_begin(&call);
	read_request(fcinfo, &request);
	while ((execution = find_existing(&call, &request)) == NULL &&
		   (execution = create_run(&call, &request)) == NULL)
		pgwf_call_new_snapshot(&call);
	pgwf_xact_mark_durable();
	run_id = execution->run_id;
	pgwf_call_end(&call);

	values[0] = UUIDPGetDatum(&run_id);
	values[1] = BoolGetDatum(true);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_desc, values,
													  nulls)));
}
