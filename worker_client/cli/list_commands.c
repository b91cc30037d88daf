/*-------------------------------------------------------------------------
 *
 * list_commands.c
 *	  Finding and counting runs.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

#define DEFAULT_LIMIT	100

static void
set_text(json_t *object, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(object, key, json_string(value));
}

static json_t *
execution_json(const PgwfExecution *run)
{
	json_t	   *object = json_object();

	set_text(object, "workflowId", run->workflow_id);
	set_text(object, "runId", run->run_id);
	set_text(object, "workflowType", run->workflow_type);
	set_text(object, "status", run->status);
	set_text(object, "taskQueue", run->task_queue);
	json_object_set_new(object, "startTime",
						cli_time_json(run->start_time_us));
	if (run->close_time_us != 0)
		json_object_set_new(object, "closeTime",
							cli_time_json(run->close_time_us));
	json_object_set_new(object, "historyLength",
						json_integer(run->history_length));
	if (run->memo != NULL)
		json_object_set(object, "memo", (json_t *) run->memo);
	if (run->search_attributes != NULL)
		json_object_set(object, "searchAttributes",
						(json_t *) run->search_attributes);
	set_text(object, "parentWorkflowId", run->parent_workflow_id);
	set_text(object, "rootWorkflowId", run->root_workflow_id);
	return object;
}

static void
add_row(CliTable *table, const PgwfExecution *run)
{
	const char *cells[6];
	char		start[32];
	char		close[32];

	cells[0] = run->status;
	cells[1] = run->workflow_id;
	cells[2] = run->workflow_type;
	cells[3] = run->task_queue;
	cells[4] = cli_time_text(run->start_time_us, start);
	cells[5] = run->close_time_us != 0 ?
		cli_time_text(run->close_time_us, close) : "";
	cli_table_add(table, cells);
}

int
cli_list(const CliOptions *o, int argc, char **argv)
{
	static const char *const titles[] = {
		"STATUS", "WORKFLOW ID", "TYPE", "TASK QUEUE", "START", "CLOSE"
	};
	PgwfClient *client = cli_client(o);
	PgwfList   *list = pgwf_client_list(client, o->query);
	CliTable   *table = cli_table_new(6, titles);
	json_t	   *array = json_array();
	const PgwfExecution *run = NULL;
	int64_t		limit = o->limit < 0 ? DEFAULT_LIMIT : o->limit;
	int64_t		n;
	int			rc = EXIT_OK;

	(void) argc;
	(void) argv;
	for (n = 0; limit == 0 || n < limit; n++)
	{
		run = pgwf_list_next(list);
		if (run == NULL)
			break;
		if (o->json)
			json_array_append_new(array, execution_json(run));
		else
			add_row(table, run);
	}
	if (pgwf_list_result(list) != PGWF_OK)
		rc = cli_failed(client, pgwf_list_result(list));
	else if (o->json)
		cli_print_json(array);
	else
		cli_table_print(table);
	if (rc == EXIT_OK && limit != 0 && n == limit &&
		pgwf_list_next(list) != NULL)
		fprintf(stderr, "There are more; see --limit.\n");
	cli_table_free(table);
	json_decref(array);
	pgwf_list_free(list);
	pgwf_client_free(client);
	return rc;
}

int
cli_count(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	int64_t		count = 0;
	json_t	   *groups;
	PgwfResult	code;
	size_t		i;

	(void) argc;
	(void) argv;
	code = pgwf_client_count(client, o->query, &count, &groups);
	if (code == PGWF_OK && o->json)
	{
		json_t	   *object = json_pack("{s:I}", "count", (json_int_t) count);

		if (groups != NULL)
			json_object_set(object, "groups", groups);
		cli_print_json(object);
		json_decref(object);
	}
	else if (code == PGWF_OK)
	{
		printf("%" PRId64 "\n", count);
		for (i = 0; i < json_array_size(groups); i++)
		{
			const json_t *group = json_array_get(groups, i);
			char	   *text =
			cli_value_text(json_array_get(json_object_get(group,
														  "groupValues"),
										  0));

			printf("%s %" JSON_INTEGER_FORMAT "\n", text,
				   json_integer_value(json_object_get(group, "count")));
			free(text);
		}
	}
	json_decref(groups);
	return cli_done(client, code);
}
