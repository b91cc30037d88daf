/*-------------------------------------------------------------------------
 *
 * pgwf_compact.h
 *		Members of jsonb values, and JSON text without white space.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_COMPACT_H
#define PGWF_COMPACT_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* ---- reading: an object or array must be one before it is looked into --- */

extern void pgwf_root_value(const Jsonb *jsonb, JsonbValue *value);
extern bool pgwf_value_is_object(JsonbValue *value);
extern bool pgwf_value_is_array(JsonbValue *value);
extern bool pgwf_value_is_text(JsonbValue *value, const char *text);
extern bool pgwf_get_member(JsonbValue *object, const char *key,
							JsonbValue *value);
extern bool pgwf_get_element(JsonbValue *array, uint32 index,
							 JsonbValue *value);
extern int	pgwf_member_count(JsonbValue *object);

/* ---- writing: a separator or a key must follow something ---- */

extern void pgwf_put_separator(StringInfo out);
extern void pgwf_put_key(StringInfo out, const char *key);
extern void pgwf_put_text(StringInfo out, const char *text, int len);
extern void pgwf_put_value(StringInfo out, JsonbValue *value);
extern void pgwf_put_time(StringInfo out, const char *text, int len);
extern void pgwf_put_base64(StringInfo out, const char *data, int len);

#endif							/* PGWF_COMPACT_H */
