/*-------------------------------------------------------------------------
 *
 * pgwf_node.h
 *	  What the service sends, read but not taken apart: JSON as an array of
 *	  nodes.
 *
 * A document is the text and its nodes, in the order of the text: behind the
 * node of an array or object are those of what is in it.  Nodes do not change,
 * so that any number of threads may read them.  A reference to any of its
 * nodes keeps a document; what is borrowed lives as long.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_NODE_H
#define PGWF_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum PgwfNodeType
{
	PGWF_NODE_DOCUMENT,			/* before the first value */
	PGWF_NODE_NULL,
	PGWF_NODE_FALSE,
	PGWF_NODE_TRUE,
	PGWF_NODE_INTEGER,
	PGWF_NODE_REAL,
	PGWF_NODE_STRING,
	PGWF_NODE_ARRAY,
	PGWF_NODE_OBJECT,
	PGWF_NODE_TOO_DEEP			/* an array or object that was left out */
} PgwfNodeType;

typedef struct PgwfNode
{
	const char *key;			/* of a member of an object, else NULL */
	union
	{
		char	   *text;		/* ends with a zero byte */
		int64_t		integer;
		double		real;
		struct PgwfDocument *document;
	}			value;
	uint32_t	size;			/* bytes, elements or members */
	uint32_t	span;			/* nodes from here to behind what is in it */
	uint32_t	number;			/* in the document */
	PgwfNodeType type;
} PgwfNode;

/* So many bytes of text for a node is what to expect. */
#define PGWF_BYTES_PER_NODE	16

typedef struct PgwfDocument
{
	struct PgwfDocument *next;	/* of those that are kept for reuse */
	int			references;		/* atomic */
	bool		usual;			/* it can be kept */
	bool		too_deep;		/* something was left out */
	bool		undecodable;	/* it has payloads that no codec decodes */
	uint32_t	room;			/* for nodes */
	PgwfNode   *nodes;			/* the first stands for the document */
	char		text[];
} PgwfDocument;

/* ---- life (json_read.c, json_node.c) ---- */

extern PgwfNode *pgwf_node_parse(const char *text);
extern PgwfNode *pgwf_node_keep(const PgwfNode *node);
extern void pgwf_node_release(PgwfNode *node);
extern PgwfDocument *pgwf_document_create(const char *text, size_t len);
extern void pgwf_document_grow(PgwfDocument *document);
extern void pgwf_document_free(PgwfDocument *document);

/* ---- looking at nodes, any of which may be NULL (json_node.c) ---- */

extern const PgwfNode *pgwf_node_get(const PgwfNode *object, const char *key);
extern const PgwfNode *pgwf_node_first(const PgwfNode *container);
extern const PgwfNode *pgwf_node_next(const PgwfNode *container,
									  const PgwfNode *node);
extern const PgwfNode **pgwf_node_elements(const PgwfNode *array, size_t *n);
extern size_t pgwf_node_count(const PgwfNode *array);
extern const char *pgwf_node_text(const PgwfNode *node);
extern const char *pgwf_node_str(const PgwfNode *object, const char *key);
extern const char *pgwf_node_str2(const PgwfNode *object, const char *key,
								  const char *key2);
extern int64_t pgwf_node_int(const PgwfNode *object, const char *key);
extern double pgwf_node_number(const PgwfNode *object, const char *key);
extern bool pgwf_node_true(const PgwfNode *object, const char *key);
extern bool pgwf_node_too_deep(const PgwfNode *node);
extern bool pgwf_node_undecodable(const PgwfNode *node);
extern void pgwf_node_mark_undecodable(const PgwfNode *node);
extern json_t *pgwf_node_json(const PgwfNode *node);

/* All elements of an array, or members of an object. */
#define pgwf_node_foreach(container, node) \
	for ((node) = pgwf_node_first(container); (node) != NULL; \
		 (node) = pgwf_node_next(container, node))

#endif							/* PGWF_NODE_H */
