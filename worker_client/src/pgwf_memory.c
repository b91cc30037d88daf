/*
 * pgwf_memory.c
 *		Memory that lives as long as a run, or as long as one read-only call
 *		of its code.
 *
 * Everything that workflow code gets and makes belongs to its run and is freed
 * with it.  Query handlers and validators may be called any number of times,
 * so what is made for them goes into memory of its own that is freed when the
 * call is over.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

#define CHUNK_SIZE	((size_t) 4096)

/* What every piece is aligned for. */
typedef union Unit
{
	int64_t		integer;
	double		real;
	void	   *pointer;
} Unit;

typedef struct PgwfChunk
{
	struct PgwfChunk *next;
	size_t		used;
	size_t		size;			/* of data */
	Unit		data[];
} PgwfChunk;

/* Zeroed memory that is freed with the instance. */
void *
pgwf_arena_alloc(PgwfWorkflow *wf, size_t size)
{
	PgwfChunk  *chunk = wf->memory.chunks;
	void	   *ptr;

	size = (size + sizeof(Unit) - 1) / sizeof(Unit) * sizeof(Unit);
	if (chunk == NULL || chunk->size - chunk->used < size)
	{
		size_t		room = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;
		PgwfChunk  *fresh = pgwf_xrealloc(NULL, sizeof(PgwfChunk) + room);

		fresh->used = 0;
		fresh->size = room;
		if (chunk != NULL && room == size)
		{
			/* a big piece of its own; go on filling the current chunk */
			fresh->next = chunk->next;
			chunk->next = fresh;
		}
		else
		{
			fresh->next = chunk;
			wf->memory.chunks = fresh;
		}
		chunk = fresh;
	}
	ptr = (char *) chunk->data + chunk->used;
	chunk->used += size;
	return memset(ptr, 0, size);
}

char *
pgwf_arena_strdup(PgwfWorkflow *wf, const char *str)
{
	size_t		size;

	if (str == NULL)
		return NULL;
	size = strlen(str) + 1;
	return memcpy(pgwf_arena_alloc(wf, size), str, size);
}

char *
pgwf_arena_vprintf(PgwfWorkflow *wf, const char *fmt, va_list args)
{
	char	   *str = pgwf_xvprintf(fmt, args);
	char	   *copy = pgwf_arena_strdup(wf, str);

	free(str);
	return copy;
}

/* Keeps one reference of a value until the instance goes. */
json_t *
pgwf_arena_json(PgwfWorkflow *wf, json_t *value)
{
	PgwfMemory *memory = &wf->memory;

	if (memory->n_owned == memory->cap_owned)
	{
		memory->cap_owned = memory->cap_owned > 0 ?
			memory->cap_owned * 2 : 16;
		memory->owned = pgwf_xrealloc(memory->owned, memory->cap_owned *
									  sizeof(json_t *));
	}
	memory->owned[memory->n_owned++] = value;
	return value;
}

/* Keeps a failure that its maker gave away until the instance goes. */
PgwfFailure *
pgwf_arena_adopt(PgwfWorkflow *wf, PgwfFailure *failure)
{
	if (failure->owned)
		return failure;
	failure->owned = true;
	failure->next = wf->memory.failures;
	wf->memory.failures = failure;
	return failure;
}

/* A failure of the instance's; takes the JSON form over. */
PgwfFailure *
pgwf_arena_failure(PgwfWorkflow *wf, json_t *json)
{
	return pgwf_arena_adopt(wf, pgwf_failure_wrap(json));
}

/* Frees all of it. */
void
pgwf_memory_free(PgwfMemory *memory)
{
	size_t		i;

	while (memory->failures != NULL)
	{
		PgwfFailure *failure = memory->failures;

		memory->failures = failure->next;
		pgwf_failure_destroy(failure);
	}
	for (i = 0; i < memory->n_owned; i++)
		json_decref(memory->owned[i]);
	free(memory->owned);
	while (memory->chunks != NULL)
	{
		PgwfChunk  *chunk = memory->chunks;

		memory->chunks = chunk->next;
		free(chunk);
	}
	memset(memory, 0, sizeof(*memory));
}
