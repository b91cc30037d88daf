/*
 * t_worker_util.c
 *		The worker's small parts without a server: back-off, text forms, error
 *		codes, options, run cache, thread pool.
 */
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgwf_cache.h"
#include "pgwf_node.h"
#include "pgwf_options.h"
#include "pgwf_pool.h"
#include "pgwf_util.h"
#include "tap.h"

/* ---- back-off ---- */

static void
test_backoff(void)
{
	PgwfBackoff a;
	PgwfBackoff b;
	bool		in_range = true;
	bool		differ = false;
	int			delay = PGWF_BACKOFF_FIRST_MS;
	int			i;

	pgwf_backoff_init(&a, 1);
	pgwf_backoff_init(&b, 2);
	for (i = 0; i < 40; i++)
	{
		int			x = pgwf_backoff_next(&a);
		int			y = pgwf_backoff_next(&b);

		in_range = in_range && x >= delay / 2 && x <= delay &&
			y >= delay / 2 && y <= delay;
		differ = differ || x != y;
		delay = delay * 2 > PGWF_BACKOFF_MAX_MS ?
			PGWF_BACKOFF_MAX_MS : delay * 2;
	}
	ok(in_range, "delays double up to the limit, with a factor of 0.5 to 1");
	ok(differ, "two workers do not wait equally long");
	pgwf_backoff_reset(&a);
	ok(pgwf_backoff_next(&a) <= PGWF_BACKOFF_FIRST_MS,
	   "after a success they begin anew");
}

/* ---- text forms ---- */

static void
check_array(const char *const *items, int n, const char *expected)
{
	char	   *text = pgwf_text_array(items, n);
	int			i;

	is_str(text, expected, "array %s", expected);
	for (i = 0; i < n; i++)
		ok(pgwf_text_array_has(text, items[i]), "it has %s", items[i]);
	ok(!pgwf_text_array_has(text, "other"), "it has nothing else");
	free(text);
}

static void
test_texts(void)
{
	const char *plain[] = {"a", "b c"};
	const char *odd[] = {"x\"y", "back\\slash", "com,ma", "{}", ""};
	char		uuid[PGWF_RUN_ID_SIZE];
	char		other[PGWF_RUN_ID_SIZE];

	check_array(NULL, 0, "{}");
	check_array(plain, 2, "{\"a\",\"b c\"}");
	check_array(odd, 5,
				"{\"x\\\"y\",\"back\\\\slash\",\"com,ma\",\"{}\",\"\"}");
	ok(pgwf_text_array_has("{a,bc}", "bc") &&
	   pgwf_text_array_has("{a,bc}", "a"), "unquoted elements are found");
	ok(!pgwf_text_array_has("{a,bc}", "b") &&
	   !pgwf_text_array_has("{a,bc}", "bcd") &&
	   !pgwf_text_array_has(NULL, "a"), "parts of them are not");

	is_int(pgwf_duration_ms("10s"), 10000, "10s");
	is_int(pgwf_duration_ms("0.5s"), 500, "0.5s");
	is_int(pgwf_duration_ms(NULL), 0, "no duration");
	is_int(pgwf_duration_ms("10 minutes"), -1, "not a duration");
	is_int(pgwf_timestamp_us("1970-01-01T00:00:01.5Z"), 1500000,
		   "a time with a fraction");
	is_int(pgwf_timestamp_us("2026-01-02T03:04:05.678901Z"),
		   INT64_C(1767323045678901), "a time with microseconds");
	is_int(pgwf_timestamp_us("1970-01-01T01:00:00+01:00"), 0,
		   "a time with an offset");
	is_int(pgwf_timestamp_us("2024-02-29T23:59:60.1234567-00:30"),
		   INT64_C(1709253000123456), "a leap day, a leap second, an offset");
	is_int(pgwf_timestamp_us("2100-03-01 00:00:00z"),
		   INT64_C(4107542400000000), "no leap day in 2100");
	is_int(pgwf_timestamp_us("1600-02-29T00:00:00Z"),
		   INT64_C(-11670998400000000), "long ago");
	is_int(pgwf_timestamp_us("yesterday"), -1, "not a time");
	is_int(pgwf_timestamp_us("2026-13-01T00:00:00Z"), -1, "not a month");
	is_int(pgwf_timestamp_us("2026-01-01T00:00"), -1, "no seconds");
	is_int(pgwf_timestamp_us("2026-01-01T00:00:00"), -1, "no zone");

	pgwf_request_uuid(uuid);
	pgwf_request_uuid(other);
	ok(strlen(uuid) == 36 && uuid[14] == '4' && strcmp(uuid, other) != 0,
	   "random UUIDs");
}

/* ---- JSON ---- */

static void
check_json(const char *text)
{
	json_t	   *value = pgwf_json_parse(text);
	char	   *written = pgwf_json_text(value);

	is_str(written, text, "%s is written as it was", text);
	free(written);
	json_decref(value);
}

/*
 * Documents with more nodes than their size lets expect, short and long ones,
 * more at a time than are kept, and read again into what is free.
 */
static void
test_documents(void)
{
	static PgwfNode *documents[700];
	char		text[6002];
	bool		right = true;
	int			round;
	int			i;

	for (round = 0; round < 2; round++)
	{
		for (i = 0; i < 700; i++)
		{
			size_t		n = (size_t) (i % 7 == 0 ? 3000 : i % 7 * 200);
			size_t		j;

			for (j = 0; j < n; j++)
				memcpy(text + 2 * j, j == 0 ? "[7" : ",7", 2);
			memcpy(text + 2 * n, "]", 2);
			documents[i] = pgwf_node_parse(text);
		}
		for (i = 0; i < 700; i++)
		{
			size_t		n = (size_t) (i % 7 == 0 ? 3000 : i % 7 * 200);
			const PgwfNode *node;
			int64_t		sum = 0;

			pgwf_node_foreach(documents[i], node)
				sum += node->value.integer;
			right = right && pgwf_node_count(documents[i]) == n &&
				sum == 7 * (int64_t) n;
			pgwf_node_release(documents[i]);
		}
	}
	ok(right, "documents of all sizes are read, and again");
}

/* Our reader and jansson's must agree. */
static bool
readers_agree(const char *text)
{
	json_t	   *ours = pgwf_json_parse(text);
	json_t	   *theirs = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL,
									NULL);
	bool		same;

	same = (ours == NULL) == (theirs == NULL) &&
		(ours == NULL || json_equal(ours, theirs));
	json_decref(ours);
	json_decref(theirs);
	return same;
}

static void
check_same(const char *text)
{
	ok(readers_agree(text), "%s is read as by jansson", text);
}

/* Every text that one changed character makes, and every beginning. */
static void
damage(const char *text)
{
	static const char others[] = "\"\\{}[]:,0-.etu ";
	char		copy[200];
	size_t		len = strlen(text);
	size_t		i;
	size_t		j;
	bool		same = true;

	for (i = 0; i < len; i++)
	{
		for (j = 0; j < sizeof(others); j++)
		{
			memcpy(copy, text, len + 1);
			copy[i] = others[j];
			if (!readers_agree(copy))
			{
				note("%s", copy);
				same = false;
			}
		}
	}
	ok(same, "damaged texts are read as by jansson");
}

static void
test_json(void)
{
	json_t	   *value;
	json_t	   *back;
	char	   *text;
	int			i;
	bool		same = true;

	check_json("{\"a\":[1,-2,true,false,null,\"x\"],\"b\":{}}");
	check_json("[19.99,0.1,1e+300,-2.5,100.0]");
	check_json("[\"\\\"\\\\\\u0001\\u0000\",\"\xc3\xa4\"]");
	check_json("9223372036854775807");
	check_json("-9223372036854775808");
	test_documents();

	value = pgwf_json_parse("[12345678901234567890, -1e400]");
	ok(json_is_real(json_array_get(value, 0)) &&
	   json_real_value(json_array_get(value, 0)) == 12345678901234567890.0,
	   "an integer beyond 64 bits is read as a real");
	ok(json_real_value(json_array_get(value, 1)) < -1e300,
	   "a real beyond the range is read as the last one");
	json_decref(value);
	check_same(" { \"a\\n\\u00e4\\ud83d\\ude00\" : [ 1 , \"x\\/y\" ] , \"a\" : 2 } ");
	check_same("\"\\ud83d\"");
	check_same("\"\\udc00\"");
	check_same("[1,]");
	check_same("{\"a\":1,}");
	check_same("{\"a\" 1}");
	check_same("[01]");
	check_same("[-]");
	check_same("[1.]");
	check_same("[1e]");
	check_same("\"a\tb\"");
	check_same("[1] 2");
	check_same("tru");
	check_same("\"abc");
	check_same("");
	damage("{\"a\":[1,2.5e3,-7,\"b\\u00e4\\\"c\",true,false,null],"
		   "\"d\":{\"e\":{},\"f\":[]}}");

	srand(1);
	for (i = 0; i < 2000; i++)
	{
		double		x = ldexp((double) rand() / RAND_MAX - 0.5,
							  rand() % 200 - 100);

		value = json_real(x);
		text = pgwf_json_text(value);

		back = pgwf_json_parse(text);
		same = same && json_is_real(back) && json_real_value(back) == x;
		json_decref(value);
		json_decref(back);
		free(text);
	}
	ok(same, "numbers read back as they were");

	value = json_string("x");
	text = pgwf_json_args_text(value);

	is_str(text, "[\"x\"]", "one argument becomes a list");
	free(text);
	json_decref(value);
	value = json_pack("[i]", 1);
	text = pgwf_json_args_text(value);

	is_str(text, "[1]", "a list of arguments stays one");
	free(text);
	text = pgwf_json_value_text(value);

	is_str(text, "[[1]]", "a value that is a list is one value");
	free(text);
	json_decref(value);
	ok(pgwf_json_text(NULL) == NULL && pgwf_json_args_text(NULL) == NULL,
	   "nothing stays nothing");
}

/* ---- codes and options ---- */

static void
test_codes(void)
{
	is_int(pgwf_code_of_sqlstate("PW005"), PGWF_NOT_FOUND, "PW005");
	is_int(pgwf_code_of_sqlstate("PW106"), PGWF_WORKFLOW_ALREADY_STARTED,
		   "PW106");
	is_int(pgwf_code_of_sqlstate("57P01"), PGWF_UNAVAILABLE,
		   "a server that shuts down");
	is_int(pgwf_code_of_sqlstate("40P01"), PGWF_UNAVAILABLE, "a deadlock");
	is_int(pgwf_code_of_sqlstate("57014"), PGWF_CANCELED,
		   "a canceled statement");
	is_int(pgwf_code_of_sqlstate("42883"), PGWF_ERROR, "any other");
	is_int(pgwf_code_of_sqlstate(NULL), PGWF_UNAVAILABLE,
		   "an error of libpq");
	is_str(pgwf_result_text(PGWF_NOT_FOUND), "not found", "text of a code");
	ok(pgwf_result_text((PgwfResult) 77)[0] != '\0',
	   "text of an unknown code");
}

static void
test_options(void)
{
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfClientOptions client_options = PGWF_CLIENT_OPTIONS_INIT;
	PgwfClient *client;
	PgwfWorker *worker;
	PgwfWorkerStats stats;
	char	   *error = NULL;

	is_int(pgwf_option_ms(0, 17), 17, "0 is the default");
	is_int(pgwf_option_ms(-5, 17), -1, "below 0 is none");

	worker = pgwf_worker_new(&options, registry, &error);
	ok(worker == NULL && error != NULL, "a worker needs a task queue: %s",
	   error != NULL ? error : "");
	free(error);
	options.task_queue = "q";
	worker = pgwf_worker_new(&options, NULL, &error);
	ok(worker == NULL && error != NULL, "and a registry");
	free(error);
	options.max_batch = 5000;
	worker = pgwf_worker_new(&options, registry, NULL);
	ok(worker == NULL, "and options within their limits");

	options.max_batch = 0;
	options.conninfo = "host=/nonexistent port=1";
	worker = pgwf_worker_new(&options, registry, &error);
	ok(worker != NULL && error == NULL, "a worker");
	pgwf_worker_stop(worker);
	pgwf_worker_stop(worker);
	is_int(pgwf_worker_run(worker), PGWF_OK, "stopped before it ran");
	is_int(pgwf_worker_run(worker), PGWF_FAILED_PRECONDITION,
		   "it runs only once");
	pgwf_worker_stats(worker, &stats);
	is_int(stats.polls, 0, "it has done nothing");
	pgwf_worker_free(worker);
	pgwf_worker_free(NULL);

	client_options.retry_timeout_ms = -1;
	client = pgwf_client_new("host=/nonexistent port=1", &client_options);
	is_int(pgwf_client_connect(client), PGWF_UNAVAILABLE,
		   "a client without a server");
	ok(strlen(pgwf_client_error(client)) > 0, "has a message: %s",
	   pgwf_client_error(client));
	is_int(pgwf_client_signal(client, NULL), PGWF_INVALID_ARGUMENT,
		   "missing options are found before connecting");
	is_str(pgwf_client_error(client), "workflow_id is not set",
		   "with a message");
	is_str(pgwf_client_sqlstate(client), "", "and no SQLSTATE");
	pgwf_client_free(client);
	pgwf_client_free(NULL);
	pgwf_registry_free(registry);
}

/* ---- cache ---- */

static void
test_cache(void)
{
	enum
	{
		N = 300
	};
	PgwfCache	cache;
	PgwfCacheEntry entries[N];
	char		id[PGWF_RUN_ID_SIZE];
	bool		good = true;
	int			i;

	pgwf_cache_init(&cache);
	ok(pgwf_cache_find(&cache, "x") == NULL, "an empty cache has nothing");
	for (i = 0; i < N; i++)
	{
		snprintf(id, sizeof(id), "run-%d", i);
		pgwf_cache_add(&cache, &entries[i], id);
	}
	for (i = 0; i < N; i++)
	{
		snprintf(id, sizeof(id), "run-%d", i);
		good = good && pgwf_cache_find(&cache, id) == &entries[i];
	}
	ok(good && cache.count == N, "all are found");
	ok(cache.oldest == &entries[0] && cache.newest == &entries[N - 1],
	   "in the order they came");
	pgwf_cache_touch(&cache, &entries[0]);
	pgwf_cache_touch(&cache, &entries[0]);
	pgwf_cache_touch(&cache, &entries[7]);
	ok(cache.oldest == &entries[1] && cache.newest == &entries[7] &&
	   cache.newest->older == &entries[0], "what was used is newest");
	for (i = 0; i < N; i += 2)
		pgwf_cache_remove(&cache, &entries[i]);
	for (i = 0; i < N; i++)
	{
		snprintf(id, sizeof(id), "run-%d", i);
		good = good && pgwf_cache_find(&cache, id) ==
			(i % 2 == 0 ? NULL : &entries[i]);
	}
	ok(good && cache.count == N / 2, "what was removed is not found");
	ok(cache.oldest == &entries[1] && cache.newest == &entries[7],
	   "the order of the rest stays");
	for (i = 1; i < N; i += 2)
		pgwf_cache_remove(&cache, &entries[i]);
	ok(cache.count == 0 && cache.oldest == NULL && cache.newest == NULL,
	   "it is empty again");
	pgwf_cache_free(&cache);
}

/* ---- pool ---- */

typedef struct TestJob
{
	PgwfJob		job;
	pthread_barrier_t *barrier;
} TestJob;

static int	jobs_done;
static int	threads_cleaned;

static void
count_job(PgwfJob *job, void **thread_data)
{
	TestJob    *test = (TestJob *) job;

	if (test->barrier != NULL)
		pthread_barrier_wait(test->barrier);
	if (*thread_data == NULL)
		*thread_data = malloc(1);
	__atomic_fetch_add(&jobs_done, 1, __ATOMIC_SEQ_CST);
}

static void
clean_thread(void *thread_data)
{
	free(thread_data);
	__atomic_fetch_add(&threads_cleaned, 1, __ATOMIC_SEQ_CST);
}

static int	release_stuck;
static PgwfPool *stuck_pool;	/* where leak checkers see it */

static void
stuck_job(PgwfJob *job, void **thread_data)
{
	(void) job;
	(void) thread_data;
	while (__atomic_load_n(&release_stuck, __ATOMIC_SEQ_CST) == 0)
		poll(NULL, 0, 5);
	__atomic_store_n(&release_stuck, 2, __ATOMIC_SEQ_CST);
}

static void
test_pool(void)
{
	static TestJob jobs[1000];
	pthread_barrier_t barrier;
	PgwfPool   *pool = pgwf_pool_create(8, clean_thread);
	int			threads;
	int			i;

	/* the barrier opens only if all eight run at a time */
	pthread_barrier_init(&barrier, NULL, 8);
	for (i = 0; i < 8; i++)
	{
		jobs[i].job.run = count_job;
		jobs[i].barrier = &barrier;
		ok(pgwf_pool_submit(pool, &jobs[i].job), "job %d is taken", i);
	}
	while (__atomic_load_n(&jobs_done, __ATOMIC_SEQ_CST) < 8)
		poll(NULL, 0, 1);
	is_int(pgwf_pool_threads(pool), 8, "eight jobs ran side by side");
	for (i = 8; i < 1000; i++)
	{
		jobs[i].job.run = count_job;
		if (i >= 500 && i % 100 != 99)
			jobs[i].job.next = &jobs[i + 1].job;
	}
	for (i = 8; i < 1000; i += i < 500 ? 1 : 100)
		pgwf_pool_submit(pool, &jobs[i].job);
	threads = pgwf_pool_threads(pool);
	ok(pgwf_pool_destroy(pool, 10000), "the pool ends");
	is_int(jobs_done, 1000, "after all jobs were done, single ones and lists");
	is_int(threads, 8, "by no more threads");
	ok(threads_cleaned > 0, "whose data was cleaned up");
	pthread_barrier_destroy(&barrier);

	stuck_pool = pgwf_pool_create(1, NULL);
	jobs[0].job.run = stuck_job;
	pgwf_pool_submit(stuck_pool, &jobs[0].job);
	while (pgwf_pool_threads(stuck_pool) == 0)
		poll(NULL, 0, 1);
	ok(!pgwf_pool_destroy(stuck_pool, 20), "a job that does not end is left alone");
	__atomic_store_n(&release_stuck, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&release_stuck, __ATOMIC_SEQ_CST) != 2)
		poll(NULL, 0, 1);
	ok(pgwf_pool_destroy(NULL, 0), "no pool is no trouble");
}

int
main(void)
{
	test_backoff();
	test_texts();
	test_json();
	test_codes();
	test_options();
	test_cache();
	test_pool();
	return done_testing();
}
