# The command pgworkflow: what each subcommand prints, for people and as JSON,
# and that its manual page and completion know all of it.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;
use PgWorkflow::Test;
use PgWorkflow::Worker;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('command');
my $cli = dirname(dirname(dirname(abs_path(__FILE__)))) . '/worker_client/cli';
my ($status, $out, $err);

# Runs a subcommand that must succeed, and returns what it prints.
sub prints
{
	my (@args) = @_;

	($status, $out, $err) = pgworkflow($node, @args);
	is($status, 0, join(' ', @args)) or diag($out . $err);
	return $out;
}

# The same with its JSON decoded.
sub prints_json
{
	my $text = prints(@_, '--output', 'json');

	return JSON::PP->new->allow_nonref->decode($text);
}

# The same for a failure with an exit code and a message.
sub fails
{
	my ($code, $message, @args) = @_;

	($status, $out, $err) = pgworkflow($node, @args);
	is($status, $code, join(' ', @args) . " exits with $code")
	  or diag($out . $err);
	like($err, $message, 'and says why');
	return;
}

# ---- starting, listing, describing ----

my @start = ('start', '--type', 'basic', '--task-queue', 'nobody');
like(
	prints(
		@start, '--id', 'one', '--memo', '{"n": 1}', '--summary', 'a first'),
	qr/^one [0-9a-f-]{36}$/,
	'start prints the workflow and run ids');
is(prints_json(@start, '--id', 'one', '--id-conflict-policy', 'use-existing')
	  ->{started},
	JSON::PP::false, 'start of what is there, as JSON');
fails(1, qr/SQLSTATE PW106/, @start, '--id', 'one');
fails(2, qr/invalid value "never" for option --id-conflict-policy/,
	@start, '--id-conflict-policy', 'never');
fails(2, qr/input is not valid JSON/, @start, '--input', '{');
fails(2, qr/could not read input from "nowhere"/, @start, '--input',
	'@nowhere');
prints(@start, '--id', 'two', '--signal', 'go', '--signal-input', '[1]');
like(prints('list'), qr/^Running +one +basic +nobody /m, 'list has a line');
is(scalar(@{ prints_json('list', '--limit', '1') }), 1, 'list has a limit');
is(prints_json('list', '--query', q{WorkflowId = 'one'})->[0]{memo}{n},
	1, 'list finds by query');
fails(1, qr/SQLSTATE PW003/, 'list', '--query', 'this is none');
is(prints('count', '--query', q{WorkflowType = 'basic'}), '2', 'count');
is(prints_json('count', '--query', 'GROUP BY ExecutionStatus')
	  ->{groups}[0]{count},
	2, 'count of groups');
like(prints('describe', 'one'), qr/^summary +a first$/m,
	'describe has the summary');
is(prints_json('describe', 'one')->{workflowExecutionInfo}{taskQueue},
	'nobody', 'describe as JSON');
like(prints('show', 'two'), qr/WorkflowExecutionSignaled +signalName=go/,
	'show has the signal');
like(prints('show', 'two', '--reverse'), qr/^ +3 .*\n +2 .*\n +1 /,
	'show in reverse');
is(prints_json('show', 'two')->{events}[0]{eventType},
	'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED', 'show as JSON');

# ---- messages ----

prints('pause', 'one', '--reason', 'lunch');
prints('unpause', 'one');
fails(1, qr/SQLSTATE PW004/, 'query', 'one', 'state', '--timeout', '10ms');
fails(1, qr/SQLSTATE PW004/, 'stack', 'one', '--timeout', '10ms');
fails(5, qr/^$/, 'update', 'one', 'add', '--update-id', 'u', '--timeout',
	'10ms');
is($out, 'u admitted', 'update says how far it has got');
prints('cancel', 'two', '--reason', 'done');
prints('terminate', 'one');
fails(3, qr/"one": Terminated/, 'result', 'one');
fails(3, qr/"one": Terminated/,
	'query', 'one', 'state', '--reject', 'not-completed');
fails(2, qr/reset needs --event-id or --reset-type/, 'reset', 'one');
fails(1, qr/SQLSTATE PW003/, 'reset', 'one', '--event-id', '2');
prints('delete', 'one');
fails(1, qr/SQLSTATE PW005/, 'describe', 'one');
prints('terminate', 'two');

# ---- a run that goes on ----

my $worker = start_worker($node);
prints('start', '--type', 'basic', '--task-queue', 'test', '--id', 'run',
	'--input', '["hello", 1]');
wait_for_event($node, 'run', 'TimerFired');
my $follower =
  start_program($node, program('pgworkflow'), 'show', 'run', '--follow');
my $tracer = start_program($node, program('pgworkflow'), 'trace', 'run', '--follow', '--width',
	'100');
like(prints('trace', 'run'), qr/^run  basic  Running .*\n^activity echo /m,
	'trace of a run that goes on');
prints('signal', 'run', 'go', '--input', '{"n": 2}');
is(prints('result', 'run'), '{
  "echo": "hello",
  "signal": {
    "n": 2
  }
}', 'result');
is(prints_json('result', 'run')->{status}, 'Completed', 'result as JSON');
is(wait_program($follower), 0, 'show --follow ends with the run');
is(scalar(split(/\n/, program_output($follower))),
	20, 'and has shown all events');
is(wait_program($tracer), 0, 'trace --follow ends with the run');
like(
	program_output($tracer),
	qr/^run  basic  Completed .*\n^activity echo +.*\d+ ms$/m,
	'and has drawn it');
my $bars = prints_json('trace', 'run')->{bars};
is_deeply(
	[ map { "$_->{what} $_->{outcome}" } @$bars ],
	[
		'activity echo completed',
		'timer 0.001s completed',
		'signal go moment'
	],
	'trace as JSON');
like(prints('reset', 'run', '--reset-type', 'first', '--exclude-signals'),
	qr/^[0-9a-f-]{36}$/, 'reset prints the new run');
prints('terminate', 'run');
like(prints('queue', 'describe', 'test'), qr/^waiting +0$/m,
	'queue describe');
ok(prints_json('queue', 'describe', 'test', '--activity')->{pollers}[0],
	'queue describe of the activity queue as JSON');
stop_program($worker);

like(prints('queue', 'config', 'test', '--activity', '--rate', '2.5', '--reason',
		'slow down', '--key-rate', '1'),
	qr/^limit +2\.5\/s\nlimit of a key +1\/s$/, 'queue config sets limits');
is( prints_json('queue', 'config', 'test', '--activity')
	->{queueRateLimit}{metadata}{reason},
	'slow down', 'and shows them');
like(
	prints('queue', 'config', 'test', '--activity', '--rate', 'none',
		'--key-rate', 'none'),
	qr/^limit +none\nlimit of a key +none$/,
	'and unsets them');
fails(2, qr/invalid number "fast" for option --rate/,
	'queue', 'config', 'test', '--rate', 'fast');

prints('start', '--id', 'waits', '--type', 'basic', '--task-queue', 'quiet');
like(prints('queue', 'list'), qr/^quiet +workflow +1 +0 +0$/m, 'queue list');
is(prints_json('queue', 'list')->[0]{backlog}, 1, 'queue list as JSON');
prints('terminate', 'waits');

# ---- schedules ----

my $file = test_file('schedule.json');
append_to_file($file, '{"spec": {"interval": [{"interval": "3600s"}]},
	"action": {"startWorkflow": {"workflowId": "hourly",
		"workflowType": {"name": "basic"}, "taskQueue": {"name": "nobody"}}}}');
prints('schedule', 'create', 'hourly', '--schedule', "\@$file");
fails(1, qr/SQLSTATE PW006/,
	'schedule', 'create', 'hourly', '--schedule', "\@$file");
fails(1, qr/schedule is not set/, 'schedule', 'create', 'daily');
prints('schedule', 'update', 'hourly', '--schedule', "\@$file");
prints('schedule', 'pause', 'hourly', '--reason', 'too often');
like(prints('schedule', 'describe', 'hourly'),
	qr/^state +paused: too often$/m, 'schedule describe');
like(prints('schedule', 'list'), qr/^hourly +paused +basic /m,
	'schedule list');
prints('schedule', 'unpause', 'hourly');
prints('schedule', 'trigger', 'hourly', '--overlap', 'allow-all');
prints(
	'schedule', 'backfill', 'hourly',
	'--from', '2026-01-01T00:00:00Z',
	'--to', '2026-01-01T01:00:00Z');
fails(2, qr/needs --from and --to/, 'schedule', 'backfill', 'hourly');
is( prints(
		'schedule', 'times', 'hourly',
		'--from', '2026-01-01T00:00:00Z',
		'--to', '2026-01-01T01:00:00Z'),
	'2026-01-01T01:00:00.000000Z',
	'schedule times');
is(prints_json('schedule', 'list')->[0]{scheduleId}, 'hourly',
	'schedule list as JSON');
prints('schedule', 'delete', 'hourly');
fails(1, qr/SQLSTATE PW005/, 'schedule', 'describe', 'hourly');

# ---- namespaces ----

prints('namespace', 'create', 'other', '--retention', '2d', '--description',
	'for tests');
prints('namespace', 'update', 'other', '--retention', '3d');
like(prints('namespace', 'describe', 'other'), qr/^retention +259200s$/m,
	'namespace describe');
like(prints('namespace', 'list'),
	qr/^default +\S+ .*\nother +259200s +for tests$/m,
	'namespace list');
is(prints_json('namespace', 'list')->[1]{namespaceInfo}{name}, 'other',
	'namespace list as JSON');
prints('namespace', 'create', 'unreal', '--virtual-time');
prints('start', '--id', 'later', '--type', 'basic', '--task-queue', 'quiet',
	'--namespace', 'unreal');
$node->safe_psql('postgres', "SELECT workflow.advance_time('unreal', '10 d')");
like(prints('trace', 'later', '--namespace', 'unreal'),
	qr/^later  basic  Running  .* UTC  10 d 00 h$/m,
	'trace shows the time of its namespace');
prints('namespace', 'delete', 'unreal');
is(prints('list', '--namespace', 'other'),
	'STATUS  WORKFLOW ID  TYPE  TASK QUEUE  START  CLOSE', 'an empty list');

# ---- the command line ----

fails(2, qr/no command given/);
fails(2, qr/unknown command "dance"/, 'dance');
fails(2, qr/wrong number of arguments for command "signal"/, 'signal', 'x');
fails(2, qr/unrecognized option '--cron'/, 'list', '--cron', '* * * * *');
fails(2, qr/invalid time "1 year" for option --timeout/,
	'result', 'x', '--timeout', '1 year');
fails(2, qr/invalid number "few" for option --limit/, 'list', '-l', 'few');
like(prints('--version'), qr/^pgworkflow \d+\.\d+/, 'version');

my $manual = slurp_file("$cli/pgworkflow.1");
$manual =~ s/\\-/-/g;
my $help = prints('--help');
my @commands = $help =~ /^  ([a-z]+(?: [a-z]+)?)(?= [A-Z.]+ | {2})/mg;
cmp_ok(scalar(@commands), '>', 30, 'the help has the commands');
my @unknown;
my %complete;
foreach my $command (@commands)
{
	my @words = split(/ /, $command);
	my (undef, $text) = pgworkflow($node, @words, '--help');
	my ($usage) = $text =~ /^Usage: pgworkflow (.*) \[OPTION\]/;
	my %known = map { $_ => 1 }
	  split(/\n/, (pgworkflow($node, '__complete', @words, '--'))[1]);

	push(@unknown, "manual: $command") if index($manual, ".B $command") < 0;
	while ($text =~ /^ .{5}--([a-z-]+)/mg)
	{
		my $option = $1;

		push(@unknown, "manual: --$option")
		  if $manual !~ /--\Q$option\E\\fP/;
		push(@unknown, "completion: $command --$option")
		  if !$known{"--$option"} && $option !~ /^(?:help|version)$/;
	}
	$complete{ $words[0] } = 1;
}
is_deeply(\@unknown, [], 'manual page and completion know all options');
my %offered = map { $_ => 1 }
  split(/\n/, (pgworkflow($node, '__complete', ''))[1]);
is_deeply(\%offered, \%complete, 'completion knows all commands');
is((pgworkflow($node, '__complete', 'schedule', 'tr'))[1],
	'trigger', 'completion of a second word');
is( (pgworkflow($node, '__complete', 'start', '--id-reuse-policy', ''))[1],
	"allow\nfailed-only\nreject",
	'completion of a value');

my ($bash_out, $bash_err);
IPC::Run::run(
	[
		'bash', '-c',
		"source $cli/pgworkflow.bash; pgworkflow() { echo one; echo two; };
		COMP_WORDS=(pgworkflow l); COMP_CWORD=1; _pgworkflow;
		echo \"\${COMPREPLY[*]}\""
	],
	'>', \$bash_out, '2>', \$bash_err);
is($bash_out, "one two\n", 'bash completion asks the command')
  or diag($bash_err);

done_testing();
