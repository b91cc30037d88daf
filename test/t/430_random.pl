# Random calls by several sessions, each held against a model of the rules:
# see test/random.  One seed is always the same, one is new each time, and so
# is one with clocks that are set forward.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PgWorkflow::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = '/usr/bin/python3';

plan skip_all => 'needs psycopg2'
  if !-x $python || system("$python -c 'import psycopg2' 2> /dev/null") != 0;

my $test = dirname(dirname(abs_path(__FILE__)));
my $node = new_node('random');

foreach my $run ([1], [ time() ], [ time(), '--virtual' ])
{
	my ($seed, @options) = @$run;
	my $name = join(' ', 'seed', $seed, @options);

	note $name;
	my $program = start_program($node, $python, '-B',
		"$test/random/random_test.py",
		'--seed', $seed, '--duration', 4, @options);
	my $status = wait_program($program);

	is($status, 0, "$name: the model agrees")
	  or diag(program_output($program));
	note((split(/\n/, program_output($program)))[-1]);
}

check_invariants($node);
done_testing();
