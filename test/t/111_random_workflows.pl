# Random workflows on workers with a large cache, a tiny one and none, which are
# killed at random: all end, and every prefix of each history replays.
#
# RANDOM_SEED chooses the workflows, RANDOM_WORKFLOWS how many there are.

use strict;
use warnings;

use JSON::PP;
use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{RANDOM_SEED} || int(time());
my $workflows = $ENV{RANDOM_WORKFLOWS} || 60;
my $kills = 12;
my $node = new_node('random');
my $library = flows_library('random_flows.c');
my $json = JSON::PP->new->canonical;

note("seed $seed");
srand($seed);

# A workflow task of a killed worker is another's soon.
$node->safe_psql('postgres', <<"EOF");
	SELECT count(workflow.start_workflow_execution(
		workflow_id => 'random-' || n, workflow_type => 'random',
		task_queue => 'test', input => to_jsonb(ARRAY[$seed + n]),
		workflow_task_timeout => '2 s'))
	FROM generate_series(1, $workflows) AS n
EOF

# ---- workers that are killed ----

my @caches = (0, 1, 1000);
my @workers;

sub begin_worker
{
	my ($i) = @_;

	$workers[$i] = start_program($node, program('pgworkflow'), 'worker',
		'--library', $library, '--task-queue', 'test',
		'--cache', $caches[$i]);
	return;
}

sub open_runs
{
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM workflow.executions WHERE status = 'Running'");
}

begin_worker($_) foreach 0 .. $#caches;
foreach my $kill (1 .. $kills)
{
	my $victim = int(rand(@workers));
	my $signaled = 1 + int(rand($workflows));

	sleep(0.05 + rand(0.3));
	pgworkflow($node, 'signal', "random-$signaled", 's');
	pgworkflow($node, 'cancel', 'random-' . (1 + int(rand($workflows))))
	  if $kill % 3 == 0;
	kill_program($workers[$victim]);
	begin_worker($victim);
}
wait_until(
	$node, "SELECT count(*) FROM workflow.executions
	WHERE status = 'Running'", expect => '0');
is(open_runs(), '0', "all of $workflows workflows have ended");
is(stop_program($_), 0, 'a worker stops in order') foreach @workers;
is( $node->safe_psql(
		'postgres', q{
		SELECT DISTINCT attributes ->> 'cause' FROM workflow.history
		WHERE event_type = 'WorkflowTaskFailed' AND
			attributes ->> 'cause' NOT IN (
				'WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND',
				'WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND')}),
	'',
	'no workflow task has failed but for what happened meanwhile');

# ---- replay ----

# Files of a history and of all its prefixes: those that end where a worker
# was asked, or with the end of the run.
sub prefixes
{
	my ($name, $text) = @_;
	my $events = $json->decode($text)->{events};
	my @files;

	foreach my $i (0 .. $#$events)
	{
		next
		  unless $i == $#$events
		  || $events->[$i]{eventType} eq 'EVENT_TYPE_WORKFLOW_TASK_STARTED';

		my $file = test_file("$name-$i.json");

		append_to_file($file,
			$json->encode({ events => [ @$events[ 0 .. $i ] ] }));
		push(@files, $file);
	}
	return @files;
}

my @runs = split(
	/\n/,
	$node->safe_psql('postgres',
		'SELECT workflow_id || E\'\t\' || run_id FROM workflow.executions'));
my $files = 0;
my @disagree;
foreach my $run (@runs)
{
	my ($id, $run_id) = split(/\t/, $run);
	my @files = prefixes(
		$run_id,
		$node->safe_psql(
			'postgres', "SELECT workflow.history_json('$id', '$run_id')"));
	my ($status, $out, $err) =
	  pgworkflow($node, 'replay', '--library', $library, @files);

	$files += @files;
	push(@disagree, "$id: $out$err") if $status != 0;
}
is_deeply(\@disagree, [],
	    'all '
	  . scalar(@runs)
	  . " histories replay, in $files prefixes (seed $seed)");
cmp_ok($files, '>', 3 * $workflows, 'there were enough of them');

check_invariants($node);
done_testing();
