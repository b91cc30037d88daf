/*-------------------------------------------------------------------------
 *
 * testing.c
 *	  Test environments: a namespace with virtual time, a worker in a thread,
 *	  a client, and functions in the place of activities.
 *
 * The list of mocks is looked at by the worker's main thread and changed by
 * the test's: its mutex guards it.  The rest belongs to the test's thread.
 *
 *-------------------------------------------------------------------------
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgworkflow/testing.h"

#include "pgwf_client.h"
#include "pgwf_worker.h"

#define DEFAULT_LIMIT_MS	30000

/* How long running activities go on when the environment goes */
#define GRACE_MS			1000

typedef struct Mock
{
	struct Mock *next;
	char	   *type;
	PgwfActivityFn fn;
	void	   *arg;
	int			calls;
} Mock;

struct PgwfMocks
{
	pthread_mutex_t lock;		/* guards the list */
	Mock	   *list;
};

struct PgwfTest
{
	PgwfMocks	mocks;
	char	   *namespace;
	PgwfClient *client;
	PgwfWorker *worker;
	pthread_t	thread;
	int			next_id;
};

/* ---- mocks ---- */

/* The caller holds the lock. */
static Mock *
find_mock(PgwfMocks *mocks, const char *type)
{
	Mock	   *mock = mocks->list;

	while (mock != NULL && strcmp(mock->type, type) != 0)
		mock = mock->next;
	return mock;
}

PgwfActivityFn
pgwf_mocks_find(PgwfMocks *mocks, const char *type, void **arg)
{
	PgwfActivityFn fn = NULL;
	Mock	   *mock;

	pthread_mutex_lock(&mocks->lock);
	mock = find_mock(mocks, type);
	if (mock != NULL && mock->fn != NULL)
	{
		fn = mock->fn;
		*arg = mock->arg;
		mock->calls++;
	}
	pthread_mutex_unlock(&mocks->lock);
	return fn;
}

PgwfResult
pgwf_test_mock_activity(PgwfTest *test, const char *type, PgwfActivityFn fn,
						void *arg)
{
	Mock	   *mock;

	if (pgwf_is_empty(type))
		return pgwf_client_missing(test->client, "type");
	pthread_mutex_lock(&test->mocks.lock);
	mock = find_mock(&test->mocks, type);
	if (mock == NULL)
	{
		mock = pgwf_xalloc(sizeof(Mock));
		mock->type = pgwf_strdup(type);
		mock->next = test->mocks.list;
		test->mocks.list = mock;
	}
	mock->fn = fn;
	mock->arg = arg;
	pthread_mutex_unlock(&test->mocks.lock);
	return PGWF_OK;
}

int
pgwf_test_calls(PgwfTest *test, const char *type)
{
	Mock	   *mock;
	int			calls;

	pthread_mutex_lock(&test->mocks.lock);
	mock = find_mock(&test->mocks, type);
	calls = mock != NULL ? mock->calls : 0;
	pthread_mutex_unlock(&test->mocks.lock);
	return calls;
}

/* ---- life ---- */

static void *
run_worker(void *worker)
{
	pgwf_worker_run(worker);
	return NULL;
}

static void
destroy(PgwfTest *test)
{
	while (test->mocks.list != NULL)
	{
		Mock	   *mock = test->mocks.list;

		test->mocks.list = mock->next;
		free(mock->type);
		free(mock);
	}
	pthread_mutex_destroy(&test->mocks.lock);
	pgwf_client_free(test->client);
	free(test->namespace);
	free(test);
}

/* The worker of the environment's namespace, in its thread. */
static bool
start_worker(PgwfTest *test, const char *conninfo, PgwfRegistry *registry,
			 char **error)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;

	options.conninfo = conninfo;
	options.workflow_namespace = test->namespace;
	options.task_queue = PGWF_TEST_QUEUE;
	options.graceful_stop_timeout_ms = GRACE_MS;
	test->worker = pgwf_worker_new_mocked(&options, registry, &test->mocks,
										  error);
	if (test->worker == NULL)
		return false;
	if (pthread_create(&test->thread, NULL, run_worker, test->worker) != 0)
	{
		pgwf_worker_free(test->worker);
		if (error != NULL)
			*error = pgwf_strdup("could not start a thread");
		return false;
	}
	return true;
}

PgwfTest *
pgwf_test_new(const char *conninfo, PgwfRegistry *registry, char **error)
{
	PgwfTest   *test = pgwf_xalloc(sizeof(PgwfTest));
	PgwfClientOptions options = PGWF_CLIENT_OPTIONS_INIT;
	char		uuid[PGWF_RUN_ID_SIZE];
	char		name[64];

	if (error != NULL)
		*error = NULL;
	pthread_mutex_init(&test->mocks.lock, NULL);
	pgwf_request_uuid(uuid);
	snprintf(name, sizeof(name), "test-%s", uuid);
	test->namespace = pgwf_strdup(name);
	options.workflow_namespace = name;
	options.codec = pgwf_registry_codec(registry);
	options.retry_timeout_ms = -1;
	test->client = pgwf_client_new(conninfo, &options);
	if (pgwf_client_register_namespace(test->client, name, 0,
									   "made by a test",
									   true) != PGWF_OK)
	{
		if (error != NULL)
			*error = pgwf_strdup(pgwf_client_error(test->client));
		destroy(test);
		return NULL;
	}
	if (!start_worker(test, conninfo, registry, error))
	{
		pgwf_client_delete_namespace(test->client, name);
		destroy(test);
		return NULL;
	}
	return test;
}

void
pgwf_test_free(PgwfTest *test)
{
	if (test == NULL)
		return;
	pgwf_worker_stop(test->worker);
	pthread_join(test->thread, NULL);
	pgwf_worker_free(test->worker);
	pgwf_client_delete_namespace(test->client, test->namespace);
	destroy(test);
}

/* ---- running workflows ---- */

PgwfResult
pgwf_test_start(PgwfTest *test, const char *workflow_type, json_t *args,
				PgwfHandle **handle)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	char		id[64];

	snprintf(id, sizeof(id), "test-%d", ++test->next_id);
	options.workflow_id = id;
	options.workflow_type = workflow_type;
	options.task_queue = PGWF_TEST_QUEUE;
	options.input = args;
	return pgwf_handle_start(test->client, &options, handle);
}

PgwfResult
pgwf_test_execute(PgwfTest *test, const char *workflow_type, json_t *args,
				  int64_t limit_ms, PgwfOutcome *outcome)
{
	PgwfHandle *handle;
	PgwfResult	code;

	memset(outcome, 0, sizeof(*outcome));
	code = pgwf_test_start(test, workflow_type, args, &handle);
	if (code == PGWF_OK)
		code = pgwf_handle_result(handle,
								  limit_ms > 0 ? limit_ms : DEFAULT_LIMIT_MS,
								  outcome);
	pgwf_handle_free(handle);
	return code;
}

/* ---- time ---- */

PgwfResult
pgwf_test_advance(PgwfTest *test, int64_t ms)
{
	PgwfParams	p = {0};

	pgwf_param_text(&p, test->namespace);
	pgwf_param_interval(&p, ms);
	return pgwf_client_call_void(test->client, PGWF_STMT_SLEEP, &p, false);
}

int64_t
pgwf_test_now(PgwfTest *test)
{
	int64_t		now;

	if (pgwf_client_current_time(test->client, &now) != PGWF_OK)
		return -1;
	return now;
}

PgwfClient *
pgwf_test_client(PgwfTest *test)
{
	return test->client;
}

const char *
pgwf_test_error(const PgwfTest *test)
{
	return pgwf_client_error(test->client);
}
