/*
 * subscription.c
 *		A subscription that charges each month, for years: a run a month, each
 *		the continuation of the one before, until it is canceled.
 *
 *	subscription						the worker, until Control-C
 *	subscription start CUSTOMER AMOUNT [SECONDS]
 *										every so often instead of monthly
 *	subscription amount CUSTOMER AMOUNT	from the next charge on
 *	subscription cancel CUSTOMER		ends it, with the clean-up it needs
 *	subscription test					two years of it in virtual time, with a
 *										bank that is made up
 *
 * Build, with the library installed:
 *
 *	cc subscription.c -o subscription \
 *		$(pkg-config --cflags --libs pgworkflow)
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pgworkflow.h>
#include <pgworkflow/testing.h>

#define TASK_QUEUE "subscriptions"
#define MONTH_MS (INT64_C(30) * 24 * 3600 * 1000)

/* ---- activities ---- */

/* [key, customer, amount]: a bank charges once for one key. */
static json_t *
charge(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	printf("charge %s: %s pays %lld\n",
		   json_string_value(json_array_get(input, 0)),
		   json_string_value(json_array_get(input, 1)),
		   (long long) json_integer_value(json_array_get(input, 2)));
	fflush(stdout);
	return NULL;
}

/* [customer] */
static json_t *
close_account(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	printf("the account of %s is closed\n",
		   json_string_value(json_array_get(input, 0)));
	fflush(stdout);
	return NULL;
}

/* ---- the workflow ---- */

/* input: [customer, amount, period_ms, month]; ends canceled, or failed. */
static json_t *
subscription(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	PgwfRetryPolicy retry = PGWF_RETRY_POLICY_INIT;
	json_t	   *customer = json_array_get(input, 0);
	json_t	   *amount = json_array_get(input, 1);
	json_t	   *period = json_array_get(input, 2);
	json_int_t	month = json_integer_value(json_array_get(input, 3));
	json_t	   *args;
	bool		charged;

	options.start_to_close_timeout_ms = 60000;
	options.cancel_type = PGWF_CANCEL_WAIT_COMPLETED;
	options.retry_policy = &retry;
	retry.initial_interval_ms = 3600 * 1000;
	retry.maximum_attempts = 5;

	charged = pgwf_sleep(wf, json_integer_value(period), failure);
	if (charged)
	{
		while (pgwf_try_receive_signal(wf, "amount", &args))
			amount = json_array_get(args, 0);
		args = pgwf_pack(wf, "[s, O, O]",
						 pgwf_sprintf(wf, "%s/%lld",
									  pgwf_workflow_info(wf)->workflow_id,
									  (long long) month + 1),
						 customer, amount);
		charged = pgwf_execute_activity(wf, "charge", args, &options, NULL,
										failure);
	}
	if (!charged)
	{
		/*
		 * Canceled, or the bank has refused for good.  What remains to be
		 * done is shielded: the cancellation would stop it as well.
		 */
		PgwfFailure *why = *failure;

		*failure = NULL;
		retry.maximum_attempts = 0;
		pgwf_scope_enter(wf, pgwf_scope_new(wf, true));
		pgwf_execute_activity(wf, "close_account", customer, &options, NULL,
							  NULL);
		pgwf_scope_leave(wf);
		*failure = why;
		return NULL;
	}

	/* a change that came while the bank was at work is for the next month */
	while (pgwf_try_receive_signal(wf, "amount", &args))
		amount = json_array_get(args, 0);
	return pgwf_continue_as_new(wf, pgwf_pack(wf, "[O, O, O, I]", customer,
											  amount, period, month + 1), NULL);
}

static PgwfRegistry *
make_registry(void)
{
	PgwfRegistry *registry = pgwf_registry_new();

	pgwf_register_workflow(registry, "subscription", subscription, NULL);
	pgwf_register_activity(registry, "charge", charge, NULL);
	pgwf_register_activity(registry, "close_account", close_account, NULL);
	return registry;
}

/* ---- its test ---- */

/* A bank that fails now and then, and refuses for good after two years. */
static json_t *
mock_charge(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	int		   *charged = pgwf_activity_arg(activity);

	if (*charged == 24)
		*failure = pgwf_failure_set_non_retryable(
												  pgwf_failure_new("CardExpired", "the card has expired"));
	else if (*charged == 5 && pgwf_activity_info(activity)->attempt < 3)
		*failure = pgwf_failure_new("BankClosed", "try again later");
	else
		(*charged)++;
	return NULL;
}

static json_t *
mock_close(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	return NULL;
}

static int
run_test(void)
{
	PgwfRegistry *registry = make_registry();
	PgwfTest   *test;
	PgwfOutcome outcome;
	PgwfResult	result;
	json_t	   *args = json_pack("[s, i, I]", "ada", 10, (json_int_t) MONTH_MS);
	int64_t		start_us;
	int			charged = 0;
	bool		passed = false;
	char	   *error;

	test = pgwf_test_new(NULL, registry, &error);
	if (test == NULL)
	{
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	pgwf_test_mock_activity(test, "charge", mock_charge, &charged);
	pgwf_test_mock_activity(test, "close_account", mock_close, NULL);
	start_us = pgwf_test_now(test);
	result = pgwf_test_execute(test, "subscription", args, 0, &outcome);
	if (result == PGWF_OK)
	{
		int64_t		days = (pgwf_test_now(test) - start_us) / 1000000 / 86400;

		printf("%s after %d days: %d charged in %d attempts, %d closed\n",
			   outcome.status, (int) days, charged,
			   pgwf_test_calls(test, "charge"),
			   pgwf_test_calls(test, "close_account"));
		passed = days == 25 * 30 && charged == 24 &&
			pgwf_test_calls(test, "charge") == 24 + 2 + 1 &&
			pgwf_test_calls(test, "close_account") == 1;
	}
	else
		fprintf(stderr, "%s\n", pgwf_test_error(test));
	pgwf_outcome_clear(&outcome);
	json_decref(args);
	pgwf_test_free(test);
	pgwf_registry_free(registry);
	return passed ? 0 : 1;
}

/* ---- the program ---- */

static PgwfWorker *worker;

static void
stop(int signo)
{
	pgwf_worker_stop(worker);
}

static int
run_worker(void)
{
	PgwfRegistry *registry = make_registry();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfResult	result;

	options.task_queue = TASK_QUEUE;
	worker = pgwf_worker_new(&options, registry, NULL);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	result = pgwf_worker_run(worker);
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_worker_error(worker));
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
	return result == PGWF_OK ? 0 : 1;
}

/* The customer's subscription is the workflow of that id. */
static PgwfResult
call(PgwfClient *client, const char *command, const char *customer,
	 const char *amount, const char *seconds)
{
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfHandle *handle = pgwf_handle_new(client, customer, NULL);
	PgwfResult	result = PGWF_INVALID_ARGUMENT;
	json_t	   *args;

	if (strcmp(command, "start") == 0 && amount != NULL)
	{
		options.workflow_id = customer;
		options.workflow_type = "subscription";
		options.task_queue = TASK_QUEUE;
		options.input = json_pack("[s, i, I]", customer, atoi(amount),
								  seconds ? (json_int_t) (atof(seconds) * 1000) :
								  (json_int_t) MONTH_MS);
		result = pgwf_client_start(client, &options, NULL);
		json_decref(options.input);
	}
	else if (strcmp(command, "amount") == 0 && amount != NULL)
	{
		args = json_pack("[i]", atoi(amount));
		result = pgwf_handle_signal(handle, "amount", args);
		json_decref(args);
	}
	else if (strcmp(command, "cancel") == 0)
		result = pgwf_handle_cancel(handle, "unsubscribed");
	if (result != PGWF_OK)
		fprintf(stderr, "%s: %s\n", pgwf_result_text(result),
				pgwf_client_error(client));
	pgwf_handle_free(handle);
	return result;
}

int
main(int argc, char **argv)
{
	PgwfClient *client;
	PgwfResult	result;

	if (argc == 1)
		return run_worker();
	if (argc == 2 && strcmp(argv[1], "test") == 0)
		return run_test();
	client = pgwf_client_new(NULL, NULL);
	result = call(client, argv[1], argc > 2 ? argv[2] : "",
				  argc > 3 ? argv[3] : NULL, argc > 4 ? argv[4] : NULL);
	pgwf_client_free(client);
	return result == PGWF_OK ? 0 : 1;
}
