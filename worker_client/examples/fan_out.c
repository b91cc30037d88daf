/*
 * fan_out.c
 *		Checksums all files of a folder, an activity each, 20 at a time, and
 *		adds up the results.
 *
 *	fan_out							the worker, until Control-C
 *	fan_out start FOLDER			prints files, bytes and checksum; a folder
 *									that is not there is made, with 500 files
 *
 * Twenty coroutines of the workflow share the list of files: each takes the
 * next one, waits for its activity, and comes back for more.  With ten
 * thousand files and more, let the workflow continue as new on the way, or
 * give parts to children, before its history grows too long.
 *
 * Build, with the library installed:
 *
 *	cc fan_out.c -o fan_out $(pkg-config --cflags --libs pgworkflow)
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <pgworkflow.h>

#define TASK_QUEUE "checksums"
#define AT_A_TIME 20
#define MADE_FILES 500

/* ---- activities ---- */

/* A failure that tells what the system says of a file. */
static PgwfFailure *
file_failure(const char *path)
{
	return pgwf_failure_new("FileError", "%s: %s", path, strerror(errno));
}

/* [folder]: the paths of its files. */
static json_t *
list_files(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const char *folder = json_string_value(json_array_get(input, 0));
	DIR		   *dir = folder ? opendir(folder) : NULL;
	json_t	   *files = json_array();
	struct dirent *entry;

	if (dir == NULL)
	{
		*failure = file_failure(folder ? folder : "no folder");
		pgwf_failure_set_non_retryable(*failure);
		json_decref(files);
		return NULL;
	}
	while ((entry = readdir(dir)) != NULL)
	{
		json_t	   *path = json_sprintf("%s/%s", folder, entry->d_name);
		struct stat st;

		if (stat(json_string_value(path), &st) == 0 && S_ISREG(st.st_mode))
			json_array_append(files, path);
		json_decref(path);
	}
	closedir(dir);
	return files;
}

/* [path]: {"bytes": n, "crc32": n} */
static json_t *
checksum(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const char *path = json_string_value(json_array_get(input, 0));
	FILE	   *file = path ? fopen(path, "rb") : NULL;
	uint32_t	crc = 0xffffffff;
	json_int_t	bytes = 0;
	int			c,
				bit;

	if (file == NULL)
	{
		*failure = file_failure(path ? path : "no path");
		return NULL;
	}
	for (; (c = getc(file)) != EOF; bytes++)
	{
		crc ^= (uint32_t) c;
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
	}
	if (ferror(file))
		*failure = file_failure(path);
	fclose(file);
	return json_pack("{s:I, s:I}", "bytes", bytes,
					 "crc32", (json_int_t) (crc ^ 0xffffffff));
}

/* ---- the workflow ---- */

typedef struct Work
{
	json_t	   *files;
	size_t		next;
	json_int_t	bytes;
	json_int_t	sum;
} Work;

/* One of the coroutines.  They take turns, so they need no locks. */
static json_t *
take_files(PgwfWorkflow *wf, void *arg, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	Work	   *work = arg;
	json_t	   *result;

	retry.maximum_attempts = 3;
	options.retry_policy = &retry;
	options.start_to_close_timeout_ms = 60000;
	while (work->next < json_array_size(work->files))
	{
		json_t	   *path = json_array_get(work->files, work->next++);

		if (!pgwf_execute_activity(wf, "checksum", path, &options, &result,
								   failure))
			return NULL;
		work->bytes += json_integer_value(json_object_get(result, "bytes"));
		work->sum += json_integer_value(json_object_get(result, "crc32"));
	}
	return NULL;
}

/* [folder]: {"files": n, "bytes": n, "checksum": n} */
static json_t *
checksum_folder(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	Work	   *work = pgwf_alloc(wf, sizeof(Work));
	PgwfFuture *takers[AT_A_TIME];
	PgwfScope  *scope = pgwf_scope_new(wf, false);
	int			i;

	options.start_to_close_timeout_ms = 60000;
	if (!pgwf_execute_activity(wf, "list_files", input, &options, &work->files,
							   failure))
		return NULL;
	pgwf_scope_enter(wf, scope);
	for (i = 0; i < AT_A_TIME; i++)
		takers[i] = pgwf_spawn(wf, take_files, work);
	pgwf_scope_leave(wf);
	for (i = 0; i < AT_A_TIME; i++)
	{
		if (!pgwf_await(wf, takers[i], NULL, failure))
		{
			/* the result cannot be had any more: stop the others */
			pgwf_scope_cancel(wf, scope);
			pgwf_await_all(wf, takers, AT_A_TIME, NULL);
			return NULL;
		}
	}
	return pgwf_pack(wf, "{s:I, s:I, s:I}",
					 "files", (json_int_t) json_array_size(work->files),
					 "bytes", work->bytes,
					 "checksum", work->sum & 0xffffffff);
}

/* ---- the program ---- */

static PgwfWorker *worker;

static void
stop(int signo)
{
	pgwf_worker_stop(worker);
}

static int
run_worker(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfResult	result;

	pgwf_register_workflow(registry, "checksum_folder", checksum_folder, NULL);
	pgwf_register_activity(registry, "list_files", list_files, NULL);
	pgwf_register_activity(registry, "checksum", checksum, NULL);
	options.task_queue = TASK_QUEUE;
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

static void
make_files(const char *folder)
{
	int			i;

	for (i = 0; i < MADE_FILES; i++)
	{
		char		path[PATH_MAX];
		FILE	   *file;

		snprintf(path, sizeof(path), "%s/%03d.txt", folder, i);
		file = fopen(path, "w");
		if (file != NULL)
		{
			fprintf(file, "%0*d\n", 1 + i % 100, i);
			fclose(file);
		}
	}
}

static int
start(const char *folder)
{
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfHandle *handle;
	PgwfOutcome outcome;
	PgwfResult	result;
	char	   *path;
	char		id[64];

	if (mkdir(folder, 0777) == 0)
		make_files(folder);
	path = realpath(folder, NULL);
	snprintf(id, sizeof(id), "checksum-%lld", (long long) time(NULL));
	options.workflow_id = id;
	options.workflow_type = "checksum_folder";
	options.task_queue = TASK_QUEUE;
	options.input = json_pack("[s?]", path);
	result = pgwf_handle_start(client, &options, &handle);
	json_decref(options.input);
	free(path);
	if (result == PGWF_OK)
	{
		result = pgwf_handle_result(handle, 0, &outcome);
		if (result == PGWF_OK && outcome.failure != NULL)
			puts(pgwf_failure_message(pgwf_failure_root(outcome.failure)));
		else if (result == PGWF_OK && outcome.result != NULL)
		{
			json_dumpf(json_array_get(outcome.result, 0), stdout, 0);
			putchar('\n');
		}
		pgwf_outcome_clear(&outcome);
	}
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_client_error(client));
	pgwf_handle_free(handle);
	pgwf_client_free(client);
	return result == PGWF_OK ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "start") == 0)
		return start(argv[2]);
	return run_worker();
}
