/*
 * pgwf_query.c
 *		Queries: the handlers that workflow code sets, and the answers.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

/* ---- handlers ---- */

/* The handler set for exactly this name (NULL: the one for all others). */
PgwfHandler *
pgwf_handler_find(PgwfHandler *list, const char *name)
{
	PgwfHandler *handler;

	for (handler = list; handler != NULL; handler = handler->next)
	{
		if ((handler->name == NULL) != (name == NULL))
			continue;
		if (name == NULL || strcmp(handler->name, name) == 0)
			return handler;
	}
	return NULL;
}

/* Is this one of the names that are the library's own? */
bool
pgwf_name_is_reserved(const char *name)
{
	return strncmp(name, "__", 2) == 0;
}

/*
 * The handler to be set under a name, at the end of its list if it is new.
 * Fails the task if there cannot be one.
 */
PgwfHandler *
pgwf_handler_for(PgwfWorkflow *wf, PgwfHandler **list, const char *name,
				 const char *function)
{
	PgwfHandler *handler = pgwf_handler_find(*list, name);

	if (handler != NULL)
		return handler;
	if (name != NULL && pgwf_name_is_reserved(name))
		pgwf_panic(wf, "%s was called with the name \"%s\", but names that "
				   "begin with \"__\" are reserved", function, name);
	handler = pgwf_arena_alloc(wf, sizeof(PgwfHandler));
	if (name != NULL)
		handler->name = pgwf_arena_strdup(wf, name);
	while (*list != NULL)
		list = &(*list)->next;
	*list = handler;
	return handler;
}

void
pgwf_set_query_handler(PgwfWorkflow *wf, const char *name, PgwfQueryFn fn,
					   void *arg)
{
	pgwf_set_query_handler_with(wf, name, fn, arg, NULL);
}

void
pgwf_set_query_handler_with(PgwfWorkflow *wf, const char *name,
							PgwfQueryFn fn, void *arg,
							const PgwfQueryHandlerOptions *options)
{
	PgwfQueryHandlerOptions o;
	PgwfHandler *handler;

	pgwf_require_coroutine(wf, "pgwf_set_query_handler");
	pgwf_options_copy(&o, sizeof(o), options);
	handler = pgwf_handler_for(wf, &wf->query_handlers, name,
							   "pgwf_set_query_handler");
	handler->query = fn;
	handler->arg = arg;
	handler->description = pgwf_arena_strdup(wf, o.description);
}

/* The names that are known, for a message; free() it. */
static char *
known_names(const PgwfWorkflow *wf)
{
	const PgwfHandler *handler;
	char	   *names = pgwf_xstrdup("__stack_trace, __enhanced_stack_trace, "
									 "__temporal_workflow_metadata");

	for (handler = wf->query_handlers; handler; handler = handler->next)
	{
		char	   *more;

		if (handler->name == NULL || handler->query == NULL)
			continue;
		more = pgwf_xprintf("%s, %s", names, handler->name);
		free(names);
		names = more;
	}
	return names;
}

/* ---- answers ---- */

typedef struct QueryCall
{
	PgwfHandler *handler;
	const char *name;
	json_t	   *args;
	json_t	   *result;
	PgwfFailure *failure;
} QueryCall;

static void
run_query(PgwfWorkflow *wf, void *arg)
{
	QueryCall  *call = arg;

	call->result = call->handler->query(wf, call->name, call->args,
										call->handler->arg, &call->failure);
}

/* A WorkflowQueryResult; takes the answer over. */
static json_t *
answered(json_t *value)
{
	return json_pack("{s:s, s:o}", "resultType", "QUERY_RESULT_TYPE_ANSWERED",
					 "answer", value);
}

/* The same for one that failed; failure is borrowed and may be NULL. */
json_t *
pgwf_query_failed(const char *message, const json_t *failure)
{
	json_t	   *json = json_object();

	pgwf_json_put_str(json, "resultType", "QUERY_RESULT_TYPE_FAILED");
	pgwf_json_put_str(json, "errorMessage", message);
	if (failure != NULL)
		pgwf_json_put(json, "failure", json_deep_copy(failure));
	return json;
}

static json_t *
call_handler(PgwfWorkflow *wf, PgwfHandler *handler, const char *name,
			 json_t *args)
{
	QueryCall	call = {handler, name, args, NULL, NULL};
	char	   *error;
	json_t	   *answer;

	error = pgwf_call_read_only(wf, "a query handler", run_query, &call);
	if (error != NULL)
		answer = pgwf_query_failed(error, NULL);
	else if (call.failure != NULL)
		answer = pgwf_query_failed(pgwf_failure_message(call.failure),
								   pgwf_failure_json(call.failure));
	else
		answer = answered(call.result != NULL ?
						  json_pack("[O]", call.result) : json_array());
	free(error);
	pgwf_failure_free(call.failure);
	return answer;
}

static json_t *
unknown_query(PgwfWorkflow *wf, const char *name)
{
	char	   *names = known_names(wf);
	char	   *message = pgwf_xprintf("unknown query \"%s\": this workflow "
									   "knows %s", name, names);
	json_t	   *answer = pgwf_query_failed(message, NULL);

	free(message);
	free(names);
	return answer;
}

/*
 * Answers a WorkflowQuery (borrowed) from where the run is: a new
 * WorkflowQueryResult.
 */
json_t *
pgwf_query_answer(PgwfWorkflow *wf, const json_t *query)
{
	const char *name = pgwf_json_str(query, "queryType");
	PgwfHandler *handler;
	PgwfMemory	saved;
	json_t	   *args;
	json_t	   *answer;
	bool		replaying = wf->replaying;

	if (name == NULL)
		name = "";
	if (wf->error != PGWF_ERROR_NONE)
		return pgwf_query_failed(wf->error_message, NULL);
	if ((answer = pgwf_trace_answer(wf, name)) != NULL)
		return answered(json_pack("[o]", answer));
	handler = pgwf_handler_find(wf->query_handlers, name);
	if ((handler == NULL || handler->query == NULL) &&
		!pgwf_name_is_reserved(name))
		handler = pgwf_handler_find(wf->query_handlers, NULL);
	if (handler == NULL || handler->query == NULL)
		return unknown_query(wf, name);

	args = pgwf_json_args(json_object_get(query, "queryArgs"));
	if (args == NULL)
		args = json_array();
	pgwf_scratch_begin(wf, &saved);
	wf->replaying = true;
	pgwf_instance_code_begins(wf);
	answer = call_handler(wf, handler, name, args);
	wf->replaying = replaying;
	pgwf_scratch_end(wf, &saved);
	json_decref(args);
	return answer;
}
