/*
 * t_stack.c
 *		A coroutine that needs more than its stack ends the process; it does
 *		not write into the stack of another.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pgwf_int.h"
#include "tap.h"

#define STACK_SIZE	((size_t) 64 * 1024)

static PgwfFiber *first;

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

int
main(void)
{
	int			status = 0;
	pid_t		pid = fork();

	if (pid == 0)
	{
		if (freopen("/dev/null", "w", stderr) != NULL)
			run_over();
		_exit(0);
	}
	ok(pid > 0 && waitpid(pid, &status, 0) == pid, "a process ends");
	ok(status != 0, "whose coroutine had large variables, by a signal");
	return done_testing();
}
