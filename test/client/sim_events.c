/*
 * sim_events.c
 *		What happens outside a workflow of the simulated service: ends of
 *		activities, timers and children, signals, cancellation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "tap.h"

/* ---- what happens outside ---- */

bool
sim_activity_open(Sim *sim, const char *id)
{
	return json_object_get(sim->activities, id) != NULL;
}

bool
sim_timer_open(Sim *sim, const char *id)
{
	return json_object_get(sim->timers, id) != NULL;
}

/* Closes a pending activity with an event of this type. */
void
sim_activity(Sim *sim, const char *id, const char *type,
			 const char *attributes)
{
	json_t	   *scheduled = json_object_get(sim->activities, id);
	json_t	   *a = json_loads(attributes, 0, NULL);
	bool		timed_out = strcmp(type, "ActivityTaskTimedOut") == 0;

	if (scheduled == NULL || a == NULL)
	{
		ok(false, "activity %s is there to be closed", id);
		json_decref(a);
		return;
	}
	pgwf_json_put(a, "scheduledEventId", json_incref(scheduled));
	pgwf_json_put_str(a, "identity", "activity worker");
	if (!timed_out)
	{
		sim_happen(sim, "ActivityTaskStarted",
				   json_pack("{s:O, s:i}", "scheduledEventId", scheduled,
							 "attempt", 1));
		/* -1: the event before it */
		pgwf_json_put_int(a, "startedEventId", sim->task_started != 0 ? -1 :
						  (int64_t) json_array_size(sim->events));
	}
	sim_happen(sim, type, a);
	json_object_del(sim->activities, id);
}

void
sim_complete(Sim *sim, const char *id, const char *result)
{
	char	   *attributes = pgwf_xprintf("{\"result\": [%s]}", result);

	sim_activity(sim, id, "ActivityTaskCompleted", attributes);
	free(attributes);
}

void
sim_fire(Sim *sim, const char *timer_id)
{
	json_t	   *started = json_object_get(sim->timers, timer_id);

	if (started == NULL)
	{
		ok(false, "timer %s is there to be fired", timer_id);
		return;
	}
	sim_happen(sim, "TimerFired", json_pack("{s:s, s:O}", "timerId", timer_id,
											"startedEventId", started));
	json_object_del(sim->timers, timer_id);
}

void
sim_signal(Sim *sim, const char *name, const char *input)
{
	sim_happen(sim, "WorkflowExecutionSignaled",
			   json_pack("{s:s, s:o}", "signalName", name,
						 "input", json_loads(input, 0, NULL)));
}

void
sim_cancel(Sim *sim, const char *reason)
{
	sim_happen(sim, "WorkflowExecutionCancelRequested",
			   json_pack("{s:s}", "cause", reason));
}

/* ---- children and other workflows ---- */

bool
sim_child_open(Sim *sim, const char *id, bool started)
{
	json_t	   *child = json_object_get(sim->children, id);

	return child != NULL &&
		(json_object_get(child, "started") != NULL) == started;
}

/* What every event of a child has: a new object. */
static json_t *
child_attributes(const char *id, json_t *child)
{
	return json_pack("{s:s, s:{s:s, s:s}, s:{s:O}, s:O}",
					 "namespace", "default",
					 "workflowExecution", "workflowId", id,
					 "runId", "e7a1c8ee-53d8-4b1a-8a0e-1f3d7a4f4f11",
					 "workflowType", "name", json_object_get(child, "type"),
					 "initiatedEventId", json_object_get(child, "initiated"));
}

void
sim_child_started(Sim *sim, const char *id)
{
	json_t	   *child = json_object_get(sim->children, id);

	if (!sim_child_open(sim, id, false))
	{
		ok(false, "child %s is to be started", id);
		return;
	}
	sim_happen(sim, "ChildWorkflowExecutionStarted", child_attributes(id, child));
	pgwf_json_put(child, "started",
				  json_integer((json_int_t) json_array_size(sim->events)));
}

void
sim_child_refused(Sim *sim, const char *id, const char *cause)
{
	json_t	   *child = json_object_get(sim->children, id);
	json_t	   *a;

	if (!sim_child_open(sim, id, false))
	{
		ok(false, "child %s is to be refused", id);
		return;
	}
	a = child_attributes(id, child);
	json_object_del(a, "workflowExecution");
	pgwf_json_put_str(a, "workflowId", id);
	pgwf_json_put_str(a, "cause", cause);
	sim_happen(sim, "StartChildWorkflowExecutionFailed", a);
	json_object_del(sim->children, id);
}

/* Closes a child that was started, with an event of this type. */
void
sim_child(Sim *sim, const char *id, const char *type, const char *attributes)
{
	json_t	   *child = json_object_get(sim->children, id);
	json_t	   *more = json_loads(attributes, 0, NULL);
	json_t	   *a;

	if (!sim_child_open(sim, id, true) || more == NULL)
	{
		ok(false, "child %s is to be closed", id);
		json_decref(more);
		return;
	}
	a = child_attributes(id, child);
	pgwf_json_put(a, "startedEventId",
				  json_incref(json_object_get(child, "started")));
	json_object_update(a, more);
	json_decref(more);
	sim_happen(sim, type, a);
	json_object_del(sim->children, id);
}

static void
external_done(Sim *sim, bool signal, const char *id, const char *cause)
{
	json_t	   *item;
	size_t		i;

	json_array_foreach(sim->externals, i, item)
	{
		json_t	   *a;
		const char *type;

		if (json_is_true(json_object_get(item, "signal")) != signal ||
			strcmp(pgwf_json_str(item, "id"), id) != 0)
			continue;
		a = json_pack("{s:s, s:{s:s}, s:O}", "namespace", "default",
					  "workflowExecution", "workflowId", id,
					  "initiatedEventId", json_object_get(item, "initiated"));
		pgwf_json_put_str(a, "cause", cause);
		if (signal)
			type = cause != NULL ? "SignalExternalWorkflowExecutionFailed" :
				"ExternalWorkflowExecutionSignaled";
		else
			type = cause != NULL ?
				"RequestCancelExternalWorkflowExecutionFailed" :
				"ExternalWorkflowExecutionCancelRequested";
		json_array_remove(sim->externals, i);
		sim_happen(sim, type, a);
		return;
	}
	ok(false, "workflow %s is to be %s", id, signal ? "signaled" : "canceled");
}

void
sim_signaled(Sim *sim, const char *id, const char *cause)
{
	external_done(sim, true, id, cause);
}

void
sim_canceled(Sim *sim, const char *id, const char *cause)
{
	external_done(sim, false, id, cause);
}
