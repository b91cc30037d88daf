-- How events are stored: what is packed comes back as it was.
CREATE FUNCTION pg_temp.again(attributes jsonb, user_metadata jsonb DEFAULT NULL)
RETURNS boolean LANGUAGE sql AS $$
    SELECT count(*) = 1 AND bool_and(e.attributes::text = $1::text
        AND e.user_metadata::text IS NOT DISTINCT FROM $2::text
        AND e.event_time = '2026-01-02 03:04:05.678901Z'
        AND e.event_type = 'MarkerRecorded' AND e.event_id = 7)
    FROM workflow.unpack_events(7, workflow.pack_event(
        '2026-01-02 03:04:05.678901Z', 'MarkerRecorded', $1, $2)) AS e
$$;

-- numbers, of every length and sign, with and without a fraction
SELECT n FROM unnest('{0, 1, 30, 31, 32, 157, 158, 159, 16383, 16414, 16415, -1,
    -31, -32, -33, 1.0, 1.50, -0.5, 1e3, 1e400, 123456789012345678,
    999999999999999999, 1000000000000000000, -999999999999999999,
    9223372036854775807, -9223372036854775808, 18446744073709551616,
    0.000000000000000000000001}'::numeric[]) AS n
WHERE NOT pg_temp.again(jsonb_build_object('n', n, 'a', ARRAY[n, n]));

-- texts: the lengths at which the encoding changes, twice each; words of the
-- list and such that only begin like one; what JSON must escape
SELECT n FROM unnest('{0, 1, 5, 6, 30, 31, 32, 158, 159, 160, 1000, 16400, 100000}'::int[]) AS n
WHERE NOT pg_temp.again(jsonb_build_object('first', repeat('x', n),
    'second', jsonb_build_array(repeat('x', n), repeat('y', n), repeat('x', n)),
    repeat('k', n), n), jsonb_build_object('summary', repeat('x', n)));
SELECT pg_temp.again('{"identity": "name", "name": "identity", "identit": "attempts",
    "TASK_QUEUE_KIND_NORMAL": "TASK_QUEUE_KIND_STICKY", "": "", "é": "日本語",
    "quote": "\"\\\n\u0001", "true": true, "false": false, "null": null,
    "nested": {"a": [[], {}, [[{"b": [1, "x", null]}]]]}}', '{}');
SELECT pg_temp.again('{}'), pg_temp.again('{}', '{"details": ["a"]}');
-- more texts than can be referred to
SELECT pg_temp.again(jsonb_object_agg(k, 'value of ' || k % 50))
FROM generate_series(1, 200) AS k;
-- members of an object in the order of jsonb
SELECT attributes FROM workflow.unpack_events(1, workflow.pack_event(now(),
    'TimerFired', '{"zz": 1, "a": 2, "bbb": 3, "timerId": "t"}'));
-- the time before the first one that a history can have
SELECT event_time AT TIME ZONE 'UTC' AS time
FROM workflow.unpack_events(1, workflow.pack_event(
    '1999-12-31 23:59:59.999999Z', 'TimerFired', '{}'));
SELECT workflow.pack_event(now(), 'TimerFired', '[]');
SELECT workflow.pack_event(now(), 'TimerFired', '{}', '1');
SELECT workflow.pack_event(now(), NULL, '{}') IS NULL AS none;
SELECT octet_length(workflow.pack_event('2026-01-01Z', 'WorkflowTaskStarted',
    '{"identity": "me", "scheduledEventId": 2, "historySizeBytes": 625}')) AS size;

-- what is not well formed is refused, wherever it ends
SELECT workflow.unpack_events(1, '');
SELECT workflow.unpack_events(1, '\x02');
SELECT count(*) FROM workflow.unpack_events(1, '\x01');
CREATE FUNCTION pg_temp.refused(events bytea) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM * FROM workflow.unpack_events(1, events);
    RETURN false;
EXCEPTION WHEN data_corrupted THEN
    RETURN true;
END
$$;
SELECT bool_and(pg_temp.refused(substr(packed, 1, n))) AS refused
FROM workflow.pack_event('2026-01-01Z', 'MarkerRecorded',
        '{"identity": "a text to refer to", "details": ["a text to refer to", 70, -70, 1.5]}',
        '{"summary": "s"}') AS packed,
    generate_series(2, length(packed) - 1) AS n;
-- nor does it bring what is no text, no number of JSON or no time
SELECT pg_temp.refused(decode(replace(encode(workflow.pack_event(now(),
    'TimerFired', '{"timerId": "@@"}'), 'hex'), '4040', wrong), 'hex'))
FROM unnest('{4041,4000}'::text[]) AS wrong;
SELECT pg_temp.refused(decode(replace(encode(workflow.pack_event(now(),
    'TimerFired', '{"timerId": 1.5}'), 'hex'), '312e35', '4e614e'), 'hex'));
SELECT pg_temp.refused('\x018c0012ffffffffffffffffff01c0');
-- any byte may be wrong: an error or another value, nothing worse
SELECT count(pg_temp.refused(set_byte(packed, n, b))) > 0 AS survived
FROM workflow.pack_event('2026-01-01Z', 'MarkerRecorded',
        '{"identity": "a text to refer to", "details": ["a text to refer to", 70]}') AS packed,
    generate_series(0, length(packed) - 1) AS n,
    unnest('{0, 1, 31, 63, 95, 127, 128, 159, 191, 195, 223, 224, 255}'::int[]) AS b;

-- a run whose events make several rows, read in pages from both ends
SELECT started FROM workflow.start_workflow_execution('pack', 'w', 'pack');
DO $$
BEGIN
    FOR i IN 1..30 LOOP
        PERFORM workflow.signal_workflow_execution('pack', 's' || i,
            jsonb_build_array(repeat(i::text, i * 20)));
    END LOOP;
END
$$;
SELECT count(*), count(*) FILTER (WHERE run_key IS NULL)
FROM workflow.history_event JOIN workflow.execution USING (namespace_id, run_key)
WHERE workflow_id = 'pack';
WITH forward AS (
    SELECT n, e.* FROM generate_series(0, 31) AS n,
        workflow.get_workflow_execution_history('pack', after_event_id => n,
            page_size => 3) AS e),
backward AS (
    SELECT n, e.* FROM generate_series(1, 33) AS n,
        workflow.get_workflow_execution_history('pack', after_event_id => n,
            page_size => 3, reverse => true) AS e)
SELECT
    (SELECT count(*) FROM forward WHERE event_id NOT BETWEEN n + 1 AND n + 3) AS wrong,
    (SELECT count(*) FROM forward) AS forward,
    (SELECT count(*) FROM backward WHERE event_id NOT BETWEEN n - 3 AND n - 1) AS wrong,
    (SELECT count(*) FROM backward) AS backward;
-- many commands at once: rows that need no TOAST, in one transaction
SELECT p ->> 'taskToken' AS token FROM workflow.poll_workflow_task_queue('pack') AS p \gset
SELECT workflow.respond_workflow_task_completed(:'token',
    (SELECT jsonb_agg(jsonb_build_object('commandType', 'StartTimer',
        'attributes', jsonb_build_object('timerId', 'timer ' || n,
            'startToFireTimeout', '100s')))
    FROM generate_series(1, 100) AS n));
SELECT workflow.terminate_workflow_execution('pack');
SELECT max(octet_length(b.events)) < 2000 AS small, count(*) > 30 AS several,
    array_agg(b.first_event_id ORDER BY b.first_event_id) =
    array_agg(e.first ORDER BY e.first) AS first_ids
FROM workflow.history_batch AS b
JOIN workflow.execution AS x USING (namespace_id, run_key),
    LATERAL (SELECT min(event_id) AS first
        FROM workflow.unpack_events(b.first_event_id, b.events)) AS e
WHERE x.workflow_id = 'pack';
-- numbers with many digits, which take few bytes before they are packed
SELECT t.start('pack digits', '[1e20000, -1e131071, "after it", "after it"]');
SELECT attributes -> 'input' = '[1e20000, -1e131071, "after it", "after it"]'
FROM workflow.get_workflow_execution_history('pack digits')
WHERE event_id = 1;
SELECT t.types('pack digits');
SELECT t.err($$ SELECT t.start('pack more digits',
    (SELECT jsonb_agg(1e131071) FROM generate_series(1, 600))) $$);
SELECT count(*) FROM workflow.execution WHERE workflow_id = 'pack more digits';
SELECT workflow.terminate_workflow_execution('pack digits');
