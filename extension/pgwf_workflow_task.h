/*-------------------------------------------------------------------------
 *
 * pgwf_workflow_task.h
 *		The life of a workflow task: scheduled, started, completed, failed or
 *		timed out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_WORKFLOW_TASK_H
#define PGWF_WORKFLOW_TASK_H

#include "pgwf_versioning.h"

/* Identity of what the service does by itself */
#define PGWF_SERVICE_IDENTITY "history-service"

/* requestId of a workflow task that is started by the completion of another */
#define PGWF_INLINE_START_REQUEST_ID \
	"request-from-RespondWorkflowTaskCompleted"

/* What the worker says of itself in completing a workflow task */
typedef struct PgwfCompletion
{
	const char *identity;
	Jsonb	   *sdk_metadata;
	Jsonb	   *metering_metadata;
	const char *build_id;		/* of a worker without a version */
	PgwfVersion version;		/* key 0: it has none */
	PgwfVersioningBehavior behavior;
} PgwfCompletion;

#define pgwf_workflow_task_is_transient(run) ((run)->state.wft_attempt > 1)
#define pgwf_workflow_task_is_speculative(run) \
	(((run)->state.flags & PGWF_RUN_SPECULATIVE) != 0)

/* How long a speculative task waits for a worker */
#define PGWF_SPECULATIVE_SCHEDULE_TO_START (5 * USECS_PER_SEC)

extern void pgwf_workflow_task_schedule(PgwfRun *run);
extern void pgwf_workflow_task_schedule_speculative(PgwfRun *run);
extern void pgwf_workflow_task_make_normal(PgwfRun *run);
extern void pgwf_workflow_task_start(PgwfRun *run, const char *identity,
									 const char *request_id);
extern void pgwf_workflow_task_complete(PgwfRun *run,
										const PgwfCompletion *completion);
extern void pgwf_workflow_task_fail(PgwfRun *run, const char *cause,
									Jsonb *failure, const char *identity);
extern void pgwf_workflow_task_time_out(PgwfRun *run);
extern void pgwf_workflow_task_force_close(PgwfRun *run);
extern void pgwf_workflow_task_withdraw(PgwfRun *run, const char *cause);
extern void pgwf_workflow_task_forget(PgwfRun *run);
extern void pgwf_workflow_task_move_to_normal(PgwfRun *run);
extern TimestampTz pgwf_workflow_task_deadline(const PgwfState *state);
extern bool pgwf_sticky_worker_is_alive(PgwfRun *run);
extern void pgwf_run_clear_sticky(PgwfRun *run);
extern Jsonb *pgwf_workflow_task_scheduled_attributes(PgwfRun *run);
extern Jsonb *pgwf_workflow_task_started_attributes(PgwfRun *run,
													const char *request_id);
extern char *pgwf_workflow_task_request_id(const PgwfState *state);

#endif							/* PGWF_WORKFLOW_TASK_H */
