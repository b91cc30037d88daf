/*-------------------------------------------------------------------------
 *
 * bench.c
 *	  The workloads, and the table of what they have measured.
 *
 *	bench [--repeat N] [--scale FRACTION] [--json FILE] [--limit RATE] [W1 ...]
 *
 * Each repetition of a workload runs in a database of its own, so that none
 * finds the rows of another.  Each figure is the median of the repetitions,
 * with the least and the most.  --limit is what bench/limit has measured: the
 * table then shows W1 as a part of it.
 *
 *-------------------------------------------------------------------------
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

typedef struct Workload
{
	const char *name;
	const char *title;
	void		(*run) (void);
} Workload;

static const Workload workloads[] = {
	{"W1", "workflows of one activity, starts included", run_one_activity},
	{"W2", "workflows of ten activities, one after the other",
	run_ten_activities},
	{"W3", "latency, nothing else going on", run_latency},
	{"W4", "400 timers of 5 s per second", run_timers},
	{"W5", "1,000,000 workflow tasks waiting", run_backlog},
	{"W6", "W1 for 60 s while a session keeps a snapshot", run_held_horizon},
	{"W7", "length of the history", run_history_length},
	{"W8", "activities of one workflow at once", run_fan_out},
	{"W9", "1,000 workers waiting for tasks", run_idle_workers},
	{"W10", "what a workflow of W1 costs", run_counters},
	{"W11", "100,000 runs in a worker's memory", run_cached_runs}
};

#define NUM_WORKLOADS	((int) (sizeof(workloads) / sizeof(workloads[0])))

#define MAX_FIGURES		200
#define MAX_REPEAT		20

typedef struct Figure
{
	const Workload *workload;
	char		name[64];
	char		unit[24];
	double		values[MAX_REPEAT];
	int			count;
} Figure;

double		scale = 1.0;

static Figure figures[MAX_FIGURES];
static int	nfigures;
static const Workload *running;
static double running_since;

void
report(const char *name, const char *unit, double value)
{
	Figure	   *figure = NULL;
	int			i;

	for (i = 0; i < nfigures; i++)
	{
		if (figures[i].workload == running &&
			strcmp(figures[i].name, name) == 0)
			figure = &figures[i];
	}
	if (figure == NULL)
	{
		if (nfigures == MAX_FIGURES)
			die("report", "too many figures");
		figure = &figures[nfigures++];
		figure->workload = running;
		snprintf(figure->name, sizeof(figure->name), "%s", name);
		snprintf(figure->unit, sizeof(figure->unit), "%s", unit);
	}
	if (figure->count < MAX_REPEAT)
		figure->values[figure->count++] = value;
}

void
progress(const char *fmt,...)
{
	va_list		args;
	char		text[256];

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "%-4s %6.1f s  %s\n", running->name,
			seconds() - running_since, text);
}

static void
run(const Workload *workload, PGconn *admin, int repetition, int repeat)
{
	char		name[64];

	running = workload;
	running_since = seconds();
	progress("%s (%d of %d)", workload->title, repetition, repeat);
	snprintf(name, sizeof(name), "bench_%ld_%s", (long) getpid(),
			 workload->name);
	command(admin, "CREATE DATABASE \"%s\"", name);
	setenv("PGDATABASE", name, 1);
	{
		PGconn	   *conn = connect_database();

		command(conn, "CREATE EXTENSION pg_workflow");
		PQfinish(conn);
	}
	command(admin, "CHECKPOINT");
	workload->run();
	command(admin, "DROP DATABASE \"%s\" WITH (FORCE)", name);
	if (seconds() - running_since > 120)
		progress("took longer than two minutes");
}

static const char *
digits(double value)
{
	static char text[3][32];
	static int	next;
	char	   *buf = text[next = (next + 1) % 3];

	snprintf(buf, sizeof(text[0]), value >= 1000 ? "%.0f" :
			 value >= 100 ? "%.1f" : value >= 10 ? "%.2f" : "%.3f", value);
	return buf;
}

static void
print_table(void)
{
	const Workload *last = NULL;
	int			i;

	printf("%-4s %-46s %10s %10s %10s  %s\n", "", "", "median", "min", "max",
		   "unit");
	for (i = 0; i < nfigures; i++)
	{
		Figure	   *figure = &figures[i];
		double		median = percentile(figure->values, figure->count, 0.5);

		if (figure->workload != last)
			printf("%-4s %s\n", figure->workload->name,
				   figure->workload->title);
		last = figure->workload;
		printf("     %-46s %10s %10s %10s  %s\n", figure->name,
			   digits(median), digits(figure->values[0]),
			   digits(figure->values[figure->count - 1]), figure->unit);
	}
}

static void
write_json(const char *path)
{
	FILE	   *file = fopen(path, "w");
	int			i;

	if (file == NULL)
		die("open", path);
	for (i = 0; i < nfigures; i++)
	{
		Figure	   *figure = &figures[i];
		double		median = percentile(figure->values, figure->count, 0.5);

		fprintf(file, "{\"workload\": \"%s\", \"figure\": \"%s\", "
				"\"unit\": \"%s\", \"median\": %.6g, \"min\": %.6g, "
				"\"max\": %.6g, \"repetitions\": %d}\n",
				figure->workload->name, figure->name, figure->unit, median,
				figure->values[0], figure->values[figure->count - 1],
				figure->count);
	}
	fclose(file);
}

static bool
wanted(const char *name, char **names, int nnames)
{
	int			i;

	for (i = 0; i < nnames; i++)
	{
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return nnames == 0;
}

static const Workload *
find_workload(const char *name)
{
	int			i;

	for (i = 0; i < NUM_WORKLOADS; i++)
	{
		if (strcmp(workloads[i].name, name) == 0)
			return &workloads[i];
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	static const struct option options[] =
	{
		{"repeat", required_argument, NULL, 'r'},
		{"scale", required_argument, NULL, 's'},
		{"json", required_argument, NULL, 'j'},
		{"limit", required_argument, NULL, 'l'},
		{NULL, 0, NULL, 0}
	};
	int			repeat = 3;
	double		limit = 0;
	const char *json = NULL;
	PGconn	   *admin;
	int			c;
	int			i;
	int			w;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
	{
		switch (c)
		{
			case 'r':
				repeat = atoi(optarg);
				break;
			case 's':
				scale = atof(optarg);
				break;
			case 'j':
				json = optarg;
				break;
			case 'l':
				limit = atof(optarg);
				break;
			default:
				return 2;
		}
	}
	if (repeat < 1 || repeat > MAX_REPEAT || scale <= 0 || scale > 1)
	{
		fprintf(stderr, "bench: an option is out of range\n");
		return 2;
	}
	for (i = optind; i < argc; i++)
	{
		if (find_workload(argv[i]) == NULL)
		{
			fprintf(stderr, "bench: there is no workload %s\n", argv[i]);
			return 2;
		}
	}

	admin = connect_database();
	for (w = 0; w < NUM_WORKLOADS; w++)
	{
		if (!wanted(workloads[w].name, argv + optind, argc - optind))
			continue;
		for (i = 1; i <= repeat; i++)
			run(&workloads[w], admin, i, repeat);
	}
	PQfinish(admin);
	if (limit > 0 && figures[0].workload == &workloads[0])
	{
		double		rate = percentile(figures[0].values, figures[0].count, 0.5);

		running = &workloads[0];
		report("limit (bench/limit)", "/s", limit);
		report("part of the limit", "", rate / limit);
	}
	print_table();
	if (json != NULL)
		write_json(json);
	return 0;
}
