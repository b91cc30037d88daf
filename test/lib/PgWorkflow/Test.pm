
=head1 NAME

PgWorkflow::Test - what the TAP tests share

=head1 SYNOPSIS

	use PgWorkflow::Test;
	use Test::More;

	my $node = new_node('main');
	my $worker = start_program($node, program('my_worker'), '--queue', 'q');
	wait_until($node, "SELECT count(*) = 1 FROM workflow.executions");
	crash($node);
	$node->start;
	stop_program($worker);
	done_testing();

=head1 DESCRIPTION

Stands on PostgreSQL::Test::Cluster: every node is a Cluster node, with its
methods.  No helper sleeps for a fixed time; all wait for a condition, with
PG_TEST_TIMEOUT_DEFAULT seconds as the limit, and die when it passes.

=cut

package PgWorkflow::Test;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Find;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
  new_node new_database wait_until wait_for_log
  crash backend_pids scheduler_pid check_invariants
  program start_program running kill_program stop_program wait_program
  program_output
);

my $top = dirname(dirname(dirname(dirname(abs_path(__FILE__)))));
my @programs;

=pod

=over

=item new_node($name, %options)

Makes and starts a server with the extension preloaded and, in database
postgres, created.  Options: preload => 0 and create => 0 leave these out,
start => 0 leaves it stopped, conf => text is added to postgresql.conf, init
=> [...] goes to the node's init().

=cut

sub new_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $preload = exists $options{preload} ? $options{preload} : 1;

	$node->init(@{ $options{init} || [] });
	$node->append_conf('postgresql.conf',
		slurp_file("$top/test/pg_workflow.conf"));
	$node->append_conf('postgresql.conf',
		"shared_preload_libraries = 'pg_workflow'")
	  if $preload;
	$node->append_conf('postgresql.conf', $options{conf})
	  if defined $options{conf};

	return $node if exists $options{start} && !$options{start};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_workflow')
	  if $preload && (!exists $options{create} || $options{create});
	return $node;
}

=pod

=item new_database($node, $name)

Creates a database with the extension in it.

=cut

sub new_database
{
	my ($node, $name) = @_;

	$node->safe_psql('postgres', qq(CREATE DATABASE "$name"));
	$node->safe_psql($name, 'CREATE EXTENSION pg_workflow');
	return;
}

=pod

=item wait_until($node, $query, %options)

Runs the query until it answers t (expect => another answer).  Dies after the
limit (limit => seconds).  Option: db.

=cut

sub wait_until
{
	my ($node, $query, %options) = @_;
	my $db = $options{db} || 'postgres';
	my $expect = exists $options{expect} ? $options{expect} : 't';
	my $until = time() + ($options{limit}
		  || $PostgreSQL::Test::Utils::timeout_default);
	my ($status, $out, $err);

	while (1)
	{
		($status, $out, $err) = $node->psql($db, $query);
		return if $status == 0 && $out eq $expect;
		last if time() > $until;
		sleep 0.05;
	}
	die "waited in vain for \"$expect\" from: $query\nlast answer: $out\n$err";
}

=pod

=item wait_for_log($node, $regexp, $offset)

Waits until the server's log matches, from a byte offset on.  Returns the
log's length then.

=cut

sub wait_for_log
{
	my ($node, $regexp, $offset) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	$offset ||= 0;
	while (time() < $until)
	{
		my $log = slurp_file($node->logfile, $offset);

		return $offset + length($log) if $log =~ $regexp;
		sleep 0.05;
	}
	die "waited in vain for $regexp in " . $node->logfile;
}

=pod

=item crash($node)

Kills the postmaster with SIGKILL and waits until its children are gone, so
that start() works at once.

=cut

sub crash
{
	my ($node) = @_;
	my $pid_file = $node->data_dir . '/postmaster.pid';
	my ($pid) = slurp_file($pid_file) =~ /\A(\d+)/;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	my @children;

	foreach my $stat (glob('/proc/[0-9]*/stat'))
	{
		open(my $fh, '<', $stat) or next;
		my $line = <$fh>;
		close($fh);
		push @children, $1
		  if defined $line && $line =~ /\A(\d+) \(.*\) \S (\d+) /s && $2 == $pid;
	}
	$node->kill9;
	foreach my $process ($pid, @children)
	{
		while (kill(0, $process) && !is_zombie($process))
		{
			die "process $process outlived its postmaster"
			  if time() > $until;
			sleep 0.02;
		}
	}

	# Where nobody reaps it at once, a dead postmaster still counts as one.
	unlink $pid_file, $node->host . '/.s.PGSQL.' . $node->port . '.lock';
	return;
}

sub is_zombie
{
	my ($pid) = @_;

	open(my $fh, '<', "/proc/$pid/stat") or return 1;
	my $line = <$fh>;
	close($fh);
	return !defined $line || $line =~ /\A\d+ \(.*\) [ZX] /s;
}

=pod

=item backend_pids($node, $pattern), scheduler_pid($node, $db)

Process ids by backend_type (a LIKE pattern), and of a database's scheduler,
waited for.

=cut

sub backend_pids
{
	my ($node, $pattern) = @_;

	return split(
		/\n/,
		$node->safe_psql(
			'postgres', qq(
			SELECT pid FROM pg_stat_activity
			WHERE backend_type LIKE '$pattern' ORDER BY pid)));
}

sub scheduler_pid
{
	my ($node, $db) = @_;
	my $from = "FROM pg_stat_activity
		WHERE backend_type = 'pg_workflow scheduler'
		AND datname = '" . ($db || 'postgres') . "'";

	wait_until($node, "SELECT count(*) = 1 $from");
	return $node->safe_psql('postgres', "SELECT pid $from");
}

=pod

=item check_invariants($node)

A test: what must hold of the tables at any moment (test/pgtap) does, in every
database of the server that has the extension.  Every test of a server ends
with it.

=cut

sub check_invariants
{
	my ($node) = @_;
	my $invariants = slurp_file("$top/test/pgtap/invariants.sql");

	# whatever settings a test has given its databases
	local $ENV{PGOPTIONS} = '-c statement_timeout=0 '
	  . '-c default_transaction_read_only=off -c synchronous_commit=local';
	my $pgtap = $node->safe_psql('postgres', "SELECT count(*)
		FROM pg_available_extensions WHERE name = 'pgtap'");
	my @databases = split(/\n/, $node->safe_psql('postgres',
		'SELECT datname FROM pg_database WHERE datallowconn'));

  SKIP:
	{
		skip 'needs pgTAP', 1 unless $pgtap;
		my @failed;

		foreach my $database (@databases)
		{
			next unless $node->safe_psql($database, "SELECT count(*)
				FROM pg_extension WHERE extname = 'pg_workflow'");
			my ($status, $out, $err) = $node->psql($database, $invariants);

			# with what they have found
			push @failed, map { "$database: $_" } grep { /^(?:not ok|# )/ }
			  split(/\n/, $out);
			push @failed, "$database: $err" if $status != 0;
		}
		is_deeply(\@failed, [], 'the invariants hold');
	}
	return;
}

=pod

=item program($name)

The path of a program of the project: installed (PGWF_PREFIX), or built below
worker_client, test/client or demo.  Undefined if there is none.

=cut

sub program
{
	my ($name) = @_;
	my @folders = grep { defined && -d } (
		$ENV{PGWF_PREFIX}, "$top/worker_client",
		"$top/test/client", "$top/demo", "$top/bench");
	my $found;

	return $found unless @folders;
	find(
		{
			no_chdir => 1,
			wanted => sub {
				$found ||= $_ if m{/\Q$name\E$} && -f $_ && -x $_;
			}
		},
		@folders);
	return $found;
}

=pod

=item start_program($node, @command)

Starts a program beside the server, with PGHOST, PGPORT and PGDATABASE in its
environment.  The answer is a handle for the calls below.  Programs still
running at the end of the test are killed.

=cut

sub start_program
{
	my ($node, @command) = @_;
	my $number = @programs + 1;
	my $log = "$PostgreSQL::Test::Utils::log_path/program_$number.log";

	local %ENV = (
		%ENV,
		PGHOST => $node->host,
		PGPORT => $node->port,
		PGDATABASE => $ENV{PGDATABASE} || 'postgres');
	my $handle =
	  IPC::Run::start(\@command, '<', '/dev/null', '>', $log, '2>&1');
	my $program = {
		handle => $handle,
		pid => $handle->{KIDS}[0]{PID},
		log => $log,
		name => $command[0]
	};
	push @programs, $program;
	return $program;
}

=pod

=item running($program), kill_program($program), stop_program($program),
wait_program($program), program_output($program)

Is it running; SIGKILL and reap; SIGTERM and the exit status; the exit status
of one that ends by itself (a signal's number is negative); what it said.

=cut

sub running
{
	my ($program) = @_;

	return !exists $program->{status} && $program->{handle}->pumpable
	  && !is_zombie($program->{pid});
}

sub kill_program
{
	my ($program) = @_;

	kill 'KILL', $program->{pid} unless exists $program->{status};
	return wait_program($program);
}

sub stop_program
{
	my ($program) = @_;

	kill 'TERM', $program->{pid} unless exists $program->{status};
	return wait_program($program);
}

sub wait_program
{
	my ($program) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	return $program->{status} if exists $program->{status};
	while (!is_zombie($program->{pid}))
	{
		if (time() > $until)
		{
			kill 'KILL', $program->{pid};
			die "$program->{name} did not end; its output:\n"
			  . program_output($program);
		}
		sleep 0.02;
	}
	$program->{handle}->finish;
	my $status = $program->{handle}->full_result(0);
	$program->{status} = $status & 127 ? -($status & 127) : $status >> 8;
	return $program->{status};
}

sub program_output
{
	my ($program) = @_;

	return slurp_file($program->{log});
}

END
{
	my $status = $?;

	foreach my $program (@programs)
	{
		kill 'KILL', $program->{pid} unless exists $program->{status};
	}
	$? = $status;
}

=pod

=back

=cut

1;
