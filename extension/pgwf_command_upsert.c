/*-------------------------------------------------------------------------
 *
 * pgwf_command_upsert.c
 *		UpsertWorkflowSearchAttributes and ModifyWorkflowProperties, and the
 *		check of search attributes for commands that start runs.
 *
 * What they change stands in the run's row of workflow.execution, which the
 * end of the completion writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_args.h"
#include "pgwf_command.h"
#include "pgwf_guc.h"
#include "pgwf_search_attribute.h"

#define BAD_SEARCH_ATTRIBUTES \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES"
#define BAD_PROPERTIES \
	"WORKFLOW_TASK_FAILED_CAUSE_BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES"

/* Are there members in the object that is a member of this one? */
static bool
has_fields(const Jsonb *object, const char *member)
{
	PgwfReader	reader;
	Jsonb	   *fields;

	pgwf_reader_init(&reader, object);
	fields = pgwf_read_object(&reader, member);
	return fields && JB_ROOT_COUNT(fields) > 0;
}

/* Refuses an object whose member is there and is no object */
static bool
check_shape(PgwfCommandContext *context, const Jsonb *attributes,
			const char *member, const char *cause)
{
	PgwfReader	reader;

	pgwf_reader_init(&reader, attributes);
	(void) pgwf_read_object(&reader, member);
	return pgwf_command_check_read(context, cause, &reader);
}

/*
 * Refuses too many search attributes; those that are too large end the run,
 * as any payload does.
 */
static bool
check_search_attributes_size(PgwfCommandContext *context,
							 const Jsonb *attributes)
{
	char	   *detail;
	char	   *message = pgwf_search_attributes_too_many(attributes, &detail);

	if (message == NULL)
	{
		message = pgwf_search_attributes_oversize(attributes, &detail);
		context->too_large = message != NULL;
	}
	if (message)
		pgwf_command_fail(context, BAD_SEARCH_ATTRIBUTES, "%s", message);
	return message == NULL;
}

/* Refuses search attributes that the namespace does not know, or too large */
bool
pgwf_command_check_search_attributes(PgwfCommandContext *context,
									 const Jsonb *attributes)
{
	char	   *detail;
	char	   *message;

	if (attributes == NULL)
		return true;
	if (!check_shape(context, attributes, "indexedFields",
					 BAD_SEARCH_ATTRIBUTES))
		return false;
	if (!check_search_attributes_size(context, attributes))
		return false;
	message = pgwf_search_attributes_invalid(context->run->state.namespace_id,
											 attributes, &detail);
	if (message)
		pgwf_command_fail(context, BAD_SEARCH_ATTRIBUTES, "%s", message);
	return message == NULL;
}

/*
 * searchAttributes: {"indexedFields": {...}}; null or [] removes a key
 */
void
pgwf_command_upsert_search_attributes(PgwfCommandContext *context,
									  PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	Jsonb	   *upserted = pgwf_read_object(reader, "searchAttributes");
	Jsonb	   *merged;
	PgwfExecution *execution;
	PgwfObject	attributes;

	if (!pgwf_command_check_read(context, BAD_SEARCH_ATTRIBUTES, reader) ||
		!pgwf_command_check_search_attributes(context, upserted))
		return;
	if (!has_fields(upserted, "indexedFields"))
	{
		pgwf_command_fail(context, BAD_SEARCH_ATTRIBUTES,
						  "searchAttributes.indexedFields is not set");
		return;
	}
	execution = pgwf_run_execution(run);
	merged = pgwf_search_attributes_merge(execution->search_attributes,
										  upserted);
	if (!check_search_attributes_size(context, merged))
		return;
	execution->search_attributes = merged;
	run->execution_changed = true;
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "searchAttributes", upserted);
	(void) pgwf_command_event(context, PGWF_EVENT_UPSERT_SEARCH_ATTRIBUTES,
							  &attributes);
}

/*
 * upsertedMemo: {"fields": {...}}; null removes a key
 */
void
pgwf_command_modify_properties(PgwfCommandContext *context,
							   PgwfReader *reader)
{
	PgwfRun    *run = context->run;
	Jsonb	   *upserted = pgwf_read_object(reader, "upsertedMemo");
	Jsonb	   *merged;
	PgwfExecution *execution;
	PgwfObject	attributes;

	if (!pgwf_command_check_read(context, BAD_PROPERTIES, reader) ||
		!check_shape(context, upserted, "fields", BAD_PROPERTIES))
		return;
	if (!has_fields(upserted, "fields"))
	{
		pgwf_command_fail(context, BAD_PROPERTIES,
						  "upsertedMemo.fields is not set");
		return;
	}
	execution = pgwf_run_execution(run);
	merged = pgwf_fields_merge(execution->memo, upserted, "fields", false);
	if (!pgwf_command_check_memo(context, BAD_PROPERTIES,
								 "ModifyWorkflowPropertiesCommandAttributes.UpsertedMemo",
								 merged))
		return;
	execution->memo = merged;
	run->execution_changed = true;
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "upsertedMemo", upserted);
	(void) pgwf_command_event(context,
							  PGWF_EVENT_WORKFLOW_PROPERTIES_MODIFIED,
							  &attributes);
}
