/*-------------------------------------------------------------------------
 *
 * pgwf_routing.c
 *		Which version of workers gets a task (SS 16).
 *
 * Owns the backend's cache of worker_deployment, worker_version and
 * worker_version_queue, filled namespace by namespace with scans that always
 * see the newest rows.  It is thrown away whole when one of them changes: a
 * trigger sends a relcache invalidation of the table.  Invalidations are sent
 * after the waiters have been woken that are to see the change, so the
 * generation of all caches is counted in shared memory as well.
 *
 * Takes AccessShareLock on the tables while it reads them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "port/atomics.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pgwf_catalog.h"
#include "pgwf_json.h"
#include "pgwf_routing.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_worker_routing_changed);
PG_FUNCTION_INFO_V1(pgwf_route_target_sql);

/* Columns of the tables */
enum
{
	DEPLOYMENT_NAMESPACE_ID = 1,
	DEPLOYMENT_CURRENT_KEY,
	DEPLOYMENT_RAMPING_KEY,
	DEPLOYMENT_IS_RAMPING,
	DEPLOYMENT_RAMPING_PERCENTAGE,
	DEPLOYMENT_REVISION,
	DEPLOYMENT_CREATE_TIME,
	DEPLOYMENT_CURRENT_CHANGED_TIME,
	DEPLOYMENT_RAMPING_CHANGED_TIME,
	DEPLOYMENT_PERCENTAGE_CHANGED_TIME,
	DEPLOYMENT_NAME
};

enum
{
	VERSION_NAMESPACE_ID = 1,
	VERSION_KEY,
	VERSION_DELETED,
	VERSION_POLLED,
	VERSION_DEPLOYMENT_NAME = 12,
	VERSION_BUILD_ID
};

enum
{
	QUEUE_NAMESPACE_ID = 1,
	QUEUE_VERSION_KEY,
	QUEUE_KIND,
	QUEUE_NAME
};

typedef struct CachedDeployment
{
	char	   *name;
	int32		current_key;
	int32		ramping_key;
	bool		is_ramping;
	int			ramping_share;
	int64		revision;
	TimestampTz current_changed_time;
	TimestampTz ramping_changed_time;
} CachedDeployment;

typedef struct CachedVersion
{
	int32		key;			/* of the hash table */
	bool		deleted;
	bool		polled;
	PgwfVersion version;
	CachedDeployment *deployment;
} CachedVersion;

/* Versions by name; the key is the names */
typedef struct NameEntry
{
	PgwfVersion *name;			/* of the hash table */
	CachedVersion *version;
} NameEntry;

typedef struct QueueName
{
	char		kind;
	char	   *name;
} QueueName;

/* A queue that some version serves; the key is its name */
typedef struct CachedQueue
{
	QueueName  *name;			/* of the hash table */
	List	   *version_keys;	/* those that serve it */
	PgwfQueueRouting routing;
	TimestampTz ramping_changed_time;
} CachedQueue;

typedef struct CacheEntry
{
	int32		namespace_id;	/* of the hash table */
	bool		has_versions;
	List	   *deployments;
	HTAB	   *versions;
	HTAB	   *names;
	HTAB	   *queues;
} CacheEntry;

/* Counts what made caches out of date, in all backends; NULL: no memory */
static pg_atomic_uint64 *shared_generation = NULL;

static uint64 current_generation = 1;
static uint64 cache_generation = 0;
static uint64 cache_shared_generation = 0;
static MemoryContext cache_context = NULL;
static HTAB *cache;
static CacheEntry *last_entry;
static Oid	table_oids[3];

Size
pgwf_routing_shmem_size(void)
{
	return sizeof(pg_atomic_uint64);
}

void
pgwf_routing_shmem_attach(char *memory, bool initialize)
{
	shared_generation = (pg_atomic_uint64 *) memory;
	if (initialize)
		pg_atomic_init_u64(shared_generation, 1);
}

void
pgwf_routing_changed(void)
{
	if (shared_generation)
		pg_atomic_fetch_add_u64(shared_generation, 1);
}

uint64
pgwf_routing_generation(void)
{
	return shared_generation ? pg_atomic_read_u64(shared_generation) : 0;
}

/*
 * workflow.worker_routing_changed(): statement trigger of the tables
 */
Datum
pgwf_worker_routing_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"worker_routing_changed")));
	CacheInvalidateRelcacheByRelid(RelationGetRelid(trigger->tg_relation));
	pgwf_xact_routing_changed();
	return PointerGetDatum(NULL);
}

static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == table_oids[0] ||
		relid == table_oids[1] || relid == table_oids[2])
		current_generation++;
}

static uint32
queue_hash(const void *key, Size size)
{
	const QueueName *name = *(const QueueName *const *) key;

	return hash_bytes((const unsigned char *) name->name,
					  (int) strlen(name->name)) ^ (uint32) name->kind;
}

static int
queue_match(const void *a, const void *b, Size size)
{
	const QueueName *left = *(const QueueName *const *) a;
	const QueueName *right = *(const QueueName *const *) b;

	return left->kind != right->kind || strcmp(left->name, right->name) != 0;
}

static uint32
version_hash(const void *key, Size size)
{
	const PgwfVersion *name = *(const PgwfVersion *const *) key;

	return hash_bytes((const unsigned char *) name->deployment_name,
					  (int) strlen(name->deployment_name)) ^
		hash_bytes((const unsigned char *) name->build_id,
				   (int) strlen(name->build_id));
}

static int
version_match(const void *a, const void *b, Size size)
{
	const PgwfVersion *left = *(const PgwfVersion *const *) a;
	const PgwfVersion *right = *(const PgwfVersion *const *) b;

	return strcmp(left->deployment_name, right->deployment_name) != 0 ||
		strcmp(left->build_id, right->build_id) != 0;
}

/* Starts a new cache if there is none or the one there is out of date */
static void
cache_ready(void)
{
	static bool registered = false;
	uint64		shared = pgwf_routing_generation();
	HASHCTL		info;

	if (cache_generation == current_generation &&
		cache_shared_generation == shared)
		return;
	if (!registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		registered = true;
	}
	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(CacheMemoryContext,
											  "pg_workflow routing",
											  ALLOCSET_SMALL_SIZES);
	last_entry = NULL;
	cache_generation = 0;
	MemoryContextReset(cache_context);
	memset(&info, 0, sizeof(info));
	info.hcxt = cache_context;
	info.keysize = sizeof(int32);
	info.entrysize = sizeof(CacheEntry);
	cache = hash_create("pg_workflow routing", 16, &info,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	/* taken before anything is read: what comes meanwhile is not missed */
	table_oids[0] = pgwf_relation_oid(PGWF_WORKER_DEPLOYMENT);
	table_oids[1] = pgwf_relation_oid(PGWF_WORKER_VERSION);
	table_oids[2] = pgwf_relation_oid(PGWF_WORKER_VERSION_QUEUE);
	cache_shared_generation = shared;
	cache_generation = current_generation;
}

/*
 * Reading the tables
 */

/* A scan of the rows of a namespace */
typedef struct RowScan
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
} RowScan;

static void
begin_scan(RowScan *scan, PgwfRelationId table, PgwfRelationId index,
		   int32 namespace_id)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(namespace_id));
	scan->rel = table_open(pgwf_relation_oid(table), AccessShareLock);
	scan->scan = systable_beginscan(scan->rel, pgwf_relation_oid(index), true,
									NULL, 1, &key);
}

static bool
next_row(RowScan *scan)
{
	scan->tuple = systable_getnext(scan->scan);
	return HeapTupleIsValid(scan->tuple);
}

static void
end_scan(RowScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->rel, AccessShareLock);
}

static Datum
get_value(RowScan *scan, int column, bool *isnull)
{
	return heap_getattr(scan->tuple, column, RelationGetDescr(scan->rel),
						isnull);
}

static int32
get_int(RowScan *scan, int column)
{
	bool		isnull;

	return DatumGetInt32(get_value(scan, column, &isnull));
}

static bool
get_bool(RowScan *scan, int column)
{
	bool		isnull;

	return DatumGetBool(get_value(scan, column, &isnull));
}

static TimestampTz
get_time(RowScan *scan, int column)
{
	bool		isnull;
	Datum		value = get_value(scan, column, &isnull);

	return isnull ? PGWF_NO_TIME : DatumGetTimestampTz(value);
}

/* In the cache */
static char *
get_text(RowScan *scan, int column)
{
	bool		isnull;
	char	   *value = TextDatumGetCString(get_value(scan, column, &isnull));
	char	   *copy = MemoryContextStrdup(cache_context, value);

	pfree(value);
	return copy;
}

static void
read_deployments(CacheEntry *entry)
{
	RowScan		scan;

	begin_scan(&scan, PGWF_WORKER_DEPLOYMENT, PGWF_WORKER_DEPLOYMENT_PKEY,
			   entry->namespace_id);
	while (next_row(&scan))
	{
		CachedDeployment *deployment;
		MemoryContext context;
		bool		isnull;

		deployment = MemoryContextAlloc(cache_context,
										sizeof(CachedDeployment));
		deployment->name = get_text(&scan, DEPLOYMENT_NAME);
		deployment->current_key = get_int(&scan, DEPLOYMENT_CURRENT_KEY);
		deployment->ramping_key = get_int(&scan, DEPLOYMENT_RAMPING_KEY);
		deployment->is_ramping = get_bool(&scan, DEPLOYMENT_IS_RAMPING);
		deployment->ramping_share =
			(int) rint(DatumGetFloat4(get_value(&scan,
												DEPLOYMENT_RAMPING_PERCENTAGE,
												&isnull)) *
					   PGWF_ROUTE_BUCKETS / 100);
		deployment->revision =
			DatumGetInt64(get_value(&scan, DEPLOYMENT_REVISION, &isnull));
		deployment->current_changed_time =
			get_time(&scan, DEPLOYMENT_CURRENT_CHANGED_TIME);
		deployment->ramping_changed_time =
			get_time(&scan, DEPLOYMENT_RAMPING_CHANGED_TIME);
		context = MemoryContextSwitchTo(cache_context);
		entry->deployments = lappend(entry->deployments, deployment);
		MemoryContextSwitchTo(context);
	}
	end_scan(&scan);
}

static CachedDeployment *
find_deployment(const CacheEntry *entry, const char *name)
{
	ListCell   *lc;

	foreach(lc, entry->deployments)
	{
		CachedDeployment *deployment = lfirst(lc);

		if (strcmp(deployment->name, name) == 0)
			return deployment;
	}
	return NULL;
}

static void
read_versions(CacheEntry *entry)
{
	RowScan		scan;

	begin_scan(&scan, PGWF_WORKER_VERSION, PGWF_WORKER_VERSION_PKEY,
			   entry->namespace_id);
	while (next_row(&scan))
	{
		int32		key = get_int(&scan, VERSION_KEY);
		CachedVersion *version;
		PgwfVersion *name;
		NameEntry  *by_name;

		entry->has_versions = true;
		version = hash_search(entry->versions, &key, HASH_ENTER, NULL);
		version->deleted = get_bool(&scan, VERSION_DELETED);
		version->polled = get_bool(&scan, VERSION_POLLED);
		version->version.deployment_name =
			get_text(&scan, VERSION_DEPLOYMENT_NAME);
		version->version.build_id = get_text(&scan, VERSION_BUILD_ID);
		version->version.key = key;
		version->deployment =
			find_deployment(entry, version->version.deployment_name);
		name = &version->version;
		by_name = hash_search(entry->names, &name, HASH_ENTER, NULL);
		by_name->version = version;
	}
	end_scan(&scan);
}

/* What a version that serves the queue means to its routing */
static void
add_to_routing(CachedQueue *queue, const CachedVersion *version)
{
	const CachedDeployment *deployment = version->deployment;
	PgwfQueueRouting *routing = &queue->routing;

	if (deployment == NULL || version->deleted)
		return;
	if (deployment->current_key == version->key)
	{
		/* of several deployments, the one that came last */
		if (routing->current_key == 0 ||
			deployment->current_changed_time > routing->changed_time)
		{
			routing->current_key = version->key;
			routing->changed_time = deployment->current_changed_time;
		}
	}
	if (deployment->is_ramping &&
		(deployment->ramping_key == version->key ||
		 (deployment->ramping_key == 0 &&
		  deployment->current_key == version->key)) &&
		deployment->ramping_changed_time > queue->ramping_changed_time)
	{
		routing->is_ramping = true;
		routing->ramping_key = deployment->ramping_key;
		routing->ramping_share = deployment->ramping_share;
		queue->ramping_changed_time = deployment->ramping_changed_time;
	}
}

static void
read_queues(CacheEntry *entry)
{
	RowScan		scan;

	begin_scan(&scan, PGWF_WORKER_VERSION_QUEUE,
			   PGWF_WORKER_VERSION_QUEUE_PKEY, entry->namespace_id);
	while (next_row(&scan))
	{
		int32		key = get_int(&scan, QUEUE_VERSION_KEY);
		CachedVersion *version = hash_search(entry->versions, &key, HASH_FIND,
											 NULL);
		QueueName  *name;
		CachedQueue *queue;
		MemoryContext context;
		bool		found;

		if (version == NULL)
			continue;
		name = MemoryContextAlloc(cache_context, sizeof(QueueName));
		/* PGWF_QUEUE_WORKFLOW and PGWF_QUEUE_ACTIVITY are the first letters */
		name->kind = *get_text(&scan, QUEUE_KIND);
		name->name = get_text(&scan, QUEUE_NAME);
		queue = hash_search(entry->queues, &name, HASH_ENTER, &found);
		if (!found)
		{
			queue->version_keys = NIL;
			memset(&queue->routing, 0, sizeof(PgwfQueueRouting));
			queue->routing.changed_time = PGWF_NO_TIME;
			queue->ramping_changed_time = PGWF_NO_TIME;
		}
		context = MemoryContextSwitchTo(cache_context);
		queue->version_keys = lappend_int(queue->version_keys, key);
		MemoryContextSwitchTo(context);
		add_to_routing(queue, version);
	}
	end_scan(&scan);
}

static void
create_tables(CacheEntry *entry)
{
	HASHCTL		info = {0};

	info.hcxt = cache_context;
	info.keysize = sizeof(int32);
	info.entrysize = sizeof(CachedVersion);
	entry->versions = hash_create("pg_workflow versions", 16, &info,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	info.keysize = sizeof(PgwfVersion *);
	info.entrysize = sizeof(NameEntry);
	info.hash = version_hash;
	info.match = version_match;
	entry->names = hash_create("pg_workflow versions by name", 16, &info,
							   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
							   HASH_CONTEXT);
	info.keysize = sizeof(QueueName *);
	info.entrysize = sizeof(CachedQueue);
	info.hash = queue_hash;
	info.match = queue_match;
	entry->queues = hash_create("pg_workflow routed queues", 16, &info,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
								HASH_CONTEXT);
}

/* What is known of a namespace, as fresh as the current command is */
static CacheEntry *
get_entry(int32 namespace_id)
{
	CacheEntry *entry;
	uint64		generation;
	bool		found;

	for (;;)
	{
		cache_ready();
		if (last_entry && last_entry->namespace_id == namespace_id)
			return last_entry;
		generation = cache_generation;
		entry = hash_search(cache, &namespace_id, HASH_FIND, NULL);
		if (entry == NULL)
		{
			CacheEntry	fresh = {0};

			fresh.namespace_id = namespace_id;
			create_tables(&fresh);
			read_deployments(&fresh);
			read_versions(&fresh);
			read_queues(&fresh);
			entry = hash_search(cache, &namespace_id, HASH_ENTER, &found);
			*entry = fresh;
		}
		last_entry = entry;

		/* opening the tables may have brought news of them */
		if (generation == current_generation)
			return entry;
	}
}

static CachedQueue *
find_queue(CacheEntry *entry, char kind, const char *queue)
{
	QueueName	name = {kind, unconstify(char *, queue)};
	QueueName  *key = &name;

	return hash_search(entry->queues, &key, HASH_FIND, NULL);
}

/*
 * Questions
 */

/* Where a workflow id stands among those that a ramp may take, 0 to 9999 */
int16
pgwf_route_bucket(const char *workflow_id)
{
	return (int16) (hash_bytes((const unsigned char *) workflow_id,
							   (int) strlen(workflow_id)) %
					PGWF_ROUTE_BUCKETS);
}

bool
pgwf_namespace_has_versions(int32 namespace_id)
{
	return get_entry(namespace_id)->has_versions;
}

void
pgwf_queue_routing(int32 namespace_id, char kind, const char *queue,
				   PgwfQueueRouting *routing)
{
	CacheEntry *entry = get_entry(namespace_id);
	CachedQueue *found = NULL;

	if (entry->has_versions)
		found = find_queue(entry, kind, queue);
	if (found)
	{
		*routing = found->routing;
		return;
	}
	memset(routing, 0, sizeof(PgwfQueueRouting));
	routing->changed_time = PGWF_NO_TIME;
}

/* The version whose workers get a task now; 0: workers without one */
int32
pgwf_route_target(int32 namespace_id, char kind, const char *queue,
				  const PgwfRoute *route)
{
	PgwfQueueRouting routing;

	if (route->version_key != 0)
		return route->version_key;
	if (!get_entry(namespace_id)->has_versions)
		return 0;
	pgwf_queue_routing(namespace_id, kind, queue, &routing);
	return route->bucket < routing.ramping_share ?
		routing.ramping_key : routing.current_key;
}

/* The number of a version, 0 if there is none of that name */
int32
pgwf_version_find(int32 namespace_id, const char *deployment_name,
				  const char *build_id, bool deleted_too)
{
	CacheEntry *entry = get_entry(namespace_id);
	PgwfVersion name = {deployment_name, build_id, 0};
	PgwfVersion *key = &name;
	NameEntry  *found;

	if (!entry->has_versions)
		return 0;
	found = hash_search(entry->names, &key, HASH_FIND, NULL);
	return found && (deleted_too || !found->version->deleted) ?
		found->version->key : 0;
}

/*
 * The names of a version, copied into the current memory context; those of a
 * deleted one, too
 */
bool
pgwf_version_lookup(int32 namespace_id, int32 version_key,
					PgwfVersion *version)
{
	CachedVersion *found = hash_search(get_entry(namespace_id)->versions,
									   &version_key, HASH_FIND, NULL);

	if (found == NULL)
		return false;
	version->deployment_name = pstrdup(found->version.deployment_name);
	version->build_id = pstrdup(found->version.build_id);
	version->key = version_key;
	return true;
}

/* Has a worker of the version polled the queue? */
bool
pgwf_version_serves(int32 namespace_id, int32 version_key, char kind,
					const char *queue)
{
	CacheEntry *entry = get_entry(namespace_id);
	CachedQueue *found = NULL;

	if (entry->has_versions)
		found = find_queue(entry, kind, queue);
	return found && list_member_int(found->version_keys, version_key);
}

/* Has a worker of the version ever come? */
bool
pgwf_version_is_polled(int32 namespace_id, int32 version_key)
{
	CachedVersion *found = hash_search(get_entry(namespace_id)->versions,
									   &version_key, HASH_FIND, NULL);

	return found && !found->deleted && found->polled;
}

/* How often the routing of a deployment has changed */
int64
pgwf_deployment_revision(int32 namespace_id, const char *deployment_name)
{
	CachedDeployment *deployment = find_deployment(get_entry(namespace_id),
												   deployment_name);

	return deployment ? deployment->revision : 0;
}

/*
 * workflow.route_target(namespace_id, kind, task_queue, route_bucket): the
 * version whose workers get a routed task now, for descriptions and views
 */
Datum
pgwf_route_target_sql(PG_FUNCTION_ARGS)
{
	int32		namespace_id = PG_GETARG_INT32(0);
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *queue = text_to_cstring(PG_GETARG_TEXT_PP(2));
	PgwfRoute	route = {0, PG_GETARG_INT16(3)};

	PG_RETURN_INT32(pgwf_route_target(namespace_id, kind[0], queue, &route));
}
