/*-------------------------------------------------------------------------
 *
 * common.c
 *	  Connections, workers, clients and counters for the workloads.
 *
 *-------------------------------------------------------------------------
 */
#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MAX_WORKERS		16

/* Clients do not start more workflows while so many are open. */
#define MAX_UNDER_WAY	2000

static PgwfRegistry *registry;
static PgwfWorker *workers[MAX_WORKERS];
static pthread_t worker_threads[MAX_WORKERS];
static int	nworkers;

struct Starters
{
	const char *type;
	int			number;			/* of those in this program */
	int64_t		input;
	PgwfClient *client;			/* of all of them, or NULL */
	int			clients;
	int			workflows;
	double		interval;		/* between two starts of a client, or 0 */
	int			stop;			/* atomic */
	int64_t		started;		/* atomic */
	int			next_client;	/* atomic */
	pthread_t  *threads;
};

/* ---- time, errors, statements ---- */

double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

void
pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

void
die(const char *what, const char *message)
{
	fprintf(stderr, "bench: %s: %s\n", what, message);
	exit(1);
}

PGconn *
connect_database(void)
{
	PGconn	   *conn = PQconnectdb("application_name=bench");

	if (PQstatus(conn) != CONNECTION_OK)
		die("connection", PQerrorMessage(conn));
	return conn;
}

static PGresult *
execute(PGconn *conn, const char *fmt, va_list args)
{
	char		sql[8192];
	PGresult   *result;

	vsnprintf(sql, sizeof(sql), fmt, args);
	result = PQexec(conn, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK &&
		PQresultStatus(result) != PGRES_TUPLES_OK)
		die(sql, PQerrorMessage(conn));
	return result;
}

void
command(PGconn *conn, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	PQclear(execute(conn, fmt, args));
	va_end(args);
}

double
number(PGconn *conn, const char *fmt,...)
{
	va_list		args;
	PGresult   *result;
	double		value;

	va_start(args, fmt);
	result = execute(conn, fmt, args);
	va_end(args);
	if (PQntuples(result) != 1)
		die("query", "not one row");
	value = strtod(PQgetvalue(result, 0, 0), NULL);
	PQclear(result);
	return value;
}

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* Sorts the values. */
double
percentile(double *values, int n, double p)
{
	qsort(values, (size_t) n, sizeof(double), compare);
	return n == 0 ? 0 : values[(int) ((n - 1) * p + 0.5)];
}

/* ---- workflows ---- */

static json_t *
add_one(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	return json_integer(json_integer_value(json_array_get(input, 0)) + 1);
}

static bool
call_add_one(PgwfWorkflow *wf, json_t *args, json_t **result,
			 PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;

	options.start_to_close_timeout_ms = 60000;
	return pgwf_execute_activity(wf, "add_one", args, &options, result,
								 failure);
}

static json_t *
one_activity(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *result;

	return call_add_one(wf, input, &result, failure) ? result : NULL;
}

static json_t *
ten_activities(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *result = json_array_get(input, 0);
	int			i;

	for (i = 0; i < 10; i++)
	{
		if (!call_add_one(wf, pgwf_pack(wf, "[O]", result), &result, failure))
			return NULL;
	}
	return result;
}

static json_t *
fan_out(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	int			n = (int) json_integer_value(json_array_get(input, 0));
	PgwfFuture **futures = pgwf_alloc(wf, (size_t) n * sizeof(PgwfFuture *));
	json_t	   *result = NULL;
	int			i;

	options.start_to_close_timeout_ms = 60000;
	for (i = 0; i < n; i++)
		futures[i] = pgwf_start_activity(wf, "add_one",
										 pgwf_pack(wf, "[i]", i), &options);
	for (i = 0; i < n; i++)
	{
		if (!pgwf_await(wf, futures[i], &result, failure))
			return NULL;
	}
	return result;
}

static json_t *
sleeper(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	if (!pgwf_sleep(wf, json_integer_value(json_array_get(input, 0)), failure))
		return NULL;
	return json_null();
}

static json_t *
receiver(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) input;
	(void) failure;
	if (pgwf_receive_signal(wf, "end", PGWF_FOREVER, NULL) != PGWF_WAIT_DONE)
		return NULL;
	return json_integer(pgwf_signal_count(wf, "step"));
}

/* ---- workers ---- */

static void *
worker_main(void *arg)
{
	PgwfWorker *worker = arg;

	if (pgwf_worker_run(worker) != PGWF_OK)
		die("worker", pgwf_worker_error(worker));
	return NULL;
}

void
start_workers(int n, int cached)
{
	int			i;

	registry = pgwf_registry_new();
	pgwf_register_activity(registry, "add_one", add_one, NULL);
	pgwf_register_workflow(registry, ONE_ACTIVITY, one_activity, NULL);
	pgwf_register_workflow(registry, TEN_ACTIVITIES, ten_activities, NULL);
	pgwf_register_workflow(registry, FAN_OUT, fan_out, NULL);
	pgwf_register_workflow(registry, SLEEPER, sleeper, NULL);
	pgwf_register_workflow(registry, RECEIVER, receiver, NULL);
	nworkers = n;
	for (i = 0; i < n; i++)
	{
		PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
		char	   *error;

		options.task_queue = QUEUE;
		options.max_cached_workflows = cached;
		options.max_concurrent_workflow_tasks = 200;
		options.max_concurrent_activities = 1000;
		workers[i] = pgwf_worker_new(&options, registry, &error);
		if (workers[i] == NULL)
			die("worker", error);
		pthread_create(&worker_threads[i], NULL, worker_main, workers[i]);
	}
}

PgwfWorkerStats
worker_stats(void)
{
	PgwfWorkerStats sum = {0};
	int			i;
	size_t		j;

	for (i = 0; i < nworkers; i++)
	{
		PgwfWorkerStats one;

		pgwf_worker_stats(workers[i], &one);
		for (j = 0; j < sizeof(one) / sizeof(int64_t); j++)
			((int64_t *) &sum)[j] += ((int64_t *) &one)[j];
	}
	return sum;
}

void
stop_workers(void)
{
	int			i;

	for (i = 0; i < nworkers; i++)
		pgwf_worker_stop(workers[i]);
	for (i = 0; i < nworkers; i++)
	{
		pthread_join(worker_threads[i], NULL);
		pgwf_worker_free(workers[i]);
	}
	pgwf_registry_free(registry);
	nworkers = 0;
}

/* ---- clients ---- */

void
start_workflow(PgwfClient *client, const char *type, const char *id,
			   int64_t input)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;

	options.workflow_id = id;
	options.workflow_type = type;
	options.task_queue = QUEUE;
	options.input = json_pack("[I]", (json_int_t) input);
	if (pgwf_client_start(client, &options, NULL) != PGWF_OK)
		die("start", pgwf_client_error(client));
	json_decref(options.input);
}

void
wait_closed(PgwfClient *client, const char *id)
{
	PgwfResultOptions options = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;

	options.workflow_id = id;
	options.timeout_ms = STALL_SECONDS * 1000;
	if (pgwf_client_result(client, &options, &outcome) != PGWF_OK)
		die("result", pgwf_client_error(client));
	if (strcmp(outcome.status, "Completed") != 0)
		die(id, outcome.status);
	pgwf_outcome_clear(&outcome);
}

static void *
starter_main(void *arg)
{
	Starters   *starters = arg;
	int			self = __atomic_fetch_add(&starters->next_client, 1,
										  __ATOMIC_RELAXED);
	PgwfClient *own = starters->client == NULL ?
	pgwf_client_new(NULL, NULL) : NULL;
	PgwfClient *client = own != NULL ? own : starters->client;
	double		begin = seconds();
	int			done = 0;

	while (__atomic_load_n(&starters->stop, __ATOMIC_RELAXED) == 0)
	{
		char		id[64];
		int64_t		n;

		n = __atomic_fetch_add(&starters->started, 1, __ATOMIC_RELAXED);
		if (n >= starters->workflows)
		{
			__atomic_fetch_sub(&starters->started, 1, __ATOMIC_RELAXED);
			break;
		}
		while (starters->interval == 0 &&
			   n - worker_stats().workflows_closed > MAX_UNDER_WAY)
			pause_ms(1);
		snprintf(id, sizeof(id), "%s-%d-%d-%" PRId64, starters->type,
				 starters->number, self, n);
		start_workflow(client, starters->type, id,
					   starters->input < 0 ? n : starters->input);
		done++;
		if (starters->interval > 0)
		{
			double		left = begin + done * starters->interval - seconds();

			if (left > 0)
				usleep((useconds_t) (left * 1e6));
		}
	}
	pgwf_client_free(own);
	return NULL;
}

Starters *
start_clients(const char *type, int clients, bool shared, int workflows,
			  double per_second, int64_t input)
{
	static int	number = 0;
	Starters   *starters = calloc(1, sizeof(Starters));
	int			i;

	starters->type = type;
	starters->number = number++;
	starters->client = shared ? pgwf_client_new(NULL, NULL) : NULL;
	starters->input = input;
	starters->clients = clients;
	starters->workflows = workflows;
	starters->interval = per_second > 0 ? clients / per_second : 0;
	starters->threads = calloc((size_t) clients, sizeof(pthread_t));
	for (i = 0; i < clients; i++)
		pthread_create(&starters->threads[i], NULL, starter_main, starters);
	return starters;
}

void
stop_clients(Starters *starters)
{
	__atomic_store_n(&starters->stop, 1, __ATOMIC_RELAXED);
}

int64_t
join_clients(Starters *starters)
{
	int64_t		started;
	int			i;

	for (i = 0; i < starters->clients; i++)
		pthread_join(starters->threads[i], NULL);
	started = starters->started;
	pgwf_client_free(starters->client);
	free(starters->threads);
	free(starters);
	return started;
}

void
wait_for_closed(int64_t workflows)
{
	int64_t		last = -1;
	double		last_change = seconds();
	double		last_shown = last_change;

	for (;;)
	{
		int64_t		closed = worker_stats().workflows_closed;
		double		now = seconds();

		if (closed >= workflows)
			return;
		if (closed != last)
			last_change = now;
		else if (now - last_change > STALL_SECONDS)
			die("stalled", "no workflow has closed for a while");
		last = closed;
		if (now - last_shown >= 5)
		{
			progress("%" PRId64 " of %" PRId64 " closed", closed, workflows);
			last_shown = now;
		}
		pause_ms(2);
	}
}

/* ---- counters ---- */

/* CPU seconds of a process, and of its children that have ended. */
static double
process_cpu(long pid, long *parent)
{
	char		path[64];
	char		line[1024];
	char	   *rest;
	FILE	   *file;
	unsigned long ticks[4] = {0};

	*parent = 0;
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	rest = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	if (rest == NULL ||
		sscanf(rest + 2, "%*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u"
			   " %lu %lu %lu %lu", parent, &ticks[0], &ticks[1], &ticks[2],
			   &ticks[3]) != 5)
		return 0;
	return (double) (ticks[0] + ticks[1] + ticks[2] + ticks[3]) /
		(double) sysconf(_SC_CLK_TCK);
}

/* CPU seconds of all processes of the server, which is on this machine. */
double
server_cpu(PGconn *conn)
{
	long		parent;
	long		postmaster;
	double		sum;
	DIR		   *proc = opendir("/proc");
	struct dirent *entry;

	(void) process_cpu(PQbackendPID(conn), &postmaster);
	sum = process_cpu(postmaster, &parent);
	if (proc == NULL)
		die("opendir", "/proc");
	while ((entry = readdir(proc)) != NULL)
	{
		long		pid = atol(entry->d_name);
		double		cpu = pid > 0 ? process_cpu(pid, &parent) : 0;

		if (pid > 0 && parent == postmaster)
			sum += cpu;
	}
	closedir(proc);
	return sum;
}

/*
 * Backends send their numbers when they end: the caller has ended those of
 * clients and workers, and this waits for them to be gone.
 */
Counts
count_all(PGconn *conn)
{
	Counts		counts;
	struct rusage usage;
	int			i;

#define TABLE_SUM(column) \
	"SELECT coalesce(sum(" column "), 0) FROM pg_stat_user_tables " \
	"WHERE schemaname = 'workflow'"

	for (i = 0; i < 500; i++)
	{
		if (number(conn, "SELECT count(*) FROM pg_stat_activity "
				   "WHERE application_name LIKE 'pgworkflow%%'") == 0)
			break;
		pause_ms(20);
	}
	command(conn, "SELECT pg_stat_clear_snapshot()");
	counts.transactions =
		number(conn, "SELECT xact_commit FROM pg_stat_database "
			   "WHERE datname = current_database()");
	counts.flushes = number(conn, PQserverVersion(conn) < 180000 ?
							"SELECT wal_sync FROM pg_stat_wal" :
							"SELECT sum(fsyncs) FROM pg_stat_io "
							"WHERE object = 'wal'");
	counts.wal_bytes = number(conn, "SELECT pg_wal_lsn_diff("
							  "pg_current_wal_insert_lsn(), '0/0')");
	counts.inserted = number(conn, TABLE_SUM("n_tup_ins"));
	counts.updated = number(conn, TABLE_SUM("n_tup_upd"));
	counts.hot_updated = number(conn, TABLE_SUM("n_tup_hot_upd"));
	counts.deleted = number(conn, TABLE_SUM("n_tup_del"));
	counts.server_cpu = server_cpu(conn);
	getrusage(RUSAGE_SELF, &usage);
	counts.client_cpu =
		(double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	return counts;
}
