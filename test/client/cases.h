/*
 * cases.h
 *		What tests of workflow code against the simulated service share: a
 *		registry, what the code notes while it runs, and checks of a run.
 */
#ifndef CASES_H
#define CASES_H

#include "sim.h"

#define FLOW_BODY(name) \
	static json_t * \
	name(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)

#define UNUSED (void) wf, (void) input, (void) failure

/* The test's own, made and freed by it. */
extern PgwfRegistry *registry;

/* What tracef() and log_line() were told since the last start(). */
extern char trace[2000];
extern char logged[2000];

extern const PgwfActivityOptions ten_seconds;
extern const PgwfLocalOptions local_options;

extern Sim *start(const char *type, const char *input);
extern void tracef(const char *str);
extern void log_line(PgwfLogLevel level, const char *message, void *arg);

/* The commands of the last task. */
extern void commands_are(Sim *sim, const char *expected, const char *name);

/* Checks how the run ended, that it replays in all splits, and frees it. */
extern void ends(Sim *sim, const char *status, const char *key,
				 const char *value, const char *name);

/* The same for a run whose code was changed on the way: replays it once. */
extern void ends_changed(Sim *sim, const char *status, const char *key,
						 const char *value, const char *name);

/* A WorkflowQueryResult, which is freed. */
extern void answer_is(json_t *answer, const char *expected,
					  const char *name);
extern void answer_fails(json_t *answer, const char *message,
						 const char *name);

#endif							/* CASES_H */
