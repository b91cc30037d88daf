/*
 * explain.c
 *		Shows a history as a table: commands on the left, events on the right.
 *
 * Which commands the code gave is not guessed from the events: for every
 * workflow task the code is run on the history up to that task, and asked what
 * it wants next.  That is just what a worker does that has lost its memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

#define COMMAND_WIDTH	38
#define EVENT_WIDTH		27
#define MAX_NOTE		200		/* of what describe() gathers, in bytes */
#define MAX_SHOWN		46		/* of what is left of it */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static const char *
name_of(const json_t *attributes, const char *key)
{
	return text_of(json_object_get(attributes, key), "name");
}

/* Appends a value in compact JSON. */
static void
note_json(char *note, const char *before, const json_t *value)
{
	size_t		used = strlen(note);
	char	   *text;

	if (value == NULL)
		return;
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
					  JSON_REAL_PRECISION(12));

	snprintf(note + used, MAX_NOTE - used, "%s%s", before,
			 text != NULL ? text : "");
	free(text);
}

static void
note_text(char *note, const char *before, const char *text)
{
	size_t		used = strlen(note);

	if (text[0] != '\0')
		snprintf(note + used, MAX_NOTE - used, "%s%s", before, text);
}

/* A constant without the prefix that all of its kind have. */
static const char *
after_prefix(const char *text, const char *prefix)
{
	size_t		length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : text;
}

/* What is worth saying about an event, in a few words. */
static void
describe(const json_t *event, char *note)
{
	const json_t *a = json_object_get(event, "attributes");
	const char *type = text_of(event, "eventType");
	const json_t *attempt = json_object_get(a, "attempt");
	const json_t *failure = json_object_get(a, "failure");

	note[0] = '\0';
	note_text(note, "", name_of(a, "workflowType"));
	note_text(note, "", name_of(a, "activityType"));
	note_text(note, "", text_of(a, "startToFireTimeout"));
	if (strcmp(type, "WorkflowTaskStarted") == 0 ||
		strcmp(type, "ActivityTaskStarted") == 0)
		note_text(note, "by ", text_of(a, "identity"));
	if (strcmp(type, "WorkflowTaskScheduled") != 0 &&
		strcmp(type, "WorkflowExecutionStarted") != 0 &&
		json_integer_value(attempt) > 1)
		note_json(note, ", attempt ", attempt);
	if (strcmp(type, "ActivityTaskStarted") == 0)
		note_text(note, " after: ",
				  text_of(json_object_get(a, "lastFailure"), "message"));
	note_text(note, "", after_prefix(text_of(a, "cause"),
									 "WORKFLOW_TASK_FAILED_CAUSE_"));
	note_text(note, "", after_prefix(text_of(a, "timeoutType"),
									 "TIMEOUT_TYPE_"));
	if (failure != NULL && note[0] == '\0')
	{
		note_text(note, "",
				  text_of(json_object_get(failure, "applicationFailureInfo"),
						  "type"));
		note_text(note, note[0] != '\0' ? ": " : "",
				  text_of(failure, "message"));
	}
	if (json_array_size(json_object_get(a, "result")) == 1)
		note_json(note, "", json_array_get(json_object_get(a, "result"), 0));

	/* cut long ones, but not within a character */
	if (strlen(note) > MAX_SHOWN)
	{
		size_t		end = MAX_SHOWN - 3;

		while (((unsigned char) note[end] & 0xC0) == 0x80)
			end--;
		strcpy(note + end, "...");
	}
}

/* A row of the table; width is that of the column of commands, 0 for none. */
static void
print_row(int width, const json_t *command, const json_t *event)
{
	char		text[MAX_NOTE] = "";
	char		note[MAX_NOTE];

	if (json_is_object(command))
	{
		const json_t *a = json_object_get(command, "attributes");

		note_text(text, "", text_of(command, "commandType"));
		note_text(text, " ", name_of(a, "activityType"));
		note_text(text, " ", text_of(a, "startToFireTimeout"));
		demo_print_padded(text, width - 4);
		fputs(" -> ", stdout);
	}
	else
		demo_print_padded("", width);
	describe(event, note);
	printf("%3lld ", (long long) json_integer_value(
													json_object_get(event, "eventId")));
	if (note[0] != '\0')
		demo_print_padded(text_of(event, "eventType"), EVENT_WIDTH);
	else
		fputs(text_of(event, "eventType"), stdout);
	printf("%s\n", note);
}

static json_t *
read_history(const char *path)
{
	json_t	   *file = json_load_file(path, 0, NULL);
	json_t	   *events = file != NULL ? pgwf_history_import(file, NULL) : NULL;

	json_decref(file);
	if (events == NULL)
		fprintf(stderr, "could not read a history from \"%s\"\n", path);
	return events;
}

bool
demo_show(const char *path)
{
	json_t	   *events = read_history(path);
	json_t	   *event;
	size_t		i;

	if (events == NULL)
		return false;
	json_array_foreach(events, i, event)
		print_row(0, NULL, event);
	json_decref(events);
	return true;
}

/*
 * What the code asks for after this much history: an array of commands, NULL
 * with a message if code and history disagree.
 */
static json_t *
commands_after(PgwfRegistry *registry, const json_t *history)
{
	PgwfReplayReport *report;
	json_t	   *commands = NULL;

	if (pgwf_replay_history(registry, history, &report) == PGWF_OK &&
		report->ok)
		commands = json_incref(report->commands);
	else
		fprintf(stderr, "replay failed: %s\n", report->message);
	pgwf_replay_report_free(report);
	return commands;
}

bool
demo_explain(PgwfRegistry *registry, const char *path)
{
	json_t	   *events = read_history(path);
	json_t	   *so_far = json_array();
	json_t	   *commands = json_array();
	json_t	   *event;
	size_t		shown = 0;
	size_t		i;

	if (events != NULL)
	{
		demo_print_padded("command of the code", COMMAND_WIDTH);
		puts("    event of the history");
	}
	json_array_foreach(events, i, event)
	{
		const char *type = text_of(event, "eventType");
		const char *next = text_of(json_array_get(events, i + 1), "eventType");

		json_array_append(so_far, event);
		if (strcmp(type, "WorkflowTaskCompleted") == 0)
			print_row(COMMAND_WIDTH, NULL, event);
		else
			print_row(COMMAND_WIDTH, json_array_get(commands, shown++), event);

		/* the events after WorkflowTaskCompleted are those of its commands */
		if (strcmp(type, "WorkflowTaskStarted") == 0 &&
			strcmp(next, "WorkflowTaskCompleted") == 0)
		{
			json_decref(commands);
			shown = 0;
			commands = commands_after(registry, so_far);
			if (commands == NULL)
			{
				json_decref(events);
				events = NULL;
				break;
			}
		}
	}
	json_decref(so_far);
	json_decref(commands);
	json_decref(events);
	return events != NULL;
}
