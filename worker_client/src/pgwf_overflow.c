/*
 * pgwf_overflow.c
 *		Tells of a coroutine that has overflowed its stack, before the process
 *		ends because of it.
 *
 * Only on request: a process-wide handler of SIGSEGV and SIGBUS is the
 * program's to decide on.  The handler runs on a stack of its own, one a
 * thread, made when the thread first runs a coroutine and freed when it ends.
 *
 * "wanted" is written once, before the threads that read it are made, and
 * "previous" before the handlers are there; all else belongs to one thread.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgwf_int.h"

#define HANDLER_STACK_SIZE ((size_t) 64 * 1024)

static const int faults[] = {SIGSEGV, SIGBUS};

#define N_FAULTS (sizeof(faults) / sizeof(faults[0]))

bool		pgwf_overflow_wanted = false;

static struct sigaction previous[N_FAULTS];
static pthread_key_t stack_key;

/* The area below the stack of the coroutine that runs in this thread. */
static __thread const char *guard;
static __thread size_t guard_size;
static __thread bool has_stack;

/*
 * Only what may be called in a signal handler.  The instruction is tried again
 * afterwards, and faults again, as it would have without us.
 */
static void
on_fault(int signo, siginfo_t *info, void *context)
{
	static const char message[] =
	"pgworkflow: workflow code has overflowed the stack of its coroutine "
	"(see pgwf_registry_set_stack_size)\n";
	const char *address = info->si_addr;
	size_t		i;

	(void) context;
	if (guard != NULL && address >= guard && address < guard + guard_size &&
		write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		_exit(128 + signo);
	for (i = 0; i < N_FAULTS; i++)
	{
		if (faults[i] == signo)
			sigaction(signo, &previous[i], NULL);
	}
}

/* The thread ends. */
static void
free_stack(void *memory)
{
	stack_t		off;

	off.ss_sp = NULL;
	off.ss_size = 0;
	off.ss_flags = SS_DISABLE;
	sigaltstack(&off, NULL);
	free(memory);
}

static void
make_stack(void)
{
	stack_t		stack;

	has_stack = true;
	if (sigaltstack(NULL, &stack) != 0 || !(stack.ss_flags & SS_DISABLE))
		return;					/* the program has seen to it */
	stack.ss_sp = pgwf_xalloc(HANDLER_STACK_SIZE);
	stack.ss_size = HANDLER_STACK_SIZE;
	stack.ss_flags = 0;
	if (sigaltstack(&stack, NULL) == 0 &&
		pthread_setspecific(stack_key, stack.ss_sp) == 0)
		return;
	free_stack(stack.ss_sp);
}

/*
 * From now on a coroutine with this area below its stack runs in this thread;
 * NULL: none does.
 */
void
pgwf_overflow_watch(const char *area, size_t size)
{
	if (!has_stack)
		make_stack();
	guard_size = size;
	guard = area;
}

bool
pgwf_report_stack_overflow(void)
{
	struct sigaction action;
	size_t		i;

	if (pgwf_overflow_wanted)
		return true;
	if (pthread_key_create(&stack_key, free_stack) != 0)
		return false;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	for (i = 0; i < N_FAULTS; i++)
	{
		if (sigaction(faults[i], NULL, &previous[i]) != 0 ||
			sigaction(faults[i], &action, NULL) != 0)
			return false;
	}
	pgwf_overflow_wanted = true;
	return true;
}
