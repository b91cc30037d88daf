/*-------------------------------------------------------------------------
 *
 * bench.h
 *	  What the workloads share: see bench.c for the list of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BENCH_H
#define BENCH_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include <pgworkflow.h>

/* The task queue of all workloads; each repetition has its own database. */
#define QUEUE			"bench"

/* Give up when nothing has happened for so long. */
#define STALL_SECONDS	60

/* ---- bench.c ---- */

/*
 * A figure of the workload that runs.  The table shows median, least and most
 * of those with the same name.
 */
extern void report(const char *name, const char *unit, double value);

/* Says how far the workload is, on standard error. */
extern void progress(const char *fmt,...) __attribute__((format(printf, 1, 2)));

/* How much of the usual number of workflows and the like to do, 0 to 1. */
extern double scale;

/* ---- common.c ---- */

extern double seconds(void);
extern void pause_ms(int ms);
extern void die(const char *what, const char *message) __attribute__((noreturn));
extern PGconn *connect_database(void);
extern void command(PGconn *conn, const char *fmt,...)
			__attribute__((format(printf, 2, 3)));
extern double number(PGconn *conn, const char *fmt,...)
			__attribute__((format(printf, 2, 3)));
extern double percentile(double *values, int n, double p);

/* The workers, in threads of this process. */
extern void start_workers(int n, int cached);
extern PgwfWorkerStats worker_stats(void);
extern void stop_workers(void);

/* Workflow types of the workers. */
#define ONE_ACTIVITY	"one_activity"	/* result: input + 1 */
#define TEN_ACTIVITIES	"ten_activities"	/* one after the other */
#define FAN_OUT			"fan_out"	/* input: how many activities at once */
#define SLEEPER			"sleeper"	/* input: milliseconds */
#define RECEIVER		"receiver"	/* takes signals until one named "end" */

extern void start_workflow(PgwfClient *client, const char *type,
						   const char *id, int64_t input);
extern void wait_closed(PgwfClient *client, const char *id);

/*
 * Threads that start workflows one by one, with a client that they share or
 * one for each.
 */
typedef struct Starters Starters;

extern Starters *start_clients(const char *type, int clients, bool shared,
							   int workflows, double per_second,
							   int64_t input);
extern void stop_clients(Starters *starters);	/* makes them end early */
extern int64_t join_clients(Starters *starters);	/* returns what was
													 * started */
extern void wait_for_closed(int64_t workflows);

/* What server and client have spent so far. */
typedef struct Counts
{
	double		transactions;
	double		flushes;
	double		wal_bytes;
	double		inserted;
	double		updated;
	double		hot_updated;
	double		deleted;
	double		server_cpu;		/* seconds */
	double		client_cpu;		/* seconds */
} Counts;

extern Counts count_all(PGconn *conn);
extern double server_cpu(PGconn *conn);

/* ---- the workloads ---- */

/* throughput.c */
extern void run_one_activity(void);
extern void run_ten_activities(void);
extern void run_held_horizon(void);
extern void run_fan_out(void);
extern void run_counters(void);

/* latency.c */
extern void run_latency(void);
extern void run_history_length(void);

/* pending.c */
extern void run_timers(void);
extern void run_backlog(void);
extern void run_idle_workers(void);

/* memory.c */
extern void run_cached_runs(void);

#endif							/* BENCH_H */
