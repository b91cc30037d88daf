/*-------------------------------------------------------------------------
 *
 * pgwf_pool.h
 *	  A pool of threads that run jobs, for activities.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_POOL_H
#define PGWF_POOL_H

#include <pthread.h>
#include <stdbool.h>

typedef struct PgwfPool PgwfPool;

/*
 * A job; embedded in what it works on.  run is called once, in a thread of the
 * pool, and may free the job.  *thread_data belongs to the thread: NULL at
 * first, and handed to the pool's cleanup function when the thread ends.
 */
typedef struct PgwfJob
{
	struct PgwfJob *next;		/* in a list that is submitted */
	void		(*run) (struct PgwfJob *job, void **thread_data);
} PgwfJob;

extern PgwfPool *pgwf_pool_create(int max_threads,
								  void (*cleanup) (void *thread_data));
extern bool pgwf_pool_submit(PgwfPool *pool, PgwfJob *jobs);
extern int	pgwf_pool_threads(PgwfPool *pool);
extern bool pgwf_pool_destroy(PgwfPool *pool, int timeout_ms);

extern int	pgwf_thread_create(pthread_t *thread, void *(*main) (void *),
							   void *arg);
extern void pgwf_cond_init(pthread_cond_t *cond);
extern bool pgwf_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
						   int timeout_ms);

#endif							/* PGWF_POOL_H */
