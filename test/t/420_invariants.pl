# Each invariant of test/pgtap/invariants.sql notices when it does not hold:
# damage is planted in a transaction that is rolled back.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = dirname(dirname(dirname(abs_path(__FILE__))));
my $node = new_node('invariants');
my $invariants = slurp_file("$top/test/pgtap/invariants.sql");

plan skip_all => 'needs pgTAP'
  if $node->safe_psql('postgres', "SELECT count(*)
	FROM pg_available_extensions WHERE name = 'pgtap'") == 0;

# A bit of everything: "open" has something of each kind pending, "closed" has
# had it, "waiting" has seen everything.
$node->safe_psql('postgres', slurp_file("$top/sql/00_setup.sql"));
$node->safe_psql(
	'postgres', q{
	SELECT t.start('closed'), t.start('waiting');
	SELECT workflow.start_workflow_execution('open', 't', 'open',
		workflow_task_timeout => '100 s');
	SELECT workflow.start_workflow_execution('limited', 't', 'limited',
		workflow_run_timeout => '1 h',
		search_attributes => '{"CustomerId": 1}');
	CREATE FUNCTION t.child(id text) RETURNS jsonb LANGUAGE sql AS $$
		SELECT jsonb_build_array(jsonb_build_object(
			'commandType', 'StartChildWorkflowExecution', 'attributes',
			jsonb_build_object('workflowId', id, 'workflowType', 'c',
				'taskQueue', id)));
	$$;
	SELECT t.step('waiting', t.schedule('1'));
	SELECT t.step('open', t.schedule('1') || t.timer('1', '3600s')
		|| t.child('child'));
	SELECT t.step('closed', t.schedule('1') || t.timer('1', '3600s')
		|| t.child('grown child') || jsonb_build_array(jsonb_build_object(
			'commandType', 'SignalExternalWorkflowExecution', 'attributes',
			jsonb_build_object('signalName', 's', 'execution',
				jsonb_build_object('workflowId', 'waiting')))));
	SELECT workflow.respond_activity_task_completed(t.activity('closed'));
	SELECT workflow.create_schedule('schedule', '{"action":
		{"startWorkflow": {"workflowId": "scheduled", "workflowType": "t",
			"taskQueue": "scheduled"}}}', '{"triggerImmediately": {}}');
	SELECT t.wait_event('open', 'ChildWorkflowExecutionStarted');
	SELECT t.wait_event('closed', 'ChildWorkflowExecutionStarted');
	SELECT t.wait_event('closed', 'ExternalWorkflowExecutionSignaled');
	SELECT t.wait_event('waiting', 'WorkflowExecutionSignaled');
	SELECT t.step('grown child', t.close());
	SELECT t.wait_event('closed', 'ChildWorkflowExecutionCompleted');
	SELECT t.step('closed', t.cancel_timer('1') || t.close());
	SELECT t.step('waiting');
	SELECT t.poll('open');
	SELECT workflow.signal_workflow_execution('open', 's', request_id => 'r');
	SELECT t.wait_for('SELECT count(*) = 0 FROM workflow.outbox');
	SELECT t.wait_for($$ SELECT count(*) = 1 FROM workflow.execution
		WHERE schedule_id = 'schedule' $$);
	SELECT t.start('updated');
	SELECT count(*) FROM workflow.poll_workflow_task_queue('versioned',
		deployment_name => 'd', build_id => '1',
		versioning_mode => 'VERSIONED');
	SELECT workflow.set_worker_deployment_current_version('d', '1');
	SELECT workflow.start_workflow_execution('versioned', 't', 'versioned',
		versioning_override => '{"pinned": {"version":
			{"deploymentName": "d", "buildId": "1"}}}');
});
foreach my $id ('u1', 'u2')
{
	$node->safe_psql('postgres',
		"CALL workflow.update_workflow_execution('updated', '$id', 'n',
			timeout => '0 s')");
}
$node->safe_psql(
	'postgres', q{
	SELECT workflow.respond_workflow_task_completed(t.poll('updated'), '[]',
		messages => '[{"id": "u1/accept", "protocolInstanceId": "u1", "body":
			{"@type": "type.googleapis.com/temporal.api.update.v1.Acceptance",
			 "acceptedRequestMessageId": "u1/request"}},
			{"id": "u1/complete", "protocolInstanceId": "u1", "body":
			{"@type": "type.googleapis.com/temporal.api.update.v1.Response",
			 "outcome": {"success": [1]}}}]');
});
$node->safe_psql('postgres',
	"CALL workflow.update_workflow_execution('updated', 'u3', 'n',
		timeout => '0 s')");

# Where events are damaged, it is in the copy of the histories that the checks
# look at.
my $run = q{(SELECT run_key FROM workflow.execution WHERE workflow_id = '%s')};
sub of { return sprintf("run_key = $run", $_[0]) }

sub repeat
{
	my ($type) = @_;

	return "INSERT INTO recorded (namespace_id, run_key, event_id,
			event_time, event_type, attributes)
		SELECT p.namespace_id, p.run_key,
			(SELECT max(event_id) + 1 FROM recorded AS o
			 WHERE o.run_key = p.run_key), p.event_time, p.event_type,
			p.attributes
		FROM recorded AS p WHERE event_type = '$type' LIMIT 1";
}

my %damage = (
	'event ids start at 1 and have no gaps' =>
	  'DELETE FROM recorded WHERE event_id = 2 AND ' . of('closed'),
	'every history belongs to a run' =>
	  'UPDATE recorded SET run_key = -1 WHERE ' . of('closed'),
	'every history starts with WorkflowExecutionStarted' =>
	  "UPDATE recorded SET event_type = 'MarkerRecorded' WHERE event_id = 1
		AND " . of('closed'),
	'and starts once' =>
	  "UPDATE recorded SET event_type = 'WorkflowExecutionStarted'
		WHERE event_id = 2 AND " . of('closed'),
	'references lead to earlier events of the right kind' =>
	  q{UPDATE recorded SET attributes = attributes
			|| '{"scheduledEventId": 1}'
		WHERE event_type = 'WorkflowTaskCompleted' AND } . of('waiting'),
	'an activity closes once' => repeat('ActivityTaskCompleted'),
	'a timer ends once' => repeat('TimerCanceled'),
	'a child closes once' => repeat('ChildWorkflowExecutionCompleted'),
	'a task starts once, and is asked to cancel once' =>
	  repeat('ActivityTaskStarted'),
	'a workflow task ends once' => repeat('WorkflowTaskCompleted'),
	'ActivityTaskStarted is written when the activity closes' =>
	  "UPDATE recorded SET attributes = attributes - 'startedEventId'
		WHERE event_type = 'ActivityTaskCompleted'",
	'nothing is appended while a workflow task is started' =>
	  "UPDATE recorded SET event_type = 'MarkerRecorded'
		WHERE event_type = 'WorkflowTaskCompleted' AND " . of('waiting'),
	'times do not go backwards, those of late events aside' =>
	  "UPDATE recorded SET event_time = event_time - interval '1 h'
		WHERE event_type = 'TimerStarted'",
	'members with default values are left out' =>
	  q{UPDATE recorded SET attributes = attributes || '{"x": null}'
		WHERE event_id = 1},
	'a closed run ends with the event of its status, time and length' =>
	  'UPDATE workflow.execution SET history_length = history_length + 1
		WHERE ' . of('closed'),
	'an open run has no closing event' =>
	  "UPDATE recorded SET event_type = 'WorkflowExecutionCompleted'
		WHERE event_type = 'WorkflowTaskCompleted' AND " . of('waiting'),
	'a run closes once' => repeat('WorkflowExecutionCompleted'),
	'status and close time agree' =>
	  "UPDATE workflow.execution SET status = 'Running' WHERE "
	  . of('closed'),
	'nothing is pending in a closed run' =>
	  'UPDATE workflow.timer SET ' . of('closed'),
	'every open run has its state' =>
	  'DELETE FROM workflow.mutable_state WHERE ' . of('open'),
	'a workflow id has one open run' =>
	  "UPDATE workflow.execution SET workflow_id = 'open',
			previous_run_key = run_key - 1
		WHERE close_time IS NULL",
	'it is the last one' =>
	  "UPDATE workflow.execution SET workflow_id = 'open',
			previous_run_key = run_key - 1",
	'runs of a workflow id follow each other' =>
	  "UPDATE workflow.execution SET previous_run_key = run_key",
	'a run id leads to its run, so that no two are equal' =>
	  'UPDATE workflow.execution SET run_id = gen_random_uuid() WHERE '
	  . of('open'),
	'a state knows the start of its run' =>
	  'UPDATE workflow.mutable_state SET start_time = now() WHERE '
	  . of('open'),
	'the list of closed runs has each of them in its place' =>
	  'DELETE FROM workflow.closed_execution WHERE ' . of('closed'),
	'the next event id follows the last one' =>
	  'UPDATE workflow.mutable_state SET next_event_id = next_event_id + 1
		WHERE ' . of('open'),
	'counters equal the number of rows' =>
	  'UPDATE workflow.mutable_state SET pending_timers = 0 WHERE '
	  . of('open'),
	'the size of what is pending is right' =>
	  'UPDATE workflow.mutable_state SET pending_size = 1 WHERE '
	  . of('open'),
	'every run has been changed at least once' =>
	  'UPDATE workflow.mutable_state SET state_transition_count = 0 WHERE '
	  . of('open'),
	'the number of signals is right' =>
	  'UPDATE workflow.mutable_state SET signal_count = 5 WHERE '
	  . of('open'),
	'the number of children is right' =>
	  'UPDATE workflow.mutable_state SET pending_children = 5 WHERE '
	  . of('open'),
	'the pending children are those that were started and have not closed' =>
	  'DELETE FROM workflow.child_execution WHERE ' . of('open'),
	'the state and its workflow task agree' =>
	  'UPDATE workflow.workflow_task SET sticky = true WHERE '
	  . of('limited'),
	'a run counts its updates right' =>
	  'UPDATE workflow.mutable_state SET open_updates = 0 WHERE '
	  . of('updated'),
	'no update waits for a closed run' =>
	  'UPDATE workflow.update_request SET ' . of('closed')
	  . ' WHERE state = 1',
	'an update knows its events' =>
	  'UPDATE workflow.update_request SET accepted_event_id = 1
		WHERE state = 3',
	'a workflow task of the first attempt stands in the history' =>
	  'UPDATE workflow.mutable_state SET wft_scheduled_event_id = 1 WHERE '
	  . of('open'),
	'events are buffered only while a workflow task is started' =>
	  'UPDATE workflow.mutable_state SET wft_started_event_id = 0 WHERE '
	  . of('open'),
	'an open run without a workflow task has seen everything' =>
	  'DELETE FROM workflow.workflow_task WHERE ' . of('limited'),
	'every activity that has not closed is pending' =>
	  'DELETE FROM workflow.activity WHERE ' . of('open'),
	'every pending activity has been scheduled and has not closed' =>
	  'UPDATE workflow.activity SET scheduled_event_id = 1 WHERE '
	  . of('open'),
	'the pending timers are those that were started and have not ended' =>
	  'DELETE FROM workflow.timer WHERE kind = 1',
	'the scheduler knows when a task times out that a worker has, or its queue'
	  => 'UPDATE known_deadline SET known_at = NULL WHERE ' . of('open'),
	'an activity waits for a worker, for its time, or for an operator' =>
	  'UPDATE workflow.activity SET state = 4 WHERE ' . of('open'),
	'a task has a priority, and one with a fairness key a turn' =>
	  "UPDATE workflow.activity SET fairness_key = 'k' WHERE state = 1",
	'a request id is that of a task that a worker has' =>
	  "UPDATE workflow.activity SET request_id = 'r' WHERE state = 1",
	'the timeouts of a run have their timers' =>
	  'DELETE FROM workflow.timer WHERE kind = 2',
	'an update that nobody has decided about has a workflow task to go with'
	  => 'DELETE FROM workflow.workflow_task WHERE ' . of('updated'),
	'what is asked of another workflow is on its way, or was answered' =>
	  "UPDATE recorded SET event_type = 'MarkerRecorded'
		WHERE event_type = 'ChildWorkflowExecutionStarted' AND "
	  . of('open'),
	'a pending child is open, or its end is on its way to the parent' =>
	  "UPDATE workflow.execution SET close_time = now()
		WHERE workflow_id = 'child'",
	'the numbers of undelivered signals and cancellations are right' =>
	  'UPDATE workflow.mutable_state SET pending_signals = 1 WHERE '
	  . of('open'),
	'what there is belongs to a namespace' =>
	  'UPDATE workflow.schedule SET namespace_id = 99',
	'namespaces with virtual time have a clock, and no others' =>
	  'INSERT INTO workflow.namespace_clock (namespace_id) VALUES (1)',
	'the search attributes of a run are what its events have set' =>
	  'UPDATE workflow.execution SET search_attributes = NULL WHERE '
	  . of('limited'),
	'nothing has been due for more than a minute' =>
	  "UPDATE workflow.timer SET fire_at = now() - interval '2 min'",
	'only runs that have closed wake their schedule' =>
	  "INSERT INTO workflow.schedule_wakeup (namespace_id, run_key,
			schedule_id)
		SELECT namespace_id, run_key, schedule_id FROM workflow.execution
		WHERE schedule_id = 'schedule'",
	'no schedule waits for a workflow that has ended' =>
	  "UPDATE workflow.execution SET close_time = now() - interval '2 min'
		WHERE schedule_id = 'schedule'",
	'the pinned runs are those whose states say so' =>
	  'DELETE FROM workflow.pinned_run',
	'a workflow task goes where its run says' =>
	  'UPDATE workflow.workflow_task SET version_key = 0
		WHERE version_key <> 0',
	'an activity goes to the version of its run or by the routing' =>
	  'UPDATE workflow.activity SET version_key = 7',
	'every version that is spoken of exists' =>
	  'DELETE FROM workflow.worker_version',
	'current and ramping versions are there, and neither drains' =>
	  'UPDATE workflow.worker_version SET deleted = true');

# The checks of the file, and what stands before them.
my ($begin, $checks) = $invariants =~ /\A(.*?)^SELECT plan\(\d+\);\n(.*)/ms
  or die 'where is the plan?';
my %check;
my @names;

while ($checks =~ /^(SELECT (?:is_empty|set_eq)\(.*?\n\s+'([^'\n]*)'\);)/msg)
{
	push @names, $2;
	$check{$2} = $1;
}
is_deeply([ sort @names ], [ sort keys %damage ],
	'there is damage to each of them');

my $script = $begin . "SELECT no_plan();\n";

foreach my $name (@names)
{
	$script .= "SELECT '-- $name';\n$check{$name}\nSAVEPOINT damage;\n"
	  . "$damage{$name};\n$check{$name}\nROLLBACK TO damage;\n";
}
my ($status, $out, $err) = $node->psql('postgres', "$script\nROLLBACK;");
is($status, 0, 'the damage can be done') or diag($err);

my %seen = map { /\A(.*)\n((?s).*)/ ? ($1 => $2) : () } split(/^-- /m, $out);
foreach my $name (@names)
{
	like($seen{$name} || '', qr/^ok .*^not ok /ms, "is noticed: $name");
}

check_invariants($node);
done_testing();
