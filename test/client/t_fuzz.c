/*
 * t_fuzz.c
 *		Random workflow code against a random world.
 *
 * Each run interprets a program drawn from a seed: several coroutines that
 * run activities, timers, local activities, side effects, patches, races,
 * scopes and signals.  The world completes, fails and fires in any order, lets
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

/* Starts something that ends sooner or later. */
static PgwfFuture *
start_one(PgwfWorkflow *wf, Program *p)
{
	PgwfActivityOptions o = options;
	PgwfLocalOptions l = PGWF_LOCAL_OPTIONS_INIT;

	switch (draw(&p->random, p->depth < MAX_DEPTH ? 5 : 4))
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
		default:
			return pgwf_spawn(wf, run_program, subprogram(wf, p));
	}
}

static void
run_step(PgwfWorkflow *wf, Program *p)
{
	PgwfFuture *futures[3];
	PgwfScope  *scope;
	int			n;
	int			i;

	switch (draw(&p->random, 9))
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

static json_t *
fuzz(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	Program    *p = pgwf_alloc(wf, sizeof(Program));

	pgwf_random_seed(&p->random, (uint64_t)
					 json_integer_value(json_array_get(input, 0)));
	p->steps = 3 + draw(&p->random, 10);
	return run_program(wf, p, failure);
}

/* ---- the world ---- */

static PgwfRandom world;
static int	n_closed = 0;
static int	n_events = 0;
static int	n_tasks = 0;

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

/* One thing happens outside; false if there is nothing that could. */
static bool
something_happens(Sim *sim)
{
	char	   *key;

	switch (draw(&world, 12))
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
		default:
			key = any_key(sim->activities);
			if (key != NULL)
				sim_complete(sim, key, "1");
			break;
	}
	free(key);
	return key != NULL;
}

/* Opens a task and answers it, one way or another. */
static bool
do_task(Sim *sim)
{
	int			i;

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
	PgwfRegistry *registry = pgwf_registry_new();

	pgwf_register_workflow(registry, "fuzz", fuzz, NULL);
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
	note("%d runs closed, %d events, %d workflow tasks", n_closed, n_events,
		 n_tasks);
	is_int(good, runs, "%d random runs replay", runs);
	pgwf_registry_free(registry);
	return done_testing();
}
