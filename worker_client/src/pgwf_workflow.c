/*
 * pgwf_workflow.c
 *		The calls of workflow code that neither wait nor make commands: memory,
 *		information, time, random numbers, log, panic; and the end of the
 *		workflow function.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

/* Checks that a call comes from where such calls may come from. */
void
pgwf_require_coroutine(PgwfWorkflow *wf, const char *function)
{
	if (wf->current == NULL)
		abort();				/* see pgworkflow.h, section 5 */
	if (wf->in_condition)
		pgwf_panic(wf, "%s was called from a wait condition", function);
	if (wf->read_only != NULL)
		pgwf_panic(wf, "%s was called from %s, which must not change anything",
				   function, wf->read_only->what);
}

/*
 * Checks a name or an id that becomes a JSON string, and so has to be UTF-8.
 */
void
pgwf_require_text(PgwfWorkflow *wf, const char *function, const char *what,
				  const char *text)
{
	json_t	   *string;

	if (text == NULL || *text == '\0')
		pgwf_panic(wf, "%s was called without a %s", function, what);
	string = json_string(text);
	json_decref(string);
	if (string == NULL)
		pgwf_panic(wf, "%s was called with a %s that is not UTF-8", function,
				   what);
}

void
pgwf_panic(PgwfWorkflow *wf, const char *fmt,...)
{
	va_list		args;
	char	   *message;

	va_start(args, fmt);
	message = pgwf_xvprintf(fmt, args);
	va_end(args);
	pgwf_engine_fail(wf, PGWF_ERROR_PANIC, 0, "%s", message);
	free(message);
	pgwf_abandon_coroutine(wf);
}

/* ---- memory and JSON ---- */

json_t *
pgwf_pack(PgwfWorkflow *wf, const char *fmt,...)
{
	json_error_t error;
	va_list		args;
	json_t	   *value;

	va_start(args, fmt);
	value = json_vpack_ex(&error, 0, fmt, args);
	va_end(args);
	if (value == NULL)
		pgwf_panic(wf, "pgwf_pack could not make a value of format \"%s\": "
				   "%s", fmt, error.text);
	return pgwf_arena_json(wf, value);
}

json_t *
pgwf_own(PgwfWorkflow *wf, json_t *value)
{
	return value != NULL ? pgwf_arena_json(wf, value) : NULL;
}

void *
pgwf_alloc(PgwfWorkflow *wf, size_t size)
{
	return pgwf_arena_alloc(wf, size);
}

char *
pgwf_sprintf(PgwfWorkflow *wf, const char *fmt,...)
{
	va_list		args;
	char	   *str;

	va_start(args, fmt);
	str = pgwf_arena_vprintf(wf, fmt, args);
	va_end(args);
	return str;
}

void *
pgwf_workflow_arg(PgwfWorkflow *wf)
{
	return wf->fn_arg;
}

void
pgwf_set_state(PgwfWorkflow *wf, void *state)
{
	pgwf_require_coroutine(wf, "pgwf_set_state");
	wf->state = state;
}

void *
pgwf_state(const PgwfWorkflow *wf)
{
	return wf->state;
}

/* ---- cancellation of the workflow ---- */

bool
pgwf_cancel_requested(PgwfWorkflow *wf)
{
	return wf->cancel_requested;
}

const char *
pgwf_cancel_reason(PgwfWorkflow *wf)
{
	return wf->cancel_reason;
}

/* ---- time and random numbers ---- */

int64_t
pgwf_now(PgwfWorkflow *wf)
{
	return wf->now_us / 1000;
}

int64_t
pgwf_now_us(PgwfWorkflow *wf)
{
	return wf->now_us;
}

uint64_t
pgwf_random(PgwfWorkflow *wf)
{
	pgwf_require_coroutine(wf, "pgwf_random");
	return pgwf_random_next(&wf->random);
}

double
pgwf_random_double(PgwfWorkflow *wf)
{
	return (double) (pgwf_random(wf) >> 11) * (1.0 / 9007199254740992.0);
}

const char *
pgwf_uuid(PgwfWorkflow *wf)
{
	char	   *str;

	pgwf_require_coroutine(wf, "pgwf_uuid");
	str = pgwf_arena_alloc(wf, 37);
	pgwf_random_uuid(&wf->random, str);
	return str;
}

/* ---- information and log ---- */

const PgwfWorkflowInfo *
pgwf_workflow_info(PgwfWorkflow *wf)
{
	return &wf->info;
}

void
pgwf_set_current_details(PgwfWorkflow *wf, const char *details)
{
	pgwf_require_coroutine(wf, "pgwf_set_current_details");
	wf->current_details = details != NULL ?
		pgwf_arena_strdup(wf, details) : NULL;
}

const char *
pgwf_current_details(PgwfWorkflow *wf)
{
	return wf->current_details;
}

bool
pgwf_is_replaying(PgwfWorkflow *wf)
{
	return wf->replaying;
}

void
pgwf_log(PgwfWorkflow *wf, PgwfLogLevel level, const char *fmt,...)
{
	va_list		args;
	char	   *message;

	if (wf->replaying)
		return;
	va_start(args, fmt);
	message = pgwf_xvprintf(fmt, args);
	va_end(args);
	pgwf_registry_log(wf->registry, level, "%s", message);
	free(message);
}

/* ---- the end ---- */

/* The details that a cancellation carries, if any; borrowed. */
static json_t *
cancel_details(const PgwfFailure *failure)
{
	const json_t *json = pgwf_failure_json(failure);
	const json_t *info;

	while ((info = json_object_get(json, "canceledFailureInfo")) == NULL &&
		   json != NULL)
		json = json_object_get(json, "cause");
	return json_object_get(info, "details");
}

/*
 * The workflow function returned: turns its outcome into the command that
 * closes the workflow.
 */
void
pgwf_workflow_returned(PgwfWorkflow *wf, json_t *result, PgwfFailure *failure)
{
	json_t	   *attributes = json_object();

	if (failure == NULL && wf->next_run != NULL)
	{
		json_decref(attributes);
		pgwf_command_terminal(wf, PGWF_COMMAND_CONTINUE_AS_NEW,
							  pgwf_continue_attributes(wf));
		return;
	}
	if (failure == NULL)
	{
		if (result != NULL)
			pgwf_json_put(attributes, "result", json_pack("[O]", result));
		pgwf_command_terminal(wf, PGWF_COMMAND_COMPLETE_WORKFLOW, attributes);
		return;
	}
	if (wf->cancel_requested && pgwf_failure_is_canceled(failure))
	{
		pgwf_json_put(attributes, "details",
					  json_incref(cancel_details(failure)));
		pgwf_command_terminal(wf, PGWF_COMMAND_CANCEL_WORKFLOW, attributes);
	}
	else
	{
		pgwf_json_put(attributes, "failure",
					  json_deep_copy(pgwf_failure_json(failure)));
		pgwf_command_terminal(wf, PGWF_COMMAND_FAIL_WORKFLOW, attributes);
	}
	pgwf_failure_free(failure);
}
