/*-------------------------------------------------------------------------
 *
 * pgwf_problems.c
 *		The search attribute TemporalReportedProblems (SS 2.7): runs whose
 *		workflow task keeps failing can be found by it.
 *
 * It is set without an event, so workflow code never sees it, and taken away
 * when a workflow task succeeds.
 *
 * Locks: the caller holds the run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgwf_guc.h"
#include "pgwf_problems.h"
#include "pgwf_search_attribute.h"

#define ATTRIBUTE "TemporalReportedProblems"

/* Sets the attribute to a category and a cause; no category takes it away */
static void
set_problem(PgwfRun *run, const char *category, const char *cause)
{
	PgwfExecution *execution = pgwf_run_execution(run);
	PgwfObject	changes;

	pgwf_object_begin(&changes);
	pgwf_object_open(&changes, "indexedFields");
	pgwf_object_open_array(&changes, ATTRIBUTE);
	if (category)
	{
		pgwf_object_text_element(&changes, psprintf("category=%s", category));
		pgwf_object_text_element(&changes, psprintf("cause=%sCause%s",
													category, cause));
	}
	pgwf_object_close_array(&changes);
	pgwf_object_close(&changes);
	execution->search_attributes =
		pgwf_search_attributes_merge(execution->search_attributes,
									 pgwf_object_finish(&changes));
	run->execution_changed = true;
}

/* "TIMEOUT_TYPE_START_TO_CLOSE" without its prefix is "StartToClose" */
static char *
camel_case(const char *constant, const char *prefix)
{
	char	   *result;
	char	   *out;
	bool		upper = true;

	if (strncmp(constant, prefix, strlen(prefix)) == 0)
		constant += strlen(prefix);
	result = pstrdup(constant);
	out = result;
	for (const char *c = constant; *c != '\0'; c++)
	{
		if (*c == '_')
			upper = true;
		else
		{
			*out++ = (char) (upper ? *c : pg_tolower((unsigned char) *c));
			upper = false;
		}
	}
	*out = '\0';
	return result;
}

static bool
is_reported(const PgwfRun *run)
{
	return pgwf_workflow_task_problems_to_report > 0 &&
		run->state.wft_attempt > pgwf_workflow_task_problems_to_report;
}

/*
 * A workflow task has failed, and wft_attempt has been counted up.  One that
 * was ended from outside is no failure of a worker's.
 */
void
pgwf_run_note_failed_task(PgwfRun *run, const char *cause)
{
	if (!is_reported(run) ||
		strcmp(cause, "WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND") == 0)
		return;
	set_problem(run, "WorkflowTaskFailed",
				camel_case(cause, "WORKFLOW_TASK_FAILED_CAUSE_"));
	run->state.flags |= PGWF_RUN_REPORTED_PROBLEMS;
}

/* The same for one that has timed out */
void
pgwf_run_note_timed_out_task(PgwfRun *run, const char *timeout_type)
{
	if (!is_reported(run))
		return;
	set_problem(run, "WorkflowTaskTimedOut",
				camel_case(timeout_type, "TIMEOUT_TYPE_"));
	run->state.flags |= PGWF_RUN_REPORTED_PROBLEMS;
}

/* A workflow task has succeeded */
void
pgwf_run_forget_problems(PgwfRun *run)
{
	if ((run->state.flags & PGWF_RUN_REPORTED_PROBLEMS) == 0)
		return;
	run->state.flags &= ~PGWF_RUN_REPORTED_PROBLEMS;
	set_problem(run, NULL, NULL);
}
