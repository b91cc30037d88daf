/*
 * pgwf_marker.c
 *		Markers: looking ahead for them, patches, side effects.
 *
 * Before the code runs for a workflow task, the events that this task led to
 * are searched for markers, so that what they recorded can be answered at
 * once: whether a patch was there, the value of a side effect, the result of a
 * local activity.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

static const char patch_name[] = "core_patch";
static const char side_effect_name[] = "SideEffect";
static const char local_name[] = "core_local_activity";

/* One value of a marker's details. */
static json_t *
detail(const json_t *attributes, const char *key)
{
	json_t	   *values = json_object_get(json_object_get(attributes,
														 "details"), key);

	return json_is_array(values) ? json_array_get(values, 0) : values;
}

/*
 * Which of our markers do these attributes (of a command or an event)
 * describe?  Sets what belongs to the kind where the pointer is not NULL.
 */
PgwfMarkerKind
pgwf_marker_kind(const json_t *attributes, int64_t *seq,
				 const char **patch_id, bool *deprecated)
{
	const char *name = pgwf_json_str(attributes, "markerName");
	const json_t *value;

	if (name == NULL)
		return PGWF_MARKER_NONE;
	if (strcmp(name, patch_name) == 0)
	{
		value = detail(attributes, "patch-data");
		if (pgwf_json_str(value, "id") == NULL)
			return PGWF_MARKER_NONE;
		if (patch_id != NULL)
			*patch_id = pgwf_json_str(value, "id");
		if (deprecated != NULL)
			*deprecated = json_is_true(json_object_get(value, "deprecated"));
		return PGWF_MARKER_PATCH;
	}
	if (strcmp(name, side_effect_name) == 0)
		value = detail(attributes, "side-effect-id");
	else if (strcmp(name, local_name) == 0)
		value = json_object_get(pgwf_local_marker_data(attributes), "seq");
	else
		return PGWF_MARKER_NONE;
	if (!json_is_integer(value))
		return PGWF_MARKER_NONE;
	if (seq != NULL)
		*seq = (int64_t) json_integer_value(value);
	return strcmp(name, side_effect_name) == 0 ?
		PGWF_MARKER_SIDE_EFFECT : PGWF_MARKER_LOCAL;
}

/* Is this event the marker that the command asked for? */
bool
pgwf_marker_matches(PgwfWorkflow *wf, const PgwfCommand *command,
					const PgwfEvent *event)
{
	int64_t		seq = 0;
	const char *patch_id = NULL;
	PgwfMarkerKind kind = pgwf_marker_kind(event->attributes, &seq, &patch_id,
										   NULL);

	if (kind != command->marker)
		return false;
	switch (kind)
	{
		case PGWF_MARKER_PATCH:
			return strcmp(patch_id, command->patch_id) == 0;
		case PGWF_MARKER_SIDE_EFFECT:
			return seq == command->marker_id;
		case PGWF_MARKER_LOCAL:
			return seq == command->marker_id &&
				pgwf_local_matches(wf, command, event);
		case PGWF_MARKER_NONE:
			break;
	}
	return false;
}

/* May history have this event although the code did not ask for it? */
bool
pgwf_marker_may_skip(PgwfWorkflow *wf, const PgwfEvent *event)
{
	bool		deprecated = false;

	(void) wf;
	return event->type == PGWF_EVENT_MARKER_RECORDED &&
		pgwf_marker_kind(event->attributes, NULL, NULL, &deprecated) ==
		PGWF_MARKER_PATCH && deprecated;
}

/* ---- look-ahead ---- */

static PgwfPatch *
find_patch(PgwfWorkflow *wf, const char *id)
{
	PgwfPatch  *patch;

	for (patch = wf->patches; patch != NULL; patch = patch->next)
	{
		if (strcmp(patch->id, id) == 0)
			return patch;
	}
	patch = pgwf_arena_alloc(wf, sizeof(PgwfPatch));
	patch->id = pgwf_arena_strdup(wf, id);
	patch->next = wf->patches;
	wf->patches = patch;
	return patch;
}

static void
see_marker(PgwfSeenList *list, const PgwfEvent *event, int64_t seq)
{
	PgwfSeenMarker *seen = pgwf_xalloc(sizeof(PgwfSeenMarker));

	seen->event_id = event->id;
	seen->seq = seq;
	seen->attributes = json_incref(event->attributes);
	if (list->last != NULL)
		list->last->next = seen;
	else
		list->first = seen;
	list->last = seen;
}

void
pgwf_seen_free(PgwfSeenList *list)
{
	while (list->first != NULL)
	{
		PgwfSeenMarker *seen = list->first;

		list->first = seen->next;
		json_decref(seen->attributes);
		free(seen);
	}
	list->last = NULL;
}

/*
 * Reads the markers, and the updates that were accepted, of the sequence that
 * follows the WorkflowTaskStarted at this index: what its task recorded.
 */
void
pgwf_markers_look_ahead(PgwfWorkflow *wf, const PgwfEvent *events,
						int n_events, int started)
{
	bool		has_command;
	int			end;
	int			i;

	has_command = false;
	end = pgwf_sequence_end(events, n_events, started + 1, 0, &has_command);
	pgwf_seen_free(&wf->local_markers);
	pgwf_seen_free(&wf->side_effects);
	if (end < 0)
		end = n_events - 1;
	for (i = started + 1; i <= end; i++)
	{
		const PgwfEvent *event = &events[i];
		const char *name;
		const char *patch_id = NULL;
		int64_t		seq = 0;

		if (event->type == PGWF_EVENT_UPDATE_ACCEPTED)
			pgwf_update_look_ahead(wf, event);
		if (event->type != PGWF_EVENT_MARKER_RECORDED)
			continue;
		switch (pgwf_marker_kind(event->attributes, &seq, &patch_id, NULL))
		{
			case PGWF_MARKER_PATCH:
				find_patch(wf, patch_id)->in_history = true;
				break;
			case PGWF_MARKER_SIDE_EFFECT:
				see_marker(&wf->side_effects, event, seq);
				break;
			case PGWF_MARKER_LOCAL:
				see_marker(&wf->local_markers, event, seq);
				break;
			case PGWF_MARKER_NONE:
				name = pgwf_json_str(event->attributes, "markerName");
				if (name != NULL && strcmp(name, patch_name) != 0 &&
					strcmp(name, side_effect_name) != 0 &&
					strcmp(name, local_name) != 0)
					break;
				pgwf_engine_fail(wf, PGWF_ERROR_UNHANDLED, event->id,
								 "event %lld is a malformed marker \"%s\"",
								 (long long) event->id,
								 name != NULL ? name : "");
				return;
		}
	}
}

/* ---- patches ---- */

static void
record_patch(PgwfWorkflow *wf, PgwfPatch *patch, bool deprecated)
{
	PgwfCommand *command;

	command = pgwf_command_push(wf, PGWF_COMMAND_RECORD_MARKER, NULL,
								json_pack("{s:s, s:{s:[{s:s, s:b}]}}",
										  "markerName", patch_name,
										  "details", "patch-data",
										  "id", patch->id,
										  "deprecated", deprecated ? 1 : 0));
	command->marker = PGWF_MARKER_PATCH;
	command->patch_id = patch->id;
}

bool
pgwf_patched(PgwfWorkflow *wf, const char *patch_id)
{
	PgwfPatch  *patch;

	pgwf_require_coroutine(wf, "pgwf_patched");
	patch = find_patch(wf, patch_id);
	if (!patch->answered)
	{
		patch->answered = true;
		patch->answer = patch->in_history || !wf->replaying;
		if (patch->answer)
			record_patch(wf, patch, false);
	}
	return patch->answer;
}

void
pgwf_deprecate_patch(PgwfWorkflow *wf, const char *patch_id)
{
	PgwfPatch  *patch;

	pgwf_require_coroutine(wf, "pgwf_deprecate_patch");
	patch = find_patch(wf, patch_id);
	if (patch->answered)
		return;
	patch->answered = true;
	patch->answer = true;
	if (patch->in_history || !wf->replaying)
		record_patch(wf, patch, true);
}

/* ---- side effects ---- */

json_t *
pgwf_side_effect(PgwfWorkflow *wf, PgwfSideEffectFn fn, void *arg)
{
	PgwfSeenMarker *seen;
	PgwfCommand *command;
	json_t	   *value = NULL;
	int64_t		seq;

	pgwf_require_coroutine(wf, "pgwf_side_effect");
	seq = ++wf->seq[PGWF_SEQ_SIDE_EFFECT];
	for (seen = wf->side_effects.first; seen != NULL; seen = seen->next)
	{
		if (seen->seq == seq)
			value = json_incref(detail(seen->attributes, "data"));
	}
	if (value == NULL && wf->replaying)
	{
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, 0,
						 "the workflow code asked for side effect %lld in the "
						 "task started by event %lld, but history has no "
						 "marker SideEffect with that number there",
						 (long long) seq, (long long) wf->last_started_id);
		pgwf_abandon_coroutine(wf);
	}
	if (value == NULL)
	{
		value = fn(arg);
		if (value == NULL)
			value = json_null();
	}
	value = pgwf_arena_json(wf, value);
	command = pgwf_command_push(wf, PGWF_COMMAND_RECORD_MARKER, NULL,
								json_pack("{s:s, s:{s:[I], s:[O]}}",
										  "markerName", side_effect_name,
										  "details", "side-effect-id",
										  (json_int_t) seq, "data", value));
	command->marker = PGWF_MARKER_SIDE_EFFECT;
	command->marker_id = seq;
	return value;
}
