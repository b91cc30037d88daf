/*-------------------------------------------------------------------------
 *
 * pgwf_xact.c
 *		What the current transaction does to others when it commits, and how
 *		durable its commit is.
 *
 * Effects are kept in one array, in the order in which they were noted, each
 * with the nesting level of its subtransaction.  Those of the current
 * subtransaction are always at the end, so its abort cuts them off, and its
 * commit hands them to its parent.  The array lives in TopTransactionContext.
 *
 * At commit the callback runs after the transaction's rows have become
 * visible: whoever is woken finds them.  It takes the locks of shared memory
 * one at a time, and does nothing that can fail.  At an abort it runs after
 * the row locks are gone, and whoever slept because of them looks again.
 *
 * Deadlines of workflow tasks have an array of their own: there may be two for
 * every answer, and none is merged with another.
 *
 * PREPARE TRANSACTION forgets the effects: they would belong to whoever says
 * COMMIT PREPARED or ROLLBACK PREPARED.  There, the utility hook lets all
 * waiters and the scheduler look again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pgwf_deadline.h"
#include "pgwf_routing.h"
#include "pgwf_slot.h"
#include "pgwf_xact.h"

/* Equal effects are merged when they are at most this far apart */
#define MERGE_DISTANCE	8

typedef enum EffectKind
{
	EFFECT_QUEUE,				/* on the queue or other thing of "key" */
	EFFECT_WAKE_ALL,			/* all waiters of "key" */
	EFFECT_DUE,					/* at "due" */
	EFFECT_ROUTING_CHANGED,
	EFFECT_LOOK,				/* the scheduler, at part "key" */
	EFFECT_LIMITS_CHANGED,
	EFFECT_EXTENSION_CHANGED,
	EFFECT_DATABASES_CHANGED
} EffectKind;

typedef struct Effect
{
	EffectKind	kind;
	int			level;			/* nesting level of the subtransaction */
	int32		wakes;			/* waiters to be woken */
	int32		holds;			/* at an abort, these look again, too */
	bool		changed;		/* "change" is to be applied */
	PgwfQueueChange change;
	union
	{
		uint64		key;
		TimestampTz due;
	}			u;
} Effect;

static Effect *effects = NULL;
static int	neffects = 0;
static int	max_effects = 0;

/* A deadline that is set, or has gone */
typedef struct DeadlineChange
{
	PgwfDeadline deadline;
	int			level;			/* as above */
	bool		set;
} DeadlineChange;

static DeadlineChange *deadlines = NULL;
static int	ndeadlines = 0;
static int	max_deadlines = 0;

/* Keys are of workers that got the tasks when this was the routing */
static uint64 routing_generation = 0;

/* The claims of this transaction; reset at its end */
static bool claims = false;		/* there are some */
static bool claims_only = false;	/* and nothing else up to the last one */
static XLogRecPtr claims_end = InvalidXLogRecPtr;

static void xact_callback(XactEvent event, void *arg);
static void subxact_callback(SubXactEvent event, SubTransactionId mySubid,
							 SubTransactionId parentSubid, void *arg);

/*
 * Register the callbacks, once in the life of a backend.
 */
void
pgwf_xact_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}

/*
 * Find the effect among the last ones of this subtransaction, or add it.
 * Due moments are all the same effect.
 */
static Effect *
note(EffectKind kind, uint64 key, bool *found)
{
	int			level = GetCurrentTransactionNestLevel();
	Effect	   *effect;

	for (int i = neffects - 1; i >= 0 && i >= neffects - MERGE_DISTANCE; i--)
	{
		effect = &effects[i];
		if (effect->level != level)
			break;
		if (effect->kind == kind &&
			(kind == EFFECT_DUE || effect->u.key == key))
		{
			*found = true;
			return effect;
		}
	}

	if (effects == NULL)
	{
		routing_generation = pgwf_routing_generation();
		max_effects = 16;
		effects = MemoryContextAlloc(TopTransactionContext,
									 max_effects * sizeof(Effect));
	}
	else if (neffects == max_effects)
	{
		effects = repalloc(effects,
						   mul_size(2 * max_effects, sizeof(Effect)));
		max_effects *= 2;
	}

	effect = &effects[neffects++];
	effect->kind = kind;
	effect->level = level;
	effect->wakes = 0;
	effect->holds = 0;
	effect->changed = false;
	effect->u.key = key;
	*found = false;
	return effect;
}

static Effect *
note_key(uint64 key)
{
	bool		found;

	return note(EFFECT_QUEUE, key, &found);
}

static PgwfQueueChange *
note_change(Effect *effect)
{
	if (!effect->changed)
	{
		memset(&effect->change, 0, sizeof(PgwfQueueChange));
		effect->change.first = PGWF_QUEUE_END;
		effect->changed = true;
	}
	return &effect->change;
}

void
pgwf_xact_wake_queue(int32 namespace_id, char kind, const char *queue,
					 int32 version_key)
{
	note_key(pgwf_shmem_queue_key(namespace_id, kind, queue,
								  version_key))->wakes++;
}

/*
 * Tasks are counted for the queue as a whole; they wait with those of their
 * version, or of none; and workers of the version that their route leads to
 * are woken.
 */
void
pgwf_xact_task_waits(int32 namespace_id, char kind, const char *queue,
					 const PgwfRoute *route,
					 const PgwfQueuePosition *position, bool added)
{
	uint64		key = pgwf_shmem_queue_key(namespace_id, kind, queue, 0);
	int32		target = pgwf_route_target(namespace_id, kind, queue, route);
	PgwfQueueChange *change;

	if (added)
		note_change(note_key(key))->added++;
	change = note_change(note_key(route->version_key == 0 ? key :
								  pgwf_shmem_queue_key(namespace_id, kind,
													   queue,
													   route->version_key)));
	if (pgwf_position_is_before(position, &change->first))
		change->first = *position;
	note_key(target == 0 ? key :
			 pgwf_shmem_queue_key(namespace_id, kind, queue, target))->wakes++;
}

void
pgwf_xact_task_left(int32 namespace_id, char kind, const char *queue,
					bool dispatched)
{
	PgwfQueueChange *change;

	change = note_change(note_key(pgwf_shmem_queue_key(namespace_id, kind,
													   queue, 0)));
	if (dispatched)
		change->dispatched++;
	else
		change->removed++;
}

void
pgwf_xact_hold_task(int32 namespace_id, char kind, const char *queue,
					int32 version_key)
{
	note_key(pgwf_shmem_queue_key(namespace_id, kind, queue,
								  version_key))->holds++;
}

void
pgwf_xact_limits_changed(void)
{
	bool		found;

	note(EFFECT_LIMITS_CHANGED, 0, &found);
}

void
pgwf_xact_run_changed(int32 namespace_id, int64 run_key)
{
	bool		found;

	note(EFFECT_WAKE_ALL, pgwf_shmem_run_key(namespace_id, run_key), &found);
}

void
pgwf_xact_routing_changed(void)
{
	bool		found;

	note(EFFECT_ROUTING_CHANGED, 0, &found);
}

void
pgwf_xact_wake_all(uint64 key)
{
	bool		found;

	note(EFFECT_WAKE_ALL, key, &found);
}

void
pgwf_xact_due(TimestampTz due)
{
	Effect	   *effect;
	bool		found;

	if (due == DT_NOEND)
		return;
	effect = note(EFFECT_DUE, 0, &found);
	effect->u.due = found ? Min(effect->u.due, due) : due;
}

static void
note_deadline(int32 namespace_id, int64 run_key, int32 stamp,
			  TimestampTz due, bool set)
{
	DeadlineChange *change;

	if (deadlines == NULL)
	{
		max_deadlines = 16;
		deadlines = MemoryContextAlloc(TopTransactionContext,
									   max_deadlines * sizeof(DeadlineChange));
	}
	else if (ndeadlines == max_deadlines)
	{
		deadlines = repalloc(deadlines,
							 mul_size(2 * max_deadlines,
									  sizeof(DeadlineChange)));
		max_deadlines *= 2;
	}
	change = &deadlines[ndeadlines++];
	change->deadline.namespace_id = namespace_id;
	change->deadline.run_key = run_key;
	change->deadline.stamp = stamp;
	change->deadline.due = due;
	change->level = GetCurrentTransactionNestLevel();
	change->set = set;
}

void
pgwf_xact_task_deadline(int32 namespace_id, int64 run_key, int32 stamp,
						TimestampTz due)
{
	note_deadline(namespace_id, run_key, stamp, due, true);
}

void
pgwf_xact_task_deadline_gone(int32 namespace_id, int64 run_key, int32 stamp)
{
	note_deadline(namespace_id, run_key, stamp, 0, false);
}

void
pgwf_xact_look(PgwfPart part)
{
	bool		found;

	note(EFFECT_LOOK, (uint64) part, &found);
}

void
pgwf_xact_extension_changed(void)
{
	bool		found;

	note(EFFECT_EXTENSION_CHANGED, 0, &found);
}

void
pgwf_xact_databases_changed(void)
{
	bool		found;

	note(EFFECT_DATABASES_CHANGED, 0, &found);
}

void
pgwf_xact_mark_durable(void)
{
	ForceSyncCommit();
}

void
pgwf_xact_claim_begin(void)
{
	if (!claims)
		claims_only = XLogRecPtrIsInvalid(XactLastRecEnd);
	else if (XactLastRecEnd != claims_end)
		claims_only = false;
	claims = true;
	claims_end = XactLastRecEnd;
}

void
pgwf_xact_claim_end(void)
{
	claims_end = XactLastRecEnd;
}

/*
 * Has the transaction written claims and nothing else?  An error between
 * begin and end, caught by a subtransaction, leaves the end behind the last
 * record, and is no claim.
 */
static bool
wrote_only_claims(void)
{
	return claims && claims_only &&
		!XLogRecPtrIsInvalid(XactLastRecEnd) &&
		XactLastRecEnd == claims_end;
}

/*
 * Do what was noted.
 */
static void
apply(Effect *effect)
{
	switch (effect->kind)
	{
		case EFFECT_QUEUE:
			if (effect->changed)
				pgwf_queue_state_apply(effect->u.key, &effect->change,
									   GetCurrentTransactionStopTimestamp());
			for (int32 i = 0; i < effect->wakes; i++)
			{
				if (!pgwf_shmem_wake_one(effect->u.key))
					break;
				if (i == 0)
					pgwf_slot_recheck_later(effect->u.key);
			}
			break;
		case EFFECT_WAKE_ALL:
			pgwf_shmem_wake_all(effect->u.key);
			break;
		case EFFECT_DUE:
			pgwf_slot_publish_due(effect->u.due);
			break;
		case EFFECT_ROUTING_CHANGED:
			pgwf_routing_changed();
			pgwf_shmem_recheck_all(MyDatabaseId);
			break;
		case EFFECT_LOOK:
			pgwf_slot_publish_look((PgwfPart) effect->u.key);
			break;
		case EFFECT_LIMITS_CHANGED:
			pgwf_shmem_recheck_all(MyDatabaseId);
			break;
		case EFFECT_EXTENSION_CHANGED:
			pgwf_slot_request(MyDatabaseId, true);
			break;
		case EFFECT_DATABASES_CHANGED:
			pgwf_slot_databases_changed();
			break;
	}
}

static void
apply_deadlines(void)
{
	for (int i = 0; i < ndeadlines; i++)
	{
		if (deadlines[i].set)
			pgwf_deadline_set(&deadlines[i].deadline);
		else
			pgwf_deadline_remove(&deadlines[i].deadline);
	}
}

/*
 * Undo it: tasks that were held, or changed, are there again as they were.
 */
static void
let_go(Effect *effect)
{
	if (effect->kind != EFFECT_QUEUE)
		return;
	for (int32 i = 0; i < effect->wakes + effect->holds; i++)
	{
		if (!pgwf_shmem_recheck_one(effect->u.key))
			break;
	}
}

/*
 * The routing has changed since the first effect was noted: tasks may be for
 * other workers than those of the keys, so all who wait look again.
 */
static void
look_at_routing(void)
{
	if (neffects > 0 && routing_generation != pgwf_routing_generation())
		pgwf_shmem_recheck_all(MyDatabaseId);
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (wrote_only_claims())
				(void) set_config_option("synchronous_commit", "off",
										 PGC_USERSET, PGC_S_SESSION,
										 GUC_ACTION_LOCAL, true, 0, false);
			break;

		case XACT_EVENT_COMMIT:
			apply_deadlines();
			for (int i = 0; i < neffects; i++)
				apply(&effects[i]);
			look_at_routing();
			break;

		case XACT_EVENT_ABORT:
			for (int i = 0; i < neffects; i++)
				let_go(&effects[i]);
			look_at_routing();
			break;

		case XACT_EVENT_PREPARE:
			if (ndeadlines > 0)
				pgwf_deadlines_prepared();
			break;

		default:
			/* workers of a parallel query note nothing */
			return;
	}

	if (event == XACT_EVENT_PRE_COMMIT)
		return;

	effects = NULL;
	neffects = 0;
	max_effects = 0;
	deadlines = NULL;
	ndeadlines = 0;
	max_deadlines = 0;
	claims = false;
	claims_only = false;
	claims_end = InvalidXLogRecPtr;
	pgwf_slot_release(PGWF_HOLD_TRANSACTION);
}

static void
subxact_callback(SubXactEvent event, SubTransactionId mySubid,
				 SubTransactionId parentSubid, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	switch (event)
	{
		case SUBXACT_EVENT_COMMIT_SUB:
			for (int i = neffects - 1; i >= 0 && effects[i].level >= level; i--)
				effects[i].level = level - 1;
			for (int i = ndeadlines - 1;
				 i >= 0 && deadlines[i].level >= level; i--)
				deadlines[i].level = level - 1;
			break;

		case SUBXACT_EVENT_ABORT_SUB:
			while (neffects > 0 && effects[neffects - 1].level >= level)
				let_go(&effects[--neffects]);
			while (ndeadlines > 0 && deadlines[ndeadlines - 1].level >= level)
				ndeadlines--;
			break;

		default:
			break;
	}
}
