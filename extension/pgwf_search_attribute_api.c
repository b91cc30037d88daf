/*-------------------------------------------------------------------------
 *
 * pgwf_search_attribute_api.c
 *		SQL functions that register and list search attributes.
 *
 * Takes no locks but those of its statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_compat.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_search_attribute.h"

#define RESERVED_PREFIX "Temporal"

/* also finds a row that another transaction has just added */
static PgwfStatement insert_attribute = {
	.sql = "INSERT INTO workflow.search_attribute AS sa"
	" (namespace_id, name, type) VALUES ($1, $2, $3)"
	" ON CONFLICT (namespace_id, name) DO UPDATE SET type = excluded.type"
	" WHERE sa.type = excluded.type",
	.nargs = 3,
	.argtypes = {INT4OID, TEXTOID, TEXTOID}
};

static PgwfStatement delete_attribute = {
	.sql = "DELETE FROM workflow.search_attribute"
	" WHERE namespace_id = $1 AND name = $2",
	.nargs = 2,
	.argtypes = {INT4OID, TEXTOID}
};

PG_FUNCTION_INFO_V1(pgwf_add_search_attributes);
PG_FUNCTION_INFO_V1(pgwf_remove_search_attributes);
PG_FUNCTION_INFO_V1(pgwf_builtin_search_attributes);
PG_FUNCTION_INFO_V1(pgwf_search_attribute_time);

/* Does a name fit the rules?  Dots and hyphens need backticks in queries. */
static bool
name_is_valid(const char *name)
{
	if (strlen(name) > PGWF_SEARCH_NAME_MAX)
		return false;
	for (const char *c = name; *c != '\0'; c++)
	{
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_')
			continue;
		if (c == name ||
			!((*c >= '0' && *c <= '9') || *c == '-' || *c == '.'))
			return false;
	}
	return name[0] != '\0';
}

static void
check_name(const char *name)
{
	PgwfSearchKind kind;

	if (!name_is_valid(name))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid name of a search attribute: \"%s\"", name),
				 errdetail("A name has at most %d letters of ASCII, digits, and the characters \"_\", \"-\" and \".\"; it begins with a letter or \"_\".",
						   PGWF_SEARCH_NAME_MAX)));
	if (strncmp(name, RESERVED_PREFIX, strlen(RESERVED_PREFIX)) == 0 ||
		pgwf_search_attribute_find(0, name, &kind) != PGWF_SEARCH_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("search attribute \"%s\" is reserved by the system",
						name)));
}

static PgwfSearchType
check_type(const char *name, const JsonbValue *value)
{
	PgwfSearchType type = PGWF_SEARCH_NONE;

	if (value->type == jbvString)
		type = pgwf_search_type_by_name(pnstrdup(value->val.string.val,
												 value->val.string.len));
	if (type == PGWF_SEARCH_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid type of search attribute \"%s\"", name),
				 errhint("The types are Text, Keyword, Int, Double, Bool, Datetime and KeywordList.")));
	return type;
}

static void
add_attribute(int32 namespace_id, char *name, PgwfSearchType type)
{
	Datum		values[3];

	values[0] = Int32GetDatum(namespace_id);
	values[1] = CStringGetTextDatum(name);
	values[2] = CStringGetTextDatum(pgwf_search_type_name(type));
	if (pgwf_db_execute(&insert_attribute, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_ALREADY_EXISTS),
				 errmsg("search attribute \"%s\" exists already with another type",
						name)));
}

/*
 * add_search_attributes(search_attributes, namespace)
 *
 * {name: type}; what is registered with the same type already is left.
 */
Datum
pgwf_add_search_attributes(PG_FUNCTION_ARGS)
{
	Jsonb	   *attributes;
	int32		namespace_id;
	PgwfDbScope scope;
	JsonbIterator *it;
	JsonbValue	key;

	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 1),
										PGWF_RIGHT_ADMIN);
	attributes = pgwf_arg_jsonb(fcinfo, 0);
	if (attributes == NULL || !JB_ROOT_IS_OBJECT(attributes) ||
		JB_ROOT_COUNT(attributes) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("search_attributes is not a JSON object of names and types")));

	pgwf_db_begin(&scope);
	it = JsonbIteratorInit(&attributes->root);
	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);
		JsonbValue	value;

		(void) JsonbIteratorNext(&it, &value, true);
		check_name(name);
		add_attribute(namespace_id, name, check_type(name, &value));
	}
	pgwf_db_end(&scope);
	PG_RETURN_VOID();
}

/*
 * remove_search_attributes(names, namespace)
 *
 * Runs keep the values they have, but nobody can search for them.
 */
Datum
pgwf_remove_search_attributes(PG_FUNCTION_ARGS)
{
	int32		namespace_id;
	PgwfDbScope scope;
	Datum	   *names;
	bool	   *nulls;
	int			count;

	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 1),
										PGWF_RIGHT_ADMIN);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s is not set", "names")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false,
					  TYPALIGN_INT, &names, &nulls, &count);
	pgwf_db_begin(&scope);
	for (int i = 0; i < count; i++)
	{
		Datum		values[2];

		if (nulls[i])
			continue;
		values[0] = Int32GetDatum(namespace_id);
		values[1] = names[i];
		if (pgwf_db_execute(&delete_attribute, values, NULL) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_NOT_FOUND),
					 errmsg("search attribute \"%s\" is not registered",
							TextDatumGetCString(names[i]))));
	}
	pgwf_db_end(&scope);
	PG_RETURN_VOID();
}

/*
 * builtin_search_attributes()
 */
Datum
pgwf_builtin_search_attributes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *name;
	PgwfSearchType type;
	PgwfSearchKind kind;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; pgwf_search_builtin(i, &name, &type, &kind); i++)
	{
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		values[0] = CStringGetTextDatum(name);
		values[1] = CStringGetTextDatum(pgwf_search_type_name(type));
		values[2] = CStringGetTextDatum(kind == PGWF_SEARCH_SYSTEM ?
										"system" : "predefined");
		tuplestore_putvalues(result->setResult, result->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}

/*
 * search_attribute_time(value)
 */
Datum
pgwf_search_attribute_time(PG_FUNCTION_ARGS)
{
	Jsonb	   *jsonb = PG_GETARG_JSONB_P(0);
	JsonbValue	value;
	TimestampTz result;

	if (!JB_ROOT_IS_SCALAR(jsonb) ||
		!JsonbExtractScalar(&jsonb->root, &value) ||
		value.type != jbvString ||
		!pgwf_parse_rfc3339(value.val.string.val, value.val.string.len,
							&result))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(result);
}
