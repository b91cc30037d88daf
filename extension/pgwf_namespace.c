/*-------------------------------------------------------------------------
 *
 * pgwf_namespace.c
 *		Namespaces: from a name to its id, and what the current user may do
 *		in it.
 *
 * Owns the backend's cache of both.  The cache is filled entry by entry with
 * catalog-style scans, which need no user id, no search_path and no snapshot
 * of the caller's, and always see the newest rows.  It is thrown away whole
 * when
 * - a row of namespace or namespace_role changes: a trigger sends a relcache
 *   invalidation for the table, as for a table whose definition changed;
 * - a role, a membership or the owner of a schema or database changes.
 *
 * Takes AccessShareLock on the two tables while it reads them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pgwf_catalog.h"
#include "pgwf_errors.h"
#include "pgwf_namespace.h"

/* Columns of the two tables */
#define NAMESPACE_ID			1
#define NAMESPACE_NAME			2
#define NAMESPACE_VIRTUAL_TIME	6
#define NAMESPACE_DELETED_XID	7
#define NAMESPACE_ROLE_ID		1
#define NAMESPACE_ROLE_GRANTEE	2
#define NAMESPACE_ROLE_RIGHTS	3

#define RIGHT_MASK(right)	(1 << (int) (right))

/* Rights by name, and everything each of them includes */
static const struct
{
	const char *name;
	int			mask;
}			right_info[] = {
	[PGWF_RIGHT_READ] = {"read", RIGHT_MASK(PGWF_RIGHT_READ)},
	[PGWF_RIGHT_CLIENT] = {"client",
	RIGHT_MASK(PGWF_RIGHT_CLIENT) | RIGHT_MASK(PGWF_RIGHT_READ)},
	[PGWF_RIGHT_WORKER] = {"worker",
	RIGHT_MASK(PGWF_RIGHT_WORKER) | RIGHT_MASK(PGWF_RIGHT_READ)},
	[PGWF_RIGHT_ADMIN] = {"admin",
		RIGHT_MASK(PGWF_RIGHT_ADMIN) | RIGHT_MASK(PGWF_RIGHT_WORKER) |
	RIGHT_MASK(PGWF_RIGHT_CLIENT) | RIGHT_MASK(PGWF_RIGHT_READ)}
};

/* Namespaces by name; the key is a pointer to the name */
typedef struct NameEntry
{
	const char *name;
	int32		namespace_id;
} NameEntry;

/* What does not change about a namespace, by its id */
typedef struct IdEntry
{
	int32		namespace_id;
	const char *name;
	bool		virtual_time;
	bool		deleted;		/* nobody may name it any more */
} IdEntry;

/* What a user may do in a namespace */
typedef struct RightsKey
{
	Oid			user_id;
	int32		namespace_id;
} RightsKey;

typedef struct RightsEntry
{
	RightsKey	key;
	int			mask;
} RightsEntry;

/*
 * The cache is of one generation.  Whatever makes it wrong adds one to
 * current_generation, and the next call throws it away.
 */
static uint64 current_generation = 1;
static uint64 cache_generation = 0;
static MemoryContext cache_context = NULL;
static HTAB *names;
static HTAB *ids;
static HTAB *rights;
static Oid	namespace_oid = InvalidOid;
static Oid	namespace_role_oid = InvalidOid;

static void cache_ready(void);
static void relation_changed(Datum arg, Oid relid);
static void catalog_changed(Datum arg, int cacheid, uint32 hashvalue);
static uint32 name_hash(const void *key, Size size);
static int	name_match(const void *a, const void *b, Size size);
static int32 lookup_id(const char *name);
static const IdEntry *lookup_namespace(int32 namespace_id);
static bool is_there(int32 namespace_id);
static int	lookup_rights(Oid user_id, int32 namespace_id);
static int	read_rights(Oid user_id, int32 namespace_id);
static int	rights_mask(Datum array);
static void deny(const char *name, PgwfRight right);

PG_FUNCTION_INFO_V1(pgwf_namespace_changed);
PG_FUNCTION_INFO_V1(pgwf_namespace_readable);

int32
pgwf_namespace_check(const char *name, PgwfRight right)
{
	int32		namespace_id;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("namespace must not be null")));

	cache_ready();
	namespace_id = lookup_id(name);
	if (namespace_id == 0)
	{
		if (has_privs_of_role(GetUserId(), pgwf_owner()))
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_NOT_FOUND),
					 errmsg("namespace \"%s\" not found", name)));
		deny(name, right);
	}
	if (!(lookup_rights(GetUserId(), namespace_id) & RIGHT_MASK(right)))
		deny(name, right);
	return namespace_id;
}

void
pgwf_namespace_check_id(int32 namespace_id, PgwfRight right)
{
	cache_ready();
	if (lookup_rights(GetUserId(), namespace_id) & RIGHT_MASK(right))
	{
		/* the owner and superusers have all rights, even where nothing is */
		if (!is_there(namespace_id))
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_NOT_FOUND),
					 errmsg("namespace not found")));
		return;
	}
	deny(NULL, right);
}

bool
pgwf_namespace_has_right(int32 namespace_id, PgwfRight right)
{
	cache_ready();
	return (lookup_rights(GetUserId(), namespace_id) & RIGHT_MASK(right)) &&
		is_there(namespace_id);
}

const char *
pgwf_namespace_name(int32 namespace_id)
{
	const IdEntry *entry;

	cache_ready();
	entry = lookup_namespace(namespace_id);
	return entry == NULL ? NULL : pstrdup(entry->name);
}

PgwfClockKind
pgwf_namespace_clock(int32 namespace_id)
{
	const IdEntry *entry;

	cache_ready();
	entry = lookup_namespace(namespace_id);
	if (entry == NULL || entry->deleted)
		return PGWF_CLOCK_UNKNOWN;
	return entry->virtual_time ? PGWF_CLOCK_VIRTUAL : PGWF_CLOCK_WALL;
}

bool
pgwf_right_is_known(const char *name)
{
	for (int right = 0; right < lengthof(right_info); right++)
	{
		if (strcmp(name, right_info[right].name) == 0)
			return true;
	}
	return false;
}

/*
 * workflow.namespace_changed(): statement trigger of both tables.
 *
 * When the transaction commits, every backend of the database learns that
 * the table changed; when it rolls back, only this one does.
 */
Datum
pgwf_namespace_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"namespace_changed")));
	CacheInvalidateRelcacheByRelid(RelationGetRelid(trigger->tg_relation));
	return PointerGetDatum(NULL);
}

/*
 * workflow.namespace_readable(namespace_id): what the views ask for every
 * namespace.
 */
Datum
pgwf_namespace_readable(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pgwf_namespace_has_right(PG_GETARG_INT32(0),
											PGWF_RIGHT_READ));
}

/*
 * Start a new cache if there is none or the one there is out of date.
 */
static void
cache_ready(void)
{
	static bool registered = false;
	HASHCTL		info;

	if (cache_generation == current_generation)
		return;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHOID, catalog_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, catalog_changed,
									  (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, catalog_changed,
									  (Datum) 0);
		CacheRegisterSyscacheCallback(DATABASEOID, catalog_changed,
									  (Datum) 0);
		registered = true;
	}

	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(CacheMemoryContext,
											  "pg_workflow namespaces",
											  ALLOCSET_SMALL_SIZES);
	MemoryContextReset(cache_context);

	memset(&info, 0, sizeof(info));
	info.hcxt = cache_context;
	info.keysize = sizeof(const char *);
	info.entrysize = sizeof(NameEntry);
	info.hash = name_hash;
	info.match = name_match;
	names = hash_create("pg_workflow namespaces by name", 16, &info,
						HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
						HASH_CONTEXT);

	info.keysize = sizeof(int32);
	info.entrysize = sizeof(IdEntry);
	ids = hash_create("pg_workflow namespaces by id", 16, &info,
					  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	info.keysize = sizeof(RightsKey);
	info.entrysize = sizeof(RightsEntry);
	rights = hash_create("pg_workflow rights", 16, &info,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	/*
	 * What happens from here on makes this cache old.  The number is taken
	 * before anything is read, so that an invalidation that comes with the
	 * lock of a table being read is not missed.
	 */
	cache_generation = current_generation;
	namespace_oid = pgwf_relation_oid(PGWF_NAMESPACE);
	namespace_role_oid = pgwf_relation_oid(PGWF_NAMESPACE_ROLE);
}

static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == namespace_oid ||
		relid == namespace_role_oid)
		current_generation++;
}

static void
catalog_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	current_generation++;
}

static uint32
name_hash(const void *key, Size size)
{
	const char *name = *(const char *const *) key;

	return hash_bytes((const unsigned char *) name, (int) strlen(name));
}

static int
name_match(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/*
 * The id of a namespace, 0 when there is none of that name.
 */
static int32
lookup_id(const char *name)
{
	NameEntry  *entry = hash_search(names, &name, HASH_FIND, NULL);
	Relation	relation;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	int32		namespace_id = 0;
	bool		isnull;

	if (entry != NULL)
		return entry->namespace_id;

	ScanKeyInit(&key, NAMESPACE_NAME, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(name));
	relation = table_open(pgwf_relation_oid(PGWF_NAMESPACE), AccessShareLock);
	scan = systable_beginscan(relation,
							  pgwf_relation_oid(PGWF_NAMESPACE_NAME_KEY),
							  true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) &&
		heap_attisnull(tuple, NAMESPACE_DELETED_XID, NULL))
		namespace_id = DatumGetInt32(heap_getattr(tuple, NAMESPACE_ID,
												  RelationGetDescr(relation),
												  &isnull));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);

	if (namespace_id != 0)
	{
		const char *copy = MemoryContextStrdup(cache_context, name);

		entry = hash_search(names, &copy, HASH_ENTER, NULL);
		entry->namespace_id = namespace_id;
	}
	return namespace_id;
}

/*
 * A namespace, NULL when there is none of that id.  It lives until the next
 * call of cache_ready().
 */
static const IdEntry *
lookup_namespace(int32 namespace_id)
{
	IdEntry    *entry = hash_search(ids, &namespace_id, HASH_FIND, NULL);
	Relation	relation;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		isnull;

	if (entry != NULL)
		return entry;

	ScanKeyInit(&key, NAMESPACE_ID, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(namespace_id));
	relation = table_open(pgwf_relation_oid(PGWF_NAMESPACE), AccessShareLock);
	scan = systable_beginscan(relation,
							  pgwf_relation_oid(PGWF_NAMESPACE_PKEY),
							  true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	tupdesc = RelationGetDescr(relation);
		Datum		value = heap_getattr(tuple, NAMESPACE_NAME, tupdesc,
										 &isnull);
		char	   *name = MemoryContextStrdup(cache_context,
											   TextDatumGetCString(value));

		value = heap_getattr(tuple, NAMESPACE_VIRTUAL_TIME, tupdesc, &isnull);
		entry = hash_search(ids, &namespace_id, HASH_ENTER, NULL);
		entry->name = name;
		entry->virtual_time = DatumGetBool(value);
		entry->deleted = !heap_attisnull(tuple, NAMESPACE_DELETED_XID, NULL);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return entry;
}

/* Is there a namespace of that id, for those who call from outside? */
static bool
is_there(int32 namespace_id)
{
	const IdEntry *entry = lookup_namespace(namespace_id);

	return entry != NULL && !entry->deleted;
}

/*
 * What a user may do in a namespace, as a mask of rights.
 */
static int
lookup_rights(Oid user_id, int32 namespace_id)
{
	RightsKey	key;
	RightsEntry *entry;
	int			mask;

	memset(&key, 0, sizeof(key));
	key.user_id = user_id;
	key.namespace_id = namespace_id;
	entry = hash_search(rights, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->mask;

	mask = read_rights(user_id, namespace_id);
	entry = hash_search(rights, &key, HASH_ENTER, NULL);
	entry->mask = mask;
	return mask;
}

/*
 * The rights of every role whose privileges the user has.  A row of a role
 * that was dropped is nobody's, superusers aside, who have all rights.
 */
static int
read_rights(Oid user_id, int32 namespace_id)
{
	Relation	relation;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	int			mask = 0;
	bool		isnull;

	if (has_privs_of_role(user_id, pgwf_owner()))
		return right_info[PGWF_RIGHT_ADMIN].mask;

	ScanKeyInit(&key, NAMESPACE_ROLE_ID, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(namespace_id));
	relation = table_open(pgwf_relation_oid(PGWF_NAMESPACE_ROLE),
						  AccessShareLock);
	scan = systable_beginscan(relation,
							  pgwf_relation_oid(PGWF_NAMESPACE_ROLE_PKEY),
							  true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	tupdesc = RelationGetDescr(relation);
		Datum		grantee = heap_getattr(tuple, NAMESPACE_ROLE_GRANTEE,
										   tupdesc, &isnull);

		if (has_privs_of_role(user_id, DatumGetObjectId(grantee)))
			mask |= rights_mask(heap_getattr(tuple, NAMESPACE_ROLE_RIGHTS,
											 tupdesc, &isnull));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return mask;
}

/*
 * The mask of an array of rights' names.
 */
static int
rights_mask(Datum array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	int			mask = 0;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		char	   *name;

		if (nulls[i])
			continue;
		name = TextDatumGetCString(elements[i]);
		for (int right = 0; right < lengthof(right_info); right++)
		{
			if (strcmp(name, right_info[right].name) == 0)
				mask |= right_info[right].mask;
		}
	}
	return mask;
}

/*
 * The one answer to everybody who lacks a right, whether the namespace
 * exists or not.
 */
static void
deny(const char *name, PgwfRight right)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_PERMISSION_DENIED),
			 name != NULL ?
			 errmsg("permission denied for namespace \"%s\"", name) :
			 errmsg("permission denied for namespace"),
			 errdetail("The right \"%s\" is needed.",
					   right_info[right].name)));
}
