-- A backend remembers where it has seen the rows of a run.  It must not matter
-- that they are somewhere else now, or the place is gone, or somebody else's.

SELECT count(*) FROM generate_series(1, 300) AS i,
    workflow.start_workflow_execution('places-' || i, 'places', 'places');
SELECT workflow.signal_workflow_execution('places-300', 'first');

-- the table becomes shorter than the place
SELECT count(workflow.terminate_workflow_execution('places-' || i))
FROM generate_series(1, 299) AS i;
VACUUM FULL workflow.mutable_state;
VACUUM FULL workflow.execution;
SELECT workflow.signal_workflow_execution('places-300', 'second');

-- a row of another run in the place
SELECT started
FROM workflow.start_workflow_execution('places-301', 'places', 'places');
SELECT workflow.signal_workflow_execution('places-301', 'first');
SELECT workflow.terminate_workflow_execution('places-300');
VACUUM FULL workflow.mutable_state;
SELECT workflow.signal_workflow_execution('places-301', 'second');
SELECT workflow.signal_workflow_execution('places-300', 'third');

-- a place that was taken back
BEGIN;
SAVEPOINT before;
SELECT started
FROM workflow.start_workflow_execution('places-302', 'places', 'places');
SELECT workflow.signal_workflow_execution('places-302', 'first');
ROLLBACK TO before;
SELECT started
FROM workflow.start_workflow_execution('places-302', 'places', 'places');
SELECT workflow.signal_workflow_execution('places-302', 'second');
COMMIT;

SELECT workflow_id, attributes->>'signalName' AS signal
FROM generate_series(300, 302) AS i, format('places-%s', i) AS workflow_id,
    workflow.get_workflow_execution_history(workflow_id)
WHERE event_type = 'WorkflowExecutionSignaled' ORDER BY workflow_id, event_id;

-- many changes of a row by one backend leave no versions behind that keep it
-- from staying on its page
DO $$
BEGIN
    FOR i IN 1..500 LOOP
        PERFORM workflow.signal_workflow_execution('places-302', 'many');
        COMMIT;
    END LOOP;
END $$;
SELECT pg_relation_size('workflow.mutable_state') <= 5 * 8192 AS is_small;
SELECT workflow.terminate_workflow_execution('places-' || i)
FROM generate_series(301, 302) AS i;
