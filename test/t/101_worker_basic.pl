# A worker from outside: activity, timer and signal; failures and retries; the
# subcommands of pgworkflow and their exit codes.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('worker_basic');
my ($status, $out, $err);

# ---- activity, timer, signal ----

start_workflow($node, 'basic', 'basic', '["hello", 50]');
my $worker = start_worker($node, '--identity', 'first');
wait_for_event($node, 'basic', 'TimerFired');
($status, $out, $err) =
  pgworkflow($node, 'result', 'basic', '--timeout', '0s');
is($status, 5, 'result without waiting says that the workflow is running');
($status) =
  pgworkflow($node, 'signal', 'basic', 'go', '--input', '{"n": 1.25}');
is($status, 0, 'signal is sent');
result_is($node, 'basic', '{"echo":"hello","signal":{"n":1.25}}',
	'the result has what activity and signal brought');
is( event_types($node, 'basic'),
	join(',',
		'WorkflowExecutionStarted', 'WorkflowTaskScheduled',
		'WorkflowTaskStarted', 'WorkflowTaskCompleted',
		'ActivityTaskScheduled', 'ActivityTaskStarted',
		'ActivityTaskCompleted', 'WorkflowTaskScheduled',
		'WorkflowTaskStarted', 'WorkflowTaskCompleted',
		'TimerStarted', 'TimerFired',
		'WorkflowTaskScheduled', 'WorkflowTaskStarted',
		'WorkflowTaskCompleted', 'WorkflowExecutionSignaled',
		'WorkflowTaskScheduled', 'WorkflowTaskStarted',
		'WorkflowTaskCompleted', 'WorkflowExecutionCompleted'),
	'the history is what the code did');
is( $node->safe_psql(
		'postgres', q{
		SELECT count(DISTINCT attributes->>'identity')
		FROM workflow.get_workflow_execution_history(workflow_id => 'basic')
		WHERE event_type::text = 'WorkflowTaskStarted'
		AND attributes->>'identity' = 'first'}),
	'1',
	'the worker appears with its identity');

# ---- failures ----

start_workflow($node, 'flaky', 'call', '["flaky", [2], {}]');
result_is($node, 'flaky', '3', 'a failed activity is tried again');

start_workflow($node, 'hopeless', 'call', '["hopeless", [], {}]');
($status, $out, $err) = pgworkflow($node, 'result', 'hopeless', '--json');
is($status, 3, 'result of a failed workflow exits with 3');
like($out, qr/"status": "Failed"/, 'its status is Failed');
like($out, qr/"type": "Hopeless"/, 'its failure has the type');
like($out, qr/"details": \[\s*"detail",\s*7\s*\]/, 'and the details');
like($out, qr/"message": "the root"/, 'and the cause');
($status, $out, $err) = pgworkflow($node, 'result', 'hopeless');
like($err, qr/caused by: Hopeless: never mind\n.*caused by: Root: the root/,
	'the causes are printed for people');

start_workflow($node, 'unknown', 'call',
	'["no_such_activity", [], {"attempts": 1}]');
($status, $out, $err) = pgworkflow($node, 'result', 'unknown', '--json');
like($out, qr/"type": "NotFoundError"/,
	'an activity that is not registered fails with NotFoundError');
like($out, qr/"retryState": "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED"/,
	'and could have been tried again');

start_workflow($node, 'lost', 'no_such_workflow', '[]');
wait_for_event($node, 'lost', 'WorkflowTaskFailed');
like(
	$node->safe_psql(
		'postgres', q{
		SELECT attributes->'failure'->>'message'
		FROM workflow.get_workflow_execution_history(workflow_id => 'lost')
		WHERE event_type::text = 'WorkflowTaskFailed' LIMIT 1}),
	qr/no_such_workflow/,
	'a workflow type that is not registered fails the workflow task');
($status) = pgworkflow($node, 'terminate', 'lost', '--reason', 'no code');
is($status, 0, 'terminate');
($status, $out, $err) = pgworkflow($node, 'result', 'lost');
is($status, 3, 'result of a terminated workflow exits with 3');
like($err, qr/Terminated/, 'and says Terminated');

# ---- other subcommands ----

($status, $out) = pgworkflow($node, 'describe', 'basic');
is($status, 0, 'describe');
like($out, qr/^status +Completed$/m, 'describe has the status');

($status, $out) = pgworkflow($node, 'show', 'basic');
is(scalar(split(/\n/, $out)), 20, 'show prints a line for each event');
like($out, qr/^ +5 .* ActivityTaskScheduled +activityType=echo activityId=1/m,
	'with the main attributes');

($status, $out) = pgworkflow($node, 'show', 'basic', '--json');
my $file = test_file('basic.json');
append_to_file($file, $out);
($status, $out, $err) =
  pgworkflow($node, 'replay', '--library', flows_library(), $file);
is($status, 0, 'replay agrees with the history') or diag($out . $err);
like($out, qr/: ok \(basic, 20 events, 4 workflow tasks, finished\)/,
	'and says what it has replayed');

my $other = slurp_file($file);
$other =~ s/"name": ?"echo"/"name": "other"/g;
append_to_file("$file.other", $other);
($status, $out, $err) =
  pgworkflow($node, 'replay', '--library', flows_library(), $file,
	"$file.other");
is($status, 4, 'replay of a history that the code does not match exits with 4');
like($out, qr/other: non-determinism: /, 'and says so');

($status, $out, $err) = pgworkflow($node, 'describe', 'nothing');
is($status, 1, 'an unknown workflow is an error');
like($err, qr/SQLSTATE PW005/, 'with its SQLSTATE');
($status) = pgworkflow($node, 'start', '--type', 'basic');
is($status, 2, 'a missing option is a usage error');
($status, $out, $err) =
  pgworkflow($node, 'start', '--type', 'basic', '--task-queue', 'elsewhere',
	'--id', 'twice');
is($status, 0, 'start on a queue without worker');
($status, $out, $err) =
  pgworkflow($node, 'start', '--type', 'basic', '--task-queue', 'elsewhere',
	'--id', 'twice');
is($status, 1, 'a second start of an open workflow id is refused');
like($err, qr/SQLSTATE PW106/, 'with its SQLSTATE');
($status) = pgworkflow($node, 'cancel', 'twice');
is($status, 0, 'cancel');
wait_for_event($node, 'twice', 'WorkflowExecutionCancelRequested');

is(stop_program($worker), 0, 'the worker stops in order')
  or diag(program_output($worker));

# ---- a worker that cannot begin ----

($status, $out, $err) =
  pgworkflow($node, 'worker', '--library', flows_library(), '--task-queue',
	'test', '--namespace', 'nowhere');
is($status, 1, 'a worker for an unknown namespace gives up');
like($err, qr/nowhere/, 'and says why');

check_invariants($node);
done_testing();
