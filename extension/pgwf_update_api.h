/*-------------------------------------------------------------------------
 *
 * pgwf_update_api.h
 *		What the procedures that send updates, and wait for them, share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_UPDATE_API_H
#define PGWF_UPDATE_API_H

#include "fmgr.h"

#include "pgwf_run.h"
#include "pgwf_sleep.h"

/* How far an update has got; numbers are Temporal's */
typedef enum PgwfUpdateStage
{
	PGWF_STAGE_ADMITTED = 1,
	PGWF_STAGE_ACCEPTED = 2,
	PGWF_STAGE_COMPLETED = 3
} PgwfUpdateStage;

/* What is sent or asked for; lives as long as the CALL */
typedef struct PgwfUpdateCall
{
	int32		namespace_id;
	char	   *workflow_id;
	pg_uuid_t  *run_id;			/* NULL: the current one */
	pg_uuid_t  *first_run_id;	/* NULL: any chain */
	char	   *update_id;
	Jsonb	   *update;			/* NULL: only asked for */
	PgwfUpdateStage wait_for;
	PgwfDeadline deadline;

	/* starts a run that has the update, or finds one; NULL: finds one */
	void		(*start) (struct PgwfUpdateCall *request, PgwfCall *call);

	/* what became of it */
	bool		committed;
	bool		admitted;		/* it is known which run has it */
	bool		started;		/* a run was started */
	int64		run_key;
	pg_uuid_t	at_run_id;
	PgwfUpdateStage stage;
	Jsonb	   *outcome;
} PgwfUpdateCall;

extern const char *const pgwf_update_stage_names[];

/* arguments, by their numbers */
extern void pgwf_update_check_call(FunctionCallInfo fcinfo,
								   const char *procedure);
extern PgwfUpdateStage pgwf_update_read_stage(const char *text);
extern void pgwf_update_read_deadline(FunctionCallInfo fcinfo, int n,
									  PgwfUpdateCall *request);
extern void pgwf_update_read_args(FunctionCallInfo fcinfo, PgwfUpdateCall *request,
								  int id, int name, int args, int header,
								  int identity);

/* Sends the update, unless it is only asked for, and waits for its stage */
extern void pgwf_update_call_run(PgwfUpdateCall *request);

/* steps of that */
extern void pgwf_update_find(PgwfUpdateCall *request, PgwfCall *call,
							 const PgwfExecution *execution);
extern void pgwf_update_admit_to_run(PgwfUpdateCall *request, PgwfRun *run);

/* the answer */
extern Datum pgwf_update_outcome_copy(const PgwfUpdateCall *request,
									  bool *isnull);
extern Datum pgwf_update_make_row(FunctionCallInfo fcinfo, Datum *values,
								  bool *nulls);

#endif							/* PGWF_UPDATE_API_H */
