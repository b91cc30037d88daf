--
-- When schedules act: calendars, intervals, exclusions, limits, time zones
-- and jitter
--
\a
\t on
SET timezone = 'UTC';

CREATE FUNCTION pg_temp.definition(spec jsonb) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_object('spec', spec, 'action', jsonb_build_object(
    'startWorkflow', '{"workflowId": "spec", "workflowType": "type",
    "taskQueue": "spec"}'::jsonb), 'state', '{"paused": true}'::jsonb)
$$;

-- The times of a spec in a row.
CREATE FUNCTION pg_temp.times(spec jsonb, first timestamptz, last timestamptz)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_times text;
BEGIN
    PERFORM workflow.create_schedule('spec', pg_temp.definition(spec));
    SELECT string_agg(to_char(m, 'MM-DD HH24:MI:SS'), ', ' ORDER BY m)
    INTO v_times
    FROM workflow.list_schedule_matching_times('spec', first, last) AS m;
    PERFORM workflow.delete_schedule('spec');
    RETURN v_times;
END
$$;

CREATE FUNCTION pg_temp.kept(spec jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_kept jsonb;
BEGIN
    PERFORM workflow.create_schedule('spec', pg_temp.definition(spec));
    v_kept := workflow.describe_schedule('spec') #> '{schedule,spec}';
    PERFORM workflow.delete_schedule('spec');
    RETURN v_kept;
END
$$;

-- an empty spec has no times
SELECT pg_temp.times('{}', '2026-01-01', '2027-01-01') IS NULL;

-- intervals: from 1970, with a phase; the start is exclusive, the end is not
SELECT pg_temp.times('{"interval": [{"interval": "21600s"}]}',
    '2026-01-01', '2026-01-02');
SELECT pg_temp.times('{"interval": [{"interval": "21600s", "phase": "90s"}]}',
    '2026-01-01', '2026-01-02');
SELECT pg_temp.times('{"interval": [{"interval": "2419200s"}]}',
    '2022-02-01', '2022-03-01');
SELECT pg_temp.times('{"interval": [{"interval": "2419200s",
    "phase": "278580s"}]}', '2022-02-01', '2022-03-01');

-- structured calendars: an empty time is 0, an empty day is every day
SELECT pg_temp.times('{"structuredCalendar": [{}]}',
    '2026-01-01', '2026-01-04');
SELECT pg_temp.times('{"structuredCalendar": [{"hour": [{"start": 8,
    "end": 20, "step": 6}, {"start": 21}], "dayOfWeek": [{"start": 0}]}]}',
    '2026-01-01', '2026-01-12');
SELECT pg_temp.times('{"structuredCalendar": [{"second": [{"start": 58,
    "end": 59}, {}], "minute": [{"start": 59}, {}], "hour": [{"start": 23}]}]}',
    '2026-01-01', '2026-01-02');
SELECT pg_temp.times('{"structuredCalendar": [{"dayOfMonth": [{"start": 29,
    "end": 31}], "month": [{"start": 2}, {"start": 4}],
    "year": [{"start": 2026, "end": 2028, "step": 2}]}]}',
    '2025-01-01', '2035-01-01');

-- calendars of texts; day of month and day of week must both match
SELECT pg_temp.times('{"calendar": [{"hour": "*/8", "minute": "5",
    "second": "30"}]}', '2026-01-01', '2026-01-02');
SELECT pg_temp.times('{"calendar": [{"dayOfMonth": "13",
    "dayOfWeek": "friday"}]}', '2026-01-01', '2027-01-01');
SELECT pg_temp.times('{"calendar": [{"month": "mar,JUNE-aug/2",
    "dayOfMonth": "1", "year": "2026-2027"}]}', '2026-01-01', '2030-01-01');

-- cron strings
SELECT pg_temp.times('{"cronString": ["0 6 * * sat,sun", "30 0 1 1 1 * *",
    "@every 30d/5h"]}', '2026-01-01', '2026-01-15');

-- all of them together, without doublets
SELECT pg_temp.times('{"interval": [{"interval": "43200s"}],
    "cronString": ["0 6 * * *"], "calendar": [{"hour": "12"}],
    "structuredCalendar": [{"hour": [{"start": 18}]}]}',
    '2026-01-01', '2026-01-02');

-- exclusions
SELECT pg_temp.times('{"calendar": [{"hour": "9"}],
    "excludeStructuredCalendar": [{"hour": [{"start": 9}],
    "dayOfWeek": [{"start": 6}, {"start": 0}]}]}',
    '2026-01-01', '2026-01-08');
SELECT pg_temp.times('{"interval": [{"interval": "3600s"}],
    "excludeCalendar": [{"hour": "1-22"}, {"dayOfMonth": "2"}]}',
    '2026-01-01', '2026-01-03');
-- a whole day: second, minute and hour are 0 unless they are given
SELECT pg_temp.times('{"interval": [{"interval": "21600s"}],
    "excludeCalendar": [{"second": "*", "minute": "*", "hour": "*",
    "dayOfMonth": "2", "year": "2026"}]}', '2026-01-01 12:00',
    '2026-01-03 12:00');
-- everything
SELECT pg_temp.times('{"interval": [{"interval": "86400s"}],
    "excludeCalendar": [{}]}', '2026-01-01', '2027-01-01') IS NULL;

-- from a moment on, up to a moment, both included
SELECT pg_temp.times('{"interval": [{"interval": "3600s"}],
    "startTime": "2026-01-01T06:00:00Z", "endTime": "2026-01-01T08:00:00Z"}',
    '2025-01-01', '2027-01-01');
SELECT pg_temp.times('{"interval": [{"interval": "3600s"}],
    "startTime": "2026-01-01T06:00:00.5Z",
    "endTime": "2026-01-01T09:59:59+01:00"}', '2025-01-01', '2027-01-01');

-- time zones.  New York skips 02:30 on March 8 and has 01:30 twice on
-- November 1
SELECT pg_temp.times('{"calendar": [{"hour": "2", "minute": "30"}],
    "timezoneName": "America/New_York"}', '2026-03-07', '2026-03-10');
SELECT pg_temp.times('{"calendar": [{"hour": "1", "minute": "30"}],
    "timezoneName": "America/New_York"}', '2026-10-31', '2026-11-03');
-- Berlin skips 02:30 on March 29 and has it twice on October 25
SELECT pg_temp.times('{"cronString": ["CRON_TZ=Europe/Berlin 30 2 * * *"]}',
    '2026-03-28', '2026-03-31');
SELECT pg_temp.times('{"cronString": ["30 2 * * *"],
    "timezoneName": "Europe/Berlin"}', '2026-10-24', '2026-10-27');
-- intervals go on through a change, exclusions are of the zone
SELECT pg_temp.times('{"interval": [{"interval": "3600s"}],
    "excludeCalendar": [{"hour": "3"}], "timezoneName": "Europe/Berlin"}',
    '2026-03-28 23:30', '2026-03-29 03:30');
-- half an hour
SELECT pg_temp.times('{"calendar": [{"hour": "1", "minute": "45"}],
    "timezoneName": "Australia/Lord_Howe"}', '2026-04-03', '2026-04-06');

-- a zone given as a TZif file: from offset to offset at some times, and a
-- rule for what comes after them
CREATE FUNCTION pg_temp.tzif_block(version text, size int, times timestamptz[],
    types int[], offsets int[])
RETURNS bytea
LANGUAGE sql AS $$
SELECT convert_to('TZif' || version, 'UTF8')
    || decode(repeat('00', 16 - length(version)), 'hex')
    || int4send(0) || int4send(0) || int4send(0)
    || int4send(cardinality(times)) || int4send(cardinality(offsets))
    || int4send(4)
    || coalesce((SELECT string_agg(CASE size
            WHEN 4 THEN int4send(extract(epoch FROM m)::int)
            ELSE int8send(extract(epoch FROM m)::bigint) END, '' ORDER BY n)
        FROM unnest(times) WITH ORDINALITY AS u (m, n)), '')
    || coalesce((SELECT string_agg(decode(lpad(to_hex(i), 2, '0'), 'hex'), ''
            ORDER BY n)
        FROM unnest(types) WITH ORDINALITY AS u (i, n)), '')
    || coalesce((SELECT string_agg(int4send(o) || '\x0000', '' ORDER BY n)
        FROM unnest(offsets) WITH ORDINALITY AS u (o, n)), '')
    || '\x41414100'
$$;
CREATE FUNCTION pg_temp.tzif(times timestamptz[], types int[], offsets int[],
    rule text) RETURNS text
LANGUAGE sql AS $$
SELECT translate(encode(CASE WHEN rule IS NULL
    THEN pg_temp.tzif_block('', 4, times, types, offsets)
    ELSE pg_temp.tzif_block('2', 4, '{}', '{}', '{0}')
        || pg_temp.tzif_block('2', 8, times, types, offsets)
        || convert_to(E'\n' || rule || E'\n', 'UTF8') END, 'base64'),
    E'\n', '')
$$;
CREATE FUNCTION pg_temp.zone_times(data text, more jsonb, first timestamptz,
    last timestamptz) RETURNS text
LANGUAGE sql AS $$
SELECT pg_temp.times('{"cronString": ["30 2 * * *"]}'::jsonb
    || jsonb_build_object('timezoneData', data) || more, first, last)
$$;
SELECT pg_temp.tzif('{2026-03-10 00:00Z,2026-04-10 00:00Z}', '{1,0}',
    '{3600,7200}', 'AAA-1') AS zone \gset
SELECT pg_temp.zone_times(:'zone', '{}', '2026-03-08', '2026-03-12');
SELECT pg_temp.zone_times(:'zone', '{}', '2026-04-08', '2026-04-12');
-- its name is only a name
SELECT pg_temp.zone_times(:'zone', '{"timezoneName": "Mars/Olympus"}',
    '2026-03-08', '2026-03-10');
SELECT pg_temp.zone_times(:'zone', '{"excludeCalendar":
    [{"hour": "2", "minute": "30", "dayOfMonth": "9,11"}]}',
    '2026-03-08', '2026-03-12');
SELECT pg_temp.kept(jsonb_build_object('timezoneData', :'zone'))
    = jsonb_build_object('timezoneData', :'zone');
-- the rule has summer times
SELECT pg_temp.zone_times(pg_temp.tzif('{2020-01-01Z}', '{1}', '{0,3600}',
    'AAA-1BBB,M3.5.0,M10.5.0/3'), '{}', '2026-03-27', '2026-03-31');
-- without transitions, without a rule, and of the first version
SELECT pg_temp.zone_times(pg_temp.tzif('{}', '{}', '{-7200}', ''), '{}',
    '2026-03-01', '2026-03-03');
SELECT pg_temp.zone_times(pg_temp.tzif('{2026-03-02Z}', '{1}', '{-7200,7200}',
    NULL), '{}', '2026-03-01', '2026-03-04');
SELECT t.err(format('SELECT pg_temp.zone_times(%L, ''{}'', now(), now())',
    data))
FROM unnest(ARRAY['!', 'VFppZg==', encode('TZif', 'base64'),
    left(:'zone', 120), pg_temp.tzif('{2026-03-02Z}', '{2}', '{0,1}', ''),
    pg_temp.tzif('{2026-03-02Z,2026-03-01Z}', '{0,0}', '{0}', ''),
    pg_temp.tzif('{}', '{}', '{}', ''),
    pg_temp.tzif('{}', '{}', '{100000}', ''),
    pg_temp.tzif('{}', '{}', '{0}', 'no rule, that'),
    repeat('A', 100000)]) AS data;
SELECT t.err($$SELECT pg_temp.times('{"timezoneData": 1}', now(), now())$$);

-- what is kept: ranges and intervals
SELECT pg_temp.kept('{"cronString": ["0 12 * * mon-fri # noon",
    "@every 1h/5m"], "calendar": [{"hour": "1,5-7", "comment": "early"}],
    "excludeCalendar": [{"month": "dec", "year": "2030"}], "jitter": "30s",
    "timezoneName": "Europe/Rome"}');
SELECT pg_temp.kept('{"cronString": ["TZ=Europe/Rome @hourly"],
    "startTime": "2026-01-01T12:00:00+02:00"}');

-- jitter: within its bounds, the same every time, not the same for all
SELECT workflow.create_schedule('jitter', pg_temp.definition(
    '{"interval": [{"interval": "3600s"}], "jitter": "60s"}'));
SELECT workflow.create_schedule('jitter 2', pg_temp.definition(
    '{"interval": [{"interval": "3600s"}], "jitter": "60s"}'));
CREATE TEMP TABLE jitter AS
SELECT m AS actual, date_trunc('hour', m) AS nominal
FROM workflow.list_schedule_matching_times('jitter', '2026-01-01',
    '2026-02-01') AS m;
SELECT count(*) FROM jitter;
SELECT count(*) FROM jitter
WHERE NOT actual - nominal BETWEEN '0' AND '60 s';
SELECT count(DISTINCT actual - nominal) > 600,
    min(actual - nominal) < '5 s', max(actual - nominal) > '55 s',
    avg(actual - nominal) BETWEEN '25 s' AND '35 s'
FROM jitter;
SELECT count(*) FROM (
    SELECT actual FROM jitter EXCEPT
    SELECT * FROM workflow.list_schedule_matching_times('jitter',
        '2025-12-31 23:30', '2026-02-01')) AS other;
SELECT count(*) < 10 FROM (
    SELECT actual FROM jitter INTERSECT
    SELECT * FROM workflow.list_schedule_matching_times('jitter 2',
        '2025-12-31 23:30', '2026-02-01')) AS same;
-- it never passes the next time
SELECT workflow.update_schedule('jitter', pg_temp.definition(
    '{"interval": [{"interval": "60s"}], "jitter": "864000s"}'));
SELECT count(*), count(DISTINCT date_trunc('minute', m))
FROM workflow.list_schedule_matching_times('jitter', '2026-01-01',
    '2026-01-01 12:00') AS m;
SELECT workflow.delete_schedule('jitter'), workflow.delete_schedule('jitter 2');

-- no more than 1000 times at once
SELECT workflow.create_schedule('many', pg_temp.definition(
    '{"interval": [{"interval": "1s"}]}'));
SELECT count(*), max(m) FROM workflow.list_schedule_matching_times('many',
    '2026-01-01', '2027-01-01') AS m;
SELECT workflow.delete_schedule('many');

-- specs that cannot be
SELECT spec, t.err(format('SELECT workflow.create_schedule(''bad'', %L)',
    pg_temp.definition(spec)))
FROM unnest('{
    "[]", "{\"interval\": {}}", "{\"interval\": [{}]}",
    "{\"interval\": [{\"interval\": \"0.5s\"}]}",
    "{\"interval\": [{\"interval\": \"10s\", \"phase\": \"10s\"}]}",
    "{\"interval\": [{\"interval\": \"10s\", \"phase\": \"-1s\"}]}",
    "{\"interval\": [{\"interval\": 10}]}",
    "{\"intervals\": []}",
    "{\"structuredCalendar\": [{\"hour\": [{\"start\": 24}]}]}",
    "{\"structuredCalendar\": [{\"hour\": [{\"end\": 24}]}]}",
    "{\"structuredCalendar\": [{\"hour\": [{\"step\": -1}]}]}",
    "{\"structuredCalendar\": [{\"hour\": [{\"from\": 1}]}]}",
    "{\"structuredCalendar\": [{\"hour\": \"1\"}]}",
    "{\"structuredCalendar\": [{\"dayOfMonth\": [{}]}]}",
    "{\"calendar\": [{\"hour\": \"24\"}]}", "{\"calendar\": [{\"hour\": 1}]}",
    "{\"calendar\": [{\"weekday\": \"mon\"}]}",
    "{\"cronString\": [\"* * *\"]}", "{\"cronString\": \"* * * * *\"}",
    "{\"cronString\": [\"TZ=UTC @daily\", \"@hourly\"]}",
    "{\"cronString\": [\"TZ=Europe/Rome @daily\"], \"timezoneName\": \"UTC\"}",
    "{\"jitter\": \"-1s\"}", "{\"timezoneName\": \"Mars/Olympus\"}",
    "{\"startTime\": \"soon\"}", "{\"startTime\": \"infinity\"}"
}'::jsonb[]) AS spec;
