/*-------------------------------------------------------------------------
 *
 * pgwf_versioning.h
 *		Which version of workers a run belongs to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_VERSIONING_H
#define PGWF_VERSIONING_H

#include "pgwf_new_run.h"
#include "pgwf_run.h"

/* Numbers are those of Temporal's VersioningBehavior */
typedef enum PgwfVersioningBehavior
{
	PGWF_BEHAVIOR_UNSPECIFIED = 0,
	PGWF_BEHAVIOR_PINNED = 1,
	PGWF_BEHAVIOR_AUTO_UPGRADE = 2
} PgwfVersioningBehavior;

/* How an activity that a worker may have by its route stands */
typedef enum PgwfActivityDispatch
{
	PGWF_DISPATCH_NOW,
	PGWF_DISPATCH_TRANSITION,	/* once its run has moved to the version */
	PGWF_DISPATCH_LATER			/* its run is moving */
} PgwfActivityDispatch;

/* pgwf_versioning.c */
extern bool pgwf_behavior_read(const char *text,
							   PgwfVersioningBehavior *behavior);
extern const char *pgwf_behavior_name(PgwfVersioningBehavior behavior);
extern PgwfVersioningBehavior pgwf_run_behavior(const PgwfState *state);
extern int32 pgwf_run_pinned_key(const PgwfState *state);
extern int32 pgwf_run_effective_key(const PgwfState *state);

extern void pgwf_run_route(PgwfRun *run, PgwfRoute *route);
extern int32 pgwf_run_task_version(PgwfRun *run);
extern bool pgwf_run_has_left_version(PgwfRun *run);
extern bool pgwf_run_target_changed(PgwfRun *run);
extern void pgwf_activity_route(PgwfRun *run, PgwfActivity *activity);
extern PgwfActivityDispatch pgwf_activity_dispatchable(PgwfCall *call,
													   const PgwfActivity *activity,
													   int32 version_key);
extern void pgwf_run_start_transition(PgwfCall *call,
									  const PgwfActivity *activity,
									  int32 version_key);
extern void pgwf_run_dispatch_to(PgwfRun *run, int32 version_key);
extern void pgwf_run_complete_by(PgwfRun *run, int32 version_key,
								 PgwfVersioningBehavior behavior);
extern void pgwf_run_reroute(PgwfRun *run);
extern void pgwf_run_route_activities(PgwfRun *run);
extern void pgwf_run_write_versions(PgwfRun *run);
extern void pgwf_run_take_versions(PgwfRun *run, const PgwfState *versions);

/* pgwf_versioning_info.c: what is said of it outside of the state */
extern void pgwf_version_attribute(PgwfObject *object, const char *key,
								   int32 namespace_id, int32 version_key);
extern Jsonb *pgwf_override_jsonb(const PgwfState *state);
extern char *pgwf_override_read(Jsonb *override, int32 namespace_id,
								PgwfState *state);
extern char *pgwf_override_normalize(int32 namespace_id, Jsonb **override);
extern bool pgwf_override_is_present(int32 namespace_id, Jsonb *override,
									 const char *task_queue);
extern void pgwf_override_check(int32 namespace_id, Jsonb *override,
								const char *task_queue);
extern void pgwf_versions_of_new_run(const PgwfNewRun *options,
									 PgwfState *state);
extern void pgwf_versions_apply_event(PgwfState *state,
									  const PgwfEvent *event);
extern void pgwf_execution_set_versions(PgwfExecution *execution,
										const PgwfState *state);
extern void pgwf_execution_route(const PgwfExecution *execution,
								 PgwfRoute *route);
extern void pgwf_child_inherit(const PgwfRun *parent, PgwfNewRun *child);
extern void pgwf_successor_inherit(const PgwfRun *run, PgwfNewRun *next,
								   bool version);

#endif							/* PGWF_VERSIONING_H */
