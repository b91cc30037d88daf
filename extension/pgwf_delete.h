/*-------------------------------------------------------------------------
 *
 * pgwf_delete.h
 *		Deleting runs, on request and when their retention is over.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DELETE_H
#define PGWF_DELETE_H

#include "pgwf_due.h"
#include "pgwf_store.h"

extern bool pgwf_run_delete(PgwfCall *call, int32 namespace_id,
							int64 run_key);
extern void pgwf_retention_enforce(PgwfCall *call, PgwfTurn *turn);
extern void pgwf_retention_look_again(void);

#endif							/* PGWF_DELETE_H */
