# Which commits wait for the disk: those that promise something, and not those
# that only claim.  A synchronous standby that never comes makes the
# difference visible: a synchronous commit waits for it for ever.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node(
	'claims',
	init => [ allows_streaming => 1 ],
	conf => "autovacuum = off\n");

$node->safe_psql(
	'postgres', q{
	CREATE TABLE mine (a int);
	SELECT workflow.start_workflow_execution(workflow_id => 'w' || i,
		workflow_type => 'w', task_queue => 'q')
	FROM generate_series(1, 20) AS i});

# Reading a page that has dead rows may clean it, which is a write.
$node->safe_psql('postgres', 'VACUUM');
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'");
$node->reload;
wait_until($node,
	"SELECT setting = 'nobody' FROM pg_settings
	WHERE name = 'synchronous_standby_names'");

my $poll = "SELECT count(*) FROM workflow.poll_workflow_task_queue('q', 1)";

sub asynchronous
{
	my ($sql, $what) = @_;
	my $timed_out = 0;

	$node->psql(
		'postgres', $sql,
		timeout => $PostgreSQL::Test::Utils::timeout_default,
		timed_out => \$timed_out);
	ok(!$timed_out, $what);
	$node->safe_psql('postgres',
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE wait_event = 'SyncRep'")
	  if $timed_out;
	return;
}

sub synchronous
{
	my ($sql, $what) = @_;
	my $program = start_program($node, 'psql', '-X', '-c', $sql);
	my $waits = "SELECT count(*) = 1 FROM pg_stat_activity
		WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'";

	wait_until($node, $waits);
	pass($what);
	$node->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM pg_stat_activity
		WHERE wait_event = 'SyncRep'");
	wait_program($program);
	return;
}

asynchronous($poll, 'a poll alone');
asynchronous("BEGIN; $poll; $poll; COMMIT", 'two polls alone');
asynchronous("BEGIN; SELECT count(*) FROM mine; $poll; COMMIT",
	'a poll beside a read');
asynchronous("BEGIN; SAVEPOINT s; $poll; RELEASE s; COMMIT",
	'a poll in a subtransaction');
synchronous("BEGIN; INSERT INTO mine VALUES (1); $poll; COMMIT",
	'a poll after a write');
synchronous("BEGIN; $poll; INSERT INTO mine VALUES (1); COMMIT",
	'a poll before a write');
synchronous("BEGIN; $poll; INSERT INTO mine VALUES (1); $poll; COMMIT",
	'a write between polls');
synchronous(
	"BEGIN; $poll; SAVEPOINT s; INSERT INTO mine VALUES (1);
	ROLLBACK TO s; COMMIT",
	'a write that was rolled back counts as one');
synchronous('INSERT INTO mine VALUES (1)', 'a write without polls');
synchronous(
	"SELECT workflow.start_workflow_execution(workflow_id => 'new',
		workflow_type => 'w', task_queue => 'q')",
	'a start');
synchronous("SELECT workflow.signal_workflow_execution('w1', 's')",
	'a signal');
synchronous(
	"BEGIN; $poll; SELECT workflow.signal_workflow_execution('w1', 's');
	COMMIT",
	'a poll beside a promise');
is($node->safe_psql('postgres', "BEGIN; $poll; COMMIT; SHOW synchronous_commit"),
	"1\non", 'the setting stays as it was');

check_invariants($node);
$node->stop('immediate');
done_testing();
