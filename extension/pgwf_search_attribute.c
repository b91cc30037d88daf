/*-------------------------------------------------------------------------
 *
 * pgwf_search_attribute.c
 *		Search attributes: which there are, of what types, and their values.
 *
 * Owns the backend's cache of workflow.search_attribute, filled namespace by
 * namespace with scans that always see the newest rows, and thrown away when
 * a row changes: a trigger then sends a relcache invalidation of the table.
 *
 * Takes AccessShareLock on the table while it reads it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "pgwf_catalog.h"
#include "pgwf_convert.h"
#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_json.h"
#include "pgwf_search_attribute.h"

/* Columns of the table */
#define SEARCH_ATTRIBUTE_NAMESPACE_ID	1
#define SEARCH_ATTRIBUTE_NAME			2
#define SEARCH_ATTRIBUTE_TYPE			3

#define TYPE_PREFIX "INDEXED_VALUE_TYPE_"

static const struct
{
	const char *name;
	const char *constant;
	const char *values;			/* what a value has to be */
}			type_info[] = {
	[PGWF_SEARCH_NONE] = {NULL, NULL, NULL},
	[PGWF_SEARCH_TEXT] = {"Text", TYPE_PREFIX "TEXT", "a string"},
	[PGWF_SEARCH_KEYWORD] = {"Keyword", TYPE_PREFIX "KEYWORD", "a string"},
	[PGWF_SEARCH_INT] = {"Int", TYPE_PREFIX "INT", "an integer of 64 bits"},
	[PGWF_SEARCH_DOUBLE] = {"Double", TYPE_PREFIX "DOUBLE", "a number"},
	[PGWF_SEARCH_BOOL] = {"Bool", TYPE_PREFIX "BOOL", "true or false"},
	[PGWF_SEARCH_DATETIME] = {"Datetime", TYPE_PREFIX "DATETIME",
	"a time such as \"2026-01-31T08:00:00Z\""},
	[PGWF_SEARCH_KEYWORD_LIST] = {"KeywordList", TYPE_PREFIX "KEYWORD_LIST",
	"an array of strings"}
};

static const struct
{
	const char *name;
	PgwfSearchType type;
	PgwfSearchKind kind;
}			builtin[] = {
	{"WorkflowId", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"RunId", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"WorkflowType", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"ExecutionStatus", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"TaskQueue", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"ParentWorkflowId", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"ParentRunId", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"RootWorkflowId", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"RootRunId", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_SYSTEM},
	{"StartTime", PGWF_SEARCH_DATETIME, PGWF_SEARCH_SYSTEM},
	{"ExecutionTime", PGWF_SEARCH_DATETIME, PGWF_SEARCH_SYSTEM},
	{"CloseTime", PGWF_SEARCH_DATETIME, PGWF_SEARCH_SYSTEM},
	{"ExecutionDuration", PGWF_SEARCH_INT, PGWF_SEARCH_SYSTEM},
	{"HistoryLength", PGWF_SEARCH_INT, PGWF_SEARCH_SYSTEM},
	{"HistorySizeBytes", PGWF_SEARCH_INT, PGWF_SEARCH_SYSTEM},
	{"StateTransitionCount", PGWF_SEARCH_INT, PGWF_SEARCH_SYSTEM},
	{"TemporalChangeVersion", PGWF_SEARCH_KEYWORD_LIST,
	PGWF_SEARCH_PREDEFINED},
	{"BinaryChecksums", PGWF_SEARCH_KEYWORD_LIST, PGWF_SEARCH_PREDEFINED},
	{"BuildIds", PGWF_SEARCH_KEYWORD_LIST, PGWF_SEARCH_PREDEFINED},
	{"TemporalUsedWorkerDeploymentVersions", PGWF_SEARCH_KEYWORD_LIST,
	PGWF_SEARCH_PREDEFINED},
	{"TemporalPauseInfo", PGWF_SEARCH_KEYWORD_LIST, PGWF_SEARCH_PREDEFINED},
	{"TemporalReportedProblems", PGWF_SEARCH_KEYWORD_LIST,
	PGWF_SEARCH_PREDEFINED},
	{"TemporalScheduledById", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_PREDEFINED},
	{"TemporalNamespaceDivision", PGWF_SEARCH_KEYWORD,
	PGWF_SEARCH_PREDEFINED},
	{"BatcherUser", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_PREDEFINED},
	{"BatcherNamespace", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_PREDEFINED},
	{"TemporalWorkerDeployment", PGWF_SEARCH_KEYWORD, PGWF_SEARCH_PREDEFINED},
	{"TemporalWorkerDeploymentVersion", PGWF_SEARCH_KEYWORD,
	PGWF_SEARCH_PREDEFINED},
	{"TemporalWorkflowVersioningBehavior", PGWF_SEARCH_KEYWORD,
	PGWF_SEARCH_PREDEFINED},
	{"TemporalScheduledStartTime", PGWF_SEARCH_DATETIME,
	PGWF_SEARCH_PREDEFINED},
	{"TemporalSchedulePaused", PGWF_SEARCH_BOOL, PGWF_SEARCH_PREDEFINED},
	{"TemporalExternalPayloadCount", PGWF_SEARCH_INT, PGWF_SEARCH_PREDEFINED},
	{"TemporalExternalPayloadSizeBytes", PGWF_SEARCH_INT,
	PGWF_SEARCH_PREDEFINED}
};

/* The registered search attributes of a namespace */
typedef struct CachedAttribute
{
	PgwfSearchType type;
	char		name[FLEXIBLE_ARRAY_MEMBER];
} CachedAttribute;

typedef struct CacheEntry
{
	int32		namespace_id;
	List	   *attributes;		/* of CachedAttribute */
} CacheEntry;

static uint64 current_generation = 1;
static uint64 cache_generation = 0;
static MemoryContext cache_context = NULL;
static HTAB *cache;
static Oid	table_oid = InvalidOid;

static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == table_oid)
		current_generation++;
}

/* Starts a new cache if there is none or the one there is out of date */
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
		registered = true;
	}
	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(CacheMemoryContext,
											  "pg_workflow search attributes",
											  ALLOCSET_SMALL_SIZES);
	MemoryContextReset(cache_context);
	memset(&info, 0, sizeof(info));
	info.hcxt = cache_context;
	info.keysize = sizeof(int32);
	info.entrysize = sizeof(CacheEntry);
	cache = hash_create("pg_workflow search attributes", 16, &info,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	/* taken before anything is read: what comes meanwhile is not missed */
	cache_generation = current_generation;
	table_oid = pgwf_relation_oid(PGWF_SEARCH_ATTRIBUTE);
}

/* The registered attributes of a namespace, allocated in the cache */
static List *
read_attributes(int32 namespace_id)
{
	List	   *result = NIL;
	Relation	relation;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, SEARCH_ATTRIBUTE_NAMESPACE_ID, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(namespace_id));
	relation = table_open(table_oid, AccessShareLock);
	scan = systable_beginscan(relation,
							  pgwf_relation_oid(PGWF_SEARCH_ATTRIBUTE_PKEY),
							  true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(relation);
		bool		isnull;
		char	   *name;
		char	   *type;
		CachedAttribute *attribute;
		MemoryContext old_context;

		name = TextDatumGetCString(heap_getattr(tuple, SEARCH_ATTRIBUTE_NAME,
												desc, &isnull));
		type = TextDatumGetCString(heap_getattr(tuple, SEARCH_ATTRIBUTE_TYPE,
												desc, &isnull));
		old_context = MemoryContextSwitchTo(cache_context);
		attribute = palloc(offsetof(CachedAttribute, name) +
						   strlen(name) + 1);
		attribute->type = pgwf_search_type_by_name(type);
		strcpy(attribute->name, name);
		result = lappend(result, attribute);
		MemoryContextSwitchTo(old_context);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/* The type of a search attribute; PGWF_SEARCH_NONE if there is none */
PgwfSearchType
pgwf_search_attribute_find(int32 namespace_id, const char *name,
						   PgwfSearchKind *kind)
{
	CacheEntry *entry;
	ListCell   *lc;

	for (int i = 0; i < lengthof(builtin); i++)
	{
		if (strcmp(name, builtin[i].name) == 0)
		{
			*kind = builtin[i].kind;
			return builtin[i].type;
		}
	}

	cache_ready();
	entry = hash_search(cache, &namespace_id, HASH_FIND, NULL);
	if (entry == NULL)
	{
		List	   *attributes = read_attributes(namespace_id);

		entry = hash_search(cache, &namespace_id, HASH_ENTER, NULL);
		entry->attributes = attributes;
	}
	foreach(lc, entry->attributes)
	{
		CachedAttribute *attribute = lfirst(lc);

		if (strcmp(name, attribute->name) == 0)
		{
			*kind = PGWF_SEARCH_CUSTOM;
			return attribute->type;
		}
	}
	return PGWF_SEARCH_NONE;
}

const char *
pgwf_search_type_name(PgwfSearchType type)
{
	return type_info[type].name;
}

/* PGWF_SEARCH_NONE if there is no such type; Temporal's constants do too */
PgwfSearchType
pgwf_search_type_by_name(const char *name)
{
	for (int i = PGWF_SEARCH_TEXT; i < lengthof(type_info); i++)
	{
		if (strcmp(name, type_info[i].name) == 0 ||
			strcmp(name, type_info[i].constant) == 0)
			return (PgwfSearchType) i;
	}
	return PGWF_SEARCH_NONE;
}

/* Those that every namespace has, numbered from 0; false after the last */
bool
pgwf_search_builtin(int number, const char **name, PgwfSearchType *type,
					PgwfSearchKind *kind)
{
	if (number >= lengthof(builtin))
		return false;
	*name = builtin[number].name;
	*type = builtin[number].type;
	*kind = builtin[number].kind;
	return true;
}

/*
 * Values
 */

static Jsonb *
inner_fields(const Jsonb *fields, const char *member)
{
	PgwfReader	reader;

	if (fields == NULL)
		return NULL;
	pgwf_reader_init(&reader, fields);
	return pgwf_read_object(&reader, member);
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data) &&
		!JsonContainerIsScalar(value->val.binary.data);
}

static bool
is_null(JsonbValue *value, bool empty_is_null)
{
	return value->type == jbvNull || pgwf_is_null_payload(value) ||
		(empty_is_null && is_array(value) &&
		 JsonContainerSize(value->val.binary.data) == 0);
}

static bool
is_integer(Numeric number)
{
	Datum		truncated;

	truncated = DirectFunctionCall2(numeric_trunc, NumericGetDatum(number),
									Int32GetDatum(0));
	return DatumGetBool(DirectFunctionCall2(numeric_eq,
											NumericGetDatum(number),
											truncated));
}

static bool
fits_int64(Numeric number)
{
	Numeric		least = int64_to_numeric(PG_INT64_MIN);
	Numeric		most = int64_to_numeric(PG_INT64_MAX);

	return is_integer(number) &&
		DatumGetBool(DirectFunctionCall2(numeric_ge, NumericGetDatum(number),
										 NumericGetDatum(least))) &&
		DatumGetBool(DirectFunctionCall2(numeric_le, NumericGetDatum(number),
										 NumericGetDatum(most)));
}

static bool
is_array_of_strings(const JsonbValue *value)
{
	JsonbIterator *it;
	JsonbValue	element;

	if (!is_array(value))
		return false;
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &element, false);
	while (JsonbIteratorNext(&it, &element, true) == WJB_ELEM)
	{
		if (element.type != jbvString)
			return false;
	}
	return true;
}

static bool
value_has_type(const JsonbValue *value, PgwfSearchType type)
{
	TimestampTz time;

	switch (type)
	{
		case PGWF_SEARCH_TEXT:
		case PGWF_SEARCH_KEYWORD:
			return value->type == jbvString;
		case PGWF_SEARCH_INT:
			return value->type == jbvNumeric &&
				fits_int64(value->val.numeric);
		case PGWF_SEARCH_DOUBLE:
			return value->type == jbvNumeric;
		case PGWF_SEARCH_BOOL:
			return value->type == jbvBool;
		case PGWF_SEARCH_DATETIME:
			return value->type == jbvString &&
				pgwf_parse_rfc3339(value->val.string.val,
								   value->val.string.len, &time);
		case PGWF_SEARCH_KEYWORD_LIST:
			return is_array_of_strings(value);
		case PGWF_SEARCH_NONE:
			break;
	}
	return false;
}

/* Bytes of a value as JSON without spaces, as its payload has it */
static int
json_size(const JsonbValue *value)
{
	JsonbIterator *it;
	JsonbValue	element;
	StringInfoData buf;
	int			spaces = 0;

	initStringInfo(&buf);
	pgwf_append_jsonb(&buf,
					  JsonbValueToJsonb(unconstify(JsonbValue *, value)));
	if (is_array(value))
	{
		it = JsonbIteratorInit(value->val.binary.data);
		(void) JsonbIteratorNext(&it, &element, false);
		while (JsonbIteratorNext(&it, &element, true) == WJB_ELEM)
			spaces++;
		spaces = Max(spaces - 1, 0);
	}
	return buf.len - spaces;
}

char *
pgwf_search_attributes_too_many(const Jsonb *attributes, char **detail)
{
	Jsonb	   *fields = inner_fields(attributes, "indexedFields");

	*detail = NULL;
	if (fields == NULL || pgwf_max_search_attributes == 0 ||
		JB_ROOT_COUNT(fields) <= pgwf_max_search_attributes)
		return NULL;
	*detail = psprintf("There are %u, the limit is %d.",
					   JB_ROOT_COUNT(fields), pgwf_max_search_attributes);
	return pstrdup("too many search attributes");
}

char *
pgwf_search_attributes_oversize(const Jsonb *attributes, char **detail)
{
	Jsonb	   *fields = inner_fields(attributes, "indexedFields");
	JsonbIterator *it;
	JsonbValue	key;
	int64		total = 0;

	*detail = NULL;
	if (fields == NULL)
		return NULL;
	it = JsonbIteratorInit(&fields->root);
	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		JsonbValue	value;
		int			size;
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);

		(void) JsonbIteratorNext(&it, &value, true);
		size = json_size(&value);
		total += key.val.string.len + size;
		if (pgwf_search_attribute_size_error > 0 &&
			size > pgwf_search_attribute_size_error)
		{
			*detail = psprintf("It is %d bytes large, the limit is %d.",
							   size, pgwf_search_attribute_size_error);
			return psprintf("search attribute \"%s\" exceeds size limit",
							name);
		}
	}
	if (pgwf_search_attributes_size_error > 0 &&
		total > pgwf_search_attributes_size_error)
	{
		*detail = psprintf("It is " INT64_FORMAT " bytes large, the limit is %d.",
						   total, pgwf_search_attributes_size_error);
		return pstrdup("search_attributes exceeds size limit");
	}
	return NULL;
}

char *
pgwf_search_attributes_invalid(int32 namespace_id, const Jsonb *attributes,
							   char **detail)
{
	Jsonb	   *fields = inner_fields(attributes, "indexedFields");
	JsonbIterator *it;
	JsonbValue	key;

	*detail = NULL;
	if (fields == NULL)
		return NULL;
	it = JsonbIteratorInit(&fields->root);
	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		JsonbValue	value;
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);
		PgwfSearchKind kind = PGWF_SEARCH_CUSTOM;
		PgwfSearchType type;

		(void) JsonbIteratorNext(&it, &value, true);
		type = pgwf_search_attribute_find(namespace_id, name, &kind);
		if (type == PGWF_SEARCH_NONE)
		{
			*detail = pstrdup("An administrator of the namespace registers it with add_search_attributes().");
			return psprintf("search attribute \"%s\" is not registered",
							name);
		}
		if (kind == PGWF_SEARCH_SYSTEM)
		{
			*detail = pstrdup("The service sets it itself.");
			return psprintf("search attribute \"%s\" cannot be set", name);
		}
		if (!is_null(&value, true) && !value_has_type(&value, type))
		{
			*detail = psprintf("It must be %s.", type_info[type].values);
			return psprintf("value of search attribute \"%s\" is not of type %s",
							name, type_info[type].name);
		}
	}
	return NULL;
}

void
pgwf_search_attributes_check(int32 namespace_id, const Jsonb *attributes)
{
	char	   *detail;
	char	   *message = pgwf_search_attributes_too_many(attributes, &detail);

	if (message == NULL)
		message = pgwf_search_attributes_oversize(attributes, &detail);
	if (message == NULL)
		message = pgwf_search_attributes_invalid(namespace_id, attributes,
												 &detail);
	if (message)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s", message),
				 detail ? errdetail("%s", detail) : 0));
}

static void
push_fields(JsonbParseState **state, const Jsonb *fields,
			const Jsonb *except, bool empty_is_null, int *count)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;

	if (fields == NULL)
		return;
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &fields->root));
	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		if (is_null(&value, empty_is_null))
			continue;
		if (except &&
			findJsonbValueFromContainer(unconstify(JsonbContainer *,
												   &except->root),
										JB_FOBJECT, &key) != NULL)
			continue;
		pushJsonbValue(state, WJB_KEY, &key);
		pushJsonbValue(state, WJB_VALUE, &value);
		(*count)++;
	}
}

Jsonb *
pgwf_fields_merge(const Jsonb *fields, const Jsonb *changes,
				  const char *member, bool empty_is_null)
{
	Jsonb	   *old = inner_fields(fields, member);
	Jsonb	   *new = inner_fields(changes, member);
	JsonbParseState *state = NULL;
	JsonbValue	key;
	JsonbValue *result;
	int			count = 0;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, member);
	key.val.string.len = strlen(member);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_fields(&state, old, new, empty_is_null, &count);
	push_fields(&state, new, NULL, empty_is_null, &count);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return count == 0 ? NULL : JsonbValueToJsonb(result);
}
