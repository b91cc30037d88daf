/*
 * pgwf_registry.c
 *		Names of workflows and activities and the functions behind them; the
 *		log and the stacks that all runs of a registry share.
 *
 * Read-only once workers use it, except the pool of stacks, which locks
 * itself.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

#define DEFAULT_STACK_SIZE	((size_t) 256 * 1024)
#define MIN_STACK_SIZE		((size_t) 32 * 1024)
#define MAX_NAME_LENGTH		1000

typedef struct Entry
{
	char	   *name;
	PgwfWorkflowFn workflow;
	PgwfActivityFn activity;
	void	   *arg;
} Entry;

typedef struct EntryList
{
	Entry	   *entries;		/* sorted by name */
	int			n;
} EntryList;

struct PgwfRegistry
{
	EntryList	workflows;
	EntryList	activities;
	PgwfLogFn	log;
	void	   *log_arg;
	PgwfStackPool *stacks;
};

PgwfRegistry *
pgwf_registry_new(void)
{
	PgwfRegistry *registry = pgwf_xalloc(sizeof(PgwfRegistry));

	registry->stacks = pgwf_stack_pool_create(DEFAULT_STACK_SIZE);
	return registry;
}

static void
free_list(EntryList *list)
{
	int			i;

	for (i = 0; i < list->n; i++)
		free(list->entries[i].name);
	free(list->entries);
}

void
pgwf_registry_free(PgwfRegistry *registry)
{
	if (registry == NULL)
		return;
	free_list(&registry->workflows);
	free_list(&registry->activities);
	pgwf_stack_pool_destroy(registry->stacks);
	free(registry);
}

/* Position of a name, or where it belongs if it is not there. */
static int
position_of(const EntryList *list, const char *name, bool *found)
{
	int			low = 0;
	int			high = list->n;

	*found = false;
	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			cmp = strcmp(list->entries[middle].name, name);

		if (cmp == 0)
		{
			*found = true;
			return middle;
		}
		if (cmp < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static PgwfResult
add_entry(EntryList *list, const char *name, PgwfWorkflowFn workflow,
		  PgwfActivityFn activity, void *arg)
{
	bool		found;
	int			at;
	Entry	   *entry;

	if (name == NULL || *name == '\0' || strlen(name) > MAX_NAME_LENGTH ||
		(workflow == NULL && activity == NULL))
		return PGWF_INVALID_ARGUMENT;
	at = position_of(list, name, &found);
	if (found)
		return PGWF_ALREADY_EXISTS;
	list->entries = pgwf_xrealloc(list->entries,
								  (size_t) (list->n + 1) * sizeof(Entry));
	memmove(list->entries + at + 1, list->entries + at,
			(size_t) (list->n - at) * sizeof(Entry));
	list->n++;
	entry = &list->entries[at];
	entry->name = pgwf_xstrdup(name);
	entry->workflow = workflow;
	entry->activity = activity;
	entry->arg = arg;
	return PGWF_OK;
}

PgwfResult
pgwf_register_workflow(PgwfRegistry *registry, const char *name,
					   PgwfWorkflowFn fn, void *arg)
{
	return add_entry(&registry->workflows, name, fn, NULL, arg);
}

PgwfResult
pgwf_register_activity(PgwfRegistry *registry, const char *name,
					   PgwfActivityFn fn, void *arg)
{
	return add_entry(&registry->activities, name, NULL, fn, arg);
}

PgwfWorkflowFn
pgwf_registry_find_workflow(PgwfRegistry *registry, const char *name,
							void **arg)
{
	bool		found;
	int			at = position_of(&registry->workflows, name, &found);

	if (!found)
		return NULL;
	*arg = registry->workflows.entries[at].arg;
	return registry->workflows.entries[at].workflow;
}

PgwfActivityFn
pgwf_registry_find_activity(PgwfRegistry *registry, const char *name,
							void **arg)
{
	bool		found;
	int			at = position_of(&registry->activities, name, &found);

	if (!found)
		return NULL;
	*arg = registry->activities.entries[at].arg;
	return registry->activities.entries[at].activity;
}

int
pgwf_registry_workflow_count(const PgwfRegistry *registry)
{
	return registry->workflows.n;
}

int
pgwf_registry_activity_count(const PgwfRegistry *registry)
{
	return registry->activities.n;
}

/* The registered workflow types as text for a message; free() it. */
char *
pgwf_registry_workflow_names(const PgwfRegistry *registry)
{
	char	   *names = pgwf_xstrdup("");
	int			i;

	for (i = 0; i < registry->workflows.n; i++)
	{
		char	   *longer = pgwf_xprintf("%s%s\"%s\"", names,
										  i > 0 ? ", " : "",
										  registry->workflows.entries[i].name);

		free(names);
		names = longer;
	}
	return names;
}

/* ---- what runs share ---- */

void
pgwf_registry_set_log(PgwfRegistry *registry, PgwfLogFn fn, void *arg)
{
	registry->log = fn;
	registry->log_arg = arg;
}

void
pgwf_registry_log(PgwfRegistry *registry, PgwfLogLevel level,
				  const char *fmt,...)
{
	va_list		args;
	char	   *message;

	if (registry->log == NULL)
		return;
	va_start(args, fmt);
	message = pgwf_xvprintf(fmt, args);
	va_end(args);
	registry->log(level, message, registry->log_arg);
	free(message);
}

PgwfResult
pgwf_registry_set_stack_size(PgwfRegistry *registry, size_t bytes)
{
	if (bytes < MIN_STACK_SIZE || bytes > SIZE_MAX / 2)
		return PGWF_INVALID_ARGUMENT;
	pgwf_stack_pool_destroy(registry->stacks);
	registry->stacks = pgwf_stack_pool_create(bytes);
	return PGWF_OK;
}

PgwfStackPool *
pgwf_registry_stacks(PgwfRegistry *registry)
{
	return registry->stacks;
}
