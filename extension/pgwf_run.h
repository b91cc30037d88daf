/*-------------------------------------------------------------------------
 *
 * pgwf_run.h
 *		One run of a workflow, loaded, changed in memory and written once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_RUN_H
#define PGWF_RUN_H

#include "pgwf_json.h"
#include "pgwf_store.h"

/*
 * A locked run.  Changes are made to "state" and the lists; nothing reaches
 * the tables before pgwf_run_finish().
 */
typedef struct PgwfRun
{
	PgwfCall   *call;
	PgwfState	state;
	PgwfState	stored;			/* as it is in the table */
	ItemPointerData state_tid;
	bool		is_new;			/* not in the tables yet */
	PgwfStatus	close_status;	/* 0 while open */
	int64		reset_event_id; /* a reset ends it: children initiated before
								 * this event live on; 0 if none does */
	const char *limit_exceeded; /* why the service ended it, or NULL */

	PgwfExecution *execution;	/* NULL until needed */
	bool		execution_changed;	/* to be written although it is open */
	PgwfTask   *task;			/* that waits; NULL until needed */
	List	   *events;			/* to be appended to the history */
	List	   *arrived;		/* events not yet appended or buffered */
	List	   *buffered;		/* events of the buffer, once loaded */
	bool		buffered_loaded;
	List	   *unbuffered;		/* of those, the ones to delete */
	List	   *activities;		/* pending ones, once loaded */
	bool		activities_loaded;
	List	   *timers;			/* pending ones, once loaded */
	bool		timers_loaded;
	struct pgwf_timer_ids_hash *timer_ids;	/* of pgwf_command_timer.c */
	List	   *children;		/* pending ones, as far as loaded */
	bool		children_loaded;
	List	   *queries;		/* buffered ones, once loaded */
	bool		queries_loaded;
	List	   *updates;		/* in flight, once loaded */
	bool		updates_loaded;
	bool		update_admitted;	/* an update needs a workflow task */
	List	   *messages;		/* to other runs, to be put into the outbox */
	List	   *signal_requests;	/* request ids to be remembered */
	List	   *attached_requests;	/* and those of attached starts */
	const char *pause_request;	/* request id of a pause */
	struct PgwfNewRun *successor;	/* run that continues this one, or NULL */
	const char *poll_request_id;	/* of the poll that claims its task */
	bool		task_needed;	/* something happened the workflow must see */
} PgwfRun;

extern void pgwf_run_init_new(PgwfRun *run, PgwfCall *call,
							  PgwfExecution *execution);
extern PgwfLockResult pgwf_run_load_named(PgwfRun *run, PgwfCall *call,
										  int32 namespace_id, int64 run_key);
extern PgwfLockResult pgwf_run_load(PgwfRun *run, PgwfCall *call,
									int32 namespace_id, int64 run_key,
									LockWaitPolicy policy);
extern void pgwf_run_start_over(PgwfRun *run);
extern void pgwf_run_finish(PgwfRun *run);

extern PgwfExecution *pgwf_run_execution(PgwfRun *run);
extern char *pgwf_run_task_queue(PgwfRun *run);
extern List *pgwf_run_activities(PgwfRun *run);
extern List *pgwf_run_timers(PgwfRun *run);
extern PgwfChild *pgwf_run_child(PgwfRun *run, int64 initiated_event_id);
extern List *pgwf_run_children(PgwfRun *run);
extern void pgwf_run_send(PgwfRun *run, PgwfMessageKind kind, int64 event_id);
extern List *pgwf_run_buffered(PgwfRun *run);
extern bool pgwf_run_has_buffered(PgwfRun *run);

extern PgwfEvent *pgwf_run_append(PgwfRun *run, PgwfEventType type,
								  Jsonb *attributes);
extern PgwfEvent *pgwf_run_append_late(PgwfRun *run, PgwfEventType type,
									   Jsonb *attributes, TimestampTz time);
extern void pgwf_run_arrive(PgwfRun *run, PgwfEventType type,
							Jsonb *attributes, TimestampTz time);
extern bool pgwf_run_remove_buffered_timer_fired(PgwfRun *run,
												 const char *timer_id);
extern bool pgwf_run_flush_buffer(PgwfRun *run);
extern void pgwf_run_close(PgwfRun *run, PgwfStatus status);

/* in pgwf_run_write.c and pgwf_run_limits.c, for pgwf_run_finish() */
extern void pgwf_run_write(PgwfRun *run);
extern bool pgwf_run_buffer_is_full(PgwfRun *run);
extern void pgwf_run_check_size(PgwfRun *run);

#define pgwf_run_is_open(run) ((run)->close_status == 0)
#define pgwf_run_is_paused(run) (((run)->state.flags & PGWF_RUN_PAUSED) != 0)

#endif							/* PGWF_RUN_H */
