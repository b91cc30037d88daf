/*
 * orders.c
 *		The client of the demo: starts an order's workflow for every order of
 *		a file, waits for all of them and says how they ended.
 *
 *	orders [--task-queue=NAME] [--prefix=TEXT] [--delivery-time=TIME]
 *		   [--task-timeout=TIME] [--only=ORDER-ID] [--no-start] [--no-wait]
 *		   FILE
 *
 * --no-start waits only for what an earlier call with --no-wait has started.
 * TIME is a number with ms, s or m behind it; a delivery takes 30 minutes
 * unless --delivery-time says otherwise.  A workflow's id is the prefix
 * ("pizza-") and the order's id.  The file says of each order what is expected
 * of it; the exit status is 1 if one ended differently.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

/* What the workflow takes by itself, and what the rest may take. */
#define DELIVERY_TIME_MS	(INT64_C(30) * 60 * 1000)
#define MARGIN_MS			60000

static const char *prefix = "pizza-";
static const char *task_queue = "pizza-demo";
static int64_t delivery_time_ms;
static int64_t task_timeout_ms;
static json_int_t only;
static bool no_start;
static bool no_wait;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "orders: %s: %s\n", what, why);
	exit(1);
}

static int64_t
parse_time(const char *text)
{
	char	   *unit;
	long long	number = strtoll(text, &unit, 10);

	if (number <= 0 || unit == text)
		die("not a time", text);
	if (strcmp(unit, "ms") == 0)
		return number;
	if (strcmp(unit, "s") == 0)
		return number * 1000;
	if (strcmp(unit, "m") == 0)
		return number * 60000;
	die("the unit must be ms, s or m", text);
	return 0;
}

static bool
chosen(const json_t *order)
{
	return only == 0 ||
		json_integer_value(json_object_get(order, "order_id")) == only;
}

static void
workflow_id(const json_t *order, char *id, size_t size)
{
	snprintf(id, size, "%s%lld", prefix,
			 (long long) json_integer_value(
											json_object_get(order, "order_id")));
}

static void
start(PgwfClient *client, json_t *order)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	char		id[128];

	workflow_id(order, id, sizeof(id));
	options.workflow_id = id;
	options.workflow_type = "pizza_order";
	options.task_queue = task_queue;
	options.task_timeout_ms = task_timeout_ms;
	if (delivery_time_ms > 0)
		options.input = json_pack("[O, {s:I}]", order, "delivery_time_ms",
								  (json_int_t) delivery_time_ms);
	else
		options.input = json_pack("[O]", order);
	if (pgwf_client_start(client, &options, NULL) != PGWF_OK)
		die(id, pgwf_client_error(client));
	json_decref(options.input);
}

/* Does the outcome hold what the file says? */
static bool
as_expected(const json_t *result, PgwfFailure *failure, const json_t *expected)
{
	const json_t *type = json_object_get(expected, "failure");
	const char *key;
	json_t	   *value;

	if (type != NULL)
		return failure != NULL &&
			strcmp(pgwf_failure_type(pgwf_failure_root(failure)),
				   json_string_value(type)) == 0;
	if (failure != NULL)
		return false;
	json_object_foreach((json_t *) expected, key, value)
	{
		const json_t *found = json_object_get(result, key);

		if (!json_is_number(found) ||
			json_number_value(found) != json_number_value(value))
			return false;
	}
	return true;
}

/* Waits for one order; is it as expected? */
static bool
finish(PgwfClient *client, const json_t *order, const json_t *expected)
{
	PgwfResultOptions options = PGWF_RESULT_OPTIONS_INIT;
	PgwfOutcome outcome;
	const json_t *result;
	const char *customer;
	char		id[128];
	bool		good;

	workflow_id(order, id, sizeof(id));
	options.workflow_id = id;
	options.timeout_ms = MARGIN_MS +
		(delivery_time_ms > 0 ? delivery_time_ms : DELIVERY_TIME_MS);
	if (pgwf_client_result(client, &options, &outcome) != PGWF_OK)
		die(id, pgwf_client_error(client));
	result = json_array_get(outcome.result, 0);
	good = as_expected(result, outcome.failure, expected);

	customer = json_string_value(
								 json_object_get(json_object_get(order, "customer"), "name"));
	demo_print_padded(id, 20);
	demo_print_padded(customer != NULL ? customer : "", 22);
	demo_print_padded(outcome.status, 11);
	if (outcome.failure != NULL)
	{
		PgwfFailure *root = pgwf_failure_root(outcome.failure);

		printf("%s: %s", pgwf_failure_type(root), pgwf_failure_message(root));
	}
	else
	{
		json_int_t	cents = json_integer_value(json_object_get(result,
															   "total_cents"));

		printf("%5.1f km  %3lld.%02lld EUR",
			   json_number_value(json_object_get(result, "distance_km")),
			   (long long) cents / 100, (long long) cents % 100);
	}
	printf("%s\n", good ? "" : "   NOT AS EXPECTED");
	fflush(stdout);
	pgwf_outcome_clear(&outcome);
	return good;
}

static const char *
parse_arguments(int argc, char **argv)
{
	const char *file = NULL;
	int			i;

	for (i = 1; i < argc; i++)
	{
		char	   *value = strchr(argv[i], '=');

		if (value != NULL)
			*value++ = '\0';
		if (strncmp(argv[i], "--", 2) != 0 && file == NULL)
			file = argv[i];
		else if (strcmp(argv[i], "--no-start") == 0)
			no_start = true;
		else if (strcmp(argv[i], "--no-wait") == 0)
			no_wait = true;
		else if (value == NULL)
			die("not understood", argv[i]);
		else if (strcmp(argv[i], "--task-queue") == 0)
			task_queue = value;
		else if (strcmp(argv[i], "--prefix") == 0)
			prefix = value;
		else if (strcmp(argv[i], "--delivery-time") == 0)
			delivery_time_ms = parse_time(value);
		else if (strcmp(argv[i], "--task-timeout") == 0)
			task_timeout_ms = parse_time(value);
		else if (strcmp(argv[i], "--only") == 0)
			only = atoll(value);
		else
			die("unknown option", argv[i]);
	}
	if (file == NULL)
		die("usage", "orders [OPTION...] FILE");
	return file;
}

int
main(int argc, char **argv)
{
	const char *path = parse_arguments(argc, argv);
	PgwfClient *client = pgwf_client_new(NULL, NULL);
	json_error_t error;
	json_t	   *file = json_load_file(path, 0, &error);
	json_t	   *orders = json_object_get(file, "orders");
	json_t	   *entry;
	size_t		i;
	int			count = 0;
	int			wrong = 0;

	if (orders == NULL)
		die(path, file == NULL ? error.text : "has no orders");

	json_array_foreach(orders, i, entry)
	{
		if (chosen(json_object_get(entry, "order")))
		{
			count++;
			if (!no_start)
				start(client, json_object_get(entry, "order"));
		}
	}
	if (count == 0)
		die(path, "no such order");

	json_array_foreach(orders, i, entry)
	{
		if (!no_wait && chosen(json_object_get(entry, "order")) &&
			!finish(client, json_object_get(entry, "order"),
					json_object_get(entry, "expected")))
			wrong++;
	}
	json_decref(file);
	pgwf_client_free(client);
	return wrong > 0 ? 1 : 0;
}
