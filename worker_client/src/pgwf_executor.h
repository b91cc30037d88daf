/*-------------------------------------------------------------------------
 *
 * pgwf_executor.h
 *	  The threads that run workflow code, one at a time, watched from outside.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_EXECUTOR_H
#define PGWF_EXECUTOR_H

#include "pgwf_instance.h"
#include "pgwf_pool.h"

typedef struct PgwfExecutor PgwfExecutor;

/* What answers a task, as text; NULL what is not there. */
typedef struct PgwfAnswerTexts
{
	char	   *commands;
	char	   *messages;
	char	   *query_results;
	char	   *sdk_metadata;
	char	   *metering_metadata;
	bool		may_discard;
} PgwfAnswerTexts;

/*
 * One activation, or one query.  The worker owns it, except from
 * pgwf_executor_submit() until it is handed back by pgwf_executor_collect()
 * or is abandoned.
 * While it is with the executor, so is the instance.
 */
typedef struct PgwfExec
{
	struct PgwfExec *next;
	PgwfInstance *instance;
	PgwfTask   *task;			/* process this task, or, if NULL, */
	bool		query;			/* the task is a query */
	PgwfLocalResult local;		/* deliver this result */
	void	   *owner;			/* the worker's */
	PgwfWorkflowTaskInfo info;	/* for interceptors; owns its texts */

	/* filled by the executor */
	PgwfTaskOutcome outcome;
	PgwfAnswerTexts texts;		/* of the outcome */
	json_t	   *query_result;	/* of a query, else NULL */
	int			neager;			/* activities that the answer asks for */
	int64_t		started_ms;
	int64_t		elapsed_us;
	bool		abandoned;
} PgwfExec;

extern PgwfExecutor *pgwf_executor_create(const PgwfRegistry *registry,
										  void (*notify) (void *arg,
														  bool in_charge),
										  void *arg,
										  void (*cleanup) (void *thread_data));
extern void pgwf_executor_set_room(PgwfExecutor *executor, int room);
extern bool pgwf_executor_lend(PgwfExecutor *executor, PgwfJob *job);
extern bool pgwf_executor_submit(PgwfExecutor *executor, PgwfExec *exec);
extern bool pgwf_executor_has_work(PgwfExecutor *executor);
extern PgwfExec *pgwf_executor_collect(PgwfExecutor *executor);
extern bool pgwf_executor_wait(PgwfExecutor *executor, int timeout_ms);
extern int64_t pgwf_executor_running_since(PgwfExecutor *executor);
extern void *pgwf_executor_abandon(PgwfExecutor *executor, int limit_ms);
extern bool pgwf_executor_idle(PgwfExecutor *executor);
extern bool pgwf_executor_destroy(PgwfExecutor *executor, int timeout_ms);

extern void pgwf_exec_free(PgwfExec *exec);
extern void pgwf_answer_texts_make(PgwfAnswerTexts *texts,
								   const PgwfTaskOutcome *outcome,
								   const PgwfCodec *codec);
extern void pgwf_answer_texts_free(PgwfAnswerTexts *texts);

#endif							/* PGWF_EXECUTOR_H */
