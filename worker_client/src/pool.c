/*-------------------------------------------------------------------------
 *
 * pool.c
 *	  A pool of threads that run jobs in the order of their submission.
 *
 * Threads are made when they are needed, up to the limit.  Waking is a chain:
 * a submission wakes (or makes) at most one thread, and none while one is on
 * its way; each thread that takes a job while more are queued wakes the next.
 * So a burst of short jobs is done by the few threads that are awake anyway,
 * while long jobs still run side by side up to the limit.
 *
 * mutex guards every field.  No lock is taken while it is held, and jobs run
 * without it.  Threads are woken without it, too: they would have to wait for
 * it at once.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "pgwf_pool.h"
#include "pgwf_util.h"

struct PgwfPool
{
	pthread_mutex_t mutex;
	pthread_cond_t work;		/* a job is queued, or stopping */
	pthread_cond_t ended;		/* a thread has ended */
	PgwfJob    *head;
	PgwfJob   **tail;
	int			max_threads;
	int			nthreads;		/* started */
	int			nended;			/* of these, about to return */
	int			nidle;			/* waiting for work */
	bool		summoned;		/* a thread is on its way to the jobs */
	bool		stopping;
	void		(*cleanup) (void *thread_data);
	pthread_t  *threads;		/* [max_threads] */
};

/*
 * Start a thread with all signals blocked, so that they go to the program's
 * own threads, except those that the thread's own mistakes raise.  Returns 0
 * or an error number.
 */
int
pgwf_thread_create(pthread_t *thread, void *(*main) (void *), void *arg)
{
	sigset_t	all;
	sigset_t	old;
	int			rc;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

/*
 * A condition variable whose timeouts are on the monotonic clock.
 */
void
pgwf_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/*
 * Wait for a condition; a negative timeout has no limit.  False: timed out.
 */
bool
pgwf_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int timeout_ms)
{
	struct timespec until;

	if (timeout_ms < 0)
	{
		pthread_cond_wait(cond, mutex);
		return true;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long) (timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000)
	{
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return pthread_cond_timedwait(cond, mutex, &until) != ETIMEDOUT;
}

PgwfPool *
pgwf_pool_create(int max_threads, void (*cleanup) (void *thread_data))
{
	PgwfPool   *pool = pgwf_xalloc(sizeof(PgwfPool));

	pthread_mutex_init(&pool->mutex, NULL);
	pgwf_cond_init(&pool->work);
	pgwf_cond_init(&pool->ended);
	pool->tail = &pool->head;
	pool->max_threads = max_threads;
	pool->cleanup = cleanup;
	pool->threads = pgwf_xalloc(sizeof(pthread_t) * (size_t) max_threads);
	return pool;
}

static void *pool_main(void *arg);

/*
 * Make a thread for the jobs queued, or set *wake: one is to be woken when the
 * mutex, which is held, has been released.  False if there is no thread at all
 * to run them.
 */
static bool
summon(PgwfPool *pool, bool *wake)
{
	*wake = false;
	if (pool->summoned)
		return true;
	if (pool->nidle > 0)
	{
		*wake = true;
		pool->summoned = true;
	}
	else if (pool->nthreads < pool->max_threads)
	{
		if (pgwf_thread_create(&pool->threads[pool->nthreads], pool_main,
							   pool) == 0)
		{
			pool->nthreads++;
			pool->summoned = true;
		}
		else if (pool->nthreads == 0)
			return false;
	}
	return true;
}

static void *
pool_main(void *arg)
{
	PgwfPool   *pool = arg;
	void	   *thread_data = NULL;

	pthread_mutex_lock(&pool->mutex);
	pool->summoned = false;
	for (;;)
	{
		PgwfJob    *job;
		bool		wake = false;

		while (pool->head == NULL && !pool->stopping)
		{
			pool->nidle++;
			pthread_cond_wait(&pool->work, &pool->mutex);
			pool->nidle--;
			pool->summoned = false;
		}
		job = pool->head;
		if (job == NULL)
			break;
		pool->head = job->next;
		if (pool->head == NULL)
			pool->tail = &pool->head;
		else
			summon(pool, &wake);
		job->next = NULL;
		pthread_mutex_unlock(&pool->mutex);
		if (wake)
			pthread_cond_signal(&pool->work);
		job->run(job, &thread_data);
		pthread_mutex_lock(&pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
	if (thread_data != NULL && pool->cleanup != NULL)
		pool->cleanup(thread_data);
	pthread_mutex_lock(&pool->mutex);
	pool->nended++;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/*
 * Queue a list of jobs.  False if no thread could be made for them; then they
 * are not queued.
 */
bool
pgwf_pool_submit(PgwfPool *pool, PgwfJob *jobs)
{
	PgwfJob    *last = jobs;
	bool		wake;
	bool		ok;

	while (last->next != NULL)
		last = last->next;
	pthread_mutex_lock(&pool->mutex);
	ok = summon(pool, &wake);
	if (ok)
	{
		*pool->tail = jobs;
		pool->tail = &last->next;
	}
	pthread_mutex_unlock(&pool->mutex);
	if (wake)
		pthread_cond_signal(&pool->work);
	return ok;
}

/*
 * Threads made so far.
 */
int
pgwf_pool_threads(PgwfPool *pool)
{
	int			n;

	pthread_mutex_lock(&pool->mutex);
	n = pool->nthreads;
	pthread_mutex_unlock(&pool->mutex);
	return n;
}

/*
 * Let the threads finish what is queued and end.  If some have not ended
 * after the timeout, they and the pool are left alone for good, and false is
 * returned.  NULL is allowed.
 */
bool
pgwf_pool_destroy(PgwfPool *pool, int timeout_ms)
{
	int64_t		deadline = pgwf_clock_ms() + timeout_ms;
	bool		all;
	int			i;

	if (pool == NULL)
		return true;
	pthread_mutex_lock(&pool->mutex);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
	while (pool->nended < pool->nthreads)
	{
		int64_t		left = deadline - pgwf_clock_ms();

		if (left <= 0)
			break;
		pgwf_cond_wait(&pool->ended, &pool->mutex, (int) left);
	}
	all = (pool->nended == pool->nthreads);
	pthread_mutex_unlock(&pool->mutex);
	for (i = 0; i < pool->nthreads; i++)
	{
		if (all)
			pthread_join(pool->threads[i], NULL);
		else
			pthread_detach(pool->threads[i]);
	}
	if (!all)
		return false;
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->ended);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->threads);
	free(pool);
	return true;
}
