/*
 * t_server_observe.c
 *		Watching a worker: interceptors around its activities and workflow
 *		tasks, and its metrics.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pgworkflow.h>

#include "tap.h"

#define WAIT_MS 30000

static char queue[64];
static PgwfClient *client;

/* ---- what happened, in order ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char story[4000];

static void
tell(const char *who, const char *what, const char *of)
{
	pthread_mutex_lock(&lock);
	snprintf(story + strlen(story), sizeof(story) - strlen(story),
			 "%s %s %s;", who, what, of);
	pthread_mutex_unlock(&lock);
}

/* How often is this part of the story? */
static int
told(const char *part)
{
	const char *p = story;
	int			n = 0;

	pthread_mutex_lock(&lock);
	while ((p = strstr(p, part)) != NULL)
	{
		n++;
		p += strlen(part);
	}
	pthread_mutex_unlock(&lock);
	return n;
}

/* ---- interceptors ---- */

static json_t *
around_activity(PgwfNext *next, PgwfActivity *activity, json_t *input,
				PgwfFailure **failure, void *arg)
{
	const char *type = pgwf_activity_info(activity)->activity_type;
	json_t	   *result;

	tell(arg, "before", type);
	result = pgwf_next_activity(next, activity, input, failure);
	tell(arg, *failure != NULL ? "failed" : "after", type);
	return result;
}

static void
around_task(PgwfNext *next, const PgwfWorkflowTaskInfo *info, void *arg)
{
	const char *cause;

	tell(arg, info->is_continuation ? "continues" : "begins",
		 info->workflow_type);
	cause = pgwf_next_workflow_task(next);
	tell(arg, cause != NULL ? cause : "ends", info->workflow_type);
}

/* Answers itself, without the activity. */
static json_t *
answer_denied(PgwfNext *next, PgwfActivity *activity, json_t *input,
			  PgwfFailure **failure, void *arg)
{
	(void) arg;
	if (strcmp(pgwf_activity_info(activity)->activity_type, "denied") != 0)
		return pgwf_next_activity(next, activity, input, failure);
	*failure = pgwf_failure_set_non_retryable(pgwf_failure_new("Denied",
															   "no"));
	return NULL;
}

/* Does not care to let the task run. */
static void
forget_task(PgwfNext *next, const PgwfWorkflowTaskInfo *info, void *arg)
{
	(void) next;
	(void) info;
	(void) arg;
}

/* ---- the code ---- */

static json_t *
echo(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	return json_incref(input);
}

/* An activity, a local one, and one that is denied. */
static json_t *
watched(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfLocalOptions local = PGWF_LOCAL_OPTIONS_INIT;
	json_t	   *result;

	options.start_to_close_timeout_ms = 10000;
	local.start_to_close_timeout_ms = 10000;
	if (!pgwf_execute_activity(wf, "echo", input, &options, NULL, failure) ||
		!pgwf_execute_local_activity(wf, "local", input, &local, NULL,
									 failure) ||
		pgwf_execute_activity(wf, "denied", input, &options, &result, failure))
		return NULL;
	result = pgwf_pack(wf, "s", pgwf_failure_type(pgwf_failure_root(*failure)));
	*failure = NULL;
	return result;
}

/* Panics. */
static json_t *
broken(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) input;
	(void) failure;
	pgwf_panic(wf, "broken");
}

/* ---- metrics ---- */

typedef struct Visit
{
	int			counters;
	int			gauges;
	int			histograms;
	double		activities;
	int64_t		activity_runs;	/* by the histogram */
} Visit;

static void
visit(const PgwfMetric *metric, void *arg)
{
	Visit	   *v = arg;
	int			i;

	v->counters += metric->kind == PGWF_METRIC_COUNTER;
	v->gauges += metric->kind == PGWF_METRIC_GAUGE;
	v->histograms += metric->kind == PGWF_METRIC_HISTOGRAM;
	if (strcmp(metric->name, "pgworkflow_activities_total") == 0)
		v->activities = metric->value;
	if (strcmp(metric->name, "pgworkflow_execution_seconds") == 0 &&
		strcmp(metric->label_value, "activity") == 0)
	{
		for (i = 0; i <= metric->nbounds; i++)
			v->activity_runs += metric->counts[i];
	}
}

/* ---- the test ---- */

#define UNHANDLED \
	"WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE"

static void *
run_worker(void *worker)
{
	pgwf_worker_run(worker);
	return NULL;
}

static void
add_interceptor(PgwfRegistry *registry, void *name)
{
	PgwfInterceptor interceptor = PGWF_INTERCEPTOR_INIT;

	interceptor.activity = around_activity;
	interceptor.workflow_task = around_task;
	interceptor.arg = name;
	pgwf_registry_add_interceptor(registry, &interceptor);
}

static PgwfHandle *
start(const char *type)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfHandle *handle = NULL;
	char		id[100];

	snprintf(id, sizeof(id), "%s-%s", queue, type);
	options.workflow_id = id;
	options.workflow_type = type;
	options.task_queue = queue;
	pgwf_handle_start(client, &options, &handle);
	return handle;
}

int
main(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfInterceptor other = PGWF_INTERCEPTOR_INIT;
	PgwfWorker *worker;
	PgwfHandle *handle;
	PgwfOutcome outcome;
	Visit		v = {0};
	pthread_t	thread;
	char	   *text;
	int			i;

	snprintf(queue, sizeof(queue), "observe-%ld", (long) getpid());
	client = pgwf_client_new(NULL, NULL);
	add_interceptor(registry, "outer");
	add_interceptor(registry, "inner");
	other.activity = answer_denied;
	pgwf_registry_add_interceptor(registry, &other);
	other.activity = NULL;
	other.workflow_task = forget_task;
	pgwf_registry_add_interceptor(registry, &other);
	pgwf_register_workflow(registry, "watched", watched, NULL);
	pgwf_register_workflow(registry, "broken", broken, NULL);
	pgwf_register_activity(registry, "echo", echo, NULL);
	pgwf_register_activity(registry, "local", echo, NULL);
	pgwf_register_activity(registry, "denied", echo, NULL);
	options.task_queue = queue;
	worker = pgwf_worker_new(&options, registry, NULL);
	pthread_create(&thread, NULL, run_worker, worker);

	handle = start("watched");
	pgwf_handle_result(handle, WAIT_MS, &outcome);
	is_json(outcome.result, "[\"Denied\"]",
			"an interceptor can answer for an activity");
	pgwf_outcome_clear(&outcome);
	pgwf_handle_free(handle);
	is_int(told("outer before echo;inner before echo;inner after echo;"
				"outer after echo;"), 1,
		   "interceptors lie around each other");
	is_int(told("outer before local;"), 1, "and around local activities");
	is_int(told("inner failed denied;"), 1, "and see failures");
	is_int(told("outer begins watched;inner begins watched;"
				"inner ends watched;outer ends watched;"), 3,
		   "and lie around workflow tasks");
	is_int(told("outer continues watched;"), 1,
		   "also around what follows a local activity");

	handle = start("broken");
	for (i = 0; i < WAIT_MS / 10 && told(UNHANDLED " broken") < 2; i++)
		usleep(10000);
	ok(told("inner " UNHANDLED " broken;outer " UNHANDLED " broken;") > 0,
	   "the cause of a failed task is told");
	pgwf_handle_terminate(handle, NULL);
	pgwf_handle_free(handle);

	pgwf_worker_metrics(worker, visit, &v);
	is_int(v.counters, 18, "counters");
	is_int(v.gauges, 7, "gauges");
	is_int(v.histograms, 6, "histograms");
	is_int((long long) v.activities, 2, "two activities were taken");
	is_int(v.activity_runs, 2, "and ran");
	text = pgwf_worker_metrics_text(worker);
	has_str(text, "# HELP pgworkflow_activities_total Activities taken.\n"
			"# TYPE pgworkflow_activities_total counter\n"
			"pgworkflow_activities_total{namespace=\"default\",task_queue=\"",
			"Prometheus's format of a counter");
	has_str(text, "\",kind=\"activity\"} 100\n", "of a gauge");
	has_str(text, "# TYPE pgworkflow_execution_seconds histogram\n",
			"of a histogram");
	has_str(text, "\",kind=\"activity\",le=\"+Inf\"} 2\n", "of its buckets");
	free(text);

	pgwf_worker_stop(worker);
	pthread_join(thread, NULL);
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
	pgwf_client_free(client);
	return done_testing();
}
