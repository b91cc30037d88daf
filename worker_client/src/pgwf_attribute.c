/*
 * pgwf_attribute.c
 *		Search attributes and memo: UpsertWorkflowSearchAttributes,
 *		ModifyWorkflowProperties, the run's own view of both, and typed access
 *		to search attributes.
 *
 * The view begins as what WorkflowExecutionStarted has, shared with the event;
 * the first change makes a copy.  Values that workflow code may hold are kept
 * until the run goes.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

/* ---- changes of the run's own ---- */

/*
 * Makes the changes in a view that stands in the workflow's information;
 * *owned tells whether it is a copy already.
 */
static void
change_view(PgwfWorkflow *wf, const json_t **view, bool *owned,
			json_t *changes)
{
	json_t	   *object = (json_t *) *view;
	const char *key;
	json_t	   *value;

	if (!*owned)
	{
		object = pgwf_arena_json(wf, object != NULL ? json_copy(object) :
								 json_object());
		*view = object;
		*owned = true;
	}
	json_object_foreach(changes, key, value)
	{
		json_t	   *old = json_object_get(object, key);

		if (old != NULL)
			pgwf_arena_json(wf, json_incref(old));
		if (json_is_null(value))
			json_object_del(object, key);
		else
			pgwf_json_put(object, key, json_incref(value));
	}
}

/* Asks for a change of search attributes, which are taken over. */
PgwfCommand *
pgwf_attribute_upsert(PgwfWorkflow *wf, json_t *attributes)
{
	change_view(wf, &wf->info.search_attributes, &wf->own_search_attributes,
				attributes);
	return pgwf_command_push(wf, PGWF_COMMAND_UPSERT_SEARCH_ATTRIBUTES, NULL,
							 json_pack("{s:{s:o}}", "searchAttributes",
									   "indexedFields", attributes));
}

void
pgwf_upsert_search_attributes(PgwfWorkflow *wf, json_t *attributes)
{
	pgwf_require_coroutine(wf, "pgwf_upsert_search_attributes");
	if (attributes != NULL && !json_is_object(attributes))
		pgwf_panic(wf, "pgwf_upsert_search_attributes was called with a "
				   "value that is no object");
	if (json_object_get(attributes, PGWF_CHANGE_VERSION) != NULL)
		pgwf_panic(wf, "search attribute \"%s\" can only be set by the "
				   "library", PGWF_CHANGE_VERSION);
	if (json_object_size(attributes) > 0)
		pgwf_attribute_upsert(wf, json_deep_copy(attributes));
}

void
pgwf_upsert_memo(PgwfWorkflow *wf, json_t *memo)
{
	json_t	   *changes;

	pgwf_require_coroutine(wf, "pgwf_upsert_memo");
	if (memo != NULL && !json_is_object(memo))
		pgwf_panic(wf, "pgwf_upsert_memo was called with a value that is no "
				   "object");
	if (json_object_size(memo) == 0)
		return;
	changes = json_deep_copy(memo);
	change_view(wf, &wf->info.memo, &wf->own_memo, changes);
	pgwf_command_push(wf, PGWF_COMMAND_MODIFY_PROPERTIES, NULL,
					  json_pack("{s:{s:o}}", "upsertedMemo", "fields",
								changes));
}

/* ---- setting ---- */

/* A string as JSON; text that is not UTF-8 cannot be one and becomes null. */
static json_t *
text(const char *value)
{
	json_t	   *string = value != NULL ? json_string(value) : NULL;

	return string != NULL ? string : json_null();
}

void
pgwf_attribute_set_keyword(json_t *attributes, const char *name,
						   const char *value)
{
	pgwf_json_put(attributes, name, text(value));
}

void
pgwf_attribute_set_text(json_t *attributes, const char *name,
						const char *value)
{
	pgwf_json_put(attributes, name, text(value));
}

void
pgwf_attribute_set_int(json_t *attributes, const char *name, int64_t value)
{
	pgwf_json_put(attributes, name, json_integer(value));
}

void
pgwf_attribute_set_double(json_t *attributes, const char *name, double value)
{
	json_t	   *real = json_real(value);

	/* infinities and NaN are no JSON */
	pgwf_json_put(attributes, name, real != NULL ? real : json_null());
}

void
pgwf_attribute_set_bool(json_t *attributes, const char *name, bool value)
{
	pgwf_json_put(attributes, name, json_boolean(value));
}

void
pgwf_attribute_set_datetime(json_t *attributes, const char *name,
							int64_t time_us)
{
	pgwf_json_put(attributes, name, pgwf_json_time(time_us));
}

void
pgwf_attribute_set_keyword_list(json_t *attributes, const char *name,
								const char *const *values)
{
	json_t	   *list = json_array();

	for (; *values != NULL; values++)
		json_array_append_new(list, text(*values));
	pgwf_json_put(attributes, name, list);
}

void
pgwf_attribute_unset(json_t *attributes, const char *name)
{
	pgwf_json_put(attributes, name, json_null());
}

/* ---- reading ---- */

bool
pgwf_attribute_get_string(const json_t *attributes, const char *name,
						  const char **value)
{
	const json_t *json = json_object_get(attributes, name);

	if (!json_is_string(json))
		return false;
	*value = json_string_value(json);
	return true;
}

bool
pgwf_attribute_get_int(const json_t *attributes, const char *name,
					   int64_t *value)
{
	const json_t *json = json_object_get(attributes, name);

	if (!json_is_integer(json))
		return false;
	*value = json_integer_value(json);
	return true;
}

bool
pgwf_attribute_get_double(const json_t *attributes, const char *name,
						  double *value)
{
	const json_t *json = json_object_get(attributes, name);

	if (!json_is_number(json))
		return false;
	*value = json_number_value(json);
	return true;
}

bool
pgwf_attribute_get_bool(const json_t *attributes, const char *name,
						bool *value)
{
	const json_t *json = json_object_get(attributes, name);

	if (!json_is_boolean(json))
		return false;
	*value = json_is_true(json);
	return true;
}

bool
pgwf_attribute_get_datetime(const json_t *attributes, const char *name,
							int64_t *time_us)
{
	const json_t *json = json_object_get(attributes, name);
	int64_t		us = json_is_string(json) ?
	pgwf_timestamp_us(json_string_value(json)) : -1;

	if (us == -1)
		return false;
	*time_us = us;
	return true;
}

const json_t *
pgwf_attribute_get_list(const json_t *attributes, const char *name)
{
	const json_t *json = json_object_get(attributes, name);

	return json_is_array(json) ? json : NULL;
}
