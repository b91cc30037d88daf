/*-------------------------------------------------------------------------
 *
 * pgwf_queue.h
 *		Task queues as their readers see them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_QUEUE_H
#define PGWF_QUEUE_H

#include "pgwf_table.h"

extern bool pgwf_queue_has_work(int32 namespace_id, char kind,
								const char *queue);

#endif							/* PGWF_QUEUE_H */
