# A standby shows schedules; after its promotion it acts on the times that
# passed meanwhile, on each of them once, and on workflows that ended.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = new_node('primary', init => [ allows_streaming => 1 ]);
my $seconds = "SELECT (search_attributes
		#>> '{indexedFields,TemporalScheduledStartTime}')::timestamptz AS time
	FROM workflow.execution WHERE schedule_id = 'tick'";

sub schedule
{
	my ($id, $policy, $spec) = @_;

	return "SELECT workflow.create_schedule('$id', '{\"spec\": $spec,
		\"action\": {\"startWorkflow\": {\"workflowId\": \"$id\",
			\"workflowType\": \"t\", \"taskQueue\": \"q\"}},
		\"policies\": {\"overlapPolicy\": \"$policy\"}}')";
}

$primary->safe_psql('postgres',
	schedule('tick', 'ALLOW_ALL', '{"interval": [{"interval": "1s"}]}'));
$primary->safe_psql('postgres', schedule('chain', 'BUFFER_ALL', '{}'));
$primary->safe_psql(
	'postgres', qq{
	SELECT workflow.patch_schedule('chain', jsonb_build_object(
		'triggerImmediately', jsonb_build_object('scheduledTime',
		'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 s')))
	FROM generate_series(1, 2) AS n});
wait_until($primary, "SELECT count(*) > 0 FROM ($seconds) AS s");
wait_until(
	$primary, "SELECT running_workflows = 1 AND buffered_actions = 1
	FROM workflow.schedules WHERE schedule_id = 'chain'");

# From now on nobody acts; a workflow ends and its schedule does not see it.
$primary->append_conf('postgresql.conf', 'pg_workflow.scheduler = off');
$primary->reload;
wait_until(
	$primary, "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'pg_workflow scheduler'", expect => '0');
$primary->safe_psql(
	'postgres', "SELECT workflow.terminate_workflow_execution(workflow_id)
	FROM workflow.execution WHERE schedule_id = 'chain'");

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

is( $standby->safe_psql(
		'postgres', "SELECT workflow.count_schedules(),
			(SELECT count(*) FROM workflow.list_schedules()),
			(SELECT count(*) FROM workflow.schedules),
			jsonb_array_length(workflow.describe_schedule('tick')
				#> '{info,futureActionTimes}'),
			(SELECT count(*) FROM workflow.list_schedule_matching_times(
				'tick', '2026-01-01', '2026-01-01 00:00:05'))"),
	'2|2|2|10|5',
	'a standby shows schedules');
my ($status) =
  $standby->psql('postgres', "SELECT workflow.patch_schedule('tick', '{}')");
isnt($status, 0, 'and does not change them');

wait_until($standby,
	"SELECT now() - max(time) > interval '2.5 s' FROM ($seconds) AS s");
$primary->stop('immediate');
$standby->append_conf('postgresql.conf', 'pg_workflow.scheduler = on');
$standby->reload;
$standby->promote;
wait_until($standby,
	"SELECT now() - max(time) < interval '1.5 s' FROM ($seconds) AS s");
is( $standby->safe_psql(
		'postgres',
		"SELECT extract(epoch FROM max(time) - min(time))::int + 1 = count(*),
			count(*) = count(DISTINCT time) FROM ($seconds) AS s"),
	't|t',
	'each time is acted on, and once');
wait_until(
	$standby, "SELECT running_workflows = 1 AND buffered_actions = 0
		AND action_count = 2
	FROM workflow.schedules WHERE schedule_id = 'chain'");
pass('what waited for a workflow is done when it has ended');

check_invariants($standby);
$standby->stop;
done_testing();
