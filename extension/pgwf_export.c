/*-------------------------------------------------------------------------
 *
 * pgwf_export.c
 *		Histories as files of Temporal's format, and such files as events.
 *
 * Reads with the caller's snapshot and takes no locks but those of a SELECT.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "pgwf_catalog.h"
#include "pgwf_compact.h"
#include "pgwf_convert.h"
#include "pgwf_db.h"
#include "pgwf_errors.h"
#include "pgwf_history.h"
#include "pgwf_json.h"
#include "pgwf_namespace.h"

/*
 * taskId is an internal number of Temporal's service that files have and
 * readers ignore; its numbers start here.
 */
#define FIRST_TASK_ID	INT64CONST(1048576)

#define HISTORY_COLUMNS	5

static PgwfStatement read_history = {
	.sql = "SELECT first_event_id, events FROM workflow.history_batch"
	" WHERE namespace_id = $1 AND run_key = $2 ORDER BY first_event_id",
	.nargs = 2,
	.argtypes = {INT4OID, INT8OID}
};

static void append_event(StringInfo out, PgwfEvent *event);
static void import_event(ReturnSetInfo *rsinfo, JsonbValue *value,
						 int64 position);
static void append_event_type(StringInfo out, const char *name);
static PgwfEventType event_type_of(JsonbValue *value);

PG_FUNCTION_INFO_V1(pgwf_history_json);
PG_FUNCTION_INFO_V1(pgwf_history_from_json);

/*
 * workflow.history_json(workflow_id, run_id, namespace)
 */
Datum
pgwf_history_json(PG_FUNCTION_ARGS)
{
	int32		namespace_id;
	StringInfoData out;
	Datum		values[2];
	uint64		count;
	PgwfRunRef	run;
	PgwfDbScope scope;

	namespace_id = pgwf_namespace_check(PG_ARGISNULL(2) ? NULL :
										text_to_cstring(PG_GETARG_TEXT_PP(2)),
										PGWF_RIGHT_READ);
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"events\":[");

	pgwf_db_begin(&scope);
	pgwf_find_run(fcinfo, 0, 1, namespace_id, &run);
	values[0] = Int32GetDatum(namespace_id);
	values[1] = Int64GetDatum(run.run_key);
	count = pgwf_db_query(&read_history, values, NULL, 0);
	for (uint64 i = 0; i < count; i++)
	{
		PgwfUnpacker unpacker;
		PgwfEvent	event;

		pgwf_history_unpack_row(i, &unpacker);
		while (pgwf_unpack_next(&unpacker, &event))
		{
			pgwf_put_separator(&out);
			append_event(&out, &event);
		}
	}
	pgwf_db_end(&scope);

	appendStringInfoString(&out, "]}");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/*
 * workflow.history_from_json(history): strict.
 */
Datum
pgwf_history_from_json(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb	   *history;
	JsonbValue	root;
	JsonbValue	events;
	JsonbValue	event;

	history = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												 CStringGetDatum(source)));
	pgwf_root_value(history, &root);
	if (!pgwf_value_is_object(&root) ||
		!pgwf_get_member(&root, "events", &events) ||
		!pgwf_value_is_array(&events))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("history has no list \"events\"")));

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; pgwf_get_element(&events, i, &event); i++)
	{
		CHECK_FOR_INTERRUPTS();
		import_event(rsinfo, &event, (int64) i + 1);
	}
	return (Datum) 0;
}

/*
 * Write an event in the order in which Temporal's tools do.
 */
static void
append_event(StringInfo out, PgwfEvent *event)
{
	const PgwfEventInfo *info = &pgwf_event_info[event->type];
	char		time[PGWF_TIME_LEN];
	JsonbValue	value;

	pgwf_unpack_event(event);
	pgwf_format_time(time, event->time);

	appendStringInfo(out, "{\"eventId\":\"" INT64_FORMAT "\",\"eventTime\":",
					 event->event_id);
	pgwf_put_time(out, time, (int) strlen(time));
	pgwf_put_key(out, "eventType");
	append_event_type(out, info->name);
	appendStringInfo(out, ",\"taskId\":\"" INT64_FORMAT "\"",
					 FIRST_TASK_ID + event->event_id);
	if (event->type == PGWF_EVENT_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED)
		appendStringInfoString(out, ",\"workerMayIgnore\":true");

	if (event->user_metadata)
	{
		pgwf_put_key(out, "userMetadata");
		pgwf_root_value(event->user_metadata, &value);
		pgwf_convert_message(out, &value, pgwf_user_metadata_fields,
							 PGWF_TO_FILE);
	}

	pgwf_put_key(out, info->attributes_key);
	pgwf_root_value(event->attributes, &value);
	pgwf_convert_message(out, &value, pgwf_event_fields[event->type],
						 PGWF_TO_FILE);
	appendStringInfoChar(out, '}');
}

/*
 * Read an event of a file and add it to the result.
 */
static void
import_event(ReturnSetInfo *rsinfo, JsonbValue *event, int64 position)
{
	Datum		row[HISTORY_COLUMNS] = {0};
	bool		nulls[HISTORY_COLUMNS] = {0};
	StringInfoData out;
	JsonbValue	value;
	PgwfEventType type = 0;

	if (pgwf_value_is_object(event) &&
		pgwf_get_member(event, "eventType", &value))
		type = event_type_of(&value);
	if (type == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("event " INT64_FORMAT " of the history has no known type",
						position)));
	row[2] = ObjectIdGetDatum(pgwf_event_type_oid(type));

	initStringInfo(&out);
	if (pgwf_get_member(event, "eventId", &value))
		pgwf_convert_int64(&out, &value, PGWF_FROM_FILE);
	if (out.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_INVALID_ARGUMENT),
				 errmsg("event " INT64_FORMAT " of the history has no id",
						position)));
	row[0] = DirectFunctionCall1(int8in, CStringGetDatum(out.data));

	nulls[1] = true;
	if (pgwf_get_member(event, "eventTime", &value) && value.type == jbvString)
	{
		row[1] = TimestampTzGetDatum(pgwf_parse_time(&value));
		nulls[1] = false;
	}

	resetStringInfo(&out);
	if (pgwf_get_member(event, pgwf_event_info[type].attributes_key, &value))
		pgwf_convert_message(&out, &value, pgwf_event_fields[type],
							 PGWF_FROM_FILE);
	else
		appendStringInfoString(&out, "{}");
	row[3] = DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));

	nulls[4] = true;
	if (pgwf_get_member(event, "userMetadata", &value))
	{
		resetStringInfo(&out);
		pgwf_convert_message(&out, &value, pgwf_user_metadata_fields,
							 PGWF_FROM_FILE);
		row[4] = DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
		nulls[4] = false;
	}

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
}

/* "TimerFired" as "EVENT_TYPE_TIMER_FIRED", with quotes */
static void
append_event_type(StringInfo out, const char *name)
{
	appendStringInfoString(out, "\"EVENT_TYPE");
	for (const char *c = name; *c != '\0'; c++)
	{
		if (isupper((unsigned char) *c))
			appendStringInfoChar(out, '_');
		appendStringInfoChar(out, (char) toupper((unsigned char) *c));
	}
	appendStringInfoChar(out, '"');
}

/*
 * An event type written in full, in short or as its number; 0 when it is
 * none.
 */
static PgwfEventType
event_type_of(JsonbValue *value)
{
	StringInfoData constant;

	initStringInfo(&constant);
	if (value->type == jbvNumeric)
	{
		pgwf_put_value(&constant, value);
		for (int type = 1; type <= PGWF_EVENT_TYPE_COUNT; type++)
		{
			if (atoi(constant.data) == type)
				return (PgwfEventType) type;
		}
	}
	if (value->type != jbvString)
		return 0;
	for (int type = 1; type <= PGWF_EVENT_TYPE_COUNT; type++)
	{
		if (pgwf_value_is_text(value, pgwf_event_info[type].name))
			return (PgwfEventType) type;
		resetStringInfo(&constant);
		append_event_type(&constant, pgwf_event_info[type].name);
		if (constant.len - 2 == value->val.string.len &&
			memcmp(constant.data + 1, value->val.string.val,
				   value->val.string.len) == 0)
			return (PgwfEventType) type;
	}
	return 0;
}
