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
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_table.h"

PG_FUNCTION_INFO_V1(pgwf_describe_task_queue);

#define TYPE_PREFIX		"TASK_QUEUE_TYPE_"

/* Priority, number and oldest of the tasks that wait for a worker */
static PgwfStatement select_workflow_backlog = {
	.sql = "SELECT (rank >> 60)::integer, pg_catalog.count(*),"
	" pg_catalog.min(scheduled_time)"
	" FROM workflow.workflow_task"
	" WHERE namespace_id = $1 AND task_queue = $2 AND NOT claimed"
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
	.sql = "SELECT identity, last_access FROM workflow.pollers()"
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

/* WORKFLOW or ACTIVITY, with or without the prefix */
static bool
read_is_activity(const char *type)
{
	if (type == NULL)
		return false;
	if (strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) == 0)
		type += strlen(TYPE_PREFIX);
	if (strcmp(type, "ACTIVITY") == 0)
		return true;
	if (strcmp(type, "WORKFLOW") != 0 && strcmp(type, "UNSPECIFIED") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("unknown task_queue_type \"%s\"", type),
				 errhint("The types are WORKFLOW and ACTIVITY.")));
	return false;
}

static void
append_stats(PgwfObject *object, const char *key, const Backlog *backlog,
			 TimestampTz now)
{
	pgwf_object_open(object, key);
	pgwf_object_int(object, "approximateBacklogCount", backlog->count);
	if (backlog->count > 0)
		pgwf_object_duration(object, "approximateBacklogAge",
							 Max(now - backlog->oldest, 0));
	pgwf_object_close(object);
}

static void
append_backlog(PgwfObject *object, Datum *queue, bool is_activity,
			   TimestampTz now)
{
	Backlog		all = {0, DT_NOEND};
	uint64		count;
	bool		isnull;

	count = pgwf_db_query(is_activity ? &select_activity_backlog :
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
		append_stats(object, psprintf("%d", priority), &backlog, now);
	}
	pgwf_object_close(object);
	append_stats(object, "stats", &all, now);
}

static void
append_pollers(PgwfObject *object, Datum *queue)
{
	uint64		count = pgwf_db_query(&select_pollers, queue, NULL, 0);
	bool		isnull;

	pgwf_object_open_array(object, "pollers");
	for (uint64 i = 0; i < count; i++)
	{
		pgwf_object_open_element(object);
		pgwf_object_time(object, "lastAccessTime",
						 DatumGetTimestampTz(pgwf_db_value(i, 2, &isnull)));
		pgwf_object_text(object, "identity",
						 TextDatumGetCString(pgwf_db_value(i, 1, &isnull)));
		pgwf_object_close(object);
	}
	pgwf_object_close_array(object);
}

/*
 * describe_task_queue(task_queue, task_queue_type, namespace)
 *	returns a DescribeTaskQueueResponse
 */
Datum
pgwf_describe_task_queue(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	bool		is_activity;
	Datum		queue[3];
	PgwfDbScope scope;
	PgwfObject	object;
	Jsonb	   *description;
	Jsonb	   *result;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 2),
									   PGWF_RIGHT_READ);
	queue[0] = Int32GetDatum(namespace_id);
	queue[1] = CStringGetTextDatum(pgwf_arg_required_id(fcinfo, 0,
														"task_queue"));
	is_activity = read_is_activity(pgwf_arg_text(fcinfo, 1));
	queue[2] = CStringGetTextDatum(is_activity ? "activity" : "workflow");

	pgwf_db_begin(&scope);
	pgwf_object_begin(&object);
	append_pollers(&object, queue);
	append_backlog(&object, queue, is_activity, call.now);
	description = pgwf_object_finish(&object);
	result = MemoryContextAlloc(call.caller_context, VARSIZE(description));
	memcpy(result, description, VARSIZE(description));
	pgwf_db_end(&scope);
	pgwf_call_end(&call);
	PG_RETURN_JSONB_P(result);
}
