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

/* ---- namespaces ---- */

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
