/*
 * Many calls of clients and workers in one statement.
 */

CREATE FUNCTION workflow.execute_calls(
    calls jsonb,
    arguments jsonb DEFAULT NULL)
RETURNS SETOF json
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'pgwf_execute_calls';

COMMENT ON FUNCTION workflow.execute_calls(jsonb, jsonb) IS
'executes many calls of clients or workers in one statement and returns the result of each; if one fails, none has happened';
