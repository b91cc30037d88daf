--
-- Worker deployments: what is current, ramping, draining, and who may say so
--
\a
\t on

CREATE FUNCTION t.wd_poll(deployment text, build text, queue text)
RETURNS bigint
LANGUAGE sql AS $$
SELECT count(*) FROM workflow.poll_workflow_task_queue(queue,
    deployment_name => deployment, build_id => build,
    versioning_mode => 'VERSIONED')
$$;
-- A description without its times.
CREATE FUNCTION t.wd_mask(description jsonb) RETURNS text
LANGUAGE sql AS $$
SELECT t.mask(description)
$$;
CREATE FUNCTION t.wd_status(deployment text, build text) RETURNS text
LANGUAGE sql AS $$
SELECT substr(workflow.describe_worker_deployment_version(deployment, build)
    #>> '{workerDeploymentVersionInfo,status}', 34)
$$;

-- none yet
SELECT t.err($$ SELECT workflow.describe_worker_deployment('shop') $$);
SELECT t.err($$ SELECT workflow.describe_worker_deployment_version('shop',
    '1') $$);
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('shop')
$$);
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('shop',
    '1') $$);
SELECT t.err($$ SELECT workflow.delete_worker_deployment('shop') $$);
SELECT t.err($$ SELECT workflow.delete_worker_deployment_version('shop', '1')
$$);
SELECT t.err($$ SELECT workflow.update_worker_deployment_version_metadata(
    'shop', '1', '{"a": 1}') $$);

SELECT t.wd_poll('shop', '1', 'shop');
SELECT t.wd_poll('shop', '2', 'shop');
SELECT t.wd_poll('shop', '1', 'till');
SELECT t.wd_mask(workflow.describe_worker_deployment('shop'));
SELECT workflow.set_worker_deployment_current_version('shop', '1',
    identity => 'admin');
SELECT t.wd_mask(workflow.describe_worker_deployment('shop'));
SELECT t.wd_mask(workflow.describe_worker_deployment_version('shop', '1'));
-- the same again is nothing
SELECT workflow.set_worker_deployment_current_version('shop', '1');
SELECT workflow.set_worker_deployment_ramping_version('shop', '2', 12.5,
    conflict_token => 1, identity => 'admin');
SELECT workflow.set_worker_deployment_ramping_version('shop', '2', 12.5);
SELECT t.wd_mask(workflow.describe_worker_deployment_version('shop', '2'));
SELECT workflow.set_worker_deployment_ramping_version('shop', '2', 50);
SELECT t.wd_mask(d) FROM workflow.list_worker_deployments() AS d
WHERE d ->> 'name' = 'shop';
-- the ramping version becomes current
SELECT workflow.set_worker_deployment_current_version('shop', '2');
SELECT t.wd_mask(workflow.describe_worker_deployment('shop')
    #> '{workerDeploymentInfo,routingConfig}');
SELECT t.wd_status('shop', '1'), t.wd_status('shop', '2');
SELECT t.wd_mask(workflow.describe_worker_deployment_version('shop', '1')
    #> '{workerDeploymentVersionInfo,drainageInfo}');
-- a ramp that ends
SELECT workflow.set_worker_deployment_ramping_version('shop', '1', 1);
SELECT t.wd_status('shop', '1');
SELECT workflow.set_worker_deployment_ramping_version('shop', NULL, 0);
SELECT t.wd_status('shop', '1');
SELECT workflow.set_worker_deployment_ramping_version('shop', '', 10);
SELECT workflow.set_worker_deployment_ramping_version('shop', '1', 10);
SELECT workflow.set_worker_deployment_ramping_version('shop');
SELECT workflow.set_worker_deployment_ramping_version('shop');

-- refused
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('shop',
    '1', conflict_token => 1) $$);
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('shop',
    '9') $$);
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('sh.op',
    '9') $$);
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version(NULL)
$$);
SELECT t.err($$ SELECT workflow.set_worker_deployment_ramping_version('shop',
    '2', 10) $$);
SELECT t.err(format($$ SELECT workflow.set_worker_deployment_ramping_version(
    'shop', '1', %L) $$, percentage))
FROM unnest('{-1,100.5,NaN}'::text[]) AS percentage;
SELECT t.err($$ SELECT workflow.describe_worker_deployment_version('shop',
    '9') $$);
SELECT t.err($$ SELECT workflow.delete_worker_deployment_version('shop', '9')
$$);
SELECT t.err($$ SELECT workflow.list_worker_deployments(0) $$);

-- a version without workers
SELECT workflow.set_worker_deployment_ramping_version('shop', '3', 5,
    allow_no_pollers => true);
SELECT workflow.set_worker_deployment_ramping_version('shop');
SELECT t.wd_status('shop', '3');
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('shop',
    '3') $$);
SELECT t.wd_poll('shop', '3', 'shop');
SELECT workflow.set_worker_deployment_current_version('shop', '3')
    IS NOT NULL;
SELECT workflow.set_worker_deployment_current_version('new', '1',
    allow_no_pollers => true);
SELECT t.wd_status('new', '1');
SELECT workflow.set_worker_deployment_current_version('new');
SELECT workflow.set_worker_deployment_ramping_version('new', '2', 5,
    allow_no_pollers => true);
SELECT workflow.set_worker_deployment_ramping_version('new')
    -> 'previousPercentage';

-- queues that would be left alone
SELECT workflow.set_worker_deployment_current_version('shop', '1')
    IS NOT NULL;
SELECT t.start('till');
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('shop',
    '2') $$);
SELECT t.err($$ SELECT workflow.set_worker_deployment_ramping_version('shop',
    '2', 1) $$);
SELECT workflow.set_worker_deployment_ramping_version('shop', '2', 1,
    ignore_missing_task_queues => true) IS NOT NULL;
-- what goes on is not asked again
SELECT workflow.set_worker_deployment_ramping_version('shop', '2', 2)
    IS NOT NULL;
SELECT workflow.set_worker_deployment_ramping_version('shop') IS NOT NULL;
SELECT t.wd_poll('shop', '2', 'till');
SELECT workflow.set_worker_deployment_current_version('shop', '2')
    IS NOT NULL;
SELECT workflow.terminate_workflow_execution('till');

-- of several deployments that serve a queue, the one made current last counts
SELECT t.wd_poll('shop 2', '1', 'till');
SELECT t.start('till');
SELECT workflow.set_worker_deployment_current_version('shop 2', '1')
    IS NOT NULL;
SELECT workflow.describe_task_queue('till')
    #>> '{versioningInfo,currentDeploymentVersion,deploymentName}';
SELECT t.wd_poll('shop', '2', 'till'), t.wd_poll('shop 2', '1', 'till');
SELECT workflow.set_worker_deployment_current_version('shop 2')
    IS NOT NULL;
SELECT workflow.describe_task_queue('till')
    #>> '{versioningInfo,currentDeploymentVersion,deploymentName}';
SELECT workflow.terminate_workflow_execution('till');

-- metadata
SELECT workflow.update_worker_deployment_version_metadata('shop', '1',
    '{"commit": "4f2a", "n": 1}', identity => 'release');
SELECT workflow.update_worker_deployment_version_metadata('shop', '1',
    '{"n": [2, 3]}', '{commit,x,NULL}');
SELECT workflow.describe_worker_deployment_version('shop', '1')
    #> '{workerDeploymentVersionInfo,metadata}';
SELECT workflow.update_worker_deployment_version_metadata('shop', '1', NULL,
    '{n}');
SELECT t.err($$ SELECT workflow.update_worker_deployment_version_metadata(
    'shop', '1', '[1]') $$);
SET pg_workflow.memo_size_error = '1kB';
SELECT t.err($$ SELECT workflow.update_worker_deployment_version_metadata(
    'shop', '1', jsonb_build_object('x', repeat('y', 2000))) $$);
RESET pg_workflow.memo_size_error;

--
-- Drainage
--
-- Makes the time pass after which the scheduler looks.
CREATE FUNCTION t.wd_look() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE workflow.worker_version_drainage SET check_at = clock_timestamp()
    WHERE check_at IS NOT NULL;
    PERFORM workflow.set_worker_deployment_ramping_version('new', '2', 1,
        allow_no_pollers => true);
    PERFORM workflow.set_worker_deployment_ramping_version('new');
END
$$;
SELECT started FROM workflow.start_workflow_execution('drain', 'type', 'shop',
    versioning_override => '{"pinned": {"version":
        {"deploymentName": "shop", "buildId": "2"}}}');
SELECT t.wd_look();
SELECT t.wait_for($$ SELECT t.wd_status('shop', '1') = 'DRAINED' $$);
SELECT workflow.set_worker_deployment_current_version('shop', '3',
    ignore_missing_task_queues => true) IS NOT NULL;
SELECT t.wd_status('shop', '2');
-- it is looked at again and again
SELECT t.wd_look();
SELECT t.wait_for($$ SELECT
    (d ->> 'lastCheckedTime')::timestamptz
        > (d ->> 'lastChangedTime')::timestamptz
    FROM (SELECT workflow.describe_worker_deployment_version('shop', '2')
        #> '{workerDeploymentVersionInfo,drainageInfo}') AS v (d) $$);
SELECT t.wd_status('shop', '2');
SELECT workflow.terminate_workflow_execution('drain');
SELECT t.wd_look();
SELECT t.wait_for($$ SELECT t.wd_status('shop', '2') = 'DRAINED' $$);
SELECT (d ->> 'lastChangedTime')::timestamptz
    = (d ->> 'lastCheckedTime')::timestamptz, d ->> 'status'
FROM (SELECT workflow.describe_worker_deployment_version('shop', '2')
    #> '{workerDeploymentVersionInfo,drainageInfo}') AS v (d);
-- a drained version that gets a run drains again
SELECT started FROM workflow.start_workflow_execution('drain', 'type', 'shop',
    versioning_override => '{"pinned": {"version":
        {"deploymentName": "shop", "buildId": "2"}}}');
SELECT t.wd_status('shop', '2');
SELECT workflow.terminate_workflow_execution('drain');
SELECT t.wd_look();
SELECT t.wait_for($$ SELECT t.wd_status('shop', '2') = 'DRAINED' $$);
-- one that is current again does not drain
SELECT workflow.set_worker_deployment_current_version('shop', '2')
    IS NOT NULL;
SELECT t.wd_status('shop', '2'), t.wd_status('shop', '3');

--
-- Deleting
--
SELECT workflow.set_worker_deployment_ramping_version('shop', '3', 1)
    IS NOT NULL;
SELECT t.err(format($$ SELECT workflow.delete_worker_deployment_version(
    'shop', %L) $$, build)) FROM unnest('{1,2,3}'::text[]) AS build;
SELECT workflow.set_worker_deployment_ramping_version('shop') IS NOT NULL;
-- its workers have gone
SELECT workflow.shutdown_worker(queue)
FROM unnest('{shop,till}'::text[]) AS queue;
SELECT started FROM workflow.start_workflow_execution('drain', 'type', 'shop',
    versioning_override => '{"pinned": {"version":
        {"deploymentName": "shop", "buildId": "1"}}}');
SELECT t.err($$ SELECT workflow.delete_worker_deployment_version('shop', '1')
$$);
SELECT workflow.delete_worker_deployment_version('shop', '1', true);
SELECT t.err($$ SELECT workflow.describe_worker_deployment_version('shop',
    '1') $$);
SELECT jsonb_path_query_array(workflow.describe_worker_deployment('shop'),
    '$.workerDeploymentInfo.versionSummaries[*].deploymentVersion.buildId');
-- the run waits until one of its workers comes back
SELECT t.wd_poll('shop', '2', 'shop'), t.wd_poll('shop', '1', 'shop');
SELECT t.wd_status('shop', '1');
SELECT workflow.terminate_workflow_execution('drain');
SELECT t.err($$ SELECT workflow.delete_worker_deployment('shop') $$);
SELECT workflow.set_worker_deployment_current_version('shop') IS NOT NULL;
SELECT workflow.shutdown_worker(queue)
FROM unnest('{shop,till}'::text[]) AS queue;
SELECT count(workflow.delete_worker_deployment_version('shop', build))
FROM unnest('{1,2,3}'::text[]) AS build;
SELECT workflow.delete_worker_deployment('shop');
SELECT t.err($$ SELECT workflow.describe_worker_deployment('shop') $$);
-- and begins anew
SELECT t.wd_poll('shop', '1', 'shop');
SELECT t.wd_status('shop', '1');

--
-- Rights
--
CREATE ROLE regress_wd_reader;
CREATE ROLE regress_wd_worker;
CREATE ROLE regress_wd_admin;
SELECT workflow.grant_namespace('default', 'regress_wd_reader', '{read}'),
    workflow.grant_namespace('default', 'regress_wd_worker', '{worker}'),
    workflow.grant_namespace('default', 'regress_wd_admin', '{admin}');
GRANT USAGE ON SCHEMA t TO PUBLIC;
SET ROLE regress_wd_reader;
SELECT workflow.describe_worker_deployment('shop') IS NOT NULL,
    workflow.describe_worker_deployment_version('shop', '1') IS NOT NULL;
SELECT count(*) > 0 FROM workflow.list_worker_deployments();
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('shop',
    '1') $$);
SELECT t.err($$ SELECT FROM workflow.worker_version $$);
SET ROLE regress_wd_worker;
SELECT t.wd_poll('shop', '2', 'shop');
SELECT t.err($$ SELECT workflow.set_worker_deployment_current_version('shop',
    '1') $$);
SELECT t.err($$ SELECT workflow.set_worker_deployment_ramping_version('shop',
    '1', 1) $$);
SELECT t.err($$ SELECT workflow.delete_worker_deployment_version('shop', '1')
$$);
SELECT t.err($$ SELECT workflow.delete_worker_deployment('shop') $$);
SELECT t.err($$ SELECT workflow.update_worker_deployment_version_metadata(
    'shop', '1', '{"a": 1}') $$);
SELECT t.err($$ SELECT workflow.update_workflow_execution_options('x',
    '{"versioningOverride": {"autoUpgrade": true}}') $$);
SET ROLE regress_wd_admin;
SELECT workflow.set_worker_deployment_current_version('shop', '2')
    IS NOT NULL;
SELECT workflow.set_worker_deployment_current_version('shop') IS NOT NULL;
RESET ROLE;
-- another namespace has deployments of its own
SELECT workflow.register_namespace('wd');
SELECT count(*) FROM workflow.poll_workflow_task_queue('shop',
    deployment_name => 'shop', build_id => '1', versioning_mode => 'VERSIONED',
    namespace => 'wd');
SELECT workflow.set_worker_deployment_current_version('shop', '1',
    namespace => 'wd');
SELECT d ->> 'name', d #>> '{currentVersionSummary,deploymentVersion,buildId}'
FROM workflow.list_worker_deployments(namespace => 'wd') AS d;
SELECT workflow.describe_worker_deployment('shop')
    #> '{workerDeploymentInfo,routingConfig,currentDeploymentVersion}';
SELECT workflow.delete_namespace('wd');
SELECT workflow.revoke_namespace('default', 'regress_wd_reader', '{read}'),
    workflow.revoke_namespace('default', 'regress_wd_worker', '{worker}'),
    workflow.revoke_namespace('default', 'regress_wd_admin', '{admin}');
REVOKE USAGE ON SCHEMA t FROM PUBLIC;
DROP ROLE regress_wd_reader, regress_wd_worker, regress_wd_admin;
