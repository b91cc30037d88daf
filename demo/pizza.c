/*
 * pizza.c
 *		Pizza delivery as a durable workflow: the worker.
 *
 * The workflow pizza_order asks how far away the customer lives, refuses what
 * is too far, waits for the delivery, and sends the bill.  Its first argument
 * is the order; the second, optional, {"delivery_time_ms": N}, shortens the
 * delivery for people who watch.
 *
 * The lines it logs name the places where a worker can be told to hold; see
 * demo.c.
 */
#include <math.h>
#include <stdio.h>

#include <libpq-fe.h>

#include "demo.h"

#define MAX_DISTANCE_KM		25
#define DELIVERY_TIME_MS	(INT64_C(30) * 60 * 1000)

/* Beyond this distance the delivery is charged. */
#define FREE_DISTANCE_KM	10
#define DELIVERY_CENTS		250

/* Where the pizzas are baked. */
#define SHOP_LATITUDE		48.1374
#define SHOP_LONGITUDE		11.5755
#define EARTH_RADIUS_KM		6371.0

/* ---- the workflow ---- */

static int64_t
total_cents(json_t *order, double distance)
{
	int64_t		total = distance > FREE_DISTANCE_KM ? DELIVERY_CENTS : 0;
	json_t	   *pizza;
	size_t		i;

	json_array_foreach(json_object_get(order, "pizzas"), i, pizza)
		total += json_integer_value(json_object_get(pizza, "price_cents")) *
		json_integer_value(json_object_get(pizza, "quantity"));
	return total;
}

static json_t *
pizza_order(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	json_t	   *order = json_array_get(input, 0);
	json_t	   *delivery_time = json_object_get(json_array_get(input, 1),
												"delivery_time_ms");
	json_t	   *customer = json_object_get(order, "customer");
	json_t	   *answer;
	json_t	   *bill;
	double		distance;

	pgwf_log(wf, PGWF_LOG_INFO, "%s: order received",
			 pgwf_workflow_info(wf)->workflow_id);

	options.start_to_close_timeout_ms = 10000;
	if (!pgwf_execute_activity(wf, "get_distance",
							   json_object_get(order, "address"), &options,
							   &answer, failure))
		return NULL;
	distance = json_number_value(answer);
	pgwf_log(wf, PGWF_LOG_INFO, "%s: distance known, %.1f km",
			 pgwf_workflow_info(wf)->workflow_id, distance);

	if (distance > MAX_DISTANCE_KM)
	{
		*failure = pgwf_failure_new("out_of_range",
									"%.1f km is too far, we deliver up to %d km",
									distance, MAX_DISTANCE_KM);
		return NULL;
	}

	if (!pgwf_sleep(wf, json_is_integer(delivery_time) ?
					json_integer_value(delivery_time) : DELIVERY_TIME_MS,
					failure))
		return NULL;
	pgwf_log(wf, PGWF_LOG_INFO, "%s: timer fired, distance is %.1f km",
			 pgwf_workflow_info(wf)->workflow_id, distance);

	/* card_declined_times, if given, is what the demo's bank will do */
	bill = pgwf_pack(wf, "{s:O?, s:O?, s:I, s:O*}",
					 "order_id", json_object_get(order, "order_id"),
					 "customer", json_object_get(customer, "name"),
					 "total_cents", (json_int_t) total_cents(order, distance),
					 "card_declined_times",
					 json_object_get(order, "card_declined_times"));
	retry.initial_interval_ms = 200;
	retry.maximum_attempts = 5;
	options.retry_policy = &retry;
	if (!pgwf_execute_activity(wf, "send_bill", bill, &options, &answer,
							   failure))
		return NULL;
	pgwf_log(wf, PGWF_LOG_INFO, "%s: bill sent",
			 pgwf_workflow_info(wf)->workflow_id);

	return pgwf_pack(wf, "{s:O?, s:f, s:O, s:O}",
					 "order_id", json_object_get(order, "order_id"),
					 "distance_km", distance,
					 "total_cents", json_object_get(bill, "total_cents"),
					 "bill", answer);
}

/* ---- its activities ---- */

/*
 * Great-circle distance from the shop to an address, in kilometres with one
 * decimal.
 */
static json_t *
get_distance(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const PgwfActivityInfo *info = pgwf_activity_info(activity);
	json_t	   *address = json_array_get(input, 0);
	json_t	   *latitude = json_object_get(address, "latitude");
	json_t	   *longitude = json_object_get(address, "longitude");
	double		degree = M_PI / 180;
	double		north;
	double		east;
	double		h;

	pgwf_activity_log(activity, PGWF_LOG_INFO,
					  "%s: get_distance runs, attempt %d", info->workflow_id,
					  info->attempt);
	if (!json_is_number(latitude) || !json_is_number(longitude))
	{
		*failure = pgwf_failure_new("bad_address",
									"the address has no coordinates");
		pgwf_failure_set_non_retryable(*failure);
		return NULL;
	}
	north = sin((json_number_value(latitude) - SHOP_LATITUDE) * degree / 2);
	east = sin((json_number_value(longitude) - SHOP_LONGITUDE) * degree / 2);
	h = north * north + east * east * cos(SHOP_LATITUDE * degree) *
		cos(json_number_value(latitude) * degree);
	return json_real(round(EARTH_RADIUS_KM * 20 * asin(sqrt(h))) / 10);
}

/*
 * Charges the card and writes the bill.  The row and the completion of the
 * activity are one transaction: however often this runs, there is one bill.
 */
static json_t *
send_bill(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const PgwfActivityInfo *info = pgwf_activity_info(activity);
	json_t	   *bill = json_array_get(input, 0);
	json_int_t	order_id = json_integer_value(json_object_get(bill,
															  "order_id"));
	const char *customer = json_string_value(json_object_get(bill,
															 "customer"));
	char		number[32];
	char		total[32];
	char		order[32];
	const char *values[] = {number, info->workflow_id, order, customer, total};
	PGconn	   *conn;
	PGresult   *result;

	pgwf_activity_log(activity, PGWF_LOG_INFO,
					  "%s: send_bill runs, attempt %d", info->workflow_id,
					  info->attempt);
	if (info->attempt <= json_integer_value(json_object_get(bill,
															"card_declined_times")))
	{
		*failure = pgwf_failure_new("card_declined",
									"the bank declined the card");
		return NULL;
	}

	conn = pgwf_activity_connection(activity);
	if (conn == NULL)
	{
		*failure = pgwf_failure_new("unavailable", "no database connection");
		return NULL;
	}
	snprintf(number, sizeof(number), "B-%lld", (long long) order_id);
	snprintf(order, sizeof(order), "%lld", (long long) order_id);
	snprintf(total, sizeof(total), "%lld",
			 (long long) json_integer_value(json_object_get(bill,
															"total_cents")));
	result = PQexecParams(conn,
						  "INSERT INTO " DEMO_SCHEMA ".bill (number, "
						  "workflow_id, order_id, customer, total_cents) "
						  "VALUES ($1, $2, $3, $4, $5)",
						  5, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		*failure = demo_sql_failure(result);
	PQclear(result);
	if (*failure != NULL)
		return NULL;
	pgwf_activity_log(activity, PGWF_LOG_INFO, "%s: bill written",
					  info->workflow_id);
	return json_string(number);
}

static PgwfResult
fill(PgwfRegistry *registry)
{
	PgwfResult	result;

	result = pgwf_register_workflow(registry, "pizza_order", pizza_order,
									NULL);
	if (result == PGWF_OK)
		result = pgwf_register_activity(registry, "get_distance",
										get_distance, NULL);
	if (result == PGWF_OK)
		result = pgwf_register_activity(registry, "send_bill", send_bill,
										NULL);
	return result;
}

int
main(int argc, char **argv)
{
	static const DemoProgram program = {
		.name = "pizza",
		.task_queue = "pizza-demo",
		.fill = fill
	};

	return demo_main(&program, argc, argv);
}
