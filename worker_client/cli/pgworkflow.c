/*-------------------------------------------------------------------------
 *
 * pgworkflow.c
 *	  The command pgworkflow: options and the choice of the subcommand.
 *
 *-------------------------------------------------------------------------
 */
#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct
{
	const char *name;
	int			(*run) (const CliOptions *o, int argc, char **argv);
	int			min_args;
	int			max_args;
}			commands[] =

{
	{"start", cli_start, 0, 0},
	{"signal", cli_signal, 2, 2},
	{"cancel", cli_cancel, 1, 1},
	{"terminate", cli_terminate, 1, 1},
	{"result", cli_result, 1, 1},
	{"describe", cli_describe, 1, 1},
	{"history", cli_history, 1, 1},
	{"replay", cli_replay, 1, 1000000},
	{"worker", cli_worker, 0, 0}
};

static const char usage_text[] =
"pgworkflow starts, controls and shows workflows of pg_workflow.\n"
"\n"
"Usage:\n"
"  pgworkflow start --type TYPE --task-queue QUEUE [--id ID] [--input JSON]\n"
"             [--wait] [--request-id ID] [--memo JSON]\n"
"             [--execution-timeout TIME] [--run-timeout TIME]\n"
"             [--task-timeout TIME]\n"
"  pgworkflow signal ID NAME [--input JSON] [--request-id ID]\n"
"  pgworkflow cancel ID [--reason TEXT] [--request-id ID]\n"
"  pgworkflow terminate ID [--reason TEXT]\n"
"  pgworkflow result ID [--timeout TIME] [--json]\n"
"  pgworkflow describe ID\n"
"  pgworkflow history ID [--json]\n"
"  pgworkflow replay --library FILE HISTORY-FILE...\n"
"  pgworkflow worker --library FILE --task-queue QUEUE [--identity TEXT]\n"
"             [--cache NUMBER] [--activities NUMBER] [--workflow-tasks NUMBER]\n"
"             [--grace TIME] [--no-deadlock-detector]\n"
"\n"
"Options of all:\n"
"  -d, --dbname=CONNINFO     connection string or URI (default: PG* variables)\n"
"  -n, --namespace=NAME      namespace (default: default)\n"
"  -r, --run-id=UUID         run (default: the current or last one)\n"
"  -v, --verbose             more messages\n"
"  -V, --version             print the version\n"
"  -h, --help                print this\n"
"\n"
"TIME is a number with a unit: 500ms, 10s, 5m, 2h, 1d.\n"
"Exit codes: 0 success, 1 error, 2 usage, 3 workflow did not complete,\n"
"4 history and code disagree, 5 still running when the timeout was over.\n";

enum
{
	OPT_TYPE = 256, OPT_ID, OPT_INPUT, OPT_WAIT, OPT_REQUEST_ID, OPT_MEMO,
	OPT_EXECUTION_TIMEOUT, OPT_RUN_TIMEOUT, OPT_TASK_TIMEOUT, OPT_REASON,
	OPT_TIMEOUT, OPT_JSON, OPT_LIBRARY, OPT_IDENTITY, OPT_CACHE,
	OPT_ACTIVITIES, OPT_WORKFLOW_TASKS, OPT_GRACE, OPT_NO_DEADLOCK
};

static const struct option long_options[] =
{
	{"dbname", required_argument, NULL, 'd'},
	{"namespace", required_argument, NULL, 'n'},
	{"run-id", required_argument, NULL, 'r'},
	{"task-queue", required_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{"type", required_argument, NULL, OPT_TYPE},
	{"id", required_argument, NULL, OPT_ID},
	{"input", required_argument, NULL, OPT_INPUT},
	{"wait", no_argument, NULL, OPT_WAIT},
	{"request-id", required_argument, NULL, OPT_REQUEST_ID},
	{"memo", required_argument, NULL, OPT_MEMO},
	{"execution-timeout", required_argument, NULL, OPT_EXECUTION_TIMEOUT},
	{"run-timeout", required_argument, NULL, OPT_RUN_TIMEOUT},
	{"task-timeout", required_argument, NULL, OPT_TASK_TIMEOUT},
	{"reason", required_argument, NULL, OPT_REASON},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"json", no_argument, NULL, OPT_JSON},
	{"library", required_argument, NULL, OPT_LIBRARY},
	{"identity", required_argument, NULL, OPT_IDENTITY},
	{"cache", required_argument, NULL, OPT_CACHE},
	{"activities", required_argument, NULL, OPT_ACTIVITIES},
	{"workflow-tasks", required_argument, NULL, OPT_WORKFLOW_TASKS},
	{"grace", required_argument, NULL, OPT_GRACE},
	{"no-deadlock-detector", no_argument, NULL, OPT_NO_DEADLOCK},
	{NULL, 0, NULL, 0}
};

void
cli_error(const char *fmt,...)
{
	va_list		args;

	fputs("pgworkflow: error: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/* Prints a hint and does not return. */
static void
usage_error(void)
{
	fputs("Try \"pgworkflow --help\" for more information.\n", stderr);
	exit(EXIT_USAGE);
}

static int64_t
parse_time(const char *text, const char *option)
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
	usage_error();
	return 0;
}

static int
parse_count(const char *text, const char *option)
{
	char	   *end;
	long		value = strtol(text, &end, 10);

	if (end == text || *end != '\0' || value < 0 || value > 1000000)
	{
		cli_error("invalid number \"%s\" for option --%s", text, option);
		usage_error();
	}

	/* the library's 0 means its default, and -1 none */
	return value == 0 ? -1 : (int) value;
}

static void
set_option(CliOptions *o, int c, const char *name, const char *arg)
{
	switch (c)
	{
		case 'd':
			o->dbname = arg;
			break;
		case 'n':
			o->workflow_namespace = arg;
			break;
		case 'r':
			o->run_id = arg;
			break;
		case 'q':
			o->task_queue = arg;
			break;
		case 'v':
			o->verbose = true;
			break;
		case OPT_TYPE:
			o->type = arg;
			break;
		case OPT_ID:
			o->workflow_id = arg;
			break;
		case OPT_INPUT:
			o->input = arg;
			break;
		case OPT_WAIT:
			o->wait = true;
			break;
		case OPT_REQUEST_ID:
			o->request_id = arg;
			break;
		case OPT_MEMO:
			o->memo = arg;
			break;
		case OPT_EXECUTION_TIMEOUT:
			o->execution_timeout_ms = parse_time(arg, name);
			break;
		case OPT_RUN_TIMEOUT:
			o->run_timeout_ms = parse_time(arg, name);
			break;
		case OPT_TASK_TIMEOUT:
			o->task_timeout_ms = parse_time(arg, name);
			break;
		case OPT_REASON:
			o->reason = arg;
			break;
		case OPT_TIMEOUT:
			/* 0 is "do not wait", which the library calls -1 */
			o->timeout_ms = parse_time(arg, name);
			if (o->timeout_ms == 0)
				o->timeout_ms = -1;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_LIBRARY:
			o->library = arg;
			break;
		case OPT_IDENTITY:
			o->identity = arg;
			break;
		case OPT_CACHE:
			o->cache = parse_count(arg, name);
			break;
		case OPT_ACTIVITIES:
			o->activities = parse_count(arg, name);
			break;
		case OPT_WORKFLOW_TASKS:
			o->workflow_tasks = parse_count(arg, name);
			break;
		case OPT_GRACE:
			o->grace_ms = parse_time(arg, name);
			if (o->grace_ms == 0)
				o->grace_ms = -1;
			break;
		case OPT_NO_DEADLOCK:
			o->no_deadlock = true;
			break;
		default:
			usage_error();
	}
}

int
main(int argc, char **argv)
{
	CliOptions	o;
	size_t		i;
	int			index = 0;
	int			c;
	int			nargs;

	memset(&o, 0, sizeof(o));
	while ((c = getopt_long(argc, argv, "d:n:r:q:vVh", long_options,
							&index)) != -1)
	{
		if (c == 'h')
		{
			fputs(usage_text, stdout);
			return EXIT_OK;
		}
		if (c == 'V')
		{
			printf("pgworkflow %s\n", pgwf_version());
			return EXIT_OK;
		}
		set_option(&o, c, c >= 256 ? long_options[index].name : "", optarg);
	}
	if (optind >= argc)
	{
		cli_error("no command given");
		usage_error();
	}
	nargs = argc - optind - 1;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		if (nargs < commands[i].min_args || nargs > commands[i].max_args)
		{
			cli_error("wrong number of arguments for command \"%s\"",
					  argv[optind]);
			usage_error();
		}
		c = commands[i].run(&o, nargs, argv + optind + 1);
		if (c == EXIT_USAGE)
			usage_error();
		if (fflush(stdout) != 0 || ferror(stdout))
			return EXIT_ERROR;
		return c;
	}
	cli_error("unknown command \"%s\"", argv[optind]);
	usage_error();
	return EXIT_USAGE;
}
