/*-------------------------------------------------------------------------
 *
 * pgwf_zone.h
 *		Time zones: those that the server knows by name, and those that are
 *		given as the contents of a TZif file (RFC 8536).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_ZONE_H
#define PGWF_ZONE_H

#include "pgtime.h"

/* A TZif file is no larger */
#define PGWF_MAX_ZONE_DATA 65536

typedef struct PgwfZone PgwfZone;

/* The zone of that name, or NULL if it is not known; no name is UTC */
extern PgwfZone *pgwf_zone(const char *name);

/*
 * The zone of a TZif file in base64.  Returns NULL and sets *error, a
 * sentence without period, if it is none.
 */
extern PgwfZone *pgwf_zone_from_data(const char *base64, char **error);

/*
 * The offset from UTC at a moment, in seconds, and the end of the stretch in
 * which it stays the same: PG_INT64_MAX if it stays for ever.  Returns false
 * if the zone says nothing of that time.
 */
extern bool pgwf_zone_offset(const PgwfZone *zone, pg_time_t moment,
							 int64 *offset, pg_time_t *end);

#endif							/* PGWF_ZONE_H */
