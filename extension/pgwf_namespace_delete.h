/*-------------------------------------------------------------------------
 *
 * pgwf_namespace_delete.h
 *		Removing what is left of namespaces that were deleted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_NAMESPACE_DELETE_H
#define PGWF_NAMESPACE_DELETE_H

#include "pgwf_due.h"
#include "pgwf_table.h"

extern void pgwf_namespaces_reclaim(PgwfCall *call, PgwfTurn *turn);

#endif							/* PGWF_NAMESPACE_DELETE_H */
