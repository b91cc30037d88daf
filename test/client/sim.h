/*
 * sim.h
 *		A service small enough for a unit test: keeps one run's history, turns
 *		a worker's commands into events, and runs workflow tasks on an
 *		instance.
 *
 * It follows the order of the real service: events that arrive while a
 * workflow task is started are buffered, and written behind the events of the
 * task's commands.
 */
#ifndef SIM_H
#define SIM_H

#include "pgwf_int.h"

/* The run id of every run. */
#define SIM_RUN_ID "0d9e4a5c-6b1f-4c57-9d52-1f0f7f6d3c21"

/* How a local activity's attempt is to end; NULL result and failure: null. */
typedef struct SimLocalEnd
{
	json_t	   *result;			/* new reference */
	PgwfFailure *failure;		/* owned by the caller of the callback */
	int64_t		elapsed_ms;
	bool		later;			/* not yet: keep it running */
} SimLocalEnd;

typedef struct Sim Sim;
typedef SimLocalEnd (*SimLocalFn) (Sim *sim, const PgwfLocalRequest *request);

/* An attempt that the worker side keeps running. */
typedef struct SimRunning
{
	int64_t		seq;
	int			attempt;
	char	   *type;
	json_t	   *input;
	struct SimRunning *next;
} SimRunning;

struct Sim
{
	PgwfRegistry *registry;
	json_t	   *events;			/* history so far */
	json_t	   *buffered;		/* events that wait for the task's end */
	json_t	   *activities;		/* id -> {"scheduled", "started"} */
	json_t	   *timers;			/* id -> started event id */
	json_t	   *children;		/* id -> {"initiated", "started", "type"} */
	json_t	   *externals;		/* pending: {"initiated", "signal", "id"} */
	json_t	   *updates;		/* id -> {"request", "state"} of those asked
								 * for; "outcome" once there is one */
	json_t	   *queries;		/* to go with the next task; NULL: none */
	json_t	   *answers;		/* per answered task: {"started", "commands"} */
	PgwfInstance *instance;		/* NULL: not cached */
	PgwfTaskOutcome out;		/* of the task that is open */
	int64_t		now_us;
	int64_t		previous_started;
	int64_t		task_scheduled; /* 0: none */
	int64_t		task_started;	/* 0: none */
	bool		task_wanted;
	bool		speculative;	/* the open task has no events yet */
	bool		updates_only;	/* nothing but updates wants a task */
	bool		closed;
	bool		failed;			/* the last task failed in the worker */
	SimLocalFn	local;			/* NULL: attempts succeed */
	SimRunning *running;
	int			discarded;		/* tasks of rejected updates only */
	int			processed;		/* workflow tasks given to an instance */
};

extern Sim *sim_new(PgwfRegistry *registry, const char *type,
					const char *input);
extern void sim_free(Sim *sim);

/*
 * Writing history.  Append: an event, whose attributes are taken over; its id
 * is returned.  Happen: now, or behind the open task; it wants a new task.
 */
extern int64_t sim_append(Sim *sim, const char *type, json_t *attributes);
extern void sim_happen(Sim *sim, const char *type, json_t *attributes);
extern json_t *sim_event_at(const Sim *sim, int64_t id);

/* Begin: schedule, start, process. End: answer. Task: both. */
extern void sim_begin(Sim *sim);
extern void sim_end(Sim *sim);
extern void sim_task(Sim *sim);

/* Answers the open task but keeps its local activities running. */
extern void sim_heartbeat(Sim *sim);

/* The worker died with the open task: it times out. */
extern void sim_lose_task(Sim *sim);
extern void sim_evict(Sim *sim);

/* What happens outside; each makes an event. */
extern void sim_activity(Sim *sim, const char *id, const char *type,
						 const char *attributes);
extern void sim_complete(Sim *sim, const char *id, const char *result);
extern void sim_fire(Sim *sim, const char *timer_id);
extern void sim_signal(Sim *sim, const char *name, const char *input);
extern void sim_child_started(Sim *sim, const char *id);
extern void sim_child_refused(Sim *sim, const char *id, const char *cause);
extern void sim_child(Sim *sim, const char *id, const char *type,
					  const char *attributes);

/*
 * The oldest signal to (or cancellation of) another workflow has arrived, or
 * failed for a cause.
 */
extern void sim_signaled(Sim *sim, const char *id, const char *cause);
extern void sim_canceled(Sim *sim, const char *id, const char *cause);
extern bool sim_child_open(Sim *sim, const char *id, bool started);
extern void sim_cancel(Sim *sim, const char *reason);

/* Asks for an update; its state is then in sim->updates. */
extern void sim_update(Sim *sim, const char *id, const char *name,
					   const char *args);

/* "admitted", "accepted", "completed", "rejected", or NULL. */
extern const char *sim_update_state(Sim *sim, const char *id);
extern json_t *sim_update_outcome(Sim *sim, const char *id);

/* Gives an instance a workflow task, or a query, that is in jansson's form. */
extern void sim_process(PgwfInstance *instance, const json_t *json,
						PgwfTaskOutcome *out);
extern json_t *sim_ask(PgwfInstance *instance, const json_t *json);

/* Queries between two tasks: by the cached instance, or by a new one. */
extern json_t *sim_query(Sim *sim, const char *name, const char *args);
extern json_t *sim_query_uncached(Sim *sim, const char *name,
								  const char *args);

/* Lets a query go with the next task; its answer is in sim->out. */
extern void sim_buffer_query(Sim *sim, const char *id, const char *name,
							 const char *args);
extern bool sim_activity_open(Sim *sim, const char *id);
extern bool sim_timer_open(Sim *sim, const char *id);

/* Readings. */
extern const char *sim_status(Sim *sim);	/* type of the closing event */
extern json_t *sim_last_attributes(Sim *sim);
extern char *sim_commands(Sim *sim);	/* of the last task: "StartTimer 1,
										 * ..." */

/*
 * Replays the history in every way a worker can come to it, and checks that
 * the same commands come out: all at once, task by task, and with an eviction
 * before each task.
 */
extern bool sim_replays(Sim *sim);
extern bool replays_in_all_splits(PgwfRegistry *registry, json_t *events,
								  char **why);

#endif							/* SIM_H */
