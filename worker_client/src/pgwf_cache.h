/*-------------------------------------------------------------------------
 *
 * pgwf_cache.h
 *	  Runs by run id, in the order of their last use.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CACHE_H
#define PGWF_CACHE_H

#include <stdbool.h>

#include "pgworkflow.h"

/* Embedded in what is cached. */
typedef struct PgwfCacheEntry
{
	char		run_id[PGWF_RUN_ID_SIZE];
	struct PgwfCacheEntry *hash_next;
	struct PgwfCacheEntry *older;
	struct PgwfCacheEntry *newer;
} PgwfCacheEntry;

typedef struct PgwfCache
{
	PgwfCacheEntry **buckets;
	unsigned	nbuckets;		/* a power of 2 */
	int			count;
	PgwfCacheEntry *oldest;
	PgwfCacheEntry *newest;
} PgwfCache;

extern void pgwf_cache_init(PgwfCache *cache);
extern void pgwf_cache_free(PgwfCache *cache);
extern PgwfCacheEntry *pgwf_cache_find(PgwfCache *cache, const char *run_id);
extern void pgwf_cache_add(PgwfCache *cache, PgwfCacheEntry *entry,
						   const char *run_id);
extern void pgwf_cache_touch(PgwfCache *cache, PgwfCacheEntry *entry);
extern void pgwf_cache_remove(PgwfCache *cache, PgwfCacheEntry *entry);

#endif							/* PGWF_CACHE_H */
