/*-------------------------------------------------------------------------
 *
 * pgwf_sleep.h
 *		What procedures that wait have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_SLEEP_H
#define PGWF_SLEEP_H

#include "fmgr.h"
#include "portability/instr_time.h"
#include "utils/timestamp.h"

#include "pgwf_shmem.h"

/* A moment to wait until, by a clock that is never set */
typedef struct PgwfDeadline
{
	bool		never;
	instr_time	start;
	int64		timeout;		/* ms after start */
} PgwfDeadline;

extern bool pgwf_may_commit(FunctionCallInfo fcinfo);
extern void pgwf_require_commit(FunctionCallInfo fcinfo,
								const char *procedure);
extern void pgwf_commit(void);
extern int64 pgwf_interval_ms(const Interval *interval);
extern void pgwf_set_deadline(PgwfDeadline *deadline, bool never,
							  int64 timeout);
extern long pgwf_remaining_ms(const PgwfDeadline *deadline);
extern PgwfWake pgwf_sleep_until_woken(const PgwfDeadline *deadline,
									   uint32 wait_event, int *index);

#endif							/* PGWF_SLEEP_H */
