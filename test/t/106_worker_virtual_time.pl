# A worker in a namespace with virtual time: years pass while a client waits.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('virtual');
my @namespace = ('--namespace', 'test');
my ($status, $out, $err);

$node->safe_psql('postgres', "SELECT workflow.register_namespace('test',
	'100 years', virtual_time => true)");
my $worker = start_worker($node, @namespace);
start_workflow($node, 'subscription', 'months', '[24]', @namespace);
($status, $out, $err) =
  pgworkflow($node, 'result', 'subscription', '--json', @namespace);
is($status, 0, 'a workflow of two years ends');
like($out, qr/"result": \[\s*744\s*\]/, 'and has seen all its days');
is( $node->safe_psql(
		'postgres', q{
		SELECT date_trunc('day', close_time - start_time),
			(SELECT count(*) FROM workflow.history AS h
			 WHERE h.run_id = e.run_id AND event_type = 'TimerFired'),
			(SELECT count(*) FROM workflow.history AS h
			 WHERE h.run_id = e.run_id AND event_type = 'ActivityTaskStarted'
				AND attributes ->> 'attempt' = '2')
		FROM workflow.executions AS e}),
	'744 days|24|24',
	'so has its history');
is( $node->safe_psql(
		'postgres', q{
		SELECT count(*) FROM workflow.history AS h
		WHERE event_type IN ('WorkflowTaskTimedOut', 'WorkflowTaskFailed',
			'ActivityTaskTimedOut')}),
	'0',
	'without a timeout of those who were at work');

# what has been played can be replayed
$node->safe_psql('postgres', "SELECT workflow.lock_time_skipping('test')");
start_workflow($node, 'again', 'months', '[2]', @namespace);
wait_until(
	$node, "SELECT count(*) FROM workflow.pending_timers
	WHERE workflow_id = 'again'", expect => '1');
stop_program($worker);
$worker = start_worker($node, @namespace);
$node->safe_psql('postgres', "SELECT workflow.unlock_time_skipping('test')");
($status, $out, $err) =
  pgworkflow($node, 'result', 'again', '--json', @namespace);
like($out, qr/"result": \[\s*62\s*\]/, 'another worker goes on in the same time');

stop_program($worker);
$node->stop;
done_testing();
