/*-------------------------------------------------------------------------
 *
 * pgwf_priority.h
 *		Priorities: what a caller asks for, and where that puts a task in its
 *		queue.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_PRIORITY_H
#define PGWF_PRIORITY_H

#include "pgwf_json.h"
#include "pgwf_store.h"

#define PGWF_DEFAULT_PRIORITY		3
#define PGWF_MIN_FAIRNESS_WEIGHT	0.001
#define PGWF_MAX_FAIRNESS_WEIGHT	1000.0
#define PGWF_MAX_FAIRNESS_KEY_LENGTH 64

/*
 * The rank of a task is its class, and within the class its pass.  A class is
 * a priority, and in it the first workflow tasks of runs that have not begun
 * where their queue lets the others go first.  Passes are what fairness
 * counts in: 0 in a queue without fairness keys.
 */
#define PGWF_PASS_BITS				59
#define PGWF_MAX_PASS				((INT64CONST(1) << PGWF_PASS_BITS) - 1)
#define PGWF_RANK(class_, pass) \
	(((int64) (class_) << PGWF_PASS_BITS) | (int64) (pass))
#define PGWF_RANK_CLASS(rank)		((int) ((rank) >> PGWF_PASS_BITS))
#define PGWF_RANK_PASS(rank)		((rank) & PGWF_MAX_PASS)
#define PGWF_RANK_PRIORITY(rank)	(PGWF_RANK_CLASS(rank) / 2)
#define PGWF_CLASS(priority, not_begun) \
	(2 * (int) (priority) + ((not_begun) ? 1 : 0))
#define PGWF_CLASSES				12

/* What a priority says; 0 and NULL: nothing */
typedef struct PgwfPriority
{
	int			key;
	char	   *fairness_key;
	double		fairness_weight;
} PgwfPriority;

extern char *pgwf_priority_read(PgwfPriority *priority, const Jsonb *value);
extern void pgwf_priority_check(const Jsonb *value);
extern Jsonb *pgwf_priority_inherit(Jsonb *own, const Jsonb *inherited);
extern void pgwf_place_init(PgwfPlace *place, const Jsonb *priority);

#endif							/* PGWF_PRIORITY_H */
