# A worker whose conninfo names several servers goes on with the standby that
# was promoted after the primary's death; so does a client.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = new_node('failover', init => [ allows_streaming => 1 ]);
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('successor');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my $conninfo =
	'host=' . join(',', map { $_->host } $primary, $standby)
  . ' port=' . join(',', map { $_->port } $primary, $standby)
  . ' dbname=postgres target_session_attrs=read-write';
my $worker = start_worker($primary, '--dbname', $conninfo);

start_workflow($primary, 'survivor', 'basic', '["hello", 1]');
wait_for_event($primary, 'survivor', 'TimerFired');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$primary->stop('immediate');
$standby->promote;

my ($status, $out, $err) =
  pgworkflow($standby, 'signal', 'survivor', 'go', '--dbname', $conninfo,
	'--input', '3');
is($status, 0, 'a client finds the new primary') or diag($err);
result_is($standby, 'survivor', '{"echo":"hello","signal":3}',
	'and so does the worker');
is(stop_program($worker), 0, 'it stops in order');

check_invariants($standby);
done_testing();
