/*-------------------------------------------------------------------------
 *
 * pgwf_queue_config.c
 *		What administrators have set for task queues: the backend's cache of
 *		workflow.task_queue_config.
 *
 * The table is small and read whole, by a catalog-style scan, which always
 * sees the newest rows.  The cache is thrown away when the table changes: a
 * trigger sends a relcache invalidation, as for workflow.namespace.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "pgwf_catalog.h"
#include "pgwf_errors.h"
#include "pgwf_queue_config.h"
#include "pgwf_shmem.h"

#define TYPE_PREFIX		"TASK_QUEUE_TYPE_"

/* Columns of the table */
#define NAMESPACE_ID		1
#define KIND				2
#define BEGUN_FIRST			3
#define TASK_QUEUE			4
#define RATE				5
#define FAIRNESS_KEY_RATE	6
#define WEIGHTS				7

/* Configurations by the key of their queue */
typedef struct Entry
{
	uint64		key;
	PgwfQueueConfig config;
} Entry;

static uint64 current_generation = 1;
static uint64 cache_generation = 0;
static MemoryContext cache_context = NULL;
static HTAB *configs = NULL;	/* NULL: no queue has one */
static Oid	table_oid = InvalidOid;

static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == table_oid)
		current_generation++;
}

void
pgwf_queue_config_forget(void)
{
	current_generation++;
}

static int
compare_weights(const void *a, const void *b)
{
	return strcmp(((const PgwfWeightOverride *) a)->fairness_key,
				  ((const PgwfWeightOverride *) b)->fairness_key);
}

/* {"fairness key": weight} */
static void
read_weights(PgwfQueueConfig *config, Jsonb *jsonb)
{
	PgwfWeightOverride *weights;
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			count = 0;

	weights = palloc(JB_ROOT_COUNT(jsonb) * sizeof(PgwfWeightOverride));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			weights[count].fairness_key =
				pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
			weights[count++].weight =
				DatumGetFloat8(DirectFunctionCall1(numeric_float8,
												   NumericGetDatum(value.val.numeric)));
	}
	qsort(weights, count, sizeof(PgwfWeightOverride), compare_weights);
	config->weight_count = count;
	config->weights = weights;
}

static double
read_rate(HeapTuple tuple, int column, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? -1 : DatumGetFloat8(value);
}

static void
read_row(HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	int32		namespace_id;
	char		kind;
	char	   *queue;
	uint64		key;
	Entry	   *entry;
	Datum		weights;

	namespace_id = DatumGetInt32(heap_getattr(tuple, NAMESPACE_ID, desc,
											  &isnull));
	kind = DatumGetChar(heap_getattr(tuple, KIND, desc, &isnull));
	queue = TextDatumGetCString(heap_getattr(tuple, TASK_QUEUE, desc,
											 &isnull));
	key = pgwf_shmem_queue_key(namespace_id, kind, queue, 0);
	entry = hash_search(configs, &key, HASH_ENTER, NULL);
	memset(&entry->config, 0, sizeof(PgwfQueueConfig));
	entry->config.begun_first = DatumGetBool(heap_getattr(tuple, BEGUN_FIRST,
														  desc, &isnull));
	entry->config.rate = read_rate(tuple, RATE, desc);
	entry->config.fairness_key_rate = read_rate(tuple, FAIRNESS_KEY_RATE,
												desc);
	weights = heap_getattr(tuple, WEIGHTS, desc, &isnull);
	if (!isnull)
		read_weights(&entry->config, DatumGetJsonbP(weights));
}

static void
load(void)
{
	static bool registered = false;
	Relation	relation;
	SysScanDesc scan;
	HeapTuple	tuple;
	MemoryContext old;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		registered = true;
	}
	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(CacheMemoryContext,
											  "pg_workflow task queues",
											  ALLOCSET_SMALL_SIZES);

	/* what happens from here on makes what is read old; a failure, too */
	cache_generation = current_generation;
	table_oid = pgwf_relation_oid(PGWF_TASK_QUEUE_CONFIG);
	configs = NULL;
	MemoryContextReset(cache_context);
	old = MemoryContextSwitchTo(cache_context);
	PG_TRY();
	{
		relation = table_open(table_oid, AccessShareLock);
		scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			if (configs == NULL)
			{
				HASHCTL		info = {0};

				info.hcxt = cache_context;
				info.keysize = sizeof(uint64);
				info.entrysize = sizeof(Entry);
				configs = hash_create("pg_workflow task queues", 16, &info,
									  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
			}
			read_row(tuple, RelationGetDescr(relation));
		}
		systable_endscan(scan);
		table_close(relation, AccessShareLock);
	}
	PG_CATCH();
	{
		current_generation++;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
}

const PgwfQueueConfig *
pgwf_queue_config(int32 namespace_id, char kind, const char *queue)
{
	uint64		key;
	Entry	   *entry;

	if (cache_generation != current_generation)
		load();
	if (configs == NULL)
		return NULL;
	key = pgwf_shmem_queue_key(namespace_id, kind, queue, 0);
	entry = hash_search(configs, &key, HASH_FIND, NULL);
	return entry ? &entry->config : NULL;
}

double
pgwf_queue_config_weight(const PgwfQueueConfig *config,
						 const char *fairness_key)
{
	PgwfWeightOverride key = {fairness_key, 0};
	const PgwfWeightOverride *found;

	if (config == NULL || config->weight_count == 0)
		return 0;
	found = bsearch(&key, config->weights, config->weight_count,
					sizeof(PgwfWeightOverride), compare_weights);
	return found ? found->weight : 0;
}

char
pgwf_read_queue_kind(const char *type)
{
	if (type == NULL)
		return PGWF_QUEUE_WORKFLOW;
	if (strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) == 0)
		type += strlen(TYPE_PREFIX);
	if (strcmp(type, "ACTIVITY") == 0)
		return PGWF_QUEUE_ACTIVITY;
	if (strcmp(type, "WORKFLOW") != 0 && strcmp(type, "UNSPECIFIED") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("unknown task_queue_type \"%s\"", type),
				 errhint("The types are WORKFLOW and ACTIVITY.")));
	return PGWF_QUEUE_WORKFLOW;
}
