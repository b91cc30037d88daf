/*-------------------------------------------------------------------------
 *
 * pgwf_callable.h
 *		The functions that workflow.execute_calls() executes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CALLABLE_H
#define PGWF_CALLABLE_H

#include "access/tupdesc.h"
#include "fmgr.h"

/* An argument, and its value when it is not given */
typedef struct PgwfParameter
{
	const char *name;
	int			name_len;
	Oid			type;
	FmgrInfo	input;			/* of its type, unless text, jsonb, boolean */
	Oid			type_ioparam;
	NullableDatum default_value;
} PgwfParameter;

/* A function, with what pg_proc says of it */
typedef struct PgwfCallable
{
	const char *name;
	FmgrInfo	function;
	int			nparameters;
	int			nrequired;		/* the first ones have no default */
	PgwfParameter *parameters;
	Oid			result;			/* void, json or record */
	TupleDesc	columns;		/* of a record */
} PgwfCallable;

/* More than any of the functions has */
#define PGWF_MAX_PARAMETERS 32

/* How many there are */
#define PGWF_CALLABLE_COUNT 17

typedef struct PgwfCallables PgwfCallables;

extern PgwfCallables *pgwf_callables(void);
extern const PgwfCallable *pgwf_callable_find(PgwfCallables *callables,
											  const char *name, int len,
											  int *number);

#endif							/* PGWF_CALLABLE_H */
