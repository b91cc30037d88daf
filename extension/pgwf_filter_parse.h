/*-------------------------------------------------------------------------
 *
 * pgwf_filter_parse.h
 *		The language of filters over runs: from text to a tree.
 *
 * A filter is what list_workflow_executions() and its like take as "query":
 *
 *		filter:      [condition] [GROUP BY name]
 *		condition:   condition OR condition | condition AND condition
 *					 | NOT condition | "(" condition ")" | comparison
 *		comparison:  name (= | != | <> | < | > | <= | >=) value
 *					 | name [NOT] IN "(" value [, value ...] ")"
 *					 | name [NOT] BETWEEN value AND value
 *					 | name [NOT] STARTS_WITH value
 *					 | name IS [NOT] NULL
 *
 * NOT binds closer than AND, AND closer than OR.  A name is an identifier,
 * or anything in backticks.  A value is a string in single or double quotes
 * (a quote within is doubled or follows a backslash), a number, TRUE or
 * FALSE.  Keywords may be written in either case.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_FILTER_PARSE_H
#define PGWF_FILTER_PARSE_H

#include "nodes/pg_list.h"

#include "pgwf_compat.h"

/* Limits of a filter: bytes, depth of parentheses and NOT, comparisons */
#define PGWF_FILTER_MAX_LENGTH		65536
#define PGWF_FILTER_MAX_DEPTH		100
#define PGWF_FILTER_MAX_COMPARISONS 1000

typedef enum PgwfFilterOperator
{
	PGWF_FILTER_EQ,
	PGWF_FILTER_NE,
	PGWF_FILTER_LT,
	PGWF_FILTER_GT,
	PGWF_FILTER_LE,
	PGWF_FILTER_GE,
	PGWF_FILTER_IN,
	PGWF_FILTER_NOT_IN,
	PGWF_FILTER_STARTS_WITH,
	PGWF_FILTER_NOT_STARTS_WITH,
	PGWF_FILTER_BETWEEN,
	PGWF_FILTER_NOT_BETWEEN,
	PGWF_FILTER_IS_NULL,
	PGWF_FILTER_IS_NOT_NULL
} PgwfFilterOperator;

typedef enum PgwfFilterValueKind
{
	PGWF_FILTER_STRING,
	PGWF_FILTER_INTEGER,		/* digits with or without a sign */
	PGWF_FILTER_DECIMAL,		/* any other number */
	PGWF_FILTER_BOOL
} PgwfFilterValueKind;

typedef struct PgwfFilterValue
{
	PgwfFilterValueKind kind;
	char	   *text;			/* of a bool: "true" or "false" */
	int			position;
} PgwfFilterValue;

typedef enum PgwfFilterNodeKind
{
	PGWF_FILTER_AND,
	PGWF_FILTER_OR,
	PGWF_FILTER_NOT,
	PGWF_FILTER_COMPARE
} PgwfFilterNodeKind;

/* Positions are bytes from the beginning of the text */
typedef struct PgwfFilterNode
{
	PgwfFilterNodeKind kind;
	List	   *args;			/* of AND, OR, NOT: PgwfFilterNode */

	/* of COMPARE */
	char	   *name;
	int			name_position;
	PgwfFilterOperator operator;
	int			operator_position;
	List	   *values;			/* PgwfFilterValue */
} PgwfFilterNode;

typedef struct PgwfFilterTree
{
	const char *text;
	PgwfFilterNode *condition;	/* NULL: every run */
	char	   *group_by;		/* NULL: none */
	int			group_by_position;
} PgwfFilterTree;

extern PgwfFilterTree *pgwf_filter_parse(const char *text);
extern const char *pgwf_filter_operator_name(PgwfFilterOperator operator);
pg_noreturn extern void pgwf_filter_error(const char *text, int position,
										  const char *hint,
										  const char *format,...)
			pg_attribute_printf(4, 5);

#endif							/* PGWF_FILTER_PARSE_H */
