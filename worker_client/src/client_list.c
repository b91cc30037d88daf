/*-------------------------------------------------------------------------
 *
 * client_list.c
 *	  Finding and counting runs.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_client.h"

#define PAGE_SIZE	200

/* Columns of PGWF_STMT_LIST */
enum
{
	COL_PAGE_TOKEN,
	COL_WORKFLOW_ID,
	COL_RUN_ID,
	COL_WORKFLOW_TYPE,
	COL_STATUS,
	COL_TASK_QUEUE,
	COL_START_TIME,
	COL_EXECUTION_TIME,
	COL_CLOSE_TIME,
	COL_HISTORY_LENGTH,
	COL_HISTORY_SIZE,
	COL_MEMO,
	COL_SEARCH_ATTRIBUTES,
	COL_PARENT_WORKFLOW_ID,
	COL_PARENT_RUN_ID,
	COL_ROOT_WORKFLOW_ID,
	COL_ROOT_RUN_ID
};

struct PgwfList
{
	PgwfClient *client;
	char	   *query;
	PGresult   *page;			/* NULL before the first */
	int			row;			/* next of the page */
	bool		last_page;
	PgwfResult	code;
	PgwfExecution current;
	json_t	   *memo;			/* of current */
	json_t	   *search_attributes;
};

PgwfList *
pgwf_client_list(PgwfClient *client, const char *query)
{
	PgwfList   *list = pgwf_xalloc(sizeof(PgwfList));

	list->client = client;
	list->query = pgwf_strdup(query != NULL ? query : "");
	return list;
}

/* Fetches the page after the last row of this one. */
static void
next_page(PgwfList *list)
{
	PgwfParams	p = {0};
	PGresult   *page;
	int			rows = list->page != NULL ? PQntuples(list->page) : 0;

	pgwf_param_text(&p, list->query);
	pgwf_param_int(&p, PAGE_SIZE);
	pgwf_param_text(&p, rows > 0 ?
					pgwf_result_value(list->page, rows - 1, COL_PAGE_TOKEN) :
					NULL);
	pgwf_param_text(&p, list->client->workflow_namespace);
	list->code = pgwf_client_call(list->client, PGWF_STMT_LIST, &p, true,
								  list->client->call_timeout_ms, &page);
	PQclear(list->page);
	list->page = page;
	list->row = 0;
	list->last_page = list->code != PGWF_OK || PQntuples(page) < PAGE_SIZE;
}

static int64_t
number(const PgwfList *list, int column)
{
	const char *text = pgwf_result_value(list->page, list->row, column);

	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

/* A column whose values are in a member, as names and values; or NULL */
static json_t *
object(const PgwfList *list, int column, const char *member)
{
	json_t	   *json = pgwf_client_parse(list->client, pgwf_result_value(list->page, list->row,
																		 column));
	json_t	   *values = json_incref(json_object_get(json, member));

	json_decref(json);
	return values;
}

static void
forget_current(PgwfList *list)
{
	json_decref(list->memo);
	json_decref(list->search_attributes);
	list->memo = list->search_attributes = NULL;
}

const PgwfExecution *
pgwf_list_next(PgwfList *list)
{
	PgwfExecution *e = &list->current;

	forget_current(list);
	if (list->page == NULL ||
		(list->row >= PQntuples(list->page) && !list->last_page))
	{
		if (list->code == PGWF_OK)
			next_page(list);
	}
	if (list->code != PGWF_OK || list->row >= PQntuples(list->page))
		return NULL;

#define TEXT(column) pgwf_result_value(list->page, list->row, column)
	e->workflow_id = TEXT(COL_WORKFLOW_ID);
	e->run_id = TEXT(COL_RUN_ID);
	e->workflow_type = TEXT(COL_WORKFLOW_TYPE);
	e->status = TEXT(COL_STATUS);
	e->task_queue = TEXT(COL_TASK_QUEUE);
	e->start_time_us = number(list, COL_START_TIME);
	e->execution_time_us = number(list, COL_EXECUTION_TIME);
	e->close_time_us = number(list, COL_CLOSE_TIME);
	e->history_length = number(list, COL_HISTORY_LENGTH);
	e->history_size_bytes = number(list, COL_HISTORY_SIZE);
	e->memo = list->memo = object(list, COL_MEMO, "fields");
	e->search_attributes = list->search_attributes =
		object(list, COL_SEARCH_ATTRIBUTES, "indexedFields");
	e->parent_workflow_id = TEXT(COL_PARENT_WORKFLOW_ID);
	e->parent_run_id = TEXT(COL_PARENT_RUN_ID);
	e->root_workflow_id = TEXT(COL_ROOT_WORKFLOW_ID);
	e->root_run_id = TEXT(COL_ROOT_RUN_ID);
#undef TEXT
	list->row++;
	return e;
}

PgwfResult
pgwf_list_result(const PgwfList *list)
{
	return list->code;
}

void
pgwf_list_free(PgwfList *list)
{
	if (list == NULL)
		return;
	forget_current(list);
	PQclear(list->page);
	free(list->query);
	free(list);
}

PgwfResult
pgwf_client_count(PgwfClient *client, const char *query, int64_t *count,
				  json_t **groups)
{
	PgwfParams	p = {0};
	PGresult   *result;
	PgwfResult	code;

	if (groups != NULL)
		*groups = NULL;
	pgwf_param_text(&p, query != NULL ? query : "");
	pgwf_param_text(&p, client->workflow_namespace);
	code = pgwf_client_call(client, PGWF_STMT_COUNT, &p, true,
							client->call_timeout_ms, &result);
	if (code == PGWF_OK)
	{
		const char *text = pgwf_result_value(result, 0, 0);

		if (text == NULL)
			code = pgwf_client_bad_answer(client);
		else
			*count = strtoll(text, NULL, 10);
		if (groups != NULL)
			*groups = pgwf_json_parse(pgwf_result_value(result, 0, 1));
	}
	PQclear(result);
	return code;
}
