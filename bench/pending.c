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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"

/* ---- W4 ---- */

#define TIMER_SECONDS	5
#define TIMERS			400		/* started in a second */
#define LOAD_SECONDS	10

static void
measure_timers(PGconn *conn, const char *what)
{
	int			n = TIMERS * LOAD_SECONDS;
	Starters   *starters;
	char		name[64];
	int			i;

	progress("timers %s", what);
	start_workers(1, 10000);
	starters = start_clients(SLEEPER, 4, true, n, TIMERS,
							 TIMER_SECONDS * 1000);
	wait_for_closed(n);
	join_clients(starters);
	stop_workers();
	command(conn, "CREATE TEMP TABLE late AS "
			"SELECT extract(epoch FROM f.event_time - s.event_time - "
			"interval '%d s') * 1000 AS ms "
			"FROM workflow.history AS s "
			"JOIN workflow.history AS f USING (workflow_id) "
			"WHERE s.event_type = 'TimerStarted' AND "
			"f.event_type = 'TimerFired'", TIMER_SECONDS);
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

/*
 * Copies a run that waits for its first workflow task, with the rows of all
 * tables but for what must differ.
 */
static void
copy_run(PGconn *conn, int n)
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
				"WHEN 'scheduled_time' THEN "
				"'scheduled_time + n * interval ''1 us''' "
				"ELSE quote_ident(attname) END, ', ' ORDER BY attnum), false) "
				"FROM pg_attribute WHERE attrelid = 'workflow.%s'::regclass "
				"AND attnum > 0 AND NOT attisdropped", tables[i]);
		result = PQexec(conn, "SELECT current_setting('bench.columns')");
		command(conn, "INSERT INTO workflow.%s SELECT %s FROM workflow.%s, "
				"generate_series(1, %d) AS n", tables[i],
				PQgetvalue(result, 0, 0), tables[i], n);
		command(conn, "VACUUM ANALYZE workflow.%s", tables[i]);
		PQclear(result);
	}
}

void
run_backlog(void)
{
	PGconn	   *conn = connect_database();
	int			n = (int) (1000000 * scale);
	int			part = (int) (50000 * scale);
	int			claimed = 0;
	double		begin;
	double		mark = 0;
	double		first = 0;

	command(conn, "SELECT workflow.start_workflow_execution('first', 'w', '"
			QUEUE "', workflow_task_timeout => '1 hour')");
	copy_run(conn, n);
	command(conn, "CHECKPOINT");
	command(conn, "PREPARE poll AS SELECT workflow.poll_workflow_task_queue('"
			QUEUE "', %d)", POLL_TASKS);
	begin = seconds();
	while (claimed < n)
	{
		PGresult   *result = PQexec(conn, "EXECUTE poll");
		int			got = PQntuples(result);

		PQclear(result);
		if (got == 0)
			die("poll", "fewer tasks than there should be");
		if (claimed < part && claimed + got >= part)
			first = (claimed + got) / (seconds() - begin);
		if (claimed < n - part && claimed + got >= n - part)
			mark = seconds();
		claimed += got;
		if (claimed / 200000 != (claimed - got) / 200000)
			progress("%d of %d claimed", claimed, n);
	}
	report("first 50,000 tasks", "/s", first);
	report("last 50,000 tasks", "/s", part / (seconds() - mark));
	report("last / first", "", part / (seconds() - mark) / first);
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
