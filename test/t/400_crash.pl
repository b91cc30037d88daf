# The postmaster is killed in the middle of 200 running workflows, while
# clients start and signal more: nothing that was acknowledged is lost, and
# all of them complete.

use strict;
use warnings;

use IPC::Run;
use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;

my $workflows = 200;
my $clients = 4;
my $node = new_node('crash');
my $worker = start_worker($node);

# What a client does to its share of the workflows, each step with a request
# id, so that it can be repeated; each answer is a line of its output.  Clients
# take their time, so that the crash finds them at it.
my $pause = "DO 'BEGIN PERFORM pg_sleep(0.02); END';\n";

sub script
{
	my ($client) = @_;
	my @steps = ("\\set ON_ERROR_STOP on\n");

	foreach my $i (grep { $_ % $clients == $client } 1 .. $workflows)
	{
		push @steps, qq{
			SELECT 'start $i' FROM workflow.start_workflow_execution(
				'crash$i', 'steps', 'test', '[2]',
				request_id => 'start $i');
			SELECT 'first $i' FROM workflow.signal_workflow_execution(
				'crash$i', 'next', request_id => 'first $i');\n},
		  $pause;
	}
	foreach my $i (grep { $_ % $clients == $client } 1 .. $workflows)
	{
		push @steps, qq{
			SELECT 'second $i' FROM workflow.signal_workflow_execution(
				'crash$i', 'next', request_id => 'second $i');\n},
		  $pause;
	}
	return join('', @steps);
}

my $folder = PostgreSQL::Test::Utils::tempdir();
my @runs;
foreach my $client (0 .. $clients - 1)
{
	append_to_file("$folder/$client.sql", script($client));
	push @runs,
	  IPC::Run::start(
		[
			'psql', '-XAtq', '-d', $node->connstr('postgres'),
			'-f', "$folder/$client.sql"
		],
		'<', '/dev/null', '>', "$folder/$client.out",
		'2>', "$folder/$client.err");
}

# ---- the crash, when some are done, some under way, some not started ----

wait_until($node, q{
	SELECT count(*) FILTER (WHERE status = 'Completed') >= 10
		AND count(*) FILTER (WHERE status = 'Running') >= 10
	FROM workflow.executions});
crash($node);
foreach my $run (@runs)
{
	$run->finish;
}

my %acknowledged = map { $_ => 1 }
  map { split /\n/, slurp_file("$folder/$_.out") } 0 .. $clients - 1;
my @starts = grep { /^start/ } keys %acknowledged;
my @signals = grep { !/^start/ } keys %acknowledged;
cmp_ok(scalar(@starts), '>=', 20, 'starts were acknowledged before the crash');
cmp_ok(scalar(@signals), '>=', 20, 'and signals');
note(scalar(@starts) . ' starts and ' . scalar(@signals)
	  . " signals were acknowledged");

# ---- nothing that was acknowledged is lost ----

$node->start;
my %kept = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', q{
	SELECT start_request_id FROM workflow.execution
	UNION ALL
	SELECT attributes ->> 'requestId' FROM workflow.history_event
	WHERE event_type = 'WorkflowExecutionSignaled'
	UNION ALL
	SELECT attributes ->> 'requestId' FROM workflow.buffered_event
	WHERE event_type = 'WorkflowExecutionSignaled'});
is_deeply([ sort grep { !$kept{$_} } @starts ], [], 'no start is lost');
is_deeply([ sort grep { !$kept{$_} } @signals ], [], 'no signal is lost');

# ---- the clients repeat everything; all workflows complete ----

foreach my $client (0 .. $clients - 1)
{
	my $script = script($client);

	# a workflow that has completed takes no more signals
	$script =~ s/\Q$pause\E//g;
	$script =~ s/\\set ON_ERROR_STOP on/\\set ON_ERROR_STOP off/;
	$node->psql('postgres', $script);
}
wait_until($node, qq{
	SELECT count(*) = $workflows FROM workflow.executions
	WHERE status = 'Completed'});
pass("all $workflows workflows complete");
ok(running($worker), 'with the worker that was there before');

is( $node->safe_psql('postgres', q{
		SELECT count(*) FROM workflow.history
		WHERE event_type = 'WorkflowExecutionCompleted'
			AND attributes -> 'result' = '[3]'}),
	$workflows, 'with the right result');
is( $node->safe_psql('postgres', q{
		SELECT count(*) FROM workflow.history
		WHERE event_type = 'ActivityTaskCompleted'}),
	2 * $workflows, 'and each activity completed once');
is( $node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM workflow.mutable_state)
			+ (SELECT count(*) FROM workflow.workflow_task)
			+ (SELECT count(*) FROM workflow.activity)
			+ (SELECT count(*) FROM workflow.timer)
			+ (SELECT count(*) FROM workflow.buffered_event)}),
	'0', 'nothing is left pending');
is( $node->safe_psql('postgres', q{
		SELECT count(*) FROM (
			SELECT run_key FROM workflow.history_event GROUP BY run_key
			HAVING count(*) <> max(event_id) OR min(event_id) <> 1) AS gaps}),
	'0', 'no history has a gap');

stop_program($worker);
check_invariants($node);
done_testing();
