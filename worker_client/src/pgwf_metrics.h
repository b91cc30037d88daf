/*-------------------------------------------------------------------------
 *
 * pgwf_metrics.h
 *	  How long things took, as a worker counts it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_METRICS_H
#define PGWF_METRICS_H

#include <stdint.h>

#define PGWF_NUM_BOUNDS		14

/* One writer, any readers: counts are atomic. */
typedef struct PgwfHistogram
{
	int64_t		counts[PGWF_NUM_BOUNDS + 1];
	int64_t		sum_us;
} PgwfHistogram;

typedef enum PgwfLatency
{
	PGWF_LATENCY_WORKFLOW_TASK_WAIT,	/* scheduled to started */
	PGWF_LATENCY_WORKFLOW_TASK, /* workflow code that ran */
	PGWF_LATENCY_ACTIVITY_WAIT, /* scheduled to started */
	PGWF_LATENCY_ACTIVITY,		/* taken to ended */
	PGWF_LATENCY_LOCAL_ACTIVITY,
	PGWF_LATENCY_ROUND_TRIP,	/* of the working connection */
	PGWF_NUM_LATENCIES
} PgwfLatency;

extern void pgwf_histogram_add(PgwfHistogram *histogram, int64_t us);

#endif							/* PGWF_METRICS_H */
