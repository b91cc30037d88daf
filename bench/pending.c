/*-------------------------------------------------------------------------
 *
 * pending.c
 *	  What waits must cost nothing: many timers, a long queue, idle workers:
 *	  W4, W5 and W9.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

/* ---- W4 ---- */

#define TIMER_SECONDS	5
#define TIMERS			400		/* started in a second */
#define LOAD_SECONDS	10

/*
 * How late a thread wakes up that does nothing but sleep for a millisecond
 * at a time: what the machine adds to everything that is late.
 */
typedef struct Sleeper
{
	pthread_t	thread;
	int			stop;			/* atomic */
	int			count;
	double		late[100000];	/* milliseconds */
} Sleeper;

static void *
sleeper_main(void *arg)
{
	Sleeper    *sleeper = arg;

	while (__atomic_load_n(&sleeper->stop, __ATOMIC_RELAXED) == 0 &&
		   sleeper->count < (int) (sizeof(sleeper->late) / sizeof(double)))
	{
		double		begin = seconds();

		usleep(1000);
		sleeper->late[sleeper->count++] = (seconds() - begin) * 1000 - 1;
	}
	return NULL;
}

static Sleeper *
start_sleeper(void)
{
	Sleeper    *sleeper = calloc(1, sizeof(Sleeper));

	pthread_create(&sleeper->thread, NULL, sleeper_main, sleeper);
	return sleeper;
}

/* Returns the given percentile of its lateness. */
static double
end_sleeper(Sleeper *sleeper, double p)
{
	double		late;

	__atomic_store_n(&sleeper->stop, 1, __ATOMIC_RELAXED);
	pthread_join(sleeper->thread, NULL);
	late = percentile(sleeper->late, sleeper->count, p);
	free(sleeper);
	return late;
}

static void
measure_timers(PGconn *conn, const char *what)
{
	int			n = TIMERS * LOAD_SECONDS;
	Starters   *starters;
	Sleeper    *sleeper;
	char		name[64];
	int			i;

	progress("timers %s", what);
	start_workers(1, 10000);
	sleeper = start_sleeper();
	starters = start_clients(SLEEPER, 4, true, n, TIMERS,
							 TIMER_SECONDS * 1000);
	wait_for_closed(n);
	snprintf(name, sizeof(name), "a sleeping thread, %s, p99", what);
	report(name, "ms", end_sleeper(sleeper, 0.99));
	join_clients(starters);
	stop_workers();
	command(conn, "ANALYZE workflow.execution, workflow.history_batch");
	command(conn, "CREATE TEMP TABLE late AS "
			"SELECT extract(epoch FROM "
			"max(event_time) FILTER (WHERE event_type = 'TimerFired') - "
			"max(event_time) FILTER (WHERE event_type = 'TimerStarted') - "
			"interval '%d s') * 1000 AS ms "
			"FROM workflow.history GROUP BY workflow_id", TIMER_SECONDS);
	for (i = 0; i < 2; i++)
	{
		snprintf(name, sizeof(name), "late, %s, p%d", what, i == 0 ? 50 : 99);
		report(name, "ms", number(conn, "SELECT percentile_cont(%g) "
								  "WITHIN GROUP (ORDER BY ms) FROM late",
								  i == 0 ? 0.5 : 0.99));
	}
	command(conn, "DROP TABLE late");
	command(conn, "SELECT workflow.delete_workflow_execution(workflow_id) "
			"FROM workflow.executions");
	while (number(conn, "SELECT count(*) FROM workflow.executions") > 0)
		pause_ms(50);
}

void
run_timers(void)
{
	PGconn	   *conn = connect_database();

	measure_timers(conn, "alone");
	progress("inserting timers");
	command(conn, "INSERT INTO workflow.timer (namespace_id, kind, run_key, "
			"started_event_id, fire_at, timer_id) "
			"SELECT 1, 1, -n, 5, now() + interval '1 day' + "
			"n * interval '1 ms', '1' FROM generate_series(1, %d) AS n",
			(int) (1000000 * scale));
	command(conn, "VACUUM ANALYZE workflow.timer");
	command(conn, "CHECKPOINT");
	measure_timers(conn, "with 1,000,000 pending");
	PQfinish(conn);
}

/* ---- W5 ---- */

#define POLL_TASKS	100
#define NEW_QUEUE	"new"

/*
 * Copies a run that waits for its first workflow task, with the rows of all
 * tables but for what must differ; those after "n" wait in the new queue.
 */
static void
copy_run(PGconn *conn, int n, int in_new_queue)
{
	static const char *const tables[] = {
		"execution", "mutable_state", "history_batch", "workflow_task"
	};
	size_t		i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
	{
		PGresult   *result;

		progress("copying into %s", tables[i]);
		command(conn, "SELECT set_config('bench.columns', string_agg("
				"CASE attname WHEN 'run_key' THEN '-n' "
				"WHEN 'run_id' THEN 'gen_random_uuid()' "
				"WHEN 'workflow_id' THEN '''queued-'' || n' "
				"WHEN 'task_queue' THEN "
				"'CASE WHEN n > %d THEN ''" NEW_QUEUE "'' ELSE task_queue END' "
				"WHEN 'scheduled_time' THEN "
				"'scheduled_time + n * interval ''1 us''' "
				"ELSE quote_ident(attname) END, ', ' ORDER BY attnum), false) "
				"FROM pg_attribute WHERE attrelid = 'workflow.%s'::regclass "
				"AND attnum > 0 AND NOT attisdropped", n, tables[i]);
		result = PQexec(conn, "SELECT current_setting('bench.columns')");
		command(conn, "INSERT INTO workflow.%s SELECT %s FROM workflow.%s, "
				"generate_series(1, %d) AS n", tables[i],
				PQgetvalue(result, 0, 0), tables[i], n + in_new_queue);
		command(conn, "VACUUM ANALYZE workflow.%s", tables[i]);
		PQclear(result);
	}
}

/* Polls a queue; returns how many tasks there were, and adds up the time. */
static int
poll_queue(PGconn *conn, const char *queue, double *taken)
{
	char		sql[64];
	double		begin = seconds();
	PGresult   *result;
	int			got;

	snprintf(sql, sizeof(sql), "EXECUTE poll ('%s')", queue);
	result = PQexec(conn, sql);
	got = PQntuples(result);
	if (got == 0)
		die("poll", "fewer tasks than there should be");
	PQclear(result);
	*taken += seconds() - begin;
	return got;
}

/* Polls the long queue once; returns how many pages it took for a task. */
static double
pages_per_task(PGconn *conn, int *claimed)
{
	PGresult   *result;
	const char *plan;
	const char *hit;
	const char *read;
	double		pages;

	result = PQexec(conn, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
					"EXECUTE poll ('" QUEUE "')");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die("explain", PQerrorMessage(conn));
	plan = PQgetvalue(result, 0, 0);
	hit = strstr(plan, "\"Shared Hit Blocks\": ");
	read = strstr(plan, "\"Shared Read Blocks\": ");
	if (hit == NULL || read == NULL)
		die("explain", "it does not say how many pages");
	hit = strchr(hit, ':') + 1;
	read = strchr(read, ':') + 1;
	pages = strtod(hit, NULL) + strtod(read, NULL);
	PQclear(result);
	*claimed += POLL_TASKS;
	return pages / POLL_TASKS;
}

/*
 * The speed of a machine may change from one second to the next.  So the last
 * tasks are polled in turn with those of a queue that nobody has polled yet:
 * the two rates differ by what it costs that the long queue has been drained.
 */
void
run_backlog(void)
{
	PGconn	   *conn = connect_database();
	int			n = (int) (1000000 * scale);
	int			part = (int) (50000 * scale);
	int			claimed = 0;
	double		first = 0;
	double		slowest = 0;
	double		last = 0;
	double		new = 0;
	double		pages_first = 0;
	double		pages_last;
	int			turn;

	command(conn, "SELECT workflow.start_workflow_execution('first', 'w', '"
			QUEUE "', workflow_task_timeout => '120 s')");
	copy_run(conn, n, part);
	command(conn, "CHECKPOINT");
	command(conn, "PREPARE poll (text) AS "
			"SELECT workflow.poll_workflow_task_queue($1, %d)", POLL_TASKS);
	while (claimed < n - part)
	{
		double		taken = 0;
		int			end = claimed + part;

		while (claimed < end)
			claimed += poll_queue(conn, QUEUE, &taken);
		if (first == 0)
		{
			first = taken;
			pages_first = pages_per_task(conn, &claimed);
		}
		else if (taken > slowest)
			slowest = taken;
		progress("%d of %d claimed, %.0f/s", claimed, n, part / taken);
	}
	pages_last = pages_per_task(conn, &claimed);
	for (turn = 0; claimed < n; turn++)
	{
		if (turn % 2 == 0)
			(void) poll_queue(conn, NEW_QUEUE, &new);
		claimed += poll_queue(conn, QUEUE, &last);
		if (turn % 2 == 1)
			(void) poll_queue(conn, NEW_QUEUE, &new);
	}
	report("first 50,000 tasks", "/s", part / first);
	report("slowest 50,000 tasks of the others", "/s", part / slowest);
	report("last 50,000 tasks", "/s", turn * POLL_TASKS / last);
	report("a new queue, in turn with the last", "/s",
		   turn * POLL_TASKS / new);
	report("last / first", "",
		   turn * POLL_TASKS / last / (part / first));
	report("last / new queue", "", new / last);
	report("pages per task, after the first 50,000", "", pages_first);
	report("pages per task, before the last 50,000", "", pages_last);
	PQfinish(conn);
}

/* ---- W9 ---- */

#define WAITERS		1000
#define TASKS		300

typedef struct Waiter
{
	PGconn	   *conn;
	int			pid;
} Waiter;

static void
send_wait(Waiter *waiter)
{
	if (!PQsendQuery(waiter->conn, "CALL workflow.wait_for_task('{" QUEUE "}',"
					 " timeout => '300 s')"))
		die("wait", PQerrorMessage(waiter->conn));
}

/* How often the waiting backends have been given a processor. */
static double
switches(const Waiter *waiters, int n)
{
	double		sum = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		char		path[64];
		char		line[256];
		FILE	   *file;
		long		count;

		snprintf(path, sizeof(path), "/proc/%d/status", waiters[i].pid);
		file = fopen(path, "r");
		while (file != NULL && fgets(line, sizeof(line), file))
		{
			if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
				sum += (double) count;
		}
		if (file != NULL)
			fclose(file);
	}
	return sum;
}

/* Takes the tasks of those that have been woken; returns how many. */
static int
serve(Waiter *waiters, struct pollfd *fds, int n, PGconn *conn, int *claimed)
{
	int			woken = 0;
	int			i;

	if (poll(fds, (nfds_t) n, 1000) <= 0)
		return 0;
	for (i = 0; i < n; i++)
	{
		PGresult   *result;

		if (fds[i].revents == 0)
			continue;
		woken++;
		while ((result = PQgetResult(waiters[i].conn)) != NULL)
			PQclear(result);
		result = PQexec(conn, "SELECT workflow.poll_workflow_task_queue('"
						QUEUE "')");
		*claimed += PQntuples(result);
		PQclear(result);
		send_wait(&waiters[i]);
	}
	return woken;
}

void
run_idle_workers(void)
{
	PGconn	   *conn = connect_database();
	PGconn	   *poller = connect_database();
	int			n = (int) (WAITERS * scale);
	Waiter	   *waiters;
	struct pollfd *fds;
	struct rlimit files;
	double		begin;
	double		cpu;
	double		before;
	int			claimed = 0;
	int			woken = 0;
	int			i;

	if (number(conn, "SELECT current_setting('max_connections')::int") < n + 20)
	{
		progress("left out: max_connections is too small");
		return;
	}
	waiters = calloc((size_t) n, sizeof(Waiter));
	fds = calloc((size_t) n, sizeof(struct pollfd));
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (i = 0; i < n; i++)
	{
		waiters[i].conn = connect_database();
		waiters[i].pid = PQbackendPID(waiters[i].conn);
		fds[i].fd = PQsocket(waiters[i].conn);
		fds[i].events = POLLIN;
		send_wait(&waiters[i]);
	}
	progress("%d wait", n);
	pause_ms(3000);
	cpu = server_cpu(conn);
	begin = seconds();
	pause_ms(10000);
	report("CPU while nothing happens", "%",
		   (server_cpu(conn) - cpu) / (seconds() - begin) * 100);
	before = switches(waiters, n);
	for (i = 0; i < TASKS; i++)
	{
		int			target = claimed + 1;

		command(conn, "SELECT workflow.start_workflow_execution('idle-%d', "
				"'w', '" QUEUE "')", i);
		while (claimed < target)
			woken += serve(waiters, fds, n, poller, &claimed);
	}
	report("waits ended per task", "", (double) woken / TASKS);
	report("switches to waiting backends per task", "",
		   (switches(waiters, n) - before) / TASKS);
	for (i = 0; i < n; i++)
		PQfinish(waiters[i].conn);
	PQfinish(poller);
	PQfinish(conn);
	free(waiters);
	free(fds);
}
