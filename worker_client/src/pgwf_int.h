/*
 * pgwf_int.h
 *		Functions shared by the files of the workflow runtime.
 *
 * The runtime is split like this:
 *
 *	pgwf_state.h		what a run is made of
 *	pgwf_json.c			durations, times, payloads, small JSON helpers
 *	pgwf_import.c		histories of either format into the readable one
 *	pgwf_failure.c		PgwfFailure
 *	pgwf_registry.c		names and functions
 *	pgwf_fiber.c		stacks and switching between them
 *	pgwf_overflow.c		telling of stack overflows
 *	pgwf_random.c		SipHash, generator, UUIDs
 *	pgwf_memory.c		memory that lives as long as a run
 *	pgwf_types.c		the tables of event types and command types
 *	pgwf_history.c		cutting a history into logical workflow tasks
 *	pgwf_match.c		the FIFO of expected commands against command events
 *	pgwf_jobs.c			what the other events do to a run
 *	pgwf_activity.c		activity machine
 *	pgwf_timer.c		timer machine
 *	pgwf_local.c		local activity machine
 *	pgwf_marker.c		patches and side effects
 *	pgwf_child.c		child machine
 *	pgwf_external.c		signals to and cancellation of other workflows
 *	pgwf_continue.c		continuing as new
 *	pgwf_attribute.c	search attributes and memo
 *	pgwf_sched.c		coroutines and futures
 *	pgwf_scope.c		cancellation scopes
 *	pgwf_receiver.c		futures of signals
 *	pgwf_signal.c		signals that wait, and their handlers
 *	pgwf_readonly.c		calls of user code that must not change anything
 *	pgwf_query.c		query handlers and answers
 *	pgwf_trace.c		the queries that the library answers itself
 *	pgwf_update.c		update handlers and the messages that answer
 *	pgwf_workflow.c		the rest of what workflow code may call
 *	pgwf_instance.c		one run: life, activations
 *	pgwf_task.c			polled tasks
 *	pgwf_outcome.c		what its workflow tasks come to
 *	pgwf_replay.c		the offline replayer
 *
 * No locks: an instance belongs to one thread at a time, and the only thing
 * that several share, the registry's pool of stacks, is locked in
 * pgwf_fiber.c.
 */
#ifndef PGWF_INT_H
#define PGWF_INT_H

#include "pgworkflow.h"
#include "pgwf_instance.h"
#include "pgwf_state.h"
#include "pgwf_util.h"

#define PGWF_SDK_NAME "pgworkflow-c"

/* ---- memory that cannot fail (pgwf_json.c) ---- */

extern void *pgwf_xalloc(size_t size);	/* zeroed */
extern void *pgwf_xrealloc(void *ptr, size_t size);
extern char *pgwf_xstrdup(const char *str);
extern char *pgwf_xvprintf(const char *fmt, va_list args);
extern char *pgwf_xprintf(const char *fmt,...) PGWF_PRINTF(1, 2);

/* ---- JSON helpers (pgwf_json.c) ---- */

extern void pgwf_json_put(json_t *object, const char *key, json_t *value);
extern void pgwf_json_put_str(json_t *object, const char *key,
							  const char *value);
extern void pgwf_json_put_int(json_t *object, const char *key, int64_t value);
extern void pgwf_json_put_ms(json_t *object, const char *key, int64_t ms);
extern json_t *pgwf_json_args(json_t *args);
extern json_t *pgwf_json_first(const json_t *payloads);
extern json_t *pgwf_node_first_value(const PgwfNode *payloads);
extern json_t *pgwf_json_time(int64_t us);
extern int64_t pgwf_json_get_time_us(const json_t *value);
extern int64_t pgwf_json_get_duration_ms(const json_t *value);
extern int64_t pgwf_node_time_us(const PgwfNode *node);
extern int64_t pgwf_node_duration_ms(const PgwfNode *node);
extern const char *pgwf_short_enum(const char *constant, const char *prefix);

/* ---- payloads and import (pgwf_import.c) ---- */

extern json_t *pgwf_payload_decode(const json_t *payload);

/* ---- failures (pgwf_failure.c) ---- */

extern PgwfFailure *pgwf_failure_wrap(json_t *json);	/* takes json over */
extern void pgwf_failure_destroy(PgwfFailure *failure);
extern json_t *pgwf_failure_canceled_json(const char *message,
										  json_t *details);

/* ---- fibers (pgwf_fiber.c) ---- */

typedef struct PgwfStackPool PgwfStackPool;
typedef void (*PgwfFiberFn) (void *arg);

extern PgwfStackPool *pgwf_stack_pool_create(size_t stack_size);
extern void pgwf_stack_pool_set_max_guarded(PgwfStackPool *pool,
											int max_guarded);
extern void pgwf_stack_pool_destroy(PgwfStackPool *pool);
extern PgwfFiber *pgwf_fiber_create(PgwfStackPool *pool, PgwfFiberFn fn,
									void *arg);
extern void pgwf_fiber_resume(PgwfFiber *fiber);
extern void pgwf_fiber_suspend(PgwfFiber *fiber);
extern bool pgwf_fiber_done(const PgwfFiber *fiber);
extern void pgwf_fiber_destroy(PgwfFiber *fiber);

/* ---- stack overflows (pgwf_overflow.c) ---- */

extern bool pgwf_overflow_wanted;
extern void pgwf_overflow_watch(const char *area, size_t size);

/* ---- random numbers (pgwf_random.c) ---- */

extern uint64_t pgwf_siphash13(const void *data, size_t len);
extern uint64_t pgwf_run_seed(const char *run_id);
extern void pgwf_random_seed(PgwfRandom *random, uint64_t seed);
extern uint64_t pgwf_random_next(PgwfRandom *random);
extern void pgwf_random_uuid(PgwfRandom *random, char *buf);

/* ---- memory of a run (pgwf_memory.c) ---- */

extern void *pgwf_arena_alloc(PgwfWorkflow *wf, size_t size);
extern char *pgwf_arena_strdup(PgwfWorkflow *wf, const char *str);
extern char *pgwf_arena_vprintf(PgwfWorkflow *wf, const char *fmt,
								va_list args);
extern json_t *pgwf_arena_json(PgwfWorkflow *wf, json_t *value);
extern PgwfFailure *pgwf_arena_failure(PgwfWorkflow *wf, json_t *json);
extern PgwfFailure *pgwf_arena_adopt(PgwfWorkflow *wf, PgwfFailure *failure);
extern void pgwf_memory_free(PgwfMemory *memory);

/* ---- instance (pgwf_instance.c) ---- */

extern void pgwf_engine_fail(PgwfWorkflow *wf, PgwfErrorKind kind,
							 int64_t event_id, const char *fmt,...)
			PGWF_PRINTF(4, 5);
extern void pgwf_engine_disagree(PgwfWorkflow *wf, const PgwfEvent *event,
								 const PgwfCommand *command);
extern void pgwf_require_coroutine(PgwfWorkflow *wf, const char *function);
extern void pgwf_require_text(PgwfWorkflow *wf, const char *function,
							  const char *what, const char *text);
extern void pgwf_instance_events(PgwfWorkflow *wf,
								 const PgwfNode *const *events, size_t n_events,
								 bool offline);
extern void pgwf_instance_code_begins(PgwfWorkflow *wf);
extern void pgwf_instance_run_code(PgwfWorkflow *wf);

/* ---- history (pgwf_history.c) ---- */

extern bool pgwf_event_read(const PgwfNode *node, PgwfEvent *event,
							char **error);
extern json_t *pgwf_event_json(const PgwfEvent *event);
extern int	pgwf_sequence_end(const PgwfEvent *events, int n_events,
							  int start, int64_t sequencing_id,
							  bool *has_command);
extern int	pgwf_sequence_task(const PgwfEvent *events, int n_events,
							   int start, int end);

/* ---- matching (pgwf_match.c) ---- */

extern PgwfCommand *pgwf_command_push(PgwfWorkflow *wf, PgwfCommandType type,
									  PgwfMachine *machine,
									  json_t *attributes);
extern PgwfCommand *pgwf_command_terminal(PgwfWorkflow *wf,
										  PgwfCommandType type,
										  json_t *attributes);
extern void pgwf_commands_settle(PgwfWorkflow *wf);
extern void pgwf_command_event(PgwfWorkflow *wf, const PgwfEvent *event);
extern json_t *pgwf_commands_send(PgwfWorkflow *wf);
extern void pgwf_command_free(PgwfCommand *command);
extern bool pgwf_command_unsent(const PgwfWorkflow *wf,
								const PgwfCommand *command);

/* ---- events without a command (pgwf_jobs.c) ---- */

extern void pgwf_apply_started(PgwfWorkflow *wf, const PgwfEvent *event);
extern void pgwf_apply_task_completed(PgwfWorkflow *wf,
									  const PgwfEvent *event);
extern void pgwf_apply_task_failed(PgwfWorkflow *wf, const PgwfEvent *event);
extern void pgwf_apply_signaled(PgwfWorkflow *wf, const PgwfEvent *event);
extern void pgwf_apply_cancel_requested(PgwfWorkflow *wf,
										const PgwfEvent *event);
extern void pgwf_apply_unknown_initiator(PgwfWorkflow *wf,
										 const PgwfEvent *event);
extern PgwfMachine *pgwf_machine_of(PgwfWorkflow *wf, const PgwfEvent *event,
									const char *key,
									const PgwfMachineInfo *info);
extern bool pgwf_machine_is_named(PgwfWorkflow *wf,
								  const PgwfMachine *machine,
								  const PgwfEvent *event,
								  const char *id_key, const char *type_key);
extern void pgwf_machine_recorded(PgwfWorkflow *wf, PgwfCommand *command,
								  const PgwfEvent *event);

/* ---- activities (pgwf_activity.c) ---- */

extern void pgwf_apply_activity(PgwfWorkflow *wf, const PgwfEvent *event);
extern bool pgwf_activity_matches(PgwfWorkflow *wf,
								  const PgwfCommand *command,
								  const PgwfEvent *event);
extern json_t *pgwf_retry_policy_json(const PgwfRetryPolicy *policy);
extern void pgwf_options_copy(void *to, size_t to_size, const void *from);
extern PgwfFailure *pgwf_activity_failure(PgwfWorkflow *wf,
										  const PgwfMachine *machine,
										  const char *message,
										  const char *identity,
										  const char *retry_state,
										  json_t *cause);

extern json_t *pgwf_priority_json(const PgwfPriority *priority);
extern json_t *pgwf_user_metadata_json(const char *summary,
									   const char *details);
extern json_t *pgwf_task_queue_json(const char *name);
extern json_t *pgwf_fields_json(const char *key, json_t *fields);

/* ---- timers (pgwf_timer.c) ---- */

extern void pgwf_apply_timer_fired(PgwfWorkflow *wf, const PgwfEvent *event);
extern PgwfMachine *pgwf_timer_create(PgwfWorkflow *wf, int64_t duration_ms,
									  PgwfFuture *future);

/* ---- children (pgwf_child.c) ---- */

extern void pgwf_apply_child(PgwfWorkflow *wf, const PgwfEvent *event);
extern bool pgwf_child_matches(PgwfWorkflow *wf, const PgwfCommand *command,
							   const PgwfEvent *event);
extern void pgwf_child_cancel_arrived(PgwfWorkflow *wf, PgwfChild *child);

/* ---- other workflows (pgwf_external.c) ---- */

extern void pgwf_apply_external(PgwfWorkflow *wf, const PgwfEvent *event);
extern void pgwf_external_recorded(PgwfWorkflow *wf, PgwfCommand *command,
								   const PgwfEvent *event);
extern void pgwf_external_cancel_child(PgwfWorkflow *wf, PgwfChild *child);
extern void pgwf_external_child_started(PgwfWorkflow *wf, PgwfChild *child);
extern void pgwf_external_child_lost(PgwfWorkflow *wf, PgwfChild *child,
									 PgwfFailure *failure);
extern json_t *pgwf_failed_cause_json(const char *prefix, const char *cause,
									  const char *message);

/* ---- continuing as new (pgwf_continue.c) ---- */

extern json_t *pgwf_continue_attributes(PgwfWorkflow *wf);

/* ---- search attributes and memo (pgwf_attribute.c) ---- */

extern PgwfCommand *pgwf_attribute_upsert(PgwfWorkflow *wf, json_t *attributes);

/* ---- local activities (pgwf_local.c) ---- */

extern bool pgwf_local_replay_next(PgwfWorkflow *wf);
extern void pgwf_local_backoff_over(PgwfWorkflow *wf, PgwfMachine *machine);
extern void pgwf_local_stop_all(PgwfWorkflow *wf);
extern void pgwf_local_requests(PgwfWorkflow *wf, PgwfTaskOutcome *out);
extern bool pgwf_local_deliver(PgwfWorkflow *wf,
							   PgwfLocalResult *result);
extern bool pgwf_local_matches(PgwfWorkflow *wf, const PgwfCommand *command,
							   const PgwfEvent *event);
extern json_t *pgwf_local_marker_data(const json_t *attributes);

/* ---- markers (pgwf_marker.c) ---- */

extern PgwfMarkerKind pgwf_marker_kind(const json_t *attributes,
									   int64_t *seq, const char **patch_id,
									   bool *deprecated);
extern bool pgwf_marker_matches(PgwfWorkflow *wf, const PgwfCommand *command,
								const PgwfEvent *event);
extern bool pgwf_marker_may_skip(PgwfWorkflow *wf, const PgwfEvent *event);
extern void pgwf_markers_look_ahead(PgwfWorkflow *wf, const PgwfEvent *events,
									int n_events, int started);
extern bool pgwf_is_patch_upsert(const PgwfEvent *event);
extern bool pgwf_upsert_matches(PgwfWorkflow *wf, const PgwfCommand *command,
								const PgwfEvent *event);
extern void pgwf_seen_free(PgwfSeenList *list);

/* ---- scopes (pgwf_scope.c) ---- */

extern PgwfScope *pgwf_scope_create(PgwfWorkflow *wf, PgwfScope *parent,
									bool shielded);
extern PgwfScope *pgwf_scope_current(PgwfWorkflow *wf);
extern void pgwf_scope_add(PgwfScope *scope, PgwfFuture *future);
extern void pgwf_scope_remove(PgwfWorkflow *wf, PgwfFuture *future);
extern void pgwf_scope_use(PgwfScope *scope);
extern void pgwf_scope_leave_all(PgwfWorkflow *wf, PgwfCoroutine *co);
extern void pgwf_scope_time_is_up(PgwfWorkflow *wf, PgwfScope *scope);
extern void pgwf_scope_cancel_later(PgwfWorkflow *wf, PgwfScope *scope);
extern void pgwf_scopes_begin_jobs(PgwfWorkflow *wf);
extern void pgwf_scopes_end_jobs(PgwfWorkflow *wf);

/* ---- futures of signals (pgwf_receiver.c) ---- */

extern bool pgwf_receiver_takes(PgwfWorkflow *wf, const char *name,
								json_t *input);

/* ---- scheduling (pgwf_sched.c) ---- */

extern PgwfWait pgwf_wait_for(PgwfWorkflow *wf, PgwfWaitTest test, void *arg,
							  int64_t timeout_ms, const char *call,
							  const char *detail);
extern PgwfFuture *const *pgwf_coroutine_futures(const PgwfCoroutine *co,
												 int *n);
extern PgwfFuture *pgwf_future_bare(PgwfWorkflow *wf, PgwfMachine *machine);
extern PgwfFuture *pgwf_future_create(PgwfWorkflow *wf, PgwfMachine *machine);
extern void pgwf_future_succeed(PgwfWorkflow *wf, PgwfFuture *future,
								json_t *result);
extern void pgwf_future_fail(PgwfWorkflow *wf, PgwfFuture *future,
							 PgwfFailure *failure);
extern PgwfCoroutine *pgwf_coroutine_create(PgwfWorkflow *wf,
											PgwfCoroutineFn fn, void *arg,
											PgwfScope *scope);
extern void pgwf_workflow_returned(PgwfWorkflow *wf, json_t *result,
								   PgwfFailure *failure);
extern void pgwf_run_coroutines(PgwfWorkflow *wf);
extern void pgwf_run_init(PgwfWorkflow *wf);
extern void pgwf_abandon_coroutine(PgwfWorkflow *wf) PGWF_NORETURN;
extern void pgwf_sched_destroy(PgwfWorkflow *wf);

/* ---- read-only calls (pgwf_readonly.c) ---- */

extern void pgwf_run_read_only(PgwfReadOnly *call);
extern void pgwf_scratch_begin(PgwfWorkflow *wf, PgwfMemory *saved);
extern void pgwf_scratch_end(PgwfWorkflow *wf, const PgwfMemory *saved);
extern char *pgwf_call_read_only(PgwfWorkflow *wf, const char *what,
								 PgwfReadOnlyFn fn, void *arg);

/* ---- queries (pgwf_query.c, pgwf_trace.c) ---- */

extern PgwfHandler *pgwf_handler_find(PgwfHandler *list, const char *name);
extern PgwfHandler *pgwf_handler_for(PgwfWorkflow *wf, PgwfHandler **list,
									 const char *name, const char *function);
extern bool pgwf_name_is_reserved(const char *name);
extern json_t *pgwf_query_answer(PgwfWorkflow *wf, const json_t *query);
extern json_t *pgwf_query_failed(const char *message, const json_t *failure);
extern json_t *pgwf_trace_answer(const PgwfWorkflow *wf, const char *name);

/* ---- updates (pgwf_update.c) ---- */

extern void pgwf_updates_take(PgwfWorkflow *wf, const json_t *messages);
extern void pgwf_apply_update_admitted(PgwfWorkflow *wf,
									   const PgwfEvent *event);
extern void pgwf_update_look_ahead(PgwfWorkflow *wf, const PgwfEvent *event);
extern int64_t pgwf_updates_arrived(const PgwfWorkflow *wf);
extern void pgwf_updates_dispatch(PgwfWorkflow *wf, int64_t before_event_id);
extern void pgwf_updates_reject_waiting(PgwfWorkflow *wf);
extern void pgwf_updates_warn_unfinished(PgwfWorkflow *wf);
extern bool pgwf_update_matches(PgwfWorkflow *wf, const PgwfCommand *command,
								const PgwfEvent *event);
extern void pgwf_message_send(PgwfWorkflow *wf, json_t *message);

/* ---- signals (pgwf_signal.c) ---- */

extern void pgwf_signal_arrived(PgwfWorkflow *wf, const char *name,
								json_t *input);

/* ---- registry (pgwf_registry.c) ---- */

extern PgwfStackPool *pgwf_registry_stacks(PgwfRegistry *registry);
extern char *pgwf_registry_workflow_names(const PgwfRegistry *registry);
extern unsigned pgwf_registry_type_options(const PgwfRegistry *registry,
										   const char *name,
										   PgwfInitFn *init);

#endif							/* PGWF_INT_H */
