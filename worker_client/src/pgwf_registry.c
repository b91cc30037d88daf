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

#include "pgwf_codec.h"
#include "pgwf_int.h"
#include "pgwf_interceptor.h"

#define DEFAULT_STACK_SIZE	((size_t) 256 * 1024)
#define MIN_STACK_SIZE		((size_t) 32 * 1024)
#define MAX_NAME_LENGTH		1000

typedef struct Entry
{
	char	   *name;
	PgwfWorkflowFn workflow;
	PgwfActivityFn activity;
	void	   *arg;
	PgwfInitFn	init;			/* of workflows; maybe NULL */
	unsigned	fail_on;		/* of workflows */
	PgwfVersioningBehavior versioning;	/* of workflows */
} Entry;

typedef struct EntryList
{
	Entry	   *entries;		/* sorted by name */
	int			n;
	Entry	   *other;			/* for all other names, or NULL */
} EntryList;

struct PgwfRegistry
{
	EntryList	workflows;
	EntryList	activities;
	PgwfLogFn	log;
	void	   *log_arg;
	unsigned	fail_on;		/* for all types */
	PgwfStackPool *stacks;
	PgwfInterceptors interceptors;
	PgwfCodec  *codec;			/* NULL: none */
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
	free(list->other);
}

void
pgwf_registry_free(PgwfRegistry *registry)
{
	if (registry == NULL)
		return;
	free_list(&registry->workflows);
	free_list(&registry->activities);
	pgwf_stack_pool_destroy(registry->stacks);
	free(registry->interceptors.list);
	pgwf_codec_free(registry->codec);
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

/* Can this be the name of a type?  It has to be UTF-8, for one. */
static bool
name_is_valid(const char *name)
{
	json_t	   *string = json_string(name);

	json_decref(string);
	return string != NULL && *name != '\0' &&
		strlen(name) <= MAX_NAME_LENGTH;
}

/* Adds what "entry" says, except its name. */
static PgwfResult
add_entry(EntryList *list, const char *name, const Entry *entry)
{
	bool		found;
	int			at;

	if (entry->workflow == NULL && entry->activity == NULL)
		return PGWF_INVALID_ARGUMENT;
	if (name == NULL)
	{
		if (list->other != NULL)
			return PGWF_ALREADY_EXISTS;
		list->other = pgwf_xalloc(sizeof(Entry));
		*list->other = *entry;
		return PGWF_OK;
	}
	if (!name_is_valid(name))
		return PGWF_INVALID_ARGUMENT;
	at = position_of(list, name, &found);
	if (found)
		return PGWF_ALREADY_EXISTS;
	list->entries = pgwf_xrealloc(list->entries,
								  (size_t) (list->n + 1) * sizeof(Entry));
	memmove(list->entries + at + 1, list->entries + at,
			(size_t) (list->n - at) * sizeof(Entry));
	list->n++;
	list->entries[at] = *entry;
	list->entries[at].name = pgwf_xstrdup(name);
	return PGWF_OK;
}

/* The entry for a name, maybe the one for all others; NULL if none is. */
static const Entry *
find_entry(const EntryList *list, const char *name)
{
	bool		found;
	int			at = position_of(list, name, &found);

	return found ? &list->entries[at] : list->other;
}

PgwfResult
pgwf_register_workflow(PgwfRegistry *registry, const char *name,
					   PgwfWorkflowFn fn, void *arg)
{
	return pgwf_register_workflow_with(registry, name, fn, arg, NULL);
}

PgwfResult
pgwf_register_workflow_with(PgwfRegistry *registry, const char *name,
							PgwfWorkflowFn fn, void *arg,
							const PgwfTypeOptions *options)
{
	PgwfTypeOptions o;
	Entry		entry = {0};

	pgwf_options_copy(&o, sizeof(o), options);
	entry.workflow = fn;
	entry.arg = arg;
	entry.init = o.init;
	entry.fail_on = o.fail_on;
	entry.versioning = o.versioning_behavior;
	return add_entry(&registry->workflows, name, &entry);
}

PgwfResult
pgwf_register_activity(PgwfRegistry *registry, const char *name,
					   PgwfActivityFn fn, void *arg)
{
	Entry		entry = {0};

	entry.activity = fn;
	entry.arg = arg;
	return add_entry(&registry->activities, name, &entry);
}

void
pgwf_registry_fail_on(PgwfRegistry *registry, unsigned fail_on)
{
	registry->fail_on = fail_on;
}

PgwfWorkflowFn
pgwf_registry_find_workflow(PgwfRegistry *registry, const char *name,
							void **arg)
{
	const Entry *entry = find_entry(&registry->workflows, name);

	if (entry == NULL)
		return NULL;
	*arg = entry->arg;
	return entry->workflow;
}

/* What was said about a type; *init is set to NULL if nothing was. */
unsigned
pgwf_registry_type_options(const PgwfRegistry *registry, const char *name,
						   PgwfInitFn *init)
{
	const Entry *entry = find_entry(&registry->workflows, name);

	*init = entry != NULL ? entry->init : NULL;
	return registry->fail_on | (entry != NULL ? entry->fail_on : 0);
}

PgwfVersioningBehavior
pgwf_registry_versioning(const PgwfRegistry *registry, const char *name)
{
	const Entry *entry = find_entry(&registry->workflows, name);

	return entry != NULL ? entry->versioning : PGWF_VERSIONING_DEFAULT;
}

PgwfActivityFn
pgwf_registry_find_activity(PgwfRegistry *registry, const char *name,
							void **arg)
{
	const Entry *entry = find_entry(&registry->activities, name);

	if (entry == NULL)
		return NULL;
	*arg = entry->arg;
	return entry->activity;
}

int
pgwf_registry_workflow_count(const PgwfRegistry *registry)
{
	return registry->workflows.n + (registry->workflows.other != NULL);
}

int
pgwf_registry_activity_count(const PgwfRegistry *registry)
{
	return registry->activities.n + (registry->activities.other != NULL);
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

void
pgwf_registry_add_interceptor(PgwfRegistry *registry,
							  const PgwfInterceptor *interceptor)
{
	pgwf_interceptors_add(&registry->interceptors, interceptor);
}

const PgwfInterceptors *
pgwf_registry_interceptors(const PgwfRegistry *registry)
{
	return &registry->interceptors;
}

void
pgwf_registry_set_codec(PgwfRegistry *registry, const PgwfCodec *codec)
{
	pgwf_codec_free(registry->codec);
	registry->codec = pgwf_codec_copy(codec);
}

const PgwfCodec *
pgwf_registry_codec(const PgwfRegistry *registry)
{
	return registry->codec;
}
