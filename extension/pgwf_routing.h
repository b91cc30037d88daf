/*-------------------------------------------------------------------------
 *
 * pgwf_routing.h
 *		Which version of workers gets a task.
 *
 * A task is either for the workers of one version, or it follows the routing
 * of its queue: to the current version, to the ramping one for a share of the
 * workflow ids, or to workers without a version.  This is decided when
 * somebody asks, so a change of the routing rewrites no task.
 *
 * All answers come from a cache of this backend, and cost nothing to speak of
 * in a namespace that has no versions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_ROUTING_H
#define PGWF_ROUTING_H

#include "datatype/timestamp.h"

/* What a task says of its route */
typedef struct PgwfRoute
{
	int32		version_key;	/* 0: as its queue is routed */
	int16		bucket;			/* of its workflow id, by a hash */
} PgwfRoute;

#define PGWF_ROUTE_BUCKETS	10000

/* To a scan: whatever the version */
#define PGWF_ANY_VERSION	(-1)

/* How a queue is routed */
typedef struct PgwfQueueRouting
{
	int32		current_key;	/* 0: to workers without a version */
	bool		is_ramping;
	int32		ramping_key;	/* the same; counts only with a share */
	int			ramping_share;	/* buckets below it go there */
	TimestampTz changed_time;	/* PGWF_NO_TIME: no version serves it */
} PgwfQueueRouting;

/* A version by its names; "key" is its number, once it has one */
typedef struct PgwfVersion
{
	const char *deployment_name;
	const char *build_id;
	int32		key;
} PgwfVersion;

extern Size pgwf_routing_shmem_size(void);
extern void pgwf_routing_shmem_attach(char *memory, bool initialize);

/* All caches are out of date; cannot fail */
extern void pgwf_routing_changed(void);

/* How often they were */
extern uint64 pgwf_routing_generation(void);

extern int16 pgwf_route_bucket(const char *workflow_id);
extern bool pgwf_namespace_has_versions(int32 namespace_id);
extern void pgwf_queue_routing(int32 namespace_id, char kind,
							   const char *queue, PgwfQueueRouting *routing);
extern int32 pgwf_route_target(int32 namespace_id, char kind,
							   const char *queue, const PgwfRoute *route);

extern int32 pgwf_version_find(int32 namespace_id,
							   const char *deployment_name,
							   const char *build_id, bool deleted_too);
extern bool pgwf_version_lookup(int32 namespace_id, int32 version_key,
								PgwfVersion *version);
extern bool pgwf_version_serves(int32 namespace_id, int32 version_key,
								char kind, const char *queue);
extern bool pgwf_version_is_polled(int32 namespace_id, int32 version_key);
extern int64 pgwf_deployment_revision(int32 namespace_id,
									  const char *deployment_name);

#endif							/* PGWF_ROUTING_H */
