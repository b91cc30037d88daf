/*
 * pgworkflow/attribute.h
 *		Search attributes and memo: what others can find a run by, and read
 *		about it.
 *		Part of section 5 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_ATTRIBUTE_H
#define PGWORKFLOW_ATTRIBUTE_H

#include "workflow.h"

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ---- Search attributes ---- */

/*
 * Search attributes are a JSON object name -> value.  The names and their
 * types are registered with the namespace (add_search_attributes() in SQL); a
 * name that is not, or a value of another type, fails the workflow task that
 * sets it.
 *
 * These put a value of a type into such an object, for clients, children and
 * pgwf_upsert_search_attributes().  keyword_list is a NULL-terminated list;
 * the time is in microseconds since 1970.  _unset asks an upsert to remove
 * the attribute.
 */
extern void pgwf_attribute_set_keyword(json_t *attributes, const char *name,
									   const char *value);
extern void pgwf_attribute_set_text(json_t *attributes, const char *name,
									const char *value);
extern void pgwf_attribute_set_int(json_t *attributes, const char *name,
								   int64_t value);
extern void pgwf_attribute_set_double(json_t *attributes, const char *name,
									  double value);
extern void pgwf_attribute_set_bool(json_t *attributes, const char *name,
									bool value);
extern void pgwf_attribute_set_datetime(json_t *attributes, const char *name,
										int64_t time_us);
extern void pgwf_attribute_set_keyword_list(json_t *attributes,
											const char *name,
											const char *const *values);
extern void pgwf_attribute_unset(json_t *attributes, const char *name);

/*
 * These read one, from pgwf_workflow_info()->search_attributes for instance.
 * They return false and leave *value alone if it is not there or of another
 * type; attributes may be NULL.  Strings live as long as the value does.
 * Keyword lists are read with _list, which returns a borrowed array of
 * strings, or NULL; of a single keyword, NULL.
 */
extern bool pgwf_attribute_get_string(const json_t *attributes,
									  const char *name, const char **value);
extern bool pgwf_attribute_get_int(const json_t *attributes,
								   const char *name, int64_t *value);
extern bool pgwf_attribute_get_double(const json_t *attributes,
									  const char *name, double *value);
extern bool pgwf_attribute_get_bool(const json_t *attributes,
									const char *name, bool *value);
extern bool pgwf_attribute_get_datetime(const json_t *attributes,
										const char *name, int64_t *time_us);
extern const json_t *pgwf_attribute_get_list(const json_t *attributes,
											 const char *name);

/*
 * pgwf_upsert_search_attributes: sets the attributes in this object, and
 *		removes those whose value is null.
 * pgwf_upsert_memo: the same for the memo, whose values may be anything.
 *
 * The changes are seen in pgwf_workflow_info() at once, and by others when the
 * current workflow task is answered.  Values that were read before stay
 * valid.  An empty object changes nothing.  "TemporalChangeVersion", where the
 * library lists the run's patches, cannot be set.
 */
extern void pgwf_upsert_search_attributes(PgwfWorkflow *wf,
										  json_t *attributes);
extern void pgwf_upsert_memo(PgwfWorkflow *wf, json_t *memo);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_ATTRIBUTE_H */
