/*-------------------------------------------------------------------------
 *
 * pgwf_due.h
 *		The parts of a scheduler's work.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DUE_H
#define PGWF_DUE_H

#include "datatype/timestamp.h"

/* A part's turn: one transaction that does what is due */
typedef struct PgwfTurn
{
	int			max_runs;		/* what it may do at most */
	int			fired;			/* what it has done */
	int			skipped;		/* what it has not: somebody else has it */
	bool		more;			/* there may be more due already */
	TimestampTz next;			/* when to come back, by the machine's clock */
	int32		namespace_id;	/* the run being handled, if an error is */
	int64		run_key;		/* raised; otherwise 0 */
} PgwfTurn;

/*
 * Each does, in the current transaction, what is due of its kind.  Locks are
 * taken without waiting: what somebody else holds is counted and left for a
 * later turn.  pgwf_due_clocks() does for namespaces with virtual time what
 * pgwf_due_runs() and pgwf_due_schedules() do for the others.
 */
extern void pgwf_due_runs(PgwfTurn *turn);
extern void pgwf_due_deadlines(PgwfTurn *turn);
extern void pgwf_due_deadlines_look_again(void);
extern TimestampTz pgwf_due_deadlines_next(void);
extern void pgwf_due_clocks(PgwfTurn *turn);
extern void pgwf_due_clocks_look_again(void);
extern bool pgwf_due_clock_is_behind(int32 namespace_id);
extern void pgwf_due_schedules(PgwfTurn *turn);
extern void pgwf_due_retention(PgwfTurn *turn);
extern void pgwf_due_batches(PgwfTurn *turn);
extern void pgwf_due_drainage(PgwfTurn *turn);
extern void pgwf_due_queries(PgwfTurn *turn);
extern void pgwf_due_updates(PgwfTurn *turn);
extern void pgwf_due_namespaces(PgwfTurn *turn);

#endif							/* PGWF_DUE_H */
