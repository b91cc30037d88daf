/*-------------------------------------------------------------------------
 *
 * memory.c
 *	  What a run that a worker keeps in memory takes there: W11.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

#define RUNS		100000
#define CLIENTS		8

/* Bytes of this process that are in memory */
static double
resident(void)
{
	FILE	   *file = fopen("/proc/self/statm", "r");
	long		pages = 0;

	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		die("read", "/proc/self/statm");
	fclose(file);
	return (double) pages * (double) sysconf(_SC_PAGESIZE);
}

/* Runs that wait for a signal, each with a coroutine and a history of 4. */
void
run_cached_runs(void)
{
	int			n = (int) (RUNS * scale);
	double		before;
	double		taken;
	Starters   *starters;
	int64_t		last = -1;
	double		stalled = seconds();

	start_workers(1, n + 100);
	before = resident();
	starters = start_clients(RECEIVER, CLIENTS, true, n, 1e6, 0);
	join_clients(starters);
	while (worker_stats().workflow_tasks < n)
	{
		int64_t		done = worker_stats().workflow_tasks;

		if (done != last)
			stalled = seconds();
		else if (seconds() - stalled > STALL_SECONDS)
			die("W11", "no workflow task was done for a minute");
		last = done;
		progress("%lld of %d runs", (long long) done, n);
		pause_ms(1000);
	}
	taken = resident() - before;
	report("runs in memory", "", (double) worker_stats().cached_workflows);
	report("memory", "MB", taken / 1e6);
	report("memory of a run", "bytes", taken / n);
	stop_workers();
}
