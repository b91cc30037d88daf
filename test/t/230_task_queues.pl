# Task queues: what a restart leaves of turns and limits, how those who sleep
# on a limited queue are woken, how fast tasks are handed out, and what polls
# cost while an old snapshot keeps dead index entries.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node(
	'queues',
	conf => "max_prepared_transactions = 5\n"
	  . "autovacuum = off\n"
	  . "pg_workflow.workflow_id_reuse_minimal_interval = 0\n");
my $waiting = "SELECT count(*) FROM pg_stat_activity
	WHERE query LIKE 'CALL%' AND state = 'active'
	AND backend_type = 'client backend' AND xact_start IS NOT NULL";
my $number = 0;

sub start_runs
{
	my ($queue, $count, $key, $name) = @_;

	$name ||= 'w' . ++$number . '-';
	$key = $key ? "'{\"fairnessKey\": \"$key\"}'" : 'NULL';
	$node->safe_psql(
		'postgres', qq{
		SELECT count(workflow.start_workflow_execution('$name' || n, 't',
			'$queue', priority => $key)) FROM generate_series(1, $count) AS n});
	return;
}

# The workflows whose tasks a poll is given
sub polled
{
	my ($queue, $count, $more) = @_;

	return $node->safe_psql('postgres',
		"SELECT string_agg(p #>> '{workflowExecution,workflowId}', ' '
		ORDER BY n) FROM workflow.poll_workflow_task_queue('$queue', $count"
		  . ($more || '')
		  . ") WITH ORDINALITY AS p (p, n)");
}

sub configure
{
	my ($queue, $settings) = @_;

	$node->safe_psql('postgres',
		"SELECT workflow.update_task_queue_config('$queue', $settings)");
	return;
}

sub wait_on
{
	my ($queues) = @_;
	my $before = $node->safe_psql('postgres', $waiting);
	my $program = start_program($node, 'psql', '-XAt', '-c',
		"CALL workflow.wait_for_task('{$queues}', timeout => '60 s')");

	wait_until($node, $waiting, expect => $before + 1);
	return $program;
}

# ---- what a restart leaves ----

start_runs('turns', 6, 'a', 'a');
start_runs('turns', 1, 'b', 'b');
configure('stopped', 'queue_rate_limit => 0');
start_runs('stopped', 1);
start_runs('theirs', 2);
is(polled('theirs', 2, ', max_tasks_per_second => 0'),
	'', 'a worker stops a queue');
is(polled('turns', 3), 'a1 b1 a2', 'keys take turns');
$node->restart;
start_runs('turns', 1, undef, 'n');
start_runs('turns', 2, 'c', 'c');
is( polled('turns', 4),
	'a3 a4 n1 c1',
	'after a restart, those without a key and new keys have their turns');
is(polled('stopped', 1), '', 'a limit that an administrator set stays');
isnt(polled('theirs', 1), '', 'that of a worker does not');

# ---- waiters of limited queues ----

my $waiter = wait_on('stopped');
start_runs('stopped', 1);
sleep 0.3;
ok(running($waiter), 'a task in a stopped queue does not end a wait');
is( $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL%'
		AND backend_xmin IS NULL AND wait_event_type = 'Extension'"),
	'1',
	'the waiter sleeps, without a snapshot');
configure('stopped', 'queue_rate_limit => 1000');
wait_program($waiter);
like(program_output($waiter), qr/^\{stopped\}/, 'a new limit wakes it');

start_runs('theirs', 1);
$node->safe_psql('postgres',
	"SELECT count(*) FROM workflow.poll_workflow_task_queue('theirs', 9,
	max_tasks_per_second => 0)");
$waiter = wait_on('theirs');
$node->safe_psql('postgres',
	"SELECT count(*) FROM workflow.poll_workflow_task_queue('theirs', 1,
	max_tasks_per_second => 0.5)");
wait_program($waiter);
like(program_output($waiter), qr/^\{theirs\}/, 'so does that of a worker');

configure('slow', 'queue_rate_limit => 1');
start_runs('slow', 3);
isnt(polled('slow', 3), '', 'a queue has handed out what it may');
my $began = time();
my @waiters = (wait_on('slow'), wait_on('slow'));
wait_until($node, $waiting, expect => 1);
cmp_ok(time() - $began, '>', 0.3, 'waiters sleep until the next task is due');
is((grep { running($_) } @waiters), 1, 'and one of them is told of it');
isnt(polled('slow', 3), '', 'which may be handed out then');
isnt(polled('slow', 3) . polled('slow', 3), undef, 'one at a time');
configure('slow', 'unset_queue_rate_limit => true');
wait_program($_) foreach @waiters;

# ---- the pace, over all workers ----

configure('paced', 'queue_rate_limit => 20');
start_runs('paced', 200);
my $work = q{
	DO $$
	DECLARE
		v_until timestamptz := clock_timestamp() + interval '2 seconds';
		v_queues text[];
		v_none text[];
	BEGIN
		WHILE clock_timestamp() < v_until LOOP
			v_queues := '{paced}';
			v_none := NULL;
			CALL workflow.wait_for_task(v_queues, v_none,
				timeout => '0.2 s');
			PERFORM workflow.poll_workflow_task_queue('paced', 10);
			COMMIT;
		END LOOP;
	END
	$$};
my @workers =
  map { start_program($node, 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-c', $work) }
  1 .. 3;
is(wait_program($_), 0, 'a worker works') foreach @workers;
my $claimed = $node->safe_psql('postgres',
	"SELECT started FROM workflow.task_queues
	WHERE task_queue = 'paced' AND kind = 'workflow'");

# two seconds, what may come at once, and a machine that is slow
cmp_ok($claimed, '<=', 70, "no more tasks than the limit allows ($claimed)");
cmp_ok($claimed, '>=', 20, "and not much fewer ($claimed)");

# ---- dead entries under an old snapshot ----

my $old = $node->background_psql('postgres');
$old->query_safe(
	'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');

# Index entries that a poll has read, and what it was given
sub cost
{
	my ($queue) = @_;

	return split /\|/,
	  $node->safe_psql(
		'postgres', qq{
		BEGIN;
		SELECT count(*) FROM workflow.poll_workflow_task_queue('$queue') \\gset
		SELECT pg_stat_get_xact_tuples_returned(
			'workflow.workflow_task_queue_idx'::regclass) || '|' || :count;
		COMMIT});
}

sub is_fast
{
	my ($queue, $expected, $what) = @_;
	my ($entries, $count) = cost($queue);

	is($count, $expected, $what);
	cmp_ok($entries, '<', 100, "and reads few entries ($entries)");
	return;
}

start_runs('dead', 1500);
polled('dead', 1000);
polled('dead', 1000);
my ($entries, $count) = cost('dead');
cmp_ok($entries, '>=', 1500, 'dead entries are in the way');
polled('dead', 1);
is_fast('dead', 0, 'a poll knows where the queue begins');

# a task that came before, by a transaction that commits later
my $late = $node->background_psql('postgres');
$late->query_safe("BEGIN; SELECT started FROM
	workflow.start_workflow_execution('late', 't', 'dead')");
start_runs('dead', 300);
polled('dead', 1000);
polled('dead', 1) foreach 1 .. 3;
is_fast('dead', 0, 'nothing waits yet');
$late->query_safe('COMMIT');
is(polled('dead', 1), 'late', 'a task that commits late is found');

# a prepared transaction says nothing
$late->query_safe("BEGIN; SELECT started FROM
	workflow.start_workflow_execution('prepared', 't', 'dead');
	PREPARE TRANSACTION 'task'");
start_runs('dead', 300);
polled('dead', 1000);
polled('dead', 1) foreach 1 .. 3;
$node->safe_psql('postgres', "COMMIT PREPARED 'task'");
is(polled('dead', 1), 'prepared', 'so is that of a prepared one');

# a claim that is rolled back, in the transaction that looked
polled('dead', 1) foreach 1 .. 3;
start_runs('dead', 1);
$node->safe_psql(
	'postgres', q{
	BEGIN;
	SELECT count(*) FROM workflow.poll_workflow_task_queue('dead');
	SELECT count(*) FROM workflow.poll_workflow_task_queue('dead');
	SELECT count(*) FROM workflow.poll_workflow_task_queue('dead');
	ROLLBACK});
isnt(polled('dead', 1), '', 'a claim that was rolled back is found');

# activities likewise
$node->safe_psql(
	'postgres', q{
	SELECT workflow.start_workflow_execution('acts', 't', 'acts');
	SELECT workflow.respond_workflow_task_completed(p ->> 'taskToken',
		(SELECT jsonb_agg(jsonb_build_object('commandType',
			'ScheduleActivityTask', 'attributes', jsonb_build_object(
			'activityId', n::text, 'activityType', '{"name": "a"}'::jsonb,
			'startToCloseTimeout', '60s'))) FROM generate_series(1, 900) AS n))
	FROM workflow.poll_workflow_task_queue('acts') AS p;
	SELECT count(*) FROM workflow.poll_activity_task_queue('acts', 1000);
	SELECT count(*) FROM workflow.poll_activity_task_queue('acts');
	SELECT count(*) FROM workflow.poll_activity_task_queue('acts')});
cmp_ok(
	$node->safe_psql(
		'postgres', q{
		BEGIN;
		SELECT count(*) FROM workflow.poll_activity_task_queue('acts') \gset
		SELECT pg_stat_get_xact_tuples_returned(
			'workflow.activity_queue_idx'::regclass) + 1000 * :count;
		COMMIT}),
	'<',
	100,
	'polls of activities know it as well');
$old->query_safe('COMMIT');
$old->quit;
$late->quit;

check_invariants($node);
done_testing();
