/*
 * pgwf_trace.c
 *		What a run can tell about itself without the help of its code: where
 *		its coroutines wait, which names it has handlers for, what its code
 *		says it is doing.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static void
append(char **text, char *more)
{
	char	   *longer = pgwf_xprintf("%s%s", *text, more);

	free(*text);
	free(more);
	*text = longer;
}

/* "main", "signal handler \"add\"", "coroutine 4"; free() it. */
static char *
coroutine_name(const PgwfCoroutine *co)
{
	if (co->name == NULL)
		return pgwf_xprintf("coroutine %d", co->number);
	if (co->name_detail == NULL)
		return pgwf_xstrdup(co->name);
	return pgwf_xprintf("%s \"%s\"", co->name, co->name_detail);
}

/* What a future stands for: "activity "1" of type \"charge\"". */
static char *
describe_future(const PgwfFuture *future)
{
	const PgwfMachine *machine = future->machine;
	char	   *text;

	if (machine == NULL)
		return pgwf_xstrdup(future->done ? "done" : "coroutine");
	text = pgwf_xstrdup(machine->info->noun);
	if (machine->id != NULL && *machine->id != '\0')
		append(&text, pgwf_xprintf(" \"%s\"", machine->id));
	if (machine->type != NULL && *machine->type != '\0')
		append(&text, pgwf_xprintf(" of type \"%s\"", machine->type));
	if (future->done)
		append(&text, pgwf_xstrdup(", done"));
	return text;
}

/* Where a coroutine is: "pgwf_await(activity \"1\" of type \"x\")". */
static char *
describe_wait(const PgwfCoroutine *co)
{
	PgwfFuture *const *futures;
	char	   *text;
	int			n = 0;
	int			i;

	if (co->call == NULL)
		return pgwf_xstrdup("not started");
	text = pgwf_xprintf("%s(", co->call);
	futures = pgwf_coroutine_futures(co, &n);
	for (i = 0; futures != NULL && i < n; i++)
	{
		append(&text, pgwf_xstrdup(i > 0 ? "; " : ""));
		append(&text, describe_future(futures[i]));
	}
	if (co->call_detail != NULL)
		append(&text, pgwf_xprintf("\"%s\"", co->call_detail));
	append(&text, pgwf_xstrdup(")"));
	return text;
}

static json_t *
stack_trace(const PgwfWorkflow *wf)
{
	const PgwfCoroutine *co;
	char	   *text = pgwf_xstrdup("");
	json_t	   *value;

	for (co = wf->coroutines; co != NULL; co = co->next)
	{
		char	   *name = coroutine_name(co);
		char	   *where = describe_wait(co);

		append(&text, pgwf_xprintf("%s%s:\n    %s", *text ? "\n\n" : "", name,
								   where));
		free(name);
		free(where);
	}
	value = json_string(text);
	free(text);
	return value != NULL ? value : json_string("");
}

static json_t *
enhanced_stack_trace(const PgwfWorkflow *wf)
{
	json_t	   *stacks = json_array();
	const PgwfCoroutine *co;

	for (co = wf->coroutines; co != NULL; co = co->next)
	{
		char	   *name = coroutine_name(co);
		char	   *where = describe_wait(co);
		json_t	   *inner = json_object();
		json_t	   *outer = json_object();

		pgwf_json_put_str(inner, "functionName", where);
		pgwf_json_put(inner, "internalCode", json_true());
		pgwf_json_put_str(outer, "functionName", name);
		pgwf_json_put(outer, "internalCode", json_false());
		json_array_append_new(stacks, json_pack("{s:[o, o]}", "locations",
												inner, outer));
		free(name);
		free(where);
	}
	return json_pack("{s:{s:s, s:s}, s:{}, s:o}",
					 "sdk", "name", PGWF_SDK_NAME, "version", PGWF_VERSION,
					 "sources", "stacks", stacks);
}

static void
add_definition(json_t *list, const char *name, const char *description)
{
	json_t	   *definition = json_object();

	/* without a name: the handler of all others */
	pgwf_json_put_str(definition, "name", name);
	pgwf_json_put_str(definition, "description", description);
	json_array_append_new(list, definition);
}

static json_t *
metadata(const PgwfWorkflow *wf)
{
	static const char *const builtins[] = {
		"__stack_trace", "__enhanced_stack_trace",
		"__temporal_workflow_metadata"
	};
	json_t	   *definition = json_object();
	json_t	   *queries = json_array();
	json_t	   *signals = json_array();
	json_t	   *updates = json_array();
	json_t	   *json = json_object();
	const PgwfHandler *handler;
	const PgwfSignalHandler *signal;
	size_t		i;

	for (i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		add_definition(queries, builtins[i], NULL);
	for (handler = wf->query_handlers; handler; handler = handler->next)
	{
		if (handler->query != NULL)
			add_definition(queries, handler->name, handler->description);
	}
	for (signal = wf->handlers; signal != NULL; signal = signal->next)
	{
		if (signal->fn != NULL)
			add_definition(signals, signal->name, signal->description);
	}
	for (handler = wf->update_handlers; handler; handler = handler->next)
	{
		if (handler->update != NULL)
			add_definition(updates, handler->name, handler->description);
	}
	pgwf_json_put_str(definition, "type", wf->info.workflow_type);
	pgwf_json_put(definition, "queryDefinitions", queries);
	pgwf_json_put(definition, "signalDefinitions", signals);
	pgwf_json_put(definition, "updateDefinitions", updates);
	pgwf_json_put(json, "definition", definition);
	pgwf_json_put_str(json, "currentDetails", wf->current_details);
	return json;
}

/* The answer to one of the library's own queries; NULL if it is none. */
json_t *
pgwf_trace_answer(const PgwfWorkflow *wf, const char *name)
{
	if (strcmp(name, "__stack_trace") == 0)
		return stack_trace(wf);
	if (strcmp(name, "__enhanced_stack_trace") == 0)
		return enhanced_stack_trace(wf);
	if (strcmp(name, "__temporal_workflow_metadata") == 0)
		return metadata(wf);
	return NULL;
}
