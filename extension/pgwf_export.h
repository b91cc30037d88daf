/*-------------------------------------------------------------------------
 *
 * pgwf_export.h
 *		The messages of Temporal's history files: which members the attributes
 *		of each event type have, and of what kind each member is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_EXPORT_H
#define PGWF_EXPORT_H

#include "pgwf_event.h"

/* How a member looks in a history file and in our tables */
typedef enum PgwfFieldKind
{
	PGWF_FIELD_PLAIN,			/* the same in both: texts, enums, small
								 * numbers, booleans, and lists and objects of
								 * them */
	PGWF_FIELD_INT64,			/* "5" and 5 */
	PGWF_FIELD_DURATION,		/* "0.500s" and "0.5s" */
	PGWF_FIELD_TIME,			/* RFC 3339, its zeros cut off in files */
	PGWF_FIELD_PAYLOAD,			/* a Payload and a value */
	PGWF_FIELD_PAYLOADS,		/* {"payloads": [..]} and [values] */
	PGWF_FIELD_PAYLOAD_MAP,		/* members are Payloads and values */
	PGWF_FIELD_SEARCH_MAP,		/* the same, with types as metadata */
	PGWF_FIELD_PAYLOADS_MAP,	/* members are of kind PAYLOADS */
	PGWF_FIELD_MESSAGE,			/* an object with members of its own */
	PGWF_FIELD_MESSAGES			/* a list of such objects */
} PgwfFieldKind;

/* A message is an array of these, in the order of a file, ended by no name */
typedef struct PgwfField
{
	const char *name;
	PgwfFieldKind kind;
	const struct PgwfField *message;	/* of kinds MESSAGE and MESSAGES */
} PgwfField;

/* Attributes by event type */
extern const PgwfField *const pgwf_event_fields[PGWF_EVENT_TYPE_COUNT + 1];

/* userMetadata of an event */
extern const PgwfField pgwf_user_metadata_fields[];

#endif							/* PGWF_EXPORT_H */
