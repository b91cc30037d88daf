/*-------------------------------------------------------------------------
 *
 * pgwf_calls.c
 *		Many calls in one statement: workflow.execute_calls().
 *
 * Each call is what it would be as a statement of its own: it needs the same
 * rights, has its own snapshot and moment, and sees what those before it
 * have done.  What a statement costs around the work of its function is paid
 * once, and tables stay open from call to call.
 *
 * The calls are one command of one transaction: if one fails, none of them
 * has happened.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "pgwf_args.h"
#include "pgwf_callable.h"
#include "pgwf_compat.h"
#include "pgwf_errors.h"
#include "pgwf_json.h"
#include "pgwf_table.h"

PG_FUNCTION_INFO_V1(pgwf_execute_calls);

/* Calls of one statement */
#define MAX_CALLS 1000

/* An argument of all calls that have one of its name */
typedef struct CommonArgument
{
	JsonbValue	name;
	JsonbValue	value;
	bool		used;
} CommonArgument;

/* A function that the caller may execute, and what its arguments begin as */
typedef struct Prepared
{
	const PgwfCallable *callable;
	NullableDatum args[PGWF_MAX_PARAMETERS];
	bool		given[PGWF_MAX_PARAMETERS];
} Prepared;

/* The statement, and the call that is being executed */
typedef struct Calls
{
	MemoryContext context;		/* of the statement */
	PgwfCallables *callables;
	CommonArgument common[PGWF_MAX_PARAMETERS];
	int			ncommon;
	Prepared   *prepared[PGWF_CALLABLE_COUNT];	/* NULL: not called yet */
	int			number;			/* of the call, counted from 1 */
	const char *name;			/* of its function; NULL: not known yet */
} Calls;

pg_noreturn static void
refuse(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
			 errmsg("invalid call"),
			 errdetail("%s", detail)));
}

/* Converts an argument that is not null */
static Datum
read_argument(PgwfParameter *parameter, JsonbValue *value)
{
	switch (parameter->type)
	{
		case JSONBOID:
			return JsonbPGetDatum(JsonbValueToJsonb(value));
		case BOOLOID:
			if (value->type != jbvBool)
				refuse(psprintf("Argument \"%s\" is not true or false.",
								parameter->name));
			return BoolGetDatum(value->val.boolean);
		default:
			if (value->type != jbvString)
				refuse(psprintf("Argument \"%s\" is not a string.",
								parameter->name));
			break;
	}
	if (parameter->type == TEXTOID)
		return PointerGetDatum(cstring_to_text_with_len(value->val.string.val,
														value->val.string.len));
	return InputFunctionCall(&parameter->input,
							 pnstrdup(value->val.string.val,
									  value->val.string.len),
							 parameter->type_ioparam, -1);
}

/* -1 if there is none of that name */
static int
find_parameter(const PgwfCallable *callable, const JsonbValue *key)
{
	for (int i = 0; i < callable->nparameters; i++)
	{
		if (callable->parameters[i].name_len == key->val.string.len &&
			memcmp(callable->parameters[i].name, key->val.string.val,
				   key->val.string.len) == 0)
			return i;
	}
	return -1;
}

static void
read_value(const PgwfCallable *callable, int i, JsonbValue *value,
		   NullableDatum *args)
{
	args[i].isnull = (value->type == jbvNull);
	if (!args[i].isnull)
		args[i].value = read_argument(&callable->parameters[i], value);
}

/* Whoever may call a function may have it called */
static void
check_permission(const PgwfCallable *callable)
{
	Oid			function = callable->function.fn_oid;
	AclResult	result;

	result = pgwf_proc_aclcheck(function, GetUserId(), ACL_EXECUTE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, callable->name);
	InvokeFunctionExecuteHook(function);
}

/* Arguments that no call gives have their defaults, or those of all calls */
static Prepared *
prepare(Calls *calls, const PgwfCallable *callable)
{
	MemoryContext old = MemoryContextSwitchTo(calls->context);
	Prepared   *prepared = palloc0(sizeof(Prepared));

	prepared->callable = callable;
	for (int i = 0; i < callable->nparameters; i++)
		prepared->args[i] = callable->parameters[i].default_value;
	for (int k = 0; k < calls->ncommon; k++)
	{
		CommonArgument *argument = &calls->common[k];
		int			i = find_parameter(callable, &argument->name);

		if (i < 0)
			continue;
		read_value(callable, i, &argument->value, prepared->args);
		prepared->given[i] = true;
		argument->used = true;
	}
	MemoryContextSwitchTo(old);
	return prepared;
}

/* The function of a call */
static Prepared *
find_function(Calls *calls, JsonbContainer *call)
{
	JsonbValue	value;
	const PgwfCallable *callable;
	int			number;

	if (getKeyJsonValueFromContainer(call, "call", 4, &value) == NULL ||
		value.type != jbvString)
		refuse("\"call\", the name of a function, is missing or not a string.");
	callable = pgwf_callable_find(calls->callables, value.val.string.val,
								  value.val.string.len, &number);
	if (callable == NULL)
		refuse(psprintf("\"%.*s\" is not a function that can be called.",
						value.val.string.len, value.val.string.val));
	calls->name = callable->name;
	if (calls->prepared[number] == NULL)
	{
		check_permission(callable);
		calls->prepared[number] = prepare(calls, callable);
	}
	return calls->prepared[number];
}

/* The object with the arguments, NULL if there is none */
static JsonbContainer *
find_arguments(JsonbContainer *call)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(call, "arguments", 9, &value) == NULL)
	{
		if (JsonContainerSize(call) > 1)
			refuse("It has members other than \"call\" and \"arguments\".");
		return NULL;
	}
	if (JsonContainerSize(call) > 2)
		refuse("It has members other than \"call\" and \"arguments\".");
	if (value.type != jbvBinary ||
		!JsonContainerIsObject(value.val.binary.data))
		refuse("\"arguments\" is not an object.");
	return value.val.binary.data;
}

/* A null is SQL's */
static void
read_arguments(const Prepared *prepared, JsonbContainer *arguments,
			   NullableDatum *args)
{
	const PgwfCallable *callable = prepared->callable;
	bool		given[PGWF_MAX_PARAMETERS];
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	int			i = 0;

	memcpy(args, prepared->args,
		   callable->nparameters * sizeof(NullableDatum));
	memcpy(given, prepared->given, sizeof(given));
	if (arguments)
	{
		it = JsonbIteratorInit(arguments);
		while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		{
			if (token == WJB_KEY)
			{
				i = find_parameter(callable, &value);
				if (i < 0)
					refuse(psprintf("%s has no argument \"%.*s\".",
									callable->name, value.val.string.len,
									value.val.string.val));
				given[i] = true;
			}
			else if (token == WJB_VALUE)
				read_value(callable, i, &value, args);
		}
	}
	for (i = 0; i < callable->nrequired; i++)
	{
		if (!given[i])
			refuse(psprintf("%s needs the argument \"%s\".", callable->name,
							callable->parameters[i].name));
	}
}

static void
append_column(StringInfo buf, Oid type, Datum value)
{
	switch (type)
	{
		case BOOLOID:
			appendStringInfoString(buf, DatumGetBool(value) ?
								   "true" : "false");
			break;
		case UUIDOID:
			appendStringInfo(buf, "\"%s\"",
							 pgwf_uuid_text(DatumGetUUIDP(value)));
			break;
		case JSONOID:
			appendBinaryStringInfo(buf, VARDATA_ANY(value),
								   VARSIZE_ANY_EXHDR(value));
			break;
		default:
			elog(ERROR, "cannot write a column of type %u", type);
	}
}

/* A record as an object that leaves out what is null */
static Datum
record_to_json(TupleDesc desc, HeapTupleHeader record)
{
	HeapTupleData tuple = {0};
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	StringInfoData buf;

	tuple.t_len = HeapTupleHeaderGetDatumLength(record);
	tuple.t_data = record;
	heap_deform_tuple(&tuple, desc, values, nulls);
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (nulls[i])
			continue;
		pgwf_append_json_member(&buf, NameStr(attribute->attname));
		append_column(&buf, attribute->atttypid, values[i]);
	}
	appendStringInfoChar(&buf, '}');
	return PointerGetDatum(cstring_to_text_with_len(buf.data, buf.len));
}

/* Executes a call; its result is json or null */
static Datum
execute_call(Calls *calls, const JsonbValue *value, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, PGWF_MAX_PARAMETERS);
	PgStat_FunctionCallUsage usage;
	Prepared   *prepared;
	const PgwfCallable *callable;
	JsonbContainer *call;
	Datum		result;

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		refuse("It is not an object.");
	call = value->val.binary.data;
	prepared = find_function(calls, call);
	callable = prepared->callable;
	InitFunctionCallInfoData(*fcinfo,
							 unconstify(FmgrInfo *, &callable->function),
							 callable->nparameters, DEFAULT_COLLATION_OID,
							 NULL, NULL);
	read_arguments(prepared, find_arguments(call), fcinfo->args);
	pgstat_init_function_usage(fcinfo, &usage);
	result = FunctionCallInvoke(fcinfo);
	pgstat_end_function_usage(&usage, true);

	*isnull = fcinfo->isnull || callable->result == VOIDOID;
	if (!*isnull && callable->columns)
		result = record_to_json(callable->columns,
								DatumGetHeapTupleHeader(result));
	return result;
}

/* Tells which call an error comes from */
static void
call_context(void *arg)
{
	Calls	   *calls = arg;

	if (calls->name)
		errcontext("call %d, %s", calls->number, calls->name);
	else if (calls->number > 0)
		errcontext("call %d", calls->number);
}

static void
read_common(Calls *calls, Jsonb *arguments)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (arguments == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(arguments))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("arguments is not an object")));
	if (JB_ROOT_COUNT(arguments) > PGWF_MAX_PARAMETERS)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("too many arguments"),
				 errdetail("There are %d, the limit is %d.",
						   JB_ROOT_COUNT(arguments), PGWF_MAX_PARAMETERS)));
	it = JsonbIteratorInit(&arguments->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			calls->common[calls->ncommon].name = value;
		else if (token == WJB_VALUE)
			calls->common[calls->ncommon++].value = value;
	}
}

/* An argument that no call has is a mistake */
static void
check_common(const Calls *calls)
{
	for (int i = 0; i < calls->ncommon; i++)
	{
		const CommonArgument *argument = &calls->common[i];

		if (!argument->used && calls->number > 0)
			ereport(ERROR,
					(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
					 errmsg("none of the calls has the argument \"%.*s\"",
							argument->name.val.string.len,
							argument->name.val.string.val)));
	}
}

static void
execute_calls(Jsonb *list, Jsonb *arguments, ReturnSetInfo *rsinfo)
{
	Calls		calls = {0};
	ErrorContextCallback callback;
	MemoryContext call_memory;
	MemoryContext old;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	calls.context = CurrentMemoryContext;
	calls.callables = pgwf_callables();
	read_common(&calls, arguments);
	callback.callback = call_context;
	callback.arg = &calls;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	it = JsonbIteratorInit(&list->root);
	call_memory = AllocSetContextCreate(CurrentMemoryContext,
										"pg_workflow one of the calls",
										ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(call_memory);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		Datum		result;
		bool		isnull;

		if (token != WJB_ELEM)
			continue;
		CHECK_FOR_INTERRUPTS();
		calls.number++;
		calls.name = NULL;
		result = execute_call(&calls, &value, &isnull);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &result,
							 &isnull);
		MemoryContextReset(call_memory);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(call_memory);
	error_context_stack = callback.previous;
	check_common(&calls);
}

/*
 * execute_calls(calls, arguments)
 *	returns the result of each call, in their order
 */
Datum
pgwf_execute_calls(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Jsonb	   *list = pgwf_arg_jsonb(fcinfo, 0);
	PgwfOpen	open;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (list == NULL || !JB_ROOT_IS_ARRAY(list) || JB_ROOT_IS_SCALAR(list))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("calls is not an array")));
	if (JB_ROOT_COUNT(list) > MAX_CALLS)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("too many calls"),
				 errdetail("There are %d, the limit is %d.",
						   JB_ROOT_COUNT(list), MAX_CALLS)));

	pgwf_open_share(&open);
	PG_TRY();
	{
		execute_calls(list, pgwf_arg_jsonb(fcinfo, 1), rsinfo);
	}
	PG_FINALLY();
	{
		pgwf_open_unshare(&open);
	}
	PG_END_TRY();
	pgwf_open_close(&open);
	return (Datum) 0;
}
