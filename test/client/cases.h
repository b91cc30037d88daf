/*
 * cases.h
 *		What tests of workflow code against the simulated service share,
 *		besides runs.h: a registry, options, a log, and more checks.
 */
#ifndef CASES_H
#define CASES_H

#include "runs.h"

#define UNUSED (void) wf, (void) input, (void) failure

/* The test's own, made and freed by it. */
extern PgwfRegistry *registry;

/* What log_line() was told since the last start(). */
extern char logged[2000];

extern const PgwfActivityOptions ten_seconds;
extern const PgwfLocalOptions local_options;

extern Sim *start(const char *type, const char *input);
extern void log_line(PgwfLogLevel level, const char *message, void *arg);

/* run_ends() for a run whose code was changed on the way: replays it once. */
extern void ends_changed(Sim *sim, const char *status, const char *key,
						 const char *value, const char *name);

/* A WorkflowQueryResult, which is freed. */
extern void answer_is(json_t *answer, const char *expected,
					  const char *name);
extern void answer_fails(json_t *answer, const char *message,
						 const char *name);

#endif							/* CASES_H */
