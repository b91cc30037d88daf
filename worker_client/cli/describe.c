/*-------------------------------------------------------------------------
 *
 * describe.c
 *	  What is known about a run, for people.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void
line(const char *title, const char *value)
{
	if (value[0] != '\0')
		printf("%-18s %s\n", title, value);
}

static void
json_line(const char *title, const json_t *value)
{
	char	   *text = cli_value_text(value);

	if (text != NULL)
		line(title, text);
	free(text);
}

static void
time_line(const char *title, const json_t *object, const char *path)
{
	char		buf[32];

	line(title, cli_time_short(cli_text(object, path), buf));
}

static void
print_info(const json_t *description)
{
	const json_t *info = json_object_get(description,
										 "workflowExecutionInfo");
	const json_t *config = json_object_get(description, "executionConfig");
	char		status[64];

	line("workflow id", cli_text(info, "execution.workflowId"));
	line("run id", cli_text(info, "execution.runId"));
	line("type", cli_text(info, "type.name"));
	line("status", cli_enum_text(cli_text(info, "status"),
								 "WORKFLOW_EXECUTION_STATUS_", status));
	line("task queue", cli_text(info, "taskQueue"));
	line("summary", cli_text(config, "userMetadata.summary"));
	line("details", cli_text(config, "userMetadata.details"));
	time_line("start (UTC)", info, "startTime");
	time_line("close (UTC)", info, "closeTime");
	line("execution timeout", cli_text(config, "workflowExecutionTimeout"));
	line("run timeout", cli_text(config, "workflowRunTimeout"));
	json_line("history length", json_object_get(info, "historyLength"));
	json_line("history bytes", json_object_get(info, "historySizeBytes"));
	line("parent", cli_text(info, "parentExecution.workflowId"));
	json_line("memo", json_object_get(json_object_get(info, "memo"),
									  "fields"));
	json_line("search attributes",
			  json_object_get(json_object_get(info, "searchAttributes"),
							  "indexedFields"));
}

static void
print_workflow_task(const json_t *task)
{
	char		state[64];
	char		when[32];
	const char *since = cli_text(task, "startedTime");

	if (task == NULL)
		return;
	if (since[0] == '\0')
		since = cli_text(task, "scheduledTime");
	printf("\nworkflow task: %s since %s, attempt %" JSON_INTEGER_FORMAT "\n",
		   cli_enum_text(cli_text(task, "state"),
						 "PENDING_WORKFLOW_TASK_STATE_", state),
		   cli_time_short(since, when),
		   json_integer_value(json_object_get(task, "attempt")));
}

static void
print_activities(const json_t *activities)
{
	static const char *const titles[] = {
		"ACTIVITY", "TYPE", "STATE", "ATTEMPT", "LAST STARTED", "NEXT ATTEMPT",
		"LAST FAILURE"
	};
	CliTable   *table;
	size_t		i;

	if (json_array_size(activities) == 0)
		return;
	table = cli_table_new(7, titles);
	for (i = 0; i < json_array_size(activities); i++)
	{
		const json_t *activity = json_array_get(activities, i);
		const char *cells[7];
		char		state[64];
		char		attempt[32];
		char		started[32];
		char		next[32];

		snprintf(attempt, sizeof(attempt), "%" JSON_INTEGER_FORMAT,
				 json_integer_value(json_object_get(activity, "attempt")));
		cells[0] = cli_text(activity, "activityId");
		cells[1] = cli_text(activity, "activityType.name");
		cells[2] = cli_enum_text(cli_text(activity, "state"),
								 "PENDING_ACTIVITY_STATE_", state);
		cells[3] = attempt;
		cells[4] = cli_time_short(cli_text(activity, "lastStartedTime"),
								  started);
		cells[5] = cli_time_short(cli_text(activity,
										   "nextAttemptScheduleTime"), next);
		cells[6] = cli_text(activity, "lastFailure.message");
		cli_table_add(table, cells);
	}
	putchar('\n');
	cli_table_print(table);
	cli_table_free(table);
}

static void
print_children(const json_t *children)
{
	static const char *const titles[] = {"CHILD", "TYPE", "RUN"};
	CliTable   *table;
	size_t		i;

	if (json_array_size(children) == 0)
		return;
	table = cli_table_new(3, titles);
	for (i = 0; i < json_array_size(children); i++)
	{
		const json_t *child = json_array_get(children, i);
		const char *cells[3];

		cells[0] = cli_text(child, "workflowId");
		cells[1] = cli_text(child, "workflowTypeName");
		cells[2] = cli_text(child, "runId");
		cli_table_add(table, cells);
	}
	putchar('\n');
	cli_table_print(table);
	cli_table_free(table);
}

int
cli_describe(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	json_t	   *description;
	PgwfResult	code;

	(void) argc;
	code = pgwf_client_describe(client, argv[0], o->run_id, &description);
	if (code == PGWF_OK && o->json)
		cli_print_json(description);
	else if (code == PGWF_OK)
	{
		print_info(description);
		print_workflow_task(json_object_get(description,
											"pendingWorkflowTask"));
		print_activities(json_object_get(description, "pendingActivities"));
		print_children(json_object_get(description, "pendingChildren"));
	}
	json_decref(description);
	return cli_done(client, code);
}
