/*-------------------------------------------------------------------------
 *
 * cli.h
 *	  Shared by the files of the command pgworkflow.
 *
 *	pgworkflow.c			the commands, help and completion
 *	options.c				what the command line says
 *	output.c				tables, times, JSON, errors
 *	start_commands.c		start and result
 *	message_commands.c		signal, query, update, cancel and the like
 *	describe.c				describe
 *	list_commands.c			list and count
 *	show.c					show: a history
 *	trace.c					trace: a history as bars
 *	schedule_commands.c		schedules
 *	namespace_commands.c	task queues and namespaces
 *	worker_commands.c		worker and replay
 *
 *-------------------------------------------------------------------------
 */
#ifndef CLI_H
#define CLI_H

#include <stdio.h>

#include "pgworkflow.h"

/* Exit codes; documented in the manual page and in doc/worker-api.md. */
#define EXIT_OK			0
#define EXIT_ERROR		1		/* the service or the machine said no */
#define EXIT_USAGE		2
#define EXIT_NOT_COMPLETED	3	/* the workflow failed, was canceled, ... */
#define EXIT_DISAGREES	4		/* replay: history and code disagree */
#define EXIT_RUNNING	5		/* the time to wait was over */

typedef struct CliOptions
{
	/* of all commands */
	const char *dbname;
	const char *workflow_namespace;
	const char *output;
	bool		json;			/* output is JSON */
	bool		verbose;
	bool		pooled;

	/* whom it is about */
	const char *workflow_id;
	const char *run_id;
	const char *type;
	const char *task_queue;
	const char *identity;
	const char *request_id;

	/* what is sent */
	const char *input;
	const char *memo;
	const char *search_attributes;
	const char *signal;
	const char *signal_input;
	const char *reason;
	const char *update_id;
	const char *stage;
	const char *reject;
	const char *summary;
	const char *details;
	const char *id_reuse_policy;
	const char *id_conflict_policy;
	const char *cron;
	const char *fairness_key;
	int			max_attempts;
	int			priority;
	int64_t		execution_timeout_ms;
	int64_t		run_timeout_ms;
	int64_t		task_timeout_ms;
	int64_t		start_delay_ms;
	int64_t		retention_ms;
	const char *description;
	bool		virtual_time;

	/* schedules */
	const char *schedule;
	const char *overlap;
	const char *start_time;
	const char *end_time;

	/* reset */
	int64_t		event_id;
	const char *reset_type;
	bool		exclude_signals;
	bool		exclude_updates;

	/* what is shown, and for how long */
	const char *query;
	int64_t		limit;
	int64_t		timeout_ms;
	bool		wait;
	bool		follow;
	bool		reverse;
	bool		activity_queue;
	const char *rate;
	const char *key_rate;
	int			width;

	/* workers and replay */
	const char *library;
	const char *build_id;
	const char *deployment;
	const char *versioning;
	int64_t		grace_ms;
	int			cache;
	int			activities;
	int			workflow_tasks;
	double		activity_rate;
	double		workflow_task_rate;
	bool		repeat_workflow_polls;
	bool		no_deadlock;
} CliOptions;

/* ---- the commands (pgworkflow.c) ---- */

typedef int (*CliFn) (const CliOptions *o, int argc, char **argv);

typedef struct CliCommand
{
	const char *name;			/* one or two words */
	const char *arguments;		/* "ID NAME", "" for none */
	const char *help;			/* one line */
	CliFn		run;
	int			min_args;
	int			max_args;
	const char *options;		/* long names, with spaces between */
} CliCommand;

extern void cli_print_commands(void);

/* ---- options.c ---- */

extern void cli_read_options(const CliCommand *command, CliOptions *o,
							 int argc, char **argv, int *first_argument);
extern void cli_print_options(const CliCommand *command);
extern void cli_complete_options(const CliCommand *command, const char *word);
extern const char *const *cli_option_values(const char *option);
extern bool cli_has_option(const CliCommand *command, const char *name);
extern void cli_usage_error(const CliCommand *command)
			PGWF_NORETURN;

/* ---- output.c ---- */

extern void cli_error(const char *fmt,...) PGWF_PRINTF(1, 2);
extern PgwfClient *cli_client(const CliOptions *o);
extern int	cli_failed(PgwfClient *client, PgwfResult code);
extern int	cli_done(PgwfClient *client, PgwfResult code);
extern void cli_print_json(const json_t *value);
extern void cli_print_value(const json_t *values);
extern char *cli_value_text(const json_t *value);
extern void cli_print_failure(FILE *to, PgwfFailure *failure);
extern json_t *cli_parse_json(const char *text, const char *what);
extern const char *cli_text(const json_t *object, const char *path);
extern const char *cli_time_text(int64_t us, char buf[32]);
extern json_t *cli_time_json(int64_t us);
extern const char *cli_time_short(const char *time, char buf[32]);
extern const char *cli_duration_text(int64_t us, char buf[32]);
extern int64_t cli_time_us(const char *time);
extern const char *cli_enum_text(const char *constant, const char *prefix,
								 char buf[64]);
extern int	cli_text_width(const char *text);
extern void cli_print_padded(const char *text, int width);

/* A table whose columns are as wide as what is in them */
typedef struct CliTable CliTable;

extern CliTable *cli_table_new(int ncolumns, const char *const *titles);
extern void cli_table_add(CliTable *table, const char *const *cells);
extern void cli_table_print(const CliTable *table);
extern void cli_table_free(CliTable *table);

/* ---- shared by commands ---- */

extern int	cli_show_result(PgwfClient *client, const CliOptions *o,
							const char *workflow_id, const char *run_id);

/* Waits a moment between two looks at a history. */
extern void cli_pause(void);

/* ---- the commands; arguments are what follows the options ---- */

extern int	cli_start(const CliOptions *o, int argc, char **argv);
extern int	cli_result(const CliOptions *o, int argc, char **argv);
extern int	cli_signal(const CliOptions *o, int argc, char **argv);
extern int	cli_query(const CliOptions *o, int argc, char **argv);
extern int	cli_stack(const CliOptions *o, int argc, char **argv);
extern int	cli_update(const CliOptions *o, int argc, char **argv);
extern int	cli_cancel(const CliOptions *o, int argc, char **argv);
extern int	cli_terminate(const CliOptions *o, int argc, char **argv);
extern int	cli_reset(const CliOptions *o, int argc, char **argv);
extern int	cli_delete(const CliOptions *o, int argc, char **argv);
extern int	cli_pause_workflow(const CliOptions *o, int argc, char **argv);
extern int	cli_unpause_workflow(const CliOptions *o, int argc, char **argv);
extern int	cli_describe(const CliOptions *o, int argc, char **argv);
extern int	cli_list(const CliOptions *o, int argc, char **argv);
extern int	cli_count(const CliOptions *o, int argc, char **argv);
extern int	cli_show(const CliOptions *o, int argc, char **argv);
extern int	cli_trace(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_create(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_update(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_describe(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_list(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_pause(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_unpause(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_trigger(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_backfill(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_times(const CliOptions *o, int argc, char **argv);
extern int	cli_schedule_delete(const CliOptions *o, int argc, char **argv);
extern int	cli_queue_describe(const CliOptions *o, int argc, char **argv);
extern int	cli_queue_list(const CliOptions *o, int argc, char **argv);
extern int	cli_queue_config(const CliOptions *o, int argc, char **argv);
extern int	cli_namespace_create(const CliOptions *o, int argc, char **argv);
extern int	cli_namespace_list(const CliOptions *o, int argc, char **argv);
extern int	cli_namespace_delete(const CliOptions *o, int argc, char **argv);
extern int	cli_namespace_update(const CliOptions *o, int argc, char **argv);
extern int	cli_namespace_describe(const CliOptions *o, int argc,
								   char **argv);
extern int	cli_replay(const CliOptions *o, int argc, char **argv);
extern int	cli_worker(const CliOptions *o, int argc, char **argv);

#endif							/* CLI_H */
