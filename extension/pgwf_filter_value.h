/*-------------------------------------------------------------------------
 *
 * pgwf_filter_value.h
 *		What one comparison of a filter compares: a search attribute, and
 *		values of its type as parameters.
 *
 * Shared by pgwf_filter_value.c and pgwf_filter_sql.c only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_FILTER_VALUE_H
#define PGWF_FILTER_VALUE_H

#include "pgwf_filter_sql.h"
#include "pgwf_search_attribute.h"

/* How a system attribute is kept and compared */
typedef enum PgwfColumnKind
{
	PGWF_COLUMN_TEXT,
	PGWF_COLUMN_UUID,
	PGWF_COLUMN_STATUS,
	PGWF_COLUMN_TIME,
	PGWF_COLUMN_INT,
	PGWF_COLUMN_BOOL,
	PGWF_COLUMN_DURATION		/* in nanoseconds */
} PgwfColumnKind;

typedef struct PgwfColumn
{
	const char *name;
	PgwfColumnKind kind;
	const char *sql;
	const char *open_sql;		/* of open runs; NULL: the same */
	const char *closed_sql;		/* of closed runs */
} PgwfColumn;

/* The value of a column for what is filtered */
extern const char *pgwf_filter_column_sql(PgwfFilterScope scope,
										  const PgwfColumn *column);

/* The search attribute of one comparison */
typedef struct PgwfSubject
{
	PgwfSearchType type;
	const PgwfColumn *column;	/* NULL: it is among search_attributes */
	const char *sql;			/* the value to be compared */
	Oid			param_type;		/* of what it is compared with */
} PgwfSubject;

/* The search attribute that is compared; PW003 if the namespace has none */
extern void pgwf_filter_subject(PgwfFilter *filter,
								const PgwfFilterNode *node,
								PgwfSubject *subject);

/* PW003 unless attributes of its type have the operator */
extern void pgwf_filter_check_operator(PgwfFilter *filter,
									   const PgwfFilterNode *node,
									   const PgwfSubject *subject);

/* A value as subject->param_type; PW003 if it is none of the type */
extern Datum pgwf_filter_convert(PgwfFilter *filter,
								 const PgwfFilterNode *node,
								 const PgwfFilterValue *value,
								 const PgwfSubject *subject);

/* The number of the parameter that has value n, or an array of them all */
extern int	pgwf_filter_param_of_value(PgwfFilter *filter,
									   const PgwfFilterNode *node, int n,
									   const PgwfSubject *subject);
extern int	pgwf_filter_param_of_array(PgwfFilter *filter,
									   const PgwfFilterNode *node,
									   const PgwfSubject *subject);

/* The name of a status that is given by name or number; NULL: there is none */
extern const char *pgwf_filter_status(const PgwfFilterValue *value);

#endif							/* PGWF_FILTER_VALUE_H */
