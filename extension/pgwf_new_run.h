/*-------------------------------------------------------------------------
 *
 * pgwf_new_run.h
 *		Creating a run, for whatever reason.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_NEW_RUN_H
#define PGWF_NEW_RUN_H

#include "pgwf_run.h"

/* Limits of user metadata, in bytes */
#define PGWF_MAX_SUMMARY_SIZE	400
#define PGWF_MAX_DETAILS_SIZE	20000

/* The workflow that starts a run as its child */
typedef struct PgwfParent
{
	const char *namespace;
	const char *workflow_id;
	pg_uuid_t	run_id;
	int64		run_key;
	int64		initiated_event_id;
	const char *root_workflow_id;
	pg_uuid_t	root_run_id;
} PgwfParent;

/*
 * What a new run is to be.  pgwf_new_run_init() leaves everything unset that
 * may be; strings and jsonb must live until the run is finished.
 */
typedef struct PgwfNewRun
{
	int32		namespace_id;
	int64		run_key;		/* these three by pgwf_new_run_follow() */
	pg_uuid_t	run_id;
	int64		previous_run_key;
	const char *workflow_id;	/* required */
	const char *workflow_type;	/* required */
	const char *task_queue;		/* required */
	const char *request_id;		/* default: a new UUID */
	const char *identity;
	Jsonb	   *input;			/* payloads */
	int64		execution_timeout;	/* 0: none */
	int64		run_timeout;	/* 0: none */
	int64		task_timeout;	/* 0: the default */
	Jsonb	   *memo;			/* {"fields": ...} */
	Jsonb	   *search_attributes;	/* {"indexedFields": ...} */
	Jsonb	   *header;			/* {"fields": ...} */
	Jsonb	   *retry_policy;	/* with its defaults filled in, or NULL */
	const char *cron_schedule;	/* NULL: none */
	int64		first_task_backoff; /* delay of the first workflow task */
	Jsonb	   *priority;
	Jsonb	   *user_metadata;	/* {"summary", "details"} */
	bool		eager;			/* the starter works on the first task */

	/* its place in a chain of runs; unset for the first */
	const char *initiator;		/* CONTINUE_AS_NEW_INITIATOR_* */
	const pg_uuid_t *continued_run_id;
	const pg_uuid_t *first_run_id;
	Jsonb	   *continued_failure;
	Jsonb	   *last_completion_result;
	int32		attempt;		/* default 1 */
	TimestampTz expiration_time;	/* default: by execution_timeout */

	const PgwfParent *parent;	/* NULL: none */
	Jsonb	   *versioning_override;	/* VersioningOverride, checked */
	int32		inherited_pinned_key;	/* version, or 0 */
	int32		inherited_auto_upgrade_key; /* the same; at most one is set */
	const char *initial_versioning_behavior;	/* of continue-as-new */

	const char *schedule_id;	/* schedule that starts its chain, or NULL */
} PgwfNewRun;

extern void pgwf_new_run_init(PgwfNewRun *options, int32 namespace_id);
extern void pgwf_new_run_follow(PgwfNewRun *options, int64 previous_run_key);
extern void pgwf_new_run_check(PgwfNewRun *options);
extern bool pgwf_new_run_begin(PgwfRun *run, PgwfCall *call,
							   const PgwfNewRun *options);
extern void pgwf_new_run_add_timeouts(PgwfRun *run);
extern void pgwf_run_end_first_task_delay(PgwfRun *run);
extern Jsonb *pgwf_wrap_fields(Jsonb *value, const char *name,
							   const char *member);
extern int64 pgwf_shorter_timeout(int64 a, int64 b);

#endif							/* PGWF_NEW_RUN_H */
