/*-------------------------------------------------------------------------
 *
 * cache.c
 *	  A hash table of runs with a list in the order of their last use.
 *
 * Knows nothing of what a run is and when it may go; the worker walks the
 * list from the oldest end and decides.  Owned by the worker's main thread;
 * no locks.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_cache.h"
#include "pgwf_util.h"

void
pgwf_cache_init(PgwfCache *cache)
{
	memset(cache, 0, sizeof(*cache));
	cache->nbuckets = 64;
	cache->buckets = pgwf_xalloc(cache->nbuckets * sizeof(PgwfCacheEntry *));
}

/* The entries are their owners' to free. */
void
pgwf_cache_free(PgwfCache *cache)
{
	free(cache->buckets);
	memset(cache, 0, sizeof(*cache));
}

static unsigned
hash_run_id(const char *run_id)
{
	unsigned	h = 2166136261u;	/* FNV-1a */

	for (; *run_id != '\0'; run_id++)
		h = (h ^ (unsigned char) *run_id) * 16777619u;
	return h;
}

PgwfCacheEntry *
pgwf_cache_find(PgwfCache *cache, const char *run_id)
{
	PgwfCacheEntry *entry;

	entry = cache->buckets[hash_run_id(run_id) & (cache->nbuckets - 1)];
	while (entry != NULL && strcmp(entry->run_id, run_id) != 0)
		entry = entry->hash_next;
	return entry;
}

static void
grow(PgwfCache *cache)
{
	unsigned	nbuckets = cache->nbuckets * 2;
	PgwfCacheEntry **buckets = pgwf_xalloc(nbuckets *
										   sizeof(PgwfCacheEntry *));
	PgwfCacheEntry *entry;

	for (entry = cache->oldest; entry != NULL; entry = entry->newer)
	{
		unsigned	i = hash_run_id(entry->run_id) & (nbuckets - 1);

		entry->hash_next = buckets[i];
		buckets[i] = entry;
	}
	free(cache->buckets);
	cache->buckets = buckets;
	cache->nbuckets = nbuckets;
}

static void
link_newest(PgwfCache *cache, PgwfCacheEntry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	if (cache->newest != NULL)
		cache->newest->newer = entry;
	else
		cache->oldest = entry;
	cache->newest = entry;
}

static void
unlink_used(PgwfCache *cache, PgwfCacheEntry *entry)
{
	if (entry->older != NULL)
		entry->older->newer = entry->newer;
	else
		cache->oldest = entry->newer;
	if (entry->newer != NULL)
		entry->newer->older = entry->older;
	else
		cache->newest = entry->older;
}

/*
 * Add an entry as the newest.  The run id must not be there yet.
 */
void
pgwf_cache_add(PgwfCache *cache, PgwfCacheEntry *entry, const char *run_id)
{
	unsigned	i;

	if ((unsigned) cache->count >= cache->nbuckets)
		grow(cache);
	pgwf_copy_text(entry->run_id, sizeof(entry->run_id), run_id);
	i = hash_run_id(entry->run_id) & (cache->nbuckets - 1);
	entry->hash_next = cache->buckets[i];
	cache->buckets[i] = entry;
	link_newest(cache, entry);
	cache->count++;
}

/* Make an entry the newest. */
void
pgwf_cache_touch(PgwfCache *cache, PgwfCacheEntry *entry)
{
	if (cache->newest == entry)
		return;
	unlink_used(cache, entry);
	link_newest(cache, entry);
}

void
pgwf_cache_remove(PgwfCache *cache, PgwfCacheEntry *entry)
{
	PgwfCacheEntry **link;

	link = &cache->buckets[hash_run_id(entry->run_id) &
						   (cache->nbuckets - 1)];
	while (*link != entry)
		link = &(*link)->hash_next;
	*link = entry->hash_next;
	unlink_used(cache, entry);
	cache->count--;
}
