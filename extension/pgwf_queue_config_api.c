/*-------------------------------------------------------------------------
 *
 * pgwf_queue_config_api.c
 *		update_task_queue_config: what administrators set for a task queue.
 *
 * A row of workflow.task_queue_config is locked while it is changed; one in
 * which nothing is set any more is deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "pgwf_args.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"
#include "pgwf_priority.h"
#include "pgwf_queue_config.h"
#include "pgwf_xact.h"

PG_FUNCTION_INFO_V1(pgwf_update_task_queue_config);

#define MAX_WEIGHT_OVERRIDES	1000
#define MAX_CONFIGS				10000

#define WHERE_QUEUE " WHERE namespace_id = $1 AND kind = $2 AND task_queue = $3"

static PgwfStatement insert_config = {
	.sql = "INSERT INTO workflow.task_queue_config (namespace_id, kind,"
	" task_queue, begun_workflows_first, updates)"
	" SELECT $1, $2, $3, false, '{}'"
	" WHERE (SELECT pg_catalog.count(*) FROM workflow.task_queue_config"
	"  WHERE namespace_id = $1) < $4"
	" ON CONFLICT DO NOTHING",
	.nargs = 4,
	.argtypes = {INT4OID, CHAROID, TEXTOID, INT8OID}
};

static PgwfStatement lock_config = {
	.sql = "SELECT 1 FROM workflow.task_queue_config" WHERE_QUEUE
	" FOR UPDATE",
	.nargs = 3,
	.argtypes = {INT4OID, CHAROID, TEXTOID}
};

/* A rate of NULL unsets the limit; "update" says what becomes of it */
static PgwfStatement update_rate = {
	.sql = "UPDATE workflow.task_queue_config SET queue_rate_limit = $4,"
	" updates = updates || pg_catalog.jsonb_build_object('queueRateLimit', $5)"
	WHERE_QUEUE,
	.nargs = 5,
	.argtypes = {INT4OID, CHAROID, TEXTOID, FLOAT8OID, JSONBOID}
};

static PgwfStatement update_fairness_key_rate = {
	.sql = "UPDATE workflow.task_queue_config SET"
	" fairness_key_rate_limit_default = $4, updates = updates ||"
	" pg_catalog.jsonb_build_object('fairnessKeysRateLimitDefault', $5)"
	WHERE_QUEUE,
	.nargs = 5,
	.argtypes = {INT4OID, CHAROID, TEXTOID, FLOAT8OID, JSONBOID}
};

static PgwfStatement update_weights = {
	.sql = "UPDATE workflow.task_queue_config SET"
	" fairness_weight_overrides = NULLIF((COALESCE(fairness_weight_overrides,"
	"  '{}') || COALESCE($4, '{}')) - COALESCE($5, '{}'), '{}')"
	WHERE_QUEUE
	" RETURNING (SELECT pg_catalog.count(*) FROM"
	"  pg_catalog.jsonb_object_keys(fairness_weight_overrides))",
	.nargs = 5,
	.argtypes = {INT4OID, CHAROID, TEXTOID, JSONBOID, TEXTARRAYOID}
};

static PgwfStatement update_order = {
	.sql = "UPDATE workflow.task_queue_config SET begun_workflows_first = $4"
	WHERE_QUEUE,
	.nargs = 4,
	.argtypes = {INT4OID, CHAROID, TEXTOID, BOOLOID}
};

static PgwfStatement delete_empty = {
	.sql = "DELETE FROM workflow.task_queue_config" WHERE_QUEUE
	" AND queue_rate_limit IS NULL"
	" AND fairness_key_rate_limit_default IS NULL"
	" AND fairness_weight_overrides IS NULL AND NOT begun_workflows_first",
	.nargs = 3,
	.argtypes = {INT4OID, CHAROID, TEXTOID}
};

#define LIMIT_JSON(column, key) \
	"CASE WHEN " column " IS NOT NULL THEN" \
	" pg_catalog.jsonb_build_object('rateLimit'," \
	"  pg_catalog.jsonb_build_object('requestsPerSecond', " column ")," \
	"  'metadata', updates -> '" key "') END"

static PgwfStatement select_config = {
	.sql = "SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object("
	"'queueRateLimit', " LIMIT_JSON("queue_rate_limit", "queueRateLimit")
	", 'fairnessKeysRateLimitDefault', "
	LIMIT_JSON("fairness_key_rate_limit_default",
			   "fairnessKeysRateLimitDefault")
	", 'fairnessWeightOverrides', fairness_weight_overrides"
	", 'begunWorkflowsFirst', NULLIF(begun_workflows_first, false)))"
	" FROM workflow.task_queue_config" WHERE_QUEUE,
	.nargs = 3,
	.argtypes = {INT4OID, CHAROID, TEXTOID}
};

/*
 * The TaskQueueConfig of a queue as it is now, {} if nothing is set.  Called
 * within pgwf_db_begin(); the result is SPI's.
 */
Jsonb *
pgwf_queue_config_json(int32 namespace_id, char kind, const char *queue)
{
	Datum		key[3];
	bool		isnull;
	PgwfObject	empty;

	key[0] = Int32GetDatum(namespace_id);
	key[1] = CharGetDatum(kind);
	key[2] = CStringGetTextDatum(queue);
	if (pgwf_db_execute(&select_config, key, NULL) > 0)
		return DatumGetJsonbP(pgwf_db_value(0, 1, &isnull));
	pgwf_object_begin(&empty);
	return pgwf_object_finish(&empty);
}

/* Who set a limit, when and why */
static Datum
update_metadata(const char *reason, const char *identity)
{
	PgwfObject	object;

	pgwf_object_begin(&object);
	pgwf_object_text(&object, "reason", reason);
	pgwf_object_text(&object, "updateIdentity", identity);
	pgwf_object_time(&object, "updateTime", GetCurrentTimestamp());
	return JsonbPGetDatum(pgwf_object_finish(&object));
}

/*
 * A limit and whether it is to be unset, arguments n and n + 1.  Returns
 * whether there is something to do; then *isnull tells that it is unset.
 */
static bool
read_limit(FunctionCallInfo fcinfo, int n, const char *name, Datum *limit,
		   bool *isnull)
{
	bool		unset = pgwf_arg_bool(fcinfo, n + 1);
	double		rate;

	*isnull = PG_ARGISNULL(n);
	*limit = Float8GetDatum(0);
	if (*isnull)
		return unset;
	if (unset)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s cannot be set and unset at once", name)));
	rate = PG_GETARG_FLOAT8(n);
	if (!(rate >= 0) || isinf(rate))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("%s must be a number that is not negative", name)));
	*limit = Float8GetDatum(rate);
	return true;
}

static void
check_fairness_key(const char *key, int length)
{
	if (length < 1 || length > PGWF_MAX_FAIRNESS_KEY_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("invalid fairness key \"%s\"", pnstrdup(key, length)),
				 errdetail("A fairness key is 1 to %d bytes long.",
						   PGWF_MAX_FAIRNESS_KEY_LENGTH)));
}

static bool
is_weight(const JsonbValue *value)
{
	Datum		weight;

	if (value->type != jbvNumeric)
		return false;
	weight = DirectFunctionCall1(numeric_float8_no_overflow,
								 NumericGetDatum(value->val.numeric));
	return DatumGetFloat8(weight) > 0;
}

/* {"fairness key": weight}; NULL if nothing is to be set */
static Jsonb *
read_weights(FunctionCallInfo fcinfo, int n)
{
	Jsonb	   *weights = pgwf_arg_jsonb(fcinfo, n);
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (weights == NULL)
		return NULL;
	if (!JB_ROOT_IS_OBJECT(weights))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("set_fairness_weight_overrides is not a JSON object")));
	iterator = JsonbIteratorInit(&weights->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			check_fairness_key(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && !is_weight(&value))
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("the weight of a fairness key must be a number greater than 0")));
	}
	return weights;
}

/* Keys to be unset; one that is not set is no error */
static bool
read_unset_keys(FunctionCallInfo fcinfo, int n, Datum *keys)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
		return false;
	*keys = PG_GETARG_DATUM(n);
	if (ARR_NDIM(DatumGetArrayTypeP(*keys)) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("unset_fairness_weight_overrides has more than one dimension")));
	deconstruct_array(DatumGetArrayTypeP(*keys), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("unset_fairness_weight_overrides must not contain nulls")));
	}
	return true;
}

static void
make_row(Datum *values)
{
	values[3] = Int64GetDatum(MAX_CONFIGS);
	(void) pgwf_db_execute(&insert_config, values, NULL);
	if (pgwf_db_execute(&lock_config, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("too many task queues are configured"),
				 errdetail("The limit is %d in a namespace.", MAX_CONFIGS)));
}

static void
set_weights(Datum *values, Jsonb *set, bool unset, Datum keys)
{
	char		nulls[6] = "     ";
	bool		isnull;

	values[3] = JsonbPGetDatum(set);
	values[4] = keys;
	if (set == NULL)
		nulls[3] = 'n';
	if (!unset)
		nulls[4] = 'n';
	(void) pgwf_db_execute(&update_weights, values, nulls);
	if (DatumGetInt64(pgwf_db_value(0, 1, &isnull)) > MAX_WEIGHT_OVERRIDES)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("too many fairness weight overrides"),
				 errdetail("The limit is %d in a task queue.",
						   MAX_WEIGHT_OVERRIDES)));
}

/*
 * update_task_queue_config(task_queue, task_queue_type, queue_rate_limit,
 *		unset_queue_rate_limit, fairness_key_rate_limit_default,
 *		unset_fairness_key_rate_limit_default, set_fairness_weight_overrides,
 *		unset_fairness_weight_overrides, begun_workflows_first, reason,
 *		identity, namespace)
 *	returns the queue's TaskQueueConfig
 *
 * What is not given stays as it is.
 */
Datum
pgwf_update_task_queue_config(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	int32		namespace_id;
	char	   *queue;
	char		kind;
	Datum		rate;
	Datum		key_rate;
	bool		rate_isnull;
	bool		key_rate_isnull;
	bool		has_rate;
	bool		has_key_rate;
	Jsonb	   *weights;
	Datum		unset_keys = (Datum) 0;
	bool		has_unset_keys;
	char	   *reason;
	char	   *identity;
	PgwfDbScope scope;
	Datum		values[5];
	Jsonb	   *config;
	Jsonb	   *result;

	namespace_id = pgwf_namespace_check(pgwf_arg_namespace(fcinfo, 11),
										PGWF_RIGHT_ADMIN);
	queue = pgwf_arg_task_queue(fcinfo, 0);
	kind = pgwf_read_queue_kind(pgwf_arg_text(fcinfo, 1));
	has_rate = read_limit(fcinfo, 2, "queue_rate_limit", &rate, &rate_isnull);
	has_key_rate = read_limit(fcinfo, 4, "fairness_key_rate_limit_default",
							  &key_rate, &key_rate_isnull);
	weights = read_weights(fcinfo, 6);
	has_unset_keys = read_unset_keys(fcinfo, 7, &unset_keys);
	reason = pgwf_arg_id(fcinfo, 9, "reason");
	identity = pgwf_arg_identity(fcinfo, 10);

	pgwf_db_begin(&scope);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = CharGetDatum(kind);
	values[2] = CStringGetTextDatum(queue);
	make_row(values);
	if (has_rate)
	{
		values[3] = rate;
		values[4] = update_metadata(reason, identity);
		(void) pgwf_db_execute(&update_rate, values,
							   rate_isnull ? "   n " : NULL);
	}
	if (has_key_rate)
	{
		values[3] = key_rate;
		values[4] = update_metadata(reason, identity);
		(void) pgwf_db_execute(&update_fairness_key_rate, values,
							   key_rate_isnull ? "   n " : NULL);
	}
	if (weights || has_unset_keys)
		set_weights(values, weights, has_unset_keys, unset_keys);
	if (!PG_ARGISNULL(8))
	{
		values[3] = PG_GETARG_DATUM(8);
		(void) pgwf_db_execute(&update_order, values, NULL);
	}
	(void) pgwf_db_execute(&delete_empty, values, NULL);

	config = pgwf_queue_config_json(namespace_id, kind, queue);
	result = MemoryContextAlloc(context, VARSIZE(config));
	memcpy(result, config, VARSIZE(config));
	pgwf_db_end(&scope);
	pgwf_xact_limits_changed();
	PG_RETURN_JSONB_P(result);
}
