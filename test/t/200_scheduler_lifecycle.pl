# Schedulers come with the extension, go with it, come back after every kind
# of death, and are in nobody's way.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node(
	'lifecycle',
	create => 0,
	conf => "autovacuum = off\nmax_prepared_transactions = 5\n");
my $count = "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler'";
my ($status, $out, $err);

sub serves
{
	my ($db, $what) = @_;
	ok(scheduler_pid($node, $db), $what);
	return;
}

sub serves_not
{
	my ($db, $what) = @_;
	wait_until($node, "$count AND datname = '$db'", expect => '0');
	pass($what);
	return;
}

# ---- create and drop ----

is($node->safe_psql('postgres', $count),
	'0', 'no scheduler without the extension');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_workflow');
serves('postgres', 'CREATE EXTENSION starts a scheduler');

$node->safe_psql('postgres', 'CREATE DATABASE one');
$node->safe_psql('one', 'BEGIN; CREATE EXTENSION pg_workflow; ROLLBACK');
$node->safe_psql('one', 'CREATE EXTENSION pg_workflow');
serves('one', 'a second database has one of its own');

my $pid = scheduler_pid($node, 'one');
$node->safe_psql('one', 'BEGIN; DROP EXTENSION pg_workflow; ROLLBACK');
serves('one', 'a DROP EXTENSION rolled back leaves a scheduler');
$node->safe_psql('one', 'DROP EXTENSION pg_workflow');
serves_not('one', 'DROP EXTENSION ends it');

$node->safe_psql(
	'one', 'CREATE ROLE owner SUPERUSER; SET ROLE owner;
	CREATE EXTENSION pg_workflow');
serves('one', 'the extension comes back');
$node->safe_psql('one', 'DROP OWNED BY owner CASCADE');
serves_not('one', 'DROP OWNED ends the scheduler');

# ---- commands that need the database for themselves ----

# A scheduler that is never idle: runs time out all the time.
sub keep_busy
{
	my ($db) = @_;
	$node->safe_psql(
		$db, q{
		SELECT count(*) FROM generate_series(1, 300) AS i,
			workflow.start_workflow_execution(
				workflow_id => gen_random_uuid()::text, workflow_type => 'w',
				task_queue => 'q',
				workflow_run_timeout => i * interval '10 ms')});
	return;
}

foreach my $busy (0, 1)
{
	my $how = $busy ? 'busy' : 'idle';

	$node->safe_psql('one', 'CREATE EXTENSION IF NOT EXISTS pg_workflow');
	serves('one', "$how: there is a scheduler");
	keep_busy('one') if $busy;

	$node->safe_psql('postgres', 'ALTER DATABASE one RENAME TO two');
	serves('two', "$how: renamed, and served under the new name");

	keep_busy('two') if $busy;
	$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE two');
	serves('copy', "$how: copied, and the copy is served");
	serves('two', "$how: the original is served again");

	keep_busy('copy') if $busy;
	$node->safe_psql('postgres', 'DROP DATABASE copy');
	pass("$how: dropped");

	($status, $out, $err) =
	  $node->psql('postgres', 'ALTER DATABASE two RENAME TO postgres');
	isnt($status, 0, "$how: a rename that fails");
	serves('two', "$how: leaves a scheduler");

	keep_busy('two') if $busy;
	$node->safe_psql('two', 'DROP EXTENSION pg_workflow');
	serves_not('two', "$how: the extension is dropped");
	$node->safe_psql('postgres', 'ALTER DATABASE two RENAME TO one');
}

# A session in the database is what it always was.
new_database($node, 'three');
serves('three', 'one more database');
my $session = start_program($node, 'psql', '-X', '-d', 'three', '-c',
	'SELECT pg_sleep(600)');
wait_until($node,
	"SELECT count(*) = 1 FROM pg_stat_activity
	WHERE query LIKE '%pg_sleep(600)' AND datname = 'three'");
($status, $out, $err) = $node->psql('postgres', 'DROP DATABASE three');
like($err, qr/is being accessed by other users/, 'a session is in the way');
like($err, qr/There is 1 other session/, 'and nobody else');
serves('three', 'the database that stays is served again');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 60000)
	FROM pg_stat_activity WHERE datname = 'three'
	AND backend_type = 'client backend'");
wait_program($session);

# A user who may not drop a database does not disturb its scheduler.
$pid = scheduler_pid($node, 'three');
$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN CREATEDB');
($status, $out, $err) = $node->psql(
	'postgres',
	'DROP DATABASE three',
	extra_params => [ '-U', 'nobody' ]);
like($err, qr/must be owner/, 'not everyone may drop it');
is(scheduler_pid($node, 'three'), $pid, 'and its scheduler stays');
$node->safe_psql('postgres', 'DROP DATABASE three');

# A scheduler that waits for a lock of the very transaction that drops it
$node->safe_psql('one', 'CREATE EXTENSION pg_workflow');
serves('one', 'the extension is back');
keep_busy('one');
$node->safe_psql(
	'one', q{
	BEGIN;
	LOCK TABLE workflow.timer;
	SELECT pg_sleep(0.3);
	DROP EXTENSION pg_workflow;
	COMMIT});
serves_not('one', 'dropped by a transaction that the scheduler waits for');
$node->safe_psql('postgres', 'DROP DATABASE one');

# ---- deaths ----

$pid = scheduler_pid($node);
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
is(scheduler_pid($node), $pid, 'a cancel is not the end of a scheduler');

$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
wait_until($node, "$count AND pid <> $pid", expect => '1');
pass('a scheduler that was terminated is started again');

my ($launcher) = backend_pids($node, 'pg_workflow launcher');
$pid = scheduler_pid($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($launcher, 60000)");
wait_until(
	$node, "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow launcher' AND pid <> $launcher",
	expect => '1');
is(scheduler_pid($node), $pid,
	'the launcher comes back and finds its scheduler at work');

new_database($node, 'four');
serves('four', 'and starts others');

kill 'KILL', $pid;
wait_until($node, "$count AND pid <> $pid", expect => '2');
pass('all schedulers are back after one of them crashed the server');

crash($node);
$node->start;
wait_until($node, $count, expect => '2');
pass('and after a crash of the postmaster');

# ---- settings ----

$node->append_conf('postgresql.conf', 'pg_workflow.scheduler = off');
$node->reload;
wait_until($node, $count, expect => '0');
pass('pg_workflow.scheduler = off ends them');
$node->append_conf('postgresql.conf', 'pg_workflow.scheduler = on');
$node->reload;
wait_until($node, $count, expect => '2');
pass('and on brings them back');

# Settings of the database do not get into the scheduler.
$node->safe_psql(
	'four', q{
	ALTER DATABASE four SET default_transaction_read_only = on;
	ALTER DATABASE four SET default_transaction_isolation = serializable;
	ALTER DATABASE four SET statement_timeout = 1;});
$pid = scheduler_pid($node, 'four');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
wait_until($node, "$count AND pid <> $pid", expect => '2');
$node->safe_psql(
	'four', q{
	SET default_transaction_read_only = off;
	SET statement_timeout = 0;
	SELECT workflow.start_workflow_execution(workflow_id => 'a',
		workflow_type => 'w', task_queue => 'q',
		workflow_run_timeout => '10 ms')});
wait_until(
	$node, "SET statement_timeout = 0;
	SELECT status = 'TimedOut' FROM workflow.execution", db => 'four');
pass('a scheduler works in a database with settings against it');

# ---- made by a prepared transaction ----

$node->safe_psql('postgres', 'CREATE DATABASE five');
$node->safe_psql('five',
	"BEGIN; CREATE EXTENSION pg_workflow; PREPARE TRANSACTION 'make'");
is( $node->safe_psql(
		'five', "SELECT count(*) FROM pg_stat_activity
		WHERE backend_type = 'pg_workflow scheduler' AND datname = 'five'"),
	'0',
	'an extension that is only prepared has no scheduler');
$node->safe_psql('five', "COMMIT PREPARED 'make'");
ok(scheduler_pid($node, 'five'), 'one that is committed has one');
$node->safe_psql('five',
	"BEGIN; DROP EXTENSION pg_workflow; PREPARE TRANSACTION 'drop'");
$node->safe_psql('five', "COMMIT PREPARED 'drop'");
wait_until(
	$node, "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler' AND datname = 'five'",
	expect => '0');
pass('and none when it has been dropped');

# ---- no background worker left ----

$node->append_conf('postgresql.conf',
	"max_worker_processes = 2\nmax_logical_replication_workers = 0");
my $offset = -s $node->logfile;
$node->restart;
wait_for_log($node, qr/HINT:.*max_worker_processes/, $offset);
wait_until($node, $count, expect => '1');
pass('as many as there is room for');

# the launcher does not try again soon, unless it learns of a free place
wait_for_log($node, qr/HINT:.*max_worker_processes/, -s $node->logfile);
my $served = $node->safe_psql('postgres',
	"SELECT datname FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler'");
$node->safe_psql($served, 'DROP EXTENSION pg_workflow');
my $dropped = time;
wait_until(
	$node, "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler'
		AND datname <> '$served'",
	expect => '1');
cmp_ok(time - $dropped, '<', 8, 'a place that has become free is used');
$node->safe_psql($served, 'CREATE EXTENSION pg_workflow');

$node->append_conf('postgresql.conf',
	"max_worker_processes = 8\npg_workflow.max_databases = 1");
$offset = -s $node->logfile;
$node->restart;
wait_for_log($node, qr/HINT:.*pg_workflow\.max_databases/, $offset);
wait_until($node, $count, expect => '1');
pass('as many as there are slots for');

check_invariants($node);
$node->stop;
done_testing();
