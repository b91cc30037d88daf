/*-------------------------------------------------------------------------
 *
 * pgwf_history.h
 *		Finding a run and its history, for the functions that only read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_HISTORY_H
#define PGWF_HISTORY_H

#include "fmgr.h"
#include "utils/uuid.h"

#include "pgwf_pack.h"

/* A run, as somebody who wants to read it finds it */
typedef struct PgwfRunRef
{
	int32		namespace_id;
	int64		run_key;
	pg_uuid_t	run_id;
	bool		closed;
} PgwfRunRef;

/*
 * The run of the two arguments of a function call, a workflow id and a run id
 * that may be null: then it is the open run, or else the newest.  Raises
 * PW003 without a workflow id and PW005 when there is no such run.  Runs
 * between pgwf_db_begin and pgwf_db_end.
 */
extern void pgwf_find_run(FunctionCallInfo fcinfo, int workflow_id_arg,
						  int run_id_arg, int32 namespace_id,
						  PgwfRunRef *run);

/*
 * Begins to read a row of the last statement, which must be first_event_id
 * and events of workflow.history_batch.
 */
extern void pgwf_history_unpack_row(uint64 row, PgwfUnpacker *unpacker);

#endif							/* PGWF_HISTORY_H */
