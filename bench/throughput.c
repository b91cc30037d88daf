/*-------------------------------------------------------------------------
 *
 * throughput.c
 *	  How many workflows per second, and what each of them costs: W1, W2, W6,
 *	  W8 and W10.
 *
 * Two workers; the clock runs from the first start to the last close.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"

#define WORKERS		2
#define CLIENTS		16

/* Runs workflows to their end; returns the seconds it took. */
static double
run_workflows(const char *type, bool shared, int n)
{
	double		begin;
	Starters   *starters;

	start_workers(WORKERS, 10000);
	begin = seconds();
	starters = start_clients(type, CLIENTS, shared, n, 0, -1);
	wait_for_closed(n);
	join_clients(starters);
	return seconds() - begin;
}

void
run_one_activity(void)
{
	int			n = (int) (20000 * scale);

	report("workflows per second", "/s",
		   n / run_workflows(ONE_ACTIVITY, true, n));
	stop_workers();
	report("with a connection per client", "/s",
		   n / run_workflows(ONE_ACTIVITY, false, n));
	stop_workers();
}

void
run_ten_activities(void)
{
	int			n = (int) (3000 * scale);
	double		elapsed = run_workflows(TEN_ACTIVITIES, true, n);

	stop_workers();
	report("activities per second", "/s", 10.0 * n / elapsed);
	report("workflows per second", "/s", n / elapsed);
}

void
run_held_horizon(void)
{
	PGconn	   *holder = connect_database();
	double		length = 60 * scale;
	double		tenth = length / 6;
	double		begin;
	double		first;
	double		last;
	int64_t		mark;
	int64_t		started;
	Starters   *starters;

	command(holder, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	command(holder, "SELECT 1");
	start_workers(WORKERS, 10000);
	begin = seconds();
	starters = start_clients(ONE_ACTIVITY, CLIENTS, true, INT32_MAX, 0, -1);
	while (seconds() - begin < tenth)
		pause_ms(2);
	first = (double) worker_stats().workflows_closed / (seconds() - begin);
	progress("first %.0f s: %.0f per second", tenth, first);
	while (seconds() - begin < length - tenth)
		pause_ms(2);
	mark = worker_stats().workflows_closed;
	begin = seconds();
	while (seconds() - begin < tenth)
		pause_ms(2);
	last = (double) (worker_stats().workflows_closed - mark) /
		(seconds() - begin);
	stop_clients(starters);
	started = join_clients(starters);
	wait_for_closed(started);
	stop_workers();
	command(holder, "COMMIT");
	PQfinish(holder);
	report("first 10 s", "/s", first);
	report("last 10 s", "/s", last);
	if (first > 0)
		report("last / first", "", last / first);
}

void
run_fan_out(void)
{
	static const int sizes[] = {500, 1000, 2000};
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	double		elapsed[3];
	char		name[64];
	int			i;

	start_workers(WORKERS, 10000);
	start_workflow(client, FAN_OUT, "warm", 10);
	wait_closed(client, "warm");
	for (i = 0; i < 3; i++)
	{
		double		begin = seconds();

		snprintf(name, sizeof(name), "fan-%d", sizes[i]);
		start_workflow(client, FAN_OUT, name, sizes[i]);
		wait_closed(client, name);
		elapsed[i] = seconds() - begin;
		snprintf(name, sizeof(name), "%d activities", sizes[i]);
		report(name, "s", elapsed[i]);
	}
	report("2,000 / 1,000, per activity", "", elapsed[2] / elapsed[1] / 2);
	stop_workers();
	pgwf_client_free(client);
}

void
run_counters(void)
{
	int			n = (int) (10000 * scale);
	PGconn	   *conn = connect_database();
	PgwfWorkerStats stats;
	Counts		before = count_all(conn);
	Counts		after;

	run_workflows(ONE_ACTIVITY, true, n);
	stats = worker_stats();
	stop_workers();
	after = count_all(conn);
	report("transactions", "", (after.transactions - before.transactions) / n);
	report("flushes", "", (after.flushes - before.flushes) / n);
	report("log", "bytes", (after.wal_bytes - before.wal_bytes) / n);
	report("rows inserted", "", (after.inserted - before.inserted) / n);
	report("rows updated", "", (after.updated - before.updated) / n);
	report("of them HOT", "", (after.hot_updated - before.hot_updated) / n);
	report("rows deleted", "", (after.deleted - before.deleted) / n);
	report("dead row versions", "", (after.updated - before.updated +
									 after.deleted - before.deleted) / n);
	report("round trips of workers", "", (double) stats.round_trips / n);
	report("answers per transaction", "", (double) stats.responses /
		   (double) (stats.response_batches > 0 ? stats.response_batches : 1));
	report("CPU of the server", "us",
		   (after.server_cpu - before.server_cpu) * 1e6 / n);
	report("CPU of clients and workers", "us",
		   (after.client_cpu - before.client_cpu) * 1e6 / n);
	PQfinish(conn);
}
