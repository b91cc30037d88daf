/*-------------------------------------------------------------------------
 *
 * pgwf_version.c
 *		Versions of workers, as workers name themselves (SS 16).
 *
 * A version comes into being with the first poll of one of its workers, which
 * also notes the queue.  Every later poll finds both in the cache of the
 * routing and writes nothing.
 *
 * Locks: the rows it adds; whoever adds the same ones at the same time waits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_compat.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_shmem.h"
#include "pgwf_version.h"

#define MODE_PREFIX "WORKER_VERSIONING_MODE_"

static PgwfStatement insert_deployment = {
	.sql = "INSERT INTO workflow.worker_deployment"
	" (namespace_id, name, create_time)"
	" SELECT $1, $2, pg_catalog.now() WHERE $3 <= 0 OR $3 > (SELECT"
	" pg_catalog.count(*) FROM workflow.worker_deployment AS d"
	" WHERE d.namespace_id = $1)"
	" ON CONFLICT (namespace_id, name) DO NOTHING",
	.nargs = 3,
	.argtypes = {INT4OID, TEXTOID, INT4OID}
};

static PgwfStatement find_deployment = {
	.sql = "SELECT FROM workflow.worker_deployment AS d"
	" WHERE d.namespace_id = $1 AND d.name = $2",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

static PgwfStatement insert_version = {
	.sql = "INSERT INTO workflow.worker_version"
	" (namespace_id, deployment_name, build_id, polled, create_time)"
	" SELECT $1, $2, $3, $4, pg_catalog.now() WHERE $5 <= 0 OR $5 > (SELECT"
	" pg_catalog.count(*) FROM workflow.worker_version AS v"
	" WHERE v.namespace_id = $1 AND v.deployment_name = $2"
	" AND v.build_id <> $3 AND NOT v.deleted)"
	" ON CONFLICT (namespace_id, deployment_name, build_id) DO UPDATE"
	" SET deleted = false, polled = worker_version.polled OR EXCLUDED.polled"
	" RETURNING version_key",
	.nargs = 5,
	.argtypes = {INT4OID, TEXTOID, TEXTOID, BOOLOID, INT4OID}
};

static PgwfStatement insert_queue = {
	.sql = "INSERT INTO workflow.worker_version_queue"
	" (namespace_id, version_key, kind, task_queue)"
	" SELECT $1, $2, $3, $4 WHERE $5 <= 0 OR $5 > (SELECT"
	" pg_catalog.count(*) FROM workflow.worker_version_queue AS q"
	" WHERE q.namespace_id = $1 AND q.version_key = $2)"
	" ON CONFLICT (namespace_id, version_key, kind, task_queue) DO NOTHING",
	.nargs = 5,
	.argtypes = {INT4OID, INT4OID, TEXTOID, TEXTOID, INT4OID}
};

/* What is wrong with a name, or NULL */
static char *
check_name(const char *name, const char *what)
{
	if (name == NULL || name[0] == '\0')
		return psprintf("%s is missing", what);
	if (strlen(name) > pgwf_max_id_length)
		return psprintf("%s is longer than %d bytes", what,
						pgwf_max_id_length);
	if (strncmp(name, "__", 2) == 0)
		return psprintf("%s begins with \"__\"", what);
	return NULL;
}

/* What is wrong with the names of a version, or NULL */
char *
pgwf_version_check(const PgwfVersion *version)
{
	char	   *error = check_name(version->deployment_name,
								   "deployment name");

	if (error == NULL && strpbrk(version->deployment_name, ".:") != NULL)
		error = pstrdup("deployment name contains \".\" or \":\"");
	if (error == NULL)
		error = check_name(version->build_id, "build id");
	return error;
}

/*
 * The version that a worker gives as three arguments.  False if it has none:
 * its mode is not VERSIONED.
 */
bool
pgwf_arg_version(FunctionCallInfo fcinfo, int deployment_name, int build_id,
				 int versioning_mode, PgwfVersion *version)
{
	char	   *mode = pgwf_arg_text(fcinfo, versioning_mode);
	char	   *name = mode;
	char	   *error;

	version->deployment_name = pgwf_arg_text(fcinfo, deployment_name);
	version->build_id = pgwf_arg_text(fcinfo, build_id);
	version->key = 0;
	if (mode == NULL)
		return false;
	if (strncmp(name, MODE_PREFIX, strlen(MODE_PREFIX)) == 0)
		name += strlen(MODE_PREFIX);
	if (strcmp(name, "UNVERSIONED") == 0 || strcmp(name, "UNSPECIFIED") == 0)
		return false;
	if (strcmp(name, "VERSIONED") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("unknown versioning_mode \"%s\"", mode),
				 errhint("The modes are UNVERSIONED and VERSIONED.")));
	error = pgwf_version_check(version);
	if (error)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid worker deployment version"),
				 errdetail("%s.", error)));
	return true;
}

pg_noreturn static void
report_limit(const char *what, int limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
			 errmsg("too many %s", what),
			 errdetail("The limit is %d.", limit),
			 errhint("Delete worker deployments or versions that are not used any more.")));
}

static void
create_deployment(int32 namespace_id, const char *name)
{
	Datum		values[3];

	values[0] = Int32GetDatum(namespace_id);
	values[1] = CStringGetTextDatum(name);
	values[2] = Int32GetDatum(pgwf_max_deployments);

	/* one that was made meanwhile is only seen by a snapshot of its own */
	if (pgwf_db_execute(&insert_deployment, values, NULL) == 0 &&
		pgwf_db_execute(&find_deployment, values, NULL) == 0)
		report_limit("worker deployments in the namespace",
					 pgwf_max_deployments);
}

/*
 * Makes a version, and its deployment, unless they are there.  Returns its
 * number.
 */
int32
pgwf_version_create(int32 namespace_id, const PgwfVersion *version,
					bool polled)
{
	PgwfDbScope scope;
	Datum		values[5];
	int32		key;
	bool		isnull;

	pgwf_db_begin(&scope);
	create_deployment(namespace_id, version->deployment_name);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = CStringGetTextDatum(version->deployment_name);
	values[2] = CStringGetTextDatum(version->build_id);
	values[3] = BoolGetDatum(polled);
	values[4] = Int32GetDatum(pgwf_max_versions_in_deployment);
	if (pgwf_db_execute(&insert_version, values, NULL) == 0)
		report_limit("versions in the worker deployment",
					 pgwf_max_versions_in_deployment);
	key = DatumGetInt32(pgwf_db_value(0, 1, &isnull));
	pgwf_db_end(&scope);
	return key;
}

static void
add_queue(int32 namespace_id, int32 version_key, char kind,
		  const char *queue)
{
	PgwfDbScope scope;
	Datum		values[5];

	pgwf_db_begin(&scope);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int32GetDatum(version_key);
	values[2] = CStringGetTextDatum(kind == PGWF_QUEUE_WORKFLOW ?
									"workflow" : "activity");
	values[3] = CStringGetTextDatum(queue);
	values[4] = Int32GetDatum(pgwf_max_task_queues_in_version);
	if (pgwf_db_execute(&insert_queue, values, NULL) == 0 &&
		!pgwf_version_serves(namespace_id, version_key, kind, queue))
		report_limit("task queues in the version",
					 pgwf_max_task_queues_in_version);
	pgwf_db_end(&scope);
}

/*
 * Sets the number of the version of a worker that polls a queue, or answers
 * a task (NULL).  Writes only if the version, or that it serves the queue, is
 * not known yet.
 */
void
pgwf_version_register(int32 namespace_id, PgwfVersion *version, char kind,
					  const char *queue)
{
	version->key = pgwf_version_find(namespace_id, version->deployment_name,
									 version->build_id, false);
	if (version->key == 0 ||
		!pgwf_version_is_polled(namespace_id, version->key))
		version->key = pgwf_version_create(namespace_id, version, true);
	if (queue &&
		!pgwf_version_serves(namespace_id, version->key, kind, queue))
		add_queue(namespace_id, version->key, kind, queue);
}
