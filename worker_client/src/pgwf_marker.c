/*
 * pgwf_marker.c
 *		Markers: looking ahead for them, patches and versions of changes, side
 *		effects.
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
static const char version_name[] = "Version";
static const char mutable_name[] = "MutableSideEffect";

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
	if (strcmp(name, version_name) == 0)
	{
		value = detail(attributes, "change-id");
		if (!json_is_string(value) ||
			!json_is_integer(detail(attributes, "version")))
			return PGWF_MARKER_NONE;
		if (patch_id != NULL)
			*patch_id = json_string_value(value);
		if (seq != NULL)
			*seq = json_integer_value(detail(attributes, "version"));
		return PGWF_MARKER_VERSION;
	}
	if (strcmp(name, mutable_name) == 0)
	{
		value = detail(attributes, "side-effect-id");
		if (!json_is_string(value))
			return PGWF_MARKER_NONE;
		if (patch_id != NULL)
			*patch_id = json_string_value(value);
		return PGWF_MARKER_MUTABLE;
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
	PgwfMarkerKind kind = pgwf_marker_kind(pgwf_event_json(event), &seq, &patch_id,
										   NULL);

	if (kind != command->marker)
		return false;
	switch (kind)
	{
		case PGWF_MARKER_PATCH:
		case PGWF_MARKER_VERSION:
		case PGWF_MARKER_MUTABLE:
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

/*
 * May history have this event although the code did not ask for it?  The
 * marker of a patch that was deprecated, or of a change with versions.
 */
bool
pgwf_marker_may_skip(PgwfWorkflow *wf, const PgwfEvent *event)
{
	bool		deprecated = false;
	PgwfMarkerKind kind;

	(void) wf;
	if (event->type != PGWF_EVENT_MARKER_RECORDED)
		return false;
	kind = pgwf_marker_kind(pgwf_event_json(event), NULL, NULL, &deprecated);
	return kind == PGWF_MARKER_VERSION ||
		(kind == PGWF_MARKER_PATCH && deprecated);
}

/* Is it a change of search attributes that only lists the run's patches? */
bool
pgwf_is_patch_upsert(const PgwfEvent *event)
{
	json_t	   *fields;

	if (event->type != PGWF_EVENT_UPSERT_SEARCH_ATTRIBUTES)
		return false;
	fields = json_object_get(json_object_get(pgwf_event_json(event),
											 "searchAttributes"),
							 "indexedFields");
	return json_object_size(fields) == 1 &&
		json_object_get(fields, PGWF_CHANGE_VERSION) != NULL;
}

/* Those of patches answer to those of patches, others to others. */
bool
pgwf_upsert_matches(PgwfWorkflow *wf, const PgwfCommand *command,
					const PgwfEvent *event)
{
	(void) wf;
	return (command->marker == PGWF_MARKER_PATCH) ==
		pgwf_is_patch_upsert(event);
}

/* ---- look-ahead ---- */

/* What is known of an id; a new entry if nothing is. */
static PgwfPatch *
find_patch(PgwfWorkflow *wf, PgwfPatch **list, const char *id)
{
	PgwfPatch  *patch;

	for (patch = *list; patch != NULL; patch = patch->next)
	{
		if (strcmp(patch->id, id) == 0)
			return patch;
	}
	patch = pgwf_arena_alloc(wf, sizeof(PgwfPatch));
	patch->id = pgwf_arena_strdup(wf, id);
	patch->next = *list;
	*list = patch;
	return patch;
}

static void
see_marker(PgwfSeenList *list, const PgwfEvent *event, int64_t seq)
{
	PgwfSeenMarker *seen = pgwf_xalloc(sizeof(PgwfSeenMarker));

	seen->event_id = event->id;
	seen->seq = seq;
	seen->attributes = json_incref(pgwf_event_json(event));
	if (list->last != NULL)
		list->last->next = seen;
	else
		list->first = seen;
	list->last = seen;
}

static void
see_version(PgwfWorkflow *wf, const char *change_id, int version)
{
	PgwfPatch  *change = find_patch(wf, &wf->versions, change_id);

	change->in_history = true;
	if (!change->answered)
		change->version = version;
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
	pgwf_seen_free(&wf->mutable_effects);
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
		switch (pgwf_marker_kind(pgwf_event_json(event), &seq, &patch_id, NULL))
		{
			case PGWF_MARKER_PATCH:
				find_patch(wf, &wf->patches, patch_id)->in_history = true;
				break;
			case PGWF_MARKER_SIDE_EFFECT:
				see_marker(&wf->side_effects, event, seq);
				break;
			case PGWF_MARKER_LOCAL:
				see_marker(&wf->local_markers, event, seq);
				break;
			case PGWF_MARKER_VERSION:
				see_version(wf, patch_id, (int) seq);
				break;
			case PGWF_MARKER_MUTABLE:
				see_marker(&wf->mutable_effects, event, 0);
				break;
			case PGWF_MARKER_NONE:
				name = pgwf_json_str(pgwf_event_json(event), "markerName");
				if (name != NULL && strcmp(name, patch_name) != 0 &&
					strcmp(name, side_effect_name) != 0 &&
					strcmp(name, local_name) != 0 &&
					strcmp(name, version_name) != 0 &&
					strcmp(name, mutable_name) != 0)
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

/*
 * Lists a patch, or the version of a change, in the run's search attributes
 * too.  Histories older than this behaviour do not have it.
 */
static void
list_change(PgwfWorkflow *wf, const char *text)
{
	size_t		size = 0;
	size_t		i;
	json_t	   *item;
	PgwfCommand *command;

	if (wf->replaying && !wf->flag[PGWF_FLAG_UPSERT_CHECKS])
		return;
	wf->flag_used[PGWF_FLAG_UPSERT_CHECKS] = true;
	if (wf->change_versions == NULL)
		wf->change_versions = pgwf_arena_json(wf, json_array());
	json_array_append_new(wf->change_versions, json_string(text));
	json_array_foreach(wf->change_versions, i, item)
		size += json_string_length(item) + 3;
	if (size > PGWF_CHANGE_VERSION_MAX)
	{
		json_array_remove(wf->change_versions,
						  json_array_size(wf->change_versions) - 1);
		return;
	}
	command = pgwf_attribute_upsert(wf,
									json_pack("{s:o}", PGWF_CHANGE_VERSION,
											  json_copy(wf->change_versions)));
	command->marker = PGWF_MARKER_PATCH;
}

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
	list_change(wf, patch->id);
}

bool
pgwf_patched(PgwfWorkflow *wf, const char *patch_id)
{
	PgwfPatch  *patch;

	pgwf_require_coroutine(wf, "pgwf_patched");
	pgwf_require_text(wf, "pgwf_patched", "id", patch_id);
	patch = find_patch(wf, &wf->patches, patch_id);
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
	pgwf_require_text(wf, "pgwf_deprecate_patch", "id", patch_id);
	patch = find_patch(wf, &wf->patches, patch_id);
	if (patch->answered)
		return;
	patch->answered = true;
	patch->answer = true;
	if (patch->in_history || !wf->replaying)
		record_patch(wf, patch, true);
}

/* ---- versions of changes ---- */

static void
record_version(PgwfWorkflow *wf, const PgwfPatch *change)
{
	PgwfCommand *command;
	char	   *listed = pgwf_xprintf("%s-%d", change->id, change->version);

	command = pgwf_command_push(wf, PGWF_COMMAND_RECORD_MARKER, NULL,
								json_pack("{s:s, s:{s:[s], s:[i], s:[b]}}",
										  "markerName", version_name,
										  "details", "change-id", change->id,
										  "version", change->version,
										  "version-search-attribute-updated",
										  1));
	command->marker = PGWF_MARKER_VERSION;
	command->patch_id = change->id;
	list_change(wf, listed);
	free(listed);
}

int
pgwf_get_version(PgwfWorkflow *wf, const char *change_id, int min_supported,
				 int max_supported)
{
	PgwfPatch  *change;

	pgwf_require_coroutine(wf, "pgwf_get_version");
	pgwf_require_text(wf, "pgwf_get_version", "id", change_id);
	change = find_patch(wf, &wf->versions, change_id);
	if (!change->answered)
	{
		change->answered = true;
		if (!change->in_history)
			change->version = wf->replaying ? PGWF_DEFAULT_VERSION :
				max_supported;
		if (change->in_history || !wf->replaying)
			record_version(wf, change);
	}
	if (change->version < min_supported || change->version > max_supported)
	{
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, 0,
						 "the workflow code supports versions %d to %d of "
						 "change \"%s\", but history has version %d",
						 min_supported, max_supported, change_id,
						 change->version);
		pgwf_abandon_coroutine(wf);
	}
	return change->version;
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
						 (long long) seq, (long long) wf->info.history_length);
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

static PgwfMutable *
find_mutable(PgwfWorkflow *wf, const char *id)
{
	PgwfMutable *effect;

	for (effect = wf->mutables; effect != NULL; effect = effect->next)
	{
		if (strcmp(effect->id, id) == 0)
			return effect;
	}
	effect = pgwf_arena_alloc(wf, sizeof(PgwfMutable));
	effect->id = pgwf_arena_strdup(wf, id);
	effect->next = wf->mutables;
	wf->mutables = effect;
	return effect;
}

/* The value that history has for a call, a new reference; NULL if none. */
static json_t *
recorded_mutable(const PgwfWorkflow *wf, const char *key)
{
	const PgwfSeenMarker *seen;

	for (seen = wf->mutable_effects.first; seen != NULL; seen = seen->next)
	{
		const char *id = NULL;

		pgwf_marker_kind(seen->attributes, NULL, &id, NULL);
		if (id != NULL && strcmp(id, key) == 0)
			return json_incref(detail(seen->attributes, "data"));
	}
	return NULL;
}

json_t *
pgwf_mutable_side_effect(PgwfWorkflow *wf, const char *id,
						 PgwfSideEffectFn fn, void *arg, PgwfEqualFn equal)
{
	PgwfMutable *effect;
	PgwfCommand *command;
	const char *key;
	json_t	   *value;

	pgwf_require_coroutine(wf, "pgwf_mutable_side_effect");
	pgwf_require_text(wf, "pgwf_mutable_side_effect", "id", id);
	effect = find_mutable(wf, id);
	effect->calls++;
	key = pgwf_sprintf(wf, "%s_%d", id, effect->calls);
	value = recorded_mutable(wf, key);
	if (value == NULL && wf->replaying)
	{
		if (effect->value != NULL)
			return effect->value;
		pgwf_engine_fail(wf, PGWF_ERROR_NONDETERMINISM, 0,
						 "the workflow code asked for mutable side effect "
						 "\"%s\" in the task started by event %lld, but "
						 "history has no value for it", id,
						 (long long) wf->last_started_id);
		pgwf_abandon_coroutine(wf);
	}
	if (value == NULL)
	{
		value = fn(arg);
		if (value == NULL)
			value = json_null();
		if (effect->value != NULL &&
			(equal != NULL ? equal(effect->value, value, arg) :
			 json_equal(effect->value, value)))
		{
			json_decref(value);
			return effect->value;
		}
	}
	effect->value = pgwf_arena_json(wf, value);
	command = pgwf_command_push(wf, PGWF_COMMAND_RECORD_MARKER, NULL,
								json_pack("{s:s, s:{s:[s], s:[O], s:[i]}}",
										  "markerName", mutable_name,
										  "details", "side-effect-id", key,
										  "data", value,
										  "mutable-side-effect-call-counter",
										  effect->calls));
	command->marker = PGWF_MARKER_MUTABLE;
	command->patch_id = key;
	return value;
}
