/*
 * flows.c
 *		Workflow functions that several tests use.
 */
#include <string.h>

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

/* [what]: a child that does what it is told. */
json_t *
kid(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	const char *what = json_string_value(json_array_get(input, 0));
	json_t	   *args = NULL;

	if (what == NULL)
		return json_array_get(input, 0);
	if (strcmp(what, "fail") == 0)
	{
		*failure = pgwf_failure_new("Tantrum", "does not want to");
		return NULL;
	}
	if (strcmp(what, "wait") == 0)
	{
		pgwf_sleep(wf, 3600000, failure);
		return NULL;
	}
	/* "listen": hands back what it is told first */
	if (pgwf_receive_signal(wf, "tell", PGWF_FOREVER, &args) ==
		PGWF_WAIT_DONE)
		return json_array_get(args, 0);
	return NULL;
}

/*
 * [prefix]: children that end in every way, one that is signaled, one that is
 * canceled; another workflow that there is not.
 */
json_t *
family(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	static const char *const told[] = {"fail", "wait", "listen", "twin"};
	const char *prefix = json_string_value(json_array_get(input, 0));
	json_t	   *log = pgwf_pack(wf, "[]");
	PgwfChildOptions options = PGWF_CHILD_OPTIONS_INIT;
	PgwfChild  *children[4];
	PgwfFailure *why = NULL;
	json_t	   *result = NULL;
	int			i;

	options.summary = "one of four";
	for (i = 0; i < 4; i++)
	{
		/* the last has the id of the one before it */
		options.workflow_id = pgwf_sprintf(wf, "%s-%s", prefix,
										   told[i < 3 ? i : 2]);
		children[i] = pgwf_start_child(wf, "kid",
									   pgwf_pack(wf, "[s]", told[i]),
									   &options);
	}
	if (!pgwf_await(wf, pgwf_signal_child(wf, children[2], "tell",
										  pgwf_pack(wf, "[s]", "hello"),
										  NULL), NULL, failure) ||
		!pgwf_await(wf, pgwf_child_started(children[1]), NULL, failure))
		return NULL;
	pgwf_cancel_child(wf, children[1], "bedtime");
	for (i = 0; i < 4; i++)
	{
		if (pgwf_await(wf, pgwf_child_result(children[i]), &result, &why))
			json_array_append(log, result);
		else
			json_array_append_new(log, json_string(pgwf_failure_message(why)));
	}
	if (!pgwf_execute_child(wf, "kid", pgwf_pack(wf, "[i]", 7), NULL, &result,
							failure))
		return NULL;
	json_array_append(log, result);
	if (!pgwf_await(wf, pgwf_signal_external(wf, "nobody at all", "x", NULL,
											 NULL), NULL, &why))
		json_array_append_new(log, json_string(pgwf_failure_type(why)));
	if (!pgwf_await(wf, pgwf_cancel_external(wf, "nobody at all", NULL, NULL),
					NULL, &why))
		json_array_append_new(log, json_string(pgwf_failure_type(why)));
	return log;
}

/*
 * [runs left]: counts itself down, a run for each number, and notes where it
 * is in its memo and search attributes.
 */
json_t *
counter(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	const PgwfWorkflowInfo *info = pgwf_workflow_info(wf);
	json_int_t	left = json_integer_value(json_array_get(input, 0));
	json_t	   *attributes = pgwf_pack(wf, "{}");
	json_t	   *path;

	path = json_object_get(info->memo, "path");
	path = pgwf_own(wf, path != NULL ? json_deep_copy(path) : json_array());
	json_array_append_new(path, json_integer(left));
	pgwf_upsert_memo(wf, pgwf_pack(wf, "{s:O}", "path", path));
	pgwf_attribute_set_int(attributes, "FlowsLeft", left);
	pgwf_upsert_search_attributes(wf, attributes);
	if (!pgwf_sleep(wf, 5, failure))
		return NULL;
	if (left > 0)
		return pgwf_continue_as_new(wf, pgwf_pack(wf, "[I]", left - 1), NULL);
	return pgwf_pack(wf, "[O, O]", info->memo, info->search_attributes);
}

/*
 * Adds up signals until it is told to stop, or nothing happens for an hour;
 * an activity in a scope with a timeout comes first.
 */
json_t *
collector(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = ten_seconds;
	PgwfScope  *scope = pgwf_scope_new_timeout(wf, false, 200);
	PgwfFuture *sources[2];
	PgwfFailure *why = NULL;
	json_int_t	sum = 0;
	json_t	   *value;
	int			which = 0;

	options.heartbeat_timeout_ms = 1000;
	options.cancel_type = PGWF_CANCEL_WAIT_COMPLETED;
	options.summary = "is stopped";
	pgwf_scope_enter(wf, scope);
	pgwf_execute_activity(wf, "endless", input, &options, NULL, &why);
	pgwf_scope_leave(wf);
	sources[0] = pgwf_start_receive_signal(wf, "add");
	sources[1] = pgwf_start_receive_signal(wf, "stop");
	while (pgwf_await_any_timeout(wf, sources, 2, 3600000, &which) ==
		   PGWF_WAIT_DONE && which == 0)
	{
		if (!pgwf_await(wf, sources[0], &value, failure))
			return NULL;
		sum += json_integer_value(json_array_get(value, 0));
		sources[0] = pgwf_start_receive_signal(wf, "add");
	}
	return pgwf_pack(wf, "[b, I]", pgwf_scope_timed_out(wf, scope), sum);
}
