--
-- Queries as far as one session gets: what is refused, and rejected.  What
-- waits for a worker is tested in test/t/410_query.pl.
--
\set VERBOSITY terse
SELECT t.start('query');
CALL workflow.query_workflow('query', 'state', timeout => '0 s');
CALL workflow.query_workflow('query', NULL);
CALL workflow.query_workflow(NULL, 'state');
CALL workflow.query_workflow('query none', 'state');
CALL workflow.query_workflow('query', 'state',
    run_id => '00000000-0000-4000-8000-000000000000');
CALL workflow.query_workflow('query', 'state', namespace => 'none');
CALL workflow.query_workflow('query', 'state', header => '1');
CALL workflow.query_workflow('query', 'state',
    query_args => to_jsonb(repeat('x', 3000000)));
BEGIN;
CALL workflow.query_workflow('query', 'state');
ROLLBACK;

-- results that nobody asked for are ignored; malformed ones are an error
SELECT t.poll('query') AS token \gset
SELECT workflow.respond_workflow_task_completed(:'token',
    query_results => '[]');
SELECT workflow.respond_workflow_task_completed(:'token',
    query_results => '{"00000000-0000-4000-8000-000000000000": {}}');
SELECT t.types('query');

-- rejected by the state of the run
SELECT workflow.terminate_workflow_execution('query');
CALL workflow.query_workflow('query', 'state',
    query_reject_condition => 'QUERY_REJECT_CONDITION_NOT_OPEN');
CALL workflow.query_workflow('query', 'state',
    query_reject_condition => 'QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY');
CALL workflow.query_workflow('query', 'state',
    query_reject_condition => 'QUERY_REJECT_CONDITION_NONE',
    timeout => '0 s');
SELECT count(*) FROM workflow.query_request;
