# The documents are right: their examples print what they show, and they have
# all functions, views, commands, events, errors and settings there are.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PgWorkflow::Document;
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = dirname(dirname(abs_path($FindBin::RealBin)));
my $api_file = "$top/doc/sql-api.md";
my $api = read_document($api_file);
my $operations = read_document("$top/doc/operations.md");
my $node = new_node('main',
	conf => "timezone = 'UTC'\ndatestyle = 'ISO'\nlc_messages = 'C'\n");

# ---- Examples ----

sub check_examples
{
	my ($file, $db) = @_;
	my @examples = read_examples("$top/$file");
	my @wrong;

	run_examples(
		[ 'psql', '--dbname', $node->connstr($db) ], \@examples);
	foreach my $example (@examples)
	{
		my $got = masked($example->{got});

		next
		  if defined $example->{shown}
		  ? $got eq masked($example->{shown})
		  : $got !~ /^(ERROR|FATAL|psql):/m;
		push @wrong,
			"$file, line $example->{line}:\n$example->{input}prints\n"
		  . (defined $example->{got} ? $example->{got} : 'nothing');
	}
	utf8::encode($_) foreach @wrong;
	cmp_ok(scalar(@examples), '>', 0, "$file: has examples");
	is(join("\n", @wrong), '', "$file: examples print what is shown");
}

# the first example of the README creates the extension
$node->safe_psql('postgres', 'CREATE DATABASE readme');
check_examples('README.md', 'readme');
new_database($node, 'api');
check_examples('doc/sql-api.md', 'api');

# what it asks is about the workflows of the examples before it
check_examples('doc/operations.md', 'api');

foreach my $topic (qw(schedules search versioning virtual-time))
{
	new_database($node, $topic);
	check_examples("doc/$topic.md", $topic);
}

# ---- Functions and views ----

sub rows
{
	my ($query) = @_;

	return
	  map { [ split(/\t/, $_, -1) ] }
	  split(/\n/, $node->safe_psql('postgres', $query,
			extra_params => [ '--field-separator', "\t" ]));
}

sub type_name
{
	my ($type) = @_;

	$type =~ s/timestamp with time zone/timestamptz/;
	$type =~ s/^workflow\.//;
	return $type;
}

# As the document has them: required, null, or an expression without casts.
sub default_name
{
	my ($default) = @_;

	return 'required' if $default eq '';
	$default =~ s/::[a-z ]+(\[\])?$//;
	return $default eq 'NULL' ? 'null' : $default;
}

sub listed
{
	my (@rows) = @_;

	return join("\n", map { join(' ', @$_) } @rows);
}

my %sections = sections($api);
my (%arguments, %results, %views, %objects, %rights);

foreach my $row (
	rows(q{
		SELECT a.name, a.routine, a.mode, format_type(a.type, NULL),
			coalesce(pg_get_function_arg_default(a.oid, a.position::int), ''),
			coalesce(r.object_right, ''), a.kind, a.result
		FROM (
			SELECT p.oid, p.proname AS routine, p.prokind AS kind,
				pg_get_function_result(p.oid) AS result,
				coalesce(p.proargnames[u.position], '') AS name,
				coalesce(p.proargmodes[u.position], 'i') AS mode,
				u.type, u.position
			FROM pg_proc AS p
			LEFT JOIN LATERAL unnest(
				coalesce(p.proallargtypes, p.proargtypes::oid[]))
				WITH ORDINALITY AS u (type, position) ON true
			WHERE p.pronamespace = 'workflow'::regnamespace) AS a
		LEFT JOIN workflow.object_rights AS r
			ON r.object_kind = 'routine' AND r.object_name = a.routine
		ORDER BY a.routine, a.position}))
{
	my ($name, $routine, $mode, $type, $default, $right, $kind) = @$row;

	$arguments{$routine} ||= [];
	$results{$routine} ||= [];
	$rights{$routine} =
	  ($kind eq 'p' ? 'Procedure' : 'Function') . ", right `$right`";
	next if $type eq '' || $type eq '-';
	push @{ $arguments{$routine} },
	  [ $name, type_name($type), default_name($default) ]
	  if $mode =~ /[ib]/;
	push @{ $results{$routine} }, [ $name, type_name($type) ]
	  if $mode =~ /[otb]/;
}
foreach my $row (
	rows(q{
		SELECT c.relname, a.attname, format_type(a.atttypid, NULL),
			r.object_right
		FROM pg_class AS c
		JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
		JOIN workflow.object_rights AS r
			ON r.object_kind = 'view' AND r.object_name = c.relname
		WHERE c.relnamespace = 'workflow'::regnamespace
			AND c.relkind IN ('v', 'm') AND NOT a.attisdropped
		ORDER BY c.relname, a.attnum}))
{
	push @{ $views{ $row->[0] } }, [ $row->[1], type_name($row->[2]) ];
	$rights{"$row->[0] view"} = "View, right `$row->[3]`";
}

# a function that has the name of a view is "name()"
my %routine_section =
  map { $_ => exists $views{$_} ? "$_()" : $_ } keys %arguments;

my %has_section = map { $_ => 1 } values %routine_section, keys %views;

is(join(' ', sort grep { !exists $sections{$_} } keys %has_section),
	'', 'every function and view has a section');
is(join(' ', sort grep { !$has_section{$_} } keys %sections),
	'', 'every section is of a function or view');

foreach my $routine (sort keys %arguments)
{
	my $section = $sections{ $routine_section{$routine} };

	next unless defined $section;
	is( listed(map { [ @$_[ 0 .. 2 ] ] } tables($section, 'argument')),
		listed(@{ $arguments{$routine} }),
		"$routine: arguments");
	is( listed(map { [ @$_[ 0, 1 ] ] } tables($section, 'result')),
		listed(@{ $results{$routine} }),
		"$routine: results");
	like($section, qr/\Q$rights{$routine}\E/, "$routine: right");
}
foreach my $view (sort keys %views)
{
	my $section = $sections{$view};

	next unless defined $section;
	is( listed(map { [ @$_[ 0, 1 ] ] } tables($section, 'column')),
		listed(@{ $views{$view} }),
		"$view: columns");
	like($section, qr/\Q$rights{"$view view"}\E/, "$view: right");
}

# ---- Commands, events, errors ----

sub first_cells
{
	my ($heading) = @_;

	return sort map { $_->[0] } tables($api, $heading);
}

sub source
{
	my ($file) = @_;

	return slurp_file("$top/extension/$file");
}

is( join(' ', first_cells('command')),
	join(
		' ',
		sort(
			source('pgwf_command.c') =~
			  /\{\s*"(\w+)",\s*"\w+CommandAttributes"/g)),
	'every command is in the table of commands');

my $events = $node->safe_psql('postgres',
	"SELECT unnest(enum_range(NULL::workflow.event_type))");
my @not_written = qw(
  WorkflowExecutionUpdateRejected WorkflowPropertiesModifiedExternally
  ActivityPropertiesModifiedExternally
  WorkflowExecutionTimeSkippingTransitioned);
my %not_written = map { $_ => 1 } @not_written;

is( join(' ', first_cells('event')),
	join(' ', sort grep { !/^Nexus/ && !$not_written{$_} } split(/\n/, $events)),
	'every event is in the table of events');

my @states = map { join('', /'(.)'/g) }
  source('pgwf_errors.h') =~ /MAKE_SQLSTATE\(([^)]*)\)/g;

is( join(' ', first_cells('SQLSTATE')),
	join(' ', sort @states),
	'every SQLSTATE is in the table of errors');

# ---- Settings ----

# As SHOW prints it
sub setting_value
{
	my ($value, $unit, $type) = @_;
	my @units =
	  $unit eq 'B'
	  ? ([ 1024 * 1024, 'MB' ], [ 1024, 'kB' ], [ 1, 'B' ])
	  : $unit eq 'ms' ? (
		[ 86400000, 'd' ],
		[ 3600000, 'h' ],
		[ 60000, 'min' ],
		[ 1000, 's' ],
		[ 1, 'ms' ])
	  : ();

	return $value if $value eq '0' || $type eq 'bool' || !@units;
	foreach my $candidate (@units)
	{
		return $value / $candidate->[0] . " $candidate->[1]"
		  if $value % $candidate->[0] == 0;
	}
	return;
}

my %context = (
	user => 'anybody',
	superuser => 'superuser',
	sighup => 'reload',
	postmaster => 'restart');
my %settings =
  map { $_->[0] => "$_->[1], $_->[2]" } tables($operations, 'setting');
my %expected;

$expected{ $_->[0] =~ s/^pg_workflow\.//r } =
  setting_value(@$_[ 1 .. 3 ]) . ", $context{$_->[4]}"
  foreach rows(
	q{SELECT name, boot_val, coalesce(unit, ''), vartype, context
	  FROM pg_settings WHERE name LIKE 'pg\_workflow.%'});
is( join("\n", map { "$_: $settings{$_}" } sort keys %settings),
	join("\n", map { "$_: $expected{$_}" } sort keys %expected),
	'every setting is in the table of settings, with its default');

check_invariants($node);
done_testing();
