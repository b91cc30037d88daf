/*-------------------------------------------------------------------------
 *
 * client_conn.c
 *	  The connections of a client, which its threads take for one call each.
 *
 * There are few: a call takes an idle one, the one used last, if there is
 * any.  Calls that the server answers at once share one connection: they wait
 * for each other rather than make another.  Those that may hold a
 * connection for long (because they wait in the server, or read a lot) make
 * connections up to the limit, but leave one to the short calls if the limit
 * is more than one.  Who must wait is served in the order of coming.  A
 * connection beyond the first that was not needed for a while is closed.
 *
 * The client's mutex guards the list of idle connections, the counts and the
 * list of waiters; nothing that takes time is done while it is held.
 * A connection that was taken belongs to the thread that took it.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_client.h"
#include "pgwf_pool.h"

/* Idle connections that are not the only one are closed after so long. */
#define IDLE_MS			60000

/*
 * How long the waits of calls may be, together, that take turns on one
 * connection; and the least of one.
 */
#define TURN_MS			500
#define MIN_TURN_MS		5

/* A thread that waits for a connection */
struct PgwfConnWaiter
{
	PgwfConnWaiter *next;
	pthread_cond_t cond;
	bool		is_long;
	PgwfConn   *conn;			/* NULL: still waiting */
};

/* Long calls may have so many connections. */
static int
max_long(const PgwfClient *client)
{
	return client->max_connections > 1 ? client->max_connections - 1 : 1;
}

/* May a call have a connection now?  The mutex is held. */
static bool
available(const PgwfClient *client, bool is_long)
{
	if (is_long && client->nlong >= max_long(client))
		return false;
	if (client->nidle > 0)
		return true;
	return client->nconns < client->max_connections &&
		(is_long || client->nconns == client->nlong);
}

/* Takes a connection that is available; the mutex is held. */
static PgwfConn *
take(PgwfClient *client, bool is_long)
{
	if (is_long)
		client->nlong++;
	if (client->nidle > 0)
		return client->idle[--client->nidle].conn;
	client->nconns++;
	return pgwf_conn_create(client->conninfo, "pgworkflow client");
}

/* Gives waiters what has become available; the mutex is held. */
static void
serve_waiters(PgwfClient *client)
{
	PgwfConnWaiter **link = &client->waiters;

	while (*link != NULL)
	{
		PgwfConnWaiter *waiter = *link;

		if (available(client, waiter->is_long))
		{
			waiter->conn = take(client, waiter->is_long);
			*link = waiter->next;
			pthread_cond_signal(&waiter->cond);
		}
		else
			link = &waiter->next;
	}
}

static void
add_waiter(PgwfClient *client, PgwfConnWaiter *waiter)
{
	PgwfConnWaiter **link = &client->waiters;

	while (*link != NULL)
		link = &(*link)->next;
	*link = waiter;
}

static void
remove_waiter(PgwfClient *client, PgwfConnWaiter *waiter)
{
	PgwfConnWaiter **link = &client->waiters;

	while (*link != waiter)
		link = &(*link)->next;
	*link = waiter->next;
}

/* Does anyone of that kind wait before a call that comes now? */
static int
count_waiters(const PgwfClient *client, bool is_long)
{
	const PgwfConnWaiter *waiter;
	int			n = 0;

	for (waiter = client->waiters; waiter != NULL; waiter = waiter->next)
		n += (waiter->is_long == is_long);
	return n;
}

/*
 * A connection for one call, which need not be open.  timeout_ms is how long
 * to wait for it, -1: no limit.  NULL if none came free in time.
 */
PgwfConn *
pgwf_client_take_conn(PgwfClient *client, bool is_long, int timeout_ms)
{
	int64_t		deadline = pgwf_clock_ms() + timeout_ms;
	PgwfConnWaiter waiter = {0};
	PgwfConn   *conn = NULL;

	pthread_mutex_lock(&client->mutex);
	if (!client->shared && !pthread_equal(client->user, pthread_self()))
		client->shared = true;
	if (count_waiters(client, is_long) == 0 && available(client, is_long))
		conn = take(client, is_long);
	else
	{
		waiter.is_long = is_long;
		pgwf_cond_init(&waiter.cond);
		add_waiter(client, &waiter);
		while (waiter.conn == NULL)
		{
			int64_t		left = timeout_ms < 0 ? -1 :
			deadline - pgwf_clock_ms();

			if (timeout_ms >= 0 && left <= 0)
				break;
			pgwf_cond_wait(&waiter.cond, &client->mutex, (int) left);
		}
		conn = waiter.conn;
		if (conn == NULL)
			remove_waiter(client, &waiter);
		pthread_cond_destroy(&waiter.cond);
	}
	if (conn != NULL && client->pooled)
		conn->pooled = true;
	pthread_mutex_unlock(&client->mutex);
	return conn;
}

/* Gives back what was taken. */
void
pgwf_client_return_conn(PgwfClient *client, PgwfConn *conn, bool is_long)
{
	int64_t		now = pgwf_clock_ms();
	PgwfConn   *unused = NULL;

	pthread_mutex_lock(&client->mutex);
	client->pooled = client->pooled || conn->pooled;
	if (is_long)
		client->nlong--;
	client->idle[client->nidle].conn = conn;
	client->idle[client->nidle].since_ms = now;
	client->nidle++;
	serve_waiters(client);
	if (client->nidle > 1 && client->idle[0].since_ms + IDLE_MS <= now)
	{
		unused = client->idle[0].conn;
		client->nidle--;
		client->nconns--;
		memmove(&client->idle[0], &client->idle[1],
				(size_t) client->nidle * sizeof(client->idle[0]));
	}
	pthread_mutex_unlock(&client->mutex);
	pgwf_conn_destroy(unused);
}

/*
 * How long a call that has taken a connection may wait in the server, if it
 * wants to wait so long: calls that share the last connection take turns.
 */
int
pgwf_client_turn_ms(PgwfClient *client, int wait_ms)
{
	int			turn = wait_ms;

	pthread_mutex_lock(&client->mutex);
	if (client->shared && client->nlong >= max_long(client))
	{
		turn = TURN_MS / (count_waiters(client, true) + 1);
		if (turn < MIN_TURN_MS)
			turn = MIN_TURN_MS;
	}
	pthread_mutex_unlock(&client->mutex);
	return turn < wait_ms ? turn : wait_ms;
}
