/*-------------------------------------------------------------------------
 *
 * pgwf_namespace_api.c
 *		SQL functions that register, change and describe namespaces, and that
 *		give and take the rights in them.
 *
 * A right has two halves, kept in step here: the row of namespace_role that
 * the C functions ask about, and the privileges on the schema, its functions
 * and its views without which a role cannot reach them.  Which object needs
 * which right stands in the view object_rights, and only there.
 *
 * Granting and revoking lock namespace_role against each other, because two
 * transactions must not change the privileges of one object at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "pgwf_catalog.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_xact.h"

/* It is there from the start */
#define DEFAULT_NAMESPACE_ID 1

static PgwfStatement insert_namespace = {
	.sql = "INSERT INTO workflow.namespace"
	" (name, description, retention, virtual_time)"
	" VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (name) DO NOTHING RETURNING namespace_id",
	.nargs = 4,
	.argtypes = {TEXTOID, TEXTOID, INTERVALOID, BOOLOID}
};

static PgwfStatement insert_clock = {
	.sql = "INSERT INTO workflow.namespace_clock (namespace_id) VALUES ($1)",
	.nargs = 1,
	.argtypes = {INT4OID}
};

static PgwfStatement update_namespace = {
	.sql = "UPDATE workflow.namespace"
	" SET retention = coalesce($2, retention),"
	" description = coalesce($3, description)"
	" WHERE namespace_id = $1",
	.nargs = 3,
	.argtypes = {INT4OID, INTERVALOID, TEXTOID}
};

static PgwfStatement mark_deleted = {
	.sql = "UPDATE workflow.namespace"
	" SET name = name || '-deleted-' || namespace_id,"
	" deleted_xid = pg_current_xact_id()"
	" WHERE namespace_id = $1 AND deleted_xid IS NULL RETURNING name",
	.nargs = 1,
	.argtypes = {INT4OID}
};

static PgwfStatement delete_rights = {
	.sql = "DELETE FROM workflow.namespace_role WHERE namespace_id = $1"
	" RETURNING grantee::oid",
	.nargs = 1,
	.argtypes = {INT4OID}
};

static PgwfStatement restore_namespace = {
	.sql = "UPDATE workflow.namespace SET name = $2, description = $3,"
	" retention = $4, created_time = $5"
	" WHERE namespace_id = $1",
	.nargs = 5,
	.argtypes = {INT4OID, TEXTOID, TEXTOID, INTERVALOID, TIMESTAMPTZOID}
};

static PgwfStatement select_namespace = {
	.sql = "SELECT name, description, retention, created_time,"
	" skipping_locks, offset_us"
	" FROM workflow.namespace"
	" LEFT JOIN workflow.namespace_clock USING (namespace_id)"
	" WHERE namespace_id = $1",
	.nargs = 1,
	.argtypes = {INT4OID}
};

static PgwfStatement delete_dropped_roles = {
	.sql = "DELETE FROM workflow.namespace_role AS nr"
	" WHERE NOT EXISTS (SELECT FROM pg_roles AS r"
	" WHERE r.oid = nr.grantee)"
};

static PgwfStatement add_rights = {
	.sql = "INSERT INTO workflow.namespace_role AS nr"
	" (namespace_id, grantee, rights)"
	" SELECT $1, $2::regrole, array_agg(DISTINCT r ORDER BY r)"
	" FROM unnest($3) AS r"
	" ON CONFLICT (namespace_id, grantee) DO UPDATE"
	" SET rights = (SELECT array_agg(DISTINCT r ORDER BY r)"
	" FROM unnest(nr.rights || excluded.rights) AS r)",
	.nargs = 3,
	.argtypes = {INT4OID, OIDOID, TEXTARRAYOID}
};

static PgwfStatement remove_rights = {
	.sql = "UPDATE workflow.namespace_role AS nr"
	" SET rights = ARRAY(SELECT r FROM unnest(nr.rights) AS r"
	" WHERE r <> ALL ($3) ORDER BY r)"
	" WHERE nr.namespace_id = $1 AND nr.grantee = $2::regrole",
	.nargs = 3,
	.argtypes = {INT4OID, OIDOID, TEXTARRAYOID}
};

static PgwfStatement delete_empty_rights = {
	.sql = "DELETE FROM workflow.namespace_role"
	" WHERE rights = '{}'"
};

static PgwfStatement select_grantees = {
	.sql = "SELECT DISTINCT grantee::oid FROM workflow.namespace_role"
	" ORDER BY 1"
};

/*
 * The commands that bring a role's privileges in line with its rights.
 */
static PgwfStatement select_commands = {
	.sql =
	"WITH wanted AS ("
	"  SELECT DISTINCT i.included"
	"  FROM workflow.namespace_role AS nr"
	"  CROSS JOIN unnest(nr.rights) AS r (name)"
	"  JOIN (VALUES ('read', 'read'),"
	"               ('client', 'client'), ('client', 'read'),"
	"               ('worker', 'worker'), ('worker', 'read'),"
	"               ('admin', 'admin'), ('admin', 'client'),"
	"               ('admin', 'worker'), ('admin', 'read'))"
	"    AS i (name, included) ON i.name = r.name"
	"  WHERE nr.grantee = $1::regrole),"
	" object AS ("
	"  SELECT 3 AS rank, 'EXECUTE ON ROUTINE' AS privilege,"
	"         p.oid::regprocedure::text AS name,"
	"         o.object_right, p.proacl AS acl"
	"  FROM workflow.object_rights AS o"
	"  JOIN pg_proc AS p ON p.proname = o.object_name"
	"   AND p.pronamespace = 'workflow'::regnamespace"
	"  WHERE o.object_kind = 'routine'"
	"  UNION ALL"
	"  SELECT 2, 'SELECT ON TABLE', c.oid::regclass::text,"
	"         o.object_right, c.relacl"
	"  FROM workflow.object_rights AS o"
	"  JOIN pg_class AS c ON c.relname = o.object_name"
	"   AND c.relnamespace = 'workflow'::regnamespace"
	"  WHERE o.object_kind = 'view' AND c.relkind = 'v'"
	"  UNION ALL"
	"  SELECT 1, 'USAGE ON SCHEMA', 'workflow', 'read', n.nspacl"
	"  FROM pg_namespace AS n WHERE n.nspname = 'workflow'),"
	" state AS ("
	"  SELECT o.rank, o.privilege, o.name,"
	"         EXISTS (SELECT FROM wanted AS w"
	"                 WHERE w.included = o.object_right) AS wanted,"
	"         EXISTS (SELECT FROM aclexplode(o.acl) AS a"
	"                 WHERE a.grantee = $1) AS held"
	"  FROM object AS o)"
	" SELECT format(CASE WHEN s.wanted THEN 'GRANT %s %s TO %I'"
	"               ELSE 'REVOKE %s %s FROM %I' END,"
	"               s.privilege, string_agg(s.name, ', ' ORDER BY s.name),"
	"               pg_get_userbyid($1))"
	" FROM state AS s WHERE s.wanted <> s.held"
	" GROUP BY s.wanted, s.privilege, s.rank ORDER BY s.rank",
	.nargs = 1,
	.argtypes = {OIDOID}
};

static void check_owner(const char *what);
static void check_name(const char *name);
static void check_retention(const Interval *retention);
static int64 interval_length(const Interval *interval);
static void check_rights(ArrayType *rights);
static void check_grantee(Oid grantee);
static void change_rights(FunctionCallInfo fcinfo, bool grant);
static void apply_grants(Oid grantee);

PG_FUNCTION_INFO_V1(pgwf_register_namespace);
PG_FUNCTION_INFO_V1(pgwf_update_namespace);
PG_FUNCTION_INFO_V1(pgwf_delete_namespace);
PG_FUNCTION_INFO_V1(pgwf_describe_namespace);
PG_FUNCTION_INFO_V1(pgwf_grant_namespace);
PG_FUNCTION_INFO_V1(pgwf_revoke_namespace);
PG_FUNCTION_INFO_V1(pgwf_refresh_grants);
PG_FUNCTION_INFO_V1(pgwf_namespace_restored);

/*
 * workflow.register_namespace(namespace, retention, description,
 *		virtual_time)
 *
 * Strict.  For the extension's owner and superusers.
 */
Datum
pgwf_register_namespace(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Interval   *retention = PG_GETARG_INTERVAL_P(1);
	Datum		values[4];
	PgwfDbScope scope;
	uint64		count;
	bool		isnull;

	check_owner("register a namespace");
	check_name(name);
	check_retention(retention);

	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(2);
	values[2] = IntervalPGetDatum(retention);
	values[3] = PG_GETARG_DATUM(3);
	pgwf_db_begin(&scope);
	count = pgwf_db_execute(&insert_namespace, values, NULL);
	if (count > 0 && PG_GETARG_BOOL(3))
	{
		values[0] = pgwf_db_value(0, 1, &isnull);
		(void) pgwf_db_execute(&insert_clock, values, NULL);
	}
	pgwf_db_end(&scope);

	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_ALREADY_EXISTS),
				 errmsg("namespace \"%s\" already exists", name)));
	PG_RETURN_VOID();
}

/*
 * workflow.update_namespace(namespace, retention, description)
 *
 * What is null stays as it is.  Needs the right "admin".
 */
Datum
pgwf_update_namespace(PG_FUNCTION_ARGS)
{
	char	   *name;
	Datum		values[3] = {0};
	char		nulls[3] = {' ', 'n', 'n'};
	PgwfDbScope scope;

	name = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	values[0] = Int32GetDatum(pgwf_namespace_check(name, PGWF_RIGHT_ADMIN));
	if (!PG_ARGISNULL(1))
	{
		check_retention(PG_GETARG_INTERVAL_P(1));
		values[1] = PG_GETARG_DATUM(1);
		nulls[1] = ' ';
	}
	if (!PG_ARGISNULL(2))
	{
		values[2] = PG_GETARG_DATUM(2);
		nulls[2] = ' ';
	}

	pgwf_db_begin(&scope);
	pgwf_db_execute(&update_namespace, values, nulls);
	pgwf_db_end(&scope);
	PG_RETURN_VOID();
}

/* Takes all rights in a namespace away; within pgwf_db_begin and _end */
static void
revoke_all(int32 namespace_id)
{
	Datum		value = Int32GetDatum(namespace_id);
	uint64		count;
	Oid		   *grantees;
	bool		isnull;

	pgwf_db_utility("LOCK TABLE workflow.namespace_role"
					" IN SHARE ROW EXCLUSIVE MODE");
	pgwf_db_execute(&delete_dropped_roles, NULL, NULL);
	count = pgwf_db_execute(&delete_rights, &value, NULL);
	grantees = palloc(sizeof(Oid) * (count + 1));
	for (uint64 i = 0; i < count; i++)
		grantees[i] = DatumGetObjectId(pgwf_db_value(i, 1, &isnull));
	for (uint64 i = 0; i < count; i++)
		apply_grants(grantees[i]);
}

/*
 * workflow.delete_namespace(namespace)
 *
 * Its name is free at once; the scheduler removes what there is of it.
 * Strict.  For the extension's owner and superusers.
 */
Datum
pgwf_delete_namespace(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	PgwfDbScope scope;
	Datum		value;
	int32		namespace_id;

	check_owner("delete a namespace");
	namespace_id = pgwf_namespace_check(name, PGWF_RIGHT_ADMIN);
	if (namespace_id == DEFAULT_NAMESPACE_ID)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("namespace \"%s\" cannot be deleted", name),
				 errdetail("It is the one that is used when none is named.")));
	value = Int32GetDatum(namespace_id);
	pgwf_db_begin(&scope);
	if (pgwf_db_execute(&mark_deleted, &value, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("namespace \"%s\" not found", name)));
	revoke_all(namespace_id);
	pgwf_db_end(&scope);
	pgwf_xact_look(PGWF_PART_NAMESPACES);
	PG_RETURN_VOID();
}

/*
 * workflow.describe_namespace(namespace): a DescribeNamespaceResponse.
 */
Datum
pgwf_describe_namespace(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext context = CurrentMemoryContext;
	Datum		values[1];
	Datum		description;
	Interval   *retention;
	TimestampTz created_time;
	int32		skipping_locks;
	int64		offset;
	bool		isnull;
	bool		has_clock;
	PgwfDbScope scope;
	PgwfObject	object;

	values[0] = Int32GetDatum(pgwf_namespace_check(name, PGWF_RIGHT_READ));
	pgwf_db_begin(&scope);
	if (pgwf_db_query(&select_namespace, values, NULL, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_NOT_FOUND),
				 errmsg("namespace \"%s\" not found", name)));
	description = pgwf_db_copy(0, 2, context, &isnull);
	retention = DatumGetIntervalP(pgwf_db_copy(0, 3, context, &isnull));
	created_time = DatumGetTimestampTz(pgwf_db_value(0, 4, &isnull));
	skipping_locks = DatumGetInt32(pgwf_db_value(0, 5, &isnull));
	offset = DatumGetInt64(pgwf_db_value(0, 6, &isnull));
	has_clock = !isnull;
	pgwf_db_end(&scope);

	pgwf_object_begin(&object);
	pgwf_object_open(&object, "namespaceInfo");
	pgwf_object_text(&object, "name", name);
	pgwf_object_text(&object, "state", "NAMESPACE_STATE_REGISTERED");
	pgwf_object_text(&object, "description",
					 TextDatumGetCString(description));
	pgwf_object_time(&object, "createTime", created_time);
	pgwf_object_close(&object);
	pgwf_object_open(&object, "config");
	pgwf_object_duration(&object, "workflowExecutionRetentionTtl",
						 interval_length(retention));
	pgwf_object_close(&object);
	if (has_clock)
	{
		pgwf_object_open(&object, "virtualTime");
		pgwf_object_time(&object, "currentTime",
						 GetCurrentTimestamp() + offset);
		pgwf_object_int(&object, "skippingLocks", skipping_locks);
		pgwf_object_close(&object);
	}
	PG_RETURN_JSONB_P(pgwf_object_finish(&object));
}

/*
 * workflow.grant_namespace(namespace, grantee, rights)
 *
 * Adds rights of a role in a namespace.  Strict.  Needs the right "admin".
 */
Datum
pgwf_grant_namespace(PG_FUNCTION_ARGS)
{
	change_rights(fcinfo, true);
	PG_RETURN_VOID();
}

/*
 * workflow.revoke_namespace(namespace, grantee, rights)
 *
 * Takes rights away; those the role does not have are passed over.
 */
Datum
pgwf_revoke_namespace(PG_FUNCTION_ARGS)
{
	change_rights(fcinfo, false);
	PG_RETURN_VOID();
}

/*
 * workflow.refresh_grants()
 *
 * Brings the privileges of every role in line with its rights: after an
 * update of the extension that brought new functions, and after a restore
 * without privileges.
 */
Datum
pgwf_refresh_grants(PG_FUNCTION_ARGS)
{
	PgwfDbScope scope;
	uint64		count;
	Oid		   *grantees;
	bool		isnull;

	check_owner("refresh grants");
	pgwf_db_begin(&scope);
	pgwf_db_utility("LOCK TABLE workflow.namespace_role"
					" IN SHARE ROW EXCLUSIVE MODE");
	pgwf_db_execute(&delete_dropped_roles, NULL, NULL);
	count = pgwf_db_query(&select_grantees, NULL, NULL, 0);
	grantees = palloc(sizeof(Oid) * (count + 1));
	for (uint64 i = 0; i < count; i++)
		grantees[i] = DatumGetObjectId(pgwf_db_value(i, 1, &isnull));
	for (uint64 i = 0; i < count; i++)
		apply_grants(grantees[i]);
	pgwf_db_end(&scope);
	PG_RETURN_VOID();
}

/*
 * workflow.namespace_restored(): trigger before the insertion of the default
 * namespace.
 *
 * CREATE EXTENSION makes that row, and the restore of a dump brings it once
 * more: what it brings takes the place of what is there.
 */
Datum
pgwf_namespace_restored(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	tupdesc;
	Datum		values[5];
	char		nulls[5];
	uint64		count;
	PgwfDbScope scope;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called as a trigger before insert",
						"namespace_restored")));

	tupdesc = RelationGetDescr(trigger->tg_relation);
	for (int i = 0; i < lengthof(values); i++)
	{
		bool		isnull;

		values[i] = heap_getattr(trigger->tg_trigtuple, i + 1, tupdesc,
								 &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	pgwf_db_begin(&scope);
	count = pgwf_db_execute(&restore_namespace, values, nulls);
	pgwf_db_end(&scope);
	return PointerGetDatum(count > 0 ? NULL : trigger->tg_trigtuple);
}

static void
check_owner(const char *what)
{
	if (!has_privs_of_role(GetUserId(), pgwf_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_PERMISSION_DENIED),
				 errmsg("permission denied to %s", what),
				 errdetail("Only the owner of the extension and superusers may do this.")));
}

static void
check_name(const char *name)
{
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("namespace must not be empty")));
	if (strlen(name) > (size_t) pgwf_max_id_length)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("namespace is longer than %d bytes",
						pgwf_max_id_length)));
}

static void
check_retention(const Interval *retention)
{
	Interval	zero = {0};

	if (DatumGetBool(DirectFunctionCall2(interval_lt,
										 IntervalPGetDatum(retention),
										 IntervalPGetDatum(&zero))))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("retention must not be negative")));

	/* what the scheduler computes with it must be moments that exist */
	if (interval_length(retention) == PGWF_MAX_DURATION)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("retention must be shorter than 100 years")));
}

/*
 * Microseconds, a month being 30 days, capped at the longest duration.
 */
static int64
interval_length(const Interval *interval)
{
	double		length = interval->month * (double) DAYS_PER_MONTH +
	interval->day;

	length = length * USECS_PER_DAY + interval->time;
	return (int64) Min(length, (double) PGWF_MAX_DURATION);
}

static void
check_rights(ArrayType *rights)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(rights, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("rights must not be empty")));
	for (int i = 0; i < count; i++)
	{
		char	   *name;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("rights must not contain nulls")));
		name = TextDatumGetCString(elements[i]);
		if (!pgwf_right_is_known(name))
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("unknown right \"%s\"", name),
					 errhint("Rights are read, client, worker and admin.")));
	}
}

/*
 * A regrole may be the number of a role that is not there.
 */
static void
check_grantee(Oid grantee)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(grantee)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u does not exist", grantee)));
}

/*
 * Grant or revoke, after the arguments of both.
 */
static void
change_rights(FunctionCallInfo fcinfo, bool grant)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			grantee = PG_GETARG_OID(1);
	Datum		values[3];
	PgwfDbScope scope;

	values[0] = Int32GetDatum(pgwf_namespace_check(name, PGWF_RIGHT_ADMIN));
	check_rights(PG_GETARG_ARRAYTYPE_P(2));
	check_grantee(grantee);
	values[1] = ObjectIdGetDatum(grantee);
	values[2] = PG_GETARG_DATUM(2);

	pgwf_db_begin(&scope);
	pgwf_db_utility("LOCK TABLE workflow.namespace_role"
					" IN SHARE ROW EXCLUSIVE MODE");
	pgwf_db_execute(&delete_dropped_roles, NULL, NULL);
	if (grant)
		pgwf_db_execute(&add_rights, values, NULL);
	else if (pgwf_db_execute(&remove_rights, values, NULL) > 0)
		pgwf_db_execute(&delete_empty_rights, NULL, NULL);
	apply_grants(grantee);
	pgwf_db_end(&scope);
}

/*
 * Bring the privileges of a role in line with its rights in all namespaces.
 * Runs within pgwf_db_begin and pgwf_db_end.
 */
static void
apply_grants(Oid grantee)
{
	Datum		values[1];
	uint64		count;
	char	  **commands;
	bool		isnull;

	/* an owner needs no privileges, and would seem to lack them */
	if (grantee == pgwf_owner())
		return;

	values[0] = ObjectIdGetDatum(grantee);
	CommandCounterIncrement();
	count = pgwf_db_execute(&select_commands, values, NULL);
	commands = palloc(sizeof(char *) * (count + 1));
	for (uint64 i = 0; i < count; i++)
		commands[i] = TextDatumGetCString(pgwf_db_value(i, 1, &isnull));
	for (uint64 i = 0; i < count; i++)
		pgwf_db_utility(commands[i]);
}
