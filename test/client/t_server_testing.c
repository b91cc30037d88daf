/*
 * t_server_testing.c
 *		Test environments, as their users would use them: a month of a
 *		workflow in a moment, and activities that are not there.
 *
 * Needs a database with the extension, found by the PG* variables.
 */
#include <stdlib.h>
#include <string.h>

#include <pgworkflow/testing.h>

#include "tap.h"

#define DAY_MS	(INT64_C(24) * 3600 * 1000)

/* Charges, sleeps a month, and asks how the customer is: three times. */
static json_t *
subscription(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *charged;
	int			i;

	options.start_to_close_timeout_ms = 10000;
	for (i = 0; i < 3; i++)
	{
		if (!pgwf_execute_activity(wf, "charge", input, &options, &charged,
								   failure) ||
			!pgwf_sleep(wf, 30 * DAY_MS, failure))
			return NULL;
	}
	return charged;
}

/* Waits two days for a signal. */
static json_t *
patient(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) input;
	(void) failure;
	return pgwf_pack(wf, "b",
					 pgwf_receive_signal(wf, "go", 2 * DAY_MS,
										 NULL) == PGWF_WAIT_DONE);
}

static json_t *
real_charge(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) activity;
	(void) input;
	(void) failure;
	return json_string("really");
}

/* Fails at first, then returns what the test has given. */
static json_t *
mock_charge(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	(void) input;
	if (pgwf_activity_info(activity)->attempt < 3)
	{
		*failure = pgwf_failure_new("NoMoney", "not yet");
		return NULL;
	}
	return json_string(pgwf_activity_arg(activity));
}

int
main(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfTest   *test;
	PgwfHandle *handle;
	PgwfOutcome outcome;
	int64_t		before;
	char	   *error;

	pgwf_register_workflow(registry, "subscription", subscription, NULL);
	pgwf_register_workflow(registry, "patient", patient, NULL);
	ok(pgwf_test_new("host=/nonexistent", registry, &error) == NULL,
	   "an environment needs a server");
	ok(error != NULL, "and says so: %s", error);
	free(error);

	test = pgwf_test_new(NULL, registry, &error);
	ok(test != NULL, "an environment%s%s", error != NULL ? ": " : "",
	   error != NULL ? error : "");
	free(error);
	if (test == NULL)
		return done_testing();

	pgwf_test_mock_activity(test, "charge", mock_charge, "mocked");
	before = pgwf_test_now(test);
	is_int(pgwf_test_execute(test, "subscription", NULL, 0, &outcome),
		   PGWF_OK, "three months are over: %s", pgwf_test_error(test));
	is_json(outcome.result, "[\"mocked\"]", "with the mock");
	pgwf_outcome_clear(&outcome);
	is_int(pgwf_test_calls(test, "charge"), 9, "which was tried again");
	ok(pgwf_test_now(test) - before > 90 * DAY_MS * 1000,
	   "and time has passed");

	is_int(pgwf_test_start(test, "patient", NULL, &handle), PGWF_OK,
		   "a workflow that waits");
	is_int(pgwf_test_advance(test, DAY_MS), PGWF_OK, "one day");
	is_int(pgwf_handle_signal(handle, "go", NULL), PGWF_OK, "a signal");
	pgwf_handle_result(handle, 30000, &outcome);
	is_json(outcome.result, "[true]", "comes in time");
	pgwf_outcome_clear(&outcome);
	pgwf_handle_free(handle);
	pgwf_test_start(test, "patient", NULL, &handle);
	pgwf_test_advance(test, 3 * DAY_MS);
	pgwf_handle_signal(handle, "go", NULL);
	pgwf_handle_result(handle, 30000, &outcome);
	is_json(outcome.result, "[false]", "comes too late after three days");
	pgwf_outcome_clear(&outcome);
	pgwf_handle_free(handle);
	pgwf_test_free(test);

	/* without a mock the registered activity is called */
	pgwf_register_activity(registry, "charge", real_charge, NULL);
	test = pgwf_test_new(NULL, registry, NULL);
	is_int(pgwf_test_execute(test, "subscription", NULL, 0, &outcome),
		   PGWF_OK, "with a registered activity");
	is_json(outcome.result, "[\"really\"]", "that is called");
	pgwf_outcome_clear(&outcome);
	is_int(pgwf_test_calls(test, "charge"), 0, "there was no mock");
	pgwf_test_free(test);
	pgwf_registry_free(registry);
	return done_testing();
}
