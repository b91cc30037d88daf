/*-------------------------------------------------------------------------
 *
 * options.c
 *	  What the command line says: one table of all options, of which each
 *	  command names those it takes.
 *
 *-------------------------------------------------------------------------
 */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef enum OptionKind
{
	OPTION_TEXT,
	OPTION_TIME,				/* milliseconds */
	OPTION_LIMIT,				/* milliseconds, -1 for 0: "not at all" */
	OPTION_COUNT,				/* int, -1 for 0: "none" */
	OPTION_INT,					/* int */
	OPTION_NUMBER,				/* int64_t */
	OPTION_RATE,				/* double above 0 */
	OPTION_FLAG
} OptionKind;

typedef struct Option
{
	const char *name;
	char		letter;			/* '\0': none */
	OptionKind	kind;
	size_t		offset;
	const char *metavar;
	const char *help;
	const char *const *values;	/* what it may be, NULL: anything */
} Option;

static const char *const outputs[] = {"table", "json", NULL};
static const char *const stages[] = {"accepted", "completed", NULL};
static const char *const rejects[] = {"not-open", "not-completed", NULL};
static const char *const reset_types[] = {"first", "last", NULL};
static const char *const reuse_policies[] = {
	"allow", "failed-only", "reject", NULL
};
static const char *const conflict_policies[] = {
	"fail", "use-existing", "terminate-existing", NULL
};
static const char *const versionings[] = {"pinned", "auto-upgrade", NULL};
static const char *const overlaps[] = {
	"skip", "buffer-one", "buffer-all", "cancel-other", "terminate-other",
	"allow-all", NULL
};

#define FIELD(name) offsetof(CliOptions, name)

static const Option options[] = {
	{"dbname", 'd', OPTION_TEXT, FIELD(dbname), "CONNINFO",
	"connection string or URI (default: PG* variables)", NULL},
	{"namespace", 'n', OPTION_TEXT, FIELD(workflow_namespace), "NAME",
	"namespace (default: default)", NULL},
	{"output", 'o', OPTION_TEXT, FIELD(output), "FORMAT",
	"table or json", outputs},
	{"json", '\0', OPTION_FLAG, FIELD(json), NULL,
	"the same as --output json", NULL},
	{"pooled", '\0', OPTION_FLAG, FIELD(pooled), NULL,
	"the connection goes through a pooler such as PgBouncer", NULL},
	{"verbose", 'v', OPTION_FLAG, FIELD(verbose), NULL,
	"more messages", NULL},

	{"id", '\0', OPTION_TEXT, FIELD(workflow_id), "ID",
	"workflow id (default: a new one)", NULL},
	{"run-id", 'r', OPTION_TEXT, FIELD(run_id), "UUID",
	"run (default: the current or last one)", NULL},
	{"type", 't', OPTION_TEXT, FIELD(type), "TYPE",
	"workflow type", NULL},
	{"task-queue", 'q', OPTION_TEXT, FIELD(task_queue), "QUEUE",
	"task queue", NULL},
	{"identity", '\0', OPTION_TEXT, FIELD(identity), "TEXT",
	"who calls, for histories (default: PID@HOST)", NULL},
	{"request-id", '\0', OPTION_TEXT, FIELD(request_id), "ID",
	"repeating a call with the same id does nothing more", NULL},

	{"input", 'i', OPTION_TEXT, FIELD(input), "JSON",
	"argument, or array of arguments; @FILE reads a file", NULL},
	{"memo", '\0', OPTION_TEXT, FIELD(memo), "JSON",
	"object of names and values", NULL},
	{"search-attributes", '\0', OPTION_TEXT, FIELD(search_attributes), "JSON",
	"object of names and values", NULL},
	{"signal", '\0', OPTION_TEXT, FIELD(signal), "NAME",
	"send this signal too, to the open run if there is one", NULL},
	{"signal-input", '\0', OPTION_TEXT, FIELD(signal_input), "JSON",
	"argument, or array of arguments, of the signal", NULL},
	{"reason", '\0', OPTION_TEXT, FIELD(reason), "TEXT",
	"why", NULL},
	{"update-id", '\0', OPTION_TEXT, FIELD(update_id), "ID",
	"names the update, so that it can be repeated", NULL},
	{"wait-for", '\0', OPTION_TEXT, FIELD(stage), "STAGE",
	"accepted or completed (default: completed)", stages},
	{"reject", '\0', OPTION_TEXT, FIELD(reject), "CONDITION",
		"not-open: do not ask closed runs; not-completed: nor failed ones",
	rejects},
	{"summary", '\0', OPTION_TEXT, FIELD(summary), "TEXT",
	"one line for people", NULL},
	{"details", '\0', OPTION_TEXT, FIELD(details), "TEXT",
	"more for people", NULL},
	{"id-reuse-policy", '\0', OPTION_TEXT, FIELD(id_reuse_policy), "POLICY",
		"if the id's last run is closed: allow, failed-only, reject",
	reuse_policies},
	{"id-conflict-policy", '\0', OPTION_TEXT, FIELD(id_conflict_policy),
		"POLICY",
		"if the id has an open run: fail, use-existing, terminate-existing",
	conflict_policies},
	{"cron", '\0', OPTION_TEXT, FIELD(cron), "SPEC",
	"run it again and again, as by cron", NULL},
	{"start-delay", '\0', OPTION_TIME, FIELD(start_delay_ms), "TIME",
	"before its first workflow task", NULL},
	{"max-attempts", '\0', OPTION_INT, FIELD(max_attempts), "NUMBER",
	"run it again if it fails", NULL},
	{"priority", '\0', OPTION_INT, FIELD(priority), "NUMBER",
	"1 (first) to 5 (default: 3)", NULL},
	{"fairness-key", '\0', OPTION_TEXT, FIELD(fairness_key), "TEXT",
	"keys of the same priority take turns", NULL},
	{"execution-timeout", '\0', OPTION_TIME, FIELD(execution_timeout_ms),
	"TIME", "of all its runs together", NULL},
	{"run-timeout", '\0', OPTION_TIME, FIELD(run_timeout_ms), "TIME",
	"of one run", NULL},
	{"task-timeout", '\0', OPTION_TIME, FIELD(task_timeout_ms), "TIME",
	"of one workflow task (default: 10s)", NULL},
	{"retention", '\0', OPTION_TIME, FIELD(retention_ms), "TIME",
	"how long closed runs stay (default: 3d)", NULL},
	{"description", '\0', OPTION_TEXT, FIELD(description), "TEXT",
	"for people", NULL},

	{"virtual-time", '\0', OPTION_FLAG, FIELD(virtual_time), NULL,
	"its time can be skipped, for tests", NULL},

	{"schedule", '\0', OPTION_TEXT, FIELD(schedule), "JSON",
	"a Schedule: spec, action, policies, state; @FILE reads a file", NULL},
	{"overlap", '\0', OPTION_TEXT, FIELD(overlap), "POLICY",
		"skip, buffer-one, buffer-all, cancel-other, terminate-other or "
	"allow-all", overlaps},
	{"from", '\0', OPTION_TEXT, FIELD(start_time), "TIMESTAMP",
	"after this moment (2026-01-31T12:00:00Z)", NULL},
	{"to", '\0', OPTION_TEXT, FIELD(end_time), "TIMESTAMP",
	"up to this moment", NULL},

	{"event-id", '\0', OPTION_NUMBER, FIELD(event_id), "NUMBER",
	"end of the workflow task to go back to", NULL},
	{"reset-type", '\0', OPTION_TEXT, FIELD(reset_type), "TYPE",
	"first or last workflow task that was completed", reset_types},
	{"exclude-signals", '\0', OPTION_FLAG, FIELD(exclude_signals), NULL,
	"do not send later signals again", NULL},
	{"exclude-updates", '\0', OPTION_FLAG, FIELD(exclude_updates), NULL,
	"do not send later updates again", NULL},

	{"query", 'Q', OPTION_TEXT, FIELD(query), "QUERY",
	"such as \"WorkflowType = 'order' AND ExecutionStatus = 'Failed'\"", NULL},
	{"limit", 'l', OPTION_NUMBER, FIELD(limit), "NUMBER",
	"show at most so many (default: 100; 0: all)", NULL},
	{"timeout", '\0', OPTION_LIMIT, FIELD(timeout_ms), "TIME",
	"wait no longer; 0s: do not wait", NULL},
	{"wait", 'w', OPTION_FLAG, FIELD(wait), NULL,
	"wait for the result, and print it", NULL},
	{"follow", 'f', OPTION_FLAG, FIELD(follow), NULL,
	"go on until the run is closed", NULL},
	{"reverse", '\0', OPTION_FLAG, FIELD(reverse), NULL,
	"the latest first", NULL},
	{"activity", '\0', OPTION_FLAG, FIELD(activity_queue), NULL,
	"the queue of activity tasks, not of workflow tasks", NULL},
	{"rate", '\0', OPTION_TEXT, FIELD(rate), "NUMBER",
	"tasks per second, 0 stops the queue; none: no limit", NULL},
	{"key-rate", '\0', OPTION_TEXT, FIELD(key_rate), "NUMBER",
	"the same for each fairness key", NULL},
	{"width", '\0', OPTION_INT, FIELD(width), "NUMBER",
	"columns to draw in (default: the terminal's)", NULL},

	{"library", '\0', OPTION_TEXT, FIELD(library), "FILE",
	"shared object with the code, see doc/worker-api.md", NULL},
	{"build-id", '\0', OPTION_TEXT, FIELD(build_id), "TEXT",
	"version of the code", NULL},
	{"deployment", '\0', OPTION_TEXT, FIELD(deployment), "NAME",
	"worker deployment whose version the build id is", NULL},
	{"versioning", '\0', OPTION_TEXT, FIELD(versioning), "BEHAVIOR",
	"of runs when the version changes: pinned or auto-upgrade", versionings},
	{"grace", '\0', OPTION_LIMIT, FIELD(grace_ms), "TIME",
	"for running activities at the end (default: 10s)", NULL},
	{"cache", '\0', OPTION_COUNT, FIELD(cache), "NUMBER",
	"runs kept in memory (default: 1000)", NULL},
	{"activities", '\0', OPTION_COUNT, FIELD(activities), "NUMBER",
	"activities at a time (default: 100)", NULL},
	{"workflow-tasks", '\0', OPTION_COUNT, FIELD(workflow_tasks), "NUMBER",
	"workflow tasks at a time (default: 200)", NULL},
	{"activities-per-second", '\0', OPTION_RATE, FIELD(activity_rate),
	"NUMBER", "limit for the queue, all of its workers together", NULL},
	{"workflow-tasks-per-second", '\0', OPTION_RATE,
	FIELD(workflow_task_rate), "NUMBER", "the same for workflow tasks", NULL},
	{"repeat-workflow-polls", '\0', OPTION_FLAG, FIELD(repeat_workflow_polls),
	NULL, "ask again for workflow tasks lost with a connection", NULL},
	{"no-deadlock-detector", '\0', OPTION_FLAG, FIELD(no_deadlock), NULL,
	"let workflow code take its time, for debuggers", NULL}
};

#define NUM_OPTIONS ((int) (sizeof(options) / sizeof(options[0])))

/* Options of all commands */
static const char common_options[] = "dbname namespace output json pooled verbose";

/* Values that are no index of an option */
#define OPT_HELP	1000
#define OPT_VERSION 1001

static bool
has_word(const char *words, const char *word)
{
	size_t		len = strlen(word);
	const char *p = words;

	while ((p = strstr(p, word)) != NULL)
	{
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
		p += len;
	}
	return false;
}

/* Does a command (NULL: any) take an option? */
bool
cli_has_option(const CliCommand *command, const char *name)
{
	return has_word(common_options, name) ||
		(command != NULL && has_word(command->options, name));
}

void
cli_usage_error(const CliCommand *command)
{
	fprintf(stderr, "Try \"pgworkflow%s%s --help\" for more information.\n",
			command != NULL ? " " : "", command != NULL ? command->name : "");
	exit(EXIT_USAGE);
}

static int64_t
parse_time(const CliCommand *command, const char *text, const char *option)
{
	static const struct
	{
		const char *unit;
		double		ms;
	}			units[] =
	{
		{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}
	};
	char	   *end;
	double		value = strtod(text, &end);
	size_t		i;

	for (i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++)
	{
		if (strcmp(end, units[i].unit) == 0 && value >= 0 &&
			value * units[i].ms < 1e15)
			return (int64_t) (value * units[i].ms + 0.5);
	}
	cli_error("invalid time \"%s\" for option --%s", text, option);
	cli_usage_error(command);
}

static int64_t
parse_number(const CliCommand *command, const char *text, const char *option,
			 int64_t max)
{
	char	   *end;
	long long	value = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || value < 0 || value > max)
	{
		cli_error("invalid number \"%s\" for option --%s", text, option);
		cli_usage_error(command);
	}
	return value;
}

static double
parse_rate(const CliCommand *command, const char *text, const char *option)
{
	char	   *end;
	double		value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value > 0) || value > 1e9)
	{
		cli_error("invalid number \"%s\" for option --%s", text, option);
		cli_usage_error(command);
	}
	return value;
}

static void
check_value(const CliCommand *command, const Option *option,
			const char *text)
{
	int			i;

	for (i = 0; option->values[i] != NULL; i++)
	{
		if (strcmp(option->values[i], text) == 0)
			return;
	}
	cli_error("invalid value \"%s\" for option --%s", text, option->name);
	cli_usage_error(command);
}

#define MAX_COUNT	1000000

static void
set_option(const CliCommand *command, CliOptions *o, const Option *option,
		   const char *text)
{
	void	   *field = (char *) o + option->offset;
	int64_t		number;

	if (option->values != NULL)
		check_value(command, option, text);
	switch (option->kind)
	{
		case OPTION_TEXT:
			*(const char **) field = text;
			break;
		case OPTION_TIME:
			*(int64_t *) field = parse_time(command, text, option->name);
			break;
		case OPTION_LIMIT:
			number = parse_time(command, text, option->name);
			*(int64_t *) field = number == 0 ? -1 : number;
			break;
		case OPTION_COUNT:
			number = parse_number(command, text, option->name, MAX_COUNT);
			*(int *) field = number == 0 ? -1 : (int) number;
			break;
		case OPTION_INT:
			*(int *) field = (int) parse_number(command, text, option->name,
												MAX_COUNT);
			break;
		case OPTION_NUMBER:
			*(int64_t *) field = parse_number(command, text, option->name,
											  INT64_MAX);
			break;
		case OPTION_RATE:
			*(double *) field = parse_rate(command, text, option->name);
			break;
		case OPTION_FLAG:
			*(bool *) field = true;
			break;
	}
}

/*
 * Reads the options of a command, or with NULL those that come before the
 * command.  Help and version end the program.  *first_argument is where the
 * rest begins.
 */
void
cli_read_options(const CliCommand *command, CliOptions *o, int argc,
				 char **argv, int *first_argument)
{
	struct option long_options[NUM_OPTIONS + 3];
	char		letters[2 * NUM_OPTIONS + 8];
	int			nlong = 0;
	int			nletters = 0;
	int			c;
	int			i;

	memset(long_options, 0, sizeof(long_options));
	if (command == NULL)
		letters[nletters++] = '+';	/* stop at the command */
	for (i = 0; i < NUM_OPTIONS; i++)
	{
		if (!cli_has_option(command, options[i].name))
			continue;
		long_options[nlong].name = options[i].name;
		long_options[nlong].has_arg = options[i].kind == OPTION_FLAG ?
			no_argument : required_argument;
		long_options[nlong++].val = 2000 + i;
		if (options[i].letter == '\0')
			continue;
		letters[nletters++] = options[i].letter;
		if (options[i].kind != OPTION_FLAG)
			letters[nletters++] = ':';
	}
	long_options[nlong].name = "help";
	long_options[nlong++].val = OPT_HELP;
	long_options[nlong].name = "version";
	long_options[nlong++].val = OPT_VERSION;
	strcpy(letters + nletters, "hV");

	optind = 0;
	while ((c = getopt_long(argc, argv, letters, long_options, NULL)) != -1)
	{
		if (c == 'h')
			c = OPT_HELP;
		if (c == OPT_HELP)
		{
			cli_print_options(command);
			exit(EXIT_OK);
		}
		if (c == OPT_VERSION || c == 'V')
		{
			printf("pgworkflow %s\n", pgwf_version());
			exit(EXIT_OK);
		}
		if (c == '?')
			cli_usage_error(command);
		for (i = 0; c < 2000 && i < NUM_OPTIONS; i++)
		{
			if (options[i].letter == c &&
				cli_has_option(command, options[i].name))
				c = 2000 + i;
		}
		set_option(command, o, &options[c - 2000], optarg);
	}
	if (o->output != NULL)
		o->json = strcmp(o->output, "json") == 0;
	*first_argument = optind;
}

/* ---- help and completion ---- */

static void
print_option(const Option *option)
{
	char		left[64];

	snprintf(left, sizeof(left), "%c%c%s --%s%s%s",
			 option->letter != '\0' ? '-' : ' ',
			 option->letter != '\0' ? option->letter : ' ',
			 option->letter != '\0' ? "," : " ", option->name,
			 option->metavar != NULL ? "=" : "",
			 option->metavar != NULL ? option->metavar : "");
	printf("  %-30s %s\n", left, option->help);
}

/* The help of a command; NULL is pgworkflow's own. */
void
cli_print_options(const CliCommand *command)
{
	int			i;
	int			common;

	if (command == NULL)
		cli_print_commands();
	else
		printf("Usage: pgworkflow %s%s%s [OPTION]...\n\n%s\n", command->name,
			   command->arguments[0] != '\0' ? " " : "", command->arguments,
			   command->help);
	for (common = 0; common < 2; common++)
	{
		if (common)
			printf("\nOptions of all commands:\n");
		else if (command != NULL && command->options[0] != '\0')
			printf("\nOptions:\n");
		for (i = 0; i < NUM_OPTIONS; i++)
		{
			if (has_word(common ? common_options :
						 command != NULL ? command->options : "",
						 options[i].name))
				print_option(&options[i]);
		}
	}
	printf("  %-30s %s\n  %-30s %s\n", "-V, --version", "print the version",
		   "-h, --help", "print this");
	printf("\nTIME is a number with a unit: 500ms, 10s, 5m, 2h, 1d.\n");
}

/* What an option's value may be, without the dashes; NULL: anything */
const char *const *
cli_option_values(const char *option)
{
	int			i;

	for (i = 0; i < NUM_OPTIONS; i++)
	{
		if (strcmp(options[i].name, option) == 0 ||
			(option[0] == options[i].letter && option[0] != '\0' &&
			 option[1] == '\0'))
			return options[i].values;
	}
	return NULL;
}

/* Prints the options of a command that begin as a word with dashes does. */
void
cli_complete_options(const CliCommand *command, const char *word)
{
	int			i;

	for (i = 0; i < NUM_OPTIONS; i++)
	{
		if (cli_has_option(command, options[i].name) &&
			strncmp(word, "--", 2) == 0 &&
			strncmp(options[i].name, word + 2, strlen(word + 2)) == 0)
			printf("--%s\n", options[i].name);
	}
}
