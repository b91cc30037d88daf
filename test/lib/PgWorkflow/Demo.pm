
=head1 NAME

PgWorkflow::Demo - the demo's pizza workflow, for tests

=head1 SYNOPSIS

	use PgWorkflow::Demo;

	build_demo($node);
	my $worker = start_pizza_worker($node, 'queue', 'ada', 'timer fired');
	start_order($node, 'queue', 'test-', 1001);
	kill_program($worker) if holds($worker);
	is(order_status($node, 'test-', 1001), 0, 'ended as it should');
	is_deeply(comparable_history($node, 'test-1001'), ...);

=cut

package PgWorkflow::Demo;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use JSON::PP;
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(
  build_demo start_pizza_worker holds start_order order_status
  history comparable_history
);

my $demo = dirname(dirname(dirname(dirname(abs_path(__FILE__))))) . '/demo';
my $json = JSON::PP->new->allow_nonref->canonical;

# What differs from run to run without a worker's death.
my @INCIDENTAL = qw(identity requestId historySizeBytes workflowId
  firstExecutionRunId originalExecutionRunId);

=pod

=over

=item build_demo($node)

Builds the demo's programs, and makes their table in database postgres.

=cut

sub build_demo
{
	my ($node) = @_;

	system_or_bail('make', '-s', '-C', $demo);
	$node->safe_psql('postgres', slurp_file("$demo/schema.sql"));
	return;
}

=pod

=item start_pizza_worker($node, $queue, $name, $hold)

Starts a worker on a queue.  With $hold its thread that logs this text stops
there for good; see demo/demo.c.

=item holds($worker)

Has it come to that point?

=cut

sub start_pizza_worker
{
	my ($node, $queue, $name, $hold) = @_;

	return start_program(
		$node, "$demo/build/pizza",
		'worker', "--task-queue=$queue", "--name=$name",
		defined $hold ? "--hold-at=$hold" : ());
}

sub holds
{
	my ($worker) = @_;

	return program_output($worker) =~ /holds here$/m;
}

=pod

=item start_order($node, $queue, $prefix, $order_id, @options)

Starts the workflow of an order of demo/orders.json; its id is the prefix and
the order's.

=item order_status($node, $prefix, $order_id)

Waits for it; 0 if it ended as the file says.

=cut

sub start_order
{
	my ($node, $queue, $prefix, $order_id, @options) = @_;
	my $client = start_program(
		$node, "$demo/build/orders",
		'--no-wait', "--only=$order_id",
		"--task-queue=$queue", "--prefix=$prefix",
		@options, "$demo/orders.json");

	wait_program($client) == 0 or die program_output($client);
	return;
}

sub order_status
{
	my ($node, $prefix, $order_id) = @_;
	my $client = start_program(
		$node, "$demo/build/orders",
		'--no-start', "--only=$order_id",
		"--prefix=$prefix", '--delivery-time=1s',
		"$demo/orders.json");

	return wait_program($client);
}

=pod

=item history($node, $workflow_id)

The events of a workflow's last run: a list of hashes with id, type and
attributes.

=cut

sub history
{
	my ($node, $workflow_id) = @_;
	my @events;

	foreach my $line (
		split(
			/\n/,
			$node->safe_psql(
				'postgres',
				"SELECT event_id || ' ' || event_type || ' ' || attributes
				FROM workflow.get_workflow_execution_history('$workflow_id')
				ORDER BY event_id")))
	{
		my ($id, $type, $attributes) = split(/ /, $line, 3);

		push @events,
		  {
			id => $id,
			type => $type,
			attributes => $json->decode($attributes)
		  };
	}
	return @events;
}

=pod

=item comparable_history($node, $workflow_id)

The same as text, an element per event, without what may differ between two
runs of which one lost workers: times, identities and ids of requests and
runs, on which of its queues a workflow task was, and workflow tasks that
timed out.  Event ids are counted without those.

=cut

sub comparable_history
{
	my ($node, $workflow_id) = @_;
	my @events = history($node, $workflow_id);
	my %dropped;
	my %number = (0 => 0);
	my $count = 0;
	my @lines;

	foreach my $event (@events)
	{
		next unless $event->{type} eq 'WorkflowTaskTimedOut';
		$dropped{$_} = 1
		  foreach ($event->{id}, $event->{attributes}{scheduledEventId},
			$event->{attributes}{startedEventId} || 0);
	}
	foreach my $event (@events)
	{
		$number{ $event->{id} } = ++$count unless $dropped{ $event->{id} };
	}
	foreach my $event (grep { !$dropped{ $_->{id} } } @events)
	{
		my $attributes = $event->{attributes};

		delete @{$attributes}{@INCIDENTAL};
		delete $attributes->{taskQueue};
		delete $attributes->{attempt}
		  if $event->{type} eq 'WorkflowTaskScheduled';
		foreach my $key (grep { /EventId$/ } keys %$attributes)
		{
			$attributes->{$key} = $number{ $attributes->{$key} };
		}
		push @lines,
		  "$number{$event->{id}} $event->{type} " . $json->encode($attributes);
	}
	return \@lines;
}

=pod

=back

=cut

1;
