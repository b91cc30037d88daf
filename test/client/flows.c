/*
 * flows.c
 *		Workflow functions that several tests use.
 */
#include "flows.h"

int			report_edition = 0;

static const PgwfActivityOptions ten_seconds = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 10000
};

/* The walkthrough's order: distance, decision, half an hour, bill. */
json_t *
pizza(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *order = json_array_get(input, 0);
	json_t	   *distance;
	json_t	   *bill;

	if (!pgwf_execute_activity(wf, "get_distance", order, &ten_seconds,
							   &distance, failure))
		return NULL;
	if (json_integer_value(distance) > 25)
	{
		*failure = pgwf_failure_new("TooFarAway",
									"customer lives too far away (%d km)",
									(int) json_integer_value(distance));
		return NULL;
	}
	if (!pgwf_sleep(wf, 30 * 60 * 1000, failure))
		return NULL;
	bill = pgwf_pack(wf, "{s:O, s:O}",
					 "customer", json_object_get(order, "customer"),
					 "distance", distance);
	if (!pgwf_execute_activity(wf, "send_bill", bill, &ten_seconds,
							   &bill, failure))
		return NULL;
	return pgwf_pack(wf, "{s:s, s:O}", "status", "billed", "bill", bill);
}

/*
 * The walkthrough's non-deterministic example, with the draw given by the
 * edition:
 *	0	as recorded: import, timer, send_report
 *	1	the draw was low: no timer
 *	2	another activity first
 *	3	the second activity has another type
 *	4	the two activities are swapped
 *	5	the timer has another duration
 *	6	other arguments and timeouts
 *	7	an activity more at the end
 *	8	returns instead of waiting for the second activity
 *	9	the timer is removed, guarded by a patch
 *	10	an activity in front, guarded by a patch
 *	11	fails where it completed
 *	12	a coroutine and a condition more, no commands
 *	13	a timer instead of the first activity
 */
json_t *
report(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	int			e = report_edition;
	PgwfActivityOptions options = ten_seconds;
	json_t	   *data = NULL;
	const char *first = e == 4 ? "send_report" : "import_sales_data";
	const char *second = e == 4 ? "import_sales_data" : "send_report";

	if (e == 6)
		options.heartbeat_timeout_ms = 77;
	if (e == 2 || (e == 10 && pgwf_patched(wf, "check-first")))
	{
		if (!pgwf_execute_activity(wf, "check", NULL, &options, NULL, failure))
			return NULL;
	}
	if (e == 13)
	{
		if (!pgwf_sleep(wf, 1000, failure))
			return NULL;
	}
	else if (!pgwf_execute_activity(wf, first, e == 6 ? NULL : input, &options,
									&data, failure))
		return NULL;
	if (e == 12)
		pgwf_log(wf, PGWF_LOG_INFO, "imported");
	if (e != 1 && !(e == 9 && pgwf_patched(wf, "no-timer")))
	{
		if (!pgwf_sleep(wf, e == 5 ? 5000 : 60000, failure))
			return NULL;
	}
	if (e == 8)
		return NULL;
	if (e == 3)
		second = "mail_report";
	if (!pgwf_execute_activity(wf, second, data, &options, NULL, failure))
		return NULL;
	if (e == 7 && !pgwf_execute_activity(wf, "archive", NULL, &options, NULL,
										 failure))
		return NULL;
	if (e == 11)
		*failure = pgwf_failure_new("Oops", "no");
	return NULL;
}
