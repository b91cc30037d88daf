/*-------------------------------------------------------------------------
 *
 * executor.c
 *	  Runs activations of workflow instances on a thread that the worker's
 *	  main thread can watch and, when workflow code does not yield, abandon.
 *
 * The main thread queues activations, a single thread runs them in order and
 * queues the outcomes; commands are turned into text here, to leave the main
 * thread to the connection.  When the running activation is abandoned, another
 * thread takes over the queue.  The old one keeps the instance and
 * destroys it if the code ever yields, then ends.
 *
 * mutex guards the queues, the running activation and the references.  notify
 * is called without it.  The executor is freed by the last that refers to it,
 * so that abandoned threads never touch freed memory.
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

struct PgwfExecutor
{
	pthread_mutex_t mutex;
	pthread_cond_t work;		/* todo has grown, or stopping */
	pthread_cond_t idle;		/* nothing to do, or the thread ended */
	PgwfExec   *todo;
	PgwfExec  **todo_tail;
	PgwfExec   *done;
	PgwfExec  **done_tail;
	PgwfExec   *running;
	bool		started;		/* the current thread exists */
	bool		stopping;
	bool		ended;			/* the current thread has ended */
	pthread_t	thread;
	int			refs;			/* the worker and every thread */
	int			abandoned;		/* threads still in abandoned code */
	const PgwfRegistry *registry;
	void		(*notify) (void *arg);
	void	   *notify_arg;
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
 * notify is called whenever the queue of outcomes was empty and no longer is.
 */
PgwfExecutor *
pgwf_executor_create(const PgwfRegistry *registry,
					 void (*notify) (void *arg), void *arg)
{
	PgwfExecutor *executor = pgwf_xalloc(sizeof(PgwfExecutor));

	pthread_mutex_init(&executor->mutex, NULL);
	pgwf_cond_init(&executor->work);
	pgwf_cond_init(&executor->idle);
	executor->todo_tail = &executor->todo;
	executor->done_tail = &executor->done;
	executor->refs = 1;
	executor->registry = registry;
	executor->notify = notify;
	executor->notify_arg = arg;
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

/* Turn the outcome into text; fails the task if that is not possible. */
static void
write_answer(const PgwfRegistry *registry, PgwfExec *exec)
{
	pgwf_answer_texts_make(&exec->texts, &exec->outcome,
						   pgwf_registry_codec(registry));
	if ((exec->outcome.commands == NULL || exec->texts.commands != NULL) &&
		(exec->outcome.messages == NULL || exec->texts.messages != NULL))
		return;
	pgwf_task_outcome_clear(&exec->outcome);
	exec->outcome.status = PGWF_TASK_FAILED;
	exec->outcome.cause =
		"WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE";
	exec->outcome.message = pgwf_strdup("the workflow code made a value that "
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

static void *
executor_main(void *arg)
{
	PgwfExecutor *executor = arg;

	pthread_mutex_lock(&executor->mutex);
	for (;;)
	{
		PgwfExec   *exec;
		bool		first;

		while (executor->todo == NULL && !executor->stopping)
			pthread_cond_wait(&executor->work, &executor->mutex);
		exec = executor->todo;
		if (exec == NULL)
			break;
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
			/* another thread is in charge; nobody knows this run any more */
			PgwfInstance *instance = exec->instance;

			pthread_mutex_unlock(&executor->mutex);
			pgwf_exec_free(exec);
			pgwf_instance_destroy(instance);
			pthread_mutex_lock(&executor->mutex);
			executor->abandoned--;
			release(executor);
			return NULL;
		}
		executor->running = NULL;
		exec->next = NULL;
		first = (executor->done == NULL);
		*executor->done_tail = exec;
		executor->done_tail = &exec->next;
		if (executor->todo == NULL)
			pthread_cond_signal(&executor->idle);
		if (first)
		{
			pthread_mutex_unlock(&executor->mutex);
			executor->notify(executor->notify_arg);
			pthread_mutex_lock(&executor->mutex);
		}
	}
	executor->ended = true;
	pthread_cond_signal(&executor->idle);
	release(executor);
	return NULL;
}

/* The mutex is held. */
static bool
start_thread(PgwfExecutor *executor)
{
	if (pgwf_thread_create(&executor->thread, executor_main, executor) != 0)
		return false;
	executor->started = true;
	executor->refs++;
	return true;
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
	bool		ok = true;

	exec->next = NULL;
	exec->abandoned = false;
	pthread_mutex_lock(&executor->mutex);
	if (!executor->started)
		ok = start_thread(executor);
	if (ok)
	{
		if (executor->todo == NULL)
			pthread_cond_signal(&executor->work);
		*executor->todo_tail = exec;
		executor->todo_tail = &exec->next;
	}
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
		pthread_detach(executor->thread);
		executor->started = false;
		if (executor->todo != NULL)
			start_thread(executor);
	}
	pthread_mutex_unlock(&executor->mutex);
	return owner;
}

/*
 * End the thread, which must have nothing to do.  False if abandoned threads
 * are left, which use the registry when their code yields.
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
	while (executor->started && !executor->ended)
	{
		int64_t		left = deadline - pgwf_clock_ms();

		if (left <= 0)
			break;
		pgwf_cond_wait(&executor->idle, &executor->mutex, (int) left);
	}
	clean = executor->abandoned == 0 &&
		(!executor->started || executor->ended);
	if (executor->started)
	{
		pthread_t	thread = executor->thread;

		if (executor->ended)
		{
			pthread_mutex_unlock(&executor->mutex);
			pthread_join(thread, NULL);
			pthread_mutex_lock(&executor->mutex);
		}
		else
			pthread_detach(thread);
	}
	release(executor);
	return clean;
}
