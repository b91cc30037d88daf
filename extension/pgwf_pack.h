/*-------------------------------------------------------------------------
 *
 * pgwf_pack.h
 *		Events as they are stored: several in a row, in few bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_PACK_H
#define PGWF_PACK_H

#include "lib/stringinfo.h"
#include "pgwf_store.h"

#define PGWF_MAX_PACKED_TEXTS	32

/* Consecutive events that are being packed */
typedef struct PgwfPacker
{
	StringInfoData buf;			/* with room for a varlena header */
	TimestampTz last_time;
	int			ntexts;			/* texts that may be referred to */
	int			texts[PGWF_MAX_PACKED_TEXTS];	/* where they begin */
	int			lengths[PGWF_MAX_PACKED_TEXTS];
} PgwfPacker;

/* Packed events that are being read */
typedef struct PgwfUnpacker
{
	PgwfPacked	packed;
	int			next;			/* offset of the next event */
	int64		next_event_id;
	TimestampTz last_time;
} PgwfUnpacker;

extern void pgwf_pack_begin(PgwfPacker *packer);
extern void pgwf_pack_event(PgwfPacker *packer, const PgwfEvent *event);
extern int	pgwf_pack_size(const PgwfPacker *packer);
extern bytea *pgwf_pack_finish(PgwfPacker *packer);

extern void pgwf_unpack_begin(PgwfUnpacker *unpacker, const bytea *packed,
							  int64 first_event_id);
extern bool pgwf_unpack_next(PgwfUnpacker *unpacker, PgwfEvent *event);
extern void pgwf_unpack_event(PgwfEvent *event);
extern void pgwf_append_event_members(StringInfo buf, const PgwfEvent *event);

#endif							/* PGWF_PACK_H */
