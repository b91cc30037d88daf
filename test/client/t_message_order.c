/*
 * t_message_order.c
 *		In what order messages reach the code: among the other news of a task,
 *		and in tasks that local activities hold open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "tap.h"

/* ---- updates in tasks that local activities hold open ---- */

static SimLocalEnd
later(Sim *sim, const PgwfLocalRequest *request)
{
	SimLocalEnd end;

	(void) sim;
	(void) request;
	memset(&end, 0, sizeof(end));
	end.later = true;
	return end;
}

/* [a command first]: a long local activity, and the times of what happens. */
static json_t *
note_time(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		  PgwfFailure **failure)
{
	int64_t    *time = arg;

	(void) name;
	(void) args;
	(void) failure;
	*time = pgwf_now_us(wf);
	pgwf_start_timer(wf, 1 + *time % 1000);
	return NULL;
}

static void
reject_all(PgwfWorkflow *wf, const char *name, const json_t *args, void *arg,
		   PgwfFailure **failure)
{
	(void) wf;
	(void) arg;
	if (strcmp(name, "x") == 0 &&
		json_is_true(json_array_get(args, 0)))
		*failure = pgwf_failure_new("No", "no");
}

FLOW_BODY(held_flow)
{
	PgwfUpdateHandlerOptions options = PGWF_UPDATE_HANDLER_OPTIONS_INIT;
	int64_t    *time = pgwf_alloc(wf, sizeof(int64_t));

	options.validator = reject_all;
	pgwf_set_update_handler(wf, "x", note_time, time, &options);
	if (json_is_true(json_array_get(input, 0)))
		pgwf_start_timer(wf, 1000);
	if (!pgwf_execute_local_activity(wf, "slow", NULL, &local_options, NULL,
									 failure))
		return NULL;
	pgwf_start_timer(wf, 1 + pgwf_now_us(wf) % 1000);
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	return pgwf_pack(wf, "[I, I]", *time, pgwf_now_us(wf));
}

/* Update in the first task, or after so many heartbeats; rejected before. */
static void
test_held(bool command, int heartbeats, bool evict, bool rejected_too)
{
	char	   *name = pgwf_xprintf("held: command %d, heartbeats %d, "
									"evicted %d, rejected %d", command,
									heartbeats, evict, rejected_too);
	Sim		   *sim = start("held", command ? "[true]" : "[false]");
	int			i;

	sim->local = later;
	sim_begin(sim);
	for (i = 0; i < heartbeats; i++)
	{
		sim_heartbeat(sim);
		if (evict)
			sim_evict(sim);
		if (rejected_too)
		{
			char	   *id = pgwf_xprintf("r%d", i);

			sim_update(sim, id, "x", "[true]");
			free(id);
		}
		if (i == heartbeats - 1)
			sim_update(sim, "u", "x", "[false]");
		sim_begin(sim);
		is_int(sim->out.status, PGWF_TASK_LOCAL, "%s: held", name);
	}
	sim_heartbeat(sim);
	sim->local = NULL;
	sim_begin(sim);
	sim_end(sim);
	if (heartbeats > 0)
		is_str(sim_update_state(sim, "u"), "completed", "%s: update", name);
	sim_signal(sim, "go", "[]");
	sim_task(sim);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, name);
	free(name);
}

static void
test_locals(void)
{
	int			i;

	for (i = 0; i < 32; i++)
		test_held((i & 1) != 0, i >> 3, (i & 2) != 0, (i & 4) != 0);
}

/* Rejected updates between all kinds of tasks: the run goes on as if not. */
/* ---- the order in which a task's news reach the code ---- */

static json_t *
note_update(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
			PgwfFailure **failure)
{
	(void) args;
	(void) arg;
	(void) failure;
	run_say("%s", pgwf_sprintf(wf, "[update %s%s]", name,
							   pgwf_is_replaying(wf) ? " replayed" : ""));
	return NULL;
}

static void
note_signal(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	(void) input;
	(void) arg;
	run_say("%s", pgwf_sprintf(wf, "[signal %s%s]", name,
							   pgwf_cancel_requested(wf) ? " canceled" : ""));
}

static json_t *
note_query(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		   PgwfFailure **failure)
{
	(void) args;
	(void) arg;
	(void) failure;
	run_say("%s", pgwf_sprintf(wf, "[query %s]", name));
	return NULL;
}

static json_t *
note_end(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	PgwfFuture *future = arg;
	const char *name = pgwf_future_ready(future) ? "?" : "";

	(void) failure;
	pgwf_await(wf, future, NULL, NULL);
	run_say("%s", pgwf_sprintf(wf, "[%send]", name));
	return NULL;
}

FLOW_BODY(order_flow)
{
	PgwfFuture *futures[2];

	(void) input;
	(void) failure;
	pgwf_set_update_handler(wf, NULL, note_update, NULL, NULL);
	pgwf_set_signal_handler(wf, NULL, note_signal, NULL);
	pgwf_set_query_handler(wf, "q", note_query, NULL);
	pgwf_scope_enter(wf, pgwf_scope_new(wf, true));
	futures[0] = pgwf_start_timer(wf, 1000);
	futures[1] = pgwf_start_activity(wf, "a", NULL, &ten_seconds);
	pgwf_spawn(wf, note_end, futures[0]);
	pgwf_spawn(wf, note_end, futures[1]);
	pgwf_await_all(wf, futures, 2, NULL);
	run_say("[main]");
	pgwf_execute_local_activity(wf, "l", NULL, &local_options, NULL, NULL);
	run_say("[local]");
	return NULL;
}

static void
test_order(void)
{
	static const char expected[] =
	"[main][end][end][signal a canceled][signal b canceled]"
	"[update x][update y][query q][local][query q]";
	Sim		   *sim = start("order", "[]");
	PgwfReplayReport *report;

	sim_task(sim);
	is_str(run_trace, "", "nothing yet");
	sim_fire(sim, "1");
	sim_update(sim, "x", "x", "[]");
	sim_signal(sim, "a", "[]");
	sim_cancel(sim, "enough");
	sim_complete(sim, "1", "1");
	sim_update(sim, "y", "y", "[]");
	sim_signal(sim, "b", "[]");
	sim_buffer_query(sim, "1", "q", "[]");
	sim_begin(sim);
	/* signals and updates are dispatched first, coroutines run as made */
	is_str(run_trace, expected, "coroutines run in the order of their making, "
		   "local activities after that, queries last (before a heartbeat too)");
	sim_end(sim);
	run_trace[0] = '\0';
	pgwf_replay_history(registry, sim->events, &report);
	ok(report->ok && report->finished, "the same on replay");
	is_str(run_trace, "[main][end][end][signal a canceled]"
		   "[signal b canceled][update x replayed][update y replayed]"
		   "[local]", "in the same order");
	pgwf_replay_report_free(report);
	run_ends(sim, "WorkflowExecutionCompleted", NULL, NULL, "order");
}

int
main(void)
{
	static const RunFlow flows[] = {
		{"held", held_flow},
		{"order", order_flow},
		{NULL, NULL}
	};

	registry = runs_registry(flows);

	test_locals();
	test_order();
	pgwf_registry_free(registry);
	return done_testing();
}
