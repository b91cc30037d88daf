/*
 * t_matrix.c
 *		What changes of workflow code do to the replay of recorded histories:
 *		every kind of command against every other, and events that cannot
 *		follow.
 *
 * The code is a list of steps in a string, so that one run can be recorded
 * with one list and replayed with another:
 *
 *	a:TYPE		an activity				A:TYPE	the same, not awaited
 *	t:MS		a timer					T:MS	the same, not awaited
 *	c:TYPE/ID	a child					C:TYPE/ID
 *	s:ID		a signal to a workflow	S:ID
 *	x:ID		its cancellation
 *	l:TYPE		a local activity
 *	e			a side effect
 *	u:KEY m:KEY	a search attribute, a member of the memo
 *	p:ID/STEP	a step if patched		n:ID/STEP	if not
 *	d:ID		the patch is deprecated
 *	i:N			an activity with other input and options
 *	k			cancels what was not awaited
 *	w			awaits it
 *	g			writes to the log
 *	h			sets handlers
 *	F N			fails, continues as new; at the end the run completes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"

static PgwfRegistry *registry;
static const char *steps;

/* ---- the workflow ---- */

#define MAX_PENDING 8

typedef struct Walk
{
	PgwfFuture *pending[MAX_PENDING];
	int			n;
} Walk;

static json_t *
effect(void *arg)
{
	(void) arg;
	return json_integer(5);
}

static void
on_signal(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) wf;
	(void) name;
	(void) input;
	(void) arg;
}

/* "TYPE/ID" into its parts. */
static char *
split(PgwfWorkflow *wf, const char *what, const char **rest)
{
	const char *slash = strchr(what, '/');

	*rest = slash != NULL ? slash + 1 : "";
	return pgwf_sprintf(wf, "%.*s", slash != NULL ? (int) (slash - what) :
						(int) strlen(what), what);
}

/* What a step waits for, or NULL. */
static PgwfFuture *
begin(PgwfWorkflow *wf, char kind, const char *what)
{
	PgwfActivityOptions activity = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfLocalOptions local = PGWF_LOCAL_OPTIONS_INIT;
	PgwfChildOptions child = PGWF_CHILD_OPTIONS_INIT;
	const char *rest;
	char	   *first = split(wf, what, &rest);

	activity.start_to_close_timeout_ms = 1000;
	local.start_to_close_timeout_ms = 1000;
	switch (kind)
	{
		case 'a':
			return pgwf_start_activity(wf, what, NULL, &activity);
		case 'i':
			activity.start_to_close_timeout_ms = 1234;
			activity.heartbeat_timeout_ms = 77;
			activity.task_queue = "other";
			activity.summary = "changed";
			activity.header = pgwf_pack(wf, "{s:i}", "a", 1);
			return pgwf_start_activity(wf, what, pgwf_pack(wf, "[i]", 9),
									   &activity);
		case 't':
			return pgwf_start_timer(wf, atoi(what));
		case 'c':
			child.workflow_id = rest;
			return pgwf_child_result(pgwf_start_child(wf, first, NULL,
													  &child));
		case 's':
			return pgwf_signal_external(wf, what, "x", NULL, NULL);
		case 'x':
			return pgwf_cancel_external(wf, what, NULL, NULL);
		case 'l':
			return pgwf_start_local_activity(wf, what, NULL, &local);
		default:
			return NULL;
	}
}

static void
step(PgwfWorkflow *wf, Walk *walk, char kind, const char *what)
{
	const char *rest;
	char	   *first = split(wf, what, &rest);
	PgwfFuture *future = begin(wf, kind, what);
	int			i;

	if (future != NULL)
	{
		pgwf_await(wf, future, NULL, NULL);
		return;
	}
	switch (kind)
	{
		case 'A':
		case 'T':
		case 'C':
		case 'S':
			walk->pending[walk->n++] =
				begin(wf, (char) (kind - 'A' + 'a'), what);
			break;
		case 'k':
			for (i = 0; i < walk->n; i++)
				pgwf_future_cancel(wf, walk->pending[i]);
			break;
		case 'w':
			pgwf_await_all(wf, walk->pending, walk->n, NULL);
			break;
		case 'e':
			pgwf_side_effect(wf, effect, NULL);
			break;
		case 'u':
			pgwf_upsert_search_attributes(wf, pgwf_pack(wf, "{s:i}", what,
														1));
			break;
		case 'm':
			pgwf_upsert_memo(wf, pgwf_pack(wf, "{s:i}", what, 1));
			break;
		case 'p':
		case 'n':
			if (pgwf_patched(wf, first) == (kind == 'p'))
				step(wf, walk, *rest, *rest && rest[1] ? rest + 2 : "");
			break;
		case 'd':
			pgwf_deprecate_patch(wf, what);
			break;
		case 'g':
			pgwf_log(wf, PGWF_LOG_INFO, "here");
			break;
		case 'h':
			pgwf_set_signal_handler(wf, NULL, on_signal, NULL);
			break;
		default:
			pgwf_panic(wf, "there is no step \"%c\"", kind);
	}
}

FLOW_BODY(walk_flow)
{
	Walk	   *walk = pgwf_alloc(wf, sizeof(Walk));
	const char *p = steps;

	(void) input;
	while (*p != '\0')
	{
		int			len = (int) strcspn(p, " ");
		char	   *one = pgwf_sprintf(wf, "%.*s", len, p);

		p += len;
		p += strspn(p, " ");
		if (*one == 'F')
		{
			*failure = pgwf_failure_new("Walk", "fell");
			return NULL;
		}
		if (*one == 'N')
			return pgwf_continue_as_new(wf, NULL, NULL);
		step(wf, walk, *one, one[1] == ':' ? one + 2 : "");
	}
	return NULL;
}

/* ---- recording ---- */

/* Lets everything that is under way end well; false if nothing is. */
static bool
let_happen(Sim *sim)
{
	bool		some = false;
	const char *key;
	json_t	   *value;
	void	   *next;

	json_object_foreach_safe(sim->activities, next, key, value)
	{
		sim_complete(sim, key, "null");
		some = true;
	}
	json_object_foreach_safe(sim->timers, next, key, value)
	{
		sim_fire(sim, key);
		some = true;
	}
	while (json_array_size(sim->externals) > 0)
	{
		value = json_array_get(sim->externals, 0);
		if (json_is_true(json_object_get(value, "signal")))
			sim_signaled(sim, pgwf_json_str(value, "id"), NULL);
		else
			sim_canceled(sim, pgwf_json_str(value, "id"), NULL);
		some = true;
	}
	json_object_foreach_safe(sim->children, next, key, value)
	{
		if (json_object_get(value, "started") == NULL)
			sim_child_started(sim, key);
		sim_child(sim, key, "ChildWorkflowExecutionCompleted", "{}");
		some = true;
	}
	return some;
}

/* Runs a list of steps to its end and returns the history. */
static json_t *
record(const char *list)
{
	Sim		   *sim = run_start(registry, "walk", "[]");
	json_t	   *events;
	int			tasks;

	steps = list;
	for (tasks = 0; !sim->closed && tasks < 50; tasks++)
	{
		sim_task(sim);
		if (!sim->closed && !let_happen(sim))
			break;
	}
	ok(sim->closed && !sim->failed, "%s: is recorded", list);
	events = json_incref(sim->events);
	sim_free(sim);
	return events;
}

/* Drops what follows the last WorkflowTaskStarted: nobody has answered it. */
static void
reopen(json_t *events)
{
	size_t		n = json_array_size(events);

	while (n > 0 && strcmp(pgwf_json_str(json_array_get(events, n - 1),
										 "eventType"),
						   "WorkflowTaskStarted") != 0)
		json_array_remove(events, --n);
}

/*
 * Replays events with a list of steps.  outcome NULL: it agrees; else a part
 * of the message that says how it does not.
 */
static void
replays(json_t *events, const char *list, const char *outcome,
		const char *name)
{
	PgwfReplayReport *report;

	steps = list;
	pgwf_replay_history(registry, events, &report);
	if (outcome == NULL)
		is_str(report->message, "", "%s: agrees", name);
	else
	{
		ok(!report->ok && report->nondeterminism, "%s: disagrees", name);
		has_str(report->message, outcome, "%s: message", name);
	}
	pgwf_replay_report_free(report);
}

/* ---- the reference's table, and more of its kind ---- */

static void
test_table(void)
{
	static const struct
	{
		const char *recorded;
		const char *replayed;
		const char *outcome;
	}			rows[] =
	{
		/* nothing changed */
		{"a:x t:5 c:k/1 s:o x:o l:y e u:K m:K a:z",
		"a:x t:5 c:k/1 s:o x:o l:y e u:K m:K a:z", NULL},
		/* something in front */
		{"a:x a:y", "a:new a:x a:y", "event 5 is ActivityTaskScheduled "
			"(activity id \"1\", type \"x\"), but the workflow code asked for "
		"ScheduleActivityTask (activity id \"1\", type \"new\")"},
		{"a:x a:y", "t:5 a:x a:y", "asked for StartTimer (timer id \"1\")"},
		{"a:x a:y", "c:k/1 a:x a:y", "asked for StartChildWorkflowExecution "
		"(workflow id \"1\", type \"k\")"},
		{"a:x a:y", "s:o a:x a:y", "asked for "
			"SignalExternalWorkflowExecution (workflow id \"o\", signal "
		"\"x\")"},
		{"a:x a:y", "x:o a:x a:y", "asked for "
		"RequestCancelExternalWorkflowExecution (workflow id \"o\")"},
		{"c:k/1", "a:x c:k/1", "event 5 is "
			"StartChildWorkflowExecutionInitiated (workflow id \"1\", type "
		"\"k\"), but"},
		{"s:o", "a:x s:o", "event 5 is "
			"SignalExternalWorkflowExecutionInitiated (workflow id \"o\", "
		"signal \"x\"), but"},
		/* something left out or moved */
		{"a:x t:5 a:y", "a:x a:y", "TimerStarted"},
		{"a:x c:k/1 a:y", "a:x a:y", "StartChildWorkflowExecutionInitiated"},
		{"a:x t:5 a:y", "t:5 a:x a:y", "StartTimer"},
		{"a:x a:y", "a:y a:x", "type \"y\""},
		{"a:x a:y", "a:x", "asked for CompleteWorkflowExecution"},
		{"A:x T:5 w", "T:5 A:x w", "StartTimer"},
		{"A:x T:5 k", "A:x T:5 k", NULL},
		{"a:z A:x T:5 a:y k w", "a:z A:x T:5 a:y k w", NULL},
		{"T:5 a:y k", "T:5 a:y", NULL},
		{"T:5 A:z a:y k w", "T:5 A:z a:y w", NULL},
		/* types and ids */
		{"a:x", "a:y", "type \"y\""},
		{"c:k/1", "c:j/1", "type \"j\""},
		{"c:k/1", "c:k/2", "workflow id \"2\""},
		{"l:x", "l:y", "local activity"},
		/* what is not compared */
		{"t:5 a:x", "t:50 a:x", NULL},
		{"t:5 t:50 a:x", "t:50 t:5 a:x", NULL},
		{"a:x", "i:x", NULL},
		{"s:o", "s:p", NULL},
		{"x:o", "x:p", NULL},
		{"u:K", "u:L", NULL},
		{"m:K", "m:L", NULL},
		/* no commands */
		{"a:x a:y", "a:x g h a:y", NULL},
		/* guarded */
		{"a:x a:y", "a:x p:id/t:5 a:y", NULL},
		{"a:x a:y", "p:id/c:k/1 a:x p:other/s:o a:y", NULL},
		{"a:x a:y", "a:x n:id/a:y p:id/a:new", NULL},
		{"p:id/t:5 a:y", "p:id/t:5 a:y", NULL},
		{"p:id/t:5 a:y", "d:id t:5 a:y", NULL},
		{"p:id/t:5 a:y", "t:5 a:y", "patch \"id\""},
		{"p:id/t:5 a:y", "a:y", "patch \"id\""},
		{"d:id a:y", "a:y", NULL},
		{"d:id a:y", "p:id/g a:y", NULL},
		/* the end */
		{"a:x", "a:x F", "event 11 is WorkflowExecutionCompleted, but the "
		"workflow code asked for FailWorkflowExecution"},
		{"a:x", "a:x N", "asked for ContinueAsNewWorkflowExecution"},
		{"a:x F", "a:x", "event 11 is WorkflowExecutionFailed"},
		{"a:x N", "a:x", "event 11 is WorkflowExecutionContinuedAsNew"},
		{"a:x N", "a:x F", "asked for FailWorkflowExecution"},
		{"a:x N", "a:x N", NULL},
		{"a:x F", "a:x F", NULL},
		{"a:x", "a:x a:y", "asked for ScheduleActivityTask"}
	};
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		json_t	   *events = record(rows[i].recorded);
		char	   *name = pgwf_xprintf("%s replayed as %s", rows[i].recorded,
										rows[i].replayed);

		replays(events, rows[i].replayed, rows[i].outcome, name);
		free(name);
		json_decref(events);
	}
}

/* ---- every kind against every other ---- */

static const char *const kinds[] = {
	"a:x", "t:5", "c:k/1", "s:o", "x:o", "l:x", "e", "u:K", "m:K", "p:id/g"
};

#define N_KINDS ((int) (sizeof(kinds) / sizeof(kinds[0])))

/* How code that begins with a step disagrees with another history. */
static const char *
disagreement(const char *list)
{
	return *list == 'e' ? "asked for side effect 1 in the task started by "
		"event 3, but history has no marker SideEffect" : "event 5 is ";
}

static void
test_kinds(void)
{
	json_t	   *plain = record("a:end");
	int			i;
	int			j;

	for (i = 0; i < N_KINDS; i++)
	{
		char		list[40];
		char		other[40];
		json_t	   *events;
		bool		patch = kinds[i][0] == 'p';
		char	   *name;

		snprintf(list, sizeof(list), "%s a:end", kinds[i]);
		events = record(list);
		for (j = 0; j < N_KINDS; j++)
		{
			snprintf(other, sizeof(other), "%s a:end", kinds[j]);
			name = pgwf_xprintf("%s instead of %s", kinds[j], kinds[i]);
			replays(events, other, i == j ? NULL : disagreement(other), name);
			free(name);
		}
		name = pgwf_xprintf("%s left out", kinds[i]);
		replays(events, "a:end", "event 5 is", name);
		free(name);
		name = pgwf_xprintf("%s in front", kinds[i]);
		replays(plain, list, patch ? NULL : disagreement(list), name);
		free(name);
		json_decref(events);
	}
	json_decref(plain);
}

/* At the end of a history that is open, all is new and nothing wrong. */
static void
test_new_commands(void)
{
	static const char *const commands[] = {
		"ScheduleActivityTask", "StartTimer", "StartChildWorkflowExecution",
		"SignalExternalWorkflowExecution",
		"RequestCancelExternalWorkflowExecution", NULL, "RecordMarker",
		"UpsertWorkflowSearchAttributes", "ModifyWorkflowProperties",
		"RecordMarker"
	};
	int			i;

	for (i = 0; i < N_KINDS; i++)
	{
		json_t	   *events = record("a:x");
		PgwfReplayReport *report;
		char		list[40];
		const char *first;

		reopen(events);
		snprintf(list, sizeof(list), "a:x %s", kinds[i]);
		steps = list;
		pgwf_replay_history(registry, events, &report);
		ok(report->ok, "%s at the end of an open run agrees", kinds[i]);
		first = pgwf_json_str(json_array_get(report->commands, 0),
							  "commandType");
		is_str(first ? first : "", commands[i] ? commands[i] : "",
			   "%s at the end of an open run is new", kinds[i]);
		pgwf_replay_report_free(report);
		json_decref(events);
	}
}

/* ---- events that cannot follow ---- */

static json_t *
find_event(json_t *events, const char *type, size_t *at)
{
	json_t	   *event;
	size_t		i;

	json_array_foreach(events, i, event)
	{
		*at = i;
		if (strcmp(pgwf_json_str(event, "eventType"), type) == 0)
			return event;
	}
	ok(false, "there is an event %s", type);
	return NULL;
}

/* A follow-up that refers to the wrong event. */
static void
misled(const char *list, const char *type, const char *key,
	   const char *message)
{
	json_t	   *shared = record(list);
	json_t	   *events = json_deep_copy(shared);
	size_t		at;
	json_t	   *event = find_event(events, type, &at);

	pgwf_json_put(json_object_get(event, "attributes"), key, json_integer(2));
	replays(events, list, message, type);
	json_decref(events);
	json_decref(shared);
}

/* An event changes its kind: what comes then is not due. */
static void
changed(const char *list, const char *from, const char *to,
		const char *message)
{
	json_t	   *shared = record(list);
	json_t	   *events = json_deep_copy(shared);
	size_t		at;
	json_t	   *event = find_event(events, from, &at);
	char	   *name = pgwf_xprintf("%s instead of %s", to, from);

	pgwf_json_put_str(event, "eventType", to);
	replays(events, list, message, name);
	free(name);
	json_decref(events);
	json_decref(shared);
}

static void
test_follow_ups(void)
{
	misled("a:x", "ActivityTaskStarted", "scheduledEventId", "event 6 is "
		   "ActivityTaskStarted of event 2, but the workflow code asked for "
		   "no activity there");
	misled("a:x", "ActivityTaskCompleted", "scheduledEventId", "is "
		   "ActivityTaskCompleted of event 2, but the workflow code asked for "
		   "no activity there");
	misled("t:5", "TimerFired", "startedEventId", "asked for no timer there");
	misled("c:k/1", "ChildWorkflowExecutionStarted", "initiatedEventId",
		   "asked for no child there");
	misled("c:k/1", "ChildWorkflowExecutionCompleted", "initiatedEventId",
		   "asked for no child there");
	misled("s:o", "ExternalWorkflowExecutionSignaled", "initiatedEventId",
		   "asked for no signal to another workflow there");
	misled("x:o", "ExternalWorkflowExecutionCancelRequested",
		   "initiatedEventId",
		   "asked for no cancellation of another workflow there");

	changed("c:k/1", "ChildWorkflowExecutionStarted",
			"ChildWorkflowExecutionFailed", "event 6 is "
			"ChildWorkflowExecutionFailed, which the child initiated by event "
			"5 (workflow id \"1\", type \"k\") can not have come to");
	changed("c:k/1", "ChildWorkflowExecutionCompleted",
			"ChildWorkflowExecutionStarted", "can not have come to");
	changed("c:k/1", "ChildWorkflowExecutionCompleted",
			"StartChildWorkflowExecutionFailed", "can not have come to");
	changed("s:o", "ExternalWorkflowExecutionSignaled",
			"ExternalWorkflowExecutionCancelRequested",
			"asked for no cancellation of another workflow there");
	changed("x:o", "ExternalWorkflowExecutionCancelRequested",
			"SignalExternalWorkflowExecutionFailed",
			"asked for no signal to another workflow there");
	changed("a:x", "ActivityTaskStarted", "ActivityTaskCompleted",
			"can not have come to");
}

/* An outcome that comes twice. */
static void
test_twice(void)
{
	static const struct
	{
		const char *list;
		const char *type;
	}			rows[] =
	{
		{"c:k/1 t:5", "ChildWorkflowExecutionCompleted"},
		{"s:o t:5", "ExternalWorkflowExecutionSignaled"},
		{"x:o t:5", "ExternalWorkflowExecutionCancelRequested"},
		{"a:x t:5", "ActivityTaskCompleted"}
	};
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		json_t	   *shared = record(rows[i].list);
		json_t	   *events = json_deep_copy(shared);
		json_t	   *event;
		size_t		at;
		size_t		n;

		event = find_event(events, rows[i].type, &at);
		n = json_array_size(events);
		json_array_insert_new(events, at + 1, json_deep_copy(event));
		for (at = at + 1; at <= n; at++)
			pgwf_json_put_int(json_array_get(events, at), "eventId",
							  (int64_t) at + 1);
		replays(events, rows[i].list, pgwf_json_str(event, "eventType"),
				rows[i].type);
		json_decref(events);
		json_decref(shared);
	}
}

int
main(void)
{
	static const RunFlow flows[] = {{"walk", walk_flow}, {NULL, NULL}};

	registry = runs_registry(flows);
	test_table();
	test_kinds();
	test_new_commands();
	test_follow_ups();
	test_twice();
	pgwf_registry_free(registry);
	return done_testing();
}
