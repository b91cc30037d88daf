/*-------------------------------------------------------------------------
 *
 * pgwf_command_marker.c
 *		RecordMarker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_command.h"

#define BAD_MARKER "WORKFLOW_TASK_FAILED_CAUSE_BAD_RECORD_MARKER_ATTRIBUTES"

/* As in a payload, a value that is not an array is one argument */
static Jsonb *
payloads_per_key(Jsonb *details)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;
	PgwfObject	result;

	if (details == NULL)
		return NULL;
	pgwf_object_begin(&result);
	it = JsonbIteratorInit(&details->root);
	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);

		(void) JsonbIteratorNext(&it, &value, true);
		pgwf_object_jsonb(&result, name,
						  pgwf_payloads(JsonbValueToJsonb(&value)));
	}
	return pgwf_object_finish(&result);
}

/*
 * markerName: text; details: object with an array of payloads per key;
 * header: object; failure: a failure
 */
void
pgwf_command_record_marker(PgwfCommandContext *context, PgwfReader *reader)
{
	char	   *name = pgwf_read_text(reader, "markerName");
	Jsonb	   *details = payloads_per_key(pgwf_read_object(reader,
															"details"));
	Jsonb	   *header = pgwf_read_object(reader, "header");
	Jsonb	   *failure = pgwf_read_object(reader, "failure");
	PgwfObject	attributes;

	if (!pgwf_command_check_read(context, BAD_MARKER, reader) ||
		!pgwf_command_check_id(context, BAD_MARKER, "markerName", name,
							   true) ||
		!pgwf_command_check_size(context, BAD_MARKER,
								 "RecordMarkerCommandAttributes.Details",
								 details))
		return;

	pgwf_object_begin(&attributes);
	pgwf_object_text(&attributes, "markerName", name);
	pgwf_object_jsonb(&attributes, "details", details);
	pgwf_object_jsonb(&attributes, "header", header);
	pgwf_object_jsonb(&attributes, "failure", failure);
	(void) pgwf_command_event(context, PGWF_EVENT_MARKER_RECORDED,
							  &attributes);
}
