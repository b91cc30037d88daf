/*-------------------------------------------------------------------------
 *
 * pgwf_update_rebuild.c
 *		The updates of a run that a reset makes: those in the history that it
 *		takes over, and those that are admitted again (SS 10).
 *
 * The caller has the new run to itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_update.h"

/* The update id in the meta of a request or an outcome */
static char *
read_update_id(Jsonb *object)
{
	PgwfReader	reader;
	PgwfReader	meta;

	pgwf_reader_init(&reader, object);
	pgwf_reader_init(&meta, pgwf_read_object(&reader, "meta"));
	return pgwf_read_text(&meta, "updateId");
}

static PgwfUpdate *
add_update(PgwfRun *run, char *update_id, PgwfUpdateState state)
{
	PgwfUpdate *update = palloc0(sizeof(PgwfUpdate));

	update->change = PGWF_ROW_INSERT;
	update->state = state;
	update->requested_time = run->call->now;
	update->due_at = PGWF_NO_TIME;
	update->update_id = update_id;
	pgwf_run_add_update(run, update);
	return update;
}

static void
apply_admitted(PgwfRun *run, const PgwfEvent *event, PgwfReader *attributes)
{
	Jsonb	   *request = pgwf_read_object(attributes, "request");
	PgwfUpdate *update;

	update = add_update(run, read_update_id(request), PGWF_UPDATE_ADMITTED);
	update->request = request;
	update->admitted_event_id = event->event_id;
}

static void
apply_accepted(PgwfRun *run, const PgwfEvent *event, PgwfReader *attributes)
{
	char	   *update_id = pgwf_read_text(attributes, "protocolInstanceId");
	PgwfUpdate *update = pgwf_run_find_update(run, update_id);

	if (update == NULL)
		update = add_update(run, update_id, PGWF_UPDATE_ACCEPTED);
	update->state = PGWF_UPDATE_ACCEPTED;
	update->accepted_event_id = event->event_id;
	run->state.update_count++;
}

static void
apply_completed(PgwfRun *run, const PgwfEvent *event, PgwfReader *attributes)
{
	int64		accepted_event_id = pgwf_read_int(attributes,
												  "acceptedEventId");
	ListCell   *lc;

	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);

		if (update->state != PGWF_UPDATE_ACCEPTED ||
			update->accepted_event_id != accepted_event_id)
			continue;
		update->state = PGWF_UPDATE_COMPLETED;
		update->completed_event_id = event->event_id;
		run->state.open_updates--;
	}
}

/* Brings the updates of a new run to where a copied event leaves them */
void
pgwf_update_apply_event(PgwfRun *run, const PgwfEvent *event)
{
	PgwfReader	attributes;

	pgwf_reader_init(&attributes, event->attributes);
	switch (event->type)
	{
		case PGWF_EVENT_UPDATE_ADMITTED:
			apply_admitted(run, event, &attributes);
			break;
		case PGWF_EVENT_UPDATE_ACCEPTED:
			apply_accepted(run, event, &attributes);
			break;
		case PGWF_EVENT_UPDATE_COMPLETED:
			apply_completed(run, event, &attributes);
			break;
		default:
			break;
	}
}

/*
 * Admits again an update that an event behind the reset point admitted or
 * accepted, unless the new run has it already.
 */
void
pgwf_update_reapply(PgwfRun *run, const PgwfEvent *event)
{
	PgwfReader	reader;
	PgwfObject	attributes;
	Jsonb	   *request;
	char	   *update_id;

	pgwf_reader_init(&reader, event->attributes);
	request = pgwf_read_object(&reader,
							   event->type == PGWF_EVENT_UPDATE_ADMITTED ?
							   "request" : "acceptedRequest");
	update_id = request ? read_update_id(request) : NULL;
	if (update_id == NULL || pgwf_run_find_update(run, update_id))
		return;
	add_update(run, update_id, PGWF_UPDATE_ADMITTED)->request = request;
	pgwf_object_begin(&attributes);
	pgwf_object_jsonb(&attributes, "request", request);
	pgwf_object_text(&attributes, "origin",
					 "UPDATE_ADMITTED_EVENT_ORIGIN_REAPPLY");
	pgwf_run_arrive(run, PGWF_EVENT_UPDATE_ADMITTED,
					pgwf_object_finish(&attributes), run->call->now);
}

/* An update that is admitted again knows its event once that has its id */
void
pgwf_update_note_admitted(PgwfRun *run, const PgwfEvent *event)
{
	PgwfReader	reader;
	PgwfUpdate *update;

	pgwf_reader_init(&reader, event->attributes);
	update = pgwf_run_find_update(run,
								  read_update_id(pgwf_read_object(&reader,
																  "request")));
	if (update)
		update->admitted_event_id = event->event_id;
}
