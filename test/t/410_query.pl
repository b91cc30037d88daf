# Queries: who is asked, what is refused, and that nothing is kept.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('query',
	conf => "pg_workflow.workflow_id_reuse_minimal_interval = 0\n");
my $timer = '[{"commandType": "StartTimer", "attributes":
	{"timerId": "t", "startToFireTimeout": "1000s"}}]';

sub sql
{
	my ($query) = @_;
	return $node->safe_psql('postgres', $query);
}

sub start_run
{
	my ($id, $more) = @_;
	sql("SELECT workflow.start_workflow_execution('$id', 'type', '$id'"
		  . ($more ? ", $more" : '')
		  . ')');
	return;
}

# One task of a queue, as JSON, or nothing.
sub poll
{
	my ($queue, $sticky) = @_;
	return sql("SELECT * FROM workflow.poll_workflow_task_queue('$queue', 1, "
		  . "'worker', "
		  . ($sticky ? 'true' : 'false')
		  . ')');
}

sub part
{
	my ($task, $path) = @_;
	return sql("SELECT \$task\$$task\$task\$::jsonb #>> '{$path}'");
}

sub complete
{
	my ($task, $commands, $more) = @_;
	my $token = part($task, 'taskToken');
	return sql('SELECT workflow.respond_workflow_task_completed('
		  . "'$token', '"
		  . ($commands || '[]') . "'"
		  . ($more ? ", $more" : '')
		  . ')');
}

sub answer
{
	my ($task, $arguments) = @_;
	my $token = part($task, 'taskToken');
	return sql(
		"SELECT workflow.respond_query_task_completed('$token', $arguments)");
}

# Ask, and return when the question is there.
sub ask
{
	my ($arguments) = @_;
	my $before = sql('SELECT count(*) FROM workflow.query_request');
	my $program = start_program($node, 'psql', '-XAtq', '-v',
		'VERBOSITY=verbose', '-c', "CALL workflow.query_workflow($arguments)");

	wait_until(
		$node,
		'SELECT count(*) FROM workflow.query_request',
		expect => $before + 1);
	return $program;
}

sub said
{
	my ($program) = @_;
	wait_program($program);
	my $said = program_output($program);
	chomp $said;
	return $said;
}

sub refused
{
	my ($call, $state, $message, $what) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $call,
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, qr/ERROR:  $state: .*\Q$message\E/, $what);
	return;
}

# ---- refused at once ----

refused("BEGIN; CALL workflow.query_workflow('w', 'q'); COMMIT",
	'25001', 'cannot wait inside a transaction block',
	'not in a transaction block');
refused("CALL workflow.query_workflow('none', 'q')",
	'PW005', 'not found', 'no such workflow');
refused("CALL workflow.query_workflow('w', NULL)",
	'PW003', 'query_type is not set', 'no type');
refused("CALL workflow.query_workflow('w', 'q', query_reject_condition => 'x')",
	'PW003', 'unknown query_reject_condition', 'no such condition');
refused("CALL workflow.query_workflow('w', 'q', timeout => '-1 s')",
	'PW003', 'timeout must not be negative', 'a negative timeout');
refused(
	"SELECT workflow.respond_query_task_completed('q1.x.1')",
	'PW003',
	'invalid task token',
	'not a token');
refused(
	"SELECT workflow.respond_query_task_completed("
	  . "'q1.00000000-0000-4000-8000-000000000000.1')",
	'PW005',
	'query task not found',
	'nobody asked that');

# ---- direct: a task of its own ----

start_run('direct');
complete(poll('direct'), $timer);
my $history = sql("SELECT jsonb_agg(h) FROM
	workflow.get_workflow_execution_history('direct') AS h");
my $waiter = start_program($node, 'psql', '-XAtq', '-c',
	"CALL workflow.wait_for_task('{direct}', timeout => '100 s')");
wait_until($node,
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'CALL%'
		AND wait_event = 'Extension' OR wait_event = 'PgWorkflowWaitForTask'");
my $asker = ask(q('direct', 'state', '["a", 1]', header => '{"h": 1}'));
is(said($waiter), '{direct}|{}', 'a query is work for wait_for_task');
my $task = poll('direct');
is( part($task, 'query'),
	'{"header": {"fields": {"h": 1}}, "queryArgs": ["a", 1],'
	  . ' "queryType": "state"}',
	'the worker is given the query');
is(part($task, 'startedEventId'), '', 'which is no workflow task');
is(part($task, 'previousStartedEventId'), '3', 'of a run it has worked on');
is( sql("SELECT jsonb_array_length(\$task\$$task\$task\$::jsonb
		#> '{history,events}')"),
	'5',
	'with its whole history');
is(poll('direct'), '', 'it is handed out once');
is( sql("SELECT backend_xmin IS NULL AND backend_xid IS NULL
		FROM pg_stat_activity WHERE query LIKE 'CALL%'
		AND state = 'active'"),
	't',
	'its asker has neither a snapshot nor an xid');
answer($task, q(query_result => '{"b": 2}'));
is(said($asker), '[{"b": 2}]|', 'the answer');
refused(
	"SELECT workflow.respond_query_task_completed('"
	  . part($task, 'taskToken') . "')",
	'PW005',
	'query task not found',
	'there is one answer');
is( sql("SELECT jsonb_agg(h) FROM
		workflow.get_workflow_execution_history('direct') AS h"),
	$history,
	'a query leaves no event');
is(sql('SELECT count(*) FROM workflow.query_request'),
	'0', 'nor anything else');

# ---- a handler that fails ----

$asker = ask(q('direct', 'state'));
$task = poll('direct');
answer($task,
	q('FAILED', error_message => 'no such query', failure =>
	'{"message": "m", "applicationFailureInfo": {"type": "T"}}'));
my $said = said($asker);
like($said, qr/ERROR:  PW103: no such query/, 'a failed answer is an error');
like($said, qr/DETAIL:  .*"applicationFailureInfo": \{"type": "T"\}/,
	'with its failure');
$asker = ask(q('direct', 'state'));
answer(poll('direct'), q('FAILED', failure => '{"message": "from inside"}'));
like(said($asker), qr/PW103: from inside/, 'the message of a failure alone');
$asker = ask(q('direct', 'state'));
$task = poll('direct');
refused(
	"SELECT workflow.respond_query_task_completed('"
	  . part($task, 'taskToken')
	  . "', 'MAYBE')",
	'PW003',
	'unknown type of query result "MAYBE"',
	'an answer of no known kind');
answer($task, q(query_result => to_jsonb(repeat('x', 3000000))));
like(said($asker), qr/PW103: query result size \(\d+\) exceeds limit/,
	'an answer that is too large');
is(sql('SELECT count(*) FROM workflow.query_request'),
	'0', 'a failed query is gone, too');

# ---- a timeout, an asker that goes away ----

refused("CALL workflow.query_workflow('direct', 'state', timeout => '100 ms')",
	'PW004', 'query was not answered in time', 'nobody answers');
is(sql('SELECT count(*) FROM workflow.query_request'),
	'0', 'a query that timed out is gone');
is(poll('direct'), '', 'and is not handed out');
$asker = ask(q('direct', 'state'));
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity
	WHERE query LIKE 'CALL%' AND state = 'active'");
like(said($asker), qr/57014/, 'an asker is interrupted');
is(sql('SELECT count(*) FROM workflow.query_request'),
	'0', 'and takes its query back');
$asker = ask(q('direct', 'state'));
sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE query LIKE 'CALL%' AND state = 'active'");
said($asker);
is(poll('direct'), '', 'nobody is asked for one that is dead');

# ---- sticky: the worker that has the run is asked first ----

start_run('sticky');
poll('own', 1);
complete(poll('sticky'), $timer, "sticky_queue => 'own'");
$asker = ask(q('sticky', 'state', timeout => '60 s'));
is(poll('sticky'), '', 'other workers do not see it');
$task = poll('own', 1);
is(part($task, 'history'), '{"events": []}', 'it comes without history');
answer($task, q(query_result => '[1]'));
is(said($asker), '[1]|', 'its answer');

sql('ALTER SYSTEM SET pg_workflow.sticky_query_timeout = 0');
sql('SELECT pg_reload_conf()');
wait_until($node,
	"SELECT current_setting('pg_workflow.sticky_query_timeout') = '0'");
$asker = ask(q('sticky', 'state', timeout => '60 s'));
wait_until($node, 'SELECT NOT sticky FROM workflow.query_request
	WHERE due_at > now() + interval \'20 s\'');
is(poll('own', 1), '', 'a worker that is too slow loses it');
$task = poll('sticky');
is( sql("SELECT jsonb_array_length(\$task\$$task\$task\$::jsonb
		#> '{history,events}')"),
	'5',
	'another one gets it, with the history');
answer($task, q(query_result => '[2]'));
is(said($asker), '[2]|', 'and answers');
is( sql("SELECT sticky_queue IS NULL FROM workflow.mutable_state
		JOIN workflow.execution USING (namespace_id, run_key)
		WHERE workflow_id = 'sticky'"),
	't',
	'the run is not sticky any more');

# ---- a run that is deleted while the worker that has it is asked ----

start_run('deleted');
poll('own', 1);
complete(poll('deleted'), $timer, "sticky_queue => 'own'");
sql('ALTER SYSTEM SET pg_workflow.sticky_query_timeout = \'1 s\'');
sql('SELECT pg_reload_conf()');
wait_until($node,
	"SELECT current_setting('pg_workflow.sticky_query_timeout') = '1s'");
$asker = ask(q('deleted', 'state', timeout => '60 s'));
sql("SELECT workflow.terminate_workflow_execution('deleted')");
sql("SELECT workflow.delete_workflow_execution('deleted')");
like(said($asker), qr/PW014: query was lost/,
	'there is nobody to ask any more');
is( sql('SELECT count(*) FROM workflow.query_request AS q
		WHERE NOT EXISTS (SELECT FROM workflow.execution AS e
			WHERE e.namespace_id = q.namespace_id
				AND e.run_key = q.run_key)'),
	'0',
	'and nothing is left of the query');

# ---- buffered: with the workflow task that is pending ----

start_run('buffered');
$asker = ask(q('buffered', 'state', '[7]'));
refused("CALL workflow.query_workflow('buffered', 'state')",
	'PW008', 'consistent query buffer is full', 'only so many are buffered');
$task = poll('buffered');
my $id = sql("SELECT jsonb_object_keys(\$task\$$task\$task\$::jsonb
	-> 'queries')");
is( part($task, "queries,$id"),
	'{"queryArgs": [7], "queryType": "state"}',
	'it comes with the workflow task');
is(poll('buffered'), '', 'and not by itself');
complete($task, $timer, qq(query_results => '{"$id":
	{"resultType": "QUERY_RESULT_TYPE_ANSWERED", "answer": [8]}}'));
is(said($asker), '[8]|', 'and is answered with it');
is( sql("SELECT string_agg(event_type::text, ' ') FROM
		workflow.get_workflow_execution_history('buffered')"),
	'WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted '
	  . 'WorkflowTaskCompleted TimerStarted',
	'without an event');

sql("SELECT workflow.signal_workflow_execution('buffered', 's')");
$task = poll('buffered');
$asker = ask(q('buffered', 'state'));
complete($task);
$task = poll('buffered');
is(part($task, 'query,queryType'),
	'state', 'what no workflow task takes becomes a task of its own');
answer($task, q(query_result => '[9]'));
is(said($asker), '[9]|', 'and is answered');

sql("SELECT workflow.signal_workflow_execution('buffered', 's')");
$asker = ask(q('buffered', 'state'));
$task = poll('buffered');
$id = sql("SELECT jsonb_object_keys(\$task\$$task\$task\$::jsonb
	-> 'queries')");
complete($task, '[]', qq(query_results => '{"$id":
	{"resultType": "QUERY_RESULT_TYPE_FAILED", "errorMessage": "bad"}}'));
like(said($asker), qr/PW103: bad/, 'a failed answer with a workflow task');

sql("SELECT workflow.signal_workflow_execution('buffered', 's')");
$asker = ask(q('buffered', 'state'));
$task = poll('buffered');
sql("SELECT workflow.respond_workflow_task_failed('"
	  . part($task, 'taskToken')
	  . "')");
$task = poll('buffered');
like(part($task, 'queries'),
	qr/"state"/, 'it goes with the next task if this one fails');
$id = sql("SELECT jsonb_object_keys(\$task\$$task\$task\$::jsonb
	-> 'queries')");
complete(
	$task,
	'[{"commandType": "CompleteWorkflowExecution"}]',
	qq(query_results => '{"$id": {"answer": ["last"]}}'));
is(said($asker), '["last"]|', 'the task that closes the run answers');

# ---- closed runs, and reject conditions ----

$asker = ask(q('buffered', 'state'));
$task = poll('buffered');
is(part($task, 'query,queryType'), 'state', 'a closed run can be asked');
cmp_ok(part($task, 'previousStartedEventId'), '>', 3,
	'it has been worked on');
answer($task, q(query_result => '["closed"]'));
is(said($asker), '["closed"]|', 'and answers');
is( sql(
		q(CALL workflow.query_workflow('buffered', 'state',
		query_reject_condition => 'QUERY_REJECT_CONDITION_NOT_OPEN'))),
	'|{"status": "WORKFLOW_EXECUTION_STATUS_COMPLETED"}',
	'unless the asker wants it open');
$asker = ask(
	q('buffered', 'state',
	query_reject_condition => 'NOT_COMPLETED_CLEANLY'));
answer(poll('buffered'), q(query_result => '["clean"]'));
is(said($asker), '["clean"]|', 'it completed cleanly');
sql("SELECT workflow.terminate_workflow_execution('direct')");
is( sql(
		q(CALL workflow.query_workflow('direct', 'state',
		query_reject_condition => 'NOT_COMPLETED_CLEANLY'))),
	'|{"status": "WORKFLOW_EXECUTION_STATUS_TERMINATED"}',
	'another one did not');

sql("SELECT workflow.start_workflow_execution('paused', 'type', 'paused')");
complete(poll('paused'));
sql("SELECT workflow.pause_workflow_execution('paused')");
is( sql(q(CALL workflow.query_workflow('paused', 'state'))),
	'|{"status": "WORKFLOW_EXECUTION_STATUS_PAUSED"}',
	'a paused run rejects all queries');
sql("SELECT workflow.unpause_workflow_execution('paused')");
$asker = ask(q('paused', 'state'));
$task = poll('paused');
$id = sql("SELECT jsonb_object_keys(\$task\$$task\$task\$::jsonb
	-> 'queries')");
complete($task, '[]', qq(query_results => '{"$id": {"answer": ["on"]}}'));
is(said($asker), '["on"]|', 'once it goes on it answers');

# ---- not ready ----

start_run('unseen');
$asker = ask(q('unseen', 'state'));
sql("SELECT workflow.terminate_workflow_execution('unseen')");
like(said($asker), qr/PW109/, 'it closes before a worker has seen it');
refused("CALL workflow.query_workflow('unseen', 'state')",
	'PW109', 'closed before its first workflow task',
	'no worker has ever seen it');
start_run('delayed', "workflow_start_delay => '1 hour'");
refused(
	"CALL workflow.query_workflow('delayed', 'state', timeout => '10 s')",
	'PW109',
	'before its first workflow task',
	'it starts later than the asker would wait');
start_run('failing');
for (1 .. 2)
{
	$task = poll('failing');
	sql("SELECT workflow.respond_workflow_task_failed('"
		  . part($task, 'taskToken')
		  . "')");
}
refused("CALL workflow.query_workflow('failing', 'state')",
	'PW109', 'Workflow Task in failed state',
	'its workflow task fails again and again');

# ---- rights ----

$node->safe_psql(
	'postgres', q{
	CREATE ROLE reader;
	CREATE ROLE stranger;
	SELECT workflow.grant_namespace('default', 'reader', '{read}')});
is( sql(
		q(SET ROLE reader; CALL workflow.query_workflow('direct', 'state',
		query_reject_condition => 'NOT_OPEN'))),
	'|{"status": "WORKFLOW_EXECUTION_STATUS_TERMINATED"}',
	'readers may ask');
refused("SET ROLE stranger; CALL workflow.query_workflow('direct', 'state')",
	'42501', 'permission denied', 'others may not');
refused(
	"SET ROLE reader;
	SELECT workflow.respond_query_task_completed('q1.1')",
	'42501', 'permission denied', 'answering is for workers');

# ---- a crash ----

$asker = ask(q('sticky', 'state', timeout => '60 s'));
$node->stop('immediate');
$node->start;
is(sql('SELECT count(*) FROM workflow.query_request'),
	'0', 'a crash forgets all queries');

check_invariants($node);
done_testing();
