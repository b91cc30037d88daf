/*-------------------------------------------------------------------------
 *
 * pgworkflow.c
 *	  The command pgworkflow: its subcommands, help and completion.
 *
 *-------------------------------------------------------------------------
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MANY_ARGUMENTS	1000000

static const CliCommand commands[] = {
	{"start", "", "starts a workflow", cli_start, 0, 0,
		"type task-queue id input wait timeout request-id identity memo "
		"search-attributes execution-timeout run-timeout task-timeout "
		"start-delay cron max-attempts id-reuse-policy id-conflict-policy "
	"priority fairness-key summary details signal signal-input"},
	{"result", "ID", "waits for the result of a workflow, and prints it",
	cli_result, 1, 1, "run-id timeout"},
	{"signal", "ID NAME", "sends a signal", cli_signal, 2, 2,
	"run-id input request-id identity"},
	{"query", "ID TYPE", "asks a workflow's code for something", cli_query,
	2, 2, "run-id input reject timeout"},
	{"stack", "ID", "shows where a workflow's coroutines wait", cli_stack, 1,
	1, "run-id timeout"},
	{"update", "ID NAME", "sends an update, and waits for its result",
	cli_update, 2, 2, "run-id input update-id wait-for timeout identity"},
	{"cancel", "ID", "asks a workflow to cancel itself", cli_cancel, 1, 1,
	"run-id reason request-id identity"},
	{"terminate", "ID", "ends a workflow without asking it", cli_terminate, 1,
	1, "run-id reason identity"},
	{"reset", "ID", "lets a workflow go on from an earlier workflow task",
		cli_reset, 1, 1, "run-id reason event-id reset-type exclude-signals "
	"exclude-updates request-id identity"},
	{"pause", "ID", "holds a workflow", cli_pause_workflow, 1, 1,
	"run-id reason identity"},
	{"unpause", "ID", "lets a workflow go on", cli_unpause_workflow, 1, 1,
	"run-id reason identity"},
	{"delete", "ID", "deletes a run and its history", cli_delete, 1, 1,
	"run-id"},
	{"describe", "ID", "shows what is known about a run", cli_describe, 1, 1,
	"run-id"},
	{"list", "", "lists runs", cli_list, 0, 0, "query limit"},
	{"count", "", "counts runs", cli_count, 0, 0, "query"},
	{"show", "ID", "shows the history of a run (json: in Temporal's format)",
	cli_show, 1, 1, "run-id follow reverse"},
	{"trace", "ID", "draws a run's activities, timers and children over time",
	cli_trace, 1, 1, "run-id follow width"},
	{"schedule create", "ID", "makes a schedule", cli_schedule_create, 1, 1,
	"schedule memo search-attributes request-id"},
	{"schedule update", "ID", "replaces what defines a schedule",
	cli_schedule_update, 1, 1, "schedule memo search-attributes request-id"},
	{"schedule describe", "ID", "shows a schedule", cli_schedule_describe, 1,
	1, ""},
	{"schedule list", "", "lists schedules", cli_schedule_list, 0, 0,
	"query limit"},
	{"schedule times", "ID", "lists when a schedule acts",
	cli_schedule_times, 1, 1, "from to"},
	{"schedule pause", "ID", "pauses a schedule", cli_schedule_pause, 1, 1,
	"reason"},
	{"schedule unpause", "ID", "lets a schedule act again",
	cli_schedule_unpause, 1, 1, "reason"},
	{"schedule trigger", "ID", "lets a schedule act now",
	cli_schedule_trigger, 1, 1, "overlap"},
	{"schedule backfill", "ID", "lets a schedule act for times of the past",
	cli_schedule_backfill, 1, 1, "from to overlap"},
	{"schedule delete", "ID", "removes a schedule", cli_schedule_delete, 1, 1,
	""},
	{"queue describe", "QUEUE", "shows what waits in a task queue",
	cli_queue_describe, 1, 1, "activity"},
	{"queue list", "", "lists the task queues that hold tasks",
	cli_queue_list, 0, 0, ""},
	{"queue config", "QUEUE", "sets limits of a task queue, and shows them",
	cli_queue_config, 1, 1, "activity rate key-rate reason"},
	{"namespace create", "NAME", "makes a namespace", cli_namespace_create, 1,
	1, "retention description virtual-time"},
	{"namespace delete", "NAME", "deletes a namespace with all its runs",
	cli_namespace_delete, 1, 1, ""},
	{"namespace update", "NAME", "changes a namespace", cli_namespace_update,
	1, 1, "retention description"},
	{"namespace describe", "NAME", "shows a namespace",
	cli_namespace_describe, 1, 1, ""},
	{"namespace list", "", "lists the namespaces in which you may read",
	cli_namespace_list, 0, 0, ""},
	{"replay", "FILE...", "runs code against recorded histories", cli_replay,
	1, MANY_ARGUMENTS, "library"},
	{"worker", "", "runs a worker", cli_worker, 0, 0,
		"library task-queue identity build-id deployment versioning cache "
		"activities workflow-tasks activities-per-second "
		"workflow-tasks-per-second repeat-workflow-polls grace "
	"no-deadlock-detector"}
};

#define NUM_COMMANDS ((int) (sizeof(commands) / sizeof(commands[0])))

void
cli_print_commands(void)
{
	int			i;

	printf("pgworkflow starts, controls and shows workflows of pg_workflow.\n"
		   "\n"
		   "Usage: pgworkflow COMMAND [ARGUMENT]... [OPTION]...\n"
		   "\n"
		   "Commands (\"pgworkflow COMMAND --help\" tells more):\n");
	for (i = 0; i < NUM_COMMANDS; i++)
	{
		char		left[64];

		snprintf(left, sizeof(left), "%s%s%s", commands[i].name,
				 commands[i].arguments[0] != '\0' ? " " : "",
				 commands[i].arguments);
		printf("  %-26s %s\n", left, commands[i].help);
	}
	printf("\nExit codes: 0 success, 1 error, 2 usage, 3 the workflow did not "
		   "complete,\n4 history and code disagree, 5 still running when the "
		   "timeout was over.\n");
}

/* The command that the words begin with, and how many of them it takes */
static const CliCommand *
find_command(int nwords, char **words, int *taken)
{
	int			i;

	for (i = 0; i < NUM_COMMANDS; i++)
	{
		const char *name = commands[i].name;
		const char *space = strchr(name, ' ');

		if (space == NULL && nwords > 0 && strcmp(words[0], name) == 0)
		{
			*taken = 1;
			return &commands[i];
		}
		if (space != NULL && nwords > 1 &&
			strlen(words[0]) == (size_t) (space - name) &&
			strncmp(words[0], name, strlen(words[0])) == 0 &&
			strcmp(words[1], space + 1) == 0)
		{
			*taken = 2;
			return &commands[i];
		}
	}
	return NULL;
}

/* The words that may come next in the place of the last one */
static int
complete(int nwords, char **words)
{
	const char *word = nwords > 0 ? words[nwords - 1] : "";
	const char *before = nwords > 1 ? words[nwords - 2] : "";
	const char *const *values = NULL;
	const CliCommand *command;
	int			taken;
	int			i;

	if (before[0] == '-')
		values = cli_option_values(before + strspn(before, "-"));
	if (values != NULL)
	{
		for (; *values != NULL; values++)
		{
			if (strncmp(*values, word, strlen(word)) == 0)
				puts(*values);
		}
		return EXIT_OK;
	}
	command = find_command(nwords - 1, words, &taken);
	if (word[0] == '-')
	{
		cli_complete_options(command, word);
		return EXIT_OK;
	}
	for (i = 0; command == NULL && i < NUM_COMMANDS; i++)
	{
		const char *name = commands[i].name;
		const char *space = strchr(name, ' ');

		if (nwords <= 1 && strncmp(name, word, strlen(word)) == 0)
			printf("%.*s\n", (int) strcspn(name, " "), name);
		else if (nwords == 2 && space != NULL &&
				 strlen(before) == (size_t) (space - name) &&
				 strncmp(name, before, strlen(before)) == 0 &&
				 strncmp(space + 1, word, strlen(word)) == 0)
			puts(space + 1);
	}
	return EXIT_OK;
}

int
main(int argc, char **argv)
{
	CliOptions	o;
	const CliCommand *command;
	int			first;
	int			taken;
	int			rc;

	setlocale(LC_CTYPE, "");
	memset(&o, 0, sizeof(o));
	o.limit = -1;
	if (argc > 1 && strcmp(argv[1], "__complete") == 0)
		return complete(argc - 2, argv + 2);
	cli_read_options(NULL, &o, argc, argv, &first);
	if (first >= argc)
	{
		cli_error("no command given");
		cli_usage_error(NULL);
	}
	command = find_command(argc - first, argv + first, &taken);
	if (command == NULL)
	{
		cli_error("unknown command \"%s\"", argv[first]);
		cli_usage_error(NULL);
	}
	argc -= first + taken - 1;
	argv += first + taken - 1;
	cli_read_options(command, &o, argc, argv, &first);
	argc -= first;
	argv += first;
	if (argc < command->min_args || argc > command->max_args)
	{
		cli_error("wrong number of arguments for command \"%s\"",
				  command->name);
		cli_usage_error(command);
	}
	rc = command->run(&o, argc, argv);
	if (rc == EXIT_USAGE)
		cli_usage_error(command);
	if (fflush(stdout) != 0 || ferror(stdout))
		return EXIT_ERROR;
	return rc;
}
