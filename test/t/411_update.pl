# Updates: their events, what is refused, and what becomes of those in flight.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('update',
	conf => "pg_workflow.workflow_id_reuse_minimal_interval = 0\n");
my $v1 = 'type.googleapis.com/temporal.api.update.v1';
my $completed = 'UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED';
my $accepted = 'UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED';
my $admitted = 'UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED';

sub sql
{
	my ($query) = @_;
	return $node->safe_psql('postgres', $query);
}

sub start_run
{
	my ($id, $more) = @_;
	sql("SELECT workflow.start_workflow_execution('$id', 'type', '$id'"
		  . ($more ? ", $more" : '')
		  . ')');
	return;
}

sub poll
{
	my ($queue, $sticky) = @_;
	return sql("SELECT * FROM workflow.poll_workflow_task_queue('$queue', 1, "
		  . "'worker', "
		  . ($sticky ? 'true' : 'false')
		  . ')');
}

sub part
{
	my ($task, $path) = @_;
	return sql("SELECT \$task\$$task\$task\$::jsonb #>> '{$path}'");
}

sub complete
{
	my ($task, $commands, $more) = @_;
	my $token = part($task, 'taskToken');
	return sql('SELECT workflow.respond_workflow_task_completed('
		  . "'$token', '"
		  . ($commands || '[]')
		  . "', 'worker'"
		  . ($more ? ", $more" : '')
		  . ')');
}

# A started run whose first workflow task has completed
sub idle_run
{
	my ($id, $more) = @_;
	start_run($id, $more);
	complete(poll($id));
	return;
}

sub acceptance
{
	my ($id) = @_;
	return qq({"id": "$id/accept", "protocolInstanceId": "$id", "body":
		{"\@type": "$v1.Acceptance",
		"acceptedRequestMessageId": "$id/request",
		"acceptedRequestSequencingEventId": 5}});
}

sub response
{
	my ($id, $outcome) = @_;
	$outcome ||= '{"success": ["done"]}';
	return qq({"id": "$id/complete", "protocolInstanceId": "$id", "body":
		{"\@type": "$v1.Response", "meta": {"updateId": "$id"},
		"outcome": $outcome}});
}

sub rejection
{
	my ($id) = @_;
	return qq({"id": "$id/reject", "protocolInstanceId": "$id", "body":
		{"\@type": "$v1.Rejection", "rejectedRequestMessageId": "$id/request",
		"failure": {"message": "no"}}});
}

sub command
{
	my ($id) = @_;
	return qq({"commandType": "ProtocolMessage",
		"attributes": {"messageId": "$id"}});
}

sub accept_and_complete
{
	my ($task, $id) = @_;
	return complete(
		$task,
		'[' . command("$id/accept") . ',' . command("$id/complete") . ']',
		"messages => '[" . acceptance($id) . ',' . response($id) . "]'");
}

# Start a CALL, and return when the update is there.
sub send_update
{
	my ($arguments, $procedure) = @_;
	my $count = 'SELECT count(*) FROM workflow.update_request
		WHERE state = 1';
	my $before = sql($count);
	my $program = start_program(
		$node, 'psql',
		'-XAtq', '-v',
		'VERBOSITY=verbose', '-c',
		'CALL workflow.'
		  . ($procedure || 'update_workflow_execution')
		  . "($arguments)");

	wait_until($node, $count, expect => $before + 1);
	return $program;
}

# Start a CALL, and return when it waits.
sub wait_on
{
	my ($call) = @_;
	my $waiting = "SELECT count(*) FROM pg_stat_activity
		WHERE query LIKE 'CALL%' AND state = 'active'
		AND wait_event_type = 'Extension'";
	my $before = sql($waiting);
	my $program = start_program($node, 'psql', '-XAtq', '-v',
		'VERBOSITY=verbose', '-c', "CALL workflow.$call");

	wait_until($node, $waiting, expect => $before + 1);
	return $program;
}

sub said
{
	my ($program) = @_;
	wait_program($program);
	my $said = program_output($program);
	chomp $said;
	return $said;
}

sub refused
{
	my ($call, $state, $message, $what) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $call,
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	$message = qr/\Q$message\E/ if !ref $message;
	like($err, qr/ERROR:  $state: .*$message/s, $what);
	return;
}

sub types
{
	my ($id) = @_;
	return sql("SELECT string_agg(event_id || ' '
			|| replace(replace(event_type::text, 'WorkflowTask', 'Wt'),
				'WorkflowExecution', ''), ', '
			ORDER BY event_id)
		FROM workflow.get_workflow_execution_history('$id')");
}

sub attributes
{
	my ($id, $event) = @_;
	return sql("SELECT attributes
		FROM workflow.get_workflow_execution_history('$id')
		WHERE event_id = $event");
}

my $begun = '1 Started, 2 WtScheduled, 3 WtStarted, 4 WtCompleted';

# ---- refused at once ----

idle_run('u');
refused("BEGIN; CALL workflow.update_workflow_execution('u', 'i', 'n'); COMMIT",
	'25001', 'cannot wait inside a transaction block',
	'not in a transaction block');
refused("CALL workflow.update_workflow_execution('none', 'i', 'n')",
	'PW005', 'not found', 'no such workflow');
refused("CALL workflow.update_workflow_execution('u', 'i', NULL)",
	'PW003', 'update_name is not set', 'no name');
refused(
	"CALL workflow.update_workflow_execution('u', 'i', 'n',
	wait_for_stage => 'ADMITTED')", 'PW003',
	'cannot wait for stage "ADMITTED"', 'admission is not waited for');
refused(
	"CALL workflow.update_workflow_execution('u', 'i', 'n',
	first_execution_run_id => '00000000-0000-4000-8000-000000000000')",
	'PW005',
	'not found',
	'another chain of runs');
refused("CALL workflow.poll_workflow_execution_update('u', 'i')",
	'PW005', 'update "i" not found', 'an update that was never sent');
is(types('u'), $begun, 'nothing of that is in the history');

# ---- rejected: no trace ----

my $call = send_update(q('u', 'i', 'n', '[1]', header => '{"h": 1}',
	identity => 'me'));
is(sql("SELECT count(*) FROM workflow.history_event WHERE event_id > 4"),
	'0', 'a speculative workflow task is not in the history');
my $task = poll('u');
is( part($task, 'messages'),
	'[{"id": "i/request", "body": {"meta": {"identity": "me",'
	  . qq( "updateId": "i"}, "\@type": "$v1.Request", "input": {"args": [1],)
	  . ' "name": "n", "header": {"fields": {"h": 1}}}}, "eventId": 5,'
	  . ' "protocolInstanceId": "i"}]',
	'the worker gets the request');
is( sql("SELECT string_agg(e->>'eventId' || (e->>'eventType'), ' ')
	FROM jsonb_array_elements(\$task\$$task\$task\$::jsonb
		-> 'transientEvents') AS e"),
	'5WorkflowTaskScheduled 6WorkflowTaskStarted',
	'with the events that the history has not got');
my $twin = wait_on(q(update_workflow_execution('u', 'i', 'n', '[1]')));
is( complete($task, '[]', "messages => '[" . rejection('i') . "]'"),
	'{"resetHistoryEventId": 3}',
	'the worker goes back to where it was');
is(said($call), "$completed|{\"failure\": {\"message\": \"no\"}}",
	'a rejection is an outcome');
is(said($twin), "$completed|{\"failure\": {\"message\": \"no\"}}",
	'also of those who sent it again meanwhile');
is(types('u'), $begun, 'it leaves no event');
refused("CALL workflow.poll_workflow_execution_update('u', 'i')",
	'PW005', 'update "i" not found', 'a rejected update is unknown');
is( sql("SELECT open_updates || ' ' || update_count
		FROM workflow.mutable_state"),
	'0 0',
	'and does not count');

# ---- accepted and completed at once ----

$call = send_update(q('u', 'i', 'n', '[1]', identity => 'me'));
is(accept_and_complete(poll('u'), 'i'), '{}', 'the same id runs again');
is(said($call), "$completed|{\"success\": [\"done\"]}", 'its outcome');
is( types('u'),
	"$begun, 5 WtScheduled, 6 WtStarted, 7 WtCompleted,"
	  . ' 8 UpdateAccepted, 9 UpdateCompleted',
	'the events of its workflow task are written');
is( attributes('u', 8),
	'{"acceptedRequest": {"meta": {"identity": "me", "updateId": "i"},'
	  . ' "input": {"args": [1], "name": "n"}}, "protocolInstanceId": "i",'
	  . ' "acceptedRequestMessageId": "i/request",'
	  . ' "acceptedRequestSequencingEventId": 5}',
	'WorkflowExecutionUpdateAccepted');
is( attributes('u', 9),
	'{"meta": {"updateId": "i"}, "outcome": {"success": ["done"]},'
	  . ' "acceptedEventId": 8}',
	'WorkflowExecutionUpdateCompleted');
is( sql("CALL workflow.update_workflow_execution('u', 'i', 'other')"),
	"$completed|{\"success\": [\"done\"]}",
	'a known id is answered with its outcome');
is( sql("CALL workflow.poll_workflow_execution_update('u', 'i')"),
	"$completed|{\"success\": [\"done\"]}",
	'and found by a poll');

# ---- accepted now, completed later ----

$call = send_update(q('u', 'late', 'n', wait_for_stage => 'ACCEPTED'));
complete(
	poll('u'),
	'[' . command('late/accept') . ']',
	"messages => '[" . acceptance('late') . "]'");
is(said($call), "$accepted|", 'its sender waits for the acceptance');
is( sql(
		q(CALL workflow.update_workflow_execution('u', 'late', 'n',
		timeout => '0 s'))),
	"$accepted|",
	'when the time is over the stage is told');
$call = wait_on(q(poll_workflow_execution_update('u', 'late')));
sql("SELECT workflow.signal_workflow_execution('u', 's')");
complete(
	poll('u'),
	'[' . command('late/complete') . ']',
	"messages => '["
	  . response('late', '{"failure": {"message": "bad"}}') . "]'");
is( said($call),
	"$completed|{\"failure\": {\"message\": \"bad\"}}",
	'a poll waits for the outcome');

# ---- what rides on what ----

start_run('ride');
$call = send_update(q('ride', 'i', 'n'));
$task = poll('ride');
is(part($task, 'messages,0,id'),
	'i/request', 'an update goes with the first workflow task');
is(part($task, 'transientEvents'), '', 'which is a normal one');
my $second = send_update(q('ride', 'j', 'n'));
complete($task, '[]', "messages => '[" . rejection('i') . "]'");
like(said($call), qr/"no"/, 'it is rejected');
is(types('ride'), $begun, 'in a task that had to be written');
$task = poll('ride');
is(part($task, 'messages,0,id'),
	'j/request', 'another one comes with the next task');
sql("SELECT workflow.signal_workflow_execution('ride', 's')");
is( types('ride'),
	"$begun, 5 WtScheduled, 6 WtStarted",
	'something happens: the task becomes a normal one');
is( complete($task, '[]', "messages => '[" . rejection('j') . "]'"),
	'{}',
	'and is not taken back');
like(said($second), qr/"no"/, 'it is rejected, too');
is( types('ride'),
	"$begun, 5 WtScheduled, 6 WtStarted, 7 WtCompleted, 8 Signaled,"
	  . ' 9 WtScheduled',
	'what happened comes behind it');
complete(poll('ride'));

$call = send_update(q('ride', 'k', 'n'));
sql("SELECT workflow.signal_workflow_execution('ride', 's')");
like(types('ride'), qr/12 WtScheduled, 13 Signaled$/,
	'a task that is not started yet becomes a normal one, too');
$task = poll('ride');
sql("SELECT workflow.respond_workflow_task_failed('"
	  . part($task, 'taskToken')
	  . "')");
$task = poll('ride');
is(part($task, 'messages,0,id'),
	'k/request', 'a failed task leaves its updates to the next one');
is(part($task, 'attempt'), '2', 'which is transient');
complete($task);
like(said($call), qr/"type": "UnprocessedUpdate"/,
	'a worker that does not answer rejects');

$call = send_update(q('ride', 'l', 'n'));
$task = poll('ride');
$task = complete($task, '[]',
	'force_create_new_workflow_task => true,'
	  . " return_new_workflow_task => true, sticky_queue => 'own'");
is(part($task, 'workflowTask,messages'),
	'', 'a heartbeat keeps the updates that the worker has');
is( sql("SELECT count(*) FROM workflow.update_request
		WHERE update_id = 'l' AND state = 1"),
	'1',
	'undecided');
accept_and_complete(part($task, 'workflowTask'), 'l');
like(said($call), qr/"done"/, 'until it answers');

# ---- bad messages ----

idle_run('bad');
$call = send_update(q('bad', 'i', 'n'));
$task = poll('bad');
my $token = part($task, 'taskToken');
refused(
	"SELECT workflow.respond_workflow_task_completed('$token',
		messages => '{}')", 'PW003', 'messages are not a JSON array',
	'no array');
refused(
	"SELECT workflow.respond_workflow_task_completed('$token',
		messages => '[{\"id\": \"i\"}]')", 'PW003', 'invalid message 1',
	'an incomplete message');
like(
	complete($task, '[' . command('nothing') . ']'),
	qr/"cause": "WORKFLOW_TASK_FAILED_CAUSE_BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE"/,
	'a command without its message');
is( types('bad'),
	"$begun, 5 WtScheduled, 6 WtStarted, 7 WtFailed",
	'fails the task');
$task = poll('bad');
refused(
	"SELECT workflow.respond_workflow_task_completed('"
	  . part($task, 'taskToken')
	  . "', messages => '["
	  . acceptance('unknown') . "]')",
	'PW003',
	'unknown update "unknown"',
	'an update that was not sent');
refused(
	"SELECT workflow.respond_workflow_task_completed('"
	  . part($task, 'taskToken')
	  . "', messages => '["
	  . response('i') . "]')",
	'PW003',
	'unexpected Response of update "i"',
	'a completion before the acceptance');
accept_and_complete($task, 'i');
like(said($call), qr/"done"/, 'the update is not lost');

# ---- limits ----

idle_run('limit');
my @calls = map { send_update("'limit', 'i$_', 'n'") } 1 .. 10;
refused("CALL workflow.update_workflow_execution('limit', 'i11', 'n')",
	'PW008', 'concurrent in-flight updates', 'only so many are in flight');
$task = poll('limit');
complete($task, '[]',
	"messages => '[" . join(',', map { rejection("i$_") } 1 .. 10) . "]'");
said($_) foreach @calls;
refused(
	"SET pg_workflow.max_in_flight_updates_size = 100;
	CALL workflow.update_workflow_execution('limit', 'i', 'n')",
	'PW008', 'size of concurrent in-flight updates',
	'and so many bytes');
$call = send_update(q('limit', 'i', 'n'));
accept_and_complete(poll('limit'), 'i');
said($call);
refused(
	"SET pg_workflow.max_total_updates = 1;
	CALL workflow.update_workflow_execution('limit', 'j', 'n')",
	'PW009', 'total updates', 'and so many in all');
refused(
	"CALL workflow.update_workflow_execution('limit', 'j', 'n',
		to_jsonb(repeat('x', 3000000)))",
	'PW003', 'args exceeds size limit', 'and none too large');

# ---- not ready, closing ----

start_run('failing');
for (1 .. 2)
{
	sql("SELECT workflow.respond_workflow_task_failed('"
		  . part(poll('failing'), 'taskToken')
		  . "')");
}
refused("CALL workflow.update_workflow_execution('failing', 'i', 'n')",
	'PW109', 'Workflow Task in failed state',
	'its workflow task fails again and again');

start_run('closing');
$task = poll('closing');
sql("SELECT workflow.signal_workflow_execution('closing', 's')");
complete($task, '[{"commandType": "CompleteWorkflowExecution"}]');
poll('closing');
refused("CALL workflow.update_workflow_execution('closing', 'i', 'n')",
	'PW008', 'workflow is closing', 'it is about to close');

# ---- the workflow closes ----

idle_run('close');
$call = send_update(q('close', 'held', 'n'));
complete(
	poll('close'),
	'[' . command('held/accept') . ']',
	"messages => '[" . acceptance('held') . "]'");
$second = send_update(q('close', 'open', 'n'));
sql("SELECT workflow.terminate_workflow_execution('close')");
like(said($call), qr/^$completed\|.*"type": "AcceptedUpdateCompletedWorkflow"/,
	'an accepted update fails');
like(said($second), qr/PW005: workflow update was aborted by closing workflow/,
	'an admitted one is aborted');
like(
	sql("CALL workflow.update_workflow_execution('close', 'held', 'n')"),
	qr/"AcceptedUpdateCompletedWorkflow"/,
	'a closed run knows its updates');
refused("CALL workflow.update_workflow_execution('close', 'open', 'n')",
	'PW005', 'workflow execution already completed', 'and takes no others');
is( sql("SELECT count(*) FROM workflow.update_request JOIN workflow.execution
		USING (namespace_id, run_key)
		WHERE workflow_id = 'close' AND state = 1"),
	'0',
	'nothing waits any more');

idle_run('chain');
$call = send_update(q('chain', 'i', 'n'));
$task = poll('chain');
sql("SELECT workflow.signal_workflow_execution('chain', 's')");
complete($task, '[]', 'force_create_new_workflow_task => true');
$task = poll('chain');
$second = send_update(q('chain', 'i2', 'n'));
complete($task, '[{"commandType": "ContinueAsNewWorkflowExecution"}]');
wait_until($node, "SELECT count(*) = 1 FROM workflow.update_request
	JOIN workflow.execution USING (namespace_id, run_key)
	WHERE workflow_id = 'chain' AND close_time IS NULL");
$task = poll('chain');
is(part($task, 'messages,0,id'),
	'i2/request', 'an update goes on to the run that continues this one');
accept_and_complete($task, 'i2');
like(said($second), qr/"done"/, 'and is answered there');
like(said($call), qr/UnprocessedUpdate|"done"/,
	'the other one was answered before');

# ---- a crash ----

idle_run('crash');
$call = send_update(q('crash', 'i', 'n'));
$node->stop('immediate');
$node->start;
said($call);
$call = wait_on(q(update_workflow_execution('crash', 'i', 'n')));
accept_and_complete(poll('crash'), 'i');
like(said($call), qr/"done"/, 'an update survives a crash');

# ---- nobody polls: the speculative task becomes a normal one ----

idle_run('slow');
$call = send_update(q('slow', 'i', 'n'));
wait_until($node,
	"SELECT count(*) > 4 FROM
	workflow.get_workflow_execution_history('slow')");
is( types('slow'),
	"$begun, 5 WtScheduled, 6 WtTimedOut, 7 WtScheduled",
	'after five seconds');
$task = poll('slow');
is(part($task, 'startedEventId'), '8', 'the next one is normal');
accept_and_complete($task, 'i');
like(said($call), qr/"done"/, 'and has the update');

# ---- update with start ----

my $start = q('uws', 'type', 'uws', request_id => 'r', update_name => 'n');
my $uws = 'update_with_start_workflow_execution';
$call = send_update("$start, update_id => 'i'", $uws);
$task = poll('uws');
is(part($task, 'messages,0,id'),
	'i/request', 'the first workflow task brings the update');
accept_and_complete($task, 'i');
like(said($call), qr/^[-0-9a-f]{36}\|t\|$completed\|.*"done"/,
	'the run was started');
like(
	sql("CALL workflow.$uws('uws', 'type', 'uws', update_id => 'i',
		update_name => 'n')"),
	qr/\|f\|$completed\|.*"done"/,
	'a known update is answered');
$call = send_update("$start, update_id => 'j'", $uws);
accept_and_complete(poll('uws'), 'j');
like(said($call), qr/\|f\|.*"done"/, 'the same start again: the update only');
refused(
	"CALL workflow.$uws('uws', 'type', 'uws', update_id => 'k',
		update_name => 'n')", 'PW106', 'is already running',
	'another start fails, and so does the update');
$call = send_update(
	q('uws', 'type', 'uws', update_id => 'k',
	update_name => 'n', workflow_id_conflict_policy => 'USE_EXISTING'), $uws);
accept_and_complete(poll('uws'), 'k');
like(said($call), qr/\|f\|.*"done"/, 'unless it uses the existing run');
refused(
	"CALL workflow.$uws('uws2', 'type', 'uws2', update_name => 'n',
		cron_schedule => '* * * * *')", 'PW003',
	'cannot be combined with cron_schedule', 'no cron');
refused(
	"CALL workflow.$uws('uws2', 'type', 'uws2', update_name => 'n',
		workflow_start_delay => '1 s')", 'PW003',
	'cannot be combined with workflow_start_delay', 'no delay');

# the detail says what became of each part, the start first
my $aborted = '{"code": "PW010", "message": "operation was aborted"}';
refused(
	"CALL workflow.$uws('uws', 'type', 'uws', update_id => 'k2',
		update_name => 'n')", 'PW106',
	qr/"statuses": \[{"code": "PW106", "message": "[^\]]*"}, \Q$aborted\E\]/,
	'a start that fails aborts the update');
refused(
	"CALL workflow.$uws('uws3', 'type', 'uws3', update_id => 'u')", 'PW003',
	qr/"statuses": \[\Q$aborted\E, {"code": "PW003", "message": "update_name/,
	'an update that cannot be aborts the start');
sql("SELECT workflow.start_workflow_execution('uws4', 'type', 'uws4');
	SELECT workflow.pause_workflow_execution('uws4')");
refused(
	"CALL workflow.$uws('uws4', 'type', 'uws4', update_name => 'n',
		workflow_id_conflict_policy => 'USE_EXISTING')", 'PW009',
	qr/"statuses": \[\Q$aborted\E, {"code": "PW009"/,
	'so does one that the run refuses');
$call = send_update(q('uws5', 'type', 'uws5', update_name => 'n'), $uws);
poll('uws5');
sql("SELECT workflow.terminate_workflow_execution('uws5')");
like(
	said($call),
	qr/"statuses": \[{"code": "00000"}, {"code": "PW005"/,
	'a start that was made stays so');
is( sql("SELECT count(*) FROM workflow.execution
		WHERE workflow_id IN ('uws2', 'uws3')"),
	'0',
	'a refused update starts nothing');

# ---- reset ----

idle_run('reset');
$call = send_update(q('reset', 'i', 'n', '[5]', identity => 'me'));
accept_and_complete(poll('reset'), 'i');
said($call);
sql("SELECT workflow.reset_workflow_execution('reset', 'again', 4)");
is( types('reset'),
	'1 Started, 2 WtScheduled, 3 WtStarted, 4 WtFailed, 5 UpdateAdmitted,'
	  . ' 6 WtScheduled',
	'an accepted update is admitted again');
is( attributes('reset', 5),
	'{"origin": "UPDATE_ADMITTED_EVENT_ORIGIN_REAPPLY", "request":'
	  . ' {"meta": {"identity": "me", "updateId": "i"},'
	  . ' "input": {"args": [5], "name": "n"}}}',
	'WorkflowExecutionUpdateAdmitted');
$task = poll('reset');
is(part($task, 'messages,0,body,input'),
	'{"args": [5], "name": "n"}', 'and sent to the worker');
accept_and_complete($task, 'i');
is( attributes('reset', 9),
	'{"protocolInstanceId": "i", "acceptedRequestMessageId": "i/request",'
	  . ' "acceptedRequestSequencingEventId": 5}',
	'its acceptance does not repeat the request');
is( sql("CALL workflow.poll_workflow_execution_update('reset', 'i')"),
	"$completed|{\"success\": [\"done\"]}",
	'it has an outcome in the new run');
sql("SELECT workflow.signal_workflow_execution('reset', 's')");
complete(poll('reset'));
sql("SELECT workflow.reset_workflow_execution('reset', 'again', 13)");
is( sql("CALL workflow.update_workflow_execution('reset', 'i', 'n')"),
	"$completed|{\"success\": [\"done\"]}",
	'an update before the reset point is taken over');
sql("SELECT workflow.reset_workflow_execution('reset', 'again', 4,
	reset_reapply_exclude_types => '{UPDATE}')");
unlike(types('reset'), qr/UpdateAdmitted/, 'reapplying can be left out');

# ---- rights ----

sql(
	q{
	CREATE ROLE reader;
	SELECT workflow.grant_namespace('default', 'reader', '{read}')});
refused(
	"SET ROLE reader; CALL workflow.update_workflow_execution('u', 'x', 'n')",
	'42501', 'permission denied', 'readers may not update');
is( sql(
		q(SET ROLE reader;
		CALL workflow.poll_workflow_execution_update('u', 'i'))),
	"$completed|{\"success\": [\"done\"]}",
	'but see outcomes');

check_invariants($node);
done_testing();
