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

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/tuplestore.h"

#include "pgwf_activity.h"
#include "pgwf_args.h"
#include "pgwf_clock.h"
#include "pgwf_dispatch.h"
#include "pgwf_errors.h"
#include "pgwf_namespace.h"
#include "pgwf_poll.h"
#include "pgwf_query.h"
#include "pgwf_queue.h"
#include "pgwf_task_response.h"
#include "pgwf_update.h"
#include "pgwf_version.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_poll_workflow_task_queue);
PG_FUNCTION_INFO_V1(pgwf_poll_activity_task_queue);
PG_FUNCTION_INFO_V1(pgwf_shutdown_worker);

/* A poll under way */
typedef struct Poll
{
	PgwfCall	call;
	ReturnSetInfo *rsinfo;		/* answers are its rows, or, if not NULL, */
	StringInfo	array;			/* the elements of this, without brackets */
	const char *namespace;
	int32		namespace_id;
	char		kind;
	char	   *task_queue;
	int			max_tasks;
	char	   *identity;
	bool		sticky;
	char	   *request_id;		/* NULL: it cannot be repeated */
	PgwfVersion version;		/* of the worker; its key is 0 without one */
	int			answered;		/* tasks in the answer */
	int64		backlog;		/* tasks left, as far as that is known */

	/*
	 * Histories and payloads of a batch are not kept together: what is
	 * allocated for a task goes when the next one is looked at.
	 */
	MemoryContext task_context;
} Poll;

static void
call_begin(Poll *poll, const char *namespace)
{
	/* limits may have been set since the transaction began */
	AcceptInvalidationMessages();
	pgwf_call_begin(&poll->call);
	poll->namespace = namespace;
	poll->namespace_id = pgwf_namespace_check(namespace, PGWF_RIGHT_WORKER);
	pgwf_clock_use(&poll->call, poll->namespace_id, false);
	poll->task_context = AllocSetContextCreate(poll->call.context,
											   "pg_workflow task",
											   ALLOCSET_DEFAULT_SIZES);
}

/* Begins a poll by reading what both kinds have: the namespace comes last */
static void
poll_begin(Poll *poll, FunctionCallInfo fcinfo, char kind)
{
	memset(poll, 0, sizeof(Poll));
	poll->rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	poll->kind = kind;
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	call_begin(poll, pgwf_arg_namespace(fcinfo, PG_NARGS() - 1));
	poll->task_queue = pgwf_arg_task_queue(fcinfo, 0);
	poll->max_tasks = pgwf_arg_int(fcinfo, 1, "max_tasks", 1, 1,
								   PGWF_MAX_TASKS_PER_POLL);
	poll->identity = pgwf_arg_identity(fcinfo, 2);
}

/*
 * The limit that a worker has for the whole queue.  Those who sleep because
 * of another one look again.
 */
static void
note_limit(Poll *poll, FunctionCallInfo fcinfo, int n)
{
	uint64		key;
	double		rate;

	if (PG_ARGISNULL(n))
		return;
	rate = PG_GETARG_FLOAT8(n);
	if (!(rate >= 0) || isinf(rate))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("max_tasks_per_second must be a number that is not negative")));
	if (poll->sticky)
		return;
	key = pgwf_shmem_queue_key(poll->namespace_id, poll->kind,
							   poll->task_queue, 0);
	if (pgwf_queue_state_limit(key, poll->call.wall, rate))
		pgwf_shmem_recheck_all(MyDatabaseId);
}

static void
poll_end(Poll *poll)
{
	pgwf_xact_claim_end();
	pgwf_call_end(&poll->call);
}

static void
put_response(Poll *poll, StringInfo response)
{
	ReturnSetInfo *rsinfo = poll->rsinfo;
	Datum		value;
	bool		isnull = false;

	if (poll->array != NULL)
	{
		if (poll->array->len > 0)
			appendStringInfoChar(poll->array, ',');
		appendBinaryStringInfo(poll->array, response->data, response->len);
		poll->answered++;
		return;
	}
	value = PointerGetDatum(cstring_to_text_with_len(response->data,
													 response->len));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	pfree(DatumGetPointer(value));
	poll->answered++;
}

/* What is allocated until leave_task() is for one task */
static void
enter_task(Poll *poll)
{
	MemoryContextSwitchTo(poll->task_context);
}

static void
leave_task(Poll *poll)
{
	MemoryContextSwitchTo(poll->call.context);
	MemoryContextReset(poll->task_context);
}

/* How many tasks are left in the queue; 0 if that is not known */
static int64
backlog_left(const PgwfQueueReader *reader, int claimed)
{
	return Max(reader->view.backlog - claimed, 0);
}

/* The version of the worker, which serves the queue from now on */
static void
read_version(Poll *poll, FunctionCallInfo fcinfo, int build_id)
{
	if (pgwf_arg_version(fcinfo, build_id + 1, build_id, build_id + 2,
						 &poll->version))
		pgwf_version_register(poll->namespace_id, &poll->version, poll->kind,
							  poll->sticky ? NULL : poll->task_queue);
}

/*
 * A worker that lost the answer of a poll repeats it with the same request
 * id, and gets the tasks that the poll claimed and that are still its own.
 */
static bool
load_claimed_task(PgwfRun *run, PgwfCall *call,
				  const PgwfPollRequest *request)
{
	return pgwf_run_load(run, call, request->namespace_id, request->run_key,
						 LockWaitSkip) == PGWF_LOCK_OK &&
		run->state.wft_started_event_id != 0 &&
		run->state.wft_stamp == request->stamp;
}

static void
repeat_workflow_tasks(Poll *poll)
{
	PgwfScan	scan;

	pgwf_poll_request_scan(&scan, &poll->call, poll->namespace_id,
						   poll->request_id);
	while (pgwf_scan_next(&scan))
	{
		PgwfPollRequest request;
		PgwfRun		run;

		enter_task(poll);
		pgwf_poll_request_read(scan.slot, &request);
		if (load_claimed_task(&run, &poll->call, &request) &&
			poll->sticky ==
			((run.state.flags & PGWF_RUN_TASK_ON_STICKY) != 0) &&
			strcmp(pgwf_run_task_queue(&run), poll->task_queue) == 0)
		{
			StringInfoData response;

			pgwf_run_resend_updates(&run);
			initStringInfo(&response);
			pgwf_append_workflow_task(&response, &run, poll->sticky, 0);
			put_response(poll, &response);
		}
		leave_task(poll);
	}
	pgwf_scan_end(&scan);
}

/*
 * Claims the workflow task of a candidate row, if the locked state of its run
 * says that it is the one to be claimed.  One that is in the queue of a worker
 * whose version is not the run's any more goes to the normal queue.
 */
static bool
claim_workflow_task(Poll *poll, PgwfTask *candidate, PgwfRun *run)
{
	pgwf_clock_hold(&poll->call);
	if (pgwf_run_load(run, &poll->call, candidate->namespace_id,
					  candidate->run_key, LockWaitSkip) != PGWF_LOCK_OK)
		return false;
	if (run->state.wft_scheduled_event_id == 0 ||
		run->state.wft_started_event_id != 0 ||
		run->state.wft_stamp != candidate->stamp)
		return false;

	/* a stamp has one row, which is never changed */
	run->task = candidate;
	if (candidate->sticky && pgwf_run_has_left_version(run))
	{
		pgwf_workflow_task_move_to_normal(run);
		pgwf_run_finish(run);
		return false;
	}
	pgwf_run_dispatch_to(run, poll->version.key);
	run->poll_request_id = poll->request_id;
	pgwf_workflow_task_start(run, poll->identity,
							 pgwf_workflow_task_request_id(&run->state));
	pgwf_run_finish(run);
	return true;
}

/* May the poller have the task, by its route and by the limits? */
static PgwfVerdict
may_have(PgwfQueueReader *reader, TupleTableSlot *slot,
		 PgwfDispatch *dispatch, const PgwfRoute *route,
		 const PgwfPlace *place)
{
	if (!pgwf_queue_may_have(reader, slot, route))
		return PGWF_DISPATCH_OTHER;
	return pgwf_dispatch_may(dispatch, place);
}

static void
claim_workflow_tasks(Poll *poll)
{
	PgwfQueueReader reader;
	PgwfDispatch dispatch;
	PgwfVerdict verdict = PGWF_DISPATCH_OTHER;
	TupleTableSlot *slot;
	int			claimed = 0;

	pgwf_queue_read_begin(&reader, &poll->call, poll->namespace_id,
						  poll->kind, poll->task_queue, poll->version.key);
	pgwf_dispatch_begin(&dispatch, &reader);
	while (verdict != PGWF_DISPATCH_NONE &&
		   poll->answered < poll->max_tasks &&
		   (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfTask	candidate;
		PgwfRun		run;

		enter_task(poll);
		pgwf_task_read(slot, &candidate);
		verdict = PGWF_DISPATCH_OTHER;
		if (candidate.sticky == poll->sticky)
			verdict = may_have(&reader, slot, &dispatch, &candidate.route,
							   &candidate.place);
		if (verdict == PGWF_DISPATCH_TASK)
		{
			if (claim_workflow_task(poll, &candidate, &run))
			{
				StringInfoData response;

				pgwf_dispatch_done(&dispatch, &candidate.place,
								   candidate.route.version_key);
				poll->backlog = backlog_left(&reader, ++claimed);
				initStringInfo(&response);
				pgwf_append_workflow_task(&response, &run, poll->sticky,
										  poll->backlog);
				put_response(poll, &response);
			}
			else
				pgwf_dispatch_failed(&dispatch);
		}
		leave_task(poll);
	}
	pgwf_dispatch_end(&dispatch);
	pgwf_queue_read_end(&reader);
}

/*
 * Claims queries that wait as tasks of their own.  They come first: somebody
 * waits for each of them.
 */
static void
claim_queries(Poll *poll)
{
	PgwfQueueReader reader;
	TupleTableSlot *slot;

	pgwf_queue_read_begin(&reader, &poll->call, poll->namespace_id,
						  PGWF_QUEUE_QUERY, poll->task_queue,
						  poll->version.key);
	while (poll->answered < poll->max_tasks &&
		   (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfQuery	query;

		enter_task(poll);
		pgwf_query_read(slot, &query);
		if (query.sticky == poll->sticky &&
			pgwf_queue_may_have(&reader, slot, &query.route) &&
			pgwf_query_claim(&poll->call, &query))
		{
			StringInfoData response;

			initStringInfo(&response);
			pgwf_append_query_task(&response, &poll->call, &query);
			put_response(poll, &response);
		}
		leave_task(poll);
	}
	pgwf_queue_read_end(&reader);
}

/*
 * poll_workflow_task_queue(task_queue, max_tasks, identity, sticky,
 *		request_id, build_id, deployment_name, versioning_mode,
 *		max_tasks_per_second, namespace)
 *	returns a PollWorkflowTaskQueueResponse per task claimed: queries, then
 *	workflow tasks, by priority
 *
 * "sticky" tells that the queue is the private one of a worker: its tasks
 * come with the part of the history that the worker has not seen.
 */
Datum
pgwf_poll_workflow_task_queue(PG_FUNCTION_ARGS)
{
	Poll		poll;

	PreventCommandDuringRecovery("workflow.poll_workflow_task_queue()");
	poll_begin(&poll, fcinfo, PGWF_QUEUE_WORKFLOW);
	poll.sticky = pgwf_arg_bool(fcinfo, 3);
	poll.request_id = pgwf_arg_id(fcinfo, 4, "request_id");
	read_version(&poll, fcinfo, 5);
	note_limit(&poll, fcinfo, 8);
	pgwf_shmem_note_poller(poll.namespace_id, poll.kind, poll.task_queue,
						   poll.identity, poll.version.key);
	if (poll.sticky)
		pgwf_shmem_own_queue(poll.namespace_id, poll.task_queue);

	pgwf_xact_claim_begin();
	if (poll.request_id)
		repeat_workflow_tasks(&poll);
	if (poll.answered == 0)
	{
		claim_queries(&poll);
		claim_workflow_tasks(&poll);
	}
	poll_end(&poll);
	return (Datum) 0;
}

static void
put_activity_task(Poll *poll, const PgwfActivity *activity)
{
	PgwfExecution *execution;
	PgwfEvent  *scheduled;
	StringInfoData response;

	execution = pgwf_execution_load(&poll->call, activity->namespace_id,
									activity->run_key);
	scheduled = pgwf_event_load_one(&poll->call, activity->namespace_id,
									activity->run_key,
									activity->scheduled_event_id);
	if (execution == NULL || scheduled == NULL)
		elog(ERROR, "history of activity " INT64_FORMAT " of run " INT64_FORMAT " is missing",
			 activity->scheduled_event_id, activity->run_key);
	initStringInfo(&response);
	pgwf_append_activity_task(&response, activity, execution, scheduled,
							  poll->namespace);
	put_response(poll, &response);
}

static void
repeat_activity_tasks(Poll *poll)
{
	PgwfScan	scan;

	pgwf_activity_request_scan(&scan, &poll->call, poll->namespace_id,
							   poll->request_id);
	while (pgwf_scan_next(&scan))
	{
		PgwfActivity activity;

		enter_task(poll);
		pgwf_activity_read(scan.slot, &activity);
		if (activity.state == PGWF_ACTIVITY_STARTED &&
			strcmp(activity.task_queue, poll->task_queue) == 0)
			put_activity_task(poll, &activity);
		leave_task(poll);
	}
	pgwf_scan_end(&scan);
}

/*
 * Claims the waiting activity of a row that the worker may have by its route.
 * Its run may have to move to the worker's version first.
 */
static bool
claim_activity(Poll *poll, PgwfActivity *activity)
{
	PgwfCall   *call = &poll->call;
	PgwfActivityDispatch dispatch;

	pgwf_clock_hold(call);
	dispatch = pgwf_activity_dispatchable(call, activity, poll->version.key);
	if (dispatch == PGWF_DISPATCH_TRANSITION)
		pgwf_run_start_transition(call, activity, poll->version.key);
	if (dispatch != PGWF_DISPATCH_NOW ||
		pgwf_activity_lock(call, activity, LockWaitSkip) != PGWF_LOCK_OK ||
		activity->state != PGWF_ACTIVITY_SCHEDULED)
		return false;
	pgwf_xact_hold_task(activity->namespace_id, PGWF_QUEUE_ACTIVITY,
						activity->task_queue, poll->version.key);
	pgwf_activity_start(activity, call->now, poll->identity,
						poll->request_id);
	pgwf_activity_update(call, activity);
	if (activity->due_at != PGWF_NO_TIME)
		pgwf_xact_due(activity->due_at);
	return true;
}

static void
claim_activities(Poll *poll)
{
	PgwfQueueReader reader;
	PgwfDispatch dispatch;
	PgwfVerdict verdict = PGWF_DISPATCH_OTHER;
	TupleTableSlot *slot;
	int			claimed = 0;

	pgwf_queue_read_begin(&reader, &poll->call, poll->namespace_id,
						  poll->kind, poll->task_queue, poll->version.key);
	pgwf_dispatch_begin(&dispatch, &reader);
	while (verdict != PGWF_DISPATCH_NONE &&
		   poll->answered < poll->max_tasks &&
		   (slot = pgwf_queue_read_next(&reader)) != NULL)
	{
		PgwfActivity activity;

		enter_task(poll);
		pgwf_activity_read(slot, &activity);
		verdict = may_have(&reader, slot, &dispatch, &activity.route,
						   &activity.place);
		if (verdict == PGWF_DISPATCH_TASK)
		{
			if (claim_activity(poll, &activity))
			{
				pgwf_dispatch_done(&dispatch, &activity.place,
								   activity.route.version_key);
				poll->backlog = backlog_left(&reader, ++claimed);
				put_activity_task(poll, &activity);
			}
			else
				pgwf_dispatch_failed(&dispatch);
		}
		leave_task(poll);
	}
	pgwf_dispatch_end(&dispatch);
	pgwf_queue_read_end(&reader);
}

/*
 * poll_activity_task_queue(task_queue, max_tasks, identity, request_id,
 *		build_id, deployment_name, versioning_mode, max_tasks_per_second,
 *		namespace)
 *	returns a PollActivityTaskQueueResponse per activity claimed
 */
Datum
pgwf_poll_activity_task_queue(PG_FUNCTION_ARGS)
{
	Poll		poll;

	PreventCommandDuringRecovery("workflow.poll_activity_task_queue()");
	poll_begin(&poll, fcinfo, PGWF_QUEUE_ACTIVITY);
	poll.request_id = pgwf_arg_id(fcinfo, 3, "request_id");
	read_version(&poll, fcinfo, 4);
	note_limit(&poll, fcinfo, 7);
	pgwf_shmem_note_poller(poll.namespace_id, poll.kind, poll.task_queue,
						   poll.identity, poll.version.key);

	pgwf_xact_claim_begin();
	if (poll.request_id)
		repeat_activity_tasks(&poll);
	if (poll.answered == 0)
		claim_activities(&poll);
	poll_end(&poll);
	return (Datum) 0;
}

/*
 * Claim for a worker that has waited for the queue, as its polls would.  The
 * tasks are appended to the array, which is the caller's to put brackets
 * around.  Returns how many there were, and whether more are known of.
 */
int
pgwf_poll_claim(const PgwfClaim *claim, StringInfo array, bool *more)
{
	Poll		poll;

	memset(&poll, 0, sizeof(Poll));
	call_begin(&poll, claim->namespace);
	poll.array = array;
	poll.kind = claim->kind;
	poll.task_queue = claim->task_queue;
	poll.max_tasks = claim->max_tasks;
	poll.identity = claim->identity;
	poll.sticky = claim->sticky;
	poll.version = claim->version;
	pgwf_xact_claim_begin();
	if (claim->kind == PGWF_QUEUE_ACTIVITY)
		claim_activities(&poll);
	else
	{
		claim_queries(&poll);
		claim_workflow_tasks(&poll);
	}
	poll_end(&poll);
	*more = poll.backlog > 0;
	return poll.answered;
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
						 PGWF_ANY_VERSION, &PGWF_QUEUE_BEGIN);
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
