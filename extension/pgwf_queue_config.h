/*-------------------------------------------------------------------------
 *
 * pgwf_queue_config.h
 *		What administrators have set for task queues.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_QUEUE_CONFIG_H
#define PGWF_QUEUE_CONFIG_H

#include "utils/jsonb.h"

/* A weight that takes the place of those that tasks have */
typedef struct PgwfWeightOverride
{
	const char *fairness_key;
	double		weight;
} PgwfWeightOverride;

/* A queue's row of workflow.task_queue_config; rates are tasks per second */
typedef struct PgwfQueueConfig
{
	double		rate;			/* -1: not set */
	double		fairness_key_rate;	/* -1: not set */
	bool		begun_first;
	int			weight_count;
	const PgwfWeightOverride *weights;	/* by fairness key */
} PgwfQueueConfig;

/*
 * The configuration of a queue, NULL if it has none.  Valid until the next
 * command; costs nothing to speak of where no queue has one.
 */
extern const PgwfQueueConfig *pgwf_queue_config(int32 namespace_id, char kind,
												const char *queue);

/* The same as a TaskQueueConfig, for users; within pgwf_db_begin() */
extern Jsonb *pgwf_queue_config_json(int32 namespace_id, char kind,
									 const char *queue);

/* Read it from the table at the next call, whatever has been heard of. */
extern void pgwf_queue_config_forget(void);

/* The weight that takes the place of a key's own, 0 if there is none */
extern double pgwf_queue_config_weight(const PgwfQueueConfig *config,
									   const char *fairness_key);

/*
 * WORKFLOW or ACTIVITY, with or without TASK_QUEUE_TYPE_; NULL is WORKFLOW.
 * Raises an error for anything else.
 */
extern char pgwf_read_queue_kind(const char *type);

#endif							/* PGWF_QUEUE_CONFIG_H */
