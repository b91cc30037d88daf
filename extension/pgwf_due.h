/*-------------------------------------------------------------------------
 *
 * pgwf_due.h
 *		What the passing of time does to runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DUE_H
#define PGWF_DUE_H

#include "datatype/timestamp.h"

/* What pgwf_due_fire() has done */
typedef struct PgwfDueResult
{
	int			fired;			/* runs that were changed */
	int			skipped;		/* runs that somebody else had locked */
	bool		more;			/* there may be more due already */
	int32		namespace_id;	/* the run being handled, if an error was */
	int64		run_key;		/* raised; otherwise 0 */
} PgwfDueResult;

extern void pgwf_due_fire(int max_runs, PgwfDueResult *result);
extern TimestampTz pgwf_due_next(TimestampTz after);

#endif							/* PGWF_DUE_H */
