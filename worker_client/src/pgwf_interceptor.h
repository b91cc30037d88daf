/*-------------------------------------------------------------------------
 *
 * pgwf_interceptor.h
 *	  The chain of a registry's interceptors.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_INTERCEPTOR_H
#define PGWF_INTERCEPTOR_H

#include "pgworkflow.h"
#include "pgwf_util.h"

typedef struct PgwfInterceptors
{
	PgwfInterceptor *list;
	int			n;
} PgwfInterceptors;

/* Runs workflow code; returns NULL or the cause of its failure. */
typedef const char *(*PgwfTaskBody) (void *arg);

extern void pgwf_interceptors_add(PgwfInterceptors *chain,
								  const PgwfInterceptor *interceptor);
extern json_t *pgwf_intercept_activity(const PgwfInterceptors *chain,
									   PgwfActivityFn fn,
									   PgwfActivity *activity, json_t *input,
									   PgwfFailure **failure);
extern void pgwf_intercept_workflow_task(const PgwfInterceptors *chain,
										 const PgwfWorkflowTaskInfo *info,
										 PgwfTaskBody body, void *arg);

/* Those of a registry (pgwf_registry.c). */
extern const PgwfInterceptors *pgwf_registry_interceptors(const PgwfRegistry *registry);

#endif							/* PGWF_INTERCEPTOR_H */
