/*
 * pgworkflow/testing.h
 *		Testing: workflows in a namespace of their own, whose time flies.
 *		Section 13 of the manual of libpgworkflow; not part of pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_TESTING_H
#define PGWORKFLOW_TESTING_H

#include "pgworkflow.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		13. Testing
 *
 * Three ways to test workflow code, in the order of what they need:
 *
 *	- pgwf_replay_history() (section 6) checks code against histories that were
 *	  recorded before, for example with "pgworkflow show ID --json", without a
 *	  server.  Have it run for a sample of real histories before each
 *	  deployment.
 *	- A test environment, below, runs workflows from start to end on a server,
 *	  with activities that the test makes up, and without waiting: a workflow
 *	  that sleeps for a month is over in milliseconds (doc/virtual-time.md).
 *	- Activities are functions: most can be called by an environment's
 *	  workflow, or by a test of yours, without any workflow.
 *
 * An environment is a namespace with virtual time, made for it and deleted
 * with it, a worker in a thread, and a client.  It is used by one thread; run
 * as many as you like side by side.  The role must be the owner of the
 * extension or a superuser.
 * ----------------------------------------------------------------
 */
typedef struct PgwfTest PgwfTest;

/* The queue of the environment's worker. */
#define PGWF_TEST_QUEUE "test"

/*
 * pgwf_test_new: makes a namespace; conninfo as for clients.  NULL with *error
 *		(may be NULL) set to a text to be free()d if that fails.  The registry
 *		must outlive the environment.
 * pgwf_test_mock_activity: from the next start on, fn is called instead of
 *		the activities of this type, registered or not.  fn NULL takes it
 *		back.  "arg" comes back from pgwf_activity_arg().
 * pgwf_test_calls: how often the mock of this type was called.
 * pgwf_test_free: stops the worker, terminates what is open, and deletes the
 *		namespace.
 */
extern PgwfTest *pgwf_test_new(const char *conninfo, PgwfRegistry *registry,
							   char **error);
extern PgwfResult pgwf_test_mock_activity(PgwfTest *test, const char *type,
										  PgwfActivityFn fn, void *arg);
extern int	pgwf_test_calls(PgwfTest *test, const char *type);
extern void pgwf_test_free(PgwfTest *test);

/*
 * pgwf_test_execute: starts a workflow with the worker's queue and a new id,
 *		and waits for its result, skipping time; limit_ms is real time (0: 30
 *		s).  As pgwf_client_result().
 * pgwf_test_start: starts it only; the handle is the caller's.
 * pgwf_test_advance: lets so much virtual time pass, with all that happens in
 *		it, and returns when it is over.
 * pgwf_test_now: what the environment's clock shows, in microseconds since
 *		1970; -1 if the server cannot be asked.
 * pgwf_test_client: for all other calls; the environment's.
 * pgwf_test_error: of the last call, "" if it did not fail.
 */
extern PgwfResult pgwf_test_execute(PgwfTest *test, const char *workflow_type,
									json_t *args, int64_t limit_ms,
									PgwfOutcome *outcome);
extern PgwfResult pgwf_test_start(PgwfTest *test, const char *workflow_type,
								  json_t *args, PgwfHandle **handle);
extern PgwfResult pgwf_test_advance(PgwfTest *test, int64_t ms);
extern int64_t pgwf_test_now(PgwfTest *test);
extern PgwfClient *pgwf_test_client(PgwfTest *test);
extern const char *pgwf_test_error(const PgwfTest *test);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_TESTING_H */
