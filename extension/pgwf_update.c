/*-------------------------------------------------------------------------
 *
 * pgwf_update.c
 *		The updates of a run: admitted, sent to a worker, forgotten (SS 9).
 *
 * An update that is admitted waits in workflow.update_request for a workflow
 * task to go with; one that is accepted or completed stands there with the
 * ids of its events, for those who ask again.  Unlike Temporal's, admitted
 * updates survive a crash.  A rejected one is kept for a moment, so that all
 * who wait for it learn why, and is otherwise as if it had never been.
 *
 * Locks: the caller holds that of the run.  The rows of rejected updates are
 * locked one by one, because the scheduler removes them without it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "pgwf_errors.h"
#include "pgwf_guc.h"
#include "pgwf_signal.h"
#include "pgwf_update.h"
#include "pgwf_workflow_task.h"
#include "pgwf_xact.h"

/* From this attempt of its workflow task on a run is taken for broken */
#define FAILED_ATTEMPTS 3

/* How long those who wait may take to learn of a rejection */
#define REJECTED_KEPT	(60 * USECS_PER_SEC)

#define BODY_TYPE_REQUEST \
	"type.googleapis.com/temporal.api.update.v1.Request"

/* The updates in flight, including those that this call changed */
List *
pgwf_run_updates(PgwfRun *run)
{
	if (!run->updates_loaded)
	{
		if (run->stored.open_updates > 0)
			run->updates =
				list_concat(pgwf_update_load_open(run->call,
												  run->state.namespace_id,
												  run->state.run_key),
							run->updates);
		run->updates_loaded = true;
	}
	return run->updates;
}

/* NULL if the run does not know it */
PgwfUpdate *
pgwf_run_find_update(PgwfRun *run, const char *update_id)
{
	ListCell   *lc;

	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);

		if (strcmp(update->update_id, update_id) == 0)
			return update;
	}
	if (run->is_new)
		return NULL;
	return pgwf_update_load(run->call, run->state.namespace_id,
							run->state.run_key, update_id);
}

static void
check_limits(PgwfRun *run, const Jsonb *request)
{
	int64		size = VARSIZE(request);
	ListCell   *lc;

	if (pgwf_max_in_flight_updates > 0 &&
		run->state.open_updates >= pgwf_max_in_flight_updates)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("limit on number of concurrent in-flight updates has been reached"),
				 errdetail("The limit is %d per run.",
						   pgwf_max_in_flight_updates),
				 errhint("Try again when one of them has completed.")));
	if (pgwf_max_total_updates > 0 &&
		run->state.update_count >= pgwf_max_total_updates)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("limit on number of total updates has been reached"),
				 errdetail("The limit is %d per run.",
						   pgwf_max_total_updates)));
	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);

		if (update->request)
			size += VARSIZE(update->request);
	}
	if (pgwf_max_in_flight_updates_size > 0 &&
		size > pgwf_max_in_flight_updates_size)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("limit on size of concurrent in-flight updates has been reached"),
				 errdetail("The limit is %d bytes per run.",
						   pgwf_max_in_flight_updates_size),
				 errhint("Try again when one of them has completed.")));
}

static void
check_run(const PgwfRun *run)
{
	if (pgwf_run_is_paused(run))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("workflow is paused")));
	if (pgwf_run_is_closing(run))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_RESOURCE_EXHAUSTED),
				 errmsg("workflow is closing"),
				 errhint("Try again in a moment.")));
	if (run->state.wft_scheduled_event_id != 0 &&
		run->state.wft_attempt >= FAILED_ATTEMPTS)
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_WORKFLOW_NOT_READY),
				 errmsg("cannot update workflow due to Workflow Task in failed state"),
				 errdetail("Its workflow task fails again and again.")));
}

/*
 * Makes an update part of the run; it goes with a workflow task, which is
 * scheduled for it if none is pending.
 */
void
pgwf_run_add_update(PgwfRun *run, PgwfUpdate *update)
{
	update->namespace_id = run->state.namespace_id;
	update->run_key = run->state.run_key;
	(void) pgwf_run_updates(run);
	run->updates = lappend(run->updates, update);
	if (update->state <= PGWF_UPDATE_ACCEPTED)
		run->state.open_updates++;
	if (update->state == PGWF_UPDATE_ADMITTED)
		run->update_admitted = true;
}

/*
 * Admits an update, or finds the one that has its id already.
 */
PgwfUpdate *
pgwf_run_admit_update(PgwfRun *run, const char *update_id, Jsonb *request)
{
	PgwfUpdate *known;
	PgwfUpdate *update;

	check_run(run);
	known = pgwf_run_find_update(run, update_id);
	if (known && known->state != PGWF_UPDATE_REJECTED)
		return known;
	check_limits(run, request);

	update = palloc0(sizeof(PgwfUpdate));
	update->change = PGWF_ROW_INSERT;
	if (known &&
		pgwf_update_lock(run->call, known, LockWaitBlock) == PGWF_LOCK_OK)
	{
		/* takes the place of the rejected one, if that is still there */
		update->change = PGWF_ROW_UPDATE;
		update->tid = known->tid;
	}
	update->state = PGWF_UPDATE_ADMITTED;
	update->requested_time = run->call->now;
	update->due_at = PGWF_NO_TIME;
	update->update_id = pstrdup(update_id);
	update->request = request;
	pgwf_run_add_update(run, update);
	return update;
}

/* Are there any that did not go with the workflow task of this stamp? */
bool
pgwf_run_has_unsent_updates(PgwfRun *run)
{
	ListCell   *lc;

	if (run->state.open_updates == 0)
		return false;
	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);

		if (update->state == PGWF_UPDATE_ADMITTED &&
			update->stamp != run->state.wft_stamp)
			return true;
	}
	return false;
}

static void
mark_changed(PgwfUpdate *update)
{
	if (update->change == PGWF_ROW_UNCHANGED)
		update->change = PGWF_ROW_UPDATE;
}

/*
 * The pending workflow task is handed out: updates that no worker has decided
 * about go with it, unless the worker has them from the task before.
 */
void
pgwf_run_send_updates(PgwfRun *run)
{
	bool		partial = (run->state.flags & PGWF_RUN_TASK_ON_STICKY) != 0;
	ListCell   *lc;

	if (run->state.open_updates == 0)
		return;
	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);

		if (update->state != PGWF_UPDATE_ADMITTED ||
			(partial && update->stamp == run->state.wft_stamp))
			continue;
		update->stamp = run->state.wft_stamp;
		update->sent = true;
		mark_changed(update);
	}
}

/* The same for a worker that is told again of the task that it has */
void
pgwf_run_resend_updates(PgwfRun *run)
{
	ListCell   *lc;

	if (run->state.open_updates == 0)
		return;
	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);

		update->sent = update->state == PGWF_UPDATE_ADMITTED &&
			update->stamp == run->state.wft_stamp;
	}
}

/*
 * A worker goes on with its workflow task under a new stamp, and so with the
 * updates that it was sent with the old one.
 */
void
pgwf_run_keep_updates_sent(PgwfRun *run, int32 old_stamp)
{
	ListCell   *lc;

	if (run->state.open_updates == 0)
		return;
	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);

		if (update->state != PGWF_UPDATE_ADMITTED ||
			update->stamp != old_stamp)
			continue;
		update->stamp = run->state.wft_stamp;
		mark_changed(update);
	}
}

/* An application failure that the service makes */
Jsonb *
pgwf_update_failure(const char *message, const char *type)
{
	PgwfObject	failure;

	pgwf_object_begin(&failure);
	pgwf_object_text(&failure, "message", message);
	pgwf_object_text(&failure, "source", "Server");
	pgwf_object_open(&failure, "applicationFailureInfo");
	pgwf_object_text(&failure, "type", type);
	pgwf_object_bool(&failure, "nonRetryable", true);
	pgwf_object_close(&failure);
	return pgwf_object_finish(&failure);
}

/* Updates that the worker was sent and did not answer */
void
pgwf_run_reject_unprocessed(PgwfRun *run)
{
	ListCell   *lc;

	if (run->state.open_updates == 0)
		return;
	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);
		PgwfObject	outcome;

		if (update->state != PGWF_UPDATE_ADMITTED ||
			update->stamp != run->state.wft_stamp)
			continue;
		pgwf_object_begin(&outcome);
		pgwf_object_jsonb(&outcome, "failure",
						  pgwf_update_failure("Workflow Update is rejected because it wasn't processed by worker. Probably, Workflow Update is not supported by the worker.",
											  "UnprocessedUpdate"));
		update->outcome = pgwf_object_finish(&outcome);
		update->state = PGWF_UPDATE_REJECTED;
		run->state.open_updates--;
		mark_changed(update);
	}
}

static void
write_update(PgwfRun *run, PgwfUpdate *update)
{
	if (update->state != PGWF_UPDATE_ADMITTED)
		update->request = NULL;
	if (update->state == PGWF_UPDATE_REJECTED)
		update->due_at = run->call->wall + REJECTED_KEPT;
	if (update->change == PGWF_ROW_INSERT)
		pgwf_update_insert(run->call, update);
	else
		pgwf_update_update(run->call, update);
	if (update->due_at != PGWF_NO_TIME)
		pgwf_xact_look(PGWF_PART_UPDATES);
	if (update->state != PGWF_UPDATE_ADMITTED)
		pgwf_xact_run_changed(update->namespace_id, update->run_key);
}

/*
 * Writes the changes.  Updates that a closed run has not decided about are
 * forgotten.
 */
void
pgwf_run_write_updates(PgwfRun *run)
{
	ListCell   *lc;

	if (!pgwf_run_is_open(run))
		(void) pgwf_run_updates(run);
	foreach(lc, run->updates)
	{
		PgwfUpdate *update = lfirst(lc);

		if (!pgwf_run_is_open(run) && update->state == PGWF_UPDATE_ADMITTED)
		{
			if (update->change != PGWF_ROW_INSERT)
				pgwf_update_delete(run->call, update);
		}
		else if (update->change != PGWF_ROW_UNCHANGED)
			write_update(run, update);
		update->change = PGWF_ROW_UNCHANGED;
	}
}

/* "messages" of a workflow task: the updates that go with it */
void
pgwf_append_update_messages(StringInfo buf, PgwfRun *run)
{
	ListCell   *lc;
	bool		any = false;

	if (run->state.open_updates == 0)
		return;
	foreach(lc, pgwf_run_updates(run))
	{
		PgwfUpdate *update = lfirst(lc);
		PgwfReader	request;
		PgwfObject	message;

		if (!update->sent)
			continue;
		pgwf_reader_init(&request, update->request);
		pgwf_object_begin(&message);
		pgwf_object_text(&message, "id",
						 psprintf("%s/request", update->update_id));
		pgwf_object_text(&message, "protocolInstanceId", update->update_id);
		pgwf_object_int(&message, "eventId",
						run->state.wft_started_event_id - 1);
		pgwf_object_open(&message, "body");
		pgwf_object_text(&message, "@type", BODY_TYPE_REQUEST);
		pgwf_object_jsonb(&message, "meta",
						  pgwf_read_jsonb(&request, "meta"));
		pgwf_object_jsonb(&message, "input",
						  pgwf_read_jsonb(&request, "input"));
		pgwf_object_close(&message);
		if (any)
			appendStringInfoString(buf, ", ");
		else
		{
			pgwf_append_json_member(buf, "messages");
			appendStringInfoChar(buf, '[');
		}
		any = true;
		pgwf_append_jsonb(buf, pgwf_object_finish(&message));
	}
	if (any)
		appendStringInfoChar(buf, ']');
}

/*
 * Forgets updates that were rejected a while ago; returns how many.  Askers
 * wait by the machine's clock, whatever that of the namespace shows.
 */
int
pgwf_updates_expire(PgwfCall *call, int max_updates)
{
	PgwfScan	scan;
	int			count = 0;

	pgwf_update_due_scan(&scan, call, PGWF_NO_TIME, call->wall);
	while (count < max_updates && pgwf_scan_next(&scan))
	{
		PgwfUpdate	update;

		pgwf_update_read(scan.slot, &update);
		if (pgwf_update_lock(call, &update, LockWaitSkip) != PGWF_LOCK_OK ||
			update.state != PGWF_UPDATE_REJECTED)
			continue;
		pgwf_update_delete(call, &update);
		count++;
	}
	pgwf_scan_end(&scan);
	return count;
}
