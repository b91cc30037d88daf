/*
 * pgworkflow/messages.h
 *		Messages: what a workflow answers while it runs.
 *		Part of section 5 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_MESSAGES_H
#define PGWORKFLOW_MESSAGES_H

#include "workflow.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ---- Messages ---- */

/*
 * Three kinds of messages reach a run: signals tell it something, queries ask
 * it something, updates do both.  Workflow code sets a function for each name
 * it understands.  Name NULL sets the function for all names that have none of
 * their own; names that begin with "__" are the library's.
 *
 * Handlers and the workflow function share data through memory of the run,
 * made with pgwf_alloc().  Never hand a handler the address of a local
 * variable of the workflow function: queries also come when it has returned.
 *
 * Messages can be there before the workflow function: those of the first
 * workflow task are dispatched before it begins.  Handlers for them are set
 * in an init function (section 4).  Without one, signals and updates wait for
 * the handler to be set; updates, until all coroutines of the task are
 * blocked.
 */

/*
 * One pointer of the run's, for the init function, the workflow function and
 * handlers to find what they share.  NULL until it is set.
 */
extern void pgwf_set_state(PgwfWorkflow *wf, void *state);
extern void *pgwf_state(const PgwfWorkflow *wf);

/* ---- Queries ---- */

/*
 * A query handler answers from the run's data.  "args" is the borrowed list of
 * arguments, never NULL.  It returns the answer (borrowed, NULL for none), or
 * sets *failure: then the caller gets its message and the failure.
 *
 * It must not change anything: calls that wait, start something or ask for a
 * random number fail the query, and pgwf_panic() does as well; the run goes on
 * untouched.  What pgwf_alloc(), pgwf_pack() and the like make in it lives
 * only until the answer was taken.  It may be called any number of times,
 * also when the workflow has closed, and its log lines are suppressed.
 *
 * A query for which there is no handler fails with the names that are known.
 * The library answers these itself:
 *	"__stack_trace"			text: where each coroutine waits
 *	"__enhanced_stack_trace"	the same as JSON
 *	"__temporal_workflow_metadata"	the names that have handlers, with their
 *							descriptions, and the current details
 */
typedef json_t *(*PgwfQueryFn) (PgwfWorkflow *wf, const char *name,
								json_t *args, void *arg,
								PgwfFailure **failure);

typedef struct PgwfQueryHandlerOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	const char *description;	/* for people, in the metadata; NULL: none */
} PgwfQueryHandlerOptions;

#define PGWF_QUERY_HANDLER_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfQueryHandlerOptions)
#define PGWF_QUERY_HANDLER_OPTIONS_INIT PGWF_INIT(PgwfQueryHandlerOptions)

/*
 * Set the handler of a name; fn NULL removes it, options NULL are the
 * defaults.
 */
extern void pgwf_set_query_handler(PgwfWorkflow *wf, const char *name,
								   PgwfQueryFn fn, void *arg);
extern void pgwf_set_query_handler_with(PgwfWorkflow *wf, const char *name,
										PgwfQueryFn fn, void *arg,
										const PgwfQueryHandlerOptions *options);

/* ---- Updates ---- */

/*
 * An update handler runs in a coroutine of its own and may do whatever
 * workflow code may do.  "args" is the borrowed list of arguments, never NULL.
 * What it returns (borrowed, NULL for none) is the outcome that the caller
 * gets; if it sets *failure, the outcome is that failure.  The workflow goes
 * on in both cases.
 */
typedef json_t *(*PgwfUpdateFn) (PgwfWorkflow *wf, const char *name,
								 json_t *args, void *arg,
								 PgwfFailure **failure);

/*
 * A validator is called first, and rejects the update by setting *failure;
 * then nothing of it is recorded.  It is bound to the same rules as a query
 * handler; breaking them rejects the update.  It is not called on replay.
 */
typedef void (*PgwfUpdateValidatorFn) (PgwfWorkflow *wf, const char *name,
									   const json_t *args, void *arg,
									   PgwfFailure **failure);

/*
 * What is to be said of a handler of updates or signals that has not returned
 * when the workflow closes: what it has not done is not done, and the caller
 * of an update gets the failure AcceptedUpdateCompletedWorkflow.
 */
typedef enum PgwfUnfinished
{
	PGWF_UNFINISHED_WARN = 0,	/* a line in the log */
	PGWF_UNFINISHED_ABANDON = 1 /* nothing: it is meant to be so */
} PgwfUnfinished;

typedef struct PgwfUpdateHandlerOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	PgwfUpdateValidatorFn validator;	/* NULL: all are accepted */
	PgwfUnfinished unfinished;
	const char *description;	/* for people, in the metadata; NULL: none */
} PgwfUpdateHandlerOptions;

#define PGWF_UPDATE_HANDLER_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfUpdateHandlerOptions)
#define PGWF_UPDATE_HANDLER_OPTIONS_INIT PGWF_INIT(PgwfUpdateHandlerOptions)

/*
 * pgwf_set_update_handler: sets the handler of a name; fn NULL removes it,
 *		options NULL are the defaults.  "arg" is the handler's and the
 *		validator's.  An update without a handler is rejected.
 * pgwf_update_id, pgwf_update_name: of the update whose handler the calling
 *		coroutine runs, or was started by; NULL elsewhere.
 * pgwf_handlers_finished: have all handlers of updates and signals returned
 *		that were started so far?
 * pgwf_wait_handlers: blocks until they have, as pgwf_wait_condition().  Call
 *		it before the workflow function returns, so that no caller of an
 *		update is left without an outcome.
 */
extern void pgwf_set_update_handler(PgwfWorkflow *wf, const char *name,
									PgwfUpdateFn fn, void *arg,
									const PgwfUpdateHandlerOptions *options);
extern const char *pgwf_update_id(const PgwfWorkflow *wf);
extern const char *pgwf_update_name(const PgwfWorkflow *wf);
extern bool pgwf_handlers_finished(const PgwfWorkflow *wf);
extern PgwfWait pgwf_wait_handlers(PgwfWorkflow *wf, int64_t timeout_ms);

/* ---- Signals ---- */

typedef struct PgwfSignalHandlerOptions
{
	size_t		struct_size;	/* set by the INIT macro */
	PgwfUnfinished unfinished;
	const char *description;	/* for people, in the metadata; NULL: none */
} PgwfSignalHandlerOptions;

#define PGWF_SIGNAL_HANDLER_OPTIONS_DEFAULTS .struct_size = sizeof(PgwfSignalHandlerOptions)
#define PGWF_SIGNAL_HANDLER_OPTIONS_INIT PGWF_INIT(PgwfSignalHandlerOptions)

/*
 * pgwf_set_signal_handler_with: as pgwf_set_signal_handler() of workflow.h,
 *		with options; NULL are the defaults.
 */
extern void pgwf_set_signal_handler_with(PgwfWorkflow *wf, const char *name,
										 PgwfSignalFn fn, void *arg,
										 const PgwfSignalHandlerOptions *options);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_MESSAGES_H */
