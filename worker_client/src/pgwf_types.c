/*
 * pgwf_types.c
 *		The tables of event types and command types, and their descriptions in
 *		messages.
 *
 * A further kind of command is an entry in both tables plus its handlers.
 * Constant data, no locks.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

#define COMMAND PGWF_EVENT_COMMAND
#define CLOSE PGWF_EVENT_CLOSE
#define UNKNOWN pgwf_apply_unknown_initiator

/* Indexed by PgwfEventType, which has the numbers of the service's enum. */
const PgwfEventInfo pgwf_event_infos[PGWF_EVENT_TYPES] = {
	{NULL, 0, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionStarted", 0, PGWF_JOB_INIT, pgwf_apply_started},
	{"WorkflowExecutionCompleted", COMMAND | CLOSE, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionFailed", COMMAND | CLOSE, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionTimedOut", CLOSE, PGWF_JOB_NONE, NULL},
	{"WorkflowTaskScheduled", 0, PGWF_JOB_NONE, NULL},
	{"WorkflowTaskStarted", 0, PGWF_JOB_NONE, NULL},
	{"WorkflowTaskCompleted", 0, PGWF_JOB_AT_ONCE, pgwf_apply_task_completed},
	{"WorkflowTaskTimedOut", 0, PGWF_JOB_NONE, NULL},
	{"WorkflowTaskFailed", 0, PGWF_JOB_RANDOM_SEED, pgwf_apply_task_failed},
	/* 10 */
	{"ActivityTaskScheduled", COMMAND, PGWF_JOB_NONE, NULL},
	{"ActivityTaskStarted", 0, PGWF_JOB_AT_ONCE, pgwf_apply_activity},
	{"ActivityTaskCompleted", 0, PGWF_JOB_RESOLVE, pgwf_apply_activity},
	{"ActivityTaskFailed", 0, PGWF_JOB_RESOLVE, pgwf_apply_activity},
	{"ActivityTaskTimedOut", 0, PGWF_JOB_RESOLVE, pgwf_apply_activity},
	{"ActivityTaskCancelRequested", COMMAND, PGWF_JOB_NONE, NULL},
	{"ActivityTaskCanceled", 0, PGWF_JOB_RESOLVE, pgwf_apply_activity},
	{"TimerStarted", COMMAND, PGWF_JOB_NONE, NULL},
	{"TimerFired", 0, PGWF_JOB_RESOLVE, pgwf_apply_timer_fired},
	{"TimerCanceled", COMMAND, PGWF_JOB_NONE, NULL},
	/* 20 */
	{"WorkflowExecutionCancelRequested", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_cancel_requested},
	{"WorkflowExecutionCanceled", COMMAND | CLOSE, PGWF_JOB_NONE, NULL},
	{"RequestCancelExternalWorkflowExecutionInitiated", COMMAND,
	PGWF_JOB_NONE, NULL},
	{"RequestCancelExternalWorkflowExecutionFailed", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_external},
	{"ExternalWorkflowExecutionCancelRequested", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_external},
	{"MarkerRecorded", COMMAND, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionSignaled", 0, PGWF_JOB_SIGNAL, pgwf_apply_signaled},
	{"WorkflowExecutionTerminated", CLOSE, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionContinuedAsNew", COMMAND | CLOSE, PGWF_JOB_NONE, NULL},
	{"StartChildWorkflowExecutionInitiated", COMMAND, PGWF_JOB_NONE, NULL},
	/* 30 */
	{"StartChildWorkflowExecutionFailed", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_child},
	{"ChildWorkflowExecutionStarted", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_child},
	{"ChildWorkflowExecutionCompleted", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_child},
	{"ChildWorkflowExecutionFailed", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_child},
	{"ChildWorkflowExecutionCanceled", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_child},
	{"ChildWorkflowExecutionTimedOut", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_child},
	{"ChildWorkflowExecutionTerminated", 0, PGWF_JOB_RESOLVE,
	pgwf_apply_child},
	{"SignalExternalWorkflowExecutionInitiated", COMMAND, PGWF_JOB_NONE,
	NULL},
	{"SignalExternalWorkflowExecutionFailed", 0, PGWF_JOB_RESOLVE, pgwf_apply_external},
	{"ExternalWorkflowExecutionSignaled", 0, PGWF_JOB_RESOLVE, pgwf_apply_external},
	/* 40 */
	{"UpsertWorkflowSearchAttributes", COMMAND, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionUpdateAccepted", COMMAND, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionUpdateRejected", 0, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionUpdateCompleted", COMMAND, PGWF_JOB_NONE, NULL},
	{"WorkflowPropertiesModifiedExternally", 0, PGWF_JOB_NONE, NULL},
	{"ActivityPropertiesModifiedExternally", 0, PGWF_JOB_NONE, NULL},
	{"WorkflowPropertiesModified", COMMAND, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionUpdateAdmitted", 0, PGWF_JOB_AT_ONCE,
	pgwf_apply_update_admitted},
	{"NexusOperationScheduled", COMMAND, PGWF_JOB_NONE, NULL},
	{"NexusOperationStarted", 0, PGWF_JOB_RESOLVE, UNKNOWN},
	/* 50 */
	{"NexusOperationCompleted", 0, PGWF_JOB_RESOLVE, UNKNOWN},
	{"NexusOperationFailed", 0, PGWF_JOB_RESOLVE, UNKNOWN},
	{"NexusOperationCanceled", 0, PGWF_JOB_RESOLVE, UNKNOWN},
	{"NexusOperationTimedOut", 0, PGWF_JOB_RESOLVE, UNKNOWN},
	{"NexusOperationCancelRequested", COMMAND, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionOptionsUpdated", 0, PGWF_JOB_NONE, NULL},
	{"NexusOperationCancelRequestCompleted", 0, PGWF_JOB_RESOLVE, UNKNOWN},
	{"NexusOperationCancelRequestFailed", 0, PGWF_JOB_RESOLVE, UNKNOWN},
	{"WorkflowExecutionPaused", 0, PGWF_JOB_NONE, NULL},
	{"WorkflowExecutionUnpaused", 0, PGWF_JOB_NONE, NULL},
	/* 60 */
	{"WorkflowExecutionTimeSkippingTransitioned", 0, PGWF_JOB_NONE, NULL},
};

const PgwfCommandInfo pgwf_command_infos[PGWF_COMMAND_TYPES] = {
	[PGWF_COMMAND_SCHEDULE_ACTIVITY] = {
		"ScheduleActivityTask", PGWF_EVENT_ACTIVITY_SCHEDULED, false,
		pgwf_activity_matches, pgwf_machine_recorded
	},
	[PGWF_COMMAND_CANCEL_ACTIVITY] = {
		"RequestCancelActivityTask", PGWF_EVENT_ACTIVITY_CANCEL_REQUESTED,
		false, NULL, NULL
	},
	[PGWF_COMMAND_START_TIMER] = {
		"StartTimer", PGWF_EVENT_TIMER_STARTED, false,
		NULL, pgwf_machine_recorded
	},
	[PGWF_COMMAND_CANCEL_TIMER] = {
		"CancelTimer", PGWF_EVENT_TIMER_CANCELED, false, NULL, NULL
	},
	[PGWF_COMMAND_RECORD_MARKER] = {
		"RecordMarker", PGWF_EVENT_MARKER_RECORDED, false,
		pgwf_marker_matches, NULL
	},
	[PGWF_COMMAND_START_CHILD] = {
		"StartChildWorkflowExecution", PGWF_EVENT_START_CHILD_INITIATED,
		false, pgwf_child_matches, pgwf_machine_recorded
	},
	[PGWF_COMMAND_SIGNAL_EXTERNAL] = {
		"SignalExternalWorkflowExecution",
		PGWF_EVENT_SIGNAL_EXTERNAL_INITIATED, false,
		NULL, pgwf_external_recorded
	},
	[PGWF_COMMAND_CANCEL_EXTERNAL] = {
		"RequestCancelExternalWorkflowExecution",
		PGWF_EVENT_CANCEL_EXTERNAL_INITIATED, false,
		NULL, pgwf_external_recorded
	},
	[PGWF_COMMAND_UPSERT_SEARCH_ATTRIBUTES] = {
		"UpsertWorkflowSearchAttributes",
		PGWF_EVENT_UPSERT_SEARCH_ATTRIBUTES, false,
		pgwf_upsert_matches, NULL
	},
	[PGWF_COMMAND_MODIFY_PROPERTIES] = {
		"ModifyWorkflowProperties", PGWF_EVENT_PROPERTIES_MODIFIED, false,
		NULL, NULL
	},
	[PGWF_COMMAND_ACCEPT_UPDATE] = {
		"ProtocolMessage", PGWF_EVENT_UPDATE_ACCEPTED, false,
		pgwf_update_matches, NULL
	},
	[PGWF_COMMAND_COMPLETE_UPDATE] = {
		"ProtocolMessage", PGWF_EVENT_UPDATE_COMPLETED, false,
		pgwf_update_matches, NULL
	},
	[PGWF_COMMAND_COMPLETE_WORKFLOW] = {
		"CompleteWorkflowExecution", PGWF_EVENT_WORKFLOW_COMPLETED, true,
		NULL, NULL
	},
	[PGWF_COMMAND_FAIL_WORKFLOW] = {
		"FailWorkflowExecution", PGWF_EVENT_WORKFLOW_FAILED, true, NULL, NULL
	},
	[PGWF_COMMAND_CANCEL_WORKFLOW] = {
		"CancelWorkflowExecution", PGWF_EVENT_WORKFLOW_CANCELED, true,
		NULL, NULL
	},
	[PGWF_COMMAND_CONTINUE_AS_NEW] = {
		"ContinueAsNewWorkflowExecution", PGWF_EVENT_CONTINUED_AS_NEW, true,
		NULL, NULL
	},
};

/* ---- names ---- */

/* Compares "TimerFired" with "TIMER_FIRED", underscores and case aside. */
static bool
same_name(const char *pascal, const char *constant)
{
	for (;;)
	{
		if (*constant == '_')
			constant++;
		if (toupper((unsigned char) *pascal) !=
			toupper((unsigned char) *constant))
			return false;
		if (*pascal == '\0')
			return true;
		pascal++;
		constant++;
	}
}

/* The type of a name in either form; PGWF_EVENT_NONE if it is not known. */
PgwfEventType
pgwf_event_type_of(const char *name)
{
	static const char prefix[] = "EVENT_TYPE_";
	int			i;

	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
	{
		name += sizeof(prefix) - 1;
		for (i = 1; i < PGWF_EVENT_TYPES; i++)
		{
			if (same_name(pgwf_event_infos[i].name, name))
				return (PgwfEventType) i;
		}
		return PGWF_EVENT_NONE;
	}
	for (i = 1; i < PGWF_EVENT_TYPES; i++)
	{
		if (strcmp(pgwf_event_infos[i].name, name) == 0)
			return (PgwfEventType) i;
	}
	return PGWF_EVENT_NONE;
}

/* The member that holds a type's attributes in Temporal's format. */
const char *
pgwf_event_attributes_key(PgwfEventType type, char *buf, size_t size)
{
	snprintf(buf, size, "%sEventAttributes", pgwf_event_infos[type].name);
	buf[0] = (char) tolower((unsigned char) buf[0]);
	return buf;
}

/* ---- descriptions ---- */

/* Appends to a text that is to be free()d. */
static void extend(char **str, const char *format,...) PGWF_PRINTF(2, 3);

static void
extend(char **str, const char *format,...)
{
	va_list		args;
	char	   *more;
	char	   *both;

	va_start(args, format);
	more = pgwf_xvprintf(format, args);
	va_end(args);
	both = pgwf_xprintf("%s%s", *str, more);
	free(more);
	free(*str);
	*str = both;
}

/* What tells a marker of ours from another. */
static void
describe_marker(char **str, const json_t *attributes)
{
	const char *id = NULL;
	int64_t		seq = 0;
	json_t	   *data;
	const char *activity_id;
	const char *type;

	switch (pgwf_marker_kind(attributes, &seq, &id, NULL))
	{
		case PGWF_MARKER_PATCH:
			extend(str, ", patch \"%s\"", id);
			break;
		case PGWF_MARKER_SIDE_EFFECT:
			extend(str, ", number %lld", (long long) seq);
			break;
		case PGWF_MARKER_LOCAL:
			data = pgwf_local_marker_data(attributes);
			activity_id = pgwf_json_str(data, "activity_id");
			type = pgwf_json_str(data, "activity_type");
			extend(str, ", number %lld, activity id \"%s\", type \"%s\"",
				   (long long) seq, activity_id ? activity_id : "",
				   type ? type : "");
			break;
		case PGWF_MARKER_VERSION:
			extend(str, ", change \"%s\", version %lld", id,
				   (long long) seq);
			break;
		case PGWF_MARKER_MUTABLE:
			extend(str, ", id \"%s\"", id);
			break;
		case PGWF_MARKER_NONE:
			break;
	}
}

/*
 * The ids and names that tell one command from another, as found in the
 * attributes of a command or of its event (they have the same keys).
 */
static char *
describe(const char *name, const json_t *attributes)
{
	static const struct
	{
		const char *key;
		const char *subkey;
		const char *label;
	}			parts[] =
	{
		{"activityId", NULL, "activity id"},
		{"activityType", "name", "type"},
		{"timerId", NULL, "timer id"},
		{"workflowId", NULL, "workflow id"},
		{"workflowType", "name", "type"},
		{"execution", "workflowId", "workflow id"},
		{"workflowExecution", "workflowId", "workflow id"},
		{"signalName", NULL, "signal"},
		{"endpoint", NULL, "endpoint"},
		{"operation", NULL, "operation"},
		{"protocolInstanceId", NULL, "update id"},
		{"meta", "updateId", "update id"},
		{"messageId", NULL, "message"},
		{"markerName", NULL, "marker"},
	};
	char	   *str = pgwf_xstrdup(name);
	const char *separator = " (";
	int64_t		scheduled;
	size_t		i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
	{
		const json_t *value = json_object_get(attributes, parts[i].key);

		if (parts[i].subkey != NULL)
			value = json_object_get(value, parts[i].subkey);
		if (!json_is_string(value))
			continue;
		extend(&str, "%s%s \"%s\"", separator, parts[i].label,
			   json_string_value(value));
		separator = ", ";
	}
	scheduled = pgwf_json_int(attributes, "scheduledEventId");
	if (scheduled > 0)
	{
		extend(&str, "%sof event %lld", separator, (long long) scheduled);
		separator = ", ";
	}
	describe_marker(&str, attributes);
	if (*separator == ',')
		extend(&str, ")");
	return str;
}

/* E.g. TimerStarted (timer id "1"); free() it. */
char *
pgwf_describe_event(const PgwfEvent *event)
{
	return describe(pgwf_event_infos[event->type].name, pgwf_event_json(event));
}

/* E.g. StartTimer (timer id "1"); free() it. */
char *
pgwf_describe_command(const PgwfCommand *command)
{
	return describe(pgwf_command_infos[command->type].name,
					command->attributes);
}
