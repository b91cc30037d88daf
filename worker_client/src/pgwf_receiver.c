/*
 * pgwf_receiver.c
 *		Futures of signals.
 *
 * A signal that a receiver waits for goes to it instead of the list of those
 * that nobody has received; a receiver that is canceled takes none.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static void receiver_cancel(PgwfWorkflow *wf, PgwfMachine *machine);

static const PgwfMachineInfo receiver_machine = {
	"receiver of a signal", receiver_cancel
};

static PgwfFailure *
canceled_failure(PgwfWorkflow *wf)
{
	json_t	   *json;

	json = pgwf_failure_canceled_json("receiving a signal canceled", NULL);
	return pgwf_arena_failure(wf, json);
}

static void
receiver_cancel(PgwfWorkflow *wf, PgwfMachine *machine)
{
	PgwfMachine **link = &wf->receivers;

	while (*link != machine)
		link = &(*link)->next;
	*link = machine->next;
	machine->state = PGWF_STATE_CLOSED;
	pgwf_future_fail(wf, machine->future, canceled_failure(wf));
}

/* Gives a signal to who has been waiting longest for one of its name. */
bool
pgwf_receiver_takes(PgwfWorkflow *wf, const char *name, json_t *input)
{
	PgwfMachine **link;

	for (link = &wf->receivers; *link != NULL; link = &(*link)->next)
	{
		PgwfMachine *machine = *link;

		if (strcmp(machine->id, name) != 0)
			continue;
		*link = machine->next;
		machine->state = PGWF_STATE_CLOSED;
		pgwf_future_succeed(wf, machine->future, json_incref(input));
		return true;
	}
	return false;
}

PgwfFuture *
pgwf_start_receive_signal(PgwfWorkflow *wf, const char *name)
{
	PgwfFuture *future;
	PgwfMachine *machine;
	PgwfMachine **link = &wf->receivers;
	json_t	   *input;

	pgwf_require_coroutine(wf, "pgwf_start_receive_signal");
	future = pgwf_future_create(wf, NULL);
	if (pgwf_scope_canceled(wf, NULL))
	{
		pgwf_future_fail(wf, future, canceled_failure(wf));
		return future;
	}
	if (pgwf_try_receive_signal(wf, name, &input))
	{
		pgwf_future_succeed(wf, future, json_incref(input));
		return future;
	}
	machine = pgwf_arena_alloc(wf, sizeof(PgwfMachine));
	machine->info = &receiver_machine;
	machine->id = pgwf_arena_strdup(wf, name);
	machine->future = future;
	future->machine = machine;
	while (*link != NULL)
		link = &(*link)->next;
	*link = machine;
	return future;
}
