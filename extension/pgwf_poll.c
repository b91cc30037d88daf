/*-------------------------------------------------------------------------
 *
 * pgwf_poll.c
 *		Claiming tasks: poll_workflow_task_queue, poll_activity_task_queue.
 *
 * A poll never waits: what others hold is skipped, and an empty answer means
 * that there is nothing to claim now.  A claim that is lost in a crash is
 * only handed out again, so a transaction of claims alone commits
 * asynchronously.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "pgwf_activity.h"
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_namespace.h"
#include "pgwf_queue.h"
#include "pgwf_query.h"
#include "pgwf_task_response.h"
#include "pgwf_version.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_poll_workflow_task_queue);
PG_FUNCTION_INFO_V1(pgwf_poll_activity_task_queue);
PG_FUNCTION_INFO_V1(pgwf_shutdown_worker);

#define MAX_TASKS_PER_POLL 1000

/*
 * Histories and payloads of a batch are not kept together: what is allocated
 * for a task goes when the next one is looked at.
 */
static MemoryContext
make_task_context(PgwfCall *call)
{
	return AllocSetContextCreate(call->context, "pg_workflow task",
								 ALLOCSET_DEFAULT_SIZES);
}

static void
put_response(ReturnSetInfo *rsinfo, StringInfo response)
{
	Datum		value = PointerGetDatum(cstring_to_text_with_len(response->data,
																 response->len));
	bool		isnull = false;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	pfree(DatumGetPointer(value));
}

/*
 * A worker that lost the answer of a poll repeats it with the same request
 * id, and gets the tasks that the poll claimed and that are still its own.
 */
static bool
load_claimed_task(PgwfRun *run, PgwfCall *call, const PgwfTask *claimed)
{
	return pgwf_run_load(run, call, claimed->namespace_id, claimed->run_key,
						 LockWaitSkip) == PGWF_LOCK_OK &&
		run->state.wft_started_event_id != 0 &&
		run->state.wft_stamp == claimed->stamp;
}

static int
repeat_workflow_tasks(ReturnSetInfo *rsinfo, PgwfCall *call,
					  int32 namespace_id, const char *task_queue,
					  bool sticky, const char *request_id)
{
	PgwfScan	scan;
	MemoryContext task_context = make_task_context(call);
	int			repeated = 0;

	pgwf_task_request_scan(&scan, call, namespace_id, request_id);
	while (pgwf_scan_next(&scan))
	{
		PgwfTask	claimed;
		PgwfRun		run;

		MemoryContextSwitchTo(task_context);
		pgwf_task_read(scan.slot, &claimed);
		if (claimed.claimed && claimed.sticky == sticky &&
			strcmp(claimed.task_queue, task_queue) == 0 &&
			load_claimed_task(&run, call, &claimed))
		{
			StringInfoData response;

			initStringInfo(&response);
			pgwf_append_workflow_task(&response, &run, sticky);
			put_response(rsinfo, &response);
			repeated++;
		}
		MemoryContextSwitchTo(call->context);
		MemoryContextReset(task_context);
	}
	pgwf_scan_end(&scan);
	return repeated;
}

/*
 * Claims the workflow task of a candidate row, if the locked state of its run
 * says that it is the one to be claimed.  One that is in the queue of a worker
 * whose version is not the run's any more goes to the normal queue.
 */
static bool
claim_workflow_task(PgwfRun *run, PgwfCall *call, const PgwfTask *candidate,
					const char *identity, const char *request_id,
					int32 version_key)
{
	pgwf_clock_hold(call);
	if (pgwf_run_load(run, call, candidate->namespace_id, candidate->run_key,
					  LockWaitSkip) != PGWF_LOCK_OK)
		return false;
	if (run->state.wft_scheduled_event_id == 0 ||
		run->state.wft_started_event_id != 0 ||
		run->state.wft_stamp != candidate->stamp)
		return false;
	if (candidate->sticky && pgwf_run_has_left_version(run))
	{
		pgwf_workflow_task_move_to_normal(run);
		pgwf_run_finish(run);
		return false;
	}
	pgwf_run_dispatch_to(run, version_key);
	run->poll_request_id = request_id;
	pgwf_workflow_task_start(run, identity,
							 pgwf_workflow_task_request_id(&run->state));
	pgwf_run_finish(run);
	return true;
}

/*
 * Claims queries that wait as tasks of their own.  They come first: somebody
 * waits for each of them.  Returns how many.
 */
static int
claim_queries(ReturnSetInfo *rsinfo, PgwfCall *call, int32 namespace_id,
			  const char *task_queue, bool sticky, int32 version_key,
			  int max_tasks)
{
	PgwfQueueReader reader;
	TupleTableSlot *slot;
	MemoryContext task_context = make_task_context(call);
	int			claimed = 0;

	pgwf_queue_read_begin(&reader, call, namespace_id, PGWF_QUEUE_QUERY,
						  task_queue, version_key);
	while (claimed < max_tasks &&
		   (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfQuery	query;

		MemoryContextSwitchTo(task_context);
		pgwf_query_read(slot, &query);
		if (query.sticky == sticky &&
			pgwf_queue_may_have(&reader, slot, &query.route) &&
			pgwf_query_claim(call, &query))
		{
			StringInfoData response;

			initStringInfo(&response);
			pgwf_append_query_task(&response, call, &query);
			put_response(rsinfo, &response);
			claimed++;
		}
		MemoryContextSwitchTo(call->context);
		MemoryContextReset(task_context);
	}
	pgwf_queue_read_end(&reader);
	return claimed;
}

/*
 * poll_workflow_task_queue(task_queue, max_tasks, identity, sticky,
 *		request_id, build_id, deployment_name, versioning_mode, namespace)
 *	returns a PollWorkflowTaskQueueResponse per task claimed: queries, then
 *	workflow tasks, by priority
 *
 * "sticky" tells that the queue is the private one of a worker: its tasks
 * come with the part of the history that the worker has not seen.
 */
Datum
pgwf_poll_workflow_task_queue(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PgwfCall	call;
	int32		namespace_id;
	char	   *task_queue;
	int			max_tasks;
	char	   *identity;
	bool		sticky;
	char	   *request_id;
	PgwfVersion version;
	PgwfQueueReader reader;
	TupleTableSlot *slot;
	MemoryContext task_context;
	int			claimed = 0;

	PreventCommandDuringRecovery("workflow.poll_workflow_task_queue()");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgwf_call_begin(&call);
	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 8),
										PGWF_RIGHT_WORKER);
	pgwf_clock_use(&call, namespace_id, false);
	task_queue = pgwf_arg_required_id(fcinfo, 0, "task_queue");
	max_tasks = pgwf_arg_int(fcinfo, 1, "max_tasks", 1, 1,
							 MAX_TASKS_PER_POLL);
	identity = pgwf_arg_identity(fcinfo, 2);
	sticky = pgwf_arg_bool(fcinfo, 3);
	request_id = pgwf_arg_id(fcinfo, 4, "request_id");
	if (pgwf_arg_version(fcinfo, 6, 5, 7, &version))
		pgwf_version_register(namespace_id, &version, PGWF_QUEUE_WORKFLOW,
							  sticky ? NULL : task_queue);

	pgwf_shmem_note_poller(namespace_id, PGWF_QUEUE_WORKFLOW, task_queue,
						   identity, version.key);
	pgwf_xact_claim_begin();
	if (request_id)
		claimed = repeat_workflow_tasks(rsinfo, &call, namespace_id,
										task_queue, sticky, request_id);
	if (claimed > 0)
		max_tasks = 0;
	else
		claimed = claim_queries(rsinfo, &call, namespace_id, task_queue,
								sticky, version.key, max_tasks);
	task_context = make_task_context(&call);
	pgwf_queue_read_begin(&reader, &call, namespace_id, PGWF_QUEUE_WORKFLOW,
						  task_queue, version.key);
	while (claimed < max_tasks &&
		   (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfTask	candidate;
		PgwfRun		run;

		MemoryContextSwitchTo(task_context);
		pgwf_task_read(slot, &candidate);
		if (candidate.sticky == sticky &&
			pgwf_queue_may_have(&reader, slot, &candidate.route) &&
			claim_workflow_task(&run, &call, &candidate, identity,
								request_id, version.key))
		{
			StringInfoData response;

			initStringInfo(&response);
			pgwf_append_workflow_task(&response, &run, sticky);
			put_response(rsinfo, &response);
			claimed++;
		}
		MemoryContextSwitchTo(call.context);
		MemoryContextReset(task_context);
	}
	pgwf_queue_read_end(&reader);
	pgwf_xact_claim_end();
	pgwf_call_end(&call);
	return (Datum) 0;
}

static void
append_claimed_activity(StringInfo response, PgwfCall *call,
						const PgwfActivity *activity, const char *namespace)
{
	PgwfExecution *execution;
	PgwfEvent  *scheduled;

	execution = pgwf_execution_load(call, activity->namespace_id,
									activity->run_key);
	scheduled = pgwf_event_load_one(call, activity->namespace_id,
									activity->run_key,
									activity->scheduled_event_id);
	if (execution == NULL || scheduled == NULL)
		elog(ERROR, "history of activity " INT64_FORMAT " of run " INT64_FORMAT " is missing",
			 activity->scheduled_event_id, activity->run_key);
	pgwf_append_activity_task(response, activity, execution, scheduled,
							  namespace);
}

static int
repeat_activity_tasks(ReturnSetInfo *rsinfo, PgwfCall *call,
					  const char *namespace, int32 namespace_id,
					  const char *task_queue, const char *request_id)
{
	PgwfScan	scan;
	MemoryContext task_context = make_task_context(call);
	int			repeated = 0;

	pgwf_activity_request_scan(&scan, call, namespace_id, request_id);
	while (pgwf_scan_next(&scan))
	{
		PgwfActivity activity;

		MemoryContextSwitchTo(task_context);
		pgwf_activity_read(scan.slot, &activity);
		if (activity.state == PGWF_ACTIVITY_STARTED &&
			strcmp(activity.task_queue, task_queue) == 0)
		{
			StringInfoData response;

			initStringInfo(&response);
			append_claimed_activity(&response, call, &activity, namespace);
			put_response(rsinfo, &response);
			repeated++;
		}
		MemoryContextSwitchTo(call->context);
		MemoryContextReset(task_context);
	}
	pgwf_scan_end(&scan);
	return repeated;
}

/*
 * Claims the waiting activity of a row that the worker may have by its route.
 * Its run may have to move to the worker's version first.
 */
static bool
claim_activity(PgwfCall *call, PgwfActivity *activity, const char *identity,
			   const char *request_id, int32 version_key)
{
	PgwfActivityDispatch dispatch;

	pgwf_clock_hold(call);
	dispatch = pgwf_activity_dispatchable(call, activity, version_key);
	if (dispatch == PGWF_DISPATCH_TRANSITION)
		pgwf_run_start_transition(call, activity, version_key);
	if (dispatch != PGWF_DISPATCH_NOW ||
		pgwf_activity_lock(call, activity, LockWaitSkip) != PGWF_LOCK_OK ||
		activity->state != PGWF_ACTIVITY_SCHEDULED)
		return false;
	pgwf_xact_hold_task(activity->namespace_id, PGWF_QUEUE_ACTIVITY,
						activity->task_queue, version_key);
	pgwf_activity_start(activity, call->now, identity, request_id);
	pgwf_activity_update(call, activity);
	if (activity->due_at != PGWF_NO_TIME)
		pgwf_xact_due(activity->due_at);
	return true;
}

/*
 * poll_activity_task_queue(task_queue, max_tasks, identity, request_id,
 *		build_id, deployment_name, versioning_mode, namespace)
 *	returns a PollActivityTaskQueueResponse per activity claimed
 */
Datum
pgwf_poll_activity_task_queue(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PgwfCall	call;
	char	   *namespace;
	int32		namespace_id;
	char	   *task_queue;
	int			max_tasks;
	char	   *identity;
	char	   *request_id;
	PgwfVersion version;
	PgwfQueueReader reader;
	TupleTableSlot *slot;
	MemoryContext task_context;
	int			claimed = 0;

	PreventCommandDuringRecovery("workflow.poll_activity_task_queue()");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgwf_call_begin(&call);
	namespace = pgwf_arg_namespace(fcinfo, 7);
	namespace_id = pgwf_namespace_check(namespace, PGWF_RIGHT_WORKER);
	pgwf_clock_use(&call, namespace_id, false);
	task_queue = pgwf_arg_required_id(fcinfo, 0, "task_queue");
	max_tasks = pgwf_arg_int(fcinfo, 1, "max_tasks", 1, 1,
							 MAX_TASKS_PER_POLL);
	identity = pgwf_arg_identity(fcinfo, 2);
	request_id = pgwf_arg_id(fcinfo, 3, "request_id");
	if (pgwf_arg_version(fcinfo, 5, 4, 6, &version))
		pgwf_version_register(namespace_id, &version, PGWF_QUEUE_ACTIVITY,
							  task_queue);

	pgwf_shmem_note_poller(namespace_id, PGWF_QUEUE_ACTIVITY, task_queue,
						   identity, version.key);
	pgwf_xact_claim_begin();
	if (request_id)
		claimed = repeat_activity_tasks(rsinfo, &call, namespace,
										namespace_id, task_queue, request_id);
	if (claimed > 0)
		max_tasks = 0;
	task_context = make_task_context(&call);
	pgwf_queue_read_begin(&reader, &call, namespace_id, PGWF_QUEUE_ACTIVITY,
						  task_queue, version.key);
	while (claimed < max_tasks &&
		   (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfActivity activity;

		MemoryContextSwitchTo(task_context);
		pgwf_activity_read(slot, &activity);
		if (pgwf_queue_may_have(&reader, slot, &activity.route) &&
			claim_activity(&call, &activity, identity, request_id,
						   version.key))
		{
			StringInfoData response;

			initStringInfo(&response);
			append_claimed_activity(&response, &call, &activity, namespace);
			put_response(rsinfo, &response);
			claimed++;
		}
		MemoryContextSwitchTo(call.context);
		MemoryContextReset(task_context);
	}
	pgwf_queue_read_end(&reader);
	pgwf_xact_claim_end();
	pgwf_call_end(&call);
	return (Datum) 0;
}

/*
 * shutdown_worker(sticky_task_queue, identity, namespace)
 *
 * From now on the workflow tasks of the runs that the worker has go to their
 * normal queues; those that already wait in its queue do so at once.
 */
Datum
pgwf_shutdown_worker(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	char	   *task_queue;
	PgwfScan	scan;

	pgwf_call_begin(&call);
	namespace_id = pgwf_call_namespace(&call, pgwf_arg_namespace(fcinfo, 2),
									   PGWF_RIGHT_WORKER);
	task_queue = pgwf_arg_required_id(fcinfo, 0, "sticky_task_queue");
	pgwf_shmem_forget_poller(namespace_id, PGWF_QUEUE_WORKFLOW, task_queue);

	pgwf_task_queue_scan(&scan, &call, namespace_id, task_queue,
						 PGWF_ANY_VERSION);
	while (pgwf_scan_next(&scan))
	{
		PgwfTask	candidate;
		PgwfRun		run;

		pgwf_task_read(scan.slot, &candidate);
		if (!candidate.sticky ||
			pgwf_run_load(&run, &call, namespace_id, candidate.run_key,
						  LockWaitSkip) != PGWF_LOCK_OK ||
			run.state.wft_stamp != candidate.stamp ||
			run.state.wft_scheduled_event_id == 0 ||
			run.state.wft_started_event_id != 0)
			continue;
		pgwf_workflow_task_move_to_normal(&run);
		pgwf_run_finish(&run);
	}
	pgwf_scan_end(&scan);
	pgwf_call_end(&call);
	PG_RETURN_VOID();
}
