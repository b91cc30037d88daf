/*-------------------------------------------------------------------------
 *
 * pgwf_convert.h
 *		Messages between our tables and the files of Temporal's format.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CONVERT_H
#define PGWF_CONVERT_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "pgwf_export.h"

typedef enum PgwfDirection
{
	PGWF_TO_FILE,
	PGWF_FROM_FILE
} PgwfDirection;

extern void pgwf_convert_message(StringInfo out, JsonbValue *value,
								 const PgwfField *fields,
								 PgwfDirection direction);
extern void pgwf_convert_int64(StringInfo out, JsonbValue *value,
							   PgwfDirection direction);
extern bool pgwf_is_null_payload(JsonbValue *value);
extern TimestampTz pgwf_parse_time(JsonbValue *value);

#endif							/* PGWF_CONVERT_H */
