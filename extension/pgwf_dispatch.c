/*-------------------------------------------------------------------------
 *
 * pgwf_dispatch.c
 *		The order in which tasks are handed out, and when (SS 15).
 *
 * The order is that of the queue's index: by rank, which begins with the
 * priority, then by age.  Fairness is in the rank as well: in a queue that
 * has fairness keys, each task gets a pass when it is put into the queue,
 * after the last one of its key by a stride that is the shorter the greater
 * the weight of the key, and not before the task handed out last.  So tasks
 * of different keys alternate, whoever came first, and a key that has not
 * been there for a while has its turn soon but no more of them than others.
 *
 * Limits are looked at when a task is about to be handed out.  A task whose
 * fairness key is over its own limit is passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_dispatch.h"
#include "pgwf_priority.h"
#include "pgwf_shmem.h"

/* ---- tasks that are put into a queue ---- */

/* The weight of a task among those of other fairness keys */
static double
weight_of(const PgwfPlace *place, const PgwfQueueConfig *config,
		  const char *fairness_key)
{
	double		weight = pgwf_queue_config_weight(config, fairness_key);

	if (weight == 0)
		weight = place->fairness_weight;
	if (weight == 0)
		return 1;
	return Max(Min(weight, PGWF_MAX_FAIRNESS_WEIGHT),
			   PGWF_MIN_FAIRNESS_WEIGHT);
}

/*
 * The task's pass.  A queue that shared memory has forgotten is looked at: it
 * may have tasks with passes from before.
 */
static int64
next_pass(PgwfCall *call, const PgwfPlace *place, int32 namespace_id,
		  char kind, const char *queue, int32 version_key, int class_,
		  const PgwfQueueConfig *config)
{
	uint64		key = pgwf_shmem_queue_key(namespace_id, kind, queue,
										   version_key);
	PgwfFairness fairness = pgwf_queue_state_fairness(key, class_);
	const char *fairness_key = place->fairness_key ? place->fairness_key : "";

	if (fairness == PGWF_FAIRNESS_UNKNOWN)
	{
		int64		(*pass_in) (PgwfCall *, int32, const char *, int32, int,
								bool) =
		kind == PGWF_QUEUE_WORKFLOW ? pgwf_task_queue_pass :
		pgwf_activity_queue_pass;
		int64		last;
		int64		first = 0;

		last = pass_in(call, namespace_id, queue, version_key, class_, true);
		if (last > 0)
			first = pass_in(call, namespace_id, queue, version_key, class_,
							false);
		pgwf_queue_state_learn_passes(key, class_, first, last);
		fairness = pgwf_queue_state_fairness(key, class_);
	}
	if (place->fairness_key == NULL && fairness != PGWF_FAIRNESS_PASSES)
		return 0;
	return pgwf_queue_state_next_pass(key, class_, fairness_key,
									  weight_of(place, config, fairness_key));
}

/*
 * Ranks a task that is put into its queue.  Its place says its priority; a
 * private queue of a worker has no turns.
 */
void
pgwf_place_workflow_task(PgwfCall *call, PgwfTask *task, bool not_begun)
{
	PgwfPlace  *place = &task->place;
	const PgwfQueueConfig *config;
	int			class_ = PGWF_RANK_CLASS(place->rank);
	int64		pass = 0;

	if (!task->sticky)
	{
		config = pgwf_queue_config(task->namespace_id, PGWF_QUEUE_WORKFLOW,
								   task->task_queue);
		class_ = PGWF_CLASS(PGWF_RANK_PRIORITY(place->rank),
							config && config->begun_first && not_begun);
		pass = next_pass(call, place, task->namespace_id, PGWF_QUEUE_WORKFLOW,
						 task->task_queue, task->route.version_key, class_,
						 config);
	}
	place->rank = PGWF_RANK(class_, pass);
}

void
pgwf_place_activity(PgwfCall *call, PgwfActivity *activity)
{
	PgwfPlace  *place = &activity->place;
	int			class_ = PGWF_RANK_CLASS(place->rank);
	const PgwfQueueConfig *config;

	config = pgwf_queue_config(activity->namespace_id, PGWF_QUEUE_ACTIVITY,
							   activity->task_queue);
	place->rank = PGWF_RANK(class_,
							next_pass(call, place, activity->namespace_id,
									  PGWF_QUEUE_ACTIVITY,
									  activity->task_queue,
									  activity->route.version_key, class_,
									  config));
}

/* A task left its queue, but was not handed out: its key has a turn more */
void
pgwf_place_left(const PgwfPlace *place, int32 namespace_id, char kind,
				const char *queue, int32 version_key)
{
	const char *fairness_key = place->fairness_key ? place->fairness_key : "";

	if (PGWF_RANK_PASS(place->rank) == 0)
		return;
	pgwf_queue_state_return_pass(pgwf_shmem_queue_key(namespace_id, kind,
													  queue, version_key),
								 PGWF_RANK_CLASS(place->rank), fairness_key,
								 weight_of(place,
										   pgwf_queue_config(namespace_id,
															 kind, queue),
										   fairness_key));
}

/* ---- handing tasks out ---- */

double
pgwf_queue_limit(const PgwfQueueConfig *config, double worker_limit,
				 PgwfLimitSource *source)
{
	*source = PGWF_LIMIT_API;
	if (config && config->rate >= 0)
		return config->rate;
	*source = worker_limit >= 0 ? PGWF_LIMIT_WORKER : PGWF_LIMIT_NONE;
	return worker_limit;
}

double
pgwf_fairness_key_rate(const PgwfQueueConfig *config, const PgwfPlace *place)
{
	return config->fairness_key_rate *
		weight_of(place, config, place->fairness_key);
}

void
pgwf_dispatch_begin(PgwfDispatch *dispatch,
					const PgwfQueueReader *reader)
{
	PgwfLimitSource source;

	dispatch->reader = reader;
	dispatch->rate =
		pgwf_queue_limit(pgwf_queue_config(reader->namespace_id, reader->kind,
										   reader->queue),
						 reader->view.worker_limit, &source);
	dispatch->passed_over = 0;
	dispatch->token = false;
	dispatch->key_token = false;
}

/* Has the fairness key of the task reached its limit? */
static bool
key_is_over_limit(PgwfDispatch *dispatch, const PgwfPlace *place)
{
	const PgwfQueueConfig *config;

	if (place->fairness_key == NULL)
		return false;
	config = pgwf_queue_config(dispatch->reader->namespace_id,
							   dispatch->reader->kind,
							   dispatch->reader->queue);
	if (config == NULL || config->fairness_key_rate < 0)
		return false;
	dispatch->fairness_key = place->fairness_key;
	dispatch->key_rate = pgwf_fairness_key_rate(config, place);
	dispatch->key_token = pgwf_fairness_take(dispatch->reader->key,
											 place->fairness_key,
											 dispatch->key_rate);
	return !dispatch->key_token;
}

/*
 * This one place decides what limits allow.  The caller says what became of
 * a task that it may have by pgwf_dispatch_done() or pgwf_dispatch_failed().
 */
PgwfVerdict
pgwf_dispatch_may(PgwfDispatch *dispatch, const PgwfPlace *place)
{
	if (dispatch->rate >= 0 && !dispatch->token)
	{
		dispatch->token = pgwf_queue_state_take(dispatch->reader->key, dispatch->rate);
		if (!dispatch->token)
			return PGWF_DISPATCH_NONE;
	}
	if (key_is_over_limit(dispatch, place))
		return ++dispatch->passed_over < PGWF_MAX_PASSED_OVER ?
			PGWF_DISPATCH_OTHER : PGWF_DISPATCH_NONE;
	return PGWF_DISPATCH_TASK;
}

/* The task, which was for this version or for none, has been handed out */
void
pgwf_dispatch_done(PgwfDispatch *dispatch, const PgwfPlace *place,
				   int32 version_key)
{
	const PgwfQueueReader *reader = dispatch->reader;
	uint64		key = reader->key;

	dispatch->token = false;
	dispatch->key_token = false;
	if (PGWF_RANK_PASS(place->rank) == 0)
		return;
	if (version_key != 0)
		key = pgwf_shmem_queue_key(reader->namespace_id, reader->kind,
								   reader->queue, version_key);
	pgwf_queue_state_passed(key, PGWF_RANK_CLASS(place->rank),
							PGWF_RANK_PASS(place->rank));
}

/* Somebody else has the task: what it would have taken is for the next */
void
pgwf_dispatch_failed(PgwfDispatch *dispatch)
{
	if (dispatch->key_token)
		pgwf_fairness_give_back(dispatch->reader->key, dispatch->fairness_key,
								dispatch->key_rate);
	dispatch->key_token = false;
}

void
pgwf_dispatch_end(PgwfDispatch *dispatch)
{
	if (dispatch->token)
		pgwf_queue_state_give_back(dispatch->reader->key, dispatch->rate);
	dispatch->token = false;
}
