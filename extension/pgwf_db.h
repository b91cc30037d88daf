/*-------------------------------------------------------------------------
 *
 * pgwf_db.h
 *		SQL run by the extension itself: as its owner, with a search_path of
 *		its own, through plans saved for the life of the backend.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_DB_H
#define PGWF_DB_H

#include "executor/spi.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define PGWF_DB_MAX_ARGS	8

/*
 * A statement and its plan: a static variable of the file that runs it,
 * with sql, nargs and argtypes filled in.
 *
 * Argument types must be built in, because those of the extension get new
 * OIDs when it is dropped and created again.  Everything else of a saved plan
 * is found anew by name when its relations change, that included.
 */
typedef struct PgwfStatement
{
	const char *sql;
	int			nargs;
	Oid			argtypes[PGWF_DB_MAX_ARGS];
	SPIPlanPtr	plan;			/* NULL until the first use */
} PgwfStatement;

/* What pgwf_db_begin changed, for pgwf_db_end to undo */
typedef struct PgwfDbScope
{
	Oid			user_id;
	int			sec_context;
	int			guc_level;
} PgwfDbScope;

extern void pgwf_db_begin(PgwfDbScope *scope);
extern void pgwf_db_end(PgwfDbScope *scope);

extern uint64 pgwf_db_query(PgwfStatement *statement, Datum *values,
							const char *nulls, long limit);
extern uint64 pgwf_db_execute(PgwfStatement *statement, Datum *values,
							  const char *nulls);
extern void pgwf_db_utility(const char *command);
extern uint64 pgwf_db_search(const char *sql, int nargs, Oid *types,
							 Datum *values, const char *nulls, long limit);

extern Datum pgwf_db_value(uint64 row, int column, bool *isnull);
extern char *pgwf_db_text(uint64 row, int column);
extern bool pgwf_db_bool(uint64 row, int column);
extern int32 pgwf_db_int32(uint64 row, int column);
extern int64 pgwf_db_int64(uint64 row, int column);
extern TimestampTz pgwf_db_time(uint64 row, int column);
extern pg_uuid_t *pgwf_db_uuid(uint64 row, int column);
extern Jsonb *pgwf_db_jsonb(uint64 row, int column);
extern Datum pgwf_db_copy(uint64 row, int column, MemoryContext context,
						  bool *isnull);

#endif							/* PGWF_DB_H */
