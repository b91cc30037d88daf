/*-------------------------------------------------------------------------
 *
 * pgwf_catalog.c
 *		OIDs of the extension's own objects.
 *
 * They are looked up together, the first time one is needed, and forgotten
 * as soon as one of our tables may have been dropped or made anew, so that
 * DROP EXTENSION and CREATE EXTENSION need no new session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pgwf_catalog.h"

static const char *const relation_names[PGWF_RELATION_COUNT] = {
	[PGWF_NAMESPACE] = "namespace",
	[PGWF_NAMESPACE_ROLE] = "namespace_role",
	[PGWF_NAMESPACE_CLOCK] = "namespace_clock",
	[PGWF_EXECUTION] = "execution",
	[PGWF_CLOSED_EXECUTION] = "closed_execution",
	[PGWF_MUTABLE_STATE] = "mutable_state",
	[PGWF_HISTORY_BATCH] = "history_batch",
	[PGWF_BUFFERED_EVENT] = "buffered_event",
	[PGWF_WORKFLOW_TASK] = "workflow_task",
	[PGWF_POLL_REQUEST] = "poll_request",
	[PGWF_ACTIVITY] = "activity",
	[PGWF_TIMER] = "timer",
	[PGWF_CHILD_EXECUTION] = "child_execution",
	[PGWF_OUTBOX] = "outbox",
	[PGWF_RUN_REQUEST] = "run_request",
	[PGWF_SCHEDULE] = "schedule",
	[PGWF_SCHEDULE_WAKEUP] = "schedule_wakeup",
	[PGWF_SEARCH_ATTRIBUTE] = "search_attribute",
	[PGWF_QUERY_REQUEST] = "query_request",
	[PGWF_UPDATE_REQUEST] = "update_request",
	[PGWF_BATCH_OPERATION] = "batch_operation",
	[PGWF_WORKER_DEPLOYMENT] = "worker_deployment",
	[PGWF_WORKER_VERSION] = "worker_version",
	[PGWF_WORKER_VERSION_QUEUE] = "worker_version_queue",
	[PGWF_WORKER_VERSION_DRAINAGE] = "worker_version_drainage",
	[PGWF_PINNED_RUN] = "pinned_run",
	[PGWF_WORKER_DEPLOYMENT_PKEY] = "worker_deployment_pkey",
	[PGWF_WORKER_VERSION_PKEY] = "worker_version_pkey",
	[PGWF_WORKER_VERSION_QUEUE_PKEY] = "worker_version_queue_pkey",
	[PGWF_WORKER_VERSION_DRAINAGE_CHECK_IDX] =
	"worker_version_drainage_check_idx",
	[PGWF_PINNED_RUN_PKEY] = "pinned_run_pkey",
	[PGWF_TASK_QUEUE_CONFIG] = "task_queue_config",
	[PGWF_BATCH_OPERATION_DUE_IDX] = "batch_operation_due_idx",
	[PGWF_RUN_KEY_SEQ] = "run_key_seq",
	[PGWF_NAMESPACE_PKEY] = "namespace_pkey",
	[PGWF_NAMESPACE_NAME_KEY] = "namespace_name_key",
	[PGWF_NAMESPACE_ROLE_PKEY] = "namespace_role_pkey",
	[PGWF_NAMESPACE_CLOCK_PKEY] = "namespace_clock_pkey",
	[PGWF_SEARCH_ATTRIBUTE_PKEY] = "search_attribute_pkey",
	[PGWF_EXECUTION_PKEY] = "execution_pkey",
	[PGWF_EXECUTION_WORKFLOW_ID_KEY] = "execution_workflow_id_key",
	[PGWF_CLOSED_EXECUTION_PKEY] = "closed_execution_pkey",
	[PGWF_MUTABLE_STATE_PKEY] = "mutable_state_pkey",
	[PGWF_HISTORY_BATCH_PKEY] = "history_batch_pkey",
	[PGWF_BUFFERED_EVENT_PKEY] = "buffered_event_pkey",
	[PGWF_WORKFLOW_TASK_PKEY] = "workflow_task_pkey",
	[PGWF_WORKFLOW_TASK_QUEUE_IDX] = "workflow_task_queue_idx",
	[PGWF_POLL_REQUEST_PKEY] = "poll_request_pkey",
	[PGWF_POLL_REQUEST_REQUEST_IDX] = "poll_request_request_idx",
	[PGWF_ACTIVITY_PKEY] = "activity_pkey",
	[PGWF_ACTIVITY_QUEUE_IDX] = "activity_queue_idx",
	[PGWF_ACTIVITY_DUE_IDX] = "activity_due_idx",
	[PGWF_ACTIVITY_REQUEST_IDX] = "activity_request_idx",
	[PGWF_TIMER_PKEY] = "timer_pkey",
	[PGWF_TIMER_FIRE_AT_IDX] = "timer_fire_at_idx",
	[PGWF_CHILD_EXECUTION_PKEY] = "child_execution_pkey",
	[PGWF_OUTBOX_PKEY] = "outbox_pkey",
	[PGWF_OUTBOX_DUE_IDX] = "outbox_due_idx",
	[PGWF_SCHEDULE_PKEY] = "schedule_pkey",
	[PGWF_SCHEDULE_DUE_AT_IDX] = "schedule_due_at_idx",
	[PGWF_SCHEDULE_WAKEUP_PKEY] = "schedule_wakeup_pkey",
	[PGWF_QUERY_REQUEST_PKEY] = "query_request_pkey",
	[PGWF_QUERY_REQUEST_QUEUE_IDX] = "query_request_queue_idx",
	[PGWF_QUERY_REQUEST_BUFFERED_IDX] = "query_request_buffered_idx",
	[PGWF_QUERY_REQUEST_DUE_IDX] = "query_request_due_idx",
	[PGWF_UPDATE_REQUEST_PKEY] = "update_request_pkey",
	[PGWF_UPDATE_REQUEST_OPEN_IDX] = "update_request_open_idx",
	[PGWF_UPDATE_REQUEST_DUE_IDX] = "update_request_due_idx",
	[PGWF_RUN_REQUEST_PKEY] = "run_request_pkey"
};

static const char *const status_names[PGWF_STATUS_COUNT + 1] = {
	[PGWF_STATUS_RUNNING] = "Running",
	[PGWF_STATUS_COMPLETED] = "Completed",
	[PGWF_STATUS_FAILED] = "Failed",
	[PGWF_STATUS_CANCELED] = "Canceled",
	[PGWF_STATUS_TERMINATED] = "Terminated",
	[PGWF_STATUS_CONTINUED_AS_NEW] = "ContinuedAsNew",
	[PGWF_STATUS_TIMED_OUT] = "TimedOut",
	[PGWF_STATUS_PAUSED] = "Paused"
};

static bool callbacks_registered = false;
static bool valid = false;
static Oid	owner_oid;
static Oid	relation_oids[PGWF_RELATION_COUNT];
static Oid	event_type_oids[PGWF_EVENT_TYPE_COUNT + 1];
static Oid	status_oids[PGWF_STATUS_COUNT + 1];

static void
relation_changed(Datum arg, Oid relid)
{
	if (!valid)
		return;
	if (relid == InvalidOid)
	{
		valid = false;
		return;
	}
	for (int i = 0; i < PGWF_RELATION_COUNT; i++)
	{
		if (relation_oids[i] == relid)
		{
			valid = false;
			return;
		}
	}
}

static void
schema_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	valid = false;
}

static Oid
enum_label_oid(Oid type_oid, const char *label)
{
	HeapTuple	tuple;
	Oid			result;

	tuple = SearchSysCache2(ENUMTYPOIDNAME, ObjectIdGetDatum(type_oid),
							CStringGetDatum(label));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "enum label \"%s\" of type %u is missing",
			 label, type_oid);
	result = ((Form_pg_enum) GETSTRUCT(tuple))->oid;
	ReleaseSysCache(tuple);
	return result;
}

/* Fills the cache; returns false if the extension is not in this database */
static bool
load_oids(void)
{
	Oid			schema_oid;
	HeapTuple	tuple;
	Oid			type_oid;

	if (!callbacks_registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed,
									  (Datum) 0);
		callbacks_registered = true;
	}

	schema_oid = get_namespace_oid("workflow", true);
	if (!OidIsValid(schema_oid))
		return false;
	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema_oid));
	if (!HeapTupleIsValid(tuple))
		return false;
	owner_oid = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);

	for (int i = 0; i < PGWF_RELATION_COUNT; i++)
	{
		relation_oids[i] = get_relname_relid(relation_names[i], schema_oid);
		if (!OidIsValid(relation_oids[i]))
			return false;
	}

	type_oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
							   CStringGetDatum("event_type"),
							   ObjectIdGetDatum(schema_oid));
	for (int i = 1; i <= PGWF_EVENT_TYPE_COUNT; i++)
		event_type_oids[i] = enum_label_oid(type_oid,
											pgwf_event_info[i].name);

	type_oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
							   CStringGetDatum("execution_status"),
							   ObjectIdGetDatum(schema_oid));
	for (int i = 1; i <= PGWF_STATUS_COUNT; i++)
		status_oids[i] = enum_label_oid(type_oid, status_names[i]);

	valid = true;
	return true;
}

static void
ensure_oids(void)
{
	if (!valid && !load_oids())
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" is not installed in this database",
						"pg_workflow")));
}

/* Is the extension in this database?  Needs a transaction. */
bool
pgwf_is_installed(void)
{
	return valid || load_oids();
}

/* The role whose rights our own statements run with */
Oid
pgwf_owner(void)
{
	ensure_oids();
	return owner_oid;
}

Oid
pgwf_relation_oid(PgwfRelationId id)
{
	ensure_oids();
	return relation_oids[id];
}

Oid
pgwf_event_type_oid(PgwfEventType type)
{
	ensure_oids();
	return event_type_oids[type];
}

PgwfEventType
pgwf_event_type_number(Oid label)
{
	ensure_oids();
	for (int i = 1; i <= PGWF_EVENT_TYPE_COUNT; i++)
	{
		if (event_type_oids[i] == label)
			return (PgwfEventType) i;
	}
	elog(ERROR, "unknown event type %u", label);
}

Oid
pgwf_status_oid(PgwfStatus status)
{
	ensure_oids();
	return status_oids[status];
}

PgwfStatus
pgwf_status_number(Oid label)
{
	ensure_oids();
	for (int i = 1; i <= PGWF_STATUS_COUNT; i++)
	{
		if (status_oids[i] == label)
			return (PgwfStatus) i;
	}
	elog(ERROR, "unknown execution status %u", label);
}

const char *
pgwf_status_name(PgwfStatus status)
{
	return status_names[status];
}

/* Of "TimedOut", WORKFLOW_EXECUTION_STATUS_TIMED_OUT */
char *
pgwf_status_constant(const char *name)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "WORKFLOW_EXECUTION_STATUS");
	for (const char *c = name; *c != '\0'; c++)
	{
		if (*c >= 'A' && *c <= 'Z')
			appendStringInfoChar(&buf, '_');
		appendStringInfoChar(&buf, (char) pg_toupper((unsigned char) *c));
	}
	return buf.data;
}
