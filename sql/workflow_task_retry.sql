--
-- Workflow tasks that fail or time out
--
\a
\t on

-- a worker does not answer: the timeout is recorded once
SELECT started FROM workflow.start_workflow_execution('wft timeout', 'type',
    'wft timeout', identity => 'client', workflow_task_timeout => '30 ms');
SELECT t.poll('wft timeout') AS first \gset
SELECT t.poll('wft timeout') AS second \gset
SELECT t.task('wft timeout') AS third \gset
SELECT * FROM t.events('wft timeout', 2);
SELECT t.mask(:'third'::jsonb - 'history');
SELECT t.err(format('SELECT t.complete(%L)', :'first'));
SELECT t.err(format('SELECT t.complete(%L)', :'second'));
SELECT t.err(format('SELECT workflow.respond_workflow_task_failed(%L)',
    :'second'));
SELECT t.poll('wft timeout') AS fourth \gset
SELECT t.complete(:'fourth', t.close());
SELECT * FROM t.events('wft timeout', 5);

-- the events of a transient task keep their real times
SELECT scheduled.event_time <= started.event_time,
    started.event_time <= completed.event_time,
    timed_out.event_time <= scheduled.event_time
FROM workflow.get_workflow_execution_history('wft timeout') AS timed_out,
    workflow.get_workflow_execution_history('wft timeout') AS scheduled,
    workflow.get_workflow_execution_history('wft timeout') AS started,
    workflow.get_workflow_execution_history('wft timeout') AS completed
WHERE timed_out.event_id = 4 AND scheduled.event_id = 5
    AND started.event_id = 6 AND completed.event_id = 7;

-- what was buffered when the worker fell silent makes it a first attempt
SELECT started FROM workflow.start_workflow_execution('wft timeout buffered',
    'type', 'wft timeout buffered', workflow_task_timeout => '0.5 s');
SELECT t.poll('wft timeout buffered') IS NOT NULL;
SELECT workflow.signal_workflow_execution('wft timeout buffered', 'one',
    identity => 'client');
SELECT t.wait_event('wft timeout buffered', 'WorkflowTaskTimedOut');
SELECT * FROM t.events('wft timeout buffered', 3);

-- on a normal queue a task waits for a worker without limit
SELECT t.deadline('wft timeout buffered');

-- what is appended before a transient task is started makes it a first
-- attempt again
SELECT t.start('wft transient signal');
SELECT workflow.respond_workflow_task_failed(t.poll('wft transient signal'),
    identity => 'worker')
FROM generate_series(1, 2);
SELECT t.types('wft transient signal');
SELECT workflow.signal_workflow_execution('wft transient signal', 'go',
    identity => 'client');
SELECT t.types('wft transient signal', 5);
SELECT t.task('wft transient signal') AS task \gset
SELECT t.mask(:'task'::jsonb - 'history');
SELECT * FROM t.events('wft transient signal', 4);
SELECT t.complete(:'task'::jsonb->>'taskToken', t.close());
SELECT t.types('wft transient signal', 6);

-- what is buffered while a transient task is started makes the next one a
-- first attempt, whether it fails or completes
SELECT t.start('wft transient buffer');
SELECT workflow.respond_workflow_task_failed(t.poll('wft transient buffer'),
    identity => 'worker');
SELECT t.poll('wft transient buffer') AS task \gset
SELECT workflow.signal_workflow_execution('wft transient buffer', 'one',
    identity => 'client');
SELECT t.types('wft transient buffer', 4);
SELECT workflow.respond_workflow_task_failed(:'task', identity => 'worker');
SELECT * FROM t.events('wft transient buffer', 4);
SELECT workflow.respond_workflow_task_failed(t.poll('wft transient buffer'),
    identity => 'worker');
SELECT t.poll('wft transient buffer') AS task \gset
SELECT workflow.signal_workflow_execution('wft transient buffer', 'two',
    identity => 'client');
SELECT t.complete(:'task', t.marker('m'));
SELECT * FROM t.events('wft transient buffer', 7);

-- a transient task with a close command and something buffered
SELECT t.start('wft transient close');
SELECT workflow.respond_workflow_task_failed(t.poll('wft transient close'),
    identity => 'worker');
SELECT t.poll('wft transient close') AS task \gset
SELECT workflow.signal_workflow_execution('wft transient close', 'one',
    identity => 'client');
SELECT t.complete(:'task', t.close());
SELECT t.types('wft transient close', 4);
SELECT t.step('wft transient close', t.close());
SELECT t.types('wft transient close', 6);

-- a bad command: the first attempt is failed, later ones are left alone
SELECT t.start('wft bad command');
SELECT t.step('wft bad command', t.marker('lost') || t.timer('', '1s'));
SELECT * FROM t.events('wft bad command', 3);
SELECT t.task('wft bad command') AS task \gset
SELECT :'task'::jsonb->'attempt' AS attempt;
SELECT t.err(format('SELECT t.complete(%L, %L)', :'task'::jsonb->>'taskToken',
    t.marker('lost') || t.timer('', '1s')));
SELECT t.types('wft bad command');
SELECT t.complete(:'task'::jsonb->>'taskToken', t.marker('kept'));
SELECT t.types('wft bad command', 4);

-- from the fourth attempt on the timeout grows, up to a limit
SELECT t.start('wft backoff');
SET pg_workflow.workflow_task_retry_maximum_interval = '30 s';
DO $$
DECLARE
    v_task jsonb;
BEGIN
    FOR i IN 1 .. 8 LOOP
        v_task := t.task('wft backoff');
        RAISE NOTICE 'attempt %, %', v_task->'attempt',
            v_task->>'workflowTaskTimeout';
        PERFORM workflow.respond_workflow_task_failed(v_task->>'taskToken');
    END LOOP;
END
$$;
RESET pg_workflow.workflow_task_retry_maximum_interval;
SELECT t.task('wft backoff') AS task \gset
SELECT :'task'::jsonb->'attempt', :'task'::jsonb->'workflowTaskTimeout';
SELECT t.complete(:'task'::jsonb->>'taskToken');
SELECT * FROM t.events('wft backoff', 5);
SELECT workflow.signal_workflow_execution('wft backoff', 'go');
SELECT :'task'::jsonb->'attempt' AS before,
    t.task('wft backoff')->'attempt' AS after;

-- causes and failures
SELECT t.start('wft causes');
SELECT t.poll('wft causes') AS task \gset
SELECT t.err(format('SELECT workflow.respond_workflow_task_failed(%L, %L)',
    :'task', 'NO_SUCH_CAUSE'));
SELECT t.err(format('SELECT workflow.respond_workflow_task_failed(%L,
    failure => %L)', :'task', '"text"'));
SELECT t.err('SELECT workflow.respond_workflow_task_failed(NULL)');
SELECT t.err('SELECT workflow.respond_workflow_task_failed($t$w1$t$)');
SELECT t.err('SELECT t.complete($t$nonsense$t$)');
SELECT t.err('SELECT t.complete($t$w99.1.1.1.1$t$)');
SELECT t.err('SELECT t.complete($t$w1.999999999.1.1.1$t$)');
SELECT workflow.respond_workflow_task_failed(:'task',
    'WORKFLOW_WORKER_UNHANDLED_FAILURE', NULL, 'worker');
SELECT * FROM t.events('wft causes', 4);
SELECT t.err(format('SELECT workflow.respond_workflow_task_failed(%L)',
    :'task'));

-- what a worker cannot send ends the workflow
SELECT t.start('wft too large');
SELECT workflow.respond_workflow_task_failed(t.poll('wft too large'),
    'WORKFLOW_TASK_FAILED_CAUSE_GRPC_MESSAGE_TOO_LARGE', NULL, 'worker');
SELECT * FROM t.events('wft too large', 3);

-- terminated and timed out while a transient task is started
SELECT t.start('wft transient end');
SELECT workflow.respond_workflow_task_failed(t.poll('wft transient end'),
    identity => 'worker');
SELECT t.poll('wft transient end') IS NOT NULL;
SELECT workflow.terminate_workflow_execution('wft transient end');
SELECT t.types('wft transient end', 4);

-- a run whose task keeps failing can be searched for, until it succeeds
CREATE FUNCTION pg_temp.problems() RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_agg(search_attributes -> 'indexedFields')
FROM workflow.list_workflow_executions(
    'TemporalReportedProblems IS NOT NULL AND WorkflowType = "type"')
$$;
CREATE FUNCTION pg_temp.fail(times int, cause text) RETURNS void
LANGUAGE sql AS $$
SELECT workflow.respond_workflow_task_failed(t.poll('wft problems'), cause)
FROM generate_series(1, times)
$$;
SET pg_workflow.workflow_task_problems_to_report = 3;
SET pg_workflow.workflow_task_retry_free_attempts = 100;
SELECT started FROM workflow.start_workflow_execution('wft problems', 'type',
    'wft problems', workflow_task_timeout => '0.3 s',
    search_attributes => '{"TemporalScheduledById": "kept"}');
SELECT pg_temp.fail(2, 'NON_DETERMINISTIC_ERROR');
SELECT pg_temp.problems();
SELECT pg_temp.fail(1, 'NON_DETERMINISTIC_ERROR');
SELECT pg_temp.problems();
SELECT pg_temp.fail(2, 'WORKFLOW_TASK_FAILED_CAUSE_UNSPECIFIED');
SELECT pg_temp.problems();
SELECT t.poll('wft problems') IS NOT NULL;
SELECT t.wait_for($$ SELECT pg_temp.problems()::text LIKE '%TimedOut%' $$);
SELECT pg_temp.problems();
SELECT t.step('wft problems');
SELECT pg_temp.problems();
SELECT search_attributes FROM workflow.executions
WHERE workflow_id = 'wft problems';
SELECT t.types('wft problems');
-- a task that ends with its run has not failed
SELECT t.start('wft problems end');
SELECT workflow.respond_workflow_task_failed(t.poll('wft problems end'))
FROM generate_series(1, 2);
SELECT t.task('wft problems end') -> 'attempt';
SELECT workflow.terminate_workflow_execution('wft problems end');
SELECT pg_temp.problems();
-- 0: never
SET pg_workflow.workflow_task_problems_to_report = 0;
SELECT workflow.signal_workflow_execution('wft problems', 'go');
SELECT pg_temp.fail(4, NULL);
SELECT pg_temp.problems();
RESET ALL;

SELECT t.cleanup();
