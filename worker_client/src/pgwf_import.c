/*
 * pgwf_import.c
 *		Histories in Temporal's file format (proto3 JSON with base64 payloads)
 *		or in the service's readable format, into the readable one.
 *
 * Payloads are recognised by their shape, not by a schema: an object with
 * metadata and data is a payload, one with only a list of "payloads" is a
 * list of them.  User values are never searched, as they only appear inside
 * payloads.  No state, no locks.
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_codec.h"
#include "pgwf_int.h"

/* ---- payloads ---- */

/*
 * A payload of Temporal's format as a value: a new reference.  What is no
 * plain JSON is kept as it is under "@payload".
 */
json_t *
pgwf_payload_decode(const json_t *payload)
{
	json_t	   *metadata = json_object_get(payload, "metadata");
	const char *encoding = pgwf_json_str(metadata, "encoding");
	const char *data = pgwf_json_str(payload, "data");
	json_t	   *value = NULL;
	char	   *name = NULL;
	char	   *bytes = NULL;
	size_t		len;

	if (encoding != NULL)
		name = pgwf_base64_decode(encoding, &len);
	if (name != NULL && strcmp(name, "binary/null") == 0)
		value = json_null();
	else if (name != NULL && strcmp(name, "json/plain") == 0)
	{
		bytes = pgwf_base64_decode(data != NULL ? data : "", &len);
		if (bytes != NULL)
			value = json_loadb(bytes, len,
							   JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	}
	free(name);
	free(bytes);
	if (value == NULL)
		value = json_pack("{s:o}", "@payload",
						  json_deep_copy((json_t *) payload));
	return value;
}

static bool
is_payload(const json_t *value)
{
	json_t	   *metadata = json_object_get(value, "metadata");

	return json_is_object(metadata) &&
		json_is_string(json_object_get(metadata, "encoding"));
}

static bool
is_payloads(const json_t *value)
{
	return json_object_size(value) == 1 &&
		json_is_array(json_object_get(value, "payloads"));
}

/* ---- attributes ---- */

/*
 * Is this the name of a 64-bit number, which proto3 JSON writes as a string?
 */
static bool
is_int64_key(const char *key)
{
	static const char *const keys[] = {
		"eventId", "version", "taskId", "historySizeBytes",
		"parentInitiatedEventVersion", "forkEventVersion",
		"buildIdRedirectCounter", NULL
	};
	size_t		len = strlen(key);
	int			i;

	if (len > 7 && strcmp(key + len - 7, "EventId") == 0)
		return true;
	for (i = 0; keys[i] != NULL; i++)
	{
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

static json_t *import_value(const char *key, json_t *value);

static json_t *
import_object(json_t *object)
{
	json_t	   *copy = json_object();
	const char *key;
	json_t	   *value;

	json_object_foreach(object, key, value)
	{
		/* a list of values that is empty or null is no list */
		if (json_is_null(value) ||
			(json_is_object(value) && json_object_size(value) == 0 &&
			 (strcmp(key, "input") == 0 || strcmp(key, "result") == 0)))
			continue;
		pgwf_json_put(copy, key, import_value(key, value));
	}
	return copy;
}

/* A member's value in readable form: a new reference. */
static json_t *
import_value(const char *key, json_t *value)
{
	json_t	   *copy;
	json_t	   *item;
	size_t		i;

	if (json_is_string(value) && is_int64_key(key))
		return json_integer(strtoll(json_string_value(value), NULL, 10));
	if (is_payload(value))
		return pgwf_payload_decode(value);
	if (is_payloads(value))
		value = json_object_get(value, "payloads");
	if (json_is_object(value))
		return import_object(value);
	if (json_is_array(value))
	{
		copy = json_array();
		json_array_foreach(value, i, item)
			json_array_append_new(copy, import_value("", item));
		return copy;
	}
	return json_incref(value);
}

/* ---- events ---- */

static json_t *
import_event(json_t *event, long long position, char **error)
{
	const char *name = pgwf_json_str(event, "eventType");
	json_t	   *id = json_object_get(event, "eventId");
	json_t	   *copy;
	json_t	   *attributes;
	PgwfEventType type = PGWF_EVENT_NONE;
	char		key[80];

	if (name == NULL && json_is_integer(json_object_get(event, "eventType")))
	{
		json_int_t	number;

		number = json_integer_value(json_object_get(event, "eventType"));
		if (number > 0 && number < PGWF_EVENT_TYPES)
			name = pgwf_event_infos[number].name;
	}
	if (name == NULL || (!json_is_integer(id) && !json_is_string(id)))
	{
		if (error != NULL)
			*error = pgwf_xprintf("element %lld of the history has no "
								  "eventId or eventType", position);
		return NULL;
	}
	type = pgwf_event_type_of(name);

	copy = json_object();
	pgwf_json_put(copy, "eventId", import_value("eventId", id));
	pgwf_json_put(copy, "eventTime",
				  json_incref(json_object_get(event, "eventTime")));
	pgwf_json_put_str(copy, "eventType", type != PGWF_EVENT_NONE ?
					  pgwf_event_infos[type].name : name);
	pgwf_json_put(copy, "workerMayIgnore",
				  json_incref(json_object_get(event, "workerMayIgnore")));

	/* readable events have their attributes under one name */
	attributes = json_incref(json_object_get(event, "attributes"));
	if (attributes == NULL && type != PGWF_EVENT_NONE)
	{
		attributes = json_object_get(event,
									 pgwf_event_attributes_key(type, key,
															   sizeof(key)));
		if (json_is_object(attributes))
			attributes = import_object(attributes);
		else
			attributes = NULL;
	}
	pgwf_json_put(copy, "attributes",
				  attributes != NULL ? attributes : json_object());
	return copy;
}

json_t *
pgwf_history_import(const json_t *history, char **error)
{
	const json_t *events = history;
	json_t	   *copy;
	json_t	   *event;
	size_t		i;

	if (error != NULL)
		*error = NULL;
	if (json_is_object(history))
	{
		events = json_object_get(history, "events");
		if (events == NULL)
			events = json_object_get(json_object_get(history, "history"),
									 "events");
	}
	if (!json_is_array(events) || json_array_size(events) == 0)
	{
		if (error != NULL)
			*error = pgwf_xstrdup("history has no events");
		return NULL;
	}
	copy = json_array();
	json_array_foreach(events, i, event)
	{
		json_t	   *imported = import_event(event, (long long) i + 1, error);

		if (imported == NULL)
		{
			json_decref(copy);
			return NULL;
		}
		json_array_append_new(copy, imported);
	}
	return copy;
}
