--
-- list_workflow_executions() and count_workflow_executions(): the filter
-- language, against the same conditions in plain SQL over 300 runs
--
\a
\t on
SELECT workflow.register_namespace('regress list');
SELECT workflow.register_namespace('regress other');
SELECT workflow.add_search_attributes('{"Txt": "Text", "Kw": "Keyword",
    "Num": "Int", "Dbl": "Double", "Flag": "Bool", "Due": "Datetime",
    "Tags": "KeywordList", "odd-name.x": "Keyword", "And": "Int"}',
    'regress list');
SELECT workflow.add_search_attributes('{"Kw": "Keyword"}', 'regress other');
SELECT namespace_id AS ns FROM workflow.namespace
WHERE name = 'regress list' \gset
SELECT namespace_id AS other FROM workflow.namespace
WHERE name = 'regress other' \gset

-- what the runs have, with types of PostgreSQL
CREATE TABLE pg_temp.run AS
SELECT i, 'wf-' || lpad(i::text, 3, '0') || CASE i % 4 WHEN 0 THEN '''x'
        WHEN 1 THEN '%' ELSE '' END AS id,
    format('00000000-0000-4000-8000-%s', lpad(i::text, 12, '0'))::uuid AS run,
    ('x' || lpad(i::text, 12, '0'))::bit(48)::bigint AS key,
    'type ' || i % 5 AS type, 'queue-' || i % 3 AS queue,
    (ARRAY['Running', 'Completed', 'Failed', 'Canceled', 'Terminated',
        'ContinuedAsNew', 'TimedOut', 'Paused', 'Completed'])[1 + i % 9]
        ::workflow.execution_status AS status,
    timestamptz '2026-03-01 00:00:00Z' + i % 50 * interval '1 hour' AS start,
    i % 7 * interval '10 minutes' AS delay,
    CASE WHEN i % 9 NOT IN (0, 7)
        THEN i * interval '17.25 seconds' END AS duration,
    3 + i % 40 AS length, 1000 + i * 13 AS size,
    CASE WHEN i % 6 = 0 THEN 'parent-' || i % 4 END AS parent,
    CASE WHEN i % 8 > 0 THEN (ARRAY['alpha', 'Beta', 'alphabet', 'o''hara',
        'a"b\c', 'élan', ''])[1 + i % 7] END AS kw,
    CASE WHEN i % 5 > 0 THEN (ARRAY['The quick brown fox', 'quick silver',
        'Slow-moving FOX!', 'nothing'])[1 + i % 4] END AS txt,
    CASE WHEN i % 7 > 0 THEN (i % 31 - 15)::bigint
        * CASE WHEN i % 13 = 0 THEN 100000000000000 ELSE 1 END END AS num,
    CASE WHEN i % 11 > 0 THEN (i % 23)::numeric / 4 - 2 END AS dbl,
    CASE WHEN i % 3 > 0 THEN i % 2 = 0 END AS flag,
    CASE WHEN i % 10 > 0 THEN timestamptz '2026-05-05 05:05:05.5Z'
        + i % 20 * interval '1 day' END AS due,
    CASE WHEN i % 4 > 0 THEN (ARRAY['red', 'green', 'blue', 'red green'])
        [1 + i % 3 : 1 + i % 3 + i % 2] END AS tags,
    CASE WHEN i % 2 = 0 THEN 'odd' END AS odd
FROM generate_series(1, 300) AS i;
ALTER TABLE pg_temp.run ADD attributes jsonb;
SET timezone = 'UTC';
UPDATE pg_temp.run SET attributes = jsonb_strip_nulls(jsonb_build_object(
    'Txt', txt, 'Kw', kw, 'Num', num, 'Dbl', dbl, 'Flag', flag, 'Due',
    to_char(due + CASE WHEN i % 3 = 0 THEN interval '2 hours'
            ELSE interval '0' END,
        'YYYY-MM-DD"T"HH24:MI:SS.US') || CASE WHEN i % 3 = 0 THEN '+02:00'
            ELSE 'Z' END, 'Tags', tags, 'odd-name.x', odd));
INSERT INTO workflow.execution (namespace_id, run_key, run_id, workflow_id,
    workflow_type, task_queue, status, start_time, execution_time, close_time,
    first_run_id, start_request_id, workflow_task_timeout, history_length,
    history_size_bytes, state_transition_count, memo, search_attributes,
    parent_workflow_id, parent_run_id, parent_run_key,
    parent_initiated_event_id,
    root_workflow_id, root_run_id)
SELECT :ns, key, run, id, type, queue, status, start, start + delay,
    start + duration, run, 'r', '10 s', CASE WHEN duration IS NOT NULL
        THEN length END, CASE WHEN duration IS NOT NULL THEN size END,
    CASE WHEN duration IS NOT NULL THEN length * 2 END,
    CASE WHEN i % 50 = 0 THEN jsonb_build_object('fields',
        jsonb_build_object('n', i)) END,
    CASE WHEN attributes <> '{}' THEN
        jsonb_build_object('indexedFields', attributes) END,
    parent, CASE WHEN parent IS NOT NULL
        THEN '00000000-0000-4000-8000-000000000001'::uuid END,
    CASE WHEN parent IS NOT NULL THEN -1 END,
    CASE WHEN parent IS NOT NULL THEN 5 END,
    CASE WHEN parent IS NOT NULL THEN 'root' END,
    CASE WHEN parent IS NOT NULL
        THEN '00000000-0000-4000-8000-000000000002'::uuid END
FROM pg_temp.run;
-- the same workflow ids, in a namespace that no query here must see
INSERT INTO workflow.execution (namespace_id, run_key, run_id, workflow_id,
    workflow_type, task_queue, status, start_time, execution_time, close_time,
    first_run_id, start_request_id, workflow_task_timeout, history_length,
    history_size_bytes, search_attributes)
SELECT :other, key, gen_random_uuid(), id, type, queue, status, start, start,
    start + duration, run, 'r', '10 s', length, size,
    '{"indexedFields": {"Kw": "alpha"}}'
FROM pg_temp.run;
INSERT INTO workflow.closed_execution (namespace_id, close_time, start_time,
    run_key)
SELECT namespace_id, close_time, start_time, run_key FROM workflow.execution
WHERE namespace_id IN (:ns, :other) AND close_time IS NOT NULL;
INSERT INTO workflow.mutable_state (namespace_id, run_key, start_time,
    next_event_id, history_size, state_transition_count, task_timeout_us,
    next_buffer_id, buffered_size, buffered_events, signal_count,
    pending_timers, pending_activities, flags, wft_stamp, last_event_time,
    previous_started_event_id, wft_scheduled_event_id, wft_started_event_id,
    wft_scheduled_time, wft_original_scheduled_time, wft_started_time,
    wft_timeout_us, sticky_timeout_us, wft_attempt)
SELECT ns, key, start, length + 1, size, length * 2, 1, 1, 0, 0, 0, 0, 0, 0,
    0, start, 0, 0, 0, '-infinity', '-infinity', '-infinity', 0, 0, 1
FROM pg_temp.run, unnest(ARRAY[:ns, :other]) AS ns WHERE duration IS NULL;
ANALYZE workflow.execution, workflow.closed_execution, workflow.mutable_state;

CREATE FUNCTION pg_temp.found(query text) RETURNS text[]
LANGUAGE sql AS $$
SELECT coalesce(array_agg(workflow_id ORDER BY workflow_id COLLATE "C"), '{}')
FROM workflow.list_workflow_executions(query, namespace => 'regress list')
$$;
CREATE FUNCTION pg_temp.expected(condition text) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    v_result text[];
BEGIN
    EXECUTE 'SELECT coalesce(array_agg(id ORDER BY id COLLATE "C"), ''{}'')'
        ' FROM pg_temp.run WHERE ' || condition INTO v_result;
    RETURN v_result;
END
$$;
CREATE FUNCTION pg_temp.count(query text) RETURNS bigint
LANGUAGE sql AS $$
SELECT count FROM workflow.count_workflow_executions(query,
    namespace => 'regress list')
$$;

--
-- Every operator with every type, beside the same in SQL
--
CREATE TABLE pg_temp.atom (rank serial, query text, condition text);
INSERT INTO pg_temp.atom (query, condition) VALUES
    ('Kw = ''alpha''', 'kw = ''alpha'''),
    ('Kw != "alpha"', 'kw <> ''alpha'''),
    ('Kw <> "alpha"', 'kw <> ''alpha'''),
    ('Kw < ''alphab''', 'kw COLLATE "C" < ''alphab'''),
    ('Kw > ''alpha''', 'kw COLLATE "C" > ''alpha'''),
    ('Kw <= ''alpha''', 'kw COLLATE "C" <= ''alpha'''),
    ('Kw >= ''alpha''', 'kw COLLATE "C" >= ''alpha'''),
    ('Kw IN (''alpha'', "Beta", ''none'')', 'kw IN (''alpha'', ''Beta'')'),
    ('Kw NOT IN (''alpha'', "Beta")', 'kw NOT IN (''alpha'', ''Beta'')'),
    ('Kw STARTS_WITH ''alph''', 'kw LIKE ''alph%'''),
    ('Kw NOT STARTS_WITH ''alph''', 'kw NOT LIKE ''alph%'''),
    ('Kw STARTS_WITH ''%''', 'kw LIKE ''\%%'''),
    ('Kw BETWEEN ''a'' AND ''b''', 'kw COLLATE "C" BETWEEN ''a'' AND ''b'''),
    ('Kw NOT BETWEEN ''a'' AND ''b''',
     'kw COLLATE "C" NOT BETWEEN ''a'' AND ''b'''),
    ('Kw IS NULL', 'kw IS NULL'),
    ('Kw IS NOT NULL', 'kw IS NOT NULL'),
    ('Kw = ''o''''hara''', 'kw = ''o''''hara'''),
    ('Kw = ''o\''hara''', 'kw = ''o''''hara'''),
    ('Kw = "o''hara"', 'kw = ''o''''hara'''),
    ('Kw = ''a"b\\c''', 'kw = ''a"b\c'''),
    ('Kw = "a""b\\c"', 'kw = ''a"b\c'''),
    ('Kw = ''élan''', 'kw = ''élan'''),
    ('Kw = ''''', 'kw = '''''),
    ('`Kw` = ''alpha''', 'kw = ''alpha'''),
    ('`odd-name.x` = ''odd''', 'odd = ''odd'''),
    ('`odd-name.x` IS NULL', 'odd IS NULL'),
    ('Txt = ''fox''', 'txt ILIKE ''%fox%'''),
    ('Txt = ''QUICK nothing''', 'txt ILIKE ''%quick%'' OR txt = ''nothing'''),
    ('Txt != ''fox''', 'txt NOT ILIKE ''%fox%'''),
    ('Txt = ''fo''', 'txt = ''fo'''),
    ('Txt IS NULL', 'txt IS NULL'),
    ('Txt IS NOT NULL', 'txt IS NOT NULL'),
    ('Num = 3', 'num = 3'),
    ('Num = -3', 'num = -3'),
    ('Num = +3', 'num = 3'),
    ('Num != 3', 'num <> 3'),
    ('Num < 0', 'num < 0'),
    ('Num > 14', 'num > 14'),
    ('Num <= -14', 'num <= -14'),
    ('Num >= 100000000000000', 'num >= 100000000000000'),
    ('Num IN (1, 2, 9223372036854775807)', 'num IN (1, 2)'),
    ('Num NOT IN (1, 2)', 'num NOT IN (1, 2)'),
    ('Num BETWEEN -2 AND 2', 'num BETWEEN -2 AND 2'),
    ('Num NOT BETWEEN -2 AND 2', 'num NOT BETWEEN -2 AND 2'),
    ('Num IS NULL', 'num IS NULL'),
    ('Num IS NOT NULL', 'num IS NOT NULL'),
    ('Num IN (' || (SELECT string_agg(n::text, ',')
        FROM generate_series(0, 99) AS n) || ')', 'num BETWEEN 0 AND 99'),
    ('Dbl = 1.5', 'dbl = 1.5'),
    ('Dbl = 15e-1', 'dbl = 1.5'),
    ('Dbl = 1', 'dbl = 1'),
    ('Dbl != 1.50', 'dbl <> 1.5'),
    ('Dbl < -.5', 'dbl < -.5'),
    ('Dbl > 2.', 'dbl > 2'),
    ('Dbl <= 0', 'dbl <= 0'),
    ('Dbl >= 1E0', 'dbl >= 1'),
    ('Dbl IN (1.25, 2, 3e0)', 'dbl IN (1.25, 2, 3)'),
    ('Dbl NOT IN (1.25, 2)', 'dbl NOT IN (1.25, 2)'),
    ('Dbl BETWEEN 0.1 AND 1.9', 'dbl BETWEEN 0.1 AND 1.9'),
    ('Dbl IS NULL', 'dbl IS NULL'),
    ('Dbl IS NOT NULL', 'dbl IS NOT NULL'),
    ('Flag = true', 'flag'),
    ('Flag = FALSE', 'NOT flag'),
    ('Flag != true', 'flag <> true'),
    ('Flag IN (true, false)', 'flag IN (true, false)'),
    ('Flag NOT IN (true)', 'NOT flag'),
    ('Flag IS NULL', 'flag IS NULL'),
    ('Flag IS NOT NULL', 'flag IS NOT NULL'),
    ('Due = ''2026-05-07T05:05:05.5Z''', 'due = ''2026-05-07 05:05:05.5Z'''),
    ('Due = ''2026-05-07T03:05:05.500000-02:00''',
     'due = ''2026-05-07 05:05:05.5Z'''),
    ('Due != ''2026-05-07T05:05:05.5Z''', 'due <> ''2026-05-07 05:05:05.5Z'''),
    ('Due < ''2026-05-07T05:05:05.5Z''', 'due < ''2026-05-07 05:05:05.5Z'''),
    ('Due > ''2026-05-07T05:05:05.5Z''', 'due > ''2026-05-07 05:05:05.5Z'''),
    ('Due <= ''2026-05-07T05:05:05.5Z''', 'due <= ''2026-05-07 05:05:05.5Z'''),
    ('Due >= ''2026-05-07T05:05:05.5Z''', 'due >= ''2026-05-07 05:05:05.5Z'''),
    ('Due IN (''2026-05-07T05:05:05.5Z'', ''2026-05-08T05:05:05.5Z'')',
     'due IN (''2026-05-07 05:05:05.5Z'', ''2026-05-08 05:05:05.5Z'')'),
    ('Due NOT IN (''2026-05-07T05:05:05.5Z'')',
     'due NOT IN (''2026-05-07 05:05:05.5Z'')'),
    ('Due BETWEEN ''2026-05-07T00:00:00Z'' AND ''2026-05-10T00:00:00Z''',
     'due BETWEEN ''2026-05-07Z'' AND ''2026-05-10Z'''),
    ('Due > 1778500000000000000',
     'due > to_timestamp(1778500000)'),
    ('Due IS NULL', 'due IS NULL'),
    ('Due IS NOT NULL', 'due IS NOT NULL'),
    ('Tags = ''red''', '''red'' = ANY (tags)'),
    ('Tags != ''red''', 'NOT ''red'' = ANY (tags)'),
    ('Tags IN (''red'', ''blue'')', 'tags && ''{red,blue}'''),
    ('Tags NOT IN (''red'', ''blue'')', 'NOT tags && ''{red,blue}'''),
    ('Tags = ''red green''', '''red green'' = ANY (tags)'),
    ('Tags IS NULL', 'tags IS NULL'),
    ('Tags IS NOT NULL', 'tags IS NOT NULL'),
    ('TemporalChangeVersion = ''x''', 'NULL::boolean'),
    ('TemporalChangeVersion IS NULL', 'true'),
    ('WorkflowId = ''wf-004''''x''', 'i = 4'),
    ('WorkflowId STARTS_WITH ''wf-00''', 'i < 10'),
    ('WorkflowId IN (''wf-002'', ''wf-003'')', 'i IN (2, 3)'),
    ('WorkflowId > ''wf-290''', 'id COLLATE "C" > ''wf-290'''),
    ('RunId = ''00000000-0000-4000-8000-000000000007''', 'i = 7'),
    ('RunId IN (''00000000-0000-4000-8000-000000000007'', ''no uuid'')',
     'i = 7'),
    ('RunId = ''00000000-0000-4000-8001-000000000007''', 'false'),
    ('RunId = ''no uuid''', 'false'),
    ('RunId != ''no uuid''', 'true'),
    ('RunId STARTS_WITH ''00000000-0000-4000-8000-0000000001''',
     'i BETWEEN 100 AND 199'),
    ('RunId < ''00000000-0000-4000-8000-000000000007''', 'i < 7'),
    ('WorkflowType = ''type 1''', 'type = ''type 1'''),
    ('WorkflowType != ''type 1''', 'type <> ''type 1'''),
    ('TaskQueue = ''queue-2''', 'queue = ''queue-2'''),
    ('ExecutionStatus = ''Running''', 'status = ''Running'''),
    ('ExecutionStatus = 1', 'status = ''Running'''),
    ('ExecutionStatus = ''TimedOut''', 'status = ''TimedOut'''),
    ('ExecutionStatus != ''Completed''', 'status <> ''Completed'''),
    ('ExecutionStatus IN (''Failed'', 5, ''Paused'')',
     'status IN (''Failed'', ''Terminated'', ''Paused'')'),
    ('ExecutionStatus NOT IN (1, 2, 3, 4)',
     'status IN (''Terminated'', ''ContinuedAsNew'', ''TimedOut'', ''Paused'')'),
    ('ExecutionStatus IS NULL', 'false'),
    ('ParentWorkflowId = ''parent-2''', 'parent = ''parent-2'''),
    ('ParentWorkflowId IS NULL', 'parent IS NULL'),
    ('ParentRunId = ''00000000-0000-4000-8000-000000000001''',
     'CASE WHEN parent IS NOT NULL THEN true END'),
    ('ParentRunId != ''x''', 'CASE WHEN parent IS NOT NULL THEN true END'),
    ('RootWorkflowId = ''root''', 'parent IS NOT NULL'),
    ('RootWorkflowId = ''wf-002''', 'i = 2'),
    ('RootRunId = ''00000000-0000-4000-8000-000000000002''',
     'parent IS NOT NULL OR i = 2'),
    ('StartTime >= ''2026-03-02T00:00:00Z''', 'start >= ''2026-03-02Z'''),
    ('StartTime BETWEEN ''2026-03-02T00:00:00Z'' AND ''2026-03-02T05:00:00Z''',
     'start BETWEEN ''2026-03-02Z'' AND ''2026-03-02 05:00Z'''),
    ('ExecutionTime = ''2026-03-02T00:10:00Z''',
     'start + delay = ''2026-03-02 00:10Z'''),
    ('CloseTime IS NULL', 'duration IS NULL'),
    ('CloseTime < ''2026-03-02T00:00:00Z''',
     'start + duration < ''2026-03-02Z'''),
    ('ExecutionDuration > ''1h''', 'duration > ''1 h'''),
    ('ExecutionDuration > ''00:30:00''', 'duration > ''30 min'''),
    ('ExecutionDuration <= 60000000000', 'duration <= ''1 min'''),
    ('ExecutionDuration = ''17.25s''', 'duration = ''17.25 s'''),
    ('ExecutionDuration IN (''34s500ms'', ''0h0m51.75s'')',
     'duration IN (''34.5 s'', ''51.75 s'')'),
    ('ExecutionDuration BETWEEN ''1m30s'' AND ''0.5d''',
     'duration BETWEEN ''90 s'' AND ''12 h'''),
    ('ExecutionDuration IS NULL', 'duration IS NULL'),
    ('HistoryLength > 40', 'length > 40'),
    ('HistoryLength IN (3, 4)', 'length IN (3, 4)'),
    ('HistorySizeBytes BETWEEN 1013 AND 2000', 'size BETWEEN 1013 AND 2000'),
    ('StateTransitionCount >= 44', 'length >= 22'),
    ('StateTransitionCount IS NULL', 'length IS NULL');
-- an answer that differs, and how many comparisons find something
SELECT query, condition FROM pg_temp.atom
WHERE pg_temp.found(query) <> pg_temp.expected(condition) ORDER BY rank;
SELECT query, condition FROM pg_temp.atom
WHERE pg_temp.found('NOT ' || query)
    <> pg_temp.expected('NOT (' || condition || ')') ORDER BY rank;
SELECT count(*), count(*) FILTER (WHERE pg_temp.count(query) > 0),
    count(*) FILTER (WHERE pg_temp.count(query)
        <> cardinality(pg_temp.expected(condition)))
FROM pg_temp.atom;

--
-- Logic: fixed cases, then trees made at random
--
SELECT query FROM (VALUES
    ('Num > 0 AND Flag = true OR Kw = ''alpha''',
     'num > 0 AND flag OR kw = ''alpha'''),
    ('Kw = ''alpha'' or Num > 0 and Flag = true',
     'kw = ''alpha'' OR num > 0 AND flag'),
    ('(Kw = ''alpha'' OR Num > 0) AND Flag = true',
     '(kw = ''alpha'' OR num > 0) AND flag'),
    ('NOT Num > 0 AND Flag = true', 'NOT num > 0 AND flag'),
    ('NOT (Num > 0 AND Flag = true)', 'NOT (num > 0 AND flag)'),
    ('not not ((NOT((Num>0)) ) )', 'NOT num > 0'),
    ('Num BETWEEN 0 AND 5 AND Flag = true', 'num BETWEEN 0 AND 5 AND flag'),
    (E'\n\tNum\r\n>\n0 ', 'num > 0'),
    ('Num>0 AND(Flag=true)', 'num > 0 AND flag'),
    ('', 'true'), ('  ', 'true')) AS v (query, condition)
WHERE pg_temp.found(query) <> pg_temp.expected(condition);
CREATE FUNCTION pg_temp.tree(depth int, OUT query text, OUT condition text)
LANGUAGE plpgsql AS $$
DECLARE
    v_left record;
    v_right record;
    v_rank int := 1 + floor(random()
        * (SELECT count(*) FROM pg_temp.atom));
BEGIN
    IF depth = 0 OR random() < 0.15 THEN
        SELECT a.query, a.condition INTO query, condition
        FROM pg_temp.atom AS a
        WHERE a.rank = v_rank;
        condition := '(' || condition || ')';
        RETURN;
    END IF;
    SELECT * INTO v_left FROM pg_temp.tree(depth - 1);
    IF random() < 0.25 THEN
        query := 'NOT (' || v_left.query || ')';
        condition := 'NOT (' || v_left.condition || ')';
        RETURN;
    END IF;
    SELECT * INTO v_right FROM pg_temp.tree(depth - 1);
    IF random() < 0.5 THEN
        query := format('(%s) AND %s', v_left.query,
            CASE WHEN v_right.query LIKE '%OR%'
                THEN '(' || v_right.query || ')' ELSE v_right.query END);
        condition := format('(%s) AND (%s)', v_left.condition,
            v_right.condition);
    ELSE
        query := v_left.query || ' OR ' || v_right.query;
        condition := v_left.condition || ' OR ' || v_right.condition;
    END IF;
END
$$;
DO $$
DECLARE
    v_tree record;
BEGIN
    PERFORM setseed(0.26);
    FOR i IN 1 .. 300 LOOP
        SELECT * INTO v_tree FROM pg_temp.tree(1 + i % 4);
        IF pg_temp.found(v_tree.query) <> pg_temp.expected(v_tree.condition)
        THEN
            RAISE WARNING '% is not %', v_tree.query, v_tree.condition;
        END IF;
    END LOOP;
END
$$;

--
-- What is no query, and where
--
CREATE FUNCTION pg_temp.refused(query text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    PERFORM workflow.list_workflow_executions(query,
        namespace => 'regress list');
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL,
        v_hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ': ' || SQLERRM, nullif(v_detail, ''),
        nullif(v_hint, ''));
END
$$;
SELECT q, pg_temp.refused(q) FROM unnest(ARRAY[
    -- syntax
    'Kw', 'Kw =', 'Kw = ''a'' AND', 'AND', 'Kw = ''a'' OR OR Num = 1', '=',
    '(Kw = ''a''', 'Kw = ''a'')', '()', 'Kw = ''a'' Num = 1', 'Kw == ''a''',
    'Kw = ''a', 'Kw = "a''', 'Kw = ''a\', '`Kw = 1', 'Kw ; ''a''',
    'Kw = ''a''; DROP TABLE workflow.execution', 'Kw = ''a'' -- x',
    'Kw = ''a'' /* x */', 'Kw = $1', 'Kw = :a', 'Kw ! ''a''', 'Kw ~ ''a''',
    '''Kw'' = ''a''', '"Kw" = ''a''', '5 = Num', 'Num = 1 + 1',
    'Num = -', 'Num = 1x', 'Num = 1.2.3', 'Num = 0x10', 'Num = 1e99999',
    'Num IN ()', 'Num IN 1', 'Num IN (1', 'Num IN (1,)', 'Num IN (1 2)',
    'Num NOT', 'Num NOT = 1', 'Num BETWEEN 1', 'Num BETWEEN 1 OR 2',
    'Num IS', 'Num IS 1', 'Num IS NOT 1', 'Num = NULL', 'Num = (1)',
    'Kw = ''é'' AND é = 1', E'Kw = ''a''\nAND Num = x',
    -- what the language has not
    'Kw LIKE ''a%''', 'Kw NOT LIKE ''a%''', 'Num = Dbl', 'lower(Kw) = ''a''',
    'Num = abs(1)', 'Num > 1 ORDER BY Num', 'ORDER BY StartTime',
    'Num > 1 LIMIT 5', 'LIMIT 5', 'Num > 1 OFFSET 5', '(Num > 1 LIMIT 5)',
    'Kw = ''a'' GROUP BY ExecutionStatus', 'GROUP BY ExecutionStatus',
    'GROUP ExecutionStatus', '*', 'Kw = *',
    -- names and types
    'NoSuch = 1', 'kw = ''a''', 'And = 1', 'workflow_id = ''a''',
    '`Kw'' OR true` = 1', 'Kw = 5', 'Kw = true', 'Kw IN (''a'', 5)',
    'Txt = 1', 'Txt = ''!?''', 'Txt < ''a''', 'Txt IN (''a'')',
    'Txt STARTS_WITH ''a''', 'Txt BETWEEN ''a'' AND ''b''',
    'Num = ''1''', 'Num = 1.5', 'Num = true', 'Num = 9223372036854775808',
    'Num STARTS_WITH 1', 'Dbl = ''1''', 'Dbl STARTS_WITH ''1''',
    'Dbl = false', 'Flag = ''true''', 'Flag = 1', 'Flag < true',
    'Flag BETWEEN false AND true', 'Due = ''2026-05-07''',
    'Due = ''2026-13-01T00:00:00Z''', 'Due = true', 'Due = 1.5',
    'Due STARTS_WITH ''2026''', 'Tags < ''a''', 'Tags STARTS_WITH ''a''',
    'Tags BETWEEN ''a'' AND ''b''', 'Tags = 1',
    'ExecutionStatus = ''running''', 'ExecutionStatus = 0',
    'ExecutionStatus = 9', 'ExecutionStatus = true', 'ExecutionStatus > 1',
    'ExecutionStatus STARTS_WITH ''R''', 'RunId = 5', 'StartTime = ''now''',
    'ExecutionDuration > ''1 hour''', 'ExecutionDuration > ''''',
    'ExecutionDuration > ''1:2''', 'ExecutionDuration > ''00:60:00''',
    'ExecutionDuration > ''.s''', 'ExecutionDuration > 1.5',
    'HistoryLength = ''3''']) AS q;
-- limits
SELECT pg_temp.refused('Num = ' || repeat('1', 500));
SELECT pg_temp.refused(repeat('(', 101) || 'Num = 1' || repeat(')', 101));
SELECT pg_temp.refused(repeat('(', 100) || 'Num = 1' || repeat(')', 100));
SELECT pg_temp.refused(repeat('NOT ', 101) || 'Num = 1');
SELECT pg_temp.refused(repeat('NOT ', 100) || 'Num = 1');
SELECT pg_temp.refused('Num = 1' || repeat(' OR Num = 1', 1000));
SELECT pg_temp.refused('Num = 1' || repeat(' OR Num = 1', 999));
SELECT pg_temp.refused('Kw = ''' || repeat('x', 65536) || '''');
SELECT pg_temp.refused('Kw = ''' || repeat('x', 65000) || '''');
SELECT pg_temp.refused('Num = 1 ' || repeat('x', 100));
-- the place is shown as in a statement
\set VERBOSITY default
SELECT * FROM workflow.list_workflow_executions(
    'Kw = ''a'' AND
    Num = ''b''', namespace => 'regress list');

-- attempts to get out of a value or a name: all are plain values
SELECT v, pg_temp.count(format('Kw = %s OR Tags IN (%s) OR WorkflowId > %s',
    w, w, w)) FROM (SELECT v, '''' || replace(replace(v, '\', '\\'), '''',
        '''''') || '''' AS w
    FROM unnest(ARRAY['z'' OR ''a'' = ''a', 'z''); DROP TABLE x; --',
        'z$1', 'z\', 'z\''', 'z"}', 'z%', 'z:x', 'z'' || pg_sleep(9) || ''',
        'z/*', 'z"}}']) AS v) AS u;
SELECT to_regclass('workflow.execution') IS NOT NULL;

--
-- Order and pages
--
-- open runs, the latest first, then closed ones, the last closed first
SELECT array_agg(id ORDER BY n) = (
    SELECT array_agg(id ORDER BY start + duration DESC NULLS FIRST,
        start DESC, i DESC) FROM pg_temp.run)
FROM workflow.list_workflow_executions(namespace => 'regress list')
    WITH ORDINALITY AS l (id, a, b, c, d, e, f, g, h, i, j, k, l, m, n1, o, p,
        q, r, n);
-- pages of every size are that list
CREATE FUNCTION pg_temp.pages(query text, size int, OUT pages int,
    OUT ids text[])
LANGUAGE plpgsql AS $$
DECLARE
    v_row record;
    v_token text;
    v_rows int;
BEGIN
    pages := 0;
    ids := '{}';
    LOOP
        v_rows := 0;
        FOR v_row IN SELECT * FROM workflow.list_workflow_executions(query,
            size, v_token, 'regress list') LOOP
            ids := ids || v_row.workflow_id;
            v_token := v_row.page_token;
            v_rows := v_rows + 1;
        END LOOP;
        pages := pages + 1;
        EXIT WHEN v_rows < size;
    END LOOP;
END
$$;
SELECT size, query, p.pages, cardinality(p.ids),
    p.ids = (pg_temp.pages(query, 1000)).ids
FROM unnest(ARRAY[1, 7, 66, 67, 100, 300, 1000]) AS size,
    unnest(ARRAY['', 'Kw STARTS_WITH ''a''', 'CloseTime IS NULL',
        'ExecutionStatus = ''Failed''']) AS query,
    pg_temp.pages(query, size) AS p
WHERE size > 1 OR query = 'ExecutionStatus = ''Failed'''
ORDER BY query COLLATE "C", size;
-- runs that start or close meanwhile do not shift the pages
BEGIN;
SELECT page_token AS token FROM workflow.list_workflow_executions(
    page_size => 10, namespace => 'regress list') OFFSET 9 \gset
SELECT array_agg(l.id) AS before FROM (
    SELECT workflow_id FROM workflow.list_workflow_executions('', 10,
        :'token', 'regress list')) AS l (id) \gset
INSERT INTO workflow.execution (namespace_id, run_key, run_id, workflow_id,
    workflow_type, task_queue, status, start_time, execution_time,
    first_run_id, start_request_id, workflow_task_timeout)
VALUES (:ns, 1000000, gen_random_uuid(), 'new', 't', 'q', 'Running', now() +
    interval '100 years', now(), gen_random_uuid(), 'r', '10 s');
UPDATE workflow.mutable_state SET run_key = 1000000,
    start_time = now() + interval '100 years'
WHERE namespace_id = :ns AND run_key = (SELECT key FROM pg_temp.run
    WHERE id = (SELECT workflow_id FROM workflow.list_workflow_executions('',
        2, namespace => 'regress list') OFFSET 1)) RETURNING 1;
WITH closed AS (
    UPDATE workflow.execution SET status = 'Completed', close_time = now()
    WHERE namespace_id = :ns AND close_time IS NULL AND NOT EXISTS (
        SELECT FROM workflow.mutable_state AS m
        WHERE m.namespace_id = execution.namespace_id
            AND m.run_key = execution.run_key)
    RETURNING namespace_id, close_time, start_time, run_key)
INSERT INTO workflow.closed_execution SELECT * FROM closed RETURNING 1;
SELECT workflow_id, status FROM workflow.list_workflow_executions('', 1,
    namespace => 'regress list');
SELECT array_agg(l.id) = :'before'::text[] FROM (
    SELECT workflow_id FROM workflow.list_workflow_executions('', 10,
        :'token', 'regress list')) AS l (id);
ROLLBACK;
SELECT t.err(format('SELECT workflow.list_workflow_executions(
    next_page_token => %L)', k)) FROM unnest(ARRAY['x', 'o', 'o1', 'o1.',
    'c1.2', 'o1.2.3', 'o1.2 ', 'c1.2.99999999999999999999', 'O1.2']) AS k;
SELECT t.err(format('SELECT workflow.list_workflow_executions(
    page_size => %s)', s)) FROM unnest(ARRAY[0, -1, 1001]) AS s;
-- what a row says
SELECT workflow_id, run_id, workflow_type, status, start_time,
    execution_time, close_time, task_queue, history_length,
    history_size_bytes, state_transition_count, memo, search_attributes,
    parent_workflow_id, parent_run_id, root_workflow_id, root_run_id,
    first_run_id
FROM workflow.list_workflow_executions('WorkflowId STARTS_WITH ''wf-150''',
    namespace => 'regress list');
SELECT workflow_id, close_time, history_length, memo, search_attributes,
    parent_workflow_id, root_workflow_id
FROM workflow.list_workflow_executions('WorkflowId = ''wf-007''',
    namespace => 'regress list');

--
-- Counting
--
SELECT * FROM workflow.count_workflow_executions(
    namespace => 'regress list');
SELECT * FROM workflow.count_workflow_executions('GROUP BY ExecutionStatus',
    'regress list');
SELECT * FROM workflow.count_workflow_executions(
    'Kw = ''alpha'' AND CloseTime IS NOT NULL group by `ExecutionStatus`',
    'regress list');
SELECT * FROM workflow.count_workflow_executions(
    'Kw = ''none'' GROUP BY ExecutionStatus', 'regress list');
SELECT sum((g->>'count')::int) FROM workflow.count_workflow_executions(
    'GROUP BY ExecutionStatus', 'regress list'), jsonb_array_elements(groups)
    AS g;
SELECT t.err(format('SELECT workflow.count_workflow_executions(%L, %L)', q,
    'regress list')) FROM unnest(ARRAY['GROUP BY WorkflowType',
    'GROUP BY NoSuch', 'GROUP BY ExecutionStatus, WorkflowType',
    'GROUP BY ExecutionStatus LIMIT 1', 'GROUP BY', 'GROUP BY ''a''',
    'GROUP BY ExecutionStatus AND Kw = ''a''',
    'Kw = ''a'' AND GROUP BY ExecutionStatus',
    'GROUP BY ExecutionStatus GROUP BY ExecutionStatus']) AS q;

--
-- A real open run: what is counted while it is open
--
SELECT started FROM workflow.start_workflow_execution('list open', 'type', 'list open',
    search_attributes => '{"CustomKeywordField": "v1"}');
SELECT status, history_length, history_size_bytes > 0,
    state_transition_count
FROM workflow.list_workflow_executions('WorkflowId = ''list open'' AND
    HistoryLength = 2 AND HistorySizeBytes > 0 AND ExecutionStatus = 1
    AND StateTransitionCount = 1');
SELECT t.step('list open', '[{"commandType": "UpsertWorkflowSearchAttributes",
    "attributes": {"searchAttributes": {"indexedFields":
        {"CustomKeywordField": "v2"}}}}]');
SELECT count FROM workflow.count_workflow_executions(
    'CustomKeywordField = ''v1'' AND WorkflowId = ''list open''');
SELECT count FROM workflow.count_workflow_executions(
    'CustomKeywordField = ''v2'' AND WorkflowId = ''list open''');
SELECT workflow.terminate_workflow_execution('list open');
SELECT status, search_attributes FROM workflow.list_workflow_executions(
    'CustomKeywordField = ''v2'' AND ExecutionStatus = ''Terminated''');

--
-- Rights: read is enough, and a namespace one may not read is as if not there
--
CREATE ROLE regress_list_reader;
SELECT workflow.grant_namespace('regress list', 'regress_list_reader',
    '{read}');
GRANT USAGE ON SCHEMA t TO regress_list_reader;
SET ROLE regress_list_reader;
SELECT count FROM workflow.count_workflow_executions('Kw = ''alpha''',
    'regress list');
SELECT count(*) FROM workflow.list_workflow_executions('Kw = ''alpha''',
    namespace => 'regress list');
SELECT t.err($$SELECT workflow.count_workflow_executions('Kw = ''alpha''',
    'regress other')$$);
SELECT t.err($$SELECT workflow.list_workflow_executions('syntax error',
    namespace => 'regress other')$$);
SELECT t.err($$SELECT workflow.list_workflow_executions()$$);
SELECT t.err($$SELECT workflow.list_workflow_executions(
    namespace => 'regress none')$$);
SELECT t.err($$SELECT count(*) FROM workflow.execution$$);
RESET ROLE;
SELECT t.err($$SELECT workflow.list_workflow_executions(
    namespace => 'regress none')$$);
-- nothing of the caller's gets in
CREATE FUNCTION pg_temp.jsonb_typeof(jsonb) RETURNS text LANGUAGE sql
AS $$ SELECT 'planted' $$;
CREATE SCHEMA regress_plant;
CREATE FUNCTION regress_plant.planted(text, text) RETURNS boolean
LANGUAGE sql AS $$ SELECT true $$;
CREATE OPERATOR regress_plant.= (LEFTARG = text, RIGHTARG = text,
    FUNCTION = regress_plant.planted);
SET search_path = regress_plant, pg_catalog;
SELECT pg_temp.count('Num = 3 AND Kw IN (''alpha'')') <= 20,
    pg_temp.count('WorkflowId = ''x''');
RESET search_path;
DROP SCHEMA regress_plant CASCADE;

SELECT workflow.revoke_namespace('regress list', 'regress_list_reader',
    '{read}');
REVOKE USAGE ON SCHEMA t FROM regress_list_reader;
DROP ROLE regress_list_reader;
DELETE FROM workflow.mutable_state WHERE namespace_id IN (:ns, :other);
DELETE FROM workflow.closed_execution WHERE namespace_id IN (:ns, :other);
DELETE FROM workflow.execution WHERE namespace_id IN (:ns, :other);
DELETE FROM workflow.search_attribute WHERE namespace_id IN (:ns, :other);
DELETE FROM workflow.namespace WHERE namespace_id IN (:ns, :other);
