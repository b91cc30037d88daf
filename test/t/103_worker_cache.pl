# The sticky cache: partial histories for cached runs, eviction of the least
# recently used, no cache at all, and what the worker does with a task it is
# too late for.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('worker_cache');

sub run_steps
{
	my ($name, $runs, $steps) = @_;

	start_workflow($node, "$name$_", 'steps', "[$steps]") for 1 .. $runs;
	foreach my $step (1 .. $steps)
	{
		pgworkflow($node, 'signal', "$name$_", 'next') for 1 .. $runs;
		wait_for_event($node, "$name$_", 'ActivityTaskCompleted', $step)
		  for 1 .. $runs;
	}
	return;
}

sub queue_kinds
{
	my ($id) = @_;

	return $node->safe_psql(
		'postgres', qq{
		SELECT string_agg(DISTINCT coalesce(
				attributes->'taskQueue'->>'kind', 'TASK_QUEUE_KIND_NORMAL'), ','
				ORDER BY coalesce(
				attributes->'taskQueue'->>'kind', 'TASK_QUEUE_KIND_NORMAL'))
		FROM workflow.get_workflow_execution_history(workflow_id => '$id')
		WHERE event_type::text = 'WorkflowTaskScheduled'});
}

# ---- room for all ----

my $worker = start_worker($node);
run_steps('roomy', 3, 3);
result_is($node, "roomy$_", '6', "run $_ with room for all") for 1 .. 3;
is(queue_kinds('roomy1'), 'TASK_QUEUE_KIND_NORMAL,TASK_QUEUE_KIND_STICKY',
	'later tasks come over the sticky queue');
unlike(program_output($worker), qr/WARNING|ERROR/, 'nothing went wrong')
  or diag(program_output($worker));
stop_program($worker);

# ---- room for one ----

$worker = start_worker($node, '--cache', '1');
run_steps('tight', 4, 3);
result_is($node, "tight$_", '6', "run $_ with room for one") for 1 .. 4;
is( $node->safe_psql(
		'postgres', q{
		SELECT count(*) FROM generate_series(1, 4) g,
		workflow.get_workflow_execution_history(workflow_id => 'tight' || g)
		WHERE event_type::text IN ('WorkflowTaskFailed',
			'WorkflowTaskTimedOut')}),
	'0',
	'evicted runs are replayed without failures');
stop_program($worker);

# ---- no room ----

$worker = start_worker($node, '--cache', '0');
run_steps('none', 2, 3);
result_is($node, "none$_", '6', "run $_ without a cache") for 1 .. 2;
is(queue_kinds('none1'), 'TASK_QUEUE_KIND_NORMAL',
	'without a cache there is no sticky queue');
stop_program($worker);

# ---- two workers: the run moves when its worker stops ----

$worker = start_worker($node, '--identity', 'one');
start_workflow($node, "moving1", "steps", "[3]");
pgworkflow($node, "signal", "moving1", "next");
wait_for_event($node, "moving1", "ActivityTaskCompleted");
stop_program($worker);
$worker = start_worker($node, '--identity', 'two');
pgworkflow($node, 'signal', 'moving1', 'next');
wait_for_event($node, 'moving1', 'WorkflowTaskCompleted', 3);
is( $node->safe_psql(
		'postgres', q{
		SELECT count(*)
		FROM workflow.get_workflow_execution_history(workflow_id => 'moving1')
		WHERE event_type::text = 'WorkflowTaskTimedOut'}),
	'0',
	'a worker that stops hands its runs over without a timeout');

# ---- a run that is closed while its task is in work ----

pgworkflow($node, 'terminate', 'moving1');
start_workflow($node, 'after', 'call', '["echo", [1], {}]');
result_is($node, 'after', '1', 'a terminated run does not disturb the worker');
is(stop_program($worker), 0, 'which stops in order');

check_invariants($node);
done_testing();
