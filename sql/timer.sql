--
-- Timers
--
\a
\t on

-- those that are due together fire together, in the order of their expiry
SELECT t.start('timer together');
SELECT t.step('timer together', t.timer('late', '0.003s')
    || t.timer('soon', '0.001s') || t.timer('tomorrow', '86400s')
    || t.timer('same', '0.003s'));
SELECT t.wait_event('timer together', 'TimerFired', 3);
SELECT attributes
FROM t.events('timer together', 9) WHERE event = 'TimerFired';
SELECT t.types('timer together', 9) LIKE '%WorkflowTaskScheduled%';

-- exactly so when one transaction of the scheduler finds them
BEGIN;
SELECT t.start('timer batch');
SELECT t.step('timer batch', t.timer('late', '0.003s')
    || t.timer('soon', '0.001s') || t.timer('same', '0.003s'));
SELECT pg_sleep(0.01);
COMMIT;
SELECT t.wait_event('timer batch', 'TimerFired', 3);
SELECT * FROM t.events('timer batch', 8);
SELECT count(DISTINCT event_time)
FROM workflow.get_workflow_execution_history('timer batch')
WHERE event_id >= 8;

-- no time at all
SELECT t.start('timer zero');
SELECT t.step('timer zero', t.timer('1', '0s'));
SELECT t.wait_event('timer zero', 'TimerFired');
SELECT * FROM t.events('timer zero', 5);

-- canceled: no workflow task, nothing fires, and the id is free
SELECT t.start('timer canceled');
SELECT t.step('timer canceled', t.timer('1', '0.3s'));
SELECT workflow.signal_workflow_execution('timer canceled', 'go');
SELECT t.step('timer canceled', t.cancel_timer('1') || t.timer('1', '1800s'));
SELECT * FROM t.events('timer canceled', 8);
SELECT t.has_task('timer canceled');
SELECT fire_at - now() > interval '20 min'
FROM workflow.timer JOIN workflow.execution USING (namespace_id, run_key)
WHERE workflow_id = 'timer canceled';

-- started and canceled in one workflow task
SELECT t.start('timer both');
SELECT t.step('timer both', t.timer('1', '0s') || t.cancel_timer('1')
    || t.timer('1', '1800s'));
SELECT * FROM t.events('timer both', 5);

-- many at once: which ids are pending is known of each of them
SELECT t.start('timer many');
SELECT t.step('timer many', (SELECT jsonb_agg(t.timer('t' || n, '1800s') -> 0)
    FROM generate_series(1, 100) AS n)
    || t.cancel_timer('t7') || t.timer('t7', '3600s') || t.cancel_timer('t99'));
SELECT workflow.signal_workflow_execution('timer many', 'go');
SELECT t.step('timer many', t.cancel_timer('t50') || t.timer('t50', '3600s')
    || t.timer('t99', '3600s') || t.cancel_timer('t100'));
SELECT count(*), count(DISTINCT timer_id), bool_or(timer_id = 't100'),
    string_agg(timer_id, ' ' ORDER BY timer_id)
        FILTER (WHERE fire_at > now() + interval '45 min')
FROM workflow.timer JOIN workflow.execution USING (namespace_id, run_key)
WHERE workflow_id = 'timer many';
SELECT workflow.signal_workflow_execution('timer many', 'go');
SELECT t.step('timer many', t.timer('t100', '1800s') || t.timer('t98', '1s'));
SELECT workflow.terminate_workflow_execution('timer many');
SELECT t.start('timer many gone');
SELECT t.step('timer many gone', (SELECT jsonb_agg(
        t.timer('t' || n, '1800s') -> 0) FROM generate_series(1, 100) AS n)
    || t.cancel_timer('t99') || t.cancel_timer('t99'));
SELECT workflow.terminate_workflow_execution('timer many gone');

-- fires while a workflow task is started: buffered
SELECT t.start('timer buffered');
SELECT t.step('timer buffered', t.timer('1', '0.2s') || t.timer('2', '1800s'));
SELECT workflow.signal_workflow_execution('timer buffered', 'go');
SELECT t.poll('timer buffered') AS task \gset
SELECT t.wait_buffered('timer buffered', 1);
SELECT t.types('timer buffered', 7);
SELECT t.complete(:'task', t.cancel_timer('2'));
SELECT * FROM t.events('timer buffered', 10);
SELECT t.step('timer buffered', t.timer('1', '1800s') || t.close());
SELECT t.types('timer buffered', 14);

-- the only thing buffered is a timer that the workflow cancels: it may close
SELECT t.start('timer withdrawn');
SELECT t.step('timer withdrawn', t.timer('1', '0.2s'));
SELECT workflow.signal_workflow_execution('timer withdrawn', 'go');
SELECT t.poll('timer withdrawn') AS task \gset
SELECT t.wait_buffered('timer withdrawn', 1);
SELECT t.complete(:'task', t.cancel_timer('1') || t.close());
SELECT * FROM t.events('timer withdrawn', 8);

-- it is not the only thing: the workflow must see the rest
SELECT t.start('timer and signal');
SELECT t.step('timer and signal', t.timer('1', '0.2s'));
SELECT workflow.signal_workflow_execution('timer and signal', 'go');
SELECT t.poll('timer and signal') AS task \gset
SELECT t.wait_buffered('timer and signal', 1);
SELECT workflow.signal_workflow_execution('timer and signal', 'too');
SELECT t.complete(:'task', t.cancel_timer('1') || t.close());
SELECT t.types('timer and signal', 8);

-- the close command comes first: nothing is withdrawn
SELECT t.start('timer order');
SELECT t.step('timer order', t.timer('1', '0.2s'));
SELECT workflow.signal_workflow_execution('timer order', 'go');
SELECT t.poll('timer order') AS task \gset
SELECT t.wait_buffered('timer order', 1);
SELECT t.complete(:'task', t.close());
SELECT t.types('timer order', 8);

-- withdrawn, and the workflow goes on without another workflow task
SELECT t.start('timer withdrawn open');
SELECT t.step('timer withdrawn open', t.timer('1', '0.2s'));
SELECT workflow.signal_workflow_execution('timer withdrawn open', 'go');
SELECT t.poll('timer withdrawn open') AS task \gset
SELECT t.wait_buffered('timer withdrawn open', 1);
SELECT t.complete(:'task', t.cancel_timer('1'));
SELECT * FROM t.events('timer withdrawn open', 9);

-- a refused completion does not withdraw it
SELECT t.start('timer kept');
SELECT t.step('timer kept', t.timer('1', '0.2s'));
SELECT workflow.signal_workflow_execution('timer kept', 'go');
SELECT t.poll('timer kept') AS task \gset
SELECT t.wait_buffered('timer kept', 1);
SELECT t.complete(:'task', t.cancel_timer('1') || t.timer('', '1s'));
SELECT * FROM t.events('timer kept', 9);

-- when the transaction of a start is rolled back, so is its timer
BEGIN;
SELECT t.start('timer rolled back');
SELECT t.step('timer rolled back', t.timer('1', '0s'));
ROLLBACK;
SELECT t.err($$ SELECT t.types('timer rolled back') $$);
SELECT count(*) FROM workflow.timer LEFT JOIN workflow.execution
    USING (namespace_id, run_key)
WHERE workflow_id IS NULL;

SELECT t.cleanup();
