/*
 * random_flows.c
 *		Workflows drawn from a seed, for workers that are killed: activities,
 *		timers, signals, children, local activities, patches, side effects,
 *		scopes and cancellation in random shapes, in several coroutines.
 *
 * A shared object for "pgworkflow worker --library" and "pgworkflow replay
 * --library".  Input of "random": [seed].
 */
#include <stdlib.h>
#include <time.h>

#include <pgworkflow.h>

extern PGWF_API PgwfResult pgworkflow_register(PgwfRegistry *registry);

#define MAX_DEPTH	2

/* ---- the program of a run ---- */

typedef struct Program
{
	uint64_t	state;			/* of its generator */
	int			depth;
	int			steps;
} Program;

/* SplitMix64: the same in every process, whatever the run's own numbers */
static uint64_t
next_number(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int
draw(Program *p, int n)
{
	return (int) (next_number(&p->state) % (uint64_t) n);
}

static json_t *run_program(PgwfWorkflow *wf, void *arg,
						   PgwfFailure **failure);

static json_t *
effect(void *arg)
{
	(void) arg;
	return json_integer((json_int_t) clock());
}

static Program *
subprogram(PgwfWorkflow *wf, Program *p)
{
	Program    *sub = pgwf_alloc(wf, sizeof(Program));

	sub->state = next_number(&p->state);
	sub->depth = p->depth + 1;
	sub->steps = 1 + draw(p, 3);
	return sub;
}

static PgwfFuture *
start_activity(PgwfWorkflow *wf, Program *p)
{
	PgwfActivityOptions o = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;

	/* a killed worker's activity is another's soon */
	retry.initial_interval_ms = 1;
	o.start_to_close_timeout_ms = 2000;
	o.heartbeat_timeout_ms = 1000;
	o.cancel_type = (PgwfCancelType) draw(p, 3);
	o.retry_policy = &retry;
	return pgwf_start_activity(wf, draw(p, 4) == 0 ? "flaky" : "quick",
							   pgwf_pack(wf, "[i]", draw(p, 20)), &o);
}

static PgwfFuture *
start_local(PgwfWorkflow *wf, Program *p)
{
	PgwfLocalOptions o = PGWF_LOCAL_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;

	retry.initial_interval_ms = 1;
	o.start_to_close_timeout_ms = 2000;
	o.cancel_type = (PgwfCancelType) draw(p, 3);
	o.retry_policy = &retry;
	return pgwf_start_local_activity(wf, draw(p, 4) == 0 ? "flaky" : "quick",
									 pgwf_pack(wf, "[i]", draw(p, 20)), &o);
}

/* A child: one that runs such a program too, or a short one */
static PgwfFuture *
start_child(PgwfWorkflow *wf, Program *p)
{
	PgwfChildOptions o = PGWF_CHILD_OPTIONS_INIT;
	PgwfChild  *child;
	int			seed = draw(p, 1000000);

	o.cancel_type = (PgwfChildCancelType) draw(p, 4);
	child = pgwf_start_child(wf, "kid", pgwf_pack(wf, "[i]", seed), &o);
	switch (draw(p, 4))
	{
		case 0:
			return pgwf_signal_child(wf, child, "s", NULL, NULL);
		case 1:
			return pgwf_child_started(child);
		case 2:
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
	switch (draw(p, p->depth < MAX_DEPTH ? 8 : 6))
	{
		case 0:
		case 1:
			return start_activity(wf, p);
		case 2:
			return pgwf_start_timer(wf, draw(p, 3) * 20);
		case 3:
			return start_local(wf, p);
		case 4:
			return pgwf_signal_external(wf, "nobody", "s", NULL, NULL);
		case 5:
			if (p->depth == 0)
				return start_child(wf, p);
			return pgwf_start_timer(wf, 5);
		default:
			return pgwf_spawn(wf, run_program, subprogram(wf, p));
	}
}

static void
run_step(PgwfWorkflow *wf, Program *p)
{
	PgwfFuture *futures[3];
	PgwfScope  *scope;
	int			n = 1 + draw(p, 3);
	int			i;

	switch (draw(p, 10))
	{
		case 0:
		case 1:
			pgwf_await(wf, start_one(wf, p), NULL, NULL);
			break;
		case 2:					/* a race, losers canceled */
			scope = pgwf_scope_new(wf, draw(p, 4) == 0);
			pgwf_scope_enter(wf, scope);
			for (i = 0; i < n; i++)
				futures[i] = start_one(wf, p);
			pgwf_scope_leave(wf);
			pgwf_await_any(wf, futures, n);
			pgwf_scope_cancel(wf, scope);
			break;
		case 3:					/* all of several */
			for (i = 0; i < n; i++)
				futures[i] = start_one(wf, p);
			pgwf_await_all(wf, futures, n, NULL);
			break;
		case 4:
			pgwf_side_effect(wf, effect, NULL);
			break;
		case 5:
			pgwf_receive_signal(wf, "s", 1 + draw(p, 50), NULL);
			break;
		case 6:
			if (pgwf_patched(wf, pgwf_sprintf(wf, "p%d", draw(p, 3))))
				pgwf_sleep(wf, 1 + draw(p, 10), NULL);
			break;
		case 7:
			if (pgwf_random(wf) % 2 == 0)
				pgwf_await(wf, start_one(wf, p), NULL, NULL);
			break;
		case 8:
			futures[0] = start_one(wf, p);
			if (draw(p, 2) == 0)
				pgwf_future_cancel(wf, futures[0]);
			break;
		case 9:					/* a scope with a timeout */
			scope = pgwf_scope_new_timeout(wf, false, 1 + draw(p, 30));
			pgwf_scope_enter(wf, scope);
			for (i = 0; i < n; i++)
				futures[i] = start_one(wf, p);
			pgwf_scope_leave(wf);
			pgwf_await_all(wf, futures, n, NULL);
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
run_seed(PgwfWorkflow *wf, json_t *input, int depth, int steps)
{
	Program    *p = pgwf_alloc(wf, sizeof(Program));

	p->state = (uint64_t) json_integer_value(json_array_get(input, 0));
	p->depth = depth;
	p->steps = steps + draw(p, steps);
	run_program(wf, p, NULL);
	return pgwf_pack(wf, "i", draw(p, 1000));
}

static json_t *
random_workflow(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) failure;
	return run_seed(wf, input, 0, 5);
}

static json_t *
kid(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) failure;
	return run_seed(wf, input, 1, 1);
}

/* ---- activities ---- */

/* Takes some milliseconds. */
static json_t *
quick(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	pgwf_activity_heartbeat(activity, NULL);
	if (pgwf_activity_wait_canceled(activity,
									json_integer_value(json_array_get(input, 0)))
		== PGWF_CANCEL_REQUESTED)
		*failure = pgwf_activity_canceled_failure(activity, NULL);
	return NULL;
}

/* Likewise, and fails at first, sometimes for good. */
static json_t *
flaky(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	json_int_t	n = json_integer_value(json_array_get(input, 0));

	if (pgwf_activity_info(activity)->attempt > 2)
		return json_integer(n);
	*failure = pgwf_failure_new("Flaky", "not yet");
	if (n % 3 == 0)
		pgwf_failure_set_non_retryable(*failure);
	return NULL;
}

PgwfResult
pgworkflow_register(PgwfRegistry *registry)
{
	pgwf_register_workflow(registry, "random", random_workflow, NULL);
	pgwf_register_workflow(registry, "kid", kid, NULL);
	pgwf_register_activity(registry, "quick", quick, NULL);
	return pgwf_register_activity(registry, "flaky", flaky, NULL);
}
