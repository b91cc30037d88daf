/*
 * pgwf_update.c
 *		Updates: requests, the handlers that workflow code sets, and the
 *		messages that answer them.
 *
 * A request comes as a message of the last workflow task, or, on replay, is
 * made from the WorkflowExecutionUpdateAccepted that its task led to.  It is
 * dispatched among the signals of its activation, where its sequencing event
 * puts it.  Its coroutine has it validated, accepts it, and runs the handler;
 * each answer is a command that carries a message.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

#define TYPE_URL "type.googleapis.com/temporal.api.update.v1."

/* ---- requests ---- */

static void
list_add(PgwfUpdateList *list, PgwfUpdate *update)
{
	update->next = NULL;
	if (list->last != NULL)
		list->last->next = update;
	else
		list->first = update;
	list->last = update;
}

static PgwfUpdate *
list_pop(PgwfUpdateList *list)
{
	PgwfUpdate *update = list->first;

	list->first = update->next;
	if (list->first == NULL)
		list->last = NULL;
	update->next = NULL;
	return update;
}

/*
 * A request as the code will see it.  "request" is a Request in the service's
 * form; its parts are kept.
 */
static PgwfUpdate *
make_update(PgwfWorkflow *wf, const char *id, const char *message_id,
			int64_t sequencing_id, json_t *request)
{
	PgwfUpdate *update = pgwf_arena_alloc(wf, sizeof(PgwfUpdate));
	json_t	   *input = json_object_get(request, "input");
	json_t	   *args = pgwf_json_args(json_object_get(input, "args"));
	const char *name = pgwf_json_str(input, "name");

	update->id = pgwf_arena_strdup(wf, id);
	update->message_id = pgwf_arena_strdup(wf, message_id);
	update->sequencing_id = sequencing_id;
	update->name = pgwf_arena_strdup(wf, name != NULL ? name : "");
	update->args = pgwf_arena_json(wf, args != NULL ? args : json_array());
	if (json_object_get(request, "meta") != NULL)
		update->meta = pgwf_arena_json(wf, json_incref(json_object_get(request,
																	   "meta")));
	return update;
}

/*
 * Takes the messages of a workflow task; they are dispatched by its
 * activation.
 */
void
pgwf_updates_take(PgwfWorkflow *wf, const json_t *messages)
{
	size_t		i;
	json_t	   *message;

	wf->arrived.first = NULL;
	wf->arrived.last = NULL;
	json_array_foreach(messages, i, message)
	{
		const char *id = pgwf_json_str(message, "protocolInstanceId");
		const char *message_id = pgwf_json_str(message, "id");
		PgwfUpdate *update;

		if (id == NULL || message_id == NULL)
		{
			pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, 0,
							 "the task has a message without id or "
							 "protocolInstanceId");
			return;
		}
		update = make_update(wf, id, message_id,
							 pgwf_json_int(message, "eventId"),
							 json_object_get(message, "body"));
		update->live = true;
		list_add(&wf->arrived, update);
	}
}

/* WorkflowExecutionUpdateAdmitted: keeps the request that it brings. */
void
pgwf_apply_update_admitted(PgwfWorkflow *wf, const PgwfEvent *event)
{
	json_t	   *request = json_object_get(pgwf_event_json(event), "request");
	const char *id = pgwf_json_str(json_object_get(request, "meta"),
								   "updateId");

	if (id == NULL)
		return;
	if (wf->admitted == NULL)
		wf->admitted = pgwf_arena_json(wf, json_object());
	pgwf_json_put(wf->admitted, id, json_incref(request));
}

/* Sees ahead that the coming activation accepts an update. */
void
pgwf_update_look_ahead(PgwfWorkflow *wf, const PgwfEvent *event)
{
	json_t	   *a = pgwf_event_json(event);
	const char *id = pgwf_json_str(a, "protocolInstanceId");
	const char *message_id = pgwf_json_str(a, "acceptedRequestMessageId");
	json_t	   *request = json_object_get(a, "acceptedRequest");
	PgwfUpdate *update;

	if (id == NULL)
		id = pgwf_json_str(json_object_get(request, "meta"), "updateId");
	if (request == NULL && id != NULL)
		request = json_object_get(wf->admitted, id);
	if (request == NULL)
	{
		pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, event->id,
						 "event %lld accepts an update without its request",
						 (long long) event->id);
		return;
	}
	update = make_update(wf, id, message_id != NULL ? message_id : id,
						 pgwf_json_int(a, "acceptedRequestSequencingEventId"),
						 request);
	list_add(&wf->requests, update);
}

/*
 * The lowest sequencing event of the updates that came with the task, 0 if
 * none came.
 */
int64_t
pgwf_updates_arrived(const PgwfWorkflow *wf)
{
	const PgwfUpdate *update;
	int64_t		lowest = 0;

	for (update = wf->arrived.first; update != NULL; update = update->next)
	{
		if (lowest == 0 || update->sequencing_id < lowest)
			lowest = update->sequencing_id;
	}
	return lowest;
}

/* ---- answers ---- */

/*
 * Puts an answer among the commands.  "suffix" tells answers to one request
 * apart; the body is taken over.
 */
static void
push_answer(PgwfWorkflow *wf, PgwfUpdate *update, PgwfCommandType type,
			const char *suffix, json_t *body)
{
	char	   *id = pgwf_xprintf("%s/%s", update->message_id, suffix);
	json_t	   *attributes = json_object();
	PgwfCommand *command;

	pgwf_json_put_str(attributes, "messageId", id);
	command = pgwf_command_push(wf, type, NULL, attributes);
	command->update = update;
	command->message = json_object();
	pgwf_json_put_str(command->message, "id", id);
	pgwf_json_put_str(command->message, "protocolInstanceId", update->id);
	pgwf_json_put(command->message, "body", body);
	free(id);
}

static json_t *
make_body(const char *type)
{
	json_t	   *body = json_object();
	char	   *url = pgwf_xprintf(TYPE_URL "%s", type);

	pgwf_json_put_str(body, "@type", url);
	free(url);
	return body;
}

static void
accept_update(PgwfWorkflow *wf, PgwfUpdate *update)
{
	json_t	   *body = make_body("Acceptance");

	pgwf_json_put_str(body, "acceptedRequestMessageId", update->message_id);
	pgwf_json_put_int(body, "acceptedRequestSequencingEventId",
					  update->sequencing_id);
	push_answer(wf, update, PGWF_COMMAND_ACCEPT_UPDATE, "accept", body);
	wf->accepted = true;
}

/* The outcome of a handler; both are borrowed and may be NULL. */
static void
complete_update(PgwfWorkflow *wf, PgwfUpdate *update, json_t *result,
				const PgwfFailure *failure)
{
	json_t	   *body = make_body("Response");
	json_t	   *outcome = json_object();

	if (failure != NULL)
		pgwf_json_put(outcome, "failure",
					  json_deep_copy(pgwf_failure_json(failure)));
	else
		pgwf_json_put(outcome, "success", result != NULL ?
					  json_pack("[O]", result) : json_array());
	pgwf_json_put(body, "meta", update->meta != NULL ?
				  json_incref(update->meta) :
				  json_pack("{s:s}", "updateId", update->id));
	pgwf_json_put(body, "outcome", outcome);
	push_answer(wf, update, PGWF_COMMAND_COMPLETE_UPDATE, "complete", body);
}

/*
 * Rejections are no commands and leave no trace: on replay there are none.
 * The failure is taken over.
 */
static void
reject_update(PgwfWorkflow *wf, const PgwfUpdate *update, json_t *failure)
{
	json_t	   *body;
	json_t	   *message;
	char	   *id;

	if (!update->live)
	{
		json_decref(failure);
		return;
	}
	body = make_body("Rejection");
	id = pgwf_xprintf("%s/reject", update->message_id);
	message = json_object();
	pgwf_json_put_str(body, "rejectedRequestMessageId", update->message_id);
	pgwf_json_put_int(body, "rejectedRequestSequencingEventId",
					  update->sequencing_id);
	pgwf_json_put(body, "failure", failure);
	pgwf_json_put_str(message, "id", id);
	pgwf_json_put_str(message, "protocolInstanceId", update->id);
	pgwf_json_put(message, "body", body);
	free(id);
	pgwf_message_send(wf, message);
}

/* An application failure in JSON form. */
static json_t *
make_failure(const char *type, const char *message)
{
	json_t	   *failure = json_object();

	pgwf_json_put_str(failure, "message", message);
	pgwf_json_put_str(failure, "source", PGWF_SDK_NAME);
	pgwf_json_put(failure, "applicationFailureInfo",
				  json_pack("{s:s}", "type", type));
	return failure;
}

/* Adds a message to those that go with the answer; takes it over. */
void
pgwf_message_send(PgwfWorkflow *wf, json_t *message)
{
	if (wf->messages == NULL)
		wf->messages = json_array();
	json_array_append_new(wf->messages, message);
}

/* Is this event the acceptance, or the outcome, that the command gives? */
bool
pgwf_update_matches(PgwfWorkflow *wf, const PgwfCommand *command,
					const PgwfEvent *event)
{
	const char *id;

	(void) wf;
	if (event->type == PGWF_EVENT_UPDATE_ACCEPTED)
		id = pgwf_node_str(event->attributes, "protocolInstanceId");
	else
		id = pgwf_node_str2(event->attributes, "meta", "updateId");
	return id == NULL || strcmp(id, command->update->id) == 0;
}

/* ---- running handlers ---- */

typedef struct ValidatorCall
{
	PgwfUpdate *update;
	PgwfFailure *failure;
} ValidatorCall;

static void
run_validator(PgwfWorkflow *wf, void *arg)
{
	ValidatorCall *call = arg;
	PgwfUpdate *update = call->update;

	update->handler.validator(wf, update->name, update->args,
							  update->handler.arg, &call->failure);
}

/* Why the update is to be rejected: a new failure, or NULL. */
static json_t *
validate(PgwfWorkflow *wf, PgwfUpdate *update)
{
	ValidatorCall call = {update, NULL};
	PgwfMemory	saved;
	char	   *error;
	json_t	   *why = NULL;

	pgwf_scratch_begin(wf, &saved);
	error = pgwf_call_read_only(wf, "a validator", run_validator, &call);
	if (error != NULL)
		why = make_failure("ValidatorError", error);
	else if (call.failure != NULL)
		why = json_deep_copy(pgwf_failure_json(call.failure));
	free(error);
	pgwf_failure_free(call.failure);
	pgwf_scratch_end(wf, &saved);
	return why;
}

static void
forget_running(PgwfWorkflow *wf, const PgwfUpdate *update)
{
	PgwfUpdate **link = &wf->running_updates;

	while (*link != update)
		link = &(*link)->next;
	*link = update->next;
}

/* Coroutine of an update. */
static json_t *
run_update(PgwfWorkflow *wf, void *arg, PgwfFailure **coroutine_failure)
{
	PgwfUpdate *update = arg;
	PgwfFailure *failure = NULL;
	json_t	   *result;
	json_t	   *why = NULL;

	(void) coroutine_failure;
	if (update->live && update->handler.validator != NULL)
		why = validate(wf, update);
	if (why != NULL)
		reject_update(wf, update, why);
	else
	{
		accept_update(wf, update);
		result = update->handler.update(wf, update->name, update->args,
										update->handler.arg, &failure);
		complete_update(wf, update, result, failure);
		pgwf_failure_free(failure);
	}
	forget_running(wf, update);
	return NULL;
}

static void
start_update(PgwfWorkflow *wf, PgwfUpdate *update, const PgwfHandler *handler)
{
	PgwfCoroutine *co;

	update->handler = *handler;
	update->next = wf->running_updates;
	wf->running_updates = update;
	co = pgwf_coroutine_create(wf, run_update, update, wf->root);
	co->name = "update handler";
	co->name_detail = update->name;
	co->update = update;
}

static PgwfHandler *
handler_of(PgwfWorkflow *wf, const char *name)
{
	PgwfHandler *handler = pgwf_handler_find(wf->update_handlers, name);

	if ((handler == NULL || handler->update == NULL) &&
		!pgwf_name_is_reserved(name))
		handler = pgwf_handler_find(wf->update_handlers, NULL);
	return handler != NULL && handler->update != NULL ? handler : NULL;
}

/* Dispatches the requests of the activation up to a sequencing event. */
void
pgwf_updates_dispatch(PgwfWorkflow *wf, int64_t before_event_id)
{
	while (wf->requests.first != NULL &&
		   wf->requests.first->sequencing_id < before_event_id)
	{
		PgwfUpdate *update = list_pop(&wf->requests);
		PgwfHandler *handler = handler_of(wf, update->name);

		if (handler != NULL)
			start_update(wf, update, handler);
		else
			list_add(&wf->waiting_updates, update);
	}
}

/* The activation is over: nobody has set a handler for those that wait. */
void
pgwf_updates_reject_waiting(PgwfWorkflow *wf)
{
	while (wf->waiting_updates.first != NULL)
	{
		PgwfUpdate *update = list_pop(&wf->waiting_updates);
		const PgwfHandler *handler;
		char	   *message = pgwf_xprintf("unknown update \"%s\": this "
										   "workflow knows", update->name);
		const char *separator = " ";

		for (handler = wf->update_handlers; handler; handler = handler->next)
		{
			char	   *more;

			if (handler->name == NULL || handler->update == NULL)
				continue;
			more = pgwf_xprintf("%s%s%s", message, separator, handler->name);
			free(message);
			message = more;
			separator = ", ";
		}
		if (*separator == ' ')
		{
			char	   *more = pgwf_xprintf("%s none", message);

			free(message);
			message = more;
		}
		reject_update(wf, update, make_failure("UnknownUpdate", message));
		free(message);
	}
}

/* The workflow has closed: says which handlers it has left behind. */
void
pgwf_updates_warn_unfinished(PgwfWorkflow *wf)
{
	const PgwfUpdate *update;
	int			signals = wf->running_signals - wf->abandonable_signals;

	if (wf->replaying)
		return;
	for (update = wf->running_updates; update; update = update->next)
	{
		if (update->handler.unfinished == PGWF_UNFINISHED_WARN)
			pgwf_registry_log(wf->registry, PGWF_LOG_WARNING,
							  "workflow \"%s\" closes while the handler of "
							  "update \"%s\" (id \"%s\") has not returned",
							  wf->info.workflow_id ? wf->info.workflow_id :
							  "", update->name, update->id);
	}
	if (signals > 0)
		pgwf_registry_log(wf->registry, PGWF_LOG_WARNING,
						  "workflow \"%s\" closes while %d handlers of "
						  "signals have not returned",
						  wf->info.workflow_id ? wf->info.workflow_id : "",
						  signals);
}

/* ---- workflow code ---- */

void
pgwf_set_update_handler(PgwfWorkflow *wf, const char *name, PgwfUpdateFn fn,
						void *arg, const PgwfUpdateHandlerOptions *options)
{
	PgwfUpdateHandlerOptions o;
	PgwfUpdateList waiting;
	PgwfHandler *handler;

	pgwf_require_coroutine(wf, "pgwf_set_update_handler");
	pgwf_options_copy(&o, sizeof(o), options);
	handler = pgwf_handler_for(wf, &wf->update_handlers, name,
							   "pgwf_set_update_handler");
	handler->update = fn;
	handler->arg = arg;
	handler->validator = o.validator;
	handler->unfinished = o.unfinished;
	handler->description = pgwf_arena_strdup(wf, o.description);
	if (fn == NULL)
		return;

	/* those that have been waiting, in their order */
	waiting = wf->waiting_updates;
	memset(&wf->waiting_updates, 0, sizeof(wf->waiting_updates));
	while (waiting.first != NULL)
	{
		PgwfUpdate *update = list_pop(&waiting);

		if (handler_of(wf, update->name) == handler)
			start_update(wf, update, handler);
		else
			list_add(&wf->waiting_updates, update);
	}
}

const char *
pgwf_update_id(const PgwfWorkflow *wf)
{
	return wf->current != NULL && wf->current->update != NULL ?
		wf->current->update->id : NULL;
}

const char *
pgwf_update_name(const PgwfWorkflow *wf)
{
	return wf->current != NULL && wf->current->update != NULL ?
		wf->current->update->name : NULL;
}

bool
pgwf_handlers_finished(const PgwfWorkflow *wf)
{
	return wf->running_updates == NULL && wf->running_signals == 0;
}

static bool
handlers_finished(PgwfWorkflow *wf, void *arg)
{
	(void) arg;
	return pgwf_handlers_finished(wf);
}

PgwfWait
pgwf_wait_handlers(PgwfWorkflow *wf, int64_t timeout_ms)
{
	pgwf_require_coroutine(wf, "pgwf_wait_handlers");
	return pgwf_wait_for(wf, handlers_finished, NULL, timeout_ms,
						 "pgwf_wait_handlers", NULL);
}
