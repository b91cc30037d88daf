# A workflow task whose worker has died times out, although only shared memory
# tells the scheduler when: after a crash, while there was no scheduler, in a
# prepared transaction, and when there are more than shared memory has place
# for.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

# the fewest that can be set
my $places = 16;
my $node = new_node('deadlines',
	conf => "max_prepared_transactions = 5\n"
	  . "pg_workflow.max_task_deadlines = $places\n");

sub sql
{
	my ($sql, $db) = @_;

	return $node->safe_psql($db || 'postgres', $sql);
}

# Starts runs whose workflow tasks workers then have for so long.
sub claim
{
	my ($name, $timeout, $count, $db) = @_;

	$count ||= 1;
	sql(qq{
		SELECT count(*) FROM generate_series(1, $count) AS n,
			workflow.start_workflow_execution('$name ' || n, 'type', '$name',
				workflow_task_timeout => '$timeout')}, $db);
	is( sql(qq{SELECT count(*)
		FROM workflow.poll_workflow_task_queue('$name', $count)}, $db),
		$count, "workers have the tasks: $name");
	return;
}

sub timed_out
{
	my ($name, $count, $what, $db) = @_;

	wait_until(
		$node,
		"SELECT count(*) = $count FROM workflow.history
		WHERE workflow_id LIKE '$name %'
			AND event_type = 'WorkflowTaskTimedOut'",
		db => $db || 'postgres');
	is( sql("SELECT count(*) FROM workflow.workflow_task
		WHERE task_queue = '$name'", $db),
		$count, $what);
	return;
}

# How many deadlines are known
my $known =
  'SELECT count(*) FROM workflow.task_deadlines() WHERE run_key IS NOT NULL';

# ---- more than there is place for ----

my $log = -s $node->logfile;
claim('keeps', '100 s', 50);
cmp_ok(sql($known), '<=', $places, 'there is not place for all');
claim('dies', '1 s', 50);
timed_out('dies', 50, 'all of them time out');
is( sql("SELECT count(*) FROM workflow.history
		WHERE workflow_id LIKE 'keeps %'
			AND event_type = 'WorkflowTaskTimedOut'"),
	'0', 'and none that is not due');
wait_for_log($node,
	qr/LOG:  more than $places workflow tasks have a deadline/, $log);
check_invariants($node);

# ---- places of databases that go ----

sql('DROP EXTENSION pg_workflow CASCADE');
sql('CREATE EXTENSION pg_workflow');
new_database($node, 'other');
claim('takes', '100 s', 100, 'other');
cmp_ok(sql($known, 'other'), '>=', $places / 2,
	'a database without the extension has no places');
sql('DROP DATABASE other');
claim('takes', '100 s', 100);
cmp_ok(sql($known), '>=', $places / 2,
	'nor one that was dropped');
sql("SELECT workflow.terminate_workflow_execution(workflow_id)
	FROM workflow.executions WHERE status = 'Running'");
is(sql($known), '0', 'nor has a run that has closed');

# ---- nobody there to see it ----

# a crash may take back the claim, unless something durable comes behind it
claim('crash', '2 s');
sql('CHECKPOINT');
crash($node);
$node->start;
timed_out('crash', 1, 'after a crash');

$node->append_conf('postgresql.conf', 'pg_workflow.scheduler = off');
$node->reload;
wait_until(
	$node, "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler'", expect => '0');
claim('nobody', '0.1 s');
$node->append_conf('postgresql.conf', 'pg_workflow.scheduler = on');
$node->reload;
timed_out('nobody', 1, 'when there is a scheduler again');

# a nearer one than that which the scheduler sleeps until
claim('later', '100 s');
claim('killed', '1 s');
my $old = scheduler_pid($node);
kill 'TERM', $old;
timed_out('killed', 1, 'when the scheduler was replaced');
isnt(scheduler_pid($node), $old, 'it was');

# ---- prepared transactions ----

sub prepare
{
	my ($name) = @_;

	sql(qq{
		SELECT workflow.start_workflow_execution('$name 1', 'type', '$name',
			workflow_task_timeout => '0.5 s');
		BEGIN;
		SELECT count(*) FROM workflow.poll_workflow_task_queue('$name');
		PREPARE TRANSACTION '$name'});
	return;
}

prepare('prepared');
sql("COMMIT PREPARED 'prepared'");
timed_out('prepared', 1, 'of a prepared transaction');
prepare('prepared before a crash');
crash($node);
$node->start;
wait_until($node, 'SELECT count(*) = 0 FROM workflow.task_deadlines()
	WHERE run_key IS NULL');
sql("COMMIT PREPARED 'prepared before a crash'");
timed_out('prepared before a crash', 1, 'of one that was there before a crash');

# ---- what nobody has said ----

$node->append_conf('postgresql.conf',
	"pg_workflow.scheduler_look_interval = '1 s'");
$node->reload;
sql('UPDATE workflow.mutable_state SET wft_timeout_us = 1
	WHERE wft_started_event_id <> 0');
timed_out('later', 1, 'when the state says so');

check_invariants($node);
$node->stop;
done_testing();
