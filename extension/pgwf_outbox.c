/*-------------------------------------------------------------------------
 *
 * pgwf_outbox.c
 *		Delivering what one run has to tell another: children are started,
 *		parents told of their end, other workflows signaled and canceled
 *		(SS 6, 7).
 *
 * Called by the scheduler.  A delivery changes the receiver and the sender
 * in one transaction, so it happens once.  Both are locked without waiting:
 * if one is held by somebody else, nothing is done, and the message stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "pgwf_activity.h"
#include "pgwf_args.h"
#include "pgwf_close.h"
#include "pgwf_cron.h"
#include "pgwf_delete.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_new_run.h"
#include "pgwf_outbox.h"
#include "pgwf_signal.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"

typedef enum Delivery
{
	DELIVERED,					/* or not to be delivered any more */
	BUSY						/* to be tried again */
} Delivery;

#define BY_PARENT_CLOSE_POLICY "by parent close policy"

/* The event that a message of "run_key" comes from */
static PgwfEvent *
load_event(PgwfCall *call, const PgwfMessage *message)
{
	PgwfEvent  *event;

	event = pgwf_event_load_one(call, message->namespace_id,
								message->run_key, message->event_id);
	if (event == NULL)
		elog(ERROR, "event " INT64_FORMAT " of run " INT64_FORMAT " is missing",
			 message->event_id, message->run_key);
	return event;
}

static void
namespace_attributes(PgwfObject *attributes, int32 namespace_id)
{
	pgwf_object_text(attributes, "namespace",
					 pgwf_namespace_name(namespace_id));
	pgwf_object_text(attributes, "namespaceId",
					 psprintf("%d", namespace_id));
}

static void
execution_attribute(PgwfObject *attributes, const char *key,
					const char *workflow_id, const char *run_id)
{
	pgwf_object_open(attributes, key);
	pgwf_object_text(attributes, "workflowId", workflow_id);
	pgwf_object_text(attributes, "runId", run_id);
	pgwf_object_close(attributes);
}

/*
 * Identifies what an event asks for, across repetitions
 */
static char *
message_request_id(PgwfRun *sender, const PgwfMessage *message)
{
	return psprintf("%s:" INT64_FORMAT,
					pgwf_uuid_text(&pgwf_run_execution(sender)->run_id),
					message->event_id);
}

/*
 * Children
 */

static void
forget_child(PgwfRun *parent, PgwfChild *child)
{
	child->change = PGWF_ROW_DELETE;
	parent->state.pending_children--;
}

static void
fail_child_start(PgwfRun *parent, PgwfChild *child, const char *cause)
{
	PgwfObject	attributes;

	pgwf_object_begin(&attributes);
	namespace_attributes(&attributes, child->namespace_id);
	pgwf_object_text(&attributes, "workflowId", child->workflow_id);
	pgwf_object_name(&attributes, "workflowType", child->workflow_type);
	pgwf_object_text(&attributes, "cause", cause);
	pgwf_object_int(&attributes, "initiatedEventId",
					child->initiated_event_id);
	pgwf_run_arrive(parent, PGWF_EVENT_START_CHILD_FAILED,
					pgwf_object_finish(&attributes), parent->call->now);
	forget_child(parent, child);
	pgwf_run_finish(parent);
}

/* What the child is to be, as its Initiated event says */
static void
fill_child_options(PgwfNewRun *options, PgwfReader *initiated,
				   PgwfParent *parent_info, PgwfRun *parent)
{
	PgwfExecution *execution = pgwf_run_execution(parent);

	options->workflow_id = pgwf_read_text(initiated, "workflowId");
	options->workflow_type = pgwf_read_name(initiated, "workflowType");
	options->task_queue = pgwf_read_name(initiated, "taskQueue");
	options->identity = PGWF_SERVICE_IDENTITY;
	options->input = pgwf_read_jsonb(initiated, "input");
	options->execution_timeout =
		pgwf_read_duration(initiated, "workflowExecutionTimeout");
	options->run_timeout = pgwf_read_duration(initiated,
											  "workflowRunTimeout");
	options->task_timeout = pgwf_read_duration(initiated,
											   "workflowTaskTimeout");
	options->memo = pgwf_read_jsonb(initiated, "memo");
	options->search_attributes = pgwf_read_jsonb(initiated,
												 "searchAttributes");
	options->header = pgwf_read_jsonb(initiated, "header");
	options->retry_policy = pgwf_read_jsonb(initiated, "retryPolicy");
	options->cron_schedule = pgwf_read_text(initiated, "cronSchedule");
	options->priority = pgwf_read_jsonb(initiated, "priority");
	options->versioning_override = pgwf_read_jsonb(initiated,
												   "versioningOverride");
	pgwf_child_inherit(parent, options);

	parent_info->namespace = pgwf_namespace_name(execution->namespace_id);
	parent_info->workflow_id = execution->workflow_id;
	parent_info->run_id = execution->run_id;
	parent_info->run_key = execution->run_key;
	parent_info->root_workflow_id = execution->root_workflow_id ?
		execution->root_workflow_id : execution->workflow_id;
	parent_info->root_run_id = execution->root_run_id ?
		*execution->root_run_id : execution->run_id;
	options->parent = parent_info;
}

static void
delay_by_cron(PgwfNewRun *options, TimestampTz now)
{
	char	   *error;
	PgwfCron   *cron;

	if (options->cron_schedule == NULL)
		return;
	cron = pgwf_cron_parse(options->cron_schedule, false, &error);
	if (cron == NULL)
		elog(ERROR, "invalid cron schedule \"%s\": %s",
			 options->cron_schedule, error);
	options->initiator = "CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE";
	options->first_task_backoff = Max(pgwf_cron_backoff(cron, now, now), 0);
}

/* Does the policy let a closed run of the workflow id be followed? */
static bool
may_reuse(const char *policy, const PgwfExecution *closed)
{
	if (policy == NULL)
		return true;
	if (strcmp(policy, "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE") == 0)
		return false;
	if (strcmp(policy,
			   "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY") == 0)
		return closed->status != PGWF_STATUS_COMPLETED &&
			closed->status != PGWF_STATUS_CONTINUED_AS_NEW;
	return true;
}

static void
record_child_started(PgwfRun *parent, PgwfChild *child,
					 const PgwfNewRun *options)
{
	PgwfObject	attributes;

	child->run_id = palloc(sizeof(pg_uuid_t));
	*child->run_id = options->run_id;
	child->change = PGWF_ROW_UPDATE;
	pgwf_object_begin(&attributes);
	namespace_attributes(&attributes, child->namespace_id);
	pgwf_object_int(&attributes, "initiatedEventId",
					child->initiated_event_id);
	execution_attribute(&attributes, "workflowExecution",
						child->workflow_id, pgwf_uuid_text(child->run_id));
	pgwf_object_name(&attributes, "workflowType", child->workflow_type);
	pgwf_object_jsonb(&attributes, "header", options->header);
	pgwf_run_arrive(parent, PGWF_EVENT_CHILD_STARTED,
					pgwf_object_finish(&attributes), parent->call->now);
	pgwf_run_finish(parent);
}

/*
 * Starts a child and tells its parent; the child's first workflow task is
 * scheduled with that.  A parent that has closed has no children started.
 */
static Delivery
start_child(PgwfCall *call, const PgwfMessage *message)
{
	PgwfRun		parent;
	PgwfRun		run;
	PgwfLockResult lock;
	PgwfChild  *child;
	PgwfEvent  *event;
	PgwfReader	initiated;
	PgwfNewRun	options;
	PgwfParent	parent_info = {0};
	PgwfExecution *existing;

	lock = pgwf_run_load(&parent, call, message->namespace_id,
						 message->run_key, LockWaitSkip);
	if (lock != PGWF_LOCK_OK)
		return lock == PGWF_LOCK_BUSY ? BUSY : DELIVERED;
	child = pgwf_run_child(&parent, message->event_id);
	if (child == NULL || child->run_id != NULL)
		return DELIVERED;

	event = load_event(call, message);
	pgwf_reader_init(&initiated, event->attributes);
	pgwf_new_run_init(&options, message->namespace_id);
	options.user_metadata = event->user_metadata;
	fill_child_options(&options, &initiated, &parent_info, &parent);
	parent_info.initiated_event_id = message->event_id;
	options.request_id = message_request_id(&parent, message);
	delay_by_cron(&options, call->now);

	if (pgwf_execution_start_is_contended(call, message->namespace_id,
										  options.workflow_id))
		return BUSY;
	existing = pgwf_execution_find_current(call, message->namespace_id,
										   options.workflow_id);
	pgwf_new_run_follow(&options, existing ? existing->run_key : 0);
	if (existing && existing->close_time != PGWF_NO_TIME &&
		may_reuse(pgwf_read_text(&initiated, "workflowIdReusePolicy"),
				  existing))
	{
		if (pgwf_workflow_id_reuse_minimal_interval > 0 &&
			call->now - existing->start_time <
			(int64) pgwf_workflow_id_reuse_minimal_interval * 1000)
			return BUSY;
		existing = NULL;
	}
	if (!pgwf_override_is_present(message->namespace_id,
								  options.versioning_override,
								  options.task_queue))
	{
		fail_child_start(&parent, child,
						 "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_INVALID_VERSIONING_OVERRIDE");
		return DELIVERED;
	}
	if (existing)
	{
		fail_child_start(&parent, child,
						 "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS");
		return DELIVERED;
	}
	if (!pgwf_new_run_begin(&run, call, &options))
		return BUSY;
	pgwf_run_finish(&run);
	record_child_started(&parent, child, &options);
	return DELIVERED;
}

/* How the close of a child is told to its parent, by the close event's kind */
static const struct
{
	PgwfEventType closed;
	PgwfEventType told;
	const char *members[2];		/* that are copied */
}			close_events[] =

{
	{
		PGWF_EVENT_WORKFLOW_EXECUTION_COMPLETED,
		PGWF_EVENT_CHILD_COMPLETED,
		{"result", NULL}
	},
	{
		PGWF_EVENT_WORKFLOW_EXECUTION_FAILED,
		PGWF_EVENT_CHILD_FAILED,
		{"failure", "retryState"}
	},
	{
		PGWF_EVENT_WORKFLOW_EXECUTION_CANCELED,
		PGWF_EVENT_CHILD_CANCELED,
		{"details", NULL}
	},
	{
		PGWF_EVENT_WORKFLOW_EXECUTION_TIMED_OUT,
		PGWF_EVENT_CHILD_TIMED_OUT,
		{"retryState", NULL}
	},
	{
		PGWF_EVENT_WORKFLOW_EXECUTION_TERMINATED,
		PGWF_EVENT_CHILD_TERMINATED,
		{NULL, NULL}
	}
};

static void
record_child_closed(PgwfRun *parent, PgwfChild *child,
					const PgwfExecution *execution, const PgwfEvent *closed)
{
	for (int i = 0; i < lengthof(close_events); i++)
	{
		PgwfReader	reader;
		PgwfObject	attributes;

		if (close_events[i].closed != closed->type)
			continue;
		pgwf_reader_init(&reader, closed->attributes);
		pgwf_object_begin(&attributes);
		for (int j = 0; j < 2 && close_events[i].members[j]; j++)
			pgwf_object_jsonb(&attributes, close_events[i].members[j],
							  pgwf_read_jsonb(&reader,
											  close_events[i].members[j]));
		namespace_attributes(&attributes, execution->namespace_id);
		execution_attribute(&attributes, "workflowExecution",
							execution->workflow_id,
							pgwf_uuid_text(&execution->run_id));
		pgwf_object_name(&attributes, "workflowType",
						 execution->workflow_type);
		pgwf_object_int(&attributes, "initiatedEventId",
						child->initiated_event_id);
		pgwf_object_int(&attributes, "startedEventId",
						child->started_event_id);
		pgwf_run_arrive(parent, close_events[i].told,
						pgwf_object_finish(&attributes), parent->call->now);
		forget_child(parent, child);
		pgwf_run_finish(parent);
		return;
	}
	elog(ERROR, "run " INT64_FORMAT " is closed by an event of type %d",
		 execution->run_key, (int) closed->type);
}

/* Tells a parent, if it is open and has the child, of the child's end */
static Delivery
child_closed(PgwfCall *call, const PgwfMessage *message)
{
	PgwfExecution *execution;
	PgwfRun		parent;
	PgwfLockResult lock;
	PgwfChild  *child;

	execution = pgwf_execution_load(call, message->namespace_id,
									message->run_key);
	if (execution == NULL || execution->parent_run_id == NULL)
		return DELIVERED;
	lock = pgwf_run_load(&parent, call, message->namespace_id,
						 execution->parent_run_key, LockWaitSkip);
	if (lock != PGWF_LOCK_OK)
		return lock == PGWF_LOCK_BUSY ? BUSY : DELIVERED;
	child = pgwf_run_child(&parent, execution->parent_initiated_event_id);
	if (child)
		record_child_closed(&parent, child, execution,
							load_event(call, message));
	return DELIVERED;
}

/* Does to a child what its parent's close means to it */
static Delivery
parent_closed(PgwfCall *call, const PgwfMessage *message)
{
	PgwfReader	initiated;
	PgwfExecution *execution;
	PgwfExecution *parent;
	char	   *policy = NULL;
	PgwfRun		run;
	PgwfLockResult lock;

	pgwf_reader_init(&initiated, load_event(call, message)->attributes);
	execution = pgwf_execution_find_current(call, message->namespace_id,
											pgwf_read_text(&initiated,
														   "workflowId"));
	if (execution == NULL || execution->close_time != PGWF_NO_TIME ||
		execution->parent_run_id == NULL ||
		execution->parent_run_key != message->run_key ||
		execution->parent_initiated_event_id != message->event_id)
		return DELIVERED;
	lock = pgwf_run_load(&run, call, message->namespace_id,
						 execution->run_key, LockWaitSkip);
	if (lock != PGWF_LOCK_OK)
		return BUSY;
	(void) pgwf_run_execution(&run);

	/* a reset takes the child back, whatever the policy */
	parent = pgwf_execution_load(call, message->namespace_id,
								 message->run_key);
	if (parent->reset_run_id == NULL)
		policy = pgwf_read_text(&initiated, "parentClosePolicy");
	if (policy && strcmp(policy, "PARENT_CLOSE_POLICY_REQUEST_CANCEL") == 0)
	{
		PgwfCancelRequest request = {0};

		request.cause = BY_PARENT_CLOSE_POLICY;
		request.identity = PGWF_SERVICE_IDENTITY;
		request.from_workflow_id = parent->workflow_id;
		request.from_run_id = &parent->run_id;
		pgwf_run_request_cancel(&run, &request);
	}
	else if (pgwf_run_lock_all_activities(&run))
		pgwf_run_terminate(&run, BY_PARENT_CLOSE_POLICY, NULL,
						   PGWF_SERVICE_IDENTITY);
	else
		return BUSY;
	pgwf_run_finish(&run);
	return DELIVERED;
}

/*
 * External workflows
 */

/* What a Signal- or CancelExternal...Initiated event is aimed at */
typedef struct Target
{
	PgwfExecution *execution;	/* NULL: there is none, or it must not be */
	char	   *workflow_id;
	char	   *run_id;			/* NULL: the current run */
} Target;

static void
find_target(PgwfCall *call, PgwfRun *sender, PgwfReader *initiated,
			Target *target)
{
	PgwfReader	execution;

	pgwf_reader_init(&execution,
					 pgwf_read_jsonb(initiated, "workflowExecution"));
	target->workflow_id = pgwf_read_text(&execution, "workflowId");
	target->run_id = pgwf_read_text(&execution, "runId");
	target->execution = NULL;
	if (strcmp(target->workflow_id,
			   pgwf_run_execution(sender)->workflow_id) == 0)
		return;
	if (target->run_id)
	{
		Datum		uuid = DirectFunctionCall1(uuid_in,
											   CStringGetDatum(target->run_id));

		target->execution =
			pgwf_execution_find_run(call, sender->state.namespace_id,
									DatumGetUUIDP(uuid));
		if (target->execution &&
			strcmp(target->execution->workflow_id, target->workflow_id) != 0)
			target->execution = NULL;
	}
	else
		target->execution =
			pgwf_execution_find_current(call, sender->state.namespace_id,
										target->workflow_id);
	if (target->execution && pgwf_read_bool(initiated, "childWorkflowOnly") &&
		(target->execution->parent_run_id == NULL ||
		 target->execution->parent_run_key != sender->state.run_key))
		target->execution = NULL;
}

/* Tells the sender how it went: a cause is that of a failure */
static void
record_external(PgwfRun *sender, PgwfEventType type, const char *cause,
				const PgwfMessage *message, const Target *target)
{
	PgwfObject	attributes;

	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "cause", cause);
	namespace_attributes(&attributes, message->namespace_id);
	execution_attribute(&attributes, "workflowExecution",
						target->workflow_id, target->run_id);
	pgwf_object_int(&attributes, "initiatedEventId", message->event_id);
	pgwf_run_arrive(sender, type, pgwf_object_finish(&attributes),
					sender->call->now);
	pgwf_run_finish(sender);
}

static Delivery
signal_external(PgwfCall *call, const PgwfMessage *message)
{
	PgwfRun		sender;
	PgwfRun		run;
	PgwfLockResult lock;
	PgwfReader	initiated;
	Target		target;
	PgwfSignal	signal = {0};
	const char *cause =
	"SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND";

	lock = pgwf_run_load(&sender, call, message->namespace_id,
						 message->run_key, LockWaitSkip);
	if (lock != PGWF_LOCK_OK)
		return lock == PGWF_LOCK_BUSY ? BUSY : DELIVERED;
	pgwf_reader_init(&initiated, load_event(call, message)->attributes);
	find_target(call, &sender, &initiated, &target);

	lock = PGWF_LOCK_GONE;
	if (target.execution && target.execution->close_time == PGWF_NO_TIME)
		lock = pgwf_run_load(&run, call, message->namespace_id,
							 target.execution->run_key, LockWaitSkip);
	if (lock == PGWF_LOCK_BUSY ||
		(lock == PGWF_LOCK_OK && pgwf_run_is_closing(&run)))
		return BUSY;
	sender.state.pending_signals--;
	if (lock == PGWF_LOCK_OK && pgwf_run_signals_exhausted(&run))
	{
		lock = PGWF_LOCK_GONE;
		cause = "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_SIGNAL_COUNT_LIMIT_EXCEEDED";
	}
	if (lock == PGWF_LOCK_GONE)
	{
		record_external(&sender, PGWF_EVENT_SIGNAL_EXTERNAL_FAILED, cause,
						message, &target);
		return DELIVERED;
	}

	(void) pgwf_run_execution(&run);
	signal.name = pgwf_read_text(&initiated, "signalName");
	signal.input = pgwf_read_jsonb(&initiated, "input");
	signal.header = pgwf_read_jsonb(&initiated, "header");
	signal.identity = PGWF_SERVICE_IDENTITY;
	signal.request_id = message_request_id(&sender, message);
	signal.from_workflow_id = sender.execution->workflow_id;
	signal.from_run_id = &sender.execution->run_id;
	pgwf_run_signal(&run, &signal);
	pgwf_run_finish(&run);
	record_external(&sender, PGWF_EVENT_EXTERNAL_SIGNALED, NULL, message,
					&target);
	return DELIVERED;
}

static Delivery
cancel_external(PgwfCall *call, const PgwfMessage *message)
{
	PgwfRun		sender;
	PgwfRun		run;
	PgwfLockResult lock;
	PgwfReader	initiated;
	Target		target;

	lock = pgwf_run_load(&sender, call, message->namespace_id,
						 message->run_key, LockWaitSkip);
	if (lock != PGWF_LOCK_OK)
		return lock == PGWF_LOCK_BUSY ? BUSY : DELIVERED;
	pgwf_reader_init(&initiated, load_event(call, message)->attributes);
	find_target(call, &sender, &initiated, &target);

	if (target.execution && target.execution->close_time == PGWF_NO_TIME)
	{
		lock = pgwf_run_load(&run, call, message->namespace_id,
							 target.execution->run_key, LockWaitSkip);
		if (lock == PGWF_LOCK_BUSY)
			return BUSY;
		if (lock == PGWF_LOCK_OK)
		{
			PgwfCancelRequest request = {0};

			(void) pgwf_run_execution(&run);
			request.cause = pgwf_read_text(&initiated, "reason");
			request.initiated_event_id = message->event_id;
			request.identity = PGWF_SERVICE_IDENTITY;
			request.from_workflow_id = pgwf_run_execution(&sender)->workflow_id;
			request.from_run_id = &pgwf_run_execution(&sender)->run_id;
			pgwf_run_request_cancel(&run, &request);
			pgwf_run_finish(&run);
		}
	}
	sender.state.pending_cancels--;
	if (target.execution)
		record_external(&sender, PGWF_EVENT_EXTERNAL_CANCEL_REQUESTED, NULL,
						message, &target);
	else
		record_external(&sender, PGWF_EVENT_REQUEST_CANCEL_EXTERNAL_FAILED,
						"CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND",
						message, &target);
	return DELIVERED;
}

/*
 * Delivers a message, which the caller has locked, and deletes it.  Returns
 * false, and has done nothing, if a run is held by somebody else.
 */
bool
pgwf_message_deliver(PgwfCall *call, PgwfMessage *message)
{
	Delivery	delivery = DELIVERED;

	switch (message->kind)
	{
		case PGWF_MESSAGE_START_CHILD:
			delivery = start_child(call, message);
			break;
		case PGWF_MESSAGE_CHILD_CLOSED:
			delivery = child_closed(call, message);
			break;
		case PGWF_MESSAGE_PARENT_CLOSED:
			delivery = parent_closed(call, message);
			break;
		case PGWF_MESSAGE_SIGNAL:
			delivery = signal_external(call, message);
			break;
		case PGWF_MESSAGE_CANCEL:
			delivery = cancel_external(call, message);
			break;
		case PGWF_MESSAGE_DELETE:
			if (!pgwf_run_delete(call, message->namespace_id,
								 message->run_key))
				delivery = BUSY;
			break;
	}
	if (delivery == BUSY)
		return false;
	pgwf_message_delete(call, message);

	/* the next message may concern the same runs */
	CommandCounterIncrement();
	pgwf_call_new_snapshot(call);
	return true;
}
