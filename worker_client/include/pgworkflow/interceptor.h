/*
 * pgworkflow/interceptor.h
 *		Interceptors: code of yours around activities and workflow tasks.
 *		Section 10 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_INTERCEPTOR_H
#define PGWORKFLOW_INTERCEPTOR_H

#include "registry.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		10. Interceptors
 *
 * An interceptor is called in place of what it wraps, and calls that through
 * "next".  Those of a registry lie around each other, the first that was added
 * outermost.  They are for tracing, timing, logging, checking rights and the
 * like.
 *
 * They run in the thread of what they wrap: activities in parallel, workflow
 * tasks of one worker one after the other.  What is outside of workflow code
 * need not be deterministic; a workflow task is run again after a crash, a
 * failure or an eviction.
 * ----------------------------------------------------------------
 */
typedef struct PgwfNext PgwfNext;

/* What is known about a workflow task; lives during the call. */
typedef struct PgwfWorkflowTaskInfo
{
	const char *workflow_id;
	const char *run_id;
	const char *workflow_type;	/* "" if it is not known */
	int			attempt;		/* of the task, from 1 */
	bool		is_query;		/* a query that is a task of its own */

	/*
	 * A later part of the same task: local activities have ended.
	 */
	bool		is_continuation;
} PgwfWorkflowTaskInfo;

/*
 * activity: around an attempt of an activity, local ones included.  Returns
 *		and sets *failure as an activity function does, as a rule what
 *		pgwf_next_activity() returned and set.
 * workflow_task: around the run of workflow code for a task.
 *		pgwf_next_workflow_task() returns NULL, or why the task failed, a
 *		static text "WORKFLOW_TASK_FAILED_CAUSE_...".  The code runs once,
 *		however often it is called, and also if it is not.
 *
 * Either may be NULL.
 */
typedef struct PgwfInterceptor
{
	size_t		struct_size;	/* set by the INIT macro */
	json_t	   *(*activity) (PgwfNext *next, PgwfActivity *activity,
							 json_t *input, PgwfFailure **failure, void *arg);
	void		(*workflow_task) (PgwfNext *next,
								  const PgwfWorkflowTaskInfo *info,
								  void *arg);
	void	   *arg;			/* the caller's */
} PgwfInterceptor;

#define PGWF_INTERCEPTOR_DEFAULTS .struct_size = sizeof(PgwfInterceptor)
#define PGWF_INTERCEPTOR_INIT PGWF_INIT(PgwfInterceptor)

/* Adds one, which is copied; before the registry is used. */
extern void pgwf_registry_add_interceptor(PgwfRegistry *registry,
										  const PgwfInterceptor *interceptor);

/* Call what an interceptor wraps. */
extern json_t *pgwf_next_activity(PgwfNext *next, PgwfActivity *activity,
								  json_t *input, PgwfFailure **failure);
extern const char *pgwf_next_workflow_task(PgwfNext *next);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_INTERCEPTOR_H */
