/*-------------------------------------------------------------------------
 *
 * namespace_commands.c
 *	  Task queues and namespaces.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- task queues ---- */

static void
print_queue(const char *name, bool activities, const json_t *description)
{
	static const char *const titles[] = {"POLLER", "LAST ACCESS (UTC)"};
	const json_t *stats = json_object_get(description, "stats");
	const json_t *pollers = json_object_get(description, "pollers");
	char	   *age = cli_value_text(json_object_get(stats,
													 "approximateBacklogAge"));
	CliTable   *table = cli_table_new(2, titles);
	size_t		i;

	printf("%s task queue %s\n", activities ? "activity" : "workflow", name);
	printf("waiting  %" JSON_INTEGER_FORMAT "%s%s\n",
		   json_integer_value(json_object_get(stats,
											  "approximateBacklogCount")),
		   age[0] != '\0' ? ", the oldest for " : "", age);
	printf("added    %.1f/s\n",
		   json_number_value(json_object_get(stats, "tasksAddRate")));
	printf("taken    %.1f/s\n",
		   json_number_value(json_object_get(stats, "tasksDispatchRate")));
	for (i = 0; i < json_array_size(pollers); i++)
	{
		const json_t *poller = json_array_get(pollers, i);
		char		when[32];
		const char *cells[2];

		cells[0] = cli_text(poller, "identity");
		cells[1] = cli_time_short(cli_text(poller, "lastAccessTime"), when);
		cli_table_add(table, cells);
	}
	putchar('\n');
	if (json_array_size(pollers) > 0)
		cli_table_print(table);
	else
		printf("no worker has asked for tasks in the last five minutes\n");
	cli_table_free(table);
	free(age);
}

int
cli_queue_describe(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	json_t	   *description;
	PgwfResult	code;

	(void) argc;
	code = pgwf_client_describe_task_queue(client, argv[0],
										   o->activity_queue, &description);
	if (code == PGWF_OK && o->json)
		cli_print_json(description);
	else if (code == PGWF_OK)
		print_queue(argv[0], o->activity_queue, description);
	json_decref(description);
	return cli_done(client, code);
}

static const char *
number_cell(const json_t *row, const char *name, char buf[32])
{
	snprintf(buf, 32, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(json_object_get(row, name)));
	return buf;
}

int
cli_queue_list(const CliOptions *o, int argc, char **argv)
{
	static const char *const titles[] = {
		"TASK QUEUE", "KIND", "WAITING", "STARTED", "RETRYING"
	};
	PgwfClient *client = cli_client(o);
	CliTable   *table = cli_table_new(5, titles);
	json_t	   *queues;
	PgwfResult	code;
	size_t		i;

	(void) argc;
	(void) argv;
	code = pgwf_client_list_task_queues(client, &queues);
	for (i = 0; i < json_array_size(queues); i++)
	{
		const json_t *queue = json_array_get(queues, i);
		char		numbers[3][32];
		const char *cells[5];

		cells[0] = cli_text(queue, "task_queue");
		cells[1] = json_is_true(json_object_get(queue, "sticky")) ?
			"private" : cli_text(queue, "kind");
		cells[2] = number_cell(queue, "backlog", numbers[0]);
		cells[3] = number_cell(queue, "started", numbers[1]);
		cells[4] = number_cell(queue, "backing_off", numbers[2]);
		cli_table_add(table, cells);
	}
	if (code == PGWF_OK && o->json)
		cli_print_json(queues);
	else if (code == PGWF_OK)
		cli_table_print(table);
	cli_table_free(table);
	json_decref(queues);
	return cli_done(client, code);
}

/* A limit: "none" unsets it */
static bool
read_rate(const char *text, const char *option, bool *set, double *rate,
		  bool *unset)
{
	char	   *end;

	if (text == NULL)
		return true;
	if (strcmp(text, "none") == 0)
	{
		*unset = true;
		return true;
	}
	*rate = strtod(text, &end);
	*set = true;
	if (end != text && *end == '\0' && *rate >= 0 && *rate <= 1e9)
		return true;
	cli_error("invalid number \"%s\" for option --%s", text, option);
	return false;
}

static void
print_limit(const char *title, const json_t *config, const char *name)
{
	const json_t *limit = json_object_get(json_object_get(config, name),
										  "rateLimit");

	if (limit == NULL)
		printf("%s  none\n", title);
	else
		printf("%s  %g/s\n", title,
			   json_number_value(json_object_get(limit,
												 "requestsPerSecond")));
}

int
cli_queue_config(const CliOptions *o, int argc, char **argv)
{
	PgwfTaskQueueOptions options = PGWF_TASK_QUEUE_OPTIONS_INIT;
	PgwfClient *client;
	json_t	   *config;
	PgwfResult	code;

	(void) argc;
	options.task_queue = argv[0];
	options.activities = o->activity_queue;
	options.reason = o->reason;
	if (!read_rate(o->rate, "rate", &options.set_rate, &options.rate,
				   &options.unset_rate) ||
		!read_rate(o->key_rate, "key-rate", &options.set_key_rate,
				   &options.key_rate, &options.unset_key_rate))
		return EXIT_USAGE;
	client = cli_client(o);
	code = pgwf_client_update_task_queue(client, &options, &config);
	if (code == PGWF_OK && o->json)
		cli_print_json(config);
	else if (code == PGWF_OK)
	{
		print_limit("limit          ", config, "queueRateLimit");
		print_limit("limit of a key ", config,
					"fairnessKeysRateLimitDefault");
	}
	json_decref(config);
	return cli_done(client, code);
}

/* ---- namespaces ---- */

int
cli_namespace_list(const CliOptions *o, int argc, char **argv)
{
	static const char *const titles[] = {"NAME", "RETENTION", "DESCRIPTION"};
	PgwfClient *client = cli_client(o);
	CliTable   *table = cli_table_new(3, titles);
	json_t	   *namespaces;
	PgwfResult	code;
	size_t		i;

	(void) argc;
	(void) argv;
	code = pgwf_client_list_namespaces(client, &namespaces);
	for (i = 0; i < json_array_size(namespaces); i++)
	{
		const json_t *namespace = json_array_get(namespaces, i);
		const char *cells[3];

		cells[0] = cli_text(namespace, "namespaceInfo.name");
		cells[1] = cli_text(namespace, "config.workflowExecutionRetentionTtl");
		cells[2] = cli_text(namespace, "namespaceInfo.description");
		cli_table_add(table, cells);
	}
	if (code == PGWF_OK && o->json)
		cli_print_json(namespaces);
	else if (code == PGWF_OK)
		cli_table_print(table);
	cli_table_free(table);
	json_decref(namespaces);
	return cli_done(client, code);
}

int
cli_namespace_create(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client,
					pgwf_client_register_namespace(client, argv[0],
												   o->retention_ms,
												   o->description,
												   o->virtual_time));
}

int
cli_namespace_delete(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client, pgwf_client_delete_namespace(client, argv[0]));
}

int
cli_namespace_update(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client,
					pgwf_client_update_namespace(client, argv[0],
												 o->retention_ms,
												 o->description));
}

int
cli_namespace_describe(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	json_t	   *description;
	PgwfResult	code;

	(void) argc;
	code = pgwf_client_describe_namespace(client, argv[0], &description);
	if (code == PGWF_OK && o->json)
		cli_print_json(description);
	else if (code == PGWF_OK)
		printf("name         %s\ndescription  %s\nretention    %s\n",
			   cli_text(description, "namespaceInfo.name"),
			   cli_text(description, "namespaceInfo.description"),
			   cli_text(description, "config.workflowExecutionRetentionTtl"));
	json_decref(description);
	return cli_done(client, code);
}
