/*-------------------------------------------------------------------------
 *
 * pgwf_filter_sql.h
 *		Filters over runs or schedules, checked against the search attributes
 *		of a namespace and turned into SQL.
 *
 * The functions raise PW003 for what is no filter in the namespace; none of
 * them checks rights.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_FILTER_SQL_H
#define PGWF_FILTER_SQL_H

#include "lib/stringinfo.h"

#include "pgwf_filter_parse.h"

/* What is filtered */
typedef enum PgwfFilterScope
{
	PGWF_FILTER_RUNS,
	PGWF_FILTER_OPEN_RUNS,
	PGWF_FILTER_CLOSED_RUNS,
	PGWF_FILTER_SCHEDULES
} PgwfFilterScope;

/*
 * A condition over the tables of pgwf_filter_from(), with its parameters; $1
 * is the namespace.  The caller may append more of both.
 */
typedef struct PgwfFilter
{
	PgwfFilterScope scope;
	int32		namespace_id;
	const PgwfFilterTree *tree;
	bool		never_open;		/* it is known to match no open run */
	bool		never_closed;	/* nor a closed one */
	bool		by_close_time;	/* it narrows down the time of the close */
	StringInfoData sql;			/* a condition, in parentheses */
	int			nargs;
	int			max_args;
	Oid		   *types;
	Datum	   *values;
} PgwfFilter;

#define PGWF_FILTER_FROM_SCHEDULES \
	" FROM workflow.schedule AS e WHERE e.namespace_id = $1 AND "

extern const char *pgwf_filter_from(PgwfFilterScope scope);

extern void pgwf_filter_compile(PgwfFilter *filter, PgwfFilterScope scope,
								int32 namespace_id, const char *query);
extern void pgwf_filter_compile_runs(PgwfFilter *filter, int32 namespace_id,
									 const char *query);
extern int	pgwf_filter_param(PgwfFilter *filter, Oid type, Datum value);

/*
 * For operations on all runs that match a query.
 *
 * pgwf_filter_check() raises an error unless "query" is a filter without
 * GROUP BY.  pgwf_filter_count() tells how many runs match now.
 *
 * pgwf_filter_select() puts the run_keys of up to "limit" matching runs into
 * run_keys[] and returns their number, smallest first and only those larger
 * than after_run_key (0 for the first page).  The last of a page is the
 * after_run_key of the next one; fewer than "limit" are the last page.  Since
 * run_keys never change and grow with the start of runs, pages may be read in
 * different transactions, while the runs are changed: no run is met twice,
 * and none that goes on matching is missed.  Runs that start meanwhile come
 * last.  Rows are not locked; who changes a run locks it and looks again.
 */
extern void pgwf_filter_check(int32 namespace_id, const char *query);
extern int64 pgwf_filter_count(int32 namespace_id, const char *query);
extern int	pgwf_filter_select(int32 namespace_id, const char *query,
							   int64 after_run_key, int limit,
							   int64 *run_keys);

#endif							/* PGWF_FILTER_SQL_H */
