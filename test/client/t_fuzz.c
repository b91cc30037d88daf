/*
 * t_fuzz.c
 *		Random workflow code against a random world.
 *
 * Each run interprets a program drawn from a seed: several coroutines that
 * run activities, timers, local activities, children, side effects, patches,
 * races, scopes with and without timeouts, signals from and to others.
 * Updates run such programs too, and queries look on.  The world completes,
 * fails and fires in any order, lets
 * events arrive while tasks are open, sends heartbeats, loses tasks and evicts
 * the run.  Whatever happens, code and history must agree, and the history
 * must replay to the same commands in every split.
 *
 * FUZZ_RUNS sets the number of runs (default 300), FUZZ_SEED the first seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "tap.h"

#define MAX_DEPTH 2

static const PgwfActivityOptions options = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 10000
};

/* ---- the code ---- */

typedef struct Program
{
	PgwfRandom	random;
	int			depth;
	int			steps;
} Program;

static int
draw(PgwfRandom *random, int n)
{
	return (int) (pgwf_random_next(random) % (uint64_t) n);
}

static json_t *
effect(void *arg)
{
	return json_integer(*(int *) arg);
}

static json_t *run_program(PgwfWorkflow *wf, void *arg,
						   PgwfFailure **failure);

static Program *
subprogram(PgwfWorkflow *wf, Program *p)
{
	Program    *child = pgwf_alloc(wf, sizeof(Program));

	pgwf_random_seed(&child->random, pgwf_random_next(&p->random));
	child->depth = p->depth + 1;
	child->steps = 1 + draw(&p->random, 3);
	return child;
}

/* A child, with luck one that is signaled, or one half of it. */
static PgwfFuture *
start_child(PgwfWorkflow *wf, Program *p)
{
	PgwfChildOptions o = PGWF_CHILD_OPTIONS_INIT;
	PgwfChild  *child;

	o.cancel_type = (PgwfChildCancelType) draw(&p->random, 4);
	child = pgwf_start_child(wf, "kid", NULL, &o);
	switch (draw(&p->random, 5))
	{
		case 0:
			return pgwf_signal_child(wf, child, "s", NULL, NULL);
		case 1:
			return pgwf_child_started(child);
		case 2:
			pgwf_signal_child(wf, child, "s", NULL, NULL);
			break;
		case 3:
			pgwf_await(wf, pgwf_child_started(child), NULL, NULL);
			pgwf_cancel_child(wf, child, "why not");
			break;
		default:
			break;
	}
	return pgwf_child_result(child);
}

/* Starts something that ends sooner or later. */
static PgwfFuture *
start_one(PgwfWorkflow *wf, Program *p)
{
	PgwfActivityOptions o = options;
	PgwfLocalOptions l = PGWF_LOCAL_OPTIONS_INIT;

	switch (draw(&p->random, p->depth < MAX_DEPTH ? 9 : 8))
	{
		case 0:
		case 1:
			o.cancel_type = (PgwfCancelType) draw(&p->random, 3);
			return pgwf_start_activity(wf, "a", NULL, &o);
		case 2:
			return pgwf_start_timer(wf, draw(&p->random, 3) * 1000);
		case 3:
			l.start_to_close_timeout_ms = 1000;
			l.cancel_type = (PgwfCancelType) draw(&p->random, 3);
			return pgwf_start_local_activity(wf, "l", pgwf_pack(wf, "i", 1),
											 &l);
		case 4:
		case 5:
			return start_child(wf, p);
		case 6:
			return pgwf_signal_external(wf, "friend", "s", NULL, NULL);
		case 7:
			return pgwf_cancel_external(wf, "foe", NULL, NULL);
		default:
			return pgwf_spawn(wf, run_program, subprogram(wf, p));
	}
}

static bool
late_enough(void *arg)
{
	PgwfWorkflow *wf = arg;

	return pgwf_workflow_info(wf)->history_length > 40;
}

static void
run_step(PgwfWorkflow *wf, Program *p)
{
	PgwfFuture *futures[3];
	PgwfScope  *scope;
	int			n;
	int			i;

	switch (draw(&p->random, 13))
	{
		case 0:
		case 1:
			pgwf_await(wf, start_one(wf, p), NULL, NULL);
			break;
		case 2:					/* a race in a scope, losers canceled */
			scope = pgwf_scope_new(wf, draw(&p->random, 4) == 0);
			pgwf_scope_enter(wf, scope);
			n = 1 + draw(&p->random, 3);
			for (i = 0; i < n; i++)
				futures[i] = start_one(wf, p);
			pgwf_scope_leave(wf);
			pgwf_await_any(wf, futures, n);
			pgwf_scope_cancel(wf, scope);
			break;
		case 3:					/* all of several */
			n = 1 + draw(&p->random, 3);
			for (i = 0; i < n; i++)
				futures[i] = start_one(wf, p);
			pgwf_await_all(wf, futures, n, NULL);
			break;
		case 4:
			i = draw(&p->random, 1000);
			pgwf_side_effect(wf, effect, &i);
			break;
		case 5:
			pgwf_receive_signal(wf, "s", draw(&p->random, 2000), NULL);
			break;
		case 6:
			if (pgwf_patched(wf, pgwf_sprintf(wf, "p%d",
											  draw(&p->random, 3))))
				pgwf_start_timer(wf, 1000);
			break;
		case 7:
			if (pgwf_now(wf) % 2 == 0 || pgwf_random(wf) % 2 == 0)
				futures[0] = start_one(wf, p);
			break;
		case 8:
			futures[0] = start_one(wf, p);
			if (draw(&p->random, 2) == 0)
				pgwf_future_cancel(wf, futures[0]);
			break;
		case 9:					/* a scope with a timeout */
			scope = pgwf_scope_new_timeout(wf, draw(&p->random, 2) == 0,
										   draw(&p->random, 4) * 1000);
			pgwf_scope_enter(wf, scope);
			n = 1 + draw(&p->random, 3);
			for (i = 0; i < n; i++)
				futures[i] = start_one(wf, p);
			if (draw(&p->random, 2) == 0)
				pgwf_await(wf, futures[0], NULL, NULL);
			pgwf_scope_leave(wf);
			pgwf_await_all(wf, futures, n, NULL);
			break;
		case 10:				/* a signal or something else, in time */
			futures[0] = pgwf_start_receive_signal(wf, "s");
			futures[1] = start_one(wf, p);
			if (pgwf_await_any_timeout(wf, futures, 2,
									   draw(&p->random, 3) * 1000,
									   NULL) != PGWF_WAIT_DONE)
				pgwf_future_cancel(wf, futures[0]);
			break;
		case 11:
			i = draw(&p->random, 5);
			if (i % 2 == 0)
				pgwf_upsert_search_attributes(wf, pgwf_pack(wf, "{s:i}", "K",
															i));
			else
				pgwf_upsert_memo(wf, pgwf_pack(wf, "{s:i}", "k", i));
			break;
		case 12:
			pgwf_wait_condition(wf, late_enough, wf,
								1 + draw(&p->random, 2000));
			break;
	}
}

static json_t *
run_program(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	Program    *p = arg;

	(void) failure;
	for (; p->steps > 0; p->steps--)
		run_step(wf, p);
	return NULL;
}

/* An update is a program of its own: [seed]. */
static json_t *
fuzz_update(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
			PgwfFailure **failure)
{
	Program    *p = pgwf_alloc(wf, sizeof(Program));
	bool		moody;

	(void) name;
	(void) arg;
	pgwf_random_seed(&p->random, (uint64_t)
					 json_integer_value(json_array_get(args, 0)));
	p->depth = 1;
	p->steps = draw(&p->random, 4);
	moody = draw(&p->random, 4) == 0;
	run_program(wf, p, failure);
	if (moody)
		*failure = pgwf_failure_new("Moody", "not today");
	return NULL;
}

static void
fuzz_validator(PgwfWorkflow *wf, const char *name, const json_t *args,
			   void *arg, PgwfFailure **failure)
{
	(void) name;
	(void) arg;
	switch (json_integer_value(json_array_get(args, 0)) % 4)
	{
		case 0:
			*failure = pgwf_failure_new("No", "no");
			break;
		case 1:
			if (json_integer_value(json_array_get(args, 0)) % 3 == 0)
				pgwf_sleep(wf, 1000, NULL);
			break;
	}
}

static json_t *
fuzz_query(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		   PgwfFailure **failure)
{
	(void) name;
	(void) arg;
	if (json_integer_value(json_array_get(args, 0)) == 0)
		pgwf_start_timer(wf, 1000);
	*failure = NULL;
	return pgwf_pack(wf, "I", (json_int_t) pgwf_now(wf));
}

static void
fuzz_init(PgwfWorkflow *wf, json_t *input)
{
	PgwfUpdateHandlerOptions checked = PGWF_UPDATE_HANDLER_OPTIONS_INIT;

	(void) input;
	checked.validator = fuzz_validator;
	pgwf_set_update_handler(wf, "u", fuzz_update, NULL, &checked);
	pgwf_set_query_handler(wf, "q", fuzz_query, NULL);
}

static json_t *
fuzz(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	Program    *p = pgwf_alloc(wf, sizeof(Program));

	pgwf_random_seed(&p->random, (uint64_t)
					 json_integer_value(json_array_get(input, 0)));
	p->steps = 3 + draw(&p->random, 10);
	run_program(wf, p, failure);
	if (draw(&p->random, 4) == 0)
		return pgwf_continue_as_new(wf, input, NULL);
	return NULL;
}

/* ---- the world ---- */

static PgwfRandom world;
static int	n_closed = 0;
static int	n_events = 0;
static int	n_tasks = 0;
static int	n_discarded = 0;

static SimLocalEnd
random_end(Sim *sim, const PgwfLocalRequest *request)
{
	SimLocalEnd end;

	(void) sim;
	memset(&end, 0, sizeof(end));
	switch (draw(&world, 5))
	{
		case 0:
			end.later = true;
			break;
		case 1:
			if (request->attempt < 3)
				end.failure = pgwf_failure_new("Flaky", "again");
			break;
	}
	end.elapsed_ms = draw(&world, 50);
	return end;
}

/* A key of an object, drawn by lot; NULL if it has none. */
static char *
any_key(json_t *object)
{
	const char *key;
	json_t	   *value;
	int			n = (int) json_object_size(object);

	if (n == 0)
		return NULL;
	n = draw(&world, n);
	json_object_foreach(object, key, value)
	{
		if (n-- == 0)
			return pgwf_xstrdup(key);
	}
	return NULL;
}

/* The next thing in a child's life. */
static void
child_happens(Sim *sim, const char *id)
{
	static const char *const ends[] = {
		"ChildWorkflowExecutionCompleted", "ChildWorkflowExecutionFailed",
		"ChildWorkflowExecutionCanceled", "ChildWorkflowExecutionTimedOut",
		"ChildWorkflowExecutionTerminated"
	};

	if (sim_child_open(sim, id, true))
		sim_child(sim, id, ends[draw(&world, 5)], "{}");
	else if (draw(&world, 5) == 0)
		sim_child_refused(sim, id, "START_CHILD_WORKFLOW_EXECUTION_FAILED_"
						  "CAUSE_WORKFLOW_ALREADY_EXISTS");
	else
		sim_child_started(sim, id);
}

/* One thing happens outside; false if there is nothing that could. */
static bool
something_happens(Sim *sim)
{
	char	   *key = NULL;
	json_t	   *external;

	switch (draw(&world, 17))
	{
		case 0:
			sim_signal(sim, draw(&world, 3) > 0 ? "s" : "other", "[1]");
			return true;
		case 1:
			if (draw(&world, 8) == 0)
			{
				sim_cancel(sim, "enough");
				return true;
			}
			return false;
		case 2:
		case 3:
		case 4:
		case 5:
			key = any_key(sim->timers);
			if (key != NULL)
				sim_fire(sim, key);
			break;
		case 6:
			key = any_key(sim->activities);
			if (key != NULL)
				sim_activity(sim, key, "ActivityTaskFailed",
							 "{\"failure\": {\"message\": \"x\"}, "
							 "\"retryState\": \"RETRY_STATE_TIMEOUT\"}");
			break;
		case 12:
		case 13:
		case 14:
			key = any_key(sim->children);
			if (key != NULL)
				child_happens(sim, key);
			break;
		case 15:
		case 16:
			external = json_array_get(sim->externals, 0);
			if (external != NULL)
			{
				key = pgwf_xstrdup(pgwf_json_str(external, "id"));
				(json_is_true(json_object_get(external, "signal")) ?
				 sim_signaled : sim_canceled) (sim, key,
											   draw(&world, 3) > 0 ? NULL :
											   "NOT_FOUND");
			}
			break;
		default:
			key = any_key(sim->activities);
			if (key != NULL)
				sim_complete(sim, key, "1");
			break;
	}
	free(key);
	return key != NULL;
}

/* Somebody asks for an update, sometimes one that the code does not know. */
static void
ask_for_update(Sim *sim)
{
	char		id[40];
	char		args[40];

	snprintf(id, sizeof(id), "u%d", (int) json_object_size(sim->updates));
	snprintf(args, sizeof(args), "[%d]", draw(&world, 100000));
	sim_update(sim, id, draw(&world, 8) > 0 ? "u" : "v", args);
}

/* Queries, of the cached run or of a new instance, change nothing. */
static void
look_on(Sim *sim)
{
	const char *args = draw(&world, 2) > 0 ? "[1]" : "[0]";

	if (sim->instance != NULL && draw(&world, 2) > 0)
		json_decref(sim_query(sim, "q", args));
	else
		json_decref(sim_query_uncached(sim, "q", args));
}

/* Opens a task and answers it, one way or another. */
static bool
do_task(Sim *sim)
{
	int			i;

	if (draw(&world, 4) == 0)
		sim_buffer_query(sim, "q", "q", "[0]");
	sim_begin(sim);
	if (sim->out.status == PGWF_TASK_FAILED ||
		sim->out.status == PGWF_TASK_STALE)
		return false;
	for (i = draw(&world, 3); i > 0; i--)
		something_happens(sim);
	if (draw(&world, 10) == 0)
		sim_lose_task(sim);
	else if (sim->out.status == PGWF_TASK_LOCAL)
	{
		sim_heartbeat(sim);
		if (draw(&world, 4) == 0)
			sim_evict(sim);
	}
	else
		sim_end(sim);
	return !sim->failed;
}

/* Runs one seed; returns false with a message if something went wrong. */
static bool
run_seed(PgwfRegistry *registry, int seed)
{
	char	   *input = pgwf_xprintf("[%d]", seed);
	Sim		   *sim = sim_new(registry, "fuzz", input);
	bool		good = true;
	int			turns;

	free(input);
	sim->local = random_end;
	pgwf_random_seed(&world, (uint64_t) seed);
	for (turns = 0; good && !sim->closed && turns < 400; turns++)
	{
		if (sim->task_wanted && draw(&world, 3) > 0)
			good = do_task(sim);
		else
			something_happens(sim);
		if (draw(&world, 6) == 0)
			ask_for_update(sim);
		if (draw(&world, 6) == 0)
			look_on(sim);
		if (draw(&world, 12) == 0 && sim->task_started == 0)
			sim_evict(sim);
	}
	if (!good)
		note("seed %d: task of event %lld: %s", seed,
			 (long long) json_array_size(sim->events),
			 sim->out.message ? sim->out.message : "");
	else
		good = sim_replays(sim);
	n_closed += sim->closed;
	n_events += (int) json_array_size(sim->events);
	n_tasks += sim->processed;
	n_discarded += sim->discarded;
	if (!good && getenv("FUZZ_SEED") != NULL)
		json_dumpf(sim->events, stdout, JSON_INDENT(1));
	sim_free(sim);
	return good;
}

int
main(void)
{
	const char *runs_text = getenv("FUZZ_RUNS");
	const char *seed_text = getenv("FUZZ_SEED");
	int			runs = runs_text != NULL ? atoi(runs_text) : 300;
	int			first = seed_text != NULL ? atoi(seed_text) : 1;
	int			good = 0;
	int			bad = 0;
	int			seed;
	PgwfTypeOptions options = PGWF_TYPE_OPTIONS_INIT;
	PgwfRegistry *registry = pgwf_registry_new();

	options.init = fuzz_init;
	pgwf_register_workflow_with(registry, "fuzz", fuzz, NULL, &options);
	for (seed = first; seed < first + runs && bad < 5; seed++)
	{
		if (run_seed(registry, seed))
			good++;
		else
		{
			bad++;
			note("seed %d failed", seed);
		}
	}
	note("%d runs closed, %d events, %d workflow tasks, %d of them forgotten",
		 n_closed, n_events, n_tasks, n_discarded);
	is_int(good, runs, "%d random runs replay", runs);
	pgwf_registry_free(registry);
	return done_testing();
}
