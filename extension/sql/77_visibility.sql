/*
 * Search attributes, and finding runs by them.
 */

CREATE TABLE workflow.search_attribute (
    namespace_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    CONSTRAINT search_attribute_pkey PRIMARY KEY (namespace_id, name),
    CONSTRAINT search_attribute_type_check
        CHECK (type IN ('Text', 'Keyword', 'Int', 'Double', 'Bool',
                        'Datetime', 'KeywordList'))
);

COMMENT ON TABLE workflow.search_attribute IS
'the registered search attributes of each namespace';

SELECT pg_catalog.pg_extension_config_dump(
    'workflow.search_attribute', '');

CREATE TRIGGER search_attribute_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON workflow.search_attribute
    FOR EACH STATEMENT EXECUTE FUNCTION workflow.namespace_changed();
ALTER TABLE workflow.search_attribute
    ENABLE ALWAYS TRIGGER search_attribute_changed;

CREATE FUNCTION workflow.add_search_attributes(
    search_attributes jsonb,
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_add_search_attributes';

COMMENT ON FUNCTION workflow.add_search_attributes(jsonb, text) IS
'registers search attributes, given as {name: type}; types: Text, Keyword, Int, Double, Bool, Datetime, KeywordList';

CREATE FUNCTION workflow.remove_search_attributes(
    names text[],
    namespace text DEFAULT 'default')
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_remove_search_attributes';

COMMENT ON FUNCTION workflow.remove_search_attributes(text[], text) IS
'makes search attributes unknown again; runs keep the values they have';

CREATE FUNCTION workflow.builtin_search_attributes(
    OUT name text,
    OUT type text,
    OUT kind text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 33
AS 'MODULE_PATHNAME', 'pgwf_builtin_search_attributes';

COMMENT ON FUNCTION workflow.builtin_search_attributes() IS
'search attributes that every namespace has: system ones cannot be set, predefined ones can';

CREATE FUNCTION workflow.search_attribute_time(value jsonb)
RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'pgwf_search_attribute_time';

COMMENT ON FUNCTION workflow.search_attribute_time(jsonb) IS
'value of a search attribute of type Datetime; null for what is no time of RFC 3339';

CREATE VIEW workflow.search_attributes WITH (security_barrier) AS
SELECT n.name AS namespace, a.name, a.type, a.kind
FROM workflow.namespace AS n
CROSS JOIN LATERAL (
    SELECT s.name, s.type, 'custom' AS kind
    FROM workflow.search_attribute AS s
    WHERE s.namespace_id = n.namespace_id
    UNION ALL
    SELECT b.name, b.type, b.kind
    FROM workflow.builtin_search_attributes() AS b
) AS a
WHERE workflow.namespace_readable(n.namespace_id);

COMMENT ON VIEW workflow.search_attributes IS
'what runs can be searched by';
COMMENT ON COLUMN workflow.search_attributes.namespace IS
'name of the namespace';
COMMENT ON COLUMN workflow.search_attributes.name IS
'name of the search attribute, as queries use it';
COMMENT ON COLUMN workflow.search_attributes.type IS
'Text, Keyword, Int, Double, Bool, Datetime or KeywordList';
COMMENT ON COLUMN workflow.search_attributes.kind IS
'custom: registered in the namespace; predefined: every namespace has it; system: the same, and it cannot be set';

CREATE FUNCTION workflow.list_workflow_executions(
    query text DEFAULT '',
    page_size integer DEFAULT 1000,
    next_page_token text DEFAULT NULL,
    namespace text DEFAULT 'default')
RETURNS TABLE (
    workflow_id text,
    run_id uuid,
    workflow_type text,
    status workflow.execution_status,
    start_time timestamptz,
    execution_time timestamptz,
    close_time timestamptz,
    task_queue text,
    history_length bigint,
    history_size_bytes bigint,
    state_transition_count bigint,
    memo jsonb,
    search_attributes jsonb,
    parent_workflow_id text,
    parent_run_id uuid,
    root_workflow_id text,
    root_run_id uuid,
    first_run_id uuid,
    page_token text)
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'pgwf_list_workflow_executions';

COMMENT ON FUNCTION workflow.list_workflow_executions(
    text, integer, text, text) IS
'runs that match a query of Temporal''s filter language, open ones first, the latest first; page_token of a row continues after it';

CREATE FUNCTION workflow.count_workflow_executions(
    query text DEFAULT '',
    namespace text DEFAULT 'default',
    OUT count bigint,
    OUT groups jsonb)
RETURNS record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgwf_count_workflow_executions';

COMMENT ON FUNCTION workflow.count_workflow_executions(text, text) IS
'number of the runs that match a query, and with GROUP BY ExecutionStatus the number of each group';
