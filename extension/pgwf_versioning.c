/*-------------------------------------------------------------------------
 *
 * pgwf_versioning.c
 *		Which version of workers a run belongs to (SS 16).
 *
 * The state of a run says who completed its last workflow task and what that
 * worker reported (version_key, PINNED or AUTO_UPGRADE), what somebody has
 * put over it (OVERRIDDEN, override_key), and that it is moving elsewhere
 * (IN_TRANSITION, transition_key).  A run that is not pinned follows the
 * routing of its queue, and moves with the next workflow task when that has
 * changed.
 *
 * Locks: the caller holds the run.  Activity rows are locked before they are
 * changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_activity.h"
#include "pgwf_drainage.h"
#include "pgwf_shmem.h"
#include "pgwf_versioning.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

#define BEHAVIOR_PREFIX "VERSIONING_BEHAVIOR_"

static const char *const behavior_names[] = {
	[PGWF_BEHAVIOR_UNSPECIFIED] = BEHAVIOR_PREFIX "UNSPECIFIED",
	[PGWF_BEHAVIOR_PINNED] = BEHAVIOR_PREFIX "PINNED",
	[PGWF_BEHAVIOR_AUTO_UPGRADE] = BEHAVIOR_PREFIX "AUTO_UPGRADE"
};

/* A behavior by its name, with or without prefix; false if there is none */
bool
pgwf_behavior_read(const char *text, PgwfVersioningBehavior *behavior)
{
	*behavior = PGWF_BEHAVIOR_UNSPECIFIED;
	if (text == NULL)
		return true;
	for (int i = 0; i < lengthof(behavior_names); i++)
	{
		if (strcmp(text, behavior_names[i]) == 0 ||
			strcmp(text, behavior_names[i] + strlen(BEHAVIOR_PREFIX)) == 0)
		{
			*behavior = (PgwfVersioningBehavior) i;
			return true;
		}
	}
	return false;
}

const char *
pgwf_behavior_name(PgwfVersioningBehavior behavior)
{
	return behavior == PGWF_BEHAVIOR_UNSPECIFIED ? NULL :
		behavior_names[behavior];
}

/* Has it been told to go to a version with its next workflow task only? */
static bool
is_routed_once(const PgwfState *state)
{
	return (state->flags & PGWF_RUN_ROUTED_ONCE) != 0;
}

/* Is there an override that stays? */
static bool
is_overridden(const PgwfState *state)
{
	return (state->flags & PGWF_RUN_OVERRIDDEN) != 0 &&
		!is_routed_once(state);
}

/* Its behavior, with its override taken into account */
PgwfVersioningBehavior
pgwf_run_behavior(const PgwfState *state)
{
	if (is_overridden(state))
		return state->override_key != 0 ? PGWF_BEHAVIOR_PINNED :
			PGWF_BEHAVIOR_AUTO_UPGRADE;
	if (state->flags & PGWF_RUN_PINNED)
		return PGWF_BEHAVIOR_PINNED;
	if (state->flags & PGWF_RUN_AUTO_UPGRADE)
		return PGWF_BEHAVIOR_AUTO_UPGRADE;
	return PGWF_BEHAVIOR_UNSPECIFIED;
}

/* The version that it is pinned to; 0 if it is not */
int32
pgwf_run_pinned_key(const PgwfState *state)
{
	if (is_overridden(state))
		return state->override_key;
	return (state->flags & PGWF_RUN_PINNED) != 0 ? state->version_key : 0;
}

/* The version that it belongs to, or moves to; 0 if to none */
int32
pgwf_run_effective_key(const PgwfState *state)
{
	if (state->flags & PGWF_RUN_IN_TRANSITION)
		return state->transition_key;
	if (pgwf_run_pinned_key(state) != 0)
		return pgwf_run_pinned_key(state);
	return state->version_key;
}

/*
 * Routes
 */

/* The route of its workflow tasks, in its normal queue */
void
pgwf_run_route(PgwfRun *run, PgwfRoute *route)
{
	const PgwfState *state = &run->state;

	route->version_key = is_routed_once(state) ? state->transition_key :
		pgwf_run_pinned_key(state);
	route->bucket = pgwf_route_bucket(pgwf_run_execution(run)->workflow_id);
}

/* The version whose workers get its workflow tasks from its normal queue */
static int32
normal_version(PgwfRun *run)
{
	PgwfRoute	route;

	if (!pgwf_namespace_has_versions(run->state.namespace_id))
		return 0;
	pgwf_run_route(run, &route);
	return pgwf_route_target(run->state.namespace_id, PGWF_QUEUE_WORKFLOW,
							 pgwf_run_execution(run)->task_queue, &route);
}

/* The version whose workers get its scheduled workflow task */
int32
pgwf_run_task_version(PgwfRun *run)
{
	if (run->state.flags & PGWF_RUN_TASK_ON_STICKY)
		return run->state.version_key;
	return normal_version(run);
}

/*
 * Must its workflow tasks go to other workers than those of the version that
 * completed the last one, one of which may have it in its cache?
 */
bool
pgwf_run_has_left_version(PgwfRun *run)
{
	return normal_version(run) != run->state.version_key;
}

/* Would it get another version than the one that it is pinned to? */
bool
pgwf_run_target_changed(PgwfRun *run)
{
	int32		pinned_key = pgwf_run_pinned_key(&run->state);
	PgwfRoute	route;

	if (pinned_key == 0)
		return false;
	pgwf_run_route(run, &route);
	route.version_key = 0;
	return pgwf_route_target(run->state.namespace_id, PGWF_QUEUE_WORKFLOW,
							 pgwf_run_execution(run)->task_queue,
							 &route) != pinned_key;
}

/*
 * Sets the route of an activity: to the version that the run is pinned to,
 * if that serves the activity's queue
 */
void
pgwf_activity_route(PgwfRun *run, PgwfActivity *activity)
{
	int32		pinned_key = pgwf_run_pinned_key(&run->state);

	activity->route.bucket =
		pgwf_route_bucket(pgwf_run_execution(run)->workflow_id);
	activity->route.version_key = 0;
	if (pinned_key != 0 &&
		pgwf_version_serves(run->state.namespace_id, pinned_key,
							PGWF_QUEUE_ACTIVITY, activity->task_queue))
		activity->route.version_key = pinned_key;
}

/*
 * Workers of a version may have a waiting activity by its route; may they
 * have it now?  A run that would get the same version for its workflow tasks
 * moves there first.
 */
PgwfActivityDispatch
pgwf_activity_dispatchable(PgwfCall *call, const PgwfActivity *activity,
						   int32 version_key)
{
	PgwfState	state;
	PgwfRoute	route = activity->route;
	PgwfExecution *execution;

	if (route.version_key != 0 ||
		!pgwf_namespace_has_versions(activity->namespace_id) ||
		!pgwf_state_load(call, activity->namespace_id, activity->run_key,
						 &state) ||
		pgwf_run_pinned_key(&state) != 0)
		return PGWF_DISPATCH_NOW;
	if ((state.flags & PGWF_RUN_IN_TRANSITION) == 0 &&
		state.version_key == version_key)
		return PGWF_DISPATCH_NOW;
	execution = pgwf_execution_load(call, activity->namespace_id,
									activity->run_key);
	if (execution == NULL ||
		pgwf_route_target(activity->namespace_id, PGWF_QUEUE_WORKFLOW,
						  execution->task_queue, &route) != version_key)
		return PGWF_DISPATCH_NOW;
	if ((state.flags & PGWF_RUN_IN_TRANSITION) != 0 &&
		state.transition_key == version_key)
		return PGWF_DISPATCH_LATER;
	return PGWF_DISPATCH_TRANSITION;
}

/*
 * Has the run of a waiting activity move to a version, by way of a workflow
 * task; does nothing if somebody else has the run.
 */
void
pgwf_run_start_transition(PgwfCall *call, const PgwfActivity *activity,
						  int32 version_key)
{
	PgwfRun		run;

	if (pgwf_run_load(&run, call, activity->namespace_id, activity->run_key,
					  LockWaitSkip) != PGWF_LOCK_OK)
		return;
	run.state.flags |= PGWF_RUN_IN_TRANSITION;
	run.state.transition_key = version_key;
	run.task_needed = true;
	pgwf_run_finish(&run);
}

/*
 * The life of a workflow task
 */

/* A worker of a version gets the workflow task */
void
pgwf_run_dispatch_to(PgwfRun *run, int32 version_key)
{
	PgwfState  *state = &run->state;

	if (is_routed_once(state))
		return;
	state->flags &= ~PGWF_RUN_IN_TRANSITION;
	state->transition_key = 0;
	if (version_key == state->version_key ||
		pgwf_run_pinned_key(state) != 0)
		return;
	state->flags |= PGWF_RUN_IN_TRANSITION;
	state->transition_key = version_key;
}

/* Activities that waited for the run to move can be claimed now */
static void
wake_activities(PgwfRun *run)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_activities(run))
	{
		PgwfActivity *activity = lfirst(lc);

		if (activity->change == PGWF_ROW_UNCHANGED &&
			activity->state == PGWF_ACTIVITY_SCHEDULED)
			pgwf_xact_wake_queue(activity->namespace_id, PGWF_QUEUE_ACTIVITY,
								 activity->task_queue,
								 pgwf_route_target(activity->namespace_id,
												   PGWF_QUEUE_ACTIVITY,
												   activity->task_queue,
												   &activity->route));
	}
}

/*
 * A worker of a version, or of none, completes the workflow task and reports
 * a behavior.  A run that was to move to another version still has to.
 */
void
pgwf_run_complete_by(PgwfRun *run, int32 version_key,
					 PgwfVersioningBehavior behavior)
{
	PgwfState  *state = &run->state;

	if (version_key == 0 && (state->flags & PGWF_RUN_VERSIONING) == 0 &&
		state->version_key == 0)
		return;
	state->version_key = version_key;
	state->flags &= ~(PGWF_RUN_PINNED | PGWF_RUN_AUTO_UPGRADE);
	if (behavior == PGWF_BEHAVIOR_PINNED)
		state->flags |= PGWF_RUN_PINNED;
	else if (behavior == PGWF_BEHAVIOR_AUTO_UPGRADE)
		state->flags |= PGWF_RUN_AUTO_UPGRADE;
	if (state->flags & PGWF_RUN_IN_TRANSITION)
	{
		if (state->transition_key != version_key)
			run->task_needed = true;
		else
		{
			if (is_routed_once(state))
				state->flags &= ~PGWF_RUN_OVERRIDDEN;
			state->flags &= ~(PGWF_RUN_IN_TRANSITION | PGWF_RUN_ROUTED_ONCE);
			state->transition_key = 0;
		}
		wake_activities(run);
	}
	pgwf_run_reroute(run);
}

/*
 * After a change of the state: tasks that no worker has follow it
 */
void
pgwf_run_reroute(PgwfRun *run)
{
	PgwfState  *state = &run->state;

	if (state->wft_scheduled_event_id != 0 &&
		state->wft_started_event_id == 0)
	{
		if ((state->flags & PGWF_RUN_TASK_ON_STICKY) != 0 &&
			pgwf_run_has_left_version(run))
			pgwf_workflow_task_move_to_normal(run);
		else
			state->wft_stamp++;
	}
	if (pgwf_run_pinned_key(state) != pgwf_run_pinned_key(&run->stored))
		pgwf_run_route_activities(run);
}

/* Brings the routes of all activities in line with the state */
void
pgwf_run_route_activities(PgwfRun *run)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_activities(run))
	{
		PgwfActivity *activity = lfirst(lc);
		PgwfRoute	old = activity->route;

		if (activity->change == PGWF_ROW_DELETE ||
			!pgwf_run_lock_activity(run, activity))
			continue;
		pgwf_activity_route(run, activity);
		if (old.version_key != activity->route.version_key &&
			activity->change == PGWF_ROW_UNCHANGED)
			activity->change = PGWF_ROW_UPDATE;
	}
}

/* Takes over what a state says of versions, and nothing else */
void
pgwf_run_take_versions(PgwfRun *run, const PgwfState *versions)
{
	PgwfState  *state = &run->state;

	state->flags = (state->flags & ~PGWF_RUN_VERSIONING) |
		(versions->flags & PGWF_RUN_VERSIONING);
	state->version_key = versions->version_key;
	state->override_key = versions->override_key;
	state->transition_key = versions->transition_key;
}

/*
 * Writing
 */

/* A version is not drained while open runs are pinned to it */
static void
write_pinned_run(PgwfRun *run)
{
	const PgwfState *state = &run->state;
	int32		old_key = pgwf_run_pinned_key(&run->stored);
	int32		new_key = pgwf_run_is_open(run) ?
	pgwf_run_pinned_key(state) : 0;
	PgwfQueueRouting routing;

	if (old_key == new_key)
		return;
	if (old_key != 0)
		pgwf_pinned_run_delete(run->call, state->namespace_id, old_key,
							   state->run_key);
	if (new_key == 0)
		return;
	pgwf_pinned_run_insert(run->call, state->namespace_id, new_key,
						   state->run_key);
	pgwf_queue_routing(state->namespace_id, PGWF_QUEUE_WORKFLOW,
					   pgwf_run_execution(run)->task_queue, &routing);
	if (routing.current_key != new_key && routing.ramping_key != new_key)
		pgwf_drainage_reopen(run->call, state->namespace_id, new_key);
}

/*
 * What the run has to do with versions has changed, or it has closed: keeps
 * the tables that are looked up by version in line.  The caller writes the
 * execution if run->execution_changed is set.
 */
void
pgwf_run_write_versions(PgwfRun *run)
{
	const PgwfState *state = &run->state;
	const PgwfState *stored = &run->stored;
	const int32 shown = PGWF_RUN_VERSIONING & ~PGWF_RUN_IN_TRANSITION;

	if (((state->flags | stored->flags) & PGWF_RUN_VERSIONING) == 0)
		return;
	write_pinned_run(run);
	if (run->is_new || (((state->flags ^ stored->flags) & shown) == 0 &&
						state->version_key == stored->version_key &&
						state->override_key == stored->override_key))
		return;
	pgwf_execution_set_versions(pgwf_run_execution(run), state);
	run->execution_changed = true;
}
