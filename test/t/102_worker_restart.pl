# Workers and servers that go away: restart and crash of the server beneath a
# worker, SIGKILL of a worker and replay by another.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('worker_restart');
my ($status, $out, $err);

# ---- the server restarts ----

my $worker = start_worker($node);
start_workflow($node, 'restart', 'basic', '["before", 10]');
wait_for_event($node, 'restart', 'TimerFired');
$node->restart;
($status) = pgworkflow($node, 'signal', 'restart', 'go', '--input', '1');
is($status, 0, 'a signal after the restart');
result_is($node, 'restart', '{"echo":"before","signal":1}',
	'the worker connects again and goes on');

# an activity that runs while the server is away is reported afterwards
my $file = test_file('away');
start_workflow($node, 'away', 'call', qq(["work", [1500, "$file"], {}]));
wait_for_lines($file, 1);
$node->stop('fast');
wait_for_lines($file, 2);
$node->start;
result_is($node, 'away', '"worked"',
	'an activity that ended without a server is reported to the next');
is(scalar(file_lines($file)), 2, 'and ran once');
ok(running($worker), 'the worker is still there');
is(stop_program($worker), 0, 'and stops in order');

# ---- a stop while there is no server ----

$worker = start_worker($node);
start_workflow($node, 'up', 'call', '["echo", ["x"], {}]');
result_is($node, 'up', '"x"', 'another worker works');
$node->stop('fast');
is(stop_program($worker), 0, 'it stops in order without a server');
$worker = start_worker($node);
like_soon($worker, qr/could not connect/,
	'a worker that finds no server says so');
$node->start;
start_workflow($node, 'waited', 'call', '["echo", ["y"], {}]');
result_is($node, 'waited', '"y"', 'and begins when the server is there');

# ---- SIGKILL of the worker in the middle of an activity ----

$file = test_file('killed');
start_workflow($node, 'killed', 'steps', '[3]');
pgworkflow($node, 'signal', 'killed', 'next') for 1 .. 2;
wait_for_event($node, 'killed', 'ActivityTaskCompleted', 2);
start_workflow($node, 'lost', 'call',
	qq(["work", [60000, "$file"], {"start_to_close": 1000, "attempts": 2}]));
wait_for_lines($file, 1);
is(kill_program($worker), -9, 'the worker is killed');
pgworkflow($node, 'signal', 'killed', 'next');

$worker = start_worker($node, '--identity', 'heir');
result_is($node, 'killed', '6', 'another worker replays the run and ends it');
is( $node->safe_psql(
		'postgres', q{
		SELECT count(*)
		FROM workflow.get_workflow_execution_history(workflow_id => 'killed')
		WHERE event_type::text = 'ActivityTaskScheduled'}),
	'3',
	'no activity was scheduled twice');
wait_for_lines($file, 2);
pass('the activity whose worker died is tried again by the other');

# ---- crash of the server with runs in the cache ----

start_workflow($node, "crash$_", 'steps', '[2]') for 1 .. 5;
pgworkflow($node, 'signal', "crash$_", 'next') for 1 .. 5;
wait_for_event($node, "crash$_", 'ActivityTaskCompleted') for 1 .. 5;
crash($node);
$node->start;
pgworkflow($node, 'signal', "crash$_", 'next') for 1 .. 5;
result_is($node, "crash$_", '3', "run $_ survives a crash of the server")
  for 1 .. 5;
ok(running($worker), 'and so does the worker');
stop_program($worker);

check_invariants($node);
done_testing();

sub like_soon
{
	my ($program, $regexp, $name) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	while (program_output($program) !~ $regexp && time() < $until)
	{
		select(undef, undef, undef, 0.02);
	}
	return like(program_output($program), $regexp, $name);
}
