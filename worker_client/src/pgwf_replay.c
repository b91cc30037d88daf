/*
 * pgwf_replay.c
 *		The offline replayer: a recorded history through an instance, without a
 *		server.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_codec.h"
#include "pgwf_int.h"

/* The report and what it points to; the public struct comes first. */
typedef struct Report
{
	PgwfReplayReport report;
	char	   *message;
	char	   *workflow_type;
} Report;

static Report *
new_report(void)
{
	Report	   *r = pgwf_xalloc(sizeof(Report));

	r->report.message = "";
	r->report.workflow_type = "";
	return r;
}

/* Notes a message in the report, which takes it over. */
static void
set_message(Report *r, char *message)
{
	free(r->message);
	r->message = message;
	r->report.message = message;
}

void
pgwf_replay_report_free(PgwfReplayReport *report)
{
	Report	   *r = (Report *) report;

	if (r == NULL)
		return;
	json_decref(r->report.commands);
	free(r->message);
	free(r->workflow_type);
	free(r);
}

/* A history in readable form, decoded; NULL with *error to free(). */
static PgwfNode *
read_history(PgwfRegistry *registry, const json_t *history, char **error)
{
	json_t	   *events = pgwf_history_import(history, error);
	PgwfNode   *node = NULL;
	char	   *text;

	if (events == NULL)
		return NULL;
	if (!pgwf_codec_decode(pgwf_registry_codec(registry), events))
		*error = pgwf_xstrdup("the codec cannot decode a payload");
	else
	{
		text = pgwf_json_text(events);
		node = pgwf_node_parse(text);
		free(text);
		if (pgwf_node_too_deep(node))
		{
			pgwf_node_release(node);
			node = NULL;
		}
		if (node == NULL)
			*error = pgwf_xstrdup("history has JSON that is nested too "
								  "deeply");
	}
	json_decref(events);
	return node;
}

PgwfResult
pgwf_replay_history(PgwfRegistry *registry, const json_t *history,
					PgwfReplayReport **report)
{
	Report	   *r = new_report();
	char	   *error = NULL;
	PgwfNode   *events = read_history(registry, history, &error);
	PgwfInstance *wf;
	const PgwfNode *attributes;
	const PgwfNode **list;
	size_t		n_events;

	*report = &r->report;
	if (events == NULL)
	{
		set_message(r, error);
		return PGWF_INVALID_ARGUMENT;
	}
	list = pgwf_node_elements(events, &n_events);
	attributes = pgwf_node_get(list[0], "attributes");
	wf = pgwf_instance_create(registry, pgwf_node_str(attributes, "workflowId"),
							  pgwf_node_str(attributes,
											"originalExecutionRunId"), NULL);
	pgwf_instance_events(wf, list, n_events, true);
	free(list);

	r->report.events = (int64_t) n_events;
	r->report.workflow_tasks = (int) wf->activation;
	r->report.finished = wf->finished;
	if (wf->info.workflow_type != NULL)
	{
		r->workflow_type = pgwf_xstrdup(wf->info.workflow_type);
		r->report.workflow_type = r->workflow_type;
	}
	if (wf->error == PGWF_ERROR_NONE)
	{
		r->report.ok = true;
		r->report.commands = pgwf_commands_send(wf);
	}
	else
	{
		r->report.commands = json_array();
		r->report.nondeterminism = (wf->error == PGWF_ERROR_NONDETERMINISM);
		r->report.event_id = wf->error_event_id;
		set_message(r, pgwf_xstrdup(wf->error_message));
	}
	pgwf_instance_destroy(wf);
	pgwf_node_release(events);
	return PGWF_OK;
}

PgwfResult
pgwf_replay_history_file(PgwfRegistry *registry, const char *path,
						 PgwfReplayReport **report)
{
	json_error_t error;
	json_t	   *history = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	PgwfResult	result;

	if (history == NULL)
	{
		Report	   *r = new_report();

		set_message(r, pgwf_xprintf("could not read \"%s\": %s", path,
									error.text));
		*report = &r->report;
		return json_error_code(&error) == json_error_cannot_open_file ?
			PGWF_NOT_FOUND : PGWF_INVALID_ARGUMENT;
	}
	result = pgwf_replay_history(registry, history, report);
	json_decref(history);
	return result;
}
