/*-------------------------------------------------------------------------
 *
 * pgwf_export_schema.h
 *		How the messages of Temporal's history files are written down.
 *
 * A member that is not listed is carried over as it is, so only what looks
 * different in a file and in our tables must be there; the rest is listed for
 * its place.  Members stand in the order of Temporal's own definitions, which
 * is the order in which its tools write them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_EXPORT_SCHEMA_H
#define PGWF_EXPORT_SCHEMA_H

#include "pgwf_export.h"

#define PLAIN(name)				{name, PGWF_FIELD_PLAIN, NULL}
#define INT64(name)				{name, PGWF_FIELD_INT64, NULL}
#define DURATION(name)			{name, PGWF_FIELD_DURATION, NULL}
#define TIME(name)				{name, PGWF_FIELD_TIME, NULL}
#define PAYLOAD(name)			{name, PGWF_FIELD_PAYLOAD, NULL}
#define PAYLOADS(name)			{name, PGWF_FIELD_PAYLOADS, NULL}
#define PAYLOAD_MAP(name)		{name, PGWF_FIELD_PAYLOAD_MAP, NULL}
#define SEARCH_MAP(name)		{name, PGWF_FIELD_SEARCH_MAP, NULL}
#define PAYLOADS_MAP(name)		{name, PGWF_FIELD_PAYLOADS_MAP, NULL}
#define MESSAGE(name, fields)	{name, PGWF_FIELD_MESSAGE, fields}
#define MESSAGES(name, fields)	{name, PGWF_FIELD_MESSAGES, fields}
#define END						{NULL, PGWF_FIELD_PLAIN, NULL}

/* Messages that stand in the attributes of events */
extern const PgwfField pgwf_failure_fields[];
extern const PgwfField pgwf_task_queue_fields[];
extern const PgwfField pgwf_execution_fields[];
extern const PgwfField pgwf_sdk_metadata_fields[];
extern const PgwfField pgwf_header_fields[];
extern const PgwfField pgwf_memo_fields[];
extern const PgwfField pgwf_search_attributes_fields[];
extern const PgwfField pgwf_retry_policy_fields[];
extern const PgwfField pgwf_callback_fields[];
extern const PgwfField pgwf_reset_points_fields[];
extern const PgwfField pgwf_auto_upgrade_info_fields[];
extern const PgwfField pgwf_declined_upgrade_fields[];
extern const PgwfField pgwf_update_request_fields[];
extern const PgwfField pgwf_update_outcome_fields[];
extern const PgwfField pgwf_update_options_fields[];

#endif							/* PGWF_EXPORT_SCHEMA_H */
