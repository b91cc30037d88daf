/*-------------------------------------------------------------------------
 *
 * pgwf_signal.h
 *		Signals.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_SIGNAL_H
#define PGWF_SIGNAL_H

#include "pgwf_run.h"

typedef struct PgwfSignal
{
	const char *name;
	Jsonb	   *input;			/* payloads, or NULL */
	Jsonb	   *header;
	const char *identity;
	const char *request_id;		/* NULL: not to be told from others */
	const char *from_workflow_id;	/* sender, if it is a workflow */
	const pg_uuid_t *from_run_id;
} PgwfSignal;

/* Who asks for a cancellation, and why */
typedef struct PgwfCancelRequest
{
	const char *cause;
	const char *identity;
	const char *from_workflow_id;	/* asker, if it is a workflow */
	const pg_uuid_t *from_run_id;
	int64		initiated_event_id; /* of the asker's history, or 0 */
} PgwfCancelRequest;

extern void pgwf_run_request_cancel(PgwfRun *run,
									const PgwfCancelRequest *request);
extern bool pgwf_run_is_closing(const PgwfRun *run);
extern bool pgwf_run_signals_exhausted(const PgwfRun *run);
extern bool pgwf_run_has_signal(PgwfRun *run, const char *request_id);
extern void pgwf_run_signal(PgwfRun *run, const PgwfSignal *signal);

#endif							/* PGWF_SIGNAL_H */
