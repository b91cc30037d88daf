/*-------------------------------------------------------------------------
 *
 * pgwf_search_attribute.h
 *		Search attributes: which there are, of what types, and their values.
 *
 * A run has them as {"indexedFields": {name: value}}, with plain values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_SEARCH_ATTRIBUTE_H
#define PGWF_SEARCH_ATTRIBUTE_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

/* Numbers are those of Temporal's IndexedValueType */
typedef enum PgwfSearchType
{
	PGWF_SEARCH_NONE,
	PGWF_SEARCH_TEXT,			/* a string, found by its words */
	PGWF_SEARCH_KEYWORD,		/* a string */
	PGWF_SEARCH_INT,			/* an integer of 64 bits */
	PGWF_SEARCH_DOUBLE,			/* a number */
	PGWF_SEARCH_BOOL,
	PGWF_SEARCH_DATETIME,		/* a string, as of RFC 3339 */
	PGWF_SEARCH_KEYWORD_LIST	/* an array of strings */
} PgwfSearchType;

typedef enum PgwfSearchKind
{
	PGWF_SEARCH_SYSTEM,			/* what a run is; cannot be set */
	PGWF_SEARCH_PREDEFINED,		/* known in every namespace */
	PGWF_SEARCH_CUSTOM			/* registered in this namespace */
} PgwfSearchKind;

/* Names end with a 0; they may have this many bytes */
#define PGWF_SEARCH_NAME_MAX	128

extern PgwfSearchType pgwf_search_attribute_find(int32 namespace_id,
												 const char *name,
												 PgwfSearchKind *kind);
extern const char *pgwf_search_type_name(PgwfSearchType type);
extern PgwfSearchType pgwf_search_type_by_name(const char *name);
extern bool pgwf_search_builtin(int number, const char **name,
								PgwfSearchType *type, PgwfSearchKind *kind);

/*
 * Says what is wrong with search attributes that are to be set, or returns
 * NULL.  *detail, if not NULL, is a sentence.  The first two look at number
 * and sizes only, the third at names and types.
 */
extern char *pgwf_search_attributes_too_many(const Jsonb *attributes,
											 char **detail);
extern char *pgwf_search_attributes_oversize(const Jsonb *attributes,
											 char **detail);
extern char *pgwf_search_attributes_invalid(int32 namespace_id,
											const Jsonb *attributes,
											char **detail);

/* Raises PW003 for what the three above find */
extern void pgwf_search_attributes_check(int32 namespace_id,
										 const Jsonb *attributes);

/*
 * Both arguments and the result are {member: {key: value}}, or NULL for an
 * empty one.  Values of "changes" replace those of "fields"; one that is null,
 * plain or as a payload of Temporal's encoding binary/null,
 * (or an empty array, if the caller takes that for null) removes its key.
 */
extern Jsonb *pgwf_fields_merge(const Jsonb *fields, const Jsonb *changes,
								const char *member, bool empty_is_null);

#define pgwf_search_attributes_merge(fields, changes) \
	pgwf_fields_merge(fields, changes, "indexedFields", true)

#endif							/* PGWF_SEARCH_ATTRIBUTE_H */
