/*-------------------------------------------------------------------------
 *
 * pgwf_delete.c
 *		Deleting runs: delete_workflow_execution, and what the retention of
 *		its namespace ends (SS 3.3, 3.7).
 *
 * Only a closed run is deleted, with its history, and only when what it had
 * to tell other runs has been delivered: the messages are about its events.
 *
 * Locks: the run's row in workflow.execution.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_close.h"
#include "pgwf_db.h"
#include "pgwf_delete.h"
#include "pgwf_find.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_slot.h"
#include "pgwf_workflow_task.h"
#include "pgwf_update.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_delete_workflow_execution);

/* Events deleted in one transaction, but for the last run's */
#define MAX_EVENTS		20000

/* Between two looks for runs whose retention is over */
#define SHORTEST_PAUSE	USECS_PER_SEC

static PgwfStatement select_expired = {
	.sql = "SELECT x.namespace_id, x.run_key"
	" FROM workflow.namespace AS n"
	" LEFT JOIN workflow.namespace_clock AS c USING (namespace_id)"
	" CROSS JOIN LATERAL"
	" (SELECT e.namespace_id, e.run_key"
	" FROM workflow.closed_execution AS e"
	" WHERE e.namespace_id = n.namespace_id"
	" AND e.close_time <= $1 + coalesce(c.offset_us, 0) * interval '1 us'"
	" - n.retention"
	" ORDER BY e.namespace_id, e.close_time LIMIT $2) AS x LIMIT $2",
	.nargs = 2,
	.argtypes = {TIMESTAMPTZOID, INT8OID}
};

static PgwfStatement select_next_expiry = {
	.sql = "SELECT min(x.close_time + n.retention"
	" - coalesce(c.offset_us, 0) * interval '1 us')"
	" FROM workflow.namespace AS n"
	" LEFT JOIN workflow.namespace_clock AS c USING (namespace_id)"
	" CROSS JOIN LATERAL"
	" (SELECT e.close_time FROM workflow.closed_execution AS e"
	" WHERE e.namespace_id = n.namespace_id"
	" ORDER BY e.namespace_id, e.close_time LIMIT 1) AS x",
	.nargs = 0
};

/* What the scheduler's process knows of retention */
static TimestampTz last_look = 0;
static TimestampTz next_expiry = DT_NOEND;

/*
 * Deletes all that there is of a closed run.  Returns false, and has done
 * nothing, if somebody else holds it or messages of it are under way; the
 * request to delete it is not one of them.  Adds the number of its events to
 * *events, unless NULL.
 */
static bool
delete_run(PgwfCall *call, int32 namespace_id, int64 run_key, int64 *events)
{
	PgwfExecution *execution;

	execution = pgwf_execution_load(call, namespace_id, run_key);
	if (execution == NULL || execution->close_time == PGWF_NO_TIME)
		return execution == NULL;
	switch (pgwf_execution_lock(call, execution, LockWaitSkip))
	{
		case PGWF_LOCK_OK:
			break;
		case PGWF_LOCK_GONE:
			return true;
		case PGWF_LOCK_BUSY:
			return false;
	}
	if (pgwf_message_is_pending(call, namespace_id, run_key, false))
		return false;
	pgwf_event_delete_all(call, namespace_id, run_key);
	pgwf_update_delete_all(call, namespace_id, run_key);
	pgwf_run_request_delete_all(call, namespace_id, run_key, false);
	pgwf_execution_delete(call, execution);
	pgwf_xact_run_changed(namespace_id, run_key);
	if (events)
		*events += execution->history_length;
	return true;
}

/* The same, whatever it costs */
bool
pgwf_run_delete(PgwfCall *call, int32 namespace_id, int64 run_key)
{
	return delete_run(call, namespace_id, run_key, NULL);
}

/*
 * Leaves it to the scheduler to delete a closed run, once its messages are
 * delivered
 */
static void
request_deletion(PgwfCall *call, const PgwfExecution *execution)
{
	PgwfMessage message = {0};

	if (pgwf_message_is_pending(call, execution->namespace_id,
								execution->run_key, true))
		return;
	message.namespace_id = execution->namespace_id;
	message.kind = PGWF_MESSAGE_DELETE;
	message.run_key = execution->run_key;
	message.due_at = call->now;
	pgwf_message_insert(call, &message);
	pgwf_xact_due(message.due_at);
}

/*
 * delete_workflow_execution(workflow_id, run_id, namespace)
 *
 * An open run is terminated first, and deleted when those who have to know
 * of that have been told.
 */
Datum
pgwf_delete_workflow_execution(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	PgwfRun		run;
	int32		namespace_id;
	char	   *workflow_id;
	pg_uuid_t  *run_id;
	PgwfExecution *execution;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 2),
									   PGWF_RIGHT_CLIENT);
	workflow_id = pgwf_arg_required_id(fcinfo, 0, "workflow_id");
	run_id = pgwf_arg_uuid(fcinfo, 1);
	if (pgwf_find_open_run(&run, &call, namespace_id, workflow_id, run_id))
	{
		pgwf_run_terminate(&run, "Delete workflow execution", NULL,
						   PGWF_SERVICE_IDENTITY);
		pgwf_run_send(&run, PGWF_MESSAGE_DELETE, 0);
		pgwf_run_finish(&run);
	}
	else
	{
		execution = pgwf_find_execution(&call, namespace_id, workflow_id,
										run_id);
		if (!pgwf_run_delete(&call, namespace_id, execution->run_key))
			request_deletion(&call, execution);
	}
	pgwf_xact_mark_durable();
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

/*
 * Retention
 */

/* When the next run's retention ends, as far as is known; DT_NOEND: never */
static TimestampTz
find_next_expiry(void)
{
	bool		isnull;
	Datum		value;

	(void) pgwf_db_query(&select_next_expiry, NULL, NULL, 0);
	value = pgwf_db_value(0, 1, &isnull);
	return isnull ? DT_NOEND : DatumGetTimestampTz(value);
}

/*
 * Deletes runs that have been closed for longer than their namespace keeps
 * them.  Looks at the tables only when something expires as far as the last
 * look has told, and once in scheduler_look_interval.
 */
void
pgwf_retention_enforce(PgwfCall *call, PgwfTurn *turn)
{
	int64		pause = (int64) pgwf_scheduler_look_interval * 900;
	PgwfDbScope scope;
	Datum		values[2];
	uint64		count;
	int64		events = 0;
	bool		isnull;

	turn->next = next_expiry;
	if (call->wall < next_expiry && call->wall >= last_look &&
		call->wall - last_look < pause)
		return;

	pgwf_db_begin(&scope);
	values[0] = TimestampTzGetDatum(call->wall);
	values[1] = Int64GetDatum(turn->max_runs);
	count = pgwf_db_query(&select_expired, values, NULL, 0);
	for (uint64 i = 0; i < count && events < MAX_EVENTS; i++)
	{
		int32		namespace_id;
		int64		run_key;

		CHECK_FOR_INTERRUPTS();
		namespace_id = DatumGetInt32(pgwf_db_value(i, 1, &isnull));
		run_key = DatumGetInt64(pgwf_db_value(i, 2, &isnull));
		if (delete_run(call, namespace_id, run_key, &events))
			turn->fired++;
	}
	turn->more = turn->fired > 0 &&
		(count == turn->max_runs || events >= MAX_EVENTS);
	last_look = call->wall;
	next_expiry = turn->more ? call->wall :
		Max(find_next_expiry(), call->wall + SHORTEST_PAUSE);
	turn->next = next_expiry;
	pgwf_db_end(&scope);
}

/* A clock has been set forward: what has expired by it is to be deleted */
void
pgwf_retention_look_again(void)
{
	next_expiry = DT_NOBEGIN;
	pgwf_slot_publish_look(PGWF_PART_RETENTION);
}
