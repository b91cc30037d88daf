/*
 * t_lost.c
 *		What is known, and what is sent again, when a connection breaks in the
 *		middle of a pipeline or a message is lost; against a server that does
 *		such things on purpose.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pgwf_activity.h"
#include "pgwf_conn.h"
#include "pgwf_pool.h"
#include "tap.h"

/* How long anything may take. */
#define LIMIT_MS	30000

/* ---- a server ---- */

typedef struct Session Session;

struct Session
{
	struct Server *server;
	int			fd;
	char		statement[64];	/* that is bound */
	bool		executed;		/* since the last Sync */
	bool		held;			/* a wait is not answered */
	Session    *next;
};

typedef struct Server
{
	int			listener;
	pthread_t	thread;
	pthread_mutex_t mutex;		/* guards what follows */
	int			good_syncs;		/* transactions whose end it tells */
	const char *task;			/* the first poll for activities gets it */
	int			deaf_cancels;	/* requests to cancel that come too early */
	pthread_cond_t changed;
	int			nwaits;			/* calls of wait_and_poll */
	int			wait_fd;		/* where the last one is held */
	Session    *sessions;		/* those that are open */
	bool		released;		/* the activity may end */
} Server;

static bool
read_all(int fd, void *buf, size_t len)
{
	char	   *p = buf;

	while (len > 0)
	{
		ssize_t		n = read(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t) n;
	}
	return true;
}

/* The rest of a message behind its type: its length, or -1. */
static int
read_body(int fd, char *buf, size_t size)
{
	uint32_t	len;

	if (!read_all(fd, &len, sizeof(len)))
		return -1;
	len = ntohl(len) - 4;
	memset(buf, 0, size);
	if (len >= size || !read_all(fd, buf, len))
		return -1;
	return (int) len;
}

static void
answer(int fd, char type, const char *body, size_t len)
{
	uint32_t	size = htonl((uint32_t) len + 4);

	/* a client that has gone is no trouble */
	if (send(fd, &type, 1, MSG_NOSIGNAL) != 1 ||
		send(fd, &size, 4, MSG_NOSIGNAL) != 4 ||
		send(fd, body, len, MSG_NOSIGNAL) != (ssize_t) len)
		return;
}

/* A request to cancel: the first ones have no effect. */
static void
serve_cancel(Server *server)
{
	static const char error[] = "SERROR\0C57014\0Mcanceled\0";

	pthread_mutex_lock(&server->mutex);
	if (server->deaf_cancels-- <= 0 && server->wait_fd >= 0)
	{
		answer(server->wait_fd, 'E', error, sizeof(error));
		answer(server->wait_fd, 'Z', "I", 1);
		server->wait_fd = -1;
	}
	pthread_mutex_unlock(&server->mutex);
}

/* Gives the task in a row of one column, the first time. */
static void
serve_task(Session *session)
{
	Server	   *server = session->server;
	static const char column[] = "\0\1" "t\0" "\0\0\0\0" "\0\0"
	"\0\0\0\162" "\377\377" "\377\377\377\377" "\0";
	char		row[1000] = {0, 1};
	uint32_t	len = htonl((uint32_t) strlen(server->task));

	answer(session->fd, 'T', column, sizeof(column));
	memcpy(row + 2, &len, 4);
	memcpy(row + 6, server->task, strlen(server->task));
	answer(session->fd, 'D', row, strlen(server->task) + 6);
	server->task = NULL;
}

/* False: the connection is to be closed. */
static bool
serve_message(Session *session, char type, const char *body)
{
	Server	   *server = session->server;
	bool		poll_activity;

	poll_activity = server->task != NULL &&
		strcmp(session->statement, "poll_activity_task_queue") == 0;
	switch (type)
	{
		case 'P':
			answer(session->fd, '1', "", 0);
			break;
		case 'B':
			snprintf(session->statement, sizeof(session->statement), "%s",
					 body + strlen(body) + 1);
			answer(session->fd, '2', "", 0);
			break;
		case 'D':
			if (!poll_activity)
				answer(session->fd, 'n', "", 0);
			break;
		case 'E':
			session->executed = true;
			if (strcmp(session->statement, "wait_and_poll") == 0)
			{
				server->nwaits++;
				server->wait_fd = session->fd;
				pthread_cond_broadcast(&server->changed);
				session->held = true;
				break;
			}
			if (poll_activity)
				serve_task(session);
			answer(session->fd, 'C', "SELECT 1", 9);
			break;
		case 'Q':
			answer(session->fd, 'C', "SELECT 1", 9);
			answer(session->fd, 'Z', "I", 1);
			break;
		case 'S':
			if (session->executed && server->good_syncs-- == 0)
				return false;
			session->executed = false;
			if (!session->held)
				answer(session->fd, 'Z', "I", 1);
			session->held = false;
			break;
	}
	return true;
}

static void *
session_main(void *arg)
{
	Session    *session = arg;
	Server	   *server = session->server;
	char		body[4000];
	char		type;
	bool		good = true;
	Session   **link;

	if (read_body(session->fd, body, sizeof(body)) < 0)
		note("no startup message");
	else if (memcmp(body, "\x04\xd2\x16\x2e", 4) == 0)
		serve_cancel(server);
	else
	{
		answer(session->fd, 'R', "\0\0\0\0", 4);
		answer(session->fd, 'K', "\0\0\0\1\0\0\0\1", 8);
		answer(session->fd, 'Z', "I", 1);
		while (good && read_all(session->fd, &type, 1) &&
			   read_body(session->fd, body, sizeof(body)) >= 0)
		{
			pthread_mutex_lock(&server->mutex);
			good = serve_message(session, type, body);
			pthread_mutex_unlock(&server->mutex);
		}
	}
	pthread_mutex_lock(&server->mutex);
	if (server->wait_fd == session->fd)
		server->wait_fd = -1;
	for (link = &server->sessions; *link != session; link = &(*link)->next)
		;
	*link = session->next;
	close(session->fd);
	pthread_mutex_unlock(&server->mutex);
	free(session);
	return NULL;
}

/*
 * Says yes to everything.  A Sync that ends executed statements is answered
 * good_syncs times, then the connection is closed in its place.
 */
static void *
server_main(void *arg)
{
	Server	   *server = arg;
	pthread_t	threads[64];
	int			nthreads = 0;
	int			fd;

	while (nthreads < 64 && (fd = accept(server->listener, NULL, NULL)) >= 0)
	{
		Session    *session = calloc(1, sizeof(Session));

		session->server = server;
		session->fd = fd;
		pthread_mutex_lock(&server->mutex);
		session->next = server->sessions;
		server->sessions = session;
		pthread_mutex_unlock(&server->mutex);
		pthread_create(&threads[nthreads++], NULL, session_main, session);
	}
	while (nthreads > 0)
		pthread_join(threads[--nthreads], NULL);
	return NULL;
}

static void
begin_server(Server *server, char *conninfo, size_t size)
{
	struct sockaddr_in address;
	socklen_t	len = sizeof(address);

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server->listener, (struct sockaddr *) &address, len) != 0 ||
		listen(server->listener, 8) != 0 ||
		getsockname(server->listener, (struct sockaddr *) &address,
					&len) != 0)
		abort();
	snprintf(conninfo, size, "host=127.0.0.1 port=%d user=u dbname=d "
			 "sslmode=disable gssencmode=disable", ntohs(address.sin_port));
	server->wait_fd = -1;
	pthread_mutex_init(&server->mutex, NULL);
	pgwf_cond_init(&server->changed);
	pthread_create(&server->thread, NULL, server_main, server);
}

static void
end_server(Server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->mutex);
}

/* ---- pipelines ---- */

/* Two transactions, of two requests and of one. */
static void
test_pipeline(int good_syncs, int nknown)
{
	Server		server = {.good_syncs = good_syncs};
	PgwfRequest *requests[3];
	PgwfConn   *conn;
	PgwfResult	code;
	char		conninfo[200];
	int			answered = 0;
	int			i;

	begin_server(&server, conninfo, sizeof(conninfo));
	conn = pgwf_conn_create(conninfo, "test");
	is_int(pgwf_conn_open(conn, LIMIT_MS), PGWF_OK, "connected");
	for (i = 0; i < 3; i++)
	{
		requests[i] = pgwf_request_create(PGWF_STMT_SHUTDOWN_WORKER);
		requests[i]->group = i / 2;
	}
	code = pgwf_conn_pipeline(conn, requests, 3, LIMIT_MS);
	is_int(code, nknown < 3 ? PGWF_UNAVAILABLE : PGWF_OK,
		   "%d of 2 transactions end", good_syncs);
	ok(pgwf_conn_is_open(conn) == (nknown == 3), "the loss is noticed");
	for (i = 0; i < 3; i++)
	{
		if (requests[i]->result != NULL)
			answered++;
		is_int(requests[i]->err.code, PGWF_OK, "no error of request %d", i);
		pgwf_request_destroy(requests[i]);
	}
	is_int(answered, nknown, "the outcome of %d requests is known", nknown);
	pgwf_conn_destroy(conn);
	end_server(&server);
}

/* ---- heartbeats ---- */

static void
nothing(void *arg)
{
	(void) arg;
}

static void
test_heartbeat(void)
{
	PgwfActivityHost host = {
		.registry = pgwf_registry_new(),
		.task_queue = "q",
		.max_heartbeat_ms = 60000,
		.default_heartbeat_ms = 30000,
		.notify = nothing
	};
	PgwfActivity *activity;
	json_t	   *details = json_integer(7);
	int64_t		now = pgwf_clock_ms();
	char	   *text;
	bool		send;

	activity = pgwf_activity_create(&host,
									pgwf_node_parse("{\"taskToken\": \"t\", "
													"\"heartbeatTimeout\": "
													"\"10s\"}"));
	ok(pgwf_activity_heartbeat(activity, details), "a heartbeat");
	pgwf_activity_tick(activity, now, &send);
	ok(send, "is sent at once");
	free(pgwf_activity_take_details(activity, now));
	pgwf_activity_tick(activity, now + 7999, &send);
	ok(!send, "and not again");
	text = pgwf_activity_last_details(activity);
	ok(text == NULL, "not even with a failure");
	free(text);

	pgwf_activity_heartbeat_lost(activity, now + 1);
	is_int(pgwf_activity_tick(activity, now + 2, &send), now + 1001,
		   "one that was lost is due soon");
	ok(!send, "but not at once");
	pgwf_activity_tick(activity, now + 1001, &send);
	ok(send, "then it is sent again");
	text = pgwf_activity_last_details(activity);
	is_str(text, "[7]", "with its details, or a failure takes them along");
	free(text);
	pgwf_activity_free(activity);
	json_decref(details);
	pgwf_registry_free(host.registry);
}

/* ---- requests to cancel ---- */

static json_t *
until_released(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	Server	   *server = pgwf_activity_arg(activity);

	(void) input;
	(void) failure;
	pthread_mutex_lock(&server->mutex);
	while (!server->released)
		pthread_cond_wait(&server->changed, &server->mutex);
	pthread_mutex_unlock(&server->mutex);
	return NULL;
}

static json_t *
no_workflow(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) wf;
	(void) failure;
	return input;
}

static void *
worker_main(void *arg)
{
	pgwf_worker_run(arg);
	return NULL;
}

static bool
wait_called(Server *server, int times)
{
	bool		called;

	pthread_mutex_lock(&server->mutex);
	while (server->nwaits < times &&
		   pgwf_cond_wait(&server->changed, &server->mutex, LIMIT_MS))
		;
	called = server->nwaits >= times;
	pthread_mutex_unlock(&server->mutex);
	return called;
}

/*
 * While its only activity runs, a worker waits for workflow tasks alone.  When
 * it has ended it waits for both; the server does not hear the first requests
 * to cancel the call that is under way.
 */
static void
test_cancel(void)
{
	Server		server = {
		.good_syncs = 1000000,
		.deaf_cancels = 2,
		.task = "{\"taskToken\": \"t\", \"activityType\": {\"name\": \"a\"}}"
	};
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorker *worker;
	pthread_t	thread;
	char		conninfo[200];

	begin_server(&server, conninfo, sizeof(conninfo));
	pgwf_register_activity(registry, "a", until_released, &server);
	pgwf_register_workflow(registry, "w", no_workflow, NULL);
	options.conninfo = conninfo;
	options.task_queue = "q";
	options.max_concurrent_activities = 1;
	options.max_cached_workflows = -1;
	worker = pgwf_worker_new(&options, registry, NULL);
	pthread_create(&thread, NULL, worker_main, worker);
	ok(wait_called(&server, 1), "a busy worker waits");
	pthread_mutex_lock(&server.mutex);
	server.released = true;
	pthread_cond_broadcast(&server.changed);
	pthread_mutex_unlock(&server.mutex);
	ok(wait_called(&server, 2), "with a free slot it waits for more, "
	   "although requests to cancel got lost");
	pgwf_worker_stop(worker);
	pthread_join(thread, NULL);
	is_str(pgwf_worker_error(worker), "", "and ends in order");
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
	end_server(&server);
}

/* ---- stopping ---- */

/* A worker with nothing to answer does not wait for a server that is gone. */
static void
test_stop(void)
{
	Server		server = {.good_syncs = 1000000};
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfWorker *worker;
	Session    *session;
	pthread_t	thread;
	char		conninfo[200];
	int64_t		began;

	begin_server(&server, conninfo, sizeof(conninfo));
	pgwf_register_workflow(registry, "w", no_workflow, NULL);
	options.conninfo = conninfo;
	options.task_queue = "q";
	worker = pgwf_worker_new(&options, registry, NULL);
	pthread_create(&thread, NULL, worker_main, worker);
	ok(wait_called(&server, 1), "a worker waits");
	shutdown(server.listener, SHUT_RDWR);
	pthread_mutex_lock(&server.mutex);
	for (session = server.sessions; session != NULL; session = session->next)
		shutdown(session->fd, SHUT_RDWR);
	pthread_mutex_unlock(&server.mutex);
	began = pgwf_clock_ms();
	pgwf_worker_stop(worker);
	pthread_join(thread, NULL);
	ok(pgwf_clock_ms() - began < 10000,
	   "stopping does not take as long as activities might");
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
	end_server(&server);
}

int
main(void)
{
	test_pipeline(0, 0);
	test_pipeline(1, 2);
	test_pipeline(2, 3);
	test_heartbeat();
	test_cancel();
	test_stop();
	return done_testing();
}
