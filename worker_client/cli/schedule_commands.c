/*-------------------------------------------------------------------------
 *
 * schedule_commands.c
 *	  Schedules.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* As many as the service answers in a page */
#define PAGE_SIZE	1000

/* ---- create, update ---- */

/* Fills the options of a call; exits if there is no schedule. */
static void
read_schedule(const CliOptions *o, const char *schedule_id,
			  PgwfScheduleOptions *options)
{
	options->schedule_id = schedule_id;
	options->schedule = cli_parse_json(o->schedule, "schedule");
	options->memo = cli_parse_json(o->memo, "memo");
	options->search_attributes = cli_parse_json(o->search_attributes,
												"search attributes");
	options->request_id = o->request_id;
}

static void
free_schedule(PgwfScheduleOptions *options)
{
	json_decref(options->schedule);
	json_decref(options->memo);
	json_decref(options->search_attributes);
}

int
cli_schedule_create(const CliOptions *o, int argc, char **argv)
{
	PgwfScheduleOptions options = PGWF_SCHEDULE_OPTIONS_INIT;
	PgwfClient *client = cli_client(o);
	PgwfResult	code;

	(void) argc;
	read_schedule(o, argv[0], &options);
	code = pgwf_client_create_schedule(client, &options, NULL);
	free_schedule(&options);
	return cli_done(client, code);
}

int
cli_schedule_update(const CliOptions *o, int argc, char **argv)
{
	PgwfScheduleOptions options = PGWF_SCHEDULE_OPTIONS_INIT;
	PgwfClient *client = cli_client(o);
	PgwfResult	code;

	(void) argc;
	read_schedule(o, argv[0], &options);
	code = pgwf_client_update_schedule(client, &options, NULL);
	free_schedule(&options);
	return cli_done(client, code);
}

/* ---- describe, list ---- */

static void
print_schedule(const char *schedule_id, const json_t *description)
{
	const json_t *schedule = json_object_get(description, "schedule");
	const json_t *state = json_object_get(schedule, "state");
	const json_t *info = json_object_get(description, "info");
	const json_t *times = json_object_get(info, "futureActionTimes");
	char	   *spec = cli_value_text(json_object_get(schedule, "spec"));
	char		buf[64];
	size_t		i;

	printf("schedule id  %s\n", schedule_id);
	printf("state        %s%s%s\n",
		   json_is_true(json_object_get(state, "paused")) ? "paused" :
		   "active", cli_text(state, "notes")[0] != '\0' ? ": " : "",
		   cli_text(state, "notes"));
	printf("spec         %s\n", spec);
	printf("starts       %s on %s\n",
		   cli_text(schedule, "action.startWorkflow.workflowType.name"),
		   cli_text(schedule, "action.startWorkflow.taskQueue.name"));
	printf("overlap      %s\n",
		   cli_enum_text(cli_text(schedule, "policies.overlapPolicy"),
						 "SCHEDULE_OVERLAP_POLICY_", buf));
	printf("actions      %" JSON_INTEGER_FORMAT "\n",
		   json_integer_value(json_object_get(info, "actionCount")));
	for (i = 0; i < json_array_size(times) && i < 5; i++)
		printf("%-12s %s\n", i == 0 ? "next (UTC)" : "",
			   cli_time_short(json_string_value(json_array_get(times, i)),
							  buf));
	free(spec);
}

int
cli_schedule_describe(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	json_t	   *description;
	PgwfResult	code;

	(void) argc;
	code = pgwf_client_describe_schedule(client, argv[0], &description);
	if (code == PGWF_OK && o->json)
		cli_print_json(description);
	else if (code == PGWF_OK)
		print_schedule(argv[0], description);
	json_decref(description);
	return cli_done(client, code);
}

static void
add_row(CliTable *table, const json_t *entry)
{
	const json_t *info = json_object_get(entry, "info");
	const json_t *next = json_array_get(json_object_get(info,
														"futureActionTimes"),
										0);
	const char *cells[4];
	char		buf[32];

	cells[0] = cli_text(entry, "scheduleId");
	cells[1] = json_is_true(json_object_get(info, "paused")) ? "paused" :
		"active";
	cells[2] = cli_text(info, "workflowType.name");
	cells[3] = next != NULL ?
		cli_time_short(json_string_value(next), buf) : "";
	cli_table_add(table, cells);
}

int
cli_schedule_list(const CliOptions *o, int argc, char **argv)
{
	static const char *const titles[] = {
		"SCHEDULE ID", "STATE", "STARTS", "NEXT (UTC)"
	};
	PgwfClient *client = cli_client(o);
	CliTable   *table = cli_table_new(4, titles);
	json_t	   *all = json_array();
	char	   *last = NULL;
	PgwfResult	code;
	size_t		n;
	size_t		i;

	(void) argc;
	(void) argv;
	do
	{
		json_t	   *page;

		code = pgwf_client_list_schedules(client, o->query, last,
										  PAGE_SIZE, &page);
		n = json_array_size(page);
		for (i = 0; i < n && (o->limit <= 0 ||
							  json_array_size(all) < (size_t) o->limit); i++)
		{
			json_array_append(all, json_array_get(page, i));
			add_row(table, json_array_get(page, i));
		}
		free(last);
		last = n > 0 ? strdup(cli_text(json_array_get(page, n - 1),
									   "scheduleId")) : NULL;
		json_decref(page);
	} while (code == PGWF_OK && n == PAGE_SIZE && i == n);
	if (code == PGWF_OK && o->json)
		cli_print_json(all);
	else if (code == PGWF_OK)
		cli_table_print(table);
	free(last);
	json_decref(all);
	cli_table_free(table);
	return cli_done(client, code);
}

int
cli_schedule_times(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client;
	json_t	   *times;
	PgwfResult	code;
	size_t		i;

	(void) argc;
	if (o->start_time == NULL || o->end_time == NULL)
	{
		cli_error("schedule times needs --from and --to");
		return EXIT_USAGE;
	}
	client = cli_client(o);
	code = pgwf_client_schedule_times(client, argv[0], o->start_time,
									  o->end_time, &times);
	if (code == PGWF_OK && o->json)
		cli_print_json(times);
	for (i = 0; !o->json && i < json_array_size(times); i++)
		puts(json_string_value(json_array_get(times, i)));
	json_decref(times);
	return cli_done(client, code);
}

/* ---- patches ---- */

/* "buffer-one" to "BUFFER_ONE"; NULL for NULL */
static const char *
overlap_policy(const char *name, char buf[32])
{
	size_t		i;

	if (name == NULL)
		return NULL;
	for (i = 0; i < 31 && name[i] != '\0'; i++)
		buf[i] = name[i] == '-' ? '_' : (char) (name[i] - 'a' + 'A');
	buf[i] = '\0';
	return buf;
}

int
cli_schedule_pause(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client, pgwf_client_pause_schedule(client, argv[0],
													   o->reason));
}

int
cli_schedule_unpause(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client, pgwf_client_unpause_schedule(client, argv[0],
														 o->reason));
}

int
cli_schedule_trigger(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	char		policy[32];

	(void) argc;
	return cli_done(client,
					pgwf_client_trigger_schedule(client, argv[0],
												 overlap_policy(o->overlap,
																policy)));
}

int
cli_schedule_backfill(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client;
	char		policy[32];

	(void) argc;
	if (o->start_time == NULL || o->end_time == NULL)
	{
		cli_error("schedule backfill needs --from and --to");
		return EXIT_USAGE;
	}
	client = cli_client(o);
	return cli_done(client,
					pgwf_client_backfill_schedule(client, argv[0],
												  o->start_time, o->end_time,
												  overlap_policy(o->overlap,
																 policy)));
}

int
cli_schedule_delete(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);

	(void) argc;
	return cli_done(client, pgwf_client_delete_schedule(client, argv[0]));
}
