/*-------------------------------------------------------------------------
 *
 * message_commands.c
 *	  What is said to a workflow: signals, queries, updates, cancellation and
 *	  operators' calls.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- signals ---- */

int
cli_signal(const CliOptions *o, int argc, char **argv)
{
	PgwfSignalOptions options = PGWF_SIGNAL_OPTIONS_INIT;
	PgwfClient *client;
	PgwfResult	code;

	(void) argc;
	options.workflow_id = argv[0];
	options.signal_name = argv[1];
	options.run_id = o->run_id;
	options.request_id = o->request_id;
	options.input = cli_parse_json(o->input, "input");
	client = cli_client(o);
	code = pgwf_client_signal(client, &options);
	json_decref(options.input);
	return cli_done(client, code);
}

/* ---- queries ---- */

static PgwfQueryReject
reject_condition(const char *name)
{
	if (name == NULL)
		return PGWF_QUERY_REJECT_NONE;
	if (strcmp(name, "not-open") == 0)
		return PGWF_QUERY_REJECT_NOT_OPEN;
	return PGWF_QUERY_REJECT_NOT_COMPLETED_CLEANLY;
}

/* Asks; *answer is a new reference if the exit code is EXIT_OK. */
static int
query(const CliOptions *o, const char *workflow_id, const char *type,
	  json_t **answer)
{
	PgwfQueryOptions options = PGWF_QUERY_OPTIONS_INIT;
	PgwfClient *client;
	PgwfResult	code;
	char		status[PGWF_STATUS_SIZE];
	int			rc = EXIT_OK;

	options.workflow_id = workflow_id;
	options.run_id = o->run_id;
	options.query_type = type;
	options.args = cli_parse_json(o->input, "input");
	options.reject_condition = reject_condition(o->reject);
	options.timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : 0;
	client = cli_client(o);
	code = pgwf_client_query(client, &options, answer, status);
	if (code == PGWF_FAILED_PRECONDITION && status[0] != '\0')
	{
		fprintf(stderr, "workflow \"%s\": %s\n", workflow_id, status);
		rc = EXIT_NOT_COMPLETED;
	}
	else if (code != PGWF_OK)
		rc = cli_failed(client, code);
	json_decref(options.args);
	pgwf_client_free(client);
	return rc;
}

int
cli_query(const CliOptions *o, int argc, char **argv)
{
	json_t	   *answer;
	int			rc = query(o, argv[0], argv[1], &answer);

	(void) argc;
	if (rc == EXIT_OK)
		cli_print_value(answer);
	json_decref(answer);
	return rc;
}

int
cli_stack(const CliOptions *o, int argc, char **argv)
{
	json_t	   *answer;
	const json_t *stack;
	int			rc = query(o, argv[0], "__stack_trace", &answer);

	(void) argc;
	if (rc == EXIT_OK)
	{
		stack = json_array_get(answer, 0);
		if (o->json || !json_is_string(stack))
			cli_print_json(stack);
		else
			puts(json_string_value(stack));
	}
	json_decref(answer);
	return rc;
}

/* ---- updates ---- */

static const char *
stage_text(PgwfUpdateStage stage)
{
	switch (stage)
	{
		case PGWF_UPDATE_ADMITTED:
			return "admitted";
		case PGWF_UPDATE_ACCEPTED:
			return "accepted";
		case PGWF_UPDATE_COMPLETED:
			return "completed";
		case PGWF_UPDATE_STAGE_DEFAULT:
			break;
	}
	return "";
}

static int
print_update(const CliOptions *o, const PgwfUpdateOutcome *outcome)
{
	if (o->json)
	{
		json_t	   *object = json_pack("{s:s, s:s}", "updateId",
									   outcome->update_id, "stage",
									   stage_text(outcome->stage));

		if (outcome->result != NULL)
			json_object_set(object, "result", outcome->result);
		if (outcome->failure != NULL)
			json_object_set(object, "failure",
							(json_t *) pgwf_failure_json(outcome->failure));
		cli_print_json(object);
		json_decref(object);
	}
	else if (outcome->failure != NULL)
		cli_print_failure(stderr, outcome->failure);
	else if (outcome->stage == PGWF_UPDATE_COMPLETED)
		cli_print_value(outcome->result);
	else
		printf("%s %s\n", outcome->update_id, stage_text(outcome->stage));
	return outcome->failure != NULL ? EXIT_NOT_COMPLETED : EXIT_OK;
}

int
cli_update(const CliOptions *o, int argc, char **argv)
{
	PgwfUpdateOptions options = PGWF_UPDATE_OPTIONS_INIT;
	PgwfUpdateOutcome outcome;
	PgwfClient *client;
	PgwfResult	code;
	int			rc;

	(void) argc;
	options.workflow_id = argv[0];
	options.update_name = argv[1];
	options.run_id = o->run_id;
	options.update_id = o->update_id;
	options.args = cli_parse_json(o->input, "input");
	options.timeout_ms = o->timeout_ms < 0 ? 1 : o->timeout_ms;
	if (o->stage != NULL && strcmp(o->stage, "accepted") == 0)
		options.wait_for_stage = PGWF_UPDATE_ACCEPTED;
	client = cli_client(o);
	code = pgwf_client_update(client, &options, &outcome);
	if (code == PGWF_DEADLINE_EXCEEDED &&
		outcome.stage != PGWF_UPDATE_STAGE_DEFAULT)
	{
		print_update(o, &outcome);
		rc = EXIT_RUNNING;
	}
	else if (code != PGWF_OK)
		rc = cli_failed(client, code);
	else
		rc = print_update(o, &outcome);
	pgwf_update_outcome_clear(&outcome);
	json_decref(options.args);
	pgwf_client_free(client);
	return rc;
}

/* ---- the end ---- */

int
cli_cancel(const CliOptions *o, int argc, char **argv)
{
	PgwfCancelOptions options = PGWF_CANCEL_OPTIONS_INIT;
	PgwfClient *client = cli_client(o);

	(void) argc;
	options.workflow_id = argv[0];
	options.run_id = o->run_id;
	options.reason = o->reason;
	options.request_id = o->request_id;
	return cli_done(client, pgwf_client_request_cancel(client, &options));
}

int
cli_terminate(const CliOptions *o, int argc, char **argv)
{
	PgwfTerminateOptions options = PGWF_TERMINATE_OPTIONS_INIT;
	PgwfClient *client = cli_client(o);

	(void) argc;
	options.workflow_id = argv[0];
	options.run_id = o->run_id;
	options.reason = o->reason;
	return cli_done(client, pgwf_client_terminate(client, &options));
}

int
cli_delete(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client, pgwf_client_delete(client, argv[0], o->run_id));
}

/* ---- operators' calls ---- */

int
cli_reset(const CliOptions *o, int argc, char **argv)
{
	PgwfResetOptions options = PGWF_RESET_OPTIONS_INIT;
	PgwfClient *client;
	PgwfResult	code;
	char		run_id[PGWF_RUN_ID_SIZE];

	(void) argc;
	if ((o->event_id != 0) == (o->reset_type != NULL))
	{
		cli_error("reset needs --event-id or --reset-type");
		return EXIT_USAGE;
	}
	options.workflow_id = argv[0];
	options.run_id = o->run_id;
	options.reason = o->reason;
	options.workflow_task_finish_event_id = o->event_id;
	if (o->reset_type != NULL)
		options.reset_type = strcmp(o->reset_type, "first") == 0 ?
			"FIRST_WORKFLOW_TASK" : "LAST_WORKFLOW_TASK";
	options.exclude_signals = o->exclude_signals;
	options.exclude_updates = o->exclude_updates;
	options.request_id = o->request_id;
	client = cli_client(o);
	code = pgwf_client_reset(client, &options, run_id);
	if (code == PGWF_OK && o->json)
	{
		json_t	   *object = json_pack("{s:s}", "runId", run_id);

		cli_print_json(object);
		json_decref(object);
	}
	else if (code == PGWF_OK)
		puts(run_id);
	return cli_done(client, code);
}

int
cli_pause_workflow(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client, pgwf_client_pause(client, argv[0], o->run_id,
											  o->reason));
}

int
cli_unpause_workflow(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client, pgwf_client_unpause(client, argv[0], o->run_id,
												o->reason));
}
