
=head1 NAME

PgWorkflow::Worker - helpers of the TAP tests that run workers

=head1 DESCRIPTION

The workers are "pgworkflow worker" with the workflows and activities of
worker_flows.c, which is compiled once a test.  What is compiled, and files of
the tests, are in the test's own temporary folder.

=cut

package PgWorkflow::Worker;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(
  flows_library test_file file_lines wait_for_lines
  start_worker pgworkflow start_workflow result_is
  event_types wait_for_event
);

my $here = dirname(dirname(abs_path(__FILE__)));
my $folder = PostgreSQL::Test::Utils::tempdir();
my %library;

=pod

=over

=item flows_library($source)

The path of the shared object made of test/lib/$source, by default
worker_flows.c.

=cut

sub flows_library
{
	my ($source) = (@_, 'worker_flows.c');

	return $library{$source} if defined $library{$source};

	my $top = dirname(dirname($here));
	my $config = $ENV{PG_CONFIG} || 'pg_config';
	my @cc = split(' ', $ENV{CC} || 'cc');
	my $jansson = `pkg-config --cflags jansson 2>/dev/null`;
	my $include = `$config --includedir`;

	chomp($jansson, $include);
	my $library = "$folder/$source.so";
	system_or_bail(@cc, '-std=gnu99', '-O1', '-g', '-Wall', '-Wextra',
		'-shared', '-fPIC', '-fvisibility=hidden',
		"-I$top/worker_client/include",
		"-I$include", split(' ', $jansson),
		'-o', $library, "$here/$source", '-lpq', '-ljansson');
	$library{$source} = $library;
	return $library;
}

=pod

=item test_file($name), file_lines($path), wait_for_lines($path, $n)

The path of a file that is not there yet; its lines, none if it is not there;
the same once there are n.

=cut

sub test_file
{
	my ($name) = @_;

	return "$folder/$name";
}

sub file_lines
{
	my ($path) = @_;

	return () unless -e $path;
	return split(/\n/, slurp_file($path));
}

sub wait_for_lines
{
	my ($path, $n) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	while (time() <= $until)
	{
		my @lines = file_lines($path);

		return @lines if @lines >= $n;
		select(undef, undef, undef, 0.02);
	}
	die "waited in vain for $n lines in $path";
}

=pod

=item start_worker($node, @options)

Starts a worker on task queue "test".

=cut

sub start_worker
{
	my ($node, @options) = @_;

	return start_program($node, program('pgworkflow'), 'worker', '-v',
		'--library', flows_library(), '--task-queue', 'test', @options);
}

=pod

=item pgworkflow($node, @arguments)

Runs the command; the answer is (exit code, standard output, standard error).

=cut

sub pgworkflow
{
	my ($node, @arguments) = @_;
	my ($out, $err);

	local %ENV = (
		%ENV,
		PGHOST => $node->host,
		PGPORT => $node->port,
		PGDATABASE => 'postgres');
	IPC::Run::run([ program('pgworkflow'), @arguments ],
		'<', \'', '>', \$out, '2>', \$err);
	my $status = $? & 127 ? -($? & 127) : $? >> 8;
	chomp $out;
	return ($status, $out, $err);
}

=pod

=item start_workflow($node, $id, $type, $input, @options)

=item result_is($node, $id, $expected, $name)

Starts a workflow on task queue "test"; compares a workflow's result, as the
command prints it, waiting for it.

=cut

sub start_workflow
{
	my ($node, $id, $type, $input, @options) = @_;
	my ($status, $out, $err) =
	  pgworkflow($node, 'start', '--type', $type, '--task-queue', 'test',
		'--id', $id, '--input', $input, @options);

	die "could not start $id: $err" if $status != 0;
	return;
}

sub result_is
{
	my ($node, $id, $expected, $name) = @_;
	my ($status, $out, $err) = pgworkflow($node, 'result', $id, '--timeout',
		"${PostgreSQL::Test::Utils::timeout_default}s");

	$out =~ s/\s+//g;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($status == 0 ? $out : "exit $status: $err", $expected, $name);
}

=pod

=item event_types($node, $id)

The types of a run's events, in order, with commas.

=item wait_for_event($node, $id, $type, $count)

Waits until the run has so many (1) events of a type.

=cut

my $history = q{workflow.get_workflow_execution_history(workflow_id => '%s')};

sub event_types
{
	my ($node, $id) = @_;

	return $node->safe_psql('postgres',
		"SELECT string_agg(event_type::text, ',' ORDER BY event_id) FROM "
		  . sprintf($history, $id));
}

sub wait_for_event
{
	my ($node, $id, $type, $count) = @_;

	$count = 1 unless defined $count;
	wait_until($node,
		"SELECT count(*) >= $count FROM "
		  . sprintf($history, $id)
		  . " WHERE event_type::text = '$type'");
	return;
}

=pod

=back

=cut

1;
