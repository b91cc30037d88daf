# What a scheduler does turn by turn: fires in time, skips what is locked,
# gets over what fails, and does nothing when there is nothing to do.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('turns', conf => "autovacuum = off\n");

sub start_run
{
	my ($id, $timeout) = @_;
	$node->safe_psql(
		'postgres', qq{
		SELECT workflow.start_workflow_execution(workflow_id => '$id',
			workflow_type => 'w', task_queue => 'q',
			workflow_run_timeout => '$timeout')});
	return;
}

sub times_out
{
	my ($id, $what) = @_;
	wait_until($node,
		"SELECT status = 'TimedOut' FROM workflow.execution
		WHERE workflow_id = '$id'");
	pass($what);
	return;
}

# ---- nothing to do, nothing done ----

scheduler_pid($node);
start_run('far', '1 hour');
new_database($node, 'idle');
scheduler_pid($node, 'idle');
my $xacts = "SELECT xact_commit + xact_rollback FROM pg_stat_database
	WHERE datname = 'idle'";
$node->poll_query_until('postgres',
	"SELECT query_start < now() - interval '1 s' FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler' AND datname = 'idle'");
my $before = $node->safe_psql('postgres', $xacts);
sleep 2;
is($node->safe_psql('postgres', $xacts),
	$before, 'an idle scheduler has no transactions');
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM pg_stat_activity
		WHERE backend_type LIKE 'pg\\_workflow%'
		AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL
			OR xact_start IS NOT NULL)"),
	'0',
	'and holds nothing');
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM pg_locks l
		JOIN pg_stat_activity a USING (pid)
		WHERE a.backend_type LIKE 'pg\\_workflow%'"),
	'0',
	'nor any lock');

# ---- in time ----

start_run("soon-$_", '200 ms') foreach (1 .. 5);
times_out('soon-5', 'a run times out');
is( $node->safe_psql(
		'postgres', "SELECT bool_and(close_time - start_time
			BETWEEN interval '200 ms' AND interval '5 s')
		FROM workflow.execution WHERE workflow_id LIKE 'soon%'"),
	't',
	'not too early and not too late');

# An earlier deadline disturbs a scheduler that sleeps for a later one.
start_run('second', '30 min');
start_run('first', '100 ms');
times_out('first', 'the earlier deadline is not slept through');

# ---- locked runs ----

start_run('locked', '300 ms');
my $holder = $node->background_psql('postgres');
$holder->query_safe(
	q{BEGIN; SELECT FROM workflow.mutable_state m
	JOIN workflow.execution e USING (namespace_id, run_key)
	WHERE e.workflow_id = 'locked' FOR UPDATE OF m});
start_run('free', '300 ms');
times_out('free', 'a locked run does not hold up another');
sleep 0.5;
start_run('free again', '100 ms');
times_out('free again', 'nor later');
is( $node->safe_psql(
		'postgres', "SELECT status FROM workflow.execution
		WHERE workflow_id = 'locked'"),
	'Running',
	'the locked run waits');
$holder->query_safe('COMMIT');
times_out('locked', 'and is fired when it is free');
$holder->quit;

# ---- locked activities ----

# A worker that polls in a transaction of its own holds its activity.
$node->safe_psql(
	'postgres', q{
	SELECT workflow.start_workflow_execution(workflow_id => 'working',
		workflow_type => 'w', task_queue => 'working',
		workflow_run_timeout => '1 s');
	SELECT workflow.respond_workflow_task_completed(t->>'taskToken',
		'[{"commandType": "ScheduleActivityTask", "attributes": {
			"activityId": "1", "activityType": {"name": "a"},
			"startToCloseTimeout": "100s"}}]')
	FROM workflow.poll_workflow_task_queue('working') AS t});
my $worker = $node->background_psql('postgres');
$worker->query_safe(
	q{BEGIN;
	SELECT count(*) FROM workflow.poll_activity_task_queue('working')});
sleep 1.5;
start_run('idle worker', '100 ms');
times_out('idle worker', 'a held activity does not hold up other runs');
$worker->query_safe('COMMIT');
times_out('working', 'its run is ended when it is free');
$worker->quit;

# A schedule that is to end a run waits for its activity, but not for ever.
$node->safe_psql(
	'postgres', q{
	SELECT workflow.create_schedule('working', '{"action": {"startWorkflow": {
		"workflowId": "scheduled", "workflowType": {"name": "w"},
		"taskQueue": {"name": "scheduled"}}}, "spec": {}}',
		initial_patch => '{"triggerImmediately": {}}')});
wait_until($node, "SELECT count(*) FROM workflow.workflow_task
	WHERE task_queue = 'scheduled'", expect => '1');
$node->safe_psql(
	'postgres', q{
	SELECT workflow.respond_workflow_task_completed(t->>'taskToken',
		'[{"commandType": "ScheduleActivityTask", "attributes": {
			"activityId": "1", "activityType": {"name": "a"},
			"startToCloseTimeout": "100s"}}]')
	FROM workflow.poll_workflow_task_queue('scheduled') AS t});
$worker = $node->background_psql('postgres');
$worker->query_safe(
	q{BEGIN;
	SELECT count(*) FROM workflow.poll_activity_task_queue('scheduled')});
$node->safe_psql(
	'postgres', q{
	SELECT workflow.patch_schedule('working', '{"triggerImmediately": {
		"overlapPolicy": "SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER"}}')});
sleep 0.2;
start_run('unscheduled', '100 ms');
times_out('unscheduled', 'a schedule that waits does not hold up runs');
$worker->query_safe('COMMIT');
$worker->quit;

# ---- messages to a locked run ----

# More of them than a turn delivers.
$node->safe_psql(
	'postgres', q{
	SELECT count(workflow.start_workflow_execution(
		workflow_id => CASE i WHEN 0 THEN 'parent' WHEN 1 THEN 'target'
			ELSE 'sender' || i END,
		workflow_type => 'w',
		task_queue => CASE i WHEN 0 THEN 'parents' WHEN 1 THEN 'targets'
			ELSE 'senders' END))
	FROM generate_series(0, 101) AS i});
$holder = $node->background_psql('postgres');
$holder->query_safe(
	q{BEGIN; SELECT workflow.signal_workflow_execution('target', 's')});
$node->safe_psql(
	'postgres', q{
	SELECT count(workflow.respond_workflow_task_completed(t->>'taskToken',
		'[{"commandType": "SignalExternalWorkflowExecution", "attributes": {
			"execution": {"workflowId": "target"}, "signalName": "s"}}]'))
	FROM workflow.poll_workflow_task_queue('senders', 100) AS t});
$node->safe_psql(
	'postgres', q{
	SELECT workflow.respond_workflow_task_completed(t->>'taskToken',
		'[{"commandType": "StartChildWorkflowExecution", "attributes": {
			"workflowId": "child", "workflowType": {"name": "w"}}}]')
	FROM workflow.poll_workflow_task_queue('parents') AS t});
wait_until($node, "SELECT count(*) FROM workflow.execution
	WHERE workflow_id = 'child'", expect => '1');
pass('messages that wait for a run do not hold up others');
$holder->query_safe('COMMIT');
wait_until($node, 'SELECT count(*) FROM workflow.outbox', expect => '0');
pass('and are delivered when it is free');
$holder->quit;

check_invariants($node);

# ---- a run that has become too large ----

# Its timer's event is one too many, but a worker has its activity.
my %too_large = (
	history => 'pg_workflow.history_count_error = 10',
	pending => 'pg_workflow.mutable_state_size_error = 700');
foreach my $what (sort keys %too_large)
{
	$node->safe_psql(
		'postgres', qq{
		SELECT workflow.start_workflow_execution('large $what', 'w',
			'large $what');
		SELECT workflow.respond_workflow_task_completed(t->>'taskToken', '[
			{"commandType": "ScheduleActivityTask", "attributes": {
				"activityId": "1", "activityType": {"name": "a"},
				"startToCloseTimeout": "100s"}},
			{"commandType": "StartTimer", "attributes": {
				"timerId": "1", "startToFireTimeout": "1s"}},
			{"commandType": "StartTimer", "attributes": {
				"timerId": "2", "startToFireTimeout": "1s"}}]')
		FROM workflow.poll_workflow_task_queue('large $what') AS t});
	$node->append_conf('postgresql.conf', $too_large{$what});
	$node->reload;
}
my $large = $node->background_psql('postgres');
my $offset = -s $node->logfile;
$large->query_safe(
	q{BEGIN;
	SELECT count(*) FROM workflow.poll_activity_task_queue('large history');
	SELECT count(*) FROM workflow.poll_activity_task_queue('large pending')});
start_run('small', '100 ms');
times_out('small', 'a run that is to end does not hold up others');
wait_until($node, "SELECT count(*) FROM workflow.pending_timers
	WHERE workflow_id LIKE 'large%'", expect => '0');
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM workflow.executions
		WHERE workflow_id LIKE 'large%' AND status = 'Running'"),
	'2',
	'nor itself, while a worker has its activity');
$large->query_safe('COMMIT');
$large->quit;
$node->safe_psql('postgres', "SELECT workflow.signal_workflow_execution(
	workflow_id, 's') FROM workflow.executions
	WHERE workflow_id LIKE 'large%'");
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM workflow.executions
		WHERE workflow_id LIKE 'large%' AND status = 'Terminated'"),
	'2',
	'the next thing that happens to it ends it');
unlike(slurp_file($node->logfile, $offset),
	qr/pg_workflow scheduler.* ERROR:/, 'none of that is an error');
$node->append_conf('postgresql.conf',
	"pg_workflow.history_count_error = 51200\n"
	  . "pg_workflow.mutable_state_size_error = '8MB'");
$node->reload;

# ---- parts that fail ----

# Who locks a table of updates keeps retention and updates from being looked
# at, and nobody else.
$node->safe_psql(
	'postgres', q{
	SELECT workflow.register_namespace('brief', '0');
	SELECT workflow.start_workflow_execution('brief', 'w', 'q',
		workflow_run_timeout => '1 s', namespace => 'brief')});
$holder = $node->background_psql('postgres');
$holder->query_safe(
	'BEGIN; LOCK TABLE workflow.update_request, workflow.query_request,
		workflow.batch_operation');
$node->append_conf('postgresql.conf',
	'pg_workflow.scheduler_look_interval = 1000');
$node->reload;
$offset = -s $node->logfile;
start_run('part', '100 ms');
wait_for_log($node, qr/pg_workflow scheduler.* ERROR:  canceling statement due to lock timeout/,
	$offset);
start_run("part-$_", '100 ms') foreach (1 .. 3);
times_out("part-$_", "run $_ beside parts that fail") foreach (1 .. 3);
wait_until($node, "SELECT status = 'TimedOut' FROM workflow.execution
	WHERE workflow_id = 'brief'");
$holder->query_safe('COMMIT');
$holder->quit;
wait_until($node, "SELECT count(*) FROM workflow.execution
	WHERE workflow_id = 'brief'", expect => '0');
pass('parts that failed go on when they can');
$node->append_conf('postgresql.conf',
	'pg_workflow.scheduler_look_interval = 60000');
$node->reload;

# ---- what is left of a namespace ----

# Only snapshots of its own database could still lead to it.
my $elsewhere = $node->background_psql('idle');
$elsewhere->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
$node->safe_psql('postgres', "SELECT workflow.register_namespace('gone')");
$node->safe_psql('postgres', "SELECT workflow.delete_namespace('gone')");
wait_until($node, "SELECT count(*) FROM workflow.namespace
	WHERE name LIKE 'gone%'", expect => '0');
pass('a snapshot of another database keeps no namespace');
$elsewhere->quit;

# ---- runs that fail ----

# Its execution row is gone: the scheduler cannot close it.
start_run('broken', '300 ms');
$node->safe_psql('postgres',
	"DELETE FROM workflow.execution WHERE workflow_id = 'broken'");
$offset = -s $node->logfile;
start_run("sound-$_", '300 ms') foreach (1 .. 5);
wait_for_log($node, qr/ERROR/, $offset);
times_out("sound-$_", "run $_ behind the broken one") foreach (1 .. 5);
start_run('after', '100 ms');
times_out('after', 'one that comes later');
sleep 1;
my $log = slurp_file($node->logfile, $offset);
my $errors = () = $log =~ /pg_workflow scheduler.* ERROR:/g;
is($errors, 1, 'the same error is logged once');

$node->stop;
done_testing();
