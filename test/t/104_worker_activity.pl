# Activities: heartbeats and their details, cancellation, local time limits,
# completion from outside, and the transaction of an activity.

use strict;
use warnings;

use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('worker_activity');
my ($status, $out, $err);

$node->safe_psql(
	'postgres', q{
	CREATE TABLE public.effect (workflow_id text, attempt int, id int UNIQUE,
		parent int REFERENCES public.effect (id) DEFERRABLE INITIALLY DEFERRED)});

my $worker = start_worker($node);

# ---- heartbeat and cancellation ----

my $file = test_file('cancel');
start_workflow($node, 'cancel', 'call',
	qq(["beat", ["$file"], {"heartbeat": 1000, "wait": true}]));
wait_for_lines($file, 1);
pgworkflow($node, 'cancel', 'cancel');
is((wait_for_lines($file, 2))[1], 'reason 1',
	'a request to cancel arrives with a heartbeat');
($status, $out, $err) = pgworkflow($node, 'result', 'cancel');
is($status, 3, 'the workflow did not complete');
like($err, qr/Canceled/, 'it is canceled');
like(event_types($node, 'cancel'),
	qr/ActivityTaskCancelRequested.*ActivityTaskCanceled/,
	'the history has the request and the acknowledgement');

$file = test_file('gone');
start_workflow($node, 'gone', 'call',
	qq(["beat", ["$file"], {"heartbeat": 1000}]));
wait_for_lines($file, 1);
pgworkflow($node, 'terminate', 'gone');
is((wait_for_lines($file, 2))[1], 'reason 2',
	'an activity whose workflow is gone learns it with a heartbeat');

start_workflow($node, 'resume', 'call',
	'["resume", [], {"heartbeat": 60000}]');
result_is($node, 'resume', '[{"row":42}]',
	'the last heartbeat of a failed attempt reaches the next');

# ---- local time limits ----

$file = test_file('slow');
start_workflow($node, 'slow', 'call',
	qq(["work", [60000, "$file"], {"start_to_close": 500, "attempts": 1}]));
is((wait_for_lines($file, 2))[1], 'reason 3',
	'an activity is told when its time is over');
($status, $out) = pgworkflow($node, 'result', 'slow', '--json');
like($out, qr/TIMEOUT_TYPE_START_TO_CLOSE/, 'the workflow gets the timeout');

# ---- completion from outside ----

$file = test_file('later');
start_workflow($node, 'later', 'call', qq(["later", ["$file"], {}]));
my ($token) = wait_for_lines($file, 1);
$node->safe_psql('postgres',
	"SELECT workflow.respond_activity_task_completed("
	  . "task_token => '$token', result => '\"from outside\"')");
result_is($node, 'later', '"fromoutside"',
	'an activity is completed by its token');

$file = test_file('later_id');
start_workflow($node, 'later_id', 'call',
	qq(["later", ["$file"], {"attempts": 1}]));
wait_for_lines($file, 1);
$node->safe_psql('postgres',
	"SELECT workflow.respond_activity_task_failed_by_id("
	  . "workflow_id => 'later_id', activity_id => '1', "
	  . q(failure => '{"message": "no", "applicationFailureInfo": {"type": "T"}}')
	  . ')');
($status, $out, $err) = pgworkflow($node, 'result', 'later_id');
like($err, qr/caused by: T: no/, 'or failed by its ids');

# ---- an activity's own transaction ----

sub effects
{
	my ($id) = @_;

	return $node->safe_psql('postgres',
		"SELECT string_agg(attempt::text, ',' ORDER BY attempt) "
		  . "FROM public.effect WHERE workflow_id = '$id'");
}

start_workflow($node, 'tx_ok', 'call',
	sprintf('["insert", ["ok", "%s"], {}]', test_file('tx_ok')));
result_is($node, 'tx_ok', 'null', 'an activity with a transaction completes');
is(effects('tx_ok'), '1', 'its row is there');
is( $node->safe_psql(
		'postgres', q{
		SELECT count(DISTINCT xmin::text) FROM public.effect
		WHERE workflow_id = 'tx_ok'
		AND xmin::text IN (SELECT b.xmin::text FROM workflow.history_batch AS b,
				workflow.unpack_events(b.first_event_id, b.events) AS e
			WHERE e.event_type::text = 'ActivityTaskCompleted')}),
	'1',
	'row and completion are of the same transaction');

start_workflow($node, 'tx_fail', 'call',
	sprintf('["insert", ["fail", "%s"], {}]', test_file('tx_fail')));
result_is($node, 'tx_fail', 'null', 'one that fails after the insert');
is(effects('tx_fail'), '2', 'leaves the row of the second attempt only');

start_workflow($node, 'tx_break', 'call',
	sprintf('["insert", ["break", "%s"], {}]', test_file('tx_break')));
result_is($node, 'tx_break', 'null', 'one that a deferred constraint stops');
is(effects('tx_break'), '2', 'is tried again');
like(
	$node->safe_psql(
		'postgres', q{
		SELECT attributes->'lastFailure'->>'message'
		FROM workflow.get_workflow_execution_history(
			workflow_id => 'tx_break')
		WHERE event_type::text = 'ActivityTaskStarted'}),
	qr/could not commit the activity's transaction: .*foreign key/,
	'and the failure has the reason');

start_workflow($node, 'tx_end', 'call',
	sprintf('["insert", ["end", "%s"], {}]', test_file('tx_end')));
result_is($node, 'tx_end', 'null',
	'one that ends its transaction is tried again');
is(effects('tx_end'), '2', 'with one row');

$file = test_file('tx_late');
start_workflow($node, 'tx_late', 'call',
	qq(["insert", ["late", "$file", "$file.go"], {"start_to_close": 600}]));
wait_for_lines($file, 2);
result_is($node, 'tx_late', 'null',
	'one that is too late is replaced by another attempt');
append_to_file("$file.go", "go\n");
wait_until($node,
	q{SELECT count(*) = 0 FROM pg_stat_activity
	WHERE application_name = 'pgworkflow activity' AND state <> 'idle'});
is(effects('tx_late'), '2', 'and its row is rolled back');

$file = test_file('tx_die');
start_workflow($node, 'tx_die', 'call',
	qq(["insert", ["die", "$file"], {"start_to_close": 2000}]));
wait_for_lines($file, 1);
is(wait_program($worker), -9, 'a worker dies after the insert');
$worker = start_worker($node);
result_is($node, 'tx_die', 'null', 'another worker does the activity');
is(effects('tx_die'), '2', 'there is one row');

# the connection of the activity's thread does not survive a restart
$node->restart;
start_workflow($node, 'tx_again', 'call',
	sprintf('["insert", ["ok", "%s"], {}]', test_file('tx_again')));
result_is($node, 'tx_again', 'null',
	'a transaction on a new connection after a restart');
is(effects('tx_again'), '1', 'with its row');
is(stop_program($worker), 0, 'the worker stops in order');

check_invariants($node);
done_testing();
