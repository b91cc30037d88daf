/*-------------------------------------------------------------------------
 *
 * pgwf_deployment_describe.c
 *		What is to be seen of worker deployments and their versions (SS 16).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "pgwf_args.h"
#include "pgwf_db.h"
#include "pgwf_deployment.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_shmem.h"
#include "pgwf_versioning.h"

PG_FUNCTION_INFO_V1(pgwf_describe_worker_deployment);
PG_FUNCTION_INFO_V1(pgwf_describe_worker_deployment_version);
PG_FUNCTION_INFO_V1(pgwf_list_worker_deployments);

#define MAX_PAGE_SIZE	10000

#define DEPLOYMENT_COLUMNS \
	" d.name, d.current_key, d.ramping_key, d.is_ramping," \
	" d.ramping_percentage, d.revision, d.create_time," \
	" d.current_changed_time, d.ramping_changed_time," \
	" d.percentage_changed_time, d.last_modifier_identity"

static PgwfStatement select_deployment = {
	.sql = "SELECT" DEPLOYMENT_COLUMNS
	" FROM workflow.worker_deployment AS d"
	" WHERE d.namespace_id = $1 AND d.name = $2",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

static PgwfStatement select_deployments = {
	.sql = "SELECT" DEPLOYMENT_COLUMNS
	" FROM workflow.worker_deployment AS d WHERE d.namespace_id = $1"
	" ORDER BY d.name LIMIT $2",
	.nargs = 2,
	.argtypes = {INT4OID, INT4OID}
};

/* All versions of a deployment, or one ($3 not null), the latest first */
static PgwfStatement select_versions = {
	.sql = "SELECT v.version_key, v.build_id, v.create_time,"
	" v.routing_changed_time, v.current_since_time, v.ramping_since_time,"
	" v.first_activation_time, v.last_current_time,"
	" v.last_deactivation_time, v.metadata -> 'entries',"
	" v.last_modifier_identity, n.drained, n.last_changed_time,"
	" n.last_checked_time"
	" FROM workflow.worker_version AS v"
	" LEFT JOIN workflow.worker_version_drainage AS n"
	" ON n.namespace_id = v.namespace_id AND n.version_key = v.version_key"
	" WHERE v.namespace_id = $1 AND v.deployment_name = $2"
	" AND ($3 IS NULL OR v.build_id = $3) AND NOT v.deleted"
	" ORDER BY v.create_time DESC, v.version_key DESC",
	.nargs = 3,
	.argtypes = {INT4OID, TEXTOID, TEXTOID}
};

/* The queues of a version, each with its backlog if $3 is true */
static PgwfStatement select_queues = {
	.sql = "SELECT q.kind, q.task_queue, b.count, b.oldest"
	" FROM workflow.worker_version_queue AS q"
	" LEFT JOIN LATERAL ("
	"SELECT pg_catalog.count(*) AS count, min(t.scheduled_time) AS oldest"
	" FROM workflow.workflow_task AS t"
	" WHERE $3 AND q.kind = 'workflow' AND t.namespace_id = $1"
	" AND t.task_queue = q.task_queue AND t.version_key IN (0, $2)"
	" AND (t.version_key = $2 OR"
	" workflow.route_target($1, q.kind, q.task_queue, t.route_bucket) = $2)"
	" UNION ALL "
	"SELECT pg_catalog.count(*), min(a.attempt_scheduled_time)"
	" FROM workflow.activity AS a"
	" WHERE $3 AND q.kind = 'activity' AND a.namespace_id = $1"
	" AND a.task_queue = q.task_queue AND a.version_key IN (0, $2)"
	" AND a.state = 1 AND (a.version_key = $2 OR"
	" workflow.route_target($1, q.kind, q.task_queue, a.route_bucket) = $2)"
	") AS b ON b.count > 0"
	" WHERE q.namespace_id = $1 AND q.version_key = $2"
	" ORDER BY q.task_queue, q.kind DESC",
	.nargs = 3,
	.argtypes = {INT4OID, INT4OID, BOOLOID}
};

/* The tasks of a queue ($2, of kind $3) that each version's workers get */
static PgwfStatement select_stats = {
	.sql = "SELECT t.target, pg_catalog.count(*), min(t.time) FROM ("
	"SELECT CASE WHEN w.version_key <> 0 THEN w.version_key ELSE"
	" workflow.route_target($1, $3, $2, w.route_bucket) END AS target,"
	" w.scheduled_time AS time FROM workflow.workflow_task AS w"
	" WHERE $3 = 'workflow' AND w.namespace_id = $1 AND w.task_queue = $2"
	" UNION ALL "
	"SELECT CASE WHEN a.version_key <> 0 THEN a.version_key ELSE"
	" workflow.route_target($1, $3, $2, a.route_bucket) END,"
	" a.attempt_scheduled_time FROM workflow.activity AS a"
	" WHERE $3 = 'activity' AND a.namespace_id = $1 AND a.task_queue = $2"
	" AND a.state = 1) AS t GROUP BY t.target ORDER BY t.target",
	.nargs = 3,
	.argtypes = {INT4OID, TEXTOID, TEXTOID}
};

/* A row of worker_deployment */
typedef struct Deployment
{
	int32		namespace_id;
	char	   *name;
	int32		current_key;
	int32		ramping_key;
	bool		is_ramping;
	double		percentage;
	int64		revision;
	TimestampTz create_time;
	TimestampTz current_changed_time;
	TimestampTz ramping_changed_time;
	TimestampTz percentage_changed_time;
	char	   *last_modifier_identity;
} Deployment;

/* A row of worker_version, with its drainage */
typedef struct Version
{
	int32		key;
	char	   *build_id;
	TimestampTz create_time;
	TimestampTz routing_changed_time;
	TimestampTz current_since_time;
	TimestampTz ramping_since_time;
	TimestampTz first_activation_time;
	TimestampTz last_current_time;
	TimestampTz last_deactivation_time;
	Jsonb	   *metadata;
	char	   *last_modifier_identity;
	bool		has_drainage;
	bool		drained;
	TimestampTz drainage_changed_time;
	TimestampTz drainage_checked_time;
} Version;

static void
read_deployment(uint64 row, int32 namespace_id, Deployment *deployment)
{
	bool		isnull;

	deployment->namespace_id = namespace_id;
	deployment->name = pgwf_db_text(row, 1);
	deployment->current_key = pgwf_db_int32(row, 2);
	deployment->ramping_key = pgwf_db_int32(row, 3);
	deployment->is_ramping = pgwf_db_bool(row, 4);
	deployment->percentage =
		DatumGetFloat4(pgwf_db_value(row, 5, &isnull));
	deployment->revision = pgwf_db_int64(row, 6);
	deployment->create_time = pgwf_db_time(row, 7);
	deployment->current_changed_time = pgwf_db_time(row, 8);
	deployment->ramping_changed_time = pgwf_db_time(row, 9);
	deployment->percentage_changed_time = pgwf_db_time(row, 10);
	deployment->last_modifier_identity = pgwf_db_text(row, 11);
}

static bool
load_deployment(int32 namespace_id, const char *name, Deployment *deployment)
{
	Datum		values[2];

	values[0] = Int32GetDatum(namespace_id);
	values[1] = CStringGetTextDatum(name);
	if (pgwf_db_query(&select_deployment, values, NULL, 1) == 0)
		return false;
	read_deployment(0, namespace_id, deployment);
	return true;
}

static void
read_version(uint64 row, Version *version)
{
	bool		isnull;
	Datum		value;

	version->key = pgwf_db_int32(row, 1);
	version->build_id = pgwf_db_text(row, 2);
	version->create_time = pgwf_db_time(row, 3);
	version->routing_changed_time = pgwf_db_time(row, 4);
	version->current_since_time = pgwf_db_time(row, 5);
	version->ramping_since_time = pgwf_db_time(row, 6);
	version->first_activation_time = pgwf_db_time(row, 7);
	version->last_current_time = pgwf_db_time(row, 8);
	version->last_deactivation_time = pgwf_db_time(row, 9);
	value = pgwf_db_value(row, 10, &isnull);
	version->metadata = isnull ? NULL : DatumGetJsonbPCopy(value);
	version->last_modifier_identity = pgwf_db_text(row, 11);
	(void) pgwf_db_value(row, 12, &version->has_drainage);
	version->has_drainage = !version->has_drainage;
	version->drained = pgwf_db_bool(row, 12);
	version->drainage_changed_time = pgwf_db_time(row, 13);
	version->drainage_checked_time = pgwf_db_time(row, 14);
}

/* The versions of a deployment, or the one of a build id; the latest first */
static List *
load_versions(const Deployment *deployment, const char *build_id)
{
	Datum		values[3];
	uint64		count;
	List	   *versions = NIL;

	values[0] = Int32GetDatum(deployment->namespace_id);
	values[1] = CStringGetTextDatum(deployment->name);
	values[2] = build_id ? CStringGetTextDatum(build_id) : (Datum) 0;
	count = pgwf_db_query(&select_versions, values, build_id ? NULL : "  n",
						  0);
	for (uint64 i = 0; i < count; i++)
	{
		Version    *version = palloc(sizeof(Version));

		read_version(i, version);
		versions = lappend(versions, version);
	}
	return versions;
}

static const char *
status_of(const Deployment *deployment, const Version *version)
{
	if (deployment->current_key == version->key)
		return "WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT";
	if (deployment->is_ramping && deployment->ramping_key == version->key)
		return "WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING";
	if (version->has_drainage)
		return version->drained ?
			"WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED" :
			"WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING";
	return "WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE";
}

/* Members that WorkerDeploymentVersionSummary and ...Info share */
static void
write_version(PgwfObject *object, const Deployment *deployment,
			  const Version *version)
{
	pgwf_version_attribute(object, "deploymentVersion",
						   deployment->namespace_id, version->key);
	pgwf_object_text(object, "status", status_of(deployment, version));
	pgwf_object_time(object, "createTime", version->create_time);
	pgwf_object_time(object, "currentSinceTime", version->current_since_time);
	pgwf_object_time(object, "rampingSinceTime", version->ramping_since_time);
	pgwf_object_time(object, "firstActivationTime",
					 version->first_activation_time);
	pgwf_object_time(object, "lastCurrentTime", version->last_current_time);
	pgwf_object_time(object, "lastDeactivationTime",
					 version->last_deactivation_time);
	if (!version->has_drainage)
		return;
	pgwf_object_open(object, "drainageInfo");
	pgwf_object_text(object, "status", version->drained ?
					 "VERSION_DRAINAGE_STATUS_DRAINED" :
					 "VERSION_DRAINAGE_STATUS_DRAINING");
	pgwf_object_time(object, "lastChangedTime",
					 version->drainage_changed_time);
	pgwf_object_time(object, "lastCheckedTime",
					 version->drainage_checked_time);
	pgwf_object_close(object);
}

static void
write_summary_members(PgwfObject *object, const Deployment *deployment,
					  const Version *version)
{
	write_version(object, deployment, version);
	pgwf_object_time(object, "routingUpdateTime",
					 version->routing_changed_time);
}

static void
write_summary(PgwfObject *object, const char *key,
			  const Deployment *deployment, const Version *version)
{
	pgwf_object_open(object, key);
	write_summary_members(object, deployment, version);
	pgwf_object_close(object);
}

static void
write_routing(PgwfObject *object, const Deployment *deployment)
{
	pgwf_object_open(object, "routingConfig");
	pgwf_version_attribute(object, "currentDeploymentVersion",
						   deployment->namespace_id,
						   deployment->current_key);
	if (deployment->is_ramping)
		pgwf_version_attribute(object, "rampingDeploymentVersion",
							   deployment->namespace_id,
							   deployment->ramping_key);
	pgwf_object_double(object, "rampingVersionPercentage",
					   deployment->percentage);
	pgwf_object_time(object, "currentVersionChangedTime",
					 deployment->current_changed_time);
	pgwf_object_time(object, "rampingVersionChangedTime",
					 deployment->ramping_changed_time);
	pgwf_object_time(object, "rampingVersionPercentageChangedTime",
					 deployment->percentage_changed_time);
	pgwf_object_int(object, "revisionNumber", deployment->revision);
	pgwf_object_close(object);
}

static Jsonb *
copy_to_caller(PgwfCall *call, PgwfObject *object)
{
	Jsonb	   *jsonb = pgwf_object_finish(object);
	Jsonb	   *result = MemoryContextAlloc(call->caller_context,
											VARSIZE(jsonb));

	memcpy(result, jsonb, VARSIZE(jsonb));
	return result;
}

static void
report_not_found(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("worker deployment \"%s\" not found", name)));
}

/*
 * describe_worker_deployment(deployment_name, namespace)
 *	returns a DescribeWorkerDeploymentResponse
 */
Datum
pgwf_describe_worker_deployment(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	char	   *name;
	Deployment	deployment;
	PgwfDbScope scope;
	PgwfObject	object;
	ListCell   *lc;
	Jsonb	   *result;

	pgwf_call_begin(&call);
	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 1),
										PGWF_RIGHT_READ);
	name = pgwf_arg_required_id(fcinfo, 0, "deployment_name");
	pgwf_db_begin(&scope);
	if (!load_deployment(namespace_id, name, &deployment))
		report_not_found(name);
	pgwf_object_begin(&object);
	pgwf_object_int(&object, "conflictToken", deployment.revision);
	pgwf_object_open(&object, "workerDeploymentInfo");
	pgwf_object_text(&object, "name", deployment.name);
	pgwf_object_open_array(&object, "versionSummaries");
	foreach(lc, load_versions(&deployment, NULL))
	{
		pgwf_object_open_element(&object);
		write_summary_members(&object, &deployment, lfirst(lc));
		pgwf_object_close(&object);
	}
	pgwf_object_close_array(&object);
	pgwf_object_time(&object, "createTime", deployment.create_time);
	write_routing(&object, &deployment);
	pgwf_object_text(&object, "lastModifierIdentity",
					 deployment.last_modifier_identity);
	pgwf_object_close(&object);
	result = copy_to_caller(&call, &object);
	pgwf_db_end(&scope);
	pgwf_call_end(&call);
	PG_RETURN_JSONB_P(result);
}

static const char *
queue_type(uint64 row)
{
	return strcmp(pgwf_db_text(row, 1), "workflow") == 0 ?
		"TASK_QUEUE_TYPE_WORKFLOW" : "TASK_QUEUE_TYPE_ACTIVITY";
}

/* Queues as members of an array; with their backlog if "stats" is set */
static void
write_queues(PgwfObject *object, const char *key, uint64 count, bool stats,
			 TimestampTz now)
{
	pgwf_object_open_array(object, key);
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		backlog = pgwf_db_value(i, 3, &isnull);

		pgwf_object_open_element(object);
		pgwf_object_text(object, "name", pgwf_db_text(i, 2));
		pgwf_object_text(object, "type", queue_type(i));
		if (stats)
		{
			pgwf_object_open(object, "stats");
			if (!isnull)
			{
				pgwf_object_int(object, "approximateBacklogCount",
								DatumGetInt64(backlog));
				pgwf_object_duration(object, "approximateBacklogAge",
									 Max(now - pgwf_db_time(i, 4), 0));
			}
			pgwf_object_close(object);
		}
		pgwf_object_close(object);
	}
	pgwf_object_close_array(object);
}

static void
write_version_info(PgwfObject *object, const Deployment *deployment,
				   const Version *version, uint64 queues, TimestampTz now)
{
	pgwf_object_open(object, "workerDeploymentVersionInfo");
	write_version(object, deployment, version);
	pgwf_object_text(object, "deploymentName", deployment->name);
	pgwf_object_time(object, "routingChangedTime",
					 version->routing_changed_time);
	if (deployment->is_ramping && deployment->ramping_key == version->key)
		pgwf_object_double(object, "rampPercentage", deployment->percentage);
	write_queues(object, "taskQueueInfos", queues, false, now);
	if (version->metadata)
	{
		pgwf_object_open(object, "metadata");
		pgwf_object_jsonb(object, "entries", version->metadata);
		pgwf_object_close(object);
	}
	pgwf_object_text(object, "lastModifierIdentity",
					 version->last_modifier_identity);
	pgwf_object_close(object);
}

/*
 * describe_worker_deployment_version(deployment_name, build_id,
 *		report_task_queue_stats, namespace)
 *	returns a DescribeWorkerDeploymentVersionResponse
 */
Datum
pgwf_describe_worker_deployment_version(PG_FUNCTION_ARGS)
{
	PgwfCall	call;
	int32		namespace_id;
	char	   *name;
	char	   *build_id;
	bool		stats;
	Deployment	deployment;
	List	   *versions = NIL;
	PgwfDbScope scope;
	Datum		values[3];
	uint64		queues;
	PgwfObject	object;
	Jsonb	   *result;

	pgwf_call_begin(&call);
	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 3),
										PGWF_RIGHT_READ);
	name = pgwf_arg_required_id(fcinfo, 0, "deployment_name");
	build_id = pgwf_arg_required_id(fcinfo, 1, "build_id");
	stats = pgwf_arg_bool(fcinfo, 2);
	pgwf_db_begin(&scope);
	if (load_deployment(namespace_id, name, &deployment))
		versions = load_versions(&deployment, build_id);
	if (versions == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("version \"%s\" of worker deployment \"%s\" not found",
						build_id, name)));
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int32GetDatum(((Version *) linitial(versions))->key);
	values[2] = BoolGetDatum(stats);
	queues = pgwf_db_query(&select_queues, values, NULL, 0);
	pgwf_object_begin(&object);
	write_version_info(&object, &deployment, linitial(versions), queues,
					   call.now);
	write_queues(&object, "versionTaskQueues", queues, stats, call.now);
	result = copy_to_caller(&call, &object);
	pgwf_db_end(&scope);
	pgwf_call_end(&call);
	PG_RETURN_JSONB_P(result);
}

/* A WorkerDeploymentSummary */
static Jsonb *
make_summary(const Deployment *deployment)
{
	PgwfObject	object;
	List	   *versions = load_versions(deployment, NULL);
	ListCell   *lc;

	pgwf_object_begin(&object);
	pgwf_object_text(&object, "name", deployment->name);
	pgwf_object_time(&object, "createTime", deployment->create_time);
	write_routing(&object, deployment);
	if (versions != NIL)
		write_summary(&object, "latestVersionSummary", deployment,
					  linitial(versions));
	foreach(lc, versions)
	{
		Version    *version = lfirst(lc);

		if (version->key == deployment->current_key)
			write_summary(&object, "currentVersionSummary", deployment,
						  version);
		else if (deployment->is_ramping &&
				 version->key == deployment->ramping_key)
			write_summary(&object, "rampingVersionSummary", deployment,
						  version);
	}
	return pgwf_object_finish(&object);
}

/*
 * list_worker_deployments(page_size, namespace)
 *	returns a WorkerDeploymentSummary per deployment, by name
 */
Datum
pgwf_list_worker_deployments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PgwfCall	call;
	int32		namespace_id;
	PgwfDbScope scope;
	Datum		values[2];
	uint64		count;
	Deployment *deployments;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgwf_call_begin(&call);
	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 1),
										PGWF_RIGHT_READ);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int32GetDatum(pgwf_arg_int(fcinfo, 0, "page_size", 100, 1,
										   MAX_PAGE_SIZE));
	pgwf_db_begin(&scope);
	count = pgwf_db_query(&select_deployments, values, NULL, 0);
	deployments = palloc0(count * sizeof(Deployment) + 1);
	for (uint64 i = 0; i < count; i++)
		read_deployment(i, namespace_id, &deployments[i]);
	for (uint64 i = 0; i < count; i++)
	{
		Datum		value = JsonbPGetDatum(make_summary(&deployments[i]));
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value,
							 &isnull);
	}
	pgwf_db_end(&scope);
	pgwf_call_end(&call);
	return (Datum) 0;
}

/*
 * What task queues show of versions
 */

/* Member deploymentOptions, if the poller has a version */
void
pgwf_append_poller_version(PgwfObject *object, int32 namespace_id,
						   int32 version_key)
{
	PgwfVersion version;

	if (version_key == 0 ||
		!pgwf_version_lookup(namespace_id, version_key, &version))
		return;
	pgwf_object_open(object, "deploymentOptions");
	pgwf_object_text(object, "deploymentName", version.deployment_name);
	pgwf_object_text(object, "buildId", version.build_id);
	pgwf_object_text(object, "workerVersioningMode",
					 "WORKER_VERSIONING_MODE_VERSIONED");
	pgwf_object_close(object);
}

static void
append_versioning_info(PgwfObject *object, int32 namespace_id,
					   const PgwfQueueRouting *routing)
{
	pgwf_object_open(object, "versioningInfo");
	pgwf_version_attribute(object, "currentDeploymentVersion", namespace_id,
						   routing->current_key);
	pgwf_version_attribute(object, "rampingDeploymentVersion", namespace_id,
						   routing->ramping_key);
	pgwf_object_double(object, "rampingVersionPercentage",
					   routing->ramping_share * 100.0 / PGWF_ROUTE_BUCKETS);
	pgwf_object_time(object, "updateTime", routing->changed_time);
	pgwf_object_close(object);
}

/* By "deployment:build id"; without a version, "__unversioned__" */
static void
append_versions_info(PgwfObject *object, int32 namespace_id, Datum *queue,
					 TimestampTz now)
{
	uint64		count = pgwf_db_query(&select_stats, queue, NULL, 0);

	if (count == 0)
		return;
	pgwf_object_open(object, "versionsInfo");
	for (uint64 i = 0; i < count; i++)
	{
		PgwfVersion version;
		const char *name = "__unversioned__";
		bool		isnull;

		if (pgwf_version_lookup(namespace_id, pgwf_db_int32(i, 1), &version))
			name = psprintf("%s:%s", version.deployment_name,
							version.build_id);
		pgwf_object_open(object, name);
		pgwf_object_open(object, "stats");
		pgwf_object_int(object, "approximateBacklogCount",
						DatumGetInt64(pgwf_db_value(i, 2, &isnull)));
		pgwf_object_duration(object, "approximateBacklogAge",
							 Max(now - pgwf_db_time(i, 3), 0));
		pgwf_object_close(object);
		pgwf_object_close(object);
	}
	pgwf_object_close(object);
}

/*
 * Members versioningInfo and versionsInfo, where there are versions; "queue"
 * is the number of the namespace, the name and the kind
 */
void
pgwf_append_queue_versions(PgwfObject *object, int32 namespace_id,
						   Datum *queue, TimestampTz now)
{
	PgwfQueueRouting routing;

	if (!pgwf_namespace_has_versions(namespace_id))
		return;
	pgwf_queue_routing(namespace_id, *TextDatumGetCString(queue[2]),
					   TextDatumGetCString(queue[1]), &routing);
	if (routing.current_key != 0 || routing.is_ramping)
		append_versioning_info(object, namespace_id, &routing);
	append_versions_info(object, namespace_id, queue, now);
}
