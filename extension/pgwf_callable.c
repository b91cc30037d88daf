/*-------------------------------------------------------------------------
 *
 * pgwf_callable.c
 *		The functions that workflow.execute_calls() executes: which they are,
 *		and their arguments and defaults as pg_proc has them.
 *
 * Owns the backend's cache of that.  A function is read when it is called
 * for the first time; the cache is thrown away whole when any row of pg_proc
 * changes, or a schema.  Who uses it at that moment keeps it: it lives on to
 * the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pgwf_callable.h"

/* In the order in which they are looked for */
static const char *const callable_names[PGWF_CALLABLE_COUNT] = {
	"respond_workflow_task_completed",
	"respond_activity_task_completed",
	"start_workflow_execution",
	"signal_workflow_execution",
	"signal_with_start_workflow_execution",
	"request_cancel_workflow_execution",
	"terminate_workflow_execution",
	"respond_activity_task_failed",
	"respond_activity_task_canceled",
	"respond_activity_task_completed_by_id",
	"respond_activity_task_failed_by_id",
	"respond_activity_task_canceled_by_id",
	"respond_workflow_task_failed",
	"respond_query_task_completed",
	"record_activity_task_heartbeat",
	"record_activity_task_heartbeat_by_id",
	"shutdown_worker"
};

struct PgwfCallables
{
	MemoryContext context;
	PgwfCallable *known[PGWF_CALLABLE_COUNT];	/* NULL: not read yet */
};

static PgwfCallables *current = NULL;
static bool current_is_old = false;

static void
catalog_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	current_is_old = true;
}

/* What is known of the functions, for the rest of the transaction */
PgwfCallables *
pgwf_callables(void)
{
	static bool registered = false;
	MemoryContext context;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(PROCOID, catalog_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, catalog_changed,
									  (Datum) 0);
		registered = true;
	}
	if (current && current_is_old)
	{
		MemoryContextSetParent(current->context, TopTransactionContext);
		current = NULL;
	}
	if (current == NULL)
	{
		current_is_old = false;
		context = AllocSetContextCreate(CacheMemoryContext,
										"pg_workflow callable functions",
										ALLOCSET_SMALL_SIZES);
		current = MemoryContextAllocZero(context, sizeof(PgwfCallables));
		current->context = context;
	}
	return current;
}

/* The row of pg_proc of one of our functions, which have no overloads */
static HeapTuple
find_function(const char *name)
{
	Oid			schema = get_namespace_oid("workflow", false);
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP,
										   CStringGetDatum(name));
	HeapTuple	found = NULL;

	for (int i = 0; i < list->n_members; i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;

		if (((Form_pg_proc) GETSTRUCT(tuple))->pronamespace != schema)
			continue;
		if (found)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_FUNCTION),
					 errmsg("function workflow.%s is not unique", name)));
		found = heap_copytuple(tuple);
	}
	ReleaseSysCacheList(list);
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function workflow.%s does not exist", name)));
	return found;
}

static void
read_parameters(PgwfCallable *callable, HeapTuple tuple)
{
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			count = get_func_arg_info(tuple, &types, &names, &modes);

	if (((Form_pg_proc) GETSTRUCT(tuple))->pronargs > PGWF_MAX_PARAMETERS)
		elog(ERROR, "function %s has too many arguments", callable->name);
	callable->parameters = palloc0(PGWF_MAX_PARAMETERS *
								   sizeof(PgwfParameter));
	for (int i = 0; i < count; i++)
	{
		PgwfParameter *parameter;
		Oid			input;

		if (modes && modes[i] != PROARGMODE_IN)
			continue;
		parameter = &callable->parameters[callable->nparameters++];
		parameter->name = names[i];
		parameter->name_len = (int) strlen(names[i]);
		parameter->type = types[i];
		parameter->default_value.isnull = true;
		getTypeInputInfo(types[i], &input, &parameter->type_ioparam);
		fmgr_info_cxt(input, &parameter->input, CurrentMemoryContext);
	}
}

static void
read_defaults(PgwfCallable *callable, HeapTuple tuple)
{
	Datum		source;
	bool		isnull;
	List	   *defaults;
	PgwfParameter *parameter;
	ListCell   *lc;

	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargdefaults,
							 &isnull);
	callable->nrequired = callable->nparameters;
	if (isnull)
		return;
	defaults = castNode(List, stringToNode(TextDatumGetCString(source)));
	callable->nrequired -= list_length(defaults);
	parameter = &callable->parameters[callable->nrequired];
	foreach(lc, defaults)
	{
		Const	   *value = (Const *) eval_const_expressions(NULL, lfirst(lc));

		if (!IsA(value, Const))
			elog(ERROR, "default of argument \"%s\" of function %s is not constant",
				 parameter->name, callable->name);
		parameter->default_value.value = value->constvalue;
		parameter->default_value.isnull = value->constisnull;
		parameter++;
	}
}

/* In the memory of the cache */
static PgwfCallable *
read_callable(PgwfCallables *callables, const char *name)
{
	MemoryContext old = MemoryContextSwitchTo(callables->context);
	PgwfCallable *callable = palloc0(sizeof(PgwfCallable));
	HeapTuple	tuple = find_function(name);
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);

	callable->name = name;
	fmgr_info_cxt(proc->oid, &callable->function, callables->context);
	read_parameters(callable, tuple);
	read_defaults(callable, tuple);
	(void) get_func_result_type(proc->oid, &callable->result,
								&callable->columns);
	MemoryContextSwitchTo(old);
	return callable;
}

/* NULL if that is none of them.  *number is its place among them. */
const PgwfCallable *
pgwf_callable_find(PgwfCallables *callables, const char *name, int len,
				   int *number)
{
	for (int i = 0; i < PGWF_CALLABLE_COUNT; i++)
	{
		if (strncmp(callable_names[i], name, len) != 0 ||
			callable_names[i][len] != '\0')
			continue;
		if (callables->known[i] == NULL)
			callables->known[i] = read_callable(callables,
												callable_names[i]);
		*number = i;
		return callables->known[i];
	}
	return NULL;
}
