/*
 * pgwf_history.c
 *		Reading events, and cutting a history into logical workflow tasks.
 *
 * One activation of the workflow code stands for one logical workflow task:
 * the stretch of history from behind a WorkflowTaskStarted up to the next one
 * that counts.  Those that do not count led to nothing (failed, timed out,
 * run closed) or only kept a task with local activities alive.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

/*
 * Fills "event" from its readable form, whose document must live longer.  On
 * failure returns false with *error to free().
 */
bool
pgwf_event_read(const PgwfNode *node, PgwfEvent *event, char **error)
{
	const char *type = pgwf_node_str(node, "eventType");
	const PgwfNode *id = pgwf_node_get(node, "eventId");

	memset(event, 0, sizeof(*event));
	if (id == NULL || id->type != PGWF_NODE_INTEGER || type == NULL)
	{
		*error = pgwf_xprintf("history has an element without eventId or "
							  "eventType");
		return false;
	}
	event->id = id->value.integer;
	event->type = pgwf_event_type_of(type);
	event->may_ignore = pgwf_node_true(node, "workerMayIgnore");
	if (event->type == PGWF_EVENT_NONE && !event->may_ignore)
	{
		*error = pgwf_xprintf("event %lld has a type this worker does not "
							  "know: %s", (long long) event->id, type);
		return false;
	}
	event->time_us = pgwf_node_time_us(pgwf_node_get(node, "eventTime"));
	event->attributes = pgwf_node_get(node, "attributes");
	return true;
}

/*
 * An event's attributes as jansson's value, or NULL: the event's, made when
 * first asked for.
 */
json_t *
pgwf_event_json(const PgwfEvent *event)
{
	if (event->json == NULL)
		((PgwfEvent *) event)->json = pgwf_node_json(event->attributes);
	return event->json;
}

/* Type of the event at an index, PGWF_EVENT_NONE behind the end. */
static PgwfEventType
type_at(const PgwfEvent *events, int n_events, int at)
{
	return at < n_events ? events[at].type : PGWF_EVENT_NONE;
}

/*
 * Was the task that started at this index answered without a command, only to
 * have it followed by another at once?
 */
static bool
is_heartbeat(const PgwfEvent *events, int n_events, int started)
{
	return type_at(events, n_events, started + 1) ==
		PGWF_EVENT_TASK_COMPLETED &&
		type_at(events, n_events, started + 2) == PGWF_EVENT_TASK_SCHEDULED &&
		type_at(events, n_events, started + 3) == PGWF_EVENT_TASK_STARTED;
}

/*
 * An update is run by the first task that started behind its sequencing event.
 * So the sequence that is to be ended by the WorkflowTaskStarted at "at" ends
 * with the last one before that event, if it has one that led to something.
 */
static int
before_update(const PgwfEvent *events, int n_events, int start, int at,
			  int64_t sequencing_id)
{
	int			i;

	for (i = at; i >= start; i--)
	{
		if (events[i].type == PGWF_EVENT_TASK_STARTED &&
			events[i].id < sequencing_id &&
			type_at(events, n_events, i + 1) == PGWF_EVENT_TASK_COMPLETED)
			return i;
	}
	return at;
}

/*
 * Finds the WorkflowTaskStarted, or the closing event, that ends the sequence
 * that begins at "start".  Returns its index, or -1 if no sequence ends in
 * what there is of history.  *has_command says whether events that belong to
 * it and were read before had a command event among them, and is set if the
 * sequence has.  sequencing_id is that of an update that the task at the end
 * of the events brings, 0 if it brings none.
 */
int
pgwf_sequence_end(const PgwfEvent *events, int n_events, int start,
				  int64_t sequencing_id, bool *has_command)
{
	int			i;

	for (i = start; i < n_events; i++)
	{
		PgwfEventType type = events[i].type;

		if (pgwf_event_infos[type].flags & PGWF_EVENT_CLOSE)
			return i;
		if (pgwf_event_infos[type].flags & PGWF_EVENT_COMMAND)
			*has_command = true;
		if (type != PGWF_EVENT_TASK_STARTED)
			continue;
		switch (type_at(events, n_events, i + 1))
		{
			case PGWF_EVENT_TASK_FAILED:
			case PGWF_EVENT_TASK_TIMED_OUT:
			case PGWF_EVENT_WORKFLOW_TIMED_OUT:
			case PGWF_EVENT_WORKFLOW_TERMINATED:
			case PGWF_EVENT_WORKFLOW_CANCELED:
				continue;
			case PGWF_EVENT_NONE:
				return before_update(events, n_events, start, i,
									 sequencing_id);
			case PGWF_EVENT_TASK_COMPLETED:
				if (type_at(events, n_events, i + 2) ==
					PGWF_EVENT_UPDATE_ACCEPTED)
					return before_update(events, n_events, start, i,
										 pgwf_node_int(events[i + 2].attributes,
													   "acceptedRequestSequencingEventId"));
				break;
			default:
				break;
		}
		if (!*has_command && is_heartbeat(events, n_events, i))
			continue;
		return i;
	}
	return -1;
}

/*
 * The WorkflowTaskStarted whose time and numbers workflow code sees in the
 * activation of the sequence that ends with one at "end": the first in it
 * that was answered.  In a chain of heartbeats this is the one in which the
 * code really ran.
 */
int
pgwf_sequence_task(const PgwfEvent *events, int n_events, int start, int end)
{
	int			i;

	for (i = start; i < end; i++)
	{
		if (events[i].type == PGWF_EVENT_TASK_STARTED &&
			type_at(events, n_events, i + 1) == PGWF_EVENT_TASK_COMPLETED)
			return i;
	}
	return end;
}

/* ---- map from event id to machine ---- */

static size_t
slot_of(const PgwfIdMap *map, int64_t key)
{
	size_t		slot = (size_t) ((uint64_t) key *
								 UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (slot &= map->size - 1;
		 map->keys[slot] != 0 && map->keys[slot] != key;
		 slot = (slot + 1) & (map->size - 1))
		;
	return slot;
}

void
pgwf_idmap_put(PgwfIdMap *map, int64_t key, PgwfMachine *machine)
{
	size_t		slot;

	if ((map->used + 1) * 2 > map->size)
	{
		PgwfIdMap	old = *map;
		size_t		i;

		map->size = old.size > 0 ? old.size * 2 : 16;
		map->keys = pgwf_xalloc(map->size * sizeof(int64_t));
		map->values = pgwf_xalloc(map->size * sizeof(PgwfMachine *));
		for (i = 0; i < old.size; i++)
		{
			if (old.keys[i] == 0)
				continue;
			slot = slot_of(map, old.keys[i]);
			map->keys[slot] = old.keys[i];
			map->values[slot] = old.values[i];
		}
		free(old.keys);
		free(old.values);
	}
	slot = slot_of(map, key);
	if (map->keys[slot] == 0)
		map->used++;
	map->keys[slot] = key;
	map->values[slot] = machine;
}

PgwfMachine *
pgwf_idmap_get(const PgwfIdMap *map, int64_t key)
{
	return map->size > 0 && key != 0 ? map->values[slot_of(map, key)] : NULL;
}

void
pgwf_idmap_free(PgwfIdMap *map)
{
	free(map->keys);
	free(map->values);
}
