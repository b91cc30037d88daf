/*
 * pgwf_fiber.c
 *		Stacks of workflow coroutines, and switching between them.
 *
 * A fiber is a ucontext on an mmap'ed stack with a guard area below it.
 * Stacks that are no longer used are kept in a pool, which is shared by the
 * threads of a registry and locked by its mutex.  A fiber itself is used by
 * one thread at a time, but not always by the same.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "pgwf_int.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef PGWF_VALGRIND
#include <valgrind/valgrind.h>
#endif

/*
 * Below each stack so much is not accessible.  A function with large local
 * variables reaches far below the last byte in use: a page alone could be
 * stepped over into the stack of another run.
 */
#define GUARD_SIZE ((size_t) 256 * 1024)

/* Stacks kept for reuse; more than that are unmapped. */
#define POOL_MAX 256

typedef struct Stack
{
	char	   *base;			/* lowest usable byte; guard below */
	size_t		size;
	struct Stack *next;
#ifdef PGWF_VALGRIND
	unsigned	valgrind_id;
#endif
} Stack;

struct PgwfStackPool
{
	pthread_mutex_t lock;		/* guards the fields below */
	Stack	   *free;
	int			n_free;
	size_t		stack_size;		/* constant */
};

struct PgwfFiber
{
	ucontext_t	context;
	ucontext_t	resumer;
	Stack	   *stack;			/* NULL until it is first resumed */
	PgwfStackPool *pool;
	PgwfFiberFn fn;
	void	   *arg;
	bool		done;
#ifdef FIBER_ASAN
	void	   *fake_stack;		/* of the fiber while suspended */
	const void *resumer_bottom;
	size_t		resumer_size;
#endif
};

/* ---- stacks ---- */

PgwfStackPool *
pgwf_stack_pool_create(size_t stack_size)
{
	PgwfStackPool *pool = pgwf_xalloc(sizeof(PgwfStackPool));
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);

	pthread_mutex_init(&pool->lock, NULL);
	pool->stack_size = (stack_size + page - 1) / page * page;
	return pool;
}

static void
unmap_stack(Stack *stack)
{
#ifdef PGWF_VALGRIND
	VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
#endif
	munmap(stack->base - GUARD_SIZE, stack->size + GUARD_SIZE);
	free(stack);
}

/* No fiber of the pool may be left. */
void
pgwf_stack_pool_destroy(PgwfStackPool *pool)
{
	if (pool == NULL)
		return;
	while (pool->free != NULL)
	{
		Stack	   *stack = pool->free;

		pool->free = stack->next;
		unmap_stack(stack);
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static Stack *
take_stack(PgwfStackPool *pool)
{
	Stack	   *stack;
	char	   *memory;

	pthread_mutex_lock(&pool->lock);
	stack = pool->free;
	if (stack != NULL)
	{
		pool->free = stack->next;
		pool->n_free--;
	}
	pthread_mutex_unlock(&pool->lock);
	if (stack != NULL)
		return stack;

	memory = mmap(NULL, pool->stack_size + GUARD_SIZE, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED ||
		mprotect(memory + GUARD_SIZE, pool->stack_size,
				 PROT_READ | PROT_WRITE) != 0)
		abort();
	stack = pgwf_xalloc(sizeof(Stack));
	stack->base = memory + GUARD_SIZE;
	stack->size = pool->stack_size;
#ifdef PGWF_VALGRIND
	stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->base,
												 stack->base + stack->size);
#endif
	return stack;
}

static void
give_back_stack(PgwfStackPool *pool, Stack *stack)
{
	bool		keep;

#ifdef FIBER_ASAN
	/* frames that were abandoned have left their red zones behind */
	__asan_unpoison_memory_region(stack->base, stack->size);
#endif
	pthread_mutex_lock(&pool->lock);
	keep = pool->n_free < POOL_MAX;
	if (keep)
	{
		stack->next = pool->free;
		pool->free = stack;
		pool->n_free++;
	}
	pthread_mutex_unlock(&pool->lock);
	if (!keep)
		unmap_stack(stack);
}

/* ---- switching ---- */

/* First function on a fiber's stack; makecontext passes only ints. */
static void
fiber_main(unsigned high, unsigned low)
{
	PgwfFiber  *fiber;

	fiber = (PgwfFiber *) (uintptr_t) (((uint64_t) high << 32) | low);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(NULL, &fiber->resumer_bottom,
									&fiber->resumer_size);
#endif
	fiber->fn(fiber->arg);
	fiber->done = true;
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(NULL, fiber->resumer_bottom,
								   fiber->resumer_size);
#endif
	swapcontext(&fiber->context, &fiber->resumer);
	abort();					/* a fiber that is done is never resumed */
}

/* Prepares a fiber; fn(arg) starts with the first resume. */
PgwfFiber *
pgwf_fiber_create(PgwfStackPool *pool, PgwfFiberFn fn, void *arg)
{
	PgwfFiber  *fiber = pgwf_xalloc(sizeof(PgwfFiber));

	fiber->pool = pool;
	fiber->fn = fn;
	fiber->arg = arg;
	return fiber;
}

/* Runs a fiber until it suspends itself or its function returns. */
void
pgwf_fiber_resume(PgwfFiber *fiber)
{
#ifdef FIBER_ASAN
	void	   *fake_stack;
#endif

	if (fiber->stack == NULL)
	{
		uint64_t	address = (uint64_t) (uintptr_t) fiber;

		fiber->stack = take_stack(fiber->pool);
		if (getcontext(&fiber->context) != 0)
			abort();
		fiber->context.uc_stack.ss_sp = fiber->stack->base;
		fiber->context.uc_stack.ss_size = fiber->stack->size;
		fiber->context.uc_link = NULL;
		makecontext(&fiber->context, (void (*) (void)) fiber_main, 2,
					(unsigned) (address >> 32), (unsigned) address);
	}
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(&fake_stack, fiber->stack->base,
								   fiber->stack->size);
#endif
	swapcontext(&fiber->resumer, &fiber->context);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#endif
	if (fiber->done)
	{
		give_back_stack(fiber->pool, fiber->stack);
		fiber->stack = NULL;
	}
}

/* Called on the fiber's own stack: goes back to where it was resumed. */
void
pgwf_fiber_suspend(PgwfFiber *fiber)
{
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(&fiber->fake_stack, fiber->resumer_bottom,
								   fiber->resumer_size);
#endif
	swapcontext(&fiber->context, &fiber->resumer);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(fiber->fake_stack, &fiber->resumer_bottom,
									&fiber->resumer_size);
#endif
}

bool
pgwf_fiber_done(const PgwfFiber *fiber)
{
	return fiber->done;
}

/* Frees a fiber that does not run; its frames are simply forgotten. */
void
pgwf_fiber_destroy(PgwfFiber *fiber)
{
	if (fiber == NULL)
		return;
	if (fiber->stack != NULL)
		give_back_stack(fiber->pool, fiber->stack);
	free(fiber);
}
