/*
 * demo.c
 *		The main program of the demo's workers.
 *
 * "PROGRAM worker" works until SIGTERM or SIGINT.  "PROGRAM explain FILE"
 * shows a history beside the commands of the code, "show" the history alone;
 * "PROGRAM replay FILE" checks the code against a history.  These need no
 * server.
 *
 * The option --hold-at lets a script kill a worker at a chosen point: the
 * thread that logs a line with a given text stops for good, before anything
 * that follows the line has happened.  Workflow code needs no change for that,
 * and as it is silent during replay, only new ground is held.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "demo.h"

static const char *program_name;
static const char *worker_name;
static const char *hold_at;
static PgwfWorker *worker;

/* The worker's log is stdout, a line at a time. */
static void
log_line(PgwfLogLevel level, const char *message, void *arg)
{
	static const char *const marks[] = {"debug: ", "", "warning: ", "error: "};
	struct timespec now;
	struct tm	tm;
	char		stamp[16];

	(void) arg;
	if (level == PGWF_LOG_DEBUG)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	printf("%s.%03ld %s: %s%s\n", stamp, now.tv_nsec / 1000000, worker_name,
		   marks[level], message);
	if (hold_at != NULL && strstr(message, hold_at) != NULL)
	{
		printf("%s.%03ld %s: holds here\n", stamp, now.tv_nsec / 1000000,
			   worker_name);
		fflush(stdout);
		for (;;)
			pause();
	}
	fflush(stdout);
}

static void
handle_stop(int signo)
{
	(void) signo;
	pgwf_worker_stop(worker);
}

static int
run_worker(PgwfRegistry *registry, const char *task_queue)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	struct sigaction action;
	PgwfResult	result;
	char	   *error;

	options.task_queue = task_queue;
	options.identity = worker_name;
	options.graceful_stop_timeout_ms = 2000;

	/* code that is held does not give way in time, and is meant not to */
	if (hold_at != NULL)
		options.deadlock_timeout_ms = -1;
	worker = pgwf_worker_new(&options, registry, &error);
	if (worker == NULL)
	{
		fprintf(stderr, "%s: %s\n", program_name, error);
		free(error);
		return 1;
	}

	memset(&action, 0, sizeof(action));
	action.sa_handler = handle_stop;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	result = pgwf_worker_run(worker);
	if (result != PGWF_OK)
		fprintf(stderr, "%s: %s\n", program_name, pgwf_worker_error(worker));
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	pgwf_worker_free(worker);
	return result == PGWF_OK ? 0 : 1;
}

static int
replay(PgwfRegistry *registry, const char *path)
{
	PgwfReplayReport *report;
	int			status = 0;

	if (pgwf_replay_history_file(registry, path, &report) != PGWF_OK)
	{
		fprintf(stderr, "%s: could not read \"%s\": %s\n", program_name, path,
				report != NULL ? report->message : "");
		status = 1;
	}
	else if (!report->ok)
	{
		printf("code and history disagree: %s\n", report->message);
		status = 4;
	}
	else
		printf("code and history agree: %lld events, %d workflow tasks\n",
			   (long long) report->events, report->workflow_tasks);
	pgwf_replay_report_free(report);
	return status;
}

static int
usage(const DemoProgram *program)
{
	fprintf(stderr, "usage: %s worker [--task-queue=NAME] [--name=NAME]"
			" [--hold-at=TEXT] [OPTION...]\n"
			"       %s explain [OPTION...] FILE\n"
			"       %s show|replay [OPTION...] FILE\n%s",
			program->name, program->name, program->name,
			program->option_help != NULL ? program->option_help : "");
	return 2;
}

int
demo_main(const DemoProgram *program, int argc, char **argv)
{
	const char *task_queue = program->task_queue;
	const char *command = NULL;
	const char *file = NULL;
	PgwfRegistry *registry;
	int			status;
	int			i;

	program_name = worker_name = program->name;
	for (i = 1; i < argc; i++)
	{
		char	   *value = strchr(argv[i], '=');

		if (strncmp(argv[i], "--", 2) != 0)
		{
			if (command == NULL)
				command = argv[i];
			else if (file == NULL)
				file = argv[i];
			else
				return usage(program);
			continue;
		}
		if (value != NULL)
			*value++ = '\0';
		if (value != NULL && strcmp(argv[i], "--task-queue") == 0)
			task_queue = value;
		else if (value != NULL && strcmp(argv[i], "--name") == 0)
			worker_name = value;
		else if (value != NULL && strcmp(argv[i], "--hold-at") == 0)
			hold_at = value;
		else if (program->option == NULL ||
				 !program->option(argv[i] + 2, value))
			return usage(program);
	}
	if (command == NULL ||
		(file == NULL) != (strcmp(command, "worker") == 0))
		return usage(program);

	registry = pgwf_registry_new();
	if (strcmp(command, "worker") == 0)
		pgwf_registry_set_log(registry, log_line, NULL);
	if (program->fill(registry) != PGWF_OK)
	{
		fprintf(stderr, "%s: could not register the workflows\n",
				program_name);
		status = 1;
	}
	else if (strcmp(command, "worker") == 0)
		status = run_worker(registry, task_queue);
	else if (strcmp(command, "explain") == 0)
		status = demo_explain(registry, file) ? 0 : 1;
	else if (strcmp(command, "show") == 0)
		status = demo_show(file) ? 0 : 1;
	else if (strcmp(command, "replay") == 0)
		status = replay(registry, file);
	else
		status = usage(program);
	pgwf_registry_free(registry);
	return status;
}

PgwfFailure *
demo_sql_failure(const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	return pgwf_failure_new("database", "%s", message != NULL ? message :
							"the connection was lost");
}

void
demo_print_padded(const char *text, int width)
{
	const char *c;

	fputs(text, stdout);
	for (c = text; *c != '\0'; c++)
	{
		/* continuation bytes of UTF-8 take no column */
		if (((unsigned char) *c & 0xC0) != 0x80)
			width--;
	}
	while (width-- > 0)
		putchar(' ');
}
