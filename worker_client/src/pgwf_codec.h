/*-------------------------------------------------------------------------
 *
 * pgwf_codec.h
 *	  Values as the service gets them: through a codec, if there is one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CODEC_H
#define PGWF_CODEC_H

#include "pgworkflow.h"
#include "pgwf_util.h"

#define PGWF_CODEC_FAILURE_TYPE	"PayloadCodecError"

/* What a value is, which decides on what of it is encoded. */
typedef enum PgwfValueKind
{
	PGWF_VALUE_SINGLE,			/* one value, which becomes a list */
	PGWF_VALUE_ARGS,			/* a list of values, or a single one */
	PGWF_VALUE_FIELDS,			/* an object of names and values */
	PGWF_VALUE_TREE				/* messages, commands, failures and such */
} PgwfValueKind;

/*
 * The text of a value for the service; NULL for NULL, and if it cannot be
 * made.  codec may be NULL.
 */
extern char *pgwf_codec_text(const PgwfCodec *codec, PgwfValueKind kind,
							 const json_t *value);

/* Decodes all values in what came from the service; false if one cannot be. */
extern bool pgwf_codec_decode(const PgwfCodec *codec, json_t *tree);

/* A copy to be free()d, and the registry's, which may be NULL. */
extern PgwfCodec *pgwf_codec_copy(const PgwfCodec *codec);
extern void pgwf_codec_free(PgwfCodec *codec);
extern const PgwfCodec *pgwf_registry_codec(const PgwfRegistry *registry);

/* Base64; malloc'ed, with a zero byte behind.  NULL if it is none. */
extern char *pgwf_base64_decode(const char *str, size_t *size);

#endif							/* PGWF_CODEC_H */
