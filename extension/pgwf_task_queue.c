/*-------------------------------------------------------------------------
 *
 * pgwf_task_queue.c
 *		describe_task_queue: what waits in a queue, and who asks for it
 *		(SS 15).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_db.h"
#include "pgwf_deployment.h"
#include "pgwf_dispatch.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_queue_config.h"
#include "pgwf_queue_state.h"
#include "pgwf_shmem.h"
#include "pgwf_table.h"

PG_FUNCTION_INFO_V1(pgwf_describe_task_queue);

/* Priority, number and oldest of the tasks that wait for a worker */
static PgwfStatement select_workflow_backlog = {
	.sql = "SELECT (rank >> 60)::integer, pg_catalog.count(*),"
	" pg_catalog.min(scheduled_time)"
	" FROM workflow.workflow_task"
	" WHERE namespace_id = $1 AND task_queue = $2"
	" GROUP BY 1 ORDER BY 1",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

static PgwfStatement select_activity_backlog = {
	.sql = "SELECT (rank >> 60)::integer, pg_catalog.count(*),"
	" pg_catalog.min(attempt_scheduled_time)"
	" FROM workflow.activity"
	" WHERE namespace_id = $1 AND task_queue = $2 AND state = 1"
	" GROUP BY 1 ORDER BY 1",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

static PgwfStatement select_pollers = {
	.sql = "SELECT identity, last_access, version_key"
	" FROM workflow.pollers()"
	" WHERE namespace_id = $1 AND queue = $2 AND kind = $3"
	" ORDER BY last_access DESC, identity",
	.nargs = 3,
	.argtypes = {INT4OID, TEXTOID, TEXTOID}
};

/* A queue's tasks, or those of one priority */
typedef struct Backlog
{
	int64		count;
	TimestampTz oldest;
} Backlog;

/* What the statistics of a queue and of its priorities have in common */
static void
append_counts(PgwfObject *object, const Backlog *backlog, TimestampTz now)
{
	pgwf_object_int(object, "approximateBacklogCount", backlog->count);
	if (backlog->count > 0)
		pgwf_object_duration(object, "approximateBacklogAge",
							 Max(now - backlog->oldest, 0));
}

/* Returns the backlog of the queue as a whole */
static Backlog
append_priorities(PgwfObject *object, Datum *queue, char kind,
				  TimestampTz now)
{
	Backlog		all = {0, DT_NOEND};
	uint64		count;
	bool		isnull;

	count = pgwf_db_query(kind == PGWF_QUEUE_ACTIVITY ?
						  &select_activity_backlog :
						  &select_workflow_backlog, queue, NULL, 0);
	pgwf_object_open(object, "statsByPriorityKey");
	for (uint64 i = 0; i < count; i++)
	{
		int32		priority = DatumGetInt32(pgwf_db_value(i, 1, &isnull));
		Backlog		backlog;

		backlog.count = DatumGetInt64(pgwf_db_value(i, 2, &isnull));
		backlog.oldest = DatumGetTimestampTz(pgwf_db_value(i, 3, &isnull));
		all.count += backlog.count;
		all.oldest = Min(all.oldest, backlog.oldest);
		pgwf_object_open(object, psprintf("%d", priority));
		append_counts(object, &backlog, now);
		pgwf_object_close(object);
	}
	pgwf_object_close(object);
	return all;
}

/* Tasks and their rates; what was counted is for those who poll as well */
static void
append_stats(PgwfObject *object, Datum *queue, char kind, uint64 key,
			 TimestampTz now)
{
	PgwfQueueView view;
	PgwfQueueRates rates;
	Backlog		backlog;

	pgwf_queue_state_view(key, GetCurrentTimestamp(), false, &view);
	pgwf_queue_state_rates(key, &rates);
	backlog = append_priorities(object, queue, kind, now);
	pgwf_queue_state_set_backlog(key, view.changes, backlog.count);
	pgwf_object_open(object, "stats");
	append_counts(object, &backlog, now);
	pgwf_object_double(object, "tasksAddRate", rates.added);
	pgwf_object_double(object, "tasksDispatchRate", rates.dispatched);
	pgwf_object_close(object);
}

/* A rate of 0, which stops the queue, is not left out */
static Jsonb *
rate_json(double rate)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric,
															Float8GetDatum(rate)));
	return JsonbValueToJsonb(&value);
}

/* The limit that is in force, if there is one, and who has set it */
static void
append_limit(PgwfObject *object, int32 namespace_id, char kind,
			 const char *queue, uint64 key)
{
	PgwfQueueView view;
	PgwfLimitSource source;
	double		rate;

	pgwf_queue_state_view(key, GetCurrentTimestamp(), false, &view);
	rate = pgwf_queue_limit(pgwf_queue_config(namespace_id, kind, queue),
							view.worker_limit, &source);
	if (source == PGWF_LIMIT_NONE)
		return;
	pgwf_object_open(object, "effectiveRateLimit");
	pgwf_object_jsonb(object, "requestsPerSecond", rate_json(rate));
	pgwf_object_text(object, "rateLimitSource", source == PGWF_LIMIT_API ?
					 "RATE_LIMIT_SOURCE_API" : "RATE_LIMIT_SOURCE_WORKER");
	pgwf_object_close(object);
}

static void
append_pollers(PgwfObject *object, int32 namespace_id, Datum *queue)
{
	uint64		count = pgwf_db_query(&select_pollers, queue, NULL, 0);
	bool		isnull;

	pgwf_object_open_array(object, "pollers");
	for (uint64 i = 0; i < count; i++)
	{
		Datum		identity;

		pgwf_object_open_element(object);
		pgwf_object_time(object, "lastAccessTime",
						 DatumGetTimestampTz(pgwf_db_value(i, 2, &isnull)));
		identity = pgwf_db_value(i, 1, &isnull);
		pgwf_object_text(object, "identity",
						 isnull ? NULL : TextDatumGetCString(identity));
		pgwf_append_poller_version(object, namespace_id,
								   DatumGetInt32(pgwf_db_value(i, 3,
															   &isnull)));
		pgwf_object_close(object);
	}
	pgwf_object_close_array(object);
}

/*
 * describe_task_queue(task_queue, task_queue_type, report_config, namespace)
 *	returns a DescribeTaskQueueResponse
 */
Datum
pgwf_describe_task_queue(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	char	   *name;
	char		kind;
	bool		report_config;
	uint64		key;
	Datum		queue[3];
	PgwfDbScope scope;
	PgwfObject	object;
	Jsonb	   *description;
	Jsonb	   *result;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 3),
									   PGWF_RIGHT_READ);
	name = pgwf_arg_task_queue(fcinfo, 0);
	kind = pgwf_read_queue_kind(pgwf_arg_text(fcinfo, 1));
	report_config = pgwf_arg_bool(fcinfo, 2);
	key = pgwf_shmem_queue_key(namespace_id, kind, name, 0);
	queue[0] = Int32GetDatum(namespace_id);
	queue[1] = CStringGetTextDatum(name);
	queue[2] = CStringGetTextDatum(kind == PGWF_QUEUE_ACTIVITY ? "activity" :
								   "workflow");

	pgwf_db_begin(&scope);
	pgwf_object_begin(&object);
	append_pollers(&object, namespace_id, queue);
	append_stats(&object, queue, kind, key, call.now);
	append_limit(&object, namespace_id, kind, name, key);
	if (report_config)
		pgwf_object_jsonb(&object, "config",
						  pgwf_queue_config_json(namespace_id, kind, name));
	pgwf_append_queue_versions(&object, namespace_id, queue, call.now);
	description = pgwf_object_finish(&object);
	result = MemoryContextAlloc(call.caller_context, VARSIZE(description));
	memcpy(result, description, VARSIZE(description));
	pgwf_db_end(&scope);
	pgwf_call_end(&call);
	PG_RETURN_JSONB_P(result);
}
