--
-- Versions of workers: who gets which task, and what is told of it
--
\a
\t on

-- Workers of deployment "d": all calls of a version name it by its build id,
-- those of none by null.
CREATE FUNCTION t.v_poll(queue text, build text, sticky boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql AS $$
SELECT p::jsonb FROM workflow.poll_workflow_task_queue(queue, 1, 'worker',
    sticky, build_id => build, deployment_name => 'd',
    versioning_mode => CASE WHEN build IS NULL THEN 'UNVERSIONED'
        ELSE 'VERSIONED' END) AS p
$$;
-- The builds whose workers get the workflow task that waits in a queue: the
-- one that does not time out with its claim.
CREATE FUNCTION t.v_takers(queue text, builds text[] DEFAULT '{1,2,3}')
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_build text;
    v_takers text[] := '{}';
BEGIN
    FOREACH v_build IN ARRAY builds || NULL::text LOOP
        BEGIN
            IF t.v_poll(queue, v_build) IS NOT NULL THEN
                v_takers := v_takers || coalesce(v_build, 'none');
            END IF;
            RAISE EXCEPTION USING ERRCODE = 'T0001';
        EXCEPTION WHEN SQLSTATE 'T0001' THEN
            NULL;
        END;
    END LOOP;
    RETURN array_to_string(v_takers, ',');
END
$$;
CREATE FUNCTION t.v_done(token text, build text, behavior text,
    commands jsonb DEFAULT '[]', sticky text DEFAULT NULL,
    inline boolean DEFAULT false)
RETURNS text
LANGUAGE sql AS $$
SELECT t.mask(workflow.respond_workflow_task_completed(token, commands,
    'worker', sticky_queue => sticky, return_new_workflow_task => inline,
    build_id => build, deployment_name => 'd', versioning_mode =>
    CASE WHEN build IS NULL THEN 'UNVERSIONED' ELSE 'VERSIONED' END,
    versioning_behavior => behavior)::jsonb)
$$;
-- A worker gets a workflow task and completes it.
CREATE FUNCTION t.v_step(queue text, build text, behavior text,
    commands jsonb DEFAULT '[]', sticky text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_token text := t.v_poll(queue, build) ->> 'taskToken';
BEGIN
    IF v_token IS NULL THEN
        RETURN 'no task';
    END IF;
    RETURN t.v_done(v_token, build, behavior, commands, sticky);
END
$$;
CREATE FUNCTION t.v_activity(queue text, build text) RETURNS text
LANGUAGE sql AS $$
SELECT p ->> 'taskToken' FROM workflow.poll_activity_task_queue(queue, 1,
    'worker', build_id => build, deployment_name => 'd',
    versioning_mode => CASE WHEN build IS NULL THEN 'UNVERSIONED'
        ELSE 'VERSIONED' END) AS p
$$;
CREATE FUNCTION t.v_current(build text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM workflow.set_worker_deployment_current_version('d', build,
        identity => 'admin', ignore_missing_task_queues => true);
END
$$;
CREATE FUNCTION t.v_ramp(build text, percentage real) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM workflow.set_worker_deployment_ramping_version('d', build,
        percentage, identity => 'admin', ignore_missing_task_queues => true);
END
$$;
CREATE FUNCTION t.v_info(workflow text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT workflow.describe_workflow_execution(workflow)
    #> '{workflowExecutionInfo,versioningInfo}'
$$;
CREATE FUNCTION t.v_attributes(workflow text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT workflow.describe_workflow_execution(workflow)
    #> '{workflowExecutionInfo,searchAttributes,indexedFields}'
$$;
CREATE FUNCTION t.v_pinned(build text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_object('pinned', jsonb_build_object('version',
    jsonb_build_object('deploymentName', 'd', 'buildId', build)))
$$;
CREATE FUNCTION t.v_once(build text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_object('oneTime', jsonb_build_object(
    'targetDeploymentVersion',
    jsonb_build_object('deploymentName', 'd', 'buildId', build)))
$$;

--
-- How a version comes into being
--
SELECT t.v_poll('v', '1');
SELECT deployment_name, build_id, deleted, polled
FROM workflow.worker_version WHERE deployment_name = 'd';
SELECT q.kind, q.task_queue FROM workflow.worker_version_queue AS q
JOIN workflow.worker_version AS v USING (namespace_id, version_key)
WHERE v.deployment_name = 'd';
-- later polls write nothing
BEGIN;
SELECT t.v_poll('v', '1');
SELECT pg_current_xact_id_if_assigned() IS NULL;
COMMIT;
-- another queue does; a queue of the worker's own is none of the version
SELECT t.v_activity('v', '1');
SELECT t.v_poll('v worker 1', '1', sticky => true);
SELECT q.kind, q.task_queue FROM workflow.worker_version_queue AS q
JOIN workflow.worker_version AS v USING (namespace_id, version_key)
WHERE v.deployment_name = 'd' ORDER BY 1;
-- waiting is enough
CALL workflow.wait_for_task('{v,v worker 2}', '{v}', '0 s',
    sticky_queue => 'v worker 2', deployment_name => 'd', build_id => '2',
    versioning_mode => 'WORKER_VERSIONING_MODE_VERSIONED');
SELECT q.kind, q.task_queue FROM workflow.worker_version_queue AS q
JOIN workflow.worker_version AS v USING (namespace_id, version_key)
WHERE v.deployment_name = 'd' AND v.build_id = '2' ORDER BY 1;
-- a worker without a version has none, whatever else it says
SELECT count(*) FROM workflow.poll_workflow_task_queue('v', build_id => '9',
    deployment_name => 'd', versioning_mode => 'UNVERSIONED');
SELECT count(*) FROM workflow.poll_workflow_task_queue('v', build_id => '9',
    deployment_name => 'd');
SELECT build_id FROM workflow.worker_version WHERE deployment_name = 'd'
ORDER BY 1;
SELECT s ->> 'status' FROM workflow.describe_worker_deployment('d') AS d,
    jsonb_array_elements(d #> '{workerDeploymentInfo,versionSummaries}')
        AS s;
-- refused
SELECT t.err($$ SELECT workflow.poll_workflow_task_queue('v',
    versioning_mode => 'x') $$);
SELECT t.err(format($$ SELECT workflow.poll_activity_task_queue('v',
    deployment_name => %L, build_id => %L, versioning_mode => 'VERSIONED') $$,
    deployment, build))
FROM (VALUES (NULL, '1'), ('d', NULL), ('a.b', '1'), ('a:b', '1'),
    ('__d', '1'), ('d', '__1'), ('d', ''), (repeat('d', 1001), '1'))
    AS v (deployment, build);
-- limits
SET pg_workflow.max_deployments = 1;
SELECT t.err($$ SELECT workflow.poll_workflow_task_queue('v',
    deployment_name => 'e', build_id => '1', versioning_mode => 'VERSIONED')
$$);
RESET pg_workflow.max_deployments;
SET pg_workflow.max_versions_in_deployment = 2;
SELECT t.err($$ SELECT t.v_poll('v', '3') $$);
RESET pg_workflow.max_versions_in_deployment;
SET pg_workflow.max_task_queues_in_version = 2;
SELECT t.err($$ SELECT t.v_poll('w', '1') $$);
RESET pg_workflow.max_task_queues_in_version;
SELECT t.v_poll('v', '3');
SELECT t.v_activity('v', '2'), t.v_activity('v', '3');

--
-- The routing of new workflows
--
SELECT t.start('v');
SELECT t.v_takers('v');
SELECT t.v_current('1');
SELECT t.v_takers('v');
-- the backlog follows
SELECT t.v_current('2');
SELECT t.v_takers('v');
-- to nobody's surprise, other queues stay as they are
SELECT t.start('other v');
SELECT t.v_takers('other v', '{}');
SELECT t.v_ramp('3', 100);
SELECT t.v_takers('v');
SELECT t.v_ramp('3', 0);
SELECT t.v_takers('v');
-- a ramp goes by the workflow id
SELECT route_bucket < 10000 FROM workflow.workflow_task
WHERE task_queue = 'v';
SELECT t.v_ramp('3', ((route_bucket + 1) / 100.0)::real)
FROM workflow.workflow_task WHERE task_queue = 'v';
SELECT t.v_takers('v');
SELECT t.v_ramp('3', (route_bucket / 100.0)::real)
FROM workflow.workflow_task WHERE task_queue = 'v';
SELECT t.v_takers('v');
-- to workers without a version
SELECT t.v_ramp(NULL, 100);
SELECT t.v_takers('v');
SELECT t.v_ramp(NULL, 0);
SELECT t.v_takers('v');
SELECT t.v_current(NULL);
SELECT t.v_takers('v');
SELECT t.v_ramp('1', 100);
SELECT t.v_takers('v');
SELECT t.v_current('1');
SELECT t.v_takers('v');
-- roughly the share
SELECT count(*) FROM generate_series(1, 200) AS n, LATERAL
    workflow.start_workflow_execution('share ' || n, 'type', 'share');
SELECT t.v_poll('share', '1') IS NOT NULL, t.v_poll('share', '2') IS NULL;
SELECT t.v_ramp('2', 30);
SELECT count(*) BETWEEN 40 AND 80
FROM workflow.poll_workflow_task_queue('share', 1000, deployment_name => 'd',
    build_id => '2', versioning_mode => 'VERSIONED');
SELECT count(*) BETWEEN 119 AND 159
FROM workflow.poll_workflow_task_queue('share', 1000, deployment_name => 'd',
    build_id => '1', versioning_mode => 'VERSIONED');
SELECT count(*) FROM workflow.workflow_task
WHERE task_queue = 'share';
SELECT count(workflow.terminate_workflow_execution(workflow_id))
FROM workflow.execution WHERE task_queue = 'share';
SELECT t.v_ramp(NULL, 0);

--
-- Pinned
--
SELECT t.v_step('v', '1', 'PINNED', t.schedule('a')
    || t.schedule('b', '{"taskQueue": {"name": "elsewhere"}}'));
SELECT * FROM t.events('v', 4) LIMIT 1;
SELECT t.v_info('v');
SELECT t.v_attributes('v');
SELECT workflow.describe_workflow_execution('v')
    #> '{workflowExecutionInfo,workerDeploymentName}';
SELECT t.v_current('2');
SELECT workflow.signal_workflow_execution('v', 's');
SELECT t.v_takers('v');
-- its activities, but those in queues that the version does not serve
SELECT t.v_activity('v', '2') IS NULL, t.v_activity('v', NULL) IS NULL,
    t.v_activity('v', '1') IS NOT NULL;
SELECT t.v_activity('elsewhere', NULL) IS NOT NULL;
-- it is told that others would get another version
SELECT t.v_step('v', '1', 'VERSIONING_BEHAVIOR_PINNED');
SELECT * FROM t.events('v', 9) WHERE event = 'WorkflowTaskStarted';

--
-- Upgrading
--
SELECT workflow.signal_workflow_execution('v', 's');
SELECT t.v_step('v', '1', 'AUTO_UPGRADE', t.schedule('c'), 'v worker 1');
SELECT t.v_info('v');
SELECT t.v_attributes('v');
SELECT workflow.signal_workflow_execution('v', 's');
-- not to the worker that has it in memory
SELECT attributes FROM t.events('v')
WHERE event = 'WorkflowTaskScheduled' ORDER BY id DESC LIMIT 1;
SELECT t.v_poll('v worker 1', '1', true) IS NULL;
SELECT t.v_takers('v');
SELECT t.v_poll('v', '2') ->> 'taskToken' AS token \gset
SELECT t.v_info('v');
-- activities wait until it has moved
SELECT t.v_activity('v', '2') IS NULL, t.v_activity('v', '1') IS NULL;
SELECT t.v_done(:'token', '2', 'AUTO_UPGRADE', '[]', 'v worker 2');
SELECT t.v_info('v');
SELECT t.v_attributes('v') -> 'TemporalUsedWorkerDeploymentVersions';
SELECT t.v_activity('v', '2') IS NOT NULL;
-- a task that waits in a worker's own queue when the routing changes
CALL workflow.wait_for_task('{v worker 2}', NULL, '0 s',
    sticky_queue => 'v worker 2', deployment_name => 'd', build_id => '2',
    versioning_mode => 'VERSIONED');
SELECT workflow.signal_workflow_execution('v', 's');
SELECT task_queue, sticky FROM workflow.workflow_task
WHERE task_queue LIKE 'v%';
SELECT t.v_poll('v worker 2', '1', true) IS NULL;
SELECT t.v_current('3');
SELECT t.v_poll('v worker 2', '2', true) IS NULL;
SELECT task_queue, sticky FROM workflow.workflow_task
WHERE task_queue LIKE 'v%';
SELECT t.v_poll('v', '3') ->> 'taskToken' AS token \gset
-- a completion does not get the next task if that is another version's
SELECT workflow.signal_workflow_execution('v', 's');
SELECT t.v_current('1');
SELECT t.v_done(:'token', '3', 'AUTO_UPGRADE', '[]', NULL, true);
SELECT t.v_takers('v');
SELECT t.v_step('v', '1', 'AUTO_UPGRADE', t.schedule('d'));
-- an activity alone makes the workflow move
SELECT t.v_current('2');
SELECT t.v_activity('v', '2') IS NULL;
SELECT t.v_info('v') -> 'versionTransition';
SELECT t.v_activity('v', '2') IS NULL;
SELECT t.v_takers('v');
SELECT t.v_step('v', '2', 'AUTO_UPGRADE');
SELECT t.v_activity('v', '2') IS NOT NULL;
-- while a task of the old version is under way
SELECT workflow.signal_workflow_execution('v', 's');
SELECT t.v_poll('v', '2') ->> 'taskToken' AS token \gset
SELECT t.v_current('3');
SELECT t.v_done(:'token', '2', 'AUTO_UPGRADE', t.schedule('e'));
SELECT workflow.signal_workflow_execution('v', 's');
SELECT t.v_poll('v', '3') ->> 'taskToken' AS token \gset
SELECT t.v_current('1');
SELECT t.v_activity('v', '1') IS NULL;
SELECT t.v_info('v') -> 'versionTransition';
SELECT t.v_done(:'token', '3', 'AUTO_UPGRADE');
-- it has to go on to the first version, without any other reason
SELECT t.v_takers('v');
SELECT t.v_step('v', '1', 'AUTO_UPGRADE');
SELECT t.v_activity('v', '1') IS NOT NULL;
-- back to workers without a version
SELECT t.v_current(NULL);
SELECT workflow.signal_workflow_execution('v', 's');
SELECT t.v_poll('v', NULL) ->> 'taskToken' AS token \gset
SELECT t.v_info('v');
SELECT t.v_done(:'token', NULL, NULL);
SELECT t.v_info('v'), t.v_attributes('v');
-- and from them to a version
SELECT t.v_current('1');
SELECT workflow.signal_workflow_execution('v', 's');
SELECT t.v_takers('v');
SELECT t.v_step('v', '1', 'PINNED', t.close('1'));
SELECT t.v_info('v');
SELECT count(*) FROM workflow.pinned_run;
-- what a completion may say
SELECT t.start('w');
SELECT t.v_poll('w', '1') IS NOT NULL, t.v_poll('w', '2'), t.v_poll('w', '3');
SELECT t.v_activity('w', '1'), t.v_activity('w', '2'), t.v_activity('w', '3');
SELECT workflow.terminate_workflow_execution('w');
SELECT t.start('w');
SELECT t.v_poll('w', '1') ->> 'taskToken' AS token \gset
SELECT t.err(format($$ SELECT t.v_done(%L, '1', NULL) $$, :'token'));
SELECT t.err(format($$ SELECT t.v_done(%L, NULL, 'PINNED') $$, :'token'));
SELECT t.err(format($$ SELECT t.v_done(%L, '1', 'STUCK') $$, :'token'));
SELECT t.err(format($$ SELECT t.v_done(%L, 'a', 'PINNED') $$, 'token'));

--
-- Overrides
--
SELECT t.v_done(:'token', '1', 'PINNED', t.schedule('a'));
SELECT workflow.signal_workflow_execution('w', 's');
SELECT workflow.update_workflow_execution_options('w',
    jsonb_build_object('versioningOverride', t.v_pinned('2')),
    identity => 'operator');
SELECT * FROM t.events('w', 8);
SELECT t.v_info('w');
SELECT t.v_attributes('w');
SELECT t.v_takers('w');
SELECT t.v_activity('w', '1') IS NULL, t.v_activity('w', '2') IS NOT NULL;
-- the same again is nothing
SELECT workflow.update_workflow_execution_options('w',
    jsonb_build_object('versioningOverride', t.v_pinned('2')))
    -> 'workflowExecutionOptions' IS NOT NULL;
SELECT t.types('w', 8);
SELECT workflow.update_workflow_execution_options('w',
    '{"versioningOverride": {"autoUpgrade": true}}');
SELECT t.v_takers('w');
SELECT t.v_current('3');
SELECT t.v_takers('w');
SELECT t.v_info('w');
-- with a task under way, it is noted afterwards, and counts from the next on
SELECT t.v_poll('w', '3') ->> 'taskToken' AS token \gset
SELECT workflow.update_workflow_execution_options('w',
    jsonb_build_object('versioningOverride', t.v_once('2')));
SELECT t.types('w', 9);
SELECT t.v_info('w');
SELECT t.v_done(:'token', '3', 'AUTO_UPGRADE');
SELECT t.types('w', 9);
SELECT t.v_takers('w');
SELECT t.v_step('w', '2', 'AUTO_UPGRADE');
SELECT t.v_info('w');
SELECT workflow.signal_workflow_execution('w', 's');
SELECT t.v_takers('w');
-- taken away
SELECT workflow.update_workflow_execution_options('w',
    jsonb_build_object('versioningOverride', t.v_pinned('1')));
SELECT t.v_takers('w');
SELECT workflow.update_workflow_execution_options('w', NULL,
    '{versioningOverride}');
SELECT t.v_takers('w');
SELECT attributes FROM t.events('w')
WHERE event = 'WorkflowExecutionOptionsUpdated' ORDER BY id;
-- and the priority
SELECT workflow.update_workflow_execution_options('w',
    '{"priority": {"priorityKey": 1}}', '{versioning_override,priority}');
SELECT attributes FROM t.events('w')
WHERE event = 'WorkflowExecutionOptionsUpdated' ORDER BY id DESC LIMIT 1;
SELECT workflow.update_workflow_execution_options('w', NULL, '{priority}');
-- refused
SELECT t.err(format($$ SELECT workflow.update_workflow_execution_options('w',
    %L, %L) $$, options, mask))
FROM (VALUES (NULL, NULL), ('{}', NULL), ('[]', NULL), ('{"x": 1}', NULL),
    ('{}', '{x}'), ('{}', '{NULL}'),
    ('{"versioningOverride": 1}', NULL), ('{"versioningOverride": {}}', NULL),
    ('{"versioningOverride": {"x": 1}}', NULL),
    ('{"versioningOverride": {"autoUpgrade": true, "pinned": {}}}', NULL),
    ('{"versioningOverride": {"pinned": {}}}', NULL),
    ('{"versioningOverride": {"pinned": {"behavior": "x"}}}', NULL),
    ('{"versioningOverride": {"oneTime": {"targetDeploymentVersion":
        {"deploymentName": "d"}}}}', NULL),
    ('{"versioningOverride": {"pinned": {"version":
        {"deploymentName": "d", "buildId": "9"}}}}', NULL),
    ('{"versioningOverride": {"oneTime": {"targetDeploymentVersion":
        {"deploymentName": "e", "buildId": "1"}}}}', NULL),
    ('{"priority": {"priorityKey": 6}}', NULL)) AS v (options, mask);
SELECT t.err($$ SELECT workflow.update_workflow_execution_options('v',
    '{"versioningOverride": {"autoUpgrade": true}}') $$);
SELECT t.err($$ SELECT workflow.update_workflow_execution_options('nobody',
    '{"versioningOverride": {"autoUpgrade": true}}') $$);
SELECT workflow.terminate_workflow_execution('w');

-- with a start
SELECT started FROM workflow.start_workflow_execution('w', 'type', 'w',
    versioning_override => t.v_pinned('1'));
SELECT attributes::jsonb -> 'versioningOverride' FROM t.events('w') LIMIT 1;
SELECT t.v_takers('w');
SELECT t.v_attributes('w');
SELECT t.err($$ SELECT workflow.start_workflow_execution('w 2', 'type',
    'other v', versioning_override => t.v_pinned('1')) $$);
SELECT t.err($$ SELECT workflow.start_workflow_execution('w 2', 'type',
    'w', versioning_override => '{"pinned": 1}') $$);
SELECT workflow.terminate_workflow_execution('w');
SELECT started FROM workflow.signal_with_start_workflow_execution('w',
    'type', 'w', signal_name => 's', versioning_override => t.v_once('2'));
SELECT t.v_takers('w');
SELECT t.v_info('w');
SELECT t.v_step('w', '2', 'AUTO_UPGRADE');
SELECT t.v_info('w');
SELECT workflow.terminate_workflow_execution('w');
-- eagerly only to workers that may have it
SELECT workflow_task FROM workflow.start_workflow_execution('w', 'type', 'w',
    request_eager_execution => true);
SELECT workflow_task IS NOT NULL FROM workflow.start_workflow_execution(
    'other v 2', 'type', 'other v', request_eager_execution => true);
SELECT workflow.terminate_workflow_execution('other v 2');
-- many runs
SELECT workflow.start_batch_operation('UPDATE_WORKFLOW_EXECUTION_OPTIONS',
    executions => '[{"workflowId": "w"}]', job_id => 'options',
    parameters => jsonb_build_object('workflowExecutionOptions',
        jsonb_build_object('versioningOverride', t.v_pinned('1')),
        'updateMask', '["versioning_override"]'::jsonb));
SELECT t.wait_for($$ SELECT workflow.describe_batch_operation('options')
    ->> 'state' = 'BATCH_OPERATION_STATE_COMPLETED' $$);
SELECT t.v_info('w');
SELECT workflow.start_batch_operation('UPDATE_WORKFLOW_EXECUTION_OPTIONS',
    executions => '[{"workflowId": "w"}]', job_id => 'options null',
    parameters => jsonb_build_object('workflowExecutionOptions',
        jsonb_build_object('versioningOverride', t.v_pinned('1')),
        'updateMask', NULL));
SELECT t.wait_for($$ SELECT workflow.describe_batch_operation('options null')
    ->> 'state' = 'BATCH_OPERATION_STATE_COMPLETED' $$);
SELECT last_error FROM workflow.batch_operation
WHERE job_id = 'options null';
SELECT t.err($$ SELECT workflow.start_batch_operation(
    'UPDATE_WORKFLOW_EXECUTION_OPTIONS', 'WorkflowId = "w"',
    parameters => '{}') $$);
SELECT workflow.terminate_workflow_execution('w');

--
-- What runs hand on
--
CREATE FUNCTION t.v_continue(more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType',
    'ContinueAsNewWorkflowExecution', 'attributes', more))
$$;
CREATE FUNCTION t.v_inherited(workflow text) RETURNS text
LANGUAGE sql AS $$
SELECT jsonb_strip_nulls(jsonb_build_object(
    'pinned', e.attributes -> 'inheritedPinnedVersion',
    'info', (e.attributes -> 'inheritedAutoUpgradeInfo')
        - 'sourceDeploymentRevisionNumber',
    'override', e.attributes -> 'versioningOverride'))::text
FROM workflow.get_workflow_execution_history(workflow) AS e
WHERE e.event_id = 1
$$;
SELECT t.v_current('1');
SELECT t.start('w');
SELECT t.v_step('w', '1', 'PINNED', t.v_continue());
SELECT t.v_inherited('w'), t.v_info('w');
SELECT t.v_current('2');
SELECT t.v_takers('w');
SELECT t.v_step('w', '1', 'PINNED', t.v_continue('{"initialVersioningBehavior":
    "CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_AUTO_UPGRADE"}'));
SELECT t.v_inherited('w');
SELECT t.v_takers('w');
SELECT x.attributes -> 'initialVersioningBehavior'
FROM workflow.history AS x WHERE x.workflow_id = 'w'
    AND x.event_type = 'WorkflowExecutionContinuedAsNew'
ORDER BY x.event_time DESC LIMIT 1;
SELECT t.v_step('w', '2', 'AUTO_UPGRADE', t.v_continue());
SELECT t.v_inherited('w');
SELECT (attributes::jsonb #> '{inheritedAutoUpgradeInfo}')
    ? 'sourceDeploymentRevisionNumber' FROM t.events('w') LIMIT 1;
-- to the ramping version, whatever the workflow id
SELECT t.v_ramp('3', 0);
SELECT t.v_step('w', '2', 'PINNED', t.v_continue('{"initialVersioningBehavior":
    "CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_USE_RAMPING_VERSION"}'));
SELECT t.v_takers('w');
SELECT t.v_step('w', '3', 'AUTO_UPGRADE');
SELECT t.v_info('w');
SELECT workflow.signal_workflow_execution('w', 's');
SELECT t.v_takers('w');
SELECT t.v_step('w', '2', 'PINNED', t.v_continue('{"initialVersioningBehavior":
    "CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_UNSPECIFIED",
    "taskQueue": {"name": "other v"}}'));
-- not to a queue that the version does not serve
SELECT t.v_inherited('w');
SELECT t.v_takers('other v', '{}');
SELECT count(workflow.terminate_workflow_execution(w))
FROM unnest('{other v,w}'::text[]) AS w;
SELECT t.v_ramp(NULL, 0);
SELECT t.start('w');
SELECT t.v_step('w', '2', 'PINNED', t.v_continue('{"initialVersioningBehavior":
    "x"}')) LIKE '%unknown initialVersioningBehavior%';
SELECT workflow.terminate_workflow_execution('w');

-- a pinned override is carried along, any other is not
SELECT started FROM workflow.start_workflow_execution('w', 'type', 'w',
    versioning_override => t.v_pinned('1'));
SELECT t.v_step('w', '1', 'AUTO_UPGRADE', t.v_continue());
SELECT t.v_inherited('w');
SELECT workflow.update_workflow_execution_options('w',
    '{"versioningOverride": {"autoUpgrade": true}}') IS NOT NULL;
SELECT t.v_step('w', '2', 'PINNED', t.v_continue());
SELECT t.v_inherited('w');
SELECT workflow.terminate_workflow_execution('w');

-- retries: only what they have begun with
SELECT started FROM workflow.start_workflow_execution('w', 'type', 'w',
    retry_policy => '{"initialInterval": "0.001s"}');
SELECT t.v_step('w', '2', 'PINNED', '[{"commandType":
    "FailWorkflowExecution", "attributes": {"failure": {"message": "f"}}}]');
SELECT t.v_inherited('w');
SELECT t.wait_event('w', 'WorkflowTaskScheduled');
SELECT t.v_step('w', '2', 'PINNED', jsonb_build_array(jsonb_build_object(
    'commandType', 'ContinueAsNewWorkflowExecution', 'attributes',
    '{"retryPolicy": {"initialInterval": "0.001s"}}'::jsonb)));
SELECT t.v_inherited('w');
SELECT t.v_step('w', '2', 'PINNED', '[{"commandType":
    "FailWorkflowExecution", "attributes": {"failure": {"message": "f"}}}]');
SELECT t.v_inherited('w');
SELECT t.wait_event('w', 'WorkflowTaskScheduled');
SELECT t.v_current('3');
SELECT t.v_takers('w');
SELECT workflow.terminate_workflow_execution('w');
-- cron: nothing
SELECT t.v_current('1');
SELECT started FROM workflow.start_workflow_execution('w', 'type', 'w');
SELECT t.v_step('w', '1', 'PINNED', t.v_continue(
    '{"cronSchedule": "@every 1s"}'));
SELECT t.v_inherited('w');
SELECT t.v_step('w', '1', 'PINNED', t.close());
SELECT t.v_inherited('w');
SELECT workflow.terminate_workflow_execution('w');

-- children
CREATE FUNCTION t.v_child(id text, queue text, more jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('commandType',
    'StartChildWorkflowExecution', 'attributes', jsonb_build_object(
        'workflowId', id, 'workflowType', jsonb_build_object('name', 'type'),
        'parentClosePolicy', 'ABANDON',
        'taskQueue', jsonb_build_object('name', queue)) || more))
$$;
SELECT t.start('w');
SELECT t.v_step('w', '1', 'PINNED', t.v_child('w c1', 'w')
    || t.v_child('w c2', 'other v')
    || t.v_child('w c3', 'w',
        jsonb_build_object('versioningOverride', t.v_pinned('2')))
    || t.v_child('w c4', 'other v',
        jsonb_build_object('versioningOverride', t.v_pinned('2'))));
SELECT t.wait_event('w', 'ChildWorkflowExecutionStarted', 3);
SELECT t.wait_event('w', 'StartChildWorkflowExecutionFailed');
SELECT w, t.v_inherited(w) FROM unnest('{w c1,w c2,w c3}'::text[]) AS w;
SELECT attributes FROM t.events('w')
WHERE event = 'StartChildWorkflowExecutionFailed';
SELECT attributes::jsonb -> 'versioningOverride' FROM t.events('w')
WHERE event = 'StartChildWorkflowExecutionInitiated' ORDER BY id;
SELECT t.v_step('w', '1', 'AUTO_UPGRADE', t.v_child('w c5', 'w'));
SELECT t.wait_event('w', 'ChildWorkflowExecutionStarted', 4);
SELECT t.v_inherited('w c5');
SELECT t.v_step('w', '1', 'PINNED', t.v_child('w c6', 'w',
    '{"versioningOverride": {}}')) LIKE '%versioningOverride%';
SELECT count(workflow.terminate_workflow_execution(workflow_id))
FROM workflow.execution WHERE workflow_id LIKE 'w%' AND close_time IS NULL;
SELECT count(*) FROM workflow.pinned_run;

--
-- Reset: what the events that are kept say, and overrides since then
--
SELECT t.start('w');
SELECT t.v_step('w', '1', 'PINNED', t.schedule('a'));
SELECT workflow.signal_workflow_execution('w', 's');
SELECT t.v_step('w', '1', 'AUTO_UPGRADE');
SELECT t.v_current('2');
SELECT workflow.reset_workflow_execution('w', 'test', 9) IS NOT NULL;
SELECT t.v_info('w'), t.v_attributes('w');
SELECT t.v_takers('w');
SELECT t.v_activity('w', '2') IS NULL, t.v_activity('w', '1') IS NOT NULL;
SELECT workflow.reset_workflow_execution('w', 'test', 4) IS NOT NULL;
SELECT t.v_info('w'), t.v_attributes('w');
SELECT t.v_takers('w');
SELECT workflow.update_workflow_execution_options('w',
    jsonb_build_object('versioningOverride', t.v_pinned('3'))) IS NOT NULL;
SELECT workflow.reset_workflow_execution('w', 'test', 4) IS NOT NULL;
SELECT t.v_info('w'), t.v_attributes('w');
SELECT t.v_takers('w');
SELECT workflow.terminate_workflow_execution('w');

--
-- Schedules
--
SELECT workflow.create_schedule('v', jsonb_build_object('action',
    jsonb_build_object('startWorkflow', jsonb_build_object(
        'workflowId', 'scheduled v', 'workflowType', 'type',
        'taskQueue', 'w', 'versioningOverride', t.v_pinned('1')))),
    '{"triggerImmediately": {}}') IS NOT NULL;
SELECT t.wait_for($$ SELECT count(*) = 1 FROM workflow.pinned_run $$);
SELECT t.v_takers('w');
SELECT workflow.describe_schedule('v')
    #> '{schedule,action,startWorkflow,versioningOverride}';
SELECT workflow.delete_schedule('v');
SELECT t.err($$ SELECT workflow.create_schedule('v 2',
    '{"action": {"startWorkflow": {"workflowId": "x", "workflowType": "t",
        "taskQueue": "x", "versioningOverride": {"pinned": {"version":
            {"deploymentName": "d", "buildId": "1"}}}}}}') $$);
SELECT count(workflow.terminate_workflow_execution(workflow_id))
FROM workflow.execution WHERE task_queue = 'w' AND close_time IS NULL;

--
-- What queues show of versions
--
SELECT t.start('w');
SELECT started FROM workflow.start_workflow_execution('w 2', 'type', 'w',
    versioning_override => t.v_pinned('1'));
SELECT d #- '{versioningInfo,updateTime}' -> 'versioningInfo',
    jsonb_path_query_array(d, '$.versionsInfo.keyvalue().key'),
    jsonb_path_query_array(d,
        '$.versionsInfo.*.stats.approximateBacklogCount'),
    (SELECT jsonb_agg(DISTINCT p -> 'deploymentOptions')
     FROM jsonb_array_elements(d -> 'pollers') AS p)
FROM workflow.describe_task_queue('w') AS d;
SELECT build_id, count(*) > 0 FROM workflow.pollers
WHERE task_queue = 'w' AND kind = 'workflow' GROUP BY 1 ORDER BY 1;
SELECT workflow.describe_task_queue('other v') ? 'versioningInfo';
SELECT build, jsonb_path_query_array(
        workflow.describe_worker_deployment_version('d', build, true),
        '$.versionTaskQueues[*] ? (@.name == "w").stats.approximateBacklogCount')
FROM unnest('{1,2,3}'::text[]) AS build ORDER BY 1;

--
-- Finding runs
--
SELECT workflow_id FROM workflow.list_workflow_executions(
    'TemporalWorkerDeploymentVersion = "d:1" AND ExecutionStatus = "Running"');
SELECT workflow_id FROM workflow.list_workflow_executions(
    'BuildIds = "pinned:d:1" AND ExecutionStatus = "Running"');
SELECT count(workflow.terminate_workflow_execution(workflow_id))
FROM workflow.execution
WHERE task_queue IN ('w', 'other v') AND close_time IS NULL;
SELECT count(*) FROM workflow.pinned_run;

-- an answer for an activity does not bring the next workflow task, either, if
-- that is another version's
SELECT t.v_current('1');
SELECT t.v_poll('va', '2');
SELECT t.start('va');
SELECT t.v_step('va', '1', 'AUTO_UPGRADE', t.schedule('a'), 'va worker');
SELECT t.v_activity('va', '1') AS token \gset
SELECT t.v_current('2');
SELECT workflow.respond_activity_task_completed(:'token', '1',
    sticky_queue => 'va worker') IS NULL;
SELECT t.types('va', 6);
SELECT t.v_takers('va');
SELECT workflow.terminate_workflow_execution('va');
