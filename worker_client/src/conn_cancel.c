/*-------------------------------------------------------------------------
 *
 * conn_cancel.c
 *	  Asking the server to end a connection's running statement.
 *
 * libpq's PQcancel() blocks for as long as connecting does, so a thread of
 * its own carries each request.  It shares a PgwfCancels with the connection,
 * whose mutex guards it; the request may outlive the connection.
 *
 *-------------------------------------------------------------------------
 */
#include <pthread.h>
#include <stdlib.h>

#include "pgwf_conn.h"
#include "pgwf_pool.h"

/* How long a connection's end waits for requests on their way. */
#define CANCEL_MS	1000

/*
 * What the threads that carry requests to cancel share with their connection.
 * It is freed by whoever leaves it last.
 */
struct PgwfCancels
{
	pthread_mutex_t mutex;
	pthread_cond_t ended;		/* a thread has */
	int			running;
	bool		orphaned;		/* the connection has left */
};

/* What such a thread owns. */
typedef struct CancelJob
{
	PGcancel   *cancel;
	PgwfCancels *cancels;
} CancelJob;

static void
free_cancels(PgwfCancels *cancels)
{
	pthread_cond_destroy(&cancels->ended);
	pthread_mutex_destroy(&cancels->mutex);
	free(cancels);
}

static void
leave_cancels(PgwfCancels *cancels)
{
	bool		last;

	pthread_mutex_lock(&cancels->mutex);
	cancels->running--;
	last = cancels->orphaned && cancels->running == 0;
	pthread_cond_signal(&cancels->ended);
	pthread_mutex_unlock(&cancels->mutex);
	if (last)
		free_cancels(cancels);
}

static void *
cancel_main(void *arg)
{
	CancelJob  *job = arg;
	char		errbuf[256];

	/* too late or not delivered: the waiter has a time limit of its own */
	PQcancel(job->cancel, errbuf, sizeof(errbuf));
	PQfreeCancel(job->cancel);
	leave_cancels(job->cancels);
	free(job);
	return NULL;
}

/*
 * Ask the server to end the running statement.  PQcancel may block for as
 * long as connecting does, so a thread of its own runs it.
 */
void
pgwf_conn_cancel(PgwfConn *conn)
{
	PGcancel   *cancel = PQgetCancel(conn->pg);
	CancelJob  *job;
	pthread_t	thread;

	if (cancel == NULL)
		return;
	if (conn->cancels == NULL)
	{
		conn->cancels = pgwf_xalloc(sizeof(PgwfCancels));
		pthread_mutex_init(&conn->cancels->mutex, NULL);
		pgwf_cond_init(&conn->cancels->ended);
	}
	job = pgwf_xalloc(sizeof(CancelJob));
	job->cancel = cancel;
	job->cancels = conn->cancels;
	pthread_mutex_lock(&conn->cancels->mutex);
	conn->cancels->running++;
	pthread_mutex_unlock(&conn->cancels->mutex);
	if (pgwf_thread_create(&thread, cancel_main, job) == 0)
	{
		pthread_detach(thread);
		return;
	}
	PQfreeCancel(cancel);
	leave_cancels(conn->cancels);
	free(job);
}

/*
 * Let requests to cancel arrive before the process may end: one that breaks
 * off in the middle makes PgBouncer 1.18 stop.  They take as long as
 * connecting does, and no more than CANCEL_MS is given to them.
 */
void
pgwf_conn_wait_for_cancels(PgwfConn *conn)
{
	PgwfCancels *cancels = conn->cancels;
	int64_t		until = pgwf_clock_ms() + CANCEL_MS;
	bool		last;

	if (cancels == NULL)
		return;
	conn->cancels = NULL;
	pthread_mutex_lock(&cancels->mutex);
	while (cancels->running > 0)
	{
		int64_t		left = until - pgwf_clock_ms();

		if (left <= 0)
			break;
		pgwf_cond_wait(&cancels->ended, &cancels->mutex, (int) left);
	}
	cancels->orphaned = true;
	last = cancels->running == 0;
	pthread_mutex_unlock(&cancels->mutex);
	if (last)
		free_cancels(cancels);
}
