/*-------------------------------------------------------------------------
 *
 * pgwf_task_response.h
 *		What a worker is told of a task that it has been handed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_TASK_RESPONSE_H
#define PGWF_TASK_RESPONSE_H

#include "pgwf_query.h"

extern void pgwf_append_workflow_task(StringInfo buf, PgwfRun *run,
									  bool partial_history, int64 backlog);
extern void pgwf_append_query_task(StringInfo buf, PgwfCall *call,
								   const PgwfQuery *query);
extern void pgwf_append_activity_task(StringInfo buf,
									  const PgwfActivity *activity,
									  const PgwfExecution *execution,
									  const PgwfEvent *scheduled,
									  const char *namespace);

#endif							/* PGWF_TASK_RESPONSE_H */
