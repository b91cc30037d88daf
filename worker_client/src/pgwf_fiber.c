/*
 * pgwf_fiber.c
 *		Stacks of workflow coroutines, and switching between them.
 *
 * A fiber is a function on a stack of its own.  Suspended, it is that stack
 * and the place to go on from.  On x86-64 a switch is a few instructions of
 * ours; elsewhere it is swapcontext(), which also makes a system call.
 *
 * Below a stack lies an area that is not accessible.  Each one costs the
 * process two mappings, of which the kernel allows some 65,000; so when there
 * are very many stacks, further ones come in slabs of which the kernel knows
 * nothing but that they are memory, with an area below that nobody uses, and
 * their ends are looked at with each switch.
 *
 * Stacks that are no longer used are kept in a pool, which is shared by the
 * threads of a registry and locked by its mutex.  A fiber itself is used by
 * one thread at a time, but not always by the same.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__) && !defined(PGWF_UCONTEXT)
#define FIBER_ASM 1
#else
#include <ucontext.h>
#endif

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

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
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

/* Guarded stacks kept for reuse; more than that are unmapped. */
#define POOL_MAX 2048

/* Stacks in a slab */
#define SLAB_STACKS 64

/* The part of the mappings allowed to a process that stacks may take */
#define MAPPINGS_SHARE	4
#define DEFAULT_MAX_MAPPINGS	65530

typedef struct Stack
{
	char	   *base;			/* lowest usable byte; guard below */
	size_t		size;
	bool		guarded;
	struct Stack *next;
#ifdef PGWF_VALGRIND
	unsigned	valgrind_id;
#endif
} Stack;

/* Stacks that were mapped together; never unmapped before the pool is */
typedef struct Slab
{
	struct Slab *next;
	char	   *memory;
	size_t		size;
	int			taken;			/* of its stacks */
	Stack		stacks[SLAB_STACKS];
} Slab;

struct PgwfStackPool
{
	pthread_mutex_t lock;		/* guards the fields below */
	Stack	   *free;
	int			n_free;			/* guarded ones of them */
	int			n_guarded;		/* in use or free */
	int			max_guarded;	/* constant */
	Slab	   *slabs;			/* only the first has stacks to give */
	size_t		stack_size;		/* constant */
};

struct PgwfFiber
{
#ifdef FIBER_ASM
	void	   *sp;				/* suspended: where its registers are */
	void	   *resumer_sp;		/* running: likewise, of who resumed it */
#else
	ucontext_t	context;
	ucontext_t	resumer;
#endif
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
#ifdef FIBER_TSAN
	void	   *tsan_fiber;
	void	   *tsan_resumer;
#endif
};

/* ---- stacks ---- */

/* How many stacks may have a guard */
static int
guarded_stacks(void)
{
	FILE	   *file = fopen("/proc/sys/vm/max_map_count", "r");
	int			max_mappings;

	if (file == NULL || fscanf(file, "%d", &max_mappings) != 1)
		max_mappings = DEFAULT_MAX_MAPPINGS;
	if (file != NULL)
		fclose(file);
	return max_mappings / MAPPINGS_SHARE;
}

PgwfStackPool *
pgwf_stack_pool_create(size_t stack_size)
{
	PgwfStackPool *pool = pgwf_xalloc(sizeof(PgwfStackPool));
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);

	pthread_mutex_init(&pool->lock, NULL);
	pool->stack_size = (stack_size + page - 1) / page * page;
	pool->max_guarded = guarded_stacks();
	return pool;
}

/* For tests: from now on so many stacks have guards. */
void
pgwf_stack_pool_set_max_guarded(PgwfStackPool *pool, int max_guarded)
{
	pool->max_guarded = max_guarded;
}

static void
register_stack(Stack *stack)
{
#ifdef PGWF_VALGRIND
	stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->base,
												 stack->base + stack->size);
#else
	(void) stack;
#endif
}

static void
deregister_stack(Stack *stack)
{
#ifdef PGWF_VALGRIND
	VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
#else
	(void) stack;
#endif
}

static Stack *
map_guarded_stack(size_t size)
{
	Stack	   *stack;
	char	   *memory;

	memory = mmap(NULL, size + GUARD_SIZE, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED ||
		mprotect(memory + GUARD_SIZE, size, PROT_READ | PROT_WRITE) != 0)
		abort();
	stack = pgwf_xalloc(sizeof(Stack));
	stack->base = memory + GUARD_SIZE;
	stack->size = size;
	stack->guarded = true;
	register_stack(stack);
	return stack;
}

static void
unmap_guarded_stack(Stack *stack)
{
	deregister_stack(stack);
	munmap(stack->base - GUARD_SIZE, stack->size + GUARD_SIZE);
	free(stack);
}

/* Huge pages would give each stack the memory of several. */
static Slab *
map_slab(size_t stack_size)
{
	Slab	   *slab = pgwf_xalloc(sizeof(Slab));

	slab->size = (stack_size + GUARD_SIZE) * SLAB_STACKS;
	slab->memory = mmap(NULL, slab->size, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (slab->memory == MAP_FAILED)
		abort();
	madvise(slab->memory, slab->size, MADV_NOHUGEPAGE);
	return slab;
}

/* The next stack of the first slab; the caller holds the lock. */
static Stack *
carve_stack(PgwfStackPool *pool)
{
	Slab	   *slab = pool->slabs;
	Stack	   *stack;

	if (slab == NULL || slab->taken == SLAB_STACKS)
	{
		slab = map_slab(pool->stack_size);
		slab->next = pool->slabs;
		pool->slabs = slab;
	}
	stack = &slab->stacks[slab->taken];
	stack->base = slab->memory + GUARD_SIZE +
		(size_t) slab->taken * (pool->stack_size + GUARD_SIZE);
	stack->size = pool->stack_size;
	slab->taken++;
	register_stack(stack);
	return stack;
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
		if (stack->guarded)
			unmap_guarded_stack(stack);
		else
			deregister_stack(stack);
	}
	while (pool->slabs != NULL)
	{
		Slab	   *slab = pool->slabs;

		pool->slabs = slab->next;
		munmap(slab->memory, slab->size);
		free(slab);
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static Stack *
take_stack(PgwfStackPool *pool)
{
	Stack	   *stack;

	pthread_mutex_lock(&pool->lock);
	stack = pool->free;
	if (stack != NULL)
	{
		pool->free = stack->next;
		pool->n_free -= stack->guarded;
	}
	else if (pool->n_guarded < pool->max_guarded)
		pool->n_guarded++;
	else
		stack = carve_stack(pool);
	pthread_mutex_unlock(&pool->lock);
	return stack != NULL ? stack : map_guarded_stack(pool->stack_size);
}

static void
give_back_stack(PgwfStackPool *pool, Stack *stack)
{
	bool		keep;

#ifdef FIBER_ASAN
	/* frames that were abandoned have left their red zones behind */
	__asan_unpoison_memory_region(stack->base, stack->size);
#endif
	/* a slab keeps its addresses, and gives the memory back */
	if (!stack->guarded)
		madvise(stack->base, stack->size, MADV_DONTNEED);
	pthread_mutex_lock(&pool->lock);
	keep = !stack->guarded || pool->n_free < POOL_MAX;
	if (keep)
	{
		stack->next = pool->free;
		pool->free = stack;
		pool->n_free += stack->guarded;
	}
	else
		pool->n_guarded--;
	pthread_mutex_unlock(&pool->lock);
	if (!keep)
		unmap_guarded_stack(stack);
}

/*
 * Has a coroutine used its stack up?  The end of a stack from a slab is zero
 * until it is written, and until then takes no memory.  Nothing can be
 * trusted when it is not, no message printed.
 */
static void
check_stack(const Stack *stack)
{
	if (!stack->guarded && *(const uint64_t *) (void *) stack->base != 0)
		abort();
}

/* ---- switching ---- */

#ifdef FIBER_ASM

/*
 * Pushes what a function must preserve, keeps the stack pointer in *from, and
 * goes on at "to", where the same was pushed.
 */
extern void pgwf_fiber_switch(void **from, void *to);

__asm__(".text\n"
		".p2align 4\n"
		".globl pgwf_fiber_switch\n"
		".hidden pgwf_fiber_switch\n"
		".type pgwf_fiber_switch, @function\n"
		"pgwf_fiber_switch:\n"
		"	.cfi_startproc\n"
		"	endbr64\n"
		"	pushq %rbp\n"
		"	pushq %rbx\n"
		"	pushq %r12\n"
		"	pushq %r13\n"
		"	pushq %r14\n"
		"	pushq %r15\n"
		"	subq $8, %rsp\n"
		"	stmxcsr (%rsp)\n"
		"	fnstcw 4(%rsp)\n"
		"	movq %rsp, (%rdi)\n"
		"	movq %rsi, %rsp\n"
		"	ldmxcsr (%rsp)\n"
		"	fldcw 4(%rsp)\n"
		"	addq $8, %rsp\n"
		"	popq %r15\n"
		"	popq %r14\n"
		"	popq %r13\n"
		"	popq %r12\n"
		"	popq %rbx\n"
		"	popq %rbp\n"
		"	ret\n"
		"	.cfi_endproc\n"
		".size pgwf_fiber_switch, . - pgwf_fiber_switch\n"

/*
 * Where a new fiber's first switch returns to: its address is in %rbx, and
 * the function to be called with it in %r12.  The frame above has no return
 * address, which ends backtraces.
 */
		".p2align 4\n"
		".globl pgwf_fiber_entry\n"
		".hidden pgwf_fiber_entry\n"
		".type pgwf_fiber_entry, @function\n"
		"pgwf_fiber_entry:\n"
		"	.cfi_startproc\n"
		"	.cfi_undefined rip\n"
		"	endbr64\n"
		"	movq %rbx, %rdi\n"
		"	callq *%r12\n"
		"	ud2\n"
		"	.cfi_endproc\n"
		".size pgwf_fiber_entry, . - pgwf_fiber_entry\n");

extern void pgwf_fiber_entry(void);

static void fiber_main(PgwfFiber *fiber);

/* What pgwf_fiber_switch() pops from a new fiber's stack */
typedef struct FirstFrame
{
	uint32_t	mxcsr;
	uint32_t	fpu_control;
	void	   *r15;
	void	   *r14;
	void	   *r13;
	void	   *r12;
	void	   *rbx;
	void	   *rbp;
	void	   *return_address;
	void	   *end[2];			/* keeps the stack aligned to 16 bytes */
} FirstFrame;

/* Function pointers as data, which ISO C has no conversion for */
static void *
code_address(void (*fn) (void))
{
	void	   *address;

	memcpy(&address, &fn, sizeof(address));
	return address;
}

static void
prepare_stack(PgwfFiber *fiber)
{
	FirstFrame *frame = (FirstFrame *) (void *)
	(fiber->stack->base + fiber->stack->size - sizeof(FirstFrame));

	memset(frame, 0, sizeof(FirstFrame));
	__asm__ volatile ("stmxcsr %0":"=m" (frame->mxcsr));
	__asm__ volatile ("fnstcw %0":"=m" (frame->fpu_control));

	frame->rbx = fiber;
	frame->r12 = code_address((void (*) (void)) fiber_main);
	frame->return_address = code_address(pgwf_fiber_entry);
	fiber->sp = frame;
}

static void
switch_in(PgwfFiber *fiber)
{
	pgwf_fiber_switch(&fiber->resumer_sp, fiber->sp);
}

static void
switch_out(PgwfFiber *fiber)
{
	pgwf_fiber_switch(&fiber->sp, fiber->resumer_sp);
}

#else

static void fiber_main(PgwfFiber *fiber);

/* makecontext passes only ints */
static void
context_entry(unsigned high, unsigned low)
{
	fiber_main((PgwfFiber *) (uintptr_t) (((uint64_t) high << 32) | low));
}

static void
prepare_stack(PgwfFiber *fiber)
{
	uint64_t	address = (uint64_t) (uintptr_t) fiber;

	if (getcontext(&fiber->context) != 0)
		abort();
	fiber->context.uc_stack.ss_sp = fiber->stack->base;
	fiber->context.uc_stack.ss_size = fiber->stack->size;
	fiber->context.uc_link = NULL;
	makecontext(&fiber->context, (void (*) (void)) context_entry, 2,
				(unsigned) (address >> 32), (unsigned) address);
}

static void
switch_in(PgwfFiber *fiber)
{
	swapcontext(&fiber->resumer, &fiber->context);
}

static void
switch_out(PgwfFiber *fiber)
{
	swapcontext(&fiber->context, &fiber->resumer);
}

#endif							/* FIBER_ASM */

/* First function on a fiber's stack */
static void
fiber_main(PgwfFiber *fiber)
{
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
#ifdef FIBER_TSAN
	__tsan_switch_to_fiber(fiber->tsan_resumer, 0);
#endif
	switch_out(fiber);
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

static void
release_stack(PgwfFiber *fiber)
{
	give_back_stack(fiber->pool, fiber->stack);
	fiber->stack = NULL;
#ifdef FIBER_TSAN
	__tsan_destroy_fiber(fiber->tsan_fiber);
#endif
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
		fiber->stack = take_stack(fiber->pool);
		prepare_stack(fiber);
#ifdef FIBER_TSAN
		fiber->tsan_fiber = __tsan_create_fiber(0);
#endif
	}
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(&fake_stack, fiber->stack->base,
								   fiber->stack->size);
#endif
#ifdef FIBER_TSAN
	fiber->tsan_resumer = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(fiber->tsan_fiber, 0);
#endif
	if (pgwf_overflow_wanted)
		pgwf_overflow_watch(fiber->stack->base - GUARD_SIZE, GUARD_SIZE);
	switch_in(fiber);
	if (pgwf_overflow_wanted)
		pgwf_overflow_watch(NULL, 0);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#endif
	check_stack(fiber->stack);
	if (fiber->done)
		release_stack(fiber);
}

/* Called on the fiber's own stack: goes back to where it was resumed. */
void
pgwf_fiber_suspend(PgwfFiber *fiber)
{
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(&fiber->fake_stack, fiber->resumer_bottom,
								   fiber->resumer_size);
#endif
#ifdef FIBER_TSAN
	__tsan_switch_to_fiber(fiber->tsan_resumer, 0);
#endif
	switch_out(fiber);
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
		release_stack(fiber);
	free(fiber);
}
