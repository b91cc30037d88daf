/*-------------------------------------------------------------------------
 *
 * client_group.c
 *	  Short writes of a client, such as starts and signals: those that come
 *	  while one is under way are sent together, in one statement.
 *
 * A thread that finds no exchange under way sends its call at once, by
 * itself.  Those that come meanwhile wait in a queue; when the exchange is
 * over, the first of them becomes the leader, who sends all that wait by then
 * as one call of execute_calls(), which is one transaction.  After a group
 * its threads are likely to come again, one after the other: the next leader
 * waits for as many, but for a moment only.
 *
 * When one of a group fails, none of it has happened: the one that failed is
 * repeated by itself, in its own thread, and the others once more as a group;
 * so all get the answer they would have got alone.  Every call is answered
 * after its transaction has committed.
 *
 * A group cannot lock its runs in the order in which workers do, as it does
 * not know them: the service refuses its calls that would have to wait for one
 * (55P03), which are then repeated by themselves, too.  Starts wait for others
 * of the same workflow id, so they are sent in the order of their ids.
 *
 * The client's mutex guards the queue, and is held to change the state of a
 * call in it.  What a call asks for is read by its leader while it is SENT,
 * and its answer is written by the leader before it is DONE.  Who makes a call
 * LEADS or DONE for another thread posts its semaphore once, without the mutex
 * that the thread would have to wait for; that is the last that he does with
 * the call.  A thread whose time is over leaves a call that was sent to its
 * leader, who frees it.
 */
#define _GNU_SOURCE				/* sem_clockwait() */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pgwf_client.h"

/*
 * Limits of a group beside PGWF_MAX_GROUP, in bytes of values.  A call that
 * has more is sent by itself.
 */
#define MAX_BYTES		(1024 * 1024)
#define MAX_CALL_BYTES	(64 * 1024)

/*
 * After more failures the calls that are left of a group are sent one by one,
 * and the next groups are smaller, until one succeeds.
 */
#define MAX_FAILURES	3
#define MIN_GROUP		4

/* A leader waits for others for half as long as the exchange before took. */
#define MAX_GATHER_US	1000

typedef enum WriteState
{
	WRITE_QUEUED,
	WRITE_LEADS,				/* still in the queue, first of it */
	WRITE_SENT,
	WRITE_DONE
} WriteState;

struct PgwfWrite
{
	PgwfWrite  *next;			/* in the queue */
	PgwfStmt	stmt;
	PgwfParams	params;
	size_t		size;			/* of its values */
	bool		alone;			/* not in a group */
	int64_t		begun_at;		/* when its time began to run */
	WriteState	state;			/* atomic */
	bool		abandoned;		/* its thread has gone */
	sem_t		turn;			/* posted: it LEADS or is DONE */

	/* of the last attempt */
	PgwfResult	code;
	PgwfErr		err;
	bool		sent;			/* it may have happened */
	bool		lost;			/* the connection was */
	bool		again;			/* it failed with others */
	PgwfStarted started;
};

static void
free_write(PgwfWrite *write)
{
	sem_destroy(&write->turn);
	pgwf_params_free(&write->params);
	pgwf_err_reset(&write->err);
	free(write);
}

/* ---- answers ---- */

static void
begin_attempt(PgwfWrite *write)
{
	write->code = PGWF_OK;
	write->sent = write->lost = write->again = false;
}

static void
set_failure(PgwfWrite *write, const PgwfConn *conn, PgwfResult code)
{
	write->code = code;
	write->lost = !pgwf_conn_is_open(conn);
	pgwf_err_copy(&write->err, &conn->err);
}

static void
set_timeout(PgwfWrite *write, const char *message)
{
	write->code = pgwf_err_set(&write->err, PGWF_DEADLINE_EXCEEDED, NULL,
							   "%s", message);
}

/* The answer of a start, as it is in a group; others have none. */
static void
read_answer(PgwfWrite *write, const PGresult *result, int row)
{
	json_t	   *json = pgwf_json_parse(pgwf_result_value(result, row, 0));

	pgwf_copy_text(write->started.run_id, sizeof(write->started.run_id),
				   pgwf_json_str(json, "run_id"));
	write->started.started = json_is_true(json_object_get(json, "started"));
	json_decref(json);
}

/* ---- sending ---- */

/* How long a call may still take; -1: no limit */
static int
time_left(const PgwfClient *client, const PgwfWrite *write)
{
	int64_t		left;

	if (client->call_timeout_ms < 0)
		return -1;
	left = write->begun_at + client->call_timeout_ms - pgwf_clock_ms();
	return left > 0 ? (int) left : 0;
}

/* One call as a statement of its own; leader: whose time counts */
static void
send_one(PgwfClient *client, PgwfConn *conn, PgwfWrite *write,
		 const PgwfWrite *leader)
{
	int			timeout_ms = time_left(client, leader);
	PGresult   *result;
	PgwfResult	code;

	begin_attempt(write);
	code = pgwf_conn_open(conn, client->connect_timeout_ms);
	if (code == PGWF_OK)
	{
		write->sent = true;
		code = pgwf_conn_exec(conn, write->stmt,
							  (const char *const *) write->params.values,
							  timeout_ms, &result);
		if (code == PGWF_OK)
			pgwf_started_read(result, &write->started);
		PQclear(result);
	}
	if (code != PGWF_OK)
		set_failure(write, conn, code);
}

/* The calls, and what they have in common; both are to be freed */
static void
group_texts(const PgwfClient *client, PgwfWrite *const *writes, int n,
			char **calls, char **arguments)
{
	PgwfCommonArgument common[] = {
		pgwf_common_argument("identity", client->identity),
		pgwf_common_argument("namespace", client->workflow_namespace)
	};
	int			ncommon = sizeof(common) / sizeof(common[0]);
	PgwfText	text = {0};
	PgwfText	common_text = {0};
	int			i;

	for (i = 0; i < n; i++)
	{
		pgwf_text_append(&text, i == 0 ? "[" : ",", 1);
		pgwf_stmt_append_call(&text, writes[i]->stmt,
							  (const char *const *) writes[i]->params.values,
							  common, ncommon);
	}
	pgwf_text_append(&text, "]", 1);
	pgwf_stmt_append_common(&common_text, common, ncommon);
	*calls = text.data;
	*arguments = common_text.data;
}

/* All of them in one statement.  None of them has happened if it fails. */
static PgwfResult
send_group(PgwfClient *client, PgwfConn *conn, PgwfWrite *const *writes,
		   int n, const PgwfWrite *leader)
{
	int			timeout_ms = time_left(client, leader);
	char	   *calls;
	char	   *arguments;
	const char *values[2];
	bool		sent = false;
	PGresult   *result = NULL;
	PgwfResult	code;
	int			i;

	code = pgwf_conn_open(conn, client->connect_timeout_ms);
	if (code == PGWF_OK)
	{
		sent = true;
		group_texts(client, writes, n, &calls, &arguments);
		values[0] = calls;
		values[1] = arguments;
		code = pgwf_conn_exec(conn, PGWF_STMT_EXECUTE_CALLS, values,
							  timeout_ms, &result);
		free(calls);
		free(arguments);
	}
	for (i = 0; i < n; i++)
	{
		begin_attempt(writes[i]);
		writes[i]->sent = sent;
		if (code == PGWF_OK)
			read_answer(writes[i], result, i);
		else
			set_failure(writes[i], conn, code);
	}
	PQclear(result);
	return code;
}

static int
compare_writes(const void *a, const void *b)
{
	const PgwfWrite *wa = *(PgwfWrite *const *) a;
	const PgwfWrite *wb = *(PgwfWrite *const *) b;

	return strcmp(wa->params.values[0], wb->params.values[0]);
}

/* Marks the call to be repeated by itself, and takes it out of the list. */
static int
take_out(PgwfWrite **writes, int n, int i)
{
	writes[i]->alone = writes[i]->again = true;
	memmove(&writes[i], &writes[i + 1],
			(size_t) (n - i - 1) * sizeof(PgwfWrite *));
	return n - 1;
}

/* The mutex is held. */
static void
limit_groups(PgwfClient *client, int n, bool succeeded)
{
	if (!succeeded)
		client->max_group = n / 2 > MIN_GROUP ? n / 2 : MIN_GROUP;
	else if (client->max_group < PGWF_MAX_GROUP)
		client->max_group *= 2;
	if (client->max_group > PGWF_MAX_GROUP)
		client->max_group = PGWF_MAX_GROUP;
}

/*
 * Sends the calls of a group, and again what is left of it when one of them
 * fails.  False if all had to be taken apart.
 */
static bool
exchange(PgwfClient *client, PgwfConn *conn, PgwfWrite *const *group, int n,
		 const PgwfWrite *leader)
{
	PgwfWrite  *writes[PGWF_MAX_GROUP];
	int			failures = 0;

	memcpy(writes, group, (size_t) n * sizeof(PgwfWrite *));
	qsort(writes, (size_t) n, sizeof(PgwfWrite *), compare_writes);
	while (n > 1 && failures <= MAX_FAILURES)
	{
		int			failed;

		if (send_group(client, conn, writes, n, leader) == PGWF_OK ||
			!pgwf_conn_is_open(conn))
			return true;
		failures++;
		failed = conn->err.call_number;
		if (failed < 1 || failed > n)
			break;
		n = take_out(writes, n, failed - 1);
	}
	if (n == 1)
	{
		send_one(client, conn, writes[0], leader);
		return true;
	}
	while (n > 0)
		n = take_out(writes, n, n - 1);
	return false;
}

/* ---- the queue; the mutex is held ---- */

static void
enqueue(PgwfClient *client, PgwfWrite *write)
{
	PgwfWrite **link = &client->writes;

	while (*link != NULL)
		link = &(*link)->next;
	write->next = NULL;
	*link = write;
	if (++client->nwrites == client->last_group)
		pthread_cond_signal(&client->gathered);
}

static void
dequeue(PgwfClient *client, PgwfWrite *write)
{
	PgwfWrite **link = &client->writes;

	while (*link != write)
		link = &(*link)->next;
	*link = write->next;
	client->nwrites--;
}

static void
set_state(PgwfWrite *write, WriteState state)
{
	__atomic_store_n(&write->state, state, __ATOMIC_RELEASE);
}

static WriteState
state_of(const PgwfWrite *write)
{
	return __atomic_load_n(&write->state, __ATOMIC_ACQUIRE);
}

/*
 * The exchange is over: the first that waits has the next.  Returns it, to be
 * told, or NULL.
 */
static PgwfWrite *
appoint_leader(PgwfClient *client)
{
	PgwfWrite  *next = client->writes;

	client->exchanging = next != NULL;
	if (next != NULL)
		set_state(next, WRITE_LEADS);
	return next;
}

/* ---- waiting for another thread; without the mutex ---- */

/* Tells the thread of a call (or NULL) that its state has changed. */
static void
tell(PgwfWrite *write)
{
	if (write != NULL)
		sem_post(&write->turn);
}

/* Waits to be told.  False if the time is over; -1 is without limit. */
static bool
wait_for_turn(PgwfWrite *write, int64_t timeout_ms)
{
	struct timespec until;
	int			rc;

	if (timeout_ms >= 0)
	{
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += timeout_ms / 1000;
		until.tv_nsec += timeout_ms % 1000 * 1000000;
		if (until.tv_nsec >= 1000000000)
		{
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
	}
	do
		rc = timeout_ms < 0 ? sem_wait(&write->turn) :
			sem_clockwait(&write->turn, CLOCK_MONOTONIC, &until);
	while (rc != 0 && errno == EINTR);
	return rc == 0;
}

/* ---- the queue again; the mutex is held ---- */

static int64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Waits a moment for those who went together before. */
static void
gather(PgwfClient *client)
{
	int64_t		us = client->last_us / 2;
	int64_t		until;
	struct timespec limit;

	until = clock_us() + (us < MAX_GATHER_US ? us : MAX_GATHER_US);
	limit.tv_sec = until / 1000000;
	limit.tv_nsec = until % 1000000 * 1000;
	while (client->nwrites < client->last_group &&
		   client->nwrites < client->max_group)
	{
		if (pthread_cond_timedwait(&client->gathered, &client->mutex,
								   &limit) == ETIMEDOUT)
			break;
	}
}

/* Takes what goes out together, the first of the queue at least. */
static int
take_group(PgwfClient *client, PgwfWrite **group)
{
	size_t		size = 0;
	int			n = 0;

	while (client->writes != NULL && n < client->max_group &&
		   (n == 0 || size + client->writes->size <= MAX_BYTES))
	{
		group[n] = client->writes;
		client->writes = group[n]->next;
		client->nwrites--;
		set_state(group[n], WRITE_SENT);
		size += group[n++]->size;
	}
	return n;
}

/* ---- attempts ---- */

/* A connection to send a call on; NULL, and the call's error, if too late */
static PgwfConn *
take_conn(PgwfClient *client, PgwfWrite *write)
{
	int			timeout_ms = time_left(client, write);
	PgwfConn   *conn = NULL;

	if (timeout_ms != 0)
		conn = pgwf_client_take_conn(client, false, timeout_ms);
	if (conn == NULL)
		set_timeout(write, "no connection of the client came free in time");
	return conn;
}

static void
attempt_alone(PgwfClient *client, PgwfWrite *write)
{
	PgwfConn   *conn;

	begin_attempt(write);
	conn = take_conn(client, write);
	if (conn == NULL)
		return;
	send_one(client, conn, write, write);
	pgwf_client_return_conn(client, conn, false);
}

/* Leads an exchange; the caller's call is the first of the queue. */
static void
lead(PgwfClient *client, PgwfWrite *write)
{
	PgwfWrite  *group[PGWF_MAX_GROUP];
	PgwfWrite  *next;
	PgwfConn   *conn;
	int64_t		begin;
	bool		succeeded = true;
	int			others = 0;
	int			n;
	int			i;

	pthread_mutex_lock(&client->mutex);
	gather(client);
	pthread_mutex_unlock(&client->mutex);
	conn = take_conn(client, write);
	pthread_mutex_lock(&client->mutex);
	if (conn == NULL)
	{
		dequeue(client, write);
		set_state(write, WRITE_DONE);
		next = appoint_leader(client);
		pthread_mutex_unlock(&client->mutex);
		tell(next);
		return;
	}
	n = take_group(client, group);
	pthread_mutex_unlock(&client->mutex);

	begin = clock_us();
	if (n == 1)
		send_one(client, conn, write, write);
	else
		succeeded = exchange(client, conn, group, n, write);
	pgwf_client_return_conn(client, conn, false);

	pthread_mutex_lock(&client->mutex);
	client->last_group = n;
	client->last_us = clock_us() - begin;
	if (n > 1)
		limit_groups(client, n, succeeded);
	for (i = 0; i < n; i++)
	{
		if (group[i]->abandoned)
		{
			free_write(group[i]);
			continue;
		}
		set_state(group[i], WRITE_DONE);
		if (group[i] != write)
			group[others++] = group[i];
	}
	next = appoint_leader(client);
	pthread_mutex_unlock(&client->mutex);
	tell(next);
	for (i = 0; i < others; i++)
		tell(group[i]);
}

/*
 * The time of a call that is in the queue is over.  Returns the state that it
 * had.
 */
static WriteState
give_up(PgwfClient *client, PgwfWrite *write)
{
	WriteState	state;

	pthread_mutex_lock(&client->mutex);
	state = state_of(write);
	if (state == WRITE_SENT)
		write->abandoned = true;
	else if (state == WRITE_QUEUED)
	{
		dequeue(client, write);
		set_timeout(write, "no answer from the server in time");
		set_state(write, WRITE_DONE);
	}
	pthread_mutex_unlock(&client->mutex);
	return state;
}

/*
 * Waits for the answer of a call that is in the queue, or for the lead.  False
 * if its time is over and it is its leader's.
 */
static bool
follow(PgwfClient *client, PgwfWrite *write)
{
	int			limit_ms = client->call_timeout_ms;

	/* a call may take so long when its connection has to be made first */
	if (limit_ms >= 0 && client->connect_timeout_ms >= 0)
		limit_ms += client->connect_timeout_ms;
	else
		limit_ms = -1;
	if (limit_ms >= 0)
	{
		int64_t		left = write->begun_at + limit_ms - pgwf_clock_ms();

		if (wait_for_turn(write, left > 0 ? left : 0))
			return true;
		switch (give_up(client, write))
		{
			case WRITE_QUEUED:
				return true;
			case WRITE_SENT:
				return false;
			case WRITE_LEADS:
			case WRITE_DONE:
				break;			/* it is being told */
		}
	}
	wait_for_turn(write, -1);
	return true;
}

/* In an exchange.  False if the call is no more the caller's. */
static bool
attempt_together(PgwfClient *client, PgwfWrite *write)
{
	bool		mine = true;
	bool		leads;

	begin_attempt(write);
	pthread_mutex_lock(&client->mutex);
	enqueue(client, write);
	leads = !client->exchanging;
	client->exchanging = true;
	set_state(write, leads ? WRITE_LEADS : WRITE_QUEUED);
	pthread_mutex_unlock(&client->mutex);
	if (!leads)
	{
		mine = follow(client, write);
		leads = mine && state_of(write) == WRITE_LEADS;
	}
	if (leads)
		lead(client, write);
	return mine;
}

/* Is there another attempt? */
static bool
goes_on(const PgwfClient *client, PgwfWrite *write, bool repeatable,
		PgwfRetry *retry)
{
	if (write->code == PGWF_OK || write->again || !write->lost ||
		(write->sent && !repeatable))
		return write->again;
	if (write->code != PGWF_DEADLINE_EXCEEDED)
		return pgwf_retry_wait(retry);

	/* it may have been the leader's time that was over */
	write->again = time_left(client, write) > 0;
	return write->again;
}

/*
 * Must the call be sent by itself?  A value that is null in JSON would be an
 * SQL null in a list of calls.
 */
static bool
must_be_alone(const PgwfClient *client, const PgwfParams *params)
{
	int			i;

	for (i = 0; i < params->n; i++)
	{
		if (params->values[i] != NULL &&
			strcmp(params->values[i], "null") == 0)
			return true;
	}
	return client->conninfo == NULL;
}

static size_t
size_of(const PgwfParams *params)
{
	size_t		size = 0;
	int			i;

	for (i = 0; i < params->n; i++)
	{
		if (params->values[i] != NULL)
			size += strlen(params->values[i]);
	}
	return size;
}

/*
 * Runs a short write whose first parameter is a workflow id, as
 * pgwf_client_call() does, but perhaps together with others.  Takes the
 * parameters over.  started, which may be NULL, is filled by starts.
 */
PgwfResult
pgwf_client_write(PgwfClient *client, PgwfStmt stmt, PgwfParams *params,
				  bool repeatable, PgwfStarted *started)
{
	PgwfRetry	retry;
	PgwfWrite  *write;
	PgwfResult	code;

	if (params->unwritable)
		return pgwf_client_unwritable(client, params);
	write = pgwf_xalloc(sizeof(PgwfWrite));
	write->stmt = stmt;
	write->params = *params;
	write->size = size_of(params);
	write->alone = must_be_alone(client, params) ||
		write->size > MAX_CALL_BYTES;
	sem_init(&write->turn, 0, 0);
	pgwf_retry_begin(&retry, client);
	do
	{
		if (!write->again)
			write->begun_at = pgwf_clock_ms();
		if (write->alone)
			attempt_alone(client, write);
		else if (!attempt_together(client, write))
			return pgwf_err_set(pgwf_client_err(client),
								PGWF_DEADLINE_EXCEEDED, NULL,
								"no answer from the server in time");
	} while (goes_on(client, write, repeatable, &retry));
	code = write->code;
	if (code != PGWF_OK)
		pgwf_err_copy(pgwf_client_err(client), &write->err);
	else if (started != NULL)
		*started = write->started;
	free_write(write);
	return code;
}
