/*
 * pgwf_task.c
 *		Polled tasks: the response to the poll, and the history that was read
 *		on top of it.
 *
 * No locks: a task belongs to one thread at a time.
 */
#include <stdlib.h>

#include "pgwf_int.h"

PgwfTask *
pgwf_task_create(PgwfNode *node)
{
	PgwfTask   *task = pgwf_xalloc(sizeof(PgwfTask));

	task->node = node;
	return task;
}

static void
free_task_events(PgwfTask *task)
{
	size_t		i;

	for (i = 0; i < task->n_events; i++)
		pgwf_node_release(task->events[i]);
	free(task->events);
}

void
pgwf_task_free(PgwfTask *task)
{
	if (task == NULL)
		return;
	free_task_events(task);
	pgwf_node_release(task->node);
	free(task);
}

void
pgwf_task_add_event(PgwfTask *task, PgwfNode *event)
{
	if (task->n_events == task->cap_events)
	{
		task->cap_events = task->cap_events > 0 ? task->cap_events * 2 : 64;
		task->events = pgwf_xrealloc(task->events, task->cap_events *
									 sizeof(PgwfNode *));
	}
	task->events[task->n_events++] = event;
}

void
pgwf_task_drop_history(PgwfTask *task)
{
	free_task_events(task);
	task->events = NULL;
	task->n_events = task->cap_events = 0;
	task->no_history = true;
	task->complete = false;
}

/* The events that came with the task: an array, or NULL. */
static const PgwfNode *
history_of(const PgwfTask *task)
{
	const PgwfNode *events;

	if (task->no_history)
		return NULL;
	events = pgwf_node_get(pgwf_node_get(task->node, "history"), "events");
	return events != NULL && events->type == PGWF_NODE_ARRAY ? events : NULL;
}

const PgwfNode *
pgwf_task_first_event(const PgwfTask *task)
{
	const PgwfNode *first = pgwf_node_first(history_of(task));

	return first != NULL || task->n_events == 0 ? first : task->events[0];
}

const PgwfNode *
pgwf_task_last_event(const PgwfTask *task)
{
	const PgwfNode *event;
	const PgwfNode *last = NULL;

	if (task->n_events > 0)
		return task->events[task->n_events - 1];
	pgwf_node_foreach(history_of(task), event)
		last = event;
	return last;
}

/* The events of a task, and of a list behind them: to be free()d. */
const PgwfNode **
pgwf_task_events(const PgwfTask *task, const PgwfNode *behind, size_t *n_events)
{
	const PgwfNode *history = history_of(task);
	const PgwfNode **events = pgwf_xalloc((pgwf_node_count(history) +
										   task->n_events +
										   pgwf_node_count(behind)) *
										  sizeof(PgwfNode *));
	const PgwfNode *event;
	size_t		n = 0;
	size_t		i;

	pgwf_node_foreach(history, event)
		events[n++] = event;
	for (i = 0; i < task->n_events; i++)
		events[n++] = task->events[i];
	pgwf_node_foreach(behind, event)
		events[n++] = event;
	*n_events = n;
	return events;
}
