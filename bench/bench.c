/*-------------------------------------------------------------------------
 *
 * bench.c
 *	  Workflows of one activity per second, and their latency, through the
 *	  real library.
 *
 *	bench [--workflows N] [--workers N] [--clients N] [--start-batch N]
 *		  [--latency N] [--limit WORKFLOWS_PER_SECOND]
 *
 * Throughput: the clients start the workflows as fast as they can (each start
 * its own transaction, or --start-batch of them in one) while the workers
 * work; the clock stops when the last workflow is closed.  Latency: one client
 * starts workflows one after the other and waits for each result.  Costs per
 * workflow come from the statistics views and the write-ahead log's position.
 *
 * Exits with 1 if anything failed or the throughput is below --limit.
 *
 *-------------------------------------------------------------------------
 */
#include <getopt.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pgworkflow.h>

#define TASK_QUEUE		"bench"
#define MAX_THREADS		64

/* Give up when no workflow has closed for so long. */
#define STALL_SECONDS	60

typedef struct Counts
{
	double		commits;
	double		ins;
	double		upd;
	double		hot;
	double		del;
	double		wal;
} Counts;

typedef struct Starter
{
	pthread_t	thread;
	const char *prefix;
	int			first;
	int			count;
	int			batch;
	int64_t		round_trips;
	bool		failed;
} Starter;

static PgwfRegistry *registry;
static PgwfWorker *workers[MAX_THREADS];
static pthread_t worker_threads[MAX_THREADS];
static int	nworkers = 2;

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static void
die(const char *what, const char *message)
{
	fprintf(stderr, "bench: %s: %s\n", what, message);
	exit(1);
}

/* ---- the workflow ---- */

static json_t *
add_one(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) failure;
	return json_integer(json_integer_value(json_array_get(input, 0)) + 1);
}

static json_t *
one_activity(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *result;

	options.start_to_close_timeout_ms = 60000;
	if (!pgwf_execute_activity(wf, "add_one", input, &options, &result,
							   failure))
		return NULL;
	return result;
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

static void
start_workers(int slots)
{
	int			i;

	for (i = 0; i < nworkers; i++)
	{
		PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
		char	   *error;

		options.task_queue = TASK_QUEUE;
		options.max_concurrent_activities = slots;
		options.max_concurrent_workflow_tasks = slots;
		options.max_cached_workflows = 20000;
		workers[i] = pgwf_worker_new(&options, registry, &error);
		if (workers[i] == NULL)
			die("worker", error);
		pthread_create(&worker_threads[i], NULL, worker_main, workers[i]);
	}
}

static PgwfWorkerStats
sum_stats(void)
{
	PgwfWorkerStats sum;
	int64_t    *to = (int64_t *) &sum;
	int			i;
	size_t		j;

	memset(&sum, 0, sizeof(sum));
	for (i = 0; i < nworkers; i++)
	{
		PgwfWorkerStats one;
		int64_t    *from = (int64_t *) &one;

		pgwf_worker_stats(workers[i], &one);
		for (j = 0; j < sizeof(one) / sizeof(int64_t); j++)
			/* cppcheck-suppress uninitvar ; pgwf_worker_stats() fills it */
			to[j] += from[j];
	}
	return sum;
}

static void
stop_workers(void)
{
	int			i;

	for (i = 0; i < nworkers; i++)
		pgwf_worker_stop(workers[i]);
	for (i = 0; i < nworkers; i++)
		pthread_join(worker_threads[i], NULL);
}

static void
free_workers(void)
{
	int			i;

	for (i = 0; i < nworkers; i++)
		pgwf_worker_free(workers[i]);
}

/* ---- clients ---- */

static void *
starter_main(void *arg)
{
	Starter    *starter = arg;
	PGconn	   *conn = PQconnectdb("");
	PgwfClient *client = pgwf_client_new_on(conn, NULL);
	int			i;

	for (i = 0; i < starter->count; i++)
	{
		PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
		char		id[96];

		if (starter->batch > 1 && i % starter->batch == 0)
			PQclear(PQexec(conn, "BEGIN"));
		snprintf(id, sizeof(id), "%s-%d", starter->prefix,
				 starter->first + i);
		options.workflow_id = id;
		options.workflow_type = "one_activity";
		options.task_queue = TASK_QUEUE;
		options.input = json_pack("[i]", i);
		if (pgwf_client_start(client, &options, NULL) != PGWF_OK)
		{
			fprintf(stderr, "bench: start: %s\n", pgwf_client_error(client));
			starter->failed = true;
		}
		json_decref(options.input);
		starter->round_trips++;
		if (starter->batch > 1 && (i % starter->batch == starter->batch - 1 ||
								   i + 1 == starter->count))
		{
			PQclear(PQexec(conn, "COMMIT"));
			starter->round_trips += 2;
		}
	}
	pgwf_client_free(client);
	PQfinish(conn);
	return NULL;
}

/* ---- what the server counted ---- */

static double
query_number(PGconn *conn, const char *sql)
{
	PGresult   *result = PQexec(conn, sql);
	double		value;

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		die("query", PQerrorMessage(conn));
	value = strtod(PQgetvalue(result, 0, 0), NULL);
	PQclear(result);
	return value;
}

/*
 * Sums over the extension's tables.  Backends send their numbers when they
 * exit or idle for a while; the caller waits with them gone.
 */
static Counts
count_all(PGconn *conn)
{
	Counts		counts;

#define TABLE_SUM(column) \
	"SELECT coalesce(sum(" column "), 0) FROM pg_stat_user_tables " \
	"WHERE schemaname = 'workflow'"

	PQclear(PQexec(conn, "SELECT pg_stat_clear_snapshot()"));
	counts.commits = query_number(conn,
								  "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()");
	counts.ins = query_number(conn, TABLE_SUM("n_tup_ins"));
	counts.upd = query_number(conn, TABLE_SUM("n_tup_upd"));
	counts.hot = query_number(conn, TABLE_SUM("n_tup_hot_upd"));
	counts.del = query_number(conn, TABLE_SUM("n_tup_del"));
	counts.wal = query_number(conn,
							  "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')");
	return counts;
}

/*
 * Wait until the other backends of clients have gone, so that what they
 * counted is there.
 */
static void
wait_for_others(PGconn *conn)
{
	int			i;

	for (i = 0; i < 200; i++)
	{
		if (query_number(conn,
						 "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgworkflow%'") == 0)
			break;
		poll(NULL, 0, 20);
	}
}

/* ---- the two measurements ---- */

static double
throughput(PGconn *conn, int workflows, int nclients, int batch, int slots)
{
	Starter		starters[MAX_THREADS];
	PgwfWorkerStats stats;
	Counts		before;
	Counts		after;
	char		prefix[64];
	char		sql[512];
	double		begin;
	double		started = 0;
	double		last_change;
	double		elapsed;
	int64_t		last_closed = 0;
	int64_t		client_trips = 0;
	double		n = workflows;
	int			i;

	snprintf(prefix, sizeof(prefix), "bench-%ld-%lld", (long) getpid(),
			 (long long) time(NULL));
	before = count_all(conn);
	start_workers(slots);
	memset(starters, 0, sizeof(starters));
	begin = last_change = seconds();
	for (i = 0; i < nclients; i++)
	{
		starters[i].prefix = prefix;
		starters[i].first = (int) ((int64_t) workflows * i / nclients);
		starters[i].count = (int) ((int64_t) workflows * (i + 1) / nclients) -
			starters[i].first;
		starters[i].batch = batch;
		pthread_create(&starters[i].thread, NULL, starter_main, &starters[i]);
	}
	for (i = 0; i < nclients; i++)
	{
		pthread_join(starters[i].thread, NULL);
		client_trips += starters[i].round_trips;
		if (starters[i].failed)
			die("client", "a start failed");
	}
	started = seconds() - begin;
	for (;;)
	{
		stats = sum_stats();
		if (stats.workflows_closed >= workflows)
			break;
		if (stats.workflows_closed != last_closed)
		{
			last_closed = stats.workflows_closed;
			last_change = seconds();
		}
		else if (seconds() - last_change > STALL_SECONDS)
		{
			fprintf(stderr, "bench: %" PRId64 " of %d workflows closed\n",
					last_closed, workflows);
			die("stalled", "no workflow has closed for a while");
		}
		poll(NULL, 0, 2);
	}
	elapsed = seconds() - begin;
	stop_workers();
	free_workers();
	wait_for_others(conn);
	after = count_all(conn);

	printf("throughput\n");
	printf("  workflows                %10d\n", workflows);
	printf("  workers, clients         %6d, %d (starts per transaction: %d)\n",
		   nworkers, nclients, batch);
	printf("  workflows per second     %10.0f\n", n / elapsed);
	printf("  seconds                  %10.2f (all started after %.2f)\n",
		   elapsed, started);
	printf("per workflow\n");
	printf("  commits                  %10.2f\n",
		   (after.commits - before.commits) / n);
	printf("  round trips              %10.2f (workers %.2f, clients %.2f)\n",
		   ((double) stats.round_trips + (double) client_trips) / n,
		   (double) stats.round_trips / n, (double) client_trips / n);
	printf("  rows inserted            %10.2f\n", (after.ins - before.ins) / n);
	printf("  rows updated             %10.2f (HOT %.2f)\n",
		   (after.upd - before.upd) / n, (after.hot - before.hot) / n);
	printf("  rows deleted             %10.2f\n", (after.del - before.del) / n);
	printf("  WAL bytes                %10.0f\n", (after.wal - before.wal) / n);
	printf("workers\n");
	printf("  answers per transaction  %10.1f\n",
		   (double) stats.responses /
		   (double) (stats.response_batches > 0 ? stats.response_batches : 1));
	printf("  polls, empty             %6" PRId64 ", %" PRId64 "\n",
		   stats.polls, stats.empty_polls);
	printf("  waits                    %10" PRId64 "\n", stats.waits);
	printf("  replays, evictions       %6" PRId64 ", %" PRId64 "\n",
		   stats.replays, stats.evictions);
	printf("  batches repeated         %10" PRId64 "\n",
		   stats.repeated_batches);
	snprintf(sql, sizeof(sql),
			 "SELECT extract(epoch FROM percentile_cont(0.5) WITHIN GROUP "
			 "(ORDER BY close_time - start_time)) * 1000 "
			 "FROM workflow.execution WHERE workflow_id LIKE '%s-%%'", prefix);
	printf("  start to close, median   %10.1f ms (queueing included)\n",
		   query_number(conn, sql));
	return n / elapsed;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static void
latency(PGconn *conn, int workflows)
{
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	double	   *times = calloc((size_t) workflows, sizeof(double));
	int			i;

	start_workers(100);
	for (i = -20; i < workflows; i++)	/* the first ones warm up */
	{
		PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
		PgwfResultOptions wait = PGWF_RESULT_OPTIONS_INIT;
		PgwfOutcome outcome;
		char		id[96];
		double		begin = seconds();

		snprintf(id, sizeof(id), "latency-%ld-%lld-%d", (long) getpid(),
				 (long long) time(NULL), i);
		options.workflow_id = wait.workflow_id = id;
		options.workflow_type = "one_activity";
		options.task_queue = TASK_QUEUE;
		options.input = json_pack("[i]", i);
		wait.timeout_ms = STALL_SECONDS * 1000;
		if (pgwf_client_start(client, &options, NULL) != PGWF_OK ||
			pgwf_client_result(client, &wait, &outcome) != PGWF_OK)
			die("client", pgwf_client_error(client));
		if (strcmp(outcome.status, "Completed") != 0)
			die("workflow", outcome.status);
		pgwf_outcome_clear(&outcome);
		json_decref(options.input);
		if (i >= 0)
			times[i] = (seconds() - begin) * 1000.0;
	}
	stop_workers();
	free_workers();
	pgwf_client_free(client);
	wait_for_others(conn);
	qsort(times, (size_t) workflows, sizeof(double), compare_doubles);
	printf("latency, one after the other: start to result, milliseconds\n");
	printf("  p50, p99, max            %10.2f, %.2f, %.2f\n",
		   times[workflows / 2], times[workflows * 99 / 100],
		   times[workflows - 1]);
	free(times);
}

int
main(int argc, char **argv)
{
	static const struct option options[] =
	{
		{"workflows", required_argument, NULL, 'n'},
		{"workers", required_argument, NULL, 'w'},
		{"clients", required_argument, NULL, 'c'},
		{"start-batch", required_argument, NULL, 'b'},
		{"slots", required_argument, NULL, 's'},
		{"latency", required_argument, NULL, 'l'},
		{"limit", required_argument, NULL, 'm'},
		{NULL, 0, NULL, 0}
	};
	int			workflows = 10000;
	int			nclients = 4;
	int			batch = 1;
	int			slots = 200;
	int			nlatency = 500;
	double		limit = 0;
	double		rate = 0;
	PGconn	   *conn;
	int			c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
	{
		switch (c)
		{
			case 'n':
				workflows = atoi(optarg);
				break;
			case 'w':
				nworkers = atoi(optarg);
				break;
			case 'c':
				nclients = atoi(optarg);
				break;
			case 'b':
				batch = atoi(optarg);
				break;
			case 's':
				slots = atoi(optarg);
				break;
			case 'l':
				nlatency = atoi(optarg);
				break;
			case 'm':
				limit = atof(optarg);
				break;
			default:
				return 2;
		}
	}
	if (nworkers < 1 || nworkers > MAX_THREADS || nclients < 1 ||
		nclients > MAX_THREADS || workflows < 0 || nlatency < 0 ||
		batch < 1 || slots < 1)
	{
		fprintf(stderr, "bench: an option is out of range\n");
		return 2;
	}
	conn = PQconnectdb("");
	if (PQstatus(conn) != CONNECTION_OK)
		die("connection", PQerrorMessage(conn));
	registry = pgwf_registry_new();
	pgwf_register_workflow(registry, "one_activity", one_activity, NULL);
	pgwf_register_activity(registry, "add_one", add_one, NULL);
	if (nlatency > 0)
		latency(conn, nlatency);
	if (workflows > 0)
		rate = throughput(conn, workflows, nclients, batch, slots);
	pgwf_registry_free(registry);
	PQfinish(conn);
	if (workflows > 0 && rate < limit)
	{
		printf("below the limit of %.0f workflows per second\n", limit);
		return 1;
	}
	return 0;
}
