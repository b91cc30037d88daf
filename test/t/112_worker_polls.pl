# Polls of a worker: what they had claimed when their answer was lost with the
# connection is not lost, and the limits that they have for their queue.

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('polls');
my $folder = PostgreSQL::Test::Utils::tempdir_short();

my $socket_name = '.s.PGSQL.' . $node->port;

# Passes on what clients in $folder and the server say to each other, but cuts
# the first connection by which the server says what matches $poison, before it
# is passed on.
sub relay
{
	my ($listener, $poison) = @_;
	my $waiting = IO::Select->new($listener);
	my (%other, %is_server);

	while (1)
	{
		foreach my $socket ($waiting->can_read)
		{
			if ($socket == $listener)
			{
				my $client = $listener->accept or next;
				my $server =
				  IO::Socket::UNIX->new(Peer => $node->host . "/$socket_name")
				  or next;

				@other{ $client, $server } = ($server, $client);
				$is_server{$server} = 1;
				$waiting->add($client, $server);
				next;
			}
			my $other = delete $other{$socket} or next;
			my $got = sysread($socket, my $data, 1_000_000);

			if ($got && $is_server{$socket} && defined $poison
				&& $data =~ $poison)
			{
				$poison = undef;
				append_to_file("$folder/cut", "cut\n");
			}
			elsif ($got && syswrite($other, $data))
			{
				$other{$socket} = $other;
				next;
			}
			delete $other{$other};
			delete @is_server{ $socket, $other };
			$waiting->remove($socket, $other);
			close($_) foreach $socket, $other;
		}
	}
}

sub start_relay
{
	my ($poison) = @_;
	my $listener = IO::Socket::UNIX->new(
		Local => "$folder/$socket_name",
		Listen => 20);

	die "could not listen in $folder: $!" unless $listener;
	my $pid = fork();

	die "could not fork: $!" unless defined $pid;
	return $pid if $pid;
	relay($listener, $poison);
}

sub stop_relay
{
	my ($pid) = @_;

	kill('KILL', $pid);
	waitpid($pid, 0);
	unlink("$folder/$socket_name", "$folder/cut");
}

# Runs a workflow whose tasks no timeout would bring back while the test waits.
sub survives
{
	my ($id, $poison, @options) = @_;
	my $relay = start_relay($poison);

	local $SIG{PIPE} = 'IGNORE';
	start_workflow($node, $id, 'call',
		'["flaky", [1], {"start_to_close": 3600000}]',
		'--task-timeout', '120s');
	my $worker = start_worker($node, '--dbname', "host=$folder", @options);

	result_is($node, $id, '2', "$id: the workflow completes");
	ok(-e "$folder/cut", "$id: although an answer was lost");
	unlike(
		join(' ', event_types($node, $id)),
		qr/TimedOut|Failed/,
		"$id: without a timeout");
	is(stop_program($worker), 0, "$id: the worker stops in order");
	stop_relay($relay);
}

# the first attempt comes with the answer to a workflow task, the next do not
survives('lost-activity', qr/"attempt"\s*:\s*2/);
survives('lost-workflow-task', qr/"workflowExecutionTaskQueue"/,
	'--repeat-workflow-polls');

# ---- limits ----

sub limit_of
{
	my ($kind) = @_;

	return
	  "SELECT round((d #>> '{effectiveRateLimit,requestsPerSecond}')::numeric, 2)
		 FROM workflow.describe_task_queue('test', 'TASK_QUEUE_TYPE_$kind') AS d";
}

my $worker = start_worker($node, '--activities-per-second', '2.5',
	'--workflow-tasks-per-second', '100');
start_workflow($node, 'limited', 'call',
	'["echo", [8], {}]');
result_is($node, 'limited', '8', 'a worker with limits works');
is($node->safe_psql('postgres', limit_of('ACTIVITY')),
	'2.50', 'its queue has the limit for activities');
is($node->safe_psql('postgres', limit_of('WORKFLOW')),
	'100.00', 'and the one for workflow tasks');
is(stop_program($worker), 0, 'the worker stops in order');

my $bad = start_worker($node, '--activities-per-second', '0');
is(wait_program($bad), 2, 'a limit that lets nothing through is refused');

check_invariants($node);
done_testing();
