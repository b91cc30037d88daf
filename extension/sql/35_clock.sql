/*
 * The clocks of namespaces with virtual time.
 */

CREATE FUNCTION workflow.get_current_time(
    namespace text DEFAULT 'default')
RETURNS timestamptz
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'pgwf_get_current_time';

COMMENT ON FUNCTION workflow.get_current_time(text) IS
'what the clock of a namespace shows';

CREATE FUNCTION workflow.advance_time(
    namespace text,
    duration interval)
RETURNS timestamptz
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_advance_time';

COMMENT ON FUNCTION workflow.advance_time(text, interval) IS
'sets the clock of a namespace with virtual time forward; returns what it shows then';

CREATE FUNCTION workflow.lock_time_skipping(
    namespace text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_lock_time_skipping';

COMMENT ON FUNCTION workflow.lock_time_skipping(text) IS
'adds a lock that keeps the time of a namespace from being skipped';

CREATE FUNCTION workflow.unlock_time_skipping(
    namespace text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_unlock_time_skipping';

COMMENT ON FUNCTION workflow.unlock_time_skipping(text) IS
'takes away a lock that keeps the time of a namespace from being skipped';

CREATE PROCEDURE workflow.sleep_with_time_skipping(
    namespace text,
    duration interval)
LANGUAGE c
AS 'MODULE_PATHNAME', 'pgwf_sleep_with_time_skipping';

COMMENT ON PROCEDURE workflow.sleep_with_time_skipping(text, interval) IS
'waits until the clock of a namespace has gone on so far, and lets time be skipped meanwhile';
