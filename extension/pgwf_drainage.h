/*-------------------------------------------------------------------------
 *
 * pgwf_drainage.h
 *		Whether versions that get no new runs have old ones left.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DRAINAGE_H
#define PGWF_DRAINAGE_H

#include "pgwf_table.h"

extern void pgwf_drainage_begin(PgwfCall *call, int32 namespace_id,
								int32 version_key);
extern void pgwf_drainage_end(int32 namespace_id, int32 version_key);
extern void pgwf_drainage_reopen(PgwfCall *call, int32 namespace_id,
								 int32 version_key);
extern void pgwf_drainage_run(PgwfCall *call, int *fired);
extern TimestampTz pgwf_drainage_next(PgwfCall *call, TimestampTz after);

#endif							/* PGWF_DRAINAGE_H */
