/*-------------------------------------------------------------------------
 *
 * worker_commands.c
 *	  The subcommands that run user code from a shared object: worker and
 *	  replay.
 *
 * The shared object exports PgwfResult pgworkflow_register(PgwfRegistry *).
 * It finds the library's functions in this program, so it need not be linked
 * with the library.
 *
 *-------------------------------------------------------------------------
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

/* The worker that the signal handler stops. */
static PgwfWorker *running_worker;

static void
log_line(PgwfLogLevel level, const char *message, void *arg)
{
	static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
	const CliOptions *o = arg;
	struct timespec now;
	struct tm	tm;
	char		stamp[32];

	if (level == PGWF_LOG_DEBUG && !o->verbose)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ld %s: %s\n", stamp, now.tv_nsec / 1000000,
			names[level], message);
}

/*
 * Load the shared object and let it register what it has.  NULL, with a
 * message printed, if that fails.
 */
static PgwfRegistry *
load_library(const CliOptions *o)
{
	PgwfRegistry *registry;
	PgwfRegisterFn register_fn;
	PgwfResult	code;
	void	   *handle;
	void	   *symbol;
	char		path[4096];

	if (o->library == NULL)
	{
		cli_error("option --library is missing");
		return NULL;
	}

	/* a bare file name is a file here, not one of the system's libraries */
	snprintf(path, sizeof(path), "%s%s",
			 strchr(o->library, '/') == NULL ? "./" : "", o->library);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
	{
		cli_error("could not load \"%s\": %s", o->library, dlerror());
		return NULL;
	}
	symbol = dlsym(handle, PGWF_REGISTER_SYMBOL);
	if (symbol == NULL)
	{
		cli_error("\"%s\" has no function %s()", o->library,
				  PGWF_REGISTER_SYMBOL);
		return NULL;
	}

	/* ISO C knows no conversion from object to function pointer */
	memcpy(&register_fn, &symbol, sizeof(register_fn));
	registry = pgwf_registry_new();
	pgwf_registry_set_log(registry, log_line, (void *) o);
	code = register_fn(registry);
	if (code != PGWF_OK)
	{
		cli_error("%s() of \"%s\" failed: %s", PGWF_REGISTER_SYMBOL,
				  o->library, pgwf_result_text(code));
		pgwf_registry_free(registry);
		return NULL;
	}
	return registry;
}

/* ---- replay ---- */

static int
replay_file(PgwfRegistry *registry, const char *path)
{
	PgwfReplayReport *report = NULL;
	PgwfResult	code;
	int			rc = EXIT_OK;

	code = pgwf_replay_history_file(registry, path, &report);
	if (code != PGWF_OK)
	{
		cli_error("could not replay \"%s\": %s", path,
				  report != NULL && report->message[0] != '\0' ?
				  report->message : pgwf_result_text(code));
		rc = EXIT_ERROR;
	}
	else if (!report->ok)
	{
		printf("%s: %s%s%s\n", path,
			   report->nondeterminism ? "non-determinism" : "failed",
			   report->message[0] != '\0' ? ": " : "", report->message);
		rc = EXIT_DISAGREES;
	}
	else
		printf("%s: ok (%s, %" PRId64 " events, %d workflow tasks%s)\n", path,
			   report->workflow_type, report->events, report->workflow_tasks,
			   report->finished ? ", finished" : "");
	pgwf_replay_report_free(report);
	return rc;
}

int
cli_replay(const CliOptions *o, int argc, char **argv)
{
	PgwfRegistry *registry = load_library(o);
	int			worst = EXIT_OK;
	int			i;

	if (registry == NULL)
		return o->library == NULL ? EXIT_USAGE : EXIT_ERROR;
	for (i = 0; i < argc; i++)
	{
		int			rc = replay_file(registry, argv[i]);

		/* a disagreement is worse than a file that cannot be read */
		if (rc > worst)
			worst = rc;
	}
	pgwf_registry_free(registry);
	return worst;
}

/* ---- worker ---- */

static void
handle_stop(int signo)
{
	(void) signo;
	pgwf_worker_stop(running_worker);
}

int
cli_worker(const CliOptions *o, int argc, char **argv)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfRegistry *registry;
	PgwfResult	code;
	struct sigaction action;
	char	   *error;
	int			rc = EXIT_OK;

	(void) argc;
	(void) argv;
	if (o->task_queue == NULL || o->library == NULL)
	{
		cli_error("worker needs --library and --task-queue");
		return EXIT_USAGE;
	}
	registry = load_library(o);
	if (registry == NULL)
		return EXIT_ERROR;
	options.conninfo = o->dbname;
	options.workflow_namespace = o->workflow_namespace;
	options.task_queue = o->task_queue;
	options.identity = o->identity;
	options.build_id = o->build_id;
	options.deployment_name = o->deployment;
	if (o->versioning != NULL)
		options.versioning_behavior = strcmp(o->versioning, "pinned") == 0 ?
			PGWF_VERSIONING_PINNED : PGWF_VERSIONING_AUTO_UPGRADE;
	options.pooled = o->pooled;
	options.max_cached_workflows = o->cache;
	options.max_concurrent_activities = o->activities;
	options.max_concurrent_workflow_tasks = o->workflow_tasks;
	options.max_queue_activities_per_second = o->activity_rate;
	options.max_queue_workflow_tasks_per_second = o->workflow_task_rate;
	options.repeat_workflow_polls = o->repeat_workflow_polls;
	options.graceful_stop_timeout_ms = o->grace_ms;
	options.deadlock_timeout_ms = o->no_deadlock ? -1 : 0;
	running_worker = pgwf_worker_new(&options, registry, &error);
	if (running_worker == NULL)
	{
		cli_error("%s", error);
		free(error);
		pgwf_registry_free(registry);
		return EXIT_USAGE;
	}

	pgwf_report_stack_overflow();
	memset(&action, 0, sizeof(action));
	action.sa_handler = handle_stop;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);

	log_line(PGWF_LOG_INFO, "worker started", (void *) o);
	code = pgwf_worker_run(running_worker);
	if (code != PGWF_OK)
	{
		cli_error("%s", pgwf_worker_error(running_worker));
		rc = EXIT_ERROR;
	}
	else
		log_line(PGWF_LOG_INFO, "worker stopped", (void *) o);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	pgwf_worker_free(running_worker);

	/* code that did not return may still use the registry */
	return rc;
}
