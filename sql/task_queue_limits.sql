--
-- Turns and limits of task queues
--
\a
\t on

CREATE FUNCTION pg_temp.start(queue text, workflow text, key text DEFAULT NULL,
    weight double precision DEFAULT NULL, number int DEFAULT 1)
RETURNS bigint
LANGUAGE sql AS $$
SELECT count(workflow.start_workflow_execution(workflow || n, 'type', queue,
    priority => jsonb_strip_nulls(jsonb_build_object('fairnessKey', key,
        'fairnessWeight', weight))))
FROM generate_series(1, number) AS n
$$;

-- The workflows whose tasks a poll is given, in their order
CREATE FUNCTION pg_temp.polled(queue text, number int DEFAULT 100,
    rate double precision DEFAULT NULL)
RETURNS text
LANGUAGE sql AS $$
SELECT string_agg(p #>> '{workflowExecution,workflowId}', ' ' ORDER BY n)
FROM workflow.poll_workflow_task_queue(queue, number,
    max_tasks_per_second => rate) WITH ORDINALITY AS p (p, n)
$$;

-- What is set for a queue
CREATE FUNCTION pg_temp.mask(config jsonb) RETURNS jsonb
LANGUAGE sql AS $$
SELECT config #- '{queueRateLimit,metadata,updateTime}'
    #- '{fairnessKeysRateLimitDefault,metadata,updateTime}'
$$;

--
-- Turns: one key's tasks do not wait for all of another's
--
SELECT pg_temp.start('turns', 'a', 'a', number => 4);
SELECT pg_temp.start('turns', 'b', 'b', number => 2);
-- without a key, it is one more
SELECT pg_temp.start('turns', 'n', number => 2);
SELECT pg_temp.polled('turns', 4);
-- one that comes later has its turn with the next ones
SELECT pg_temp.start('turns', 'c', 'c', number => 2);
SELECT pg_temp.polled('turns');
-- tasks in a queue that has no keys come by age
SELECT pg_temp.start('by age', 'o', number => 3);
SELECT DISTINCT t.rank FROM workflow.workflow_task AS t
WHERE t.task_queue = 'by age';
SELECT t.cleanup();

-- weights: the task's own, within bounds, or that set for the queue
SELECT pg_temp.start('weights', 'a', 'a', 1, 3);
SELECT pg_temp.start('weights', 'b', 'b', 3, 9);
SELECT pg_temp.polled('weights');
SELECT t.cleanup();
SELECT pg_temp.start('bounds', 'a', 'a', 1e-9);
SELECT pg_temp.start('bounds', 'b', 'b', 1e9);
SELECT t.rank & ((1::bigint << 59) - 1) AS pass
FROM workflow.workflow_task AS t
WHERE t.task_queue = 'bounds' ORDER BY 1;
SELECT t.cleanup();
SELECT pg_temp.mask(workflow.update_task_queue_config('overrides',
    set_fairness_weight_overrides => '{"a": 2, "b": 1.5, "c": 1}',
    unset_fairness_weight_overrides => '{c, d}'));
SELECT pg_temp.start('overrides', 'a', 'a', 1, 4);
SELECT pg_temp.start('overrides', 'c', 'c', 1, 2);
SELECT pg_temp.polled('overrides');
SELECT t.cleanup();

-- priority comes before turns
SELECT pg_temp.start('both', 'a', 'a', number => 2);
SELECT 1 FROM workflow.start_workflow_execution('first', 'type', 'both',
    priority => '{"priorityKey": 1, "fairnessKey": "a"}');
SELECT pg_temp.start('both', 'b', 'b', number => 2);
SELECT pg_temp.polled('both');
SELECT t.cleanup();

-- activities have turns as well, in a queue of their own, and again with
-- each attempt
SELECT t.start('fair activities');
SELECT t.step('fair activities',
    t.schedule('a1', '{"priority": {"fairnessKey": "a"}}')
    || t.schedule('a2', '{"priority": {"fairnessKey": "a"}}')
    || t.schedule('a3', '{"priority": {"fairnessKey": "a"}}')
    || t.schedule('b1', '{"priority": {"fairnessKey": "b"}}')
    || t.schedule('b2', '{"priority": {"fairnessKey": "b"}}'));
SELECT string_agg(p ->> 'activityId', ' ' ORDER BY n)
FROM workflow.poll_activity_task_queue('fair activities', 2)
    WITH ORDINALITY AS p (p, n);
SELECT workflow.respond_activity_task_failed(
    t.activity('fair activities'), '{"message": "again",
    "applicationFailureInfo": {"nextRetryDelay": "0.001s"}}');
SELECT t.wait_for($$ SELECT count(*) = 3 FROM workflow.activity
    WHERE task_queue = 'fair activities' AND state = 1 $$);
SELECT string_agg(p ->> 'activityId', ' ' ORDER BY n)
FROM workflow.poll_activity_task_queue('fair activities', 9)
    WITH ORDINALITY AS p (p, n);
SELECT t.cleanup();

--
-- Workflows that have begun come first, where that is asked for
--
SELECT workflow.update_task_queue_config('begun',
    begun_workflows_first => true);
SELECT pg_temp.start('begun', 'old');
SELECT t.step('begun', t.timer('t', '3600s'));
SELECT pg_temp.start('begun', 'new', number => 2);
SELECT workflow.signal_workflow_execution('old1', 's');
SELECT pg_temp.polled('begun', 1);
SELECT t.step('begun',
    '[{"commandType": "ContinueAsNewWorkflowExecution"}]');
SELECT 1 FROM workflow.start_workflow_execution('urgent', 'type', 'begun',
    priority => '{"priorityKey": 1}');
SELECT pg_temp.polled('begun');
SELECT workflow.update_task_queue_config('begun',
    begun_workflows_first => false);
SELECT t.cleanup();

--
-- Limits
--
SELECT pg_temp.mask(workflow.update_task_queue_config('limited',
    queue_rate_limit => 0, reason => 'stop', identity => 'me'));
SELECT pg_temp.start('limited', 'l', number => 4);
SELECT pg_temp.polled('limited');
CALL workflow.wait_for_task('{limited}', timeout => '0.05 s');
-- the limit of a worker does not count beside it
SELECT pg_temp.polled('limited', 1, 1000);
SELECT d -> 'effectiveRateLimit', pg_temp.mask(d -> 'config'),
    d #> '{config,queueRateLimit,metadata}' ? 'updateTime',
    d #> '{stats,approximateBacklogCount}',
    d #> '{pollers,0}' ? 'identity'
FROM workflow.describe_task_queue('limited', report_config => true) AS d;
SELECT workflow.update_task_queue_config('limited',
    unset_queue_rate_limit => true);
SELECT workflow.describe_task_queue('limited') -> 'effectiveRateLimit';
SELECT pg_temp.polled('limited', 1);
-- a fraction: one now, the next in a long time
SELECT pg_temp.polled('limited', 3, 0.001);
SELECT pg_temp.polled('limited');
SELECT pg_temp.polled('limited', 3, 0);
-- another limit counts at once
SELECT workflow.update_task_queue_config('limited', queue_rate_limit => 1000)
    IS NOT NULL;
CALL workflow.wait_for_task('{limited}', timeout => '10 s');
SELECT pg_temp.polled('limited', 1);
SELECT workflow.update_task_queue_config('limited',
    unset_queue_rate_limit => true);
SELECT t.cleanup();
-- a waiter is told when there is a task that may be handed out
SELECT workflow.update_task_queue_config('waited', queue_rate_limit => 20)
    IS NOT NULL;
SELECT pg_temp.start('waited', 'w', number => 3);
SELECT length(pg_temp.polled('waited')) > 0;
CALL workflow.wait_for_task('{waited}', timeout => '10 s');
SELECT t.cleanup();
-- activities have limits of their own
SELECT workflow.update_task_queue_config('limited acts', 'ACTIVITY',
    queue_rate_limit => 0) IS NOT NULL;
SELECT t.start('limited acts');
SELECT t.step('limited acts', t.schedule('a'));
SELECT t.has_activity('limited acts');
SELECT workflow.update_task_queue_config('limited acts',
    'TASK_QUEUE_TYPE_ACTIVITY', unset_queue_rate_limit => true);
SELECT t.has_activity('limited acts');
SELECT t.cleanup();

-- limits of fairness keys, times their weights: others are not kept back
SELECT pg_temp.mask(workflow.update_task_queue_config('keys',
    fairness_key_rate_limit_default => 0.001));
SELECT pg_temp.start('keys', 'a', 'a', number => 3);
SELECT pg_temp.start('keys', 'b', 'b', number => 2);
SELECT pg_temp.start('keys', 'n', number => 2);
SELECT pg_temp.polled('keys');
SELECT pg_temp.polled('keys');
CALL workflow.wait_for_task('{keys}', timeout => '0.05 s');
SELECT workflow.update_task_queue_config('keys',
    unset_fairness_key_rate_limit_default => true);
SELECT pg_temp.polled('keys');
SELECT t.cleanup();

--
-- The number of tasks left in a queue, once that is known
--
SELECT pg_temp.start('hinted', 'h', number => 3);
SELECT p -> 'backlogCountHint'
FROM workflow.poll_workflow_task_queue('hinted') AS p;
SELECT workflow.describe_task_queue('hinted') IS NOT NULL;
SELECT p -> 'backlogCountHint'
FROM workflow.poll_workflow_task_queue('hinted', 2) AS p;
SELECT count(*) FROM workflow.poll_workflow_task_queue('hinted');
SELECT pg_temp.start('hinted', 'i', number => 3);
SELECT p -> 'backlogCountHint'
FROM workflow.poll_workflow_task_queue('hinted') AS p;
SELECT t.cleanup();
SELECT (d #> '{stats,tasksAddRate}')::float > 0,
    (d #> '{stats,tasksDispatchRate}')::float > 0
FROM workflow.describe_task_queue('hinted') AS d;

--
-- Refusals
--
SELECT t.err(format('SELECT workflow.update_task_queue_config(%s)', arguments))
FROM (VALUES ('NULL'), ('''x'', ''y'''), ('''x'', queue_rate_limit => -1'),
    ('''x'', queue_rate_limit => ''NaN'''),
    ('''x'', queue_rate_limit => 1, unset_queue_rate_limit => true'),
    ('''x'', fairness_key_rate_limit_default => ''Infinity'''),
    ('''x'', set_fairness_weight_overrides => ''[]'''),
    ('''x'', set_fairness_weight_overrides => ''{"": 1}'''),
    ('''x'', set_fairness_weight_overrides => ''{"a": 0}'''),
    ('''x'', set_fairness_weight_overrides => ''{"a": "1"}'''),
    ('''x'', unset_fairness_weight_overrides => ''{a, NULL}'''),
    ('''x'', unset_fairness_weight_overrides => ''{{a, b}}'''),
    ('''x'', namespace => ''nowhere''')) AS v (arguments);
SELECT t.err(format($$ SELECT workflow.update_task_queue_config('x',
    set_fairness_weight_overrides => %L) $$, jsonb_object_agg(n::text, 1)))
FROM generate_series(1, 1001) AS n;
SELECT t.err($$ SELECT workflow.poll_workflow_task_queue('x',
    max_tasks_per_second => -1) $$);
SELECT t.err($$ SELECT workflow.poll_activity_task_queue('x',
    max_tasks_per_second => 'NaN') $$);
-- who may poll may not change limits
CREATE ROLE regress_task_queue;
SELECT workflow.grant_namespace('default', 'regress_task_queue', '{worker}');
SET ROLE regress_task_queue;
SELECT workflow.describe_task_queue('x');
SELECT workflow.update_task_queue_config('x', queue_rate_limit => 1);
RESET ROLE;
DROP OWNED BY regress_task_queue;
SELECT workflow.revoke_namespace('default', 'regress_task_queue', '{worker}');
DROP ROLE regress_task_queue;
-- what nobody has set leaves no row
SELECT task_queue, kind FROM workflow.task_queue_config ORDER BY 1;
TRUNCATE workflow.task_queue_config;
