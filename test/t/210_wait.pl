# Waiting: what it holds, what ends it, who is woken.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node(
	'wait',
	conf => "max_prepared_transactions = 5\n"
	  . "pg_workflow.scheduler_look_interval = 60s\n");
my $waiting = "SELECT count(*) FROM pg_stat_activity
	WHERE query LIKE 'CALL%' AND state = 'active'
	AND backend_type = 'client backend' AND xact_start IS NOT NULL";
my $number = 0;
my ($status, $out, $err);

sub refused
{
	my ($sql, $state, $what) = @_;
	my ($status, $out, $err) =
	  $node->psql('postgres', $sql,
		extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/ERROR:  $state/, $what);
	return;
}

sub start_run
{
	my ($queue) = @_;
	$number++;
	$node->safe_psql(
		'postgres', qq{
		SELECT workflow.start_workflow_execution(workflow_id => 'w$number',
			workflow_type => 'w', task_queue => '$queue',
			workflow_task_timeout => '2 min')});
	return "w$number";
}

sub claim
{
	my ($queue) = @_;
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM workflow.poll_workflow_task_queue('$queue', 10)"
	);
}

# Start waiting and return when it does.
sub wait_on
{
	my ($arguments, $procedure) = @_;
	my $before = $node->safe_psql('postgres', $waiting);
	my $program = start_program($node, 'psql', '-XAt', '-c',
		'CALL workflow.' . ($procedure || 'wait_for_task') . "($arguments)");

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

# ---- refused ----

refused("BEGIN; CALL workflow.wait_for_task('{q}', NULL); COMMIT",
	'25001', 'not in a transaction block');
refused("SELECT 1\\; CALL workflow.wait_for_task('{q}', NULL)",
	'25001', 'nor in an implicit one');
refused('CALL workflow.wait_for_task(NULL, NULL)', 'PW003', 'no queue');
refused("CALL workflow.wait_for_task('{\"\"}', NULL)", 'PW003',
	'no name of a queue');
refused("CALL workflow.wait_for_task('{q}', NULL, '-1 s')",
	'PW003', 'a negative timeout');
refused("CALL workflow.wait_for_task('{q,q1,q2,q3,q4,q5,q6,q7,q8}',
	'{q,q1,q2,q3,q4,q5,q6,q7,q8}')", 'PW003', 'too many queues');

# ---- the time is over, or there is work already ----

is( $node->safe_psql(
		'postgres', "CALL workflow.wait_for_task('{q}', '{a}', '50 ms')"),
	'{}|{}',
	'the time is over');
start_run('q');
is( $node->safe_psql(
		'postgres', "CALL workflow.wait_for_task('{p,q}', '{q}', '50 s')"),
	'{q}|{}',
	'a task is there already');
is(claim('q'), '1', 'and can be claimed');
is( $node->safe_psql(
		'postgres', "CALL workflow.wait_for_task('{q}', NULL, '50 ms')"),
	'{}|{}',
	'a claimed task is not waited for');

# ---- what it holds ----

my $waiter = wait_on("'{q}', NULL, '100 s', 'me'");
is( $node->safe_psql(
		'postgres', "SELECT backend_xmin IS NULL AND backend_xid IS NULL
		FROM pg_stat_activity WHERE query LIKE 'CALL%'"),
	't',
	'a waiter has neither a snapshot nor an xid');
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM pg_locks l
		JOIN pg_stat_activity a USING (pid)
		WHERE a.query LIKE 'CALL%' AND l.locktype <> 'virtualxid'"),
	'0',
	'and no lock');
is( $node->safe_psql(
		'postgres', "SELECT kind, task_queue FROM workflow.pollers
		WHERE identity = 'me'"),
	'workflow|q',
	'it is listed as a poller');

# ---- commits wake, rollbacks do not ----

$node->safe_psql(
	'postgres', q{
	BEGIN;
	SELECT workflow.start_workflow_execution(workflow_id => 'r',
		workflow_type => 'w', task_queue => 'q');
	ROLLBACK;
	BEGIN;
	SAVEPOINT s;
	SELECT workflow.start_workflow_execution(workflow_id => 'r',
		workflow_type => 'w', task_queue => 'q');
	ROLLBACK TO s;
	COMMIT});
sleep 0.2;
ok(running($waiter), 'rollbacks do not wake');
$node->safe_psql(
	'postgres', q{
	BEGIN;
	SAVEPOINT s;
	SELECT workflow.start_workflow_execution(workflow_id => 'r',
		workflow_type => 'w', task_queue => 'q');
	RELEASE s;
	COMMIT});
is(answer($waiter), '{q}|{}', 'a commit wakes');
is(claim('q'), '1', 'the task is there');

# ---- one waiter per task ----

my @waiters = map { wait_on("'{q,other$_}', '{q}', '100 s'") } (1 .. 10);
$node->safe_psql(
	'postgres', q{
	SELECT workflow.start_workflow_execution(workflow_id => 'first',
		workflow_type => 'w', task_queue => 'q',
		workflow_task_timeout => '2 min');
	SELECT workflow.poll_workflow_task_queue('q', 10)});
wait_until($node, $waiting, expect => '9');
sleep 1.5;
is($node->safe_psql('postgres', $waiting),
	'9', 'one task wakes one of ten waiters');

$node->safe_psql(
	'postgres', q{
	SELECT workflow.start_workflow_execution(workflow_id => 's' || i,
		workflow_type => 'w', task_queue => 'q')
	FROM generate_series(1, 3) AS i;
	SELECT workflow.poll_workflow_task_queue('q', 10)});
wait_until($node, $waiting, expect => '6');
pass('three tasks wake three');
sleep 1.5;
is($node->safe_psql('postgres', $waiting), '6', 'and no more');

# Whoever is told about a task may die: another waiter is told after a second.
start_run('q');
wait_until($node, "SELECT ($waiting) <= 4");
pass('a task that nobody claims wakes another waiter');
is(claim('q'), '1', 'it is there for whoever claims it');

# Prepared transactions wake when they commit.
sleep 1.5;
my $left = $node->safe_psql('postgres', $waiting);
$node->safe_psql(
	'postgres', q{
	BEGIN;
	SELECT workflow.start_workflow_execution(workflow_id => 'p',
		workflow_type => 'w', task_queue => 'q',
		workflow_task_timeout => '2 min');
	PREPARE TRANSACTION 'p'});
sleep 0.2;
is($node->safe_psql('postgres', $waiting), $left, 'PREPARE does not wake');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
wait_until($node, "SELECT ($waiting) < $left");
pass('COMMIT PREPARED does');
claim('q');

# ---- what ends a wait ----

$node->safe_psql('postgres',
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE query LIKE 'CALL%'");
wait_until($node, $waiting, expect => '0');
pass('pg_terminate_backend ends waits');
wait_program($_) foreach @waiters;

$waiter = wait_on("'{q}', NULL, '100 s'");
$node->safe_psql('postgres',
	"SELECT pg_cancel_backend(pid) FROM pg_stat_activity
	WHERE query LIKE 'CALL%'");
like(answer($waiter), qr/canceling statement due to user request/,
	'so does pg_cancel_backend');

my $start = time();
refused(
	"SET statement_timeout = '200 ms';
	CALL workflow.wait_for_task('{q}', NULL, '100 s')",
	'57014', 'and statement_timeout');
cmp_ok(time() - $start, '<', 20, 'in time');

$waiter = wait_on("'{q}', NULL, '100 s'");
kill_program($waiter);
wait_until($node, $waiting, expect => '0', limit => 20);
pass('and a client that is gone');

# A waiter that has been woken and is killed passes its wake-up on.
start_run('q');
is( $node->safe_psql(
		'postgres', "CALL workflow.wait_for_task('{q}', NULL, '100 s')"),
	'{q}|{}',
	'waiters that died leave nothing behind');
claim('q');

# ---- waiting and claiming ----

my $id;
my $wait_and_poll = q{
	DO $$
	DECLARE
		v_workflows text[] := '%s';
		v_activities text[] := '{claims}';
		v_tasks json;
		v_activity_tasks json;
	BEGIN
		CALL workflow.wait_and_poll(v_workflows, v_activities,
			timeout => '%s', identity => 'both', %s
			workflow_tasks => v_tasks, activity_tasks => v_activity_tasks);
		RAISE WARNING 'got %% %% %%', coalesce(json_array_length(v_tasks), 0),
			coalesce(json_array_length(v_activity_tasks), 0), v_workflows;
	END $$};

# What a wait brings that ends by itself.
sub wait_and_poll
{
	my ($queues, $timeout, $more) = @_;
	my ($out, $err);
	$node->psql('postgres',
		sprintf($wait_and_poll, $queues, $timeout, $more || ''),
		stdout => \$out, stderr => \$err);
	return $err =~ /got (.*)/ ? $1 : $err;
}

is(wait_and_poll('{claims}', '50 ms'), '0 0 {}', 'nothing to claim');
start_run('claims') for 1 .. 3;
is(wait_and_poll('{claims}', '50 s', 'max_workflow_tasks => 2,'),
	'2 0 {claims}', 'tasks that wait are claimed, and more are known of');
is(wait_and_poll('{claims}', '50 s', 'max_workflow_tasks => 0,'),
	'0 0 {claims}', 'none need be claimed');
is(wait_and_poll('{claims}', '50 s', 'max_workflow_tasks => 2,'),
	'1 0 {}', 'the last one');
refused("CALL workflow.wait_and_poll('{claims}', max_workflow_tasks => -1)",
	'PW003', 'not a negative number');
refused("BEGIN; CALL workflow.wait_and_poll('{claims}'); COMMIT",
	'25001', 'not in a transaction block, either');

$waiter = wait_on("'{claims}', NULL, '100 s', 'both'", 'wait_and_poll');
$id = start_run('claims');
like(answer($waiter), qr/^\{\}\|\{\}\|\[\{"taskToken".*"$id".*\}\]\|$/,
	'a waiter is woken and has the task');
is( $node->safe_psql(
		'postgres', "SELECT attributes ->> 'identity' FROM workflow.history
		WHERE workflow_id = '$id' AND event_type = 'WorkflowTaskStarted'"),
	'both', 'which it has started');

# Two wait for one task: it goes to one, and the other goes on waiting.
my @both = map { wait_on("'{late}', NULL, '100 s', 'both'", 'wait_and_poll') } 1, 2;
$node->safe_psql(
	'postgres', qq{
	SELECT workflow.start_workflow_execution(workflow_id => 'faster',
		workflow_type => 'w', task_queue => 'late') \\;
	SELECT workflow.poll_workflow_task_queue('late')});
sleep 0.2;
is(scalar(grep { running($_) } @both), 2,
	'those who come too late go on waiting');
start_run('late');
wait_until($node, $waiting, expect => '1');
is(scalar(grep { running($_) } @both), 1, 'the next task is for one of them');
kill_program($_) foreach @both;
wait_until($node, $waiting, expect => '0', limit => 20);

# ---- the queue of a worker that is gone ----

# A run whose worker has a queue of its own.
sub sticky_run
{
	my ($id) = (start_run('runs'));
	$node->safe_psql(
		'postgres', qq{
		SELECT workflow.respond_workflow_task_completed(task ->> 'taskToken',
			sticky_queue => 'own')
		FROM workflow.poll_workflow_task_queue('runs') AS task});
	return $id;
}

# Signal a run.  Is its next task for all workers?
sub is_for_all
{
	my ($id) = @_;
	$node->safe_psql('postgres',
		"SELECT workflow.signal_workflow_execution('$id', 's')");
	return claim('runs');
}

my @own = ("'{runs,own}', NULL, '100 s', 'worker', 'own'");
foreach my $procedure ('wait_for_task', 'wait_and_poll')
{
	$id = sticky_run();
	$waiter = wait_on(@own, $procedure);
	is(is_for_all($id), '0', 'a worker that waits has its tasks');
	wait_program($waiter);
	$node->safe_psql('postgres',
		"SELECT workflow.poll_workflow_task_queue('own', sticky => true)");

	$id = sticky_run();
	$waiter = wait_on(@own, $procedure);
	$node->safe_psql('postgres', "SELECT workflow.shutdown_worker('own')");
	wait_program($waiter);
	pass("$procedure ends when its worker is shut down");
	is(is_for_all($id), '1', 'whose runs go to others');

	$id = sticky_run();
	$waiter = wait_on(@own, $procedure);
	kill_program($waiter);
	wait_until($node, $waiting, expect => '0', limit => 20);
	is(is_for_all($id), '1', 'and so they do when it is killed');
}

# A poll makes the queue its own as well.
$id = sticky_run();
my $polling = start_program($node, 'psql', '-XAt', '-c',
	"SELECT workflow.poll_workflow_task_queue('own', sticky => true)", '-c',
	"SELECT pg_sleep(100)");
wait_until($node, "SELECT count(*) FROM pg_stat_activity
	WHERE query = 'SELECT pg_sleep(100)' AND state = 'active'", expect => '1');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid)
	FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(100)'");
wait_program($polling);
is(is_for_all($id), '1', 'or its connection is lost');

# ---- results ----

sub result
{
	my ($arguments) = @_;
	return $node->safe_psql('postgres',
		"CALL workflow.get_workflow_execution_result($arguments)");
}

$id = start_run('results');
refused("CALL workflow.get_workflow_execution_result('unknown')",
	'PW005', 'no result of a workflow that is not there');
refused("BEGIN; CALL workflow.get_workflow_execution_result('$id'); COMMIT",
	'25001', 'no waiting in a transaction block');
like(result("'$id', timeout => '0 s'"),
	qr/^[-0-9a-f]{36}\|Running\|\|$/, 'a run that is open');
like(result("'$id', timeout => '50 ms'"), qr/\|Running\|\|$/,
	'is waited for');

$waiter = wait_on("'$id'", 'get_workflow_execution_result');
is( $node->safe_psql(
		'postgres', "SELECT backend_xmin IS NULL AND backend_xid IS NULL
		FROM pg_stat_activity WHERE query LIKE 'CALL%'"),
	't',
	'without a snapshot');
$node->safe_psql('postgres',
	"SELECT workflow.signal_workflow_execution('$id', 's')");
sleep 0.2;
ok(running($waiter), 'a signal is not the end');
$node->safe_psql('postgres',
	"SELECT workflow.terminate_workflow_execution('$id', 'enough')");
is( answer($waiter) =~ s/^[^|]*\|//r,
	'Terminated||{"message": "enough", "terminatedFailureInfo": {}}',
	'the end is');
like(
	$node->safe_psql(
		'postgres',
		"BEGIN; CALL workflow.get_workflow_execution_result('$id'); COMMIT"),
	qr/\|Terminated\|/,
	'a closed run has a result in a transaction block, too');

$id = start_run('results');
$waiter = wait_on("'$id'", 'get_workflow_execution_result');
$node->safe_psql(
	'postgres', q{
	SELECT workflow.respond_workflow_task_completed(
		task->>'taskToken', jsonb_build_array(jsonb_build_object(
			'commandType', 'CompleteWorkflowExecution', 'attributes',
			jsonb_build_object('result', jsonb_build_array(42)))))
	FROM workflow.poll_workflow_task_queue('results') AS task});
like(answer($waiter), qr/^[^|]*\|Completed\|\[42\]\|$/,
	'the result of a run that completes');

$node->safe_psql(
	'postgres', q{
	SELECT workflow.start_workflow_execution(workflow_id => 'slow',
		workflow_type => 'w', task_queue => 'results',
		workflow_run_timeout => '300 ms')});
like(result("'slow'"), qr/\|TimedOut\|\|.*"timeoutFailureInfo"/,
	'the failure of a run that times out');

# ---- new events ----

$id = start_run('events');
refused("CALL workflow.wait_for_new_event('unknown')",
	'PW005', 'no events of a workflow that is not there');
refused("BEGIN; CALL workflow.wait_for_new_event('$id'); COMMIT",
	'25001', 'no waiting for events in a transaction block');
sub new_event
{
	my ($arguments) = @_;
	return $node->safe_psql('postgres',
		"CALL workflow.wait_for_new_event($arguments)");
}
like(new_event("'$id'"), qr/^[-0-9a-f]{36}\|2\|f$/, 'what is there already');
like(new_event("'$id', NULL, 2, '50 ms'"),
	qr/\|2\|f$/, 'the end of the time');
$waiter = wait_on("'$id', NULL, 2", 'wait_for_new_event');
my $patient = wait_on("'$id', NULL, 5", 'wait_for_new_event');
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM pg_stat_activity
		WHERE query LIKE 'CALL%wait_for_new_event%'
		AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)"),
	'0',
	'waiting for events holds no snapshot');
$node->safe_psql('postgres',
	"BEGIN; SELECT workflow.signal_workflow_execution('$id', 's'); ROLLBACK");
ok(running($waiter), 'what is rolled back is no event');
$node->safe_psql('postgres',
	"SELECT workflow.signal_workflow_execution('$id', 's')");
like(answer($waiter), qr/\|3\|f$/, 'a new event');
claim('events');
ok(running($patient), 'the start of a workflow task is one too few');
$node->safe_psql('postgres',
	"SELECT workflow.signal_workflow_execution('$id', 'buffered')");
ok(running($patient), 'a buffered event is none yet');
$node->safe_psql('postgres',
	"SELECT workflow.terminate_workflow_execution('$id', 'enough')");
like(answer($patient), qr/\|7\|t$/, 'the end of the run');
like(new_event("'$id', NULL, 1000"),
	qr/\|7\|t$/, 'a closed run has no more events to wait for');

# A result is that of the last run of a chain, also when the runs that follow
# start while it is waited for.
sub complete_next
{
	my ($command, $attributes) = @_;
	$node->safe_psql(
		'postgres', qq{
		SELECT workflow.respond_workflow_task_completed(
			task->>'taskToken', jsonb_build_array(jsonb_build_object(
				'commandType', '$command', 'attributes', '$attributes'::jsonb)))
		FROM workflow.poll_workflow_task_queue('chain') AS task});
	return;
}

$id = start_run('chain');
$waiter = wait_on("'$id'", 'get_workflow_execution_result');
complete_next('ContinueAsNewWorkflowExecution',
	'{"workflowType": {"name": "w"}, "taskQueue": {"name": "chain"}}');
sleep 0.2;
ok(running($waiter), 'a run that continues as new is not the end');
complete_next('FailWorkflowExecution',
	'{"failure": {"message": "no more"}}');
like(answer($waiter), qr/\|Failed\|\|\{"message": "no more"\}$/,
	'the failure of the run after it is');
my $first_run = $node->safe_psql(
	'postgres', "SELECT run_id FROM workflow.execution
	WHERE workflow_id = '$id' ORDER BY run_key LIMIT 1");
like(result("'$id', '$first_run'"), qr/\|Failed\|/,
	'as it is for who asks with the id of the first run');

# ---- claims that are taken back ----

# Who looks for work while a task is held passes it over, and sleeps.
$node->safe_psql(
	'postgres', q{
	SELECT workflow.start_workflow_execution(workflow_id => 'held',
		workflow_type => 'w', task_queue => 'held');
	BEGIN;
	SELECT count(*) FROM workflow.poll_workflow_task_queue('held');
	PREPARE TRANSACTION 'p'});
my $passed_over = wait_on("'{held}', NULL, '100 s'");
$node->safe_psql('postgres', "ROLLBACK PREPARED 'p'");
is(answer($passed_over), '{held}|{}',
	'ROLLBACK PREPARED gives a claimed task to who waits');
foreach my $end ('ROLLBACK', 'ROLLBACK TO s')
{
	my $holder = $node->background_psql('postgres');

	$holder->query_safe(
		q{BEGIN; SAVEPOINT s;
		SELECT count(*) FROM workflow.poll_workflow_task_queue('held')});
	$passed_over = wait_on("'{held}', NULL, '100 s'");
	$holder->query_safe($end);
	is(answer($passed_over), '{held}|{}', "$end of a claim");
	$holder->query_safe('COMMIT') if $end ne 'ROLLBACK';
	$holder->quit;
}
my $token = $node->safe_psql('postgres',
	"SELECT t->>'taskToken' FROM workflow.poll_workflow_task_queue('held') t"
);
$node->safe_psql(
	'postgres', qq{
	SELECT workflow.respond_workflow_task_completed('$token',
		'[{"commandType": "ScheduleActivityTask", "attributes": {
			"activityId": "1", "activityType": {"name": "a"},
			"taskQueue": {"name": "held"},
			"startToCloseTimeout": "100s"}}]')});
{
	my $holder = $node->background_psql('postgres');

	$holder->query_safe(
		q{BEGIN;
		SELECT count(*) FROM workflow.poll_activity_task_queue('held')});
	$passed_over = wait_on("NULL, '{held}', '100 s'");
	$holder->query_safe('ROLLBACK');
	is(answer($passed_over), '{}|{held}', 'ROLLBACK of a claimed activity');
	$holder->quit;
}

# ---- a client that does not read its tasks holds nothing ----

my $slow = wait_on("'{large}', NULL, '100 s'", 'wait_and_poll');
kill 'STOP', $slow->{pid};
$node->safe_psql(
	'postgres', q{
	SELECT workflow.start_workflow_execution(workflow_id => 'large',
		workflow_type => 'w', task_queue => 'large',
		input => jsonb_build_array(repeat('x', 1500000)))});
wait_until($node, "SELECT count(*) = 1 FROM pg_stat_activity
	WHERE query LIKE 'CALL%wait_and_poll%' AND wait_event = 'ClientWrite'");
($status, $out, $err) = $node->psql(
	'postgres', q{
	SET lock_timeout = '20 s';
	SELECT workflow.terminate_workflow_execution('large')});
is($status, 0, 'a task is committed before it is sent');
kill 'CONT', $slow->{pid};
wait_program($slow);

check_invariants($node);
$node->stop;
done_testing();
