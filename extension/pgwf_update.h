/*-------------------------------------------------------------------------
 *
 * pgwf_update.h
 *		Updates: requests to a workflow that it validates, accepts and
 *		answers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_UPDATE_H
#define PGWF_UPDATE_H

#include "lib/stringinfo.h"

#include "pgwf_command.h"
#include "pgwf_run.h"

typedef enum PgwfUpdateState
{
	PGWF_UPDATE_ADMITTED = 1,	/* no worker has decided about it yet */
	PGWF_UPDATE_ACCEPTED = 2,
	PGWF_UPDATE_COMPLETED = 3,
	PGWF_UPDATE_REJECTED = 4	/* kept for a moment, for its askers */
} PgwfUpdateState;

/* workflow.update_request */
typedef struct PgwfUpdate
{
	ItemPointerData tid;
	PgwfRowChange change;
	bool		sent;			/* with the task that is being handed out */
	int32		namespace_id;
	PgwfUpdateState state;
	int32		stamp;			/* workflow task it was last sent with */
	int64		run_key;
	int64		admitted_event_id;	/* 0: not in the history */
	int64		accepted_event_id;	/* 0: not accepted */
	int64		completed_event_id; /* 0: not completed */
	TimestampTz requested_time;
	TimestampTz due_at;			/* when a rejected one is forgotten */
	char	   *update_id;
	Jsonb	   *request;		/* NULL once it is accepted */
	Jsonb	   *outcome;		/* of a rejected one */
} PgwfUpdate;

/* A message of a worker's completion of a workflow task */
typedef enum PgwfProtocolKind
{
	PGWF_PROTOCOL_ACCEPTANCE,
	PGWF_PROTOCOL_REJECTION,
	PGWF_PROTOCOL_RESPONSE
} PgwfProtocolKind;

typedef struct PgwfProtocolMessage
{
	PgwfProtocolKind kind;
	char	   *id;
	char	   *update_id;
	Jsonb	   *body;
	bool		consumed;
} PgwfProtocolMessage;

/* pgwf_store_update.c */
extern PgwfUpdate *pgwf_update_load(PgwfCall *call, int32 namespace_id,
									int64 run_key, const char *update_id);
extern List *pgwf_update_load_open(PgwfCall *call, int32 namespace_id,
								   int64 run_key);
extern void pgwf_update_insert(PgwfCall *call, const PgwfUpdate *update);
extern void pgwf_update_update(PgwfCall *call, PgwfUpdate *update);
extern void pgwf_update_delete(PgwfCall *call, PgwfUpdate *update);
extern void pgwf_update_delete_all(PgwfCall *call, int32 namespace_id,
								   int64 run_key);
extern void pgwf_update_due_scan(PgwfScan *scan, PgwfCall *call,
								 TimestampTz from, TimestampTz until);
extern void pgwf_update_read(TupleTableSlot *slot, PgwfUpdate *update);
extern PgwfLockResult pgwf_update_lock(PgwfCall *call, PgwfUpdate *update,
									   LockWaitPolicy policy);

/* pgwf_update.c: the updates of a locked run */
extern List *pgwf_run_updates(PgwfRun *run);
extern PgwfUpdate *pgwf_run_find_update(PgwfRun *run, const char *update_id);
extern PgwfUpdate *pgwf_run_admit_update(PgwfRun *run, const char *update_id,
										 Jsonb *request);
extern void pgwf_run_add_update(PgwfRun *run, PgwfUpdate *update);
extern bool pgwf_run_has_unsent_updates(PgwfRun *run);
extern void pgwf_run_send_updates(PgwfRun *run);
extern void pgwf_run_resend_updates(PgwfRun *run);
extern void pgwf_run_keep_updates_sent(PgwfRun *run, int32 old_stamp);
extern void pgwf_run_reject_unprocessed(PgwfRun *run);
extern void pgwf_run_write_updates(PgwfRun *run);
extern void pgwf_append_update_messages(StringInfo buf, PgwfRun *run);
extern Jsonb *pgwf_update_failure(const char *message, const char *type);
extern int	pgwf_updates_expire(PgwfCall *call, int max_updates);

/* pgwf_update_rebuild.c: updates of a run that a reset makes */
extern void pgwf_update_apply_event(PgwfRun *run, const PgwfEvent *event);
extern void pgwf_update_reapply(PgwfRun *run, const PgwfEvent *event);
extern void pgwf_update_note_admitted(PgwfRun *run, const PgwfEvent *event);

/* pgwf_command_update.c: what workers say of updates */
extern List *pgwf_protocol_messages_parse(Jsonb *messages);
extern bool pgwf_protocol_only_rejections(List *messages);
extern void pgwf_protocol_messages_handle(PgwfCommandContext *context);

#endif							/* PGWF_UPDATE_H */
