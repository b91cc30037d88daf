# Workers and clients through PgBouncer in transaction mode, where each
# transaction may run in another server process: with the option, without it,
# and through a restart of the pooler.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pgbouncer = (grep { -x } map { "$_/pgbouncer" }
	  split(/:/, $ENV{PATH}), '/usr/sbin')[0];
plan skip_all => 'there is no pgbouncer' unless defined $pgbouncer;

my $node = new_node('pooled');
$node->append_conf('postgresql.conf', 'log_statement = all');
$node->reload;
my $folder = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $user = getpwuid($<);
my $host = $node->host;
my $server_port = $node->port;

append_to_file("$folder/pgbouncer.ini", <<"EOF");
[databases]
postgres = host=$host port=$server_port dbname=postgres user=$user
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $folder
auth_type = any
pool_mode = transaction
default_pool_size = 6
max_client_conn = 100
logfile = $folder/pgbouncer.log
EOF

sub start_pooler
{
	my $pooler = start_program($node, $pgbouncer, "$folder/pgbouncer.ini");

	foreach my $try (1 .. 300)
	{
		last if -S "$folder/.s.PGSQL.$port";
		select(undef, undef, undef, 0.1);
	}
	return $pooler;
}

# At once, whoever is connected: since its version 1.23 it waits for its
# clients to leave when it is asked once, and goes when it is asked again.
sub stop_pooler
{
	my ($pooler) = @_;

	foreach my $try (1 .. 300)
	{
		last if !running($pooler);
		kill 'TERM', $pooler->{pid};
		select(undef, undef, undef, 0.1);
	}
	return wait_program($pooler);
}

# Runs workflows through the pooler; returns the worker.
sub runs_through
{
	my ($name, @connection) = @_;
	my $worker = start_worker($node, @connection, '--cache', '2');
	my ($status, $out, $err);

	foreach my $i (1 .. 8)
	{
		($status, $out, $err) = pgworkflow(
			$node, 'start', @connection,
			'--type', 'basic', '--task-queue', 'test', '--id', "$name-$i",
			'--input', '["hello", 1]');
		is($status, 0, "$name: start $i") or diag($err);
	}
	foreach my $i (1 .. 8)
	{
		wait_for_event($node, "$name-$i", 'TimerFired');
		($status, $out, $err) = pgworkflow($node, 'signal', "$name-$i", 'go',
			@connection, '--input', '1');
		is($status, 0, "$name: signal $i") or diag($err);
	}
	foreach my $i (1 .. 8)
	{
		($status, $out, $err) =
		  pgworkflow($node, 'result', "$name-$i", @connection,
			'--timeout', '60s');
		is($status, 0, "$name: result $i") or diag($err);
	}
	return $worker;
}

my $pooler = start_pooler();
my $conninfo = "host=$folder port=$port dbname=postgres user=$user";

my $worker =
  runs_through('unprepared', '--dbname', $conninfo, '--pooled');
is(stop_program($worker), 0, 'the worker stops in order');
unlike(slurp_file($node->logfile), qr/execute \w+: .*workflow\./,
	'nothing was prepared');
$worker = runs_through('found out', '--dbname', $conninfo);

# ---- the pooler goes away and comes back ----

stop_pooler($pooler);
start_workflow($node, 'later', 'basic', '["hello", 1]');
$pooler = start_pooler();
wait_for_event($node, 'later', 'TimerFired');
pgworkflow($node, 'signal', 'later', 'go', '--input', '2');
result_is($node, 'later', '{"echo":"hello","signal":2}',
	'the worker goes on after a restart of the pooler');
is(stop_program($worker), 0, 'and stops in order');
stop_pooler($pooler);

check_invariants($node);
done_testing();
