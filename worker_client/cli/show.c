/*-------------------------------------------------------------------------
 *
 * show.c
 *	  The history of a run: a line an event, or Temporal's file format.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define PAGE_SIZE	500

/* Attributes worth a column of their own, in the order they are shown. */
static const char *const key_attributes[] =
{
	"workflowType", "activityType", "activityId", "timerId",
	"startToFireTimeout", "signalName", "markerName", "workflowId",
	"scheduledEventId", "startedEventId", "initiatedEventId", "attempt",
	"cause", "timeoutType", "retryState", "reason", "input", "result",
	"failure", "details", "identity"
};

#define MAX_SHOWN	60

static void
print_attribute(const char *key, const json_t *value)
{
	char	   *text;
	int			width;

	if (json_is_object(value) && json_object_get(value, "name") != NULL)
		value = json_object_get(value, "name");
	else if (json_is_object(value) && json_object_get(value, "message") != NULL)
		value = json_object_get(value, "message");
	text = cli_value_text(value);
	if (text == NULL)
		return;
	width = cli_text_width(text);
	printf(" %s=", key);
	cli_print_padded(text, width > MAX_SHOWN ? MAX_SHOWN : width);
	free(text);
}

static void
print_event(const json_t *event)
{
	const json_t *attributes = json_object_get(event, "attributes");
	char		when[32];
	size_t		i;

	printf("%4" JSON_INTEGER_FORMAT "  %-23s  %-32s",
		   json_integer_value(json_object_get(event, "eventId")),
		   cli_time_short(cli_text(event, "eventTime"), when),
		   cli_text(event, "eventType"));
	for (i = 0; i < sizeof(key_attributes) / sizeof(key_attributes[0]); i++)
	{
		const json_t *value = json_object_get(attributes, key_attributes[i]);

		if (value != NULL)
			print_attribute(key_attributes[i], value);
	}
	putchar('\n');
}

/* Does the event close its run? */
static bool
closes(const json_t *event)
{
	static const char *const types[] = {
		"WorkflowExecutionCompleted", "WorkflowExecutionFailed",
		"WorkflowExecutionTimedOut", "WorkflowExecutionCanceled",
		"WorkflowExecutionTerminated", "WorkflowExecutionContinuedAsNew"
	};
	const char *type = cli_text(event, "eventType");
	size_t		i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
	{
		if (strcmp(types[i], type) == 0)
			return true;
	}
	return false;
}

/*
 * Prints the events of a page, and sets where the next one begins.  The run
 * is the first page's, also if another one begins meanwhile.
 */
static PgwfResult
show_page(PgwfClient *client, PgwfHistoryOptions *options, size_t *n,
		  bool *closed)
{
	json_t	   *events;
	PgwfResult	code;
	size_t		i;

	*n = 0;
	code = pgwf_client_history(client, options, &events);
	if (code != PGWF_OK)
		return code;
	*n = json_array_size(events);
	for (i = 0; i < *n; i++)
	{
		json_t	   *event = json_array_get(events, i);

		print_event(event);
		*closed = *closed || closes(event);
		options->after_event_id =
			json_integer_value(json_object_get(event, "eventId"));
	}
	json_decref(events);
	return PGWF_OK;
}

/* The run that is current now, so that all pages are of the same */
static PgwfResult
find_run(PgwfClient *client, const char *workflow_id, const char *run_id,
		 char buf[PGWF_RUN_ID_SIZE])
{
	json_t	   *description;
	PgwfResult	code;

	code = pgwf_client_describe(client, workflow_id, run_id, &description);
	if (code == PGWF_OK)
		snprintf(buf, PGWF_RUN_ID_SIZE, "%s",
				 cli_text(description,
						  "workflowExecutionInfo.execution.runId"));
	json_decref(description);
	return code;
}

static PgwfResult
show_lines(PgwfClient *client, const CliOptions *o, const char *workflow_id)
{
	PgwfHistoryOptions options = PGWF_HISTORY_OPTIONS_INIT;
	char		run_id[PGWF_RUN_ID_SIZE];
	bool		closed = false;
	PgwfResult	code;
	size_t		n;

	code = find_run(client, workflow_id, o->run_id, run_id);
	if (code != PGWF_OK)
		return code;
	options.workflow_id = workflow_id;
	options.run_id = run_id;
	options.page_size = PAGE_SIZE;
	options.reverse = o->reverse;
	for (;;)
	{
		code = show_page(client, &options, &n, &closed);
		if (code != PGWF_OK)
			return code;
		if (n == PAGE_SIZE)
			continue;
		if (!o->follow || o->reverse || closed)
			return PGWF_OK;
		cli_pause();
	}
}

int
cli_show(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	PgwfResult	code;

	(void) argc;
	if (o->json)
	{
		char	   *text;

		code = pgwf_client_history_json(client, argv[0], o->run_id, &text);
		if (code == PGWF_OK)
			puts(text);
		free(text);
	}
	else
		code = show_lines(client, o, argv[0]);
	return cli_done(client, code);
}
