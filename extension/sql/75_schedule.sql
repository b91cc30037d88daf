/*
 * Schedules, and the cron lines they share with workflows.
 */

CREATE FUNCTION workflow.cron_next(
    spec text,
    after timestamptz DEFAULT pg_catalog.now(),
    for_schedule boolean DEFAULT false)
RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgwf_cron_next_sql';

COMMENT ON FUNCTION workflow.cron_next(text, timestamptz, boolean) IS
'first moment of a cron line after another, in UTC unless it names a time zone; with the rules of workflows, or those of schedules';
