/*
 * pgworkflow/replay.h
 *		Replaying a history: checking code against recorded histories.
 *		Section 6 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_REPLAY_H
#define PGWORKFLOW_REPLAY_H

#include "registry.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		6. Replaying a history
 *
 * Runs a recorded history through the registered workflow function without a
 * server and reports the first disagreement.
 * ----------------------------------------------------------------
 */
typedef struct PgwfReplayReport
{
	bool		ok;				/* the code agrees with history */
	bool		nondeterminism; /* !ok: it asked for something else */
	int64_t		event_id;		/* !ok: where; 0 if no event is to blame */
	const char *message;		/* !ok: what history has and what the code
								 * asked for; "" if ok */
	const char *workflow_type;	/* "" if not known */
	int64_t		events;			/* events that were read */
	int			workflow_tasks; /* that were replayed */
	bool		finished;		/* the workflow function returned */

	/*
	 * What the code asked for in a last workflow task that history has no
	 * answer to yet: array of commands, borrowed from the report.
	 */
	json_t	   *commands;
} PgwfReplayReport;

/*
 * "history" is {"events": [...]} or the array of events, in Temporal's file
 * format or in the service's readable format; it is borrowed.  Returns PGWF_OK
 * with *report set (also if the code disagrees: look at report->ok), or
 * PGWF_INVALID_ARGUMENT if history cannot be understood, again with a report
 * whose message says why.  Free the report with pgwf_replay_report_free(),
 * which frees everything it points to.
 */
extern PgwfResult pgwf_replay_history(PgwfRegistry *registry,
									  const json_t *history,
									  PgwfReplayReport **report);

/* The same with a file; PGWF_NOT_FOUND if it cannot be read. */
extern PgwfResult pgwf_replay_history_file(PgwfRegistry *registry,
										   const char *path,
										   PgwfReplayReport **report);
extern void pgwf_replay_report_free(PgwfReplayReport *report);

/*
 * Turns a history of either format into the readable one: a new array of
 * events {"eventId", "eventTime", "eventType", "attributes"}.  Returns NULL if
 * it cannot be understood; *error (if not NULL) is then a string to free().
 */
extern json_t *pgwf_history_import(const json_t *history,
								   char **error);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_REPLAY_H */
