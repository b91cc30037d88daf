/*
 * pgworkflow/payload.h
 *		Payloads: bytes as values, and codecs that encrypt or compress.
 *		Section 12 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_PAYLOAD_H
#define PGWORKFLOW_PAYLOAD_H

#include "registry.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		12. Payloads
 *
 * Arguments, results and details are JSON values, null included.  Bytes are
 * a value as well: a JSON object {"@payload": ...} with which the service and
 * Temporal's tools know what to do.
 *
 * Numbers are integers of 64 bits or doubles.  Others, which SQL can store,
 * reach code in C as the nearest double, and are that double wherever it
 * passes them on; so do those in a memo that goes along with
 * pgwf_continue_as_new().  Identifiers and amounts that are longer than 15
 * digits are safe as strings.
 *
 * pgwf_bytes: a new value of size bytes.
 * pgwf_get_bytes: is the value one of bytes?  Then *data (to be free()d, with
 *		a zero byte behind) and *size are set.
 * ----------------------------------------------------------------
 */
extern json_t *pgwf_bytes(const void *data, size_t size);
extern bool pgwf_get_bytes(const json_t *value, void **data, size_t *size);

/*
 * A codec changes all values on their way to the service and back, so that
 * nobody else can read them: arguments, results, heartbeat details, memo,
 * headers, the details of failures, signals, queries and updates.  Names,
 * types, ids and search attributes stay readable.
 *
 * Set the same codec for workers (pgwf_registry_set_codec()), clients
 * (PgwfClientOptions.codec), and for replaying: the registry's.  Values in
 * histories that the codec did not encode are taken as they are, so one can be
 * introduced while workflows run.  It is called by several threads at once,
 * never by two for the same value.
 *
 * A worker that cannot decode fails the task, with "PayloadCodecError" as the
 * activity's failure type; so does one that cannot encode.
 *
 * doc/worker-api.md and worker_client/examples/encryption.c have one with
 * AES-GCM.
 */
typedef struct PgwfCodec
{
	size_t		struct_size;	/* set by the INIT macro */

	/* What its payloads are marked with, such as "binary/encrypted". */
	const char *encoding;

	/*
	 * Set *out to malloc()ed bytes, which the library frees, and *out_size,
	 * and return true; or return false.  What encode gets is the text of a
	 * JSON value, and decode must give it back.
	 */
	bool		(*encode) (const unsigned char *data, size_t size,
						   unsigned char **out, size_t *out_size, void *arg);
	bool		(*decode) (const unsigned char *data, size_t size,
						   unsigned char **out, size_t *out_size, void *arg);
	void	   *arg;			/* the caller's */

	/* The messages and stack traces of failures as well. */
	bool		encode_failures;
} PgwfCodec;

#define PGWF_CODEC_DEFAULTS .struct_size = sizeof(PgwfCodec)
#define PGWF_CODEC_INIT PGWF_INIT(PgwfCodec)

/* Sets the codec, which is copied; before the registry is used. */
extern void pgwf_registry_set_codec(PgwfRegistry *registry,
									const PgwfCodec *codec);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_PAYLOAD_H */
