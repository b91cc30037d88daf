# Virtual time with sessions that work while others wait, through a crash, a
# dump and the promotion of a standby.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('virtual', init => [ allows_streaming => 1 ],
	conf => "max_prepared_transactions = 5\n");

sub sql
{
	my ($query) = @_;

	return $node->safe_psql('postgres', $query);
}

# Starts a workflow, whose worker answers its first task with commands.
sub start_run
{
	my ($id, $commands) = @_;

	sql(qq{
		SELECT workflow.start_workflow_execution('$id', 'type', '$id',
			namespace => 'test')});
	answer($id, $commands);
	return;
}

sub answer
{
	my ($id, $commands) = @_;

	wait_until($node, "SELECT count(*) FROM workflow.workflow_task
		WHERE task_queue = '$id'", expect => '1');
	sql(qq{
		SELECT workflow.respond_workflow_task_completed(t->>'taskToken',
			'[$commands]')
		FROM workflow.poll_workflow_task_queue('$id', namespace => 'test')
			AS t});
	return;
}

sub timer
{
	my ($id, $seconds) = @_;

	return qq({"commandType": "StartTimer", "attributes":
		{"timerId": "$id", "startToFireTimeout": "${seconds}s"}});
}

my $day = 24 * 3600;
my $close = '{"commandType": "CompleteWorkflowExecution"}';
my $ahead = "SELECT date_trunc('hour', justify_hours(
	workflow.get_current_time('test') - clock_timestamp()
	+ interval '1 minute'))";

sub fired
{
	my ($id) = @_;

	return "SELECT count(*) FROM workflow.history
		WHERE workflow_id = '$id' AND event_type = 'TimerFired'";
}

sql("SELECT workflow.register_namespace('test', '100 years',
	virtual_time => true);
	SELECT workflow.register_namespace('other', virtual_time => true);
	SELECT workflow.unlock_time_skipping('other')");

# Returns when the scheduler has looked at what has happened before: it does
# to all namespaces together.
my $looks = 0;

sub look
{
	my $id = 'look ' . ++$looks;

	sql("SELECT workflow.start_workflow_execution('$id', 'type', '$id',
		workflow_start_delay => '1 day', namespace => 'other')");
	wait_until($node, "SELECT count(*) FROM workflow.workflow_task
		WHERE task_queue = '$id'", expect => '1');
	sql("SELECT workflow.terminate_workflow_execution('$id',
		namespace => 'other')");
	return;
}

# ---- work while somebody waits ----

# Time stops at each timer until its worker has answered.
start_run('steps', timer('a', $day) . ',' . timer('b', 2 * $day));
my $waiter = $node->background_psql('postgres');
$waiter->query_until(qr//,
	"\\echo waiting\nCALL workflow.sleep_with_time_skipping('test', '3 days');\n\\echo slept\n");
wait_until($node, fired('steps'), expect => '1');
is(sql($ahead), '1 day', 'time stops at what a worker has to do');
answer('steps', timer('c', $day / 2));
wait_until($node, fired('steps'), expect => '2');
is(sql($ahead), '1 day 12:00:00', 'it goes on when he has done it');
answer('steps', timer('d', 10 * $day));
wait_until($node, fired('steps'), expect => '3');
is(sql($ahead), '2 days', 'from one moment to the next');
answer('steps', '');
$waiter->query_until(qr/slept/, '');
is(sql($ahead), '3 days', 'and to where the sleeper wants to be');
is(sql('SELECT count(*) FROM workflow.pending_timers'),
	'1', 'and no further');

# A result is waited for through all that has to happen.
$waiter->query_until(qr//, q{
	CALL workflow.get_workflow_execution_result('steps', NULL, NULL, 'test',
		NULL, NULL, NULL, NULL);
	\echo closed
	});
wait_until($node, fired('steps'), expect => '4');
answer('steps', timer('e', 300 * $day));
wait_until($node, fired('steps'), expect => '5');
answer('steps', $close);
$waiter->query_until(qr/Completed.*closed/s, '');
is(sql($ahead), '311 days 12:00:00', 'who waits for a result lets time be skipped');

# Who has gone does not let time be skipped any more.
start_run('gone', timer('a', $day));
sql('SELECT workflow.lock_time_skipping(\'test\')');
my $pid = $waiter->query_safe('SELECT pg_backend_pid()');
$waiter->query_until(qr//,
	"CALL workflow.sleep_with_time_skipping('test', '9 days');\n");
wait_until($node, "SELECT state = 'active' AND query LIKE 'CALL%'
	AND wait_event IS NOT NULL
	FROM pg_stat_activity WHERE pid = $pid");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_until($node,
	"SELECT count(*) FROM pg_stat_activity WHERE pid = $pid",
	expect => '0');
eval { $waiter->quit };
sql('SELECT workflow.unlock_time_skipping(\'test\')');
look();
is(sql(fired('gone')), '0', 'a waiter that was killed does not count');

# ---- what keeps time from being skipped ----

sql("SELECT workflow.unlock_time_skipping('test')");
wait_until($node, fired('gone'), expect => '1');
answer('gone', $close);

# a transaction that has changed something, until it ends
my $holder = $node->background_psql('postgres');
$holder->query_safe(q{BEGIN;
	SELECT workflow.start_workflow_execution('open', 'type', 'open',
		namespace => 'test')});
my $before = sql($ahead);
sql("SELECT workflow.start_workflow_execution('delayed', 'type', 'delayed',
	workflow_start_delay => '20 days', namespace => 'test')");
look();
is(sql($ahead), $before, 'a transaction under way holds the clock');
$holder->query_safe('ROLLBACK');
wait_until($node, "SELECT count(*) FROM workflow.workflow_task
	WHERE task_queue = 'delayed'", expect => '1');
isnt(sql($ahead), $before, 'its end lets it go');
answer('delayed', $close);

# and one that is prepared, until it has ended
sql(q{BEGIN;
	SELECT workflow.start_workflow_execution('prepared', 'type', 'prepared',
		namespace => 'test');
	PREPARE TRANSACTION 'p'});
$before = sql($ahead);
sql("SELECT workflow.start_workflow_execution('delayed 2', 'type',
	'delayed 2', workflow_start_delay => '20 days', namespace => 'test')");
look();
is(sql($ahead), $before, 'so does a prepared one');
sql("ROLLBACK PREPARED 'p'");
wait_until($node, "SELECT count(*) FROM workflow.workflow_task
	WHERE task_queue = 'delayed 2'", expect => '1');
pass('until it has ended');
answer('delayed 2', $close);

# a query that waits for its answer
start_run('asked', timer('a', 30 * $day));
wait_until($node, fired('asked'), expect => '1');
sql("SELECT workflow.lock_time_skipping('test')");
answer('asked', timer('b', 30 * $day));
$holder->query_until(qr//,
	"CALL workflow.query_workflow('asked', 'how', timeout => '100 s', namespace => 'test', query_result => NULL, query_rejected => NULL);\n\\echo answered\n");
wait_until($node, 'SELECT count(*) FROM workflow.query_request',
	expect => '1');
sql("SELECT workflow.unlock_time_skipping('test')");
look();
is(sql(fired('asked')), '1', 'a query that waits holds time');
sql(q{
	SELECT workflow.respond_query_task_completed(t->>'taskToken',
		query_result => '"so"')
	FROM workflow.poll_workflow_task_queue('asked', namespace => 'test')
		AS t});
$holder->query_until(qr/answered/, '');
wait_until($node, fired('asked'), expect => '2');
pass('until it is answered');
answer('asked', $close);
sql("SELECT workflow.lock_time_skipping('test')");

# ---- advance_time() waits for those who hold the clock ----

$before = sql("SELECT offset_us FROM workflow.namespace
	JOIN workflow.namespace_clock USING (namespace_id) WHERE name = 'test'");
$holder->query_safe(q{BEGIN;
	SELECT workflow.start_workflow_execution('waited for', 'type', 'x',
		workflow_run_timeout => '1 hour', namespace => 'test')});
my $setter = $node->background_psql('postgres');
$setter->query_until(qr//,
	"SELECT workflow.advance_time('test', '1 day') IS NOT NULL;\n\\echo set\n");
wait_until($node, "SELECT count(*) FROM pg_locks
	WHERE NOT granted AND locktype = 'object'", expect => '1');
is( sql("SELECT offset_us FROM workflow.namespace
		JOIN workflow.namespace_clock USING (namespace_id)
		WHERE name = 'test'"),
	$before,
	'advance_time() waits');

# the scheduler does not wait with it
sql("SELECT workflow.start_workflow_execution('ordinary', 'type', 'ordinary',
	workflow_run_timeout => '10 ms')");
wait_until($node, "SELECT status = 'TimedOut' FROM workflow.executions
	WHERE workflow_id = 'ordinary'");
pass('and keeps no other namespace waiting');
$holder->query_safe('COMMIT');
$setter->query_until(qr/set/, '');
wait_until($node, "SELECT status = 'TimedOut' FROM workflow.executions
	WHERE workflow_id = 'waited for'");
pass('what had started before is overtaken by time, not lost');
$setter->quit;
$holder->quit;

# ---- a crash between a jump and what it makes due ----

start_run('crash', timer('a', 100 * $day));
$node->append_conf('postgresql.conf', 'pg_workflow.scheduler = off');
$node->reload;
wait_until($node, "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler'", expect => '0');
my $time = sql("SELECT workflow.advance_time('test', '101 days')");
crash($node);
$node->start;
is(sql("SELECT workflow.get_current_time('test') >= '$time'"),
	't', 'time that was set survives a crash');
is(sql(fired('crash')), '0', 'nothing has been done about it');

# ---- a dump that is restored ----

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok(
	[ 'pg_dump', '--file', $dump, $node->connstr('postgres') ], 'dump');
sql('CREATE DATABASE restored');
$node->command_ok(
	[
		'psql', '--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1',
		'--file', $dump, '--dbname', $node->connstr('restored')
	],
	'restore');
my $clocks = "SELECT name, skipping_locks, offset_us
	FROM workflow.namespace_clock JOIN workflow.namespace USING (namespace_id)
	ORDER BY name";
is($node->safe_psql('restored', $clocks),
	sql($clocks), 'a dump has the clocks');
is( $node->safe_psql(
		'restored', "SELECT workflow.get_current_time('test') >= '$time'"),
	't',
	'and they go on');

# ---- a standby that is promoted ----

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'pg_workflow.scheduler = on');
$standby->start;
$time = sql("SELECT workflow.advance_time('test', '1 day')");
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is( $standby->safe_psql(
		'postgres', "SELECT workflow.get_current_time('test') >= '$time'"),
	't',
	'a standby knows what time it is');
foreach my $call (
	"SELECT workflow.advance_time('test', '1 day')",
	"SELECT workflow.unlock_time_skipping('test')",
	"CALL workflow.sleep_with_time_skipping('test', '1 day')")
{
	my ($status, $out, $err) =
	  $standby->psql('postgres', $call,
		extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/ERROR:  25006/, "refused there: $call");
}
$node->stop;
$standby->promote;
$node = $standby;
wait_until($node, fired('crash'), expect => '1');
pass('what had become due is done when it is promoted');
is(sql("SELECT workflow.get_current_time('test') >= '$time'"),
	't', 'and time has not gone back');
answer('crash', timer('b', $day));
sql("CALL workflow.sleep_with_time_skipping('test', '1 day')");
wait_until($node, fired('crash'), expect => '2');
pass('it can be skipped there');

$node->stop;
done_testing();
