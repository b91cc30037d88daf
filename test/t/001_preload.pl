# CREATE EXTENSION without and with preloading, DROP and CREATE again on a
# running server, and a dump that brings everything back.

use strict;
use warnings;

use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my ($status, $out, $err);

# ---- not preloaded ----

my $node = new_node('preload', preload => 0);

($status, $out, $err) =
  $node->psql('postgres', 'CREATE EXTENSION pg_workflow',
	extra_params => [ '-v', 'VERBOSITY=verbose' ]);
isnt($status, 0, 'CREATE EXTENSION fails when not preloaded');
like($err, qr/ERROR:  55000: pg_workflow is not preloaded/,
	'the error says why');
like($err, qr/HINT:  Add pg_workflow to "shared_preload_libraries"/,
	'the hint says what to do');
is( $node->safe_psql(
		'postgres',
		"SELECT count(*) FROM pg_namespace WHERE nspname = 'workflow'"),
	'0',
	'nothing is left behind');

# ---- preloaded, on the same server ----

$node->append_conf('postgresql.conf',
	"shared_preload_libraries = 'pg_workflow'");
$node->restart;

$node->safe_psql('postgres', 'CREATE EXTENSION pg_workflow');
is( $node->safe_psql(
		'postgres', 'SELECT name FROM workflow.namespace WHERE namespace_id = 1'
	),
	'default',
	'the default namespace is there');

sub start_run
{
	my ($db, $id) = @_;

	return $node->safe_psql(
		$db, qq{
		SELECT started FROM workflow.start_workflow_execution(
			workflow_id => '$id', workflow_type => 'w', task_queue => 'q',
			input => '[{"customer": 7}]', memo => '{"a": [1]}')});
}

is(start_run('postgres', 'first'), 't', 'a workflow starts');

# ---- DROP and CREATE again, without a restart ----

$node->safe_psql('postgres', 'DROP EXTENSION pg_workflow');
is( $node->safe_psql(
		'postgres',
		"SELECT count(*) FROM pg_namespace WHERE nspname = 'workflow'"),
	'0',
	'DROP EXTENSION takes the schema along');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_workflow');
is( $node->safe_psql('postgres', 'SELECT count(*) FROM workflow.execution'),
	'0', 'the second extension starts empty');
is(start_run('postgres', 'first'), 't', 'and works');
scheduler_pid($node);
pass('a scheduler serves the second extension');

# One session sees the extension go and come: nothing cached is used again.
is( $node->safe_psql(
		'postgres', q{
		SELECT started FROM workflow.start_workflow_execution(
			workflow_id => 'a', workflow_type => 'w', task_queue => 'q');
		DROP EXTENSION pg_workflow;
		CREATE EXTENSION pg_workflow;
		SELECT started FROM workflow.start_workflow_execution(
			workflow_id => 'a', workflow_type => 'w', task_queue => 'q');}),
	"t\nt",
	'one session works across DROP and CREATE');

# ---- dump and restore ----

# The rows that a dump must carry, of every table that has some.
sub rows_of
{
	my ($db) = @_;
	my $tables = $node->safe_psql(
		$db, q{
		SELECT t.oid::regclass, c.condition
		FROM pg_extension e,
			unnest(e.extconfig, e.extcondition) AS c (oid, condition)
			JOIN pg_class t ON t.oid = c.oid
		WHERE e.extname = 'pg_workflow' AND t.relkind IN ('r', 'p')
		ORDER BY t.oid::regclass::text});
	my $all = '';

	foreach my $line (split(/\n/, $tables))
	{
		my ($table, $condition) = split(/\|/, $line, 2);

		$all .= "$table: " . $node->safe_psql(
			$db, qq{
			SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')
			FROM (SELECT * FROM $table $condition) t}) . "\n";
	}
	return $all;
}

$node->safe_psql(
	'postgres', q{
	CREATE ROLE somebody;
	SELECT workflow.register_namespace('shop', retention => '2 days');
	SELECT workflow.grant_namespace('shop', 'somebody', '{client,read}');
	SELECT workflow.start_workflow_execution(workflow_id => 'order-' || i,
		workflow_type => 'order', task_queue => 'shop',
		input => jsonb_build_array(i), namespace => 'shop')
	FROM generate_series(1, 3) AS i;
	SELECT workflow.signal_workflow_execution('order-1', 'paid',
		namespace => 'shop');
	SELECT workflow.terminate_workflow_execution('order-3', 'sold out',
		namespace => 'shop');});

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok(
	[ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', 'restored', '-f', $dump ],
	'the dump is restored');

my $before = rows_of('postgres');
like($before, qr/workflow\.history_batch: .*,2,/s,
	'there is something to compare');
is(rows_of('restored'), $before, 'all rows are back');

# Sequences went along: what is new does not collide with what was restored.
is( $node->safe_psql(
		'restored', q{
		SELECT started FROM workflow.start_workflow_execution(
			workflow_id => 'order-9', workflow_type => 'order',
			task_queue => 'shop', namespace => 'shop');}),
	't',
	'a workflow starts in the restored database');
is( $node->safe_psql(
		'restored', q{
		SELECT count(*), count(DISTINCT run_key) FROM workflow.execution}),
	'5|5',
	'run keys stay unique');
$node->safe_psql('restored',
	"SELECT workflow.register_namespace('second')");
pass('a namespace can be added in the restored database');

# The restored runs are alive: their tasks can be polled.
is( $node->safe_psql(
		'restored', q{
		SELECT count(*) FROM workflow.poll_workflow_task_queue('shop',
			max_tasks => 10, namespace => 'shop')}),
	'3',
	'restored workflow tasks are handed out');

check_invariants($node);
$node->stop;
done_testing();
