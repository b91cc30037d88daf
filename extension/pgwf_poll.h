/*-------------------------------------------------------------------------
 *
 * pgwf_poll.h
 *		Claiming tasks for a worker that has waited for them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_POLL_H
#define PGWF_POLL_H

#include "lib/stringinfo.h"

#include "pgwf_version.h"

#define PGWF_MAX_TASKS_PER_POLL 1000

/* Who claims how many tasks of which queue */
typedef struct PgwfClaim
{
	const char *namespace;
	char		kind;			/* PGWF_QUEUE_WORKFLOW or _ACTIVITY */
	char	   *task_queue;
	bool		sticky;			/* it is the worker's own */
	int			max_tasks;
	char	   *identity;
	PgwfVersion version;		/* of the worker; key 0: none */
} PgwfClaim;

extern int	pgwf_poll_claim(const PgwfClaim *claim, StringInfo array,
							bool *more);

#endif							/* PGWF_POLL_H */
