# Several sessions call at random on the same few runs, while their timers
# and timeouts fire: errors are those that are documented, and in the end
# every run can be closed and leaves nothing behind.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = dirname(dirname(dirname(abs_path(__FILE__))));
my $node = new_node('concurrent',
	conf => "pg_workflow.workflow_id_reuse_minimal_interval = 0\n");

# The calls are those of the regression test; there one session makes them.
my ($functions) =
  split(/^DO /m, slurp_file("$top/sql/random_calls.sql"), 2);
$node->safe_psql('postgres',
	slurp_file("$top/sql/00_setup.sql") . $functions);

my @sessions = map {
	start_program(
		$node, 'psql', '-Xq', '-c', '
		SET client_min_messages = warning', '-c', '
		DO $$
		BEGIN
			FOR i IN 1 .. 4000 LOOP
				PERFORM t.random_call(i);
				COMMIT;
			END LOOP;
		END
		$$')
} 1 .. 3;
is(wait_program($_), 0, 'a session came to its end') foreach @sessions;
is( $node->safe_psql(
		'postgres', 'SELECT DISTINCT state, message FROM t.surprise'),
	'',
	'no error but those that are documented');

# what is open sees a signal, and closes
$node->safe_psql(
	'postgres', q{
	SELECT workflow.signal_workflow_execution(workflow_id, 'end')
	FROM workflow.execution WHERE close_time IS NULL});
wait_until(
	$node, q{
	WITH task AS MATERIALIZED (
		SELECT p->>'taskToken' AS token
		FROM workflow.poll_workflow_task_queue('random', 10) AS p),
	answer AS MATERIALIZED (
		SELECT workflow.respond_workflow_task_completed(token, t.close())
		FROM task)
	SELECT (SELECT count(*) FROM answer) = 0 AND NOT EXISTS (
		SELECT FROM workflow.execution WHERE close_time IS NULL)});
pass('every run could be closed');

foreach my $table (
	qw(mutable_state workflow_task activity timer
	buffered_event run_request))
{
	is($node->safe_psql('postgres', "SELECT count(*) FROM workflow.$table"),
		'0', "$table is empty");
}
is( $node->safe_psql(
		'postgres', q{
		SELECT count(*) FROM (
			SELECT FROM workflow.history_event GROUP BY run_key
			HAVING min(event_id) <> 1 OR max(event_id) <> count(*)) AS gap}),
	'0',
	'no history has a gap');
ok( $node->safe_psql('postgres', 'SELECT count(*) FROM workflow.execution') >
	  5,
	'there were some runs');

check_invariants($node);
done_testing();
