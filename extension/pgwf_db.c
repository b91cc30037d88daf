/*-------------------------------------------------------------------------
 *
 * pgwf_db.c
 *		SQL run by the extension itself.
 *
 * The one file that opens SPI.  Statements run between pgwf_db_begin and
 * pgwf_db_end, with these things changed:
 *
 * - The user is the owner of the extension's tables, which are closed to
 *   everyone else.  SECURITY_LOCAL_USERID_CHANGE keeps statements from
 *   setting a role in between.
 * - search_path is "pg_catalog, pg_temp", so that no object of the caller's
 *   can take the place of an operator or a function.
 * - Sequential and bitmap scans are off: the tables have an index for every
 *   statement, and plans must not be made for the few rows they hold when
 *   the plan is made.  So is JIT: a plan that has no index to use, in the
 *   catalogs, would seem to be worth it.
 *
 * When a statement fails, the abort of the transaction or subtransaction
 * puts all back and closes SPI, so nobody needs to catch the error.
 *
 * Takes no locks but those of the statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"

#include "pgwf_catalog.h"
#include "pgwf_db.h"
#include "pgwf_json.h"

static void set_guc(const char *name, const char *value);
static void prepare_statement(PgwfStatement *statement);

/*
 * Become the owner and connect to SPI.  Until pgwf_db_end, allocations go to
 * SPI's memory context; values for later must be copied out.
 */
void
pgwf_db_begin(PgwfDbScope *scope)
{
	Oid			owner = pgwf_owner();
	int			rc;

	GetUserIdAndSecContext(&scope->user_id, &scope->sec_context);
	SetUserIdAndSecContext(owner,
						   scope->sec_context | SECURITY_LOCAL_USERID_CHANGE);

	scope->guc_level = NewGUCNestLevel();
	set_guc("search_path", "pg_catalog, pg_temp");
	set_guc("enable_seqscan", "off");
	set_guc("enable_bitmapscan", "off");
	set_guc("jit", "off");

	rc = SPI_connect();
	if (rc != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed: %s", SPI_result_code_string(rc));
}

/*
 * Undo pgwf_db_begin.
 */
void
pgwf_db_end(PgwfDbScope *scope)
{
	int			rc = SPI_finish();

	if (rc != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed: %s", SPI_result_code_string(rc));

	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->user_id, scope->sec_context);
}

/*
 * Run a SELECT with the caller's snapshot, at most "limit" rows of it (0 is
 * all).  Returns the number of rows; they are in SPI_tuptable.
 */
uint64
pgwf_db_query(PgwfStatement *statement, Datum *values, const char *nulls,
			  long limit)
{
	int			rc;

	prepare_statement(statement);
	rc = SPI_execute_plan(statement->plan, values, nulls, true, limit);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed: %s",
			 SPI_result_code_string(rc));
	return SPI_processed;
}

/*
 * Run a statement that changes rows, with or without RETURNING.  Returns the
 * number of rows.
 */
uint64
pgwf_db_execute(PgwfStatement *statement, Datum *values, const char *nulls)
{
	int			rc;

	prepare_statement(statement);
	rc = SPI_execute_plan(statement->plan, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan failed: %s",
			 SPI_result_code_string(rc));
	return SPI_processed;
}

/*
 * Run a command that has no plan, such as GRANT.  Its text must be safe:
 * names quoted, nothing of a user's pasted in.
 */
void
pgwf_db_utility(const char *command)
{
	int			rc = SPI_execute(command, false, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
}

/*
 * Run a SELECT that was made for these values: its text must be safe, with
 * every value a parameter.  It is planned now, for the rows that are there,
 * and by any kind of scan.
 */
uint64
pgwf_db_search(const char *sql, int nargs, Oid *types, Datum *values,
			   const char *nulls, long limit)
{
	int			guc_level = NewGUCNestLevel();
	int			rc;

	set_guc("enable_seqscan", "on");
	set_guc("enable_bitmapscan", "on");
	rc = SPI_execute_with_args(sql, nargs, types, values, nulls, true, limit);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed: %s",
			 SPI_result_code_string(rc));
	AtEOXact_GUC(false, guc_level);
	return SPI_processed;
}

/*
 * A value of the last statement's result, valid until the next one.
 */
Datum
pgwf_db_value(uint64 row, int column, bool *isnull)
{
	Assert(row < SPI_tuptable->numvals);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, isnull);
}

/*
 * Values of known types, texts and documents copied to the current memory
 * context; null is NULL, 0, false or no time.
 */

char *
pgwf_db_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pgwf_db_value(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

bool
pgwf_db_bool(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pgwf_db_value(row, column, &isnull);

	return !isnull && DatumGetBool(value);
}

int32
pgwf_db_int32(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pgwf_db_value(row, column, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

int64
pgwf_db_int64(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pgwf_db_value(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

TimestampTz
pgwf_db_time(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pgwf_db_value(row, column, &isnull);

	return isnull ? PGWF_NO_TIME : DatumGetTimestampTz(value);
}

/* This one is not copied: it is valid until the next statement */
pg_uuid_t *
pgwf_db_uuid(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pgwf_db_value(row, column, &isnull);

	return isnull ? NULL : DatumGetUUIDP(value);
}

Jsonb *
pgwf_db_jsonb(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pgwf_db_value(row, column, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

/*
 * Any value, copied to a memory context that outlives SPI.
 */
Datum
pgwf_db_copy(uint64 row, int column, MemoryContext context, bool *isnull)
{
	Datum		value = pgwf_db_value(row, column, isnull);
	Form_pg_attribute attribute;
	MemoryContext old_context;

	if (*isnull)
		return (Datum) 0;
	attribute = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);
	old_context = MemoryContextSwitchTo(context);
	if (attribute->attlen == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	else
		value = datumCopy(value, attribute->attbyval, attribute->attlen);
	MemoryContextSwitchTo(old_context);
	return value;
}

static void
set_guc(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Make a statement's plan unless this backend has it already.  The generic
 * plan is asked for: a statement here is meant to have one good plan.
 */
static void
prepare_statement(PgwfStatement *statement)
{
	SPIPlanPtr	plan;

	if (statement->plan != NULL)
		return;
	Assert(statement->nargs <= PGWF_DB_MAX_ARGS);
	plan = SPI_prepare_cursor(statement->sql, statement->nargs,
							  statement->argtypes, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s",
			 SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	statement->plan = plan;
}
