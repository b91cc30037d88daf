/*-------------------------------------------------------------------------
 *
 * pgwf_json.h
 *		Reading and building jsonb in the shapes of proto3 JSON.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_JSON_H
#define PGWF_JSON_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* Durations and times that are not set */
#define PGWF_NO_DURATION	INT64CONST(0)
#define PGWF_NO_TIME		DT_NOBEGIN

/* Durations are capped at 100 years, in microseconds */
#define PGWF_MAX_DURATION	(INT64CONST(36500) * USECS_PER_DAY)

/*
 * An object under construction.  As in proto3 JSON, members with the default
 * value of their type (null, "", 0, false, no duration, no time) are left
 * out, whoever adds them.
 */
typedef struct PgwfObject
{
	JsonbParseState *state;
	JsonbValue *result;
} PgwfObject;

extern void pgwf_object_begin(PgwfObject *object);
extern Jsonb *pgwf_object_finish(PgwfObject *object);
extern void pgwf_object_text(PgwfObject *object, const char *key,
							 const char *value);
extern void pgwf_object_int(PgwfObject *object, const char *key, int64 value);
extern void pgwf_object_double(PgwfObject *object, const char *key,
							   double value);
extern void pgwf_object_bool(PgwfObject *object, const char *key, bool value);
extern void pgwf_object_duration(PgwfObject *object, const char *key,
								 int64 value);
extern void pgwf_object_time(PgwfObject *object, const char *key,
							 TimestampTz value);
extern void pgwf_object_jsonb(PgwfObject *object, const char *key,
							  const Jsonb *value);
extern void pgwf_object_name(PgwfObject *object, const char *key,
							 const char *name);
extern void pgwf_object_open(PgwfObject *object, const char *key);
extern void pgwf_object_close(PgwfObject *object);
extern void pgwf_object_open_array(PgwfObject *object, const char *key);
extern void pgwf_object_open_element(PgwfObject *object);
extern void pgwf_object_text_element(PgwfObject *object, const char *value);
extern void pgwf_object_time_element(PgwfObject *object, TimestampTz value);
extern void pgwf_object_close_array(PgwfObject *object);

/*
 * Members of an object being read.  The first member of a wrong type is
 * remembered in "error" (a sentence without period), and reads as absent.
 */
typedef struct PgwfReader
{
	JsonbContainer *object;		/* NULL reads as an empty object */
	char	   *error;
} PgwfReader;

extern void pgwf_reader_init(PgwfReader *reader, const Jsonb *jsonb);
extern bool pgwf_read_value(PgwfReader *reader, const char *key,
							JsonbValue *value);
extern char *pgwf_read_text(PgwfReader *reader, const char *key);
extern char *pgwf_read_name(PgwfReader *reader, const char *key);
extern int64 pgwf_read_int(PgwfReader *reader, const char *key);
extern double pgwf_read_double(PgwfReader *reader, const char *key);
extern bool pgwf_read_bool(PgwfReader *reader, const char *key);
extern int64 pgwf_read_duration(PgwfReader *reader, const char *key);
extern TimestampTz pgwf_read_time(PgwfReader *reader, const char *key);
extern Jsonb *pgwf_read_jsonb(PgwfReader *reader, const char *key);
extern Jsonb *pgwf_read_object(PgwfReader *reader, const char *key);
extern Jsonb *pgwf_read_array(PgwfReader *reader, const char *key);
extern Jsonb *pgwf_read_payloads(PgwfReader *reader, const char *key);
extern List *pgwf_read_elements(PgwfReader *reader, const char *key);
extern List *pgwf_read_texts(PgwfReader *reader, const char *key);
extern void pgwf_read_only(PgwfReader *reader, const char *what,
						   const char *const *keys);

extern Jsonb *pgwf_payloads(const Jsonb *value);
extern Jsonb *pgwf_value_to_jsonb(JsonbValue *value);
extern bool pgwf_jsonb_is_object(const Jsonb *value);
extern Jsonb *pgwf_jsonb_set_int(const Jsonb *object, const char *key,
								 int64 value);
extern int64 pgwf_jsonb_get_int(const Jsonb *object, const char *key);

extern bool pgwf_parse_duration(const char *text, int len, int64 *result);
extern bool pgwf_parse_rfc3339(const char *text, int len,
							   TimestampTz *result);
extern void pgwf_format_duration(char *buf, int64 duration);
extern void pgwf_format_time(char *buf, TimestampTz time);

/* appendBinaryStringInfo() for a few bytes, which most often have room */
static inline void
pgwf_append_bytes(StringInfo buf, const char *bytes, int len)
{
	if (unlikely(buf->maxlen - buf->len <= len))
		enlargeStringInfo(buf, len);
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

extern void pgwf_append_jsonb(StringInfo buf, const Jsonb *value);
extern void pgwf_append_json_string(StringInfo buf, const char *text,
									int len);
extern void pgwf_append_json_member(StringInfo buf, const char *key);
extern void pgwf_append_json_text(StringInfo buf, const char *key,
								  const char *value);
extern void pgwf_append_integer(StringInfo buf, int64 value);
extern void pgwf_append_json_int(StringInfo buf, const char *key,
								 int64 value);
extern void pgwf_append_json_double(StringInfo buf, const char *key,
									double value);
extern void pgwf_append_json_duration(StringInfo buf, const char *key,
									  int64 value);
extern void pgwf_append_json_time(StringInfo buf, const char *key,
								  TimestampTz value);
extern void pgwf_append_json_jsonb(StringInfo buf, const char *key,
								   const Jsonb *value);
extern void pgwf_append_json_name(StringInfo buf, const char *key,
								  const char *name);

#define PGWF_DURATION_LEN	32
#define PGWF_TIME_LEN		40
#define PGWF_INTEGER_LEN	24

#endif							/* PGWF_JSON_H */
