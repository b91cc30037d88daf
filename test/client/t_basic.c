/*
 * t_basic.c
 *		The parts below the replay engine: JSON forms, payloads, failures,
 *		random numbers, event names, fibers, the registry.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"
#include "tap.h"

/* ---- JSON forms ---- */

static void
test_durations(void)
{
	json_t	   *object = json_object();
	json_t	   *value;

	pgwf_json_put_ms(object, "a", 10000);
	pgwf_json_put_ms(object, "b", 250);
	pgwf_json_put_ms(object, "c", 0);
	pgwf_json_put_ms(object, "d", -5);
	pgwf_json_put_ms(object, "e", INT64_C(86400001));
	is_json(object, "{\"a\": \"10s\", \"b\": \"0.250s\", \"e\": "
			"\"86400.001s\"}", "durations in the service's form");
	is_int(pgwf_json_get_duration_ms(json_object_get(object, "e")), 86400001,
		   "and back");
	value = json_pack("{s:i, s:i}", "seconds", 2, "nanos", 500000000);
	is_int(pgwf_json_get_duration_ms(value), 2500, "duration as an object");
	json_decref(value);
	value = json_pack("{s:s, s:i}", "seconds", "1767225600", "nanos", 1000);
	is_int(pgwf_json_get_time_us(value), INT64_C(1767225600000001),
		   "time as an object");
	json_decref(value);
	value = pgwf_json_time(INT64_C(1767225600123456));
	is_json(value, "\"2026-01-01T00:00:00.123456Z\"", "time as text");
	is_int(pgwf_json_get_time_us(value), INT64_C(1767225600123456),
		   "and back");
	json_decref(value);
	value = pgwf_json_time(-1);
	is_json(value, "\"1969-12-31T23:59:59.999999Z\"", "time before 1970");
	json_decref(value);
	value = json_string("2026-01-01T00:00:00.123456789Z");
	is_int(pgwf_json_get_time_us(value), INT64_C(1767225600123456),
		   "nanoseconds are cut");
	json_decref(value);
	is_int(pgwf_json_get_time_us(NULL), 0, "no time");
	json_decref(object);
}

static void
test_args(void)
{
	json_t	   *value = json_pack("{s:i}", "a", 1);
	json_t	   *args = pgwf_json_args(value);

	is_json(args, "[{\"a\": 1}]", "one value is one argument");
	json_object_set_new(value, "a", json_integer(2));
	is_json(args, "[{\"a\": 1}]", "arguments are a copy");
	json_decref(args);
	json_decref(value);
	value = json_pack("[i, s]", 1, "x");
	args = pgwf_json_args(value);
	is_json(args, "[1, \"x\"]", "an array is the list of arguments");
	json_decref(args);
	args = pgwf_json_first(value);
	is_json(args, "1", "first value");
	json_decref(args);
	json_decref(value);
	ok(pgwf_json_args(NULL) == NULL, "no arguments");
	args = pgwf_json_first(NULL);
	is_json(args, "null", "first value of nothing");
	json_decref(args);
	value = json_object();
	pgwf_json_put_str(value, "bad", "a\xff");
	is_json(value, "{\"bad\": \"a?\"}", "text that is not UTF-8");
	json_decref(value);
}

static void
test_payloads(void)
{
	static const struct
	{
		const char *payload;
		const char *value;
	}			cases[] =
	{
		{"{\"metadata\": {\"encoding\": \"anNvbi9wbGFpbg==\"}, "
		"\"data\": \"ImhpIg==\"}", "\"hi\""},
		{"{\"metadata\": {\"encoding\": \"anNvbi9wbGFpbg==\"}, "
			"\"data\": \"eyJhIjpbMSwyLjUsbnVsbF19\"}",
		"{\"a\": [1, 2.5, null]}"},
		{"{\"metadata\": {\"encoding\": \"YmluYXJ5L251bGw=\"}}", "null"},
		{"{\"metadata\": {\"encoding\": \"anNvbi9wbGFpbg==\", \"type\": "
		"\"S2V5d29yZA==\"}, \"data\": \"MTU=\"}", "15"},
		{"{\"metadata\": {\"encoding\": \"YmluYXJ5L3BsYWlu\"}, "
			"\"data\": \"AAEC\"}",
			"{\"@payload\": {\"metadata\": {\"encoding\": "
		"\"YmluYXJ5L3BsYWlu\"}, \"data\": \"AAEC\"}}"},
		/* json/plain that is none is kept */
		{"{\"metadata\": {\"encoding\": \"anNvbi9wbGFpbg==\"}, "
			"\"data\": \"e2E=\"}",
			"{\"@payload\": {\"metadata\": {\"encoding\": "
		"\"anNvbi9wbGFpbg==\"}, \"data\": \"e2E=\"}}"},
	};
	size_t		i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		json_t	   *payload = json_loads(cases[i].payload, 0, NULL);
		json_t	   *value = pgwf_payload_decode(payload);

		is_json(value, cases[i].value, "payload %d", (int) i);
		json_decref(value);
		json_decref(payload);
	}
}

static void
test_import(void)
{
	json_t	   *history;
	json_t	   *events;
	char	   *error;

	history = json_loads("{\"events\": [{\"eventId\": \"5\", \"eventTime\": "
						 "\"2026-01-02T03:04:05.678901234Z\", \"eventType\": "
						 "\"EVENT_TYPE_ACTIVITY_TASK_SCHEDULED\", \"taskId\": "
						 "\"77\", \"activityTaskScheduledEventAttributes\": {"
						 "\"activityId\": \"5\", \"activityType\": {\"name\": "
						 "\"x\"}, \"input\": {\"payloads\": [{\"metadata\": "
						 "{\"encoding\": \"anNvbi9wbGFpbg==\"}, \"data\": "
						 "\"ImhpIg==\"}]}, \"workflowTaskCompletedEventId\": "
						 "\"4\", \"header\": {\"fields\": {\"k\": "
						 "{\"metadata\": {\"encoding\": "
						 "\"anNvbi9wbGFpbg==\"}, \"data\": \"MQ==\"}}}, "
						 "\"scheduleToCloseTimeout\": \"0s\"}}, "
						 "{\"eventId\": 6, \"eventType\": \"TimerFired\", "
						 "\"attributes\": {\"input\": {\"payloads\": [1]}}}, "
						 "{\"eventId\": 7, \"eventType\": 17, "
						 "\"timerStartedEventAttributes\": {\"timerId\": "
						 "\"1\", \"input\": null}}]}", 0, NULL);
	events = pgwf_history_import(history, &error);
	is_json(json_array_get(events, 0),
			"{\"eventId\": 5, \"eventTime\": "
			"\"2026-01-02T03:04:05.678901234Z\", \"eventType\": "
			"\"ActivityTaskScheduled\", \"attributes\": {\"activityId\": "
			"\"5\", \"activityType\": {\"name\": \"x\"}, \"input\": "
			"[\"hi\"], \"workflowTaskCompletedEventId\": 4, \"header\": "
			"{\"fields\": {\"k\": 1}}, \"scheduleToCloseTimeout\": \"0s\"}}",
			"an event in Temporal's format");
	is_json(json_array_get(events, 1), "{\"eventId\": 6, \"eventType\": "
			"\"TimerFired\", \"attributes\": {\"input\": {\"payloads\": "
			"[1]}}}", "a readable event is left as it is");
	is_json(json_array_get(events, 2), "{\"eventId\": 7, \"eventType\": "
			"\"TimerStarted\", \"attributes\": {\"timerId\": \"1\"}}",
			"an event type as a number");
	json_decref(events);
	json_decref(history);

	history = json_loads("{\"events\": []}", 0, NULL);
	ok(pgwf_history_import(history, &error) == NULL, "no events");
	is_str(error, "history has no events", "and says so");
	free(error);
	json_decref(history);
	history = json_loads("[{\"eventId\": 1}]", 0, NULL);
	ok(pgwf_history_import(history, &error) == NULL, "no event type");
	has_str(error, "element 1", "and names the element");
	free(error);
	json_decref(history);
}

/* ---- event names ---- */

static void
test_names(void)
{
	char		key[80];
	int			i;
	int			good = 0;

	is_int(pgwf_event_type_of("EVENT_TYPE_TIMER_FIRED"),
		   PGWF_EVENT_TIMER_FIRED, "constant");
	is_int(pgwf_event_type_of("TimerFired"), PGWF_EVENT_TIMER_FIRED, "name");
	is_int(pgwf_event_type_of("Nothing"), PGWF_EVENT_NONE, "unknown name");
	is_int(pgwf_event_type_of("EVENT_TYPE_NOTHING"), PGWF_EVENT_NONE,
		   "unknown constant");
	is_int(pgwf_event_type_of("EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_"
							  "COMPLETED"), 43, "a long constant");
	for (i = 1; i < PGWF_EVENT_TYPES; i++)
		good += (int) pgwf_event_type_of(pgwf_event_infos[i].name) == i;
	is_int(good, PGWF_EVENT_TYPES - 1, "every name has its number");
	is_str(pgwf_event_attributes_key(PGWF_EVENT_TASK_STARTED, key,
									 sizeof(key)),
		   "workflowTaskStartedEventAttributes", "attributes key");
}

/* ---- failures ---- */

static void
test_failures(void)
{
	json_t	   *details = json_pack("[i, s]", 1, "two");
	json_t	   *json;
	PgwfFailure *failure;
	PgwfFailure *wrapped;

	failure = pgwf_failure_new("BillingError", "no %s left", "money");
	pgwf_failure_set_details(failure, details);
	pgwf_failure_set_non_retryable(failure);
	pgwf_failure_set_next_retry_delay(failure, 5000);
	pgwf_failure_set_cause(failure, pgwf_failure_new(NULL, "root"));
	is_json(pgwf_failure_json(failure),
			"{\"message\": \"no money left\", \"source\": \"pgworkflow-c\", "
			"\"applicationFailureInfo\": {\"type\": \"BillingError\", "
			"\"details\": [1, \"two\"], \"nonRetryable\": true, "
			"\"nextRetryDelay\": \"5s\"}, \"cause\": {\"message\": \"root\", "
			"\"source\": \"pgworkflow-c\", \"applicationFailureInfo\": {}}}",
			"failure in JSON");
	is_int(pgwf_failure_kind(failure), PGWF_FAILURE_APPLICATION, "kind");
	is_str(pgwf_failure_message(failure), "no money left", "message");
	is_str(pgwf_failure_type(failure), "BillingError", "type");
	ok(pgwf_failure_non_retryable(failure), "non-retryable");
	is_json(pgwf_failure_details(failure), "[1, \"two\"]", "details");
	is_str(pgwf_failure_message(pgwf_failure_cause(failure)), "root",
		   "cause");
	is_str(pgwf_failure_message(pgwf_failure_root(failure)), "root",
		   "root of the chain");
	ok(pgwf_failure_cause(pgwf_failure_root(failure)) == NULL,
	   "the root has no cause");
	is_json(pgwf_failure_details(pgwf_failure_root(failure)), "[]",
			"details are never NULL");
	ok(!pgwf_failure_is_canceled(failure), "is no cancellation");

	/* what somebody else owns cannot be changed or freed */
	pgwf_failure_set_details(pgwf_failure_cause(failure), details);
	is_json(pgwf_failure_details(pgwf_failure_cause(failure)), "[]",
			"a cause cannot be changed");
	pgwf_failure_free(pgwf_failure_cause(failure));
	is_str(pgwf_failure_message(pgwf_failure_cause(failure)), "root",
		   "a cause cannot be freed");
	pgwf_failure_free(failure);

	failure = pgwf_failure_new_canceled("stop", details);
	is_int(pgwf_failure_kind(failure), PGWF_FAILURE_CANCELED, "canceled");
	ok(pgwf_failure_is_canceled(failure), "is a cancellation");
	is_json(pgwf_failure_details(failure), "[1, \"two\"]",
			"details of a cancellation");
	json = json_pack("{s:s, s:O, s:{s:{s:s}, s:s}}", "message", "wrapper",
					 "cause", pgwf_failure_json(failure),
					 "activityFailureInfo", "activityType", "name", "bill",
					 "retryState", "RETRY_STATE_CANCEL_REQUESTED");
	wrapped = pgwf_failure_from_json(json);
	ok(pgwf_failure_is_canceled(wrapped), "so is an activity's wrapper");
	is_str(pgwf_failure_activity_type(wrapped), "bill", "activity type");
	is_str(pgwf_failure_retry_state(wrapped), "RETRY_STATE_CANCEL_REQUESTED",
		   "retry state");
	pgwf_failure_free(wrapped);
	json_decref(json);
	pgwf_failure_free(failure);

	failure = pgwf_failure_new_timeout("TIMEOUT_TYPE_HEARTBEAT", "late");
	is_int(pgwf_failure_kind(failure), PGWF_FAILURE_TIMEOUT, "timeout");
	is_str(pgwf_failure_timeout_type(failure), "TIMEOUT_TYPE_HEARTBEAT",
		   "timeout type");
	pgwf_failure_free(failure);
	pgwf_failure_free(NULL);
	json_decref(details);
}

/* ---- random numbers ---- */

static void
test_random(void)
{
	static const unsigned char bytes[] = {0, 1, 2, 3, 4, 5, 6, 7};
	PgwfRandom	a;
	PgwfRandom	b;
	char		uuid[37];
	int			i;
	int			same = 0;

	/* reference values of SipHash-1-3 with zero keys */
	ok(pgwf_siphash13("", 0) == UINT64_C(0xd1fba762150c532c),
	   "SipHash-1-3 of nothing");
	ok(pgwf_siphash13(bytes, 8) != pgwf_siphash13(bytes, 7),
	   "SipHash-1-3 sees the length");
	ok(pgwf_run_seed("a") == pgwf_siphash13("a\xff", 2),
	   "a run's seed is the hash of its id and 0xff");
	pgwf_random_seed(&a, 1);
	pgwf_random_seed(&b, 1);
	for (i = 0; i < 100; i++)
		same += pgwf_random_next(&a) == pgwf_random_next(&b);
	is_int(same, 100, "one seed, one sequence");
	pgwf_random_uuid(&a, uuid);
	ok(strlen(uuid) == 36 && uuid[14] == '4' &&
	   strchr("89ab", uuid[19]) != NULL, "a version 4 UUID: %s", uuid);
}

/* ---- fibers ---- */

typedef struct FiberTest
{
	PgwfFiber  *fiber;
	int			steps;
} FiberTest;

static int
deep(int n)
{
	volatile char frame[256];

	frame[0] = (char) n;
	return n > 0 ? deep(n - 1) + frame[0] - (char) n + 1 : 0;
}

static void
fiber_fn(void *arg)
{
	FiberTest  *test = arg;

	while (test->steps < 5)
	{
		test->steps++;
		deep(50);
		pgwf_fiber_suspend(test->fiber);
	}
}

static void
test_fibers(void)
{
	PgwfStackPool *pool = pgwf_stack_pool_create(64 * 1024);
	FiberTest	tests[20];
	int			i;
	int			round;
	int			done = 0;

	memset(tests, 0, sizeof(tests));
	for (i = 0; i < 20; i++)
		tests[i].fiber = pgwf_fiber_create(pool, fiber_fn, &tests[i]);
	for (round = 0; round < 5; round++)
	{
		for (i = 0; i < 20; i++)
			pgwf_fiber_resume(tests[i].fiber);
	}
	is_int(tests[0].steps + tests[19].steps, 10, "fibers take turns");
	for (i = 0; i < 10; i++)
	{
		pgwf_fiber_resume(tests[i].fiber);
		done += pgwf_fiber_done(tests[i].fiber);
	}
	is_int(done, 10, "fibers end");
	for (i = 0; i < 20; i++)
		pgwf_fiber_destroy(tests[i].fiber);
	/* stacks of the ended and of the abandoned are used again */
	memset(tests, 0, sizeof(tests));
	for (i = 0; i < 20; i++)
	{
		tests[i].fiber = pgwf_fiber_create(pool, fiber_fn, &tests[i]);
		if (i % 2 == 0)
			pgwf_fiber_resume(tests[i].fiber);
	}
	for (i = 0; i < 20; i++)
		pgwf_fiber_destroy(tests[i].fiber);
	ok(true, "abandoned and unused fibers are freed");
	pgwf_stack_pool_destroy(pool);
}

/* ---- registry ---- */

static json_t *
no_workflow(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	(void) wf;
	(void) input;
	(void) failure;
	return NULL;
}

static void
test_registry(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	char	   *names;
	void	   *arg = NULL;
	int			x;

	is_int(pgwf_register_workflow(registry, "b", no_workflow, &x), PGWF_OK,
		   "register");
	is_int(pgwf_register_workflow(registry, "a", no_workflow, NULL), PGWF_OK,
		   "register another");
	is_int(pgwf_register_workflow(registry, "b", no_workflow, NULL),
		   PGWF_ALREADY_EXISTS, "a name is registered once");
	is_int(pgwf_register_workflow(registry, "", no_workflow, NULL),
		   PGWF_INVALID_ARGUMENT, "an empty name");
	is_int(pgwf_register_workflow(registry, "c", NULL, NULL),
		   PGWF_INVALID_ARGUMENT, "no function");
	is_int(pgwf_register_activity(registry, "b", NULL, NULL),
		   PGWF_INVALID_ARGUMENT, "no activity function");
	ok(pgwf_registry_find_workflow(registry, "b", &arg) == no_workflow &&
	   arg == &x, "found with its argument");
	ok(pgwf_registry_find_workflow(registry, "z", &arg) == NULL,
	   "not found");
	ok(pgwf_registry_find_activity(registry, "b", &arg) == NULL,
	   "activities have names of their own");
	names = pgwf_registry_workflow_names(registry);
	is_str(names, "\"a\", \"b\"", "names");
	free(names);
	is_int(pgwf_registry_set_stack_size(registry, 1000),
		   PGWF_INVALID_ARGUMENT, "a stack too small");
	is_int(pgwf_registry_set_stack_size(registry, 100000), PGWF_OK,
		   "stack size");
	pgwf_registry_free(registry);
	pgwf_registry_free(NULL);
}

/* ---- map ---- */

static void
test_idmap(void)
{
	PgwfIdMap	map;
	PgwfMachine machines[3];
	int			i;
	int			good = 0;

	memset(&map, 0, sizeof(map));
	ok(pgwf_idmap_get(&map, 1) == NULL, "empty map");
	for (i = 1; i <= 3000; i++)
		pgwf_idmap_put(&map, i * 7, &machines[i % 3]);
	for (i = 1; i <= 3000; i++)
		good += pgwf_idmap_get(&map, i * 7) == &machines[i % 3];
	is_int(good, 3000, "3000 ids");
	ok(pgwf_idmap_get(&map, 5) == NULL && pgwf_idmap_get(&map, 0) == NULL,
	   "ids that are not there");
	pgwf_idmap_free(&map);
}

int
main(void)
{
	test_durations();
	test_args();
	test_payloads();
	test_import();
	test_names();
	test_failures();
	test_random();
	test_fibers();
	test_registry();
	test_idmap();
	return done_testing();
}
