# What a workflow of one activity costs, in counters that do not depend on how
# busy the machine is: rows, and bytes of log.  The numbers recorded here are
# what workload W10 of the benchmark counts.  Whoever makes a workflow cheaper
# records the new ones; whoever makes it dearer has to say why it is worth it.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use FindBin;
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my %RECORDED = (
	'rows inserted' => 10,
	'rows updated' => 4,
	'of them HOT' => 3.8,
	'rows deleted' => 3,
	'log' => 4830);

# How much more or less is let pass: the log has a record for each
# transaction, and how many answers share one depends on the moment.
my %TOLERANCE = (
	'rows inserted' => 0.01,
	'rows updated' => 0.02,
	'of them HOT' => 0.1,
	'rows deleted' => 0.01,
	'log' => 0.08);

my $top = dirname(dirname(abs_path($FindBin::RealBin)));
my $bench = PostgreSQL::Test::Utils::tempdir() . '/bench';
my $library = program('libpgworkflow.so')
  or plan skip_all => 'needs the worker library';
my $folder = dirname($library);
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $include = `$pg_config --includedir`);
chomp(my $jansson = `pkg-config --cflags jansson`);
PostgreSQL::Test::Utils::system_or_bail(
	'cc', '-std=gnu99', '-O1', '-pthread', "-I$top/worker_client/include",
	"-I$include", split(' ', $jansson), '-o', $bench,
	glob("$top/bench/*.c"), "-L$folder", "-Wl,-rpath,$folder",
	'-lpgworkflow', '-lpq', '-ljansson');

# nothing in the log but what workflows write
my $node = new_node('cost',
	conf => "full_page_writes = off\nautovacuum = off\n"
	  . "pg_workflow.workflow_id_reuse_minimal_interval = 0\n");

local %ENV = (
	%ENV,
	PGHOST => $node->host,
	PGPORT => $node->port,
	PGDATABASE => 'postgres');
my $json = PostgreSQL::Test::Utils::tempdir() . '/cost.jsonl';
$node->command_ok(
	[
		$bench, '--repeat', '1', '--scale', '0.1', '--json', $json, 'W10'
	],
	'the benchmark runs');

my %counted =
  map { /"figure": "([^"]+)".*"median": ([0-9.e+]+)/ ? ($1, $2) : () }
  split(/\n/, slurp_file($json));
foreach my $figure (sort keys %RECORDED)
{
	my $most = $RECORDED{$figure} * (1 + $TOLERANCE{$figure});
	my $least = $RECORDED{$figure} * (1 - $TOLERANCE{$figure});

	cmp_ok($counted{$figure}, '<=', $most, "$figure: not more than recorded");
	cmp_ok($counted{$figure}, '>=', $least,
		"$figure: not so few that others should be recorded");
}
# starts of threads that share a client, and answers, share transactions
cmp_ok($counted{'transactions'}, '<=', 2,
	'starts and answers share their transactions');

check_invariants($node);
$node->stop;
done_testing();
