# Workers of a deployment: a pinned run stays with the workers of its version,
# and new runs go to the current one.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use Test::More;

my $node = new_node('worker_versions');
my ($status, $out, $err);

sub start_version
{
	my ($build_id, @options) = @_;
	my $worker = start_worker(
		$node,
		'--deployment' => 'shop',
		'--build-id' => $build_id,
		'--identity' => "worker $build_id",
		@options);

	wait_until(
		$node, "SELECT count(*) FROM workflow.pollers
		WHERE identity = 'worker $build_id' AND kind = 'workflow'
			AND task_queue = 'test'",
		expect => '1');
	return $worker;
}

sub set_current
{
	my ($build_id) = @_;

	$node->safe_psql('postgres',
		"SELECT workflow.set_worker_deployment_current_version('shop',
			'$build_id')");
	return;
}

# Who has worked on a run, in order
sub workers_of
{
	my ($id) = @_;

	return $node->safe_psql(
		'postgres', "SELECT DISTINCT attributes ->> 'identity'
		FROM workflow.history
		WHERE workflow_id = '$id' AND event_type = 'WorkflowTaskStarted'
		ORDER BY 1");
}

my $one = start_version('1.0', '--versioning' => 'pinned');
set_current('1.0');
start_workflow($node, 'pinned', 'basic', '["hello", 1]');
wait_for_event($node, 'pinned', 'TimerFired');

my $two = start_version('2.0', '--versioning' => 'auto-upgrade');
set_current('2.0');
start_workflow($node, 'upgraded', 'basic', '["hello", 1]');
wait_for_event($node, 'upgraded', 'TimerFired');
pgworkflow($node, 'signal', 'pinned', 'go', '--input', '1');
result_is($node, 'pinned', '{"echo":"hello","signal":1}',
	'a pinned run ends');
is(workers_of('pinned'), 'worker 1.0', 'with the version it began with');

my $three = start_version('3.0', '--versioning' => 'auto-upgrade');
set_current('3.0');
pgworkflow($node, 'signal', 'upgraded', 'go', '--input', '2');
result_is($node, 'upgraded', '{"echo":"hello","signal":2}',
	'a run that follows the current version ends');
is(workers_of('upgraded'), "worker 2.0\nworker 3.0",
	'with the version that is current then');

($status, $out, $err) = pgworkflow(
	$node, 'worker',
	'--library' => flows_library(),
	'--task-queue' => 'test',
	'--deployment' => 'shop');
is($status, 2, 'a deployment without build id is refused');
like($err, qr/deployment_name is set, and build_id is not/, 'and why');

is(stop_program($_), 0, 'a worker stops') foreach $one, $two, $three;

check_invariants($node);
done_testing();
