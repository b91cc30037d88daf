/*-------------------------------------------------------------------------
 *
 * pgwf_command.h
 *		Commands: what workflow code asks for in completing a task.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_COMMAND_H
#define PGWF_COMMAND_H

#include "pgwf_run.h"

/* The commands of one completion while they are carried out */
typedef struct PgwfCommandContext
{
	PgwfRun    *run;
	int64		completed_event_id; /* WorkflowTaskCompleted */
	const char *identity;		/* of the completing worker */
	Jsonb	   *user_metadata;	/* of the current command */
	List	   *messages;		/* PgwfProtocolMessage */

	/* why the completion as a whole is refused */
	const char *failed_cause;	/* NULL if it is not */
	char	   *failed_message;
	bool		too_large;		/* a size limit: the run must end */
} PgwfCommandContext;

typedef struct PgwfCommandInfo
{
	const char *name;
	const char *attributes_key; /* as Temporal's JSON names them */
	const char *bad_attributes; /* cause of failure of malformed ones */
	bool		closes;			/* ends the run; must be the last command */
	void		(*handle) (PgwfCommandContext *context, PgwfReader *reader);
} PgwfCommandInfo;

/* One command of a completion */
typedef struct PgwfCommand
{
	const PgwfCommandInfo *info;
	Jsonb	   *attributes;
	Jsonb	   *user_metadata;
} PgwfCommand;

extern List *pgwf_commands_parse(Jsonb *commands);
extern void pgwf_commands_handle(PgwfCommandContext *context, List *commands);

/* for the handlers */
extern void pgwf_command_fail(PgwfCommandContext *context, const char *cause,
							  const char *format,...) pg_attribute_printf(3, 4);
extern bool pgwf_command_failed(const PgwfCommandContext *context);
extern bool pgwf_command_check_size(PgwfCommandContext *context,
									const char *cause, const char *what,
									const Jsonb *value);
extern bool pgwf_command_check_memo(PgwfCommandContext *context,
									const char *cause, const char *what,
									const Jsonb *memo);
extern bool pgwf_command_check_id(PgwfCommandContext *context,
								  const char *cause, const char *what,
								  const char *value, bool required);
extern bool pgwf_command_check_task_queue(PgwfCommandContext *context,
										  const char *cause,
										  const char *name);
extern bool pgwf_command_check_read(PgwfCommandContext *context,
									const char *cause, PgwfReader *reader);
extern bool pgwf_command_check_namespace(PgwfCommandContext *context,
										 const char *cause,
										 PgwfReader *reader);
extern Jsonb *pgwf_command_read_priority(PgwfCommandContext *context,
										 const char *cause,
										 PgwfReader *reader);
extern PgwfEvent *pgwf_command_event(PgwfCommandContext *context,
									 PgwfEventType type,
									 PgwfObject *attributes);

/* pgwf_command_activity.c */
extern void pgwf_command_schedule_activity(PgwfCommandContext *context,
										   PgwfReader *reader);
extern void pgwf_command_cancel_activity(PgwfCommandContext *context,
										 PgwfReader *reader);

/* pgwf_command_timer.c */
extern void pgwf_command_start_timer(PgwfCommandContext *context,
									 PgwfReader *reader);
extern void pgwf_command_cancel_timer(PgwfCommandContext *context,
									  PgwfReader *reader);

/* pgwf_command_marker.c */
extern void pgwf_command_record_marker(PgwfCommandContext *context,
									   PgwfReader *reader);

/* pgwf_command_upsert.c */
extern bool pgwf_command_check_search_attributes(PgwfCommandContext *context,
												 const Jsonb *attributes);
extern void pgwf_command_upsert_search_attributes(PgwfCommandContext *context,
												  PgwfReader *reader);
extern void pgwf_command_modify_properties(PgwfCommandContext *context,
										   PgwfReader *reader);

/* pgwf_command_close.c */
extern void pgwf_command_complete_execution(PgwfCommandContext *context,
											PgwfReader *reader);
extern void pgwf_command_fail_execution(PgwfCommandContext *context,
										PgwfReader *reader);
extern void pgwf_command_cancel_execution(PgwfCommandContext *context,
										  PgwfReader *reader);

/* pgwf_command_continue.c */
extern void pgwf_command_continue_as_new(PgwfCommandContext *context,
										 PgwfReader *reader);

/* pgwf_command_child.c */
extern void pgwf_command_start_child(PgwfCommandContext *context,
									 PgwfReader *reader);

/* pgwf_command_external.c */
extern void pgwf_command_signal_external(PgwfCommandContext *context,
										 PgwfReader *reader);
extern void pgwf_command_cancel_external(PgwfCommandContext *context,
										 PgwfReader *reader);

/* pgwf_command_update.c */
extern void pgwf_command_protocol_message(PgwfCommandContext *context,
										  PgwfReader *reader);

#endif							/* PGWF_COMMAND_H */
