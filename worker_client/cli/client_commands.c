/*-------------------------------------------------------------------------
 *
 * client_commands.c
 *	  The subcommands that are client calls.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

PgwfClient *
cli_client(const CliOptions *o)
{
	PgwfClientOptions options = PGWF_CLIENT_OPTIONS_INIT;

	options.workflow_namespace = o->workflow_namespace;
	options.identity = o->identity;
	options.retry_timeout_ms = -1;
	return pgwf_client_new(o->dbname, &options);
}

/* Says what went wrong; returns the exit code. */
int
cli_failed(PgwfClient *client, PgwfResult code)
{
	const char *sqlstate = pgwf_client_sqlstate(client);

	if (sqlstate[0] != '\0')
		cli_error("%s (%s, SQLSTATE %s)", pgwf_client_error(client),
				  pgwf_result_text(code), sqlstate);
	else
		cli_error("%s", pgwf_client_error(client));
	return EXIT_ERROR;
}

void
cli_print_json(const json_t *value)
{
	char	   *text = NULL;

	if (value != NULL)
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_INDENT(2) |
						  JSON_REAL_PRECISION(15));
	puts(text != NULL ? text : "null");
	free(text);
}

/* NULL for NULL; exits when the text is not JSON. */
json_t *
cli_parse_json(const char *text, const char *what)
{
	json_error_t error;
	json_t	   *value;

	if (text == NULL)
		return NULL;
	value = json_loads(text, JSON_DECODE_ANY, &error);
	if (value == NULL)
	{
		cli_error("%s is not valid JSON: %s", what, error.text);
		exit(EXIT_USAGE);
	}
	return value;
}

/* ---- result ---- */

static void
print_failure(PgwfFailure *failure)
{
	int			depth = 0;

	for (; failure != NULL; failure = pgwf_failure_cause(failure))
	{
		const char *type = pgwf_failure_type(failure);

		fprintf(stderr, "%*s%s%s%s%s\n", 2 * depth, "",
				depth > 0 ? "caused by: " : "", type,
				type[0] != '\0' ? ": " : "", pgwf_failure_message(failure));
		depth++;
	}
}

static int
show_result(PgwfClient *client, const CliOptions *o, const char *workflow_id,
			const char *run_id)
{
	PgwfResultOptions options = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;
	PgwfResult	code;
	int			rc = EXIT_OK;

	options.workflow_id = workflow_id;
	options.run_id = run_id;
	options.timeout_ms = o->timeout_ms;
	code = pgwf_client_result(client, &options, &outcome);
	if (code != PGWF_OK && code != PGWF_DEADLINE_EXCEEDED)
		rc = cli_failed(client, code);
	else if (code == PGWF_DEADLINE_EXCEEDED &&
			 strcmp(outcome.status, "Running") != 0)
		rc = cli_failed(client, code);
	else if (o->json)
	{
		json_t	   *object = json_pack("{s:s, s:s}", "runId", outcome.run_id,
									   "status", outcome.status);

		if (outcome.result != NULL)
			json_object_set(object, "result", outcome.result);
		if (outcome.failure != NULL)
			json_object_set(object, "failure",
							(json_t *) pgwf_failure_json(outcome.failure));
		cli_print_json(object);
		json_decref(object);
	}
	else if (strcmp(outcome.status, "Completed") == 0)
	{
		/* the usual single value without the list around it */
		if (json_array_size(outcome.result) == 1)
			cli_print_json(json_array_get(outcome.result, 0));
		else if (json_array_size(outcome.result) > 1)
			cli_print_json(outcome.result);
	}
	else
	{
		fprintf(stderr, "workflow \"%s\": %s\n", workflow_id, outcome.status);
		print_failure(outcome.failure);
	}
	if (rc == EXIT_OK && strcmp(outcome.status, "Completed") != 0)
		rc = strcmp(outcome.status, "Running") == 0 ? EXIT_RUNNING :
			EXIT_NOT_COMPLETED;
	pgwf_outcome_clear(&outcome);
	return rc;
}

int
cli_result(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	int			rc;

	(void) argc;
	rc = show_result(client, o, argv[0], o->run_id);
	pgwf_client_free(client);
	return rc;
}

/* ---- start, signal, cancel, terminate ---- */

int
cli_start(const CliOptions *o, int argc, char **argv)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfClient *client;
	PgwfStarted started;
	PgwfResult	code;
	char		id[64];
	int			rc = EXIT_OK;

	(void) argc;
	(void) argv;
	if (o->type == NULL || o->task_queue == NULL)
	{
		cli_error("start needs --type and --task-queue");
		return EXIT_USAGE;
	}
	options.workflow_id = o->workflow_id;
	if (options.workflow_id == NULL)
	{
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		snprintf(id, sizeof(id), "cli-%lld%09ld-%ld", (long long) now.tv_sec,
				 now.tv_nsec, (long) getpid());
		options.workflow_id = id;
	}
	options.workflow_type = o->type;
	options.task_queue = o->task_queue;
	options.input = cli_parse_json(o->input, "input");
	options.memo = cli_parse_json(o->memo, "memo");
	options.request_id = o->request_id;
	options.execution_timeout_ms = o->execution_timeout_ms;
	options.run_timeout_ms = o->run_timeout_ms;
	options.task_timeout_ms = o->task_timeout_ms;
	client = cli_client(o);
	code = pgwf_client_start(client, &options, &started);
	if (code != PGWF_OK)
		rc = cli_failed(client, code);
	else if (o->wait)
		rc = show_result(client, o, options.workflow_id, started.run_id);
	else
		printf("%s %s\n", options.workflow_id, started.run_id);
	json_decref(options.input);
	json_decref(options.memo);
	pgwf_client_free(client);
	return rc;
}

int
cli_signal(const CliOptions *o, int argc, char **argv)
{
	PgwfSignalOptions options = PGWF_SIGNAL_OPTIONS_INIT;
	PgwfClient *client = cli_client(o);
	PgwfResult	code;
	int			rc = EXIT_OK;

	(void) argc;
	options.workflow_id = argv[0];
	options.signal_name = argv[1];
	options.run_id = o->run_id;
	options.request_id = o->request_id;
	options.input = cli_parse_json(o->input, "input");
	code = pgwf_client_signal(client, &options);
	if (code != PGWF_OK)
		rc = cli_failed(client, code);
	json_decref(options.input);
	pgwf_client_free(client);
	return rc;
}

int
cli_cancel(const CliOptions *o, int argc, char **argv)
{
	PgwfCancelOptions options = PGWF_CANCEL_OPTIONS_INIT;
	PgwfClient *client = cli_client(o);
	PgwfResult	code;
	int			rc = EXIT_OK;

	(void) argc;
	options.workflow_id = argv[0];
	options.run_id = o->run_id;
	options.reason = o->reason;
	options.request_id = o->request_id;
	code = pgwf_client_request_cancel(client, &options);
	if (code != PGWF_OK)
		rc = cli_failed(client, code);
	pgwf_client_free(client);
	return rc;
}

int
cli_terminate(const CliOptions *o, int argc, char **argv)
{
	PgwfTerminateOptions options = PGWF_TERMINATE_OPTIONS_INIT;
	PgwfClient *client = cli_client(o);
	PgwfResult	code;
	int			rc = EXIT_OK;

	(void) argc;
	options.workflow_id = argv[0];
	options.run_id = o->run_id;
	options.reason = o->reason;
	code = pgwf_client_terminate(client, &options);
	if (code != PGWF_OK)
		rc = cli_failed(client, code);
	pgwf_client_free(client);
	return rc;
}

/* ---- describe ---- */

int
cli_describe(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	json_t	   *description;
	PgwfResult	code;
	int			rc = EXIT_OK;

	(void) argc;
	code = pgwf_client_describe(client, argv[0], o->run_id, &description);
	if (code != PGWF_OK)
		rc = cli_failed(client, code);
	else
		cli_print_json(description);
	json_decref(description);
	pgwf_client_free(client);
	return rc;
}

/* ---- history ---- */

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
	char	   *dumped = NULL;
	const char *text;

	if (json_is_object(value) && json_object_get(value, "name") != NULL)
		value = json_object_get(value, "name");
	else if (json_is_object(value) && json_object_get(value, "message") != NULL)
		value = json_object_get(value, "message");
	if (json_is_string(value))
		text = json_string_value(value);
	else
		text = dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
								   JSON_REAL_PRECISION(15));
	if (text != NULL)
		printf(" %s=%.*s%s", key, MAX_SHOWN, text,
			   strlen(text) > MAX_SHOWN ? "..." : "");
	free(dumped);
}

static void
print_event(const json_t *event)
{
	const json_t *attributes = json_object_get(event, "attributes");
	const char *event_time =
	json_string_value(json_object_get(event, "eventTime"));
	const char *type = json_string_value(json_object_get(event, "eventType"));
	size_t		i;

	printf("%4" JSON_INTEGER_FORMAT "  %-27s  %-32s",
		   json_integer_value(json_object_get(event, "eventId")),
		   event_time != NULL ? event_time : "", type != NULL ? type : "");
	for (i = 0; i < sizeof(key_attributes) / sizeof(key_attributes[0]); i++)
	{
		const json_t *value = json_object_get(attributes, key_attributes[i]);

		if (value != NULL)
			print_attribute(key_attributes[i], value);
	}
	putchar('\n');
}

int
cli_history(const CliOptions *o, int argc, char **argv)
{
	PgwfHistoryOptions options = PGWF_HISTORY_OPTIONS_INIT;
	PgwfClient *client = cli_client(o);
	PgwfResult	code;
	size_t		n;
	size_t		i;
	int			rc = EXIT_OK;

	(void) argc;
	if (o->json)
	{
		char	   *text;

		code = pgwf_client_history_json(client, argv[0], o->run_id, &text);
		if (code != PGWF_OK)
			rc = cli_failed(client, code);
		else
			puts(text);
		free(text);
		pgwf_client_free(client);
		return rc;
	}

	options.workflow_id = argv[0];
	options.run_id = o->run_id;
	options.page_size = 500;
	do
	{
		json_t	   *events;

		code = pgwf_client_history(client, &options, &events);
		if (code != PGWF_OK)
		{
			rc = cli_failed(client, code);
			break;
		}
		n = json_array_size(events);
		for (i = 0; i < n; i++)
		{
			json_t	   *event = json_array_get(events, i);

			print_event(event);
			options.after_event_id =
				json_integer_value(json_object_get(event, "eventId"));
		}
		json_decref(events);
	} while (n == (size_t) options.page_size);
	pgwf_client_free(client);
	return rc;
}
