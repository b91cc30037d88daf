/*-------------------------------------------------------------------------
 *
 * json_node.c
 *	  Looking at the nodes of JSON that json_read.c has read, and making
 *	  jansson's values of them.
 *
 * A document's references are counted atomically; all else is read only.
 * Documents of the usual size are kept when they are free, for the next ones:
 * a mutex guards the list of them.
 *
 *-------------------------------------------------------------------------
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_node.h"
#include "pgwf_util.h"

/* The usual size of a document, in bytes and in nodes */
#define USUAL_TEXT		3072
#define USUAL_NODES		(USUAL_TEXT / PGWF_BYTES_PER_NODE + 4)

/* How many are kept; none where use of freed memory is to be found. */
#ifdef __SANITIZE_ADDRESS__
#define MAX_SPARE		0
#else
#define MAX_SPARE		512
#endif

static pthread_mutex_t spare_mutex = PTHREAD_MUTEX_INITIALIZER;
static PgwfDocument *spare;		/* list of free documents of the usual size */
static int	nspare;

/* ---- life ---- */

static PgwfDocument *
allocate(size_t text_room, uint32_t nodes_room)
{
	PgwfDocument *document = pgwf_xrealloc(NULL, sizeof(PgwfDocument) +
										   text_room);

	document->usual = text_room == USUAL_TEXT && nodes_room == USUAL_NODES;
	document->room = nodes_room;
	document->nodes = pgwf_xrealloc(NULL, nodes_room * sizeof(PgwfNode));
	return document;
}

/* One of the usual size */
static PgwfDocument *
take_usual(void)
{
	PgwfDocument *document;

	pthread_mutex_lock(&spare_mutex);
	document = spare;
	if (document != NULL)
	{
		spare = document->next;
		nspare--;
	}
	pthread_mutex_unlock(&spare_mutex);
	return document != NULL ? document : allocate(USUAL_TEXT, USUAL_NODES);
}

/*
 * One reference of a document: a copy of the text, and room for nodes, which
 * may have to grow.
 */
PgwfDocument *
pgwf_document_create(const char *text, size_t len)
{
	PgwfDocument *document = len < USUAL_TEXT ? take_usual() :
	allocate(len + 1, (uint32_t) (len / PGWF_BYTES_PER_NODE) + 4);

	document->next = NULL;
	document->references = 1;
	document->too_deep = false;
	document->undecodable = false;
	memcpy(document->text, text, len);
	document->text[len] = '\0';
	return document;
}

/* Make room for more nodes; they move. */
void
pgwf_document_grow(PgwfDocument *document)
{
	document->usual = false;
	document->room *= 2;
	document->nodes = pgwf_xrealloc(document->nodes,
									document->room * sizeof(PgwfNode));
}

void
pgwf_document_free(PgwfDocument *document)
{
	if (document->usual)
	{
		bool		kept;

		pthread_mutex_lock(&spare_mutex);
		kept = nspare < MAX_SPARE;
		if (kept)
		{
			document->next = spare;
			spare = document;
			nspare++;
		}
		pthread_mutex_unlock(&spare_mutex);
		if (kept)
			return;
	}
	free(document->nodes);
	free(document);
}

static PgwfDocument *
document_of(const PgwfNode *node)
{
	return (node - node->number)->value.document;
}

/* Another reference; NULL of NULL. */
PgwfNode *
pgwf_node_keep(const PgwfNode *node)
{
	if (node != NULL)
		__atomic_fetch_add(&document_of(node)->references, 1,
						   __ATOMIC_RELAXED);
	return (PgwfNode *) node;
}

void
pgwf_node_release(PgwfNode *node)
{
	PgwfDocument *document;

	if (node == NULL)
		return;
	document = document_of(node);
	if (__atomic_sub_fetch(&document->references, 1, __ATOMIC_ACQ_REL) == 0)
		pgwf_document_free(document);
}

/* ---- looking ---- */

static bool
is_container(const PgwfNode *node)
{
	return node != NULL &&
		(node->type == PGWF_NODE_ARRAY || node->type == PGWF_NODE_OBJECT);
}

/* What is in an array or object, one after the other; then NULL. */
const PgwfNode *
pgwf_node_first(const PgwfNode *container)
{
	return is_container(container) && container->size > 0 ?
		container + 1 : NULL;
}

const PgwfNode *
pgwf_node_next(const PgwfNode *container, const PgwfNode *node)
{
	node += node->span;
	return node < container + container->span ? node : NULL;
}

/* How many elements an array has; 0 if it is none. */
size_t
pgwf_node_count(const PgwfNode *array)
{
	return array != NULL && array->type == PGWF_NODE_ARRAY ? array->size : 0;
}

/* The elements of an array as a list to be free()d. */
const PgwfNode **
pgwf_node_elements(const PgwfNode *array, size_t *n)
{
	const PgwfNode **list = pgwf_xalloc(pgwf_node_count(array) *
										sizeof(PgwfNode *));
	const PgwfNode *node;

	*n = 0;
	if (pgwf_node_count(array) > 0)
	{
		pgwf_node_foreach(array, node)
			list[(*n)++] = node;
	}
	return list;
}

/* A member of an object; NULL if it is not there, or this is no object. */
const PgwfNode *
pgwf_node_get(const PgwfNode *object, const char *key)
{
	const PgwfNode *node;

	if (object == NULL || object->type != PGWF_NODE_OBJECT)
		return NULL;
	pgwf_node_foreach(object, node)
	{
		if (node->key[0] == key[0] && strcmp(node->key, key) == 0)
			return node;
	}
	return NULL;
}

/* A string, or NULL. */
const char *
pgwf_node_text(const PgwfNode *node)
{
	return node != NULL && node->type == PGWF_NODE_STRING ?
		node->value.text : NULL;
}

const char *
pgwf_node_str(const PgwfNode *object, const char *key)
{
	return pgwf_node_text(pgwf_node_get(object, key));
}

const char *
pgwf_node_str2(const PgwfNode *object, const char *key, const char *key2)
{
	return pgwf_node_str(pgwf_node_get(object, key), key2);
}

/* A member that is an integer, else 0. */
int64_t
pgwf_node_int(const PgwfNode *object, const char *key)
{
	const PgwfNode *node = pgwf_node_get(object, key);

	return node != NULL && node->type == PGWF_NODE_INTEGER ?
		node->value.integer : 0;
}

/* A member that is a number of either kind, else 0. */
double
pgwf_node_number(const PgwfNode *object, const char *key)
{
	const PgwfNode *node = pgwf_node_get(object, key);

	if (node != NULL && node->type == PGWF_NODE_REAL)
		return node->value.real;
	return (double) pgwf_node_int(object, key);
}

bool
pgwf_node_true(const PgwfNode *object, const char *key)
{
	const PgwfNode *node = pgwf_node_get(object, key);

	return node != NULL && node->type == PGWF_NODE_TRUE;
}

/* Was something in it left out, because it was nested too deeply? */
bool
pgwf_node_too_deep(const PgwfNode *node)
{
	uint32_t	i;

	if (node == NULL || !document_of(node)->too_deep)
		return false;
	for (i = 0; i < node->span; i++)
	{
		if (node[i].type == PGWF_NODE_TOO_DEEP)
			return true;
	}
	return false;
}

/* Notes, before other threads have the document, that a codec has failed. */
void
pgwf_node_mark_undecodable(const PgwfNode *node)
{
	document_of(node)->undecodable = true;
}

bool
pgwf_node_undecodable(const PgwfNode *node)
{
	return node != NULL && document_of(node)->undecodable;
}

/* ---- values for user code ---- */

/* A value of jansson's, a new reference; NULL of NULL. */
json_t *
pgwf_node_json(const PgwfNode *node)
{
	const PgwfNode *part;
	json_t	   *value;

	if (node == NULL)
		return NULL;
	switch (node->type)
	{
		case PGWF_NODE_FALSE:
			return json_false();
		case PGWF_NODE_TRUE:
			return json_true();
		case PGWF_NODE_INTEGER:
			return json_integer(node->value.integer);
		case PGWF_NODE_REAL:
			return json_real(node->value.real);
		case PGWF_NODE_STRING:
			return json_stringn_nocheck(node->value.text, node->size);
		case PGWF_NODE_ARRAY:
			value = json_array();
			pgwf_node_foreach(node, part)
				json_array_append_new(value, pgwf_node_json(part));
			return value;
		case PGWF_NODE_OBJECT:
			value = json_object();
			pgwf_node_foreach(node, part)
				json_object_set_new_nocheck(value, part->key,
											pgwf_node_json(part));
			return value;
		case PGWF_NODE_DOCUMENT:
		case PGWF_NODE_NULL:
		case PGWF_NODE_TOO_DEEP:
			break;
	}
	return json_null();
}
