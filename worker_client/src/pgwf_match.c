/*
 * pgwf_match.c
 *		Commands that workflow code asked for, and the events that confirm
 *		them.
 *
 * Commands wait in one FIFO from the moment the code asks for them until
 * the event each became is met in history.  The order is strict: a command
 * event belongs to the command at the front, or code and history disagree.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

void
pgwf_command_free(PgwfCommand *command)
{
	if (command == NULL)
		return;
	json_decref(command->attributes);
	json_decref(command->user_metadata);
	json_decref(command->message);
	free(command);
}

static PgwfCommand *
make_command(PgwfWorkflow *wf, PgwfCommandType type, PgwfMachine *machine,
			 json_t *attributes)
{
	PgwfCommand *command = pgwf_xalloc(sizeof(PgwfCommand));

	command->type = type;
	command->machine = machine;
	command->attributes = attributes;
	command->activation = wf->activation;
	return command;
}

static void
append(PgwfWorkflow *wf, PgwfCommand *command)
{
	if (wf->last_command != NULL)
		wf->last_command->next = command;
	else
		wf->first_command = command;
	wf->last_command = command;
}

static void
pop(PgwfWorkflow *wf)
{
	PgwfCommand *command = wf->first_command;

	wf->first_command = command->next;
	if (wf->first_command == NULL)
		wf->last_command = NULL;
	if (command->machine != NULL && command->machine->command == command)
		command->machine->command = NULL;
	pgwf_command_free(command);
}

/* Appends a command; attributes are taken over.  The FIFO owns it. */
PgwfCommand *
pgwf_command_push(PgwfWorkflow *wf, PgwfCommandType type,
				  PgwfMachine *machine, json_t *attributes)
{
	PgwfCommand *command = make_command(wf, type, machine, attributes);

	append(wf, command);
	return command;
}

/*
 * Keeps the command that closes the workflow for the end of the activation.
 * Only the first counts.
 */
PgwfCommand *
pgwf_command_terminal(PgwfWorkflow *wf, PgwfCommandType type,
					  json_t *attributes)
{
	PgwfCommand *command = make_command(wf, type, NULL, attributes);

	if (wf->terminal != NULL || wf->finished)
	{
		pgwf_command_free(command);
		return NULL;
	}
	wf->terminal = command;
	wf->terminal_after = wf->last_command;
	wf->terminal_first = (wf->last_command == NULL);
	return command;
}

/*
 * At the end of an activation: moves the closing command behind all others.
 * Histories older than this behaviour dropped what came after it instead.
 */
void
pgwf_commands_settle(PgwfWorkflow *wf)
{
	PgwfCommand *command;

	if (wf->terminal == NULL)
		return;
	if (wf->replaying && !wf->flag[PGWF_FLAG_TERMINAL_LAST])
	{
		command = wf->terminal_first ? wf->first_command :
			wf->terminal_after->next;
		for (; command != NULL; command = command->next)
			command->dropped = true;
	}
	append(wf, wf->terminal);
	wf->terminal = NULL;
	wf->terminal_after = NULL;
	wf->finished = true;
}

/* Can a command still be taken back without a trace? */
bool
pgwf_command_unsent(const PgwfWorkflow *wf, const PgwfCommand *command)
{
	return command != NULL && !command->sent && !command->dropped &&
		command->activation == wf->activation;
}

/* Gives a command event to the command at the front of the FIFO. */
void
pgwf_command_event(PgwfWorkflow *wf, const PgwfEvent *event)
{
	PgwfCommand *command;
	const PgwfCommandInfo *info;

	for (;;)
	{
		while ((command = wf->first_command) != NULL && command->dropped)
			pop(wf);
		if (pgwf_is_patch_upsert(event) &&
			(wf->marker_skipped || !wf->flag[PGWF_FLAG_UPSERT_CHECKS]))
		{
			wf->marker_skipped = false;
			return;
		}
		if (command == NULL)
		{
			if (pgwf_marker_may_skip(wf, event))
				wf->marker_skipped = true;
			else
				pgwf_engine_disagree(wf, event, NULL);
			return;
		}
		info = &pgwf_command_infos[command->type];
		if (info->event == event->type &&
			(info->matches == NULL || info->matches(wf, command, event)))
			break;
		if (pgwf_marker_may_skip(wf, event))
		{
			wf->marker_skipped = true;
			return;
		}
		if (command->marker != PGWF_MARKER_PATCH ||
			(event->type == PGWF_EVENT_MARKER_RECORDED &&
			 pgwf_marker_kind(pgwf_event_json(event), NULL, NULL, NULL) ==
			 PGWF_MARKER_PATCH))
		{
			pgwf_engine_disagree(wf, event, command);
			return;
		}
		/* a patch that was asked about where history has no marker */
		pop(wf);
	}

	wf->marker_skipped = false;
	if (info->recorded != NULL)
		info->recorded(wf, command, event);
	pop(wf);
}

/*
 * The commands that were not sent yet, in the service's form: a new array.
 * They count as sent from now on.
 */
json_t *
pgwf_commands_send(PgwfWorkflow *wf)
{
	json_t	   *commands = json_array();
	PgwfCommand *command;

	for (command = wf->first_command; command; command = command->next)
	{
		json_t	   *json;

		if (command->dropped || command->sent)
			continue;
		command->sent = true;
		if (command->message != NULL)
			pgwf_message_send(wf, json_incref(command->message));
		json = json_object();
		pgwf_json_put_str(json, "commandType",
						  pgwf_command_infos[command->type].name);
		pgwf_json_put(json, "attributes",
					  json_incref(command->attributes));
		pgwf_json_put(json, "userMetadata",
					  json_incref(command->user_metadata));
		json_array_append_new(commands, json);
	}
	return commands;
}
