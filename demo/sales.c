/*
 * sales.c
 *		A workflow that breaks the rules, and its correction: the worker.
 *
 * sales_report imports the sales, sometimes waits a while, and publishes a
 * report.  Whether it waits is decided by rand(): another process that replays
 * the run may decide otherwise, and then its code does not fit the history.
 *
 *	--draw=N	makes the first number that rand() would give N (0 to 99), so
 *				that a demonstration does not depend on luck
 *	--fixed		the corrected code
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "demo.h"

#define WAIT_MS		1000

static int	fixed_draw = -1;
static bool fixed_code;

static bool
import_sales(PgwfWorkflow *wf, PgwfActivityOptions *options, json_t **sales,
			 PgwfFailure **failure)
{
	options->start_to_close_timeout_ms = 10000;
	return pgwf_execute_activity(wf, "import_sales_data", NULL, options, sales,
								 failure);
}

static json_t *
publish(PgwfWorkflow *wf, PgwfActivityOptions *options, json_t *sales,
		PgwfFailure **failure)
{
	json_t	   *report;

	pgwf_log(wf, PGWF_LOG_INFO, "%s: asks for publish_report",
			 pgwf_workflow_info(wf)->workflow_id);
	if (!pgwf_execute_activity(wf, "publish_report", sales, options, &report,
							   failure))
		return NULL;
	return report;
}

/* Wrong: rand() does not give on replay what it gave before. */
static json_t *
sales_report(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *sales;

	(void) input;
	if (!import_sales(wf, &options, &sales, failure))
		return NULL;
	if ((fixed_draw >= 0 ? fixed_draw : rand() % 100) > 50)
	{
		if (!pgwf_sleep(wf, WAIT_MS, failure))
			return NULL;
	}
	return publish(wf, &options, sales, failure);
}

/*
 * Right: pgwf_random() gives the same on replay.  Runs that began with the old
 * code are told apart by pgwf_patched(); those in flight wait for the timer.
 */
static json_t *
sales_report_fixed(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *sales;
	bool		wait = true;

	(void) input;
	if (!import_sales(wf, &options, &sales, failure))
		return NULL;
	if (pgwf_patched(wf, "deterministic-draw"))
		wait = pgwf_random(wf) % 100 > 50;
	if (wait && !pgwf_sleep(wf, WAIT_MS, failure))
		return NULL;
	return publish(wf, &options, sales, failure);
}

/* What was billed so far: {"bills": N, "total_cents": N}. */
static json_t *
import_sales_data(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	PGconn	   *conn = pgwf_activity_connection(activity);
	PGresult   *result;
	json_t	   *sales = NULL;

	(void) input;
	pgwf_activity_log(activity, PGWF_LOG_INFO, "%s: import_sales_data runs",
					  pgwf_activity_info(activity)->workflow_id);
	if (conn == NULL)
	{
		*failure = pgwf_failure_new("unavailable", "no database connection");
		return NULL;
	}
	result = PQexec(conn, "SELECT count(*), coalesce(sum(total_cents), 0) "
					"FROM " DEMO_SCHEMA ".bill");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		*failure = demo_sql_failure(result);
	else
		sales = json_pack("{s:I, s:I}",
						  "bills",
						  (json_int_t) atoll(PQgetvalue(result, 0, 0)),
						  "total_cents",
						  (json_int_t) atoll(PQgetvalue(result, 0, 1)));
	PQclear(result);
	return sales;
}

static json_t *
publish_report(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	json_t	   *sales = json_array_get(input, 0);
	long long	cents = json_integer_value(json_object_get(sales,
														   "total_cents"));

	(void) failure;
	pgwf_activity_log(activity, PGWF_LOG_INFO, "%s: publish_report runs",
					  pgwf_activity_info(activity)->workflow_id);
	return json_sprintf("%lld bills, %lld.%02lld EUR",
						(long long) json_integer_value(
													   json_object_get(sales, "bills")),
						cents / 100, cents % 100);
}

static bool
option(const char *name, const char *value)
{
	if (strcmp(name, "fixed") == 0 && value == NULL)
		fixed_code = true;
	else if (strcmp(name, "draw") == 0 && value != NULL)
		fixed_draw = atoi(value);
	else
		return false;
	return true;
}

static PgwfResult
fill(PgwfRegistry *registry)
{
	PgwfResult	result;

	result = pgwf_register_workflow(registry, "sales_report", fixed_code ?
									sales_report_fixed : sales_report, NULL);
	if (result == PGWF_OK)
		result = pgwf_register_activity(registry, "import_sales_data",
										import_sales_data, NULL);
	if (result == PGWF_OK)
		result = pgwf_register_activity(registry, "publish_report",
										publish_report, NULL);
	return result;
}

int
main(int argc, char **argv)
{
	static const DemoProgram program = {
		.name = "sales",
		.task_queue = "pizza-demo-sales",
		.fill = fill,
		.option = option,
		.option_help = "options: --draw=N --fixed\n"
	};

	srand((unsigned int) time(NULL) ^ (unsigned int) getpid());
	return demo_main(&program, argc, argv);
}
