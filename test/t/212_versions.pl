# Versions of workers: who is woken, who gets a query, and what a restart
# leaves of the routing.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('versions',
	conf => "pg_workflow.scheduler_look_interval = 60s\n");
my $waiting = "SELECT count(*) FROM pg_stat_activity
	WHERE query LIKE 'CALL%' AND state = 'active'
	AND backend_type = 'client backend' AND xact_start IS NOT NULL";

sub sql
{
	my ($query) = @_;
	return $node->safe_psql('postgres', $query);
}

sub worker
{
	my ($build) = @_;
	return defined $build
	  ? "build_id => '$build', deployment_name => 'd',
		versioning_mode => 'VERSIONED'"
	  : "versioning_mode => 'UNVERSIONED'";
}

sub current
{
	my ($build) = @_;
	return 'SELECT workflow.set_worker_deployment_current_version('
	  . "'d', '$build', ignore_missing_task_queues => true)";
}

# What a worker claims: the ids of the workflows, or the types of queries
sub poll
{
	my ($build) = @_;
	return sql("SELECT coalesce(p #>> '{query,queryType}',
			p #>> '{workflowExecution,workflowId}')
		FROM workflow.poll_workflow_task_queue('q', 10, "
		  . worker($build) . ') AS p');
}

sub start
{
	my ($id) = @_;
	return "SELECT workflow.start_workflow_execution('$id', 't', 'q')";
}

# Has a worker begin to wait, and returns when it does.
sub wait_on
{
	my ($build, $timeout) = @_;
	my $before = sql($waiting);
	my $program = start_program($node, 'psql', '-XAt', '-c',
		"CALL workflow.wait_for_task('{q}', NULL, '$timeout', "
		  . worker($build) . ')');

	wait_until($node, $waiting, expect => $before + 1);
	return $program;
}

sub answer
{
	my ($program) = @_;
	wait_program($program);
	my $said = program_output($program);
	chomp $said;
	return $said;
}

poll('1');
poll('2');
sql(current('1'));

# ---- who is woken ----

my $old = wait_on('1', '30 s');
my $new = wait_on('2', '3 s');
my $none = wait_on(undef, '3 s');
sql(start('w1'));
is(answer($old), '{q}|{}', 'the worker of the current version is woken');
is(answer($new), '{}|{}', 'that of another version is not');
is(answer($none), '{}|{}', 'nor is one without a version');

$new = wait_on('2', '30 s');
sql(current('2'));
is(answer($new), '{q}|{}', 'who gets the backlog now is woken');
is(poll('1'), '', 'and who had it gets none of it');
is(poll('2'), 'w1', 'the backlog has gone over');

# ---- a task whose workers were looked up before the routing changed ----

sql(current('1'));
my $session = $node->background_psql('postgres');
$session->query_safe('BEGIN');
$session->query_safe(start('w2'));
$new = wait_on('2', '30 s');
sql(current('2'));
wait_until($node, $waiting, expect => 1);
my $began = time;
$session->query_safe('COMMIT');
is(answer($new), '{q}|{}', 'a commit wakes those who get its task now');
cmp_ok(time - $began, '<', 5, 'at once');
is(poll('2'), 'w2', 'they get it');

sql(current('1'));
sql(start('w3'));
$session->query_safe('BEGIN');
$session->query_safe("SELECT count(*)
	FROM workflow.poll_workflow_task_queue('q', 1, " . worker('1') . ')');
$new = wait_on('2', '30 s');
sql(current('2'));
wait_until($node, $waiting, expect => 1);
$session->query_safe('ROLLBACK');
is(answer($new), '{q}|{}', 'a rollback does, too');
is(poll('2'), 'w3', 'they get the task');
$session->quit;

# ---- activities that waited for their run to move ----

sql(current('1'));
sql(start('w4'));
sql("SELECT count(*) FROM workflow.poll_activity_task_queue('q', 1, "
	  . worker($_) . ')') foreach ('1', '2');

sub complete
{
	my ($build, $behavior, $commands) = @_;
	return sql("SELECT workflow.respond_workflow_task_completed(
			p ->> 'taskToken', '" . ($commands || '[]') . "',
			versioning_behavior => '$behavior', " . worker($build) . ")
		FROM workflow.poll_workflow_task_queue('q', 1, "
		  . worker($build) . ') AS p');
}

complete('1', 'AUTO_UPGRADE', '[{"commandType": "ScheduleActivityTask",
	"attributes": {"activityId": "a", "activityType": "a",
	"startToCloseTimeout": "60s"}}]');
sql(current('2'));
my $activity = "SELECT count(*) FROM workflow.poll_activity_task_queue('q', 1, "
  . worker('2') . ')';
is(sql($activity), 0, 'an activity waits until its run has moved');
my $program = start_program($node, 'psql', '-XAt', '-c',
	"CALL workflow.wait_for_task(NULL, '{q}', '30 s', " . worker('2') . ')');
wait_until($node, $waiting, expect => 1);
complete('2', 'PINNED');
is(answer($program), '{}|{q}', 'its worker is woken then');
is(sql($activity), 1, 'and gets it');

# ---- queries ----

sql(current('1'));

sub query
{
	my $asker = start_program($node, 'psql', '-XAt', '-c',
		"CALL workflow.query_workflow('w4', 'state', timeout => '30 s')");

	wait_until($node, 'SELECT count(*) = 1 FROM workflow.query_request');
	return $asker;
}

sub answer_query
{
	my ($asker, $build) = @_;
	sql("SELECT workflow.respond_query_task_completed(p ->> 'taskToken',
			query_result => '\"$build\"')
		FROM workflow.poll_workflow_task_queue('q', 1, "
		  . worker($build) . ') AS p');
	return answer($asker);
}

my $asker = query();
is(poll('1'), '', 'a query of a pinned run is not for the current version');
is(answer_query($asker, '2'), '["2"]|', 'but for that of the run');
sql("SELECT workflow.terminate_workflow_execution('w4')");
$asker = query();
is(poll('1'), '', 'nor is one of a closed run');
is(answer_query($asker, '2'), '["2"]|', 'which was pinned at its end');

# ---- a restart ----

sql(start('w5'));
$node->restart;
is(poll('2'), '', 'after a restart others get nothing');
is(poll('1'), 'w5', 'and the current version its task');
$node->stop('immediate');
$node->start;
sql(start('w6'));
is(poll(), '', 'after a crash workers without a version get nothing');
like(poll("1"), qr{^w6$}m, "and the current version its task");

# ---- an own connection per statement sees each change at once ----

foreach my $build ('2', '1', '2')
{
	sql(current($build));
	sql(start("fresh $build " . time));
	like(poll($build), qr/^fresh $build/, "version $build after the change");
}

check_invariants($node);
done_testing();
