/*
 * pgwf_signal.c
 *		Signals: those that wait to be received, and handlers that are run for
 *		them.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

typedef struct HandlerCall
{
	PgwfSignalHandler handler;
	PgwfSignal *signal;
} HandlerCall;

static void
count_handler(PgwfWorkflow *wf, const PgwfSignalHandler *handler, int n)
{
	wf->running_signals += n;
	if (handler->unfinished == PGWF_UNFINISHED_ABANDON)
		wf->abandonable_signals += n;
}

static json_t *
run_handler(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	HandlerCall *call = arg;

	(void) failure;
	call->handler.fn(wf, call->signal->name, call->signal->input,
					 call->handler.arg);
	count_handler(wf, &call->handler, -1);
	return NULL;
}

static void
start_handler(PgwfWorkflow *wf, const PgwfSignalHandler *handler,
			  PgwfSignal *signal)
{
	HandlerCall *call = pgwf_arena_alloc(wf, sizeof(HandlerCall));
	PgwfCoroutine *co;

	call->handler = *handler;
	call->signal = signal;
	co = pgwf_coroutine_create(wf, run_handler, call, wf->root);
	co->name = "signal handler";
	co->name_detail = signal->name;
	co->update = NULL;
	count_handler(wf, handler, 1);
}

/* The handler set for exactly this name (NULL: the one for all others). */
static PgwfSignalHandler *
find_handler(PgwfWorkflow *wf, const char *name)
{
	PgwfSignalHandler *handler;

	for (handler = wf->handlers; handler != NULL; handler = handler->next)
	{
		if (handler->fn == NULL || (handler->name == NULL) != (name == NULL))
			continue;
		if (name == NULL || strcmp(handler->name, name) == 0)
			return handler;
	}
	return NULL;
}

/* A signal came: to its handler, or to those who will ask for it. */
void
pgwf_signal_arrived(PgwfWorkflow *wf, const char *name, json_t *input)
{
	PgwfSignal *signal = pgwf_arena_alloc(wf, sizeof(PgwfSignal));
	PgwfSignalHandler *handler = find_handler(wf, name);

	signal->name = pgwf_arena_strdup(wf, name);
	signal->input = input;
	if (handler == NULL && pgwf_receiver_takes(wf, name, input))
		return;
	if (handler == NULL)
		handler = find_handler(wf, NULL);
	if (handler != NULL)
	{
		start_handler(wf, handler, signal);
		return;
	}
	if (wf->last_signal != NULL)
		wf->last_signal->next = signal;
	else
		wf->signals = signal;
	wf->last_signal = signal;
}

/* Unlinks the signal that follows "before" (NULL: the first one). */
static PgwfSignal *
take_signal(PgwfWorkflow *wf, PgwfSignal *before)
{
	PgwfSignal *signal = before != NULL ? before->next : wf->signals;

	if (before != NULL)
		before->next = signal->next;
	else
		wf->signals = signal->next;
	if (wf->last_signal == signal)
		wf->last_signal = before;
	signal->next = NULL;
	return signal;
}

/* Takes the oldest waiting signal of a name; NULL if there is none. */
static PgwfSignal *
take_named(PgwfWorkflow *wf, const char *name)
{
	PgwfSignal *before = NULL;
	PgwfSignal *signal;

	for (signal = wf->signals; signal; before = signal, signal = signal->next)
	{
		if (strcmp(signal->name, name) == 0)
			return take_signal(wf, before);
	}
	return NULL;
}

bool
pgwf_try_receive_signal(PgwfWorkflow *wf, const char *name, json_t **input)
{
	PgwfSignal *signal;

	pgwf_require_coroutine(wf, "pgwf_try_receive_signal");
	signal = take_named(wf, name);
	if (signal != NULL && input != NULL)
		*input = signal->input;
	return signal != NULL;
}

static bool
signal_waits(PgwfWorkflow *wf, void *arg)
{
	return pgwf_signal_count(wf, arg) > 0;
}

PgwfWait
pgwf_receive_signal(PgwfWorkflow *wf, const char *name, int64_t timeout_ms,
					json_t **input)
{
	PgwfWait	outcome;

	pgwf_require_coroutine(wf, "pgwf_receive_signal");
	outcome = pgwf_wait_for(wf, signal_waits, (void *) name, timeout_ms,
							"pgwf_receive_signal", name);
	if (outcome == PGWF_WAIT_DONE)
		pgwf_try_receive_signal(wf, name, input);
	return outcome;
}

int
pgwf_signal_count(PgwfWorkflow *wf, const char *name)
{
	PgwfSignal *signal;
	int			count = 0;

	for (signal = wf->signals; signal != NULL; signal = signal->next)
	{
		if (strcmp(signal->name, name) == 0)
			count++;
	}
	return count;
}

void
pgwf_set_signal_handler(PgwfWorkflow *wf, const char *name, PgwfSignalFn fn,
						void *arg)
{
	pgwf_set_signal_handler_with(wf, name, fn, arg, NULL);
}

void
pgwf_set_signal_handler_with(PgwfWorkflow *wf, const char *name,
							 PgwfSignalFn fn, void *arg,
							 const PgwfSignalHandlerOptions *options)
{
	PgwfSignalHandlerOptions o;
	PgwfSignalHandler *handler;
	PgwfSignal *before = NULL;
	PgwfSignal *signal;

	pgwf_require_coroutine(wf, "pgwf_set_signal_handler");
	pgwf_options_copy(&o, sizeof(o), options);
	handler = find_handler(wf, name);
	if (handler == NULL)
	{
		handler = pgwf_arena_alloc(wf, sizeof(PgwfSignalHandler));
		if (name != NULL)
			handler->name = pgwf_arena_strdup(wf, name);
		handler->next = wf->handlers;
		wf->handlers = handler;
	}
	handler->fn = fn;
	handler->arg = arg;
	handler->unfinished = o.unfinished;
	handler->description = pgwf_arena_strdup(wf, o.description);
	if (fn == NULL)
		return;

	/* those that have been waiting, in their order */
	signal = wf->signals;
	while (signal != NULL)
	{
		PgwfSignal *next = signal->next;

		if (name == NULL || strcmp(signal->name, name) == 0)
			start_handler(wf, handler, take_signal(wf, before));
		else
			before = signal;
		signal = next;
	}
}
