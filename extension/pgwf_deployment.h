/*-------------------------------------------------------------------------
 *
 * pgwf_deployment.h
 *		What is to be seen of worker deployments and their versions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DEPLOYMENT_H
#define PGWF_DEPLOYMENT_H

#include "pgwf_json.h"

/* Members of a PollerInfo and of a DescribeTaskQueueResponse */
extern void pgwf_append_poller_version(PgwfObject *object,
									   int32 namespace_id,
									   int32 version_key);
extern void pgwf_append_queue_versions(PgwfObject *object,
									   int32 namespace_id, Datum *queue,
									   TimestampTz now);

#endif							/* PGWF_DEPLOYMENT_H */
