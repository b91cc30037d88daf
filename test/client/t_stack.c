/*
 * t_stack.c
 *		A coroutine that needs more than its stack ends the process; it does
 *		not write into the stack of another, however many there are.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pgwf_int.h"
#include "tap.h"

#define STACK_SIZE	((size_t) 64 * 1024)

static PgwfFiber *first;

/* ---- overflow ---- */

/* A frame that is large, and used at its far end only. */
static int
dive(int depth)
{
	volatile char room[48 * 1024];
	int			sum;

	room[0] = (char) depth;
	sum = depth > 0 ? dive(depth - 1) : 0;
	return sum + room[0];
}

static void
overflow(void *arg)
{
	pgwf_fiber_suspend(first);
	*(int *) arg = dive(1);
}

static void
wait_below(void *arg)
{
	pgwf_fiber_suspend(*(PgwfFiber **) arg);
}

/* Its stack is next to that of a fiber that waits. */
static void
run_over(void)
{
	struct rlimit no_core = {0, 0};
	PgwfStackPool *pool = pgwf_stack_pool_create(STACK_SIZE);
	PgwfFiber  *second;
	int			sum;

	setrlimit(RLIMIT_CORE, &no_core);
	first = pgwf_fiber_create(pool, overflow, &sum);
	second = pgwf_fiber_create(pool, wait_below, &second);
	pgwf_fiber_resume(first);
	pgwf_fiber_resume(second);
	pgwf_fiber_resume(first);
}

/* Uses all of a stack that has no guard, up to its last byte. */
static void
use_up(void *arg)
{
	volatile char room[STACK_SIZE];

	memset((char *) room, 1, sizeof(room));
	pgwf_fiber_suspend(first);
	*(int *) arg = (unsigned char) room[0];
}

static void
run_out(void)
{
	struct rlimit no_core = {0, 0};
	PgwfStackPool *pool = pgwf_stack_pool_create(STACK_SIZE);
	int			byte;

	setrlimit(RLIMIT_CORE, &no_core);
	pgwf_stack_pool_set_max_guarded(pool, 0);
	first = pgwf_fiber_create(pool, use_up, &byte);
	pgwf_fiber_resume(first);
}

/* Does a process that does this end by a signal? */
static void
ends_process(void (*deed) (void), const char *name)
{
	int			status = 0;
	pid_t		pid = fork();

	if (pid == 0)
	{
		if (freopen("/dev/null", "w", stderr) != NULL)
			deed();
		_exit(0);
	}
	ok(pid > 0 && waitpid(pid, &status, 0) == pid, "a process ends");
	ok(status != 0, "%s", name);
}

/* ---- telling of it ---- */

static void
run_over_told(void)
{
	pgwf_report_stack_overflow();
	run_over();
}

static void
write_anywhere(void)
{
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	pgwf_report_stack_overflow();
	*(volatile int *) 8 = 1;
}

/* What a process that does this writes to standard error before it ends. */
static void
says(void (*deed) (void), const char *expected, const char *name)
{
	char		text[500];
	size_t		len = 0;
	ssize_t		got;
	int			status = 0;
	int			ends[2];
	pid_t		pid;

	if (pipe(ends) != 0)
		return;
	pid = fork();
	if (pid == 0)
	{
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		deed();
		_exit(0);
	}
	close(ends[1]);
	while (len < sizeof(text) - 1 &&
		   (got = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t) got;
	text[len] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	ok(status != 0, "%s: the process ends", name);
	if (*expected != '\0')
		has_str(text, expected, "%s: it says why", name);
	else
		ok(strstr(text, "pgworkflow") == NULL, "%s: nothing is said", name);
}

/* ---- many stacks ---- */

#define GUARDED		3
#define MANY		300

typedef struct Counter
{
	PgwfFiber  *fiber;
	double		sum;
} Counter;

/* Adds its number up, with a pause after each addition. */
static void
count_up(void *arg)
{
	Counter    *counter = arg;
	volatile double step = counter->sum / 2;
	int			i;

	for (i = 0; i < 10; i++)
	{
		counter->sum += step;
		pgwf_fiber_suspend(counter->fiber);
	}
}

static void
test_many(void)
{
	PgwfStackPool *pool = pgwf_stack_pool_create(STACK_SIZE);
	Counter		counters[MANY];
	int			wrong = 0;
	int			unfinished = 0;
	int			round;
	int			i;
	int			turn;

	pgwf_stack_pool_set_max_guarded(pool, GUARDED);
	for (round = 0; round < 2; round++)
	{
		for (i = 0; i < MANY; i++)
		{
			counters[i].sum = i * 2;
			counters[i].fiber = pgwf_fiber_create(pool, count_up,
												  &counters[i]);
		}
		for (turn = 0; turn <= 10; turn++)
		{
			for (i = 0; i < MANY; i++)
				pgwf_fiber_resume(counters[i].fiber);
		}
		for (i = 0; i < MANY; i++)
		{
			wrong += counters[i].sum != i * 12;
			unfinished += !pgwf_fiber_done(counters[i].fiber);
			pgwf_fiber_destroy(counters[i].fiber);
		}
	}
	is_int(wrong, 0, "stacks without guards keep what is theirs");
	is_int(unfinished, 0, "and end");

	/* some are dropped while they wait */
	for (i = 0; i < MANY; i++)
	{
		counters[i].sum = 1;
		counters[i].fiber = pgwf_fiber_create(pool, count_up, &counters[i]);
		pgwf_fiber_resume(counters[i].fiber);
	}
	for (i = 0; i < MANY; i++)
		pgwf_fiber_destroy(counters[i].fiber);
	pgwf_stack_pool_destroy(pool);
}

int
main(void)
{
	ends_process(run_over, "whose coroutine had large variables, by a signal");
	ends_process(run_out, "whose coroutine used its stack up, by a signal");
	says(run_over_told, "pgworkflow: workflow code has overflowed the stack",
		 "an overflow");
	says(write_anywhere, "", "another fault");
	test_many();
	return done_testing();
}
