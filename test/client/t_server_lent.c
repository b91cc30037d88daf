/*
 * t_server_lent.c
 *		Activities on the thread that runs workflow code, which a worker
 *		without anything else to do gives them: that it does so, and that
 *		nobody has to wait for one that takes its time.
 *
 * Whether an activity gets that thread depends on who has read the answer, so
 * the tests repeat what they do until it has happened often enough.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pgwf_util.h"
#include "server.h"

#define WAIT_MS		30000

/* How often something is tried until it has happened so many times */
#define ATTEMPTS	300
#define WANTED		5

static char queue[64];

/* ---- workflows and activities ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t code_thread;	/* which has run workflow code last */
static int	begun;				/* activities that block */
static int	blocked_lent;		/* of these, on the thread for that code */
static int	same_thread;		/* steps that have had that thread */
static bool go_on;				/* they may end */
static bool took_thread;		/* code has run where one of them blocks */
static pthread_t blocked_thread;

static void
note_code(void)
{
	pthread_mutex_lock(&mutex);
	code_thread = pthread_self();
	if (begun > 0 && !go_on && pthread_equal(blocked_thread, code_thread))
		took_thread = true;
	pthread_mutex_unlock(&mutex);
}

static bool
execute(PgwfWorkflow *wf, const char *type, json_t **result,
		PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;

	options.start_to_close_timeout_ms = 60000;
	note_code();
	return pgwf_execute_activity(wf, type, NULL, &options, result, failure);
}

/* Three activities, one after the other */
static json_t *
steps(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *result = NULL;
	int			i;

	(void) input;
	for (i = 0; i < 3; i++)
	{
		if (!execute(wf, "step", &result, failure))
			return NULL;
	}
	return result;
}

static json_t *
blocks(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *result;

	(void) input;
	return execute(wf, "block", &result, failure) ? result : NULL;
}

static json_t *
step(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) input;
	(void) failure;
	pthread_mutex_lock(&mutex);
	if (pthread_equal(code_thread, pthread_self()))
		same_thread++;
	pthread_mutex_unlock(&mutex);
	return json_integer(1);
}

static json_t *
block(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) input;
	(void) failure;
	pthread_mutex_lock(&mutex);
	begun++;
	blocked_thread = pthread_self();
	if (pthread_equal(code_thread, blocked_thread))
		blocked_lent++;
	pthread_cond_broadcast(&changed);
	while (!go_on)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
	return json_integer(2);
}

/* ---- helpers ---- */

static PgwfRegistry *
make_registry(void)
{
	PgwfRegistry *registry = pgwf_registry_new();

	pgwf_register_workflow(registry, "steps", steps, NULL);
	pgwf_register_workflow(registry, "blocks", blocks, NULL);
	pgwf_register_activity(registry, "step", step, NULL);
	pgwf_register_activity(registry, "block", block, NULL);
	return registry;
}

static void
reset(void)
{
	pthread_mutex_lock(&mutex);
	begun = 0;
	go_on = false;
	pthread_mutex_unlock(&mutex);
}

/* How many activities that block have begun, once it is one or time is up */
static int
wait_begun(void)
{
	struct timespec until;
	int			n;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&mutex);
	while (begun == 0 &&
		   pthread_cond_timedwait(&changed, &mutex, &until) == 0)
		;
	n = begun;
	pthread_mutex_unlock(&mutex);
	return n;
}

static void
let_end(void)
{
	pthread_mutex_lock(&mutex);
	go_on = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static int
number_of(const int *counter)
{
	int			n;

	pthread_mutex_lock(&mutex);
	n = *counter;
	pthread_mutex_unlock(&mutex);
	return n;
}

static const char *
start(const char *type, int number)
{
	static char ids[2][128];
	static int	next;
	char	   *id = ids[next++ % 2];
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;

	snprintf(id, sizeof(ids[0]), "%s-%s-%d", queue, type, number);
	options.workflow_id = id;
	options.workflow_type = type;
	options.task_queue = queue;
	if (pgwf_client_start(server_client, &options, NULL) != PGWF_OK)
		note("%s: %s", id, pgwf_client_error(server_client));
	return id;
}

static bool
completes(const char *id)
{
	PgwfResultOptions options = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;
	bool		good;

	options.workflow_id = id;
	options.timeout_ms = WAIT_MS;
	good = pgwf_client_result(server_client, &options, &outcome) == PGWF_OK &&
		strcmp(outcome.status, "Completed") == 0;
	if (!good)
		note("%s: %s", id, pgwf_client_error(server_client));
	pgwf_outcome_clear(&outcome);
	return good;
}

/* ---- tests ---- */

/* One workflow at a time needs one thread for its code and its activities. */
static void
test_same_thread(void)
{
	bool		good = true;
	int			i;

	for (i = 0; good && i < ATTEMPTS && number_of(&same_thread) < WANTED; i++)
		good = completes(start("steps", i)) && good;
	ok(good, "workflows of three activities");
	ok(number_of(&same_thread) >= WANTED,
	   "activities have run on the thread for workflow code");
}

/* While an activity has that thread, other runs go on with another. */
static void
test_others_go_on(void)
{
	bool		good = true;
	int			i;

	for (i = 0; good && i < ATTEMPTS && number_of(&blocked_lent) < WANTED; i++)
	{
		char		id[128];

		reset();
		snprintf(id, sizeof(id), "%s", start("blocks", i));
		good = wait_begun() == 1 && good;
		good = completes(start("steps", ATTEMPTS + 2 * i)) && good;
		good = completes(start("steps", ATTEMPTS + 2 * i + 1)) && good;
		let_end();
		good = completes(id) && good;
	}
	ok(good, "runs complete while another's activity blocks, and that one later");
	ok(number_of(&blocked_lent) >= WANTED,
	   "activities that block have had the thread for workflow code");
	ok(!took_thread, "none of the others' code has run there meanwhile");
}

/* A worker that stops waits for such an activity as for any. */
static void
test_stop(PgwfRegistry *registry)
{
	ServerWorker running;
	bool		good = true;
	int			i;

	pthread_mutex_lock(&mutex);
	blocked_lent = 0;
	pthread_mutex_unlock(&mutex);
	for (i = 0; good && i < ATTEMPTS && number_of(&blocked_lent) < WANTED; i++)
	{
		char		id[128];

		reset();
		server_work(&running, registry, queue, 100);
		good = completes(start("steps", 3 * ATTEMPTS + i)) && good;
		snprintf(id, sizeof(id), "%s", start("blocks", ATTEMPTS + i));
		good = wait_begun() == 1 && good;
		pgwf_worker_stop(running.worker);
		let_end();
		server_stop(&running);
		good = server_count(id, "ActivityTaskCompleted") == 1 && good;
	}
	ok(good, "the results of activities arrive though their worker stops");
	ok(number_of(&blocked_lent) >= WANTED,
	   "some had the thread for workflow code");
}

int
main(void)
{
	PgwfRegistry *registry = make_registry();
	ServerWorker running;

	snprintf(queue, sizeof(queue), "lent%ld-%lld", (long) getpid(),
			 (long long) time(NULL));
	server_connect();
	server_work(&running, registry, queue, 100);
	test_same_thread();
	test_others_go_on();
	server_stop(&running);
	test_stop(registry);
	server_disconnect();
	pgwf_registry_free(registry);
	return done_testing();
}
