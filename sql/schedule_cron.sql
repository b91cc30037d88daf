--
-- Cron lines, of workflows and of schedules
--
SET timezone = 'UTC';

-- workflows: names, ranges, steps, lists, and either of the day fields
SELECT spec, workflow.cron_next(spec, after::timestamptz) FROM (VALUES
    ('* * * * *', '2026-01-01 00:00:00.5'),
    ('* * * * *', '2026-01-01 00:01:00'),
    ('*/15 * * * *', '2026-01-01 00:45'),
    ('5/20 3-5 * * ?', '2026-11-21 05:50'),
    ('0,30 8-10,20 * * *', '2026-01-01 10:30'),
    ('0 0 1,15 * *', '2026-11-21'),
    ('0 0 * feb-apr/2 *', '2026-02-28'),
    ('0 0 * * mon-fri', '2026-11-20 12:00'),
    ('0 0 * * fri-sun', '2026-11-21'),
    ('0 0 * * 7', '2026-11-21'),
    ('0 0 13 * fri', '2026-01-01 00:45'),
    ('0 0 */10 * fri', '2026-01-01 00:45'),
    ('0 0 * * Wednesday', '2026-01-01'),
    ('0 0 29 2 *', '2026-01-01'),
    ('0 0 31 4 *', '2026-01-01'),
    ('59 23 31 12 *', '1969-12-31 23:59:58.9')
) AS v (spec, after);

-- the two rules for day of month and day of week
SELECT for_schedule,
    workflow.cron_next('0 0 13 * fri', '2026-01-03', for_schedule),
    workflow.cron_next('0 0 * * fri', '2026-01-03', for_schedule) AS fridays,
    workflow.cron_next('0 0 13 * *', '2026-01-03', for_schedule) AS thirteenths
FROM (VALUES (false), (true)) AS v (for_schedule);

-- nicknames
SELECT spec, workflow.cron_next(spec, '2026-11-21 12:34:56.7')
FROM unnest('{@hourly,@daily,@midnight,@weekly,@monthly,@yearly,@annually,
    @every 90m,@every 1h30m10s,@every 0.5s,@Daily}'::text[]) AS spec;

-- a workflow's @every counts from the last time, a schedule's from 1970
SELECT spec, workflow.cron_next(spec, '2026-11-21 12:34:56.7', true)
FROM unnest('{@every 90m,@every 90m/10m,@every 1d,@every 1d/3h,
    @every 10s/3s}'::text[]) AS spec;

-- time zones: what a change of the offset skips never comes, what it repeats
-- comes twice
SELECT spec, after, workflow.cron_next(spec, after::timestamptz) FROM (VALUES
    ('CRON_TZ=America/New_York 30 2 * * *', '2026-03-07 12:00'),
    ('CRON_TZ=America/New_York 30 2 * * *', '2026-03-06 12:00'),
    ('CRON_TZ=America/New_York 30 1 * * *', '2026-10-31 12:00'),
    ('CRON_TZ=America/New_York 30 1 * * *', '2026-11-01 05:30'),
    ('CRON_TZ=America/New_York 30 1 * * *', '2026-11-01 06:30'),
    ('CRON_TZ=America/New_York 0 * * * *', '2026-03-08 06:30'),
    ('TZ=Europe/Berlin 15 2 * * *', '2026-03-28 12:00'),
    ('TZ=Europe/Berlin 15 2 * * *', '2026-10-24 12:00'),
    ('TZ=Europe/Berlin 15 2 * * *', '2026-10-25 00:15'),
    ('TZ=Australia/Lord_Howe 45 1 * * *', '2026-04-04 14:45'),
    ('TZ=Australia/Lord_Howe 15 2 * * *', '2026-10-03 12:00'),
    ('TZ=Asia/Kathmandu 0 0 * * *', '2026-01-01 00:00'),
    ('TZ=Pacific/Apia 0 12 30 12 *', '2011-12-01 00:00')
) AS v (spec, after);

-- the session's time zone does not matter
SET timezone = 'Asia/Tokyo';
SELECT workflow.cron_next('0 0 * * *', '2026-01-01 00:00+00')
    AT TIME ZONE 'UTC' AS next;
SET timezone = 'UTC';

-- schedules: with the year, with the second, with a comment
SELECT spec, workflow.cron_next(spec, '2026-11-21 12:34:56.7', true) FROM (
    VALUES ('0 12 * * MON-FRI'), ('0 12 * * * 2030'),
    ('0 0 29 2 mon 2030-2050'), ('*/20 * * * * * *'),
    ('30 0 12 * * sun 2027-2035/4 # a comment'), ('0 0 1 1 * 2020'),
    ('  TZ=Europe/Paris   @daily   # in Paris  ')) AS v (spec);

-- nulls
SELECT workflow.cron_next(NULL, now()), workflow.cron_next('@daily', NULL),
    workflow.cron_next('@daily', 'infinity');

-- what is not understood
SELECT spec, t.err(format('SELECT workflow.cron_next(%L, now(), %L)', spec,
    for_schedule))
FROM (VALUES ('', false), ('* * * *', false), ('* * * * * 2030', false),
    ('* * * * *', NULL), ('60 * * * *', false), ('* 24 * * *', false),
    ('* * 0 * *', false), ('* * * 13 *', false), ('* * * * 8', false),
    ('5-3 * * * *', false), ('*/0 * * * *', false), ('1,,2 * * * *', false),
    ('1-2-3 * * * *', false), ('-1 * * * *', false), ('x * * * *', false),
    ('* * * ju *', false), ('* * * * mo', false), ('* mon * * *', false),
    ('@fortnightly', false), ('@every', false), ('@every x', false),
    ('@every 5', false), ('@every -1h', false), ('@every 1h/5m', false),
    ('@every 1h/1h', true), ('@every 0s', true), ('@every 1h/-1s', true),
    ('* * * * * # comment', false), ('* * * * * * * *', true),
    ('* * * * * 1900', true), ('TZ=Mars/Olympus * * * * *', false),
    ('TZ=UTC', false)
) AS v (spec, for_schedule);
