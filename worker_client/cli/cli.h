/*-------------------------------------------------------------------------
 *
 * cli.h
 *	  Shared by the files of the command pgworkflow.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CLI_H
#define CLI_H

#include "pgworkflow.h"

/* Exit codes; documented in doc/worker-api.md. */
#define EXIT_OK			0
#define EXIT_ERROR		1		/* the service or the machine said no */
#define EXIT_USAGE		2
#define EXIT_NOT_COMPLETED	3	/* the workflow failed, was canceled, ... */
#define EXIT_DISAGREES	4		/* replay: history and code disagree */
#define EXIT_RUNNING	5		/* the time to wait was over */

typedef struct CliOptions
{
	const char *dbname;
	const char *workflow_namespace;
	const char *workflow_id;
	const char *run_id;
	const char *type;
	const char *task_queue;
	const char *input;
	const char *reason;
	const char *request_id;
	const char *identity;
	const char *library;
	const char *memo;
	int64_t		execution_timeout_ms;
	int64_t		run_timeout_ms;
	int64_t		task_timeout_ms;
	int64_t		timeout_ms;
	int64_t		grace_ms;
	int			cache;
	int			activities;
	int			workflow_tasks;
	bool		json;
	bool		wait;
	bool		verbose;
	bool		no_deadlock;
} CliOptions;

extern void cli_error(const char *fmt,...) PGWF_PRINTF(1, 2);
extern PgwfClient *cli_client(const CliOptions *o);
extern int	cli_failed(PgwfClient *client, PgwfResult code);
extern void cli_print_json(const json_t *value);
extern json_t *cli_parse_json(const char *text, const char *what);

/* The commands; arguments are what follows the options. */
extern int	cli_start(const CliOptions *o, int argc, char **argv);
extern int	cli_signal(const CliOptions *o, int argc, char **argv);
extern int	cli_cancel(const CliOptions *o, int argc, char **argv);
extern int	cli_terminate(const CliOptions *o, int argc, char **argv);
extern int	cli_result(const CliOptions *o, int argc, char **argv);
extern int	cli_describe(const CliOptions *o, int argc, char **argv);
extern int	cli_history(const CliOptions *o, int argc, char **argv);
extern int	cli_replay(const CliOptions *o, int argc, char **argv);
extern int	cli_worker(const CliOptions *o, int argc, char **argv);

#endif							/* CLI_H */
