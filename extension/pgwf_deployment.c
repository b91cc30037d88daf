/*-------------------------------------------------------------------------
 *
 * pgwf_deployment.c
 *		Changing worker deployments: which of their versions are current and
 *		ramping, metadata, deletion (SS 16).
 *
 * Locks: the row of the deployment, then those of its versions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_db.h"
#include "pgwf_drainage.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_search_attribute.h"
#include "pgwf_shmem.h"
#include "pgwf_store.h"
#include "pgwf_version.h"
#include "pgwf_versioning.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_set_worker_deployment_current_version);
PG_FUNCTION_INFO_V1(pgwf_set_worker_deployment_ramping_version);
PG_FUNCTION_INFO_V1(pgwf_delete_worker_deployment_version);
PG_FUNCTION_INFO_V1(pgwf_delete_worker_deployment);
PG_FUNCTION_INFO_V1(pgwf_update_worker_deployment_version_metadata);

/* A version whose workers have polled so lately is in use */
#define RECENTLY	(5 * 60 * USECS_PER_SEC)

static PgwfStatement lock_deployment = {
	.sql = "SELECT current_key, ramping_key, is_ramping, ramping_percentage,"
	" revision FROM workflow.worker_deployment"
	" WHERE namespace_id = $1 AND name = $2 FOR UPDATE",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

static PgwfStatement update_current = {
	.sql = "UPDATE workflow.worker_deployment SET current_key = $3,"
	" current_changed_time = $4, last_modifier_identity = $5,"
	" ramping_changed_time = CASE WHEN is_ramping AND ramping_key = $3"
	" THEN $4 ELSE ramping_changed_time END,"
	" ramping_percentage = CASE WHEN is_ramping AND ramping_key = $3"
	" THEN 0 ELSE ramping_percentage END,"
	" is_ramping = is_ramping AND ramping_key <> $3,"
	" revision = revision + 1"
	" WHERE namespace_id = $1 AND name = $2",
	.nargs = 5,
	.argtypes = {INT4OID, TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID}
};

static PgwfStatement update_ramping = {
	.sql = "UPDATE workflow.worker_deployment SET"
	" ramping_changed_time = CASE WHEN is_ramping = $6 AND ramping_key = $3"
	" THEN ramping_changed_time ELSE $4 END,"
	" percentage_changed_time = CASE WHEN ramping_percentage = $7"
	" THEN percentage_changed_time ELSE $4 END,"
	" ramping_key = $3, is_ramping = $6, ramping_percentage = $7,"
	" last_modifier_identity = $5, revision = revision + 1"
	" WHERE namespace_id = $1 AND name = $2",
	.nargs = 7,
	.argtypes = {INT4OID, TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID, BOOLOID,
	FLOAT4OID}
};

static PgwfStatement activate_current = {
	.sql = "UPDATE workflow.worker_version SET current_since_time = $3,"
	" last_current_time = $3, ramping_since_time = NULL,"
	" routing_changed_time = $3,"
	" first_activation_time = coalesce(first_activation_time, $3)"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 3,
	.argtypes = {INT4OID, INT4OID, TIMESTAMPTZOID}
};

static PgwfStatement activate_ramping = {
	.sql = "UPDATE workflow.worker_version"
	" SET ramping_since_time = coalesce(ramping_since_time, $3),"
	" routing_changed_time = $3,"
	" first_activation_time = coalesce(first_activation_time, $3)"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 3,
	.argtypes = {INT4OID, INT4OID, TIMESTAMPTZOID}
};

static PgwfStatement deactivate = {
	.sql = "UPDATE workflow.worker_version SET current_since_time = NULL,"
	" ramping_since_time = NULL, routing_changed_time = $3,"
	" last_deactivation_time = $3"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 3,
	.argtypes = {INT4OID, INT4OID, TIMESTAMPTZOID}
};

/* Queues of a version that wait for workers and another does not serve */
static PgwfStatement select_missing = {
	.sql = "SELECT q.task_queue FROM workflow.worker_version_queue AS q"
	" WHERE q.namespace_id = $1 AND q.version_key = $2"
	" AND NOT EXISTS (SELECT FROM workflow.worker_version_queue AS o"
	" WHERE o.namespace_id = $1 AND o.version_key = $3"
	" AND o.kind = q.kind AND o.task_queue = q.task_queue)"
	" AND CASE q.kind WHEN 'workflow' THEN EXISTS (SELECT"
	" FROM workflow.workflow_task AS t WHERE t.namespace_id = $1"
	" AND t.task_queue = q.task_queue)"
	" ELSE EXISTS (SELECT FROM workflow.activity AS a"
	" WHERE a.namespace_id = $1 AND a.task_queue = q.task_queue"
	" AND a.state = 1) END"
	" ORDER BY q.task_queue",
	.nargs = 3,
	.argtypes = {INT4OID, INT4OID, INT4OID}
};

static PgwfStatement select_queues = {
	.sql = "SELECT kind, task_queue FROM workflow.worker_version_queue"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 2,
	.argtypes = {INT4OID, INT4OID}
};

static PgwfStatement delete_queues = {
	.sql = "DELETE FROM workflow.worker_version_queue"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 2,
	.argtypes = {INT4OID, INT4OID}
};

static PgwfStatement delete_version = {
	.sql = "UPDATE workflow.worker_version SET deleted = true,"
	" polled = false, routing_changed_time = NULL,"
	" first_activation_time = NULL, last_current_time = NULL,"
	" last_deactivation_time = NULL, metadata = NULL,"
	" last_modifier_identity = $3"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 3,
	.argtypes = {INT4OID, INT4OID, TEXTOID}
};

static PgwfStatement has_versions = {
	.sql = "SELECT FROM workflow.worker_version WHERE namespace_id = $1"
	" AND deployment_name = $2 AND NOT deleted LIMIT 1",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

static PgwfStatement delete_deployment = {
	.sql = "DELETE FROM workflow.worker_deployment"
	" WHERE namespace_id = $1 AND name = $2",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

static PgwfStatement lock_metadata = {
	.sql = "SELECT metadata FROM workflow.worker_version"
	" WHERE namespace_id = $1 AND version_key = $2 AND NOT deleted"
	" FOR UPDATE",
	.nargs = 2,
	.argtypes = {INT4OID, INT4OID}
};

static PgwfStatement update_metadata = {
	.sql = "UPDATE workflow.worker_version SET metadata = $3,"
	" last_modifier_identity = $4"
	" WHERE namespace_id = $1 AND version_key = $2",
	.nargs = 4,
	.argtypes = {INT4OID, INT4OID, JSONBOID, TEXTOID}
};

/* A deployment whose row is locked, and what is to be done to it */
typedef struct Deployment
{
	PgwfCall	call;
	int32		namespace_id;
	char	   *name;
	char	   *identity;
	int32		current_key;
	int32		ramping_key;
	bool		is_ramping;
	float4		percentage;
	int64		revision;
	int32		new_key;		/* 0: workers without a version */
} Deployment;

static Datum
text_or_null(const char *value, char *null)
{
	*null = value ? ' ' : 'n';
	return value ? CStringGetTextDatum(value) : (Datum) 0;
}

/* Locks the deployment; false if there is none */
static bool
load_deployment(Deployment *deployment)
{
	Datum		values[2];
	PgwfDbScope scope;
	bool		found;
	bool		isnull;

	values[0] = Int32GetDatum(deployment->namespace_id);
	values[1] = CStringGetTextDatum(deployment->name);
	pgwf_db_begin(&scope);
	found = pgwf_db_execute(&lock_deployment, values, NULL) > 0;
	if (found)
	{
		deployment->current_key = pgwf_db_int32(0, 1);
		deployment->ramping_key = pgwf_db_int32(0, 2);
		deployment->is_ramping = pgwf_db_bool(0, 3);
		deployment->percentage = DatumGetFloat4(pgwf_db_value(0, 4, &isnull));
		deployment->revision = pgwf_db_int64(0, 5);
	}
	pgwf_db_end(&scope);
	return found;
}

static void
check_token(FunctionCallInfo fcinfo, int n, const Deployment *deployment)
{
	if (!PG_ARGISNULL(n) && PG_GETARG_INT64(n) != deployment->revision)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("conflict token mismatch"),
				 errdetail("The token of the worker deployment is " INT64_FORMAT ".",
						   deployment->revision)));
}

static void
report_no_deployment(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("worker deployment \"%s\" not found", name)));
}

static void
report_no_version(const PgwfVersion *version)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_NOT_FOUND),
			 errmsg("version \"%s\" of worker deployment \"%s\" not found",
					version->build_id, version->deployment_name)));
}

/*
 * The arguments deployment_name and build_id, checked; without a build id,
 * workers without a version are meant, if they may be
 */
static void
read_version(FunctionCallInfo fcinfo, bool optional, PgwfVersion *version)
{
	char	   *error;

	version->deployment_name = pgwf_arg_required_id(fcinfo, 0,
													"deployment_name");
	version->build_id = pgwf_arg_text(fcinfo, 1);
	version->key = 0;
	if (optional &&
		(version->build_id == NULL || version->build_id[0] == '\0'))
	{
		version->build_id = NULL;
		return;
	}
	error = pgwf_version_check(version);
	if (error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid worker deployment version"),
				 errdetail("%s.", error)));
}

/*
 * Begins a change of the routing: reads (deployment_name, build_id) and the
 * arguments that follow "first", which are conflict_token, identity,
 * ignore_missing_task_queues, allow_no_pollers and namespace.
 */
static void
begin_routing(FunctionCallInfo fcinfo, int first, Deployment *deployment)
{
	PgwfVersion version;
	bool		create = pgwf_arg_bool(fcinfo, first + 3);

	memset(deployment, 0, sizeof(Deployment));
	pgwf_call_begin(&deployment->call);
	deployment->namespace_id =
		pgwf_namespace_check(pgwf_arg_namespace(fcinfo, first + 4),
							 PGWF_RIGHT_ADMIN);
	read_version(fcinfo, true, &version);
	deployment->name = unconstify(char *, version.deployment_name);
	deployment->identity = pgwf_arg_identity(fcinfo, first + 1);
	if (version.build_id)
	{
		version.key = pgwf_version_find(deployment->namespace_id,
										version.deployment_name,
										version.build_id, false);
		if (version.key == 0 && create)
			version.key = pgwf_version_create(deployment->namespace_id,
											  &version, false);
		if (version.key == 0)
			report_no_version(&version);
		if (!create && !pgwf_version_is_polled(deployment->namespace_id,
											   version.key))
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
					 errmsg("no worker of version \"%s\" has polled yet",
							version.build_id),
					 errhint("Set allow_no_pollers to go on nevertheless.")));
	}
	deployment->new_key = version.key;
	if (!load_deployment(deployment))
		report_no_deployment(deployment->name);
	check_token(fcinfo, first, deployment);
}

/*
 * Tasks in queues that the new version does not serve, and the current one
 * does, would have to be done by workers without a version.
 */
static void
check_missing_queues(FunctionCallInfo fcinfo, int n,
					 const Deployment *deployment)
{
	Datum		values[3];
	PgwfDbScope scope;

	if (pgwf_arg_bool(fcinfo, n) || deployment->current_key == 0 ||
		deployment->new_key == 0 ||
		deployment->new_key == deployment->current_key)
		return;
	values[0] = Int32GetDatum(deployment->namespace_id);
	values[1] = Int32GetDatum(deployment->current_key);
	values[2] = Int32GetDatum(deployment->new_key);
	pgwf_db_begin(&scope);
	if (pgwf_db_query(&select_missing, values, NULL, 1) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("version is missing active task queues of the current version"),
				 errdetail("One is \"%s\", which has a backlog and would become unversioned.",
						   pgwf_db_text(0, 1)),
				 errhint("Set ignore_missing_task_queues to go on nevertheless.")));
	pgwf_db_end(&scope);
}

static void
note_version(const Deployment *deployment, PgwfStatement *statement,
			 int32 version_key)
{
	Datum		values[3];
	PgwfDbScope scope;

	values[0] = Int32GetDatum(deployment->namespace_id);
	values[1] = Int32GetDatum(version_key);
	values[2] = TimestampTzGetDatum(deployment->call.wall);
	pgwf_db_begin(&scope);
	(void) pgwf_db_execute(statement, values, NULL);
	pgwf_db_end(&scope);
}

/* A version that is neither current nor ramping any more */
static void
retire(Deployment *deployment, int32 version_key)
{
	if (version_key == 0)
		return;
	note_version(deployment, &deactivate, version_key);
	pgwf_drainage_begin(&deployment->call, deployment->namespace_id,
						version_key);
}

/* An answer in the memory of the caller */
static Jsonb *
finish_answer(Deployment *deployment, PgwfObject *answer)
{
	Jsonb	   *jsonb = pgwf_object_finish(answer);
	Jsonb	   *result;

	result = MemoryContextAlloc(deployment->call.caller_context,
								VARSIZE(jsonb));
	memcpy(result, jsonb, VARSIZE(jsonb));
	return result;
}

static void
end_change(Deployment *deployment)
{
	pgwf_xact_mark_durable();
	pgwf_call_end(&deployment->call);
}

static void
write_current(Deployment *deployment)
{
	Datum		values[5];
	char		nulls[] = "     ";
	PgwfDbScope scope;

	values[0] = Int32GetDatum(deployment->namespace_id);
	values[1] = CStringGetTextDatum(deployment->name);
	values[2] = Int32GetDatum(deployment->new_key);
	values[3] = TimestampTzGetDatum(deployment->call.wall);
	values[4] = text_or_null(deployment->identity, &nulls[4]);
	pgwf_db_begin(&scope);
	(void) pgwf_db_execute(&update_current, values, nulls);
	pgwf_db_end(&scope);

	if (deployment->new_key != 0)
	{
		note_version(deployment, &activate_current, deployment->new_key);
		pgwf_drainage_end(deployment->namespace_id, deployment->new_key);
	}
	if (!deployment->is_ramping ||
		deployment->ramping_key != deployment->current_key)
		retire(deployment, deployment->current_key);
}

/*
 * set_worker_deployment_current_version(deployment_name, build_id,
 *		conflict_token, identity, ignore_missing_task_queues,
 *		allow_no_pollers, namespace)
 *	returns a SetWorkerDeploymentCurrentVersionResponse
 *
 * Without a build id, workers without a version get the tasks again.
 */
Datum
pgwf_set_worker_deployment_current_version(PG_FUNCTION_ARGS)
{
	Deployment	deployment;
	PgwfObject	answer;
	Jsonb	   *result;

	begin_routing(fcinfo, 2, &deployment);
	check_missing_queues(fcinfo, 4, &deployment);
	if (deployment.new_key != deployment.current_key)
	{
		write_current(&deployment);
		deployment.revision++;
	}
	pgwf_object_begin(&answer);
	pgwf_object_int(&answer, "conflictToken", deployment.revision);
	pgwf_version_attribute(&answer, "previousDeploymentVersion",
						   deployment.namespace_id, deployment.current_key);
	result = finish_answer(&deployment, &answer);
	end_change(&deployment);
	PG_RETURN_JSONB_P(result);
}

static void
write_ramping(Deployment *deployment, bool is_ramping, float4 percentage)
{
	Datum		values[7];
	char		nulls[] = "       ";
	PgwfDbScope scope;

	values[0] = Int32GetDatum(deployment->namespace_id);
	values[1] = CStringGetTextDatum(deployment->name);
	values[2] = Int32GetDatum(deployment->new_key);
	values[3] = TimestampTzGetDatum(deployment->call.wall);
	values[4] = text_or_null(deployment->identity, &nulls[4]);
	values[5] = BoolGetDatum(is_ramping);
	values[6] = Float4GetDatum(percentage);
	pgwf_db_begin(&scope);
	(void) pgwf_db_execute(&update_ramping, values, nulls);
	pgwf_db_end(&scope);

	if (is_ramping && deployment->new_key != 0)
	{
		note_version(deployment, &activate_ramping, deployment->new_key);
		pgwf_drainage_end(deployment->namespace_id, deployment->new_key);
	}
	if (deployment->is_ramping &&
		deployment->ramping_key != deployment->new_key)
		retire(deployment, deployment->ramping_key);
}

/*
 * set_worker_deployment_ramping_version(deployment_name, build_id,
 *		percentage, conflict_token, identity, ignore_missing_task_queues,
 *		allow_no_pollers, namespace)
 *	returns a SetWorkerDeploymentRampingVersionResponse
 *
 * Without a build id, workers without a version are ramping; without a
 * percentage as well, nobody is any more.
 */
Datum
pgwf_set_worker_deployment_ramping_version(PG_FUNCTION_ARGS)
{
	Deployment	deployment;
	float4		percentage = PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT4(2);
	bool		is_ramping;
	PgwfObject	answer;
	Jsonb	   *result;

	if (!(percentage >= 0 && percentage <= 100))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("percentage is not between 0 and 100")));
	begin_routing(fcinfo, 3, &deployment);
	is_ramping = deployment.new_key != 0 || percentage > 0;
	if (is_ramping && deployment.new_key == deployment.current_key)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("ramping version is already current")));
	if (!deployment.is_ramping ||
		deployment.new_key != deployment.ramping_key)
		check_missing_queues(fcinfo, 5, &deployment);
	if (is_ramping != deployment.is_ramping ||
		(is_ramping && deployment.new_key != deployment.ramping_key) ||
		percentage != deployment.percentage)
	{
		write_ramping(&deployment, is_ramping, percentage);
		deployment.revision++;
	}
	pgwf_object_begin(&answer);
	pgwf_object_int(&answer, "conflictToken", deployment.revision);
	if (deployment.is_ramping)
		pgwf_version_attribute(&answer, "previousDeploymentVersion",
							   deployment.namespace_id,
							   deployment.ramping_key);
	pgwf_object_double(&answer, "previousPercentage", deployment.percentage);
	result = finish_answer(&deployment, &answer);
	end_change(&deployment);
	PG_RETURN_JSONB_P(result);
}

/*
 * Deleting
 */

/* Do workers of the version poll? */
static bool
has_pollers(const Deployment *deployment, int32 version_key)
{
	Datum		values[2];
	PgwfDbScope scope;
	TimestampTz since = GetCurrentTimestamp() - RECENTLY;
	uint64		count;
	bool		found = false;

	values[0] = Int32GetDatum(deployment->namespace_id);
	values[1] = Int32GetDatum(version_key);
	pgwf_db_begin(&scope);
	count = pgwf_db_query(&select_queues, values, NULL, 0);
	for (uint64 i = 0; i < count && !found; i++)
	{
		char	   *kind = pgwf_db_text(i, 1);
		char	   *queue = pgwf_db_text(i, 2);

		found = pgwf_shmem_poller_seen(deployment->namespace_id, kind[0],
									   queue, version_key, since);
	}
	pgwf_db_end(&scope);
	return found;
}

static void
check_deletable(const Deployment *deployment, int32 version_key,
				bool skip_drainage)
{
	const char *reason = NULL;

	if (deployment->current_key == version_key)
		reason = "It is the current version.";
	else if (deployment->is_ramping && deployment->ramping_key == version_key)
		reason = "It is the ramping version.";
	else if (has_pollers(deployment, version_key))
		reason = "Its workers have polled in the last 5 minutes.";
	else if (!skip_drainage &&
			 pgwf_pinned_run_exists(unconstify(PgwfCall *, &deployment->call),
									deployment->namespace_id, version_key))
		reason = "Open workflows are pinned to it.";
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("version cannot be deleted"),
				 errdetail("%s", reason)));
}

/*
 * delete_worker_deployment_version(deployment_name, build_id, skip_drainage,
 *		identity, namespace)
 *
 * Runs that know the version keep its number; if one of its workers polls
 * again, the version is there again.
 */
Datum
pgwf_delete_worker_deployment_version(PG_FUNCTION_ARGS)
{
	Deployment	deployment = {0};
	PgwfVersion version;
	Datum		values[3];
	char		nulls[] = "   ";
	PgwfDbScope scope;

	pgwf_call_begin(&deployment.call);
	deployment.namespace_id =
		pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 4),
							 PGWF_RIGHT_ADMIN);
	read_version(fcinfo, false, &version);
	deployment.name = unconstify(char *, version.deployment_name);
	deployment.identity = pgwf_arg_identity(fcinfo, 3);
	version.key = 0;
	if (load_deployment(&deployment))
		version.key = pgwf_version_find(deployment.namespace_id,
										version.deployment_name,
										version.build_id, false);
	if (version.key == 0)
		report_no_version(&version);
	check_deletable(&deployment, version.key, pgwf_arg_bool(fcinfo, 2));

	values[0] = Int32GetDatum(deployment.namespace_id);
	values[1] = Int32GetDatum(version.key);
	values[2] = text_or_null(deployment.identity, &nulls[2]);
	pgwf_db_begin(&scope);
	(void) pgwf_db_execute(&delete_queues, values, nulls);
	(void) pgwf_db_execute(&delete_version, values, nulls);
	pgwf_db_end(&scope);
	pgwf_drainage_end(deployment.namespace_id, version.key);
	end_change(&deployment);
	PG_RETURN_VOID();
}

/*
 * delete_worker_deployment(deployment_name, identity, namespace)
 */
Datum
pgwf_delete_worker_deployment(PG_FUNCTION_ARGS)
{
	Deployment	deployment = {0};
	Datum		values[2];
	PgwfDbScope scope;

	pgwf_call_begin(&deployment.call);
	deployment.namespace_id =
		pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 2),
							 PGWF_RIGHT_ADMIN);
	deployment.name = pgwf_arg_required_id(fcinfo, 0, "deployment_name");
	if (!load_deployment(&deployment))
		report_no_deployment(deployment.name);
	values[0] = Int32GetDatum(deployment.namespace_id);
	values[1] = CStringGetTextDatum(deployment.name);
	pgwf_db_begin(&scope);
	if (pgwf_db_query(&has_versions, values, NULL, 1) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("worker deployment \"%s\" has versions",
						deployment.name),
				 errhint("Delete its versions first.")));
	(void) pgwf_db_execute(&delete_deployment, values, NULL);
	pgwf_db_end(&scope);
	end_change(&deployment);
	PG_RETURN_VOID();
}

/*
 * Metadata
 */

/* {"entries": {key: []}} for each key, which takes it away in a merge */
static Jsonb *
removals(ArrayType *array)
{
	PgwfObject	object;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	pgwf_object_begin(&object);
	pgwf_object_open(&object, "entries");
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			continue;
		pgwf_object_open_array(&object, TextDatumGetCString(elements[i]));
		pgwf_object_close_array(&object);
	}
	pgwf_object_close(&object);
	return pgwf_object_finish(&object);
}

static Jsonb *
merge_metadata(FunctionCallInfo fcinfo, Jsonb *metadata)
{
	Jsonb	   *upsert = pgwf_wrap_fields(pgwf_arg_jsonb(fcinfo, 2),
										  "upsert_entries", "entries");

	if (upsert)
		metadata = pgwf_fields_merge(metadata, upsert, "entries", false);
	if (!PG_ARGISNULL(3))
		metadata = pgwf_fields_merge(metadata,
									 removals(PG_GETARG_ARRAYTYPE_P(3)),
									 "entries", true);
	pgwf_check_payload_size("metadata", metadata, pgwf_memo_size_error);
	return metadata;
}

/*
 * update_worker_deployment_version_metadata(deployment_name, build_id,
 *		upsert_entries, remove_entries, identity, namespace)
 *	returns an UpdateWorkerDeploymentVersionMetadataResponse
 */
Datum
pgwf_update_worker_deployment_version_metadata(PG_FUNCTION_ARGS)
{
	Deployment	deployment = {0};
	PgwfVersion version;
	Datum		values[4];
	char		nulls[] = "    ";
	Jsonb	   *metadata;
	PgwfDbScope scope;
	PgwfObject	answer;
	Jsonb	   *result;
	bool		isnull;

	pgwf_call_begin(&deployment.call);
	deployment.namespace_id =
		pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 5),
							 PGWF_RIGHT_ADMIN);
	read_version(fcinfo, false, &version);
	version.key = pgwf_version_find(deployment.namespace_id,
									version.deployment_name,
									version.build_id, false);
	values[0] = Int32GetDatum(deployment.namespace_id);
	values[1] = Int32GetDatum(version.key);
	values[3] = text_or_null(pgwf_arg_identity(fcinfo, 4), &nulls[3]);
	pgwf_db_begin(&scope);
	if (version.key == 0 ||
		pgwf_db_execute(&lock_metadata, values, nulls) == 0)
		report_no_version(&version);
	values[2] = pgwf_db_copy(0, 1, deployment.call.context, &isnull);
	metadata = merge_metadata(fcinfo, isnull ? NULL :
							  DatumGetJsonbP(values[2]));
	values[2] = PointerGetDatum(metadata);
	nulls[2] = metadata ? ' ' : 'n';
	(void) pgwf_db_execute(&update_metadata, values, nulls);
	pgwf_object_begin(&answer);
	pgwf_object_open(&answer, "metadata");
	if (metadata)
	{
		PgwfReader	reader;

		pgwf_reader_init(&reader, metadata);
		pgwf_object_jsonb(&answer, "entries",
						  pgwf_read_jsonb(&reader, "entries"));
	}
	pgwf_object_close(&answer);
	result = finish_answer(&deployment, &answer);
	pgwf_db_end(&scope);
	end_change(&deployment);
	PG_RETURN_JSONB_P(result);
}
