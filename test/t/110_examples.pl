# The examples of the library do what they say, also when their workers die.

use strict;
use warnings;

use Compress::Zlib qw(crc32);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP qw(decode_json);
use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = dirname(dirname(dirname(abs_path(__FILE__))));
my $node = new_node('examples');
my $folder = PostgreSQL::Test::Utils::tempdir();
my ($status, $out, $err, $worker, $client);

sub example
{
	my ($name) = @_;

	return program($name) || die "the example $name is not built";
}

# Runs an example to its end: exit status and output.
sub run_example
{
	my ($name, @arguments) = @_;
	my $program = start_program($node, example($name), @arguments);
	my $code = wait_program($program);

	return ($code, program_output($program));
}

sub wait_for_output
{
	my ($program, $regexp) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;

	while (program_output($program) !~ $regexp)
	{
		die "waited in vain for $regexp in:\n" . program_output($program)
		  if time() > $until;
		select(undef, undef, undef, 0.02);
	}
	return;
}

sub count_events
{
	my ($type, $condition) = @_;

	return $node->safe_psql('postgres',
		"SELECT count(*) FROM workflow.history
		WHERE event_type = '$type' AND $condition");
}

# ---- hello and greeting ----

$worker = start_program($node, example('hello'));
($status, $out) = pgworkflow($node, 'start', '--type', 'hello',
	'--task-queue', 'hello', '--id', 'hello', '--input', '["Ada"]');
is($status, 0, 'hello: starts');
result_is($node, 'hello', '"Hello,Ada!"', 'hello: greets');
kill_program($worker);
my $hello = slurp_file("$top/worker_client/examples/hello.c");
foreach my $document ('README.md', 'doc/worker-api.md')
{
	cmp_ok(index(slurp_file("$top/$document"), "```c\n$hello```\n"),
		'>', 0, "hello: is what $document shows");
}

$worker = start_program($node, example('greeting'));
($status, $out) = run_example('greeting', 'start', 'Ada');
is($out, "Hello, Ada!\n", 'greeting: greets');
is(stop_program($worker), 0, 'greeting: the worker stops in order');

# ---- encryption ----

{
	local $ENV{ENCRYPTION_KEY} = '0123456789abcdef' x 4;

	$worker = start_program($node, example('encryption'));
	($status, $out) = run_example('encryption', 'start', 'xyzzy');
	is($out, "psst: xyzzy\n", 'encryption: the client reads the result');
	is(stop_program($worker), 0, 'encryption: the worker stops in order');
}
my $secret = "workflow_id LIKE 'secret-%'";
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM workflow.history
		WHERE $secret AND attributes::text LIKE '%YmluYXJ5L2VuY3J5cHRlZA==%'"),
	'4',
	'encryption: two inputs and two results are marked as encrypted');
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM workflow.history
		WHERE $secret AND (attributes::text ~ 'xyzzy|psst'
			OR EXISTS (SELECT FROM regexp_matches(attributes::text,
					'\"data\": *\"([^\"]*)\"', 'g') AS m
				WHERE position('xyzzy'::bytea IN decode(m[1], 'base64')) > 0))"),
	'0',
	'encryption: none of them can be read in the history');

# ---- money_transfer ----

sub balances
{
	return $node->safe_psql('postgres',
		q{SELECT string_agg(name || ' ' || balance, ', ' ORDER BY name)
		FROM bank.account});
}

sub transfer_state
{
	my ($id) = @_;

	return $node->safe_psql('postgres',
		"SELECT state FROM bank.transfer WHERE id = $id");
}

($status, $out) = run_example('money_transfer', 'setup');
$node->safe_psql('postgres', $out);
$worker = start_program($node, example('money_transfer'));
($status, $out) = run_example('money_transfer', 'start', 'ada', 'bob', 100);
is($out, "transfer-1\nCompleted\n", 'money_transfer: completes');
is(balances(), 'ada 900, bob 1100, eve 0', 'money_transfer: money has moved');
is(transfer_state(1), 'done', 'money_transfer: its row says so');

($status, $out) = run_example('money_transfer', 'start', 'ada', 'eve', 100);
is( $out,
	qq(transfer-2\nFailed: there is no open account "eve"\n),
	'money_transfer: fails when the other account is closed');
is(balances(), 'ada 900, bob 1100, eve 0',
	'money_transfer: and has given the money back');
is(transfer_state(2), 'refunded', 'money_transfer: its row says so');

($status, $out) = run_example('money_transfer', 'start', 'ada', 'bob', 5000);
like($out, qr/^transfer-3\nFailed: .*check constraint/,
	'money_transfer: a constraint refuses to overdraw an account');
is(transfer_state(3), 'started', 'money_transfer: nothing was done');
($status, $out) = run_example('money_transfer', 'start', 'ada', 'bob', 0);
is($status, 1, 'money_transfer: a transfer of nothing is refused');
is(count_events('WorkflowExecutionStarted', "workflow_id LIKE 'transfer-%'"),
	'3', 'money_transfer: and there is no workflow without its row');

# the worker dies when it has the money of one and waits for the other's row
my $lock = $node->background_psql('postgres');
$lock->query_safe(
	q{BEGIN; SELECT FROM bank.account WHERE name = 'bob' FOR UPDATE});
$client =
  start_program($node, example('money_transfer'), 'start', 'ada', 'bob', 50);
wait_for_output($client, qr/transfer-5/);
my $canceled =
  start_program($node, example('money_transfer'), 'start', 'ada', 'bob', 7);
wait_until($node, q{SELECT count(*) = 2 FROM pg_stat_activity
	WHERE wait_event_type = 'Lock' AND query LIKE '%bank.account%'});
kill_program($worker);
is(balances(), 'ada 843, bob 1100, eve 0',
	'money_transfer: a worker dies between the steps of two');
pgworkflow($node, 'cancel', 'transfer-6');
$lock->query_safe('ROLLBACK');
$lock->quit;
$worker = start_program($node, example('money_transfer'));
is(wait_program($client), 0, 'money_transfer: another one goes on');
like(program_output($client), qr/Completed/, 'money_transfer: to the end');
wait_program($canceled);
like(program_output($canceled), qr/Canceled|Failed/,
	'money_transfer: the one that was canceled meanwhile ends');
is(transfer_state(6), 'refunded',
	'money_transfer: having given the money back');
is(balances(), 'ada 850, bob 1150, eve 0',
	'money_transfer: each step was done once');
is(count_events('ActivityTaskStarted', "workflow_id = 'transfer-5'
		AND attributes ->> 'attempt' = '2'"),
	'1', 'money_transfer: though one took two attempts');
is(stop_program($worker), 0, 'money_transfer: the worker stops in order');

# ---- approval ----

$worker = start_program($node, example('approval'));
run_example('approval', 'start', 'trip', 'ada', 120);
($status, $out) = run_example('approval', 'state', 'trip');
like($out, qr/"state":"waiting".*"comments":\[\]/, 'approval: waits');
run_example('approval', 'comment', 'trip', 'too much');
($status, $out) = run_example('approval', 'decide', 'trip', 'approve', 'ada');
is($out, "ada cannot decide about an own expense\n",
	'approval: refuses a decision');
($status, $out) = run_example('approval', 'decide', 'trip', 'maybe', 'bob');
is($out, "approve or reject?\n", 'approval: refuses what is none');
is(count_events('WorkflowExecutionUpdateAccepted', "workflow_id = 'trip'"),
	'0', 'approval: which leaves no trace');
($status, $out) = run_example('approval', 'decide', 'trip', 'approve', 'bob');
is($out, qq("approved"\n), 'approval: takes another');
($status, $out) = pgworkflow($node, 'result', 'trip');
is_deeply(
	decode_json($out),
	{
		state => 'approved',
		person => 'bob',
		reminders => 0,
		comments => ['too much']
	},
	'approval: ends with it');
wait_for_output($worker, qr/to ada: your expense was approved/);

run_example('approval', 'start', 'late', 'ada', 1, '0.2', '0.7');
($status, $out) = pgworkflow($node, 'result', 'late');
my $late = decode_json($out);
my $reminders = () =
  program_output($worker) =~ /to everybody: the expense of ada/g;
is($late->{state}, 'expired', 'approval: a deadline ends it');
cmp_ok($reminders, '>', 0, 'approval: after reminders');
is($late->{reminders}, $reminders, 'approval: which were sent once each');
run_example('approval', 'start', 'withdrawn', 'ada', 1);
pgworkflow($node, 'cancel', 'withdrawn');
($status, $out, $err) = pgworkflow($node, 'result', 'withdrawn');
like($err, qr/Canceled/, 'approval: can be canceled');
is(stop_program($worker), 0, 'approval: the worker stops in order');

# ---- fan_out ----

$worker = start_program($node, example('fan_out'));
($status, $out) = run_example('fan_out', 'start', "$folder/files");
my @files = glob("$folder/files/*");
my ($bytes, $sum) = (0, 0);
foreach my $file (@files)
{
	my $text = slurp_file($file);

	$bytes += length($text);
	$sum = ($sum + crc32($text)) & 0xffffffff;
}
is(scalar(@files), 500, 'fan_out: makes 500 files');
is_deeply(
	decode_json($out),
	{ files => 500, bytes => $bytes, checksum => $sum },
	'fan_out: sums up their checksums');
is( $node->safe_psql(
		'postgres', q{
		SELECT max(open) FROM (
			SELECT sum(CASE event_type WHEN 'ActivityTaskScheduled' THEN 1
					ELSE -1 END) OVER (ORDER BY event_id) AS open
			FROM workflow.history WHERE workflow_id LIKE 'checksum-%'
				AND event_type IN ('ActivityTaskScheduled',
					'ActivityTaskCompleted')) AS h}),
	'20',
	'fan_out: 20 at a time');
is(stop_program($worker), 0, 'fan_out: the worker stops in order');

# ---- subscription ----

($status, $out) = run_example('subscription', 'test');
is($status, 0, 'subscription: its own test passes');
is($out, "Failed after 750 days: 24 charged in 27 attempts, 1 closed\n",
	'subscription: two years in a moment');

$worker = start_program($node, example('subscription'));
run_example('subscription', 'start', 'eve', 10, '0.1');
wait_for_output($worker, qr{charge eve/2: eve pays 10});
run_example('subscription', 'amount', 'eve', 20);
wait_for_output($worker, qr{eve pays 20});
($status, $out) = run_example('subscription', 'cancel', 'eve');
is($status, 0, 'subscription: is canceled');
($status, $out, $err) = pgworkflow($node, 'result', 'eve');
like($err, qr/Canceled/, 'subscription: ends so');
like(
	program_output($worker),
	qr/the account of eve is closed\n\z/,
	'subscription: and is the last thing done cleaned up');
my $charges = () = program_output($worker) =~ /^charge eve/mg;
is( $node->safe_psql(
		'postgres', q{
		SELECT string_agg(status::text || ' ' || n, ', ' ORDER BY status::text)
		FROM (SELECT status, count(*) AS n FROM workflow.executions
			WHERE workflow_id = 'eve' GROUP BY status) AS s}),
	"Canceled 1, ContinuedAsNew $charges",
	'subscription: a run for each charge, and the canceled one');
is(stop_program($worker), 0, 'subscription: the worker stops in order');

# ---- poll_api ----

my $port = PostgreSQL::Test::Cluster::get_free_port();

mkdir "$folder/pages";
append_to_file("$folder/pages/$_", $_ * 10) foreach (1 .. 3);
my $server =
  start_program($node, example('poll_api'), 'serve', $port, "$folder/pages");
$worker = start_program($node, example('poll_api'));
$client = start_program($node, example('poll_api'), 'start', $port);
wait_for_output($server, qr/^page 4: 202$/m);
wait_until($node, q{SELECT heartbeat_details = '[4, 60]'
	FROM workflow.pending_activities});
kill_program($worker);
append_to_file("$folder/pages/$_", $_ * 10) foreach (4 .. 5);
append_to_file("$folder/pages/6", 'end');
$worker = start_program($node, example('poll_api'));
is(wait_program($client), 0, 'poll_api: another worker goes on');
is_deeply(
	decode_json(program_output($client)),
	{ pages => 5, sum => 150 },
	'poll_api: to the last page');
like(program_output($worker), qr/attempt 2 begins with page 4/,
	'poll_api: where the other one was');
is(join(' ', program_output($server) =~ /^page (\d): 200$/mg),
	'1 2 3 4 5 6', 'poll_api: no page was read twice');
is(stop_program($worker), 0, 'poll_api: the worker stops in order');

check_invariants($node);
done_testing();
