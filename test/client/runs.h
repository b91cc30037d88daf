/*
 * runs.h
 *		Checks of simulated runs that several tests make.
 */
#ifndef RUNS_H
#define RUNS_H

#include "sim.h"
#include "tap.h"

#define FLOW_BODY(name) \
	static json_t * \
	name(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)

/* An entry of the table of workflows that a test has; name NULL ends it. */
typedef struct RunFlow
{
	const char *name;
	PgwfWorkflowFn fn;
} RunFlow;

extern PgwfRegistry *runs_registry(const RunFlow *flows);

/* What workflow code leaves for the test to read; a start empties it. */
extern char run_trace[2000];
extern void run_say(const char *fmt,...) TAP_PRINTF(1, 2);

extern Sim *run_start(PgwfRegistry *registry, const char *type,
					  const char *input);

/* Checks the commands of the last task, as sim_commands() gives them. */
extern void run_asks(Sim *sim, const char *expected, const char *name);

/* Checks a command of the last task in full. */
extern void run_command_is(Sim *sim, int at, const char *attributes,
						   const char *name);

/* Checks how the run ended, that it replays in every split; frees it. */
extern void run_ends(Sim *sim, const char *status, const char *key,
					 const char *value, const char *name);

/* Checks that the open task failed for a reason; frees the run. */
extern void run_task_fails(Sim *sim, bool nondeterminism,
						   const char *message, const char *name);

#endif							/* RUNS_H */
