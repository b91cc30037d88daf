/*
 * t_lost.c
 *		What is known, and what is sent again, when a connection breaks in the
 *		middle of a pipeline; against a server that breaks it on purpose.
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
#include "tap.h"

/* How long anything may take. */
#define LIMIT_MS	30000

/* ---- a server of one connection ---- */

typedef struct Server
{
	int			listener;
	int			port;
	int			good_syncs;		/* transactions whose end it tells */
}			Server;

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

/* The rest of a message behind its type; it has no meaning for us. */
static bool
skip_message(int fd)
{
	uint32_t	len;
	char		c;

	if (!read_all(fd, &len, sizeof(len)))
		return false;
	for (len = ntohl(len) - 4; len > 0; len--)
	{
		if (!read_all(fd, &c, 1))
			return false;
	}
	return true;
}

static void
answer(int fd, char type, const char *body, size_t len)
{
	uint32_t	size = htonl((uint32_t) len + 4);

	if (write(fd, &type, 1) != 1 || write(fd, &size, 4) != 4 ||
		write(fd, body, len) != (ssize_t) len)
		note("the client does not listen");
}

/*
 * Says yes to everything.  A Sync that ends executed statements is answered
 * good_syncs times, then the connection is closed in its place.
 */
static void *
server_main(void *arg)
{
	Server	   *server = arg;
	int			fd = accept(server->listener, NULL, NULL);
	bool		executed = false;
	char		type;

	if (!skip_message(fd))
		return NULL;
	answer(fd, 'R', "\0\0\0\0", 4);
	answer(fd, 'Z', "I", 1);
	while (read_all(fd, &type, 1) && skip_message(fd))
	{
		if (type == 'P')
			answer(fd, '1', "", 0);
		else if (type == 'B')
			answer(fd, '2', "", 0);
		else if (type == 'D')
			answer(fd, 'n', "", 0);
		else if (type == 'E' || type == 'Q')
			answer(fd, 'C', "SELECT 1", 9);
		if (type == 'S' && executed && server->good_syncs-- == 0)
			break;
		if (type == 'S' || type == 'Q')
			answer(fd, 'Z', "I", 1);
		executed = (type == 'E') || (executed && type != 'S');
	}
	close(fd);
	return NULL;
}

static void
begin_server(Server * server, pthread_t *thread)
{
	struct sockaddr_in address;
	socklen_t	len = sizeof(address);

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server->listener, (struct sockaddr *) &address, len) != 0 ||
		listen(server->listener, 1) != 0 ||
		getsockname(server->listener, (struct sockaddr *) &address,
					&len) != 0)
		abort();
	server->port = ntohs(address.sin_port);
	pthread_create(thread, NULL, server_main, server);
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
	pthread_t	thread;
	char		conninfo[200];
	int			answered = 0;
	int			i;

	begin_server(&server, &thread);
	snprintf(conninfo, sizeof(conninfo), "host=127.0.0.1 port=%d user=u "
			 "dbname=d sslmode=disable gssencmode=disable", server.port);
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
	pthread_join(thread, NULL);
	close(server.listener);
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
									json_pack("{s:s, s:s}", "taskToken", "t",
											  "heartbeatTimeout", "10s"));
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

int
main(void)
{
	test_pipeline(0, 0);
	test_pipeline(1, 2);
	test_pipeline(2, 3);
	test_heartbeat();
	return done_testing();
}
