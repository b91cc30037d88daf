# A dump brings everything back: runs, namespaces, rights and privileges.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => 'pg_workflow.scheduler = off');

# what there is to lose
$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN;
	CREATE ROLE worker LOGIN;
	CREATE ROLE gone;
	SELECT workflow.register_namespace('shop', '30 days', 'orders');
	SELECT workflow.update_namespace('default', '1 year', 'ours');
	SELECT workflow.grant_namespace('shop', 'alice', '{client}');
	SELECT workflow.grant_namespace('shop', 'worker', '{worker}');
	SELECT workflow.grant_namespace('default', 'alice', '{admin}');
	SELECT workflow.grant_namespace('default', 'gone', '{admin}');
	DROP OWNED BY gone;
	DROP ROLE gone;
	SELECT workflow.start_workflow_execution('o' || n, 'order', 'orders',
		jsonb_build_object('n', n), workflow_run_timeout => '1 day',
		memo => '{"note": "x"}', namespace => 'shop')
	FROM generate_series(1, 5) AS n;
	SELECT workflow.signal_workflow_execution('o1', 'hurry',
		namespace => 'shop');
	SELECT workflow.terminate_workflow_execution('o2', namespace => 'shop');
});
my $token = $node->safe_psql('postgres', q{
	SELECT t ->> 'taskToken'
	FROM workflow.poll_workflow_task_queue('orders', 1, namespace => 'shop') AS t});
$node->safe_psql('postgres', qq{
	SELECT workflow.respond_workflow_task_completed('$token', '[
		{"commandType": "StartTimer", "attributes": {"timerId": "t", "startToFireTimeout": "3600s"}},
		{"commandType": "ScheduleActivityTask", "attributes": {"activityId": "a", "activityType": {"name": "bill"}, "startToCloseTimeout": "60s"}}]',
		namespace => 'shop')});

# into another database, and out of it again
my $dir = PostgreSQL::Test::Utils::tempdir();
$node->command_ok(
	[ 'pg_dump', '--file', "$dir/first.sql", $node->connstr('postgres') ],
	'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok(
	[
		'psql', '--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1',
		'--file', "$dir/first.sql", '--dbname', $node->connstr('restored')
	],
	'restore');
$node->command_ok(
	[ 'pg_dump', '--file', "$dir/second.sql", $node->connstr('restored') ],
	'dump what was restored');

my ($first, $second) = map { slurp_file("$dir/$_.sql") } qw(first second);
# newer dumps have a random word in two lines
s/^\\(un)?restrict .*$//mg foreach $first, $second;
is($second, $first, 'both dumps are equal');

my @same = (
	[ 'privileges of routines', q{
		SELECT proname, oid::regprocedure, proacl FROM pg_proc
		WHERE pronamespace = 'workflow'::regnamespace ORDER BY 1, 2::text} ],
	[ 'privileges of relations', q{
		SELECT relname, relacl FROM pg_class
		WHERE relnamespace = 'workflow'::regnamespace AND relkind <> 'i'
		ORDER BY 1} ],
	[ 'privileges of the schema', q{
		SELECT nspacl FROM pg_namespace WHERE nspname = 'workflow'} ],
	[ 'namespaces', 'SELECT * FROM workflow.namespaces ORDER BY 1' ],
	[ 'rights', 'SELECT * FROM workflow.namespace_grants ORDER BY 1, 2' ],
	[ 'runs', 'SELECT * FROM workflow.executions ORDER BY 1, 2, 3' ],
	[ 'histories', 'SELECT * FROM workflow.history ORDER BY 1, 2, 3, 4' ],
	[ 'activities', 'SELECT * FROM workflow.pending_activities ORDER BY 1, 2, 3' ],
	[ 'timers', 'SELECT * FROM workflow.pending_timers ORDER BY 1, 2, 3, 5' ],
	[ 'number of the next run', 'SELECT last_value FROM workflow.run_key_seq' ],
	[ 'number of the next namespace', 'SELECT last_value FROM workflow.namespace_id_seq' ]);
foreach my $same (@same)
{
	my ($what, $query) = @$same;
	is( $node->safe_psql('restored', $query),
		$node->safe_psql('postgres', $query), "same $what");
}

is( $node->safe_psql('restored',
		q{SELECT retention, description FROM workflow.namespaces
		  WHERE namespace = 'default'}),
	'1 year|ours',
	'the default namespace came back as it was');
is( $node->safe_psql('restored', q{
		SELECT count(*) FROM workflow.namespace_role
		WHERE grantee NOT IN (SELECT oid FROM pg_roles)}),
	'0',
	'the right of a dropped role did not come back');

# the roles can go on where they were
is( $node->safe_psql('restored', q{
		SELECT status FROM workflow.executions WHERE workflow_id = 'o2'},
		extra_params => [ '--username', 'alice' ]),
	'Terminated', 'a client sees its runs');
is( $node->safe_psql('restored', q{
		SELECT count(*) FROM workflow.poll_activity_task_queue('orders',
			namespace => 'shop')},
		extra_params => [ '--username', 'worker' ]),
	'1', 'a worker gets its task');
my ($status, $out, $err) = $node->psql('restored',
	q{SELECT workflow.poll_workflow_task_queue('orders', namespace => 'shop')},
	extra_params => [ '--username', 'alice' ]);
isnt($status, 0, 'a client still cannot poll');
like($err, qr/permission denied/, 'and is told so');

check_invariants($node);
done_testing();
