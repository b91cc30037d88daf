# A standby has neither launcher nor scheduler; after its promotion it goes on
# where the primary stood.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', init => [ allows_streaming => 1 ]);
my ($status, $out, $err);

$primary->safe_psql(
	'postgres', q{
	SELECT workflow.start_workflow_execution(workflow_id => 'later',
		workflow_type => 'w', task_queue => 'q',
		workflow_run_timeout => '1 s');
	SELECT workflow.start_workflow_execution(workflow_id => 'waits',
		workflow_type => 'w', task_queue => 'q2');
	SELECT workflow.start_workflow_execution(workflow_id => 'claimed',
		workflow_type => 'w', task_queue => 'q3',
		workflow_task_timeout => '1 s')});
$primary->append_conf('postgresql.conf', 'pg_workflow.scheduler = off');
$primary->reload;
wait_until(
	$primary, "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler'", expect => '0');

$primary->safe_psql('postgres',
	"SELECT count(*) FROM workflow.poll_workflow_task_queue('q3')");
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'pg_workflow.scheduler = on');
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

is( $standby->safe_psql(
		'postgres',
		"SELECT count(*) FROM pg_stat_activity
		WHERE backend_type LIKE 'pg\\_workflow%'"),
	'0',
	'nothing of ours runs on a standby');
is( $standby->safe_psql(
		'postgres', "SELECT status FROM workflow.execution
		WHERE workflow_id = 'later'"),
	'Running',
	'histories can be read there');
($status, $out, $err) =
  $standby->psql('postgres', "CALL workflow.wait_for_task('{q2}', NULL)",
	extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
like($err, qr/ERROR:  25006/, 'waiting for tasks is refused there');
foreach my $call (
	"SELECT * FROM workflow.poll_workflow_task_queue('q2')",
	"SELECT * FROM workflow.poll_activity_task_queue('q2')",
	"SELECT workflow.signal_workflow_execution('waits', 's')",
	"CALL workflow.query_workflow('waits', 'q')")
{
	($status, $out, $err) =
	  $standby->psql('postgres', $call,
		extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/ERROR:  25006/, "refused there: $call");
}
is( $standby->safe_psql(
		'postgres', q{
		SELECT workflow.describe_workflow_execution('waits')
				#>> '{workflowExecutionInfo,status}',
			(SELECT count(*)
			 FROM workflow.get_workflow_execution_history('waits')),
			json_array_length(workflow.history_json('waits') -> 'events'),
			(SELECT count(*)
			 FROM workflow.list_workflow_executions('TaskQueue = "q2"')),
			(SELECT count FROM workflow.count_workflow_executions()),
			(SELECT sum(backlog) FROM workflow.task_queues),
			(SELECT count(*) FROM workflow.pollers)}),
	'WORKFLOW_EXECUTION_STATUS_RUNNING|2|2|1|3|2|0',
	'and what only looks works');

$primary->stop;
$standby->promote;
ok(scheduler_pid($standby), 'promotion brings a scheduler');
wait_until($standby,
	"SELECT status = 'TimedOut' FROM workflow.execution
	WHERE workflow_id = 'later'");
pass('and what was due meanwhile is fired');
wait_until($standby,
	"SELECT count(*) = 1 FROM workflow.history WHERE workflow_id = 'claimed'
		AND event_type = 'WorkflowTaskTimedOut'");
pass('and so is the timeout of a task whose worker was with the primary');
is( $standby->safe_psql(
		'postgres', "CALL workflow.wait_for_task('{q2}', NULL)"),
	'{q2}|{}',
	'tasks of the primary can be waited for');

check_invariants($standby);
$standby->stop;
done_testing();
