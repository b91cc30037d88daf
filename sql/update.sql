--
-- Updates, with one session: it sends them without waiting, plays the worker
-- and asks for the outcome.  What waits is tested in test/t/411_update.pl.
--
\set VERBOSITY terse

-- A message of a worker, and the command that puts it in its place.
CREATE FUNCTION t.accept(update_id text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_object('id', update_id || '/accept',
    'protocolInstanceId', update_id, 'body', jsonb_build_object(
        '@type', 'type.googleapis.com/temporal.api.update.v1.Acceptance',
        'acceptedRequestMessageId', update_id || '/request',
        'acceptedRequestSequencingEventId', 5))
$$;
CREATE FUNCTION t.respond(update_id text, outcome jsonb) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_object('id', update_id || '/complete',
    'protocolInstanceId', update_id, 'body', jsonb_build_object(
        '@type', 'type.googleapis.com/temporal.api.update.v1.Response',
        'meta', jsonb_build_object('updateId', update_id, 'identity', 'client'),
        'outcome', outcome))
$$;
CREATE FUNCTION t.reject(update_id text) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_build_object('id', update_id || '/reject',
    'protocolInstanceId', update_id, 'body', jsonb_build_object(
        '@type', 'type.googleapis.com/temporal.api.update.v1.Rejection',
        'rejectedRequestMessageId', update_id || '/request',
        'failure', '{"message": "no"}'::jsonb))
$$;
CREATE FUNCTION t.message(VARIADIC ids text[]) RETURNS jsonb
LANGUAGE sql AS $$
SELECT jsonb_agg(jsonb_build_object('commandType', 'ProtocolMessage',
    'attributes', jsonb_build_object('messageId', id)) ORDER BY n)
FROM unnest(ids) WITH ORDINALITY AS i (id, n)
$$;
CREATE FUNCTION t.answer(token text, commands jsonb, VARIADIC messages jsonb[])
RETURNS text
LANGUAGE sql AS $$
SELECT t.mask(workflow.respond_workflow_task_completed(token, commands,
    'worker', messages => to_jsonb(messages))::jsonb)
$$;

-- accepted and completed in one workflow task, with other commands around
SELECT t.start('update');
SELECT t.step('update');
CALL workflow.update_workflow_execution('update', 'u1', 'set', '["a", 1]',
    header => '{"h": 1}', identity => 'client', timeout => '0 s');
SELECT t.answer(t.poll('update'), t.timer('1', '1000s')
    || t.message('u1/accept', 'u1/complete') || t.marker('m'),
    t.accept('u1'), t.respond('u1', '{"success": ["b", 2]}'));
SELECT * FROM t.events('update', 5);
CALL workflow.poll_workflow_execution_update('update', 'u1');

-- a handler that fails; messages without commands come after the commands
CALL workflow.update_workflow_execution('update', 'u2', 'set',
    identity => 'client', timeout => '0 s');
SELECT t.answer(t.poll('update'), t.marker('m'), t.accept('u2'),
    t.respond('u2', '{"failure": {"message": "bad",
        "applicationFailureInfo": {"type": "T"}}}'));
SELECT * FROM t.events('update', 12);
CALL workflow.update_workflow_execution('update', 'u2', 'set');

-- one rejected, one accepted, one not answered
CALL workflow.update_workflow_execution('update', 'u3', 'set',
    identity => 'client', timeout => '0 s');
CALL workflow.update_workflow_execution('update', 'u4', 'set',
    identity => 'client', timeout => '0 s');
CALL workflow.update_workflow_execution('update', 'u5', 'set',
    identity => 'client', timeout => '0 s');
SELECT t.answer(t.poll('update'), t.message('u4/accept'), t.reject('u3'),
    t.accept('u4'));
SELECT t.types('update', 18);
SELECT update_id, state, outcome FROM workflow.update_request
JOIN workflow.execution USING (namespace_id, run_key)
WHERE workflow_id = 'update' ORDER BY update_id;
CALL workflow.poll_workflow_execution_update('update', 'u3');
CALL workflow.poll_workflow_execution_update('update', 'u5');
CALL workflow.poll_workflow_execution_update('update', 'u4',
    wait_for_stage => 'ACCEPTED');

-- refused commands and messages
CALL workflow.update_workflow_execution('update', 'u6', 'set',
    identity => 'client', timeout => '0 s');
SELECT t.poll('update') AS token \gset
SELECT t.answer(:'token', '[]', '{"id": "x"}');
SELECT t.answer(:'token', '[]', '{"id": "x", "protocolInstanceId": "u6",
    "body": {"@type": "type.googleapis.com/temporal.api.update.v1.Request"}}');
SELECT t.answer(:'token', t.message('u6/accept', 'u6/accept'),
    t.accept('u6'));
SELECT t.poll('update') AS token \gset
SELECT t.answer(:'token', t.message(''), t.accept('u6'));
SELECT t.answer(:'token', '[]', t.accept('u4'));
SELECT t.answer(:'token', '[]', t.accept('u6'),
    t.respond('u6', '{}'));
SELECT t.answer(:'token', '[]', t.accept('u6'), t.accept('u6'));
SELECT t.answer(:'token', t.close('null'), t.accept('u6'));
SELECT t.answer(:'token', '[]', t.accept('u6') #- '{body,@type}');

-- the workflow closes with one accepted, and one that it rejects
SELECT t.answer(:'token', t.close('[]'), t.reject('u6'));
CALL workflow.poll_workflow_execution_update('update', 'u4');
CALL workflow.poll_workflow_execution_update('update', 'u6');
CALL workflow.update_workflow_execution('update', 'u7', 'set');
CALL workflow.poll_workflow_execution_update('update', 'u1');

-- many updates suggest to continue as new
SELECT t.start('update many');
SELECT t.step('update many');
CALL workflow.update_workflow_execution('update many', 'u', 'set',
    identity => 'client', timeout => '0 s');
SELECT t.answer(t.poll('update many'), '[]', t.accept('u'),
    t.respond('u', '{"success": []}'));
CALL workflow.update_workflow_execution('update many', 'u', 'set');
SET pg_workflow.max_total_updates = 1;
SELECT workflow.signal_workflow_execution('update many', 's');
SELECT t.step('update many');
RESET pg_workflow.max_total_updates;
SELECT attributes FROM t.events('update many', 12)
WHERE event = 'WorkflowTaskStarted';

-- a task for an update, on a sticky queue whose worker is given up: its
-- events say where it was scheduled
SELECT t.start('update sticky');
SELECT t.has_task('update sticky queue', true);
SELECT t.complete(t.poll('update sticky'), sticky => 'update sticky queue');
CALL workflow.update_workflow_execution('update sticky', 'u', 'set',
    identity => 'client', timeout => '0 s');
SELECT t.types('update sticky', 5);
SELECT t.poll('update sticky queue', true) AS token \gset
SELECT workflow.reset_sticky_task_queue('update sticky');
SELECT t.answer(:'token', '[]', t.reject('u'));
SELECT * FROM t.events('update sticky', 5);

-- a history with updates can be written to a file and read back
SELECT count(*), bool_and(a.attributes = b.attributes
    AND a.event_type = b.event_type) AS equal
FROM workflow.get_workflow_execution_history('update') AS a
JOIN workflow.history_from_json(workflow.history_json('update')) AS b
    USING (event_id)
WHERE a.event_type::text ~ 'Update';
SELECT jsonb_pretty(e.value - 'eventTime' - 'taskId') FROM jsonb_array_elements(
    workflow.history_json('update')::jsonb -> 'events') AS e
WHERE e.value ->> 'eventId' IN ('9', '10') AND e.value ->> 'eventType' ~ 'UPDATE';
