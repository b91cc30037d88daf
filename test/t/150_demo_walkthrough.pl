# A worker that is killed anywhere in the pizza workflow: another one brings it
# to the end, and the history is that of an undisturbed run.

use strict;
use warnings;

use PgWorkflow::Demo;
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my @TASKS = ('order received', 'distance known', 'timer fired', 'bill sent');

# Where workers are killed, one after the other; each case is a run of its own.
# Text: where a thread of the worker logs it.  Code: when it returns true.
my %cases = (
	'task-1' => [ $TASKS[0] ],
	'task-2' => [ $TASKS[1] ],
	'task-3' => [ $TASKS[2] ],
	'task-4' => [ $TASKS[3] ],
	'every-task' => [@TASKS],
	'task-3-twice' => [ $TASKS[2], $TASKS[2] ],
	'timer' => [ \&timer_runs ],
	'get-distance' => ['get_distance runs'],
	'send-bill' => ['send_bill runs'],
	'bill-written' => ['bill written']);

# Cases in which an activity was under way, and is tried again.
my %retried =
  ('get-distance' => 6, 'send-bill' => 17, 'bill-written' => 17);

my $node = new_node('walkthrough');
build_demo($node);

sub timer_runs
{
	my ($name) = @_;

	return $node->safe_psql(
		'postgres', "SELECT EXISTS (SELECT FROM workflow.pending_timers
			WHERE workflow_id = '$name-1001')") eq 't';
}

sub start_case
{
	my ($name) = @_;

	start_order($node, $name, "$name-", 1001,
		'--delivery-time=1s', '--task-timeout=4s');
	return;
}

# ---- undisturbed ----

my $worker = start_pizza_worker($node, 'undisturbed', 'undisturbed');
start_case('undisturbed');
is(order_status($node, 'undisturbed-', 1001), 0, 'an order is carried out');
is(stop_program($worker), 0, 'its worker stops');
my $undisturbed = comparable_history($node, 'undisturbed-1001');
is_deeply(
	[ map { (split(/ /, $_))[1] } @$undisturbed ],
	[
		qw(WorkflowExecutionStarted
		  WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted
		  ActivityTaskScheduled ActivityTaskStarted ActivityTaskCompleted
		  WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted
		  TimerStarted TimerFired
		  WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted
		  ActivityTaskScheduled ActivityTaskStarted ActivityTaskCompleted
		  WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted
		  WorkflowExecutionCompleted)
	],
	'its history has the 22 events of the walkthrough');

# ---- as long as it says ----

start_order($node, 'patience', 'patience-', 1001);
$worker = start_pizza_worker($node, 'patience', 'patience');
wait_until($node,
	"SELECT attributes->>'startToFireTimeout' FROM workflow.history
	WHERE workflow_id = 'patience-1001' AND event_type = 'TimerStarted'",
	expect => '1800s');
pass('a delivery takes 30 minutes unless the order says otherwise');
stop_program($worker);

# ---- killed ----

my %todo = map { $_ => [ @{ $cases{$_} } ] } keys %cases;
my %workers = map { $_ => [] } keys %cases;

sub next_worker
{
	my ($name) = @_;
	my $hold = $todo{$name}[0];

	push @{ $workers{$name} },
	  start_pizza_worker($node, $name,
		$name . '-' . (1 + @{ $workers{$name} }),
		ref $hold ? undef : $hold);
	return;
}

foreach my $name (sort keys %cases)
{
	next_worker($name);
	start_case($name);
}
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
while (my @open = grep { @{ $todo{$_} } } sort keys %todo)
{
	foreach my $name (@open)
	{
		my $place = $todo{$name}[0];
		my $last = $workers{$name}[-1];

		next unless ref $place ? $place->($name) : holds($last);
		is(kill_program($last), -9, "$name: a worker is killed");
		shift @{ $todo{$name} };
		next_worker($name);
	}
	die "waited in vain for: @open" if time() > $until;
	sleep 0.05;
}

foreach my $name (sort keys %cases)
{
	my $id = "$name-1001";
	my $history;
	my $logs;

	is(order_status($node, "$name-", 1001),
		0, "$name: the order is carried out");
	is(stop_program($workers{$name}[-1]), 0, "$name: the last worker stops");

	my @expected = @$undisturbed;
	$history = comparable_history($node, $id);
	if ($retried{$name})
	{
		my $started = (history($node, $id))[ $retried{$name} - 1 ];

		is($started->{attributes}{attempt},
			2, "$name: the activity was tried again");
		is( $started->{attributes}{lastFailure}{timeoutFailureInfo}
			  {timeoutType},
			'TIMEOUT_TYPE_START_TO_CLOSE',
			"$name: after its time-out");
		splice(@$_, $retried{$name} - 1, 1) foreach ($history, \@expected);
	}
	is_deeply($history, \@expected,
		"$name: the history is that of an undisturbed run")
	  or diag(join("\n", map { "$_->{id} $_->{type}" } history($node, $id)));

	is(scalar(grep { $_->{type} eq 'WorkflowTaskTimedOut' }
			  history($node, $id)),
		scalar(@{ $cases{$name} }),
		"$name: and each task that was lost has timed out")
	  if $name =~ /task/;

	is( $node->safe_psql(
			'postgres',
			"SELECT count(*) FROM pizza_demo.bill WHERE workflow_id = '$id'"),
		'1',
		"$name: there is one bill");
	$logs = join('', map { program_output($_) } @{ $workers{$name} });
	is(scalar(() = $logs =~ /get_distance runs/g),
		$name eq 'get-distance' ? 2 : 1,
		"$name: get_distance ran no more often than it had to");
}

check_invariants($node);
done_testing();
