/*-------------------------------------------------------------------------
 *
 * pgwf_versioning_info.c
 *		What is said of a run and its version: overrides, attributes of
 *		events, search attributes, the description; and what a run hands on
 *		to those it starts (SS 16).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "pgwf_errors.h"
#include "pgwf_search_attribute.h"
#include "pgwf_shmem.h"
#include "pgwf_version.h"
#include "pgwf_versioning.h"

#define PINNED_OVERRIDE "PINNED_OVERRIDE_BEHAVIOR_PINNED"
/* A version that an override names and nobody has ever seen */
#define UNKNOWN_VERSION (-1)

#define USE_RAMPING \
	"CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_USE_RAMPING_VERSION"

/* "name:build id", as search attributes have it */
static char *
version_text(const PgwfVersion *version)
{
	return psprintf("%s:%s", version->deployment_name, version->build_id);
}

/* A WorkerDeploymentVersion by its number, left out if that is 0 */
void
pgwf_version_attribute(PgwfObject *object, const char *key,
					   int32 namespace_id, int32 version_key)
{
	PgwfVersion version;

	if (version_key == 0 ||
		!pgwf_version_lookup(namespace_id, version_key, &version))
		return;
	pgwf_object_open(object, key);
	pgwf_object_text(object, "deploymentName", version.deployment_name);
	pgwf_object_text(object, "buildId", version.build_id);
	pgwf_object_close(object);
}

/*
 * Overrides
 */

/* The VersioningOverride of a run, or NULL */
Jsonb *
pgwf_override_jsonb(const PgwfState *state)
{
	PgwfObject	object;

	if ((state->flags & PGWF_RUN_OVERRIDDEN) == 0)
		return NULL;
	pgwf_object_begin(&object);
	if (state->flags & PGWF_RUN_ROUTED_ONCE)
	{
		pgwf_object_open(&object, "oneTime");
		pgwf_version_attribute(&object, "targetDeploymentVersion",
							   state->namespace_id, state->transition_key);
		pgwf_object_close(&object);
	}
	else if (state->override_key != 0)
	{
		pgwf_object_open(&object, "pinned");
		pgwf_object_text(&object, "behavior", PINNED_OVERRIDE);
		pgwf_version_attribute(&object, "version", state->namespace_id,
							   state->override_key);
		pgwf_object_close(&object);
	}
	else
		pgwf_object_bool(&object, "autoUpgrade", true);
	return pgwf_object_finish(&object);
}

/* Takes an override away, if there is one */
static void
remove_override(PgwfState *state)
{
	if ((state->flags & (PGWF_RUN_OVERRIDDEN | PGWF_RUN_ROUTED_ONCE)) ==
		(PGWF_RUN_OVERRIDDEN | PGWF_RUN_ROUTED_ONCE))
	{
		state->flags &= ~(PGWF_RUN_IN_TRANSITION | PGWF_RUN_ROUTED_ONCE);
		state->transition_key = 0;
	}
	state->flags &= ~PGWF_RUN_OVERRIDDEN;
	state->override_key = 0;
}

/* A WorkerDeploymentVersion that an override names; what is wrong, or NULL */
static char *
read_version(Jsonb *jsonb, int32 namespace_id, int32 *version_key)
{
	PgwfReader	reader;
	PgwfVersion version = {0};
	char	   *error;

	pgwf_reader_init(&reader, jsonb);
	version.deployment_name = pgwf_read_text(&reader, "deploymentName");
	version.build_id = pgwf_read_text(&reader, "buildId");
	if (reader.error)
		return reader.error;
	error = pgwf_version_check(&version);
	if (error)
		return error;
	*version_key = pgwf_version_find(namespace_id, version.deployment_name,
									 version.build_id, true);
	return NULL;
}

/*
 * Puts an override, a VersioningOverride, over the state of a run; NULL takes
 * it away.  Returns what is wrong with it, or NULL.  A version that is not
 * known is left to pgwf_override_check().
 */
char *
pgwf_override_read(Jsonb *override, int32 namespace_id, PgwfState *state)
{
	static const char *const members[] = {
		"pinned", "autoUpgrade", "oneTime", NULL
	};
	static const char *const pinned_members[] = {"behavior", "version", NULL};
	static const char *const once_members[] = {
		"targetDeploymentVersion", NULL
	};
	PgwfReader	reader;
	PgwfReader	inner;
	Jsonb	   *pinned;
	Jsonb	   *once;
	bool		auto_upgrade;
	int32		version_key = 0;
	char	   *error = NULL;

	remove_override(state);
	if (override == NULL)
		return NULL;
	pgwf_reader_init(&reader, override);
	pgwf_read_only(&reader, "versioning override", members);
	pinned = pgwf_read_object(&reader, "pinned");
	once = pgwf_read_object(&reader, "oneTime");
	auto_upgrade = pgwf_read_bool(&reader, "autoUpgrade");
	if (reader.error)
		return reader.error;
	if ((pinned != NULL) + (once != NULL) + auto_upgrade != 1)
		return pstrdup("one of pinned, autoUpgrade and oneTime must be set");

	state->flags |= PGWF_RUN_OVERRIDDEN;
	if (auto_upgrade)
		return NULL;
	pgwf_reader_init(&inner, pinned ? pinned : once);
	pgwf_read_only(&inner, pinned ? "pinned" : "oneTime",
				   pinned ? pinned_members : once_members);
	if (pinned)
	{
		char	   *behavior = pgwf_read_text(&inner, "behavior");

		if (behavior && strcmp(behavior, PINNED_OVERRIDE) != 0 &&
			strcmp(behavior, "PINNED") != 0)
			return psprintf("unknown behavior \"%s\"", behavior);
	}
	error = read_version(pgwf_read_object(&inner, pinned ? "version" :
										  "targetDeploymentVersion"),
						 namespace_id, &version_key);
	if (inner.error)
		return inner.error;
	if (error)
		return error;
	if (pinned)
		state->override_key = version_key != 0 ? version_key :
			UNKNOWN_VERSION;
	else
	{
		state->flags |= PGWF_RUN_IN_TRANSITION | PGWF_RUN_ROUTED_ONCE;
		state->transition_key = version_key != 0 ? version_key :
			UNKNOWN_VERSION;
	}
	return NULL;
}

/*
 * Brings an override that somebody has given into the form in which it is
 * kept.  Returns what is wrong with it, or NULL.
 */
char *
pgwf_override_normalize(int32 namespace_id, Jsonb **override)
{
	PgwfState	state = {0};
	char	   *error;

	if (*override == NULL)
		return NULL;
	state.namespace_id = namespace_id;
	error = pgwf_override_read(*override, namespace_id, &state);
	if (error == NULL && state.override_key != UNKNOWN_VERSION &&
		state.transition_key != UNKNOWN_VERSION)
		*override = pgwf_override_jsonb(&state);
	return error;
}

/*
 * Does the version that an override, which is one or NULL, sends a run to
 * serve its queue?
 */
bool
pgwf_override_is_present(int32 namespace_id, Jsonb *override,
						 const char *task_queue)
{
	PgwfState	state = {0};
	int32		key;

	if (override == NULL)
		return true;
	state.namespace_id = namespace_id;
	(void) pgwf_override_read(override, namespace_id, &state);
	key = (state.flags & PGWF_RUN_ROUTED_ONCE) != 0 ? state.transition_key :
		state.override_key;
	return key == 0 || pgwf_version_serves(namespace_id, key,
										   PGWF_QUEUE_WORKFLOW, task_queue);
}

/* Raises an error if it does not */
void
pgwf_override_check(int32 namespace_id, Jsonb *override,
					const char *task_queue)
{
	if (!pgwf_override_is_present(namespace_id, override, task_queue))
		ereport(ERROR,
				(errcode(ERRCODE_PGWF_FAILED_PRECONDITION),
				 errmsg("version of versioning_override is not present in task queue \"%s\"",
						task_queue),
				 errhint("A version serves the task queues that its workers have polled.")));
}

/*
 * New runs
 */

/* The versions of a run that is to be made; the options have been checked */
void
pgwf_versions_of_new_run(const PgwfNewRun *options, PgwfState *state)
{
	PgwfQueueRouting routing;

	memset(state, 0, sizeof(PgwfState));
	state->namespace_id = options->namespace_id;
	if (options->inherited_pinned_key != 0)
	{
		state->flags |= PGWF_RUN_PINNED;
		state->version_key = options->inherited_pinned_key;
	}
	else if (options->inherited_auto_upgrade_key != 0)
	{
		state->flags |= PGWF_RUN_AUTO_UPGRADE;
		state->version_key = options->inherited_auto_upgrade_key;
	}
	if (options->versioning_override)
		(void) pgwf_override_read(options->versioning_override,
								  options->namespace_id, state);
	if (options->initial_versioning_behavior == NULL ||
		strcmp(options->initial_versioning_behavior, USE_RAMPING) != 0 ||
		(state->flags & PGWF_RUN_OVERRIDDEN) != 0)
		return;
	pgwf_queue_routing(options->namespace_id, PGWF_QUEUE_WORKFLOW,
					   options->task_queue, &routing);
	if (routing.is_ramping && routing.ramping_key != 0)
	{
		state->flags |= PGWF_RUN_IN_TRANSITION | PGWF_RUN_ROUTED_ONCE;
		state->transition_key = routing.ramping_key;
	}
}

/*
 * What an event says, for a run that is rebuilt from its history
 */
static void
apply_started(PgwfState *state, PgwfReader *attributes)
{
	PgwfReader	info;
	int32		key = 0;

	if (pgwf_read_jsonb(attributes, "inheritedPinnedVersion"))
	{
		(void) read_version(pgwf_read_object(attributes,
											 "inheritedPinnedVersion"),
							state->namespace_id, &key);
		if (key != 0)
			state->flags |= PGWF_RUN_PINNED;
	}
	else if (pgwf_read_jsonb(attributes, "inheritedAutoUpgradeInfo"))
	{
		pgwf_reader_init(&info,
						 pgwf_read_object(attributes,
										  "inheritedAutoUpgradeInfo"));
		(void) read_version(pgwf_read_object(&info,
											 "sourceDeploymentVersion"),
							state->namespace_id, &key);
		if (key != 0)
			state->flags |= PGWF_RUN_AUTO_UPGRADE;
	}
	state->version_key = key;
}

static void
apply_completed(PgwfState *state, PgwfReader *attributes)
{
	PgwfVersioningBehavior behavior = PGWF_BEHAVIOR_UNSPECIFIED;
	int32		key = 0;

	if (pgwf_read_jsonb(attributes, "deploymentVersion"))
		(void) read_version(pgwf_read_object(attributes,
											 "deploymentVersion"),
							state->namespace_id, &key);
	if (key != 0)
		(void) pgwf_behavior_read(pgwf_read_text(attributes,
												 "versioningBehavior"),
								  &behavior);
	state->version_key = key;
	state->flags &= ~(PGWF_RUN_PINNED | PGWF_RUN_AUTO_UPGRADE);
	if (behavior == PGWF_BEHAVIOR_PINNED)
		state->flags |= PGWF_RUN_PINNED;
	else if (behavior == PGWF_BEHAVIOR_AUTO_UPGRADE)
		state->flags |= PGWF_RUN_AUTO_UPGRADE;
	if ((state->flags & PGWF_RUN_ROUTED_ONCE) != 0 &&
		state->transition_key == key)
		remove_override(state);
}

void
pgwf_versions_apply_event(PgwfState *state, const PgwfEvent *event)
{
	PgwfReader	attributes;
	Jsonb	   *override;

	pgwf_reader_init(&attributes, event->attributes);
	if (event->type == PGWF_EVENT_WORKFLOW_TASK_COMPLETED)
	{
		apply_completed(state, &attributes);
		return;
	}
	if (event->type == PGWF_EVENT_WORKFLOW_EXECUTION_STARTED)
		apply_started(state, &attributes);
	else if (event->type != PGWF_EVENT_WORKFLOW_EXECUTION_OPTIONS_UPDATED)
		return;
	override = pgwf_read_jsonb(&attributes, "versioningOverride");
	if (override)
	{
		(void) pgwf_override_read(override, state->namespace_id, state);
		if (state->override_key == UNKNOWN_VERSION ||
			state->transition_key == UNKNOWN_VERSION)
			remove_override(state);
	}
	else if (pgwf_read_bool(&attributes, "unsetVersioningOverride"))
		remove_override(state);
}

/*
 * What a run hands on to one that it starts, or that continues it: its
 * version if it is pinned and the version serves the queue of the other, and
 * a pinned override likewise.
 */
static void
hand_on(const PgwfState *state, PgwfNewRun *next, bool version)
{
	int32		key = state->version_key;
	PgwfVersioningBehavior behavior = pgwf_run_behavior(state);

	if ((state->flags & PGWF_RUN_VERSIONING) == 0)
		return;
	if (next->versioning_override == NULL && state->override_key != 0 &&
		pgwf_version_serves(state->namespace_id, state->override_key,
							PGWF_QUEUE_WORKFLOW, next->task_queue))
		next->versioning_override = pgwf_override_jsonb(state);
	if (behavior == PGWF_BEHAVIOR_PINNED)
		key = pgwf_run_pinned_key(state);
	if (!version || behavior == PGWF_BEHAVIOR_UNSPECIFIED || key == 0 ||
		!pgwf_version_serves(state->namespace_id, key, PGWF_QUEUE_WORKFLOW,
							 next->task_queue))
		return;
	if (behavior == PGWF_BEHAVIOR_PINNED &&
		next->initial_versioning_behavior == NULL)
		next->inherited_pinned_key = key;
	else
		next->inherited_auto_upgrade_key = key;
}

/* Children begin where their parent is */
void
pgwf_child_inherit(const PgwfRun *parent, PgwfNewRun *child)
{
	hand_on(&parent->state, child, true);
}

/* Runs that continue as new, too; those by a cron schedule have no version */
void
pgwf_successor_inherit(const PgwfRun *run, PgwfNewRun *next, bool version)
{
	hand_on(&run->state, next, version);
}

/*
 * What is shown
 */

static Jsonb *
make_info(const PgwfState *state)
{
	PgwfObject	object;
	PgwfVersioningBehavior behavior = PGWF_BEHAVIOR_UNSPECIFIED;

	if ((state->flags & PGWF_RUN_VERSIONING) == 0)
		return NULL;
	if (state->flags & PGWF_RUN_PINNED)
		behavior = PGWF_BEHAVIOR_PINNED;
	else if (state->flags & PGWF_RUN_AUTO_UPGRADE)
		behavior = PGWF_BEHAVIOR_AUTO_UPGRADE;
	pgwf_object_begin(&object);
	pgwf_object_text(&object, "behavior", pgwf_behavior_name(behavior));
	pgwf_version_attribute(&object, "deploymentVersion", state->namespace_id,
						   state->version_key);
	pgwf_object_jsonb(&object, "versioningOverride",
					  pgwf_override_jsonb(state));
	return pgwf_object_finish(&object);
}

/* The versions whose workers have completed workflow tasks, a new one added */
static void
used_versions(PgwfObject *fields, const Jsonb *search_attributes,
			  const char *version)
{
	static const char key[] = "TemporalUsedWorkerDeploymentVersions";
	PgwfReader	reader;
	PgwfReader	inner;
	bool		found = (version == NULL);
	ListCell   *lc;

	pgwf_reader_init(&reader, search_attributes);
	pgwf_reader_init(&inner, pgwf_read_object(&reader, "indexedFields"));
	pgwf_object_open_array(fields, key);
	foreach(lc, pgwf_read_texts(&inner, key))
	{
		pgwf_object_text_element(fields, lfirst(lc));
		found = found || strcmp(lfirst(lc), version) == 0;
	}
	if (!found)
		pgwf_object_text_element(fields, version);
	pgwf_object_close_array(fields);
}

/* An empty list takes a search attribute away */
static void
set_field(PgwfObject *fields, const char *key, const char *value)
{
	if (value)
	{
		pgwf_object_text(fields, key, value);
		return;
	}
	pgwf_object_open_array(fields, key);
	pgwf_object_close_array(fields);
}

/* What a run that has to do with versions shows of it */
void
pgwf_execution_set_versions(PgwfExecution *execution, const PgwfState *state)
{
	PgwfVersion version = {0};
	PgwfVersion completed = {0};
	PgwfVersioningBehavior behavior = pgwf_run_behavior(state);
	int32		key = pgwf_run_pinned_key(state);
	bool		has_version;
	PgwfObject	fields;

	if (key == 0)
		key = state->version_key;
	has_version = pgwf_version_lookup(state->namespace_id, key, &version);
	(void) pgwf_version_lookup(state->namespace_id, state->version_key,
							   &completed);
	execution->versioning_info = make_info(state);
	pgwf_object_begin(&fields);
	pgwf_object_open(&fields, "indexedFields");
	set_field(&fields, "TemporalWorkerDeployment", version.deployment_name);
	set_field(&fields, "TemporalWorkerDeploymentVersion",
			  has_version ? version_text(&version) : NULL);
	set_field(&fields, "TemporalWorkflowVersioningBehavior",
			  behavior == PGWF_BEHAVIOR_PINNED ? "Pinned" :
			  behavior == PGWF_BEHAVIOR_AUTO_UPGRADE ? "AutoUpgrade" : NULL);
	used_versions(&fields, execution->search_attributes,
				  completed.build_id ? version_text(&completed) : NULL);
	pgwf_object_open_array(&fields, "BuildIds");
	if (behavior == PGWF_BEHAVIOR_PINNED && has_version)
		pgwf_object_text_element(&fields, psprintf("pinned:%s",
												   version_text(&version)));
	pgwf_object_close_array(&fields);
	pgwf_object_close(&fields);
	execution->search_attributes =
		pgwf_search_attributes_merge(execution->search_attributes,
									 pgwf_object_finish(&fields));
}

/* The version that a WorkerDeploymentVersion in versioning_info names, or 0 */
static int32
shown_version(int32 namespace_id, Jsonb *version)
{
	int32		key = 0;

	if (version)
		(void) read_version(version, namespace_id, &key);
	return key;
}

/* The route of a query to a run, open or closed, by what is shown of it */
void
pgwf_execution_route(const PgwfExecution *execution, PgwfRoute *route)
{
	PgwfReader	info;
	PgwfReader	override;
	PgwfReader	pinned;
	PgwfVersioningBehavior behavior;

	route->version_key = 0;
	route->bucket = pgwf_route_bucket(execution->workflow_id);
	if (execution->versioning_info == NULL)
		return;
	pgwf_reader_init(&info, execution->versioning_info);
	pgwf_reader_init(&override,
					 pgwf_read_object(&info, "versioningOverride"));
	if (override.object == NULL)
	{
		(void) pgwf_behavior_read(pgwf_read_text(&info, "behavior"),
								  &behavior);
		if (behavior == PGWF_BEHAVIOR_PINNED)
			route->version_key =
				shown_version(execution->namespace_id,
							  pgwf_read_object(&info, "deploymentVersion"));
		return;
	}
	pgwf_reader_init(&pinned, pgwf_read_object(&override, "pinned"));
	route->version_key = shown_version(execution->namespace_id,
									   pgwf_read_object(&pinned, "version"));
}
