/*-------------------------------------------------------------------------
 *
 * pgwf_command.c
 *		Commands: what workflow code asks for in completing a task.
 *
 * To add a command, add an entry to the table and write its handler, which
 * checks the attributes, appends the command's event and changes the run.
 * A handler that refuses the command calls pgwf_command_fail() and returns;
 * the caller then discards all changes of the completion (C&E 3, SS 2.4).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pgwf_args.h"
#include "pgwf_command.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_namespace.h"
#include "pgwf_new_run.h"
#include "pgwf_priority.h"

#define COMMAND_TYPE_PREFIX "COMMAND_TYPE_"

static const PgwfCommandInfo command_info[] = {
	{
		"ScheduleActivityTask",
		"scheduleActivityTaskCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES",
		false, pgwf_command_schedule_activity
	},
	{
		"RequestCancelActivityTask",
		"requestCancelActivityTaskCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES",
		false, pgwf_command_cancel_activity
	},
	{
		"StartTimer",
		"startTimerCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES",
		false, pgwf_command_start_timer
	},
	{
		"CancelTimer",
		"cancelTimerCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_TIMER_ATTRIBUTES",
		false, pgwf_command_cancel_timer
	},
	{
		"RecordMarker",
		"recordMarkerCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_RECORD_MARKER_ATTRIBUTES",
		false, pgwf_command_record_marker
	},
	{
		"UpsertWorkflowSearchAttributes",
		"upsertWorkflowSearchAttributesCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES",
		false, pgwf_command_upsert_search_attributes
	},
	{
		"ModifyWorkflowProperties",
		"modifyWorkflowPropertiesCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES",
		false, pgwf_command_modify_properties
	},
	{
		"CompleteWorkflowExecution",
		"completeWorkflowExecutionCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_COMPLETE_WORKFLOW_EXECUTION_ATTRIBUTES",
		true, pgwf_command_complete_execution
	},
	{
		"FailWorkflowExecution",
		"failWorkflowExecutionCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES",
		true, pgwf_command_fail_execution
	},
	{
		"CancelWorkflowExecution",
		"cancelWorkflowExecutionCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_WORKFLOW_EXECUTION_ATTRIBUTES",
		true, pgwf_command_cancel_execution
	},
	{
		"ContinueAsNewWorkflowExecution",
		"continueAsNewWorkflowExecutionCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES",
		true, pgwf_command_continue_as_new
	},
	{
		"StartChildWorkflowExecution",
		"startChildWorkflowExecutionCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES",
		false, pgwf_command_start_child
	},
	{
		"SignalExternalWorkflowExecution",
		"signalExternalWorkflowExecutionCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES",
		false, pgwf_command_signal_external
	},
	{
		"RequestCancelExternalWorkflowExecution",
		"requestCancelExternalWorkflowExecutionCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES",
		false, pgwf_command_cancel_external
	},
	{
		"ProtocolMessage",
		"protocolMessageCommandAttributes",
		"WORKFLOW_TASK_FAILED_CAUSE_BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE",
		false, pgwf_command_protocol_message
	}
};

/* Does "type" name the command, as "StartTimer" or COMMAND_TYPE_START_TIMER? */
static bool
command_type_matches(const char *type, const char *name)
{
	if (strcmp(type, name) == 0)
		return true;
	if (strncmp(type, COMMAND_TYPE_PREFIX, strlen(COMMAND_TYPE_PREFIX)) != 0)
		return false;
	type += strlen(COMMAND_TYPE_PREFIX);
	for (const char *c = name; *c != '\0'; c++)
	{
		if (c != name && isupper((unsigned char) *c) && *type++ != '_')
			return false;
		if (*type++ != toupper((unsigned char) *c))
			return false;
	}
	return *type == '\0';
}

static const PgwfCommandInfo *
find_command(const char *type)
{
	for (int i = 0; i < lengthof(command_info); i++)
	{
		if (command_type_matches(type, command_info[i].name))
			return &command_info[i];
	}
	return NULL;
}

static PgwfCommand *
parse_command(JsonbValue *value, int position)
{
	PgwfCommand *command = palloc0(sizeof(PgwfCommand));
	PgwfReader	reader = {NULL, NULL};
	char	   *type;

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("command %d is not a JSON object", position)));
	reader.object = value->val.binary.data;
	type = pgwf_read_text(&reader, "commandType");
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("command %d has no commandType", position)));
	command->info = find_command(type);
	if (command->info == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("unknown command type \"%s\"", type)));
	command->attributes = pgwf_read_jsonb(&reader, "attributes");
	if (command->attributes == NULL)
		command->attributes = pgwf_read_jsonb(&reader,
											  command->info->attributes_key);
	command->user_metadata = pgwf_read_object(&reader, "userMetadata");
	if (reader.error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid command %d", position),
				 errdetail("%s.", reader.error)));
	return command;
}

/*
 * The commands of a completion.  What cannot be understood, and a command
 * after one that closes the run, is an error: nothing is recorded, and the
 * workflow task stays as it is.
 */
List *
pgwf_commands_parse(Jsonb *commands)
{
	List	   *result = NIL;
	JsonbIterator *it;
	JsonbValue	value;
	bool		closed = false;

	if (commands == NULL)
		return NIL;
	if (!JB_ROOT_IS_ARRAY(commands) || JB_ROOT_IS_SCALAR(commands))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("commands are not a JSON array")));
	it = JsonbIteratorInit(&commands->root);
	(void) JsonbIteratorNext(&it, &value, false);
	while (JsonbIteratorNext(&it, &value, true) == WJB_ELEM)
	{
		PgwfCommand *command = parse_command(&value, list_length(result) + 1);

		if (closed)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("command %d follows a command that closes the workflow",
							list_length(result) + 1)));
		closed = command->info->closes;
		result = lappend(result, command);
	}
	return result;
}

static bool
check_user_metadata(PgwfCommandContext *context, const PgwfCommand *command)
{
	const char *cause = command->info->bad_attributes;
	PgwfReader	reader;
	Jsonb	   *summary;
	Jsonb	   *details;

	pgwf_reader_init(&reader, command->user_metadata);
	summary = pgwf_read_jsonb(&reader, "summary");
	details = pgwf_read_jsonb(&reader, "details");
	if (summary && VARSIZE(summary) > PGWF_MAX_SUMMARY_SIZE)
		pgwf_command_fail(context, cause,
						  "userMetadata.summary exceeds size limit");
	else if (details && VARSIZE(details) > PGWF_MAX_DETAILS_SIZE)
		pgwf_command_fail(context, cause,
						  "userMetadata.details exceeds size limit");
	return !pgwf_command_failed(context);
}

/* Carries commands out, in their order, until one of them is refused */
void
pgwf_commands_handle(PgwfCommandContext *context, List *commands)
{
	ListCell   *lc;

	foreach(lc, commands)
	{
		PgwfCommand *command = lfirst(lc);
		PgwfReader	reader;

		CHECK_FOR_INTERRUPTS();
		if (command->info->closes && context->run->state.buffered_events > 0)
		{
			pgwf_command_fail(context,
							  "WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND",
							  "something has happened that the workflow must see before it closes");
			return;
		}
		pgwf_reader_init(&reader, command->attributes);
		if (!pgwf_command_check_read(context, command->info->bad_attributes,
									 &reader) ||
			!check_user_metadata(context, command))
			return;
		context->user_metadata = command->user_metadata;
		command->info->handle(context, &reader);
		if (pgwf_command_failed(context))
			return;
	}
}

/* Refuses the completion: "cause" is a WorkflowTaskFailedCause */
void
pgwf_command_fail(PgwfCommandContext *context, const char *cause,
				  const char *format,...)
{
	va_list		args;
	StringInfoData message;

	initStringInfo(&message);
	for (;;)
	{
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	context->failed_cause = cause;
	context->failed_message = message.data;
}

bool
pgwf_command_failed(const PgwfCommandContext *context)
{
	return context->failed_cause != NULL;
}

static bool
check_size(PgwfCommandContext *context, const char *cause, const char *what,
		   const Jsonb *value, int warn, int error)
{
	if (value == NULL || error <= 0 || VARSIZE(value) <= error)
	{
		pgwf_warn_payload_size(what, value, warn);
		return true;
	}
	pgwf_command_fail(context, cause, "%s exceeds size limit.", what);
	context->too_large = true;
	return false;
}

/* A payload over the limit refuses the completion and ends the run */
bool
pgwf_command_check_size(PgwfCommandContext *context, const char *cause,
						const char *what, const Jsonb *value)
{
	return check_size(context, cause, what, value, pgwf_payload_size_warn,
					  pgwf_payload_size_error);
}

/* So does a memo, which has a limit of its own */
bool
pgwf_command_check_memo(PgwfCommandContext *context, const char *cause,
						const char *what, const Jsonb *memo)
{
	return check_size(context, cause, what, memo, pgwf_memo_size_warn,
					  pgwf_memo_size_error);
}

bool
pgwf_command_check_id(PgwfCommandContext *context, const char *cause,
					  const char *what, const char *value, bool required)
{
	if (required && (value == NULL || value[0] == '\0'))
		pgwf_command_fail(context, cause, "%s is not set", what);
	else if (value != NULL && strlen(value) > pgwf_max_id_length)
		pgwf_command_fail(context, cause, "%s exceeds length limit", what);
	return !pgwf_command_failed(context);
}

/* Refuses a name that is too long, or none of a user's task queues */
bool
pgwf_command_check_task_queue(PgwfCommandContext *context, const char *cause,
							  const char *name)
{
	if (pgwf_command_check_id(context, cause, "taskQueue", name, false) &&
		name != NULL && pgwf_is_reserved_queue(name))
		pgwf_command_fail(context, cause,
						  "task queue name starts with reserved prefix \"%s\"",
						  PGWF_RESERVED_QUEUE_PREFIX);
	return !pgwf_command_failed(context);
}

/* Refuses attributes of a wrong type */
bool
pgwf_command_check_read(PgwfCommandContext *context, const char *cause,
						PgwfReader *reader)
{
	if (reader->error)
		pgwf_command_fail(context, cause, "%s", reader->error);
	return !pgwf_command_failed(context);
}

/*
 * Refuses a command that is meant for a workflow of another namespace: a
 * workflow reaches its own only
 */
bool
pgwf_command_check_namespace(PgwfCommandContext *context, const char *cause,
							 PgwfReader *reader)
{
	char	   *namespace = pgwf_read_text(reader, "namespace");

	if (namespace && namespace[0] != '\0' &&
		strcmp(namespace,
			   pgwf_namespace_name(context->run->state.namespace_id)) != 0)
		pgwf_command_fail(context, cause,
						  "namespace is not that of the workflow");
	return !pgwf_command_failed(context);
}

/*
 * The member "priority" of an activity or child, completed by the run's;
 * NULL if neither has one.
 */
Jsonb *
pgwf_command_read_priority(PgwfCommandContext *context, const char *cause,
						   PgwfReader *reader)
{
	PgwfPriority priority;
	Jsonb	   *own = pgwf_read_object(reader, "priority");
	char	   *error;

	if (!pgwf_command_check_read(context, cause, reader))
		return NULL;
	error = pgwf_priority_read(&priority, own);
	if (error)
		pgwf_command_fail(context, cause, "%s", error);
	return error ? NULL :
		pgwf_priority_inherit(own, context->run->state.priority);
}

/* Appends the event of a command; finishes its attributes */
PgwfEvent *
pgwf_command_event(PgwfCommandContext *context, PgwfEventType type,
				   PgwfObject *attributes)
{
	PgwfEvent  *event;

	pgwf_object_int(attributes, "workflowTaskCompletedEventId",
					context->completed_event_id);
	event = pgwf_run_append(context->run, type,
							pgwf_object_finish(attributes));
	event->user_metadata = context->user_metadata;
	return event;
}
