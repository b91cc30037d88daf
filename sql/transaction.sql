--
-- Calls are part of the caller's transaction
--
\a
\t on
CREATE TABLE t.rows (n int);

-- rolled back: nothing remains
BEGIN;
SELECT t.start('xact');
INSERT INTO t.rows VALUES (1);
SELECT t.step('xact', t.schedule('1') || t.timer('1', '0s'));
SELECT workflow.signal_workflow_execution('xact', 's', request_id => 'r');
SELECT t.types('xact');
ROLLBACK;
SELECT t.err($$ SELECT t.types('xact') $$);
SELECT t.has_task('xact'), t.has_activity('xact');
SELECT count(*) FROM t.rows;

-- committed: all of it
BEGIN;
SELECT t.start('xact');
INSERT INTO t.rows VALUES (1);
SELECT t.step('xact', t.schedule('1'));
SELECT workflow.signal_workflow_execution('xact', 's', request_id => 'r');
COMMIT;
SELECT t.types('xact');
SELECT count(*) FROM t.rows;

-- a savepoint takes back what came after it
BEGIN;
SELECT workflow.signal_workflow_execution('xact', 'kept 1');
SAVEPOINT s;
SELECT workflow.signal_workflow_execution('xact', 'lost', request_id => 'r2');
SELECT t.poll('xact') IS NOT NULL;
SELECT workflow.respond_activity_task_completed(t.activity('xact'));
SELECT t.types('xact', 7);
ROLLBACK TO s;
SELECT workflow.signal_workflow_execution('xact', 'kept 2',
    request_id => 'r2');
SAVEPOINT s2;
SELECT workflow.signal_workflow_execution('xact', 'kept 3');
RELEASE s2;
COMMIT;
SELECT e.id, e.attributes::jsonb->>'signalName' FROM t.events('xact', 7) AS e;
SELECT t.has_task('xact'), t.has_activity('xact');

-- what was taken back leaves the task to those who wait
SELECT t.start('xact waited');
SELECT t.poll('xact waited') AS task \gset
BEGIN;
SAVEPOINT s;
SELECT t.complete(:'task', force => true);
RELEASE s;
SAVEPOINT s;
SELECT workflow.signal_workflow_execution('xact waited', 'lost');
ROLLBACK TO s;
COMMIT;
CALL workflow.wait_and_poll('{xact waited}', identity => 'worker',
    timeout => '0 s') \gset
SELECT :'workflow_tasks'::jsonb #> '{0,startedEventId}';

-- an error in the middle leaves the state before it
BEGIN;
SELECT t.start('xact error');
SAVEPOINT s;
\set VERBOSITY sqlstate
SELECT workflow.start_workflow_execution('xact error', 'type', 'q');
ROLLBACK TO s;
SELECT workflow.signal_workflow_execution('xact error', '');
ROLLBACK TO s;
SELECT workflow.signal_workflow_execution('nobody', 's');
ROLLBACK TO s;
\set VERBOSITY default
COMMIT;
SELECT t.types('xact error');

-- a claim that is rolled back is claimed again
BEGIN;
SELECT t.has_task('xact error');
ROLLBACK;
SELECT t.types('xact error');
SELECT t.has_task('xact error'), t.has_task('xact error');

-- an activity's completion and its own rows commit together, or not at all
SELECT t.start('xact activity');
SELECT t.step('xact activity', t.schedule('1'));
SELECT t.activity('xact activity') AS activity \gset
BEGIN;
INSERT INTO t.rows VALUES (2);
SELECT workflow.respond_activity_task_completed(:'activity', '1', 'w');
ROLLBACK;
SELECT t.types('xact activity', 6);
BEGIN;
INSERT INTO t.rows VALUES (3);
SELECT workflow.respond_activity_task_completed(:'activity', '1', 'w');
COMMIT;
SELECT t.types('xact activity', 6);
SELECT n FROM t.rows ORDER BY n;

-- many calls of one run in one transaction, also in one statement
BEGIN;
SELECT t.start('xact many');
SELECT count(workflow.signal_workflow_execution('xact many', 's' || n))
FROM generate_series(1, 20) AS n;
SELECT t.step('xact many', t.timer('1', '9s'));
SELECT workflow.signal_workflow_execution('xact many', 'more');
SELECT t.step('xact many', t.close());
COMMIT;
SELECT t.types('xact many', 22);
-- closed and started again in one transaction
BEGIN;
SELECT t.start('xact many');
SELECT workflow.terminate_workflow_execution('xact many');
SELECT t.start('xact many');
COMMIT;
SELECT status, count(*) FROM workflow.execution
WHERE workflow_id = 'xact many' GROUP BY status ORDER BY status;

-- REPEATABLE READ
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT t.start('xact rr');
SELECT t.step('xact rr', t.schedule('1') || t.timer('1', '9s'));
SELECT workflow.signal_workflow_execution('xact rr', 'one', request_id => 'r');
SELECT workflow.signal_workflow_execution('xact rr', 'one', request_id => 'r');
SELECT workflow.respond_activity_task_completed(t.activity('xact rr'), '1');
SELECT t.step('xact rr', t.cancel_timer('1') || t.close());
COMMIT;
SELECT t.types('xact rr', 4);
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT t.start('xact serializable');
SELECT t.step('xact serializable', t.close());
COMMIT;
SELECT t.status('xact serializable');

-- read-only transactions
BEGIN READ ONLY;
SELECT t.types('xact rr', 11);
SAVEPOINT s;
\set VERBOSITY terse
SELECT t.start('xact read only');
ROLLBACK TO s;
SELECT workflow.signal_workflow_execution('xact error', 's');
ROLLBACK TO s;
SELECT workflow.terminate_workflow_execution('xact error');
ROLLBACK TO s;
SELECT t.has_activity('xact');
ROLLBACK;
\set VERBOSITY default

-- claims through a cursor
SELECT t.start('xact cursor');
BEGIN;
DECLARE c CURSOR FOR SELECT p #>> '{workflowExecution,workflowId}'
    FROM workflow.poll_workflow_task_queue('xact cursor') AS p;
FETCH c;
COMMIT;
SELECT t.types('xact cursor');


SELECT t.cleanup();
DROP TABLE t.rows;
