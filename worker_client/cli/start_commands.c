/*-------------------------------------------------------------------------
 *
 * start_commands.c
 *	  Starting workflows, and waiting for their results.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* How often the line of progress changes */
#define PROGRESS_MS		1000

/* ---- result ---- */

static int64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One line on the terminal that says what the run has come to */
static void
print_progress(PgwfClient *client, const char *workflow_id,
			   const char *run_id, int64_t began)
{
	json_t	   *description;
	json_t	   *info;
	char		duration[32];

	if (pgwf_client_describe(client, workflow_id, run_id,
							 &description) != PGWF_OK)
		return;
	info = json_object_get(description, "workflowExecutionInfo");
	fprintf(stderr, "\r\033[Kwaiting %s: %" JSON_INTEGER_FORMAT " events, %zu "
			"activities pending, %zu children pending",
			cli_duration_text((clock_ms() - began) * 1000, duration),
			json_integer_value(json_object_get(info, "historyLength")),
			json_array_size(json_object_get(description,
											"pendingActivities")),
			json_array_size(json_object_get(description, "pendingChildren")));
	fflush(stderr);
	json_decref(description);
}

/* Waits, on a terminal with a line of progress. */
static PgwfResult
wait_for_result(PgwfClient *client, const CliOptions *o,
				const PgwfResultOptions *options, PgwfOutcome *outcome)
{
	PgwfResultOptions slice = *options;
	int64_t		began = clock_ms();
	bool		shown = false;
	PgwfResult	code;

	if (!isatty(STDERR_FILENO) || o->json || options->timeout_ms < 0)
		return pgwf_client_result(client, options, outcome);
	for (;;)
	{
		int64_t		left = options->timeout_ms - (clock_ms() - began);

		slice.timeout_ms = PROGRESS_MS;
		if (options->timeout_ms > 0 && left < PROGRESS_MS)
			slice.timeout_ms = left > 0 ? left : -1;
		code = pgwf_client_result(client, &slice, outcome);
		if (code != PGWF_DEADLINE_EXCEEDED ||
			strcmp(outcome->status, "Running") != 0 ||
			(options->timeout_ms > 0 &&
			 clock_ms() - began >= options->timeout_ms))
			break;
		pgwf_outcome_clear(outcome);
		print_progress(client, options->workflow_id, options->run_id, began);
		shown = true;
	}
	if (shown)
		fputs("\r\033[K", stderr);
	return code;
}

int
cli_show_result(PgwfClient *client, const CliOptions *o,
				const char *workflow_id, const char *run_id)
{
	PgwfResultOptions options = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;
	PgwfResult	code;
	int			rc = EXIT_OK;

	options.workflow_id = workflow_id;
	options.run_id = run_id;
	options.timeout_ms = o->timeout_ms;
	code = wait_for_result(client, o, &options, &outcome);
	if (code != PGWF_OK && (code != PGWF_DEADLINE_EXCEEDED ||
							strcmp(outcome.status, "Running") != 0))
		rc = cli_failed(client, code);
	else if (o->json)
	{
		json_t	   *object = json_pack("{s:s, s:s, s:s}", "workflowId",
									   workflow_id, "runId", outcome.run_id,
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
		cli_print_value(outcome.result);
	else
	{
		fprintf(stderr, "workflow \"%s\": %s\n", workflow_id, outcome.status);
		cli_print_failure(stderr, outcome.failure);
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
	rc = cli_show_result(client, o, argv[0], o->run_id);
	pgwf_client_free(client);
	return rc;
}

/* ---- start ---- */

static PgwfIdReusePolicy
reuse_policy(const char *name)
{
	if (name == NULL)
		return PGWF_ID_REUSE_DEFAULT;
	if (strcmp(name, "failed-only") == 0)
		return PGWF_ID_REUSE_ALLOW_DUPLICATE_FAILED_ONLY;
	if (strcmp(name, "reject") == 0)
		return PGWF_ID_REUSE_REJECT_DUPLICATE;
	return PGWF_ID_REUSE_ALLOW_DUPLICATE;
}

static PgwfIdConflictPolicy
conflict_policy(const char *name)
{
	if (name == NULL)
		return PGWF_ID_CONFLICT_DEFAULT;
	if (strcmp(name, "use-existing") == 0)
		return PGWF_ID_CONFLICT_USE_EXISTING;
	if (strcmp(name, "terminate-existing") == 0)
		return PGWF_ID_CONFLICT_TERMINATE_EXISTING;
	return PGWF_ID_CONFLICT_FAIL;
}

/* An id for a workflow that was given none */
static void
make_workflow_id(char *id, size_t size)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(id, size, "cli-%lld%09ld-%ld", (long long) now.tv_sec,
			 now.tv_nsec, (long) getpid());
}

static void
print_started(const CliOptions *o, const char *workflow_id,
			  const PgwfStarted *started)
{
	if (o->json)
	{
		json_t	   *object = json_pack("{s:s, s:s, s:b}", "workflowId",
									   workflow_id, "runId", started->run_id,
									   "started", started->started);

		cli_print_json(object);
		json_decref(object);
	}
	else
		printf("%s %s\n", workflow_id, started->run_id);
}

int
cli_start(const CliOptions *o, int argc, char **argv)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfSignalOptions signal = PGWF_SIGNAL_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
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
		make_workflow_id(id, sizeof(id));
		options.workflow_id = id;
	}
	options.workflow_type = o->type;
	options.task_queue = o->task_queue;
	options.input = cli_parse_json(o->input, "input");
	options.memo = cli_parse_json(o->memo, "memo");
	options.search_attributes = cli_parse_json(o->search_attributes,
											   "search attributes");
	options.request_id = o->request_id;
	options.execution_timeout_ms = o->execution_timeout_ms;
	options.run_timeout_ms = o->run_timeout_ms;
	options.task_timeout_ms = o->task_timeout_ms;
	options.start_delay_ms = o->start_delay_ms;
	options.cron_schedule = o->cron;
	options.id_reuse_policy = reuse_policy(o->id_reuse_policy);
	options.id_conflict_policy = conflict_policy(o->id_conflict_policy);
	options.priority.priority_key = o->priority;
	options.priority.fairness_key = o->fairness_key;
	options.static_summary = o->summary;
	options.static_details = o->details;
	retry.maximum_attempts = o->max_attempts;
	if (o->max_attempts > 0)
		options.retry_policy = &retry;
	signal.signal_name = o->signal;
	signal.input = cli_parse_json(o->signal_input, "signal input");

	client = cli_client(o);
	if (o->signal != NULL)
		code = pgwf_client_signal_with_start(client, &options, &signal,
											 &started);
	else
		code = pgwf_client_start(client, &options, &started);
	if (code != PGWF_OK)
		rc = cli_failed(client, code);
	else if (o->wait)
		rc = cli_show_result(client, o, options.workflow_id, started.run_id);
	else
		print_started(o, options.workflow_id, &started);
	json_decref(options.input);
	json_decref(options.memo);
	json_decref(options.search_attributes);
	json_decref(signal.input);
	pgwf_client_free(client);
	return rc;
}
