/*
 * poll_api.c
 *		Reads a long list from an HTTP API, page after page, waiting for those
 *		that are not there yet.  Heartbeats keep the place: when the worker
 *		dies, another one goes on with the page that was next.
 *
 *	poll_api							the worker, until Control-C
 *	poll_api start PORT					sums the numbers of all pages
 *	poll_api serve PORT FOLDER			the API: GET /N answers with the file N
 *										of the folder, or 202 while there is
 *										none; a page "end" is the last
 *
 * Build, with the library installed:
 *
 *	cc poll_api.c -o poll_api $(pkg-config --cflags --libs pgworkflow)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <pgworkflow.h>

#define TASK_QUEUE "pages"
#define PAUSE_MS 100			/* before asking again for a page */

static struct sockaddr_in
local_address(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	address.sin_port = htons((uint16_t) port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

/* ---- the activity ---- */

/*
 * GET /page.  Returns the HTTP status, 0 if there is no answer; the body goes
 * to "body".
 */
static int
http_get(int port, json_int_t page, char *body, size_t size)
{
	struct sockaddr_in address = local_address(port);
	struct timeval limit = {.tv_sec = 5};
	char		request[64],
				answer[512];
	const char *text;
	size_t		length = 0;
	ssize_t		n;
	int			status = 0;
	int			s = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	snprintf(request, sizeof(request), "GET /%lld HTTP/1.0\r\n\r\n",
			 (long long) page);
	if (connect(s, (struct sockaddr *) &address, sizeof(address)) == 0 &&
		send(s, request, strlen(request), MSG_NOSIGNAL) > 0)
	{
		while (length < sizeof(answer) - 1 &&
			   (n = read(s, answer + length, sizeof(answer) - 1 - length)) > 0)
			length += (size_t) n;
	}
	close(s);
	answer[length] = '\0';
	text = strstr(answer, "\r\n\r\n");
	if (text == NULL || sscanf(answer, "HTTP/1.%*d %d", &status) != 1)
		return 0;
	snprintf(body, size, "%s", text + 4);
	return status;
}

/* [port]: {"pages": n, "sum": n} */
static json_t *
read_pages(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const PgwfActivityInfo *info = pgwf_activity_info(activity);
	int			port = (int) json_integer_value(json_array_get(input, 0));
	json_int_t	page = 1,
				sum = 0;
	char		body[64];

	/* an earlier attempt has said how far it was */
	if (info->heartbeat_details != NULL)
		json_unpack((json_t *) info->heartbeat_details, "[I, I]", &page, &sum);
	pgwf_activity_log(activity, PGWF_LOG_INFO, "attempt %d begins with page %d",
					  info->attempt, (int) page);
	for (;;)
	{
		int			status = http_get(port, page, body, sizeof(body));
		json_t	   *progress;
		bool		go_on;

		if (status != 200 && status != 202)
		{
			*failure = pgwf_failure_new("HttpError", "page %d: status %d",
										(int) page, status);
			return NULL;
		}
		if (status == 200 && strncmp(body, "end", 3) == 0)
			return json_pack("{s:I, s:I}", "pages", page - 1, "sum", sum);
		if (status == 200)
		{
			sum += atoll(body);
			page++;
		}

		/* costs nothing: the library sends one from time to time */
		progress = json_pack("[I, I]", page, sum);
		go_on = pgwf_activity_heartbeat(activity, progress);
		json_decref(progress);
		if (!go_on ||
			(status == 202 &&
			 pgwf_activity_wait_canceled(activity, PAUSE_MS) !=
			 PGWF_NOT_CANCELED))
		{
			*failure = pgwf_activity_canceled_failure(activity, NULL);
			return NULL;
		}
	}
}

/* ---- the workflow ---- */

static json_t *
import(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *result;

	/* it may take a day, but a worker that is silent for 2 s is dead */
	options.start_to_close_timeout_ms = INT64_C(24) * 3600 * 1000;
	options.heartbeat_timeout_ms = 2000;
	if (!pgwf_execute_activity(wf, "read_pages", input, &options, &result,
							   failure))
		return NULL;
	return result;
}

/* ---- the program ---- */

static PgwfWorker *worker;

static void
stop(int signo)
{
	pgwf_worker_stop(worker);
}

static void
print_log(PgwfLogLevel level, const char *message, void *arg)
{
	if (level >= PGWF_LOG_INFO)
		fprintf(stderr, "%s\n", message);
}

static int
run_worker(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfResult	result;

	pgwf_register_workflow(registry, "import", import, NULL);
	pgwf_register_activity(registry, "read_pages", read_pages, NULL);
	pgwf_registry_set_log(registry, print_log, NULL);
	options.task_queue = TASK_QUEUE;
	options.sticky_timeout_ms = 1000;	/* its runs wait for it so long */
	worker = pgwf_worker_new(&options, registry, NULL);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	result = pgwf_worker_run(worker);
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_worker_error(worker));
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
	return result == PGWF_OK ? 0 : 1;
}

static int
start(int port)
{
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfHandle *handle;
	PgwfOutcome outcome;
	PgwfResult	result;
	char		id[64];

	snprintf(id, sizeof(id), "import-%lld", (long long) time(NULL));
	options.workflow_id = id;
	options.workflow_type = "import";
	options.task_queue = TASK_QUEUE;
	options.input = json_pack("[i]", port);
	result = pgwf_handle_start(client, &options, &handle);
	json_decref(options.input);
	if (result == PGWF_OK)
	{
		result = pgwf_handle_result(handle, 0, &outcome);
		if (result == PGWF_OK && outcome.result != NULL)
			json_dumpf(json_array_get(outcome.result, 0), stdout, 0);
		else if (result == PGWF_OK)
			fputs(outcome.status, stdout);
		putchar('\n');
		pgwf_outcome_clear(&outcome);
	}
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_client_error(client));
	pgwf_handle_free(handle);
	pgwf_client_free(client);
	return result == PGWF_OK ? 0 : 1;
}

/* ---- the API ---- */

static void
answer(int s, const char *folder)
{
	char		request[256],
				path[PATH_MAX],
				body[64] = "";
	ssize_t		n = read(s, request, sizeof(request) - 1);
	int			page = 0;
	FILE	   *file;
	bool		found;

	request[n > 0 ? n : 0] = '\0';
	if (sscanf(request, "GET /%d ", &page) != 1)
		return;
	snprintf(path, sizeof(path), "%s/%d", folder, page);
	file = fopen(path, "r");
	found = file != NULL;
	if (found)
	{
		if (fgets(body, sizeof(body), file) == NULL)
			body[0] = '\0';
		fclose(file);
	}
	dprintf(s, "HTTP/1.0 %s\r\n\r\n%s", found ? "200 OK" : "202 Accepted",
			body);
	printf("page %d: %d\n", page, found ? 200 : 202);
	fflush(stdout);
}

static int
serve(int port, const char *folder)
{
	struct sockaddr_in address = local_address(port);
	int			on = 1;
	int			listener = socket(AF_INET, SOCK_STREAM, 0);
	int			s;

	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		listen(listener, 10) != 0)
	{
		perror("poll_api");
		return 1;
	}
	while ((s = accept(listener, NULL, NULL)) >= 0 || errno == EINTR)
	{
		if (s < 0)
			continue;
		answer(s, folder);
		close(s);
	}
	return 1;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "start") == 0)
		return start(atoi(argv[2]));
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve(atoi(argv[2]), argv[3]);
	return run_worker();
}
