/*
 * cases.c
 *		What tests of workflow code against the simulated service share.
 */
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "tap.h"

PgwfRegistry *registry;
char		logged[2000];

const PgwfActivityOptions ten_seconds = {
	PGWF_ACTIVITY_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 10000
};
const PgwfLocalOptions local_options = {
	PGWF_LOCAL_OPTIONS_DEFAULTS,
	.start_to_close_timeout_ms = 1000
};

Sim *
start(const char *type, const char *input)
{
	logged[0] = '\0';
	return run_start(registry, type, input);
}

void
log_line(PgwfLogLevel level, const char *message, void *arg)
{
	(void) level;
	(void) arg;
	strncat(logged, message, sizeof(logged) - strlen(logged) - 1);
	strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
}

void
ends_changed(Sim *sim, const char *status, const char *key,
			 const char *value, const char *name)
{
	PgwfReplayReport *report;

	is_str(sim_status(sim), status, "%s: closed by", name);
	is_json(json_object_get(sim_last_attributes(sim), key), value,
			"%s: %s", name, key);
	pgwf_replay_history(registry, sim->events, &report);
	is_str(report->message, "", "%s: replays", name);
	ok(report->ok && report->finished, "%s: to its end", name);
	pgwf_replay_report_free(report);
	sim_free(sim);
}

void
answer_is(json_t *answer, const char *expected, const char *name)
{
	is_str(pgwf_json_str(answer, "errorMessage"), NULL, "%s: no error", name);
	is_json(json_object_get(answer, "answer"), expected, "%s", name);
	json_decref(answer);
}

void
answer_fails(json_t *answer, const char *message, const char *name)
{
	is_str(pgwf_json_str(answer, "resultType"), "QUERY_RESULT_TYPE_FAILED",
		   "%s: it fails", name);
	has_str(pgwf_json_str(answer, "errorMessage"), message, "%s", name);
	json_decref(answer);
}
