/*
 * Stop here, with an explanation, when the library is not preloaded.
 */

CREATE FUNCTION workflow.check_preloaded()
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgwf_check_preloaded';

COMMENT ON FUNCTION workflow.check_preloaded() IS
'raises an error when pg_workflow is not in shared_preload_libraries';

SELECT workflow.check_preloaded();
