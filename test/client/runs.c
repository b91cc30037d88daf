/*
 * runs.c
 *		Checks of simulated runs that several tests make.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"

char		run_trace[2000];

PgwfRegistry *
runs_registry(const RunFlow *flows)
{
	PgwfRegistry *registry = pgwf_registry_new();

	for (; flows->name != NULL; flows++)
		pgwf_register_workflow(registry, flows->name, flows->fn, NULL);
	return registry;
}

void
run_say(const char *fmt,...)
{
	size_t		used = strlen(run_trace);
	va_list		args;

	va_start(args, fmt);
	vsnprintf(run_trace + used, sizeof(run_trace) - used, fmt, args);
	va_end(args);
}

Sim *
run_start(PgwfRegistry *registry, const char *type, const char *input)
{
	run_trace[0] = '\0';
	return sim_new(registry, type, input);
}

void
run_asks(Sim *sim, const char *expected, const char *name)
{
	char	   *got = sim_commands(sim);

	is_str(got, expected, "%s", name);
	free(got);
}

void
run_command_is(Sim *sim, int at, const char *attributes, const char *name)
{
	json_t	   *command = json_array_get(sim->out.commands, (size_t) at);

	is_json(json_object_get(command, "attributes"), attributes, "%s", name);
}

void
run_ends(Sim *sim, const char *status, const char *key, const char *value,
		 const char *name)
{
	is_str(sim_status(sim), status, "%s: closed by", name);
	if (key != NULL)
		is_json(json_object_get(sim_last_attributes(sim), key), value,
				"%s: %s", name, key);
	ok(sim_replays(sim), "%s: replays in all splits", name);
	sim_free(sim);
}

void
run_task_fails(Sim *sim, bool nondeterminism, const char *message,
			   const char *name)
{
	is_int(sim->out.status, PGWF_TASK_FAILED, "%s: the task fails", name);
	is_str(sim->out.cause, nondeterminism ?
		   "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR" :
		   "WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE",
		   "%s: cause", name);
	has_str(sim->out.message ? sim->out.message : "", message, "%s: message",
			name);
	sim_free(sim);
}
