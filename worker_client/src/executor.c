/*-------------------------------------------------------------------------
 *
 * executor.c
 *	  Runs activations of workflow instances on a thread that the worker's
 *	  main thread can watch and, when workflow code does not yield, abandon.
 *
 * The main thread queues activations, the thread in charge runs them in order
 * and queues the outcomes; commands are turned into text here, to leave the
 * main thread to the connection.  When the running activation is abandoned,
 * another thread takes charge.  The old one keeps the instance and destroys it
 * if the code ever yields, then ends.
 *
 * The thread in charge may be lent a job, which saves waking another thread
 * for it and being woken for what it leads to.  It stays in charge unless
 * something is queued meanwhile: then another thread takes charge, a new one
 * or one that has lost it in the same way, and the job may take its time.
 *
 * mutex guards the queues, the running activation, the threads and the
 * references.  notify is called without it.  The executor is freed by the
 * last that refers to it, so that threads left behind never touch freed
 * memory.
 *
 *-------------------------------------------------------------------------
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_codec.h"
#include "pgwf_executor.h"
#include "pgwf_interceptor.h"
#include "pgwf_pool.h"
#include "pgwf_util.h"

/* Most activities that an answer asks for: the others are for all workers. */
#define MAX_EAGER		3

typedef struct ExecThread
{
	struct ExecThread *next;
	PgwfExecutor *executor;
	pthread_t	thread;
	bool		ended;			/* about to return */
	bool		detached;		/* nobody joins it: it frees itself */
} ExecThread;

struct PgwfExecutor
{
	pthread_mutex_t mutex;
	pthread_cond_t work;		/* for who is in charge: todo has grown */
	pthread_cond_t spare;		/* for one of the others: take charge */
	pthread_cond_t idle;		/* nothing to do, or a thread ended */
	PgwfExec   *todo;
	PgwfExec  **todo_tail;
	PgwfExec   *done;
	PgwfExec  **done_tail;
	PgwfExec   *running;
	PgwfJob    *job;			/* lent to the thread in charge */
	ExecThread *threads;		/* list, without abandoned ones */
	ExecThread *in_charge;		/* NULL: who comes first will be */
	bool		away;			/* it does its job */
	int			nspare;			/* threads waiting to be in charge */
	bool		summoned;		/* one of them or a new one is coming */
	bool		stopping;
	int			refs;			/* the worker and every thread */
	int			abandoned;		/* threads still in abandoned code */
	const PgwfRegistry *registry;
	void		(*notify) (void *arg, bool in_charge);
	void	   *notify_arg;
	void		(*cleanup) (void *thread_data);
	int			room;			/* atomic: for more activities */
};

void
pgwf_exec_free(PgwfExec *exec)
{
	if (exec == NULL)
		return;
	free((char *) exec->info.workflow_id);
	free((char *) exec->info.run_id);
	free((char *) exec->info.workflow_type);
	pgwf_task_outcome_clear(&exec->outcome);
	pgwf_task_free(exec->task);
	pgwf_local_result_clear(&exec->local);
	json_decref(exec->query_result);
	pgwf_answer_texts_free(&exec->texts);
	free(exec);
}

/*
 * notify is called whenever the queue of outcomes was empty and no longer is,
 * and when a job that was lent is done; it is told whether the calling thread
 * is in charge.  cleanup is for what jobs leave with their thread.
 */
PgwfExecutor *
pgwf_executor_create(const PgwfRegistry *registry,
					 void (*notify) (void *arg, bool in_charge), void *arg,
					 void (*cleanup) (void *thread_data))
{
	PgwfExecutor *executor = pgwf_xalloc(sizeof(PgwfExecutor));

	pthread_mutex_init(&executor->mutex, NULL);
	pgwf_cond_init(&executor->work);
	pgwf_cond_init(&executor->spare);
	pgwf_cond_init(&executor->idle);
	executor->todo_tail = &executor->todo;
	executor->done_tail = &executor->done;
	executor->refs = 1;
	executor->registry = registry;
	executor->notify = notify;
	executor->notify_arg = arg;
	executor->cleanup = cleanup;
	return executor;
}

/* Called with the mutex held, which is released. */
static void
release(PgwfExecutor *executor)
{
	bool		last = (--executor->refs == 0);

	pthread_mutex_unlock(&executor->mutex);
	if (!last)
		return;

	/* what nobody collected belongs to runs that were given up */
	while (executor->done != NULL)
	{
		PgwfExec   *exec = executor->done;
		PgwfInstance *instance = exec->instance;

		executor->done = exec->next;
		pgwf_exec_free(exec);
		pgwf_instance_destroy(instance);
	}
	pthread_cond_destroy(&executor->work);
	pthread_cond_destroy(&executor->spare);
	pthread_cond_destroy(&executor->idle);
	pthread_mutex_destroy(&executor->mutex);
	free(executor);
}

/* Turn what answers a task into text; absent members become NULL. */
void
pgwf_answer_texts_make(PgwfAnswerTexts *texts, const PgwfTaskOutcome *outcome,
					   const PgwfCodec *codec)
{
	texts->commands = pgwf_codec_text(codec, PGWF_VALUE_TREE,
									  outcome->commands);
	texts->messages = pgwf_codec_text(codec, PGWF_VALUE_TREE,
									  outcome->messages);
	texts->query_results = pgwf_codec_text(codec, PGWF_VALUE_TREE,
										   outcome->query_results);
	texts->sdk_metadata = pgwf_json_text(outcome->sdk_metadata);
	texts->metering_metadata = pgwf_json_text(outcome->metering_metadata);
	texts->may_discard = outcome->may_discard;
}

void
pgwf_answer_texts_free(PgwfAnswerTexts *texts)
{
	free(texts->commands);
	free(texts->messages);
	free(texts->query_results);
	free(texts->sdk_metadata);
	free(texts->metering_metadata);
}

/* Asks for activities to be handed out with the answer, while there is room */
static void
ask_eager(PgwfExecutor *executor, PgwfExec *exec)
{
	int			room = __atomic_load_n(&executor->room, __ATOMIC_RELAXED);

	if (room <= 0)
		return;
	exec->neager = pgwf_instance_ask_eager(exec->instance,
										   exec->outcome.commands,
										   room < MAX_EAGER ? room : MAX_EAGER);
	__atomic_fetch_sub(&executor->room, exec->neager, __ATOMIC_RELAXED);
}

/* Runs the code; returns why the task failed, or NULL. */
static const char *
run_code(void *arg)
{
	PgwfExec   *exec = arg;

	if (exec->query)
	{
		exec->query_result = pgwf_instance_query(exec->instance, exec->task);
		return NULL;
	}
	if (exec->task != NULL)
		pgwf_instance_process(exec->instance, exec->task, &exec->outcome);
	else
		pgwf_instance_local_result(exec->instance, &exec->local,
								   &exec->outcome);
	return exec->outcome.status == PGWF_TASK_FAILED ? exec->outcome.cause :
		NULL;
}

/*
 * Turn the outcome into text; fails the task if that is not possible.  The
 * values go where they were made, which is cheaper than in another thread.
 */
static void
write_answer(const PgwfRegistry *registry, PgwfExec *exec)
{
	PgwfTaskOutcome *outcome = &exec->outcome;
	bool		written;

	pgwf_answer_texts_make(&exec->texts, outcome,
						   pgwf_registry_codec(registry));
	written = (outcome->commands == NULL || exec->texts.commands != NULL) &&
		(outcome->messages == NULL || exec->texts.messages != NULL);
	pgwf_task_outcome_drop_values(outcome);
	if (written)
		return;
	pgwf_task_outcome_clear(outcome);
	outcome->status = PGWF_TASK_FAILED;
	outcome->cause =
		"WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE";
	outcome->message = pgwf_strdup("the workflow code made a value that "
								   "is nested too deeply, or contains "
								   "itself");
}

static void
run_exec(PgwfExecutor *executor, PgwfExec *exec)
{
	int64_t		began = pgwf_wall_us();

	exec->info.is_query = exec->query;
	exec->info.is_continuation = exec->task == NULL;
	pgwf_intercept_workflow_task(pgwf_registry_interceptors(executor->registry),
								 &exec->info, run_code, exec);
	if (!exec->query)
	{
		ask_eager(executor, exec);
		write_answer(executor->registry, exec);
	}
	exec->elapsed_us = pgwf_wall_us() - began;
}

static void *executor_main(void *arg);

/*
 * See to it that a thread comes and takes charge.  The mutex is held.  False
 * if there is none, and none could be made.
 */
static bool
summon(PgwfExecutor *executor)
{
	ExecThread *thread;

	if (executor->summoned)
		return true;
	if (executor->nspare > 0)
	{
		pthread_cond_signal(&executor->spare);
		executor->summoned = true;
		return true;
	}
	thread = pgwf_xalloc(sizeof(ExecThread));
	thread->executor = executor;
	if (pgwf_thread_create(&thread->thread, executor_main, thread) != 0)
	{
		free(thread);
		return false;
	}
	thread->next = executor->threads;
	executor->threads = thread;
	executor->refs++;
	executor->summoned = true;
	return true;
}

/* Is the calling thread in charge, or nobody?  The mutex is held. */
static bool
take_charge(PgwfExecutor *executor, ExecThread *self)
{
	if (executor->in_charge == NULL)
		executor->in_charge = self;
	return executor->in_charge == self;
}

/*
 * Wait until there is something to do for this thread, which is in charge
 * then.  The mutex is held.  False if it is to end.
 */
static bool
wait_for_work(PgwfExecutor *executor, ExecThread *self)
{
	for (;;)
	{
		if (take_charge(executor, self))
		{
			if (executor->todo != NULL)
				return true;
			if (executor->stopping)
				return false;
			pthread_cond_wait(&executor->work, &executor->mutex);
		}
		else
		{
			if (executor->stopping)
				return false;
			executor->nspare++;
			pthread_cond_wait(&executor->spare, &executor->mutex);
			executor->nspare--;
			executor->summoned = false;
		}
	}
}

/* Tell the worker that there is news.  The mutex is held, but not meanwhile */
static void
tell(PgwfExecutor *executor, bool in_charge)
{
	if (executor->stopping)
		return;
	pthread_mutex_unlock(&executor->mutex);
	executor->notify(executor->notify_arg, in_charge);
	pthread_mutex_lock(&executor->mutex);
}

/*
 * Do the job that this thread was lent.  The mutex is held, but not meanwhile.
 */
static void
do_job(PgwfExecutor *executor, ExecThread *self, void **thread_data)
{
	PgwfJob    *job = executor->job;

	executor->job = NULL;
	executor->away = true;
	if (executor->todo != NULL && summon(executor))
	{
		executor->in_charge = NULL;
		executor->away = false;
	}
	pthread_mutex_unlock(&executor->mutex);
	job->run(job, thread_data);
	pthread_mutex_lock(&executor->mutex);
	if (take_charge(executor, self))
		executor->away = false;
	tell(executor, executor->in_charge == self);
}

/*
 * Run the first activation.  The mutex is held, but not meanwhile.  False if
 * it was abandoned: then another thread is in charge.
 */
static bool
run_first(PgwfExecutor *executor)
{
	PgwfExec   *exec = executor->todo;
	bool		first;

	executor->todo = exec->next;
	if (executor->todo == NULL)
		executor->todo_tail = &executor->todo;
	executor->running = exec;
	exec->started_ms = pgwf_clock_ms();
	pthread_mutex_unlock(&executor->mutex);

	run_exec(executor, exec);

	pthread_mutex_lock(&executor->mutex);
	if (exec->abandoned)
	{
		/* nobody knows this run any more */
		PgwfInstance *instance = exec->instance;

		pthread_mutex_unlock(&executor->mutex);
		pgwf_exec_free(exec);
		pgwf_instance_destroy(instance);
		pthread_mutex_lock(&executor->mutex);
		executor->abandoned--;
		return false;
	}
	executor->running = NULL;
	exec->next = NULL;
	first = (executor->done == NULL);
	*executor->done_tail = exec;
	executor->done_tail = &exec->next;
	if (executor->todo == NULL)
		pthread_cond_signal(&executor->idle);
	if (first)
		tell(executor, true);
	return true;
}

static void *
executor_main(void *arg)
{
	ExecThread *self = arg;
	PgwfExecutor *executor = self->executor;
	void	   *thread_data = NULL;

	pthread_mutex_lock(&executor->mutex);
	executor->summoned = false;
	while (wait_for_work(executor, self) && run_first(executor))
	{
		while (executor->in_charge == self && executor->job != NULL)
			do_job(executor, self, &thread_data);
	}
	if (thread_data != NULL)
	{
		pthread_mutex_unlock(&executor->mutex);
		executor->cleanup(thread_data);
		pthread_mutex_lock(&executor->mutex);
	}
	self->ended = true;
	pthread_cond_signal(&executor->idle);
	if (self->detached)
		free(self);
	release(executor);
	return NULL;
}

/*
 * Say for how many more activities the worker has room.  It may change at any
 * time: to ask for one too many does no harm.
 */
void
pgwf_executor_set_room(PgwfExecutor *executor, int room)
{
	__atomic_store_n(&executor->room, room, __ATOMIC_RELAXED);
}

/*
 * Queue an activation.  False if there is no thread to run it.
 */
bool
pgwf_executor_submit(PgwfExecutor *executor, PgwfExec *exec)
{
	bool		wake = false;
	bool		ok = true;

	exec->next = NULL;
	exec->abandoned = false;
	pthread_mutex_lock(&executor->mutex);
	if (executor->in_charge == NULL || executor->away)
	{
		ok = summon(executor);
		if (ok)
		{
			executor->in_charge = NULL;
			executor->away = false;
		}
	}
	else
		wake = executor->todo == NULL;
	if (ok)
	{
		*executor->todo_tail = exec;
		executor->todo_tail = &exec->next;
	}
	pthread_mutex_unlock(&executor->mutex);
	if (wake)
		pthread_cond_signal(&executor->work);
	return ok;
}

/*
 * Have the calling thread, which is in charge and has been in notify since,
 * do a job when it is back.  False if it has something else to do.
 */
bool
pgwf_executor_lend(PgwfExecutor *executor, PgwfJob *job)
{
	bool		ok;

	pthread_mutex_lock(&executor->mutex);
	ok = executor->job == NULL && executor->todo == NULL &&
		!executor->stopping;
	if (ok)
		executor->job = job;
	pthread_mutex_unlock(&executor->mutex);
	return ok;
}

/*
 * Is code queued that has not begun to run?
 */
bool
pgwf_executor_has_work(PgwfExecutor *executor)
{
	bool		has_work;

	pthread_mutex_lock(&executor->mutex);
	has_work = executor->todo != NULL;
	pthread_mutex_unlock(&executor->mutex);
	return has_work;
}

/*
 * Take all outcomes, a list; NULL if there are none.
 */
PgwfExec *
pgwf_executor_collect(PgwfExecutor *executor)
{
	PgwfExec   *list;

	pthread_mutex_lock(&executor->mutex);
	list = executor->done;
	executor->done = NULL;
	executor->done_tail = &executor->done;
	pthread_mutex_unlock(&executor->mutex);
	return list;
}

/*
 * Wait until everything queued has run, or the time has passed.
 */
bool
pgwf_executor_wait(PgwfExecutor *executor, int timeout_ms)
{
	bool		idle = true;

	pthread_mutex_lock(&executor->mutex);
	while (executor->todo != NULL || executor->running != NULL)
	{
		if (!pgwf_cond_wait(&executor->idle, &executor->mutex, timeout_ms))
		{
			idle = executor->todo == NULL && executor->running == NULL;
			break;
		}
	}
	pthread_mutex_unlock(&executor->mutex);
	return idle;
}

/* Is nothing queued, running or waiting to be collected? */
bool
pgwf_executor_idle(PgwfExecutor *executor)
{
	bool		idle;

	pthread_mutex_lock(&executor->mutex);
	idle = executor->todo == NULL && executor->running == NULL &&
		executor->done == NULL;
	pthread_mutex_unlock(&executor->mutex);
	return idle;
}

/*
 * Since when workflow code has had the thread: a task that replays a long
 * history runs it many times, and each counts on its own.  The mutex is held.
 */
static int64_t
code_since(const PgwfExec *exec)
{
	int64_t		began = pgwf_instance_code_began(exec->instance);

	return began > exec->started_ms ? began : exec->started_ms;
}

/*
 * When the code that runs now was begun, or -1.
 */
int64_t
pgwf_executor_running_since(PgwfExecutor *executor)
{
	int64_t		since = -1;

	pthread_mutex_lock(&executor->mutex);
	if (executor->running != NULL)
		since = code_since(executor->running);
	pthread_mutex_unlock(&executor->mutex);
	return since;
}

/* From now on the thread looks after itself.  The mutex is held. */
static void
give_up(PgwfExecutor *executor, ExecThread *thread)
{
	ExecThread **link = &executor->threads;

	while (*link != thread)
		link = &(*link)->next;
	*link = thread->next;
	pthread_detach(thread->thread);
	thread->detached = true;
}

/*
 * Give up the running activation if its code has run longer than the limit.
 * Returns its owner, or NULL if there was none to give up.  The activation
 * and its instance are the executor's from then on.
 */
void *
pgwf_executor_abandon(PgwfExecutor *executor, int limit_ms)
{
	PgwfExec   *exec;
	void	   *owner = NULL;

	pthread_mutex_lock(&executor->mutex);
	exec = executor->running;
	if (exec != NULL && pgwf_clock_ms() - code_since(exec) >= limit_ms)
	{
		owner = exec->owner;
		exec->abandoned = true;
		executor->running = NULL;
		executor->abandoned++;
		give_up(executor, executor->in_charge);
		executor->in_charge = NULL;
		if (executor->todo != NULL)
			summon(executor);
	}
	pthread_mutex_unlock(&executor->mutex);
	return owner;
}

/*
 * End the threads, which must have nothing to do.  False if some are left, in
 * abandoned code or with jobs, which use the registry when those end.
 */
bool
pgwf_executor_destroy(PgwfExecutor *executor, int timeout_ms)
{
	int64_t		deadline = pgwf_clock_ms() + timeout_ms;
	bool		clean;

	if (executor == NULL)
		return true;
	pthread_mutex_lock(&executor->mutex);
	executor->stopping = true;
	pthread_cond_broadcast(&executor->work);
	pthread_cond_broadcast(&executor->spare);
	clean = executor->abandoned == 0;
	while (executor->threads != NULL)
	{
		ExecThread *thread = executor->threads;
		int64_t		left = deadline - pgwf_clock_ms();

		if (thread->ended)
		{
			executor->threads = thread->next;
			pthread_mutex_unlock(&executor->mutex);
			pthread_join(thread->thread, NULL);
			free(thread);
			pthread_mutex_lock(&executor->mutex);
		}
		else if (left > 0)
			pgwf_cond_wait(&executor->idle, &executor->mutex, (int) left);
		else
		{
			clean = false;
			give_up(executor, thread);
		}
	}
	release(executor);
	return clean;
}
