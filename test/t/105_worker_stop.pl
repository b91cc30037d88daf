# Stopping, local activities, and workflow code that does not yield.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('worker_stop');
my ($status, $out, $err);

# ---- a running activity gets the grace period ----

my $file = test_file('grace');
my $worker = start_worker($node, '--grace', '30s');
start_workflow($node, 'grace', 'call', qq(["work", [700, "$file"], {}]));
wait_for_lines($file, 1);
is(stop_program($worker), 0, 'the worker stops in order');
is((file_lines($file))[1], 'done', 'after the activity has ended');
wait_for_event($node, 'grace', 'ActivityTaskCompleted');
pass('which was reported');
# ---- then it is canceled ----

$worker = start_worker($node, '--grace', '200ms');
result_is($node, 'grace', '"worked"', 'the next worker ends the workflow');
unlike(event_types($node, 'grace'), qr/TimedOut/,
	'without waiting for the one that stopped');
$file = test_file('short');
start_workflow($node, 'short', 'call', qq(["work", [60000, "$file"], {}]));
wait_for_lines($file, 1);
my $begin = time();
is(stop_program($worker), 0, 'a worker whose activity goes on stops in order');
cmp_ok(time() - $begin, '<', 10, 'soon');
is((file_lines($file))[1], 'reason 6', 'after the activity was canceled');
is( $node->safe_psql(
		'postgres', q{
		SELECT count(*)
		FROM workflow.get_workflow_execution_history(workflow_id => 'short')
		WHERE event_type::text LIKE 'ActivityTask%'}),
	'1',
	'which is to be tried again');

# ---- signals: stop twice, stop at once ----

$worker = start_worker($node, '--grace', '200ms');
wait_for_lines($file, 3);
kill 'TERM', $worker->{pid};
is(stop_program($worker), 0, 'a second signal does no harm');
$worker = start_worker($node);
is(stop_program($worker) <= 0, 1, 'a worker can be stopped at once');
pgworkflow($node, 'terminate', 'short');

# ---- a waiting worker holds nothing and stops at once ----

$worker = start_worker($node);
wait_until($node, q{
	SELECT count(*) = 1 FROM pg_stat_activity
	WHERE application_name = 'pgworkflow wait' AND state = 'active'
	AND backend_xmin IS NULL AND backend_xid IS NULL});
pass('a waiting worker pins nothing');
is(stop_program($worker), 0, 'it stops');
wait_until($node,
	q{SELECT count(*) = 0 FROM pg_stat_activity
	WHERE application_name LIKE 'pgworkflow%'});
pass('and its connections end');

# ---- the waiting statement is cancelled by an administrator ----

$worker = start_worker($node);
my $waiting = q{FROM pg_stat_activity
	WHERE application_name = 'pgworkflow wait' AND state = 'active'};
wait_until($node, "SELECT count(*) = 1 $waiting");
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $waiting");
start_workflow($node, 'canceled', 'call', '["echo", [1], {}]');
result_is($node, 'canceled', '1', 'the worker waits again');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) $waiting");
start_workflow($node, 'terminated', 'call', '["echo", [2], {}]');
result_is($node, 'terminated', '2', 'also on another connection');

# ---- local activities ----

start_workflow($node, 'local', 'local', '["echo", ["x"], 3]');
result_is($node, 'local', '["x","x","x"]', 'local activities');
is( event_types($node, 'local'),
	join(',',
		'WorkflowExecutionStarted', 'WorkflowTaskScheduled',
		'WorkflowTaskStarted', 'WorkflowTaskCompleted',
		'MarkerRecorded', 'MarkerRecorded',
		'MarkerRecorded', 'WorkflowExecutionCompleted'),
	'in one workflow task');
start_workflow($node, 'local_retry', 'local', '["flaky", [2], 1]');
result_is($node, 'local_retry', '[3]', 'a local activity is tried again');

$file = test_file('local_long');
start_workflow($node, 'local_long', 'local',
	qq(["work", [2500, "$file"], 1]), '--task-timeout', '1s');
result_is($node, 'local_long', '["worked"]',
	'a local activity longer than the workflow task timeout');
my $types = event_types($node, 'local_long');
unlike($types, qr/WorkflowTaskTimedOut/, 'without a timeout');
like($types, qr/(WorkflowTaskCompleted,WorkflowTaskScheduled.*){2,}MarkerRecorded/,
	'thanks to new workflow tasks');
is(scalar(file_lines($file)), 2, 'and it ran once');

# ---- a deadlock ----

my $spin = test_file('spin');
append_to_file($spin, "1\n");
start_workflow($node, 'spin', 'spin', qq(["$spin"]));
start_workflow($node, 'beside', 'call', '["echo", [3], {}]');
wait_for_event($node, 'spin', 'WorkflowTaskFailed');
like(
	$node->safe_psql(
		'postgres', q{
		SELECT attributes->'failure'->>'message'
		FROM workflow.get_workflow_execution_history(workflow_id => 'spin')
		WHERE event_type::text = 'WorkflowTaskFailed'}),
	qr/potential deadlock: workflow code did not yield within 1000 ms/,
	'code that does not yield fails its workflow task');
result_is($node, 'beside', '3', 'other runs go on');
result_is($node, 'spin', '"done"', 'the run goes on with the next task');
is(stop_program($worker), 0, 'the worker stops in order')
  or diag(program_output($worker));

check_invariants($node);
done_testing();
