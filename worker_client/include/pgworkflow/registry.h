/*
 * pgworkflow/registry.h
 *		Registry: which functions implement which names.
 *		Section 4 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_REGISTRY_H
#define PGWORKFLOW_REGISTRY_H

#include "base.h"
#include "failure.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		4. Registry
 *
 * Maps names of workflow and activity types to functions.  Fill it first,
 * then give it to a worker or a replayer; several may share one.  Registering
 * is not thread-safe and must be over before the registry is used; after that
 * it is read-only and may be used by any number of threads.  It must outlive
 * every worker and replayer that uses it.
 * ----------------------------------------------------------------
 */
typedef struct PgwfRegistry PgwfRegistry;
typedef struct PgwfWorkflow PgwfWorkflow;
typedef struct PgwfActivity PgwfActivity;

/*
 * A workflow function.  "input" is the borrowed list of arguments (an array,
 * never NULL).  It ends the workflow
 *	- completed: by returning with *failure left NULL; the value returned
 *	  (borrowed from the workflow, see section 5; may be NULL) is the result;
 *	- failed: by setting *failure (the return value is then ignored);
 *	- canceled: by setting *failure to a failure for which
 *	  pgwf_failure_is_canceled() holds after cancellation was requested.
 */
typedef json_t *(*PgwfWorkflowFn) (PgwfWorkflow *wf, json_t *input,
								   PgwfFailure **failure);

/*
 * An activity function; runs on a thread of the worker's pool and may do
 * anything.  "input" is the borrowed list of arguments.  On success it returns
 * a new reference (or NULL for no result) and leaves *failure NULL; else it
 * sets *failure.
 */
typedef json_t *(*PgwfActivityFn) (PgwfActivity *activity, json_t *input,
								   PgwfFailure **failure);

typedef enum PgwfLogLevel
{
	PGWF_LOG_DEBUG,
	PGWF_LOG_INFO,
	PGWF_LOG_WARNING,
	PGWF_LOG_ERROR
} PgwfLogLevel;

/*
 * Where log lines go: the message has no newline and is valid during the call
 * only.  May be called by any thread, also by several at once.
 */
typedef void (*PgwfLogFn) (PgwfLogLevel level, const char *message, void *arg);

extern PgwfRegistry *pgwf_registry_new(void);
extern void pgwf_registry_free(PgwfRegistry *registry);

/*
 * Registers a function under a name.  "arg" is the caller's and comes back
 * from pgwf_workflow_arg() / pgwf_activity_arg().  Name NULL registers the
 * function for all types that have none of their own; it learns the type from
 * pgwf_workflow_info() / pgwf_activity_info().  Returns
 * PGWF_INVALID_ARGUMENT if name is empty, longer than 1000 bytes or not UTF-8,
 * or fn is NULL; PGWF_ALREADY_EXISTS if the name is taken.
 */
extern PgwfResult pgwf_register_workflow(PgwfRegistry *registry,
										 const char *name,
										 PgwfWorkflowFn fn, void *arg);
extern PgwfResult pgwf_register_activity(PgwfRegistry *registry,
										 const char *name,
										 PgwfActivityFn fn, void *arg);

/*
 * An init function is run once per run, before anything else of its code: it
 * makes the data that the workflow function and its handlers share, and sets
 * the handlers, so that they are there for messages that came with the start
 * (messages.h).  It may do all that workflow code may, except wait.
 */
typedef void (*PgwfInitFn) (PgwfWorkflow *wf, json_t *input);

/*
 * What else, besides the workflow function's *failure, fails the workflow.
 * By default it fails the workflow task, which the service repeats until fixed
 * code is deployed.
 */
#define PGWF_FAIL_ON_NONDETERMINISM	0x01U	/* code disagrees with history */
#define PGWF_FAIL_ON_PANIC			0x02U	/* pgwf_panic(), wrong calls */

typedef struct PgwfTypeOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	PgwfInitFn	init;			/* NULL: none */
	unsigned	fail_on;		/* PGWF_FAIL_ON_..., in addition to the
								 * registry's */
	/* of workers with a version; default: the worker's */
	PgwfVersioningBehavior versioning_behavior;
} PgwfTypeOptions;

#define PGWF_TYPE_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfTypeOptions)
#define PGWF_TYPE_OPTIONS_INIT PGWF_INIT(PgwfTypeOptions)

/*
 * pgwf_register_workflow_with: as pgwf_register_workflow(), with options.
 * pgwf_registry_fail_on: sets PGWF_FAIL_ON_... for all its types.
 */
extern PgwfResult pgwf_register_workflow_with(PgwfRegistry *registry,
											  const char *name,
											  PgwfWorkflowFn fn, void *arg,
											  const PgwfTypeOptions *options);
extern void pgwf_registry_fail_on(PgwfRegistry *registry, unsigned fail_on);

/* Sets where log lines go; by default (and with NULL) nowhere. */
extern void pgwf_registry_set_log(PgwfRegistry *registry,
								  PgwfLogFn fn, void *arg);

/*
 * Sets the stack size of workflow coroutines in bytes (default 256 kB,
 * at least 32 kB; rounded up to pages).  Only pages that were touched take
 * memory.  256 kB below it are not accessible: overflowing the stack kills the
 * process with SIGSEGV rather than corrupting it.  With very many coroutines
 * (a quarter of the kernel's vm.max_map_count, 16,000 as a rule) further ones
 * have 256 kB below that belong to nobody, and an overflow is noticed, by
 * abort(), when the coroutine suspends.
 */
extern PgwfResult pgwf_registry_set_stack_size(PgwfRegistry *registry,
											   size_t bytes);

/*
 * Installs a handler for SIGSEGV and SIGBUS, for the whole process, that
 * writes a line to standard error when it was a coroutine that has overflowed
 * its stack.  The signal then does what it did before, which is to end the
 * process as a rule.  Call it before any worker or replayer runs; false: the
 * handler could not be installed.  "pgworkflow worker" calls it.
 */
extern bool pgwf_report_stack_overflow(void);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_REGISTRY_H */
