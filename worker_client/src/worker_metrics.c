/*-------------------------------------------------------------------------
 *
 * worker_metrics.c
 *	  What a worker has counted, as metrics with names, and in Prometheus's
 *	  text format.
 *
 * Reads counters that the worker's main thread writes meanwhile, each
 * atomically; together they need not be of the same moment.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_worker.h"

static const double bounds[PGWF_NUM_BOUNDS] = {
	0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60
};

void
pgwf_histogram_add(PgwfHistogram *histogram, int64_t us)
{
	int			i = 0;

	if (us < 0)
		us = 0;
	while (i < PGWF_NUM_BOUNDS && (double) us > bounds[i] * 1e6)
		i++;
	__atomic_fetch_add(&histogram->counts[i], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&histogram->sum_us, us, __ATOMIC_RELAXED);
}

/* The counters of PgwfWorkerStats */
static const struct
{
	size_t		offset;
	const char *name;
	const char *help;
	PgwfMetricKind kind;
}			counters[] =

{
#define COUNTER(field, help) \
	{offsetof(PgwfWorkerStats, field), \
	"pgworkflow_" #field "_total", help, PGWF_METRIC_COUNTER}
	COUNTER(round_trips, "Round trips to the server."),
	COUNTER(transactions, "Transactions."),
	COUNTER(waits, "Calls that waited for tasks."),
	COUNTER(polls, "Polls for tasks."),
	COUNTER(empty_polls, "Polls that found nothing."),
	COUNTER(responses, "Answers to tasks."),
	COUNTER(response_batches, "Transactions of answers."),
	COUNTER(repeated_batches, "Transactions of answers that were repeated."),
	COUNTER(heartbeats, "Heartbeats of activities."),
	COUNTER(workflow_tasks, "Workflow tasks taken."),
	COUNTER(workflow_tasks_failed, "Workflow tasks failed."),
	COUNTER(workflows_closed, "Workflows that an answer has closed."),
	COUNTER(replays, "Runs read from their first event."),
	COUNTER(activities, "Activities taken."),
	COUNTER(local_activities, "Attempts of local activities."),
	COUNTER(evictions, "Runs that left the cache before their end."),
	{offsetof(PgwfWorkerStats, cached_workflows),
			"pgworkflow_cached_workflows", "Runs in the cache.",
	PGWF_METRIC_GAUGE},
	COUNTER(reconnects, "Connections made again."),
	COUNTER(deadlocks, "Workflow code that did not yield.")
#undef COUNTER
};

#define NUM_COUNTERS ((int) (sizeof(counters) / sizeof(counters[0])))

/* The histograms, by PgwfLatency; those of one name together */
static const struct
{
	const char *name;
	const char *help;
	const char *kind;
}			latencies[PGWF_NUM_LATENCIES] =

{
	[PGWF_LATENCY_WORKFLOW_TASK_WAIT] = {
		"pgworkflow_schedule_to_start_seconds",
		"How long tasks waited for a worker.", "workflow_task"
	},
	[PGWF_LATENCY_ACTIVITY_WAIT] = {
		"pgworkflow_schedule_to_start_seconds",
		"How long tasks waited for a worker.", "activity"
	},
	[PGWF_LATENCY_WORKFLOW_TASK] = {
		"pgworkflow_execution_seconds",
		"How long code ran.", "workflow_task"
	},
	[PGWF_LATENCY_ACTIVITY] = {
		"pgworkflow_execution_seconds",
		"How long code ran.", "activity"
	},
	[PGWF_LATENCY_LOCAL_ACTIVITY] = {
		"pgworkflow_execution_seconds",
		"How long code ran.", "local_activity"
	},
	[PGWF_LATENCY_ROUND_TRIP] = {
		"pgworkflow_round_trip_seconds",
		"Round trips with answers and polls.", NULL
	}
};

/* In this order, which keeps those of one name together */
static const PgwfLatency latency_order[PGWF_NUM_LATENCIES] = {
	PGWF_LATENCY_WORKFLOW_TASK_WAIT, PGWF_LATENCY_ACTIVITY_WAIT,
	PGWF_LATENCY_WORKFLOW_TASK, PGWF_LATENCY_ACTIVITY,
	PGWF_LATENCY_LOCAL_ACTIVITY, PGWF_LATENCY_ROUND_TRIP
};

static void
visit_counters(PgwfWorker *worker, PgwfMetricFn fn, void *arg)
{
	PgwfWorkerStats stats;
	int			i;

	pgwf_worker_stats(worker, &stats);
	for (i = 0; i < NUM_COUNTERS; i++)
	{
		PgwfMetric	metric = {0};

		metric.name = counters[i].name;
		metric.help = counters[i].help;
		metric.kind = counters[i].kind;
		metric.value = (double) *(const int64_t *) (const void *)
			((const char *) &stats + counters[i].offset);
		fn(&metric, arg);
	}
}

/* Lets other threads know how many slots are in use. */
void
pgwf_worker_publish_slots(PgwfWorker *worker)
{
	__atomic_store_n(&worker->slots_used[PGWF_SLOT_WORKFLOW_TASK],
					 worker->busy_runs, __ATOMIC_RELAXED);
	__atomic_store_n(&worker->slots_used[PGWF_SLOT_ACTIVITY],
					 worker->nactivities, __ATOMIC_RELAXED);
	__atomic_store_n(&worker->slots_used[PGWF_SLOT_LOCAL_ACTIVITY],
					 worker->nlocal, __ATOMIC_RELAXED);
}

static void
visit_slot_gauge(PgwfMetricFn fn, void *arg, const char *name,
				 const char *help, PgwfSlot slot, int value)
{
	static const char *const kinds[PGWF_NUM_SLOTS] = {
		"workflow_task", "activity", "local_activity"
	};
	PgwfMetric	metric = {0};

	metric.name = name;
	metric.help = help;
	metric.kind = PGWF_METRIC_GAUGE;
	metric.label = "kind";
	metric.label_value = kinds[slot];
	metric.value = value;
	fn(&metric, arg);
}

static void
visit_slots(PgwfWorker *worker, PgwfMetricFn fn, void *arg)
{
	const int	max[PGWF_NUM_SLOTS] = {
		worker->max_workflow_tasks, worker->max_activities, worker->max_local
	};
	int			slot;

	for (slot = 0; slot < PGWF_NUM_SLOTS; slot++)
		visit_slot_gauge(fn, arg, "pgworkflow_slots_used", "Slots in use.",
						 (PgwfSlot) slot,
						 __atomic_load_n(&worker->slots_used[slot],
										 __ATOMIC_RELAXED));
	for (slot = 0; slot < PGWF_NUM_SLOTS; slot++)
		visit_slot_gauge(fn, arg, "pgworkflow_slots",
						 "Slots in use or free.", (PgwfSlot) slot, max[slot]);
}

static void
visit_latencies(PgwfWorker *worker, PgwfMetricFn fn, void *arg)
{
	int			i;
	int			b;

	for (i = 0; i < PGWF_NUM_LATENCIES; i++)
	{
		PgwfLatency latency = latency_order[i];
		const PgwfHistogram *histogram = &worker->latencies[latency];
		int64_t		counts[PGWF_NUM_BOUNDS + 1];
		PgwfMetric	metric = {0};

		for (b = 0; b <= PGWF_NUM_BOUNDS; b++)
			counts[b] = __atomic_load_n(&histogram->counts[b],
										__ATOMIC_RELAXED);
		metric.name = latencies[latency].name;
		metric.help = latencies[latency].help;
		metric.kind = PGWF_METRIC_HISTOGRAM;
		metric.label = latencies[latency].kind != NULL ? "kind" : NULL;
		metric.label_value = latencies[latency].kind;
		metric.nbounds = PGWF_NUM_BOUNDS;
		metric.bounds = bounds;
		metric.counts = counts;
		metric.sum = (double) __atomic_load_n(&histogram->sum_us,
											  __ATOMIC_RELAXED) / 1e6;
		fn(&metric, arg);
	}
}

void
pgwf_worker_metrics(PgwfWorker *worker, PgwfMetricFn fn, void *arg)
{
	visit_counters(worker, fn, arg);
	visit_slots(worker, fn, arg);
	visit_latencies(worker, fn, arg);
}

/* ---- Prometheus's text format ---- */

typedef struct TextWriter
{
	FILE	   *out;
	PgwfWorker *worker;
	const char *last_name;		/* of the metric before */
} TextWriter;

/* A label's value, escaped */
static void
write_value(FILE *out, const char *value)
{
	for (; *value != '\0'; value++)
	{
		if (*value == '\n')
			fputs("\\n", out);
		else
		{
			if (*value == '"' || *value == '\\')
				fputc('\\', out);
			fputc(*value, out);
		}
	}
}

/* The beginning of a line: name and labels; bound is that of a bucket. */
static void
write_name(TextWriter *writer, const PgwfMetric *metric, const char *suffix,
		   const char *bound)
{
	FILE	   *out = writer->out;

	fprintf(out, "%s%s{namespace=\"", metric->name, suffix);
	write_value(out, writer->worker->workflow_namespace);
	fputs("\",task_queue=\"", out);
	write_value(out, writer->worker->task_queue);
	fputc('"', out);
	if (metric->label != NULL)
		fprintf(out, ",%s=\"%s\"", metric->label, metric->label_value);
	if (bound != NULL)
		fprintf(out, ",le=\"%s\"", bound);
	fputs("} ", out);
}

static void
write_metric(const PgwfMetric *metric, void *arg)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	TextWriter *writer = arg;
	int64_t		total = 0;
	char		bound[32];
	int			i;

	if (writer->last_name == NULL ||
		strcmp(writer->last_name, metric->name) != 0)
		fprintf(writer->out, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
				metric->help, metric->name, kinds[metric->kind]);
	writer->last_name = metric->name;
	if (metric->kind != PGWF_METRIC_HISTOGRAM || metric->counts == NULL)
	{
		write_name(writer, metric, "", NULL);
		fprintf(writer->out, "%.17g\n", metric->value);
		return;
	}
	for (i = 0; i <= metric->nbounds; i++)
	{
		total += metric->counts[i];
		if (i < metric->nbounds)
			snprintf(bound, sizeof(bound), "%g", metric->bounds[i]);
		write_name(writer, metric, "_bucket",
				   i < metric->nbounds ? bound : "+Inf");
		fprintf(writer->out, "%" PRId64 "\n", total);
	}
	write_name(writer, metric, "_sum", NULL);
	fprintf(writer->out, "%.17g\n", metric->sum);
	write_name(writer, metric, "_count", NULL);
	fprintf(writer->out, "%" PRId64 "\n", total);
}

char *
pgwf_worker_metrics_text(PgwfWorker *worker)
{
	char	   *text;
	size_t		size;
	TextWriter	writer = {open_memstream(&text, &size), worker, NULL};

	if (writer.out == NULL)
		abort();
	pgwf_worker_metrics(worker, write_metric, &writer);
	if (fclose(writer.out) != 0)
		abort();
	return text;
}
