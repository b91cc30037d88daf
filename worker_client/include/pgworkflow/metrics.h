/*
 * pgworkflow/metrics.h
 *		Metrics: what a worker has done, and how long it took.
 *		Section 11 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_METRICS_H
#define PGWORKFLOW_METRICS_H

#include "worker.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		11. Metrics
 *
 * All counters of PgwfWorkerStats, how full slots and cache are, and how long
 * things took, under names as Prometheus wants them.  May be asked for from
 * any thread while the worker lives.
 * ----------------------------------------------------------------
 */
typedef enum PgwfMetricKind
{
	PGWF_METRIC_COUNTER,		/* only grows */
	PGWF_METRIC_GAUGE,
	PGWF_METRIC_HISTOGRAM
} PgwfMetricKind;

typedef struct PgwfMetric
{
	const char *name;			/* "pgworkflow_polls_total" */
	const char *help;			/* one sentence */
	PgwfMetricKind kind;
	const char *label;			/* NULL: none; "kind" for example, and */
	const char *label_value;	/* what it is: "activity" */
	double		value;			/* of a counter or gauge */

	/* of a histogram: of so many, in seconds */
	int			nbounds;
	const double *bounds;		/* ascending */
	const int64_t *counts;		/* nbounds + 1: up to each bound, and above
								 * the last one; not cumulative */
	double		sum;
} PgwfMetric;

/*
 * pgwf_worker_metrics: calls fn for each metric; those of one name, which
 *		differ in their label, come one after the other.  The metric lives
 *		during the call.
 * pgwf_worker_metrics_text: the same in Prometheus's text format, a string to
 *		be free()d.  Every line has the label task_queue, and the label
 *		namespace.
 */
typedef void (*PgwfMetricFn) (const PgwfMetric *metric, void *arg);
extern void pgwf_worker_metrics(PgwfWorker *worker, PgwfMetricFn fn,
								void *arg);
extern char *pgwf_worker_metrics_text(PgwfWorker *worker);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_METRICS_H */
