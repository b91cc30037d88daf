/*
 * messages.c
 *		Workflow functions with handlers that several tests use: a basket with
 *		a limit.
 */
#include <string.h>

#include "messages.h"

static int	spin_stopped = 0;
static int	poison_stopped = 0;

void
stop_spin(void)
{
	__atomic_store_n(&spin_stopped, 1, __ATOMIC_RELEASE);
}

void
stop_poison(void)
{
	__atomic_store_n(&poison_stopped, 1, __ATOMIC_RELEASE);
}

static const PgwfActivityOptions one_minute = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 60000
};
static const PgwfLocalOptions local_options = {
	PGWF_LOCAL_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 20000
};

typedef struct Basket
{
	json_int_t	value;
	json_int_t	limit;
	bool		closing;
	bool		aborted;
} Basket;

static json_t *
get(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
	PgwfFailure **failure)
{
	Basket	   *basket = arg;

	(void) name;
	(void) failure;
	return pgwf_pack(wf, "{s:I, s:I, s:O}", "value", basket->value, "limit",
					 basket->limit, "args", args);
}

static json_t *
sleep_in_query(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
			   PgwfFailure **failure)
{
	(void) name;
	(void) args;
	(void) arg;
	pgwf_sleep(wf, 1000, failure);
	return NULL;
}

static json_t *
spin(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
	 PgwfFailure **failure)
{
	(void) wf;
	(void) name;
	(void) args;
	(void) arg;
	(void) failure;
	while (!__atomic_load_n(&spin_stopped, __ATOMIC_ACQUIRE))
		;
	return NULL;
}

static void
check(PgwfWorkflow *wf, const char *name, const json_t *args, void *arg,
	  PgwfFailure **failure)
{
	Basket	   *basket = arg;

	(void) wf;
	(void) name;
	if (basket->value + json_integer_value(json_array_get(args, 0)) >
		basket->limit)
		*failure = pgwf_failure_new("TooMuch", "over the limit of %d",
									(int) basket->limit);
}

static json_t *
add(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
	PgwfFailure **failure)
{
	Basket	   *basket = arg;
	json_t	   *value = json_array_get(args, 0);

	if (strcmp(name, "add slowly") == 0)
	{
		if (!pgwf_execute_activity(wf, "slow", args, &one_minute, &value,
								   failure))
			return NULL;
	}
	else if (strcmp(name, "add locally") == 0)
	{
		if (pgwf_patched(wf, "local") &&
			!pgwf_execute_local_activity(wf, "slow", args, &local_options,
										 &value, failure))
			return NULL;
	}
	basket->value += json_integer_value(value);
	return pgwf_pack(wf, "I", basket->value);
}

static void
on_signal(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	Basket	   *basket = arg;

	(void) wf;
	if (strcmp(name, "limit") == 0)
		basket->limit = json_integer_value(json_array_get(input, 0));
	else
		basket->closing = true;
	basket->aborted = strcmp(name, "abort") == 0;
}

static void
make_basket(PgwfWorkflow *wf, json_t *input)
{
	PgwfUpdateHandlerOptions checked = PGWF_UPDATE_HANDLER_OPTIONS_INIT;
	Basket	   *basket = pgwf_alloc(wf, sizeof(Basket));

	checked.validator = check;
	basket->limit = json_integer_value(json_array_get(input, 0));
	pgwf_set_state(wf, basket);
	pgwf_set_query_handler(wf, "get", get, basket);
	pgwf_set_query_handler(wf, "sleep", sleep_in_query, basket);
	pgwf_set_query_handler(wf, "spin", spin, basket);
	pgwf_set_update_handler(wf, "add", add, basket, &checked);
	pgwf_set_update_handler(wf, "add slowly", add, basket, NULL);
	pgwf_set_update_handler(wf, "add locally", add, basket, NULL);
	pgwf_set_signal_handler(wf, NULL, on_signal, basket);
}

static bool
is_closing(void *arg)
{
	return ((Basket *) arg)->closing;
}

/* [limit] */
static json_t *
basket_flow(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	Basket	   *basket = pgwf_state(wf);

	(void) input;
	(void) failure;
	pgwf_wait_condition(wf, is_closing, basket, PGWF_FOREVER);
	if (!basket->aborted)
		pgwf_wait_handlers(wf, PGWF_FOREVER);
	return pgwf_pack(wf, "I", basket->value);
}

/* [milliseconds]: a local activity first, longer than a workflow task. */
static json_t *
held_flow(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	Basket	   *basket = pgwf_state(wf);

	basket->limit = 100;
	if (!pgwf_execute_local_activity(wf, "slow", input, &local_options, NULL,
									 failure))
		return NULL;
	pgwf_start_timer(wf, 1 + pgwf_now_us(wf) % 1000);
	return basket_flow(wf, input, failure);
}

/* A value that contains itself. */
static json_t *
knot(void)
{
	json_t	   *outer = json_array();
	json_t	   *inner = json_array();

	json_array_append_new(outer, inner);
	json_array_append(inner, outer);
	return outer;
}

static json_t *
answer_knot(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
			PgwfFailure **failure)
{
	(void) wf;
	(void) name;
	(void) args;
	(void) failure;
	return arg;
}

/* Does what no code should; ["result"], or nothing but answer queries. */
static json_t *
poison_flow(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	json_t	   *value = pgwf_own(wf, knot());

	(void) failure;
	pgwf_set_query_handler(wf, "knot", answer_knot, value);
	if (json_array_size(input) > 0 &&
		!__atomic_load_n(&poison_stopped, __ATOMIC_ACQUIRE))
		return value;
	pgwf_receive_signal(wf, "go", PGWF_FOREVER, NULL);
	return NULL;
}

void
register_messages(PgwfRegistry *registry)
{
	PgwfTypeOptions options = PGWF_TYPE_OPTIONS_INIT;

	options.init = make_basket;
	pgwf_register_workflow_with(registry, "basket", basket_flow, NULL,
								&options);
	pgwf_register_workflow_with(registry, "held", held_flow, NULL, &options);
	pgwf_register_workflow(registry, "poison", poison_flow, NULL);
}
