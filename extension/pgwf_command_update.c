/*-------------------------------------------------------------------------
 *
 * pgwf_command_update.c
 *		What workers say of updates: the messages of a completion, and the
 *		command ProtocolMessage that puts one in its place (SS 9).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_failure.h"
#include "pgwf_guc.h"
#include "pgwf_update.h"

#define BODY_TYPE_PREFIX "type.googleapis.com/temporal.api.update.v1."
#define BAD_MESSAGE \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE"

static const char *const kind_names[] = {
	[PGWF_PROTOCOL_ACCEPTANCE] = "Acceptance",
	[PGWF_PROTOCOL_REJECTION] = "Rejection",
	[PGWF_PROTOCOL_RESPONSE] = "Response"
};

pg_noreturn static void
report_bad_message(int position, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("invalid message %d", position),
			 errdetail("%s.", detail)));
}

static PgwfProtocolMessage *
parse_message(JsonbValue *value, int position)
{
	PgwfProtocolMessage *message = palloc0(sizeof(PgwfProtocolMessage));
	PgwfReader	reader = {NULL, NULL};
	PgwfReader	body;
	char	   *type;
	int			kind;

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		report_bad_message(position, "It is not a JSON object");
	reader.object = value->val.binary.data;
	message->id = pgwf_read_text(&reader, "id");
	message->update_id = pgwf_read_text(&reader, "protocolInstanceId");
	message->body = pgwf_read_object(&reader, "body");
	if (reader.error)
		report_bad_message(position, reader.error);
	if (message->id == NULL || message->update_id == NULL ||
		message->body == NULL)
		report_bad_message(position,
						   "It needs id, protocolInstanceId and body");
	pgwf_reader_init(&body, message->body);
	type = pgwf_read_text(&body, "@type");
	if (type == NULL ||
		strncmp(type, BODY_TYPE_PREFIX, strlen(BODY_TYPE_PREFIX)) != 0)
		report_bad_message(position, "The type of its body is unknown");
	else
		type += strlen(BODY_TYPE_PREFIX);
	for (kind = 0; kind < lengthof(kind_names); kind++)
	{
		if (strcmp(type, kind_names[kind]) == 0)
			break;
	}
	if (kind == lengthof(kind_names))
		report_bad_message(position, "The type of its body is unknown");
	message->kind = (PgwfProtocolKind) kind;
	return message;
}

/*
 * The messages of a completion.  What cannot be understood is an error:
 * nothing is recorded, and the workflow task stays as it is.
 */
List *
pgwf_protocol_messages_parse(Jsonb *messages)
{
	List	   *result = NIL;
	JsonbIterator *it;
	JsonbValue	value;

	if (messages == NULL)
		return NIL;
	if (!JB_ROOT_IS_ARRAY(messages) || JB_ROOT_IS_SCALAR(messages))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("messages are not a JSON array")));
	it = JsonbIteratorInit(&messages->root);
	(void) JsonbIteratorNext(&it, &value, false);
	while (JsonbIteratorNext(&it, &value, true) == WJB_ELEM)
		result = lappend(result,
						 parse_message(&value, list_length(result) + 1));
	return result;
}

bool
pgwf_protocol_only_rejections(List *messages)
{
	ListCell   *lc;

	foreach(lc, messages)
	{
		PgwfProtocolMessage *message = lfirst(lc);

		if (message->kind != PGWF_PROTOCOL_REJECTION)
			return false;
	}
	return true;
}

static void
changed(PgwfUpdate *update)
{
	if (update->change == PGWF_ROW_UNCHANGED)
		update->change = PGWF_ROW_UPDATE;
}

static void
accept_update(PgwfCommandContext *context, PgwfUpdate *update,
			  PgwfReader *body)
{
	PgwfObject	attributes;
	Jsonb	   *request;
	char	   *request_id;

	request = pgwf_read_object(body, "acceptedRequest");
	if (request == NULL)
		request = update->request;
	if (update->admitted_event_id != 0)
		request = NULL;
	request_id = pgwf_read_text(body, "acceptedRequestMessageId");
	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "protocolInstanceId", update->update_id);
	pgwf_object_text(&attributes, "acceptedRequestMessageId", request_id);
	pgwf_object_int(&attributes, "acceptedRequestSequencingEventId",
					pgwf_read_int(body, "acceptedRequestSequencingEventId"));
	pgwf_object_jsonb(&attributes, "acceptedRequest", request);
	if (!pgwf_command_check_read(context, BAD_MESSAGE, body))
		return;
	update->accepted_event_id =
		pgwf_run_append(context->run, PGWF_EVENT_UPDATE_ACCEPTED,
						pgwf_object_finish(&attributes))->event_id;
	update->state = PGWF_UPDATE_ACCEPTED;
	context->run->state.update_count++;
	changed(update);
}

static void
reject_update(PgwfCommandContext *context, PgwfUpdate *update,
			  PgwfReader *body)
{
	PgwfObject	outcome;
	Jsonb	   *failure = pgwf_read_object(body, "failure");

	if (!pgwf_command_check_read(context, BAD_MESSAGE, body))
		return;
	if (failure == NULL)
	{
		pgwf_command_fail(context, BAD_MESSAGE,
						  "rejection of update \"%s\" has no failure",
						  update->update_id);
		return;
	}
	pgwf_object_begin(&outcome);
	pgwf_object_jsonb(&outcome, "failure",
					  pgwf_failure_limit_size(failure,
											  pgwf_payload_size_error));
	update->outcome = pgwf_object_finish(&outcome);
	update->state = PGWF_UPDATE_REJECTED;
	context->run->state.open_updates--;
	changed(update);
}

/* {"success": payloads} or {"failure": ...} */
static Jsonb *
read_outcome(PgwfCommandContext *context, const char *update_id,
			 PgwfReader *body)
{
	PgwfReader	reader;
	PgwfObject	outcome;
	Jsonb	   *given = pgwf_read_object(body, "outcome");
	Jsonb	   *success;
	Jsonb	   *failure;

	pgwf_reader_init(&reader, given);
	success = pgwf_read_payloads(&reader, "success");
	failure = pgwf_read_object(&reader, "failure");
	if (!pgwf_command_check_read(context, BAD_MESSAGE, &reader))
		return NULL;
	if ((success == NULL) == (failure == NULL))
	{
		pgwf_command_fail(context, BAD_MESSAGE,
						  "outcome of update \"%s\" is neither a success nor a failure",
						  update_id);
		return NULL;
	}
	if (!pgwf_command_check_size(context, BAD_MESSAGE, "update outcome",
								 success))
		return NULL;
	pgwf_object_begin(&outcome);
	pgwf_object_jsonb(&outcome, "success", success);
	pgwf_object_jsonb(&outcome, "failure",
					  pgwf_failure_limit_size(failure,
											  pgwf_payload_size_error));
	return pgwf_object_finish(&outcome);
}

static void
complete_update(PgwfCommandContext *context, PgwfUpdate *update,
				PgwfReader *body)
{
	PgwfObject	attributes;
	Jsonb	   *outcome = read_outcome(context, update->update_id, body);
	Jsonb	   *meta = pgwf_read_object(body, "meta");

	if (pgwf_command_failed(context) ||
		!pgwf_command_check_read(context, BAD_MESSAGE, body))
		return;
	pgwf_object_begin(&attributes);
	if (meta)
		pgwf_object_jsonb(&attributes, "meta", meta);
	else
	{
		pgwf_object_open(&attributes, "meta");
		pgwf_object_text(&attributes, "updateId", update->update_id);
		pgwf_object_close(&attributes);
	}
	pgwf_object_int(&attributes, "acceptedEventId",
					update->accepted_event_id);
	pgwf_object_jsonb(&attributes, "outcome", outcome);
	update->completed_event_id =
		pgwf_run_append(context->run, PGWF_EVENT_UPDATE_COMPLETED,
						pgwf_object_finish(&attributes))->event_id;
	update->state = PGWF_UPDATE_COMPLETED;
	context->run->state.open_updates--;
	changed(update);
}

/* Applies a message where it stands */
static void
apply_message(PgwfCommandContext *context, PgwfProtocolMessage *message)
{
	PgwfUpdate *update;
	PgwfReader	body;
	bool		expected;

	message->consumed = true;
	update = pgwf_run_find_update(context->run, message->update_id);
	if (update == NULL)
	{
		pgwf_command_fail(context, BAD_MESSAGE, "unknown update \"%s\"",
						  message->update_id);
		return;
	}
	if (message->kind == PGWF_PROTOCOL_RESPONSE)
		expected = (update->state == PGWF_UPDATE_ACCEPTED);
	else
		expected = (update->state == PGWF_UPDATE_ADMITTED &&
					update->stamp == context->run->state.wft_stamp);
	if (!expected || (!pgwf_run_is_open(context->run) &&
					  message->kind != PGWF_PROTOCOL_REJECTION))
	{
		pgwf_command_fail(context, BAD_MESSAGE,
						  "unexpected %s of update \"%s\"",
						  kind_names[message->kind], message->update_id);
		return;
	}
	pgwf_reader_init(&body, message->body);
	switch (message->kind)
	{
		case PGWF_PROTOCOL_ACCEPTANCE:
			accept_update(context, update, &body);
			break;
		case PGWF_PROTOCOL_REJECTION:
			reject_update(context, update, &body);
			break;
		case PGWF_PROTOCOL_RESPONSE:
			complete_update(context, update, &body);
			break;
	}
}

/* ProtocolMessage: the message that it names is applied here */
void
pgwf_command_protocol_message(PgwfCommandContext *context, PgwfReader *reader)
{
	char	   *id = pgwf_read_text(reader, "messageId");
	ListCell   *lc;

	if (!pgwf_command_check_read(context, BAD_MESSAGE, reader) ||
		!pgwf_command_check_id(context, BAD_MESSAGE, "messageId", id, true))
		return;
	foreach(lc, context->messages)
	{
		PgwfProtocolMessage *message = lfirst(lc);

		if (strcmp(message->id, id) == 0 && !message->consumed)
		{
			apply_message(context, message);
			return;
		}
	}
	pgwf_command_fail(context, BAD_MESSAGE,
					  "ProtocolMessage refers to message \"%s\", which is not there",
					  id);
}

/* After the commands: the messages that no command has put in its place */
void
pgwf_protocol_messages_handle(PgwfCommandContext *context)
{
	ListCell   *lc;

	foreach(lc, context->messages)
	{
		PgwfProtocolMessage *message = lfirst(lc);

		if (message->consumed)
			continue;
		apply_message(context, message);
		if (pgwf_command_failed(context))
			return;
	}
}
