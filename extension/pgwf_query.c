/*-------------------------------------------------------------------------
 *
 * pgwf_query.c
 *		Queries on their way to a worker and back (SS 8).
 *
 * A query is either a task of its own in a task queue (direct), or goes with
 * the next workflow task of its run (buffered).  Its asker waits for it in
 * shared memory; a query that nobody waits for is not handed out any more,
 * and the scheduler removes it.
 *
 * Locks: a query's row, after that of its run if both are taken.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_errors.h"
#include "pgwf_failure.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_query.h"
#include "pgwf_token.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_respond_query_task_completed);

#define RESULT_TYPE_PREFIX "QUERY_RESULT_TYPE_"

/* What the asker of a query waits for */
uint64
pgwf_query_key(const PgwfQuery *query)
{
	return pgwf_shmem_queue_key(query->namespace_id, PGWF_QUEUE_QUERY,
								pgwf_uuid_text(&query->query_id), 0);
}

bool
pgwf_query_is_awaited(const PgwfQuery *query)
{
	return pgwf_shmem_is_awaited(pgwf_query_key(query));
}

static void
wake_asker(const PgwfQuery *query)
{
	pgwf_xact_wake_queue(query->namespace_id, PGWF_QUEUE_QUERY,
						 pgwf_uuid_text(&query->query_id), 0);
}

/* The version whose workers may have a query that waits */
static int32
query_target(const PgwfQuery *query)
{
	return pgwf_route_target(query->namespace_id, PGWF_QUEUE_WORKFLOW,
							 query->task_queue, &query->route);
}

/* A query waits in its queue */
void
pgwf_query_wake_worker(const PgwfQuery *query)
{
	pgwf_xact_wake_queue(query->namespace_id, PGWF_QUEUE_WORKFLOW,
						 query->task_queue, query_target(query));
}

/*
 * Makes the query of a locked run a task of its own: for the worker that has
 * the run if it is there, otherwise for any.  The caller writes the row.
 */
void
pgwf_query_dispatch(PgwfRun *run, PgwfQuery *query)
{
	query->state = PGWF_QUERY_WAITING;
	query->sticky = pgwf_run_is_open(run) && run->state.sticky_queue &&
		pgwf_sticky_worker_is_alive(run);
	query->task_queue = query->sticky ? run->state.sticky_queue :
		pgwf_run_execution(run)->task_queue;
	if (query->sticky)
		query->route = (PgwfRoute) {run->state.version_key, 0};
	else
		pgwf_run_route(run, &query->route);
	pgwf_query_wake_worker(query);
}

/*
 * Hands a waiting query to a worker.  False if somebody else has it, nobody
 * wants to know any more, or the run has been deleted.
 */
bool
pgwf_query_claim(PgwfCall *call, PgwfQuery *query)
{
	pgwf_clock_hold(call);
	if (!pgwf_query_is_awaited(query) ||
		pgwf_query_lock(call, query, LockWaitSkip) != PGWF_LOCK_OK ||
		query->state != PGWF_QUERY_WAITING ||
		pgwf_execution_load(call, query->namespace_id,
							query->run_key) == NULL)
		return false;
	pgwf_xact_hold_task(query->namespace_id, PGWF_QUEUE_WORKFLOW,
						query->task_queue, query_target(query));
	query->state = PGWF_QUERY_CLAIMED;
	query->attempt++;
	pgwf_query_update(call, query);
	return true;
}

/*
 * Answers
 */

/* A result that cannot be taken becomes a failed one */
static void
too_large(PgwfObject *answer, const Jsonb *result)
{
	pgwf_object_text(answer, "resultType", RESULT_TYPE_PREFIX "FAILED");
	pgwf_object_text(answer, "errorMessage",
					 psprintf("query result size (%u) exceeds limit (%d)",
							  (unsigned int) VARSIZE(result),
							  pgwf_payload_size_error));
}

/* A WorkflowQueryResult from its parts */
static Jsonb *
make_answer(const char *type, const Jsonb *result, const char *error_message,
			Jsonb *failure)
{
	PgwfObject	answer;

	if (strncmp(type, RESULT_TYPE_PREFIX, strlen(RESULT_TYPE_PREFIX)) == 0)
		type += strlen(RESULT_TYPE_PREFIX);
	pgwf_object_begin(&answer);
	if (strcmp(type, "ANSWERED") == 0)
	{
		result = pgwf_payloads(result);
		if (result && pgwf_payload_size_error > 0 &&
			VARSIZE(result) > pgwf_payload_size_error)
			too_large(&answer, result);
		else
		{
			pgwf_object_text(&answer, "resultType",
							 RESULT_TYPE_PREFIX "ANSWERED");
			pgwf_object_jsonb(&answer, "answer", result);
		}
	}
	else if (strcmp(type, "FAILED") == 0)
	{
		pgwf_failure_check(failure);
		pgwf_object_text(&answer, "resultType", RESULT_TYPE_PREFIX "FAILED");
		pgwf_object_text(&answer, "errorMessage", error_message);
		pgwf_object_jsonb(&answer, "failure",
						  pgwf_failure_limit_size(failure,
												  pgwf_payload_size_error));
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("unknown type of query result \"%s\"", type),
				 errhint("It is ANSWERED or FAILED.")));
	return pgwf_object_finish(&answer);
}

/*
 * respond_query_task_completed(task_token, completed_type, query_result,
 *		error_message, failure, namespace)
 */
Datum
pgwf_respond_query_task_completed(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	pg_uuid_t	query_id;
	int32		attempt;
	char	   *type;
	Jsonb	   *answer;
	PgwfQuery  *query;

	pgwf_call_begin(&call);
	pgwf_token_parse_query(pgwf_arg_text(fcinfo, 0), &namespace_id,
						   &query_id, &attempt);
	pgwf_call_namespace_id(&call, namespace_id, PGWF_RIGHT_WORKER);
	type = pgwf_arg_text(fcinfo, 1);
	answer = make_answer(type ? type : "ANSWERED", pgwf_arg_jsonb(fcinfo, 2),
						 pgwf_arg_text(fcinfo, 3), pgwf_arg_jsonb(fcinfo, 4));

	query = pgwf_query_load(&call, namespace_id, &query_id);
	if (query == NULL ||
		pgwf_query_lock(&call, query, LockWaitBlock) != PGWF_LOCK_OK ||
		query->state != PGWF_QUERY_CLAIMED || query->attempt != attempt)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("query task not found"),
				 errdetail("It was answered before, or nobody waits for its answer any more.")));
	query->state = PGWF_QUERY_ANSWERED;
	query->answer = answer;
	pgwf_query_update(&call, query);
	wake_asker(query);
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}

/*
 * Queries that go with workflow tasks
 */

/* The buffered queries of a run, including those that this call answered */
List *
pgwf_run_queries(PgwfRun *run)
{
	if (!run->queries_loaded)
	{
		if (run->stored.flags & PGWF_RUN_HAS_QUERIES)
			run->queries = pgwf_query_load_buffered(run->call,
													run->state.namespace_id,
													run->state.run_key);
		run->queries_loaded = true;
	}
	return run->queries;
}

/*
 * Takes the answers that come with the completion of a workflow task: an
 * object with a WorkflowQueryResult per id of a query.  Ids that are not
 * known any more are ignored.
 */
void
pgwf_run_answer_queries(PgwfRun *run, Jsonb *results)
{
	PgwfReader	reader;
	ListCell   *lc;

	if (results == NULL)
		return;
	pgwf_reader_init(&reader, results);
	foreach(lc, pgwf_run_queries(run))
	{
		PgwfQuery  *query = lfirst(lc);
		Jsonb	   *result;
		PgwfReader	members;
		char	   *type;

		result = pgwf_read_object(&reader, pgwf_uuid_text(&query->query_id));
		if (result == NULL)
			continue;
		pgwf_reader_init(&members, result);
		type = pgwf_read_text(&members, "resultType");
		query->answer = make_answer(type ? type : "ANSWERED",
									pgwf_read_jsonb(&members, "answer"),
									pgwf_read_text(&members, "errorMessage"),
									pgwf_read_jsonb(&members, "failure"));
		if (members.error)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("invalid query result"),
					 errdetail("%s.", members.error)));
		query->state = PGWF_QUERY_ANSWERED;
		query->changed = true;
	}
	if (reader.error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid query_results"),
				 errdetail("%s.", reader.error)));
}

/* A closed run that no worker has ever worked on cannot be asked */
static Jsonb *
not_ready(void)
{
	PgwfObject	answer;

	pgwf_object_begin(&answer);
	pgwf_object_text(&answer, "resultType", PGWF_QUERY_NOT_READY);
	return pgwf_object_finish(&answer);
}

/*
 * The run is about to be written: if it has no workflow task that its
 * buffered queries could go with, they become tasks of their own.
 */
void
pgwf_run_settle_queries(PgwfRun *run)
{
	ListCell   *lc;
	bool		seen = run->state.previous_started_event_id != 0;

	if ((run->stored.flags & PGWF_RUN_HAS_QUERIES) == 0)
		return;
	if (pgwf_run_is_open(run) &&
		(run->state.wft_scheduled_event_id != 0 || !seen))
		return;
	foreach(lc, pgwf_run_queries(run))
	{
		PgwfQuery  *query = lfirst(lc);

		if (query->state != PGWF_QUERY_BUFFERED)
			continue;
		if (seen)
			pgwf_query_dispatch(run, query);
		else
		{
			query->state = PGWF_QUERY_ANSWERED;
			query->answer = not_ready();
		}
		query->changed = true;
	}
	run->state.flags &= ~PGWF_RUN_HAS_QUERIES;
}

/* Writes the changes of buffered queries; the asker of one may have gone */
void
pgwf_run_write_queries(PgwfRun *run)
{
	ListCell   *lc;

	foreach(lc, run->queries)
	{
		PgwfQuery  *query = lfirst(lc);
		PgwfQuery	stored = *query;

		if (!query->changed)
			continue;
		query->changed = false;
		if (pgwf_query_lock(run->call, &stored,
							LockWaitBlock) != PGWF_LOCK_OK)
			continue;
		query->tid = stored.tid;
		pgwf_query_update(run->call, query);
		wake_asker(query);
	}
}

/* "queries" of a workflow task: those that its worker is to answer with it */
void
pgwf_append_queries(StringInfo buf, PgwfRun *run)
{
	ListCell   *lc;
	bool		any = false;

	foreach(lc, pgwf_run_queries(run))
	{
		PgwfQuery  *query = lfirst(lc);

		if (query->state != PGWF_QUERY_BUFFERED ||
			!pgwf_query_is_awaited(query))
			continue;
		if (!any)
		{
			pgwf_append_json_member(buf, "queries");
			appendStringInfoChar(buf, '{');
		}
		any = true;
		pgwf_append_json_jsonb(buf, pgwf_uuid_text(&query->query_id),
							   query->query);
	}
	if (any)
		appendStringInfoChar(buf, '}');
}

/*
 * Removes queries whose askers have gone; returns how many.  Askers wait by
 * the machine's clock, whatever that of the namespace shows.
 */
int
pgwf_queries_expire(PgwfCall *call, int max_queries)
{
	PgwfScan	scan;
	int			count = 0;

	pgwf_query_due_scan(&scan, call, PGWF_NO_TIME, call->wall);
	while (count < max_queries && pgwf_scan_next(&scan))
	{
		PgwfQuery	query;

		pgwf_query_read(scan.slot, &query);
		if (pgwf_query_lock(call, &query, LockWaitSkip) != PGWF_LOCK_OK)
			continue;
		pgwf_query_delete(call, &query);
		count++;
	}
	pgwf_scan_end(&scan);
	return count;
}
