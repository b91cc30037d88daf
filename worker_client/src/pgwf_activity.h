/*-------------------------------------------------------------------------
 *
 * pgwf_activity.h
 *	  One attempt of an activity in work, as the worker's main thread and the
 *	  thread that runs its function see it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_ACTIVITY_H
#define PGWF_ACTIVITY_H

#include <pthread.h>

#include "pgwf_conn.h"
#include "pgwf_instance.h"
#include "pgwf_pool.h"

/* What activities need of their worker; read-only while any of them lives. */
/* Functions that a test has put in the place of activities (testing.c). */
typedef struct PgwfMocks PgwfMocks;

extern PgwfActivityFn pgwf_mocks_find(PgwfMocks *mocks, const char *type,
									  void **arg);

typedef struct PgwfActivityHost
{
	PgwfRegistry *registry;
	PgwfMocks  *mocks;			/* of a test, or NULL */
	const char *conninfo;
	const char *identity;
	const char *workflow_namespace;
	const char *task_queue;
	bool		pooled;			/* see PgwfWorkerOptions */
	int			max_heartbeat_ms;
	int			default_heartbeat_ms;

	/* in any thread: a heartbeat is to be sent */
	void		(*notify) (void *arg);

	/* in the activity's thread, its last act on it: the outcome is there */
	void		(*done) (PgwfActivity *activity, void *arg);
	void	   *arg;
} PgwfActivityHost;

/* How an attempt is to be reported. */
typedef enum PgwfActivityEnd
{
	PGWF_END_COMPLETED,			/* with result */
	PGWF_END_FAILED,			/* with failure */
	PGWF_END_CANCELED,			/* with details of failure */
	PGWF_END_ASYNC,				/* a client does; flush the heartbeat */
	PGWF_END_REPORTED,			/* committed with its own transaction */
	PGWF_END_DROPPED			/* not at all: it is nobody's any more */
} PgwfActivityEnd;

/* Texts that a local activity's info points to */
#define PGWF_ACTIVITY_TEXTS		5

struct PgwfActivity
{
	PgwfJob		job;			/* first: cast back from it */
	const PgwfActivityHost *host;
	PgwfActivityInfo info;
	PgwfActivityFn fn;
	void	   *fn_arg;
	PgwfNode   *task;			/* owns the texts of info, or is NULL */
	char	   *texts[PGWF_ACTIVITY_TEXTS]; /* likewise, of a local one */

	/* the function's, and gone with it */
	json_t	   *input;
	json_t	   *heartbeat_details;	/* for info, or NULL */
	json_t	   *header;

	/* the main thread's */
	PgwfActivity *prev;
	PgwfActivity *next;
	PgwfActivity *done_next;
	void	   *run;			/* local: whose it is; NULL: nobody's */
	int64_t		local_seq;
	bool		local_s2c;		/* its timeout is the schedule-to-close one */
	bool		lent;			/* to the executor's thread */
	int64_t		requested_ms;	/* local: when it was asked for */
	int64_t		begin_ms;		/* local: not before */
	int64_t		deadline_ms;	/* monotonic; 0: none */
	int			throttle_ms;	/* between two heartbeats sent */

	/* guarded by mutex */
	pthread_mutex_t mutex;
	pthread_cond_t changed;		/* canceled was set */
	PgwfCancelReason canceled;
	bool		async;
	json_t	   *details;		/* latest heartbeat's, or NULL */
	bool		details_unsent;
	int64_t		next_send_ms;	/* no heartbeat is sent before */
	int64_t		last_beat_ms;	/* of the function, or the start */

	/* the activity's thread's until done, then the main thread's */
	void	  **thread_data;	/* a PgwfConn, once one was asked for */
	bool		in_transaction;
	PgwfActivityEnd end;
	json_t	   *result;			/* of local ones, or: */
	char	   *result_text;	/* the same as a list */
	PgwfFailure *failure;
};

extern PgwfActivity *pgwf_activity_create(const PgwfActivityHost *host,
										  PgwfNode *task);
extern PgwfActivity *pgwf_activity_create_local(const PgwfActivityHost *host,
												const PgwfLocalRequest *request,
												const char *workflow_id,
												const char *run_id,
												const char *workflow_type);
extern void pgwf_activity_free(PgwfActivity *activity);
extern void pgwf_activity_job(PgwfJob *job, void **thread_data);
extern void pgwf_activity_cleanup(void *thread_data);

extern void pgwf_activity_cancel(PgwfActivity *activity,
								 PgwfCancelReason reason);
extern int64_t pgwf_activity_tick(PgwfActivity *activity, int64_t now,
								  bool *send);
extern char *pgwf_activity_take_details(PgwfActivity *activity, int64_t now);
extern void pgwf_activity_heartbeat_lost(PgwfActivity *activity, int64_t now);
extern char *pgwf_activity_last_details(PgwfActivity *activity);

#endif							/* PGWF_ACTIVITY_H */
