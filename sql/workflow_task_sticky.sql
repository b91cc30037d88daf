--
-- Sticky queues and heartbeats of workflow tasks
--
\a
\t on

-- a worker with a private queue gets the part of the history it has not seen
SELECT t.start('sticky');
SELECT t.has_task('sticky of worker', true);
SELECT t.complete(t.poll('sticky'), t.timer('1', '1800s'),
    sticky => 'sticky of worker');
SELECT workflow.signal_workflow_execution('sticky', 'one',
    identity => 'client');
SELECT * FROM t.events('sticky', 6);
SELECT t.has_task('sticky'), t.has_task('sticky of worker');
SELECT t.task('sticky of worker', true) AS task \gset
SELECT t.mask(:'task'::jsonb);

-- the first failure goes back to the normal queue and is no further attempt
SELECT workflow.respond_workflow_task_failed(:'task'::jsonb->>'taskToken',
    identity => 'worker');
SELECT t.task('sticky') AS task \gset
SELECT :'task'::jsonb->'attempt', :'task'::jsonb->'previousStartedEventId',
    jsonb_array_length(:'task'::jsonb #> '{history,events}');
SELECT workflow.respond_workflow_task_failed(:'task'::jsonb->>'taskToken',
    identity => 'worker');
SELECT t.task('sticky') AS task \gset
SELECT :'task'::jsonb->'attempt';
SELECT t.complete(:'task'::jsonb->>'taskToken');
SELECT * FROM t.events('sticky', 7);

-- completed without a sticky queue: the normal one again
SELECT workflow.signal_workflow_execution('sticky', 'two');
SELECT t.has_task('sticky of worker', true), t.has_task('sticky');

-- nobody polls the sticky queue in time
SELECT t.start('sticky timeout');
SELECT t.has_task('sticky of another', true);
SELECT workflow.respond_workflow_task_completed(t.poll('sticky timeout'),
    identity => 'worker', sticky_queue => 'sticky of another',
    sticky_schedule_to_start_timeout => '30 ms');
SELECT workflow.signal_workflow_execution('sticky timeout', 'go',
    identity => 'client');
SELECT t.task('sticky timeout') AS task \gset
SELECT * FROM t.events('sticky timeout', 6);
SELECT :'task'::jsonb->'attempt',
    jsonb_array_length(:'task'::jsonb #> '{history,events}');

-- the worker of the sticky queue has not been seen for long: the normal
-- queue at once, without an event
SELECT t.start('sticky gone');
SELECT t.complete(t.poll('sticky gone'), sticky => 'sticky of nobody');
SELECT workflow.signal_workflow_execution('sticky gone', 'go',
    identity => 'client');
SELECT t.task('sticky gone') AS task \gset
SELECT * FROM t.events('sticky gone', 6);
SELECT jsonb_array_length(:'task'::jsonb #> '{history,events}');
SELECT t.complete(:'task'::jsonb->>'taskToken',
    sticky => 'sticky of worker');
SET pg_workflow.sticky_poller_ttl = '1 ms';
SELECT workflow.signal_workflow_execution('sticky gone', 'go');
RESET pg_workflow.sticky_poller_ttl;
SELECT t.has_task('sticky of worker', true), t.has_task('sticky gone');

-- dispatch from the normal queue has ended the stickiness: the next failure
-- counts
SELECT t.start('sticky cleared');
SELECT t.complete(t.poll('sticky cleared'), sticky => 'sticky of nobody');
SELECT workflow.signal_workflow_execution('sticky cleared', 'go');
SELECT workflow.respond_workflow_task_failed(t.poll('sticky cleared'));
SELECT t.task('sticky cleared')->'attempt';

-- a timeout of a task from the sticky queue
SELECT started FROM workflow.start_workflow_execution('sticky silent', 'type',
    'sticky silent', workflow_task_timeout => '30 ms');
SELECT t.complete(t.poll('sticky silent'), sticky => 'sticky of worker');
SELECT workflow.signal_workflow_execution('sticky silent', 'go',
    identity => 'client');
SELECT t.poll('sticky of worker', true) IS NOT NULL;
SELECT t.task('sticky silent')->'attempt';
SELECT * FROM t.events('sticky silent', 7) LIMIT 4;

-- reset_sticky_task_queue: also a task that waits goes to the normal queue
SELECT t.start('sticky reset');
SELECT t.complete(t.poll('sticky reset'), sticky => 'sticky of worker');
SELECT workflow.reset_sticky_task_queue('sticky reset');
SELECT workflow.signal_workflow_execution('sticky reset', 'one');
SELECT t.has_task('sticky of worker', true);
SELECT t.complete(t.poll('sticky reset'), sticky => 'sticky of worker');
SELECT workflow.signal_workflow_execution('sticky reset', 'two');
SELECT workflow.reset_sticky_task_queue('sticky reset');
SELECT t.has_task('sticky of worker', true), t.has_task('sticky reset');
SELECT t.types('sticky reset', 5);

-- shutdown_worker: the same for all its runs
SELECT t.start('sticky shutdown');
SELECT t.complete(t.poll('sticky shutdown'), sticky => 'sticky of worker');
SELECT workflow.signal_workflow_execution('sticky shutdown', 'one');
SELECT workflow.shutdown_worker('sticky of worker');
SELECT t.complete(t.poll('sticky shutdown'), sticky => 'sticky of worker');
SELECT workflow.signal_workflow_execution('sticky shutdown', 'two');
SELECT t.has_task('sticky shutdown'), t.has_task('sticky of worker', true);
SELECT t.types('sticky shutdown', 5);

-- sticky tasks are not for pollers of a normal queue of the same name
SELECT t.start('sticky kind');
SELECT t.has_task('sticky of worker', true);
SELECT t.complete(t.poll('sticky kind'), sticky => 'sticky of worker');
SELECT workflow.signal_workflow_execution('sticky kind', 'one');
SELECT t.has_task('sticky of worker', false),
    t.has_task('sticky of worker', true);

SELECT t.err(format('SELECT workflow.respond_workflow_task_completed(%L,
    sticky_queue => %L, sticky_schedule_to_start_timeout => %L)',
    'w1.1.1.1.1', 'q', '0'));
SELECT t.err(format('SELECT workflow.respond_workflow_task_completed(%L,
    sticky_queue => %L, sticky_schedule_to_start_timeout => %L)',
    'w1.1.1.1.1', 'q', '-1 s'));
SELECT t.err(format('SELECT workflow.respond_workflow_task_completed(%L,
    sticky_queue => %L)', 'w1.1.1.1.1', '/_sys/q'));

--
-- Heartbeats: a new workflow task at once, with the clock of the first
--
SELECT t.start('heartbeat');
SELECT t.complete(t.poll('heartbeat'), sticky => 'sticky of worker',
    inline => true, force => true) AS answer \gset
SELECT :'answer';
SELECT * FROM t.events('heartbeat', 4);

-- without asking for the task inline
SELECT t.start('heartbeat queued');
SELECT t.complete(t.poll('heartbeat queued'), force => true);
SELECT t.types('heartbeat queued', 4);
SELECT t.has_task('heartbeat queued');

-- beyond the limit the heartbeat is refused and recorded as a timeout
SELECT t.start('heartbeat limit');
SELECT t.poll('heartbeat limit') AS task \gset
SET pg_workflow.workflow_task_heartbeat_timeout = '1 ms';
SELECT pg_sleep(0.002);
SELECT t.complete(:'task', sticky => 'sticky of worker', inline => true,
    force => true);
SELECT * FROM t.events('heartbeat limit', 4);
-- like any timeout: the next attempt has no events, unless it was sticky
SELECT t.task('heartbeat limit')->'attempt';
RESET pg_workflow.workflow_task_heartbeat_timeout;
SELECT t.start('heartbeat sticky');
SELECT workflow.respond_workflow_task_completed(t.poll('heartbeat sticky'),
    sticky_queue => 'sticky of worker', return_new_workflow_task => true,
    force_create_new_workflow_task => true)
    #>> '{workflowTask,taskToken}' AS task \gset
SET pg_workflow.workflow_task_heartbeat_timeout = '1 ms';
SELECT pg_sleep(0.002);
SELECT t.complete(:'task', sticky => 'sticky of worker', inline => true,
    force => true);
SELECT * FROM t.events('heartbeat sticky', 7);
SELECT t.task('heartbeat sticky')->'attempt';

-- commands reset the clock
SELECT t.start('heartbeat commands');
SELECT t.poll('heartbeat commands') AS task \gset
SELECT pg_sleep(0.002);
SELECT t.complete(:'task', t.marker('m'), force => true);
SELECT t.types('heartbeat commands', 4);
RESET pg_workflow.workflow_task_heartbeat_timeout;

-- the clock goes on over heartbeats, and starts anew after commands
SELECT t.start('heartbeat clock');
SELECT t.complete(t.poll('heartbeat clock'), force => true);
SELECT s.wft_original_scheduled_time < s.wft_scheduled_time
FROM workflow.mutable_state AS s JOIN workflow.execution AS e USING (run_key)
WHERE e.workflow_id = 'heartbeat clock';
SELECT t.complete(t.poll('heartbeat clock'), t.marker('m'), force => true);
SELECT s.wft_original_scheduled_time = s.wft_scheduled_time
FROM workflow.mutable_state AS s JOIN workflow.execution AS e USING (run_key)
WHERE e.workflow_id = 'heartbeat clock';

-- what was buffered comes with the inline task
SELECT t.start('inline');
SELECT t.poll('inline') AS task \gset
SELECT workflow.signal_workflow_execution('inline', 'one',
    identity => 'client');
SELECT t.complete(:'task', t.timer('1', '1800s'),
    sticky => 'sticky of worker', inline => true);

-- inline without a sticky queue: the run is not sticky, and a failure counts
SELECT t.start('inline normal');
SELECT t.complete(t.poll('inline normal'), inline => true, force => true)
    AS answer \gset
SELECT :'answer'::jsonb #> '{workflowTask,history,events,1,attributes}';
SELECT sticky, backlog, started FROM workflow.task_queues
WHERE task_queue = 'inline normal' AND kind = 'workflow';

-- no reason for a new task: none
SELECT t.start('inline none');
SELECT t.complete(t.poll('inline none'), t.timer('1', '1800s'),
    inline => true);
SELECT t.types('inline none', 4);
SELECT t.has_task('inline none');

SELECT t.cleanup();

-- the end of an activity hands the workflow task that it leads to at once to
-- the worker that has the run
SELECT t.start('sticky next');
SELECT t.has_task('sticky of worker', true);
SELECT t.complete(t.poll('sticky next'), t.schedule('1') || t.schedule('2') ||
    t.schedule('3'), sticky => 'sticky of worker');
SELECT t.activity('sticky next') AS one \gset
SELECT t.activity('sticky next') AS two \gset
SELECT t.activity('sticky next') AS three \gset
-- not to another worker, nor to one without a queue of its own
SELECT workflow.respond_activity_task_completed(:'one', '1', 'activity worker',
    sticky_queue => 'sticky of another') IS NULL;
SELECT t.poll('sticky of worker', true) AS task \gset
-- not while the workflow has a task
SELECT workflow.respond_activity_task_completed(:'two', '2', 'activity worker',
    sticky_queue => 'sticky of worker') IS NULL;
SELECT t.complete(:'task', sticky => 'sticky of worker');
SELECT t.complete(t.poll('sticky of worker', true),
    sticky => 'sticky of worker');
SELECT workflow.respond_activity_task_completed(:'three', '3',
    'activity worker', sticky_queue => 'sticky of worker') AS task \gset
SELECT t.mask(:'task'::jsonb);
SELECT task_queue, sticky, backlog, started FROM workflow.task_queues
WHERE task_queue IN ('sticky next', 'sticky of worker')
    AND kind = 'workflow';
SELECT t.complete(:'task'::jsonb ->> 'taskToken', t.schedule('4'),
    sticky => 'sticky of worker');
-- nor while the workflow is paused
SELECT t.activity('sticky next') AS four \gset
SELECT workflow.pause_workflow_execution('sticky next');
SELECT workflow.respond_activity_task_completed(:'four', '4',
    'activity worker', sticky_queue => 'sticky of worker') IS NULL;
SELECT workflow.unpause_workflow_execution('sticky next');
SELECT t.types('sticky next', 5);
