/*-------------------------------------------------------------------------
 *
 * interceptor.c
 *	  The chain of a registry's interceptors around activities and workflow
 *	  tasks.
 *
 * The list is read-only once workers use the registry; no locks.
 *
 *-------------------------------------------------------------------------
 */
#include "pgwf_interceptor.h"
#include "pgwf_options.h"

/* What an interceptor may call: the rest of the chain. */
struct PgwfNext
{
	const PgwfInterceptors *chain;
	int			index;			/* of the interceptor that comes next */
	PgwfActivityFn activity;	/* at the end of the chain, or */
	struct TaskCall *task;
};

/* A workflow task at the end of the chain */
typedef struct TaskCall
{
	const PgwfWorkflowTaskInfo *info;
	PgwfTaskBody body;
	void	   *arg;
	bool		called;
	const char *cause;			/* why it failed, or NULL */
} TaskCall;

void
pgwf_interceptors_add(PgwfInterceptors *chain,
					  const PgwfInterceptor *interceptor)
{
	chain->list = pgwf_xrealloc(chain->list, (size_t) (chain->n + 1) *
								sizeof(PgwfInterceptor));
	chain->list[chain->n] = (PgwfInterceptor) PGWF_INTERCEPTOR_INIT;
	pgwf_options_read(&chain->list[chain->n], sizeof(PgwfInterceptor),
					  interceptor);
	chain->n++;
}

json_t *
pgwf_next_activity(PgwfNext *next, PgwfActivity *activity, json_t *input,
				   PgwfFailure **failure)
{
	int			index = next->index;
	json_t	   *result;

	while (next->index < next->chain->n)
	{
		const PgwfInterceptor *interceptor;

		interceptor = &next->chain->list[next->index++];
		if (interceptor->activity == NULL)
			continue;
		result = interceptor->activity(next, activity, input, failure,
									   interceptor->arg);
		next->index = index;
		return result;
	}
	next->index = index;
	return next->activity(activity, input, failure);
}

json_t *
pgwf_intercept_activity(const PgwfInterceptors *chain, PgwfActivityFn fn,
						PgwfActivity *activity, json_t *input,
						PgwfFailure **failure)
{
	PgwfNext	next = {chain, 0, fn, NULL};

	return pgwf_next_activity(&next, activity, input, failure);
}

static void
call_task(TaskCall *task)
{
	if (!task->called)
	{
		task->called = true;
		task->cause = task->body(task->arg);
	}
}

const char *
pgwf_next_workflow_task(PgwfNext *next)
{
	while (next->index < next->chain->n)
	{
		const PgwfInterceptor *interceptor;

		interceptor = &next->chain->list[next->index++];
		if (interceptor->workflow_task != NULL)
		{
			interceptor->workflow_task(next, next->task->info,
									   interceptor->arg);
			break;
		}
	}
	call_task(next->task);
	return next->task->cause;
}

void
pgwf_intercept_workflow_task(const PgwfInterceptors *chain,
							 const PgwfWorkflowTaskInfo *info,
							 PgwfTaskBody body, void *arg)
{
	TaskCall	task = {info, body, arg, false, NULL};
	PgwfNext	next = {chain, 0, NULL, &task};

	pgwf_next_workflow_task(&next);
}
