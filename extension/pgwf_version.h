/*-------------------------------------------------------------------------
 *
 * pgwf_version.h
 *		Versions of workers, as workers name themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_VERSION_H
#define PGWF_VERSION_H

#include "fmgr.h"
#include "utils/jsonb.h"

#include "pgwf_routing.h"

extern bool pgwf_arg_version(FunctionCallInfo fcinfo, int deployment_name,
							 int build_id, int versioning_mode,
							 PgwfVersion *version);
extern char *pgwf_version_check(const PgwfVersion *version);
extern void pgwf_version_register(int32 namespace_id, PgwfVersion *version,
								  char kind, const char *queue);
extern int32 pgwf_version_create(int32 namespace_id,
								 const PgwfVersion *version, bool polled);

#endif							/* PGWF_VERSION_H */
