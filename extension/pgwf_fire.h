/*-------------------------------------------------------------------------
 *
 * pgwf_fire.h
 *		What the passing of time does to one run, and the delivery of messages
 *		between runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_FIRE_H
#define PGWF_FIRE_H

#include "pgwf_due.h"
#include "pgwf_store.h"

/* A run that has something due */
typedef struct PgwfDueRun
{
	int32		namespace_id;
	int64		run_key;
} PgwfDueRun;

extern void pgwf_due_run_add(List **runs, int32 namespace_id, int64 run_key);
extern void pgwf_due_run_fire(PgwfCall *call, const PgwfDueRun *due,
							  PgwfTurn *turn);
extern bool pgwf_due_message_deliver(PgwfCall *call, PgwfMessage *message,
									 PgwfTurn *turn);

#endif							/* PGWF_FIRE_H */
