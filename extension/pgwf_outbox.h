/*-------------------------------------------------------------------------
 *
 * pgwf_outbox.h
 *		Delivering what one run has to tell another.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_OUTBOX_H
#define PGWF_OUTBOX_H

#include "pgwf_store.h"

extern bool pgwf_message_deliver(PgwfCall *call, PgwfMessage *message);

#endif							/* PGWF_OUTBOX_H */
